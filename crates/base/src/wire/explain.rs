//! `POST /v1/explain`: why a reader may read a document, or why not. For administrators, never for end users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{MAX_OBJECT, MAX_RELATION, NAME, OBJECT, REVISION};
use super::{Fields, TupleKey};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// `user:anne`
    #[schemars(regex(pattern = OBJECT), length(max = MAX_OBJECT), example = &"user:anne")]
    pub subject: String,
    /// Absent: the one that holds the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    #[schemars(example = &"hr/leave.md")]
    pub document_id: String,
    /// What of the authorization model is explained. Absent: what the collection takes for reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = NAME), length(max = MAX_RELATION))]
    pub relation: Option<String>,
    /// For conditions; `current_time` is the service's own, but with `as_of_revision` it may be given.
    #[serde(default)]
    pub context: Fields,
    /// A `revision` of an earlier answer: explain a state that is at least as new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = REVISION))]
    pub min_revision: Option<String>,
    /// A `revision` of an earlier answer: explain by the tuples and the model of that time. Absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = REVISION))]
    pub as_of_revision: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// What the tuples say of the document.
    #[serde(flatten)]
    pub tuples: Proof,
    /// Whether a query of the subject can return the document. With `as_of_revision`: whether the tuples allowed it.
    pub readable: bool,
    pub revision: String,
    /// The authorization model that was asked.
    pub model_id: String,
    /// The instant that conditions were asked about, to the millisecond; with `as_of_revision`, when the tuples had last
    /// changed by then.
    pub decided_at: String,
    /// Why nobody reads the document, whatever the tuples say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hidden>,
    /// Its restricted parts.
    pub sections: Vec<SectionExplained>,
    /// Where in a query the document passes. Absent with `as_of_revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<ExplainStages>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    pub allowed: bool,
    /// If allowed: chains of tuples from the document to the subject that together prove it.
    pub paths: Vec<Vec<TupleKey>>,
    /// If an exclusion denies: the chains that prove the exclusion.
    pub blocked_by: Vec<Vec<TupleKey>>,
    /// If denied: what would be needed and nothing grants, as `object#relation`.
    pub missing: Vec<String>,
    /// `condition: parameter` that the context lacks.
    pub missing_context: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    Parked,
    Expired,
    /// The server that owns the tuples has not taken the rules yet.
    AwaitsRules,
    /// More than one label.
    AmbiguousClassification,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionExplained {
    /// Object of the section in the authorization model.
    pub object: String,
    #[serde(flatten)]
    pub tuples: Proof,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainStages {
    /// The document has chunks and is not hidden.
    pub candidate: bool,
    /// A chunk of it is under the subject's mask.
    pub prefilter: bool,
    /// The gate lets it through.
    pub recheck: bool,
}
