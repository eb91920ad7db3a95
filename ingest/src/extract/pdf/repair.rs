//! Streams whose end the parser would not find: a blank stands where a line should end, or no length is given.

use lopdf::xref::XrefEntry;
use lopdf::{Document, Object};

const END: &[u8] = b"endstream";

/// The file with a line's end in place of the blank before `endstream` of each object that could not be read; nothing where
/// there is none. Elsewhere such a blank is the last byte of the stream.
pub fn ends(bytes: &[u8], document: &Document) -> Option<Vec<u8>> {
    let ends = all_ends(bytes);
    let mut mended: Option<Vec<u8>> = None;
    for (number, entry) in &document.reference_table.entries {
        let XrefEntry::Normal { offset, generation } = entry else { continue };
        if document.objects.contains_key(&(*number, *generation)) {
            continue;
        }
        let at = ends.get(ends.partition_point(|end| *end < *offset as usize)).and_then(|end| end.checked_sub(1));
        if let Some(at) = at.filter(|at| matches!(bytes.get(*at), Some(b' ' | b'\t')))
            && let Some(blank) = mended.get_or_insert_with(|| bytes.to_vec()).get_mut(at)
        {
            *blank = b'\n';
        }
    }
    mended
}

fn all_ends(bytes: &[u8]) -> Vec<usize> {
    bytes.windows(END.len()).enumerate().filter(|(_, window)| *window == END).map(|(at, _)| at).collect()
}

/// Gives streams without a length what stands before the next `endstream`.
pub fn lengths(bytes: &[u8], document: &mut Document) {
    if document.trailer.has(b"Encrypt") {
        return;
    }
    let ends = all_ends(bytes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_lost_is_mended() {
        let file = |length: usize, blank: &str| {
            let mut bytes = b"%PDF-1.4\n".to_vec();
            let stream = bytes.len();
            bytes.extend(format!("1 0 obj\n<< /Length {length} >>\nstream\nabc{blank}endstream\nendobj\n").bytes());
            let root = bytes.len();
            bytes.extend(b"2 0 obj\n<< /Type /Catalog >>\nendobj\n");
            let table = bytes.len();
            bytes.extend(
                format!("xref\n0 3\n0000000000 65535 f \n{stream:010} 00000 n \n{root:010} 00000 n \n").bytes(),
            );
            bytes.extend(format!("trailer\n<< /Size 3 /Root 2 0 R >>\nstartxref\n{table}\n%%EOF").bytes());
            bytes
        };
        for (length, blank, is_mended) in
            [(3, " ", true), (3, "\t", true), (4, " ", false), (3, "\n", false), (9, " ", true), (9, "\n", false)]
        {
            let bytes = file(length, blank);
            let document = Document::load_mem(&bytes).unwrap();
            let mended = ends(&bytes, &document);
            assert_eq!(mended.is_some(), is_mended, "{length} {blank:?}");
            if let Some(mended) = mended {
                let document = Document::load_mem(&mended).unwrap();
                let stream = document.get_object((1, 0)).and_then(Object::as_stream).unwrap();
                assert_eq!(stream.content, b"abc");
            }
        }
    }
}
