#!/usr/bin/env bash
# Sets up and runs all tests; what was skipped is counted and printed last. The test build alone carries the deliberate
# bugs and failpoints that prove that the tests bite; `USHER_MUTANTS` is read by build.rs.
source "$(dirname "$0")/lib.sh"

export USHER_MUTANTS=1 RUST_BACKTRACE="${RUST_BACKTRACE:-0}"
USHER_SKIPS="$(mktemp)"
export USHER_SKIPS
trap 'rm -f "$USHER_SKIPS"' EXIT

need curl curl
# Programs that recognise text in pictures: their tests say what they miss.
command -v tesseract >/dev/null || install_package tesseract-ocr || true
command -v pdftoppm >/dev/null || install_package poppler-utils || true
source scripts/onnx.sh

stage "Formatting"
if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --all --check
else
    skip rustfmt "rustfmt is not installed (rustup component add rustfmt)"
fi

stage "Building (the first time takes several minutes)"
cargo test --workspace --features "$TESTED" --no-run
source scripts/models.sh

# The real server and unmodified clients, for the tests that compare with them; they say what they skip.
scripts/openfga.sh
scripts/schemathesis.sh

start_postgres
trap 'rm -f "$USHER_SKIPS"; scripts/postgres.sh stop' EXIT

failed=()
suite() { # name, command…
    local name="$1"
    shift
    stage "$name"
    "$@" || failed+=("$name")
}

suite "Tests" cargo test --workspace --features "$TESTED" --no-fail-fast

suite "How well questions are answered" scripts/quality.sh

# What reads the catalog's file itself is left out; the suite of catalogs has run on both above.
suite "The service and the leak oracle, with their catalogs in PostgreSQL" \
    env USHER_TEST_CATALOG=postgres cargo test --workspace --features "$TESTED" --no-fail-fast --test service --test leak -- \
    --skip mutants --skip moving --skip a_second_process_is_refused --skip a_backup_of_a_running_service \
    --skip a_catalog_that_is_older --skip the_operation_log_is_cut

suite "The description of the API: requests that it admits, and others" \
    cargo test --workspace --features "$TESTED" --test service described -- --ignored --nocapture

tell_skips || failed+=("skipped cases that tests/skips.txt does not name")

[ "${#failed[@]}" = 0 ] || fail "$(printf 'failed: %s\n' "${failed[@]}")"
