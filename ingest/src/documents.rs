//! From prepared files to requests: what is new, what changed, only in its rules perhaps, and what is gone.
//!
//! Files are read and extracted on several threads; one thread sends, so that memory stays bounded by the number of jobs
//! and the order of requests is the order of arrival.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use usher_base::wire::{Acl, Content, Document, DocumentState, Section, Span};

use crate::acl::principal;
use crate::acl::rules::{Effective, SectionRule};
use crate::api::{Api, ApiError};
use crate::conditions::Trials;
use crate::extract::{ExtractError, Extracted, Job, SectionPlace};
use crate::fingerprint;
use crate::report::{FileLine, Report, Status};
use crate::sandbox::{Sandbox, WorkerError};
use crate::term::Term;
use crate::upload::{Uploader, status_of};

/// Longest document id, in bytes.
pub const MAX_ID: usize = 1024;

/// What the service holds, by document id (of one collection).
pub type Held = HashMap<String, DocumentState>;

/// One file made ready, or the reason why not.
pub struct Outcome {
    pub line: FileLine,
    pub collection: String,
    pub prepared: Prepared,
    pub source_hash: Option<String>,
    pub removed: BTreeMap<String, u64>,
}

pub enum Prepared {
    Unchanged,
    /// Same text, other rules.
    Acl(Box<Acl>),
    Put(Box<Document>),
    /// No text to send.
    Settled {
        status: Status,
        rules: Standing,
    },
}

/// Whether the rules held for a document that gives no text are those of this run.
pub enum Standing {
    Unknown,
    Current,
    /// They are not, and can be sent alone: a document that can't be read any more must still lose its readers.
    Change(Box<Acl>),
}

impl Standing {
    pub fn of(rules: &Effective, held: Option<&DocumentState>) -> Standing {
        match held {
            None => Standing::Current,
            Some(_) if !rules.sections.is_empty() => Standing::Unknown,
            Some(h) if h.acl_digest == acl_digest(&rules.acl) => Standing::Current,
            Some(_) => Standing::Change(Box::new(rules.acl.clone())),
        }
    }
}

/// A document's way through the comparison.
pub struct Candidate<'a> {
    pub name: &'a str,
    pub rules: Effective,
    pub held: Option<&'a DocumentState>,
    /// Its title may be another, though its bytes are the same.
    pub is_moved: bool,
    /// See `fingerprint`.
    pub source_hash: String,
    /// That of the same bytes with what was recognised in their pictures, where this can't be done any more: what is held
    /// stays.
    pub hash_before: Option<String>,
}

impl Candidate<'_> {
    /// What becomes of it where its bytes need not be read again.
    pub fn unread(&self) -> Option<Prepared> {
        let is_of = |held: &&DocumentState| {
            let hash = held.source_hash.as_ref();
            hash == Some(&self.source_hash) || hash.is_some() && hash == self.hash_before.as_ref()
        };
        let held = self.held.filter(is_of)?;
        if self.is_moved || !self.rules.sections.is_empty() {
            return None;
        }
        let is_same = held.acl_digest == acl_digest(&self.rules.acl);
        Some(if is_same { Prepared::Unchanged } else { Prepared::Acl(Box::new(self.rules.acl.clone())) })
    }

    /// What becomes of it, as a document of its bytes.
    pub fn compared(&self, document: Document) -> Prepared {
        let same = self.held.is_some_and(|h| {
            h.source_hash.as_ref() == Some(&self.source_hash)
                && h.content_digest == document.content_digest()
                && h.acl_digest == document.acl_digest()
        });
        if same { Prepared::Unchanged } else { Prepared::Put(Box::new(document)) }
    }
}

/// Compares one file with what is held; extracts it only if it must. `finish` completes the document.
pub fn prepare(
    sandbox: &Sandbox,
    candidate: &Candidate<'_>,
    bytes: &[u8],
    finish: impl FnOnce(Extracted) -> Document,
) -> (Prepared, Vec<String>, Option<Extracted>) {
    let rules = &candidate.rules;
    if let Some(prepared) = candidate.unread() {
        return (prepared, Vec::new(), None);
    }
    let place = |s: &SectionRule| match (&s.heading, s.span) {
        (Some(h), _) => SectionPlace::Heading(h.clone()),
        (None, span) => SectionPlace::Span(span.unwrap_or(Span { start: 0, end: 0 })),
    };
    let sections = rules.sections.iter().map(place).collect();
    let job = Job { name: candidate.name.to_owned(), sections, ..Job::default() };
    let extracted = match sandbox.extract(&job, bytes) {
        Ok(extracted) => extracted,
        Err(e) => {
            let status = match &e {
                WorkerError::Extract(ExtractError::Unsupported(_) | ExtractError::Pictures { .. }) => Status::Skipped,
                _ => Status::Failed,
            };
            let rules = Standing::of(rules, candidate.held);
            return (Prepared::Settled { status, rules }, vec![e.to_string()], None);
        }
    };
    if let Some(rule) = unmatched(&rules.sections, &extracted) {
        let reason = format!("the section rule {rule} matches no text");
        return (Prepared::Settled { status: Status::Refused, rules: Standing::Unknown }, vec![reason], None);
    }
    let mut notes = extracted.warnings.clone();
    notes.extend(hidden(&extracted));
    let prepared = candidate.compared(finish(extracted.clone()));
    (prepared, notes, Some(extracted))
}

/// What of a document is not sent: what a person would not have seen, and what is no text.
pub fn hidden(doc: &Extracted) -> Option<String> {
    let kinds = [
        "hidden elements",
        "hidden characters",
        "invisible characters",
        "hidden slides",
        "hidden sheets",
        "cells of hidden rows and columns",
        "pictures",
        "symbols",
        "embedded documents",
        "encoded data",
        "results that are not text",
        "automatic numbers",
    ];
    let found: Vec<_> = kinds.iter().filter_map(|kind| Some(format!("{} {kind}", doc.removed.get(*kind)?))).collect();
    (!found.is_empty()).then(|| format!("left out of the text: {}", found.join(", ")))
}

fn unmatched(rules: &[SectionRule], doc: &Extracted) -> Option<String> {
    let found = doc.sections.iter().map(|spans| !spans.is_empty()).chain(std::iter::repeat(false));
    let (rule, _) = rules.iter().zip(found).find(|(_, found)| !found)?;
    Some(match (&rule.heading, rule.span) {
        (Some(heading), _) if doc.media_type == "application/pdf" => {
            format!("\"{heading}\" (a PDF has no headings: give the place by `span`)")
        }
        (Some(heading), _) => format!("\"{heading}\""),
        (None, Some(span)) if span.end > doc.text.len() => {
            format!("{}..{} (the text ends at {})", span.start, span.end, doc.text.len())
        }
        (None, Some(span)) => format!("{}..{}", span.start, span.end),
        (None, None) => rule.id.clone(),
    })
}

/// Digest of rules without sections, as the service keeps it.
pub fn acl_digest(acl: &Acl) -> String {
    let document = Document {
        id: String::new(),
        collection: String::new(),
        title: None,
        url: None,
        content: Content { media_type: String::new(), text: String::new() },
        chunks: None,
        metadata: BTreeMap::new(),
        acl: Some(acl.clone()),
        sections: Vec::new(),
        source_version: None,
        expires_at: None,
        source_hash: None,
    };
    document.acl_digest()
}

/// Restricted parts at their places; a heading that occurs several times restricts each of its parts.
pub fn sections(rules: &[SectionRule], spans: &[Vec<Span>]) -> Vec<Section> {
    let mut out = Vec::new();
    for (rule, spans) in rules.iter().zip(spans) {
        for (index, span) in spans.iter().enumerate() {
            let id = match index {
                0 => rule.id.clone(),
                n => format!("{}-{n}", rule.id),
            };
            out.push(Section { id, span: Some(*span), heading: None, acl: rule.acl.clone() });
        }
    }
    out
}

/// What a pass over all files leaves behind for the steps after it.
#[derive(Debug, Default)]
pub struct Passed {
    /// What the bytes of documents made in this run hash to, with their ids: where something missing may have moved to.
    pub created: HashMap<String, String>,
    /// Documents held that are not known to carry the rules of this run.
    pub uncertain: Vec<String>,
    /// Documents held whose file is no document any more.
    pub undocumented: BTreeMap<String, String>,
    pub principals: BTreeSet<String>,
}

/// Sends what preparation yields.
pub struct Sink<'a> {
    pub api: &'a Api<'a>,
    pub term: &'a Term,
    pub report: &'a Report<'a>,
    pub trials: &'a Trials,
    pub dry_run: bool,
}

impl Sink<'_> {
    /// Prepares every item on `jobs` threads and sends the outcomes. `held` looks a document up.
    pub fn pass<'h, T: Sync, O: IntoIterator<Item = Outcome>>(
        &self,
        items: &[T],
        jobs: u16,
        held: impl Fn(&str, &str) -> Option<&'h DocumentState>,
        prepare: impl Fn(&T) -> O + Sync,
    ) -> Result<Passed, ApiError> {
        let mut passed = Passed::default();
        let mut uploader = Uploader::new(self.api, self.report, self.dry_run);
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (send, receive) = sync_channel::<Outcome>(usize::from(jobs).saturating_mul(2));
        self.term.start(items.len() as u64);
        let result = std::thread::scope(|scope| {
            for _ in 0..jobs {
                let (send, next, stop, prepare) = (send.clone(), &next, &stop, &prepare);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed)
                        && let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let start = Instant::now();
                        for mut outcome in prepare(item) {
                            outcome.line.ms = start.elapsed().as_millis() as u64;
                            if send.send(outcome).is_err() {
                                return;
                            }
                        }
                        self.term.tick();
                    }
                });
            }
            drop(send);
            let sent = receive.iter().try_for_each(|outcome| {
                let state = outcome.line.id.as_deref().and_then(|id| held(&outcome.collection, id));
                self.take(outcome, state, &mut uploader, &mut passed)
            });
            // After a failure the workers must not wait for a reader that is gone.
            stop.store(true, Ordering::Relaxed);
            drop(receive);
            sent.and_then(|()| uploader.flush())
        });
        self.term.finish();
        result?;
        passed.uncertain.append(&mut uploader.failed);
        Ok(passed)
    }

    fn take(
        &self,
        outcome: Outcome,
        held: Option<&DocumentState>,
        uploader: &mut Uploader<'_>,
        passed: &mut Passed,
    ) -> Result<(), ApiError> {
        let Outcome { mut line, collection, prepared, source_hash, removed } = outcome;
        self.report.removed(&removed);
        let id = line.id.clone().unwrap_or_default();
        if let Some(reason) = self.would_refuse(&id, &prepared)? {
            let line = FileLine { status: Status::Refused, ..line }.because_of_rules(&reason);
            self.report.file(if held.is_some() { line.kept() } else { line });
            return Ok(());
        }
        match prepared {
            Prepared::Unchanged => self.report.file(FileLine { status: Status::Unchanged, ..line }),
            Prepared::Acl(acl) => {
                passed.principals.extend(principals(&acl));
                line.status = Status::AclUpdated;
                if !self.dry_run
                    && let Err((status, e)) = self.refused_here(self.api.put_acl(&collection, &id, &acl))?
                {
                    passed.uncertain.push(id);
                    line = FileLine { status, ..line }.because_of_rules(&e).kept();
                }
                self.report.file(line);
            }
            Prepared::Put(document) => {
                passed.principals.extend(document.acl.iter().flat_map(principals));
                line.status = match held {
                    None => Status::Created,
                    Some(h) if h.content_digest != document.content_digest() => Status::Updated,
                    Some(h) if h.acl_digest != document.acl_digest() => Status::AclUpdated,
                    Some(_) => Status::Unchanged,
                };
                if let (None, Some(hash)) = (held, source_hash) {
                    passed.created.insert(fingerprint::bytes_of(&hash).to_owned(), id);
                }
                uploader.add(&document, line)?;
            }
            Prepared::Settled { status, rules } => {
                line.status = status;
                let current = match rules {
                    Standing::Current => true,
                    Standing::Unknown => held.is_none(),
                    Standing::Change(_) if self.dry_run => true,
                    Standing::Change(acl) => self.refused_here(self.api.put_acl(&collection, &id, &acl))?.is_ok(),
                };
                if !current {
                    passed.uncertain.push(id.clone());
                }
                if !current && matches!(status, Status::Failed | Status::Refused) {
                    line = line.kept();
                }
                if status == Status::Skipped && held.is_some() {
                    passed.undocumented.insert(id, line.reason.clone().unwrap_or_default());
                }
                self.report.file(line);
            }
        }
        Ok(())
    }

    /// Why the service would refuse the conditions in a document's rules; asked only where nothing is sent.
    fn would_refuse(&self, id: &str, prepared: &Prepared) -> Result<Option<String>, ApiError> {
        let (acl, sections) = match prepared {
            Prepared::Acl(acl) => (Some(&**acl), &[][..]),
            Prepared::Put(document) => (document.acl.as_ref(), document.sections.as_slice()),
            Prepared::Unchanged | Prepared::Settled { .. } => return Ok(None),
        };
        let Some(acl) = acl.filter(|_| self.dry_run) else { return Ok(None) };
        match self.trials.of_document(self.api, id.split('/').next().unwrap_or_default(), acl, sections) {
            // The run itself needs no such scope: the service looks at the conditions when it gets the document.
            Err(e) if e.lacks_scope() => {
                let text = "conditions are not tried: the key lacks the scope `relationships.write`";
                self.trials.once(|| self.term.note(text));
                Ok(None)
            }
            tried => tried,
        }
    }

    /// A refusal concerns one document; anything else ends the run.
    fn refused_here(&self, done: Result<(), ApiError>) -> Result<Result<(), (Status, String)>, ApiError> {
        match done {
            Ok(()) => Ok(Ok(())),
            Err(e) => match &e {
                ApiError::RulesRefused { code, .. } => Ok(Err((status_of(code), e.to_string()))),
                _ if matches!(e.status(), Some(400 | 404 | 409 | 412 | 422)) => {
                    Ok(Err((Status::Failed, e.to_string())))
                }
                _ => Err(e),
            },
        }
    }
}

fn principals(acl: &Acl) -> Vec<String> {
    let lists = [&acl.owners, &acl.editors, &acl.viewers, &acl.blocked];
    let plain = lists.into_iter().flatten().map(|p| principal::subject(p).to_owned());
    plain.chain(acl.all_of.iter().flatten().cloned()).collect()
}

/// Why `missing` documents of `total` that are held look like an unmounted or mistaken folder rather than like a change.
/// `suspicious` says what else does, where any are missing.
pub fn accident(missing: usize, total: usize, suspicious: Option<&str>) -> Option<String> {
    let is_much = missing > 100 || missing.saturating_mul(5) > total;
    match suspicious {
        Some(why) if missing > 0 => Some(why.to_owned()),
        _ if is_much => Some(format!("{missing} of {total} documents are missing")),
        _ => None,
    }
}

/// Documents held that this run did not find, and what to do with them.
pub struct Missing<'a> {
    pub sink: &'a Sink<'a>,
    pub delete: bool,
    pub yes: bool,
    /// Something about this run makes many missing documents look like an accident.
    pub suspicious: Option<String>,
}

impl Missing<'_> {
    /// `total`: how many are held in the same scope. Tells whether everything missing is gone now.
    pub fn settle(
        &self,
        missing: &[(String, String)],
        total: usize,
        held: impl Fn(&str, &str) -> Option<String>,
        passed: &mut Passed,
    ) -> Result<bool, ApiError> {
        let (report, term) = (self.sink.report, self.sink.term);
        let why = accident(missing.len(), total, self.suspicious.as_deref());
        let confirmed = match (self.delete, why) {
            (false, _) => false,
            (true, Some(why)) if !self.yes => {
                term.error(&format!("nothing deleted, all still searchable: {why}; if that is true, say --yes"));
                report.needs_yes();
                false
            }
            (true, _) => true,
        };
        if !self.delete && !missing.is_empty() {
            let count = missing.len();
            term.line(&format!("{count} documents without a file are still searchable; --delete-missing removes them"));
        }
        let mut all_gone = true;
        for (collection, id) in missing {
            let hash = held(collection, id);
            let moved =
                hash.and_then(|h| passed.created.get(fingerprint::bytes_of(&h))).map(|to| format!("moved to {to}"));
            let mut line = FileLine::new(id, if confirmed { Status::Deleted } else { Status::Missing }).id(id);
            let why = moved.or_else(|| passed.undocumented.get(id).cloned());
            let searchable = (!confirmed).then(|| "still searchable".to_owned());
            line.reason = Some([why, searchable].into_iter().flatten().collect::<Vec<_>>().join("; "));
            line.reason = line.reason.filter(|reason| !reason.is_empty());
            if confirmed
                && !self.sink.dry_run
                && let Err((status, e)) = self.sink.refused_here(self.sink.api.delete_document(collection, id))?
            {
                all_gone = false;
                passed.uncertain.push(id.clone());
                line = FileLine { status, ..line }.because(e);
            }
            report.file(line);
        }
        Ok(all_gone && (confirmed || missing.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recognised_stays_where_the_programs_are_gone() {
        let acl = Acl { nobody: true, ..Acl::default() };
        let state = serde_json::json!({"id": "s/d", "version": 1, "content_digest": "", "acl_digest": acl_digest(&acl),
            "source_hash": "recognised"});
        let held = serde_json::from_value::<DocumentState>(state).unwrap();
        let unread = |hash_before: Option<&str>, acl: &Acl| {
            let rules = Effective { acl: acl.clone(), sections: Vec::new() };
            let hash_before = hash_before.map(str::to_owned);
            let held = Some(&held);
            Candidate { name: "d", rules, held, is_moved: false, source_hash: "plain".into(), hash_before }.unread()
        };
        assert!(matches!(unread(Some("recognised"), &acl), Some(Prepared::Unchanged)));
        assert!(matches!(unread(Some("recognised"), &Acl::default()), Some(Prepared::Acl(_))));
        assert!(unread(Some("in another language"), &acl).is_none() && unread(None, &acl).is_none());
    }

    #[test]
    fn a_section_that_matches_no_text_says_why() {
        let rule = SectionRule { id: "a".into(), heading: Some("Pay".into()), span: None, acl: Acl::default() };
        let doc = |media_type: &str| Extracted { media_type: media_type.into(), ..Extracted::default() };
        let told = |media_type: &str| unmatched(std::slice::from_ref(&rule), &doc(media_type)).unwrap();
        assert_eq!(told("text/markdown"), "\"Pay\"");
        assert!(told("application/pdf").contains("a PDF has no headings: give the place by `span`"));
        let rule = SectionRule { heading: None, span: Some(Span { start: 2, end: 99 }), ..rule };
        let doc = Extracted { text: "short".into(), ..Extracted::default() };
        assert_eq!(unmatched(&[rule], &doc).unwrap(), "2..99 (the text ends at 5)");
    }
}
