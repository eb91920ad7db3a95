//! The rule files of a tree: which there are, what each governs, and what is only named almost like one.
//!
//! SECURITY: a file that was meant to be a rule file never counts as absent. It refuses what it was meant for.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use usher_base::faults::mutants;

use crate::acl::content;
use crate::acl::names::{self, Kind, Meant, words};
use crate::acl::rules::{Broken, DIR_RULES, LeftBehind, RuleFile, Rules, SUFFIX, directory_file, parent};
use crate::acl::yaml;
use crate::fsroot::{FsError, Listing, Root};
use crate::report::{FileLine, Report, Status};
use crate::term::Term;

use super::as_read::Read;
use super::meant::{Directories, Documents, file_name};

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
        let directories = Directories::of(root, listing);
        for (path, meant, is_readable) in perhaps {
            let dir = parent(path);
            let names_document = documents.alike(dir, &meant.stem).iter().any(|document| *document != path);
            // `kafka-acl.yaml` may be about `kafka/`.
            let names_directory = has_suffix(path) && !directories.beside(dir, &meant.stem).is_empty();
            let by_name = meant.is_sure && (names_document || names_directory);
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
                let name = file_name(rules);
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

    /// The rules, and the files as they were when they were read. `shown`: what stands before their paths in messages, if they
    /// lie above the folder of the run; `above`: what directories above it say.
    #[allow(clippy::too_many_arguments, reason = "what a run has, for the folder and for what is above it")]
    pub fn load(
        &self,
        allow_public: bool,
        is_default_open: bool,
        root: &Root,
        listing: &Listing,
        shown: Option<&str>,
        above: Option<Rules>,
        term: &Term,
        report: &Report<'_>,
    ) -> (Rules, BTreeMap<String, Read>) {
        let documents = Documents::of(listing.files.iter().map(String::as_str).filter(|path| !self.holds(path)));
        // A rule that is there but can't be read refuses what it governs; it must not count as absent.
        let others = listing.special.iter().chain(&listing.unreadable).chain(&listing.unnamed);
        let unread: BTreeMap<&str, &str> = others.map(|(path, why)| (path.as_str(), why.as_str())).collect();
        let mut as_read = BTreeMap::new();
        let directories = Directories::of(root, listing);
        let is_alone = above.is_none();
        let above = above.map(|above| above.dirs);
        let mut loader = Loader {
            rules: Rules { above, ..Rules::default() },
            documents,
            directories,
            is_default_open,
            root,
            shown: shown.unwrap_or_default(),
            term,
            report,
        };
        let is_directory = |path: &str| file_name(path) == DIR_RULES;
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
                term.warn(&format!("{}{path}: line {line}: {text}", loader.shown));
            }
            match is_directory {
                true => loader.directory(path, parsed),
                false => loader.document(path, parsed),
            }
        }
        for (path, meant) in &self.almost {
            loader.almost(path, meant);
        }
        // What lies beside a part of the source was found above it.
        if is_alone && let Some(file) = beside_the_folder(root) {
            let shown = file.display().to_string();
            let reason = format!(
                "it is named after the folder, whose rules stand within it: put them into {}/{DIR_RULES}, or remove it",
                root.path().display()
            );
            report.rule_file(&shown, &reason);
            loader.rules.dirs.insert(String::new(), Err(Broken { file: shown }));
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

/// Whether the name has a rule file's suffix, with a point before it.
fn has_suffix(path: &str) -> bool {
    file_name(path).to_lowercase().contains(".acl")
}

/// A rule file beside the folder that bears its name. What lies there is looked at by its name only.
fn beside_the_folder(root: &Root) -> Option<PathBuf> {
    let (above, name) = (root.path().parent()?, root.path().file_name()?.to_str()?);
    if mutants::active("rules_beside_the_folder") {
        return None;
    }
    let own = words(name);
    let is_meant = |found: &str| match names::kind(found) {
        _ if own.is_empty() || found == name => false,
        Kind::Rules => words(found.strip_suffix(SUFFIX).unwrap_or(found)) == own,
        Kind::Almost(meant) | Kind::Perhaps(meant) => {
            meant.is_sure && !meant.is_leftover && has_suffix(found) && meant.stem == own
        }
        Kind::Other => false,
    };
    let right = above.join(format!("{name}{SUFFIX}"));
    let Ok(entries) = above.read_dir() else { return right.symlink_metadata().is_ok().then_some(right) };
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.find(|found| is_meant(found)).map(|found| above.join(found))
}

struct Loader<'l, 'r> {
    rules: Rules,
    documents: Documents<'l>,
    directories: Directories<'l>,
    /// What no rule reaches is not refused.
    is_default_open: bool,
    root: &'l Root,
    /// Before paths in messages.
    shown: &'r str,
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
        let words = words(file_name(stem));
        if self.documents.paths.contains(stem) {
            self.rules.files.insert(stem.to_owned(), found);
            return;
        }
        let mut dirs = self.directories.meant(dir, &words);
        let restricts = match &found {
            // Without it the default would apply.
            Ok(rule) => rule.restricts() || self.is_default_open && !self.rules.reach(path),
            Err(_) => true,
        };
        let node =
            |path: &str| self.root.path().join(path).symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
        // Where names that are alike are one to the file system, the rules are found by their document's name only.
        let alike = self.documents.alike(dir, &words).iter().chain(&dirs);
        let is_itself = node(stem).is_some_and(|found| !alike.into_iter().any(|other| node(other) == Some(found)));
        if is_itself {
            if restricts && let Some(target) = self.linked(stem) {
                self.refuse_target(path, &target);
            }
            self.rules.files.insert(stem.to_owned(), found);
            return;
        }
        if dirs.is_empty() && restricts && self.documents.alike(dir, &words).is_empty() {
            dirs.extend(self.directories.without_extension(dir, &words));
        }
        match (&found, dirs.first(), self.documents.alike(dir, &words).first()) {
            (Err(_), ..) => {}
            (Ok(_), Some(directory), _) => {
                let right = directory_file(directory);
                self.broken(
                    path,
                    &format!("it is named after the directory {directory}/: name it {right}, or remove it"),
                );
            }
            (Ok(_), None, _) if !restricts => {
                self.term.warn(&format!("{}{path} belongs to no document", self.shown));
            }
            (Ok(_), None, None) => {
                self.broken(path, "it restricts a document that is not there: name it after one, or remove it");
            }
            (Ok(_), None, Some(document)) => {
                let reason = format!("it is named otherwise than {document}: name it {document}{SUFFIX}");
                self.broken(path, &reason);
            }
        }
        if restricts {
            let sections = found.map(|rule| rule.sections).unwrap_or_default();
            self.rules.left.insert(stem.to_owned(), LeftBehind { file: path.to_owned(), sections });
        }
        self.refuse_directories(path, &dirs);
        // Whose rules they are meant to be can't be read without them.
        if !self.refuse(path, dir, &words, restricts) && restricts && dirs.is_empty() {
            for document in self.documents.of_other_extension(dir, &words) {
                let broken = Broken { file: path.to_owned() };
                self.rules.files.entry(document.to_owned()).or_insert(Err(broken));
            }
        }
    }

    fn almost(&mut self, path: &'l str, meant: &Meant) {
        let dir = parent(path);
        let dirs = self.directories.meant(dir, &meant.stem);
        let right = match meant.stem.is_empty() {
            true => directory_file(dir),
            false => {
                let documents =
                    [self.documents.alike(dir, &meant.stem), self.documents.without_extension(dir, &meant.stem)];
                let documents = documents.concat();
                let of_documents = documents.first().map(|document| format!("{document}{SUFFIX}"));
                let all: Vec<String> =
                    of_documents.into_iter().chain(dirs.first().map(|d| directory_file(d))).collect();
                if all.is_empty() { format!("<file>{SUFFIX}") } else { all.join(" or ") }
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
                names::kind(path) == Kind::Other && !file_name(path).starts_with("_.")
            }
            false => {
                self.refuse_directories(path, &dirs);
                !self.refuse(path, dir, &meant.stem, true)
            }
        };
        // Its document may lie elsewhere now.
        if is_left {
            let name = if meant.stem.is_empty() { path.to_owned() } else { format!("{dir}/{}", meant.stem.join(".")) };
            let left = LeftBehind { file: path.to_owned(), sections: Vec::new() };
            self.rules.left.entry(name.trim_start_matches('/').to_owned()).or_insert(left);
        }
    }

    fn refuse_directories(&mut self, path: &str, dirs: &[&str]) {
        for dir in dirs {
            let broken = Broken { file: format!("{}{path}", self.shown) };
            self.rules.dirs.insert((*dir).to_owned(), Err(broken));
        }
    }

    /// Where a link leads, if that lies within the folder.
    fn linked(&self, stem: &str) -> Option<String> {
        let link = self.root.path().join(stem);
        if !link.is_symlink() || mutants::active("rules_of_a_link") {
            return None;
        }
        let target = link.canonicalize().ok()?;
        Some(target.strip_prefix(self.root.path()).ok()?.to_str()?.to_owned())
    }

    /// Refuses what the link leads to that a rule file is named after: links are never followed, and neither are its rules.
    fn refuse_target(&mut self, path: &str, target: &str) {
        let right = match self.documents.paths.contains(target) {
            true => format!("{target}{SUFFIX}"),
            false if self.root.path().join(target).is_dir() => directory_file(target),
            false => return,
        };
        let broken = self
            .broken(path, &format!("it is named after a link, which is never followed: name it {right}, or remove it"));
        match self.documents.paths.contains(target) {
            true => self.rules.files.insert(target.to_owned(), Err(broken)),
            false => self.rules.dirs.insert(target.to_owned(), Err(broken)),
        };
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
        let file = format!("{}{path}", self.shown);
        self.report.rule_file(&file, reason);
        Broken { file }
    }
}
