//! Painted and clipping paths, as far as they hide or uncover text: rectangles exactly, other shapes by their bounds.

use super::geometry::{Matrix, Point, Rect};

/// Points of one path that are looked at, and rectangles.
const MAX_POINTS: usize = 100_000;
const MAX_RECTS: usize = 1_000;

#[derive(Debug, Default)]
pub struct Path {
    points: Vec<Point>,
    rects: Vec<Rect>,
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
