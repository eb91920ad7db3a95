//! The record of what was asked, by whom, and what was given: append-only lines in a file of their own.
//!
//! A record is written before the answer leaves; where it can't be written there is no answer. One thread writes and
//! flushes whatever waits as a group. No text and no query is recorded, only keyed digests.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc;

use serde::Serialize;
use tokio::sync::oneshot;

use crate::failpoint;

/// Bytes at the end of the file that hold its last line: an answer names at most some hundred passages.
const LAST_LINES: u64 = 1 << 20;

pub mod receipt;

/// The record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit record could not be written")]
pub struct AuditError;

/// One line of the audit file.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    pub at: String,
    pub request_id: &'a str,
    pub event: &'a str,
    /// Subjects that the request ran for, or the credential alone.
    pub subjects: Vec<String>,
    pub credential: &'a str,
    pub revision: u64,
    /// What was given: chunk ids, or the objects of a change.
    pub items: Vec<String>,
    /// Keyed digest of the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// Event: the process stopped in order; its one item names the commit that it had seen last, where one is listed.
pub const STOPPED: &str = "stopped";
/// Event: the catalog was set back under the process; the item is as with [`STOPPED`].
pub const SET_BACK: &str = "set_back";
/// Event: a restored catalog was accepted; what was known before does not count any more.
pub const RESTORED: &str = "restored";

/// What the audit in a folder says of the catalog.
#[derive(Debug, Default)]
pub struct Known {
    /// The newest revision that it speaks of; 0 where there is none.
    pub revision: u64,
    /// The commit that was seen last when a process stopped: its revision and its name.
    pub commit: Option<(u64, String)>,
    /// The catalog had another history when it was last seen.
    pub is_other: bool,
}

/// # Errors
/// When the file can't be read.
pub fn last_known(folder: &Path) -> io::Result<Known> {
    #[derive(serde::Deserialize)]
    struct Seen {
        revision: u64,
        event: String,
        items: Vec<String>,
    }
    let mut file = match File::open(folder.join("audit.jsonl")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known::default()),
        opened => opened?,
    };
    let from = file.seek(SeekFrom::End(0))?.saturating_sub(LAST_LINES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // A first line that was cut off here, and a last one that a crash has torn, are no records.
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Seen>(line).ok());
    Ok(lines.fold(Known::default(), |known, line| {
        if line.event == RESTORED {
            return Known { revision: line.revision, ..Known::default() };
        }
        let newest = known.revision.max(line.revision);
        let is_other = line.event == SET_BACK;
        if !is_other && line.event != STOPPED {
            return Known { revision: newest, ..known };
        }
        let commit = line.items.into_iter().next().map(|name| (line.revision, name));
        Known { revision: newest, commit, is_other }
    }))
}

struct Line {
    text: Vec<u8>,
    done: oneshot::Sender<bool>,
}

/// Handle on the writing thread; clones share it.
#[derive(Clone)]
pub struct Audit {
    lines: mpsc::SyncSender<Line>,
    digest_key: [u8; 32],
}

impl Audit {
    /// Opens (or creates) `audit.jsonl` in the folder.
    ///
    /// # Errors
    /// When the file can't be opened for appending.
    pub fn open(folder: &Path, digest_key: [u8; 32]) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Log::over(options.open(folder.join("audit.jsonl"))?)?;
        File::open(folder)?.sync_all()?;
        let (lines, waiting) = mpsc::sync_channel(4096);
        std::thread::Builder::new().name("audit".into()).spawn(move || write_lines(file, &waiting))?;
        Ok(Self { lines, digest_key })
    }

    /// Writes one record; it is in the file when this returns.
    ///
    /// # Errors
    /// [`AuditError`]: then the request must fail.
    pub async fn record(&self, record: &Record<'_>) -> Result<(), AuditError> {
        let mut text = serde_json::to_vec(record).map_err(|_| AuditError)?;
        text.push(b'\n');
        let (done, written) = oneshot::channel();
        self.lines.try_send(Line { text, done }).map_err(|_| AuditError)?;
        if written.await.unwrap_or(false) { Ok(()) } else { Err(AuditError) }
    }

    /// Keyed digest of a question, so that equal questions can be recognised and none can be read.
    pub fn digest(&self, text: &str) -> String {
        blake3::keyed_hash(&self.digest_key, text.as_bytes()).to_hex().to_string()
    }
}

/// Writes what waits as one group and syncs it once.
fn write_lines(mut log: Log, waiting: &mpsc::Receiver<Line>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(1023));
        let bytes: Vec<u8> = group.iter().flat_map(|line| line.text.iter().copied()).collect();
        let written = log.append(&bytes);
        if let Err(error) = &written {
            tracing::error!(%error, "the audit can't be written");
        }
        group.into_iter().for_each(|line| {
            let _ = line.done.send(written.is_ok());
        });
    }
}

/// A file of whole lines.
struct Log {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// A sync has failed, or a torn line could not be cut off: nothing more is written until the next start.
    is_stopped: bool,
}

impl Log {
    /// Cuts off a last line that was torn by a crash; nobody was answered on its strength.
    fn over(mut file: File) -> io::Result<Self> {
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

    /// Writes and syncs whole lines; all or none of them stay.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
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
