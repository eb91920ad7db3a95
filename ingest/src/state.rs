//! What was last written per source, on this machine: folder tuples and the names of people.
//!
//! It only serves to tell what this tool wrote from what somebody changed by hand. When it is lost nothing unknown is
//! deleted; `--reconcile` asks the service instead. Whether it tells of the service that answers: `history`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use usher_base::wire::{RelationshipChange, TupleKey};

use crate::named;

/// Largest state file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {0}: {1}")]
    Io(PathBuf, std::io::Error),
    #[error("the state file {0} is damaged ({1}); remove it and run with --reconcile")]
    Damaged(PathBuf, serde_json::Error),
    #[error(
        "the state file {0} is in use by another usher-ingest; wait until it has ended, or name another --state for \
         another source"
    )]
    InUse(PathBuf),
    #[error("no place for the state file: set XDG_STATE_HOME or HOME, or name --state")]
    NoPlace,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub collection: String,
    /// Source and prefix of a folder; absent in older records.
    pub source: String,
    /// Folder that the source was read from; of people, the name of their list.
    pub root: String,
    /// The documents are attached to the collection: there are no folder objects.
    pub is_flat: bool,
    pub tuples: Vec<TupleKey>,
    /// Of `tuples`, those that were in the service before this tool would have written them: not its own to delete.
    pub found: Vec<TupleKey>,
    /// Of `tuples`, those that a run was about to write when it was cut off, or that still wait: they may not be in the
    /// service. Absent in older records.
    pub pending: Option<Vec<TupleKey>>,
    /// Grants that this tool deleted: a service that was set back holds them again.
    pub removed: Vec<TupleKey>,
    /// An entry of the service's log of tuples that is no older than the last write recorded here.
    pub mark: Option<RelationshipChange>,
    /// Name of the last run that wrote tuples, and of one that was about to.
    pub run: String,
    pub next: String,
    /// Path to id of files that were moved and are still the documents that they were.
    pub moved: BTreeMap<String, String>,
    /// Id to the path whose rules the document carries, where it could not be sent from a newer place.
    pub carried: BTreeMap<String, String>,
    /// Id to the digest of its rules, of documents that have no rule file of their own and more than what comes down from
    /// above, such as a label: by the digest alone these can't be told from rules of their own.
    pub noted: BTreeMap<String, String>,
    /// Files of nothing but pictures in which nothing was recognised, as the sandbox knows them: it need not be tried again.
    pub wordless: BTreeSet<String>,
    /// The run that wrote this did not reach its end.
    pub incomplete: bool,
    /// Id to name.
    pub people: BTreeMap<String, String>,
    pub groups: BTreeMap<String, String>,
}

impl State {
    /// What else than the source the record is of, in words.
    pub fn other_than(&self, source: &str) -> Option<String> {
        if self.collection.is_empty() && !self.root.is_empty() {
            return Some(format!("the people of {}", self.root));
        }
        let known = match self.source.as_str() {
            "" => {
                // Older records: the top of what was written.
                let folders =
                    self.tuples.iter().filter(|t| t.relation == "parent" && t.user.starts_with("collection:"));
                folders.map(|t| t.object.trim_start_matches("folder:").to_owned()).next()?
            }
            known => known.to_owned(),
        };
        let top = source.split('/').next().unwrap_or(source);
        let is_same = known == source || self.source.is_empty() && known == top;
        (!is_same).then(|| format!("the source {known}"))
    }
}

#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Locked as long as this value lives.
    _lock: Option<fs::File>,
}

impl StateFile {
    /// `key` tells runs apart: the server and what is kept of it. One run at a time has the file; a dry run only looks.
    pub fn open(named: Option<&Path>, key: &str, dry_run: bool) -> Result<Self, StateError> {
        let path = Self::place(named, key)?;
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(StateError::Io(path, std::io::Error::other("not a regular file")));
        }
        let lock = if dry_run { None } else { Some(lock(&path)?) };
        Ok(StateFile { path, _lock: lock })
    }

    fn place(named: Option<&Path>, key: &str) -> Result<PathBuf, StateError> {
        if let Some(path) = named {
            return Ok(path.to_owned());
        }
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|h| h.join(".local/state")));
        let hash = blake3::hash(key.as_bytes()).to_hex();
        let name = format!("{}.json", hash.get(..24).unwrap_or_default());
        Ok(base.ok_or(StateError::NoPlace)?.join("usher-ingest").join(name))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `None`: never written, or lost.
    pub fn load(&self) -> Result<Option<State>, StateError> {
        match named::read(&self.path, MAX_BYTES) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|e| StateError::Damaged(self.path.clone(), e))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StateError::Io(self.path.clone(), e)),
        }
    }

    /// Makes the file what it was when it was loaded.
    pub fn restore(&self, known: Option<&State>) -> Result<(), StateError> {
        match known {
            Some(state) => self.save(state),
            None => fs::remove_file(&self.path).map_err(|e| StateError::Io(self.path.clone(), e)),
        }
    }

    /// Replaces the file as a whole; a kill leaves the old or the new one.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        let failed = |e: std::io::Error| StateError::Io(self.path.clone(), e);
        let bytes = serde_json::to_vec(state).map_err(|e| StateError::Damaged(self.path.clone(), e))?;
        let temporary = beside(&self.path, &format!("{}.tmp", std::process::id()));
        let write = || {
            let mut file =
                fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        let written = write();
        if written.is_err() {
            // A full disk is not filled with what it could not hold.
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(failed)
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{end}"));
    PathBuf::from(name)
}

/// Locks a file beside the state, which is itself replaced at each save. It stays, so that no two lock different files.
fn lock(path: &Path) -> Result<fs::File, StateError> {
    let failed = |e: std::io::Error| StateError::Io(path.to_owned(), e);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    let mut options = fs::OpenOptions::new();
    let file =
        options.write(true).create(true).truncate(false).mode(0o600).open(beside(path, "lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse(path.to_owned())),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}
