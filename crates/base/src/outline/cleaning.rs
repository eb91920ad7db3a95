//! Whether Markdown keeps its structure when it is cleaned.
//!
//! Restricted parts end where the text says that was written. A character that is left out, or becomes another one, can
//! make a heading or a note of what was none, and take one away.

use super::definitions::{DefinitionMistake, Key, calls, definitions};
use super::{TooManyHeadings, front_matter, headings, normal};

/// Why a text with restricted parts can't be cleaned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CleaningMistake {
    #[error(
        "line {line} holds {character}, which is left out of texts or becomes another character; headings or notes would \
         be others then, and restricted sections would end elsewhere: remove it"
    )]
    Otherwise { line: usize, character: String },
    #[error(transparent)]
    Headings(#[from] TooManyHeadings),
    #[error(transparent)]
    Definitions(#[from] DefinitionMistake),
}

/// What says where parts begin and end, and what they call from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    start: usize,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Heading(u8, String),
    Definition(Key),
    Call(Key),
}

/// The text as `clean` makes it, if its headings, notes and links stay what they are and where they are. `clean` has to
/// make of each line the same alone as within the text.
///
/// # Errors
/// The first character because of which they don't, or that there are too many of them.
pub fn cleaned_alike(markdown: &str, clean: impl Fn(&str) -> String) -> Result<String, CleaningMistake> {
    let cleaned = clean(markdown);
    if cleaned == markdown || crate::faults::mutants::active("structure_of_the_cleaned_text") {
        return Ok(cleaned);
    }
    let marks = marks(markdown)?;
    // Whether they stay where the text is cleaned as far as `end`.
    let stay = |end: usize| {
        let (before, after) = markdown.split_at_checked(end).unwrap_or((markdown, ""));
        let now = self::marks(&format!("{}{after}", clean(before)))?;
        Ok::<_, CleaningMistake>(now == moved(&marks, before, &clean))
    };
    if stay(markdown.len())? {
        return Ok(cleaned);
    }
    let (mut good, mut bad) = (0, markdown.len());
    while let Some(middle) = between(markdown, good, bad) {
        match stay(middle) {
            Ok(true) => good = middle,
            Ok(false) | Err(_) => bad = middle,
        }
    }
    let line = markdown.get(..good).unwrap_or_default().matches('\n').count().saturating_add(1);
    let found = markdown.get(good..).and_then(|rest| rest.chars().next()).unwrap_or_default();
    Err(CleaningMistake::Otherwise { line, character: format!("U+{:04X}", u32::from(found)) })
}

fn marks(markdown: &str) -> Result<Vec<Mark>, CleaningMistake> {
    let start = front_matter(markdown).map_or(0, |matter| matter.body);
    let body = markdown.get(start..).unwrap_or_default();
    let mark = |kind: Kind, start: usize| Mark { start, kind };
    let headings = headings(markdown)?;
    let headings = headings.into_iter().map(|it| mark(Kind::Heading(it.level, normal(&it.text)), it.start));
    let definitions = definitions(body, start)?;
    let definitions = definitions.into_iter().map(|(key, it)| mark(Kind::Definition(key), it.start));
    let calls = calls(body, start).map(|(key, at)| mark(Kind::Call(key), at));
    let mut found: Vec<Mark> = headings.chain(definitions).chain(calls).collect();
    found.sort();
    Ok(found)
}

/// The marks where they lie once what is `before` them, the beginning of the text, is cleaned.
fn moved(marks: &[Mark], before: &str, clean: impl Fn(&str) -> String) -> Vec<Mark> {
    let (mut from, mut to) = (0, 0_usize);
    let mut place = |start: usize| {
        let end = start.min(before.len());
        to = to.saturating_add(clean(before.get(from..end).unwrap_or_default()).len());
        from = end;
        to.saturating_add(start.saturating_sub(end))
    };
    marks.iter().map(|mark| Mark { start: place(mark.start), ..mark.clone() }).collect()
}

/// A border of characters that lies between two others.
fn between(text: &str, low: usize, high: usize) -> Option<usize> {
    let middle = low.midpoint(high);
    let below = (low.saturating_add(1)..=middle).rev().find(|at| text.is_char_boundary(*at));
    below.or_else(|| (middle.saturating_add(1)..high).find(|at| text.is_char_boundary(*at)))
}
