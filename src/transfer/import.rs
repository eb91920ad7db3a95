//! From an export into a new data folder.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Content, MANIFEST, Manifest, Part, TransferError, at};
use crate::catalog::portable::{META, PortableRow, TABLES, Table, set_last_number, table};
use crate::catalog::records::{self, FolderName};
use crate::catalog::{self, Catalog, Location, meta};
use crate::index::{VectorStore, pieces};
use crate::indexes::{self, Indexes, VectorHome};

/// The named value of a catalog that an import has not completed; such a catalog can't be served.
pub const UNFINISHED: &str = "import";
/// The export that a catalog came from.
const DONE: &str = "imported";
/// Rows of one transaction.
const BATCH: usize = 1_000;
/// Vectors written at once.
const APPENDED: u32 = 4_096;

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Progress {
    /// Hash of the export's manifest.
    export: String,
    /// Parts that are done, and rows of the next one.
    parts: usize,
    rows: u64,
}

/// What an export says of itself.
///
/// # Errors
/// When it is not complete, or can't be read.
pub fn manifest(from: &Path) -> Result<Manifest, TransferError> {
    Manifest::read(&from.join(MANIFEST))?.ok_or(TransferError::Incomplete { path: from.to_owned() })
}

/// The record of an import, which becomes part of it.
#[derive(Debug, Clone, Copy)]
pub struct LeftRecord<'a> {
    /// Bytes of the folder's audit before it.
    pub file_from: u64,
    pub line: &'a str,
}

/// Reads the export at `from` into the catalog at `location`, and its vectors into `data`. The catalog is empty, or holds
/// a part of this very export: then the import goes on where it was cut short; where all of it is there and nothing else,
/// nothing is left to do. Every file is verified before anything is written, every count afterwards.
///
/// # Errors
/// When the export is incomplete or damaged, the catalog holds something else, or storage fails; it can be run again.
pub async fn import(
    from: &Path,
    location: &Location,
    data: &Path,
    record: LeftRecord<'_>,
) -> Result<Manifest, TransferError> {
    let manifest = manifest(from)?;
    let path = from.join(MANIFEST);
    let export = blake3::hash(&std::fs::read(&path).map_err(at(&path))?).to_hex().to_string();
    for part in &manifest.files {
        part.verify(from)?;
    }
    let catalog = Catalog::open(location, 2).await?;
    // Every catalog that was served, or imported whole, has a secret.
    let is_new = catalog.meta("secret").await?.is_none();
    let done = catalog.meta(DONE).await?;
    if done.is_some_and(|done| done == export.as_bytes()) && catalog.revision().await? == manifest.revision {
        catalog.close().await;
        return Ok(manifest);
    }
    let mut progress = match catalog.meta(UNFINISHED).await? {
        Some(stored) => serde_json::from_slice(&stored).ok().filter(|progress: &Progress| progress.export == export),
        None => is_new.then_some(Progress { export, parts: 0, rows: 0 }),
    }
    .ok_or(TransferError::Occupied { location: location.clone() })?;
    save(&catalog, &progress, &META, &[]).await?;
    let (own, others): (Vec<&Part>, Vec<&Part>) = manifest.files.iter().partition(|part| is_rows_of(part, META.name));
    for (number, part) in others.into_iter().enumerate().skip(progress.parts) {
        match &part.content {
            Content::Rows { table: name } => {
                let table = table(name).ok_or(catalog::CatalogError::Malformed { what: "table" })?;
                rows(&catalog, table, from, part, &mut progress).await?;
            }
            Content::Vectors { collection, dimensions, chunks } => {
                let vectors_of = VectorPart { collection: *collection, dimensions: *dimensions, chunks: *chunks };
                let target = match location {
                    Location::Folder(_) => Target::Files(data),
                    Location::Postgres(_) => Target::Catalog,
                };
                vectors(&catalog, from, &target, part, &vectors_of).await?;
            }
        }
        (progress.parts, progress.rows) = (number + 1, 0);
        save(&catalog, &progress, &META, &[]).await?;
    }
    for expected in TABLES {
        let parts = manifest.files.iter().filter(|part| is_rows_of(part, expected.name));
        let (expected_rows, found) = (parts.map(|part| part.records).sum(), expected.count(&catalog).await?);
        if found != expected_rows {
            return Err(TransferError::Count { table: expected.name.to_owned(), expected: expected_rows, found });
        }
    }
    finish(&catalog, from, &own, &manifest, &progress.export, record).await?;
    catalog.close().await;
    Ok(manifest)
}

fn is_rows_of(part: &Part, name: &str) -> bool {
    matches!(&part.content, Content::Rows { table } if table == name)
}

/// Stores rows together with how far they bring the import.
async fn save(
    catalog: &Catalog,
    progress: &Progress,
    table: &Table,
    rows: &[PortableRow],
) -> Result<(), TransferError> {
    let mut tx = catalog.begin().await?;
    for row in rows {
        table.insert(&mut tx, row).await?;
    }
    meta::set(&mut tx, UNFINISHED, catalog::json(progress)?.as_bytes()).await?;
    tx.commit().await?;
    Ok(())
}

async fn rows(
    catalog: &Catalog,
    table: &Table,
    from: &Path,
    part: &Part,
    progress: &mut Progress,
) -> Result<(), TransferError> {
    let mut batch = Vec::with_capacity(BATCH);
    for line in part.lines(from)?.skip(progress.rows as usize) {
        batch.push(PortableRow::from_line(&line?)?);
        if batch.len() == BATCH {
            progress.rows += batch.len() as u64;
            save(catalog, progress, table, &std::mem::take(&mut batch)).await?;
        }
    }
    progress.rows += batch.len() as u64;
    save(catalog, progress, table, &batch).await
}

struct VectorPart {
    collection: u32,
    dimensions: usize,
    chunks: u32,
}

/// Where vectors go.
enum Target<'a> {
    /// The segment files in this data folder.
    Files(&'a Path),
    Catalog,
}

/// Vectors of live chunks go to their ordinals; in files there are zeros between them, as after an erasure.
async fn vectors(
    catalog: &Catalog,
    from: &Path,
    target: &Target<'_>,
    part: &Part,
    vectors: &VectorPart,
) -> Result<(), TransferError> {
    let path = part.file(from);
    let mut file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(at(&path))?);
    let collections = catalog.collections().await?;
    let collection = collections.iter().find(|row| row.id == vectors.collection);
    let settings = &collection.ok_or(catalog::CatalogError::Malformed { what: "collection" })?.settings;
    let store = match target {
        Target::Catalog => None,
        Target::Files(data) => {
            let at = indexes::IndexHome::Files(VectorHome::Files);
            let indexes = Indexes::new(data.join("indexes"), std::time::Duration::ZERO, at);
            // Whatever an earlier attempt wrote is forgotten.
            Some(indexes.open_vectors(vectors.collection, settings, 0)?.store)
        }
    };
    for part in pieces(0..vectors.chunks, APPENDED) {
        let (first, count) = (part.start, part.len() as u32);
        let mut block = vec![0.0_f32; count as usize * vectors.dimensions];
        let live = catalog.chunk_ordinals(vectors.collection, first, count).await?;
        let live: Vec<u32> = live.into_iter().take_while(|chunk| *chunk < first + count).collect();
        let range = |chunk: u32| {
            let start = (chunk - first) as usize * vectors.dimensions;
            start..start + vectors.dimensions
        };
        for chunk in &live {
            let target = block.get_mut(range(*chunk)).unwrap_or_default();
            let mut bytes = vec![0; vectors.dimensions * size_of::<f32>()];
            file.read_exact(&mut bytes).map_err(at(&path))?;
            for (value, bytes) in target.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        match &store {
            Some(store) => store.append(first, &block)?,
            None => {
                let mut tx = catalog.begin().await?;
                for chunk in live {
                    let vector = block.get(range(chunk)).unwrap_or_default();
                    catalog::vectors::put(&mut tx, settings.pair(vectors.collection), chunk, vector).await?;
                }
                tx.commit().await?;
            }
        }
    }
    Ok(())
}

/// The last transaction: names, secrets and the revision come in, the mark goes.
async fn finish(
    catalog: &Catalog,
    from: &Path,
    own: &[&Part],
    manifest: &Manifest,
    export: &str,
    record: LeftRecord<'_>,
) -> Result<(), TransferError> {
    let mut tx = catalog.begin().await?;
    for part in own {
        for line in part.lines(from)? {
            META.insert(&mut tx, &PortableRow::from_line(&line?)?).await?;
        }
    }
    for (table, last) in &manifest.numbers {
        set_last_number(&mut tx, table, *last).await?;
    }
    meta::set(&mut tx, DONE, export.as_bytes()).await?;
    meta::remove(&mut tx, UNFINISHED).await?;
    records::insert(&mut tx, FolderName::default(), record.file_from, record.line).await?;
    tx.commit().await?;
    Ok(())
}
