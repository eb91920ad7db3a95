//! Characters that are one for a search: spelling brought to one form, and folded to what people type without care.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// NFKC without characters that show nothing, with one apostrophe and with digits of one kind; letters keep their case.
pub(super) fn normal(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let text: String = text.nfkc().filter(|c| !is_ignored(*c)).map(|c| digit(apostrophe(c))).collect();
    // What stood apart through an ignored character may compose now.
    Cow::Owned(nfkc(text))
}

/// Lower case. It can leave NFKC (a dotted capital I becomes two characters), so the result is brought back to it.
pub(super) fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { nfkc(text.to_lowercase()) }
}

fn nfkc(text: String) -> String {
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes { text } else { text.nfkc().collect() }
}

/// A lower-case word without accents and other marks that people leave out, with the plain form of letters that have one.
pub(super) fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut folded = String::with_capacity(word.len());
    let mut before = ' ';
    for c in word.nfd() {
        // A short i is a letter of its own, which nobody leaves the breve out of.
        if is_mark(c) && !(c == '\u{306}' && before == 'и') {
            continue;
        }
        before = c;
        match plain(c) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(c),
        }
    }
    Cow::Owned(folded.nfc().collect())
}

/// Default_Ignorable_Code_Point and the rest of the format controls: they change how a word looks, never which word it is.
fn is_ignored(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

fn apostrophe(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{2bb}' | '\u{2b9}' | '\u{2032}' | '\u{55a}' => '\'',
        c => c,
    }
}

/// The first of ten decimal digits, of every script that has its own.
const ZEROS: [u32; 31] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xabf0,
];

fn digit(c: char) -> char {
    let code = u32::from(c);
    if code < 0x660 {
        return c;
    }
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code));
    zero.and_then(|zero| char::from_digit(code - zero, 10)).unwrap_or(c)
}

/// Accents of Latin, Greek and Cyrillic, points of Hebrew, vowel marks of Arabic with its lengthening stroke, the dot below
/// of Devanagari and Gurmukhi.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}'
        | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{8d3}'..='\u{8ff}'
        | '\u{93c}' | '\u{a3c}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Letters that Unicode doesn't decompose and that people write plainly.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ı' | 'ɪ' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' | 'ɖ' => "d",
        'þ' => "th",
        'ł' | 'ƚ' => "l",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'ĸ' => "k",
        'ə' | 'ǝ' => "e",
        'ς' => "σ",
        'ґ' => "г",
        // Forms of one Arabic letter that keyboards and habits differ in.
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        'ة' | 'ە' => "ه",
        'ٱ' => "ا",
        // A final letter of Hebrew is that letter.
        'ך' => "כ",
        'ם' => "מ",
        'ן' => "נ",
        'ף' => "פ",
        'ץ' => "צ",
        // One nasal sign of Devanagari for the other.
        'ँ' => "ं",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_or_is_left_out_is_one() {
        for (written, typed) in [
            ("café", "cafe"),
            ("straße", "strasse"),
            ("οδός", "οδοσ"),
            ("i\u{307}stanbul", "istanbul"),
            ("ısparta", "isparta"),
            ("кафё", "кафе"),
            ("кітаб\u{301}", "кітаб"),
            ("مُحَمَّد", "محمد"),
            ("مـــدرسة", "مدرسه"),
            ("أحمد", "احمد"),
            ("שָׁלוֹם", "שלומ"),
            ("łódź", "lodz"),
            ("smørrebrød", "smorrebrod"),
            ("việt", "viet"),
            ("ज़रूर", "जरूर"),
            ("हाँ", "हां"),
        ] {
            assert_eq!(fold(written), typed);
        }
        for kept in ["мой", "が", "कि", "검색", "abc"] {
            assert_eq!(fold(kept), kept);
        }
        assert_eq!(normal("Pass\u{200b}wort \u{200f}הסכם\u{200e} ٣٫٥ ’x’ ﬁ"), "Passwort הסכם 3٫5 'x' fi");
        assert_eq!(lower("İ"), "i\u{307}");
    }
}
