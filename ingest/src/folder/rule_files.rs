//! The rule files of a tree: which there are, what each governs, and what is only named almost like one.
//!
//! SECURITY: a file that was meant to be a rule file never counts as absent. It refuses what it was meant for.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

use usher_base::faults::mutants;

use crate::acl::content;
use crate::acl::names::{self, Kind, Meant, words};
use crate::acl::rules::{Broken, DIR_RULES, LeftBehind, RuleFile, Rules, SUFFIX, directory_file, parent};
use crate::acl::yaml;
use crate::fsroot::{FsError, Listing, Root};
use crate::report::{FileLine, Report, Status};
use crate::term::Term;

use super::as_read::Read;

/// A larger file is no rule file, whatever it begins with.
const MAX_LOOKED_INTO: u64 = 16 * 1024 * 1024;

/// What a listing holds of rule files, by their names and, where those leave it open, by their content.
#[derive(Debug, Default)]
pub struct RuleFiles {
    /// Rightly named.
    named: BTreeSet<String>,
    /// Almost rightly named, or named otherwise and nothing but rules.
    almost: BTreeMap<String, Meant>,
    /// What editors left beside them.
    leftovers: BTreeMap<String, String>,
    /// Everything that may be a rule file by its name.
    like: BTreeSet<String>,
}

/// Documents by what they may be called in the name of a rule file.
struct Documents<'l> {
    paths: BTreeSet<&'l str>,
    /// By directory and the words of the name.
    by_words: BTreeMap<(&'l str, Vec<String>), Vec<&'l str>>,
    /// By directory and the words before the extension.
    by_stem: BTreeMap<(&'l str, Vec<String>), Vec<&'l str>>,
}

impl<'l> Documents<'l> {
    fn of(paths: impl Iterator<Item = &'l str>) -> Self {
        let mut found = Documents { paths: paths.collect(), by_words: BTreeMap::new(), by_stem: BTreeMap::new() };
        for path in &found.paths {
            let mut name = words(path.rsplit('/').next().unwrap_or(path));
            found.by_words.entry((parent(path), name.clone())).or_default().push(path);
            name.pop();
            found.by_stem.entry((parent(path), name)).or_default().push(path);
        }
        found
    }

    fn alike(&self, dir: &'l str, stem: &[String]) -> &[&'l str] {
        self.by_words.get(&(dir, stem.to_vec())).map_or(&[], Vec::as_slice)
    }

    /// Words of the document's name, whole or up to its extension, that the name of another file holds. None where that
    /// holds no document's, or says that it is of its directory.
    fn named_in(&self, path: &'l str) -> Vec<String> {
        let (dir, name) = (parent(path), path.rsplit('/').next().unwrap_or(path));
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

    fn without_extension(&self, dir: &'l str, stem: &[String]) -> &[&'l str] {
        self.by_stem.get(&(dir, stem.to_vec())).filter(|_| !stem.is_empty()).map_or(&[], Vec::as_slice)
    }
}

impl RuleFiles {
    pub fn find(root: &Root, listing: &Listing) -> RuleFiles {
        let mut found = RuleFiles::default();
        let mut perhaps: Vec<(&str, Meant, bool)> = Vec::new();
        let readable = listing.files.iter().map(|path| (path, true));
        let others = listing.special.iter().chain(&listing.unreadable).chain(&listing.unnamed);
        for (path, is_readable) in readable.chain(others.map(|(path, _)| (path, false))) {
            let kind = names::kind(path);
            if kind != Kind::Other {
                found.like.insert(path.clone());
            }
            match kind {
                Kind::Rules => drop(found.named.insert(path.clone())),
                Kind::Almost(meant) => drop(found.almost.insert(path.clone(), meant)),
                Kind::Perhaps(meant) => perhaps.push((path, meant, is_readable)),
                Kind::Other => {}
            }
        }
        let documents = Documents::of(listing.files.iter().map(String::as_str).filter(|path| !found.holds(path)));
        for (path, meant, is_readable) in perhaps {
            let names_document = documents.alike(parent(path), &meant.stem).iter().any(|document| *document != path);
            let by_name = meant.is_sure && names_document;
            if by_name || says_rules(root, path, is_readable, meant.is_sure) {
                found.almost.insert(path.to_owned(), meant);
            }
        }
        let is_only_rules = |path: &str| {
            let file = root.read(path, MAX_LOOKED_INTO);
            file.is_ok_and(|file| content::is_only_rules(path, &file.bytes)) && !mutants::active("rules_by_name_alone")
        };
        let others = listing.files.iter().filter(|path| !found.holds(path) && names::may_hold_rules(path));
        let others: Vec<&String> = others.filter(|path| is_only_rules(path)).collect();
        for path in others {
            let meant = Meant { stem: documents.named_in(path), is_leftover: false, is_sure: false };
            found.almost.insert(path.clone(), meant);
        }
        let beside = |path: &str, meant: &Meant| {
            let dir = parent(path);
            let is_it = |rules: &&String| {
                let name = rules.rsplit('/').next().unwrap_or(rules);
                let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
                parent(rules) == dir && words(stem) == meant.stem
            };
            found.named.iter().find(is_it).cloned()
        };
        let leftovers = found.almost.iter().filter(|(_, meant)| meant.is_leftover);
        found.leftovers = leftovers.filter_map(|(path, meant)| Some((path.clone(), beside(path, meant)?))).collect();
        found.almost.retain(|path, _| !found.leftovers.contains_key(path));
        found
    }

    /// Whether the file is no document, for its name.
    pub fn holds(&self, path: &str) -> bool {
        self.named.contains(path) || self.almost.contains_key(path) || self.leftovers.contains_key(path)
    }

    /// Everything that may be a rule file by its name, documents too.
    pub fn like(&self) -> &BTreeSet<String> {
        &self.like
    }

    /// Files that are meant to say who may read.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.named.iter().chain(self.almost.keys()).map(String::as_str)
    }

    pub fn report_leftovers(&self, report: &Report<'_>) {
        for (path, rules) in &self.leftovers {
            let reason = format!("a copy that an editor left of {rules}");
            report.file(FileLine::new(path, Status::Skipped).because(reason));
        }
    }

    /// The rules, and the files as they were when they were read.
    pub fn load(
        &self,
        allow_public: bool,
        is_default_open: bool,
        root: &Root,
        listing: &Listing,
        term: &Term,
        report: &Report<'_>,
    ) -> (Rules, BTreeMap<String, Read>) {
        let documents = Documents::of(listing.files.iter().map(String::as_str).filter(|path| !self.holds(path)));
        // A rule that is there but can't be read refuses what it governs; it must not count as absent.
        let others = listing.special.iter().chain(&listing.unreadable).chain(&listing.unnamed);
        let unread: BTreeMap<&str, &str> = others.map(|(path, why)| (path.as_str(), why.as_str())).collect();
        let mut as_read = BTreeMap::new();
        let mut loader = Loader { rules: Rules::default(), documents, is_default_open, root, term, report };
        let is_directory = |path: &str| path.rsplit('/').next() == Some(DIR_RULES);
        // What a document's rule file takes away shows beside those of its directories.
        let (dirs, own): (Vec<&String>, Vec<&String>) = self.named.iter().partition(|path| is_directory(path));
        for path in dirs.into_iter().chain(own) {
            let is_directory = is_directory(path);
            let parsed = match (unread.get(path.as_str()), root.read(path, yaml::MAX_BYTES as u64)) {
                (Some(why), _) => Err((*why).to_owned()),
                (None, Ok(file)) => {
                    let read = Read { stamp: file.stamp, hash: blake3::hash(&file.bytes) };
                    as_read.insert(path.clone(), read);
                    RuleFile::parse(&file.bytes, is_directory, allow_public).map_err(|e| e.to_string())
                }
                (None, Err(e)) => Err(e.to_string()),
            };
            for (line, text) in parsed.iter().flat_map(RuleFile::unmet) {
                term.warn(&format!("{path}: line {line}: {text}"));
            }
            match is_directory {
                true => loader.directory(path, parsed),
                false => loader.document(path, parsed),
            }
        }
        for (path, meant) in &self.almost {
            loader.almost(path, meant);
        }
        let mut rules = loader.rules;
        for (dir, _) in &listing.unreadable {
            rules.dirs.entry(dir.clone()).or_insert_with(|| {
                let shown = if dir.is_empty() { "." } else { dir };
                Err(Broken { file: format!("what lies in {shown}") })
            });
        }
        (rules, as_read)
    }
}

/// Whether the content makes it a rule file. What can't be looked at is taken for what its name says.
fn says_rules(root: &Root, path: &str, is_readable: bool, is_sure: bool) -> bool {
    if !is_readable {
        return is_sure;
    }
    match root.read(path, MAX_LOOKED_INTO) {
        Ok(file) => content::says_rules(&file.bytes),
        Err(FsError::TooLarge { .. }) => false,
        Err(_) => is_sure,
    }
}

struct Loader<'l, 'r> {
    rules: Rules,
    documents: Documents<'l>,
    /// What no rule reaches is not refused.
    is_default_open: bool,
    root: &'l Root,
    term: &'r Term,
    report: &'r Report<'r>,
}

impl<'l> Loader<'l, '_> {
    fn directory(&mut self, path: &str, found: Result<RuleFile, String>) {
        let found = found.map_err(|reason| self.broken(path, &reason));
        self.rules.dirs.insert(parent(path).to_owned(), found);
    }

    fn document(&mut self, path: &'l str, found: Result<RuleFile, String>) {
        let stem = path.strip_suffix(SUFFIX).unwrap_or(path);
        let found = found.map_err(|reason| self.broken(path, &reason));
        let dir = parent(path);
        let words = words(stem.rsplit('/').next().unwrap_or(stem));
        let node =
            |path: &str| self.root.path().join(path).symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
        // Where names that are alike are one to the file system, the rules are found by their document's name only.
        let is_itself = node(stem).is_some_and(|found| {
            !self.documents.alike(dir, &words).iter().any(|document| node(document) == Some(found))
        });
        if self.documents.paths.contains(stem) || is_itself {
            self.rules.files.insert(stem.to_owned(), found);
            return;
        }
        let restricts = match &found {
            // Without it the default would apply.
            Ok(rule) if !(rule.restricts() || self.is_default_open && !self.rules.reach(path)) => {
                self.term.warn(&format!("{path} belongs to no document"));
                false
            }
            Ok(_) => {
                let reason = match self.documents.alike(dir, &words).first() {
                    None => "it restricts a document that is not there: name it after one, or remove it".to_owned(),
                    Some(document) => format!("it is named otherwise than {document}: name it {document}{SUFFIX}"),
                };
                self.broken(path, &reason);
                true
            }
            Err(_) => true,
        };
        if restricts {
            let sections = found.map(|rule| rule.sections).unwrap_or_default();
            self.rules.left.insert(stem.to_owned(), LeftBehind { file: path.to_owned(), sections });
        }
        // Whose rules they are meant to be can't be read without them.
        self.refuse(path, dir, &words, restricts);
    }

    fn almost(&mut self, path: &'l str, meant: &Meant) {
        let dir = parent(path);
        let right = match meant.stem.is_empty() {
            true => directory_file(dir),
            false => {
                let documents =
                    [self.documents.alike(dir, &meant.stem), self.documents.without_extension(dir, &meant.stem)];
                documents.concat().first().map_or(format!("<file>{SUFFIX}"), |document| format!("{document}{SUFFIX}"))
            }
        };
        let why = match names::kind(path) {
            Kind::Other => "it holds nothing but rules, and is not named like a rule file",
            _ => "its name is almost that of a rule file",
        };
        let reason = format!("{why}: name it {right}, or remove it");
        let broken = self.broken(path, &reason);
        let is_left = match meant.stem.is_empty() {
            // Of two for one directory, neither can be told to be meant.
            true => {
                self.rules.dirs.insert(dir.to_owned(), Err(broken));
                names::kind(path) == Kind::Other && !path.rsplit('/').next().is_some_and(|name| name.starts_with("_."))
            }
            false => !self.refuse(path, dir, &meant.stem, true),
        };
        // Its document may lie elsewhere now.
        if is_left {
            let name = if meant.stem.is_empty() { path.to_owned() } else { format!("{dir}/{}", meant.stem.join(".")) };
            let left = LeftBehind { file: path.to_owned(), sections: Vec::new() };
            self.rules.left.entry(name.trim_start_matches('/').to_owned()).or_insert(left);
        }
    }

    /// Refuses documents that a person takes for the one that a rule file names; tells whether there are any.
    fn refuse(&mut self, path: &str, dir: &'l str, stem: &[String], also_without_extension: bool) -> bool {
        let without = if also_without_extension { self.documents.without_extension(dir, stem) } else { &[] };
        let meant: Vec<&str> = self.documents.alike(dir, stem).iter().chain(without).copied().collect();
        for document in &meant {
            self.rules.files.insert((*document).to_owned(), Err(Broken { file: path.to_owned() }));
        }
        !meant.is_empty()
    }

    fn broken(&self, path: &str, reason: &str) -> Broken {
        self.report.rule_file(path, reason);
        Broken { file: path.to_owned() }
    }
}
