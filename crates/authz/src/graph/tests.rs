//! Edits, rollback, sharing, audiences.

use super::super::{testing::*, *};

#[test]
fn an_edit_sees_its_own_writes_and_nothing_else_does() {
    let (graph, _) = with(&Graph::new(Vec::new()), &["document:1 viewer user:anne"]);
    let mut edit = graph.edit();
    let (one, two) = (tuple("document:1 viewer user:anne"), tuple("document:1 viewer user:bob"));
    assert_eq!(edit.write(&one), Err(TupleExists));
    assert_eq!(edit.write(&conditional("document:1 viewer user:anne", "c", serde_json::json!({}))), Err(TupleExists));
    assert_eq!(edit.write(&two), Ok(()));
    assert_eq!(edit.get(&two.object, "viewer", &two.subject), Some(two.clone()));
    assert_eq!(edit.delete(&one.object, "viewer", &one.subject), Ok(one.clone()));
    assert_eq!(edit.delete(&one.object, "viewer", &one.subject), Err(TupleMissing));
    assert_eq!(edit.get(&one.object, "viewer", &one.subject), None);
    // Deletes come first within a request: the same key may then be written with a condition.
    let changed = conditional("document:1 viewer user:anne", "c", serde_json::json!({"b": 1, "a": 2}));
    assert_eq!(edit.write(&changed), Ok(()));
    assert_eq!(graph.get(&two.object, "viewer", &two.subject), None);
    let (next, _) = edit.finish();
    assert_eq!(next.get(&one.object, "viewer", &one.subject), Some(changed));
    assert_eq!(next.tuple_count(), 2);
    assert_eq!(graph.tuple_count(), 1);
    assert_eq!(graph.get(&one.object, "viewer", &one.subject), Some(one));
}

#[test]
fn a_dropped_edit_leaves_the_graph_as_it_was() {
    let (graph, _) = with(&Graph::new(bound()), &["document:1 viewer user:anne"]);
    let before = audience(&graph, "document:1");
    let (discarded, _) = with(&graph, &["document:1 viewer user:bob", "document:2 viewer user:bob"]);
    assert_ne!(audience(&discarded, "document:1"), before);
    let (next, _) = with(&graph, &["document:3 viewer user:anne"]);
    assert_eq!(audience(&next, "document:1"), before);
    assert_eq!(audience(&next, "document:3"), before);
    assert_eq!(next.tuple_count(), 2);
    // A number that the discarded edit was given is not given again.
    let (again, _) = with(&graph, &["document:2 viewer user:bob"]);
    assert_ne!(audience(&again, "document:2"), audience(&discarded, "document:2"));
}

#[test]
fn equal_grants_share_an_audience() {
    let (graph, change) = with(
        &Graph::new(bound()),
        &[
            "document:1 viewer user:anne",
            "document:1 parent folder:a",
            "document:2 parent folder:a",
            "document:2 viewer user:anne",
            "document:3 viewer user:anne",
            "group:g member user:anne",
            "document:self1 viewer document:self1#editor",
            "document:self2 viewer document:self2#editor",
        ],
    );
    assert_eq!(audience(&graph, "document:1"), audience(&graph, "document:2"));
    assert_ne!(audience(&graph, "document:1"), audience(&graph, "document:3"));
    assert_eq!(audience(&graph, "document:self1"), audience(&graph, "document:self2"));
    assert_eq!(audience(&graph, "group:g"), AudienceOrdinal::NOBODY);
    // Only the group is walked through, so only its tuple is told.
    assert_eq!(change.edges().len(), 1);
    let mut edit = graph.edit();
    let empty = edit.intern(&object("document:9"));
    let (graph, _) = edit.finish();
    let none = graph.audience(empty);
    assert_ne!(none, AudienceOrdinal::NOBODY);
    let (graph, change) = without(&graph, &["document:3 viewer user:anne"]);
    assert_eq!(audience(&graph, "document:3"), none);
    assert_eq!(change.retired().len(), 1);
}

#[test]
fn a_retired_number_is_not_used_again() {
    let graph = Graph::new(bound());
    let (first, _) = with(&graph, &["document:1 viewer user:anne"]);
    let old = audience(&first, "document:1");
    let (second, change) = without(&first, &["document:1 viewer user:anne"]);
    assert_eq!(change.retired(), [old]);
    let (third, _) = with(&second, &["document:2 viewer user:anne"]);
    assert_ne!(audience(&third, "document:2"), old);
    assert!(third.audience_count() > audience(&third, "document:2").0);
    assert!(first.audience_count() <= audience(&third, "document:2").0);
}

#[test]
fn sections_follow_their_documents() {
    let (graph, _) = with(
        &Graph::new(bound()),
        &[
            "section:a document document:1",
            "section:b document document:2",
            "section:c document document:9",
            "section:d document user:odd",
            "document:1 viewer user:anne",
            "document:2 viewer user:anne",
        ],
    );
    assert_eq!(audience(&graph, "section:a"), audience(&graph, "section:b"));
    assert_ne!(audience(&graph, "section:a"), audience(&graph, "section:c"));
    assert_ne!(audience(&graph, "section:c"), audience(&graph, "section:d"));
    let (next, change) = with(&graph, &["document:1 viewer user:bob"]);
    assert_ne!(audience(&next, "section:a"), audience(&graph, "section:a"));
    assert_eq!(audience(&next, "section:b"), audience(&graph, "section:b"));
    assert!(change.edges().is_empty(), "neither documents nor sections are walked through");
    let (next, _) =
        with(&next, &["document:2 viewer user:bob", "document:9 viewer user:bob", "document:9 viewer user:anne"]);
    assert_eq!(audience(&next, "section:a"), audience(&next, "section:b"));
    assert_eq!(audience(&next, "section:a"), audience(&next, "section:c"));
    // Several parents: as many as have different grants.
    let (next, _) = with(&next, &["section:a document document:2"]);
    assert_eq!(audience(&next, "section:a"), audience(&next, "section:b"));
    assert_eq!(next.tuples(next.node(&object("section:a")).unwrap()).len(), 2);
    let (next, _) = without(&next, &["section:a document document:1", "section:a document document:2"]);
    assert_ne!(audience(&next, "section:a"), audience(&next, "section:b"));
}

#[test]
fn a_document_that_becomes_a_subject_is_walked_through() {
    let (graph, _) = with(
        &Graph::new(bound()),
        &["document:1 viewer user:anne", "section:a document document:1", "document:2 viewer user:anne"],
    );
    let shared = audience(&graph, "document:1");
    let node = graph.node(&object("document:1")).unwrap();
    assert!(!graph.is_walked(node));
    let (next, change) = with(&graph, &["folder:f viewer document:1#viewer"]);
    assert!(next.is_walked(node));
    assert_eq!(audience(&next, "document:1"), shared, "its chunks stay with their audience");
    assert_eq!(change.edges().len(), 2, "the folder's tuple, and the document's that are now its own");
    let (changed, change) = with(&next, &["document:1 viewer user:bob"]);
    assert_eq!(change.edges().len(), 1, "a change of what is walked through is told");
    assert_eq!(changed.tuples(node).len(), 2);
    let (back, change) = without(&changed, &["folder:f viewer document:1#viewer"]);
    assert!(!back.is_walked(node));
    assert_eq!(change.edges().len(), 3);
    assert_eq!(back.tuples(node).len(), 2);
    // Of a section that is walked through, the document is as well.
    let (deep, _) = with(&graph, &["folder:f viewer section:a#viewer"]);
    assert!(deep.is_walked(node));
    let (deep, _) = without(&deep, &["section:a document document:1"]);
    assert!(!deep.is_walked(node));
}

#[test]
fn rebinding_keeps_the_tuples() {
    let tuples = [
        "document:1 viewer user:anne",
        "section:a document document:1",
        "group:g member group:g#member",
        "group:g member user:*",
    ];
    let (graph, _) = with(&Graph::new(Vec::new()), &tuples);
    assert_eq!(audience(&graph, "document:1"), AudienceOrdinal::NOBODY);
    let rebound = graph.rebind(bound());
    assert_eq!(rebound.tuple_count(), tuples.len());
    assert_ne!(audience(&rebound, "document:1"), AudienceOrdinal::NOBODY);
    for text in tuples {
        let tuple = tuple(text);
        assert_eq!(rebound.get(&tuple.object, &tuple.relation, &tuple.subject), Some(tuple));
    }
    let again = rebound.rebind(bound());
    assert_ne!(audience(&again, "document:1"), audience(&rebound, "document:1"), "numbers are never used again");
    assert!(again.memory_bytes() > 0);
}

#[test]
fn sections_of_the_same_type_and_of_sections_keep_their_parents() {
    let own = vec![BoundType {
        object_type: "document".to_owned(),
        parent_tupleset: Some("part_of".to_owned()),
        parent_type: Some("document".to_owned()),
        single_valued: None,
    }];
    let tuples = ["document:1 part_of document:2", "document:3 part_of document:4", "document:2 viewer user:anne"];
    let (graph, _) = with(&Graph::new(own), &tuples);
    assert_ne!(audience(&graph, "document:1"), audience(&graph, "document:3"));
    assert!(graph.is_walked(graph.node(&object("document:2")).unwrap()));
}

#[test]
fn snapshots_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Graph>();
    shared::<GraphEdit>();
    shared::<GraphChange>();
    shared::<Model>();
    shared::<AllowedSet>();
    shared::<Context>();
}
