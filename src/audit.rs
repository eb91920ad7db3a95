//! The record of what was asked, by whom, and what was given: append-only lines in a file of their own.
//!
//! A record is written before the answer leaves; where it can't be written there is no answer. That of a change is part
//! of the change's commit, and is carried here afterwards (`commit/carrier.rs`). One thread writes and flushes whatever
//! waits as a group. No text and no query is recorded, only keyed digests.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

pub mod asked;
mod log;
mod refusals;
pub mod seen;

pub use asked::{Asked, Told, Trace, Validity};

use crate::catalog::records::FolderName;
use crate::wire::TupleKey;
use log::Log;
use refusals::{Refusals, WINDOW};
use seen::{Mark, Seen};

/// Bytes of one item of what is asked: names that are stored are no longer, and nobody fills the disk with others.
const MAX_ITEM: usize = 1_024;

/// What a caller wrote, as far as a record has room for it.
pub fn cut(mut item: String) -> String {
    if item.len() > MAX_ITEM {
        let end = (0..=MAX_ITEM).rev().find(|at| item.is_char_boundary(*at)).unwrap_or(0);
        item.truncate(end);
        item.push('…');
    }
    item
}

/// Name of the file in the data folder.
pub const FILE: &str = "audit.jsonl";

/// The record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit record could not be written")]
pub struct AuditError;

/// One line of the audit file.
#[derive(Debug, Default, Serialize)]
pub struct Record<'a> {
    pub at: String,
    /// Of a change: no other record has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(flatten)]
    pub asked: Asked,
    pub event: &'a str,
    pub revision: u64,
    /// What was given: chunk ids, or the objects of a change.
    pub items: Vec<String>,
    /// Tuples that the change has removed and made, conditions included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<TupleKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<TupleKey>,
    /// The same where the server that owns them has yet to take it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_delete: Vec<TupleKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_write: Vec<TupleKey>,
    /// What else became of it.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub details: serde_json::Map<String, serde_json::Value>,
    /// Keyed digest of the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// Event: the process stopped in order.
pub const STOPPED: &str = "stopped";
/// Event: records can be written again, which could not be since the time that is its item.
const RESUMED: &str = "audit.resumed";
/// Event: the catalog was set back under the process.
pub const SET_BACK: &str = "set_back";
/// Event: a restored catalog was accepted; what was known before does not count any more.
pub const RESTORED: &str = "restored";

struct Line {
    text: Vec<u8>,
    /// The revision that it speaks of.
    revision: u64,
    /// What else the folder is to remember of the catalog.
    mark: Option<Mark>,
    /// Everything that was only counted so far is to be written.
    is_last: bool,
    done: oneshot::Sender<bool>,
}

/// Handle on the writing thread; clones share it.
#[derive(Clone)]
pub struct Audit {
    lines: mpsc::SyncSender<Line>,
    digest_key: [u8; 32],
    /// Bytes of whole lines in the file.
    length: Arc<AtomicU64>,
    /// Records that this process has written.
    records: Arc<AtomicU64>,
    refusals: Arc<Mutex<Refusals>>,
    folder: FolderName,
    /// Since when nothing could be written.
    failing: Arc<Mutex<Option<Timestamp>>>,
}

impl Audit {
    /// Opens (or creates) the file in the folder. `seen`: what the folder remembers, kept from now on.
    ///
    /// # Errors
    /// When the file can't be opened for appending.
    pub fn open(folder: &Path, digest_key: [u8; 32], seen: Seen) -> io::Result<Self> {
        let log = Log::open(&folder.join(FILE))?;
        let length = Arc::new(AtomicU64::new(log.length()));
        let refusals = Arc::new(Mutex::new(Refusals::new(Instant::now())));
        let name = seen.folder();
        let (lines, waiting) = mpsc::sync_channel(4096);
        let records = Arc::new(AtomicU64::new(0));
        let counts = (length.clone(), records.clone());
        let failing = Arc::default();
        let mut writing = Writing {
            log,
            seen,
            length: counts.0,
            records: counts.1,
            refusals: refusals.clone(),
            failing: Arc::clone(&failing),
        };
        std::thread::Builder::new().name("audit".into()).spawn(move || writing.run(&waiting))?;
        Ok(Self { lines, digest_key, length, records, refusals, folder: name, failing })
    }

    /// Writes one record; it is in the file when this returns.
    ///
    /// # Errors
    /// [`AuditError`]: then the request must fail.
    pub async fn record(&self, record: &Record<'_>) -> Result<(), AuditError> {
        self.record_with(record, None).await
    }

    /// Writes one record, and has the folder remember `mark`.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn record_with(&self, record: &Record<'_>, mark: Option<Mark>) -> Result<(), AuditError> {
        let text = line(record).ok_or(AuditError)?;
        self.queue(text, record.revision, mark).await
    }

    /// Queues whole lines at once; what comes back is whether they are in the file.
    pub fn queue(
        &self,
        text: Vec<u8>,
        revision: u64,
        mark: Option<Mark>,
    ) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        let (done, written) = oneshot::channel();
        self.hand_over(Line { text, revision, mark, is_last: false, done }, written)
    }

    fn hand_over(
        &self,
        line: Line,
        written: oneshot::Receiver<bool>,
    ) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        let queued = self.lines.try_send(line).map_err(|_| AuditError);
        async move {
            queued?;
            if written.await.unwrap_or(false) { Ok(()) } else { Err(AuditError) }
        }
    }

    /// Writes what was only counted so far, before the process ends.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn end(&self) -> impl Future<Output = Result<(), AuditError>> + Send + use<> {
        let (done, written) = oneshot::channel();
        self.hand_over(Line { text: Vec::new(), revision: 0, mark: None, is_last: true, done }, written)
    }

    /// Records that a credential was refused. Only the first ones of a while get a record of their own; the others are
    /// counted, so that nobody fills the disk who has no credential.
    pub fn refused(&self, asked: Asked, why: &str) {
        if self.refusals.lock().is_counted(Instant::now()) {
            return;
        }
        let at = Timestamp::now().to_string();
        let record = Record { at, asked, event: refusals::REFUSED, items: vec![why.to_owned()], ..Record::default() };
        if let Some(text) = line(&record) {
            // Nobody waits: the answer is a refusal in any case.
            drop(self.queue(text, 0, None));
        }
    }

    /// Whether records can be written. Where the last ones could not be, it is tried with one that says since when.
    pub async fn is_writable(&self) -> bool {
        let Some(since) = *self.failing.lock() else { return true };
        let at = Timestamp::now().to_string();
        let asked = Asked::duty("audit");
        let record = Record { at, asked, event: RESUMED, items: vec![since.to_string()], ..Record::default() };
        self.record(&record).await.is_ok()
    }

    /// Bytes of whole lines in the file.
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::SeqCst)
    }

    /// Records that this process has written.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Names the folder.
    pub fn folder(&self) -> FolderName {
        self.folder
    }

    /// Keyed digest of a question, so that equal questions can be recognised and none can be read.
    pub fn digest(&self, text: &str) -> String {
        blake3::keyed_hash(&self.digest_key, text.as_bytes()).to_hex().to_string()
    }
}

/// A record as a line of the file.
pub fn line(record: &Record<'_>) -> Option<Vec<u8>> {
    let mut text = serde_json::to_vec(record).ok()?;
    text.push(b'\n');
    Some(text)
}

/// The ids of records that the file in the folder holds from a place on; from its begin where it is shorter.
///
/// # Errors
/// When it can't be read.
pub fn ids_from(folder: &Path, place: u64) -> io::Result<HashSet<String>> {
    let mut ids = HashSet::new();
    each_line(folder, place, |line| ids.extend(id_of(line)))?;
    Ok(ids)
}

/// The id of a record.
pub fn id_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_slice::<Named>(line).ok().map(|named| named.id)
}

/// Whole lines of the file in the folder from a place on.
fn each_line(folder: &Path, place: u64, mut see: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = match File::open(folder.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let from = if place <= file.metadata()?.len() { place } else { 0 };
    file.seek(SeekFrom::Start(from))?;
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        see(&line);
        line.clear();
    }
    Ok(())
}

/// What the writing thread holds.
struct Writing {
    log: Log,
    seen: Seen,
    length: Arc<AtomicU64>,
    records: Arc<AtomicU64>,
    refusals: Arc<Mutex<Refusals>>,
    failing: Arc<Mutex<Option<Timestamp>>>,
}

impl Writing {
    /// Writes what waits as one group and syncs it once.
    fn run(&mut self, waiting: &mpsc::Receiver<Line>) {
        loop {
            let first = waiting.recv_timeout(WINDOW);
            let is_end = matches!(first, Err(RecvTimeoutError::Disconnected));
            let mut group: Vec<Line> = first.into_iter().collect();
            group.extend(waiting.try_iter().take(1023));
            let is_last = is_end || group.iter().any(|line| line.is_last);
            let summary = self.refusals.lock().summary(Instant::now(), is_last);
            let mut bytes: Vec<u8> = group.iter().flat_map(|line| line.text.iter().copied()).collect();
            bytes.extend(summary.iter().flatten());
            if !bytes.is_empty() || !group.is_empty() {
                // What is remembered without a record does no harm; a record that is there must not be written again.
                let written = self.remember(&group).and_then(|()| self.log.append(&bytes));
                match &written {
                    Ok(()) => {
                        let count = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                        self.records.fetch_add(count, Ordering::Relaxed);
                        *self.failing.lock() = None;
                    }
                    Err(error) => {
                        tracing::error!(%error, "the audit can't be written");
                        self.failing.lock().get_or_insert_with(Timestamp::now);
                    }
                }
                self.length.store(self.log.length(), Ordering::SeqCst);
                group.into_iter().for_each(|line| {
                    let _ = line.done.send(written.is_ok());
                });
            }
            if is_end {
                return;
            }
        }
    }

    /// Before anybody is answered at a revision, the folder remembers it.
    fn remember(&mut self, group: &[Line]) -> io::Result<()> {
        let newest = group.iter().map(|line| line.revision).max().unwrap_or_default();
        let mark = group.iter().rev().find_map(|line| line.mark.clone());
        self.seen.remember(newest, mark)
    }
}
