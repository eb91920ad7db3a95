//! Text on its way into an index or an embedder. [`IndexText`] can't be serialised, printed or turned into a response:
//! it only yields tokens and vectors.

use super::documents::{chunk_text, same_chunk};
use super::*;
use crate::invisible::cleaned;

/// Title and text of one chunk for an index.
pub struct IndexText {
    pub chunk: u32,
    title: String,
    text: String,
}

impl IndexText {
    /// Runs `use_text` on what an index sees of the chunk: the title, a line break, the text.
    pub fn with<T>(&self, use_text: impl FnOnce(&str) -> T) -> T {
        use_text(&index_text(&self.title, &self.text))
    }
}

/// What both legs see of a chunk: what a person sees of it.
pub fn index_text(title: &str, text: &str) -> String {
    format!("{}\n{}", cleaned(title), cleaned(text))
}

impl Catalog {
    /// Live chunks among `first .. first + count`; those of superseded versions are absent.
    pub async fn index_texts(
        &self,
        tx: &mut CatalogTx,
        collection: u32,
        first: u32,
        count: u32,
    ) -> Result<Vec<IndexText>, CatalogError> {
        let rows = query(
            "SELECT c.ordinal, c.text, d.title FROM chunk_texts c
               JOIN documents d ON d.collection = c.collection AND d.ordinal = c.document
              WHERE c.collection = $1 AND c.ordinal >= $2 AND c.ordinal < $3 ORDER BY c.ordinal, c.part",
        )
        .bind(i64::from(collection))
        .bind(i64::from(first))
        .bind(i64::from(first) + i64::from(count))
        .fetch_all(&mut *tx)
        .await?;
        rows.chunk_by(same_chunk)
            .map(|parts| {
                let row = parts.first().ok_or(CatalogError::Malformed { what: "chunk" })?;
                Ok(IndexText {
                    chunk: unsigned(row.try_get("ordinal")?, "chunk")?,
                    title: row.try_get("title")?,
                    text: chunk_text(parts)?,
                })
            })
            .collect()
    }
}
