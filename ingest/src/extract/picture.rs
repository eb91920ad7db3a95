//! Files that are pictures: PNG, JPEG and TIFF. Only their sizes are read here; what is written in them, recognition finds.

use super::{Builder, ExtractError, Extracted, complete};

/// Pixels of one picture, and pictures of one file.
pub const MAX_PIXELS: u64 = 50_000_000;
pub const MAX_PICTURES: usize = 500;

#[derive(Debug, PartialEq)]
pub struct Picture {
    media_type: &'static str,
    /// Width and height of each page.
    sizes: Result<Vec<(u64, u64)>, &'static str>,
}

/// Whether a file is a picture of a kind that is read.
pub fn of(bytes: &[u8]) -> Option<Picture> {
    let (media_type, sizes) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("image/png", png(bytes).map(|size| vec![size]))
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        ("image/jpeg", jpeg(bytes).map(|size| vec![size]))
    } else if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        ("image/tiff", tiff(bytes))
    } else {
        return None;
    };
    Some(Picture { media_type, sizes: sizes.ok_or("its size can't be read") })
}

impl Picture {
    /// The document that its recognised texts are.
    pub fn read(self, mut builder: Builder) -> Result<Extracted, ExtractError> {
        // Pictures are no documents unless something is written in them: none of them fails.
        let unread = |why: String| Err(ExtractError::Unsupported(format!("{}: {why}", self.media_type)));
        let sizes = match self.sizes {
            Ok(sizes) => sizes,
            Err(why) => return unread(why.into()),
        };
        if sizes.len() > MAX_PICTURES {
            return unread(format!("more than {MAX_PICTURES} pictures in a file are not read"));
        }
        if sizes.iter().any(|(width, height)| width.saturating_mul(*height) > MAX_PIXELS) {
            return unread(format!("more than {MAX_PIXELS} pixels are not read"));
        }
        let pages = (1u32..).zip(&sizes).map(|(page, _)| page).collect();
        let has_text = builder.recognised.values().any(|text| !text.trim().is_empty());
        for (page, text) in std::mem::take(&mut builder.recognised) {
            if sizes.len() > 1 {
                builder.page(page);
            }
            builder.block(&text)?;
        }
        if !has_text {
            let why = format!("{} holds no text, but a picture", self.media_type);
            return Err(ExtractError::Pictures { pages, why });
        }
        complete(builder.finish(self.media_type))
    }
}

fn number(bytes: &[u8], at: usize, length: usize, is_little: bool) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    let fold = |sum: u64, digit: &u8| (sum << 8) | u64::from(*digit);
    Some(if is_little { digits.iter().rev().fold(0, fold) } else { digits.iter().fold(0, fold) })
}

/// The first block of a PNG is its header.
fn png(bytes: &[u8]) -> Option<(u64, u64)> {
    (bytes.get(12..16)? == b"IHDR").then_some(())?;
    Some((number(bytes, 16, 4, false)?, number(bytes, 20, 4, false)?))
}

/// The frame of a JPEG comes after segments that say their lengths.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2usize;
    loop {
        while *bytes.get(at)? != 0xff {
            at = at.checked_add(1)?;
        }
        while *bytes.get(at)? == 0xff {
            at = at.checked_add(1)?;
        }
        let kind = *bytes.get(at)?;
        at = at.checked_add(1)?;
        match kind {
            // Without a length.
            0 | 0x01 | 0xd0..=0xd8 => continue,
            0xd9 | 0xda => return None,
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                return Some((
                    number(bytes, at.checked_add(5)?, 2, false)?,
                    number(bytes, at.checked_add(3)?, 2, false)?,
                ));
            }
            _ => at = at.checked_add(usize::try_from(number(bytes, at, 2, false)?.max(2)).ok()?)?,
        }
    }
}

/// Each picture of a TIFF has a directory of numbers, which says where the next one is.
fn tiff(bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    let is_little = bytes.starts_with(b"II");
    let of = |at: usize, length: usize| number(bytes, at, length, is_little);
    let mut at = usize::try_from(of(4, 4)?).ok()?;
    let mut sizes = Vec::new();
    while at != 0 && sizes.len() <= MAX_PICTURES {
        let count = usize::try_from(of(at, 2)?).ok()?;
        let (mut width, mut height) = (None, None);
        for entry in 0..count {
            let entry = at.checked_add(2)?.checked_add(entry.checked_mul(12)?)?;
            let length = if of(entry.checked_add(2)?, 2)? == 3 { 2 } else { 4 };
            let value = of(entry.checked_add(8)?, length)?;
            match of(entry, 2)? {
                256 => width = Some(value),
                257 => height = Some(value),
                _ => {}
            }
        }
        sizes.push((width?, height?));
        at = usize::try_from(of(at.checked_add(2)?.checked_add(count.checked_mul(12)?)?, 4)?).ok()?;
    }
    (!sizes.is_empty()).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIFF of so many pictures, without their data.
    fn made(pictures: &[(u32, u32)]) -> Vec<u8> {
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        for (index, (width, height)) in pictures.iter().enumerate() {
            out.extend(2u16.to_le_bytes());
            for (tag, value) in [(256u16, width), (257, height)] {
                out.extend(
                    [&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat(),
                );
            }
            let next = if index + 1 < pictures.len() { out.len() as u32 + 4 } else { 0 };
            out.extend(next.to_le_bytes());
        }
        out
    }

    #[test]
    fn sizes_are_read_and_bounded() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &640u32.to_be_bytes(), &480u32.to_be_bytes()].concat();
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x02\xff\xff\xc2\0\x11\x08\x01\xe0\x02\x80";
        for (bytes, sizes) in [
            (png.clone(), vec![(640, 480)]),
            (jpeg.to_vec(), vec![(640, 480)]),
            (made(&[(640, 480), (1, 2)]), vec![(640, 480), (1, 2)]),
        ] {
            assert_eq!(of(&bytes).unwrap().sizes, Ok(sizes));
            for end in 0..bytes.len() {
                let _ = of(&bytes[..end]);
            }
        }
        let read = |bytes: &[u8]| of(bytes).unwrap().read(Builder::new(false));
        assert!(matches!(read(&png), Err(ExtractError::Pictures { pages, .. }) if pages == [1]));
        assert!(matches!(read(&png[..20]), Err(ExtractError::Unsupported(_))));
        assert!(
            matches!(read(&made(&[(8_000, 8_000)])), Err(ExtractError::Unsupported(why)) if why.contains("pixels"))
        );
        assert!(
            matches!(read(&made(&vec![(1, 1); 501])), Err(ExtractError::Unsupported(why)) if why.contains("pictures"))
        );
        // Directories in a circle.
        let mut circle = made(&[(1, 1)]);
        let end = circle.len();
        circle[end - 4..].copy_from_slice(&8u32.to_le_bytes());
        assert!(matches!(read(&circle), Err(ExtractError::Unsupported(_))));
        assert_eq!(of(b"GIF89a"), None);
    }
}
