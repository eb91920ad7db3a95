//! What the codes of simple fonts stand for: named encodings, names of glyphs, and the character sets of East Asia.

use std::cell::RefCell;
use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object};
use unicode_normalization::UnicodeNormalization;

use super::metrics;

pub type Table = Vec<Option<String>>;

/// Tables that the parser's library keeps, asked through a font that has them.
pub struct Names {
    empty: Document,
    known: RefCell<HashMap<Vec<u8>, Option<String>>>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    pub fn new() -> Self {
        Self { empty: Document::new(), known: RefCell::default() }
    }

    /// The characters of the codes 0 to 255.
    pub fn encoding(&self, name: &[u8]) -> Table {
        let mut font = Dictionary::new();
        font.set("Type", Object::Name(b"Font".to_vec()));
        font.set("Encoding", Object::Name(name.to_vec()));
        let Ok(encoding) = font.get_font_encoding(&self.empty) else { return vec![None; 256] };
        (0..=255u8).map(|code| encoding.bytes_to_string(&[code]).ok().and_then(|text| meant(&text))).collect()
    }

    /// The text of a glyph's name, by the rules of Adobe's list.
    pub fn glyph(&self, name: &[u8]) -> Option<String> {
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        let found = self.look_up(name);
        let mut known = self.known.borrow_mut();
        if known.len() < 100_000 {
            known.insert(name.to_vec(), found.clone());
        }
        found
    }

    fn look_up(&self, name: &[u8]) -> Option<String> {
        let name = std::str::from_utf8(name).ok()?;
        // What follows a full stop is a variant of the glyph; an underscore joins the parts of a ligature.
        let stem = name.split('.').next().filter(|stem| !stem.is_empty())?;
        let parts: Option<Vec<String>> = stem.split('_').map(|part| self.part(part)).collect();
        meant(&parts?.concat())
    }

    fn part(&self, name: &str) -> Option<String> {
        if let Some(listed) = self.listed(name.as_bytes()) {
            return Some(listed);
        }
        let hex = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(digits) = name.strip_prefix("uni").filter(|d| is_hex(d) && d.len() >= 4 && d.len() % 4 == 0) {
            let units = digits.as_bytes().chunks(4).filter_map(|d| std::str::from_utf8(d).ok());
            let units = units.filter_map(|d| u16::from_str_radix(d, 16).ok());
            return char::decode_utf16(units).collect::<Result<String, _>>().ok();
        }
        if let Some(digits) = name.strip_prefix('u').filter(|d| is_hex(d) && (4..=6).contains(&d.len())) {
            return hex(digits).map(String::from);
        }
        None
    }

    fn listed(&self, name: &[u8]) -> Option<String> {
        let mut difference = Dictionary::new();
        difference.set("Differences", vec![Object::Integer(0), Object::Name(name.to_vec())]);
        let mut font = Dictionary::new();
        font.set("Type", Object::Name(b"Font".to_vec()));
        font.set("Encoding", difference);
        let encoding = font.get_font_encoding(&self.empty).ok()?;
        encoding.bytes_to_string(&[0]).ok().filter(|text| !text.is_empty())
    }
}

/// Text as it is meant: ligatures and forms of letters that only typesetting knows become the letters; what has no
/// meaning by itself (controls, private characters) is none.
pub fn meant(text: &str) -> Option<String> {
    let is_form = |c: char| matches!(c, '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fd5}');
    let no_meaning = |c: char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
            || matches!(c, '\u{fff0}'..='\u{fff8}' | '\u{fffe}' | '\u{ffff}')
    };
    if text.is_empty() || text.chars().any(no_meaning) {
        return None;
    }
    if text.chars().any(is_form) {
        return Some(text.chars().flat_map(|c| if is_form(c) { c.nfkc().collect() } else { vec![c] }).collect());
    }
    Some(text.to_owned())
}

/// Whether a font's letters are signs, by its name.
pub fn is_of_signs(font: &str) -> bool {
    let font = font.to_ascii_lowercase();
    ["opensymbol", "starsymbol", "wingdings", "webdings", "dingbats", "symbol"].iter().any(|name| font.contains(name))
}

/// What a private character of such a font shows.
pub fn sign(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return None };
    let shown = match u32::from(c) {
        0xf06c | 0xf09f | 0xf0b7 => '•',
        0xf06e | 0xf0a7 => '▪',
        0xf0a8 | 0xf06f | 0xf071 => '□',
        0xf075 | 0xf076 => '◆',
        0xf0d8 => '➢',
        0xf0e0 => '→',
        0xf0fb => '✗',
        0xf0fc => '✓',
        0xf0fe => '☑',
        // The bullets that office programs offer.
        0xe000..=0xe00f => '•',
        _ => return None,
    };
    Some(shown.to_string())
}

/// Fonts of signs have an encoding of their own.
pub fn of_signs(font: &str) -> Option<Table> {
    let from = |pick: fn(u8) -> Option<u32>| {
        let table = (0..=255u8).map(|code| pick(code).filter(|c| *c != 0).and_then(char::from_u32).map(String::from));
        table.collect::<Table>()
    };
    let font = font.to_ascii_lowercase();
    if font.contains("dingbats") && !font.contains("wingdings") {
        return Some(from(|code| match code {
            0x20 => Some(0x20),
            0x21..=0x7e => Some(u32::from(code).saturating_add(0x26e0)),
            0xa1..=0xfe => Some(u32::from(code).saturating_add(0x26c0)),
            _ => None,
        }));
    }
    (font == "symbol" || font.starts_with("symbol,") || font.starts_with("symbolmt")).then(|| {
        from(|code| {
            let at = usize::from(code).checked_sub(32)?;
            metrics::SYMBOL.get(at).copied().map(u32::from)
        })
    })
}

/// The character set of a predefined CMap, by its name.
pub fn legacy(cmap: &str) -> Option<&'static encoding_rs::Encoding> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|p| cmap.starts_with(p));
    if starts(&["GB-", "GBK", "GBpc", "GBT"]) {
        Some(encoding_rs::GBK)
    } else if starts(&["B5", "ETen", "ETHK", "HKscs", "CNS"]) {
        Some(encoding_rs::BIG5)
    } else if cmap.contains("RKSJ") {
        Some(encoding_rs::SHIFT_JIS)
    } else if starts(&["KSC"]) {
        Some(encoding_rs::EUC_KR)
    } else if starts(&["EUC-"]) {
        Some(encoding_rs::EUC_JP)
    } else {
        None
    }
}

/// Bytes of the next character in one of these sets.
pub fn legacy_length(set: &'static encoding_rs::Encoding, bytes: &[u8]) -> usize {
    let is_single = |b: u8| b < 0x81 || (set == encoding_rs::SHIFT_JIS && (0xa0..=0xdf).contains(&b)) || b == 0xff;
    match bytes {
        [first, _, ..] if !is_single(*first) => 2,
        _ => 1,
    }
}
