//! Hostile shapes: dense cycles, exponential paths, names that nobody stored.

use serde_json::json;

use super::super::{testing::*, *};

fn clauses() -> Model {
    default_model()
}

#[test]
fn a_dense_cycle_of_groups_ends_soon() {
    let groups = 60;
    let mut tuples = Vec::new();
    for from in 0..groups {
        for to in (0..groups).filter(|to| *to != from) {
            tuples.push(format!("group:{from} member group:{to}#member"));
        }
    }
    tuples.push("group:0 member user:anne".to_owned());
    let texts: Vec<&str> = tuples.iter().map(String::as_str).collect();
    let (graph, _) = with(&Graph::new(Vec::new()), &texts);
    let (model, context) = (default_model(), Context::new());
    let mut anne = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert_eq!(anne.check(&object("group:59"), "member"), Ok(true));
    let mut bob = Evaluator::new(&graph, &model, &subject("user:bob"), &context);
    assert_eq!(bob.check(&object("group:59"), "member"), Ok(false));
}

#[test]
fn a_dense_cycle_through_intersections_is_an_error_rather_than_endless() {
    let clauses_ = 14;
    let mut tuples = Vec::new();
    for from in 0..clauses_ {
        for to in (0..clauses_).filter(|to| *to != from) {
            tuples.push(format!("clause:{from} a clause:{to}#member"));
            tuples.push(format!("clause:{from} b clause:{to}#member"));
        }
    }
    let texts: Vec<&str> = tuples.iter().map(String::as_str).collect();
    let (graph, _) = with(&Graph::new(Vec::new()), &texts);
    let (model, context) = (clauses(), Context::new());
    let mut evaluator = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert_ne!(evaluator.check(&object("clause:0"), "member"), Ok(true));
}

#[test]
fn a_diamond_of_many_levels_is_walked_once() {
    let mut tuples = Vec::new();
    for level in 0..20 {
        for side in ["a", "b"] {
            for below in ["a", "b"] {
                tuples.push(format!("group:{level}{side} member group:{}{below}#member", level + 1));
            }
        }
    }
    tuples.push("group:20a member user:anne".to_owned());
    let texts: Vec<&str> = tuples.iter().map(String::as_str).collect();
    let (graph, _) = with(&Graph::new(Vec::new()), &texts);
    let (model, context) = (default_model(), Context::new());
    for (user, expected) in [("user:anne", true), ("user:bob", false)] {
        let mut evaluator = Evaluator::new(&graph, &model, &subject(user), &context);
        assert_eq!(evaluator.check(&object("group:0a"), "member"), Ok(expected));
    }
}

#[test]
fn a_memo_is_not_reused_where_it_would_be_too_deep() {
    let mut tuples: Vec<String> = (0..20).map(|at| format!("group:{at} member group:{}#member", at + 1)).collect();
    tuples.push("group:20 member user:anne".to_owned());
    tuples.extend((0..10).map(|at| format!("folder:{at} parent folder:{}", at + 1)));
    tuples.push("folder:10 viewer group:0#member".to_owned());
    tuples.extend((0..10).map(|at| format!("folder:{at} inherits folder:{}", at + 1)));
    let texts: Vec<&str> = tuples.iter().map(String::as_str).collect();
    let (graph, _) = with(&Graph::new(Vec::new()), &texts);
    let (model, context) = (default_model(), Context::new());
    let mut evaluator = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert_eq!(evaluator.check(&object("group:0"), "member"), Ok(true));
    assert_eq!(evaluator.check(&object("folder:7"), "viewer"), Ok(true));
    assert_eq!(evaluator.check(&object("folder:6"), "viewer"), Err(CheckError::TooComplex));
    assert_eq!(evaluator.check(&object("folder:7"), "viewer"), Ok(true));
}

#[test]
fn names_that_nobody_stored_are_checked_like_others() {
    let (graph, _) = with(&Graph::new(bound()), &["document:1 viewer user:*", "classification:open cleared user:*"]);
    let (model, context) = (default_model(), Context::new());
    let reader = subject("user:new");
    let before = graph.interner().len();
    let mut evaluator = Evaluator::new(&graph, &model, &reader, &context).with_contextual(&[
        tuple("document:1 classification classification:open"),
        tuple("document:new viewer group:new#member"),
        tuple("group:new member user:new"),
        tuple("document:new classification classification:open"),
    ]);
    assert_eq!(evaluator.check(&object("document:1"), "can_view"), Ok(true));
    assert_eq!(evaluator.check(&object("document:new"), "can_view"), Ok(true));
    assert_eq!(evaluator.check(&object("document:none"), "can_view"), Ok(false));
    assert_eq!(evaluator.check(&object("document:1"), "no_such_relation"), Ok(false));
    assert_eq!(evaluator.check(&object("nothing:1"), "can_view"), Ok(false));
    assert_eq!(graph.interner().len(), before, "a request adds no names");
}

#[test]
fn conditions_are_noticed_where_they_are_read() {
    let mut edit = Graph::new(bound()).edit();
    let window = json!({"start": "2025-01-01T00:00:00Z", "end": "2025-02-01T00:00:00Z"});
    edit.write(&conditional("group:g member user:anne", "during", window)).unwrap();
    edit.write(&tuple("document:1 viewer group:g#member")).unwrap();
    edit.write(&tuple("document:2 viewer user:anne")).unwrap();
    let (graph, _) = edit.finish();
    let (model, context) = (default_model(), at("2025-01-15T00:00:00Z"));
    let mut evaluator = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert_eq!(evaluator.check(&object("document:2"), "viewer"), Ok(true));
    assert_eq!(evaluator.conditions(), ConditionUse::None);
    assert_eq!(evaluator.check(&object("document:1"), "viewer"), Ok(true));
    assert_eq!(evaluator.conditions(), ConditionUse::Until("2025-02-01T00:00:00Z".parse().unwrap()));
    let context = Context::new();
    let mut evaluator = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert!(matches!(
        evaluator.check(&object("document:1"), "viewer"),
        Err(CheckError::Condition(ConditionError::Missing { .. }))
    ));
    assert_eq!(evaluator.conditions(), ConditionUse::Context);
}
