//! What one request names beyond the graph: its subject, objects without tuples, contextual tuples.
//!
//! None of it enters the interner, which grows by writes only; a request's own names get numbers that live as long as
//! its evaluator.

use std::{collections::HashMap, sync::Arc};

use super::super::{
    edge::{Edge, SubjectKey, userset_kind},
    fast::FastMap,
    graph::Graph,
    intern::{ConditionId, Symbol, Vertex},
    tuple::{ObjectRef, SubjectRef, Tuple, TupleCondition},
};

/// A name that no model and no tuple has: nothing compares equal to it but itself.
const UNKNOWN: Symbol = Symbol(u32::MAX - 2);
/// Conditions of contextual tuples are numbered from here.
const LOCAL_CONDITIONS: u32 = 1 << 31;

/// Names of one request.
#[derive(Debug, Default)]
pub(in super::super) struct Names {
    objects: Vec<(ObjectRef, Symbol)>,
    index: HashMap<ObjectRef, Vertex>,
    /// Contextual tuples by object. The first of equal keys counts.
    edges: FastMap<u32, Vec<Edge>>,
    conditions: Vec<Arc<TupleCondition>>,
}

impl Names {
    pub(in super::super) fn vertex(&mut self, graph: &Graph, object: &ObjectRef) -> Vertex {
        if let Some(node) = graph.node(object) {
            return Vertex::node(node);
        }
        if let Some(vertex) = self.index.get(object) {
            return *vertex;
        }
        // INVARIANT: a request names far fewer than 2³⁰ objects.
        let vertex = Vertex::local(self.objects.len() as u32);
        let object_type = symbol(graph, &object.object_type);
        self.objects.push((object.clone(), object_type));
        self.index.insert(object.clone(), vertex);
        vertex
    }

    pub(in super::super) fn subject(&mut self, graph: &Graph, subject: &SubjectRef) -> SubjectKey {
        match subject {
            SubjectRef::Object(object) => SubjectKey::object(self.vertex(graph, object)),
            SubjectRef::Userset(object, relation) => {
                SubjectKey { kind: userset_kind(symbol(graph, relation)), node: self.vertex(graph, object).0 }
            }
            SubjectRef::Wildcard(subject_type) => SubjectKey::wildcard(symbol(graph, subject_type)),
        }
    }

    pub(in super::super) fn add(&mut self, graph: &Graph, tuple: &Tuple) {
        let vertex = self.vertex(graph, &tuple.object);
        let subject = self.subject(graph, &tuple.subject);
        let relation = symbol(graph, &tuple.relation);
        let held = self.edges.entry(vertex.0).or_default();
        if held.iter().any(|edge| edge.relation == relation && edge.subject == subject) {
            return;
        }
        let condition = match &tuple.condition {
            None => ConditionId::NONE,
            Some(condition) => {
                let id = ConditionId(LOCAL_CONDITIONS | self.conditions.len() as u32);
                self.conditions.push(Arc::new(condition.clone()));
                id
            }
        };
        held.push(Edge { relation, subject, condition });
    }

    /// Contextual tuples of the vertex.
    pub(in super::super) fn edges_of(&self, vertex: Vertex) -> &[Edge] {
        // Nearly every request has none: do not hash then.
        if self.edges.is_empty() { &[] } else { self.edges.get(&vertex.0).map_or(&[], Vec::as_slice) }
    }

    pub(in super::super) fn object_type(&self, graph: &Graph, vertex: Vertex) -> Option<Symbol> {
        match vertex.as_local() {
            Some(local) => self.objects.get(local as usize).map(|(_, object_type)| *object_type),
            None => graph.vertex_type(vertex),
        }
    }

    pub(in super::super) fn object(&self, graph: &Graph, vertex: Vertex) -> Option<ObjectRef> {
        match vertex.as_local() {
            Some(local) => self.objects.get(local as usize).map(|(object, _)| object.clone()),
            None => graph.object(vertex.as_node()?),
        }
    }

    pub(in super::super) fn condition(&self, graph: &Graph, id: ConditionId) -> Option<Arc<TupleCondition>> {
        match id.0.checked_sub(LOCAL_CONDITIONS) {
            Some(local) => self.conditions.get(local as usize).cloned(),
            None => graph.interner().stored_condition(id),
        }
    }
}

pub(super) fn symbol(graph: &Graph, name: &str) -> Symbol {
    graph.interner().known_symbol(name).unwrap_or(UNKNOWN)
}
