//! The record of what was asked, by whom, and what was given: append-only lines in a file of their own.
//!
//! A record is written before the answer leaves; where it can't be written there is no answer. One thread writes and
//! flushes whatever waits as a group. No text and no query is recorded, only keyed digests.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;

use serde::Serialize;
use tokio::sync::oneshot;

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
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(folder.join("audit.jsonl"))?;
        let (lines, waiting) = mpsc::sync_channel(4096);
        std::thread::Builder::new().name("audit".into()).spawn(move || write_lines(file, &waiting))?;
        Ok(Self { lines, digest_key })
    }

    /// Writes one record; it is in the file when this returns.
    ///
    /// # Errors
    /// [`AuditError`]: then the request must fail.
    pub async fn record(&self, record: &Record<'_>) -> Result<(), AuditError> {
        crate::failpoint::hit("audit.before_write").map_err(|_| AuditError)?;
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
fn write_lines(mut file: File, waiting: &mpsc::Receiver<Line>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(1023));
        let bytes: Vec<u8> = group.iter().flat_map(|line| line.text.iter().copied()).collect();
        let is_written = file.write_all(&bytes).and_then(|()| file.sync_data()).is_ok();
        group.into_iter().for_each(|line| {
            let _ = line.done.send(is_written);
        });
    }
}
