//! What an edit touched, in the form in which caches of decisions need it.

use super::super::{
    audience::AudienceOrdinal,
    edge::SubjectKey,
    intern::{NodeId, Symbol},
};

/// A tuple that came or went, on an object that evaluation walks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct ChangedEdge {
    pub(in super::super) object: NodeId,
    pub(in super::super) relation: Symbol,
    pub(in super::super) subject: SubjectKey,
}

/// What an edit touched: tuples of objects that are walked through, and retired audiences. Tuples of documents and
/// sections that nothing refers to are not listed; what they changed is told by new audiences alone.
#[derive(Debug, Clone, Default)]
pub struct GraphChange {
    pub(super) all: bool,
    pub(super) edges: Vec<ChangedEdge>,
    pub(super) retired: Vec<AudienceOrdinal>,
    pub(super) moved: Vec<NodeId>,
    is_regrouped: bool,
}

impl GraphChange {
    /// A change of everything: another model, another binding, a rebuilt graph.
    pub fn all() -> GraphChange {
        GraphChange { all: true, ..GraphChange::default() }
    }

    /// A change of everything in which objects may have come into other audiences.
    pub fn regrouped() -> GraphChange {
        GraphChange { is_regrouped: true, ..GraphChange::all() }
    }

    /// Whether any object may have come into another audience, also those that [`Self::moved`] does not name.
    pub fn is_regrouped(&self) -> bool {
        self.is_regrouped
    }

    /// Objects of bound types that came into another audience.
    pub fn moved(&self) -> &[NodeId] {
        &self.moved
    }

    /// Whether nothing that was computed before can be kept.
    pub fn touches_all(&self) -> bool {
        self.all
    }

    /// Audiences whose last object went. Their numbers are not used again.
    pub fn retired(&self) -> &[AudienceOrdinal] {
        &self.retired
    }

    pub(in super::super) fn edges(&self) -> &[ChangedEdge] {
        &self.edges
    }
}
