//! Which document a file is: the one that its path names, or the one that it was before it was moved.
//!
//! A file that turns up with the bytes of a document whose file is gone keeps that document's id, and with it the bans and
//! grants that somebody gave the document by hand, links to it, and its vectors. Its rules are those of the new place. Of
//! several that could be it, names decide, and every one of them keeps the bans (`bans`). Where a file lies at the old
//! place again, paths decide.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::within;
use crate::acl::folders::Tree;
use crate::documents::Held;
use crate::fingerprint::by_hash;

/// More pairs than this of files and documents with the same bytes are not compared by name.
const MAX_PAIRS: usize = 1_000_000;

#[derive(Debug)]
pub struct Ids<'a> {
    tree: &'a Tree,
    /// Path to id, where the path names another one.
    moved: BTreeMap<String, String>,
    /// Id to path, of the same.
    places: HashMap<String, String>,
    /// Id to the path before, of what this run found moved.
    before: HashMap<String, String>,
    /// Id to the path whose rules the document carries, of what could not be sent from a newer one.
    carried: BTreeMap<String, String>,
    /// Files that may not have been sent from their new place yet.
    fresh: HashSet<String>,
    /// Files that were moved documents, until another file came to the place that names the document; with its id.
    displaced: Vec<(String, String)>,
}

/// What the last run left.
#[derive(Debug, Default)]
pub struct Recorded {
    pub moved: BTreeMap<String, String>,
    pub carried: BTreeMap<String, String>,
    /// See [`crate::state::State::noted`].
    pub noted: BTreeMap<String, String>,
    /// See [`crate::state::State::wordless`].
    pub wordless: BTreeSet<String>,
    /// It reached its end.
    pub is_complete: bool,
}

/// A file that is no document yet, or has other bytes than its document, with all hashes by which a document of its bytes
/// may be known.
#[derive(Debug)]
pub struct Seen<'f> {
    pub path: &'f str,
    pub bytes: String,
    pub former: Vec<String>,
    /// It is no document yet.
    pub is_new: bool,
    /// Some rule reaches it, if only one that can't be used.
    pub has_rules: bool,
}

impl Seen<'_> {
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        self.former.iter().chain([&self.bytes]).map(String::as_str)
    }
}

/// (document, file): the file has the document's bytes and becomes another document.
pub type Heirs = BTreeSet<(String, String)>;

impl<'a> Ids<'a> {
    pub fn recorded(tree: &'a Tree, recorded: &Recorded, files: &[&str], held: &Held) -> Self {
        let present: HashSet<&str> = files.iter().copied().collect();
        // Whether another file lies at the place that names the document.
        let is_taken = |path: &str, id: &str| {
            let own = within(tree, id).filter(|own| *own != path && held.contains_key(id));
            own.map(|own| present.contains(own))
        };
        let good = recorded.moved.iter().filter(|(path, id)| is_taken(path, id) == Some(false));
        let moved: BTreeMap<String, String> = good.map(|(path, id)| (path.clone(), id.clone())).collect();
        let is_new = |path: &str| present.contains(path) && !held.contains_key(&tree.document(path));
        let is_displaced = |path: &str, id: &str| is_new(path) && is_taken(path, id) == Some(true);
        let displaced = recorded.moved.iter().filter(|(path, id)| is_displaced(path, id));
        let displaced = displaced.map(|(path, id)| (path.clone(), id.clone())).collect();
        let places = moved.iter().map(|(path, id)| (id.clone(), path.clone())).collect();
        let is_behind = |id: &String| !recorded.is_complete || recorded.carried.contains_key(id);
        let fresh = moved.iter().filter(|(_, id)| is_behind(id)).map(|(path, _)| path.clone()).collect();
        let carried = recorded.carried.iter().filter(|(id, _)| held.contains_key(*id));
        let carried = carried.map(|(id, path)| (id.clone(), path.clone())).collect();
        Self { tree, moved, places, before: HashMap::new(), carried, fresh, displaced }
    }

    /// Files that were moved documents, until another file came to the place that names the document; with its id.
    pub fn displaced(&self) -> impl Iterator<Item = (&str, &str)> {
        self.displaced.iter().map(|(path, id)| (path.as_str(), id.as_str()))
    }

    /// Finds what was moved. `gone` are documents whose files are not there, with the hashes of their sources; those with
    /// `is_first` come before others. What stays in doubt is told as heirs.
    pub fn find(&mut self, new: &[&Seen<'_>], gone: &[(&str, &str)], is_first: impl Fn(&str) -> bool) -> Heirs {
        let by_hash = by_hash(gone);
        let mut alike: BTreeMap<&str, (BTreeSet<&str>, Vec<&str>)> = BTreeMap::new();
        for file in new {
            let ids: BTreeSet<&str> = file.hashes().filter_map(|h| by_hash.get(h)).flatten().copied().collect();
            if !ids.is_empty() {
                let (all, paths) = alike.entry(&file.bytes).or_default();
                all.extend(ids);
                paths.push(file.path);
            }
        }
        let mut heirs = Heirs::new();
        for (ids, paths) in alike.into_values() {
            let (pairs, doubtful) = self.pairs(&ids, &paths, &is_first);
            for path in doubtful {
                let own = pairs.iter().find(|(_, p)| *p == path).map(|(id, _)| *id);
                let others = ids.iter().filter(|id| Some(**id) != own);
                heirs.extend(others.map(|id| ((*id).to_owned(), path.to_owned())));
            }
            for (id, path) in pairs {
                self.move_to(id, path);
            }
        }
        heirs
    }

    /// Which file is which of the documents, and the files of which that is in doubt.
    fn pairs<'p>(
        &self,
        ids: &BTreeSet<&'p str>,
        paths: &[&'p str],
        is_first: impl Fn(&str) -> bool,
    ) -> (Vec<(&'p str, &'p str)>, Vec<&'p str>) {
        if ids.len().saturating_mul(paths.len()) > MAX_PAIRS {
            return (ids.iter().copied().zip(paths.iter().copied()).collect(), Vec::new());
        }
        let likeness = |id: &str, path: &str| {
            let was = self.place(id).unwrap_or_default().rsplit('/');
            was.zip(path.rsplit('/')).take_while(|(a, b)| a == b).count()
        };
        let mut all: Vec<_> = ids
            .iter()
            .flat_map(|id| paths.iter().map(|path| (!is_first(id), Reverse(likeness(id, path)), *id, *path)))
            .collect();
        all.sort_unstable();
        let (mut pairs, mut taken) = (Vec::new(), HashSet::new());
        for (_, _, id, path) in &all {
            if !taken.contains(&(true, *id)) && !taken.contains(&(false, *path)) {
                taken.extend([(true, *id), (false, *path)]);
                pairs.push((*id, *path));
            }
        }
        let is_sure = |path: &str| {
            let Some((id, _)) = pairs.iter().find(|(_, p)| *p == path) else { return false };
            let own = likeness(id, path);
            let mut others = all.iter().filter(|(_, _, i, p)| (i == id) != (*p == path));
            others.all(|(_, Reverse(other), ..)| *other < own)
        };
        let doubtful = paths.iter().filter(|path| !is_sure(path)).copied().collect();
        (pairs, doubtful)
    }

    fn move_to(&mut self, id: &str, path: &str) {
        if let Some(before) = self.place(id).map(str::to_owned) {
            self.moved.remove(&before);
            self.before.insert(id.to_owned(), before);
        }
        self.moved.insert(path.to_owned(), id.to_owned());
        self.places.insert(id.to_owned(), path.to_owned());
        self.fresh.insert(path.to_owned());
    }

    /// Of the file at this path.
    pub fn of(&self, path: &str) -> String {
        self.moved.get(path).cloned().unwrap_or_else(|| self.tree.document(path))
    }

    /// Where the file of a document lies, or lay last.
    pub fn place<'i>(&'i self, id: &'i str) -> Option<&'i str> {
        self.places.get(id).map(String::as_str).or_else(|| within(self.tree, id))
    }

    /// Every place whose rules a document may carry at the moment.
    pub fn places<'i>(&'i self, id: &'i str) -> impl Iterator<Item = &'i str> {
        let earlier = self.before.get(id).into_iter().chain(self.carried.get(id));
        self.place(id).into_iter().chain(earlier.map(String::as_str))
    }

    /// Every place under which a document may be known to whoever writes rule files.
    pub fn names<'i>(&'i self, id: &'i str) -> impl Iterator<Item = &'i str> {
        self.places(id).chain(within(self.tree, id))
    }

    /// Whether a document was moved and may not have been sent from its new place yet.
    pub fn is_on_its_way(&self, id: &str) -> bool {
        self.before.contains_key(id) || self.carried.contains_key(id)
    }

    /// (id, place whose rules it carries) of documents that were moved and may not have been sent from their new places.
    pub fn on_their_way(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.before.iter().chain(&self.carried);
        all.map(|(id, path)| (id.as_str(), path.as_str()))
    }

    /// Whether the document has to be sent whole: its title may come from the name of the file.
    pub fn is_fresh(&self, path: &str) -> bool {
        self.fresh.contains(path)
    }

    /// (path before, path now, id) of what this run found moved.
    pub fn found(&self) -> Vec<(&str, &str, &str)> {
        let mut found: Vec<_> =
            self.before.iter().filter_map(|(id, was)| Some((was.as_str(), self.place(id)?, id.as_str()))).collect();
        found.sort_unstable();
        found
    }

    /// For the state file.
    pub fn moved(&self) -> BTreeMap<String, String> {
        self.moved.clone()
    }

    /// For the state file: the places whose rules documents carry that may not have been sent from newer ones; of all that
    /// were moved, or only of those that `is_behind`.
    pub fn carried(&self, is_behind: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let before = self.before.iter().map(|(id, path)| (id.clone(), path.clone()));
        let mut carried: BTreeMap<String, String> = before.collect();
        carried.extend(self.carried.clone());
        carried.retain(|id, _| is_behind(id));
        carried
    }
}
