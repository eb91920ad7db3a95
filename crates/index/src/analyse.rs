//! Text to index terms: one analysis for chunks and for the queries on them.
//!
//! A text is a row of words. Each has a spelling and, for a search, forms: folded (accents and marks left out) and
//! stemmed as its document's language stems. A term of the index is one form with one spelling, so that every form finds
//! all its spellings and the exact one can count more. A query doesn't know which language answers it: its words have the
//! forms of all languages that the collection's analyser knows. The exact rules are in `docs/ranking.md`.

mod compounds;
mod language;
mod normal;
mod words;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use self::compounds::Part;
use self::language::{LANGUAGES, Stems};
use self::normal::{fold, normal};
use self::words::{Kind, Word, words};

pub use language::{DETECTED_FROM, Language};

/// Longer forms and spellings are cut to this many bytes, at a character.
pub const MAX_TOKEN_BYTES: usize = 64;
/// Parts a form from its spelling. It ends every word, so that none holds it.
pub const SEPARATOR: char = '\0';
/// Places between two fields, so that no phrase reaches from one into the other.
const BETWEEN_FIELDS: u32 = 8;

/// Most words of a query whose quotation marks mean phrases.
const ASKED_BY_HAND: usize = 16;

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

/// What a query looks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysedQuery {
    terms: Vec<QueryTerm>,
    phrases: Vec<Phrase>,
}

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTerm {
    /// A chunk holds the word if it holds one of these.
    pub forms: Vec<String>,
    pub spelling: String,
    /// How often the query says it.
    pub count: u32,
    /// Whether it is a part of a word that the query says.
    pub is_part: bool,
}

/// Words that must follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    pub words: Vec<PhraseWord>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhraseWord {
    pub forms: Vec<String>,
    /// The spelling, folded: inflected forms don't count.
    pub folded: String,
    /// Places after the first word.
    pub offset: u32,
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
        let mut stems = language.map(|language| (language, language.stemmer()));
        let mut known: HashMap<String, Vec<String>> = HashMap::new();
        let mut tokens = Tokens::default();
        let mut place = 0;
        for field in fields {
            let (words, end) = words(&normal(field), place);
            place = end + BETWEEN_FIELDS;
            for word in words {
                tokens.length += u32::from(word.kind.counts());
                let position = word.position;
                let forms = match known.get(&word.base) {
                    Some(forms) if word.kind != Kind::Pair => forms.clone(),
                    _ => {
                        let mut forms = forms(&word, stems.as_mut());
                        for part in parts(&word, stems.as_ref()) {
                            forms.extend(self::forms(&aside(part.text), stems.as_mut()));
                        }
                        dedup(&mut forms);
                        known.insert(word.base.clone(), forms.clone());
                        forms
                    }
                };
                let spelling = cut(word.spelling);
                tokens.terms.extend(forms.into_iter().map(|form| Token { form, spelling: spelling.clone(), position }));
            }
        }
        tokens
    }

    /// The words of a query with their forms, and its phrases in quotation marks.
    pub fn query(&self, text: &str) -> AnalysedQuery {
        let normal = normal(text);
        let (words, _) = words(&normal, 0);
        let words: Vec<Word> = words.into_iter().filter(|word| word.kind.is_asked()).collect();
        let mut speakers = self.speakers();
        // Capitals between small letters are a name, and no stop word.
        let shouts = words.iter().all(|word| word.kind == Kind::Capitals || !word.base.contains(char::is_alphabetic));
        let is_stop = |word: &Word, language: Option<&'static Language>| {
            let language = language.or_else(|| Language::by_name("english"));
            let is_name = word.kind == Kind::Capitals && !shouts;
            !is_name && language.is_some_and(|language| language.is_stop_word(&fold(&word.base)))
        };
        // A language in which all words are stop words keeps them.
        let speaks: Vec<bool> = speakers
            .iter()
            .map(|speaker| !words.iter().all(|word| is_stop(word, speaker.as_ref().map(|(language, _)| *language))))
            .collect();
        let mut query = AnalysedQuery::default();
        let mut places: HashMap<(String, String), usize> = HashMap::new();
        for word in &words {
            if let Some(term) = places.get(&(word.base.clone(), word.spelling.clone())).copied() {
                if let Some(term) = query.terms.get_mut(term) {
                    term.count += 1;
                }
                continue;
            }
            let mut all = Vec::new();
            for (speaker, speaks) in speakers.iter_mut().zip(&speaks) {
                let language = speaker.as_ref().map(|(language, _)| *language);
                if !(*speaks && is_stop(word, language)) {
                    all.extend(forms(word, speaker.as_mut()));
                }
            }
            dedup(&mut all);
            if !all.is_empty() {
                places.insert((word.base.clone(), word.spelling.clone()), query.terms.len());
                query.terms.push(QueryTerm { forms: all, spelling: cut(word.spelling.clone()), count: 1, is_part: false });
            }
        }
        if words.iter().filter(|word| word.kind.counts()).count() <= ASKED_BY_HAND {
            self.ask_for_parts(&words, &mut speakers, &is_stop, &mut query);
        }
        // In a longer text, quotation marks say something else.
        if words.iter().filter(|word| word.kind.counts()).count() <= ASKED_BY_HAND {
            query.phrases = quoted(&normal).into_iter().filter_map(|text| phrase(text, &mut speakers)).collect();
        }
        query
    }

    /// Adds the parts of a query's compounds, so that what says them apart is found too.
    fn ask_for_parts(
        &self,
        words: &[Word],
        speakers: &mut [Option<(&'static Language, Stems)>],
        is_stop: &impl Fn(&Word, Option<&'static Language>) -> bool,
        query: &mut AnalysedQuery,
    ) {
        for word in words {
            let mut found: Vec<QueryTerm> = Vec::new();
            for speaker in speakers.iter_mut() {
                let language = speaker.as_ref().map(|(language, _)| *language);
                for part in parts(word, speaker.as_ref()).into_iter().filter(|part| part.is_outer) {
                    let part = aside(part.text);
                    if query.terms.iter().any(|term| term.spelling == part.spelling) || is_stop(&part, language) {
                        continue;
                    }
                    let forms = forms(&part, speaker.as_mut());
                    match found.iter_mut().find(|term| term.spelling == part.spelling) {
                        Some(term) => term.forms.extend(forms),
                        None => found.push(QueryTerm { forms, spelling: part.spelling, count: 1, is_part: true }),
                    }
                }
            }
            query.terms.extend(found);
        }
    }

    /// The languages that a query may be answered in, with their algorithms; `None` for words as they are.
    fn speakers(&self) -> Vec<Option<(&'static Language, Stems)>> {
        let speaker = |language: &'static Language| Some((language, language.stemmer()));
        match self.languages {
            Languages::None => vec![None],
            Languages::One(language) => vec![speaker(language)],
            Languages::Detected => [None].into_iter().chain(LANGUAGES.iter().map(speaker)).collect(),
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

impl AnalysedQuery {
    /// A query of these terms and phrases.
    pub fn of(terms: Vec<QueryTerm>, phrases: Vec<Phrase>) -> Self {
        Self { terms, phrases }
    }

    /// A query of these plain words, without a look at stop words.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut terms: Vec<QueryTerm> = Vec::new();
        for word in words {
            match terms.iter_mut().find(|term| term.spelling == word) {
                Some(term) => term.count += 1,
                None => terms.push(QueryTerm {
                    forms: vec![format!(":{word}")],
                    spelling: word.to_owned(),
                    count: 1,
                    is_part: false,
                }),
            }
        }
        Self { terms, phrases: Vec::new() }
    }

    /// The terms, in the order in which scores are summed.
    pub fn terms(&self) -> &[QueryTerm] {
        &self.terms
    }

    /// What every chunk that is found holds.
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// Whether nothing can match.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The part of the query's terms that a text in this language holds, 0 to 1; stop words of that language are none.
    /// Nothing where no term is left.
    pub fn coverage(&self, text: &Tokens, language: Option<&Language>) -> Option<f64> {
        let held: HashSet<&str> = text.terms.iter().map(|token| token.form.as_str()).collect();
        let code = language.map_or("", |language| language.code);
        let is_of = |form: &String| form.split_once(':').is_some_and(|(of, _)| of == code);
        // Numbers and pairs have the same form in every language.
        let counts =
            |term: &&QueryTerm| term.forms.iter().any(is_of) || term.forms.iter().all(|form| form.starts_with(':'));
        let (mut all, mut found) = (0_u32, 0_u32);
        for term in self.terms.iter().filter(|term| !term.is_part).filter(counts) {
            all += 1;
            found += u32::from(term.forms.iter().any(|form| held.contains(form.as_str())));
        }
        (all > 0).then(|| f64::from(found) / f64::from(all))
    }
}

/// The forms of a word in a language: the stem of what is left without accents, what is left of the stem, and the stem of
/// the word with two letters for one. Numbers and pairs have no language.
fn forms(word: &Word, speaker: Option<&mut (&'static Language, Stems)>) -> Vec<String> {
    // A word of nothing but marks keeps them.
    let folded = Some(fold(&word.base)).filter(|folded| !folded.is_empty()).unwrap_or(Cow::Borrowed(&word.base));
    let Some((language, stems)) = speaker.filter(|_| word.base.contains(char::is_alphabetic) && !is_pair(word)) else {
        let mut forms = vec![term("", &folded)];
        forms.extend(two_letters(&word.base).map(|base| term("", &fold(&base))));
        forms.extend(ungrouped(&word.base).map(|number| term("", &number)));
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
    Word { base: base.to_owned(), spelling: base.to_owned(), position: 0, kind: Kind::Aside }
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

/// A number without what parts its thousands: 10000 of 10,000 or 10.000.
fn ungrouped(number: &str) -> Option<String> {
    let mut groups = number.split(['.', ',']);
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()))?;
    let is_number = number.starts_with(|c| c != '0') && number.bytes().all(|byte| !byte.is_ascii_alphabetic());
    let rest: Vec<&str> = groups.collect();
    let is_grouped = !rest.is_empty() && rest.iter().all(|group| group.len() == 3);
    (is_number && is_grouped).then(|| format!("{first}{}", rest.concat()))
}

/// Whether it is made of characters of a script without spaces.
fn is_pair(word: &Word) -> bool {
    word.kind == Kind::Pair || (word.kind == Kind::Aside && !word.base.starts_with(|c: char| c.is_ascii_digit()))
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

/// The texts between quotation marks.
fn quoted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['"', '\u{201c}', '\u{201e}', '\u{ab}', '\u{bb}']) {
        let after = rest.get(start..).and_then(|text| {
            let mut chars = text.chars();
            let opening = chars.next()?;
            Some((opening, chars.as_str()))
        });
        let Some((opening, after)) = after else { return found };
        let closing: &[char] = match opening {
            '\u{201c}' => &['\u{201d}'],
            '\u{201e}' => &['\u{201c}', '\u{201d}'],
            '\u{ab}' => &['\u{bb}'],
            '\u{bb}' => &['\u{ab}'],
            _ => &['"'],
        };
        match after.find(closing) {
            Some(end) => {
                found.extend(after.get(..end));
                rest = after.get(end..).unwrap_or_default();
                let mut chars = rest.chars();
                chars.next();
                rest = chars.as_str();
            }
            None => rest = after,
        }
    }
    found
}

fn phrase(text: &str, speakers: &mut [Option<(&'static Language, Stems)>]) -> Option<Phrase> {
    let (words, _) = words(text, 0);
    let mut placed = words.iter().filter(|word| word.kind.counts()).peekable();
    let first = placed.peek()?.position;
    let words = placed.map(|word| {
        let mut all = Vec::new();
        speakers.iter_mut().for_each(|speaker| all.extend(forms(word, speaker.as_mut())));
        dedup(&mut all);
        PhraseWord { forms: all, folded: fold(&cut(word.spelling.clone())).into_owned(), offset: word.position - first }
    });
    Some(Phrase { words: words.collect() })
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
