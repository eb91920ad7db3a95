//! What became of the bytes of documents that are not at their places any more, and what must not become of them.
//!
//! SECURITY: what a rule file restricts stays closed where the file is renamed and its rule file is not. A ban that somebody
//! wrote by hand for a document binds every document that its bytes become.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use usher_base::wire::bounds::MAX_OBJECT;
use usher_base::wire::{ReadRelationships, TupleKey};

use super::access::Access;
use super::ids::{Heirs, Ids, Seen};
use super::tuples::FolderTuples;
use super::{There, within};
use crate::acl::folders::{Change, Tree};
use crate::acl::principal;
use crate::acl::rules::{LeftBehind, SUFFIX, ancestors, parent};
use crate::api::{Api, ApiError};
use crate::documents::Held;
use crate::fingerprint::{by_hash, former_hash, of_bytes};
use crate::fsroot::Root;
use crate::history;
use crate::report::Report;
use crate::term::Term;
use crate::tuple_writer;

/// More bans than this are not read of one document.
const MAX_BANS: usize = 100_000;

#[derive(Debug, Default)]
pub struct Moves {
    /// Files that are not sent, with the reason.
    pub withheld: BTreeMap<String, String>,
    heirs: Heirs,
    /// Documents that were looked at, and whether their files have the bytes that they had.
    unmoved: HashMap<String, bool>,
}

/// Rule files whose documents are not there, by the paths of those.
type Left<'a> = BTreeMap<&'a str, &'a LeftBehind>;

pub struct Finder<'a> {
    pub tree: &'a Tree,
    pub root: &'a Root,
    pub access: &'a Access,
    pub held: &'a Held,
    pub there: &'a There<'a>,
    pub max_file_size: u64,
}

impl Finder<'_> {
    /// Looks at the bytes of new files.
    pub fn find(&self, files: &[&str], ids: &mut Ids<'_>) -> Moves {
        let left: Left<'_> = self.access.left_behind().collect();
        let hashes: Vec<(&str, &str)> =
            self.held.iter().filter_map(|(id, state)| Some((&**id, state.source_hash.as_deref()?))).collect();
        let gone: Vec<(&str, &str)> = hashes
            .iter()
            .filter(|(id, _)| ids.place(id).is_some_and(|path| self.there.is_gone(path)))
            .copied()
            .collect();
        let files_of_ids = if hashes.is_empty() { Vec::new() } else { ids.new_files(files, self.held) };
        let new: Vec<Seen<'_>> = files_of_ids.into_iter().filter_map(|path| self.seen(path, &left)).collect();
        let is_left = |ids: &Ids<'_>, id: &str| ids.names(id).any(|name| left.contains_key(name));
        let first: BTreeSet<&str> = gone.iter().map(|(id, _)| *id).filter(|id| is_left(ids, id)).collect();
        let mut moves = Moves { heirs: ids.find(&new, &gone, |id| first.contains(id)), ..Moves::default() };

        let by_hash = by_hash(&hashes);
        // Of documents that nobody knows: a file may have had a name that no run saw.
        let named: BTreeSet<&str> = self.held.keys().flat_map(|id| ids.names(id)).collect();
        let stray = left.iter().find(|(path, _)| !named.contains(*path)).map(|(_, rules)| rules.file.as_str());
        for file in &new {
            let known = file.former.iter().chain([&file.bytes]).filter_map(|hash| by_hash.get(hash.as_str()));
            for id in known.flatten() {
                self.judge(file.path, id, &left, stray, ids, &mut moves);
            }
        }
        let moved = ids.moved();
        for (path, id) in moved.iter().filter(|(path, _)| self.there.present.contains(path.as_str())) {
            if let Some(reason) = self.why_withheld(path, id, &left, stray, ids) {
                moves.withheld.insert(path.clone(), reason);
            }
        }
        let displaced = ids.displaced().map(|(path, id)| (id.to_owned(), path.to_owned()));
        moves.heirs.extend(displaced);
        moves
    }

    /// Of a file whose rules can be told, or are there and broken: as at its old place it is refused, and stays what it is.
    fn seen<'f>(&self, path: &'f str, left: &Left<'_>) -> Option<Seen<'f>> {
        let file = self.root.read(path, self.max_file_size).ok()?;
        let own = match self.access.of(path, self.tree, &file.meta) {
            Ok((rules, _)) => rules.sections,
            Err(denied) if denied.unmappable => Vec::new(),
            Err(_) => return None,
        };
        let places = [own.as_slice(), &[]].into_iter().chain(left.values().map(|left| left.sections.as_slice()));
        let former = places.map(|sections| former_hash(&file.bytes, sections)).collect::<BTreeSet<_>>();
        Some(Seen { path, bytes: of_bytes(&file.bytes), former: former.into_iter().collect() })
    }

    /// Why a file is not sent that has a document's bytes: the rule file of that document lies at another place.
    fn why_withheld(
        &self,
        path: &str,
        id: &str,
        left: &Left<'_>,
        stray: Option<&str>,
        ids: &Ids<'_>,
    ) -> Option<String> {
        let mut names = ids.names(id).filter(|name| *name != path);
        if let Some((was, rules)) = names.find_map(|name| Some((name, left.get(name)?))) {
            let file = &rules.file;
            return Some(format!(
                "it is {was}, which {file} restricts, under another name: rename the rule file to {path}{SUFFIX}, or remove it"
            ));
        }
        let stray = stray.filter(|_| ids.is_on_its_way(id) && self.access.own_rule_file(path).is_none())?;
        Some(format!(
            "it had another name, and {stray} restricts a document that is not there: rename the rule file after its \
             document, or remove it"
        ))
    }

    /// Of a new file with the bytes of a document that is held.
    fn judge(&self, path: &str, id: &str, left: &Left<'_>, stray: Option<&str>, ids: &Ids<'_>, moves: &mut Moves) {
        if let Some(reason) = self.why_withheld(path, id, left, stray, ids) {
            moves.withheld.insert(path.to_owned(), reason);
            return;
        }
        let Some(place) = ids.place(id).filter(|place| *place != path && self.there.present.contains(place)) else {
            return;
        };
        // A copy beside it is a document like any other.
        let is_there = *moves.unmoved.entry(id.to_owned()).or_insert_with(|| {
            let hash = self.held.get(id).and_then(|held| held.source_hash.as_deref());
            hash.zip(self.seen(place, left)).is_some_and(|(hash, seen)| seen.is_of(hash))
        });
        if is_there {
            return;
        }
        moves.heirs.insert((id.to_owned(), path.to_owned()));
        if self.access.own_rule_file(place) == Some(true) && self.access.own_rule_file(path).is_none() {
            let rules = format!("{place}{SUFFIX}");
            moves.withheld.insert(
                path.to_owned(),
                format!("it has the content that {place} had, which {rules} restricts: give it a rule file of its own"),
            );
            moves.withheld.insert(
                place.to_owned(),
                format!(
                    "the content that it had is in {path} now, without {rules}: give {path} a rule file of its own"
                ),
            );
        }
    }
}

impl Moves {
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
        for (id, was) in ids.on_their_way() {
            let Some(path) = ids.place(id) else { continue };
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
                    self.withheld.entry(path.to_owned()).or_insert_with(|| reason.clone());
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
        for (id, paths) in by_document {
            let bans = match bans(api, &tree.collection, id) {
                Ok(bans) => bans,
                Err(e) if history::is_hidden(&e) => None,
                Err(e) => return Err(e),
            };
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
                let of = |ban: &TupleKey| Change::Write(TupleKey { object: object.clone(), ..ban.clone() });
                let changes: Vec<Change> = bans.iter().map(of).collect();
                let count = changes.len();
                term.line(&format!("{path} has the content that {was} had: {count} bans written by hand come along"));
                tuple_writer::apply(api, term, report, &changes, None, dry_run)?;
            }
        }
        Ok(())
    }
}

/// What keeps somebody from a document and does not come from its rules as they were sent. `None`: it can't be told.
fn bans(api: &Api<'_>, collection: &str, id: &str) -> Result<Option<Vec<TupleKey>>, ApiError> {
    let sent = api.acl(collection, id)?;
    let Some(object) = sent.object else { return Ok(None) };
    let acl = sent.acl.unwrap_or_default();
    let mut found = Vec::new();
    for relation in ["blocked", "classification"] {
        let filter = ReadRelationships {
            object: Some(object.clone()),
            relation: Some(relation.to_owned()),
            ..ReadRelationships::default()
        };
        let (tuples, _) = api.read_tuples(&filter, MAX_BANS)?;
        found.extend(tuples);
    }
    let is_rule = |tuple: &TupleKey| match tuple.relation.as_str() {
        "blocked" => acl.blocked.iter().any(|entry| principal::subject(entry) == tuple.user),
        _ => acl.classification.as_ref() == Some(&tuple.user),
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
