//! Compressed input, bounded before it is believed: what an archive says about its own sizes is never trusted.

use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::ExtractError;

/// Bytes that one compressed part may become.
pub const MAX_PART: u64 = 64 * 1024 * 1024;
/// Bytes that all parts of one archive may become.
const MAX_TOTAL: u64 = 128 * 1024 * 1024;
const MAX_ENTRIES: usize = 4_096;
/// Text rarely shrinks more than tenfold; a part of more than a megabyte that shrank more than this is a bomb.
const MAX_RATIO: u64 = 200;
const RATIO_FROM: u64 = 1024 * 1024;

pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, ExtractError> {
    let out = bounded(MultiGzDecoder::new(bytes), bytes.len() as u64, MAX_PART)?;
    if out.starts_with(&[0x1f, 0x8b]) {
        return Err(ExtractError::Unsupported("compressed twice".into()));
    }
    Ok(out)
}

/// A zip archive whose parts are read by name under shared limits.
pub struct Parts<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
}

impl<'a> Parts<'a> {
    pub fn open(bytes: &'a [u8]) -> Result<Self, ExtractError> {
        let zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|e| ExtractError::Broken(format!("no zip archive: {e}")))?;
        if zip.len() > MAX_ENTRIES {
            return Err(ExtractError::Limit(format!("more than {MAX_ENTRIES} parts in the archive")));
        }
        Ok(Parts { zip, left: MAX_TOTAL })
    }

    pub fn names(&self) -> Vec<String> {
        self.zip.file_names().filter_map(Result::ok).map(std::borrow::Cow::into_owned).collect()
    }

    /// The part as text, or `None` if there is none of that name.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(e) => utf16(e.as_bytes()).map(Some).ok_or_else(|| ExtractError::Broken(format!("{name} is not UTF-8"))),
        }
    }

    pub fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let part = self.zip.by_index(index).map_err(|e| ExtractError::Broken(format!("{name}: {e}")))?;
        if part.encrypted() {
            return Err(ExtractError::Broken("the archive is encrypted".into()));
        }
        let packed = part.compressed_size();
        let bytes = bounded(part, packed, MAX_PART.min(self.left))?;
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Ok(Some(bytes))
    }
}

/// XML may be UTF-16, with a mark.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes)?;
    let (text, broken) = encoding.decode_without_bom_handling(bytes.get(mark..)?);
    (!broken).then(|| text.into_owned())
}

fn bounded(mut from: impl Read, packed: u64, max: u64) -> Result<Vec<u8>, ExtractError> {
    let mut out = Vec::new();
    let mut step = [0u8; 64 * 1024];
    loop {
        let n = from.read(&mut step).map_err(|e| ExtractError::Broken(format!("cannot be unpacked: {e}")))?;
        let Some(read) = step.get(..n).filter(|r| !r.is_empty()) else { return Ok(out) };
        out.extend_from_slice(read);
        let size = out.len() as u64;
        if size > max {
            return Err(ExtractError::Limit(format!("unpacks to more than {max} bytes")));
        }
        if size > RATIO_FROM && size / packed.max(1) > MAX_RATIO {
            return Err(ExtractError::Limit(format!("unpacks to more than {MAX_RATIO} times its size")));
        }
    }
}
