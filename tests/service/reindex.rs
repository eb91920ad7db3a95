//! A collection is indexed anew beside itself: searches and writes go on, and every answer is that of the old indexes or
//! of the new ones, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use usher::catalog::collections::Pair;
use usher::catalog::{Catalog, Location, vectors};
use usher::config::{RawConfig, RawQdrant};
use usher::embed::{EmbedError, Embedder, Embedders, Failure, Role, normalise};
use usher::limits::Payer;
use usher::transfer;

use crate::common::{Client, TestService, document};

/// Documents that nobody touches during a test; `ann` may read every tenth.
const FIXED: usize = 600;

/// Sums of one pseudo-random vector per word: everything is somewhat like everything, and nothing ties.
struct Bag {
    id: String,
    dimensions: usize,
    is_down: AtomicBool,
    texts: AtomicU64,
}

impl Bag {
    fn new(id: &str, dimensions: usize) -> Arc<Self> {
        Arc::new(Self { id: id.to_owned(), dimensions, is_down: AtomicBool::new(false), texts: AtomicU64::new(0) })
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0; self.dimensions];
        for word in text.split_whitespace() {
            let mut bytes = vec![0; self.dimensions];
            blake3::Hasher::new_derive_key(&self.id).update(word.as_bytes()).finalize_xof().fill(&mut bytes);
            sum.iter_mut().zip(bytes).for_each(|(x, byte)| *x += f32::from(byte) - 127.5);
        }
        normalise(&mut sum);
        sum
    }
}

impl Embedder for Bag {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed<'a>(&'a self, texts: &'a [String], _: Role, _: &'a Payer) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        async move {
            if self.is_down.load(Ordering::SeqCst) {
                return Err(EmbedError::new(&self.id, Failure::NotConfigured));
            }
            self.texts.fetch_add(texts.len() as u64, Ordering::SeqCst);
            Ok(texts.iter().flat_map(|text| self.vector(text)).collect())
        }
        .boxed()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Home {
    Files,
    Catalog,
    Qdrant,
}

/// The homes that can be tested here.
fn homes() -> Vec<Home> {
    let mut homes = vec![Home::Files, Home::Catalog];
    match std::env::var("QDRANT_URL") {
        Ok(_) => homes.push(Home::Qdrant),
        Err(_) => usher_support::skipped("qdrant", "no Qdrant (set QDRANT_URL to its gRPC address)"),
    }
    // A shared catalog has no files.
    homes.retain(|home| *home != Home::Files || std::env::var_os("USHER_TEST_CATALOG").is_none());
    homes
}

struct Embeds {
    old: Arc<Bag>,
    new: Arc<Bag>,
    /// The longest query; what is left of old indexes is removed so much later.
    longest: Option<u64>,
}

impl Embeds {
    fn new() -> Self {
        Self { old: Bag::new("old", 16), new: Bag::new("new", 48), longest: None }
    }

    fn all(&self) -> Embedders {
        Embedders::new(vec![self.old.clone(), self.new.clone()])
    }

    async fn start(&self, home: Home, folder: tempfile::TempDir) -> TestService {
        let longest = self.longest.unwrap_or(if home == Home::Qdrant { 8_000 } else { 2_000 });
        let (deadline_ms, max_deadline_ms) = (Some(longest), Some(longest));
        let mut raw = RawConfig { deadline_ms, max_deadline_ms, ..RawConfig::default() };
        if home == Home::Qdrant {
            let name = folder.path().file_name().unwrap().to_string_lossy().replace('.', "");
            let url = std::env::var("QDRANT_URL").unwrap();
            let prefix = Some(format!("usher-re-{name}"));
            raw.qdrant = Some(RawQdrant { url, prefix, timeout_ms: Some(8_000), ..RawQdrant::default() });
        }
        match home {
            Home::Catalog => TestService::start_following_with(raw, folder, self.all()).await,
            _ => TestService::start_raw_with(raw, folder, self.all()).await,
        }
    }
}

fn text(n: usize) -> String {
    format!("about n{n} and m{} or k{}", n % 7, n % 31)
}

async fn store_fixed(admin: &Client) {
    let documents: Vec<Value> = (0..FIXED)
        .map(|n| {
            let viewer = if n % 10 == 0 { "user:ann" } else { "user:bob" };
            document(&format!("fixed/{n}"), &text(n), json!({"viewers": [viewer]}))
        })
        .collect();
    for part in documents.chunks(100) {
        admin.put_documents(part.to_vec()).await;
    }
}

/// What `ann` has to get for a question: all of hers, in the order of this embedder.
fn expected(bag: &Bag, question: &str) -> Vec<String> {
    let query = bag.vector(question);
    let mut ranked: Vec<(f64, String)> = (0..FIXED)
        .step_by(10)
        .map(|n| {
            let id = format!("fixed/{n}");
            // The title is the id.
            let row = bag.vector(&format!("{id}\n{}", text(n)));
            (row.iter().zip(&query).map(|(a, b)| f64::from(a * b)).sum(), id)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().map(|(_, id)| id).take(50).collect()
}

async fn ask(client: &Client, question: &str) -> Vec<String> {
    let query = json!({"query": question, "mode": "vector", "top_k": 50, "max_per_document": 1});
    let answer = client.post("/v1/query", query).await.ok();
    assert_eq!(answer["complete"], true, "{answer}");
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect()
}

/// Asks until told to stop. Once an answer is in the new order, no later one is in the old.
async fn ask_on(client: Client, embeds: Arc<Embeds>, is_over: Arc<AtomicBool>, near_enough: f64) -> (u64, u64) {
    let (mut old, mut new) = (0, 0);
    let orders: Vec<(String, Vec<String>, Vec<String>)> = (0..20)
        .map(|n| {
            let question = format!("about n{} m{} k{}", n * 10, n % 7, n % 31);
            let orders = (expected(&embeds.old, &question), expected(&embeds.new, &question));
            (question, orders.0, orders.1)
        })
        .collect();
    // Qdrant computes in 32 bits: near neighbours may change places.
    let is_like = |found: &[String], wanted: &[String]| {
        let same = found.iter().zip(wanted).filter(|(a, b)| a == b).count();
        found.len() == wanted.len() && same as f64 >= near_enough * wanted.len() as f64
    };
    while !is_over.load(Ordering::SeqCst) {
        for (question, in_old, in_new) in &orders {
            let found = ask(&client, question).await;
            if new == 0 && is_like(&found, in_old) {
                old += 1;
            } else {
                assert!(is_like(&found, in_new), "{question}: neither order, after {old} and {new}: {found:?}");
                new += 1;
            }
        }
    }
    (old, new)
}

/// Stores, changes and removes documents of its own until told to stop; what there is in the end.
async fn write_on(admin: Client, is_over: Arc<AtomicBool>) -> BTreeMap<String, String> {
    let mut stored = BTreeMap::new();
    let mut step = 0;
    while !is_over.load(Ordering::SeqCst) {
        step += 1;
        let id = format!("moving/{}", step % 40);
        if step % 5 == 0 {
            admin.delete(&format!("/v1/documents/{}?collection=main", id.replace('/', "%2F"))).await.ok();
            stored.remove(&id);
        } else {
            let text = format!("moving s{step} t{}", step % 9);
            admin.put_documents(vec![document(&id, &text, json!({"viewers": ["user:eve"]}))]).await;
            stored.insert(id, text);
        }
    }
    stored
}

async fn collection(admin: &Client) -> Value {
    admin.get("/v1/collections/main").await.ok()
}

async fn until_switched(admin: &Client, embedder: &str) -> Value {
    let begun = Instant::now();
    loop {
        let view = collection(admin).await;
        if view["embedder"] == embedder && view.get("reindexing").is_none() {
            return view;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to an end: {view}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nothing but the current indexes is left, in the catalog and on disk.
async fn until_cleared(service: &TestService, home: Home, current: u32) {
    let begun = Instant::now();
    let state = service.service().published.load().collection("main").unwrap().clone();
    assert_eq!(state.pair().generation, current);
    let catalog = service.service().catalog.clone();
    loop {
        let mut tx = catalog.read().await.unwrap();
        let is_left = vectors::left(&mut tx, state.id).await.unwrap().is_some();
        let folders: BTreeSet<String> = match std::fs::read_dir(service.folder.path().join("indexes")) {
            Ok(entries) => entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect(),
            Err(_) => BTreeSet::new(),
        };
        let only_current = home == Home::Qdrant || folders == [state.pair().to_string()].into();
        if !is_left && only_current {
            let other = Pair { generation: current + 1, ..state.pair() };
            let count = async |tx: &mut _, pair| {
                let stored = vectors::of_chunks(tx, pair, 0..u32::MAX).await.unwrap();
                (stored.iter().filter(|(_, vector)| vector.is_some()).count(), stored.len())
            };
            assert_eq!(count(&mut tx, other).await.0, 0, "vectors of another generation are left");
            let (held, chunks) = count(&mut tx, state.pair()).await;
            assert_eq!(held, if home == Home::Files { 0 } else { chunks });
            return;
        }
        drop(tx);
        assert!(begun.elapsed() < Duration::from_secs(30), "something is left: {is_left} {folders:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn check_whole(service: &TestService, bag: &Bag, stored: &BTreeMap<String, String>, near_enough: f64) {
    let (ann, eve) = (service.as_reader("user:ann"), service.as_reader("user:eve"));
    for n in (0..FIXED).step_by(50) {
        let (found, wanted) = (ask(&ann, &text(n)).await, expected(bag, &text(n)));
        let same = found.iter().zip(&wanted).filter(|(a, b)| a == b).count();
        assert_eq!(found.len(), wanted.len());
        assert!(same as f64 >= near_enough * wanted.len() as f64, "{found:?} instead of {wanted:?}");
    }
    let all: BTreeSet<String> = ask(&eve, "moving").await.into_iter().collect();
    assert_eq!(all, stored.keys().cloned().collect(), "what was written meanwhile");
    for (id, text) in stored {
        assert_eq!(&ask(&eve, &format!("{id} {text}")).await[0], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_and_writes_go_on_while_a_collection_is_indexed_anew() {
    for home in homes() {
        let embeds = Arc::new(Embeds::new());
        let near_enough = if home == Home::Qdrant { 0.9 } else { 1.0 };
        let service = embeds.start(home, tempfile::tempdir().unwrap()).await;
        let admin = service.admin();
        store_fixed(&admin).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let askers: Vec<_> = (0..2)
            .map(|_| {
                let ann = service.as_reader("user:ann");
                tokio::spawn(ask_on(ann, embeds.clone(), is_over.clone(), near_enough))
            })
            .collect();
        let writer = tokio::spawn(write_on(admin.clone(), is_over.clone()));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = admin.post("/v1/collections/main/reindex", json!({"embedder": "new", "analyser": "german"})).await;
        assert_eq!(begun.status, 202);
        let view = begun.json();
        assert_eq!((&view["embedder"], &view["reindexing"]["embedder"]), (&json!("old"), &json!("new")));
        let view = until_switched(&admin, "new").await;
        assert_eq!((&view["dimensions"], &view["analyser"]), (&json!(48), &json!("german")));
        tokio::time::sleep(Duration::from_millis(300)).await;
        is_over.store(true, Ordering::SeqCst);
        let (mut old, mut new) = (0, 0);
        for asker in askers {
            let (in_old, in_new) = asker.await.unwrap();
            (old, new) = (old + in_old, new + in_new);
        }
        let stored = writer.await.unwrap();
        assert!(old > 0 && new > 0, "{home:?}: {old} answers of the old indexes, {new} of the new");
        println!("{home:?}: {old} answers of the old indexes, {new} of the new, none of neither");
        check_whole(&service, &embeds.new, &stored, near_enough).await;
        until_cleared(&service, home, 1).await;
        let folder = service.stop().await;
        let service = embeds.start(home, folder).await;
        check_whole(&service, &embeds.new, &stored, near_enough).await;
        // Back again, with what was embedded then: into other numbers and places.
        let reply = service.admin().post("/v1/collections/main/reindex", json!({"embedder": "old"})).await;
        assert_eq!(reply.status, 202);
        until_switched(&service.admin(), "old").await;
        check_whole(&service, &embeds.old, &stored, near_enough).await;
        until_cleared(&service, home, 2).await;
        check_whole(&service, &embeds.old, &stored, near_enough).await;
        service.admin().delete("/v1/collections/main?force=true").await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_embedder_is_not_asked_again() {
    for home in homes() {
        let embeds = Arc::new(Embeds::new());
        let service = embeds.start(home, tempfile::tempdir().unwrap()).await;
        store_fixed(&service.admin()).await;
        let asked = embeds.old.texts.load(Ordering::SeqCst);
        assert_eq!(service.admin().post("/v1/collections/main/reindex", json!({})).await.status, 202);
        until_cleared_after_switch(&service, home).await;
        assert_eq!(embeds.old.texts.load(Ordering::SeqCst), asked, "vectors are copied");
        let near_enough = if home == Home::Qdrant { 0.9 } else { 1.0 };
        check_whole(&service, &embeds.old, &BTreeMap::new(), near_enough).await;
        service.admin().delete("/v1/collections/main?force=true").await.ok();
    }
}

async fn until_cleared_after_switch(service: &TestService, home: Home) {
    let begun = Instant::now();
    while service.service().published.load().collection("main").unwrap().pair().generation == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until_cleared(service, home, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_an_outage_and_a_restart_and_can_be_given_up() {
    for home in homes() {
        let embeds = Arc::new(Embeds::new());
        let near_enough = if home == Home::Qdrant { 0.9 } else { 1.0 };
        let service = embeds.start(home, tempfile::tempdir().unwrap()).await;
        let admin = service.admin();
        store_fixed(&admin).await;
        // The new embedder is down: it begins, and waits.
        embeds.new.is_down.store(true, Ordering::SeqCst);
        let reindex =
            async |admin: &Client| admin.post("/v1/collections/main/reindex", json!({"embedder": "new"})).await;
        assert_eq!(reindex(&admin).await.status, 202);
        assert_eq!(reindex(&admin).await.problem(409), "conflict");
        let put = admin.put("/v1/collections/main", json!({"embedder": "new"})).await;
        assert_eq!(put.problem(409), "conflict", "it has its own route");
        assert!(admin.post("/v1/collections/main/reindex", json!({"embedder": "none"})).await.status.is_client_error());
        assert_eq!(admin.post("/v1/collections/no/reindex", json!({})).await.status, 404);
        let key = admin.post("/v1/keys", json!({"name": "w", "scopes": ["documents.write"]})).await.ok();
        let writer = Client { key: key["key"].as_str().unwrap().to_owned(), ..admin.clone() };
        assert_eq!(writer.post("/v1/collections/main/reindex", json!({})).await.status, 403);
        let mut stored = BTreeMap::new();
        for n in 0..5 {
            let (id, text) = (format!("moving/{n}"), format!("moving s{n}"));
            admin.put_documents(vec![document(&id, &text, json!({"viewers": ["user:eve"]}))]).await;
            stored.insert(id, text);
        }
        check_whole(&service, &embeds.old, &stored, near_enough).await;
        let view = collection(&admin).await;
        assert_eq!(view["reindexing"]["done"], 0, "{view}");
        let folder = service.stop().await;
        if home == Home::Files {
            let to = tempfile::tempdir().unwrap();
            let error = transfer::export(&Location::Folder(folder.path().to_owned()), folder.path(), to.path()).await;
            assert!(error.unwrap_err().to_string().contains("re-indexed"));
        }
        let service = embeds.start(home, folder).await;
        check_whole(&service, &embeds.old, &stored, near_enough).await;
        // Given up, and what there is of it is removed.
        assert_eq!(service.admin().delete("/v1/collections/main/reindex").await.status, 204);
        assert_eq!(service.admin().delete("/v1/collections/main/reindex").await.status, 204);
        assert!(collection(&service.admin()).await.get("reindexing").is_none());
        assert_eq!(reindex(&service.admin()).await.problem(409), "conflict", "what is left goes first");
        until_cleared(&service, home, 0).await;
        // Begun again, stopped in the middle, and completed.
        assert_eq!(reindex(&service.admin()).await.status, 202);
        embeds.new.is_down.store(false, Ordering::SeqCst);
        let until = Instant::now() + Duration::from_secs(20);
        while collection(&service.admin()).await["reindexing"]["done"] == 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        embeds.new.is_down.store(true, Ordering::SeqCst);
        let folder = service.stop().await;
        damage(home, folder.path());
        let service = embeds.start(home, folder).await;
        embeds.new.is_down.store(false, Ordering::SeqCst);
        until_switched(&service.admin(), "new").await;
        check_whole(&service, &embeds.new, &stored, near_enough).await;
        until_cleared(&service, home, 3).await;
        check_whole(&service, &embeds.new, &stored, near_enough).await;
        service.admin().delete("/v1/collections/main?force=true").await.ok();
    }
}

/// Loses the files of the indexes that are being filled.
fn damage(home: Home, folder: &Path) {
    if home != Home::Qdrant {
        let _ = std::fs::remove_dir_all(folder.join("indexes").join("1-3"));
    }
}

/// A query is held still between pinning a state and searching, while the collection is switched.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_by_the_indexes_of_the_state_that_it_pinned() {
    for home in homes() {
        let embeds = Embeds { longest: Some(30_000), ..Embeds::new() };
        let service = embeds.start(home, tempfile::tempdir().unwrap()).await;
        let admin = service.admin();
        store_fixed(&admin).await;
        let request = format!("pinned-{home:?}-{}", std::process::id());
        let pause = usher::pause::arm("query.pinned", &request);
        let ann = Client { request_id: Some(request), ..service.as_reader("user:ann") };
        let question = text(30);
        let asked = tokio::spawn(async move { ask(&ann, &text(30)).await });
        pause.reached().await;
        assert_eq!(admin.post("/v1/collections/main/reindex", json!({"embedder": "new"})).await.status, 202);
        // As long as a query may take, and no longer, the old indexes are there.
        until_switched(&admin, "new").await;
        pause.release();
        assert_eq!(asked.await.unwrap()[..5], expected(&embeds.old, &question)[..5], "{home:?}");
        assert_eq!(ask(&service.as_reader("user:ann"), &question).await[..5], expected(&embeds.new, &question)[..5]);
        admin.delete("/v1/collections/main?force=true").await.ok();
    }
}

/// The removal of a collection was cut short: its indexes in Qdrant go at the next start. Another service's stay.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_collection_left_in_qdrant_is_removed() {
    if !homes().contains(&Home::Qdrant) {
        return;
    }
    let embeds = Embeds::new();
    let service = embeds.start(Home::Qdrant, tempfile::tempdir().unwrap()).await;
    let admin = service.admin();
    store_fixed(&admin).await;
    let inner = service.service();
    let state = inner.published.load().collection("main").unwrap().clone();
    assert_eq!(inner.indexes.elsewhere().await.unwrap(), [state.pair()]);
    drop(inner);
    let folder = service.stop().await;
    // As a crash right after the commit would leave it.
    let catalog = Catalog::open(&crate::common::config(folder.path()).await.catalog, 1).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    usher::catalog::collections::delete(&mut tx, state.id).await.unwrap();
    tx.commit().await.unwrap();
    catalog.close().await;
    let service = embeds.start(Home::Qdrant, folder).await;
    let begun = Instant::now();
    while !service.service().indexes.elsewhere().await.unwrap().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn mutants_are_caught() {
    crate::common::mutants::must_be_caught(&[
        ("search_the_newest_pair", "reindex::a_query_is_answered_by_the_indexes_of_the_state_that_it_pinned"),
        ("cover_without_vectors", "reindex::the_same_embedder_is_not_asked_again"),
    ]);
}
