//! Lists in pages, access rules as they were sent, the log of tuples, malformed paths, too many queries.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use usher::config::RawConfig;
use usher::limits::Payer;

use crate::common::{Client, TestService, document, tuple};

fn ids(page: &Value) -> Vec<String> {
    page["documents"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Every page of `main`, each with at most `limit` documents.
async fn pages(reader: &Client, limit: usize) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = reader.get(&format!("/v1/documents?collection=main&limit={limit}{cursor}")).await.ok();
        pages.push(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_what_the_reader_may_read_and_nothing_of_the_rest() {
    let service = TestService::start().await;
    let admin = service.admin();
    // Every third one is Ann's; the last ones are not.
    let documents = (0..20).map(|n| {
        let who = if n % 3 == 0 && n < 16 { "user:ann" } else { "user:eve" };
        let mut doc = document(&format!("l/{n:02}"), "lupins", json!({"viewers": [who]}));
        doc["metadata"] = json!({"n": n});
        doc
    });
    admin.put_documents(documents.collect()).await;
    let (ann, eve, bob) = (service.as_reader("user:ann"), service.as_reader("user:eve"), service.as_reader("user:bob"));
    let own: Vec<String> = (0..16).step_by(3).map(|n| format!("l/{n:02}")).collect();
    for limit in [1, 2, 3, 5, 6, 7, 1000] {
        let pages = pages(&ann, limit).await;
        assert_eq!(pages.concat(), own, "{limit}");
        assert_eq!(pages.len(), own.len().div_ceil(limit), "the last page says so, whatever else there is: {limit}");
    }
    assert_eq!(pages(&eve, 4).await.concat().len(), 14);
    let first = ann.get("/v1/documents?collection=main&limit=1").await.ok();
    let item = &first["documents"][0];
    assert_eq!((&item["title"], &item["version"], &item["metadata"]), (&json!("l/00"), &json!(1), &json!({"n": 0})));

    // Nothing readable, nothing there, and a collection beyond reach look alike.
    let mut hidden = document("x/1", "lupins", json!({"viewers": ["user:eve"]}));
    hidden["collection"] = json!("secret");
    admin.put("/v1/collections/secret", json!({})).await.ok();
    admin.put_documents(vec![hidden]).await;
    for collection in ["main", "secret", "absent"] {
        let page = bob.get(&format!("/v1/documents?collection={collection}")).await.ok();
        assert_eq!((&page["documents"], &page["next_cursor"]), (&json!([]), &Value::Null), "{collection}");
    }

    // A cursor is of one caller and one collection, and each page is decided anew.
    let cursor =
        ann.get("/v1/documents?collection=main&limit=2").await.ok()["next_cursor"].as_str().unwrap().to_owned();
    let next =
        |collection: &str, cursor: &str| format!("/v1/documents?collection={collection}&limit=9&cursor={cursor}");
    assert_eq!(ids(&ann.get(&next("main", &cursor)).await.ok()), own[2..]);
    let mut altered = cursor.clone();
    altered.replace_range(40..41, if cursor.as_bytes()[40] == b'A' { "B" } else { "A" });
    for (reader, path) in [
        (&eve, next("main", &cursor)),
        (&ann, next("secret", &cursor)),
        (&ann, next("main", &altered)),
        (&ann, next("main", "x")),
        (&ann, "/v1/documents?collection=main&limit=0".to_owned()),
        (&ann, "/v1/documents?collection=main&limit=1001".to_owned()),
        (&ann, "/v1/documents?collection=main&order=size".to_owned()),
        (&ann, "/v1/documents".to_owned()),
    ] {
        assert_eq!(reader.get(&path).await.problem(400), "invalid_request", "{path}");
    }
    admin.write(json!([]), json!([tuple("user:ann", "viewer", "document:l/09")])).await;
    assert_eq!(ids(&ann.get(&next("main", &cursor)).await.ok()), ["l/06", "l/12", "l/15"]);
    admin.delete("/v1/documents/l%2F12?collection=main").await.ok();
    assert_eq!(ids(&ann.get(&next("main", &cursor)).await.ok()), ["l/06", "l/15"]);

    let audit = std::fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
    let last: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["subjects"]), (&json!("documents.list"), &json!(["user:ann"])));
    assert_eq!(last["items"], json!(["l/06", "l/15"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_shown_as_they_were_sent() {
    let service = TestService::start().await;
    let admin = service.admin();
    let rules = json!({"viewers": ["user:ann", "group:staff#member"], "blocked": ["user:eve"]});
    let mut doc = document("hr/pay", "public zinnias, secret part", rules.clone());
    doc["sections"] = json!([{"id": "s", "span": {"start": 16, "end": 27}, "acl": {"viewers": ["user:chair"]}}]);
    admin.put_documents(vec![doc]).await;
    let place = "/v1/documents/hr%2Fpay/acl?collection=main";
    let shown = admin.get(place).await.ok();
    let sent: Value = serde_json::to_value(serde_json::from_value::<usher::wire::Acl>(rules).unwrap()).unwrap();
    assert_eq!((&shown["acl"], &shown["parked"]), (&sent, &json!(false)));
    assert_eq!(
        (&shown["sections"][0]["id"], &shown["sections"][0]["acl"]["viewers"]),
        (&json!("s"), &json!(["user:chair"]))
    );
    admin.put(place, json!({"acl": {"viewers": ["user:bob"]}})).await.ok();
    assert_eq!(admin.get(place).await.ok()["acl"]["viewers"], json!(["user:bob"]));
    for absent in ["/v1/documents/hr%2Fother/acl?collection=main", "/v1/documents/hr%2Fpay/acl?collection=other"] {
        assert_eq!(admin.get(absent).await.problem(404), "not_found");
    }
    let key = async |key: Value| Client {
        key: admin.post("/v1/keys", key).await.ok()["key"].as_str().unwrap().to_owned(),
        ..service.admin()
    };
    let wiki = key(json!({"name": "wiki", "scopes": ["documents.write"], "sources": ["wiki"]})).await;
    assert_eq!(wiki.get(place).await.problem(403), "insufficient_scope");
    let elsewhere = key(json!({"name": "else", "scopes": ["documents.write"], "collections": ["other"]})).await;
    assert_eq!(elsewhere.get(place).await.problem(404), "not_found");
    let reader = key(json!({"name": "reader", "scopes": ["documents.read"], "subject": "user:bob"})).await;
    assert_eq!(reader.get(place).await.problem(403), "insufficient_scope", "who may read is not for readers");
}

#[tokio::test(flavor = "multi_thread")]
async fn tuples_are_read_and_followed_in_pages() {
    let service = TestService::start().await;
    let admin = service.admin();
    let start = admin.get("/v1/relationships/changes?type=team").await.ok();
    assert_eq!((&start["changes"], &start["next_cursor"]), (&json!([]), &Value::Null));
    let members: Vec<Value> = (0..7).map(|n| tuple(&format!("user:u{n}"), "member", "group:g")).collect();
    admin.write(json!(members), json!([])).await;
    admin.write(json!([tuple("user:u0", "viewer", "folder:f")]), json!([members[3]])).await;

    let mut seen = BTreeSet::new();
    let mut cursor = Value::Null;
    for page in 0..3 {
        let body = json!({"object": "group:g", "limit": 2, "cursor": cursor});
        let found = admin.post("/v1/relationships/read", body).await.ok();
        assert_eq!(found["tuples"].as_array().unwrap().len(), 2);
        seen.extend(found["tuples"].as_array().unwrap().iter().map(|tuple| tuple["user"].to_string()));
        cursor = found["next_cursor"].clone();
        assert_eq!(cursor.is_null(), page == 2, "six tuples are three full pages");
        if page == 0 {
            for other in [json!({"object": "folder:f", "cursor": cursor}), json!({"cursor": cursor})] {
                assert_eq!(admin.post("/v1/relationships/read", other).await.problem(400), "invalid_request");
            }
        }
    }
    assert_eq!(seen.len(), 6);

    // The whole log in small steps, then nothing, then what comes next; the cursor stays good.
    let follow = async |cursor: &str| {
        let page = admin.get(&format!("/v1/relationships/changes?type=group&limit=3{cursor}")).await.ok();
        let changes = page["changes"].as_array().unwrap().iter();
        let lines = changes.map(|it| format!("{} {}", it["operation"].as_str().unwrap(), it["tuple"]["user"]));
        (lines.collect::<Vec<_>>(), format!("&cursor={}", page["next_cursor"].as_str().unwrap()))
    };
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for expected in [3, 3, 2, 0, 0] {
        let (lines, next) = follow(&cursor).await;
        assert_eq!(lines.len(), expected);
        all.extend(lines);
        cursor = next;
    }
    assert_eq!((all[0].as_str(), all[7].as_str()), ("write \"user:u0\"", "delete \"user:u3\""));
    admin.write(json!([members[3]]), json!([])).await;
    assert_eq!(follow(&cursor).await.0, ["write \"user:u3\""]);
    for bad in ["type=folder", "type=group&store=x", "start_time=yesterday", "limit=0"] {
        let cursor = if bad.starts_with("type") { cursor.as_str() } else { "" };
        let reply = admin.get(&format!("/v1/relationships/changes?{bad}{cursor}")).await;
        assert!(matches!(reply.status.as_u16(), 400 | 404), "{bad}");
    }
    let late = admin.get("/v1/relationships/changes?start_time=2100-01-01T00:00:00Z").await.ok();
    assert_eq!(late["changes"], json!([]));

    // A dry run checks everything and changes nothing; a passed revision refuses both.
    let revision = admin.get("/v1/relationships/changes").await.ok()["revision"].clone();
    let body = json!({"deletes": [members[0]], "dry_run": true, "expected_revision": revision});
    assert_eq!(admin.post("/v1/relationships/write", body.clone()).await.ok()["deleted"], 1);
    assert_eq!(admin.post("/v1/relationships/write", body.clone()).await.ok()["deleted"], 1);
    let absent = json!({"deletes": [tuple("user:zoe", "member", "group:g")], "dry_run": true});
    assert_eq!(admin.post("/v1/relationships/write", absent).await.problem(409), "conflict");
    assert!(follow(&cursor).await.0.len() == 1, "nothing was written");
    admin.write(json!([]), json!([members[0]])).await;
    assert_eq!(admin.post("/v1/relationships/write", body).await.problem(412), "version_conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_path_is_a_problem_like_any_other() {
    let service = TestService::start().await;
    let admin = service.admin();
    let body = Some(json!({"acl": {"nobody": true}}));
    for bad in ["%ff", "a%2", "%zz", "a%", "hr%2Fa%c3%28"] {
        for (method, path, body) in [
            ("GET", format!("/v1/documents/{bad}?collection=main"), None),
            ("DELETE", format!("/v1/documents/{bad}?collection=main"), None),
            ("GET", format!("/v1/documents/{bad}/acl?collection=main"), None),
            ("PUT", format!("/v1/documents/{bad}/acl?collection=main"), body.clone()),
            ("GET", format!("/v1/collections/{bad}"), None),
            ("DELETE", format!("/v1/keys/{bad}"), None),
        ] {
            let reply = admin.send(method.parse().unwrap(), &path, body).await;
            assert_eq!(reply.headers["content-type"], "application/problem+json", "{method} {path}");
            assert_eq!(reply.problem(400), "invalid_request", "{method} {path}");
        }
    }
    let odd = document("hr/100%25 käse", "x", json!({"viewers": ["user:ann"]}));
    admin.put_documents(vec![odd]).await;
    let read = service.as_reader("user:ann").get("/v1/documents/hr%2F100%2525%20k%C3%A4se?collection=main").await.ok();
    assert_eq!(read["id"], "hr/100%25 käse");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_queries_than_may_run_are_refused_at_once() {
    let service = TestService::start_raw(RawConfig { max_queries: Some(2), ..RawConfig::default() }).await;
    let ann = service.as_reader("user:ann");
    let inner = service.service();
    let others = ["a", "b"].map(|key| Payer { credential: key.to_owned(), subject: None });
    let held = others.map(|other| inner.queries.try_take(&other).unwrap());
    let refused = ann.post("/v1/query", json!({"query": "x"})).await;
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.json()["retry_after_ms"], 1000);
    assert_eq!(refused.problem(503), "overloaded");
    let stranger = Client { key: String::new(), ..ann.clone() };
    assert_eq!(stranger.post("/v1/query", json!({"query": "x"})).await.problem(401), "unauthenticated");
    drop(held);
    for _ in 0..5 {
        ann.post("/v1/query", json!({"query": "x"})).await.ok();
        assert!(ann.post("/v1/query", json!({"query": ""})).await.status.is_client_error());
    }
    assert_eq!(inner.queries.free(), 2, "every query gives its place back, answered or not");
    assert!(RawConfig { max_queries: Some(0), ..RawConfig::default() }.resolve().is_err());
}
