#!/usr/bin/env bash
# Writes the description of the HTTP API, the page of all metrics and the example of the configuration; tests compare the
# files with what the program says.
source "$(dirname "$0")/lib.sh"

stage "Describing the API, the metrics and the configuration"
mkdir -p schema/api
described="$(mktemp)"
trap 'rm -f "$described"' EXIT
describe() { # command, file
    cargo run --quiet -p usher -- "$1" >"$described"
    cp "$described" "$2"
    echo "$2"
}
describe openapi schema/api/openapi.json
describe metrics docs/metrics.md
describe config deploy/usher.example.toml
