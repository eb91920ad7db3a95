//! Markdown stays as it is, but for front matter (which becomes title and metadata) and what no reader would see.
//!
//! SECURITY: a restricted part ends where the file says. Nothing that is done to its text may make a heading of what is none
//! there.

use serde_json::Value;
use usher_base::outline::{self, Notation};
use usher_base::wire::Fields;

use super::builder::{cleaned, with_line_feeds};
use super::{Builder, ExtractError};

mod hidden;
mod tables;
mod written;

pub use tables::places as tables;

const MAX_FIELDS: usize = 64;

pub fn read(text: &str, has_parts: bool, builder: &mut Builder) -> Result<(), ExtractError> {
    let raw = with_line_feeds(text);
    builder.count_unseen(&raw);
    let text = canonical(&raw, has_parts)?;
    let body = front_matter(&text, builder);
    // In a file with restricted parts every definition stays, and is looked at.
    let body_seen = if has_parts { body.to_owned() } else { hidden::without_remarks(body, builder) };
    let visible = hidden::without(&body_seen, builder);
    let visible = visible.trim_matches('\n');
    // What stands at the top now stood in the midst of the text.
    let is_moved_up = outline::front_matter(visible).is_some() && outline::front_matter(body).is_none();
    let visible = format!("{}{visible}", if is_moved_up { "<!---->\n\n" } else { "" });
    let visible = canonical(&visible, has_parts)?;
    let written = written::out(&visible, has_parts);
    // SECURITY: the same headings, or none of it.
    let written = if has_parts && !has_same_headings(&visible, &written) { visible } else { cleaned(&written) };
    let whole = if has_parts { written } else { tables::divided(&written) };
    builder.push(&whole).map(drop)
}

fn has_same_headings(one: &str, other: &str) -> bool {
    let of = |text: &str| {
        let found = outline::headings(text).unwrap_or_default();
        found.into_iter().map(|it| (it.level, outline::normal(&it.text))).collect::<Vec<_>>()
    };
    one == other || of(one) == of(other)
}

/// A text of Markdown within another file, as a reader sees it.
pub fn cell(text: &str, builder: &mut Builder) -> Result<String, ExtractError> {
    let raw = with_line_feeds(text);
    builder.count_unseen(&raw);
    let text = canonical(&raw, builder.has_parts)?;
    let visible = hidden::without(&text, builder);
    canonical(visible.trim_matches('\n'), builder.has_parts)
}

/// Of a file with restricted parts only if its structure stays what it is.
fn canonical(text: &str, has_parts: bool) -> Result<String, ExtractError> {
    match has_parts {
        true => outline::cleaned_alike(text, cleaned).map_err(|mistake| ExtractError::Broken(mistake.to_string())),
        false => Ok(cleaned(text)),
    }
}

/// Takes front matter off the top into title and metadata. What can't be read as plain data stays text.
fn front_matter<'t>(text: &'t str, builder: &mut Builder) -> &'t str {
    let Some(matter) = outline::front_matter(text) else { return text };
    let fields = match matter.notation {
        Notation::Yaml => crate::acl::yaml::parse::<Fields>(matter.source.as_bytes()).map_err(|e| e.to_string()),
        Notation::Toml => of_toml(matter.source),
        Notation::Json => serde_json::from_str(matter.source).map_err(|e| e.to_string()),
    };
    match fields {
        Ok(fields) => keep(fields, builder),
        Err(e) => {
            builder.warn(format!("front matter left in the text: {e}"));
            return text;
        }
    }
    text.get(matter.body..).unwrap_or_default()
}

/// Times become text, as they are written.
fn of_toml(source: &str) -> Result<Fields, String> {
    fn value(of: toml::Value) -> Value {
        match of {
            toml::Value::String(text) => text.into(),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) => number.into(),
            toml::Value::Boolean(flag) => flag.into(),
            toml::Value::Datetime(time) => time.to_string().into(),
            toml::Value::Array(items) => items.into_iter().map(value).collect(),
            // Left out as it is.
            toml::Value::Table(_) => Value::Object(serde_json::Map::new()),
        }
    }
    let table: toml::Table = source.parse().map_err(|e: toml::de::Error| e.message().to_owned())?;
    Ok(table.into_iter().map(|(key, of)| (key, value(of))).collect())
}

/// Scalars and lists of scalars can be filtered on; deeper structure is left out.
fn keep(fields: Fields, builder: &mut Builder) {
    for (key, value) in fields.into_iter().take(MAX_FIELDS) {
        let scalar = |v: &Value| !matches!(v, Value::Array(_) | Value::Object(_) | Value::Null);
        let fine = match &value {
            Value::Array(items) => items.iter().all(scalar),
            other => scalar(other),
        };
        match (key.as_str(), &value) {
            ("title", Value::String(title)) => builder.title = Some(title.clone()),
            ("title", Value::Number(number)) => builder.title = Some(number.to_string()),
            _ if fine && key.len() <= 64 => {
                builder.metadata.insert(key, value);
            }
            _ => builder.count("front matter fields", 1),
        }
    }
}
