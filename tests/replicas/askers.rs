//! Workers that search while something goes wrong, and know what each answer must be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::process::{Client, Reply};
use crate::world::{self, Replicas, Write, is_refusal};
use usher_support::Random;

/// Documents of each worker.
const DOCUMENTS: u64 = 4;
/// Of each question, and by how much an answer or refusal may be later on a busy machine.
pub const DEADLINE: Duration = Duration::from_millis(2_000);
pub const MARGIN: Duration = Duration::from_millis(1_500);

/// What all workers counted.
#[derive(Default)]
pub struct Tally {
    pub writes: AtomicU64,
    /// Writes that were refused first.
    pub refused_writes: AtomicU64,
    /// Answers, by replica.
    pub answers: [AtomicU64; 2],
    /// Refusals in order, by replica.
    pub refused: [AtomicU64; 2],
    pub leaked: AtomicU64,
    /// Answers that held less than the reader may read, although they were asked for the newest.
    pub fewer: AtomicU64,
    /// Milliseconds that the slowest answer or refusal took.
    pub slowest_ms: AtomicU64,
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::SeqCst);
}

fn of(count: &AtomicU64) -> u64 {
    count.load(Ordering::SeqCst)
}

impl Tally {
    /// Answers and refusals so far.
    pub fn both(&self) -> (u64, u64) {
        let sum = |counts: &[AtomicU64; 2]| of(&counts[0]) + of(&counts[1]);
        (sum(&self.answers), sum(&self.refused))
    }

    pub fn assert_right(&self, what: &str) {
        println!(
            "{what}: acknowledged writes {}, refused first {}, answers {:?}, refusals {:?}, leaked {}, fewer {}, slowest {} ms",
            of(&self.writes),
            of(&self.refused_writes),
            [of(&self.answers[0]), of(&self.answers[1])],
            [of(&self.refused[0]), of(&self.refused[1])],
            of(&self.leaked),
            of(&self.fewer),
            of(&self.slowest_ms)
        );
        assert_eq!((of(&self.leaked), of(&self.fewer)), (0, 0));
        assert!(of(&self.slowest_ms) < (DEADLINE + MARGIN).as_millis() as u64, "a question waits beyond its deadline");
    }
}

pub struct Askers {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    pub tally: Arc<Tally>,
}

impl Askers {
    pub fn start(replicas: &Replicas, workers: u64) -> Self {
        let (stop, tally) = (Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
        let tasks = (0..workers).map(|number| {
            let asker = Asker {
                number,
                replicas: replicas.clone(),
                random: world::random(1_000 + number),
                tally: tally.clone(),
                stop: stop.clone(),
                readable: BTreeSet::new(),
                revision: String::new(),
            };
            tokio::spawn(asker.run())
        });
        Self { tasks: tasks.collect(), stop, tally }
    }

    pub async fn finish(self) -> Arc<Tally> {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.tally
    }
}

struct Asker {
    number: u64,
    replicas: Replicas,
    random: Random,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    /// What its reader may read, by all that was acknowledged.
    readable: BTreeSet<String>,
    /// Of the newest acknowledged write.
    revision: String,
}

/// What a question was answered with: ids of documents, or that there is no answer at the moment.
pub async fn ask(client: &Client, mode: &str, min_revision: Option<&str>) -> Result<BTreeSet<String>, Reply> {
    let mut body = json!({"query": "number of a gentian", "mode": mode, "top_k": 50, "collections": ["main"],
        "deadline_ms": DEADLINE.as_millis() as u64});
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

impl Asker {
    async fn run(mut self) {
        let user = format!("user:q{}", self.number);
        for document in 0..DOCUMENTS {
            self.store(document, 0).await;
        }
        let mut step = 0;
        while !self.stop.load(Ordering::SeqCst) {
            step += 1;
            let document = self.random.below(DOCUMENTS);
            let id = self.id(document);
            match self.random.below(3) {
                0 => self.store(document, step).await,
                _ => {
                    // Back and forth: most of the time it may read some of them.
                    let is_granted = !self.readable.contains(&id);
                    let object = format!("document:{id}");
                    self.until_acknowledged(&Write::Grant { user: user.clone(), object, is_granted }).await;
                    if is_granted {
                        self.readable.insert(id)
                    } else {
                        self.readable.remove(&id)
                    };
                }
            }
            for mode in ["keyword", "vector", "hybrid"] {
                let is_newest = self.random.below(2) == 0;
                self.ask(&user, mode, is_newest).await;
            }
        }
    }

    fn id(&self, document: u64) -> String {
        format!("q{}/{document}", self.number)
    }

    async fn store(&mut self, document: u64, step: u64) {
        let body = format!("The gentian of number {step}.");
        self.until_acknowledged(&Write::Text { id: self.id(document), body }).await;
    }

    /// What nobody acknowledged is sent again: it may have been done, and doing it twice changes nothing.
    async fn until_acknowledged(&mut self, write: &Write) {
        let begun = Instant::now();
        loop {
            let reply = write.send(&self.replicas.any(&mut self.random)).await;
            if reply.is_ok() {
                add(&self.tally.writes);
                self.revision = reply.body["revision"].as_str().unwrap().to_owned();
                return;
            }
            assert!(is_refusal(&reply), "{reply:?}");
            add(&self.tally.refused_writes);
            assert!(begun.elapsed() < Duration::from_secs(90), "no recovery: {reply:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Never more than the reader may read. Asked for what was acknowledged last, it is all of it.
    async fn ask(&mut self, user: &str, mode: &str, is_newest: bool) {
        let at = self.random.below(2) as usize;
        let Some(client) = self.replicas.at(at) else { return };
        let begun = Instant::now();
        let found = ask(&client.as_subject(user), mode, is_newest.then_some(self.revision.as_str())).await;
        self.tally.slowest_ms.fetch_max(begun.elapsed().as_millis() as u64, Ordering::SeqCst);
        let found = match found {
            Ok(found) => found,
            Err(reply) => {
                assert!(is_refusal(&reply), "{reply:?}");
                add(&self.tally.refused[at]);
                return;
            }
        };
        add(&self.tally.answers[at]);
        if !found.is_subset(&self.readable) {
            println!("leaked: {user} may read {:?} and got {found:?}", self.readable);
            add(&self.tally.leaked);
        } else if is_newest && found != self.readable {
            println!("fewer: {user} may read {:?} and got {found:?} by {mode}", self.readable);
            add(&self.tally.fewer);
        }
    }
}
