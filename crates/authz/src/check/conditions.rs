//! Which tuples count, and what their conditions say.

use super::{
    super::{
        condition::stored_context,
        edge::Edge,
        intern::{ConditionId, Symbol},
        model::RelationId,
    },
    CONDITION, CheckError, Evaluator,
    outcome::ErrorIndex,
};

/// What is known of one stored condition under the evaluator's model and context.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// Its name; none if the model does not define it or its stored context does not fit.
    name: Option<Symbol>,
    /// Whether its use was noted.
    met: bool,
    verdict: Option<Verdict>,
}

/// What a tuple is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    Met,
    Unmet,
    Error(ErrorIndex),
}

impl Evaluator<'_> {
    /// What a tuple of the relation is worth: nothing at all if the model does not admit it, else what its condition
    /// says.
    pub(in super::super) fn verdict(&mut self, id: RelationId, edge: &Edge) -> Option<Verdict> {
        if !self.admits(id, edge) {
            return None;
        }
        Some(if edge.condition.is_none() { Verdict::Met } else { self.evaluate_condition(edge.condition) })
    }

    /// Whether the model admits the tuple. An admitted conditional tuple counts as met with from here on, whatever its
    /// condition says.
    pub(in super::super) fn admits(&mut self, id: RelationId, edge: &Edge) -> bool {
        let Some(subject_type) = self.type_of(edge.subject) else { return false };
        if edge.condition.is_none() {
            return self.linked.admits(id, subject_type, edge.subject.kind, None);
        }
        let Some(name) = self.condition_name(edge.condition) else { return false };
        let admitted = self.linked.admits(id, subject_type, edge.subject.kind, Some(name));
        if admitted {
            self.meet(edge.condition);
        }
        admitted
    }

    fn condition_name(&mut self, id: ConditionId) -> Option<Symbol> {
        if let Some(state) = self.conditions.get(&id.0) {
            return state.name;
        }
        let name = self.names.condition(self.graph, id).and_then(|stored| {
            let condition = self.model.condition(&stored.name)?;
            condition.check_stored(&stored_context(&stored)).ok()?;
            self.graph.interner().known_symbol(&stored.name)
        });
        self.conditions.insert(id.0, State { name, met: false, verdict: None });
        name
    }

    fn meet(&mut self, id: ConditionId) {
        let Some(state) = self.conditions.get_mut(&id.0).filter(|state| !state.met) else { return };
        state.met = true;
        let Some(stored) = self.names.condition(self.graph, id) else { return };
        if let Some(condition) = self.model.condition(&stored.name) {
            let depends = condition.depends(&stored_context(&stored), self.context);
            self.conditions_met = self.conditions_met.and(depends);
        }
    }

    fn evaluate_condition(&mut self, id: ConditionId) -> Verdict {
        if let Some(verdict) = self.conditions.get(&id.0).and_then(|state| state.verdict) {
            return verdict;
        }
        let Some(stored) = self.names.condition(self.graph, id) else { return Verdict::Unmet };
        // INVARIANT: only conditions that `condition_name` found in the model come here.
        let Some(condition) = self.model.condition(&stored.name) else { return Verdict::Unmet };
        self.charge(CONDITION);
        let verdict = match condition.evaluate(self.model.environment(), &stored_context(&stored), self.context) {
            Ok(true) => Verdict::Met,
            Ok(false) => Verdict::Unmet,
            Err(error) => {
                let index = ErrorIndex(self.errors.len() as u32);
                self.errors.push(CheckError::Condition(error));
                Verdict::Error(index)
            }
        };
        if let Some(state) = self.conditions.get_mut(&id.0) {
            state.verdict = Some(verdict);
        }
        verdict
    }
}
