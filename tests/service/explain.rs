//! Why somebody reads a document, and why not.

use serde_json::{Value, json};

use crate::common::{TestService, document, tuple};

fn relations(chain: &Value) -> Vec<&str> {
    chain.as_array().unwrap().iter().map(|tuple| tuple["relation"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_and_a_document_are_explained_to_administrators_only() {
    let service = TestService::start().await;
    let admin = service.admin();
    let members = json!([
        tuple("user:ann", "member", "group:some"),
        tuple("group:some#member", "member", "group:all"),
        tuple("user:bob", "member", "group:some"),
    ]);
    admin.write(members, json!([])).await;
    let rules = json!({"viewers": ["group:all#member"], "blocked": ["user:bob"]});
    let mut parts = document("a/1", "orchid in the open. orchid in private.", rules);
    parts["chunks"] = json!([{"start": 0, "end": 19}, {"start": 20, "end": 38}]);
    parts["sections"] = json!([{"id": "p", "span": {"start": 20, "end": 38}, "acl": {"viewers": ["user:carl"]}}]);
    admin.put_documents(vec![parts]).await;
    let ask = |subject: &str| json!({"subject": subject, "collection": "main", "document_id": "a/1"});

    let ann = admin.post("/v1/explain", ask("user:ann")).await.ok();
    assert_eq!((&ann["readable"], &ann["allowed"]), (&json!(true), &json!(true)));
    assert!(ann["model_id"].is_string() && ann["revision"].is_string());
    assert_eq!(relations(&ann["paths"][0]), ["viewer", "member", "member"]);
    assert_eq!(ann["stages"], json!({"candidate": true, "prefilter": true, "recheck": true}));
    assert_eq!(ann["sections"][0]["allowed"], false);
    assert_eq!(ann["sections"][0]["missing"], json!(["section:a/1~p#viewer"]));

    let bob = admin.post("/v1/explain", ask("user:bob")).await.ok();
    assert_eq!((&bob["readable"], &bob["stages"]["prefilter"]), (&json!(false), &json!(false)));
    assert_eq!(relations(&bob["blocked_by"][0]), ["blocked"]);

    // The collection may be left out, another relation asked about, and a state demanded.
    let short = |relation: &str, document: &str| json!({"subject": "user:bob", "document_id": document, "relation": relation, "min_revision": ann["revision"]});
    let viewer = admin.post("/v1/explain", short("viewer", "a/1")).await.ok();
    assert_eq!((&viewer["allowed"], &viewer["readable"]), (&json!(true), &json!(false)));
    assert_eq!(admin.post("/v1/explain", short("owner_of_all", "a/1")).await.problem(400), "invalid_request");
    assert_eq!(admin.post("/v1/explain", short("viewer", "a/none")).await.problem(404), "not_found");

    let zoe = admin.post("/v1/explain", ask("user:zoe")).await.ok();
    assert_eq!(zoe["missing"], json!(["document:a/1#viewer"]));

    // Two labels hide it from everybody, and that is said.
    admin.write(json!([tuple("classification:red", "classification", "document:a/1")]), json!([])).await;
    let ann = admin.post("/v1/explain", ask("user:ann")).await.ok();
    assert_eq!((&ann["readable"], &ann["hidden"]), (&json!(false), &json!("ambiguous_classification")));
    assert_eq!(ann["allowed"], true);

    // Nobody learns of it without the scope, nor through a key of another collection.
    let key = |scopes: Value, collections: Value| json!({"name": "k", "scopes": scopes, "subject": "user:ann", "collections": collections});
    for (body, expected) in [
        (key(json!(["query"]), Value::Null), (403, "insufficient_scope")),
        (key(json!(["explain"]), json!(["other"])), (404, "not_found")),
    ] {
        let made = admin.post("/v1/keys", body).await.ok();
        let client = crate::common::Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
        assert_eq!(client.post("/v1/explain", ask("user:ann")).await.problem(expected.0), expected.1);
    }
    let absent = json!({"subject": "user:ann", "collection": "main", "document_id": "a/none"});
    assert_eq!(admin.post("/v1/explain", absent).await.problem(404), "not_found");
    assert_eq!(admin.post("/v1/explain", ask("group:some#member")).await.problem(400), "invalid_request");
}
