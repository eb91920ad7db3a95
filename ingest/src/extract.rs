//! From the bytes of one file to canonical text with its structure. Runs in the sandboxed child only.
//!
//! Canonical text is what the service stores and every offset points into: NFC, `\n` line ends, no control characters but
//! tab and newline. What a reader of the original would not see (scripts, comments, hidden text) is dropped and counted,
//! because text that only a model sees is a way to instruct it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use usher_base::outline::{self, Heading, TooManyHeadings};
use usher_base::wire::bounds::MAX_CHUNKS;
use usher_base::wire::{ChunkSpan, Fields, Span};

mod archive;
mod builder;
mod decode;
mod detect;
mod disclosed;
mod docx;
mod epub;
mod graphics;
mod html;
mod mail;
mod markdown;
mod nested;
mod notebook;
mod numerals;
mod odf;
mod opc;
mod pdf;
mod picture;
mod pptx;
mod records;
mod rows;
mod rtf;
pub mod split;
mod xlsx;
mod xml;

pub use builder::Builder;
use detect::Format;
pub use records::each::{Record, RecordsJob, records};
pub use records::shape::Shape;

/// Part of `source_hash`: raise it when the same bytes would give other text or chunks, and every file is read again.
pub const VERSION: &str = "usher-ingest-extract-8";

/// Bytes of canonical text per document.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;

/// What the child is asked to do with the bytes that follow.
#[derive(Debug, Serialize, Deserialize)]
pub enum Work {
    Document(Job),
    Records(RecordsJob),
}

/// One document of the bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Job {
    /// Path or name; only its extension matters.
    pub name: String,
    /// Restricted parts: no chunk may cross their borders.
    pub sections: Vec<SectionPlace>,
    /// The text is wanted as that of a document with restricted parts, though none is named.
    pub has_parts: bool,
    /// Texts that recognition found in pictures, by page.
    pub recognised: BTreeMap<u32, String>,
}

/// Place of a section rule, by heading or by span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SectionPlace {
    Heading(String),
    Span(Span),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub start: usize,
    pub number: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Extracted {
    pub media_type: String,
    pub text: String,
    pub title: Option<String>,
    pub headings: Vec<Heading>,
    pub pages: Vec<Page>,
    /// Parts that belong together, ascending: no chunk ends within one that fits a chunk.
    #[serde(skip)]
    pub units: Vec<Range<usize>>,
    pub chunks: Vec<ChunkSpan>,
    pub metadata: Fields,
    /// What was left out or deserves a look, by kind.
    pub removed: BTreeMap<String, u64>,
    pub warnings: Vec<String>,
    /// For each place asked for, the spans it stands for; none: it matches no text.
    pub sections: Vec<Vec<Span>>,
    /// Pages that show a picture and no text.
    pub pictures: Vec<u32>,
}

/// Why a file gave no document.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum ExtractError {
    /// Not a kind of document that is read: skipped, no failure.
    #[error("{0}")]
    Unsupported(String),
    /// It holds nothing but pictures, on these pages.
    #[error("{why}")]
    Pictures { pages: Vec<u32>, why: String },
    #[error("{0}")]
    Broken(String),
    #[error("{0}")]
    Limit(String),
}

/// Whether a file may hold records, by its name.
pub fn may_hold_records(name: &str) -> bool {
    detect::may_hold_records(name.strip_suffix(".gz").or_else(|| name.strip_suffix(".GZ")).unwrap_or(name))
}

/// Whether a file is a picture of a kind that recognition reads.
pub fn is_picture(bytes: &[u8]) -> bool {
    picture::of(bytes).is_some()
}

/// What helps where a file of so many bytes is too large to be read.
pub fn what_helps(name: &str, size: u64) -> String {
    // Two bytes may be one of canonical text; there is nothing else in it that could be left out.
    if detect::is_text_by_name(name) && size > (MAX_TEXT as u64).saturating_mul(2) {
        return format!("no option helps: a document holds at most {MAX_TEXT} bytes of text; divide the file");
    }
    format!("raise --max-file-size to {size}")
}

/// Reads one file, finds its structure and splits it.
pub fn extract(job: &Job, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let mut builder = Builder::new(job.has_parts || !job.sections.is_empty());
    builder.recognised.clone_from(&job.recognised);
    if let Some(picture) = picture::of(bytes) {
        return picture.read(builder);
    }
    let kind = fill(&job.name, bytes, &mut builder)?;
    let header = std::mem::take(&mut builder.header);
    let mut extracted = builder.finish(kind.media_type());
    if matches!(kind, Format::Markdown) {
        extracted.units = markdown::tables(&extracted.text);
        extracted.headings = outline::headings(&extracted.text).map_err(limit)?;
    }
    if extracted.text.trim().is_empty() {
        return Err(match kind {
            Format::Pdf if !extracted.pictures.is_empty() => {
                ExtractError::Pictures { pages: extracted.pictures, why: "holds no text, but pictures".into() }
            }
            _ => ExtractError::Unsupported("holds no text".into()),
        });
    }
    let named = outline::Named::of(&extracted.headings);
    let sections = job.sections.iter().map(|place| locate(place, &extracted, &named)).collect();
    drop(named);
    extracted.sections = sections;
    if matches!(kind, Format::Markdown) {
        refuse_doubtful(&job.sections, &extracted)?;
    }
    // What everybody sees must say nothing about what is restricted.
    let restricted = restricted(&extracted.sections);
    if matches!(kind, Format::Markdown) {
        extracted.headings = outline::headings_apart(&extracted.text, &restricted).map_err(limit)?;
    }
    disclosed::withhold(&mut extracted, &restricted, &header);
    if extracted.title.is_none() {
        let is_open = |h: &&Heading| h.level == 1 && !restricted.iter().any(|part| part.contains(&h.start));
        let found = extracted.headings.iter().find(is_open);
        extracted.title = found.map(|h| h.text.chars().take(builder::MAX_HEADING).collect());
    }
    if matches!(kind, Format::Markdown) {
        let parts: Vec<Range<usize>> = extracted.sections.iter().flatten().map(|part| part.start..part.end).collect();
        let checked = outline::refuse_definitions_elsewhere(&extracted.text, &parts);
        checked.map_err(|mistake| ExtractError::Broken(mistake.to_string()))?;
    }
    divided(extracted, &restricted)
}

/// A document without restricted parts, of what was read.
fn complete(extracted: Extracted) -> Result<Extracted, ExtractError> {
    if extracted.text.trim().is_empty() {
        return Err(ExtractError::Unsupported("holds no text".into()));
    }
    divided(extracted, &[])
}

fn divided(mut extracted: Extracted, restricted: &[Range<usize>]) -> Result<Extracted, ExtractError> {
    extracted.chunks = split::split(&extracted, restricted);
    // Said here, before all of it is sent.
    if extracted.chunks.len() > MAX_CHUNKS {
        let message = format!("more than {MAX_CHUNKS} chunks, which no option raises: divide the file");
        return Err(ExtractError::Limit(message));
    }
    Ok(extracted)
}

/// Reads the content of a file.
fn fill(name: &str, bytes: &[u8], builder: &mut Builder) -> Result<Format, ExtractError> {
    let unzipped;
    let (name, bytes) = match name.strip_suffix(".gz").or_else(|| name.strip_suffix(".GZ")) {
        Some(inner) => {
            unzipped = archive::gunzip(bytes)?;
            (inner, unzipped.as_slice())
        }
        None => (name, bytes),
    };
    let (kind, warnings) = detect::kind(name, bytes)?;
    warnings.into_iter().for_each(|warning| builder.warn(warning));
    match kind {
        Format::Pdf => pdf::read(bytes, builder)?,
        Format::Docx => docx::read(bytes, builder)?,
        Format::Pptx => pptx::read(bytes, builder)?,
        Format::Xlsx => xlsx::read(bytes, builder)?,
        Format::Odt => odf::read(bytes, odf::Kind::Text, builder)?,
        Format::Ods => odf::read(bytes, odf::Kind::Sheets, builder)?,
        Format::Odp => odf::read(bytes, odf::Kind::Slides, builder)?,
        Format::Rtf => rtf::read(bytes, builder)?,
        Format::Epub => epub::read(bytes, builder)?,
        Format::Mail => mail::read(bytes, builder)?,
        Format::Mailbox => mail::read_box(bytes, builder)?,
        Format::Notebook => notebook::read(&decode::text(bytes, builder)?, builder)?,
        Format::Json => {
            builder.metadata.insert("language".into(), "json".into());
            records::json(&decode::text(bytes, builder)?, builder)?;
        }
        Format::JsonLines => records::json_lines(&decode::text(bytes, builder)?, builder)?,
        Format::Csv => records::csv(&decode::text(bytes, builder)?, builder)?,
        Format::Html => {
            let text = decode::html(bytes, builder)?;
            html::read(&text, detect::is_xml(name, &text), builder)?;
        }
        Format::Markdown => {
            let text = decode::text(bytes, builder)?;
            markdown::read(&text, builder.has_parts, builder)?;
        }
        Format::Text => {
            let text = decode::text(bytes, builder)?;
            builder.block(&decode::without_overstriking(&text))?;
        }
        Format::Code(language) => {
            let text = decode::text(bytes, builder)?;
            builder.metadata.insert("language".into(), language.into());
            builder.block(&text)?;
        }
    }
    Ok(kind)
}

/// Spans that a section rule means.
fn locate(place: &SectionPlace, doc: &Extracted, named: &outline::Named<'_>) -> Vec<Span> {
    match place {
        SectionPlace::Span(span) => {
            let fine = doc.text.get(span.start..span.end).is_some_and(|t| !t.trim().is_empty());
            if fine { vec![*span] } else { Vec::new() }
        }
        SectionPlace::Heading(wanted) => {
            let parts = named.parts_under(wanted, doc.text.len());
            parts.into_iter().map(|part| Span { start: part.start, end: part.end }).collect()
        }
    }
}

fn limit(error: TooManyHeadings) -> ExtractError {
    ExtractError::Limit(error.to_string())
}

/// A part by heading that ends where its author may not mean it: the rest would be everybody's.
fn refuse_doubtful(places: &[SectionPlace], doc: &Extracted) -> Result<(), ExtractError> {
    for (place, spans) in places.iter().zip(&doc.sections) {
        let SectionPlace::Heading(wanted) = place else { continue };
        if let Some(span) = spans.iter().find(|span| outline::ends_in_doubt(&doc.text, &(span.start..span.end))) {
            let line = doc.text.get(..span.end).unwrap_or_default().matches('\n').count().saturating_add(1);
            return Err(ExtractError::Broken(format!(
                "the section `{wanted}` ends at line {line}, which `---` or `===` below it makes a heading: put an empty \
                 line between the two if that is a rule, mark the heading with `#` if it is one"
            )));
        }
    }
    Ok(())
}

/// All restricted parts, disjoint and ascending.
fn restricted(sections: &[Vec<Span>]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = sections.iter().flatten().map(|s| s.start..s.end).collect();
    parts.sort_by_key(|part| part.start);
    parts.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        last.end = if overlaps { last.end.max(next.end) } else { last.end };
        overlaps
    });
    parts
}

#[cfg(test)]
mod tests;
