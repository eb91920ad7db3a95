//! Relationship tuples and keys on the native API.

use super::bounds::*;
use super::*;

/// A relationship tuple as OpenFGA writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TupleKey {
    #[schemars(regex(pattern = SUBJECT), length(max = MAX_SUBJECT), example = &"user:anne")]
    pub user: String,
    #[schemars(regex(pattern = NAME), length(max = MAX_RELATION), example = &"member")]
    pub relation: String,
    #[schemars(regex(pattern = OBJECT), length(max = MAX_OBJECT), example = &"group:staff")]
    pub object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

/// `POST /v1/relationships/write`: at most 1,000 tuples, one transaction, deletes first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = some_tuples()))]
pub struct WriteRelationships {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_TUPLES))]
    pub writes: Vec<TupleKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_TUPLES))]
    pub deletes: Vec<TupleKey>,
    /// Skip writes that exist already with the same condition, and deletes of tuples that don't exist.
    #[serde(default)]
    pub idempotent: bool,
    /// Refuse (412) if the store changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = REVISION))]
    pub expected_revision: Option<String>,
    /// Validate and report, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// There is something to write or to delete.
pub(super) fn some_tuples() -> Value {
    let some = json!({"type": "array", "items": {"$ref": "#/components/schemas/TupleKey"}, "minItems": 1});
    json!([
        {"required": ["writes"], "properties": {"writes": some}},
        {"required": ["deletes"], "properties": {"deletes": some}},
    ])
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationshipsWritten {
    pub written: usize,
    pub deleted: usize,
    pub revision: String,
}

/// `POST /v1/relationships/read`: stored tuples as they are, filtered by what is given (an object of the form `type:` for
/// a whole type).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRelationships {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = OBJECT_OR_TYPE))]
    pub object: Option<String>,
    /// 1 to 1,000; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_PAGE))]
    pub limit: Option<usize>,
    /// `next_cursor` of the page before: for the same caller and the same filter, within 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = CURSOR))]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationshipsRead {
    pub tuples: Vec<TupleKey>,
    /// Null at the end.
    pub next_cursor: Option<String>,
    pub revision: String,
}

/// `GET /v1/relationships/changes`: what was written and deleted, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationshipChanges {
    pub changes: Vec<RelationshipChange>,
    /// For the changes after these, now or when there are some; it doesn't expire. Null before the first change.
    pub next_cursor: Option<String>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationshipChange {
    /// Of a deleted tuple without its condition.
    pub tuple: TupleKey,
    pub operation: RelationshipOperation,
    pub at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelationshipOperation {
    Write,
    Delete,
}

/// `POST /v1/keys` (scope `admin`): makes an API key. The secret is shown once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = scopes_within_ceilings()))]
pub struct CreateKey {
    #[schemars(regex(pattern = SOME_TEXT), length(min = 1, max = MAX_KEY_NAME))]
    pub name: String,
    #[schemars(extend("items" = one_of(&SCOPES)))]
    pub scopes: Vec<String>,
    /// Whom the key is: `service:dify-hr`, `user:anne`. Needed for reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = READER), length(max = MAX_OBJECT))]
    pub subject: Option<String>,
    /// Collections that the key reaches; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collections: Option<Vec<String>>,
    /// Sources that the key may write; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<String>>,
    /// Types of subjects that the key may act as, with scope `act_as`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = one_of(&READER_TYPES)))]
    pub act_as_types: Vec<String>,
    /// RFC 3339, in the future; default: 90 days from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
}

/// What reaches everything is not given to a key that is held to some collections or sources.
fn scopes_within_ceilings() -> Value {
    let all = json!({"type": "null"});
    let but = |scopes: &[&str]| json!({"items": {"not": {"enum": scopes}}});
    json!([
        {"properties": {"collections": all, "sources": all}},
        {"properties": {"collections": all, "scopes": but(&["admin", "relationships.write"])}},
        {"properties": {"scopes": but(&["admin", "relationships.write", "relationships.read"])}},
    ])
}

fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    pub id: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub subject: Option<String>,
    pub collections: Option<Vec<String>>,
    pub sources: Option<Vec<String>>,
    pub act_as_types: Vec<String>,
    pub created_at: String,
    pub expires_at: String,
    pub revoked_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyCreated {
    /// `ush_<id>_<secret>`; not stored, not shown again.
    pub key: String,
    #[serde(flatten)]
    pub view: KeyView,
    /// What the key names and there is not, such as a collection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    pub keys: Vec<KeyView>,
}

/// `POST /v1/models` (scope `admin`): writes an authorization model, or only shows what it would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutModel {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// As OpenFGA's WriteAuthorizationModel takes it.
    #[schemars(with = "Fields")]
    pub model: Value,
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelChanged {
    /// Absent after a dry run.
    pub authorization_model_id: Option<String>,
    pub tuples: usize,
    /// Stored tuples that don't count under the new model.
    pub dead_tuples: usize,
    /// Some of them.
    pub examples: Vec<TupleKey>,
}

/// `GET /v1/whoami` (any credential): what a credential is and may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    pub credential: CredentialKind,
    /// The key's id, or the token's issuer.
    pub id: String,
    /// Whom the credential itself stands for; of several, all must be allowed.
    pub subjects: Vec<String>,
    /// Whom it acts for in this request; null: for nobody else.
    pub acts_for: Option<Vec<String>>,
    /// Whom questions run for: each of them must be allowed to read what is found. Empty: it can't read.
    pub reads_as: Vec<String>,
    /// What it may do, `admin` spelled out.
    pub scopes: Vec<String>,
    /// Collections that it reaches; null: all.
    pub collections: Option<Vec<String>>,
    /// Sources that it may write; null: all.
    pub sources: Option<Vec<String>>,
    /// Types of subjects that it may name in `Usher-Subject`.
    pub act_as_types: Vec<String>,
    /// RFC 3339.
    pub expires_at: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    Key,
    Token,
}
