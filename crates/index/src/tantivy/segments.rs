//! What a search needs of each segment, kept in memory: which document is which chunk, and how long it is.
//!
//! Eight bytes per document, and eight per chunk for the way back and for sums of lengths. Built once per segment and again only when documents of
//! it are deleted; a search holds a view and isn't disturbed by commits and merges.

use std::sync::Arc;

use ::tantivy::columnar::ColumnValues;
use ::tantivy::index::{InvertedIndexReader, SegmentId, SegmentReader};
use ::tantivy::{Opstamp, Searcher, TantivyError};

use super::{CHUNK, Fields, LENGTH};
use crate::ChunkMask;
use crate::mask::Bits;

/// No chunk: the document is deleted. No mask holds it.
const NONE: u32 = u32::MAX;

/// One commit.
#[derive(Default)]
pub(super) struct View {
    pub(super) position: u64,
    pub(super) segments: Vec<Arc<SegmentView>>,
}

/// One segment of a commit.
pub(super) struct SegmentView {
    id: SegmentId,
    deletes: Option<Opstamp>,
    pub(super) postings: Arc<InvertedIndexReader>,
    /// By document number.
    pub(super) documents: Vec<Document>,
    pub(super) live: u32,
    chunks: Chunks,
    lengths: Lengths,
    /// Codes of the languages that terms begin with.
    languages: Vec<String>,
}

/// A document of the engine, which is one chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document {
    pub(super) chunk: u32,
    /// Number of tokens.
    pub(super) length: u32,
}

/// Document by chunk.
enum Chunks {
    /// By chunk less the first one; `NONE` for chunks that aren't in the segment.
    Dense { first: u32, documents: Vec<u32> },
    /// (chunk, document), ascending, where chunks are far apart.
    Sparse(Vec<(u32, u32)>),
}

impl View {
    /// The segments of a searcher; those that `before` has too are taken over.
    pub(super) fn of(searcher: &Searcher, position: u64, fields: Fields, before: &View) -> Result<Self, TantivyError> {
        let known = |reader: &SegmentReader| {
            let same =
                |view: &&Arc<SegmentView>| view.id == reader.segment_id() && view.deletes == reader.delete_opstamp();
            before.segments.iter().find(same).cloned()
        };
        let segments = searcher
            .segment_readers()
            .iter()
            .map(|reader| match known(reader) {
                Some(view) => Ok(view),
                None => SegmentView::of(reader, fields).map(Arc::new),
            })
            .collect::<Result<_, TantivyError>>()?;
        Ok(Self { position, segments })
    }

    /// The largest chunk of the index, deleted ones not counted.
    pub(super) fn highest(&self) -> Option<u32> {
        let chunks = self.segments.iter().flat_map(|segment| &segment.documents).map(|document| document.chunk);
        chunks.filter(|chunk| *chunk != NONE).max()
    }
}

impl SegmentView {
    fn of(reader: &SegmentReader, fields: Fields) -> Result<Self, TantivyError> {
        let read = |name: &str| -> Result<Vec<u64>, TantivyError> {
            let mut values = vec![0; reader.max_doc() as usize];
            reader.fast_fields().column_first_or_default::<u64>(name)?.get_range(0, &mut values);
            Ok(values)
        };
        let (chunks, lengths) = (read(CHUNK)?, read(LENGTH)?);
        let postings = reader.inverted_index(fields.tokens)?;
        let documents: Vec<Document> = (0u32..)
            .zip(chunks.iter().zip(lengths))
            .map(|(document, (&chunk, length))| Document {
                chunk: if reader.is_deleted(document) { NONE } else { u32::try_from(chunk).unwrap_or(NONE) },
                length: u32::try_from(length).unwrap_or(u32::MAX),
            })
            .collect();
        Ok(Self {
            id: reader.segment_id(),
            deletes: reader.delete_opstamp(),
            live: reader.num_docs(),
            chunks: Chunks::of(&documents),
            lengths: Lengths::of(&documents),
            languages: languages(&postings)?,
            postings,
            documents,
        })
    }

    /// Whether it holds terms in the language of this form.
    pub(super) fn speaks(&self, form: &str) -> bool {
        let code = form.split(':').next().unwrap_or_default();
        self.languages.iter().any(|language| language == code)
    }

    /// Number of words in the masked chunks.
    pub(super) fn length(&self, mask: &ChunkMask) -> u64 {
        self.lengths.sum(mask)
    }

    /// Number of words in all chunks.
    pub(super) fn total_length(&self) -> u64 {
        self.lengths.sums.iter().map(|sum| u64::from(*sum)).sum()
    }

    /// The documents of the masked chunks in this segment, ascending. O(chunks of the mask between the segment's first
    /// and last).
    pub(super) fn members(&self, chunks: &[u32], members: &mut Vec<u32>) {
        members.clear();
        match &self.chunks {
            Chunks::Dense { first, documents } => {
                let start = chunks.partition_point(|chunk| chunk < first);
                let end = first.saturating_add(documents.len() as u32);
                let inside = chunks.get(start..).unwrap_or_default().iter().take_while(|chunk| **chunk < end);
                let found = inside.filter_map(|chunk| documents.get((chunk - first) as usize).copied());
                members.extend(found.filter(|document| *document != NONE));
            }
            Chunks::Sparse(pairs) => {
                let find = |chunk: &u32| {
                    let at = pairs.binary_search_by_key(chunk, |pair| pair.0).ok()?;
                    pairs.get(at).map(|pair| pair.1)
                };
                members.extend(chunks.iter().filter_map(find));
            }
        }
        members.sort_unstable();
    }
}

/// Numbers of words by chunk, 64 chunks at a time, so that words of a mask are looked up.
struct Lengths {
    /// First chunk of each word of a mask that has a chunk here, ascending, by 64.
    words: Vec<u32>,
    /// Which of the 64 chunks are here.
    present: Vec<u64>,
    /// Over these.
    sums: Vec<u32>,
    /// Of each of the 64.
    lengths: Vec<[u32; 64]>,
}

impl Lengths {
    fn of(documents: &[Document]) -> Self {
        let mut all: Vec<Document> = documents.iter().copied().filter(|document| document.chunk != NONE).collect();
        all.sort_unstable_by_key(|document| document.chunk);
        let mut lengths = Self { words: Vec::new(), present: Vec::new(), sums: Vec::new(), lengths: Vec::new() };
        for group in all.chunk_by(|a, b| a.chunk / 64 == b.chunk / 64) {
            let (mut present, mut sum, mut each) = (0, 0u32, [0; 64]);
            for document in group {
                present |= 1 << (document.chunk % 64);
                sum = sum.saturating_add(document.length);
                if let Some(length) = each.get_mut(document.chunk as usize % 64) {
                    *length = document.length;
                }
            }
            lengths.words.extend(group.first().map(|document| document.chunk / 64));
            lengths.present.push(present);
            lengths.sums.push(sum);
            lengths.lengths.push(each);
        }
        lengths
    }

    fn sum(&self, mask: &ChunkMask) -> u64 {
        let mut total = 0;
        for (((word, present), sum), lengths) in self.words.iter().zip(&self.present).zip(&self.sums).zip(&self.lengths)
        {
            let masked = mask.words().get(*word as usize).copied().unwrap_or_default() & present;
            if masked == *present {
                total += u64::from(*sum);
            } else {
                total += Bits(masked).filter_map(|bit| lengths.get(bit as usize)).copied().map(u64::from).sum::<u64>();
            }
        }
        total
    }
}

/// The codes that terms begin with: of any language, or of none.
fn languages(postings: &InvertedIndexReader) -> Result<Vec<String>, TantivyError> {
    let mut languages: Vec<String> = Vec::new();
    loop {
        let mut terms = postings.terms().range();
        if let Some(last) = languages.last() {
            terms = terms.ge(format!("{last};"));
        }
        let mut terms = terms.into_stream()?;
        let code = match terms.advance() {
            true => std::str::from_utf8(terms.key()).ok().and_then(|term| term.split(':').next()).map(str::to_owned),
            false => None,
        };
        match code {
            // `;` is next to `:`, so that this is the first term of another language.
            Some(code) if languages.last().is_none_or(|last| *last < code) => languages.push(code),
            _ => return Ok(languages),
        }
    }
}

impl Chunks {
    fn of(documents: &[Document]) -> Self {
        let numbered = (0u32..).zip(documents).filter(|(_, document)| document.chunk != NONE);
        let mut pairs: Vec<(u32, u32)> = numbered.map(|(number, document)| (document.chunk, number)).collect();
        pairs.sort_unstable();
        let (Some(&(first, _)), Some(&(last, _))) = (pairs.first(), pairs.last()) else {
            return Self::Sparse(pairs);
        };
        let span = (last - first) as usize + 1;
        if span > pairs.len() * 4 {
            return Self::Sparse(pairs);
        }
        let mut dense = vec![NONE; span];
        for (chunk, number) in pairs {
            if let Some(place) = dense.get_mut((chunk - first) as usize) {
                *place = number;
            }
        }
        Self::Dense { first, documents: dense }
    }
}
