//! The embedded keyword index: exact BM25 over tantivy postings, with statistics counted under the mask.
//!
//! tantivy keeps the dictionary, the postings and the log-structured segments; nothing else of it is used. Its scores
//! and its pruning rest on statistics of all chunks, so postings are read and scored here (`score`). Each commit carries
//! the position of the operation log, and a search sees the last commit that was applied by this process.

mod directory;
mod lines;
mod phrase;
mod score;
mod segments;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::tantivy::directory::error::LockError;
use ::tantivy::indexer::IndexWriterOptions;
use ::tantivy::query::AllQuery;
use ::tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use ::tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term,
    index::SegmentComponent,
};
use arc_swap::ArcSwap;
use parking_lot::Mutex;

use self::directory::CheckedDirectory;
use self::lines::Lines;
use self::score::Scratch;
use self::segments::View;
use crate::folder::{FolderLock, LOCK, failed};
use crate::{AnalysedQuery, ChunkMask, Depth, IndexError, KeyOf, KeywordIndex, KeywordOp, Scored, Tokens, Work};
use usher_base::faults::failpoint;

/// Changes with every change of schema, analysis or payload: an index of another version is built anew.
const FORMAT: &str = "usher-keywords-3";
/// Memory in which one commit's postings are built before they go to disk.
const WRITER_BYTES: usize = 32 << 20;

/// How long the lock of the last writer may still be held: a program that is just being started has a copy of every file
/// until it runs. What keeps other processes away is the folder's own lock.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Buffers that are kept between searches; a search over everything may have grown one to some 10 MB a term.
const SCRATCHES: usize = 4;

const TOKENS: &str = "tokens";
const CHUNK: &str = "chunk";
const LENGTH: &str = "length";

/// A folder with a tantivy index, open for one process.
pub struct TantivyKeywords {
    folder: PathBuf,
    analyser: String,
    index: Index,
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<Writer>,
    view: ArcSwap<View>,
    /// Buffers of finished searches, for the next ones.
    scratch: Mutex<Vec<Scratch>>,
    _lock: FolderLock,
}

#[derive(Debug, Clone, Copy)]
struct Fields {
    tokens: Field,
    chunk: Field,
    length: Field,
}

struct Writer {
    /// None after a failure: what was committed must be read again.
    engine: Option<IndexWriter>,
    /// The largest chunk that was ever added; a chunk beyond it needs no removal before it is added.
    highest: Option<u32>,
}

impl TantivyKeywords {
    /// Opens an index that was made by [`create`](Self::create) with the same analyser name, and verifies the checksum
    /// of every file.
    ///
    /// # Errors
    /// [`IndexError::DamagedKeywords`] if it is missing or damaged, [`IndexError::OtherFormat`] if its analyser or
    /// format is another: in both cases call [`create`](Self::create) and apply the log from the start.
    /// [`IndexError::Locked`]; I/O.
    pub fn open(folder: &Path, analyser: &str) -> Result<Self, IndexError> {
        let lock = FolderLock::take(folder)?;
        let damaged = |source: Option<TantivyError>| IndexError::DamagedKeywords {
            path: folder.to_owned(),
            source: source.map(Into::into),
        };
        // Without its list of files the engine would verify nothing and clean up nothing.
        if !folder.join("meta.json").exists() || !folder.join(".managed.json").exists() {
            return Err(damaged(None));
        }
        let open = || Index::open(CheckedDirectory::open(folder)?);
        let index = open().map_err(|error| damaged(Some(error)))?;
        let metas = index.load_metas().map_err(|error| damaged(Some(error)))?;
        // The first commit belongs to the creation; a crash came between.
        let payload = metas.payload.ok_or_else(|| damaged(None))?;
        if index.schema() != schema().0 || parse_payload(&payload, analyser).is_none() {
            return Err(IndexError::OtherFormat { path: folder.to_owned() });
        }
        match every_file_is_intact(&index, folder) {
            Ok(true) => {}
            Ok(false) => return Err(damaged(None)),
            Err(error) => return Err(damaged(Some(error))),
        }
        match Self::over(folder, analyser, index, lock) {
            Err(IndexError::Engine(error)) => Err(damaged(Some(error))),
            opened => opened,
        }
    }

    /// Makes an empty index at position 0, removing whatever the folder held.
    ///
    /// # Errors
    /// [`IndexError::Locked`]; I/O.
    pub fn create(folder: &Path, analyser: &str) -> Result<Self, IndexError> {
        let lock = FolderLock::take(folder)?;
        let entries = fs::read_dir(folder).map_err(|source| failed("list", folder, source))?;
        for entry in entries {
            let path = entry.map_err(|source| failed("list", folder, source))?.path();
            if !path.ends_with(LOCK) {
                fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
            }
        }
        let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
        let index = Index::create(CheckedDirectory::open(folder)?, schema().0, settings)?;
        let mut engine = writer(&index)?;
        commit(&mut engine, &payload(analyser, 0))?;
        drop(engine);
        Self::over(folder, analyser, index, lock)
    }

    fn over(folder: &Path, analyser: &str, index: Index, lock: FolderLock) -> Result<Self, IndexError> {
        remove_unfinished(&index, folder)?;
        let engine = writer(&index)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let (_, fields) = schema();
        let opened = Self {
            folder: folder.to_owned(),
            analyser: analyser.to_owned(),
            index,
            fields,
            reader,
            writer: Mutex::new(Writer { engine: Some(engine), highest: None }),
            view: ArcSwap::from_pointee(View::default()),
            scratch: Mutex::new(Vec::new()),
            _lock: lock,
        };
        opened.reload()?;
        opened.writer.lock().highest = opened.view.load().highest();
        Ok(opened)
    }

    /// Shows the last commit to searches.
    fn reload(&self) -> Result<(), IndexError> {
        let payload = self.index.load_metas()?.payload.unwrap_or_default();
        let position = parse_payload(&payload, &self.analyser)
            .ok_or_else(|| IndexError::OtherFormat { path: self.folder.clone() })?;
        self.reader.reload()?;
        let view = View::of(&self.reader.searcher(), position, self.fields, &self.view.load())?;
        self.view.store(Arc::new(view));
        Ok(())
    }

    /// A new engine after a failure, on whatever was committed. That is safe even after a failed sync: the index is only
    /// derived, a commit names synced files alone, and what a power cut may still take shows as damage at the next start.
    fn reopened(&self, writer: &mut Writer) -> Result<IndexWriter, IndexError> {
        remove_unfinished(&self.index, &self.folder)?;
        let engine = self::writer(&self.index)?;
        self.reload()?;
        writer.highest = self.view.load().highest();
        Ok(engine)
    }

    /// Runs a change and its commit; after an error the next change begins with a new engine.
    fn change(
        &self,
        position: u64,
        operations: impl FnOnce(&mut IndexWriter, &mut Option<u32>) -> Result<(), TantivyError>,
    ) -> Result<(), IndexError> {
        let mut writer = self.writer.lock();
        let mut engine = match writer.engine.take() {
            Some(engine) => engine,
            None => self.reopened(&mut writer)?,
        };
        operations(&mut engine, &mut writer.highest)?;
        commit(&mut engine, &payload(&self.analyser, position))?;
        self.reload()?;
        writer.engine = Some(engine);
        Ok(())
    }

    fn document(&self, chunk: u32, tokens: &Tokens) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_text(self.fields.tokens, lines::join(&tokens.terms));
        document.add_u64(self.fields.chunk, u64::from(chunk));
        document.add_u64(self.fields.length, u64::from(tokens.length));
        document
    }

    fn remove(&self, engine: &IndexWriter, chunks: Range<u32>) {
        for chunk in chunks {
            engine.delete_term(Term::from_field_u64(self.fields.chunk, u64::from(chunk)));
        }
    }
}

impl KeywordIndex for TantivyKeywords {
    fn position(&self) -> Result<u64, IndexError> {
        Ok(self.view.load().position)
    }

    fn apply(&self, operations: &[KeywordOp], position: u64) -> Result<(), IndexError> {
        let current = self.view.load().position;
        if position < current {
            return Err(IndexError::Backwards { position, current });
        }
        self.change(position, |engine, highest| {
            for operation in operations {
                match operation {
                    KeywordOp::Add { chunk, tokens } => {
                        if highest.is_some_and(|highest| *chunk <= highest) {
                            self.remove(engine, *chunk..chunk.saturating_add(1));
                        }
                        engine.add_document(self.document(*chunk, tokens))?;
                        *highest = (*highest).max(Some(*chunk));
                    }
                    KeywordOp::Remove { chunks } => {
                        let end = highest.map_or(0, |highest| highest.saturating_add(1)).min(chunks.end);
                        self.remove(engine, chunks.start..end);
                    }
                }
            }
            Ok(())
        })
    }

    fn search(
        &self,
        query: &AnalysedQuery,
        mask: &ChunkMask,
        depth: &Depth,
        key: KeyOf<'_>,
        work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError> {
        let view = self.view.load_full();
        let mut scratch = self.scratch.lock().pop().unwrap_or_default();
        let found = score::search(&view, query, mask, depth, &mut scratch, work);
        let mut kept = self.scratch.lock();
        if kept.len() < SCRATCHES {
            kept.push(scratch);
        }
        drop(kept);
        Ok(found?.ranked(key))
    }

    fn clear(&self) -> Result<(), IndexError> {
        self.change(0, |engine, highest| {
            engine.delete_query(Box::new(AllQuery))?;
            *highest = None;
            Ok(())
        })
    }

    fn compact(&self) -> Result<(), IndexError> {
        let mut writer = self.writer.lock();
        // Merges that run in the background would hold segments back; a new writer begins without any.
        writer.engine.take().ok_or(IndexError::Stopped)?.wait_merging_threads()?;
        let mut engine = self::writer(&self.index)?;
        let metas = self.index.searchable_segment_metas()?;
        if metas.len() > 1 || metas.iter().any(|meta| meta.has_deletes()) {
            let segments: Vec<_> = metas.iter().map(|meta| meta.id()).collect();
            drop(metas);
            engine.merge(&segments).wait()?;
        }
        self.reload()?;
        engine.garbage_collect_files().wait()?;
        writer.engine = Some(engine);
        Ok(())
    }
}

impl std::fmt::Debug for TantivyKeywords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TantivyKeywords").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    // No field norms, because a length rounded to a byte isn't exact.
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(lines::NAME)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let tokens = schema.add_text_field(TOKENS, TextOptions::default().set_indexing_options(indexing));
    let chunk = schema.add_u64_field(CHUNK, FAST | INDEXED);
    let length = schema.add_u64_field(LENGTH, FAST);
    (schema.build(), Fields { tokens, chunk, length })
}

fn writer(index: &Index) -> Result<IndexWriter, TantivyError> {
    index.tokenizers().register(lines::NAME, Lines::default());
    let begun = Instant::now();
    loop {
        // One worker, so that one commit makes one segment; one merge at a time, so that ingest leaves a core to searches.
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(WRITER_BYTES)
            .num_merge_threads(1)
            .build();
        match index.writer_with_options(options) {
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) if begun.elapsed() < LOCK_WAIT => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

fn commit(engine: &mut IndexWriter, payload: &str) -> Result<(), TantivyError> {
    let mut prepared = engine.prepare_commit()?;
    prepared.set_payload(payload);
    failpoint::hit("keyword.before_commit")?;
    prepared.commit()?;
    failpoint::hit("keyword.after_commit")?;
    Ok(())
}

fn payload(analyser: &str, position: u64) -> String {
    format!("{FORMAT} {analyser} {position}")
}

/// The position, if format and analyser are these.
fn parse_payload(payload: &str, analyser: &str) -> Option<u64> {
    let rest = payload.strip_prefix(FORMAT)?.strip_prefix(' ')?;
    rest.strip_prefix(analyser)?.strip_prefix(' ')?.parse().ok()
}

/// Removes what a commit left that did not come to its end. The engine names a file of deletions after a number that it
/// counts up from the last commit: the next attempt can come to the same name, and would be refused each time.
fn remove_unfinished(index: &Index, folder: &Path) -> Result<(), IndexError> {
    let committed = index.load_metas()?.list_segment_files();
    for entry in fs::read_dir(folder).map_err(|source| failed("list", folder, source))? {
        let path = entry.map_err(|source| failed("list", folder, source))?.path();
        let is_deletions = path.extension().is_some_and(|extension| extension == "del");
        if is_deletions && !path.file_name().is_some_and(|name| committed.contains(Path::new(name))) {
            fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
        }
    }
    Ok(())
}

/// Bytes of the shortest end that tantivy can look for in a file; it counts below zero in a shorter one.
const SHORTEST: u64 = 8;

fn every_file_is_intact(index: &Index, folder: &Path) -> Result<bool, TantivyError> {
    let directory = index.directory();
    for meta in index.searchable_segment_metas()? {
        use SegmentComponent::{Delete, FastFields, FieldNorms, Positions, Postings, Store, Terms};
        for component in [Postings, Positions, Terms, Store, FastFields, FieldNorms, Delete] {
            let needed = component == Delete && meta.has_deletes();
            let path = meta.relative_path(component);
            let there = ::tantivy::Directory::exists(directory, &path)?;
            let is_cut = || fs::metadata(folder.join(&path)).map_or(true, |file| file.len() < SHORTEST);
            if needed && !there || there && (is_cut() || !directory.validate_checksum(&path)?) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
