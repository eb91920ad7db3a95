//! What an answer has to say beside its passages. One value goes through all stages, and each adds what it knows.

use crate::wire::{NotFound, Warning};

#[derive(Debug, Default)]
pub(super) struct Caveats {
    /// A list was cut at the limit of candidates: there may be more readable matches.
    pub is_cut: bool,
    /// Something was lost because the state changed meanwhile.
    pub is_incomplete: bool,
    /// The embedder of some collection did not answer.
    pub is_degraded: bool,
    /// An index has not followed as far as the snapshot, so that what is newest may not be found.
    pub is_behind: bool,
    /// The question names no collection, and of none the reader may read anything.
    pub reads_nothing: bool,
    /// Passages were left out because nobody can tell how relevant they are.
    pub is_unknown_relevance: bool,
    /// The reranker did not answer in time.
    pub is_not_reranked: bool,
    /// Names of the question that nothing answers to which the reader may read.
    pub not_found: NotFound,
}

impl Caveats {
    /// Whether nothing that the reader may read can be missing.
    pub fn is_complete(&self) -> bool {
        !(self.is_cut || self.is_incomplete || self.is_degraded || self.is_behind)
    }

    pub fn warnings(&self) -> Vec<Warning> {
        let all = [
            (self.is_cut, Warning::CandidateLimit),
            (self.is_incomplete, Warning::ChangedMeanwhile),
            (self.is_behind, Warning::IndexBehind),
            (self.is_degraded, Warning::EmbedderUnavailable),
            (self.reads_nothing, Warning::NothingReadable),
            (!self.not_found.collections.is_empty(), Warning::CollectionNotFound),
            (!self.not_found.fields.is_empty(), Warning::FieldNotFound),
            (self.is_not_reranked, Warning::RerankerUnavailable),
            (self.is_unknown_relevance, Warning::RelevanceUnknown),
        ];
        all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, warning)| warning).collect()
    }
}
