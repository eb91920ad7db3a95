//! Cross-encoders: a question and a passage in, one logit out.
//!
//! Each pair is read alone, as texts are embedded alone, so a score depends on nothing else; pairs of one question are read
//! side by side. Between two pairs others have their turn, and what nobody waits for any more is not begun.

use std::path::{Path, PathBuf};

use fastembed::{OnnxSource, RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::copies::{Copies, Count};
use super::files::{self, Parts};
use super::{hub, load_runtime};
use crate::embed::local::{ModelError, RERANKER_MANIFEST, Settings, Source};
use crate::embed::{Failure, Role, Turns};
use crate::limits::Payer;

/// Read once at the start, to learn that the model works.
const PROBE: [&str; 2] = ["one", "one two three"];

/// Everything about a reranker that its files don't say themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default = "files::model_file")]
    model: PathBuf,
    /// Files beside the model that hold its weights, where it names any.
    #[serde(default)]
    external_data: Vec<PathBuf>,
    /// Of question and passage together; of the longer one the end is cut.
    #[serde(default = "files::max_tokens")]
    max_tokens: usize,
}

/// One model.
pub struct OnnxReranker {
    id: String,
    count: Count,
    copies: Copies<TextRerank>,
    turns: Turns,
}

impl OnnxReranker {
    /// Loads the runtime and the model; of the hub's kind, after downloading what is not there yet. Blocks.
    ///
    /// # Errors
    /// When the runtime is missing or too old, a file is missing, or the model gives no single score.
    pub fn open(settings: &Settings) -> Result<Self, ModelError> {
        let (parts, max_tokens, kind) = match &settings.source {
            Source::Dir { path } => {
                let (parts, max_tokens) = of_folder(path)?;
                (parts, max_tokens, "dir".to_owned())
            }
            Source::Hub(wanted) => {
                let (parts, model) = hub::reranker(wanted)?;
                (parts, files::max_tokens(), format!("hub:{model}"))
            }
            Source::Pinned { model, .. } => return Err(ModelError::NotPulled { model: model.name.clone() }),
        };
        load_runtime(settings.runtime.as_deref())?;
        let id = format!("{kind}:{}", parts.digest(&[&max_tokens.to_string()]));
        let count = Count::of(settings.threads);
        // Weights beside the model are found by its path alone.
        let source = match parts.external.is_empty() {
            true => OnnxSource::Memory(parts.model.clone()),
            false => OnnxSource::File(parts.path.clone()),
        };
        let definition = UserDefinedRerankingModel::new(source, parts.tokenizer());
        drop(parts);
        let options = RerankInitOptionsUserDefined::new().with_max_length(max_tokens).with_intra_threads(count.cores);
        let load = |error: fastembed::Error| ModelError::Load { cause: error.to_string() };
        let copy = || TextRerank::try_new_from_user_defined(definition.clone(), options.clone()).map_err(load);
        let mut copies = (0..count.copies).map(|_| copy()).collect::<Result<Vec<_>, _>>()?;
        let [question, passage] = PROBE.map(str::to_owned);
        if let Some(first) = copies.first_mut() {
            logits(first, question, vec![passage]).map_err(load)?;
        }
        Ok(Self { id, count, copies: Copies::of(copies), turns: Turns::of(count.turns()) })
    }

    /// Where the model comes from, with a digest of everything that a score depends on.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How likely each passage answers the question: the logistic function of the model's logit, 0 to 1.
    pub async fn scores(&self, question: &str, passages: &[&str], payer: &Payer) -> Result<Vec<f64>, Failure> {
        if crate::mutants::active("passages_are_read_together") {
            return self.read(question, passages, payer).await;
        }
        let pairs: Vec<_> = passages.chunks(1).map(|passage| self.read(question, passage, payer)).collect();
        stream::iter(pairs).buffered(self.count.copies).try_concat().await
    }

    /// The scores of passages that are read at once, when it is their turn.
    async fn read(&self, question: &str, passages: &[&str], payer: &Payer) -> Result<Vec<f64>, Failure> {
        // Of one person's passages no more wait than keep the copies busy, as of documents that come in.
        let turn = self.turns.take(Role::Passage, payer).await;
        let place = self.copies.places.clone().acquire_owned().await.map_err(|_| Failure::Model)?;
        let question = question.to_owned();
        let passages: Vec<String> = passages.iter().map(|passage| (*passage).to_owned()).collect();
        let logits = self.copies.run((turn, place), |model| logits(model, question, passages)).await;
        let logits = logits.ok_or(Failure::Model)?;
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(Failure::NotFinite);
        }
        Ok(logits.into_iter().map(|logit| 1.0 / (1.0 + (-f64::from(logit)).exp())).collect())
    }
}

/// In the order of the passages.
fn logits(model: &mut TextRerank, question: String, passages: Vec<String>) -> Result<Vec<f32>, fastembed::Error> {
    let mut read = model.rerank(question, passages, false, None)?;
    read.sort_by_key(|result| result.index);
    Ok(read.into_iter().map(|result| result.score).collect())
}

/// Reads a folder as its manifest says, with its limit of tokens.
fn of_folder(folder: &Path) -> Result<(Parts, usize), ModelError> {
    let (manifest, place): (Manifest, _) = files::manifest(folder, RERANKER_MANIFEST)?;
    if !(1..=32_768).contains(&manifest.max_tokens) {
        return Err(ModelError::Manifest { path: place, problem: "`max_tokens` must be 1 to 32768".to_owned() });
    }
    let all: Vec<&PathBuf> = std::iter::once(&manifest.model).chain(&manifest.external_data).collect();
    files::within(&place, &all)?;
    let parts = Parts::read(&manifest.model, &manifest.external_data, |file| Ok(folder.join(file)))?;
    // The first of several labels may as well mean "no".
    let config: serde_json::Value =
        serde_json::from_slice(parts.of_tokenizer("config.json").unwrap_or_default()).unwrap_or_default();
    let names = config.get("id2label").and_then(|names| Some(names.as_object()?.len() as u64));
    if names.or(config.get("num_labels").and_then(serde_json::Value::as_u64)) != Some(1) {
        return Err(ModelError::Labels { path: folder.join("config.json") });
    }
    Ok((parts, manifest.max_tokens))
}
