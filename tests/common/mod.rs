#![allow(dead_code, reason = "each test binary uses a part of it")]
//! A service on a free port with a folder of its own, and a small client.

pub mod mutants;
pub mod openfga;
pub mod postgres;
pub mod reranker;
pub mod tokens;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use usher::config::{Config, RawConfig, RawRates};
use usher::embed::{Embedders, HashEmbedder};
use usher::indexes::VectorHome;
use usher::serve::{self, Listeners, Listening};
use usher::telemetry::Metrics;

pub struct TestService {
    pub folder: tempfile::TempDir,
    server: Server,
}

struct Server {
    base: String,
    admin_base: String,
    /// One for all clients of the service: making one is slow.
    http: reqwest::Client,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
    pub service: std::sync::Weak<usher::service::Service>,
}

impl TestService {
    pub async fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let server = start(folder.path()).await;
        Self { folder, server }
    }

    /// Starts with embedders of the test's own.
    pub async fn start_with(folder: tempfile::TempDir, embedders: Embedders) -> Self {
        Self::start_raw_with(RawConfig::default(), folder, embedders).await
    }

    /// Starts with a configuration and embedders of the test's own.
    pub async fn start_raw_with(raw: RawConfig, folder: tempfile::TempDir, embedders: Embedders) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let raw = RawConfig { data: Some(folder.path().to_owned()), ..raw };
        let server = start_with(raw, embedders).await;
        Self { folder, server }
    }

    /// Starts with a configuration of the test's own; the folder is a new one.
    pub async fn start_raw(raw: RawConfig) -> Self {
        Self::start_raw_with(raw, tempfile::tempdir().unwrap(), Embedders::new(vec![Arc::new(HashEmbedder)])).await
    }

    /// Starts on a folder that exists.
    pub async fn start_in(folder: tempfile::TempDir) -> Self {
        let server = start(folder.path()).await;
        Self { folder, server }
    }

    /// Starts on a folder as one of several processes would: the catalog keeps vectors, indexes follow it.
    pub async fn start_following(folder: tempfile::TempDir) -> Self {
        Self::start_following_with(RawConfig::default(), folder, Embedders::new(vec![Arc::new(HashEmbedder)])).await
    }

    /// The same with a configuration and embedders of the test's own.
    pub async fn start_following_with(raw: RawConfig, folder: tempfile::TempDir, embedders: Embedders) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let raw = RawConfig { data: Some(folder.path().to_owned()), ..raw };
        let config = Config { vectors: VectorHome::Catalog, ..resolve(raw).await };
        let server = start_config(config, embedders).await;
        Self { folder, server }
    }

    /// Starts on a folder within `parent`; the admin key is looked for there too.
    pub async fn start_at(parent: tempfile::TempDir, name: &str) -> Self {
        Self::start_raw_at(RawConfig::default(), parent, name).await
    }

    /// The same with a configuration of the test's own.
    pub async fn start_raw_at(raw: RawConfig, parent: tempfile::TempDir, name: &str) -> Self {
        let raw = RawConfig { data: Some(parent.path().join(name)), ..raw };
        let server = start_with(raw, Embedders::new(vec![Arc::new(HashEmbedder)])).await;
        std::fs::copy(parent.path().join(name).join("admin.key"), parent.path().join("admin.key")).unwrap();
        Self { folder: parent, server }
    }

    /// Stops the service in order and starts it again on the same folder.
    pub async fn restart(self) -> Self {
        let Self { folder, mut server } = self;
        server.stop.take().unwrap().send(()).unwrap();
        server.task.await.unwrap();
        let server = start(folder.path()).await;
        Self { folder, server }
    }

    /// Stops the service and gives the folder back.
    pub async fn stop(self) -> tempfile::TempDir {
        let Self { folder, mut server } = self;
        server.stop.take().unwrap().send(()).unwrap();
        server.task.await.unwrap();
        folder
    }

    pub fn base(&self) -> &str {
        &self.server.base
    }

    pub fn metrics_url(&self) -> String {
        format!("{}/metrics", self.server.admin_base)
    }

    pub fn service(&self) -> std::sync::Arc<usher::service::Service> {
        self.server.service.upgrade().unwrap()
    }

    /// A client with the first admin key.
    pub fn admin(&self) -> Client {
        let key = std::fs::read_to_string(self.folder.path().join("admin.key")).unwrap();
        Client {
            base: self.base().to_owned(),
            key: key.trim().to_owned(),
            subject: None,
            request_id: None,
            http: self.server.http.clone(),
        }
    }

    /// Somebody with a token of the tests' issuer: a person, and the agents that act for it.
    pub fn with_token(&self, reader: &[String]) -> Client {
        Client { key: tokens::token_of(reader), ..self.admin() }
    }

    /// The admin key acting as somebody.
    pub fn as_reader(&self, subject: &str) -> Client {
        Client { subject: Some(subject.to_owned()), ..self.admin() }
    }
}

async fn start(folder: &Path) -> Server {
    let embedders = Embedders::new(vec![Arc::new(HashEmbedder)]);
    start_with(RawConfig { data: Some(folder.to_owned()), ..RawConfig::default() }, embedders).await
}

/// What a service on this folder runs with.
pub async fn config(folder: &Path) -> Config {
    resolve(RawConfig { data: Some(folder.to_owned()), ..RawConfig::default() }).await
}

async fn resolve(mut raw: RawConfig) -> Config {
    // Tests of other things ask as fast as they can, often as one reader.
    let rates = &mut raw.limits.rates;
    let set = [rates.query, rates.read, rates.write, rates.check, rates.survey];
    if set.iter().all(Option::is_none) {
        *rates = RawRates::none();
    }
    if postgres::is_chosen() {
        let url = postgres::url_for(raw.data.as_deref().unwrap()).await;
        raw.catalog_url.get_or_insert(url.parse().unwrap());
    }
    raw.resolve().unwrap()
}

async fn start_with(raw: RawConfig, embedders: Embedders) -> Server {
    start_config(resolve(raw).await, embedders).await
}

async fn start_config(config: Config, embedders: Embedders) -> Server {
    if std::env::var_os("USHER_TEST_LOG").is_some() {
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
            .with_writer(std::io::stderr)
            .try_init();
    }
    let metrics = Metrics::new().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = Listeners::bind(any, any).await.unwrap();
    let (api, admin) = listeners.addresses().unwrap();
    let (base, admin_base) = (format!("http://{api}"), format!("http://{admin}"));
    let listening = Listening::begin(listeners, config.limits.connections, &metrics);
    let running = serve::open(&config, embedders, metrics).await.unwrap();
    let service = std::sync::Arc::downgrade(&running.service);
    let serving = listening.show(&running);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let until = async {
            let _ = stopped.await;
        };
        serving.until(&running, until).await.unwrap();
        running.stop().await;
    });
    Server { base, admin_base, http: reqwest::Client::new(), stop: Some(stop), task, service }
}

#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub key: String,
    pub subject: Option<String>,
    pub request_id: Option<String>,
    pub http: reqwest::Client,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.bytes));
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem's code.
    #[track_caller]
    pub fn problem(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl Client {
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        if let Some(subject) = &self.subject {
            request = request.header("Usher-Subject", subject);
        }
        if let Some(id) = &self.request_id {
            request = request.header("X-Request-ID", id);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Stores documents in `main` and expects each to be taken.
    #[track_caller]
    pub fn put_documents(&self, documents: Vec<Value>) -> impl Future<Output = Value> {
        let client = self.clone();
        async move {
            let answer = client.post("/v1/documents", json!({"documents": documents})).await.ok();
            for result in answer["results"].as_array().unwrap() {
                assert_ne!(result["status"], "rejected", "{result}");
            }
            answer
        }
    }

    pub async fn write(&self, writes: Value, deletes: Value) -> Value {
        self.post("/v1/relationships/write", json!({"writes": writes, "deletes": deletes})).await.ok()
    }

    /// Ids of the documents that a question finds.
    pub async fn ask(&self, question: &str) -> Vec<String> {
        let answer = self.post("/v1/query", json!({"query": question, "top_k": 50})).await.ok();
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["document_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub fn document(id: &str, text: &str, acl: Value) -> Value {
    json!({"id": id, "collection": "main", "title": id, "content": {"type": "text/plain", "text": text}, "acl": acl})
}

pub fn tuple(user: &str, relation: &str, object: &str) -> Value {
    json!({"user": user, "relation": relation, "object": object})
}
