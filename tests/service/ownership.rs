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
    admin.delete("/v1/collections/main?force=true").await.ok();
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

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_anybody_had_the_id_binds_whoever_gets_it() {
    let service = TestService::start().await;
    let admin = service.admin();
    for name in ["hr", "late"] {
        admin.put(&format!("/v1/collections/{name}"), json!({})).await.ok();
    }
    let stored = |collection: &str, id: &str| {
        let mut stored = document(id, "tapir budget and what it is about", json!({"viewers": ["user:*"]}));
        stored["collection"] = json!(collection);
        stored["sections"] = json!([{"id": "s", "span": {"start": 0, "end": 12}, "acl": {"viewers": ["user:*"]}}]);
        stored
    };
    let early = [
        tuple("user:eve", "blocked", "document:hr/d"),
        tuple("user:sam", "blocked", "section:hr/d~s"),
        tuple("classification:red", "classification", "document:hr/l"),
        tuple("user:ann", "cleared", "classification:red"),
        tuple("user:gil", "viewer", "document:hr/d"),
    ];
    admin.write(json!(early), json!([])).await;
    let sees = async |user: &str| {
        let answer = service.as_reader(user).post("/v1/query", json!({"query": "tapir", "mode": "keyword"})).await.ok();
        let hits = answer["results"].as_array().unwrap().iter();
        let mut seen: Vec<String> =
            hits.map(|hit| format!("{} {}", hit["collection"], hit["document_id"]).replace('"', "")).collect();
        seen.sort();
        seen
    };
    admin.put_documents(vec![stored("main", "hr/d"), stored("main", "hr/l")]).await;
    // One that was written when somebody had it is of that one.
    admin.write(json!([tuple("user:tom", "blocked", "document:hr/d")]), json!([])).await;
    for collection in ["hr", "late"] {
        admin.put_documents(vec![stored(collection, "hr/d"), stored(collection, "hr/l")]).await;
    }
    let all = ["hr hr/d", "hr hr/l", "late hr/d", "late hr/l", "main hr/d", "main hr/l"];
    assert_eq!(sees("user:ann").await, all);
    assert!(sees("user:eve").await.is_empty(), "neither, the other is labelled");
    assert_eq!(sees("user:tom").await, ["hr hr/d", "late hr/d"]);
    // Whoever is kept out of the section does not get it anywhere, and goes on to read the rest.
    let rest = json!({"query": "about", "mode": "keyword"});
    for user in ["user:sam", "user:bob"] {
        let answer = service.as_reader(user).post("/v1/query", rest.clone()).await.ok();
        assert_eq!(answer["results"].as_array().unwrap().len(), 3, "{user}");
    }
    assert!(sees("user:sam").await.is_empty());
    assert_eq!(sees("user:bob").await, ["hr hr/d", "late hr/d", "main hr/d"]);
    // A new version does not bring back what an administrator takes away.
    let object = admin.get("/v1/documents/hr%2Fd/acl?collection=hr").await.ok()["object"].as_str().unwrap().to_owned();
    admin.write(json!([]), json!([tuple("user:eve", "blocked", &object)])).await;
    let mut changed = stored("hr", "hr/d");
    changed["content"]["text"] = json!("tapir budget and what it was about");
    admin.put_documents(vec![changed]).await;
    assert_eq!(sees("user:eve").await, ["hr hr/d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_from_a_section_outlives_the_section() {
    let service = TestService::start().await;
    let admin = service.admin();
    let long = format!("hr/{}", "d".repeat(300));
    for id in ["hr/d", &long] {
        let with = |section: Option<&str>, text: &str| {
            let mut stored = document(id, text, json!({"viewers": ["user:*"]}));
            stored["sections"] = section
                .map(|name| json!([{"id": name, "span": {"start": 0, "end": 12}, "acl": {"viewers": ["user:*"]}}]))
                .unwrap_or(json!([]));
            stored
        };
        admin.put_documents(vec![with(Some("pay"), "tapir budget and what it is about")]).await;
        let path = format!("/v1/documents/{}/acl?collection=main", id.replace('/', "%2F"));
        let acl = admin.get(&path).await.ok();
        let section = usher::snapshot::names::section_object("section", id, None, "pay").to_string();
        admin.write(json!([tuple("user:eve", "blocked", &section)]), json!([])).await;
        assert!(!reads(&service, "user:eve").await);
        // Under another name, without one, and created again: it is in none of these that eve reads it.
        admin.put_documents(vec![with(Some("wages"), "tapir budget and what it was about")]).await;
        assert!(!reads(&service, "user:eve").await && reads(&service, "user:ann").await);
        admin.put_documents(vec![with(None, "tapir budget and what it will be about")]).await;
        assert!(!reads(&service, "user:eve").await && reads(&service, "user:ann").await);
        // It is one tuple that an administrator takes away.
        let object = acl["object"].as_str().unwrap();
        admin.write(json!([]), json!([tuple("user:eve", "blocked", object)])).await;
        assert!(reads(&service, "user:eve").await);
        admin.put_documents(vec![with(None, "tapir budget and nothing else")]).await;
        assert!(reads(&service, "user:eve").await);
        let path = format!("/v1/documents/{}?collection=main", id.replace('/', "%2F"));
        admin.delete(&path).await.ok();
    }
    // One that was written while the document was away.
    admin.write(json!([tuple("user:eve", "blocked", "section:hr/d~pay")]), json!([])).await;
    rules(&admin, json!({"viewers": ["user:*"]})).await;
    assert!(!reads(&service, "user:eve").await && reads(&service, "user:ann").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rules_again_are_no_change() {
    let service = TestService::start().await;
    let admin = service.admin();
    rules(&admin, json!({"viewers": ["user:*"]})).await;
    let revision = async || admin.get("/v1/relationships/changes").await.ok()["changes"].as_array().unwrap().len();
    let records = || {
        let path = service.folder.path().join(usher::audit::FILE);
        std::fs::read_to_string(path)
            .unwrap()
            .lines()
            .filter(|line| line.contains("\"collections.put\"") || line.contains("\"documents.put_acl\""))
            .count()
    };
    let acl = json!({"acl": {"viewers": ["user:*"], "blocked": ["user:eve"]}});
    let put = async || admin.put("/v1/documents/hr%2Fd/acl?collection=main", acl.clone()).await.ok();
    assert_eq!(put().await["results"][0]["status"], "acl_updated");
    admin.put("/v1/collections/hr", json!({"fields": {"year": "number"}})).await.ok();
    let before = (records(), revision().await);
    assert_eq!(put().await["results"][0]["status"], "unchanged");
    admin.put("/v1/collections/hr", json!({"fields": {"year": "number"}})).await.ok();
    admin.put("/v1/collections/hr", json!({})).await.ok();
    assert_eq!((records(), revision().await), before);
    admin.put("/v1/collections/hr", json!({"fields": {"year": "keyword"}})).await.ok();
    assert_eq!(records(), before.0 + 1);
}

/// The default rules of a collection bind what is sent again without rules of its own, also where they are narrower.
#[tokio::test(flavor = "multi_thread")]
async fn narrower_default_rules_bind_what_is_sent_again() {
    let service = TestService::start().await;
    let admin = service.admin();
    let send = async |rules: Value| {
        let told = admin.put("/v1/collections/df", json!({"default_acl": rules})).await.ok();
        assert_eq!(told["default_acl"]["viewers"], rules["viewers"], "{told}");
        let document = json!({"id": "s/d", "collection": "df", "content": {"type": "text/plain", "text": "ibex"}});
        let sent = admin.post("/v1/documents", json!({"documents": [document]})).await.ok();
        let reads = async |who: &str| {
            let reader = service.as_reader(who);
            reader.get("/v1/documents/s%2Fd?collection=df").await.status.is_success()
        };
        (sent["results"][0]["status"].as_str().unwrap().to_owned(), reads("user:a").await, reads("user:b").await)
    };
    let was = |status: &str, a: bool, b: bool| (status.to_owned(), a, b);
    assert_eq!(send(json!({"viewers": ["user:a", "user:b"]})).await, was("created", true, true));
    assert_eq!(send(json!({"viewers": ["user:a"]})).await, was("acl_updated", true, false));
    assert_eq!(send(json!({"viewers": ["user:a"]})).await, was("unchanged", true, false));
    assert_eq!(send(json!({"nobody": true})).await, was("acl_updated", false, false));
    // An administrator's label in place of the one that the service gives is no change of the source's.
    send(json!({"viewers": ["user:a"]})).await;
    let open = json!([tuple("classification:open", "classification", "document:s/d")]);
    let red = json!([tuple("classification:red", "classification", "document:s/d")]);
    admin.write(red, open).await;
    assert_eq!(send(json!({"viewers": ["user:a"]})).await, was("unchanged", false, false));
}

/// A document that goes from one collection to another takes along what keeps people out of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_ban_by_hand_follows_a_document_to_another_collection() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/other", json!({})).await.ok();
    let put = async |collection: &str| {
        let mut sent = document("s/d", "ibex", json!({"viewers": ["user:ann", "user:eve"]}));
        sent["collection"] = collection.into();
        admin.put_documents(vec![sent]).await;
    };
    let reads = async |who: &str, collection: &str| {
        let path = format!("/v1/documents/s%2Fd?collection={collection}");
        service.as_reader(who).get(&path).await.status.is_success()
    };
    put("main").await;
    admin.write(json!([tuple("user:eve", "blocked", "document:s/d")]), json!([])).await;
    // Two documents of one id are two, and what was written for one is that one's.
    put("other").await;
    assert_eq!((reads("user:ann", "other").await, reads("user:eve", "other").await), (true, true));
    admin.delete("/v1/collections/other?force=true").await.ok();
    admin.put("/v1/collections/other", json!({})).await.ok();
    assert_eq!(admin.delete("/v1/documents/s%2Fd?collection=main").await.status.as_u16(), 204);
    put("other").await;
    assert_eq!((reads("user:ann", "other").await, reads("user:eve", "other").await), (true, false));
}

/// A rule of dashes right below a line makes a heading of it, and what follows would be everybody's.
#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_part_that_ends_in_doubt_is_refused() {
    let service = TestService::start().await;
    let admin = service.admin();
    let put = async |text: &str| {
        let mut sent = document("s/d", text, json!({"viewers": ["user:eve"]}));
        sent["content"]["type"] = "text/markdown".into();
        sent["sections"] = json!([{"id": "pay", "heading": "Pay", "acl": {"viewers": ["user:ann"]}}]);
        let answer = admin.post("/v1/documents", json!({"documents": [sent]})).await.ok();
        answer["results"][0].clone()
    };
    let refused = put("## Pay\n\nAnn earns 5\n---\nBob earns 6").await;
    assert_eq!(refused["problem"]["errors"][0]["pointer"], "/sections/0/heading", "{refused}");
    assert_eq!(put("## Pay\n\nAnn earns 5\n\n---\nBob earns 6").await["status"], "created");
    assert!(service.as_reader("user:eve").ask("earns").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restricted_part_alone_calls_is_not_left_outside_it() {
    let service = TestService::start().await;
    let admin = service.admin();
    let put = async |text: &str| {
        let mut sent = document("s/d", text, json!({"viewers": ["user:eve"]}));
        sent["content"]["type"] = "text/markdown".into();
        sent["sections"] = json!([{"id": "pay", "heading": "Pay", "acl": {"viewers": ["user:ann"]}}]);
        let answer = admin.post("/v1/documents", json!({"documents": [sent]})).await.ok();
        answer["results"][0].clone()
    };
    let refused = put("## Pay\n\nAnn earns[^1].\n\n## Rest\n\n[^1]: five thousand\n").await;
    assert_eq!(refused["problem"]["errors"][0]["pointer"], "/content/text", "{refused}");
    assert!(refused["problem"]["errors"][0]["detail"].as_str().unwrap().contains("line 7"), "{refused}");
    assert_eq!(put("## Pay\n\nAnn earns[^1].\n\n[^1]: five thousand\n\n## Rest\n\nx\n").await["status"], "created");
    let asked = json!({"query": "thousand", "mode": "keyword"});
    assert_eq!(service.as_reader("user:eve").post("/v1/query", asked).await.ok()["results"], json!([]));
}
