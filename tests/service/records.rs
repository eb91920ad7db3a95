//! No change without its record and no record without its change, whoever still waits for the answer.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use usher::catalog::Catalog;
use usher_support::Random;

use crate::common::{Client, TestService, document, tuple};

pub fn records(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(folder: &Path, event: &str) -> Vec<Value> {
    records(folder).into_iter().filter(|record| record["event"] == event).collect()
}

/// What the log of tuples says that was done, and what the records say, each with how often.
async fn told_and_done(service: &TestService) -> (BTreeMap<String, i32>, BTreeMap<String, i32>) {
    let (mut told, mut done) = (BTreeMap::new(), BTreeMap::new());
    let show = |what: &str, key: &Value| format!("{what} {}#{}@{}", key["object"], key["relation"], key["user"]);
    for record in records(service.folder.path()) {
        for what in ["written", "deleted"] {
            for key in record[what].as_array().into_iter().flatten() {
                *told.entry(show(what, key)).or_default() += 1;
            }
        }
    }
    let service = service.service();
    let mut after = 0;
    loop {
        let rows = service.catalog.tuple_changes(&service.default_store, None, after, None, 1000).await.unwrap();
        let Some(last) = rows.last() else { return (told, done) };
        after = last.change;
        for row in rows {
            let what = if row.written { "written" } else { "deleted" };
            *done.entry(show(what, &serde_json::to_value(&row.key).unwrap())).or_default() += 1;
        }
    }
}

/// Sends a request and closes the connection a random while afterwards, without reading.
async fn send_and_leave(client: &Client, path: &str, body: &Value, random: &mut Random) {
    let address = client.base.strip_prefix("http://").unwrap();
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        client.key,
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    // Half of them at once, half when a catalog that is further away has had time to answer.
    let longest = if random.below(2) == 0 { 5_000 } else { 100_000 };
    tokio::time::sleep(Duration::from_micros(random.below(longest))).await;
}

/// The name of the thing that a change makes.
fn made(number: u64) -> String {
    format!("n{number:04}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_that_leave_leave_a_record_of_each_change() {
    let service = TestService::start().await;
    let admin = service.admin();
    let tasks: Vec<_> = (0..8_u64)
        .map(|part| {
            let admin = admin.clone();
            tokio::spawn(async move {
                let mut random = Random::new(part + 1);
                for number in (0..1_000).filter(|number| number % 8 == part) {
                    let name = made(number);
                    let (path, body) = match random.below(10) {
                        0..5 => {
                            let grant = tuple(&format!("user:{name}"), "member", "group:g");
                            ("/v1/relationships/write", json!({"writes": [grant]}))
                        }
                        5..9 => {
                            let document = document(&format!("d/{name}"), "One text.", json!({"viewers": ["user:x"]}));
                            ("/v1/documents", json!({"documents": [document]}))
                        }
                        _ => ("/v1/keys", json!({"name": name, "scopes": ["query"]})),
                    };
                    send_and_leave(&admin, path, &body, &mut random).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The writer ends what it began, also the records.
    let service = service.restart().await;
    let inner = service.service();
    let snapshot = inner.published.load();
    let mut changes = BTreeMap::new();
    for found in inner.catalog.tuple_changes(&inner.default_store, None, 0, None, 10_000).await.unwrap() {
        if let Some(name) = found.key.user.strip_prefix("user:n").filter(|_| found.key.object == "group:g") {
            changes.insert(format!("n{name}"), 0);
        }
    }
    let documents = snapshot.collection("main").unwrap().documents();
    changes.extend(documents.map(|document| (document.id.strip_prefix("d/").unwrap().to_owned(), 0)));
    changes.extend(snapshot.keys.values().map(|key| (key.settings.name.clone(), 0)));
    changes.remove("first administrator");
    let mut without_change = 0;
    for record in records(service.folder.path()) {
        let named = record["details"]["settings"]["name"].as_str();
        let items = record["items"].as_array().unwrap().iter().filter_map(Value::as_str);
        let names = items.filter_map(|item| {
            let (_, name) = item.split_once("@user:").or_else(|| item.split_once("d/"))?;
            Some(name)
        });
        for name in names.chain(named).filter(|name| name.starts_with('n') && name.len() == 5) {
            match changes.get_mut(name) {
                Some(count) => *count += 1,
                None => without_change += 1,
            }
        }
    }
    let missing = changes.values().filter(|count| **count == 0).count();
    let twice = changes.values().filter(|count| **count > 1).count();
    println!(
        "counted changes {}, without a record {missing}, with two {twice}, records without a change {without_change}",
        changes.len()
    );
    assert!(changes.len() > 300, "too few requests were heard");
    assert_eq!((missing, twice, without_change), (0, 0, 0));
    assert!(inner.catalog.waiting_records().await.unwrap().is_empty());
}

#[test]
fn mutants_are_caught() {
    let test = "records::a_thousand_callers_that_leave_leave_a_record_of_each_change";
    crate::common::mutants::must_be_caught(&[("record_after_the_answer", test)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_say_exactly_what_was_done() {
    let service = TestService::start().await;
    let admin = Client { request_id: Some("the-callers".to_owned()), ..service.admin() };
    let rules = json!({"viewers": ["user:ann", "group:staff#member"], "blocked": ["user:eve"]});
    let all_of = json!({"all_of": [["group:a#member"], ["group:b#member"]]});
    admin.put("/v1/collections/other", json!({})).await.ok();
    admin.put_documents(vec![document("a/1", "one", rules.clone()), document("a/2", "two", all_of)]).await;
    admin.put_documents(vec![document("a/1", "one", rules.clone())]).await;
    assert_eq!(events(service.folder.path(), "documents.put").len(), 1, "unchanged: nothing happened");
    admin.put_documents(vec![document("a/1", "one", json!({"viewers": ["user:bob"]}))]).await;
    admin.put("/v1/documents/a%2F2/acl?collection=main", json!({"acl": {"viewers": ["user:carl"]}})).await.ok();
    let span = json!({"start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"});
    let during = json!({"name": "during", "context": span});
    let mut ends = tuple("user:dan", "viewer", "document:a/1");
    ends["condition"] = during.clone();
    admin.post("/v1/relationships/write", json!({"writes": [ends], "idempotent": true})).await.ok();
    let again = json!({"writes": [tuple("user:bob", "viewer", "document:a/1")], "idempotent": true});
    admin.post("/v1/relationships/write", again).await.ok();
    let store = service.service().default_store.clone();
    let write = json!({"writes": {"tuple_keys": [tuple("user:fay", "member", "group:staff")]}});
    admin.post(&format!("/stores/{store}/write"), write).await.ok();
    admin.delete("/v1/documents/a%2F1?collection=main").await.ok();
    admin.delete("/v1/documents/a%2F1?collection=main").await.ok();
    assert_eq!(events(service.folder.path(), "documents.delete").len(), 1, "nothing was there the second time");
    admin.delete("/v1/collections/main?force=true").await.ok();
    admin.delete("/v1/collections/main?force=true").await.ok();
    assert_eq!(events(service.folder.path(), "collections.delete").len(), 1);

    let (told, done) = told_and_done(&service).await;
    assert_eq!(told, done);
    assert!(done.len() > 15, "{done:?}");
    let written = events(service.folder.path(), "relationships.write");
    let written: Vec<_> = written.iter().filter_map(|record| record["written"].as_array()).flatten().collect();
    assert!(written.iter().any(|key| key["condition"] == during), "{written:?}");
    for record in records(service.folder.path()).iter().filter(|record| record["id"].is_string()) {
        let own = record["request_id"].as_str().unwrap();
        let is_asked = record["credential"] != "";
        assert_eq!(is_asked, record["caller_request_id"] == "the-callers", "{record}");
        assert_eq!(is_asked, !own.is_empty(), "{record}");
        assert_ne!(own, "the-callers");
        assert!(!record["how"].as_str().unwrap().is_empty());
    }
    let key = admin.post("/v1/keys", json!({"name": "k", "scopes": ["query"], "collections": ["other"]})).await.ok();
    let made = events(service.folder.path(), "keys.create").pop().unwrap();
    assert_eq!((&made["items"][0], &made["how"]), (&key["id"], &json!("POST /v1/keys")));
    let settings = &made["details"]["settings"];
    assert_eq!((&settings["scopes"], &settings["collections"]), (&json!(["query"]), &json!(["other"])));
}

/// Several commits of one request: what was done before one is refused stays, with its record.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_refused_request_has_done_is_recorded() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/other", json!({})).await.ok();
    let key = json!({"name": "k", "scopes": ["documents.write"], "collections": ["main"]});
    let key = admin.post("/v1/keys", key).await.ok()["key"].as_str().unwrap().to_owned();
    let client = Client { key, ..admin };
    let first = document("a/1", "one", json!({"viewers": ["user:ann"]}));
    let mut second = document("b/1", "two", json!({"viewers": ["user:ann"]}));
    second["collection"] = json!("other");
    client.post("/v1/documents", json!({"documents": [first, second]})).await;
    let is_stored = service.as_reader("user:ann").get("/v1/documents/a%2F1?collection=main").await.status == 200;
    let put = events(service.folder.path(), "documents.put");
    assert_eq!(is_stored, put.iter().any(|record| record["items"] == json!(["a/1"])), "{put:?}");
    assert!(!put.iter().any(|record| record["items"].to_string().contains("b/1")), "{put:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_and_what_is_shown_is_recorded() {
    let service = TestService::start().await;
    let (admin, folder) = (service.admin(), service.folder.path());
    admin.put_documents(vec![document("a/1", "An orchid.", json!({"viewers": ["user:ann"]}))]).await;
    let eve = service.as_reader("user:eve");
    assert_eq!(eve.get("/v1/documents/a%2F1?collection=main").await.status, 404);
    let denied = events(folder, "denied").pop().unwrap();
    assert_eq!((&denied["subjects"], &denied["how"]), (&json!(["user:eve"]), &json!("GET /v1/documents/{id}")));
    assert_eq!(denied["items"], json!(["/v1/documents/a%2F1?collection=main"]));

    // What is asked takes no more room than a name may.
    let long = "~".repeat(40_000);
    admin.get(&format!("/v1/documents/state?collection=main&source=a&cursor={long}")).await.ok();
    admin.post("/v1/relationships/read", json!({"object": format!("document:{long}")})).await;
    for record in records(folder) {
        assert!(record.to_string().len() < 5_000, "{}", record["event"]);
    }

    let made = admin.post("/v1/keys", json!({"name": "k", "scopes": ["query"], "subject": "user:ann"})).await.ok();
    let weak = Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
    assert_eq!(weak.get("/v1/keys").await.problem(403), "insufficient_scope");
    let denied = events(folder, "denied").pop().unwrap();
    assert_eq!((&denied["credential"], &denied["how"]), (&made["id"], &json!("GET /v1/keys")));

    let answer = weak.post("/v1/query", json!({"query": "orchid"})).await.ok();
    let chunk = answer["results"][0]["chunk_id"].clone();
    let items = json!([{"chunk_id": chunk}, {"chunk_id": "c_00000000000000000000000000000000"}]);
    weak.post("/v1/recheck", json!({"items": items})).await.ok();
    assert_eq!(events(folder, "recheck").pop().unwrap()["items"], json!([chunk]));

    let store = service.service().default_store.clone();
    let openfga = |name: &str| format!("/stores/{store}/{name}");
    let key = json!({"object": "document:a/1", "relation": "viewer"});
    let check = json!({"object": "document:a/1", "relation": "viewer", "user": "user:ann"});
    let list = json!({"type": "document", "relation": "viewer", "user": "user:ann"});
    let users =
        json!({"object": {"type": "document", "id": "a/1"}, "relation": "viewer", "user_filters": [{"type": "user"}]});
    for (event, path, body) in [
        ("relationships.read", "/v1/relationships/read".to_owned(), json!({})),
        ("relationships.read", openfga("read"), json!({})),
        ("relationships.expand", openfga("expand"), json!({"tuple_key": key})),
        ("relationships.check", openfga("check"), json!({"tuple_key": check})),
        (
            "relationships.check",
            openfga("batch-check"),
            json!({"checks": [{"tuple_key": check, "correlation_id": "1"}]}),
        ),
        ("relationships.list_objects", openfga("list-objects"), list.clone()),
        ("relationships.list_objects", openfga("streamed-list-objects"), list),
        ("relationships.list_users", openfga("list-users"), users),
    ] {
        let before = events(folder, event).len();
        admin.post(&path, body).await.ok();
        assert_eq!(events(folder, event).len(), before + 1, "{path}");
    }
    for path in [
        "/v1/keys".to_owned(),
        "/v1/collections".to_owned(),
        "/v1/collections/main".to_owned(),
        "/v1/relationships/changes".to_owned(),
        "/v1/documents/state?collection=main&source=a".to_owned(),
        "/v1/documents/a%2F1/acl?collection=main".to_owned(),
        "/stores".to_owned(),
        openfga("authorization-models"),
        openfga("changes"),
    ] {
        let before = records(folder).len();
        admin.get(&path).await.ok();
        assert_eq!(records(folder).len(), before + 1, "{path}");
    }

    let before = records(folder).len();
    assert_eq!(admin.delete("/v1/keys/deadbeef").await.problem(404), "not_found");
    admin.delete("/v1/documents/none?collection=main").await.ok();
    admin.delete("/v1/collections/none?force=true").await.ok();
    assert_eq!(records(folder).len(), before, "nothing has happened");
}

/// A question that is sent with `POST` is one that asks all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_read_and_is_not_there_is_recorded_however_it_is_asked() {
    let service = TestService::start().await;
    let (admin, folder) = (service.admin(), service.folder.path());
    let unknown = "01HZZZZZZZZZZZZZZZZZZZZZZZ";
    let grant = tuple("user:ann", "viewer", "document:a/1");
    let (document, subject) = (json!({"collection": "none", "document_id": "a/1"}), json!("user:ann"));
    for (path, body) in [
        ("/v1/relationships/read", json!({"store": unknown})),
        ("/v1/relationships/impact", json!({"store": unknown, "writes": [grant]})),
        ("/v1/explain", json!({"subject": subject, "collection": "none", "document_id": "a/1"})),
        ("/v1/explain/readers", document),
    ] {
        let before = events(folder, "denied").len();
        assert_eq!(admin.post(path, body).await.problem(404), "not_found", "{path}");
        let denied = events(folder, "denied");
        assert_eq!(denied.len(), before + 1, "{path}");
        assert_eq!(
            (&denied[before]["items"], &denied[before]["how"]),
            (&json!([path]), &json!(format!("POST {path}")))
        );
    }
    // What was to be written and has no place is no question.
    let before = records(folder).len();
    let write = json!({"store": unknown, "writes": [grant]});
    assert_eq!(admin.post("/v1/relationships/write", write).await.problem(404), "not_found");
    assert_eq!(records(folder).len(), before);
}

/// Whoever has no credential can't fill the disk, and is counted.
#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_recorded_within_bounds() {
    let service = TestService::start().await;
    let wrong = Client { key: "ush_0123456789abcdef_nothing".to_owned(), ..service.admin() };
    for _ in 0..200 {
        assert_eq!(wrong.post("/v1/query", json!({"query": "x"})).await.problem(401), "unauthenticated");
    }
    let nobody = Client { key: String::new(), ..service.admin() };
    nobody.get("/stores").await;
    let folder = service.stop().await;
    let own = events(folder.path(), "credentials.refused");
    assert_eq!(own[0]["items"], json!(["key 0123456789abcdef"]));
    assert_eq!(own[0]["how"], "POST /v1/query");
    let more = events(folder.path(), "credentials.refused_more");
    let counted: u64 = more.iter().map(|record| record["items"][0].as_str().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(own.len() as u64 + counted, 201);
    // A minute may have ended in between.
    assert!(own.len() <= 60, "{}", own.len());
}

/// What a kill has left between commit and audit is carried at the next start, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_is_carried_once() {
    let service = TestService::start().await;
    service.admin().write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    let folder = service.stop().await;
    let path = folder.path().join("audit.jsonl");
    let before = records(folder.path()).len();
    let whole = std::fs::read_to_string(&path).unwrap();
    let name = usher::audit::seen::Seen::open(folder.path()).unwrap().folder();
    let lines = [json!({"id": "left-1", "items": []}), json!({"id": "left-2", "items": []})];
    let location = crate::common::config(folder.path()).await.catalog;
    let catalog = Catalog::open(&location, 1).await.unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    catalog.add_records(name, whole.len() as u64, &text).await.unwrap();
    catalog.close().await;
    // One of them had come into the file.
    std::fs::write(&path, format!("{whole}{}\n", lines[0])).unwrap();
    let folder = TestService::start_in(folder).await.stop().await;
    let found = records(folder.path());
    let count = |id: &str| found.iter().filter(|record| record["id"] == id).count();
    assert_eq!((count("left-1"), count("left-2")), (1, 1));
    let folder = TestService::start_in(folder).await.stop().await;
    assert!(records(folder.path()).len() >= before + 2);
    let found = records(folder.path());
    let count = |id: &str| found.iter().filter(|record| record["id"] == id).count();
    assert_eq!((count("left-1"), count("left-2")), (1, 1));
}

/// `HEAD` is asked and answered like `GET`, so it is recorded like that.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_head_of_an_answer_has_its_record() {
    let service = TestService::start().await;
    let admin = service.admin();
    let store = service.service().default_store.clone();
    let count = || records(service.folder.path()).len();
    for path in ["/stores".to_owned(), format!("/stores/{store}"), format!("/stores/{store}/authorization-models")] {
        let before = count();
        admin.send(reqwest::Method::HEAD, &path, None).await;
        assert_eq!(count(), before + 1, "{path}");
    }
    let before = count();
    let reader = service.as_reader("user:ann");
    let answer = reader.send(reqwest::Method::HEAD, "/v1/documents/a%2F1?collection=main", None).await;
    assert_eq!((answer.status.as_u16(), count()), (404, before + 1));
}

/// Whoever archives the audit moves it away, and whoever removes it loses what was in it; nothing that comes later.
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_is_moved_or_removed_goes_on_in_a_new_file() {
    let service = TestService::start().await;
    let (admin, folder) = (service.admin(), service.folder.path().to_owned());
    let write = async |name: &str| {
        let grant = tuple(&format!("user:{name}"), "member", "group:g");
        admin.post("/v1/relationships/write", json!({"writes": [grant]})).await.ok();
    };
    let has = |records: &[Value], name: &str| {
        records.iter().any(|record| record["written"].to_string().contains(&format!("user:{name}")))
    };
    write("before").await;
    std::fs::rename(folder.join("audit.jsonl"), folder.join("old.jsonl")).unwrap();
    write("moved").await;
    let now = records(&folder);
    assert!(has(&now, "moved") && !has(&now, "before"));
    assert!(std::fs::read_to_string(folder.join("old.jsonl")).unwrap().contains("user:before"));
    std::fs::remove_file(folder.join("audit.jsonl")).unwrap();
    write("removed").await;
    assert!(has(&records(&folder), "removed"));
    let service = service.restart().await;
    assert!(has(&records(&folder), "removed"));
    service.admin().get("/v1/health/ready").await.ok();
}
