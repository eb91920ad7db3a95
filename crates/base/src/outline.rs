//! How a text is divided: by its headings, as one parser of Markdown reads them, and by the borders of restricted parts.
//!
//! The service and the ingester use the same rules, so that a section ends for both where it ends for a reader of the
//! text. Whoever may not read a restricted part must not learn anything about it from the rest either. So each restricted
//! part is read as if it stood alone, and the rest as if the restricted parts were not there: neither the headings nor the
//! pieces of the rest depend on what stands in them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::invisible;

mod cleaning;
mod definitions;
mod matter;

pub use cleaning::{CleaningMistake, cleaned_alike};
pub use definitions::{DefinitionMistake, refuse_definitions_elsewhere};
pub use matter::{FrontMatter, MAX_FRONT_MATTER, Notation, front_matter};

/// Characters of a heading in a path.
const MAX_HEADING: usize = 500;
/// Headings of one text. Each begins a piece of its own, with a path of headings.
pub const MAX_HEADINGS: usize = 20_000;
/// Stands for each restricted part while the rest is read: no block goes on across it by accident.
const GAP: &str = "\n\n";

/// A heading that divides the text: one that lies in no quotation, list or footnote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    pub start: usize,
    /// 1 to 6.
    pub level: u8,
    pub text: String,
}

/// Text between two borders, with the headings that it lies under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub start: usize,
    pub end: usize,
    /// Shared with the other pieces below the same headings.
    pub path: Vec<Arc<str>>,
    /// Level of the heading that it begins with.
    pub level: Option<u8>,
}

/// What the parser knows besides CommonMark.
pub fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH
}

/// The text has more than [`MAX_HEADINGS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {MAX_HEADINGS} headings")]
pub struct TooManyHeadings;

/// Headings of Markdown, in order. Front matter holds none.
///
/// # Errors
/// Where there are too many; reading ends there.
pub fn headings(markdown: &str) -> Result<Vec<Heading>, TooManyHeadings> {
    let body = front_matter(markdown).map_or(0, |matter| matter.body);
    let line_of = |at: usize| {
        let before = markdown.get(..at).unwrap_or_default();
        let indent = before.len().saturating_sub(before.trim_end_matches([' ', '\t']).len());
        let line = at.saturating_sub(indent);
        // What stands before a heading on its line, but for blanks, is no part of it.
        if line == 0 || before.get(..line).is_some_and(|above| above.ends_with('\n')) { line } else { at }
    };
    let mut found = Vec::new();
    let mut open: Option<Heading> = None;
    // Blocks that hold others.
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(markdown.get(body..).unwrap_or_default(), options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let start = line_of(body.saturating_add(range.start));
                open = Some(Heading { start, level: number(level), text: String::new() });
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(heading) = open.take().filter(|_| divides(depth)) {
                    let text = heading.text.split_whitespace().collect::<Vec<_>>().join(" ");
                    // An empty one names nothing, and so ends nothing.
                    found.extend(Some(Heading { text, ..heading }).filter(|heading| !normal(&heading.text).is_empty()));
                    if found.len() > MAX_HEADINGS {
                        return Err(TooManyHeadings);
                    }
                }
            }
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_)) => {
                depth = depth.saturating_add(1);
            }
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition) => {
                depth = depth.saturating_sub(1);
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut open {
                    heading.text.push_str(&part);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut open {
                    heading.text.push(' ');
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Whether it can be doubted that a part under a heading ends where Markdown says: it began with `#` and ends at a line
/// that only a row of `-` or `=` below it makes a heading. Who writes such a row often means a rule.
pub fn ends_in_doubt(markdown: &str, part: &Range<usize>) -> bool {
    let is_marked = |at: usize| markdown.get(at..).is_some_and(|rest| rest.trim_start().starts_with('#'));
    part.end < markdown.len() && is_marked(part.start) && !is_marked(part.end)
}

fn divides(depth: usize) -> bool {
    depth == 0 || crate::faults::mutants::active("headings_in_quotations")
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Headings of Markdown of which parts are restricted: of each part alone, and of what is left without them. The parts
/// are disjoint and ascending.
///
/// # Errors
/// As [`headings`].
pub fn headings_apart(markdown: &str, restricted: &[Range<usize>]) -> Result<Vec<Heading>, TooManyHeadings> {
    if restricted.is_empty() || crate::faults::mutants::active("headings_of_the_whole_text") {
        return headings(markdown);
    }
    let mut found = Vec::new();
    for part in restricted {
        let alone = headings(markdown.get(part.clone()).unwrap_or_default())?;
        found.extend(alone.into_iter().map(|it| Heading { start: part.start.saturating_add(it.start), ..it }));
    }
    let mut rest = String::with_capacity(markdown.len());
    // Where a stretch of the rest begins, there and in the text.
    let mut stretches: Vec<(usize, usize)> = Vec::with_capacity(restricted.len().saturating_add(1));
    let mut at = 0;
    for (start, end) in restricted.iter().map(|part| (part.start, part.end)).chain([(markdown.len(), markdown.len())]) {
        stretches.push((rest.len(), at));
        rest.push_str(markdown.get(at..start).unwrap_or_default());
        rest.push_str(GAP);
        at = at.max(end);
    }
    for heading in headings(&rest)? {
        let after = stretches.partition_point(|(begin, _)| *begin <= heading.start);
        let Some((begin, origin)) = after.checked_sub(1).and_then(|last| stretches.get(last)) else { continue };
        let start = origin.saturating_add(heading.start.saturating_sub(*begin));
        found.push(Heading { start, ..heading });
    }
    if found.len() > MAX_HEADINGS {
        return Err(TooManyHeadings);
    }
    found.sort_by_key(|heading| heading.start);
    Ok(found)
}

/// Headings by their names, for the many sections of one text.
pub struct Named<'h> {
    headings: &'h [Heading],
    /// Places in the list, ascending.
    places: HashMap<String, Vec<usize>>,
}

impl<'h> Named<'h> {
    pub fn of(headings: &'h [Heading]) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, heading) in headings.iter().enumerate() {
            places.entry(normal(&heading.text)).or_default().push(index);
        }
        Self { headings, places }
    }

    /// What a section's rule means by a heading: every part of the text from such a heading up to the next of the same or
    /// a higher level. One that lies within another is covered by it. `length`: of the text.
    pub fn parts_under(&self, wanted: &str, length: usize) -> Vec<Range<usize>> {
        let wanted = normal(wanted);
        let places = self.places.get(&wanted).filter(|_| !wanted.is_empty());
        let mut parts: Vec<Range<usize>> = Vec::new();
        for index in places.into_iter().flatten() {
            let Some((heading, rest)) = self.headings.get(*index..).and_then(<[Heading]>::split_first) else {
                continue;
            };
            if parts.last().is_some_and(|last| heading.start < last.end) {
                continue;
            }
            let next = rest.iter().find(|other| other.level <= heading.level);
            parts.push(heading.start..next.map_or(length, |next| next.start));
        }
        parts
    }
}

/// A heading as it is compared: what a person sees of it, in NFC, with single blanks.
pub fn normal(heading: &str) -> String {
    let heading: String = invisible::cleaned(heading).nfc().collect();
    heading.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Level and text of a heading that what follows lies under.
type Above = (u8, Arc<str>);

/// The text in pieces that no chunk crosses: from heading to heading, and from border to border of restricted parts,
/// which are disjoint and ascending. A restricted part lies under the headings before it, outside the others; what follows
/// does not lie under its headings, for anybody.
pub fn pieces(text: &str, headings: &[Heading], restricted: &[Range<usize>]) -> Vec<Piece> {
    let mut borders: Vec<usize> = vec![0, text.len()];
    borders.extend(headings.iter().map(|heading| heading.start));
    borders.extend(restricted.iter().flat_map(|part| [part.start, part.end]));
    borders.retain(|border| text.is_char_boundary(*border));
    borders.sort_unstable();
    borders.dedup();
    let mut headings = headings.iter().peekable();
    let mut parts = restricted.iter().peekable();
    let (mut outside, mut inside): (Vec<Above>, Vec<Above>) = (Vec::new(), Vec::new());
    let mut pieces = Vec::with_capacity(borders.len());
    for (start, end) in borders.iter().zip(borders.iter().skip(1)) {
        while parts.next_if(|part| part.end <= *start).is_some() {}
        let part = parts.peek().filter(|part| part.start <= *start);
        if part.is_some_and(|part| part.start == *start) {
            inside.clone_from(&outside);
        }
        let path = if part.is_some() && !crate::faults::mutants::active("headings_of_the_whole_text") {
            &mut inside
        } else {
            &mut outside
        };
        let mut level = None;
        while let Some(heading) = headings.next_if(|heading| heading.start <= *start) {
            path.retain(|(above, _)| *above < heading.level);
            path.push((heading.level, heading.text.chars().take(MAX_HEADING).collect::<String>().into()));
            level = Some(heading.level);
        }
        let path = path.iter().map(|(_, text)| text.clone()).collect();
        pieces.push(Piece { start: *start, end: *end, path, level });
    }
    pieces
}

#[cfg(test)]
mod tests;
