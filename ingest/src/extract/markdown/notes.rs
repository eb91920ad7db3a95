//! Definitions that a restricted part calls from elsewhere: notes, and what links lead to.
//!
//! Markdown keeps its text, so they stay where they stand. Where those may read them who may not read the part, they would
//! give away what it says, and the file is refused.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag};
use usher_base::outline;
use usher_base::wire::Span;

use super::super::ExtractError;

/// Where a definition stands and where it is called.
#[derive(Default)]
struct Definition {
    /// As one place writes it.
    label: String,
    place: Option<Range<usize>>,
    calls: Vec<usize>,
}

/// Refuses a text in which a definition is called from restricted parts alone, and lies outside one of them.
pub fn refuse_apart(text: &str, sections: &[Vec<Span>]) -> Result<(), ExtractError> {
    let parts: Vec<&Span> = sections.iter().flatten().collect();
    if parts.is_empty() {
        return Ok(());
    }
    // Who may read a place must be in all of these.
    let around = |at: usize| parts.iter().enumerate().filter(move |(_, part)| part.start <= at && at < part.end);
    let is_seen_by_all =
        |definition: usize, call: usize| around(call).all(|(n, _)| around(definition).any(|(m, _)| n == m));
    for definition in definitions(text).into_values() {
        let Some(place) = definition.place else { continue };
        let mut calls = definition.calls.iter();
        if !definition.calls.is_empty() && !calls.any(|call| is_seen_by_all(place.start, *call)) {
            let line = text.get(..place.start).unwrap_or_default().matches('\n').count().saturating_add(1);
            return Err(ExtractError::Broken(format!(
                "a restricted section calls {}, which line {line} defines outside of it: move the definition into the \
                 section",
                definition.label
            )));
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Note,
    Link,
}

/// Labels are the same in any case, and with any blanks.
type Key = (Kind, String);

fn definitions(text: &str) -> BTreeMap<Key, Definition> {
    let mut found: BTreeMap<Key, Definition> = BTreeMap::new();
    let mut see = |kind: Kind, label: &str, place: Option<Range<usize>>, call: Option<usize>| {
        let mark = if kind == Kind::Note { "^" } else { "" };
        let key = (kind, outline::normal(label).to_lowercase().to_uppercase());
        let definition = found.entry(key).or_default();
        definition.label = format!("`[{mark}{label}]`");
        definition.place = definition.place.take().or(place);
        definition.calls.extend(call);
    };
    let parser = Parser::new_ext(text, outline::options());
    for (label, definition) in parser.reference_definitions().iter() {
        see(Kind::Link, label, Some(definition.span.clone()), None);
    }
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::FootnoteDefinition(label)) => see(Kind::Note, &label, Some(range), None),
            Event::FootnoteReference(label) => see(Kind::Note, &label, None, Some(range.start)),
            Event::Start(Tag::Link { link_type, id, .. } | Tag::Image { link_type, id, .. })
                if matches!(link_type, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut) =>
            {
                see(Kind::Link, &id, None, Some(range.start));
            }
            _ => {}
        }
    }
    found
}
