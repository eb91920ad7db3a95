//! Which paths a run is about. What the globs leave out is out of scope: neither sent nor, later, deleted.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::acl::names::{self, Kind, is_rule_file};

#[derive(Debug, Clone)]
pub struct Globs {
    include: Option<GlobSet>,
    exclude: GlobSet,
    hidden: bool,
    hard_links: GlobSet,
}

impl Globs {
    /// `hidden`: also names that start with a dot.
    pub fn new(include: &[String], exclude: &[String], hidden: bool) -> Result<Self, globset::Error> {
        let include = if include.is_empty() { None } else { Some(build(include)?) };
        Ok(Globs { include, exclude: build(exclude)?, hidden, hard_links: GlobSet::empty() })
    }

    /// Files that are taken although they have other names too.
    pub fn with_hard_links(self, patterns: &[String]) -> Result<Self, globset::Error> {
        Ok(Globs { hard_links: build(patterns)?, ..self })
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

fn build(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        // Without a slash a pattern means a name at any level.
        let pattern = if pattern.contains('/') { pattern.clone() } else { format!("**/{pattern}") };
        set.add(GlobBuilder::new(&pattern).literal_separator(true).build()?);
    }
    set.build()
}
