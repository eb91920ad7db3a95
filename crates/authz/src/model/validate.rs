//! Rules about a model as a whole: tuplesets, cycles of computed relations, entry points.

use super::{Form, ModelError, Relation, RelationAt, RelationId, Rule, compile::Types};

impl Relation {
    fn at(&self) -> RelationAt {
        RelationAt { object_type: self.object_type.clone(), relation: self.name.clone() }
    }
}

fn get(relations: &[Relation], id: RelationId) -> Option<&Relation> {
    relations.get(usize::from(id.0))
}

/// A tupleset relation is exactly `this`, admits plain objects only, and leads to at least one type with the relation.
pub(super) fn tuplesets(relations: &[Relation], types: &Types) -> Result<(), ModelError> {
    for relation in relations {
        let mut outcome = Ok(());
        relation.rule.walk(&mut |rule| {
            if let (Rule::TupleToUserset { tupleset, computed_name, computed }, Ok(())) = (rule, &outcome) {
                outcome = check_tupleset(relations, relation, *tupleset, computed_name, computed);
            }
        });
        outcome?;
    }
    debug_assert!(types.values().map(|relations| relations.len()).sum::<usize>() == relations.len());
    Ok(())
}

fn check_tupleset(
    relations: &[Relation],
    of: &Relation,
    tupleset: RelationId,
    computed_name: &str,
    computed: &[RelationId],
) -> Result<(), ModelError> {
    let Some(tupleset) = get(relations, tupleset) else { return Ok(()) };
    let name = tupleset.name.clone();
    if tupleset.rule != Rule::This {
        return Err(ModelError::TuplesetNotDirect { at: of.at(), tupleset: name });
    }
    if tupleset.restrictions.iter().any(|restriction| restriction.form != Form::Object) {
        return Err(ModelError::TuplesetRestriction { at: of.at(), tupleset: name });
    }
    if computed.is_empty() {
        return Err(ModelError::NoComputedRelation { at: of.at(), tupleset: name, computed: computed_name.to_owned() });
    }
    Ok(())
}

/// No relation may come back to itself through computed relations alone.
pub(super) fn computed_cycles(relations: &[Relation]) -> Result<(), ModelError> {
    // Repeatedly takes away the relations that refer only to relations taken away; what stays is a cycle, or leads to
    // one. Iterative, since a chain may be as long as the model.
    let mut open: Vec<Vec<usize>> = Vec::with_capacity(relations.len());
    for relation in relations {
        let mut computed = Vec::new();
        relation.rule.walk(&mut |rule| {
            if let Rule::Computed(id) = rule {
                computed.push(usize::from(id.0));
            }
        });
        open.push(computed);
    }
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); relations.len()];
    for (user, computed) in open.iter().enumerate() {
        for used in computed {
            if let Some(users) = users.get_mut(*used) {
                users.push(user);
            }
        }
    }
    let mut waiting: Vec<usize> = open.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> =
        waiting.iter().enumerate().filter(|(_, count)| **count == 0).map(|(at, _)| at).collect();
    while let Some(done) = ready.pop() {
        for user in users.get(done).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*user) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*user);
                }
            }
        }
    }
    match waiting.iter().zip(relations).find(|(count, _)| **count > 0) {
        Some((_, relation)) => Err(ModelError::ComputedCycle(relation.at())),
        None => Ok(()),
    }
}

/// Every relation must be able to have a subject: the least fixpoint of "some type restriction leads to it".
pub(super) fn entry_points(relations: &[Relation], types: &Types) -> Result<(), ModelError> {
    let mut entered = vec![false; relations.len()];
    loop {
        let mut grew = false;
        for (at, relation) in relations.iter().enumerate() {
            let has = |id: RelationId| entered.get(usize::from(id.0)).copied().unwrap_or(false);
            if !has(RelationId(at as u16)) && has_entry(&relation.rule, relation, types, &has) {
                grew = true;
                if let Some(entered) = entered.get_mut(at) {
                    *entered = true;
                }
            }
        }
        if !grew {
            break;
        }
    }
    match entered.iter().zip(relations).find(|(entered, _)| !**entered) {
        Some((_, relation)) => Err(ModelError::NoEntryPoint(relation.at())),
        None => Ok(()),
    }
}

fn has_entry(rule: &Rule, relation: &Relation, types: &Types, has: &dyn Fn(RelationId) -> bool) -> bool {
    match rule {
        Rule::This => relation.restrictions.iter().any(|restriction| match &restriction.form {
            Form::Object | Form::Wildcard => true,
            Form::Userset(name) => types
                .get(&restriction.subject_type)
                .and_then(|relations| relations.get(name))
                .is_some_and(|userset| has(*userset)),
        }),
        Rule::Computed(id) => has(*id),
        Rule::TupleToUserset { computed, .. } => computed.iter().any(|id| has(*id)),
        Rule::Union(operands) => operands.iter().any(|operand| has_entry(operand, relation, types, has)),
        Rule::Intersection(operands) => operands.iter().all(|operand| has_entry(operand, relation, types, has)),
        Rule::Difference(base, subtract) => {
            has_entry(base, relation, types, has) && has_entry(subtract, relation, types, has)
        }
    }
}
