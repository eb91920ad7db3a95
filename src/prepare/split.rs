//! Splitting plain text and Markdown into chunks of about 1,000 characters that follow the text's own structure.

use std::ops::Range;

use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

use crate::commit::documents::PreparedChunk;
use crate::outline::{self, Piece};

/// Characters aimed at; a chunk never has more.
const TARGET: usize = 1_000;
/// Characters repeated from the chunk before, inside one section.
const OVERLAP: usize = 120;

fn chunk(start: usize, part: &str, heading_path: &[String]) -> Option<PreparedChunk> {
    let text = part.trim();
    let lead = part.len() - part.trim_start().len();
    (!text.is_empty()).then(|| PreparedChunk {
        start: start + lead,
        end: start + lead + text.len(),
        heading_path: heading_path.to_vec(),
        page: None,
    })
}

/// Paragraphs, then sentences, then words; no chunk lies on both sides of a restricted part's border.
pub fn plain(text: &str, restricted: &[Range<usize>]) -> Vec<PreparedChunk> {
    let Ok(config) = ChunkConfig::new(TARGET).with_overlap(OVERLAP) else { return Vec::new() };
    let splitter = TextSplitter::new(config);
    chunks(text, &outline::pieces(text, &[], restricted), |piece| splitter.chunk_indices(piece).collect())
}

/// Each heading begins a piece that no chunk crosses; the path of headings goes with the chunk.
pub fn markdown(text: &str, restricted: &[Range<usize>]) -> Vec<PreparedChunk> {
    let Ok(config) = ChunkConfig::new(TARGET).with_overlap(OVERLAP) else { return Vec::new() };
    let splitter = MarkdownSplitter::new(config);
    let headings = outline::headings_apart(text, restricted);
    chunks(text, &outline::pieces(text, &headings, restricted), |piece| splitter.chunk_indices(piece).collect())
}

/// Each piece alone, so that the length of one moves no border of another.
fn chunks(text: &str, pieces: &[Piece], split: impl Fn(&str) -> Vec<(usize, &str)>) -> Vec<PreparedChunk> {
    let mut chunks = Vec::new();
    for piece in pieces {
        let Some(part) = text.get(piece.start..piece.end) else { continue };
        chunks.extend(split(part).into_iter().filter_map(|(at, part)| chunk(piece.start + at, part, &piece.path)));
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_headings_and_offsets_reproduce_the_text() {
        let text = "intro\n\n# A\n\nfirst\n\n## B\n\nsecond\n\n```\n# not a heading\n```\n\n# C\n\nthird\n";
        let chunks = markdown(text, &[]);
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
        let chunks = plain(&text, &[]);
        assert!(chunks.len() > 7);
        assert!(chunks.iter().all(|c| text.get(c.start..c.end).unwrap().chars().count() <= TARGET));
        assert_eq!(chunks.last().map(|c| c.end), Some(text.trim_end().len()));
    }
}
