//! What a write would do, told before it is done.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

const USERS: [&str; 4] = ["user:ann", "user:bob", "user:cid", "user:dee"];

/// (reader, documents gained, documents lost), in the order of the answer.
fn told(answer: &Value) -> Vec<(String, u64, u64)> {
    let count = |of: &Value| of["documents"].as_u64().unwrap();
    let reader = |of: &Value| (of["reader"].as_str().unwrap().to_owned(), count(&of["gains"]), count(&of["loses"]));
    answer["readers"].as_array().unwrap().iter().map(reader).collect()
}

async fn tried(client: &Client, writes: Value, deletes: Value) -> Value {
    client.post("/v1/relationships/impact", json!({"writes": writes, "deletes": deletes})).await.ok()
}

fn key_of(admin: &Client, made: &Value) -> Client {
    Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impact_names_who_gains_and_loses_and_touches_nothing() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.write(json!([tuple("user:ann", "member", "group:staff")]), json!([])).await;
    let mut parts =
        document("a/3", "orchid in the open. orchid in private.", json!({"viewers": ["group:staff#member"]}));
    parts["chunks"] = json!([{"start": 0, "end": 19}, {"start": 20, "end": 38}]);
    parts["sections"] = json!([{"id": "p", "span": {"start": 20, "end": 38}, "acl": {"viewers": ["user:cid"]}}]);
    admin
        .put_documents(vec![
            document("a/1", "orchid one", json!({"viewers": ["group:staff#member"]})),
            document("a/2", "orchid two", json!({"viewers": ["group:staff#member"], "blocked": ["user:dee"]})),
            parts,
        ])
        .await;
    assert_eq!(service.as_reader("user:ann").ask("orchid").await.len(), 3);
    let state = || {
        let running = service.service();
        let snapshot = running.published.load();
        let graph = &snapshot.store(&running.default_store).unwrap().graph;
        let audit = std::fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
        let dropped = running.authority.resolver().counts.dropped.load(std::sync::atomic::Ordering::Relaxed);
        (
            snapshot.revision,
            graph.tuple_count(),
            graph.interner().len(),
            graph.audience_count(),
            dropped,
            audit.lines().count(),
        )
    };
    let before = state();

    // A member more.
    let answer = tried(&admin, json!([tuple("user:bob", "member", "group:staff")]), json!([])).await;
    assert_eq!(told(&answer), [("user:bob".to_owned(), 3, 0)]);
    assert_eq!((&answer["documents"], &answer["written"]), (&json!(3), &json!(1)));
    let examples = answer["readers"][0]["gains"]["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 3);
    assert!(examples.contains(&json!({"collection": "main", "document_id": "a/2"})));

    // A grant of everybody's, which an exclusion and grants that are there already take from.
    let answer = tried(&admin, json!([tuple("user:*", "viewer", "document:a/2")]), json!([])).await;
    assert_eq!(told(&answer), [("user:*".to_owned(), 1, 0)]);
    let except = &answer["readers"][0]["except"];
    assert_eq!(except, &json!({"count": 2, "examples": ["user:ann", "user:dee"]}));

    // A write that takes away, and a delete that does; sections are counted by themselves.
    let answer = tried(&admin, json!([tuple("group:staff#member", "blocked", "document:a/1")]), json!([])).await;
    assert_eq!(told(&answer), [("user:ann".to_owned(), 0, 1)]);
    let answer = tried(&admin, json!([tuple("user:cid", "member", "group:staff")]), json!([])).await;
    assert_eq!(told(&answer), [("user:cid".to_owned(), 3, 0)]);
    assert_eq!(answer["readers"][0]["gains"]["sections"], 1);
    let answer = tried(&admin, json!([]), json!([tuple("user:ann", "member", "group:staff")])).await;
    assert_eq!(told(&answer), [("user:ann".to_owned(), 0, 3)]);
    // Somebody nobody has heard of; a grant that is not yet; two changes that undo each other.
    let answer = tried(&admin, json!([tuple("user:new", "viewer", "document:a/1")]), json!([])).await;
    assert_eq!(told(&answer), [("user:new".to_owned(), 1, 0)]);
    let mut later = tuple("user:bob", "member", "group:staff");
    later["condition"] =
        json!({"name": "during", "context": {"start": "2100-01-01T00:00:00Z", "end": "2101-01-01T00:00:00Z"}});
    assert_eq!(told(&tried(&admin, json!([later]), json!([])).await), []);
    let both = json!([
        tuple("user:bob", "member", "group:staff"),
        tuple("user:bob", "blocked", "document:a/1"),
        tuple("user:bob", "blocked", "document:a/2"),
        tuple("user:bob", "blocked", "document:a/3")
    ]);
    assert_eq!(told(&tried(&admin, both, json!([])).await), []);

    // Lists end where they are told to, and say so.
    let writes = json!([tuple("user:bob", "member", "group:staff"), tuple("user:cid", "member", "group:staff")]);
    let short = json!({"writes": writes, "limit": 1, "examples": 1});
    let answer = admin.post("/v1/relationships/impact", short).await.ok();
    assert_eq!((answer["readers"].as_array().unwrap().len(), &answer["readers_changed"]), (1, &json!(2)));
    assert_eq!(answer["truncated"], json!({"readers": true, "examination": false}));
    assert_eq!(answer["readers"][0]["gains"]["examples"].as_array().unwrap().len(), 1);

    let after = state();
    assert_eq!((before.0, before.1, before.2, before.3, before.4), (after.0, after.1, after.2, after.3, after.4));
    assert_eq!(after.5, before.5 + 9, "every question is on record");
    let log = admin.get("/v1/relationships/changes?limit=1000").await.ok();
    assert!(!log["changes"].as_array().unwrap().iter().any(|change| change["tuple"]["user"] == "user:bob"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impact_is_refused_as_the_write_would_be_and_told_to_few() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    admin.put_documents(vec![document("a/1", "orchid", json!({"viewers": ["group:g#member"]}))]).await;
    let there = json!([tuple("user:ann", "member", "group:g")]);
    let absent = json!([tuple("user:eve", "member", "group:g")]);
    for body in [
        json!({"writes": there}),
        json!({"deletes": absent}),
        json!({"writes": [tuple("user:ann", "nonsense", "group:g")]}),
        json!({"writes": [tuple("user:ann", "member", "group")]}),
        json!({"writes": [tuple("user:eve", "member", "group:g"), tuple("user:eve", "member", "group:g")]}),
        json!({}),
        json!({"store": "none", "writes": absent}),
    ] {
        let mut problems = Vec::new();
        for path in ["/v1/relationships/impact", "/v1/relationships/write"] {
            let reply = admin.post(path, body.clone()).await;
            let status = reply.status.as_u16();
            problems.push((status, reply.json()["code"].clone(), reply.json()["detail"].clone()));
        }
        assert!(problems[0].0 >= 400, "{body}");
        assert_eq!(problems[0], problems[1], "{body}");
    }
    // With `idempotent` what changes nothing is no mistake.
    let answer = admin
        .post("/v1/relationships/impact", json!({"writes": there, "deletes": absent, "idempotent": true}))
        .await
        .ok();
    assert_eq!((&answer["written"], &answer["deleted"], &answer["documents"]), (&json!(0), &json!(0), &json!(0)));
    for wrong in [json!({"writes": absent, "limit": 0}), json!({"writes": absent, "examples": 101})] {
        assert_eq!(admin.post("/v1/relationships/impact", wrong).await.problem(400), "invalid_request");
    }

    let make = |scopes: Value, collections: Value| json!({"name": "k", "scopes": scopes, "collections": collections});
    for scopes in [json!(["explain"]), json!(["relationships.read"]), json!(["query"])] {
        let client = key_of(&admin, &admin.post("/v1/keys", make(scopes, Value::Null)).await.ok());
        let refused = client.post("/v1/relationships/impact", json!({"writes": absent})).await;
        assert_eq!(refused.problem(403), "insufficient_scope");
    }
    let both = json!(["explain", "relationships.read"]);
    let client = key_of(&admin, &admin.post("/v1/keys", make(both.clone(), Value::Null)).await.ok());
    assert_eq!(tried(&client, absent.clone(), json!([])).await["documents"], 1);
    // Tuples are of no collection, so a key of some can't have them all.
    assert_eq!(admin.post("/v1/keys", make(both, json!(["other"]))).await.problem(400), "invalid_request");
}

/// What each user reads, as the service lists it.
async fn read_by_users(service: &TestService) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for user in USERS.iter().chain(&["user:unnamed"]) {
        let listed = service.as_reader(user).get("/v1/documents?collection=main").await.ok();
        let ids = listed["documents"].as_array().unwrap().iter().map(|held| held["id"].as_str().unwrap().to_owned());
        all.insert((*user).to_owned(), ids.collect());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_impact_says_is_what_the_write_then_does() {
    let service = TestService::start().await;
    let admin = service.admin();
    let folders = json!([tuple("folder:top", "parent", "folder:sub"), tuple("folder:top", "inherits", "folder:sub")]);
    admin.write(folders, json!([])).await;
    let rules = [
        json!({"viewers": ["group:a#member"]}),
        json!({"viewers": ["user:ann"], "parents": ["folder:sub"], "inherit": true}),
        json!({"viewers": ["user:*"], "blocked": ["group:b#member"]}),
        json!({"parents": ["folder:top"], "inherit": true, "viewers": ["user:bob"]}),
        json!({"all_of": [["group:a#member"], ["group:b#member"]]}),
    ];
    let documents = rules.iter().enumerate().map(|(n, rules)| document(&format!("a/{n}"), "tulip", rules.clone()));
    admin.put_documents(documents.collect()).await;
    let mut seed = 7u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut held: Vec<Value> = Vec::new();
    let (mut changes, mut wildcards) = (0, 0);
    for _ in 0..60 {
        let user = USERS[random(4)];
        let group = ["group:a", "group:b"][random(2)];
        let fresh = match random(7) {
            0 | 1 => tuple(user, "member", group),
            2 => tuple("group:a#member", "member", "group:b"),
            3 => tuple(&format!("{group}#member"), "viewer", ["folder:top", "folder:sub"][random(2)]),
            4 => tuple(
                [user, "user:*"][random(2)],
                ["viewer", "blocked"][random(2)],
                &format!("document:a/{}", random(5)),
            ),
            5 => tuple(user, ["viewer", "blocked"][random(2)], "folder:top"),
            _ => tuple("user:*", "viewer", ["folder:top", "folder:sub"][random(2)]),
        };
        let (writes, deletes) = match held.iter().position(|known| *known == fresh) {
            Some(at) => (json!([]), json!([held.remove(at)])),
            None => {
                held.push(fresh.clone());
                (json!([fresh]), json!([]))
            }
        };
        let mut body = json!({"writes": writes, "deletes": deletes, "idempotent": true});
        let write = body.clone();
        body["examples"] = json!(100);
        let answer = admin.post("/v1/relationships/impact", body).await.ok();
        let before = read_by_users(&service).await;
        admin.post("/v1/relationships/write", write).await.ok();
        let after = read_by_users(&service).await;
        let everybody = answer["readers"].as_array().unwrap().iter().find(|told| told["reader"] == "user:*");
        wildcards += usize::from(everybody.is_some());
        let mut different = BTreeSet::new();
        for (user, was) in &before {
            let is = &after[user];
            let own = answer["readers"].as_array().unwrap().iter().find(|told| told["reader"] == **user);
            let except = everybody.and_then(|told| told["except"]["examples"].as_array());
            let is_except = except.is_some_and(|names| names.iter().any(|name| *name == **user));
            let told = own.or(everybody.filter(|_| !is_except));
            let names = |list: &str| -> BTreeSet<String> {
                let examples = told.and_then(|told| told[list]["examples"].as_array()).into_iter().flatten();
                examples.map(|example| example["document_id"].as_str().unwrap().to_owned()).collect()
            };
            let what = format!("{user} {writes} {deletes} {answer}");
            assert_eq!(names("gains"), is.difference(was).cloned().collect(), "{what}");
            assert_eq!(names("loses"), was.difference(is).cloned().collect(), "{what}");
            different.extend(was.symmetric_difference(is).cloned());
        }
        changes += different.len();
        assert_eq!(answer["documents"], different.len(), "{answer}");
    }
    println!("impact: {changes} changed documents, {wildcards} changes for everybody");
    assert!(changes > 40 && wildcards > 2);
}
