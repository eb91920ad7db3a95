//! Canonical text to chunks: along headings, pages and restricted parts first, by paragraphs and sentences inside them.
//!
//! A chunk never crosses a page, the border of a restricted part, or a heading of the same or a higher level than the one
//! it began under; a small part may take in the parts below it. Only inside one part do chunks overlap.

use std::collections::BTreeSet;

use text_splitter::{ChunkConfig, TextSplitter};
use usher::wire::ChunkSpan;

use super::{Extracted, Heading};

/// Characters that a chunk aims at, and what neighbours in one part share.
pub const TARGET: usize = 1_000;
pub const OVERLAP: usize = 120;
/// A part up to this size is not split for a few characters over the target.
const WHOLE: usize = 1_200;
/// Text without any structure is cut into windows of so many bytes, so that the work stays linear.
const WINDOW: usize = 64 * 1024;

/// A part of the text that is split on its own.
#[derive(Debug, Clone)]
struct Part {
    start: usize,
    end: usize,
    /// Level of the heading that it begins with.
    level: Option<u8>,
}

/// `cuts` are offsets that no chunk may cross.
pub fn split(doc: &Extracted, cuts: &[usize]) -> Vec<ChunkSpan> {
    let mut chunks = Vec::new();
    let config = ChunkConfig::new(TARGET).with_overlap(OVERLAP).unwrap_or_else(|_| ChunkConfig::new(TARGET));
    let splitter = TextSplitter::new(config);
    let hard: BTreeSet<usize> = cuts.iter().copied().chain(doc.pages.iter().map(|p| p.start)).collect();
    let (mut headings, mut path) = (doc.headings.iter().peekable(), Vec::new());
    let (mut pages, mut page) = (doc.pages.iter().peekable(), None);
    for part in merged(parts(doc, &hard), doc, &hard) {
        while let Some(heading) = headings.next_if(|h| h.start <= part.start) {
            path.retain(|h: &&Heading| h.level < heading.level);
            path.push(heading);
        }
        while let Some(next) = pages.next_if(|p| p.start <= part.start) {
            page = Some(next.number);
        }
        let heading_path: Vec<String> = path.iter().map(|h| h.text.clone()).collect();
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

fn parts(doc: &Extracted, hard: &BTreeSet<usize>) -> Vec<Part> {
    let len = doc.text.len();
    let mut borders: Vec<usize> = vec![0, len];
    borders.extend(doc.headings.iter().map(|h| h.start));
    borders.extend(hard);
    borders.retain(|b| *b <= len && doc.text.is_char_boundary(*b));
    borders.sort_unstable();
    borders.dedup();
    let pairs = borders.iter().zip(borders.iter().skip(1));
    pairs.map(|(start, end)| Part { start: *start, end: *end, level: level_at(&doc.headings, *start) }).collect()
}

/// Joins a part with the deeper ones that follow while all of it fits one chunk.
fn merged(parts: Vec<Part>, doc: &Extracted, hard: &BTreeSet<usize>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
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

fn level_at(headings: &[Heading], at: usize) -> Option<u8> {
    let index = headings.partition_point(|h| h.start < at);
    headings.get(index).filter(|h| h.start == at).map(|h| h.level)
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
