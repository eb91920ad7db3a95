//! Plans of reverse expansion: which operands to follow from a subject towards a relation.
//!
//! Every object that a relation's check allows is reached through any *one* operand of each intersection and through the
//! base of each exclusion, so a plan picks one operand per intersection. Which is cheapest depends on the data (few
//! documents are shared with a reader, nearly all are cleared for everybody), so there are several plans, and whoever
//! expands tries them side by side.

use super::{Linked, Model, RelationId, Rule, link::RelationSet, recursion};
use crate::intern::Symbol;

/// Most alternatives of one goal.
const MAX_PLANS: usize = 8;

/// A step from a relation to one that it contributes to.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Step {
    pub(in super::super) to: RelationId,
    /// Whether only unions lie between: then the contribution decides.
    pub(in super::super) definite: bool,
}

/// A step over a tupleset.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct TuplesetStep {
    pub(in super::super) step: Step,
    pub(in super::super) tupleset: RelationId,
    pub(in super::super) tupleset_symbol: Symbol,
    pub(in super::super) target_type: Symbol,
}

/// What to follow from each relation on the way to the goal.
#[derive(Debug, Default)]
pub(in super::super) struct Plan {
    /// By relation: whether its direct tuples contribute, and whether definitely.
    direct: Vec<Option<bool>>,
    computed: Vec<Vec<Step>>,
    tuplesets: Vec<Vec<TuplesetStep>>,
    /// By relation: its symbol, if its usersets may be assigned to something on the way.
    usersets: Vec<Option<Symbol>>,
}

/// Which operand of each intersection to follow.
#[derive(Debug, Clone, Copy)]
struct Choice {
    goal: RelationId,
    /// In the goal's own rule.
    at_goal: usize,
    /// Elsewhere: the last instead of the first.
    last: bool,
}

impl Plan {
    /// Whether direct tuples of the relation contribute, and whether definitely.
    pub(in super::super) fn direct(&self, id: RelationId) -> Option<bool> {
        self.direct.get(id.index()).copied().flatten()
    }

    pub(in super::super) fn computed(&self, from: RelationId) -> &[Step] {
        self.computed.get(from.index()).map_or(&[], Vec::as_slice)
    }

    pub(in super::super) fn tuplesets(&self, from: RelationId) -> &[TuplesetStep] {
        self.tuplesets.get(from.index()).map_or(&[], Vec::as_slice)
    }

    /// The relation's symbol, if usersets of it contribute to anything.
    pub(in super::super) fn userset(&self, from: RelationId) -> Option<Symbol> {
        self.usersets.get(from.index()).copied().flatten()
    }

    pub(super) fn alternatives(model: &Model, linked: &Linked, goal: RelationId) -> Vec<Plan> {
        let mut operands = 1;
        if let Some(relation) = model.relation(goal) {
            relation.rule.walk(&mut |rule| {
                if let Rule::Intersection(found) = rule {
                    operands = operands.max(found.len());
                }
            });
        }
        let mut plans = Vec::new();
        for at_goal in 0..operands.min(MAX_PLANS / 2) {
            let (plan, choices) = Plan::of(model, linked, Choice { goal, at_goal, last: false });
            plans.push(plan);
            if choices {
                plans.push(Plan::of(model, linked, Choice { goal, at_goal, last: true }).0);
            }
        }
        plans
    }

    /// The plan of one choice, and whether intersections other than the goal's were met.
    fn of(model: &Model, linked: &Linked, choice: Choice) -> (Plan, bool) {
        let count = model.relations.len();
        let mut plan = Plan {
            direct: vec![None; count],
            computed: vec![Vec::new(); count],
            tuplesets: vec![Vec::new(); count],
            usersets: vec![None; count],
        };
        let mut needed = RelationSet::default();
        needed.insert(choice.goal);
        let mut open = vec![choice.goal];
        let mut choices = false;
        while let Some(id) = open.pop() {
            let Some(relation) = model.relation(id) else { continue };
            let mut leaves = Vec::new();
            choices |= follow(&relation.rule, id, choice, true, &mut leaves);
            let mut need = |from: RelationId| {
                if needed.insert(from) {
                    open.push(from);
                }
            };
            for (leaf, definite) in leaves {
                let step = Step { to: id, definite };
                match leaf {
                    Rule::This => {
                        if let Some(direct) = plan.direct.get_mut(id.index()) {
                            *direct = Some(definite || *direct == Some(true));
                        }
                        for from in recursion::usersets(relation, &model.types) {
                            if let Some(userset) = plan.usersets.get_mut(from.index()) {
                                *userset = linked.symbol_of(from);
                            }
                            need(from);
                        }
                    }
                    Rule::Computed(from) => {
                        need(*from);
                        if let Some(steps) = plan.computed.get_mut(from.index()) {
                            steps.push(step);
                        }
                    }
                    Rule::TupleToUserset { tupleset, computed, .. } => {
                        let names = linked.symbol_of(*tupleset).zip(linked.type_of(id));
                        for from in computed {
                            need(*from);
                            if let (Some((tupleset_symbol, target_type)), Some(steps)) =
                                (names, plan.tuplesets.get_mut(from.index()))
                            {
                                steps.push(TuplesetStep { step, tupleset: *tupleset, tupleset_symbol, target_type });
                            }
                        }
                    }
                    Rule::Union(_) | Rule::Intersection(_) | Rule::Difference(..) => {}
                }
            }
        }
        (plan, choices)
    }
}

/// Collects the leaves that the choice follows; whether a choice outside the goal was made.
fn follow<'r>(
    rule: &'r Rule,
    of: RelationId,
    choice: Choice,
    definite: bool,
    leaves: &mut Vec<(&'r Rule, bool)>,
) -> bool {
    match rule {
        Rule::This | Rule::Computed(_) | Rule::TupleToUserset { .. } => {
            leaves.push((rule, definite));
            false
        }
        Rule::Union(operands) => {
            let mut chosen = false;
            for operand in operands {
                chosen |= follow(operand, of, choice, definite, leaves);
            }
            chosen
        }
        Rule::Intersection(operands) => {
            let last = operands.len().saturating_sub(1);
            let at = if of == choice.goal {
                choice.at_goal.min(last)
            } else if choice.last {
                last
            } else {
                0
            };
            let below = operands.get(at).is_some_and(|operand| follow(operand, of, choice, false, leaves));
            below || of != choice.goal
        }
        Rule::Difference(base, _) => follow(base, of, choice, false, leaves),
    }
}
