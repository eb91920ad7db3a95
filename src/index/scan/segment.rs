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
use super::raw::{self, Map};
use crate::failpoint;
use crate::index::IndexError;
use crate::index::folder::{SYNC, failed};

#[cfg(target_endian = "big")]
compile_error!("segment files are mapped as little-endian numbers");

/// Rows per segment: 100 MB of vectors at 384 dimensions. A multiple of 64, so that a word of a mask has one segment.
pub(super) const SEGMENT_ROWS: u32 = 65_536;
/// Files grow in powers of two from here, so that a small collection has small files.
const LEAST_ROWS: u32 = 256;

/// What a file of a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `dimensions` f32, then a 64-bit checksum.
    Vectors,
    /// `dimensions` i8 padded to a multiple of eight, the scale as f32, then a 32-bit checksum.
    Bytes,
    /// The signs as 64-bit words, the factor as f32, then a 32-bit checksum.
    Signs,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Vectors, Kind::Bytes, Kind::Signs];

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

    pub(super) fn stride(self, kind: Kind) -> usize {
        8 + match kind {
            Kind::Vectors => self.dimensions * 4,
            Kind::Bytes => self.dimensions.next_multiple_of(8),
            Kind::Signs => self.words * 8,
        }
    }

    fn checksum(self, kind: Kind, row: u32, content: &[u8]) -> u64 {
        let seed = u64::from(row) | (self.dimensions as u64) << 32 | (kind as u64) << 60;
        xxh3_64_with_seed(content, seed)
    }

    /// Appends one record of a kind to a buffer.
    fn write(self, kind: Kind, row: u32, vector: &[f32], codes: &Codes, out: &mut Vec<u8>) {
        let start = out.len();
        match kind {
            Kind::Vectors => out.extend(vector.iter().flat_map(|value| value.to_le_bytes())),
            Kind::Bytes => {
                out.extend(codes.bytes.iter().map(|value| value.to_le_bytes()[0]));
                out.resize(start + self.dimensions.next_multiple_of(8), 0);
                out.extend(codes.scale.to_le_bytes());
            }
            Kind::Signs => {
                out.extend(codes.signs.iter().flat_map(|word| word.to_le_bytes()));
                out.extend(codes.factor.to_le_bytes());
            }
        }
        let sum = self.checksum(kind, row, out.get(start..).unwrap_or_default());
        match kind {
            Kind::Vectors => out.extend(sum.to_le_bytes()),
            Kind::Bytes | Kind::Signs => out.extend((sum as u32).to_le_bytes()),
        }
    }

    /// Whether a record is what was written for this row.
    fn intact(self, kind: Kind, row: u32, record: &[u8]) -> bool {
        let size = if kind == Kind::Vectors { 8 } else { 4 };
        let Some((content, stored)) = record.len().checked_sub(size).and_then(|at| record.split_at_checked(at)) else {
            return false;
        };
        let sum = self.checksum(kind, row, content).to_le_bytes();
        Some(stored) == sum.get(..size)
    }
}

#[derive(Debug)]
struct Column {
    file: Arc<File>,
    map: Map,
    path: PathBuf,
}

/// The files of up to [`SEGMENT_ROWS`] rows, mapped for `capacity` of them.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) layout: Layout,
    first: u32,
    capacity: u32,
    columns: [Column; 3],
}

impl Segment {
    /// Opens or creates the files of the segment that begins at row `first`, cuts off what lies beyond `rows`, and makes
    /// room for `rows`. New files aren't durable until the folder is synced.
    pub(super) fn open(folder: &Path, layout: Layout, first: u32, rows: u32) -> Result<Self, IndexError> {
        let capacity = capacity_for(rows);
        let open = |kind: Kind| -> Result<Column, IndexError> {
            let path = path(folder, first, kind);
            let stride = layout.stride(kind) as u64;
            let sized = || -> io::Result<(File, Map)> {
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
                // Cutting first makes the room read as zeros, which no checksum accepts.
                if file.metadata()?.len() > u64::from(rows) * stride {
                    file.set_len(u64::from(rows) * stride)?;
                }
                file.set_len(u64::from(capacity) * stride)?;
                let map = Map::new(&file, capacity as usize * stride as usize)?;
                Ok((file, map))
            };
            let (file, map) = sized().map_err(|source| failed("open", &path, source))?;
            Ok(Column { file: Arc::new(file), map, path })
        };
        let [vectors, bytes, signs] = KINDS;
        Ok(Self { layout, first, capacity, columns: [open(vectors)?, open(bytes)?, open(signs)?] })
    }

    /// The same files with room for `rows`.
    pub(super) fn grown(&self, rows: u32) -> Result<Self, IndexError> {
        let capacity = capacity_for(rows).max(self.capacity);
        let grow = |kind: Kind| -> Result<Column, IndexError> {
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
        Ok(Self { layout: self.layout, first: self.first, capacity, columns })
    }

    pub(super) fn has_room(&self, rows: u32) -> bool {
        rows <= self.capacity
    }

    /// Writes consecutive rows from local row `at` on and syncs all files. Room must have been made.
    pub(super) fn write(&self, at: u32, rows: &[f32], coder: &Coder) -> Result<(), IndexError> {
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        let mut buffers: [Vec<u8>; 3] = Default::default();
        for (row, vector) in (self.first + at..).zip(rows.chunks_exact(self.layout.dimensions)) {
            coder.code(vector, &mut rotated, &mut codes);
            for (kind, buffer) in KINDS.into_iter().zip(&mut buffers) {
                self.layout.write(kind, row, vector, &codes, buffer);
            }
        }
        for (kind, buffer) in KINDS.into_iter().zip(&buffers) {
            self.write_records(kind, at, buffer)?;
        }
        self.sync()
    }

    fn write_records(&self, kind: Kind, at: u32, records: &[u8]) -> Result<(), IndexError> {
        let Column { file, path, .. } = self.column(kind);
        failpoint::hit("scan.before_write")
            .and_then(|()| file.write_all_at(records, u64::from(at) * self.layout.stride(kind) as u64))
            .map_err(|source| failed("write", path, source))
    }

    fn sync(&self) -> Result<(), IndexError> {
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
    pub(super) fn verify(&self, rows: u32, coder: &Coder) -> Result<Vec<u32>, IndexError> {
        let (mut damaged, mut mended) = (Vec::new(), false);
        let (mut rotated, mut codes) = (Vec::new(), Codes::default());
        for at in 0..rows {
            let row = self.first + at;
            let intact = |kind| self.layout.intact(kind, row, self.record(kind, at));
            if !intact(Kind::Vectors) {
                damaged.push(at);
                continue;
            }
            for kind in [Kind::Bytes, Kind::Signs] {
                if !intact(kind) {
                    let mut record = Vec::new();
                    coder.code(self.vector(at), &mut rotated, &mut codes);
                    self.layout.write(kind, row, self.vector(at), &codes, &mut record);
                    self.write_records(kind, at, &record)?;
                    mended = true;
                }
            }
        }
        if mended {
            self.sync()?;
        }
        Ok(damaged)
    }

    fn column(&self, kind: Kind) -> &Column {
        let [vectors, bytes, signs] = &self.columns;
        match kind {
            Kind::Vectors => vectors,
            Kind::Bytes => bytes,
            Kind::Signs => signs,
        }
    }

    /// All records of a kind.
    pub(super) fn records(&self, kind: Kind) -> &[u8] {
        self.column(kind).map.bytes()
    }

    /// One record with its checksum; empty beyond the capacity.
    #[inline]
    pub(super) fn record(&self, kind: Kind, at: u32) -> &[u8] {
        let stride = self.layout.stride(kind);
        let start = at as usize * stride;
        self.records(kind).get(start..start + stride).unwrap_or_default()
    }

    /// The stored vector of a local row.
    #[inline]
    pub(super) fn vector(&self, at: u32) -> &[f32] {
        raw::floats(self.record(Kind::Vectors, at).get(..self.layout.dimensions * 4).unwrap_or_default())
    }

    /// The 8-bit code and its scale.
    #[inline]
    pub(super) fn bytes(&self, at: u32) -> (&[i8], f32) {
        let record = self.record(Kind::Bytes, at);
        let padded = self.layout.dimensions.next_multiple_of(8);
        (raw::signed(record.get(..self.layout.dimensions).unwrap_or_default()), float_at(record, padded))
    }
}

#[inline(always)]
fn float_at(record: &[u8], at: usize) -> f32 {
    record.get(at..).and_then(|rest| rest.first_chunk()).map_or(0.0, |bytes| f32::from_le_bytes(*bytes))
}

fn capacity_for(rows: u32) -> u32 {
    rows.next_power_of_two().clamp(LEAST_ROWS, SEGMENT_ROWS)
}

/// The path of a file of the segment that begins at row `first`.
pub(super) fn path(folder: &Path, first: u32, kind: Kind) -> PathBuf {
    let name = match kind {
        Kind::Vectors => "f32",
        Kind::Bytes => "i8",
        Kind::Signs => "bit",
    };
    folder.join(format!("{first:010}.{name}"))
}
