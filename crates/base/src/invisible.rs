//! What a person doesn't see in a text. One list, for every text on its way to a model, into an index or out of a file.
//!
//! By Unicode's property Default_Ignorable_Code_Point and its format controls, with fillers and line separators. Text that
//! only a model sees is a way to instruct it.

use std::borrow::Cow;

/// Whether the character shows nothing and means nothing: bidirectional controls, variation selectors, fillers, tags,
/// controls other than tab and line feed. The two joiners are not among them: scripts and emoji need them.
pub fn is_invisible(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' => true,
        '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' => true,
        '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{2800}' | '\u{3164}' | '\u{FFA0}' => true,
        '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}' => true,
        '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' => true,
        '\u{E0000}'..='\u{E0FFF}' => true,
        c => c.is_control(),
    }
}

/// The joiners, which mean something between letters of some scripts and within emoji.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// What an invisible character is replaced with where it parts words.
fn replacement(c: char) -> Option<char> {
    match c {
        '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{2800}' | '\u{3164}' | '\u{FFA0}' | '\u{115F}' | '\u{1160}' => Some(' '),
        _ => None,
    }
}

/// The text without what a person doesn't see. A joiner stays where it joins two characters of those that need it; a
/// carriage return is one with the line feed after it.
pub fn cleaned(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_invisible(c) || is_joiner(c)) {
        return Cow::Borrowed(text);
    }
    let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !c.is_whitespace() && !is_joiner(c));
    let mut out = String::with_capacity(text.len());
    let mut visible = text.chars().filter_map(|c| match c {
        '\r' => None,
        c if is_invisible(c) => replacement(c),
        c => Some(c),
    });
    let mut next = visible.next();
    while let Some(c) = next {
        next = visible.next();
        if !is_joiner(c) || (joins(out.chars().next_back()) && joins(next)) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_person_does_not_see_stays() {
        let hidden: String = ('\u{FE00}'..='\u{FE0F}').chain('\u{E0000}'..='\u{E01EF}').collect();
        let others =
            "\u{61C}\u{34F}\u{180B}\u{200B}\u{202E}\u{2060}\u{2069}\u{FEFF}\u{FFF9}\u{1D173}\u{1BCA0}\u{7}\u{AD}";
        assert_eq!(cleaned(&format!("pass{hidden}{others}word")), "password");
        assert_eq!(cleaned("a\u{2028}b\u{2029}c\u{85}d\r\ne"), "a\nb\nc\nd\ne");
        assert_eq!(cleaned("a\u{3164}b\u{FFA0}c\u{2800}d"), "a b c d");
        assert!(matches!(cleaned("plain, grün 漢字"), Cow::Borrowed(_)));
    }

    #[test]
    fn joiners_stay_where_they_join_and_carry_nothing_elsewhere() {
        for whole in ["می\u{200C}خواهم", "👩\u{200D}💻", "क्\u{200D}ष"] {
            assert_eq!(cleaned(whole), whole);
        }
        assert_eq!(cleaned("a\u{200D}b\u{200C} \u{200D}ü"), "ab ü");
        assert_eq!(cleaned("می\u{200C}\u{200D}\u{200C}خ"), "می\u{200C}خ", "one of a run");
    }
}
