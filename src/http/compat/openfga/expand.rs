//! Expand.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::answers::{Expanded, Node, Tree};
use super::error::FgaError;
use super::request::{Body, Call, Scene, evaluate};
use super::rules;
use super::shapes::{Brought, Consistency, TupleKeys, nullable, object};
use crate::authz::{ObjectRef, expand as expand_relation};
use crate::identity::Scope;
use crate::limits::Effort;
use crate::wire::bounds::{NAME, OBJECT};

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaExpand", extend("required" = ["tuple_key"]))]
pub struct Expand {
    #[serde(deserialize_with = "object")]
    #[schemars(with = "RelationShape")]
    tuple_key: Option<RelationShape>,
    #[serde(deserialize_with = "object")]
    contextual_tuples: Option<TupleKeys>,
    #[schemars(regex(pattern = rules::ID_OR_NEWEST))]
    authorization_model_id: Option<String>,
    #[serde(rename = "consistency")]
    _consistency: Consistency,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OpenFgaRelationAsked", extend("required" = ["object", "relation"]))]
struct RelationShape {
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = OBJECT), length(max = rules::MAX_OBJECT), example = &"group:staff")]
    object: String,
    #[serde(deserialize_with = "nullable")]
    #[schemars(regex(pattern = NAME), length(max = rules::MAX_RELATION), example = &"member")]
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
    let tree = evaluate(&call, move |effort| tree_of(&scene, &key, &brought, effort)).await?;
    call.record("relationships.expand", vec![asked]).await?;
    Ok(Answer::ok(Expanded { tree }).by_model(model.id()))
}

fn tree_of(scene: &Scene, key: &RelationShape, brought: &Brought, effort: &Effort) -> Result<Tree, FgaError> {
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
    Ok(Tree { root: node.map(|node| Node::of(&format!("{object}#{relation}"), &node)) })
}
