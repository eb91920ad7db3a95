//! Short forms for the tests of this core.

use serde_json::Value;

use super::*;

pub fn object(text: &str) -> ObjectRef {
    ObjectRef::parse(text).unwrap()
}

pub fn subject(text: &str) -> SubjectRef {
    SubjectRef::parse(text).unwrap()
}

/// `object relation subject`.
pub fn tuple(text: &str) -> Tuple {
    let parts: Vec<&str> = text.split(' ').collect();
    let [of, relation, to] = parts.as_slice() else { panic!("three parts: {text}") };
    Tuple { object: object(of), relation: (*relation).to_owned(), subject: subject(to), condition: None }
}

pub fn conditional(text: &str, name: &str, context: Value) -> Tuple {
    Tuple { condition: Some(TupleCondition::new(name, Some(&context)).unwrap()), ..tuple(text) }
}

/// The graph with more tuples, one edit.
pub fn with(graph: &Graph, tuples: &[&str]) -> (Graph, GraphChange) {
    let mut edit = graph.edit();
    for text in tuples {
        edit.write(&super::testing::tuple(text)).unwrap();
    }
    edit.finish()
}

/// The graph with fewer tuples, one edit.
pub fn without(graph: &Graph, tuples: &[&str]) -> (Graph, GraphChange) {
    let mut edit = graph.edit();
    for text in tuples {
        let Tuple { object, relation, subject, .. } = tuple(text);
        edit.delete(&object, &relation, &subject).unwrap();
    }
    edit.finish()
}

pub fn default_model() -> Model {
    Model::compile("default", serde_json::from_str(DEFAULT_MODEL_JSON).unwrap()).unwrap()
}

pub fn model(json: Value) -> Result<Model, ModelError> {
    Model::compile("test", serde_json::from_value(json).unwrap())
}

/// Documents, and sections whose parents they are.
pub fn bound() -> Vec<BoundType> {
    vec![
        BoundType { object_type: "document".to_owned(), parent_tupleset: None, parent_type: None, single_valued: None },
        BoundType {
            object_type: "section".to_owned(),
            parent_tupleset: Some("document".to_owned()),
            parent_type: Some("document".to_owned()),
            single_valued: None,
        },
    ]
}

pub fn binding() -> Binding {
    Binding {
        object_type: "document".to_owned(),
        relation: "can_view".to_owned(),
        section_type: Some("section".to_owned()),
    }
}

pub fn audience(graph: &Graph, text: &str) -> AudienceOrdinal {
    graph.audience(graph.node(&object(text)).unwrap())
}

/// The context of an instant, RFC 3339.
pub fn at(instant: &str) -> Context {
    Context::at(instant.parse().unwrap())
}
