//! Rule files: `<file>.acl.yaml` beside a document, `_.acl.yaml` for a directory and what lies below it.
//!
//! A directory's grants go onto its folder object in the service; a document's own onto the document. Grants come down
//! until a rule says `inherit: false`; bans, quarantine (`nobody`) and classification come down always. A rule that can't
//! be read refuses every document that it governs.

use std::collections::BTreeMap;

use serde::Deserialize;
use usher_base::wire::{Acl, AclEntry, ConditionalAclEntry, Span};

use super::principal::{self, PrincipalError, Role, normalise, normalise_conditional};
use super::yaml::{self, YamlError};
use crate::conditions;

pub const DIR_RULES: &str = "_.acl.yaml";
pub const SUFFIX: &str = ".acl.yaml";
/// Keys whose values are lists.
const LISTS: &[&str] = &["owners", "editors", "viewers", "blocked", "all_of", "sections"];

#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    #[error("{0}")]
    Yaml(#[from] YamlError),
    #[error("line {line}: {source}")]
    AclEntry { line: usize, source: PrincipalError },
    #[error("line {line}: {mistake}")]
    At { line: usize, mistake: Box<RuleError> },
    #[error("`all_of` needs at least two lists, none of them empty")]
    AllOf,
    #[error("`all_of` beside `viewers` is ambiguous: put who may read alone into `editors`, or into every list")]
    AllOfAndViewers,
    #[error("`nobody: true` excludes owners, editors, viewers, all_of and public")]
    Nobody,
    #[error("`sections` belong into a document's own rule file")]
    SectionsInDirectory,
    #[error("section {0}: give either `heading` or `span`, and a span that is not empty")]
    SectionPlace(usize),
    #[error("section {0}: `id` must be 1 to 60 of A-Z a-z 0-9 . _ - and not occur twice")]
    SectionId(usize),
    #[error("`classification` must be a label such as `internal`")]
    Classification,
    #[error("{0}")]
    Label(PrincipalError),
    #[error("it says nothing, as a file does that was not written to its end; write rules, or remove it")]
    Empty,
    #[error("`{0}` has no value, as in a file that was not written to its end; write one, or remove the key")]
    NoValue(String),
    #[error("`public: true` makes documents public; say --allow-public if that is meant")]
    Public,
}

/// A rule file as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    inherit: Option<bool>,
    nobody: bool,
    public: bool,
    owners: Vec<AclEntry>,
    editors: Vec<AclEntry>,
    viewers: Vec<AclEntry>,
    blocked: Vec<AclEntry>,
    all_of: Vec<Vec<String>>,
    classification: Option<String>,
    sections: Vec<WrittenSection>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSection {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    heading: Option<String>,
    #[serde(default)]
    span: Option<Span>,
    acl: SectionAcl,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SectionAcl {
    nobody: bool,
    viewers: Vec<AclEntry>,
    blocked: Vec<AclEntry>,
}

/// A rule file, checked and normalised.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleFile {
    pub inherit: Option<bool>,
    pub nobody: bool,
    pub owners: Vec<AclEntry>,
    pub editors: Vec<AclEntry>,
    pub viewers: Vec<AclEntry>,
    pub blocked: Vec<AclEntry>,
    pub all_of: Vec<Vec<String>>,
    /// Object of type `classification`.
    pub classification: Option<String>,
    pub sections: Vec<SectionRule>,
    /// Lines of principals in the file.
    pub lines: BTreeMap<String, usize>,
}

/// A restricted part, before its place in the text is known.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SectionRule {
    pub id: String,
    pub heading: Option<String>,
    pub span: Option<Span>,
    #[serde(skip)]
    pub acl: Acl,
}

/// What applies to one document.
#[derive(Debug, Clone)]
pub struct Effective {
    pub acl: Acl,
    pub sections: Vec<SectionRule>,
}

/// Why a document is refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Refusal {
    #[error("no rule applies: add a `_.acl.yaml` to its folder, or name --default-acl")]
    NoRule,
    #[error("{0}")]
    Broken(Broken),
}

/// A rule file that can't be used. Why not is reported once, with the file.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
#[error("{file} can't be used, see there")]
pub struct Broken {
    pub file: String,
}

impl RuleFile {
    pub fn parse(bytes: &[u8], is_directory: bool, allow_public: bool) -> Result<Self, RuleError> {
        let text = String::from_utf8_lossy(bytes);
        let rule = Self::checked(bytes, &text, is_directory, allow_public);
        rule.map_err(|mistake| mistake.with_line(&text))
    }

    fn checked(bytes: &[u8], text: &str, is_directory: bool, allow_public: bool) -> Result<Self, RuleError> {
        let value: serde_json::Value = yaml::parse(bytes)?;
        says_something(&value, None)?;
        let written: Written = yaml::parse_with_lists(bytes, LISTS)?;
        let at = |p: &str| line_of(text, p);
        let lines = std::cell::RefCell::new(BTreeMap::new());
        let each = |raw: &[AclEntry], role: Role| -> Result<Vec<AclEntry>, RuleError> {
            let normal = |p: &AclEntry| {
                normalise_conditional(p, role, allow_public)
                    .map_err(|source| RuleError::AclEntry { line: at(principal::subject(p)), source })
            };
            let mut list: Vec<AclEntry> = raw.iter().map(normal).collect::<Result<_, _>>()?;
            for (p, raw) in list.iter().zip(raw) {
                lines
                    .borrow_mut()
                    .entry(principal::subject(p).to_owned())
                    .or_insert_with(|| at(principal::subject(raw)));
            }
            list.sort_by(|a, b| principal::subject(a).cmp(principal::subject(b)));
            list.dedup();
            Ok(list)
        };
        let mut rule = RuleFile {
            inherit: written.inherit,
            nobody: written.nobody,
            owners: each(&written.owners, Role::Owner)?,
            editors: each(&written.editors, Role::Editor)?,
            viewers: each(&written.viewers, Role::Viewer)?,
            blocked: each(&written.blocked, Role::Blocked)?,
            all_of: all_of(&written.all_of, allow_public, at)?,
            classification: written.classification.as_deref().map(classification).transpose()?,
            sections: Vec::new(),
            lines: BTreeMap::new(),
        };
        if written.public {
            if !allow_public {
                return Err(RuleError::Public);
            }
            rule.viewers.push(AclEntry::Plain("user:*".into()));
            rule.viewers.dedup();
        }
        if !rule.all_of.is_empty() && !rule.viewers.is_empty() {
            return Err(RuleError::AllOfAndViewers);
        }
        let grants = !(rule.owners.is_empty() && rule.editors.is_empty() && rule.viewers.is_empty());
        if rule.nobody && (grants || !rule.all_of.is_empty()) {
            return Err(RuleError::Nobody);
        }
        if is_directory && value.get("sections").is_some() {
            return Err(RuleError::SectionsInDirectory);
        }
        for (index, section) in written.sections.iter().enumerate() {
            let number = index.saturating_add(1);
            let acl = Acl {
                nobody: section.acl.nobody,
                viewers: each(&section.acl.viewers, Role::SectionViewer)?,
                blocked: each(&section.acl.blocked, Role::SectionBlocked)?,
                ..Acl::default()
            };
            if acl.nobody && !(acl.viewers.is_empty() && acl.blocked.is_empty()) {
                return Err(RuleError::Nobody);
            }
            let id = section_id(section, number)?;
            if rule.sections.iter().any(|s| s.id == id) {
                return Err(RuleError::SectionId(number));
            }
            let heading = section.heading.as_deref().map(|h| h.trim().to_owned());
            rule.sections.push(SectionRule { id, heading, span: section.span, acl });
        }
        rule.lines = lines.take();
        Ok(rule)
    }

    /// What is known of its conditions to grant nobody: the default model's `during` without one of its times.
    pub fn unmet(&self) -> Vec<(usize, String)> {
        let lists = [&self.owners, &self.editors, &self.viewers, &self.blocked];
        let sections = self.sections.iter().flat_map(|s| s.acl.viewers.iter().chain(&s.acl.blocked));
        let conditional = lists.into_iter().flatten().chain(sections).filter_map(|entry| match entry {
            AclEntry::Plain(_) => None,
            AclEntry::Conditional(c) if c.condition.name == "during" => Some(c),
            AclEntry::Conditional(_) => None,
        });
        let missing = |c: &ConditionalAclEntry| {
            let context = c.condition.context.as_ref();
            ["start", "end"].into_iter().find(|name| context.and_then(|context| context.get(*name)).is_none())
        };
        let told = |c: &ConditionalAclEntry| {
            let name = missing(c)?;
            let line = self.lines.get(&c.principal).copied().unwrap_or(1);
            let text = format!(
                "the condition `during` of {} has no `{name}`: unless a query brings it, a grant with it holds for nobody, \
                 and a ban with it holds always",
                c.principal
            );
            Some((line, text))
        };
        conditional.filter_map(told).collect()
    }

    /// A hint at times that conditions don't take.
    pub fn odd_time(&self) -> Option<String> {
        let lists = [&self.owners, &self.editors, &self.viewers, &self.blocked];
        lists.into_iter().flatten().find_map(conditions::odd_time)
    }

    /// Whether it takes access away that there would be without it.
    pub fn restricts(&self) -> bool {
        let stops = self.inherit == Some(false) || self.nobody || self.classification.is_some();
        stops || !(self.blocked.is_empty() && self.all_of.is_empty() && self.sections.is_empty())
    }

    pub fn principals(&self) -> impl Iterator<Item = &str> {
        let sections = self.sections.iter().flat_map(|s| s.acl.viewers.iter().chain(&s.acl.blocked));
        let own = [&self.owners, &self.editors, &self.viewers, &self.blocked].into_iter().flatten();
        own.chain(sections).map(principal::subject).chain(self.all_of.iter().flatten().map(String::as_str))
    }

    /// As the rules of one document in `folder`; `classification` is what comes down from its directories.
    pub fn to_acl(&self, parents: Vec<String>, inherit: bool, classification: Option<String>) -> Acl {
        if self.nobody {
            return Acl { nobody: true, ..Acl::default() };
        }
        Acl {
            nobody: false,
            parents,
            inherit,
            owners: self.owners.clone(),
            editors: self.editors.clone(),
            viewers: self.viewers.clone(),
            blocked: self.blocked.clone(),
            all_of: self.all_of.clone(),
            classification: self.classification.clone().or(classification),
        }
    }
}

impl RuleError {
    /// With the line of what it is about, where it has none.
    fn with_line(self, text: &str) -> RuleError {
        let line = match &self {
            RuleError::Yaml(_) | RuleError::AclEntry { .. } | RuleError::At { .. } => return self,
            RuleError::AllOf | RuleError::AllOfAndViewers => line_of_key(text, "all_of", false),
            RuleError::Nobody => line_of_key(text, "nobody", false),
            RuleError::SectionsInDirectory => line_of_key(text, "sections", false),
            RuleError::SectionPlace(number) | RuleError::SectionId(number) => line_of_section(text, *number),
            RuleError::Classification | RuleError::Label(_) => line_of_key(text, "classification", false),
            RuleError::Empty => 1,
            RuleError::NoValue(key) => line_of_key(text, key, true),
            RuleError::Public => line_of_key(text, "public", false),
        };
        RuleError::At { line, mistake: Box::new(self) }
    }
}

/// A file that was cut off must not stand for a weaker rule: keys without a value are refused. A stored context of a
/// condition is its own business.
fn says_something(value: &serde_json::Value, key: Option<&str>) -> Result<(), RuleError> {
    match value {
        serde_json::Value::Null => Err(key.map_or(RuleError::Empty, |key| RuleError::NoValue(key.to_owned()))),
        serde_json::Value::Object(fields) if fields.is_empty() && key.is_none() => Err(RuleError::Empty),
        serde_json::Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| *key != "context")
            .try_for_each(|(key, value)| says_something(value, Some(key))),
        serde_json::Value::Array(items) => items.iter().try_for_each(|item| says_something(item, key)),
        _ => Ok(()),
    }
}

/// All rule files of one tree.
#[derive(Debug, Default)]
pub struct Rules {
    /// Of directories above the tree, where it is a part of a source, by their paths within that.
    pub above: Option<BTreeMap<String, Result<RuleFile, Broken>>>,
    /// By directory (`""` is the top).
    pub dirs: BTreeMap<String, Result<RuleFile, Broken>>,
    /// By document path.
    pub files: BTreeMap<String, Result<RuleFile, Broken>>,
    /// Those that restrict, or can't be read, and whose document is not there; by its path.
    pub left: BTreeMap<String, LeftBehind>,
}

/// A rule file without its document, which may lie elsewhere now.
#[derive(Debug)]
pub struct LeftBehind {
    pub file: String,
    pub sections: Vec<SectionRule>,
}

impl Rules {
    pub fn is_empty(&self) -> bool {
        self.dirs.is_empty() && self.files.is_empty() && self.above.iter().all(BTreeMap::is_empty)
    }

    /// What the rule file of a document says, if there is one.
    pub fn own(&self, path: &str) -> Option<&Result<RuleFile, Broken>> {
        self.files.get(file_of(path))
    }

    /// Whether the rules of a directory reach the document at `path`, so that no default does.
    pub fn reach(&self, path: &str) -> bool {
        self.from(parent(path)).next().is_some()
    }

    /// What the directory and all above it say, innermost first.
    fn from<'s>(&'s self, dir: &'s str) -> impl Iterator<Item = &'s Result<RuleFile, Broken>> {
        let own = ancestors(dir).filter_map(|dir| self.dirs.get(dir));
        // Of two that lie in each other the inner one has the longer path.
        own.chain(self.above.iter().flat_map(|above| above.values().rev()))
    }

    /// What applies to the document at `path` whose folder object is `folder`.
    pub fn resolve(&self, path: &str, folder: &str, default: Option<&RuleFile>) -> Result<Effective, Refusal> {
        match self.own(path) {
            Some(Err(broken)) => Err(Refusal::Broken(broken.clone())),
            Some(Ok(rule)) => self.with_own(Some(rule), path, folder, default),
            None => self.with_own(None, path, folder, default),
        }
    }

    /// What would apply if `own` were all that its own rule file says.
    pub fn with_own(
        &self,
        own: Option<&RuleFile>,
        path: &str,
        folder: &str,
        default: Option<&RuleFile>,
    ) -> Result<Effective, Refusal> {
        let mut classification = None;
        let mut nobody = false;
        // Whether grants still come down from the directory looked at.
        let mut open = own.and_then(|r| r.inherit).unwrap_or(true);
        let mut ruled = own.is_some();
        for rule in self.from(parent(path)) {
            let rule = match rule {
                Err(broken) => return Err(Refusal::Broken(broken.clone())),
                Ok(rule) => rule,
            };
            nobody |= rule.nobody;
            if classification.is_none() {
                classification.clone_from(&rule.classification);
            }
            ruled |= open;
            open &= rule.inherit.unwrap_or(true);
        }
        let parents = vec![folder.to_owned()];
        let own = match (own, ruled, default) {
            (Some(own), _, _) => own.clone(),
            (None, true, _) => RuleFile::default(),
            (None, false, Some(default)) => {
                let acl = default.to_acl(parents, default.inherit.unwrap_or(false), classification);
                return Ok(Effective { acl: quarantine(acl, nobody), sections: Vec::new() });
            }
            (None, false, None) => return Err(Refusal::NoRule),
        };
        let acl = own.to_acl(parents, own.inherit.unwrap_or(true), classification);
        Ok(Effective { acl: quarantine(acl, nobody), sections: own.sections })
    }
}

/// Path of the rule file of a directory.
pub fn directory_file(dir: &str) -> String {
    if dir.is_empty() { DIR_RULES.to_owned() } else { format!("{dir}/{DIR_RULES}") }
}

fn quarantine(acl: Acl, nobody: bool) -> Acl {
    if nobody { Acl { nobody: true, ..Acl::default() } } else { acl }
}

/// Between a file and a record of it in the path of a document: no path of a file holds it.
pub const RECORD: &str = "//";

/// The file of a document's path.
pub fn file_of(path: &str) -> &str {
    path.split_once(RECORD).map_or(path, |(file, _)| file)
}

/// Path of the rule file of a document's own.
pub fn own_file(path: &str) -> String {
    format!("{}{SUFFIX}", file_of(path))
}

/// The directory of the file of a path; `""` at the top.
pub fn parent(path: &str) -> &str {
    file_of(path).rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// A directory and all above it, innermost first, ending with `""`.
pub fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |d| if d.is_empty() { None } else { Some(parent(d)) })
}

fn all_of(
    lists: &[Vec<String>],
    allow_public: bool,
    at: impl Fn(&str) -> usize,
) -> Result<Vec<Vec<String>>, RuleError> {
    if lists.len() == 1 || lists.iter().any(Vec::is_empty) {
        return Err(RuleError::AllOf);
    }
    let one = |p: &String| {
        normalise(p, Role::AllOf, allow_public).map_err(|source| RuleError::AclEntry { line: at(p), source })
    };
    lists.iter().map(|list| list.iter().map(one).collect()).collect()
}

fn classification(label: &str) -> Result<String, RuleError> {
    let label = label.trim();
    let label = label.strip_prefix("classification:").unwrap_or(label);
    if label.is_empty() {
        return Err(RuleError::Classification);
    }
    let id = principal::spelled("classification", label).map_err(RuleError::Label)?;
    Ok(principal::object("classification", &id))
}

fn section_id(section: &WrittenSection, number: usize) -> Result<String, RuleError> {
    let place = match (&section.heading, section.span) {
        (Some(h), None) if !h.trim().is_empty() => format!("h {}", h.trim()),
        (None, Some(s)) if s.start < s.end => format!("s {} {}", s.start, s.end),
        _ => return Err(RuleError::SectionPlace(number)),
    };
    let Some(id) = &section.id else {
        let hash = blake3::hash(place.as_bytes()).to_hex();
        return Ok(format!("s-{}", hash.get(..16).unwrap_or_default()));
    };
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if id.is_empty() || id.len() > 60 || !id.chars().all(fine) {
        return Err(RuleError::SectionId(number));
    }
    Ok(id.clone())
}

/// First line that holds the text: rule files are short, and a principal mostly stands in one place.
fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|l| l.contains(needle)).map_or(1, |i| i.saturating_add(1))
}

/// First line with the key; `is_bare`: rather one where nothing follows it.
fn line_of_key(text: &str, key: &str, is_bare: bool) -> usize {
    let rest = |line: &str| -> Option<String> {
        let (_, rest) = line.split_once(&format!("{key}:"))?;
        Some(rest.split('#').next().unwrap_or_default().trim().to_owned())
    };
    let is_empty = |line: &str| rest(line).is_some_and(|rest| matches!(rest.as_str(), "" | "~" | "null"));
    let bare = text.lines().position(is_empty).filter(|_| is_bare);
    bare.or_else(|| text.lines().position(|line| rest(line).is_some())).map_or(1, |i| i.saturating_add(1))
}

/// Line of the rules of a section, which each has, by its number.
fn line_of_section(text: &str, number: usize) -> usize {
    let from = line_of_key(text, "sections", false);
    let begins = text.lines().enumerate().skip(from.saturating_sub(1)).filter(|(_, line)| line.contains("acl:"));
    begins.map(|(i, _)| i.saturating_add(1)).nth(number.saturating_sub(1)).unwrap_or(from)
}

#[cfg(test)]
mod tests;
