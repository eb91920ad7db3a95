//! Models in the ONNX format, run in this process by fastembed on an ONNX Runtime that is loaded at the start.
//!
//! Every text is embedded alone: a row never depends on what else was asked for at the same time, so no batch can carry
//! anything from one document or question to another. The model's cores work on one text at a time; questions wait for
//! at most one chunk that runs and one that was there before them.

use std::sync::Arc;

use fastembed::{InitOptionsUserDefined, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, Semaphore};

use self::files::{Files, Source};
use super::local::{self, ModelError, Settings};
use super::{EmbedError, Embedder, Failure, Role, normalise};

mod files;
mod hub;

/// Embedded once at the start, to learn the dimension and that the model works.
const PROBE: &str = "one two three";

/// One model.
pub struct OnnxEmbedder {
    id: String,
    dimensions: usize,
    query_prefix: String,
    passage_prefix: String,
    model: Arc<Mutex<TextEmbedding>>,
    /// One passage at a time waits for the model, so that a question is never behind many of them.
    passages: Semaphore,
}

impl OnnxEmbedder {
    /// Loads the runtime and the model; of the hub's kind, after downloading what is not there yet. Blocks.
    ///
    /// # Errors
    /// When the runtime is missing or too old, a file is missing, or the model gives other vectors than it should.
    pub fn open(settings: &Settings) -> Result<Self, ModelError> {
        load_runtime()?;
        let files = match &settings.source {
            local::Source::Dir { path } => Files::read(path)?,
            local::Source::Hub(hub) => hub::files(hub)?,
        };
        let id = files.id();
        let Files { manifest, place, model, external, tokenizer, source: _ } = files;
        let [tokenizer_file, config_file, special_tokens_map_file, tokenizer_config_file] = tokenizer;
        let tokenizer = TokenizerFiles { tokenizer_file, config_file, special_tokens_map_file, tokenizer_config_file };
        let mut definition = UserDefinedEmbeddingModel::new(model, tokenizer).with_pooling(manifest.pooling.into());
        definition.output_key = manifest.output;
        for (name, bytes) in external {
            definition = definition.with_external_initializer(name, bytes);
        }
        let options =
            InitOptionsUserDefined::new().with_max_length(manifest.max_tokens).with_intra_threads(settings.threads);
        let load = |error: fastembed::Error| ModelError::Load { cause: error.to_string() };
        let mut model = TextEmbedding::try_new_from_user_defined(definition, options).map_err(load)?;
        let found = one(&mut model, PROBE.to_owned()).map_err(load)?.len();
        if found != manifest.dimensions {
            return Err(ModelError::Dimensions { place, expected: manifest.dimensions, found });
        }
        Ok(Self {
            id,
            dimensions: manifest.dimensions,
            query_prefix: manifest.query_prefix,
            passage_prefix: manifest.passage_prefix,
            model: Arc::new(Mutex::new(model)),
            passages: Semaphore::new(1),
        })
    }

    /// The row of one text, when it is its turn.
    async fn row(&self, text: &str, role: Role) -> Result<Vec<f32>, Failure> {
        // The semaphore is never closed, so taking a permit can't fail.
        let (prefix, _turn) = match role {
            Role::Passage => (&self.passage_prefix, self.passages.acquire().await.ok()),
            Role::Query => (&self.query_prefix, None),
        };
        let mut model = self.model.clone().lock_owned().await;
        let text = format!("{prefix}{text}");
        let ran = tokio::task::spawn_blocking(move || one(&mut model, text)).await;
        // SECURITY: the library's own words may quote the text.
        let Ok(Ok(mut row)) = ran else { return Err(Failure::Model) };
        if row.len() != self.dimensions {
            return Err(Failure::Dimension { expected: self.dimensions, found: row.len() });
        }
        if row.iter().any(|x| !x.is_finite()) {
            return Err(Failure::NotFinite);
        }
        normalise(&mut row);
        Ok(row)
    }
}

impl Embedder for OnnxEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed<'a>(&'a self, texts: &'a [String], role: Role) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        async move {
            let mut rows = Vec::with_capacity(texts.len() * self.dimensions);
            for text in texts {
                rows.append(&mut self.row(text, role).await.map_err(|failure| EmbedError::new(&self.id, failure))?);
            }
            Ok(rows)
        }
        .boxed()
    }
}

fn one(model: &mut TextEmbedding, text: String) -> fastembed::Result<Vec<f32>> {
    let rows = model.embed([text], Some(1))?;
    rows.into_iter().next().ok_or(fastembed::Error::EmptyTokenizations)
}

/// Loads the shared library before anything else does, because a later failure to find it would be a panic.
fn load_runtime() -> Result<(), ModelError> {
    let named = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty());
    let path = named.unwrap_or_else(|| {
        format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX).into()
    });
    // Only the loading is wanted; fastembed makes the environment.
    match ort::init_from(&path) {
        Ok(_environment) => Ok(()),
        Err(error) => Err(ModelError::Runtime { minor: ort::MINOR_VERSION, cause: error.to_string() }),
    }
}

impl Files {
    /// The revision is a digest of everything that a vector depends on, so that other files are another embedder
    /// wherever they lie.
    fn id(&self) -> String {
        let (dimensions, digest) = (self.manifest.dimensions, self.digest());
        match &self.source {
            Source::Dir => format!("dir:{dimensions}:{digest}"),
            Source::Hub { model } => format!("hub:{dimensions}:{model}@{digest}"),
        }
    }
}
