//! `tuples`: relationship tuples as OpenFGA's tools write them, from CSV, JSON or JSON lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::Value;
use usher_base::wire::bounds::{MAX_OBJECT, MAX_SUBJECT, READER_TYPES};
use usher_base::wire::{Condition, TupleKey};

use crate::acl::folders::{Change, TupleSet};
use crate::acl::principal;
use crate::api::{Api, ApiError};
use crate::args::TuplesArgs;
use crate::error::RunError;
use crate::named;
use crate::report::Report;
use crate::table;
use crate::term::Term;
use crate::tuple_writer;
use crate::words;

/// Columns of CSV, and those that must be there.
const COLUMNS: &[&str] = &[
    "user_type",
    "user_id",
    "user_relation",
    "relation",
    "object_type",
    "object_id",
    "condition_name",
    "condition_context",
];
const NEEDED: &[&str] = &["user_type", "user_id", "relation", "object_type", "object_id"];

const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Columns of `fga tuple`'s CSV.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    user_type: String,
    user_id: String,
    #[serde(default)]
    user_relation: Option<String>,
    relation: String,
    object_type: String,
    object_id: String,
    #[serde(default)]
    condition_name: Option<String>,
    #[serde(default)]
    condition_context: Option<String>,
}

/// A tuple alone, or as read from OpenFGA, with a time beside it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Read { key: TupleKey },
    Plain(TupleKey),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum File {
    List(Vec<Entry>),
    Wrapped { tuples: Vec<Entry> },
}

pub fn run(args: &TuplesArgs, term: &Term) -> Result<ExitCode, RunError> {
    let tuples = read(&args.path)?;
    let dry_run = args.server.dry_run;
    let report = Report::create(term, None, dry_run).map_err(|e| RunError::Io("-".into(), e))?;
    let api = Api::connect(&args.server, term)?;
    let change = if args.delete { Change::Delete } else { Change::Write };
    let changes: Vec<Change> = tuples.iter().cloned().map(change).collect();
    let needing = |e: ApiError| e.needing("relationships.write", || "to write and delete tuples".into());
    if dry_run {
        tuple_writer::check(&api, changes.iter(), args.store.as_deref()).map_err(needing)?;
    }
    tuple_writer::apply(&api, term, &report, &changes, args.store.as_deref(), dry_run).map_err(needing)?;
    term.line(&format!("{} tuples in the file", tuples.len()));
    Ok(report.finish())
}

fn read(path: &Path) -> Result<TupleSet, RunError> {
    let io = |e: std::io::Error| RunError::Io(path.to_owned(), e);
    let bytes = named::read(path, MAX_BYTES).map_err(io)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let tuples = match extension.as_str() {
        "csv" => csv(bytes),
        "json" => json(bytes),
        "jsonl" | "ndjson" => jsonl(bytes),
        _ => Err("tuples are read from .csv, .json or .jsonl".into()),
    };
    Ok(tuples.map_err(RunError::Input)?.into_iter().collect())
}

fn csv(bytes: &[u8]) -> Result<Vec<TupleKey>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let headers = reader.headers().map_err(|e| table::mistake(&e))?.clone();
    table::header(&headers, COLUMNS, NEEDED)?;
    let mut tuples = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| table::mistake(&e))?;
        let line = table::line(&row);
        let row: Row = row.deserialize(Some(&headers)).map_err(|e| table::mistake(&e))?;
        tuples.push(tuple(row).and_then(checked).map_err(|e| format!("line {line}: {e}"))?);
    }
    Ok(tuples)
}

fn tuple(row: Row) -> Result<TupleKey, String> {
    for (kind, id) in [(&row.user_type, &row.user_id), (&row.object_type, &row.object_id)] {
        if let Some(alone) = id.strip_prefix(kind.as_str()).and_then(|rest| rest.strip_prefix(':')) {
            return Err(format!("`{id}` names its type again: write `{alone}`"));
        }
    }
    let relation = row.user_relation.filter(|r| !r.is_empty()).map(|r| format!("#{r}")).unwrap_or_default();
    let name = row.condition_name.filter(|n| !n.is_empty());
    let context = match row.condition_context.filter(|c| !c.is_empty()) {
        Some(text) => {
            let context: BTreeMap<String, Value> =
                serde_json::from_str(&text).map_err(|e| format!("condition_context is no JSON object: {e}"))?;
            serde_json::to_value(context).map(Some).map_err(|e| e.to_string())?
        }
        None => None,
    };
    let condition = match (name, context) {
        (Some(name), context) => Some(Condition { name, context }),
        (None, Some(_)) => return Err("condition_context without condition_name".into()),
        (None, None) => None,
    };
    Ok(TupleKey {
        user: format!("{}:{}{relation}", row.user_type, row.user_id),
        relation: row.relation,
        object: format!("{}:{}", row.object_type, row.object_id),
        condition,
    })
}

fn json(bytes: &[u8]) -> Result<Vec<TupleKey>, String> {
    let file: File = serde_json::from_slice(bytes).map_err(|e| match e.is_data() {
        true => format!("{}; {EXAMPLE} in a list", mistake(serde_json::from_slice(bytes))),
        false => format!("line {}: {}", e.line(), words::plain(&e.to_string())),
    })?;
    let (File::List(entries) | File::Wrapped { tuples: entries }) = file;
    let numbered = entries.into_iter().map(key).enumerate();
    numbered.map(|(index, t)| checked(t).map_err(|e| format!("tuple {}: {e}", index.saturating_add(1)))).collect()
}

fn jsonl(bytes: &[u8]) -> Result<Vec<TupleKey>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines
        .map(|(index, line)| {
            let entry: Entry = serde_json::from_str(line).map_err(|e| {
                let what = match e.is_data() {
                    true => format!("{}; {EXAMPLE}", mistake(serde_json::from_str(line))),
                    false => words::plain(&e.to_string()),
                };
                format!("line {}: {what}", index.saturating_add(1))
            })?;
            checked(key(entry)).map_err(|e| format!("line {}: {e}", index.saturating_add(1)))
        })
        .collect()
}

/// A tuple as it should be.
const EXAMPLE: &str = r#"a tuple is such as {"user": "user:ana", "relation": "viewer", "object": "folder:hr"}"#;

/// What is wrong with the first tuple that is none.
fn mistake(value: Result<Value, serde_json::Error>) -> String {
    let Ok(value) = value else { return String::new() };
    let list = value.get("tuples").cloned().unwrap_or(value);
    let items = if let Value::Array(items) = list { items } else { vec![list] };
    let wrong = items.into_iter().enumerate().find_map(|(index, item)| {
        let tuple = item.get("key").cloned().unwrap_or(item);
        serde_json::from_value::<TupleKey>(tuple).err().map(|e| (index, words::plain(&e.to_string())))
    });
    wrong.map_or_else(|| "no tuple".to_owned(), |(index, what)| format!("tuple {}: {what}", index.saturating_add(1)))
}

fn key(entry: Entry) -> TupleKey {
    let (Entry::Read { key } | Entry::Plain(key)) = entry;
    key
}

/// Checks form and size, so that one bad tuple is named instead of a whole transaction refused.
fn checked(t: TupleKey) -> Result<TupleKey, String> {
    // A path has whatever characters its file has.
    let is_name = |kind: &str| READER_TYPES.contains(&kind) || matches!(kind, "group" | "clause" | "classification");
    let is_unseen = |text: &str| match text.split_once(':') {
        Some((kind, id)) => principal::clear(kind).is_err() || is_name(kind) && principal::clear(id).is_err(),
        None => principal::clear(text).is_err(),
    };
    let odd =
        |text: &str| text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) || is_unseen(text);
    let shown = format!("{} {} {}", t.user, t.relation, t.object).escape_debug().to_string();
    let id = |text: &str| text.split_once(':').is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty());
    if odd(&t.user) || odd(&t.relation) || odd(&t.object) || !id(&t.user) || !id(&t.object) {
        return Err(format!(
            "`{shown}` is no tuple: <type>:<id> <relation> <type>:<id>, without spaces and unseen characters (in a name \
             they are written as escapes, such as %20)"
        ));
    }
    if t.object.contains('#') || t.relation.contains([':', '#', '@']) || t.object.ends_with(":*") {
        return Err(format!("`{shown}`: an object is <type>:<id>, a relation a plain word"));
    }
    if t.user.len() > MAX_SUBJECT || t.object.len() > MAX_OBJECT {
        return Err(format!("`{shown}`: users have at most {MAX_SUBJECT} bytes, objects {MAX_OBJECT}"));
    }
    Ok(t)
}

#[cfg(test)]
mod tests {
    use usher_base::invisible;

    use super::*;

    fn users(tuples: Vec<TupleKey>) -> Vec<String> {
        tuples.into_iter().map(|t| t.user).collect()
    }

    #[test]
    fn all_shapes_of_openfga_are_read() {
        let head = "user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\n";
        let rows = csv(format!(
            "{head}user,ana,,viewer,folder,x,during,\"{{\"\"end\"\":\"\"t\"\"}}\"\ngroup,hr,member,viewer,folder,y,,\n"
        )
        .as_bytes())
        .unwrap();
        assert_eq!(rows[0].condition.as_ref().unwrap().context, Some(serde_json::json!({"end": "t"})));
        assert_eq!(users(rows), ["user:ana", "group:hr#member"]);
        let short = "user_type,user_id,relation,object_type,object_id\nuser,bo,viewer,folder,x\n";
        assert_eq!(users(csv(short.as_bytes()).unwrap()), ["user:bo"]);
        let one = r#"{"user":"user:a","relation":"r","object":"folder:x"}"#;
        assert_eq!(users(json(format!("[{one}]").as_bytes()).unwrap()), ["user:a"]);
        assert_eq!(
            users(json(format!("{{\"tuples\":[{{\"key\":{one},\"timestamp\":\"t\"}}]}}").as_bytes()).unwrap()),
            ["user:a"]
        );
        assert_eq!(users(jsonl(format!("{one}\n\n{one}\n").as_bytes()).unwrap()), ["user:a", "user:a"]);
    }

    #[test]
    fn bad_tuples_are_named() {
        let bad = |user: &str, relation: &str, object: &str| {
            let t = TupleKey { user: user.into(), relation: relation.into(), object: object.into(), condition: None };
            checked(t).unwrap_err()
        };
        assert!(bad("ana", "viewer", "folder:x").contains("`ana"));
        assert!(bad("user:a b", "viewer", "folder:x").contains("spaces"));
        for user in ["user:a\u{a0}", "user:\u{200b}a", "us\u{ad}er:a", "group:g\u{2060}#member", "user:a\u{7}"] {
            let said = bad(user, "blocked", "folder:x");
            assert!(said.contains("unseen") && !said.contains(|c: char| invisible::is_invisible(c)), "{said}");
        }
        assert!(bad("user:a", "viewer", "group:\u{200b}g").contains("unseen"));
        let of_path = TupleKey {
            user: "user:a".into(),
            relation: "viewer".into(),
            object: "folder:s/a\u{200b}b".into(),
            condition: None,
        };
        assert!(checked(of_path).is_ok(), "the path is so");
        let unseen = "{\"user\":\"user:a\",\"relation\":\"r\",\"object\":\"f:x\"}";
        let unseen = format!("{unseen}\n{}", unseen.replace("user:a", "user: a"));
        assert!(jsonl(unseen.as_bytes()).unwrap_err().starts_with("line 2: "));
        assert!(bad("user:a", "viewer", "folder:").contains("no tuple"));
        assert!(bad("user:a", "viewer", "folder:x#y").contains("object"));
        assert!(bad("user:a", "viewer", "folder:*").contains("object"));
        assert!(bad("user:a", "viewer", &format!("folder:{}", "x".repeat(300))).contains("256"));
        let context = "user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context\nuser,a,,r,f,x,,{}\n";
        assert!(csv(context.as_bytes()).unwrap_err().contains("line 2"));
        let twice = "user_type,user_id,relation,object_type,object_id\nuser,user:a,viewer,folder,x\n";
        assert!(csv(twice.as_bytes()).unwrap_err().contains("line 2: `user:a` names its type again: write `a`"));
        assert!(jsonl(b"{}").unwrap_err().contains("line 1"));
    }
}
