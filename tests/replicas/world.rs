//! Processes on one catalog, and workers that check every answer while something goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use serde_json::{Value, json};
use usher_support::Random;

use crate::process::{Client, NotStarted, Process, Reply};

pub fn is_long() -> bool {
    std::env::var_os("USHER_SOAK").is_some()
}

pub fn rounds(short: u64, long: u64) -> u64 {
    if is_long() { long } else { short }
}

/// Numbers of one part of a test, from `SEED`.
pub fn random(part: u64) -> Random {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    Random::new(seed.wrapping_mul(1_000_003).wrapping_add(part))
}

/// Data folders of processes that share a catalog.
pub struct World {
    url: String,
    folder: tempfile::TempDir,
}

impl World {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), folder: tempfile::tempdir().unwrap() }
    }

    /// Starts the process with this data folder, and waits until it is ready.
    pub async fn start(&self, name: &str) -> Process {
        self.start_with(name, &[]).await.unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    pub async fn start_with(&self, name: &str, more: &[(&str, &str)]) -> Result<Process, NotStarted> {
        let mut environment = vec![("USHER_CATALOG_URL", self.url.as_str())];
        let mutant = std::env::var("USHER_MUTANT").ok();
        environment.extend(mutant.iter().map(|mutant| ("USHER_MUTANT", mutant.as_str())));
        environment.extend(more);
        let mut process = Process::start_with(&self.folder.path().join(name), &environment).await?;
        process.client.key = self.admin_key().await;
        Ok(process)
    }

    /// Writes a configuration file; its path.
    pub fn configuration(&self, text: &str) -> String {
        self.configuration_of("usher", text)
    }

    /// As [`Self::configuration`], where the processes have different ones.
    pub fn configuration_of(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs `usher accept-restored` on this data folder.
    pub fn accept_restored(&self, name: &str) {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_usher"))
            .args(["accept-restored", "--catalog-url", &self.url, "--data"])
            .arg(self.folder.path().join(name))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The first administrator's key lies in the folder of whoever made it.
    pub async fn admin_key(&self) -> String {
        let begun = Instant::now();
        loop {
            // Others that came to it as well remove theirs.
            let mut found = self.key_files();
            if found.len() == 1 {
                return found.pop().unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "exactly one process makes the first key: {found:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn key_files(&self) -> Vec<String> {
        let folders = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let keys = folders.filter_map(|folder| std::fs::read_to_string(folder.join("admin.key")).ok());
        keys.map(|key| key.trim().to_owned()).collect()
    }
}

pub fn document(id: &str, text: &str, viewers: &[&str]) -> Value {
    json!({"id": id, "collection": "main", "title": id, "content": {"type": "text/plain", "text": text},
        "acl": {"viewers": viewers}})
}

pub async fn put(client: &Client, id: &str, text: &str, viewers: &[&str]) -> Reply {
    client.post("/v1/documents", json!({"documents": [document(id, text, viewers)]})).await
}

pub async fn grant(client: &Client, user: &str, relation: &str, object: &str, is_granted: bool) -> Reply {
    let list = if is_granted { "writes" } else { "deletes" };
    let key = json!({"user": user, "relation": relation, "object": object});
    client.post("/v1/relationships/write", json!({list: [key], "idempotent": true})).await
}

/// Ids that a question finds, or what was answered instead.
pub async fn found(client: &Client, question: &str, min_revision: Option<&str>) -> Result<Vec<String>, Reply> {
    let mut body = json!({"query": question, "mode": "keyword", "top_k": 50, "collections": ["main"],
        "deadline_ms": 20_000});
    if let Some(revision) = min_revision {
        body["min_revision"] = json!(revision);
    }
    let reply = client.post("/v1/query", body).await;
    if !reply.is_ok() {
        return Err(reply);
    }
    let hits = reply.body["results"].as_array().unwrap();
    Ok(hits.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect())
}

/// Whether an answer says that there is none at the moment, rather than something.
pub fn is_refusal(reply: &Reply) -> bool {
    matches!(reply.status, 0 | 409 | 503 | 504)
}

/// The processes as clients find them; one that is away has none.
#[derive(Clone, Default)]
pub struct Replicas(Arc<RwLock<Vec<Option<Client>>>>);

impl Replicas {
    pub fn of(processes: &[&Process]) -> Self {
        let clients = processes.iter().map(|process| Some(process.client.clone())).collect();
        Self(Arc::new(RwLock::new(clients)))
    }

    pub fn set(&self, at: usize, client: Option<Client>) {
        self.0.write()[at] = client;
    }

    pub fn at(&self, at: usize) -> Option<Client> {
        self.0.read()[at].clone()
    }

    pub fn any(&self, random: &mut Random) -> Client {
        let clients = self.0.read();
        let there: Vec<&Client> = clients.iter().flatten().collect();
        there[random.below(there.len() as u64) as usize].clone()
    }
}

/// What all workers counted.
#[derive(Default)]
pub struct Counts {
    pub acknowledged: AtomicU64,
    pub answers: AtomicU64,
    pub refused: AtomicU64,
    pub lost: AtomicU64,
    pub leaked: AtomicU64,
    /// Milliseconds from the first refusal of a write to its acknowledgement, the longest.
    pub longest_ms: AtomicU64,
}

impl Counts {
    pub fn assert_right(&self, what: &str) {
        let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
        println!(
            "{what}: acknowledged writes {}, answers {}, refusals {}, lost {}, leaked {}, longest until a write was \
             acknowledged {} ms",
            of(&self.acknowledged),
            of(&self.answers),
            of(&self.refused),
            of(&self.lost),
            of(&self.leaked),
            of(&self.longest_ms)
        );
        assert!(of(&self.acknowledged) > 20 && of(&self.answers) > 20);
        assert_eq!((of(&self.lost), of(&self.leaked)), (0, 0));
    }
}

/// Workers that write through one process and read through another, until they are told to stop.
pub struct Storm {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    pub counts: Arc<Counts>,
}

impl Storm {
    pub fn start(replicas: &Replicas, workers: u64) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let tasks = (0..workers).map(|number| {
            let worker = Worker {
                number,
                replicas: replicas.clone(),
                random: random(number),
                counts: counts.clone(),
                stop: stop.clone(),
            };
            tokio::spawn(worker.run())
        });
        Self { tasks: tasks.collect(), stop, counts }
    }

    /// Lets every worker end its round.
    pub async fn finish(self) -> Arc<Counts> {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.counts
    }
}

/// A change that may be sent again.
pub enum Write {
    Text { id: String, body: String },
    Grant { user: String, object: String, is_granted: bool },
}

impl Write {
    pub async fn send(&self, client: &Client) -> Reply {
        match self {
            Self::Text { id, body } => put(client, id, body, &[]).await,
            Self::Grant { user, object, is_granted } => grant(client, user, "viewer", object, *is_granted).await,
        }
    }
}

struct Worker {
    number: u64,
    replicas: Replicas,
    random: Random,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    async fn run(mut self) {
        let (id, user) = (format!("w{}/doc", self.number), format!("user:w{}", self.number));
        let object = format!("document:{id}");
        let mut text = 0;
        while !self.stop.load(Ordering::SeqCst) {
            if text == 0 || self.random.below(3) == 0 {
                text += 1;
                let body = format!("number {text}");
                self.until_acknowledged(&Write::Text { id: id.clone(), body }).await;
            }
            for is_granted in [true, false] {
                let write = Write::Grant { user: user.clone(), object: object.clone(), is_granted };
                self.until_acknowledged(&write).await;
                self.read(&id, &user, is_granted.then_some(text)).await;
            }
        }
    }

    /// What nobody acknowledged is sent again: it may have been done, and doing it twice changes nothing.
    async fn until_acknowledged(&mut self, write: &Write) {
        let mut refused_at = None;
        loop {
            let reply = write.send(&self.replicas.any(&mut self.random)).await;
            if reply.is_ok() {
                self.counts.acknowledged.fetch_add(1, Ordering::SeqCst);
                let waited = refused_at.map_or(Duration::ZERO, |at: Instant| at.elapsed());
                self.counts.longest_ms.fetch_max(waited.as_millis() as u64, Ordering::SeqCst);
                return;
            }
            assert!(is_refusal(&reply), "{reply:?}");
            self.counts.refused.fetch_add(1, Ordering::SeqCst);
            let begun = *refused_at.get_or_insert_with(Instant::now);
            assert!(begun.elapsed() < Duration::from_secs(90), "no recovery: {reply:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is acknowledged holds everywhere: the newest text for whom it was granted to, nothing for whom it was taken from.
    async fn read(&mut self, id: &str, user: &str, expected: Option<u64>) {
        let reply = self.replicas.any(&mut self.random).as_subject(user).document(id).await;
        if is_refusal(&reply) {
            self.counts.refused.fetch_add(1, Ordering::SeqCst);
            return;
        }
        self.counts.answers.fetch_add(1, Ordering::SeqCst);
        match (expected, reply.status) {
            (None, 404) => {}
            (Some(text), 200) if reply.body.to_string().contains(&format!("number {text}\"")) => {}
            (Some(text), _) => {
                println!("lost: number {text} of {id}: {reply:?}");
                self.counts.lost.fetch_add(1, Ordering::SeqCst);
            }
            (None, _) => {
                println!("leaked: {id}: {reply:?}");
                self.counts.leaked.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}
