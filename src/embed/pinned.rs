//! Models that are known to the bit: what their files are, what is to be done with them, and where they come from. The
//! table is `pinned.toml`; `usher models pull` brings what it names ([`pull`]).

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Calibration;
use super::local::{MANIFEST, ModelError, Pooling};

pub mod pull;

/// The model that is used where none is configured.
pub const DEFAULT: &str = "minilm";

/// Folder of the runtime beside those of the models.
const RUNTIME: &str = "onnxruntime";

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    #[allow(clippy::expect_used, reason = "it is part of the program, and a test reads it")]
    toml::from_str(include_str!("pinned.toml")).expect("the table of models")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    models: Vec<Model>,
    runtimes: Vec<Runtime>,
}

/// A model for passages and questions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: String,
    pub about: String,
    /// SPDX expression.
    pub licence: String,
    pub dimensions: usize,
    pub pooling: Pooling,
    pub query_prefix: String,
    pub passage_prefix: String,
    pub max_tokens: usize,
    /// What its cosines mean.
    pub calibration: Calibration,
    pub files: Vec<File>,
}

/// ONNX Runtime for one kind of machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtime {
    os: String,
    arch: String,
    /// As Python packages name it.
    platform: String,
    file: File,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// In the model's own folder.
    pub name: String,
    pub bytes: u64,
    /// Lower-case hex digits.
    pub sha256: String,
    /// The Python package that holds it, and the path therein.
    pub package: String,
    pub version: String,
    pub path: String,
}

impl File {
    pub fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.bytes && hex(&Sha256::digest(bytes)) == self.sha256
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the models of a data folder lie, those that were pulled and those that were downloaded.
pub fn folder_of(data: &Path) -> PathBuf {
    data.join("models")
}

pub fn models() -> &'static [Model] {
    &TABLE.models
}

/// The runtime for this machine, where there is one. Of Linux those with glibc alone have one.
fn runtime() -> Option<&'static Runtime> {
    if cfg!(all(target_os = "linux", not(target_env = "gnu"))) {
        return None;
    }
    TABLE.runtimes.iter().find(|known| known.os == std::env::consts::OS && known.arch == std::env::consts::ARCH)
}

impl Model {
    /// A model by its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLE.models.iter().find(|model| model.name == name)
    }

    /// The one that an embedder with this id was made of, in this release or another.
    pub fn of(id: &str) -> Option<&'static Self> {
        TABLE.models.iter().find(|model| id.strip_prefix(&model.name).is_some_and(|rest| rest.starts_with(':')))
    }

    /// Where it lies once it was pulled; `models` is the folder of all models.
    pub fn folder(&self, models: &Path) -> PathBuf {
        models.join(&self.name)
    }

    /// Whether it was pulled: the manifest comes last. What is there may have been damaged since.
    pub fn is_there(&self, models: &Path) -> bool {
        self.folder(models).join(MANIFEST).exists()
    }

    /// # Errors
    /// When one of the files is not the one that is meant.
    pub fn check<'a>(&self, place: &Path, bytes_of: impl Fn(&str) -> Option<&'a [u8]>) -> Result<(), ModelError> {
        match self.files.iter().find(|file| !bytes_of(&file.name).is_some_and(|bytes| file.is(bytes))) {
            None => Ok(()),
            Some(file) => Err(ModelError::Damaged { path: place.join(&file.name), model: self.name.clone() }),
        }
    }
}

/// The runtime that was pulled beside the models.
pub fn runtime_in(models: &Path) -> Option<PathBuf> {
    runtime().map(|runtime| models.join(RUNTIME).join(&runtime.file.name)).filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_table_can_be_told_and_lies_in_the_folder() {
        assert!(Model::named(DEFAULT).is_some());
        let runtimes = TABLE.runtimes.iter().map(|runtime| &runtime.file);
        for file in models().iter().flat_map(|model| &model.files).chain(runtimes) {
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            assert!(file.bytes > 0 && !file.name.contains(['/', '\\']) && !file.path.contains(".."), "{file:?}");
        }
    }
}
