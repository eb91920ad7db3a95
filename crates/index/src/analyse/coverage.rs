//! The part of a question's words that a text holds (`docs/ranking.md`): of question and text alone, without an index.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::language::Language;
use super::words::words;
use super::{AnalysedQuery, Role, Speaker, held_forms, normal, speaker};

/// Measures texts against one query; what it has learned of one text's words serves the next.
pub struct Coverage<'a> {
    query: &'a AnalysedQuery,
    /// Terms by form.
    terms: HashMap<&'a str, Vec<usize>>,
    /// For each language that was met: its algorithm, and which terms a word holds.
    known: HashMap<&'static str, (Speaker, HashMap<String, Vec<usize>>)>,
}

/// What of a word with a place is held: all of it, or a part with which it begins or ends.
#[derive(Default)]
struct Held {
    is_all: bool,
    is_begin: bool,
    is_end: bool,
}

/// What of a word as it was written is held.
#[derive(Default)]
struct Written {
    is_whole: bool,
    parts: BTreeMap<u32, Held>,
}

impl<'a> Coverage<'a> {
    pub(super) fn new(query: &'a AnalysedQuery) -> Self {
        let mut terms: HashMap<&str, Vec<usize>> = HashMap::new();
        for (term, number) in query.terms().iter().zip(0..) {
            term.forms.iter().for_each(|form| terms.entry(form).or_default().push(number));
        }
        Self { query, terms, known: HashMap::new() }
    }

    /// 0 to 1: the most of what these languages make of the fields of a text. Nothing where no term is left.
    pub fn of(&mut self, fields: &[&str], languages: &[Option<&'static Language>]) -> Option<f64> {
        let fields: Vec<Cow<str>> = fields.iter().map(|field| normal(field)).collect();
        languages.iter().filter_map(|language| self.in_language(&fields, *language)).max_by(f64::total_cmp)
    }

    fn in_language(&mut self, fields: &[Cow<str>], language: Option<&'static Language>) -> Option<f64> {
        let code = language.map_or("", |language| language.code);
        let (speaker, known) = self.known.entry(code).or_insert_with(|| (speaker(language), HashMap::new()));
        let mut held = BTreeSet::new();
        for word in fields.iter().flat_map(|field| words(field, 0).0) {
            // Only these have the same forms wherever they stand.
            let is_plain = word.kind.is_one();
            if let Some(terms) = known.get(&word.base).filter(|_| is_plain) {
                held.extend(terms);
                continue;
            }
            let forms = held_forms(&word, speaker);
            let terms = forms.iter().filter_map(|form| self.terms.get(form.as_str())).flatten().copied();
            let terms: Vec<usize> = terms.collect();
            held.extend(&terms);
            if is_plain {
                known.insert(word.base, terms);
            }
        }
        self.query.covered(code, &held)
    }
}

impl AnalysedQuery {
    /// By the terms that a text in this language holds; stop words of that language are no words.
    fn covered(&self, code: &str, held: &BTreeSet<usize>) -> Option<f64> {
        let is_of = |form: &String| form.split_once(':').is_some_and(|(of, _)| of == code);
        let mut written: BTreeMap<u32, Written> = BTreeMap::new();
        for (term, number) in self.terms().iter().zip(0..) {
            // Numbers and pairs have the same form in every language.
            if !term.forms.iter().any(is_of) && !term.forms.iter().all(|form| form.starts_with(':')) {
                continue;
            }
            let is_held = held.contains(&number);
            match term.role {
                Role::Whole => written.entry(term.written).or_default().is_whole |= is_held,
                Role::Word(place) => {
                    written.entry(term.written).or_default().parts.entry(place).or_default().is_all |= is_held;
                }
                // These come after all words.
                Role::Begin(place) | Role::End(place) => {
                    let written = written.get_mut(&term.written);
                    let Some(part) = written.and_then(|written| written.parts.get_mut(&place)) else { continue };
                    let side = if matches!(term.role, Role::Begin(_)) { &mut part.is_begin } else { &mut part.is_end };
                    *side |= is_held;
                }
            }
        }
        let mean = |sum: f64, count: usize| (count > 0).then(|| sum / count as f64);
        mean(written.values().map(Written::covered).sum(), written.len())
    }
}

impl Written {
    fn covered(&self) -> f64 {
        if self.is_whole || self.parts.is_empty() {
            return f64::from(u8::from(self.is_whole));
        }
        self.parts.values().map(Held::covered).sum::<f64>() / self.parts.len() as f64
    }
}

impl Held {
    fn covered(&self) -> f64 {
        let half = |is_held: bool| if is_held { 0.5 } else { 0.0 };
        if self.is_all { 1.0 } else { half(self.is_begin) + half(self.is_end) }
    }
}
