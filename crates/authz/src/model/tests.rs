//! What is refused, what is kept, what may be bound.

use serde_json::{Value, json};

use super::super::{testing::*, *};

/// A model of `user` and `document`, with these relations and what they admit.
fn document(relations: Value, admitted: Value) -> Value {
    let admitted: serde_json::Map<String, Value> = admitted
        .as_object()
        .unwrap()
        .iter()
        .map(|(relation, types)| (relation.clone(), json!({"directly_related_user_types": types})))
        .collect();
    json!({
        "schema_version": "1.1",
        "type_definitions": [
            {"type": "user"},
            {"type": "document", "relations": relations, "metadata": {"relations": admitted}},
        ],
    })
}

fn refused(json: Value) -> ModelError {
    model(json).expect_err("the model is to be refused")
}

fn at(relation: &str) -> RelationAt {
    RelationAt { object_type: "document".to_owned(), relation: relation.to_owned() }
}

#[test]
fn models_that_openfga_refuses_are_refused() {
    let this = || json!({"this": {}});
    let computed = |relation: &str| json!({"computedUserset": {"relation": relation}});
    let from = |relation: &str, tupleset: &str| json!({"tupleToUserset": {"tupleset": {"relation": tupleset}, "computedUserset": {"relation": relation}}});
    let union = |child: Value| json!({"union": {"child": child}});
    let user = || json!([{"type": "user"}]);
    let admitted = || json!({"viewer": user()});

    assert_eq!(refused(json!({"schema_version": "1.1", "type_definitions": []})), ModelError::Empty);
    assert_eq!(
        refused(json!({"schema_version": "1.0", "type_definitions": [{"type": "user"}]})),
        ModelError::SchemaVersion("1.0".to_owned())
    );
    assert_eq!(
        refused(json!({"schema_version": "1.1", "type_definitions": [{"type": "user"}, {"type": "user"}]})),
        ModelError::DuplicateType("user".to_owned())
    );
    for name in ["self", "this"] {
        assert_eq!(
            refused(json!({"schema_version": "1.1", "type_definitions": [{"type": name}]})),
            ModelError::ReservedName(name.to_owned())
        );
        assert!(matches!(refused(document(json!({name: this()}), json!({name: user()}))), ModelError::ReservedName(_)));
    }
    assert!(matches!(
        refused(json!({"schema_version": "1.1", "type_definitions": [{"type": "a b"}]})),
        ModelError::TypeName { .. }
    ));
    assert!(matches!(refused(document(json!({"a#b": this()}), json!({}))), ModelError::RelationName { .. }));
    let many: Vec<Value> = (0..101).map(|at| json!({"type": format!("t{at}")})).collect();
    assert_eq!(refused(json!({"schema_version": "1.1", "type_definitions": many})), ModelError::TooManyTypes);
    let relations: serde_json::Map<String, Value> =
        (0..6_000).map(|at| (format!("relation{at:038}"), this())).collect();
    assert_eq!(refused(document(Value::Object(relations), json!({}))), ModelError::TooLarge);

    assert!(matches!(
        refused(document(json!({"viewer": computed("nobody")}), json!({}))),
        ModelError::UndefinedRelation { .. }
    ));
    assert_eq!(
        refused(document(json!({"viewer": computed("viewer")}), json!({}))),
        ModelError::SelfReference(at("viewer"))
    );
    assert_eq!(refused(document(json!({"viewer": this()}), json!({}))), ModelError::NoRestrictions(at("viewer")));
    assert_eq!(
        refused(document(
            json!({"viewer": this(), "editor": computed("viewer")}),
            json!({"viewer": user(), "editor": user()})
        )),
        ModelError::UnusedRestrictions(at("editor"))
    );
    assert_eq!(
        refused(document(json!({"viewer": this()}), json!({"viewer": user(), "editor": user()}))),
        ModelError::UndefinedRestricted(at("editor"))
    );
    for reference in [json!({"type": "group"}), json!({"type": "user", "relation": "member"})] {
        assert!(matches!(
            refused(document(json!({"viewer": this()}), json!({"viewer": [reference]}))),
            ModelError::UndefinedRestriction { .. }
        ));
    }
    assert!(matches!(
        refused(document(json!({"viewer": this()}), json!({"viewer": [{"type": "user", "condition": "c"}]}))),
        ModelError::UndefinedCondition { .. }
    ));
    assert_eq!(
        refused(document(json!({"viewer": union(json!([this()]))}), admitted())),
        ModelError::TooFewOperands(at("viewer"))
    );
    let cyclic = json!({"viewer": union(json!([this(), computed("editor")])), "editor": computed("viewer")});
    assert!(matches!(refused(document(cyclic, admitted())), ModelError::ComputedCycle(_)));

    let over = |relations: Value, parent: Value| document(relations, json!({"viewer": user(), "parent": parent}));
    let inherited = || json!([this(), from("viewer", "parent")]);
    let good = over(json!({"parent": this(), "viewer": union(inherited())}), json!([{"type": "document"}]));
    assert!(model(good).is_ok());
    for parent in [json!([{"type": "document", "wildcard": {}}]), json!([{"type": "document", "relation": "viewer"}])] {
        assert!(matches!(
            refused(over(json!({"parent": this(), "viewer": union(inherited())}), parent)),
            ModelError::TuplesetRestriction { .. }
        ));
    }
    let indirect = json!({"parent": union(json!([this(), computed("viewer")])), "viewer": union(inherited())});
    assert!(matches!(refused(over(indirect, json!([{"type": "document"}]))), ModelError::TuplesetNotDirect { .. }));
    assert!(matches!(
        refused(over(json!({"parent": this(), "viewer": union(inherited())}), user())),
        ModelError::NoComputedRelation { .. }
    ));
    let endless = json!([{"type": "document", "relation": "viewer"}]);
    assert_eq!(
        refused(document(json!({"viewer": this()}), json!({"viewer": endless}))),
        ModelError::NoEntryPoint(at("viewer"))
    );
    let half = json!({"viewer": {"intersection": {"child": [this(), computed("never")]}}, "never": this()});
    assert!(matches!(
        refused(document(half, json!({"viewer": user(), "never": [{"type": "document", "relation": "never"}]}))),
        ModelError::NoEntryPoint(_)
    ));
}

#[test]
fn conditions_are_checked() {
    let with = |key: &str, name: &str, expression: &str, parameters: Value| {
        let mut model = document(json!({"viewer": {"this": {}}}), json!({"viewer": [{"type": "user"}]}));
        model["conditions"] = json!({key: {"name": name, "expression": expression, "parameters": parameters}});
        model
    };
    let int = json!({"x": {"type_name": "TYPE_NAME_INT"}});
    assert!(model(with("c", "c", "x < 5", int.clone())).is_ok());
    assert!(matches!(refused(with("c", "d", "x < 5", int.clone())), ModelError::ConditionKey { .. }));
    assert!(matches!(refused(with("c", "c", "x + 5", int.clone())), ModelError::Expression { .. }));
    assert!(matches!(refused(with("c", "c", "y < 5", int.clone())), ModelError::Expression { .. }));
    assert!(matches!(refused(with("c c", "c c", "x < 5", int.clone())), ModelError::ConditionName { .. }));
    let long = format!("x < 5 && {}", "true && ".repeat(80)) + "true";
    assert_eq!(refused(with("c", "c", &long, int)), ModelError::ExpressionTooLong("c".to_owned()));
    for unknown in [
        json!({"type_name": "TYPE_NAME_NONSENSE"}),
        json!({"type_name": "TYPE_NAME_LIST"}),
        json!({"type_name": "TYPE_NAME_INT", "generic_types": [{"type_name": "TYPE_NAME_INT"}]}),
    ] {
        assert!(matches!(refused(with("c", "c", "true", json!({"x": unknown}))), ModelError::ParameterType { .. }));
    }
    let parameters: serde_json::Map<String, Value> =
        (0..26).map(|at| (format!("p{at}"), json!({"type_name": "TYPE_NAME_INT"}))).collect();
    assert!(matches!(refused(with("c", "c", "true", Value::Object(parameters))), ModelError::TooManyParameters(_)));
}

#[test]
fn a_long_chain_of_computed_relations_compiles_and_is_followed() {
    let mut relations = serde_json::Map::from_iter([("r0".to_owned(), json!({"this": {}}))]);
    for at in 1..3_000 {
        relations.insert(format!("r{at}"), json!({"computedUserset": {"relation": format!("r{}", at - 1)}}));
    }
    let model = model(document(Value::Object(relations), json!({"r0": [{"type": "user"}]}))).unwrap();
    let (graph, _) = with(&Graph::new(Vec::new()), &["document:1 r0 user:anne"]);
    let context = Context::new();
    let mut evaluator = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert_eq!(evaluator.check(&object("document:1"), "r500"), Ok(true));
    // Deeper than a thread's stack is safe for: an error, and so a denial.
    let mut evaluator = Evaluator::new(&graph, &model, &subject("user:anne"), &context);
    assert_eq!(evaluator.check(&object("document:1"), "r2999"), Err(CheckError::TooComplex));
}

#[test]
fn the_default_model_is_accepted_and_bound() {
    let model = default_model();
    let source: Value = serde_json::from_str(DEFAULT_MODEL_JSON).unwrap();
    assert_eq!(serde_json::to_value(model.source()).unwrap(), source);
    assert_eq!(model.check_binding("document", "can_view", None), Ok(None));
    assert_eq!(model.check_binding("document", "can_view", Some("section")), Ok(Some("document".to_owned())));
    assert_eq!(model.check_binding("document", "can_view", Some("document")), Err(BindingError::SameType));
    assert_eq!(model.check_binding("nothing", "can_view", None), Err(BindingError::UnknownType("nothing".to_owned())));
    assert!(matches!(model.check_binding("document", "nothing", None), Err(BindingError::UnknownRelation { .. })));
    assert!(matches!(
        model.check_binding("document", "viewer", Some("section")),
        Err(BindingError::SectionNotNarrowing { .. })
    ));
    assert!(matches!(
        model.check_binding("document", "viewer", Some("folder")),
        Err(BindingError::SectionNotNarrowing { .. })
    ));
}

#[test]
fn writes_are_strict() {
    let model = default_model();
    let write = |text: &str| model.check_write(&tuple(text));
    assert_eq!(write("document:1 viewer user:anne"), Ok(()));
    assert_eq!(write("document:1 viewer user:*"), Ok(()));
    assert_eq!(write("nothing:1 viewer user:anne"), Err(TupleError::UnknownType("nothing".to_owned())));
    assert!(matches!(write("document:1 nothing user:anne"), Err(TupleError::UnknownRelation { .. })));
    assert!(matches!(write("document:1 can_view user:anne"), Err(TupleError::NotAssignable { .. })));
    assert!(matches!(write("document:1 owner user:*"), Err(TupleError::SubjectNotAllowed { .. })));
    assert!(matches!(write("document:1 parent document:2"), Err(TupleError::SubjectNotAllowed { .. })));
    assert_eq!(write("document:1 viewer stranger:1"), Err(TupleError::UnknownType("stranger".to_owned())));
    assert!(matches!(write("document:1 viewer group:g#nothing"), Err(TupleError::UnknownRelation { .. })));
    assert_eq!(write("group:g member group:g#member"), Err(TupleError::Implicit));
    assert_eq!(model.check_contextual(&tuple("group:g member group:g#member")), Ok(()));
    let conditional = |text: &str, name: &str, context: Value| model.check_write(&conditional(text, name, context));
    let window = json!({"start": "2025-01-01T00:00:00Z", "end": "2025-02-01T00:00:00Z"});
    assert_eq!(conditional("document:1 viewer user:anne", "during", window.clone()), Ok(()));
    assert!(matches!(
        conditional("document:1 viewer user:anne", "nothing", json!({})),
        Err(TupleError::UnknownCondition(_))
    ));
    assert!(matches!(
        conditional("document:1 owner user:anne", "during", window),
        Err(TupleError::ConditionNotAllowed { .. })
    ));
    assert!(matches!(
        conditional("document:1 viewer user:anne", "during", json!({"begin": "x"})),
        Err(TupleError::UnknownParameter { .. })
    ));
    assert!(matches!(
        conditional("document:1 viewer user:anne", "during", json!({"start": "soon"})),
        Err(TupleError::ParameterType { .. })
    ));
}

#[test]
fn a_condition_is_one_of_the_subjects_form() {
    let model = model({
        let admitted = json!({"viewer": [{"type": "user"}, {"type": "user", "wildcard": {}, "condition": "c"}]});
        let mut model = document(json!({"viewer": {"this": {}}}), admitted);
        model["conditions"] = json!({"c": {"name": "c", "expression": "true"}});
        model
    })
    .unwrap();
    assert!(!model.admits(&conditional("document:1 viewer user:anne", "c", json!({}))));
    assert!(model.admits(&conditional("document:1 viewer user:*", "c", json!({}))));
    assert!(model.admits(&tuple("document:1 viewer user:anne")));
    assert!(!model.admits(&tuple("document:1 viewer user:*")));
    assert!(matches!(model.check_write(&tuple("document:1 viewer user:*")), Err(TupleError::ConditionRequired { .. })));
}
