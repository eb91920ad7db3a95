//! The data folder of a process: its own, whole, and closed to others.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{RESTORING, ServeError};
use crate::audit;
use crate::catalog::Location;
use crate::config::Config;

/// Makes the folder and everything in it readable by its owner alone, and locks it.
#[allow(clippy::result_large_err, reason = "made at most once, at the start")]
pub(crate) fn prepare_folder(folder: &Path) -> Result<std::fs::File, ServeError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| ServeError::Folder { path, source }
    };
    if std::fs::metadata(folder).is_ok_and(|found| !found.is_dir()) {
        return Err(ServeError::NoFolder { path: folder.to_owned() });
    }
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(at(folder))?;
    let path = folder.join("lock");
    let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
    match lock.try_lock() {
        // Nobody else changes anything in it now.
        Ok(()) => close_to_others(folder).map(|()| lock).map_err(at(folder)),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::Locked { path: folder.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(ServeError::Folder { path, source }),
    }
}

/// Takes the rights of others away from a folder and what it holds; earlier releases have left some. Links lead elsewhere
/// and are left alone.
fn close_to_others(path: &Path) -> std::io::Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Ok(());
    }
    let mode = found.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(mode & !0o077))?;
    }
    if found.is_dir() {
        for entry in std::fs::read_dir(path)? {
            close_to_others(&entry?.path())?;
        }
    }
    Ok(())
}

/// A first start has no audit yet; where there is one, a new empty catalog would look like an answer. And indexes that
/// were made from a file here are none of a database elsewhere.
#[allow(clippy::result_large_err, reason = "made at most once, at the start")]
pub(super) fn refuse_without_catalog(config: &Config) -> Result<(), ServeError> {
    if config.data.join(RESTORING).exists() {
        return Err(ServeError::Restoring { path: config.data.clone() });
    }
    let path = config.data.join("catalog.db");
    let is_empty = std::fs::metadata(&path).map_or(true, |file| file.len() == 0);
    match &config.catalog {
        Location::Folder(folder)
            if is_empty && [audit::FILE, audit::seen::FILE].iter().any(|name| folder.join(name).exists()) =>
        {
            Err(ServeError::NoCatalog { catalog: path.display().to_string() })
        }
        Location::Postgres(_) if !is_empty => Err(ServeError::OtherCatalog { path }),
        _ => Ok(()),
    }
}
