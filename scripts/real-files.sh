#!/usr/bin/env bash
# Ingests thousands of files that this machine really has, with POSIX owners, groups and modes, then asks as accounts of
# different groups and compares every answer with what the kernel lets that account open. FILES=6000, SEED=1, PORT=8090;
# BIN names a folder with built programs; KEEP=1 keeps the work folder .run/real-files.
source "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || fail "real-files sets owners and asks the kernel as other accounts: run it as root"
need python3 python3

# Documents by other producers. What can't be installed is simply not among the files.
if command -v apt-get >/dev/null && [ -z "${OFFLINE:-}" ]; then
    stage "Installing packages with PDF documents (OFFLINE=1 leaves it out)"
    apt-get update -qq || true
    for package in bash-doc debian-reference-en gnuplot-doc r-doc-pdf groff libtasn1-doc librsvg2-bin ghostscript; do
        dpkg -s "$package" >/dev/null 2>&1 || apt-get install -qq -y --no-install-recommends "$package" >/dev/null ||
            skip package "$package"
    done
fi

if [ -z "${BIN:-}" ]; then
    stage "Building (the first time takes several minutes)"
    cargo build --release -p usher -p usher-ingest --bins
    BIN="${CARGO_TARGET_DIR:-target}/release"
fi

python3 scripts/real_files.py --bin "$BIN" --work .run/real-files --files "${FILES:-6000}" --seed "${SEED:-1}" \
    --port "${PORT:-8090}" ${KEEP:+--keep}
