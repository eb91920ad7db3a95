//! Sends documents in batches, and says of each one what became of it.
//!
//! A batch may be sent twice (a kill, a lost answer): the service compares contents, so the second time changes nothing.

use std::time::Instant;

use usher_base::wire::{Document, DocumentResult, DocumentStatus};

use crate::api::{Api, ApiError};
use crate::report::{FileLine, Report, Status};

pub const MAX_DOCUMENTS: usize = 256;
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// What the service takes in one request, with room for the frame.
const MAX_ONE: usize = 31 * 1024 * 1024;

struct Item {
    json: String,
    id: String,
    line: FileLine,
}

/// Collects documents of one run.
pub struct Uploader<'a> {
    api: &'a Api<'a>,
    report: &'a Report<'a>,
    dry_run: bool,
    batch: Vec<Item>,
    bytes: usize,
    /// Documents that the service did not take and holds as they were, under the rules that they had.
    pub failed: Vec<String>,
}

impl<'a> Uploader<'a> {
    pub fn new(api: &'a Api<'a>, report: &'a Report<'a>, dry_run: bool) -> Self {
        Uploader { api, report, dry_run, batch: Vec::new(), bytes: 0, failed: Vec::new() }
    }

    /// `line` carries the status expected, which a dry run reports as it is.
    pub fn add(&mut self, document: &Document, line: FileLine) -> Result<(), ApiError> {
        if self.dry_run {
            self.report.file(line);
            return Ok(());
        }
        let json = serde_json::to_string(document).map_err(|e| ApiError::Request(e.to_string()))?;
        if json.len() > MAX_ONE {
            let line = self.not_taken(document.id.clone(), line, "larger than one request may be");
            self.report.file(FileLine { status: Status::Failed, ..line });
            return Ok(());
        }
        if self.batch.len() >= MAX_DOCUMENTS || self.bytes.saturating_add(json.len()) > MAX_BYTES {
            self.flush()?;
        }
        self.bytes = self.bytes.saturating_add(json.len());
        self.batch.push(Item { json, id: document.id.clone(), line });
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), ApiError> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() { Ok(()) } else { self.send(batch) }
    }

    fn send(&mut self, mut batch: Vec<Item>) -> Result<(), ApiError> {
        let start = Instant::now();
        let documents: Vec<&str> = batch.iter().map(|i| i.json.as_str()).collect();
        let body = format!("{{\"documents\":[{}]}}", documents.join(","));
        match self.api.put_documents(body) {
            Ok(answer) => {
                let each = start.elapsed().as_millis() as u64 / (batch.len() as u64).max(1);
                let in_order = answer.results.len() == batch.len()
                    && answer.results.iter().zip(&batch).all(|(r, item)| r.id == item.id);
                if !in_order {
                    return Err(ApiError::Answer("results that don't fit the documents sent".into()));
                }
                for (result, mut item) in answer.results.into_iter().zip(batch) {
                    item.line.ms = item.line.ms.saturating_add(each);
                    self.settle(item.line, result);
                }
                Ok(())
            }
            // The batch as a whole was refused: find the document that is the cause.
            Err(e) if e.is_about_content() => {
                if batch.len() == 1 {
                    for item in batch {
                        let line = self.not_taken(item.id, item.line, &e.to_string());
                        self.report.file(FileLine { status: Status::Failed, ..line });
                    }
                    return Ok(());
                }
                let second = batch.split_off(batch.len() / 2);
                self.send(batch)?;
                self.send(second)
            }
            Err(e) => Err(e),
        }
    }

    /// Its line says what was expected: one that would have been created is not there, and has no old rules.
    fn not_taken(&mut self, id: String, line: FileLine, reason: &str) -> FileLine {
        let line = line.because_of_rules(reason);
        if line.status == Status::Created {
            return line;
        }
        self.failed.push(id);
        line.kept()
    }

    fn settle(&mut self, mut line: FileLine, result: DocumentResult) {
        for warning in &result.warnings {
            self.report.warn(&line.path, &format!("{}: {}", warning.pointer.trim_start_matches('/'), warning.detail));
        }
        line.status = match result.status {
            DocumentStatus::Created => Status::Created,
            DocumentStatus::Updated => Status::Updated,
            DocumentStatus::AclUpdated => Status::AclUpdated,
            DocumentStatus::Unchanged => Status::Unchanged,
            DocumentStatus::Stale => {
                self.failed.push(result.id);
                line.reason = Some(
                    "the service holds a newer state of it: another run read it later, or has another clock".into(),
                );
                Status::Failed
            }
            DocumentStatus::Rejected => {
                let (code, told) = result.problem.map(|p| (p.code.clone(), p.told())).unwrap_or_default();
                line = self.not_taken(result.id, line, &format!("the service refused it ({code}): {told}"));
                status_of(&code)
            }
        };
        self.report.file(line);
    }
}

/// What a document is whose sending the service answered with this code: refused for its rules, or failed.
pub fn status_of(code: &str) -> Status {
    match code {
        "acl_missing" | "unknown_principal_type" | "acl_invalid" => Status::Refused,
        _ => Status::Failed,
    }
}
