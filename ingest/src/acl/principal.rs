//! Subjects of relationship tuples, as rules and people files name them, in the service's own spelling.
//!
//! SECURITY: an id of `*`, or one holding `:`, `#`, `@` or spaces, must never turn into a wildcard or a userset.

use unicode_security::MixedScript;
use usher_authz::names::canonical_id;
use usher_base::faults::mutants;
use usher_base::invisible;
use usher_base::wire::AclEntry;
use usher_base::wire::bounds::{MAX_OBJECT, MAX_SUBJECT};

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PrincipalError {
    #[error("`{0}` is no principal; write `user:<id>`, `agent:<id>`, `service:<id>` or `group:<id>#member`")]
    Shape(String),
    #[error("`{0}` names a set; write `{0}#{1}`")]
    NeedsRelation(String, &'static str),
    #[error("`{0}` can't stand here; allowed: {1}")]
    NotAllowed(String, &'static str),
    #[error("`{0}` makes documents public; say --allow-public if that is meant")]
    Public(String),
    #[error("the escapes of `{0}` are no UTF-8; write the character itself, or `%25` for a percent sign")]
    Escape(String),
    #[error("`{shown}`: {what}; take it away, or write it as an escape (`{escape}`) if the name has it")]
    Blank { shown: String, what: &'static str, escape: String },
    #[error("`{0}` is longer than {MAX_SUBJECT} bytes")]
    TooLong(String),
}

/// Where a principal stands; the default model allows other types in each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Owner,
    Editor,
    Viewer,
    Blocked,
    SectionViewer,
    SectionBlocked,
    AllOf,
}

impl Role {
    fn allowed(self) -> &'static str {
        match self {
            Role::Owner => "user, service, group#member",
            Role::Editor => "user, agent, service, group#member",
            Role::Viewer | Role::Blocked => "user, agent, service, their wildcards, group#member, clause#member",
            Role::SectionViewer | Role::AllOf => {
                "user, agent, service, their wildcards, group#member, clause#member, classification#cleared"
            }
            Role::SectionBlocked => "user, agent, service, group#member, clause#member",
        }
    }

    fn allows(self, kind: PrincipalKind) -> bool {
        use Role::{AllOf, Blocked, Editor, Owner, SectionViewer, Viewer};
        match kind {
            PrincipalKind::User | PrincipalKind::Service | PrincipalKind::Group => true,
            PrincipalKind::Agent => self != Owner,
            PrincipalKind::Wildcard => matches!(self, Viewer | Blocked | SectionViewer | AllOf),
            PrincipalKind::Clause => !matches!(self, Owner | Editor),
            PrincipalKind::Classification => matches!(self, SectionViewer | AllOf),
        }
    }

    fn grants(self) -> bool {
        !matches!(self, Role::Blocked | Role::SectionBlocked)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PrincipalKind {
    User,
    Agent,
    Service,
    Wildcard,
    Group,
    Clause,
    Classification,
}

/// Brings a principal, written as in a tuple, into its one normal form.
pub fn normalise(raw: &str, role: Role, allow_public: bool) -> Result<String, PrincipalError> {
    let raw = raw.trim();
    let shape = || PrincipalError::Shape(raw.to_owned());
    let (kind_name, rest) = raw.split_once(':').ok_or_else(shape)?;
    clear(kind_name).map_err(|e| e.within(raw))?;
    let (kind, id) = match (kind_name, rest) {
        ("user" | "agent" | "service", "*") => (PrincipalKind::Wildcard, "*".to_owned()),
        ("user", id) => (PrincipalKind::User, spelled("user", id)?),
        ("agent", id) => (PrincipalKind::Agent, spelled("agent", id)?),
        ("service", id) => (PrincipalKind::Service, spelled("service", id)?),
        ("group", id) => (PrincipalKind::Group, userset(raw, kind_name, id, "member")?),
        ("clause", id) => (PrincipalKind::Clause, userset(raw, kind_name, id, "member")?),
        ("classification", id) => (PrincipalKind::Classification, userset(raw, kind_name, id, "cleared")?),
        _ => return Err(shape()),
    };
    if id.is_empty() || id.starts_with('#') {
        return Err(shape());
    }
    if !role.allows(kind) {
        return Err(PrincipalError::NotAllowed(raw.to_owned(), role.allowed()));
    }
    if kind == PrincipalKind::Wildcard && role.grants() && !allow_public {
        return Err(PrincipalError::Public(raw.to_owned()));
    }
    let principal = format!("{kind_name}:{id}");
    if principal.len() > MAX_SUBJECT {
        return Err(PrincipalError::TooLong(raw.to_owned()));
    }
    Ok(principal)
}

/// Refuses blanks and unseen characters that no name has unless it is said so by an escape.
///
/// SECURITY: with a blank before or behind it, a name is another one: a ban on `user: bo` would not be one on `user:bo`.
pub fn clear(name: &str) -> Result<(), PrincipalError> {
    let is_odd = |c: char| c != ' ' && (c.is_whitespace() || c.is_control());
    let unseen = || {
        let seen = invisible::cleaned(name);
        let (mut all, mut seen) = (name.chars(), seen.chars());
        all.find(|c| seen.next() != Some(*c))
    };
    let doubled = || name.contains("  ").then_some(' ');
    let found = name.chars().next().filter(|c| c.is_whitespace()).map(|c| (c, "there is a blank before the name"));
    let found = found
        .or_else(|| {
            name.chars().next_back().filter(|c| c.is_whitespace()).map(|c| (c, "there is a blank behind the name"))
        })
        .or_else(|| name.chars().find(|c| is_odd(*c)).map(|c| (c, "there is a blank in it that is no plain one")))
        .or_else(|| doubled().map(|c| (c, "there are two blanks in it, one behind the other")))
        .or_else(|| unseen().map(|c| (c, "there is a character in it that is not seen")));
    match found {
        Some((c, what)) if !mutants::active("blanks_in_names") => {
            let escape = c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
            Err(PrincipalError::Blank { shown: name.escape_debug().to_string(), what, escape })
        }
        _ => Ok(()),
    }
}

impl PrincipalError {
    /// Shows all that was written, and not only the part that is wrong.
    fn within(self, raw: &str) -> Self {
        match self {
            PrincipalError::Blank { what, escape, .. } => {
                PrincipalError::Blank { shown: raw.escape_debug().to_string(), what, escape }
            }
            other => other,
        }
    }
}

/// An id written in tuple syntax, in the service's one spelling; escapes (`%20`) may be there already. The case of e-mail
/// addresses is the service's to decide.
pub fn spelled(kind: &str, id: &str) -> Result<String, PrincipalError> {
    clear(id).map_err(|e| e.within(&format!("{kind}:{id}")))?;
    canonical_id(kind, id).map_err(|_| PrincipalError::Escape(id.to_owned()))
}

/// [`normalise`] for a principal that may carry a condition.
pub fn normalise_conditional(p: &AclEntry, role: Role, allow_public: bool) -> Result<AclEntry, PrincipalError> {
    match p {
        AclEntry::Plain(raw) => normalise(raw, role, allow_public).map(AclEntry::Plain),
        AclEntry::Conditional(c) => {
            let mut c = c.clone();
            c.principal = normalise(&c.principal, role, allow_public)?;
            Ok(AclEntry::Conditional(c))
        }
    }
}

fn userset(raw: &str, kind: &str, rest: &str, relation: &'static str) -> Result<String, PrincipalError> {
    match rest.rsplit_once('#') {
        Some((id, r)) if r == relation && !id.is_empty() => Ok(format!("{}#{relation}", spelled(kind, id)?)),
        _ => Err(PrincipalError::NeedsRelation(raw.to_owned(), relation)),
    }
}

/// Object id of a folder, a group or the like; ids over OpenFGA's limit are replaced by a hash of themselves.
pub fn object(kind: &str, id: &str) -> String {
    let object = format!("{kind}:{id}");
    if object.len() <= MAX_OBJECT {
        return object;
    }
    let hash = blake3::hash(id.as_bytes()).to_hex();
    let head: String = id.chars().take(32).collect();
    format!("{kind}:{head}~{}", hash.get(..40).unwrap_or_default())
}

/// Whether an id mixes scripts in a way that real names rarely do (a Cyrillic letter in a Latin name).
pub fn is_mixed_script(principal: &str) -> bool {
    principal.split_once(':').is_some_and(|(_, id)| !id.is_single_script())
}

/// The subject of a principal without its condition.
pub fn subject(p: &AclEntry) -> &str {
    match p {
        AclEntry::Plain(s) => s,
        AclEntry::Conditional(c) => &c.principal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_normalised_and_can_not_become_tuple_syntax() {
        let ok = |raw, role| normalise(raw, role, false).unwrap();
        assert_eq!(ok("user:ana", Role::Viewer), "user:ana");
        assert_eq!(ok("user:ana@x.org", Role::Viewer), "user:ana%40x.org");
        assert_eq!(ok("user:a b", Role::Viewer), "user:a%20b");
        assert_eq!(ok("user:a%20b", Role::Viewer), "user:a%20b");
        assert_eq!(ok("user:100%", Role::Viewer), "user:100%25");
        assert_eq!(ok("user:a#member", Role::Viewer), "user:a%23member");
        assert_eq!(ok("group:hr:eu#member", Role::Owner), "group:hr%3Aeu#member");
        assert_eq!(ok("user:e\u{301}", Role::Viewer), "user:\u{e9}");
    }

    #[test]
    fn a_blank_or_an_unseen_character_makes_nobody_somebody_else() {
        for raw in [
            "user: bo",
            "user:\u{a0}bo",
            "user:\tbo",
            "user :bo",
            "\u{200b}user:bo",
            "us\u{ad}er:bo",
            "user:bo\u{200b}",
            "user:\u{feff}bo",
            "user:b\u{2060}o",
            "user:a\u{a0}b",
            "user:a\u{3000}b",
            "user:a\nb",
            "user:a  b",
            "user:a\u{200d}b",
            "group: hr#member",
            "group:hr #member",
            "group:hr# member",
            "group:hr#mem\u{200b}ber",
            "service: x",
            "agent:\u{2003}x",
            "user: *",
            "clause:c\u{2028}#member",
        ] {
            for role in [Role::Viewer, Role::Blocked, Role::AllOf, Role::SectionBlocked] {
                assert!(normalise(raw, role, true).is_err(), "{raw:?}");
            }
        }
        // What is written around all of it means nothing, and is taken away for bans and grants alike.
        for raw in [" user:bo", "user:bo\n", "\u{a0}user:bo\u{2003}"] {
            assert_eq!(normalise(raw, Role::Blocked, false).unwrap(), "user:bo");
        }
        // What belongs to a name: one blank, an escape, a joiner where a script needs it.
        for (raw, name) in [
            ("user:a b", "user:a%20b"),
            ("user:%20bo", "user:%20bo"),
            ("user:a%C2%A0b", "user:a%C2%A0b"),
            ("user:\u{645}\u{6cc}\u{200c}\u{62e}", "user:\u{645}\u{6cc}\u{200c}\u{62e}"),
        ] {
            assert_eq!(normalise(raw, Role::Viewer, false).unwrap(), name);
        }
        let said = normalise("user:\u{a0}bo", Role::Blocked, false).unwrap_err().to_string();
        assert!(
            said.starts_with("`user:\\u{a0}bo`: there is a blank before the name") && said.contains("%C2%A0"),
            "{said}"
        );
    }

    #[test]
    fn what_a_place_does_not_allow_is_refused() {
        let err = |raw, role| normalise(raw, role, false).unwrap_err();
        assert!(matches!(err("ana", Role::Viewer), PrincipalError::Shape(_)));
        assert!(matches!(err("document:x", Role::Viewer), PrincipalError::Shape(_)));
        assert!(matches!(err("user:", Role::Viewer), PrincipalError::Shape(_)));
        assert!(matches!(err("group:hr", Role::Viewer), PrincipalError::NeedsRelation(..)));
        assert!(matches!(err("group:#member", Role::Viewer), PrincipalError::NeedsRelation(..)));
        assert!(matches!(err("user:*", Role::Owner), PrincipalError::NotAllowed(..)));
        assert!(matches!(err("user:*", Role::Viewer), PrincipalError::Public(_)));
        assert!(matches!(err("agent:x", Role::Owner), PrincipalError::NotAllowed(..)));
        assert!(normalise("user:*", Role::Viewer, true).is_ok());
        assert!(normalise("user:*", Role::Blocked, false).is_ok());
    }

    #[test]
    fn mixed_scripts_are_noticed() {
        assert!(is_mixed_script("user:p\u{430}ul"));
        assert!(!is_mixed_script("user:paul") && !is_mixed_script("user:\u{43f}\u{430}\u{432}"));
    }
}
