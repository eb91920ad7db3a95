//! What the test knows: for every document, tuple, key and collection the states that the service may be in.
//!
//! An acknowledged operation leaves one state; one that was begun and not acknowledged adds a state. Whatever the service
//! shows must be one of them, whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The seed of a test: `SEED`, and the part of a shared run.
pub fn seed() -> u64 {
    let start: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    start * 1000 + shard().0
}

/// `SHARD=i/n`, from 0; (0, 1) without it.
pub fn shard() -> (u64, u64) {
    let parse = |text: String| text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    std::env::var("SHARD").ok().and_then(parse).unwrap_or((0, 1))
}

/// `long` in the long form, divided among the parts; else `short`.
pub fn rounds(short: u64, long: u64) -> u64 {
    if std::env::var_os("USHER_SOAK").is_some() { long.div_ceil(shard().1) } else { short }
}

/// A document as it may be: which operation gave it its text, and which its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub text: u64,
    pub rules: u64,
}

impl Version {
    /// The whole text. Every part names the operation; some texts have several chunks.
    pub fn content(&self) -> String {
        let n = self.text;
        let parts = (0..=n % 3).map(|part| format!("word{n}x part{part} of operation number{n}x about orchids."));
        parts.collect::<Vec<_>>().join("\n")
    }

    /// Somebody whom the rules of this operation alone name.
    pub fn marker(&self) -> String {
        format!("user:m{}", self.rules)
    }

    /// The rules: the marker, and by turns a group, everybody, or nobody else.
    pub fn acl(&self, writer: usize) -> Value {
        let mut viewers = vec![self.marker()];
        match self.rules % 4 {
            0 | 1 => viewers.push(format!("group:g{writer}-{}#member", self.rules % 2)),
            2 => viewers.push("user:*".to_owned()),
            _ => {}
        }
        json!({"viewers": viewers})
    }

    pub fn is_public(&self) -> bool {
        self.rules % 4 == 2
    }

    /// The group that may read it.
    pub fn group(&self, writer: usize) -> Option<String> {
        (self.rules % 4 < 2).then(|| format!("group:g{writer}-{}", self.rules % 2))
    }

    pub fn document(&self, id: &str, writer: usize) -> Value {
        let text = self.content();
        let mut start = 0;
        let chunks: Vec<Value> = text
            .split_inclusive('\n')
            .map(|part| {
                let end = start + part.len();
                let chunk = json!({"start": start, "end": end});
                start = end;
                chunk
            })
            .collect();
        json!({"id": id, "collection": "main", "title": id, "content": {"type": "text/plain", "text": text},
               "chunks": chunks, "acl": self.acl(writer)})
    }
}

/// The states that something may be in; the last one is the newest.
#[derive(Debug, Clone)]
pub struct Maybe<T> {
    pub states: Vec<T>,
}

impl<T: Clone + PartialEq> Maybe<T> {
    pub fn new(state: T) -> Self {
        Self { states: vec![state] }
    }

    pub fn begin(&mut self, state: T) {
        self.states.push(state);
    }

    pub fn acknowledge(&mut self) {
        let newest = self.states.pop();
        self.states = newest.into_iter().collect();
    }

    pub fn is_certain(&self) -> bool {
        self.states.len() == 1
    }

    pub fn newest(&self) -> Option<&T> {
        self.states.last()
    }

    pub fn settle(&mut self, state: T) {
        self.states = vec![state];
    }
}

#[derive(Debug, Clone)]
pub struct Document {
    pub now: Maybe<Option<Version>>,
    /// Every version that was ever sent, oldest first.
    pub sent: Vec<Version>,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub is_revoked: Maybe<bool>,
}

/// What one writer has done; nobody else touches these.
#[derive(Debug, Clone)]
pub struct Share {
    pub writer: usize,
    pub documents: BTreeMap<String, Document>,
    /// (user, relation, object), written by hand.
    pub tuples: BTreeMap<(String, String, String), Maybe<bool>>,
    pub keys: Vec<Key>,
    pub collections: BTreeMap<String, Maybe<bool>>,
    pub acknowledged: u64,
    pub refused: u64,
}

impl Share {
    pub fn new(writer: usize) -> Self {
        Self {
            writer,
            documents: BTreeMap::new(),
            tuples: BTreeMap::new(),
            keys: Vec::new(),
            collections: BTreeMap::new(),
            acknowledged: 0,
            refused: 0,
        }
    }

    /// People of this writer's groups.
    pub fn people(&self) -> Vec<String> {
        (0..3).map(|n| format!("user:p{}-{n}", self.writer)).collect()
    }
}
