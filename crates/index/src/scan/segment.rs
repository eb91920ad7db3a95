//! One segment of the store: three files of fixed-size records, one record per row, each with its own checksum.
//!
//! A checksum per record rather than per block, so that an append never rewrites a checksum that covers rows which are
//! already acknowledged, and damage names exactly the rows to mend. Files have no header: the checksums are seeded with
//! row, dimension and kind, so that a record in a wrong place is damage too. Numbers are little-endian.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::codes::{Coder, Codes};
use super::places::{Places, SHARED};
use super::raw::{self, Map};
use crate::IndexError;
use crate::folder::{SYNC, failed};
use usher_base::faults::failpoint;
use usher_base::progress::Progress;

#[cfg(target_endian = "big")]
compile_error!("segment files are mapped as little-endian numbers");

/// Rows per segment: 100 MB of vectors at 384 dimensions. A multiple of 64, so that a word of a mask has one segment.
pub(super) const SEGMENT_ROWS: u32 = 65_536;
/// Stands for the row of the record that rows without a vector share; it is never an ordinal.
const NO_ROW: u32 = u32::MAX;
/// Rows between two notes of how far a check is.
const NOTED_AT_ONCE: u32 = 1_024;
/// Files grow in powers of two from here, so that a small collection has small files.
const LEAST_ROWS: u32 = 256;

/// What a file of a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SegmentFile {
    /// `dimensions` f32, then a 64-bit checksum.
    Vectors,
    /// `dimensions` i8 padded to a multiple of eight, the scale as f32, then a 32-bit checksum.
    Bytes,
    /// The signs as 64-bit words, the factor as f32, then a 32-bit checksum.
    Signs,
}

pub(super) const KINDS: [SegmentFile; 3] = [SegmentFile::Vectors, SegmentFile::Bytes, SegmentFile::Signs];

/// Sizes of records for one dimension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) dimensions: usize,
    pub(super) words: usize,
}

impl Layout {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { dimensions, words: dimensions.div_ceil(64) }
    }

    pub(super) fn stride(self, kind: SegmentFile) -> usize {
        8 + match kind {
            SegmentFile::Vectors => self.dimensions * 4,
            SegmentFile::Bytes => self.dimensions.next_multiple_of(8),
            SegmentFile::Signs => self.words * 8,
        }
    }

    fn checksum(self, kind: SegmentFile, row: u32, content: &[u8]) -> u64 {
        let seed = u64::from(row) | (self.dimensions as u64) << 32 | (kind as u64) << 60;
        xxh3_64_with_seed(content, seed)
    }

    /// Appends one record of a kind to a buffer.
    fn write(self, kind: SegmentFile, row: u32, vector: &[f32], codes: &Codes, out: &mut Vec<u8>) {
        let start = out.len();
        match kind {
            SegmentFile::Vectors => out.extend(vector.iter().flat_map(|value| value.to_le_bytes())),
            SegmentFile::Bytes => {
                out.extend(codes.bytes.iter().map(|value| value.to_le_bytes()[0]));
                out.resize(start + self.dimensions.next_multiple_of(8), 0);
                out.extend(codes.scale.to_le_bytes());
            }
            SegmentFile::Signs => {
                out.extend(codes.signs.iter().flat_map(|word| word.to_le_bytes()));
                out.extend(codes.factor.to_le_bytes());
            }
        }
        let sum = self.checksum(kind, row, out.get(start..).unwrap_or_default());
        match kind {
            SegmentFile::Vectors => out.extend(sum.to_le_bytes()),
            SegmentFile::Bytes | SegmentFile::Signs => out.extend((sum as u32).to_le_bytes()),
        }
    }

    /// Whether a record is what was written for this row.
    fn intact(self, kind: SegmentFile, row: u32, record: &[u8]) -> bool {
        let size = if kind == SegmentFile::Vectors { 8 } else { 4 };
        let Some((content, stored)) = record.len().checked_sub(size).and_then(|at| record.split_at_checked(at)) else {
            return false;
        };
        let sum = self.checksum(kind, row, content).to_le_bytes();
        Some(stored) == sum.get(..size)
    }
}

/// A named place of the crash tests.
type Failpoint = fn() -> io::Result<()>;

#[derive(Debug)]
struct Column {
    file: Arc<File>,
    map: Map,
    path: PathBuf,
}

/// The files of up to [`SEGMENT_ROWS`] rows, mapped for `capacity` records.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) layout: Layout,
    first: u32,
    capacity: u32,
    columns: [Column; 3],
    /// Where the rows are, unless each one is at its own number.
    places: Option<Places>,
}

impl Segment {
    /// Opens or creates the files of the segment that begins at row `first`, cuts off what lies beyond `rows`, and makes
    /// room for `rows`. New files aren't durable until the folder is synced.
    pub(super) fn open(folder: &Path, layout: Layout, first: u32, rows: u32) -> Result<Self, IndexError> {
        let capacity = capacity_for(rows);
        let open = |kind| open_column(path(folder, first, kind), layout.stride(kind), rows, capacity);
        let [vectors, bytes, signs] = KINDS;
        let columns = [open(vectors)?, open(bytes)?, open(signs)?];
        Ok(Self { layout, first, capacity, columns, places: None })
    }

    /// Opens the files that hold the rows at these places.
    pub(super) fn open_compact(folder: &Path, layout: Layout, first: u32, places: Places) -> Result<Self, IndexError> {
        let records = places.records();
        let open = |kind| {
            open_column(compact_path(folder, first, places.generation, kind), layout.stride(kind), records, records)
        };
        let [vectors, bytes, signs] = KINDS;
        let columns = [open(vectors)?, open(bytes)?, open(signs)?];
        Ok(Self { layout, first, capacity: records, columns, places: Some(places) })
    }

    /// Writes the rows that have a vector into new files, which are durable on return and not in use yet.
    pub(super) fn write_compact(&self, folder: &Path, coder: &Coder) -> Result<Places, IndexError> {
        let kept = (0..SEGMENT_ROWS / 64)
            .map(|word| (0..64).map(|bit| u64::from(!self.is_zero(word * 64 + bit)) << bit).sum())
            .collect();
        let generation = self.places.as_ref().map_or(1, |places| places.generation.wrapping_add(1));
        let places = Places::new(generation, kept);
        let zero = vec![0.0; self.layout.dimensions];
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        coder.code(&zero, &mut rotated, &mut codes);
        for kind in KINDS {
            let mut records = Vec::with_capacity(places.records() as usize * self.layout.stride(kind));
            self.layout.write(kind, NO_ROW, &zero, &codes, &mut records);
            let kept = (0..SEGMENT_ROWS).filter(|at| places.of(*at) != SHARED);
            // A record is checked by its row, wherever it lies.
            kept.for_each(|at| records.extend_from_slice(self.record(kind, at)));
            let path = compact_path(folder, self.first, generation, kind);
            let write = || {
                let mut file = File::create(&path)?;
                io::Write::write_all(&mut file, &records)?;
                failpoint::hit("scan.before_sync")?;
                file.sync_all()?;
                failpoint::hit("scan.after_sync")
            };
            write().map_err(|source| failed("write", &path, source))?;
        }
        Ok(places)
    }

    /// Names of the files that hold the segment.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.columns.iter().map(|column| column.path.as_path())
    }

    /// How many rows have a record of their own.
    pub(super) fn own_records(&self) -> u32 {
        self.places.as_ref().map_or(SEGMENT_ROWS, |places| places.records() - 1)
    }

    pub(super) fn is_compact(&self) -> bool {
        self.places.is_some()
    }

    /// Whether the row has no vector.
    pub(super) fn is_zero(&self, at: u32) -> bool {
        self.vector(at).iter().all(|value| *value == 0.0)
    }

    /// How many of all rows have no vector. Reads short codes only.
    pub(super) fn zero_rows(&self) -> u32 {
        // The factor behind the signs is zero for the zero vector alone.
        let is_zero = |at: &u32| float_at(self.record(SegmentFile::Signs, *at), self.layout.words * 8) == 0.0;
        (0..SEGMENT_ROWS).filter(is_zero).count() as u32
    }

    /// Where a row's record is.
    #[inline(always)]
    fn place(&self, at: u32) -> u32 {
        self.places.as_ref().map_or(at, |places| places.of(at))
    }

    /// The places of rows, where they differ from their numbers; `out` is as long as `rows`.
    #[inline(always)]
    pub(super) fn places<'a>(&self, rows: &'a [u32], out: &'a mut [u32]) -> &'a [u32] {
        let Some(places) = &self.places else { return rows };
        rows.iter().zip(out.iter_mut()).for_each(|(row, place)| *place = places.of(*row));
        out
    }

    /// The row that the record of a row is checked by.
    fn checked_row(&self, at: u32) -> u32 {
        if self.places.is_some() && self.place(at) == SHARED { NO_ROW } else { self.first + at }
    }

    /// The same files with room for `rows`.
    pub(super) fn grown(&self, rows: u32) -> Result<Self, IndexError> {
        // Only full segments are compacted, and those never grow.
        let capacity = capacity_for(rows).max(self.capacity);
        let grow = |kind: SegmentFile| -> Result<Column, IndexError> {
            let Column { file, path, .. } = self.column(kind);
            let bytes = capacity as usize * self.layout.stride(kind);
            let map = file
                .set_len(bytes as u64)
                .and_then(|()| Map::new(file, bytes))
                .map_err(|source| failed("extend", path, source))?;
            Ok(Column { file: Arc::clone(file), map, path: path.clone() })
        };
        let [vectors, bytes, signs] = KINDS;
        let columns = [grow(vectors)?, grow(bytes)?, grow(signs)?];
        Ok(Self { layout: self.layout, first: self.first, capacity, columns, places: None })
    }

    pub(super) fn has_room(&self, rows: u32) -> bool {
        self.places.is_some() || rows <= self.capacity
    }

    /// Writes consecutive rows from local row `at` on and syncs all files. Room must have been made.
    pub(super) fn write(&self, at: u32, rows: &[f32], coder: &Coder) -> Result<(), IndexError> {
        self.put(at, rows, coder, || failpoint::hit("scan.before_write"))?;
        self.sync()
    }

    /// Writes consecutive rows without a vector; [`sync`](Self::sync) makes it durable.
    pub(super) fn erase(&self, at: u32, count: u32, coder: &Coder) -> Result<(), IndexError> {
        let zeros = vec![0.0; count as usize * self.layout.dimensions];
        self.put(at, &zeros, coder, || failpoint::hit("scan.before_erase"))
    }

    fn put(&self, at: u32, rows: &[f32], coder: &Coder, before: Failpoint) -> Result<(), IndexError> {
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        let rows = (at..).zip(rows.chunks_exact(self.layout.dimensions));
        if self.places.is_some() {
            // One by one: neighbours may be apart. A row that shares its record has no vector, and keeps none.
            for (at, vector) in rows {
                coder.code(vector, &mut rotated, &mut codes);
                let zero = vec![0.0; self.layout.dimensions];
                let is_shared = self.place(at) == SHARED;
                if is_shared {
                    coder.code(&zero, &mut rotated, &mut codes);
                }
                let vector = if is_shared { &zero } else { vector };
                for kind in KINDS {
                    let mut record = Vec::with_capacity(self.layout.stride(kind));
                    self.layout.write(kind, self.checked_row(at), vector, &codes, &mut record);
                    self.write_records(kind, at, &record, before)?;
                }
            }
            return Ok(());
        }
        let mut buffers: [Vec<u8>; 3] = Default::default();
        for (at, vector) in rows {
            coder.code(vector, &mut rotated, &mut codes);
            for (kind, buffer) in KINDS.into_iter().zip(&mut buffers) {
                self.layout.write(kind, self.first + at, vector, &codes, buffer);
            }
        }
        for (kind, buffer) in KINDS.into_iter().zip(&buffers) {
            self.write_records(kind, at, buffer, before)?;
        }
        Ok(())
    }

    fn write_records(&self, kind: SegmentFile, at: u32, records: &[u8], before: Failpoint) -> Result<(), IndexError> {
        let Column { file, path, .. } = self.column(kind);
        before()
            .and_then(|()| file.write_all_at(records, u64::from(self.place(at)) * self.layout.stride(kind) as u64))
            .map_err(|source| failed("write", path, source))
    }

    pub(super) fn sync(&self) -> Result<(), IndexError> {
        for Column { file, path, .. } in &self.columns {
            failpoint::hit("scan.before_sync")
                .and_then(|()| file.sync_data())
                .and_then(|()| failpoint::hit("scan.after_sync"))
                .map_err(|source| failed(SYNC, path, source))?;
        }
        Ok(())
    }

    /// Checks the first `rows` rows. Codes that are damaged are computed again from their vector; the local numbers of
    /// rows whose vector is damaged are returned.
    pub(super) fn verify(&self, rows: u32, coder: &Coder, progress: &Progress) -> Result<Vec<u32>, IndexError> {
        let (mut damaged, mut mended) = (Vec::new(), false);
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        for at in 0..rows {
            if at % NOTED_AT_ONCE == 0 {
                progress.add(u64::from((rows - at).min(NOTED_AT_ONCE)));
            }
            let row = self.checked_row(at);
            let intact = |kind| self.layout.intact(kind, row, self.record(kind, at));
            if !intact(SegmentFile::Vectors) {
                damaged.push(at);
                continue;
            }
            for kind in [SegmentFile::Bytes, SegmentFile::Signs] {
                if !intact(kind) {
                    let mut record = Vec::new();
                    coder.code(self.vector(at), &mut rotated, &mut codes);
                    self.layout.write(kind, row, self.vector(at), &codes, &mut record);
                    self.write_records(kind, at, &record, || failpoint::hit("scan.before_write"))?;
                    mended = true;
                }
            }
        }
        if mended {
            self.sync()?;
        }
        Ok(damaged)
    }

    fn column(&self, kind: SegmentFile) -> &Column {
        let [vectors, bytes, signs] = &self.columns;
        match kind {
            SegmentFile::Vectors => vectors,
            SegmentFile::Bytes => bytes,
            SegmentFile::Signs => signs,
        }
    }

    /// All records of a kind.
    pub(super) fn records(&self, kind: SegmentFile) -> &[u8] {
        self.column(kind).map.bytes()
    }

    /// One record with its checksum; empty beyond the capacity.
    #[inline]
    pub(super) fn record(&self, kind: SegmentFile, at: u32) -> &[u8] {
        let stride = self.layout.stride(kind);
        let start = self.place(at) as usize * stride;
        self.records(kind).get(start..start + stride).unwrap_or_default()
    }

    /// The stored vector of a local row.
    #[inline]
    pub(super) fn vector(&self, at: u32) -> &[f32] {
        raw::floats(self.record(SegmentFile::Vectors, at).get(..self.layout.dimensions * 4).unwrap_or_default())
    }

    /// The 8-bit code and its scale.
    #[inline]
    pub(super) fn bytes(&self, at: u32) -> (&[i8], f32) {
        let record = self.record(SegmentFile::Bytes, at);
        let padded = self.layout.dimensions.next_multiple_of(8);
        (raw::signed(record.get(..self.layout.dimensions).unwrap_or_default()), float_at(record, padded))
    }
}

#[inline(always)]
fn float_at(record: &[u8], at: usize) -> f32 {
    record.get(at..).and_then(|rest| rest.first_chunk()).map_or(0.0, |bytes| f32::from_le_bytes(*bytes))
}

/// Opens or creates a file, cuts off what lies beyond `rows` records, and makes room for `capacity`.
fn open_column(path: PathBuf, stride: usize, rows: u32, capacity: u32) -> Result<Column, IndexError> {
    let sized = || -> io::Result<(File, Map)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        // Cutting first makes the room read as zeros, which no checksum accepts.
        if file.metadata()?.len() > u64::from(rows) * stride as u64 {
            file.set_len(u64::from(rows) * stride as u64)?;
        }
        file.set_len(u64::from(capacity) * stride as u64)?;
        let map = Map::new(&file, capacity as usize * stride)?;
        Ok((file, map))
    };
    let (file, map) = sized().map_err(|source| failed("open", &path, source))?;
    Ok(Column { file: Arc::new(file), map, path })
}

fn capacity_for(rows: u32) -> u32 {
    rows.next_power_of_two().clamp(LEAST_ROWS, SEGMENT_ROWS)
}

/// The path of a file of the segment that begins at row `first`.
pub(super) fn path(folder: &Path, first: u32, kind: SegmentFile) -> PathBuf {
    folder.join(format!("{first:010}.{}", extension(kind)))
}

/// The same, after the segment was compacted for the `generation`th time.
fn compact_path(folder: &Path, first: u32, generation: u32, kind: SegmentFile) -> PathBuf {
    folder.join(format!("{first:010}-{generation}.{}", extension(kind)))
}

fn extension(kind: SegmentFile) -> &'static str {
    match kind {
        SegmentFile::Vectors => "f32",
        SegmentFile::Bytes => "i8",
        SegmentFile::Signs => "bit",
    }
}
