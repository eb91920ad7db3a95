//! One search: the tiers, from all masked rows to the ranked list.
//!
//! Few readable rows: every vector is compared. More: all 8-bit codes, then vectors. Many: all 1-bit codes, then 8-bit
//! codes, then vectors. The tier depends on the number of masked rows, each width on configuration and depth, and each
//! stage hands on a set that no order of scanning can change; the last stage scores in f64 what can be in the list.
#![allow(clippy::indexing_slicing, reason = "inner loops over arrays of one length")]

use std::sync::Arc;

use simsimd::SpatialSimilarity;

use super::codes::{CodedQuery, Coder};
use super::helpers::{Helpers, Units};
use super::raw::{self, Kernel, SignRecords};
use super::segment::{SEGMENT_ROWS, Segment, SegmentFile};
use super::{ScanConfig, State};
use crate::depth::PerDocument;
use crate::mask::Bits;
use crate::rank::{Best, Bins};
use crate::{ChunkMask, Depth, KeyOf, Scored, Work};
use usher_base::effort::{Effort, Spent};

/// Words of the mask per unit of work: 16,384 rows, always of one segment.
const WORDS_PER_UNIT: usize = 256;
/// Rows per unit of a later stage.
const ROWS_PER_UNIT: usize = 512;
/// Rows per call of a kernel.
const BATCH: usize = 1024;
/// How many rows ahead records are loaded.
const AHEAD: usize = 4;
/// A stage asks for one helper per so many rows: below, waking one costs more than it saves.
const SIGN_ROWS_PER_THREAD: usize = 60_000;
const BYTE_ROWS_PER_THREAD: usize = 3_000;
/// Two dot products of unit vectors in f32 and in f64 differ by less: n * 2^-24 * |a| |b| for n products in any order
/// (Higham 2002, section 3.1), with room for the length tolerance.
const F32_ERROR_PER_DIMENSION: f64 = 1.1 / 16_777_216.0;

/// One query over one state; shared with the helpers.
pub(super) struct Search {
    pub(super) state: Arc<State>,
    pub(super) kernel: Kernel,
    pub(super) helpers: Helpers,
    pub(super) config: ScanConfig,
    pub(super) effort: Effort,
}

impl Search {
    /// All masked rows must exist and be intact.
    pub(super) fn run(
        self,
        coder: &Coder,
        query: &[f32],
        mask: &ChunkMask,
        depth: &Depth,
        key: KeyOf<'_>,
        work: &mut Work,
    ) -> Result<Vec<Scored>, Spent> {
        let config = &self.config;
        let depth = depth.at_most(mask.count() as usize);
        if depth.chunks == 0 {
            return Ok(Vec::new());
        }
        work.mask_words += mask.words().len() as u64;
        let byte_width = config.byte_width.max(config.byte_width_per_depth.saturating_mul(depth.chunks));
        let sign_width =
            config.sign_width.max(config.sign_width_per_depth.saturating_mul(depth.chunks)).max(byte_width);
        if mask.count() <= config.exact_up_to {
            let all: Vec<u32> = mask.iter().collect();
            work.vectors_scored += all.len() as u64;
            return Ok(self.by_vectors(query, &all, &depth)?.ranked(key));
        }
        let coded = Arc::new(coder.query(query));
        let search = Arc::new(self);
        // Whole bins know no documents: a long one could fill them.
        let rows = if mask.count() <= search.config.bytes_up_to || depth.per_document.is_some() {
            mask.iter().collect()
        } else {
            work.codes_scanned += u64::from(mask.count());
            search.by_signs(&coded, mask, sign_width)?
        };
        work.bytes_scanned += rows.len() as u64;
        let wider = |limit: PerDocument| {
            let held = limit.held.saturating_mul(search.config.byte_width_per_depth.max(1));
            PerDocument { held, ..limit }
        };
        let width = Depth { chunks: byte_width, per_document: depth.per_document.clone().map(wider) };
        let candidates = search.by_bytes(&coded, rows, &width)?;
        work.vectors_scored += candidates.len() as u64;
        Ok(search.by_vectors(query, &candidates, &depth)?.ranked(key))
    }

    /// The `width` masked rows with the highest estimates from 1-bit codes, and all in the last one's bin.
    fn by_signs(self: &Arc<Self>, coded: &Arc<CodedQuery>, mask: &ChunkMask, width: usize) -> Result<Vec<u32>, Spent> {
        let units = mask.words().len().div_ceil(WORDS_PER_UNIT);
        let helpers = (mask.count() as usize / SIGN_ROWS_PER_THREAD).min(self.helpers.threads());
        if helpers == 0 {
            let mut all = 0..units;
            let found = self.scan_units(coded, mask.words(), || all.next(), width);
            return self.effort.spend(0).map(|()| Bins::survivors(vec![found]));
        }
        // Helpers may outlive this call by a moment, so they get a copy of the mask: 125 KB for a million chunks.
        let (search, coded, words) = (Arc::clone(self), Arc::clone(coded), mask.words().to_vec());
        let work = move |units: &Units| search.scan_units(&coded, &words, || units.take(), width);
        let found = self.helpers.run(helpers, units, work);
        self.effort.spend(0).map(|()| Bins::survivors(found))
    }

    /// Units as long as there may be more: what is found without the rest is thrown away.
    fn while_wanted(&self, unit: Option<usize>) -> Option<usize> {
        unit.filter(|_| self.effort.spend(1).is_ok())
    }

    fn scan_units(
        &self,
        coded: &CodedQuery,
        words: &[u64],
        mut next: impl FnMut() -> Option<usize>,
        width: usize,
    ) -> Bins {
        let mut bins = Bins::new(width);
        let mut batch = SignBatch::new();
        while let Some(unit) = self.while_wanted(next()) {
            let words = words.get(unit * WORDS_PER_UNIT..).unwrap_or_default();
            let words = &words[..words.len().min(WORDS_PER_UNIT)];
            self.scan_unit(coded, words, (unit * WORDS_PER_UNIT * 64) as u32, &mut batch, &mut bins);
        }
        bins
    }

    /// Offers the masked rows of one unit, which begins at row `first`.
    fn scan_unit(&self, coded: &CodedQuery, words: &[u64], first: u32, batch: &mut SignBatch, bins: &mut Bins) {
        let Some(segment) = self.state.segments.get((first / SEGMENT_ROWS) as usize) else { return };
        for (at, &word) in words.iter().enumerate() {
            let base = (first + at as u32 * 64) % SEGMENT_ROWS;
            if word == u64::MAX {
                batch.rows[batch.len..batch.len + 64].iter_mut().zip(base..).for_each(|(place, row)| *place = row);
                batch.len += 64;
            } else {
                for bit in Bits(word) {
                    batch.rows[batch.len] = base + bit;
                    batch.len += 1;
                }
            }
            if batch.len > BATCH - 64 {
                self.scan_batch(coded, segment, first, batch, bins);
            }
        }
        self.scan_batch(coded, segment, first, batch, bins);
    }

    fn scan_batch(&self, coded: &CodedQuery, segment: &Segment, first: u32, batch: &mut SignBatch, bins: &mut Bins) {
        let layout = segment.layout;
        let records = SignRecords {
            bytes: segment.records(SegmentFile::Signs),
            stride: layout.stride(SegmentFile::Signs),
            words: layout.words,
        };
        let (rows, found) = (&batch.rows[..batch.len], &mut batch.bins[..batch.len]);
        let scanned = self.kernel.bins(records, segment.places(rows, &mut batch.places[..batch.len]), coded, found);
        debug_assert!(scanned);
        let segment_first = first - first % SEGMENT_ROWS;
        for (&row, &bin) in rows.iter().zip(found.iter()) {
            if bin >= bins.floor() {
                bins.push(bin, segment_first + row);
            }
        }
        batch.len = 0;
    }

    /// The rows with the highest estimates from 8-bit codes, and all that tie with the last.
    fn by_bytes(self: &Arc<Self>, coded: &Arc<CodedQuery>, rows: Vec<u32>, width: &Depth) -> Result<Vec<u32>, Spent> {
        if rows.len() <= width.chunks {
            return Ok(rows);
        }
        let helpers = (rows.len() / BYTE_ROWS_PER_THREAD).min(self.helpers.threads());
        let best = if helpers == 0 {
            let mut best = Best::new(width.clone());
            for rows in rows.chunks(ROWS_PER_UNIT) {
                self.effort.spend(1)?;
                self.offer_bytes(coded, rows, &mut best);
            }
            best
        } else {
            let (search, coded, units) = (Arc::clone(self), Arc::clone(coded), rows.len().div_ceil(ROWS_PER_UNIT));
            let each = width.clone();
            let work = move |units: &Units| {
                let mut best = Best::new(each.clone());
                while let Some(unit) = search.while_wanted(units.take()) {
                    let rows = rows.get(unit * ROWS_PER_UNIT..).unwrap_or_default();
                    search.offer_bytes(&coded, &rows[..rows.len().min(ROWS_PER_UNIT)], &mut best);
                }
                best
            };
            let parts = self.helpers.run(helpers, units, work);
            self.effort.spend(0)?;
            parts.into_iter().fold(Best::new(width.clone()), Best::and)
        };
        Ok(best.survivors().into_iter().map(|candidate| candidate.chunk).collect())
    }

    fn offer_bytes(&self, coded: &CodedQuery, rows: &[u32], best: &mut Best) {
        for (at, &row) in rows.iter().enumerate() {
            if let Some(&later) = rows.get(at + AHEAD) {
                raw::prefetch(self.segment(later).record(SegmentFile::Bytes, later % SEGMENT_ROWS));
            }
            let (code, scale) = self.segment(row).bytes(row % SEGMENT_ROWS);
            let product = i8::dot(&coded.bytes, code).unwrap_or(f64::NEG_INFINITY);
            best.push(row, coded.estimate(scale, product));
        }
    }

    /// Scores all candidates that can be in the list, in f64.
    fn by_vectors(&self, query: &[f32], candidates: &[u32], depth: &Depth) -> Result<Best, Spent> {
        // A first pass in f32 leaves those within twice its error bound of the last place: the others can't be in the
        // list, whatever the CPU's order of summing.
        let error = F32_ERROR_PER_DIMENSION * query.len() as f64;
        let mut rough: Vec<Scored> = Vec::with_capacity(candidates.len());
        for (at, &chunk) in candidates.iter().enumerate() {
            if at % ROWS_PER_UNIT == 0 {
                self.effort.spend(1)?;
            }
            if let Some(&later) = candidates.get(at + AHEAD) {
                raw::prefetch(self.segment(later).record(SegmentFile::Vectors, later % SEGMENT_ROWS));
            }
            let score = f32::dot(self.segment(chunk).vector(chunk % SEGMENT_ROWS), query);
            rough.push(Scored { chunk, score: score.unwrap_or(f64::NEG_INFINITY) });
        }
        // With a limit per document the worst of the list is not known so easily, and the candidates are few.
        if rough.len() > depth.chunks && depth.per_document.is_none() {
            let (_, last, _) = rough.select_nth_unstable_by(depth.chunks - 1, |a, b| b.score.total_cmp(&a.score));
            let floor = last.score - 2.0 * error;
            rough.retain(|candidate| candidate.score >= floor);
        }
        let mut best = Best::new(depth.clone());
        for group in rough.chunks(LANES) {
            let vectors = std::array::from_fn(|lane| {
                group.get(lane).map_or(&[][..], |found| self.segment(found.chunk).vector(found.chunk % SEGMENT_ROWS))
            });
            for (found, score) in group.iter().zip(exact_dots(query, vectors)) {
                best.push(found.chunk, score);
            }
        }
        Ok(best)
    }

    fn segment(&self, row: u32) -> &Segment {
        &self.state.segments[(row / SEGMENT_ROWS) as usize]
    }
}

/// Rows of one segment that wait for the kernel.
struct SignBatch {
    rows: [u32; BATCH],
    places: [u32; BATCH],
    bins: [u16; BATCH],
    len: usize,
}

impl SignBatch {
    fn new() -> Self {
        Self { rows: [0; BATCH], places: [0; BATCH], bins: [0; BATCH], len: 0 }
    }
}

/// Rows whose sums run side by side.
const LANES: usize = 4;

/// Dot products in f64, each summed in the order of the coordinates from 0.0 on: the product of two f32 is exact in f64,
/// so the result is the same on every machine.
fn exact_dots(query: &[f32], vectors: [&[f32]; LANES]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (at, &value) in query.iter().enumerate() {
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum += f64::from(value) * f64::from(vector.get(at).copied().unwrap_or(0.0));
        }
    }
    sums
}
