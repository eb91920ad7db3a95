#!/usr/bin/env bash
# Sets up and runs all tests. The test build alone carries the deliberate bugs and failpoints that prove that the tests
# bite; `USHER_MUTANTS` is read by build.rs.
source "$(dirname "$0")/lib.sh"

export USHER_MUTANTS=1 RUST_BACKTRACE="${RUST_BACKTRACE:-0}"

need curl curl
source scripts/onnx.sh

stage "Formatting"
if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --all --check
else
    echo "skipped: rustfmt is not installed (rustup component add rustfmt)"
fi

stage "Building (the first time takes several minutes)"
cargo test --workspace --features "$TESTED" --no-run

# The real server and unmodified clients, for the tests that compare with them; they say what they skip.
scripts/openfga.sh

start_postgres

stage "Tests"
cargo test --workspace --features "$TESTED" --no-fail-fast

# What reads the catalog's file itself is left out; the suite of catalogs has run on both above.
stage "The service and the leak oracle, with their catalogs in PostgreSQL"
USHER_TEST_CATALOG=postgres cargo test --workspace --features "$TESTED" --no-fail-fast --test service --test leak -- \
    --skip mutants --skip moving --skip a_second_process_is_refused --skip a_backup_of_a_running_service \
    --skip a_catalog_that_is_older --skip the_operation_log_is_cut

if [ -z "${USHER_CONFORMANCE:-}" ]; then
    stage "skipped: published conformance data (set USHER_CONFORMANCE to its folder)"
fi
