//! `folder`: brings a collection in line with a tree of files.
//!
//! The order is what keeps access from widening on the way: rules are read first, then everything that narrows folders is
//! written, then documents with their own rules, then deletions, and at last what widens folders, except above documents
//! that are not known to carry their new rules. Rules are looked at again once the text of a document is read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::process::ExitCode;
use std::time::Duration;

use usher_base::wire::{FieldType, ReadRelationships};

use crate::acl::folders::Tree;
use crate::acl::rules::{ancestors, file_of, parent};
use crate::api::Api;
use crate::args::{FolderArgs, RunArgs};
use crate::conditions::Trials;
use crate::documents::{Held, Missing, Passed, Sink, accident};
use crate::error::RunError;
use crate::fsroot::{Globs, Listing, Root};
use crate::history;
use crate::report::{FileLine, Report, Status};
use crate::sandbox::Sandbox;
use crate::term::Term;

mod above;
mod access;
mod as_read;
mod ids;
mod meant;
mod moves;
mod reader;
mod records;
mod rule_files;
mod tuples;

use access::Access;
pub use access::{accounts, default_acl, host_name};
use ids::Ids;
use moves::{Finder, Moves};
use reader::Reader;
use records::{RecordRules, Records};
use tuples::FolderTuples;

pub fn run(args: &FolderArgs, term: &Term) -> Result<ExitCode, RunError> {
    let tree = tree(args)?;
    let record_rules = RecordRules::read(args.records.as_deref())?;
    let dry_run = args.server.dry_run;
    let report = Report::create(term, args.run.report.as_deref(), dry_run)
        .map_err(|e| RunError::Io(args.run.report.clone().unwrap_or_default(), e))?;
    let api = Api::connect(&args.server, term)?;
    let globs = Globs::new(&args.include, &args.exclude, args.hidden)?.with_hard_links(&args.hard_links)?;
    let root = Root::open(&args.path)?.within(&globs);
    let sandbox = Sandbox::start(term, Duration::from_secs(args.run.extract_timeout), &args.run.ocr.options())?;

    let listing = root.walk(&globs)?;
    let mut access = Access::load(args, &root, &listing, term, &report)?;
    let is_document = |path: &&str| globs.takes(path) && !access.files().holds(path);
    let mut files: Vec<&str> = listing.files.iter().map(String::as_str).filter(is_document).collect();
    // A link or a hard link in the place of a document fails as a file does that can't be read: the document stays, and its
    // rules are kept current.
    let listed = files.len();
    let special: Vec<&str> = listing.special.iter().map(|(path, _)| path.as_str()).filter(is_document).collect();
    let patterns = record_rules.unmatched(&files).into_iter().map(|pattern| ("--records", pattern));
    for (option, pattern) in globs.unmatched().into_iter().chain(patterns) {
        term.warn(&format!("{option} {pattern}: no file matches"));
    }
    if files.is_empty() {
        let rest =
            if args.include.is_empty() && args.exclude.is_empty() { "" } else { " that --include and --exclude leave" };
        term.warn(&format!("there is no document in {}{rest}", args.path.display()));
    }

    let held = held_or_made(&api, &args.run, dry_run, &tree.collection, &tree.source, term)?;
    let trials = Trials::default();
    access.try_conditions(&api, &tree, &trials, &report)?;
    let mut folders =
        FolderTuples::plan(args, &api, &tree, &access, &listing, &mut files, &special, &held, root.path(), term)?;
    report_unreadable(&listing, &globs, &access, files.get(listed..).unwrap_or_default(), &report);
    warn_of_uncleared(&api, &access, term)?;
    if folders.is_flat() {
        access.attach_to_collection();
    }
    let suspicious = suspicious(&listing, &files, folders.other_root());
    let recorded = std::mem::take(&mut folders.recorded);
    let unread = listing.special.iter().map(|(path, _)| path.clone());
    let (max, jobs) = (args.run.max_file_size, args.run.jobs);
    let records = Records::look(&record_rules, &root, &sandbox, &files, unread, max, jobs);
    let documents = records.documents(&files);
    let mut ids = Ids::recorded(&tree, &recorded, &documents, &held);
    let present = documents.iter().copied().collect();
    let there = There { globs: &globs, listing: &listing, records: &records, present };
    let finder = Finder {
        api: &api,
        tree: &tree,
        root: &root,
        access: &access,
        held: &held,
        there: &there,
        records: &records,
        sandbox: &sandbox,
        noted: &recorded.noted,
        max_file_size: max,
        jobs,
    };
    let mut moves = finder.find(&documents, &mut ids)?;
    if !args.reconcile {
        let present = inhabited(&listing, &access, &files).into_iter().flat_map(ancestors).collect();
        moves.keep_bans_of_folders(&api, &tree, &ids, &folders, &present, &report)?;
    }
    let scope = held.keys().filter(|id| within(&tree, id).is_some()).count();
    let gone = missing(&tree, &held, &there, &ids, &moves, &Passed::default());
    // What has another place in another folder may lie where it did: the folder may be a part of the one before.
    let moved = ids.found().into_iter().map(|(_, _, id)| id).filter(|_| folders.other_root().is_some());
    let displaced: Vec<&str> = gone.iter().map(|(_, id)| id.as_str()).chain(moved).collect();
    let accident = accident(displaced.len(), scope, suspicious.as_deref()).filter(|_| !args.run.yes);
    let above: Vec<&str> = displaced.iter().flat_map(|id| ids.places(id)).collect();
    if let Some(why) = accident.filter(|_| folders.changes_above(&above)) {
        let part = folders.other_root().map_or("", |_| "; a folder within the source is run with --prefix");
        term.error(&format!(
            "nothing sent or deleted: {why}, and the rules of folders above missing or moved documents would change; if that \
             is true, say --yes{part}"
        ));
        report.needs_yes();
        folders.only_bans(recorded);
        folders.narrow(&api, term, &report, dry_run)?;
        folders.widen(&api, term, &report, &[], false, dry_run)?;
        return Ok(report.finish());
    }
    for (before, now, id) in ids.found().into_iter().filter(|(_, now, _)| !moves.withheld.contains_key(*now)) {
        term.line(&format!("moved {before} to {now}: it stays the document {id}, with the rules of its new place"));
    }
    folders.keep_ids(ids.moved(), ids.carried(|_| true));
    let noted = without_rule_file(recorded.noted, &tree, &access, &ids, &held, &documents, None);
    folders.keep_noted(noted.clone());
    sandbox.know_wordless(recorded.wordless.clone());
    folders.keep_wordless(recorded.wordless);

    folders.narrow(&api, term, &report, dry_run)?;
    moves.pass_on_bans(&api, &tree, &ids, term, &report, dry_run)?;
    let (moves, sandbox) = (&moves, &sandbox);
    let held_records = records::held_of(&held, |id| ids.place(id).map(str::to_owned));
    let reader = Reader {
        args,
        tree: &tree,
        root: &root,
        access: &access,
        held: &held,
        records: &records,
        held_records: &held_records,
        ids: &ids,
        moves,
        sandbox,
    };
    let sink = Sink { api: &api, term, report: &report, trials: &trials, dry_run };
    let mut passed = sink.pass(&files, jobs, |_, id| held.get(id), |rel| reader.prepare(rel))?;
    let missing = missing(&tree, &held, &there, &ids, moves, &passed);
    let deletion = Missing { sink: &sink, delete: args.run.delete_missing, yes: args.run.yes, suspicious };
    let source_hash = |_: &str, id: &str| held.get(id).and_then(|h| h.source_hash.clone());
    let all_gone = deletion.settle(&missing, scope, source_hash, &mut passed)?;
    let uncertain = passed.uncertain.iter().map(String::as_str).chain(moves.kept());
    let uncertain: Vec<&str> = uncertain.flat_map(|id| ids.places(id)).collect();
    let behind: HashSet<&str> = passed.uncertain.iter().map(String::as_str).collect();
    folders.keep_ids(ids.moved(), ids.carried(|id| behind.contains(id)));
    folders.keep_noted(without_rule_file(noted, &tree, &access, &ids, &held, &documents, Some(&behind)));
    folders.keep_wordless(sandbox.wordless());
    folders.widen(&api, term, &report, &uncertain, all_gone && args.run.delete_missing, dry_run)?;

    if dry_run {
        passed.principals.extend(access.principals().into_iter().map(str::to_owned));
        term.line(&format!("principals named: {}", passed.principals.len()));
    }
    sandbox.tell(term);
    Ok(report.finish())
}

fn tree(args: &FolderArgs) -> Result<Tree, RunError> {
    for (what, name) in [("--source", &args.source), ("--collection", &args.collection)] {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
            return Err(RunError::Input(format!("{what}: 1 to 64 of A-Z a-z 0-9 . _ -")));
        }
    }
    let prefix = args.prefix.trim_matches('/');
    let odd = |part: &str| part.is_empty() || part == "." || part == ".." || part.chars().any(char::is_control);
    if !prefix.is_empty() && prefix.split('/').any(odd) {
        return Err(RunError::Input("--prefix: a relative path without . and ..".into()));
    }
    Ok(Tree { source: args.source.clone(), prefix: prefix.to_owned(), collection: args.collection.clone() })
}

/// What a collection holds of a source; `None` where there is no such collection, or none that the key reaches.
pub fn held(api: &Api<'_>, collection: &str, source: &str) -> Result<Option<Held>, RunError> {
    match api.states(collection, source) {
        Ok(states) => Ok(Some(states.into_iter().map(|s| (s.id.clone(), s)).collect())),
        Err(e) if e.status() == Some(404) => Ok(None),
        Err(e) => Err(e.needing("documents.write", || format!("to list and send documents of the source {source}"))),
    }
}

/// What a collection holds of a source. One that is missing is made where that is wanted; a dry run only says so.
pub fn held_or_made(
    api: &Api<'_>,
    run: &RunArgs,
    dry_run: bool,
    collection: &str,
    source: &str,
    term: &Term,
) -> Result<Held, RunError> {
    let wanted: BTreeMap<String, FieldType> = run.fields.iter().cloned().collect();
    if let Some(held) = held(api, collection, source)? {
        let declared = if wanted.is_empty() { BTreeMap::new() } else { api.declared(collection)? };
        return match wanted.iter().find(|(name, kind)| declared.get(*name) != Some(kind)) {
            None => Ok(held),
            Some((name, _)) => Err(RunError::Input(format!(
                "the collection {collection} is there already and does not declare the field `{name}` with this type; an \
                 administrator declares fields with PUT /v1/collections/{collection}"
            ))),
        };
    }
    if !run.create_collection {
        let text =
            format!("no collection {collection} (or none that the key reaches); make it with --create-collection");
        return Err(RunError::Input(text));
    }
    if dry_run {
        term.line(&format!("+ collection {collection}"));
    } else {
        let made = api.create_collection(collection, run.analyser.clone(), wanted);
        made.map_err(|e| e.needing("admin", || format!("to make the collection {collection} (--create-collection)")))?;
    }
    Ok(Held::new())
}

fn report_unreadable(listing: &Listing, globs: &Globs, access: &Access, taken: &[&str], report: &Report<'_>) {
    let is_ours = |path: &str| (globs.takes(path) || access.files().holds(path)) && !taken.contains(&path);
    for (path, reason) in listing.special.iter().filter(|(path, _)| is_ours(path)) {
        report.file(FileLine::new(path, Status::Skipped).because(reason));
    }
    for (path, reason) in listing.unnamed.iter().chain(&listing.unreadable) {
        let shown = if path.is_empty() { "." } else { path };
        report.file(FileLine::new(shown, Status::Failed).because(reason));
    }
}

/// Labels that nobody is cleared for hide documents from everybody; where the key may see that.
fn warn_of_uncleared(api: &Api<'_>, access: &Access, term: &Term) -> Result<(), RunError> {
    for (label, file) in access.labels() {
        let filter = ReadRelationships { object: Some(label.to_owned()), ..ReadRelationships::default() };
        match api.read_tuples(&filter, 1) {
            Ok((tuples, _)) if tuples.is_empty() => term.warn(&format!(
                "nobody is cleared for {label}, which {file} names: nobody reads what has this label (write `<principal> \
                 cleared {label}`)"
            )),
            Ok(_) => {}
            Err(e) if history::is_hidden(&e) || e.is_about_content() => return Ok(()),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// What else, beside their number, makes missing documents look like an unmounted or mistaken folder.
fn suspicious(listing: &Listing, files: &[&str], other_root: Option<String>) -> Option<String> {
    if files.is_empty() {
        return Some("the folder holds no documents".into());
    }
    if listing.unreadable.iter().any(|(path, _)| path.is_empty()) {
        return Some("the folder could not be read".into());
    }
    other_root.map(|last| format!("this source was last read from {last}"))
}

/// Path below the ingested folder of a document id, if it lies there.
fn within<'i>(tree: &Tree, id: &'i str) -> Option<&'i str> {
    let path = id.strip_prefix(&tree.source)?.strip_prefix('/')?;
    if tree.prefix.is_empty() {
        return Some(path);
    }
    path.strip_prefix(&tree.prefix)?.strip_prefix('/')
}

/// What this run saw of the folder.
struct There<'a> {
    globs: &'a Globs,
    listing: &'a Listing,
    records: &'a Records,
    /// Paths of documents.
    present: HashSet<&'a str>,
}

impl There<'_> {
    /// Whether there is no file at the path. What could not be looked at, or was left out by a glob, is not gone.
    fn is_gone(&self, path: &str) -> bool {
        !self.present.contains(path)
            && self.globs.covers(file_of(path))
            && !self.is_unreadable(path)
            && !self.records.is_unsure(path)
    }

    /// Whether it lies where nothing could be read.
    fn is_unreadable(&self, path: &str) -> bool {
        let lies_in = |dir: &str| {
            dir.is_empty() || file_of(path) == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
        };
        self.listing.unreadable.iter().any(|(dir, _)| lies_in(dir))
    }
}

/// Documents held for files that are not there, or are no documents any more.
fn missing(
    tree: &Tree,
    held: &Held,
    there: &There<'_>,
    ids: &Ids<'_>,
    moves: &Moves,
    passed: &Passed,
) -> Vec<(String, String)> {
    let gone = |id: &str| match ids.place(id) {
        Some(path) if there.present.contains(path) => passed.undocumented.contains_key(id) || ids.of(path) != id,
        Some(path) => there.is_gone(path),
        None => false,
    };
    let mut missing: Vec<_> =
        held.keys().filter(|id| gone(id) && !moves.keeps(id)).map(|id| (tree.collection.clone(), id.clone())).collect();
    missing.sort();
    missing
}

/// What is known of documents without a rule file of their own. Before anything is sent nothing is added to it: `behind` are
/// the documents that a run could not bring in line.
fn without_rule_file(
    mut noted: BTreeMap<String, String>,
    tree: &Tree,
    access: &Access,
    ids: &Ids<'_>,
    held: &Held,
    files: &[&str],
    behind: Option<&HashSet<&str>>,
) -> BTreeMap<String, String> {
    noted.retain(|id, _| held.contains_key(id));
    for path in files {
        let id = ids.of(path);
        if access.own_rule_file(path).is_some() {
            noted.remove(&id);
        } else if behind.is_some_and(|behind| !behind.contains(id.as_str())) {
            match access.to_note(tree, path) {
                Some(digest) => drop(noted.insert(id, digest)),
                None => drop(noted.remove(&id)),
            }
        }
    }
    noted
}

/// Directories that become folder objects: those that hold documents or rules.
fn inhabited<'l>(listing: &'l Listing, access: &Access, files: &[&'l str]) -> BTreeSet<&'l str> {
    let rules = listing.files.iter().map(String::as_str).filter(|f| access.files().holds(f));
    files.iter().copied().chain(rules).map(parent).collect()
}
