//! The folder of a store: its lock, the note of its format, and its segments from start to end.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codes::Coder;
use super::places::{self, Places};
use super::segment::{self, KINDS, Layout, SEGMENT_ROWS, Segment};
use crate::IndexError;
use crate::folder::{FolderLock, SYNC, failed};
use usher_base::faults::failpoint;
use usher_base::progress::Progress;

/// The locked folder of a store.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: FolderLock,
}

impl Folder {
    /// Locks the folder, creating it if need be, and compares the note of its format.
    pub(super) fn open(path: &Path, dimensions: usize) -> Result<Self, IndexError> {
        let folder = Self { path: path.to_owned(), _lock: FolderLock::take(path)? };
        folder.check_format(dimensions)?;
        Ok(folder)
    }

    /// A note that is there and says something else is refused. One that is missing or unreadable is written again: the
    /// checksum of every record depends on the dimension, so a wrong guess shows as damage and never as an answer.
    fn check_format(&self, dimensions: usize) -> Result<(), IndexError> {
        let path = self.path.join("format");
        let expected = format!("usher masked scan 1\ndimensions {dimensions}\n");
        match fs::read_to_string(&path) {
            Ok(found) if found == expected => return Ok(()),
            Ok(found) if is_note(&found) => return Err(IndexError::OtherFormat { path: self.path.clone() }),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData) => {}
            Err(source) => return Err(failed("read", &path, source)),
        }
        let draft = self.path.join("format.new");
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(expected.as_bytes())?;
            file.sync_all()?;
            failpoint::hit("scan.before_rename")?;
            fs::rename(&draft, &path)?;
            failpoint::hit("scan.after_rename")
        };
        write().map_err(|source| failed("write", &path, source))?;
        self.sync()
    }

    /// Opens the segments of the first `rows` rows and removes all others.
    pub(super) fn segments(&self, layout: Layout, rows: u32) -> Result<Vec<Arc<Segment>>, IndexError> {
        let mut segments = Vec::new();
        let mut first = 0;
        while first < rows {
            let count = (rows - first).min(SEGMENT_ROWS);
            // Only full segments are ever compacted.
            let places = if count == SEGMENT_ROWS { Places::read(&self.path, first)? } else { None };
            segments.push(Arc::new(match places {
                Some(places) => Segment::open_compact(&self.path, layout, first, places)?,
                None => Segment::open(&self.path, layout, first, count)?,
            }));
            first += count;
        }
        self.remove_others(&segments)?;
        self.sync()?;
        Ok(segments)
    }

    /// A new segment that begins at row `first`. Durable after [`sync`](Self::sync).
    pub(super) fn create(&self, layout: Layout, first: u32, rows: u32) -> Result<Segment, IndexError> {
        // A file of that name can only be left over from a write that was never acknowledged.
        for kind in KINDS {
            remove(&segment::path(&self.path, first, kind))?;
        }
        Segment::open(&self.path, layout, first, rows)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the files that [`Segment::write_compact`] wrote in place of the segment's old ones, durably.
    pub(super) fn adopt(&self, layout: Layout, first: u32, places: Places) -> Result<Segment, IndexError> {
        self.sync()?;
        places.write(&self.path, first)?;
        self.sync()?;
        Segment::open_compact(&self.path, layout, first, places)
    }

    /// Removes the files of a segment that others have replaced; where that fails, the next start does it.
    pub(super) fn remove_files(&self, old: &Segment) {
        for path in old.files() {
            if let Err(error) = remove(path) {
                tracing::warn!(%error, "a file that was replaced could not be removed");
            }
        }
    }

    /// Removes what no segment consists of: leftovers of a write or a compaction that was cut short.
    fn remove_others(&self, segments: &[Arc<Segment>]) -> Result<(), IndexError> {
        let used: HashSet<PathBuf> = (0..)
            .zip(segments)
            .flat_map(|(number, segment)| {
                let note = places::path(&self.path, number * SEGMENT_ROWS);
                segment.files().map(Path::to_owned).chain(segment.is_compact().then_some(note)).collect::<Vec<_>>()
            })
            .collect();
        let entries = fs::read_dir(&self.path).map_err(|source| failed("list", &self.path, source))?;
        for entry in entries {
            let path = entry.map_err(|source| failed("list", &self.path, source))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(|c: char| c.is_ascii_digit()) && !used.contains(&path) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Makes created and removed names durable.
    pub(super) fn sync(&self) -> Result<(), IndexError> {
        failpoint::hit("scan.before_folder_sync")
            .and_then(|()| File::open(&self.path)?.sync_all())
            .and_then(|()| failpoint::hit("scan.after_folder_sync"))
            .map_err(|source| failed(SYNC, &self.path, source))
    }
}

fn is_note(text: &str) -> bool {
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix("usher masked scan "));
    let dimensions = lines.next().and_then(|line| line.strip_prefix("dimensions "));
    [version, dimensions].iter().all(|number| number.is_some_and(|number| number.parse::<u32>().is_ok()))
}

fn remove(path: &Path) -> Result<(), IndexError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

/// Checks the first `rows` rows, in parallel by segment; returns damaged rows as ascending ranges.
pub(super) fn verify(
    segments: &[Arc<Segment>],
    rows: u32,
    coder: &Coder,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<Range<u32>>, IndexError> {
    let numbered: Vec<(u32, &Arc<Segment>)> = (0u32..).zip(segments).collect();
    let share = numbered.len().div_ceil(threads.max(1)).max(1);
    let check = |part: &[(u32, &Arc<Segment>)]| -> Result<Vec<u32>, IndexError> {
        let mut damaged = Vec::new();
        for (number, segment) in part {
            let first = number * SEGMENT_ROWS;
            let found = segment.verify((rows - first).min(SEGMENT_ROWS), coder, progress)?;
            damaged.extend(found.into_iter().map(|at| first + at));
        }
        Ok(damaged)
    };
    let parts: Vec<Result<Vec<u32>, IndexError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = numbered.chunks(share).map(|part| scope.spawn(move || check(part))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for part in parts {
        for row in part? {
            match ranges.last_mut() {
                Some(range) if range.end == row => range.end += 1,
                _ => ranges.push(row..row + 1),
            }
        }
    }
    Ok(ranges)
}
