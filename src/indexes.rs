//! The embedded indexes of all collections: opening, following the operation log, rebuilding.
//!
//! Vectors are written by the commit that names them, and erased by the applier. Keywords follow the catalog's operation
//! log, one applier task per collection, and remember durably how far they got. The log is cut behind them; an index that
//! is damaged, or older than what is left of the log, is filled from the catalog's chunks.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use crate::catalog::collections::CollectionSettings;
use crate::catalog::documents::OperationKind;
use crate::catalog::index_text::IndexText;
use crate::catalog::{Catalog, CatalogError};
use crate::embed::{self, Embedder, Role};
use crate::index::scan::{OpenedScan, ScanConfig};
use crate::index::{Analyser, IndexError, KeywordIndex, KeywordOp, MaskedScan, TantivyKeywords, VectorStore};

/// Folder of a collection's vectors, within its own.
const VECTORS: &str = "vectors";
/// Operations read from the log at once.
const BATCH: u32 = 64;
/// Chunks read at once, when a keyword index is filled from them.
const FILLED_AT_ONCE: u32 = 1024;
/// Beyond the longest query.
const ERASE_MARGIN: Duration = Duration::from_secs(1);
/// Damaged rows computed again at once.
const EMBEDDED_AT_ONCE: usize = 256;

/// Both indexes of one collection.
pub struct CollectionIndexes {
    pub vectors: MaskedScan,
    /// Vectors that were found damaged at opening; see [`Indexes::repair`].
    damaged: Vec<Range<u32>>,
    pub keywords: TantivyKeywords,
    pub analyser: Analyser,
    applied: watch::Sender<u64>,
    /// The last attempt to follow the log failed; another one is coming.
    is_failing: watch::Sender<bool>,
    /// How long a query may still look for chunks that were removed.
    erase_after: Duration,
    wake: Notify,
}

impl CollectionIndexes {
    fn open(
        folder: &Path,
        settings: &CollectionSettings,
        chunks: u32,
        scan: ScanConfig,
        erase_after: Duration,
    ) -> Result<Self, IndexError> {
        let analyser = Analyser::by_name(&settings.analyser)
            .ok_or_else(|| IndexError::OtherFormat { path: folder.join("keywords") })?;
        let opened = MaskedScan::open(&folder.join(VECTORS), settings.dimensions, chunks, scan)?;
        let keywords = open_keywords(&folder.join("keywords"), analyser.name())?;
        let applied = watch::Sender::new(keywords.position()?);
        let is_failing = watch::Sender::new(false);
        Ok(Self {
            vectors: opened.store,
            damaged: opened.damaged,
            keywords,
            analyser,
            applied,
            is_failing,
            erase_after,
            wake: Notify::new(),
        })
    }

    /// Position of the operation log that searches see.
    pub fn applied(&self) -> u64 {
        *self.applied.borrow()
    }

    /// Waits until the operation is visible to searches; says no as soon as the log can't be followed at present.
    pub async fn at_least(&self, position: u64) -> bool {
        let (mut applied, mut failing) = (self.applied.subscribe(), self.is_failing.subscribe());
        // The senders live as long as `self`, so waiting can't fail.
        tokio::select! {
            biased;
            _ = applied.wait_for(|current| *current >= position) => true,
            _ = failing.wait_for(|is_failing| *is_failing) => false,
        }
    }

    /// Tells the applier that the log has grown.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// A damaged keyword index is replaced by an empty one, which the applier fills from the log.
fn open_keywords(folder: &Path, analyser: &str) -> Result<TantivyKeywords, IndexError> {
    if !folder.exists() {
        return TantivyKeywords::create(folder, analyser);
    }
    match TantivyKeywords::open(folder, analyser) {
        Err(IndexError::DamagedKeywords { path, source }) => {
            tracing::warn!(path = %path.display(), cause = source.map(|s| s.to_string()), "rebuilding a keyword index");
            std::fs::remove_dir_all(folder)
                .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
                .map_err(|source| IndexError::Io { action: "remove", path: folder.to_owned(), source })?;
            TantivyKeywords::create(folder, analyser)
        }
        other => other,
    }
}

/// The indexes of every collection, by the collection's number.
pub struct Indexes {
    folder: PathBuf,
    /// One for all collections: its helper threads are shared.
    scan: ScanConfig,
    erase_after: Duration,
    open: RwLock<HashMap<u32, Arc<CollectionIndexes>>>,
    /// Counts changes of `open`, for the task that keeps an applier for each.
    changed: watch::Sender<u64>,
}

impl Indexes {
    /// `longest_query` is the longest time that a query may go on with an older state than the newest.
    pub fn new(folder: PathBuf, longest_query: Duration) -> Self {
        let erase_after = longest_query + ERASE_MARGIN;
        let (open, changed) = (RwLock::default(), watch::Sender::new(0));
        Self { folder, scan: ScanConfig::default(), erase_after, open, changed }
    }

    fn folder_of(&self, collection: u32) -> PathBuf {
        self.folder.join(collection.to_string())
    }

    /// Opens the indexes of a collection that holds `chunks` chunk ordinals.
    pub fn open(&self, collection: u32, settings: &CollectionSettings, chunks: u32) -> Result<(), IndexError> {
        let folder = self.folder_of(collection);
        let indexes = CollectionIndexes::open(&folder, settings, chunks, self.scan.clone(), self.erase_after)?;
        self.open.write().insert(collection, Arc::new(indexes));
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Makes empty indexes for a new collection; leftovers of a creation that was not committed are removed.
    pub fn create(&self, collection: u32, settings: &CollectionSettings) -> Result<(), IndexError> {
        self.remove(collection);
        self.open(collection, settings, 0)
    }

    /// Opens a collection's vectors alone, where nothing is served: to move them.
    ///
    /// # Errors
    /// When they were made with other dimensions or are in use; I/O.
    pub fn open_vectors(
        &self,
        collection: u32,
        settings: &CollectionSettings,
        chunks: u32,
    ) -> Result<OpenedScan, IndexError> {
        let folder = self.folder_of(collection).join(VECTORS);
        std::fs::create_dir_all(&folder).map_err(|source| IndexError::Io {
            action: "make",
            path: folder.clone(),
            source,
        })?;
        MaskedScan::open(&folder, settings.dimensions, chunks, self.scan.clone())
    }

    pub fn get(&self, collection: u32) -> Option<Arc<CollectionIndexes>> {
        self.open.read().get(&collection).cloned()
    }

    /// Forgets a collection's indexes and removes their files.
    pub fn remove(&self, collection: u32) {
        if self.open.write().remove(&collection).is_some() {
            self.changed.send_modify(|count| *count += 1);
        }
        if let Err(error) = std::fs::remove_dir_all(self.folder_of(collection))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(collection, %error, "could not remove the files of a removed collection");
        }
    }

    /// Removes what the creation or removal of a collection left behind when it was cut short.
    pub fn remove_unknown(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for number in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
            if !self.open.read().contains_key(&number) {
                self.remove(number);
            }
        }
    }

    /// Writes vectors durably, ahead of the commit that names them.
    pub async fn append_vectors(&self, collection: u32, first: u32, rows: Vec<f32>) -> Result<(), IndexError> {
        let Some(indexes) = self.get(collection) else { return Ok(()) };
        let write = move || indexes.vectors.append(first, &rows);
        tokio::task::spawn_blocking(write).await.unwrap_or(Err(IndexError::Stopped))
    }

    /// Computes damaged vectors again from the catalog's text. Those of chunks that are gone become zeros.
    ///
    /// # Errors
    /// When the catalog or the embedder fails; searches that need the rows fail until it succeeds.
    pub async fn repair(
        &self,
        catalog: &Catalog,
        collection: u32,
        embedder: &Arc<dyn Embedder>,
    ) -> Result<(), FollowError> {
        let Some(indexes) = self.get(collection) else { return Ok(()) };
        for range in &indexes.damaged {
            tracing::warn!(collection, first = range.start, end = range.end, "computing damaged vectors again");
            for first in range.clone().step_by(EMBEDDED_AT_ONCE) {
                let count = (range.end - first).min(EMBEDDED_AT_ONCE as u32);
                let mut rows = vec![0.0; count as usize * embedder.dimensions()];
                let mut tx = catalog.read().await?;
                for text in catalog.index_texts(&mut tx, collection, first, count).await? {
                    let row = embed::rows(embedder.as_ref(), &[text.with(str::to_owned)], Role::Passage).await?;
                    let at = (text.chunk - first) as usize * embedder.dimensions();
                    if let Some(place) = rows.get_mut(at..at + embedder.dimensions()).filter(|p| p.len() == row.len()) {
                        place.copy_from_slice(&row);
                    }
                }
                let target = indexes.clone();
                tokio::task::spawn_blocking(move || target.vectors.repair(first, &rows))
                    .await
                    .unwrap_or(Err(IndexError::Stopped))?;
            }
        }
        Ok(())
    }

    /// Erases the vectors of all chunks below `committed` that are not live, as far as their removal did not, and gives
    /// their space back. `live` is ascending.
    ///
    /// # Errors
    /// I/O.
    pub fn erase_dead(
        &self,
        collection: u32,
        live: impl Iterator<Item = Range<u32>>,
        committed: u32,
    ) -> Result<(), IndexError> {
        let Some(indexes) = self.get(collection) else { return Ok(()) };
        let mut from = 0;
        for range in live.chain(std::iter::once(committed..committed)) {
            indexes.vectors.erase(from..range.start.max(from))?;
            from = from.max(range.end);
        }
        indexes.vectors.compact(committed).map(|_| ())
    }

    /// Wakes the appliers of all collections.
    pub fn wake_all(&self) {
        self.open.read().values().for_each(|indexes| indexes.wake());
    }

    /// Runs one applier per collection, also for those that are created later, until cancelled.
    pub async fn follow(self: Arc<Self>, catalog: Catalog) {
        let mut running: HashMap<u32, Applier> = HashMap::new();
        let mut changed = self.changed.subscribe();
        loop {
            let open: Vec<_> = self.open.read().iter().map(|(id, indexes)| (*id, indexes.clone())).collect();
            // A number can come again with other indexes, when the first creation was not committed.
            running.retain(|id, applier| {
                let is_same = |(other, indexes): &(u32, _)| other == id && Arc::ptr_eq(indexes, &applier.indexes);
                !applier.task.is_finished() && open.iter().any(is_same)
            });
            for (id, indexes) in open {
                running.entry(id).or_insert_with(|| Applier {
                    task: tokio::spawn(follow_log(catalog.clone(), id, indexes.clone())),
                    indexes,
                });
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

/// A task that ends with its handle.
struct Applier {
    indexes: Arc<CollectionIndexes>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Applier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Applies the operation log of one collection as it grows.
async fn follow_log(catalog: Catalog, collection: u32, indexes: Arc<CollectionIndexes>) {
    let mut dead = Dead::new();
    loop {
        erase_due(&catalog, collection, &indexes, &mut dead).await;
        match apply_batch(&catalog, collection, &indexes, &mut dead).await {
            Ok(true) => {
                indexes.is_failing.send_replace(false);
            }
            Ok(false) => {
                // A wake-up between the read and this line is kept by `Notify`; the time-out covers the rest.
                let _ = tokio::time::timeout(Duration::from_secs(5), indexes.wake.notified()).await;
            }
            Err(error) => {
                indexes.is_failing.send_replace(true);
                tracing::error!(collection, %error, "the keyword index can't follow the log; trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Embed(#[from] crate::embed::EmbedError),
}

/// Applies the next operations; says whether there were any.
async fn apply_batch(
    catalog: &Catalog,
    collection: u32,
    indexes: &Arc<CollectionIndexes>,
    dead: &mut Dead,
) -> Result<bool, FollowError> {
    // Operations and texts from one state: an operation whose text is not there yet would be applied as nothing.
    let mut tx = catalog.read().await?;
    let cut = catalog.operations_cut(&mut tx, collection).await?;
    if indexes.applied() < cut {
        drop(tx);
        return fill(catalog, collection, indexes, cut).await.map(|()| true);
    }
    let rows = catalog.operations(&mut tx, collection, indexes.applied(), BATCH).await?;
    let Some(last) = rows.last().map(|row| row.sequence) else { return Ok(false) };
    let (mut operations, mut removed) = (Vec::new(), Vec::new());
    for row in rows {
        match row.kind {
            OperationKind::Remove => {
                let chunks = row.first_chunk..row.first_chunk + row.chunk_count;
                operations.push(KeywordOp::Remove { chunks: chunks.clone() });
                removed.push(chunks);
            }
            OperationKind::Add => {
                for text in catalog.index_texts(&mut tx, collection, row.first_chunk, row.chunk_count).await? {
                    operations.push(add(indexes, &text));
                }
            }
        }
    }
    let target = indexes.clone();
    tokio::task::spawn_blocking(move || target.keywords.apply(&operations, last))
        .await
        .unwrap_or(Err(IndexError::Stopped))?;
    indexes.applied.send_replace(last);
    dead.extend(removed.into_iter().map(|chunks| (Instant::now(), chunks)));
    Ok(true)
}

/// Vectors of chunks that were removed, with the time of it, oldest first.
type Dead = VecDeque<(Instant, Range<u32>)>;

/// Erases vectors that no query can be looking for any more. What fails here is made up for by the next start.
async fn erase_due(catalog: &Catalog, collection: u32, indexes: &Arc<CollectionIndexes>, dead: &mut Dead) {
    let count = dead.iter().take_while(|(since, _)| since.elapsed() >= indexes.erase_after).count();
    if count == 0 {
        return;
    }
    let mut due: Vec<Range<u32>> = dead.drain(..count).map(|(_, chunks)| chunks).collect();
    // Neighbours in one piece: each piece waits for the disk.
    due.sort_by_key(|chunks| chunks.start);
    due.dedup_by(|next, last| {
        let is_near = next.start <= last.end;
        last.end = if is_near { last.end.max(next.end) } else { last.end };
        is_near
    });
    // Chunks below this are committed: nothing appends there any more.
    let Ok((_, committed)) = catalog.next_ordinals(collection).await else { return };
    let target = indexes.clone();
    let erase = move || {
        due.into_iter().try_for_each(|chunks| target.vectors.erase(chunks))?;
        target.vectors.compact(committed).map(|_| ())
    };
    if let Err(error) = tokio::task::spawn_blocking(erase).await.unwrap_or(Err(IndexError::Stopped)) {
        tracing::warn!(collection, %error, "vectors of removed chunks could not be erased yet");
    }
}

fn add(indexes: &CollectionIndexes, text: &IndexText) -> KeywordOp {
    KeywordOp::Add { chunk: text.chunk, tokens: text.with(|text| indexes.analyser.tokens(text)) }
}

/// Fills a keyword index with the live chunks, as if it had followed the log up to where it was cut. What the log still
/// holds is applied after it, and adding or removing a chunk twice changes nothing.
async fn fill(
    catalog: &Catalog,
    collection: u32,
    indexes: &Arc<CollectionIndexes>,
    cut: u64,
) -> Result<(), FollowError> {
    tracing::info!(collection, "filling a keyword index from the catalog's chunks");
    let apply = async |operations: Option<Vec<KeywordOp>>, position: u64| {
        let target = indexes.clone();
        let work = move || match operations {
            Some(operations) => target.keywords.apply(&operations, position),
            None => target.keywords.clear(),
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(IndexError::Stopped))
    };
    apply(None, 0).await?;
    let (_, chunks) = catalog.next_ordinals(collection).await?;
    for first in (0..chunks).step_by(FILLED_AT_ONCE as usize) {
        let mut tx = catalog.read().await?;
        let texts = catalog.index_texts(&mut tx, collection, first, FILLED_AT_ONCE).await?;
        drop(tx);
        let operations: Vec<_> = texts.iter().map(|text| add(indexes, text)).collect();
        if !operations.is_empty() {
            // Not yet where the log begins: after a crash it is filled again.
            apply(Some(operations), 0).await?;
        }
    }
    apply(Some(Vec::new()), cut).await?;
    indexes.applied.send_replace(cut);
    Ok(())
}
