//! What stands under the same headings as a passage, as far as its reader may read it.

use super::{QueryError, assemble};
use crate::authority::View;
use crate::gate::VerifiedChunk;
use crate::gate::text::PassageText;
use crate::service::Service;
use crate::snapshot::names::chunk_id;
use crate::wire::UnderHeading;

/// Chunks before a passage, and after it.
const MAX_CHUNKS: usize = 16;
/// Bytes of the text, unless the passage alone has more.
const MAX_BYTES: usize = 16 * 1024;

/// A chunk with where it lies in the text that the reader gets.
struct Piece {
    chunk_id: String,
    text: PassageText,
}

/// The text around a passage; also says whether no chunk was lost while it was read.
pub(super) async fn under_heading(
    service: &Service,
    searched: &View,
    view: &View,
    chunk: &VerifiedChunk,
    text: &PassageText,
) -> Result<(UnderHeading, bool), QueryError> {
    // One more than may stand in it: then it is known whether something was left out.
    let (around, is_complete) = assemble::around(service, searched, view, chunk, MAX_CHUNKS + 1).await?;
    let piece = |chunk: &VerifiedChunk, text: PassageText| Piece { chunk_id: chunk_id(chunk.key()), text };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (neighbour, text) in around {
        let side = if neighbour.number() < chunk.number() { &mut before } else { &mut after };
        side.push(piece(&neighbour, text));
    }
    before.reverse();
    Ok((joined(before, piece(chunk, text.clone()), after), is_complete))
}

/// The text of a passage with what belongs to it on both sides, the nearest first.
fn joined(before: Vec<Piece>, passage: Piece, after: Vec<Piece>) -> UnderHeading {
    let mut left = MAX_BYTES.saturating_sub(passage.text.text.len());
    let mut is_whole = true;
    let is_under = |piece: &Piece| piece.text.heading_path == passage.text.heading_path;
    let [mut before, mut after] = [before, after].map(|side| side.into_iter().take_while(is_under).enumerate());
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let (mut before_ended, mut after_ended) = (false, false);
    while !(before_ended && after_ended) {
        let sides = [(&mut after, &mut last, &mut after_ended), (&mut before, &mut first, &mut before_ended)];
        for (side, taken, has_ended) in sides {
            if *has_ended {
                continue;
            }
            match side.next() {
                Some((count, piece)) if count < MAX_CHUNKS && piece.text.text.len() + BETWEEN.len() <= left => {
                    left -= piece.text.text.len() + BETWEEN.len();
                    taken.push(piece);
                }
                more => {
                    is_whole &= more.is_none();
                    *has_ended = true;
                }
            }
        }
    }
    let pieces = first.into_iter().rev().chain([passage]).chain(last);
    let (mut text, mut chunk_ids) = (String::new(), Vec::new());
    let (mut end, mut last_chunk) = (None::<usize>, None::<u32>);
    for piece in pieces {
        let (start, whole) = (piece.text.start, piece.text.text.as_str());
        // Chunks may repeat the end of the one before.
        let repeated = end.map_or(0, |end| end.saturating_sub(start)).min(whole.len());
        if end.is_some_and(|end| end < start) {
            text.push_str(BETWEEN);
        }
        let follows = last_chunk.is_none_or(|last| last + 1 == piece.text.chunk);
        if !follows && crate::mutants::active("hidden_parts_leave_a_gap") {
            text.push('…');
        }
        last_chunk = Some(piece.text.chunk);
        text.push_str(whole.get(repeated..).unwrap_or(whole));
        end = Some(end.unwrap_or(0).max(piece.text.end));
        chunk_ids.push(piece.chunk_id);
    }
    UnderHeading { text, chunk_ids, is_whole }
}

/// Between chunks that have something between them.
const BETWEEN: &str = "\n\n";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::gate::text::PassageDocument;
    use crate::wire::Fields;

    /// A chunk of a text, under a heading.
    fn piece(of: &str, start: usize, end: usize, heading: &str) -> Piece {
        let document = PassageDocument { title: String::new(), url: None, metadata: Fields::default() };
        let text = PassageText {
            collection: 0,
            chunk: 0,
            text: of.get(start..end).unwrap().to_owned(),
            document: Arc::new(document),
            heading_path: vec![heading.to_owned()],
            page: None,
            start,
            end,
            content_hash: [0; 32],
        };
        Piece { chunk_id: format!("{start}"), text }
    }

    #[test]
    fn chunks_under_one_heading_are_joined_without_repetitions() {
        let of = "one two three\n\nfour five six seven";
        let before = vec![piece(of, 4, 13, "h"), piece(of, 0, 7, "h")];
        let after = vec![piece(of, 20, 28, "h"), piece(of, 24, 34, "h")];
        let found = joined(before, piece(of, 15, 24, "h"), after);
        assert_eq!((found.text.as_str(), found.is_whole), (of, true));
        assert_eq!(found.chunk_ids, ["0", "4", "15", "20", "24"]);
        // It ends where another heading begins, on each side for itself.
        let before = vec![piece(of, 4, 13, "other"), piece(of, 0, 7, "h")];
        let found = joined(before, piece(of, 15, 24, "h"), vec![piece(of, 20, 28, "h"), piece(of, 24, 34, "x")]);
        assert_eq!((found.text.as_str(), found.is_whole), ("four five six", true));
        // A chunk within the one before adds nothing.
        let found = joined(vec![piece(of, 0, 13, "h")], piece(of, 4, 7, "h"), vec![piece(of, 8, 34, "h")]);
        assert_eq!(found.text, of);
    }

    #[test]
    fn it_ends_at_its_limits_and_says_so() {
        let of = "x".repeat(128 * 1024);
        let run = |count: usize, size: usize| -> Vec<Piece> {
            (0..count).map(|n| piece(&of, 1_000 + n * size, 1_000 + (n + 1) * size, "h")).collect()
        };
        for (count, size, chunks, is_whole) in
            [(16, 100, 17, true), (17, 100, 17, false), (8, 1_000, 9, true), (17, 4_000, 4, false)]
        {
            let found = joined(Vec::new(), piece(&of, 0, 1_000, "h"), run(count, size));
            assert_eq!((found.chunk_ids.len(), found.is_whole), (chunks, is_whole), "{count} of {size}");
            assert!(found.text.len() <= MAX_BYTES);
        }
        let long = joined(Vec::new(), piece(&of, 0, 20_000, "h"), run(1, 10));
        assert_eq!((long.text.len(), long.is_whole), (20_000, false));
    }
}
