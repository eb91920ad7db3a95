//! Comparing what a graph holds of an object with tuples from elsewhere, and beginning anew from such tuples.

use super::{
    super::{
        audience::canonical,
        edge::{Back, Edge},
        intern::{ConditionId, NodeId, Vertex},
        tuple::Tuple,
    },
    BoundType, Graph, GraphEdit,
};

impl Graph {
    /// Whether the object is held with exactly these tuples: as its own, as grants of its audience, and as seen from the
    /// subjects of both. O(tuples · log).
    pub fn agrees(&self, node: NodeId, tuples: &[Tuple]) -> bool {
        let Some(mut expected) = tuples.iter().map(|tuple| self.edge_of(tuple)).collect::<Option<Vec<Edge>>>() else {
            return false;
        };
        expected.sort_unstable();
        let vertex = Vertex::node(node);
        let mut own = self.entry(node).into_iter().flat_map(|entry| entry.edges.iter());
        if self.raw_edges(node) != expected || !own.all(|edge| self.is_seen(vertex, &edge)) {
            return false;
        }
        let Some(bound) = self.bound_of(node) else { return true };
        let grants = canonical(&expected, vertex, |edge| {
            bound.is_parent(edge, |parent| self.vertex_type(Vertex::node(parent))).map(|parent| self.audience(parent))
        });
        let audience = self.audience(node);
        if grants.is_empty() {
            return audience == bound.empty;
        }
        let Some(held) = self.audiences.get(audience) else { return false };
        let labels = grants.iter().filter(|edge| Some(edge.relation) == bound.single_valued).count();
        held.object_type == Some(bound.object_type)
            && held.members > 0
            && held.edges.iter().eq(grants.iter().copied())
            && self.is_ambiguous(audience) == (labels > 1)
            && grants.iter().all(|edge| self.is_seen(Vertex::audience(audience), edge))
    }

    /// The tuple in numbers, if all its names are known.
    fn edge_of(&self, tuple: &Tuple) -> Option<Edge> {
        let condition = match &tuple.condition {
            None => ConditionId::NONE,
            Some(condition) => self.interner.known_condition(condition)?,
        };
        let relation = self.interner.known_symbol(&tuple.relation)?;
        Some(Edge { relation, subject: self.known_subject(&tuple.subject)?, condition })
    }

    /// Whether the subject of a vertex's edge knows of it.
    fn is_seen(&self, vertex: Vertex, edge: &Edge) -> bool {
        let edge = edge.without_self(vertex);
        let back = Back { kind: edge.subject.kind, relation: edge.relation, vertex, condition: edge.condition };
        self.back_list(edge.subject).is_some_and(|list| list.range(back, back).next().is_some())
    }

    /// Objects of a type that have a tuple whose subject is the object, or a userset of it.
    pub fn referrers(&self, node: NodeId, object_type: &str) -> Vec<NodeId> {
        let Some(object_type) = self.interner.known_symbol(object_type) else { return Vec::new() };
        let of_type = |vertex: &Vertex| self.vertex_type(*vertex) == Some(object_type);
        let mut found: Vec<NodeId> =
            self.dependents(Vertex::node(node)).filter(of_type).filter_map(Vertex::as_node).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Up to `count` objects of types that no collection binds, from a number on, and where to go on; nothing at the end.
    pub fn unbound_objects(&self, first: u32, count: u32) -> (Vec<NodeId>, Option<u32>) {
        let end = first.saturating_add(count).min(self.slots.len());
        let held = |node: &NodeId| self.holds(*node) && self.bound_of(*node).is_none();
        ((first..end).map(NodeId).filter(held).collect(), (end < self.slots.len()).then_some(end))
    }

    /// An edit that begins with no tuple at all, under the same names. Every audience gets a new number. O(objects).
    pub fn rewrite(&self, bound: &[BoundType]) -> GraphEdit {
        let mut edit = GraphEdit::new(Graph::empty(self.interner.clone(), bound));
        for (node, slot) in self.objects() {
            if let Some(object_type) = slot.object_type {
                edit.enter(node, object_type);
            }
        }
        edit
    }

    /// The same graph with one object in another's audience: only the test build uses it, for a deliberate bug.
    #[cfg(usher_mutants)]
    pub fn with_audience_of(mut self, node: NodeId, other: NodeId) -> Graph {
        let audience = self.audience(other);
        self.slots.get_mut(node.0).audience = audience.0;
        self
    }
}
