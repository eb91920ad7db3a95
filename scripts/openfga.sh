#!/usr/bin/env bash
# Installs into .tools, from pinned versions, what the tests of the compatible surface need: the OpenFGA server and its
# command line `fga` (with Go), and the Python and JavaScript SDKs. Says what was skipped where that can't be done; a
# second run is quick.
source "$(dirname "$0")/lib.sh"

SERVER=github.com/openfga/openfga/cmd/openfga@v1.22.1
CLI=github.com/openfga/cli/cmd/fga
TOOLS="$PWD/.tools/bin"

# A toolchain of another project must not decide how modules are looked up.
build_server() { GOFLAGS=-mod=mod GOBIN="$TOOLS" go install "$SERVER"; }

# The command line is built beside the server's version: what its own release asks for is no longer served everywhere.
build_cli() {
    local module status
    module="$(mktemp -d)"
    cp scripts/openfga/go.mod scripts/openfga/go.sum "$module"
    (cd "$module" && GOFLAGS=-mod=mod go build -o "$TOOLS/fga" "$CLI")
    status=$?
    rm -rf "$module"
    return "$status"
}

install_javascript() {
    cp tests/clients/javascript/package.json tests/clients/javascript/package-lock.json .tools/javascript &&
        (cd .tools/javascript && npm ci --no-audit --no-fund)
}

if command -v go >/dev/null; then
    install "OpenFGA server (the first time takes several minutes)" "$TOOLS/openfga.ready" "$SERVER" build_server
    install "fga" "$TOOLS/fga.ready" "$(of_files scripts/openfga/go.mod)" build_cli
else
    skip openfga "OpenFGA server and fga (Go 1.25.7 or newer is not installed)"
fi
if command -v python3 >/dev/null; then
    install_python "openfga-sdk (Python)" python
else
    skip openfga "openfga-sdk (Python is not installed)"
fi
if command -v npm >/dev/null; then
    mkdir -p .tools/javascript
    install "@openfga/sdk (JavaScript)" .tools/javascript.ready "$(of_files tests/clients/javascript/*.json)" install_javascript
else
    skip openfga "@openfga/sdk (Node.js is not installed)"
fi
