//! The files of a model in a folder, and the manifest that says how they are to be used.

use std::path::{Component, Path, PathBuf};

use fastembed::OutputKey;
use serde::Deserialize;

use crate::embed::local::{MANIFEST, ModelError, Pooling};

/// What fastembed reads besides the model, in the order of [`Files::tokenizer`].
pub(super) const TOKENIZER: [&str; 4] =
    ["tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"];

impl From<Pooling> for fastembed::Pooling {
    fn from(pooling: Pooling) -> Self {
        match pooling {
            Pooling::Mean => Self::Mean,
            Pooling::Cls => Self::Cls,
        }
    }
}

/// Everything about a model that its files don't say themselves.
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

fn model_file() -> PathBuf {
    "model.onnx".into()
}

fn max_tokens() -> usize {
    512
}

/// Which kind of embedder the files make.
pub(super) enum Source {
    Dir,
    Pinned { model: &'static str },
    Hub { model: String },
}

/// A model in memory.
pub(super) struct Files {
    pub manifest: Manifest,
    /// Where its dimension was promised, for errors.
    pub place: PathBuf,
    pub source: Source,
    pub model: Vec<u8>,
    pub external: Vec<(String, Vec<u8>)>,
    pub tokenizer: [Vec<u8>; 4],
}

impl Files {
    /// Reads a folder as its manifest says.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let place = folder.join(MANIFEST);
        let text = String::from_utf8_lossy(&read(&place)?).into_owned();
        let problem = |problem: String| ModelError::Manifest { path: place.clone(), problem };
        let manifest: Manifest = toml::from_str(&text).map_err(|error| problem(error.to_string()))?;
        if !(1..=8192).contains(&manifest.dimensions) || !(1..=32_768).contains(&manifest.max_tokens) {
            return Err(problem("`dimensions` must be 1 to 8192 and `max_tokens` 1 to 32768".to_owned()));
        }
        let is_within = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
        if !std::iter::once(&manifest.model).chain(&manifest.external_data).all(is_within) {
            return Err(problem("`model` and `external_data` must be paths within the folder".to_owned()));
        }
        Self::assemble(manifest, place, Source::Dir, |file| Ok(folder.join(file)))
    }

    /// Reads all files from where `locate` says that they are.
    pub fn assemble(
        manifest: Manifest,
        place: PathBuf,
        source: Source,
        locate: impl Fn(&Path) -> Result<PathBuf, ModelError>,
    ) -> Result<Self, ModelError> {
        let get = |file: &Path| locate(file).and_then(|path| read(&path));
        let model = get(&manifest.model)?;
        let mut external = Vec::with_capacity(manifest.external_data.len());
        for file in &manifest.external_data {
            // The model knows them by their names alone.
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            external.push((name, get(file)?));
        }
        let [tokenizer, config, special, settings] = TOKENIZER.map(Path::new);
        let tokenizer = [get(tokenizer)?, get(config)?, get(special)?, get(settings)?];
        Ok(Self { manifest, place, source, model, external, tokenizer })
    }

    /// What one of them holds, by its name; the model by the one that pulled models have.
    pub fn named(&self, name: &str) -> Option<&[u8]> {
        let tokenizer = TOKENIZER.iter().zip(&self.tokenizer).find(|(known, _)| **known == name);
        match tokenizer {
            Some((_, bytes)) => Some(bytes),
            None => (self.manifest.model == Path::new(name)).then_some(&self.model),
        }
    }

    /// 128 bits over all files and over what the manifest says of their use.
    pub fn digest(&self) -> String {
        let Manifest { pooling, query_prefix, passage_prefix, max_tokens, .. } = &self.manifest;
        let used = format!("{pooling:?} {max_tokens}");
        let parts = [used.as_bytes(), query_prefix.as_bytes(), passage_prefix.as_bytes(), &self.model];
        let external = self.external.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice()]);
        let mut hasher = blake3::Hasher::new();
        for part in parts.into_iter().chain(self.tokenizer.iter().map(Vec::as_slice)).chain(external) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_hex().chars().take(32).collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|source| ModelError::File { path: path.to_owned(), source })
}
