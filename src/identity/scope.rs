//! What a credential may do.

use std::fmt;

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

impl Scope {
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope)
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

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || (scope != Scope::ActAs && self.0.contains(&Scope::Admin))
    }
}
