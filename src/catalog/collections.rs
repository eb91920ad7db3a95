//! Collections and their settings.

use super::*;
use crate::wire::{Acl, FieldType};

/// What a collection is; `dimensions`, `embedder`, `analyser` and the binding are fixed at creation.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CollectionSettings {
    pub embedder: String,
    pub dimensions: usize,
    pub analyser: String,
    pub store: String,
    pub object_type: String,
    pub section_type: Option<String>,
    pub relation: String,
    pub default_acl: Option<Acl>,
    pub fields: std::collections::BTreeMap<String, FieldType>,
    pub caller_context: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct CollectionRow {
    pub id: u32,
    pub name: String,
    pub settings: CollectionSettings,
}

impl Catalog {
    pub async fn collections(&self) -> Result<Vec<CollectionRow>, CatalogError> {
        all(self.readers()).await
    }
}

/// By number.
pub async fn all<'a>(on: impl Into<On<'a>>) -> Result<Vec<CollectionRow>, CatalogError> {
    let rows = query("SELECT id, name, settings FROM collections ORDER BY id").fetch_all(on).await?;
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

/// Returns the new collection's number, which is never given again.
pub async fn insert(
    tx: &mut CatalogTx,
    name: &str,
    settings: &CollectionSettings,
    now: &str,
) -> Result<u32, CatalogError> {
    let id: i64 = query("INSERT INTO collections (name, settings, created_at) VALUES ($1, $2, $3) RETURNING id")
        .bind(name.to_owned())
        .bind(json(settings)?)
        .bind(now.to_owned())
        .fetch_value(tx)
        .await?;
    unsigned(id, "collection")
}

pub async fn update(tx: &mut CatalogTx, id: u32, settings: &CollectionSettings) -> Result<(), CatalogError> {
    query("UPDATE collections SET settings = $2 WHERE id = $1")
        .bind(i64::from(id))
        .bind(json(settings)?)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Removes the collection with documents, text and operations.
pub async fn delete(tx: &mut CatalogTx, id: u32) -> Result<(), CatalogError> {
    for statement in [
        "DELETE FROM chunks WHERE collection = $1",
        "DELETE FROM text_parts WHERE collection = $1",
        "DELETE FROM documents WHERE collection = $1",
        "DELETE FROM document_versions WHERE collection = $1",
        "DELETE FROM operations WHERE collection = $1",
        "DELETE FROM collections WHERE id = $1",
    ] {
        query(statement).bind(i64::from(id)).execute(&mut *tx).await?;
    }
    for name in [documents::ordinals_name(id), documents::cut_name(id)] {
        meta::remove(tx, &name).await?;
    }
    Ok(())
}
