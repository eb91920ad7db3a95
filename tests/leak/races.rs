//! A query is held still between searching and verifying while the state changes: what it then returns must be what the
//! newest state allows, ranked as if the rest had never been found.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use usher::authz::{
    BoundType, Context, Graph, GraphEdit, Model, ObjectRef, ObjectsQuestion, SubjectRef, Tuple, list_objects,
};
use usher::wire::TupleKey;

use crate::common::{Client, TestService, document, tuple};

async fn world() -> TestService {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    admin
        .put_documents(vec![
            document("a/best", "orchid orchid orchid", json!({"viewers": ["group:g#member"]})),
            document("a/next", "orchid and other flowers of the garden", json!({"viewers": ["user:ann"]})),
        ])
        .await;
    service
}

/// A request name that no other test uses.
fn fresh_request() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("race-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Asks as Ann and runs `meanwhile` after the search and before the verification.
async fn ask_while(service: &TestService, meanwhile: impl Future<Output = ()>) -> Value {
    let request = fresh_request();
    let pause = usher::pause::arm("query.searched", &request);
    let ann = Client { request_id: Some(request), ..service.as_reader("user:ann") };
    let question = tokio::spawn(async move { ann.post("/v1/query", json!({"query": "orchid"})).await.ok() });
    pause.reached().await;
    meanwhile.await;
    pause.release();
    question.await.unwrap()
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|hit| hit["document_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_between_search_and_verification_binds() {
    let service = world().await;
    let admin = service.admin();
    let answer = ask_while(&service, async {
        admin.write(json!([]), json!([tuple("user:ann", "member", "group:g")])).await;
    })
    .await;
    assert_eq!(ids(&answer), ["a/next"]);
    // No gap betrays that something was dropped.
    assert_eq!(
        (answer["results"][0]["ranks"]["keyword"].as_u64(), answer["results"][0]["score"].as_f64()),
        (Some(1), Some(1.0))
    );
}

/// As above, but the state goes on changing, so that the last round drops a hit too: ranks count verified hits only, and
/// the answer says that something may be missing.
#[tokio::test(flavor = "multi_thread")]
async fn ranks_count_verified_hits_only() {
    let service = world().await;
    let admin = service.admin();
    let request = fresh_request();
    let mut pause = usher::pause::arm("query.searched", &request);
    let ann = Client { request_id: Some(request.clone()), ..service.as_reader("user:ann") };
    let body = json!({"query": "orchid", "deadline_ms": 30_000});
    let mut question = tokio::spawn(async move { ann.post("/v1/query", body).await.ok() });
    let mut rounds = 0;
    let answer = loop {
        tokio::select! {
            answer = &mut question => break answer.unwrap(),
            () = pause.reached() => rounds += 1,
        }
        let text = format!("orchid orchid orchid {rounds}");
        admin.put_documents(vec![document("a/best", &text, json!({"viewers": ["group:g#member"]}))]).await;
        let next = usher::pause::arm("query.searched", &request);
        std::mem::replace(&mut pause, next).release();
    };
    assert!(rounds > 2, "{rounds}");
    assert_eq!(ids(&answer), ["a/next"]);
    assert_eq!(
        (answer["results"][0]["ranks"]["keyword"].as_u64(), answer["results"][0]["score"].as_f64()),
        (Some(1), Some(1.0))
    );
    assert_eq!((&answer["complete"], &answer["warnings"]), (&json!(false), &json!(["changed_meanwhile"])));
}

/// An answer names the state that it was made from: what was granted after the search is not in it, nor is the grant in
/// the state that it names.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_names_the_state_that_it_was_made_from() {
    let service = world().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/later", "orchid of tomorrow", json!({"viewers": []}))]).await;
    let answer = ask_while(&service, async {
        admin.write(json!([tuple("user:ann", "viewer", "document:a/later")]), json!([])).await;
    })
    .await;
    assert_eq!((ids(&answer).len(), &answer["complete"]), (2, &json!(true)));
    let question = json!({"collection": "main", "document_id": "a/later", "subject": "user:ann", "as_of_revision": answer["revision"]});
    let told = admin.post("/v1/explain", question).await.ok();
    assert_eq!(told["allowed"], false, "{told}");
}

/// What was found in a version that is gone by then is found again in the new one, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_between_search_and_verification_takes_the_old_ones_place() {
    let service = world().await;
    let admin = service.admin();
    let new = document("a/best", "orchid, as the new version says", json!({"viewers": ["group:g#member"]}));
    let answer = ask_while(&service, async {
        admin.put_documents(vec![new]).await;
    })
    .await;
    assert!(!answer.to_string().contains("orchid orchid orchid"), "{answer}");
    let best = answer["results"].as_array().unwrap().iter().find(|hit| hit["document_id"] == "a/best");
    assert_eq!(best.map(|hit| &hit["document_version"]), Some(&json!(2)), "{answer}");
}

/// Of two labels nobody can say which is meant; the second one must not widen.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_label_hides_the_document() {
    let service = world().await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    let second = tuple("classification:secret", "classification", "document:a/best");
    admin.write(json!([second]), json!([])).await;
    assert_eq!(ann.ask("orchid").await, ["a/next"]);
    let first = tuple("classification:open", "classification", "document:a/best");
    admin.write(json!([]), json!([first])).await;
    assert_eq!(ann.ask("orchid").await, ["a/next"], "not cleared for the one label that is left");
    admin.write(json!([tuple("user:ann", "cleared", "classification:secret")]), json!([])).await;
    assert_eq!(ann.ask("orchid").await, ["a/best", "a/next"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_ends_between_search_and_verification_is_not_returned() {
    let service = world().await;
    let mut ending = document("a/ending", "orchid of today", json!({"viewers": ["user:ann"]}));
    ending["expires_at"] = json!((jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500)).to_string());
    service.admin().put_documents(vec![ending]).await;
    let answer = ask_while(&service, tokio::time::sleep(Duration::from_millis(1800))).await;
    assert!(!ids(&answer).contains(&"a/ending"), "{answer}");
    assert_eq!(ids(&answer).len(), 2);
}

/// The new rules of a document are judged with the reader's new groups, never with the old ones.
#[tokio::test(flavor = "multi_thread")]
async fn new_rules_are_never_judged_by_old_groups() {
    let service = world().await;
    let admin = service.admin();
    // An audience that exists already, and that only the group makes readable.
    admin.put_documents(vec![document("a/other", "nothing of it", json!({"viewers": ["group:g#member"]}))]).await;
    let answer = ask_while(&service, async {
        admin.write(json!([]), json!([tuple("user:ann", "member", "group:g")])).await;
        admin
            .put_documents(vec![document(
                "a/next",
                "orchid and other flowers of the garden",
                json!({"viewers": ["group:g#member"]}),
            )])
            .await;
    })
    .await;
    assert!(ids(&answer).is_empty(), "{answer}");
}

/// A grant for a time that a cached reader met ends on time.
#[tokio::test(flavor = "multi_thread")]
async fn a_cached_reader_forgets_a_grant_that_ended() {
    let service = TestService::start().await;
    let end = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2)).to_string();
    let context = json!({"start": "2020-01-01T00:00:00Z", "end": end});
    let viewer = json!({"principal": "user:ann", "condition": {"name": "during", "context": context}});
    service.admin().put_documents(vec![document("a/1", "orchid", json!({"viewers": [viewer]}))]).await;
    let ann = service.as_reader("user:ann");
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
    tokio::time::sleep(Duration::from_millis(2300)).await;
    assert!(ann.ask("orchid").await.is_empty());
}

/// A contextual tuple about one document opens that document's section, and no section of another document.
#[test]
fn a_contextual_tuple_isolates_the_documents_sections() {
    let model = Model::compile("m", serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap()).unwrap();
    let bound = |object_type: &str, parent: Option<&str>| BoundType {
        object_type: object_type.into(),
        parent_tupleset: parent.map(Into::into),
        parent_type: parent.map(|_| "document".into()),
        single_valued: None,
    };
    let graph = Graph::new(vec![bound("document", None), bound("section", Some("document"))]);
    let parse = |user: &str, relation: &str, object: &str| {
        let key = TupleKey { user: user.into(), relation: relation.into(), object: object.into(), condition: None };
        Tuple::parse(&key).unwrap()
    };
    let mut edit: GraphEdit = graph.edit();
    edit.write(&parse("user:*", "cleared", "classification:open")).unwrap();
    for n in ["1", "2"] {
        edit.write(&parse("classification:open", "classification", &format!("document:{n}"))).unwrap();
        edit.write(&parse(&format!("document:{n}"), "document", &format!("section:{n}"))).unwrap();
        edit.write(&parse("user:*", "viewer", &format!("section:{n}"))).unwrap();
    }
    let (graph, _) = edit.finish();
    let contextual = [parse("user:ann", "viewer", "document:1")];
    let ann = SubjectRef::parse("user:ann").unwrap();
    let context = Context::default();
    let effort = usher::limits::Effort::unbounded();
    let question = ObjectsQuestion {
        effort: &effort,
        object_type: "section",
        relation: "can_view",
        subject: &ann,
        context: &context,
        contextual: &contextual,
    };
    let mut found: Vec<ObjectRef> = Vec::new();
    list_objects(&graph, &model, &question, &mut found).unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["section:1"]);
}

/// A model without intersections and exclusions: paths are accepted as they are found, but never beyond the limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_thirty_groups_is_too_long_in_a_union_too() {
    let service = TestService::start().await;
    let admin = service.admin();
    let store = admin.post("/stores", json!({"name": "unions"})).await.ok()["id"].as_str().unwrap().to_owned();
    let to = |types: Value| json!({"directly_related_user_types": types});
    let model = json!({"schema_version": "1.1", "type_definitions": [
        {"type": "user", "relations": {}},
        {"type": "group", "relations": {"member": {"this": {}}},
         "metadata": {"relations": {"member": to(json!([{"type": "user"}, {"type": "group", "relation": "member"}]))}}},
        {"type": "page", "relations": {"viewer": {"this": {}}},
         "metadata": {"relations": {"viewer": to(json!([{"type": "user"}, {"type": "group", "relation": "member"}]))}}},
    ]});
    admin.post(&format!("/stores/{store}/authorization-models"), model).await.ok();
    let binding = json!({"store": store, "object_type": "page", "section_type": "", "relation": "viewer"});
    admin.put("/v1/collections/pages", binding).await.ok();
    let mut tuples = vec![tuple("user:ann", "member", "group:g0")];
    for n in 1..30 {
        tuples.push(tuple(&format!("group:g{}#member", n - 1), "member", &format!("group:g{n}")));
    }
    admin.post("/v1/relationships/write", json!({"store": store, "writes": tuples})).await.ok();
    let mut pages = Vec::new();
    for n in [20, 23, 24, 29] {
        let mut page = document(&format!("p/{n}"), "orchid", json!({"viewers": [format!("group:g{n}#member")]}));
        page["collection"] = json!("pages");
        pages.push(page);
    }
    admin.put_documents(pages).await;
    let mut found = service.as_reader("user:ann").ask("orchid").await;
    found.sort();
    assert_eq!(found, ["p/20", "p/23"], "25 hops and more are an error, and an error is a denial");
}
