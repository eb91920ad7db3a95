//! A model as OpenFGA's JSON, every field written.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::authz::{
    ConditionDefinition, Model, ObjectRelation, ParameterDefinition, RelationMetadata, RelationReference, Rewrite,
    TypeDefinition, TypeMetadata,
};

/// A model as an answer has it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaModel")]
pub struct ModelAnswer {
    pub id: String,
    pub schema_version: String,
    #[schemars(with = "Vec<Map<String, Value>>")]
    pub type_definitions: Vec<Value>,
    pub conditions: Map<String, Value>,
}

impl ModelAnswer {
    pub fn of(model: &Model) -> Self {
        let source = model.source();
        Self {
            id: model.id().to_owned(),
            schema_version: source.schema_version.clone(),
            type_definitions: source.type_definitions.iter().map(type_definition).collect(),
            conditions: source.conditions.iter().map(|(name, of)| (name.clone(), condition(of))).collect(),
        }
    }
}

fn type_definition(definition: &TypeDefinition) -> Value {
    let relations: Map<String, Value> =
        definition.relations.iter().map(|(name, rule)| (name.clone(), rewrite(rule))).collect();
    json!({
        "type": definition.name,
        "relations": relations,
        "metadata": definition.metadata.as_ref().map(metadata),
    })
}

fn metadata(metadata: &TypeMetadata) -> Value {
    let relations: Map<String, Value> = metadata
        .relations
        .iter()
        .map(|(name, relation)| (name.clone(), with_source(relation_metadata(relation), &relation.other)))
        .collect();
    with_source(json!({"relations": relations}), &metadata.other)
}

fn relation_metadata(relation: &RelationMetadata) -> Value {
    json!({"directly_related_user_types": relation.directly_related_user_types.iter().map(reference).collect::<Vec<_>>()})
}

/// Adds where something was written, which is empty for models of one file.
fn with_source(mut shape: Value, other: &std::collections::BTreeMap<String, Value>) -> Value {
    if let Some(fields) = shape.as_object_mut() {
        fields.insert("module".to_owned(), other.get("module").cloned().unwrap_or_else(|| json!("")));
        fields.insert("source_info".to_owned(), other.get("source_info").cloned().unwrap_or_default());
    }
    shape
}

fn reference(reference: &RelationReference) -> Value {
    let mut shape = json!({"type": reference.subject_type});
    if let Some(fields) = shape.as_object_mut() {
        if reference.wildcard.is_some() {
            fields.insert("wildcard".to_owned(), json!({}));
        } else if !reference.relation.is_empty() {
            fields.insert("relation".to_owned(), json!(reference.relation));
        }
        fields.insert("condition".to_owned(), json!(reference.condition));
    }
    shape
}

fn relation(relation: &ObjectRelation) -> Value {
    json!({"object": relation.object, "relation": relation.relation})
}

fn rewrite(rule: &Rewrite) -> Value {
    let children = |children: &[Rewrite]| json!({"child": children.iter().map(rewrite).collect::<Vec<_>>()});
    match rule {
        Rewrite::This(_) => json!({"this": {}}),
        Rewrite::ComputedUserset(computed) => json!({"computedUserset": relation(computed)}),
        Rewrite::TupleToUserset(rule) => json!({"tupleToUserset": {
            "tupleset": relation(&rule.tupleset),
            "computedUserset": relation(&rule.computed_userset),
        }}),
        Rewrite::Union(operands) => json!({"union": children(&operands.child)}),
        Rewrite::Intersection(operands) => json!({"intersection": children(&operands.child)}),
        Rewrite::Difference(difference) => json!({"difference": {
            "base": rewrite(&difference.base),
            "subtract": rewrite(&difference.subtract),
        }}),
    }
}

fn condition(definition: &ConditionDefinition) -> Value {
    let parameters: Map<String, Value> =
        definition.parameters.iter().map(|(name, declared)| (name.clone(), parameter(declared))).collect();
    json!({
        "name": definition.name,
        "expression": definition.expression,
        "parameters": parameters,
        "metadata": definition.other.get("metadata"),
    })
}

fn parameter(declared: &ParameterDefinition) -> Value {
    json!({
        "type_name": declared.type_name,
        "generic_types": declared.generic_types.iter().map(parameter).collect::<Vec<_>>(),
    })
}
