//! Text to index terms: one analysis for chunks and for the queries on them.
//!
//! A text is a row of words. Each has a spelling and, for a search, forms: folded (accents and marks left out) and
//! stemmed as its document's language stems. A term of the index is one form with one spelling, so that every form finds
//! all its spellings and the exact one can count more. A query doesn't know which language answers it: its words have the
//! forms of all languages that the collection's analyser knows. The exact rules are in `docs/ranking.md`.

mod compounds;
mod coverage;
mod language;
mod normal;
mod numbers;
mod query;
mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use self::compounds::Part;
use self::language::{LANGUAGES, Stems};
use self::normal::{fold, normal};
use self::words::{Kind, Word, is_paired, words};

pub use coverage::Coverage;
pub use language::{DETECTED_FROM, Language};
pub use query::{AnalysedQuery, Phrase, PhraseWord, QueryTerm, Role};

/// Longer forms and spellings are cut to this many bytes, at a character.
pub const MAX_TOKEN_BYTES: usize = 64;
/// Parts a form from its spelling. It ends every word, so that none holds it.
pub const SEPARATOR: char = '\0';
/// Places between two fields, so that no phrase reaches from one into the other.
const BETWEEN_FIELDS: u32 = 8;

/// Makes terms of text; chosen by name at the creation of a collection.
#[derive(Clone, Copy)]
pub struct Analyser {
    name: &'static str,
    languages: Languages,
}

#[derive(Clone, Copy)]
enum Languages {
    None,
    One(&'static Language),
    /// That of each document.
    Detected,
}

/// What a chunk is found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// By place.
    pub terms: Vec<Token>,
    /// Number of words.
    pub length: u32,
}

/// A form with its spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub form: String,
    pub spelling: String,
    pub position: u32,
}

impl Analyser {
    /// `simple`, a language that is also stemmed (`english`, `german`, …), or `auto`: each document's own language.
    /// `None`: no such analyser.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = Self::names().find(|known| *known == name)?;
        let languages = match name {
            "simple" => Languages::None,
            "auto" => Languages::Detected,
            name => Languages::One(Language::by_name(name)?),
        };
        Some(Self { name, languages })
    }

    /// All names, for messages and documentation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ["auto", "simple"].into_iter().chain(LANGUAGES.iter().map(|language| language.name))
    }

    /// The name under which [`by_name`](Self::by_name) gives this analyser.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether documents have to be looked at for their language.
    pub fn detects(&self) -> bool {
        matches!(self.languages, Languages::Detected)
    }

    /// The language of a text, as far as this analyser cares.
    pub fn language_of(&self, text: &str) -> Option<&'static Language> {
        match self.languages {
            Languages::None => None,
            Languages::One(language) => Some(language),
            Languages::Detected => Language::detect(&normal(text)),
        }
    }

    /// What a chunk in this language is found by: its fields, one after the other. O(length).
    pub fn tokens(&self, fields: &[&str], language: Option<&'static Language>) -> Tokens {
        let mut speaker = speaker(language);
        let mut known: HashMap<String, Vec<String>> = HashMap::new();
        let mut tokens = Tokens::default();
        let mut place = 0;
        for field in fields {
            let (words, end) = words(&normal(field), place);
            place = end + BETWEEN_FIELDS;
            for word in words {
                tokens.length += u32::from(word.kind.counts());
                let position = word.position;
                let is_plain = word.kind.is_one();
                let forms = match known.get(&word.base).filter(|_| is_plain) {
                    Some(forms) => forms.clone(),
                    None => {
                        let forms = held_forms(&word, &mut speaker);
                        if is_plain {
                            known.insert(word.base, forms.clone());
                        }
                        forms
                    }
                };
                let spelling = cut(word.spelling);
                tokens.terms.extend(forms.into_iter().map(|form| Token { form, spelling: spelling.clone(), position }));
            }
        }
        tokens
    }

    /// The languages that a query may be answered in, with their algorithms; `None` for words as they are.
    fn speakers(&self) -> Vec<Speaker> {
        self.languages().into_iter().map(speaker).collect()
    }

    fn languages(&self) -> Vec<Option<&'static Language>> {
        match self.languages {
            Languages::None => vec![None],
            Languages::One(language) => vec![Some(language)],
            Languages::Detected => [None].into_iter().chain(LANGUAGES.iter().map(Some)).collect(),
        }
    }

    /// The languages that a text by itself may be in: all, where it is too short to tell.
    pub fn languages_of(&self, text: &str) -> Vec<Option<&'static Language>> {
        match self.languages {
            Languages::Detected if Language::is_too_short(&normal(text)) => self.languages(),
            _ => vec![self.language_of(text)],
        }
    }
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Analyser").field(&self.name).finish()
    }
}

impl Tokens {
    /// Plain words, each its own form: what `simple` makes of them.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let terms: Vec<Token> = (0..)
            .zip(words)
            .map(|(position, word)| Token { form: format!(":{word}"), spelling: word.to_owned(), position })
            .collect();
        Self { length: terms.len() as u32, terms }
    }
}

/// A language with its algorithm; nothing where words are taken as they are.
type Speaker = Option<(&'static Language, Stems)>;

fn speaker(language: Option<&'static Language>) -> Speaker {
    language.map(|language| (language, language.stemmer()))
}

/// The forms of a word and of its inner parts, each once.
fn held_forms(word: &Word, speaker: &mut Speaker) -> Vec<String> {
    let mut all = forms(word, speaker.as_mut());
    for part in parts(word, speaker.as_ref()) {
        all.extend(forms(&aside(part.text), speaker.as_mut()));
    }
    dedup(&mut all);
    all
}

/// The forms of a word in a language: the stem of what is left without accents, what is left of the stem, and the stem of
/// the word with two letters for one. Numbers and pairs have no language.
fn forms(word: &Word, speaker: Option<&mut (&'static Language, Stems)>) -> Vec<String> {
    // A word of nothing but marks keeps them.
    let folded = Some(fold(&word.base)).filter(|folded| !folded.is_empty()).unwrap_or(Cow::Borrowed(&word.base));
    let Some((language, stems)) = speaker.filter(|_| word.base.contains(char::is_alphabetic) && !is_pair(word)) else {
        let mut forms = vec![term("", &folded)];
        forms.extend(two_letters(&word.base).map(|base| term("", &fold(&base))));
        forms.extend(numbers::others(&word.base).map(|number| term("", &number)));
        return forms;
    };
    let mut forms = vec![term(language.code, &stems.stem(&folded))];
    if folded != word.base {
        let stem = stems.stem(&word.base);
        forms.push(term(language.code, &fold(&stem)));
        forms.extend(two_letters(&word.base).map(|base| term(language.code, &stems.stem(&fold(&base)))));
    }
    dedup(&mut forms);
    forms
}

/// The parts of a word that is one word, in a language that writes several as one.
fn parts<'a>(word: &'a Word, speaker: Option<&(&'static Language, Stems)>) -> Vec<Part<'a>> {
    let patterns = speaker.filter(|_| word.kind.counts()).and_then(|(language, _)| compounds::patterns(language.code));
    patterns.map(|patterns| compounds::parts(&word.base, patterns)).unwrap_or_default()
}

/// A word that a text holds beside those with a place of their own.
fn aside(base: &str) -> Word {
    Word::at(0, base.to_owned(), base.to_owned(), Kind::Aside)
}

/// Umlauts and the like as they are typed where a keyboard has none.
fn two_letters(base: &str) -> Option<String> {
    let mut is_other = false;
    let mut written = String::new();
    for c in base.chars() {
        let two = match c {
            'ä' => "ae",
            'ö' | 'ø' => "oe",
            'ü' => "ue",
            'å' => "aa",
            c => {
                written.push(c);
                continue;
            }
        };
        is_other = true;
        written.push_str(two);
    }
    is_other.then_some(written)
}

/// Whether it is made of characters of a script without spaces.
fn is_pair(word: &Word) -> bool {
    word.kind == Kind::Pair || (word.kind == Kind::Aside && word.base.starts_with(is_paired))
}

fn term(code: &str, form: &str) -> String {
    cut(format!("{code}:{form}"))
}

fn dedup(forms: &mut Vec<String>) {
    let mut at = 0;
    while let Some(form) = forms.get(at) {
        let is_double = forms.iter().take(at).any(|before| before == form);
        if is_double {
            forms.remove(at);
        } else {
            at += 1;
        }
    }
}

/// A stored spelling as phrases compare it.
pub(crate) fn folded(spelling: &str) -> Cow<'_, str> {
    fold(spelling)
}

fn cut(mut token: String) -> String {
    token.truncate(token.floor_char_boundary(MAX_TOKEN_BYTES));
    token
}

#[cfg(test)]
mod tests;
