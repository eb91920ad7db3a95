//! Embedders and rerankers that run inside this process, from the files of a model: how they are configured and why they
//! can't be opened. What runs them is built with the feature `onnx`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::pinned::Model;

/// Name of the manifest within a folder with an embedding model, and with a reranker.
pub const MANIFEST: &str = "embedder.toml";
pub const RERANKER_MANIFEST: &str = "reranker.toml";

/// How the tokens' vectors become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens.
    Mean,
    /// The first token's.
    Cls,
}

/// One model and where its files come from.
#[derive(Debug, Clone)]
pub struct Settings {
    pub name: String,
    pub source: Source,
    /// Cores that it may use.
    pub threads: usize,
    /// ONNX Runtime's shared library, where the environment names none.
    pub runtime: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub enum Source {
    /// A folder with the model, its tokenizer and a manifest.
    Dir {
        path: PathBuf,
    },
    Hub(Hub),
    /// One that was pulled.
    Pinned {
        model: &'static Model,
        folder: PathBuf,
    },
}

/// A model that is downloaded once, then read from a folder.
#[derive(Debug, Clone)]
pub struct Hub {
    /// As fastembed calls it, such as `BGESmallENV15`, or of rerankers `BAAI/bge-reranker-base`.
    pub model: String,
    /// Commit, branch or tag of the model's repository.
    pub revision: String,
    pub query_prefix: String,
    pub passage_prefix: String,
    /// Where the repositories are.
    pub endpoint: String,
    /// Where downloaded files are kept.
    pub cache: PathBuf,
}

/// Why a model can't be used. Shown to operators only; made before any text is embedded, so it holds none.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("is of a kind that this build lacks: build with `--features onnx`")]
    NotBuilt,
    #[error(
        "needs ONNX Runtime 1.{minor} or newer: set ORT_DYLIB_PATH to its shared library (libonnxruntime.so) ({cause})"
    )]
    Runtime { minor: u32, cause: String },
    #[error("is not there: `usher models pull {model}`, with the service's --data, brings it")]
    NotPulled { model: String },
    #[error("has a damaged file, {}: `usher models pull {model}` brings it anew", path.display())]
    Damaged { path: PathBuf, model: String },
    #[error("can't read {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("has a manifest that can't be used, {}: {problem}", path.display())]
    Manifest { path: PathBuf, problem: String },
    #[error("has files that give no working model: {cause}")]
    Load { cause: String },
    #[error("gives vectors of {found} dimensions where {} says {expected}", place.display())]
    Dimensions { place: PathBuf, expected: usize, found: usize },
    #[error("asks for the model `{model}`, which is none of fastembed's {of}")]
    UnknownModel { model: String, of: &'static str },
    #[error(
        "gives no single score for a passage, as far as {} says: it must have `\"num_labels\": 1`, or one name in `id2label`",
        path.display()
    )]
    Labels { path: PathBuf },
    #[error("can't get `{file}` of {model} at {revision} from {endpoint}: {cause}")]
    Download { model: String, revision: String, file: String, endpoint: String, cause: String },
}
