//! Many processes write to one catalog, some give up, some are killed, and readers follow both logs the whole time.
//!
//! Whoever has read an entry must never find a smaller one that is new, or an entry of a revision that comes before one it
//! has seen: the local state of every process is built on that.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::Executor;
use usher::catalog::tuples::Origin;
use usher::catalog::{Catalog, Location, documents, meta, tuples};
use usher_support::Random;

use crate::cases::tuple;
use crate::common::mutants::must_be_caught;
use crate::common::postgres::TestDatabase;

const WRITERS: usize = 8;
const READERS: usize = 4;
const STORE: &str = "S";
const COLLECTION: u32 = 1;
const URL: &str = "USHER_TEST_WRITER";

/// The body of a writing process; does nothing unless it was started as one.
#[tokio::test]
async fn writing_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let (number, url) = url.split_once(' ').unwrap();
    let location = Location::Postgres(url.parse().unwrap());
    let mut rng = Random::new(number.parse::<u64>().unwrap());
    let mut count = 0_u64;
    loop {
        let Ok(catalog) = Catalog::open(&location, 1).await else { continue };
        loop {
            count += 1;
            match write(&catalog, &mut rng, &format!("{number}-{count}")).await {
                Ok(Some(revision)) => println!("acknowledged {revision} {number}-{count}"),
                Ok(None) => {}
                // The session was ended; a later transaction has a new one.
                Err(error) => assert!(error.is_storage_refusal(), "{error}"),
            }
        }
    }
}

/// One transaction of one to four tuples and as many operations; gives up one time out of five.
async fn write(catalog: &Catalog, rng: &mut Random, name: &str) -> Result<Option<u64>, usher::catalog::CatalogError> {
    let mut tx = catalog.begin().await?;
    let revision = meta::revision(&mut tx).await? + 1;
    let size = 1 + rng.below(4);
    for n in 0..size {
        let key = tuple("user:a", "viewer", &format!("document:{name}/{n}/{size}"));
        tuples::write(&mut tx, STORE, &key, Origin::Hand, revision, "t").await?;
        documents::remove_chunks(&mut tx, COLLECTION, n as u32, size as u32, revision).await?;
        if rng.below(4) == 0 {
            tokio::time::sleep(Duration::from_millis(rng.below(4) as u64)).await;
        }
    }
    tx.savepoint().await?;
    documents::remove_chunks(&mut tx, COLLECTION, 99, 99, revision).await?;
    tx.undo().await?;
    tx.release().await?;
    if rng.below(5) == 0 {
        return Ok(None);
    }
    meta::set_revision(&mut tx, revision).await?;
    tx.commit().await?;
    Ok(Some(revision))
}

#[derive(Default)]
struct Followed {
    /// (change, revision, object)
    changes: Vec<(u64, u64, String)>,
    /// (sequence, first chunk, count)
    operations: Vec<(u64, u32, u32)>,
    revisions: Vec<u64>,
    wrong: Vec<String>,
}

/// Follows both logs from where it stands, each time in one view.
async fn follow(catalog: Catalog, done: Arc<AtomicBool>) -> Followed {
    let mut followed = Followed::default();
    loop {
        // One more look after the end.
        let is_last = done.load(Ordering::SeqCst);
        match look(&catalog, &mut followed).await {
            Ok(()) if is_last => return followed,
            Ok(()) => {}
            Err(error) => assert!(error.is_storage_refusal(), "{error}"),
        }
    }
}

async fn look(catalog: &Catalog, followed: &mut Followed) -> Result<(), usher::catalog::CatalogError> {
    let mut view = catalog.read().await?;
    let head = meta::revision(&mut view).await?;
    let last = followed.operations.last().map_or(0, |row| row.0);
    let operations = catalog.operations(&mut view, COLLECTION, last, 100_000).await?;
    // Newest first, from the end to what is known.
    let known = followed.changes.last().map_or(0, |row| row.0);
    let mut changes = tuples::changes_before(&mut view, STORE, None, 100_000).await?;
    changes.retain(|row| row.change > known);
    changes.reverse();
    drop(view);
    let seen = followed.revisions.last().copied().unwrap_or_default();
    if head < seen {
        followed.wrong.push(format!("the head went from {seen} back to {head}"));
    }
    followed.revisions.push(head);
    for row in changes {
        let before = followed.changes.last().map_or(0, |row| row.1);
        // Every revision has a change: the next one is of the same revision, or of the one after it.
        if row.revision != before && row.revision != before + 1 {
            followed.wrong.push(format!("change {} of revision {} came after {before}", row.change, row.revision));
        }
        if row.revision > head || row.revision <= seen && head > seen {
            followed
                .wrong
                .push(format!("change {} of revision {} between {seen} and {head}", row.change, row.revision));
        }
        followed.changes.push((row.change, row.revision, row.key.object));
    }
    if followed.changes.last().map_or(0, |row| row.1) != head {
        followed.wrong.push(format!("revision {head} has no change yet"));
    }
    followed.operations.extend(operations.into_iter().map(|row| (row.sequence, row.first_chunk, row.chunk_count)));
    Ok(())
}

struct Writer {
    process: Child,
    heard: std::thread::JoinHandle<()>,
}

fn spawn(
    url: &str,
    number: usize,
    acknowledged: &Arc<Mutex<BTreeMap<u64, String>>>,
    twice: &Arc<AtomicBool>,
) -> Writer {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writers::writing_process", "--nocapture", "--test-threads=1"])
        .env(URL, format!("{number} {url}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let (acknowledged, twice) = (acknowledged.clone(), twice.clone());
    let heard = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let Some((_, said)) = line.split_once("acknowledged ") else { continue };
            // A line that a killed process could not end.
            let Some((revision, name)) = said.split_once(' ') else { continue };
            let Ok(revision) = revision.parse() else { continue };
            if acknowledged.lock().unwrap().insert(revision, name.to_owned()).is_some() {
                twice.store(true, Ordering::SeqCst);
            }
        }
    });
    Writer { process, heard }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_entry_is_lost_skipped_or_reordered_among_many_writers() {
    let soak = std::env::var("USHER_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let database = TestDatabase::create().await;
    let first = Catalog::open(&database.location(), 2).await.unwrap();
    let (acknowledged, twice) = (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(AtomicBool::new(false)));
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let catalog = Catalog::open(&database.location(), 2).await.unwrap();
        readers.push(tokio::spawn(follow(catalog, done.clone())));
    }
    let mut number = WRITERS;
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|number| spawn(database.url(), number, &acknowledged, &twice)).collect();
    let (mut killed, mut ended) = (0, 0);
    let mut rng = Random::new(7);
    let mut other = database.connect().await;
    let until = Instant::now() + Duration::from_secs(8) * soak;
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(150)).await;
        if rng.below(2) == 0 {
            let victim = rng.below(WRITERS);
            let fresh = spawn(database.url(), number, &acknowledged, &twice);
            let mut old = std::mem::replace(&mut writers[victim], fresh);
            old.process.kill().unwrap();
            old.process.wait().unwrap();
            old.heard.join().unwrap();
            (number, killed) = (number + 1, killed + 1);
        } else {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usher'
                          AND datname = current_database() AND query LIKE '%tuple_changes%' LIMIT 1";
            ended += other.execute(sql).await.unwrap().rows_affected();
        }
    }
    for mut writer in writers {
        writer.process.kill().unwrap();
        writer.process.wait().unwrap();
        writer.heard.join().unwrap();
    }
    done.store(true, Ordering::SeqCst);
    // Ended sessions may still commit what they had been sent: whoever has the lock afterwards comes after them.
    drop(first.begin().await.unwrap());
    let log: Vec<_> = first.tuple_changes(STORE, None, 0, None, 1_000_000).await.unwrap();
    let log: Vec<_> = log.into_iter().map(|row| (row.change, row.revision, row.key.object)).collect();
    let mut view = first.read().await.unwrap();
    let operations = first.operations(&mut view, COLLECTION, 0, 1_000_000).await.unwrap();
    let operations: Vec<_> =
        operations.into_iter().map(|row| (row.sequence, row.first_chunk, row.chunk_count)).collect();
    let head = meta::revision(&mut view).await.unwrap();
    let mut wrong = Vec::new();
    let mut by_revision: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (_, revision, object) in &log {
        by_revision.entry(*revision).or_default().push(object.strip_prefix("document:").unwrap());
    }
    if !by_revision.keys().copied().eq(1..=head) {
        wrong.push(format!("{} revisions up to {head}", by_revision.len()));
    }
    for (revision, objects) in &by_revision {
        let (writer, size) = (objects[0].split('/').next().unwrap(), objects[0].rsplit('/').next().unwrap());
        let whole: Vec<_> = (0..size.parse().unwrap()).map(|n: usize| format!("{writer}/{n}/{size}")).collect();
        if objects != &whole {
            wrong.push(format!("revision {revision} holds {objects:?}"));
        }
    }
    if operations.len() != log.len() || operations.iter().any(|row| row.1 == 99) {
        wrong.push(format!("{} operations beside {} changes", operations.len(), log.len()));
    }
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    for (revision, name) in &acknowledged {
        if !by_revision.get(revision).is_some_and(|objects| objects[0].starts_with(&format!("{name}/"))) {
            wrong.push(format!("acknowledged {name} is not revision {revision}"));
        }
    }
    if twice.load(Ordering::SeqCst) {
        wrong.push("a revision was acknowledged twice".to_owned());
    }
    let (mut looks, mut of_readers) = (0, 0);
    for reader in readers {
        let followed = reader.await.unwrap();
        looks += followed.revisions.len();
        of_readers += followed.wrong.len();
        wrong.extend(followed.wrong);
        if followed.changes != log || followed.operations != operations {
            of_readers += 1;
            wrong.push(format!(
                "a reader followed {} changes and {} operations",
                followed.changes.len(),
                followed.operations.len()
            ));
        }
    }
    println!(
        "counted {} revisions by {number} writers ({killed} killed, {ended} sessions ended), {} acknowledged, \
         {} changes, {looks} looks by {READERS} readers: {} wrong, {of_readers} of them found by readers",
        by_revision.len(),
        acknowledged.len(),
        log.len(),
        wrong.len(),
    );
    assert!(wrong.is_empty(), "{:#?}", &wrong[..wrong.len().min(5)]);
    assert!(killed > 5 && ended > 5 && acknowledged.len() > 100, "the test has something to find");
}

#[test]
fn a_writer_without_the_lock_is_caught() {
    must_be_caught(&[("writers_take_no_lock", "writers::no_entry_is_lost_skipped_or_reordered_among_many_writers")]);
}
