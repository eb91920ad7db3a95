//! API keys: only a keyed hash of the secret is stored.

use super::*;

/// What a key may do; see `identity/key.rs` for the meaning.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct KeySettings {
    pub name: String,
    pub scopes: Vec<String>,
    pub subject: Option<String>,
    pub collections: Option<Vec<String>>,
    pub sources: Option<Vec<String>>,
    pub act_as_types: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct KeyRow {
    pub id: String,
    pub hash: Vec<u8>,
    pub settings: KeySettings,
    pub created_at: String,
    pub expires_at: String,
    pub revoked_at: Option<String>,
}

impl Catalog {
    pub async fn keys(&self) -> Result<Vec<KeyRow>, CatalogError> {
        all(self.readers()).await
    }
}

fn key(row: &Row) -> Result<KeyRow, CatalogError> {
    Ok(KeyRow {
        id: row.try_get("id")?,
        hash: row.try_get("hash")?,
        settings: from_json(row.try_get("settings")?, "key settings")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}

/// Oldest first.
pub async fn all<'a>(on: impl Into<On<'a>>) -> Result<Vec<KeyRow>, CatalogError> {
    let rows = query("SELECT id, hash, settings, created_at, expires_at, revoked_at FROM keys ORDER BY created_at, id");
    rows.fetch_all(on).await?.iter().map(key).collect()
}

/// One key by id, as the transaction sees it.
pub async fn read(tx: &mut CatalogTx, id: &str) -> Result<Option<KeyRow>, CatalogError> {
    let row = query("SELECT id, hash, settings, created_at, expires_at, revoked_at FROM keys WHERE id = $1");
    row.bind(id.to_owned()).fetch_optional(tx).await?.as_ref().map(key).transpose()
}

pub async fn insert(tx: &mut CatalogTx, key: &KeyRow) -> Result<(), CatalogError> {
    query("INSERT INTO keys (id, hash, settings, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(key.id.clone())
        .bind(key.hash.clone())
        .bind(json(&key.settings)?)
        .bind(key.created_at.clone())
        .bind(key.expires_at.clone())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub async fn revoke(tx: &mut CatalogTx, id: &str, now: &str) -> Result<(), CatalogError> {
    query("UPDATE keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id.to_owned())
        .bind(now.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}
