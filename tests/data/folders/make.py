#!/usr/bin/env python3
"""Fills a service with a little of everything that a catalog keeps, asks it, and keeps both as text.

    make.py fill http://127.0.0.1:8080 data/admin.key > expected.json     # a new service with default settings
    make.py dump data schema-11                                          # once it has stopped in order

`fill` prints what `tests/service/folders.rs` asks again of later releases. `dump` writes `catalog.sql` and the
end of `audit.jsonl`; put `expected.json` beside them.
"""

import json
import pathlib
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

FAR = "2999-01-01T00:00:00Z"
STAFF, HR, BOARD = "group:staff#member", "group:hr#member", "group:board#member"
# The second is spelled as only older releases keep it.
EVA, ADA = "user:eva%40example.org", "user:Ada%40Example.org"
READERS = ["user:ann", "user:bob", EVA, ADA, "user:eve", "user:zoe", "agent:scribe"]
# What is of one moment, one answer or one release, and ranks.
PASSING = {
    "revision", "request_id", "receipt", "as_of", "staleness_ms", "score", "ranks", "span", "decided_at", "next_cursor",
    "continuation_token", "at", "written_at", "timestamp", "resolution", "content_hash", "acl_digest", "content_digest",
}


def tuple_of(user, relation, target, **condition):
    return {"user": user, "relation": relation, "object": target, **condition}


def during(start, end):
    return {"name": "during", "context": {"start": f"{start}-01-01T00:00:00Z", "end": f"{end}-01-01T00:00:00Z"}}


def document(name, text, acl, collection="main", **more):
    content = {"type": "text/markdown", "text": text}
    # With a title, because older releases embedded a text without one in another way when they made its vector again.
    title = name.split("/")[-1]
    sent = {"id": name, "collection": collection, "title": title, "content": content, "acl": acl, **more}
    return {key: value for key, value in sent.items() if value is not None}


CASES = """Intro to the open part: the procedure has three steps.

# Überblick

Every case of the cooperative is heard within thirty days.

## Vergütung

The settlement for Löwe and Bär is 9000 crowns in each case.

## Ausgang

All open cases are closed by the end of the year.

### Beschluss

The decision names the chair, and the case number is 4711.
"""

LONG = "# Handbook of the yard\n\n" + "".join(
    f"## Step {n}\n\nThe slipway crew checks cradle {n}, greases the rails, and notes case {n} in the yard book. "
    f"{'The tide table hangs at the gate and is read before each launch. ' * 4}\n\n"
    for n in range(1, 5)
)


def documents():
    return [
        document("hr/leave.md", "Leave: staff have thirty days of leave.", {"viewers": [STAFF]}, title="Leave",
                 url="https://intranet.example/leave", metadata={"team": "people"}, source_version=2, source_hash="ab" * 32),
        document("hr/pay.md", "Pay bands are decided in May.",
                 {"parents": ["folder:hr"], "inherit": True, "blocked": ["user:eve"],
                  "classification": "classification:confidential"}),
        document("hr/bonus.md", "The bonus of the case handlers is paid in June.", {"all_of": [[HR], [BOARD, EVA]]}),
        document("hr/cases.md", CASES, {"viewers": [STAFF, ADA], "parents": ["folder:hr"]}, title="Fälle",
                 metadata={"team": "people", "year": 2024},
                 sections=[{"id": "pay", "heading": "Vergütung", "acl": {"viewers": [HR, ADA], "blocked": ["user:eve"]}},
                           {"id": "decision", "heading": "Beschluss", "acl": {"nobody": True}}]),
        document("hr/window.md", "The window of the audit case is open.",
                 {"viewers": [{"principal": ADA, "condition": during(2000, 2999)},
                              {"principal": "user:zoe", "condition": during(2000, 2001)}]}),
        document("wiki/canteen.md", "The canteen opens at eight, in any case.", {"viewers": ["user:*"]}, title="Canteen"),
        document("wiki/quarantine.md", "Quarantine of a doubtful case.", {"nobody": True}),
        document("wiki/Übersicht.md", "Übersicht: the case list of the harbour, for agents too.",
                 {"viewers": ["agent:scribe", EVA], "owners": ["user:bob"]}, expires_at=FAR),
        document("wiki/again.md", "Stored again after its removal, a second case.", {"viewers": [STAFF]}),
        document("wiki/byhand.md", "Rules by hand: leave and canteen for one case.", {"viewers": [HR]}),
        document("wiki/a~b c.md", "# Tilde\n\nA case of names.\n\n# Part\n\nThe part of the tilde case.\n", {"viewers": [STAFF]},
                 sections=[{"id": "part", "heading": "Part", "acl": {"viewers": [HR, "user:max"]}}]),
        document(f"wiki/{'long/' * 50}name.md", "# Long\n\nThe case of a long name.\n\n# Part\n\nThe part of the long case.\n",
                 {"viewers": [BOARD]}, sections=[{"id": "part", "heading": "Part", "acl": {"viewers": [ADA]}}]),
        document("wiki/yard.md", LONG, {"viewers": [STAFF], "parents": ["collection:yard"]}),
        document("regeln/reise.md", "Die Reisekosten werden im Fall von Dienstreisen erstattet. Leave the bill here.", None,
                 "handbuch", metadata={"team": "travel", "year": 2023, "tags": ["a", "b"], "since": "2023-04-01T00:00:00Z"}),
        document("regeln/urlaub.md", "Urlaubstage verfallen im Fall längerer Krankheit nicht.", {"viewers": [HR]}, "handbuch",
                 metadata={"team": "people", "year": 2024, "tags": ["b"], "final": True}),
        document("hr/leave.md", "Leave at the branch: twenty five days, case by case.", {"viewers": ["group:branch#member"]},
                 "branch"),
    ]


BY_HAND = [
    tuple_of("user:ann", "member", "group:staff"),
    tuple_of("user:eve", "member", "group:hr"),
    tuple_of("user:bob", "member", "group:hr"),
    tuple_of(ADA, "member", "group:board"),
    tuple_of(EVA, "member", "group:hr"),
    tuple_of(HR, "member", "group:staff"),
    tuple_of(BOARD, "member", "group:staff"),
    tuple_of("user:zoe", "member", "group:staff", condition=during(2000, 2001)),
    tuple_of("agent:scribe", "member", "group:board", condition=during(2000, 2999)),
    tuple_of("folder:company", "parent", "folder:hr"),
    tuple_of("folder:company", "inherits", "folder:hr"),
    tuple_of(BOARD, "viewer", "folder:company"),
    tuple_of("user:bob", "viewer", "folder:hr"),
    tuple_of("user:eve", "blocked", "folder:company"),
    tuple_of(BOARD, "cleared", "classification:secret"),
    tuple_of("classification:secret", "above", "classification:confidential"),
    tuple_of("user:bob", "cleared", "classification:confidential"),
    tuple_of("user:zoe", "blocked", "collection:yard"),
    tuple_of("user:zoe", "viewer", "document:wiki/quarantine.md"),
    tuple_of("user:zoe", "viewer", "document:wiki/byhand.md"),
    tuple_of("user:bob", "blocked", "document:wiki/byhand.md"),
    tuple_of("user:ann", "viewer", "section:hr/cases.md~pay"),
    tuple_of("user:bob", "blocked", "section:wiki/a%7Eb%20c.md~part"),
    tuple_of("user:zoe", "viewer", "document:hr/gone.md"),
    tuple_of("user:ann", "viewer", "document:hr/never.md"),
]


class Service:
    def __init__(self, base, key):
        self.base, self.keys, self.asked = base, {"": key}, []

    def send(self, method, path, body=None, key="", reader=None, header=None):
        request = urllib.request.Request(self.base + path, method=method)
        if self.keys[key]:
            request.add_header("Authorization", f"Bearer {self.keys[key]}")
        if reader:
            request.add_header("Usher-Subject", reader)
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        return status, json.loads(text) if text else None

    def do(self, method, path, body=None):
        status, answer = self.send(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def store(self, sent):
        """Stores a document; says whether it was taken."""
        result = self.do("POST", "/v1/documents", {"documents": [sent]})["results"][0]
        return result["status"] != "rejected"

    def write(self, writes=(), deletes=(), store=None):
        body = {"writes": list(writes), "deletes": list(deletes)}
        return self.do("POST", "/v1/relationships/write", {**body, **({"store": store} if store else {})})["revision"]

    def ask(self, method, path, body=None, callers=(("admin", None),), keep=(), only=None):
        """Asks as each of the callers, and keeps what must stay; equal answers once."""
        answers = []
        for caller in callers:
            status, answer = self.send(method, path, body, *caller)
            assert status < 500, (path, status, answer)
            # Of a refusal only what programs look at.
            kept = lasting(answer, keep, only) if status < 400 else {"code": answer["code"]}
            same = [one for one in answers if one["status"] == status and one["answer"] == kept]
            if not same:
                same = [{"status": status, "callers": [], "answer": kept}]
                answers += same
            same[0]["callers"].append(caller)
        self.asked.append({"method": method, "path": path, "body": body, "answers": answers})


def lasting(value, keep, only):
    if isinstance(value, dict):
        stays = lambda name: name in only if only else name not in PASSING or name in keep
        return {name: lasting(inner, keep, only) for name, inner in value.items() if stays(name)}
    if isinstance(value, list):
        return [lasting(inner, keep, only) for inner in value]
    return value


def fill(service):
    fields = {"team": "keyword", "year": "number", "tags": "keywords", "since": "time", "final": "bool"}
    settings = {"analyser": "german", "fields": fields, "default_acl": {"viewers": [STAFF]}, "caller_context": ["region"]}
    service.do("PUT", "/v1/collections/handbuch", settings)
    stores = service.do("GET", "/stores")["stores"]
    default = stores[0]["id"]
    model = service.do("GET", f"/stores/{default}/authorization-models")["authorization_models"][0]
    ticket = {"type": "ticket", "relations": {"reader": {"this": {}}},
              "metadata": {"relations": {"reader": {"directly_related_user_types": [{"type": "user"},
                                                                                   {"type": "group", "relation": "member"}]}}}}
    model = {**model, "type_definitions": model["type_definitions"] + [ticket]}
    del model["id"]
    branch = service.do("POST", "/stores", {"name": "branch"})["id"]
    model_id = service.do("POST", f"/stores/{branch}/authorization-models", model)["authorization_model_id"]
    service.do("PUT", "/v1/collections/branch", {"store": branch})
    keys = [tuple_of("user:ann", "member", "group:branch"), tuple_of("group:branch#member", "reader", "ticket:1")]
    service.do("POST", f"/stores/{branch}/write", {"writes": {"tuple_keys": keys}})
    assertion = {"tuple_key": tuple_of("user:ann", "reader", "ticket:1"), "expectation": True}
    service.do("PUT", f"/stores/{branch}/assertions/{model_id}", {"assertions": [assertion]})

    service.write(BY_HAND)
    sent = documents()
    first = document("hr/leave.md", "Leave: an older text.", {"viewers": ["user:zoe"]}, source_version=1)
    gone = document("hr/gone.md", "Gone: this case is deleted.", {"viewers": [STAFF]})
    again = document("wiki/again.md", "A first case.", {"viewers": ["user:zoe"]})
    for one in [first, gone, again, *sent]:
        assert service.store(one), one["id"]
        if one is again:
            for name in ["hr/gone.md", "wiki/again.md"]:
                service.do("DELETE", f"/v1/documents/{urllib.parse.quote(name, '')}?collection=main")
    # Where a release takes it: an id that another collection of the same store holds.
    twin = document("hr/leave.md", "Leave in the handbook: im Fall der Fälle.", {"viewers": [HR]}, "handbuch")
    sent += [twin] if service.store(twin) else []
    # Rules that come without the document; a tuple of the rules that is written by hand too, and one that is taken away.
    wiki = next(one for one in sent if one["id"] == "wiki/byhand.md")
    wiki["acl"] = {"viewers": [HR, "user:max"], "parents": ["folder:wiki"]}
    service.do("PUT", "/v1/documents/wiki%2Fbyhand.md/acl?collection=main", {"acl": wiki["acl"]})
    before = service.write([tuple_of("user:max", "viewer", "document:hr/window.md")])
    service.write(deletes=[tuple_of("user:max", "viewer", "document:hr/window.md")])

    def key(name, scopes, **more):
        made = service.do("POST", "/v1/keys", {"name": name, "scopes": scopes, "expires_at": FAR, **more})
        service.keys[name] = made["key"]
        return made["id"]

    everybody = ["user", "agent", "service"]
    key("admin", ["admin", "act_as"], act_as_types=everybody)
    key("app", ["query", "documents.read"], subject="user:ann", collections=["main"])
    key("feed", ["documents.write"], collections=["main", "handbuch"], sources=["wiki", "regeln"])
    key("chat", ["query", "documents.read", "act_as"], act_as_types=["user"], collections=["main", "branch"])
    service.do("DELETE", "/v1/keys/" + key("revoked", ["query"], subject="user:ann"))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    key("expired", ["query"], subject="user:ann", expires_at=soon)
    service.keys |= {"none": "", "unknown": service.keys["app"][:-1] + ("A" if service.keys["app"][-1] != "A" else "B")}
    time.sleep(5)
    return sent, default, branch, model_id, before


def ask(service, sent, default, branch, model_id, before):
    readers = [("admin", reader) for reader in READERS]
    keys = [(name, None) for name in service.keys if name not in ("", "admin")] + [("chat", "user:ann"), ("chat", "agent:scribe")]
    named = [(one["collection"], one["id"], urllib.parse.quote(one["id"], "")) for one in sent]

    # All that anybody finds; then the best of it.
    hits = {"results", "document_id", "chunk_id", "complete", "warnings"}
    for question, mode, top_k in [
        ("case", "hybrid", 50), ("case", "keyword", 50), ("leave days canteen", "hybrid", 5), ("leave canteen", "keyword", 5),
        ("Vergütung Löwe", "hybrid", 5), ("Vergütung Löwe", "keyword", 5), ("Reisekosten Fälle", "keyword", 5),
        ("cradle rails slipway", "vector", 5), ("decision chair 4711", "keyword", 5),
    ]:
        body = {"query": question, "mode": mode, "top_k": top_k, "include": [], "deadline_ms": 30_000}
        service.ask("POST", "/v1/query", body, readers + (keys if question == "leave canteen" else []), only=hits)
    for field, op, value in [("team", "eq", "travel"), ("year", "gte", 2024), ("tags", "eq", "b"),
                             ("since", "lt", "2024-01-01T00:00:00Z"), ("source", "eq", "regeln"), ("final", "exists", None)]:
        only = {"field": field, "op": op} | ({} if value is None else {"value": value})
        body = {"query": "Fall", "collections": ["handbuch"], "include": ["text", "metadata"], "filter": only,
                "deadline_ms": 30_000}
        service.ask("POST", "/v1/query", body, readers[:2])
    body = {"query": "case", "max_per_document": 1, "top_k": 20}
    chunks = service.send("POST", "/v1/query", body, "admin", "user:bob")[1]["results"]
    service.ask("POST", "/v1/recheck", {"items": [{name: chunk[name] for name in ("chunk_id", "content_hash")} for chunk in chunks]},
                readers)

    for collection, name, path in named + [("main", "hr/gone.md", "hr%2Fgone.md")]:
        service.ask("GET", f"/v1/documents/{path}?collection={collection}", None, readers,
                    only={"version", "title", "content_hash"} | ({"text"} if name == "hr/cases.md" else set()))
        service.ask("GET", f"/v1/documents/{path}/acl?collection={collection}")
        body = {"collection": collection, "document_id": name}
        service.ask("POST", "/v1/explain/readers", body)
        if name != "hr/gone.md":
            for reader in [ADA, "user:eve"]:
                service.ask("POST", "/v1/explain", {"subject": reader, **body},
                            only={"allowed", "readable", "hidden", "missing", "sections", "object"})
    service.ask("POST", "/v1/explain", {"subject": "user:eve", "document_id": "hr/cases.md", "collection": "main"})
    service.ask("POST", "/v1/explain", {"subject": "user:max", "document_id": "hr/window.md", "collection": "main"})
    service.ask("POST", "/v1/explain",
                {"subject": "user:max", "document_id": "hr/window.md", "collection": "main", "as_of_revision": before})
    for collection in ["main", "handbuch", "branch"]:
        service.ask("GET", f"/v1/documents?collection={collection}", None, readers + [("app", None), ("chat", "user:bob")])
        service.ask("GET", f"/v1/collections/{collection}")
        for source in ["hr", "wiki", "regeln"]:
            service.ask("GET", f"/v1/documents/state?collection={collection}&source={source}", None,
                        [("admin", None), ("feed", None)], keep=("content_digest", "acl_digest"))
    service.ask("GET", "/v1/collections", None, [("admin", None), *keys])
    service.ask("GET", "/v1/keys")
    for target in ["group:staff", "group:hr", "folder:hr", "document:wiki/byhand.md", "document:hr/pay.md", "section:hr/cases.md~pay"]:
        service.ask("POST", "/v1/relationships/read", {"object": target})
    service.ask("POST", "/v1/relationships/read", {"user": ADA, "object": "group:"})
    service.ask("POST", "/v1/relationships/read", {"store": branch})
    for kind in ["expired", "waiting", "empty", "not_admitted"]:
        service.ask("GET", f"/v1/relationships/report?kind={kind}")
    half = service.send("GET", "/v1/relationships/changes?limit=20", None, "admin")[1]
    service.ask("GET", f"/v1/relationships/changes?limit=5&cursor={urllib.parse.quote(half['next_cursor'], '')}")

    service.ask("GET", "/stores")
    for store in [default, branch]:
        service.ask("GET", f"/stores/{store}")
    service.ask("GET", f"/stores/{branch}/authorization-models/{model_id}", only={"authorization_model", "id", "schema_version"})
    service.ask("GET", f"/stores/{branch}/assertions/{model_id}")
    service.ask("POST", f"/stores/{branch}/read", {})
    for store, user, relation, target in [
        (branch, "user:ann", "reader", "ticket:1"), (branch, "user:bob", "reader", "ticket:1"),
        (branch, "user:ann", "can_view", "document:hr/leave.md"), (default, "user:ann", "can_view", "document:hr/leave.md"),
        (default, "user:eve", "can_view", "document:hr/pay.md"), (default, ADA, "can_view", "document:hr/pay.md"),
        (default, EVA, "can_view", "document:hr/bonus.md"),
    ]:
        service.ask("POST", f"/stores/{store}/check", {"tuple_key": tuple_of(user, relation, target)})
    body = {"user": "user:bob", "relation": "can_view", "type": "document"}
    service.ask("POST", f"/stores/{default}/list-objects", body)


def expected(base, key_file):
    service = Service(base, pathlib.Path(key_file).read_text().strip())
    filled = fill(service)
    ask(service, *filled)
    spelled = {"user": ADA, "object": "group:"}
    is_older = service.do("POST", "/v1/relationships/read", spelled)["tuples"][0]["user"] == ADA
    del service.keys[""]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in service.asked)
    sent = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in filled[0])
    revoked = {"tuple": tuple_of("user:zoe", "viewer", "document:wiki/byhand.md"), "reader": "user:zoe", "question": "leave",
               "document": "wiki/byhand.md"}
    narrowed = {"reader": ADA, "document": "hr/window.md"}
    print(f'{{"older_spelling":{json.dumps(is_older)},\n"keys":{json.dumps(service.keys)},\n"revoked":{json.dumps(revoked)},\n"narrowed":{json.dumps(narrowed)},\n"sent":[\n{sent}],\n"asked":[\n{lines}]}}')


def dump(data, target):
    data, target = pathlib.Path(data), pathlib.Path(target)
    target.mkdir(exist_ok=True)
    catalog = sqlite3.connect(data / "catalog.db")
    # Vectors and keyword indexes are made again from the texts.
    (target / "catalog.sql").write_text("\n".join(catalog.iterdump()) + "\n")
    # The end of the audit; a start takes from it how far the catalog was seen.
    lines = (data / "audit.jsonl").read_text().splitlines(keepends=True)
    (target / "audit.jsonl").write_text("".join(lines[-12:]))


if __name__ == "__main__":
    {"fill": expected, "dump": dump}[sys.argv[1]](*sys.argv[2:])
