//! Which paths a run is about. What the globs leave out is out of scope: neither sent nor, later, deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::acl::names::{self, Kind, is_rule_file};

#[derive(Debug, Clone)]
pub struct Globs {
    include: Option<Patterns>,
    exclude: Patterns,
    hidden: bool,
    hard_links: Patterns,
}

/// Patterns of one option, and which of them a walk found something for.
#[derive(Debug, Clone)]
struct Patterns {
    set: GlobSet,
    texts: Vec<String>,
    found: Arc<[AtomicBool]>,
}

impl Patterns {
    fn is_match(&self, path: &str) -> bool {
        self.set.is_match(path)
    }

    fn note(&self, path: &str) {
        let found = self.set.matches(path).into_iter().filter_map(|index| self.found.get(index));
        found.for_each(|found| found.store(true, Ordering::Relaxed));
    }

    fn unmatched(&self) -> impl Iterator<Item = &str> {
        let found = self.texts.iter().zip(self.found.iter());
        found.filter(|(_, found)| !found.load(Ordering::Relaxed)).map(|(text, _)| text.as_str())
    }
}

impl Globs {
    /// `hidden`: also names that start with a dot.
    pub fn new(include: &[String], exclude: &[String], hidden: bool) -> Result<Self, globset::Error> {
        let include = if include.is_empty() { None } else { Some(build(include)?) };
        Ok(Globs { include, exclude: build(exclude)?, hidden, hard_links: build(&[])? })
    }

    /// Files that are taken although they have other names too.
    pub fn with_hard_links(self, patterns: &[String]) -> Result<Self, globset::Error> {
        Ok(Globs { hard_links: build(patterns)?, ..self })
    }

    /// Notes which patterns mean a file or a directory that a walk sees.
    pub fn note(&self, path: &str, is_directory: bool) {
        self.exclude.note(path);
        if !is_directory && !self.hides(path) {
            self.include.iter().chain([&self.hard_links]).for_each(|patterns| patterns.note(path));
        }
    }

    /// Options and their patterns that nothing was seen for.
    pub fn unmatched(&self) -> Vec<(&'static str, &str)> {
        let include = self.include.iter().flat_map(Patterns::unmatched).map(|text| ("--include", text));
        let exclude = self.exclude.unmatched().map(|text| ("--exclude", text));
        include.chain(exclude).chain(self.hard_links.unmatched().map(|text| ("--hard-links", text))).collect()
    }

    /// Whether a file may have other names. A rule file never may: whoever writes the other one would write the rules.
    pub fn takes_hard_link(&self, path: &str) -> bool {
        !matches!(names::kind(path), Kind::Rules | Kind::Almost(_)) && self.hard_links.is_match(path)
    }

    /// Whether the file is looked at: those of this run, and what may be meant as a rule file, wherever it is hidden.
    pub fn looks_at(&self, path: &str) -> bool {
        self.takes(path) || names::is_like_rule_file(path)
    }

    /// Whether the file belongs to this run. Rule files always do: leaving them out would widen access.
    pub fn takes(&self, path: &str) -> bool {
        if self.hides(path) {
            return false;
        }
        if is_rule_file(path) {
            return true;
        }
        !self.exclude.is_match(path) && self.include.as_ref().is_none_or(|g| g.is_match(path))
    }

    /// Whether a directory need not be read at all.
    pub fn prunes(&self, dir: &str) -> bool {
        self.hides(dir) || self.exclude.is_match(dir)
    }

    /// Whether a document's path is in scope: the file itself and every directory above it.
    pub fn covers(&self, path: &str) -> bool {
        let dirs = path.match_indices('/').filter_map(|(i, _)| path.get(..i));
        self.takes(path) && !dirs.into_iter().any(|d| self.prunes(d))
    }

    fn hides(&self, path: &str) -> bool {
        !self.hidden && path.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
    }
}

fn build(patterns: &[String]) -> Result<Patterns, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        // Without a slash a pattern means a name at any level.
        let pattern = if pattern.contains('/') { pattern.clone() } else { format!("**/{pattern}") };
        set.add(GlobBuilder::new(&pattern).literal_separator(true).build()?);
    }
    let found = patterns.iter().map(|_| AtomicBool::new(false)).collect();
    Ok(Patterns { set: set.build()?, texts: patterns.to_vec(), found })
}
