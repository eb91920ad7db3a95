//! The JSON form of an authorization model: the body of OpenFGA's WriteAuthorizationModel.
//!
//! Fields that have no meaning for evaluation (modules, source positions) are kept, so that a model read back is the
//! model written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::MAX_TYPES;
use usher_base::wire::bounds::{MAX_RELATION, MAX_TYPE, NAME};

/// Versions of the language that are taken.
pub(super) const SCHEMA_VERSIONS: [&str; 2] = ["1.1", "1.2"];

/// A model as it is written, stored and read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["schema_version", "type_definitions"]))]
pub struct AuthorizationModel {
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(extend("enum" = SCHEMA_VERSIONS))]
    pub schema_version: String,
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(length(min = 1, max = MAX_TYPES))]
    pub type_definitions: Vec<TypeDefinition>,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<BTreeMap<String, ConditionDefinition>>")]
    pub conditions: BTreeMap<String, ConditionDefinition>,
}

/// A type with its relations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TypeDefinition {
    #[serde(rename = "type")]
    #[schemars(regex(pattern = NAME), length(max = MAX_TYPE))]
    pub name: String,
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<BTreeMap<String, Rewrite>>", extend("propertyNames" = relation_names()))]
    pub relations: BTreeMap<String, Rewrite>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TypeMetadata>,
}

/// How a relation's subjects come about (`Userset` in OpenFGA's API).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Rewrite {
    This(Empty),
    #[serde(alias = "computed_userset")]
    ComputedUserset(ObjectRelation),
    #[serde(alias = "tuple_to_userset")]
    TupleToUserset(TupleToUserset),
    Union(Children),
    Intersection(Children),
    Difference(Difference),
}

/// `{}`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// A relation of the same object; `object` is always empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectRelation {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    #[serde(default)]
    pub relation: String,
}

/// `computed from tupleset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TupleToUserset {
    pub tupleset: ObjectRelation,
    pub computed_userset: ObjectRelation,
}

/// The operands of a union or intersection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Children {
    #[serde(default)]
    pub child: Vec<Rewrite>,
}

/// `base but not subtract`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    pub base: Box<Rewrite>,
    pub subtract: Box<Rewrite>,
}

/// Type restrictions and where the type was written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TypeMetadata {
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<BTreeMap<String, RelationMetadata>>")]
    pub relations: BTreeMap<String, RelationMetadata>,
    /// `module`, `source_info`: kept as they are.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Who may be assigned to a relation directly.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationMetadata {
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<Vec<RelationReference>>")]
    pub directly_related_user_types: Vec<RelationReference>,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// `type`, `type#relation` or `type:*`, each optionally `with condition`. An empty text is an absent one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationReference {
    #[serde(rename = "type")]
    pub subject_type: String,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    #[schemars(with = "Option<String>")]
    pub relation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<Empty>,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    #[schemars(with = "Option<String>")]
    pub condition: String,
}

/// A condition's parameters and CEL expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConditionDefinition {
    pub name: String,
    pub expression: String,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<BTreeMap<String, ParameterDefinition>>")]
    pub parameters: BTreeMap<String, ParameterDefinition>,
    /// `metadata`: kept as it is.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A parameter's type: `TYPE_NAME_STRING`, `TYPE_NAME_LIST` of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterDefinition {
    pub type_name: String,
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<ParameterDefinition>>")]
    pub generic_types: Vec<ParameterDefinition>,
}

fn relation_names() -> Value {
    json!({"pattern": NAME, "maxLength": MAX_RELATION})
}

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
