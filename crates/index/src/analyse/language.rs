//! Languages whose words are stemmed, how a text's is found out, and which words of a question say nothing in it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ::tantivy::tokenizer::{Language as Algorithm, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};

use super::normal::fold;

/// A language with a Snowball algorithm.
#[derive(Debug, PartialEq)]
pub struct Language {
    /// Its name as an analyser.
    pub(super) name: &'static str,
    /// What its terms begin with.
    pub(super) code: &'static str,
    algorithm: Algorithm,
    detected: whatlang::Lang,
}

macro_rules! languages {
    ($($name:literal $code:literal $algorithm:ident $detected:ident,)*) => {
        /// All of them.
        pub(super) static LANGUAGES: &[Language] = &[$(Language {
            name: $name, code: $code, algorithm: Algorithm::$algorithm, detected: whatlang::Lang::$detected,
        }),*];
    };
}

languages! {
    "arabic" "ar" Arabic Ara,
    "danish" "da" Danish Dan,
    "dutch" "nl" Dutch Nld,
    "english" "en" English Eng,
    "finnish" "fi" Finnish Fin,
    "french" "fr" French Fra,
    "german" "de" German Deu,
    "greek" "el" Greek Ell,
    "hungarian" "hu" Hungarian Hun,
    "italian" "it" Italian Ita,
    "norwegian" "no" Norwegian Nob,
    "portuguese" "pt" Portuguese Por,
    "romanian" "ro" Romanian Ron,
    "russian" "ru" Russian Rus,
    "spanish" "es" Spanish Spa,
    "swedish" "sv" Swedish Swe,
    "tamil" "ta" Tamil Tam,
    "turkish" "tr" Turkish Tur,
}

/// Bytes of a text that its language is found out from.
pub const DETECTED_FROM: usize = 4096;
/// Letters that are too few to tell.
const TOO_SHORT: usize = 60;

impl Language {
    pub(super) fn by_name(name: &str) -> Option<&'static Self> {
        LANGUAGES.iter().find(|language| language.name == name)
    }

    /// The language of a text: English where there is doubt, whose algorithm does least to words that are none of its
    /// own; none where it is one without an algorithm.
    pub(super) fn detect(text: &str) -> Option<&'static Self> {
        let text = text.get(..text.floor_char_boundary(DETECTED_FROM)).unwrap_or_default();
        match whatlang::detect(text).filter(|found| !Self::is_too_short(text) && found.is_reliable()) {
            Some(found) => LANGUAGES.iter().find(|language| language.detected == found.lang()),
            None => Self::by_name("english"),
        }
    }

    /// Whether a text has too few letters to tell its language by.
    pub(super) fn is_too_short(text: &str) -> bool {
        text.chars().filter(|c| c.is_alphabetic()).nth(TOO_SHORT - 1).is_none()
    }

    /// Whether a folded word of a question says nothing in this language.
    pub(super) fn is_stop_word(&self, folded: &str) -> bool {
        static WORDS: LazyLock<HashMap<&str, HashSet<String>>> = LazyLock::new(|| {
            let mut words: HashMap<&str, HashSet<String>> = HashMap::new();
            for (code, word) in STOP_WORDS.lines().filter_map(|line| line.split_once('\t')) {
                words.entry(code).or_default().insert(fold(word).into_owned());
            }
            words
        });
        WORDS.get(self.code).is_some_and(|words| words.contains(folded))
    }

    pub(super) fn stemmer(&self) -> Stems {
        // The stemmer of the engine is reached through an analyser that leaves its input whole.
        Stems(TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(self.algorithm)).build())
    }
}

/// Language and word. Those of English and Turkish, and words that ask, are our own choice; the others are Snowball's.
const STOP_WORDS: &str = include_str!("stop.tsv");

/// A language's algorithm.
pub(super) struct Stems(TextAnalyzer);

impl Stems {
    pub(super) fn stem(&mut self, word: &str) -> String {
        let mut stream = self.0.token_stream(word);
        if stream.advance() { stream.token().text.clone() } else { word.to_owned() }
    }
}
