//! The files of a model in a folder, and the manifest that says how they are to be used.

use std::path::{Component, Path, PathBuf};

use fastembed::{OutputKey, TokenizerFiles};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::embed::local::{MANIFEST, ModelError, Pooling};

/// What fastembed reads besides the model, in the order of [`Parts::tokenizer`].
const TOKENIZER: [&str; 4] = ["tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"];

impl From<Pooling> for fastembed::Pooling {
    fn from(pooling: Pooling) -> Self {
        match pooling {
            Pooling::Mean => Self::Mean,
            Pooling::Cls => Self::Cls,
        }
    }
}

/// Everything about an embedding model that its files don't say themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub dimensions: usize,
    pub pooling: Pooling,
    #[serde(default = "model_file")]
    pub model: PathBuf,
    /// Files beside the model that hold its weights, where it names any.
    #[serde(default)]
    pub external_data: Vec<PathBuf>,
    #[serde(default)]
    pub query_prefix: String,
    #[serde(default)]
    pub passage_prefix: String,
    /// Of a text; what is longer is cut.
    #[serde(default = "max_tokens")]
    pub max_tokens: usize,
    /// Of the model's outputs, where the usual choice is wrong; known for the hub's models only.
    #[serde(skip)]
    pub output: Option<OutputKey>,
}

pub(super) fn model_file() -> PathBuf {
    "model.onnx".into()
}

pub(super) fn max_tokens() -> usize {
    512
}

/// What a manifest in a folder holds, and where it lies.
pub(super) fn manifest<M: DeserializeOwned>(folder: &Path, name: &str) -> Result<(M, PathBuf), ModelError> {
    let place = folder.join(name);
    let text = String::from_utf8_lossy(&read(&place)?).into_owned();
    match toml::from_str(&text) {
        Ok(manifest) => Ok((manifest, place)),
        Err(error) => Err(ModelError::Manifest { path: place, problem: error.to_string() }),
    }
}

/// Refuses files outside the folder.
pub(super) fn within(place: &Path, files: &[&PathBuf]) -> Result<(), ModelError> {
    let is_within = |path: &&PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
    if files.iter().all(is_within) {
        return Ok(());
    }
    let problem = "`model` and `external_data` must be paths within the folder".to_owned();
    Err(ModelError::Manifest { path: place.to_owned(), problem })
}

/// Which kind of model the files make.
pub(super) enum Source {
    Dir,
    Pinned { model: &'static str },
    Hub { model: String },
}

/// An embedding model in memory.
pub(super) struct Files {
    pub manifest: Manifest,
    /// Where its dimension was promised, for errors.
    pub place: PathBuf,
    pub source: Source,
    pub parts: Parts,
}

/// The files of a model in memory.
pub(super) struct Parts {
    /// Where the model lies.
    pub path: PathBuf,
    pub model: Vec<u8>,
    pub external: Vec<(String, Vec<u8>)>,
    tokenizer: [Vec<u8>; 4],
}

impl Files {
    /// Reads a folder as its manifest says.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let (manifest, place): (Manifest, _) = manifest(folder, MANIFEST)?;
        if !(1..=8192).contains(&manifest.dimensions) || !(1..=32_768).contains(&manifest.max_tokens) {
            let problem = "`dimensions` must be 1 to 8192 and `max_tokens` 1 to 32768".to_owned();
            return Err(ModelError::Manifest { path: place, problem });
        }
        let files: Vec<&PathBuf> = std::iter::once(&manifest.model).chain(&manifest.external_data).collect();
        within(&place, &files)?;
        Self::assemble(manifest, place, Source::Dir, |file| Ok(folder.join(file)))
    }

    /// Reads all files from where `locate` says that they are.
    pub fn assemble(
        manifest: Manifest,
        place: PathBuf,
        source: Source,
        locate: impl Fn(&Path) -> Result<PathBuf, ModelError>,
    ) -> Result<Self, ModelError> {
        let parts = Parts::read(&manifest.model, &manifest.external_data, locate)?;
        Ok(Self { manifest, place, source, parts })
    }

    /// What one of them holds, by its name; the model by the one that pulled models have.
    pub fn named(&self, name: &str) -> Option<&[u8]> {
        let own = || (self.manifest.model == Path::new(name)).then_some(self.parts.model.as_slice());
        self.parts.of_tokenizer(name).or_else(own)
    }

    /// 128 bits over all files and over what the manifest says of their use.
    pub fn digest(&self) -> String {
        let Manifest { pooling, query_prefix, passage_prefix, max_tokens, .. } = &self.manifest;
        let used = format!("{pooling:?} {max_tokens}");
        self.parts.digest(&[&used, query_prefix, passage_prefix])
    }
}

impl Parts {
    /// Reads all files from where `locate` says that they are.
    pub fn read(
        model: &Path,
        external_data: &[PathBuf],
        locate: impl Fn(&Path) -> Result<PathBuf, ModelError>,
    ) -> Result<Self, ModelError> {
        let get = |file: &Path| locate(file).and_then(|path| read(&path));
        let path = locate(model)?;
        let model = read(&path)?;
        let mut external = Vec::with_capacity(external_data.len());
        for file in external_data {
            // The model knows them by their names alone.
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            external.push((name, get(file)?));
        }
        let [tokenizer, config, special, settings] = TOKENIZER.map(Path::new);
        let tokenizer = [get(tokenizer)?, get(config)?, get(special)?, get(settings)?];
        Ok(Self { path, model, external, tokenizer })
    }

    /// What one of the tokenizer's files holds.
    pub fn of_tokenizer(&self, name: &str) -> Option<&[u8]> {
        let mut files = TOKENIZER.iter().zip(&self.tokenizer);
        files.find(|(known, _)| **known == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// As fastembed takes them.
    pub fn tokenizer(&self) -> TokenizerFiles {
        let [tokenizer_file, config_file, special_tokens_map_file, tokenizer_config_file] = self.tokenizer.clone();
        TokenizerFiles { tokenizer_file, config_file, special_tokens_map_file, tokenizer_config_file }
    }

    /// 128 bits over all files and over how they are used.
    pub fn digest(&self, used: &[&str]) -> String {
        let used = used.iter().map(|text| text.as_bytes());
        let external = self.external.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice()]);
        let tokenizer = self.tokenizer.iter().map(Vec::as_slice);
        let mut hasher = blake3::Hasher::new();
        for part in used.chain([self.model.as_slice()]).chain(tokenizer).chain(external) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_hex().chars().take(32).collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|source| ModelError::File { path: path.to_owned(), source })
}
