//! What is to end with the last year never ends, wherever a time is taken.

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

const ENDS: [&str; 6] = [
    "9999-12-30T22:00:01Z",
    "9999-12-31T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59+14:00",
    "9999-12-31T23:59:59-12:00",
];

fn during(end: &str) -> Value {
    json!({"name": "during", "context": {"start": "2020-01-01T00:00:00Z", "end": end}})
}

fn until(end: &str, user: &str, relation: &str, object: &str) -> Value {
    let mut tuple = tuple(user, relation, object);
    tuple["condition"] = during(end);
    tuple
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_and_a_ban_until_the_last_year_hold_for_ever() {
    let service = TestService::start().await;
    let admin = service.admin();
    let store = service.service().default_store.clone();
    let asked = |n: usize, now: &str| {
        let key = json!({"user": "user:bob", "relation": "can_view", "object": format!("document:a/{n}")});
        json!({"tuple_key": key, "context": {"current_time": now}})
    };
    for (n, end) in ENDS.into_iter().enumerate() {
        let object = format!("document:a/{n}");
        let granted = json!({"principal": "user:ann", "condition": during(end)});
        let text = format!("orchid {n}");
        admin.put_documents(vec![document(&format!("a/{n}"), &text, json!({"viewers": [granted, "user:eve"]}))]).await;
        admin.write(json!([until(end, "user:eve", "blocked", &object)]), json!([])).await;
        let write = json!({"writes": {"tuple_keys": [until(end, "user:bob", "viewer", &object)]}});
        admin.post(&format!("/stores/{store}/write"), write).await.ok();
        for (now, may) in [("2019-01-01T00:00:00Z", false), ("2500-01-01T00:00:00Z", true)] {
            let told = admin.post(&format!("/stores/{store}/check"), asked(n, now)).await.ok();
            assert_eq!(told["allowed"], may, "{end} {now}");
        }
        let told = admin.post(&format!("/stores/{store}/check"), asked(n, "9999-12-31T23:59:59Z")).await.ok();
        assert!(told["allowed"].is_boolean(), "the time of a question may be one of these too");
        let explain = json!({"subject": "user:eve", "collection": "main", "document_id": format!("a/{n}")});
        let told = admin.post("/v1/explain", explain).await.ok();
        assert_eq!((&told["readable"], told["blocked_by"].as_array().unwrap().len()), (&json!(false), 1), "{end}");
    }
    for (who, count) in [("user:ann", ENDS.len()), ("user:bob", ENDS.len()), ("user:eve", 0)] {
        assert_eq!(service.as_reader(who).ask("orchid").await.len(), count, "{who}");
    }
    let report = admin.get("/v1/relationships/report?kind=expired").await.ok();
    assert_eq!(report["tuples"], json!([]), "nothing of it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_keys_filters_and_logs_take_the_last_days_of_the_last_year() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/main", json!({"fields": {"due": "time"}})).await.ok();
    let ann = service.as_reader("user:ann");
    for (n, end) in ENDS.into_iter().enumerate() {
        let mut kept = document(&format!("a/{n}"), "orchid", json!({"viewers": ["user:ann"]}));
        kept["expires_at"] = json!(end);
        kept["metadata"] = json!({"due": end});
        let put = admin.put_documents(vec![kept]).await;
        let result = &put["results"][0];
        assert!(result["status"] == "created" && result["warnings"].is_null(), "{end}: {put}");
        let key = json!({"name": "k", "scopes": ["query"], "subject": "user:ann", "expires_at": end});
        let made = admin.post("/v1/keys", key).await.ok();
        let holder = Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() };
        assert_eq!(holder.ask("orchid").await.len(), n + 1, "{end}");
        let leaf = json!({"field": "due", "op": "lte", "value": end});
        let answer = ann.post("/v1/query", json!({"query": "orchid", "filter": leaf})).await.ok();
        assert_eq!(answer["results"].as_array().unwrap().len(), n + 1, "{end}");
        let from = format!("/v1/relationships/changes?start_time={}", end.replace('+', "%2B"));
        assert_eq!(admin.get(&from).await.ok()["changes"], json!([]), "{end}");
    }
    let page = admin.get("/v1/collections/main/documents").await.ok();
    let states = page["documents"].as_array().unwrap().iter().map(|shown| shown["state"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>(), ["served"; ENDS.len()]);
    // What was read from the catalog again means the same.
    let service = service.restart().await;
    assert_eq!(service.as_reader("user:ann").ask("orchid").await.len(), ENDS.len());
}
