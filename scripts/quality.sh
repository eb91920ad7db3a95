#!/usr/bin/env bash
# Serves the sample company as `make run` does, asks what it is known to answer, and the judged questions of tests/data;
# prints the tables of docs/quality.md. Fails below the floors, or where a passage reaches somebody who may not read it.
# BIN names a folder with built programs; USHER_MODELS a folder that has the embedding model already; PORT and PORT + 1 are used.
source "$(dirname "$0")/lib.sh"

export BIN="${BIN:-${CARGO_TARGET_DIR:-target}/debug}" PORT="${PORT:-18480}" ADMIN_PORT=$((${PORT:-18480} + 1))
USHER_RUN="$(mktemp -d)"
export USHER_RUN
scripts/run.sh >"$USHER_RUN/log" 2>&1 &
serving=$!
trap 'kill "$serving" 2>/dev/null; wait "$serving" 2>/dev/null || true; rm -rf "$USHER_RUN"' EXIT
until grep -q "Ready" "$USHER_RUN/log"; do
    kill -0 "$serving" 2>/dev/null || fail "$(tail -n 20 "$USHER_RUN/log")"
    sleep 0.2
done
if grep -q "No model could be brought" "$USHER_RUN/log"; then
    skip models "the quality of answers (scripts/quality.sh): the default model could not be brought"
    exit 0
fi

evaluate() { # what, its arguments…
    "$BIN/usher" eval "$@" --server "http://127.0.0.1:$PORT" --key-file "$USHER_RUN/data/admin.key"
}

for half in tune held; do
    stage "The sample company, half $half"
    evaluate deploy/sample/questions.jsonl --collection company --half "$half" --query '{"top_k": 10}' \
        --floor hybrid.ndcg@10=0.67 --floor hybrid.success@3=0.72 --floor keyword.ndcg@10=0.62
done
stage "German, by its words (the default model knows English alone)"
evaluate tests/data/judged/german --modes keyword --floor keyword.ndcg@10=0.94 --floor keyword.success@3=0.94
stage "Japanese, by its words"
evaluate tests/data/judged/japanese --modes keyword --floor keyword.ndcg@10=0.92 --floor keyword.success@3=0.95
