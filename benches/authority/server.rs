//! A real OpenFGA server over SQLite, and the calls that the rivals make.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::world;

/// Tuples of one write; the server's limit.
const WRITE: usize = 100;

/// A server's process and a client of it.
pub struct Server {
    child: Child,
    http: reqwest::Client,
    base: String,
    pub store: String,
    pub model: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's own limits, or none that a large answer would meet.
#[derive(Clone, Copy, PartialEq)]
pub enum Limits {
    Default,
    None,
}

impl Server {
    /// Starts a server on the database at `data`.
    pub async fn start(program: &Path, data: &Path, limits: Limits) -> anyhow::Result<Self> {
        let database = format!("file:{}", data.display());
        let engine = ["--datastore-engine", "sqlite", "--datastore-uri", &database];
        let migrated =
            Command::new(program).arg("migrate").args(engine).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !migrated.success() {
            bail!("the server's database can't be made");
        }
        let (api, grpc) = (free()?, free()?);
        let mut command = Command::new(program);
        command.arg("run").args(engine).args([
            "--playground-enabled=false",
            "--metrics-enabled=false",
            "--log-level=error",
        ]);
        command.args([format!("--http-addr=127.0.0.1:{api}"), format!("--grpc-addr=127.0.0.1:{grpc}")]);
        if limits == Limits::None {
            command.args(["--listObjects-max-results=0", "--listObjects-deadline=600s", "--request-timeout=600s"]);
            command.arg("--http-upstream-timeout=600s");
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(600)).build()?;
        let base = format!("http://127.0.0.1:{api}");
        let server = Self { child, http, base, store: String::new(), model: String::new() };
        for _ in 0..1_200 {
            let health = server.http.get(format!("{}/healthz", server.base)).send().await;
            if health.is_ok_and(|reply| reply.status().is_success()) {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server does not answer")
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let reply = self.http.post(format!("{}{path}", self.base)).json(body).send().await?;
        let status = reply.status();
        let value: Value = reply.json().await?;
        if !status.is_success() {
            bail!("{path}: {status} {value}");
        }
        Ok(value)
    }

    /// Makes a store with the world's model and tuples.
    pub async fn fill(&mut self, documents: u32) -> anyhow::Result<()> {
        let store = self.post("/stores", &json!({"name": "bench"})).await?;
        self.store = store["id"].as_str().context("an id")?.to_owned();
        let path = format!("/stores/{}/authorization-models", self.store);
        let model = self.post(&path, &world::model()).await?;
        self.model = model["authorization_model_id"].as_str().context("an id")?.to_owned();
        let mut writes = Vec::new();
        let mut tuples = world::tuples(documents).peekable();
        while tuples.peek().is_some() {
            let keys: Vec<Value> = tuples.by_ref().take(WRITE).map(|tuple| tuple.json()).collect();
            writes.push(json!({"writes": {"tuple_keys": keys}, "authorization_model_id": self.model}));
        }
        let path = format!("/stores/{}/write", self.store);
        let send = |body: Value| {
            let (server, path) = (&*self, &path);
            async move { server.post(path, &body).await.map(|_| ()) }
        };
        futures::stream::iter(writes).map(send).buffer_unordered(2).try_collect::<()>().await
    }

    /// Ids of all documents that the reader may read, as far as the server's limits go.
    pub async fn list(&self, user: &str, relation: &str) -> anyhow::Result<Vec<String>> {
        let body = json!({"authorization_model_id": self.model, "type": "document", "relation": relation, "user": user,
                          "context": context()});
        let reply = self.post(&format!("/stores/{}/list-objects", self.store), &body).await?;
        let objects = reply["objects"].as_array().context("objects")?;
        Ok(objects.iter().filter_map(|object| object.as_str()?.strip_prefix("document:").map(str::to_owned)).collect())
    }

    /// Which of the documents the reader may read; at most fifty.
    pub async fn check(&self, user: &str, relation: &str, documents: &[u32]) -> anyhow::Result<Vec<bool>> {
        let context = context();
        let checks: Vec<Value> = documents
            .iter()
            .map(|document| {
                let key = json!({"user": user, "relation": relation, "object": format!("document:d{document}")});
                json!({"tuple_key": key, "correlation_id": document.to_string(), "context": context})
            })
            .collect();
        let body = json!({"authorization_model_id": self.model, "checks": checks});
        let reply = self.post(&format!("/stores/{}/batch-check", self.store), &body).await?;
        let allowed = |document: &u32| reply["result"][document.to_string()]["allowed"].as_bool().context("a verdict");
        documents.iter().map(allowed).collect()
    }
}

fn context() -> Value {
    json!({"current_time": jiff::Timestamp::now().to_string()})
}

fn free() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
