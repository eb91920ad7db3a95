//! Damage and torn ends of segment files.
#![allow(clippy::single_range_in_vec_init, reason = "lists of ranges are what is compared")]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{MaskedScan, OpenedScan, ScanConfig};
use crate::tests::world::{Clustered, key};
use crate::{ChunkMask, IndexError, VectorStore, Work};
use usher_support::Random;

const DIMENSIONS: usize = 48;
const ROWS: u32 = 400;

fn open(folder: &Path, expected: u32) -> OpenedScan {
    // A child process of another test holds every open file, locks included, until it has become another program.
    for _ in 0..100 {
        match MaskedScan::open(
            folder,
            DIMENSIONS,
            expected,
            ScanConfig::default(),
            &usher_base::progress::Progress::default(),
        ) {
            Err(IndexError::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(20)),
            opened => return opened.unwrap(),
        }
    }
    panic!("{} stays locked", folder.display())
}

fn filled() -> (tempfile::TempDir, Vec<f32>) {
    let folder = tempfile::tempdir().unwrap();
    let rows = Clustered::new(11, DIMENSIONS, 5).rows(ROWS as usize);
    open(folder.path(), 0).store.append(0, &rows).unwrap();
    (folder, rows)
}

fn file(folder: &Path, kind: &str) -> PathBuf {
    folder.join(format!("0000000000.{kind}"))
}

fn answers(store: &MaskedScan, rows: &[f32]) -> Vec<(u32, u64)> {
    let found = store.search(&rows[..DIMENSIONS], &ChunkMask::full(ROWS), &30.into(), &key, &mut Work::default());
    found.unwrap().iter().map(|hit| (hit.chunk, hit.score.to_bits())).collect()
}

/// Flips one bit in the part of a file that holds rows.
fn flip(path: &Path, bit: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, bit / 8).unwrap();
    file.write_all_at(&[byte[0] ^ 1 << (bit % 8)], bit / 8).unwrap();
}

#[test]
fn every_flipped_bit_is_found_and_mended() {
    let (folder, rows) = filled();
    let expected = answers(&open(folder.path(), ROWS).store, &rows);
    let mut random = Random::new(12);
    let mut flips = 0;
    for (kind, stride) in [("f32", DIMENSIONS * 4 + 8), ("i8", DIMENSIONS + 8), ("bit", 16)] {
        for _ in 0..150 {
            let bit = random.below(u64::from(ROWS) * stride as u64 * 8);
            let row = (bit / 8 / stride as u64) as u32;
            flip(&file(folder.path(), kind), bit);
            let opened = open(folder.path(), ROWS);
            if kind == "f32" {
                assert_eq!(opened.damaged, [row..row + 1], "bit {bit} of {kind}");
                let refused = opened.store.search(
                    &rows[..DIMENSIONS],
                    &ChunkMask::full(ROWS),
                    &3.into(),
                    &key,
                    &mut Work::default(),
                );
                assert!(matches!(refused, Err(IndexError::DamagedRows { .. })));
                assert!(matches!(opened.store.row(row), Err(IndexError::DamagedRows { .. })));
                let at = row as usize * DIMENSIONS;
                opened.store.repair(row, &rows[at..at + DIMENSIONS]).unwrap();
            } else {
                // Codes are computed again from the vector at opening.
                assert_eq!(opened.damaged, [], "bit {bit} of {kind}");
            }
            assert_eq!(answers(&opened.store, &rows), expected, "bit {bit} of {kind}");
            flips += 1;
        }
    }
    assert_eq!(open(folder.path(), ROWS).damaged, []);
    println!("{flips} flips, all found and mended");
}

#[test]
fn swapped_rows_and_missing_files_are_damage() {
    let (folder, rows) = filled();
    let expected = answers(&open(folder.path(), ROWS).store, &rows);
    let stride = DIMENSIONS as u64 * 4 + 8;
    {
        let vectors = OpenOptions::new().read(true).write(true).open(file(folder.path(), "f32")).unwrap();
        let mut record = vec![0; stride as usize];
        vectors.read_exact_at(&mut record, 3 * stride).unwrap();
        vectors.write_all_at(&record, 4 * stride).unwrap();
    }
    let opened = open(folder.path(), ROWS);
    assert_eq!(opened.damaged, [4..5]);
    opened.store.repair(4, &rows[4 * DIMENSIONS..5 * DIMENSIONS]).unwrap();
    drop(opened);

    fs::remove_file(file(folder.path(), "bit")).unwrap();
    fs::remove_file(file(folder.path(), "i8")).unwrap();
    assert_eq!(answers(&open(folder.path(), ROWS).store, &rows), expected);

    fs::remove_file(file(folder.path(), "f32")).unwrap();
    let opened = open(folder.path(), ROWS);
    assert_eq!(opened.damaged, [0..ROWS]);
    opened.store.repair(100, &rows[100 * DIMENSIONS..200 * DIMENSIONS]).unwrap();
    let mut readable = ChunkMask::new(ROWS);
    readable.set_range(100..200);
    assert!(opened.store.search(&rows[..DIMENSIONS], &readable, &3.into(), &key, &mut Work::default()).is_ok());
    readable.set(99);
    let refused = opened.store.search(&rows[..DIMENSIONS], &readable, &3.into(), &key, &mut Work::default());
    assert!(matches!(refused, Err(IndexError::DamagedRows { rows }) if rows == [0..100]));
}

#[test]
fn a_torn_end_is_cut_off_at_what_the_catalog_knows() {
    let (folder, rows) = filled();
    let expected = answers(&open(folder.path(), ROWS).store, &rows);
    let more = Clustered::new(13, DIMENSIONS, 5).rows(66_000);
    open(folder.path(), ROWS).store.append(ROWS, &more).unwrap();
    // A crash left half a record and a segment that nobody committed.
    assert!(folder.path().join("0000065536.f32").exists());
    let vectors = OpenOptions::new().write(true).open(file(folder.path(), "f32")).unwrap();
    vectors.set_len(u64::from(ROWS) * 200 + 77).unwrap();
    let opened = open(folder.path(), ROWS);
    assert_eq!((opened.damaged.as_slice(), opened.store.len()), ([].as_slice(), ROWS));
    assert!(!folder.path().join("0000065536.f32").exists());
    assert_eq!(answers(&opened.store, &rows), expected);
    opened.store.append(ROWS, &more[..DIMENSIONS]).unwrap();
    drop(opened);
    // A file that is shorter than what was committed: the lost rows are named.
    vectors.set_len(u64::from(ROWS - 2) * 200 - 1).unwrap();
    assert_eq!(open(folder.path(), ROWS + 1).damaged, [ROWS - 3..ROWS + 1]);
}

#[test]
fn a_damaged_note_of_the_format_is_written_again() {
    let (folder, rows) = filled();
    let expected = answers(&open(folder.path(), ROWS).store, &rows);
    for note in [&b""[..], b"usher masked scam 1\ndimensions 48\n", b"\xff\xfe", b"usher masked scan 1\n"] {
        fs::write(folder.path().join("format"), note).unwrap();
        assert_eq!(answers(&open(folder.path(), ROWS).store, &rows), expected);
    }
}

#[test]
fn ranges_without_a_part() {
    assert_eq!(super::without(&[0..10, 20..30], &(5..25)), [0..5, 25..30]);
    assert_eq!(super::without(&[0..10], &(3..4)), [0..3, 4..10]);
    assert_eq!(super::without(&[0..10], &(0..u32::MAX)), []);
}
