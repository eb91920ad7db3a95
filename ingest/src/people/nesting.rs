//! Groups in groups: how deep they are, and whether one contains itself.

use std::collections::{BTreeMap, BTreeSet};

use usher_base::wire::TupleKey;

use crate::acl::folders::TupleSet;

/// Groups by what they are members of, or the other way round.
type Graph<'t> = BTreeMap<&'t str, BTreeSet<&'t str>>;

/// Checks what memberships `wanted` make of those `stored`: no circle that one of them lies on, and no chain of more than
/// `most` groups around theirs. What others made of other groups is not this run's to judge.
pub fn check(stored: &TupleSet, wanted: &TupleSet, most: usize) -> Result<(), String> {
    let (mut above, mut below) = (Graph::new(), Graph::new());
    for (child, parent) in stored.iter().chain(wanted.iter()).filter_map(edge) {
        above.entry(child).or_default().insert(parent);
        below.entry(parent).or_default().insert(child);
    }
    let concerned: BTreeSet<&str> =
        wanted.iter().filter_map(edge).flat_map(|(child, parent)| [child, parent]).collect();
    let around: BTreeSet<&str> = reached(&above, &concerned).union(&reached(&below, &concerned)).copied().collect();
    let (deepest, stuck) = levels(&around, &above, &below);
    for (child, parent) in wanted.iter().filter_map(edge) {
        let may_circle = stuck.contains(child) && stuck.contains(parent);
        if may_circle && reached(&above, &BTreeSet::from([parent])).contains(child) {
            return Err(format!("groups contain each other in a circle ({child})"));
        }
    }
    if deepest > most {
        return Err(format!("groups are nested {deepest} levels deep; at most {most} (--group-levels)"));
    }
    Ok(())
}

/// Group and the group that it is a member of.
fn edge(tuple: &TupleKey) -> Option<(&str, &str)> {
    let child = tuple.user.strip_suffix("#member").filter(|user| user.starts_with("group:"))?;
    Some((child, tuple.object.as_str()))
}

/// All that can be reached from `from`, with it.
fn reached<'t>(graph: &Graph<'t>, from: &BTreeSet<&'t str>) -> BTreeSet<&'t str> {
    let mut seen = from.clone();
    let mut open: Vec<&str> = from.iter().copied().collect();
    while let Some(group) = open.pop() {
        let next = graph.get(group).into_iter().flatten();
        open.extend(next.copied().filter(|group| seen.insert(group)));
    }
    seen
}

/// The longest chain among `groups`, and the groups on a circle or above one, which have no level.
fn levels<'t>(groups: &BTreeSet<&'t str>, above: &Graph<'t>, below: &Graph<'t>) -> (usize, BTreeSet<&'t str>) {
    let inside = |group: &str| below.get(group).into_iter().flatten().filter(|child| groups.contains(*child)).count();
    let mut waiting: BTreeMap<&str, usize> = groups.iter().map(|group| (*group, inside(group))).collect();
    // Groups are taken once all groups inside them are.
    let mut ready: Vec<(&str, usize)> = waiting.iter().filter(|(_, n)| **n == 0).map(|(g, _)| (*g, 1)).collect();
    let mut depth: BTreeMap<&str, usize> = BTreeMap::new();
    let mut deepest = 0;
    while let Some((group, level)) = ready.pop() {
        deepest = deepest.max(level);
        for parent in above.get(group).into_iter().flatten() {
            let Some(n) = waiting.get_mut(parent) else { continue };
            let best = depth.entry(parent).or_default();
            *best = (*best).max(level.saturating_add(1));
            *n = n.saturating_sub(1);
            if *n == 0 {
                ready.push((parent, *best));
            }
        }
    }
    (deepest, waiting.into_iter().filter(|(_, n)| *n > 0).map(|(group, _)| group).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(list: &[(&str, &str)]) -> TupleSet {
        let tuple = |(user, group): &(&str, &str)| TupleKey {
            user: (*user).into(),
            relation: "member".into(),
            object: (*group).into(),
            condition: None,
        };
        list.iter().map(tuple).collect()
    }

    const A_IN_B: (&str, &str) = ("group:a#member", "group:b");
    const B_IN_C: (&str, &str) = ("group:b#member", "group:c");
    const C_IN_A: (&str, &str) = ("group:c#member", "group:a");

    #[test]
    fn nesting_is_measured_around_the_groups_of_the_list() {
        let check = |stored: &[(&str, &str)], wanted: &[(&str, &str)], most| check(&set(stored), &set(wanted), most);
        assert!(check(&[], &[], 0).is_ok());
        assert!(check(&[], &[("user:a", "group:g")], 1).is_ok());
        let chain = [("user:a", "group:a"), A_IN_B, B_IN_C, ("group:a#member", "group:c")];
        assert!(check(&[], &chain, 3).is_ok());
        assert!(check(&[], &chain, 2).unwrap_err().contains("3 levels deep"));
        assert!(check(&[A_IN_B], &[B_IN_C], 2).unwrap_err().contains("3 levels deep"));
        assert!(check(&[A_IN_B, B_IN_C], &[("user:a", "group:x"), ("group:x#member", "group:y")], 2).is_ok());
    }

    #[test]
    fn only_circles_that_the_list_lies_on_are_refused() {
        let check = |stored: &[(&str, &str)], wanted: &[(&str, &str)]| check(&set(stored), &set(wanted), 8);
        assert!(check(&[], &[A_IN_B, B_IN_C, C_IN_A]).unwrap_err().contains("circle"));
        assert!(check(&[], &[("group:a#member", "group:a")]).is_err());
        assert!(check(&[A_IN_B, B_IN_C], &[C_IN_A]).unwrap_err().contains("circle"));
        assert!(check(&[A_IN_B, B_IN_C, C_IN_A], &[("user:x", "group:a")]).is_ok());
        assert!(
            check(&[A_IN_B, B_IN_C, C_IN_A], &[("group:x#member", "group:a"), ("group:c#member", "group:y")]).is_ok()
        );
    }
}
