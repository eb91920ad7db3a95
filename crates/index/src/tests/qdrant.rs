//! The index traits over a real Qdrant, for the acceptance suites: `QDRANT_URL` names its gRPC address. Without it the
//! suites say that they were skipped.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::mask::Description;
use crate::qdrant::{
    Ask, Connection, Expected, Form, Permission, Point, QdrantCollection, QdrantError, QdrantSettings, Watermark,
};
use crate::{
    AnalysedQuery, ChunkMask, Depth, IndexError, KeyOf, KeywordIndex, KeywordOp, Scored, VectorStore, Work, sparse,
};

use super::world::{Clustered, document, key, mask};
use usher_support::Random;

static NEXT: AtomicU32 = AtomicU32::new(1);

#[cfg(usher_mutants)]
#[path = "../../../../tests/common/mutants.rs"]
mod mutants;

/// Audiences in the tests' collections.
const AUDIENCES: u32 = 61;

pub fn url() -> Option<String> {
    let url = std::env::var("QDRANT_URL").ok();
    if url.is_none() {
        usher_support::skipped("qdrant", "no Qdrant (set QDRANT_URL to its gRPC address)");
    }
    url
}

/// `QDRANT_SHARDS`: of the tests' collections.
fn shards() -> u32 {
    std::env::var("QDRANT_SHARDS").ok().and_then(|shards| shards.parse().ok()).unwrap_or(1)
}

/// A collection of the tests' own, removed with the value.
pub struct Remote {
    runtime: tokio::runtime::Runtime,
    pub points: QdrantCollection,
    mark: parking_lot::Mutex<Watermark>,
    len: AtomicU32,
    sequence: AtomicU64,
}

impl Remote {
    pub fn make(url: &str, dimensions: usize) -> Self {
        let prefix = format!("usher-test-{}", std::process::id());
        let timeout = Duration::from_secs(20);
        let settings = QdrantSettings { prefix, timeout, shards: shards(), ..QdrantSettings::at(url) };
        Self::with(settings, dimensions)
    }

    pub fn with(settings: QdrantSettings, dimensions: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connection = Connection::new(settings).unwrap();
        let points =
            QdrantCollection::new(connection, &NEXT.fetch_add(1, Ordering::Relaxed).to_string(), "suite", dimensions);
        let mut mark = runtime.block_on(points.ensure(&BTreeMap::new())).unwrap();
        mark.is_complete = true;
        runtime.block_on(points.reset(&mark)).unwrap();
        let (len, sequence) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { runtime, points, mark: parking_lot::Mutex::new(mark), len, sequence }
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn point(chunk: u32) -> Point {
        let expected =
            Expected { audience: audience(chunk), document: document(chunk), version: 1, metadata: BTreeMap::new() };
        Point { chunk, expected, dense: None, sparse: None }
    }

    fn ask(&self, ask: Ask, mask: &ChunkMask) -> Result<crate::qdrant::Found, IndexError> {
        self.run(self.points.search(&ask, mask, &key))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.points.remove());
    }
}

fn audience(chunk: u32) -> i64 {
    i64::from(chunk % AUDIENCES) + 1_000
}

impl VectorStore for Remote {
    fn dimensions(&self) -> usize {
        self.points.dimensions()
    }

    fn len(&self) -> u32 {
        self.len.load(Ordering::Relaxed)
    }

    fn append(&self, first: u32, rows: &[f32]) -> Result<(), IndexError> {
        let points: Vec<Point> = (first..)
            .zip(rows.chunks_exact(self.points.dimensions()))
            .map(|(chunk, row)| Point { dense: Some(row.to_vec()), ..Self::point(chunk) })
            .collect();
        self.len.fetch_max(first + points.len() as u32, Ordering::Relaxed);
        self.run(self.points.insert(points, self.next()))
    }

    fn search(
        &self,
        query: &[f32],
        mask: &ChunkMask,
        depth: &Depth,
        _key: KeyOf<'_>,
        _work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError> {
        if mask.is_empty() || depth.chunks == 0 {
            return Ok(Vec::new());
        }
        Ok(self.ask(Ask { dense: Some(query.to_vec()), sparse: None, depth: depth.clone() }, mask)?.dense)
    }

    fn row(&self, chunk: u32) -> Result<Vec<f32>, IndexError> {
        Err(IndexError::BeyondEnd { chunk, len: self.len() })
    }

    fn erase(&self, chunks: Range<u32>) -> Result<(), IndexError> {
        self.run(self.points.delete(chunks, self.next()))
    }
}

impl KeywordIndex for Remote {
    fn position(&self) -> Result<u64, IndexError> {
        self.run(self.points.look())
    }

    fn apply(&self, operations: &[KeywordOp], position: u64) -> Result<(), IndexError> {
        let current = self.position()?;
        if position < current {
            return Err(IndexError::Backwards { position, current });
        }
        let mut pending: Vec<Point> = Vec::new();
        for operation in operations {
            match operation {
                KeywordOp::Add { chunk, tokens } => {
                    // The service never gives a number twice; the suite does.
                    if pending.iter().any(|point| point.chunk == *chunk) {
                        self.run(self.points.insert(std::mem::take(&mut pending), self.next()))?;
                    }
                    if *chunk < self.len.load(Ordering::Relaxed) {
                        self.run(self.points.delete(*chunk..*chunk + 1, self.next()))?;
                    }
                    self.len.fetch_max(*chunk + 1, Ordering::Relaxed);
                    let sparse = Some(sparse::of_chunk(tokens)).filter(|vector| !vector.indices.is_empty());
                    pending.push(Point { sparse, ..Self::point(*chunk) });
                }
                KeywordOp::Remove { chunks } => {
                    self.run(self.points.insert(std::mem::take(&mut pending), self.next()))?;
                    let end = chunks.end.min(self.len.load(Ordering::Relaxed));
                    self.run(self.points.delete(chunks.start.min(end)..end, self.next()))?;
                }
            }
        }
        self.run(self.points.insert(pending, self.next()))?;
        let mut mark = self.mark.lock();
        mark.position = position;
        self.run(self.points.advance(&mark))
    }

    fn search(
        &self,
        query: &AnalysedQuery,
        mask: &ChunkMask,
        depth: &Depth,
        _key: KeyOf<'_>,
        _work: &mut Work,
    ) -> Result<Vec<Scored>, IndexError> {
        let vector = sparse::of_query(query);
        if vector.indices.is_empty() || mask.is_empty() || depth.chunks == 0 {
            return Ok(Vec::new());
        }
        Ok(self.ask(Ask { dense: None, sparse: Some(vector), depth: depth.clone() }, mask)?.sparse)
    }

    fn clear(&self) -> Result<(), IndexError> {
        self.run(self.points.clear())?;
        let mut mark = self.mark.lock();
        mark.position = 0;
        self.run(self.points.reset(&mark))
    }

    fn compact(&self) -> Result<(), IndexError> {
        Ok(())
    }
}

/// A mask of whole audiences, as the service makes it.
fn of_audiences(len: u32, allowed: impl Fn(u32) -> bool) -> ChunkMask {
    let mut seen = ChunkMask::new(len);
    (0..len).filter(|chunk| allowed(chunk % AUDIENCES)).for_each(|chunk| seen.set(chunk));
    let (mut description, numbers) = (Description::default(), 0..AUDIENCES);
    for number in numbers {
        let list = if allowed(number) { &mut description.allowed } else { &mut description.denied };
        list.push(audience(number));
    }
    seen.described(description)
}

#[test]
fn every_form_of_the_filter_gives_what_brute_force_gives() {
    let Some(url) = url() else { return };
    let (dimensions, count) = (48, 6_000u32);
    let mut world = Clustered::new(31, dimensions, 40);
    let rows = world.rows(count as usize);
    let store = Remote::make(&url, dimensions);
    store.append(0, &rows).unwrap();
    let mut compared = 0;
    for share in [1, 2, 7, 30, 60] {
        let seen = of_audiences(count, |number| number < share);
        let description = seen.description().unwrap().clone();
        let forms = [
            ("ids", Permission::Ids(seen.iter().collect())),
            ("any of", Permission::AnyOf(description.clone())),
            ("except of", Permission::ExceptOf(description.clone())),
            ("nothing left out", Permission::All),
        ];
        for _ in 0..5 {
            let query = world.query(&rows);
            let expected = super::vectors::brute_force(&rows, dimensions, &query, &seen, 10, key);
            for (name, permission) in &forms {
                let ask = Ask { dense: Some(query.clone()), sparse: None, depth: 10.into() };
                let form = Form::of(permission.clone(), true, 128, false);
                let found = store.run(store.points.search_with(&ask, &seen, &form, &key)).unwrap();
                let is_whole = !found.is_short;
                // Without a filter the readable ones may be too far down; the answer says so then.
                assert!(is_whole || *name == "nothing left out", "{name}");
                if is_whole {
                    super::vectors::alike(&found.dense, &expected, name);
                    compared += 1;
                }
                assert!(found.dense.iter().all(|hit| seen.contains(hit.chunk)));
            }
        }
    }
    println!("forms of the filter: {compared} answers compared");
    assert!(compared >= 75);
}

#[test]
fn late_and_repeated_writes_change_nothing() {
    let Some(url) = url() else { return };
    let store = Remote::make(&url, 8);
    let row = |at: usize| (0..8).map(|n| if n == at { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
    let point = |chunk: u32, audience: i64| Point {
        dense: Some(row(chunk as usize)),
        expected: Expected { audience, document: 1, version: 1, metadata: BTreeMap::new() },
        ..Remote::point(chunk)
    };
    let points = &store.points;
    let audience_of = |chunk: u32| {
        let stored = store.run(points.stored(0, 100)).unwrap();
        stored.iter().find(|point| point.chunk == chunk).map(|point| (point.audience.unwrap(), point.sequence.unwrap()))
    };
    let changed = |audience: i64| point(0, audience).expected;
    store.run(points.insert(vec![point(0, 5), point(1, 5)], 10)).unwrap();
    // Inserted again by an applier that is behind: what stands there stays.
    store.run(points.insert(vec![point(0, 6)], 9)).unwrap();
    assert_eq!(audience_of(0), Some((5, 10)));
    store.run(points.describe(&[0], &changed(7), 12)).unwrap();
    store.run(points.describe(&[0], &changed(6), 11)).unwrap();
    assert_eq!(audience_of(0), Some((7, 12)));
    // A removal that comes late spares what came after it, and repeated ones remove once.
    store.run(points.delete(0..1, 12)).unwrap();
    assert_eq!(audience_of(0), Some((7, 12)));
    store.run(points.delete(0..1, 13)).unwrap();
    store.run(points.delete(0..1, 13)).unwrap();
    assert_eq!((audience_of(0), audience_of(1)), (None, Some((5, 10))));
    let mark = store.mark.lock().clone();
    store.run(points.advance(&Watermark { position: 20, ..mark.clone() })).unwrap();
    store.run(points.advance(&Watermark { position: 15, ..mark })).unwrap();
    assert_eq!(store.run(points.look()).unwrap(), 20);
}

#[test]
fn a_missing_foreign_older_or_newer_collection_is_refused() {
    let Some(url) = url() else { return };
    let settings = QdrantSettings {
        prefix: format!("usher-test-foreign-{}", std::process::id()),
        timeout: Duration::from_secs(20),
        ..QdrantSettings::at(&url)
    };
    let store = Remote::with(settings.clone(), 8);
    store.append(0, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let number: u32 = store.points.alias().rsplit('-').next().unwrap().parse().unwrap();
    let other = |instance: &str, number: u32| {
        QdrantCollection::new(Connection::new(settings.clone()).unwrap(), &number.to_string(), instance, 8)
    };
    let ask = Ask { dense: Some(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), sparse: None, depth: 1.into() };
    let search = |points: &QdrantCollection| store.run(points.search(&ask, &ChunkMask::full(1), &key));
    let problem = |error: IndexError| match error {
        IndexError::Remote(error) => *error.downcast::<QdrantError>().unwrap(),
        other => panic!("{other}"),
    };
    // Another instance: neither searched nor made its own, and nothing is written.
    let foreign = other("somebody else", number);
    assert!(matches!(problem(search(&foreign).unwrap_err()), QdrantError::NotOurs { .. }));
    assert!(matches!(problem(store.run(foreign.ensure(&BTreeMap::new())).unwrap_err()), QdrantError::NotOurs { .. }));
    store.run(foreign.remove()).unwrap();
    assert_eq!(search(&store.points).unwrap().dense.len(), 1);
    // An older copy.
    let mark = store.mark.lock().clone();
    store.run(store.points.advance(&Watermark { position: 9, ..mark.clone() })).unwrap();
    let behind = other("suite", number);
    store.run(behind.reset(&Watermark { position: 3, ..mark.clone() })).unwrap();
    assert!(matches!(problem(search(&store.points).unwrap_err()), QdrantError::WentBack { found: 3, expected: 9, .. }));
    assert!(store.points.is_suspect());
    // Who applies does not hide it by going on.
    let next = store.run(store.points.advance(&Watermark { position: 12, ..mark.clone() })).unwrap_err();
    assert!(matches!(problem(next), QdrantError::WentBack { found: 3, expected: 9, .. }));
    assert_eq!(store.run(behind.look()).unwrap(), 3);
    // Not filled to the end.
    store.run(store.points.reset(&Watermark { position: 9, is_complete: false, ..mark.clone() })).unwrap();
    assert!(matches!(problem(search(&store.points).unwrap_err()), QdrantError::Filling { .. }));
    // A newer release's.
    store.run(store.points.reset(&Watermark { position: 9, layout: 99, ..mark })).unwrap();
    let newer = store.run(store.points.ensure(&BTreeMap::new())).unwrap_err();
    assert!(matches!(problem(newer), QdrantError::Newer { .. }));
    // A missing one.
    let missing = other("suite", number + 1_000_000);
    assert!(matches!(problem(search(&missing).unwrap_err()), QdrantError::Missing { .. }));
    assert!(missing.is_suspect());
}

#[test]
fn a_server_that_is_down_fails_in_time_and_is_left_alone() {
    // Nothing listens there; no Qdrant is needed.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settings = QdrantSettings { timeout: Duration::from_millis(300), ..QdrantSettings::at("http://127.0.0.1:9") };
    let points = QdrantCollection::new(Connection::new(settings).unwrap(), "1", "suite", 4);
    let ask = Ask { dense: Some(vec![1.0, 0.0, 0.0, 0.0]), sparse: None, depth: 1.into() };
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        assert!(runtime.block_on(points.search(&ask, &ChunkMask::full(1), &key)).is_err());
    }
    // Five failures, then the breaker: far from twenty times two attempts.
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[test]
fn masks_without_a_description_are_sent_as_they_are() {
    let Some(url) = url() else { return };
    let mut random = Random::new(33);
    let mut world = Clustered::new(34, 16, 10);
    let rows = world.rows(3_000);
    let store = Remote::make(&url, 16);
    store.append(0, &rows).unwrap();
    for share in [0.9, 0.1, 0.002] {
        let seen = mask(&mut random, 3_000, share, 3);
        let query = world.query(&rows);
        let found = VectorStore::search(&store, &query, &seen, &10.into(), &key, &mut Work::default()).unwrap();
        super::vectors::alike(&found, &super::vectors::brute_force(&rows, 16, &query, &seen, 10, key), "ids");
    }
}

/// The same cases where points are spread over shards, each of which has lists of its own.
#[test]
fn several_shards_answer_as_one() {
    if shards() > 1 || url().is_none() {
        return;
    }
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["tests::qdrant", "tests::keywords", "tests::vectors", "--nocapture"])
        .env("QDRANT_SHARDS", "3")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    println!("with three shards: {}", said.lines().rev().find(|line| line.starts_with("test result")).unwrap());
}

#[cfg(usher_mutants)]
#[test]
fn points_that_the_mask_hides_are_noticed() {
    if url().is_some() {
        let test = "tests::qdrant::every_form_of_the_filter_gives_what_brute_force_gives";
        mutants::must_be_caught(&[("points_of_qdrant_unmasked", test)]);
    }
}
