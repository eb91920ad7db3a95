//! What a query looks for: terms, which are words with all their forms, and phrases.

use std::collections::HashMap;

use super::coverage::Coverage;
use super::language::Language;
use super::normal::{fold, normal};
use super::words::{Kind, Word, words};
use super::{Analyser, Speaker, aside, cut, dedup, forms, parts};

/// Most words of a query that somebody has typed.
const ASKED_BY_HAND: usize = 16;

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
    /// Where the word as it was written begins, which may be joined of several.
    pub written: u32,
    pub role: Role,
}

/// What a term is of a word as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What was joined.
    Whole,
    /// A word with a place, all there is or a part of what was joined.
    Word(u32),
    /// What the word with this place begins with.
    Begin(u32),
    /// What the word with this place ends with.
    End(u32),
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
                let role = if word.kind == Kind::Whole { Role::Whole } else { Role::Word(word.position) };
                let (spelling, written) = (cut(word.spelling.clone()), written(word, &words));
                query.terms.push(QueryTerm { forms: all, spelling, count: 1, written, role });
            }
        }
        // A longer text is no question: it says enough without, and quotation marks say something else in it.
        if words.iter().filter(|word| word.kind.counts()).count() <= ASKED_BY_HAND {
            query.ask_for_parts(&words, &mut speakers, is_stop);
            query.phrases = quoted(&normal).into_iter().filter_map(|text| phrase(text, &mut speakers)).collect();
        }
        query
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
        for (word, place) in words.into_iter().zip(0..) {
            match terms.iter_mut().find(|term| term.spelling == word) {
                Some(term) => term.count += 1,
                None => terms.push(QueryTerm {
                    forms: vec![format!(":{word}")],
                    spelling: word.to_owned(),
                    count: 1,
                    written: place,
                    role: Role::Word(place),
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

    /// Measures texts against this query.
    pub fn coverage(&self) -> Coverage<'_> {
        Coverage::new(self)
    }

    /// Adds the parts of a query's compounds, so that what says them apart is found too.
    fn ask_for_parts(
        &mut self,
        words: &[Word],
        speakers: &mut [Speaker],
        is_stop: impl Fn(&Word, Option<&'static Language>) -> bool,
    ) {
        for word in words {
            let mut found: Vec<QueryTerm> = Vec::new();
            for speaker in speakers.iter_mut() {
                let language = speaker.as_ref().map(|(language, _)| *language);
                for part in parts(word, speaker.as_ref()).into_iter().filter(|part| part.is_outer) {
                    let role = if word.base.starts_with(part.text) { Role::Begin } else { Role::End }(word.position);
                    let part = aside(part.text);
                    if self.terms.iter().any(|term| term.spelling == part.spelling) || is_stop(&part, language) {
                        continue;
                    }
                    let forms = forms(&part, speaker.as_mut());
                    match found.iter_mut().find(|term| term.spelling == part.spelling) {
                        Some(term) => term.forms.extend(forms),
                        None => found.push(QueryTerm {
                            forms,
                            spelling: part.spelling,
                            count: 1,
                            written: written(word, words),
                            role,
                        }),
                    }
                }
            }
            self.terms.extend(found);
        }
    }
}

/// Where the word as it was written begins that this one is or is a part of.
fn written(word: &Word, words: &[Word]) -> u32 {
    let holds = |whole: &&Word| whole.kind == Kind::Whole && (whole.position..whole.end).contains(&word.position);
    words.iter().filter(holds).map(|whole| whole.position).min().unwrap_or(word.position)
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

fn phrase(text: &str, speakers: &mut [Speaker]) -> Option<Phrase> {
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
