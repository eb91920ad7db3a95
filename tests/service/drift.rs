//! Memory that has come to differ from the catalog: found, hidden and repaired.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use usher::authz::{GraphEdit, ObjectRef, SubjectRef, Tuple};
use usher::config::RawConfig;
use usher::snapshot::StoreState;

use crate::common::{TestService, document, tuple};

async fn counted(service: &TestService) -> (u64, u64) {
    let text = service.admin().http.get(service.metrics_url()).send().await.unwrap().text().await.unwrap();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    (value("usher_drift_checked_total"), value("usher_drift_repaired_total"))
}

async fn until(service: &TestService, what: impl Fn((u64, u64)) -> bool) -> (u64, u64) {
    for _ in 0..300 {
        let now = counted(service).await;
        if what(now) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", counted(service).await);
}

async fn filled(raw: RawConfig) -> TestService {
    let service = TestService::start_raw(raw).await;
    let admin = service.admin();
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    let mut parts = document("a/3", "orchid in the open. orchid in private.", json!({"viewers": ["group:g#member"]}));
    parts["chunks"] = json!([{"start": 0, "end": 19}, {"start": 20, "end": 38}]);
    parts["sections"] = json!([{"id": "p", "span": {"start": 20, "end": 38}, "acl": {"viewers": ["user:carl"]}}]);
    admin
        .put_documents(vec![
            document("a/1", "orchid one", json!({"viewers": ["group:g#member"]})),
            document("a/2", "orchid two", json!({"viewers": ["user:bob"], "parents": ["folder:f"]})),
            parts,
            document("a/4", "orchid four", json!({"viewers": ["user:*"]})),
        ])
        .await;
    service
}

/// Puts the document into the audience of another one.
fn corrupt(service: &TestService, document: &str, other: &str) {
    let running = service.service();
    running.published.disturb(|snapshot| {
        let state = snapshot.collection("main").unwrap();
        let node = |id: &str| state.document_by_id(id).unwrap().node;
        let (node, other) = (node(document), node(other));
        let store = snapshot.stores.get_mut(running.default_store.as_str()).unwrap();
        let held = StoreState::clone(store);
        let graph = held.graph.clone().with_audience_of(node, other);
        *store = Arc::new(StoreState { graph, audiences_revision: u64::MAX, ..held });
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_in_anothers_audience_is_found_hidden_and_repaired() {
    let service = filled(RawConfig { drift_objects_per_s: Some(1000), ..RawConfig::default() }).await;
    let admin = service.admin();
    // What changes all the time is no drift.
    for round in 0..20 {
        let (member, rules) = (tuple("user:dan", "member", "group:g"), json!({"viewers": ["user:dan"]}));
        let change = if round % 2 == 0 { (json!([member]), json!([])) } else { (json!([]), json!([member])) };
        admin.write(change.0, change.1).await;
        admin.put_documents(vec![document(&format!("b/{}", round % 3), &format!("rose {round}"), rules)]).await;
    }
    let (checked, repaired) = until(&service, |(checked, _)| checked >= 20).await;
    assert_eq!(repaired, 0);

    assert!(service.as_reader("user:bob").ask("orchid").await.contains(&"a/2".to_owned()));
    corrupt(&service, "a/2", "a/1");
    // The defect is one: somebody of the other audience reads it. Unless the repair was quicker.
    let leaked = service.as_reader("user:ann").ask("orchid").await.contains(&"a/2".to_owned());
    until(&service, |(_, repaired)| repaired > 0).await;
    println!("drift: {checked} checked before; leaked before the repair: {leaked}");
    assert_eq!(counted(&service).await.1, 1, "one document was wrong");
    assert!(!service.as_reader("user:ann").ask("orchid").await.contains(&"a/2".to_owned()));
    assert!(service.as_reader("user:bob").ask("orchid").await.contains(&"a/2".to_owned()));
    let mut found = service.as_reader("user:ann").ask("orchid").await;
    found.sort();
    assert_eq!(found, ["a/1", "a/3", "a/4"]);

    // The service goes on as before, and nothing more is found.
    admin.write(json!([]), json!([tuple("user:ann", "member", "group:g")])).await;
    assert_eq!(service.as_reader("user:ann").ask("orchid").await, ["a/4"]);
    let (checked, _) = counted(&service).await;
    assert_eq!(until(&service, |(now, _)| now > checked + 14).await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_comparison_nothing_is_looked_at_and_a_step_repairs_by_itself() {
    let service = filled(RawConfig { drift_objects_per_s: Some(0), ..RawConfig::default() }).await;
    corrupt(&service, "a/2", "a/1");
    let running = service.service();
    // What the entry says of itself is compared too: version, what hides it, parts.
    running.published.disturb(|snapshot| {
        let state = Arc::make_mut(snapshot.collections.get_mut("main").unwrap());
        let mut entry = usher::snapshot::DocumentEntry::clone(state.document_by_id("a/4").unwrap());
        entry.parked = true;
        state.put(entry);
        state.documents_revision = u64::MAX;
    });
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(counted(&service).await, (0, 0));
    assert!(service.as_reader("user:ann").ask("orchid").await.contains(&"a/2".to_owned()), "the defect is one");
    assert!(!service.as_reader("user:zoe").ask("orchid").await.contains(&"a/4".to_owned()));

    let mut place = usher::duties::drift::Position::default();
    for _ in 0..2 {
        usher::duties::drift::step(&running, &mut place, 2).await.unwrap();
    }
    assert_eq!(counted(&service).await, (4, 2));
    assert!(!service.as_reader("user:ann").ask("orchid").await.contains(&"a/2".to_owned()));
    assert_eq!(service.as_reader("user:zoe").ask("orchid").await, ["a/4"]);

    // A member that only memory knows of, and one that only the catalog knows of.
    let changed: [fn(&mut GraphEdit); 2] = [
        |edit| edit.write(&held("group:g", "user:eve")).unwrap(),
        |edit| {
            let ann = held("group:g", "user:ann");
            edit.delete(&ann.object, &ann.relation, &ann.subject).unwrap();
        },
    ];
    for (at, change) in changed.into_iter().enumerate() {
        running.published.disturb(|snapshot| {
            let store = Arc::make_mut(snapshot.stores.get_mut(running.default_store.as_str()).unwrap());
            let mut edit = store.graph.edit();
            change(&mut edit);
            store.graph = edit.finish().0;
        });
        let (_, before) = counted(&service).await;
        let whole = 1000;
        while counted(&service).await.1 == before {
            usher::duties::drift::step(&running, &mut place, whole).await.unwrap();
        }
        assert_eq!(counted(&service).await.1, before + 1, "{at}");
        assert_eq!(service.as_reader("user:eve").ask("orchid").await, ["a/4"]);
        assert_eq!(service.as_reader("user:ann").ask("orchid").await.len(), 3);
    }
    // And nothing more.
    let (_, before) = counted(&service).await;
    for _ in 0..10 {
        usher::duties::drift::step(&running, &mut place, 1000).await.unwrap();
    }
    assert_eq!(counted(&service).await.1, before);
}

fn held(object: &str, user: &str) -> Tuple {
    let (object, subject) = (ObjectRef::parse(object).unwrap(), SubjectRef::parse(user).unwrap());
    Tuple { object, relation: "member".to_owned(), subject, condition: None }
}
