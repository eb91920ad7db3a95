//! The file of whole lines.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::failpoint;

pub(super) struct Log {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// A sync has failed, or a torn line could not be cut off: nothing more is written until the next start.
    is_stopped: bool,
}

impl Log {
    /// Cuts off a last line that was torn by a crash; nobody was answered on its strength.
    pub fn over(mut file: File) -> io::Result<Self> {
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
        Ok(Self { file, length, is_stopped: false })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes and syncs whole lines; all or none of them stay.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_stopped {
            return Err(io::Error::other("an earlier sync failed; restart the service"));
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
