//! The file that a new key's secret goes to.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use anyhow::Context;

use crate::serve::{fill_secret, open_secret};

/// A new file, made before the key is: one that can't be written leaves no key that nobody has. It is removed again unless
/// it was filled.
pub(super) struct NewFile {
    path: PathBuf,
    file: Option<File>,
}

impl NewFile {
    /// # Errors
    /// When it is there already or can't be made.
    pub(super) fn make(path: PathBuf) -> anyhow::Result<Self> {
        let file = open_secret(OpenOptions::new().create_new(true), &path).with_context(|| {
            format!("can't make the new file {}, so no key was made; name another with --out", path.display())
        })?;
        Ok(Self { path, file: Some(file) })
    }

    /// # Errors
    /// I/O.
    pub(super) fn fill(mut self, secret: &str) -> std::io::Result<PathBuf> {
        if let Some(file) = &mut self.file {
            fill_secret(file, secret)?;
        }
        self.file = None;
        Ok(std::mem::take(&mut self.path))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
