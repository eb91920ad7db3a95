//! Each document of a request stands or falls alone; and the forms that a request may have.

use serde_json::{Value, json};

use crate::common::{Client, TestService};

/// Sends bytes as they are.
async fn send(client: &Client, path: &str, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = client.http.post(format!("{}{path}", client.base)).bearer_auth(&client.key).body(body.into());
    if let Some(subject) = &client.subject {
        request = request.header("Usher-Subject", subject);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn document(id: &str, text: &str, more: &str) -> String {
    let acl = r#""acl":{"viewers":["user:ann"]}"#;
    format!(r#"{{"id":"{id}","collection":"main","content":{{"type":"text/plain","text":"{text}"}},{acl}{more}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_taken_stands_alone() {
    let service = TestService::start().await;
    let admin = service.admin();
    let bad = [
        ("surrogate", document("b/1", "badger \\ud83d", "")),
        ("NUL", document("b/2", "a \\u0000 b", "")),
        ("unknown field", document("b/3", "x", r#","surprise":1"#)),
        ("source_version", document("b/4", "x", r#","source_version":9223372036854775808"#)),
        ("twice", document("b/5", "x", r#","title":"a","title":"b""#)),
        ("expected", "[]".to_owned()),
        ("deeply", document("b/6", "x", &format!(r#","metadata":{{"a":{}1{}}}"#, "[".repeat(40), "]".repeat(40)))),
    ];
    for (why, bad) in &bad {
        let good = format!("g/{}", why.len());
        let body = format!(r#"{{"documents":[{},{bad}]}}"#, document(&good, "badger", ""));
        let (status, answer) = send(&admin, "/v1/documents", body, &[JSON]).await;
        assert_eq!(status, 200, "{why}: {answer}");
        assert_ne!(answer["results"][0]["status"], "rejected", "{answer}");
        let refused = &answer["results"][1];
        assert_eq!(refused["status"], "rejected", "{answer}");
        assert_eq!(refused["problem"]["code"], "unprocessable_document", "{answer}");
        let named = refused["problem"]["errors"][0].to_string();
        assert!(named.contains(why) && named.contains('/'), "{named}");
    }
    let found = service.as_reader("user:ann").ask("badger").await;
    assert!(found.len() >= 5 && found.iter().all(|id| id.starts_with("g/")), "{found:?}");
    // Of two with one id neither can be told to be meant.
    let (twice, other) = (document("t/1", "x", ""), document("t/2", "y", ""));
    let body = format!(r#"{{"documents":[{twice},{other},{twice}]}}"#);
    let (_, answer) = send(&admin, "/v1/documents", body, &[JSON]).await;
    let statuses: Vec<_> = answer["results"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["rejected", "created", "rejected"]);
    // What can't be told apart is refused whole.
    for body in [r#"{"documents":[{"id":"x"]}"#, r#"{"documents":[]}"#, r#"{"documents":[],"more":1}"#, "{}"] {
        assert_eq!(send(&admin, "/v1/documents", body, &[JSON]).await.0, 400, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_half_an_emoji_is_answered() {
    let service = TestService::start().await;
    let body = format!(r#"{{"documents":[{}]}}"#, document("q/1", "badger", ""));
    send(&service.admin(), "/v1/documents", body, &[JSON]).await;
    let ann = service.as_reader("user:ann");
    for question in [r#"{"query":"badger \ud83d"}"#, r#"{"top_k":5,"query":"\ude00badger badger"}"#] {
        let (status, answer) = send(&ann, "/v1/query", question, &[JSON]).await;
        assert_eq!((status, &answer["results"][0]["document_id"]), (200, &json!("q/1")), "{answer}");
    }
    let elsewhere = r#"{"query":"badger","context":{"a":"\ud83d"}}"#;
    assert_eq!(send(&ann, "/v1/query", elsewhere, &[JSON]).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn media_types_have_no_case_and_codings_are_named() {
    let service = TestService::start().await;
    let ann = service.as_reader("user:ann");
    let question = r#"{"query":"badger"}"#;
    let coded = |coding| [JSON, ("Content-Encoding", coding)];
    for (headers, status) in [
        (vec![("Content-Type", "Application/JSON")], 200),
        (vec![("Content-Type", "APPLICATION/json; Charset=utf-8")], 200),
        (vec![("Content-Type", "text/json")], 415),
        (vec![("Content-Type", "application/json-patch+json")], 415),
        (vec![], 415),
        (coded("identity").to_vec(), 200),
        (coded("Identity").to_vec(), 200),
        (coded("gzip").to_vec(), 415),
        (coded("identity, gzip").to_vec(), 415),
    ] {
        let (found, answer) = send(&ann, "/v1/query", question, &headers).await;
        assert_eq!(found, status, "{headers:?}: {answer}");
        assert!(status == 200 || answer["code"] == "unsupported_media_type", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_does_not_fit_is_taken_as_meant_or_said() {
    let service = TestService::start().await;
    let admin = service.admin();
    let fields = json!({"when": "time", "n": "number", "dept": "keyword", "tags": "keywords", "open": "bool"});
    admin.put("/v1/collections/main", json!({"fields": fields})).await.ok();
    let put = async |id: &str, metadata: Value| {
        let more = format!(r#","metadata":{metadata}"#);
        let body = format!(r#"{{"documents":[{}]}}"#, document(id, "lynx", &more));
        send(&admin, "/v1/documents", body, &[JSON]).await.1["results"][0].clone()
    };
    let fits = json!({"when": "2026-01-05", "n": "12", "dept": "Zu\u{308}rich", "tags": "one", "open": "true"});
    assert_eq!(put("m/1", fits).await.get("warnings"), None);
    let told = put("m/2", json!({"when": "soon", "n": "a dozen", "dept": ["x"], "tags": {}, "open": 1})).await;
    let pointers: Vec<_> = told["warnings"].as_array().unwrap().iter().map(|it| it["pointer"].clone()).collect();
    assert_eq!(pointers, ["/metadata/dept", "/metadata/n", "/metadata/open", "/metadata/tags", "/metadata/when"]);
    assert_eq!(told["status"], "created");
    let ann = service.as_reader("user:ann");
    for filter in [
        json!({"field": "when", "op": "gte", "value": "2025-06-01T00:00:00Z"}),
        json!({"field": "when", "op": "eq", "value": "2026-01-05"}),
        json!({"field": "n", "op": "eq", "value": 12}),
        json!({"field": "dept", "op": "eq", "value": "Z\u{fc}rich"}),
        json!({"field": "dept", "op": "prefix", "value": "Zu\u{308}"}),
        json!({"field": "tags", "op": "in", "value": ["one"]}),
        json!({"field": "open", "op": "eq", "value": true}),
    ] {
        let answer = ann.post("/v1/query", json!({"query": "lynx", "filter": filter})).await.ok();
        let found: Vec<_> =
            answer["results"].as_array().unwrap().iter().map(|hit| hit["document_id"].clone()).collect();
        assert_eq!(found, ["m/1"], "{filter}");
    }
}

/// A collection that isn't there refuses its documents, and no others; where there is no other, nothing is stored.
#[tokio::test(flavor = "multi_thread")]
async fn documents_of_a_collection_that_is_not_there_are_refused_alone() {
    let service = TestService::start().await;
    let admin = service.admin();
    let of = |id: &str, collection: &str| {
        let mut sent = crate::common::document(id, "ibex", json!({"viewers": ["user:ann"]}));
        sent["collection"] = collection.into();
        sent
    };
    let sent = json!({"documents": [of("a/1", "main"), of("a/2", "nope"), of("a/3", "main")]});
    let answer = admin.post("/v1/documents", sent).await.ok();
    let statuses: Vec<_> = answer["results"].as_array().unwrap().iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, ["created", "rejected", "created"]);
    let problem = &answer["results"][1]["problem"];
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["pointer"]),
        (&"not_found".into(), &"/documents/1/collection".into())
    );
    let alone = admin.post("/v1/documents", json!({"documents": [of("a/4", "nope")]})).await;
    assert_eq!(alone.problem(404), "not_found");
}
