//! What the folders of both indexes have in common: a lock against a second process, and errors with a path.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::IndexError;

/// The name of the lock file in a locked folder.
pub(super) const LOCK: &str = "lock";

/// What failed when a sync did: afterwards nobody knows what is on disk.
pub(super) const SYNC: &str = "sync";

/// A locked folder. The lock ends with this value, or with the process however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Creates the folder if need be and locks it.
    pub(super) fn take(folder: &Path) -> Result<Self, IndexError> {
        fs::create_dir_all(folder).map_err(|source| failed("create", folder, source))?;
        let path = folder.join(LOCK);
        let file = File::create(&path).map_err(|source| failed("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(IndexError::Locked { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path, source)),
        }
    }
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> IndexError {
    IndexError::Io { action, path: path.to_owned(), source }
}
