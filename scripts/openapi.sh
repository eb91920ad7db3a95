#!/usr/bin/env bash
# Writes the description of the HTTP API; a test compares the file with what the service says.
source "$(dirname "$0")/lib.sh"

stage "Describing the API"
mkdir -p schema/api
described="$(mktemp)"
trap 'rm -f "$described"' EXIT
cargo run --quiet -p usher -- openapi >"$described"
cp "$described" schema/api/openapi.json
echo "schema/api/openapi.json"
