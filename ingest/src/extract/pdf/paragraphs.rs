//! From lines to paragraphs: which line breaks were made by the width of the column, and which words a hyphen divides.

use std::collections::HashSet;

use super::order::Line;

/// Lines that belong together, with the breaks that their author made.
pub fn paragraphs(lines: &[&Line]) -> Vec<Vec<String>> {
    let mut paragraphs: Vec<Vec<String>> = Vec::new();
    for region in lines.chunk_by(|a, b| a.region == b.region) {
        let right = region.iter().filter(|l| !l.is_row).map(|l| l.x1).fold(f64::MIN, f64::max);
        let left = region.iter().map(|l| l.x0).fold(f64::MAX, f64::min);
        let mut leadings: Vec<f64> = region.iter().zip(region.iter().skip(1)).map(|(a, b)| a.y - b.y).collect();
        leadings.sort_by(f64::total_cmp);
        let leading = leadings.get(leadings.len() / 2).copied().unwrap_or(0.0);
        let mut last: Option<&Line> = None;
        for line in region {
            let step = last.map_or(Step::Paragraph, |last| step(last, line, right, left, leading));
            match (step, paragraphs.last_mut()) {
                (Step::Word, Some(paragraph)) if !paragraph.is_empty() => {
                    if let Some(text) = paragraph.last_mut() {
                        text.push('\u{1}');
                        text.push_str(&line.text);
                    }
                }
                (Step::Line, Some(paragraph)) => paragraph.push(line.text.clone()),
                _ => paragraphs.push(vec![line.text.clone()]),
            }
            last = Some(line);
        }
    }
    paragraphs
}

enum Step {
    /// The line had no more room.
    Word,
    Line,
    Paragraph,
}

fn step(a: &Line, b: &Line, right: f64, left: f64, leading: f64) -> Step {
    let down = a.y - b.y;
    let size = a.size.max(b.size);
    let alike = a.size < 1.12 * b.size && b.size < 1.12 * a.size;
    if a.is_row && b.is_row && down > 0.0 {
        return Step::Line;
    }
    if down <= 0.0 || down > (1.35 * leading.max(size)).min(2.4 * size) || !alike {
        return Step::Paragraph;
    }
    if a.is_row || b.is_row || is_item(&b.text) {
        return Step::Line;
    }
    if divided(&a.text, &b.text) {
        return Step::Word;
    }
    // The first line of a paragraph is set in; the lines below the first of an item are too.
    if b.x0 > a.x0 + 0.8 * size && b.x0 > left + 0.8 * size && !is_item(&a.text) {
        return Step::Paragraph;
    }
    if right - a.x1 > b.first_width + 0.4 * size { Step::Line } else { Step::Word }
}

/// Whether a line begins an item of a list.
fn is_item(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let rest = text.split_whitespace().nth(1).is_some();
    let bullet =
        matches!(first, "•" | "◦" | "▪" | "■" | "●" | "○" | "–" | "—" | "-" | "*" | "·" | "➢" | "✓" | "\u{25b8}");
    let stem = first.strip_suffix(['.', ')']).map(|stem| stem.trim_start_matches('('));
    let number = stem.is_some_and(|stem| {
        let short = stem.chars().count() <= 3;
        short
            && (stem.chars().all(|c| c.is_ascii_digit()) || (stem.len() == 1 && stem.chars().all(char::is_alphabetic)))
    });
    rest && (bullet || number)
}

/// Whether a word goes on in the next line.
fn divided(a: &str, b: &str) -> bool {
    let Some(before) = a.strip_suffix(['-', '\u{2010}', '\u{ad}']) else { return false };
    before.ends_with(char::is_alphabetic) && b.starts_with(char::is_lowercase)
}

/// Characters of scripts that part no words.
pub fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Lines of a cell as one text; words that a hyphen divides are joined when the document is.
pub fn joined(lines: &[&str]) -> String {
    lines.join("\u{1}")
}

/// Words of the document as they stand within lines: they tell a hyphen of the line from one of the word.
#[derive(Debug, Default)]
pub struct Vocabulary {
    words: HashSet<String>,
}

impl Vocabulary {
    /// Takes the words of a text whose lines end in U+0001.
    pub fn learn(&mut self, text: &str) {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '\u{2010}' | '\'');
        let mut goes_on = false;
        for line in text.split(['\u{1}', '\n']) {
            // What stands before and behind a line's hyphen may be half a word.
            for word in line.split(|c| !is_part(c)).skip(usize::from(goes_on)) {
                if !word.ends_with(['-', '\u{2010}']) && !word.is_empty() && self.words.len() < 500_000 {
                    self.words.insert(word.replace('\u{2010}', "-").to_lowercase());
                }
            }
            goes_on = line.ends_with(['-', '\u{2010}']);
        }
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word.to_lowercase())
    }

    /// Lines joined: by a space, by nothing where a hyphen only divides, by the hyphen where it belongs to the word.
    pub fn join(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.split('\u{1}') {
            self.append(&mut out, line);
        }
        out
    }

    fn append(&self, out: &mut String, line: &str) {
        if out.is_empty() {
            out.push_str(line);
            return;
        }
        if let Some(before) = out.strip_suffix('\u{ad}') {
            let length = before.len();
            out.truncate(length);
            out.push_str(line);
            return;
        }
        let is_letter = |c: char| c.is_alphanumeric();
        let hyphen = out.chars().next_back().filter(|c| matches!(c, '-' | '\u{2010}'));
        let stem = hyphen.and_then(|c| out.strip_suffix(c)).filter(|stem| stem.ends_with(is_letter));
        if let (Some(stem), true) = (stem, line.starts_with(is_letter)) {
            let head = tail_word(stem);
            let tail: String = line.chars().take_while(|c| is_letter(*c)).collect();
            if line.starts_with(char::is_lowercase) && self.only_divides(head, &tail) {
                let length = stem.len();
                out.truncate(length);
            }
            out.push_str(line);
            return;
        }
        if !(out.ends_with(is_wide) && line.starts_with(is_wide)) {
            out.push(' ');
        }
        out.push_str(line);
    }

    fn only_divides(&self, head: &str, tail: &str) -> bool {
        let last = head.rsplit('-').next().unwrap_or(head);
        if self.has(&format!("{last}{tail}")) {
            return true;
        }
        if self.has(&format!("{head}-{tail}")) || last.chars().any(|c| c.is_ascii_digit()) {
            return false;
        }
        let is_word = |part: &str| part.chars().count() >= 4 && self.has(part);
        !(is_word(last) && is_word(tail))
    }

    /// A word that goes on in another column or on another page is put together where it begins.
    pub fn bridge(&self, text: &mut String, next: &mut String) {
        if !divided(text, next) {
            return;
        }
        let end = next.find(char::is_whitespace).unwrap_or(next.len());
        let Some((word, rest)) = next.split_at_checked(end) else { return };
        self.append(text, word);
        *next = rest.trim_start().to_owned();
    }
}

/// The word, hyphens included, that a text ends with.
fn tail_word(text: &str) -> &str {
    let from = text.char_indices().rev().take_while(|(_, c)| c.is_alphanumeric() || *c == '-').last();
    from.and_then(|(at, _)| text.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hyphen_of_the_line_goes_and_one_of_the_word_stays() {
        let mut known = Vocabulary::default();
        known.learn("long lines of long-term plans\u{1}with open source and rate limits");
        for (lines, joined) in [
            ("manda-\u{1}tory", "mandatory"),
            ("a long-\u{1}term plan", "a long-term plan"),
            ("open-\u{1}source", "open-source"),
            ("Anglo-\u{1}Saxon", "Anglo-Saxon"),
            ("co\u{ad}\u{1}operate", "cooperate"),
            ("x -\u{1}y", "x - y"),
            ("日本\u{1}語", "日本語"),
        ] {
            assert_eq!(known.join(lines), joined);
        }
        let (mut text, mut next) = ("a manda-".to_owned(), "tory word".to_owned());
        known.bridge(&mut text, &mut next);
        assert_eq!((text.as_str(), next.as_str()), ("a mandatory", "word"));
    }
}
