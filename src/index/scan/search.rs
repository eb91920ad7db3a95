//! One search: the tiers, from all masked rows to the ranked list.
//!
//! Few readable rows: every vector is compared. More: all 8-bit codes, then vectors. Many: all 1-bit codes, then 8-bit
//! codes, then vectors. The tier depends on the number of masked rows, each width on configuration and depth, and each
//! stage hands on a set that no order of scanning can change; the last stage scores in f64 what can be in the list.
#![allow(clippy::indexing_slicing, reason = "inner loops over arrays of one length")]

use std::sync::atomic::{AtomicUsize, Ordering};

use simsimd::SpatialSimilarity;

use super::codes::CodedQuery;
use super::raw::{self, SignRecords};
use super::segment::{Kind, SEGMENT_ROWS, Segment};
use super::{MaskedScan, State};
use crate::index::mask::Bits;
use crate::index::rank::{Best, Bins};
use crate::index::{ChunkMask, KeyOf, Scored, Work};

/// Words of the mask per unit of work: 16,384 rows, always of one segment.
const WORDS_PER_UNIT: usize = 256;
/// Rows per call of a kernel.
const BATCH: usize = 256;
/// How many rows ahead records are loaded.
const AHEAD: usize = 4;
/// Below this many rows of a stage a second thread costs more than it saves.
const SIGN_ROWS_PER_THREAD: usize = 20_000;
const BYTE_ROWS_PER_THREAD: usize = 1_500;
const VECTOR_ROWS_PER_THREAD: usize = 400;
/// Two dot products of unit vectors in f32 and in f64 differ by less: n * 2^-24 * |a| |b| for n products in any order
/// (Higham 2002, section 3.1), with room for the length tolerance.
const F32_ERROR_PER_DIMENSION: f64 = 1.1 / 16_777_216.0;

pub(super) struct Search<'a> {
    store: &'a MaskedScan,
    state: &'a State,
    threads: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(store: &'a MaskedScan, state: &'a State, threads: usize) -> Self {
        Self { store, state, threads }
    }

    /// All masked rows must exist and be intact.
    pub(super) fn run(
        &self,
        query: &[f32],
        mask: &ChunkMask,
        depth: usize,
        key: KeyOf<'_>,
        work: &mut Work,
    ) -> Vec<Scored> {
        let config = &self.store.config;
        let depth = depth.min(mask.count() as usize);
        if depth == 0 {
            return Vec::new();
        }
        work.mask_words += mask.words().len() as u64;
        let byte_width = config.byte_width.max(config.byte_width_per_depth.saturating_mul(depth));
        let sign_width = config.sign_width.max(config.sign_width_per_depth.saturating_mul(depth)).max(byte_width);
        let candidates = if mask.count() <= config.exact_up_to {
            mask.iter().collect()
        } else {
            let coded = self.store.coder.query(query);
            let rows = if mask.count() <= config.bytes_up_to {
                mask.iter().collect()
            } else {
                work.codes_scanned += u64::from(mask.count());
                self.by_signs(&coded, mask, sign_width)
            };
            work.bytes_scanned += rows.len() as u64;
            self.by_bytes(&coded, &rows, byte_width)
        };
        work.vectors_scored += candidates.len() as u64;
        self.by_vectors(query, &candidates, depth).ranked(key)
    }

    /// The `width` masked rows with the highest estimates from 1-bit codes, and all in the last one's bin.
    fn by_signs(&self, coded: &CodedQuery, mask: &ChunkMask, width: usize) -> Vec<u32> {
        let units = mask.words().len().div_ceil(WORDS_PER_UNIT);
        let threads = self.threads.min(mask.count() as usize / SIGN_ROWS_PER_THREAD + 1).min(units.max(1));
        let next = AtomicUsize::new(0);
        let parts = parallel(threads, |_| {
            let mut bins = Bins::new(width);
            let mut batch = SignBatch::default();
            loop {
                let unit = next.fetch_add(1, Ordering::Relaxed);
                let Some(words) = mask.words().get(unit * WORDS_PER_UNIT..) else { break };
                let words = &words[..words.len().min(WORDS_PER_UNIT)];
                self.scan_unit(coded, words, (unit * WORDS_PER_UNIT * 64) as u32, &mut batch, &mut bins);
            }
            bins
        });
        Bins::survivors(parts)
    }

    /// Offers the masked rows of one unit, which begins at row `first`.
    fn scan_unit(&self, coded: &CodedQuery, words: &[u64], first: u32, batch: &mut SignBatch, bins: &mut Bins) {
        let Some(segment) = self.state.segments.get((first / SEGMENT_ROWS) as usize) else { return };
        for (at, &word) in words.iter().enumerate() {
            let base = (first + at as u32 * 64) % SEGMENT_ROWS;
            if word == u64::MAX {
                batch.rows.extend(base..base + 64);
            } else {
                batch.rows.extend(Bits(word).map(|bit| base + bit));
            }
            if batch.rows.len() > BATCH - 64 {
                self.scan_batch(coded, segment, first, batch, bins);
            }
        }
        self.scan_batch(coded, segment, first, batch, bins);
    }

    #[inline]
    fn scan_batch(&self, coded: &CodedQuery, segment: &Segment, first: u32, batch: &mut SignBatch, bins: &mut Bins) {
        let SignBatch { rows, differences } = batch;
        let layout = segment.layout;
        let records = SignRecords {
            bytes: segment.records(Kind::Signs),
            stride: layout.stride(Kind::Signs),
            words: layout.words,
        };
        self.store.kernel.differences(records, rows, &coded.planes, differences);
        let segment_first = first - first % SEGMENT_ROWS;
        for (&row, &difference) in rows.iter().zip(differences.iter()) {
            let bin = coded.bin(segment.factor(row), difference);
            if bin >= bins.floor() {
                bins.push(bin, segment_first + row);
            }
        }
        rows.clear();
    }

    /// The `width` rows with the highest estimates from 8-bit codes, and all that tie with the last.
    fn by_bytes(&self, coded: &CodedQuery, rows: &[u32], width: usize) -> Vec<u32> {
        if rows.len() <= width {
            return rows.to_vec();
        }
        let best = self.best_of(rows, width, BYTE_ROWS_PER_THREAD, |rows, best| {
            for (at, &row) in rows.iter().enumerate() {
                if let Some(&later) = rows.get(at + AHEAD) {
                    raw::prefetch(self.segment(later).record(Kind::Bytes, later % SEGMENT_ROWS));
                }
                let (code, scale) = self.segment(row).bytes(row % SEGMENT_ROWS);
                let product = i8::dot(&coded.bytes, code).unwrap_or(f64::NEG_INFINITY);
                best.push(row, coded.estimate(scale, product));
            }
        });
        best.survivors().into_iter().map(|candidate| candidate.chunk).collect()
    }

    /// Scores all candidates that can be among the best `depth`, in f64.
    fn by_vectors(&self, query: &[f32], candidates: &[u32], depth: usize) -> Best {
        // A first pass in f32 leaves those within twice its error bound of the last place: the others can't be in the
        // list, whatever the CPU's order of summing.
        let error = F32_ERROR_PER_DIMENSION * query.len() as f64;
        let mut rough: Vec<Scored> = Vec::with_capacity(candidates.len());
        let parts = self.split(candidates, VECTOR_ROWS_PER_THREAD, |rows| {
            let mut scores = Vec::with_capacity(rows.len());
            for (at, &chunk) in rows.iter().enumerate() {
                if let Some(&later) = rows.get(at + AHEAD) {
                    raw::prefetch(self.segment(later).record(Kind::Vectors, later % SEGMENT_ROWS));
                }
                let score = f32::dot(self.segment(chunk).vector(chunk % SEGMENT_ROWS), query);
                scores.push(Scored { chunk, score: score.unwrap_or(f64::NEG_INFINITY) });
            }
            scores
        });
        parts.into_iter().for_each(|part| rough.extend(part));
        if rough.len() > depth {
            let (_, last, _) = rough.select_nth_unstable_by(depth - 1, |a, b| b.score.total_cmp(&a.score));
            let floor = last.score - 2.0 * error;
            rough.retain(|candidate| candidate.score >= floor);
        }
        let mut best = Best::new(depth);
        for group in rough.chunks(LANES) {
            let vectors = std::array::from_fn(|lane| {
                group.get(lane).map_or(&[][..], |found| self.segment(found.chunk).vector(found.chunk % SEGMENT_ROWS))
            });
            for (found, score) in group.iter().zip(exact_dots(query, vectors)) {
                best.push(found.chunk, score);
            }
        }
        best
    }

    fn segment(&self, row: u32) -> &Segment {
        &self.state.segments[(row / SEGMENT_ROWS) as usize]
    }

    fn best_of(
        &self,
        rows: &[u32],
        depth: usize,
        rows_per_thread: usize,
        offer: impl Fn(&[u32], &mut Best) + Sync,
    ) -> Best {
        let parts = self.split(rows, rows_per_thread, |rows| {
            let mut best = Best::new(depth);
            offer(rows, &mut best);
            best
        });
        parts
            .into_iter()
            .reduce(|mut all, part| {
                all.absorb(part);
                all
            })
            .unwrap_or_else(|| Best::new(depth))
    }

    /// Runs `work` over equal parts of the rows, on as many threads as are worth it; results in the order of the rows.
    fn split<T: Send>(&self, rows: &[u32], rows_per_thread: usize, work: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        let threads = self.threads.min(rows.len() / rows_per_thread + 1);
        let share = rows.len().div_ceil(threads).max(1);
        parallel(threads, |part| work(rows.get(part * share..).map_or(&[], |rest| &rest[..rest.len().min(share)])))
    }
}

#[derive(Default)]
struct SignBatch {
    rows: Vec<u32>,
    differences: Vec<u32>,
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

/// Calls `work` with 0, 1, …, on that many threads of which this is one.
fn parallel<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if threads <= 1 {
        return vec![work(0)];
    }
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads)
            .map(|part| {
                let work = &work;
                scope.spawn(move || work(part))
            })
            .collect();
        let mut results = vec![work(0)];
        for helper in helpers {
            results.push(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}
