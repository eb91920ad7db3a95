//! Which relations of a model can reach themselves: the strongly connected parts of its dependencies.
//!
//! Cycles among tuples exist only inside such a part. Where a part refers to itself through unions alone, a cycle can
//! change no answer but "false", and evaluation may visit each node once instead of each path.

use super::{Form, Relation, RelationId, Rule, compile::Types};

/// A relation's place in the recursion of its model.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Recursion {
    /// The number of the strongly connected part, where the relation can reach itself.
    pub(in super::super) part: Option<u16>,
    /// Whether the part refers to itself through unions only.
    pub(in super::super) pure: bool,
    /// Whether the relation reaches any recursive relation, itself included: else no cycle can occur below it.
    pub(in super::super) reaches: bool,
}

/// The relations that a relation's evaluation may turn to.
pub(super) fn dependencies(relation: &Relation, types: &Types) -> Vec<RelationId> {
    let mut found = Vec::new();
    relation.rule.walk(&mut |rule| match rule {
        Rule::This => found.extend(usersets(relation, types)),
        Rule::Computed(id) => found.push(*id),
        Rule::TupleToUserset { computed, .. } => found.extend(computed),
        Rule::Union(_) | Rule::Intersection(_) | Rule::Difference(..) => {}
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// The relations of the usersets that may be assigned.
pub(super) fn usersets<'r>(relation: &'r Relation, types: &'r Types) -> impl Iterator<Item = RelationId> + 'r {
    relation.restrictions.iter().filter_map(|restriction| match &restriction.form {
        Form::Userset(name) => types.get(&restriction.subject_type)?.get(name).copied(),
        Form::Object | Form::Wildcard => None,
    })
}

pub(super) fn find(relations: &mut [Relation], types: &Types) {
    let edges: Vec<Vec<RelationId>> = relations.iter().map(|relation| dependencies(relation, types)).collect();
    let parts = strong_parts(&edges);
    let part_of = |id: RelationId| parts.get(id.index()).copied();
    let mut size = vec![0usize; relations.len()];
    for part in &parts {
        if let Some(size) = size.get_mut(usize::from(*part)) {
            *size += 1;
        }
    }
    let mut found: Vec<Recursion> = Vec::with_capacity(relations.len());
    let mut impure = vec![false; relations.len()];
    for (at, relation) in relations.iter().enumerate() {
        let own = RelationId(at as u16);
        let part = part_of(own).unwrap_or_default();
        let looped = edges.get(at).is_some_and(|edges| edges.contains(&own));
        let recursive = looped || size.get(usize::from(part)).is_some_and(|size| *size > 1);
        found.push(Recursion { part: recursive.then_some(part), ..Recursion::default() });
        let inside = |id: RelationId| part_of(id) == Some(part);
        if recursive
            && !unions_only(&relation.rule, relation, types, &inside, true)
            && let Some(impure) = impure.get_mut(usize::from(part))
        {
            *impure = true;
        }
    }
    // Parts are numbered so that every dependency has a number at most as high: one pass in that order suffices.
    let mut order: Vec<usize> = (0..relations.len()).collect();
    order.sort_by_key(|at| parts.get(*at).copied());
    let mut reaches = vec![false; relations.len()];
    for at in order {
        let below = edges.get(at).into_iter().flatten().any(|id| reaches.get(id.index()).copied().unwrap_or(false));
        if let (Some(slot), Some(own)) = (reaches.get_mut(at), found.get(at)) {
            *slot = below || own.part.is_some();
        }
    }
    for ((relation, found), reaches) in relations.iter_mut().zip(found).zip(reaches) {
        let pure = found.part.is_some_and(|part| !impure.get(usize::from(part)).copied().unwrap_or(true));
        relation.recursion = Recursion { pure, reaches, ..found };
    }
}

/// Whether every reference to the relation's own part stands under unions only.
fn unions_only(
    rule: &Rule,
    relation: &Relation,
    types: &Types,
    inside: &dyn Fn(RelationId) -> bool,
    under_unions: bool,
) -> bool {
    match rule {
        Rule::This => under_unions || !usersets(relation, types).any(inside),
        Rule::Computed(id) => under_unions || !inside(*id),
        Rule::TupleToUserset { computed, .. } => under_unions || !computed.iter().any(|id| inside(*id)),
        Rule::Union(operands) => {
            operands.iter().all(|operand| unions_only(operand, relation, types, inside, under_unions))
        }
        Rule::Intersection(operands) => {
            operands.iter().all(|operand| unions_only(operand, relation, types, inside, false))
        }
        Rule::Difference(base, subtract) => {
            unions_only(base, relation, types, inside, false) && unions_only(subtract, relation, types, inside, false)
        }
    }
}

/// Tarjan's algorithm with its stack made explicit. Parts are numbered from the leaves up.
fn strong_parts(edges: &[Vec<RelationId>]) -> Vec<u16> {
    #[derive(Clone, Copy, Default)]
    struct State {
        index: Option<u32>,
        low: u32,
        on_stack: bool,
        part: u16,
    }
    let mut states = vec![State::default(); edges.len()];
    let (mut stack, mut work): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    let (mut next_index, mut next_part) = (0u32, 0u16);
    for root in 0..edges.len() {
        if states.get(root).is_some_and(|state| state.index.is_some()) {
            continue;
        }
        work.push((root, 0));
        while let Some((at, child)) = work.pop() {
            let Some(state) = states.get_mut(at) else { continue };
            if child == 0 && state.index.is_none() {
                *state = State { index: Some(next_index), low: next_index, on_stack: true, part: 0 };
                next_index += 1;
                stack.push(at);
            }
            let low = state.low;
            if let Some(next) = edges.get(at).and_then(|edges| edges.get(child)).map(|id| id.index()) {
                work.push((at, child + 1));
                match states.get(next).copied() {
                    Some(State { index: None, .. }) => work.push((next, 0)),
                    Some(State { index: Some(index), on_stack: true, .. }) => {
                        if let Some(state) = states.get_mut(at) {
                            state.low = low.min(index);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            if Some(low) == states.get(at).and_then(|state| state.index) {
                while let Some(member) = stack.pop() {
                    if let Some(state) = states.get_mut(member) {
                        state.on_stack = false;
                        state.part = next_part;
                    }
                    if member == at {
                        break;
                    }
                }
                next_part = next_part.saturating_add(1);
            }
            if let Some(parent) = work.last().and_then(|(parent, _)| states.get_mut(*parent)) {
                parent.low = parent.low.min(low);
            }
        }
    }
    states.into_iter().map(|state| state.part).collect()
}
