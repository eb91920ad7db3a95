//! Directories as `folder` objects: which relationship tuples they need, and how to get from what was last written to what
//! is wanted now.
//!
//! `parent` (bans, always) leads from the folder to the one above and at the top to the collection; `inherits` (grants)
//! likewise where the rules say so. A change of one rule file is a handful of tuples and touches no document.

use std::collections::{BTreeMap, BTreeSet};

use usher_base::wire::{AclEntry, TupleKey};

use super::principal;
use super::rules::{Broken, RuleFile, Rules, ancestors, parent};

/// Folder levels and group nesting together, so that a check stays clear of the depth limit of 25.
pub const MAX_LEVELS: usize = 20;

type TupleId = (String, String, String);

/// Tuples by identity; the condition is not part of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TupleSet(BTreeMap<TupleId, TupleKey>);

impl TupleSet {
    pub fn insert(&mut self, tuple: TupleKey) {
        self.0.insert((tuple.object.clone(), tuple.relation.clone(), tuple.user.clone()), tuple);
    }

    pub fn remove(&mut self, tuple: &TupleKey) {
        self.0.remove(&(tuple.object.clone(), tuple.relation.clone(), tuple.user.clone()));
    }

    pub fn contains(&self, tuple: &TupleKey) -> bool {
        self.0.contains_key(&(tuple.object.clone(), tuple.relation.clone(), tuple.user.clone()))
    }

    pub fn get(&self, tuple: &TupleKey) -> Option<&TupleKey> {
        self.0.get(&(tuple.object.clone(), tuple.relation.clone(), tuple.user.clone()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &TupleKey> {
        self.0.values()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn union(mut self, other: &TupleSet) -> TupleSet {
        for tuple in other.iter() {
            self.0.entry((tuple.object.clone(), tuple.relation.clone(), tuple.user.clone())).or_insert(tuple.clone());
        }
        self
    }
}

impl FromIterator<TupleKey> for TupleSet {
    fn from_iter<I: IntoIterator<Item = TupleKey>>(tuples: I) -> Self {
        let mut set = TupleSet::default();
        tuples.into_iter().for_each(|t| set.insert(t));
        set
    }
}

/// Where a tree of directories sits in the service.
#[derive(Debug, Clone)]
pub struct Tree {
    pub source: String,
    /// Path of the ingested folder within the source; mostly empty.
    pub prefix: String,
    pub collection: String,
}

impl Tree {
    /// Path within the source of a path within the ingested folder.
    pub fn within_source(&self, rel: &str) -> String {
        match (self.prefix.as_str(), rel) {
            ("", rel) => rel.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, rel) => format!("{prefix}/{rel}"),
        }
    }

    pub fn document(&self, rel: &str) -> String {
        format!("{}/{}", self.source, self.within_source(rel))
    }

    pub fn folder(&self, rel: &str) -> String {
        self.folder_at(&self.within_source(rel))
    }

    pub fn collection_object(&self) -> String {
        principal::object("collection", &usher_authz::names::encode_id(&self.collection))
    }

    fn folder_at(&self, path: &str) -> String {
        if path.is_empty() {
            return principal::object("folder", &self.source);
        }
        principal::object("folder", &format!("{}/{}", self.source, usher_authz::names::encode_id(path)))
    }

    /// Steps from a document in this directory to its collection.
    pub fn levels(&self, rel_dir: &str) -> usize {
        let path = self.within_source(rel_dir);
        let folders = if path.is_empty() { 0 } else { path.split('/').count() };
        folders.saturating_add(2)
    }

    /// Tuples of the given directories and all above them. `rules: None` writes structure only.
    pub fn desired(&self, dirs: &BTreeSet<&str>, rules: Option<&Rules>) -> TupleSet {
        let mut wanted = TupleSet::default();
        let paths: BTreeSet<String> = dirs.iter().map(|d| self.within_source(d)).collect();
        let with_ancestors: BTreeSet<&str> = paths.iter().flat_map(|p| ancestors(p)).collect();
        for path in with_ancestors {
            let folder = self.folder_at(path);
            let above = if path.is_empty() { self.collection_object() } else { self.folder_at(parent(path)) };
            wanted.insert(plain(&above, "parent", &folder));
            let Some(rules) = rules else { continue };
            let Some(rel) = self.relative(path) else {
                // Grants there reach what this run does not look at; a ban only ever narrows.
                if let Some(Ok(rule)) = rules.above.as_ref().and_then(|above| above.get(path)) {
                    list("blocked", &rule.blocked, &folder, &mut wanted);
                }
                continue;
            };
            let rule = match rules.dirs.get(rel) {
                Some(Ok(rule)) => Some(rule),
                Some(Err(_)) => continue,
                None => None,
            };
            said(rule, !rel.is_empty() || rules.above.is_some(), &above, &folder, &mut wanted);
        }
        wanted
    }

    /// Tuples that a run of the whole source writes for the directories above the ingested folder.
    pub fn desired_above(&self, rules: &BTreeMap<String, Result<RuleFile, Broken>>) -> TupleSet {
        let mut wanted = TupleSet::default();
        for path in self.above() {
            let above = if path.is_empty() { self.collection_object() } else { self.folder_at(parent(path)) };
            let rule = rules.get(path);
            if !matches!(rule, Some(Err(_))) {
                said(rule.and_then(|r| r.as_ref().ok()), !path.is_empty(), &above, &self.folder_at(path), &mut wanted);
            }
        }
        wanted
    }

    fn above(&self) -> impl Iterator<Item = &str> {
        let prefix = Some(self.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        prefix.into_iter().flat_map(|prefix| ancestors(parent(prefix)))
    }

    /// Whether the object is a folder above the ingested one.
    pub fn is_above(&self, object: &str) -> bool {
        self.above().any(|path| self.folder_at(path) == object)
    }

    /// Path relative to the ingested folder, for directories in it.
    fn relative<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.prefix.is_empty() {
            return Some(path);
        }
        match path.strip_prefix(self.prefix.as_str())? {
            "" => Some(""),
            rest => rest.strip_prefix('/'),
        }
    }

    /// Whether the object is one of this run's folders or lies below one.
    pub fn owns(&self, object: &str) -> bool {
        let top = self.folder("");
        object == top || object.strip_prefix(&top).is_some_and(|rest| rest.starts_with('/'))
    }
}

fn plain(user: &str, relation: &str, object: &str) -> TupleKey {
    TupleKey { user: user.to_owned(), relation: relation.to_owned(), object: object.to_owned(), condition: None }
}

/// What a directory's rules say of it. The top never takes the collection's grants unless it says so: nothing outside the
/// folder's own files may widen it.
fn said(rule: Option<&RuleFile>, inherits: bool, above: &str, folder: &str, wanted: &mut TupleSet) {
    if rule.and_then(|r| r.inherit).unwrap_or(inherits) && !rule.is_some_and(|r| r.nobody) {
        wanted.insert(plain(above, "inherits", folder));
    }
    if let Some(rule) = rule {
        grants(rule, folder, wanted);
    }
}

fn list(relation: &str, principals: &[AclEntry], folder: &str, wanted: &mut TupleSet) {
    for p in principals {
        let condition = match p {
            AclEntry::Plain(_) => None,
            AclEntry::Conditional(c) => Some(c.condition.clone()),
        };
        wanted.insert(TupleKey { condition, ..plain(principal::subject(p), relation, folder) });
    }
}

fn grants(rule: &RuleFile, folder: &str, wanted: &mut TupleSet) {
    let lists =
        [("owner", &rule.owners), ("editor", &rule.editors), ("viewer", &rule.viewers), ("blocked", &rule.blocked)];
    for (relation, principals) in lists {
        list(relation, principals, folder, wanted);
    }
    if !rule.all_of.is_empty() {
        let clause = clause(&rule.all_of, wanted);
        wanted.insert(plain(&format!("{clause}#member"), "viewer", folder));
    }
}

/// "In every list" as a chain of `clause` objects, each `a and b`. Named by content, so that equal conjunctions are one
/// object, and never deleted, since another rule may use the same.
fn clause(lists: &[Vec<String>], wanted: &mut TupleSet) -> String {
    let mut sets: Vec<BTreeSet<&str>> = lists.iter().map(|l| l.iter().map(String::as_str).collect()).collect();
    sets.sort();
    sets.dedup();
    let last = sets.pop().unwrap_or_default();
    // One list left (all were equal): a clause with itself.
    let before = sets.pop().unwrap_or_else(|| last.clone());
    let mut clause = one_clause(&before, &last, wanted);
    for set in sets.iter().rev() {
        let member = format!("{clause}#member");
        clause = one_clause(set, &BTreeSet::from([member.as_str()]), wanted);
    }
    clause
}

fn one_clause(a: &BTreeSet<&str>, b: &BTreeSet<&str>, wanted: &mut TupleSet) -> String {
    let mut hasher = blake3::Hasher::new();
    for (mark, set) in [("a", a), ("b", b)] {
        for p in set {
            hasher.update(format!("{mark} {p}\n").as_bytes());
        }
    }
    let id = hasher.finalize().to_hex();
    let clause = format!("clause:i-{}", id.get(..40).unwrap_or_default());
    for (relation, set) in [("a", a), ("b", b)] {
        for p in set {
            wanted.insert(plain(p, relation, &clause));
        }
    }
    clause
}

/// One change of the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Write(TupleKey),
    Delete(TupleKey),
    /// Same tuple, other condition.
    Replace(TupleKey),
}

impl Change {
    pub fn tuple(&self) -> &TupleKey {
        match self {
            Change::Write(t) | Change::Delete(t) | Change::Replace(t) => t,
        }
    }
}

/// Changes in two parts: what narrows goes before the documents of a run, what widens after them.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    pub narrow: Vec<Change>,
    pub widen: Vec<Change>,
}

pub fn difference(old: &TupleSet, new: &TupleSet) -> Changes {
    let mut changes = Changes::default();
    for (id, tuple) in &old.0 {
        if new.0.contains_key(id) || is_clause(tuple) {
            continue;
        }
        let side = if narrows(tuple) { &mut changes.widen } else { &mut changes.narrow };
        side.push(Change::Delete(bare(tuple)));
    }
    for (id, tuple) in &new.0 {
        match old.0.get(id) {
            Some(before) if before.condition == tuple.condition => {}
            Some(_) if narrows(tuple) => changes.narrow.push(Change::Replace(tuple.clone())),
            Some(_) => {
                changes.narrow.push(Change::Delete(bare(tuple)));
                changes.widen.push(Change::Write(tuple.clone()));
            }
            None if narrows(tuple) => changes.narrow.push(Change::Write(tuple.clone())),
            None => changes.widen.push(Change::Write(tuple.clone())),
        }
    }
    changes
}

/// Bans and the way they come down; clauses grant nothing by themselves.
pub fn narrows(tuple: &TupleKey) -> bool {
    matches!(tuple.relation.as_str(), "blocked" | "parent") || is_clause(tuple)
}

fn is_clause(tuple: &TupleKey) -> bool {
    tuple.object.starts_with("clause:")
}

fn bare(tuple: &TupleKey) -> TupleKey {
    TupleKey { condition: None, ..tuple.clone() }
}

#[cfg(test)]
mod tests;
