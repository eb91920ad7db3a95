//! Accounts of a host: `/etc/passwd`, `/etc/group` (or copies of another host's), and how they are called in the service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use usher_authz::names::canonical_name;

use super::principal::{PrincipalError, Role, normalise};
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
}

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
        let map = match map {
            None => Map::default(),
            Some(p) => {
                let name = p.display().to_string();
                let bytes = named::read(p, MAX_BYTES).map_err(|e| AccountsError::Read(name.clone(), e))?;
                yaml::parse(&bytes).map_err(|e| AccountsError::Map(name, e))?
            }
        };
        Self::parse(&text(passwd)?, &text(group)?, &map, host)
    }

    fn parse(passwd: &str, group: &str, map: &Map, host: &str) -> Result<Self, AccountsError> {
        let principal =
            |raw: &str| normalise(raw, Role::Owner, false).map_err(|e| AccountsError::Principal(raw.to_owned(), e));
        let mut groups = BTreeMap::new();
        let mut members: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for line in group.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(gid)) = (fields.next(), fields.nth(1).and_then(|g| g.parse().ok())) else { continue };
            for member in fields.next().unwrap_or_default().split(',').filter(|m| !m.is_empty()) {
                members.entry(member).or_default().insert(gid);
            }
            let principal = match map.groups.get(name) {
                Some(mapped) => principal(mapped)?,
                None => format!("group:{}#member", canonical_name("group", name)),
            };
            groups.entry(gid).or_insert(Group { name: name.to_owned(), principal });
        }
        let mut users: Vec<Account> = Vec::new();
        for line in passwd.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(uid), Some(gid)) =
                (fields.next(), fields.nth(1).and_then(|u| u.parse().ok()), fields.next().and_then(|g| g.parse().ok()))
            else {
                continue;
            };
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
        let passwd = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:100::/h:/b\nbo:x:1001:101::/h:/b\nbroken\n";
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
}
