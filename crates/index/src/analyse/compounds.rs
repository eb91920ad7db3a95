//! Parts of words that a language writes as one: `antrag` of `urlaubsantrag`. Dictionaries that could tell them are either
//! not free or learned from texts, which would tell of texts; so a part is what stands between two places at which the
//! language's rules of hyphenation (Liang 1983, the patterns of TeX) let the word be divided. What is no word is asked by
//! nobody.

use hypher::Lang;

/// Least letters of a part, and of what is left of the word on each side of it.
const LEAST: usize = 4;
/// Longer words are codes.
const LONGEST: usize = 48;

/// The patterns of a language that writes compounds as one word.
pub(super) fn patterns(code: &str) -> Option<Lang> {
    Some(match code {
        "da" => Lang::Danish,
        "de" => Lang::German,
        "fi" => Lang::Finnish,
        "hu" => Lang::Hungarian,
        "nl" => Lang::Dutch,
        "no" => Lang::Norwegian,
        "sv" => Lang::Swedish,
        _ => return None,
    })
}

/// The parts of a word in lower case, each with whether it reaches to the word's begin or end. None of a short word.
pub(super) fn parts(word: &str, patterns: Lang) -> Vec<Part<'_>> {
    let letters = word.chars().count();
    if !(2 * LEAST..=LONGEST).contains(&letters) || !word.chars().all(char::is_alphabetic) {
        return Vec::new();
    }
    // Where the word may be divided: in letters and in bytes.
    let mut borders = vec![(0, 0)];
    for syllable in hypher::hyphenate(word, patterns) {
        let (letters, bytes) = borders.last().copied().unwrap_or_default();
        borders.push((letters + syllable.chars().count(), bytes + syllable.len()));
    }
    let is_left = |count: usize| count == 0 || count >= LEAST;
    let mut parts = Vec::new();
    for (at, (from, start)) in borders.iter().enumerate().filter(|(_, (from, _))| is_left(*from)) {
        for (to, end) in borders.iter().skip(at + 1) {
            let count = to - from;
            let is_part = (LEAST..letters).contains(&count) && is_left(letters - to);
            if let Some(text) = word.get(*start..*end).filter(|text| is_part && !is_ending(text)) {
                parts.push(Part { text, is_outer: *from == 0 || *to == letters });
            }
        }
    }
    parts
}

/// A part of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    /// Whether the word begins or ends with it.
    pub(super) is_outer: bool,
}

/// A syllable that makes nouns of verbs: `lung` of `zahlung` is none of the organs.
fn is_ending(text: &str) -> bool {
    let ending = ["ung", "ungs", "ungen", "ing", "ings", "ingen", "ingar", "inger"]
        .iter()
        .find_map(|ending| text.strip_suffix(ending));
    ending.is_some_and(|before| !before.contains(['a', 'e', 'i', 'o', 'u', 'y', 'ä', 'ö', 'ü', 'å', 'æ', 'ø']))
}
