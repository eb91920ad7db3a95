//! Documents and their chunks.

use super::operations::{self, OperationKind};
use super::*;
use crate::wire::{Acl, Fields, TupleKey};

/// A document's current version, without text.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    pub ordinal: u32,
    pub id: String,
    pub source: String,
    pub version: u64,
    pub title: String,
    pub url: Option<String>,
    pub media_type: String,
    pub metadata: Fields,
    pub content_digest: String,
    pub acl_digest: String,
    pub source_hash: Option<String>,
    pub source_version: Option<u64>,
    pub first_chunk: u32,
    pub chunk_count: u32,
    pub sections: Vec<SectionRow>,
    pub rules: Rules,
    pub source_tuples: Vec<TupleKey>,
    pub parked: bool,
    /// Hidden until the server that owns the tuples has taken the rules.
    pub awaits_rules: bool,
    /// Whether another collection of the store held a document of this id when this one came.
    pub apart: bool,
    pub expires_at: Option<String>,
    pub updated_at: String,
}

/// Access rules as they were sent.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rules {
    pub acl: Option<Acl>,
    /// (id, rules) of each section.
    pub sections: Vec<(String, Acl)>,
}

/// A restricted part: chunks `first .. first + count` of the document (numbers within it).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SectionRow {
    pub id: String,
    pub first: u32,
    pub count: u32,
    pub start: usize,
    pub end: usize,
    /// The chunks outside, their names and their headings were made without a look at it. Older rows don't say so.
    #[serde(default)]
    pub is_apart: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChunkRow {
    pub number: u32,
    pub start: usize,
    pub end: usize,
    pub heading_path: Vec<String>,
    pub page: Option<u32>,
    pub content_hash: [u8; 32],
    pub key: [u8; 16],
    /// Those that the catalog keeps, by generation.
    pub vectors: Vec<(u32, Vec<f32>)>,
}

/// A statement over whole documents. Columns are named, so that one that a newer release has added disturbs no statement
/// that an older one has prepared.
macro_rules! documents_where {
    ($where:literal) => {
        concat!(
            "SELECT ordinal, id, source, version, title, url, media_type, metadata, content_digest, acl_digest,
                    source_hash, source_version, first_chunk, chunk_count, sections, rules, source_tuples, parked,
                    awaits_rules, apart, expires_at, updated_at FROM documents ",
            $where
        )
    };
}

macro_rules! documents {
    ($where:literal) => {
        query(documents_where!($where))
    };
}

/// The lists in the order of ids: of a collection, of one of its sources. A test reads the engines' plans for them.
pub const WALKS: [&str; 2] = [
    documents_where!("WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3"),
    documents_where!("WHERE collection = $1 AND id > $2 AND source = $4 ORDER BY id LIMIT $3"),
];

/// What a start reads all documents with, page after page; it must not look at what lies before a page.
pub const PAGES: &str = documents_where!("WHERE collection = $1 AND ordinal >= $2 ORDER BY ordinal LIMIT $3");

fn document(row: &Row) -> Result<DocumentRow, CatalogError> {
    Ok(DocumentRow {
        ordinal: unsigned(row.try_get("ordinal")?, "document ordinal")?,
        id: row.try_get("id")?,
        source: row.try_get("source")?,
        version: unsigned(row.try_get("version")?, "version")?,
        title: row.try_get("title")?,
        url: row.try_get("url")?,
        media_type: row.try_get("media_type")?,
        metadata: from_json(row.try_get("metadata")?, "metadata")?,
        content_digest: row.try_get("content_digest")?,
        acl_digest: row.try_get("acl_digest")?,
        source_hash: row.try_get("source_hash")?,
        source_version: row
            .try_get::<Option<i64>>("source_version")?
            .map(|version| unsigned(version, "source version"))
            .transpose()?,
        first_chunk: unsigned(row.try_get("first_chunk")?, "chunk")?,
        chunk_count: unsigned(row.try_get("chunk_count")?, "chunk count")?,
        sections: from_json(row.try_get("sections")?, "sections")?,
        rules: from_json(row.try_get("rules")?, "rules")?,
        source_tuples: from_json(row.try_get("source_tuples")?, "source tuples")?,
        parked: row.try_get::<i64>("parked")? != 0,
        awaits_rules: row.try_get::<i64>("awaits_rules")? != 0,
        apart: row.try_get::<i64>("apart")? != 0,
        expires_at: row.try_get("expires_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

impl Catalog {
    /// Documents with ordinals from `from` on, in order.
    pub async fn documents(&self, collection: u32, from: u32, limit: u32) -> Result<Vec<DocumentRow>, CatalogError> {
        page(self.readers(), collection, from, limit).await
    }

    /// One document by id.
    pub async fn document_by_id(&self, collection: u32, id: &str) -> Result<Option<DocumentRow>, CatalogError> {
        let row = documents!("WHERE collection = $1 AND id = $2")
            .bind(i64::from(collection))
            .bind(id.to_owned())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(document).transpose()
    }

    /// Documents after `after` in the order of ids; of one source, or of all.
    pub async fn documents_by_id(
        &self,
        collection: u32,
        source: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<DocumentRow>, CatalogError> {
        let [of_collection, of_source] = WALKS;
        let walk = query(if source.is_some() { of_source } else { of_collection });
        let mut walk = walk.bind(i64::from(collection)).bind(after.to_owned()).bind(i64::from(limit));
        if let Some(source) = source {
            walk = walk.bind(source.to_owned());
        }
        walk.fetch_all(self.readers()).await?.iter().map(document).collect()
    }

    /// How many documents of a source there are.
    pub async fn count_of_source(&self, collection: u32, source: &str) -> Result<u64, CatalogError> {
        let count = query("SELECT count(*) FROM documents WHERE collection = $1 AND source = $2");
        let count = count.bind(i64::from(collection)).bind(source.to_owned());
        unsigned(count.fetch_value(self.readers()).await?, "count")
    }

    /// Where the chunk with this public key is: (collection, ordinal, content hash).
    pub async fn chunk_by_key(&self, key: &[u8; 16]) -> Result<Option<(u32, u32, [u8; 32])>, CatalogError> {
        let row = query("SELECT collection, ordinal, content_hash FROM chunks WHERE chunk_key = $1")
            .bind(key.to_vec())
            .fetch_optional(self.readers())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let hash: Vec<u8> = row.try_get("content_hash")?;
        Ok(Some((
            unsigned(row.try_get("collection")?, "collection")?,
            unsigned(row.try_get("ordinal")?, "chunk")?,
            hash.try_into().map_err(|_| CatalogError::Malformed { what: "content hash" })?,
        )))
    }

    /// The first ordinals that were never given: of a document, of a chunk.
    pub async fn next_ordinals(&self, collection: u32) -> Result<(u32, u32), CatalogError> {
        ordinals_of(self.meta(&ordinals_name(collection)).await?)
    }
}

pub(super) fn ordinals_name(collection: u32) -> String {
    format!("ordinals/{collection}")
}

fn ordinals_of(stored: Option<Vec<u8>>) -> Result<(u32, u32), CatalogError> {
    let Some(value) = stored else { return Ok((0, 0)) };
    let value: [u8; 8] = value.try_into().map_err(|_| CatalogError::Malformed { what: "ordinals" })?;
    let both = u64::from_be_bytes(value);
    Ok((unsigned((both >> 32) as i64, "ordinal")?, (both & u64::from(u32::MAX)) as u32))
}

/// [`Catalog::next_ordinals`] as the transaction sees it.
pub async fn next_ordinals(tx: &mut CatalogTx, collection: u32) -> Result<(u32, u32), CatalogError> {
    ordinals_of(meta::read(tx, &ordinals_name(collection)).await?)
}

/// [`Catalog::documents`] as a transaction sees them, or a pool.
pub async fn page<'a>(
    on: impl Into<On<'a>>,
    collection: u32,
    from: u32,
    limit: u32,
) -> Result<Vec<DocumentRow>, CatalogError> {
    let rows =
        query(PAGES).bind(i64::from(collection)).bind(i64::from(from)).bind(i64::from(limit)).fetch_all(on).await?;
    rows.iter().map(document).collect()
}

/// One document by ordinal, as the transaction sees it.
pub async fn read(tx: &mut CatalogTx, collection: u32, ordinal: u32) -> Result<Option<DocumentRow>, CatalogError> {
    let row = documents!("WHERE collection = $1 AND ordinal = $2")
        .bind(i64::from(collection))
        .bind(i64::from(ordinal))
        .fetch_optional(&mut *tx)
        .await?;
    row.as_ref().map(document).transpose()
}

/// Remembers the first ordinals that were never given.
pub async fn set_next_ordinals(
    tx: &mut CatalogTx,
    collection: u32,
    document: u32,
    chunk: u32,
) -> Result<(), CatalogError> {
    let both = (u64::from(document) << 32) | u64::from(chunk);
    meta::set(tx, &ordinals_name(collection), &both.to_be_bytes()).await
}

/// What is kept of an id for as long as its collection is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its documents have an object of their own.
    pub is_apart: bool,
    /// Position in the log of tuples before which it was nobody's; absent where an older release stored it first.
    pub since: Option<u64>,
}

impl Catalog {
    /// The first revision at which the collection can have held the id, whose object has this type and id; absent where
    /// that isn't known.
    ///
    /// # Errors
    /// When the catalog can't be read.
    pub async fn held_from(
        &self,
        collection: u32,
        id: &str,
        (object_type, object_id): (&str, &str),
    ) -> Result<Option<u64>, CatalogError> {
        let mut tx = self.read().await?;
        let Some(since) = held(&mut tx, collection, id).await?.and_then(|held| held.since) else { return Ok(None) };
        let last = query(
            "SELECT revision, object_type, object_id FROM tuple_changes WHERE change <= $1 ORDER BY change DESC LIMIT 1",
        );
        let Some(row) = last.bind(signed(since)?).fetch_optional(&mut tx).await? else { return Ok(Some(0)) };
        let revision = unsigned(row.try_get("revision")?, "revision")?;
        let (of, at): (String, String) = (row.try_get("object_type")?, row.try_get("object_id")?);
        // Its own first rules; else the last change was somebody else's, and it was held after that.
        let is_own = of == object_type && at == object_id;
        Ok(Some(if is_own { revision } else { revision + 1 }))
    }
}

/// What is kept of the id; absent where the collection never held it.
pub async fn held(tx: &mut CatalogTx, collection: u32, id: &str) -> Result<Option<Held>, CatalogError> {
    let found = query("SELECT apart, since_change FROM document_versions WHERE collection = $1 AND id = $2")
        .bind(i64::from(collection))
        .bind(id.to_owned())
        .fetch_optional(tx)
        .await?;
    let Some(row) = found else { return Ok(None) };
    let since: Option<i64> = row.try_get("since_change")?;
    let since = since.map(|since| unsigned(since, "since_change")).transpose()?;
    Ok(Some(Held { is_apart: row.try_get::<i64>("apart")? != 0, since }))
}

/// The version that follows every version that this id ever had; `apart` as in [`Held`], kept from the first one on.
pub async fn next_version(tx: &mut CatalogTx, collection: u32, id: &str, apart: bool) -> Result<u64, CatalogError> {
    let version: i64 = query(
        "INSERT INTO document_versions (collection, id, version, apart, since_change)
         VALUES ($1, $2, 1, $3, (SELECT coalesce(max(change), 0) FROM tuple_changes))
         ON CONFLICT (collection, id) DO UPDATE SET version = document_versions.version + 1 RETURNING version",
    )
    .bind(i64::from(collection))
    .bind(id.to_owned())
    .bind(i64::from(apart))
    .fetch_value(tx)
    .await?;
    unsigned(version, "version")
}

/// Stores a document's current state, replacing an older one with the same ordinal.
pub async fn put(tx: &mut CatalogTx, collection: u32, document: &DocumentRow) -> Result<(), CatalogError> {
    query(
        "INSERT INTO documents (collection, ordinal, id, source, version, title, url, media_type, metadata,
                content_digest, acl_digest, source_hash, source_version, first_chunk, chunk_count, sections,
                source_tuples, parked, expires_at, updated_at, rules, awaits_rules, apart)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
         ON CONFLICT (collection, ordinal) DO UPDATE SET
                id = excluded.id, source = excluded.source, version = excluded.version, title = excluded.title,
                url = excluded.url, media_type = excluded.media_type, metadata = excluded.metadata,
                content_digest = excluded.content_digest, acl_digest = excluded.acl_digest,
                source_hash = excluded.source_hash, source_version = excluded.source_version,
                first_chunk = excluded.first_chunk, chunk_count = excluded.chunk_count,
                sections = excluded.sections, source_tuples = excluded.source_tuples, parked = excluded.parked,
                expires_at = excluded.expires_at, updated_at = excluded.updated_at, rules = excluded.rules,
                awaits_rules = excluded.awaits_rules, apart = excluded.apart",
    )
    .bind(i64::from(collection))
    .bind(i64::from(document.ordinal))
    .bind(document.id.clone())
    .bind(document.source.clone())
    .bind(signed(document.version)?)
    .bind(document.title.clone())
    .bind(document.url.clone())
    .bind(document.media_type.clone())
    .bind(json(&document.metadata)?)
    .bind(document.content_digest.clone())
    .bind(document.acl_digest.clone())
    .bind(document.source_hash.clone())
    .bind(document.source_version.map(signed).transpose()?)
    .bind(i64::from(document.first_chunk))
    .bind(i64::from(document.chunk_count))
    .bind(json(&document.sections)?)
    .bind(json(&document.source_tuples)?)
    .bind(i64::from(document.parked))
    .bind(document.expires_at.clone())
    .bind(document.updated_at.clone())
    .bind(json(&document.rules)?)
    .bind(i64::from(document.awaits_rules))
    .bind(i64::from(document.apart))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Forgets what the rules of a document were, so that the same rules sent again are taken as new.
pub async fn forget_rules(tx: &mut CatalogTx, collection: u32, id: &str) -> Result<(), CatalogError> {
    query("UPDATE documents SET acl_digest = '' WHERE collection = $1 AND id = $2")
        .bind(i64::from(collection))
        .bind(id.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Whether two rows of `chunk_texts` are parts of one chunk.
pub(crate) fn same_chunk(a: &Row, b: &Row) -> bool {
    matches!((a.try_get::<i64>("ordinal"), b.try_get::<i64>("ordinal")), (Ok(a), Ok(b)) if a == b)
}

/// The text of a chunk from its rows of `chunk_texts`, in order. A border of parts may lie inside a character.
pub(crate) fn chunk_text(parts: &[Row]) -> Result<String, CatalogError> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.try_get("text")?);
    }
    String::from_utf8(bytes).map_err(|_| CatalogError::Malformed { what: "text" })
}

/// Bytes of text per row, as the schema says. A passage is read without the rest of its document.
pub(super) const TEXT_PART: usize = 32_768;

const DELETE_TEXT: &str = "DELETE FROM text_parts WHERE collection = $1 AND document = $2";

/// Stores text and chunks of a new version and logs them for the indexes.
pub async fn put_text(
    tx: &mut CatalogTx,
    collection: u32,
    document: &DocumentRow,
    text: &str,
    chunks: &[ChunkRow],
    revision: u64,
) -> Result<u64, CatalogError> {
    query(DELETE_TEXT).bind(i64::from(collection)).bind(i64::from(document.ordinal)).execute(&mut *tx).await?;
    for (part, bytes) in (0_i64..).zip(text.as_bytes().chunks(TEXT_PART)) {
        query("INSERT INTO text_parts (collection, document, version, part, text) VALUES ($1, $2, $3, $4, $5)")
            .bind(i64::from(collection))
            .bind(i64::from(document.ordinal))
            .bind(signed(document.version)?)
            .bind(part)
            .bind(bytes.to_vec())
            .execute(&mut *tx)
            .await?;
    }
    for chunk in chunks {
        query(
            "INSERT INTO chunks (collection, ordinal, document, version, number, start_byte, end_byte, heading_path,
                                 page, content_hash, chunk_key, vector, vector_odd)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(i64::from(collection))
        .bind(i64::from(document.first_chunk) + i64::from(chunk.number))
        .bind(i64::from(document.ordinal))
        .bind(signed(document.version)?)
        .bind(i64::from(chunk.number))
        .bind(signed(chunk.start as u64)?)
        .bind(signed(chunk.end as u64)?)
        .bind(json(&chunk.heading_path)?)
        .bind(chunk.page.map(i64::from))
        .bind(chunk.content_hash.to_vec())
        .bind(chunk.key.to_vec())
        .bind(vectors::in_column(&chunk.vectors, 0))
        .bind(vectors::in_column(&chunk.vectors, 1))
        .execute(&mut *tx)
        .await?;
    }
    operations::log(tx, collection, OperationKind::Add, document.first_chunk, document.chunk_count, revision).await
}

/// Removes the chunks of a superseded or deleted version and logs it for the indexes.
pub async fn remove_chunks(
    tx: &mut CatalogTx,
    collection: u32,
    first: u32,
    count: u32,
    revision: u64,
) -> Result<u64, CatalogError> {
    query("DELETE FROM chunks WHERE collection = $1 AND ordinal >= $2 AND ordinal < $3")
        .bind(i64::from(collection))
        .bind(i64::from(first))
        .bind(i64::from(first) + i64::from(count))
        .execute(&mut *tx)
        .await?;
    operations::log(tx, collection, OperationKind::Remove, first, count, revision).await
}

/// Removes a document and its text; its chunks are removed by [`remove_chunks`].
pub async fn delete(tx: &mut CatalogTx, collection: u32, ordinal: u32) -> Result<(), CatalogError> {
    for statement in [DELETE_TEXT, "DELETE FROM documents WHERE collection = $1 AND ordinal = $2"] {
        query(statement).bind(i64::from(collection)).bind(i64::from(ordinal)).execute(&mut *tx).await?;
    }
    Ok(())
}
