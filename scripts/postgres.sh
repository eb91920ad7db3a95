#!/usr/bin/env bash
# A PostgreSQL server for the tests, of this checkout alone: `start` installs PostgreSQL if it is missing, starts a new
# empty server and prints its URL, `stop` ends it and removes what it wrote. It listens on a socket in a folder that only
# its owner can enter, and on no port. What a run left that was killed is removed by the next start.
#
# The server doesn't wait for the disk: it survives being killed, though not a power failure.
source "$(dirname "$0")/lib.sh"

NOTE=.tools/postgres.folder

# The newest installed version; Debian keeps the server's programs out of the path.
find_programs() {
    BIN="$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)"
    if [ ! -x "$BIN/pg_ctl" ] && command -v pg_ctl >/dev/null; then
        BIN="$(dirname "$(command -v pg_ctl)")"
    fi
    [ -x "$BIN/pg_ctl" ] && [ -x "$BIN/initdb" ]
}

# PostgreSQL refuses to run as root.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && LC_ALL=C.UTF-8 runuser -u postgres -- "$@")
    else
        LC_ALL=C.UTF-8 "$@"
    fi
}

stop() {
    local folder
    folder="$(cat "$NOTE" 2>/dev/null)" || return 0
    # Its number may by now be another process's.
    if grep -qs "$folder" "/proc/$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null)/cmdline" && find_programs; then
        as_server "$BIN/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    fi
    case "$folder" in
    /tmp/usher-postgres.*) rm -rf "$folder" ;;
    esac
    rm -f "$NOTE"
}

start() {
    local folder
    find_programs || { install_package postgresql && find_programs; } >&2 ||
        fail "PostgreSQL is missing: install it (Debian: apt-get install postgresql)"
    if [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then
        fail "PostgreSQL does not run as root, and there is no user postgres: add one, or run this as another user"
    fi
    stop
    mkdir -p .tools
    # Short, because a socket's path has at most 107 bytes, and outside a home that the server's user can't enter.
    folder="$(mktemp -d /tmp/usher-postgres.XXXXXX)"
    printf '%s\n' "$folder" >"$NOTE"
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$folder"
    fi
    as_server "$BIN/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$folder/log" 2>&1 || fail "initdb failed: $(tail -n 5 "$folder/log")"
    cat >>"$folder/data/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$folder'
port = 5432
max_connections = 400
shared_buffers = 64MB
max_wal_size = 512MB
fsync = off
full_page_writes = off
SETTINGS
    as_server "$BIN/pg_ctl" -D "$folder/data" -l "$folder/data/log" -w start >/dev/null 2>&1 ||
        fail "PostgreSQL did not start: $(tail -n 5 "$folder/data/log")"
    printf 'postgres:///postgres?host=%s&port=5432&user=postgres\n' "$folder"
}

case "${1:-}" in
start | stop) "$1" ;;
*) fail "usage: scripts/postgres.sh start|stop" ;;
esac
