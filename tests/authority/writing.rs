//! Writes through Usher where a server owns the tuples.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher::authority::server::TupleChange;
use usher::commit::follow::Follow;

use crate::common::{document, tuple};
use crate::server::{OpenFga, eventually, program};

/// A write waits for the server only with what the server has to take.
#[tokio::test(flavor = "multi_thread")]
async fn only_documents_whose_rules_wait_wait() {
    let Some(program) = program() else { return };
    let mut server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let admin = service.admin();
    // A collection of a store that the catalog owns.
    let store = admin.post("/stores", json!({"name": "own"})).await.ok()["id"].as_str().unwrap().to_owned();
    let model: Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
    admin.post(&format!("/stores/{store}/authorization-models"), model).await.ok();
    admin.put("/v1/collections/own", json!({"store": store})).await.ok();
    let open = tuple("user:*", "cleared", "classification:open");
    admin.post("/v1/relationships/write", json!({"store": store, "writes": [open]})).await.ok();
    let rules = json!({"viewers": ["user:ann"]});
    let unchanged = document("a/1", "orchid one", rules.clone());
    admin.put_documents(vec![unchanged.clone()]).await;
    server.kill();
    let waiting = admin.clone();
    let waits = document("a/2", "orchid two", rules.clone());
    let waiting = tokio::spawn(async move { waiting.post("/v1/documents", json!({"documents": [waits]})).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begin = Instant::now();
    let mut own = document("b/1", "orchid of our own", rules);
    own["collection"] = json!("own");
    let own_only = json!({"query": "orchid", "collections": ["own"]});
    admin.put_documents(vec![own]).await;
    assert_eq!(admin.put_documents(vec![unchanged]).await["results"][0]["status"], "unchanged");
    let answer = service.as_reader("user:ann").post("/v1/query", own_only).await.ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    admin.delete("/v1/documents/b%2F1?collection=own").await.ok();
    assert!(begin.elapsed() < Duration::from_secs(5), "took {:?}", begin.elapsed());
    assert!(!waiting.is_finished());
    server.run().await;
    waiting.await.unwrap().ok();
    // For a moment more the server may be left alone.
    eventually("both are found", async || {
        let reply = service.as_reader("user:ann").post("/v1/query", json!({"query": "orchid"})).await;
        reply.status.is_success() && reply.json()["results"].as_array().unwrap().len() == 2
    })
    .await;
}

/// `on_duplicate` and `on_missing` are two choices.
#[tokio::test(flavor = "multi_thread")]
async fn what_exists_and_what_is_missing_are_passed_over_apart() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let admin = service.admin();
    let stores = admin.get("/stores").await.ok();
    let path = format!("/stores/{}/write", stores["stores"][0]["id"].as_str().unwrap());
    let write = async |new: &str, gone: &str, on_duplicate: &str, on_missing: &str| {
        let body = json!({
            "writes": {"tuple_keys": [tuple(new, "member", "group:g")], "on_duplicate": on_duplicate},
            "deletes": {"tuple_keys": [tuple(gone, "member", "group:g")], "on_missing": on_missing},
        });
        admin.post(&path, body).await.status.as_u16()
    };
    admin
        .write(json!([tuple("user:ann", "member", "group:g"), tuple("user:bob", "member", "group:g")]), json!([]))
        .await;
    assert_eq!(write("user:ann", "user:nobody", "ignore", "error").await, 400);
    assert_eq!(write("user:ann", "user:bob", "ignore", "error").await, 200);
    assert_eq!(write("user:ann", "user:bob", "error", "ignore").await, 400);
    assert_eq!(write("user:carl", "user:bob", "error", "ignore").await, 200);
    let held = server.stored("group:g").await;
    let users: Vec<_> = held.iter().map(|(_, user)| user.as_str()).collect();
    assert_eq!(users, ["user:ann", "user:carl"]);
}

/// The mirror may see a model before the request that wrote it has told the catalog.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_written_through_usher_and_seen_by_the_mirror_is_one_model() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let mut settings = server.settings(10);
    settings.openfga.as_mut().unwrap().max_model_age_ms = Some(100);
    let service = crate::common::TestService::start_raw(settings).await;
    let admin = service.admin();
    let stores = admin.get("/stores").await.ok();
    let path = format!("/stores/{}/authorization-models", stores["stores"][0]["id"].as_str().unwrap());
    let model: Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
    let mut newest = String::new();
    for _ in 0..30 {
        let made = admin.post(&path, model.clone()).await.ok();
        newest = made["authorization_model_id"].as_str().unwrap().to_owned();
    }
    eventually("the newest model is the newest here", async || {
        let listed = admin.get(&format!("{path}?page_size=1")).await.ok();
        listed["authorization_models"][0]["id"] == *newest
    })
    .await;
    let listed = admin.get(&format!("{path}?page_size=50")).await.ok();
    assert!(listed["authorization_models"].as_array().unwrap().len() >= 30);
}

/// With nothing to take over nothing is committed, and the model's age stays within its bound.
#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_at_rest_changes_nothing_and_answers() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let mut settings = server.settings(50);
    settings.openfga.as_mut().unwrap().max_model_age_ms = Some(900);
    let service = crate::common::TestService::start_raw(settings).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"nobody": true}))]).await;
    server.write(&[("user:ann", "viewer", "document:a/1")], &[]).await;
    eventually("the grant is seen", async || ann.ask("orchid").await == ["a/1"]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let at_rest = service.service().published.load().revision;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        assert_eq!(ann.ask("orchid").await, ["a/1"]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(service.service().published.load().revision, at_rest);
}

/// A page of the log that was read before a write through Usher is older than the write, and comes after it here.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_page_of_the_log_undoes_nothing() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    // The mirror does nothing of its own accord.
    let service = server.service(60_000).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"viewers": ["group:g#member"]}))]).await;
    let running = service.service();
    let external = running.remote.as_ref().unwrap().external.clone();
    external.begin_reading();
    let grant = tuple("user:ann", "member", "group:g");
    admin.write(json!([grant]), json!([])).await;
    let older = |read_from| {
        let key = serde_json::from_value(grant.clone()).unwrap();
        let changes = vec![TupleChange { key, is_written: false, at: jiff::Timestamp::now() }];
        Follow { store: running.default_store.clone(), changes, position: None, read_from }
    };
    running.committer.submit(usher::audit::Asked::duty("test"), older(Some(external.clone()))).await.unwrap();
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
    // What is read from now on is newer.
    external.begin_reading();
    running.committer.submit(usher::audit::Asked::duty("test"), older(Some(external))).await.unwrap();
    assert!(ann.ask("orchid").await.is_empty());
}

/// A long stretch of the log is as old at its begin as it is long: the mirror doesn't go back there.
#[tokio::test(flavor = "multi_thread")]
async fn catching_up_does_not_go_back() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(3_000).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"viewers": ["group:g#member"]}))]).await;
    let member = tuple("user:ann", "member", "group:g");
    for round in 0..12 {
        let filler: Vec<_> = (0..90).map(|n| tuple(&format!("user:{round}-{n}"), "member", "group:other")).collect();
        let (mut writes, deletes) =
            if round % 2 == 1 { (vec![member.clone()], vec![]) } else { (vec![], vec![&member]) };
        writes.extend(filler);
        if round > 0 {
            admin.write(json!(writes), json!(deletes)).await;
        }
    }
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        assert_eq!(ann.ask("orchid").await, ["a/1"], "after {:?}", begin.elapsed());
    }
}

/// What goes to the server is recorded before it is sent, and what became of it afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_the_server_is_recorded_before_and_after() {
    let Some(program) = program() else { return };
    let mut server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let admin = service.admin();
    let about = |user: &str| -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let named = records.filter(|record| record["items"].to_string().contains(user));
        named.map(|record| (record["event"].as_str().unwrap().to_owned(), record["credential"].clone())).collect()
    };
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    let told = about("user:ann");
    let events: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["relationships.write.sent", "relationships.write"]);
    assert!(told.iter().all(|(_, credential)| credential != ""), "{told:?}");
    server.kill();
    let refused =
        admin.post("/v1/relationships/write", json!({"writes": [tuple("user:bob", "member", "group:g")]})).await;
    assert_eq!(refused.problem(503), "authorization_unavailable");
    let told = about("user:bob");
    let events: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["relationships.write.sent", "relationships.write.failed"]);
}
