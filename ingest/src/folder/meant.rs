//! What a rule file may be meant for, by its name: documents, and directories beside or around it.
//!
//! SECURITY: rules that stand beside a directory and bear its name govern nothing there, yet whoever wrote them takes the
//! directory for restricted. So what such a file may be meant for is found as it is for documents: by the words of names.

use std::collections::{BTreeMap, BTreeSet};

use usher_base::faults::mutants;

use crate::acl::names::words;
use crate::acl::rules::parent;
use crate::fsroot::{Listing, Root};

type Found<'l> = BTreeMap<(&'l str, Vec<String>), Vec<&'l str>>;

/// Documents by what they may be called in the name of a rule file.
pub struct Documents<'l> {
    pub paths: BTreeSet<&'l str>,
    /// By directory and the words of the name.
    by_words: Found<'l>,
    /// By directory and the words before the extension.
    by_stem: Found<'l>,
}

impl<'l> Documents<'l> {
    pub fn of(paths: impl Iterator<Item = &'l str>) -> Self {
        let mut found = Documents { paths: paths.collect(), by_words: BTreeMap::new(), by_stem: BTreeMap::new() };
        for path in &found.paths {
            let mut name = words(file_name(path));
            found.by_words.entry((parent(path), name.clone())).or_default().push(path);
            let is_packed = name.pop().is_some_and(|extension| extension == "gz");
            found.by_stem.entry((parent(path), name.clone())).or_default().push(path);
            if is_packed && name.len() > 1 {
                name.pop();
                found.by_stem.entry((parent(path), name)).or_default().push(path);
            }
        }
        found
    }

    pub fn alike(&self, dir: &'l str, stem: &[String]) -> &[&'l str] {
        get(&self.by_words, dir, stem)
    }

    /// Words of the document's name, whole or up to its extension, that the name of another file holds. None where that
    /// holds no document's, or says that it is of its directory.
    pub fn named_in(&self, path: &'l str) -> Vec<String> {
        let (dir, name) = (parent(path), file_name(path));
        if name.starts_with("_.") {
            return Vec::new();
        }
        let words = words(name);
        let is_other = |found: &[&str]| found.iter().any(|document| *document != path);
        let lengths = || (1..=words.len()).rev();
        let mut runs = lengths().flat_map(|length| words.windows(length));
        let whole = runs.find(|run| is_other(self.alike(dir, run)));
        let mut beginnings = lengths().filter_map(|length| words.get(..length));
        let found = whole.or_else(|| beginnings.find(|run| is_other(self.without_extension(dir, run))));
        found.map(<[String]>::to_vec).unwrap_or_default()
    }

    pub fn without_extension(&self, dir: &'l str, stem: &[String]) -> &[&'l str] {
        if stem.is_empty() { &[] } else { get(&self.by_stem, dir, stem) }
    }

    /// Those that a name with an extension means if the document got another one: `x.docx`, now `x.pdf` or `x.md.gz`.
    pub fn of_other_extension(&self, dir: &'l str, stem: &[String]) -> Vec<&'l str> {
        let Some((_, without)) = stem.split_last().filter(|(_, without)| !without.is_empty()) else {
            return Vec::new();
        };
        if mutants::active("rules_of_another_extension") {
            return Vec::new();
        }
        self.alike(dir, without).iter().chain(self.without_extension(dir, without)).copied().collect()
    }
}

/// Directories, also those that are not read, by what a rule file may call them.
pub struct Directories<'l> {
    by_words: Found<'l>,
    by_stem: Found<'l>,
    /// Words of the folder's own name.
    top: Vec<String>,
}

impl<'l> Directories<'l> {
    pub fn of(root: &Root, listing: &'l Listing) -> Self {
        let top = words(&root.path().file_name().unwrap_or_default().to_string_lossy());
        let mut found = Directories { by_words: BTreeMap::new(), by_stem: BTreeMap::new(), top };
        let read = listing.dirs.iter().map(|dir| dir.rel.as_str());
        let others = listing.pruned.iter().chain(listing.unreadable.iter().map(|(path, _)| path)).map(String::as_str);
        let all: BTreeSet<&str> = read.chain(others).filter(|dir| !dir.is_empty()).collect();
        for dir in all {
            let mut name = words(file_name(dir));
            found.by_words.entry((parent(dir), name.clone())).or_default().push(dir);
            name.pop();
            found.by_stem.entry((parent(dir), name)).or_default().push(dir);
        }
        found
    }

    /// Those beside a rule file that lies in `dir`, by the words of its name.
    pub fn beside(&self, dir: &'l str, stem: &[String]) -> Vec<&'l str> {
        if stem.is_empty() || mutants::active("rules_beside_a_directory") {
            return Vec::new();
        }
        get(&self.by_words, dir, stem).to_vec()
    }

    /// Those beside it, and the one that it lies in.
    pub fn meant(&self, dir: &'l str, stem: &[String]) -> Vec<&'l str> {
        let own = if dir.is_empty() { self.top.clone() } else { words(file_name(dir)) };
        let is_own = !stem.is_empty() && own == stem && !mutants::active("rules_named_after_their_directory");
        self.beside(dir, stem).into_iter().chain(is_own.then_some(dir)).collect()
    }

    /// Those beside it whose names go on with an extension (`salaries.d`).
    pub fn without_extension(&self, dir: &'l str, stem: &[String]) -> &[&'l str] {
        if stem.is_empty() { &[] } else { get(&self.by_stem, dir, stem) }
    }
}

fn get<'a, 'l>(found: &'a Found<'l>, dir: &'l str, stem: &[String]) -> &'a [&'l str] {
    found.get(&(dir, stem.to_vec())).map_or(&[], Vec::as_slice)
}

pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
