//! What a change of tuples would do: which objects' readers may differ, and who these readers can be.
//!
//! Objects are found upwards from the changed tuples, through whatever refers to their objects; readers downwards from
//! the objects, through whatever their tuples name. Both take in too much and nothing too little: who reads an object is
//! below it, by name or under a wildcard. Whether somebody gains or loses is then [`Evaluator`]'s answer, before and after.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::{
    MAX_DEPTH,
    audience::AudienceOrdinal,
    check::Evaluator,
    condition::{Context, stored_context},
    edge::{OBJECT, SubjectKey, WILDCARD},
    fast::{FastMap, FastSet},
    graph::Graph,
    intern::{NodeId, Symbol, Vertex},
    model::{Model, RelationId},
    tuple::{ObjectRef, SubjectRef, Tuple, TupleCondition},
};
use usher_base::effort::{Effort, Spent};

/// Largest part of the graph below the changed tuples that is searched for what could concern outsiders; a larger one is
/// taken to hold such things.
const MAX_SHAPE: usize = 100_000;

/// What a tuple on the way down is counted as: the names that it leads to are kept.
const EDGE: u64 = 8;

/// A graph with a model.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    pub graph: &'a Graph,
    /// A model remembers the numbers of one graph's names, so a graph with names of its own is better given a copy.
    pub model: &'a Model,
    /// What may be caused by looking at it.
    pub effort: &'a Effort,
}

/// A change between two states.
#[derive(Debug)]
pub struct Impact<'a> {
    before: Side<'a>,
    after: Side<'a>,
    context: &'a Context,
    /// Readers below the changed tuples' subjects.
    below: Below,
    /// Whether the change means nothing to readers that are not below it. It may where an object becomes ambiguous, or is
    /// so no more, and where a condition that can't be evaluated, a cycle or a long path comes in: those deny what others
    /// grant.
    spares_outsiders: bool,
}

#[derive(Debug)]
struct Side<'a> {
    state: State<'a>,
    /// Audiences above the changed tuples' objects.
    hit: RoaringBitmap,
}

/// Readers that a part of the graph names.
#[derive(Debug, Default)]
struct Below {
    named: BTreeSet<ObjectRef>,
    /// Types of wildcards.
    wildcards: BTreeSet<String>,
}

/// Whose answers have to be looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    pub named: Vec<ObjectRef>,
    /// Types, each for all its readers that `named` doesn't list: they answer alike.
    pub others: Vec<String>,
}

/// One reader before and after.
#[derive(Debug)]
pub struct Judge<'a> {
    before: (&'a Graph, Evaluator<'a>),
    after: (&'a Graph, Evaluator<'a>),
}

/// Whoever of a type no tuple names.
pub fn anybody(reader_type: &str) -> SubjectRef {
    // No object of a tuple can have this id.
    SubjectRef::Object(ObjectRef { object_type: reader_type.to_owned(), id: "*".to_owned() })
}

/// Who may come to have the relation to an object, by its tuples; a check decides.
///
/// # Errors
/// When that is more than the effort allows.
pub fn readers_below(state: State<'_>, node: NodeId, relation: &str) -> Result<Candidates, Spent> {
    let mut below = Below::default();
    Descent::new(state, &[relation]).walk(vec![Vertex::node(node)], &mut below)?;
    Ok(Candidates { named: below.named.into_iter().collect(), others: below.wildcards.into_iter().collect() })
}

/// Whether the tuples of an object lead to nobody who could come to read by it; `relations` stand for reading.
///
/// # Errors
/// When that is more than the effort allows.
pub fn names_nobody(state: State<'_>, object: &ObjectRef, relations: &[&str]) -> Result<bool, Spent> {
    let Some(node) = state.graph.node(object) else { return Ok(true) };
    let mut below = Below::default();
    Descent::new(state, relations).walk(vec![Vertex::node(node)], &mut below)?;
    Ok(below.named.is_empty() && below.wildcards.is_empty())
}

/// The numbers of all objects that the tuples of some objects of bound types lead to, those themselves among them.
///
/// # Errors
/// When that is more than the effort allows.
pub fn reached_from(graph: &Graph, objects: &RoaringBitmap, effort: &Effort) -> Result<RoaringBitmap, Spent> {
    let mut reached = objects.clone();
    let mut audiences = RoaringBitmap::new();
    let mut open: Vec<Vertex> = Vec::new();
    for object in objects {
        let audience = graph.audience(NodeId(object));
        if audiences.insert(audience.0) {
            open.push(Vertex::audience(audience));
        }
    }
    while let Some(vertex) = open.pop() {
        effort.spend(1)?;
        for subject in graph.all_edges(vertex).into_iter().filter_map(|edge| edge.subject.vertex()) {
            let is_new = match (subject.as_node(), subject.as_audience()) {
                (Some(node), _) => reached.insert(node.0),
                (_, Some(audience)) => audiences.insert(audience.0),
                _ => false,
            };
            if is_new {
                open.push(subject);
            }
        }
    }
    Ok(reached)
}

/// Whether the reader has the relation to the objects of an audience. Ambiguous objects are read by nobody, and an error
/// is no.
fn reads(graph: &Graph, evaluator: &mut Evaluator<'_>, audience: AudienceOrdinal, relation: &str) -> bool {
    !graph.is_ambiguous(audience) && evaluator.check_audience(audience, relation) == Ok(true)
}

impl<'a> Impact<'a> {
    /// `changed` are the tuples that one of the states has and the other doesn't; `relations` those that stand for
    /// reading. O(what is above and below the tuples).
    ///
    /// # Errors
    /// When that is more than the effort allows.
    pub fn of(
        before: State<'a>,
        after: State<'a>,
        changed: &[Tuple],
        relations: &[&str],
        context: &'a Context,
    ) -> Result<Impact<'a>, Spent> {
        let mut below = Below::default();
        let mut side = |state: State<'a>| {
            let mut hit = RoaringBitmap::new();
            let above = rise(state, changed, &mut hit)?;
            let mut descent = Descent { shape: Some(Shape::default()), ..Descent::new(state, relations) };
            let mut starts = Vec::new();
            for tuple in changed {
                descent.note_condition(tuple.condition.as_ref(), context);
                if let Some(subject) = state.graph.known_subject(&tuple.subject) {
                    starts.extend(descent.enter(subject, &mut below));
                }
            }
            descent.context = Some(context);
            descent.walk(starts, &mut below)?;
            let hops = above.zip(descent.shape.and_then(Shape::longest));
            // The changed tuple's own hop, and one to spare.
            let is_sparing = hops.is_some_and(|(above, below)| above + below + 2 < usize::from(MAX_DEPTH));
            Ok((Side { state, hit }, is_sparing))
        };
        let ((before, spares_before), (after, spares_after)) = (side(before)?, side(after)?);
        let is_ambiguous = |State { graph, .. }: State<'_>, object: &ObjectRef| {
            graph.node(object).is_some_and(|node| graph.is_ambiguous(graph.audience(node)))
        };
        // For everybody alike.
        let decides =
            |tuple: &Tuple| is_ambiguous(before.state, &tuple.object) != is_ambiguous(after.state, &tuple.object);
        let spares_outsiders = spares_before && spares_after && !changed.iter().any(decides);
        Ok(Impact { before, after, context, below, spares_outsiders })
    }

    /// Whether somebody may read the object, of a bound type, in one state and not in the other.
    pub fn concerns(&self, node: NodeId) -> bool {
        let (before, after) = self.audiences(node);
        let is_above = self.before.hit.contains(before.0) || self.after.hit.contains(after.0);
        before != after || is_above
    }

    /// The object's audience before and after.
    pub fn audiences(&self, node: NodeId) -> (AudienceOrdinal, AudienceOrdinal) {
        (self.before.state.graph.audience(node), self.after.state.graph.audience(node))
    }

    /// Who may read an object of these audiences in one state and not in the other.
    ///
    /// # Errors
    /// When that is more than the effort allows.
    pub fn candidates(
        &self,
        audiences: &[(AudienceOrdinal, AudienceOrdinal)],
        relations: &[&str],
    ) -> Result<Candidates, Spent> {
        if self.spares_outsiders && self.below.wildcards.is_empty() {
            return Ok(Candidates { named: self.below.named.iter().cloned().collect(), others: Vec::new() });
        }
        let mut all = Below::default();
        let before = audiences.iter().map(|(before, _)| Vertex::audience(*before)).collect();
        Descent::new(self.before.state, relations).walk(before, &mut all)?;
        let after = audiences.iter().map(|(_, after)| Vertex::audience(*after)).collect();
        Descent::new(self.after.state, relations).walk(after, &mut all)?;
        // Where a wildcard is below the change, it means something to every reader of the type.
        let is_open = |reader_type: &str| !self.spares_outsiders || self.below.wildcards.contains(reader_type);
        let named = all.named.into_iter();
        let named = named.filter(|reader| is_open(&reader.object_type) || self.below.named.contains(reader));
        let others = all.wildcards.into_iter().filter(|reader_type| is_open(reader_type));
        Ok(Candidates { named: named.collect(), others: others.collect() })
    }

    /// With a deliberate bug, for the test of the test: whoever is not below the change is left out.
    #[cfg(test)]
    pub(super) fn sparing_all_outsiders(mut self) -> Self {
        self.spares_outsiders = true;
        self
    }

    /// With a deliberate bug: only objects whose own tuples change are looked at.
    #[cfg(test)]
    pub(super) fn looking_at_named_objects_only(mut self) -> Self {
        self.before.hit.clear();
        self.after.hit.clear();
        self
    }

    /// A reader's answers in both states.
    pub fn judge(&self, reader: &SubjectRef) -> Judge<'_> {
        let of = |State { graph, model, effort }: State<'a>| {
            (graph, Evaluator::new(graph, model, reader, self.context).within(effort))
        };
        Judge { before: of(self.before.state), after: of(self.after.state) }
    }
}

impl Judge<'_> {
    /// Whether the reader has the relation before, and after.
    pub fn reads(&mut self, audiences: (AudienceOrdinal, AudienceOrdinal), relation: &str) -> (bool, bool) {
        let (graph, evaluator) = &mut self.before;
        let before = reads(graph, evaluator, audiences.0, relation);
        let (graph, evaluator) = &mut self.after;
        (before, reads(graph, evaluator, audiences.1, relation))
    }

    /// Why it may look at nothing more, if so: its last answers are then none.
    pub fn spent(&self) -> Option<Spent> {
        self.before.1.spent().or(self.after.1.spent())
    }
}

/// Collects the audiences above the tuples' objects; the longest way up, if there is no cycle.
fn rise(state: State<'_>, changed: &[Tuple], hit: &mut RoaringBitmap) -> Result<Option<usize>, Spent> {
    let State { graph, effort, .. } = state;
    let mut shape = Shape::default();
    let mut seen = FastSet::default();
    let mut open: Vec<Vertex> = Vec::new();
    for tuple in changed {
        open.extend(graph.node(&tuple.object).map(Vertex::node).filter(|vertex| seen.insert(vertex.0)));
    }
    while let Some(vertex) = open.pop() {
        effort.spend(1)?;
        for above in graph.dependents(vertex) {
            shape.add(vertex, above);
            // A document that is walked through stands for its audience as well.
            let audience = above.as_audience().or_else(|| above.as_node().map(|node| graph.audience(node)));
            hit.extend(audience.filter(|audience| *audience != AudienceOrdinal::NOBODY).map(|audience| audience.0));
            if seen.insert(above.0) {
                open.push(above);
            }
            let audience = audience.map(Vertex::audience).filter(|vertex| graph.vertex_type(*vertex).is_some());
            open.extend(audience.filter(|vertex| seen.insert(vertex.0)));
        }
    }
    Ok(shape.longest())
}

/// A walk from objects to the readers below them, whatever the rules say of the way.
struct Descent<'a> {
    state: State<'a>,
    goals: Vec<RelationId>,
    /// By type: whether its objects can be readers.
    readers: FastMap<u32, bool>,
    seen: FastSet<u32>,
    /// Of interest only below a change.
    shape: Option<Shape>,
    context: Option<&'a Context>,
}

impl<'a> Descent<'a> {
    fn new(state: State<'a>, relations: &[&str]) -> Descent<'a> {
        let goals = state.model.relations().filter(|(_, relation)| relations.contains(&relation.name.as_str()));
        let goals = goals.map(|(id, _)| id).collect();
        Descent { state, goals, readers: FastMap::default(), seen: FastSet::default(), shape: None, context: None }
    }

    /// Whether the model has a path from plain objects of the type to a goal.
    fn can_read(&mut self, reader_type: Symbol) -> bool {
        if let Some(known) = self.readers.get(&reader_type.0) {
            return *known;
        }
        let State { graph, model, .. } = self.state;
        let reached = model.link(graph.interner()).reached_from(reader_type, OBJECT);
        let can = !graph.is_bound_type(reader_type) && self.goals.iter().any(|goal| reached.contains(*goal));
        self.readers.insert(reader_type.0, can);
        can
    }

    /// Notes a tuple's subject; what of it is to be walked through, if that is new.
    fn enter(&mut self, subject: SubjectKey, below: &mut Below) -> Option<Vertex> {
        let graph = self.state.graph;
        if subject.kind == WILDCARD {
            let reader_type = Symbol(subject.node);
            if self.can_read(reader_type) {
                below.wildcards.insert(graph.interner().name(reader_type).to_string());
            }
            return None;
        }
        let vertex = subject.vertex()?;
        if !self.seen.insert(vertex.0) {
            return None;
        }
        if let (None, Some(node), Some(held)) = (subject.relation(), vertex.as_node(), graph.vertex_type(vertex))
            && self.can_read(held)
        {
            below.named.extend(graph.object(node));
        }
        Some(vertex)
    }

    fn walk(&mut self, mut open: Vec<Vertex>, below: &mut Below) -> Result<(), Spent> {
        open.iter().for_each(|vertex| {
            self.seen.insert(vertex.0);
        });
        while let Some(vertex) = open.pop() {
            let edges = self.state.graph.all_edges(vertex);
            self.state.effort.spend(1 + EDGE * edges.len() as u64)?;
            for edge in edges {
                if let (Some(shape), Some(to)) = (&mut self.shape, edge.subject.vertex()) {
                    shape.add(vertex, to);
                }
                if let Some(context) = self.context {
                    let condition = self.state.graph.interner().stored_condition(edge.condition);
                    self.note_condition(condition.as_deref(), context);
                }
                open.extend(self.enter(edge.subject, below));
            }
        }
        Ok(())
    }

    fn note_condition(&mut self, stored: Option<&TupleCondition>, context: &Context) {
        let model = self.state.model;
        let Some((stored, condition)) = stored.and_then(|stored| Some((stored, model.condition(&stored.name)?))) else {
            return;
        };
        let fails = condition.evaluate(model.environment(), &stored_context(stored), context).is_err();
        if let Some(shape) = self.shape.as_mut().filter(|_| fails) {
            shape.is_plain = false;
        }
    }
}

/// The edges of a part of a graph.
struct Shape {
    edges: FastMap<u32, Vec<u32>>,
    count: usize,
    /// Whether no condition failed.
    is_plain: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { edges: FastMap::default(), count: 0, is_plain: true }
    }
}

impl Shape {
    fn add(&mut self, from: Vertex, to: Vertex) {
        self.count += 1;
        if self.count <= MAX_SHAPE {
            self.edges.entry(from.0).or_default().push(to.0);
        }
    }

    /// The longest path in hops, if all is plain: no cycle, no condition that fails, not too large to know.
    fn longest(self) -> Option<usize> {
        if !self.is_plain || self.count > MAX_SHAPE {
            return None;
        }
        let mut incoming: FastMap<u32, usize> = self.edges.keys().map(|from| (*from, 0)).collect();
        self.edges.values().flatten().for_each(|to| *incoming.entry(*to).or_default() += 1);
        let free = incoming.iter().filter(|(_, count)| **count == 0);
        let mut open: Vec<(u32, usize)> = free.map(|(vertex, _)| (*vertex, 0)).collect();
        let mut hops: FastMap<u32, usize> = FastMap::default();
        let (mut left, mut longest) = (incoming.len(), 0);
        while let Some((vertex, height)) = open.pop() {
            left -= 1;
            longest = longest.max(height);
            for to in self.edges.get(&vertex).into_iter().flatten() {
                let reached = hops.entry(*to).or_default();
                *reached = (*reached).max(height + 1);
                if let Some(count) = incoming.get_mut(to) {
                    *count -= 1;
                    if *count == 0 {
                        open.push((*to, *reached));
                    }
                }
            }
        }
        (left == 0).then_some(longest)
    }
}
