//! A real server on loopback, with one store.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher::config::{RawConfig, RawOpenFga};
use usher_support::free_port;

use crate::common::openfga::{tool, until_healthy};
use crate::common::{Reply, TestService};

/// The server's program, if there is one here.
pub fn program() -> Option<PathBuf> {
    let found = tool("openfga");
    if found.is_none() {
        usher_support::skipped("openfga", "no OpenFGA server (scripts/openfga.sh installs it)");
    }
    found
}

pub struct OpenFga {
    program: PathBuf,
    /// Tuples survive a restart here.
    folder: tempfile::TempDir,
    http: u16,
    grpc: u16,
    child: Option<Child>,
    client: reqwest::Client,
    pub store: String,
}

impl OpenFga {
    /// Starts the server and makes a store with the default model, everybody cleared for the open classification.
    pub async fn start(program: PathBuf) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self::new(program, folder);
        server.run().await;
        let made = server.call("POST", "/stores", json!({"name": "usher"})).await.ok();
        server.store = made["id"].as_str().unwrap().to_owned();
        let model: Value = serde_json::from_str(usher::authz::DEFAULT_MODEL_JSON).unwrap();
        server.write_model(model).await;
        let cleared = ["user:*", "agent:*", "service:*"].map(|user| (user, "cleared", "classification:open"));
        server.write(&cleared, &[]).await;
        server
    }

    fn new(program: PathBuf, folder: tempfile::TempDir) -> Self {
        let uri = Self::uri(folder.path());
        let migrated = Command::new(&program)
            .args(["migrate", "--datastore-engine", "sqlite", "--datastore-uri", &uri])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(migrated.success());
        Self {
            program,
            folder,
            http: free_port(),
            grpc: free_port(),
            child: None,
            client: reqwest::Client::new(),
            store: String::new(),
        }
    }

    fn uri(folder: &Path) -> String {
        format!("file:{}", folder.join("fga.db").display())
    }

    /// Starts the process on the same ports and data, and waits until it answers.
    pub async fn run(&mut self) {
        let at = |port: u16| format!("127.0.0.1:{port}");
        let child = Command::new(&self.program)
            .args(["run", "--http-addr", &at(self.http), "--grpc-addr", &at(self.grpc)])
            .args(["--datastore-engine", "sqlite", "--datastore-uri", &Self::uri(self.folder.path())])
            .args(["--metrics-enabled=false", "--playground-enabled=false", "--log-level", "error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        until_healthy(&self.client, &format!("http://127.0.0.1:{}", self.http)).await;
    }

    /// Where Usher connects to.
    #[allow(dead_code, reason = "the tests of replicas use it")]
    pub fn grpc_port(&self) -> u16 {
        self.grpc
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let response = self.client.request(method.parse().unwrap(), url).json(&body).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn write_model(&self, model: Value) -> String {
        let made = self.call("POST", &format!("/stores/{}/authorization-models", self.store), model).await.ok();
        made["authorization_model_id"].as_str().unwrap().to_owned()
    }

    /// Writes and deletes tuples past Usher: (user, relation, object).
    pub async fn write(&self, writes: &[(&str, &str, &str)], deletes: &[(&str, &str, &str)]) {
        let keys = |list: &[(&str, &str, &str)]| -> Value {
            list.iter()
                .map(|(user, relation, object)| json!({"user": user, "relation": relation, "object": object}))
                .collect()
        };
        let mut body = json!({});
        if !writes.is_empty() {
            body["writes"] = json!({"tuple_keys": keys(writes)});
        }
        if !deletes.is_empty() {
            body["deletes"] = json!({"tuple_keys": keys(deletes)});
        }
        self.call("POST", &format!("/stores/{}/write", self.store), body).await.ok();
    }

    /// Users who have the relation to the object, as stored.
    pub async fn stored(&self, object: &str) -> Vec<(String, String)> {
        let body = json!({"tuple_key": {"object": object}, "page_size": 100});
        let read = self.call("POST", &format!("/stores/{}/read", self.store), body).await.ok();
        let text = |tuple: &Value, part: &str| tuple["key"][part].as_str().unwrap().to_owned();
        let mut all: Vec<_> = read["tuples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tuple| (text(tuple, "relation"), text(tuple, "user")))
            .collect();
        all.sort();
        all
    }

    /// Settings of a service that follows this server as quickly as `poll_ms` says.
    pub fn settings(&self, poll_ms: u64) -> RawConfig {
        RawConfig {
            openfga: Some(RawOpenFga {
                url: format!("http://127.0.0.1:{}", self.grpc),
                store: self.store.clone(),
                timeout_ms: Some(1000),
                poll_ms: Some(poll_ms),
                max_model_age_ms: Some(60_000),
                ..RawOpenFga::default()
            }),
            ..RawConfig::default()
        }
    }

    pub async fn service(&self, poll_ms: u64) -> TestService {
        TestService::start_raw(self.settings(poll_ms)).await
    }
}

impl Drop for OpenFga {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until `holds`, at most five seconds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < Duration::from_secs(10), "not within ten seconds: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begin.elapsed()
}
