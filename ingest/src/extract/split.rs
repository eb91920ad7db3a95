//! Canonical text to chunks: along headings, pages and restricted parts first, by paragraphs and sentences inside them.
//!
//! A chunk never crosses a page, the border of a restricted part, or a heading of the same or a higher level than the one
//! it began under; a small part may take in the parts below it. Only inside one part do chunks overlap.

use std::collections::BTreeSet;
use std::ops::Range;

use text_splitter::{ChunkConfig, TextSplitter};
use usher_base::outline::{self, Piece};
use usher_base::wire::ChunkSpan;

use super::Extracted;

/// Characters that a chunk aims at, and what neighbours in one part share.
pub const TARGET: usize = 1_000;
pub const OVERLAP: usize = 120;
/// A part up to this size is not split for a few characters over the target.
const WHOLE: usize = 1_200;
/// Text without any structure is cut into windows of so many bytes, so that the work stays linear.
const WINDOW: usize = 64 * 1024;

/// `restricted` parts are disjoint and ascending; no chunk crosses a border of theirs.
pub fn split(doc: &Extracted, restricted: &[Range<usize>]) -> Vec<ChunkSpan> {
    let mut chunks = Vec::new();
    let config = ChunkConfig::new(TARGET).with_overlap(OVERLAP).unwrap_or_else(|_| ChunkConfig::new(TARGET));
    let splitter = TextSplitter::new(config);
    let pages: BTreeSet<usize> = doc.pages.iter().map(|p| p.start).collect();
    let parts = outline::pieces(&doc.text, &doc.headings, restricted);
    let parts = parts.into_iter().flat_map(|part| cut(part, &pages)).collect();
    let hard: BTreeSet<usize> = restricted.iter().flat_map(|r| [r.start, r.end]).chain(pages).collect();
    let (mut pages, mut page) = (doc.pages.iter().peekable(), None);
    for part in merged(parts, doc, &hard) {
        while let Some(next) = pages.next_if(|p| p.start <= part.start) {
            page = Some(next.number);
        }
        let heading_path: Vec<String> = part.path.iter().map(ToString::to_string).collect();
        let mut emit = |start: usize, end: usize| {
            let Some(text) = doc.text.get(start..end) else { return };
            let lead = text.len().saturating_sub(text.trim_start().len());
            let span = (start.saturating_add(lead), start.saturating_add(text.trim_end().len()));
            if span.0 < span.1 {
                chunks.push(ChunkSpan { start: span.0, end: span.1, heading_path: heading_path.clone(), page });
            }
        };
        let Some(text) = doc.text.get(part.start..part.end) else { continue };
        if fits(text, WHOLE) {
            emit(part.start, part.end);
            continue;
        }
        for (offset, window) in windows(text) {
            let base = part.start.saturating_add(offset);
            for (at, piece) in splitter.chunk_indices(window) {
                let start = base.saturating_add(at);
                emit(start, start.saturating_add(piece.len()));
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

/// Pieces of at most [`WINDOW`] bytes, ending at a line, else at a space, else at any character.
fn windows(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|r| !r.is_empty()) {
        let mut end = rest.len();
        if end > WINDOW {
            end = WINDOW;
            while !rest.is_char_boundary(end) {
                end = end.saturating_sub(1);
            }
            let head = rest.get(..end).unwrap_or_default();
            let cut = head.rfind('\n').or_else(|| head.rfind(' ')).map_or(end, |i| i.saturating_add(1));
            // A cut far back would make windows without end.
            end = if cut > WINDOW / 2 { cut } else { end };
        }
        let Some(piece) = rest.get(..end).filter(|p| !p.is_empty()) else { break };
        out.push((start, piece));
        start = start.saturating_add(end);
    }
    out
}

#[cfg(test)]
mod tests;
