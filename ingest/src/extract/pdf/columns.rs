//! What stands side by side: where a region is divided, and whether its halves are read one after the other or row by row.

use std::collections::BTreeSet;

use super::geometry::Rect;
use super::rows::Segment;

/// Places of a region where a gutter is looked for.
const MAX_CANDIDATES: usize = 48;
/// Rows below a row whose pieces may stand beside its own.
const NEAR_ROWS: usize = 4;
/// Rules nearer to each other than this, in points, are one.
const ONE_RULE: f64 = 4.0;

pub type Rows<'s> = [Vec<&'s Segment>];

/// An upright strip without text between lines that stand side by side.
#[derive(Debug, Clone, Copy)]
pub struct Gutter {
    pub x: f64,
    pub first: usize,
    pub last: usize,
}

/// How the two sides of a gutter are read.
#[derive(Debug, PartialEq)]
pub enum Reading {
    Columns,
    /// Row by row; heights at which one row ends for certain.
    Table(Vec<f64>),
}

/// Lines of two columns need not be level: those whose heights overlap stand side by side.
fn is_beside(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() < 0.7 * a.1.max(b.1)
}

/// Where pieces end and others that stand beside them begin.
fn gaps(rows: &Rows<'_>) -> Vec<(f64, f64)> {
    let mut gaps: Vec<(f64, f64)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        gaps.extend(row.iter().zip(row.iter().skip(1)).map(|(a, b)| (a.x1, b.x0)));
        let Some(first) = row.first() else { continue };
        let place = (first.y, first.size);
        let near = rows.iter().skip(number.saturating_add(1)).take(NEAR_ROWS);
        for other in near.take_while(|o| o.first().is_some_and(|o| is_beside(place, (o.y, o.size)))) {
            let mut all: Vec<&Segment> = row.iter().chain(other).copied().collect();
            all.sort_by(|a, b| a.x0.total_cmp(&b.x0));
            let mut end = f64::MAX;
            for segment in all {
                if segment.x0 > end {
                    gaps.push((end, segment.x0));
                }
                end = if end == f64::MAX { segment.x1 } else { end.max(segment.x1) };
            }
        }
    }
    gaps
}

/// Places that many gaps have in common: their middles, and where columns begin that are set flush left.
fn candidates(rows: &Rows<'_>) -> Vec<f64> {
    let gaps = gaps(rows);
    let near = |mut places: Vec<f64>, reach: f64, middle: bool| {
        places.sort_by(f64::total_cmp);
        let groups = places.chunk_by(|a, b| b - a < reach);
        groups
            .filter_map(|group| Some((group.len(), *group.get(if middle { group.len() / 2 } else { 0 })?)))
            .collect::<Vec<_>>()
    };
    let mut all = near(gaps.iter().map(|(a, b)| (a + b) / 2.0).collect(), 3.0, true);
    all.extend(near(gaps.iter().map(|(a, b)| b - f64::min(1.0, (b - a) / 2.0)).collect(), 1.5, false));
    all.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    all.truncate(MAX_CANDIDATES);
    all.into_iter().map(|(_, x)| x).collect()
}

/// One side of a gutter while the rows are gone through: where its last line stands and how near it comes.
type Last = Option<(usize, f64, f64, f64)>;

/// `is_text`: whether a row is one line, whatever its gaps.
pub fn gutter<'s>(rows: &Rows<'s>, is_text: impl Fn(&[&'s Segment]) -> bool) -> Option<Gutter> {
    let solid: Vec<bool> = rows.iter().map(|row| is_text(row)).collect();
    let mut best: Option<(usize, f64, Gutter)> = None;
    for x in candidates(rows) {
        let mut run: Option<(usize, usize, f64)> = None;
        let (mut left, mut right): (Last, Last) = (None, None);
        for ((number, row), solid) in rows.iter().enumerate().zip(&solid) {
            if *solid || row.iter().any(|s| s.x0 < x && s.x1 > x) {
                (run, left, right) = (None, None, None);
                continue;
            }
            let place = |s: &&&Segment, edge: f64| (number, s.y, s.size, edge);
            let l = row.iter().filter(|s| s.x1 <= x).max_by(|a, b| a.x1.total_cmp(&b.x1));
            let r = row.iter().filter(|s| s.x0 >= x).min_by(|a, b| a.x0.total_cmp(&b.x0));
            left = l.as_ref().map(|s| place(s, s.x1)).or(left);
            right = r.as_ref().map(|s| place(s, s.x0)).or(right);
            let (Some(a), Some(b)) = (left, right) else { continue };
            if !is_beside((a.1, a.2), (b.1, b.2)) {
                continue;
            }
            (left, right) = (None, None);
            let (first, both, width) = match run {
                Some((first, both, width)) => (first, both.saturating_add(1), (b.3 - a.3).min(width)),
                None => (a.0.min(b.0), 1, b.3 - a.3),
            };
            run = Some((first, both, width));
            let better = best.as_ref().is_none_or(|(b, w, _)| both > *b || (both == *b && width > *w));
            // A narrow one is soon made by chance, of the spaces of a few lines.
            let ruled = r.as_ref().is_some_and(|s| s.ruled);
            let least = if width < 1.2 * a.2 && !ruled { 4 } else { 2 };
            if both >= least && better {
                best = Some((both, width, Gutter { x, first, last: number }));
            }
        }
    }
    best.map(|(_, _, gutter)| gutter)
}

/// What is read of a band that a gutter divides. `rules`: lines that are drawn on the page.
pub fn reading(band: &Rows<'_>, x: f64, rules: &[Rect]) -> Reading {
    let sides = Sides::of(band, x);
    if let Some(ends) = sides.ruled(rules) {
        return Reading::Table(ends);
    }
    if let Some(ends) = sides.spaced() {
        return Reading::Table(ends);
    }
    if sides.is_columns(band) { Reading::Columns } else { Reading::Table(Vec::new()) }
}

/// The pieces left and right of a gutter.
struct Sides<'s> {
    x: f64,
    left: Vec<&'s Segment>,
    right: Vec<&'s Segment>,
    /// How often the file goes from one side to the other.
    changes: usize,
}

impl<'s> Sides<'s> {
    fn of(band: &Rows<'s>, x: f64) -> Self {
        let mut all: Vec<&Segment> = band.iter().flatten().copied().collect();
        all.sort_by_key(|s| s.order);
        let changes = all.windows(2).filter(|pair| matches!(pair, [a, b] if (a.x1 <= x) != (b.x1 <= x))).count();
        let (left, right) = all.into_iter().partition(|s| s.x1 <= x);
        Self { x, left, right, changes }
    }

    fn size(&self) -> f64 {
        let mut sizes: Vec<f64> = self.left.iter().chain(&self.right).map(|s| s.size).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
    }

    /// Whether rules part rows that both sides have; their heights.
    fn ruled(&self, rules: &[Rect]) -> Option<Vec<f64>> {
        if self.changes <= 1 {
            return None;
        }
        let (top, bottom) = (self.edge(f64::MIN, f64::max), self.edge(f64::MAX, f64::min));
        let levels = |side: &[&Segment]| {
            let (from, to) = extent(side);
            let long = |r: &&Rect| r.x1.min(to) - r.x0.max(from) > 0.5 * (to - from) && r.width() > 4.0 * r.height();
            let mut ys: Vec<f64> = rules.iter().filter(long).map(|r| (r.y0 + r.y1) / 2.0).collect();
            ys.retain(|y| *y < top && *y > bottom);
            ys.sort_by(|a, b| b.total_cmp(a));
            ys.dedup_by(|a, b| (*a - *b).abs() < ONE_RULE);
            ys
        };
        let right = levels(&self.right);
        let mut ends = levels(&self.left);
        ends.retain(|y| {
            let from = right.partition_point(|r| r - y >= ONE_RULE);
            right.get(from).is_some_and(|r| (r - y).abs() < ONE_RULE)
        });
        let lines = heights(&self.left).len().max(heights(&self.right).len());
        // A rule or two may also part stories.
        let shared = self.shared(&ends);
        (ends.len() >= 2 && shared >= 3 && lines <= 8 * shared).then_some(ends)
    }

    /// How many of the parts that these heights make have text on both sides.
    fn shared(&self, ends: &[f64]) -> usize {
        let of = |side: &[&'s Segment]| side.iter().map(|s| part(ends, s)).collect::<BTreeSet<_>>();
        of(&self.left).intersection(&of(&self.right)).count()
    }

    fn edge(&self, start: f64, pick: fn(f64, f64) -> f64) -> f64 {
        self.left.iter().chain(&self.right).map(|s| s.y).fold(start, pick)
    }

    /// Whether both sides leave more room between their lines at the same heights, as rows of wrapped cells do; the
    /// middles of that room.
    fn spaced(&self) -> Option<Vec<f64>> {
        let size = self.size();
        let (left, right) = (heights(&self.left), heights(&self.right));
        let steps = |ys: &[f64]| ys.iter().zip(ys.iter().skip(1)).map(|(a, b)| (*a, *b)).collect::<Vec<_>>();
        let (left_steps, right_steps) = (steps(&left), steps(&right));
        let mut leadings: Vec<f64> = left_steps.iter().chain(&right_steps).map(|(a, b)| a - b).collect();
        leadings.sort_by(f64::total_cmp);
        let leading = leadings.get(leadings.len() / 4).copied()?;
        let breaks =
            |steps: Vec<(f64, f64)>| steps.into_iter().filter(|(a, b)| a - b > 1.12 * leading).collect::<Vec<_>>();
        let (left_breaks, right_breaks) = (breaks(left_steps), breaks(right_steps));
        let (mut ends, mut level) = (Vec::new(), 0usize);
        for (above, below) in &left_breaks {
            let fits = |(upper, lower): &&(f64, f64)| {
                let (high, low) = (above.min(*upper), below.max(*lower));
                high - low > 1.05 * size
            };
            let from = right_breaks.partition_point(|(_, lower)| lower >= above);
            let mut beside = right_breaks.iter().skip(from).take_while(|(upper, _)| upper > below);
            if let Some((upper, lower)) = beside.find(fits) {
                level = level.saturating_add(usize::from((below - lower).abs() < 0.3 * size));
                ends.push((above.min(*upper) + below.max(*lower) + 0.5 * size) / 2.0);
            }
        }
        let (fewer, more) = sorted(left_breaks.len(), right_breaks.len());
        let joint = ends.len();
        let most = |n: usize, of: usize| n.saturating_mul(10) >= of.saturating_mul(7);
        let is_table = if self.goes_by_cells() {
            joint >= 1 && most(joint, fewer)
        } else {
            joint >= 2 && most(joint, more) && most(level, joint) && !self.is_one_after_other()
        };
        is_table.then_some(ends)
    }

    fn fewer(&self) -> usize {
        heights(&self.left).len().min(heights(&self.right).len())
    }

    /// Whether the file has one side before the other.
    fn is_one_after_other(&self) -> bool {
        self.changes <= 1 + self.fewer() / 8
    }

    /// Whether the file has several lines of one side, then the lines beside them, and so on.
    fn goes_by_cells(&self) -> bool {
        let mut all: Vec<&Segment> = self.left.iter().chain(&self.right).copied().collect();
        all.sort_by_key(|s| s.order);
        let cells: Vec<(f64, f64)> = all
            .chunk_by(|a, b| (a.x1 <= self.x) == (b.x1 <= self.x))
            .map(|cell| {
                let ys = || cell.iter().map(|s| s.y);
                (ys().fold(f64::MIN, f64::max), ys().fold(f64::MAX, f64::min))
            })
            .collect();
        let size = self.size();
        let lines = heights(&self.left).len().saturating_add(heights(&self.right).len());
        let pairs = cells.chunks_exact(2);
        let beside =
            pairs.clone().filter(|pair| matches!(pair, [a, b] if a.0 > b.1 - 0.7 * size && b.0 > a.1 - 0.7 * size));
        cells.len() >= 4
            && lines.saturating_mul(10) >= cells.len().saturating_mul(12)
            && beside.count().saturating_mul(10) >= pairs.len().saturating_mul(8)
    }

    fn is_columns(&self, band: &Rows<'_>) -> bool {
        let has = |row: &Vec<&Segment>, left: bool| row.iter().any(|s| (s.x1 <= self.x) == left);
        let rows_of = |left: bool| band.iter().filter(|row| has(row, left)).count();
        let both = band.iter().filter(|row| has(row, true) && has(row, false)).count();
        let fewer = rows_of(true).min(rows_of(false));
        let words = |side: &[&Segment]| side.iter().map(|s| s.words).sum::<usize>() as f64 / side.len().max(1) as f64;
        let prose = words(&self.left).min(words(&self.right));
        let figures = |side: &[&Segment]| {
            let digits =
                |s: &&&Segment| s.text.chars().filter(char::is_ascii_digit).count() * 2 >= s.text.chars().count();
            side.iter().filter(digits).count() * 2 >= side.len()
        };
        if self.changes <= 1 + fewer / 8 && fewer >= 2 {
            return !(figures(&self.left) || figures(&self.right)) || prose >= 3.0;
        }
        let aligned = both * 10 >= fewer * 6;
        let fills = |side: &[&Segment]| {
            let (from, to) = extent(side);
            side.iter().map(|s| s.x1 - s.x0).sum::<f64>() / side.len().max(1) as f64 > 0.5 * (to - from)
        };
        (!aligned && prose >= 2.0) || (prose >= 3.0 && fills(&self.left) && fills(&self.right))
    }
}

/// In which of the parts that these heights make, from the top, a piece stands.
pub fn part(ends: &[f64], segment: &Segment) -> usize {
    ends.partition_point(|end| *end > segment.y)
}

fn sorted(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

/// From where to where pieces reach.
fn extent(side: &[&Segment]) -> (f64, f64) {
    (side.iter().map(|s| s.x0).fold(f64::MAX, f64::min), side.iter().map(|s| s.x1).fold(f64::MIN, f64::max))
}

/// Heights of the lines of pieces, from the top.
fn heights(side: &[&Segment]) -> Vec<f64> {
    let mut ys: Vec<(f64, f64)> = side.iter().map(|s| (s.y, s.size)).collect();
    ys.sort_by(|a, b| b.0.total_cmp(&a.0));
    ys.dedup_by(|a, b| (a.0 - b.0).abs() < 0.3 * b.1);
    ys.into_iter().map(|(y, _)| y).collect()
}
