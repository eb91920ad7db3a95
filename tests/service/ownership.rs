//! A source takes away only what it added; what an administrator wrote stays until an administrator removes it.

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

async fn rules(admin: &Client, acl: Value) {
    admin.put_documents(vec![document("hr/d", "tapir budget", acl)]).await;
}

async fn reads(service: &TestService, user: &str) -> bool {
    let question = json!({"query": "tapir", "mode": "keyword"});
    let answer = service.as_reader(user).post("/v1/query", question).await.ok();
    !answer["results"].as_array().unwrap().is_empty()
}

async fn held(admin: &Client) -> Vec<String> {
    let report = admin.get("/v1/relationships/report?kind=held").await.ok();
    let tuples = report["tuples"].as_array().unwrap().iter();
    tuples.map(|held| format!("{}#{}", held["tuple"]["user"], held["tuple"]["relation"]).replace('"', "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_by_hand_outlives_what_a_source_says_about_it() {
    let service = TestService::start().await;
    let admin = service.admin();
    let (plain, banned) = (json!({"viewers": ["user:*"]}), json!({"viewers": ["user:*"], "blocked": ["user:eve"]}));
    let ban = tuple("user:eve", "blocked", "document:hr/d");
    rules(&admin, plain.clone()).await;
    admin.write(json!([ban.clone()]), json!([])).await;
    for acl in [&banned, &plain, &banned, &plain] {
        rules(&admin, acl.clone()).await;
        assert!(!reads(&service, "user:eve").await, "after {acl}");
    }
    // The administrator takes it away, and a source's own ban goes with the source's rules.
    admin.write(json!([]), json!([ban.clone()])).await;
    assert!(reads(&service, "user:eve").await);
    rules(&admin, banned.clone()).await;
    assert!(!reads(&service, "user:eve").await);
    rules(&admin, plain.clone()).await;
    assert!(reads(&service, "user:eve").await);
    // Whoever asks for a ban that a source wrote already has it from then on.
    rules(&admin, banned.clone()).await;
    let again = json!({"writes": [ban], "idempotent": true});
    admin.post("/v1/relationships/write", again).await.ok();
    rules(&admin, plain.clone()).await;
    assert!(!reads(&service, "user:eve").await, "it was asked for by hand");
    // Through replacement of the rules and of the document, too.
    let sent = json!({"acl": plain});
    admin.put("/v1/documents/hr%2Fd/acl?collection=main", sent).await.ok();
    admin.delete("/v1/documents/hr%2Fd?collection=main").await.ok();
    rules(&admin, plain).await;
    assert!(!reads(&service, "user:eve").await && reads(&service, "user:ann").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_by_hand_stays_and_is_not_joined_by_one_that_nobody_asked_for() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.write(json!([tuple("user:ann", "cleared", "classification:red")]), json!([])).await;
    let open = json!({"viewers": ["user:*"]});
    let red = json!({"viewers": ["user:*"], "classification": "classification:red"});
    rules(&admin, open.clone()).await;
    let label = |name: &str| tuple(&format!("classification:{name}"), "classification", "document:hr/d");
    admin.write(json!([label("red")]), json!([label("open")])).await;
    for acl in [&open, &red, &open] {
        rules(&admin, acl.clone()).await;
        assert!(reads(&service, "user:ann").await && !reads(&service, "user:bob").await, "after {acl}");
    }
    admin.delete("/v1/documents/hr%2Fd?collection=main").await.ok();
    rules(&admin, open.clone()).await;
    assert!(reads(&service, "user:ann").await && !reads(&service, "user:bob").await, "through re-creation");
    // A label that a source does ask for beside another one hides the document.
    rules(&admin, json!({"viewers": ["user:*"], "classification": "classification:blue"})).await;
    assert!(!reads(&service, "user:ann").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_by_hand_on_what_was_deleted_are_held_until_somebody_confirms_them() {
    let service = TestService::start().await;
    let admin = service.admin();
    let grant = tuple("user:zed", "viewer", "document:hr/d");
    let by_folder = tuple("folder:f", "inherits", "document:hr/d");
    rules(&admin, json!({"viewers": ["user:rita"]})).await;
    admin.write(json!([grant.clone(), by_folder, tuple("user:gus", "viewer", "folder:f")]), json!([])).await;
    assert!(reads(&service, "user:zed").await && reads(&service, "user:gus").await);
    admin.delete("/v1/documents/hr%2Fd?collection=main").await.ok();
    rules(&admin, json!({"viewers": ["user:sam"]})).await;
    for (user, expected) in [("user:zed", false), ("user:gus", false), ("user:rita", false), ("user:sam", true)] {
        assert_eq!(reads(&service, user).await, expected, "{user}");
    }
    assert_eq!(held(&admin).await, ["user:zed#viewer", "folder:f#inherits"]);
    // Written again, it holds; deleted, it is gone.
    admin.write(json!([grant]), json!([tuple("folder:f", "inherits", "document:hr/d")])).await;
    assert!(reads(&service, "user:zed").await && !reads(&service, "user:gus").await);
    assert!(held(&admin).await.is_empty());
    let again = json!({"deletes": [tuple("folder:f", "inherits", "document:hr/d")]});
    assert_eq!(admin.post("/v1/relationships/write", again).await.status, 409);
    // A collection that goes takes its documents with it.
    let service = service.restart().await;
    let admin = service.admin();
    admin.delete("/v1/collections/main").await.ok();
    admin.put("/v1/collections/main", json!({})).await.ok();
    rules(&admin, json!({"viewers": ["user:sam"]})).await;
    assert!(!reads(&service, "user:zed").await && reads(&service, "user:sam").await);
    assert_eq!(held(&admin).await, ["user:zed#viewer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_comes_back_is_another_one() {
    let service = TestService::start().await;
    let admin = service.admin();
    let with = |sections: Value| {
        let mut stored = document("hr/d", "tapir budget and what it is about", json!({"viewers": ["user:*"]}));
        stored["sections"] = sections;
        stored
    };
    let restricted = json!([{"id": "s", "span": {"start": 0, "end": 12}, "acl": {"viewers": ["user:rita"]}}]);
    admin.put_documents(vec![with(restricted.clone())]).await;
    admin.write(json!([tuple("user:zed", "viewer", "section:hr/d~s")]), json!([])).await;
    assert!(reads(&service, "user:zed").await);
    admin.put_documents(vec![with(json!([]))]).await;
    admin.put_documents(vec![with(restricted)]).await;
    assert!(!reads(&service, "user:zed").await && reads(&service, "user:rita").await);
    assert_eq!(held(&admin).await, ["user:zed#viewer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_never_weaker_than_what_was_said() {
    let service = TestService::start().await;
    let admin = service.admin();
    let over = json!({"name": "during", "context": {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}});
    let conditional = json!({"principal": "user:eve", "condition": over});
    let banned = |who: Value| json!({"viewers": ["user:*"], "blocked": who});
    // With and without a condition, in either order, and then without.
    for both in [json!([conditional, "user:eve"]), json!(["user:eve", conditional])] {
        rules(&admin, banned(both)).await;
        assert!(!reads(&service, "user:eve").await);
        rules(&admin, banned(json!(["user:eve"]))).await;
        assert!(!reads(&service, "user:eve").await);
        rules(&admin, banned(json!([conditional]))).await;
        assert!(reads(&service, "user:eve").await, "it is over");
    }
    rules(&admin, banned(json!(["user:eve"]))).await;
    assert!(!reads(&service, "user:eve").await, "what lost its condition is there");
    // A weaker one by hand can't stand for it, and that is said.
    rules(&admin, banned(json!([]))).await;
    let mut by_hand = tuple("user:eve", "blocked", "document:hr/d");
    by_hand["condition"] = over;
    admin.write(json!([by_hand]), json!([])).await;
    let refused = document("hr/d", "tapir budget", banned(json!(["user:eve"])));
    let answer = admin.post("/v1/documents", json!({"documents": [refused]})).await.ok();
    assert_eq!(answer["results"][0]["status"], "rejected", "{answer}");
}
