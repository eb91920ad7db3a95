//! Markdown stays as it is, but for front matter (which becomes metadata) and what no reader would see.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde_json::Value;
use usher::wire::Fields;

use super::{Builder, ExtractError};

const MAX_FRONT_MATTER: usize = 64 * 1024;
const MAX_FIELDS: usize = 64;

pub fn read(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let text = builder.canonical(text);
    let body = front_matter(&text, builder);
    let visible = without_hidden(body, builder);
    // Nothing stands before this block, so offsets within it are offsets of the document.
    let lead = visible.len().saturating_sub(visible.trim_start_matches('\n').len());
    let headings = headings(&visible);
    builder.block(&visible)?;
    for (start, level, text) in headings {
        builder.mark(start.saturating_sub(lead), level, &text);
    }
    Ok(())
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH
}

/// Start, level and text of each heading.
fn headings(text: &str) -> Vec<(usize, u8, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, u8, String)> = None;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => open = Some((range.start, depth(level), String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, level, title)) = open.take() {
                    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
                    if !title.is_empty() {
                        found.push((start, level, title));
                    }
                }
            }
            Event::Text(t) | Event::Code(t) => {
                if let Some((_, _, title)) = &mut open {
                    title.push_str(&t);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some((_, _, title)) = &mut open {
                    title.push(' ');
                }
            }
            _ => {}
        }
    }
    found
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Drops comments, scripts and styles written as HTML; code blocks that show such markup stay.
fn without_hidden(text: &str, builder: &mut Builder) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    let mut hidden: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
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

/// Takes `---` … `---` off the top into title and metadata. What can't be read as plain YAML stays text.
fn front_matter<'t>(text: &'t str, builder: &mut Builder) -> &'t str {
    let Some(rest) = text.strip_prefix("---\n") else { return text };
    let end = match rest.find("\n---\n") {
        Some(end) => end,
        None if rest.ends_with("\n---") => rest.len().saturating_sub(4),
        None => return text,
    };
    if end > MAX_FRONT_MATTER {
        return text;
    }
    let yaml = rest.get(..end).unwrap_or_default();
    match crate::acl::yaml::parse::<Fields>(yaml.as_bytes()) {
        Ok(fields) => keep(fields, builder),
        Err(e) => {
            builder.warn(format!("front matter left in the text: {e}"));
            return text;
        }
    }
    rest.get(end.saturating_add(4)..).unwrap_or_default()
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
