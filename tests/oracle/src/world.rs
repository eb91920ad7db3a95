//! A small company, drawn from a seed: people, nested groups, folders, documents with restricted parts, and the changes
//! that happen to it. It holds the state that the service should have, and says what a reader should get.

use std::collections::{BTreeMap, BTreeSet};

use crate::rank::{self, Chunk, Ranked, Rarity, Wish};
use crate::rights::{Facts, Model, Tuple, facts};
use usher_support::Random;

/// Length of the chain of groups whose far end is too deep to count.
pub const CHAIN: usize = 30;

#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub id: String,
    pub version: u64,
    pub title: String,
    /// One chunk each; a restricted part is one chunk too.
    pub chunks: Vec<Part>,
    pub tuples: BTreeSet<Tuple>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub text: String,
    /// Name of the section that it is, if restricted.
    pub section: Option<String>,
}

/// Everything that decides, at one instant.
#[derive(Debug, Clone)]
pub struct World {
    pub model: Model,
    pub tuples: BTreeSet<Tuple>,
    pub documents: BTreeMap<String, Document>,
    /// Those that an administrator wrote: no source takes them away.
    pub by_hand: BTreeSet<Tuple>,
    /// Versions ever given, also of documents that are gone.
    pub versions: BTreeMap<String, u64>,
    /// How the service's index weighs terms.
    pub rarity: Rarity,
}

pub fn tuple(user: &str, relation: &str, object: &str) -> Tuple {
    Tuple { object: object.into(), relation: relation.into(), user: user.into(), during: None }
}

/// Name of the object that carries a section's grants.
pub fn section_object(document: &str, section: &str) -> String {
    format!("section:{document}~{section}")
}

/// How the service names a chunk.
pub type Key<'a> = &'a dyn Fn(&str, u64, Option<&str>, u32) -> [u8; 16];

/// A reader is a list of subjects that must all be allowed.
pub type Reader = Vec<String>;

impl World {
    /// The tuples that every world starts with.
    pub fn new(model: Model) -> Self {
        let cleared = ["user:*", "agent:*", "service:*"].map(|user| tuple(user, "cleared", "classification:open"));
        Self {
            model,
            tuples: cleared.into(),
            by_hand: BTreeSet::new(),
            documents: BTreeMap::new(),
            versions: BTreeMap::new(),
            rarity: Rarity::default(),
        }
    }

    /// Whether the chunk may be read, given the facts of each subject.
    fn readable(&self, facts: &[Facts<'_>], document: &Document, part: &Part) -> bool {
        let object = format!("document:{}", document.id);
        let is_label = |tuple: &&Tuple| tuple.object == object && tuple.relation == "classification";
        // Of two labels nobody can say which is meant.
        if self.tuples.iter().filter(is_label).count() > 1 {
            return false;
        }
        facts.iter().all(|facts| {
            facts.has(&object, "can_view")
                && part
                    .section
                    .as_ref()
                    .is_none_or(|section| facts.has(&section_object(&document.id, section), "can_view"))
        })
    }

    /// Readable chunks of a reader, keyed by `key(document, version, restricted part, number in it or outside all)`.
    pub fn visible(&self, reader: &Reader, now: i64, key: Key<'_>) -> Vec<Chunk> {
        let facts: Vec<_> = reader.iter().map(|subject| facts(&self.model, &self.tuples, subject, now)).collect();
        let mut chunks = Vec::new();
        for document in self.documents.values() {
            let mut outside = 0;
            for part in &document.chunks {
                let number = if part.section.is_some() { 0 } else { outside };
                outside += u32::from(part.section.is_none());
                if self.readable(&facts, document, part) {
                    let seen = format!("{}\n{}", document.title, part.text);
                    chunks.push(Chunk {
                        id: chunk_name(&document.id, document.version, &part.text),
                        document: document.id.clone(),
                        key: key(&document.id, document.version, part.section.as_deref(), number),
                        tokens: rank::tokens(&seen),
                        vector: rank::vector(&seen),
                    });
                }
            }
        }
        chunks
    }

    /// The expected answer.
    pub fn answer(&self, reader: &Reader, query: &str, wish: Wish, now: i64, key: Key<'_>) -> Vec<Ranked> {
        rank::hybrid(query, &self.visible(reader, now, key), wish, self.rarity)
    }

    /// Objects of a type that a tuple names and to which the subject has the relation.
    pub fn objects(&self, subject: &str, object_type: &str, relation: &str, now: i64) -> BTreeSet<String> {
        let facts = facts(&self.model, &self.tuples, subject, now);
        let prefix = format!("{object_type}:");
        let named = self.tuples.iter().map(|tuple| &tuple.object).filter(|object| object.starts_with(&prefix));
        named.filter(|object| facts.has(object, relation)).cloned().collect()
    }

    /// Names of the readable chunks.
    pub fn visible_names(&self, reader: &Reader, now: i64) -> BTreeSet<String> {
        self.visible(reader, now, &|_, _, _, _| [0; 16]).into_iter().map(|chunk| chunk.id).collect()
    }
}

/// How test and oracle name a chunk: by what an answer shows of it.
pub fn chunk_name(document: &str, version: u64, text: &str) -> String {
    format!("{document}@{version}: {text}")
}

/// People, agents and services that ask.
pub fn subjects() -> Vec<String> {
    let mut all: Vec<String> = (0..6).map(|n| format!("user:u{n}")).collect();
    all.extend((0..2).map(|n| format!("agent:a{n}")));
    all.push("service:s0".to_owned());
    all
}

/// A principal that a grant may name.
pub fn principal(rng: &mut Random) -> String {
    match rng.below(10) {
        0 => "user:*".to_owned(),
        1 => "agent:*".to_owned(),
        2..=5 => format!("group:g{}#member", rng.below(6)),
        6 => format!("group:chain{}#member", [0, 3, CHAIN - 10, CHAIN - 4, CHAIN - 1].get(rng.below(5)).unwrap_or(&0)),
        _ => rng.pick(&subjects()).cloned().unwrap_or_default(),
    }
}

const WORDS: [&str; 24] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "iris", "juniper", "kelp", "lagoon",
    "maple", "nectar", "onyx", "pebble", "quartz", "reed", "sable", "thistle", "umber", "violet", "willow", "yarrow",
];

/// Some words; common ones come often.
pub fn sentence(rng: &mut Random, words: usize) -> String {
    let mut text = String::new();
    for n in 0..words {
        let place = rng.below(WORDS.len()).min(rng.below(WORDS.len()));
        if n > 0 {
            text.push(' ');
        }
        text.push_str(WORDS.get(place).unwrap_or(&"amber"));
    }
    text
}

/// A word that stands in one chunk only; finding it anywhere else is a leak. Of letters alone, so that it has no parts.
pub fn canary(rng: &mut Random) -> String {
    let number = format!("{:016x}", rng.next());
    let letter = |digit: char| digit.to_digit(16).and_then(|digit| char::from_u32(u32::from('a') + digit));
    format!("canary{}", number.chars().filter_map(letter).collect::<String>())
}
