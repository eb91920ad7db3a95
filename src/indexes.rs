//! The indexes of all collections: opening, following the operation log, rebuilding.
//!
//! Where one process owns the catalog, vectors are written by the commit that names them. Where several share it, the
//! catalog keeps them, and they follow its operation log as keywords always do: one applier task per collection, which
//! remembers durably how far it got. The log is cut behind it; an index that is damaged, or older than what is left of
//! the log, is filled from the catalog's chunks.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use crate::catalog::Catalog;
use crate::catalog::collections::CollectionSettings;
use crate::embed::Embedder;
use crate::index::qdrant::{Connection, QdrantCollection};
use crate::index::scan::{OpenedScan, ScanConfig};
use crate::index::{Analyser, ChunkKey, ChunkMask, IndexError, KeywordIndex, MaskedScan, Scored, VectorStore, Work};

mod follow;
mod local;
mod remote;

pub use follow::FollowError;
pub use local::Local;
pub use remote::{ChunkSource, Lease, Reconciled};

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
pub enum Place {
    /// In this process's files.
    Files(VectorHome),
    /// In Qdrant, for the instance with this name.
    Qdrant { connection: Connection, instance: String },
}

/// Both indexes of one collection.
pub struct CollectionIndexes {
    pub analyser: Analyser,
    pub engine: Engine,
    applied: watch::Sender<u64>,
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
    fn new(analyser: Analyser, engine: Engine, applied: u64) -> Self {
        let (applied, is_failing) = (watch::Sender::new(applied), watch::Sender::new(false));
        Self { analyser, engine, applied, is_failing, wake: Notify::new() }
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
        depth: usize,
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

    /// Tells the applier that the log has grown.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// The indexes of every collection, by the collection's number.
pub struct Indexes {
    folder: PathBuf,
    /// One for all collections: its helper threads are shared.
    scan: ScanConfig,
    erase_after: Duration,
    place: Place,
    open: RwLock<HashMap<u32, Arc<CollectionIndexes>>>,
    /// Counts changes of `open`, for the task that keeps an applier for each.
    changed: watch::Sender<u64>,
}

impl Indexes {
    /// `longest_query` is the longest time that a query may go on with an older state than the newest.
    pub fn new(folder: PathBuf, longest_query: Duration, place: Place) -> Self {
        let erase_after = longest_query + ERASE_MARGIN;
        let (open, changed) = (RwLock::default(), watch::Sender::new(0));
        Self { folder, scan: ScanConfig::default(), erase_after, place, open, changed }
    }

    /// Where commits put vectors.
    pub fn home(&self) -> VectorHome {
        match self.place {
            Place::Files(home) => home,
            Place::Qdrant { .. } => VectorHome::Catalog,
        }
    }

    /// Whether an index keeps audiences and metadata beside each chunk, and has to be told when they change.
    pub fn keep_audiences(&self) -> bool {
        matches!(self.place, Place::Qdrant { .. })
    }

    fn folder_of(&self, collection: u32) -> PathBuf {
        self.folder.join(collection.to_string())
    }

    /// Opens the indexes of a collection that holds `chunks` chunk ordinals.
    pub fn open(&self, collection: u32, settings: &CollectionSettings, chunks: u32) -> Result<(), IndexError> {
        let folder = self.folder_of(collection);
        let analyser = Analyser::by_name(&settings.analyser)
            .ok_or_else(|| IndexError::OtherFormat { path: folder.join("keywords") })?;
        let (engine, applied) = match &self.place {
            Place::Files(home) => {
                let opened = MaskedScan::open(&folder.join(VECTORS), settings.dimensions, chunks, self.scan.clone())?;
                let local = Local::open(&folder, &analyser, opened, self.erase_after, *home)?;
                let applied = local.keywords.position()?;
                (Engine::Local(Arc::new(local)), applied)
            }
            Place::Qdrant { connection, instance } => {
                let made = QdrantCollection::new(connection.clone(), collection, instance, settings.dimensions);
                (Engine::Qdrant(Arc::new(made)), 0)
            }
        };
        self.open.write().insert(collection, Arc::new(CollectionIndexes::new(analyser, engine, applied)));
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
        if let Some(gone) = self.open.write().remove(&collection) {
            self.changed.send_modify(|count| *count += 1);
            if let Engine::Qdrant(points) = &gone.engine {
                let points = points.clone();
                tokio::spawn(async move {
                    if let Err(error) = points.remove().await {
                        tracing::warn!(alias = points.alias(), %error, "could not remove a collection from Qdrant");
                    }
                });
            }
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
        let Some(local) = self.get(collection).and_then(|indexes| indexes.local().cloned()) else { return Ok(()) };
        let write = move || local.vectors.append(first, &rows);
        tokio::task::spawn_blocking(write).await.unwrap_or(Err(IndexError::Stopped))
    }

    /// Makes damaged and missing vectors of local files again, from the catalog's vectors or from its text. Those of
    /// chunks that are gone become zeros.
    ///
    /// # Errors
    /// When the catalog or the embedder fails; searches that need the rows fail until it succeeds.
    pub async fn repair(
        &self,
        catalog: &Catalog,
        collection: u32,
        embedder: &Arc<dyn Embedder>,
    ) -> Result<(), FollowError> {
        match self.get(collection).and_then(|indexes| indexes.local().cloned()) {
            Some(local) => follow::repair(catalog, collection, &local, embedder).await,
            None => Ok(()),
        }
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
        let Some(local) = self.get(collection).and_then(|indexes| indexes.local().cloned()) else { return Ok(()) };
        let committed = committed.min(local.vectors.len());
        let mut from = 0;
        for range in live.chain(std::iter::once(committed..committed)) {
            local.vectors.erase(from..range.start.max(from))?;
            from = from.max(range.end);
        }
        local.vectors.compact(committed).map(|_| ())
    }

    /// Wakes the appliers of all collections.
    pub fn wake_all(&self) {
        self.open.read().values().for_each(|indexes| indexes.wake());
    }

    /// Runs one applier per collection, also for those that are created later, until cancelled.
    pub async fn follow(self: Arc<Self>, catalog: Catalog, source: Arc<dyn ChunkSource>, lease: Arc<dyn Lease>) {
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
                running.entry(id).or_insert_with(|| {
                    let task = match &indexes.engine {
                        Engine::Local(local) => {
                            tokio::spawn(follow::follow_log(catalog.clone(), id, indexes.clone(), local.clone()))
                        }
                        Engine::Qdrant(points) => {
                            let remote = remote::Applier::new(
                                id,
                                catalog.clone(),
                                indexes.clone(),
                                points.clone(),
                                source.clone(),
                            );
                            tokio::spawn(remote.run(lease.clone()))
                        }
                    };
                    Applier { task, indexes }
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
