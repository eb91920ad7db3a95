//! What happened to each file: counted for the summary and the exit code, written as JSON lines with `--report`.
//!
//! Every file that the walk saw ends in exactly one line, so that an operator can tell "not there" from "not taken".

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use crate::term::{Term, per_second};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Created,
    Updated,
    AclUpdated,
    Unchanged,
    Deleted,
    /// Held by the service, gone from the source, and left alone.
    Missing,
    /// Not a document: another file type, a link, a device.
    Skipped,
    /// A document that could not be read, extracted or stored.
    Failed,
    /// A document whose access rules are missing or can't be mapped.
    Refused,
    /// A rule file that can't be used.
    BadRules,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Created => "created",
            Status::Updated => "updated",
            Status::AclUpdated => "rules updated",
            Status::Unchanged => "unchanged",
            Status::Deleted => "deleted",
            Status::Missing => "missing",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
            Status::Refused => "refused",
            Status::BadRules => "rule files refused",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct FileLine {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub chunks: usize,
    pub bytes: u64,
    pub ms: u64,
    /// Where its own rules stand.
    #[serde(skip)]
    pub rules: Option<Places>,
}

/// Lines of a document's rule file, for what the service says of the rules.
#[derive(Debug, Clone)]
pub struct Places {
    pub file: String,
    /// By principal.
    pub lines: BTreeMap<String, usize>,
    /// A hint at times that conditions don't take.
    pub odd_time: Option<String>,
}

/// Line of the principal that a reason names as the service does, `relation@principal`.
pub fn line_in(lines: &BTreeMap<String, usize>, reason: &str) -> Option<usize> {
    let is_named = |p: &str| reason.contains(&format!("@{p}: ")) || reason.contains(&format!("@{p}`"));
    lines.iter().find(|(p, _)| is_named(p)).map(|(_, line)| *line)
}

impl FileLine {
    pub fn new(path: &str, status: Status) -> Self {
        FileLine { path: path.to_owned(), id: None, status, reason: None, chunks: 0, bytes: 0, ms: 0, rules: None }
    }

    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// What the service says of it, with the place in its rule file where that can be told.
    pub fn because_of_rules(self, reason: &str) -> Self {
        let Some((places, line)) = self.rules.as_ref().and_then(|p| Some((p, line_in(&p.lines, reason)?))) else {
            return self.because(reason);
        };
        let hint = places.odd_time.as_ref().filter(|hint| reason.contains("type") && !reason.contains(*hint));
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        let reason = format!("{} line {line}: {reason}{hint}", places.file);
        self.because(reason)
    }

    /// Says that what the service holds of it was not touched.
    pub fn kept(self) -> Self {
        let reason =
            self.reason.clone().map(|reason| format!("{}; ", reason.trim_end_matches('.'))).unwrap_or_default();
        self.because(format!("{reason}the version that is there stays, with its old rules"))
    }

    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    summary: bool,
    #[serde(flatten)]
    counts: &'a BTreeMap<Status, u64>,
    tuples_written: u64,
    tuples_deleted: u64,
    removed: &'a BTreeMap<String, u64>,
    dry_run: bool,
    exit_code: u8,
}

#[derive(Default)]
struct Tally {
    counts: BTreeMap<Status, u64>,
    /// What extraction left out (scripts, hidden text, …), over all files.
    removed: BTreeMap<String, u64>,
    tuples_written: u64,
    tuples_deleted: u64,
    /// Documents that were made or replaced, and their chunks.
    sent: (u64, u64),
    needs_yes: bool,
    refused: bool,
    failed: bool,
    file: Option<BufWriter<File>>,
}

pub struct Report<'a> {
    term: &'a Term,
    dry_run: bool,
    start: Instant,
    tally: Mutex<Tally>,
}

impl<'a> Report<'a> {
    pub fn create(term: &'a Term, path: Option<&Path>, dry_run: bool) -> std::io::Result<Self> {
        let file = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Report { term, dry_run, start: Instant::now(), tally: Mutex::new(Tally { file, ..Tally::default() }) })
    }

    /// Counts one file; what an operator has to act on, and every change of a dry run, is also printed.
    pub fn file(&self, line: FileLine) {
        let loud = match line.status {
            Status::Failed | Status::Refused | Status::BadRules => true,
            Status::Skipped | Status::Missing | Status::Deleted => true,
            Status::Created | Status::Updated | Status::AclUpdated => self.dry_run,
            Status::Unchanged => false,
        };
        if loud {
            let reason = line.reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
            let word = if line.status == Status::BadRules { "refused the rule file" } else { line.status.word() };
            let text = format!("{word} {}{reason}", line.path);
            match line.status {
                Status::Failed | Status::Refused | Status::BadRules => self.term.error(&text),
                _ => self.term.line(&text),
            }
        }
        if matches!(line.status, Status::Created | Status::Updated) {
            self.term.sent(line.chunks as u64);
        }
        let mut tally = self.lock();
        if matches!(line.status, Status::Created | Status::Updated) {
            let (documents, chunks) = tally.sent;
            tally.sent = (documents.saturating_add(1), chunks.saturating_add(line.chunks as u64));
        }
        tally.failed |= line.status == Status::Failed;
        tally.refused |= matches!(line.status, Status::Refused | Status::BadRules);
        let count = tally.counts.entry(line.status).or_default();
        *count = count.saturating_add(1);
        write_json(&mut tally, &line);
    }

    /// A rule file that can't be used, once; the documents that it governs are counted for themselves.
    pub fn rule_file(&self, path: &str, reason: &str) {
        self.file(FileLine::new(path, Status::BadRules).because(reason));
    }

    /// Said beside what went wrong.
    pub fn hint(&self, text: &str) {
        self.term.note(text);
    }

    /// Something about a file that was taken all the same.
    pub fn warn(&self, path: &str, text: &str) {
        self.term.warn(&format!("{path}: {text}"));
    }

    pub fn removed(&self, removed: &BTreeMap<String, u64>) {
        let mut tally = self.lock();
        for (what, n) in removed {
            let sum = tally.removed.entry(what.clone()).or_default();
            *sum = sum.saturating_add(*n);
        }
    }

    pub fn tuples(&self, written: usize, deleted: usize) {
        let mut tally = self.lock();
        tally.tuples_written = tally.tuples_written.saturating_add(written as u64);
        tally.tuples_deleted = tally.tuples_deleted.saturating_add(deleted as u64);
    }

    pub fn needs_yes(&self) {
        self.lock().needs_yes = true;
    }

    /// Something that is no single file went wrong but did not end the run.
    pub fn trouble(&self, text: &str) {
        self.term.error(text);
        self.lock().failed = true;
    }

    /// Prints the summary and says how the process ends: refused rules weigh more than an unconfirmed deletion, and that
    /// more than files that failed.
    pub fn finish(self) -> ExitCode {
        let mut tally = self.tally.into_inner().unwrap_or_else(|e| e.into_inner());
        let code: u8 = match (tally.refused, tally.needs_yes, tally.failed) {
            (true, _, _) => 3,
            (_, true, _) => 4,
            (_, _, true) => 2,
            _ => 0,
        };
        let line = serde_json::to_string(&SummaryLine {
            summary: true,
            counts: &tally.counts,
            tuples_written: tally.tuples_written,
            tuples_deleted: tally.tuples_deleted,
            removed: &tally.removed,
            dry_run: self.dry_run,
            exit_code: code,
        });
        if let (Some(file), Ok(line)) = (&mut tally.file, line) {
            let flushed = writeln!(file, "{line}").and_then(|()| file.flush());
            if let Err(e) = flushed {
                self.term.error(&format!("the report could not be written: {e}"));
            }
        }
        let counts: Vec<_> = tally.counts.iter().map(|(s, n)| format!("{n} {}", s.word())).collect();
        let counts = match (counts.is_empty(), tally.tuples_written.saturating_add(tally.tuples_deleted)) {
            (false, _) => format!("{}; ", counts.join(", ")),
            (true, _) if tally.needs_yes => "what looks like an accident waits for --yes; ".to_owned(),
            (true, 0) => "nothing to do; ".to_owned(),
            (true, _) => String::new(),
        };
        let verb = if self.dry_run { "would change" } else { "done" };
        self.term.line(&format!(
            "{verb}: {counts}relationship tuples: {} written, {} deleted",
            tally.tuples_written, tally.tuples_deleted
        ));
        if !tally.removed.is_empty() {
            let removed: Vec<_> = tally.removed.iter().map(|(what, n)| format!("{n} {what}")).collect();
            self.term.line(&format!("seen or left out of the text: {}", removed.join(", ")));
        }
        if !tally.counts.is_empty() {
            let ((documents, chunks), time) = (tally.sent, self.start.elapsed());
            let sent = if self.dry_run { "would be sent" } else { "sent" };
            let (seconds, rate) = (time.as_secs_f64(), per_second(chunks, time));
            self.term.line(&format!("{sent}: {documents} documents, {chunks} chunks; {seconds:.1} s, {rate} chunks/s"));
        }
        ExitCode::from(code)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(|e| e.into_inner())
    }
}

fn write_json(tally: &mut Tally, line: &FileLine) {
    if let (Some(file), Ok(json)) = (&mut tally.file, serde_json::to_string(line)) {
        // A full disk shows when the summary is flushed.
        let _ = writeln!(file, "{json}");
    }
}
