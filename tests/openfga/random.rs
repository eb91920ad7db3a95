//! Random worlds, asked of Usher and of the server: models, writes, deletes, the log, and every kind of question.
//!
//! `USHER_SOAK` is the number of comparisons, `USHER_SEED` where the random numbers begin. A difference is printed with
//! all that is needed to ask again.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use serde_json::{Value, json};
use usher_support::Random;

use crate::common::TestService;
use crate::compare::{Pair, Said, Side};
use crate::excuses;
use crate::generate::{Chain, OBJECT_IDS, OBJECTS, World, object_id};
use crate::server::Server;

/// Comparisons of a run that asks for no other number.
const FEW: usize = 2000;
/// How often the server is asked again.
const AGAIN: usize = 20;
const CHECK: &str = "/stores/{store}/check";
/// Differences after which a run ends.
const MAX_WRONG: usize = 10;

struct Run {
    server: Server,
    pair: Pair,
    rng: Random,
    label: String,
    /// What happened in this world so far.
    history: Vec<String>,
    /// Keys of the stored tuples.
    stored: HashSet<String>,
    /// By kind: comparisons, of which answers that are no errors.
    counts: BTreeMap<&'static str, (usize, usize)>,
    excused: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
    /// Whether the server gave up on something; the rest of the world is not asked then.
    is_lost: bool,
}

impl Run {
    fn total(&self) -> usize {
        self.counts.values().map(|(all, _)| all).sum()
    }

    fn count(&mut self, kind: &'static str, said: &Said) {
        let count = self.counts.entry(kind).or_default();
        count.0 += 1;
        count.1 += usize::from(said.body().is_some());
    }

    fn excuse(&mut self, why: &'static str) {
        *self.excused.entry(why).or_default() += 1;
    }

    fn differ(&mut self, kind: &str, asked: &Value, usher: &Said, server: &Said) {
        if self.replaces_stored(asked) && !excuses::is_wider(usher, server) {
            self.excuse(excuses::REPLACED);
            return;
        }
        let mut text = format!("{} {kind}: {asked}\n  usher  {usher:?}\n  server {server:?}\n", self.label);
        for step in &self.history {
            let _ = writeln!(text, "    {step}");
        }
        self.wrong.push(text);
    }

    /// Whether a contextual tuple has the key of a stored one.
    fn replaces_stored(&self, asked: &Value) -> bool {
        let brought = &asked["contextual_tuples"];
        let tuples = brought.as_array().or_else(|| brought["tuple_keys"].as_array());
        tuples.into_iter().flatten().any(|tuple| self.stored.contains(&key(tuple)))
    }

    /// Sends the same to both and counts it; the answers, if they differ.
    async fn compare(&mut self, kind: &'static str, path: &str, body: &Value) -> Option<(Said, Said)> {
        if self.is_lost {
            return None;
        }
        let (usher, server) = self.pair.post(path, body).await;
        if server.gave_up() {
            assert!(!usher.gave_up(), "{}: both give up: {body}", self.label);
            self.excuse(excuses::GAVE_UP);
            self.is_lost = true;
            return None;
        }
        self.count(kind, &usher);
        (usher != server).then_some((usher, server))
    }

    /// [`Run::compare`] where nothing may differ.
    async fn same(&mut self, kind: &'static str, path: &str, body: &Value) {
        if let Some((usher, server)) = self.compare(kind, path, body).await {
            self.differ(kind, body, &usher, &server);
        }
    }

    async fn world(&mut self) {
        self.history.clear();
        self.stored.clear();
        self.pair.new_store("{store}").await;
        let Some(mut world) = self.model().await else { return };
        self.tuples(&world).await;
        for _ in 0..60 {
            self.question(&world).await;
        }
        if let Some(chain) = world.chain(&mut self.rng) {
            self.depth(&world, &chain).await;
        }
        if self.rng.chance(40) {
            // Tuples of before stay, and count or not under the new model.
            if let Some(next) = self.model().await {
                world = next;
            }
            self.tuples(&world).await;
            for _ in 0..40 {
                self.question(&world).await;
            }
        }
        self.same("read", "/stores/{store}/read", &json!({"page_size": 100})).await;
        self.log().await;
    }

    /// Tries models until one is taken.
    async fn model(&mut self) -> Option<World> {
        if self.is_lost {
            return None;
        }
        const PATH: &str = "/stores/{store}/authorization-models";
        for _ in 0..40 {
            let world = World::new(&mut self.rng);
            let model = world.model();
            let (usher, server) = self.pair.post(PATH, &model).await;
            self.count("model", &usher);
            if usher != server {
                if self.overlooks_entry_point(&model).await {
                    self.excuse(excuses::ENTRY_POINT);
                } else {
                    self.differ("model", &model, &usher, &server);
                }
            }
            if usher.body().is_some() && server.body().is_some() {
                self.history.push(format!("model {model}"));
                return Some(world);
            }
        }
        None
    }

    /// Whether the server refuses the model for its entry points.
    async fn overlooks_entry_point(&self, model: &Value) -> bool {
        let server = &self.pair.server;
        let path = server.filled("/stores/{store}/authorization-models");
        let reply = server.client.post(&path, model.clone()).await;
        let text = String::from_utf8_lossy(&reply.bytes);
        !reply.status.is_success() && ["no entrypoints defined", "potential loop"].iter().any(|why| text.contains(why))
    }

    async fn tuples(&mut self, world: &World) {
        if self.is_lost {
            return;
        }
        const PATH: &str = "/stores/{store}/write";
        let mut written = Vec::new();
        for _ in 0..10 + self.rng.below(25) {
            let mut tuple = world.tuple(&mut self.rng);
            let delete = self.rng.chance(12);
            if delete && let Some(held) = self.rng.pick(&written) {
                tuple = Value::clone(held);
            }
            let list = if delete { "deletes" } else { "writes" };
            let body = json!({list: {"tuple_keys": [tuple]}});
            let (usher, server) = self.pair.post(PATH, &body).await;
            self.count("write", &usher);
            if usher != server {
                self.differ("write", &body, &usher, &server);
            }
            if usher.body().is_some() {
                self.history.push(format!("{list} {tuple}"));
                let _ = if delete { self.stored.remove(&key(&tuple)) } else { self.stored.insert(key(&tuple)) };
                written.push(tuple);
            }
        }
    }

    /// Questions around the depth limit.
    async fn depth(&mut self, world: &World, chain: &Chain) {
        let Chain { of, relation, subject, tuples } = chain;
        self.same("write", "/stores/{store}/write", &json!({"writes": {"tuple_keys": tuples}})).await;
        self.history.push(format!("a row of {} {of}:k0 … {relation} to {subject}", tuples.len()));
        for at in 0..8 {
            let relation = match world.relation(&mut self.rng) {
                (other, name) if other == *of => name,
                _ => relation.clone(),
            };
            let key = json!({"user": subject, "relation": relation, "object": format!("{of}:k{at}")});
            let body = json!({"tuple_key": key, "context": world.context(&mut self.rng)});
            self.check(world, excuses::NEAR_LIMIT, &body).await;
        }
        for at in 0..3 {
            let filter = json!({"type": subject.split_once(':').unwrap().0});
            let body = json!({
                "object": {"type": of, "id": format!("k{at}")}, "relation": relation, "user_filters": [filter],
                "context": world.context(&mut self.rng),
            });
            self.same("list users near the depth limit", "/stores/{store}/list-users", &body).await;
        }
    }

    async fn check(&mut self, world: &World, kind: &'static str, body: &Value) {
        if let Some((usher, server)) = self.compare(kind, CHECK, body).await {
            let is_deeper = kind == excuses::NEAR_LIMIT
                && usher.code() == Some("authorization_model_resolution_too_complex")
                && server.body().is_some();
            match self.checked(world, body, &usher, &server).await {
                None if is_deeper => self.excuse(excuses::ONE_HOP),
                Some(why) => self.excuse(why),
                None => self.differ(kind, body, &usher, &server),
            }
        }
    }

    async fn log(&mut self) {
        if self.is_lost {
            return;
        }
        let get =
            async |side: &Side| side.ask(reqwest::Method::GET, "/stores/{store}/changes?page_size=100", None).await;
        let (usher, server) = tokio::join!(get(&self.pair.usher), get(&self.pair.server));
        self.count("changes", &usher);
        if usher != server {
            self.differ("changes", &Value::Null, &usher, &server);
        }
    }

    fn contextual(&mut self, world: &World) -> Vec<Value> {
        if self.rng.chance(70) {
            return Vec::new();
        }
        (0..=self.rng.below(3)).map(|_| world.tuple(&mut self.rng)).collect()
    }

    async fn question(&mut self, world: &World) {
        let context = world.context(&mut self.rng);
        let contextual = self.contextual(world);
        let (of, relation) = world.relation(&mut self.rng);
        match self.rng.below(100) {
            0..50 => {
                let key = json!({
                    "user": world.subject(&mut self.rng), "relation": relation,
                    "object": format!("{of}:{}", object_id(&mut self.rng)),
                });
                let body =
                    json!({"tuple_key": key, "context": context, "contextual_tuples": {"tuple_keys": contextual}});
                self.check(world, "check", &body).await;
            }
            50..72 => {
                let user = world.subject(&mut self.rng);
                let body = json!({
                    "type": of, "relation": relation, "user": user, "context": context,
                    "contextual_tuples": {"tuple_keys": contextual},
                });
                let (kind, path) = if self.rng.chance(70) {
                    ("list objects", "/stores/{store}/list-objects")
                } else {
                    ("stream objects", "/stores/{store}/streamed-list-objects")
                };
                if let Some((usher, server)) = self.compare(kind, path, &body).await {
                    self.arbitrate(world, kind, &body, &usher, &server).await;
                }
            }
            72..92 => {
                let filter = world.filter(&mut self.rng);
                let body = json!({
                    "object": {"type": of, "id": object_id(&mut self.rng)}, "relation": relation,
                    "user_filters": [filter], "context": context, "contextual_tuples": contextual,
                });
                if let Some((usher, server)) = self.compare("list users", "/stores/{store}/list-users", &body).await {
                    if self.lists_the_denied(&body, &usher, &server).await {
                        self.excuse(excuses::LISTING_IS_NOT_CHECK);
                    } else {
                        self.differ("list users", &body, &usher, &server);
                    }
                }
            }
            _ => {
                let key = json!({"relation": relation, "object": format!("{of}:{}", object_id(&mut self.rng))});
                let body = json!({"tuple_key": key, "contextual_tuples": {"tuple_keys": contextual}});
                self.same("expand", "/stores/{store}/expand", &body).await;
            }
        }
    }

    /// Checks differ: why that may be.
    async fn checked(&mut self, world: &World, question: &Value, usher: &Said, server: &Said) -> Option<&'static str> {
        for _ in 0..AGAIN {
            let again = self.pair.server.post(CHECK, question).await;
            if again == *usher {
                return Some(excuses::ASKED_AGAIN);
            }
            if again.gave_up() {
                self.is_lost = true;
                return Some(excuses::GAVE_UP);
            }
        }
        if excuses::may_be_unrelated(usher, server) && self.allowed_in_other_contexts(world, question).await {
            return Some(excuses::UNRELATED_ERROR);
        }
        let key = &question["tuple_key"];
        let (of, _) = key["object"].as_str().unwrap().split_once(':').unwrap();
        excuses::check(world, of, key["relation"].as_str().unwrap(), usher, server)
    }

    /// Whether the server allows the same in every context in which it can tell: then what failed is on no needed path.
    async fn allowed_in_other_contexts(&mut self, world: &World, question: &Value) -> bool {
        let mut told = 0;
        for _ in 0..AGAIN {
            let mut other = question.clone();
            other["context"] = world.context(&mut self.rng);
            let said = self.pair.server.post(CHECK, &other).await;
            match said.body().map(|body| body["allowed"] == true) {
                Some(false) => return false,
                Some(true) => told += 1,
                None => {}
            }
        }
        told > 0
    }

    /// Listings differ: Check of every object decides which of them is right.
    async fn arbitrate(&mut self, world: &World, kind: &str, body: &Value, usher: &Said, server: &Said) {
        let (of, relation) = (body["type"].as_str().unwrap(), body["relation"].as_str().unwrap());
        assert!(OBJECTS.contains(&of));
        let (mut by_usher, mut by_server) = (Vec::new(), Vec::new());
        let mut why = excuses::LISTING_IS_NOT_CHECK;
        for id in OBJECT_IDS {
            let object = format!("{of}:{id}");
            let question = json!({
                "tuple_key": {"user": body["user"], "relation": relation, "object": object},
                "context": body["context"], "contextual_tuples": body["contextual_tuples"],
            });
            let (a, b) = self.pair.post(CHECK, &question).await;
            if b.gave_up() {
                self.excuse(excuses::GAVE_UP);
                self.is_lost = true;
                return;
            }
            if a != b {
                match self.checked(world, &question, &a, &b).await {
                    Some(excuse) => why = excuse,
                    None => self.differ("check of a listed object", &question, &a, &b),
                }
            }
            by_usher.push((object.clone(), a));
            by_server.push((object, b));
        }
        let usher = streamed(usher);
        if why == excuses::LISTING_IS_NOT_CHECK && excuses::is_consistent(&streamed(server), &by_server) {
            why = excuses::UNLISTED_ERROR;
        }
        let is_excused = excuses::is_consistent(&usher, &by_usher);
        if is_excused {
            self.excuse(why);
        } else {
            self.differ(kind, body, &usher, server);
        }
    }

    /// Whether the server lists what Usher lists and some users more, each of whom its own Check denies.
    async fn lists_the_denied(&self, body: &Value, usher: &Said, server: &Said) -> bool {
        let users = |said: &Said| said.body().and_then(|body| body["users"].as_array().cloned());
        let (Some(by_usher), Some(by_server)) = (users(usher), users(server)) else { return false };
        if !by_usher.iter().all(|user| by_server.contains(user)) {
            return false;
        }
        let object = format!("{}:{}", body["object"]["type"].as_str().unwrap(), body["object"]["id"].as_str().unwrap());
        for user in by_server.iter().filter(|user| !by_usher.contains(user)) {
            let question = json!({
                "tuple_key": {"user": name_of(user), "relation": body["relation"], "object": object},
                "context": body["context"], "contextual_tuples": {"tuple_keys": body["contextual_tuples"]},
            });
            let said = self.pair.server.post(CHECK, &question).await;
            if said.body().is_none_or(|body| body["allowed"] != false) {
                return false;
            }
        }
        true
    }

    fn report(&self) {
        for (kind, (all, plain)) in &self.counts {
            println!("beside the server, {kind}: {all} compared ({plain} answers, {} errors)", all - plain);
        }
        for (why, count) in &self.excused {
            println!("beside the server, let pass: {count} times {why}");
        }
        println!("beside the server: {} compared, {} differ", self.total(), self.wrong.len());
    }
}

/// A listed user as it stands in tuples.
fn name_of(user: &Value) -> String {
    let part = |pointer: &str| user.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if user.get("userset").is_some() {
        return format!("{}:{}#{}", part("/userset/type"), part("/userset/id"), part("/userset/relation"));
    }
    if user.get("wildcard").is_some() {
        return format!("{}:*", part("/wildcard/type"));
    }
    format!("{}:{}", part("/object/type"), part("/object/id"))
}

fn key(tuple: &Value) -> String {
    format!("{}#{}@{}", tuple["object"], tuple["relation"], tuple["user"])
}

/// The lines of a stream as one listing; an error of a stream by its name elsewhere.
fn streamed(said: &Said) -> Said {
    match said {
        Said::Body(status, Value::Null) => Said::Body(*status, json!({"objects": []})),
        Said::Body(status, line @ Value::Object(_)) if line.get("result").is_some() => {
            Said::Body(*status, json!({"objects": [line["result"]["object"]]}))
        }
        Said::Body(status, Value::Array(lines)) => {
            let objects: Vec<&Value> = lines.iter().map(|line| &line["result"]["object"]).collect();
            Said::Body(*status, json!({"objects": objects}))
        }
        Said::Error(status, code) if code == "3" => Said::Error(*status, "validation_error".to_owned()),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_worlds_are_answered_as_the_server_does() {
    let Some(server) = Server::start("random worlds beside the server").await else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let target = number("USHER_SOAK").unwrap_or(FEW);
    let first = number("USHER_SEED").unwrap_or(1) as u64;
    let service = TestService::start().await;
    let usher = Side { client: service.admin(), names: Vec::new() };
    let server_side = Side { client: server.client(), names: Vec::new() };
    let mut run = Run {
        server,
        pair: Pair { usher, server: server_side },
        rng: Random::new(first),
        label: String::new(),
        history: Vec::new(),
        stored: HashSet::new(),
        counts: BTreeMap::new(),
        excused: BTreeMap::new(),
        wrong: Vec::new(),
        is_lost: false,
    };
    let mut seed = first;
    while run.total() < target && run.wrong.len() < MAX_WRONG {
        run.rng = Random::new(seed);
        run.label = format!("USHER_SEED={seed}");
        run.world().await;
        if run.is_lost {
            run.server = Server::start("random worlds beside the server").await.unwrap();
            run.pair.server = Side { client: run.server.client(), names: Vec::new() };
            run.is_lost = false;
        }
        seed += 1;
    }
    run.report();
    assert!(run.wrong.is_empty(), "{}", run.wrong.join("\n"));
}
