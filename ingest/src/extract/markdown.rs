//! Markdown stays as it is, but for front matter (which becomes metadata) and what no reader would see.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag};
use serde_json::Value;
use usher_base::outline;
use usher_base::wire::Fields;

use super::{Builder, ExtractError};

const MAX_FIELDS: usize = 64;

pub fn read(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let text = builder.canonical(text);
    let body = front_matter(&text, builder);
    let visible = without_hidden(body, builder);
    builder.block(&visible)
}

/// Drops comments, scripts and styles written as HTML; code blocks that show such markup stay.
fn without_hidden(text: &str, builder: &mut Builder) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    let mut hidden: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(text, outline::options()).into_offset_iter() {
        if matches!(event, Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_)) {
            let Some(html) = text.get(range.clone()) else { continue };
            for (what, open, close) in
                [("comments", "<!--", "-->"), ("scripts", "<script", "</script>"), ("styles", "<style", "</style>")]
            {
                for part in between(html, open, close) {
                    builder.count(what, 1);
                    let start = range.start.saturating_add(part.start);
                    hidden.push(start..range.start.saturating_add(part.end));
                }
            }
        }
    }
    hidden.sort_by_key(|r| r.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in hidden {
        if range.start >= at {
            out.push_str(text.get(at..range.start).unwrap_or_default());
        }
        at = at.max(range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Parts from `open` to `close`, both included; one that is never closed runs to the end.
fn between(html: &str, open: &str, close: &str) -> Vec<Range<usize>> {
    let lower = html.to_ascii_lowercase();
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(start) = lower.get(from..).and_then(|t| t.find(open)).map(|i| from.saturating_add(i)) {
        let inside = start.saturating_add(open.len());
        let end = lower.get(inside..).and_then(|t| t.find(close));
        let end = end.map_or(html.len(), |i| inside.saturating_add(i).saturating_add(close.len()));
        parts.push(start..end);
        from = end;
    }
    parts
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
