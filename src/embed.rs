//! Embedders: text to unit vectors. Chosen openly by configuration; a collection remembers its embedder and is never
//! mixed with another.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

pub mod hash;

pub use hash::HashEmbedder;

/// Whether a text is a question or something to be found; some models embed them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Query,
    Passage,
}

#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error("the embedder `{embedder}` did not answer: {cause}")]
    Unavailable { embedder: String, cause: String },
    #[error("the embedder `{embedder}` gave {found} vectors of a wrong shape or with numbers that are not finite")]
    WrongAnswer { embedder: String, found: usize },
}

/// Turns texts into vectors of one dimension and unit length (or zero).
pub trait Embedder: Send + Sync {
    /// Name, version and everything else that makes vectors incomparable; stored with each collection.
    fn id(&self) -> &str;

    fn dimensions(&self) -> usize;

    /// One row per text, row-major. Texts of one call may be of one document and audience only, unless the embedder's
    /// rows don't depend on what they are batched with.
    ///
    /// # Errors
    /// When the embedder fails, as a whole.
    fn embed<'a>(&'a self, texts: &'a [String], role: Role) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>>;
}

/// The configured embedders by name.
#[derive(Clone)]
pub struct Embedders {
    by_id: BTreeMap<String, Arc<dyn Embedder>>,
    default: String,
}

impl Embedders {
    /// The first one is the default of new collections.
    pub fn new(embedders: Vec<Arc<dyn Embedder>>) -> Self {
        let default = embedders.first().map(|embedder| embedder.id().to_owned()).unwrap_or_default();
        Self { by_id: embedders.into_iter().map(|embedder| (embedder.id().to_owned(), embedder)).collect(), default }
    }

    pub fn get(&self, id: &str) -> Option<&Arc<dyn Embedder>> {
        self.by_id.get(id)
    }

    pub fn default_id(&self) -> &str {
        &self.default
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }
}

/// Scales a vector to length 1; one that has no length becomes zero.
pub fn normalise(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let scale = if square > 0.0 && square.is_finite() { 1.0 / square.sqrt() } else { 0.0 };
    vector.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
}
