//! The engine's folder, with a checksum over the small files that the engine writes without one.
//!
//! Segment files carry a checksum of the engine. `meta.json` and the list of managed files don't, and a flipped bit in
//! there would name another position or another segment; each gets a last line with its hash. The wrapper is also where
//! a test build can fail or stop before and after each sync and rename.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use ::tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use ::tantivy::directory::{
    AntiCallToken, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite, WatchCallback, WatchHandle,
    WritePtr,
};
use ::tantivy::{Directory, TantivyError};
use xxhash_rust::xxh3::xxh3_64;

use usher_base::faults::failpoint;

/// The file whose replacement is the commit.
const META: &str = "meta.json";
const MARK: &str = "\nusher ";

#[derive(Debug, Clone)]
pub(super) struct CheckedDirectory(MmapDirectory);

impl CheckedDirectory {
    pub(super) fn open(folder: &Path) -> Result<Self, TantivyError> {
        Ok(Self(MmapDirectory::open(folder)?))
    }
}

impl Directory for CheckedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.0.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.0.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.0.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Ok(BufWriter::new(Box::new(SyncedWrite(self.0.open_write(path)?))))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let mut bytes = self.0.atomic_read(path)?;
        match checked_length(&bytes) {
            Some(length) => {
                bytes.truncate(length);
                Ok(bytes)
            }
            None => {
                let damaged = io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match");
                Err(OpenReadError::wrap_io_error(damaged, path.to_owned()))
            }
        }
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let mut bytes = data.to_vec();
        writeln!(bytes, "{MARK}{:016x}", xxh3_64(data))?;
        failpoint::hit("keyword.before_rename")?;
        self.0.atomic_write(path, &bytes)?;
        failpoint::hit("keyword.after_rename")?;
        // The engine doesn't sync the folder after the rename, so a power cut could bring the old commit back after an
        // acknowledgement, with its files already removed. The list of files may be old: that only leaves files over.
        if path == Path::new(META) { self.sync_directory() } else { Ok(()) }
    }

    fn sync_directory(&self) -> io::Result<()> {
        failpoint::hit("keyword.before_folder_sync")?;
        self.0.sync_directory()?;
        failpoint::hit("keyword.after_folder_sync")
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.0.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> ::tantivy::Result<WatchHandle> {
        self.0.watch(callback)
    }
}

/// The length of the content, if its hash is the one in the last line.
fn checked_length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.len().checked_sub(MARK.len() + 17)?;
    let (content, line) = bytes.split_at_checked(length)?;
    (line == format!("{MARK}{:016x}\n", xxh3_64(content)).as_bytes()).then_some(length)
}

/// A segment file, which is synced when it is complete.
struct SyncedWrite(WritePtr);

impl Write for SyncedWrite {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for SyncedWrite {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        failpoint::hit("keyword.before_sync")?;
        self.0.terminate_ref(token)?;
        failpoint::hit("keyword.after_sync")
    }
}
