//! A text as words with places: what stands between blanks, its parts where it is joined of several, and its whole.

use unicode_segmentation::UnicodeSegmentation;

use super::normal::lower;
use super::numbers;

/// Letters or digits, how they are written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case, without what joins it; what forms are made of.
    pub(super) base: String,
    /// In lower case, as it stands there.
    pub(super) spelling: String,
    pub(super) position: u32,
    /// The first place after it.
    pub(super) end: u32,
    pub(super) kind: Kind,
}

impl Word {
    pub(super) fn at(position: u32, base: String, spelling: String, kind: Kind) -> Self {
        Self { base, spelling, position, end: position + 1, kind }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Has a place of its own; lengths are numbers of these.
    Plain,
    /// As plain, in capitals throughout.
    Capitals,
    /// Two characters of a script that is written without spaces, or the only one of a run.
    Pair,
    /// What was joined, at the place of its first part.
    Whole,
    /// Letters or digits that nothing but a border of the two parts from the rest. Has a place; a text is found by it and
    /// nobody asks for it.
    Piece,
    /// At the place of another; a text is found by it and nobody asks for it.
    Aside,
}

impl Kind {
    /// Whether a query asks for it.
    pub(super) fn is_asked(self) -> bool {
        !matches!(self, Self::Piece | Self::Aside)
    }

    /// Whether it is one word, and no part of another.
    pub(super) fn is_one(self) -> bool {
        matches!(self, Self::Plain | Self::Capitals)
    }

    /// Whether it has a place of its own.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Plain | Self::Capitals | Self::Pair | Self::Piece)
    }
}

/// Most words with hyphens between them that are also one.
const CHAIN: usize = 4;
/// Most borders of letters and digits at which a word is taken apart: beyond, it is a number of some kind.
const BORDERS: usize = 3;
/// Digits of a number that is found without its decimals.
const LEAST_DIGITS: usize = 3;
/// Letters before the number of a standard, a form, a room; and of a unit behind a number.
const LONGEST_SERIES: usize = 5;
const LONGEST_UNIT: usize = 3;
/// Groups of four that are one number.
const LEAST_GROUPS: usize = 3;

/// The words of a normal text, by place, and the first place after them.
pub(super) fn words(text: &str, mut position: u32) -> (Vec<Word>, u32) {
    let mut found = Vec::new();
    // The rule for words gives each Han character as one, so these scripts are taken out before words are sought.
    split_scripts(text, |part, is_paired| {
        position = if is_paired { pairs(part, position, &mut found) } else { spaced(part, position, &mut found) };
    });
    found.sort_by_key(|word| word.position);
    (found, position)
}

/// Words between blanks.
fn spaced(text: &str, mut position: u32, found: &mut Vec<Word>) -> u32 {
    // Words with a hyphen between them, and those with a single blank or, after letters, a point.
    let mut chain: Vec<(u32, &str)> = Vec::new();
    let mut blanks: Vec<(u32, &str)> = Vec::new();
    let mut end = 0;
    for (start, word) in text.unicode_word_indices() {
        let between = text.get(end..start);
        if !matches!(between, Some("-" | "\u{2010}" | "\u{2011}")) {
            link(&chain, found);
            chain.clear();
        }
        if !matches!(between, Some(" " | ".")) {
            blanked(&blanks, found);
            blanks.clear();
        }
        chain.push((position, word));
        blanks.push((position, word));
        end = start + word.len();
        let after = text.get(end..).unwrap_or_default();
        let signs = signs(after);
        let spelling = lower(text.get(start..end + signs).unwrap_or(word));
        position = one(word, spelling, position, found);
    }
    link(&chain, found);
    blanked(&blanks, found);
    position
}

/// Length of the signs that belong to a name, as in C++ and C#.
fn signs(after: &str) -> usize {
    let signs = after.find(|c| c != '+' && c != '#').unwrap_or(after.len());
    let is_inside = after.get(signs..).is_some_and(|after| after.starts_with(char::is_alphanumeric));
    if signs > 2 || is_inside { 0 } else { signs }
}

/// Words with hyphens between them, written as one.
fn link(chain: &[(u32, &str)], found: &mut Vec<Word>) {
    let Some((position, _)) = chain.first().filter(|_| (2..=CHAIN).contains(&chain.len())) else { return };
    let mut words = chain.iter().map(|(_, word)| *word);
    if words.clone().any(|word| word.contains('\'')) || !words.any(|word| word.contains(char::is_alphabetic)) {
        return;
    }
    let joined: Vec<String> = chain.iter().map(|(_, word)| lower(word)).collect();
    let base = joined.iter().map(|word| whole(word)).collect();
    let end = chain.last().map_or(0, |(position, _)| *position) + 1;
    found.push(Word { base, spelling: joined.join("-"), position: *position, end, kind: Kind::Whole });
}

/// One word by the rule for words, and what it is joined of.
fn one(word: &str, spelling: String, position: u32, found: &mut Vec<Word>) -> u32 {
    let plain = |text: &str| if is_capitals(text) { Kind::Capitals } else { Kind::Plain };
    if let Some((head, tail)) = word.rsplit_once('\'') {
        let tail = lower(tail);
        let is_ending = matches!(&*tail, "s" | "ll" | "re" | "ve" | "d" | "m");
        if is_ending && !head.contains('\'') && head.chars().count() > 1 && !head.contains(is_joint) {
            // A possessive, or a verb that was drawn up to its subject.
            found.push(Word::at(position, lower(head), spelling, plain(head)));
            return position + 1;
        }
        if tail == "t" && lower(head).ends_with('n') {
            found.push(Word::at(position, lower(&whole(word)), spelling, plain(word)));
            return position + 1;
        }
    }
    let pieces = pieces(word, true);
    let base = lower(&whole(word));
    let mut parts: Vec<&str> = pieces.iter().copied().filter(|piece| piece.chars().nth(1).is_some()).collect();
    if parts.iter().any(|part| lower(part) == base) {
        parts.clear();
    }
    if parts.is_empty() {
        let kind = if pieces.len() > 1 { Kind::Plain } else { plain(word) };
        beginnings(&base, position, found);
        found.push(Word::at(position, base, spelling, kind));
        return position + 1;
    }
    named(word, position, found);
    found.push(Word { end: position + parts.len() as u32, ..Word::at(position, base, spelling, Kind::Whole) });
    let is_joined = self::pieces(word, false).len() > 1;
    let mut next = position;
    for part in parts {
        let base = lower(part);
        beginnings(&base, next, found);
        let kind = if is_joined || part.contains('.') { plain(part) } else { Kind::Piece };
        found.push(Word::at(next, base.clone(), base, kind));
        next += 1;
    }
    next
}

/// The shorter forms of a version (2.14 of 2.14.3), and what stands before the decimals of a larger number.
fn beginnings(number: &str, position: u32, found: &mut Vec<Word>) {
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let dots = number.match_indices('.').map(|(at, _)| at);
    let versions = dots.skip(1).filter_map(|at| number.get(..at)).map(str::to_owned);
    let whole = numbers::decimal(number).map(|(whole, _)| whole).filter(|whole| whole.len() >= LEAST_DIGITS);
    let short: Vec<String> = whole.map_or_else(|| versions.collect(), |whole| vec![whole]);
    found.extend(short.into_iter().map(|short| Word::at(position, short.clone(), short, Kind::Aside)));
}

/// The letters of a name with a number behind it: iPhone of iPhone15, whose parts are Phone and 15.
fn named(word: &str, position: u32, found: &mut Vec<Word>) {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.len() < word.len() && pieces(letters, true).len() > 1 && letters.chars().all(char::is_alphabetic) {
        found.push(Word::at(position, lower(letters), lower(letters), Kind::Aside));
    }
}

/// Neighbours that are also written as one: `ISO 9001`, `17 mm`, `38 500`, `DE89 3704 0044 0532`.
fn blanked(chain: &[(u32, &str)], found: &mut Vec<Word>) {
    let is_digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_letters = |word: &str, most: usize| word.chars().count() <= most && word.chars().all(char::is_alphabetic);
    for (at, (position, word)) in chain.iter().enumerate() {
        let Some((_, next)) = chain.get(at + 1) else { break };
        let is_code = is_letters(word, LONGEST_SERIES) && is_digits(next);
        let is_measure = word.starts_with(|c: char| c.is_ascii_digit()) && is_letters(next, LONGEST_UNIT);
        if is_code || is_measure {
            let one = lower(&format!("{word}{next}"));
            found.push(Word::at(*position, one.clone(), one, Kind::Aside));
        }
    }
    let mut rest = chain;
    while let Some(((position, first), others)) = rest.split_first() {
        // Thousands; the last may have decimals.
        let is_begin = is_digits(first) && first.len() <= 3 && !first.starts_with('0');
        let thousands = others.iter().take_while(|(_, word)| word.len() == 3 && is_digits(word)).count();
        let is_last = |(_, word): &&(u32, &str)| numbers::decimal(word).is_some_and(|(whole, _)| whole.len() == 3);
        let decimals = usize::from(others.get(thousands).filter(is_last).is_some());
        // Groups of four, as account numbers are printed.
        let is_group = |word: &str| {
            word.len() == 4
                && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
                && word.contains(|c: char| c.is_ascii_digit())
        };
        let groups = rest.iter().take_while(|(_, word)| is_group(word)).count();
        let is_tail = |(_, word): &&(u32, &str)| word.len() < 4 && is_digits(word);
        let tail = usize::from(rest.get(groups).filter(is_tail).is_some());
        let (count, kind) = if is_begin && thousands + decimals > 0 {
            (1 + thousands + decimals, Kind::Whole)
        } else if groups >= LEAST_GROUPS {
            (groups + tail, Kind::Aside)
        } else {
            (1, Kind::Plain)
        };
        if count > 1 {
            let one: String = rest.iter().take(count).map(|(_, word)| lower(word)).collect();
            found.push(Word { end: position + count as u32, ..Word::at(*position, one.clone(), one, kind) });
        }
        rest = rest.get(count..).unwrap_or_default();
    }
}

fn is_capitals(word: &str) -> bool {
    word.chars().nth(1).is_some() && word.chars().all(char::is_uppercase)
}

/// Whether it joins parts of a word.
fn is_joint(c: char) -> bool {
    !c.is_alphanumeric() && !is_combining(c)
}

fn is_combining(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// A word without what joins it. A point or comma between digits belongs to the number.
fn whole(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let keep = |(at, c): (usize, &char)| {
        let between = is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        (!is_joint(*c) || (between && matches!(c, '.' | ','))).then_some(*c)
    };
    chars.iter().enumerate().filter_map(keep).collect()
}

/// What a character is for the borders of parts.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Upper,
    Other,
    Digit,
    Joint,
}

/// The parts of a joined word: between joints, small and capital letters, and perhaps letters and digits.
fn pieces(word: &str, at_digits: bool) -> Vec<&str> {
    let mut classes: Vec<(usize, Class)> = Vec::new();
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    for (at, (start, c)) in chars.iter().enumerate() {
        let is_digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|(_, c)| c.is_ascii_digit());
        let class = match *c {
            c if is_combining(c) => classes.last().map_or(Class::Other, |(_, class)| *class),
            '.' | ',' if is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)) => Class::Digit,
            c if c.is_ascii_digit() => Class::Digit,
            c if is_joint(c) => Class::Joint,
            c if c.is_uppercase() => Class::Upper,
            _ => Class::Other,
        };
        classes.push((*start, class));
    }
    let class = |at: usize| classes.get(at).map(|(_, class)| *class);
    let is_letter = |class: Class| matches!(class, Class::Upper | Class::Other);
    let borders = |is_digits: bool| {
        (1..classes.len()).filter(move |&at| {
            let (Some(before), Some(here)) = (class(at - 1), class(at)) else { return false };
            match (before, here) {
                (Class::Digit, other) | (other, Class::Digit) if is_letter(other) => is_digits,
                (Class::Other, Class::Upper) => true,
                // The last capital of several begins a word if small letters follow: HTTP|Server, but PDFs.
                (Class::Upper, Class::Upper) => {
                    class(at + 1) == Some(Class::Other) && class(at + 2) == Some(Class::Other)
                }
                (a, b) => (a == Class::Joint) != (b == Class::Joint),
            }
        })
    };
    let count = borders(true).count() - borders(false).count();
    let mut pieces = Vec::new();
    let mut from = 0;
    let ends = borders(at_digits && count <= BORDERS).filter_map(|at| classes.get(at).map(|(start, _)| *start));
    for end in ends.chain([word.len()]) {
        if let Some(piece) = word.get(from..end).filter(|piece| !piece.starts_with(is_joint)) {
            pieces.push(piece);
        }
        from = end;
    }
    pieces
}

/// Hands out the longest parts in scripts that are paired, and those between them.
fn split_scripts(text: &str, mut each: impl FnMut(&str, bool)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let paired = is_paired(first);
        let end = rest.find(|next: char| is_paired(next) != paired).unwrap_or(rest.len());
        let Some((part, later)) = rest.split_at_checked(end) else { return };
        each(part, paired);
        rest = later;
    }
}

/// Each character (with the marks on it) and the next one; a single one alone. Single ones of longer runs stand aside.
fn pairs(part: &str, mut position: u32, found: &mut Vec<Word>) -> u32 {
    let part = lower(part);
    let characters: Vec<&str> = part.graphemes(true).collect();
    for (at, character) in characters.iter().enumerate() {
        let mut push = |base: String, kind| found.push(Word::at(position, base.clone(), base, kind));
        match characters.get(at + 1) {
            Some(next) => {
                push(format!("{character}{next}"), Kind::Pair);
                push((*character).to_owned(), Kind::Aside);
            }
            None if at == 0 => push((*character).to_owned(), Kind::Pair),
            None => push((*character).to_owned(), Kind::Aside),
        }
        position += 1;
    }
    position
}

/// Scripts that are written without spaces, and Hangul, by block; half-width forms are gone after NFKC.
pub(super) fn is_paired(character: char) -> bool {
    matches!(character,
        '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}'          // Thai
        | '\u{e80}'..='\u{ecf}' | '\u{edc}'..='\u{edf}'        // Lao
        | '\u{1000}'..='\u{103f}' | '\u{1050}'..='\u{108f}' | '\u{109a}'..='\u{109d}'   // Burmese
        | '\u{a9e0}'..='\u{a9ef}' | '\u{a9fa}'..='\u{a9fe}' | '\u{aa60}'..='\u{aa7f}'
        | '\u{1780}'..='\u{17d3}' | '\u{17d7}' | '\u{17dc}' | '\u{17dd}'   // Khmer
        | '\u{1950}'..='\u{1974}' | '\u{1980}'..='\u{19c9}' | '\u{1a20}'..='\u{1a7c}'   // Tai Le, New Tai Lue, Tai Tham
        | '\u{1100}'..='\u{11ff}'    // Hangul Jamo
        | '\u{2e80}'..='\u{2fdf}'    // Han radicals
        | '\u{3005}'..='\u{3007}'    // iteration mark, closing mark, zero
        | '\u{3021}'..='\u{3029}'    // Hangzhou numerals
        | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303b}'
        | '\u{3041}'..='\u{3096}' | '\u{3099}'..='\u{309f}'   // Hiragana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}'    // Katakana with its length mark, not the dot
        | '\u{3130}'..='\u{318f}'    // Hangul compatibility Jamo
        | '\u{31f0}'..='\u{31ff}'    // Katakana extensions
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}'    // Hangul syllables
        | '\u{f900}'..='\u{faff}'
        | '\u{1aff0}'..='\u{1b16f}'  // Kana extensions
        | '\u{20000}'..='\u{323af}'  // Han extensions
    )
}
