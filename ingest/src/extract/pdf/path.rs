//! Painted and clipping paths, as far as they hide or uncover text: rectangles exactly, other shapes by their bounds.

use super::geometry::{Matrix, Point, Rect};

/// Points of one path that are looked at, and rectangles.
const MAX_POINTS: usize = 100_000;
const MAX_RECTS: usize = 1_000;

#[derive(Debug, Default)]
pub struct Path {
    points: Vec<Point>,
    rects: Vec<Rect>,
    /// Straight pieces that stand upright or lie level.
    lines: Vec<Rect>,
    /// It has parts that are no upright rectangles.
    pub odd: bool,
    pub clips: bool,
}

impl Path {
    pub fn rect(&mut self, ctm: Matrix, [x, y, width, height]: [f64; 4]) {
        if self.rects.len() < MAX_RECTS && ctm.keeps_upright() {
            self.rects.push(ctm.around(Rect::of([x, y, x + width, y + height])));
        } else {
            for (x, y) in [(x, y), (x + width, y + height), (x + width, y), (x, y + height)] {
                self.point(ctm, x, y);
            }
            self.odd = true;
        }
    }

    pub fn point(&mut self, ctm: Matrix, x: f64, y: f64) {
        if self.points.len() < MAX_POINTS {
            self.points.push(ctm.point(x, y));
        }
    }

    /// A straight line to here from the last point.
    pub fn line(&mut self, ctm: Matrix, x: f64, y: f64) {
        let from = self.points.last().copied();
        self.point(ctm, x, y);
        if let (Some(from), Some(to)) = (from, self.points.last())
            && ((from.x - to.x).abs() < 0.1 || (from.y - to.y).abs() < 0.1)
            && self.lines.len() < MAX_RECTS
        {
            self.lines.push(Rect::of_points([from, *to]));
        }
    }

    /// Lines that a pen draws along the path.
    pub fn strokes(&self) -> impl Iterator<Item = Rect> {
        let edges = |r: &Rect| {
            let Rect { x0, y0, x1, y1 } = *r;
            [[x0, y0, x1, y0], [x0, y1, x1, y1], [x0, y0, x0, y1], [x1, y0, x1, y1]].map(Rect::of)
        };
        self.lines.iter().copied().chain(self.rects.iter().flat_map(edges))
    }

    /// What is filled when areas that lie inside others are not: the frames around them. Nothing where none does.
    pub fn frames(&self) -> Option<Vec<Rect>> {
        let holds = |a: &Rect, b: &Rect| a.x0 <= b.x0 && a.y0 <= b.y0 && a.x1 >= b.x1 && a.y1 >= b.y1;
        let pairs = self.rects.chunks(2).map(|pair| match pair {
            [a, b] if holds(a, b) => Some((*a, *b)),
            [a, b] if holds(b, a) => Some((*b, *a)),
            _ => None,
        });
        let pairs = pairs.collect::<Option<Vec<_>>>().filter(|pairs| !pairs.is_empty())?;
        let frame = |(out, inner): (Rect, Rect)| {
            [
                [out.x0, out.y0, out.x1, inner.y0],
                [out.x0, inner.y1, out.x1, out.y1],
                [out.x0, inner.y0, inner.x0, inner.y1],
                [inner.x1, inner.y0, out.x1, inner.y1],
            ]
            .map(Rect::of)
        };
        Some(pairs.into_iter().flat_map(frame).collect())
    }

    /// The rectangles of the path; those that lines drew are found by their corners.
    pub fn rects(&self) -> Vec<Rect> {
        let mut rects = self.rects.clone();
        if !self.odd && (4..=5).contains(&self.points.len()) {
            let around = Rect::of_points(self.points.iter().copied());
            let near = |a: f64, b: f64| (a - b).abs() < 1e-3;
            let is_corner = |p: &Point| {
                (near(p.x, around.x0) || near(p.x, around.x1)) && (near(p.y, around.y0) || near(p.y, around.y1))
            };
            if self.points.iter().all(is_corner) {
                rects.push(around);
            }
        }
        rects
    }

    /// Bounds of all that the path encloses.
    pub fn bounds(&self) -> Option<Rect> {
        let corners = self.rects.iter().flat_map(|r| [Point { x: r.x0, y: r.y0 }, Point { x: r.x1, y: r.y1 }]);
        let bounds = Rect::of_points(self.points.iter().copied().chain(corners));
        (bounds.x0 <= bounds.x1).then_some(bounds)
    }
}
