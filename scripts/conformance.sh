#!/usr/bin/env bash
# Runs the project's own cases always, and a folder of published ones where CONFORMANCE names it: through the evaluator
# and over HTTP. One line per suite and kind of assertion; fails if one of them fails.
source "$(dirname "$0")/lib.sh"

if [ -n "${CONFORMANCE:-}" ]; then
    USHER_CONFORMANCE="$(cd "$CONFORMANCE" && pwd)"
    export USHER_CONFORMANCE
else
    skip conformance "published conformance data (make conformance CONFORMANCE=<folder>)"
fi
export USHER_MUTANTS=1
cargo test --features "$TESTED" --test conformance -- --nocapture --test-threads=1
