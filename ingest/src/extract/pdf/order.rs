//! The order in which the segments of a page are read: bands, columns side by side, tables row by row.

use super::rows::Segment;

const MAX_DEPTH: usize = 12;
/// Places of a region where a gutter is looked for.
const MAX_CANDIDATES: usize = 48;

/// A line of text, or a row of a table whose cells are parted by tabs.
#[derive(Debug, Clone)]
pub struct Line {
    pub text: String,
    pub x0: f64,
    pub x1: f64,
    pub y: f64,
    pub size: f64,
    pub first_width: f64,
    pub is_row: bool,
    /// Lines of one number stand below each other in one column.
    pub region: usize,
    /// It runs along the width of the page.
    pub upright: bool,
}

type Rows<'s> = [Vec<&'s Segment>];

#[derive(Debug, Default)]
pub struct Arranger {
    pub lines: Vec<Line>,
    region: usize,
    upright: bool,
}

impl Arranger {
    pub fn arrange(&mut self, segments: &[Segment], upright: bool) {
        self.upright = upright;
        let rows: Vec<Vec<&Segment>> =
            segments.chunk_by(|a, b| a.row == b.row).map(|row| row.iter().collect()).collect();
        self.divide(&rows, 0);
    }

    fn divide<'s>(&mut self, rows: &Rows<'s>, depth: usize) {
        let found = if depth < MAX_DEPTH { gutter(rows) } else { None };
        let Some(Gutter { x, first, last }) = found else { return self.leaf(rows) };
        let part = |from: usize, to: usize| rows.get(from..to).unwrap_or_default();
        let band = part(first, last.saturating_add(1));
        if is_columns(band, x) {
            // Lines that stand on one side only belong to the column that they stand in.
            let crosses = |row: &Vec<&Segment>| row.iter().any(|s| s.x0 < x && s.x1 > x);
            let from =
                (0..first).rev().take_while(|i| rows.get(*i).is_some_and(|r| !crosses(r))).last().unwrap_or(first);
            let after = (last.saturating_add(1)..rows.len()).take_while(|i| rows.get(*i).is_some_and(|r| !crosses(r)));
            let to = after.last().unwrap_or(last).saturating_add(1);
            self.divide(part(0, from), depth.saturating_add(1));
            for left in [true, false] {
                let of_side = |row: &Vec<&'s Segment>| row.iter().copied().filter(|s| (s.x1 <= x) == left).collect();
                let mut column: Vec<Vec<&Segment>> = part(from, to).iter().map(of_side).collect();
                column.retain(|row| !row.is_empty());
                self.divide(&column, depth.saturating_add(1));
            }
            self.divide(part(to, rows.len()), depth.saturating_add(1));
        } else {
            // The last cell may go on below its row.
            let mut to = last.saturating_add(1);
            while let (Some(above), Some(row)) = (rows.get(to.saturating_sub(1)), rows.get(to)) {
                let (Some(upper), Some(only)) = (above.last(), row.first()) else { break };
                let goes_on = row.len() == 1 && only.x0 > x && upper.y - only.y < 1.7 * only.size.max(upper.size);
                if !goes_on {
                    break;
                }
                to = to.saturating_add(1);
            }
            self.divide(part(0, first), depth.saturating_add(1));
            self.table(part(first, to));
            self.divide(part(to, rows.len()), depth.saturating_add(1));
        }
    }

    /// Rows one below the other.
    fn leaf(&mut self, rows: &Rows<'_>) {
        self.region = self.region.saturating_add(1);
        for row in rows {
            self.line(row);
        }
    }

    fn line(&mut self, row: &[&Segment]) {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
        let mut text = String::new();
        let mut end: Option<f64> = None;
        let mut is_row = false;
        for segment in row {
            let gap = end.map_or(0.0, |end| segment.x0 - end);
            if end.is_some() {
                is_row |= gap > 2.0 * segment.size;
                text.push(if gap > 2.0 * segment.size { '\t' } else { ' ' });
            }
            text.push_str(&segment.text);
            end = Some(segment.x1);
        }
        self.lines.push(Line {
            text,
            x0: first.x0,
            x1: row.iter().map(|s| s.x1).fold(last.x1, f64::max),
            y: first.y,
            size: row.iter().map(|s| s.size).fold(0.0, f64::max),
            first_width: first.first_width,
            is_row,
            region: self.region,
            upright: self.upright,
        });
    }

    /// Rows of cells. Lines that the file has one after the other, and that stand below each other, are one cell.
    fn table(&mut self, rows: &Rows<'_>) {
        self.region = self.region.saturating_add(1);
        let mut segments: Vec<&Segment> = rows.iter().flatten().copied().collect();
        segments.sort_by_key(|s| s.order);
        let mut cells: Vec<Vec<&Segment>> = Vec::new();
        for segment in segments {
            let goes_on = cells.last().and_then(|cell| cell.last()).is_some_and(|above| {
                let down = above.y - segment.y;
                let shared = above.x1.min(segment.x1) - above.x0.max(segment.x0);
                let narrow = (above.x1 - above.x0).min(segment.x1 - segment.x0);
                down > 0.3 * segment.size && down < 1.6 * segment.size.max(above.size) && shared > 0.5 * narrow
            });
            match cells.last_mut().filter(|_| goes_on) {
                Some(cell) => cell.push(segment),
                None => cells.push(vec![segment]),
            }
        }
        let top = |cell: &Vec<&Segment>| cell.first().map_or(0.0, |s| s.y);
        cells.sort_by(|a, b| top(b).total_cmp(&top(a)));
        let mut open: Vec<Vec<&Segment>> = Vec::new();
        let mut bottom = f64::MAX;
        for cell in cells {
            let (Some(first), Some(last)) = (cell.first(), cell.last()) else { continue };
            if !open.is_empty() && first.y < bottom - 0.3 * first.size {
                self.row(std::mem::take(&mut open));
                bottom = f64::MAX;
            }
            bottom = if open.is_empty() { last.y } else { bottom.min(last.y) };
            open.push(cell);
        }
        self.row(open);
    }

    fn row(&mut self, mut cells: Vec<Vec<&Segment>>) {
        let left = |cell: &Vec<&Segment>| cell.first().map_or(0.0, |s| s.x0);
        cells.sort_by(|a, b| left(a).total_cmp(&left(b)));
        let Some(first) = cells.first().and_then(|cell| cell.first()).copied() else { return };
        let texts = cells.iter().map(|cell| {
            let lines: Vec<&str> = cell.iter().map(|s| s.text.as_str()).collect();
            super::paragraphs::joined(&lines)
        });
        let all = || cells.iter().flatten();
        self.lines.push(Line {
            text: texts.collect::<Vec<_>>().join("\t"),
            x0: first.x0,
            x1: all().map(|s| s.x1).fold(first.x1, f64::max),
            y: first.y,
            size: all().map(|s| s.size).fold(0.0, f64::max),
            first_width: first.first_width,
            is_row: true,
            region: self.region,
            upright: self.upright,
        });
    }
}

/// An upright strip without text between rows that have text on both sides of it.
struct Gutter {
    x: f64,
    first: usize,
    last: usize,
}

fn gutter(rows: &Rows<'_>) -> Option<Gutter> {
    let mut middles: Vec<f64> = Vec::new();
    for row in rows {
        middles.extend(row.iter().zip(row.iter().skip(1)).map(|(a, b)| (a.x1 + b.x0) / 2.0));
    }
    middles.sort_by(f64::total_cmp);
    let mut candidates: Vec<(usize, f64)> = middles
        .chunk_by(|a, b| b - a < 3.0)
        .filter_map(|near| Some((near.len(), *near.get(near.len() / 2)?)))
        .collect();
    candidates.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    candidates.truncate(MAX_CANDIDATES);
    let mut best: Option<(usize, f64, Gutter)> = None;
    for (_, x) in candidates {
        let mut run: Option<(usize, usize, usize, f64)> = None;
        for (number, row) in rows.iter().enumerate() {
            let left = row.iter().filter(|s| s.x1 <= x).map(|s| s.x1).fold(f64::MIN, f64::max);
            let right = row.iter().filter(|s| s.x0 >= x).map(|s| s.x0).fold(f64::MAX, f64::min);
            if row.iter().any(|s| s.x0 < x && s.x1 > x) {
                run = None;
                continue;
            }
            if left == f64::MIN || right == f64::MAX {
                continue;
            }
            let (first, both, width) = match run {
                Some((first, _, both, width)) => (first, both.saturating_add(1), (right - left).min(width)),
                None => (number, 1, right - left),
            };
            run = Some((first, number, both, width));
            let better = best.as_ref().is_none_or(|(b, w, _)| both > *b || (both == *b && width > *w));
            // A narrow one is soon made by chance, of the spaces of a few lines.
            let least = if width < 1.2 * row.first().map_or(0.0, |s| s.size) { 4 } else { 2 };
            if both >= least && better {
                best = Some((both, width, Gutter { x, first, last: number }));
            }
        }
    }
    best.map(|(_, _, gutter)| gutter)
}

/// Whether what lies left and right of a gutter is read one after the other, and not row by row.
fn is_columns(band: &Rows<'_>, x: f64) -> bool {
    let all = || band.iter().flatten().copied();
    let (left, right): (Vec<&Segment>, Vec<&Segment>) = all().partition(|s| s.x1 <= x);
    let has = |row: &Vec<&Segment>, left: bool| row.iter().any(|s| (s.x1 <= x) == left);
    let rows_of = |left: bool| band.iter().filter(|row| has(row, left)).count();
    let both = band.iter().filter(|row| has(row, true) && has(row, false)).count();
    let fewer = rows_of(true).min(rows_of(false));
    let words = |side: &[&Segment]| side.iter().map(|s| s.words).sum::<usize>() as f64 / side.len().max(1) as f64;
    let prose = words(&left).min(words(&right));
    let figures = |side: &[&Segment]| {
        let digits = |s: &&&Segment| s.text.chars().filter(char::is_ascii_digit).count() * 2 >= s.text.chars().count();
        side.iter().filter(digits).count() * 2 >= side.len()
    };
    // How often the file goes from one side to the other.
    let mut in_order: Vec<&Segment> = all().collect();
    in_order.sort_by_key(|s| s.order);
    let changes = in_order.windows(2).filter(|pair| matches!(pair, [a, b] if (a.x1 <= x) != (b.x1 <= x))).count();
    if changes <= 1 + fewer / 8 && fewer >= 2 {
        return !(figures(&left) || figures(&right)) || prose >= 3.0;
    }
    let aligned = both * 10 >= fewer * 6;
    let fills = |side: &[&Segment]| {
        let width =
            side.iter().map(|s| s.x1).fold(f64::MIN, f64::max) - side.iter().map(|s| s.x0).fold(f64::MAX, f64::min);
        side.iter().map(|s| s.x1 - s.x0).sum::<f64>() / side.len().max(1) as f64 > 0.5 * width
    };
    (!aligned && prose >= 2.0) || (prose >= 3.0 && fills(&left) && fills(&right))
}
