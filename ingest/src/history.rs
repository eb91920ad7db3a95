//! Whether a state file tells of the service that answers, or of one that was since replaced or set back to a backup.
//!
//! SECURITY: a ban that the state records and a restored service lacks must be written again. The state therefore keeps an
//! entry of the service's log of tuples, made at or after its last write. A service whose log holds that very entry, to its
//! time, holds what was written before it, but for what was changed since by hand.

use jiff::{SignedDuration, Timestamp};
use usher_base::wire::RelationshipChange;

use crate::api::{Api, ApiError};
use crate::state::State;
use crate::term::Term;

/// How far back the newest entry is looked for, in minutes, before the log is read from its begin.
const WINDOWS: [i64; 3] = [10, 24 * 60, 30 * 24 * 60];

/// Whether what `known` records is in the service, unless somebody deleted it there. Says where it is not.
pub fn fits(api: &Api<'_>, known: Option<&State>, term: &Term) -> Result<bool, ApiError> {
    let Some(state) = known.filter(|state| !(state.tuples.is_empty() && state.removed.is_empty())) else {
        return Ok(true);
    };
    let why = match &state.mark {
        None => "no earlier run could bind the record of what was written to the service's history",
        Some(mark) => match api.has_change(mark) {
            Ok(true) => return Ok(true),
            Ok(false) => "this is not the service that earlier runs wrote to, or it was set back to a backup",
            Err(e) if is_hidden(&e) => "the key may not read the history of tuples (scope relationships.read)",
            Err(e) => return Err(e),
        },
    };
    term.note(&format!("{why}: all rules are written again, also what was removed by hand"));
    Ok(false)
}

/// The newest entry of the log that is about objects of type `kind`.
pub fn newest(api: &Api<'_>, kind: &str) -> Result<Option<RelationshipChange>, ApiError> {
    let now = Timestamp::now();
    let starts = WINDOWS.iter().filter_map(|minutes| now.checked_sub(SignedDuration::from_mins(*minutes)).ok());
    for start in starts.map(|start| Some(start.to_string())).chain([None]) {
        match api.last_change(kind, start.as_deref()) {
            Ok(None) => {}
            Err(e) if is_hidden(&e) => return Ok(None),
            found => return found,
        }
    }
    Ok(None)
}

/// Whether the key may not read tuples.
pub fn is_hidden(error: &ApiError) -> bool {
    matches!(error.status(), Some(403 | 404))
}
