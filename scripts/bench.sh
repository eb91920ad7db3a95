#!/usr/bin/env bash
# The end-to-end benchmark: a generated corpus in a real service, readers of planted shares, baselines, verdicts. SIZE=S
# (10,000 chunks), M (100,000) or L (1,000,000); SHAPE=mixed, unique, deep, flat or exclusive; SEED=1. Results go to
# benches/results. LEGS=1 measures both search legs and the resolver alone, against the keyword engine's own search and
# at depths 10 and 100, instead. AUTHORITY=1 measures readers' rights beside a real OpenFGA server, and the memory of
# 1 and 10 million tuples, instead. STARTS=1,3,10 measures starts at these sizes, in units of 10,000 chunks, instead.
# BIN names a folder with the built programs.
source "$(dirname "$0")/lib.sh"

if [ -n "${LEGS:-}" ]; then
    case "${SIZE:-S}" in
    S) chunks=50000 ;;
    M) chunks=100000 ;;
    L) chunks=1000000 ;;
    *) fail "SIZE must be S, M or L" ;;
    esac
    stage "Vector and keyword legs, $chunks chunks"
    USHER_MEASURE_CHUNKS=$chunks cargo test --release -p usher-index --lib measure -- --ignored --nocapture --test-threads=1
    stage "Resolving readers"
    cargo test --release -p usher-authz --lib timing -- --ignored --nocapture --test-threads=1
    exit
fi

if [ -z "${BIN:-}" ]; then
    stage "Building (the first time takes several minutes)"
    cargo build --release -p usher-bench
    BIN="${CARGO_TARGET_DIR:-target}/release"
fi
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
if [ -n "${AUTHORITY:-}" ]; then
    scripts/openfga.sh
    server=()
    [ -x .tools/bin/openfga ] && server=(--server .tools/bin/openfga)
    stage "Rights beside an OpenFGA server"
    "$BIN/usher-bench-authority" "${server[@]}" --commit "$commit"
    exit
fi
if [ -n "${STARTS:-}" ]; then
    stage "Starts, shape ${SHAPE:-mixed}"
    exec "$BIN/usher-bench" --starts "$STARTS" --shape "${SHAPE:-mixed}" --seed "${SEED:-1}"
fi
stage "Size ${SIZE:-S}, shape ${SHAPE:-mixed}"
"$BIN/usher-bench" --size "${SIZE:-S}" --shape "${SHAPE:-mixed}" --seed "${SEED:-1}" --commit "$commit"
