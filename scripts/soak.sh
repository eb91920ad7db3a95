#!/usr/bin/env bash
# The long randomised tests: SEED=n starts elsewhere, SHARD=i/n (from 0) runs a part. Prints what each test counted.
source "$(dirname "$0")/lib.sh"

export USHER_MUTANTS=1 SEED="${SEED:-1}" SHARD="${SHARD:-0/1}"
export RUST_BACKTRACE="${RUST_BACKTRACE:-0}"
shard="${SHARD%/*}" shards="${SHARD#*/}"
# Seeds of different shards never overlap.
seed=$((SEED * 1000000 + shard * 10000))

stage "Building"
cargo test --workspace --features "$TESTED" --no-run --lib --test authority --test catalog --test crash --test leak --test openfga --test service
scripts/openfga.sh

stage "Audience soundness (seed $seed)"
USHER_SOAK=$((20000 / shards)) cargo test --workspace --features "$TESTED" --lib audience_sound -- --nocapture

stage "Leak oracle: sequential, concurrent, twin worlds (seed $seed)"
USHER_SEED=$seed USHER_SOAK=$((84 / shards + 1)) cargo test -p usher --features "$TESTED" --test leak -- --nocapture --test-threads=2 \
    --skip mutants --skip races

stage "Answers while documents and rights change (20,000 and more)"
USHER_SOAK=$((34 / shards + 1)) cargo test -p usher --features "$TESTED" --test service changing:: -- --nocapture --test-threads=2

start_postgres

stage "Many writers of one PostgreSQL catalog (seed $seed)"
USHER_SOAK=$((60 / shards + 1)) cargo test -p usher --features "$TESTED" --test catalog writers -- --nocapture --skip caught

stage "Leak oracle with its catalogs in PostgreSQL (seed $seed)"
USHER_TEST_CATALOG=postgres USHER_SEED=$seed USHER_SOAK=$((42 / shards + 1)) cargo test -p usher --features "$TESTED" --test leak -- \
    --nocapture --test-threads=2 --skip mutants --skip races

stage "Kills, failing calls, full disks, damage (SEED=$SEED SHARD=$SHARD)"
USHER_SOAK=1 cargo test -p usher --features "$TESTED" --test crash -- --nocapture --test-threads=2

stage "Beside the OpenFGA server (seed $seed)"
USHER_SEED=$seed USHER_SOAK=$((20000 / shards)) cargo test -p usher --features "$TESTED" --test openfga random_worlds -- --nocapture

stage "Changes that a stale answer would betray, with both owners of the tuples (seed $seed)"
USHER_SEED=$seed USHER_SOAK=$((40 / shards + 1)) cargo test -p usher --features "$TESTED" --test authority newenemy -- \
    --nocapture --test-threads=2 --skip guards

stage "The OpenFGA server killed 50 times under load (seed $seed)"
USHER_SEED=$seed USHER_SOAK=50 cargo test -p usher --features "$TESTED" --test authority restarts -- --nocapture

stage "From a tuple on the OpenFGA server to the answer"
cargo test -p usher --features "$TESTED" --test authority lag -- --nocapture --ignored
