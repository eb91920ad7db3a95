//! How far the process of a data folder has seen the catalog: what keeps an older copy of it from being served.
//!
//! A file of its own, of fixed size, that only the service writes: nothing that a caller sends can change what it says.
//! Two slots are written in turn, each with a checksum, so that a crash in the middle of one leaves the other; and a
//! revision stands here, durably, before anything is answered from it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use serde::Deserialize;

use super::{RESTORED, SET_BACK, STOPPED, each_line};
use crate::catalog::commits::Origin;
use crate::catalog::records::FolderName;
use crate::failpoint;

/// Name of the file in the data folder.
pub const FILE: &str = "seen";

/// Where the second slot begins: on another sector of the disk.
const APART: u64 = 4096;
const MAGIC: &[u8; 8] = b"usher\0s1";
/// Bytes of a slot before its checksum.
const BODY: usize = 80;
const SLOT: usize = BODY + 32;

/// What a folder remembers of the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The newest revision that was seen; 0 where there is none.
    pub revision: u64,
    /// The commit that was seen last when a process stopped: its revision and its name.
    pub commit: Option<(u64, Origin)>,
    /// The catalog had another history when it was last seen.
    pub is_other: bool,
}

/// What else than a newer revision there is to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A process stopped, or (`is_other`) found another history: the commit that it had seen last, where it has a name.
    Last { revision: u64, name: Option<Origin>, is_other: bool },
    /// A restored catalog was accepted at this revision; what was known does not count any more.
    Accepted { revision: u64 },
}

impl Known {
    /// What is known after this too.
    pub fn after(&self, newest: u64, mark: Option<Mark>) -> Self {
        match mark {
            Some(Mark::Accepted { revision }) => Self { revision, ..Self::default() },
            Some(Mark::Last { revision, name, is_other }) => {
                let commit = name.map(|name| (revision, name));
                Self { revision: self.revision.max(newest).max(revision), commit, is_other }
            }
            None => Self { revision: self.revision.max(newest), ..self.clone() },
        }
    }
}

/// The open file.
#[derive(Debug)]
pub struct Seen {
    file: File,
    folder: FolderName,
    known: Known,
    /// Of the newest slot; the next one goes to the other place.
    number: u64,
}

impl Seen {
    /// Opens the file of a folder, or makes it. One that an older release has left without gets what its audit says, the
    /// whole of it.
    ///
    /// # Errors
    /// When it can't be read or written, or is damaged.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Self::make(folder, known_by_audit(folder)?);
            }
            opened => opened?,
        };
        let slots = [0, APART].into_iter().filter_map(|place| read(&file, place));
        let newest = slots.max_by_key(|slot| slot.number);
        let damaged = || {
            let text = "both copies in it are damaged; restore it from a backup, or remove it and look whether the catalog \
                        is the newest one";
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let Slot { number, folder, known } = newest.ok_or_else(damaged)?;
        Ok(Self { file, folder, known, number })
    }

    fn make(folder: &Path, known: Known) -> io::Result<Self> {
        let (path, new) = (folder.join(FILE), folder.join("seen.new"));
        let mut name = FolderName::default();
        getrandom::fill(&mut name).map_err(io::Error::other)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(true).read(true).write(true).mode(0o600).open(&new)?;
        let mut seen = Self { file, folder: name, known: known.clone(), number: 0 };
        // Both slots, so that later writes need no space.
        seen.write(known.clone())?;
        seen.write(known)?;
        seen.file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()?;
        Ok(seen)
    }

    /// Names the folder.
    pub fn folder(&self) -> FolderName {
        self.folder
    }

    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Remembers a revision, and what else there is; durable when this returns. Nothing is written where all is known.
    ///
    /// # Errors
    /// I/O.
    pub fn remember(&mut self, newest: u64, mark: Option<Mark>) -> io::Result<()> {
        let next = self.known.after(newest, mark);
        if next == self.known { Ok(()) } else { self.write(next) }
    }

    fn write(&mut self, known: Known) -> io::Result<()> {
        let slot = Slot { number: self.number + 1, folder: self.folder, known };
        failpoint::hit("seen.before_write")?;
        self.file.write_all_at(&slot.to_bytes(), if slot.number.is_multiple_of(2) { APART } else { 0 })?;
        failpoint::hit("seen.before_sync")?;
        self.file.sync_data()?;
        (self.number, self.known) = (slot.number, slot.known);
        Ok(())
    }
}

struct Slot {
    number: u64,
    folder: FolderName,
    known: Known,
}

impl Slot {
    fn to_bytes(&self) -> Vec<u8> {
        let (revision, name) = self.known.commit.unwrap_or_default();
        let flags = [u8::from(self.known.commit.is_some()), u8::from(self.known.is_other)];
        let mut bytes = Vec::with_capacity(SLOT);
        bytes.extend(MAGIC);
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.folder);
        bytes.extend(self.known.revision.to_be_bytes());
        bytes.extend(revision.to_be_bytes());
        bytes.extend(name);
        bytes.extend(flags);
        bytes.resize(BODY, 0);
        let sum = blake3::hash(&bytes);
        bytes.extend(sum.as_bytes());
        bytes
    }
}

/// The slot at a place, where a whole one is there.
fn read(file: &File, place: u64) -> Option<Slot> {
    let mut bytes = [0; SLOT];
    file.read_exact_at(&mut bytes, place).ok()?;
    let (body, sum) = bytes.split_at(BODY);
    if blake3::hash(body).as_bytes() != sum {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let number = u64::from_be_bytes(take(&mut rest)?);
    let folder = take(&mut rest)?;
    let revision = u64::from_be_bytes(take(&mut rest)?);
    let commit = (u64::from_be_bytes(take(&mut rest)?), take(&mut rest)?);
    let [has_commit, is_other] = take(&mut rest)?;
    let commit = Some(commit).filter(|_| has_commit == 1);
    Some(Slot { number, folder, known: Known { revision, commit, is_other: is_other == 1 } })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

/// What the audit of a folder says, for one that has nothing else.
fn known_by_audit(folder: &Path) -> io::Result<Known> {
    #[derive(Deserialize)]
    struct Seen {
        revision: u64,
        event: String,
        items: Vec<String>,
    }
    let mut known = Known::default();
    each_line(folder, 0, |line| {
        // A last one that a crash has torn is no record.
        let Ok(Seen { revision, event, items }) = serde_json::from_slice(line) else { return };
        let name = items.first().and_then(|name| parse_name(name));
        let mark = match event.as_str() {
            RESTORED => Some(Mark::Accepted { revision }),
            STOPPED | SET_BACK => Some(Mark::Last { revision, name, is_other: event == SET_BACK }),
            _ => None,
        };
        known = known.after(revision, mark);
    })?;
    Ok(known)
}

fn parse_name(hex: &str) -> Option<Origin> {
    let digits = Some(hex).filter(|hex| hex.len() == 32 && hex.is_ascii())?;
    let mut name = Origin::default();
    for (byte, at) in name.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Origin = [7; 16];

    #[test]
    fn a_torn_slot_leaves_what_was_remembered_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path()).unwrap();
        let name = seen.folder();
        for revision in 1..20 {
            seen.remember(revision, None).unwrap();
            let (path, place) = (folder.path().join(FILE), if seen.number.is_multiple_of(2) { APART } else { 0 });
            let whole = std::fs::read(&path).unwrap();
            assert_eq!(Seen::open(folder.path()).unwrap().known().revision, revision);
            for at in 0..SLOT {
                let mut torn = whole.clone();
                torn[place as usize + at] ^= 1;
                std::fs::write(&path, &torn).unwrap();
                let found = Seen::open(folder.path()).unwrap();
                assert_eq!((found.known().revision, found.folder()), (revision - 1, name), "byte {at}");
            }
            std::fs::write(&path, &whole).unwrap();
            seen = Seen::open(folder.path()).unwrap();
        }
        std::fs::write(folder.path().join(FILE), b"").unwrap();
        assert!(Seen::open(folder.path()).is_err(), "a damaged file is not an absent one");
    }

    #[test]
    fn marks_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path()).unwrap();
        let last = |revision, is_other| Some(Mark::Last { revision, name: Some(NAME), is_other });
        for (newest, mark, expected) in [
            (5, None, (5, None, false)),
            (3, None, (5, None, false)),
            (6, last(6, false), (6, Some((6, NAME)), false)),
            (9, None, (9, Some((6, NAME)), false)),
            (9, last(9, true), (9, Some((9, NAME)), true)),
            (2, Some(Mark::Accepted { revision: 2 }), (2, None, false)),
        ] {
            seen.remember(newest, mark).unwrap();
            let Known { revision, commit, is_other } = Seen::open(folder.path()).unwrap().known().clone();
            assert_eq!((revision, commit, is_other), expected);
        }
    }

    /// Once, when a folder of an older release is opened: a line of any length is whole there.
    #[test]
    fn an_older_folder_is_taken_over_from_its_whole_audit() {
        let folder = tempfile::tempdir().unwrap();
        let giant = "x".repeat(5 << 20);
        let lines = [
            serde_json::json!({"revision": 41, "event": "query", "items": []}),
            serde_json::json!({"revision": 7, "event": "documents.list", "items": [giant]}),
        ];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(folder.path().join(super::super::FILE), text + "{\"revision\":99,\"ev").unwrap();
        assert_eq!(Seen::open(folder.path()).unwrap().known().revision, 41);
    }
}
