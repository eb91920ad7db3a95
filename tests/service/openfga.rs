//! The OpenFGA API as a client sees it.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::common::{Client, Reply, TestService, tuple};
use crate::tokens;

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

/// A request with a header of its own, or a body that is no JSON.
async fn raw(client: &Client, path: &str, name: &str, value: &str, body: Vec<u8>) -> Reply {
    let request = client.http.post(format!("{}{path}", client.base)).bearer_auth(&client.key);
    let response = request.header(name, value).body(body).send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

fn header_of<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_name_request_store_model_and_revision() {
    let service = TestService::start().await;
    let admin = service.admin();
    let id = store(&admin).await;
    let models = admin.get(&format!("/stores/{id}/authorization-models")).await.ok();
    let model = models["authorization_models"][0]["id"].as_str().unwrap();
    let writes = json!({"writes": {"tuple_keys": [tuple("user:ann", "viewer", "doc:1")]}});
    let check = json!({"tuple_key": tuple("user:ann", "can_view", "doc:1")});
    // Below both places.
    for place in ["", "/fga"] {
        let named = Client { request_id: Some("chosen".to_owned()), ..admin.clone() };
        let reply = named.post(&format!("{place}/stores/{id}/check"), check.clone()).await;
        assert_eq!(header_of(&reply, "x-request-id"), "chosen");
        assert_eq!(header_of(&reply, "openfga-store-id"), id);
        assert_eq!(header_of(&reply, "openfga-authorization-model-id"), model);
        assert_eq!(header_of(&reply, "cache-control"), "no-store");
        let lost = admin.get(&format!("{place}/stores/{id}/nothing/here")).await;
        assert_eq!(lost.problem(404), "undefined_endpoint");
        assert_eq!(admin.get(&format!("{place}/healthz")).await.ok(), json!({"status": "SERVING"}));
    }
    assert_eq!(admin.get("/fga/nothing").await.problem(404), "undefined_endpoint");
    assert_eq!(admin.get("/nothing").await.problem(404), "not_found");

    let written = admin.post(&format!("/stores/{id}/write"), writes).await;
    let revision = header_of(&written, "usher-revision").to_owned();
    assert!(!revision.is_empty());
    let body = serde_json::to_vec(&check).unwrap();
    let path = format!("/stores/{id}/check");
    assert_eq!(raw(&admin, &path, "Usher-Min-Revision", &revision, body.clone()).await.ok()["allowed"], true);
    let forged = raw(&admin, &path, "Usher-Min-Revision", "r1.forged", body).await;
    assert_eq!(forged.problem(400), "validation_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_tokens_reach_what_their_scopes_allow() {
    let scopes = ["relationships.read", "relationships.write"].map(str::to_owned);
    let (service, _files) = tokens::service_with(|issuer| issuer.scopes = Some(scopes.into())).await;
    let admin = service.admin();
    let id = store(&admin).await;
    let reads = format!("/stores/{id}/read");
    let writes = format!("/stores/{id}/write");
    let body = json!({"writes": {"tuple_keys": [tuple("user:ann", "viewer", "doc:1")], "on_duplicate": "ignore"}});

    let reader = json!({"name": "reader", "scopes": ["relationships.read"]});
    let reader = admin.post("/v1/keys", reader).await.ok()["key"].as_str().unwrap().to_owned();
    let reader = Client { key: reader, ..admin.clone() };
    reader.post(&reads, json!({})).await.ok();
    assert_eq!(reader.post(&writes, body.clone()).await.problem(403), "forbidden");
    assert_eq!(reader.post("/stores", json!({"name": "mine"})).await.problem(403), "forbidden");
    let wrong = Client { key: format!("{}x", reader.key), ..admin.clone() };
    assert_eq!(wrong.post(&reads, json!({})).await.problem(401), "unauthenticated");
    let noise = Client { key: "anything".to_owned(), ..admin.clone() };
    assert_eq!(noise.post(&reads, json!({})).await.problem(401), "unauthenticated");
    let nobody = Client { key: String::new(), ..admin.clone() };
    assert_eq!(nobody.post(&reads, json!({})).await.problem(401), "bearer_token_missing");

    let mut claims = tokens::claims();
    claims["scope"] = json!("usher.relationships.read usher.relationships.write");
    let good = tokens::with_token(&service, tokens::sign(&claims, &tokens::header(), 1));
    good.post(&reads, json!({})).await.ok();
    good.post(&writes, body.clone()).await.ok();
    assert_eq!(good.post("/stores", json!({"name": "mine"})).await.problem(403), "forbidden");
    let forged = tokens::with_token(&service, tokens::sign(&claims, &tokens::header(), 2));
    assert_eq!(forged.post(&reads, json!({})).await.problem(401), "invalid_claims");
    claims["exp"] = json!(jiff::Timestamp::now().as_second() - 300);
    let late = tokens::with_token(&service, tokens::sign(&claims, &tokens::header(), 1));
    assert_eq!(late.post(&reads, json!({})).await.problem(401), "invalid_claims");
    claims["scope"] = json!("openid");
    claims["exp"] = json!(jiff::Timestamp::now().as_second() + 300);
    let idle = tokens::with_token(&service, tokens::sign(&claims, &tokens::header(), 1));
    assert_eq!(idle.post(&reads, json!({})).await.problem(403), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_and_names_survive_a_restart_and_end_with_their_store() {
    let service = TestService::start().await;
    let admin = service.admin();
    let id = store(&admin).await;
    let models = admin.get(&format!("/stores/{id}/authorization-models")).await.ok();
    let path = format!("/stores/{id}/assertions/{}", models["authorization_models"][0]["id"].as_str().unwrap());
    let assertion = json!({
        "tuple_key": tuple("user:ann", "can_view", "doc:1"), "expectation": true, "context": {"a": 1},
        "contextual_tuples": [tuple("user:ann", "viewer", "doc:1")],
    });
    let put = admin.put(&path, json!({"assertions": [assertion]})).await;
    assert_eq!(put.status.as_u16(), 204);
    admin.send(Method::PATCH, &format!("/stores/{id}"), Some(json!({"name": "renamed"}))).await.ok();
    let service = service.restart().await;
    let admin = service.admin();
    let kept = admin.get(&path).await.ok();
    assert_eq!(kept["assertions"][0]["contextual_tuples"][0]["object"], "doc:1");
    assert_eq!(kept["assertions"][0]["context"], json!({"a": 1}));
    assert_eq!(admin.get(&format!("/stores/{id}")).await.ok()["name"], "renamed");
    let many = json!({"assertions": vec![json!({"tuple_key": tuple("user:a", "viewer", "doc:1")}); 101]});
    assert_eq!(admin.put(&path, many).await.problem(400), "assertions_too_many_items");
    assert_eq!(admin.delete(&format!("/stores/{id}")).await.status.as_u16(), 204);
    assert_eq!(admin.get(&path).await.problem(400), "authorization_model_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_bounded_and_streams_are_not() {
    let service = TestService::start().await;
    let admin = service.admin();
    let id = store(&admin).await;
    let at = |path: &str| format!("/stores/{id}/{path}");
    for part in 0..12 {
        let keys: Vec<Value> =
            (0..100).map(|number| tuple("user:ann", "viewer", &format!("doc:{}", part * 100 + number))).collect();
        admin.post(&at("write"), json!({"writes": {"tuple_keys": keys}})).await.ok();
    }
    let question = json!({"type": "doc", "relation": "can_view", "user": "user:ann"});
    let listed = admin.post(&at("list-objects"), question.clone()).await.ok();
    assert_eq!(listed["objects"].as_array().unwrap().len(), 1000);
    let streamed = admin.post(&at("streamed-list-objects"), question).await;
    assert_eq!(header_of(&streamed, "transfer-encoding"), "chunked");
    assert_eq!(header_of(&streamed, header::CONTENT_TYPE.as_str()), "application/json");
    assert_eq!(String::from_utf8(streamed.bytes).unwrap().lines().count(), 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_refused() {
    let service = TestService::start().await;
    let admin = service.admin();
    let id = store(&admin).await;
    let at = |path: &str| format!("/stores/{id}/{path}");
    let keys = |count: usize| -> Vec<Value> {
        (0..count).map(|number| tuple("user:ann", "viewer", &format!("doc:{number}"))).collect()
    };
    let code = async |path: &str, body: Value| admin.post(&at(path), body).await.problem(400);
    assert_eq!(code("write", json!({"writes": {"tuple_keys": keys(101)}})).await, "exceeded_entity_limit");
    let question = tuple("user:ann", "viewer", "doc:1");
    let check = json!({"tuple_key": question, "contextual_tuples": {"tuple_keys": keys(101)}});
    assert_eq!(code("check", check).await, "validation_error");
    let check = json!({"tuple_key": question, "contextual_tuples": {"tuple_keys": keys(100)}});
    admin.post(&at("check"), check).await.ok();
    let items = |count: usize| -> Vec<Value> {
        (0..count).map(|at| json!({"tuple_key": question, "correlation_id": format!("c{at}")})).collect()
    };
    assert_eq!(code("batch-check", json!({"checks": items(51)})).await, "validation_error");
    admin.post(&at("batch-check"), json!({"checks": items(50)})).await.ok();
    let types: Vec<Value> = (0..101).map(|at| json!({"type": format!("t{at}")})).collect();
    let model = json!({"schema_version": "1.1", "type_definitions": types});
    assert_eq!(code("authorization-models", model).await, "exceeded_entity_limit");
    for (user, relation, object) in [
        ("user:".to_owned() + &"x".repeat(600), "viewer".to_owned(), "doc:1".to_owned()),
        ("user:a".to_owned(), "v".repeat(51), "doc:1".to_owned()),
        ("user:a".to_owned(), "viewer".to_owned(), "doc:".to_owned() + &"x".repeat(260)),
    ] {
        let key = tuple(&user, &relation, &object);
        assert_eq!(code("check", json!({"tuple_key": key})).await, "validation_error");
        assert_eq!(code("write", json!({"writes": {"tuple_keys": [key]}})).await, "validation_error");
    }
    let large = raw(&admin, &at("check"), "x-large", "1", vec![b' '; 700_000]).await;
    assert_eq!(large.problem(413), "validation_error");
}
