//! People and nested groups from CSV, YAML or a host's accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_saphyr::Spanned;
use usher_authz::names::canonical_principal;
use usher_base::wire::TupleKey;
use usher_base::wire::bounds::MAX_SUBJECT;

use crate::acl::accounts::Accounts;
use crate::acl::folders::TupleSet;
use crate::acl::principal;
use crate::acl::yaml;
use crate::error::RunError;
use crate::named;
use crate::state::State;
use crate::table;

/// Largest list, in bytes.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Columns of CSV.
const COLUMNS: &[&str] = &["kind", "id", "name", "groups"];
/// Keys of YAML whose values are lists.
const LISTS: &[&str] = &["people", "groups", "parents", "members"];
/// What principals begin with: an id alone names somebody in these files.
const KINDS: [&str; 5] = ["user", "agent", "service", "group", "clause"];

/// Who is in which group. Keys are principals (`user:ana`) and objects (`group:hr`).
#[derive(Debug, Default, PartialEq)]
pub struct People {
    people: BTreeMap<String, Option<String>>,
    groups: BTreeMap<String, Option<String>>,
    /// (member, group).
    memberships: BTreeSet<(String, String)>,
    /// Who has a row or an entry, and its line.
    listed: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    kind: Option<String>,
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    groups: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    people: Vec<YamlPerson>,
    groups: Vec<YamlGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct YamlPerson {
    id: Spanned<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct YamlGroup {
    id: Spanned<String>,
    #[serde(default)]
    name: Option<String>,
    /// Groups that this group is a member of.
    #[serde(default)]
    parents: Vec<String>,
    /// Ids of people, or `group:<id>`.
    #[serde(default)]
    members: Vec<String>,
}

impl People {
    pub fn read(path: &Path) -> Result<People, RunError> {
        let io = |e: std::io::Error| RunError::Io(path.to_owned(), e);
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Self::csv(&named::read(path, MAX_BYTES).map_err(io)?).map_err(RunError::Input),
            "yaml" | "yml" => Self::yaml(&named::read(path, MAX_BYTES).map_err(io)?),
            _ => Err(RunError::Input("people are read from .csv or .yaml".into())),
        }
    }

    /// Columns `id`, and where wanted `kind` (`user`, the default, `agent`, `service`, `group`), `name`, `groups` (with `;`
    /// between them; for a group those that it is a member of).
    pub fn csv(bytes: &[u8]) -> Result<People, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut people = People::default();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let headers = reader.headers().map_err(|e| table::mistake(&e))?.clone();
        table::header(&headers, COLUMNS, &["id"])?;
        for row in reader.records() {
            let row = row.map_err(|e| table::mistake(&e))?;
            let line = table::line(&row);
            let row: Row = row.deserialize(Some(&headers)).map_err(|e| table::mistake(&e))?;
            let at = |e: String| format!("line {line}: {e}");
            let groups = row.groups.as_deref().unwrap_or_default().split(';').map(str::trim).filter(|g| !g.is_empty());
            let name = row.name.filter(|n| !n.is_empty());
            let member = people.entry(row.kind.as_deref().unwrap_or(""), &row.id, name, line).map_err(at)?;
            for group in groups {
                people.join(&member, group).map_err(at)?;
            }
        }
        Ok(people)
    }

    pub fn yaml(bytes: &[u8]) -> Result<People, RunError> {
        let file: File = yaml::parse_with_lists(bytes, LISTS).map_err(|e| RunError::Yaml("people".into(), e))?;
        let mut people = People::default();
        let mut fill = || -> Result<(), String> {
            for p in &file.people {
                let line = p.id.referenced.line();
                let at = |e: String| format!("line {line}: {e}");
                let kind = p.kind.as_deref().unwrap_or("");
                let member = people.entry(kind, &p.id.value, p.name.clone(), line).map_err(at)?;
                p.groups.iter().try_for_each(|g| people.join(&member, g)).map_err(at)?;
            }
            for g in &file.groups {
                let line = g.id.referenced.line();
                let at = |e: String| format!("line {line}: {e}");
                let group = people.entry("group", &g.id.value, g.name.clone(), line).map_err(at)?;
                g.parents.iter().try_for_each(|parent| people.join(&group, parent)).map_err(at)?;
                for member in &g.members {
                    let member = match member.trim().strip_prefix("group:") {
                        // SECURITY: as in a rule file, where it would be somebody else.
                        Some(id) if id.starts_with(char::is_whitespace) => {
                            return Err(at(format!("`{member}`: there is a blank before the name: take it away")));
                        }
                        Some(id) if id.ends_with("#member") => {
                            let name = id.trim_end_matches("#member");
                            return Err(at(format!("`{member}` is written like a principal: write `group:{name}`")));
                        }
                        Some(id) => format!("{}#member", group_object(id).map_err(at)?),
                        None => person("user", member).map_err(at)?,
                    };
                    people.join(&member, &g.id.value).map_err(at)?;
                }
            }
            Ok(())
        };
        fill().map_err(RunError::Input)?;
        Ok(people)
    }

    /// Every account is in its groups and in the group of all accounts.
    pub fn of_host(accounts: &Accounts) -> People {
        let mut people = People::default();
        let everyone = accounts.everyone.trim_end_matches("#member").to_owned();
        for user in &accounts.users {
            people.people.insert(user.principal.clone(), Some(user.name.clone()));
            let groups = user.gids.iter().filter_map(|g| accounts.groups.get(g));
            for group in groups {
                let object = group.principal.trim_end_matches("#member").to_owned();
                people.memberships.insert((user.principal.clone(), object.clone()));
                people.groups.insert(object, Some(group.name.clone()));
            }
            people.memberships.insert((user.principal.clone(), everyone.clone()));
        }
        people.listed = people.groups.keys().map(|group| (group.clone(), 0)).collect();
        people.listed.insert(everyone, 0);
        people
    }

    pub fn tuples(&self) -> TupleSet {
        let tuple = |(user, object): &(String, String)| TupleKey {
            user: user.clone(),
            relation: "member".into(),
            object: object.clone(),
            condition: None,
        };
        self.memberships.iter().map(tuple).collect()
    }

    /// In the spelling that the service was found to keep, see [`super::spelling`].
    pub fn respelt(self) -> People {
        let spelt = |id: &str| canonical_principal(id);
        let mut people: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (id, name) in self.people {
            let named = people.entry(spelt(&id)).or_default();
            *named = named.take().or(name);
        }
        let memberships = self.memberships.iter().map(|(member, group)| (spelt(member), group.clone())).collect();
        People { people, memberships, ..self }
    }

    pub fn name(&self, id: &str) -> Option<&String> {
        let id = id.strip_suffix("#member").unwrap_or(id);
        self.people.get(id).or_else(|| self.groups.get(id))?.as_ref()
    }

    /// Groups that somebody is in and that have no row or entry of their own.
    pub fn unlisted(&self) -> BTreeSet<&str> {
        let named = self.memberships.iter().map(|(_, group)| group.as_str());
        named.filter(|group| !self.listed.contains_key(*group)).collect()
    }

    pub fn warnings(&self) -> Vec<String> {
        let mixed = self.people.keys().chain(self.groups.keys()).filter(|p| principal::is_mixed_script(p));
        mixed.map(|p| format!("{p} mixes scripts; is it who it seems to be?")).collect()
    }

    /// The fields of [`State`] by their names; `list` is its `root`.
    pub fn state(&self, list: &str, tuples: &TupleSet, found: &TupleSet, removed: &TupleSet) -> State {
        let all = |set: &TupleSet| set.iter().cloned().collect();
        let named = |map: &BTreeMap<String, Option<String>>| {
            map.iter().filter_map(|(id, name)| Some((id.clone(), name.clone()?))).collect()
        };
        State {
            root: list.to_owned(),
            tuples: all(tuples),
            found: all(found),
            removed: all(removed),
            people: named(&self.people),
            groups: named(&self.groups),
            ..State::default()
        }
    }

    /// Notes a person or group and tells how it stands in a tuple as a member.
    fn entry(&mut self, kind: &str, id: &str, name: Option<String>, line: u64) -> Result<String, String> {
        let (map, key, member) = match kind {
            "group" => {
                let object = group_object(id)?;
                (&mut self.groups, object.clone(), format!("{object}#member"))
            }
            "" | "person" | "user" => (&mut self.people, person("user", id)?, person("user", id)?),
            "agent" | "service" => (&mut self.people, person(kind, id)?, person(kind, id)?),
            other => return Err(format!("{id}: kind must be user, agent, service or group, not `{other}`")),
        };
        // A group may be named by a person's row before its own row names it.
        if let Some(first) = self.listed.insert(key.clone(), line) {
            return Err(format!("{key} is listed twice, first in line {first}: write all its groups into one"));
        }
        map.insert(key, name);
        Ok(member)
    }

    fn join(&mut self, member: &str, group: &str) -> Result<(), String> {
        let object = group_object(group)?;
        self.groups.entry(object.clone()).or_insert(None);
        self.memberships.insert((member.to_owned(), object));
        Ok(())
    }
}

/// The id of something of type `kind`. SECURITY: one that is written like a principal would become another id, which
/// nobody has.
fn bare<'i>(kind: &str, id: &'i str) -> Result<&'i str, String> {
    let id = id.trim();
    let is_kind = |stated: &str| KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(stated.trim()));
    let (stated, rest) = id.split_once(':').filter(|(stated, _)| is_kind(stated)).unwrap_or((kind, id));
    let (stated, rest) = (stated.trim().to_ascii_lowercase(), rest.trim());
    let name = rest.strip_suffix("#member").unwrap_or(rest);
    match name {
        "*" => Err(format!("`{id}` would be everybody: only people, agents, services and groups have ids here")),
        _ if name == id => Ok(id),
        _ if stated == kind => {
            Err(format!("`{id}` is written like a principal, but here stands an id alone: write `{name}`"))
        }
        _ => Err(format!("`{id}` is written like a principal: list it with the id `{name}` and the kind `{stated}`")),
    }
}

fn person(kind: &str, id: &str) -> Result<String, String> {
    let id = bare(kind, id)?;
    let principal = format!("{kind}:{}", principal::spelled(kind, id).map_err(|e| e.to_string())?);
    if id.is_empty() || principal.len() > MAX_SUBJECT {
        return Err(format!("`{id}` can't be an id: 1 to {MAX_SUBJECT} bytes"));
    }
    Ok(principal)
}

fn group_object(id: &str) -> Result<String, String> {
    let id = bare("group", id)?;
    if id.is_empty() {
        return Err("a group without an id".into());
    }
    let id = principal::spelled("group", id).map_err(|e| e.to_string())?;
    Ok(principal::object("group", &id))
}
