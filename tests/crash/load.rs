//! Writers that change documents, grants, keys and collections as fast as they can, and note what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::process::{Client, Reply};
use crate::world::{Document, Key, Maybe, Share, Version};
use usher_support::Random;

pub const WRITERS: usize = 4;
const DOCUMENTS: u64 = 6;

/// All writers, and what they share.
pub struct Load {
    pub shares: Vec<Share>,
    /// Numbers operations through a whole test, so that every word and marker is unique.
    counter: Arc<AtomicU64>,
    random: Random,
}

/// A running load.
pub struct Running {
    tasks: Vec<tokio::task::JoinHandle<Share>>,
    stop: Arc<AtomicBool>,
    counter: Arc<AtomicU64>,
    random: Random,
}

impl Load {
    pub fn new(seed: u64) -> Self {
        let shares = (0..WRITERS).map(Share::new).collect();
        Self { shares, counter: Arc::new(AtomicU64::new(1)), random: Random::new(seed) }
    }

    /// Lets all writers run against the service; each ends when the connection is lost, or when told to.
    pub fn start(mut self, client: &Client) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = self
            .shares
            .into_iter()
            .map(|share| {
                let writer = Writer {
                    client: client.clone(),
                    share,
                    counter: self.counter.clone(),
                    random: Random::new(self.random.next()),
                };
                tokio::spawn(writer.run(stop.clone()))
            })
            .collect();
        Running { tasks, stop, counter: self.counter, random: self.random }
    }

    /// Runs the load for a time.
    pub async fn run(self, client: &Client, time: Duration) -> Self {
        let running = self.start(client);
        tokio::time::sleep(time).await;
        running.finish().await
    }

    pub fn acknowledged(&self) -> u64 {
        self.shares.iter().map(|share| share.acknowledged).sum()
    }

    pub fn refused(&self) -> u64 {
        self.shares.iter().map(|share| share.refused).sum()
    }
}

impl Running {
    /// Whether a writer has ended, which only a lost connection does.
    pub fn is_lost(&self) -> bool {
        self.tasks.iter().any(tokio::task::JoinHandle::is_finished)
    }

    /// Lets every writer finish what it is at.
    pub async fn finish(self) -> Load {
        self.stop.store(true, Ordering::SeqCst);
        let mut shares = Vec::new();
        for task in self.tasks {
            shares.push(task.await.unwrap());
        }
        Load { shares, counter: self.counter, random: self.random }
    }
}

struct Writer {
    client: Client,
    share: Share,
    counter: Arc<AtomicU64>,
    random: Random,
}

impl Writer {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Share {
        while !stop.load(Ordering::SeqCst) {
            let reply = match self.random.below(20) {
                0..8 => self.put().await,
                8..10 => self.remove().await,
                10..16 => self.tuple().await,
                16 => self.make_key().await,
                17 => self.revoke_key().await,
                18 => self.collection().await,
                _ => self.read().await,
            };
            match reply.status {
                0 => break,
                200..300 => self.share.acknowledged += 1,
                404 | 500.. => {
                    assert_eq!(reply.content_type, "application/problem+json", "{reply:?}");
                    self.share.refused += 1;
                    // A service that can't write answers at once; don't ask it thousands of times.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                _ => panic!("unexpected: {reply:?}"),
            }
        }
        self.share
    }

    fn id(&mut self) -> String {
        format!("w{}/{}", self.share.writer, self.random.below(DOCUMENTS))
    }

    async fn put(&mut self) -> Reply {
        let (id, number) = (self.id(), self.counter.fetch_add(1, Ordering::SeqCst));
        let changes_text = self.random.below(3) > 0;
        let document = self
            .share
            .documents
            .entry(id.clone())
            .or_insert_with(|| Document { now: Maybe::new(None), sent: Vec::new() });
        let before = document.now.newest().copied().flatten().filter(|_| document.now.is_certain() && !changes_text);
        let version = Version { text: before.map_or(number, |version| version.text), rules: number };
        document.sent.push(version);
        document.now.begin(Some(version));
        let body = json!({"documents": [version.document(&id, self.share.writer)]});
        let mut reply = self.client.post("/v1/documents", body).await;
        if reply.is_ok() {
            let result = &reply.body["results"][0];
            if result["status"] == "rejected" {
                // Refused alone, as when the embedder fails.
                reply.status = result["problem"]["status"].as_u64().unwrap() as u16;
            } else if let Some(document) = self.share.documents.get_mut(&id) {
                document.now.acknowledge();
            }
        }
        reply
    }

    async fn remove(&mut self) -> Reply {
        let id = self.id();
        let Some(document) = self.share.documents.get_mut(&id) else { return self.read().await };
        document.now.begin(None);
        let path = format!("/v1/documents/{}?collection=main", id.replace('/', "%2F"));
        let reply = self.client.delete(&path).await;
        if reply.is_ok() {
            document.now.acknowledge();
        }
        reply
    }

    /// Grants or takes away: membership of a group, a group within a group, or a document directly.
    async fn tuple(&mut self) -> Reply {
        let writer = self.share.writer;
        let person = format!("user:p{writer}-{}", self.random.below(3));
        let tuple = match self.random.below(4) {
            0 => (person, "viewer".to_owned(), format!("document:{}", self.id())),
            1 => (format!("group:g{writer}-in#member"), "member".to_owned(), format!("group:g{writer}-0")),
            2 => (person, "member".to_owned(), format!("group:g{writer}-in")),
            _ => (person, "member".to_owned(), format!("group:g{writer}-{}", self.random.below(2))),
        };
        let state = self.share.tuples.entry(tuple.clone()).or_insert_with(|| Maybe::new(false));
        let is_granted = !state.newest().copied().unwrap_or_default();
        state.begin(is_granted);
        let key = json!({"user": tuple.0, "relation": tuple.1, "object": tuple.2});
        let list = if is_granted { "writes" } else { "deletes" };
        let reply = self.client.post("/v1/relationships/write", json!({list: [key], "idempotent": true})).await;
        if reply.is_ok() {
            state.acknowledge();
        }
        reply
    }

    async fn make_key(&mut self) -> Reply {
        let body = json!({"name": "load", "scopes": ["query"], "subject": "service:load"});
        let reply = self.client.post("/v1/keys", body).await;
        if reply.is_ok() {
            let text = |name: &str| reply.body[name].as_str().unwrap().to_owned();
            self.share.keys.push(Key { id: text("id"), secret: text("key"), is_revoked: Maybe::new(false) });
        }
        reply
    }

    async fn revoke_key(&mut self) -> Reply {
        let Some(key) = self.share.keys.iter_mut().find(|key| key.is_revoked.newest() == Some(&false)) else {
            return self.read().await;
        };
        key.is_revoked.begin(true);
        let reply = self.client.delete(&format!("/v1/keys/{}", key.id)).await;
        if reply.is_ok() {
            key.is_revoked.acknowledge();
        }
        reply
    }

    /// Makes a collection with a document, or removes it.
    async fn collection(&mut self) -> Reply {
        let name = format!("c{}-{}", self.share.writer, self.random.below(2));
        let state = self.share.collections.entry(name.clone()).or_insert_with(|| Maybe::new(false));
        let exists = !state.newest().copied().unwrap_or_default();
        state.begin(exists);
        let path = format!("/v1/collections/{name}");
        let (method, body) = if exists { (Method::PUT, Some(json!({}))) } else { (Method::DELETE, None) };
        let reply = self.client.send(method, &path, body).await;
        if reply.is_ok() {
            state.acknowledge();
        }
        reply
    }

    /// A question of somebody; the answer is compared after the storm.
    async fn read(&mut self) -> Reply {
        let person = format!("user:p{}-{}", self.share.writer, self.random.below(3));
        self.client.as_subject(&person).query("orchids", "hybrid").await
    }
}
