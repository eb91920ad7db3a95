"""Real files in, questions out, every answer compared with the kernel's own decision. Called by real-files.sh."""

import argparse
import collections
import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

HOST, COLLECTION, SOURCE = "testhost", "real", "machine"
HOME = pathlib.Path.home()
# Account: (number, primary group, further groups).
GROUPS = {"staff": 61101, "research": 61102, "finance": 61103, "board": 61104, "guests": 61105}
ACCOUNTS = {
    "ana": (61001, "staff", ["research"]),
    "bo": (61002, "staff", ["finance"]),
    "cem": (61003, "research", []),
    "dia": (61004, "finance", ["board", "staff"]),
    "eli": (61005, "board", ["research", "finance", "staff"]),
    "fay": (61006, "guests", []),
    "gus": (61007, "guests", ["research"]),
    "hal": (61008, "staff", []),
}
# How often each mode is given. Some shut out a narrower class than the one they let in, as the kernel allows.
FILE_MODES = {0o644: 40, 0o640: 30, 0o660: 8, 0o600: 8, 0o604: 3, 0o044: 1, 0o440: 4, 0o404: 2, 0o000: 2, 0o664: 2}
FOLDER_MODES = {0o755: 60, 0o750: 14, 0o711: 6, 0o710: 4, 0o701: 2, 0o770: 4, 0o700: 3, 0o751: 5, 0o705: 2}


def weighted(draw, weights):
    return draw.choices(list(weights), list(weights.values()))[0]


def stage(text):
    print(f"\n== {text}", flush=True)


# ---- collecting -------------------------------------------------------------------------------------------------------


def sources():
    """(name in the tree, folder, share of the files)."""
    rust = sorted(HOME.glob(".cargo/registry/src/*"))
    rustdoc = sorted(HOME.glob(".rustup/toolchains/*/share/doc/rust/html"))
    python = sorted({pathlib.Path(p) for p in sys.path if p.endswith(("site-packages", "dist-packages"))})
    node = [pathlib.Path("/usr/lib/node_modules"), pathlib.Path("/usr/share/nodejs")]
    found = [("doc", pathlib.Path("/usr/share/doc"), 30), ("man", pathlib.Path("/usr/share/man"), 15)]
    found += [("rust", p, 20) for p in rust[:1]] + [("rustdoc", p, 8) for p in rustdoc[:1]]
    found += [("python", p, 20) for p in python[:1]] + [("node", p, 10) for p in node[:1]]
    return [(name, path, share) for name, path, share in found if path.is_dir()]


def regular_files(folder):
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = pathlib.Path(base, name)
            # What is built is no document, however a machine is full of it.
            if path.suffix in (".pyc", ".a", ".so", ".rlib") or path.is_symlink() or not path.is_file():
                continue
            yield path


def pdfs(work):
    """PDF documents of packages, and some made here from installed manuals and drawings."""
    found = [p for root in ("/usr/share",) for p in regular_files(root) if p.name.endswith((".pdf", ".pdf.gz"))]
    found += [p for folder in HOME.glob(".cargo/registry/src/*/*") for p in folder.rglob("*.pdf")]
    made = work / "made"
    made.mkdir()
    commands = {
        "groff.pdf": "zcat -f /usr/share/man/man1/bash.1* | groff -man -Tpdf",
        "ghostscript.pdf": "zcat -f /usr/share/man/man1/gcc.1* | groff -man -Tps | ps2pdf - -",
        "cairo.pdf": "rsvg-convert -f pdf $(find /usr/share /usr/lib -name '*.svg' -size +3k | sort | head -n 1)",
    }
    for name, command in commands.items():
        with open(made / name, "wb") as out:
            run = subprocess.run(["bash", "-c", command], stdout=out, stderr=subprocess.DEVNULL)
        if run.returncode == 0 and (made / name).stat().st_size > 500:
            found.append(made / name)
    return found[:80]


def collect(work, tree, wanted, seed):
    chosen = [("pdf", path, path.name) for path in pdfs(work)]
    found = sources()
    shares = sum(share for _, _, share in found)
    for name, folder, share in found:
        rank = lambda path: hashlib.sha256(f"{seed}{path}".encode()).digest()
        paths = sorted(regular_files(folder), key=rank)[: max(1, wanted * share // shares)]
        chosen += [(name, path, str(path.relative_to(folder))) for path in paths]
    for name, path, relative in chosen:
        target = tree / name / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return len(chosen)


# ---- permissions ------------------------------------------------------------------------------------------------------


def access_list(draw, mode):
    """An access list in the kernel's own format, with one named account, one named group and a mask."""
    users, groups = [n for n, _, _ in ACCOUNTS.values()], list(GROUPS.values())
    none = 0xFFFFFFFF
    entries = [(1, mode >> 6 & 7, none), (2, draw.choice([0, 4, 6]), draw.choice(users)), (4, mode >> 3 & 7, none)]
    # Under a mask of nothing Linux lets named ones in as others, where there is more for them; the rules don't.
    mask = draw.choice([0, 4, 6] if not mode & 4 else [4, 6])
    entries += [(8, draw.choice([0, 4]), draw.choice(groups)), (16, mask, none), (32, mode & 7, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def set_permissions(path, draw, is_folder):
    os.chown(path, draw.choice(list(ACCOUNTS.values()))[0], draw.choice(list(GROUPS.values())))
    mode = weighted(draw, FOLDER_MODES if is_folder else FILE_MODES)
    os.chmod(path, mode)
    if not is_folder and draw.random() < 0.03:
        try:
            os.setxattr(path, "system.posix_acl_access", access_list(draw, mode))
        except OSError as error:
            if draw.random() < 0.01:
                print(f"no access list on {path}: {error}")


def permissions(tree, seed):
    draw = random.Random(seed)
    for base, folders, names in os.walk(tree):
        folders.sort()
        # The first two levels stay open, so that the classes below decide.
        depth = len(pathlib.Path(base).relative_to(tree).parts)
        for name in sorted(folders):
            if depth >= 1:
                set_permissions(pathlib.Path(base, name), draw, True)
        for name in sorted(names):
            set_permissions(pathlib.Path(base, name), draw, False)


def change_permissions(tree, seed, count):
    draw = random.Random(seed + 1000)
    paths = sorted(p for p in tree.rglob("*") if len(p.relative_to(tree).parts) > 1)
    for path in draw.sample(paths, min(count, len(paths))):
        set_permissions(path, draw, path.is_dir())


def account_files(work):
    passwd = "".join(f"{n}:x:{u}:{GROUPS[g]}::/:/bin/false\n" for n, (u, g, _) in ACCOUNTS.items())
    members = lambda group: ",".join(n for n, (_, _, more) in ACCOUNTS.items() if group in more)
    group = "".join(f"{n}:x:{gid}:{members(n)}\n" for n, gid in GROUPS.items())
    (work / "passwd").write_text(passwd)
    (work / "group").write_text(group)


def readable(tree, paths):
    """What each account can open, as the kernel says to a process of that account."""
    answers = {}
    for name, (uid, primary, more) in ACCOUNTS.items():
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(receive)
            os.setgroups([GROUPS[g] for g in more])
            os.setgid(GROUPS[primary])
            os.setuid(uid)
            with os.fdopen(send, "wb") as out:
                for path in paths:
                    try:
                        os.close(os.open(tree / path, os.O_RDONLY))
                        out.write(b"1")
                    except OSError:
                        out.write(b"0")
            os._exit(0)
        os.close(send)
        with os.fdopen(receive, "rb") as answer:
            bits = answer.read()
        os.waitpid(child, 0)
        if len(bits) != len(paths):
            sys.exit(f"the kernel could not be asked as {name}")
        answers[name] = {path for path, bit in zip(paths, bits) if bit == ord("1")}
    return answers


# ---- service ----------------------------------------------------------------------------------------------------------


def memory(pid):
    """(own memory, mapped files) that are resident, MiB; zeros when the process is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0
    sizes = dict(re.findall(r"(Rss\w+):\s+(\d+)", status))
    return int(sizes.get("RssAnon", 0)) // 1024, int(sizes.get("RssFile", 0)) // 1024


class Service:
    def __init__(self, binary, work, port):
        self.port, self.data = port, work / "data"
        self.log = open(work / "service.log", "wb")
        command = [binary / "usher", "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command + ["--admin-listen", f"127.0.0.1:{port + 1}"], stderr=self.log)
        self.local = threading.local()
        for _ in range(300):
            if self.process.poll() is not None:
                sys.exit(f"the service did not start; see {work}/service.log")
            try:
                self.key = (self.data / "admin.key").read_text().strip()
                if self.call("ana", "GET", "/v1/health/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit("the service is not ready after 30 s")

    def call(self, account, method, path, body=None):
        if not hasattr(self.local, "http"):
            self.local.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.key}", "Usher-Subject": f"user:{account}"}
        headers["Content-Type"] = "application/json"
        try:
            self.local.http.request(method, path, json.dumps(body) if body else None, headers)
            reply = self.local.http.getresponse()
            return reply.status, json.loads(reply.read() or b"null")
        except (OSError, http.client.HTTPException):
            del self.local.http
            raise

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def ingest(binary, work, arguments, name):
    command = [str(part) for part in [binary / "usher-ingest", *arguments]]
    start, peak = time.time(), 0
    with open(work / f"{name}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, sum(memory(process.pid)))
            time.sleep(0.05)
    return process.returncode, time.time() - start, peak


def read_report(path):
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    return [line for line in lines if "path" in line], next(line for line in lines if line.get("summary"))


def kind(line):
    """A reason without what is particular to one file."""
    notes = ("groups overlap", "nobody may read it")
    reason = "; ".join(part for part in (line.get("reason") or "").split("; ") if not part.startswith(notes))
    reason = re.sub(r"^.*?: (not a regular file|Permission denied.*)$", r"\1", reason)
    return f"{line['status']}: {re.sub(r'[0-9]+', 'N', reason)[:90]}" if reason else line["status"]


# ---- questions --------------------------------------------------------------------------------------------------------


def words_of(tree, path, draw):
    raw = (tree / path).read_bytes()[:200_000]
    if path.endswith(".gz"):
        import gzip

        try:
            raw = gzip.decompress((tree / path).read_bytes())[:200_000]
        except (OSError, EOFError):
            return ""
    found = sorted(set(re.findall(r"[A-Za-z]{5,14}", raw.decode("utf-8", "ignore"))))
    return " ".join(draw.sample(found, min(4, len(found))))


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def verify(service, tree, stored, may, seed):
    """Reads every stored document as every account, and asks; returns problems and times."""
    draw = random.Random(seed + 7)
    problems, times, counts = collections.Counter(), [], collections.Counter()
    lock = threading.Lock()

    def note(what, detail):
        with lock:
            problems[what] += 1
            if problems[what] <= 5:
                print(f"{what}: {detail}", file=sys.stderr)

    def read(task):
        account, path = task
        quoted = urllib.parse.quote(f"{SOURCE}/{path}", safe="")
        status, _ = service.call(account, "GET", f"/v1/documents/{quoted}?collection={COLLECTION}")
        expected = path in may[account]
        if status not in (200, 404):
            note(f"read answers {status}", f"{account} {path}")
        elif (status == 200) != expected:
            note("LEAK by reading" if status == 200 else "readable, but not found by reading", f"{account} {path}")

    def ask(task):
        account, question, path = task
        body = {"query": question, "top_k": 50, "include": ["metadata"], "collections": [COLLECTION]}
        if path:
            body["filter"] = {"field": "document_id", "op": "eq", "value": f"{SOURCE}/{path}"}
        start = time.perf_counter()
        status, answer = service.call(account, "POST", "/v1/query", body)
        took = time.perf_counter() - start
        if status != 200:
            note(f"query answers {status} {answer.get('code')}", f"{account} {question!r}")
            return
        found = {hit["document_id"].removeprefix(SOURCE + "/") for hit in answer["results"]}
        with lock:
            counts["results"] += len(answer["results"])
            counts["answers"] += 1
            if not path:
                times.append(took)
        for hit in found - may[account]:
            note("LEAK in a query", f"{account} {hit} for {question!r}")
        if path and path in may[account] and path not in found:
            note("readable, but not found by a query", f"{account} {path} {question!r}")

    paths = sorted(stored)
    reads = [(account, path) for account in ACCOUNTS for path in paths]
    open_questions, targeted = [], []
    for path in draw.sample(paths, min(400, len(paths))):
        question = words_of(tree, path, draw)
        if question:
            open_questions += [(account, question, None) for account in ACCOUNTS]
            targeted += [(account, question, path) for account in ACCOUNTS]
    draw.shuffle(open_questions)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(ask, open_questions))
        list(pool.map(ask, targeted))
        list(pool.map(read, reads))
    print(f"{len(reads)} reads, {counts['answers']} queries, {counts['results']} passages checked")
    print(f"query over HTTP: p50 {percentile(times, .5) * 1e3:.1f} ms, p95 {percentile(times, .95) * 1e3:.1f} ms")
    shares = ", ".join(f"{account} {len(may[account] & stored) / len(stored):.0%}" for account in ACCOUNTS)
    print(f"readable: {shares}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--files", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    work = options.work.absolute()
    if work.exists():
        shutil.rmtree(work)
    tree = work / "tree"
    tree.mkdir(parents=True)
    for folder in tree.parents:
        if not folder.stat().st_mode & 1:
            sys.exit(f"{folder} can't be passed by other accounts: chmod o+x it, or choose another --work")

    stage(f"Collecting {options.files} files of this machine")
    count = collect(work, tree, options.files, options.seed)
    permissions(tree, options.seed)
    account_files(work)
    size = sum(p.stat().st_size for p in tree.rglob("*") if p.is_file())
    print(f"{count} files, {size / 2**20:.0f} MiB, {len(ACCOUNTS)} accounts, {len(GROUPS)} groups")
    if count < 5000 <= options.files:
        print("fewer than 5,000: install more documentation (packages *-doc) for a full run")

    stage("Starting the service")
    service = Service(options.bin.absolute(), work, options.port)
    try:
        problems = run(options, work, tree, service)
    finally:
        service.stop()
    if not options.keep and not problems:
        shutil.rmtree(work)
    for what, times in sorted(problems.items()):
        print(f"{what}: {times} times")
    print("everything agrees with the kernel" if not problems else "FAILED")
    sys.exit(1 if problems else 0)


def run(options, work, tree, service):
    binary = options.bin.absolute()
    server = ["--server", f"http://127.0.0.1:{options.port}", "--key-file", service.data / "admin.key"]
    host = ["--passwd", work / "passwd", "--group", work / "group", "--host", HOST]
    people = ["people", "--from-host", *host, *server, "--state", work / "people.json"]
    folder = ["folder", tree, "--collection", COLLECTION, "--source", SOURCE, "--acl", "posix", "--hidden"]
    folder += [*host, *server]
    folder += ["--state", work / "state.json", "--create-collection", "--report"]
    problems = collections.Counter()
    code, _, _ = ingest(binary, work, people, "people")
    if code:
        problems[f"people ended with {code}"] += 1

    def pass_over(name):
        code, took, peak = ingest(binary, work, [*folder, work / f"{name}.jsonl"], name)
        if code not in (0, 2, 3):
            print((work / f"{name}.log").read_text()[-2000:], file=sys.stderr)
            sys.exit(f"ingest ended with {code}")
        lines, summary = read_report(work / f"{name}.jsonl")
        counts = ", ".join(f"{n} {status}" for status, n in summary.items() if status in {l["status"] for l in lines})
        print(f"{name}: {took:.1f} s, exit code {code}; {counts}; ingest peak {peak} MiB")
        print("service: %d MiB of its own resident, %d MiB of mapped files" % memory(service.process.pid))
        return lines, took

    stage("First ingest")
    lines, took = pass_over("first")
    stored = {line["path"] for line in lines if line["status"] == "created"}
    chunks, size = sum(l["chunks"] for l in lines), sum(l["bytes"] for l in lines)
    disk = sum(p.stat().st_size for p in service.data.rglob("*") if p.is_file())
    print(f"{len(stored)} documents, {chunks} chunks: {chunks / took:.0f} chunks/s with extraction and embedding")
    print(f"disk: {disk / 2**20:.0f} MiB for {size / 2**20:.0f} MiB of files")
    for reason, times in collections.Counter(kind(l) for l in lines if l["status"] != "created").most_common(30):
        print(f"  {times:5} {reason}")
    slowest = sorted(lines, key=lambda line: -line["ms"])[:5]
    print("slowest: " + ", ".join(f"{l['path']} {l['ms'] / 1e3:.1f} s" for l in slowest))
    files = {str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file()}
    for path in files - {line["path"] for line in lines}:
        problems["not reported"] += 1
        print(f"not reported: {path}", file=sys.stderr)

    stage("Asking as every account")
    problems += verify(service, tree, stored, readable(tree, sorted(stored)), options.seed)

    stage("Ingest again, nothing changed")
    lines, _ = pass_over("second")
    if any(line["status"] in ("created", "updated", "acl_updated") for line in lines):
        problems["an unchanged folder changed something"] += 1

    stage("Other permissions for 300 files and folders, ingest, ask again")
    change_permissions(tree, options.seed, 300)
    pass_over("third")
    problems += verify(service, tree, stored, readable(tree, sorted(stored)), options.seed + 1)
    return problems


if __name__ == "__main__":
    main()
