//! Embedders: text to unit vectors. Chosen openly by configuration; a collection remembers its embedder and is never
//! mixed with another.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::limits::Payer;
use crate::limits::places::{Place, Places, Shares};

pub mod calibration;
mod error;
pub mod hash;
pub mod http;
pub mod local;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod pinned;
pub mod rerank;

pub use calibration::Calibration;
pub use error::{EmbedError, Failure};
pub use hash::HashEmbedder;
pub use http::HttpEmbedder;

/// Whether a text is a question or something to be found; some models embed them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Query,
    Passage,
}

/// Who may wait for an embedder that does one thing after another: of each payer no more than keeps it busy, so that the next
/// one's turn comes soon, whoever asks for how much.
pub(crate) struct Turns {
    questions: Arc<Places>,
    passages: Arc<Places>,
}

impl Turns {
    /// For an embedder that does so many things at one time.
    pub fn of(at_once: usize) -> Self {
        let places = |subject| Places::new(Shares { all: Semaphore::MAX_PERMITS, credential: at_once, subject });
        Self { questions: places(1), passages: places(at_once) }
    }

    pub async fn take(&self, role: Role, payer: &Payer) -> Place {
        match role {
            Role::Query => self.questions.take(payer).await,
            Role::Passage => self.passages.take(payer).await,
        }
    }
}

/// Turns texts into vectors of one dimension and unit length (or zero).
pub trait Embedder: Send + Sync {
    /// Name, version and everything else that makes vectors incomparable; stored with each collection.
    fn id(&self) -> &str;

    fn dimensions(&self) -> usize;

    /// How much a place in this embedder's list counts in fusion beside a place in the keyword list, 0 to 1, unless the
    /// configuration says otherwise.
    fn fusion_weight(&self) -> f64 {
        1.0
    }

    /// What its cosines mean, unless the configuration says; absent: nobody knows.
    fn calibration(&self) -> Option<Calibration> {
        None
    }

    /// One row per text, row-major. Texts of one call may be of one document and audience only, unless the embedder's
    /// rows don't depend on what they are batched with. Those of different payers take turns. Call [`rows`], which checks
    /// the answer.
    ///
    /// # Errors
    /// When the embedder fails, as a whole.
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        role: Role,
        payer: &'a Payer,
    ) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>>;

    /// Whether the last call was answered; for operators only, nothing is decided by it.
    fn is_answering(&self) -> bool {
        true
    }
}

/// The rows of `texts`, row-major, as many and as long as they must be, and all finite.
///
/// # Errors
/// When the embedder fails, or gives anything else.
pub async fn rows(
    embedder: &dyn Embedder,
    texts: &[String],
    role: Role,
    payer: &Payer,
) -> Result<Vec<f32>, EmbedError> {
    let rows = embedder.embed(texts, role, payer).await?;
    let expected = texts.len() * embedder.dimensions();
    let failure = if rows.len() != expected {
        Failure::Count { expected, found: rows.len() }
    } else if rows.iter().any(|x| !x.is_finite()) {
        Failure::NotFinite
    } else {
        return Ok(rows);
    };
    Err(EmbedError::new(embedder.id(), failure))
}

/// One embedder as it was configured.
#[derive(Debug)]
pub struct Configured {
    pub settings: Settings,
    /// In the place of [`Embedder::fusion_weight`].
    pub fusion_weight: Option<f64>,
    /// In the place of [`Embedder::calibration`].
    pub calibration: Option<Calibration>,
}

impl From<Settings> for Configured {
    fn from(settings: Settings) -> Self {
        Self { settings, fusion_weight: None, calibration: None }
    }
}

/// Which embedder, and how it is used.
#[derive(Debug)]
pub enum Settings {
    /// The built-in one.
    Hash {
        name: String,
    },
    Http(Box<http::Settings>),
    /// A model that runs in this process.
    Local(local::Settings),
}

/// The configured embedders.
#[derive(Clone)]
pub struct Embedders {
    by_id: BTreeMap<String, Arc<dyn Embedder>>,
    /// What the operator calls them, in the order of configuration, with their ids.
    names: Vec<(String, String)>,
    /// By id, where the configuration says them.
    weights: BTreeMap<String, f64>,
    calibrations: BTreeMap<String, Calibration>,
}

impl Embedders {
    /// The first one is the default of new collections; each is called by its id.
    pub fn new(embedders: Vec<Arc<dyn Embedder>>) -> Self {
        Self::named(embedders.into_iter().map(|embedder| (embedder.id().to_owned(), embedder)).collect())
    }

    fn named(embedders: Vec<(String, Arc<dyn Embedder>)>) -> Self {
        let names = embedders.iter().map(|(name, embedder)| (name.clone(), embedder.id().to_owned())).collect();
        let by_id = embedders.into_iter().map(|(_, embedder)| (embedder.id().to_owned(), embedder)).collect();
        Self { by_id, names, weights: BTreeMap::new(), calibrations: BTreeMap::new() }
    }

    /// Makes the configured embedders, without calling any server; the built-in one alone where there are none. The log
    /// says which they are: nothing is ever chosen silently. Blocks while models are loaded, or downloaded where
    /// that is configured.
    ///
    /// # Errors
    /// When the system's certificates or a model can't be used.
    pub fn open(configured: Vec<Configured>) -> Result<Self, EmbedError> {
        if configured.is_empty() {
            tracing::warn!(
                model = pinned::DEFAULT,
                "there is no embedding model: passages are found by their words alone; `usher models pull` brings one"
            );
            return Ok(Self::new(vec![Arc::new(HashEmbedder)]));
        }
        let (mut weights, mut calibrations) = (BTreeMap::new(), BTreeMap::new());
        let mut embedders: Vec<(String, Arc<dyn Embedder>)> = Vec::with_capacity(configured.len());
        for Configured { settings, fusion_weight, calibration } in configured {
            let (name, embedder): (String, Arc<dyn Embedder>) = match settings {
                Settings::Hash { name } => (name, Arc::new(HashEmbedder)),
                Settings::Http(settings) => (settings.name.clone(), Arc::new(HttpEmbedder::new(*settings)?)),
                Settings::Local(settings) => (settings.name.clone(), local(&settings)?),
            };
            if embedders.iter().any(|(_, other)| other.id() == embedder.id()) {
                return Err(EmbedError::new(&name, Failure::Twice));
            }
            let is_default = embedders.is_empty();
            tracing::info!(name, id = embedder.id(), dimensions = embedder.dimensions(), is_default, "an embedder");
            weights.extend(fusion_weight.map(|weight| (embedder.id().to_owned(), weight)));
            calibrations.extend(calibration.map(|calibration| (embedder.id().to_owned(), calibration)));
            embedders.push((name, embedder));
        }
        Ok(Self { weights, calibrations, ..Self::named(embedders) })
    }

    /// How much a place in the list of the embedder with this id counts beside a place in the keyword list, 0 to 1; 0: its
    /// list is not asked for where both are.
    pub fn fusion_weight(&self, id: &str) -> f64 {
        let own = || self.get(id).map_or(1.0, |embedder| embedder.fusion_weight());
        self.weights.get(id).copied().unwrap_or_else(own)
    }

    /// The same where keywords are not asked: what is asked for itself counts.
    pub fn weight_alone(&self, id: &str) -> f64 {
        match self.fusion_weight(id) {
            0.0 => 1.0,
            weight => weight,
        }
    }

    /// What the cosines of the embedder with this id mean, where that is known.
    pub fn calibration(&self, id: &str) -> Option<Calibration> {
        self.calibrations.get(id).copied().or_else(|| self.get(id)?.calibration())
    }

    pub fn get(&self, id: &str) -> Option<&Arc<dyn Embedder>> {
        self.by_id.get(id)
    }

    /// By name or by id.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Embedder>> {
        let named = self.names.iter().find(|(known, _)| known == name);
        self.get(named.map_or(name, |(_, id)| id))
    }

    pub fn default_id(&self) -> &str {
        self.names.first().map_or("", |(_, id)| id)
    }

    /// Names and embedders, in the order of configuration.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<dyn Embedder>)> {
        self.names.iter().filter_map(|(name, id)| Some((name.as_str(), self.by_id.get(id)?)))
    }
}

/// The id holds a digest of the model's files, so it is known once they are read.
#[cfg(feature = "onnx")]
fn local(settings: &local::Settings) -> Result<Arc<dyn Embedder>, EmbedError> {
    let failed = |error| EmbedError::new(&settings.name, Failure::Unusable(Box::new(error)));
    Ok(Arc::new(onnx::OnnxEmbedder::open(settings).map_err(failed)?))
}

#[cfg(not(feature = "onnx"))]
fn local(settings: &local::Settings) -> Result<Arc<dyn Embedder>, EmbedError> {
    Err(EmbedError::new(&settings.name, Failure::Unusable(Box::new(local::ModelError::NotBuilt))))
}

/// Scales a vector to length 1; one that has no length becomes zero.
pub fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let scale = if square > 0.0 && square.is_finite() { 1.0 / square.sqrt() } else { 0.0 };
    vector.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn payer(credential: &str, subject: Option<&str>) -> Payer {
        Payer { credential: credential.to_owned(), subject: subject.map(str::to_owned) }
    }

    /// However much one asks for, nobody else waits for more than what keeps the embedder busy.
    #[tokio::test]
    async fn everybody_gets_a_turn() {
        let turns = Turns::of(2);
        let waits = async |role, payer: &Payer| {
            tokio::time::timeout(Duration::from_millis(20), turns.take(role, payer)).await.is_err()
        };
        let ann = payer("chat", Some("user:ann"));
        let first = turns.take(Role::Query, &ann).await;
        assert!(waits(Role::Query, &ann).await, "one question of a subject");
        let bob = turns.take(Role::Query, &payer("chat", Some("user:bob"))).await;
        assert!(waits(Role::Query, &payer("chat", Some("user:carl"))).await, "two of a credential");
        let other = turns.take(Role::Query, &payer("other", None)).await;
        let ingest = payer("ingest", None);
        let passages = (turns.take(Role::Passage, &ingest).await, turns.take(Role::Passage, &ingest).await);
        assert!(waits(Role::Passage, &ingest).await);
        assert!(!waits(Role::Passage, &payer("second", None)).await && !waits(Role::Query, &ingest).await);
        drop((first, bob, other, passages));
        assert!(!waits(Role::Query, &ann).await);
    }
}
