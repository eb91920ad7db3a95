//! One immutable state of everything that decides: stores with models and graph, collections with their document tables,
//! keys. A query pins one snapshot; the writer builds the next beside it and swaps it in.
//!
//! No text lives here, so that nothing that handles a snapshot can leak any.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::authz::{Binding, BoundType, Graph, Model, NodeId};
use crate::catalog::collections::{CollectionSettings, Pair};
use crate::catalog::documents::DocumentRow;
use crate::catalog::keys::KeyRow;
use crate::catalog::stores::StoreRow;
use crate::index::filter::{DeclaredFields, FieldValues, FilterError, FilterSubject, normal};
use crate::paged::Paged;
use crate::snapshot::names::PlaceInDocument;

pub mod build;
pub mod delta;
pub mod follow;
pub mod load;
pub mod names;
mod numbers;
pub mod published;

pub use numbers::AudienceNumbers;
pub use published::{Published, Publishing};

/// State of the whole service at one revision; cloning copies a handful of pointers.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub revision: u64,
    /// The commit that made it, where the catalog is shared.
    pub origin: Option<crate::catalog::commits::Origin>,
    /// When this revision was committed (or loaded, after a start).
    pub committed_at: Timestamp,
    pub stores: BTreeMap<Arc<str>, Arc<StoreState>>,
    pub collections: BTreeMap<Arc<str>, Arc<CollectionState>>,
    pub keys: Arc<BTreeMap<String, Arc<KeyRow>>>,
}

/// An OpenFGA store: its tuples as a graph, its models oldest first.
#[derive(Debug, Clone)]
pub struct StoreState {
    pub row: StoreRow,
    pub graph: Graph,
    pub models: Vec<Arc<Model>>,
    /// Types whose objects the graph groups into audiences.
    pub bound: Vec<BoundType>,
    /// Revision at which an object of a bound type last changed its audience.
    pub audiences_revision: u64,
}

/// A collection: settings and the table of its documents.
#[derive(Debug, Clone)]
pub struct CollectionState {
    pub id: u32,
    pub name: Arc<str>,
    pub settings: Arc<CollectionSettings>,
    pub fields: Arc<DeclaredFields>,
    pub binding: Binding,
    documents: Paged<Option<Arc<DocumentEntry>>>,
    /// Beside `documents`, small and in order: a mask reads all of it.
    extents: Paged<Extent>,
    by_id: rpds::HashTrieMapSync<Arc<str>, u32>,
    /// By the graph node of a document or section: the document's ordinal and one.
    by_node: Paged<u32>,
    /// (first chunk, document) of every version ever stored, ascending.
    versions: Paged<(u32, u32)>,
    next_chunk: u32,
    /// Of current versions.
    chunks: u64,
    /// Last entry of the operation log that concerns this collection.
    pub last_operation: u64,
    /// Revision at which the document table last changed.
    pub documents_revision: u64,
}

/// What a mask needs to know of a document.
#[derive(Debug, Clone, Copy, Default)]
pub enum Extent {
    /// There is none.
    #[default]
    Empty,
    /// Its audience decides alone, about all of its chunks.
    Plain { node: NodeId, first_chunk: u32, chunk_count: u32 },
    /// It has restricted parts, or something may hide it: its entry says more.
    Special,
}

impl Extent {
    fn of(entry: &DocumentEntry) -> Self {
        let may_hide = entry.parked || entry.awaits_rules || entry.expires_at.is_some();
        if may_hide || !entry.sections.is_empty() {
            return Self::Special;
        }
        Self::Plain { node: entry.node, first_chunk: entry.first_chunk, chunk_count: entry.chunk_count }
    }
}

/// What decides about one document's current version. The title is here for filters only; nothing here reaches a caller
/// unless the gate has passed the document.
#[derive(Clone)]
pub struct DocumentEntry {
    pub ordinal: u32,
    pub id: Arc<str>,
    pub version: u64,
    pub first_chunk: u32,
    pub chunk_count: u32,
    pub node: NodeId,
    pub sections: Box<[SectionEntry]>,
    /// Hidden from everybody, whatever the tuples say.
    pub parked: bool,
    /// Hidden until the server that owns the tuples has taken the rules.
    pub awaits_rules: bool,
    pub expires_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub fields: FieldValues,
    title: Arc<str>,
}

/// A restricted part: chunks `first .. first + count` of the document (numbers within it), and its bytes.
#[derive(Debug, Clone)]
pub struct SectionEntry {
    pub id: Box<str>,
    pub node: NodeId,
    pub first: u32,
    pub count: u32,
    pub start: usize,
    pub end: usize,
    /// The rest of the document was divided and named without a look at it.
    pub is_apart: bool,
}

impl DocumentEntry {
    /// Hidden by a flag or by time, for everybody.
    pub fn is_hidden(&self, now: Timestamp) -> bool {
        self.parked || self.awaits_rules || self.expires_at.is_some_and(|end| end <= now)
    }

    pub fn source(&self) -> &str {
        source_of(&self.id)
    }

    /// The document as a metadata filter sees it.
    pub fn filter_subject(&self) -> FilterSubject<'_> {
        FilterSubject {
            document_id: &self.id,
            source: self.source(),
            title: &self.title,
            updated_at: self.updated_at,
            values: &self.fields,
        }
    }

    /// Whether chunks outside restricted parts, and their headings, say nothing about those.
    pub fn is_apart(&self) -> bool {
        self.sections.iter().all(|section| section.is_apart)
    }

    /// What chunk number `number` is named after.
    pub fn place(&self, number: u32) -> PlaceInDocument<'_> {
        PlaceInDocument::of(number, self.sections.iter().map(|it| (&*it.id, it.first, it.count, it.is_apart)))
    }

    /// The section that chunk number `number` lies in.
    pub fn section_of(&self, number: u32) -> Option<&SectionEntry> {
        self.sections.iter().find(|section| (section.first..section.first + section.count).contains(&number))
    }
}

impl std::fmt::Debug for DocumentEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DocumentEntry {{ ordinal: {}, version: {} }}", self.ordinal, self.version)
    }
}

/// The source of a document id: what precedes the first `/`.
pub fn source_of(document_id: &str) -> &str {
    document_id.split_once('/').map_or(document_id, |(source, _)| source)
}

impl Snapshot {
    pub fn store(&self, id: &str) -> Option<&Arc<StoreState>> {
        self.stores.get(id)
    }

    pub fn collection(&self, name: &str) -> Option<&Arc<CollectionState>> {
        self.collections.get(name)
    }

    /// Types whose objects are grouped into audiences in the store: those that its collections bind.
    pub fn bound_types(&self, store: &str) -> Vec<BoundType> {
        let mut types: Vec<BoundType> = Vec::new();
        for collection in self.collections.values().filter(|collection| collection.settings.store == store) {
            for bound in collection.bound_types(self) {
                if !types.iter().any(|known| known.object_type == bound.object_type) {
                    types.push(bound);
                }
            }
        }
        types
    }
}

impl StoreState {
    /// The model that applies where a request names none.
    pub fn latest_model(&self) -> Option<&Arc<Model>> {
        self.models.last()
    }

    pub fn model(&self, id: &str) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| model.id() == id)
    }
}

impl CollectionState {
    /// # Errors
    /// When a declared field has the name of a built-in one.
    pub fn new(id: u32, name: &str, settings: CollectionSettings) -> Result<Self, FilterError> {
        let binding = Binding {
            object_type: settings.object_type.clone(),
            section_type: settings.section_type.clone(),
            relation: settings.relation.clone(),
        };
        Ok(Self {
            id,
            name: name.into(),
            fields: Arc::new(DeclaredFields::new(&settings.fields)?),
            settings: Arc::new(settings),
            binding,
            documents: Paged::default(),
            extents: Paged::default(),
            by_id: rpds::HashTrieMapSync::new_sync(),
            by_node: Paged::default(),
            versions: Paged::default(),
            next_chunk: 0,
            chunks: 0,
            last_operation: 0,
            documents_revision: 0,
        })
    }

    /// The pair of indexes that is searched.
    pub fn pair(&self) -> Pair {
        self.settings.pair(self.id)
    }

    /// The pair of indexes that is searched, and the one that is being filled, if any.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> {
        let next = self.settings.generations.next.as_ref().map(|next| next.pair(self.id));
        std::iter::once(self.pair()).chain(next)
    }

    fn bound_types(&self, snapshot: &Snapshot) -> Vec<BoundType> {
        let mut types = vec![BoundType {
            object_type: self.binding.object_type.clone(),
            parent_tupleset: None,
            parent_type: None,
            single_valued: Some(names::CLASSIFICATION.to_owned()),
        }];
        let model = snapshot.store(&self.settings.store).and_then(|store| store.latest_model());
        if let (Some(section_type), Some(model)) = (&self.binding.section_type, model)
            && let Ok(Some(tupleset)) =
                model.check_binding(&self.binding.object_type, &self.binding.relation, Some(section_type.as_str()))
        {
            types.push(BoundType {
                object_type: section_type.clone(),
                parent_tupleset: Some(tupleset),
                parent_type: Some(self.binding.object_type.clone()),
                single_valued: None,
            });
        }
        types
    }

    pub fn document(&self, ordinal: u32) -> Option<&Arc<DocumentEntry>> {
        self.documents.get(ordinal)?.as_ref()
    }

    pub fn document_by_id(&self, id: &str) -> Option<&Arc<DocumentEntry>> {
        self.document(*self.by_id.get(id)?)
    }

    /// The document that a graph node stands for, itself or as one of its sections.
    pub fn document_of_node(&self, node: NodeId) -> Option<&Arc<DocumentEntry>> {
        let entry = self.document(self.by_node.get(node.0)?.checked_sub(1)?)?;
        // A section of an earlier version may have the number still.
        (entry.node == node || entry.sections.iter().any(|section| section.node == node)).then_some(entry)
    }

    /// The document whose *current* version holds the chunk.
    pub fn document_of_chunk(&self, chunk: u32) -> Option<&Arc<DocumentEntry>> {
        let at = self.versions.partition_last(|(first, _)| *first <= chunk)?;
        let (first, document) = *self.versions.get(at)?;
        let entry = self.document(document)?;
        (entry.first_chunk == first && chunk - first < entry.chunk_count).then_some(entry)
    }

    pub fn document_count(&self) -> u64 {
        self.by_id.size() as u64
    }

    /// Chunks of current versions.
    pub fn chunk_count(&self) -> u64 {
        self.chunks
    }

    pub fn documents(&self) -> impl Iterator<Item = &Arc<DocumentEntry>> {
        self.documents.iter().filter_map(|(_, slot)| slot.as_ref())
    }

    /// Every document's ordinal and place, in order.
    pub fn extents(&self) -> impl Iterator<Item = (u32, Extent)> {
        self.extents.iter().map(|(ordinal, extent)| (ordinal, *extent))
    }

    /// Documents with ordinals from `first` on, in order.
    pub fn documents_from(&self, first: u32) -> impl Iterator<Item = &Arc<DocumentEntry>> {
        (first..self.documents.len()).filter_map(|ordinal| self.document(ordinal))
    }

    /// Chunks of current versions, ascending.
    pub fn live_chunks(&self) -> impl Iterator<Item = std::ops::Range<u32>> {
        self.versions.iter().filter_map(|(_, (first, _))| {
            let entry = self.document_of_chunk(*first)?;
            Some(*first..*first + entry.chunk_count)
        })
    }

    /// Chunk ordinals below this have been given.
    pub fn next_chunk(&self) -> u32 {
        self.next_chunk
    }

    /// Document ordinals below this have been given.
    pub fn next_document(&self) -> u32 {
        self.documents.len()
    }

    /// Never lower: ordinals of removed documents stay used.
    pub fn reserve(&mut self, next_document: u32, next_chunk: u32) {
        while self.next_document() < next_document {
            self.documents.push(None);
        }
        self.next_chunk = self.next_chunk.max(next_chunk);
    }

    /// Puts a document's new state in place of its old one.
    pub fn put(&mut self, entry: DocumentEntry) {
        // After a version without chunks the next one begins at the same chunk.
        let is_listed = |old: &Arc<DocumentEntry>| old.first_chunk == entry.first_chunk && old.chunk_count > 0;
        if entry.chunk_count > 0 && !self.document(entry.ordinal).is_some_and(is_listed) {
            self.versions.push((entry.first_chunk, entry.ordinal));
        }
        self.reserve(entry.ordinal + 1, entry.first_chunk + entry.chunk_count);
        self.by_id.insert_mut(entry.id.clone(), entry.ordinal);
        let ordinal = entry.ordinal;
        for node in std::iter::once(entry.node).chain(entry.sections.iter().map(|section| section.node)) {
            *self.by_node.get_mut(node.0) = ordinal + 1;
        }
        *self.extents.get_mut(ordinal) = Extent::of(&entry);
        let old = self.document(ordinal).map_or(0, |old| u64::from(old.chunk_count));
        self.chunks = self.chunks - old + u64::from(entry.chunk_count);
        *self.documents.get_mut(ordinal) = Some(Arc::new(entry));
    }

    pub fn remove(&mut self, ordinal: u32) {
        if ordinal < self.documents.len()
            && let Some(entry) = self.documents.get_mut(ordinal).take()
        {
            self.by_id.remove_mut(&entry.id);
            self.chunks -= u64::from(entry.chunk_count);
            *self.extents.get_mut(ordinal) = Extent::Empty;
        }
    }

    /// Order of versions where documents arrive by ordinal and not by first chunk: at start-up, and after a repair.
    pub(crate) fn sort_versions(&mut self) {
        let mut all: Vec<(u32, u32)> = self.versions.iter().map(|(_, version)| *version).collect();
        all.sort_unstable();
        all.dedup();
        let mut sorted = Paged::default();
        all.into_iter().for_each(|version| sorted.push(version));
        self.versions = sorted;
    }
}

/// The entry for a catalog row, given the graph nodes of the document and of its sections.
pub fn document_entry(
    row: &DocumentRow,
    fields: &DeclaredFields,
    node: NodeId,
    section_nodes: &[NodeId],
) -> Result<DocumentEntry, crate::catalog::CatalogError> {
    let sections = row
        .sections
        .iter()
        .zip(section_nodes)
        .map(|(section, node)| SectionEntry {
            id: section.id.as_str().into(),
            node: *node,
            first: section.first,
            count: section.count,
            start: section.start,
            end: section.end,
            is_apart: section.is_apart,
        })
        .collect();
    Ok(DocumentEntry {
        ordinal: row.ordinal,
        id: row.id.as_str().into(),
        version: row.version,
        first_chunk: row.first_chunk,
        chunk_count: row.chunk_count,
        node,
        sections,
        parked: row.parked,
        awaits_rules: row.awaits_rules,
        expires_at: row.expires_at.as_deref().map(crate::catalog::timestamp).transpose()?,
        updated_at: crate::catalog::timestamp(&row.updated_at)?,
        fields: fields.values(&row.metadata).0,
        title: normal(&row.title).into(),
    })
}
