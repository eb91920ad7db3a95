#!/bin/sh
# Makes OpenFGA's store with the default model, once, and writes the configuration of the Ushers.
set -eu
fga=http://openfga:8080

until curl -fsS "$fga/healthz" >/dev/null 2>&1; do sleep 1; done

if [ ! -f /configuration/usher.toml ]; then
    store="$(curl -fsS "$fga/stores" -H 'Content-Type: application/json' -d '{"name":"usher"}' |
        sed -n 's/.*"id":"\([0-9A-Z]\{26\}\)".*/\1/p')"
    curl -fsS "$fga/stores/$store/authorization-models" -H 'Content-Type: application/json' \
        -d @/model/model.json >/dev/null
    # Everybody is cleared for what has no other label.
    curl -fsS "$fga/stores/$store/write" -H 'Content-Type: application/json' -d '{"writes":{"tuple_keys":[
        {"user":"user:*","relation":"cleared","object":"classification:open"},
        {"user":"agent:*","relation":"cleared","object":"classification:open"},
        {"user":"service:*","relation":"cleared","object":"classification:open"}]}}' >/dev/null
    sed "s/STORE/$store/" /deploy/usher.toml >/configuration/usher.toml.new
    mv /configuration/usher.toml.new /configuration/usher.toml
fi
# The Ushers run as a user of their own.
chmod 644 /configuration/usher.toml
