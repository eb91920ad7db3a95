//! Which indexes are open: those of the collections of a snapshot.

use std::sync::Arc;
use std::time::Instant;

use super::{CollectionIndexes, Engine, IndexFollowError, IndexHome, Indexes, Local, VECTORS};
use crate::catalog::collections::{CollectionSettings, NextGeneration};
use crate::catalog::{CatalogTx, vectors};
use crate::index::qdrant::QdrantCollection;
use crate::index::{Analyser, IndexError, KeywordIndex, MaskedScan};
use crate::progress::{Progress, Stage};
use crate::snapshot::Snapshot;

impl Indexes {
    /// Opens the indexes of a process's first snapshot, which is the one that the transaction sees. What lies in the folder
    /// for its collections is this process's own.
    ///
    /// # Errors
    /// When files are damaged or of another form, or the catalog can't be read; I/O.
    pub async fn open_all(
        &self,
        tx: &mut CatalogTx,
        snapshot: &Snapshot,
        progress: &Progress,
    ) -> Result<(), IndexFollowError> {
        let chunks = snapshot.collections.values().map(|collection| u64::from(collection.next_chunk()));
        progress.enter(Stage::Vectors, chunks.sum());
        for collection in snapshot.collections.values() {
            let covered = vectors::next_covered(&mut *tx, collection.id).await?;
            self.open(collection.id, &collection.settings, collection.next_chunk(), covered, progress)?;
        }
        Ok(())
    }

    /// Makes the indexes of collections that `before` did not have, and settles those of collections with other settings.
    ///
    /// # Errors
    /// As [`Self::open_all`].
    pub fn go_on(&self, before: &Snapshot, next: &Snapshot) -> Result<(), IndexError> {
        for collection in next.collections.values() {
            match before.collections.values().find(|held| held.id == collection.id) {
                Some(held) if Arc::ptr_eq(&held.settings, &collection.settings) => {}
                Some(_) => self.settle(collection.id, &collection.settings)?,
                // Whatever lies in the folder under this number is a leftover.
                None => self.create(collection.id, &collection.settings)?,
            }
        }
        Ok(())
    }

    /// Opens the indexes of a collection that holds `chunks` chunk ordinals; the next generation's hold `covered` of them.
    ///
    /// # Errors
    /// When files are damaged or of another form; I/O.
    fn open(
        &self,
        collection: u32,
        settings: &CollectionSettings,
        chunks: u32,
        covered: u32,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        if let Some(form) = settings.form(settings.generations.current) {
            self.open_pair(collection, &form, chunks, progress)?;
        }
        match &settings.generations.next {
            Some(next) => self.open_pair(collection, next, covered, progress),
            None => Ok(()),
        }
    }

    fn open_pair(
        &self,
        collection: u32,
        form: &NextGeneration,
        chunks: u32,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        let pair = form.pair(collection);
        let folder = self.folder_of(pair);
        let analyser = Analyser::by_name(&form.analyser)
            .ok_or_else(|| IndexError::OtherFormat { path: folder.join("keywords") })?;
        let (engine, applied) = match &self.place {
            IndexHome::Files(_) => {
                let opened =
                    MaskedScan::open(&folder.join(VECTORS), form.dimensions, chunks, self.scan.clone(), progress)?;
                let local = Local::open(&folder, &analyser, opened, self.erase_after)?;
                let applied = local.keywords.position()?;
                (Engine::Local(Arc::new(local)), applied)
            }
            IndexHome::Qdrant { connection, instance } => {
                let made = QdrantCollection::new(connection.clone(), &pair.to_string(), instance, form.dimensions);
                (Engine::Qdrant(Arc::new(made)), 0)
            }
        };
        let indexes = CollectionIndexes::new(pair, analyser, engine, applied);
        self.open.write().insert(pair, Arc::new(indexes));
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Makes empty indexes for a new collection; leftovers of a creation that was not committed are removed.
    ///
    /// # Errors
    /// As [`Self::open_all`].
    pub fn create(&self, collection: u32, settings: &CollectionSettings) -> Result<(), IndexError> {
        self.remove(collection);
        self.open(collection, settings, 0, 0, &Progress::default())
    }

    /// Opens the next generation's indexes, empty, where they are not open yet, and retires all but that and the current
    /// one.
    ///
    /// # Errors
    /// As [`Self::open_all`].
    pub fn settle(&self, collection: u32, settings: &CollectionSettings) -> Result<(), IndexError> {
        if let Some(next) = &settings.generations.next {
            let pair = next.pair(collection);
            if self.get(pair).is_none() {
                self.remove_files(pair);
                self.open_pair(collection, next, 0, &Progress::default())?;
            }
        }
        for indexes in self.pairs_of(collection) {
            let is_in_use = settings.form(indexes.pair.generation).is_some();
            if !is_in_use && indexes.retired.set(Instant::now()).is_ok() {
                self.changed.send_modify(|count| *count += 1);
            }
        }
        Ok(())
    }
}
