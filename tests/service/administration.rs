//! Errors, limits, revisions, collections.

use serde_json::json;

use crate::common::{Client, TestService, document, tuple};

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_where_and_how() {
    let service = TestService::start().await;
    let admin = service.admin();
    let reader = service.as_reader("user:ann");
    let stranger = Client { key: String::new(), ..admin.clone() };
    assert_eq!(stranger.post("/v1/query", json!({"query": "x"})).await.problem(401), "unauthenticated");
    let wrong = Client { key: "ush_0000000000000000_wrong".into(), ..admin.clone() };
    assert_eq!(wrong.post("/v1/query", json!({"query": "x"})).await.problem(401), "unauthenticated");
    for (body, pointer) in [
        (json!({"query": ""}), "/query"),
        (json!({"query": "x", "top_k": 0}), "/top_k"),
        (json!({"query": "x", "top_k": 101}), "/top_k"),
        (json!({"query": "x", "min_score": 2}), "/min_score"),
        (json!({"query": "x", "min_revision": "r1.abc"}), "/min_revision"),
        (json!({"query": "x", "deadline_ms": 0}), "/deadline_ms"),
        (json!({"query": "x", "vector": []}), "/vector"),
    ] {
        let reply = reader.post("/v1/query", body.clone()).await;
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        let problem = reply.json();
        assert_eq!(
            (problem["status"].as_u64(), problem["errors"][0]["pointer"].as_str()),
            (Some(400), Some(pointer)),
            "{body}"
        );
        assert!(problem["instance"].as_str().unwrap().starts_with("urn:usher:request:"));
    }
    assert_eq!(reader.get("/v1/nothing").await.problem(404), "not_found");
    assert_eq!(reader.get("/v1/query").await.problem(405), "method_not_allowed");
    let reply = admin.put("/v1/collections/Bad%20Name", json!({})).await;
    assert_eq!(reply.problem(400), "invalid_request");
    let headers = reader.post("/v1/query", json!({"query": "x"})).await.headers;
    assert_eq!(
        (&headers["cache-control"], &headers["vary"]),
        (&"no-store".parse().unwrap(), &"Authorization".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_give_read_your_writes() {
    let service = TestService::start().await;
    let admin = service.admin();
    let stored = admin.put_documents(vec![document("a/1", "foxglove", json!({"viewers": ["user:ann"]}))]).await;
    let body = json!({"query": "foxglove", "min_revision": stored["revision"]});
    let answer = service.as_reader("user:ann").post("/v1/query", body).await.ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    let body = json!({"writes": [tuple("user:ann", "member", "group:g")], "expected_revision": stored["revision"]});
    admin.post("/v1/relationships/write", body.clone()).await.ok();
    assert_eq!(admin.post("/v1/relationships/write", body).await.problem(412), "version_conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_keep_what_they_were_made_with() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/wiki", json!({"analyser": "german"})).await.ok();
    assert_eq!(admin.put("/v1/collections/wiki", json!({"analyser": "english"})).await.problem(409), "conflict");
    assert_eq!(admin.put("/v1/collections/new", json!({"embedder": "other"})).await.problem(400), "invalid_request");
    let mut doc = document("w/1", "Die Häuser am Fluss", json!({"viewers": ["user:ann"]}));
    doc["collection"] = json!("wiki");
    admin.put_documents(vec![doc, document("m/1", "Haus main", json!({"viewers": ["user:ann"]}))]).await;
    let mut found = service.as_reader("user:ann").ask("Haus").await;
    found.sort();
    assert_eq!(found, ["m/1", "w/1"], "two collections are asked together");
    let refused = admin.delete("/v1/collections/wiki").await;
    assert_eq!(refused.status, 409, "{}", refused.json());
    assert!(refused.json()["detail"].as_str().unwrap().contains("(1)"), "{}", refused.json());
    assert_eq!(service.as_reader("user:ann").ask("Haus").await.len(), 2, "nothing is gone");
    admin.delete("/v1/collections/wiki?force=true").await.ok();
    assert_eq!(service.as_reader("user:ann").ask("Haus").await, ["m/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_change_shows_which_tuples_die() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin
        .write(json!([tuple("user:ann", "owner", "folder:f"), tuple("user:ann", "viewer", "folder:f")]), json!([]))
        .await;
    let mut model: serde_json::Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
    for definition in model["type_definitions"].as_array_mut().unwrap() {
        if definition["type"] == "folder" {
            definition["metadata"]["relations"]["owner"]["directly_related_user_types"] = json!([{"type": "service"}]);
        }
    }
    let preview = admin.post("/v1/models", json!({"model": model, "dry_run": true})).await.ok();
    assert_eq!((preview["dead_tuples"].as_u64(), preview["authorization_model_id"].is_null()), (Some(1), true));
    assert_eq!(preview["examples"][0]["relation"], "owner");
}
