//! Corpora for the benchmark: a pure function of (seed, size, shape).
//!
//! Everything is drawn from ChaCha8 (`rand_chacha`, version pinned) with one stream per entity, and computed with
//! operations that IEEE 754 fixes, so that the same corpus comes out on every machine. Entities come in *units* of 2,000
//! documents with their own folders, groups and people: a larger size has more units, and its first units are the smaller
//! size.
#![allow(clippy::indexing_slicing, reason = "a generator: an index out of bounds is a bug that should end it")]

pub mod access;
pub mod planted;
pub mod random;
pub mod rights;
pub mod stats;
pub mod text;
pub mod vectors;

use access::{Access, Document};
pub use access::{Rule, Shape};
pub use planted::{Layout, Planted};
use random::{Kind, Stream, Zipf};
use text::Words;
use vectors::Topics;

/// Documents of one unit.
pub const UNIT: u32 = 2_000;
/// Chunks per document: at most this many.
const MAX_CHUNKS: u32 = 200;

/// How much is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// About 10,000 chunks.
    S,
    /// About 100,000.
    M,
    /// About 1,000,000.
    L,
    /// As many times 10,000.
    Units(u32),
}

impl Size {
    pub fn units(self) -> u32 {
        match self {
            Size::S => 1,
            Size::M => 10,
            Size::L => 100,
            Size::Units(units) => units,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Size::S => "S",
            Size::M => "M",
            Size::L => "L",
            Size::Units(_) => "units",
        }
    }
}

/// One generated corpus. Rights and structure are held; texts and vectors are made on demand.
pub struct Corpus {
    pub seed: u64,
    pub size: Size,
    pub shape: Shape,
    pub access: Access,
    topics: Topics,
    words: Words,
}

/// Title and chunks of one document.
pub struct Texts {
    pub title: String,
    pub chunks: Vec<String>,
}

impl Corpus {
    pub fn new(seed: u64, size: Size, shape: Shape) -> Self {
        let topics = Topics::new(seed, size.units());
        let access = Access::new(seed, size.units(), shape);
        Self { seed, size, shape, access, topics, words: Words::new(seed) }
    }

    pub fn documents(&self) -> &[Document] {
        &self.access.documents
    }

    pub fn chunk_count(&self) -> u32 {
        self.documents().last().map_or(0, |last| last.first_chunk + last.chunks)
    }

    /// The document that holds a chunk.
    pub fn document_of(&self, chunk: u32) -> &Document {
        let after = self.documents().partition_point(|document| document.first_chunk <= chunk);
        &self.documents()[after - 1]
    }

    pub fn texts(&self, document: &Document) -> Texts {
        let mut stream = Stream::new(self.seed, Kind::Text, u64::from(document.index));
        let title = self.words.title(&mut stream, document.leaf);
        let chunks = (0..document.chunks).map(|_| self.words.chunk(&mut stream, document.leaf)).collect();
        Texts { title, chunks }
    }

    /// The chunks' vectors, row-major, of length 1.
    pub fn vectors(&self, document: &Document) -> Vec<f32> {
        self.topics.document(self.seed, document)
    }

    /// A question near a chunk; every third one lies between its topic and another.
    pub fn question(&self, number: u64, target: u32) -> Question {
        let mut stream = Stream::new(self.seed, Kind::Question, number);
        let document = self.document_of(target);
        let at = (target - document.first_chunk) as usize;
        let rows = self.vectors(document);
        let row = &rows[at * vectors::DIMENSIONS..(at + 1) * vectors::DIMENSIONS];
        let vector = if number % 3 == 2 {
            self.topics.between(&mut stream, document.leaf)
        } else {
            vectors::near(&mut stream, row, 0.5)
        };
        Question { vector, text: self.words.question(&mut stream, &self.texts(document).chunks[at]) }
    }

    /// A hash of everything: rights, texts and vectors, and of each apart.
    pub fn hashes(&self) -> Hashes {
        let (mut tuples, mut texts, mut vectors) =
            (blake3::Hasher::new(), blake3::Hasher::new(), blake3::Hasher::new());
        for line in self.access.lines() {
            tuples.update(line.as_bytes()).update(b"\n");
        }
        for document in self.documents() {
            let made = self.texts(document);
            for text in std::iter::once(&made.title).chain(&made.chunks) {
                texts.update(text.as_bytes()).update(b"\n");
            }
            for value in self.vectors(document) {
                vectors.update(&value.to_le_bytes());
            }
        }
        let short = |hasher: blake3::Hasher| hasher.finalize().to_hex().chars().take(16).collect::<String>();
        Hashes { tuples: short(tuples), texts: short(texts), vectors: short(vectors) }
    }
}

/// What is asked, in both forms.
#[derive(Debug, Clone)]
pub struct Question {
    pub vector: Vec<f32>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    pub tuples: String,
    pub texts: String,
    pub vectors: String,
}

impl std::fmt::Display for Hashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tuples {}, texts {}, vectors {}", self.tuples, self.texts, self.vectors)
    }
}

/// Chunks of a document: median 3, mean about 5.
fn chunks_of(stream: &mut Stream) -> u32 {
    (stream.lognormal(3.0, 1.0) as u32).clamp(1, MAX_CHUNKS)
}

/// Places drawn with weights that fall as the `9/8`th power: close to Zipf's 1.1, and exact in IEEE arithmetic.
fn steep(count: usize) -> Zipf {
    Zipf::new(count, |rank| rank * rank.sqrt().sqrt().sqrt())
}

#[cfg(test)]
mod tests;
