//! The service under test, filled over HTTP with the corpus's own vectors.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use usher::audit::Trace;
use usher::config::{RawConfig, RawLimits, RawRates};
use usher::embed::{EmbedError, Embedder, Embedders, Failure, HashEmbedder, Role};
use usher::identity::Credential;
use usher::limits::{ConnectionLimits, Payer};
use usher::progress::Stage;
use usher::query;
use usher::serve::{self, Listeners, Listening, Running};
use usher::service::Service;
use usher::snapshot::CollectionState;
use usher::telemetry::Metrics;
use usher::wire::{Answer, Include, Mode, Query};
use usher_bench::access::Document;
use usher_bench::vectors::DIMENSIONS;
use usher_bench::{Corpus, Planted, Question, Rule};

use crate::results::{Results, resident};
use crate::starts::Clock;

const COLLECTION: &str = "bench";
/// Documents of a request.
const BATCH: usize = 128;

/// The service, and how the corpus's chunks are numbered in it.
pub struct Loaded {
    running: Running,
    folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
    embedders: Embedders,
    key: String,
    /// The corpus's vectors, row-major.
    pub rows: Arc<Vec<f32>>,
    /// Chunk ordinals of the service by the corpus's.
    pub ordinals: Vec<u32>,
    /// The corpus's chunks by the service's ordinals.
    pub chunks: Vec<u32>,
}

/// Knows the vector of every generated text.
struct Table {
    rows: Arc<Vec<f32>>,
    chunks: HashMap<u64, u32>,
}

fn digest(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

impl Embedder for Table {
    fn id(&self) -> &str {
        "table"
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    fn embed<'a>(&'a self, texts: &'a [String], _: Role, _: &'a Payer) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        async move {
            let mut rows = Vec::with_capacity(texts.len() * DIMENSIONS);
            for text in texts {
                let chunk =
                    *self.chunks.get(&digest(text)).ok_or_else(|| EmbedError::new("table", Failure::NotConfigured))?
                        as usize;
                rows.extend_from_slice(&self.rows[chunk * DIMENSIONS..(chunk + 1) * DIMENSIONS]);
            }
            Ok(rows)
        }
        .boxed()
    }
}

impl Loaded {
    pub async fn load(
        corpus: &Corpus,
        readers: &[Planted],
        data: Option<PathBuf>,
        results: &mut Results,
    ) -> anyhow::Result<Self> {
        let mut rows = Vec::with_capacity(corpus.chunk_count() as usize * DIMENSIONS);
        let mut chunks = HashMap::with_capacity(corpus.chunk_count() as usize);
        for document in corpus.documents() {
            rows.extend(corpus.vectors(document));
            let texts = corpus.texts(document);
            for (chunk, text) in (document.first_chunk..).zip(&texts.chunks) {
                chunks.insert(digest(&format!("{}\n{text}", texts.title)), chunk);
            }
        }
        let rows = Arc::new(rows);
        let table = Table { rows: rows.clone(), chunks };
        let embedders = Embedders::new(vec![Arc::new(table), Arc::new(HashEmbedder)]);
        let temporary = if data.is_none() { Some(tempfile::tempdir()?) } else { None };
        let folder = data.or_else(|| temporary.as_ref().map(|t| t.path().to_owned())).context("a folder")?;
        let running = open(&folder, &embedders).await?;
        let key = std::fs::read_to_string(folder.join(serve::ADMIN_KEY_FILE))?.trim().to_owned();
        let mut loaded = Self {
            running,
            folder,
            _temporary: temporary,
            embedders,
            key,
            rows,
            ordinals: Vec::new(),
            chunks: Vec::new(),
        };
        loaded.fill(corpus, readers, results).await?;
        loaded.number(corpus);
        Ok(loaded)
    }

    async fn fill(&self, corpus: &Corpus, readers: &[Planted], results: &mut Results) -> anyhow::Result<()> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(any, any).await?;
        let base = format!("http://{}", listeners.addresses()?.0);
        let connections = ConnectionLimits {
            all: 64,
            per_address: 64,
            head: Duration::from_secs(60),
            idle: Duration::from_secs(600),
        };
        let listening = Listening::begin(listeners, connections, &self.service().metrics);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let until = async {
            let _ = stopped.await;
        };
        let client = Client { base, key: self.key.clone(), http: reqwest::Client::new() };
        let work = async {
            let filled = self.send(&client, corpus, readers, results).await;
            let _ = stop.send(());
            filled
        };
        let (served, filled) = tokio::join!(listening.show(&self.running).until(&self.running, until), work);
        served?;
        filled
    }

    async fn send(
        &self,
        client: &Client,
        corpus: &Corpus,
        readers: &[Planted],
        results: &mut Results,
    ) -> anyhow::Result<()> {
        client.put("/v1/collections/bench", json!({"embedder": "table", "analyser": "simple"})).await?;
        client.put("/v1/collections/hashed", json!({"embedder": "hash-v1", "analyser": "simple"})).await?;
        let start = Instant::now();
        let tuples = corpus.access.tuples();
        client.write(&tuples).await?;
        results.note("tuples of groups and folders", json!(tuples.len()));
        results.note("tuples per second", json!(tuples.len() as f64 / start.elapsed().as_secs_f64()));

        // The same documents with the built-in embedder: what embedding costs beside everything else.
        let start = Instant::now();
        let sample = &corpus.documents()[..corpus.documents().len().min(1_000)];
        for batch in sample.chunks(BATCH) {
            client.documents(batch.iter().map(|d| document(corpus, d, "hashed")).collect()).await?;
        }
        let chunks: u32 = sample.iter().map(|document| document.chunks).sum();
        results
            .note("ingest with hash-v1, chunks per second", json!(f64::from(chunks) / start.elapsed().as_secs_f64()));
        client.delete("/v1/collections/hashed?force=true").await?;

        let (mut spent, start) = (Duration::ZERO, Instant::now());
        for batch in corpus.documents().chunks(BATCH) {
            let documents = batch.iter().map(|d| document(corpus, d, COLLECTION)).collect();
            let sent = Instant::now();
            client.documents(documents).await?;
            spent += sent.elapsed();
        }
        let chunks = f64::from(corpus.chunk_count());
        let state = self.state();
        let indexes = self.service().indexes.get(state.pair()).context("indexes")?;
        indexes.at_least(state.last_operation).await;
        results.lower("ingest without embedding, chunks/s", chunks / spent.as_secs_f64(), None, 5_000.0, 20_000.0);
        results.note("and until the keyword index has followed", json!(chunks / start.elapsed().as_secs_f64()));
        println!("loaded in {:.1?}", start.elapsed());

        let planted: Vec<_> = readers.iter().flat_map(|reader| reader.tuples.iter().cloned()).collect();
        client.write(&planted).await?;
        results.note("tuples of planted readers", json!(planted.len()));
        let store = self.service().published.load();
        let graph = &store.store(&state.settings.store).context("a store")?.graph;
        let audiences: std::collections::HashSet<_> =
            self.state().documents().map(|entry| graph.audience(entry.node)).collect();
        results.note("audiences", json!(audiences.len()));
        results.note("resident MiB", json!(resident()));
        Ok(())
    }

    fn number(&mut self, corpus: &Corpus) {
        let state = self.state();
        self.ordinals = vec![u32::MAX; corpus.chunk_count() as usize];
        self.chunks = vec![u32::MAX; state.next_chunk() as usize];
        for document in corpus.documents() {
            let entry = state.document_by_id(&document.id()).expect("every document was stored");
            assert_eq!(entry.chunk_count, document.chunks, "{} has other chunks than it was sent with", document.id());
            for at in 0..document.chunks {
                self.ordinals[(document.first_chunk + at) as usize] = entry.first_chunk + at;
                self.chunks[(entry.first_chunk + at) as usize] = document.first_chunk + at;
            }
        }
    }

    pub fn service(&self) -> &Arc<Service> {
        &self.running.service
    }

    pub fn state(&self) -> Arc<CollectionState> {
        self.service().published.load().collection(COLLECTION).expect("the collection was made").clone()
    }

    /// One whole query, as a request would run it, with the caller's own vector.
    pub async fn ask(&self, subject: &str, question: &Question, mode: Mode) -> anyhow::Result<Answer> {
        let credential =
            Credential { bearer: Some(self.key.clone()), subject_token: None, subject: Some(subject.to_owned()) };
        let request = Query {
            query: Some(question.text.clone()).filter(|_| mode != Mode::Vector),
            vector: Some(question.vector.clone()).filter(|_| mode != Mode::Keyword),
            mode,
            collections: vec![COLLECTION.to_owned()],
            include: Some(vec![Include::Text, Include::Timings]),
            deadline_ms: Some(30_000),
            ..Query::default()
        };
        Ok(query::answer(self.service(), &credential, request, &Trace::default(), Instant::now()).await?)
    }

    pub fn tuple_count(&self) -> usize {
        let snapshot = self.service().published.load();
        snapshot.stores.values().map(|store| store.graph.tuple_count()).sum()
    }

    /// Stops in order and opens again, until the start is complete; its processor and wall time, and that of its stages.
    pub async fn start_again(self) -> anyhow::Result<(Self, f64, f64, Vec<(Stage, Duration)>)> {
        let Self { running, folder, _temporary, embedders, key, rows, ordinals, chunks } = self;
        running.stop().await;
        let clock = Clock::begin();
        let running = open(&folder, &embedders).await?;
        let progress = running.service.metrics.progress().clone();
        while !progress.is_complete() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (work, wall) = clock.read();
        let again = Self { running, folder, _temporary, embedders, key, rows, ordinals, chunks };
        Ok((again, work, wall, progress.stages()))
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// Stops in order, opens again and asks.
    pub async fn restart(self, readers: &[Planted], results: &mut Results) -> anyhow::Result<()> {
        let Self { running, folder, _temporary, embedders, key, rows, ordinals, chunks } = self;
        running.stop().await;
        let size = folder_size(&folder)?;
        results.note("disk MiB", json!(size >> 20));
        let start = Instant::now();
        let running = open(&folder, &embedders).await?;
        let opened = start.elapsed();
        let loaded = Self { running, folder, _temporary, embedders, key, rows, ordinals, chunks };
        let question = Question { vector: loaded.rows[..DIMENSIONS].to_vec(), text: "ba".to_owned() };
        let reader = readers.first().context("a reader")?;
        loaded.ask(&reader.subject, &question, Mode::Hybrid).await?;
        results.note("opened after a stop in order, s", json!(opened.as_secs_f64()));
        let first = start.elapsed().as_secs_f64();
        results.upper("start to first answer, s", first, None, 5.0, 2.0);
        loaded.running.stop().await;
        Ok(())
    }
}

async fn open(folder: &std::path::Path, embedders: &Embedders) -> anyhow::Result<Running> {
    // One key asks for everybody, as fast as it can.
    let limits = RawLimits { rates: RawRates::none(), max_queries_per_key: Some(64), ..RawLimits::default() };
    let limits = RawLimits { max_queries_per_subject: Some(64), ..limits };
    let config = RawConfig { data: Some(folder.to_owned()), limits, ..RawConfig::default() }.resolve()?;
    Ok(serve::open(&config, embedders.clone(), Metrics::new()?).await?)
}

fn folder_size(folder: &std::path::Path) -> std::io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += if metadata.is_dir() { folder_size(&entry.path())? } else { metadata.len() };
    }
    Ok(size)
}

/// A document as the API takes it.
fn document(corpus: &Corpus, document: &Document, collection: &str) -> Value {
    let texts = corpus.texts(document);
    let (mut text, mut spans) = (String::new(), Vec::new());
    for chunk in &texts.chunks {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        spans.push(json!({"start": text.len(), "end": text.len() + chunk.len()}));
        text.push_str(chunk);
    }
    json!({
        "id": document.id(),
        "collection": collection,
        "title": texts.title,
        "content": {"type": "text/plain", "text": text},
        "chunks": spans,
        "acl": acl(document),
    })
}

fn acl(document: &Document) -> Value {
    let parents = json!([format!("folder:f{}", document.folder)]);
    let group = |group: &u32| format!("group:g{group}#member");
    let inherit = document.rule.inherits();
    let with = |key: &str, value: Value| json!({"parents": parents, "inherit": inherit, key: value});
    match &document.rule {
        Rule::Folder => json!({"parents": parents, "inherit": true}),
        Rule::Users(users) => {
            let mut users = users.clone();
            users.sort_unstable();
            users.dedup();
            with("viewers", users.iter().map(|user| format!("user:u{user}")).collect())
        }
        Rule::Group(one) => with("viewers", json!([group(one)])),
        Rule::Both(a, b) => with("all_of", json!([[group(a)], [group(b)]])),
        Rule::Except(user) => with("blocked", json!([format!("user:u{user}")])),
        Rule::During { group: one, is_over } => {
            let end = if *is_over { "2001-01-01T00:00:00Z" } else { "2100-01-01T00:00:00Z" };
            let context = json!({"start": "2000-01-01T00:00:00Z", "end": end});
            with("viewers", json!([{"principal": group(one), "condition": {"name": "during", "context": context}}]))
        }
        Rule::Public => with("viewers", json!(["user:*"])),
        Rule::Nobody => json!({"nobody": true}),
        Rule::Own => json!({"viewers": [format!("group:own-{}#member", document.index)]}),
        Rule::All => json!({"viewers": ["group:all#member"]}),
    }
}

struct Client {
    base: String,
    key: String,
    http: reqwest::Client,
}

impl Client {
    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let reply = request.send().await?;
        let (status, bytes) = (reply.status(), reply.bytes().await?);
        if !status.is_success() {
            bail!("{path} answers {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }

    async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::PUT, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call(reqwest::Method::DELETE, path, None).await
    }

    async fn documents(&self, documents: Vec<Value>) -> anyhow::Result<()> {
        let answer = self.call(reqwest::Method::POST, "/v1/documents", Some(json!({"documents": documents}))).await?;
        let results = answer["results"].as_array().context("results")?;
        match results.iter().find(|result| result["status"] == "rejected") {
            Some(rejected) => bail!("a document was rejected: {rejected}"),
            None => Ok(()),
        }
    }

    async fn write(&self, tuples: &[usher_bench::access::Tuple]) -> anyhow::Result<()> {
        for batch in tuples.chunks(1_000) {
            let writes: Vec<_> = batch
                .iter()
                .map(|(user, relation, object)| json!({"user": user, "relation": relation, "object": object}))
                .collect();
            let body = json!({"writes": writes, "idempotent": true});
            self.call(reqwest::Method::POST, "/v1/relationships/write", Some(body)).await?;
        }
        Ok(())
    }
}
