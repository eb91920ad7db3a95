//! Documents, their access rules and collections, as clients send and receive them.

use std::fmt;

use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};

use super::bounds::*;
use super::*;

/// `POST /v1/documents`: at most 256 documents and 32 MiB. Each document stands or falls alone: one that is refused gets
/// a problem in its result, the others are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutDocuments {
    #[schemars(length(min = 1, max = MAX_DOCUMENTS))]
    pub documents: Vec<Document>,
}

/// One document version with its access rules. Text, vectors and rules become visible together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// `<source>/<path>`, at most 1,024 bytes. The part before the first `/` is the source; a key writes only in its
    /// sources.
    #[schemars(regex(pattern = DOCUMENT_ID), length(max = MAX_DOCUMENT_ID), example = &"hr/leave.md")]
    pub id: String,
    #[schemars(example = &"main")]
    pub collection: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_TITLE))]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_URL))]
    pub url: Option<String>,
    pub content: Content,
    /// Boundaries of the chunks, as byte offsets into `content.text`, ascending; they may overlap and lie on character
    /// boundaries. Absent: the service splits (`text/plain` and `text/markdown`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_CHUNKS))]
    pub chunks: Option<Vec<ChunkSpan>>,
    /// Only fields that the collection declares can be filtered on; all are returned with `include: ["metadata"]`.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    #[schemars(extend("maxProperties" = MAX_METADATA_NAMES))]
    pub metadata: Fields,
    /// Who may read it. Absent: the default rules of the collection; where it has none, the document is refused
    /// (`acl_missing`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    /// Parts with rules of their own, which only narrow those of the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_SECTIONS))]
    pub sections: Vec<Section>,
    /// Position of this state in the source, any increasing number (a modification time, say). Lower than what is
    /// stored: `stale`, not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = i64::MAX))]
    pub source_version: Option<u64>,
    /// From then on the document is readable by nobody, and later removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
    /// BLAKE3 (64 hex digits) of the original bytes, kept for the ingester's own comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
}

/// Canonical text: what is stored, split, hashed and returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// `text/plain`, `text/markdown`, or the media type that the text was extracted from (then `chunks` is needed).
    #[serde(rename = "type")]
    pub media_type: String,
    pub text: String,
}

/// One chunk: `content.text[start..end]`, bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChunkSpan {
    pub start: usize,
    pub end: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_HEADING_LEVELS))]
    pub heading_path: Vec<String>,
    /// Page of the original, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// Access rules of a document or section. `nobody` excludes every other field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acl {
    /// Stored, readable by nobody (quarantine).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nobody: bool,
    /// Objects that the document lies in (`folder:hr/policies`, `collection:hr`): bans are inherited from them always,
    /// grants only with `inherit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// Whether grants are inherited from `parents`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherit: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AclEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editors: Vec<AclEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub viewers: Vec<AclEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<AclEntry>,
    /// A reader must be in one principal of each list (lists are ANDed, their members ORed); at least two lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_of: Vec<Vec<String>>,
    /// Object of type `classification`; absent: `classification:open`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
}

/// A subject of a tuple (`user:ana`, `group:hr#member`, `user:*`), with a condition or without.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AclEntry {
    Plain(String),
    Conditional(ConditionalAclEntry),
}

impl<'de> Deserialize<'de> for AclEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = AclEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a subject, or an object with `principal` and `condition`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AclEntry, E> {
                Ok(AclEntry::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AclEntry, A::Error> {
                let conditional = ConditionalAclEntry::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AclEntry::Conditional(conditional))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A subject whose grant holds only while a condition of the model does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionalAclEntry {
    pub principal: String,
    pub condition: Condition,
}

/// Name of a condition of the authorization model, with the part of its context that is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    #[schemars(regex(pattern = NAME), length(max = MAX_RELATION))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Fields>")]
    pub context: Option<Value>,
}

/// A restricted part of a document, by byte span or by heading (that heading's whole part, up to the next heading of the
/// same or a higher level). A rule that matches no text rejects the document version.
///
/// In `text/markdown` headings are those of CommonMark, underlined ones too; one inside a quotation, a list or a footnote
/// begins and ends nothing. In every other type they are those of the chunks' paths. Chunks outside never depend on what
/// stands in a restricted part; of a path that came with such a chunk, headings are kept that stand in text outside too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Unique within the document; `[A-Za-z0-9._-]{1,64}`.
    #[schemars(regex(pattern = SECTION_ID), length(max = MAX_SECTION_ID))]
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// Only `viewers`, `blocked` and `nobody` apply to a section.
    pub acl: Acl,
}

/// Bytes `start..end` of the canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// Answer to [`PutDocuments`]: one result per document, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentsPut {
    pub results: Vec<DocumentResult>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentResult {
    pub id: String,
    pub status: DocumentStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What was stored but is not what the collection declares: no filter finds such a value of the metadata.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FieldProblem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    Created,
    /// New text, metadata or both; with new rules perhaps.
    Updated,
    /// Only the rules changed: nothing was split or embedded again.
    AclUpdated,
    Unchanged,
    Stale,
    Rejected,
}

/// `GET /v1/documents/state?collection=&source=&limit=&cursor=` (scope `documents.write`): what the service holds of a
/// source, for an ingester that compares. No text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentStates {
    pub documents: Vec<DocumentState>,
    /// Null at the end.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentState {
    pub id: String,
    pub version: u64,
    /// BLAKE3 over everything of the document but its rules, 64 hex digits (see [`Document::content_digest`]).
    pub content_digest: String,
    /// BLAKE3 over the rules as they were last sent (see [`Document::acl_digest`]).
    pub acl_digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<u64>,
}

/// Raised when restricted parts of the same document are found or kept apart in another way.
const OUTLINE: u32 = 1;

impl Document {
    /// Digest of text, chunk boundaries, title, url, metadata and expiry: equal digests need no new version.
    pub fn content_digest(&self) -> String {
        let sections: Vec<_> = self.sections.iter().map(|s| (&s.id, &s.span, &s.heading)).collect();
        // Where parts are restricted, what an older release divided in another way is stored anew.
        let outline = (!self.sections.is_empty()).then_some(OUTLINE);
        let content = (&self.title, &self.url, &self.content, &self.chunks, &self.metadata, &self.expires_at, sections);
        match outline {
            Some(outline) => digest(&(content, outline)),
            None => digest(&content),
        }
    }

    /// Digest of the rules of the document and of its sections.
    pub fn acl_digest(&self) -> String {
        rules_digest(self.acl.as_ref(), self.sections.iter().map(|section| (&section.id, &section.acl)))
    }
}

/// Digest of rules: those of the document, and (id, rules) of its sections.
pub fn rules_digest<'a>(acl: Option<&Acl>, sections: impl Iterator<Item = (&'a String, &'a Acl)>) -> String {
    digest(&(acl, sections.collect::<Vec<_>>()))
}

fn digest(value: &impl Serialize) -> String {
    // INVARIANT: these types hold only strings, numbers and maps with string keys, which always serialise.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    blake3::hash(&bytes).to_hex().to_string()
}

/// `PUT /v1/documents/{id}/acl?collection=` replaces the rules of a document (its text stays).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAcl {
    pub acl: Acl,
}

/// A document as one reader sees it: `GET /v1/documents/{id}?collection=`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentView {
    pub id: String,
    pub collection: String,
    pub version: u64,
    pub title: String,
    pub url: Option<String>,
    pub metadata: Fields,
    /// Readable parts of the text, in order; restricted parts that the reader may not see are left out without a mark.
    pub text: String,
    pub content_hash: String,
    pub revision: String,
}

/// `GET /v1/documents?collection=`: what one reader may read of a collection, a page at a time. No texts, no counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentList {
    pub documents: Vec<DocumentListed>,
    /// For the next page, by the same caller with the same parameters (`limit` may differ), within 15 minutes; null at
    /// the end. Each page is decided anew.
    pub next_cursor: Option<String>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentListed {
    pub id: String,
    pub version: u64,
    pub title: String,
    pub url: Option<String>,
    pub metadata: Fields,
    pub updated_at: String,
}

/// `GET /v1/documents/{id}/acl?collection=` (scope `documents.write`): the rules as they were last sent. Tuples that
/// somebody wrote by hand are not among them; `POST /v1/relationships/read` shows those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AclView {
    pub id: String,
    pub collection: String,
    /// Null: it was sent without rules and has those that were the collection's default then.
    pub acl: Option<Acl>,
    pub sections: Vec<SectionAcl>,
    /// As in `GET /v1/documents/state`.
    pub acl_digest: String,
    /// Hidden from everybody, whatever the rules say.
    pub parked: bool,
    /// Object of the document in the authorization model, for credentials with `relationships.read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    pub revision: String,
}

/// Rules of a restricted part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionAcl {
    pub id: String,
    pub acl: Acl,
}

/// `PUT /v1/collections/{name}`; what is set at creation can't be changed so, except `default_acl`, `fields` and
/// `caller_context`; `embedder` and `analyser` change by re-indexing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutCollection {
    /// Name or id of a configured embedder; absent: the service's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedder: Option<String>,
    /// Analyser of the keyword leg: `auto` (default: words are stemmed in the language of each document), one language for
    /// all (`english`, `german`, …), or `simple` (no stemming).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = analysers()))]
    pub analyser: Option<String>,
    /// OpenFGA store; absent: the service's default store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Default: `document`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = NAME), length(max = MAX_TYPE))]
    pub object_type: Option<String>,
    /// Default: `section` for documents of type `document`. Empty: documents have no restricted parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_TYPE))]
    pub section_type: Option<String>,
    /// Default: `can_view`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = NAME), length(max = MAX_RELATION))]
    pub relation: Option<String>,
    /// Rules for documents that come without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_acl: Option<Acl>,
    /// Metadata fields that filters may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = json!({"pattern": TEXT, "not": {"enum": BUILT_IN_FIELDS}})))]
    pub fields: BTreeMap<String, FieldType>,
    /// Keys of the condition context that a caller may supply in a query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caller_context: Vec<String>,
}

fn analysers() -> Value {
    ANALYSERS.iter().map(|name| Value::from(*name)).chain([Value::Null]).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    Keyword,
    Number,
    Bool,
    /// RFC 3339. Without a time it is midnight, without an offset UTC.
    Time,
    /// A list of keywords; a comparison holds if it holds for one of them.
    Keywords,
}

/// `GET /v1/collections` and `GET /v1/collections/{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CollectionView {
    pub name: String,
    pub embedder: String,
    pub dimensions: usize,
    pub analyser: String,
    pub store: String,
    pub object_type: String,
    pub section_type: Option<String>,
    pub relation: String,
    /// Rules for documents that come without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_acl: Option<Acl>,
    pub fields: BTreeMap<String, FieldType>,
    pub caller_context: Vec<String>,
    /// Present while the collection is being indexed anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reindexing: Option<ReindexingView>,
}

/// `POST /v1/collections/{name}/reindex`: what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReindexCollection {
    /// Name or id of a configured embedder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = analysers()))]
    pub analyser: Option<String>,
}

/// The indexes that are to take the place of those that are searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReindexingView {
    pub embedder: String,
    pub dimensions: usize,
    pub analyser: String,
    /// Chunks that have their new vector, counted with those that are gone.
    pub done: u32,
    pub of: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Collections {
    pub collections: Vec<CollectionView>,
}
