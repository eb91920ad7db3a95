#!/usr/bin/env bash
# Writes the description of the HTTP API and the page of all metrics; tests compare the files with what the program says.
source "$(dirname "$0")/lib.sh"

stage "Describing the API and the metrics"
mkdir -p schema/api
described="$(mktemp)"
trap 'rm -f "$described"' EXIT
cargo run --quiet -p usher -- openapi >"$described"
cp "$described" schema/api/openapi.json
echo "schema/api/openapi.json"
cargo run --quiet -p usher -- metrics >"$described"
cp "$described" docs/metrics.md
echo "docs/metrics.md"
