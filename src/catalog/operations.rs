//! The log of what became of chunks, which the indexes follow.

use super::*;

/// Operations that are applied and still kept, so that cutting the log is rare.
const KEPT_OPERATIONS: i64 = 256;

/// One entry of the operation log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationRow {
    pub sequence: u64,
    /// The revision that it came with.
    pub revision: u64,
    pub kind: OperationKind,
    pub first_chunk: u32,
    pub chunk_count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    Add,
    Remove,
    /// The audience or the metadata of the chunks changed; only an index that keeps them has to know.
    Describe,
    /// The catalog has vectors of the next generation for all of the chunks, and for all before them.
    Cover,
}

impl Catalog {
    /// The newest operation of a collection; 0 when there is none.
    pub async fn last_operation(&self, collection: u32) -> Result<u64, CatalogError> {
        last(self.readers(), collection).await
    }

    /// Up to where the log of a collection was cut off; an index that knows less is filled from the chunks.
    pub async fn operations_cut(&self, tx: &mut CatalogTx, collection: u32) -> Result<u64, CatalogError> {
        let value = meta::read(tx, &cut_name(collection)).await?;
        let Some(value) = value else { return Ok(0) };
        Ok(u64::from_be_bytes(value.try_into().map_err(|_| CatalogError::Malformed { what: "cut of the log" })?))
    }

    /// Operations of a collection after `after`, in order.
    pub async fn operations(
        &self,
        tx: &mut CatalogTx,
        collection: u32,
        after: u64,
        limit: u32,
    ) -> Result<Vec<OperationRow>, CatalogError> {
        let rows = query(
            "SELECT sequence, revision, kind, first_chunk, chunk_count FROM operations
              WHERE collection = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        )
        .bind(i64::from(collection))
        .bind(signed(after)?)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(OperationRow {
                    sequence: unsigned(row.try_get("sequence")?, "sequence")?,
                    revision: unsigned(row.try_get("revision")?, "revision")?,
                    kind: OperationKind::by_name(row.try_get("kind")?)?,
                    first_chunk: unsigned(row.try_get("first_chunk")?, "chunk")?,
                    chunk_count: unsigned(row.try_get("chunk_count")?, "chunk count")?,
                })
            })
            .collect()
    }
}

pub(super) fn cut_name(collection: u32) -> String {
    format!("operations cut/{collection}")
}

/// Forgets operations that the collection's index has durably applied, the newest one excepted, as soon as there are
/// enough of them.
pub async fn cut(tx: &mut CatalogTx, collection: u32, applied: u64) -> Result<(), CatalogError> {
    let row = query(
        "SELECT count(*), max(sequence) FROM operations WHERE collection = $1 AND sequence <= $2
            AND sequence < (SELECT max(sequence) FROM operations WHERE collection = $1)",
    )
    .bind(i64::from(collection))
    .bind(signed(applied)?)
    .fetch_one(&mut *tx)
    .await?;
    let (count, last): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let Some(last) = last.filter(|_| count >= KEPT_OPERATIONS) else { return Ok(()) };
    query("DELETE FROM operations WHERE collection = $1 AND sequence <= $2")
        .bind(i64::from(collection))
        .bind(last)
        .execute(&mut *tx)
        .await?;
    meta::set(tx, &cut_name(collection), &unsigned::<u64>(last, "sequence")?.to_be_bytes()).await
}

/// [`Catalog::last_operation`] as a transaction sees it, or a pool.
pub async fn last<'a>(on: impl Into<On<'a>>, collection: u32) -> Result<u64, CatalogError> {
    let last = query("SELECT max(sequence) FROM operations WHERE collection = $1").bind(i64::from(collection));
    unsigned(last.fetch_value::<Option<i64>>(on).await?.unwrap_or_default(), "sequence")
}

impl OperationKind {
    const ALL: [Self; 4] = [Self::Add, Self::Remove, Self::Describe, Self::Cover];

    fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Describe => "describe",
            Self::Cover => "cover",
        }
    }

    fn by_name(name: &str) -> Result<Self, CatalogError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or(CatalogError::Malformed { what: "operation" })
    }
}

/// Logs for the indexes what became of chunks; its number.
pub async fn log(
    tx: &mut CatalogTx,
    collection: u32,
    kind: OperationKind,
    first: u32,
    count: u32,
    revision: u64,
) -> Result<u64, CatalogError> {
    let sequence: i64 = query(
        "INSERT INTO operations (revision, collection, kind, first_chunk, chunk_count)
         VALUES ($1, $2, $3, $4, $5) RETURNING sequence",
    )
    .bind(signed(revision)?)
    .bind(i64::from(collection))
    .bind(kind.name().to_owned())
    .bind(i64::from(first))
    .bind(i64::from(count))
    .fetch_value(tx)
    .await?;
    unsigned(sequence, "sequence")
}
