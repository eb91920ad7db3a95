#!/usr/bin/env bash
# The long randomised tests: SEED=n starts elsewhere, SHARD=i/n (from 0) runs a part. Prints what each test counted.
source "$(dirname "$0")/lib.sh"

export USHER_MUTANTS=1 USHER_SOAK=1 SEED="${SEED:-1}" SHARD="${SHARD:-0/1}"
export RUST_BACKTRACE="${RUST_BACKTRACE:-0}"

stage "Building"
cargo test -p usher --no-run --test crash

stage "Kills, failing calls, full disks, damage (SEED=$SEED SHARD=$SHARD)"
cargo test -p usher --test crash -- --nocapture --test-threads=2
