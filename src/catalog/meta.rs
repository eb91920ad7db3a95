//! Named values: revision, secrets of the instance, the default store.

use super::*;

impl Catalog {
    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, CatalogError> {
        named(name).fetch_optional_value(self.readers()).await
    }

    /// The newest committed revision; 0 in a new catalog.
    pub async fn revision(&self) -> Result<u64, CatalogError> {
        number(self.meta("revision").await?)
    }
}

fn named(name: &str) -> Query {
    query("SELECT value FROM meta WHERE name = $1").bind(name.to_owned())
}

/// A named value as the transaction sees it.
pub async fn read(tx: &mut CatalogTx, name: &str) -> Result<Option<Vec<u8>>, CatalogError> {
    named(name).fetch_optional_value(tx).await
}

/// The newest revision that the transaction sees.
pub async fn revision(tx: &mut CatalogTx) -> Result<u64, CatalogError> {
    number(read(tx, "revision").await?)
}

pub(super) fn number(stored: Option<Vec<u8>>) -> Result<u64, CatalogError> {
    let Some(bytes) = stored else { return Ok(0) };
    let bytes = bytes.try_into().map_err(|_| CatalogError::Malformed { what: "revision" })?;
    Ok(u64::from_be_bytes(bytes))
}

pub async fn set(tx: &mut CatalogTx, name: &str, value: &[u8]) -> Result<(), CatalogError> {
    query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name.to_owned())
        .bind(value.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub async fn set_revision(tx: &mut CatalogTx, revision: u64) -> Result<(), CatalogError> {
    set(tx, "revision", &revision.to_be_bytes()).await
}

pub async fn remove(tx: &mut CatalogTx, name: &str) -> Result<(), CatalogError> {
    query("DELETE FROM meta WHERE name = $1").bind(name.to_owned()).execute(&mut *tx).await?;
    Ok(())
}
