//! Markdown stays as it is, but for front matter (which becomes metadata) and what no reader would see.

use serde_json::Value;
use usher_base::outline;
use usher_base::wire::Fields;

use super::{Builder, ExtractError};

mod hidden;

const MAX_FIELDS: usize = 64;

pub fn read(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let text = builder.canonical(text);
    let body = front_matter(&text, builder);
    let visible = hidden::without(body, builder);
    builder.block(&visible)
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
