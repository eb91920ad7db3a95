//! Text on its way into an index or an embedder. [`IndexText`] can't be serialised, printed or turned into a response:
//! it only yields tokens and vectors.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::documents::{SectionRow, TEXT_PART, chunk_text, same_chunk};
use super::*;
use crate::index::analyse::{DETECTED_FROM, Language};
use crate::index::{Analyser, Tokens};
use crate::invisible::cleaned;

/// Title, headings and text of one chunk for an index.
pub struct IndexText {
    pub chunk: u32,
    title: String,
    /// Those that whoever may read the chunk may read.
    headings: Vec<String>,
    text: String,
    language: Option<&'static Language>,
    place: Place,
}

/// What a chunk is a part of: its document, and the restricted part, by number, that it lies in.
type Place = (i64, Option<usize>);

impl IndexText {
    /// Runs `use_text` on what an embedder sees of the chunk: the title, a line break, the text.
    pub fn with<T>(&self, use_text: impl FnOnce(&str) -> T) -> T {
        use_text(&index_text(&self.title, &self.text))
    }

    /// What the chunk is found by.
    pub fn tokens(&self, analyser: &Analyser) -> Tokens {
        let mut fields = vec![cleaned(&self.title)];
        let headings = self.headings.iter().filter(|heading| **heading != self.title);
        fields.extend(headings.map(|heading| cleaned(heading)));
        fields.push(cleaned(&self.text));
        let fields: Vec<&str> = fields.iter().map(|field| &**field).collect();
        analyser.tokens(&fields, self.language)
    }
}

/// What an embedder sees of a chunk: what a person sees of it.
pub fn index_text(title: &str, text: &str) -> String {
    format!("{}\n{}", cleaned(title), cleaned(text))
}

impl Catalog {
    /// Live chunks among `first .. first + count`; those of superseded versions are absent.
    pub async fn index_texts(
        &self,
        tx: &mut CatalogTx,
        collection: u32,
        first: u32,
        count: u32,
    ) -> Result<Vec<IndexText>, CatalogError> {
        let rows = query(
            "SELECT c.ordinal, c.document, c.heading_path, c.text, d.title, d.first_chunk, d.sections FROM chunk_texts c
               JOIN documents d ON d.collection = c.collection AND d.ordinal = c.document
              WHERE c.collection = $1 AND c.ordinal >= $2 AND c.ordinal < $3 ORDER BY c.ordinal, c.part",
        )
        .bind(i64::from(collection))
        .bind(i64::from(first))
        .bind(i64::from(first) + i64::from(count))
        .fetch_all(&mut *tx)
        .await?;
        // Read once for all chunks of a document.
        let mut held: Option<(i64, Vec<SectionRow>)> = None;
        rows.chunk_by(same_chunk)
            .map(|parts| {
                let row = parts.first().ok_or(CatalogError::Malformed { what: "chunk" })?;
                let document: i64 = row.try_get("document")?;
                let (_, sections) = match held.take() {
                    Some(known) if known.0 == document => held.insert(known),
                    _ => held.insert((document, from_json(row.try_get("sections")?, "sections")?)),
                };
                let chunk: u32 = unsigned(row.try_get("ordinal")?, "chunk")?;
                let first: u32 = unsigned(row.try_get("first_chunk")?, "chunk")?;
                let number = chunk.saturating_sub(first);
                let part = sections.iter().position(|it| (it.first..it.first + it.count).contains(&number));
                let is_apart = sections.iter().all(|section| section.is_apart);
                let headings: Vec<String> = from_json(row.try_get("heading_path")?, "heading path")?;
                Ok(IndexText {
                    chunk,
                    title: row.try_get("title")?,
                    // Older rows may name headings of restricted parts.
                    headings: if is_apart { headings } else { Vec::new() },
                    text: chunk_text(parts)?,
                    language: None,
                    place: (document, part),
                })
            })
            .collect()
    }

    /// As [`Self::index_texts`], each in the language that the analyser takes it for: that of its document, as far as no
    /// restricted part is concerned, or that of its restricted part. So hidden text never decides about it.
    pub async fn keyword_texts(
        &self,
        tx: &mut CatalogTx,
        collection: u32,
        first: u32,
        count: u32,
        analyser: &Analyser,
    ) -> Result<Vec<IndexText>, CatalogError> {
        let mut texts = self.index_texts(tx, collection, first, count).await?;
        let mut languages = BTreeMap::new();
        if analyser.detects() {
            let places: BTreeSet<Place> = texts.iter().map(|text| text.place).collect();
            for place in places {
                let sample = sample(tx, collection, place).await?;
                languages.insert(place, analyser.language_of(&cleaned(&sample)));
            }
        }
        for text in &mut texts {
            text.language = match languages.get(&text.place) {
                Some(language) => *language,
                None => analyser.language_of(""),
            };
        }
        Ok(texts)
    }
}

/// The title and the first text of a document outside its restricted parts, or of one such part.
async fn sample(tx: &mut CatalogTx, collection: u32, (document, part): Place) -> Result<String, CatalogError> {
    let row = query("SELECT title, version, sections FROM documents WHERE collection = $1 AND ordinal = $2")
        .bind(i64::from(collection))
        .bind(document)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(String::new()) };
    let sections: Vec<SectionRow> = from_json(row.try_get("sections")?, "sections")?;
    let spans: Vec<Range<usize>> = sections.iter().map(|section| section.start..section.end).collect();
    let version: i64 = row.try_get("version")?;
    let (mut bytes, mut at) = (Vec::new(), part.and_then(|part| spans.get(part)).map_or(0, |span| span.start));
    at -= at % TEXT_PART;
    while bytes.len() < DETECTED_FROM {
        let row =
            query("SELECT text FROM text_parts WHERE collection = $1 AND document = $2 AND version = $3 AND part = $4")
                .bind(i64::from(collection))
                .bind(document)
                .bind(version)
                .bind(signed((at / TEXT_PART) as u64)?)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(row) = row else { break };
        let text: &[u8] = row.try_get("text")?;
        let belongs = |place: usize| match part {
            Some(part) => spans.get(part).is_some_and(|span| span.contains(&place)),
            None => !spans.iter().any(|span| span.contains(&place)),
        };
        let own = (at..).zip(text).filter(|(place, _)| belongs(*place)).map(|(_, byte)| *byte);
        let missing = DETECTED_FROM - bytes.len();
        bytes.extend(own.take(missing));
        at += TEXT_PART;
        if part.and_then(|part| spans.get(part)).is_some_and(|span| span.end <= at) {
            break;
        }
    }
    let title: String = row.try_get("title")?;
    Ok(format!("{title}\n{}", String::from_utf8_lossy(&bytes)))
}
