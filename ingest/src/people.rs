//! `people`: brings the members of groups in line with a file, or with the accounts of a host.
//!
//! A person is known by an id that never changes; the name is only shown. Memberships that somebody made by hand stay, as
//! do those removed by hand and those that another list brought, unless `--reconcile` is given.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use usher_base::wire::{ReadRelationships, TupleKey};

use crate::acl::folders::{Change, TupleSet};
use crate::api::{Api, ApiError};
use crate::args::PeopleArgs;
use crate::error::RunError;
use crate::folder::{accounts, host_name};
use crate::history;
use crate::report::Report;
use crate::state::{State, StateFile};
use crate::term::Term;
use crate::tuple_writer;
use crate::turn::Turn;

mod nesting;
mod read;
mod spelling;

pub use read::People;

const MAX_MEMBERSHIPS: usize = 5_000_000;
/// Grants looked through for groups without members.
const MAX_GRANTS: usize = 500_000;

pub fn run(args: &PeopleArgs, term: &Term) -> Result<ExitCode, RunError> {
    let dry_run = args.server.dry_run;
    let people = match &args.path {
        Some(path) => People::read(path)?,
        None => People::of_host(&accounts(&args.host)?),
    };
    people.warnings().iter().for_each(|w| term.warn(w));
    let most = usize::from(args.group_levels);
    nesting::check(&TupleSet::default(), &people.tuples(), most).map_err(RunError::Input)?;
    let report = Report::create(term, None, dry_run).map_err(|e| RunError::Io("-".into(), e))?;
    let api = Api::connect(&args.server, term)?;
    let list = list(args)?;
    let file = StateFile::open(args.state.as_deref(), &format!("people {} {list}", api.server()), dry_run)?;
    let known = file.load()?;
    if let Some(state) = known.as_ref().filter(|s| !s.collection.is_empty()) {
        let last = state.other_than("").unwrap_or_else(|| "a folder".into());
        let wanted = format!("the people of {list}");
        return Err(RunError::OtherState { state: file.path().to_owned(), last, wanted });
    }
    if let Some(state) = known.as_ref().filter(|s| !s.root.is_empty() && s.root != list) {
        return Err(RunError::OtherList { state: file.path().to_owned(), last: state.root.clone(), list });
    }
    let stored = memberships(&api)?;
    spelling::learn(&api, &stored)?;
    let (people, known) = (people.respelt(), known.map(spelling::respelt));
    let before: TupleSet = known.iter().flat_map(|state| state.tuples.iter().cloned()).collect();
    let wanted = people.tuples();
    let history = history::look(&api, known.as_ref())?;
    let mut turn = Turn::read(&api, &format!("people/{}", blake3::hash(list.as_bytes()).to_hex()), known.as_ref())?;
    let is_overtaken = turn.is_overtaken(known.as_ref());
    if is_overtaken && history.may_fit() && known.is_some() && !args.reconcile {
        let what = "memberships exactly what the list says";
        return Err(RunError::OldState { state: file.path().to_owned(), what });
    }
    if known.is_none() && !args.reconcile && stored.iter().any(|t| !wanted.contains(t)) {
        let path = file.path().display();
        term.note(&format!("no record of earlier runs at {path}: memberships that are not in the file are left alone"));
    }

    let in_doubt = if args.reconcile { TupleSet::default() } else { history.in_doubt() };
    let lacking: TupleSet = in_doubt.iter().filter(|t| wanted.contains(t) && !stored.contains(t)).cloned().collect();
    let stay_away = match in_doubt.len() > 0 || !history.fits() {
        true => history.stay_away(&api, &lacking, args.yes, term)?,
        false => TupleSet::default(),
    };
    let lost: TupleSet = lacking.iter().filter(|t| !stay_away.contains(t)).cloned().collect();
    let plan = Plan::new(&wanted, &stored, known.as_ref(), history.fits(), &lost, args.reconcile);
    announce(&people, known.as_ref(), &plan, term);
    let recorded = plan.recorded.len();
    let accident = wanted.len() == 0 || plan.leave.len() > 100 || plan.leave.len().saturating_mul(5) > recorded;
    let mut leave = plan.leave.clone();
    if !args.delete_missing && !leave.is_empty() {
        term.line(&format!("{} memberships are no longer in the file; --delete-missing removes them", leave.len()));
        leave.clear();
    } else if accident && !args.yes && !leave.is_empty() {
        term.error(&format!("nothing removed: {} of {recorded} memberships would go; say --yes", leave.len()));
        report.needs_yes();
        leave.clear();
    }

    let deletes: Vec<Change> = leave.iter().cloned().map(Change::Delete).collect();
    // What takes rights away waits for nothing.
    let nested = nesting::check(&stored.iter().filter(|t| !leave.contains(t)).cloned().collect(), &wanted, most);
    let joins = nested.as_ref().map_or(&[][..], |()| plan.join.as_slice());
    let writes: Vec<Change> = joins.iter().cloned().map(Change::Write).collect();
    let joined = if nested.is_ok() { wanted.clone() } else { TupleSet::default() };
    let written = plan.recorded.clone().union(&joined);
    let found: TupleSet = plan.found.iter().filter(|t| written.contains(t)).cloned().collect();
    let record = |turn: &Turn, tuples: &TupleSet, removed: &TupleSet, pending: Vec<TupleKey>| {
        let (run, mark) = (turn.last(), history.mark());
        State { run, mark, pending: Some(pending), ..people.state(&list, tuples, &found, removed) }
    };
    let mut now = written.clone();
    let mut removed = plan.removed.clone();
    if !dry_run {
        let pending = deletes.iter().chain(&writes).map(|change| change.tuple().clone());
        let state = record(&turn, &written, &removed, pending.collect());
        file.save(&State { incomplete: true, next: turn.next.clone(), ..state })?;
    }
    let needing = |e: ApiError| e.needing("relationships.write", || "to write and remove memberships".into());
    if dry_run {
        tuple_writer::check(&api, deletes.iter().chain(&writes), None).map_err(needing)?;
    }
    let changes = [deletes, writes].concat();
    let taken = if dry_run || changes.is_empty() && !is_overtaken { Ok(()) } else { turn.take(&api) };
    let done = taken.and_then(|()| tuple_writer::apply(&api, term, &report, &changes, None, dry_run));
    if done.as_ref().is_err_and(ApiError::is_refusal) && changes.len() <= tuple_writer::BATCH && !dry_run {
        // Nothing was done.
        file.restore(known.as_ref())?;
    }
    done.map_err(needing)?;
    if !dry_run {
        for t in &leave {
            now.remove(t);
            removed.insert(t.clone());
        }
        // Recorded, lost, and not written because nobody joined.
        let waits = plan.join.iter().filter(|t| nested.is_err() && plan.recorded.contains(t)).cloned();
        let mut state = record(&turn, &now, &removed, waits.collect());
        if state.mark.is_none() || !changes.is_empty() {
            state.mark = history::newest(&api, "group")?;
        }
        file.save(&state)?;
    }
    if let Err(why) = nested {
        let _ = report.finish();
        return Err(RunError::Input(format!("nobody joined: {why}")));
    }
    let named = if args.skip_empty_groups { BTreeMap::new() } else { named_groups(&api, term)? };
    unknown_groups(&people, &stored, &before, &named, term);
    empty_groups(&named, &stored.union(&wanted), &leave, term);
    Ok(report.finish())
}

fn memberships(api: &Api<'_>) -> Result<TupleSet, RunError> {
    let filter = ReadRelationships {
        object: Some("group:".into()),
        relation: Some("member".into()),
        ..ReadRelationships::default()
    };
    let read = api.read_tuples(&filter, MAX_MEMBERSHIPS);
    let (tuples, more) = read
        .map_err(|e| e.needing("relationships.read", || "to compare the memberships that the service holds".into()))?;
    if more {
        return Err(RunError::Input(format!("the service holds more than {MAX_MEMBERSHIPS} memberships")));
    }
    Ok(tuples.into_iter().collect())
}

/// The three-way difference: what was written last, what the file says, what the service holds.
struct Plan {
    join: Vec<TupleKey>,
    leave: Vec<TupleKey>,
    /// In the file and written before, but removed in the service by somebody else.
    kept_out: usize,
    recorded: TupleSet,
    /// In the file, and in the service before the file named it: another list's, or somebody's.
    found: TupleSet,
    /// Removed by this tool and not back.
    removed: TupleSet,
}

impl Plan {
    /// `fits`: `known` tells of this service, see [`history`]. `lost`: of what it records, what is written again.
    fn new(
        wanted: &TupleSet,
        stored: &TupleSet,
        known: Option<&State>,
        fits: bool,
        lost: &TupleSet,
        reconcile: bool,
    ) -> Plan {
        let set = |list: fn(&State) -> &Vec<TupleKey>| -> TupleSet {
            known.map(list).into_iter().flatten().cloned().collect()
        };
        let gone = set(|s| &s.removed);
        // In a service that was set back, those who left are members again.
        let back = gone.iter().filter(|t| !fits && stored.contains(t) && !wanted.contains(t));
        let was_found = set(|s| &s.found);
        // What the file no longer names and this tool did not write is nothing to it any more.
        let mut recorded = set(|s| &s.tuples).union(&back.cloned().collect());
        was_found.iter().filter(|t| !wanted.contains(t)).for_each(|t| recorded.remove(t));
        let is_kept_out = |t: &TupleKey| !reconcile && recorded.contains(t) && !lost.contains(t);
        let (kept_out, join): (Vec<_>, Vec<_>) =
            wanted.iter().filter(|t| !stored.contains(t)).cloned().partition(is_kept_out);
        let is_found = |t: &&TupleKey| match stored.contains(t) {
            true => was_found.contains(t) || !recorded.contains(t),
            // Kept out; else it is written now.
            false => was_found.contains(t) && is_kept_out(t),
        };
        let found = wanted.iter().filter(is_found).cloned().collect();
        let ours = |t: &&TupleKey| reconcile || recorded.contains(t);
        let leave = stored.iter().filter(|t| !wanted.contains(t)).filter(ours).cloned().collect();
        let removed = gone.iter().filter(|t| !recorded.contains(t) && !wanted.contains(t)).cloned().collect();
        Plan { join, leave, kept_out: kept_out.len(), recorded, found, removed }
    }
}

/// Name of the list of people that this run brings.
fn list(args: &PeopleArgs) -> Result<String, RunError> {
    match (&args.list, &args.path) {
        (Some(list), _) => Ok(list.clone()),
        (None, Some(path)) => {
            let path = std::fs::canonicalize(path).map_err(|e| RunError::Io(path.clone(), e))?;
            Ok(path.display().to_string())
        }
        (None, None) => Ok(format!("host {}", host_name(&args.host))),
    }
}

fn announce(people: &People, known: Option<&State>, plan: &Plan, term: &Term) {
    let count = |list: &[TupleKey]| list.iter().map(|t| t.user.as_str()).collect::<BTreeSet<_>>().len();
    for (sign, word, list) in [("+", "joins", &plan.join), ("-", "leaves", &plan.leave)] {
        for t in list {
            let who = people.name(&t.user).map(|n| format!(" ({n})")).unwrap_or_default();
            term.line(&format!("{sign} {}{who} {word} {}", t.user, t.object));
        }
    }
    let empty = State::default();
    let known = known.unwrap_or(&empty);
    let before = known.people.iter().chain(&known.groups);
    for (id, old) in before {
        if let Some(new) = people.name(id).filter(|new| *new != old) {
            term.line(&format!("renamed {id}: {old} is now {new}"));
        }
    }
    if plan.kept_out > 0 {
        let n = plan.kept_out;
        term.line(&format!("{n} memberships were removed in the service by hand and stay removed (see --reconcile)"));
    }
    term.line(&format!("joiners: {}, leavers: {}", count(&plan.join), count(&plan.leave)));
}

/// Groups that rules name, and an object of each.
fn named_groups(api: &Api<'_>, term: &Term) -> Result<BTreeMap<String, String>, RunError> {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for kind in ["collection", "folder", "document", "section", "clause", "classification"] {
        let filter = ReadRelationships { object: Some(format!("{kind}:")), ..ReadRelationships::default() };
        let (tuples, more) = api.read_tuples(&filter, MAX_GRANTS)?;
        if more {
            term.warn(&format!("only the first {MAX_GRANTS} grants of type {kind} were looked at for empty groups"));
        }
        for t in tuples {
            if let Some(group) = t.user.strip_suffix("#member").filter(|g| g.starts_with("group:")) {
                named.entry(group.to_owned()).or_insert(t.object);
            }
        }
    }
    Ok(named)
}

/// Groups that rules name and nobody is in: mostly a misspelt name, and then nobody reads what should be read.
fn empty_groups(named: &BTreeMap<String, String>, members: &TupleSet, left: &[TupleKey], term: &Term) {
    let gone: BTreeSet<(&str, &str)> = left.iter().map(|t| (t.object.as_str(), t.user.as_str())).collect();
    let peopled: BTreeSet<&str> = members
        .iter()
        .filter(|t| !gone.contains(&(t.object.as_str(), t.user.as_str())))
        .map(|t| t.object.as_str())
        .collect();
    for (group, object) in named.iter().filter(|(group, _)| !peopled.contains(group.as_str())) {
        term.warn(&format!("nobody is in {group}, which {object} names"));
    }
}

/// Groups that only a member's row names: who is in a misspelt one reads nothing by it.
fn unknown_groups(
    people: &People,
    stored: &TupleSet,
    before: &TupleSet,
    named: &BTreeMap<String, String>,
    term: &Term,
) {
    const SHOWN: usize = 10;
    let known: BTreeSet<&str> = stored
        .iter()
        .chain(before.iter())
        .flat_map(|t| [t.object.as_str(), t.user.strip_suffix("#member").unwrap_or_default()])
        .chain(named.keys().map(String::as_str))
        .collect();
    let unknown: Vec<&str> = people.unlisted().into_iter().filter(|group| !known.contains(group)).collect();
    if unknown.is_empty() {
        return;
    }
    let more = unknown.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = unknown.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    term.warn(&format!(
        "{shown}{more}: neither the list nor the service knew such a group; is the name right? An entry of its own (kind \
         `group`) declares it"
    ));
}

#[cfg(test)]
mod tests;
