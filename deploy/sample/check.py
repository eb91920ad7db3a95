#!/usr/bin/env python3
"""Checks the sample corpus: documents, questions, quotes, near-duplicates. Standard library only.

Exits with 1 if anything is wrong. Rule files are not read here; `usher-ingest folder --dry-run` does that.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = "skerryvane"
RULES = ".acl.yaml"
MIN_DOCUMENTS = 150
MIN_QUESTIONS = 60
MIN_DIFFERING = 20
SHINGLE = 8
MAX_SHARED = 0.60

problems = []


def problem(text):
    problems.append(text)


def documents():
    """Text by document id, of files and of texts from which PDF and Word files are made."""
    found = {}
    files = HERE / "files"
    for path in sorted(files.rglob("*")):
        if path.is_file() and not path.name.endswith(RULES):
            name = path.relative_to(files).as_posix()
            if path.suffix in (".pdf", ".docx"):
                continue  # made from a text below
            found[f"{SOURCE}/{name}"] = path.read_text(encoding="utf-8")
    for path in sorted((HERE / "make").glob("*.txt")):
        target, _, text = path.read_text(encoding="utf-8").partition("\n")
        target = target.strip()
        if not (files / target).parent.is_dir():
            problem(f"{path.name}: there is no folder for {target}")
        if pathlib.PurePosixPath(target).suffix not in (".pdf", ".docx"):
            problem(f"{path.name}: the first line names no .pdf or .docx")
        if pathlib.PurePosixPath(target).name != path.name.removesuffix(".txt"):
            problem(f"{path.name}: becomes {target}, which has another name")
        if f"{SOURCE}/{target}" in found:
            problem(f"{path.name}: {target} occurs twice")
        found[f"{SOURCE}/{target}"] = text
    return found


def rule_files_belong(found):
    files = HERE / "files"
    for path in sorted(files.rglob("*" + RULES)):
        if path.name == "_" + RULES:
            continue
        name = path.relative_to(files).as_posix().removesuffix(RULES)
        if f"{SOURCE}/{name}" not in found:
            problem(f"{name}{RULES} belongs to no document")


def tuples():
    seen = set()
    for number, line in enumerate((HERE / "tuples.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        key = json.loads(line)
        if not set(key) <= {"user", "relation", "object", "condition"}:
            problem(f"tuples.jsonl {number}: unknown field")
        identity = (key["user"], key["relation"], key["object"])
        if identity in seen:
            problem(f"tuples.jsonl {number}: {identity} occurs twice")
        seen.add(identity)
    return len(seen)


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return {hash(tuple(words[i : i + SHINGLE])) for i in range(len(words) - SHINGLE + 1)}


def near_duplicates(found):
    sets = {name: shingles(text) for name, text in found.items()}
    names = sorted(sets)
    worst = (0.0, "", "")
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            smaller = min(len(sets[a]), len(sets[b]))
            if smaller == 0:
                continue
            shared = len(sets[a] & sets[b]) / smaller
            worst = max(worst, (shared, a, b))
            if shared > MAX_SHARED:
                problem(f"{a} and {b} share {shared:.0%} of their {SHINGLE}-word sequences")
    return worst


def questions(found, people):
    lines = (HERE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    ids, texts, halves, differing, passages = set(), set(), {"tune": 0, "held": 0}, 0, 0
    for number, line in enumerate(lines, 1):
        where = f"questions.jsonl {number}"
        q = json.loads(line)
        if set(q) != {"id", "question", "readers", "split"}:
            problem(f"{where}: fields are {sorted(q)}")
            continue
        if q["id"] in ids or q["question"] in texts:
            problem(f"{where}: id or question occurs twice")
        ids.add(q["id"])
        texts.add(q["question"])
        if q["split"] not in halves:
            problem(f"{where}: split is {q['split']}")
        else:
            halves[q["split"]] += 1
        if not 2 <= len(q["readers"]) <= 4:
            problem(f"{where}: {len(q['readers'])} readers")
        answers = set()
        for reader, expected in q["readers"].items():
            if reader not in people:
                problem(f"{where}: {reader} is not in people.yaml")
            for passage in expected:
                passages += 1
                text = found.get(passage["document"])
                if text is None:
                    problem(f"{where}: no document {passage['document']}")
                elif passage["quote"] not in text:
                    problem(f"{where}: {passage['document']} does not hold {passage['quote']!r}")
                elif "\n" in passage["quote"]:
                    problem(f"{where}: a quote runs over lines")
            answers.add(tuple(sorted((p["document"], p["quote"]) for p in expected)))
        differing += len(answers) > 1
    if len(lines) < MIN_QUESTIONS:
        problem(f"{len(lines)} questions, wanted {MIN_QUESTIONS}")
    if differing < MIN_DIFFERING:
        problem(f"{differing} questions differ by reader, wanted {MIN_DIFFERING}")
    if abs(halves["tune"] - halves["held"]) > 1:
        problem(f"halves are uneven: {halves}")
    return len(lines), halves, differing, passages


def people():
    """Principals of people.yaml: each stands on a line of its own as `- {id: x, kind: agent, ...`."""
    text = (HERE / "people.yaml").read_text(encoding="utf-8").partition("\ngroups:")[0]
    found = re.findall(r"^\s*- \{id: ([\w.-]+)(?:, kind: (\w+))?", text, re.MULTILINE)
    return {f"{kind or 'user'}:{name}" for name, kind in found}


def main():
    found = documents()
    if len(found) < MIN_DOCUMENTS:
        problem(f"{len(found)} documents, wanted {MIN_DOCUMENTS}")
    rule_files_belong(found)
    tuple_count = tuples()
    worst = near_duplicates(found)
    who = people()
    count, halves, differing, passages = questions(found, who)
    words = sorted(len(text.split()) for text in found.values())
    kinds = {}
    for name in found:
        suffix = name.rsplit(".", 1)[-1]
        kinds[suffix] = kinds.get(suffix, 0) + 1
    print(f"documents: {len(found)} ({', '.join(f'{n} {k}' for k, n in sorted(kinds.items(), key=lambda x: -x[1]))})")
    print(f"words: {sum(words)}, median {words[len(words) // 2]}, {words[0]} to {words[-1]}")
    print(f"people, agents, services: {len(who)}; tuples: {tuple_count}")
    print(f"questions: {count} (tune {halves['tune']}, held {halves['held']}), "
          f"{differing} differ by reader, {passages} expected passages")
    print(f"most alike: {worst[0]:.1%} {worst[1]} {worst[2]}")
    for text in problems:
        print("problem:", text, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
