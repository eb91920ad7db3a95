//! Questions about past revisions.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use usher::administration::past::{PastError, past};
use usher::catalog::sql::query;

use crate::common::{Client, TestService, document, tuple};

fn asked(subject: &str, as_of: &str) -> Value {
    json!({"subject": subject, "collection": "main", "document_id": "a/1", "as_of_revision": as_of})
}

/// Whether each of some subjects reads the document, and who does.
async fn seen(admin: &Client, as_of: Option<&str>) -> (Vec<bool>, Value, Value) {
    let mut readable = Vec::new();
    for subject in ["user:ann", "user:bob", "user:zoe"] {
        let mut body = asked(subject, as_of.unwrap_or_default());
        if as_of.is_none() {
            body.as_object_mut().unwrap().remove("as_of_revision");
        }
        readable.push(admin.post("/v1/explain", body).await.ok()["readable"] == true);
    }
    let mut body = json!({"collection": "main", "document_id": "a/1"});
    if let Some(token) = as_of {
        body["as_of_revision"] = token.into();
    }
    let readers = admin.post("/v1/explain/readers", body).await.ok();
    (readable, readers["readers"].clone(), readers["except"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_revision_is_explained_by_its_own_tuples_and_model() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "crocus", json!({"viewers": ["group:g#member"]}))]).await;
    let mut conditional = tuple("user:ann", "member", "group:g");
    conditional["condition"] =
        json!({"name": "during", "context": {"start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}});
    let ann = tuple("user:ann", "member", "group:g");
    let mut model: Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
    let mut recorded = Vec::new();
    let steps: Vec<(Value, Value)> = vec![
        (json!([conditional]), json!([])),
        (json!([tuple("user:bob", "member", "group:g")]), json!([])),
        (json!([]), json!([ann])),
        (json!([ann]), json!([])),
        (json!([tuple("user:*", "viewer", "document:a/1")]), json!([])),
        (json!([tuple("user:bob", "blocked", "document:a/1")]), json!([])),
        (json!([]), json!([tuple("user:*", "viewer", "document:a/1")])),
    ];
    for (writes, deletes) in steps {
        let token = admin.write(writes, deletes).await["revision"].as_str().unwrap().to_owned();
        recorded.push((token, seen(&admin, None).await));
    }
    // Under another model nobody is blocked; that changes no answer about the time before.
    let types = model["type_definitions"].as_array_mut().unwrap();
    let held = types.iter_mut().find(|held| held["type"] == "document").unwrap();
    let base = held["relations"]["can_view"]["difference"]["base"].clone();
    held["relations"]["can_view"] = base;
    admin.post("/v1/models", json!({"model": model})).await.ok();
    let answer =
        admin.post("/v1/explain", json!({"subject": "user:bob", "collection": "main", "document_id": "a/1"})).await;
    let answer = answer.ok();
    assert_eq!(answer["readable"], true);
    recorded.push((answer["revision"].as_str().unwrap().to_owned(), seen(&admin, None).await));
    admin.write(json!([tuple("user:zoe", "viewer", "document:a/1")]), json!([])).await;

    let distinct: BTreeSet<String> = recorded.iter().map(|(_, seen)| format!("{seen:?}")).collect();
    assert!(distinct.len() >= 5, "{distinct:?}");
    for (token, expected) in &recorded {
        assert_eq!(seen(&admin, Some(token)).await, *expected);
    }
    // The tuple that was deleted since is told with its condition, and at another instant it did not hold.
    let first = &recorded[0].0;
    let then = admin.post("/v1/explain", asked("user:ann", first)).await.ok();
    assert_eq!(then["paths"][0][1]["condition"]["name"], "during");
    assert!(then["stages"].is_null() && then["decided_at"].is_string());
    let mut earlier = asked("user:ann", first);
    earlier["context"] = json!({"current_time": "2019-01-01T00:00:00Z"});
    let earlier = admin.post("/v1/explain", earlier).await.ok();
    assert_eq!((&earlier["readable"], &earlier["decided_at"]), (&json!(false), &json!("2019-01-01T00:00:00.000Z")));

    // A document that is gone is told of to whoever reaches everything, and of the time when it was there.
    let token = &recorded[1].0;
    let key = |collections: Value| json!({"name": "k", "scopes": ["explain"], "collections": collections});
    let made = admin.post("/v1/keys", key(json!(["main"]))).await.ok();
    let confined = Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
    assert_eq!(confined.post("/v1/explain", asked("user:bob", token)).await.ok()["readable"], true);
    admin.delete("/v1/documents/a%2F1?collection=main").await.ok();
    assert_eq!(admin.post("/v1/explain", asked("user:bob", token)).await.ok()["readable"], true);
    assert_eq!(confined.post("/v1/explain", asked("user:bob", token)).await.problem(404), "not_found");
    let now = json!({"collection": "main", "document_id": "a/1"});
    assert_eq!(admin.post("/v1/explain/readers", now).await.problem(404), "not_found");

    // What can't be told is said, never guessed.
    let tokens = service.service().revisions.clone();
    for revision in [0, u64::MAX / 4] {
        let token = tokens.seal(revision).unwrap();
        let refused = admin.post("/v1/explain", asked("user:ann", &token)).await;
        assert_eq!(refused.problem(409), "revision_unavailable", "{revision}");
    }
    assert_eq!(admin.post("/v1/explain", asked("user:ann", "r1.x")).await.problem(400), "invalid_request");
    let made = admin.post("/v1/keys", json!({"name": "k", "scopes": ["query", "relationships.read"]})).await.ok();
    let other = Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
    let body = json!({"collection": "main", "document_id": "a/1"});
    assert_eq!(other.post("/v1/explain/readers", body).await.problem(403), "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lacks_what_is_needed_is_refused() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "crocus", json!({"viewers": ["group:g#member"]}))]).await;
    let ann = tuple("user:ann", "member", "group:g");
    let then = admin.write(json!([ann]), json!([])).await["revision"].as_str().unwrap().to_owned();
    let later = admin.write(json!([]), json!([ann])).await["revision"].as_str().unwrap().to_owned();
    admin.write(json!([tuple("user:bob", "member", "group:g")]), json!([])).await;
    assert_eq!(admin.post("/v1/explain", asked("user:ann", &then)).await.ok()["readable"], true);
    // As if an older release had cut it: all but the last two entries.
    let running = service.service();
    let mut tx = running.catalog.begin().await.unwrap();
    query("DELETE FROM tuple_changes WHERE change < (SELECT max(change) - 1 FROM tuple_changes)")
        .execute(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let refused = admin.post("/v1/explain", asked("user:ann", &then)).await;
    assert_eq!(refused.problem(409), "revision_unavailable");
    // Between two entries that are there nothing is missing.
    assert_eq!(admin.post("/v1/explain", asked("user:bob", &later)).await.ok()["readable"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_document_are_listed() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin
        .write(json!([tuple("user:ann", "member", "group:g"), tuple("agent:bot", "member", "group:g")]), json!([]))
        .await;
    let rules = json!({"viewers": ["group:g#member", "service:*"], "blocked": ["service:old"]});
    admin.put_documents(vec![document("a/1", "crocus", rules)]).await;
    let body = json!({"collection": "main", "document_id": "a/1"});
    let listed = admin.post("/v1/explain/readers", body.clone()).await.ok();
    assert_eq!(listed["readers"], json!(["service:*", "agent:bot", "user:ann"]));
    assert_eq!((&listed["except"], &listed["truncated"]), (&json!(["service:old"]), &json!(false)));
    let short =
        admin.post("/v1/explain/readers", json!({"collection": "main", "document_id": "a/1", "limit": 1})).await;
    assert_eq!(short.ok()["truncated"], true);
    admin.write(json!([tuple("classification:red", "classification", "document:a/1")]), json!([])).await;
    assert_eq!(admin.post("/v1/explain/readers", body).await.ok()["hidden"], "ambiguous_classification");
}

#[tokio::test(flavor = "multi_thread")]
async fn tuples_of_every_past_revision_equal_a_recorded_copy() {
    let service = TestService::start().await;
    let admin = service.admin();
    let running = service.service();
    let store = running.default_store.clone();
    let tuples = |graph: &usher::authz::Graph| -> BTreeSet<String> {
        graph.all_tuples().map(|tuple| format!("{tuple:?}")).collect()
    };
    let mut seed = 3u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut recorded = Vec::new();
    for round in 0..80 {
        let mut body = json!({"idempotent": true, "writes": [], "deletes": []});
        for list in ["writes", "deletes"] {
            let mut named = BTreeSet::new();
            for _ in 0..random(4) {
                let (user, group) = (format!("user:{}", random(4)), format!("group:{}", random(2)));
                if !named.insert((user.clone(), group.clone())) {
                    continue;
                }
                let mut held = tuple(&user, "member", &group);
                if list == "writes" && random(2) == 0 {
                    let end = format!("20{}-01-01T00:00:00Z", 30 + random(3));
                    held["condition"] =
                        json!({"name": "during", "context": {"start": "2020-01-01T00:00:00Z", "end": end}});
                }
                body[list].as_array_mut().unwrap().push(held);
            }
        }
        // Some are refused: the tuple is there with another condition.
        let _ = admin.post("/v1/relationships/write", body).await;
        if round % 20 == 10 {
            admin
                .put_documents(vec![document(&format!("a/{round}"), "text", json!({"viewers": ["group:0#member"]}))])
                .await;
        }
        let snapshot = running.published.load();
        recorded.push((snapshot.revision, tuples(&snapshot.store(&store).unwrap().graph)));
    }
    recorded.dedup();
    println!("past: {} revisions", recorded.len());
    assert!(recorded.len() > 40);
    let snapshot = running.published.load();
    let state = snapshot.store(&store).unwrap();
    let turn = || running.survey_turn(usher::limits::Payer { credential: "test".to_owned(), subject: None });
    for (revision, expected) in &recorded {
        let then = past(&running.catalog, &snapshot, state, *revision, &turn()).await.unwrap();
        assert_eq!(tuples(&then.graph), *expected, "revision {revision}");
    }
    // An older snapshot can be asked about its own past while the log goes on.
    admin.write(json!([tuple("user:late", "member", "group:0")]), json!([])).await;
    let (revision, expected) = &recorded[recorded.len() / 2];
    assert_eq!(tuples(&past(&running.catalog, &snapshot, state, *revision, &turn()).await.unwrap().graph), *expected);
    let none = past(&running.catalog, &snapshot, state, 0, &turn()).await;
    assert!(matches!(none, Err(PastError::NoModel { .. })));
}

/// A document that is gone with its collection is nothing that a key of another collection learns of, though it holds the
/// id now.
#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_an_id_is_told_from_when_the_collection_held_it() {
    let service = TestService::start().await;
    let admin = service.admin();
    for name in ["one", "two"] {
        admin.put(&format!("/v1/collections/{name}"), json!({})).await.ok();
    }
    let put = async |client: &Client, collection: &str, viewer: &str| {
        let document = json!({"id": "s/x", "collection": collection, "acl": {"viewers": [viewer]},
                              "content": {"type": "text/plain", "text": "ibex"}});
        let stored = client.post("/v1/documents", json!({"documents": [document]})).await.ok();
        stored["revision"].as_str().unwrap().to_owned()
    };
    let first = put(&admin, "one", "user:secret").await;
    admin.delete("/v1/collections/one?force=true").await.ok();
    let settings =
        json!({"name": "k", "scopes": ["explain", "documents.write"], "collections": ["two"], "sources": ["s"]});
    let made = admin.post("/v1/keys", settings).await.ok();
    let key = Client { key: made["key"].as_str().unwrap().to_owned(), subject: None, ..admin.clone() };
    let second = put(&key, "two", "user:ann").await;
    let body = |as_of: &str| json!({"collection": "two", "document_id": "s/x", "as_of_revision": as_of});
    assert_eq!(key.post("/v1/explain/readers", body(&first)).await.problem(404), "not_found");
    let mut asked = body(&first);
    asked["subject"] = "user:secret".into();
    assert_eq!(key.post("/v1/explain", asked).await.problem(404), "not_found");
    let readers = key.post("/v1/explain/readers", body(&second)).await.ok();
    assert_eq!(readers["readers"], json!(["user:ann"]));
    // Whoever reaches every collection is told.
    let readers = admin.post("/v1/explain/readers", body(&first)).await.ok();
    assert_eq!(readers["readers"], json!(["user:secret"]));
}
