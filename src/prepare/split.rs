//! Splitting plain text and Markdown into chunks of about 1,000 characters that follow the text's own structure.

use std::ops::Range;

use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

use super::{LayoutError, sizes, too_many_headings};
use crate::commit::documents::PreparedChunk;
use crate::limits::Effort;
use crate::outline::{self, Piece};

/// Characters aimed at; a chunk never has more.
const TARGET: usize = 1_000;
/// Characters repeated from the chunk before, inside one section.
const OVERLAP: usize = 120;

/// What the text is split into.
type Split = Result<Vec<PreparedChunk>, LayoutError>;

/// Paragraphs, then sentences, then words; no chunk lies on both sides of a restricted part's border.
///
/// # Errors
/// When there are too many chunks, or it takes more than the effort.
pub fn plain(text: &str, restricted: &[Range<usize>], effort: &Effort) -> Split {
    let Ok(config) = ChunkConfig::new(TARGET).with_overlap(OVERLAP) else { return Ok(Vec::new()) };
    let splitter = TextSplitter::new(config);
    chunks(text, &outline::pieces(text, &[], restricted), effort, |piece| splitter.chunk_indices(piece).collect())
}

/// Each heading begins a piece that no chunk crosses; the path of headings goes with the chunk.
///
/// # Errors
/// As [`plain`], and when there are too many headings.
pub fn markdown(text: &str, restricted: &[Range<usize>], effort: &Effort) -> Split {
    let Ok(config) = ChunkConfig::new(TARGET).with_overlap(OVERLAP) else { return Ok(Vec::new()) };
    let splitter = MarkdownSplitter::new(config);
    let headings = outline::headings_apart(text, restricted).map_err(too_many_headings)?;
    chunks(text, &outline::pieces(text, &headings, restricted), effort, |piece| splitter.chunk_indices(piece).collect())
}

/// Each piece alone, so that the length of one moves no border of another. What goes with every chunk is counted while
/// they are made.
fn chunks(text: &str, pieces: &[Piece], effort: &Effort, split: impl Fn(&str) -> Vec<(usize, &str)>) -> Split {
    let (mut chunks, mut headings) = (Vec::new(), 0);
    for piece in pieces {
        effort.spend(1)?;
        let Some(part) = text.get(piece.start..piece.end) else { continue };
        for (at, part) in split(part) {
            let (start, trimmed) = (piece.start + at + part.len() - part.trim_start().len(), part.trim());
            if trimmed.is_empty() {
                continue;
            }
            let heading_path: Vec<String> = piece.path.iter().map(ToString::to_string).collect();
            let chunk = PreparedChunk { start, end: start + trimmed.len(), heading_path, page: None };
            headings += sizes::of_path(chunks.len(), &chunk)?;
            chunks.push(chunk);
            sizes::of_all(chunks.len(), headings)?;
        }
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_headings_and_offsets_reproduce_the_text() {
        let text = "intro\n\n# A\n\nfirst\n\n## B\n\nsecond\n\n```\n# not a heading\n```\n\n# C\n\nthird\n";
        let chunks = markdown(text, &[], &Effort::unbounded()).unwrap();
        let seen: Vec<_> =
            chunks.iter().map(|c| (c.heading_path.join("/"), text.get(c.start..c.end).unwrap())).collect();
        assert_eq!(
            seen,
            [
                ("".to_owned(), "intro"),
                ("A".to_owned(), "# A\n\nfirst"),
                ("A/B".to_owned(), "## B\n\nsecond\n\n```\n# not a heading\n```"),
                ("C".to_owned(), "# C\n\nthird"),
            ]
        );
    }

    #[test]
    fn long_text_is_split_within_the_target() {
        let text = "A sentence of some words that says little. ".repeat(200);
        let chunks = plain(&text, &[], &Effort::unbounded()).unwrap();
        assert!(chunks.len() > 7);
        assert!(chunks.iter().all(|c| text.get(c.start..c.end).unwrap().chars().count() <= TARGET));
        assert_eq!(chunks.last().map(|c| c.end), Some(text.trim_end().len()));
    }
}
