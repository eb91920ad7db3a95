//! Tables as text: lines of values with a separator. Stays as it is; a long one repeats its first line, the names of the
//! columns, so that each chunk holds it.

use super::builder::{MAX_GROUP, MAX_REPEATED};
use super::{Builder, ExtractError};

pub fn read(text: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let text = builder.canonical(text);
    let mut records = records(&text).into_iter();
    let head = records.next().unwrap_or_default();
    let length = head.chars().count();
    if length > MAX_REPEATED || text.chars().count() <= MAX_GROUP || !head.contains([',', ';', '\t', '|']) {
        return builder.push(&text).map(drop);
    }
    let mut group = head.to_owned();
    let mut size = length;
    for record in records {
        let more = record.chars().count().saturating_add(1);
        if size.saturating_add(more) > MAX_GROUP && size > length {
            push(&group, builder)?;
            head.clone_into(&mut group);
            size = length;
        }
        group.push('\n');
        group.push_str(record);
        size = size.saturating_add(more);
    }
    push(&group, builder)
}

fn push(group: &str, builder: &mut Builder) -> Result<(), ExtractError> {
    let start = builder.push(group)?;
    let end = builder.length();
    builder.unit(start, end);
    Ok(())
}

/// Lines, of which some go on within quotes.
fn records(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\n' if !is_quoted || at.saturating_sub(start) > MAX_GROUP => {
                found.push(text.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
                is_quoted = false;
            }
            _ => {}
        }
    }
    found.push(text.get(start..).unwrap_or_default());
    found.retain(|record| !record.trim().is_empty());
    found
}
