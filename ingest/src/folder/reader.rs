//! Reads the files of a folder, each with the rules that hold for it.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use usher_base::faults::mutants;
use usher_base::wire::{Content, Document, DocumentState};

use super::access::Access;
use super::ids::Ids;
use super::moves::Moves;
use super::records::{self, Records};
use crate::acl::folders::{MAX_LEVELS, Tree};
use crate::acl::rules::{Effective, file_of, parent};
use crate::args::FolderArgs;
use crate::documents::{Candidate, Held, MAX_ID, Outcome, Prepared, Standing, hidden, prepare, sections};
use crate::extract::{Extracted, Record, RecordsJob};
use crate::fingerprint::{source_hash, source_hash_of};
use crate::fsroot::{FileBytes, Root};
use crate::report::{FileLine, Status};
use crate::sandbox::Sandbox;

pub struct Reader<'a> {
    pub args: &'a FolderArgs,
    pub tree: &'a Tree,
    pub root: &'a Root,
    pub access: &'a Access,
    pub held: &'a Held,
    pub records: &'a Records,
    /// Documents held that are records, by file.
    pub held_records: &'a HashMap<String, Vec<&'a str>>,
    pub ids: &'a Ids<'a>,
    pub moves: &'a Moves,
    pub sandbox: &'a Sandbox,
}

/// A file with the rules that hold for its bytes.
struct Opened {
    file: FileBytes,
    /// When it was read.
    at: SystemTime,
    rules: Effective,
    notes: Vec<String>,
}

/// A file that is not read, and why.
struct Closed {
    outcome: Outcome,
    /// Where the rules are known, and the file alone is the cause.
    rules: Option<Effective>,
}

impl Reader<'_> {
    /// What becomes of a file, or of each of its records.
    pub fn prepare(&self, rel: &str) -> Vec<Outcome> {
        match self.records.of(rel) {
            None => {
                let is_held = self.held_records.contains_key(rel) && !self.moves.withheld.contains_key(rel);
                let rules = is_held.then(|| self.root.meta_of_file(rel));
                let rules = rules.and_then(|meta| self.access.of(rel, self.tree, &meta).ok());
                let left = rules.map(|(rules, _)| self.left(rel, &rules, &HashSet::new())).unwrap_or_default();
                std::iter::once(self.whole(rel)).chain(left).collect()
            }
            Some(file) => self.each(rel, file),
        }
    }

    /// An outcome for a path that says nothing yet.
    fn outcome(&self, path: &str) -> Outcome {
        Outcome {
            line: FileLine::new(path, Status::Failed),
            collection: self.tree.collection.clone(),
            prepared: Prepared::Settled { status: Status::Failed, rules: Standing::Unknown },
            source_hash: None,
            removed: Default::default(),
        }
    }

    fn whole(&self, rel: &str) -> Outcome {
        let id = self.ids.of(rel);
        let mut outcome = self.outcome(rel);
        outcome.line.id = Some(id.clone());
        if id.len() > MAX_ID {
            return settled(outcome, Status::Failed, format!("its id would be longer than {MAX_ID} bytes"));
        }
        let (mut outcome, opened) = match self.open(rel, outcome) {
            Ok(opened) => opened,
            Err(closed) => {
                let Closed { mut outcome, rules } = *closed;
                if let Some(rules) = rules.filter(|_| !self.moves.withheld.contains_key(rel)) {
                    let rules = Standing::of(&rules, self.held.get(&id));
                    outcome.prepared = Prepared::Settled { status: Status::Failed, rules };
                }
                return outcome;
            }
        };
        if let Some(reason) = self.moves.withheld.get(rel) {
            return settled(outcome, Status::Refused, reason.clone());
        }
        let Opened { file, at, rules, mut notes } = opened;
        let (now, before) = self.sandbox.recognition(&file.bytes);
        let with = |recognition: Vec<u8>| source_hash(&file.bytes, &rules.sections, &recognition);
        let (hash, hash_before) = (with(now), before.map(with));
        outcome.source_hash = Some(hash.clone());
        let is_moved = self.ids.is_fresh(rel);
        let held = self.held.get(&id);
        let candidate = Candidate { name: rel, rules, held, is_moved, source_hash: hash, hash_before };
        let (prepared, found, extracted) = prepare(self.sandbox, &candidate, &file.bytes, |doc| {
            let name = rel.rsplit('/').next().unwrap_or(rel);
            self.document(id, name, at, &candidate, doc)
        });
        notes.extend(found);
        outcome.prepared = prepared;
        if let Some(doc) = extracted {
            outcome.line.chunks = doc.chunks.len();
            outcome.removed = doc.removed;
        }
        if !notes.is_empty() {
            outcome.line = outcome.line.because(notes.join("; "));
        }
        outcome
    }

    /// Reads a file, and its rules as they are then.
    fn open(&self, rel: &str, mut outcome: Outcome) -> Result<(Outcome, Opened), Box<Closed>> {
        let closed = |outcome: Outcome, status: Status, reason: String| {
            Err(Box::new(Closed { outcome: settled(outcome, status, reason), rules: None }))
        };
        let room = MAX_LEVELS.saturating_sub(usize::from(self.args.group_levels));
        if self.tree.levels(parent(rel)) > room {
            let reason = format!("more than {room} folder levels (see --group-levels)");
            return closed(outcome, Status::Refused, reason);
        }
        let file = match self.root.read(rel, self.args.run.max_file_size) {
            Ok(file) => file,
            // Rule files apply to a file that can't be read too.
            Err(e) => {
                let rules = self.access.of(rel, self.tree, &Err(e.to_string())).ok().map(|(rules, _)| rules);
                return Err(Box::new(Closed { outcome: settled(outcome, Status::Failed, e.to_string()), rules }));
            }
        };
        outcome.line.bytes = file.bytes.len() as u64;
        let at = SystemTime::now();
        let (rules, notes) = match self.access.of(rel, self.tree, &file.meta) {
            Ok(found) => found,
            Err(reason) if self.args.run.skip_unmappable && reason.unmappable => {
                return closed(outcome, Status::Skipped, format!("left out: {}", reason.text));
            }
            Err(reason) => return closed(outcome, Status::Refused, reason.text),
        };
        if let Some(what) = self.access.changed(self.root, rel) {
            let reason = format!("{what} has changed since this run read the rules: the file is left to the next run");
            return closed(outcome, Status::Failed, reason);
        }
        outcome.line.rules = self.access.places(rel);
        Ok((outcome, Opened { file, at, rules, notes }))
    }

    fn document(&self, id: String, name: &str, at: SystemTime, candidate: &Candidate<'_>, doc: Extracted) -> Document {
        let sections = sections(&candidate.rules.sections, &doc.sections);
        Document {
            id,
            collection: self.tree.collection.clone(),
            title: Some(doc.title.unwrap_or_else(|| name.to_owned())),
            url: None,
            content: Content { media_type: doc.media_type, text: doc.text },
            chunks: Some(doc.chunks),
            metadata: doc.metadata,
            acl: Some(candidate.rules.acl.clone()),
            sections,
            source_version: Some(source_version(at, candidate.held)),
            expires_at: None,
            source_hash: Some(candidate.source_hash.clone()),
        }
    }

    /// Each record of a file.
    fn each(&self, rel: &str, file: &records::File) -> Vec<Outcome> {
        let (outcome, opened) = match self.open(rel, self.outcome(rel)) {
            Ok(opened) => opened,
            Err(closed) => return self.none_of(rel, *closed),
        };
        let failed = |reason: String| {
            let outcome = settled(self.outcome(rel), Status::Failed, reason);
            self.none_of(rel, Closed { outcome, rules: Some(opened.rules.clone()) })
        };
        if let Some(why) = &file.failure {
            return failed(why.clone());
        }
        if !file.is_of(&opened.file.bytes) {
            return failed("it has changed since this run listed its records: the file is left to the next run".into());
        }
        if !opened.rules.sections.is_empty() {
            let reason = "`sections` are parts of one document, and the records of a file are many: remove them, or leave \
                          the file out of --records";
            let outcome = settled(outcome, Status::Refused, reason.into());
            return self.none_of(rel, Closed { outcome, rules: None });
        }
        let mut out = self.left(rel, &opened.rules, &file.paths().collect());
        let mut wanted: HashMap<u64, (Outcome, Candidate<'_>)> = HashMap::new();
        for (path, record) in &file.all {
            let shown = path.as_ref().map_or_else(|| format!("{rel} {}", record.place), Clone::clone);
            let mut outcome = self.outcome(&shown);
            outcome.line.bytes = record.bytes;
            outcome.line.rules = self.access.places(rel);
            if record.is_repeated {
                out.push(settled(outcome, Status::Skipped, format!("{} says the same as one above", record.place)));
                continue;
            }
            let Some(path) = path else {
                out.push(settled(outcome, Status::Failed, record.mistake.clone().unwrap_or_default()));
                continue;
            };
            let id = self.ids.of(path);
            let held = self.held.get(&id);
            outcome.line.id = Some(id.clone());
            if id.len() > MAX_ID {
                out.push(settled(outcome, Status::Failed, format!("its id would be longer than {MAX_ID} bytes")));
                continue;
            }
            if let Some(reason) = self.moves.withheld.get(path) {
                out.push(settled(outcome, Status::Refused, reason.clone()));
                continue;
            }
            if let Some(mistake) = &record.mistake {
                out.push(mistaken(outcome, record, mistake, &opened.rules, held));
                continue;
            }
            let Ok(hash) = blake3::Hash::from_hex(&record.hash) else {
                out.push(settled(outcome, Status::Failed, "its hash could not be told".into()));
                continue;
            };
            let own = serde_json::to_vec(&file.shape).unwrap_or_default();
            let hash = source_hash_of(&hash, &[], &own);
            outcome.source_hash = Some(hash.clone());
            let is_moved = self.ids.is_fresh(path);
            let rules = opened.rules.clone();
            let candidate = Candidate { name: path, rules, held, is_moved, source_hash: hash, hash_before: None };
            match candidate.unread() {
                Some(prepared) => out.push(Outcome { prepared, ..outcome }),
                None => drop(wanted.insert(record.number, (outcome, candidate))),
            }
        }
        let sizes = file.all.iter().map(|(_, record)| (record.number, record.bytes));
        let sizes: Vec<(u64, u64)> = sizes.filter(|(number, _)| wanted.contains_key(number)).collect();
        for batch in records::batches(&sizes) {
            let job = RecordsJob { name: rel.to_owned(), shape: file.shape.clone(), wanted: Some(batch.clone()) };
            let (found, why) = match self.sandbox.records(&job, &opened.file.bytes) {
                Ok(found) => (found, "it could not be read a second time".to_owned()),
                Err(e) => (Vec::new(), e.to_string()),
            };
            for record in found {
                let Some((outcome, candidate)) = wanted.remove(&record.number) else {
                    continue;
                };
                out.push(self.one(outcome, candidate, record, opened.at));
            }
            for (outcome, candidate) in batch.iter().filter_map(|number| wanted.remove(number)) {
                let rules = Standing::of(&candidate.rules, candidate.held);
                let outcome = Outcome { line: outcome.line.because(why.clone()), ..outcome };
                out.push(Outcome { prepared: Prepared::Settled { status: Status::Failed, rules }, ..outcome });
            }
        }
        out
    }

    fn one(&self, mut outcome: Outcome, candidate: Candidate<'_>, record: Record, at: SystemTime) -> Outcome {
        let Some(doc) = record.document.as_deref().cloned() else {
            let mistake = record.mistake.clone().unwrap_or_else(|| "it was not read".to_owned());
            return mistaken(outcome, &record, &mistake, &candidate.rules, candidate.held);
        };
        outcome.line.chunks = doc.chunks.len();
        outcome.removed.clone_from(&doc.removed);
        let notes: Vec<String> = doc.warnings.iter().cloned().chain(hidden(&doc)).collect();
        let id = outcome.line.id.clone().unwrap_or_default();
        let name = record.id.unwrap_or_default();
        outcome.prepared = candidate.compared(self.document(id, &name, at, &candidate, doc));
        if !notes.is_empty() {
            outcome.line = outcome.line.because(notes.join("; "));
        }
        outcome
    }

    /// What is held of a file and not in it, as far as can be told: until it is deleted it has the rules of now.
    fn left(&self, rel: &str, rules: &Effective, listed: &HashSet<&str>) -> Vec<Outcome> {
        if mutants::active("rules_of_what_is_listed") {
            return Vec::new();
        }
        let held = self.held_records.get(rel).into_iter().flatten().map(|id| (*id).to_owned());
        // The document that the file was.
        let whole = Some(self.ids.of(rel)).filter(|_| self.records.of(rel).is_some());
        let is_left =
            |path: &str| file_of(path) == rel && !listed.contains(path) && !self.moves.withheld.contains_key(path);
        let changed = held.chain(whole).filter_map(|id| {
            let state = self.held.get(&id)?;
            let path = self.ids.place(&id).unwrap_or(&id).to_owned();
            match Standing::of(rules, Some(state)) {
                Standing::Change(acl) if is_left(&path) => {
                    let mut outcome = Outcome { prepared: Prepared::Acl(acl), ..self.outcome(&path) };
                    outcome.line.id = Some(id);
                    Some(outcome)
                }
                _ => None,
            }
        });
        changed.collect()
    }

    /// Where none of a file's records can be sent: what is held of them gets the rules of now, where these are known.
    fn none_of(&self, rel: &str, Closed { outcome, rules }: Closed) -> Vec<Outcome> {
        let held = self.held_records.get(rel).map(Vec::as_slice).unwrap_or_default();
        let status = match &outcome.prepared {
            Prepared::Settled { status, .. } => *status,
            _ => Status::Failed,
        };
        let reason = outcome.line.reason.clone().unwrap_or_default();
        let each = held.iter().filter_map(|id| {
            let path = self.ids.place(id).unwrap_or(id).to_owned();
            let state = self.held.get(*id);
            let mut outcome = self.outcome(&path);
            outcome.line.id = Some((*id).to_owned());
            let rules = rules.as_ref().filter(|_| !self.moves.withheld.contains_key(&path));
            match rules.map(|rules| Standing::of(rules, state)) {
                Some(Standing::Current) => None,
                Some(Standing::Change(acl)) => Some(Outcome { prepared: Prepared::Acl(acl), ..outcome }),
                Some(Standing::Unknown) | None => Some(settled(outcome, status, reason.clone())),
            }
        });
        let each: Vec<Outcome> = each.collect();
        std::iter::once(outcome).chain(each).collect()
    }
}

fn settled(mut outcome: Outcome, status: Status, reason: String) -> Outcome {
    outcome.line = outcome.line.because(reason);
    outcome.prepared = Prepared::Settled { status, rules: Standing::Unknown };
    outcome
}

/// A record that is no document: the version that is held gets the rules of now.
fn mistaken(
    outcome: Outcome,
    record: &Record,
    mistake: &str,
    rules: &Effective,
    held: Option<&DocumentState>,
) -> Outcome {
    let line = outcome.line.because(format!("{}: {mistake}", record.place));
    let prepared = Prepared::Settled { status: Status::Failed, rules: Standing::of(rules, held) };
    Outcome { line, prepared, ..outcome }
}

/// When the bytes were read: of two runs at once, the one that read later wins. What a clock that was ahead has left is
/// followed by the next number.
fn source_version(read: SystemTime, held: Option<&DocumentState>) -> u64 {
    let now = read.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let held = held.and_then(|state| state.source_version).map_or(0, |held| held.saturating_add(1));
    now.max(held).min(i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_ahead_once_holds_nothing_up() {
        let at = |ms| UNIX_EPOCH + std::time::Duration::from_millis(ms);
        let held = |version: Option<u64>| {
            let state = serde_json::json!({"id": "s/d", "version": 1, "content_digest": "", "acl_digest": "",
                "source_version": version});
            serde_json::from_value::<usher_base::wire::DocumentState>(state).unwrap()
        };
        assert_eq!(source_version(at(1_000), None), 1_000);
        assert_eq!(source_version(at(1_000), Some(&held(None))), 1_000);
        assert_eq!(source_version(at(1_000), Some(&held(Some(900)))), 1_000);
        assert_eq!(source_version(at(1_000), Some(&held(Some(9_000)))), 9_001);
        assert_eq!(source_version(at(1_000), Some(&held(Some(i64::MAX as u64)))), i64::MAX as u64);
    }
}
