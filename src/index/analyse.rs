//! Text to index terms: the one analyser of a collection, for its chunks and for the queries on them.

/// Splits and normalises text; chosen by name at the creation of a collection.
#[derive(Debug, Clone)]
pub struct Analyser;

/// The distinct terms of a query, in the order of their first occurrence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysedQuery {
    terms: Vec<String>,
}

impl Analyser {
    /// `simple`, or a language that is also stemmed (`english`, `german`, …). `None`: no such analyser.
    #[allow(clippy::unimplemented, reason = "first signatures")]
    pub fn by_name(_name: &str) -> Option<Self> {
        unimplemented!()
    }

    /// The name under which [`by_name`](Self::by_name) gives this analyser.
    #[allow(clippy::unimplemented, reason = "first signatures")]
    pub fn name(&self) -> &'static str {
        unimplemented!()
    }

    /// The tokens of a text, in order, repetitions included.
    #[allow(clippy::unimplemented, reason = "first signatures")]
    pub fn tokens(&self, _text: &str) -> Vec<String> {
        unimplemented!()
    }

    /// The distinct tokens of a query.
    #[allow(clippy::unimplemented, reason = "first signatures")]
    pub fn query(&self, _text: &str) -> AnalysedQuery {
        unimplemented!()
    }
}

impl AnalysedQuery {
    /// The terms, in the order in which scores are summed.
    pub fn terms(&self) -> &[String] {
        &self.terms
    }
}
