//! Questions whose answers are known.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};

/// What is asked, and of which documents.
pub struct Cases {
    pub name: String,
    pub all: Vec<Case>,
    /// Of a collection that comes with its documents.
    pub documents: Option<Vec<Document>>,
}

/// One question by one reader.
pub struct Case {
    pub id: String,
    pub question: String,
    /// Absent: of a collection that everybody reads.
    pub reader: Option<String>,
    /// What answers it, of all that the reader may read; empty where nothing does.
    pub wanted: Vec<Wanted>,
    /// What answers it for other readers, in documents that this one may not read.
    pub denied: Vec<Wanted>,
}

/// A passage that answers, or a document.
#[derive(Clone, PartialEq)]
pub struct Wanted {
    pub document: String,
    /// What the passage must hold, as [`plain`] text.
    pub quote: Option<String>,
    pub gain: f64,
}

/// One of BEIR's.
#[derive(Deserialize)]
pub struct Document {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

impl Document {
    /// As it is sent, for one reader; its source is named after the folder, whatever the collection is called.
    pub fn to_send(&self, source: &str, collection: &str, reader: &str) -> Value {
        let text = [&self.text, &self.title].into_iter().find(|text| !text.is_empty()).map_or("-", String::as_str);
        let mut document = json!({"id": id_of(source, &self.id), "collection": collection,
            "content": {"type": "text/plain", "text": text}, "acl": {"viewers": [reader]}});
        if let Some(fields) = document.as_object_mut().filter(|_| !self.title.is_empty()) {
            fields.insert("title".into(), json!(self.title));
        }
        document
    }
}

/// In a source of its own, so that no document that is there for anything else is replaced.
fn id_of(source: &str, id: &str) -> String {
    format!("usher-eval-{source}/{id}")
}

/// Text as it is compared: markup of emphasis and the number of blanks don't count.
pub fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !matches!(c, '*' | '_' | '`')).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Cases {
    /// # Errors
    /// When something can't be read, or names what is not there.
    pub fn read(path: &Path, half: Option<&str>) -> anyhow::Result<Self> {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("eval").to_ascii_lowercase();
        let cases = if path.is_dir() { Self::of_folder(path, name)? } else { Self::of_readers(path, name, half)? };
        if cases.all.is_empty() {
            bail!("{} holds no questions{}", path.display(), half.map_or("", |_| " of that half"));
        }
        Ok(cases)
    }

    fn of_folder(folder: &Path, name: String) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Query {
            #[serde(rename = "_id")]
            id: String,
            text: String,
        }
        let documents: Vec<Document> = lines(&folder.join("corpus.jsonl"))?;
        let queries: Vec<Query> = lines(&folder.join("queries.jsonl"))?;
        let path = folder.join("qrels/test.tsv");
        let judged = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        let mut wanted: HashMap<&str, Vec<Wanted>> = HashMap::new();
        for (n, line) in judged.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let judgement = line.split_once('\t').and_then(|(query, rest)| Some((query, rest.split_once('\t')?)));
            let judgement = judgement.and_then(|(q, (d, gain))| Some((q, d, gain.trim().parse::<f64>().ok()?)));
            let (query, document, gain) =
                judgement.ok_or_else(|| anyhow!("{}, line {}: query, document, grade", path.display(), n + 1))?;
            if gain > 0.0 {
                let document = id_of(&name, document);
                wanted.entry(query).or_default().push(Wanted { document, quote: None, gain });
            }
        }
        let case = |query: Query| {
            let wanted = wanted.get(query.id.as_str())?.clone();
            Some(Case { id: query.id, question: query.text, reader: None, wanted, denied: Vec::new() })
        };
        let all = queries.into_iter().filter_map(case).collect();
        Ok(Self { name, all, documents: Some(documents) })
    }

    fn of_readers(path: &Path, name: String, half: Option<&str>) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Quote {
            document: String,
            quote: String,
        }
        /// All that the line has: a map would keep one of two that have the same name.
        struct Readers(Vec<(String, Vec<Quote>)>);
        impl<'de> Deserialize<'de> for Readers {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Entries;
                impl<'de> Visitor<'de> for Entries {
                    type Value = Readers;
                    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        to.write_str("readers with what answers for them")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Readers, A::Error> {
                        let mut all = Vec::new();
                        while let Some(entry) = map.next_entry()? {
                            all.push(entry);
                        }
                        Ok(Readers(all))
                    }
                }
                deserializer.deserialize_map(Entries)
            }
        }
        #[derive(Deserialize)]
        struct Question {
            id: String,
            question: String,
            readers: Readers,
            #[serde(default)]
            split: Option<String>,
        }
        let questions: Vec<Question> = lines(path)?;
        let of_half = |question: &Question| half.is_none_or(|half| question.split.as_deref() == Some(half));
        let mut all = Vec::new();
        for question in questions.into_iter().filter(of_half) {
            let quotes = |quotes: &[Quote]| -> Vec<Wanted> {
                let of =
                    |it: &Quote| Wanted { document: it.document.clone(), quote: Some(plain(&it.quote)), gain: 1.0 };
                quotes.iter().map(of).collect()
            };
            let Readers(readers) = &question.readers;
            if let Some(empty) = readers.iter().flat_map(|(_, own)| own).find(|it| plain(&it.quote).is_empty()) {
                bail!("{}: {} quotes nothing of {}", path.display(), question.id, empty.document);
            }
            let everything: Vec<Wanted> = readers.iter().flat_map(|(_, own)| quotes(own)).collect();
            for (n, (reader, own)) in readers.iter().enumerate() {
                if readers.iter().take(n).any(|(other, _)| other == reader) {
                    bail!("{}: {} names {reader} twice", path.display(), question.id);
                }
                let wanted = quotes(own);
                let denied = everything.iter().filter(|it| wanted.iter().all(|own| own.document != it.document));
                all.push(Case {
                    id: format!("{} {reader}", question.id),
                    question: question.question.clone(),
                    reader: Some(reader.clone()),
                    denied: denied.cloned().collect(),
                    wanted,
                });
            }
        }
        Ok(Self { name, all, documents: None })
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    numbered
        .map(|(n, line)| serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), n + 1)))
        .collect()
}
