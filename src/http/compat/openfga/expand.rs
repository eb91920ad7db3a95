//! Expand.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::error::FgaError;
use super::request::{Body, Call, Scene, evaluate};
use super::rules;
use super::shapes::{Brought, Consistency, TupleKeys, nullable, object};
use crate::authz::{ExpandNode, ObjectRef, expand as expand_relation};
use crate::identity::Scope;
use crate::limits::Effort;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Expand {
    #[serde(deserialize_with = "object")]
    tuple_key: Option<RelationShape>,
    #[serde(deserialize_with = "object")]
    contextual_tuples: Option<TupleKeys>,
    authorization_model_id: Option<String>,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RelationShape {
    #[serde(deserialize_with = "nullable")]
    object: String,
    #[serde(deserialize_with = "nullable")]
    relation: String,
}

pub async fn expand(call: Call, Body(body): Body<Expand>) -> Result<Answer, FgaError> {
    call.require(Scope::RelationshipsRead)?;
    rules::model_id(body.authorization_model_id.as_deref())?;
    let key = body.tuple_key.ok_or_else(FgaError::no_tuple_key)?;
    if !key.relation.is_empty() {
        rules::relation("relation", &key.relation)?;
    }
    if !key.object.is_empty() {
        rules::object(&key.object)?;
    }
    let brought = Brought::of(body.contextual_tuples, None)?;
    let scene = call.scene(body.authorization_model_id.as_deref()).await?;
    let model = scene.model.clone();
    let asked = format!("{}#{}", key.object, key.relation);
    let root = evaluate(&call, move |effort| tree(&scene, &key, &brought, effort)).await?;
    call.record("relationships.expand", vec![asked]).await?;
    Ok(Answer::ok(json!({"tree": {"root": root}})).by_model(model.id()))
}

fn tree(scene: &Scene, key: &RelationShape, brought: &Brought, effort: &Effort) -> Result<Value, FgaError> {
    let RelationShape { relation, object } = key;
    if object.is_empty() || relation.is_empty() {
        return Err(FgaError::bad("invalid_expand_input", "object and relation are needed"));
    }
    let tuples = brought.admitted(&scene.model).map_err(|error| FgaError::refused_in_listing(&error))?;
    let object = ObjectRef::parse(object).map_err(|error| FgaError::malformed("object", error))?;
    if !scene.model.has_type(&object.object_type) || !scene.model.has_relation(&object.object_type, relation) {
        return Err(FgaError::validation(format!("relation `{}#{relation}` is not defined", object.object_type)));
    }
    let node = expand_relation(&scene.store.graph, &scene.model, &object, relation, &tuples, effort)?;
    Ok(node.map(|node| show(&format!("{object}#{relation}"), &node)).unwrap_or_default())
}

fn show(name: &str, node: &ExpandNode) -> Value {
    let shown = |nodes: &[ExpandNode]| json!({"nodes": nodes.iter().map(|node| show(name, node)).collect::<Vec<_>>()});
    match node {
        ExpandNode::Users(subjects) => {
            let users: Vec<String> = subjects.iter().map(ToString::to_string).collect();
            json!({"name": name, "leaf": {"users": {"users": users}}})
        }
        ExpandNode::Computed(userset) => json!({"name": name, "leaf": {"computed": {"userset": userset}}}),
        ExpandNode::TupleToUserset { tupleset, computed } => {
            let computed: Vec<Value> = computed.iter().map(|userset| json!({"userset": userset})).collect();
            json!({"name": name, "leaf": {"tupleToUserset": {"tupleset": tupleset, "computed": computed}}})
        }
        ExpandNode::Union(nodes) => json!({"name": name, "union": shown(nodes)}),
        ExpandNode::Intersection(nodes) => json!({"name": name, "intersection": shown(nodes)}),
        ExpandNode::Difference { base, subtract } => {
            json!({"name": name, "difference": {"base": show(name, base), "subtract": show(name, subtract)}})
        }
    }
}
