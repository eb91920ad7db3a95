# Shared by the scripts: where we are, what is needed, how stages are printed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stage() { printf '\n== %s\n' "$*"; }

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

need cargo "install Rust 1.95 or newer (rustup.rs)"
command -v cc >/dev/null || command -v gcc >/dev/null || fail "a C compiler is missing: apt-get install build-essential"
