//! What one reader may see of one snapshot.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::resolver::Resolved;
use super::shares::ShareCache;
use super::{Asked, AuthorityError, Reader};
use crate::authz::{AudienceOrdinal, Context, NodeId, ResolveError};
use crate::index::ChunkMask;
use crate::index::filter::MetadataFilter;
use crate::index::mask::Description;
use crate::limits::CacheLimits;
use crate::limits::effort::{Effort, Spent};
use crate::snapshot::{AudienceNumbers, CollectionState, DocumentEntry, Extent, SectionEntry, Snapshot, StoreState};

#[cfg(usher_mutants)]
pub(super) mod bugs;

/// Documents between two looks at what a mask may still cost.
const SLICE: u32 = 256;

/// A pinned snapshot with the reader's sets, per collection.
pub struct View {
    pub snapshot: Arc<Snapshot>,
    pub now: Timestamp,
    pub collections: Vec<CollectionView>,
    pub(super) asked: Arc<Asked>,
}

impl View {
    /// Whom the view is for.
    pub fn reader(&self) -> &Reader {
        &self.asked.reader
    }

    /// Pays for looking at so many documents.
    ///
    /// # Errors
    /// When the request may cause no more work.
    pub fn spend(&self, documents: u64) -> Result<(), AuthorityError> {
        self.asked.effort.spend(documents).map_err(|spent| ResolveError::from(spent).into())
    }

    pub fn collection(&self, id: u32) -> Option<&CollectionView> {
        self.collections.iter().find(|view| view.state.id == id)
    }
}

/// One collection as one reader may see it.
#[derive(Clone)]
pub struct CollectionView {
    pub state: Arc<CollectionState>,
    store: Arc<StoreState>,
    /// One per subject of the reader; all must allow.
    sets: Vec<Arc<Resolved>>,
    /// What conditions were evaluated with.
    context: Arc<Context>,
    now: Timestamp,
}

impl CollectionView {
    pub(super) fn new(
        state: Arc<CollectionState>,
        store: Arc<StoreState>,
        sets: Vec<Arc<Resolved>>,
        context: Arc<Context>,
        now: Timestamp,
    ) -> Self {
        Self { state, store, sets, context, now }
    }

    /// The store that decides.
    pub fn store(&self) -> &StoreState {
        &self.store
    }

    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    fn allows(&self, object: NodeId) -> bool {
        self.allows_audience(self.store.graph.audience(object))
    }

    fn allows_audience(&self, audience: AudienceOrdinal) -> bool {
        let graph = &self.store.graph;
        // INVARIANT: a reader has at least one subject; without any, nothing is allowed.
        !self.sets.is_empty()
            && self.sets.iter().all(|resolved| resolved.set().contains(audience))
            && (!graph.is_ambiguous(audience) || crate::mutants::active("second_label_widens"))
    }

    /// Whether the reader may see the document as such (its unrestricted parts, its title).
    pub fn may_read_document(&self, entry: &DocumentEntry) -> bool {
        let is_hidden = entry.is_hidden(self.now) && !crate::mutants::active("parked_only_at_masking");
        !is_hidden && self.allows(entry.node)
    }

    /// Whether the reader may see the section, given that the document is readable.
    pub fn may_read_section(&self, section: &SectionEntry) -> bool {
        self.allows(section.node)
    }

    /// Bytes of the document's text that the reader may not see, ascending; `is_open` may hide more.
    pub fn hidden_spans(&self, entry: &DocumentEntry, is_open: impl Fn(&SectionEntry) -> bool) -> Arc<[Range<usize>]> {
        let hidden = entry.sections.iter().filter(|section| !(self.may_read_section(section) && is_open(section)));
        let mut spans: Vec<_> = hidden.map(|section| section.start..section.end).collect();
        spans.sort_by_key(|span| span.start);
        spans.into()
    }

    /// Whether the reader may see chunk number `number` of the document.
    pub fn may_read_chunk(&self, entry: &DocumentEntry, number: u32) -> bool {
        number < entry.chunk_count
            && self.may_read_document(entry)
            && entry.section_of(number).is_none_or(|section| self.may_read_section(section))
    }

    /// Marks the chunks of every readable document that satisfies the filter; returns the earliest instant at which
    /// time alone changes the mask.
    fn build(
        &self,
        filter: Option<&MetadataFilter>,
        numbers: Option<&AudienceNumbers>,
        effort: &Effort,
    ) -> Result<(ChunkMask, Option<Timestamp>), Spent> {
        let mut mask = ChunkMask::new(self.state.next_chunk());
        let mut changes_at: Option<Timestamp> = None;
        let mut allowed = Known::new(self);
        let matches = |entry: &DocumentEntry| filter.is_none_or(|filter| filter.matches(&entry.filter_subject()));
        for (ordinal, extent) in self.state.extents() {
            if ordinal % SLICE == 0 {
                effort.spend(u64::from(SLICE))?;
            }
            match extent {
                Extent::Empty => {}
                Extent::Plain { node, first_chunk, chunk_count } => {
                    let may_read = allowed.allows(node);
                    if may_read
                        && (filter.is_none() || self.state.document(ordinal).is_some_and(|entry| matches(entry)))
                    {
                        mask.set_range(first_chunk..first_chunk + chunk_count);
                    }
                }
                Extent::Special => {
                    let Some(entry) = self.state.document(ordinal) else { continue };
                    if let Some(end) = entry.expires_at.filter(|end| *end > self.now) {
                        changes_at = Some(changes_at.map_or(end, |at| at.min(end)));
                    }
                    if !entry.is_hidden(self.now) && matches(entry) {
                        self.mark(entry, &mut mask);
                    }
                    if numbers.is_some() {
                        // Hidden or not: the description speaks of audiences alone.
                        let parts = entry.sections.iter().map(|section| section.node);
                        std::iter::once(entry.node).chain(parts).for_each(|node| _ = allowed.allows(node));
                    }
                }
            }
        }
        let mask = match numbers.and_then(|numbers| self.description(&allowed, filter, numbers)) {
            Some(description) => mask.described(description),
            None => mask,
        };
        Ok((mask, changes_at))
    }

    /// What the mask is in terms of audiences and metadata; nothing where an audience has no number.
    fn description(
        &self,
        known: &Known<'_>,
        filter: Option<&MetadataFilter>,
        numbers: &AudienceNumbers,
    ) -> Option<Description> {
        let mut description = Description {
            restriction: filter.and_then(|filter| filter.restriction(&self.state.fields)),
            ..Description::default()
        };
        for (audience, is_allowed) in known.found() {
            let number = numbers.of(&self.store, audience)?;
            if is_allowed { description.allowed.push(number) } else { description.denied.push(number) }
        }
        Some(description)
    }

    /// Marks the chunks of a document that is not hidden, as far as its rules and its sections' allow.
    fn mark(&self, entry: &DocumentEntry, mask: &mut ChunkMask) {
        if !self.allows(entry.node) {
            return;
        }
        let first = entry.first_chunk;
        mask.set_range(first..first + entry.chunk_count);
        for section in entry.sections.iter().filter(|section| !self.may_read_section(section)) {
            mask.clear_range(first + section.first..first + section.first + section.count);
        }
    }
}

/// What was found out about audiences so far: many documents share one.
struct Known<'a> {
    view: &'a CollectionView,
    by_audience: Vec<Option<bool>>,
}

impl<'a> Known<'a> {
    fn new(view: &'a CollectionView) -> Self {
        Self { view, by_audience: vec![None; view.store.graph.audience_count() as usize] }
    }

    fn allows(&mut self, object: NodeId) -> bool {
        let audience = self.view.store.graph.audience(object);
        let find = || self.view.allows_audience(audience);
        match self.by_audience.get_mut(audience.0 as usize) {
            Some(known) => *known.get_or_insert_with(find),
            None => find(),
        }
    }

    /// Every audience that was asked about.
    fn found(&self) -> impl Iterator<Item = (AudienceOrdinal, bool)> {
        let numbered = self.by_audience.iter().zip(0..);
        numbered.filter_map(|(known, ordinal)| Some((AudienceOrdinal(ordinal), (*known)?)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MaskKey {
    sets: Vec<u64>,
    collection: u32,
    documents_revision: u64,
    audiences_revision: u64,
}

#[derive(Clone)]
struct CachedMask {
    mask: Arc<ChunkMask>,
    built_at: Timestamp,
    changes_at: Option<Timestamp>,
}

/// What a cached mask takes beside itself.
const ENTRY: usize = 256;

/// Masks by (sets, state of the document table, state of the audiences): a change of a group keeps them all.
pub struct MaskCache {
    cache: ShareCache<MaskKey, CachedMask>,
    numbers: Option<Arc<AudienceNumbers>>,
}

impl MaskCache {
    pub fn new(limits: CacheLimits, numbers: Option<Arc<AudienceNumbers>>) -> Self {
        Self { cache: ShareCache::new(limits), numbers }
    }

    pub fn mask(
        &self,
        view: &CollectionView,
        filter: Option<&MetadataFilter>,
        effort: &Effort,
    ) -> Result<Arc<ChunkMask>, Spent> {
        if filter.is_some() {
            return Ok(Arc::new(view.build(filter, self.numbers.as_deref(), effort)?.0));
        }
        let key = MaskKey {
            sets: view.sets.iter().map(|resolved| resolved.uid).collect(),
            collection: view.state.id,
            documents_revision: view.state.documents_revision,
            audiences_revision: view.store.audiences_revision,
        };
        let holds =
            |cached: &CachedMask| cached.built_at <= view.now && cached.changes_at.is_none_or(|at| view.now < at);
        if let Some(cached) = self.cache.get(&key).filter(holds) {
            return Ok(cached.mask);
        }
        let (mask, changes_at) = view.build(None, self.numbers.as_deref(), effort)?;
        let cached = CachedMask { mask: Arc::new(mask), built_at: view.now, changes_at };
        let described = cached.mask.description().map_or(0, |held| held.allowed.len() + held.denied.len());
        let bytes = (cached.mask.words().len() + described) * 8 + ENTRY;
        self.cache.insert(effort.credential(), key, cached.clone(), bytes);
        Ok(cached.mask)
    }
}
