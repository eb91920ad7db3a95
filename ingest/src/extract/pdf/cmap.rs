//! CMaps: how the bytes of a string divide into codes, and what a code stands for.

use std::collections::BTreeMap;

use super::lexer::{Lexer, Token};

/// Entries of one CMap; a font has no more codes of use.
const MAX_ENTRIES: usize = 200_000;
/// UTF-16 units that one code may stand for.
const MAX_UNITS: usize = 64;

#[derive(Debug, Clone)]
enum Target {
    /// UTF-16, whose last unit counts up within a range.
    Text(Vec<u16>),
    Cid(u32),
}

#[derive(Debug, Clone, Default)]
pub struct CMap {
    /// Length, least and greatest bytes.
    spaces: Vec<(Vec<u8>, Vec<u8>)>,
    /// First code of a range → last code, meaning of the first.
    ranges: BTreeMap<u32, (u32, Target)>,
    pub vertical: bool,
    /// The CMap that this one adds to.
    pub base: Option<Vec<u8>>,
}

impl CMap {
    pub fn read(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut operands: Vec<Token<'_>> = Vec::new();
        for token in Lexer::new(bytes) {
            let Token::Word(word) = token else {
                operands.push(token);
                if operands.len() > MAX_ENTRIES {
                    operands.clear();
                }
                continue;
            };
            match word {
                b"endcodespacerange" => {
                    for pair in operands.chunks(2) {
                        if let [Token::Text(low), Token::Text(high)] = pair
                            && low.len() == high.len()
                            && (1..=4).contains(&low.len())
                            && map.spaces.len() < 1_000
                        {
                            map.spaces.push((low.clone(), high.clone()));
                        }
                    }
                }
                b"endbfchar" => operands.chunks(2).for_each(|pair| map.text(pair.first(), pair.first(), pair.last())),
                b"endbfrange" => {
                    for three in operands.chunks(3) {
                        map.text(three.first(), three.get(1), three.get(2));
                    }
                }
                b"endcidchar" => operands.chunks(2).for_each(|pair| map.cid(pair.first(), pair.first(), pair.last())),
                b"endcidrange" => {
                    for three in operands.chunks(3) {
                        map.cid(three.first(), three.get(1), three.get(2));
                    }
                }
                b"usecmap" => map.base = operands.last().and_then(Token::name).map(<[u8]>::to_vec),
                b"def" => {
                    if let [.., Token::Name(key), Token::Number(value)] = operands.as_slice()
                        && key == b"WMode"
                    {
                        map.vertical = *value == 1.0;
                    }
                }
                _ => {}
            }
            operands.clear();
        }
        map
    }

    fn put(&mut self, low: u32, high: u32, target: Target) {
        if self.ranges.len() < MAX_ENTRIES && low <= high {
            self.ranges.insert(low, (high, target));
        }
    }

    fn text(&mut self, low: Option<&Token<'_>>, high: Option<&Token<'_>>, to: Option<&Token<'_>>) {
        let (Some(low), Some(high)) = (low.and_then(code), high.and_then(code)) else { return };
        match to {
            Some(Token::Text(text)) => self.put(low, high, Target::Text(units(text))),
            Some(Token::Array(items)) => {
                for (code, item) in (low..=high).zip(items) {
                    if let Some(text) = item.text() {
                        self.put(code, code, Target::Text(units(text)));
                    }
                }
            }
            _ => {}
        }
    }

    fn cid(&mut self, low: Option<&Token<'_>>, high: Option<&Token<'_>>, to: Option<&Token<'_>>) {
        if let (Some(low), Some(high), Some(cid)) =
            (low.and_then(code), high.and_then(code), to.and_then(Token::number))
        {
            self.put(low, high, Target::Cid(cid as u32));
        }
    }

    fn find(&self, code: u32) -> Option<(u32, &Target)> {
        let (low, (high, target)) = self.ranges.range(..=code).next_back()?;
        (code <= *high).then_some((code.wrapping_sub(*low), target))
    }

    pub fn text_of(&self, code: u32) -> Option<String> {
        let (offset, target) = self.find(code)?;
        let Target::Text(units) = target else { return None };
        let mut units = units.clone();
        // The low half of a surrogate pair counts up as well.
        let last = units.last_mut()?;
        *last = last.wrapping_add(offset as u16);
        Some(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect())
    }

    pub fn cid_of(&self, code: u32) -> Option<u32> {
        let (offset, target) = self.find(code)?;
        let Target::Cid(cid) = target else { return None };
        Some(cid.saturating_add(offset))
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn has_spaces(&self) -> bool {
        !self.spaces.is_empty()
    }

    /// How many of the next bytes are one code.
    pub fn length(&self, bytes: &[u8]) -> usize {
        let fits = |(low, high): &&(Vec<u8>, Vec<u8>)| {
            bytes.len() >= low.len() && bytes.iter().zip(low.iter().zip(high)).all(|(b, (l, h))| (l..=h).contains(&b))
        };
        let found = self.spaces.iter().filter(fits).map(|(low, _)| low.len()).min();
        found.or_else(|| self.spaces.iter().map(|(low, _)| low.len()).min()).unwrap_or(1)
    }
}

fn code(token: &Token<'_>) -> Option<u32> {
    match token {
        Token::Text(bytes) if bytes.len() <= 4 => Some(number(bytes)),
        Token::Number(n) => Some(*n as u32),
        _ => None,
    }
}

/// Bytes of a code as a number, the highest first.
pub fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |n, b| n << 8 | u32::from(*b))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    if let [one] = bytes {
        return vec![u16::from(*one)];
    }
    bytes.chunks_exact(2).take(MAX_UNITS).map(|pair| number(pair) as u16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cmap_divides_codes_and_gives_their_text() {
        let map = CMap::read(
            b"/WMode 1 def 2 begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange
              2 beginbfchar <01> <00660069> <02> <D83DDE00> endbfchar
              3 beginbfrange <10> <12> <0041> <20> <21> [<0058> <00590059>] <8140> <8142> <D83DDE00> endbfrange
              1 begincidrange <9000> <9010> 100 endcidrange",
        );
        let text = |code| map.text_of(code).unwrap_or_default();
        assert_eq!([text(1), text(2), text(0x12), text(0x21)], ["fi", "😀", "C", "YY"]);
        assert_eq!((text(0x8142), map.cid_of(0x9003), text(0x13)), ("😂".into(), Some(103), String::new()));
        assert_eq!((map.length(b"\x20\x81"), map.length(b"\x81\x40"), map.vertical), (1, 2, true));
    }
}
