//! `usher export` and `usher import`: the same answers, rights and refusals from another folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use usher::catalog::Catalog;
use usher::config::RawConfig;
use usher::transfer::UNFINISHED;

use super::records::records;
use crate::common::postgres::TestDatabase;
use crate::common::{Client, TestService, document, tuple};

const BINARY: &str = env!("CARGO_BIN_EXE_usher");
const READERS: [&str; 4] = ["user:ann", "user:bob", "user:cid", "agent:helper"];
const QUESTIONS: [&str; 4] = ["saffron crocus", "gentian of the high meadow", "word7 word11", "what is secret"];

/// Runs the command; says whether it went well, and what it said.
fn usher(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A service with a history: replaced, removed and restricted documents, groups, labels, a collection that is gone.
async fn filled(documents: usize) -> (TestService, Value) {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/gone", json!({})).await.ok();
    admin.delete("/v1/collections/gone?force=true").await.ok();
    admin.put("/v1/collections/second", json!({"fields": {"team": "keyword"}})).await.ok();
    let groups = json!([
        tuple("user:ann", "member", "group:inner"),
        tuple("group:inner#member", "member", "group:outer"),
        tuple("user:cid", "member", "group:outer"),
        tuple("user:bob", "cleared", "classification:secret"),
    ]);
    admin.write(groups, json!([])).await;
    admin.write(json!([]), json!([tuple("user:cid", "member", "group:outer")])).await;
    let rules = [
        json!({"viewers": ["group:outer#member"]}),
        json!({"viewers": ["user:bob"]}),
        json!({"viewers": ["user:*", "agent:*"]}),
        json!({"viewers": ["group:outer#member", "user:bob"], "classification": "classification:secret"}),
    ];
    for block in (0..documents).collect::<Vec<_>>().chunks(100) {
        let sent = |number: &usize| {
            let words: Vec<String> = (1..=13).map(|n| format!("word{}", number % n)).collect();
            let text = format!("Of {} and saffron crocus.\n\nOn the gentian of the high meadow.", words.join(" "));
            document(&format!("a/{number}"), &text, rules[number % 4].clone())
        };
        admin.put_documents(block.iter().map(sent).collect()).await;
    }
    let part = "# Open\n\nThe saffron crocus is open.\n\n# Closed\n\nWhat is secret about it.\n";
    let sections = json!([{"id": "closed", "heading": "Closed", "acl": {"viewers": ["user:bob"]}}]);
    let mut with_section = document("a/parts", part, json!({"viewers": ["user:*"]}));
    (with_section["content"]["type"], with_section["sections"]) = (json!("text/markdown"), sections);
    admin.put_documents(vec![with_section]).await;
    admin.put_documents(vec![document("a/3", "Another text about word7.", json!({"viewers": ["user:ann"]}))]).await;
    admin.delete("/v1/documents/a%2F2?collection=main").await.ok();
    let mut other = document("b/1", "A second saffron crocus.", json!({"viewers": ["user:*"]}));
    (other["collection"], other["metadata"]) = (json!("second"), json!({"team": "north"}));
    admin.put_documents(vec![other]).await;
    let body = json!({"name": "chat", "scopes": ["query", "act_as"], "act_as_types": ["user"]});
    let (kept, revoked) = (admin.post("/v1/keys", body.clone()).await.ok(), admin.post("/v1/keys", body).await.ok());
    admin.delete(&format!("/v1/keys/{}", revoked["id"].as_str().unwrap())).await.ok();
    (service, json!({"kept": kept["key"], "revoked": revoked["key"]}))
}

/// Everything that readers and administrators are answered, in order.
async fn answers(service: &TestService) -> Vec<Value> {
    let mut answers = Vec::new();
    for reader in READERS {
        let client = service.as_reader(reader);
        for question in QUESTIONS {
            for mode in ["hybrid", "keyword", "vector"] {
                answers.push(settled(&client, json!({"query": question, "mode": mode, "top_k": 20})).await);
            }
        }
        answers.push(client.get("/v1/documents?collection=main&limit=100").await.ok()["documents"].clone());
        for id in ["a%2Fparts", "a%2F2", "a%2F3"] {
            answers.push(client.get(&format!("/v1/documents/{id}?collection=main")).await.json()["text"].clone());
        }
    }
    let admin = service.admin();
    answers.push(admin.get("/v1/collections").await.ok()["collections"].clone());
    answers.push(admin.get("/v1/relationships/changes?limit=100").await.ok()["changes"].clone());
    answers.push(admin.get("/v1/keys").await.ok());
    answers
}

/// The results of a query once the indexes have caught up: the same twice.
async fn settled(client: &Client, body: Value) -> Value {
    let mut last = Value::Null;
    for _ in 0..50 {
        let now = client.post("/v1/query", body.clone()).await.ok()["results"].clone();
        if now == last {
            return now;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the answers don't settle")
}

/// Starts on an imported folder, with the administrator's old key beside it.
async fn start(parent: tempfile::TempDir, old: &Path) -> TestService {
    std::fs::copy(old.join("admin.key"), parent.path().join("data/admin.key")).unwrap();
    let service = TestService::start_at(parent, "data").await;
    let collection = service.service().published.load().collection("main").unwrap().clone();
    let indexes = service.service().indexes.get(collection.pair()).unwrap();
    assert!(indexes.at_least(collection.last_operation).await);
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_instance_answers_as_before() {
    let (service, keys) = filled(60).await;
    let before = answers(&service).await;
    let revision =
        service.as_reader("user:ann").post("/v1/query", json!({"query": "crocus"})).await.ok()["revision"].clone();
    let target = tempfile::tempdir().unwrap();
    let (export, data) = (target.path().join("export"), target.path().join("data"));
    let running = usher(&["export", "--data", text(service.folder.path()), "--to", text(&export)]);
    assert!(!running.0 && running.1.contains("stop it first"), "{}", running.1);
    let old = service.stop().await;
    let arguments = ["export", "--data", text(old.path()), "--to", text(&export)];
    let (ok, said) = usher(&arguments);
    assert!(ok, "{said}");
    let (ok, said) = usher(&arguments);
    assert!(!ok && said.contains("complete export"), "{said}");
    let arguments = ["import", "--from", text(&export), "--data", text(&data)];
    for time in ["first", "second"] {
        let (ok, said) = usher(&arguments);
        assert!(ok, "{time}: {said}");
    }
    let service = start(target, old.path()).await;
    assert_eq!(answers(&service).await, before);
    // What was answered before the move is known after it.
    let body = json!({"query": "crocus", "min_revision": revision});
    service.as_reader("user:ann").post("/v1/query", body).await.ok();
    let admin = service.admin();
    let chat = |key: &str| Client { key: keys[key].as_str().unwrap().to_owned(), ..service.as_reader("user:ann") };
    chat("kept").post("/v1/query", json!({"query": "crocus"})).await.ok();
    assert_eq!(chat("revoked").post("/v1/query", json!({"query": "crocus"})).await.status, 401);
    // Nothing is stored or embedded again, and no number is given twice.
    let again = document("a/3", "Another text about word7.", json!({"viewers": ["user:ann"]}));
    assert_eq!(admin.put_documents(vec![again]).await["results"][0]["status"], "unchanged");
    admin.put("/v1/collections/third", json!({})).await.ok();
    let snapshot = service.service().published.load();
    assert!(snapshot.collection("third").unwrap().id > snapshot.collection("second").unwrap().id.max(2));
    // The next revocation binds as ever.
    let group = tuple("group:inner#member", "member", "group:outer");
    admin.write(json!([]), json!([group])).await;
    let left = service.as_reader("user:ann").ask("saffron crocus").await;
    let is_open =
        |id: &String| matches!(id.as_str(), "a/parts" | "b/1" | "a/3") || id[2..].parse::<usize>().unwrap() % 4 == 2;
    assert!(left.iter().all(is_open), "{left:?}");
    // What has gone on since is not overwritten.
    let folder = service.stop().await;
    let (export, data) = (folder.path().join("export"), folder.path().join("data"));
    let imports = records(&data).into_iter().filter(|record| record["event"] == "import");
    let imports: Vec<_> = imports.map(|record| (record["how"].clone(), record["items"][0].clone())).collect();
    assert_eq!(imports, [(json!("usher import"), json!(text(&export)))]);
    let (ok, said) = usher(&["import", "--from", text(&export), "--data", text(&data)]);
    assert!(!ok && said.contains("holds a catalog already"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_cut_short_goes_on() {
    let (service, _) = filled(1_500).await;
    let before = answers(&service).await;
    let old = service.stop().await;
    let target = tempfile::tempdir().unwrap();
    let (export, data) = (target.path().join("export"), target.path().join("data"));
    let (ok, said) = usher(&["export", "--data", text(old.path()), "--to", text(&export)]);
    assert!(ok, "{said}");
    let arguments = ["import", "--from", text(&export), "--data", text(&data)];
    let (mut kills, mut refused, mut patience) = (0, 0, 20);
    loop {
        let mut child = Command::new(BINARY).args(arguments).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(patience)).await;
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        patience *= 2;
        let begun = match Catalog::open(&data, 1).await {
            Ok(catalog) => catalog.meta(UNFINISHED).await.unwrap().is_some(),
            Err(_) => false,
        };
        if begun {
            let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
            let (ok, said) = usher(&[&["serve", "--data", text(&data)][..], &ports].concat());
            assert!(!ok && said.contains("cut short"), "an import that was killed is served: {said}");
            refused += 1;
        }
    }
    println!("imports killed: {kills}, refused to be served: {refused}");
    assert!(refused > 0);
    let service = start(target, old.path()).await;
    assert_eq!(answers(&service).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_touched_is_refused() {
    let (service, _) = filled(20).await;
    let old = service.stop().await;
    let target = tempfile::tempdir().unwrap();
    let (export, data) = (target.path().join("export"), target.path().join("data"));
    assert!(usher(&["export", "--data", text(old.path()), "--to", text(&export)]).0);
    let import = || usher(&["import", "--from", text(&export), "--data", text(&data)]);
    for file in ["rows/tuples.jsonl", "rows/meta.jsonl", "vectors/2.f32", "vectors/1.f32"] {
        let path = export.join(file);
        let Ok(intact) = std::fs::read(&path) else { continue };
        let mut flipped = intact.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for damage in [flipped, intact[..intact.len() - 1].to_vec(), Vec::new()] {
            std::fs::write(&path, damage).unwrap();
            let (ok, said) = import();
            assert!(!ok && said.contains(file) && said.contains("not as it was exported"), "{file}: {said}");
            assert!(!data.join("catalog.db").exists());
        }
        std::fs::write(&path, intact).unwrap();
    }
    let manifest = export.join("manifest.json");
    let intact = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, intact.replace("\"version\": 2", "\"version\": 3")).unwrap();
    let (ok, said) = import();
    assert!(!ok && said.contains("not `usher-export` 2"), "{said}");
    std::fs::remove_file(&manifest).unwrap();
    let (ok, said) = import();
    assert!(!ok && said.contains("no complete export"), "{said}");
    std::fs::write(&manifest, intact).unwrap();
    let (ok, said) = import();
    assert!(ok, "{said}");
}

/// Everything of an export but what an import notes about itself.
fn content(export: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["rows", "vectors"] {
        for entry in std::fs::read_dir(export.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
            let bytes = std::fs::read(entry.path()).unwrap();
            let bytes = match name.as_str() {
                "rows/meta.jsonl" => {
                    let text = String::from_utf8(bytes).unwrap();
                    text.lines().filter(|line| !line.contains(r#""name":"imported""#)).collect::<String>().into_bytes()
                }
                _ => bytes,
            };
            files.insert(name, bytes);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_moves_into_postgres_and_back() {
    let (service, keys) = filled(60).await;
    let before = answers(&service).await;
    let old = service.stop().await;
    let database = TestDatabase::create().await;
    let url = ["--catalog-url", database.url()];
    let target = tempfile::tempdir().unwrap();
    let place = |name: &str| target.path().join(name);
    let (first, shared, second, back, third) =
        (place("first"), place("shared"), place("second"), place("back"), place("third"));
    let run = |arguments: &[&str], more: &[&str]| {
        let (ok, said) = usher(&[arguments, more].concat());
        assert!(ok, "{arguments:?}: {said}");
    };
    run(&["export", "--data", text(old.path()), "--to", text(&first)], &[]);
    run(&["import", "--from", text(&first), "--data", text(&shared)], &url);
    // Run again it finds everything there; another export finds the place taken.
    run(&["import", "--from", text(&first), "--data", text(&shared)], &url);
    assert!(!shared.join("catalog.db").exists());
    run(&["export", "--data", text(&shared), "--to", text(&second)], &url);
    assert_eq!(content(&second), content(&first));
    let (ok, said) = usher(&[&["import", "--from", text(&second), "--data", text(&shared)][..], &url].concat());
    assert!(!ok && said.contains("holds a catalog already") && !said.contains("password"), "{said}");
    run(&["import", "--from", text(&second), "--data", text(&back)], &[]);
    run(&["export", "--data", text(&back), "--to", text(&third)], &[]);
    assert_eq!(content(&third), content(&first));
    let numbers = |export: &Path| {
        let manifest: Value = serde_json::from_slice(&std::fs::read(export.join("manifest.json")).unwrap()).unwrap();
        (manifest["numbers"].clone(), manifest["revision"].clone())
    };
    assert_eq!((numbers(&second), numbers(&third)), (numbers(&first), numbers(&first)));
    // The file's place and the database are not mixed up.
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let (ok, said) = usher(&[&["serve", "--data", text(&back)][..], &url, &ports].concat());
    assert!(!ok && said.contains("another catalog"), "{said}");
    for (data, url) in [(&shared, Some(database.url())), (&back, None)] {
        std::fs::copy(old.path().join("admin.key"), data.join("admin.key")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::rename(data, folder.path().join("data")).unwrap();
        let raw = RawConfig { catalog_url: url.map(|url| url.parse().unwrap()), ..RawConfig::default() };
        let service = TestService::start_raw_at(raw, folder, "data").await;
        let collection = service.service().published.load().collection("main").unwrap().clone();
        assert!(service.service().indexes.get(collection.pair()).unwrap().at_least(collection.last_operation).await);
        assert_eq!(answers(&service).await, before, "{url:?}");
        let chat = |key: &str| Client { key: keys[key].as_str().unwrap().to_owned(), ..service.as_reader("user:ann") };
        chat("kept").post("/v1/query", json!({"query": "crocus"})).await.ok();
        assert_eq!(chat("revoked").post("/v1/query", json!({"query": "crocus"})).await.status, 401);
        service.stop().await;
    }
}
