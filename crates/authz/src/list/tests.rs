//! Expand; the listings themselves are tested by data and against Check.

use super::super::{testing::*, *};
use usher_base::effort::Effort;

#[test]
fn expand_shows_one_level() {
    let (graph, _) = with(
        &Graph::new(bound()),
        &[
            "document:1 viewer user:b",
            "document:1 viewer user:a",
            "document:1 viewer group:g#member",
            "document:1 inherits folder:f",
            "document:1 parent folder:f",
            // Not admitted by the model: a document is no parent.
            "document:1 parent document:2",
            "group:g member user:c",
        ],
    );
    let model = default_model();
    let expand =
        |relation: &str| expand(&graph, &model, &object("document:1"), relation, &[], &Effort::unbounded()).unwrap();
    let Some(ExpandNode::Union(viewer)) = expand("viewer") else { panic!("a union") };
    assert_eq!(
        viewer,
        [
            ExpandNode::Users(vec![subject("group:g#member"), subject("user:a"), subject("user:b")]),
            ExpandNode::Computed("document:1#editor".to_owned()),
            ExpandNode::TupleToUserset {
                tupleset: "document:1#inherits".to_owned(),
                computed: vec!["folder:f#viewer".to_owned()],
            },
        ]
    );
    assert_eq!(expand("parent"), Some(ExpandNode::Users(vec![subject("folder:f")])));
    let Some(ExpandNode::Difference { base, subtract }) = expand("can_view") else { panic!("a difference") };
    assert!(matches!(*base, ExpandNode::Intersection(operands) if operands.len() == 2));
    assert_eq!(*subtract, ExpandNode::Computed("document:1#blocked".to_owned()));
    assert_eq!(expand("nothing"), None);
    let contextual = [tuple("document:9 viewer user:z"), tuple("document:9 viewer group:new#member")];
    let expanded = super::expand(&graph, &model, &object("document:9"), "viewer", &contextual, &Effort::unbounded());
    let Ok(Some(ExpandNode::Union(viewer))) = expanded else { panic!("a union") };
    assert_eq!(viewer[0], ExpandNode::Users(vec![subject("group:new#member"), subject("user:z")]));
}

#[test]
fn a_contextual_tuple_isolates_the_document_and_its_sections() {
    let (graph, _) = with(
        &Graph::new(bound()),
        &[
            "classification:open cleared user:*",
            "document:1 classification classification:open",
            "document:2 classification classification:open",
            "section:a document document:1",
            "section:a viewer user:*",
            "section:b document document:2",
            "section:b viewer user:*",
        ],
    );
    let (model, context) = (default_model(), Context::new());
    assert_eq!(audience(&graph, "section:a"), audience(&graph, "section:b"));
    let contextual = [tuple("document:1 viewer user:anne"), tuple("section:c viewer user:anne")];
    let listed = |object_type: &str| {
        let (anne, mut found) = (subject("user:anne"), Vec::new());
        let question = ObjectsQuestion {
            effort: &Effort::unbounded(),
            object_type,
            relation: "can_view",
            subject: &anne,
            context: &context,
            contextual: &contextual,
        };
        list_objects(&graph, &model, &question, &mut found).unwrap();
        found
    };
    assert_eq!(listed("document"), [object("document:1")]);
    assert_eq!(listed("section"), [object("section:a")]);
}
