//! Changes of documents' rules on their way to the server that owns the tuples.

use super::*;
use crate::wire::TupleKey;

/// One document's change of rules; removed only after the server has taken it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    pub sequence: u64,
    /// The revision that the change came with.
    pub revision: u64,
    pub store: String,
    pub collection: u32,
    pub document: String,
    pub deletes: Vec<TupleKey>,
    pub writes: Vec<TupleKey>,
}

impl Catalog {
    /// The oldest rows.
    pub async fn outbox(&self, limit: u32) -> Result<Vec<OutboxRow>, CatalogError> {
        let rows = query(
            "SELECT sequence, revision, store, collection, document, deletes, writes FROM outbox
              ORDER BY sequence LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxRow {
                    sequence: unsigned(row.try_get("sequence")?, "sequence")?,
                    revision: unsigned(row.try_get("revision")?, "revision")?,
                    store: row.try_get("store")?,
                    collection: unsigned(row.try_get("collection")?, "collection")?,
                    document: row.try_get("document")?,
                    deletes: from_json(row.try_get("deletes")?, "tuples")?,
                    writes: from_json(row.try_get("writes")?, "tuples")?,
                })
            })
            .collect()
    }

    /// The revision of the oldest row; absent when nothing waits.
    pub async fn outbox_begin(&self) -> Result<Option<u64>, CatalogError> {
        let first: Option<i64> = query("SELECT min(revision) FROM outbox").fetch_value(self.readers()).await?;
        first.map(|revision| unsigned(revision, "revision")).transpose()
    }
}

pub async fn insert(tx: &mut CatalogTx, row: &OutboxRow) -> Result<(), CatalogError> {
    query(
        "INSERT INTO outbox (revision, store, collection, document, deletes, writes) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(signed(row.revision)?)
    .bind(row.store.clone())
    .bind(i64::from(row.collection))
    .bind(row.document.clone())
    .bind(json(&row.deletes)?)
    .bind(json(&row.writes)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub async fn remove(tx: &mut CatalogTx, sequence: u64) -> Result<(), CatalogError> {
    query("DELETE FROM outbox WHERE sequence = $1").bind(signed(sequence)?).execute(&mut *tx).await?;
    Ok(())
}

/// Whether changes of the document's rules still wait.
pub async fn has(tx: &mut CatalogTx, collection: u32, document: &str) -> Result<bool, CatalogError> {
    let count: i64 = query("SELECT count(*) FROM outbox WHERE collection = $1 AND document = $2")
        .bind(i64::from(collection))
        .bind(document.to_owned())
        .fetch_value(tx)
        .await?;
    Ok(count > 0)
}
