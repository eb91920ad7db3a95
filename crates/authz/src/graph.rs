//! One immutable graph of one store's tuples.
//!
//! Tuples are kept as they were written, also those that today's model no longer admits; a model is only asked when the
//! graph is evaluated. Clones share structure, so that a snapshot costs microseconds and an edit costs what it touches.
//! Objects of bound types have no edges of their own: they share the edges of their audience, unless they are subjects
//! of other tuples and so have to be walked through.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{
    audience::{Audience, AudienceOrdinal, Audiences, is_parent},
    edge::{Back, Edge, SubjectKey, WILDCARD},
    intern::{ConditionId, Interner, NodeId, Symbol, Vertex},
    sorted::{Range, SortedList},
    tuple::{ObjectRef, SubjectRef, Tuple},
};
use usher_base::paged::Paged;

mod change;
mod edit;
mod finish;
mod inspect;
mod name;

pub use change::GraphChange;
pub use edit::{GraphEdit, TupleExists, TupleMissing};

/// A type whose objects are documents or sections of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoundType {
    pub object_type: String,
    /// For types of sections: the relation whose subjects are the documents.
    pub parent_tupleset: Option<String>,
    /// For types of sections: the type of the documents.
    pub parent_type: Option<String>,
    /// Relation that decides only while an object has one tuple of it; an object with more is ambiguous, see
    /// [`Graph::is_ambiguous`].
    pub single_valued: Option<String>,
}

/// A [`BoundType`] in numbers.
#[derive(Debug, Clone, Copy)]
struct Bound {
    object_type: Symbol,
    /// Tupleset relation and type of the parents that are canonicalised by their audience.
    parent: Option<(Symbol, Symbol)>,
    /// The audience of no grants.
    empty: AudienceOrdinal,
    single_valued: Option<Symbol>,
}

impl Bound {
    /// Whether the edge leads from a section to a parent that is canonicalised by its audience.
    fn is_parent(&self, edge: &Edge, subject_type: impl Fn(NodeId) -> Option<Symbol>) -> Option<NodeId> {
        let (tupleset, parent_type) = self.parent?;
        if edge.relation != tupleset || edge.subject.relation().is_some() {
            return None;
        }
        let parent = edge.subject.vertex()?.as_node()?;
        (subject_type(parent) == Some(parent_type)).then_some(parent)
    }
}

/// One object that a tuple names.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    object_type: Option<Symbol>,
    /// Index of its [`Entry`], plus one.
    entry: u32,
    /// Its audience; 0 for "no grants" and for types that are not bound.
    audience: u32,
}

/// The edges of an object.
#[derive(Debug, Clone, Default)]
struct Entry {
    /// All tuples of the object; of an object that shares its audience's edges, only those to canonicalised parents.
    edges: SortedList<Edge>,
    /// Tuples whose subject is the object, or a userset of it.
    back: SortedList<Back>,
    /// Of an object of a bound type: how many of `back` need it walked through.
    uses: u32,
}

/// An immutable graph of tuples.
#[derive(Debug, Clone)]
pub struct Graph {
    interner: Arc<Interner>,
    bound: Arc<Vec<Bound>>,
    slots: Paged<Slot>,
    entries: Paged<Entry>,
    entry_count: u32,
    /// Tuples whose subject is a wildcard, by its type.
    wildcards: Vec<(Symbol, SortedList<Back>)>,
    audiences: Audiences,
    /// Kept per graph: the interner's own count runs ahead of a snapshot that is still being read.
    audience_count: u32,
    /// Audiences whose grants have two tuples of a relation that is to have one.
    ambiguous: RoaringBitmap,
    tuples: usize,
}

impl Graph {
    /// An empty graph with an interner of its own.
    pub fn new(bound: Vec<BoundType>) -> Graph {
        Graph::empty(Arc::new(Interner::default()), &bound)
    }

    fn empty(interner: Arc<Interner>, types: &[BoundType]) -> Graph {
        let mut graph = Graph {
            interner,
            bound: Arc::default(),
            slots: Paged::default(),
            entries: Paged::default(),
            entry_count: 0,
            wildcards: Vec::new(),
            audiences: Audiences::default(),
            audience_count: 0,
            ambiguous: RoaringBitmap::new(),
            tuples: 0,
        };
        let mut bound: Vec<Bound> = Vec::new();
        for declared in types {
            let object_type = graph.interner.symbol(&declared.object_type);
            if bound.iter().any(|held| held.object_type == object_type) {
                continue;
            }
            let parent = parent_of(types, declared)
                .map(|(tupleset, parent)| (graph.interner.symbol(tupleset), graph.interner.symbol(parent)));
            let empty = graph.interner.next_audience();
            graph.audiences.insert(empty, object_type, &[]);
            let single_valued = declared.single_valued.as_deref().map(|relation| graph.interner.symbol(relation));
            bound.push(Bound { object_type, parent, empty, single_valued });
        }
        graph.bound = Arc::new(bound);
        graph.audience_count = graph.interner.audience_count();
        graph
    }

    /// Begins an edit. O(pages), some microseconds per million objects.
    pub fn edit(&self) -> GraphEdit {
        GraphEdit::new(self.clone())
    }

    /// The same graph with names and numbers of its own from here on: an edit of it leaves no trace elsewhere. For
    /// questions about what is not so. O(pages).
    pub fn fork(&self) -> Graph {
        Graph { interner: Arc::new(self.interner.fork()), ..self.clone() }
    }

    /// The same tuples under other bound types. Every audience gets a new number. O(tuples).
    pub fn rebind(&self, bound: Vec<BoundType>) -> Graph {
        let mut edit = self.rewrite(&bound);
        for (node, _) in self.objects() {
            for edge in self.raw_edges(node) {
                edit.put(node, edge.relation, edge.subject, Some(edge.condition));
            }
        }
        edit.finish().0
    }

    /// The names behind the numbers.
    pub fn interner(&self) -> &Arc<Interner> {
        &self.interner
    }

    /// The object's number, if a tuple or [`GraphEdit::intern`] ever named it.
    pub fn node(&self, object: &ObjectRef) -> Option<NodeId> {
        self.interner.known_node(object).map(|(node, _)| node)
    }

    /// The object of a number that this graph's interner gave.
    pub fn object(&self, node: NodeId) -> Option<ObjectRef> {
        self.interner.object(node)
    }

    /// The audience of an object of a bound type, with or without tuples; [`AudienceOrdinal::NOBODY`] for other types.
    pub fn audience(&self, node: NodeId) -> AudienceOrdinal {
        match self.slots.get(node.0) {
            Some(slot) if slot.audience != 0 => AudienceOrdinal(slot.audience),
            _ => self.bound_of(node).map_or(AudienceOrdinal::NOBODY, |bound| bound.empty),
        }
    }

    /// Whether objects of the audience have two tuples of their single-valued relation. Which of the two is meant can't
    /// be known (a second label would widen), so nobody reads such an object.
    pub fn is_ambiguous(&self, audience: AudienceOrdinal) -> bool {
        self.ambiguous.contains(audience.0)
    }

    /// The ordinals of this graph are below this, and those that later graphs add are not; none is used twice in a
    /// process's life.
    pub fn audience_count(&self) -> u32 {
        self.audience_count
    }

    /// Audiences that have objects, and the one of no grants per bound type.
    pub fn live_audiences(&self) -> u32 {
        self.audiences.len()
    }

    /// Tuples held.
    pub fn tuple_count(&self) -> usize {
        self.tuples
    }

    /// A stored tuple by its key.
    pub fn get(&self, object: &ObjectRef, relation: &str, subject: &SubjectRef) -> Option<Tuple> {
        let (node, _) = self.interner.known_node(object)?;
        let relation_symbol = self.interner.known_symbol(relation)?;
        let condition = self.condition_of(node, relation_symbol, self.known_subject(subject)?)?;
        Some(self.tuple_of(object.clone(), relation.to_owned(), subject.clone(), condition))
    }

    /// All tuples of an object, ordered by relation and subject in the order of their numbers.
    pub fn tuples(&self, node: NodeId) -> Vec<Tuple> {
        let Some(object) = self.object(node) else { return Vec::new() };
        let edges = self.raw_edges(node);
        edges
            .into_iter()
            .filter_map(|edge| {
                let relation = self.interner.name(edge.relation).to_string();
                Some(self.tuple_of(object.clone(), relation, self.subject(edge.subject)?, edge.condition))
            })
            .collect()
    }

    /// Every tuple, by object. O(tuples).
    pub fn all_tuples(&self) -> impl Iterator<Item = Tuple> {
        self.objects().flat_map(|(node, _)| self.tuples(node))
    }

    /// The objects of a type that a tuple names. O(objects of all types).
    pub fn objects_of_type(&self, object_type: &str) -> Vec<NodeId> {
        let Some(object_type) = self.interner.known_symbol(object_type) else { return Vec::new() };
        self.objects().filter(|(_, slot)| slot.object_type == Some(object_type)).map(|(node, _)| node).collect()
    }

    /// An estimate of the bytes that the graph holds, its interner included. O(objects).
    pub fn memory_bytes(&self) -> usize {
        let lists = |entry: &Entry| entry.edges.heap_bytes() + entry.back.heap_bytes();
        let wildcards: usize = self.wildcards.iter().map(|(_, back)| back.heap_bytes()).sum();
        self.interner.memory_bytes()
            + self.slots.shallow_bytes()
            + self.entries.shallow_bytes()
            + self.entries.iter().map(|(_, entry)| lists(entry)).sum::<usize>()
            + wildcards
            + self.audiences.memory_bytes()
    }

    fn objects(&self) -> impl Iterator<Item = (NodeId, &Slot)> {
        self.slots.iter().map(|(node, slot)| (NodeId(node), slot))
    }

    /// Whether a tuple of this graph, or an edit that led to it, ever named the object.
    pub(super) fn holds(&self, node: NodeId) -> bool {
        self.slots.get(node.0).is_some_and(|slot| slot.object_type.is_some())
    }

    pub(super) fn vertex_type(&self, vertex: Vertex) -> Option<Symbol> {
        if let Some(audience) = vertex.as_audience() {
            return self.audiences.get(audience)?.object_type;
        }
        let node = vertex.as_node()?;
        self.slots.get(node.0).and_then(|slot| slot.object_type).or_else(|| self.interner.node_type(node))
    }

    pub(super) fn is_bound_type(&self, object_type: Symbol) -> bool {
        self.bound.iter().any(|bound| bound.object_type == object_type)
    }

    /// The tupleset and type of the parents that are canonicalised by their audience.
    pub(super) fn parent_of_type(&self, object_type: Symbol) -> Option<(Symbol, Symbol)> {
        self.bound.iter().find(|bound| bound.object_type == object_type)?.parent
    }

    pub(super) fn live_audience(&self, audience: AudienceOrdinal) -> Option<&Audience> {
        self.audiences.get(audience)
    }

    fn bound_of(&self, node: NodeId) -> Option<&Bound> {
        let object_type = self.vertex_type(Vertex::node(node))?;
        self.bound.iter().find(|bound| bound.object_type == object_type)
    }

    fn entry(&self, node: NodeId) -> Option<&Entry> {
        self.entries.get(self.slots.get(node.0)?.entry.checked_sub(1)?)
    }

    /// Whether the object, of a bound type, has edges of its own.
    pub(super) fn is_walked(&self, node: NodeId) -> bool {
        self.entry(node).is_some_and(|entry| entry.uses > 0)
    }

    /// The audience whose edges stand for the object's own.
    fn shared_edges(&self, node: NodeId) -> Option<&Audience> {
        let slot = self.slots.get(node.0).filter(|slot| slot.audience != 0)?;
        if self.is_walked(node) { None } else { self.audiences.get(AudienceOrdinal(slot.audience)) }
    }

    /// The edges of a relation with subjects between two keys, both included. Objects are seen with their own tuples,
    /// audiences with their canonical grants.
    pub(super) fn edges(&self, vertex: Vertex, relation: Symbol, from: SubjectKey, to: SubjectKey) -> Edges<'_> {
        let (low, high) = Edge::bounds(relation, from, to);
        let nothing = || SortedList::range(&SortedList::Empty, low, high);
        if let Some(audience) = vertex.as_audience() {
            let own = self.audiences.get(audience).map_or_else(nothing, |held| held.edges.range(low, high));
            return Edges { own, more: nothing(), vertex, parents: true };
        }
        let Some(node) = vertex.as_node() else {
            return Edges { own: nothing(), more: nothing(), vertex, parents: true };
        };
        let more = self.entry(node).map_or_else(nothing, |entry| entry.edges.range(low, high));
        let own = self.shared_edges(node).map_or_else(nothing, |held| held.edges.range(low, high));
        Edges { own, more, vertex, parents: false }
    }

    /// The condition of the edge with exactly this subject.
    pub(super) fn edge(&self, vertex: Vertex, relation: Symbol, subject: SubjectKey) -> Option<ConditionId> {
        let key = if subject.kind != WILDCARD && subject.node == vertex.0 {
            // The object's own id is written as SELF in shared edges, and as it is in edges of its own.
            let as_self = Edge { relation, subject, condition: ConditionId::NONE }.with_self(vertex).subject;
            if let Some(found) = self.edges(vertex, relation, as_self, as_self).next() {
                return Some(found.condition);
            }
            subject
        } else {
            subject
        };
        self.edges(vertex, relation, key, key).next().map(|edge| edge.condition)
    }

    /// Who has tuples with this subject.
    pub(super) fn back(&self, subject: SubjectKey, relation: Option<Symbol>) -> Range<'_, Back> {
        let (low, high) = Back::bounds(subject.kind, relation);
        let list = self.back_list(subject);
        list.map_or_else(|| SortedList::range(&SortedList::Empty, low, high), |list| list.range(low, high))
    }

    fn back_list(&self, subject: SubjectKey) -> Option<&SortedList<Back>> {
        let Some(vertex) = subject.vertex() else {
            return self.wildcards.iter().find(|(held, _)| held.0 == subject.node).map(|(_, list)| list);
        };
        match (vertex.as_node(), vertex.as_audience()) {
            (Some(node), _) => self.entry(node).map(|entry| &entry.back),
            (_, Some(audience)) => self.audiences.get(audience).map(|held| &held.back),
            _ => None,
        }
    }

    /// Whatever has a tuple whose subject is the vertex, or a userset of it. May name one more than once.
    pub(super) fn dependents(&self, vertex: Vertex) -> impl Iterator<Item = Vertex> {
        let list = self.back_list(SubjectKey::object(vertex));
        list.into_iter().flat_map(|list| list.iter().map(|back| back.vertex))
    }

    /// All edges of an object or an audience.
    pub(super) fn all_edges(&self, vertex: Vertex) -> Vec<Edge> {
        if let Some(node) = vertex.as_node() {
            return self.raw_edges(node);
        }
        let held = vertex.as_audience().and_then(|audience| self.audiences.get(audience));
        held.map(|held| held.edges.iter().map(|edge| edge.without_self(vertex)).collect()).unwrap_or_default()
    }

    /// The object's tuples, whoever holds them. Sorted.
    fn raw_edges(&self, node: NodeId) -> Vec<Edge> {
        let vertex = Vertex::node(node);
        let own = self.entry(node).map(|entry| entry.edges.iter().collect::<Vec<_>>()).unwrap_or_default();
        let Some(shared) = self.shared_edges(node) else { return own };
        let mut edges: Vec<Edge> =
            shared.edges.iter().filter(|edge| !is_parent(edge)).map(|edge| edge.without_self(vertex)).collect();
        edges.extend(own);
        edges.sort_unstable();
        edges
    }

    fn condition_of(&self, node: NodeId, relation: Symbol, subject: SubjectKey) -> Option<ConditionId> {
        self.edge(Vertex::node(node), relation, subject)
    }

    /// The subject in numbers, if all its names are known.
    pub(super) fn known_subject(&self, subject: &SubjectRef) -> Option<SubjectKey> {
        Some(match subject {
            SubjectRef::Object(object) => SubjectKey::object(Vertex::node(self.interner.known_node(object)?.0)),
            SubjectRef::Userset(object, relation) => {
                let relation = self.interner.known_symbol(relation)?;
                SubjectKey::userset(Vertex::node(self.interner.known_node(object)?.0), relation)
            }
            SubjectRef::Wildcard(subject_type) => SubjectKey::wildcard(self.interner.known_symbol(subject_type)?),
        })
    }

    /// A subject of stored tuples by name. Audiences have none.
    pub(super) fn subject(&self, subject: SubjectKey) -> Option<SubjectRef> {
        if subject.kind == WILDCARD {
            return Some(SubjectRef::Wildcard(self.interner.name(Symbol(subject.node)).to_string()));
        }
        let object = self.object(subject.vertex()?.as_node()?)?;
        Some(match subject.relation() {
            None => SubjectRef::Object(object),
            Some(relation) => SubjectRef::Userset(object, self.interner.name(relation).to_string()),
        })
    }

    fn tuple_of(&self, object: ObjectRef, relation: String, subject: SubjectRef, condition: ConditionId) -> Tuple {
        let condition = self.interner.stored_condition(condition).map(|held| (*held).clone());
        Tuple { object, relation, subject, condition }
    }
}

/// The tupleset and type of a section type's parents, where those can be canonicalised by their audience: parents are
/// documents, not sections themselves, and every binding of the type says the same.
fn parent_of<'t>(types: &'t [BoundType], declared: &'t BoundType) -> Option<(&'t str, &'t str)> {
    let named = |held: &'t BoundType| Some((held.parent_tupleset.as_deref()?, held.parent_type.as_deref()?));
    let same = |held: &&'t BoundType| held.object_type == declared.object_type;
    let mut parents = types.iter().filter(same).filter_map(named);
    let parent = parents.next()?;
    let agreed = parents.all(|other| other == parent);
    let document = |held: &&BoundType| held.object_type == parent.1;
    let documents = types.iter().any(|held| document(&held))
        && types.iter().filter(document).all(|held| held.parent_tupleset.is_none());
    (agreed && documents && parent.1 != declared.object_type).then_some(parent)
}

/// Edges of one relation of one vertex, see [`Graph::edges`].
#[derive(Debug, Clone)]
pub(super) struct Edges<'g> {
    own: Range<'g, Edge>,
    more: Range<'g, Edge>,
    vertex: Vertex,
    /// Whether edges to parents' audiences belong to the vertex. An object has its own edges to its parents instead.
    parents: bool,
}

impl Iterator for Edges<'_> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        for edge in self.own.by_ref() {
            if self.parents || !is_parent(&edge) {
                return Some(edge.without_self(self.vertex));
            }
        }
        self.more.next()
    }
}

#[cfg(test)]
mod tests;
