//! Markdown stays as it is, but for front matter (which becomes metadata) and what no reader would see.
//!
//! SECURITY: a restricted part ends where the file says. Nothing that is done to its text may make a heading of what is none
//! there.

use serde_json::Value;
use usher_base::outline;
use usher_base::wire::Fields;

use super::builder::{cleaned, with_line_feeds};
use super::{Builder, ExtractError};

mod hidden;

const MAX_FIELDS: usize = 64;

pub fn read(text: &str, has_parts: bool, builder: &mut Builder) -> Result<(), ExtractError> {
    let raw = with_line_feeds(text);
    builder.count_unseen(&raw);
    let text = canonical(&raw, has_parts)?;
    let body = front_matter(&text, builder);
    let visible = hidden::without(body, builder);
    let visible = visible.trim_matches('\n');
    // What stands at the top now stood in the midst of the text.
    let is_moved_up = outline::front_matter(visible).is_some() && outline::front_matter(body).is_none();
    let visible = format!("{}{visible}", if is_moved_up { "<!---->\n\n" } else { "" });
    builder.push(&canonical(&visible, has_parts)?).map(drop)
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

/// Takes front matter off the top into title and metadata. What can't be read as plain YAML stays text.
fn front_matter<'t>(text: &'t str, builder: &mut Builder) -> &'t str {
    let Some((yaml, body)) = outline::front_matter(text) else { return text };
    match crate::acl::yaml::parse::<Fields>(yaml.as_bytes()) {
        Ok(fields) => keep(fields, builder),
        Err(e) => {
            builder.warn(format!("front matter left in the text: {e}"));
            return text;
        }
    }
    text.get(body..).unwrap_or_default()
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
            _ if fine && key.len() <= 64 => {
                builder.metadata.insert(key, value);
            }
            _ => builder.count("front matter fields", 1),
        }
    }
}
