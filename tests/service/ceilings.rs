//! A credential never makes, changes or reveals what lies beyond its own ceiling.

use serde_json::{Value, json};

use crate::common::{Client, TestService, document, tuple};

async fn key(admin: &Client, settings: Value) -> Client {
    let mut body = json!({"name": "k", "subject": "service:k"});
    body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let made = admin.post("/v1/keys", body).await.ok();
    Client { key: made["key"].as_str().unwrap().to_owned(), ..admin.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confined_key_can_not_have_what_can_not_be_confined() {
    let service = TestService::start().await;
    let admin = service.admin();
    for (scope, ceiling, is_possible) in [
        ("admin", json!({"collections": ["hr"]}), false),
        ("admin", json!({"sources": ["hr"]}), false),
        ("relationships.write", json!({"collections": ["hr"]}), false),
        ("relationships.write", json!({"sources": ["hr"]}), false),
        ("relationships.read", json!({"collections": ["hr"]}), false),
        ("relationships.read", json!({"collections": []}), false),
        ("relationships.read", json!({"sources": ["hr"]}), true),
        ("explain", json!({"collections": ["hr"]}), true),
        ("documents.write", json!({"collections": ["hr"], "sources": ["hr"]}), true),
        ("query", json!({"collections": ["hr"]}), true),
        ("admin", json!({}), true),
    ] {
        let mut body = json!({"name": "k", "scopes": ["query", scope]});
        body.as_object_mut().unwrap().extend(ceiling.as_object().unwrap().clone());
        let made = admin.post("/v1/keys", body).await;
        if is_possible {
            made.ok();
            continue;
        }
        let problem = made.json();
        assert_eq!((made.status.as_u16(), &problem["errors"][0]["pointer"]), (400, &json!("/scopes/1")), "{scope}");
        let said = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(said.contains("collections") && said.contains("sources"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_makes_a_key_that_has_more() {
    let service = TestService::start().await;
    let admin = service.admin();
    let other = key(&admin, json!({"scopes": ["admin"]})).await;
    for beyond in [
        json!({"scopes": ["query", "act_as"], "act_as_types": ["user"]}),
        json!({"scopes": ["query"], "act_as_types": ["user"]}),
    ] {
        let mut body = json!({"name": "k"});
        body.as_object_mut().unwrap().extend(beyond.as_object().unwrap().clone());
        assert_eq!(other.post("/v1/keys", body).await.problem(403), "insufficient_scope");
    }
    key(&other, json!({"scopes": ["query", "documents.write"], "sources": ["hr"]})).await;
    let half = key(&admin, json!({"scopes": ["admin", "act_as"], "act_as_types": ["agent"]})).await;
    key(&half, json!({"scopes": ["act_as"], "act_as_types": ["agent"]})).await;
    let wider = json!({"name": "k", "scopes": ["act_as"], "act_as_types": ["agent", "user"]});
    assert_eq!(half.post("/v1/keys", wider).await.problem(403), "insufficient_scope");
    let odd = json!({"name": "k", "scopes": ["act_as"], "act_as_types": ["group"]});
    assert_eq!(admin.post("/v1/keys", odd).await.problem(400), "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_before_have_what_their_ceiling_leaves() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/hr", json!({})).await.ok();
    admin.put("/v1/collections/fin", json!({})).await.ok();
    // As a release without this rule stored it.
    let held = service.service();
    let settings = usher::catalog::keys::KeySettings {
        name: "old".into(),
        scopes: vec!["admin".into(), "act_as".into()],
        subject: Some("service:old".into()),
        collections: Some(vec!["hr".into()]),
        sources: Some(vec!["hr".into()]),
        act_as_types: vec!["user".into()],
    };
    let now = jiff::Timestamp::now();
    let (secret, row) = held.authenticator.keys.make(settings, now, now + jiff::SignedDuration::from_hours(1)).unwrap();
    held.committer.submit(usher::audit::Asked::duty("a test"), usher::commit::keys::CreateKey { row }).await.unwrap();
    drop(held);
    let old = Client { key: secret, ..admin.clone() };
    for reply in [
        old.post("/v1/keys", json!({"name": "k", "scopes": ["admin"]})).await,
        old.get("/v1/keys").await,
        old.delete("/v1/collections/fin?force=true").await,
        old.put("/v1/collections/hr", json!({})).await,
        old.post("/v1/relationships/write", json!({"writes": [tuple("service:old", "viewer", "document:fin/1")]}))
            .await,
        old.post("/v1/relationships/read", json!({})).await,
    ] {
        assert_eq!(reply.problem(403), "insufficient_scope");
    }
    // What can be confined is left.
    let stored = json!({"documents": [{"id": "hr/1", "collection": "hr", "content": {"type": "text/plain", "text": "ibex"},
                                      "acl": {"viewers": ["service:old"]}}]});
    old.post("/v1/documents", stored).await.ok();
    assert_eq!(old.ask("ibex").await, ["hr/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_another_collection_holds_tells_nothing_and_shares_nothing() {
    let service = TestService::start().await;
    let admin = service.admin();
    for name in ["one", "two"] {
        admin.put(&format!("/v1/collections/{name}"), json!({})).await.ok();
    }
    let stored = |collection: &str, id: &str, text: &str, viewer: &str| {
        let mut stored = document(id, text, json!({"viewers": [viewer]}));
        stored["collection"] = json!(collection);
        stored["sections"] = json!([{"id": "s", "span": {"start": 0, "end": 4}, "acl": {"viewers": [viewer]}}]);
        json!({"documents": [stored]})
    };
    admin.post("/v1/documents", stored("one", "hr/x", "ibex first", "user:ann")).await.ok();
    let confined = key(&admin, json!({"scopes": ["documents.write"], "collections": ["two"], "sources": ["hr"]})).await;
    let mut answers = Vec::new();
    for id in ["hr/x", "hr/y"] {
        let answer = confined.post("/v1/documents", stored("two", id, "ibex second", "user:bob")).await.ok();
        let mut result = answer["results"][0].clone();
        result.as_object_mut().unwrap().remove("id");
        answers.push(result);
    }
    assert_eq!(answers[0], answers[1], "whether somebody else holds the id is not told");
    // Each is read by its own rules, and has a name of its own.
    let texts = async |user: &str| {
        let client = service.as_reader(user);
        let answer = client.post("/v1/query", json!({"query": "ibex first second", "top_k": 9})).await.ok();
        let results = answer["results"].as_array().unwrap().clone();
        let mut seen: Vec<String> = results
            .iter()
            .map(|hit| format!("{} {}", hit["collection"], hit["document_id"]).replace('"', ""))
            .collect();
        seen.sort();
        seen.dedup();
        seen
    };
    assert_eq!(texts("user:ann").await, ["one hr/x"]);
    assert_eq!(texts("user:bob").await, ["two hr/x", "two hr/y"]);
    // A grant by the plain name is of the first one; the other's name is told to those who administer it.
    admin.write(json!([tuple("user:cem", "viewer", "document:hr/x")]), json!([])).await;
    assert_eq!(texts("user:cem").await, ["one hr/x"]);
    let object = admin.get("/v1/documents/hr%2Fx/acl?collection=two").await.ok()["object"].as_str().unwrap().to_owned();
    assert_ne!(object, "document:hr/x");
    admin.write(json!([tuple("user:dan", "viewer", &object)]), json!([])).await;
    assert_eq!(texts("user:dan").await, ["two hr/x"]);
    let explained = json!({"subject": "user:dan", "collection": "two", "document_id": "hr/x"});
    assert_eq!(admin.post("/v1/explain", explained).await.ok()["allowed"], true);
    // It stays so when the first one goes, through a restart, and when a new version comes.
    admin.delete("/v1/documents/hr%2Fx?collection=one").await.ok();
    let service = service.restart().await;
    let admin = service.admin();
    admin.post("/v1/documents", stored("two", "hr/x", "ibex third", "user:bob")).await.ok();
    let found = service.as_reader("user:dan").post("/v1/query", json!({"query": "ibex third"})).await.ok();
    assert_eq!(found["results"][0]["collection"], "two");
    assert!(service.as_reader("user:cem").ask("ibex third").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_by_hand_stays_with_the_document_that_it_was_written_for() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/bb", json!({})).await.ok();
    let stored = |collection: &str| {
        let mut stored = document("hr/x", "ibex", json!({"viewers": ["user:*"]}));
        stored["collection"] = json!(collection);
        json!({"documents": [stored]})
    };
    let (main, other) = ("/v1/documents/hr%2Fx?collection=main", "/v1/documents/hr%2Fx?collection=bb");
    admin.post("/v1/documents", stored("main")).await.ok();
    admin.write(json!([tuple("user:eve", "blocked", "document:hr/x")]), json!([])).await;
    // A source makes room for another document of that id, and comes back. The first one was gone by then, so it may be what
    // the other has become: the ban goes along.
    let source = key(&admin, json!({"scopes": ["documents.write"], "sources": ["hr"]})).await;
    source.delete(main).await.ok();
    source.post("/v1/documents", stored("bb")).await.ok();
    source.post("/v1/documents", stored("main")).await.ok();
    let eve = service.as_reader("user:eve");
    assert_eq!(eve.get(main).await.status, 404, "the ban stays where it was written");
    assert_eq!(eve.get(other).await.status, 404);
    // Beside the first one it is another document, and the ban is not its own.
    admin.put("/v1/collections/cc", json!({})).await.ok();
    source.post("/v1/documents", stored("cc")).await.ok();
    assert_eq!(eve.get("/v1/documents/hr%2Fx?collection=cc").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_somebody_is_made_by_who_may_act_for_them() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "ibex", json!({"viewers": ["user:ann"]}))]).await;
    let made = json!({"name": "m", "scopes": ["admin"], "subject": "service:ops"});
    let ops = key(&admin, made).await;
    let services = key(&admin, json!({"name": "s", "scopes": ["admin", "act_as"], "act_as_types": ["service"]})).await;
    let listed = key(&admin, json!({"name": "l", "scopes": ["admin"], "act_as_types": ["user"]})).await;
    let ask = |subject: &str| json!({"name": "k", "scopes": ["query"], "subject": subject});
    for maker in [&ops, &services, &listed] {
        assert_eq!(maker.post("/v1/keys", ask("user:ann")).await.problem(403), "insufficient_scope");
        // Nor one without a name, which reads nothing.
        maker.post("/v1/keys", json!({"name": "k", "scopes": ["query"]})).await.ok();
    }
    ops.post("/v1/keys", ask("service:ops")).await.ok();
    assert_eq!(ops.post("/v1/keys", ask("service:other")).await.problem(403), "insufficient_scope");
    services.post("/v1/keys", ask("service:other")).await.ok();
    assert_eq!(key(&admin, ask("user:ann")).await.ask("ibex").await, ["a/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_means_one_thing_in_a_store() {
    let service = TestService::start().await;
    let admin = service.admin();
    // Sections of `main` are of this type, and folders and groups hand on what they are granted.
    for (object_type, section_type) in [("section", ""), ("folder", ""), ("folder", "section")] {
        let put = json!({"object_type": object_type, "section_type": section_type});
        let refused = admin.put("/v1/collections/other", put).await;
        assert_eq!(refused.problem(400), "invalid_request", "{object_type} {section_type}");
    }
    admin.put("/v1/collections/other", json!({"object_type": "document"})).await.ok();
    admin.put("/v1/collections/whole", json!({"object_type": "document", "section_type": ""})).await.ok();
}

/// Why rules are refused says nothing of other collections, nor of what an administrator wrote.
#[tokio::test(flavor = "multi_thread")]
async fn refused_rules_tell_what_was_sent_and_no_more() {
    let service = TestService::start().await;
    let admin = service.admin();
    for name in ["a", "b"] {
        admin.put(&format!("/v1/collections/{name}"), json!({})).await.ok();
    }
    let of = |id: &str, collection: &str, acl: Value| {
        json!({"documents": [{"id": id, "collection": collection, "acl": acl,
                              "content": {"type": "text/plain", "text": "ibex"}}]})
    };
    admin.post("/v1/documents", of("s/held", "b", json!({"viewers": ["user:x"]}))).await.ok();
    let settings = json!({"name": "k", "scopes": ["documents.write"], "collections": ["a"], "sources": ["s"]});
    let writer = key(&admin, settings).await;
    let window = json!({"name": "during", "context": {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}});
    let twice = json!({"viewers": [{"principal": "user:x", "condition": window}, "user:x"]});
    let odd = json!({"viewers": ["folder:x"]});
    for rules in [twice, odd] {
        let mut said = Vec::new();
        for id in ["s/held", "s/free"] {
            let answer = writer.post("/v1/documents", of(id, "a", rules.clone())).await.ok();
            let problem = answer["results"][0]["problem"].clone();
            assert_eq!(problem["code"], "acl_invalid", "{answer}");
            said.push(problem["detail"].as_str().unwrap().to_owned());
        }
        assert_eq!(said[0], said[1]);
        assert!(!said[0].contains("document:") && said[0].contains(":x"), "{}", said[0]);
    }
    writer.post("/v1/documents", of("s/ban", "a", json!({"viewers": ["user:x"]}))).await.ok();
    let mut ban = tuple("user:eve", "blocked", "document:s/ban");
    ban["condition"] = window;
    admin.write(json!([ban]), json!([])).await;
    let rules = json!({"viewers": ["user:x"], "blocked": ["user:eve"]});
    let answer = writer.post("/v1/documents", of("s/ban", "a", rules)).await.ok();
    let detail = answer["results"][0]["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains("user:eve") && !detail.contains("exists"), "{detail}");
}
