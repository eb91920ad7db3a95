//! Canonical text to chunks: along headings, pages and restricted parts first, by paragraphs and sentences inside them.
//!
//! A chunk never crosses a page, the border of a restricted part, or a heading of the same or a higher level than the one
//! it began under; a small part may take in the parts below it. Only inside one part do chunks overlap, by whole sentences.

use std::collections::BTreeSet;
use std::ops::Range;

use usher_base::outline::{self, Piece};
use usher_base::wire::ChunkSpan;

use super::Extracted;
use super::builder::NO_PAGE;

mod ends;

use ends::Ends;

/// Characters that a chunk aims at, and what neighbours in one part share.
pub const TARGET: usize = 1_000;
pub const OVERLAP: usize = 120;
/// A part up to this size is not split for a few characters over the target.
const WHOLE: usize = 1_200;

/// `restricted` parts are disjoint and ascending; no chunk crosses a border of theirs.
pub fn split(doc: &Extracted, restricted: &[Range<usize>]) -> Vec<ChunkSpan> {
    let mut chunks = Vec::new();
    let pages: BTreeSet<usize> = doc.pages.iter().map(|p| p.start).collect();
    let parts = outline::pieces(&doc.text, &doc.headings, restricted);
    let parts = parts.into_iter().flat_map(|part| cut(part, &pages)).collect();
    let hard: BTreeSet<usize> = restricted.iter().flat_map(|r| [r.start, r.end]).chain(pages).collect();
    let (mut pages, mut page) = (doc.pages.iter().peekable(), None);
    for part in merged(parts, doc, &hard) {
        while let Some(next) = pages.next_if(|p| p.start <= part.start) {
            page = Some(next.number).filter(|number| *number != NO_PAGE);
        }
        let heading_path: Vec<String> = part.path.iter().map(ToString::to_string).collect();
        let Some(text) = doc.text.get(part.start..part.end) else { continue };
        for piece in divided(text, &units_of(doc, &part)) {
            let Some(inside) = text.get(piece.clone()) else { continue };
            let lead = inside.len().saturating_sub(inside.trim_start().len());
            let start = part.start.saturating_add(piece.start);
            let span = (start.saturating_add(lead), start.saturating_add(inside.trim_end().len()));
            if span.0 < span.1 {
                chunks.push(ChunkSpan { start: span.0, end: span.1, heading_path: heading_path.clone(), page });
            }
        }
    }
    chunks
}

/// A part, cut where pages begin within it.
fn cut(part: Piece, pages: &BTreeSet<usize>) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = part;
    let within = rest.start.saturating_add(1)..rest.end.max(rest.start.saturating_add(1));
    for at in pages.range(within).copied() {
        out.push(Piece { end: at, ..rest.clone() });
        rest = Piece { start: at, level: None, ..rest };
    }
    out.push(rest);
    out
}

/// Joins a part with the deeper ones that follow while all of it fits one chunk.
fn merged(parts: Vec<Piece>, doc: &Extracted, hard: &BTreeSet<usize>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for part in parts {
        if let Some(last) = out.last_mut()
            && !hard.contains(&part.start)
            && let (Some(above), Some(level)) = (last.level, part.level)
            && level > above
            && doc.text.get(last.start..part.end).is_some_and(|t| fits(t, TARGET))
        {
            last.end = part.end;
            continue;
        }
        out.push(part);
    }
    out
}

fn fits(text: &str, max: usize) -> bool {
    text.len() <= max || text.chars().nth(max).is_none()
}

/// What belongs together within a part, by its places there.
fn units_of(doc: &Extracted, part: &Piece) -> Vec<Range<usize>> {
    let first = doc.units.partition_point(|unit| unit.start < part.start);
    let inside = doc.units.iter().skip(first).take_while(|unit| unit.end <= part.end);
    inside.map(|unit| unit.start.saturating_sub(part.start)..unit.end.saturating_sub(part.start)).collect()
}

/// A part in pieces of one chunk each.
fn divided(text: &str, units: &[Range<usize>]) -> Vec<Range<usize>> {
    if fits(text, WHOLE) {
        return std::iter::once(0..text.len()).collect();
    }
    // Blanks at the end belong to no piece, and would be looked through for each.
    let text = text.trim_end();
    let units: Vec<&Range<usize>> =
        units.iter().filter(|unit| text.get((*unit).clone()).is_some_and(|text| fits(text, TARGET))).collect();
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let (mut start, mut fresh) = (0, 0);
    loop {
        // A piece begins with what it says.
        let blank = text.get(start..).map_or(0, |rest| rest.len().saturating_sub(rest.trim_start().len()));
        start = start.saturating_add(blank);
        let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) else { break };
        let unit = |at: usize| {
            let next = units.partition_point(|unit| unit.start < at);
            next.checked_sub(1).and_then(|last| units.get(last)).filter(|unit| at < unit.end)
        };
        let limit = nth(rest, if fits(rest, WHOLE) { WHOLE } else { TARGET }).saturating_add(start);
        if limit >= text.len() {
            pieces.push(start..text.len());
            break;
        }
        let mut end = match unit(limit) {
            // A heading or a line of introduction stays with it where both fit.
            Some(unit) if text.get(start..unit.end).is_some_and(|both| fits(both, WHOLE)) => unit.end,
            Some(unit) if unit.start > start => unit.start,
            _ => Ends { text, start, fresh, limit, is_inside: &|at| unit(at).is_some() }.best(),
        };
        if end <= fresh.max(start) {
            end = limit.max(fresh.max(start).saturating_add(1));
            while !text.is_char_boundary(end) {
                end = end.saturating_add(1);
            }
        }
        pieces.push(start..end);
        let after = text.get(end..).unwrap_or_default();
        let next = end.saturating_add(after.len().saturating_sub(after.trim_start().len()));
        // They are ascending and apart, so the last one that begins before is the last that ends before.
        let following = units.partition_point(|unit| unit.start < end);
        let before = following.checked_sub(1).and_then(|last| units.get(last));
        let borders = before.is_some_and(|unit| unit.end >= end)
            || units.get(following).is_some_and(|unit| (end..=next).contains(&unit.start));
        fresh = end;
        let shared = if borders { end } else { ends::shared(text, start, end, OVERLAP) };
        start = if unit(shared).is_some() { end } else { shared };
    }
    pieces
}

/// Where so many characters end.
fn nth(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests;
