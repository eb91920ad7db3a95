#!/usr/bin/env bash
# Everything about the code that needs no run: format, lints, the three feature sets, licences and advisories.
source "$(dirname "$0")/lib.sh"

stage "Formatting"
cargo fmt --all --check

stage "Lints, default features"
cargo clippy --workspace --all-targets -- -D warnings

stage "Lints, the core alone"
cargo clippy -p usher --no-default-features --lib -- -D warnings

stage "Lints, all features"
cargo clippy -p usher --all-features --all-targets -- -D warnings

stage "Licences, sources and advisories"
if command -v cargo-deny >/dev/null; then
    cargo deny check licenses bans sources
else
    echo "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"
fi
