module usher.invalid/tools

go 1.25.7

require (
	github.com/openfga/cli v0.7.8
	github.com/openfga/openfga v1.18.1
)
