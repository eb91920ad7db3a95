//! YAML that people write as rules: plain data only, bounded, with the line in every error.
//!
//! Anchors, aliases and tags are refused before anything is built: they can hide what a reviewer does not see, and make
//! small files large.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::granit_parser::{Event, Parser};

use crate::words;

/// Rule files are written by people; one of this size is a mistake.
pub const MAX_BYTES: usize = 256 * 1024;
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("line {line}: not UTF-8")]
    Encoding { line: usize },
    #[error("line {line}: NUL characters, as in a file that was not written to its end; write it again")]
    Nul { line: usize },
    #[error("line {line}: {what} are not allowed in rule files; write the value out")]
    Forbidden { line: usize, what: &'static str },
    #[error(
        "line {line}: a second document begins here; a rule file holds one: remove the line `---`, or what is not meant"
    )]
    Second { line: usize },
    #[error("line {line}: {message}")]
    Syntax { line: u64, message: String },
    #[error("line {line}: `{key}` is a list: {hint}")]
    NotAList { line: usize, key: String, hint: String },
    #[error("{0}")]
    Other(String),
}

/// Reads a value of type `T`; an empty file is an empty mapping.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, YamlError> {
    if bytes.len() > MAX_BYTES {
        return Err(YamlError::TooLarge);
    }
    let line_at = |at: usize| bytes.iter().take(at).filter(|b| **b == b'\n').count().saturating_add(1);
    let text = std::str::from_utf8(bytes).map_err(|e| YamlError::Encoding { line: line_at(e.valid_up_to()) })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err(YamlError::Nul { line: line_at(at) });
    }
    let empty = plain_data_only(text)?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_depth: MAX_DEPTH, max_documents: 1, max_anchors: 0, max_aliases: 0 },
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    };
    let text = if empty { "{}" } else { text };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let message = match e.without_snippet() {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key `{key}` is there a second time: write both into one")
            }
            serde_saphyr::Error::DuplicateMappingKey { .. } => "a key is there a second time".to_owned(),
            e => words::plain(&e.to_string()),
        };
        match e.location() {
            Some(at) => YamlError::Syntax { line: at.line(), message },
            None => YamlError::Other(message),
        }
    })
}

/// [`parse`] where the values of some keys are lists: one value in the place of a list is told how it is written.
pub fn parse_with_lists<T: DeserializeOwned>(bytes: &[u8], lists: &[&str]) -> Result<T, YamlError> {
    let value: Value = parse(bytes)?;
    if let Some((key, hint)) = not_a_list(&value, lists) {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().position(|l| l.contains(&format!("{key}:"))).map_or(1, |i| i.saturating_add(1));
        return Err(YamlError::NotAList { line, key, hint });
    }
    parse(bytes)
}

/// The first key whose value is no list, with a hint. A stored context of a condition is its own business.
fn not_a_list(value: &Value, lists: &[&str]) -> Option<(String, String)> {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) => return items.iter().find_map(|item| not_a_list(item, lists)),
        _ => return None,
    };
    fields.iter().filter(|(key, _)| *key != "context").find_map(|(key, value)| match value {
        Value::Array(_) | Value::Null => not_a_list(value, lists),
        _ if !lists.contains(&key.as_str()) => not_a_list(value, lists),
        Value::String(text) => {
            let items: Vec<String> = text.split(',').map(|item| format!("\"{}\"", item.trim())).collect();
            Some((key.clone(), format!("write `{key}: [{}]`", items.join(", "))))
        }
        _ => Some((key.clone(), "begin each entry with `- ` on a line of its own".to_owned())),
    })
}

/// Refuses anchors, aliases and tags; tells whether the file holds no node at all.
fn plain_data_only(text: &str) -> Result<bool, YamlError> {
    let mut empty = true;
    let mut documents = 0usize;
    for (count, event) in Parser::new_from_str(text).enumerate() {
        // Errors of syntax are reported by the reader proper.
        let Ok((event, span)) = event else { return Ok(false) };
        if count > MAX_NODES.saturating_mul(2) {
            return Err(YamlError::TooLarge);
        }
        let line = span.start.line();
        let (anchor, tag) = match &event {
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                return Err(YamlError::Forbidden { line, what: "aliases" });
            }
            Event::DocumentStart(..) if documents > 0 => return Err(YamlError::Second { line }),
            Event::DocumentStart(..) => {
                documents = documents.saturating_add(1);
                continue;
            }
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(_, anchor, tag) | Event::MappingStart(_, anchor, tag) => (*anchor, tag.is_some()),
            _ => continue,
        };
        empty = false;
        if anchor != 0 {
            return Err(YamlError::Forbidden { line, what: "anchors" });
        }
        if tag {
            return Err(YamlError::Forbidden { line, what: "tags" });
        }
    }
    Ok(empty)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, Value>, YamlError> {
        parse(text.as_bytes())
    }

    #[test]
    fn plain_data_is_read_and_empty_files_are_empty_mappings() {
        assert_eq!(read("a: [1, x]\nb: {c: true}").unwrap().len(), 2);
        assert!(read("").unwrap().is_empty());
        assert!(read("# only a comment\n").unwrap().is_empty());
    }

    #[test]
    fn one_value_in_the_place_of_a_list_is_told_how_it_is_written() {
        let wrong = |text: &str| {
            let read = parse_with_lists::<BTreeMap<String, Value>>(text.as_bytes(), &["viewers", "sections"]);
            read.unwrap_err().to_string()
        };
        assert_eq!(wrong("\nviewers: user:a"), "line 2: `viewers` is a list: write `viewers: [\"user:a\"]`");
        assert!(wrong("viewers: user:a, group:b#member").contains("[\"user:a\", \"group:b#member\"]"));
        assert!(wrong("sections:\n  heading: A").contains("begin each entry"));
        assert!(wrong("sections:\n- acl:\n    viewers: x").starts_with("line 3: `viewers`"));
        let fine = b"viewers: [{condition: {context: {viewers: x}}}]\nother: x";
        assert!(parse_with_lists::<BTreeMap<String, Value>>(fine, &["viewers"]).is_ok());
    }

    #[test]
    fn anchors_aliases_tags_duplicates_and_bombs_are_refused_with_a_line() {
        for (text, line) in [("a: 1\nb: &x 2", 2), ("a: &x [1]\nb: *x", 1), ("a: !!str 1", 1), ("\na: !secret 1", 2)] {
            match read(text) {
                Err(YamlError::Forbidden { line: at, .. }) => assert_eq!(at, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let twice = read("a: 1\na: 2").unwrap_err().to_string();
        assert_eq!(twice, "line 2: the key `a` is there a second time: write both into one");
        assert_eq!(parse::<Value>(b"a: 1\nb: \xff").unwrap_err().to_string(), "line 2: not UTF-8");
        let said = read("a: 1\nb: c: d").unwrap_err().to_string();
        assert_eq!(said.matches("line").count(), 1, "{said}");
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(matches!(parse::<Value>(&vec![b' '; MAX_BYTES + 1]), Err(YamlError::TooLarge)));
        for (text, line) in [("a: 1\n---\nb: 2", 2), ("---\na: 1\n---\n", 3), ("# x\n---\n---\na: 1", 3)] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line}: a second document")), "{text}: {error}");
        }
    }
}
