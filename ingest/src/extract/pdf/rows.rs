//! From words to rows, and to segments: pieces of a row that no wide gap divides.

use std::collections::BTreeMap;

use super::bidi;
use super::geometry::Rect;
use super::initials;
use super::words::{GAP, Word};

/// Words of one row that a raised sign is compared with.
const MAX_NEIGHBOURS: usize = 2_000;

/// A gap of this share of the size may be one between columns.
const FAR: f64 = 0.75;

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
    /// An upright rule parts it from what stands before it.
    pub ruled: bool,
}

#[derive(Debug)]
struct Row {
    y: f64,
    size: f64,
    words: Vec<Word>,
}

impl Row {
    /// Whether other words stand in a place already: what is printed over them is a line of its own.
    fn is_taken(&self, x0: f64, x1: f64, slack: f64) -> bool {
        self.words.iter().rev().take(MAX_NEIGHBOURS).any(|word| word.x0 + slack < x1 && word.x1 - slack > x0)
    }
}

/// Segments from top to bottom, each row from left to right. `rules`: lines that are drawn.
pub fn segments(mut words: Vec<Word>, rules: &[Rect]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let upright = Upright::of(rules);
    initials::place(&mut words);
    for (number, mut row) in rows(words).into_iter().enumerate() {
        row.words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        drop_leaders(&mut row.words);
        let gaps = spread(&row.words);
        let is_ruled = |a: &Word, b: &Word| upright.has(a.x1, b.x0, row.y + 0.3 * row.size);
        let near = |a: &Word, b: &Word| {
            b.x0 - a.x1 < f64::max(FAR, 1.6 * gaps / row.size) * row.size
                && !(gaps == 0.0 && is_from_elsewhere(a, b))
                && !is_ruled(a, b)
        };
        let mut last: Option<&Word> = None;
        for words in row.words.chunk_by(near) {
            let ruled = last.zip(words.first()).is_some_and(|(last, first)| is_ruled(last, first));
            segments.extend(segment(words, number, row.y, gaps).map(|segment| Segment { ruled, ..segment }));
            last = words.last();
        }
    }
    segments
}

/// Whether the file has something else between two neighbours: what parts them may be narrower than the spaces of a
/// line and still lie between columns.
fn is_from_elsewhere(a: &Word, b: &Word) -> bool {
    let is_rtl = |word: &Word| word.text.chars().any(bidi::is_rtl);
    let alike = a.size < 1.2 * b.size && b.size < 1.2 * a.size;
    b.index != a.index.saturating_add(1) && alike && b.x0 - a.x1 > 0.2 * a.size && !is_rtl(a) && !is_rtl(b)
}

/// Upright rules by their place.
struct Upright {
    rules: Vec<Rect>,
}

impl Upright {
    fn of(rules: &[Rect]) -> Self {
        let mut rules: Vec<Rect> = rules.iter().copied().filter(|r| r.height() > 4.0 * r.width()).collect();
        rules.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        Self { rules }
    }

    /// Whether one stands between two places at a height.
    fn has(&self, from: f64, to: f64, y: f64) -> bool {
        let at = self.rules.partition_point(|rule| rule.x0 < from - 0.5);
        let near = self.rules.iter().skip(at).take_while(|rule| rule.x0 < to + 0.5);
        to > from && near.take(MAX_NEIGHBOURS).any(|rule| rule.y0 <= y && rule.y1 >= y)
    }
}

/// Words that the file has one after the other, on one line.
fn runs(words: Vec<Word>) -> Vec<Vec<Word>> {
    let mut runs: Vec<Vec<Word>> = Vec::new();
    for word in words {
        let last = runs.last_mut().filter(|run| {
            run.last().is_some_and(|last| {
                let gap = (word.x0 - last.x1) / last.size;
                (word.y - last.y).abs() < 0.12 * last.size
                    && gap > -0.3
                    && gap < 1.0
                    && last.size < 1.2 * word.size
                    && word.size < 1.2 * last.size
            })
        });
        match last {
            Some(run) => run.push(word),
            None => runs.push(vec![word]),
        }
    }
    runs
}

fn rows(words: Vec<Word>) -> Vec<Row> {
    let mut runs = runs(words);
    // Large words first: what is small may be a raised or lowered sign beside them.
    let first = |run: &Vec<Word>| run.first().map_or((0.0, 0), |word| (word.size, word.order));
    runs.sort_by(|a, b| first(b).0.total_cmp(&first(a).0).then(first(a).1.cmp(&first(b).1)));
    let mut rows: Vec<Row> = Vec::new();
    let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let key = |y: f64| (y * 16.0) as i64;
    let largest = runs.first().map_or(0.0, |run| first(run).0);
    for run in runs {
        let Some(word) = run.first().cloned() else { continue };
        let end = run.iter().map(|word| word.x1).fold(f64::MIN, f64::max);
        let reach = 0.3 * word.size;
        let mut best: Option<(f64, usize)> = None;
        let near = places.range(key(word.y - reach)..=key(word.y + reach).saturating_add(1));
        for index in near.flat_map(|(_, rows)| rows) {
            let Some(row) = rows.get(*index) else { continue };
            let distance = (row.y - word.y).abs();
            if distance < 0.25 * word.size
                && !row.is_taken(word.x0, end, 0.3 * word.size)
                && best.is_none_or(|(least, _)| distance < least)
            {
                best = Some((distance, *index));
            }
        }
        if best.is_none() {
            let reach = largest.min(2.5 * word.size);
            let near = places.range(key(word.y - 0.65 * reach)..=key(word.y + 0.5 * reach));
            for index in near.flat_map(|(_, rows)| rows) {
                let is_free = |row: &Row| run.len() <= 2 || !row.is_taken(word.x0, end, 0.3 * word.size);
                let is_sign = |row: &Row| is_free(row) && (is_sign_of(&word, row) || is_shifted(&run, row));
                if rows.get(*index).is_some_and(is_sign) {
                    best = Some((0.0, *index));
                    break;
                }
            }
        }
        match best.and_then(|(_, index)| rows.get_mut(index)) {
            Some(row) => row.words.extend(run),
            None => {
                places.entry(key(word.y)).or_default().push(rows.len());
                rows.push(Row { y: word.y, size: word.size, words: run });
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
    word.size < 0.9 * row.size && up > -0.5 && up < 0.65 && row.words.iter().rev().take(MAX_NEIGHBOURS).any(beside)
}

/// Whether letters of the size of their line are raised or lowered in it, as those of a formula or of a logo are.
fn is_shifted(run: &[Word], row: &Row) -> bool {
    let [word] = run else { return false };
    let near = 0.25 * word.size;
    let follows = |other: &Word| {
        let (gap, after) = (word.x0 - other.x1, other.x0 - word.x1);
        (other.index.saturating_add(1) == word.index && gap > -2.0 * near && gap < near)
            || (word.index.saturating_add(1) == other.index && after > -2.0 * near && after < near)
    };
    (word.y - row.y).abs() < 0.5 * row.size
        && word.text.chars().nth(3).is_none()
        && word.size < 1.2 * row.size
        && row.words.iter().rev().take(MAX_NEIGHBOURS).any(follows)
}

/// Dots that lead from a title to its page say nothing; the gap that they leave makes cells of both.
fn drop_leaders(words: &mut Vec<Word>) {
    let is_dots = |word: &Word| word.text.chars().all(|c| matches!(c, '.' | '·' | '․' | '‥' | '…' | '_'));
    let dots: usize = words.iter().filter(|word| is_dots(word)).map(|word| word.text.chars().count()).sum();
    if dots <= 3 {
        return;
    }
    // Some dots stand so near to a word that they are part of it.
    let beside: Vec<(bool, bool)> = (0..words.len())
        .map(|i| {
            let dots_at = |at: Option<usize>| at.and_then(|at| words.get(at)).is_some_and(is_dots);
            (dots_at(i.checked_sub(1)), dots_at(i.checked_add(1)))
        })
        .collect();
    for (word, (before, after)) in words.iter_mut().zip(beside) {
        let many = word.text.ends_with("....");
        if (after || many) && !is_dots(word) {
            let bare = word.text.trim_end_matches('.').to_owned();
            let kept = bare.chars().count() as f64 / word.text.chars().count().max(1) as f64;
            word.x1 = word.x0 + (word.x1 - word.x0) * kept;
            word.text = bare;
        }
        if before && !is_dots(word) {
            word.text = word.text.trim_start_matches('.').to_owned();
        }
    }
    words.retain(|word| !is_dots(word));
}

/// The usual gap between letters that are set apart on purpose; 0 where they are not.
fn spread(words: &[Word]) -> f64 {
    let is_letter = |word: &&Word| word.text.chars().all(char::is_alphanumeric) && word.text.chars().nth(1).is_none();
    let single = words.iter().filter(is_letter).count();
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

/// How much room the first word of a line takes; scripts that part no words break lines anywhere.
fn first_width(word: &Word) -> f64 {
    let width = word.x1 - word.x0;
    let count = word.text.chars().count().max(1) as f64;
    if word.text.starts_with(super::paragraphs::is_wide) { width / count } else { width }
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
    // Scripts without spaces have about two characters to a word.
    let wide = texts.iter().flat_map(|text| text.chars()).filter(|c| super::paragraphs::is_wide(*c)).count();
    let count = texts.len().max(wide / 2);
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
        first_width: first_width(first),
        ruled: false,
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
    // What is drawn to the left has its space on the other side.
    if b.space_after && b.order < a.order && gap > -0.3 * size && b.text.chars().any(bidi::is_rtl) {
        return true;
    }
    // The sign of a note is no part of the word.
    let is_number =
        |word: &Word| word.text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | '†' | '‡' | '§'));
    let raised =
        |sign: &Word, by: &Word| sign.size < 0.85 * by.size && sign.y > by.y + 0.15 * by.size && is_number(sign);
    gap > GAP * size || raised(b, a) || raised(a, b)
}
