//! A second evaluator, written from the rules alone: no numbers, no memo, no audiences, every path walked on its own.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    True,
    False,
    /// False, but a cycle took part.
    Cycle,
    Error,
}

/// More work than is worth waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GaveUp;

pub struct Naive<'a> {
    pub model: &'a Model,
    /// Admitted tuples by object and relation.
    pub tuples: BTreeMap<(String, String), Vec<Tuple>>,
    pub subject: &'a SubjectRef,
    pub context: &'a Context,
    pub steps: usize,
    possible: BTreeMap<(String, String), bool>,
}

impl<'a> Naive<'a> {
    pub fn new(
        model: &'a Model,
        stored: &[Tuple],
        contextual: &[Tuple],
        subject: &'a SubjectRef,
        context: &'a Context,
    ) -> Naive<'a> {
        let mut tuples: BTreeMap<(String, String), Vec<Tuple>> = BTreeMap::new();
        for tuple in contextual.iter().chain(stored) {
            let held = tuples.entry((tuple.object.to_string(), tuple.relation.clone())).or_default();
            if held.iter().all(|other| other.subject != tuple.subject) {
                held.push(tuple.clone());
            }
        }
        for held in tuples.values_mut() {
            held.retain(|tuple| model.admits(tuple));
        }
        Naive { model, tuples, subject, context, steps: 0, possible: BTreeMap::new() }
    }

    pub fn check(&mut self, object: &ObjectRef, relation: &str) -> Result<Answer, GaveUp> {
        self.walk(object, relation, 0, &mut Vec::new())
    }

    fn walk(
        &mut self,
        object: &ObjectRef,
        relation: &str,
        depth: u8,
        path: &mut Vec<(String, String)>,
    ) -> Result<Answer, GaveUp> {
        self.steps += 1;
        if self.steps > 1_000 {
            return Err(GaveUp);
        }
        if depth >= MAX_DEPTH {
            return Ok(Answer::Error);
        }
        let key = (object.to_string(), relation.to_owned());
        if path.contains(&key) {
            return Ok(Answer::Cycle);
        }
        if *self.subject == SubjectRef::Userset(object.clone(), relation.to_owned()) {
            return Ok(Answer::True);
        }
        let types = &self.model.source().type_definitions;
        let rewrite = types
            .iter()
            .find(|definition| definition.name == object.object_type)
            .and_then(|definition| definition.relations.get(relation));
        let Some(rewrite) = rewrite.cloned() else { return Ok(Answer::False) };
        let place = (object.object_type.clone(), relation.to_owned());
        let possible = match self.possible.get(&place) {
            Some(possible) => *possible,
            None => {
                let possible = self.leads(&place.0, &place.1, &mut BTreeSet::new());
                self.possible.insert(place, possible);
                possible
            }
        };
        if !possible {
            return Ok(Answer::False);
        }
        path.push(key);
        let answer = self.rewrite(&rewrite, object, relation, depth, path);
        path.pop();
        answer
    }

    /// Whether the model has a path from the form of the subject to the relation.
    fn leads(&self, object_type: &str, relation: &str, seen: &mut BTreeSet<(String, String)>) -> bool {
        if matches!(self.subject, SubjectRef::Userset(own, held) if own.object_type == object_type && held == relation)
        {
            return true;
        }
        if !seen.insert((object_type.to_owned(), relation.to_owned())) {
            return false;
        }
        let types = &self.model.source().type_definitions;
        let Some(definition) = types.iter().find(|definition| definition.name == object_type) else { return false };
        let admitted = |relation: &str| -> &[RelationReference] {
            let metadata = definition.metadata.as_ref().and_then(|metadata| metadata.relations.get(relation));
            metadata.map_or(&[], |metadata| metadata.directly_related_user_types.as_slice())
        };
        let Some(rewrite) = definition.relations.get(relation) else { return false };
        let mut open = vec![rewrite];
        while let Some(rewrite) = open.pop() {
            let found = match rewrite {
                Rewrite::This(_) => admitted(relation).iter().any(|reference| {
                    let same = reference.subject_type == self.subject.subject_type();
                    let wildcard = reference.wildcard.is_some();
                    match self.subject {
                        SubjectRef::Object(_) if reference.relation.is_empty() => same,
                        SubjectRef::Wildcard(_) if wildcard => same,
                        _ => {
                            !reference.relation.is_empty()
                                && self.leads(&reference.subject_type, &reference.relation, seen)
                        }
                    }
                }),
                Rewrite::ComputedUserset(computed) => self.leads(object_type, &computed.relation, seen),
                Rewrite::TupleToUserset(rewrite) => admitted(&rewrite.tupleset.relation)
                    .iter()
                    .any(|reference| self.leads(&reference.subject_type, &rewrite.computed_userset.relation, seen)),
                Rewrite::Union(children) | Rewrite::Intersection(children) => {
                    open.extend(&children.child);
                    false
                }
                Rewrite::Difference(difference) => {
                    open.extend([&*difference.base, &*difference.subtract]);
                    false
                }
            };
            if found {
                return true;
            }
        }
        false
    }

    fn held(&self, object: &ObjectRef, relation: &str) -> Vec<Tuple> {
        self.tuples.get(&(object.to_string(), relation.to_owned())).cloned().unwrap_or_default()
    }

    fn met(&self, tuple: &Tuple) -> Answer {
        let Some(stored) = &tuple.condition else { return Answer::True };
        let condition = self.model.condition(&stored.name).unwrap();
        match condition.evaluate(self.model.environment(), &condition::stored_context(stored), self.context) {
            Ok(true) => Answer::True,
            Ok(false) => Answer::False,
            Err(_) => Answer::Error,
        }
    }

    fn rewrite(
        &mut self,
        rewrite: &Rewrite,
        object: &ObjectRef,
        relation: &str,
        depth: u8,
        path: &mut Vec<(String, String)>,
    ) -> Result<Answer, GaveUp> {
        Ok(match rewrite {
            Rewrite::This(_) => {
                let mut answer = Answer::False;
                for tuple in self.held(object, relation) {
                    let wildcard = match (self.subject, &tuple.subject) {
                        (SubjectRef::Object(subject), SubjectRef::Wildcard(kind)) => subject.object_type == *kind,
                        _ => false,
                    };
                    let mut one = self.met(&tuple);
                    if one == Answer::True && tuple.subject != *self.subject && !wildcard {
                        one = match &tuple.subject {
                            SubjectRef::Userset(next, relation) => self.walk(next, relation, depth + 1, path)?,
                            _ => Answer::False,
                        };
                    } else if one == Answer::Error
                        && tuple.subject != *self.subject
                        && !wildcard
                        && !matches!(tuple.subject, SubjectRef::Userset(..))
                    {
                        // Somebody else's own tuple is not looked at.
                        one = Answer::False;
                    }
                    answer = or(answer, one);
                }
                answer
            }
            Rewrite::ComputedUserset(computed) => self.walk(object, &computed.relation, depth, path)?,
            Rewrite::TupleToUserset(rewrite) => {
                let mut answer = Answer::False;
                for tuple in self.held(object, &rewrite.tupleset.relation) {
                    let SubjectRef::Object(parent) = &tuple.subject else { continue };
                    let mut one = self.met(&tuple);
                    if one == Answer::True {
                        one = self.walk(parent, &rewrite.computed_userset.relation, depth + 1, path)?;
                    }
                    answer = or(answer, one);
                }
                answer
            }
            Rewrite::Union(children) => {
                let mut answer = Answer::False;
                for child in &children.child {
                    answer = or(answer, self.rewrite(child, object, relation, depth, path)?);
                }
                answer
            }
            Rewrite::Intersection(children) => {
                let mut answer = Answer::True;
                for child in &children.child {
                    answer = and(answer, self.rewrite(child, object, relation, depth, path)?);
                }
                answer
            }
            Rewrite::Difference(difference) => {
                let base = self.rewrite(&difference.base, object, relation, depth, path)?;
                let subtract = self.rewrite(&difference.subtract, object, relation, depth, path)?;
                match (base, subtract) {
                    (_, Answer::Cycle) | (Answer::Cycle, _) => Answer::Cycle,
                    (Answer::False, _) | (_, Answer::True) => Answer::False,
                    (Answer::Error, _) | (_, Answer::Error) => Answer::Error,
                    (Answer::True, Answer::False) => Answer::True,
                }
            }
        })
    }
}

fn or(a: Answer, b: Answer) -> Answer {
    match (a, b) {
        (Answer::True, _) | (_, Answer::True) => Answer::True,
        (Answer::Error, _) | (_, Answer::Error) => Answer::Error,
        (Answer::Cycle, _) | (_, Answer::Cycle) => Answer::Cycle,
        (Answer::False, Answer::False) => Answer::False,
    }
}

fn and(a: Answer, b: Answer) -> Answer {
    match (a, b) {
        (Answer::Cycle, _) | (_, Answer::Cycle) => Answer::Cycle,
        (Answer::False, _) | (_, Answer::False) => Answer::False,
        (Answer::Error, _) | (_, Answer::Error) => Answer::Error,
        (Answer::True, Answer::True) => Answer::True,
    }
}
