//! BM25 in f64 over the masked postings, with N and document frequencies counted under the mask.
//!
//! First the postings of every term are read under the mask, which gives the frequencies; then scores are summed, window
//! by window, each chunk's terms in query order. Nothing is pruned: the engine's block maxima belong to other
//! statistics. Where few chunks are masked, they are sought in long posting lists instead of reading the lists.
#![allow(clippy::indexing_slicing, reason = "inner loops over documents of one segment and windows of one size")]

use std::sync::Arc;

use ::tantivy::schema::{Field, IndexRecordOption};
use ::tantivy::{DocSet, TantivyError, Term, postings::Postings};

use super::segments::{SegmentView, View};
use crate::rank::Best;
use crate::{AnalysedQuery, ChunkMask, IndexError, Work};
use usher_base::effort::Spent;
use usher_base::faults::mutants;

pub(super) const K1: f64 = 1.2;
pub(super) const B: f64 = 0.75;
/// Tokens of an average chunk; a public constant, because the true average tells about hidden text.
pub(super) const AVERAGE_LENGTH: f64 = 200.0;

/// Documents whose scores are summed at a time; their sums fit the first-level cache.
const WINDOW: usize = 4096;
/// Seeking one document costs about as much as reading this many postings.
const SEEK_COST: u64 = 24;
/// Lengths whose part of the formula is computed once per search.
const TABLE: usize = 1024;

/// Buffers that one search after the other uses.
#[derive(Default)]
pub(super) struct Scratch {
    lists: Vec<List>,
    sums: Vec<f64>,
    chunks: Vec<u32>,
    members: Vec<u32>,
    norms: Vec<f64>,
}

/// The masked postings of one term in one segment.
#[derive(Default)]
struct List {
    /// Ascending.
    documents: Vec<u32>,
    /// The part of the score that doesn't depend on the frequency in other chunks.
    weights: Vec<f64>,
    next: usize,
}

/// The best `depth` masked chunks that hold a term of the query.
pub(super) fn search(
    view: &View,
    field: Field,
    query: &AnalysedQuery,
    mask: &ChunkMask,
    depth: usize,
    scratch: &mut Scratch,
    work: &mut Work,
) -> Result<Best, IndexError> {
    let terms: Vec<Term> = query.terms().iter().map(|term| Term::from_field_text(field, term)).collect();
    let mut best = Best::new(depth.min(mask.count() as usize));
    if terms.is_empty() || mask.is_empty() {
        return Ok(best);
    }
    work.mask_words += mask.words().len() as u64;
    let Scratch { lists, sums, chunks, members, norms } = scratch;
    if norms.is_empty() {
        norms.extend((0..TABLE).map(|length| norm(length as u32)));
    }
    let count = view.segments.len() * terms.len();
    if lists.len() < count {
        lists.resize_with(count, List::default);
    }
    chunks.clear();
    let mut frequencies = vec![0u64; terms.len()];
    for (segment, lists) in view.segments.iter().zip(lists.chunks_mut(terms.len())) {
        let mut reading = Reading { segment, mask, norms, chunks, members, sought: false };
        for ((term, list), frequency) in terms.iter().zip(lists).zip(&mut frequencies) {
            reading.read(term, list, work)?;
            *frequency += list.documents.len() as u64;
        }
    }
    let mut population = f64::from(mask.count());
    if mutants::active("global_keyword_statistics") {
        population = view.segments.iter().map(|segment| f64::from(segment.live)).sum();
        for (term, frequency) in terms.iter().zip(&mut frequencies) {
            let of = |segment: &Arc<SegmentView>| segment.postings.doc_freq(term).map(u64::from);
            *frequency = view.segments.iter().map(of).sum::<std::io::Result<u64>>().map_err(TantivyError::from)?;
        }
    }
    let idf: Vec<f64> = frequencies.iter().map(|&frequency| idf(population, frequency as f64)).collect();
    sums.resize(WINDOW, 0.0);
    for (segment, lists) in view.segments.iter().zip(lists.chunks_mut(terms.len())) {
        sum(segment, lists, &idf, sums, &mut best, work)?;
    }
    Ok(best)
}

/// Reading the lists of one segment under the mask.
struct Reading<'a> {
    segment: &'a SegmentView,
    mask: &'a ChunkMask,
    norms: &'a [f64],
    /// All masked chunks, once they are needed.
    chunks: &'a mut Vec<u32>,
    members: &'a mut Vec<u32>,
    /// Whether `members` are those of this segment.
    sought: bool,
}

impl Reading<'_> {
    fn read(&mut self, term: &Term, list: &mut List, work: &mut Work) -> Result<(), IndexError> {
        list.documents.clear();
        list.weights.clear();
        list.next = 0;
        let postings = &self.segment.postings;
        let Some(info) = postings.get_term_info(term).map_err(TantivyError::from)? else { return Ok(()) };
        if u64::from(self.mask.count()) * SEEK_COST < u64::from(info.doc_freq) {
            self.find_members();
            let postings = postings.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqs);
            let mut postings = postings.map_err(TantivyError::from)?;
            work.postings_read += self.members.len() as u64;
            for (at, &document) in self.members.iter().enumerate() {
                if at % WINDOW == 0 {
                    work.effort.spend(1)?;
                }
                if postings.doc() < document {
                    postings.seek(document);
                }
                if postings.doc() == document {
                    let length = self.segment.documents[document as usize].length;
                    self.keep(list, document, postings.term_freq(), length);
                }
            }
            return Ok(());
        }
        let postings = postings.read_block_postings_from_terminfo(&info, IndexRecordOption::WithFreqs);
        let mut postings = postings.map_err(TantivyError::from)?;
        work.postings_read += u64::from(info.doc_freq);
        loop {
            work.effort.spend(1)?;
            let documents = postings.docs();
            if documents.is_empty() {
                return Ok(());
            }
            for (&number, &frequency) in documents.iter().zip(postings.freqs()) {
                let document = self.segment.documents[number as usize];
                if self.mask.contains(document.chunk) {
                    self.keep(list, number, frequency, document.length);
                }
            }
            postings.advance();
        }
    }

    #[inline(always)]
    fn keep(&self, list: &mut List, document: u32, frequency: u32, length: u32) {
        let norm = self.norms.get(length as usize).copied().unwrap_or_else(|| norm(length));
        let frequency = f64::from(frequency);
        list.documents.push(document);
        list.weights.push(frequency * (K1 + 1.0) / (frequency + norm));
    }

    fn find_members(&mut self) {
        if self.sought {
            return;
        }
        if self.chunks.is_empty() {
            self.chunks.extend(self.mask.iter());
        }
        self.segment.members(self.chunks, self.members);
        self.sought = true;
    }
}

/// Sums the terms of each document of a segment and offers the chunks. `sums` is all zeros before and after.
fn sum(
    segment: &SegmentView,
    lists: &mut [List],
    idf: &[f64],
    sums: &mut [f64],
    best: &mut Best,
    work: &mut Work,
) -> Result<(), Spent> {
    let mut touched = [0u64; WINDOW / 64];
    loop {
        let first = lists.iter().filter_map(|list| list.documents.get(list.next)).min();
        let Some(&first) = first else { return Ok(()) };
        work.effort.spend(1)?;
        let start = first - first % WINDOW as u32;
        for (list, idf) in lists.iter_mut().zip(idf) {
            while let Some(&document) = list.documents.get(list.next) {
                let at = (document - start) as usize;
                if at >= WINDOW {
                    break;
                }
                sums[at] += idf * list.weights[list.next];
                touched[at / 64] |= 1 << (at % 64);
                list.next += 1;
            }
        }
        for (word, bits) in touched.iter_mut().enumerate() {
            for bit in crate::mask::Bits(std::mem::take(bits)) {
                let at = word * 64 + bit as usize;
                best.push(segment.documents[start as usize + at].chunk, std::mem::take(&mut sums[at]));
                work.chunks_scored += 1;
            }
        }
    }
}

/// How much rarer terms count more.
fn idf(population: f64, frequency: f64) -> f64 {
    (1.0 + (population - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// What the frequency is weighed against, for a chunk of this many tokens.
fn norm(length: u32) -> f64 {
    K1 * (1.0 - B + B * f64::from(length) / AVERAGE_LENGTH)
}
