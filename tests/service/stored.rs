//! Lists for administrators: what is stored of a collection, whom tuples name; removing a source.

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

/// Every page of a list, put together; the names of its items by `field`, or the items themselves.
async fn all(client: &Client, path: &str, list: &str, field: Option<&str>) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}{cursor}")).await.ok();
        let items = page[list].as_array().unwrap();
        assert!(page.get("next_cursor").is_some(), "it is there on the last page too: {page}");
        names.extend(items.iter().map(|item| field.map_or(item, |field| &item[field]).as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", next.replace('/', "%2F").replace('#', "%23")),
            None => return names,
        }
        assert!(!items.is_empty(), "{path}: a page that says that more follows is not empty");
    }
}

async fn stored(client: &Client, more: &str) -> Vec<String> {
    all(client, &format!("/v1/collections/main/documents?{more}"), "documents", Some("id")).await
}

async fn key(admin: &Client, ask: Value) -> Client {
    Client { key: admin.post("/v1/keys", ask).await.ok()["key"].as_str().unwrap().to_owned(), ..admin.clone() }
}

/// Documents of three sources, one of which is the beginning of another's name.
async fn filled(admin: &Client) -> Vec<String> {
    let ids = (0..7).map(|n| format!("a/{n}")).chain((0..5).map(|n| format!("a-b/{n}")));
    let mut ids: Vec<String> = ids.chain(["c/ü #1".to_owned()]).collect();
    let acl = json!({"viewers": ["user:ann"]});
    admin.put_documents(ids.iter().map(|id| document(id, "lupins", acl.clone())).collect()).await;
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_list_what_is_stored_page_by_page() {
    let service = TestService::start().await;
    let admin = service.admin();
    let ids = filled(&admin).await;
    for limit in [1, 2, 3, 5, 1000] {
        assert_eq!(stored(&admin, &format!("limit={limit}")).await, ids, "{limit}");
    }
    let of_a: Vec<&String> = ids.iter().filter(|id| id.starts_with("a/")).collect();
    assert_eq!(stored(&admin, "source=a&limit=3").await.iter().collect::<Vec<_>>(), of_a);
    assert_eq!(stored(&admin, "source=none").await, Vec::<String>::new());

    let mut ending = document("a/0", "lilies", json!({"viewers": ["user:ann"]}));
    ending["source_version"] = json!(7);
    ending["expires_at"] = json!("2100-01-01T00:00:00Z");
    admin.put_documents(vec![ending]).await;
    let page = admin.get("/v1/collections/main/documents?source=a&limit=2").await.ok();
    let item = &page["documents"][0];
    let shown = json!({"id": "a/0", "title": "a/0", "source": "a", "version": 2, "state": "served", "chunks": 1,
        "source_version": 7, "expires_at": "2100-01-01T00:00:00Z", "updated_at": item["updated_at"]});
    assert_eq!(*item, shown);
    assert!(!serde_json::to_string(&page).unwrap().contains("lilies"), "no text: {page}");

    for (path, status, code) in [
        ("/v1/collections/none/documents", 404, "not_found"),
        ("/v1/collections/main/documents?limit=0", 400, "invalid_request"),
        ("/v1/collections/main/documents?limit=1001", 400, "invalid_request"),
        ("/v1/collections/main/documents?order=size", 400, "invalid_request"),
    ] {
        assert_eq!(admin.get(path).await.problem(status), code, "{path}");
    }
    let reader = key(&admin, json!({"name": "r", "scopes": ["query", "documents.read"], "subject": "service:r"})).await;
    assert_eq!(reader.get("/v1/collections/main/documents").await.problem(403), "insufficient_scope");
}

/// What a confined key sees, counts and removes is what its ceiling holds; the rest leaves no trace in any answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_bounds_what_is_listed_and_removed() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/other", json!({})).await.ok();
    let confined =
        json!({"name": "k", "scopes": ["documents.write"], "collections": ["main"], "sources": ["a-b", "c"]});
    let confined = key(&admin, confined).await;
    let empty = confined.get("/v1/collections/main/documents").await.ok();
    assert_eq!((&empty["documents"], &empty["next_cursor"]), (&json!([]), &Value::Null));
    let ids = filled(&admin).await;
    let own: Vec<&String> = ids.iter().filter(|id| id.starts_with("a-b/") || id.starts_with("c/")).collect();
    for limit in [1, 2, 4, 5, 6, 7, 100] {
        let seen = stored(&confined, &format!("limit={limit}")).await;
        assert_eq!(seen.iter().collect::<Vec<_>>(), own, "{limit}");
    }
    // A cursor is a place: one in what lies beyond shows nothing of it.
    let page = confined.get("/v1/collections/main/documents?cursor=a%2F3").await.ok();
    assert_eq!(page["documents"].as_array().unwrap().len(), 1, "{page}");
    for path in ["/v1/collections/other/documents", "/v1/collections/none/documents"] {
        assert_eq!(confined.get(path).await.problem(404), "not_found");
        assert_eq!(confined.delete(&format!("{path}?source=c")).await.problem(404), "not_found");
    }
    for source in ["a", "none"] {
        let path = format!("/v1/collections/main/documents?source={source}");
        assert_eq!(confined.get(&path).await.problem(403), "insufficient_scope");
        assert_eq!(confined.delete(&path).await.problem(403), "insufficient_scope");
    }
    let gone = confined.delete("/v1/collections/main/documents?source=a-b").await.ok();
    assert_eq!((&gone["removed"], &gone["left"]), (&json!(5), &json!(0)));
    let left: Vec<String> = ids.into_iter().filter(|id| !id.starts_with("a-b/")).collect();
    assert_eq!(stored(&admin, "").await, left);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_removed_in_steps_that_are_counted_recorded_and_taken_up_again() {
    const DOCUMENTS: usize = 330;
    let service = TestService::start().await;
    let admin = service.admin();
    let acl = json!({"viewers": ["user:ann"]});
    for part in 0..2 {
        let ids = (0..DOCUMENTS / 2).map(|n| document(&format!("hr/{part}/{n:03}"), "lupins", acl.clone()));
        admin.put_documents(ids.collect()).await;
    }
    admin.put_documents(vec![document("kept/1", "lupins", acl)]).await;
    let path = "/v1/collections/main/documents?source=hr";
    let counted = admin.delete(&format!("{path}&dry_run=true")).await.ok();
    assert_eq!((&counted["removed"], &counted["left"]), (&json!(0), &json!(DOCUMENTS)));
    assert_eq!(stored(&admin, "limit=1000").await.len(), DOCUMENTS + 1);

    let first = admin.delete(&format!("{path}&limit=250")).await.ok();
    assert_eq!((&first["removed"], &first["left"]), (&json!(250), &json!(DOCUMENTS - 250)));
    // What is gone is gone for readers at once.
    let found = service.as_reader("user:ann").get("/v1/documents?collection=main&limit=1000").await.ok();
    assert_eq!(found["documents"].as_array().unwrap().len(), DOCUMENTS - 250 + 1);
    let rest = admin.delete(path).await.ok();
    assert_eq!((&rest["removed"], &rest["left"]), (&json!(DOCUMENTS - 250), &json!(0)));
    let again = admin.delete(path).await.ok();
    assert_eq!((&again["removed"], &again["left"]), (&json!(0), &json!(0)));
    assert_eq!(service.as_reader("user:ann").ask("lupins").await, ["kept/1"]);

    // One record for each commit, and every document in exactly one of them.
    let audit = std::fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
    let records: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let deletions: Vec<&Value> = records.iter().filter(|record| record["event"] == "documents.delete").collect();
    let mut ids: Vec<&str> = deletions
        .iter()
        .flat_map(|record| record["items"].as_array().unwrap())
        .map(|id| id.as_str().unwrap())
        .collect();
    assert!(deletions.iter().all(|record| record["items"].as_array().unwrap().len() <= 100));
    assert_eq!(ids.len(), DOCUMENTS);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), DOCUMENTS);
    let dry: Vec<&Value> = records.iter().filter(|record| record["event"] == "documents.dry_run").collect();
    assert_eq!(dry.len(), 1);

    for more in ["", "?source=hr&limit=0", "?source=hr&limit=1001", "?source=hr&dry_run=maybe"] {
        let path = format!("/v1/collections/main/documents{more}");
        assert_eq!(admin.delete(&path).await.problem(400), "invalid_request", "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_groups_are_listed_from_the_tuples() {
    let service = TestService::start().await;
    let admin = service.admin();
    let mut writes = Vec::new();
    let mut people: Vec<String> = (0..25).map(|n| format!("user:p{n}")).collect();
    for (n, person) in people.iter().enumerate() {
        writes.push(tuple(person, "member", &format!("group:g{}", n % 4)));
        writes.push(tuple(person, "member", "group:all"));
        writes.push(tuple(person, "viewer", &format!("document:a/{n}")));
    }
    writes.push(tuple("user:*", "viewer", "document:open"));
    writes.push(tuple("agent:bot", "viewer", "document:open"));
    writes.push(tuple("group:all#member", "member", "group:nested"));
    admin.write(json!(writes), json!([])).await;
    people.push("user:*".into());
    people.sort();
    for limit in [1, 7, 26, 1000] {
        let list = |kind: &str, of: &str| format!("/v1/relationships/{kind}?type={of}&limit={limit}");
        assert_eq!(all(&admin, &list("users", "user"), "names", None).await, people, "{limit}");
        assert_eq!(all(&admin, &list("users", "agent"), "names", None).await, ["agent:*", "agent:bot"]);
        assert_eq!(all(&admin, &list("users", "group"), "names", None).await, ["group:all#member"]);
        let groups = ["group:all", "group:g0", "group:g1", "group:g2", "group:g3", "group:nested"];
        assert_eq!(all(&admin, &list("objects", "group"), "names", None).await, groups);
        assert_eq!(all(&admin, &list("objects", "document"), "names", None).await.len(), 26);
        assert!(all(&admin, &list("users", "use"), "names", None).await.is_empty());
    }
    // One store's names only, and a cursor of anything else is a place like any other.
    let other = admin.post("/stores", json!({"name": "second"})).await.ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/relationships/users?type=user&store={other}");
    assert_eq!(admin.get(&path).await.ok()["names"], json!([]));
    assert_eq!(admin.get("/v1/relationships/users?type=user&store=none").await.problem(404), "not_found");
    let page = admin.get("/v1/relationships/users?type=user&cursor=agent:zzz").await.ok();
    assert_eq!(page["names"].as_array().unwrap().len(), people.len());
    let page = admin.get("/v1/relationships/users?type=user&cursor=z").await.ok();
    assert_eq!(page["names"], json!([]));
    for path in ["/v1/relationships/users", "/v1/relationships/users?type=", "/v1/relationships/objects?type=a:b"] {
        assert_eq!(admin.get(path).await.problem(400), "invalid_request", "{path}");
    }
    let writer = key(&admin, json!({"name": "w", "scopes": ["documents.write"]})).await;
    assert_eq!(writer.get("/v1/relationships/users?type=user").await.problem(403), "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_in_the_place_of_an_id_is_answered_with_how_to_write_it() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("hr/leave.md", "lupins", json!({"viewers": ["user:ann"]}))]).await;
    for path in ["/v1/documents/hr/leave.md?collection=main", "/v1/documents/hr/leave.md/acl?collection=main"] {
        let reply = admin.get(path).await;
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!((reply.problem(404).as_str(), detail.contains("%2F")), ("not_found", true), "{path}: {detail}");
    }
    admin.get("/v1/documents/hr%2Fleave.md/acl?collection=main").await.ok();
    let other = admin.get("/v1/nothing/here").await.json();
    assert!(!other["detail"].as_str().unwrap().contains("%2F"), "{other}");
}
