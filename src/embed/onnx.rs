//! Models in the ONNX format, run in this process by fastembed on an ONNX Runtime that is loaded at the start.
//!
//! Every text is embedded alone: a row never depends on what else was asked for at the same time, so no batch can carry
//! anything from one document or question to another (8-bit models scale by what is in a batch). Passages are worked on side
//! by side, each on one core, by copies of the model; questions have a copy of their own and wait for no passage.

use std::path::{Path, PathBuf};

use fastembed::{InitOptionsUserDefined, TextEmbedding, UserDefinedEmbeddingModel};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use self::copies::{Copies, Count};
use self::files::{Files, Source};
use super::local::{self, ModelError, Settings};
use super::{Calibration, EmbedError, Embedder, Failure, Role, Turns, normalise};
use crate::limits::Payer;

mod copies;
mod files;
mod hub;
mod rerank;

pub use rerank::OnnxReranker;

/// Embedded once at the start, to learn the dimension and that the model works.
const PROBE: &str = "one two three";

/// One model.
pub struct OnnxEmbedder {
    id: String,
    dimensions: usize,
    query_prefix: String,
    passage_prefix: String,
    calibration: Option<Calibration>,
    count: Count,
    questions: Copies<TextEmbedding>,
    passages: Copies<TextEmbedding>,
    turns: Turns,
}

impl OnnxEmbedder {
    /// Loads the runtime and the model; of the hub's kind, after downloading what is not there yet. Blocks.
    ///
    /// # Errors
    /// When the runtime is missing or too old, a file is missing, or the model gives other vectors than it should.
    pub fn open(settings: &Settings) -> Result<Self, ModelError> {
        let files = match &settings.source {
            local::Source::Dir { path } => Files::read(path)?,
            local::Source::Hub(hub) => hub::files(hub)?,
            local::Source::Pinned { model, folder } if !folder.exists() => {
                return Err(ModelError::NotPulled { model: model.name.clone() });
            }
            local::Source::Pinned { model, folder } => {
                let files = Files::read(folder)?;
                model.check(folder, |name| files.named(name))?;
                Files { source: Source::Pinned { model: &model.name }, ..files }
            }
        };
        load_runtime(settings.runtime.as_deref())?;
        let calibration = match &settings.source {
            local::Source::Pinned { model, .. } => Some(model.calibration),
            _ => None,
        };
        let id = files.id();
        let Files { manifest, place, parts, source: _ } = files;
        let tokenizer = parts.tokenizer();
        let mut definition =
            UserDefinedEmbeddingModel::new(parts.model, tokenizer).with_pooling(manifest.pooling.into());
        definition.output_key = manifest.output;
        for (name, bytes) in parts.external {
            definition = definition.with_external_initializer(name, bytes);
        }
        let count = Count::of(settings.threads);
        let options =
            InitOptionsUserDefined::new().with_max_length(manifest.max_tokens).with_intra_threads(count.cores);
        let load = |error: fastembed::Error| ModelError::Load { cause: error.to_string() };
        let copy = || TextEmbedding::try_new_from_user_defined(definition.clone(), options.clone()).map_err(load);
        let mut first = copy()?;
        let found = one(&mut first, PROBE.to_owned()).map_err(load)?.len();
        if found != manifest.dimensions {
            return Err(ModelError::Dimensions { place, expected: manifest.dimensions, found });
        }
        Ok(Self {
            id,
            dimensions: manifest.dimensions,
            query_prefix: manifest.query_prefix,
            passage_prefix: manifest.passage_prefix,
            calibration,
            count,
            turns: Turns::of(count.turns()),
            questions: Copies::of(vec![first]),
            passages: Copies::of((0..count.copies).map(|_| copy()).collect::<Result<_, _>>()?),
        })
    }

    /// The row of one text, when it is its turn.
    async fn row(&self, text: &str, role: Role, payer: &Payer) -> Result<Vec<f32>, Failure> {
        let turn = self.turns.take(role, payer).await;
        let (prefix, copies) = match role {
            Role::Passage => (&self.passage_prefix, &self.passages),
            Role::Query => (&self.query_prefix, self.for_a_question()),
        };
        let place = copies.places.clone().acquire_owned().await.map_err(|_| Failure::Model)?;
        let text = format!("{prefix}{text}");
        let mut row = copies.run((turn, place), |model| one(model, text)).await.ok_or(Failure::Model)?;
        if row.len() != self.dimensions {
            return Err(Failure::Dimension { expected: self.dimensions, found: row.len() });
        }
        if row.iter().any(|x| !x.is_finite()) {
            return Err(Failure::NotFinite);
        }
        normalise(&mut row);
        Ok(row)
    }

    /// Their own, or others that have nothing to do.
    fn for_a_question(&self) -> &Copies<TextEmbedding> {
        let is_better = self.questions.places.available_permits() == 0 && self.passages.places.available_permits() > 0;
        if is_better { &self.passages } else { &self.questions }
    }
}

impl Embedder for OnnxEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn calibration(&self) -> Option<Calibration> {
        self.calibration
    }

    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        role: Role,
        payer: &'a Payer,
    ) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        async move {
            let rows: Vec<_> = texts.iter().map(|text| self.row(text, role, payer)).collect();
            let rows: Vec<Vec<f32>> = stream::iter(rows)
                .buffered(self.count.copies)
                .try_collect()
                .await
                .map_err(|failure| EmbedError::new(&self.id, failure))?;
            Ok(rows.concat())
        }
        .boxed()
    }
}

fn one(model: &mut TextEmbedding, text: String) -> fastembed::Result<Vec<f32>> {
    let rows = model.embed([text], Some(1))?;
    rows.into_iter().next().ok_or(fastembed::Error::EmptyTokenizations)
}

/// Loads the shared library before anything else does, because a later failure to find it would be a panic.
fn load_runtime(pulled: Option<&Path>) -> Result<(), ModelError> {
    let named = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| pulled.map(Path::to_owned)).unwrap_or_else(|| {
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
            Source::Pinned { model } => format!("{model}:{dimensions}:{digest}"),
            Source::Hub { model } => format!("hub:{dimensions}:{model}@{digest}"),
        }
    }
}
