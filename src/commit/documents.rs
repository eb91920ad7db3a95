//! Storing and removing documents: text, chunks, vectors and rules of one version become visible together.

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::acl;
use super::tuples;
use super::{Change, CommitError, Draft, Edited};
use crate::audit::Told;
use crate::catalog::collections::NextGeneration;
use crate::catalog::documents::{ChunkRow, DocumentRow, Rules as StoredRules, SectionRow};
use crate::catalog::{self, CatalogError};
use crate::indexes::VectorHome;
use crate::snapshot::names::{PlaceInDocument, document_object};
use crate::snapshot::{CollectionState, DocumentEntry, source_of};
use crate::wire::{Acl, Document, DocumentStatus, rules_digest};

mod bans;
mod clauses;
mod rules;

use bans::{Carried, Standing};
use rules::Rules;

/// Operations that are left for the indexes of other processes.
const KEPT_FOR_OTHERS: u64 = 20_000;

/// A document that is split and embedded, ready to be stored.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub document: Document,
    /// Its rules, or the collection's default ones.
    pub acl: Acl,
    pub content_digest: String,
    pub acl_digest: String,
    /// Absent where the stored version had the same content digest when this was prepared.
    pub content: Option<PreparedContent>,
}

/// Chunks in order, with one vector each for every embedder.
#[derive(Debug, Clone)]
pub struct PreparedContent {
    pub chunks: Vec<PreparedChunk>,
    pub sections: Vec<SectionRow>,
    pub vectors: Vec<PreparedVectors>,
}

/// One embedder's vectors of a document.
#[derive(Debug, Clone)]
pub struct PreparedVectors {
    /// Id of the embedder.
    pub embedder: String,
    /// `chunks × dimensions` numbers, row-major, unit length.
    pub rows: Vec<f32>,
}

impl PreparedContent {
    /// The rows of a generation, if its embedder made them.
    fn rows_of(&self, form: &NextGeneration) -> Option<&[f32]> {
        let made = self.vectors.iter().find(|vectors| vectors.embedder == form.embedder)?;
        (made.rows.len() == self.chunks.len() * form.dimensions).then_some(&made.rows)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct PreparedChunk {
    pub start: usize,
    pub end: usize,
    pub heading_path: Vec<String>,
    pub page: Option<u32>,
}

/// Why one document of a request was refused; the others are stored.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    #[error(transparent)]
    Acl(#[from] acl::AclError),
    #[error(transparent)]
    Tuple(#[from] tuples::TupleWriteError),
    #[error("the collection can hold no more chunks")]
    Full,
}

/// What became of one document.
#[derive(Debug)]
pub struct Stored {
    pub status: DocumentStatus,
    pub version: Option<u64>,
    /// Hidden until the server that owns the tuples has taken its rules.
    pub awaits_rules: bool,
    /// Anything of it was written.
    is_changed: bool,
}

impl Stored {
    fn of(status: DocumentStatus, row: &DocumentRow) -> Self {
        let is_changed = !matches!(status, DocumentStatus::Unchanged | DocumentStatus::Stale);
        Self { status, version: Some(row.version), awaits_rules: row.awaits_rules, is_changed }
    }

    fn told(&self, id: &str) -> serde_json::Value {
        serde_json::json!({"id": id, "status": self.status, "version": self.version})
    }
}

/// Stores documents of one collection.
pub struct PutDocuments {
    pub collection: String,
    pub documents: Vec<Prepared>,
}

impl Change for PutDocuments {
    type Output = Vec<Result<Stored, Rejection>>;

    fn is_urgent(&self) -> bool {
        false
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Self::Output, CommitError>> {
        async move {
            let collection = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let first_new = collection.next_chunk();
            let mut vectors = Vec::new();
            let mut results = Vec::with_capacity(self.documents.len());
            for prepared in &self.documents {
                results.push(put(draft, &self.collection, prepared, &mut vectors).await?);
            }
            if !vectors.is_empty() && draft.indexes.home() == VectorHome::Files {
                // Durable before the commit that names them; rows of a commit that fails are overwritten by the next.
                let pair = collection.settings.pair(collection.id);
                draft.indexes.append_vectors(pair, first_new, vectors).await?;
            }
            finish(draft, &self.collection).await?;
            Ok(results)
        }
        .boxed()
    }

    fn told(&self, results: &Self::Output, _: &Edited) -> Option<Told> {
        let stored = self.documents.iter().zip(results);
        let changed: Vec<_> = stored
            .filter_map(|(prepared, result)| Some((&prepared.document.id, result.as_ref().ok()?)))
            .filter(|(_, stored)| stored.is_changed)
            .collect();
        if changed.is_empty() {
            return None;
        }
        let told = Told::new("documents.put", changed.iter().map(|(id, _)| (*id).clone()).collect());
        let became: Vec<_> = changed.iter().map(|(id, stored)| stored.told(id)).collect();
        Some(told.with("collection", self.collection.as_str().into()).with("documents", became.into()))
    }
}

/// Counts the change of the document table.
async fn finish(draft: &mut Draft, collection: &str) -> Result<(), CommitError> {
    let revision = draft.next.revision;
    let state = draft.collection_mut(collection)?;
    state.documents_revision = revision;
    let (id, document, chunk) = (state.id, state.next_document(), state.next_chunk());
    catalog::documents::set_next_ordinals(&mut draft.tx, id, document, chunk).await?;
    if let Some(settled) = draft.indexes.settled(id) {
        // Where others follow the log too, those that are a little behind must not begin anew.
        let kept = if draft.indexes.home() == VectorHome::Catalog { KEPT_FOR_OTHERS } else { 0 };
        catalog::operations::cut(&mut draft.tx, id, settled.saturating_sub(kept)).await?;
    }
    Ok(())
}

async fn put(
    draft: &mut Draft,
    name: &str,
    prepared: &Prepared,
    vectors: &mut Vec<f32>,
) -> Result<Result<Stored, Rejection>, CommitError> {
    let collection = draft.next.collection(name).ok_or(CommitError::UnknownCollection)?.clone();
    let document = &prepared.document;
    let existing = match collection.document_by_id(&document.id) {
        Some(entry) => catalog::documents::read(&mut draft.tx, collection.id, entry.ordinal).await?,
        None => None,
    };
    let is_older =
        |row: &&DocumentRow| document.source_version.zip(row.source_version).is_some_and(|(new, stored)| new < stored);
    if let Some(row) = existing.as_ref().filter(is_older) {
        return Ok(Ok(Stored::of(DocumentStatus::Stale, row)));
    }
    let standing = Standing::of(draft, &collection, &document.id, existing.as_ref()).await?;
    let same_content = existing.as_ref().is_some_and(|row| row.content_digest == prepared.content_digest);
    let is_full =
        |content: &PreparedContent| collection.next_chunk().checked_add(content.chunks.len() as u32).is_none();
    let mut carried = Carried::default();
    if let Some(content) = prepared.content.as_ref().filter(|_| !same_content) {
        if is_full(content) {
            return Ok(Err(Rejection::Full));
        }
        carried = Carried::of(draft, &collection, &document.id, standing, &content.sections, existing.as_ref()).await?;
    }
    let (acl, sections) = (&prepared.acl, &document.sections);
    let labelled = carried.has_label();
    let rules = match Rules::of(draft, &collection, &document.id, standing.apart, acl, sections, labelled).await? {
        Ok(rules) => rules,
        Err(rejection) => return Ok(Err(rejection)),
    };
    if let Err(rejection) = carried.check(draft, &collection, &rules)? {
        return Ok(Err(rejection));
    }
    let same_acl =
        existing.as_ref().is_some_and(|row| row.acl_digest == prepared.acl_digest && rules.are_as(&row.source_tuples));
    let status = match (&existing, same_content, same_acl) {
        (Some(row), true, true) => {
            let is_changed = note_source(draft, collection.id, row, document).await?;
            return Ok(Ok(Stored { is_changed, ..Stored::of(DocumentStatus::Unchanged, row) }));
        }
        (Some(_), true, false) => DocumentStatus::AclUpdated,
        (Some(_), false, _) => DocumentStatus::Updated,
        (None, ..) => DocumentStatus::Created,
    };
    let previous = existing.as_ref().map(|row| row.source_tuples.clone()).unwrap_or_default();
    let mut awaits_rules = rules.apply(draft, &collection, &document.id, &previous).await?;
    awaits_rules |= carried.apply(draft, &collection, &document.id).await?;
    let row = match (existing, same_content) {
        (Some(row), true) => DocumentRow {
            awaits_rules: awaits_rules || row.awaits_rules,
            acl_digest: prepared.acl_digest.clone(),
            rules: stored_rules(document),
            source_tuples: rules.tuples.clone(),
            source_hash: document.source_hash.clone(),
            source_version: document.source_version,
            updated_at: draft.now_text(),
            ..row
        },
        (existing, _) => {
            let Some(content) = &prepared.content else { return Err(CommitError::Outdated) };
            // Prepared for a generation that has gone meanwhile: it has to be embedded anew.
            let form = collection.settings.form(collection.settings.generations.current);
            let rows = form.and_then(|form| content.rows_of(&form)).ok_or(CommitError::Outdated)?;
            vectors.extend_from_slice(rows);
            let row =
                new_version(draft, &collection, prepared, content, &rules, standing.apart.is_some(), existing.as_ref())
                    .await?;
            DocumentRow { awaits_rules: awaits_rules || row.awaits_rules, ..row }
        }
    };
    catalog::documents::put(&mut draft.tx, collection.id, &row).await?;
    enter(draft, name, &row)?;
    Ok(Ok(Stored::of(status, &row)))
}

/// An unchanged document may still come with a newer source version or another source hash. Says whether it did.
async fn note_source(
    draft: &mut Draft,
    collection: u32,
    row: &DocumentRow,
    new: &Document,
) -> Result<bool, CommitError> {
    if row.source_version == new.source_version && row.source_hash == new.source_hash {
        return Ok(false);
    }
    let row = DocumentRow { source_version: new.source_version, source_hash: new.source_hash.clone(), ..row.clone() };
    catalog::documents::put(&mut draft.tx, collection, &row).await?;
    Ok(true)
}

/// Shows a document again whose rules the server has taken.
pub(super) async fn show_published(draft: &mut Draft, collection: &str, id: &str) -> Result<(), CommitError> {
    let state = draft.next.collection(collection).ok_or(CommitError::UnknownCollection)?.clone();
    let Some(entry) = state.document_by_id(id) else { return Ok(()) };
    let Some(row) = catalog::documents::read(&mut draft.tx, state.id, entry.ordinal).await? else { return Ok(()) };
    let row = DocumentRow { awaits_rules: false, ..row };
    catalog::documents::put(&mut draft.tx, state.id, &row).await?;
    enter(draft, collection, &row)?;
    finish(draft, collection).await
}

async fn new_version(
    draft: &mut Draft,
    collection: &CollectionState,
    prepared: &Prepared,
    content: &PreparedContent,
    rules: &Rules,
    apart: bool,
    existing: Option<&DocumentRow>,
) -> Result<DocumentRow, CommitError> {
    let document = &prepared.document;
    let revision = draft.next.revision;
    let version = catalog::documents::next_version(&mut draft.tx, collection.id, &document.id, apart).await?;
    let row = DocumentRow {
        ordinal: existing.map_or(collection.next_document(), |row| row.ordinal),
        id: document.id.clone(),
        source: source_of(&document.id).to_owned(),
        version,
        title: title_of(document).to_owned(),
        url: document.url.clone(),
        media_type: document.content.media_type.clone(),
        metadata: document.metadata.clone(),
        content_digest: prepared.content_digest.clone(),
        acl_digest: prepared.acl_digest.clone(),
        source_hash: document.source_hash.clone(),
        source_version: document.source_version,
        first_chunk: collection.next_chunk(),
        chunk_count: content.chunks.len() as u32,
        sections: content.sections.clone(),
        rules: stored_rules(document),
        source_tuples: rules.tuples.clone(),
        parked: existing.is_some_and(|row| row.parked),
        awaits_rules: existing.is_some_and(|row| row.awaits_rules),
        apart,
        expires_at: document.expires_at.clone(),
        updated_at: draft.now_text(),
    };
    let text = &document.content.text;
    let settings = &collection.settings;
    let current = Some(settings.generations.current).filter(|_| draft.indexes.home() == VectorHome::Catalog);
    let stored = current.into_iter().chain(settings.generations.next.as_ref().map(|next| next.number));
    // Those of the next generation may be missing: they are made later then.
    let stored: Vec<_> = stored
        .filter_map(|generation| {
            let form = settings.form(generation)?;
            Some((generation, form.dimensions, content.rows_of(&form)?))
        })
        .collect();
    let vectors_of = |number: usize| {
        let row = |(generation, dimensions, rows): &(u32, usize, &[f32])| {
            Some((*generation, rows.get(number * dimensions..(number + 1) * dimensions)?.to_vec()))
        };
        stored.iter().filter_map(row).collect()
    };
    let chunks = content
        .chunks
        .iter()
        .zip(0..)
        .map(|(chunk, number)| {
            let part = text.get(chunk.start..chunk.end).ok_or(CatalogError::Malformed { what: "chunk boundary" })?;
            Ok(ChunkRow {
                number,
                start: chunk.start,
                end: chunk.end,
                heading_path: chunk.heading_path.clone(),
                page: chunk.page,
                content_hash: *blake3::hash(part.as_bytes()).as_bytes(),
                key: draft.chunk_keys.key(collection.id, &document.id, version, place_in(&content.sections, number)),
                vectors: vectors_of(number as usize),
            })
        })
        .collect::<Result<Vec<_>, CatalogError>>()?;
    if let Some(old) = existing {
        remove_chunks(draft, &collection.name, old.first_chunk, old.chunk_count).await?;
        rules::hold_of_sections(draft, collection, old, &row).await?;
    }
    let last = catalog::documents::put_text(&mut draft.tx, collection.id, &row, text, &chunks, revision).await?;
    draft.collection_mut(&collection.name)?.last_operation = last;
    Ok(row)
}

fn place_in(sections: &[SectionRow], number: u32) -> PlaceInDocument<'_> {
    PlaceInDocument::of(number, sections.iter().map(|it| (&*it.id, it.first, it.count, it.is_apart)))
}

fn stored_rules(document: &Document) -> StoredRules {
    let sections = document.sections.iter().map(|section| (section.id.clone(), section.acl.clone()));
    StoredRules { acl: document.acl.clone(), sections: sections.collect() }
}

/// What a document is called, here and in what is indexed of it: without a title, the last part of its id.
pub fn title_of(document: &Document) -> &str {
    let named = || document.id.rsplit('/').next().unwrap_or(&document.id);
    document.title.as_deref().unwrap_or_else(named)
}

async fn remove_chunks(draft: &mut Draft, collection: &str, first: u32, count: u32) -> Result<(), CommitError> {
    let revision = draft.next.revision;
    let id = draft.collection_mut(collection)?.id;
    let last = catalog::documents::remove_chunks(&mut draft.tx, id, first, count, revision).await?;
    draft.collection_mut(collection)?.last_operation = last;
    Ok(())
}

/// Puts the row into the draft's document table.
fn enter(draft: &mut Draft, collection: &str, row: &DocumentRow) -> Result<(), CommitError> {
    let store = draft.collection_mut(collection)?.settings.store.clone();
    if let Some(change) = draft.next.enter(collection, std::slice::from_ref(row))? {
        draft.note_change(&store, change);
    }
    Ok(())
}

/// Principals and parents that rules name.
pub fn principals(acl: &Acl) -> usize {
    let lists = [&acl.owners, &acl.editors, &acl.viewers, &acl.blocked];
    let named: usize = lists.iter().map(|list| list.len()).sum();
    named + acl.parents.len() + acl.all_of.iter().map(Vec::len).sum::<usize>()
}

/// Principals of rules that are replaced before documents that wait; more take long enough to delay other revocations.
const SHORT: usize = 100;

/// Replaces the rules of a document by hand of its source; text and vectors stay.
pub struct PutRules {
    pub collection: String,
    pub id: String,
    pub acl: Acl,
}

impl Change for PutRules {
    type Output = Result<Stored, Rejection>;

    fn is_urgent(&self) -> bool {
        principals(&self.acl) <= SHORT
    }

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Self::Output, CommitError>> {
        async move {
            let collection = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let entry = collection.document_by_id(&self.id).ok_or(CommitError::UnknownDocument)?;
            let row = catalog::documents::read(&mut draft.tx, collection.id, entry.ordinal)
                .await?
                .ok_or(CommitError::UnknownDocument)?;
            let apart = row.apart.then_some(collection.id);
            let mut rules = match Rules::of(draft, &collection, &self.id, apart, &self.acl, &[], false).await? {
                Ok(rules) => rules,
                Err(rejection) => return Ok(Err(rejection)),
            };
            // Rules of sections belong to the version and stay.
            let document = document_object(&collection.binding.object_type, &self.id, apart);
            rules.keep(
                rules::parsed(&row.source_tuples).into_iter().filter(|tuple| rules::is_of_section(tuple, &document)),
            );
            if row.rules.acl.as_ref() == Some(&self.acl) && rules.are_as(&row.source_tuples) {
                return Ok(Ok(Stored::of(DocumentStatus::Unchanged, &row)));
            }
            let awaits_rules = rules.apply(draft, &collection, &self.id, &row.source_tuples).await?;
            let stored = StoredRules { acl: Some(self.acl.clone()), sections: row.rules.sections.clone() };
            let sections = stored.sections.iter().map(|(id, acl)| (id, acl));
            let row = DocumentRow {
                // As if the document had been sent with these rules.
                acl_digest: rules_digest(stored.acl.as_ref(), sections),
                source_tuples: rules.tuples,
                rules: stored,
                awaits_rules: awaits_rules || row.awaits_rules,
                ..row
            };
            catalog::documents::put(&mut draft.tx, collection.id, &row).await?;
            if awaits_rules {
                enter(draft, &self.collection, &row)?;
                finish(draft, &self.collection).await?;
            }
            Ok(Ok(Stored::of(DocumentStatus::AclUpdated, &row)))
        }
        .boxed()
    }

    fn told(&self, result: &Self::Output, _: &Edited) -> Option<Told> {
        let stored = result.as_ref().ok().filter(|stored| stored.is_changed)?;
        let told = Told::new("documents.put_acl", vec![self.id.clone()]);
        let told = told.with("collection", self.collection.as_str().into());
        let acl = serde_json::to_value(&self.acl).unwrap_or_default();
        Some(told.with("documents", vec![stored.told(&self.id)].into()).with("acl", acl))
    }
}

/// What a removal did.
#[derive(Debug, Default)]
pub struct Removed {
    /// Ids of those that were there.
    pub documents: Vec<String>,
    /// The server that owns the tuples has yet to remove theirs.
    pub awaits_rules: bool,
}

/// Which of the documents named go.
#[derive(Debug, Clone, Copy)]
pub enum Only {
    Every,
    /// Refuse unless the document has this version.
    Version(u64),
    /// What has expired by then; one that was sent again meanwhile stays.
    Expired(Timestamp),
}

/// Removes documents; unknown ids are ignored.
pub struct DeleteDocuments {
    pub collection: String,
    pub ids: Vec<String>,
    pub only: Only,
}

impl Change for DeleteDocuments {
    type Output = Removed;

    fn apply<'a>(&'a mut self, draft: &'a mut Draft) -> BoxFuture<'a, Result<Removed, CommitError>> {
        async move {
            let collection = draft.next.collection(&self.collection).ok_or(CommitError::UnknownCollection)?.clone();
            let mut removed = Removed::default();
            for id in &self.ids {
                let Some(entry) = collection.document_by_id(id) else { continue };
                match self.only {
                    Only::Version(version) if version != entry.version => return Err(CommitError::RevisionConflict),
                    Only::Expired(by) if entry.expires_at.is_none_or(|end| end > by) => continue,
                    Only::Every | Only::Version(_) | Only::Expired(_) => {}
                }
                removed.awaits_rules |= remove_document(draft, &self.collection, entry).await?;
                removed.documents.push(id.clone());
            }
            finish(draft, &self.collection).await?;
            Ok(removed)
        }
        .boxed()
    }

    fn told(&self, removed: &Removed, _: &Edited) -> Option<Told> {
        let told = Told::new("documents.delete", removed.documents.clone());
        (!removed.documents.is_empty()).then(|| told.with("collection", self.collection.as_str().into()))
    }
}

/// Removes one document with its text, chunks and the tuples that its source gave it. What an administrator wrote by hand
/// stays: bans and labels in force, grants held until they are written again. Says whether the tuples wait for the server that owns them.
pub async fn remove_document(draft: &mut Draft, collection: &str, entry: &DocumentEntry) -> Result<bool, CommitError> {
    let held = draft.next.collection(collection).ok_or(CommitError::UnknownCollection)?.clone();
    let id = held.id;
    let mut awaits_rules = false;
    if let Some(row) = catalog::documents::read(&mut draft.tx, id, entry.ordinal).await? {
        awaits_rules = rules::remove(draft, &held, &row).await?;
    }
    remove_chunks(draft, collection, entry.first_chunk, entry.chunk_count).await?;
    catalog::documents::delete(&mut draft.tx, id, entry.ordinal).await?;
    draft.collection_mut(collection)?.remove(entry.ordinal);
    Ok(awaits_rules)
}
