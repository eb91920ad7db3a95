//! BM25 in f64 over the masked postings, with N, document frequencies and the average length counted under the mask.
//!
//! First the postings of every term are read under the mask, which gives the frequencies; then scores are summed, window
//! by window, each chunk's terms in query order. Nothing is pruned: the engine's block maxima belong to other
//! statistics. Where few chunks are masked, they are sought in long posting lists instead of reading the lists.
#![allow(clippy::indexing_slicing, reason = "inner loops over documents of one segment and windows of one size")]

use std::sync::Arc;

use ::tantivy::postings::TermInfo;
use ::tantivy::schema::IndexRecordOption;
use ::tantivy::{DocSet, TantivyError, postings::Postings};

use super::phrase;
use super::segments::{SegmentView, View};
use crate::analyse::QueryTerm;
use crate::rank::Best;
use crate::{AnalysedQuery, ChunkMask, Depth, IndexError, Work};
use usher_base::effort::Spent;
use usher_base::faults::mutants;

pub(super) const K1: f64 = 1.2;
pub(super) const B: f64 = 0.75;
/// How much an occurrence counts by its form, and how much more in the query's own spelling.
pub(super) const FORM: f64 = 0.9;
pub(super) const EXACT: f64 = 0.1;

/// Documents whose scores are summed at a time; their sums fit the first-level cache.
const WINDOW: usize = 4096;
/// Seeking one document costs about as much as reading this many postings.
const SEEK_COST: u64 = 24;
/// Lengths whose part of the formula is computed once per search.
const TABLE: usize = 1024;
/// Lists that are merged one after the other; more are sorted.
const MERGED: usize = 8;

/// Buffers that one search after the other uses.
#[derive(Default)]
pub(super) struct Scratch {
    lists: Vec<List>,
    sums: Vec<f64>,
    chunks: Vec<u32>,
    members: Vec<u32>,
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

/// How often a document holds a term.
#[derive(Debug, Clone, Copy)]
struct Count {
    document: u32,
    /// In any spelling.
    all: u32,
    /// In the query's.
    exact: u32,
}

/// The best masked chunks that hold a term of the query, and all of its phrases, to the depth.
pub(super) fn search(
    view: &View,
    query: &AnalysedQuery,
    mask: &ChunkMask,
    depth: &Depth,
    scratch: &mut Scratch,
    work: &mut Work,
) -> Result<Best, IndexError> {
    let terms = query.terms();
    let mut best = Best::new(depth.at_most(mask.count() as usize));
    if terms.is_empty() || mask.is_empty() {
        return Ok(best);
    }
    work.mask_words += mask.words().len() as u64;
    let Scratch { lists, sums, chunks, members } = scratch;
    let average = average(view, mask, work)?;
    let norms: Vec<f64> = (0..TABLE).map(|length| norm(length as u32, average)).collect();
    let count = view.segments.len() * terms.len();
    if lists.len() < count {
        lists.resize_with(count, List::default);
    }
    chunks.clear();
    let mut frequencies = vec![0u64; terms.len()];
    for (segment, lists) in view.segments.iter().zip(lists.chunks_mut(terms.len())) {
        let mut reading = Reading { segment, mask, norms: &norms, average, chunks, members, sought: false };
        for ((term, list), frequency) in terms.iter().zip(lists).zip(&mut frequencies) {
            work.effort.spend(1)?;
            reading.read(term, list, work)?;
            *frequency += list.documents.len() as u64;
        }
    }
    let mut population = f64::from(mask.count());
    if mutants::active("global_keyword_statistics") {
        population = view.segments.iter().map(|segment| f64::from(segment.live)).sum();
        for (term, frequency) in terms.iter().zip(&mut frequencies) {
            let mut all = 0;
            for segment in &view.segments {
                all += spellings(segment, term)?.iter().map(|list| u64::from(list.info.doc_freq)).sum::<u64>();
            }
            *frequency = all;
        }
    }
    let idf: Vec<f64> = terms
        .iter()
        .zip(&frequencies)
        .map(|(term, &frequency)| f64::from(term.count) * idf(population, frequency as f64))
        .collect();
    sums.resize(WINDOW, 0.0);
    for (segment, lists) in view.segments.iter().zip(lists.chunks_mut(terms.len())) {
        let holders = phrase::holders(segment, query.phrases(), mask, work)?;
        sum(segment, lists, &idf, sums, holders.as_deref(), &mut best, work)?;
    }
    Ok(best)
}

/// Words of an average masked chunk.
fn average(view: &View, mask: &ChunkMask, work: &mut Work) -> Result<f64, Spent> {
    let (mut total, mut population) = (0, f64::from(mask.count()));
    for segment in &view.segments {
        work.effort.spend(1)?;
        total += segment.length(mask);
    }
    if mutants::active("global_average_length") {
        total = view.segments.iter().map(|segment| segment.total_length()).sum();
        population = view.segments.iter().map(|segment| f64::from(segment.live)).sum();
    }
    Ok(total as f64 / population)
}

/// The postings of one form in one spelling.
struct Spelling {
    /// Which of the term's forms.
    form: usize,
    is_exact: bool,
    info: TermInfo,
}

/// All spellings of a term's forms in a segment, form by form.
fn spellings(segment: &Arc<SegmentView>, term: &QueryTerm) -> Result<Vec<Spelling>, IndexError> {
    let mut found = Vec::new();
    for (form, name) in term.forms.iter().enumerate() {
        phrase::each_spelling(segment, name, |spelling, info| {
            found.push(Spelling { form, is_exact: spelling == term.spelling.as_bytes(), info: info.clone() });
        })?;
    }
    Ok(found)
}

/// Reading the lists of one segment under the mask.
struct Reading<'a> {
    segment: &'a Arc<SegmentView>,
    mask: &'a ChunkMask,
    norms: &'a [f64],
    average: f64,
    /// All masked chunks, once they are needed.
    chunks: &'a mut Vec<u32>,
    members: &'a mut Vec<u32>,
    /// Whether `members` are those of this segment.
    sought: bool,
}

impl Reading<'_> {
    fn read(&mut self, term: &QueryTerm, list: &mut List, work: &mut Work) -> Result<(), IndexError> {
        list.documents.clear();
        list.weights.clear();
        list.next = 0;
        // A form's spellings are different words of the text; two forms of a term may be of the same one.
        let mut best: Vec<Count> = Vec::new();
        let spellings = spellings(self.segment, term)?;
        for forms in spellings.chunk_by(|a, b| a.form == b.form) {
            let mut counts = Vec::with_capacity(forms.len());
            for spelling in forms {
                counts.push(self.counts(spelling, work)?);
            }
            let counts = merged(counts, |a, b| a + b);
            best = if best.is_empty() { counts } else { merged(vec![best, counts], u32::max) };
        }
        for count in best {
            self.keep(list, count);
        }
        Ok(())
    }

    fn counts(&mut self, spelling: &Spelling, work: &mut Work) -> Result<Vec<Count>, IndexError> {
        let mut counts = Vec::new();
        let count = |document: u32, all: u32| Count { document, all, exact: if spelling.is_exact { all } else { 0 } };
        let (postings, info) = (&self.segment.postings, &spelling.info);
        if u64::from(self.mask.count()) * SEEK_COST < u64::from(info.doc_freq) {
            self.find_members();
            let postings = postings.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs);
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
                    counts.push(count(document, postings.term_freq()));
                }
            }
            return Ok(counts);
        }
        let postings = postings.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs);
        let mut postings = postings.map_err(TantivyError::from)?;
        work.postings_read += u64::from(info.doc_freq);
        loop {
            work.effort.spend(1)?;
            let documents = postings.docs();
            if documents.is_empty() {
                return Ok(counts);
            }
            for (&number, &frequency) in documents.iter().zip(postings.freqs()) {
                if self.mask.contains(self.segment.documents[number as usize].chunk) {
                    counts.push(count(number, frequency));
                }
            }
            postings.advance();
        }
    }

    #[inline(always)]
    fn keep(&self, list: &mut List, count: Count) {
        let length = self.segment.documents[count.document as usize].length;
        let norm = self.norms.get(length as usize).copied().unwrap_or_else(|| norm(length, self.average));
        let frequency = FORM * f64::from(count.all) + EXACT * f64::from(count.exact);
        list.documents.push(count.document);
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

/// One list of several that ascend; what stands in two is put together.
fn merged(mut lists: Vec<Vec<Count>>, together: fn(u32, u32) -> u32) -> Vec<Count> {
    let join = |last: &mut Count, next: Count| {
        last.all = together(last.all, next.all);
        last.exact = together(last.exact, next.exact);
    };
    if lists.len() > MERGED {
        let mut all = lists.concat();
        all.sort_by_key(|count| count.document);
        all.dedup_by(|next, last| {
            let is_same = next.document == last.document;
            if is_same {
                join(last, *next);
            }
            is_same
        });
        return all;
    }
    // The longest is walked last.
    lists.sort_by_key(Vec::len);
    let mut lists = lists.into_iter();
    let mut all = lists.next().unwrap_or_default();
    for list in lists {
        if all.is_empty() {
            all = list;
            continue;
        }
        let mut both = Vec::with_capacity(all.len() + list.len());
        let (mut one, mut other) = (all.into_iter().peekable(), list.into_iter().peekable());
        while let (Some(a), Some(b)) = (one.peek(), other.peek()) {
            let (a, b) = (*a, *b);
            if a.document <= b.document {
                one.next();
            }
            if b.document <= a.document {
                other.next();
            }
            if a.document == b.document {
                let mut count = a;
                join(&mut count, b);
                both.push(count);
            } else {
                both.push(if a.document < b.document { a } else { b });
            }
        }
        both.extend(one.chain(other));
        all = both;
    }
    all
}

/// Sums the terms of each document of a segment and offers the chunks, of `holders` only where that is given. `sums` is
/// all zeros before and after.
fn sum(
    segment: &SegmentView,
    lists: &mut [List],
    idf: &[f64],
    sums: &mut [f64],
    holders: Option<&[u32]>,
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
                let (document, score) = (start + at as u32, std::mem::take(&mut sums[at]));
                if holders.is_none_or(|holders| holders.binary_search(&document).is_ok()) {
                    best.push(segment.documents[document as usize].chunk, score);
                }
                work.chunks_scored += 1;
            }
        }
    }
}

/// How much rarer terms count more.
fn idf(population: f64, frequency: f64) -> f64 {
    (1.0 + (population - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// What the frequency is weighed against, for a chunk of this many words.
fn norm(length: u32, average: f64) -> f64 {
    K1 * (1.0 - B + B * f64::from(length) / average)
}
