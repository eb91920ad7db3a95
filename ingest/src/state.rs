//! What was last written per source, on this machine: folder tuples and the names of people.
//!
//! It only serves to tell what this tool wrote from what somebody changed by hand. When it is lost nothing unknown is
//! deleted; `--reconcile` asks the service instead.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use usher_base::wire::TupleKey;

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {0}: {1}")]
    Io(PathBuf, std::io::Error),
    #[error("the state file {0} is damaged ({1}); remove it and run with --reconcile")]
    Damaged(PathBuf, serde_json::Error),
    #[error("no place for the state file: set XDG_STATE_HOME or HOME, or name --state")]
    NoPlace,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub collection: String,
    /// Folder that the source was read from.
    pub root: String,
    pub tuples: Vec<TupleKey>,
    /// The run that wrote this did not reach its end: not all of `tuples` may be in the service.
    pub incomplete: bool,
    /// Id to name.
    pub people: BTreeMap<String, String>,
    pub groups: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// `key` tells runs apart: the server and what is kept of it.
    pub fn at(named: Option<&Path>, key: &str) -> Result<Self, StateError> {
        if let Some(path) = named {
            return Ok(StateFile { path: path.to_owned() });
        }
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|h| h.join(".local/state")));
        let hash = blake3::hash(key.as_bytes()).to_hex();
        let name = format!("{}.json", hash.get(..24).unwrap_or_default());
        Ok(StateFile { path: base.ok_or(StateError::NoPlace)?.join("usher-ingest").join(name) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `None`: never written, or lost.
    pub fn load(&self) -> Result<Option<State>, StateError> {
        match fs::read(&self.path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|e| StateError::Damaged(self.path.clone(), e))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StateError::Io(self.path.clone(), e)),
        }
    }

    /// Replaces the file as a whole; a kill leaves the old or the new one.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        let failed = |e: std::io::Error| StateError::Io(self.path.clone(), e);
        let bytes = serde_json::to_vec(state).map_err(|e| StateError::Damaged(self.path.clone(), e))?;
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = PathBuf::from(name);
        let write = || {
            let mut file =
                fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(failed)
    }
}
