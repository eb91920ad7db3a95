//! Accents that are set as signs of their own over or under a letter, as TeX does without accented letters in its fonts.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::geometry::Matrix;
use super::page::Glyph;

/// A full stop under a letter.
const DOT_BELOW: char = '\u{323}';

/// The mark that a sign is over a letter.
fn mark(text: &str) -> Option<char> {
    let mut chars = text.trim().chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return None };
    Some(match c {
        '`' | '\u{2cb}' => '\u{300}',
        '´' | '\u{2ca}' => '\u{301}',
        '^' | 'ˆ' => '\u{302}',
        '~' | '˜' => '\u{303}',
        '¯' | '\u{2c9}' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '˚' => '\u{30a}',
        '˝' => '\u{30b}',
        'ˇ' => '\u{30c}',
        '.' => DOT_BELOW,
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        _ => return None,
    })
}

/// What glyphs show together with the accents drawn over them, by their places; an accent that is part of a letter shows
/// nothing by itself.
pub fn composed(glyphs: &[&Glyph], turn: Matrix) -> HashMap<usize, String> {
    let mut composed: HashMap<usize, String> = HashMap::new();
    for (at, accent) in glyphs.iter().enumerate() {
        let Some(mark) = mark(&accent.text) else { continue };
        let is_base =
            |other: &usize| glyphs.get(*other).is_some_and(|base| is_over(accent, base, turn, mark == DOT_BELOW));
        // The file has the accent before its letter, or behind it.
        let near = [at.checked_add(1), at.checked_sub(1)].into_iter().flatten();
        let Some(found) = near.filter(|other| !composed.contains_key(other)).find(is_base) else { continue };
        let Some(base) = glyphs.get(found) else { continue };
        let undotted = base.text.trim().replace('ı', "i").replace('ȷ', "j");
        composed.insert(found, undotted.chars().chain([mark]).nfc().collect());
        composed.insert(at, String::new());
    }
    composed
}

/// Whether a sign stands over, or clearly `below`, the middle of a letter.
fn is_over(accent: &Glyph, base: &Glyph, turn: Matrix, below: bool) -> bool {
    let mut letters = base.text.trim().chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return false };
    let place = |glyph: &Glyph| {
        let (at, along) = (turn.point(glyph.at.x, glyph.at.y), turn.vector(glyph.advance.x, glyph.advance.y).x);
        (at.x, at.x + along, at.y)
    };
    let ((from, to, height), (x0, x1, y)) = (place(accent), place(base));
    let middle = (from + to) / 2.0;
    let slack = 0.15 * (x1 - x0);
    letter.is_alphabetic()
        && accent.size < 1.5 * base.size
        && base.size < 1.5 * accent.size
        && middle > x0 + slack
        && middle < x1 - slack
        && (height - y).abs() < 0.5 * base.size
        && (!below || height < y - 0.1 * base.size)
}
