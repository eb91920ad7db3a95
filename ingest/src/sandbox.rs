//! One child process per file: hostile bytes are parsed where they can reach neither files, network nor other documents.
//!
//! The CLI runs itself again as `extract-worker`, with an empty environment. A new process for every file, because a
//! parser that was taken over must not see, or alter, the next file, which may belong to somebody else. Whatever becomes
//! of the child, one file fails and the run goes on.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::extract::{ExtractError, Extracted, Job, Record, RecordsJob, Work};
use crate::term::Term;

pub mod child;
mod frame;
mod recognise;
pub mod tool;

pub use recognise::{DEFAULT, Mode, Options, languages};
use recognise::{Found, Recogniser};

/// What a child may write: the largest text, escaped as JSON, with its chunks.
const MAX_OUTPUT: u64 = 96 * 1024 * 1024;
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Extract(#[from] ExtractError),
    #[error("reading took longer than {0} seconds")]
    Timeout(u64),
    #[error("reading {0}")]
    Died(String),
    #[error("the extractor wrote more than {0} bytes")]
    Output(u64),
    #[error("the extractor gave no sensible answer: {0}")]
    Protocol(String),
    #[error("the extractor can't be started: {0}")]
    Spawn(std::io::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the sandbox can't be checked: {0}")]
    Probe(#[from] WorkerError),
    #[error("--ocr-languages: {0}")]
    Languages(String),
    #[error("neither landlock nor seccomp works here, so foreign files can't be read safely: {0}")]
    None(String),
}

/// Which layers hold in the child.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Level {
    pub landlock: bool,
    pub seccomp: bool,
    pub notes: Vec<String>,
}

impl Level {
    pub fn words(&self) -> String {
        let layers = [("landlock", self.landlock), ("seccomp", self.seccomp), ("rlimits", true)];
        layers.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect::<Vec<_>>().join("+")
    }
}

/// Starts children for files.
#[derive(Debug)]
pub struct Sandbox {
    timeout: Duration,
    recogniser: Recogniser,
}

impl Sandbox {
    /// Finds out which layers work and says so; without any kernel layer nothing is read.
    pub fn start(term: &Term, timeout: Duration, options: &Options) -> Result<Self, SandboxError> {
        let mut command = worker("extract-worker");
        command.args(["--probe", "level"]);
        let out = converse(command, &[], PROBE_TIMEOUT, MAX_OUTPUT)?;
        let level: Level = serde_json::from_slice(&out).map_err(|e| WorkerError::Protocol(e.to_string()))?;
        if !level.landlock && !level.seccomp {
            return Err(SandboxError::None(level.notes.join("; ")));
        }
        term.note(&format!("sandbox: {}", level.words()));
        for note in &level.notes {
            term.warn(&format!("sandbox: {note}"));
        }
        let recogniser = Recogniser::new(options, &level);
        recogniser.check().map_err(SandboxError::Languages)?;
        Ok(Sandbox { timeout, recogniser })
    }

    /// The document that a file is, with what recognition finds in its pictures.
    pub fn extract(&self, job: &Job, bytes: &[u8]) -> Result<Extracted, WorkerError> {
        let first = self.document(job, bytes);
        let pages = match &first {
            Ok(doc) => &doc.pictures,
            Err(WorkerError::Extract(ExtractError::Pictures { pages, .. })) => pages,
            Err(_) => return first,
        };
        if pages.is_empty() {
            return first;
        }
        // SECURITY: spans of restricted parts count in a text that every run makes in the same way.
        let mut found = match job.has_parts || !job.sections.is_empty() {
            true => {
                Found { missed: pages.len() as u64, why: "the file has restricted parts".into(), ..Found::default() }
            }
            false if self.recogniser.is_wordless(bytes) => Found::default(),
            false => self.recogniser.read(bytes, pages),
        };
        found.texts.retain(|_, text| !text.trim().is_empty());
        let recognised = found.texts.len() as u64;
        self.recogniser.count(recognised, found.missed);
        let missed = format!("{} pages with pictures are not recognised: {}", found.missed, found.why);
        let read = match found.texts.is_empty() {
            true => first,
            false => self.document(&Job { recognised: found.texts, ..job.clone() }, bytes),
        };
        match read {
            Ok(mut doc) => {
                for (what, n) in [("recognised pages", recognised), ("pages that are not recognised", found.missed)] {
                    doc.removed.extend((n > 0).then(|| (what.to_owned(), n)));
                }
                doc.warnings.extend((recognised > 0).then(|| {
                    format!("the text of {recognised} pages is recognised in their pictures and may have mistakes")
                }));
                doc.warnings.extend((found.missed > 0).then_some(missed));
                Ok(doc)
            }
            Err(WorkerError::Extract(ExtractError::Pictures { pages, why })) => {
                if found.missed == 0 {
                    self.recogniser.note_wordless(bytes);
                }
                let why = match found.missed {
                    0 => format!("{why} in which no text is recognised"),
                    _ => format!("{why}; {missed}"),
                };
                Err(ExtractError::Pictures { pages, why }.into())
            }
            Err(e) => Err(e),
        }
    }

    /// What of the text of a document depends on recognition, for its hash: now, and where it was done and can't be now.
    pub fn recognition(&self, bytes: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.recogniser.key(bytes), self.recogniser.key_before(bytes))
    }

    /// Files in which an earlier run recognised nothing.
    pub fn know_wordless(&self, known: BTreeSet<String>) {
        self.recogniser.know_wordless(known);
    }

    /// Those of this run.
    pub fn wordless(&self) -> BTreeSet<String> {
        self.recogniser.wordless()
    }

    /// Says at the end of a run what was recognised.
    pub fn tell(&self, term: &Term) {
        self.recogniser.tell(term);
    }

    fn document(&self, job: &Job, bytes: &[u8]) -> Result<Extracted, WorkerError> {
        let doc: Extracted = self.ask(&Work::Document(job.clone()), bytes)?;
        check(&doc)?;
        Ok(doc)
    }

    /// The records that a file holds.
    pub fn records(&self, job: &RecordsJob, bytes: &[u8]) -> Result<Vec<Record>, WorkerError> {
        let records: Vec<Record> = self.ask(&Work::Records(job.clone()), bytes)?;
        records.iter().filter_map(|record| record.document.as_deref()).try_for_each(check)?;
        let is_odd = |record: &Record| {
            let is_id = |id: &String| !id.is_empty() && !id.chars().any(char::is_control);
            !record.id.as_ref().is_none_or(is_id) || record.mistake.is_none() && record.hash.len() != 64
        };
        match records.iter().any(is_odd) {
            true => Err(WorkerError::Protocol("records without names".into())),
            false => Ok(records),
        }
    }

    fn ask<T: DeserializeOwned>(&self, work: &Work, bytes: &[u8]) -> Result<T, WorkerError> {
        let header = serde_json::to_vec(work).map_err(|e| WorkerError::Protocol(e.to_string()))?;
        let out = converse(worker("extract-worker"), &[&header, bytes], self.timeout, MAX_OUTPUT)?;
        let answer: Result<T, ExtractError> =
            serde_json::from_slice(&out).map_err(|e| WorkerError::Protocol(e.to_string()))?;
        Ok(answer?)
    }
}

/// SECURITY: the child may be in foreign hands; its offsets are used to slice its text.
fn check(doc: &Extracted) -> Result<(), WorkerError> {
    let wrong = |what: &str| Err(WorkerError::Protocol(what.to_owned()));
    if doc.text.contains('\0') {
        return wrong("NUL in the text");
    }
    let spans = doc.chunks.iter().map(|c| (c.start, c.end));
    for (start, end) in spans.chain(doc.sections.iter().flatten().map(|s| (s.start, s.end))) {
        if start >= end || doc.text.get(start..end).is_none() {
            return wrong("offsets outside the text");
        }
    }
    if doc.chunks.iter().zip(doc.chunks.iter().skip(1)).any(|(a, b)| b.start < a.start) {
        return wrong("chunks out of order");
    }
    Ok(())
}

fn worker(name: &str) -> Command {
    // The running program itself, even if its file was replaced since.
    let link = Path::new("/proc/self/exe");
    let exe = if link.exists() { link.to_owned() } else { std::env::current_exe().unwrap_or_default() };
    let mut command = Command::new(exe);
    command.arg0("usher-ingest").arg(name).env_clear().current_dir("/");
    command
}

/// Sends frames, reads one frame back, and ends the child in any case.
fn converse(command: Command, frames: &[&[u8]], limit: Duration, max: u64) -> Result<Vec<u8>, WorkerError> {
    let lengths: Vec<[u8; 8]> = frames.iter().map(|frame| frame::length(frame)).collect();
    let parts: Vec<&[u8]> = lengths.iter().zip(frames).flat_map(|(length, frame)| [&length[..], frame]).collect();
    let out = piped(command, &parts, limit, child::CPU_SECONDS, max.saturating_add(8))?;
    frame::read(&mut out.as_slice(), max).map_err(|e| WorkerError::Protocol(e.to_string()))
}

/// Writes the parts to a child, reads at most `max` bytes back, and ends the child in any case. `seconds`: of processor time
/// that the child gives itself.
fn piped(
    mut command: Command,
    parts: &[&[u8]],
    limit: Duration,
    seconds: u64,
    max: u64,
) -> Result<Vec<u8>, WorkerError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(WorkerError::Spawn)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (send, receive) = channel();
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            let Some(mut stdin) = stdin else { return };
            // A child that dies early closes the pipe; its end tells more than this error.
            let _ = parts.iter().try_for_each(|part| stdin.write_all(part)).and_then(|()| stdin.flush());
        });
        scope.spawn(move || {
            let mut out = Vec::new();
            if let Some(stdout) = stdout {
                let _ = stdout.take(max.saturating_add(1)).read_to_end(&mut out);
            }
            let _ = send.send(out);
        });
        let answer = receive.recv_timeout(limit);
        if !matches!(&answer, Ok(out) if out.len() as u64 <= max) {
            let _ = child.kill();
        }
        answer
    });
    let status = finish(&mut child, limit);
    match answer {
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(WorkerError::Timeout(limit.as_secs())),
        Ok(out) if out.len() as u64 > max => Err(WorkerError::Output(max)),
        Ok(out) => match status {
            Some(status) if status.success() => Ok(out),
            Some(status) => Err(WorkerError::Died(death(status, seconds))),
            None => Err(WorkerError::Timeout(limit.as_secs())),
        },
    }
}

/// The child has closed its output; one that lingers all the same is killed.
fn finish(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let step = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    while waited < limit {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => std::thread::sleep(step),
            Err(_) => break,
        }
        waited = waited.saturating_add(step);
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// `seconds`: of processor time that it had.
fn death(status: ExitStatus, seconds: u64) -> String {
    match status.signal() {
        Some(libc::SIGSYS) => "was stopped: the file made it try what the sandbox forbids".into(),
        Some(libc::SIGXCPU) => format!("took more than {seconds} s of processor time"),
        Some(libc::SIGABRT) => "ran out of memory or failed an internal check".into(),
        Some(libc::SIGSEGV | libc::SIGBUS) => "crashed".into(),
        Some(signal) => format!("was ended by signal {signal}"),
        None => format!("failed ({status})"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_that_hangs_floods_or_dies_ends_within_its_limits() {
        let start = Instant::now();
        let hang = converse(sh("exec sleep 30"), &[b"x"], Duration::from_millis(200), 100);
        assert!(matches!(hang, Err(WorkerError::Timeout(_))), "{hang:?}");
        let closed = converse(sh("exec >&-; exec sleep 30"), &[], Duration::from_millis(200), 100);
        assert!(matches!(closed, Err(WorkerError::Timeout(_))), "{closed:?}");
        let flood = converse(sh("exec yes"), &[], Duration::from_secs(10), 1_000);
        assert!(matches!(flood, Err(WorkerError::Output(_))), "{flood:?}");
        let dead = converse(sh("kill -SEGV $$"), &[&vec![0; 1 << 20]], Duration::from_secs(10), 100);
        assert!(matches!(dead, Err(WorkerError::Died(_))), "{dead:?}");
        let spent = converse(sh("ulimit -St 1; ulimit -Ht 2; while :; do :; done"), &[], Duration::from_secs(60), 100);
        assert!(matches!(&spent, Err(WorkerError::Died(how)) if how.contains("of processor time")), "{spent:?}");
        let junk = converse(sh("echo hi"), &[], Duration::from_secs(10), 100);
        assert!(matches!(junk, Err(WorkerError::Protocol(_))), "{junk:?}");
        assert!(start.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn offsets_of_a_hostile_child_are_refused() {
        use usher_base::wire::{ChunkSpan, Span};
        let chunk = |start, end| ChunkSpan { start, end, heading_path: vec![], page: None };
        let doc = |chunks| Extracted { text: "aé".into(), chunks, ..Extracted::default() };
        assert!(check(&doc(vec![chunk(0, 3)])).is_ok());
        for bad in [chunk(0, 2), chunk(0, 9), chunk(1, 1), chunk(3, 1)] {
            assert!(check(&doc(vec![bad])).is_err());
        }
        assert!(check(&doc(vec![chunk(1, 3), chunk(0, 1)])).is_err());
        let section = Extracted { sections: vec![vec![Span { start: 0, end: 2 }]], ..doc(vec![]) };
        assert!(check(&section).is_err());
    }
}
