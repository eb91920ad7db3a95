//! OpenFGA stores and their authorization models.

use super::*;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoreRow {
    pub id: String,
    pub name: String,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ModelRow {
    pub id: String,
    /// The model as it was written, JSON.
    pub body: String,
}

impl Catalog {
    pub async fn stores(&self) -> Result<Vec<StoreRow>, CatalogError> {
        Ok(sqlx::query_as("SELECT id, name, created_at, updated_at FROM stores ORDER BY id")
            .fetch_all(&self.readers)
            .await?)
    }

    /// Oldest first.
    pub async fn models(&self, store: &str) -> Result<Vec<ModelRow>, CatalogError> {
        Ok(sqlx::query_as("SELECT id, body FROM models WHERE store = $1 ORDER BY revision, id")
            .bind(store.to_owned())
            .fetch_all(&self.readers)
            .await?)
    }
}

pub async fn insert(tx: &mut CatalogTx, store: &StoreRow) -> Result<(), CatalogError> {
    sqlx::query("INSERT INTO stores (id, name, created_at, updated_at) VALUES ($1, $2, $3, $4)")
        .bind(store.id.clone())
        .bind(store.name.clone())
        .bind(store.created_at.clone())
        .bind(store.updated_at.clone())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes the store with its models, tuples and log.
pub async fn delete(tx: &mut CatalogTx, store: &str) -> Result<(), CatalogError> {
    for statement in [
        "DELETE FROM tuples WHERE store = $1",
        "DELETE FROM tuple_changes WHERE store = $1",
        "DELETE FROM models WHERE store = $1",
        "DELETE FROM stores WHERE id = $1",
    ] {
        sqlx::query(statement).bind(store.to_owned()).execute(&mut **tx).await?;
    }
    Ok(())
}

pub async fn insert_model(
    tx: &mut CatalogTx,
    store: &str,
    id: &str,
    body: &str,
    revision: u64,
) -> Result<(), CatalogError> {
    sqlx::query("INSERT INTO models (store, id, body, revision) VALUES ($1, $2, $3, $4)")
        .bind(store.to_owned())
        .bind(id.to_owned())
        .bind(body.to_owned())
        .bind(signed(revision)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
