//! Streams whose end the parser would not find: a blank stands where a line should end, or no length is given.

use lopdf::{Document, Object};

const END: &[u8] = b"endstream";

/// The file with a line's end in place of the blank before each `endstream`; nothing where there is none. An encrypted
/// stream is left as it is: the blank may be part of it.
pub fn ends(bytes: &[u8]) -> Option<Vec<u8>> {
    let has = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    let is_end = |window: &[u8]| window.ends_with(END) && matches!(window.first(), Some(b' ' | b'\t'));
    let blanks: Vec<usize> =
        bytes.windows(END.len().saturating_add(1)).enumerate().filter(|(_, w)| is_end(w)).map(|(at, _)| at).collect();
    if blanks.is_empty() || has(b"/Encrypt") {
        return None;
    }
    let mut mended = bytes.to_vec();
    for at in blanks {
        if let Some(blank) = mended.get_mut(at) {
            *blank = b'\n';
        }
    }
    Some(mended)
}

/// Gives streams without a length what stands before the next `endstream`.
pub fn lengths(bytes: &[u8], document: &mut Document) {
    if document.trailer.has(b"Encrypt") {
        return;
    }
    let ends: Vec<usize> =
        bytes.windows(END.len()).enumerate().filter(|(_, window)| *window == END).map(|(at, _)| at).collect();
    // Streams lie beside each other: together they are no longer than the file.
    let mut left = bytes.len();
    for object in document.objects.values_mut() {
        let Object::Stream(stream) = object else { continue };
        let Some(from) = stream.start_position.filter(|_| !stream.dict.has(b"Length")) else { continue };
        let Some(end) = ends.get(ends.partition_point(|end| *end < from)) else { continue };
        let data = bytes.get(from..*end).unwrap_or_default();
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        let data = data.strip_suffix(b"\r").unwrap_or(data);
        let Some(rest) = left.checked_sub(data.len()) else { break };
        left = rest;
        stream.content = data.to_vec();
    }
}
