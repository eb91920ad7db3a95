//! Compaction of segments: the same answers from fewer bytes, whatever a crash leaves behind.
#![allow(clippy::single_range_in_vec_init, reason = "lists of ranges are what is compared")]

use std::fs;
use std::ops::Range;
use std::path::Path;

use super::segment::SEGMENT_ROWS;
use super::{MaskedScan, OpenedScan, ScanConfig};
use crate::tests::world::{Clustered, key};
use crate::{ChunkMask, VectorStore, Work};
use usher_support::Random;

const DIMENSIONS: usize = 24;
const ROWS: u32 = SEGMENT_ROWS + 500;

fn open(folder: &Path) -> OpenedScan {
    MaskedScan::open(folder, DIMENSIONS, ROWS, ScanConfig::default(), &usher_base::progress::Progress::default())
        .unwrap()
}

fn filled(folder: &Path) -> (MaskedScan, Vec<f32>) {
    let rows = Clustered::new(21, DIMENSIONS, 9).rows(ROWS as usize);
    let store =
        MaskedScan::open(folder, DIMENSIONS, 0, ScanConfig::default(), &usher_base::progress::Progress::default())
            .unwrap()
            .store;
    store.append(0, &rows).unwrap();
    (store, rows)
}

/// Answers through all tiers: under everything that is live, under parts of it, under rows that are gone too.
fn answers(store: &MaskedScan, rows: &[f32], dead: &[Range<u32>]) -> Vec<Vec<(u32, u64)>> {
    let mut random = Random::new(5);
    let mut masks = vec![ChunkMask::full(ROWS)];
    for share in [2, 5, 100] {
        let mut mask = ChunkMask::new(ROWS);
        let is_live = |row: u32| !dead.iter().any(|range| range.contains(&row));
        (0..ROWS).filter(|row| is_live(*row)).for_each(|row| {
            if random.below(share) == 0 {
                mask.set(row);
            }
        });
        masks.push(mask);
    }
    let mut found = Vec::new();
    for mask in &masks {
        for row in [3_000, SEGMENT_ROWS as usize + 7] {
            let query = &rows[row * DIMENSIONS..(row + 1) * DIMENSIONS];
            let hits = store.search(query, mask, &40.into(), &key, &mut Work::default()).unwrap();
            found.push(hits.iter().map(|hit| (hit.chunk, hit.score.to_bits())).collect());
        }
    }
    found
}

fn bytes(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().flatten().map(|entry| entry.metadata().unwrap().len()).sum()
}

fn copy(from: &Path, to: &Path, only: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        if only(entry.file_name().to_str().unwrap()) {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_segment_that_is_mostly_dead_is_rewritten_and_answers_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (store, rows) = filled(folder.path());
    assert_eq!(store.compact(ROWS).unwrap(), 0, "nothing is dead");
    store.erase(10_000..40_000).unwrap();
    assert_eq!(store.compact(ROWS).unwrap(), 0, "less than half is dead");
    let dead = [10_000..45_000, SEGMENT_ROWS..SEGMENT_ROWS + 400];
    dead.iter().for_each(|range| store.erase(range.clone()).unwrap());
    let (expected, before) = (answers(&store, &rows, &dead), bytes(folder.path()));
    assert_eq!(store.compact(SEGMENT_ROWS - 1).unwrap(), 0, "a segment that may still change is left alone");
    assert_eq!(store.compact(ROWS).unwrap(), 1, "the last segment is not full");
    assert_eq!(answers(&store, &rows, &dead), expected);
    assert!(bytes(folder.path()) < before * 2 / 3, "{} of {before}", bytes(folder.path()));
    assert_eq!(store.compact(ROWS).unwrap(), 0);
    assert!(store.row(20_000).unwrap().iter().all(|value| *value == 0.0));
    drop(store);
    let opened = open(folder.path());
    assert_eq!((opened.damaged.as_slice(), answers(&opened.store, &rows, &dead)), ([].as_slice(), expected));

    // Rows die further; what is left is compacted again, and its rows can be mended.
    opened.store.erase(0..9_900).unwrap();
    opened.store.erase(46_000..60_000).unwrap();
    let dead = [0..9_900, 10_000..45_000, 46_000..60_000, SEGMENT_ROWS..SEGMENT_ROWS + 400];
    let expected = answers(&opened.store, &rows, &dead);
    assert_eq!(opened.store.compact(ROWS).unwrap(), 1);
    assert_eq!(answers(&opened.store, &rows, &dead), expected);
    opened.store.append(ROWS, &rows[..DIMENSIONS]).unwrap();
    drop(opened);
    let file = folder.path().join("0000000000-2.f32");
    let mut content = fs::read(&file).unwrap();
    let (shared, third) = (0, 3 * (DIMENSIONS * 4 + 8) + 5);
    content[third] ^= 1;
    fs::write(&file, &content).unwrap();
    let opened = open(folder.path());
    assert_eq!(opened.damaged, [9_902..9_903]);
    opened.store.repair(9_902, &rows[9_902 * DIMENSIONS..9_903 * DIMENSIONS]).unwrap();
    assert_eq!(answers(&opened.store, &rows, &dead), expected);
    drop(opened);
    content = fs::read(&file).unwrap();
    content[shared] ^= 1;
    fs::write(&file, &content).unwrap();
    let opened = open(folder.path());
    assert_eq!(opened.damaged, [0..9_900, 10_000..45_000, 46_000..60_000], "rows that share a record share its damage");
    opened.damaged.iter().for_each(|range| opened.store.erase(range.clone()).unwrap());
    assert_eq!(answers(&opened.store, &rows, &dead), expected);
    drop(opened);
    assert_eq!(open(folder.path()).damaged, []);
}

#[test]
fn a_compaction_that_is_cut_short_leaves_the_old_files_or_the_new_ones() {
    let folders: [_; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let [old, new, mixed] = folders.each_ref().map(tempfile::TempDir::path);
    let (store, rows) = filled(new);
    let dead = [1_000..50_000];
    store.erase(dead[0].clone()).unwrap();
    let expected = answers(&store, &rows, &dead);
    copy(new, old, |_| true);
    assert_eq!(store.compact(ROWS).unwrap(), 1);
    drop(store);
    let is_old = |name: &str| !name.contains('-') && !name.ends_with("rows");
    let is_new = |name: &str| name.starts_with("0000000000-") || name.ends_with("rows");

    // Before the note is in place: parts of the new files, a draft of the note.
    copy(old, mixed, is_old);
    copy(new, mixed, |name| name == "0000000000-1.f32");
    fs::write(mixed.join("0000000000-1.i8"), b"torn").unwrap();
    fs::write(mixed.join("0000000000.new"), b"torn").unwrap();
    let opened = open(mixed);
    assert_eq!((opened.damaged.as_slice(), answers(&opened.store, &rows, &dead)), ([].as_slice(), expected.clone()));
    drop(opened);
    assert!(!mixed.join("0000000000-1.f32").exists() && !mixed.join("0000000000.new").exists());
    // Afterwards: the old files are still there.
    copy(new, mixed, is_new);
    let opened = open(mixed);
    assert_eq!((opened.damaged.as_slice(), answers(&opened.store, &rows, &dead)), ([].as_slice(), expected.clone()));
    assert!(mixed.join("0000000000-1.f32").exists() && !mixed.join("0000000000.f32").exists());
    assert_eq!(opened.store.compact(ROWS).unwrap(), 0);
    drop(opened);

    // A damaged note is no note: all its rows are missing, and mended like others.
    let note = mixed.join("0000000000.rows");
    let mut content = fs::read(&note).unwrap();
    content[100] ^= 16;
    fs::write(&note, content).unwrap();
    let opened = open(mixed);
    assert_eq!(opened.damaged, [0..SEGMENT_ROWS]);
    opened.store.repair(0, &rows[..SEGMENT_ROWS as usize * DIMENSIONS]).unwrap();
    opened.store.erase(dead[0].clone()).unwrap();
    assert_eq!(answers(&opened.store, &rows, &dead), expected);
}
