//! The order in which the segments of a page are read: bands, columns side by side, tables row by row.

use std::collections::BTreeMap;

use super::columns::{self, Gutter, Reading, Rows};
use super::geometry::Rect;
use super::rows::Segment;

const MAX_DEPTH: usize = 12;

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

#[derive(Debug, Default)]
pub struct Arranger<'r> {
    pub lines: Vec<Line>,
    region: usize,
    upright: bool,
    rules: &'r [Rect],
}

impl<'r> Arranger<'r> {
    /// `rules`: lines that are drawn in the direction that is arranged.
    pub fn arrange(&mut self, segments: &[Segment], rules: &'r [Rect], upright: bool) {
        self.rules = rules;
        self.upright = upright;
        let rows: Vec<Vec<&Segment>> =
            segments.chunk_by(|a, b| a.row == b.row).map(|row| row.iter().collect()).collect();
        self.divide(&rows, 0);
    }

    fn divide<'s>(&mut self, rows: &Rows<'s>, depth: usize) {
        let justified = Justified::of(rows);
        let found = if depth < MAX_DEPTH { columns::gutter(rows, |row| justified.has(row)) } else { None };
        let Some(Gutter { x, first, last }) = found else { return self.leaf(rows) };
        let part = |from: usize, to: usize| rows.get(from..to).unwrap_or_default();
        let band = part(first, last.saturating_add(1));
        match columns::reading(band, x, self.rules) {
            Reading::Columns => self.columns(rows, Gutter { x, first, last }, depth),
            Reading::Table(ends) => {
                let to = table_end(rows, x, last);
                self.divide(part(0, first), depth.saturating_add(1));
                self.table(part(first, to), &ends);
                self.divide(part(to, rows.len()), depth.saturating_add(1));
            }
        }
    }

    fn columns<'s>(&mut self, rows: &Rows<'s>, gutter: Gutter, depth: usize) {
        let Gutter { x, first, last } = gutter;
        let part = |from: usize, to: usize| rows.get(from..to).unwrap_or_default();
        // Lines that stand on one side only belong to the column that they stand in.
        let crosses = |row: &Vec<&Segment>| row.iter().any(|s| s.x0 < x && s.x1 > x);
        let from = (0..first).rev().take_while(|i| rows.get(*i).is_some_and(|r| !crosses(r))).last().unwrap_or(first);
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
    }

    /// Rows one below the other.
    fn leaf(&mut self, rows: &Rows<'_>) {
        self.region = self.region.saturating_add(1);
        let is_text = Justified::of(rows);
        for row in rows {
            self.line(row, is_text.has(row));
        }
    }

    /// A line; the gaps of one that is `justified` part words, however wide they are.
    fn line(&mut self, row: &[&Segment], justified: bool) {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
        let mut text = String::new();
        let mut end: Option<f64> = None;
        let mut is_row = false;
        for segment in row {
            let gap = end.map_or(0.0, |end| segment.x0 - end);
            if end.is_some() {
                let is_far = segment.ruled || (gap > 2.0 * segment.size && !justified);
                is_row |= is_far;
                text.push(if is_far { '\t' } else { ' ' });
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

    /// Rows of cells; `ends`: heights at which a row ends for certain.
    fn table(&mut self, rows: &Rows<'_>, ends: &[f64]) {
        self.region = self.region.saturating_add(1);
        let mut parts: BTreeMap<usize, Vec<&Segment>> = BTreeMap::new();
        for segment in rows.iter().flatten().copied() {
            parts.entry(columns::part(ends, segment)).or_default().push(segment);
        }
        for segments in parts.into_values() {
            match cells_of_one_row(&segments).filter(|_| !ends.is_empty()) {
                Some(cells) => self.row(cells),
                None => self.rows_of_cells(cells(segments)),
            }
        }
    }

    fn rows_of_cells(&mut self, mut cells: Vec<Vec<&Segment>>) {
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

/// Lines of a narrow column whose words were set apart until they filled it.
struct Justified {
    left: f64,
    right: f64,
    any: bool,
}

impl Justified {
    fn of(rows: &Rows<'_>) -> Self {
        let all = || rows.iter().flatten();
        let left = all().map(|s| s.x0).fold(f64::MAX, f64::min);
        let right = all().map(|s| s.x1).fold(f64::MIN, f64::max);
        let mut found = Self { left, right, any: true };
        found.any = rows.iter().any(|row| row.len() >= 3 && found.has(row));
        found
    }

    /// Whether a row of single words fills the column with gaps of one width. A single gap says so only beside others.
    fn has(&self, row: &[&Segment]) -> bool {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return false };
        let gaps = || row.iter().zip(row.iter().skip(1)).map(|(a, b)| b.x0 - a.x1);
        let widths = || row.iter().map(|s| s.x1 - s.x0);
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::MAX, 0.0), |(least, most): (f64, f64), n| (least.min(n), most.max(n)))
        };
        let ((least, most), (narrow, wide)) = (range(&mut gaps()), range(&mut widths()));
        self.any
            && first.x0 - self.left < 0.2 * first.size
            && self.right - last.x1 < 0.2 * last.size
            && most - least < 0.1 * most
            // Figures of one length stand as evenly in a table.
            && wide - narrow > 0.3 * first.size
            && row.iter().all(|s| !s.text.contains(' '))
    }
}

/// Behind which row a table ends whose last row with both sides is given: a cell may go on below it.
fn table_end(rows: &Rows<'_>, x: f64, last: usize) -> usize {
    let is_left = |s: &Segment| s.x1 <= x;
    let mut to = last.saturating_add(1);
    while let Some([only]) = rows.get(to).map(Vec::as_slice) {
        // What stands beside it may be level with another line.
        let near = || rows.get(to.saturating_sub(3)..to).unwrap_or_default().iter().rev().flatten();
        let Some(upper) = near().find(|s| is_left(s) == is_left(only)) else { break };
        let is_near = upper.y - only.y < 1.7 * only.size.max(upper.size);
        // Below the first cell stands what follows the table, unless the file has it before the cells beside it.
        let is_cell = only.x0 > x || (is_left(only) && near().any(|s| s.x0 > x && s.order > only.order));
        if !is_near || !is_cell {
            break;
        }
        to = to.saturating_add(1);
    }
    to
}

/// Lines that the file has one after the other, and that stand below each other, are one cell.
fn cells(mut segments: Vec<&Segment>) -> Vec<Vec<&Segment>> {
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
    cells
}

/// The cells of what may be one row, by the columns that they stand in; none where several rows of one line each stand
/// there.
fn cells_of_one_row<'s>(segments: &[&'s Segment]) -> Option<Vec<Vec<&'s Segment>>> {
    let mut by_place = segments.to_vec();
    by_place.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let mut cells: Vec<(f64, Vec<&Segment>)> = Vec::new();
    for segment in by_place {
        match cells.last_mut().filter(|(end, _)| segment.x0 < *end) {
            Some((end, cell)) => {
                *end = end.max(segment.x1);
                cell.push(segment);
            }
            None => cells.push((segment.x1, vec![segment])),
        }
    }
    let mut cells: Vec<Vec<&Segment>> = cells.into_iter().map(|(_, cell)| cell).collect();
    cells.iter_mut().for_each(|cell| cell.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x0.total_cmp(&b.x0))));
    let (first, rest) = cells.split_first()?;
    let is_level =
        rest.iter().all(|cell| cell.len() == first.len() && cell.iter().zip(first).all(|(a, b)| a.row == b.row));
    let by_rows = rest.iter().all(|cell| cell.iter().zip(first.iter().skip(1)).all(|(a, below)| a.order < below.order));
    (first.len() <= 1 || !is_level || !by_rows || rest.is_empty()).then_some(cells)
}
