#!/usr/bin/env bash
# Everything about the code that needs no run: format, lints, the three feature sets, licences and advisories.
source "$(dirname "$0")/lib.sh"

stage "Formatting"
cargo fmt --all --check

stage "Lints, as users build it"
cargo clippy --workspace --lib --bins --examples -- -D warnings

stage "Lints, without what connects to an OpenFGA server"
cargo clippy -p usher --no-default-features --lib --bins -- -D warnings

stage "Lints, all that the tests build"
USHER_MUTANTS=1 cargo clippy --workspace --features "$TESTED" --all-targets -- -D warnings

# Licences, banned packages and sources are checked by `make test` too (tests/house/packages.rs), without cargo-deny.
stage "Advisories"
if command -v cargo-deny >/dev/null; then
    cargo deny check
else
    skip cargo-deny "cargo-deny is not installed (cargo install --locked cargo-deny)"
fi
