//! What a caller asserts for conditions counts the same wherever a document is read.

use serde_json::{Value, json};

use crate::common::{TestService, document};

#[tokio::test(flavor = "multi_thread")]
async fn rechecks_reads_and_lists_take_the_context_of_a_query() {
    let service = TestService::start().await;
    let admin = service.admin();
    let store = admin.post("/stores", json!({"name": "places"})).await.ok()["id"].as_str().unwrap().to_owned();
    let viewer = json!({"directly_related_user_types": [{"type": "user", "condition": "inside"}]});
    let model = json!({"schema_version": "1.1", "type_definitions": [
        {"type": "user", "relations": {}},
        {"type": "page", "relations": {"viewer": {"this": {}}}, "metadata": {"relations": {"viewer": viewer}}},
    ], "conditions": {"inside": {"name": "inside", "expression": "ip.in_cidr('10.0.0.0/8')",
        "parameters": {"ip": {"type_name": "TYPE_NAME_IPADDRESS"}}}}});
    admin.post(&format!("/stores/{store}/authorization-models"), model).await.ok();
    let settings = json!({"store": store, "object_type": "page", "section_type": "", "relation": "viewer",
                          "caller_context": ["ip"]});
    admin.put("/v1/collections/pages", settings).await.ok();
    let inside = json!({"viewers": [{"principal": "user:ann", "condition": {"name": "inside"}}]});
    let mut page = document("p/1", "orchid", inside);
    page["collection"] = json!("pages");
    admin.put_documents(vec![page]).await;

    let ann = service.as_reader("user:ann");
    for (ip, may) in [(Some("10.1.2.3"), true), (Some("11.1.2.3"), false), (None, false)] {
        let context = ip.map_or(json!({}), |ip| json!({"ip": ip}));
        let ask = json!({"query": "orchid", "collections": ["pages"], "context": {"ip": "10.1.2.3"}});
        let chunk = ann.post("/v1/query", ask).await.ok()["results"][0]["chunk_id"].clone();
        let recheck = json!({"items": [{"chunk_id": chunk}], "context": context});
        let status = ann.post("/v1/recheck", recheck).await.ok()["items"][0]["status"].clone();
        assert_eq!(status, if may { "ok" } else { "not_readable" }, "{ip:?}");
        let parameter = context.to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        let read = ann.get(&format!("/v1/documents/p%2F1?collection=pages&context={parameter}")).await;
        assert_eq!(read.status.as_u16(), if may { 200 } else { 404 }, "{ip:?}");
        let list = ann.get(&format!("/v1/documents?collection=pages&context={parameter}")).await.ok();
        assert_eq!(list["documents"].as_array().unwrap().len(), usize::from(may), "{ip:?}");
    }
    for wrong in ["7", "%5B%5D", "%7B", "%7B%22a%22:1,%22a%22:2%7D"] {
        for path in ["/v1/documents/p%2F1", "/v1/documents"] {
            let reply = ann.get(&format!("{path}?collection=pages&context={wrong}")).await;
            assert_eq!(reply.problem(400), "invalid_request", "{path} {wrong}");
        }
    }
    let large: Value = json!({"items": [], "context": {"ip": "x".repeat(40_000)}});
    assert_eq!(ann.post("/v1/recheck", large).await.problem(400), "invalid_request");
}
