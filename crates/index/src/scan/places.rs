//! Where the rows of a compacted segment are: rows without a vector share one record, the others follow it in order.
//!
//! `<first>.rows` names the files that hold a segment and says which rows have a record of their own. It is put in place
//! by a rename, after the files that it names are durable: before, the segment's old files count, afterwards the new ones.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::segment::SEGMENT_ROWS;
use crate::IndexError;
use crate::folder::failed;
use usher_base::faults::failpoint;

const MAGIC: &[u8; 8] = b"ushrows1";
const WORDS: usize = SEGMENT_ROWS as usize / 64;
/// Magic, generation, bitmap, checksum.
const BYTES: usize = 8 + 4 + WORDS * 8 + 8;

/// The place of the record that all rows without a vector share.
pub(super) const SHARED: u32 = 0;

/// Places of all rows of one segment.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Counts the compactions of the segment; part of its files' names.
    pub(super) generation: u32,
    /// One bit per row that has a record of its own.
    kept: Box<[u64]>,
    /// Place by row. Fewer than half of the rows have their own, so 16 bits are enough.
    by_row: Box<[u16]>,
    records: u32,
}

impl Places {
    /// `kept` has one bit for each row with a record of its own.
    pub(super) fn new(generation: u32, kept: Box<[u64]>) -> Self {
        let mut next = SHARED;
        let place = |row: usize| {
            let is_kept = kept.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
            next += u32::from(is_kept);
            if is_kept { next as u16 } else { SHARED as u16 }
        };
        let by_row = (0..SEGMENT_ROWS as usize).map(place).collect();
        Self { generation, kept, by_row, records: next + 1 }
    }

    /// Number of records, the shared one included.
    pub(super) fn records(&self) -> u32 {
        self.records
    }

    #[inline(always)]
    pub(super) fn of(&self, row: u32) -> u32 {
        self.by_row.get(row as usize).map_or(SHARED, |place| u32::from(*place))
    }

    /// What the folder says of the segment that begins at row `first`; `None` where it was never compacted, or where the
    /// note is damaged: its rows are missing then, and mended like others.
    pub(super) fn read(folder: &Path, first: u32) -> Result<Option<Self>, IndexError> {
        let path = path(folder, first);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed("read", &path, source)),
        };
        let places = parse(&bytes, first);
        if places.is_none() {
            fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
        }
        Ok(places)
    }

    /// Makes these the segment's places. Durable once the folder is synced.
    pub(super) fn write(&self, folder: &Path, first: u32) -> Result<(), IndexError> {
        let path = path(folder, first);
        let draft = path.with_extension("new");
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(MAGIC);
        bytes.extend(self.generation.to_le_bytes());
        bytes.extend(self.kept.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(xxh3_64_with_seed(&bytes, u64::from(first)).to_le_bytes());
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            failpoint::hit("scan.before_rename")?;
            fs::rename(&draft, &path)?;
            failpoint::hit("scan.after_rename")
        };
        write().map_err(|source| failed("write", &path, source))
    }
}

/// Path of the note of the segment that begins at row `first`.
pub(super) fn path(folder: &Path, first: u32) -> PathBuf {
    folder.join(format!("{first:010}.rows"))
}

fn parse(bytes: &[u8], first: u32) -> Option<Places> {
    let (content, sum) = bytes.split_last_chunk::<8>().filter(|_| bytes.len() == BYTES)?;
    if xxh3_64_with_seed(content, u64::from(first)) != u64::from_le_bytes(*sum) {
        return None;
    }
    let (generation, bits) = content.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    Some(Places::new(u32::from_le_bytes(*generation), bits.chunks_exact(8).map(word).collect()))
}
