//! Tuples that do nothing.

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

async fn reported(admin: &Client, kind: &str) -> Vec<String> {
    let answer = admin.get(&format!("/v1/relationships/report?kind={kind}")).await.ok();
    assert!(answer["next_cursor"].is_null(), "{answer}");
    let show = |held: &Value| {
        assert!(held["written_at"].is_string());
        let of = |part: &str| held["tuple"][part].as_str().unwrap().to_owned();
        format!("{} {} {}", of("object"), of("relation"), of("user"))
    };
    let mut all: Vec<String> = answer["tuples"].as_array().unwrap().iter().map(show).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_idle_tuple_is_reported() {
    let service = TestService::start().await;
    let admin = service.admin();
    for kind in ["expired", "waiting", "empty", "not_admitted"] {
        assert_eq!(reported(&admin, kind).await, Vec::<String>::new(), "{kind}");
    }
    let timed = |user: &str, start: &str, end: &str| {
        let mut held = tuple(user, "member", "group:g");
        held["condition"] = json!({"name": "during", "context": {"start": start, "end": end}});
        held
    };
    let (past, middle, future) = ("2001-01-01T00:00:00Z", "2002-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    let mut open = timed("user:open", past, future);
    open["condition"] = json!({"name": "during", "context": {"start": past}});
    admin
        .write(
            json!([
                timed("user:over", past, middle),
                timed("user:now", past, future),
                timed("user:soon", future, "2101-01-01T00:00:00Z"),
                open,
                tuple("user:ann", "member", "group:g"),
                // Nobody is in these, however they are nested.
                tuple("group:hollow#member", "member", "group:shell"),
                tuple("group:shell#member", "viewer", "folder:f"),
                tuple("group:g#member", "viewer", "folder:f"),
                // No document leads here.
                tuple("user:ann", "member", "group:idle"),
                tuple("group:idle#member", "member", "group:idler"),
                // These documents and sections are not here (yet).
                tuple("user:ann", "viewer", "document:a/later"),
                tuple("document:a/1", "document", "section:a/1~x"),
            ]),
            json!([]),
        )
        .await;
    let mut parts =
        document("a/1", "orchid in the open. orchid in private.", json!({"parents": ["folder:f"], "inherit": true}));
    parts["chunks"] = json!([{"start": 0, "end": 19}, {"start": 20, "end": 38}]);
    parts["sections"] = json!([{"id": "p", "span": {"start": 20, "end": 38}, "acl": {"viewers": ["user:carl"]}}]);
    admin.put_documents(vec![parts]).await;

    assert_eq!(reported(&admin, "expired").await, ["group:g member user:over"]);
    assert_eq!(
        reported(&admin, "waiting").await,
        ["document:a/later viewer user:ann", "section:a/1~x document document:a/1"]
    );
    assert_eq!(
        reported(&admin, "empty").await,
        ["folder:f viewer group:shell#member", "group:shell member group:hollow#member"]
    );
    let unused = reported(&admin, "unused").await;
    assert_eq!(unused, ["group:idle member user:ann", "group:idler member group:idle#member"]);

    // A model without clauses has no place for their tuples; before, it had.
    admin.write(json!([tuple("user:ann", "owner", "collection:c")]), json!([])).await;
    assert_eq!(reported(&admin, "not_admitted").await, Vec::<String>::new());
    let mut model: Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
    for held in model["type_definitions"].as_array_mut().unwrap() {
        if held["type"] == "collection" {
            let admitted = &mut held["metadata"]["relations"]["owner"]["directly_related_user_types"];
            admitted.as_array_mut().unwrap().retain(|form| form["type"] != "user");
        }
    }
    admin.post("/v1/models", json!({"model": model})).await.ok();
    assert_eq!(reported(&admin, "not_admitted").await, ["collection:c owner user:ann"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_come_in_pages_and_to_few() {
    let service = TestService::start().await;
    let admin = service.admin();
    let waiting: Vec<Value> = (0..7).map(|n| tuple("user:ann", "viewer", &format!("document:w/{n}"))).collect();
    admin.write(json!(waiting), json!([])).await;
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let answer = admin.get(&format!("/v1/relationships/report?kind=waiting&limit=3{cursor}")).await.ok();
        pages += 1;
        found.extend(answer["tuples"].as_array().unwrap().iter().map(|held| held["tuple"].clone()));
        let Some(next) = answer["next_cursor"].as_str() else { break };
        // A cursor is of one kind of report.
        let elsewhere = admin.get(&format!("/v1/relationships/report?kind=empty&cursor={next}")).await;
        assert_eq!(elsewhere.problem(400), "invalid_request");
        cursor = format!("&cursor={next}");
    }
    assert_eq!((found, pages), (waiting, 3));
    for (query, status, code) in [
        ("kind=nothing", 400, "invalid_request"),
        ("limit=3", 400, "invalid_request"),
        ("kind=empty&limit=0", 400, "invalid_request"),
        ("kind=empty&store=none", 404, "not_found"),
    ] {
        assert_eq!(admin.get(&format!("/v1/relationships/report?{query}")).await.problem(status), code, "{query}");
    }
    for scopes in [json!(["relationships.read"]), json!(["explain"])] {
        let made = admin.post("/v1/keys", json!({"name": "k", "scopes": scopes})).await.ok();
        let client = Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
        let refused = client.get("/v1/relationships/report?kind=waiting").await;
        assert_eq!(refused.problem(403), "insufficient_scope");
    }
    let audit = std::fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
    assert_eq!(audit.matches("\"relationships.report\"").count(), 3);
}
