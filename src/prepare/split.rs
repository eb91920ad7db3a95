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

/// Bytes that the splitter sees at once: its work grows faster than the text, and nothing ends it in the middle.
const WINDOW: usize = 16 * 1024;
/// Bytes of blanks in a row that it sees: their square is what they cost.
const BLANKS: usize = 64;

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
        for window in windows(text, piece.start..piece.end) {
            effort.spend(1)?;
            let Some(part) = text.get(window.clone()).filter(|part| !part.trim().is_empty()) else { continue };
            for (at, part) in split(part) {
                let (start, trimmed) = (window.start + at + part.len() - part.trim_start().len(), part.trim());
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
    }
    Ok(chunks)
}

/// Divides a piece of the text so that no part is longer than [`WINDOW`], and none but a part of blanks holds more than
/// [`BLANKS`] in a row: where a paragraph ends, else a line, else a word.
fn windows(text: &str, piece: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = piece.start;
    std::iter::from_fn(move || {
        let rest = text.get(start..piece.end).filter(|rest| !rest.is_empty())?;
        let mut end = WINDOW.min(rest.len());
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        if end < rest.len() {
            let window = rest.get(..end).unwrap_or_default();
            let paragraph = window.rfind("\n\n").map(|at| at + 2);
            let line = || window.rfind('\n').map(|at| at + 1);
            let word = || window.rfind(char::is_whitespace).map(|at| at + 1);
            let fits = |at: &usize| rest.is_char_boundary(*at) && *at > 0;
            end = paragraph.or_else(line).or_else(word).filter(fits).unwrap_or(end);
        }
        let blanks = |text: &str| text.len() - text.trim_start().len();
        let own = blanks(rest.get(..end).unwrap_or_default());
        end = if own > BLANKS { own } else { many_blanks(rest.get(..end).unwrap_or_default()).unwrap_or(end) };
        let window = start..start + end;
        start = window.end;
        Some(window)
    })
}

/// Where the first blanks begin that are too many in a row.
fn many_blanks(text: &str) -> Option<usize> {
    let mut since = None;
    for (at, c) in text.char_indices() {
        if !c.is_whitespace() {
            since = None;
            continue;
        }
        let begin = *since.get_or_insert(at);
        if at + c.len_utf8() - begin > BLANKS {
            return Some(begin).filter(|begin| *begin > 0);
        }
    }
    None
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
    fn windows_are_the_piece_and_end_where_something_ends() {
        let whole = |text: &str, piece: Range<usize>| {
            let parts: Vec<_> = windows(text, piece.clone()).collect();
            assert_eq!(
                (parts.first().map(|it| it.start), parts.last().map(|it| it.end)),
                (Some(piece.start), Some(piece.end))
            );
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start), "{parts:?}");
            assert!(parts.iter().all(|part| part.len() <= WINDOW && text.get(part.clone()).is_some()), "{parts:?}");
            parts.into_iter().map(|part| text.get(part).unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let text = format!("{}\n\n{}", "a ".repeat(WINDOW / 3), "b\n".repeat(WINDOW / 2));
        let parts = whole(&text, 0..text.len());
        assert!(parts[0].ends_with("\n\n") && parts[1].starts_with('b'), "{}", parts.len());
        for one in ["ü", "\u{3000}", "x"] {
            let text = one.repeat(200_000);
            assert!(whole(&text, one.len()..text.len()).len() > 3, "{one}");
        }
        assert_eq!(whole("short", 0..5), ["short"]);
        assert_eq!(windows("", 0..0).count(), 0);
        let run = "\n".repeat(BLANKS + 1);
        assert_eq!(whole(&format!("a{run}b"), 0..BLANKS + 3), ["a", &run, "b"]);
        assert_eq!(whole(&format!("{run}b"), 0..BLANKS + 2), [&run, "b"]);
        let few = format!(" a{}b ", "\n".repeat(BLANKS));
        assert_eq!(whole(&few, 0..few.len()), [few.as_str()]);
    }

    /// Whatever a text repeats, its windows cost about as much as those of ordinary text.
    #[test]
    fn no_text_costs_much_more_than_another() {
        let fill = |part: &str| part.repeat(256 * 1024 / part.len());
        let time = |text: &str| {
            let begun = std::time::Instant::now();
            let (effort, _wanted) = Effort::new("", begun + std::time::Duration::from_secs(120), u64::MAX);
            // Too many chunks or headings are refused soon; here it counts how long that takes.
            drop(markdown(text, &[], &effort));
            drop(plain(text, &[], &effort));
            begun.elapsed()
        };
        let ordinary = time(&fill("A sentence of some words that says little.\n\n"));
        for part in [
            "\n", "\r", "\r\n", " \n", "\t", "\u{2028}", "a\n", "\n\na", "- a\n", "- \n", "> ", "[", "*a", "`", "|a",
            "<b>", "1. x\n\n", "&amp;", "\\", "# \n", "a  \n", "\n \n", "![](", "***\n", "- - ", "\u{a0}\n",
        ] {
            let took = time(&fill(part));
            assert!(took < 40 * ordinary + std::time::Duration::from_secs(2), "{part:?}: {took:?} beside {ordinary:?}");
        }
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
