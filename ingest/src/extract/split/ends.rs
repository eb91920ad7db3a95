//! Where a chunk may end: behind a paragraph, a line, a sentence, a word; for scripts without spaces too.

use unicode_normalization::char::is_combining_mark;

/// Characters of a chunk that ends where it likes: not fewer.
const LEAST: usize = 200;
/// Characters of an abbreviation with a point.
const SHORT: usize = 2;
/// Characters that are looked at before a place: a sentence has fewer blanks, brackets and quotes behind it, and a run of
/// them is not gone through anew at each of its places.
const NEAR: usize = 16;

/// The places where a chunk may end that begins at `start`, is new from `fresh` on, and ends at `limit`.
pub struct Ends<'t, 'f> {
    pub text: &'t str,
    pub start: usize,
    pub fresh: usize,
    pub limit: usize,
    /// Whether a place lies within what belongs together.
    pub is_inside: &'f dyn Fn(usize) -> bool,
}

/// How good a place is, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Character,
    Word,
    Clause,
    Sentence,
    Line,
    Paragraph,
}

impl Ends<'_, '_> {
    /// The last paragraph's end in the second half, else the last line's or sentence's there, else a sentence's before;
    /// and where there is none, a clause's or a word's.
    pub fn best(&self) -> usize {
        let Some(head) = self.text.get(self.start..self.limit) else { return self.limit };
        let half = self.start.saturating_add(self.limit.saturating_sub(self.start) / 2);
        let least = super::nth(head, LEAST).saturating_add(self.start);
        let mut late: [Option<usize>; 6] = [None; 6];
        let mut early: [Option<usize>; 6] = [None; 6];
        // The limit itself may be an end.
        let places = head.char_indices().map(|(at, _)| self.start.saturating_add(at)).chain([self.limit]);
        for at in places.filter(|at| *at > self.fresh && *at > self.start && !(self.is_inside)(*at)) {
            let Some(kind) = kind_at(self.text, at) else { continue };
            let list = if at >= half { &mut late } else { &mut early };
            if at >= half || at >= least {
                list.get_mut(kind as usize).into_iter().for_each(|place| *place = Some(at));
            }
        }
        let of = |list: &[Option<usize>; 6], kind: Kind| list.get(kind as usize).copied().flatten();
        let wanted = [
            of(&late, Kind::Paragraph),
            of(&late, Kind::Line).max(of(&late, Kind::Sentence)),
            of(&early, Kind::Paragraph).max(of(&early, Kind::Line)).max(of(&early, Kind::Sentence)),
            of(&late, Kind::Clause),
            of(&late, Kind::Word),
            of(&early, Kind::Word),
            of(&late, Kind::Character),
        ];
        wanted.into_iter().flatten().next().unwrap_or(self.limit)
    }
}

/// Where the next chunk begins: with the last sentence or line before `end` that begins within so many characters of it. Where
/// the chunk ends within a sentence, with a word.
pub fn shared(text: &str, start: usize, end: usize, characters: usize) -> usize {
    let Some(before) = text.get(start..end) else { return end };
    let from = before.char_indices().rev().nth(characters.saturating_sub(1)).map_or(0, |(at, _)| at);
    let from = start.saturating_add(from);
    let is_whole = kind_at(text, end).is_none_or(|kind| kind >= Kind::Sentence);
    let least = if is_whole { Kind::Sentence } else { Kind::Word };
    let places = text.get(from..end).unwrap_or_default().char_indices().map(|(at, _)| from.saturating_add(at));
    let mut begins = places.filter(|at| *at > start && kind_at(text, *at).is_some_and(|kind| kind >= least));
    begins.next().unwrap_or(end)
}

/// What ends at a place; none within a character that is seen as one.
fn kind_at(text: &str, at: usize) -> Option<Kind> {
    let (before, after) = text.split_at_checked(at)?;
    let last = before.chars().next_back()?;
    let next = after.chars().next();
    if last == '\n' {
        let is_paragraph = before.ends_with("\n\n");
        return Some(if is_paragraph { Kind::Paragraph } else { Kind::Line });
    }
    let next = next?;
    if next == '\n' {
        return None;
    }
    if last.is_whitespace() {
        return Some(after_blank(before, next));
    }
    let bare = without_end(before, is_closer).chars().next_back()?;
    if matches!(bare, '。' | '！' | '？' | '｡' | '︒' | '។' | '៕' | '།' | '༎')
        && !is_closer(next)
        && !is_full_stop(next)
    {
        return Some(Kind::Sentence);
    }
    if matches!(last, '、' | '，' | '；' | '：' | '་') {
        return Some(Kind::Clause);
    }
    let is_joined = |c: char| is_combining_mark(c) || matches!(c, '\u{200c}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}');
    if is_joined(next) || last == '\u{200d}' || is_vowel_before(last) || is_vowel_after(next) {
        return None;
    }
    // Between letters of scripts that have no spaces one place is as good as another.
    Some(if is_spaceless(last) && is_spaceless(next) { Kind::Word } else { Kind::Character })
}

fn after_blank(before: &str, next: char) -> Kind {
    let before = without_end(before, char::is_whitespace);
    let bare = without_end(before, is_closer);
    let Some(last) = bare.chars().next_back() else { return Kind::Word };
    if is_full_stop(last) && !next.is_lowercase() && !(last == '.' && is_abbreviation(bare)) {
        return Kind::Sentence;
    }
    // Where a blank stands, a sentence or a clause of Thai, Lao, Khmer or Myanmar ends.
    if is_southeast_asian(last) && is_southeast_asian(next) {
        return Kind::Sentence;
    }
    if matches!(last, ',' | ';' | ':' | '،' | '؛' | '–' | '—') { Kind::Clause } else { Kind::Word }
}

/// Without the characters at the end that are such, as far as they are looked at.
fn without_end(text: &str, is_such: impl Fn(char) -> bool) -> &str {
    let mut rest = text.chars();
    for _ in 0..NEAR {
        let before = rest.as_str();
        if !rest.next_back().is_some_and(&is_such) {
            return before;
        }
    }
    rest.as_str()
}

fn is_full_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽' | '؟' | '۔' | '।' | '॥' | '։' | '።' | '။' | '。' | '！' | '？' | '｡' | '．')
}

fn is_closer(c: char) -> bool {
    matches!(
        c,
        ')' | ']' | '"' | '\'' | '”' | '’' | '“' | '»' | '«' | '›' | '」' | '』' | '）' | '】' | '》' | '*' | '_'
    )
}

/// A point behind an initial, a number that counts, or a short word that is written with one.
fn is_abbreviation(before: &str) -> bool {
    let before = without_end(before, |c| c == '.');
    let from = before.char_indices().rev().take(NEAR).last().map_or(before.len(), |(at, _)| at);
    let near = before.get(from..).unwrap_or_default();
    let word = near.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '.')).next().unwrap_or_default();
    let length = word.chars().count();
    let is_number = length <= SHORT && word.chars().all(|c| c.is_ascii_digit());
    let is_initial = length <= 1 && word.chars().all(char::is_alphabetic);
    let known = [
        "dr", "mr", "mrs", "ms", "prof", "st", "no", "nr", "vs", "cf", "fig", "abs", "art", "bd", "bzw", "vgl", "ca",
        "inkl", "ggf", "evtl", "tel", "str", "hr", "fr", "jr", "sr", "approx", "al", "vol", "pp", "ed", "inc", "ltd",
        "co", "corp", "dept", "est", "sog", "mme", "mlle", "av", "núm", "pág", "ul", "np", "tzw", "tj", "s",
    ];
    word.is_empty() || is_number || is_initial || known.contains(&word.to_lowercase().as_str())
}

fn is_southeast_asian(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

fn is_spaceless(c: char) -> bool {
    is_southeast_asian(c)
        || matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Vowels of Thai and Lao that are written before their consonant, and after it.
fn is_vowel_before(c: char) -> bool {
    matches!(c, 'เ' | 'แ' | 'โ' | 'ใ' | 'ไ' | 'ເ' | 'ແ' | 'ໂ' | 'ໃ' | 'ໄ')
}

fn is_vowel_after(c: char) -> bool {
    matches!(c, 'ะ' | 'า' | 'ำ' | 'ๅ' | 'ๆ' | 'ฯ' | 'ະ' | 'າ' | 'ຳ' | 'ໆ')
}
