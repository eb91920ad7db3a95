//! POSIX permissions as access rules: who may read the file **and** pass every directory above it.
//!
//! Classes are exclusive, as the kernel applies them: an owner without the bit is out even if the group has it, a member
//! of the group without the bit even if others have it. The result never grants more than the permissions do over the
//! known accounts; where only a narrower rule can be written, it says so; where none can, the document is refused.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{fstat, getxattr};
use rustix::io::Errno;
use usher_base::wire::{Acl, AclEntry};

use super::accounts::Accounts;

/// A snapshot of who may read names at most so many accounts; beyond, the narrower rule by groups is kept.
const MAX_SNAPSHOT: usize = 200;
const MAX_XATTR: usize = 64 * 1024;

const READ: u32 = 4;
const TRAVERSE: u32 = 1;

/// Owner, mode and POSIX ACL of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    pub acl: Option<PosixAcl>,
}

/// `system.posix_acl_access`, with permissions as `rwx` bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PosixAcl {
    pub owner: u32,
    pub users: Vec<(u32, u32)>,
    pub group: u32,
    pub groups: Vec<(u32, u32)>,
    pub mask: Option<u32>,
    pub other: u32,
}

impl Meta {
    /// Read from an open handle, so that it describes the very object that is read.
    pub fn of(fd: BorrowedFd<'_>) -> Result<Meta, String> {
        let stat = fstat(fd).map_err(|e| std::io::Error::from(e).to_string())?;
        // Through /proc, because a handle opened for its path only has no attributes of its own.
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let mut buffer = vec![0u8; MAX_XATTR];
        let acl = match getxattr(&path, "system.posix_acl_access", &mut buffer[..]) {
            Ok(len) => Some(PosixAcl::parse(buffer.get(..len).unwrap_or_default())?),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => None,
            Err(e) => return Err(format!("its access list can't be read: {}", std::io::Error::from(e))),
        };
        Ok(Meta { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o777, acl })
    }
}

impl PosixAcl {
    /// Version 2 of the kernel's format: a header word, then (tag, permissions, id) in little endian.
    pub fn parse(bytes: &[u8]) -> Result<PosixAcl, String> {
        let broken = || "its access list has an unknown form".to_owned();
        let (version, entries) = bytes.split_first_chunk::<4>().ok_or_else(broken)?;
        if u32::from_le_bytes(*version) != 2 || entries.len() % 8 != 0 {
            return Err(broken());
        }
        let mut acl = PosixAcl::default();
        let mut seen = BTreeSet::new();
        for entry in entries.chunks_exact(8) {
            let [t0, t1, p0, p1, i0, i1, i2, i3] = *entry else { return Err(broken()) };
            let tag = u16::from_le_bytes([t0, t1]);
            let perm = u32::from(u16::from_le_bytes([p0, p1]));
            let id = u32::from_le_bytes([i0, i1, i2, i3]);
            match tag {
                0x01 => acl.owner = perm,
                0x02 => acl.users.push((id, perm)),
                0x04 => acl.group = perm,
                0x08 => acl.groups.push((id, perm)),
                0x10 => acl.mask = Some(perm),
                0x20 => acl.other = perm,
                _ => return Err(broken()),
            }
            seen.insert(tag);
        }
        let complete = [0x01, 0x04, 0x20].iter().all(|t| seen.contains(t));
        if complete { Ok(acl) } else { Err(broken()) }
    }
}

/// One object's classes for one permission bit.
#[derive(Debug, Clone)]
struct Classes {
    owner: (u32, bool),
    users: Vec<(u32, bool)>,
    groups: Vec<(u32, bool)>,
    other: bool,
}

impl Classes {
    fn of(meta: &Meta, bit: u32) -> Classes {
        let has = |perm: u32| perm & bit != 0;
        match &meta.acl {
            None => Classes {
                owner: (meta.uid, has(meta.mode >> 6)),
                users: Vec::new(),
                groups: vec![(meta.gid, has(meta.mode >> 3))],
                other: has(meta.mode),
            },
            Some(acl) => {
                let masked = |perm: u32| has(perm & acl.mask.unwrap_or(7));
                let mut groups = vec![(meta.gid, masked(acl.group))];
                groups.extend(acl.groups.iter().map(|(g, p)| (*g, masked(*p))));
                Classes {
                    owner: (meta.uid, has(acl.owner)),
                    users: acl.users.iter().map(|(u, p)| (*u, masked(*p))).collect(),
                    groups,
                    other: has(acl.other),
                }
            }
        }
    }

    /// The kernel's decision for one account.
    fn allows(&self, uid: u32, gids: &BTreeSet<u32>) -> bool {
        if uid == self.owner.0 {
            return self.owner.1;
        }
        if let Some((_, bit)) = self.users.iter().find(|(u, _)| *u == uid) {
            return *bit;
        }
        let mut matching = self.groups.iter().filter(|(g, _)| gids.contains(g)).peekable();
        if matching.peek().is_some() {
            return matching.any(|(_, bit)| *bit);
        }
        self.other
    }

    fn open_to_all(&self) -> bool {
        self.owner.1 && self.other && self.users.iter().chain(&self.groups).all(|(_, bit)| *bit)
    }
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Unmappable {
    #[error("user number {0} is shut out but has no account here; name it in --passwd")]
    UnknownUser(u32),
    #[error("group number {0} is shut out but unknown here; name it in --group")]
    UnknownGroup(u32),
    #[error("its permissions can't be written as a rule that grants no more")]
    Wider,
}

/// Rules of one document, with what was lost on the way (in words, for the report).
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    pub acl: Acl,
    pub notes: Vec<String>,
}

/// A rule being built: in every list, and in none of `blocked`.
#[derive(Debug, Default)]
struct Formula {
    lists: Vec<BTreeSet<String>>,
    blocked: BTreeSet<String>,
    notes: Vec<String>,
}

/// Maps a file and the directories above it. `parents` only bring bans.
pub fn map(file: &Meta, dirs: &[&Meta], accounts: &Accounts, parents: Vec<String>) -> Result<Mapped, Unmappable> {
    let mut objects = vec![Classes::of(file, READ)];
    objects.extend(dirs.iter().map(|d| Classes::of(d, TRAVERSE)));
    let readers: BTreeSet<&str> = accounts
        .users
        .iter()
        .filter(|u| objects.iter().all(|o| o.allows(u.uid, &u.gids)))
        .map(|u| u.principal.as_str())
        .collect();

    let mut formula = Formula::default();
    for (index, classes) in objects.iter().enumerate() {
        if index == 0 || !classes.open_to_all() {
            formula.add(classes, accounts)?;
        }
    }
    formula.simplify();
    if formula.lists.iter().any(BTreeSet::is_empty) {
        formula.notes.push("nobody may read it".into());
        return Ok(Mapped { acl: Acl { nobody: true, ..Acl::default() }, notes: formula.notes });
    }
    let granted = formula.granted(accounts);
    if !granted.is_subset(&readers) {
        return Err(Unmappable::Wider);
    }
    if granted != readers {
        if readers.len() <= MAX_SNAPSHOT {
            formula.notes.push("groups overlap: written as the accounts that may read it now".into());
            formula.lists = vec![readers.iter().map(|p| (*p).to_owned()).collect()];
            // One person with two accounts (through --map) reads with either.
            formula.blocked.retain(|p| !p.starts_with("group:"));
            formula.blocked.retain(|p| !readers.contains(p.as_str()));
        } else {
            formula.notes.push("groups overlap: some accounts that may read the file can't be granted".into());
        }
    }
    Ok(Mapped { acl: formula.acl(parents), notes: formula.notes })
}

impl Formula {
    fn add(&mut self, classes: &Classes, accounts: &Accounts) -> Result<(), Unmappable> {
        let mut list = BTreeSet::new();
        let grants_groups = classes.other || classes.groups.iter().any(|(_, bit)| *bit);
        for (uid, bit) in std::iter::once(&classes.owner).chain(&classes.users) {
            match (accounts.user(*uid), bit) {
                (Some(user), true) => {
                    list.insert(user.principal.clone());
                }
                // Only a wider class could still let the account in.
                (Some(user), false) if grants_groups => {
                    self.blocked.insert(user.principal.clone());
                }
                (None, true) => self.notes.push(format!("user number {uid} has no account: not granted")),
                (None, false) if grants_groups => return Err(Unmappable::UnknownUser(*uid)),
                (_, false) => {}
            }
        }
        for (gid, bit) in &classes.groups {
            match (accounts.groups.get(gid), bit) {
                (Some(group), true) => {
                    list.insert(group.principal.clone());
                }
                (Some(group), false) if classes.other => {
                    self.blocked.insert(group.principal.clone());
                }
                (None, true) => self.notes.push(format!("group number {gid} is unknown: not granted")),
                (None, false) if classes.other => return Err(Unmappable::UnknownGroup(*gid)),
                (_, false) => {}
            }
        }
        if classes.other {
            list.insert(accounts.everyone.clone());
        }
        self.lists.push(list);
        Ok(())
    }

    /// A list that contains another one whole adds nothing to the conjunction.
    fn simplify(&mut self) {
        self.lists.sort();
        self.lists.dedup();
        let lists = self.lists.clone();
        self.lists.retain(|l| !lists.iter().any(|other| other != l && other.is_subset(l)));
    }

    /// Who of the known accounts the formula lets in.
    fn granted<'a>(&self, accounts: &'a Accounts) -> BTreeSet<&'a str> {
        let is_in = |set: &BTreeSet<String>, user: &super::accounts::Account| {
            set.contains(&user.principal)
                || set.contains(&accounts.everyone)
                || user.gids.iter().filter_map(|g| accounts.groups.get(g)).any(|g| set.contains(&g.principal))
        };
        let lets_in =
            |u: &&super::accounts::Account| self.lists.iter().all(|l| is_in(l, u)) && !is_in(&self.blocked, u);
        accounts.users.iter().filter(lets_in).map(|u| u.principal.as_str()).collect()
    }

    fn acl(&self, parents: Vec<String>) -> Acl {
        let plain = |set: &BTreeSet<String>| set.iter().cloned().map(AclEntry::Plain).collect();
        let mut acl = Acl { parents, blocked: plain(&self.blocked), ..Acl::default() };
        match self.lists.as_slice() {
            [one] => acl.viewers = plain(one),
            many => acl.all_of = many.iter().map(|l| l.iter().cloned().collect()).collect(),
        }
        acl
    }
}

#[cfg(test)]
mod tests;
