//! OpenFGA stores and their authorization models.

use super::*;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRow {
    pub id: String,
    pub name: String,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone)]
pub struct ModelRow {
    pub id: String,
    /// The model as it was written, JSON.
    pub body: String,
}

impl Catalog {
    pub async fn stores(&self) -> Result<Vec<StoreRow>, CatalogError> {
        all(self.readers()).await
    }

    /// Oldest first.
    pub async fn models(&self, store: &str) -> Result<Vec<ModelRow>, CatalogError> {
        models(self.readers(), store).await
    }

    /// The id of the model that was the store's newest at a revision.
    pub async fn model_at(&self, store: &str, revision: u64) -> Result<Option<String>, CatalogError> {
        query("SELECT id FROM models WHERE store = $1 AND revision <= $2 ORDER BY revision DESC, id DESC LIMIT 1")
            .bind(store.to_owned())
            .bind(signed(revision)?)
            .fetch_optional_value(self.readers())
            .await
    }

    /// The list of assertions that was last put beside a model.
    pub async fn assertions(&self, store: &str, model: &str) -> Result<Option<serde_json::Value>, CatalogError> {
        let body: Option<String> = query("SELECT body FROM assertions WHERE store = $1 AND model = $2")
            .bind(store.to_owned())
            .bind(model.to_owned())
            .fetch_optional_value(self.readers())
            .await?;
        body.map(|body| from_json(&body, "assertions")).transpose()
    }
}

fn store(row: &Row) -> Result<StoreRow, CatalogError> {
    Ok(StoreRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

/// By id, so the oldest first.
pub async fn all<'a>(on: impl Into<On<'a>>) -> Result<Vec<StoreRow>, CatalogError> {
    let rows = query("SELECT id, name, created_at, updated_at FROM stores ORDER BY id").fetch_all(on).await?;
    rows.iter().map(store).collect()
}

/// One store by id, as the transaction sees it.
pub async fn read(tx: &mut CatalogTx, id: &str) -> Result<Option<StoreRow>, CatalogError> {
    let row = query("SELECT id, name, created_at, updated_at FROM stores WHERE id = $1").bind(id.to_owned());
    row.fetch_optional(tx).await?.as_ref().map(store).transpose()
}

/// The models of a store, oldest first.
pub async fn models<'a>(on: impl Into<On<'a>>, store: &str) -> Result<Vec<ModelRow>, CatalogError> {
    let rows = query("SELECT id, body FROM models WHERE store = $1 ORDER BY revision, id").bind(store.to_owned());
    let model = |row: &Row| Ok(ModelRow { id: row.try_get("id")?, body: row.try_get("body")? });
    rows.fetch_all(on).await?.iter().map(model).collect()
}

pub async fn insert(tx: &mut CatalogTx, store: &StoreRow) -> Result<(), CatalogError> {
    query("INSERT INTO stores (id, name, created_at, updated_at) VALUES ($1, $2, $3, $4)")
        .bind(store.id.clone())
        .bind(store.name.clone())
        .bind(store.created_at.clone())
        .bind(store.updated_at.clone())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Stores name and time of change.
pub async fn rename(tx: &mut CatalogTx, store: &StoreRow) -> Result<(), CatalogError> {
    query("UPDATE stores SET name = $2, updated_at = $3 WHERE id = $1")
        .bind(store.id.clone())
        .bind(store.name.clone())
        .bind(store.updated_at.clone())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub async fn put_assertions(tx: &mut CatalogTx, store: &str, model: &str, body: &str) -> Result<(), CatalogError> {
    query(
        "INSERT INTO assertions (store, model, body) VALUES ($1, $2, $3)
         ON CONFLICT (store, model) DO UPDATE SET body = excluded.body",
    )
    .bind(store.to_owned())
    .bind(model.to_owned())
    .bind(body.to_owned())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Removes the store with its models, tuples and log.
pub async fn delete(tx: &mut CatalogTx, store: &str) -> Result<(), CatalogError> {
    for statement in [
        "DELETE FROM tuples WHERE store = $1",
        "DELETE FROM tuple_changes WHERE store = $1",
        "DELETE FROM assertions WHERE store = $1",
        "DELETE FROM models WHERE store = $1",
        "DELETE FROM stores WHERE id = $1",
    ] {
        query(statement).bind(store.to_owned()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Adds a model as the store's newest, or makes the one with this id the newest.
pub async fn insert_model(
    tx: &mut CatalogTx,
    store: &str,
    id: &str,
    body: &str,
    revision: u64,
) -> Result<(), CatalogError> {
    query(
        "INSERT INTO models (store, id, body, revision) VALUES ($1, $2, $3, $4)
         ON CONFLICT (store, id) DO UPDATE SET revision = excluded.revision",
    )
    .bind(store.to_owned())
    .bind(id.to_owned())
    .bind(body.to_owned())
    .bind(signed(revision)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
