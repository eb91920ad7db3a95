//! Files whose records are documents of their own: which records they hold, and what became of each.
//!
//! The document of a record is named by its file and its id, `<file>//<id>`. It has the rules of its file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use super::within;
use crate::acl::folders::Tree;
use crate::acl::rules::{RECORD, file_of};
use crate::acl::yaml;
use crate::documents::Held;
use crate::error::RunError;
use crate::extract::{Record, RecordsJob, Shape};
use crate::fingerprint::{bytes_of, of_bytes};
use crate::fsroot::Root;
use crate::named;
use crate::sandbox::Sandbox;

/// Bytes of records whose documents are read at one time.
const AT_ONCE: u64 = 8 * 1024 * 1024;

/// One entry of the operator's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    files: String,
    id: Option<String>,
    title: Option<String>,
    text: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// Which files hold records, and what of a record is what; the first that matches a file counts.
#[derive(Debug, Default)]
pub struct RecordRules(Vec<(GlobMatcher, String, Shape)>);

impl RecordRules {
    pub fn read(path: Option<&Path>) -> Result<RecordRules, RunError> {
        let Some(path) = path else { return Ok(RecordRules::default()) };
        let bytes = named::read(path, yaml::MAX_BYTES as u64).map_err(|e| RunError::Io(path.to_owned(), e))?;
        let failed = |e: yaml::YamlError| RunError::Yaml(path.display().to_string(), e);
        let written: Vec<Written> = yaml::parse(&bytes).map_err(failed)?;
        let wrong = |files: &str, why: &dyn std::fmt::Display| {
            RunError::Input(format!("{}: the entry of `{files}`: {why}", path.display()))
        };
        let rules = written.into_iter().map(|Written { files, id, title, text, metadata }| {
            let shape = Shape { id, title, text, metadata };
            if let Some(mistake) = shape.mistake() {
                return Err(wrong(&files, &mistake));
            }
            let pattern = if files.contains('/') { files.clone() } else { format!("**/{files}") };
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build().map_err(|e| wrong(&files, &e))?;
            Ok((glob.compile_matcher(), files, shape))
        });
        Ok(RecordRules(rules.collect::<Result<_, _>>()?))
    }

    fn of(&self, path: &str) -> Option<&Shape> {
        self.0.iter().find(|(glob, _, _)| glob.is_match(path)).map(|(_, _, shape)| shape)
    }

    /// Patterns that match none of the files.
    pub fn unmatched<'r>(&'r self, files: &[&str]) -> Vec<&'r str> {
        let found = |glob: &GlobMatcher| files.iter().any(|file| glob.is_match(file));
        self.0.iter().filter(|(glob, _, _)| !found(glob)).map(|(_, pattern, _)| pattern.as_str()).collect()
    }
}

/// The records of one file.
#[derive(Debug)]
pub struct File {
    pub shape: Shape,
    /// Of the whole file, as it was when its records were listed.
    bytes: String,
    /// In their order; of those with an id the path too.
    pub all: Vec<(Option<String>, Record)>,
    /// Why they can't be told.
    pub failure: Option<String>,
}

impl File {
    /// Of the documents that its records are.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter(|(_, record)| !record.is_repeated).filter_map(|(path, _)| path.as_deref())
    }

    /// Whether some record may be any of the file's documents.
    fn is_unsure(&self) -> bool {
        self.failure.is_some() || self.all.iter().any(|(path, _)| path.is_none())
    }

    pub fn is_of(&self, bytes: &[u8]) -> bool {
        self.bytes == of_bytes(bytes)
    }
}

/// All files of records that a run sees.
#[derive(Debug, Default)]
pub struct Records {
    files: BTreeMap<String, File>,
    /// First halves of hashes, by path.
    hashes: HashMap<String, String>,
    /// What lies in the place of a file of records and can't be read.
    special: HashSet<String>,
}

impl Records {
    /// Lists the records of those of the files that hold some. `special`: what is no regular file.
    pub fn look(
        rules: &RecordRules,
        root: &Root,
        sandbox: &Sandbox,
        files: &[&str],
        special: impl Iterator<Item = String>,
        max: u64,
        jobs: u16,
    ) -> Records {
        let special: HashSet<String> = special.collect();
        let wanted: Vec<(&str, &Shape)> = files
            .iter()
            .filter(|path| !special.contains(**path))
            .filter_map(|path| Some((*path, rules.of(path)?)))
            .collect();
        let part = wanted.len().div_ceil(usize::from(jobs).max(1)).max(1);
        let mut found = Vec::new();
        std::thread::scope(|scope| {
            let look = |part: &[(&str, &Shape)]| {
                part.iter().map(|(path, shape)| ((*path).to_owned(), list(root, sandbox, path, shape, max))).collect()
            };
            let running: Vec<_> = wanted.chunks(part).map(|part| scope.spawn(move || look(part))).collect();
            let done = running.into_iter().map(|thread| thread.join().unwrap_or_default());
            done.for_each(|part: Vec<(String, File)>| found.extend(part));
        });
        // A thread that died has told nothing of its files.
        let mut files: BTreeMap<String, File> = found.into_iter().collect();
        for (path, shape) in wanted {
            files.entry(path.to_owned()).or_insert_with(|| File::failed(shape, "its records could not be listed"));
        }
        let listed = files.values().flat_map(|file| &file.all).filter(|(_, record)| !record.is_repeated);
        let hashes = listed.filter_map(|(path, record)| Some((path.clone()?, bytes_of(&record.hash).to_owned())));
        Records { hashes: hashes.collect(), files, special }
    }

    pub fn of(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// First half of the hash of a record.
    pub fn bytes(&self, path: &str) -> Option<&str> {
        self.hashes.get(path).map(String::as_str)
    }

    /// Files by their bytes.
    pub fn by_bytes(&self) -> HashMap<&str, Vec<&File>> {
        let mut out: HashMap<&str, Vec<&File>> = HashMap::new();
        let known = self.files.values().filter(|file| !file.bytes.is_empty());
        known.for_each(|file| out.entry(&file.bytes).or_default().push(file));
        out
    }

    /// Paths of the documents that these files are.
    pub fn documents<'d>(&'d self, files: &[&'d str]) -> Vec<&'d str> {
        let mut out = Vec::with_capacity(files.len());
        for path in files {
            match self.files.get(*path) {
                Some(file) => out.extend(file.paths()),
                None => out.push(path),
            }
        }
        out
    }

    /// Whether it can't be told if there is a document at the path.
    pub fn is_unsure(&self, path: &str) -> bool {
        let file = file_of(path);
        let is_record = path != file;
        match self.files.get(file) {
            Some(found) => {
                if is_record {
                    found.is_unsure()
                } else {
                    found.failure.is_some()
                }
            }
            None => is_record && self.special.contains(file),
        }
    }
}

impl File {
    fn failed(shape: &Shape, why: impl ToString) -> File {
        File { shape: shape.clone(), bytes: String::new(), all: Vec::new(), failure: Some(why.to_string()) }
    }
}

fn list(root: &Root, sandbox: &Sandbox, path: &str, shape: &Shape, max: u64) -> File {
    let file = match root.read(path, max) {
        Ok(file) => file,
        Err(e) => return File::failed(shape, e),
    };
    let job = RecordsJob { name: path.to_owned(), shape: shape.clone(), wanted: None };
    match sandbox.records(&job, &file.bytes) {
        Ok(records) => {
            let path_of = |record: &Record| record.id.as_ref().map(|id| format!("{path}{RECORD}{id}"));
            let all = records.into_iter().map(|record| (path_of(&record), record)).collect();
            File { shape: shape.clone(), bytes: of_bytes(&file.bytes), all, failure: None }
        }
        Err(e) => File::failed(shape, e),
    }
}

/// Documents held that are records of files, by file.
pub fn held_of<'h>(held: &'h Held, place: impl Fn(&'h str) -> Option<String>) -> HashMap<String, Vec<&'h str>> {
    let mut out: HashMap<String, Vec<&str>> = HashMap::new();
    for id in held.keys() {
        if let Some(place) = place(id).filter(|place| place.contains(RECORD)) {
            out.entry(file_of(&place).to_owned()).or_default().push(id);
        }
    }
    out
}

/// Files that documents held are of.
pub fn files_held<'h>(tree: &Tree, held: &'h Held) -> HashSet<&'h str> {
    held.keys().filter_map(|id| within(tree, id)).map(file_of).collect()
}

/// Numbers in parts whose records are small enough to be read at one time.
pub fn batches(wanted: &[(u64, u64)]) -> Vec<BTreeSet<u64>> {
    let mut out: Vec<BTreeSet<u64>> = Vec::new();
    let mut size = u64::MAX;
    for (number, bytes) in wanted {
        if size.saturating_add(*bytes) > AT_ONCE {
            out.push(BTreeSet::new());
            size = 0;
        }
        size = size.saturating_add(*bytes);
        out.last_mut().map(|batch| batch.insert(*number));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_in_parts_that_fit_and_none_is_left_out() {
        assert_eq!(batches(&[]), Vec::<BTreeSet<u64>>::new());
        let parts = batches(&[(1, AT_ONCE / 2), (2, AT_ONCE / 2), (3, 1), (5, AT_ONCE * 9), (6, 1)]);
        assert_eq!(parts, [BTreeSet::from([1, 2]), BTreeSet::from([3]), BTreeSet::from([5]), BTreeSet::from([6])]);
    }
}
