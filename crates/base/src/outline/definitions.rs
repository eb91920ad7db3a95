//! Definitions that a restricted part calls from elsewhere: notes, and what links lead to.
//!
//! Markdown keeps its text, so they stay where they stand. Where those may read them who may not read the part, they would
//! give away what it says.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag};

use super::{front_matter, normal, options};

/// Notes and link definitions of a text with restricted parts.
const MAX_DEFINITIONS: usize = 20_000;

/// Why the definitions of a text give away what its restricted parts say, or can't be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionMistake {
    #[error(
        "a restricted section calls {label}, which line {line} defines outside of it: move the definition into the section"
    )]
    Elsewhere { label: String, line: usize },
    #[error("a text with restricted sections must have at most {MAX_DEFINITIONS} notes and link definitions")]
    TooMany,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Note,
    Link,
}

/// Labels are the same in any case, and with any blanks.
pub(super) type Key = (Target, String);

pub(super) struct Definition {
    label: String,
    pub(super) start: usize,
    is_called: bool,
    /// By a place that nobody reads who can't read the definition.
    is_called_openly: bool,
}

/// Refuses Markdown in which a definition is called from restricted parts alone, and lies outside one of them.
///
/// # Errors
/// The first such definition, or that there are too many to look at.
pub fn refuse_definitions_elsewhere(markdown: &str, parts: &[Range<usize>]) -> Result<(), DefinitionMistake> {
    if parts.is_empty() || crate::faults::mutants::active("definitions_stay_elsewhere") {
        return Ok(());
    }
    let start = front_matter(markdown).map_or(0, |matter| matter.body);
    let body = markdown.get(start..).unwrap_or_default();
    let mut found = definitions(body, start)?;
    // Whoever reads a place may read all of these.
    let around = |at: usize| parts.iter().enumerate().filter(move |(_, part)| part.contains(&at));
    for (key, at) in calls(body, start) {
        let Some(definition) = found.get_mut(&key) else { continue };
        definition.is_called = true;
        definition.is_called_openly =
            definition.is_called_openly || around(at).all(|(n, _)| around(definition.start).any(|(m, _)| n == m));
    }
    let first = found.into_values().filter(|it| it.is_called && !it.is_called_openly).min_by_key(|it| it.start);
    match first {
        None => Ok(()),
        Some(Definition { label, start, .. }) => {
            let line = markdown.get(..start).unwrap_or_default().matches('\n').count().saturating_add(1);
            Err(DefinitionMistake::Elsewhere { label, line })
        }
    }
}

fn key(target: Target, label: &str) -> Key {
    (target, normal(label).to_lowercase().to_uppercase())
}

/// Where `body`, which begins at `offset` of the text, calls a note or a link's definition.
pub(super) fn calls(body: &str, offset: usize) -> impl Iterator<Item = (Key, usize)> {
    Parser::new_ext(body, options()).into_offset_iter().filter_map(move |(event, range)| {
        let key = match event {
            Event::FootnoteReference(label) => key(Target::Note, &label),
            Event::Start(Tag::Link { link_type, id, .. } | Tag::Image { link_type, id, .. })
                if matches!(link_type, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut) =>
            {
                key(Target::Link, &id)
            }
            _ => return None,
        };
        Some((key, offset.saturating_add(range.start)))
    })
}

/// What `body`, which begins at `offset` of the text, defines; of two definitions of one label the first counts.
pub(super) fn definitions(body: &str, offset: usize) -> Result<BTreeMap<Key, Definition>, DefinitionMistake> {
    let mut found: BTreeMap<Key, Definition> = BTreeMap::new();
    let mut see = |target: Target, label: &str, at: usize| {
        let mark = if target == Target::Note { "^" } else { "" };
        found.entry(key(target, label)).or_insert_with(|| Definition {
            label: format!("`[{mark}{label}]`"),
            start: offset.saturating_add(at),
            is_called: false,
            is_called_openly: false,
        });
        if found.len() > MAX_DEFINITIONS { Err(DefinitionMistake::TooMany) } else { Ok(()) }
    };
    let parser = Parser::new_ext(body, options());
    for (label, definition) in parser.reference_definitions().iter() {
        see(Target::Link, label, definition.span.start)?;
    }
    for (event, range) in parser.into_offset_iter() {
        if let Event::Start(Tag::FootnoteDefinition(label)) = event {
            see(Target::Note, &label, range.start)?;
        }
    }
    Ok(found)
}
