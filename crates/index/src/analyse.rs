//! Text to index terms: the one analyser of a collection, for its chunks and for the queries on them.
//!
//! Text is brought to NFKC and lower case and split into Unicode words (UAX 29). Scripts that are written without spaces
//! (Han, Hiragana, Katakana) and Hangul become overlapping pairs of characters, because a dictionary would be a guess.
//! A named language is stemmed by its Snowball algorithm. The exact rules are in `docs/ranking.md`.

use std::collections::HashSet;

use ::tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// Longer tokens are cut to this many bytes, at a character.
pub const MAX_TOKEN_BYTES: usize = 64;

/// Every analyser by name.
const NAMES: [(&str, Option<Language>); 19] = [
    ("simple", None),
    ("arabic", Some(Language::Arabic)),
    ("danish", Some(Language::Danish)),
    ("dutch", Some(Language::Dutch)),
    ("english", Some(Language::English)),
    ("finnish", Some(Language::Finnish)),
    ("french", Some(Language::French)),
    ("german", Some(Language::German)),
    ("greek", Some(Language::Greek)),
    ("hungarian", Some(Language::Hungarian)),
    ("italian", Some(Language::Italian)),
    ("norwegian", Some(Language::Norwegian)),
    ("portuguese", Some(Language::Portuguese)),
    ("romanian", Some(Language::Romanian)),
    ("russian", Some(Language::Russian)),
    ("spanish", Some(Language::Spanish)),
    ("swedish", Some(Language::Swedish)),
    ("tamil", Some(Language::Tamil)),
    ("turkish", Some(Language::Turkish)),
];

/// Splits and normalises text; chosen by name at the creation of a collection.
#[derive(Clone)]
pub struct Analyser {
    name: &'static str,
    stemmer: Option<TextAnalyzer>,
}

/// The distinct terms of a query, in the order of their first occurrence. A repeated word counts once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnalysedQuery {
    terms: Vec<String>,
}

impl Analyser {
    /// `simple`, or a language that is also stemmed (`english`, `german`, …). `None`: no such analyser.
    pub fn by_name(name: &str) -> Option<Self> {
        let (name, language) = NAMES.into_iter().find(|(known, _)| *known == name)?;
        // The stemmer of the engine is reached through an analyser that leaves its input whole.
        let stemmer = language
            .map(|language| TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(language)).build());
        Some(Self { name, stemmer })
    }

    /// All names, for messages and documentation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().map(|(name, _)| name)
    }

    /// The name under which [`by_name`](Self::by_name) gives this analyser.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The tokens of a text, in order, repetitions included. O(length).
    pub fn tokens(&self, text: &str) -> Vec<String> {
        let normal = normalise(text);
        let mut stemmer = self.stemmer.clone();
        let mut tokens = Vec::new();
        // UAX 29 gives each Han character as a word, so these scripts are taken out before words are sought.
        split_scripts(&normal, |part, paired| {
            if paired {
                pairs(part, &mut tokens);
                return;
            }
            for word in part.unicode_words() {
                let token = match &mut stemmer {
                    Some(stemmer) => stem(stemmer, word),
                    None => word.to_owned(),
                };
                if !token.is_empty() {
                    tokens.push(cut(token));
                }
            }
        });
        tokens
    }

    /// The distinct tokens of a query.
    pub fn query(&self, text: &str) -> AnalysedQuery {
        let mut seen = HashSet::new();
        let terms = self.tokens(text).into_iter().filter(|token| seen.insert(token.clone())).collect();
        AnalysedQuery { terms }
    }
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Analyser").field(&self.name).finish()
    }
}

impl AnalysedQuery {
    /// A query of these terms; repetitions of a term are dropped.
    pub fn of_terms(terms: impl IntoIterator<Item = String>) -> Self {
        let mut seen = HashSet::new();
        Self { terms: terms.into_iter().filter(|term| seen.insert(term.clone())).collect() }
    }

    /// The terms, in the order in which scores are summed.
    pub fn terms(&self) -> &[String] {
        &self.terms
    }

    /// Whether nothing can match.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// NFKC without soft hyphens and variation selectors, in lower case. Lower-casing can leave NFKC again (a dotted capital I becomes two characters), so the result is
/// normalised once more where it isn't normal.
fn normalise(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text.nfkc().filter(|character| !is_invisible(*character)).collect::<String>().to_lowercase();
    if is_nfkc_quick(lower.chars()) == IsNormalized::Yes { lower } else { lower.nfkc().collect() }
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

/// Each character with the next one; a single character alone.
fn pairs(part: &str, tokens: &mut Vec<String>) {
    let mut before: Option<char> = None;
    for next in part.chars() {
        if let Some(before) = before {
            tokens.push([before, next].iter().collect());
        }
        before = Some(next);
    }
    if let Some(only) = before
        && part.chars().nth(1).is_none()
    {
        tokens.push(only.to_string());
    }
}

fn stem(stemmer: &mut TextAnalyzer, word: &str) -> String {
    let mut stream = stemmer.token_stream(word);
    if stream.advance() { stream.token().text.clone() } else { String::new() }
}

fn cut(mut token: String) -> String {
    token.truncate(token.floor_char_boundary(MAX_TOKEN_BYTES));
    token
}

/// Soft hyphen and variation selectors: they change how a word looks, never which word it is.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Han, Hiragana, Katakana and Hangul, by block; half-width forms are gone after NFKC.
fn is_paired(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{11ff}'      // Hangul Jamo
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_api() {
        assert!(Analyser::names().eq(usher_base::wire::bounds::ANALYSERS));
    }

    fn tokens(name: &str, text: &str) -> Vec<String> {
        Analyser::by_name(name).unwrap().tokens(text)
    }

    #[test]
    fn plain_ascii_words_are_lower_case_words() {
        assert_eq!(tokens("simple", "The quick Brown fox, 42 times!"), ["the", "quick", "brown", "fox", "42", "times"]);
        assert_eq!(tokens("simple", "  \t\n"), [""; 0]);
        assert_eq!(tokens("simple", "-- ... !?"), [""; 0]);
        assert_eq!(tokens("simple", "don't 3.14 a_b x-ray e.g."), ["don't", "3.14", "a_b", "x", "ray", "e.g"]);
    }

    #[test]
    fn forms_that_look_the_same_are_the_same() {
        assert_eq!(tokens("simple", "ﬁle ＦＵＬＬ Straße É e\u{301}"), ["file", "full", "straße", "é", "é"]);
        // A dotted capital I, and a capital sigma at the end of a word.
        assert_eq!(tokens("simple", "İ ΟΔΟΣ"), ["i\u{307}", "οδος"]);
        assert_eq!(tokens("simple", "ｶﾞｲﾄﾞ"), tokens("simple", "ガイド"));
    }

    #[test]
    fn unspaced_scripts_become_pairs_of_characters() {
        assert_eq!(tokens("simple", "東京都"), ["東京", "京都"]);
        assert_eq!(tokens("simple", "東"), ["東"]);
        assert_eq!(tokens("simple", "カタカナ語"), ["カタ", "タカ", "カナ", "ナ語"]);
        assert_eq!(tokens("simple", "검색 엔진"), ["검색", "엔진"]);
        assert_eq!(tokens("simple", "データ"), ["デー", "ータ"]);
        assert_eq!(tokens("simple", "葛\u{e0100}飾、駅・前"), ["葛飾", "駅", "前"]);
        assert_eq!(tokens("simple", "ひらがな と soft\u{ad}hyphen"), ["ひら", "らが", "がな", "と", "softhyphen"]);
        assert_eq!(tokens("english", "GPT東京 searching"), ["gpt", "東京", "search"]);
    }

    #[test]
    fn a_language_stems() {
        assert_eq!(tokens("english", "Running runners RUN quickly"), ["run", "runner", "run", "quick"]);
        assert_eq!(tokens("german", "Häuser Haus"), ["haus", "haus"]);
        assert_eq!(tokens("simple", "running"), ["running"]);
        assert!(Analyser::by_name("klingon").is_none() && Analyser::by_name("English").is_none());
        for name in Analyser::names() {
            let analyser = Analyser::by_name(name).unwrap();
            assert_eq!(analyser.name(), name);
            assert!(!analyser.tokens("word слово 単語 λόγος").is_empty());
        }
    }

    #[test]
    fn long_tokens_are_cut_at_a_character() {
        assert_eq!(tokens("simple", &"a".repeat(1_000)), ["a".repeat(64)]);
        assert_eq!(tokens("simple", &format!("a{}", "é".repeat(100))), [format!("a{}", "é".repeat(31))]);
        assert!(tokens("simple", &"x ".repeat(10_000)).len() == 10_000);
    }

    #[test]
    fn a_query_counts_each_word_once_in_the_order_of_first_use() {
        let query = Analyser::by_name("english").unwrap().query("to be or not to be, being");
        assert_eq!(query.terms(), ["to", "be", "or", "not"]);
        assert!(Analyser::by_name("simple").unwrap().query("?!").is_empty());
    }

    /// The rule of `docs/ranking.md` for ASCII, written from that page.
    fn by_the_page(text: &str) -> Vec<String> {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let mut tokens = vec![String::new()];
        for (at, &character) in text.iter().enumerate() {
            let beside = |test: fn(&char) -> bool| at > 0 && test(&text[at - 1]) && text.get(at + 1).is_some_and(test);
            let joins = match character {
                '_' => true,
                '.' | '\'' => beside(char::is_ascii_alphabetic) || beside(char::is_ascii_digit),
                ':' => beside(char::is_ascii_alphabetic),
                ',' | ';' => beside(char::is_ascii_digit),
                other => other.is_ascii_alphanumeric(),
            };
            match tokens.last_mut() {
                Some(token) if joins => token.push(character),
                _ => tokens.push(String::new()),
            }
        }
        tokens.retain(|token| token.chars().any(|character| character.is_ascii_alphanumeric()));
        tokens.into_iter().map(|token| token.chars().take(MAX_TOKEN_BYTES).collect()).collect()
    }

    #[test]
    fn ascii_follows_the_documented_rule() {
        let mut random = usher_support::Random::new(41);
        let analyser = Analyser::by_name("simple").unwrap();
        for _ in 0..20_000 {
            let text: String = (0..random.below(12))
                .map(|_| match random.below(3) {
                    0 => char::from(random.below(128) as u8),
                    _ => ['a', 'B', '1', '2', '.', '\'', ':', ',', ';', '_', '-', ' '][random.below(12) as usize],
                })
                .collect();
            assert_eq!(analyser.tokens(&text), by_the_page(&text), "{text:?}");
        }
    }
}
