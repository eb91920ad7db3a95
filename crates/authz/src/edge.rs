//! Edges of the graph: what a tuple is once its names are numbers.

use super::intern::{ConditionId, SELF, Symbol, Vertex};

/// [`SubjectKey::kind`] of a plain object.
pub(super) const OBJECT: u32 = 0;
/// [`SubjectKey::kind`] of a wildcard; `node` is then the type's symbol.
pub(super) const WILDCARD: u32 = u32::MAX;

/// [`SubjectKey::kind`] of usersets with this relation. Between [`OBJECT`] and [`WILDCARD`], so that sorted edges hold
/// objects first, then usersets, then wildcards.
pub(super) fn userset_kind(relation: Symbol) -> u32 {
    relation.0 + 1
}

/// Whom an edge leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SubjectKey {
    pub(super) kind: u32,
    /// A vertex, or a type's symbol for wildcards.
    pub(super) node: u32,
}

impl SubjectKey {
    pub(super) fn object(vertex: Vertex) -> SubjectKey {
        SubjectKey { kind: OBJECT, node: vertex.0 }
    }

    pub(super) fn userset(vertex: Vertex, relation: Symbol) -> SubjectKey {
        SubjectKey { kind: userset_kind(relation), node: vertex.0 }
    }

    pub(super) fn wildcard(subject_type: Symbol) -> SubjectKey {
        SubjectKey { kind: WILDCARD, node: subject_type.0 }
    }

    /// The object, or the userset's object.
    pub(super) fn vertex(self) -> Option<Vertex> {
        (self.kind != WILDCARD).then_some(Vertex(self.node))
    }

    /// The userset's relation.
    pub(super) fn relation(self) -> Option<Symbol> {
        (self.kind != WILDCARD && self.kind != OBJECT).then(|| Symbol(self.kind - 1))
    }

    pub(super) fn packed(self) -> u64 {
        u64::from(self.kind) << 32 | u64::from(self.node)
    }
}

/// A tuple, seen from its object. Sorted by relation, then subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) relation: Symbol,
    pub(super) subject: SubjectKey,
    pub(super) condition: ConditionId,
}

impl Edge {
    /// The bounds of a relation's edges with subjects from one kind to another.
    pub(super) fn bounds(relation: Symbol, from: SubjectKey, to: SubjectKey) -> (Edge, Edge) {
        (
            Edge { relation, subject: from, condition: ConditionId(0) },
            Edge { relation, subject: to, condition: ConditionId(u32::MAX) },
        )
    }

    /// The edge with the object that has it written as [`SELF`].
    pub(super) fn with_self(mut self, own: Vertex) -> Edge {
        if self.subject.kind != WILDCARD && self.subject.node == own.0 {
            self.subject.node = SELF.0;
        }
        self
    }

    /// The reverse of [`Edge::with_self`].
    pub(super) fn without_self(mut self, own: Vertex) -> Edge {
        if self.subject.kind != WILDCARD && self.subject.node == SELF.0 {
            self.subject.node = own.0;
        }
        self
    }
}

/// A tuple, seen from its subject. Sorted by kind of subject, then relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Back {
    pub(super) kind: u32,
    pub(super) relation: Symbol,
    /// The object that has the tuple, or the audience that has the grant.
    pub(super) vertex: Vertex,
    pub(super) condition: ConditionId,
}

impl Back {
    /// The bounds of the edges to subjects of one kind, of one relation or of all.
    pub(super) fn bounds(kind: u32, relation: Option<Symbol>) -> (Back, Back) {
        let (low, high) = relation.map_or((Symbol(0), Symbol(u32::MAX)), |relation| (relation, relation));
        (
            Back { kind, relation: low, vertex: Vertex(0), condition: ConditionId(0) },
            Back { kind, relation: high, vertex: Vertex(u32::MAX), condition: ConditionId(u32::MAX) },
        )
    }
}
