#!/usr/bin/env bash
# Every command of `fga` that talks to a server, in order; prints what each says. FGA is the program.
set -u
here="$(cd "$(dirname "$0")" && pwd)"
[ -n "${FGA_API_TOKEN:-}" ] || unset FGA_API_TOKEN

# The answer's fields in one order, tokens left out: nothing promises either.
sorted() {
    python3 -c '
import json, sys
text = sys.stdin.read()
def plain(value):
    if isinstance(value, list):
        return sorted((plain(one) for one in value), key=json.dumps)
    if isinstance(value, dict):
        return {name: plain(value[name]) for name in sorted(value) if name not in ("continuation_token", "time_spent")}
    return value
try:
    print(json.dumps(plain(json.loads(text))))
except ValueError:
    print(text.strip())
'
}

# Errors name the server and the request, so only their code is shown.
run() {
    local name="$1" said
    shift
    if said="$("$FGA" "$@" 2>"$errors")"; then
        printf '%s: ' "$name"
        sorted <<<"$said"
    else
        printf '%s: refused %s\n' "$name" "$(grep -o -m 1 -E '\b[a-z]+(_[a-z]+)+\b' "$errors" | grep -E 'error|not_found|input' | head -n 1)"
    fi
}

errors="$(mktemp)"
trap 'rm -f "$errors"' EXIT
cp "$here/../model.fga" model.fga

created="$("$FGA" store create --name "cli client" --model model.fga)" || exit 1
sorted <<<"$created"
FGA_STORE_ID="$(python3 -c 'import json, sys; print(json.load(sys.stdin)["store"]["id"])' <<<"$created")"
export FGA_STORE_ID

run "get" store get
run "model" model get --format json
run "model as text" model get
run "models" model list
run "write" tuple write user:anne viewer doc:1
run "write again" tuple write user:anne viewer doc:1
run "write tolerantly" tuple write user:anne viewer doc:1 --on-duplicate ignore
run "write nonsense" tuple write user:anne none doc:1
run "write condition" tuple write user:anne limited doc:3 --condition-name below --condition-context '{"x": 1}'
cat >tuples.csv <<'CSV'
user_type,user_id,user_relation,relation,object_type,object_id
user,bob,,viewer,doc,1
user,bob,,blocked,doc,1
group,g,member,viewer,doc,1
user,dora,,member,group,g
user,*,,viewer,doc,2
folder,f,,parent,doc,3
user,anne,,viewer,folder,f
CSV
run "import" tuple write --file tuples.csv --max-parallel-requests 1
run "read" tuple read --max-pages 0
run "read by object" tuple read --object doc:1
for user in user:anne user:bob user:nobody group:g#member martian:x; do
    for object in doc:1 doc:2 doc:3; do
        run "check $user $object" query check "$user" can_view "$object"
    done
done
run "check condition" query check user:anne limited doc:3
run "check contextual" query check user:new can_view doc:1 --contextual-tuple "user:new member group:g"
run "list objects" query list-objects user:anne can_view doc
run "list relations" query list-relations user:bob doc:1
run "list users" query list-users --object doc:1 --relation can_view --user-filter user
run "expand" query expand can_view doc:1
run "delete" tuple delete user:anne viewer doc:1
run "delete again" tuple delete user:anne viewer doc:1
run "changes" tuple changes --type doc
cat >tests.fga.yaml <<'YAML'
name: tests
model_file: ./model.fga
tuples:
  - {user: "user:anne", relation: viewer, object: "doc:1"}
tests:
  - name: one
    check:
      - {user: "user:anne", object: "doc:1", assertions: {can_view: true, editor: false}}
YAML
run "test" model test --tests tests.fga.yaml
run "import a store" store import --file tests.fga.yaml --store-id "$FGA_STORE_ID" --max-parallel-requests 1
run "export" store export
run "delete store" store delete --force
run "gone" store get
