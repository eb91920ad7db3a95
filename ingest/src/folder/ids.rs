//! Which document a file is: the one that its path names, or the one that it was before it was moved.
//!
//! A file that turns up with the content of one document whose file is gone keeps that document's id, and with it the
//! bans and grants that somebody gave the document by hand, links to it, and its vectors. Its rules are those of the new
//! place. Where content doesn't say which file is which, or where a file lies at the old place again, paths decide.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::within;
use crate::acl::folders::Tree;
use crate::documents::Held;

#[derive(Debug)]
pub struct Ids<'a> {
    tree: &'a Tree,
    /// Path to id, where the path names another one.
    moved: BTreeMap<String, String>,
    /// Id to path, of the same.
    places: HashMap<String, String>,
    /// Id to the path before, of what this run found moved.
    before: HashMap<String, String>,
    /// Files that may not have been sent from their new place yet.
    fresh: HashSet<String>,
}

impl<'a> Ids<'a> {
    /// As the last run left them. `is_complete`: it reached its end.
    pub fn recorded(
        tree: &'a Tree,
        recorded: &BTreeMap<String, String>,
        is_complete: bool,
        files: &[&str],
        held: &Held,
    ) -> Self {
        let present: HashSet<&str> = files.iter().copied().collect();
        let is_good = |path: &str, id: &str| {
            held.contains_key(id) && within(tree, id).is_some_and(|own| own != path && !present.contains(own))
        };
        let good = recorded.iter().filter(|(path, id)| is_good(path, id));
        let moved: BTreeMap<String, String> = good.map(|(path, id)| (path.clone(), id.clone())).collect();
        let places = moved.iter().map(|(path, id)| (id.clone(), path.clone())).collect();
        let fresh = moved.keys().filter(|_| !is_complete).cloned().collect();
        Self { tree, moved, places, before: HashMap::new(), fresh }
    }

    /// Finds what was moved. `gone` are documents whose files are not there, with the hashes of their sources; `hash`
    /// hashes a file, where its rules can be told.
    pub fn find(&mut self, files: &[&str], held: &Held, gone: &[(&str, &str)], hash: impl Fn(&str) -> Option<String>) {
        if gone.is_empty() {
            return;
        }
        let is_new = |path: &&&str| !self.moved.contains_key(**path) && !held.contains_key(&self.tree.document(path));
        let mut new: HashMap<String, Vec<&str>> = HashMap::new();
        for path in files.iter().filter(is_new) {
            if let Some(hash) = hash(path) {
                new.entry(hash).or_default().push(path);
            }
        }
        let mut left: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, hash) in gone {
            left.entry(hash).or_default().push(id);
        }
        for (hash, ids) in left {
            let ([id], Some([path])) = (ids.as_slice(), new.get(hash).map(Vec::as_slice)) else { continue };
            if let Some(before) = self.place(id).map(str::to_owned) {
                self.moved.remove(&before);
                self.before.insert((*id).to_owned(), before);
            }
            self.moved.insert((*path).to_owned(), (*id).to_owned());
            self.places.insert((*id).to_owned(), (*path).to_owned());
            self.fresh.insert((*path).to_owned());
        }
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
        self.place(id).into_iter().chain(self.before.get(id).map(String::as_str))
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
}
