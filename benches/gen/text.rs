//! Texts of made-up words: a vocabulary by Zipf's law, with words that belong to a topic coming in bursts.

use crate::random::{Stream, Zipf};

const VOCABULARY: usize = 200_000;
/// Words that a topic favours.
const TOPICAL: u32 = 300;
/// How often a word is the topic's.
const BURST: f64 = 0.3;
/// The commonest words, which every third question has one of.
const STOP_WORDS: u32 = 20;
const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8; 5] = b"aeiou";

pub struct Words {
    seed: u64,
    all: Zipf,
    topical: Zipf,
}

impl Words {
    pub fn new(seed: u64) -> Self {
        Self { seed, all: Zipf::new(VOCABULARY, |rank| rank), topical: Zipf::new(TOPICAL as usize, |rank| rank) }
    }

    /// Rank of a topic's own word in the vocabulary: scattered over its rarer part.
    fn of_topic(&self, leaf: u32, number: u32) -> u32 {
        let mixed = (self.seed ^ u64::from(leaf) << 32 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        500 + ((mixed >> 32) % (VOCABULARY as u64 - 500)) as u32
    }

    fn rank(&self, stream: &mut Stream, leaf: u32) -> u32 {
        if stream.chance(BURST) { self.of_topic(leaf, self.topical.rank(stream)) } else { self.all.rank(stream) }
    }

    /// A chunk: its length is lognormal with a median of 180 words.
    pub fn chunk(&self, stream: &mut Stream, leaf: u32) -> String {
        let length = (stream.lognormal(180.0, 0.5) as usize).clamp(10, 900);
        let mut text = String::with_capacity(length * 6);
        for at in 0..length {
            if at > 0 {
                text.push(' ');
            }
            push_word(&mut text, self.rank(stream, leaf));
        }
        text
    }

    pub fn title(&self, stream: &mut Stream, leaf: u32) -> String {
        let mut title = String::new();
        for at in 0..3 {
            if at > 0 {
                title.push(' ');
            }
            push_word(&mut title, self.of_topic(leaf, self.topical.rank(stream)));
        }
        title
    }

    /// Two to five words of a chunk, the rarest of three draws each, and now and then a word that is everywhere.
    pub fn question(&self, stream: &mut Stream, chunk: &str) -> String {
        let words: Vec<&str> = chunk.split(' ').collect();
        let mut picked: Vec<String> = Vec::new();
        for _ in 0..2 + stream.below(4) {
            let draws = [0; 3].map(|_| words[stream.below(words.len() as u32) as usize]);
            // Longer words are rarer, by how they are numbered.
            picked.extend(draws.into_iter().max_by_key(|word| number(word)).map(str::to_owned));
        }
        if stream.below(3) == 0 {
            let mut word = String::new();
            push_word(&mut word, stream.below(STOP_WORDS));
            picked.push(word);
        }
        picked.join(" ")
    }
}

/// The word of a rank: its number in syllables.
fn push_word(text: &mut String, rank: u32) {
    let syllable = |digit: u32| [CONSONANTS[(digit / 5) as usize], VOWELS[(digit % 5) as usize]];
    let mut digits = Vec::new();
    let mut left = rank + 1;
    while left > 0 {
        digits.push(left % 100);
        left /= 100;
    }
    for digit in digits.into_iter().rev() {
        text.extend(syllable(digit).map(char::from));
    }
}

/// The number of a word.
fn number(word: &str) -> u64 {
    let place = |set: &[u8], byte: u8| set.iter().position(|other| *other == byte).unwrap_or_default() as u64;
    word.as_bytes().chunks(2).fold(0, |sum, pair| {
        sum * 100 + place(CONSONANTS, pair[0]) * 5 + place(VOWELS, pair.get(1).copied().unwrap_or(0))
    })
}
