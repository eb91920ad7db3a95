//! What became of the bytes of documents that are not at their places any more, and what must not become of them.
//!
//! SECURITY: what a rule file restricts stays closed where the file is renamed and its rule file is not. A ban that somebody
//! wrote by hand for a document binds every document that its bytes become.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use usher_base::faults::mutants;
use usher_base::wire::bounds::MAX_OBJECT;
use usher_base::wire::{DocumentState, ReadRelationships, SectionAcl, TupleKey};

use super::access::Access;
use super::ids::{Heirs, Ids, Seen};
use super::records::Records;
use super::tuples::FolderTuples;
use super::{There, within};
use crate::acl::folders::{Change, Tree, TupleSet};
use crate::acl::principal;
use crate::acl::rules::{LeftBehind, RECORD, SectionRule, ancestors, file_of, own_file, parent};
use crate::api::{Api, ApiError};
use crate::documents::{Held, acl_digest};
use crate::fingerprint::{by_hash, bytes_of, former_hash, of_bytes};
use crate::fsroot::Root;
use crate::history;
use crate::report::Report;
use crate::sandbox::Sandbox;
use crate::term::Term;
use crate::tuple_writer;

mod divided;

/// More bans than this are not read of one document.
const MAX_BANS: usize = 100_000;

/// The label that the service gives a document whose rules name none.
const OPEN: &str = "classification:open";

#[derive(Debug, Default)]
pub struct Moves {
    /// Files that are not sent, with the reason.
    pub withheld: BTreeMap<String, String>,
    heirs: Heirs,
    /// Documents whose bytes withheld files have: without them nothing would tell what those are.
    kept: BTreeSet<String>,
}

/// Rule files whose documents are not there, by the paths of those.
type Left<'a> = BTreeMap<&'a str, &'a LeftBehind>;

/// What a look at all files found.
#[derive(Default)]
struct Looked<'f> {
    /// Files that are no documents yet, or have other bytes than theirs.
    arrived: Vec<Seen<'f>>,
    /// Files with the bytes of their documents.
    same: HashSet<&'f str>,
    /// Of `arrived`, those with the bytes of another document.
    known: HashSet<&'f str>,
}

pub struct Finder<'a> {
    pub api: &'a Api<'a>,
    pub tree: &'a Tree,
    pub root: &'a Root,
    pub access: &'a Access,
    pub held: &'a Held,
    pub there: &'a There<'a>,
    pub records: &'a Records,
    pub sandbox: &'a Sandbox,
    /// Documents that had no rule file of their own, see [`crate::state::State::noted`].
    pub noted: &'a BTreeMap<String, String>,
    pub max_file_size: u64,
    pub jobs: u16,
}

impl Finder<'_> {
    /// Looks at the bytes of all files: those that are new or changed may be what a document was.
    pub fn find(&self, files: &[&str], ids: &mut Ids<'_>) -> Result<Moves, ApiError> {
        let left: Left<'_> = self.access.left_behind().collect();
        let hashes: Vec<(&str, &str)> =
            self.held.iter().filter_map(|(id, state)| Some((&**id, state.source_hash.as_deref()?))).collect();
        let gone: Vec<(&str, &str)> = hashes
            .iter()
            .filter(|(id, _)| ids.place(id).is_some_and(|path| self.there.is_gone(path)))
            .copied()
            .collect();
        let mut looked = if hashes.is_empty() { Looked::default() } else { self.look(files, ids, &left) };
        let is_left = |ids: &Ids<'_>, id: &str| ids.names(id).any(|name| left.contains_key(file_of(name)));
        let first: BTreeSet<&str> = gone.iter().map(|(id, _)| *id).filter(|id| is_left(ids, id)).collect();
        let new: Vec<&Seen<'_>> = looked.arrived.iter().filter(|file| file.is_new && file.has_rules).collect();
        let mut moves = Moves { heirs: ids.find(&new, &gone, |id| first.contains(id)), ..Moves::default() };

        let by_hash = by_hash(&hashes);
        let gone: HashSet<&str> = gone.iter().map(|(id, _)| *id).collect();
        // Of documents that nobody knows: a file may have had a name that no run saw.
        let named: BTreeSet<&str> = self.held.keys().flat_map(|id| ids.names(id)).map(file_of).collect();
        let strays: Vec<&str> = left.keys().filter(|path| !named.contains(*path)).copied().collect();
        let is_known = |file: &&Seen<'_>| file.hashes().any(|hash| by_hash.contains_key(hash));
        looked.known = looked.arrived.iter().filter(is_known).map(|file| file.path).collect();
        for file in &looked.arrived {
            let own = ids.of(file.path);
            let known = file.hashes().filter_map(|hash| by_hash.get(hash));
            for id in known.flatten().filter(|id| **id != own) {
                match self.why_withheld(file.path, id, &left, &strays, ids) {
                    Some(reason) => moves.withhold(file.path, id, reason),
                    None if gone.contains(id) && file.is_new => {}
                    // The place that names it had another document, which it replaces.
                    None if gone.contains(id) => drop(moves.heirs.insert(((*id).to_owned(), file.path.to_owned()))),
                    None => self.judge(file, id, &looked, &left, &strays, ids, &mut moves)?,
                }
            }
        }
        let moved = ids.moved();
        for (path, id) in moved.iter().filter(|(path, _)| self.there.present.contains(path.as_str())) {
            if let Some(reason) = self.why_withheld(path, id, &left, &strays, ids) {
                moves.withheld.insert(path.clone(), reason);
            }
        }
        for (id, path) in self.divided(&looked, ids) {
            if let Some(reason) = self.why_withheld(&path, &id, &left, &strays, ids) {
                moves.withhold(&path, &id, reason);
            }
            moves.heirs.insert((id, path));
        }
        let displaced = ids.displaced().map(|(path, id)| (id.to_owned(), path.to_owned()));
        moves.heirs.extend(displaced);
        Ok(moves)
    }

    fn look<'f>(&self, files: &[&'f str], ids: &Ids<'_>, left: &Left<'_>) -> Looked<'f> {
        let look = |part: &[&'f str]| {
            let mut looked = Looked::default();
            for path in part {
                let id = ids.of(path);
                let held = self.held.get(&id);
                match self.seen(path, held, left) {
                    Some(Some(file)) => looked.arrived.push(file),
                    Some(None) => drop(looked.same.insert(*path)),
                    None => {}
                }
            }
            looked
        };
        let part = files.len().div_ceil(usize::from(self.jobs).max(1)).max(1);
        let mut all = Looked::default();
        std::thread::scope(|scope| {
            let running: Vec<_> = files.chunks(part).map(|part| scope.spawn(move || look(part))).collect();
            for found in running.into_iter().filter_map(|thread| thread.join().ok()) {
                all.arrived.extend(found.arrived);
                all.same.extend(found.same);
            }
        });
        all
    }

    /// The bytes of a file, unless they are those of its document. `None`: it can't be read.
    fn seen<'f>(&self, path: &'f str, held: Option<&DocumentState>, left: &Left<'_>) -> Option<Option<Seen<'f>>> {
        if path.contains(RECORD) {
            return self.record(path, held);
        }
        let file = self.root.read(path, self.max_file_size).ok()?;
        let bytes = of_bytes(&file.bytes);
        let hash = held.and_then(|held| held.source_hash.as_deref());
        if hash.is_some_and(|hash| bytes_of(hash) == bytes) {
            return Some(None);
        }
        // Where rules are there and broken it is refused as at its old place, and stays what it is.
        let (own, has_rules) = match self.access.of(path, self.tree, &file.meta) {
            Ok((rules, _)) => (rules.sections, true),
            Err(denied) => (Vec::new(), denied.unmappable),
        };
        let places = [own.as_slice(), &[]].into_iter().chain(left.values().map(|left| left.sections.as_slice()));
        let former = places.map(|sections| former_hash(&file.bytes, sections)).collect::<BTreeSet<_>>();
        if hash.is_some_and(|hash| former.contains(hash)) {
            return Some(None);
        }
        Some(Some(Seen { path, bytes, former: former.into_iter().collect(), is_new: held.is_none(), has_rules }))
    }

    /// Why a file is not sent that has a document's bytes: the rule file of that document lies at another place.
    fn why_withheld(&self, path: &str, id: &str, left: &Left<'_>, strays: &[&str], ids: &Ids<'_>) -> Option<String> {
        let mut names = ids.names(id).filter(|name| file_of(name) != file_of(path));
        if let Some((was, rules)) = names.find_map(|name| Some((name, left.get(file_of(name))?))) {
            let file = &rules.file;
            let wanted = own_file(path);
            return Some(format!(
                "it is {was}, which {file} restricts, under another name: rename the rule file to {wanted}, or remove it"
            ));
        }
        let is_moved = ids.is_on_its_way(id) || ids.place(id).is_some_and(|place| self.there.is_gone(place));
        if is_moved { self.stray_for(path, id, left, strays, ids) } else { None }
    }

    /// Why a moved file is not sent: a rule file of a document that nobody knows may be meant for it.
    fn stray_for(&self, path: &str, id: &str, left: &Left<'_>, strays: &[&str], ids: &Ids<'_>) -> Option<String> {
        if self.access.own_rule_file(path).is_some() {
            return None;
        }
        let mut places = ids.places(id).filter(|was| *was != path);
        let (stray, _) = places.find_map(|was| {
            let stray = strays.iter().find(|stray| self.is_meant(stray, path, was, id))?;
            Some((stray, was))
        })?;
        let file = &left.get(stray)?.file;
        Some(format!(
            "it had another name, and {file} restricts a document that is not there: rename the rule file after \
             its document, or remove it"
        ))
    }

    /// Whether a rule file of a document that nobody knows may be meant for one that was moved: for one that had a rule
    /// file, or for one that may have had the name in between.
    fn is_meant(&self, stray: &str, path: &str, was: &str, id: &str) -> bool {
        let name = |path: &str| file_of(path).rsplit('/').next().unwrap_or_default().to_owned();
        let extension = |path: &str| name(path).rsplit_once('.').map(|(_, extension)| extension.to_owned());
        let is_beside = [parent(path), parent(was)].contains(&parent(stray));
        let is_alike = is_beside && name(path) != name(was) && extension(stray) == extension(path);
        is_alike || self.may_have_own_rules(was, id)
    }

    fn may_have_own_rules(&self, was: &str, id: &str) -> bool {
        let noted = self.noted.get(id).map(String::as_str);
        self.held.get(id).is_some_and(|held| self.access.may_have_own_rules(self.tree, was, held, noted))
    }

    /// Of a file with the bytes of a document at whose place another file lies.
    #[allow(clippy::too_many_arguments, reason = "what a look at all files has found")]
    fn judge(
        &self,
        file: &Seen<'_>,
        id: &str,
        looked: &Looked<'_>,
        left: &Left<'_>,
        strays: &[&str],
        ids: &Ids<'_>,
        moves: &mut Moves,
    ) -> Result<(), ApiError> {
        let path = file.path;
        let Some(place) = ids.place(id).filter(|place| *place != path) else { return Ok(()) };
        let held = self.held.get(id);
        let may_be_restricted = self.may_have_own_rules(place, id);
        // A copy beside it is a document like any other. What a glob leaves out is looked at for this.
        let is_left_out = !self.there.present.contains(place);
        if looked.same.contains(place) || is_left_out && matches!(self.seen(place, held, left), Some(None)) {
            return Ok(());
        }
        moves.heirs.insert((id.to_owned(), path.to_owned()));
        if may_be_restricted && self.access.own_rule_file(path).is_none() && self.there.is_unreadable(place) {
            let reason = format!(
                "it has the content of {place}, which rules of its own may restrict, and what lies there can't be read: \
                 give it a rule file of its own"
            );
            moves.withhold(path, id, reason);
            return Ok(());
        }
        let stray = self.stray_for(path, id, left, strays, ids);
        if let Some(reason) = stray.filter(|_| !mutants::active("strays_of_a_free_place_alone")) {
            moves.withhold(path, id, reason);
            let reason = format!("the content that it had is in {path} now, which waits for its rules");
            moves.withheld.entry(place.to_owned()).or_insert(reason);
            return Ok(());
        }
        // A rule file that came there with what lies there now is not of what lay there before.
        let came_along = looked.known.contains(place) && !may_be_restricted;
        if came_along || self.access.own_rule_file(place) != Some(true) {
            return Ok(());
        }
        let rules = own_file(place);
        let (reason, missing) = if self.access.own_rule_file(path).is_none() {
            let reason =
                format!("it has the content that {place} had, which {rules} restricts: give it a rule file of its own");
            (reason, format!("without {rules}: give {path} a rule file of its own"))
        } else if self.access.has_same_rule_file(place, path) || !self.has_rules_of_before(file, &ids.of(path))? {
            return Ok(());
        } else {
            let own = own_file(path);
            let reason = format!(
                "it has the content that {place} had, which {rules} restricts, and {own} is that of the content before: \
                 rename the rule files after their documents, or change {own}"
            );
            (reason, format!("with {own} as it was before: rename the rule files after their documents"))
        };
        moves.withhold(path, id, reason);
        let reason = format!("the content that it had is in {path} now, {missing}");
        moves.withheld.entry(place.to_owned()).or_insert(reason);
        Ok(())
    }

    /// Whether the rules of a file are those that its document has: nobody wrote them for what the file holds now.
    fn has_rules_of_before(&self, file: &Seen<'_>, id: &str) -> Result<bool, ApiError> {
        if file.is_new {
            return Ok(false);
        }
        let Ok((now, _)) = self.access.of(file.path, self.tree, &Err(String::new())) else { return Ok(true) };
        let before = match self.api.acl(&self.tree.collection, id) {
            Ok(before) => before,
            Err(e) if history::is_hidden(&e) => return Ok(true),
            Err(e) => return Err(e),
        };
        let is_of = |id: &str, rule: &SectionRule| {
            id == rule.id || id.strip_prefix(&rule.id).is_some_and(|rest| rest.starts_with('-'))
        };
        let sections = &before.sections;
        let is_there = |rule: &SectionRule| sections.iter().any(|s| is_of(&s.id, rule) && s.acl == rule.acl);
        let is_said = |s: &SectionAcl| now.sections.iter().any(|rule| is_of(&s.id, rule));
        let is_same = now.sections.iter().all(is_there) && sections.iter().all(is_said);
        Ok(is_same && before.acl.is_some_and(|acl| acl_digest(&acl) == acl_digest(&now.acl)))
    }
}

impl Moves {
    fn withhold(&mut self, path: &str, id: &str, reason: String) {
        self.withheld.insert(path.to_owned(), reason);
        self.kept.insert(id.to_owned());
    }

    /// Whether a document whose file is gone has to stay, because a file with its bytes waits for its rules.
    pub fn keeps(&self, id: &str) -> bool {
        self.kept.contains(id)
    }

    /// Those documents.
    pub fn kept(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(String::as_str)
    }

    /// Withholds what left a directory that is gone while its folder has bans that somebody wrote by hand: they are not on
    /// the folder that it would have. `present`: directories that are there.
    pub fn keep_bans_of_folders(
        &mut self,
        api: &Api<'_>,
        tree: &Tree,
        ids: &Ids<'_>,
        folders: &FolderTuples,
        present: &BTreeSet<&str>,
        report: &Report<'_>,
    ) -> Result<(), ApiError> {
        let mut reasons: BTreeMap<String, Option<String>> = BTreeMap::new();
        let moved = ids.on_their_way().filter_map(|(id, was)| Some((id, was, ids.place(id)?.to_owned())));
        let heirs: Vec<(String, String)> = self.heirs.iter().cloned().collect();
        let heirs = heirs.iter().flat_map(|(id, path)| ids.names(id).map(move |was| (&**id, was, path.clone())));
        for (id, was, path) in moved.chain(heirs) {
            for dir in ancestors(parent(was)).filter(|dir| !present.contains(dir)) {
                if !reasons.contains_key(dir) {
                    let object = tree.folder(dir);
                    let filter = ReadRelationships {
                        object: Some(object.clone()),
                        relation: Some("blocked".into()),
                        ..ReadRelationships::default()
                    };
                    let reason = match api.read_tuples(&filter, MAX_BANS) {
                        Ok((bans, _)) => bans.into_iter().find(|ban| !folders.has_written(ban)).map(|ban| {
                            format!(
                                "{object} has bans that somebody wrote by hand ({}), and its directory is gone: write them \
                                 for the new one and remove them there",
                                ban.user
                            )
                        }),
                        Err(e) if history::is_hidden(&e) => {
                            report.trouble(&format!(
                                "bans that somebody wrote by hand for {object} may not bind what was moved from there: the \
                                 key may not read them (scope relationships.read)"
                            ));
                            None
                        }
                        Err(e) => return Err(e),
                    };
                    reasons.insert(dir.to_owned(), reason);
                }
                if let Some(Some(reason)) = reasons.get(dir) {
                    self.withheld.entry(path.clone()).or_insert_with(|| reason.clone());
                    self.kept.insert(id.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Writes for documents to be what keeps somebody from the documents whose bytes they have, but not from rules.
    pub fn pass_on_bans(
        &self,
        api: &Api<'_>,
        tree: &Tree,
        ids: &Ids<'_>,
        term: &Term,
        report: &Report<'_>,
        dry_run: bool,
    ) -> Result<(), ApiError> {
        let mut by_document: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        self.heirs.iter().for_each(|(id, path)| by_document.entry(id).or_default().push(path));
        // All are read before any is written: what a document hands on is not what it gets.
        let mut found = Vec::new();
        for (id, paths) in by_document {
            match bans(api, &tree.collection, id) {
                Ok(bans) => found.push((id, paths, bans)),
                Err(e) if history::is_hidden(&e) => found.push((id, paths, None)),
                Err(e) => return Err(e),
            }
        }
        for (id, paths, bans) in found {
            let was = within(tree, id).unwrap_or(id);
            let Some(bans) = bans else {
                let to = paths.join(", ");
                report.trouble(&format!(
                    "bans that somebody wrote by hand for {id} may not bind {to}, which has its content: the key may not \
                     read them (scope relationships.read)"
                ));
                continue;
            };
            for path in paths.into_iter().filter(|_| !bans.is_empty()) {
                let object = object_like(&bans, &ids.of(path));
                let there = on(api, &object)?;
                // Of two bans that differ in their condition the one that always holds.
                let of = |ban: &TupleKey| {
                    let ban = TupleKey { object: object.clone(), ..ban.clone() };
                    match there.get(&ban) {
                        None => Some(Change::Write(ban)),
                        Some(it) if it.condition == ban.condition || it.condition.is_none() => None,
                        Some(_) => Some(Change::Replace(TupleKey { condition: None, ..ban })),
                    }
                };
                let changes: Vec<Change> = bans.iter().filter_map(of).collect();
                let count = changes.len();
                if count == 0 {
                    continue;
                }
                term.line(&format!("{path} has the content that {was} had: {count} bans written by hand come along"));
                tuple_writer::apply(api, term, report, &changes, None, dry_run)?;
            }
        }
        Ok(())
    }
}

/// Bans and labels of an object.
fn on(api: &Api<'_>, object: &str) -> Result<TupleSet, ApiError> {
    let mut found = TupleSet::default();
    for relation in ["blocked", "classification"] {
        let filter = ReadRelationships {
            object: Some(object.to_owned()),
            relation: Some(relation.to_owned()),
            ..ReadRelationships::default()
        };
        let (tuples, _) = api.read_tuples(&filter, MAX_BANS)?;
        tuples.into_iter().for_each(|tuple| found.insert(tuple));
    }
    Ok(found)
}

/// What keeps somebody from a document and does not come from its rules as they were sent. `None`: it can't be told.
fn bans(api: &Api<'_>, collection: &str, id: &str) -> Result<Option<Vec<TupleKey>>, ApiError> {
    let sent = api.acl(collection, id)?;
    let Some(object) = sent.object else { return Ok(None) };
    let acl = sent.acl.unwrap_or_default();
    let mut found: Vec<TupleKey> = on(api, &object)?.iter().cloned().collect();
    // The service spells addresses in its own way; where it keeps the rule's spelling, it holds that one.
    let held: BTreeSet<String> = found.iter().map(|tuple| tuple.user.clone()).collect();
    let is_spelt = |rule: &str, user: &str| rule == user || rule.eq_ignore_ascii_case(user) && !held.contains(rule);
    let is_rule = |tuple: &TupleKey| match tuple.relation.as_str() {
        "blocked" => acl.blocked.iter().any(|entry| is_spelt(principal::subject(entry), &tuple.user)),
        _ => acl.classification.as_deref().unwrap_or(OPEN) == tuple.user,
    };
    found.retain(|tuple| !is_rule(tuple));
    Ok(Some(found))
}

/// The object of another document, named as the service does; of the type of these.
fn object_like(bans: &[TupleKey], id: &str) -> String {
    let kind = bans.first().and_then(|ban| ban.object.split_once(':')).map_or("document", |(kind, _)| kind);
    let name = usher_authz::names::encode_id(id);
    if kind.len().saturating_add(1).saturating_add(name.len()) > MAX_OBJECT || name.starts_with("h~") {
        return format!("{kind}:h~{}", blake3::hash(name.as_bytes()).to_hex());
    }
    format!("{kind}:{name}")
}
