#!/usr/bin/env bash
# How much of PDF files is read, and in which order, by Usher and by other programs: the figures of docs/benchmarks.md.
# Folders with PDF files as arguments (none: those of packages, which are fetched); ENGINES holds more programs to compare,
# each as NAME=COMMAND in a line of its own, that write the text of the file they are given.
source "$(dirname "$0")/lib.sh"

WORK="${WORK:-.tools/pdf}"
mkdir -p "$WORK"
if [ ! -x "$WORK/venv/bin/python" ]; then
    stage "Programs to compare with, and to make files with"
    python3 -m venv "$WORK/venv"
    "$WORK/venv/bin/pip" install --quiet pypdfium2 reportlab fpdf2 pymupdf
fi
command -v pdftotext >/dev/null || fail "pdftotext is missing (poppler-utils)"

stage "Files of known text"
"$WORK/venv/bin/python" scripts/pdf_made.py deploy/sample/make "$WORK/made"

folders=("$@")
if [ ${#folders[@]} = 0 ]; then
    stage "Files of packages"
    mkdir -p "$WORK/packages"
    for package in asymptote-doc bash-doc debian-handbook debian-reference-en debmake-doc developers-reference fop-doc \
        gnuplot-doc gretl-doc groff libtasn1-doc lilypond-doc-pdf maint-guide maxima-doc octave-doc python-reportlab-doc \
        r-doc-pdf texlive-latex-base-doc xfig-doc; do
        [ -d "$WORK/packages/$package" ] && continue
        (cd "$WORK" && apt-get download -qq "$package" && mkdir -p "packages/$package" &&
            dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -C "packages/$package" --wildcards '*.pdf' '*.pdf.gz' 2>/dev/null
        rm -f "$package"_*.deb) || echo "$package: left out"
    done
    find "$WORK/packages" -name '*.pdf.gz' -exec gunzip -f {} +
    find "$WORK/packages" -name '*.pdf' -size +3M -delete
    folders=("$WORK/packages")
fi

engines=()
while read -r engine; do [ -z "$engine" ] || engines+=(--engine "$engine"); done <<<"${ENGINES:-}"
stage "Reading"
"$WORK/venv/bin/python" scripts/pdf_accuracy.py "$WORK/made" "${folders[@]}" \
    --usher "${USHER_INGEST:-${CARGO_TARGET_DIR:-target}/debug/usher-ingest}" "${engines[@]}"
