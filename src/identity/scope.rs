//! What a credential may do.

use std::fmt;

use super::Ceiling;

/// One permission of a credential, as named on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Query,
    DocumentsRead,
    DocumentsWrite,
    RelationshipsRead,
    RelationshipsWrite,
    Explain,
    Diagnostics,
    ActAs,
    Admin,
}

const NAMES: [(Scope, &str); 9] = [
    (Scope::Query, "query"),
    (Scope::DocumentsRead, "documents.read"),
    (Scope::DocumentsWrite, "documents.write"),
    (Scope::RelationshipsRead, "relationships.read"),
    (Scope::RelationshipsWrite, "relationships.write"),
    (Scope::Explain, "explain"),
    (Scope::Diagnostics, "diagnostics"),
    (Scope::ActAs, "act_as"),
    (Scope::Admin, "admin"),
];

/// Scopes of those who only ask and read.
const READING: [Scope; 2] = [Scope::Query, Scope::DocumentsRead];

impl Scope {
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope)
    }

    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(scope, _)| *scope)
    }

    /// Every scope's name, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(scope, _)| scope == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// A set of scopes. `admin` stands for every other scope but reading as somebody (`act_as`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Unknown names grant nothing.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(Scope::parse).collect())
    }

    /// Those of a caller who only asks and reads.
    pub fn reading() -> Self {
        Self(READING.to_vec())
    }

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || (scope != Scope::ActAs && self.0.contains(&Scope::Admin))
    }

    /// As they were given: `admin` alone, not all that it stands for.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// What both contain.
    #[must_use]
    pub fn within(&self, ceiling: &Self) -> Self {
        Self(Scope::all().filter(|scope| self.contains(*scope) && ceiling.contains(*scope)).collect())
    }

    /// What is left under a ceiling.
    #[must_use]
    pub fn under(&self, ceiling: &Ceiling) -> Self {
        Self(Scope::all().filter(|scope| self.contains(*scope) && ceiling.can_hold(*scope)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_api() {
        assert!(Scope::names().eq(crate::wire::bounds::SCOPES));
    }

    #[test]
    fn ceilings_only_take_away() {
        let scopes = |names: &[&str]| Scopes::parse(names.iter().copied());
        assert_eq!(scopes(&["admin"]).within(&scopes(&["query", "explain"])), scopes(&["query", "explain"]));
        assert_eq!(scopes(&["query"]).within(&scopes(&["admin"])), scopes(&["query"]));
        assert!(!scopes(&["admin"]).within(&scopes(&["act_as"])).contains(Scope::ActAs));
        let hr = || Some(vec!["hr".to_owned()]);
        let in_collections = scopes(&["admin", "act_as"]).under(&Ceiling { collections: hr(), ..Ceiling::default() });
        let to_sources = scopes(&["admin"]).under(&Ceiling { sources: hr(), ..Ceiling::default() });
        for scope in [Scope::Query, Scope::DocumentsWrite, Scope::Explain] {
            assert!(in_collections.contains(scope) && to_sources.contains(scope), "{scope}");
        }
        for scope in [Scope::Admin, Scope::RelationshipsWrite] {
            assert!(!in_collections.contains(scope) && !to_sources.contains(scope), "{scope}");
        }
        assert!(in_collections.contains(Scope::ActAs) && !in_collections.contains(Scope::RelationshipsRead));
        assert!(to_sources.contains(Scope::RelationshipsRead));
        let whole = scopes(&["admin"]);
        assert!(whole.under(&Ceiling::default()).contains(Scope::Admin));
    }
}
