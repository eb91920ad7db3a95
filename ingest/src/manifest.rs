//! `manifest`: documents listed one per line, as the service takes them, with `path` where the text lies in a file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use usher_base::wire::{Acl, ChunkSpan, Content, Document, Fields, Section};

use crate::acl::principal::{self, Role, normalise, normalise_conditional};
use crate::acl::rules::{Effective, RuleFile, SectionRule};
use crate::api::Api;
use crate::args::ManifestArgs;
use crate::conditions::Trials;
use crate::documents::{Candidate, Held, MAX_ID, Missing, Outcome, Prepared, Sink, Standing, prepare, sections};
use crate::error::RunError;
use crate::fingerprint::source_hash;
use crate::folder::{self, default_acl};
use crate::fsroot::{Root, Stamp};
use crate::named;
use crate::report::{FileLine, Report, Status};
use crate::sandbox::Sandbox;
use crate::term::Term;
use crate::words;

/// A line as it should be, for those who wrote another.
const EXAMPLE: &str =
    r#"{"id": "hr/leave", "content": {"type": "text/plain", "text": "..."}, "acl": {"viewers": ["user:ana"]}}"#;

/// Largest manifest, in bytes: its lines are kept in memory.
const MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const MAX_LINE: u64 = 40 * 1024 * 1024;

/// One line of the manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    #[serde(default)]
    collection: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    content: Option<Content>,
    /// File with the content, relative to the manifest.
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    chunks: Option<Vec<ChunkSpan>>,
    #[serde(default)]
    metadata: Fields,
    #[serde(default)]
    acl: Option<Acl>,
    #[serde(default)]
    sections: Vec<Section>,
    #[serde(default)]
    source_version: Option<u64>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    source_hash: Option<String>,
}

struct Entry {
    number: usize,
    collection: String,
    line: Line,
}

pub fn run(args: &ManifestArgs, term: &Term) -> Result<ExitCode, RunError> {
    if args.run.delete_missing && (args.source.is_none() || args.collection.is_none()) {
        return Err(RunError::Input("--delete-missing needs --source and --collection".into()));
    }
    let dry_run = args.server.dry_run;
    let report = Report::create(term, args.run.report.as_deref(), dry_run)
        .map_err(|e| RunError::Io(args.run.report.clone().unwrap_or_default(), e))?;
    let default = default_acl(args.default_acl.as_deref(), args.run.allow_public)?;
    let api = Api::connect(&args.server, term)?;
    let dir = args.path.parent().filter(|p| !p.as_os_str().is_empty());
    let root = Root::open(dir.unwrap_or(std::path::Path::new(".")))?;
    let sandbox = Sandbox::start(term, Duration::from_secs(args.run.extract_timeout), &args.run.ocr.options())?;
    let stamp = Stamp::at(&args.path);
    let (entries, complete) = read(args, &report)?;
    if entries.is_empty() && complete {
        term.warn(&format!("{} lists no document", args.path.display()));
    }

    let mut held: HashMap<String, Held> = HashMap::new();
    for (collection, source) in sources(args, &entries) {
        // A dry run has made nothing that another source of the collection could find.
        let states = match held.contains_key(&collection) {
            true => folder::held(&api, &collection, &source)?.unwrap_or_default(),
            false => folder::held_or_made(&api, &args.run, dry_run, &collection, &source, term)?,
        };
        held.entry(collection).or_default().extend(states);
    }
    let state = |collection: &str, id: &str| held.get(collection).and_then(|h| h.get(id));
    let reader = Reader { args, root: &root, default: default.as_ref(), sandbox: &sandbox, held: &held, stamp };
    let trials = Trials::default();
    let sink = Sink { api: &api, term, report: &report, trials: &trials, dry_run };
    let mut passed = sink.pass(&entries, args.run.jobs, state, |entry| [reader.prepare(entry)])?;

    if let (Some(collection), Some(source)) = (&args.collection, &args.source) {
        let listed: HashSet<&str> = entries.iter().map(|e| e.line.id.as_str()).collect();
        let of_source = format!("{source}/");
        let ids: Vec<&String> = held
            .get(collection)
            .map(|h| h.keys().filter(|id| id.starts_with(&of_source)).collect())
            .unwrap_or_default();
        let mut missing: Vec<_> = ids
            .iter()
            .filter(|id| !listed.contains(id.as_str()))
            .map(|id| (collection.clone(), (*id).clone()))
            .collect();
        missing.sort();
        let suspicious = match (complete, entries.is_empty()) {
            // A line that can't be read may name any document.
            (false, _) => Some("some lines of the manifest can't be read".to_owned()),
            (_, true) => Some("the manifest lists no documents".to_owned()),
            _ => None,
        };
        let deletion = Missing { sink: &sink, delete: args.run.delete_missing, yes: args.run.yes, suspicious };
        let hash = |c: &str, id: &str| state(c, id).and_then(|h| h.source_hash.clone());
        deletion.settle(&missing, ids.len(), hash, &mut passed)?;
    }
    if dry_run {
        term.line(&format!("principals named: {}", passed.principals.len()));
    }
    sandbox.tell(term);
    Ok(report.finish())
}

/// Lines that are documents; the flag tells whether all were.
fn read(args: &ManifestArgs, report: &Report<'_>) -> Result<(Vec<Entry>, bool), RunError> {
    let failed = |e: std::io::Error| RunError::Io(args.path.clone(), e);
    let mut reader = BufReader::new(named::open(&args.path, MAX_BYTES).map_err(failed)?);
    let (mut entries, mut ids, mut complete) = (Vec::new(), BTreeSet::new(), true);
    let mut number = 0usize;
    let mut is_shown = false;
    loop {
        number = number.saturating_add(1);
        let mut bytes = Vec::new();
        let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut bytes).map_err(failed)?;
        if read == 0 {
            return Ok((entries, complete));
        }
        if read as u64 == MAX_LINE {
            return Err(RunError::Input(format!("line {number} is longer than {MAX_LINE} bytes")));
        }
        // Tools of Windows write one before the first line.
        let line = bytes.strip_prefix("\u{feff}".as_bytes()).filter(|_| number == 1).unwrap_or(&bytes);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let parsed = serde_json::from_slice::<Line>(line).map_err(|e| {
            if !is_shown {
                report.hint(&format!("a line of a manifest is such as {EXAMPLE}"));
                is_shown = true;
            }
            format!("column {}: {}", e.column(), words::plain(&e.to_string()))
        });
        let checked = parsed.and_then(|line| check(args, line, &mut ids));
        match checked {
            Ok((collection, line)) => entries.push(Entry { number, collection, line }),
            Err(reason) => {
                complete = false;
                report.file(FileLine::new(&format!("line {number}"), Status::Failed).because(reason));
            }
        }
    }
}

fn check(args: &ManifestArgs, line: Line, ids: &mut BTreeSet<(String, String)>) -> Result<(String, Line), String> {
    let collection = line.collection.clone().or_else(|| args.collection.clone());
    let collection = collection.ok_or("no collection, neither here nor by --collection")?;
    let source = line.id.split_once('/').map(|(source, _)| source).filter(|s| !s.is_empty());
    let source = source.ok_or("the id must be <source>/<path>")?;
    if line.id.len() > MAX_ID || line.id.chars().any(char::is_control) {
        return Err(format!("the id must be at most {MAX_ID} bytes without control characters"));
    }
    if args.source.as_deref().is_some_and(|wanted| wanted != source) {
        return Err(format!("{} is not in the source given by --source", line.id));
    }
    match (&line.content, &line.path) {
        (Some(_), None) => {}
        (None, Some(_)) if line.chunks.is_none() => {}
        (None, Some(_)) => return Err("chunks go with content, not with a path".into()),
        _ => return Err("give either content or path".into()),
    }
    if !ids.insert((collection.clone(), line.id.clone())) {
        return Err(format!("{} is listed twice", line.id));
    }
    Ok((collection, line))
}

fn sources(args: &ManifestArgs, entries: &[Entry]) -> BTreeSet<(String, String)> {
    let source = |id: &str| id.split_once('/').map(|(s, _)| s.to_owned()).unwrap_or_default();
    let mut all: BTreeSet<_> = entries.iter().map(|e| (e.collection.clone(), source(&e.line.id))).collect();
    all.extend(args.collection.clone().zip(args.source.clone()));
    all
}

struct Reader<'a> {
    args: &'a ManifestArgs,
    root: &'a Root,
    default: Option<&'a RuleFile>,
    sandbox: &'a Sandbox,
    held: &'a HashMap<String, Held>,
    /// The manifest before it was read.
    stamp: Option<Stamp>,
}

impl Reader<'_> {
    fn prepare(&self, entry: &Entry) -> Outcome {
        let line = &entry.line;
        let shown = line.path.clone().unwrap_or_else(|| format!("line {}", entry.number));
        let mut outcome = Outcome {
            line: FileLine::new(&shown, Status::Failed).id(&line.id),
            collection: entry.collection.clone(),
            prepared: Prepared::Settled { status: Status::Failed, rules: Standing::Unknown },
            source_hash: line.source_hash.clone(),
            removed: BTreeMap::new(),
        };
        let rules = match self.rules(line) {
            Ok(rules) => rules,
            Err(reason) => {
                let status = if self.args.run.skip_unmappable { Status::Skipped } else { Status::Refused };
                outcome.prepared = Prepared::Settled { status, rules: Standing::Unknown };
                outcome.line = outcome.line.because(reason);
                return outcome;
            }
        };
        let held = self.held.get(&entry.collection).and_then(|h| h.get(&line.id));
        match (&line.path, &line.content) {
            (Some(path), _) => self.read_file(&mut outcome, entry, path, rules, held),
            (None, Some(content)) => {
                let document = self.document(entry, content.clone(), line.chunks.clone(), rules);
                outcome.line.bytes = content.text.len() as u64;
                outcome.line.chunks = line.chunks.as_ref().map_or(0, Vec::len);
                let same = held.is_some_and(|h| {
                    h.content_digest == document.content_digest() && h.acl_digest == document.acl_digest()
                });
                outcome.prepared = if same { Prepared::Unchanged } else { Prepared::Put(Box::new(document)) };
            }
            (None, None) => {}
        }
        outcome
    }

    fn read_file(
        &self,
        outcome: &mut Outcome,
        entry: &Entry,
        path: &str,
        rules: Effective,
        held: Option<&usher_base::wire::DocumentState>,
    ) {
        let file = match self.root.read(path, self.args.run.max_file_size) {
            Ok(file) => file,
            Err(e) => {
                let rules = Standing::of(&rules, held);
                outcome.prepared = Prepared::Settled { status: Status::Failed, rules };
                let (number, id) = (entry.number, &entry.line.id);
                outcome.line = outcome.line.clone().because(format!("line {number} ({id}): {e}"));
                return;
            }
        };
        outcome.line.bytes = file.bytes.len() as u64;
        // SECURITY: whoever writes rules first and then the text that they restrict relies on that order.
        if self.stamp != Stamp::at(&self.args.path) && !usher_base::faults::mutants::active("rules_as_they_were") {
            let reason = "the manifest has changed since this run read it: the file is left to the next run";
            outcome.line = outcome.line.clone().because(format!("line {} ({}): {reason}", entry.number, entry.line.id));
            return;
        }
        // Title, metadata and the like come from the line: they are part of what may have changed.
        let line = &entry.line;
        let own = serde_json::to_vec(&(&line.title, &line.url, &line.metadata, &line.expires_at)).unwrap_or_default();
        let (now, before) = self.sandbox.recognition(&file.bytes);
        let with =
            |recognition: Vec<u8>| source_hash(&file.bytes, &rules.sections, &[own.clone(), recognition].concat());
        let (hash, hash_before) = (with(now), before.map(with));
        outcome.source_hash = Some(hash.clone());
        let candidate = Candidate { name: path, rules, held, is_moved: false, source_hash: hash.clone(), hash_before };
        let (prepared, notes, extracted) = prepare(self.sandbox, &candidate, &file.bytes, |doc| {
            let rules = candidate.rules.clone();
            let mut metadata = doc.metadata;
            metadata.extend(line.metadata.clone());
            Document {
                title: line.title.clone().or(doc.title),
                metadata,
                sections: sections(&rules.sections, &doc.sections),
                source_hash: Some(hash),
                ..self.document(entry, Content { media_type: doc.media_type, text: doc.text }, Some(doc.chunks), rules)
            }
        });
        outcome.prepared = prepared;
        if let Some(doc) = extracted {
            outcome.line.chunks = doc.chunks.len();
            outcome.removed = doc.removed;
        }
        if !notes.is_empty() {
            outcome.line = outcome.line.clone().because(notes.join("; "));
        }
    }

    fn document(&self, entry: &Entry, content: Content, chunks: Option<Vec<ChunkSpan>>, rules: Effective) -> Document {
        let line = &entry.line;
        let section =
            |rule: SectionRule| Section { id: rule.id, span: rule.span, heading: rule.heading, acl: rule.acl };
        Document {
            id: line.id.clone(),
            collection: entry.collection.clone(),
            title: line.title.clone(),
            url: line.url.clone(),
            content,
            chunks,
            metadata: line.metadata.clone(),
            acl: Some(rules.acl),
            sections: rules.sections.into_iter().map(section).collect(),
            source_version: line.source_version,
            expires_at: line.expires_at.clone(),
            source_hash: line.source_hash.clone(),
        }
    }

    fn rules(&self, line: &Line) -> Result<Effective, String> {
        let public = self.args.run.allow_public;
        let acl = match (&line.acl, self.default) {
            (Some(acl), _) => normal_acl(acl, public)?,
            (None, Some(default)) => default.to_acl(Vec::new(), false, None),
            (None, None) => return Err("no rule applies: give it an acl, or name --default-acl".into()),
        };
        let mut rules = Vec::new();
        for section in &line.sections {
            let viewers = list(&section.acl.viewers, Role::SectionViewer, public)?;
            let blocked = list(&section.acl.blocked, Role::SectionBlocked, public)?;
            let acl = Acl { viewers, blocked, ..section.acl.clone() };
            let rule =
                SectionRule { id: section.id.clone(), heading: section.heading.clone(), span: section.span, acl };
            rules.push(rule);
        }
        Ok(Effective { acl, sections: rules })
    }
}

/// Principals of a manifest are normalised like those of rule files.
fn normal_acl(acl: &Acl, public: bool) -> Result<Acl, String> {
    if acl.nobody {
        return match acl == &(Acl { nobody: true, ..Acl::default() }) {
            true => Ok(acl.clone()),
            false => Err("nobody excludes every other field of an acl".into()),
        };
    }
    if acl.all_of.len() == 1 || acl.all_of.iter().any(Vec::is_empty) {
        return Err("all_of needs at least two lists, none of them empty".into());
    }
    for parent in &acl.parents {
        if !(parent.starts_with("folder:") || parent.starts_with("collection:")) {
            return Err(format!("{parent} can't be a parent; it must be a folder or a collection"));
        }
        // Ids of folders have escapes in their place: bans of one that is written otherwise would not come down.
        if parent.contains(char::is_whitespace) {
            return Err(format!(
                "{parent:?} can't be a parent: there is a blank in it; write `%20` if its name has it"
            ));
        }
    }
    let one = |p: &String| normalise(p, Role::AllOf, public).map_err(|e| e.to_string());
    let classification = match &acl.classification {
        Some(label) => {
            let label = label.trim();
            let label = label.strip_prefix("classification:").unwrap_or(label);
            if label.is_empty() {
                return Err("classification must be a label such as `internal`".into());
            }
            let id = principal::spelled("classification", label).map_err(|e| e.to_string())?;
            Some(principal::object("classification", &id))
        }
        None => None,
    };
    Ok(Acl {
        owners: list(&acl.owners, Role::Owner, public)?,
        editors: list(&acl.editors, Role::Editor, public)?,
        viewers: list(&acl.viewers, Role::Viewer, public)?,
        blocked: list(&acl.blocked, Role::Blocked, public)?,
        all_of: acl.all_of.iter().map(|l| l.iter().map(one).collect()).collect::<Result<_, String>>()?,
        classification,
        ..acl.clone()
    })
}

fn list(
    principals: &[usher_base::wire::AclEntry],
    role: Role,
    public: bool,
) -> Result<Vec<usher_base::wire::AclEntry>, String> {
    principals.iter().map(|p| normalise_conditional(p, role, public).map_err(|e| e.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published schema and the reader name the same keys.
    #[test]
    fn the_schema_names_every_key_of_a_line() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../schema/manifest.schema.json")).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let error = serde_json::from_str::<Line>("{\"?\": 1}").unwrap_err().to_string();
        let known: BTreeSet<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "{error}");
        let acl = schema["$defs"]["acl"]["properties"].as_object().unwrap();
        for key in acl.keys() {
            let error = serde_json::from_str::<Acl>(&format!("{{\"{key}\": {{}}}}")).unwrap_err().to_string();
            assert!(!error.contains("unknown field"), "{key}: {error}");
        }
    }
}
