#!/usr/bin/env bash
# Measures both search legs by readable fraction, and resolving readers, in one run each; SIZE=S (50,000 chunks), M
# (100,000) or L (1,000,000). The corpus of the end-to-end benchmark is not built yet.
source "$(dirname "$0")/lib.sh"

case "${SIZE:-S}" in
S) chunks=50000 ;;
M) chunks=100000 ;;
L) chunks=1000000 ;;
*) fail "SIZE must be S, M or L" ;;
esac

stage "Building"
cargo test --release -p usher --lib --no-run

stage "Vector and keyword legs, $chunks chunks"
USHER_MEASURE_CHUNKS=$chunks cargo test --release -p usher --lib measure -- --ignored --nocapture --test-threads=1

stage "Resolving readers"
cargo test --release -p usher --lib timing -- --ignored --nocapture --test-threads=1
