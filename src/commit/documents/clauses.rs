//! Clauses that rules have made (`all_of`), and that nothing names any more, go with the last rule that named them.

use crate::authz::{ObjectRef, Tuple};
use crate::catalog;
use crate::catalog::tuples::Origin;
use crate::commit::acl;
use crate::commit::tuples::{self, Tolerance};
use crate::commit::{CommitError, Draft};
use crate::wire::TupleKey;

/// Removes the clauses that the deleted tuples named and that no other tuple names, and then what those named. A clause
/// that somebody has changed by hand is not what its name says any more, and stays.
pub(super) async fn collect(draft: &mut Draft, store: &str, deleted: &[Tuple]) -> Result<(), CommitError> {
    let mut left: Vec<String> = deleted.iter().filter_map(|tuple| clause_of(&TupleKey::from(tuple).user)).collect();
    while let Some(clause) = left.pop() {
        if catalog::tuples::is_subject(&mut draft.tx, store, &format!("{clause}#member")).await? {
            continue;
        }
        let Ok(object) = ObjectRef::parse(&clause) else { continue };
        let keys = catalog::tuples::of_object(&mut draft.tx, store, &object).await?;
        let by_hand = catalog::tuples::by_hand(&mut draft.tx, store, &object).await?;
        if !acl::is_as_named(&clause, &keys) || !by_hand.is_empty() {
            continue;
        }
        let own: Vec<Tuple> = keys.iter().filter_map(|key| Tuple::parse(key).ok()).collect();
        tuples::apply(draft, store, &own, &[], (Tolerance::Keep, Tolerance::Keep), Origin::Source).await?;
        left.extend(keys.iter().filter_map(|key| clause_of(&key.user)));
    }
    Ok(())
}

/// The clause whose members the subject is.
fn clause_of(user: &str) -> Option<String> {
    user.strip_suffix("#member").filter(|object| object.starts_with("clause:")).map(str::to_owned)
}
