//! A service and its world, changed together.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use usher::authz::DEFAULT_MODEL_JSON;
use usher::config::RawConfig;
use usher::embed::{EmbedError, Embedder, Embedders, Role};
use usher::limits::Payer;
use usher::snapshot::names::PlaceInDocument;
use usher_oracle::models;
use usher_oracle::rank::{self, Wish};
use usher_oracle::rights::{Model, Tuple};
use usher_oracle::world::{
    CHAIN, Document, Part, Reader, World, canary, chunk_name, principal, section_object, sentence, subjects, tuple,
};
use usher_support::Random;

use crate::common::{Client, TestService, tokens};

/// The oracle's own embedding, given to the service.
struct OracleEmbedder;

impl Embedder for OracleEmbedder {
    fn id(&self) -> &str {
        "oracle"
    }

    fn dimensions(&self) -> usize {
        rank::vector("x").len()
    }

    fn embed<'a>(&'a self, texts: &'a [String], _: Role, _: &'a Payer) -> BoxFuture<'a, Result<Vec<f32>, EmbedError>> {
        async move { Ok(texts.iter().flat_map(|text| rank::vector(text)).collect()) }.boxed()
    }
}

pub fn embedders() -> Embedders {
    Embedders::new(vec![Arc::new(OracleEmbedder)])
}

pub struct Driver {
    pub service: TestService,
    pub world: World,
    pub rng: Random,
    /// The OpenFGA store that the collection is bound to.
    pub store: String,
    /// Every canary ever made, with the name of its chunk.
    pub canaries: Vec<(String, String)>,
    /// Where the indexes are elsewhere: questions name the newest revision, and 32-bit scores may turn two neighbours of
    /// a list round. Counts the answers in which they did.
    pub turned: Option<usize>,
}

/// A change, for the service and for the world.
pub enum Operation {
    Put(Box<Document>, Value),
    Delete(String),
    Write(Tuple),
    Revoke(Tuple),
    /// Another authorization model, over the same tuples.
    Model(Value),
}

pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Driver {
    pub async fn start(seed: u64) -> Self {
        Self::on(Self::serve(tempfile::tempdir().unwrap()).await, seed).await
    }

    /// A service on the folder that knows the tests' issuer.
    pub async fn serve(folder: tempfile::TempDir) -> TestService {
        Self::serve_with(RawConfig::default(), folder).await
    }

    /// As [`Self::serve`], with a configuration of the test's own.
    pub async fn serve_with(raw: RawConfig, folder: tempfile::TempDir) -> TestService {
        let raw = RawConfig { issuers: vec![tokens::issuer(folder.path())], ..raw };
        TestService::start_raw_with(raw, folder, embedders()).await
    }

    /// Makes the collection and the fixed part of the world.
    pub async fn on(service: TestService, seed: u64) -> Self {
        let admin = service.admin();
        admin.put("/v1/collections/leak", json!({"analyser": "simple"})).await.ok();
        let stores = admin.get("/stores").await.ok();
        let mut driver = Self {
            store: stores["stores"][0]["id"].as_str().unwrap().to_owned(),
            service,
            world: World::new(Model::of_json(DEFAULT_MODEL_JSON).unwrap()),
            rng: Random::new(seed),
            canaries: Vec::new(),
            turned: None,
        };
        let mut fixed = vec![tuple("user:u5", "member", "group:chain0")];
        for n in 1..CHAIN {
            fixed.push(tuple(&format!("group:chain{}#member", n - 1), "member", &format!("group:chain{n}")));
        }
        fixed.push(tuple("classification:red", "above", "classification:amber"));
        for n in 1..4 {
            fixed.push(tuple(&format!("folder:f{}", n - 1), "parent", &format!("folder:f{n}")));
            fixed.push(tuple(&format!("folder:f{}", n - 1), "inherits", &format!("folder:f{n}")));
        }
        for tuple in fixed {
            driver.apply(Operation::Write(tuple)).await;
        }
        if driver.rng.chance(70) {
            let model = driver.draw_model();
            driver.apply(model).await;
        }
        driver
    }

    pub fn key(&self) -> impl Fn(&str, u64, Option<&str>, u32) -> [u8; 16] + use<> {
        let service = self.service.service();
        let keys = service.chunk_keys.clone();
        let collection = service.published.load().collection("leak").unwrap().id;
        move |document, version, section, number| {
            keys.key(collection, document, version, PlaceInDocument { section, number })
        }
    }

    /// One of the readers: a person, an agent, a service, or a person with agents that act for it.
    pub fn draw_reader(&mut self) -> Reader {
        let mut reader = vec![self.rng.pick(&subjects()).cloned().unwrap()];
        if reader[0].starts_with("user:") {
            let actors = [0, 0, 1, 2][self.rng.below(4)];
            reader.extend((0..actors).map(|n| format!("agent:a{n}")));
        }
        reader
    }

    fn draw_model(&mut self) -> Operation {
        let default = serde_json::from_str(DEFAULT_MODEL_JSON).unwrap();
        Operation::Model(models::draw(&default, &mut self.rng))
    }

    /// A random change that is possible now.
    pub fn draw(&mut self) -> Operation {
        if self.rng.chance(2) {
            return self.draw_model();
        }
        match self.rng.below(10) {
            0..=3 => {
                let id = format!("s{}/d{}", self.rng.below(2), self.rng.below(12));
                self.draw_document(&id)
            }
            4 => {
                let ids: Vec<String> = self.world.documents.keys().cloned().collect();
                match self.rng.pick(&ids) {
                    Some(id) => Operation::Delete(id.clone()),
                    None => self.draw_document("s0/d0"),
                }
            }
            _ => {
                let tuple = self.draw_tuple();
                let same = self.world.tuples.iter().find(|other| is_same_key(other, &tuple));
                match same {
                    Some(existing) => Operation::Revoke(existing.clone()),
                    None => Operation::Write(tuple),
                }
            }
        }
    }

    fn draw_tuple(&mut self) -> Tuple {
        let is_suspending = self.world.model.has_relation("group", "suspended");
        let rng = &mut self.rng;
        let group = rng.below(6);
        if is_suspending && rng.chance(8) {
            return tuple(&format!("user:u{}", rng.below(6)), "suspended", &format!("group:g{group}"));
        }
        match rng.below(12) {
            // Groups nest upwards only: a cycle under an exclusion denies, which the fixpoint doesn't model.
            0..=2 if group > 0 && rng.chance(40) => {
                tuple(&format!("group:g{}#member", rng.below(group)), "member", &format!("group:g{group}"))
            }
            0..=2 => {
                let subject = rng.pick(&subjects()).cloned().unwrap_or_default();
                tuple(&subject, "member", &format!("group:g{group}"))
            }
            3..=4 => tuple(&principal(rng), "viewer", &format!("folder:f{}", rng.below(4))),
            5 => tuple(&plain(rng), "blocked", &format!("folder:f{}", rng.below(4))),
            6 => {
                let level = if rng.chance(50) { "red" } else { "amber" };
                tuple(&plain(rng), "cleared", &format!("classification:{level}"))
            }
            7 => {
                let side = if rng.chance(50) { "a" } else { "b" };
                tuple(&plain(rng), side, &format!("clause:c{}", rng.below(2)))
            }
            8 => tuple(&staff(rng), ["owner", "editor"][rng.below(2)], &format!("folder:f{}", rng.below(4))),
            _ => {
                let ids: Vec<String> = self.world.documents.keys().cloned().collect();
                let object = rng.pick(&ids).map_or("folder:f0".to_owned(), |id| format!("document:{id}"));
                let roll = rng.below(20);
                if roll < 12 {
                    tuple(&principal(rng), "viewer", &object)
                } else if roll < 14 {
                    tuple(&staff(rng), ["owner", "editor"][rng.below(2)], &object)
                } else if roll < 15 && object.starts_with("document:") {
                    let level = ["open", "amber", "red"][rng.below(3)];
                    tuple(&format!("classification:{level}"), "classification", &object)
                } else {
                    tuple(&plain(rng), "blocked", &object)
                }
            }
        }
    }

    fn draw_document(&mut self, id: &str) -> Operation {
        let mut existing = self.world.documents.get(id).cloned();
        let keeps_text = existing.is_some() && self.rng.chance(40);
        let parts: Vec<Part> = match existing.take().filter(|_| keeps_text) {
            Some(document) => document.chunks,
            None => (0..self.rng.below(4) + 1)
                .map(|n| {
                    let words = self.rng.below(20) + 3;
                    let text = format!("{} {}", sentence(&mut self.rng, words), canary(&mut self.rng));
                    Part { text, section: self.rng.chance(25).then(|| format!("p{n}")) }
                })
                .collect(),
        };
        let version = self.world.versions.get(id).copied().unwrap_or_default() + u64::from(!keeps_text);
        let title = id.replace('/', " ");
        let (acl, mut tuples) = self.draw_rules(id);
        let mut sections = Vec::new();
        let (mut text, mut spans) = (String::new(), Vec::new());
        for part in &parts {
            let start = text.len();
            text.push_str(&part.text);
            spans.push(json!({"start": start, "end": text.len()}));
            if let Some(section) = &part.section {
                let object = section_object(id, section);
                tuples.insert(tuple(&format!("document:{id}"), "document", &object));
                let viewers: Vec<String> = (0..self.rng.below(3)).map(|_| principal(&mut self.rng)).collect();
                tuples.extend(viewers.iter().map(|viewer| tuple(viewer, "viewer", &object)));
                let acl = if viewers.is_empty() { json!({"nobody": true}) } else { json!({"viewers": viewers}) };
                sections.push(json!({"id": section, "span": {"start": start, "end": text.len()}, "acl": acl}));
            }
            text.push('\n');
        }
        let body = json!({
            "id": id, "collection": "leak", "title": title, "acl": acl, "sections": sections, "chunks": spans,
            "content": {"type": "text/plain", "text": text},
        });
        for part in &parts {
            let canary = part.text.rsplit(' ').next().unwrap_or_default().to_owned();
            self.canaries.push((canary, chunk_name(id, version, &part.text)));
        }
        let document = Document { id: id.to_owned(), version, title, chunks: parts, tuples };
        Operation::Put(Box::new(document), body)
    }

    /// Rules of a document as the API takes them, and the tuples that they mean.
    fn draw_rules(&mut self, id: &str) -> (Value, BTreeSet<Tuple>) {
        let rng = &mut self.rng;
        let object = format!("document:{id}");
        let mut tuples = BTreeSet::new();
        let label = ["open", "open", "open", "amber", "red"].get(rng.below(5)).copied().unwrap_or("open");
        tuples.insert(tuple(&format!("classification:{label}"), "classification", &object));
        let mut viewers: BTreeSet<String> = (0..rng.below(3)).map(|_| principal(rng)).collect();
        if rng.chance(20) {
            viewers.insert(format!("clause:c{}#member", rng.below(2)));
        }
        let blocked: BTreeSet<String> = (0..rng.below(2)).map(|_| plain(rng)).collect();
        tuples.extend(viewers.iter().map(|viewer| tuple(viewer, "viewer", &object)));
        tuples.extend(blocked.iter().map(|who| tuple(who, "blocked", &object)));
        let mut viewers: Vec<Value> = viewers.into_iter().map(Value::from).collect();
        if rng.chance(25) {
            let who = rng.pick(&subjects()).cloned().unwrap_or_default();
            if !tuples.iter().any(|other| other.relation == "viewer" && other.user == who) {
                let window = if rng.chance(50) { (0, 1_000) } else { (1_000, 4_000_000_000) };
                let time = |second| jiff::Timestamp::from_second(second).unwrap().to_string();
                let context = json!({"start": time(window.0), "end": time(window.1)});
                viewers.push(json!({"principal": who, "condition": {"name": "during", "context": context}}));
                tuples.insert(Tuple { during: Some(window), ..tuple(&who, "viewer", &object) });
            }
        }
        let mut acl =
            json!({"viewers": viewers, "blocked": blocked, "classification": format!("classification:{label}")});
        if rng.chance(60) {
            let folder = format!("folder:f{}", rng.below(4));
            tuples.insert(tuple(&folder, "parent", &object));
            acl["parents"] = json!([folder]);
            let inherits = rng.chance(70);
            acl["inherit"] = json!(inherits);
            if inherits {
                tuples.insert(tuple(&folder, "inherits", &object));
            }
        }
        (acl, tuples)
    }

    /// Applies a change to the service, waits for its acknowledgement, then to the world.
    pub async fn apply(&mut self, operation: Operation) {
        send(&self.service, &operation).await;
        self.world.apply_operation(operation);
    }

    /// One random change, then two random questions; says how many.
    pub async fn step(&mut self) -> usize {
        let operation = self.draw();
        self.apply(operation).await;
        let questions = 2;
        for _ in 0..questions {
            let reader = self.draw_reader();
            let words = self.rng.below(4) + 1;
            let question = sentence(&mut self.rng, words);
            let top_k = [3, 10, 50][self.rng.below(3)];
            self.ask(&reader, &question, top_k).await;
        }
        questions
    }

    /// Asks one question through every route and compares.
    pub async fn ask(&mut self, reader: &Reader, question: &str, top_k: usize) {
        let client = match reader.as_slice() {
            [one] => self.service.as_reader(one),
            several => self.service.with_token(several),
        };
        let at = now();
        let mut body = json!({"query": question, "top_k": top_k, "collections": ["leak"],
                          "include": ["text", "metadata", "neighbors", "under_heading", "assembled"]});
        let mut wish = Wish { depth: 100, top_k, most: None, diversity: 0.0 };
        // Where near equals may be turned round, what is chosen after them may be another.
        if self.turned.is_none() {
            wish.most = [None, None, Some(1), Some(2)][self.rng.below(4)];
            wish.diversity = [0.0, 0.0, 0.3, 1.0][self.rng.below(4)];
            body["max_per_document"] = json!(wish.most);
            body["diversity"] = json!(wish.diversity);
        }
        if self.turned.is_some() {
            let nothing = json!({"query": "x", "top_k": 1, "collections": ["leak"]});
            body["min_revision"] = client.post("/v1/query", nothing).await.ok()["revision"].clone();
        }
        let reply = client.post("/v1/query", body).await;
        let bytes = String::from_utf8(reply.bytes.clone()).unwrap();
        let answer = reply.ok();
        let key = self.key();
        let expected = self.world.answer(reader, question, wish, at, &key);
        let found: Vec<(String, f64)> = names(&answer);
        let wanted: Vec<(String, f64)> = expected.into_iter().map(|ranked| (ranked.id, ranked.score)).collect();
        let is_same = found.len() == wanted.len()
            && found.iter().zip(&wanted).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-12);
        let is_same = is_same || self.is_turned(&found, &wanted, top_k);
        assert!(is_same, "{reader:?} asked {question:?}\nfound  {found:#?}\nwanted {wanted:#?}");
        assert_eq!(answer["complete"].as_bool(), Some(found.len() >= top_k || !says_incomplete(&answer)));
        let visible = self.world.visible_names(reader, at);
        self.scan(&bytes, &visible, reader);
        self.check_receipt(&answer, reader);
        self.recheck(&client, &answer, reader).await;
        self.read_back(&client, &answer).await;
        self.read_documents(&client, &visible, reader).await;
        self.ask_openfga(reader, at).await;
    }

    /// Whether the lists hold the same chunks but for the order of near equals, where that may be.
    fn is_turned(&mut self, found: &[(String, f64)], wanted: &[(String, f64)], top_k: usize) -> bool {
        let Some(turned) = &mut self.turned else { return false };
        *turned += 1;
        let set = |list: &[(String, f64)]| list.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
        let near = found.iter().zip(wanted).all(|(a, b)| (a.1 - b.1).abs() < 0.02);
        // At the end of a list that is cut either of two near equals may stand.
        found.len() == wanted.len() && near && (set(found) == set(wanted) || wanted.len() == top_k)
    }

    /// The receipt names the reader and exactly what was returned, and the audit has the answer's record.
    fn check_receipt(&self, answer: &Value, reader: &Reader) {
        let service = self.service.service();
        let receipt = service.receipts.verify(answer["receipt"].as_str().unwrap()).unwrap();
        assert_eq!(&receipt.subjects, reader);
        let pair = |hit: &Value| {
            (hit["chunk_id"].as_str().unwrap().to_owned(), hit["content_hash"].as_str().unwrap().to_owned())
        };
        let returned: Vec<_> = answer["results"].as_array().unwrap().iter().map(pair).collect();
        let stated: Vec<_> = receipt.items.into_iter().map(|item| (item.chunk_id, item.content_hash)).collect();
        assert!(returned.iter().all(|item| stated.contains(item)), "{reader:?}: not in the receipt");
        let audit = std::fs::read_to_string(self.service.folder.path().join("audit.jsonl")).unwrap();
        let name = answer["request_id"].as_str().unwrap();
        let records: Vec<&str> = audit.lines().rev().take(8).filter(|line| line.contains(name)).collect();
        assert_eq!(records.len(), 1, "{reader:?}: audit");
        for hit in answer["results"].as_array().unwrap() {
            let neighbors = hit["neighbors"].as_array().unwrap().iter().map(|it| it["chunk_id"].as_str().unwrap());
            let under = hit["under_heading"]["chunk_ids"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
            let given = std::iter::once(hit["chunk_id"].as_str().unwrap()).chain(neighbors).chain(under);
            given.for_each(|chunk| assert!(records[0].contains(chunk), "{reader:?}: {chunk} is not in the audit"));
        }
    }

    /// What the authorization API says about single documents.
    async fn ask_openfga(&mut self, reader: &Reader, at: i64) {
        let subject = &reader[0];
        let admin = self.service.admin();
        let time = jiff::Timestamp::from_second(at).unwrap().to_string();
        let body =
            json!({"type": "document", "relation": "can_view", "user": subject, "context": {"current_time": time}});
        let reply = admin.post(&format!("/stores/{}/list-objects", self.store), body).await;
        // A path that is too deep fails the whole list, as OpenFGA has it; the readable documents were compared before.
        if reply.status.as_u16() == 400 {
            assert_eq!(reply.problem(400), "authorization_model_resolution_too_complex");
            return;
        }
        let listed = reply.ok();
        let listed: BTreeSet<String> =
            listed["objects"].as_array().unwrap().iter().map(|object| object.as_str().unwrap().to_owned()).collect();
        assert_eq!(listed, self.world.objects(subject, "document", "can_view", at), "{subject}");
    }

    /// No canary of an unreadable chunk stands anywhere in the bytes.
    fn scan(&self, bytes: &str, visible: &BTreeSet<String>, reader: &Reader) {
        for (at, _) in bytes.match_indices("canary") {
            let word: String = bytes[at..].chars().take("canary".len() + 16).collect();
            let is_readable = self.canaries.iter().any(|(canary, chunk)| *canary == word && visible.contains(chunk));
            assert!(is_readable, "LEAK: {reader:?} was sent {word}");
        }
    }

    async fn recheck(&self, client: &Client, answer: &Value, reader: &Reader) {
        let hits = answer["results"].as_array().unwrap();
        let items: Vec<Value> =
            hits.iter().map(|hit| json!({"chunk_id": hit["chunk_id"], "content_hash": hit["content_hash"]})).collect();
        let answer = client.post("/v1/recheck", json!({"items": items})).await.ok();
        for item in answer["items"].as_array().unwrap() {
            assert_eq!(item["status"], "ok", "{reader:?}");
        }
    }

    /// The place of a passage is one in the document as the reader gets it.
    async fn read_back(&mut self, client: &Client, answer: &Value) {
        let hits = answer["results"].as_array().unwrap();
        if let Some(hit) = self.rng.pick(hits) {
            let id = hit["document_id"].as_str().unwrap().replace('/', "%2F");
            let document = client.get(&format!("/v1/documents/{id}?collection=leak")).await.ok();
            let place = |end: &str| hit["span"][end].as_u64().unwrap() as usize;
            let text = document["text"].as_str().unwrap().get(place("start")..place("end"));
            assert_eq!(text, hit["text"].as_str(), "{hit}");
        }
    }

    async fn read_documents(&mut self, client: &Client, visible: &BTreeSet<String>, reader: &Reader) {
        let id = format!("s{}/d{}", self.rng.below(2), self.rng.below(12));
        let reply = client.get(&format!("/v1/documents/{}?collection=leak", id.replace('/', "%2F"))).await;
        let bytes = String::from_utf8(reply.bytes.clone()).unwrap();
        self.scan(&bytes, visible, reader);
        let parts = self.world.documents.get(&id).map(|document| document.chunks.clone()).unwrap_or_default();
        let version = self.world.documents.get(&id).map(|document| document.version).unwrap_or_default();
        let is_visible = |part: &Part| visible.contains(&chunk_name(&id, version, &part.text));
        for part in parts.iter().filter(|part| is_visible(part)) {
            assert!(bytes.contains(part.text.as_str()), "{reader:?} may read {id} and did not get {}", part.text);
        }
        if parts.iter().any(|part| part.section.is_none()) && !parts.iter().any(is_visible) {
            assert_eq!(reply.status.as_u16(), 404, "{reader:?} reads {id}");
        }
    }
}

fn is_same_key(a: &Tuple, b: &Tuple) -> bool {
    (&a.object, &a.relation, &a.user) == (&b.object, &b.relation, &b.user)
}

/// A principal without the chain of groups, which must not stand where it is subtracted or joined.
fn plain(rng: &mut Random) -> String {
    loop {
        let who = principal(rng);
        if !who.contains("chain") && !who.contains('*') {
            return who;
        }
    }
}

/// Somebody who may own and edit.
fn staff(rng: &mut Random) -> String {
    if rng.chance(50) { format!("group:g{}#member", rng.below(6)) } else { format!("user:u{}", rng.below(6)) }
}

/// (name, score) of each result, in order.
pub fn names(answer: &Value) -> Vec<(String, f64)> {
    let text = |hit: &Value, field: &str| hit[field].as_str().unwrap_or_default().to_owned();
    answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| {
            let version = hit["document_version"].as_u64().unwrap();
            (chunk_name(&text(hit, "document_id"), version, &text(hit, "text")), hit["score"].as_f64().unwrap())
        })
        .collect()
}

pub fn wire(tuple: &Tuple) -> Value {
    json!({"user": tuple.user, "relation": tuple.relation, "object": tuple.object})
}

/// Sends a change and expects it to be taken.
pub async fn send(service: &TestService, operation: &Operation) {
    let admin = service.admin();
    match operation {
        Operation::Put(document, body) => {
            let answer = admin.put_documents(vec![body.clone()]).await;
            assert_eq!(answer["results"][0]["version"].as_u64(), Some(document.version), "{answer}");
        }
        Operation::Delete(id) => {
            admin.delete(&format!("/v1/documents/{}?collection=leak", id.replace('/', "%2F"))).await.ok();
        }
        Operation::Write(tuple) => {
            admin.write(json!([wire(tuple)]), json!([])).await;
        }
        Operation::Revoke(tuple) => {
            admin.write(json!([]), json!([wire(tuple)])).await;
        }
        Operation::Model(model) => {
            let stores = admin.get("/stores").await.ok();
            let store = stores["stores"][0]["id"].as_str().unwrap();
            admin.post(&format!("/stores/{store}/authorization-models"), model.clone()).await.ok();
        }
    }
}

/// What a change does to the world: rules are compared three ways, so that what was done by hand stays.
pub trait Apply {
    fn apply_operation(&mut self, operation: Operation);
}

impl Apply for World {
    fn apply_operation(&mut self, operation: Operation) {
        match operation {
            Operation::Put(document, _) => {
                let before = self.documents.get(&document.id).map(|old| old.tuples.clone()).unwrap_or_default();
                for gone in before.difference(&document.tuples) {
                    let is_by_hand = self.by_hand.iter().any(|tuple| is_same_key(tuple, gone));
                    self.tuples.retain(|tuple| is_by_hand || !is_same_key(tuple, gone));
                }
                for new in document.tuples.difference(&before) {
                    if !self.tuples.iter().any(|tuple| is_same_key(tuple, new)) {
                        self.tuples.insert(new.clone());
                    }
                }
                self.versions.insert(document.id.clone(), document.version);
                self.documents.insert(document.id.clone(), *document);
            }
            Operation::Delete(id) => {
                let Some(old) = self.documents.remove(&id) else { return };
                let by_hand = std::mem::take(&mut self.by_hand);
                self.tuples
                    .retain(|tuple| by_hand.contains(tuple) || !old.tuples.iter().any(|own| is_same_key(own, tuple)));
                // Grants by hand don't pass to what comes under that id.
                let object = format!("document:{id}");
                let is_held = |tuple: &Tuple| {
                    tuple.object == object && ["viewer", "editor", "owner"].contains(&tuple.relation.as_str())
                };
                let (held, stay): (Vec<_>, Vec<_>) = by_hand.into_iter().partition(is_held);
                held.iter().for_each(|tuple| _ = self.tuples.remove(tuple));
                self.by_hand = stay.into_iter().collect();
            }
            Operation::Write(tuple) => {
                self.by_hand.insert(tuple.clone());
                self.tuples.insert(tuple);
            }
            Operation::Revoke(tuple) => {
                self.by_hand.remove(&tuple);
                self.tuples.remove(&tuple);
            }
            Operation::Model(model) => self.model = Model::of_json(&model.to_string()).unwrap(),
        }
    }
}

/// Whether an answer warns that something may be missing; not whether a name in the question is wrong.
fn says_incomplete(answer: &Value) -> bool {
    let about_names = ["nothing_readable", "collection_not_found", "field_not_found"];
    answer["warnings"].as_array().unwrap().iter().any(|warning| !about_names.contains(&warning.as_str().unwrap()))
}
