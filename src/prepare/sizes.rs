//! Limits of what is stored once and then repeated: in indexes, in answers, in tuples.

use super::{Unprocessable, unprocessable};
use crate::commit::documents::{PreparedChunk, principals};
use crate::wire::bounds::{MAX_CHUNKS, MAX_HEADING_LEVELS, MAX_METADATA_NAMES, MAX_RULES, MAX_TITLE, MAX_URL};
use crate::wire::{Acl, Document};

/// How many times as long as the text all its chunks together may be: they may overlap.
const MAX_OVERLAP: usize = 4;
/// Bytes of chunks that a short text may have in any case.
const FREE_OVERLAP: usize = 64 * 1024;
/// Bytes of the path of headings of one chunk.
pub const MAX_PATH: usize = 4_096;
/// Bytes of all paths of headings of one document.
pub const MAX_ALL_PATHS: usize = 4 * 1024 * 1024;
/// Marks of Markdown of one text.
const MAX_MARKS: usize = 2_000_000;
/// Bytes of the metadata of one document, as JSON.
pub const MAX_METADATA: usize = 64 * 1024;

/// Limits of what is stored once and then repeated: in indexes, in answers, in tuples.
pub(super) fn of_document(document: &Document) -> Result<(), Unprocessable> {
    if document.title.as_ref().is_some_and(|title| title.len() > MAX_TITLE) {
        return Err(unprocessable("/title", format!("must be at most {MAX_TITLE} bytes")));
    }
    if document.url.as_ref().is_some_and(|url| url.len() > MAX_URL) {
        return Err(unprocessable("/url", format!("must be at most {MAX_URL} bytes")));
    }
    if document.metadata.len() > MAX_METADATA_NAMES {
        return Err(unprocessable("/metadata", format!("must have at most {MAX_METADATA_NAMES} names")));
    }
    // Maps of strings always serialise.
    if serde_json::to_vec(&document.metadata).map_or(usize::MAX, |json| json.len()) > MAX_METADATA {
        return Err(unprocessable("/metadata", format!("must be at most {MAX_METADATA} bytes of JSON")));
    }
    let sections: usize = document.sections.iter().map(|section| principals(&section.acl)).sum();
    if document.acl.as_ref().map_or(0, principals) + sections > MAX_RULES {
        return Err(unprocessable("/acl", too_many_rules()));
    }
    Ok(())
}

/// The limit of what a parser of Markdown makes of a text, some hundred bytes for each mark and each line.
///
/// # Errors
/// When it holds more.
pub fn of_markdown(text: &str) -> Result<(), Unprocessable> {
    let marks = text.bytes().filter(|byte| b"[]*_`~<>&!\\|".contains(byte)).count();
    let lines = text.bytes().filter(|byte| *byte == b'\n').count();
    if marks + 2 * lines > MAX_MARKS {
        let detail = format!(
            "must have at most {MAX_MARKS} marks of Markdown, each line counted as two; send it as text/plain, or in parts"
        );
        return Err(unprocessable("/content/text", detail));
    }
    Ok(())
}

/// The limit of rules that are put without their document.
///
/// # Errors
/// When they name too many principals.
pub fn of_rules(acl: &Acl) -> Result<(), Unprocessable> {
    if principals(acl) > MAX_RULES { Err(unprocessable("/acl", too_many_rules())) } else { Ok(()) }
}

/// Divides documents, in order, so that the rules of each part together name no more principals than those of one
/// document may: one commit must not take so long that a revocation waits for it.
pub fn parts<T>(documents: Vec<(T, Document)>) -> Vec<Vec<(T, Document)>> {
    let (mut parts, mut named) = (vec![Vec::new()], 0);
    for (place, document) in documents {
        let sections = document.sections.iter().map(|section| &section.acl);
        let own: usize = document.acl.iter().chain(sections).map(principals).sum();
        if named > 0 && named + own > MAX_RULES {
            parts.push(Vec::new());
            named = 0;
        }
        named += own;
        if let Some(part) = parts.last_mut() {
            part.push((place, document));
        }
    }
    parts
}

fn too_many_rules() -> String {
    format!("the rules of a document and its sections can name at most {MAX_RULES} principals: use groups")
}

/// Limits of chunks, as they were given or as the text was split.
pub(super) fn of_chunks(chunks: &[PreparedChunk], text: &str) -> Result<(), Unprocessable> {
    let covered: usize = chunks.iter().map(|chunk| chunk.end - chunk.start).sum();
    if covered > text.len().saturating_mul(MAX_OVERLAP).max(FREE_OVERLAP) {
        let detail = format!("must not be more than {MAX_OVERLAP} times as long as the text, all together");
        return Err(unprocessable("/chunks", detail));
    }
    let mut headings = 0;
    for (n, chunk) in chunks.iter().enumerate() {
        headings += of_path(n, chunk)?;
    }
    of_all(chunks.len(), headings)
}

/// Bytes of the path of headings of one chunk.
pub(super) fn of_path(n: usize, chunk: &PreparedChunk) -> Result<usize, Unprocessable> {
    let bytes: usize = chunk.heading_path.iter().map(String::len).sum();
    if bytes > MAX_PATH || chunk.heading_path.len() > MAX_HEADING_LEVELS {
        let detail = format!("must be at most {MAX_HEADING_LEVELS} headings of {MAX_PATH} bytes together");
        return Err(unprocessable(format!("/chunks/{n}/heading_path"), detail));
    }
    Ok(bytes)
}

/// How many chunks there are, and bytes of all their paths.
pub(super) fn of_all(chunks: usize, headings: usize) -> Result<(), Unprocessable> {
    if chunks > MAX_CHUNKS {
        return Err(unprocessable("/chunks", format!("at most {MAX_CHUNKS} chunks are allowed")));
    }
    if headings > MAX_ALL_PATHS {
        let detail = format!("must have at most {MAX_ALL_PATHS} bytes of headings, all together");
        return Err(unprocessable("/chunks", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(start: usize, end: usize, headings: &[&str]) -> PreparedChunk {
        let heading_path = headings.iter().map(|heading| (*heading).to_owned()).collect();
        PreparedChunk { start, end, heading_path, page: None }
    }

    #[test]
    fn what_would_be_repeated_is_limited() {
        let text = "x".repeat(100_000);
        let whole = |count: usize| (0..count).map(|_| chunk(0, 60_000, &[])).collect::<Vec<_>>();
        assert!(of_chunks(&whole(6), &text).is_ok());
        assert_eq!(of_chunks(&whole(7), &text).unwrap_err().pointer, "/chunks");
        // Short texts may overlap as they like, within reason.
        assert!(of_chunks(&(0..500).map(|_| chunk(0, 100, &[])).collect::<Vec<_>>(), "short").is_ok());
        let long = "h".repeat(MAX_PATH);
        let one = |headings: &[&str]| of_chunks(&[chunk(0, 10, headings)], &text).map_err(|error| error.pointer);
        assert_eq!(one(&[long.as_str()]), Ok(()));
        assert_eq!(one(&[long.as_str(), "h"]), Err("/chunks/0/heading_path".to_owned()));
        assert_eq!(one(&["h"; MAX_HEADING_LEVELS + 1]), Err("/chunks/0/heading_path".to_owned()));
        let many: Vec<_> = (0..=MAX_ALL_PATHS / MAX_PATH).map(|n| chunk(n, n + 1, &[long.as_str()])).collect();
        assert_eq!(of_chunks(&many, &text).unwrap_err().pointer, "/chunks");
    }
}
