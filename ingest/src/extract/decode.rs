//! Bytes to characters: a byte order mark decides, then UTF-8, then what an HTML file declares, then a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use super::{Builder, ExtractError};

pub fn text(bytes: &[u8], builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, None, builder)
}

pub fn html(bytes: &[u8], builder: &mut Builder) -> Result<String, ExtractError> {
    decode(bytes, declared(bytes), builder)
}

fn decode(bytes: &[u8], declared: Option<&'static Encoding>, builder: &mut Builder) -> Result<String, ExtractError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(with(encoding, bytes.get(mark..).unwrap_or_default(), builder));
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
