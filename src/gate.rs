//! The one gate: text reaches a caller only through a value that is made here.
//!
//! Every route that returns text (query, document reads, neighbours, recheck) brings candidates and gets
//! [`VerifiedChunk`]s or a [`VerifiedDocument`] back; only these open the catalog's text. Verification asks the newest
//! snapshot, whatever snapshot found the candidates: current version, not parked, not expired, every subject of the
//! reader allowed on document and section. Where an OpenFGA server owns the tuples, it is asked as well, about each
//! object by its own id. What fails is simply absent. No code outside this module can make a verified value.

pub mod text;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::authority::{Authority, AuthorityError, CollectionView, View};
use crate::authz::NodeId;
use crate::index::ChunkKey;
use crate::snapshot::names::ChunkKeys;
use crate::snapshot::{DocumentEntry, Published, SectionEntry};

/// Documents of a list that are looked at in one go.
const SLICE: usize = 4_096;

/// A chunk that a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Candidate {
    pub collection: u32,
    pub chunk: u32,
}

/// A chunk of the current version of a document, readable by the reader at the newest snapshot. Only [`Gate::verify`] makes
/// one, and only for one of them is there text:
///
/// ```
/// # use usher::{authority::View, catalog::Catalog, gate::{Candidate, Gate}};
/// async fn read(catalog: &Catalog, gate: &Gate, view: &View, found: Candidate) -> usize {
///     let Ok(verified) = gate.verify(view, &[found]).await else { return 0 };
///     catalog.passages(&verified).await.map_or(0, |passages| passages.len())
/// }
/// ```
/// What a search found is not enough:
/// ```compile_fail,E0308
/// # use usher::{catalog::Catalog, gate::Candidate};
/// async fn read(catalog: &Catalog, found: Candidate) -> usize {
///     catalog.passages(&[found]).await.map_or(0, |passages| passages.len())
/// }
/// ```
/// and none can be made by hand:
/// ```compile_fail,E0451
/// # use usher::gate::{Candidate, VerifiedChunk};
/// fn forge(found: Candidate) -> VerifiedChunk {
///     VerifiedChunk { collection: found.collection, ordinal: found.chunk, key: [0; 16], document: 0, number: 0, hidden: 0 }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct VerifiedChunk {
    collection: u32,
    ordinal: u32,
    number: u32,
    key: ChunkKey,
    document: Arc<DocumentEntry>,
    /// Bytes of the document's text that the reader may not see, ascending.
    hidden: Arc<[Range<usize>]>,
}

impl VerifiedChunk {
    pub fn collection(&self) -> u32 {
        self.collection
    }

    pub fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// Number of the chunk within its document.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn key(&self) -> &ChunkKey {
        &self.key
    }

    pub fn candidate(&self) -> Candidate {
        Candidate { collection: self.collection, chunk: self.ordinal }
    }

    pub fn document_id(&self) -> &str {
        &self.document.id
    }

    pub fn version(&self) -> u64 {
        self.document.version
    }

    /// As in [`VerifiedDocument::hidden_spans`].
    pub fn hidden_spans(&self) -> &[Range<usize>] {
        &self.hidden
    }

    /// Whether `searched`, an earlier view of the same reader, shows the chunk and the same of what is around it as
    /// `verified`, on which it was verified.
    pub fn is_as_in(&self, searched: &View, verified: &View) -> bool {
        let (Some(then), Some(now)) = (searched.collection(self.collection), verified.collection(self.collection))
        else {
            return false;
        };
        let is_same = then.state.document_of_chunk(self.ordinal).is_some_and(|held| Arc::ptr_eq(held, &self.document));
        is_same
            && then.may_read_chunk(&self.document, self.number)
            && then.hidden_spans(&self.document, |_| true) == now.hidden_spans(&self.document, |_| true)
    }

    /// Whether what is stored beside the chunk says nothing about restricted parts that it lies outside of.
    pub fn is_apart(&self) -> bool {
        self.document.is_apart()
    }
}

/// A document that the reader may read, with the spans that it may not.
#[derive(Debug, Clone)]
pub struct VerifiedDocument {
    collection: u32,
    document: Arc<DocumentEntry>,
    hidden: Arc<[Range<usize>]>,
}

impl VerifiedDocument {
    pub fn collection(&self) -> u32 {
        self.collection
    }

    pub fn ordinal(&self) -> u32 {
        self.document.ordinal
    }

    pub fn version(&self) -> u64 {
        self.document.version
    }

    pub fn id(&self) -> &str {
        &self.document.id
    }

    /// Bytes of the text that the reader may not see, ascending.
    pub fn hidden_spans(&self) -> &[Range<usize>] {
        &self.hidden
    }
}

/// Makes verified values, and is the only one that can.
pub struct Gate {
    authority: Arc<Authority>,
    keys: ChunkKeys,
    published: Arc<Published>,
}

impl Gate {
    pub fn new(authority: Arc<Authority>, keys: ChunkKeys, published: Arc<Published>) -> Self {
        Self { authority, keys, published }
    }

    /// Lets through the candidates that the reader of `view` may read, in their order. `view` is of the newest snapshot;
    /// where a server owns the tuples, it is asked as well.
    ///
    /// # Errors
    /// When the server gives no answer: then nothing passes.
    pub async fn verify(&self, view: &View, candidates: &[Candidate]) -> Result<Vec<VerifiedChunk>, AuthorityError> {
        let admitted = self.admit(view, candidates);
        let mut asked = Questions::default();
        for chunk in &admitted {
            if let Some(of) = view.collection(chunk.collection) {
                asked.add(of, chunk.document.node);
                // All sections: those that are hidden move the place of what comes after them.
                asked.extend(of, chunk.document.sections.iter().filter(|section| of.may_read_section(section)));
            }
        }
        let Some(confirmed) = self.confirm(view, asked).await? else { return Ok(admitted) };
        let confirm = |chunk: VerifiedChunk| {
            let (before, after) = (view.collection(chunk.collection)?, confirmed.after.collection(chunk.collection)?);
            let holds = confirmed.allows(before, chunk.document.node)
                && chunk.document.section_of(chunk.number).is_none_or(|s| confirmed.allows(before, s.node))
                && current_document(after, chunk.ordinal).is_some_and(|now| Arc::ptr_eq(now, &chunk.document))
                && after.may_read_chunk(&chunk.document, chunk.number);
            let is_open =
                |section: &SectionEntry| after.may_read_section(section) && confirmed.allows(before, section.node);
            holds.then(|| VerifiedChunk { hidden: before.hidden_spans(&chunk.document, is_open), ..chunk })
        };
        Ok(admitted.into_iter().filter_map(confirm).collect())
    }

    /// What the view itself lets through.
    fn admit(&self, view: &View, candidates: &[Candidate]) -> Vec<VerifiedChunk> {
        let admit = |candidate: &Candidate| {
            let of = view.collection(candidate.collection)?;
            let document = current_document(of, candidate.chunk)?;
            let number = candidate.chunk.checked_sub(document.first_chunk)?;
            let passes = crate::mutants::active("skip_verification")
                || crate::mutants::active("trust_the_searchs_audience") && !document.is_hidden(view.now)
                || of.may_read_chunk(document, number);
            passes.then(|| VerifiedChunk {
                collection: candidate.collection,
                ordinal: candidate.chunk,
                number,
                key: self.keys.key(candidate.collection, &document.id, document.version, document.place(number)),
                hidden: of.hidden_spans(document, |_| true),
                document: document.clone(),
            })
        };
        candidates.iter().filter_map(admit).collect()
    }

    /// The chunks before and after a verified one, at most so many on each side, in the order of the document, each verified
    /// for itself. What the reader may not see is passed over, as if it were not there.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub async fn verify_neighbours(
        &self,
        view: &View,
        chunk: &VerifiedChunk,
        on_each_side: usize,
    ) -> Result<Vec<VerifiedChunk>, AuthorityError> {
        let Some(of) = view.collection(chunk.collection) else { return Ok(Vec::new()) };
        let document = &chunk.document;
        let is_blind = crate::mutants::active("neighbours_end_at_hidden_parts");
        let is_hidden = |section: &&SectionEntry| !(is_blind || of.may_read_section(section));
        let hidden_part = |number: &u32| document.section_of(*number).filter(is_hidden);
        let previous = |number: &u32| {
            let mut before = number.checked_sub(1);
            while let Some(part) = before.as_ref().and_then(hidden_part) {
                before = part.first.checked_sub(1);
            }
            before
        };
        let next = |number: &u32| {
            let mut after = number + 1;
            while let Some(part) = hidden_part(&after) {
                after = part.first + part.count;
            }
            Some(after).filter(|number| *number < document.chunk_count)
        };
        let before = std::iter::successors(previous(&chunk.number), previous).take(on_each_side);
        let mut numbers: Vec<u32> = before.collect();
        numbers.reverse();
        numbers.extend(std::iter::successors(next(&chunk.number), next).take(on_each_side));
        let neighbours: Vec<_> = numbers
            .into_iter()
            .map(|number| Candidate { collection: chunk.collection, chunk: document.first_chunk + number })
            .collect();
        self.verify(view, &neighbours).await
    }

    /// The document, if the reader of `view` may read it; hidden and absent are the same.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub async fn verify_document(
        &self,
        view: &View,
        collection: &str,
        id: &str,
    ) -> Result<Option<VerifiedDocument>, AuthorityError> {
        let Some(of) = view.collections.iter().find(|of| *of.state.name == *collection) else { return Ok(None) };
        let found = of.state.document_by_id(id).cloned().into_iter().collect();
        Ok(self.verified(view, of, found).await?.pop())
    }

    /// The documents of a collection that the reader of `view` may read, from number `from` on, at most `limit`; none of
    /// a collection that is beyond its reach.
    ///
    /// # Errors
    /// As [`Self::verify`], and when it takes more than the view's effort.
    pub async fn verify_documents(
        &self,
        view: &View,
        collection: &str,
        from: u32,
        limit: usize,
    ) -> Result<Vec<VerifiedDocument>, AuthorityError> {
        let mut all = Vec::new();
        let Some(of) = view.collections.iter().find(|of| *of.state.name == *collection) else { return Ok(all) };
        let mut next = Some(from);
        while let Some(from) = next.take().filter(|_| all.len() < limit) {
            // A reader of little passes over much: a slice at a time, between which others have their turn.
            let mut found = Vec::new();
            for document in of.state.documents_from(from).take(SLICE) {
                next = Some(document.ordinal + 1);
                if of.may_read_document(document) {
                    found.push(document.clone());
                    if all.len() + found.len() == limit {
                        break;
                    }
                }
            }
            view.spend(SLICE as u64)?;
            all.extend(self.verified(view, of, found).await?);
            tokio::task::yield_now().await;
        }
        Ok(all)
    }

    /// Those of the documents that the reader may read, with the spans that it may not.
    async fn verified(
        &self,
        view: &View,
        of: &CollectionView,
        mut documents: Vec<Arc<DocumentEntry>>,
    ) -> Result<Vec<VerifiedDocument>, AuthorityError> {
        documents.retain(|document| of.may_read_document(document));
        let mut asked = Questions::default();
        for document in &documents {
            asked.add(of, document.node);
            asked.extend(of, document.sections.iter().filter(|section| of.may_read_section(section)));
        }
        let confirmed = self.confirm(view, asked).await?;
        let is_open = |node| confirmed.as_ref().is_none_or(|confirmed| confirmed.allows(of, node));
        if let Some(confirmed) = &confirmed {
            let after = confirmed.after.collection(of.state.id);
            documents.retain(|document| {
                let now = after.and_then(|after| Some((after, after.state.document_by_id(&document.id)?)));
                let holds = now.is_some_and(|(after, now)| Arc::ptr_eq(now, document) && after.may_read_document(now));
                holds && is_open(document.node)
            });
        }
        let verify = |document: Arc<DocumentEntry>| {
            let hidden = of.hidden_spans(&document, |section| is_open(section.node));
            VerifiedDocument { collection: of.state.id, document, hidden }
        };
        Ok(documents.into_iter().map(verify).collect())
    }

    /// Asks the server that owns the tuples about every object, by its own id; absent where no server owns them. The
    /// state is looked at once more afterwards: what changed while the server answered is not confirmed.
    async fn confirm(&self, view: &View, asked: Questions) -> Result<Option<Confirmed>, AuthorityError> {
        let Some(external) = self.authority.external() else { return Ok(None) };
        if crate::mutants::active("trust_the_mirror") {
            return Ok(None);
        }
        let asks = view.reader().subjects.first().map(ToString::to_string).unwrap_or_default();
        crate::pause::at("gate.asked", &asks).await;
        let mut allowed = HashSet::new();
        let mut own = HashSet::new();
        for (collection, objects) in asked.by_collection {
            let Some(of) = view.collection(collection) else { continue };
            if *of.state.settings.store != *external.store {
                own.insert(collection);
                continue;
            }
            let model = of.store().latest_model().ok_or(AuthorityError::NoModel)?;
            let objects = objects.into_iter().collect();
            let subjects = &view.reader().subjects;
            let answer =
                external.confirmed(model.id(), &of.state.binding.relation, objects, subjects, of.context()).await?;
            allowed.extend(answer.into_iter().map(|object| (collection, object)));
        }
        crate::pause::at("gate.answered", &asks).await;
        let is_blind = crate::mutants::active("skip_the_second_look");
        let after = if is_blind { view.snapshot.clone() } else { self.published.load() };
        let after = self.authority.renewed_aside(view, after).await?;
        Ok(Some(Confirmed { allowed, own, after }))
    }
}

/// Objects to ask the server about, by collection.
#[derive(Default)]
struct Questions {
    by_collection: BTreeMap<u32, BTreeSet<String>>,
}

impl Questions {
    fn add(&mut self, of: &CollectionView, node: NodeId) {
        let name = of.store().graph.object(node).map(|object| object.to_string());
        self.by_collection.entry(of.state.id).or_default().extend(name);
    }

    fn extend<'a>(&mut self, of: &CollectionView, sections: impl IntoIterator<Item = &'a SectionEntry>) {
        sections.into_iter().for_each(|section| self.add(of, section.node));
    }
}

/// What the server said, and the state after it said so.
struct Confirmed {
    allowed: HashSet<(u32, String)>,
    /// Collections whose tuples the catalog owns: the view decides alone.
    own: HashSet<u32>,
    after: View,
}

impl Confirmed {
    fn allows(&self, of: &CollectionView, node: NodeId) -> bool {
        let name = of.store().graph.object(node).map(|object| object.to_string());
        self.own.contains(&of.state.id) || name.is_some_and(|name| self.allowed.contains(&(of.state.id, name)))
    }
}

/// The document whose current version holds the chunk; a chunk of an older version has none.
fn current_document(view: &CollectionView, chunk: u32) -> Option<&Arc<DocumentEntry>> {
    view.state.document_of_chunk(chunk)
}
