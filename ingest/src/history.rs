//! Whether a state file tells of the service that answers, or of one that was since replaced or set back to a backup; and what
//! of its tuples somebody removed there by hand.
//!
//! SECURITY: a ban that the state records and a restored service lacks must be written again, and a grant that somebody
//! removed by hand must not, whatever became of earlier runs. The state therefore keeps an entry of the service's log of
//! tuples, made at or after its last write, and what a run was about to write when it was cut off. A service whose log holds
//! that very entry, to its time, holds what was written before it, but for what was changed since by hand. What that leaves
//! open is looked up in the log; a grant of which the log can't be asked is not written without an explicit word.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use usher_base::wire::{RelationshipChange, RelationshipOperation, TupleKey};

use crate::acl::folders::{TupleSet, narrows};
use crate::api::{Api, ApiError};
use crate::state::State;
use crate::term::Term;

/// How far back the newest entry is looked for, in minutes, before the log is read from its begin.
const WINDOWS: [i64; 3] = [10, 24 * 60, 30 * 24 * 60];

/// What the service's log says of a record.
pub struct History<'s> {
    state: Option<&'s State>,
    trust: Trust,
}

enum Trust {
    /// What was recorded is in the service, unless somebody deleted it there.
    Fits,
    /// The record is not known to be of this service, and why.
    Unbound(&'static str),
    /// The key may not read the log.
    Hidden,
}

/// Asks the log for the entry that `known` keeps.
pub fn look<'s>(api: &Api<'_>, known: Option<&'s State>) -> Result<History<'s>, ApiError> {
    let state = known.filter(|state| !(state.tuples.is_empty() && state.removed.is_empty()));
    let trust = match state.map(|state| &state.mark) {
        None => Trust::Fits,
        Some(None) => {
            Trust::Unbound("no earlier run could bind the record of what was written to the service's history")
        }
        Some(Some(mark)) => match api.has_change(mark) {
            Ok(true) => Trust::Fits,
            Ok(false) => {
                Trust::Unbound("this is not the service that earlier runs wrote to, or it was set back to a backup")
            }
            Err(e) if is_hidden(&e) => Trust::Hidden,
            Err(e) => return Err(e),
        },
    };
    Ok(History { state, trust })
}

impl History<'_> {
    /// Whether what was recorded is in the service, unless somebody deleted it there.
    pub fn fits(&self) -> bool {
        matches!(self.trust, Trust::Fits)
    }

    /// Whether that is so, as far as the key may see.
    pub fn may_fit(&self) -> bool {
        !matches!(self.trust, Trust::Unbound(_))
    }

    /// The entry that the record keeps, where it is not known to be of another history.
    pub fn mark(&self) -> Option<RelationshipChange> {
        self.state.and_then(|state| state.mark.clone()).filter(|_| self.may_fit())
    }

    /// Recorded tuples that are not known to have been in the service.
    pub fn in_doubt(&self) -> TupleSet {
        let Some(state) = self.state else { return TupleSet::default() };
        let all = &state.tuples;
        match (&state.pending, self.fits()) {
            (Some(pending), true) => pending.iter().cloned().collect(),
            // A record of a release before: it does not say which.
            (None, true) if !state.incomplete => TupleSet::default(),
            _ => all.iter().cloned().collect(),
        }
    }

    /// Of tuples in doubt that the service lacks, as far as is known, those that are not written again. Says so.
    /// `is_sure`: the operator said that grants which can't be looked up are meant.
    pub fn stay_away(
        &self,
        api: &Api<'_>,
        lacking: &TupleSet,
        is_sure: bool,
        term: &Term,
    ) -> Result<TupleSet, ApiError> {
        let Some(removed) = self.removed(api, lacking)? else {
            let grants: TupleSet = lacking.iter().filter(|t| !narrows(t)).cloned().collect();
            let why = "the key may not read the history of tuples (scope relationships.read)";
            match grants.len() {
                _ if is_sure => term.note(&format!("{why}: all rules are written again, also what was removed by hand")),
                0 => term.note(&format!("{why}: bans are written again")),
                n => term.warn(&format!(
                    "{why}: bans are written again; {n} grants of earlier runs are not, because somebody may have removed \
                     them by hand: --yes writes them too"
                )),
            }
            return Ok(if is_sure { TupleSet::default() } else { grants });
        };
        // What is lifted may have been lifted by an earlier run, where the record does not tell.
        let is_told = self.fits() && self.state.is_some_and(|state| state.pending.is_some());
        let removed: TupleSet = removed.iter().filter(|t| is_told || !narrows(t)).cloned().collect();
        if let Trust::Unbound(why) = self.trust {
            let but = if removed.len() > 0 { ", but for what its history says was removed" } else { "" };
            term.note(&format!("{why}: all rules are written again{but}"));
        }
        if removed.len() > 0 {
            let n = removed.len();
            term.note(&format!("{n} tuples were removed in the service by hand and stay removed (see --reconcile)"));
        }
        Ok(removed)
    }

    /// Those of the tuples that were in the service and were deleted there by somebody else. `None`: it can't be told.
    fn removed(&self, api: &Api<'_>, lacking: &TupleSet) -> Result<Option<TupleSet>, ApiError> {
        let Some(state) = self.state else { return Ok(Some(TupleSet::default())) };
        if matches!(self.trust, Trust::Hidden) {
            return Ok(None);
        }
        // What was about to be written when a run was cut off was written after the entry, if at all.
        let since = state.mark.as_ref().filter(|_| self.fits() && state.pending.is_some());
        let ours: TupleSet = state.removed.iter().filter(|_| since.is_none()).cloned().collect();
        let kinds: BTreeSet<&str> = lacking.iter().filter_map(|t| Some(t.object.split_once(':')?.0)).collect();
        let mut fates: BTreeMap<(String, String, String), (bool, RelationshipOperation)> = BTreeMap::new();
        for kind in kinds {
            let mut is_after = since.is_none_or(|mark| !mark.tuple.object.starts_with(&format!("{kind}:")));
            let read = api.each_change(kind, since.map(|mark| mark.at.as_str()), |change| {
                if is_after && lacking.contains(&change.tuple) {
                    let t = &change.tuple;
                    let fate = fates.entry((t.object.clone(), t.relation.clone(), t.user.clone()));
                    let (was_there, last) = fate.or_insert((false, change.operation));
                    *was_there |= change.operation == RelationshipOperation::Write;
                    *last = change.operation;
                }
                is_after |= Some(&change) == since;
            });
            match read {
                Err(e) if is_hidden(&e) => return Ok(None),
                read => read?,
            }
        }
        // One that this tool deleted to write it with another condition was not written since.
        let is_removed = |t: &&TupleKey| {
            let fate = fates.get(&(t.object.clone(), t.relation.clone(), t.user.clone()));
            fate == Some(&(true, RelationshipOperation::Delete)) && !ours.contains(t)
        };
        Ok(Some(lacking.iter().filter(is_removed).cloned().collect()))
    }
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
