//! Tuples and models that others write on the server.

use serde_json::json;

use crate::common::{document, tuple};
use crate::server::{OpenFga, eventually, program};

/// Long enough that no test sees a second look of the mirror.
const NEVER: u64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_documents_stand_on_the_server_before_they_count() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(NEVER).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    let mut parts = document("a/1", "orchid in the open. orchid in private.", json!({"viewers": ["group:g#member"]}));
    parts["chunks"] = json!([{"start": 0, "end": 19}, {"start": 20, "end": 38}]);
    parts["sections"] = json!([{"id": "p", "span": {"start": 20, "end": 38}, "acl": {"viewers": ["user:bob"]}}]);
    admin.put_documents(vec![parts, document("a/2", "orchid for bob", json!({"viewers": ["user:bob"]}))]).await;
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
    let of_group = ("viewer".to_owned(), "group:g#member".to_owned());
    assert!(server.stored("document:a/1").await.contains(&of_group));
    assert!(server.stored("section:a/1~p").await.contains(&("viewer".to_owned(), "user:bob".to_owned())));
    // Other rules: the old grant goes, the new one counts, on the server and here.
    let acl = json!({"acl": {"viewers": ["user:carl"]}});
    admin.put("/v1/documents/a%2F1/acl?collection=main", acl).await.ok();
    assert!(!server.stored("document:a/1").await.contains(&of_group));
    assert!(ann.ask("orchid").await.is_empty());
    assert_eq!(service.as_reader("user:carl").ask("orchid").await, ["a/1"]);
    // A deleted document leaves nothing of its own behind.
    admin.delete("/v1/documents/a%2F1?collection=main").await.ok();
    assert!(server.stored("document:a/1").await.is_empty());
}

/// The mirror is told nothing here: it is the server that denies.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_on_the_server_binds_the_next_answer_whatever_the_mirror_holds() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    server.write(&[("user:ann", "member", "group:g"), ("user:ann", "member", "group:h")], &[]).await;
    let service = server.service(NEVER).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin
        .put_documents(vec![
            document("a/1", "orchid one", json!({"viewers": ["group:g#member"]})),
            document("a/2", "orchid two", json!({"viewers": ["group:h#member"]})),
        ])
        .await;
    assert_eq!(ann.ask("orchid").await.len(), 2);
    let chunk = |answer: &serde_json::Value, id: &str| {
        let hits = answer["results"].as_array().unwrap();
        hits.iter().find(|hit| hit["document_id"] == id).map(|hit| hit["chunk_id"].clone()).unwrap()
    };
    let answer = ann.post("/v1/query", json!({"query": "orchid"})).await.ok();
    let items = json!([{"chunk_id": chunk(&answer, "a/1")}, {"chunk_id": chunk(&answer, "a/2")}]);
    server.write(&[], &[("user:ann", "member", "group:g")]).await;
    assert_eq!(ann.ask("orchid").await, ["a/2"]);
    let path = |id: &str| format!("/v1/documents/a%2F{id}?collection=main");
    assert_eq!(ann.get(&path("1")).await.problem(404), "not_found");
    ann.get(&path("2")).await.ok();
    let again = ann.post("/v1/recheck", json!({"items": items})).await.ok();
    assert_eq!(again["items"][0]["status"], "not_readable");
    assert_eq!(again["items"][1]["status"], "ok");
    // Every subject counts: an agent that acts for Ann.
    assert!(service.as_reader("agent:scribe").ask("orchid").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_is_followed() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"nobody": true}))]).await;
    assert!(ann.ask("orchid").await.is_empty());
    // A grant for a document that is not there yet waits for it.
    server.write(&[("user:ann", "viewer", "document:a/1"), ("user:ann", "viewer", "document:a/late")], &[]).await;
    let took = eventually("the grant is seen", async || ann.ask("orchid").await == ["a/1"]).await;
    println!("a grant on the server was visible after {} ms at a poll of 50 ms", took.as_millis());
    admin.put_documents(vec![document("a/late", "orchid later", json!({"nobody": true}))]).await;
    assert_eq!(ann.ask("orchid").await.len(), 2);
    // A question that tolerates no old tuples waits for the mirror.
    server.write(&[("user:bob", "viewer", "document:a/1")], &[]).await;
    let body = json!({"query": "orchid", "max_staleness_ms": 0, "deadline_ms": 300});
    assert_eq!(ann.post("/v1/query", body).await.problem(409), "revision_unavailable");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let body = json!({"query": "orchid", "max_staleness_ms": 150});
    let answer = service.as_reader("user:bob").post("/v1/query", body).await.ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    // Another model: editors only.
    let mut model: serde_json::Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
    let types = model["type_definitions"].as_array_mut().unwrap();
    let of_document = types.iter_mut().find(|of| of["type"] == "document").unwrap();
    of_document["relations"]["can_view"] = json!({"computedUserset": {"relation": "editor"}});
    server.write_model(model).await;
    eventually("the model is followed", async || ann.ask("orchid").await.is_empty()).await;
    server.write(&[("user:ann", "editor", "document:a/1")], &[]).await;
    eventually("an editor reads", async || ann.ask("orchid").await == ["a/1"]).await;
}

/// What changed while nobody followed is found by comparing.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_service_catches_up() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let admin = service.admin();
    let rules = json!({"viewers": ["user:ann", "user:bob"]});
    admin.put_documents(vec![document("a/1", "orchid one", rules)]).await;
    let folder = service.stop().await;
    server.write(&[("user:carl", "viewer", "document:a/1")], &[("user:ann", "viewer", "document:a/1")]).await;
    let embedders = usher::embed::Embedders::new(vec![std::sync::Arc::new(usher::embed::HashEmbedder)]);
    let service = crate::common::TestService::start_raw_with(server.settings(50), folder, embedders).await;
    eventually("carl reads", async || service.as_reader("user:carl").ask("orchid").await == ["a/1"]).await;
    assert!(service.as_reader("user:ann").ask("orchid").await.is_empty());
    assert_eq!(service.as_reader("user:bob").ask("orchid").await, ["a/1"]);
    let read = json!({"object": "document:a/1", "relation": "viewer"});
    let held = service.admin().post("/v1/relationships/read", read).await.ok();
    assert_eq!(held["tuples"].as_array().unwrap().len(), 2, "{held}");
}
