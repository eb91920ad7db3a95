//! Files that an option names: regular ones, of bounded size. A pipe or a device may have no end, or never begin.

use std::fs::{File, OpenOptions};
use std::io::{Error, Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file of at most `max` bytes.
pub fn open(path: &Path, max: u64) -> Result<File> {
    // NONBLOCK: opening a pipe must not wait for a writer.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(Error::other("not a regular file"));
    }
    if found.len() > max { Err(too_large(max)) } else { Ok(file) }
}

/// What it holds, without the mark of UTF-8 that tools of Windows write first.
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path, max)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > max {
        return Err(too_large(max));
    }
    Ok(match bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(text) => text.to_vec(),
        None => bytes,
    })
}

fn too_large(max: u64) -> Error {
    Error::other(format!("larger than {max} bytes"))
}
