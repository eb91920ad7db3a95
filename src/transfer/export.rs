//! From a data folder into an export.

use std::fs;
use std::path::Path;

use super::{Content, DRAFT, FORMAT, MANIFEST, Manifest, Part, PartWriter, TransferError, VERSION, at};
use crate::catalog::collections::{self, CollectionRow};
use crate::catalog::documents::next_ordinals;
use crate::catalog::portable::{META, TABLES, Table};
use crate::catalog::{Catalog, CatalogTx, Location, meta, vectors};
use crate::index::{VectorStore, pieces};
use crate::indexes::{IndexHome, Indexes, VectorHome};

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Writes everything in the catalog, and its vectors in `data`, to the folder `to`. An export that was cut short goes on where it stopped, unless the
/// instance has changed since.
///
/// # Errors
/// When `to` holds a complete export, something is damaged, or a file can't be written.
pub async fn export(location: &Location, data: &Path, to: &Path) -> Result<Manifest, TransferError> {
    use std::os::unix::fs::PermissionsExt;
    if to.join(MANIFEST).exists() {
        return Err(TransferError::Complete { path: to.to_owned() });
    }
    let catalog = Catalog::open(location, 2).await?;
    if !catalog.was_sealed() {
        catalog.check().await?;
    }
    for folder in ["rows", "vectors"] {
        fs::create_dir_all(to.join(folder)).map_err(at(to))?;
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).map_err(at(to))?;
    // One view of all tables; it is there from its first statement on.
    let mut view = catalog.read().await?;
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        revision: meta::revision(&mut view).await?,
        numbers: catalog.last_numbers().await?,
        files: Vec::new(),
    };
    if let Some(draft) = Manifest::read(&to.join(DRAFT))? {
        let is_same = (draft.revision, &draft.numbers) == (manifest.revision, &manifest.numbers);
        manifest.files = draft.files.into_iter().filter(|part| is_same && part.verify(to).is_ok()).collect();
    }
    for table in TABLES.iter().chain([&META]) {
        let content = Content::Rows { table: table.name.to_owned() };
        if !manifest.files.iter().any(|part| part.content == content) {
            manifest.files.push(rows(&mut view, table, to, content).await?);
            manifest.write(to, DRAFT)?;
        }
    }
    let indexes = Indexes::new(data.join("indexes"), std::time::Duration::ZERO, IndexHome::Files(VectorHome::Files));
    for collection in collections::all(&mut view).await? {
        if collection.settings.generations.next.is_some() {
            return Err(TransferError::Reindexing { collection: collection.name });
        }
        let (_, chunks) = next_ordinals(&mut view, collection.id).await?;
        // Where one is missing there, all of them are in the files.
        let in_catalog = !vectors::is_missing(&mut view, collection.settings.pair(collection.id), 0..chunks).await?;
        let content =
            Content::Vectors { collection: collection.id, dimensions: collection.settings.dimensions, chunks };
        if !manifest.files.iter().any(|part| part.content == content) {
            let name = format!("vectors/{}.f32", collection.id);
            let mut writer = PartWriter::create(to.join(&name))?;
            if in_catalog {
                vectors_of_catalog(&mut view, &collection, chunks, &mut writer).await?;
            } else {
                vectors_of_files(&catalog, &indexes, &collection, chunks, &mut writer).await?;
            }
            manifest.files.push(writer.finish(name, content)?);
            manifest.write(to, DRAFT)?;
        }
    }
    manifest.write(to, MANIFEST)?;
    fs::remove_file(to.join(DRAFT)).map_err(at(to))?;
    // Otherwise closing would wait for it.
    drop(view);
    catalog.close().await;
    Ok(manifest)
}

async fn rows(view: &mut CatalogTx, table: &Table, to: &Path, content: Content) -> Result<Part, TransferError> {
    let name = format!("rows/{}.jsonl", table.name);
    let mut writer = PartWriter::create(to.join(&name))?;
    let mut last = None;
    loop {
        let page = table.rows(&mut *view, last.as_ref(), PAGE).await?;
        for row in &page {
            writer.record(format!("{}\n", row.to_line()?).as_bytes())?;
        }
        match page.into_iter().last() {
            Some(row) => last = Some(row),
            None => return writer.finish(name, content),
        }
    }
}

async fn vectors_of_catalog(
    view: &mut CatalogTx,
    collection: &CollectionRow,
    chunks: u32,
    writer: &mut PartWriter,
) -> Result<(), TransferError> {
    for part in pieces(0..chunks, PAGE) {
        for (_, vector) in vectors::of_chunks(view, collection.settings.pair(collection.id), part).await? {
            writer.record(&bytes(&vector.unwrap_or_default()))?;
        }
    }
    Ok(())
}

async fn vectors_of_files(
    catalog: &Catalog,
    indexes: &Indexes,
    collection: &CollectionRow,
    chunks: u32,
    writer: &mut PartWriter,
) -> Result<(), TransferError> {
    let opened = indexes.open_vectors(collection.id, &collection.settings, chunks)?;
    let is_damaged = |chunk: u32| opened.damaged.iter().any(|range| range.contains(&chunk));
    let mut from = 0;
    loop {
        let page = catalog.chunk_ordinals(collection.id, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last + 1;
        for chunk in page {
            if is_damaged(chunk) {
                return Err(TransferError::DamagedVectors { collection: collection.name.clone() });
            }
            writer.record(&bytes(&opened.store.row(chunk)?))?;
        }
    }
}

fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}
