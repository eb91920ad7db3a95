//! Both stores killed at every named place, opened again and compared with what was acknowledged.
//!
//! The test starts itself as a child process that works on a folder and notes each acknowledged batch, as the catalog
//! would; the child is aborted, or its call fails, at the nth passing of one failpoint. Part of the test build only.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::vectors::brute_force;
use super::world::{Clustered, key};
use crate::scan::{Helpers, MaskedScan, ScanConfig};
use crate::{
    AnalysedQuery, ChunkMask, IndexError, KeywordIndex, KeywordOp, TantivyKeywords, Tokens, VectorStore, Work,
};
use usher_support::Random;

const DIMENSIONS: usize = 32;
const BATCHES: u32 = 6;
const BATCH: u32 = 150;

fn vectors() -> Vec<f32> {
    Clustered::new(51, DIMENSIONS, 7).rows((BATCHES * BATCH) as usize)
}

fn operations(batch: u32) -> Vec<KeywordOp> {
    let mut random = Random::new(u64::from(batch));
    let mut word = || format!("w{}", random.below(40));
    let mut operations: Vec<KeywordOp> = (batch * BATCH..(batch + 1) * BATCH)
        .map(|chunk| KeywordOp::Add { chunk, tokens: Tokens::of_words([&*word(), &word(), &word()]) })
        .collect();
    // Removals touch older segments, additions again replace.
    operations.push(KeywordOp::Remove { chunks: batch * BATCH / 2..batch * BATCH / 2 + 9 });
    operations.push(KeywordOp::Add { chunk: batch, tokens: Tokens::of_words([&*word(), &format!("batch{batch}")]) });
    operations
}

fn config() -> ScanConfig {
    ScanConfig { helpers: Helpers::new(0), ..ScanConfig::default() }
}

/// Batches that were acknowledged, as the catalog knows.
fn acknowledged(folder: &Path) -> u32 {
    fs::read(folder.join("acknowledged")).map_or(0, |bytes| bytes.len() as u32)
}

/// Does what is left to do, as after a start.
fn work(folder: &Path) -> Result<(), IndexError> {
    let done = acknowledged(folder);
    let opened = MaskedScan::open(
        &folder.join("vectors"),
        DIMENSIONS,
        done * BATCH,
        config(),
        &usher_base::progress::Progress::default(),
    )?;
    assert!(opened.damaged.is_empty(), "acknowledged rows are damaged: {:?}", opened.damaged);
    let words = folder.join("words");
    let keywords = match TantivyKeywords::open(&words, "simple") {
        // Only creation can leave no index; nothing was acknowledged then.
        Err(IndexError::DamagedKeywords { .. }) if done == 0 => TantivyKeywords::create(&words, "simple")?,
        opened => opened?,
    };
    let position = keywords.position()?;
    assert!(position >= u64::from(done) && position <= u64::from(done) + 1, "{position} of {done}");
    let rows = vectors();
    for batch in done..BATCHES {
        let first = batch * BATCH;
        opened.store.append(first, &rows[first as usize * DIMENSIONS..][..BATCH as usize * DIMENSIONS])?;
        if keywords.position()? <= u64::from(batch) {
            keywords.apply(&operations(batch), u64::from(batch) + 1)?;
        }
        let mut notes = OpenOptions::new().create(true).append(true).open(folder.join("acknowledged")).unwrap();
        notes.write_all(b"x").and_then(|()| notes.sync_all()).unwrap();
    }
    keywords.compact()
}

#[test]
#[ignore = "the child process of the test below"]
fn child() {
    work(Path::new(&std::env::var("USHER_CRASH_FOLDER").unwrap())).unwrap();
}

/// Everything is there, as if nothing had happened.
fn check(folder: &Path) {
    let rows = vectors();
    let store = MaskedScan::open(
        &folder.join("vectors"),
        DIMENSIONS,
        BATCHES * BATCH,
        config(),
        &usher_base::progress::Progress::default(),
    )
    .unwrap();
    assert!(store.damaged.is_empty());
    let full = ChunkMask::full(BATCHES * BATCH);
    let query = &rows[77 * DIMENSIONS..78 * DIMENSIONS];
    let found = store.store.search(query, &full, &20.into(), &key, &mut Work::default()).unwrap();
    assert_eq!(found, brute_force(&rows, DIMENSIONS, query, &full, 20, key));

    let twin = tempfile::tempdir().unwrap();
    let twin = TantivyKeywords::create(twin.path(), "simple").unwrap();
    for batch in 0..BATCHES {
        twin.apply(&operations(batch), u64::from(batch) + 1).unwrap();
    }
    let keywords = TantivyKeywords::open(&folder.join("words"), "simple").unwrap();
    assert_eq!(keywords.position().unwrap(), u64::from(BATCHES));
    for word in (0..40).map(|word| format!("w{word}")).chain((0..BATCHES).map(|batch| format!("batch{batch}"))) {
        let query = AnalysedQuery::of_words([&*word]);
        let ask =
            |index: &TantivyKeywords| index.search(&query, &full, &500.into(), &key, &mut Work::default()).unwrap();
        assert_eq!(ask(&keywords), ask(&twin), "{query:?}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_at_any_failpoint() {
    let places = [
        "scan.before_write",
        "scan.before_sync",
        "scan.after_sync",
        "scan.before_rename",
        "scan.after_rename",
        "scan.before_folder_sync",
        "scan.after_folder_sync",
        "keyword.before_sync",
        "keyword.after_sync",
        "keyword.before_rename",
        "keyword.after_rename",
        "keyword.before_folder_sync",
        "keyword.after_folder_sync",
        "keyword.before_commit",
        "keyword.after_commit",
    ];
    let (mut kills, mut failures) = (0, 0);
    for place in places {
        for action in ["abort", "error", "enospc"] {
            if action == "enospc" && place != "scan.before_write" && place != "keyword.before_sync" {
                continue;
            }
            // Not every passing of every place, but early ones one by one and later ones in growing steps.
            let mut nth = 1;
            loop {
                let folder = tempfile::tempdir().unwrap();
                let run = |failpoint: &str| {
                    Command::new(std::env::current_exe().unwrap())
                        .args(["--exact", "tests::crash::child", "--ignored", "--quiet"])
                        .env("USHER_CRASH_FOLDER", folder.path())
                        .env("USHER_FAILPOINT", failpoint)
                        .output()
                        .unwrap()
                };
                if run(&format!("{place}={action}:{nth}")).status.success() {
                    break;
                }
                if action == "abort" {
                    kills += 1
                } else {
                    failures += 1
                }
                let again = run("");
                assert!(
                    again.status.success(),
                    "after {place}={action}:{nth}\n{}",
                    String::from_utf8_lossy(&again.stdout)
                );
                check(folder.path());
                nth += 1 + nth / 2;
            }
        }
    }
    println!("{kills} kills and {failures} failed calls, nothing lost");
    assert!(kills > 40);
}
