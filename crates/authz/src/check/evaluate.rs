//! The evaluation of one relation of one vertex, rule by rule.

use super::{
    super::{
        MAX_DEPTH,
        edge::{Edge, OBJECT, SubjectKey, WILDCARD},
        graph::Edges,
        intern::{Symbol, Vertex},
        model::{RelationId, Rule},
    },
    Evaluator, MAX_FRAMES, MAX_STEPS, Memo,
    conditions::Verdict,
    memo_key,
    outcome::{Outcome, UNCUT},
};

/// Tuples of one relation of one object that are read in one go.
const FEW: usize = 12;
/// The least and greatest keys of all.
const ALL: (SubjectKey, SubjectKey) =
    (SubjectKey { kind: OBJECT, node: 0 }, SubjectKey { kind: WILDCARD, node: u32::MAX });
/// The least and greatest keys of usersets.
const USERSETS: (SubjectKey, SubjectKey) =
    (SubjectKey { kind: OBJECT + 1, node: 0 }, SubjectKey { kind: WILDCARD - 1, node: u32::MAX });
/// The least and greatest keys of plain objects.
const OBJECTS: (SubjectKey, SubjectKey) =
    (SubjectKey { kind: OBJECT, node: 0 }, SubjectKey { kind: OBJECT, node: u32::MAX });

/// A check that a tuple leads to.
pub(super) type Target = (Vertex, RelationId);

impl<'a> Evaluator<'a> {
    /// The outcome for a vertex's relation at a depth. `marks` asks for exact cycle marks, which matter below a subtract
    /// branch and cost a look at every operand.
    pub(super) fn evaluate(&mut self, vertex: Vertex, id: RelationId, depth: u8, marks: bool) -> Outcome {
        // The order of these tests is OpenFGA's: depth, cycle, self-defining, path in the model.
        if depth >= MAX_DEPTH {
            return Outcome::TOO_COMPLEX;
        }
        let model = self.model;
        let Some(relation) = model.relation(id) else { return Outcome::FALSE };
        let key = memo_key(vertex, id);
        let recursion = relation.recursion;
        let by_path = recursion.part.is_some() && !recursion.pure;
        if by_path && let Some(at) = self.path.get(&key) {
            return Outcome::cycle(*at);
        }
        if self.defines_itself(vertex, id) {
            return Outcome::TRUE;
        }
        if !self.possible.contains(id) {
            return Outcome::FALSE;
        }
        if let Some(known) = self.remembered(key, depth, marks) {
            return known;
        }
        if self.frames >= MAX_FRAMES || self.steps >= MAX_STEPS || !self.charge(1) {
            return Outcome::TOO_COMPLEX;
        }
        self.steps += 1;
        self.frames += 1;
        let outcome = if recursion.pure {
            self.region(vertex, id, depth, marks)
        } else {
            let place = self.path.len();
            if by_path {
                self.path.insert(key, place);
            }
            let mut outcome = self.rule(&relation.rule, vertex, id, depth, marks);
            if by_path {
                self.path.remove(&key);
            }
            self.remember(key, depth, outcome, marks || !recursion.reaches);
            if outcome.cut >= place {
                // The cycle came back to this very check: seen from above, nothing depends on the path any more.
                outcome.cut = UNCUT;
            }
            outcome
        };
        self.frames -= 1;
        outcome
    }

    /// A userset always has its own relation, without a tuple and before the model is looked at.
    pub(super) fn defines_itself(&self, vertex: Vertex, id: RelationId) -> bool {
        self.subject.relation().is_some()
            && self.subject.vertex() == Some(vertex)
            && self.subject.relation() == self.linked.symbol_of(id)
    }

    pub(super) fn remembered(&self, key: u64, depth: u8, marks: bool) -> Option<Outcome> {
        let fits = |memo: &&Memo| memo.outcome.is_true() || memo.marks || !marks;
        if let Some(memo) = self.memo.get(&key).filter(fits)
            && depth.saturating_add(memo.outcome.height) < MAX_DEPTH
        {
            return Some(memo.outcome);
        }
        if self.limited.is_empty() {
            return None;
        }
        self.limited.get(&(key, u32::from(depth))).filter(fits).map(|memo| memo.outcome)
    }

    /// Stores what holds for every path: true (its witness has no cycle), or whatever no cycle came back from.
    pub(super) fn remember(&mut self, key: u64, depth: u8, outcome: Outcome, marks: bool) {
        let is_cut_short = self.steps >= MAX_STEPS || self.frames >= MAX_FRAMES || self.spent.is_some();
        if (outcome.cut != UNCUT && !outcome.is_true()) || is_cut_short {
            return;
        }
        let memo = Memo { outcome, marks };
        if outcome.limited {
            self.limited.insert((key, u32::from(depth)), memo);
        } else {
            self.memo.insert(key, memo);
        }
    }

    pub(super) fn rule(&mut self, rule: &Rule, vertex: Vertex, id: RelationId, depth: u8, marks: bool) -> Outcome {
        if self.frames >= MAX_FRAMES {
            return Outcome::TOO_COMPLEX;
        }
        self.frames += 1;
        let outcome = self.rule_in_frame(rule, vertex, id, depth, marks);
        self.frames -= 1;
        outcome
    }

    fn rule_in_frame(&mut self, rule: &Rule, vertex: Vertex, id: RelationId, depth: u8, marks: bool) -> Outcome {
        match rule {
            Rule::This | Rule::TupleToUserset { .. } => {
                let mut targets = Vec::new();
                let mut outcome = self.leaf(rule, vertex, id, &mut targets);
                for (vertex, id) in targets {
                    if outcome.is_true() {
                        break;
                    }
                    outcome = outcome.or(self.evaluate(vertex, id, depth + 1, marks).hop());
                }
                outcome
            }
            Rule::Computed(computed) => self.evaluate(vertex, *computed, depth, marks),
            Rule::Union(operands) => {
                let mut outcome = Outcome::FALSE;
                for operand in operands {
                    if outcome.is_true() {
                        break;
                    }
                    outcome = outcome.or(self.rule(operand, vertex, id, depth, marks));
                }
                outcome
            }
            Rule::Intersection(operands) => {
                let mut outcome = Outcome::TRUE;
                for operand in operands {
                    if outcome.is_false() && !self.wants_marks(id, marks) {
                        break;
                    }
                    outcome = outcome.and(self.rule(operand, vertex, id, depth, marks));
                }
                outcome
            }
            Rule::Difference(base, subtract) => {
                let base = self.rule(base, vertex, id, depth, marks);
                if base.is_false() && !self.wants_marks(id, marks) {
                    return base;
                }
                base.but_not(self.rule(subtract, vertex, id, depth, true))
            }
        }
    }

    /// Whether a decided operand does not end the evaluation, because another may yet have a cycle mark. Upstream the
    /// first to finish decides; looking at all of them denies where upstream may deny.
    fn wants_marks(&self, id: RelationId, marks: bool) -> bool {
        marks && self.model.relation(id).is_some_and(|relation| relation.recursion.reaches)
    }

    /// What the tuples of a direct or tupleset rule say by themselves; the checks that they lead to go to `targets`.
    pub(super) fn leaf(&mut self, rule: &Rule, vertex: Vertex, id: RelationId, targets: &mut Vec<Target>) -> Outcome {
        match rule {
            Rule::This => self.direct(vertex, id, targets),
            Rule::TupleToUserset { tupleset, computed, .. } => self.over_tupleset(vertex, *tupleset, computed, targets),
            _ => Outcome::FALSE,
        }
    }

    fn direct(&mut self, vertex: Vertex, id: RelationId, targets: &mut Vec<Target>) -> Outcome {
        let Some(relation) = self.linked.symbol_of(id) else { return Outcome::FALSE };
        self.visit(vertex, relation);
        // Nearly every object has few tuples of a relation: one look at them instead of three searches.
        let mut few: [Option<Edge>; FEW] = [None; FEW];
        let mut edges = self.edges(vertex, relation, ALL);
        few.iter_mut().for_each(|slot| *slot = edges.next());
        let few = few.last().is_some_and(Option::is_none).then_some(few);
        let mut outcome = Outcome::FALSE;
        for subject in [Some(self.subject), self.wildcard].into_iter().flatten() {
            let edge = match &few {
                Some(few) => few.iter().flatten().find(|edge| edge.subject == subject).copied(),
                None => self.edge(vertex, relation, subject),
            };
            if let Some(edge) = edge {
                outcome = outcome.or(self.worth(id, &edge));
                if outcome.is_true() {
                    return outcome;
                }
            }
        }
        match few {
            Some(few) => {
                for edge in few.iter().flatten() {
                    outcome = outcome.or(self.userset(id, edge, targets));
                }
            }
            None => {
                for edge in self.edges(vertex, relation, USERSETS) {
                    if !self.charge(1) {
                        return outcome.or(Outcome::TOO_COMPLEX);
                    }
                    outcome = outcome.or(self.userset(id, &edge, targets));
                }
            }
        }
        outcome
    }

    /// A tuple whose subject is a userset leads to a check of that userset.
    fn userset(&mut self, id: RelationId, edge: &Edge, targets: &mut Vec<Target>) -> Outcome {
        let (Some(object), Some(userset)) = (edge.subject.vertex(), edge.subject.relation()) else {
            return Outcome::FALSE;
        };
        match self.verdict(id, edge) {
            None | Some(Verdict::Unmet) => Outcome::FALSE,
            Some(Verdict::Error(error)) => Outcome::error(error),
            Some(Verdict::Met) => {
                let object_type = self.names.object_type(self.graph, object);
                let target = object_type.and_then(|object_type| self.linked.relation(object_type, userset));
                targets.extend(target.map(|target| (object, target)));
                Outcome::FALSE
            }
        }
    }

    fn over_tupleset(
        &mut self,
        vertex: Vertex,
        tupleset: RelationId,
        computed: &[RelationId],
        targets: &mut Vec<Target>,
    ) -> Outcome {
        let Some(relation) = self.linked.symbol_of(tupleset) else { return Outcome::FALSE };
        self.visit(vertex, relation);
        let mut outcome = Outcome::FALSE;
        for edge in self.edges(vertex, relation, OBJECTS) {
            if !self.charge(1) {
                return outcome.or(Outcome::TOO_COMPLEX);
            }
            let Some(parent) = edge.subject.vertex() else { continue };
            match self.verdict(tupleset, &edge) {
                None | Some(Verdict::Unmet) => {}
                Some(Verdict::Error(error)) => outcome = outcome.or(Outcome::error(error)),
                Some(Verdict::Met) => {
                    let parent_type = self.names.object_type(self.graph, parent);
                    let of_type = |id: &&RelationId| self.linked.type_of(**id) == parent_type;
                    targets.extend(computed.iter().find(of_type).map(|target| (parent, *target)));
                }
            }
        }
        outcome
    }

    fn worth(&mut self, id: RelationId, edge: &Edge) -> Outcome {
        match self.verdict(id, edge) {
            None | Some(Verdict::Unmet) => Outcome::FALSE,
            Some(Verdict::Met) => Outcome::TRUE,
            Some(Verdict::Error(error)) => Outcome::error(error),
        }
    }

    /// The tuple with exactly this subject, contextual before stored.
    fn edge(&self, vertex: Vertex, relation: Symbol, subject: SubjectKey) -> Option<Edge> {
        let same = |edge: &&Edge| edge.relation == relation && edge.subject == subject;
        if let Some(edge) = self.names.edges_of(vertex).iter().find(same) {
            return Some(*edge);
        }
        let condition = self.graph.edge(vertex, relation, subject)?;
        Some(Edge { relation, subject, condition })
    }

    /// The tuples of a relation, those replaced by contextual ones left out.
    pub(in super::super) fn edges(
        &self,
        vertex: Vertex,
        relation: Symbol,
        (from, to): (SubjectKey, SubjectKey),
    ) -> AllEdges<'a> {
        let contextual = self.names.edges_of(vertex);
        let stored = self.graph.edges(vertex, relation, from, to);
        if contextual.is_empty() {
            return AllEdges::Stored(stored);
        }
        let mut edges: Vec<Edge> = contextual
            .iter()
            .filter(|edge| edge.relation == relation && (from..=to).contains(&edge.subject))
            .copied()
            .collect();
        edges.extend(stored.filter(|edge| {
            !contextual.iter().any(|other| other.relation == edge.relation && other.subject == edge.subject)
        }));
        AllEdges::Merged(edges.into_iter())
    }
}

pub(in super::super) enum AllEdges<'g> {
    Stored(Edges<'g>),
    Merged(std::vec::IntoIter<Edge>),
}

impl Iterator for AllEdges<'_> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        match self {
            AllEdges::Stored(edges) => edges.next(),
            AllEdges::Merged(edges) => edges.next(),
        }
    }
}
