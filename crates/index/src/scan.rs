//! The masked scan: the embedded vector index, which compares the query with exactly what the mask allows.
//!
//! There is no graph and nothing to build: rows are appended to segment files with two short codes each, and a search
//! reads codes and then vectors of masked rows only. How many rows are readable picks the tiers (`search`); rotation,
//! scales, widths and bins are constants or functions of one row, so that nothing hidden can move an answer.
//!
//! Durable before [`append`](VectorStore::append) returns; every record has a checksum; damage is named by row.

mod codes;
mod files;
mod helpers;
mod places;
mod raw;
mod rotate;
mod search;
mod segment;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};

pub use self::helpers::Helpers;

use self::codes::Coder;
use self::files::Folder;
use self::raw::Kernel;
use self::segment::{Layout, SEGMENT_ROWS, Segment};
use crate::folder;
use crate::{ChunkMask, Depth, IndexError, KeyOf, Scored, VectorStore, Work};
use usher_base::progress::Progress;

/// Rows that are erased while searches wait.
const ERASED_AT_ONCE: u32 = 256;
/// How far the squared length of a row or query may be from 1.
const LENGTH_TOLERANCE: f64 = 0.01;

/// Widths and bounds of a search: constants of a deployment, never functions of what is stored. A width is the least
/// number of candidates that reach the next stage; see `docs/ranking.md`.
#[derive(Debug, Clone)]
pub struct ScanConfig {
    /// Up to so many readable chunks, every stored vector is compared.
    pub exact_up_to: u32,
    /// Up to so many readable chunks, all 8-bit codes are compared; above, all 1-bit codes.
    pub bytes_up_to: u32,
    /// From 1-bit to 8-bit codes: this many, or `sign_width_per_depth` times the depth if that is more.
    pub sign_width: usize,
    pub sign_width_per_depth: usize,
    /// From 8-bit codes to vectors: this many, or `byte_width_per_depth` times the depth if that is more.
    pub byte_width: usize,
    pub byte_width_per_depth: usize,
    /// Threads that help with large searches, shared by all stores that were opened with clones of this.
    pub helpers: Helpers,
}

impl Default for ScanConfig {
    fn default() -> Self {
        Self {
            exact_up_to: 1_000,
            bytes_up_to: 20_000,
            sign_width: 4_000,
            sign_width_per_depth: 120,
            byte_width: 200,
            byte_width_per_depth: 3,
            helpers: Helpers::for_this_machine(),
        }
    }
}

/// A folder of vector segments, open for one process.
#[derive(Debug)]
pub struct MaskedScan {
    path: PathBuf,
    layout: Layout,
    config: ScanConfig,
    coder: Coder,
    kernel: Kernel,
    state: ArcSwap<State>,
    writer: Mutex<Writer>,
    /// Held for reading by searches, so that erased rows are overwritten while none runs.
    reading: RwLock<()>,
    /// Held by what rewrites rows that are in use: one of them at a time.
    housekeeping: Mutex<()>,
}

/// An opened store, and what the owner must do before all of it can be searched.
#[derive(Debug)]
pub struct OpenedScan {
    pub store: MaskedScan,
    /// Rows below the expected number that are missing or damaged; write them again with [`MaskedScan::repair`]. A
    /// search whose mask holds one of them fails.
    pub damaged: Vec<Range<u32>>,
}

/// What a search sees: appended rows come with a new state.
#[derive(Debug, Clone, Default)]
struct State {
    segments: Vec<Arc<Segment>>,
    rows: u32,
    /// Disjoint, ascending.
    damaged: Vec<Range<u32>>,
}

#[derive(Debug)]
struct Writer {
    folder: Folder,
    /// A write or sync has failed, other than for lack of space; what is on disk is unknown until the folder is opened again.
    stopped: bool,
}

impl MaskedScan {
    /// Opens or creates the store in `folder`, checks every row below `expected_rows`, and forgets what lies beyond.
    /// Codes that are damaged are computed again. Reads everything once: about a second per million chunks; `progress` hears
    /// of each row.
    ///
    /// # Errors
    /// [`IndexError::OtherFormat`] if the folder was made with other dimensions; [`IndexError::Locked`]; I/O.
    pub fn open(
        folder: &Path,
        dimensions: usize,
        expected_rows: u32,
        config: ScanConfig,
        progress: &Progress,
    ) -> Result<OpenedScan, IndexError> {
        let layout = Layout::new(dimensions);
        let folder = Folder::open(folder, dimensions)?;
        let coder = Coder::new(dimensions);
        let segments = folder.segments(layout, expected_rows)?;
        let damaged = files::verify(&segments, expected_rows, &coder, config.helpers.threads() + 1, progress)?;
        let state = State { segments, rows: expected_rows, damaged: damaged.clone() };
        let store = Self {
            path: folder.path().to_owned(),
            layout,
            config,
            coder,
            kernel: Kernel::detect(),
            state: ArcSwap::from_pointee(state),
            writer: Mutex::new(Writer { folder, stopped: false }),
            reading: RwLock::new(()),
            housekeeping: Mutex::new(()),
        };
        Ok(OpenedScan { store, damaged })
    }

    /// Writes rows again that were reported as damaged; durable on return.
    ///
    /// # Errors
    /// [`IndexError::BeyondEnd`]; else as for [`VectorStore::append`].
    pub fn repair(&self, first: u32, rows: &[f32]) -> Result<(), IndexError> {
        let count = self.checked(rows)?;
        let end = first.checked_add(count).ok_or(IndexError::Full)?;
        let _alone = self.housekeeping.lock();
        let mut writer = self.writer.lock();
        let state = self.state.load_full();
        if end > state.rows {
            return Err(IndexError::BeyondEnd { chunk: end - 1, len: state.rows });
        }
        let mut next = (*state).clone();
        self.write(&mut writer, &mut next, first, rows)?;
        next.damaged = without(&next.damaged, &(first..end));
        self.state.store(Arc::new(next));
        Ok(())
    }

    /// Rewrites each segment of which more than half of the rows have no vector, so that they take no space; says how
    /// many it were. Rows from `committed` on may still change and are left alone. Searches and appends go on meanwhile;
    /// a crash leaves the old files or the new ones.
    ///
    /// # Errors
    /// As for [`VectorStore::append`]; the segment is as it was.
    pub fn compact(&self, committed: u32) -> Result<u32, IndexError> {
        let _alone = self.housekeeping.lock();
        let mut compacted = 0;
        for number in 0..committed / SEGMENT_ROWS {
            let state = self.state.load_full();
            let rows = number * SEGMENT_ROWS..(number + 1) * SEGMENT_ROWS;
            let Some(old) = state.segments.get(number as usize) else { break };
            let is_damaged = state.damaged.iter().any(|range| range.start < rows.end && rows.start < range.end);
            // What was compacted already is small; it is worth another time when half of the rest has gone.
            let in_use = SEGMENT_ROWS - old.zero_rows();
            if is_damaged || in_use.saturating_mul(2) >= old.own_records() {
                continue;
            }
            // Appends don't touch a full segment, so copying it holds up none of them.
            let places = old.write_compact(&self.path, &self.coder)?;
            let mut writer = self.writer.lock();
            if writer.stopped {
                return Err(IndexError::Stopped);
            }
            let new = writer.folder.adopt(self.layout, rows.start, places);
            writer.stopped = new.as_ref().is_err_and(|error| !is_full(error));
            let mut next = (*self.state.load_full()).clone();
            if let Some(place) = next.segments.get_mut(number as usize) {
                *place = Arc::new(new?);
            }
            self.state.store(Arc::new(next));
            writer.folder.remove_files(old);
            compacted += 1;
        }
        Ok(compacted)
    }

    /// The number of rows of a valid batch.
    fn checked(&self, rows: &[f32]) -> Result<u32, IndexError> {
        let dimensions = self.layout.dimensions;
        if dimensions == 0 || !rows.len().is_multiple_of(dimensions) {
            return Err(IndexError::Dimensions { expected: dimensions, found: rows.len() });
        }
        for (position, row) in rows.chunks_exact(dimensions).enumerate() {
            check_vector(position, row)?;
        }
        u32::try_from(rows.len() / dimensions).map_err(|_| IndexError::Full)
    }

    /// Writes and syncs rows, making segments and room as needed. The caller publishes `state`.
    fn write(&self, writer: &mut Writer, state: &mut State, first: u32, rows: &[f32]) -> Result<(), IndexError> {
        if writer.stopped {
            return Err(IndexError::Stopped);
        }
        let written = self.write_segments(writer, state, first, rows);
        // A full disk refuses before the sync: rows in use are as they were, and the next attempt writes every byte of
        // these again. After any other failure, and any of a sync, nobody knows what is on disk.
        writer.stopped = written.as_ref().is_err_and(|error| !is_full(error));
        written
    }

    fn write_segments(
        &self,
        writer: &Writer,
        state: &mut State,
        first: u32,
        mut rows: &[f32],
    ) -> Result<(), IndexError> {
        let (mut row, mut created) = (first, false);
        while !rows.is_empty() {
            let (number, at) = ((row / SEGMENT_ROWS) as usize, row % SEGMENT_ROWS);
            let fits = (SEGMENT_ROWS - at) as usize * self.layout.dimensions;
            let (now, later) = rows.split_at(fits.min(rows.len()));
            let count = (now.len() / self.layout.dimensions) as u32;
            let segment = match state.segments.get(number) {
                Some(segment) if segment.has_room(at + count) => Arc::clone(segment),
                Some(segment) => Arc::new(segment.grown(at + count)?),
                None => {
                    created = true;
                    Arc::new(writer.folder.create(self.layout, number as u32 * SEGMENT_ROWS, at + count)?)
                }
            };
            segment.write(at, now, &self.coder)?;
            match state.segments.get_mut(number) {
                Some(place) => *place = segment,
                None => state.segments.push(segment),
            }
            (row, rows) = (row + count, later);
        }
        if created {
            writer.folder.sync()?;
        }
        Ok(())
    }

    /// Overwrites the rows that still have a vector. Searches wait for each write, not for the disk.
    fn erase_rows(&self, state: &State, chunks: &Range<u32>) -> Result<(), IndexError> {
        for number in chunks.start / SEGMENT_ROWS..=(chunks.end - 1) / SEGMENT_ROWS {
            let Some(segment) = state.segments.get(number as usize) else { break };
            let first = number * SEGMENT_ROWS;
            let (mut at, end) = (chunks.start.saturating_sub(first), (chunks.end - first).min(SEGMENT_ROWS));
            let mut is_changed = false;
            while at < end {
                // In steps, so that a long range needs little memory and no search waits long.
                let count = (end - at).min(ERASED_AT_ONCE);
                let is_damaged =
                    state.damaged.iter().any(|range| range.start < first + at + count && first + at < range.end);
                if is_damaged || (at..at + count).any(|at| !segment.is_zero(at)) {
                    let _nobody = self.reading.write();
                    segment.erase(at, count, &self.coder)?;
                    is_changed = true;
                }
                at += count;
            }
            if is_changed {
                segment.sync()?;
            }
        }
        Ok(())
    }

    fn readable_rows(&self, chunks: &Range<u32>, state: &State) -> Result<(), IndexError> {
        if chunks.end > state.rows {
            return Err(IndexError::BeyondEnd { chunk: chunks.end.saturating_sub(1), len: state.rows });
        }
        Ok(())
    }
}

impl VectorStore for MaskedScan {
    fn dimensions(&self) -> usize {
        self.layout.dimensions
    }

    fn len(&self) -> u32 {
        self.state.load().rows
    }

    fn append(&self, first: u32, rows: &[f32]) -> Result<(), IndexError> {
        let count = self.checked(rows)?;
        let mut writer = self.writer.lock();
        let state = self.state.load_full();
        if first > state.rows {
            return Err(IndexError::Gap { first, len: state.rows });
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut next = (*state).clone();
        // u32::MAX stays free: it marks "no chunk" elsewhere.
        next.rows = first.checked_add(count).filter(|end| *end < u32::MAX).ok_or(IndexError::Full)?;
        self.write(&mut writer, &mut next, first, rows)?;
        next.damaged = without(&next.damaged, &(first..u32::MAX));
        self.state.store(Arc::new(next));
        Ok(())
    }

    fn search(
        &self,
        query: &[f32],
        mask: &ChunkMask,
        depth: &Depth,
        key: KeyOf<'_>,
        work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError> {
        if query.len() != self.layout.dimensions {
            return Err(IndexError::Dimensions { expected: self.layout.dimensions, found: query.len() });
        }
        check_vector(0, query)?;
        let _reading = self.reading.read();
        let state = self.state.load_full();
        if let Some(last) = mask.last()
            && last >= state.rows
        {
            return Err(IndexError::BeyondEnd { chunk: last, len: state.rows });
        }
        let mut damaged = state.damaged.clone();
        damaged.retain(|range| range.clone().any(|row| mask.contains(row)));
        if !damaged.is_empty() {
            return Err(IndexError::DamagedRows { rows: damaged });
        }
        let search = search::Search {
            state,
            kernel: self.kernel,
            helpers: self.config.helpers.clone(),
            config: self.config.clone(),
            effort: work.effort.clone(),
        };
        Ok(search.run(&self.coder, query, mask, depth, key, work)?)
    }

    fn row(&self, chunk: u32) -> Result<Vec<f32>, IndexError> {
        let _reading = self.reading.read();
        let state = self.state.load();
        self.readable_rows(&(chunk..chunk.saturating_add(1)), &state)?;
        if state.damaged.iter().any(|range| range.contains(&chunk)) {
            return Err(IndexError::DamagedRows { rows: std::iter::once(chunk..chunk + 1).collect() });
        }
        let segment = state.segments.get((chunk / SEGMENT_ROWS) as usize);
        Ok(segment.map(|segment| segment.vector(chunk % SEGMENT_ROWS).to_vec()).unwrap_or_default())
    }

    fn erase(&self, chunks: Range<u32>) -> Result<(), IndexError> {
        if chunks.is_empty() {
            return Ok(());
        }
        let _alone = self.housekeeping.lock();
        let state = self.state.load_full();
        self.readable_rows(&chunks, &state)?;
        if self.writer.lock().stopped {
            return Err(IndexError::Stopped);
        }
        // Rows that exist are never appended to, so appends can go on.
        let erased = self.erase_rows(&state, &chunks);
        let mut writer = self.writer.lock();
        writer.stopped |= erased.as_ref().is_err_and(|error| !is_full(error));
        erased?;
        let mut next = (*self.state.load_full()).clone();
        next.damaged = without(&next.damaged, &chunks);
        self.state.store(Arc::new(next));
        Ok(())
    }
}

fn is_full(error: &IndexError) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        IndexError::Io { action, source, .. } => {
            *action != folder::SYNC && matches!(source.kind(), StorageFull | QuotaExceeded)
        }
        _ => false,
    }
}

/// Refuses what is neither a unit vector nor zero: estimates and error bounds rely on it.
fn check_vector(position: usize, vector: &[f32]) -> Result<(), IndexError> {
    let square: f64 = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
    if !square.is_finite() {
        return Err(IndexError::NotFinite { position });
    }
    if square != 0.0 && (square - 1.0).abs() > LENGTH_TOLERANCE {
        return Err(IndexError::NotNormalised { position });
    }
    Ok(())
}

/// The ranges without what `gone` covers.
fn without(ranges: &[Range<u32>], gone: &Range<u32>) -> Vec<Range<u32>> {
    ranges
        .iter()
        .flat_map(|range| [range.start..range.end.min(gone.start), range.start.max(gone.end)..range.end])
        .filter(|range| !range.is_empty())
        .collect()
}

#[cfg(test)]
mod compact_tests;
#[cfg(test)]
mod tests;
