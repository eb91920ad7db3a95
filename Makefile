# The words of everyday work; CI runs the same ones. Each prints its stages.

.PHONY: run test check fmt openapi soak conformance bench real-files clean

run: ## Build, load the sample corpus, serve it in the foreground
	@scripts/run.sh

test: ## Set up and run all tests
	@scripts/test.sh

check: ## Format, lints, feature sets, licences
	@scripts/check.sh

fmt: ## Format the code
	@cargo fmt --all

openapi: ## Write schema/api/openapi.json, docs/metrics.md and deploy/usher.example.toml
	@scripts/openapi.sh

soak: ## The long randomised tests; SEED=n starts elsewhere, SHARD=i/n runs a part
	@scripts/soak.sh

conformance: ## OpenFGA conformance data; CONFORMANCE=<folder>
	@scripts/conformance.sh

bench: ## Ratios against baselines; SIZE=S (minutes), M or L, SHAPE=mixed
	@scripts/bench.sh

real-files: ## Thousands of this machine's files with POSIX rights, every answer compared with the kernel's; needs root
	@scripts/real-files.sh

clean: ## Remove builds and the sample's data
	@cargo clean; rm -rf .run
