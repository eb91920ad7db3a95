//! The folder objects of one run: what was written before, what is wanted now, and when each part may be written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use usher_base::wire::{ReadRelationships, RelationshipChange, TupleKey};

use super::access::Access;
use super::ids::Recorded;
use super::{inhabited, within};
use crate::acl::folders::{Change, Changes, Tree, TupleSet, difference, narrows};
use crate::acl::rules::{ancestors, directory_file, parent};
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
    /// Not all that the record names is known to be in the service.
    is_unsure: bool,
    /// Only some of the changes are made.
    is_stopped: bool,
    /// Of the record, where it tells of this service and nothing was written since.
    mark: Option<RelationshipChange>,
    /// Tuples of directories that are gone; they go when their documents have.
    vanished: Vec<Change>,
}

/// For what a run needs this, and what would do without.
const NO_FOLDERS: &str = "a key limited to sources can't have it: take another, or rules that need no folders, such as \
                          --acl none with --default-acl (docs/ingest.md, Scopes)";

impl FolderTuples {
    #[allow(clippy::too_many_arguments, reason = "one call, in the order of the run")]
    pub fn plan(
        args: &FolderArgs,
        api: &Api<'_>,
        tree: &Tree,
        access: &Access,
        listing: &Listing,
        files: &[&str],
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
        let root = root.display().to_string();
        let other_root = known.as_ref().map(|s| s.root.clone()).filter(|last| *last != root);

        let dirs = inhabited(listing, access, files);
        let is_flat = access.needs_no_folders() && is_flat(known.as_ref(), access, tree, files, held);
        let wanted = if is_flat { TupleSet::default() } else { tree.desired(&dirs, access.rules()) };
        let fits = history::fits(api, known.as_ref(), term)?;
        let is_unsure = !is_flat && (!fits || known.as_ref().is_some_and(|s| s.incomplete));
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
        let kept: TupleSet =
            before.iter().filter(|t| tree.owns(&t.object) && !settled.contains(&t.object)).cloned().collect();
        let everything_seen = listing.unreadable.is_empty() && args.include.is_empty() && args.exclude.is_empty();
        let present: BTreeSet<String> = dirs.iter().flat_map(|d| ancestors(d)).map(|d| tree.folder(d)).collect();
        let vanished = match everything_seen {
            true => kept.iter().filter(|t| !present.contains(&t.object)).cloned().map(Change::Delete).collect(),
            false => Vec::new(),
        };
        let wanted = wanted.union(&kept);
        // Without a trustworthy record what counts is what the service holds; where that can't be read, everything wanted
        // is written again, which changes nothing where it is there.
        let assumed = match (is_unsure, &seen) {
            (true, Some(seen)) => seen.iter().filter(|t| wanted.contains(t)).cloned().collect(),
            (true, None) => TupleSet::default(),
            (false, _) => before.clone(),
        };
        let mut changes = difference(&assumed, &wanted);
        if is_unsure {
            let stale = difference(&before, &wanted);
            let is_gone = |t: &TupleKey| seen.is_none() || !wanted.contains(t);
            let deletes = |list: Vec<Change>| list.into_iter().filter(|c| matches!(c, Change::Delete(t) if is_gone(t)));
            changes.narrow.splice(0..0, deletes(stale.narrow));
            changes.widen.splice(0..0, deletes(stale.widen));
        }
        let known = known.unwrap_or_default();
        let removed: TupleSet = known.removed.into_iter().collect();
        if !fits {
            let back = removed.iter().filter(|t| !wanted.contains(t) && !before.contains(t));
            let back = back.cloned().map(Change::Delete);
            changes.narrow.splice(0..0, back);
        }
        Ok(FolderTuples {
            recorded: Recorded { moved: known.moved, carried: known.carried, is_complete: !known.incomplete },
            file,
            state: State { collection: tree.collection.clone(), source, root, is_flat, ..State::default() },
            other_root,
            tree: tree.clone(),
            places: dirs.iter().flat_map(|d| ancestors(d)).map(|d| (tree.folder(d), d.to_owned())).collect(),
            changes,
            applied: before,
            removed,
            is_unsure,
            is_stopped: false,
            mark: known.mark.filter(|_| fits),
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
            let mut intended = self.applied.clone();
            for change in self.changes.narrow.iter().chain(&self.changes.widen) {
                if !matches!(change, Change::Delete(_)) {
                    intended.insert(change.tuple().clone());
                }
            }
            self.save(&intended, true)?;
        } else {
            let all = self.changes.narrow.iter().chain(&self.changes.widen);
            tuple_writer::check(api, all.clone(), None).map_err(|e| self.of_file(e, all))?;
        }
        let narrow = std::mem::take(&mut self.changes.narrow);
        self.apply(api, term, report, &narrow, dry_run)
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
                "{} folder tuples that widen access were not written, because documents below failed; run again",
                later.len()
            ));
        }
        // Written by an earlier run, or lost with the service that it was written to: the next run has to write it.
        let is_unsure = self.is_stopped && self.is_unsure
            || later.iter().any(|c| matches!(c, Change::Write(t) if self.applied.contains(t)));
        if emptied {
            // What still hangs on a directory that is gone keeps its bans.
            now.extend(self.vanished.drain(..).filter(|change| !blocked.contains(&change.tuple().object)));
        }
        self.apply(api, term, report, &now, dry_run)?;
        if !dry_run {
            if self.mark.is_none() && !self.state.is_flat {
                self.mark = history::newest(api, "folder")?;
            }
            self.save(&self.applied, is_unsure)?;
        }
        Ok(())
    }

    fn apply(
        &mut self,
        api: &Api<'_>,
        term: &Term,
        report: &Report<'_>,
        changes: &[Change],
        dry_run: bool,
    ) -> Result<(), RunError> {
        tuple_writer::apply(api, term, report, changes, None, dry_run).map_err(|e| self.of_file(e, changes.iter()))?;
        if !changes.is_empty() {
            self.mark = None;
        }
        for change in changes {
            match change {
                Change::Delete(tuple) => {
                    self.applied.remove(tuple);
                    if !narrows(tuple) {
                        self.removed.insert(tuple.clone());
                    }
                }
                Change::Write(tuple) | Change::Replace(tuple) => {
                    self.applied.insert(tuple.clone());
                    self.removed.remove(tuple);
                }
            }
        }
        Ok(())
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

    fn save(&self, tuples: &TupleSet, incomplete: bool) -> Result<(), RunError> {
        let list = |set: &TupleSet| set.iter().cloned().collect();
        let state = State {
            tuples: list(tuples),
            removed: list(&self.removed),
            mark: self.mark.clone(),
            incomplete,
            ..self.state.clone()
        };
        Ok(self.file.save(&state)?)
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
