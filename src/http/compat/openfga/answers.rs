//! What this surface answers, in OpenFGA's JSON: every field written, empty ones too.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::model_shape::ModelAnswer;
use crate::authz::{ExpandNode, SubjectRef};
use crate::catalog::stores::StoreRow;
use crate::wire::{Fields, TupleKey};

/// `{}`
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaNothing")]
pub struct Nothing {}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaHealth")]
pub struct Healthz {
    pub status: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaStoreCreated")]
pub struct StoreCreated {
    pub id: String,
    pub name: String,
    pub created_at: String,
    pub updated_at: String,
}

impl From<&StoreRow> for StoreCreated {
    fn from(row: &StoreRow) -> Self {
        let StoreRow { id, name, created_at, updated_at, .. } = row.clone();
        Self { id, name, created_at, updated_at }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaStore")]
pub struct Store {
    #[serde(flatten)]
    pub created: StoreCreated,
    /// Always null: a store that is deleted is gone.
    pub deleted_at: Option<String>,
}

impl From<&StoreRow> for Store {
    fn from(row: &StoreRow) -> Self {
        Self { created: row.into(), deleted_at: None }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaStores")]
pub struct Stores {
    pub stores: Vec<Store>,
    /// For the next page; empty at the end.
    pub continuation_token: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaModelWritten")]
pub struct ModelWritten {
    pub authorization_model_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaModelRead")]
pub struct ModelRead {
    pub authorization_model: ModelAnswer,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaModels")]
pub struct Models {
    /// Newest first.
    pub authorization_models: Vec<ModelAnswer>,
    pub continuation_token: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaAssertions")]
pub struct Assertions {
    pub authorization_model_id: String,
    #[schemars(with = "Vec<Assertion>")]
    pub assertions: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaAssertion")]
pub struct Assertion {
    pub tuple_key: Asked,
    pub expectation: bool,
    pub contextual_tuples: Vec<Tuple>,
    pub context: Option<Fields>,
}

/// A tuple as a question.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaAsked")]
pub struct Asked {
    pub object: String,
    pub relation: String,
    pub user: String,
}

/// A stored tuple.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaTuple")]
pub struct Tuple {
    pub user: String,
    pub relation: String,
    pub object: String,
    pub condition: Option<TupleCondition>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaTupleCondition")]
pub struct TupleCondition {
    pub name: String,
    #[schemars(with = "Fields")]
    pub context: Value,
}

impl From<&TupleKey> for Tuple {
    fn from(key: &TupleKey) -> Self {
        let TupleKey { user, relation, object, condition } = key.clone();
        let condition = condition.map(|condition| {
            let context = condition.context.unwrap_or_else(|| Value::Object(Default::default()));
            TupleCondition { name: condition.name, context }
        });
        Self { user, relation, object, condition }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaTuples")]
pub struct Tuples {
    pub tuples: Vec<Stored>,
    pub continuation_token: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaStoredTuple")]
pub struct Stored {
    pub key: Tuple,
    pub timestamp: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaChanges")]
pub struct Changes {
    pub changes: Vec<Change>,
    /// For the changes after these; at the end the one that was sent.
    pub continuation_token: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaChange")]
pub struct Change {
    pub tuple_key: Tuple,
    pub operation: Operation,
    pub timestamp: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaOperation")]
pub enum Operation {
    #[serde(rename = "TUPLE_OPERATION_WRITE")]
    Write,
    #[serde(rename = "TUPLE_OPERATION_DELETE")]
    Delete,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaDecision")]
pub struct Decision {
    pub allowed: bool,
    /// Always empty.
    pub resolution: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaDecisions")]
pub struct Decisions {
    /// By correlation id.
    pub result: BTreeMap<String, OneDecision>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OpenFgaOneDecision")]
pub enum OneDecision {
    Allowed(bool),
    Error(DecisionError),
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaDecisionError")]
pub struct DecisionError {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_error: Option<&'static str>,
    pub message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaExpanded")]
pub struct Expanded {
    pub tree: Tree,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaTree")]
pub struct Tree {
    pub root: Option<Node>,
}

/// One step of a relation's definition, by the name of what it decides.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaNode")]
pub struct Node {
    pub name: String,
    #[serde(flatten)]
    pub of: NodeKind,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "OpenFgaNodeKind")]
pub enum NodeKind {
    Leaf(Leaf),
    Union(Nodes),
    Intersection(Nodes),
    Difference(Box<Difference>),
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaNodes")]
pub struct Nodes {
    pub nodes: Vec<Node>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaDifference")]
pub struct Difference {
    pub base: Node,
    pub subtract: Node,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OpenFgaLeaf")]
pub enum Leaf {
    Users(NodeUsers),
    Computed(Computed),
    TupleToUserset(NodeTupleToUserset),
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaNodeUsers")]
pub struct NodeUsers {
    pub users: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaComputed")]
pub struct Computed {
    pub userset: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaTupleToUserset")]
pub struct NodeTupleToUserset {
    pub tupleset: String,
    pub computed: Vec<Computed>,
}

impl Node {
    /// Every node of a tree has the name of the whole.
    pub fn of(name: &str, node: &ExpandNode) -> Self {
        let of = |node: &ExpandNode| Self::of(name, node);
        let all = |nodes: &[ExpandNode]| Nodes { nodes: nodes.iter().map(of).collect() };
        let computed = |userset: &String| Computed { userset: userset.clone() };
        let kind = match node {
            ExpandNode::Users(subjects) => {
                NodeKind::Leaf(Leaf::Users(NodeUsers { users: subjects.iter().map(ToString::to_string).collect() }))
            }
            ExpandNode::Computed(userset) => NodeKind::Leaf(Leaf::Computed(computed(userset))),
            ExpandNode::TupleToUserset { tupleset, computed: sets } => {
                let sets = sets.iter().map(computed).collect();
                NodeKind::Leaf(Leaf::TupleToUserset(NodeTupleToUserset { tupleset: tupleset.clone(), computed: sets }))
            }
            ExpandNode::Union(nodes) => NodeKind::Union(all(nodes)),
            ExpandNode::Intersection(nodes) => NodeKind::Intersection(all(nodes)),
            ExpandNode::Difference { base, subtract } => {
                NodeKind::Difference(Box::new(Difference { base: of(base), subtract: of(subtract) }))
            }
        };
        Self { name: name.to_owned(), of: kind }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaObjects")]
pub struct Objects {
    pub objects: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaUsers")]
pub struct Users {
    pub users: Vec<User>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "OpenFgaUser")]
pub enum User {
    Object(Object),
    Userset(Userset),
    Wildcard(Wildcard),
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaObject")]
pub struct Object {
    #[serde(rename = "type")]
    pub object_type: String,
    pub id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaUserset")]
pub struct Userset {
    #[serde(rename = "type")]
    pub object_type: String,
    pub id: String,
    pub relation: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaWildcard")]
pub struct Wildcard {
    #[serde(rename = "type")]
    pub subject_type: String,
}

impl From<&SubjectRef> for User {
    fn from(subject: &SubjectRef) -> Self {
        match subject.clone() {
            SubjectRef::Object(object) => Self::Object(Object { object_type: object.object_type, id: object.id }),
            SubjectRef::Userset(object, relation) => {
                Self::Userset(Userset { object_type: object.object_type, id: object.id, relation })
            }
            SubjectRef::Wildcard(subject_type) => Self::Wildcard(Wildcard { subject_type }),
        }
    }
}

/// An error, under OpenFGA's own names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaError")]
pub struct Error {
    pub code: &'static str,
    pub message: String,
}

/// An error as a line of a stream: 3 for a fault of the request, 13 for one of the service.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaStreamError")]
pub struct StreamError {
    pub error: StreamStatus,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenFgaStreamStatus")]
pub struct StreamStatus {
    pub code: u8,
    pub message: String,
    #[schemars(with = "Vec<Nothing>", length(max = 0))]
    pub details: [Nothing; 0],
}
