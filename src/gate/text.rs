//! The catalog's text on its way to a caller. Every function here takes a proof that only the gate can make.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{VerifiedChunk, VerifiedDocument};
use crate::catalog::documents::{chunk_text, same_chunk};
use crate::catalog::sql::{Row, query};
use crate::catalog::{Catalog, CatalogError, from_json, json, signed, unsigned};
use crate::wire::Fields;

/// What the catalog holds about one verified chunk.
#[derive(Clone)]
pub struct PassageText {
    pub collection: u32,
    pub chunk: u32,
    pub text: String,
    /// Shared by all passages of the document.
    pub document: Arc<PassageDocument>,
    pub heading_path: Vec<String>,
    pub page: Option<u32>,
    pub start: usize,
    pub end: usize,
    pub content_hash: [u8; 32],
}

impl PassageText {
    /// Makes what stands beside the text a function of what the reader may read: places count over that alone.
    fn without_hidden(&mut self, chunk: &VerifiedChunk) {
        let hidden = chunk.hidden_spans();
        if hidden.is_empty() {
            return;
        }
        let before: usize = hidden.iter().filter(|span| span.end <= self.start).map(Range::len).sum();
        if !crate::mutants::active("offsets_of_the_whole_text") {
            self.start = self.start.saturating_sub(before);
            self.end = self.end.saturating_sub(before);
        }
        // A page begins where it does because of all that comes before.
        if !crate::mutants::active("pages_of_the_whole_text") {
            self.page = None;
        }
        if !chunk.is_apart() {
            self.heading_path.clear();
        }
    }
}

/// What passages of one document have in common.
pub struct PassageDocument {
    pub title: String,
    pub url: Option<String>,
    pub metadata: Fields,
}

impl std::fmt::Debug for PassageText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PassageText {{ chunk: {}, {} bytes }}", self.chunk, self.text.len())
    }
}

impl Catalog {
    /// Text of verified chunks, two queries per collection, in no particular order. A chunk whose version was replaced in
    /// the meantime is missing from the answer. The stored hash is compared with the text. What a document's chunks have
    /// in common is read once.
    ///
    /// # Errors
    /// When the database fails, or a text doesn't match its hash.
    pub async fn passages(&self, chunks: &[VerifiedChunk]) -> Result<Vec<PassageText>, CatalogError> {
        let mut by_collection: std::collections::BTreeMap<u32, Vec<u32>> = Default::default();
        for chunk in chunks {
            by_collection.entry(chunk.collection()).or_default().push(chunk.ordinal());
        }
        let by_place: HashMap<(u32, u32), &VerifiedChunk> =
            chunks.iter().map(|chunk| ((chunk.collection(), chunk.ordinal()), chunk)).collect();
        let mut found = Vec::with_capacity(chunks.len());
        for (collection, ordinals) in by_collection {
            let rows = query(
                "SELECT c.ordinal, c.document, c.version, c.start_byte, c.end_byte, c.heading_path, c.page, c.content_hash,
                        c.text
                   FROM chunk_texts c
                  WHERE c.collection = $1 AND c.ordinal IN (SELECT value FROM json_each($2))
                  ORDER BY c.ordinal, c.part",
            )
            .bind(i64::from(collection))
            .bind(json(&ordinals)?)
            .fetch_all(self.readers())
            .await?;
            let documents = self.passage_documents(collection, &rows).await?;
            for parts in rows.chunk_by(same_chunk) {
                let Some(mut passage) = passage(collection, parts, &documents)? else { continue };
                if let Some(chunk) = by_place.get(&(collection, passage.chunk)) {
                    passage.without_hidden(chunk);
                }
                found.push(passage);
            }
        }
        #[cfg(usher_mutants)]
        outdated::add(chunks, &mut found);
        Ok(found)
    }

    /// The documents of chunks, by ordinal and version: one of another version is none of theirs.
    async fn passage_documents(&self, collection: u32, chunks: &[Row]) -> Result<PassageDocuments, CatalogError> {
        let mut ordinals: Vec<i64> = chunks.iter().map(|row| row.try_get("document")).collect::<Result<_, _>>()?;
        ordinals.sort_unstable();
        ordinals.dedup();
        let rows = query(
            "SELECT ordinal, version, title, url, metadata FROM documents
              WHERE collection = $1 AND ordinal IN (SELECT value FROM json_each($2))",
        )
        .bind(i64::from(collection))
        .bind(json(&ordinals)?)
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let document = PassageDocument {
                    title: row.try_get("title")?,
                    url: row.try_get("url")?,
                    metadata: from_json(row.try_get("metadata")?, "metadata")?,
                };
                Ok(((row.try_get("ordinal")?, row.try_get("version")?), Arc::new(document)))
            })
            .collect()
    }

    /// Titles and metadata of verified documents of one collection, in the order of their ordinals. One that was replaced
    /// or removed meanwhile is missing.
    pub async fn document_heads(&self, documents: &[VerifiedDocument]) -> Result<Vec<DocumentHead>, CatalogError> {
        let Some(first) = documents.first() else { return Ok(Vec::new()) };
        let ordinals: Vec<u32> = documents.iter().map(VerifiedDocument::ordinal).collect();
        let rows = query(
            "SELECT ordinal, version, title, url, metadata, updated_at FROM documents
              WHERE collection = $1 AND ordinal IN (SELECT value FROM json_each($2)) ORDER BY ordinal",
        )
        .bind(i64::from(first.collection()))
        .bind(json(&ordinals)?)
        .fetch_all(self.readers())
        .await?;
        let head = |row: &Row| {
            Ok(DocumentHead {
                ordinal: unsigned(row.try_get("ordinal")?, "document ordinal")?,
                version: unsigned(row.try_get("version")?, "version")?,
                title: row.try_get("title")?,
                url: row.try_get("url")?,
                metadata: from_json(row.try_get("metadata")?, "metadata")?,
                updated_at: row.try_get("updated_at")?,
            })
        };
        let mut heads: Vec<DocumentHead> = rows.iter().map(head).collect::<Result<_, CatalogError>>()?;
        let versions: HashMap<u32, u64> = documents.iter().map(|it| (it.ordinal(), it.version())).collect();
        heads.retain(|head| versions.get(&head.ordinal) == Some(&head.version));
        Ok(heads)
    }

    /// The readable parts of a verified document's text, in order; `None` when its version was replaced meanwhile.
    pub async fn document_text(&self, document: &VerifiedDocument) -> Result<Option<DocumentText>, CatalogError> {
        let rows = query(
            "SELECT t.text, d.title, d.url, d.metadata FROM documents d
               LEFT JOIN text_parts t ON t.collection = d.collection AND t.document = d.ordinal AND t.version = d.version
              WHERE d.collection = $1 AND d.ordinal = $2 AND d.version = $3 ORDER BY t.part",
        )
        .bind(i64::from(document.collection()))
        .bind(i64::from(document.ordinal()))
        .bind(signed(document.version())?)
        .fetch_all(self.readers())
        .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut bytes = Vec::new();
        for part in &rows {
            // A document without text has no part.
            bytes.extend_from_slice(part.try_get::<Option<&[u8]>>("text")?.unwrap_or_default());
        }
        let mut text = String::new();
        let mut at = 0;
        for hidden in document.hidden_spans() {
            text.push_str(utf8(bytes.get(at..hidden.start).unwrap_or_default())?);
            at = at.max(hidden.end);
        }
        text.push_str(utf8(bytes.get(at..).unwrap_or_default())?);
        Ok(Some(DocumentText {
            text,
            title: row.try_get("title")?,
            url: row.try_get("url")?,
            metadata: from_json(row.try_get("metadata")?, "metadata")?,
        }))
    }
}

/// What a list shows of a document.
pub struct DocumentHead {
    pub ordinal: u32,
    pub version: u64,
    pub title: String,
    pub url: Option<String>,
    pub metadata: Fields,
    pub updated_at: String,
}

/// A document as one reader may see it.
pub struct DocumentText {
    pub text: String,
    pub title: String,
    pub url: Option<String>,
    pub metadata: Fields,
}

/// A deliberate bug of the test build: a cache of passages that no replacement empties.
#[cfg(usher_mutants)]
mod outdated {
    use std::collections::BTreeMap;

    use parking_lot::Mutex;

    use super::{PassageText, VerifiedChunk};

    static CACHE: Mutex<BTreeMap<(u32, u32), PassageText>> = Mutex::new(BTreeMap::new());

    pub(super) fn add(asked: &[VerifiedChunk], found: &mut Vec<PassageText>) {
        if !crate::mutants::active("passages_outlive_their_version") {
            return;
        }
        let mut cache = CACHE.lock();
        cache.extend(found.iter().map(|text| ((text.collection, text.chunk), text.clone())));
        for chunk in asked {
            let place = (chunk.collection(), chunk.ordinal());
            if !found.iter().any(|text| (text.collection, text.chunk) == place) {
                found.extend(cache.get(&place).cloned());
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, CatalogError> {
    std::str::from_utf8(bytes).map_err(|_| CatalogError::Malformed { what: "text" })
}

/// By ordinal and version.
type PassageDocuments = HashMap<(i64, i64), Arc<PassageDocument>>;

/// Nothing, if the chunk is of a version that was replaced.
fn passage(collection: u32, parts: &[Row], documents: &PassageDocuments) -> Result<Option<PassageText>, CatalogError> {
    let row = parts.first().ok_or(CatalogError::Malformed { what: "chunk" })?;
    let Some(document) = documents.get(&(row.try_get("document")?, row.try_get("version")?)) else { return Ok(None) };
    let text = chunk_text(parts)?;
    let content_hash: [u8; 32] = row
        .try_get::<&[u8]>("content_hash")?
        .try_into()
        .map_err(|_| CatalogError::Malformed { what: "content hash" })?;
    if *blake3::hash(text.as_bytes()).as_bytes() != content_hash {
        return Err(CatalogError::Malformed { what: "text (it doesn't match its hash)" });
    }
    Ok(Some(PassageText {
        collection,
        chunk: unsigned(row.try_get("ordinal")?, "chunk")?,
        text,
        document: document.clone(),
        heading_path: from_json(row.try_get("heading_path")?, "heading path")?,
        page: row.try_get::<Option<i64>>("page")?.map(|page| unsigned(page, "page")).transpose()?,
        start: unsigned(row.try_get("start_byte")?, "offset")?,
        end: unsigned(row.try_get("end_byte")?, "offset")?,
        content_hash,
    }))
}
