//! Rerankers: models that read a question and a passage together, and say how likely the passage answers. They see what
//! the reader may read, and nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Failure, local};
use crate::limits::Payer;

mod server;

pub use server::{RerankApi, Settings as ServerSettings};

#[cfg(feature = "onnx")]
use super::onnx::OnnxReranker as Model;
#[cfg(not(feature = "onnx"))]
use absent::Model;

/// Bytes of a passage that are read: more than such a model reads.
const MAX_PASSAGE: usize = 8 * 1024;

#[derive(Debug, Clone)]
pub struct Settings {
    pub place: Place,
    /// The best passages of an answer, as many of which are read; more where more are asked for.
    pub depth: usize,
    /// For all passages of one question.
    pub timeout: Duration,
    /// From this score on a passage counts as an answer.
    pub answers_from: f64,
}

/// Where the model runs.
#[derive(Debug, Clone)]
pub enum Place {
    Server(ServerSettings),
    /// In this process.
    Here(local::Settings),
}

/// One reranker.
pub struct Reranker {
    pub settings: Settings,
    engine: Engine,
    is_answering: AtomicBool,
}

enum Engine {
    Server(Box<server::Server>),
    Model(Model),
}

impl Reranker {
    /// Calls no server. Blocks while a model is loaded, or downloaded where that is configured.
    ///
    /// # Errors
    /// When the system's certificates or the model can't be used.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        let engine = match &settings.place {
            Place::Server(server) => Engine::Server(Box::new(server::Server::new(server.clone())?)),
            Place::Here(local) => {
                let model = Model::open(local).map_err(|error| Failure::Unusable(Box::new(error)))?;
                tracing::info!(id = model.id(), "a reranker");
                Engine::Model(model)
            }
        };
        Ok(Self { settings, engine, is_answering: AtomicBool::new(true) })
    }

    /// How likely each passage answers the question, 0 to 1, within so much time.
    ///
    /// # Errors
    /// When it doesn't answer in time, or not as it should. What it has not begun then is never begun.
    pub async fn scores(
        &self,
        question: &str,
        passages: &[String],
        payer: &Payer,
        within: Duration,
    ) -> Result<Vec<f64>, Failure> {
        let timeout = self.settings.timeout.min(within);
        let cut = |text: &String| text.floor_char_boundary(MAX_PASSAGE);
        let passages: Vec<&str> = passages.iter().filter_map(|text| text.get(..cut(text))).collect();
        let all = async {
            match &self.engine {
                Engine::Server(server) => server.scores(question, &passages, payer).await,
                Engine::Model(model) => model.scores(question, &passages, payer).await,
            }
        };
        let scores = tokio::time::timeout(timeout, all).await.unwrap_or(Err(Failure::Slow { timeout }));
        self.is_answering.store(scores.is_ok(), Ordering::Relaxed);
        scores
    }

    /// Whether the last call was answered; for operators only.
    pub fn is_answering(&self) -> bool {
        self.is_answering.load(Ordering::Relaxed)
    }
}

/// What stands for models in a build without them.
#[cfg(not(feature = "onnx"))]
mod absent {
    use crate::embed::Failure;
    use crate::embed::local::{ModelError, Settings};
    use crate::limits::Payer;

    pub(super) enum Model {}

    impl Model {
        pub fn open(_: &Settings) -> Result<Self, ModelError> {
            Err(ModelError::NotBuilt)
        }

        pub fn id(&self) -> &str {
            match *self {}
        }

        pub async fn scores(&self, _: &str, _: &[&str], _: &Payer) -> Result<Vec<f64>, Failure> {
            match *self {}
        }
    }
}
