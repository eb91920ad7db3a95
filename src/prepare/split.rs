//! Splitting plain text and Markdown into chunks of about 1,000 characters that follow the text's own structure.

use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

use crate::commit::documents::PreparedChunk;

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

/// Paragraphs, then sentences, then words.
pub fn plain(text: &str) -> Vec<PreparedChunk> {
    let Ok(config) = ChunkConfig::new(TARGET).with_overlap(OVERLAP) else { return Vec::new() };
    let splitter = TextSplitter::new(config);
    splitter.chunk_indices(text).filter_map(|(at, part)| chunk(at, part, &[])).collect()
}

/// Each heading begins a section that no chunk crosses; the path of headings goes with the chunk.
pub fn markdown(text: &str) -> Vec<PreparedChunk> {
    let Ok(config) = ChunkConfig::new(TARGET).with_overlap(OVERLAP) else { return Vec::new() };
    let splitter = MarkdownSplitter::new(config);
    let mut chunks = Vec::new();
    for section in sections(text) {
        let Some(part) = text.get(section.start..section.end) else { continue };
        chunks.extend(
            splitter.chunk_indices(part).filter_map(|(at, part)| chunk(section.start + at, part, &section.path)),
        );
    }
    chunks
}

struct MarkdownSection {
    start: usize,
    end: usize,
    path: Vec<String>,
}

/// The text between ATX headings outside fenced code, each with its path of headings.
fn sections(text: &str) -> Vec<MarkdownSection> {
    let mut found: Vec<MarkdownSection> = vec![MarkdownSection { start: 0, end: 0, path: Vec::new() }];
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        match fence {
            Some(mark) if trimmed.starts_with(mark) => fence = None,
            Some(_) => {}
            None if trimmed.starts_with("```") => fence = Some("```"),
            None if trimmed.starts_with("~~~") => fence = Some("~~~"),
            None => {
                if let Some((level, title)) = heading(trimmed) {
                    path.retain(|(other, _)| *other < level);
                    path.push((level, title));
                    if let Some(last) = found.last_mut() {
                        last.end = at;
                    }
                    let path = path.iter().map(|(_, title)| title.clone()).collect();
                    found.push(MarkdownSection { start: at, end: at, path });
                }
            }
        }
        at += line.len();
    }
    if let Some(last) = found.last_mut() {
        last.end = text.len();
    }
    found
}

fn heading(line: &str) -> Option<(usize, String)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.get(level..)?;
    let is_heading = (1..=6).contains(&level) && (rest.starts_with([' ', '\t']) || rest.trim().is_empty());
    is_heading.then(|| (level, rest.trim().trim_end_matches('#').trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_headings_and_offsets_reproduce_the_text() {
        let text = "intro\n\n# A\n\nfirst\n\n## B\n\nsecond\n\n```\n# not a heading\n```\n\n# C\n\nthird\n";
        let chunks = markdown(text);
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
        let chunks = plain(&text);
        assert!(chunks.len() > 7);
        assert!(chunks.iter().all(|c| text.get(c.start..c.end).unwrap().chars().count() <= TARGET));
        assert_eq!(chunks.last().map(|c| c.end), Some(text.trim_end().len()));
    }
}
