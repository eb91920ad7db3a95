//! Accounts of a host: `/etc/passwd`, `/etc/group` (or copies of another host's), and how they are called in the service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use usher_authz::names::canonical_name;

use super::principal::{PrincipalError, Role, clear, normalise};
use super::yaml::{self, YamlError};
use crate::named;

/// Largest file of accounts, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error("{0}: {1}")]
    Read(String, std::io::Error),
    #[error("{0}: {1}")]
    Map(String, YamlError),
    #[error("{0}: {1}")]
    Principal(String, PrincipalError),
    #[error("{file}, line {line}: {what}")]
    Shape { file: String, line: usize, what: String },
    #[error("{0}: there is no account in it; {PASSWD}")]
    Nobody(String),
}

/// Lines as they should be.
const PASSWD: &str = "a line is `name:x:uid:gid:comment:home:shell`, see passwd(5) and `getent passwd`";
const GROUP: &str = "a line is `name:x:gid:member,member`, see group(5) and `getent group`";

/// `--map`: names of accounts and groups of the host to principals of the service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Map {
    users: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
    accounts: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    /// All groups, the primary one included.
    pub gids: BTreeSet<u32>,
    pub principal: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    /// `group:<id>#member`.
    pub principal: String,
}

/// Who exists on the host that the permissions belong to.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    pub users: Vec<Account>,
    pub groups: BTreeMap<u32, Group>,
    /// "other": the group of all accounts of the host, never `user:*`.
    pub everyone: String,
}

impl Accounts {
    pub fn read(passwd: &Path, group: &Path, map: Option<&Path>, host: &str) -> Result<Self, AccountsError> {
        let text = |p: &Path| {
            // SECURITY: two names that are no UTF-8 must not become one.
            let bytes = named::read(p, MAX_BYTES);
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
            text.map_err(|e| AccountsError::Read(p.display().to_string(), e))
        };
        let shown = |p: &Path| p.display().to_string();
        let map: Map = match map {
            None => Map::default(),
            Some(p) => {
                let name = p.display().to_string();
                let bytes = named::read(p, MAX_BYTES).map_err(|e| AccountsError::Read(name.clone(), e))?;
                yaml::parse(&bytes).map_err(|e| AccountsError::Map(name, e))?
            }
        };
        let named = map.users.keys().chain(map.groups.keys()).map(String::as_str).chain([host]);
        named.map(|name| (name, clear(name))).try_for_each(|(name, found)| {
            found.map_err(|e| AccountsError::Principal(format!("{name:?}, of --map or --host"), e))
        })?;
        let accounts = Self::parse(&text(passwd)?, &text(group)?, &map, host);
        let accounts = accounts.map_err(|e| match e {
            AccountsError::Shape { file, line, what } => {
                let file = shown(if file == "group" { group } else { passwd });
                AccountsError::Shape { file, line, what }
            }
            other => other,
        })?;
        if accounts.users.is_empty() { Err(AccountsError::Nobody(shown(passwd))) } else { Ok(accounts) }
    }

    fn parse(passwd: &str, group: &str, map: &Map, host: &str) -> Result<Self, AccountsError> {
        let principal =
            |raw: &str| normalise(raw, Role::Owner, false).map_err(|e| AccountsError::Principal(raw.to_owned(), e));
        let mut groups = BTreeMap::new();
        let mut members: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for (number, line) in entries(group) {
            let wrong = || AccountsError::Shape { file: "group".into(), line: number, what: GROUP.into() };
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, list] = fields.as_slice() else { return Err(wrong()) };
            let gid = gid.parse().map_err(|_| wrong())?;
            for member in list.split(',').filter(|m| !m.is_empty()) {
                // Who is not found among the members of a group is another's, and reads as such.
                fine(member).map_err(|what| AccountsError::Shape { file: "group".into(), line: number, what })?;
                members.entry(member).or_default().insert(gid);
            }
            fine(name).map_err(|what| AccountsError::Shape { file: "group".into(), line: number, what })?;
            let name = *name;
            let principal = match map.groups.get(name) {
                Some(mapped) => principal(mapped)?,
                None => format!("group:{}#member", canonical_name("group", name)),
            };
            groups.entry(gid).or_insert(Group { name: name.to_owned(), principal });
        }
        let mut users: Vec<Account> = Vec::new();
        for (number, line) in entries(passwd) {
            let wrong = || AccountsError::Shape { file: "passwd".into(), line: number, what: PASSWD.into() };
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, _, _] = fields.as_slice() else { return Err(wrong()) };
            let (uid, gid) = (uid.parse().map_err(|_| wrong())?, gid.parse().map_err(|_| wrong())?);
            fine(name).map_err(|what| AccountsError::Shape { file: "passwd".into(), line: number, what })?;
            let name = *name;
            let mut gids = members.get(name).cloned().unwrap_or_default();
            gids.insert(gid);
            let principal = match map.users.get(name) {
                Some(mapped) => principal(mapped)?,
                None => format!("user:{}", canonical_name("user", name)),
            };
            users.push(Account { name: name.to_owned(), uid, gids, principal });
        }
        let everyone = match &map.accounts {
            Some(mapped) => principal(mapped)?,
            None => format!("group:{}~accounts#member", canonical_name("group", host)),
        };
        Ok(Accounts { users, groups, everyone })
    }

    /// The first account with this number, as the host's own lookup would answer.
    pub fn user(&self, uid: u32) -> Option<&Account> {
        self.users.iter().find(|u| u.uid == uid)
    }
}

/// Lines that are accounts or groups, with their numbers. Those with a sign name others, which are elsewhere.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index.saturating_add(1), line));
    let is_elsewhere = |line: &str| line.strip_prefix(['+', '-']).is_some_and(|rest| !rest.starts_with(' '));
    lines.filter(move |(_, line)| !(line.trim().is_empty() || line.starts_with('#') || is_elsewhere(line)))
}

fn fine(name: &str) -> Result<(), String> {
    match clear(name) {
        _ if name.is_empty() => Err("a name is empty".into()),
        // Escapes mean nothing here.
        Err(PrincipalError::Blank { shown, what, .. }) => Err(format!("`{shown}`: {what}; take it away")),
        found => found.map_err(|e| e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_groups_and_their_principals_are_read() {
        let map = Map {
            users: BTreeMap::from([("bo".to_owned(), "user:bo@x.org".to_owned())]),
            groups: BTreeMap::from([("staff".to_owned(), "group:all staff#member".to_owned())]),
            accounts: None,
        };
        let passwd = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:100::/h:/b\nbo:x:1001:101::/h:/b\n\n# none\n+::::::\n";
        let group = "root:x:0:\nstaff:x:100:bo,ghost\nhr dept:x:101:ana\n";
        let accounts = Accounts::parse(passwd, group, &map, "nas 1").unwrap();
        assert_eq!(accounts.users.len(), 3);
        assert_eq!(accounts.user(1000).unwrap().gids, BTreeSet::from([100, 101]));
        assert_eq!(accounts.user(1001).unwrap().principal, "user:bo%40x.org");
        assert_eq!(accounts.groups[&100].principal, "group:all%20staff#member");
        assert_eq!(accounts.groups[&101].principal, "group:hr%20dept#member");
        assert_eq!(accounts.everyone, "group:nas%201~accounts#member");
        let public = Map { accounts: Some("user:*".into()), ..Map::default() };
        assert!(Accounts::parse("", "", &public, "h").is_err(), "`other` can never be the public");
    }

    #[test]
    fn what_is_no_account_is_told_with_its_line() {
        let read = |passwd: &str, group: &str| Accounts::parse(passwd, group, &Map::default(), "h").map(|_| ());
        let (passwd, group) = ("ana:x:1:2:a:/:/s\n", "hr:x:2:ana\n");
        read(passwd, group).unwrap();
        for wrong in [
            "people:\n",
            "  - id: ana\n",
            "- id: ana\n",
            "broken\n",
            "bo:x:one:2::/:/\n",
            "bo:x:1:-2::/:/\n",
            "bo:x:1:2::/\n",
            "bo:x:1:2::/:/:\n",
            "bo;x;1;2;;/;/\n",
            ":x:1:2::/:/\n",
            " bo:x:1:2::/:/\n",
            "bo\u{a0}:x:1:2::/:/\n",
            "hr:x:2:ana\n",
        ] {
            let error = read(&format!("{passwd}{wrong}"), group).unwrap_err().to_string();
            assert!(error.starts_with("passwd, line 2: "), "{wrong:?}: {error}");
        }
        for wrong in ["members: [ana]\n", "eu:x:ana\n", "eu:x:e:ana\n", "eu:x:3:ana, bo\n", "eu :x:3:\n", passwd] {
            let error = read(passwd, &format!("{group}{wrong}")).unwrap_err().to_string();
            assert!(error.starts_with("group, line 2: "), "{wrong:?}: {error}");
        }
    }
}
