//! From glyphs to words: by their places alone, as an eye reads them, with the spaces that the file has as a help.

use std::collections::HashMap;

use super::accents;
use super::bidi::is_rtl;
use super::geometry::Matrix;
use super::page::Glyph;

/// A gap of this share of the size parts two words. Kerning stays below, the narrowest space of a justified line above.
pub const GAP: f64 = 0.14;

/// Directions of one page that are told apart.
const MAX_DIRECTIONS: usize = 64;

#[derive(Debug, Clone)]
pub struct Word {
    pub text: String,
    pub x0: f64,
    pub x1: f64,
    pub y: f64,
    pub size: f64,
    /// Place in the order of the file, by glyphs.
    pub order: usize,
    /// Place in the order of the file, by words.
    pub index: usize,
    pub space_after: bool,
}

/// Text that runs in one direction, turned so that it runs to the right.
#[derive(Debug)]
pub struct Direction {
    pub degrees: i32,
    pub words: Vec<Word>,
    pub letters: usize,
}

/// Words of each direction, the one with most letters first.
pub fn words(glyphs: &[Glyph]) -> Vec<Direction> {
    let mut by_angle: Vec<(i32, Vec<&Glyph>)> = Vec::new();
    let mut last = 0;
    for glyph in glyphs.iter().filter(|glyph| !glyph.hidden && !glyph.outside && !glyph.text.is_empty()) {
        let angle = glyph.advance.y.atan2(glyph.advance.x).to_degrees().round() as i32;
        // What takes no room of its own stands in the line of its neighbour.
        let angle = if glyph.advance.length() < 0.01 * glyph.size { last } else { angle.rem_euclid(360) };
        last = angle;
        let known = by_angle.iter().position(|(known, _)| *known == angle);
        match known.or((by_angle.len() >= MAX_DIRECTIONS).then_some(0)).and_then(|at| by_angle.get_mut(at)) {
            Some((_, group)) => group.push(glyph),
            None => by_angle.push((angle, vec![glyph])),
        }
    }
    let direction = |(degrees, glyphs): (i32, Vec<&Glyph>)| Direction {
        degrees,
        letters: glyphs.len(),
        words: of_direction(&glyphs, Matrix::turned(-f64::from(degrees))),
    };
    let mut directions: Vec<Direction> = by_angle.into_iter().map(direction).collect();
    directions.sort_by_key(|direction| std::cmp::Reverse(direction.letters));
    directions
}

fn of_direction(glyphs: &[&Glyph], turn: Matrix) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut seen = Seen::default();
    let composed = accents::composed(glyphs, turn);
    // A space that the file has: where it begins, how wide it is.
    let mut space: Option<(f64, f64)> = None;
    let mut place = Place::default();
    for (order, glyph) in glyphs.iter().enumerate() {
        let at = turn.point(glyph.at.x, glyph.at.y);
        let along = turn.vector(glyph.advance.x, glyph.advance.y).x;
        let (x0, x1) = (at.x.min(at.x + along), at.x.max(at.x + along));
        let shown = composed.get(&order).map_or(&*glyph.text, String::as_str);
        if shown.is_empty() {
            continue;
        }
        if shown.trim().is_empty() {
            if let Some(word) = words.last_mut().filter(|word| (word.y - at.y).abs() < 0.5 * word.size) {
                space = Some((word.x1, along));
                word.space_after = true;
            }
            continue;
        }
        if seen.again(glyph, at.x, at.y) {
            continue;
        }
        let leftward = shown.chars().any(is_rtl);
        if let Some(word) = words.last_mut() {
            // What is read to the left may be drawn to the left as well.
            let to_left = leftward && x0 + x1 < place.x0 + place.x1 - 0.02 * word.size;
            let gap = if to_left { word.x0 - x1 } else { x0 - word.x1 };
            let alike = glyph.size < 1.2 * word.size && word.size < 1.2 * glyph.size;
            let on_line = (at.y - word.y).abs() < 0.12 * word.size;
            // A space that is taken back at once parts nothing.
            let spaced = space.is_some_and(|(_, width)| gap > 0.02 * word.size || width < 0.1 * word.size);
            let is_near =
                gap < GAP * word.size && (gap > -0.5 * word.size || (leftward && x1 > word.x0 && x0 < word.x1));
            if alike && on_line && !spaced && is_near {
                place.put(&mut word.text, shown, to_left);
                (place.x0, place.x1) = (x0, x1);
                word.x0 = word.x0.min(x0);
                word.x1 = word.x1.max(x1);
                word.space_after = false;
                continue;
            }
            if !spaced {
                word.space_after &= gap > 0.02 * word.size || !on_line;
            }
        }
        space = None;
        let mut text = String::new();
        place = Place { x0, x1, ..Place::default() };
        place.put(&mut text, shown, false);
        let index = words.len();
        words.push(Word { text, x0, x1, y: at.y, size: glyph.size, order, index, space_after: false });
    }
    words
}

/// Where the last glyph of a word stands: on the page, and in the word's text.
#[derive(Debug, Default)]
struct Place {
    x0: f64,
    x1: f64,
    start: usize,
    end: usize,
}

impl Place {
    /// Adds a glyph's text to a word, in which letters stand as they are seen, from left to right.
    fn put(&mut self, word: &mut String, glyph: &str, to_left: bool) {
        let mut text = String::new();
        push(&mut text, glyph);
        let is_mark = text.chars().all(unicode_normalization::char::is_combining_mark);
        // A mark belongs to the letter that was drawn before it.
        let at = if is_mark {
            self.end
        } else if to_left {
            self.start
        } else {
            word.len()
        };
        let at = at.min(word.len());
        word.insert_str(at, &text);
        if !is_mark {
            self.start = at;
        }
        self.end = at.saturating_add(text.len());
    }
}

/// Texts of glyphs stand in the order in which they are seen; those that are read to the left are turned round later.
fn push(word: &mut String, glyph: &str) {
    let glyph = glyph.trim();
    if glyph.chars().nth(1).is_some() && glyph.chars().any(is_rtl) {
        word.extend(glyph.chars().rev());
    } else {
        word.push_str(glyph);
    }
}

/// Glyphs that were drawn already: bold letters are imitated by drawing them again a little beside.
#[derive(Debug, Default)]
struct Seen {
    cells: HashMap<(i64, i64, char), Vec<(f64, f64)>>,
}

impl Seen {
    fn again(&mut self, glyph: &Glyph, x: f64, y: f64) -> bool {
        let Some(first) = glyph.text.chars().next() else { return false };
        let near = 0.12 * glyph.size;
        let cell = |n: f64| (n / glyph.size.max(0.1)).floor() as i64;
        for cx in cell(x - near)..=cell(x + near) {
            for cy in cell(y - near)..=cell(y + near) {
                let places = self.cells.get(&(cx, cy, first));
                if places.is_some_and(|p| p.iter().any(|(a, b)| (a - x).abs() < near && (b - y).abs() < near)) {
                    return true;
                }
            }
        }
        let places = self.cells.entry((cell(x), cell(y), first)).or_default();
        // Many in one place are a drawing.
        if places.len() < 64 {
            places.push((x, y));
        }
        false
    }
}
