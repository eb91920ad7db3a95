//! Reverse expansion: from a subject to everything that may have a relation for it.
//!
//! Follows tuples from their subjects to their objects, by plans that leave out what cannot lead to the goal. What comes
//! out is a superset of the objects for which a check is not false, each with the least number of hops where the way to
//! it is decisive by itself. Plans are tried side by side in growing slices of work and the first to end wins, so that
//! the cost follows the smallest operand of an intersection and never the size of the store.

use super::{
    MAX_DEPTH,
    check::Evaluator,
    edge::{Back, Edge, SubjectKey},
    fast::{FastMap, FastSet},
    graph::Graph,
    intern::Vertex,
    model::{Model, Plan, RelationId, TuplesetStep},
    sorted::Range,
};
use usher_base::faults::mutants;

/// Tuples looked at before the first change of plans; doubled each round.
const FIRST_SLICE: usize = 512;

/// Least hops of a decisive way, or nothing where a check must decide.
pub(super) type Certainty = Option<u8>;

/// What a subject reaches on the way to a goal.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// By vertex and relation.
    pub(super) states: FastMap<(u32, u32), Certainty>,
    /// Vertices that may have the goal's relation.
    pub(super) goals: Vec<Vertex>,
    /// Subjects whose tuples were followed, packed.
    pub(super) subjects: FastSet<u64>,
    /// Tuples looked at, by the plans that lost too.
    pub(super) steps: usize,
}

/// Everything that may have the relation `goal` for the evaluator's subject, a plain object; nothing where the evaluator's
/// effort is spent.
pub(super) fn reach(evaluator: &mut Evaluator<'_>, graph: &Graph, model: &Model, goal: RelationId) -> Reached {
    if !evaluator.is_possible(goal) {
        return Reached::default();
    }
    let plans = evaluator.linked().plans(model, goal);
    let mut searches: Vec<Search<'_>> = plans.iter().map(|plan| Search::new(evaluator, graph, plan, goal)).collect();
    let mut slice = FIRST_SLICE;
    let mut steps = 0;
    loop {
        let alone = searches.len() == 1;
        for search in &mut searches {
            let mut budget = if alone { usize::MAX } else { slice };
            let ended = search.run(evaluator, &mut budget);
            if evaluator.spent().is_some() {
                // Whoever asked looks at that before it believes what was reached.
                return Reached::default();
            }
            if ended {
                let mut reached = std::mem::take(&mut search.reached);
                steps += reached.steps;
                steps += searches.iter().map(|search| search.reached.steps).sum::<usize>();
                reached.steps = steps;
                return reached;
            }
        }
        if searches.is_empty() {
            return Reached::default();
        }
        slice = slice.saturating_mul(2);
    }
}

/// Tuples still to be followed.
struct Task<'g> {
    subject: SubjectKey,
    tuples: Range<'g, Back>,
    /// Over a tupleset: what the step leads to.
    tupleset: Option<TuplesetStep>,
}

struct Search<'g> {
    graph: &'g Graph,
    plan: &'g Plan,
    goal: RelationId,
    reached: Reached,
    /// Hops of what `now` leads to.
    level: u8,
    now: Vec<Task<'g>>,
    later: Vec<Task<'g>>,
    /// What is reached without certainty, and comes last.
    maybe: Vec<Task<'g>>,
}

impl<'g> Search<'g> {
    fn new(evaluator: &Evaluator<'_>, graph: &'g Graph, plan: &'g Plan, goal: RelationId) -> Search<'g> {
        let mut search = Search {
            graph,
            plan,
            goal,
            reached: Reached::default(),
            level: 0,
            now: Vec::new(),
            later: Vec::new(),
            maybe: Vec::new(),
        };
        for subject in [Some(evaluator.subject()), evaluator.subject_wildcard()].into_iter().flatten() {
            search.reached.subjects.insert(subject.packed());
            search.now.push(Task { subject, tuples: graph.back(subject, None), tupleset: None });
        }
        search
    }

    /// Works until the budget is used up; whether everything was followed.
    fn run(&mut self, evaluator: &mut Evaluator<'_>, budget: &mut usize) -> bool {
        loop {
            let (certain, task) = if let Some(task) = self.now.pop() {
                (true, task)
            } else if !self.later.is_empty() {
                std::mem::swap(&mut self.now, &mut self.later);
                self.level = self.level.saturating_add(1);
                continue;
            } else if let Some(task) = self.maybe.pop() {
                (false, task)
            } else {
                return true;
            };
            if let Some(rest) = self.follow(evaluator, task, certain, budget) {
                if certain {
                    self.now.push(rest)
                } else {
                    self.maybe.push(rest)
                }
                return false;
            }
        }
    }

    /// Follows a task's tuples; what is left of it when the budget ends.
    fn follow(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        mut task: Task<'g>,
        certain: bool,
        budget: &mut usize,
    ) -> Option<Task<'g>> {
        loop {
            if *budget == 0 {
                return Some(task);
            }
            let back = task.tuples.next()?;
            if !evaluator.charge(1) {
                return Some(task);
            }
            *budget -= 1;
            self.reached.steps += 1;
            let Some(object_type) = self.graph.vertex_type(back.vertex) else { continue };
            // Objects of bound types that share their audience's edges are reached through the audience.
            let shared = |node| self.graph.is_bound_type(object_type) && !self.graph.is_walked(node);
            if back.vertex.as_node().is_some_and(shared) {
                continue;
            }
            let edge = Edge { relation: back.relation, subject: task.subject, condition: back.condition };
            let (tuple_of, to, definite) = match task.tupleset {
                Some(over) if over.target_type == object_type => (over.tupleset, over.step.to, over.step.definite),
                Some(_) => continue,
                None => {
                    let Some(id) = evaluator.linked().relation(object_type, back.relation) else { continue };
                    let Some(definite) = self.plan.direct(id) else { continue };
                    (id, id, definite)
                }
            };
            if evaluator.admits(tuple_of, &edge) {
                let certain = certain && definite && edge.condition.is_none();
                self.enter(back.vertex, to, certain);
            }
        }
    }

    /// A relation of a vertex is reached, for the first time or with more certainty than before.
    fn enter(&mut self, vertex: Vertex, id: RelationId, certain: bool) {
        let mut open = vec![(id, certain)];
        while let Some((id, certain)) = open.pop() {
            let in_depth = self.level < MAX_DEPTH || mutants::active("depth_ignored_on_union_paths");
            let certain = certain && in_depth;
            let certainty = certain.then_some(self.level);
            match self.reached.states.entry((vertex.0, u32::from(id.0))) {
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(certainty);
                    if id == self.goal {
                        self.reached.goals.push(vertex);
                    }
                }
                std::collections::hash_map::Entry::Occupied(mut held) => {
                    // Certain ways come in the order of their hops, so the first is the least.
                    if held.get().is_some() || !certain {
                        continue;
                    }
                    held.insert(certainty);
                }
            }
            open.extend(self.plan.computed(id).iter().map(|step| (step.to, certain && step.definite)));
            if let Some(relation) = self.plan.userset(id) {
                let subject = SubjectKey::userset(vertex, relation);
                self.reached.subjects.insert(subject.packed());
                self.queue(Task { subject, tuples: self.graph.back(subject, None), tupleset: None }, certain);
            }
            self.queue_tuplesets(vertex, id, certain);
        }
    }

    fn queue_tuplesets(&mut self, vertex: Vertex, id: RelationId, certain: bool) {
        let plan = self.plan;
        for over in plan.tuplesets(id) {
            let subject = SubjectKey::object(vertex);
            self.reached.subjects.insert(subject.packed());
            let tuples = self.graph.back(subject, Some(over.tupleset_symbol));
            self.queue(Task { subject, tuples, tupleset: Some(*over) }, certain);
        }
    }

    fn queue(&mut self, task: Task<'g>, certain: bool) {
        if certain { self.later.push(task) } else { self.maybe.push(task) }
    }
}
