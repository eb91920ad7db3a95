//! A checksum over the whole database file for the time in which nobody has it open.
//!
//! SQLite keeps no checksums: a flipped bit inside a value is a valid database with another text or another grant. A stop
//! in order leaves `catalog.sum`; the next start compares it and removes it before anything is written, so that one that
//! is there always speaks of the file beside it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::CatalogError;
use crate::failpoint;
use crate::progress::Progress;

fn path_of(database: &Path) -> PathBuf {
    database.with_extension("sum")
}

fn sum(database: &Path, progress: &Progress) -> io::Result<String> {
    let file = File::open(database)?;
    progress.expect(file.metadata()?.len());
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(Noted { file, progress })?;
    Ok(format!("{}\n", hasher.finalize().to_hex()))
}

/// A file of which somebody hears how much was read.
struct Noted<'a> {
    file: File,
    progress: &'a Progress,
}

impl Read for Noted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}

/// Length of the write-ahead log; 0 without one.
fn pending(database: &Path) -> u64 {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    fs::metadata(PathBuf::from(name)).map_or(0, |file| file.len())
}

/// Compares the file with the seal, if the last stop left one, and removes the seal. Says whether there was one: then the
/// file is, byte for byte, what the service left.
///
/// # Errors
/// When the file is not as the service left it.
pub(super) fn open(database: &Path, progress: &Progress) -> Result<bool, CatalogError> {
    let seal = path_of(database);
    let expected = match fs::read(&seal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        read => read?,
    };
    let is_same = pending(database) == 0 && sum(database, progress)?.as_bytes() == expected;
    if !is_same {
        let fault = format!(
            "it is not as the service left it, says {}; a backup is put in its place with `usher restore`",
            seal.display()
        );
        return Err(CatalogError::Damaged { fault });
    }
    fs::remove_file(&seal)?;
    sync_folder(database)?;
    Ok(true)
}

/// Leaves a seal. Nobody may have the database open.
///
/// # Errors
/// I/O; there is no seal then.
pub(super) fn close(database: &Path) -> io::Result<()> {
    if pending(database) > 0 {
        // Somebody else still reads; the log holds what the file lacks, and has checksums of its own.
        return Ok(());
    }
    let draft = database.with_extension("sum.new");
    let mut file = File::create(&draft)?;
    file.write_all(sum(database, &Progress::default())?.as_bytes())?;
    failpoint::hit("catalog.before_sync")?;
    file.sync_all()?;
    failpoint::hit("catalog.before_rename")?;
    fs::rename(&draft, path_of(database))?;
    failpoint::hit("catalog.after_rename")?;
    sync_folder(database)
}

fn sync_folder(database: &Path) -> io::Result<()> {
    database.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
