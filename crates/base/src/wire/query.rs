//! Questions and answers.

use serde::Deserializer;
use serde::de;

use super::bounds::*;
use super::*;

/// `POST /v1/query`. The reader comes from the credentials, never from here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = questions()))]
pub struct Query {
    /// 1 to 8,192 bytes. May be absent with `vector` and `mode: "vector"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = SOME_TEXT), length(max = MAX_QUERY), example = &"how many days of leave")]
    pub query: Option<String>,
    /// The caller's own embedding, of the dimension of every collection asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_DIMENSIONS), inner(range(min = f32::MIN, max = f32::MAX)))]
    pub vector: Option<Vec<f32>>,
    /// Default: `hybrid`.
    #[serde(default)]
    pub mode: Mode,
    /// 1 to 100; default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TOP_K))]
    pub top_k: Option<usize>,
    /// Absent or empty: every collection that the credential reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_COLLECTIONS))]
    pub collections: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Hits with a lower score (0 to 1) are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub min_score: Option<f64>,
    /// Passages whose relevance (0 to 1) is lower, or can't be told, are left out of the results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub min_relevance: Option<f64>,
    /// Whether the reranker reads the best passages, where one is configured; default true. True where none is configured is a
    /// mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<bool>,
    /// At most so many passages of one document. Each list is searched until it has candidates of as many documents as that
    /// takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_per_document: Option<usize>,
    /// How much a passage's likeness to those before it counts against its relevance, 0 (the default: nothing) to 1: from about
    /// 0.3 on, other passages come in the place of near repetitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub diversity: Option<f64>,
    /// Default: text and metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<Include>>,
    /// Answer from this revision or a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = REVISION))]
    pub min_revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_staleness_ms: Option<u64>,
    /// Context of conditions; only keys that the collection lists as caller-asserted.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub context: Fields,
    /// At most what the service is configured to allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub deadline_ms: Option<u64>,
    /// The most that `assembled` may take, in tokens of about four bytes; default 2,000. Passages that don't fit are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub max_tokens: Option<usize>,
}

/// A question has a text, a vector for mode `vector`, or both where the mode is not `keyword`.
fn questions() -> Value {
    let text = json!({"type": "string"});
    let vector = json!({"type": "array", "items": {"type": "number"}});
    json!([
        {"required": ["query"], "properties": {"query": text, "mode": {"enum": ["hybrid", "vector"]}}},
        {"required": ["query", "mode"],
         "properties": {"query": text, "mode": {"const": "keyword"}, "vector": {"type": "null"}}},
        {"required": ["vector", "mode"], "properties": {"vector": vector, "mode": {"const": "vector"}}},
    ])
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Hybrid,
    Vector,
    Keyword,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    Text,
    Metadata,
    Neighbors,
    UnderHeading,
    Assembled,
    Timings,
}

/// A condition on metadata; at most 64 leaves and 8 levels. A field that the collection does not declare matches nothing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Filter {
    And(FilterAnd),
    Or(FilterOr),
    Not(FilterNot),
    Leaf(FilterLeaf),
}

/// All that a filter's object may hold, so that a mistake is told by its own name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterObject {
    and: Option<Vec<Filter>>,
    or: Option<Vec<Filter>>,
    not: Option<Box<Filter>>,
    field: Option<String>,
    op: Option<FilterOp>,
    value: Option<Value>,
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let FilterObject { and, or, not, field, op, value } = FilterObject::deserialize(deserializer)?;
        match (and, or, not, field, op, value) {
            (Some(and), None, None, None, None, None) => Ok(Self::And(FilterAnd { and })),
            (None, Some(or), None, None, None, None) => Ok(Self::Or(FilterOr { or })),
            (None, None, Some(not), None, None, None) => Ok(Self::Not(FilterNot { not })),
            (None, None, None, Some(field), Some(op), value) => {
                Ok(Self::Leaf(FilterLeaf { field, op, value: value.unwrap_or_default() }))
            }
            _ => Err(de::Error::custom("a filter is `and`, `or`, `not`, or `field` with `op`, and one of these")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterAnd {
    pub and: Vec<Filter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterOr {
    pub or: Vec<Filter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterNot {
    pub not: Box<Filter>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterLeaf {
    /// A declared field, or one of the built-in `document_id`, `source`, `title`, `updated_at`.
    pub field: String,
    pub op: FilterOp,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilterOp {
    Eq,
    Ne,
    In,
    Nin,
    Lt,
    Lte,
    Gt,
    Gte,
    Exists,
    Prefix,
    Contains,
}

/// The answer: only what the reader may read, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    pub request_id: String,
    pub results: Vec<Passage>,
    /// Whether one of the results is relevant enough to answer the question: as `min_relevance` says, or 0.13. Absent where
    /// nobody can tell: the embedder has no calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answerable: Option<bool>,
    /// The best three of what `min_relevance` left out, where it left out everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_misses: Vec<Passage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assembled: Option<Assembled>,
    /// The state that the whole answer was made from. Opaque; give it back as `min_revision`.
    pub revision: String,
    /// The instant that times were compared with.
    pub as_of: String,
    pub staleness_ms: u64,
    /// False: more readable results may exist than were looked at; see `warnings`.
    pub complete: bool,
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// What the question names and nothing answers to.
    #[serde(default, skip_serializing_if = "NotFound::is_empty")]
    pub not_found: NotFound,
    /// Only with scope `diagnostics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings_ms: Option<BTreeMap<String, f64>>,
    /// Signed statement of what was returned, to whom and when; `GET /v1/receipts/keys` has the key that verifies
    /// it.
    pub receipt: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// Fewer results than asked for although the candidates' limit was reached.
    CandidateLimit,
    /// Documents changed faster than the question could be answered; some may be missing. Ask again.
    ChangedMeanwhile,
    /// An index has not followed the newest changes yet: documents that changed just now may be missing.
    IndexBehind,
    /// The embedder did not answer: keyword results only.
    EmbedderUnavailable,
    /// There is nothing that the reader may read, whatever is asked: look at how the subject is spelled, at its groups and
    /// at what they are granted.
    NothingReadable,
    /// There is nothing that the reader may read in a collection of the question, whether it exists or not; see
    /// `not_found`.
    CollectionNotFound,
    /// A field of the filter is declared by no collection that was searched, and matches nothing; see `not_found`.
    FieldNotFound,
    /// `min_relevance` left out passages whose relevance can't be told: their embedder has no calibration.
    RelevanceUnknown,
    /// The reranker did not answer in time: the order is that of the lists.
    RerankerUnavailable,
}

/// Names in a question that nothing answers to. What the reader can't read is not told from what doesn't exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotFound {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    /// Of the filter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl NotFound {
    pub fn is_empty(&self) -> bool {
        self.collections.is_empty() && self.fields.is_empty()
    }
}

/// Verified text with its provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    pub chunk_id: String,
    pub document_id: String,
    pub document_version: u64,
    pub collection: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Rank score, 0 to 1: its places in the lists, in hybrid mode with coverage and cosine (docs/ranking.md).
    pub score: f64,
    pub ranks: Ranks,
    /// The cosine of question and passage, -1 to 1, where the question has a vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
    /// The part of the question's terms that the passage holds, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// How likely it is that the passage answers the question, 0 to 1: a function of these two alone, which can be compared
    /// from answer to answer. Absent where its embedder has no calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance: Option<f64>,
    /// What the reranker says that the relevance is, where it has read the passage: then `relevance` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank_score: Option<f64>,
    pub span: PassageSpan,
    /// Headings that the chunk lies under, none of a restricted part that it lies outside of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heading_path: Vec<String>,
    /// Of the document; only with the first of its passages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Fields>,
    /// `b3:` and 64 hex digits, over the chunk's text.
    pub content_hash: String,
    /// Readable chunks just before and after, in order; parts that the reader may not see are passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbors: Option<Vec<Neighbor>>,
    /// The readable text under the same headings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_heading: Option<UnderHeading>,
}

/// Places (from 1) in the lists that this hit came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ranks {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyword: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassageSpan {
    /// Page of the original; absent where a part of the document is hidden from the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Bytes of the text that the reader gets from `GET /v1/documents/{id}`.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbor {
    pub chunk_id: String,
    pub text: String,
}

/// The passage with the readable chunks around it that stand under the same headings, without repetitions; parts that the
/// reader may not see are passed over. At most 16 chunks before it and after it, and 16 KiB unless the passage alone has
/// more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnderHeading {
    pub text: String,
    /// The chunks that it is made of, in order.
    pub chunk_ids: Vec<String>,
    /// Nothing readable under these headings, one after the other, was left out for its length.
    pub is_whole: bool,
}

/// Text for a model's context window, every passage fenced as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assembled {
    pub text: String,
    pub citations: Vec<Citation>,
    pub tokens: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    pub mark: String,
    pub chunk_id: String,
}

/// `GET /v1/receipts/keys`: the public keys that receipts are verified with, a JWK set (RFC 7517, RFC 8037). All processes
/// on one catalog sign with the same key, and it stays as long as the catalog does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptKeys {
    pub keys: Vec<ReceiptKey>,
}

/// An Ed25519 public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptKey {
    /// `OKP`
    pub kty: String,
    /// `Ed25519`
    pub crv: String,
    /// `EdDSA`
    pub alg: String,
    /// `sig`
    #[serde(rename = "use")]
    pub usage: String,
    /// Differs where the key does.
    pub kid: String,
    /// The key's 32 bytes, base64url without padding.
    pub x: String,
}

impl ReceiptKey {
    /// From the key's name and its bytes in base64url.
    pub fn of(kid: String, x: String) -> Self {
        let [kty, crv, alg, usage] = ["OKP", "Ed25519", "EdDSA", "sig"].map(str::to_owned);
        Self { kty, crv, alg, usage, kid, x }
    }
}

/// `POST /v1/recheck`: before showing an answer or a stored citation. At most 200 items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recheck {
    #[schemars(length(max = MAX_RECHECK))]
    pub items: Vec<RecheckItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = REVISION))]
    pub min_revision: Option<String>,
    /// As in the query that gave the items.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub context: Fields,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecheckItem {
    pub chunk_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rechecked {
    pub items: Vec<RecheckedItem>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecheckedItem {
    pub chunk_id: String,
    pub status: RecheckStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecheckStatus {
    Ok,
    Changed,
    /// Missing, deleted or denied: the same.
    NotReadable,
}
