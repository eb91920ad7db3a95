//! The indexes of all collections: opening, following the operation log, rebuilding.
//!
//! Where one process owns the catalog, vectors are written by the commit that names them. Where several share it, the
//! catalog keeps them, and they follow its operation log as keywords always do: one applier task per collection, which
//! remembers durably how far it got. The log is cut behind it; an index that is damaged, or older than what is left of
//! the log, is filled from the catalog's chunks.
//!
//! A collection that is re-indexed has two pairs of indexes: one is searched, the other follows the log until it can take
//! its place (`reindex.rs`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use crate::catalog::Catalog;
use crate::catalog::collections::{CollectionSettings, Pair};
use crate::index::qdrant::{Connection, QdrantCollection};
use crate::index::scan::{OpenedScan, ScanConfig};
use crate::index::{Analyser, ChunkKey, ChunkMask, Depth, IndexError, KeywordIndex, MaskedScan, Scored, Work};
use crate::lease::Lease;
use crate::limits::Effort;
use crate::progress::Progress;

mod follow;
mod local;
mod opening;
pub mod points;
mod remote;
mod vectors;

pub use follow::IndexFollowError;
pub use local::Local;
use points::Points;

/// Folder of a collection's vectors, within its own.
const VECTORS: &str = "vectors";
/// Beyond the longest query.
const ERASE_MARGIN: Duration = Duration::from_secs(1);

/// Where a vector lies until it is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorHome {
    /// In this process's segment files alone, written ahead of the commit that names it.
    Files,
    /// In the catalog, from where every index that needs it takes it.
    Catalog,
}

/// Where the indexes of all collections are.
pub enum IndexHome {
    /// In this process's files.
    Files(VectorHome),
    /// In Qdrant, for the instance with this name.
    Qdrant { connection: Connection, instance: String },
}

/// One pair of indexes of a collection.
pub struct CollectionIndexes {
    pub pair: Pair,
    pub analyser: Analyser,
    pub engine: Engine,
    applied: watch::Sender<u64>,
    /// While it is filled from the catalog's chunks: the position of the log that this is as good as.
    reached: AtomicU64,
    /// Chunks below this are visible to searches, as far as is known; their numbers ascend with the log.
    shown: watch::Sender<u32>,
    /// It may be far behind, as after an absence, or empty: nothing is searched before it has followed the log once.
    is_behind: AtomicBool,
    /// Since when nobody begins to search it.
    retired: OnceLock<Instant>,
    /// The last attempt to follow the log failed; another one is coming.
    is_failing: watch::Sender<bool>,
    wake: Notify,
}

/// Where the indexes are.
pub enum Engine {
    /// Files of this process.
    Local(Arc<Local>),
    /// A Qdrant collection that all processes share.
    Qdrant(Arc<QdrantCollection>),
}

/// What one search of a collection asks: either leg, or both.
#[derive(Debug, Clone, Default)]
pub struct Legs {
    pub vector: Option<Arc<Vec<f32>>>,
    pub text: Option<String>,
    /// What the searches may still cost.
    pub effort: Effort,
}

/// What the legs found, best first.
#[derive(Debug, Default)]
pub struct Lists {
    pub vector: Option<Vec<Scored>>,
    pub keyword: Option<Vec<Scored>>,
    /// Readable matches may be missing, beyond what the depth cuts off.
    pub is_short: bool,
    pub work: Work,
}

/// A chunk's key, for searches that leave this thread.
pub type SharedKeyOf = Arc<dyn Fn(u32) -> ChunkKey + Send + Sync>;

impl CollectionIndexes {
    fn new(pair: Pair, analyser: Analyser, engine: Engine, applied: u64) -> Self {
        let (applied, is_failing) = (watch::Sender::new(applied), watch::Sender::new(false));
        let shown = watch::Sender::new(0);
        let (is_behind, retired) = (AtomicBool::new(true), OnceLock::new());
        let reached = AtomicU64::new(0);
        Self { pair, analyser, engine, applied, reached, shown, is_behind, retired, is_failing, wake: Notify::new() }
    }

    /// The files, where the indexes are local.
    pub fn local(&self) -> Option<&Arc<Local>> {
        match &self.engine {
            Engine::Local(local) => Some(local),
            Engine::Qdrant(_) => None,
        }
    }

    /// Searches both legs side by side, under the mask.
    ///
    /// # Errors
    /// When a leg fails; there is no list then.
    pub async fn search(
        self: &Arc<Self>,
        legs: Legs,
        mask: Arc<ChunkMask>,
        depth: Depth,
        key: SharedKeyOf,
    ) -> Result<Lists, IndexError> {
        match &self.engine {
            Engine::Local(local) => local.search(&self.analyser, legs, mask, depth, key).await,
            Engine::Qdrant(collection) => remote::search(collection, &self.analyser, legs, &mask, depth, &*key).await,
        }
    }

    /// Position of the operation log that searches see.
    pub fn applied(&self) -> u64 {
        *self.applied.borrow()
    }

    /// How far it is, in positions of the log, for those who watch.
    pub fn reached(&self) -> u64 {
        self.applied().max(self.reached.load(Ordering::Relaxed))
    }

    fn note_reached(&self, position: u64) {
        self.reached.store(position, Ordering::Relaxed);
    }

    /// Position of the log that all is done of, removals too, and durable.
    fn settled(&self) -> u64 {
        match &self.engine {
            Engine::Local(local) => local.keywords.position().unwrap_or_default(),
            Engine::Qdrant(_) => self.applied(),
        }
    }

    /// Whether a search under a state that this is the newest operation of might miss what was removed since.
    pub fn may_be_ahead_of(&self, position: u64) -> bool {
        matches!(self.engine, Engine::Qdrant(_)) && self.applied() > position
    }

    /// Waits until the operation is visible to searches; says no as soon as the log can't be followed at present.
    pub async fn at_least(&self, position: u64) -> bool {
        if let Engine::Qdrant(collection) = &self.engine {
            return remote::at_least(self, collection, position).await;
        }
        let (mut applied, mut failing) = (self.applied.subscribe(), self.is_failing.subscribe());
        // The senders live as long as `self`, so waiting can't fail.
        tokio::select! {
            biased;
            _ = applied.wait_for(|current| *current >= position) => true,
            _ = failing.wait_for(|is_failing| *is_failing) => false,
        }
    }

    /// The log can be followed, whether there was anything in it or not.
    fn follows(&self) {
        self.is_failing.send_if_modified(std::mem::take);
    }

    /// Waits until searches see all chunks up to `last` of a state whose newest operation is at this position; as
    /// [`Self::at_least`]. What else the state has, which somebody else may read, is not waited for.
    pub async fn shows(&self, last: Option<u32>, position: u64) -> bool {
        if self.local().is_none() {
            return self.at_least(position).await;
        }
        let mut shown = self.shown.subscribe();
        tokio::select! {
            biased;
            // The sender lives as long as `self`, so waiting can't fail.
            _ = shown.wait_for(|end| last.is_none_or(|last| last < *end)) => true,
            is_there = self.at_least(position) => is_there,
        }
    }

    /// Waits, once after it was opened, until it holds what the collection had at this position; says no where it can't.
    pub async fn is_filled(&self, position: u64) -> bool {
        if !self.is_behind.load(Ordering::Acquire) {
            return true;
        }
        self.wake();
        let is_filled = self.at_least(position).await;
        if is_filled {
            self.is_behind.store(false, Ordering::Release);
        }
        is_filled
    }

    /// Tells the applier that the log has grown.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// The indexes of every collection.
pub struct Indexes {
    folder: PathBuf,
    /// One for all collections: its helper threads are shared.
    scan: ScanConfig,
    /// How long a query may go on with what nobody begins to search any more.
    pub erase_after: Duration,
    place: IndexHome,
    open: RwLock<BTreeMap<Pair, Arc<CollectionIndexes>>>,
    /// Counts changes of `open`, for the task that keeps an applier for each.
    changed: watch::Sender<u64>,
}

impl Indexes {
    /// `longest_query` is the longest time that a query may go on with an older state than the newest.
    pub fn new(folder: PathBuf, longest_query: Duration, place: IndexHome) -> Self {
        let erase_after = longest_query + ERASE_MARGIN;
        let (open, changed) = (RwLock::default(), watch::Sender::new(0));
        Self { folder, scan: ScanConfig::default(), erase_after, place, open, changed }
    }

    /// Where commits put vectors of the generation that is searched.
    pub fn home(&self) -> VectorHome {
        match self.place {
            IndexHome::Files(home) => home,
            IndexHome::Qdrant { .. } => VectorHome::Catalog,
        }
    }

    /// Whether an index keeps audiences and metadata beside each chunk, and has to be told when they change.
    pub fn keep_audiences(&self) -> bool {
        matches!(self.place, IndexHome::Qdrant { .. })
    }

    fn folder_of(&self, pair: Pair) -> PathBuf {
        self.folder.join(pair.to_string())
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
        let folder = self.folder_of(settings.pair(collection)).join(VECTORS);
        std::fs::create_dir_all(&folder).map_err(|source| IndexError::Io {
            action: "make",
            path: folder.clone(),
            source,
        })?;
        MaskedScan::open(&folder, settings.dimensions, chunks, self.scan.clone(), &Progress::default())
    }

    pub fn get(&self, pair: Pair) -> Option<Arc<CollectionIndexes>> {
        self.open.read().get(&pair).cloned()
    }

    /// What a search under a state that names this pair asks.
    pub fn searched(&self, pair: Pair) -> Option<Arc<CollectionIndexes>> {
        if crate::mutants::active("search_the_newest_pair") {
            return self.pairs_of(pair.collection).into_iter().find(|indexes| indexes.retired.get().is_none());
        }
        self.get(pair)
    }

    /// The files of a pair, where indexes are local.
    fn local(&self, pair: Pair) -> Option<Arc<Local>> {
        self.get(pair)?.local().cloned()
    }

    fn pairs_of(&self, collection: u32) -> Vec<Arc<CollectionIndexes>> {
        let all = Pair { collection, generation: 0 }..=Pair { collection, generation: u32::MAX };
        self.open.read().range(all).map(|(_, indexes)| indexes.clone()).collect()
    }

    /// Up to where no index of a collection that is in use needs the log any more.
    pub fn settled(&self, collection: u32) -> Option<u64> {
        let pairs = self.pairs_of(collection).into_iter().filter(|indexes| indexes.retired.get().is_none());
        pairs.map(|indexes| indexes.settled()).min()
    }

    /// Forgets a collection's indexes and removes them.
    pub fn remove(&self, collection: u32) {
        for gone in self.pairs_of(collection) {
            if let Engine::Qdrant(points) = &gone.engine {
                let points = points.clone();
                tokio::spawn(async move {
                    if let Err(error) = points.remove().await {
                        tracing::warn!(alias = points.alias(), %error, "could not remove a collection from Qdrant");
                    }
                });
            }
            self.forget(gone.pair);
        }
        self.remove_files(Pair { collection, generation: 0 });
    }

    /// Pairs of indexes that there are outside the files, known or not.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn elsewhere(&self) -> Result<Vec<Pair>, IndexError> {
        let IndexHome::Qdrant { connection, .. } = &self.place else { return Ok(Vec::new()) };
        let names = QdrantCollection::names(connection).await?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Removes what another process, or an earlier life of this one, has left of a generation outside the files.
    ///
    /// # Errors
    /// When Qdrant fails.
    pub async fn remove_elsewhere(&self, pair: Pair) -> Result<(), IndexError> {
        match &self.place {
            IndexHome::Files(_) => Ok(()),
            IndexHome::Qdrant { connection, instance } => {
                QdrantCollection::new(connection.clone(), &pair.to_string(), instance, 0).remove().await
            }
        }
    }

    fn forget(&self, pair: Pair) {
        if self.open.write().remove(&pair).is_some() {
            self.changed.send_modify(|count| *count += 1);
        }
        self.remove_files(pair);
    }

    fn remove_files(&self, pair: Pair) {
        if let Err(error) = std::fs::remove_dir_all(self.folder_of(pair))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(indexes = %pair, %error, "could not remove the files of indexes that are gone");
        }
    }

    /// Removes the files that the creation or removal of indexes left behind when it was cut short.
    pub fn remove_unknown(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for pair in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<Pair>().ok()) {
            if self.get(pair).is_none() {
                self.remove_files(pair);
            }
        }
    }

    /// Wakes the appliers of all collections.
    pub fn wake_all(&self) {
        self.open.read().values().for_each(|indexes| indexes.wake());
    }

    /// Runs one applier per pair of indexes, also for those that are opened later, until cancelled; forgets pairs some time
    /// after they were retired.
    pub async fn follow(self: Arc<Self>, catalog: Catalog, source: Arc<Points>, lease: Arc<dyn Lease>) {
        let mut running: BTreeMap<Pair, Follower> = BTreeMap::new();
        let mut changed = self.changed.subscribe();
        loop {
            let open: Vec<_> = self.open.read().values().cloned().collect();
            let retired = open.iter().filter_map(|indexes| Some((indexes.pair, *indexes.retired.get()?)));
            let (due, later): (Vec<_>, Vec<_>) = retired.partition(|(_, since)| since.elapsed() >= self.erase_after);
            if !due.is_empty() {
                // The applier first: it must not write to files that are removed.
                due.iter().for_each(|(pair, _)| drop(running.remove(pair)));
                due.iter().for_each(|(pair, _)| self.forget(*pair));
                continue;
            }
            // A number can come again with other indexes, when the first creation was not committed.
            running.retain(|_, applier| {
                !applier.task.is_finished() && open.iter().any(|indexes| Arc::ptr_eq(indexes, &applier.indexes))
            });
            for indexes in open {
                running.entry(indexes.pair).or_insert_with(|| {
                    let task = match &indexes.engine {
                        Engine::Local(local) => {
                            tokio::spawn(follow::follow_log(catalog.clone(), indexes.clone(), local.clone()))
                        }
                        Engine::Qdrant(points) => {
                            let applier = remote::QdrantFollower::new(
                                catalog.clone(),
                                indexes.clone(),
                                points.clone(),
                                source.clone(),
                            );
                            tokio::spawn(applier.run(lease.clone()))
                        }
                    };
                    Follower { task, indexes }
                });
            }
            let first = later.into_iter().map(|(_, since)| since).min();
            let due = first.map(|since| tokio::time::Instant::from(since + self.erase_after));
            tokio::select! {
                result = changed.changed() => if result.is_err() { return },
                () = tokio::time::sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {}
            }
        }
    }
}

/// A task that ends with its handle.
struct Follower {
    indexes: Arc<CollectionIndexes>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}
