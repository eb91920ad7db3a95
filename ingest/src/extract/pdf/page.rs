//! What a page shows: glyphs with their places, and what was painted before and after them.

use std::rc::Rc;

use super::geometry::{Point, Rect};
use super::state::{BLACK, Color, WHITE, alike};

/// Glyphs of one page; a page of a telephone book has some 20,000.
pub const MAX_GLYPHS: usize = 1_000_000;
/// Painted areas of one page that text is compared with.
const MAX_PAINTS: usize = 20_000;
/// Width of a line that is no area, in points.
const MAX_RULE: f64 = 3.0;
/// Comparisons of glyphs with areas, per document.
const MAX_COMPARED: u64 = 400_000_000;

#[derive(Debug, Clone)]
pub struct Glyph {
    /// Empty: the text of a neighbour stands for it too.
    pub text: Rc<str>,
    pub at: Point,
    /// To where the next glyph begins, without word spacing.
    pub advance: Point,
    pub size: f64,
    /// Place in the order of painting.
    pub order: u32,
    pub color: Color,
    /// Drawn without ink, as recognised text under the picture of a page is.
    pub no_ink: bool,
    pub hidden: bool,
    pub outside: bool,
}

impl Glyph {
    /// One without text that is written in black.
    pub fn plain(order: u32) -> Self {
        let nowhere = Point { x: 0.0, y: 0.0 };
        Self {
            text: Rc::from(""),
            at: nowhere,
            advance: nowhere,
            size: 10.0,
            order,
            color: BLACK,
            no_ink: false,
            hidden: false,
            outside: false,
        }
    }

    /// About the middle of what is seen of it.
    pub fn middle(&self) -> Point {
        let up = Point { x: -self.advance.y, y: self.advance.x };
        let length = up.length();
        let up = if length > 0.0 { 0.3 * self.size / length } else { 0.0 };
        Point {
            x: self.at.x + self.advance.x / 2.0 - self.advance.y * up,
            y: self.at.y + self.advance.y / 2.0 + self.advance.x * up,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Paint {
    area: Rect,
    /// `None`: an image, a pattern or a shape that is no rectangle.
    color: Color,
    covers: bool,
    order: u32,
}

#[derive(Debug, Default)]
pub struct Page {
    pub glyphs: Vec<Glyph>,
    paints: Vec<Paint>,
    /// Thin lines that part what stands on the page.
    pub rules: Vec<Rect>,
    /// Area of the largest image.
    largest_image: f64,
    pub order: u32,
    /// Codes without a known meaning, and all.
    pub unmapped: u64,
    pub codes: u64,
    /// Streams that can't be decoded.
    pub broken: u64,
    pub overflow: bool,
}

impl Page {
    pub fn next(&mut self) -> u32 {
        self.order = self.order.saturating_add(1);
        self.order
    }

    pub fn paint(&mut self, area: Rect, color: Color, covers: bool) {
        let order = self.next();
        if area.width() > 0.0 && area.height() > 0.0 && self.paints.len() < MAX_PAINTS {
            self.paints.push(Paint { area, color, covers, order });
        }
    }

    /// Notes a painted area that is but a line.
    pub fn rule(&mut self, area: Rect) {
        let (thin, long) = (area.width().min(area.height()), area.width().max(area.height()));
        if thin <= MAX_RULE && long > 8.0 && self.rules.len() < MAX_PAINTS {
            self.rules.push(area);
        }
    }

    pub fn image(&mut self, area: Rect, covers: bool) {
        self.largest_image = self.largest_image.max(area.area());
        self.paint(area, None, covers);
    }

    pub fn shows_picture(&self) -> bool {
        self.largest_image > 0.0
    }

    /// Decides which glyphs nobody sees. `area`: the visible part of the page.
    pub fn look(&mut self, area: Rect, compared: &mut u64) {
        // Text without ink over the picture of a page is what recognition read in it.
        let is_scan = self.largest_image >= 0.4 * area.area();
        let paints = &self.paints;
        for glyph in &mut self.glyphs {
            let middle = glyph.middle();
            glyph.outside |= !area.holds(middle, 0.25 * glyph.size);
            if glyph.no_ink {
                glyph.hidden |= !is_scan;
                continue;
            }
            // Smaller than a point is not meant to be read.
            glyph.hidden |= glyph.size < 1.0;
            if glyph.hidden || glyph.outside || *compared > MAX_COMPARED {
                continue;
            }
            *compared = compared.saturating_add(paints.len() as u64);
            let split = paints.partition_point(|paint| paint.order < glyph.order);
            let (before, after) = paints.split_at_checked(split).unwrap_or((paints, &[]));
            let below = before.iter().rev().find(|paint| paint.area.holds(middle, 0.0));
            let ground = below.map_or(WHITE, |paint| paint.color);
            glyph.hidden |= alike(glyph.color, ground);
            let is_covered = |paint: &Paint| paint.covers && paint.area.holds(middle, -0.05 * glyph.size);
            let covered = after.iter().find(|paint| is_covered(paint));
            // A picture of the whole page over text is a scan again.
            glyph.hidden |= covered.is_some_and(|paint| paint.color.is_some() || !is_scan);
        }
    }
}
