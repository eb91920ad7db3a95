//! Operators that place and show text, and those of paths, which hide or uncover it.

use std::rc::Rc;

use super::super::super::ExtractError;
use super::super::geometry::{Matrix, Point};
use super::super::lexer::Token;
use super::super::page::{Glyph, MAX_GLYPHS};
use super::super::path::Path;
use super::super::state::{WHITE, alike};
use super::Run;

/// What of a path is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    All,
    /// What an odd number of its parts encloses.
    EvenOdd,
}

impl Run<'_, '_> {
    pub(super) fn text_operator(
        &mut self,
        word: &[u8],
        operands: &[Token<'_>],
        numbers: &[f64],
    ) -> Result<(), ExtractError> {
        let text = operands.last().and_then(Token::text);
        match (word, numbers) {
            (b"Tc", &[space]) => self.state.char_space = space,
            (b"Tw", &[space]) => self.state.word_space = space,
            (b"Tz", &[percent]) => self.state.stretch = percent / 100.0,
            (b"TL", &[leading]) => self.state.leading = leading,
            (b"Ts", &[rise]) => self.state.rise = rise,
            (b"Tr", &[mode]) => self.state.mode = mode as u8,
            (b"Tf", _) => self.choose_font(operands, numbers)?,
            (b"Td", &[x, y]) => self.move_line(x, y),
            (b"TD", &[x, y]) => {
                self.state.leading = -y;
                self.move_line(x, y);
            }
            (b"Tm", &[a, b, c, d, e, f]) => {
                self.line = Matrix::of([a, b, c, d, e, f]);
                self.text = self.line;
            }
            (b"T*", _) => self.next_line(),
            (b"Tj", _) => self.show(text.unwrap_or_default())?,
            (b"'", _) => {
                self.next_line();
                self.show(text.unwrap_or_default())?;
            }
            (b"\"", _) => {
                if let &[word_space, char_space] = numbers {
                    (self.state.word_space, self.state.char_space) = (word_space, char_space);
                }
                self.next_line();
                self.show(text.unwrap_or_default())?;
            }
            (b"TJ", _) => {
                for item in operands
                    .iter()
                    .filter_map(|o| if let Token::Array(items) = o { Some(items) } else { None })
                    .flatten()
                {
                    match item {
                        Token::Text(text) => self.show(text)?,
                        Token::Number(back) => self.kern(*back),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn choose_font(&mut self, operands: &[Token<'_>], numbers: &[f64]) -> Result<(), ExtractError> {
        let Some(name) = operands.first().and_then(Token::name) else { return Ok(()) };
        self.state.size = numbers.first().copied().unwrap_or(0.0);
        if let Some(known) = self.local.get(name) {
            self.state.font = Some(known.clone());
            return Ok(());
        }
        let font = match self.resource(b"Font", name) {
            Some(object) => Some(self.engine.font(object)?),
            None => None,
        };
        if let Some(font) = &font
            && self.local.len() < 1_000
        {
            self.local.insert(name.to_vec(), font.clone());
        }
        self.state.font = font;
        Ok(())
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::moved(x, y).then(self.line);
        self.text = self.line;
    }

    fn next_line(&mut self) {
        self.move_line(0.0, -self.state.leading);
    }

    fn kern(&mut self, back: f64) {
        let vertical = self.state.font.as_ref().is_some_and(|font| font.vertical);
        let by = -back / 1000.0 * self.state.size;
        self.text =
            if vertical { Matrix::moved(0.0, by) } else { Matrix::moved(by * self.state.stretch, 0.0) }.then(self.text);
    }

    fn show(&mut self, bytes: &[u8]) -> Result<(), ExtractError> {
        let Some(font) = self.state.font.clone() else {
            self.page.codes = self.page.codes.saturating_add(bytes.len() as u64);
            self.page.unmapped = self.page.unmapped.saturating_add(bytes.len() as u64);
            return Ok(());
        };
        let state = &self.state;
        let (fills, strokes) = (matches!(state.mode, 0 | 2 | 4 | 6), matches!(state.mode, 1 | 2 | 5 | 6));
        let is_clear =
            (!fills || state.fill_alpha < 0.02) && (!strokes || state.stroke_alpha < 0.02) && state.mode != 7;
        let no_ink = state.mode == 3 || is_clear;
        let hidden = self.is_hidden();
        let color = match (fills, strokes) {
            (true, false) => state.fill,
            (false, true) => state.stroke,
            // Either may be seen; clipping shows what is painted through it.
            _ => state.fill.filter(|_| state.fill == state.stroke),
        };
        let (size, stretch, clip) = (state.size, state.stretch, state.clip);
        let (char_space, word_space) = (state.char_space, state.word_space);
        let set = Matrix { a: size * stretch, d: size, f: state.rise, ..Matrix::ONE };
        let ctm = state.ctm;
        // Letters set apart belong together; where a string has but a few, the space is one between words.
        let own_space = if bytes.len() >= 4 { char_space } else { char_space.min(0.0) };
        let is_explained = self.marks.iter().any(|mark| mark.actual.is_some());
        let order = self.page.next();
        let page = &mut *self.page;
        let mut text = self.text;
        font.each(bytes, |code| {
            let place = set.then(text).then(ctm);
            let (advance, spaced) = if font.vertical {
                let down = code.advance * size - char_space;
                (
                    place.vector(0.0, code.advance),
                    Point { x: 0.0, y: down - if code.is_space { word_space } else { 0.0 } },
                )
            } else {
                let glyph = code.advance * size + char_space;
                let along = glyph + if code.is_space { word_space } else { 0.0 };
                let seen = if size == 0.0 { 0.0 } else { code.advance + own_space / size };
                (place.vector(seen, 0.0), Point { x: along * stretch, y: 0.0 })
            };
            text = Matrix::moved(spaced.x, spaced.y).then(text);
            page.codes = page.codes.saturating_add(1);
            let said = match code.text {
                Some(said) => said,
                None => {
                    page.unmapped = page.unmapped.saturating_add(1);
                    // Somebody may have said what it stands for.
                    if !is_explained {
                        return;
                    }
                    Rc::from("")
                }
            };
            let at = place.point(0.0, 0.0);
            let height = place.vector(0.0, font.em).length();
            if !(at.x.is_finite() && at.y.is_finite() && height.is_finite()) || page.glyphs.len() >= MAX_GLYPHS {
                page.overflow |= page.glyphs.len() >= MAX_GLYPHS;
                return;
            }
            let mut glyph =
                Glyph { text: said, at, advance, size: height, order, color, no_ink, hidden, outside: false };
            glyph.hidden |= !clip.holds(glyph.middle(), 0.3 * height);
            page.glyphs.push(glyph);
        });
        self.text = text;
        if self.page.overflow {
            return Err(ExtractError::Limit(format!("more than {MAX_GLYPHS} characters on a page")));
        }
        Ok(())
    }

    /// Whether the operator is one of paths.
    pub(super) fn draw_path(&mut self, word: &[u8], numbers: &[f64]) -> bool {
        let ctm = self.state.ctm;
        match (word, numbers) {
            (b"re", &[x, y, width, height]) => self.path.rect(ctm, [x, y, width, height]),
            (b"m", &[x, y]) => self.path.point(ctm, x, y),
            (b"l", &[x, y]) => self.path.line(ctm, x, y),
            (b"c", &[a, b, c, d, e, f]) => {
                self.path.odd = true;
                [(a, b), (c, d), (e, f)].into_iter().for_each(|(x, y)| self.path.point(ctm, x, y));
            }
            (b"v" | b"y", &[a, b, c, d]) => {
                self.path.odd = true;
                [(a, b), (c, d)].into_iter().for_each(|(x, y)| self.path.point(ctm, x, y));
            }
            (b"h", _) => {}
            (b"W" | b"W*", _) => self.path.clips = true,
            (b"n", _) => self.end_path(None),
            (b"S" | b"s", _) => {
                self.stroke();
                self.end_path(None);
            }
            (b"f" | b"F", _) => self.end_path(Some(Fill::All)),
            (b"f*", _) => self.end_path(Some(Fill::EvenOdd)),
            (b"B" | b"b", _) => {
                self.stroke();
                self.end_path(Some(Fill::All));
            }
            (b"B*" | b"b*", _) => {
                self.stroke();
                self.end_path(Some(Fill::EvenOdd));
            }
            _ => return false,
        }
        true
    }

    fn stroke(&mut self) {
        if !self.is_hidden() && self.state.stroke_alpha > 0.02 && !alike(self.state.stroke, WHITE) {
            let clip = self.state.clip;
            self.path.strokes().for_each(|line| self.page.rule(line.and(clip)));
        }
    }

    fn end_path(&mut self, fill: Option<Fill>) {
        let path = std::mem::take(&mut self.path);
        if let Some(fill) = fill
            && !self.is_hidden()
            && self.state.fill_alpha > 0.02
        {
            let solid = self.state.plain && self.state.fill_alpha > 0.95;
            let color = if solid { self.state.fill } else { None };
            let frames = if fill == Fill::EvenOdd && !path.odd { path.frames() } else { None };
            let rects = frames.unwrap_or_else(|| path.rects());
            if (rects.is_empty() || path.odd)
                && let Some(bounds) = path.bounds()
            {
                self.page.paint(bounds.and(self.state.clip), None, false);
            }
            for rect in rects {
                if !alike(self.state.fill, WHITE) {
                    self.page.rule(rect.and(self.state.clip));
                }
                self.page.paint(rect.and(self.state.clip), color, solid && color.is_some());
            }
        }
        if path.clips {
            self.clip(&path);
        }
    }

    fn clip(&mut self, path: &Path) {
        if let Some(bounds) = path.bounds() {
            self.state.clip = self.state.clip.and(bounds);
        }
    }
}
