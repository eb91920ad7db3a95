//! What administrators ask before a change, of the past, and about what is left over. Never for end users.

use super::bounds::*;
use super::*;

/// `POST /v1/relationships/impact`: the body of a write, of which nothing is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = some_tuples()))]
pub struct AskImpact {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_TUPLES))]
    pub writes: Vec<TupleKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_TUPLES))]
    pub deletes: Vec<TupleKey>,
    /// As for a write.
    #[serde(default)]
    pub idempotent: bool,
    /// Readers to list, 1 to 1,000; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_PAGE))]
    pub limit: Option<usize>,
    /// Documents to name per reader and list, 0 to 100; default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = MAX_EXAMPLES))]
    pub examples: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImpactTold {
    /// The state that the change was tried on.
    pub revision: String,
    pub authorization_model_id: String,
    pub written: usize,
    pub deleted: usize,
    /// Documents that, or parts of which, somebody reads in one state and not in the other.
    pub documents: usize,
    /// Readers that gain or lose something, each `type:*` as one.
    pub readers_changed: usize,
    /// Each `type:*` first, then by name.
    pub readers: Vec<ReaderImpact>,
    pub truncated: ImpactTruncated,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImpactTruncated {
    /// Not every reader that changes is listed.
    pub readers: bool,
    /// The change concerns more than was looked at; all counts are too low then.
    pub examination: bool,
}

/// What one reader gains and loses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReaderImpact {
    /// `user:anne`; `user:*` for every user but those that are listed and those in `except`.
    pub reader: String,
    pub gains: ImpactOnDocuments,
    pub loses: ImpactOnDocuments,
    /// Of `type:*`: readers of the type for whom nothing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<ImpactExceptions>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImpactOnDocuments {
    pub documents: usize,
    /// Restricted parts.
    pub sections: usize,
    /// Some of the documents, and of those that the parts belong to.
    pub examples: Vec<DocumentName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentName {
    pub collection: String,
    pub document_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImpactExceptions {
    pub count: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

/// `POST /v1/explain/readers`: who may read a document, now or at a past revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskReaders {
    #[schemars(example = &"main")]
    pub collection: String,
    #[schemars(example = &"hr/leave.md")]
    pub document_id: String,
    /// A `revision` of an earlier answer; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = REVISION))]
    pub as_of_revision: Option<String>,
    /// For conditions; `current_time` only with `as_of_revision`.
    #[serde(default)]
    pub context: Fields,
    /// Readers to list, 1 to 1,000; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_PAGE))]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Readers {
    pub revision: String,
    pub authorization_model_id: String,
    /// The instant that conditions were asked about, to the millisecond.
    pub decided_at: String,
    /// By name, `user:*` for every user but those in `except`.
    pub readers: Vec<String>,
    /// Readers of a listed `type:*` that may not read all the same.
    pub except: Vec<String>,
    /// Why nobody reads the document, whatever is listed. Of the past only what tuples say is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hidden>,
    /// Not all of `readers`, or of `except`, is listed.
    pub truncated: bool,
}

/// What a report on relationships lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// The condition's time is over: the tuple will never count again.
    Expired,
    /// The object is a document or section that no collection holds. It may be on its way.
    Waiting,
    /// The subject is a userset of something whose own tuples lead to nobody.
    Empty,
    /// The newest model has no place for the tuple, so it doesn't count.
    NotAdmitted,
    /// The object is no document, and no document's rules lead to it.
    Unused,
    /// A grant by hand on a document or section that was deleted: it does not count. Whoever writes it again confirms it;
    /// whoever deletes it lets it go.
    Held,
}

/// `GET /v1/relationships/report`: tuples that do nothing, one kind per call, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub kind: ReportKind,
    /// May be empty on a page that is not the last.
    pub tuples: Vec<ReportedTuple>,
    /// Null at the end.
    pub next_cursor: Option<String>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedTuple {
    pub tuple: TupleKey,
    pub written_at: String,
}

/// `GET /v1/collections/{name}/documents`: a page of what is stored, whoever may read it; no text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredDocuments {
    /// In the order of ids.
    pub documents: Vec<StoredDocument>,
    /// Null at the end.
    pub next_cursor: Option<String>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredDocument {
    pub id: String,
    pub title: String,
    /// The part of the id before the first `/`.
    pub source: String,
    pub version: u64,
    pub state: StoredState,
    /// Passages that it is divided into.
    pub chunks: u32,
    /// As its source sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<u64>,
    pub updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Whether a stored document is shown to those whom its rules let read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoredState {
    Served,
    /// Hidden from everybody by a flag.
    Parked,
    /// Hidden until the server that owns the tuples has taken its rules.
    AwaitsRules,
    /// Its time is over.
    Expired,
}

/// `DELETE /v1/collections/{name}/documents`: what became of a source's documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceRemoved {
    /// Documents that this request removed.
    pub removed: u64,
    /// Documents of the source that are still there; ask again to go on.
    pub left: u64,
    pub revision: String,
}

/// `GET /v1/relationships/users` and `GET /v1/relationships/objects`: a page of names that tuples use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationshipNames {
    /// In the order of bytes.
    pub names: Vec<String>,
    /// Null at the end.
    pub next_cursor: Option<String>,
    pub revision: String,
}
