//! From words to rows, and to segments: pieces of a row that no wide gap divides.

use std::collections::BTreeMap;

use super::bidi;
use super::words::{GAP, Word};

/// Words of one row that a raised sign is compared with.
const MAX_NEIGHBOURS: usize = 2_000;

#[derive(Debug, Clone)]
pub struct Segment {
    pub text: String,
    pub x0: f64,
    pub x1: f64,
    pub y: f64,
    pub size: f64,
    pub row: usize,
    pub order: usize,
    pub words: usize,
    /// Width of its first word.
    pub first_width: f64,
}

#[derive(Debug)]
struct Row {
    y: f64,
    size: f64,
    words: Vec<Word>,
}

/// Segments from top to bottom, each row from left to right.
pub fn segments(words: Vec<Word>) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (number, mut row) in rows(words).into_iter().enumerate() {
        row.words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let gaps = spread(&row.words);
        let far = |a: &Word, b: &Word| b.x0 - a.x1 < f64::max(1.0, 1.6 * gaps / row.size) * row.size;
        for words in row.words.chunk_by(far) {
            segments.extend(segment(words, number, row.y, gaps));
        }
    }
    segments
}

fn rows(mut words: Vec<Word>) -> Vec<Row> {
    // Large words first: what is small may be a raised or lowered sign beside them.
    words.sort_by(|a, b| b.size.total_cmp(&a.size).then(a.order.cmp(&b.order)));
    let mut rows: Vec<Row> = Vec::new();
    let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let key = |y: f64| (y * 16.0) as i64;
    let largest = words.first().map_or(0.0, |word| word.size);
    for word in words {
        let reach = 0.3 * word.size;
        let mut best: Option<(f64, usize)> = None;
        let near = places.range(key(word.y - reach)..=key(word.y + reach).saturating_add(1));
        for index in near.flat_map(|(_, rows)| rows) {
            let Some(row) = rows.get(*index) else { continue };
            let distance = (row.y - word.y).abs();
            if distance < 0.25 * word.size && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, *index));
            }
        }
        if best.is_none() {
            let reach = largest.min(2.5 * word.size);
            let near = places.range(key(word.y - 0.65 * reach)..=key(word.y + 0.4 * reach));
            for index in near.flat_map(|(_, rows)| rows) {
                if rows.get(*index).is_some_and(|row| is_sign_of(&word, row)) {
                    best = Some((0.0, *index));
                    break;
                }
            }
        }
        match best.and_then(|(_, index)| rows.get_mut(index)) {
            Some(row) => row.words.push(word),
            None => {
                places.entry(key(word.y)).or_default().push(rows.len());
                rows.push(Row { y: word.y, size: word.size, words: vec![word] });
            }
        }
    }
    rows.sort_by(|a, b| b.y.total_cmp(&a.y));
    rows
}

/// Whether a small word is a raised or lowered sign beside a word of the row.
fn is_sign_of(word: &Word, row: &Row) -> bool {
    let up = (word.y - row.y) / row.size;
    let beside = |other: &Word| {
        let near = 0.35 * other.size;
        (word.x0 - other.x1).abs() < near || (other.x0 - word.x1).abs() < near
    };
    word.size < 0.9 * row.size && up > -0.4 && up < 0.65 && row.words.iter().rev().take(MAX_NEIGHBOURS).any(beside)
}

/// The usual gap between letters that are set apart on purpose; 0 where they are not.
fn spread(words: &[Word]) -> f64 {
    let single = words.iter().filter(|word| word.text.chars().nth(1).is_none()).count();
    if words.len() < 5 || single.saturating_mul(10) < words.len().saturating_mul(8) {
        return 0.0;
    }
    let pairs = words.iter().zip(words.iter().skip(1));
    let mut gaps: Vec<f64> = pairs.map(|(a, b)| (b.x0 - a.x1) / a.size).collect();
    gaps.sort_by(f64::total_cmp);
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
    let size = words.first().map_or(0.0, |word| word.size);
    let is_even = gaps.iter().filter(|gap| (**gap - median).abs() < 0.25 * median).count() * 10 >= gaps.len() * 6;
    if median > GAP && median < 1.0 && is_even { median * size } else { 0.0 }
}

fn segment(words: &[Word], row: usize, y: f64, spread: f64) -> Option<Segment> {
    let first = words.first()?;
    let mut texts: Vec<String> = Vec::new();
    let mut last: Option<&Word> = None;
    for word in words {
        match (last.is_some_and(|last| !parted(last, word, spread)), texts.last_mut()) {
            (true, Some(text)) => text.push_str(&word.text),
            _ => texts.push(word.text.clone()),
        }
        last = Some(word);
    }
    let count = texts.len();
    bidi::read_order(&mut texts);
    Some(Segment {
        text: texts.join(" "),
        x0: first.x0,
        x1: words.iter().map(|word| word.x1).fold(f64::MIN, f64::max),
        y,
        size: words.iter().map(|word| word.size).fold(0.0, f64::max),
        row,
        order: words.iter().map(|word| word.order).min().unwrap_or(0),
        words: count,
        first_width: first.x1 - first.x0,
    })
}

/// Whether two neighbours of a row are words of their own.
fn parted(a: &Word, b: &Word, spread: f64) -> bool {
    let size = a.size.min(b.size);
    let gap = b.x0 - a.x1;
    if spread > 0.0 {
        return gap > 1.6 * spread;
    }
    if a.space_after && b.order > a.order && gap > -0.3 * size {
        return true;
    }
    // The sign of a note is no part of the word.
    let is_number =
        |word: &Word| word.text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | '†' | '‡' | '§'));
    let raised =
        |sign: &Word, by: &Word| sign.size < 0.85 * by.size && sign.y > by.y + 0.15 * by.size && is_number(sign);
    gap > GAP * size || raised(b, a) || raised(a, b)
}
