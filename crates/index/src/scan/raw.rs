//! The only unsafe code of the service: read-only memory maps, and kernels for instructions that not every CPU has.
//!
//! Every kernel has a portable form with the same integer result, so that an answer doesn't depend on the machine.
//! A map is sound only while nobody shortens the file: the store holds a lock on its folder and never shortens a file
//! that is mapped.
#![allow(unsafe_code, reason = "memory maps and CPU-specific instructions have no safe form")]
#![allow(clippy::indexing_slicing, reason = "inner loops; bounds are checked once per batch")]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

use super::codes::CodedQuery;

/// A file's first bytes, read-only.
#[derive(Debug)]
pub(super) struct Map(Mmap);

impl Map {
    /// Maps the first `bytes` of a file; the file must be at least so long and stay so.
    pub(super) fn new(file: &File, bytes: usize) -> io::Result<Self> {
        // SAFETY: the folder is locked against other processes, and this process never shortens a mapped file. Rows are
        // written through the file only at ordinals that no search is allowed to read yet, or that are damaged, or while
        // no search runs.
        let map = unsafe { MmapOptions::new().len(bytes).map(file)? };
        Ok(Self(map))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a record as numbers. Records begin at multiples of four in a page-aligned map.
pub(super) fn floats(bytes: &[u8]) -> &[f32] {
    // SAFETY: every bit pattern is a valid f32.
    let (before, floats, _) = unsafe { bytes.align_to::<f32>() };
    debug_assert!(before.is_empty());
    floats
}

pub(super) fn signed(bytes: &[u8]) -> &[i8] {
    // SAFETY: i8 and u8 have the same size, and every bit pattern is valid.
    unsafe { bytes.align_to::<i8>().1 }
}

/// Asks the CPU to load a record that is needed soon; records of a scattered mask defeat its own guessing.
#[inline(always)]
pub(super) fn prefetch(record: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in record.chunks(64) {
        // SAFETY: the address lies inside a live slice; a prefetch has no architectural effect.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = record;
}

/// How sign codes are compared on this machine; chosen once per store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Popcnt,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// How many rows ahead of the comparison sign codes are loaded: 64 was 10 % faster than 24, and without it a mask of half
/// of the chunks at random took twice as long as no mask.
#[cfg(target_arch = "x86_64")]
const SIGNS_AHEAD: usize = 64;

/// Records of one segment that begin with a sign code of `words` 64-bit words.
#[derive(Clone, Copy)]
pub(super) struct SignRecords<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) stride: usize,
    pub(super) words: usize,
}

impl Kernel {
    /// The fastest that this CPU can run.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("popcnt") {
                return Self::Popcnt;
            }
        }
        Self::Portable
    }

    /// All kernels that this CPU can run, for comparison.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        match Self::detect() {
            Self::Avx512 => return vec![Self::Portable, Self::Popcnt, Self::Avx512],
            Self::Popcnt => return vec![Self::Portable, Self::Popcnt],
            Self::Portable => {}
        }
        vec![Self::Portable]
    }

    /// The bin of each row's estimate; `out` is as long as `rows`.
    ///
    /// Returns whether all rows lie in the records and the planes have `words` words; else nothing is written.
    pub(super) fn bins(self, records: SignRecords<'_>, rows: &[u32], query: &CodedQuery, out: &mut [u16]) -> bool {
        let SignRecords { bytes, stride, words } = records;
        let end = rows.iter().max().map_or(0, |&row| (row as usize + 1) * stride);
        let planes = query.planes.iter().all(|plane| plane.len() == words);
        if end > bytes.len() || stride < words * 8 + 4 || !planes || out.len() != rows.len() {
            return false;
        }
        match self {
            Self::Portable => portable(records, rows, query, out),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where the CPU has the instruction.
            Self::Popcnt => unsafe { popcnt(records, rows, query, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; that every record lies inside `bytes` was checked above.
            Self::Avx512 => unsafe {
                if words <= 8 {
                    avx512_short(records, rows, query, out);
                } else {
                    avx512_long(records, rows, query, out);
                }
            },
        }
        true
    }
}

impl SignRecords<'_> {
    /// The factor behind a row's signs.
    ///
    /// # Safety
    /// The row's record lies inside the bytes and has four bytes after its words.
    #[inline(always)]
    unsafe fn factor(&self, row: u32) -> f32 {
        // SAFETY: by the contract above; the read needs no alignment.
        unsafe { self.bytes.as_ptr().add(row as usize * self.stride + self.words * 8).cast::<f32>().read_unaligned() }
    }
}

#[inline(always)]
fn portable(records: SignRecords<'_>, rows: &[u32], query: &CodedQuery, out: &mut [u16]) {
    let [p0, p1, p2, p3] = &query.planes;
    for (&row, out) in rows.iter().zip(out) {
        let start = row as usize * records.stride;
        let (code, rest) = records.bytes[start..start + records.stride].split_at(records.words * 8);
        let mut sum = 0;
        for (at, word) in code.chunks_exact(8).enumerate() {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(word);
            let word = u64::from_le_bytes(bytes);
            sum += (word ^ p0[at]).count_ones()
                + ((word ^ p1[at]).count_ones() << 1)
                + ((word ^ p2[at]).count_ones() << 2)
                + ((word ^ p3[at]).count_ones() << 3);
        }
        let factor = rest.first_chunk().map_or(0.0, |bytes| f32::from_le_bytes(*bytes));
        *out = query.bin(factor, sum);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn popcnt(records: SignRecords<'_>, rows: &[u32], query: &CodedQuery, out: &mut [u16]) {
    portable(records, rows, query, out);
}

/// Up to 512 bits: one register per code. Four rows share one horizontal sum, in 16-bit lanes of each 64-bit lane (a
/// row's total is at most 15 * 512).
///
/// Every record of `rows` must lie inside `records.bytes`, each plane must have `records.words` words, and `out` must be
/// as long as `rows`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
unsafe fn avx512_short(records: SignRecords<'_>, rows: &[u32], query: &CodedQuery, out: &mut [u16]) {
    use std::arch::x86_64::*;
    let lanes: __mmask8 = ((1u32 << records.words) - 1) as u8;
    let [p0, p1, p2, p3] = &query.planes;
    // SAFETY: masked loads touch only the first `words` words of each plane, which it has.
    let (p0, p1, p2, p3) = unsafe {
        (
            _mm512_maskz_loadu_epi64(lanes, p0.as_ptr().cast()),
            _mm512_maskz_loadu_epi64(lanes, p1.as_ptr().cast()),
            _mm512_maskz_loadu_epi64(lanes, p2.as_ptr().cast()),
            _mm512_maskz_loadu_epi64(lanes, p3.as_ptr().cast()),
        )
    };
    let base = records.bytes.as_ptr();
    let weigh = |row: u32| {
        // SAFETY: the record lies inside the bytes, and the load touches its first `words` words only.
        let code = unsafe { _mm512_maskz_loadu_epi64(lanes, base.add(row as usize * records.stride).cast()) };
        let one = _mm512_popcnt_epi64(_mm512_xor_si512(code, p0));
        let two = _mm512_popcnt_epi64(_mm512_xor_si512(code, p1));
        let four = _mm512_popcnt_epi64(_mm512_xor_si512(code, p2));
        let eight = _mm512_popcnt_epi64(_mm512_xor_si512(code, p3));
        let low = _mm512_add_epi64(one, _mm512_slli_epi64::<1>(two));
        let high = _mm512_add_epi64(_mm512_slli_epi64::<2>(four), _mm512_slli_epi64::<3>(eight));
        _mm512_add_epi64(low, high)
    };
    // SAFETY: as for the code itself.
    let bin = |row: u32, sum: u64| query.bin(unsafe { records.factor(row) }, sum as u32);
    let mut fours = rows.chunks_exact(4);
    let mut outs = out.chunks_exact_mut(4);
    for (at, (four, out)) in (&mut fours).zip(&mut outs).enumerate() {
        for &later in rows.iter().skip(at * 4 + SIGNS_AHEAD).take(4) {
            // A record is shorter than a cache line and may lie across two.
            let record = base.wrapping_add(later as usize * records.stride);
            _mm_prefetch::<_MM_HINT_T0>(record.cast());
            _mm_prefetch::<_MM_HINT_T0>(record.wrapping_add(records.stride - 1).cast());
        }
        let (a, b) = (weigh(four[0]), _mm512_slli_epi64::<16>(weigh(four[1])));
        let (c, d) = (_mm512_slli_epi64::<32>(weigh(four[2])), _mm512_slli_epi64::<48>(weigh(four[3])));
        let both = _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
        let sums = _mm512_reduce_add_epi64(both) as u64;
        out[0] = bin(four[0], sums & 0xffff);
        out[1] = bin(four[1], sums >> 16 & 0xffff);
        out[2] = bin(four[2], sums >> 32 & 0xffff);
        out[3] = bin(four[3], sums >> 48);
    }
    for (&row, out) in fours.remainder().iter().zip(outs.into_remainder()) {
        *out = bin(row, _mm512_reduce_add_epi64(weigh(row)) as u64);
    }
}

/// Any number of words.
///
/// Every record of `rows` must lie inside `records.bytes`, each plane must have `records.words` words, and `out` must be
/// as long as `rows`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
unsafe fn avx512_long(records: SignRecords<'_>, rows: &[u32], query: &CodedQuery, out: &mut [u16]) {
    use std::arch::x86_64::*;
    for (&row, out) in rows.iter().zip(out) {
        let mut sum = _mm512_setzero_si512();
        let mut at = 0;
        while at < records.words {
            let left = (records.words - at).min(8);
            let lanes: __mmask8 = ((1u32 << left) - 1) as u8;
            // SAFETY: `at + left <= words`: the masked loads stay inside the record and inside each plane.
            unsafe {
                let record = records.bytes.as_ptr().add(row as usize * records.stride).cast::<i64>();
                let code = _mm512_maskz_loadu_epi64(lanes, record.add(at));
                for (weight, plane) in query.planes.iter().enumerate() {
                    let plane = _mm512_maskz_loadu_epi64(lanes, plane.as_ptr().cast::<i64>().add(at));
                    let differs = _mm512_popcnt_epi64(_mm512_xor_si512(code, plane));
                    sum = _mm512_add_epi64(sum, _mm512_sll_epi64(differs, _mm_cvtsi64_si128(weight as i64)));
                }
            }
            at += left;
        }
        // SAFETY: the record lies inside the bytes.
        *out = query.bin(unsafe { records.factor(row) }, _mm512_reduce_add_epi64(sum) as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::codes::Coder;
    use super::*;

    #[test]
    fn all_kernels_agree() {
        for words in [1, 2, 6, 7, 8, 9, 12, 16, 24] {
            let stride = words * 8 + 8;
            let mut state = 1u64;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state ^ state >> 29
            };
            let mut bytes: Vec<u8> = (0..stride * 40).map(|_| next() as u8).collect();
            let mut query = Coder::new(words * 64).query(&vec![1.0; words * 64]);
            query.planes = std::array::from_fn(|_| (0..words).map(|_| next()).collect());
            for factor in bytes.chunks_exact_mut(stride).map(|record| &mut record[words * 8..words * 8 + 4]) {
                factor.copy_from_slice(&(0.1 / words as f32).to_le_bytes());
            }
            let records = SignRecords { bytes: &bytes, stride, words };
            let rows = [0, 1, 2, 3, 5, 8, 13, 21, 34, 39];
            let (mut expected, mut out) = ([0; 10], [0; 10]);
            assert!(Kernel::Portable.bins(records, &rows, &query, &mut expected));
            assert!(expected.iter().any(|bin| *bin != expected[0]), "{expected:?}");
            for kernel in Kernel::all() {
                assert!(kernel.bins(records, &rows, &query, &mut out));
                assert_eq!(out, expected, "{kernel:?}, {words} words");
            }
            assert!(!Kernel::detect().bins(records, &[40], &query, &mut out[..1]), "a row beyond the records");
        }
    }
}
