//! Whether a file's rules are still those that the run has read, once its bytes are read.
//!
//! SECURITY: whoever writes a rule first and then the text that it restricts relies on that order. A run reads rules first
//! and text later. So what says who may read a file is looked at again after its bytes are read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use crate::acl::names::{self, Kind, words};
use crate::acl::rules::{DIR_RULES, SUFFIX, ancestors, directory_file, parent};
use crate::acl::yaml;
use crate::fsroot::{Listing, Root, Stamp};

use super::meant::file_name;

/// What a run has seen of rule files and directories.
#[derive(Debug, Default)]
pub struct AsRead {
    /// Rule files, by path.
    rules: BTreeMap<String, Read>,
    dirs: BTreeMap<String, Stamp>,
    /// Everything that may be a rule file by its name.
    named: BTreeSet<String>,
    /// Directories that were listed again: as they were then, and what has come that may be a rule file by its name.
    again: Mutex<HashMap<String, (Stamp, Vec<String>)>>,
}

#[derive(Debug)]
pub struct Read {
    pub stamp: Stamp,
    pub hash: blake3::Hash,
}

impl AsRead {
    /// `named`: everything listed that may be a rule file by its name.
    pub fn of(listing: &Listing, named: &BTreeSet<String>, rules: BTreeMap<String, Read>) -> AsRead {
        let dirs = listing.dirs.iter().map(|dir| (dir.rel.clone(), dir.stamp)).collect();
        AsRead { rules, dirs, named: named.clone(), again: Mutex::default() }
    }

    /// Whether the run has seen the directory.
    pub fn has_directory(&self, dir: &str) -> bool {
        self.dirs.contains_key(dir)
    }

    /// What has come, gone or changed of that which says who may read the document, if anything has.
    pub fn changed(&self, root: &Root, document: &str) -> Option<String> {
        if usher_base::faults::mutants::active("rules_as_they_were") {
            return None;
        }
        let dirs = || ancestors(parent(document));
        let own = [format!("{document}{SUFFIX}")];
        let changed = own.into_iter().chain(dirs().map(directory_file)).find(|path| self.is_changed(root, path));
        changed.or_else(|| dirs().find_map(|dir| self.came(root, dir, document)))
    }

    fn is_changed(&self, root: &Root, path: &str) -> bool {
        match (self.rules.get(path), root.stamp(path)) {
            (None, Ok(None)) => false,
            (Some(read), Ok(Some(stamp))) if stamp == read.stamp => false,
            // Only touched, perhaps; or the file system has no lasting numbers.
            (Some(read), Ok(Some(_))) => {
                let now = root.read(path, yaml::MAX_BYTES as u64);
                now.map_or(true, |now| blake3::hash(&now.bytes) != read.hash)
            }
            _ => true,
        }
    }

    /// A file that came into the directory, or came with it, and may be meant as the document's rules by its name.
    fn came(&self, root: &Root, dir: &str, document: &str) -> Option<String> {
        let stamp = root.stamp(dir).ok().flatten();
        if stamp.is_some() && stamp.as_ref() == self.dirs.get(dir) {
            return None;
        }
        let mut again = self.again.lock().unwrap_or_else(|e| e.into_inner());
        let Some(stamp) = stamp else { return Some(dir.to_owned()) };
        if again.get(dir).is_none_or(|(then, _)| *then != stamp) {
            let Ok(found) = root.names(dir) else { return Some(dir.to_owned()) };
            let is_new = |path: &String| names::is_like_rule_file(path) && !self.named.contains(path);
            again.insert(dir.to_owned(), (stamp, found.into_iter().filter(is_new).collect()));
        }
        let (_, found) = again.get(dir)?;
        found.iter().find(|path| self.may_mean(path, dir, document)).cloned()
    }

    fn may_mean(&self, path: &str, dir: &str, document: &str) -> bool {
        let name = file_name(path);
        let (stem, is_leftover) = match names::kind(path) {
            Kind::Rules if name == DIR_RULES => (Vec::new(), false),
            Kind::Rules => (words(name.strip_suffix(SUFFIX).unwrap_or(name)), false),
            Kind::Almost(meant) | Kind::Perhaps(meant) => (meant.stem, meant.is_leftover),
            Kind::Other => return false,
        };
        let is_like = |name: &[String]| name == stem.as_slice();
        let is_of = |name: &[String]| is_like(name) || name.split_last().is_some_and(|(_, name)| is_like(name));
        // The document, or the directory above it that lies beside the rule file; or the one that both lie in.
        let below = document.strip_prefix(dir).unwrap_or(document).trim_start_matches('/');
        let beside = below.split('/').next().unwrap_or_default();
        let around = Some(words(file_name(dir))).filter(|name| !name.is_empty());
        let is_own = is_of(&words(beside)) || around.is_some_and(|name| is_like(&name));
        // What an editor leaves beside a rule file counts for nothing.
        let right = if stem.is_empty() { directory_file(dir) } else { format!("{document}{SUFFIX}") };
        (stem.is_empty() || is_own) && !(is_leftover && self.rules.contains_key(&right))
    }
}
