//! Where the rules of a folder's documents come from: rule files, POSIX permissions, or only the default.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use usher_base::faults::mutants;
use usher_base::wire::DocumentState;

use crate::acl::accounts::Accounts;
use crate::acl::folders::Tree;
use crate::acl::posix::{self, Meta};
use crate::acl::principal;
use crate::acl::rules::{
    self, Broken, Effective, LeftBehind, Refusal, RuleFile, Rules, ancestors, file_of, own_file, parent,
};
use crate::acl::yaml;
use crate::api::Api;
use crate::args::{AclMode, FolderArgs, HostArgs};
use crate::conditions::Trials;
use crate::documents::{Held, acl_digest};
use crate::error::RunError;
use crate::fsroot::{Listing, Root};
use crate::named;
use crate::report::{Places, Report, line_in};
use crate::term::Term;

use super::above::Above;
use super::as_read::AsRead;
use super::rule_files::RuleFiles;
use super::within;

pub struct Access {
    kind: RuleSource,
    default: Option<RuleFile>,
    files: RuleFiles,
    as_read: AsRead,
    /// Where the folder is a part of its source.
    above: Option<Above>,
    /// Documents are attached to the collection, see [`Access::needs_no_folders`].
    is_flat: bool,
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

impl Access {
    pub fn load(
        args: &FolderArgs,
        root: &Root,
        listing: &Listing,
        term: &Term,
        report: &Report<'_>,
    ) -> Result<Access, RunError> {
        let default = default_acl(args.default_acl.as_deref(), args.run.allow_public)?;
        let files = RuleFiles::find(root, listing);
        files.report_leftovers(report);
        let is_open = default.as_ref().is_some_and(|default| !default.nobody);
        let mut read = BTreeMap::new();
        let (above, rules_above) = Above::load(args, root, is_open, term, report)?.unzip();
        let part = Some(args.prefix.trim_matches('/')).filter(|_| above.is_some());
        let kind = match args.acl {
            AclMode::Rules => {
                let (mut rules, as_read) =
                    files.load(args.run.allow_public, is_open, root, listing, None, rules_above, term, report);
                read = as_read;
                // What stands beside the folder and bears its name.
                let beside = part.and_then(|part| rules.above.as_mut()?.remove(part));
                rules.dirs.extend(beside.map(|rule| (String::new(), rule)));
                rules
                    .above
                    .iter_mut()
                    .for_each(|above| above.retain(|dir, _| lies_above(dir, part.unwrap_or_default())));
                RuleSource::Rules(rules)
            }
            mode => {
                // Bans in a file that is not looked at would be lost.
                if let Some(file) = files.paths().next() {
                    return Err(RunError::RulesUnused(file.to_owned()));
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
        let as_read = AsRead::of(listing, files.like(), read);
        let access = Access { kind, default, files, as_read, above, is_flat: false };
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
    ) -> Result<(), RunError> {
        let RuleSource::Rules(rules) = &mut self.kind else { return Ok(()) };
        for (dir, found) in rules.dirs.iter_mut().chain(rules.above.iter_mut().flatten()) {
            let Ok(rule) = found else { continue };
            let file = rules::directory_file(dir);
            let tried = trials.of_directory(api, &tree.source, rule);
            let needed = || format!("to write the folder tuples of {file}, which has conditions");
            if let Some(reason) = tried.map_err(|e| e.needing("relationships.write", needed))? {
                report.rule_file(&file, &placed(rule, &reason));
                *found = Err(Broken { file });
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

    /// The files that are no documents, for their names.
    pub fn files(&self) -> &RuleFiles {
        &self.files
    }

    /// Where a document's own rules stand.
    pub fn places(&self, rel: &str) -> Option<Places> {
        let rule = self.rules()?.own(rel)?.as_ref().ok()?;
        Some(Places { file: own_file(rel), lines: rule.lines.clone(), odd_time: rule.odd_time() })
    }

    /// Whether the documents' rules say all: no directory has rules, and nothing is taken from a folder.
    pub fn needs_no_folders(&self) -> bool {
        let is_whole = |rule: &RuleFile| rule.nobody || rule.inherit == Some(false);
        let rules = match &self.kind {
            RuleSource::Rules(rules) => {
                let mut dirs = rules.dirs.values().chain(rules.above.iter().flat_map(BTreeMap::values));
                dirs.all(Result::is_err) && rules.files.values().flatten().all(is_whole)
            }
            RuleSource::Posix(_) => false,
            RuleSource::None => true,
        };
        rules && self.default.as_ref().is_none_or(|default| default.inherit != Some(true))
    }

    /// Attaches documents to the collection in place of their folder: its bans come down to them without any folder tuple.
    pub fn attach_to_collection(&mut self) {
        self.is_flat = true;
    }

    /// Whether any of these documents carries its rules as attached to the collection.
    pub fn is_attached(&self, tree: &Tree, files: &[&str], held: &Held) -> bool {
        let default = RuleFile { inherit: Some(false), ..RuleFile::default() };
        let files: HashSet<&str> = files.iter().copied().collect();
        let is_so = |(id, state): (&String, &DocumentState)| {
            let Some(rel) = within(tree, id).filter(|rel| files.contains(file_of(rel))) else { return false };
            let rules = self.rules().map_or_else(
                || self.default.as_ref(),
                |rules| match rules.own(rel) {
                    Some(Ok(rule)) => Some(rule),
                    _ => self.default.as_ref(),
                },
            );
            let acl = rules.unwrap_or(&default).to_acl(vec![tree.collection_object()], false, None);
            !acl.nobody && state.acl_digest == acl_digest(&acl)
        };
        held.iter().any(is_so)
    }

    /// Rules of one document, with notes for the report.
    pub fn of(&self, rel: &str, tree: &Tree, meta: &Result<Meta, String>) -> Result<(Effective, Vec<String>), Denied> {
        let folder = if self.is_flat { tree.collection_object() } else { tree.folder(parent(rel)) };
        match &self.kind {
            RuleSource::Rules(rules) => {
                rules.resolve(rel, &folder, self.default.as_ref()).map(|e| (e, Vec::new())).map_err(|refusal| Denied {
                    unmappable: matches!(refusal, Refusal::Broken(_)),
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

    /// What of a document's rules is not as it was when they were read. To be asked once its bytes are read.
    pub fn changed(&self, root: &Root, rel: &str) -> Option<String> {
        let posix = match &self.kind {
            RuleSource::Posix(posix) => posix.changed(root, rel),
            RuleSource::Rules(_) | RuleSource::None => None,
        };
        let above = || self.above.as_ref().and_then(Above::changed);
        posix.or_else(|| self.as_read.changed(root, file_of(rel))).or_else(above)
    }

    /// Rule files that restrict a document which is not there, by its path.
    pub fn left_behind(&self) -> impl Iterator<Item = (&str, &LeftBehind)> {
        self.rules().into_iter().flat_map(|rules| &rules.left).map(|(path, left)| (path.as_str(), left))
    }

    /// Whether the document at this path has a rule file of its own, and that one restricts it or can't be read.
    pub fn own_rule_file(&self, path: &str) -> Option<bool> {
        let rules = self.rules()?;
        let own = rules.own(path)?;
        Some(own.as_ref().map_or(true, |own| own.restricts() || self.has_open_default() && !rules.reach(path)))
    }

    /// Whether the rule files of two documents say the same, whichever has which.
    pub fn has_same_rule_file(&self, a: &str, b: &str) -> bool {
        let of = |path: &str| {
            let rule = self.rules()?.own(path)?.as_ref().ok()?;
            // A span is of one text.
            let is_of_any = rule.sections.iter().all(|section| section.span.is_none());
            is_of_any.then(|| RuleFile { lines: BTreeMap::new(), ..rule.clone() })
        };
        of(a).is_some_and(|rule| of(b) == Some(rule))
    }

    /// Labels that rules name, with a file of each.
    pub fn labels(&self) -> BTreeMap<&str, String> {
        let rules = self.rules();
        let dirs =
            rules.into_iter().flat_map(|rules| &rules.dirs).map(|(dir, rule)| (rules::directory_file(dir), rule));
        let files = rules.into_iter().flat_map(|rules| &rules.files).map(|(path, rule)| (own_file(path), rule));
        let named = dirs.chain(files).filter_map(|(file, rule)| Some((rule.as_ref().ok()?, file)));
        let all = named.chain(self.default.iter().map(|rule| (rule, "--default-acl".to_owned())));
        all.filter_map(|(rule, file)| Some((rule.classification.as_deref()?, file))).collect()
    }

    /// Whether a document that lay at this path may have had rules of its own. `noted`: the digest that a run noted of it
    /// when it had none.
    ///
    /// SECURITY: a digest does not tell a label of a document's own from one of its directory, nor its quarantine from
    /// theirs. What is not known counts as its own.
    pub fn may_have_own_rules(&self, tree: &Tree, was: &str, held: &DocumentState, noted: Option<&str>) -> bool {
        if self.is_bare(tree, was, &held.acl_digest) {
            return false;
        }
        let is_noted = noted == Some(&held.acl_digest) || mutants::active("own_rules_not_noted");
        // A note may be older than a rule file that says what a directory said then, as in a record that was put back.
        let is_explained = !self.as_read.has_directory(parent(was))
            || [tree.folder(parent(was)), tree.collection_object()]
                .iter()
                .any(|parent| self.without_own(was, parent).is_some_and(|digest| digest == held.acl_digest))
            || mutants::active("own_rules_by_an_old_note");
        !(is_noted && is_explained)
    }

    /// What to note of a document that lies at this path with these rules, if it has none of its own.
    pub fn to_note(&self, tree: &Tree, path: &str) -> Option<String> {
        if self.own_rule_file(path).is_some() {
            return None;
        }
        let folder = if self.is_flat { tree.collection_object() } else { tree.folder(parent(path)) };
        self.without_own(path, &folder).filter(|digest| !self.is_bare(tree, path, digest))
    }

    /// Whether rules of this digest are nothing but what comes down from above: no rule file of a document that says only
    /// that takes anything away.
    fn is_bare(&self, tree: &Tree, path: &str, digest: &str) -> bool {
        let bare = |parent: String| acl_digest(&RuleFile::default().to_acl(vec![parent], true, None));
        !self.has_open_default()
            && [tree.folder(parent(path)), tree.collection_object()].map(bare).contains(&digest.into())
    }

    /// Digest of the rules that a document at this path has without a rule file of its own; where files hold the rules.
    fn without_own(&self, path: &str, folder: &str) -> Option<String> {
        let none = Rules::default();
        let rules = match &self.kind {
            RuleSource::Rules(rules) => rules,
            RuleSource::None => &none,
            RuleSource::Posix(_) => return None,
        };
        let found = rules.with_own(None, path, folder, self.default.as_ref());
        found.ok().map(|found| acl_digest(&found.acl))
    }

    fn has_open_default(&self) -> bool {
        self.default.as_ref().is_some_and(|default| !default.nobody)
    }

    pub fn principals(&self) -> BTreeSet<&str> {
        let rules = self.rules().into_iter().flat_map(|r| r.dirs.values().chain(r.files.values()));
        rules.flatten().chain(&self.default).flat_map(RuleFile::principals).collect()
    }
}

impl Posix {
    /// A directory above the document whose permissions are others now.
    fn changed(&self, root: &Root, rel: &str) -> Option<String> {
        if !self.above.is_empty() && root.above().as_ref() != Ok(&self.above) {
            return Some("a directory above the folder".into());
        }
        let is_other = |dir: &&str| self.dirs.get(*dir).is_none_or(|then| *then != root.meta(dir));
        ancestors(parent(rel)).find(is_other).map(|dir| if dir.is_empty() { "." } else { dir }.to_owned())
    }

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

/// Whether a directory of the source is above another one.
fn lies_above(dir: &str, path: &str) -> bool {
    ancestors(parent(path)).any(|above| above == dir)
}

/// A reason with the line of the principal that it names.
fn placed(rule: &RuleFile, reason: &str) -> String {
    line_in(&rule.lines, reason).map_or_else(|| reason.to_owned(), |line| format!("line {line}: {reason}"))
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
            let bytes = named::read(path.as_ref(), yaml::MAX_BYTES as u64).map_err(|e| RunError::Io(path.into(), e))?;
            let rule = RuleFile::parse(&bytes, true, allow_public);
            rule.map(Some).map_err(|e| RunError::DefaultAcl(path.to_owned(), e))
        }
    }
}
