//! Files below one folder, opened so that nothing outside it is ever read.
//!
//! Every directory and file is opened relative to the root's handle without following any symbolic link, and its type is
//! checked on the handle that is then read: swapping a name between listing and opening gains nothing. Links, devices,
//! pipes and sockets are never opened for reading.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat, openat2, statat};
use rustix::io::Errno;

use crate::acl::names;
use crate::acl::posix::Meta;
use crate::extract;

mod glob;

pub use glob::Globs;

/// Deeper trees are reported, not walked: a folder level costs one step of the service's resolution depth anyway.
const MAX_DEPTH: usize = 64;
/// More entries than this in one tree end the walk with an error rather than with exhausted memory.
const MAX_ENTRIES: usize = 20_000_000;

#[derive(Debug, thiserror::Error)]
pub enum FsError {
    #[error("cannot open the folder {path}: {source}")]
    Root { path: PathBuf, source: io::Error },
    #[error("{0}: {1}")]
    Open(String, io::Error),
    #[error("{0}: the path leads out of the folder")]
    Outside(String),
    #[error("{0}: a symbolic link, or below one; links are never followed")]
    Link(String),
    #[error("{0}: not a regular file")]
    NotRegular(String),
    #[error("{0}: {HARD_LINK}")]
    HardLink(String),
    #[error("{path}: larger than {max} bytes ({hint})")]
    TooLarge { path: String, max: u64, hint: String },
    #[error("more than {MAX_ENTRIES} entries below the folder")]
    TooMany,
}

/// Why a file with several names is left out.
const HARD_LINK: &str =
    "hard link: the same file has another name, where other rules may hold; name it with --hard-links to take it";

/// A folder held open.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    path: PathBuf,
    /// Files that may have other names; absent: whatever is asked for was named by the operator.
    hard_links: Option<Globs>,
}

/// A directory that was read, relative to the root (`""` is the root).
#[derive(Debug, Clone)]
pub struct FoundDir {
    pub rel: String,
    pub meta: Result<Meta, String>,
    /// Before it was listed.
    pub stamp: Stamp,
}

/// Tells whether a file is another one, or was written, since somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    file: (u64, u64),
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(stat: &Stat) -> Stamp {
        let nanoseconds = |n: u64| i64::try_from(n).unwrap_or_default();
        Stamp {
            file: (stat.st_dev, stat.st_ino),
            size: stat.st_size,
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
        }
    }

    /// Of a file that the operator names; none if it is a pipe.
    pub fn at(path: &Path) -> Option<Stamp> {
        let stat = rustix::fs::stat(path).ok()?;
        (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| Stamp::of(&stat))
    }
}

/// What a walk saw. Paths use `/` and are relative to the root.
#[derive(Debug, Default)]
pub struct Listing {
    pub dirs: Vec<FoundDir>,
    /// Directories that were left out.
    pub pruned: Vec<String>,
    /// Regular files, without those left out by the operator's globs.
    pub files: Vec<String>,
    /// Links, devices and the like.
    pub special: Vec<(String, String)>,
    /// Names that can't become ids.
    pub unnamed: Vec<(String, String)>,
    /// Directories that could not be read: what lies below them is unknown, not missing.
    pub unreadable: Vec<(String, String)>,
}

/// Bytes of a file with what the same handle says about it.
#[derive(Debug)]
pub struct FileBytes {
    pub bytes: Vec<u8>,
    /// Once they were read: who closes a file before writing to it relies on that.
    pub meta: Result<Meta, String>,
    /// Before they were read.
    pub stamp: Stamp,
}

impl Root {
    /// `path` itself may be a link: the operator named it.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let failed = |source: io::Error| FsError::Root { path: path.to_owned(), source };
        let fd = open(path, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
        let path = path.canonicalize().map_err(failed)?;
        Ok(Root { fd, path, hard_links: None })
    }

    /// Reads a file that has other names too only where the globs say so.
    pub fn within(self, globs: &Globs) -> Self {
        Root { hard_links: Some(globs.clone()), ..self }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Metadata of every directory above the root, up to `/`, by walking `..` from the handle.
    pub fn above(&self) -> Result<Vec<Meta>, String> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let text = |e: Errno| io::Error::from(e).to_string();
        let mut metas = Vec::new();
        let mut here = fstat(&self.fd).map_err(text)?;
        let mut fd = openat(&self.fd, c"..", flags, Mode::empty()).map_err(text)?;
        for _ in 0..4096 {
            let up = fstat(&fd).map_err(text)?;
            if (up.st_dev, up.st_ino) == (here.st_dev, here.st_ino) {
                break;
            }
            metas.push(Meta::of(fd.as_fd())?);
            here = up;
            fd = openat(&fd, c"..", flags, Mode::empty()).map_err(text)?;
        }
        Ok(metas)
    }

    /// Reads at most `max` bytes of a regular file.
    pub fn read(&self, rel: &str, max: u64) -> Result<FileBytes, FsError> {
        let failed = |e: io::Error| FsError::Open(rel.to_owned(), e);
        // NONBLOCK: a FIFO put in place of the file must not hang the run.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = self.beneath(rel, flags).map_err(|e| match e {
            Errno::XDEV => FsError::Outside(rel.to_owned()),
            Errno::LOOP => FsError::Link(rel.to_owned()),
            e => failed(e.into()),
        })?;
        let stat = fstat(&fd).map_err(|e| failed(e.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(FsError::NotRegular(rel.to_owned()));
        }
        // Again on the handle: another name may have come since the listing.
        if stat.st_nlink > 1 && self.hard_links.as_ref().is_some_and(|globs| !globs.takes_hard_link(rel)) {
            return Err(FsError::HardLink(rel.to_owned()));
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let too_large = || FsError::TooLarge { path: rel.to_owned(), max, hint: extract::what_helps(rel, size) };
        if size > max {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let mut file = File::from(fd);
        let read = (&mut file).take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if read as u64 > max {
            return Err(too_large());
        }
        Ok(FileBytes { bytes, meta: Meta::of(file.as_fd()), stamp: Stamp::of(&stat) })
    }

    /// What lies at the path now, if anything does.
    pub fn stamp(&self, rel: &str) -> io::Result<Option<Stamp>> {
        let rel = if rel.is_empty() { "." } else { rel };
        match statat(&self.fd, rel, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Stamp::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Permissions of a file as they are now, not of one that a link in its place names.
    pub fn meta_of_file(&self, rel: &str) -> Result<Meta, String> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = self.beneath(rel, flags).map_err(|e| io::Error::from(e).to_string())?;
        Meta::of(fd.as_fd())
    }

    /// Permissions of a directory as they are now.
    pub fn meta(&self, dir: &str) -> Result<Meta, String> {
        Meta::of(self.open_dir(dir).map_err(|e| io::Error::from(e).to_string())?.as_fd())
    }

    /// Paths of what lies in a directory now.
    pub fn names(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(self.open_dir(dir)?)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            found.push(if dir.is_empty() { name } else { format!("{dir}/{name}") });
        }
        Ok(found)
    }

    /// Lists the whole tree, sorted, so that two runs see the same order.
    pub fn walk(&self, globs: &Globs) -> Result<Listing, FsError> {
        let mut listing = Listing::default();
        let mut entries = 0usize;
        let mut stack = vec![String::new()];
        while let Some(rel) = stack.pop() {
            let mut subdirs = self.visit(rel, globs, &mut listing, &mut entries)?;
            subdirs.sort_by(|a, b| b.cmp(a));
            stack.append(&mut subdirs);
        }
        Ok(sorted(listing))
    }

    /// Lists these directories alone; those in them are left out.
    pub fn list(&self, dirs: &[&str], globs: &Globs) -> Result<Listing, FsError> {
        let mut listing = Listing::default();
        let mut entries = 0usize;
        for dir in dirs {
            let subdirs = self.visit((*dir).to_owned(), globs, &mut listing, &mut entries)?;
            listing.pruned.extend(subdirs.into_iter().filter(|path| !dirs.contains(&path.as_str())));
        }
        Ok(sorted(listing))
    }

    /// Lists one directory, and tells those in it.
    fn visit(
        &self,
        rel: String,
        globs: &Globs,
        listing: &mut Listing,
        entries: &mut usize,
    ) -> Result<Vec<String>, FsError> {
        let found = self.open_dir(&rel).and_then(|fd| fstat(&fd).map(|stat| (fd, Stamp::of(&stat))));
        let (fd, stamp) = match found {
            Ok(found) => found,
            Err(e) => {
                listing.unreadable.push((rel, io::Error::from(e).to_string()));
                return Ok(Vec::new());
            }
        };
        let meta = Meta::of(fd.as_fd());
        let (subdirs, complete) = list_dir(&fd, &rel, globs, listing, entries)?;
        if let Err(e) = complete {
            listing.unreadable.push((rel.clone(), e));
        }
        listing.dirs.push(FoundDir { rel, meta, stamp });
        Ok(subdirs)
    }

    fn open_dir(&self, rel: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if rel.is_empty() {
            return openat(&self.fd, c".", flags, Mode::empty());
        }
        self.beneath(rel, flags)
    }

    /// SECURITY: the only way from a relative name to a handle. `..`, absolute names and links of any kind are refused by
    /// the kernel; where it lacks the call, each component is opened on its own without following links.
    fn beneath(&self, rel: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.fd, rel, flags | OFlags::NOFOLLOW, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) => self.stepwise(rel, flags),
            // The kernel asks for another try when a rename raced with the lookup.
            Err(Errno::AGAIN) => openat2(&self.fd, rel, flags | OFlags::NOFOLLOW, Mode::empty(), resolve),
            done => done,
        }
    }

    fn stepwise(&self, rel: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut parts: Vec<&str> = rel.split('/').collect();
        if parts.iter().any(|p| p.is_empty() || *p == "." || *p == "..") {
            return Err(Errno::XDEV);
        }
        let Some(last) = parts.pop() else { return Err(Errno::NOENT) };
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut dir = openat(&self.fd, c".", step, Mode::empty())?;
        for part in parts {
            dir = openat(&dir, part, step, Mode::empty())?;
        }
        openat(&dir, last, flags | OFlags::NOFOLLOW, Mode::empty())
    }
}

fn sorted(mut listing: Listing) -> Listing {
    listing.files.sort();
    listing.dirs.sort_by(|a, b| a.rel.cmp(&b.rel));
    listing
}

type Subdirs = (Vec<String>, Result<(), String>);

fn list_dir(
    fd: &OwnedFd,
    rel: &str,
    globs: &Globs,
    listing: &mut Listing,
    entries: &mut usize,
) -> Result<Subdirs, FsError> {
    let mut subdirs = Vec::new();
    let dir = match Dir::read_from(fd) {
        Ok(dir) => dir,
        Err(e) => return Ok((subdirs, Err(io::Error::from(e).to_string()))),
    };
    for entry in dir {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => return Ok((subdirs, Err(io::Error::from(e).to_string()))),
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        *entries = entries.saturating_add(1);
        if *entries > MAX_ENTRIES {
            return Err(FsError::TooMany);
        }
        let Some(path) = usable_name(rel, name, listing) else { continue };
        let (kind, links) = match statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => (FileType::from_raw_mode(stat.st_mode), stat.st_nlink),
            Err(Errno::NOENT) => continue,
            Err(e) => {
                listing.unreadable.push((path, io::Error::from(e).to_string()));
                continue;
            }
        };
        globs.note(&path, kind == FileType::Directory);
        match kind {
            FileType::Directory if names::is_rule_file(&path) => {
                listing.special.push((path, "a directory, not a rule file".into()));
            }
            FileType::Directory if globs.prunes(&path) => listing.pruned.push(path),
            FileType::Directory if path.split('/').count() >= MAX_DEPTH => {
                listing.unreadable.push((path, format!("more than {MAX_DEPTH} levels deep")));
            }
            FileType::Directory => subdirs.push(path),
            FileType::RegularFile if globs.looks_at(&path) && links > 1 && !globs.takes_hard_link(&path) => {
                listing.special.push((path, HARD_LINK.into()));
            }
            FileType::RegularFile if globs.looks_at(&path) => listing.files.push(path),
            FileType::RegularFile => {}
            _ if !globs.looks_at(&path) => {}
            FileType::Symlink => listing.special.push((path, "symbolic link, never followed".into())),
            other => listing.special.push((path, format!("not a regular file ({other:?})"))),
        }
    }
    Ok((subdirs, Ok(())))
}

/// Ids are text without control characters; other names are reported rather than renamed, since an invented id would
/// collide with, or outlive, the file's true name.
fn usable_name(rel: &str, name: &CStr, listing: &mut Listing) -> Option<String> {
    let join = |n: &str| if rel.is_empty() { n.to_owned() } else { format!("{rel}/{n}") };
    match name.to_str() {
        Ok(n) if !n.chars().any(char::is_control) => Some(join(n)),
        Ok(n) => {
            listing.unnamed.push((join(n), "the name holds control characters; rename the file".into()));
            None
        }
        Err(_) => {
            let shown = join(&name.to_string_lossy());
            listing.unnamed.push((shown, "the name is not UTF-8; rename the file".into()));
            None
        }
    }
}

#[cfg(test)]
mod tests;
