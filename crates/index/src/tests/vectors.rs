//! The acceptance suite of [`VectorStore`], run for the masked scan in each of its tiers and for Qdrant.
//!
//! Exceptions for Qdrant, with their reasons:
//! - scores are compared within [`TOLERANCE`]: it adds up 32-bit products in an order of its own;
//! - among equal scores at the end of a list any may stand there: it knows no chunk keys;
//! - erased rows are gone rather than zero, and a vector can't be read back: the catalog keeps both;
//! - rows come in any order and are not validated again: the catalog has given ordinals and checked vectors before;
//! - damage, locks and reopening are the server's own business; being behind, foreign or missing is tested in `qdrant`.

use tempfile::TempDir;

use super::qdrant::Remote;
use super::world::{Clustered, by_document, document, key, mask, normalise};
use crate::scan::{Helpers, MaskedScan, ScanConfig};
use crate::{ChunkMask, Depth, IndexError, Scored, VectorStore, Work};
use usher_support::Random;

const DIMENSIONS: usize = 96;

/// Configurations that force each tier at the sizes of these tests, and one that is the default.
fn tiers() -> [(&'static str, ScanConfig); 4] {
    let base = ScanConfig { helpers: Helpers::new(1), ..ScanConfig::default() };
    [
        ("exact", ScanConfig { exact_up_to: u32::MAX, ..base.clone() }),
        ("bytes", ScanConfig { exact_up_to: 0, bytes_up_to: u32::MAX, ..base.clone() }),
        (
            "signs",
            ScanConfig { exact_up_to: 0, bytes_up_to: 0, sign_width: 600, sign_width_per_depth: 10, ..base.clone() },
        ),
        ("default", base),
    ]
}

/// How far a score of another engine may be off.
const TOLERANCE: f64 = 1e-5;

/// What the suite runs on.
struct Implementation {
    name: String,
    store: Box<dyn VectorStore>,
    _folder: Option<TempDir>,
    /// Lists are the same, bit for bit.
    is_exact: bool,
}

/// Every implementation, filled with these rows.
fn implementations(rows: &[f32], dimensions: usize) -> Vec<Implementation> {
    let mut all = Vec::new();
    for (name, config) in tiers() {
        let folder = tempfile::tempdir().unwrap();
        let store = MaskedScan::open(folder.path(), dimensions, 0, config, &usher_base::progress::Progress::default())
            .unwrap()
            .store;
        store.append(0, rows).unwrap();
        let (name, store) = (name.to_owned(), Box::new(store));
        all.push(Implementation { name, store, _folder: Some(folder), is_exact: true });
    }
    if let Some(url) = super::qdrant::url() {
        let store = super::qdrant::Remote::make(&url, dimensions);
        store.append(0, rows).unwrap();
        all.push(Implementation { name: "qdrant".into(), store: Box::new(store), _folder: None, is_exact: false });
    }
    all
}

impl Implementation {
    fn compare(&self, found: &[Scored], expected: &[Scored], what: &str) {
        if self.is_exact {
            assert_eq!(found, expected, "{}: {what}", self.name);
        } else {
            alike(found, expected, &format!("{}: {what}", self.name));
        }
    }
}

/// Lists with the same scores, rank by rank.
pub fn alike(found: &[Scored], expected: &[Scored], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (one, other) in found.iter().zip(expected) {
        assert!((one.score - other.score).abs() < TOLERANCE, "{what}: {one:?} {other:?}");
    }
    let mut chunks: Vec<u32> = found.iter().map(|hit| hit.chunk).collect();
    chunks.sort_unstable();
    chunks.dedup();
    assert_eq!(chunks.len(), found.len(), "{what}: a chunk twice");
}

fn scan(config: &ScanConfig, rows: &[f32]) -> (TempDir, MaskedScan) {
    let folder = tempfile::tempdir().unwrap();
    let opened =
        MaskedScan::open(folder.path(), DIMENSIONS, 0, config.clone(), &usher_base::progress::Progress::default())
            .unwrap();
    opened.store.append(0, rows).unwrap();
    (folder, opened.store)
}

/// The definition: every masked row, f64, (score descending, key ascending).
pub fn brute_force(
    rows: &[f32],
    dimensions: usize,
    query: &[f32],
    mask: &ChunkMask,
    depth: usize,
    key: impl Fn(u32) -> [u8; 16],
) -> Vec<Scored> {
    let mut all: Vec<Scored> = mask
        .iter()
        .map(|chunk| {
            let row = &rows[chunk as usize * dimensions..][..dimensions];
            let mut score = 0.0;
            for (a, b) in row.iter().zip(query) {
                score += f64::from(*a) * f64::from(*b);
            }
            Scored { chunk, score }
        })
        .collect();
    all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then_with(|| key(a.chunk).cmp(&key(b.chunk))));
    all.truncate(depth);
    all
}

fn search(store: &dyn VectorStore, query: &[f32], mask: &ChunkMask, depth: usize) -> Vec<Scored> {
    store.search(query, mask, &depth.into(), &key, &mut Work::default()).unwrap()
}

/// A list with a limit per document is that of brute force in every tier, and a long document leaves room for others.
#[test]
fn of_each_document_so_many_count() {
    let mut world = Clustered::new(11, DIMENSIONS, 40);
    let rows = world.rows(6_000);
    let mut random = Random::new(12);
    for one in implementations(&rows, DIMENSIONS) {
        for (share, run) in [(1.0, 1), (0.5, 200), (0.1, 1), (0.002, 1)] {
            let mask = mask(&mut random, 6_000, share, run);
            for (depth, most) in [(1, 1), (10, 1), (100, 1), (100, 3), (100, 99), (20, 40)] {
                // Near a long document.
                let at = random.below(1_800usize) * DIMENSIONS;
                let query = &rows[at..at + DIMENSIONS];
                let all = brute_force(&rows, DIMENSIONS, query, &mask, usize::MAX, key);
                let expected = by_document(&all, depth, most);
                let limit = Depth::by_document(depth, most, std::sync::Arc::new(document));
                let found = one.store.search(query, &mask, &limit, &key, &mut Work::default()).unwrap();
                let expected = if most < depth { &expected } else { &all[..depth.min(all.len())] };
                one.compare(&found, expected, &format!("{share} of chunks, {most} of a document, depth {depth}"));
            }
        }
    }
}

#[test]
fn every_tier_equals_brute_force() {
    let mut world = Clustered::new(1, DIMENSIONS, 40);
    let rows = world.rows(6_000);
    let mut random = Random::new(2);
    for one in implementations(&rows, DIMENSIONS) {
        let (name, store) = (&one.name, &*one.store);
        let (mut found, mut wanted) = (0, 0);
        for (share, run) in [(1.0, 1), (0.5, 1), (0.5, 200), (0.1, 1), (0.1, 50), (0.01, 1), (0.001, 1), (0.0, 1)] {
            let mask = mask(&mut random, 6_000, share, run);
            for depth in [1, 10, 100] {
                let query = world.query(&rows);
                let expected = brute_force(&rows, DIMENSIONS, &query, &mask, depth, key);
                let answer = search(store, &query, &mask, depth);
                assert_eq!(answer.len(), expected.len(), "{name}: {share} of chunks, depth {depth}");
                assert!(answer.iter().all(|hit| mask.contains(hit.chunk)));
                if name != "signs" {
                    one.compare(&answer, &expected, &format!("{share} of chunks, depth {depth}"));
                }
                wanted += expected.len();
                found += expected.iter().filter(|hit| answer.iter().any(|other| other.chunk == hit.chunk)).count();
            }
        }
        let recall = found as f64 / wanted as f64;
        println!("{name}: recall {recall:.4} of {wanted}");
        assert!(recall >= 0.99, "{name}: {recall}");
    }
}

#[test]
fn hidden_rows_change_nothing() {
    // World A holds the readable rows alone; world B has hidden ones between them, perfect answers among them.
    let mut world = Clustered::new(3, DIMENSIONS, 30);
    let readable = world.rows(3_000);
    let mut random = Random::new(4);
    let queries: Vec<Vec<f32>> = (0..12).map(|_| world.query(&readable)).collect();
    let (mut mixed, mut places) = (Vec::new(), Vec::new());
    for row in readable.chunks_exact(DIMENSIONS) {
        for _ in 0..random.below(4) {
            let hidden = if random.below(3) == 0 { queries[random.below(12) as usize].clone() } else { world.chunk() };
            mixed.extend(hidden);
        }
        places.push((mixed.len() / DIMENSIONS) as u32);
        mixed.extend_from_slice(row);
    }
    let total = (mixed.len() / DIMENSIONS) as u32;
    let mut seen = ChunkMask::new(total);
    places.iter().for_each(|&place| seen.set(place));
    let original = |place: u32| places.binary_search(&place).unwrap() as u32;
    for (name, mut config) in tiers() {
        let (_a, alone) = scan(&config, &readable);
        config.helpers = Helpers::new(3);
        let (_b, among) = scan(&config, &mixed);
        for query in &queries {
            for depth in [5, 60] {
                let expected = search(&alone, query, &ChunkMask::full(3_000), depth);
                let answer =
                    among.search(query, &seen, &depth.into(), &|place| key(original(place)), &mut Work::default());
                let answer: Vec<(u32, u64)> =
                    answer.unwrap().iter().map(|hit| (original(hit.chunk), hit.score.to_bits())).collect();
                let expected: Vec<(u32, u64)> = expected.iter().map(|hit| (hit.chunk, hit.score.to_bits())).collect();
                assert_eq!(answer, expected, "{name}, depth {depth}");
            }
        }
    }
    if let Some(url) = super::qdrant::url() {
        let (alone, among) = (Remote::make(&url, DIMENSIONS), Remote::make(&url, DIMENSIONS));
        alone.append(0, &readable).unwrap();
        among.append(0, &mixed).unwrap();
        for query in &queries {
            let expected = search(&alone, query, &ChunkMask::full(3_000), 60);
            let mut answer = search(&among, query, &seen, 60);
            answer.iter_mut().for_each(|hit| hit.chunk = original(hit.chunk));
            alike(&answer, &expected, "qdrant");
        }
    }
}

#[test]
fn equal_vectors_are_ordered_by_key_at_every_boundary() {
    let mut world = Clustered::new(5, DIMENSIONS, 3);
    let distinct = world.rows(4);
    // 2,000 rows of four vectors only, and some zeros: all boundaries fall inside ties.
    let mut random = Random::new(6);
    let mut rows = Vec::new();
    for _ in 0..2_000 {
        match random.below(5) as usize {
            4 => rows.extend([0.0; DIMENSIONS]),
            pick => rows.extend_from_slice(&distinct[pick * DIMENSIONS..][..DIMENSIONS]),
        }
    }
    for one in implementations(&rows, DIMENSIONS) {
        for depth in [1, 7, 450, 1_999, 2_000, 3_000] {
            let (query, mask) = (world.query(&distinct), mask(&mut random, 2_000, 0.9, 3));
            let expected = brute_force(&rows, DIMENSIONS, &query, &mask, depth, key);
            one.compare(&search(&*one.store, &query, &mask, depth), &expected, &format!("depth {depth}"));
        }
        let zero = [0.0; DIMENSIONS];
        let full = ChunkMask::full(2_000);
        let expected = brute_force(&rows, DIMENSIONS, &zero, &full, 9, key);
        one.compare(&search(&*one.store, &zero, &full, 9), &expected, "zero");
    }
}

#[test]
fn appended_rows_are_found_and_survive_reopening() {
    let mut world = Clustered::new(7, DIMENSIONS, 10);
    let rows = world.rows(70_000);
    let folder = tempfile::tempdir().unwrap();
    let open = |expected| {
        MaskedScan::open(
            folder.path(),
            DIMENSIONS,
            expected,
            ScanConfig::default(),
            &usher_base::progress::Progress::default(),
        )
        .unwrap()
    };
    let store = open(0).store;
    let (mut done, mut step) = (0usize, 1usize);
    while done < 70_000 {
        let end = (done + step).min(70_000);
        store.append(done as u32, &rows[done * DIMENSIONS..end * DIMENSIONS]).unwrap();
        assert_eq!(store.len(), end as u32);
        let mut last = ChunkMask::new(end as u32);
        last.set(end as u32 - 1);
        let query = &rows[(end - 1) * DIMENSIONS..end * DIMENSIONS];
        assert_eq!(search(&store, query, &last, 3)[0].chunk, end as u32 - 1);
        (done, step) = (end, step * 3);
    }
    // Rows that the catalog never committed are written again.
    store.append(69_000, &rows[69_000 * DIMENSIONS..69_500 * DIMENSIONS]).unwrap();
    assert_eq!(store.len(), 69_500);
    let query = world.query(&rows);
    let full = ChunkMask::full(69_500);
    let before = search(&store, &query, &full, 20);
    drop(store);
    let again = open(69_500);
    assert_eq!(again.damaged, []);
    assert_eq!(search(&again.store, &query, &full, 20), before);
    assert_eq!(again.store.row(69_499).unwrap(), rows[69_499 * DIMENSIONS..69_500 * DIMENSIONS]);
}

#[test]
fn erased_rows_are_never_found_again() {
    let mut world = Clustered::new(12, DIMENSIONS, 10);
    let rows = world.rows(3_000);
    let mut left = ChunkMask::full(3_000);
    left.clear_range(100..2_500);
    for one in implementations(&rows, DIMENSIONS) {
        one.store.erase(100..2_500).unwrap();
        let query = world.query(&rows);
        let expected = brute_force(&rows, DIMENSIONS, &query, &left, 50, key);
        one.compare(&search(&*one.store, &query, &left, 50), &expected, "after an erasure");
    }
}

#[test]
fn erased_rows_are_zero_and_keep_their_ordinals() {
    let mut world = Clustered::new(8, DIMENSIONS, 10);
    let rows = world.rows(3_000);
    let (_folder, store) = scan(&ScanConfig::default(), &rows);
    store.erase(100..2_500).unwrap();
    assert_eq!(store.len(), 3_000);
    assert!(store.row(100).unwrap().iter().all(|value| *value == 0.0));
    assert_eq!(store.row(2_500).unwrap(), rows[2_500 * DIMENSIONS..2_501 * DIMENSIONS]);
    let mut all = rows.clone();
    all[100 * DIMENSIONS..2_500 * DIMENSIONS].fill(0.0);
    let (query, full) = (world.query(&rows), ChunkMask::full(3_000));
    assert_eq!(search(&store, &query, &full, 50), brute_force(&all, DIMENSIONS, &query, &full, 50, key));
    assert!(matches!(store.erase(2_999..3_001), Err(IndexError::BeyondEnd { chunk: 3_000, len: 3_000 })));
}

#[test]
fn wrong_input_is_refused_by_name() {
    let mut world = Clustered::new(9, DIMENSIONS, 2);
    let rows = world.rows(10);
    let (folder, store) = scan(&ScanConfig::default(), &rows);
    let query = world.query(&rows);
    let with = |at: usize, value: f32| {
        let mut changed = query.clone();
        changed[at] = value;
        changed
    };
    let ten = ChunkMask::full(10);
    let ask = |query: &[f32], mask: &ChunkMask| store.search(query, mask, &3.into(), &key, &mut Work::default());
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(ask(&with(5, bad), &ten), Err(IndexError::NotFinite { position: 0 })));
        assert!(matches!(store.append(10, &with(95, bad)), Err(IndexError::NotFinite { position: 0 })));
    }
    assert!(matches!(ask(&with(0, 2.0), &ten), Err(IndexError::NotNormalised { position: 0 })));
    assert!(matches!(ask(&with(0, f32::MAX), &ten), Err(IndexError::NotNormalised { .. })));
    assert!(matches!(ask(&query[1..], &ten), Err(IndexError::Dimensions { expected: DIMENSIONS, found: 95 })));
    assert!(matches!(ask(&query, &ChunkMask::full(11)), Err(IndexError::BeyondEnd { chunk: 10, len: 10 })));
    assert!(matches!(store.append(10, &query[1..]), Err(IndexError::Dimensions { .. })));
    assert!(matches!(store.append(11, &query), Err(IndexError::Gap { first: 11, len: 10 })));
    assert!(matches!(store.row(10), Err(IndexError::BeyondEnd { chunk: 10, len: 10 })));
    assert!(matches!(
        MaskedScan::open(
            folder.path(),
            DIMENSIONS,
            10,
            ScanConfig::default(),
            &usher_base::progress::Progress::default()
        ),
        Err(IndexError::Locked { .. })
    ));
    assert_eq!(ask(&query, &ChunkMask::new(0)).unwrap(), []);
    assert_eq!(ask(&query, &ChunkMask::full(7)).unwrap().len(), 3);
    drop(store);
    assert!(matches!(
        MaskedScan::open(folder.path(), 64, 10, ScanConfig::default(), &usher_base::progress::Progress::default()),
        Err(IndexError::OtherFormat { .. })
    ));
}

#[test]
fn dimensions_that_are_no_power_of_two_or_long_work() {
    for dimensions in [1, 2, 3, 5, 63, 65, 130, 513, 1_024] {
        let mut random = Random::new(dimensions as u64);
        let mut rows: Vec<f32> = (0..dimensions * 300).map(|_| random.normal()).collect();
        rows.chunks_exact_mut(dimensions).for_each(normalise);
        for one in implementations(&rows, dimensions) {
            let query = &rows[7 * dimensions..8 * dimensions];
            let mask = mask(&mut random, 300, 0.7, 2);
            let expected = brute_force(&rows, dimensions, query, &mask, 10, key);
            one.compare(&search(&*one.store, query, &mask, 10), &expected, &format!("{dimensions} dimensions"));
        }
    }
}
