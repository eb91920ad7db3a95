"""Compares what several programs read in PDF files.

    pdf_accuracy.py FOLDER... --usher PROGRAM [--engine NAME=COMMAND]... [--worst N]

The truth is the text file beside a PDF (x.pdf, x.txt). Where there is none, it is what pdftotext reads and what PDFium
(pypdfium2) reads, each for half of the figure, if the two agree on nine tenths of the words; files on which they don't are
only counted. The two themselves are compared with each other then, so their own figures are no measure. Three figures, each
the harmonic mean of precision and recall over bags: characters without spaces, words, and pairs of words that follow each
other (which tells reading order). A file that a program fails on counts as 0.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import statistics
import subprocess
import sys
import time
import unicodedata

TIMEOUT = 60


def words(text):
    """Words as a search would see them: compatibility forms, no soft hyphens, lines rejoined at hyphens, no leaders of dots."""
    text = unicodedata.normalize("NFKC", text).replace("\u00ad\n", "").replace("\u00ad", "").replace("\ufffe", "")
    text = re.sub(r"(?:[.·…_]\s?){4,}", " ", text)
    text = re.sub(r"(?<=\w)[-\u2010]\s*\n\s*(?=[a-zà-ÿ])", "", text.replace("\r", ""))
    return re.sub(r"[\u200b-\u200f\u2060\ufeff\x00-\x08\x0c\x0e-\x1f]", " ", text).casefold().split()


def agreement(a, b):
    """Harmonic mean of precision and recall of two bags; nothing in both is full agreement."""
    a, b = collections.Counter(a), collections.Counter(b)
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def figures(read, truth):
    return (
        agreement("".join(read), "".join(truth)),
        agreement(read, truth),
        agreement(zip(read, read[1:]), zip(truth, truth[1:])),
    )


def output(command):
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return None, TIMEOUT
    text = done.stdout.decode(errors="replace") if done.returncode == 0 else None
    return text, time.monotonic() - started


PDFIUM = """
import sys, pypdfium2
document = pypdfium2.PdfDocument(sys.argv[1])
if document.get_formtype():
    document.init_forms()
for page in document:
    sys.stdout.buffer.write(page.get_textpage().get_text_range(errors="replace").encode(errors="replace") + b"\\n")
"""


def engines(options):
    known = {}
    if options.usher:
        known["usher"] = lambda path: [options.usher, "extract", "--json", path]
    known["pdftotext"] = lambda path: ["pdftotext", "-q", "-enc", "UTF-8", path, "-"]
    known["pdfium"] = lambda path: [sys.executable, "-c", PDFIUM, path]
    for spec in options.engine:
        name, command = spec.split("=", 1)
        known[name] = lambda path, command=command: [*command.split(), path]
    return known


def read_all(path, known):
    """Words and seconds of each program, for one file."""
    result = {}
    for name, command in known.items():
        text, seconds = output(command(str(path)))
        if text is not None and "extract --json" in " ".join(command("")):
            text = json.loads(text)["text"]
        result[name] = (None if text is None else words(text), seconds)
    beside = path.with_suffix(".txt")
    if beside.exists():
        return path, result, {"text": words(beside.read_text())}, "made"
    poppler, pdfium = result["pdftotext"][0], result["pdfium"][0]
    if not poppler or not pdfium or agreement(poppler, pdfium) < 0.9:
        return path, result, None, "none"
    return path, result, {"pdftotext": poppler, "pdfium": pdfium}, "agreed"


def score(name, read, truths):
    if read is None:
        return 0.0, 0.0, 0.0
    rows = [figures(read, truth) for source, truth in truths.items() if source != name]
    return tuple(statistics.mean(column) for column in zip(*rows))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--usher")
    parser.add_argument("--engine", action="append", default=[])
    parser.add_argument("--worst", type=int, default=0, help="show so many files that Usher reads worst")
    parser.add_argument("--limit", type=int, default=100_000)
    options = parser.parse_args()
    known = engines(options)
    paths = sorted({p for folder in options.folders for p in folder.rglob("*.pdf")})[: options.limit]
    scores = {kind: {name: [] for name in known} for kind in ("made", "agreed")}
    seconds, failed, kinds, worst = collections.defaultdict(list), collections.Counter(), collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, result, truth, kind in pool.map(lambda p: read_all(p, known), paths):
            kinds[kind] += 1
            for name, (read, took) in result.items():
                seconds[name].append(took)
                failed[name] += read is None
                if truth is not None:
                    scores[kind][name].append(score(name, read, truth))
            if truth is not None and options.usher:
                worst.append((scores[kind]["usher"][-1], path))
    print(f"{len(paths)} files: {kinds['made']} with known text, {kinds['agreed']} with agreed text, {kinds['none']} without truth")
    for kind, by_name in scores.items():
        if not any(by_name.values()):
            continue
        print(f"\n{kind} text: mean over files, in percent")
        print(f"| {'program':<12} | characters | words | pairs of words | words, worst tenth |")
        print("|---|---|---|---|---|")
        for name, rows in by_name.items():
            means = [100 * statistics.mean(column) for column in zip(*rows)]
            least = sorted(row[1] for row in rows)[: max(1, len(rows) // 10)]
            print(f"| {name:<12} | {means[0]:.2f} | {means[1]:.2f} | {means[2]:.2f} | {100 * statistics.mean(least):.2f} |")
    print("\n| program | files without any text read (errors) | seconds a file, median | slowest |")
    print("|---|---|---|---|")
    for name in known:
        print(f"| {name} | {failed[name]} | {statistics.median(seconds[name]):.3f} | {max(seconds[name]):.1f} |")
    for least, path in sorted(worst)[: options.worst] if options.worst else []:
        print(" ".join(f"{100 * s:6.2f}" for s in least), path)
    pairs = sorted(worst, key=lambda item: item[0][2])
    for least, path in pairs[: options.worst] if options.worst else []:
        print("order " + " ".join(f"{100 * s:6.2f}" for s in least), path)


if __name__ == "__main__":
    main()
