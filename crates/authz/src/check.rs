//! Check: may this subject, in this graph, under this model and context?
//!
//! Goal-directed and exact: three truth values combined independently of order, cycles cut per path, the depth limit
//! counted per userset and tupleset hop. Tuples are validated against the model as they are read. Where OpenFGA itself
//! is not determined (which of two operands finishes first), the answer is no. An evaluator keeps what it found out for
//! its one subject and context; it never outlives the snapshot.

use std::sync::Arc;

use super::{
    audience::AudienceOrdinal,
    condition::{ConditionError, ConditionUse, Context},
    edge::{OBJECT, SubjectKey, WILDCARD},
    fast::{FastMap, FastSet},
    graph::Graph,
    intern::{NodeId, Symbol, Vertex},
    model::{Linked, Model, RelationId},
    tuple::{ObjectRef, SubjectRef, Tuple},
};
use usher_base::effort::{Effort, SLICE, Spent};

mod conditions;
mod evaluate;
mod names;
mod outcome;
mod region;

pub(super) use conditions::Verdict;
use names::Names;
use outcome::{ErrorIndex, Outcome, Value};

/// Most relations of objects that one check may look at. Cycles through exclusions are followed path by path, of which
/// there can be exponentially many.
const MAX_STEPS: u32 = 1_000_000;
/// What making an evaluator is counted as.
const MAKING: u64 = 16;
/// What evaluating a condition is counted as.
const CONDITION: u32 = 64;
/// Most nested calls, whatever the model: a thread's stack is finite.
const MAX_FRAMES: u32 = 1_500;

/// The third truth value at the top: neither allowed nor plainly denied. To be treated as denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    #[error("the check needs 25 or more levels of usersets and tuplesets, or more work than is allowed")]
    TooComplex,
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// Not decided: the request may cause no more work.
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// Answers checks for one subject and context, sharing what it finds out between them.
#[derive(Debug)]
pub struct Evaluator<'a> {
    graph: &'a Graph,
    model: &'a Model,
    linked: Arc<Linked>,
    context: &'a Context,
    names: Names,
    subject: SubjectKey,
    /// `type:*` of a subject that is a plain object.
    wildcard: Option<SubjectKey>,
    /// Relations to which the model has a path from the subject.
    possible: Arc<super::model::link::RelationSet>,
    memo: FastMap<u64, Memo>,
    /// Outcomes that met the depth limit, by the depth they were asked at.
    limited: FastMap<(u64, u32), Memo>,
    /// Recursive relations being evaluated, each with its place on the path, outermost first.
    path: FastMap<u64, usize>,
    frames: u32,
    steps: u32,
    conditions: FastMap<u32, conditions::State>,
    errors: Vec<CheckError>,
    conditions_met: ConditionUse,
    /// Relations of objects that were read, where somebody wants to know.
    visited: Option<FastSet<u64>>,
    effort: Effort,
    /// Work that was done and is not paid for yet.
    unpaid: u32,
    /// Nothing more may be done.
    spent: Option<Spent>,
}

/// A remembered outcome.
#[derive(Debug, Clone, Copy)]
struct Memo {
    outcome: Outcome,
    /// Whether marks were looked for; else a false may hide one.
    marks: bool,
}

impl<'a> Evaluator<'a> {
    /// An evaluator for one subject and context. O(1) but for the first use of a model with a graph.
    pub fn new(graph: &'a Graph, model: &'a Model, subject: &SubjectRef, context: &'a Context) -> Evaluator<'a> {
        let linked = model.link(graph.interner());
        let mut names = Names::default();
        let key = names.subject(graph, subject);
        let subject_type = names::symbol(graph, subject.subject_type());
        let possible = linked.reached_from(subject_type, key.kind);
        Evaluator {
            graph,
            model,
            linked,
            context,
            names,
            subject: key,
            wildcard: (key.kind == OBJECT).then(|| SubjectKey::wildcard(subject_type)),
            possible,
            memo: FastMap::default(),
            limited: FastMap::default(),
            path: FastMap::default(),
            frames: 0,
            steps: 0,
            conditions: FastMap::default(),
            errors: vec![CheckError::TooComplex],
            conditions_met: ConditionUse::None,
            visited: None,
            effort: Effort::unbounded(),
            unpaid: 0,
            spent: None,
        }
    }

    /// Works within what a request may still cause; making the evaluator is a part of it.
    pub fn within(mut self, effort: &Effort) -> Evaluator<'a> {
        self.effort = effort.clone();
        self.spent = effort.spend(MAKING).err();
        self
    }

    /// Counts work; whether there may be more.
    pub(super) fn charge(&mut self, steps: u32) -> bool {
        self.unpaid = self.unpaid.saturating_add(steps);
        if self.unpaid >= SLICE {
            let paid = self.effort.spend(u64::from(std::mem::take(&mut self.unpaid)));
            self.spent = self.spent.or(paid.err());
        }
        self.spent.is_none()
    }

    /// Why no more was done, if so: what was not found to be true is then not known.
    pub(super) fn spent(&self) -> Option<Spent> {
        self.spent
    }

    /// Adds tuples for this evaluator only. Each must have passed [`Model::check_contextual`]. A contextual tuple takes
    /// the place of a stored one with the same key, its condition included; of equal keys the first counts.
    pub fn with_contextual(mut self, tuples: &[Tuple]) -> Evaluator<'a> {
        for tuple in tuples {
            self.names.add(self.graph, tuple);
        }
        self
    }

    /// Whether the subject has the relation to the object. An unknown type or relation is false.
    pub fn check(&mut self, object: &ObjectRef, relation: &str) -> Result<bool, CheckError> {
        let vertex = self.names.vertex(self.graph, object);
        self.check_vertex(vertex, relation)
    }

    /// [`Evaluator::check`] by number.
    pub fn check_node(&mut self, node: NodeId, relation: &str) -> Result<bool, CheckError> {
        self.check_vertex(Vertex::node(node), relation)
    }

    /// Whether the subject has the relation to the objects of an audience; false for a retired one.
    ///
    /// Exact for plain subjects of types that no collection binds: then all objects of the audience answer alike, and
    /// contextual tuples about one of them do not count.
    pub fn check_audience(&mut self, audience: AudienceOrdinal, relation: &str) -> Result<bool, CheckError> {
        self.check_vertex(Vertex::audience(audience), relation)
    }

    /// How all answers so far depend on the context.
    pub fn conditions(&self) -> ConditionUse {
        self.conditions_met
    }

    fn check_vertex(&mut self, vertex: Vertex, relation: &str) -> Result<bool, CheckError> {
        let object_type = self.names.object_type(self.graph, vertex);
        let id =
            object_type.and_then(|object_type| self.linked.relation(object_type, names::symbol(self.graph, relation)));
        match id {
            Some(id) => self.decide(vertex, id),
            None => Ok(false),
        }
    }

    /// A check from the top: depth 0, empty path.
    pub(super) fn decide(&mut self, vertex: Vertex, id: RelationId) -> Result<bool, CheckError> {
        self.steps = 0;
        let outcome = self.evaluate(vertex, id, 0, false);
        match (outcome.value, self.spent) {
            (Value::True, _) => Ok(true),
            (_, Some(spent)) => Err(spent.into()),
            (Value::False, None) => Ok(false),
            (Value::Error(index), None) => Err(self.error(index)),
        }
    }

    pub(super) fn error(&self, index: ErrorIndex) -> CheckError {
        self.errors.get(index.0 as usize).cloned().unwrap_or(CheckError::TooComplex)
    }

    /// Remembers from now on which relations of which objects are read.
    pub(super) fn record_visits(&mut self) {
        self.visited = Some(FastSet::default());
    }

    /// What was read since [`Evaluator::record_visits`]; keys as by [`visit_key`].
    pub(super) fn take_visits(&mut self) -> FastSet<u64> {
        self.visited.take().unwrap_or_default()
    }

    /// Makes room for the relations of so many more vertices.
    pub(super) fn expect(&mut self, vertices: usize) {
        self.memo.reserve(vertices.saturating_mul(4));
    }

    /// Enters an outcome that is known beforehand: true over at most `height` hops.
    pub(super) fn seed(&mut self, vertex: Vertex, id: RelationId, height: u8) {
        let outcome = Outcome { height, ..Outcome::TRUE };
        self.memo.insert(memo_key(vertex, id), Memo { outcome, marks: true });
    }

    pub(super) fn linked(&self) -> &Arc<Linked> {
        &self.linked
    }

    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    pub(super) fn subject(&self) -> SubjectKey {
        self.subject
    }

    pub(super) fn subject_wildcard(&self) -> Option<SubjectKey> {
        self.wildcard
    }

    /// A subject of stored or contextual tuples by name.
    pub(super) fn subject_name(&self, graph: &Graph, subject: SubjectKey) -> Option<SubjectRef> {
        let Some(local) = subject.vertex().filter(|vertex| vertex.as_local().is_some()) else {
            return graph.subject(subject);
        };
        let object = self.names.object(graph, local)?;
        Some(match subject.relation() {
            None => SubjectRef::Object(object),
            Some(relation) => SubjectRef::Userset(object, graph.interner().name(relation).to_string()),
        })
    }

    /// Whether the model has a path from the subject to the relation.
    pub(super) fn is_possible(&self, id: RelationId) -> bool {
        self.possible.contains(id)
    }

    fn visit(&mut self, vertex: Vertex, relation: Symbol) {
        if let (Some(visited), Some(node)) = (&mut self.visited, vertex.as_node()) {
            visited.insert(visit_key(node, relation));
        }
    }

    fn type_of(&self, subject: SubjectKey) -> Option<Symbol> {
        if subject.kind == WILDCARD {
            return Some(Symbol(subject.node));
        }
        self.names.object_type(self.graph, subject.vertex()?)
    }
}

/// A relation of an object, as [`Evaluator::take_visits`] lists it.
pub(super) fn visit_key(node: NodeId, relation: Symbol) -> u64 {
    u64::from(node.0) << 32 | u64::from(relation.0)
}

fn memo_key(vertex: Vertex, id: RelationId) -> u64 {
    u64::from(vertex.0) << 16 | u64::from(id.0)
}

#[cfg(test)]
mod tests;
