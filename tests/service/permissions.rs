//! Who gets what, and when a change binds.

use serde_json::json;

use crate::common::{TestService, document, tuple};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_ask_the_same_and_get_different_passages() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin
        .put_documents(vec![
            document("hr/leave.md", "Parental leave lasts sixteen weeks.", json!({"viewers": ["user:*"]})),
            document(
                "hr/exec.md",
                "Executive parental leave lasts a year.",
                json!({"viewers": ["group:execs#member"]}),
            ),
            document("hr/draft.md", "Draft: parental leave may end.", json!({"nobody": true})),
        ])
        .await;
    admin.write(json!([tuple("user:eve", "member", "group:execs")]), json!([])).await;
    assert_eq!(service.as_reader("user:bob").ask("parental leave").await, ["hr/leave.md"]);
    let mut eve = service.as_reader("user:eve").ask("parental leave").await;
    eve.sort();
    assert_eq!(eve, ["hr/exec.md", "hr/leave.md"]);
}

/// Documents that one membership reaches.
const REACHED: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_binds_the_next_query_through_five_groups_and_writes_no_index() {
    let service = TestService::start().await;
    let admin = service.admin();
    let mut tuples = vec![tuple("user:ann", "member", "group:g0")];
    for level in 0..5 {
        tuples.push(tuple(&format!("group:g{level}#member"), "member", &format!("group:g{}", level + 1)));
    }
    admin.write(json!(tuples), json!([])).await;
    let documents: Vec<_> = (0..REACHED)
        .map(|n| document(&format!("s/{n}"), &format!("budget {n}"), json!({"viewers": ["group:g5#member"]})))
        .collect();
    for batch in documents.chunks(250) {
        admin.put_documents(batch.to_vec()).await;
    }
    let ann = service.as_reader("user:ann");
    let listed = async || {
        let (mut count, mut cursor) = (0, String::new());
        loop {
            let page = ann.get(&format!("/v1/documents?collection=main&limit=1000{cursor}")).await.ok();
            count += page["documents"].as_array().unwrap().len();
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return count,
            }
        }
    };
    assert_eq!((listed().await, ann.ask("budget").await.len()), (REACHED, 50));
    let before = operations(&service).await;
    assert_eq!(before, format!("usher_index_operations {REACHED}"));
    for _ in 0..10 {
        admin.write(json!([]), json!([tuple("user:ann", "member", "group:g0")])).await;
        assert!(ann.ask("budget").await.is_empty());
        assert_eq!(listed().await, 0);
        admin.write(json!([tuple("user:ann", "member", "group:g0")]), json!([])).await;
        assert_eq!(ann.ask("budget").await.len(), 50);
    }
    assert_eq!(listed().await, REACHED);
    assert_eq!(operations(&service).await, before, "a change of groups writes nothing to an index");
}

async fn operations(service: &TestService) -> String {
    let text = reqwest::get(service.metrics_url()).await.unwrap().text().await.unwrap();
    text.lines().find(|line| line.starts_with("usher_index_operations ")).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn bans_classifications_conjunctions_and_folders_hold() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin
        .write(
            json!([
                tuple("user:ann", "viewer", "folder:plans"),
                tuple("user:bob", "viewer", "folder:plans"),
                tuple("user:bob", "blocked", "collection:top"),
                tuple("collection:top", "parent", "folder:plans"),
                tuple("user:ann", "member", "group:hr"),
                tuple("user:ann", "member", "group:eu"),
                tuple("user:cyd", "member", "group:hr"),
            ]),
            json!([]),
        )
        .await;
    admin
        .put_documents(vec![
            document("p/roadmap", "the roadmap for orchids", json!({"parents": ["folder:plans"], "inherit": true})),
            document(
                "p/secret",
                "secret orchids",
                json!({"viewers": ["user:*"], "classification": "classification:red"}),
            ),
            document("p/both", "orchids of both", json!({"all_of": [["group:hr#member"], ["group:eu#member"]]})),
        ])
        .await;
    let sorted = |mut found: Vec<String>| {
        found.sort();
        found
    };
    let ann = service.as_reader("user:ann");
    assert_eq!(sorted(ann.ask("orchids").await), ["p/both", "p/roadmap"]);
    assert!(service.as_reader("user:bob").ask("orchids").await.is_empty(), "a ban is inherited from the collection");
    assert!(service.as_reader("user:cyd").ask("orchids").await.is_empty(), "one of two groups is not enough");
    admin.write(json!([tuple("user:cyd", "cleared", "classification:red")]), json!([])).await;
    assert_eq!(service.as_reader("user:cyd").ask("orchids").await, ["p/secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_part_is_invisible_without_its_own_grant() {
    let service = TestService::start().await;
    let admin = service.admin();
    let text = "# Public\n\nThe salary bands are published.\n\n# Board\n\nThe salary of the board is secret: zebra.\n";
    let mut doc = document("hr/pay.md", text, json!({"viewers": ["user:*"]}));
    doc["content"]["type"] = json!("text/markdown");
    doc["sections"] = json!([{"id": "board", "heading": "Board", "acl": {"viewers": ["user:chair"]}}]);
    admin.put_documents(vec![doc]).await;
    let read = async |who: &str| {
        let reader = service.as_reader(who);
        let query = json!({"query": "salary board zebra", "include": ["text", "neighbors", "assembled"]});
        let found = reader.post("/v1/query", query).await.ok().to_string();
        let whole = reader.get("/v1/documents/hr%2Fpay.md?collection=main").await.ok().to_string();
        (found.contains("zebra"), whole.contains("zebra"), whole.contains("published"))
    };
    assert_eq!(read("user:ann").await, (false, false, true));
    assert_eq!(read("user:chair").await, (true, true, true));
    // Losing the document loses the part, whatever the part's own grants say.
    admin.write(json!([]), json!([tuple("user:*", "viewer", "document:hr/pay.md")])).await;
    assert!(service.as_reader("user:chair").ask("salary").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_a_time_begins_and_ends() {
    let service = TestService::start().await;
    let admin = service.admin();
    let now = jiff::Timestamp::now();
    let at = |seconds: i64| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
    let during = |from: i64, to: i64| json!({"principal": "user:ann", "condition": {"name": "during", "context": {"start": at(from), "end": at(to)}}});
    admin
        .put_documents(vec![
            document("t/past", "tulips", json!({"viewers": [during(-100, -10)]})),
            document("t/now", "tulips", json!({"viewers": [during(-100, 3)]})),
            document("t/later", "tulips", json!({"viewers": [during(3, 1000)]})),
        ])
        .await;
    let ann = service.as_reader("user:ann");
    assert_eq!(ann.ask("tulips").await, ["t/now"]);
    tokio::time::sleep(std::time::Duration::from_millis(3600)).await;
    assert_eq!(ann.ask("tulips").await, ["t/later"], "the cached set ends with the interval");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_seen_looks_like_what_does_not_exist() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/secret", json!({"fields": {"lang": "keyword"}})).await.ok();
    let mut hidden = document("x/hidden", "orchids", json!({"viewers": ["user:eve"]}));
    hidden["collection"] = json!("secret");
    admin.put_documents(vec![hidden, document("x/other", "orchids", json!({"viewers": ["user:eve"]}))]).await;
    let bob = service.as_reader("user:bob");
    let same = async |a: serde_json::Value, b: serde_json::Value| {
        let strip = |mut value: serde_json::Value| {
            for field in ["request_id", "revision", "as_of", "receipt", "instance"] {
                value.as_object_mut().unwrap().remove(field);
            }
            // The name that was asked for is said again.
            value.to_string().replace("\"secret\"", "\"absent\"")
        };
        let (a, b) = (bob.post("/v1/query", a).await, bob.post("/v1/query", b).await);
        assert_eq!(a.status, b.status);
        assert_eq!(strip(a.json()), strip(b.json()));
    };
    let ask = |collection: &str| json!({"query": "orchids", "collections": [collection]});
    same(ask("secret"), ask("absent")).await;
    let filter = |collection: &str| json!({"query": "orchids", "collections": [collection], "filter": {"field": "lang", "op": "lt", "value": {}}});
    same(filter("secret"), filter("absent")).await;
    let vector = |collection: &str| json!({"mode": "vector", "vector": [1.0, 0.0], "collections": [collection]});
    same(vector("secret"), vector("absent")).await;
    let reply = async |id: &str| bob.get(&format!("/v1/documents/x%2F{id}?collection=main")).await;
    let strip = |text: String| text.split("\"instance\"").next().unwrap().to_owned();
    let text = |reply: crate::common::Reply| strip(String::from_utf8(reply.bytes).unwrap());
    assert_eq!(text(reply("other").await), text(reply("absent").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_needs_every_identity_of_the_request() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "lilies", json!({"viewers": ["user:ann"]}))]).await;
    let key =
        admin.post("/v1/keys", json!({"name": "chat", "scopes": ["query"], "subject": "service:chat"})).await.ok();
    let chat = crate::common::Client { key: key["key"].as_str().unwrap().to_owned(), subject: None, ..admin.clone() };
    assert!(chat.ask("lilies").await.is_empty(), "a key reads as its own subject");
    let forged = crate::common::Client { subject: Some("user:ann".into()), ..chat.clone() };
    assert_eq!(forged.post("/v1/query", json!({"query": "lilies"})).await.problem(403), "subject_not_permitted");
    let nobody = admin.post("/v1/query", json!({"query": "lilies"})).await;
    assert_eq!(nobody.problem(403), "subject_not_permitted");
    let id = key["id"].as_str().unwrap();
    admin.delete(&format!("/v1/keys/{id}")).await.ok();
    assert_eq!(chat.post("/v1/query", json!({"query": "lilies"})).await.problem(401), "unauthenticated");
}
