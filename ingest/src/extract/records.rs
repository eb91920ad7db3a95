//! Files of records: tables in CSV, lists of objects in JSON, one object per line in JSONL. A record becomes lines of names
//! and values, under its title where it has one; escapes become the characters that they stand for.

use serde_json::Value;

use super::rows::Rows;
use super::{Builder, ExtractError};

pub mod each;
pub mod shape;

/// Records of one file.
const MAX_RECORDS: usize = 500_000;
/// Cells of one row.
const MAX_CELLS: usize = 16_384;
/// Names of fields that say what a record is called.
const TITLES: [&str; 5] = ["title", "subject", "headline", "name", "question"];
/// Characters of the names above a field.
const MAX_NAME: usize = 200;
/// Longer than this without a blank it is no word, but data.
const MAX_WORD: usize = 1_000;

/// A list of objects; anything else stays as it is written, but for its escapes.
pub fn json(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let stays = |builder: &mut Builder| builder.block(text);
    // Spans of restricted parts count in the text as it is written.
    if builder.has_parts {
        return stays(builder);
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        builder.warn("not valid JSON, taken as it is");
        return stays(builder);
    };
    match value {
        Value::Array(records) if !records.is_empty() && records.iter().all(Value::is_object) => {
            records.iter().enumerate().try_for_each(|(number, record)| one(number, record, builder))
        }
        value if text.contains("\\u") || text.contains("\\/") || text.len() > MAX_WORD => {
            let value = without_data(value, builder);
            let text = serde_json::to_string_pretty(&value).unwrap_or_default();
            builder.block(&text)
        }
        _ => stays(builder),
    }
}

/// One object per line; a line that is none stays as it is.
pub fn json_lines(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    if builder.has_parts {
        return builder.block(text);
    }
    let mut broken = 0u64;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Value>(line) {
            Ok(record) => one(number, &record, builder)?,
            Err(_) => {
                broken = broken.saturating_add(1);
                builder.block(line)?;
            }
        }
    }
    if broken > 0 {
        builder.warn(format!("{broken} lines are not valid JSON and taken as they are"));
    }
    Ok(())
}

fn one(number: usize, record: &Value, builder: &mut Builder) -> Result<(), ExtractError> {
    if number >= MAX_RECORDS {
        return Err(ExtractError::Limit(format!("more than {MAX_RECORDS} records")));
    }
    let title = titled(record);
    // A heading for each of very many records divides nothing any more.
    let title = title.filter(|_| number < MAX_TITLES);
    if let Some((_, title)) = title {
        builder.heading(2, title)?;
    }
    let mut lines = Vec::new();
    let named = title.map(|(key, _)| key);
    flat("", record, named, &mut lines, builder);
    builder.block(&lines.join("\n"))
}

/// The field that says what a record is called, and its value.
fn titled(record: &Value) -> Option<(&str, &str)> {
    TITLES.iter().find_map(|name| {
        let found = record.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some((found.0.as_str(), found.1.as_str().filter(|title| !title.trim().is_empty())?))
    })
}

/// Headings of records.
const MAX_TITLES: usize = 10_000;

/// Lines of `name: value`; what lies deeper has the names above before its own.
fn flat(name: &str, value: &Value, title: Option<&str>, lines: &mut Vec<String>, builder: &mut Builder) {
    let gap = if name.is_empty() { "" } else { ": " };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| !(name.is_empty() && title == Some(key.as_str()))) {
                let dot = if name.is_empty() { "" } else { "." };
                // Long names in each other would be written again for every value.
                let above: String = name.chars().take(MAX_NAME).collect();
                flat(&format!("{above}{dot}{key}"), value, None, lines, builder);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = items.iter().filter_map(|item| scalar(item, builder)).collect();
            lines.extend((!items.is_empty()).then(|| format!("{name}{gap}{}", items.join(", "))));
        }
        Value::Array(items) => items.iter().for_each(|item| flat(name, item, None, lines, builder)),
        scalar_value => lines.extend(scalar(scalar_value, builder).map(|text| format!("{name}{gap}{text}"))),
    }
}

fn scalar(value: &Value, builder: &mut Builder) -> Option<String> {
    match value {
        Value::String(text) if is_data(text) => {
            builder.count("encoded data", 1);
            None
        }
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn is_data(text: &str) -> bool {
    text.len() > MAX_WORD
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
}

fn without_data(value: Value, builder: &mut Builder) -> Value {
    match value {
        Value::String(text) if is_data(&text) => {
            builder.count("encoded data", 1);
            Value::String(String::new())
        }
        Value::Array(items) => items.into_iter().map(|item| without_data(item, builder)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, without_data(value, builder))).collect())
        }
        other => other,
    }
}

/// A table whose first row names the columns. What is no table stays as it is.
pub fn csv(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let delimiter = delimiter(text).filter(|_| !builder.has_parts);
    let Some(delimiter) = delimiter else { return builder.block(text) };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let (mut rows, mut table) = (0usize, Rows::default());
    // From a string of characters nothing but strings of characters comes.
    while reader.read_record(&mut record).map_err(|e| ExtractError::Broken(format!("no table: {e}")))? {
        rows = rows.saturating_add(1);
        if rows > MAX_RECORDS || record.len() > MAX_CELLS {
            return Err(ExtractError::Limit(format!("more than {MAX_RECORDS} rows or {MAX_CELLS} cells in a row")));
        }
        table.below_first(&line(record.iter()), builder)?;
    }
    table.end(builder);
    Ok(())
}

/// A row as it is written; empty where all of its cells are.
pub fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    if cells.iter().all(String::is_empty) { String::new() } else { cells.join(" | ") }
}

/// What stands between the cells: the sign by which the first rows have equally many.
fn delimiter(text: &str) -> Option<u8> {
    let mut end = text.len().min(64 * 1024);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let head = text.get(..end).unwrap_or_default();
    let of = |sign: u8| {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(sign).flexible(true).has_headers(false).from_reader(head.as_bytes());
        let widths: Vec<usize> = reader.records().take(8).filter_map(|r| Some(r.ok()?.len())).collect();
        let wanted = widths.first().copied()?;
        let alike = widths.iter().filter(|width| **width == wanted).count();
        (wanted > 1 && alike.saturating_mul(2) > widths.len()).then_some((alike, wanted, sign))
    };
    let (_, _, sign) = [b',', b';', b'\t', b'|'].into_iter().filter_map(of).max()?;
    Some(sign)
}
