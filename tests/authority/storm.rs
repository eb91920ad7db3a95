//! Questions without a pause beside changes in a known order. Every answer is judged by what was acknowledged before it
//! began and what was sent before it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher_support::Random;

use crate::common::{Client, TestService, document, tuple};
use crate::server::{OpenFga, program};

/// Requests of names with this part dawdle at every place where the state could change under them.
const DAWDLER: &str = "storm";
const LONGEST_DAWDLE: Duration = Duration::from_millis(200);
/// How long a question may take to the place where it is held.
const LONGEST_HOLD: Duration = Duration::from_millis(600);

/// Rounds of a test, times `USHER_SOAK`. With a deliberate bug there are more: the test ends when it has found it.
pub fn rounds(short: usize) -> usize {
    short * soak().unwrap_or(1) * if has_bug() { 6 } else { 1 }
}

pub fn has_bug() -> bool {
    std::env::var_os("USHER_MUTANT").is_some()
}

pub fn soak() -> Option<usize> {
    std::env::var("USHER_SOAK").ok().and_then(|text| text.parse().ok())
}

/// `USHER_SEED`
pub fn seed() -> u64 {
    std::env::var("USHER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Who owns the tuples.
#[derive(Clone)]
pub enum Owner {
    Catalog,
    Server(Arc<OpenFga>),
}

impl Owner {
    /// A new server; `None`, and said so, where there is no program.
    pub async fn server() -> Option<Self> {
        Some(Self::Server(Arc::new(OpenFga::start(program()?).await)))
    }

    pub async fn service(&self, poll_ms: u64) -> TestService {
        match self {
            Self::Catalog => TestService::start().await,
            Self::Server(server) => server.service(poll_ms).await,
        }
    }

    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    pub fn name(&self) -> &'static str {
        if self.is_server() { "openfga" } else { "embedded" }
    }
}

/// (user, relation, object)
pub type Triple = (&'static str, &'static str, &'static str);

/// The marks that each reader may see.
pub type Visible = BTreeMap<&'static str, BTreeSet<String>>;

/// What holds from the sending of the change that makes it to the acknowledgement of the one that ends it.
struct State {
    from: Instant,
    until: Option<Instant>,
    visible: Visible,
}

enum Way {
    Question,
    Document(&'static str),
}

struct Read {
    begin: Instant,
    end: Instant,
    reader: &'static str,
    way: Way,
    /// Absent: an error.
    found: Option<BTreeSet<String>>,
}

#[derive(Default)]
pub struct Counts {
    questions: usize,
    /// Questions that a change was sent or acknowledged in.
    interleaved: usize,
    /// Answers that held a mark.
    seen: usize,
    refused: usize,
    leaks: usize,
    misses: usize,
    first: Option<String>,
}

pub struct Storm {
    pub owner: Owner,
    pub rng: Random,
    service: TestService,
    admin: Client,
    states: Vec<State>,
    /// Place of the state that held before the change that comes next.
    current: usize,
    reads: Arc<Mutex<Vec<Read>>>,
    is_over: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    counts: Counts,
    marks: usize,
    /// Whether what is visible all the time must be found: not where the mirror may lag behind.
    pub judges_misses: bool,
}

impl Storm {
    pub async fn start(owner: Owner, poll_ms: u64) -> Self {
        usher::pause::stir(DAWDLER, LONGEST_DAWDLE);
        let service = owner.service(poll_ms).await;
        Self {
            admin: service.admin(),
            service,
            judges_misses: !owner.is_server(),
            owner,
            rng: Random::new(seed() ^ poll_ms),
            states: vec![State { from: Instant::now(), until: None, visible: Visible::new() }],
            current: 0,
            reads: Arc::default(),
            is_over: Arc::default(),
            tasks: Vec::new(),
            counts: Counts::default(),
            marks: 0,
        }
    }

    /// A word that no text had before; it names the document.
    pub fn mark(&mut self, id: &str) -> String {
        self.marks += 1;
        format!("mark.{}{}.", id.rsplit('/').next().unwrap(), self.marks)
    }

    /// Does `work`, after which `visible` holds.
    pub async fn change<T>(&mut self, visible: Visible, work: impl Future<Output = T>) -> T {
        let before = self.current;
        self.current = self.states.len();
        self.states.push(State { from: Instant::now(), until: None, visible });
        let done = work.await;
        self.states[before].until = Some(Instant::now());
        done
    }

    /// As [`Self::change`], of a document's rules: where a server has to take them, the document is hidden meanwhile.
    pub async fn change_rules<T>(&mut self, visible: Visible, work: impl Future<Output = T>) -> T {
        let hidden = self.states.len();
        if self.owner.is_server() {
            self.states.push(State { from: Instant::now(), until: None, visible: Visible::new() });
        }
        let done = self.change(visible, work).await;
        if self.owner.is_server() {
            self.states[hidden].until = Some(Instant::now());
        }
        done
    }

    /// Writes and deletes tuples through Usher, or past it where there is a server to write to.
    pub fn write(&self, past: bool, writes: &[Triple], deletes: &[Triple]) -> impl Future<Output = ()> + use<> {
        let (owner, admin) = (self.owner.clone(), self.admin.clone());
        let (writes, deletes) = (writes.to_vec(), deletes.to_vec());
        async move {
            match owner {
                Owner::Server(server) if past => server.write(&writes, &deletes).await,
                _ => {
                    let keys = |list: &[Triple]| -> Value { list.iter().map(|(u, r, o)| tuple(u, r, o)).collect() };
                    admin.write(keys(&writes), keys(&deletes)).await;
                }
            }
        }
    }

    /// Stores a document whose title and text hold the mark.
    pub fn put(&self, id: &str, mark: &str, acl: Value) -> impl Future<Output = ()> + use<> {
        let admin = self.admin.clone();
        let mut body = document(id, &format!("orchid {mark} orchid"), acl);
        body["title"] = json!(format!("on {mark}"));
        async move {
            admin.put_documents(vec![body]).await;
        }
    }

    pub fn put_rules(&self, id: &str, acl: Value) -> impl Future<Output = ()> + use<> {
        let (admin, path) = (self.admin.clone(), format!("/v1/documents/{}/acl?collection=main", escaped(id)));
        async move {
            admin.put(&path, json!({"acl": acl})).await.ok();
        }
    }

    pub fn delete(&self, id: &str) -> impl Future<Output = ()> + use<> {
        let (admin, path) = (self.admin.clone(), format!("/v1/documents/{}?collection=main", escaped(id)));
        async move {
            admin.delete(&path).await.ok();
        }
    }

    /// A pause of no known length between two changes.
    pub async fn breathe(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.rng.below(15) as u64)).await;
    }

    /// From now on the reader asks, and reads one of the documents, again and again, as often as that goes side by side.
    pub fn ask_always(&mut self, reader: &'static str, side_by_side: usize, documents: &'static [&'static str]) {
        for n in 0..side_by_side as u64 {
            let client = Client { subject: Some(reader.to_owned()), ..self.admin.clone() };
            let (reads, is_over) = (self.reads.clone(), self.is_over.clone());
            let mut rng = Random::new(self.rng.next());
            let mut number = n << 32 | 1 << 40;
            self.tasks.push(tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let way = match rng.chance(25) {
                        true => Way::Document(rng.pick(documents).unwrap()),
                        false => Way::Question,
                    };
                    let begin = Instant::now();
                    number += 1;
                    let found = read(&client, reader, &way, number).await;
                    let read = Read { begin, end: Instant::now(), reader, way, found };
                    reads.lock().unwrap().push(read);
                }
            }));
        }
    }

    /// Holds a question of the reader still at a place that it comes to now, until it is released.
    pub async fn hold(&mut self, reader: &'static str, place: &'static str) -> Held {
        self.marks += 1;
        let number = self.marks as u64;
        // The gate knows readers, not requests: there it may be another question of the reader's that is held.
        let name = if place.starts_with("gate.") { reader.to_owned() } else { format!("{reader}-{number}") };
        let pause = usher::pause::arm(place, &name);
        let client = Client { subject: Some(reader.to_owned()), ..self.admin.clone() };
        let reads = self.reads.clone();
        let question = tokio::spawn(async move {
            let begin = Instant::now();
            let found = read(&client, reader, &Way::Question, number).await;
            reads.lock().unwrap().push(Read { begin, end: Instant::now(), reader, way: Way::Question, found });
        });
        // Nothing readable is found, so nothing is verified: then it does not come there.
        let _ = tokio::time::timeout(LONGEST_HOLD, pause.reached()).await;
        Held { pause, question }
    }

    /// Judges what was read so far. Says whether the test may end: it has found what a deliberate bug does.
    pub fn judge(&mut self) -> bool {
        let reads = std::mem::take(&mut *self.reads.lock().unwrap());
        for read in reads {
            self.counts.add(&self.states, &read, self.judges_misses);
        }
        has_bug() && self.counts.leaks + self.counts.misses > 0
    }

    /// Ends the questions, prints what was counted and fails if an answer was wrong.
    pub async fn finish(mut self, order: &str) {
        self.is_over.store(true, Ordering::Relaxed);
        for task in std::mem::take(&mut self.tasks) {
            task.await.unwrap();
        }
        self.judge();
        self.service.stop().await;
        let Counts { questions, interleaved, seen, refused, leaks, misses, first } = self.counts;
        println!(
            "counted race_newenemy, {order}, {}: {questions} answers beside {} changes, {interleaved} interleaved, \
             {seen} with text, {refused} refused; violations: {leaks} leaks, {misses} misses",
            self.owner.name(),
            self.states.len() - 1
        );
        assert!(leaks + misses == 0, "{}", first.unwrap_or_default());
        assert!(interleaved > 0 && seen > 0, "nothing was shown");
        assert!(refused * 20 <= questions, "too many questions were refused");
    }
}

/// A question that stands still.
pub struct Held {
    pause: usher::pause::Pause,
    question: tokio::task::JoinHandle<()>,
}

impl Held {
    /// Lets it go on, and waits for its answer.
    pub async fn release(self) {
        self.pause.release();
        self.question.await.unwrap();
    }
}

impl Counts {
    fn add(&mut self, states: &[State], read: &Read, judges_misses: bool) {
        self.questions += 1;
        let Some(found) = &read.found else {
            self.refused += 1;
            return;
        };
        self.seen += usize::from(!found.is_empty());
        let none = BTreeSet::new();
        let held: Vec<_> = states
            .iter()
            .filter(|state| state.from <= read.end && state.until.is_none_or(|until| until >= read.begin))
            .map(|state| state.visible.get(read.reader).unwrap_or(&none))
            .collect();
        self.interleaved += usize::from(held.len() > 1);
        let is_asked = |mark: &&String| match read.way {
            Way::Question => true,
            Way::Document(id) => mark.starts_with(&format!("mark.{}", id.rsplit('/').next().unwrap())),
        };
        for mark in found.iter().filter(|mark| !held.iter().any(|visible| visible.contains(*mark))) {
            self.leaks += 1;
            self.first.get_or_insert_with(|| format!("LEAK: {} got {mark}, of {held:?}", read.reader));
        }
        let always =
            held.first().copied().unwrap_or(&none).iter().filter(|mark| held.iter().all(|v| v.contains(*mark)));
        for mark in always.filter(is_asked).filter(|mark| judges_misses && !found.contains(*mark)) {
            self.misses += 1;
            self.first.get_or_insert_with(|| format!("MISSED: {} did not get {mark}", read.reader));
        }
    }
}

async fn read(client: &Client, reader: &str, way: &Way, number: u64) -> Option<BTreeSet<String>> {
    let client = Client { request_id: Some(format!("{reader}-{number}")), ..client.clone() };
    let reply = match way {
        Way::Question => {
            let include = json!(["text", "metadata", "neighbors", "assembled"]);
            client.post("/v1/query", json!({"query": "orchid", "top_k": 50, "include": include})).await
        }
        Way::Document(id) => client.get(&format!("/v1/documents/{}?collection=main", escaped(id))).await,
    };
    match reply.status.as_u16() {
        200 => Some(marks(&reply.bytes)),
        404 => Some(BTreeSet::new()),
        503 | 504 => None,
        other => panic!("{other}: {}", String::from_utf8_lossy(&reply.bytes)),
    }
}

/// Every mark in an answer, wherever it stands.
pub fn marks(answer: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(answer);
    text.split("mark.")
        .skip(1)
        .filter_map(|rest| rest.split_once('.'))
        .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric()))
        .map(|(name, _)| format!("mark.{name}."))
        .collect()
}

pub fn escaped(id: &str) -> String {
    id.replace('/', "%2F")
}
