//! What an embedded font says about its own glyphs: the encoding of a Type 1 program, the tables of a TrueType one.

use std::collections::HashMap;

use lopdf::{Dictionary, Object};

use super::super::ExtractError;
use super::cff;
use super::encoding::{Names, Table, meant};
use super::file::File;
use super::lexer::{Lexer, Token};

/// Glyphs of one font; their numbers have two bytes.
const MAX_GLYPHS: usize = 65_536;

/// An embedded program by its key, or nothing where it can't be decoded: the text may be known without it.
fn embedded(file: &File, font: &Dictionary, key: &[u8]) -> Result<Option<Vec<u8>>, ExtractError> {
    let descriptor = file.dict(font, b"FontDescriptor");
    let Some(Object::Stream(stream)) = descriptor.and_then(|d| file.get(d, key)) else { return Ok(None) };
    match file.bytes(stream) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ExtractError::Broken(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Text of the glyphs of a composite font by number, where the program has a table of characters.
pub fn glyphs(file: &File, descendant: &Dictionary) -> Result<HashMap<u32, String>, ExtractError> {
    let Some(program) = embedded(file, descendant, b"FontFile2")? else { return Ok(HashMap::new()) };
    let by_glyph = TrueType { bytes: &program }.characters();
    let Some(Object::Stream(map)) = file.get(descendant, b"CIDToGIDMap") else { return Ok(by_glyph) };
    let map = file.bytes(map)?;
    let glyphs = map.chunks_exact(2).map(|pair| by_glyph.get(&super::cmap::number(pair)).cloned());
    Ok((0..).zip(glyphs).filter_map(|(cid, text)| Some((cid, text?))).collect())
}

/// The encoding that a simple font's program brings along.
pub fn encoding(file: &File, names: &Names, font: &Dictionary) -> Result<Option<Table>, ExtractError> {
    if let Some(program) = embedded(file, font, b"FontFile")? {
        return Ok(type1(&program, names));
    }
    if let Some(program) = embedded(file, font, b"FontFile3")? {
        let glyphs = cff::encoding(&program);
        return Ok(glyphs.map(|g| g.iter().map(|name| names.glyph(name.as_deref()?.as_bytes())).collect()));
    }
    if let Some(program) = embedded(file, font, b"FontFile2")? {
        return Ok(TrueType { bytes: &program }.encoding());
    }
    Ok(None)
}

/// `dup 65 /A put` in the part of a Type 1 program that is not encrypted.
fn type1(program: &[u8], names: &Names) -> Option<Table> {
    let end = program.windows(5).position(|w| w == b"eexec").unwrap_or(program.len());
    let head = program.get(..end)?;
    let start = head.windows(9).position(|w| w == b"/Encoding")?;
    let tokens: Vec<Token<'_>> = Lexer::new(head.get(start..)?).take(8_192).collect();
    if matches!(tokens.get(1), Some(Token::Word(b"StandardEncoding"))) {
        return Some(names.encoding(b"StandardEncoding"));
    }
    let mut table = vec![None; 256];
    for four in tokens.windows(4) {
        if let [Token::Word(b"dup"), Token::Number(code), Token::Name(name), Token::Word(b"put")] = four
            && let Some(place) = table.get_mut(*code as usize)
        {
            *place = names.glyph(name);
        }
        if matches!(four, [Token::Word(b"readonly" | b"def"), Token::Word(b"def") | Token::Name(_), ..])
            && table.iter().any(Option::is_some)
        {
            break;
        }
    }
    Some(table)
}

struct TrueType<'a> {
    bytes: &'a [u8],
}

impl TrueType<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let pair = self.bytes.get(at..at.checked_add(2)?)?;
        Some(u16::from_be_bytes([*pair.first()?, *pair.get(1)?]))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from(self.u16(at)?) << 16 | u32::from(self.u16(at.checked_add(2)?)?))
    }

    fn table(&self, tag: &[u8]) -> Option<usize> {
        let count = usize::from(self.u16(4)?);
        let entry = (0..count.min(256)).map(|i| 12usize.saturating_add(i.saturating_mul(16)));
        let found = entry.into_iter().find(|at| self.bytes.get(*at..at.saturating_add(4)) == Some(tag))?;
        self.u32(found.saturating_add(8)).map(|at| at as usize)
    }

    /// Where the subtable of a platform and an encoding begins.
    fn characters_of(&self, platform: u16, encodings: &[u16]) -> Option<usize> {
        let cmap = self.table(b"cmap")?;
        let count = usize::from(self.u16(cmap.checked_add(2)?)?);
        (0..count.min(64)).find_map(|i| {
            let at = cmap.checked_add(4)?.checked_add(i.checked_mul(8)?)?;
            let fits = self.u16(at)? == platform && encodings.contains(&self.u16(at.checked_add(2)?)?);
            fits.then(|| cmap.checked_add(self.u32(at.checked_add(4)?)? as usize)).flatten()
        })
    }

    /// Pairs of character and glyph of a subtable.
    fn pairs(&self, at: usize) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        let mut put = |code: u32, glyph: u32| {
            if glyph != 0 && pairs.len() < MAX_GLYPHS {
                pairs.push((code, glyph));
            }
        };
        let read = |offset: usize| self.u16(at.saturating_add(offset)).map(usize::from);
        match read(0) {
            Some(0) => {
                for code in 0..256usize {
                    let glyph = self.bytes.get(at.saturating_add(6).saturating_add(code));
                    put(code as u32, glyph.copied().unwrap_or(0).into());
                }
            }
            Some(4) => {
                let double = read(6).unwrap_or(0);
                let mut left = MAX_GLYPHS;
                for i in (0..double).step_by(2) {
                    let field = |n: usize| read(14usize.saturating_add(n).saturating_add(i));
                    let pad = |n: usize| double.saturating_mul(n).saturating_add(2);
                    let (Some(end), Some(start)) = (field(0), field(pad(1))) else { break };
                    let (Some(delta), Some(offset)) = (field(pad(2)), field(pad(3))) else { break };
                    for code in (start..=end.min(0xfffe)).take(left) {
                        left = left.saturating_sub(1);
                        let glyph = if offset == 0 {
                            code.wrapping_add(delta) & 0xffff
                        } else {
                            let place = pad(3).saturating_add(14).saturating_add(i).saturating_add(offset);
                            let place = place.saturating_add(code.saturating_sub(start).saturating_mul(2));
                            let glyph = read(place).unwrap_or(0);
                            if glyph == 0 { 0 } else { glyph.wrapping_add(delta) & 0xffff }
                        };
                        put(code as u32, glyph as u32);
                    }
                }
            }
            Some(6) => {
                let (first, count) = (read(6).unwrap_or(0), read(8).unwrap_or(0));
                for i in 0..count {
                    let glyph = read(10usize.saturating_add(i.saturating_mul(2))).unwrap_or(0);
                    put(first.saturating_add(i) as u32, glyph as u32);
                }
            }
            Some(12) => {
                let groups = self.u32(at.saturating_add(12)).unwrap_or(0).min(MAX_GLYPHS as u32) as usize;
                let mut left = MAX_GLYPHS;
                for group in 0..groups {
                    let place = at.saturating_add(16).saturating_add(group.saturating_mul(12));
                    let read = |n: usize| self.u32(place.saturating_add(n));
                    let (Some(first), Some(last), Some(glyph)) = (read(0), read(4), read(8)) else { break };
                    for code in (first..=last).take(left) {
                        left = left.saturating_sub(1);
                        put(code, glyph.saturating_add(code.saturating_sub(first)));
                    }
                }
            }
            _ => {}
        }
        pairs
    }

    /// Text of glyphs, from the tables of Unicode characters and of names.
    fn characters(&self) -> HashMap<u32, String> {
        let unicode = self.characters_of(3, &[10, 1]).or_else(|| self.characters_of(0, &[0, 1, 2, 3, 4, 6]));
        let mut known = HashMap::new();
        for (code, glyph) in unicode.map(|at| self.pairs(at)).unwrap_or_default() {
            if let Some(text) = char::from_u32(code).and_then(|c| meant(&c.to_string())) {
                known.entry(glyph).or_insert(text);
            }
        }
        known
    }

    /// What the codes of a simple font stand for, where the program can tell.
    fn encoding(&self) -> Option<Table> {
        let known = self.characters();
        if known.is_empty() {
            return None;
        }
        let own = self.characters_of(3, &[0]).or_else(|| self.characters_of(1, &[0]))?;
        let mut table = vec![None; 256];
        for (code, glyph) in self.pairs(own) {
            let code = if (0xf000..=0xf0ff).contains(&code) { code & 0xff } else { code };
            if let Some(place) = table.get_mut(code as usize) {
                *place = known.get(&glyph).cloned();
            }
        }
        table.iter().any(Option::is_some).then_some(table)
    }
}
