//! Allowed sets under the default model, and what carries them.

use serde_json::json;

use super::super::{testing::*, *};
use usher_base::effort::Effort;

const COMMON: &[&str] = &[
    "classification:open cleared user:*",
    "group:staff member user:anne",
    "document:1 viewer group:staff#member",
    "document:1 classification classification:open",
    "document:1 parent folder:f",
    "document:2 viewer user:bob",
    "document:2 classification classification:open",
    "document:3 viewer user:anne",
    "section:a document document:1",
    "section:a viewer user:anne",
    "section:b document document:2",
    "section:b viewer user:anne",
    "section:empty document document:1",
];

fn resolve(graph: &Graph, user: &str) -> AllowedSet {
    AllowedSet::resolve(graph, &default_model(), &binding(), &subject(user), &at("2025-06-01T00:00:00Z")).unwrap()
}

fn allowed<'t>(set: &AllowedSet, graph: &Graph, among: &[&'t str]) -> Vec<&'t str> {
    among.iter().filter(|text| set.contains(audience(graph, text))).copied().collect()
}

const ALL: &[&str] = &["document:1", "document:2", "document:3", "section:a", "section:b", "section:empty"];

fn carry(set: &AllowedSet, change: &GraphChange, graph: &Graph) -> Carried {
    set.carry(&Effort::unbounded(), &[change], graph, &default_model(), &at("2025-06-01T00:00:00Z"))
}

#[test]
fn a_reader_gets_documents_and_their_sections() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    assert_eq!(allowed(&resolve(&graph, "user:anne"), &graph, ALL), ["document:1", "section:a"]);
    assert_eq!(allowed(&resolve(&graph, "user:bob"), &graph, ALL), ["document:2"]);
    let nobody = resolve(&graph, "user:nobody");
    assert!(nobody.bitmap().is_empty());
    assert!(!nobody.contains(AudienceOrdinal::NOBODY));
    assert_eq!(nobody.stats().audiences_evaluated, 0, "the label alone reaches nothing");
}

#[test]
fn only_plain_objects_of_free_types_are_readers() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let model = default_model();
    let resolve = |text: &str| AllowedSet::resolve(&graph, &model, &binding(), &subject(text), &Context::new());
    assert_eq!(resolve("group:staff#member").unwrap_err(), ResolveError::NotAnObject);
    assert_eq!(resolve("user:*").unwrap_err(), ResolveError::NotAnObject);
    assert_eq!(resolve("document:1").unwrap_err(), ResolveError::BoundSubject);
    let broken = Binding { relation: "viewer".to_owned(), ..binding() };
    let outcome = AllowedSet::resolve(&graph, &model, &broken, &subject("user:anne"), &Context::new());
    assert!(matches!(outcome, Err(ResolveError::Binding(_))));
}

#[test]
fn an_unrelated_change_leaves_a_set_as_it_is() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let set = resolve(&graph, "user:anne");
    let (next, change) = with(&graph, &["group:other member user:bob", "folder:x viewer user:bob"]);
    assert!(matches!(carry(&set, &change, &next), Carried::Unchanged));
}

#[test]
fn a_change_of_a_document_makes_a_new_audience_that_is_tested() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let set = resolve(&graph, "user:anne");
    let (next, change) =
        with(&graph, &["document:3 classification classification:open", "document:2 viewer user:carl"]);
    let Carried::Extended(set) = carry(&set, &change, &next) else { panic!("new audiences extend") };
    assert_eq!(allowed(&set, &next, ALL), ["document:1", "document:3", "section:a"]);
    // The document's sections come with it.
    let (next, change) = with(&next, &["document:1 blocked user:anne"]);
    let Carried::Extended(set) = carry(&set, &change, &next) else { panic!("a block is a new audience") };
    assert_eq!(allowed(&set, &next, ALL), ["document:3"]);
    let (next, change) = without(&next, &["document:1 blocked user:anne"]);
    let Carried::Extended(set) = carry(&set, &change, &next) else { panic!("and so is its end") };
    assert_eq!(allowed(&set, &next, ALL), ["document:1", "document:3", "section:a"]);
}

#[test]
fn a_change_on_the_way_drops_a_set() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let set = resolve(&graph, "user:anne");
    let (next, change) = without(&graph, &["group:staff member user:anne"]);
    assert!(matches!(carry(&set, &change, &next), Carried::Dropped));
    let (next, change) = with(&graph, &["group:new member user:anne"]);
    assert!(matches!(carry(&set, &change, &next), Carried::Dropped));
    // Read, and found empty.
    let (next, change) = with(&graph, &["folder:f blocked group:x#member"]);
    assert!(matches!(carry(&set, &change, &next), Carried::Dropped));
    let (next, _) = with(&graph, &["group:other member user:bob"]);
    assert!(matches!(carry(&set, &GraphChange::all(), &next), Carried::Dropped));
    let other = Model::compile("other", default_model().source().clone()).unwrap();
    let outcome = set.carry(&Effort::unbounded(), &[], &next, &other, &at("2025-06-01T00:00:00Z"));
    assert!(matches!(outcome, Carried::Dropped));
}

#[test]
fn a_reader_whom_a_tuple_names_for_the_first_time_is_resolved_anew() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let set = resolve(&graph, "user:new");
    let (next, change) = with(&graph, &["document:1 viewer user:new"]);
    assert!(matches!(carry(&set, &change, &next), Carried::Dropped));
}

#[test]
fn an_older_snapshot_does_not_know_newer_audiences() {
    let (older, _) = with(&Graph::new(bound()), COMMON);
    let (newer, change) = with(&older, &["document:2 viewer user:anne"]);
    // Resolved on the older graph after the newer one exists.
    let set = resolve(&older, "user:anne");
    let Carried::Extended(set) = carry(&set, &change, &newer) else {
        panic!("the newer audience is still to be tested")
    };
    assert!(set.contains(audience(&newer, "document:2")));
    assert!(set.contains(audience(&newer, "section:b")));
}

#[test]
fn intervals_bound_a_set_in_time() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let mut edit = graph.edit();
    let window = json!({"start": "2025-01-01T00:00:00Z", "end": "2025-07-01T00:00:00Z"});
    edit.write(&conditional("group:temporary member user:anne", "during", window)).unwrap();
    edit.write(&tuple("document:2 viewer group:temporary#member")).unwrap();
    let (graph, _) = edit.finish();
    let set = resolve(&graph, "user:anne");
    assert!(set.contains(audience(&graph, "document:2")));
    assert_eq!(set.conditions(), ConditionUse::Until("2025-07-01T00:00:00Z".parse().unwrap()));
    let carry = |instant: &str| set.carry(&Effort::unbounded(), &[], &graph, &default_model(), &at(instant));
    assert!(matches!(carry("2025-06-30T23:59:59Z"), Carried::Unchanged));
    assert!(matches!(carry("2025-07-01T00:00:00Z"), Carried::Dropped));
    assert!(matches!(carry("2025-05-01T00:00:00Z"), Carried::Dropped), "the clock went back");
    assert_eq!(resolve(&graph, "user:bob").conditions(), ConditionUse::None);
    let blind = AllowedSet::resolve(&graph, &default_model(), &binding(), &subject("user:anne"), &Context::new());
    let blind = blind.unwrap();
    assert!(!blind.contains(audience(&graph, "document:2")));
    assert_eq!(blind.conditions(), ConditionUse::Context);
    assert_eq!(blind.stats().audiences_failed, 1);
}

#[test]
fn too_deep_is_denied() {
    let (graph, _) = with(&Graph::new(bound()), COMMON);
    let mut tuples: Vec<String> = (0..24).map(|at| format!("group:{at} member group:{}#member", at + 1)).collect();
    tuples.push("group:24 member user:anne".to_owned());
    tuples.push("document:near viewer group:1#member".to_owned());
    tuples.push("document:near classification classification:open".to_owned());
    tuples.push("document:far viewer group:0#member".to_owned());
    tuples.push("document:far classification classification:open".to_owned());
    let texts: Vec<&str> = tuples.iter().map(String::as_str).collect();
    let (graph, _) = with(&graph, &texts);
    let set = resolve(&graph, "user:anne");
    assert!(set.contains(audience(&graph, "document:near")));
    assert!(!set.contains(audience(&graph, "document:far")));
}
