//! Before a document is committed: limits, chunk boundaries, restricted parts, vectors. Nothing here writes.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::catalog::collections::CollectionSettings;
use crate::catalog::documents::SectionRow;
use crate::catalog::index_text::index_text;
use crate::commit::documents::{Prepared, PreparedChunk, PreparedContent, PreparedVectors, title_of};
use crate::embed::{self, EmbedError, Embedder, Role};
use crate::limits::{Effort, Payer, Spent};
use crate::outline::{self, Heading, MAX_HEADINGS, TooManyHeadings};
use crate::wire::bounds::{MAX_DOCUMENT_ID, MAX_SECTION_ID, MAX_SECTIONS};
use crate::wire::{ChunkSpan, Document, Section};

mod paths;
pub mod sizes;
pub mod split;
#[cfg(test)]
mod tests;

/// Bytes of canonical text of one document.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;
/// Bytes of one chunk.
pub const MAX_CHUNK: usize = 64 * 1024;
/// Chunks of the documents of one request together.
pub const MAX_REQUEST_CHUNKS: usize = 40_000;

/// What is wrong with a document, with the JSON pointer into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Unprocessable {
    pub pointer: String,
    pub detail: String,
}

fn unprocessable(pointer: impl Into<String>, detail: impl Into<String>) -> Unprocessable {
    Unprocessable { pointer: pointer.into(), detail: detail.into() }
}

/// Why a document can't be stored.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Unprocessable(#[from] Unprocessable),
    #[error("the document has no access rules and its collection has no default ones")]
    NoRules,
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error("splitting the text takes too long")]
    TooLong,
}

/// Checks a document and gives it its rules and digests; content is added by [`content`].
///
/// # Errors
/// When a limit is exceeded, a name is malformed, or rules are missing.
pub fn rules(document: Document, settings: &CollectionSettings) -> Result<Prepared, PrepareError> {
    check_names(&document)?;
    let acl = document.acl.clone().or_else(|| settings.default_acl.clone()).ok_or(PrepareError::NoRules)?;
    Ok(Prepared {
        content_digest: document.content_digest(),
        acl_digest: document.acl_digest(),
        acl,
        document,
        content: None,
    })
}

fn check_names(document: &Document) -> Result<(), Unprocessable> {
    let id = &document.id;
    let path = id.split_once('/').map(|(source, path)| !source.is_empty() && !path.is_empty());
    if path != Some(true) || id.len() > MAX_DOCUMENT_ID || id.chars().any(char::is_control) {
        return Err(unprocessable("/id", "must be <source>/<path>, at most 1,024 bytes, without control characters"));
    }
    if document.content.text.len() > MAX_TEXT {
        return Err(unprocessable("/content/text", format!("must be at most {MAX_TEXT} bytes")));
    }
    if document.content.text.contains('\0') {
        return Err(unprocessable("/content/text", "must not contain NUL characters"));
    }
    if document.source_version.is_some_and(|version| i64::try_from(version).is_err()) {
        return Err(unprocessable("/source_version", format!("must be at most {}", i64::MAX)));
    }
    if let Some(time) = &document.expires_at
        && crate::catalog::timestamp(time).is_err()
    {
        return Err(unprocessable("/expires_at", "must be an RFC 3339 time, such as 2027-01-31T00:00:00Z"));
    }
    sizes::of_document(document)?;
    if document.sections.len() > MAX_SECTIONS {
        return Err(unprocessable("/sections", format!("at most {MAX_SECTIONS} sections are allowed")));
    }
    for (n, section) in document.sections.iter().enumerate() {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if section.id.is_empty() || section.id.len() > MAX_SECTION_ID || !section.id.chars().all(is_good) {
            return Err(unprocessable(format!("/sections/{n}/id"), "must be 1 to 64 letters, digits, `.`, `_` or `-`"));
        }
        if document.sections.iter().take(n).any(|other| other.id == section.id) {
            return Err(unprocessable(format!("/sections/{n}/id"), "is used twice"));
        }
    }
    Ok(())
}

/// Chunks and restricted parts of a text.
pub type Laid = (Vec<PreparedChunk>, Vec<SectionRow>);

/// Why a text has no layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error(transparent)]
    Unprocessable(#[from] Unprocessable),
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// Chunks and restricted parts of a document's text. Neither the chunks outside the restricted parts nor their headings
/// depend on what stands in those.
///
/// # Errors
/// When boundaries don't fit the text, sections overlap or match nothing, there are too many headings or chunks, the
/// format must be split by the caller, or it takes more than the effort.
pub fn layout(document: &Document, effort: &Effort) -> Result<Laid, LayoutError> {
    let text = &document.content.text;
    let media_type = document.content.media_type.as_str();
    let given = document.chunks.as_ref().map(|spans| checked_spans(spans, text)).transpose()?;
    if media_type == "text/markdown" {
        sizes::of_markdown(text)?;
    }
    let own = if media_type == "text/markdown" { headings(text)? } else { Vec::new() };
    let places = match &given {
        Some(chunks) if media_type != "text/markdown" => Headings::of_chunks(chunks),
        _ => Headings::Text(outline::Named::of(&own)),
    };
    let parts = section_spans(&document.sections, &places, text)?;
    let restricted: Vec<Range<usize>> = parts.iter().map(|(_, part)| part.clone()).collect();
    if media_type == "text/markdown" {
        let checked = outline::refuse_definitions_elsewhere(text, &restricted);
        checked.map_err(|mistake| unprocessable("/content/text", mistake.to_string()))?;
    }
    let chunks = match (given, media_type) {
        (Some(mut chunks), _) => {
            sizes::of_chunks(&chunks, text)?;
            effort.spend(1)?;
            cut_at_sections(&mut chunks, &restricted, text);
            let own = if media_type == "text/markdown" {
                outline::headings_apart(text, &restricted).map_err(too_many_headings)?
            } else {
                Vec::new()
            };
            paths::keep_own(&mut chunks, &restricted, text, &own, effort)?;
            chunks
        }
        (None, "text/plain" | "text/markdown") => own_chunks(text, media_type == "text/markdown", &restricted, effort)?,
        (None, _) => {
            let detail = "are needed for this content type; the service splits text/plain and text/markdown only";
            return Err(unprocessable("/chunks", detail).into());
        }
    };
    sizes::of_chunks(&chunks, text)?;
    let sections = parts
        .into_iter()
        .map(|(index, part)| {
            let inside = |chunk: &PreparedChunk| chunk.start >= part.start && chunk.end <= part.end;
            let first = chunks.iter().position(inside);
            let count = chunks.iter().filter(|chunk| inside(chunk)).count();
            let section = document.sections.get(index);
            let id = section.map(|section| section.id.clone()).unwrap_or_default();
            let (start, end) = (part.start, part.end);
            first
                .map(|first| SectionRow { id, first: first as u32, count: count as u32, start, end, is_apart: true })
                .ok_or_else(|| unprocessable(format!("/sections/{index}"), "matches no text"))
        })
        .collect::<Result<_, Unprocessable>>()?;
    Ok((chunks, sections))
}

fn too_many_headings(_: TooManyHeadings) -> Unprocessable {
    unprocessable("/content/text", format!("must have at most {MAX_HEADINGS} headings"))
}

fn headings(text: &str) -> Result<Vec<Heading>, Unprocessable> {
    outline::headings(text).map_err(too_many_headings)
}

fn own_chunks(
    text: &str,
    is_markdown: bool,
    restricted: &[Range<usize>],
    effort: &Effort,
) -> Result<Vec<PreparedChunk>, LayoutError> {
    let split = if is_markdown { split::markdown } else { split::plain };
    if crate::mutants::active("pieces_over_borders") {
        let mut chunks = split(text, &[], effort)?;
        cut_at_sections(&mut chunks, restricted, text);
        return Ok(chunks);
    }
    split(text, restricted, effort)
}

/// Where a section's rule looks for a heading.
enum Headings<'a> {
    Text(outline::Named<'a>),
    /// The text was extracted from something that only the caller could read. With the places of the chunks that lie
    /// under a heading, ascending.
    Chunks(&'a [PreparedChunk], HashMap<String, Vec<usize>>),
}

impl<'a> Headings<'a> {
    fn of_chunks(chunks: &'a [PreparedChunk]) -> Self {
        let mut under: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, chunk) in chunks.iter().enumerate() {
            let names: BTreeSet<String> = chunk.heading_path.iter().map(|part| outline::normal(part)).collect();
            names.into_iter().for_each(|name| under.entry(name).or_default().push(place));
        }
        Self::Chunks(chunks, under)
    }
}

fn checked_spans(spans: &[ChunkSpan], text: &str) -> Result<Vec<PreparedChunk>, Unprocessable> {
    let mut previous = 0;
    spans
        .iter()
        .enumerate()
        .map(|(n, span)| {
            let pointer = format!("/chunks/{n}");
            let is_text = span.start < span.end && text.get(span.start..span.end).is_some();
            if !is_text {
                return Err(unprocessable(
                    pointer,
                    "must be a non-empty range of bytes of the text, on character boundaries",
                ));
            }
            if span.start < previous {
                return Err(unprocessable(pointer, "must not start before the chunk before it"));
            }
            if span.end - span.start > MAX_CHUNK {
                return Err(unprocessable(pointer, format!("must be at most {MAX_CHUNK} bytes")));
            }
            previous = span.start;
            Ok(PreparedChunk {
                start: span.start,
                end: span.end,
                heading_path: span.heading_path.clone(),
                page: span.page,
            })
        })
        .collect()
}

/// (index of the section, its bytes), ascending and disjoint.
fn section_spans(
    sections: &[Section],
    headings: &Headings<'_>,
    text: &str,
) -> Result<Vec<(usize, Range<usize>)>, Unprocessable> {
    let mut spans = Vec::with_capacity(sections.len());
    for (n, section) in sections.iter().enumerate() {
        let pointer = format!("/sections/{n}");
        let part = match (&section.span, &section.heading) {
            (Some(span), None) => span.start..span.end,
            (None, Some(heading)) => {
                let pointer = format!("{pointer}/heading");
                let part = part_under(heading, headings, text);
                let part = part.ok_or_else(|| unprocessable(&pointer, "matches no part of the text, or several"))?;
                let is_text = matches!(headings, Headings::Text(_));
                if is_text && outline::ends_in_doubt(text, &part) && !crate::mutants::active("doubtful_ends_are_ends") {
                    let detail = "is the heading of a part that ends at a line with `---` or `===` below it: put an \
                                  empty line between the two if that is a rule, mark the heading with `#` if it is one";
                    return Err(unprocessable(pointer, detail));
                }
                part
            }
            _ => return Err(unprocessable(pointer, "needs either `span` or `heading`")),
        };
        if part.start >= part.end || text.get(part.clone()).is_none_or(|part| part.trim().is_empty()) {
            return Err(unprocessable(pointer, "matches no text"));
        }
        spans.push((n, part));
    }
    spans.sort_by_key(|(_, part)| part.start);
    for pair in spans.windows(2) {
        if let [(_, before), (n, after)] = pair
            && after.start < before.end
        {
            return Err(unprocessable(format!("/sections/{n}"), "overlaps another section"));
        }
    }
    Ok(spans)
}

/// The one part under the heading; `None` unless there is exactly one.
fn part_under(heading: &str, headings: &Headings<'_>, text: &str) -> Option<Range<usize>> {
    let (chunks, under) = match headings {
        Headings::Text(headings) => {
            let mut parts = headings.parts_under(heading, text.len());
            return parts.pop().filter(|_| parts.is_empty());
        }
        Headings::Chunks(chunks, under) => (chunks, under.get(&outline::normal(heading))?),
    };
    let (first, last) = (*under.first()?, *under.last()?);
    if last - first + 1 != under.len() {
        return None;
    }
    // What stands between two chunks, such as the heading itself, belongs to the one after.
    let before = chunks.iter().take(first).map(|chunk| chunk.end).max().unwrap_or(0);
    let start = chunks.get(first)?.start;
    let end = chunks.get(last + 1).map_or(text.len(), |chunk| chunk.start);
    Some(before.min(start)..end)
}

/// Cuts chunks so that none lies on both sides of a section's border.
fn cut_at_sections(chunks: &mut Vec<PreparedChunk>, restricted: &[Range<usize>], text: &str) {
    if restricted.is_empty() {
        return;
    }
    let borders: Vec<usize> = restricted.iter().flat_map(|part| [part.start, part.end]).collect();
    let mut cut: Vec<PreparedChunk> = Vec::with_capacity(chunks.len() + borders.len());
    for chunk in chunks.drain(..) {
        let mut at = chunk.start;
        let inner = borders.iter().copied().filter(|border| chunk.start < *border && *border < chunk.end);
        for end in inner.chain(std::iter::once(chunk.end)) {
            if text.get(at..end).is_some_and(|part| !part.trim().is_empty()) {
                cut.push(PreparedChunk { start: at, end, ..chunk.clone() });
            }
            at = end;
        }
    }
    // Overlapping chunks that were cut can be out of order; a section's chunks must be consecutive.
    cut.sort_by_key(|chunk| (chunk.start, chunk.end));
    cut.dedup_by(|a, b| a.start == b.start && a.end == b.end);
    *chunks = cut;
}

/// Counts a document's chunks against what the documents of its request may have together.
///
/// # Errors
/// When there are more than that; what is left stays as it was.
pub fn take_room(room: &mut usize, (chunks, _): &Laid) -> Result<(), Unprocessable> {
    *room = room.checked_sub(chunks.len()).ok_or_else(|| {
        let detail = format!(
            "the documents of one request have more than {MAX_REQUEST_CHUNKS} chunks together: send fewer at once"
        );
        unprocessable("/chunks", detail)
    })?;
    Ok(())
}

/// Chunks, sections and vectors of a document. Without the vectors of the next generation's embedder it can be stored all
/// the same.
///
/// # Errors
/// When the embedder fails.
pub async fn content(
    document: &Document,
    (chunks, sections): Laid,
    embedder: &Arc<dyn Embedder>,
    next: Option<&Arc<dyn Embedder>>,
    payer: &Payer,
) -> Result<PreparedContent, EmbedError> {
    // As an index gets it that is filled from the catalog.
    let title = title_of(document);
    let texts: Vec<String> = chunks
        .iter()
        .map(|chunk| index_text(title, document.content.text.get(chunk.start..chunk.end).unwrap_or_default()))
        .collect();
    // Only chunks of one document, and of one side of its sections' borders, share a call.
    let runs = runs(&chunks, &sections);
    let mut vectors = vec![embedded(embedder, &texts, &runs, payer).await?];
    if let Some(next) = next.filter(|next| next.id() != embedder.id()) {
        match embedded(next, &texts, &runs, payer).await {
            Ok(made) => vectors.push(made),
            Err(error) => tracing::debug!(%error, "a document is stored without vectors of the next generation"),
        }
    }
    Ok(PreparedContent { chunks, sections, vectors })
}

async fn embedded(
    embedder: &Arc<dyn Embedder>,
    texts: &[String],
    runs: &[std::ops::Range<usize>],
    payer: &Payer,
) -> Result<PreparedVectors, EmbedError> {
    let mut rows = Vec::with_capacity(texts.len() * embedder.dimensions());
    for run in runs {
        let texts = texts.get(run.clone()).unwrap_or_default();
        rows.extend(embed::rows(embedder.as_ref(), texts, Role::Passage, payer).await?);
    }
    Ok(PreparedVectors { embedder: embedder.id().to_owned(), rows })
}

/// Consecutive chunks that lie in the same section, or in none.
fn runs(chunks: &[PreparedChunk], sections: &[SectionRow]) -> Vec<std::ops::Range<usize>> {
    let section_of =
        |n: usize| sections.iter().position(|s| (s.first as usize..(s.first + s.count) as usize).contains(&n));
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for n in 0..chunks.len() {
        match runs.last_mut() {
            Some(run) if section_of(run.start) == section_of(n) => run.end = n + 1,
            _ => runs.push(n..n + 1),
        }
    }
    runs
}
