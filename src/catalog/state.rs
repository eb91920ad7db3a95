//! The tables as one transaction sees them: for the first snapshot of a process, and for those that follow.

use sqlx::Row;

use super::collections::CollectionRow;
use super::documents::{DocumentRow, ordinals_name};
use super::keys::KeyRow;
use super::stores::{ModelRow, StoreRow};
use super::*;

fn key(row: &sqlx::sqlite::SqliteRow) -> Result<KeyRow, CatalogError> {
    Ok(KeyRow {
        id: row.try_get("id")?,
        hash: row.try_get("hash")?,
        settings: from_json(row.try_get("settings")?, "key settings")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}

pub async fn keys(tx: &mut CatalogTx) -> Result<Vec<KeyRow>, CatalogError> {
    let rows = sqlx::query("SELECT * FROM keys ORDER BY created_at, id").fetch_all(&mut **tx).await?;
    rows.iter().map(key).collect()
}

pub async fn key_by_id(tx: &mut CatalogTx, id: &str) -> Result<Option<KeyRow>, CatalogError> {
    let row = sqlx::query("SELECT * FROM keys WHERE id = $1").bind(id.to_owned()).fetch_optional(&mut **tx).await?;
    row.as_ref().map(key).transpose()
}

pub async fn stores(tx: &mut CatalogTx) -> Result<Vec<StoreRow>, CatalogError> {
    Ok(sqlx::query_as("SELECT id, name, created_at, updated_at FROM stores ORDER BY id").fetch_all(&mut **tx).await?)
}

pub async fn store(tx: &mut CatalogTx, id: &str) -> Result<Option<StoreRow>, CatalogError> {
    Ok(sqlx::query_as("SELECT id, name, created_at, updated_at FROM stores WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(&mut **tx)
        .await?)
}

/// Oldest first.
pub async fn models(tx: &mut CatalogTx, store: &str) -> Result<Vec<ModelRow>, CatalogError> {
    Ok(sqlx::query_as("SELECT id, body FROM models WHERE store = $1 ORDER BY revision, id")
        .bind(store.to_owned())
        .fetch_all(&mut **tx)
        .await?)
}

pub async fn collections(tx: &mut CatalogTx) -> Result<Vec<CollectionRow>, CatalogError> {
    let rows = sqlx::query("SELECT id, name, settings FROM collections ORDER BY id").fetch_all(&mut **tx).await?;
    rows.iter()
        .map(|row| {
            Ok(CollectionRow {
                id: unsigned(row.try_get("id")?, "collection")?,
                name: row.try_get("name")?,
                settings: from_json(row.try_get("settings")?, "collection settings")?,
            })
        })
        .collect()
}

/// Documents with ordinals from `from` on, in order.
pub async fn documents(
    tx: &mut CatalogTx,
    collection: u32,
    from: u32,
    limit: u32,
) -> Result<Vec<DocumentRow>, CatalogError> {
    let rows = sqlx::query("SELECT * FROM documents WHERE collection = $1 AND ordinal >= $2 ORDER BY ordinal LIMIT $3")
        .bind(i64::from(collection))
        .bind(i64::from(from))
        .bind(i64::from(limit))
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(super::documents::document).collect()
}

/// The first ordinals that were never given: of a document, of a chunk.
pub async fn next_ordinals(tx: &mut CatalogTx, collection: u32) -> Result<(u32, u32), CatalogError> {
    super::documents::ordinals_of(meta::read(tx, &ordinals_name(collection)).await?)
}

/// The newest operation of a collection; 0 when there is none.
pub async fn last_operation(tx: &mut CatalogTx, collection: u32) -> Result<u64, CatalogError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(sequence) FROM operations WHERE collection = $1")
        .bind(i64::from(collection))
        .fetch_one(&mut **tx)
        .await?;
    unsigned(last.unwrap_or_default(), "sequence")
}
