//! The records of a file, each as a document of its own: objects of JSON, rows of CSV, messages of a mailbox.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::shape::{self, Shape};
use super::{MAX_CELLS, MAX_RECORDS, delimiter};
use crate::extract::{Builder, ExtractError, Extracted, Format, archive, complete, decode, detect, mail};

/// What the child is asked to do with a file of records.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RecordsJob {
    /// Path or name; only its extension matters.
    pub name: String,
    pub shape: Shape,
    /// Numbers of the records whose documents are wanted; none: only what records there are.
    pub wanted: Option<BTreeSet<u64>>,
}

/// One record of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// In the order of the file, from 1.
    pub number: u64,
    /// Where it stands, in words.
    pub place: String,
    /// `None`: it can't be told which record it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Of what it says, however it is written: 64 hex digits.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hash: String,
    pub bytes: u64,
    /// The very same record stands above.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_repeated: bool,
    /// Why it is no document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mistake: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<Extracted>>,
}

/// A record as it is found.
enum Content<'t> {
    Fields(Value),
    Message(Cow<'t, [u8]>),
}

/// A record that is parsed if it is wanted.
enum Raw<'t> {
    Json(&'t str),
    Read(Result<Content<'t>, String>),
}

type Found<'t> = (String, Raw<'t>);
/// One after another: all of them at once would take many times the room of the file.
type All<'t> = Box<dyn Iterator<Item = Result<Found<'t>, ExtractError>> + 't>;

/// Lists the records of a file, and reads those that are wanted.
pub fn records(job: &RecordsJob, bytes: &[u8]) -> Result<Vec<Record>, ExtractError> {
    let unzipped;
    let (name, bytes) = match job.name.strip_suffix(".gz").or_else(|| job.name.strip_suffix(".GZ")) {
        Some(inner) => {
            unzipped = archive::gunzip(bytes)?;
            (inner, unzipped.as_slice())
        }
        None => (job.name.as_str(), bytes),
    };
    let (kind, _) = detect::kind(name, bytes)?;
    let text;
    let found: All<'_> = match kind {
        Format::Mailbox if job.shape.names_fields() => {
            return Err(ExtractError::Broken(
                "a mailbox has no fields: its messages have ids and titles already".into(),
            ));
        }
        Format::Mailbox => {
            let messages = (1usize..).zip(mail::messages_of(bytes)?);
            Box::new(
                messages.map(|(number, raw)| Ok((format!("message {number}"), Raw::Read(Ok(Content::Message(raw)))))),
            )
        }
        Format::Json | Format::JsonLines | Format::Csv => {
            text = decode::text(bytes, &mut Builder::new(false))?;
            match kind {
                Format::Json => list(&text)?,
                Format::JsonLines => lines(&text),
                _ => rows(&text)?,
            }
        }
        other => {
            let why = format!("{} holds no records: JSON, JSON lines, CSV and mailboxes do", other.media_type());
            return Err(ExtractError::Unsupported(why));
        }
    };
    let mut records: Vec<Record> = Vec::new();
    // Of each id the first record, and whether others say something else.
    let mut first: HashMap<String, usize> = HashMap::new();
    for (number, next) in (1u64..).zip(found) {
        let (place, content) = next?;
        if number > MAX_RECORDS as u64 {
            let why = format!("more than {MAX_RECORDS} records, which no option raises: divide the file");
            return Err(ExtractError::Limit(why));
        }
        if job.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&number)) {
            continue;
        }
        let content = parsed(content);
        let mut record = known(&job.shape, Record { number, place, ..Record::default() }, &content);
        if let Some(id) = record.id.as_ref().filter(|_| job.wanted.is_none()) {
            let earlier = first.get(id).and_then(|at| records.get_mut(*at));
            match earlier {
                None => drop(first.insert(id.clone(), records.len())),
                Some(earlier) if earlier.hash == record.hash => record.is_repeated = true,
                Some(earlier) => {
                    // Which of them is meant would be a guess.
                    record.mistake = Some(format!("{} has the same id `{id}`", earlier.place));
                    earlier.mistake = Some(format!("{} has the same id `{id}`", record.place));
                }
            }
        }
        if job.wanted.is_some() && record.mistake.is_none() {
            match content.map_err(ExtractError::Broken).and_then(|content| document(&job.shape, &content)) {
                Ok(document) => record.document = Some(Box::new(document)),
                Err(e) => record.mistake = Some(e.to_string()),
            }
        }
        records.push(record);
    }
    Ok(records)
}

fn known(shape: &Shape, record: Record, content: &Result<Content<'_>, String>) -> Record {
    let (bytes, id) = match content {
        Ok(Content::Fields(fields)) => {
            (Cow::Owned(serde_json::to_vec(fields).unwrap_or_default()), shape::id(shape, fields))
        }
        Ok(Content::Message(raw)) => (Cow::Borrowed(raw.as_ref()), mail::id(raw).map_err(|e| e.to_string())),
        Err(mistake) => return Record { mistake: Some(mistake.clone()), ..record },
    };
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let (id, mistake) = match id {
        Ok(id) => (Some(id), None),
        Err(mistake) => (None, Some(mistake)),
    };
    Record { id, hash, bytes: bytes.len() as u64, mistake, ..record }
}

fn document(shape: &Shape, content: &Content<'_>) -> Result<Extracted, ExtractError> {
    let mut builder = Builder::new(false);
    match content {
        Content::Fields(fields) => {
            shape::fill(shape, fields, &mut builder)?;
            complete(builder.finish("text/plain"))
        }
        Content::Message(raw) => {
            mail::read(raw, &mut builder)?;
            complete(builder.finish(Format::Mail.media_type()))
        }
    }
}

fn parsed(raw: Raw<'_>) -> Result<Content<'_>, String> {
    let raw = match raw {
        Raw::Json(raw) => raw,
        Raw::Read(read) => return read,
    };
    match serde_json::from_str::<Value>(raw) {
        Ok(fields @ Value::Object(_)) => Ok(Content::Fields(fields)),
        Ok(_) => Err("no object with fields".into()),
        Err(e) => Err(format!("not valid JSON: {e}")),
    }
}

/// Objects of a list.
fn list(text: &str) -> Result<All<'_>, ExtractError> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| {
        let what = if e.is_data() { "JSON, but no list of records".to_owned() } else { format!("not valid JSON: {e}") };
        ExtractError::Broken(what)
    })?;
    let (mut at, mut line) = (0usize, 1usize);
    let begin = text.as_ptr().addr();
    Ok(Box::new((1usize..).zip(items).map(move |(number, item)| {
        let start = item.get().as_ptr().addr().saturating_sub(begin);
        let between = text.as_bytes().get(at..start).unwrap_or_default();
        line = line.saturating_add(between.iter().filter(|b| **b == b'\n').count());
        at = start;
        Ok((format!("record {number}, line {line}"), Raw::Json(item.get())))
    })))
}

/// One object per line.
fn lines(text: &str) -> All<'_> {
    let lines = (1usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    Box::new(lines.map(|(number, line)| Ok((format!("line {number}"), Raw::Json(line)))))
}

/// Rows of a table, by the names in its first one.
fn rows(text: &str) -> Result<All<'_>, ExtractError> {
    let broken = |e: csv::Error| ExtractError::Broken(format!("no table: {e}"));
    let Some(delimiter) = delimiter(text) else { return Err(ExtractError::Broken("no table with columns".into())) };
    let mut builder = csv::ReaderBuilder::new();
    let mut rows =
        builder.delimiter(delimiter).flexible(true).has_headers(false).from_reader(text.as_bytes()).into_records();
    let first = rows.next().transpose().map_err(broken)?.unwrap_or_default();
    let names: Vec<String> = first.iter().map(|name| name.trim().to_owned()).collect();
    let named = || names.iter().filter(|name| !name.is_empty());
    if named().collect::<BTreeSet<_>>().len() < named().count() || named().next().is_none() {
        return Err(ExtractError::Broken("the first row must name the columns, each by another name".into()));
    }
    Ok(Box::new(rows.filter_map(move |row| match row.map_err(broken) {
        Err(e) => Some(Err(e)),
        Ok(row) => self::row(text, &names, &row).transpose(),
    })))
}

/// `None`: there is nothing in it.
fn row(text: &str, names: &[String], row: &csv::StringRecord) -> Result<Option<Found<'static>>, ExtractError> {
    if row.len() > MAX_CELLS {
        return Err(ExtractError::Limit(format!("more than {MAX_CELLS} cells in a row")));
    }
    if row.iter().all(|cell| cell.trim().is_empty()) {
        return Ok(None);
    }
    // Empty lines before it count as its begin.
    let (line, start) = row.position().map_or((0, 0), |at| (at.line(), usize::try_from(at.byte()).unwrap_or_default()));
    let empty = text.as_bytes().get(start..).unwrap_or_default().iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    let place = format!("line {}", line.saturating_add(empty.filter(|b| **b == b'\n').count() as u64));
    if row.len() > names.len() {
        let why = format!("{} cells, but {} columns have names", row.len(), names.len());
        return Ok(Some((place, Raw::Read(Err(why)))));
    }
    let cells = names.iter().zip(row.iter()).filter(|(name, cell)| !name.is_empty() && !cell.trim().is_empty());
    let fields = cells.map(|(name, cell)| (name.clone(), Value::from(cell.trim()))).collect();
    Ok(Some((place, Raw::Read(Ok(Content::Fields(Value::Object(fields)))))))
}
