//! What the case of an e-mail address means to the service: one spelling is compared with another only in its own.
//!
//! SECURITY: a leaver whose address is written with capitals must be found among the memberships that a service holds in
//! lower case. Where it keeps the case, the two are two people, and neither may take the other's membership.

use usher_authz::names::{EmailCase, READER_TYPES, canonical_principal, set_email_case};
use usher_base::wire::{ReadRelationships, TupleKey};

use crate::acl::folders::TupleSet;
use crate::api::{Api, ApiError};
use crate::state::State;

/// Finds out from the memberships that the service holds, and makes it this process's rule. Where none is of an e-mail
/// address there is nothing that the case could matter to.
pub fn learn(api: &Api<'_>, stored: &TupleSet) -> Result<(), ApiError> {
    set_email_case(EmailCase::Lower);
    let keeps = || stored.iter().any(|t| canonical_principal(&t.user) != t.user);
    let case = match stored.iter().find_map(capitalised) {
        Some((held, capitals)) if !keeps() && finds(api, held, &capitals)? => EmailCase::Lower,
        _ => EmailCase::Keep,
    };
    set_email_case(case);
    Ok(())
}

/// A membership of an e-mail address, and its member in capitals.
fn capitalised(held: &TupleKey) -> Option<(&TupleKey, String)> {
    let (kind, id) = held.user.split_once(':').filter(|(kind, _)| READER_TYPES.contains(kind))?;
    let capitals = format!("{kind}:{}", id.to_ascii_uppercase());
    (capitals != held.user && canonical_principal(&capitals) == held.user).then_some((held, capitals))
}

/// Whether the service finds the membership by the capitals.
fn finds(api: &Api<'_>, held: &TupleKey, capitals: &str) -> Result<bool, ApiError> {
    let filter = ReadRelationships {
        object: Some(held.object.clone()),
        relation: Some(held.relation.clone()),
        user: Some(capitals.to_owned()),
        ..ReadRelationships::default()
    };
    Ok(api.read_tuples(&filter, 1)?.0.iter().any(|found| found.user == held.user))
}

/// A record of earlier runs in the spelling of this one.
pub fn respelt(state: State) -> State {
    let tuple = |t: TupleKey| TupleKey { user: canonical_principal(&t.user), ..t };
    let tuples = |list: Vec<TupleKey>| list.into_iter().map(tuple).collect();
    State {
        tuples: tuples(state.tuples),
        found: tuples(state.found),
        removed: tuples(state.removed),
        people: state.people.into_iter().map(|(id, name)| (canonical_principal(&id), name)).collect(),
        ..state
    }
}
