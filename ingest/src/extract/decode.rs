//! Bytes to characters: a byte order mark decides, then the escapes of ISO-2022, then what an HTML file declares, then what
//! the bytes look like, then a guess.

use std::borrow::Cow;
use std::cmp::Ordering;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::{Builder, ExtractError};

mod meta;

/// Bytes that are looked at for units of two or four bytes.
const LOOKED_AT: usize = 8192;

pub fn text(bytes: &[u8], builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, None, builder)
}

pub fn html(bytes: &[u8], builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, meta::declared(bytes), builder)
}

/// Text that is said to be in an encoding of this name.
pub fn labelled(bytes: &[u8], label: Option<&str>, builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, label.and_then(|label| Encoding::for_label(label.as_bytes())), builder)
}

/// Whether each letter takes one byte in the encoding of this name.
pub fn is_of_one_byte(label: &str) -> bool {
    Encoding::for_label(label.trim().as_bytes()).is_some_and(Encoding::is_single_byte)
}

fn decode(bytes: &[u8], declared: Option<&'static Encoding>, builder: &mut Builder) -> Result<String, ExtractError> {
    if let Some(big_endian) = utf32(bytes) {
        return Ok(from_utf32(bytes.get(4..).unwrap_or_default(), big_endian, builder));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(with(encoding, bytes.get(mark..).unwrap_or_default(), builder));
    }
    match wide(bytes) {
        Some(Wide::Two(encoding)) => {
            builder.warn(format!("decoded as {}", encoding.name()));
            return Ok(with(encoding, bytes, builder));
        }
        Some(Wide::Four { big_endian }) => {
            builder.warn("decoded as UTF-32");
            return Ok(from_utf32(bytes, big_endian, builder));
        }
        None => {}
    }
    if declared == Some(REPLACEMENT) {
        return Err(ExtractError::Broken("declares an encoding that is not read; save it as UTF-8".into()));
    }
    // Seven bits, and so UTF-8 by its looks.
    if declared == Some(ISO_2022_JP) || shifts_sets(bytes) {
        let (text, broken) = ISO_2022_JP.decode_without_bom_handling(bytes);
        return match broken {
            false => Ok(text.into_owned()),
            true => Err(ExtractError::Broken("in an encoding of ISO 2022 that is not read; save it as UTF-8".into())),
        };
    }
    // Two letters of East Asia can look like one of UTF-8; letters of eight bits in a row hardly ever do.
    let is_declared_wide = declared.is_some_and(|encoding| !encoding.is_single_byte() && encoding != UTF_8);
    if !is_declared_wide && let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    if declared.is_none_or(|encoding| encoding == UTF_8) && is_nearly_utf8(bytes) {
        return Ok(with(UTF_8, bytes, builder));
    }
    let encoding = declared.filter(|e| *e != UTF_8).unwrap_or_else(|| {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Allow)
    });
    if declared != Some(encoding) {
        builder.warn(format!("decoded as {}", encoding.name()));
    }
    Ok(with(encoding, bytes, builder))
}

/// Whether there is much UTF-8 among little that is none.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole = whole.saturating_add(chunk.valid().chars().filter(|c| !c.is_ascii()).count());
        broken = broken.saturating_add(usize::from(!chunk.invalid().is_empty()));
    }
    whole >= broken.saturating_mul(10)
}

/// Units of more than a byte, without a mark that says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wide {
    Two(&'static Encoding),
    Four { big_endian: bool },
}

/// Whether the bytes are text in UTF-16 or UTF-32 without a mark: there are zeros in one half of each unit, and what comes of
/// it is letters.
pub fn wide(bytes: &[u8]) -> Option<Wide> {
    let head = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let head = head.get(..head.len() & !3).filter(|whole| !whole.is_empty()).unwrap_or(head);
    let others = head.iter().filter(|byte| !matches!(byte, 0 | b'\t'..=b'\r' | b' '..=b'~')).count();
    let zeros_of_all = head.iter().filter(|byte| **byte == 0).count();
    // In scripts of the West every second byte is one; in others only blanks and line ends have one.
    let is_usual =
        zeros_of_all.saturating_mul(8) >= head.len() || (zeros_of_all > 1 && others.saturating_mul(10) > head.len());
    if !bytes.len().is_multiple_of(2) || !is_usual {
        return None;
    }
    let zeros = |place: usize| head.iter().skip(place).step_by(2).filter(|byte| **byte == 0).count();
    for big_endian in [false, true] {
        let units = head.as_chunks::<4>().0.iter();
        let read = units.map(|unit| if big_endian { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) });
        if bytes.len().is_multiple_of(4)
            && is_written(&read.map(char::from_u32).collect::<Option<String>>().unwrap_or_default())
        {
            return Some(Wide::Four { big_endian });
        }
    }
    let encoding = match zeros(0).cmp(&zeros(1)) {
        Ordering::Less => UTF_16LE,
        Ordering::Greater => UTF_16BE,
        Ordering::Equal => return None,
    };
    let (text, _) = encoding.decode_without_bom_handling(head);
    // What is looked at may end within a pair.
    is_written(text.trim_end_matches(char::REPLACEMENT_CHARACTER)).then_some(Wide::Two(encoding))
}

/// Whether a text is of letters, nearly all of it, and has no character that texts don't have.
fn is_written(text: &str) -> bool {
    let is_plain = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace()
            || c.is_ascii_punctuation()
            || matches!(c, '\u{80}'..='\u{3ff}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
            || unicode_normalization::char::is_combining_mark(c)
    };
    let odd = text.chars().filter(|c| !is_plain(*c)).count();
    let is_broken = text
        .chars()
        .any(|c| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !matches!(c, '\t'..='\r' | '\u{85}')));
    !text.is_empty() && !is_broken && odd.saturating_mul(20) <= text.chars().count()
}

/// Whether the text goes over to a set of characters of two bytes, as ISO-2022 does by `ESC $`.
fn shifts_sets(bytes: &[u8]) -> bool {
    let begins = |rest: &[u8]| matches!(rest, [0x1b, b'$', b'@' | b'A' | b'B' | b'(' | b')' | b'*', ..]);
    bytes.is_ascii() && bytes.windows(3).any(begins)
}

/// Whether the bytes begin with a mark of UTF-32, and which. The mark of its little end begins like that of UTF-16.
pub fn utf32(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] => Some(true),
        [0xff, 0xfe, 0, 0, ..] => Some(false),
        _ => None,
    }
}

fn from_utf32(bytes: &[u8], big_endian: bool, builder: &mut Builder) -> String {
    let (units, rest) = bytes.as_chunks::<4>();
    let number = |unit: &[u8; 4]| if big_endian { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
    let read = |unit: &[u8; 4]| char::from_u32(number(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
    let text: String = units.iter().map(read).collect();
    let broken = units.iter().filter(|unit| char::from_u32(number(unit)).is_none()).count();
    builder.count("undecodable bytes", broken.saturating_mul(4).saturating_add(rest.len()) as u64);
    text
}

fn with(encoding: &'static Encoding, bytes: &[u8], builder: &mut Builder) -> String {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        let count = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        builder.count("undecodable bytes", count as u64);
    }
    text.into_owned()
}

/// Text as it looks where a printer, or a terminal, went back to strike a letter again: bold, underlined or another one.
pub fn without_overstriking(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{8}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let before = out.chars().next_back().filter(|before| c == '\u{8}' && *before != '\n');
        let Some(before) = before else {
            out.push(c);
            continue;
        };
        match chars.clone().next() {
            // A line below, or above, which stays below.
            Some('_') if before != '_' => drop(chars.next()),
            Some('\u{8}' | '\n') | None => {}
            Some(_) => drop(out.pop()),
        }
    }
    Cow::Owned(out)
}
