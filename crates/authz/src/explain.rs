//! Why a check is true, or what makes it false: proofs as chains of tuples, exclusions that bite, operands that lack.
//!
//! The verdict is [`Evaluator`]'s; this only retells it, operand by operand, asking the evaluator at every named relation.
//! Slow beside a check, and meant for administrators.

use std::collections::{BTreeSet, HashSet};

use super::{
    check::{CheckError, Evaluator},
    condition::{ConditionError, Context, stored_of},
    graph::Graph,
    model::{Model, RelationId, Rule},
    tuple::{ObjectRef, SubjectRef, Tuple},
};
use usher_base::effort::{Effort, Spent};

/// Tuples from the object to the subject; each one's subject is the next one's object.
pub type Path = Vec<Tuple>;

/// What a step on a way is counted as.
const STEP: u64 = 4;

/// Paths that are told of one operand; there may be more.
const PATHS: usize = 16;

/// What decides one check.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// If allowed: the paths that together prove it.
    pub paths: Vec<Path>,
    /// If denied by an exclusion: the paths that prove the exclusion.
    pub blocked_by: Vec<Path>,
    /// If denied: `object#relation` of every operand that would be needed and that nothing grants.
    pub missing: Vec<String>,
    /// `condition: parameter` that the context lacks, of conditions that would have counted.
    pub missing_context: Vec<String>,
}

/// Explains a check that the model defines.
///
/// # Errors
/// When the check itself is an error, or telling it takes more than the effort allows.
pub fn explain(
    graph: &Graph,
    model: &Model,
    object: &ObjectRef,
    relation: &str,
    subject: &SubjectRef,
    context: &Context,
    effort: &Effort,
) -> Result<(bool, Explanation), CheckError> {
    let mut walk = Walk {
        graph,
        model,
        subject,
        context,
        effort,
        spent: None,
        asked: HashSet::new(),
        missing_context: BTreeSet::new(),
    };
    let allowed = walk.check(object, relation)?;
    let mut explanation = Explanation::default();
    if allowed {
        explanation.paths = walk.proof(object, relation).unwrap_or_default();
    } else {
        walk.lack(object, relation, &mut explanation);
    }
    if let Some(spent) = walk.spent {
        return Err(spent.into());
    }
    explanation.missing.sort_unstable();
    explanation.missing.dedup();
    explanation.missing_context = walk.missing_context.into_iter().collect();
    Ok((allowed, explanation))
}

struct Walk<'a> {
    graph: &'a Graph,
    model: &'a Model,
    subject: &'a SubjectRef,
    context: &'a Context,
    effort: &'a Effort,
    /// Nothing more may be looked at.
    spent: Option<Spent>,
    /// Relations on the way from the object to here, so that a cycle ends.
    asked: HashSet<(ObjectRef, String)>,
    missing_context: BTreeSet<String>,
}

impl Walk<'_> {
    fn check(&self, object: &ObjectRef, relation: &str) -> Result<bool, CheckError> {
        if self.is_itself(object, relation) {
            return Ok(true);
        }
        Evaluator::new(self.graph, self.model, self.subject, self.context).within(self.effort).check(object, relation)
    }

    /// Whether the relation holds; one that can't be decided doesn't.
    fn holds(&mut self, object: &ObjectRef, relation: &str) -> bool {
        self.may_go_on() && self.check(object, relation).unwrap_or(false)
    }

    /// Counts a step. Ways are followed one by one, of which there can be very many.
    fn may_go_on(&mut self) -> bool {
        self.spent = self.spent.or(self.effort.spend(STEP).err());
        self.spent.is_none()
    }

    /// A userset has its own relation.
    fn is_itself(&self, object: &ObjectRef, relation: &str) -> bool {
        matches!(self.subject, SubjectRef::Userset(own, of) if own == object && of == relation)
    }

    /// The paths that prove a relation that holds; nothing where only a cycle is left to follow.
    fn proof(&mut self, object: &ObjectRef, relation: &str) -> Option<Vec<Path>> {
        if self.is_itself(object, relation) {
            return Some(vec![Path::new()]);
        }
        let id = self.model.relation_id(&object.object_type, relation)?;
        let key = (object.clone(), relation.to_owned());
        if !self.may_go_on() || !self.asked.insert(key.clone()) {
            return None;
        }
        let model = self.model;
        let found = model.relation(id).and_then(|relation| self.proof_of(object, &relation.rule, id));
        self.asked.remove(&key);
        found
    }

    fn proof_of(&mut self, object: &ObjectRef, rule: &Rule, id: RelationId) -> Option<Vec<Path>> {
        match rule {
            Rule::This => self.tuples(object, id).into_iter().find_map(|tuple| self.through(tuple)),
            Rule::Computed(computed) => {
                let name = self.name(*computed)?;
                if self.holds(object, &name) { self.proof(object, &name) } else { None }
            }
            Rule::TupleToUserset { tupleset, computed_name, .. } => {
                self.tuples(object, *tupleset).into_iter().find_map(|tuple| {
                    let SubjectRef::Object(parent) = tuple.subject.clone() else { return None };
                    if !self.holds(&parent, computed_name) {
                        return None;
                    }
                    Some(behind(&tuple, self.proof(&parent, computed_name)?))
                })
            }
            Rule::Union(operands) => operands.iter().find_map(|operand| self.proof_of(object, operand, id)),
            Rule::Intersection(operands) => {
                let parts: Option<Vec<_>> = operands.iter().map(|operand| self.proof_of(object, operand, id)).collect();
                Some(parts?.into_iter().flatten().take(PATHS).collect())
            }
            Rule::Difference(base, subtract) => {
                let base = self.proof_of(object, base, id)?;
                if self.proof_of(object, subtract, id).is_none() { Some(base) } else { None }
            }
        }
    }

    /// The paths from a tuple on, if it leads to the subject.
    fn through(&mut self, tuple: Tuple) -> Option<Vec<Path>> {
        match &tuple.subject {
            subject if subject == self.subject => Some(vec![vec![tuple]]),
            SubjectRef::Wildcard(of) => {
                let is_covered = matches!(self.subject, SubjectRef::Object(object) if object.object_type == *of);
                is_covered.then(|| vec![vec![tuple]])
            }
            SubjectRef::Userset(object, relation) => {
                let (object, relation) = (object.clone(), relation.clone());
                if !self.holds(&object, &relation) {
                    return None;
                }
                Some(behind(&tuple, self.proof(&object, &relation)?))
            }
            SubjectRef::Object(_) => None,
        }
    }

    /// What a relation that does not hold would need, or what excludes it.
    fn lack(&mut self, object: &ObjectRef, relation: &str, into: &mut Explanation) {
        let Some(id) = self.model.relation_id(&object.object_type, relation) else { return };
        let key = (object.clone(), relation.to_owned());
        if !self.may_go_on() || !self.asked.insert(key.clone()) {
            return;
        }
        let model = self.model;
        if let Some(held) = model.relation(id) {
            self.lack_of(object, &held.rule, id, into);
        }
        self.asked.remove(&key);
    }

    fn lack_of(&mut self, object: &ObjectRef, rule: &Rule, id: RelationId, into: &mut Explanation) {
        match rule {
            Rule::Difference(base, subtract) => match self.proof_of(object, base, id) {
                None => self.lack_of(object, base, id, into),
                Some(_) => {
                    let paths = self.proof_of(object, subtract, id).unwrap_or_default();
                    into.blocked_by.extend(paths.into_iter().take(PATHS));
                }
            },
            Rule::Intersection(operands) => {
                for operand in operands {
                    if self.proof_of(object, operand, id).is_none() {
                        self.lack_of(object, operand, id, into);
                    }
                }
            }
            // A relation that is more than grants is told further.
            Rule::Computed(computed) => {
                let Some(name) = self.name(*computed) else { return };
                let model = self.model;
                let is_more = |rule: &Rule| matches!(rule, Rule::Difference(..) | Rule::Intersection(_));
                if model.relation(*computed).is_some_and(|relation| is_more(&relation.rule)) {
                    self.lack(object, &name, into);
                } else {
                    into.missing.push(format!("{object}#{name}"));
                }
            }
            Rule::This | Rule::TupleToUserset { .. } | Rule::Union(_) => {
                into.missing.extend(self.name(id).map(|name| format!("{object}#{name}")));
            }
        }
    }

    /// Tuples of the object's relation that count and whose conditions are met.
    fn tuples(&mut self, object: &ObjectRef, id: RelationId) -> Vec<Tuple> {
        let (Some(node), Some(name)) = (self.graph.node(object), self.name(id)) else { return Vec::new() };
        let all = self.graph.tuples(node);
        let counts = |tuple: &Tuple| tuple.relation == name && self.may_go_on() && self.counts(tuple);
        all.into_iter().filter(counts).collect()
    }

    fn counts(&mut self, tuple: &Tuple) -> bool {
        if !self.model.admits(tuple) {
            return false;
        }
        let Some(stored) = &tuple.condition else { return true };
        let Some(condition) = self.model.condition(&stored.name) else { return false };
        match condition.evaluate(self.model.environment(), &stored_of(tuple), self.context) {
            Ok(met) => met,
            Err(ConditionError::Missing { condition, parameter }) => {
                self.missing_context.insert(format!("{condition}: {parameter}"));
                false
            }
            Err(_) => false,
        }
    }

    fn name(&self, id: RelationId) -> Option<String> {
        Some(self.model.relation(id)?.name.clone())
    }
}

/// The paths with a tuple before each.
fn behind(tuple: &Tuple, paths: Vec<Path>) -> Vec<Path> {
    let longer = |path: Path| std::iter::once(tuple.clone()).chain(path).collect();
    paths.into_iter().take(PATHS).map(longer).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::testing, *};
    use crate::DEFAULT_MODEL_JSON;

    const TUPLES: &[&str] = &[
        "classification:open cleared user:*",
        "document:1 classification classification:open",
        "document:1 parent folder:top",
        "document:1 inherits folder:top",
        "folder:top viewer group:all#member",
        "group:all member group:some#member",
        "group:some member user:ann",
        "group:some member user:bob",
        "document:1 blocked group:banned#member",
        "group:banned member user:bob",
        "document:2 classification classification:red",
        "document:2 viewer user:ann",
    ];

    fn told(document: &str, user: &str) -> (bool, Explanation) {
        let model = Model::compile("m", serde_json::from_str(DEFAULT_MODEL_JSON).unwrap()).unwrap();
        let (graph, _) = testing::with(&Graph::new(testing::bound()), TUPLES);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let (object, subject) = (ObjectRef::parse(document).unwrap(), SubjectRef::parse(user).unwrap());
        explain(&graph, &model, &object, "can_view", &subject, &Context::at(now), &Effort::unbounded()).unwrap()
    }

    fn chain(path: &Path) -> Vec<String> {
        path.iter().map(|tuple| format!("{} {} {}", tuple.object, tuple.relation, tuple.subject)).collect()
    }

    #[test]
    fn a_grant_is_proven_from_the_document_to_the_reader() {
        let (allowed, why) = told("document:1", "user:ann");
        assert!(allowed);
        let paths: Vec<_> = why.paths.iter().map(chain).collect();
        assert_eq!(
            paths,
            [
                vec![
                    "document:1 inherits folder:top",
                    "folder:top viewer group:all#member",
                    "group:all member group:some#member",
                    "group:some member user:ann",
                ],
                vec!["document:1 classification classification:open", "classification:open cleared user:*"],
            ]
        );
        assert!(why.blocked_by.is_empty() && why.missing.is_empty());
    }

    #[test]
    fn a_denial_names_what_blocks_or_what_is_missing() {
        let (allowed, why) = told("document:1", "user:bob");
        assert!(!allowed && why.paths.is_empty());
        assert_eq!(
            why.blocked_by.iter().map(chain).collect::<Vec<_>>(),
            [vec!["document:1 blocked group:banned#member", "group:banned member user:bob"]]
        );
        let (allowed, why) = told("document:2", "user:ann");
        assert!(!allowed && why.blocked_by.is_empty());
        assert_eq!(why.missing, ["document:2#cleared"]);
        let (_, why) = told("document:2", "user:zoe");
        assert_eq!(why.missing, ["document:2#cleared", "document:2#viewer"]);
    }
}
