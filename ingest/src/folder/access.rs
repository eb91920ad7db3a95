//! Where the rules of a folder's documents come from: rule files, POSIX permissions, or only the default.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

use unicode_normalization::UnicodeNormalization;

use crate::acl::accounts::Accounts;
use crate::acl::folders::Tree;
use crate::acl::posix::{self, Meta};
use crate::acl::principal;
use crate::acl::rules::{self, DIR_RULES, Effective, LeftBehind, Refusal, RuleFile, Rules, SUFFIX, ancestors, parent};
use crate::acl::yaml;
use crate::api::{Api, ApiError};
use crate::args::{AclMode, FolderArgs, HostArgs};
use crate::conditions::Trials;
use crate::error::RunError;
use crate::fsroot::{Listing, Root};
use crate::report::{FileLine, Report, Status};
use crate::term::Term;

/// What [`DIR_RULES`] has before its suffix.
const DIR_STEM: &str = "_";

pub struct Access {
    kind: RuleSource,
    default: Option<RuleFile>,
}

enum RuleSource {
    Rules(Rules),
    Posix(Posix),
    None,
}

struct Posix {
    accounts: Accounts,
    /// Directories above the ingested folder.
    above: Vec<Meta>,
    dirs: BTreeMap<String, Result<Meta, String>>,
}

/// Why a document has no usable rules.
pub struct Denied {
    pub text: String,
    /// There are rules, but they can't be expressed.
    pub unmappable: bool,
}

/// Whether the file is one of rules, or is named as if it were meant to be.
pub fn is_rule(path: &str) -> bool {
    stem(path).is_some()
}

/// What a rule file is for, by its name; other cases and `.yml` are mistakes for it.
fn stem(path: &str) -> Option<&str> {
    [SUFFIX, ".acl.yml"].iter().find_map(|suffix| {
        let (stem, end) = path.split_at_checked(path.len().checked_sub(suffix.len())?)?;
        end.eq_ignore_ascii_case(suffix).then_some(stem)
    })
}

/// Names that a person takes for one.
fn alike(path: &str) -> String {
    path.nfc().flat_map(char::to_lowercase).collect()
}

impl Access {
    pub fn load(
        args: &FolderArgs,
        root: &Root,
        listing: &Listing,
        term: &Term,
        report: &Report<'_>,
    ) -> Result<Access, RunError> {
        let default = default_acl(args.default_acl.as_deref(), args.run.allow_public)?;
        let kind = match args.acl {
            AclMode::Rules => RuleSource::Rules(load_rules(args, root, listing, term, report)),
            mode => {
                // Bans in a file that is not looked at would be lost.
                let linked = listing.special.iter().map(|(path, _)| path);
                if let Some(file) = listing.files.iter().chain(linked).find(|f| is_rule(f)) {
                    return Err(RunError::RulesUnused(file.clone()));
                }
                if mode == AclMode::None {
                    RuleSource::None
                } else {
                    let above = if args.trust_above { Vec::new() } else { root.above().map_err(RunError::Input)? };
                    let dirs = listing.dirs.iter().map(|d| (d.rel.clone(), d.meta.clone())).collect();
                    RuleSource::Posix(Posix { accounts: accounts(&args.host)?, above, dirs })
                }
            }
        };
        let access = Access { kind, default };
        for p in access.principals().into_iter().filter(|p| principal::is_mixed_script(p)) {
            term.warn(&format!("{p} mixes scripts; is it who it seems to be?"));
        }
        if matches!(&access.kind, RuleSource::Rules(rules) if rules.is_empty()) && access.default.is_none() {
            term.note("there is no rule file in this folder: add `_.acl.yaml`, or use --acl posix or --default-acl");
        }
        Ok(access)
    }

    /// Refuses directories' rules with conditions that the service does not take: as tuples they would end the run.
    pub fn try_conditions(
        &mut self,
        api: &Api<'_>,
        tree: &Tree,
        trials: &Trials,
        report: &Report<'_>,
    ) -> Result<(), ApiError> {
        let RuleSource::Rules(rules) = &mut self.kind else { return Ok(()) };
        for (dir, found) in &mut rules.dirs {
            let Ok(rule) = found else { continue };
            if let Some(reason) = trials.of_directory(api, &tree.source, rule)? {
                report.file(FileLine::new(&rules::directory_file(dir), Status::Refused).because(&reason));
                *found = Err(reason);
            }
        }
        Ok(())
    }

    pub fn rules(&self) -> Option<&Rules> {
        match &self.kind {
            RuleSource::Rules(rules) => Some(rules),
            _ => None,
        }
    }

    /// Rules of one document, with notes for the report.
    pub fn of(&self, rel: &str, tree: &Tree, meta: &Result<Meta, String>) -> Result<(Effective, Vec<String>), Denied> {
        let folder = tree.folder(parent(rel));
        match &self.kind {
            RuleSource::Rules(rules) => {
                rules.resolve(rel, &folder, self.default.as_ref()).map(|e| (e, Vec::new())).map_err(|refusal| Denied {
                    unmappable: matches!(refusal, Refusal::Broken { .. }),
                    text: refusal.to_string(),
                })
            }
            RuleSource::None => Rules::default()
                .resolve(rel, &folder, self.default.as_ref())
                .map(|e| (e, Vec::new()))
                .map_err(|refusal| Denied { unmappable: false, text: refusal.to_string() }),
            RuleSource::Posix(posix) => posix.of(rel, folder, meta).map_err(|text| Denied { text, unmappable: true }),
        }
    }

    /// Rule files that restrict a document which is not there, by its path.
    pub fn left_behind(&self) -> impl Iterator<Item = (&str, &LeftBehind)> {
        self.rules().into_iter().flat_map(|rules| &rules.left).map(|(path, left)| (path.as_str(), left))
    }

    /// Whether the document at this path has a rule file of its own, and that one restricts it or can't be read.
    pub fn own_rule_file(&self, path: &str) -> Option<bool> {
        let own = self.rules()?.files.get(path)?;
        Some(own.as_ref().map_or(true, RuleFile::restricts))
    }

    pub fn principals(&self) -> BTreeSet<&str> {
        let rules = self.rules().into_iter().flat_map(|r| r.dirs.values().chain(r.files.values()));
        rules.flatten().chain(&self.default).flat_map(RuleFile::principals).collect()
    }
}

impl Posix {
    fn of(&self, rel: &str, folder: String, meta: &Result<Meta, String>) -> Result<(Effective, Vec<String>), String> {
        let file = meta.as_ref().map_err(Clone::clone)?;
        let mut dirs: Vec<&Meta> = self.above.iter().collect();
        for dir in ancestors(parent(rel)) {
            match self.dirs.get(dir) {
                Some(Ok(meta)) => dirs.push(meta),
                Some(Err(why)) => return Err(format!("permissions of {dir}/: {why}")),
                None => return Err(format!("permissions of {dir}/ are unknown")),
            }
        }
        let mapped = posix::map(file, &dirs, &self.accounts, vec![folder]).map_err(|e| e.to_string())?;
        Ok((Effective { acl: mapped.acl, sections: Vec::new() }, mapped.notes))
    }
}

/// Of the host that accounts belong to.
pub fn host_name(host: &HostArgs) -> String {
    host.host.clone().unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

pub fn accounts(host: &HostArgs) -> Result<Accounts, RunError> {
    Ok(Accounts::read(&host.passwd, &host.group, host.map.as_deref(), &host_name(host))?)
}

pub fn default_acl(named: Option<&str>, allow_public: bool) -> Result<Option<RuleFile>, RunError> {
    match named {
        None => Ok(None),
        Some("nobody") => Ok(Some(RuleFile { nobody: true, ..RuleFile::default() })),
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|e| RunError::Io(path.into(), e))?;
            let rule = RuleFile::parse(&bytes, true, allow_public);
            rule.map(Some).map_err(|e| RunError::DefaultAcl(path.to_owned(), e))
        }
    }
}

fn load_rules(args: &FolderArgs, root: &Root, listing: &Listing, term: &Term, report: &Report<'_>) -> Rules {
    let mut rules = Rules::default();
    let documents: BTreeSet<&str> = listing.files.iter().map(String::as_str).filter(|path| !is_rule(path)).collect();
    let mut by_likeness: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    documents.iter().for_each(|path| by_likeness.entry(alike(path)).or_default().push(path));
    let mut put = |path: &str, found: Result<RuleFile, String>| {
        let stem = stem(path).unwrap_or(path);
        let is_directory = parent(path).len() + usize::from(path.contains('/')) + DIR_STEM.len() == stem.len()
            && stem.ends_with(DIR_STEM);
        let found = match path.ends_with(SUFFIX) {
            true => found,
            false => Err(format!("rule files end in `{SUFFIX}`: rename it")),
        };
        let refuse = |reason: &str| report.file(FileLine::new(path, Status::Refused).because(reason));
        if let Err(reason) = &found {
            refuse(reason);
        }
        if is_directory {
            // Of two for one directory, neither can be told to be meant.
            let held = rules.dirs.entry(parent(path).to_owned());
            held.and_modify(|held| *held = Err("there are two of them".to_owned())).or_insert(found);
            return;
        }
        let file = |path: &str| root.path().join(path).symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
        let alike = by_likeness.get(&alike(stem)).map(Vec::as_slice).unwrap_or_default();
        // Where names that are alike are one to the file system, the rules are found by their document's name only.
        let is_other_name = || file(stem).is_some_and(|found| alike.iter().any(|path| file(path) == Some(found)));
        if !documents.contains(stem) && (file(stem).is_none() || is_other_name()) {
            if found.as_ref().is_ok_and(|rule| !rule.restricts()) {
                term.warn(&format!("{path} belongs to no document"));
            } else if found.is_ok() {
                refuse("it restricts a document that is not there: name it after one, or remove it");
            }
            if found.as_ref().map_or(true, RuleFile::restricts) {
                let sections = found.map(|rule| rule.sections).unwrap_or_default();
                rules.left.insert(stem.to_owned(), LeftBehind { file: path.to_owned(), sections });
            }
            // Whose rules they are meant to be can't be read without them.
            for document in alike {
                let reason = format!("its rules are in {path}, which is named otherwise");
                rules.files.insert((*document).to_owned(), Err(reason));
            }
            return;
        }
        let held = rules.files.entry(stem.to_owned());
        held.and_modify(|held| *held = Err("there are two rule files for it".to_owned())).or_insert(found);
    };
    for path in listing.files.iter().filter(|f| is_rule(f)) {
        let is_directory = path.rsplit('/').next() == Some(DIR_RULES);
        let parsed = match root.read(path, yaml::MAX_BYTES as u64) {
            Ok(file) => RuleFile::parse(&file.bytes, is_directory, args.run.allow_public).map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        put(path, parsed);
    }
    // A rule that is there but can't be read refuses what it governs; it must not count as absent.
    for (path, why) in listing.special.iter().chain(&listing.unreadable).filter(|(path, _)| is_rule(path)) {
        put(path, Err(why.clone()));
    }
    for (dir, why) in &listing.unreadable {
        rules.dirs.entry(dir.clone()).or_insert_with(|| Err(format!("the directory could not be read: {why}")));
    }
    rules
}
