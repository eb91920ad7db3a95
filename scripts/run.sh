#!/usr/bin/env bash
# Builds, serves the sample company in the foreground, and prints questions to paste. Run again, it keeps its data.
# BIN names a folder with built programs, PORT and ADMIN_PORT other ports, USHER_RUN another folder for the data,
# USHER_MODELS a folder that has the embedding model already.
source "$(dirname "$0")/lib.sh"

RUN="${USHER_RUN:-.run}"
PORT="${PORT:-8080}"
ADMIN_PORT="${ADMIN_PORT:-8081}"
URL="http://127.0.0.1:$PORT"

if [ -z "${BIN:-}" ]; then
    # The tests' profile: it is quick to build, quick enough to try, and what is built here serves `make test` too.
    stage "Building: some ten minutes on 2 cores the first time, then seconds"
    cargo build --locked -p usher -p usher-ingest -p usher-sample --bins
    BIN="${CARGO_TARGET_DIR:-target}/debug"
fi
usher="$BIN/usher" ingest="$BIN/usher-ingest"

stage "Sample documents"
mkdir -p "$RUN/keys"
rm -rf "$RUN/sample"
cp -R deploy/sample/files "$RUN/sample"
"$BIN/usher-sample" deploy/sample/make "$RUN/sample"

stage "An embedding model (some 130 MB to get the first time)"
pull_model "$usher" "$RUN/data" ||
    echo "No model could be brought: passages will be found by their words alone. Run \`usher models pull\` to try again."

stage "Starting the service on $URL"
"$usher" serve --data "$RUN/data" --listen "127.0.0.1:$PORT" --admin-listen "127.0.0.1:$ADMIN_PORT" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null' EXIT
trap 'exit 0' INT TERM
# However long it takes: it ends with a message where it can't go on.
while :; do
    kill -0 "$server" 2>/dev/null || fail "the service did not start; see the message above"
    if [ -f "$RUN/data/admin.key" ]; then
        said="$("$usher" keys --server "$URL" --key-file "$RUN/data/admin.key" list 2>&1 >/dev/null)" && break
        case "$said" in
        *"credential"*) fail "$RUN/data/admin.key is no key of the service any more; put a working one with the scopes admin and act_as there ($said)" ;;
        esac
    fi
    sleep 0.1
done

stage "Loading the sample company"
target=(--server "$URL" --key-file "$RUN/data/admin.key")
# All but the single members who join and leave.
"$ingest" people deploy/sample/people.yaml --list sample --state "$RUN/people-state.json" "${target[@]}" | sed '/^[+-] /d'
"$ingest" tuples deploy/sample/tuples.jsonl "${target[@]}"
"$ingest" folder "$RUN/sample" --collection company --create-collection --source skerryvane --allow-public --state "$RUN/ingest-state.json" \
    "${target[@]}"

key() { # name, subject, scope…
    local name="$1" subject="$2"
    shift 2
    [ -f "$RUN/keys/$name" ] || "$usher" keys --server "$URL" --key-file "$RUN/data/admin.key" create "$name" \
        --subject "$subject" "${@/#/--scope=}" --out "$RUN/keys/$name" >/dev/null
}

stage "Ready. Ask the same question as different people:"
while IFS='|' read -r name subject question; do
    [ -n "$name" ] || continue
    key "$name" "$subject" query documents.read
    printf "\ncurl -s %s/v1/query -H \"Authorization: Bearer \$(cat %s/keys/%s)\" -H 'Content-Type: application/json' -d '{\"query\": \"%s\", \"top_k\": 3}'\n" \
        "$URL" "$RUN" "$name" "$question"
done <deploy/sample/demo.txt
printf '\nThe admin key is in %s/data/admin.key. Stop with Ctrl-C.\n' "$RUN"
wait "$server"
