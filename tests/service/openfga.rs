//! The OpenFGA API as a client sees it.

use serde_json::{Value, json};

use crate::common::{Client, TestService, tuple};

async fn store(admin: &Client) -> String {
    let id = admin.post("/stores", json!({"name": "test"})).await.ok()["id"].as_str().unwrap().to_owned();
    let model = json!({"schema_version": "1.1", "type_definitions": [
        {"type": "user", "relations": {}},
        {"type": "doc", "relations": {"viewer": {"this": {}}, "editor": {"this": {}},
            "can_view": {"union": {"child": [{"computedUserset": {"relation": "viewer"}}, {"computedUserset": {"relation": "editor"}}]}}},
         "metadata": {"relations": {"viewer": {"directly_related_user_types": [{"type": "user"}, {"type": "user", "wildcard": {}}]},
            "editor": {"directly_related_user_types": [{"type": "user"}]}}}},
    ]});
    admin.post(&format!("/stores/{id}/authorization-models"), model).await.ok();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn tuples_are_written_read_checked_listed_and_followed() {
    let service = TestService::start().await;
    let admin = service.admin();
    let id = store(&admin).await;
    let at = |path: &str| format!("/stores/{id}/{path}");
    let writes = json!({"writes": {"tuple_keys": [tuple("user:ann", "viewer", "doc:1"), tuple("user:*", "viewer", "doc:2"), tuple("user:ann", "editor", "doc:3")]}});
    admin.post(&at("write"), writes.clone()).await.ok();
    let again = admin.post(&at("write"), writes).await;
    assert_eq!(again.problem(400), "write_failed_due_to_invalid_input");
    let check = |user: &str, object: &str| json!({"tuple_key": tuple(user, "can_view", object)});
    assert_eq!(admin.post(&at("check"), check("user:ann", "doc:1")).await.ok()["allowed"], true);
    assert_eq!(
        admin.post(&at("check"), check("user:bob", "doc:1")).await.ok(),
        json!({"allowed": false, "resolution": ""})
    );
    assert_eq!(admin.post(&at("check"), check("user:bob", "doc:2")).await.ok()["allowed"], true);
    assert_eq!(admin.post(&at("check"), check("martian:x", "doc:2")).await.problem(400), "validation_error");
    let batch = json!({"checks": [
        {"tuple_key": tuple("user:ann", "can_view", "doc:3"), "correlation_id": "a"},
        {"tuple_key": tuple("user:ann", "nothing", "doc:3"), "correlation_id": "b"},
    ]});
    let batch = admin.post(&at("batch-check"), batch).await.ok();
    assert_eq!(batch["result"]["a"]["allowed"], true);
    assert_eq!(batch["result"]["b"]["error"]["input_error"], "validation_error");
    let listed =
        admin.post(&at("list-objects"), json!({"type": "doc", "relation": "can_view", "user": "user:ann"})).await.ok();
    let mut objects: Vec<_> = listed["objects"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
    objects.sort_unstable();
    assert_eq!(objects, ["doc:1", "doc:2", "doc:3"]);
    let read = admin.post(&at("read"), json!({"page_size": 2})).await.ok();
    assert_eq!(read["tuples"].as_array().unwrap().len(), 2);
    let rest =
        admin.post(&at("read"), json!({"page_size": 2, "continuation_token": read["continuation_token"]})).await.ok();
    assert_eq!((rest["tuples"].as_array().unwrap().len(), rest["continuation_token"].as_str()), (1, Some("")));
    admin.post(&at("write"), json!({"deletes": {"tuple_keys": [tuple("user:ann", "viewer", "doc:1")]}})).await.ok();
    let changes = admin.get(&at("changes?page_size=100")).await.ok();
    let operations: Vec<_> =
        changes["changes"].as_array().unwrap().iter().map(|c| c["operation"].as_str().unwrap()).collect();
    assert_eq!(
        operations,
        ["TUPLE_OPERATION_WRITE", "TUPLE_OPERATION_WRITE", "TUPLE_OPERATION_WRITE", "TUPLE_OPERATION_DELETE"]
    );
    let token = changes["continuation_token"].as_str().unwrap();
    let next = admin.get(&at(&format!("changes?continuation_token={token}"))).await.ok();
    assert_eq!((next["changes"].as_array().unwrap().len(), next["continuation_token"].as_str()), (0, Some(token)));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_stores_and_models_answer_as_openfga_does() {
    let service = TestService::start().await;
    let admin = service.admin();
    let unknown = "01HVMMBCMGZNT3SED4Z17ECXCA";
    let body = json!({"tuple_key": tuple("user:ann", "viewer", "doc:1")});
    let reply = admin.post(&format!("/stores/{unknown}/check"), body.clone()).await;
    assert_eq!(reply.problem(400), "latest_authorization_model_not_found");
    assert_eq!(admin.get(&format!("/stores/{unknown}")).await.problem(404), "store_id_not_found");
    let read = admin.post(&format!("/stores/{unknown}/read"), json!({})).await.ok();
    assert_eq!(read["tuples"], Value::Array(Vec::new()));
    let id = store(&admin).await;
    let mut with_model = body;
    with_model["authorization_model_id"] = json!(unknown);
    assert_eq!(
        admin.post(&format!("/stores/{id}/check"), with_model).await.problem(400),
        "authorization_model_not_found"
    );
    let nobody = Client { key: String::new(), ..admin };
    assert_eq!(nobody.get("/stores").await.problem(401), "bearer_token_missing");
}
