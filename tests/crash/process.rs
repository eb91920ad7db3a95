//! The service as a process of its own, and a client that lives through its death.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use usher_support::free_port;

/// A running service.
pub struct Process {
    child: Guarded,
    pub client: Client,
    /// From the start of the process until it was ready.
    pub recovery: Duration,
    log: PathBuf,
    admin: u16,
}

/// How a start ended that did not come to serve.
#[derive(Debug)]
pub struct NotStarted {
    pub signal: Option<i32>,
    pub code: Option<i32>,
    pub message: String,
}

impl NotStarted {
    /// A start that was refused says why in its last line, and nothing panicked.
    #[track_caller]
    pub fn reason(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(!self.message.contains("panicked"), "{}", self.message);
        let last = self.message.trim_end().lines().last().unwrap_or_default();
        last.strip_prefix("usher: ").unwrap_or_else(|| panic!("no reason: {}", self.message))
    }
}

/// Longer than any start may take, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Process {
    /// Starts the service on `data` and waits until it is ready.
    pub async fn start(data: &Path) -> Result<Self, NotStarted> {
        Self::start_with(data, &[]).await
    }

    /// With `USHER_FAILPOINT` set.
    pub async fn start_at(data: &Path, failpoint: &str) -> Result<Self, NotStarted> {
        Self::start_with(data, &[("USHER_FAILPOINT", failpoint)]).await
    }

    pub async fn start_with(data: &Path, environment: &[(&str, &str)]) -> Result<Self, NotStarted> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (api, admin) = (free_port(), free_port());
        let log = data.with_extension("log");
        let begun = Instant::now();
        let child = command(data, api, admin)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut child = Guarded(child);
        let base = format!("http://127.0.0.1:{api}");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.0.try_wait().unwrap() {
                let message = std::fs::read_to_string(&log).unwrap();
                return Err(NotStarted { signal: status.signal(), code: status.code(), message });
            }
            let reply = http.get(format!("{base}/v1/health/ready")).send().await;
            if reply.is_ok_and(|reply| reply.status().is_success()) {
                let recovery = begun.elapsed();
                // Of several processes on one catalog, one makes the first key.
                let key = std::fs::read_to_string(data.join("admin.key")).unwrap_or_default().trim().to_owned();
                let client = Client { base, key, subject: None, http };
                return Ok(Self { child, client, recovery, log, admin });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not ready after {PATIENCE:?}: {}", std::fs::read_to_string(&log).unwrap());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.0.kill();
        self.child.0.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// SIGSTOP; on a busy machine its threads go on for a moment, which is waited for.
    pub fn suspend(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.child.0.id());
        let is_running = || {
            let threads = std::fs::read_dir(&tasks).unwrap().flatten();
            let mut states = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
            // The state follows the name, which is in brackets.
            !states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
        };
        while is_running() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// SIGTERM; expects a clean end.
    pub async fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended(PATIENCE).await.expect("the service did not stop");
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self, patience: Duration) -> Option<std::process::ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    pub fn base(&self) -> String {
        self.client.base.clone()
    }

    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.admin)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A child that ends with its handle, also when a start is given up half-way.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn command(data: &Path, api: u16, admin: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("serve").arg("--data").arg(data);
    command.args(["--listen", &format!("127.0.0.1:{api}"), "--admin-listen", &format!("127.0.0.1:{admin}")]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("USHER_")) {
        command.env_remove(name);
    }
    command
}

#[derive(Clone)]
pub struct Client {
    base: String,
    pub key: String,
    subject: Option<String>,
    http: reqwest::Client,
}

/// What came back; an error of the connection is status 0.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub body: Value,
}

impl Reply {
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.is_ok(), "{self:?}");
        self.body
    }
}

impl Client {
    pub fn as_subject(&self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self.clone() }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), subject: None, ..self.clone() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(subject) = &self.subject {
            request = request.header("Usher-Subject", subject);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let lost = Reply { status: 0, content_type: String::new(), body: Value::Null };
        let Ok(response) = request.send().await else { return lost };
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let Ok(bytes) = response.bytes().await else { return lost };
        Reply { status, content_type, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn document(&self, id: &str) -> Reply {
        self.get(&format!("/v1/documents/{}?collection=main", id.replace('/', "%2F"))).await
    }

    pub async fn query(&self, question: &str, mode: &str) -> Reply {
        let body =
            json!({"query": question, "mode": mode, "top_k": 100, "deadline_ms": 20_000, "collections": ["main"]});
        self.post("/v1/query", body).await
    }
}
