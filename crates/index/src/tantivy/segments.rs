//! What a search needs of each segment, kept in memory: which document is which chunk, and how long it is.
//!
//! Eight bytes per document and four per chunk for the way back. Built once per segment and again only when documents of
//! it are deleted; a search holds a view and isn't disturbed by commits and merges.

use std::sync::Arc;

use ::tantivy::columnar::ColumnValues;
use ::tantivy::index::{InvertedIndexReader, SegmentId, SegmentReader};
use ::tantivy::{Opstamp, Searcher, TantivyError};

use super::{CHUNK, Fields, LENGTH};

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
            postings: reader.inverted_index(fields.tokens)?,
            live: reader.num_docs(),
            chunks: Chunks::of(&documents),
            documents,
        })
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
