//! Collections and their settings.

use super::*;
use crate::wire::{Acl, FieldType};

/// What a collection is. The binding is fixed at creation; `dimensions`, `embedder` and `analyser` are those of the pair of
/// indexes that is searched, and change with it.
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
    #[serde(default)]
    pub generations: Generations,
}

/// The pairs of indexes that a collection has: one that is searched, and perhaps another that is being filled to take its
/// place.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Generations {
    /// The one that is searched.
    pub current: u32,
    /// The highest that was ever begun; none is begun twice.
    pub last: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextGeneration>,
}

/// A pair of indexes that is being filled.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NextGeneration {
    pub number: u32,
    pub embedder: String,
    pub dimensions: usize,
    pub analyser: String,
}

/// Names one pair of indexes: also its folder, its lease and its collection in Qdrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    pub collection: u32,
    pub generation: u32,
}

impl std::fmt::Display for Pair {
    /// `3`, and after the first re-indexing `3-1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.generation {
            0 => write!(f, "{}", self.collection),
            generation => write!(f, "{}-{generation}", self.collection),
        }
    }
}

impl std::str::FromStr for Pair {
    type Err = std::num::ParseIntError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (collection, generation) = name.split_once('-').unwrap_or((name, "0"));
        Ok(Self { collection: collection.parse()?, generation: generation.parse()? })
    }
}

impl NextGeneration {
    /// The pair of indexes that it stands for.
    pub fn pair(&self, collection: u32) -> Pair {
        Pair { collection, generation: self.number }
    }
}

impl Generations {
    /// The number of a generation that is to be begun: never used before, and its vectors have another place in the
    /// catalog than those of the current one.
    pub fn following(&self) -> u32 {
        let next = self.last.max(self.current) + 1;
        if next % 2 == self.current % 2 { next + 1 } else { next }
    }
}

impl CollectionSettings {
    /// The pair of indexes that is searched.
    pub fn pair(&self, collection: u32) -> Pair {
        Pair { collection, generation: self.generations.current }
    }

    /// What a generation's pair of indexes is made with; absent unless it is the current or the next one.
    pub fn form(&self, generation: u32) -> Option<NextGeneration> {
        if generation == self.generations.current {
            return Some(NextGeneration {
                number: generation,
                embedder: self.embedder.clone(),
                dimensions: self.dimensions,
                analyser: self.analyser.clone(),
            });
        }
        self.generations.next.clone().filter(|next| next.number == generation)
    }
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

fn collection(row: &Row) -> Result<CollectionRow, CatalogError> {
    Ok(CollectionRow {
        id: unsigned(row.try_get("id")?, "collection")?,
        name: row.try_get("name")?,
        settings: from_json(row.try_get("settings")?, "collection settings")?,
    })
}

/// One collection, as the transaction sees it.
pub async fn read(tx: &mut CatalogTx, id: u32) -> Result<Option<CollectionRow>, CatalogError> {
    let row = query("SELECT id, name, settings FROM collections WHERE id = $1").bind(i64::from(id));
    row.fetch_optional(tx).await?.as_ref().map(collection).transpose()
}

/// By number.
pub async fn all<'a>(on: impl Into<On<'a>>) -> Result<Vec<CollectionRow>, CatalogError> {
    let rows = query("SELECT id, name, settings FROM collections ORDER BY id").fetch_all(on).await?;
    rows.iter().map(collection).collect()
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
    for name in
        [documents::ordinals_name(id), operations::cut_name(id), vectors::covered_name(id), vectors::left_name(id)]
    {
        meta::remove(tx, &name).await?;
    }
    Ok(())
}
