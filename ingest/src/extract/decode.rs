//! Bytes to characters: a byte order mark decides, then the escapes of ISO-2022, then UTF-8, then what an HTML file declares,
//! then a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_8};

use super::{Builder, ExtractError};

pub fn text(bytes: &[u8], builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, None, builder)
}

pub fn html(bytes: &[u8], builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, declared(bytes), builder)
}

fn decode(bytes: &[u8], declared: Option<&'static Encoding>, builder: &mut Builder) -> Result<String, ExtractError> {
    if let Some(big_endian) = utf32(bytes) {
        return Ok(from_utf32(bytes, big_endian, builder));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(with(encoding, bytes.get(mark..).unwrap_or_default(), builder));
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
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let encoding = declared.filter(|e| *e != UTF_8).unwrap_or_else(|| {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Allow)
    });
    builder.warn(format!("decoded as {}", encoding.name()));
    Ok(with(encoding, bytes, builder))
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
    let text: String = units.iter().skip(1).map(read).collect();
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

/// `charset=` in the first kilobyte, as browsers look for it.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes)).to_ascii_lowercase();
    let (_, after) = head.split_once("charset")?;
    let label = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))).unwrap_or(label.len());
    Encoding::for_label(label.get(..end)?.as_bytes())
}
