//! The file of whole lines.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::failpoint;

pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// A sync has failed, or a torn line could not be cut off: nothing more is written until the next start.
    is_stopped: bool,
}

impl Log {
    /// Opens the file, or makes it. Cuts off a last line that was torn by a crash; nobody was answered on its strength.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.create(true).read(true).append(true).mode(0o600);
        let mut file = options.open(path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        let end = file.seek(SeekFrom::End(0))?;
        let mut length = end;
        let mut block = [0; 4096];
        while length > 0 {
            let start = length.saturating_sub(block.len() as u64);
            let part = block.get_mut(..(length - start) as usize).unwrap_or_default();
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(part)?;
            if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
                length = start + at as u64 + 1;
                break;
            }
            length = start;
        }
        if length < end {
            file.set_len(length)?;
            file.sync_all()?;
        }
        Ok(Self { path: path.to_owned(), file, length, is_stopped: false })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether the file has its name still.
    fn is_in_its_place(&self) -> io::Result<bool> {
        let own = self.file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes and syncs whole lines; all or none of them stay. A file that has been moved away is left as it is.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_stopped {
            return Err(io::Error::other("an earlier sync failed; restart the service"));
        }
        if !self.is_in_its_place()? {
            tracing::warn!(path = %self.path.display(), "the audit was moved or removed; it goes on in a new file");
            *self = Self::open(&self.path)?;
        }
        if let Err(error) = failpoint::hit("audit.before_write").and_then(|()| self.file.write_all(lines)) {
            self.is_stopped = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        let synced = failpoint::hit("audit.before_sync")
            .and_then(|()| self.file.sync_data())
            .and_then(|()| failpoint::hit("audit.after_sync"));
        self.is_stopped = synced.is_err();
        self.length += lines.len() as u64;
        synced
    }
}
