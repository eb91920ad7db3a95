//! Headers, footers and page numbers: what stands at the edge of several pages in the same place is text once.

use std::collections::{BTreeMap, HashSet};

use super::order::Line;

/// Lines from each edge that may be one, and the share of the page that the edge is.
const LINES: usize = 3;
const EDGE: f64 = 0.14;
/// On fewer pages a line is no header.
const PAGES: usize = 3;

#[derive(Debug)]
pub struct PageLines {
    pub number: u32,
    pub lines: Vec<Line>,
    /// Where the page begins and ends, from below.
    pub bottom: f64,
    pub top: f64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    pub repeated: u64,
    pub numbers: u64,
}

/// A line at an edge of a page.
struct Candidate {
    page: usize,
    line: usize,
    numbers: Vec<i64>,
    /// Its text with a mark for each number.
    shape: String,
}

/// Takes out what repeats: the first of equal ones stays, page numbers go.
pub fn remove(pages: &mut [PageLines]) -> Removed {
    let mut groups: BTreeMap<(bool, i64, String), Vec<Candidate>> = BTreeMap::new();
    for (index, page) in pages.iter().enumerate() {
        for (line, is_top, place) in at_edges(page) {
            let Some(text) = page.lines.get(line).map(|l| l.text.as_str()) else { continue };
            let (shape, numbers) = shape(text);
            let candidate = Candidate { page: index, line, numbers, shape: shape.clone() };
            groups.entry((is_top, place, shape)).or_default().push(candidate);
        }
    }
    let mut removed = Removed::default();
    let mut gone: HashSet<(usize, usize)> = HashSet::new();
    for candidates in groups.into_values() {
        let counting = counting(&candidates);
        let only_number = candidates.first().is_some_and(|c| is_only_number(&c.shape)) && counting.iter().any(|c| *c);
        if candidates.len() < if only_number { 2 } else { PAGES } {
            continue;
        }
        let mut kept: HashSet<Vec<i64>> = HashSet::new();
        for candidate in candidates {
            let rest = candidate.numbers.iter().zip(&counting).filter(|(_, counts)| !**counts).map(|(n, _)| *n);
            if only_number {
                removed.numbers = removed.numbers.saturating_add(1);
            } else if !kept.insert(rest.collect()) {
                removed.repeated = removed.repeated.saturating_add(1);
            } else {
                continue;
            }
            gone.insert((candidate.page, candidate.line));
        }
    }
    for (index, page) in pages.iter_mut().enumerate() {
        let mut line = 0usize;
        page.lines.retain(|_| {
            let stays = !gone.contains(&(index, line));
            line = line.saturating_add(1);
            stays
        });
    }
    removed
}

/// Lines near the top and the bottom, with their height in parts of 250 of the page.
fn at_edges(page: &PageLines) -> Vec<(usize, bool, i64)> {
    let height = (page.top - page.bottom).max(1.0);
    let mut lines: Vec<(usize, f64)> = page
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.upright && line.text.chars().count() < 200)
        .map(|(index, line)| (index, (line.y - page.bottom) / height))
        .collect();
    lines.sort_by(|a, b| a.1.total_cmp(&b.1));
    let place = |at: f64| (at * 250.0).round() as i64;
    let low = lines.iter().take(LINES).filter(|(_, at)| *at < EDGE).map(|(index, at)| (*index, false, place(*at)));
    let high =
        lines.iter().rev().take(LINES).filter(|(_, at)| *at > 1.0 - EDGE).map(|(index, at)| (*index, true, place(*at)));
    low.chain(high).collect()
}

/// A text with `#` for each number, and the numbers.
fn shape(text: &str) -> (String, Vec<i64>) {
    let text = text.trim();
    if let Some(number) = roman(text) {
        return ("#".into(), vec![number]);
    }
    let (mut shape, mut numbers) = (String::new(), Vec::new());
    let mut number: Option<i64> = None;
    for c in text.chars().chain([' ']) {
        match (c.to_digit(10), number) {
            (Some(digit), n) => number = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(digit.into())),
            (None, n) => {
                if let Some(n) = n {
                    shape.push('#');
                    numbers.push(n);
                    number = None;
                }
                shape.push(if c.is_whitespace() { ' ' } else { c });
            }
        }
    }
    (shape.trim_end().to_owned(), numbers)
}

/// Small Roman numbers, as prefaces count their pages.
fn roman(text: &str) -> Option<i64> {
    let value = |c: char| match c {
        'i' => Some(1),
        'v' => Some(5),
        'x' => Some(10),
        'l' => Some(50),
        'c' => Some(100),
        _ => None,
    };
    let values: Vec<i64> = text.chars().map(value).collect::<Option<_>>()?;
    if values.is_empty() || values.len() > 9 {
        return None;
    }
    let next = values.iter().skip(1).copied().chain([0]);
    Some(values.iter().zip(next).map(|(v, next)| if *v < next { -v } else { *v }).sum())
}

/// Which numbers of a line grow with the pages.
fn counting(candidates: &[Candidate]) -> Vec<bool> {
    let places = candidates.first().map_or(0, |c| c.numbers.len());
    let offset = |c: &Candidate, place: usize| Some(c.numbers.get(place)?.saturating_sub(c.page as i64));
    (0..places)
        .map(|place| {
            let mut steps = candidates.iter().zip(candidates.iter().skip(1));
            candidates.len() >= 2
                && steps.any(|(a, b)| a.numbers.get(place) != b.numbers.get(place))
                && candidates
                    .iter()
                    .zip(candidates.iter().skip(1))
                    .filter(|(a, b)| offset(a, place) == offset(b, place))
                    .count()
                    .saturating_mul(10)
                    >= candidates.len().saturating_sub(1).saturating_mul(6)
        })
        .collect()
}

/// Whether a line says nothing but which page it is.
fn is_only_number(shape: &str) -> bool {
    let words = shape.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let mut words = words.map(str::to_lowercase);
    let known = [
        "page",
        "pages",
        "p",
        "pg",
        "seite",
        "s",
        "of",
        "von",
        "sur",
        "de",
        "di",
        "pagina",
        "página",
        "sida",
        "side",
        "strona",
        "стр",
        "страница",
    ];
    shape.contains('#') && words.all(|word| known.contains(&word.as_str()))
}
