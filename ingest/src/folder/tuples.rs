//! The folder objects of one run: what was written before, what is wanted now, and when each part may be written.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use usher_base::wire::{ReadRelationships, RelationshipChange, TupleKey};

use super::access::Access;
use super::ids::Recorded;
use super::records::files_held;
use super::{inhabited, within};
use crate::acl::folders::{Change, Changes, Tree, TupleSet, difference, narrows};
use crate::acl::rules::{ancestors, directory_file, file_of, parent};
use crate::api::{Api, ApiError};
use crate::args::FolderArgs;
use crate::documents::Held;
use crate::error::RunError;
use crate::fsroot::Listing;
use crate::history;
use crate::report::Report;
use crate::state::{State, StateFile};
use crate::term::Term;
use crate::tuple_writer;
use crate::turn::Turn;

/// More folder tuples than this are not read back in one reconciliation.
const MAX_READ: usize = 2_000_000;

pub struct FolderTuples {
    /// Files that were moved, as the last run left them.
    pub recorded: Recorded,
    file: StateFile,
    state: State,
    other_root: Option<String>,
    tree: Tree,
    /// Folder object to directory.
    places: BTreeMap<String, String>,
    changes: Changes,
    /// What the service holds of ours, as far as this run knows.
    applied: TupleSet,
    /// Grants that this and earlier runs deleted.
    removed: TupleSet,
    /// Of `applied`, what is not known to be in the service.
    pending: TupleSet,
    /// The last run did not reach its end.
    was_incomplete: bool,
    /// Absent where there are no folder objects.
    turn: Option<Turn>,
    /// The record was not that of the last run.
    is_overtaken: bool,
    /// Only some of the changes are made.
    is_stopped: bool,
    /// Of the record, where it tells of this service and nothing was written since.
    mark: Option<RelationshipChange>,
    /// The record as it was found.
    last: Option<State>,
    /// Tuples of directories that are gone; they go when their documents have.
    vanished: Vec<Change>,
}

/// For what a run needs this, and what would do without.
const NO_FOLDERS: &str = "a key limited to sources can't have it: take another, or rules that need no folders, such as \
                          --acl none with --default-acl (docs/ingest.md, Scopes)";

impl FolderTuples {
    /// Adds to `files` those of `special` that are in the place of a document.
    #[allow(clippy::too_many_arguments, reason = "one call, in the order of the run")]
    pub fn plan<'f>(
        args: &FolderArgs,
        api: &Api<'_>,
        tree: &Tree,
        access: &Access,
        listing: &Listing,
        files: &mut Vec<&'f str>,
        special: &[&'f str],
        held: &Held,
        root: &Path,
        term: &Term,
    ) -> Result<Self, RunError> {
        let key = format!("folder {} {} {}", api.server(), tree.source, tree.prefix);
        let file = StateFile::open(args.state.as_deref(), &key, args.server.dry_run)?;
        let known = file.load()?;
        let source = tree.document("").trim_end_matches('/').to_owned();
        if let Some(last) = known.as_ref().and_then(|state| state.other_than(&source)) {
            let wanted = format!("the source {source}");
            return Err(RunError::OtherState { state: file.path().to_owned(), last, wanted });
        }
        if let Some(state) = known.as_ref().filter(|s| s.collection != tree.collection) {
            let last = state.collection.clone();
            return Err(RunError::OtherCollection { source_name: tree.source.clone(), last });
        }
        settled_above(api, tree, access, term)?;
        let root = root.display().to_string();
        let other_root = known.as_ref().map(|s| s.root.clone()).filter(|last| *last != root);

        let moved = known.iter().flat_map(|state| &state.moved).filter(|(_, id)| held.contains_key(*id));
        let moved: HashSet<&str> = moved.map(|(path, _)| file_of(path)).collect();
        let of_documents = files_held(tree, held);
        let is_held = |path: &str| of_documents.contains(path) || moved.contains(path);
        files.extend(special.iter().filter(|path| is_held(path)));
        let files = files.as_slice();
        let dirs = inhabited(listing, access, files);
        let is_flat = access.needs_no_folders() && is_flat(known.as_ref(), access, tree, files, held);
        let wanted = if is_flat { TupleSet::default() } else { tree.desired(&dirs, access.rules()) };
        let history = history::look(api, known.as_ref())?;
        let fits = history.fits();
        let turn = if is_flat { None } else { Some(Turn::read(api, &source, known.as_ref())?) };
        let is_overtaken = turn.as_ref().is_some_and(|turn| turn.is_overtaken(known.as_ref()));
        // A service that was set back, or is another, says nothing about the record.
        if is_overtaken && history.may_fit() && known.is_some() && !args.reconcile {
            let what = "the folders exactly what the rule files say";
            return Err(RunError::OldState { state: file.path().to_owned(), what });
        }
        let in_doubt = if is_flat || args.reconcile { TupleSet::default() } else { history.in_doubt() };
        let is_unsure = in_doubt.len() > 0;
        let seen = match (args.reconcile, is_unsure) {
            (true, _) => Some(stored(api, tree).map_err(|e| match e {
                RunError::Api(e) => e.needing("relationships.read", || "for --reconcile, to read folder tuples".into()),
                other => other,
            })?),
            (false, true) => match stored(api, tree) {
                Err(RunError::Api(e)) if history::is_hidden(&e) => None,
                read => Some(read?),
            },
            (false, false) => None,
        };
        let before = seen.clone().filter(|_| args.reconcile).unwrap_or_else(|| written(known.as_ref()));
        if known.is_none() && !args.reconcile && !is_flat {
            let path = file.path().display();
            term.note(&format!("no record of earlier runs at {path}: folder tuples of earlier runs are left alone"));
        }
        // Directories whose rules could not be read, or that are not there, keep what they have.
        let readable = |dir: &&str| !matches!(access.rules().and_then(|r| r.dirs.get(*dir)), Some(Err(_)));
        let with_above: BTreeSet<&str> = dirs.iter().flat_map(|d| ancestors(d)).collect();
        let settled: BTreeSet<String> = with_above.into_iter().filter(readable).map(|d| tree.folder(d)).collect();
        let gone: TupleSet =
            before.iter().filter(|t| tree.owns(&t.object) && !settled.contains(&t.object)).cloned().collect();
        let everything_seen = listing.unreadable.is_empty() && args.include.is_empty() && args.exclude.is_empty();
        let present: BTreeSet<String> = dirs.iter().flat_map(|d| ancestors(d)).map(|d| tree.folder(d)).collect();
        let vanished = match everything_seen {
            true => gone.iter().filter(|t| !present.contains(&t.object)).cloned().map(Change::Delete).collect(),
            false => Vec::new(),
        };
        // A ban above the folder is on documents, too, that this run does not look at.
        let above = before.iter().filter(|t| t.relation == "blocked" && tree.is_above(&t.object)).cloned().collect();
        let wanted = wanted.union(&gone).union(&above);
        // Of what is in doubt counts what the service holds, and what somebody removed there stays so. The rest is written
        // again, which changes nothing where it is there.
        let is_open = |t: &&TupleKey| in_doubt.contains(t) && wanted.get(t).is_some_and(|w| w.condition == t.condition);
        let is_seen = |t: &TupleKey| seen.as_ref().is_some_and(|seen| seen.contains(t));
        let lacking: TupleSet = before.iter().filter(is_open).filter(|t| !is_seen(t)).cloned().collect();
        let stay_away = match is_unsure || !fits {
            true => history.stay_away(api, &lacking, args.run.yes, term)?,
            false => TupleSet::default(),
        };
        let mut assumed = before.clone();
        lacking.iter().filter(|t| !stay_away.contains(t)).for_each(|t| assumed.remove(t));
        for tuple in seen.iter().flat_map(TupleSet::iter).filter(|t| wanted.contains(t)) {
            if in_doubt.contains(tuple) || !assumed.contains(tuple) {
                assumed.insert(tuple.clone());
            }
        }
        let mut changes = difference(&assumed, &wanted);
        let mark = history.mark();
        let last = known.clone();
        let known = known.unwrap_or_default();
        let removed: TupleSet = known.removed.into_iter().collect();
        if !fits {
            let back = removed.iter().filter(|t| !wanted.contains(t) && !before.contains(t));
            let back = back.cloned().map(Change::Delete);
            changes.narrow.splice(0..0, back);
        }
        Ok(FolderTuples {
            recorded: Recorded {
                moved: known.moved,
                carried: known.carried,
                noted: known.noted,
                wordless: known.wordless,
                is_complete: !known.incomplete,
            },
            file,
            state: State { collection: tree.collection.clone(), source, root, is_flat, ..State::default() },
            other_root,
            pending: lacking.iter().filter(|t| !assumed.contains(t)).cloned().collect(),
            tree: tree.clone(),
            places: dirs.iter().flat_map(|d| ancestors(d)).map(|d| (tree.folder(d), d.to_owned())).collect(),
            changes,
            applied: before,
            removed,
            was_incomplete: known.incomplete,
            turn,
            is_overtaken,
            is_stopped: false,
            mark,
            last,
            vanished,
        })
    }

    /// Folder that the source was read from last time, if it was another.
    pub fn other_root(&self) -> Option<String> {
        self.other_root.clone()
    }

    /// Whether documents are attached to the collection, without folder objects.
    pub fn is_flat(&self) -> bool {
        self.state.is_flat
    }

    /// Notes which files keep the ids that they had elsewhere, and the places whose rules some documents still carry.
    pub fn keep_ids(&mut self, moved: BTreeMap<String, String>, carried: BTreeMap<String, String>) {
        self.state.moved = moved;
        self.state.carried = carried;
    }

    /// Notes in which pictures nothing was recognised.
    pub fn keep_wordless(&mut self, wordless: BTreeSet<String>) {
        self.state.wordless = wordless;
    }

    /// Notes which documents have no rule file of their own.
    pub fn keep_noted(&mut self, noted: BTreeMap<String, String>) {
        self.state.noted = noted;
    }

    /// Whether rules would change that come down to these paths of documents, other than by a ban.
    pub fn changes_above(&self, paths: &[&str]) -> bool {
        let above = self.folders_above(paths);
        let mut changes = self.changes.narrow.iter().chain(&self.changes.widen);
        changes.any(|c| above.contains(&c.tuple().object) && !is_ban(c))
    }

    /// Leaves of the changes only what can be made in doubt about the folder: new bans, and grants that were taken away
    /// before. The record stays that of the folder that was read last.
    pub fn only_bans(&mut self, recorded: Recorded) {
        let removed = &self.removed;
        let is_safe = |c: &Change| is_ban(c) || matches!(c, Change::Delete(t) if removed.contains(t));
        self.changes.narrow.retain(is_safe);
        self.changes.widen.clear();
        self.keep_ids(recorded.moved, recorded.carried);
        self.keep_noted(recorded.noted);
        self.keep_wordless(recorded.wordless);
        if let Some(last) = &self.other_root {
            self.state.root.clone_from(last);
        }
        self.is_stopped = true;
    }

    /// Whether this tool wrote the tuple, as far as is known.
    pub fn has_written(&self, tuple: &TupleKey) -> bool {
        self.applied.contains(tuple)
    }

    fn folders_above(&self, paths: &[&str]) -> BTreeSet<String> {
        paths.iter().flat_map(|path| ancestors(parent(path))).map(|dir| self.tree.folder(dir)).collect()
    }

    /// Structure, bans, and the grants that go away.
    pub fn narrow(&mut self, api: &Api<'_>, term: &Term, report: &Report<'_>, dry_run: bool) -> Result<(), RunError> {
        if !dry_run {
            // Recorded before it is written: a run that is killed must find its own tuples again.
            let (applied, pending) = (self.applied.clone(), self.pending.clone());
            for change in self.changes.narrow.iter().chain(&self.changes.widen).chain(&self.vanished) {
                self.pending.insert(change.tuple().clone());
                if !matches!(change, Change::Delete(_)) {
                    self.applied.insert(change.tuple().clone());
                }
            }
            let saved = self.save(true);
            (self.applied, self.pending) = (applied, pending);
            saved?;
        } else {
            let all = self.changes.narrow.iter().chain(&self.changes.widen);
            tuple_writer::check(api, all.clone(), None).map_err(|e| self.of_file(e, all))?;
        }
        let narrow = std::mem::take(&mut self.changes.narrow);
        let done = self.write(api, term, report, &narrow, dry_run);
        if done.as_ref().is_err_and(ApiError::is_refusal) && narrow.len() <= tuple_writer::BATCH && !dry_run {
            // Nothing was done.
            self.file.restore(self.last.as_ref())?;
        }
        done.map_err(|e| self.of_file(e, narrow.iter()))?;
        self.note(&narrow);
        Ok(())
    }

    /// New grants and lifted bans, but not above documents that may still carry old rules: `uncertain` are their paths.
    pub fn widen(
        &mut self,
        api: &Api<'_>,
        term: &Term,
        report: &Report<'_>,
        uncertain: &[&str],
        emptied: bool,
        dry_run: bool,
    ) -> Result<(), RunError> {
        let blocked = self.folders_above(uncertain);
        let widen = std::mem::take(&mut self.changes.widen);
        let (later, mut now): (Vec<_>, Vec<_>) = widen.into_iter().partition(|c| blocked.contains(&c.tuple().object));
        if !later.is_empty() {
            report.trouble(&format!(
                "{} folder tuples that widen access were not written, because documents below were refused or failed and \
                 have their old rules: mend what is said of those, and run again",
                later.len()
            ));
        }
        if emptied {
            // What still hangs on a directory that is gone keeps its bans.
            now.extend(self.vanished.drain(..).filter(|change| !blocked.contains(&change.tuple().object)));
        }
        let done = self.write(api, term, report, &now, dry_run);
        done.map_err(|e| self.of_file(e, now.iter()))?;
        self.note(&now);
        if !dry_run {
            if self.mark.is_none() && !self.state.is_flat {
                self.mark = history::newest(api, "folder")?;
            }
            self.save(self.is_stopped && self.was_incomplete)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        api: &Api<'_>,
        term: &Term,
        report: &Report<'_>,
        changes: &[Change],
        dry_run: bool,
    ) -> Result<(), ApiError> {
        if let Some(turn) = self.turn.as_mut().filter(|_| !dry_run && (self.is_overtaken || !changes.is_empty())) {
            turn.take(api)?;
        }
        tuple_writer::apply(api, term, report, changes, None, dry_run)
    }

    /// Notes changes that were made.
    fn note(&mut self, changes: &[Change]) {
        if !changes.is_empty() {
            self.mark = None;
        }
        for change in changes {
            match change {
                Change::Delete(tuple) => {
                    self.applied.remove(tuple);
                    self.pending.remove(tuple);
                    if !narrows(tuple) {
                        self.removed.insert(tuple.clone());
                    }
                }
                Change::Write(tuple) | Change::Replace(tuple) => {
                    self.applied.insert(tuple.clone());
                    self.pending.remove(tuple);
                    self.removed.remove(tuple);
                }
            }
        }
    }

    /// Names the rule file that a refused tuple comes from, where the service names the tuple.
    fn of_file<'c>(&self, error: ApiError, mut changes: impl Iterator<Item = &'c Change>) -> RunError {
        let text = error.to_string();
        let is_named = |t: &TupleKey| text.contains(&format!("{}#{}@{}", t.object, t.relation, t.user));
        let object = changes.find(|c| is_named(c.tuple())).map(|c| &c.tuple().object);
        match object.and_then(|object| self.places.get(object)) {
            Some(dir) => RunError::RuleFile(directory_file(dir), error),
            None => error.needing("relationships.write", || self.written_for()),
        }
    }

    /// What tuples are written for.
    fn written_for(&self) -> String {
        let dirs = self.places.len();
        let top = self.tree.folder("");
        format!(
            "to write the tuples of this folder's {dirs} directories (such as `{} parent {top}`); {NO_FOLDERS}",
            self.tree.collection_object()
        )
    }

    fn save(&self, incomplete: bool) -> Result<(), RunError> {
        let list = |set: &TupleSet| set.iter().cloned().collect();
        let state = State {
            tuples: list(&self.applied),
            pending: Some(list(&self.pending)),
            removed: list(&self.removed),
            mark: self.mark.clone(),
            run: self.turn.as_ref().map(Turn::last).unwrap_or_default(),
            next: self.turn.as_ref().filter(|_| incomplete).map(|turn| turn.next.clone()).unwrap_or_default(),
            incomplete,
            ..self.state.clone()
        };
        Ok(self.file.save(&state)?)
    }
}

/// Refuses a part of a source whose folders above have grants in the service that their rule files don't say any more: what is
/// new in the part would be open by them. Which those are, the record of the whole source says.
fn settled_above(api: &Api<'_>, tree: &Tree, access: &Access, term: &Term) -> Result<(), RunError> {
    let Some(above) = access.rules().and_then(|rules| rules.above.as_ref()) else { return Ok(()) };
    let key = format!("folder {} {} ", api.server(), tree.source);
    let Some(known) = StateFile::open(None, &key, true)?.load()? else {
        term.note(
            "there is no record of a run of the whole source: folders above have the grants that the service holds, and              get those of their rule files when the source is run as a whole",
        );
        return Ok(());
    };
    let wanted = tree.desired_above(above);
    let is_stale = |t: &&TupleKey| {
        let is_said = wanted.get(t).is_some_and(|wanted| wanted.condition == t.condition);
        tree.is_above(&t.object) && !narrows(t) && !is_said
    };
    match known.tuples.iter().find(is_stale) {
        Some(t) if !usher_base::faults::mutants::active("grants_above_a_prefix") => Err(RunError::Input(format!(
            "the rules above {} say less than when the source was last run as a whole (`{} {} {}`): run the whole source \
             first, without --prefix",
            tree.prefix, t.user, t.relation, t.object
        ))),
        _ => Ok(()),
    }
}

fn is_ban(change: &Change) -> bool {
    matches!(change, Change::Write(t) if t.relation == "blocked")
}

/// Whether the documents hang on the collection. Those of a source that has folder objects, or may have them, stay with
/// them: bans that somebody wrote by hand on a folder must reach what lies in it.
fn is_flat(known: Option<&State>, access: &Access, tree: &Tree, files: &[&str], held: &Held) -> bool {
    let is_new = || !held.keys().any(|id| within(tree, id).is_some());
    match known {
        Some(state) if state.is_flat => true,
        Some(state) => state.tuples.is_empty() && state.removed.is_empty() && is_new(),
        None => is_new() || access.is_attached(tree, files, held),
    }
}

fn written(state: Option<&State>) -> TupleSet {
    state.map(|s| s.tuples.iter().cloned().collect()).unwrap_or_default()
}

/// All tuples of this source's folders that the service holds, whoever wrote them.
fn stored(api: &Api<'_>, tree: &Tree) -> Result<TupleSet, RunError> {
    let filter = ReadRelationships { object: Some("folder:".into()), ..ReadRelationships::default() };
    let (tuples, more) = api.read_tuples(&filter, MAX_READ)?;
    if more {
        return Err(RunError::Input(format!("more than {MAX_READ} folder tuples: run by --prefix")));
    }
    Ok(tuples.into_iter().filter(|t| tree.owns(&t.object)).collect())
}
