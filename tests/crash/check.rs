//! Compares a running service with everything that the test knows, and settles what was uncertain.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};

use crate::load::Load;
use crate::process::{Client, Reply};
use crate::world::{Document, Maybe, Share, Version};

/// Requests at once; their audit records share a sync.
const PARALLEL: usize = 24;
/// How long the indexes may take to catch up.
const CATCH_UP: Duration = Duration::from_secs(10);
/// Superseded versions of a document whose readers must not come back.
const FORMER: usize = 4;

/// What went wrong; all empty is right.
#[derive(Debug, Default)]
pub struct Verdict {
    pub lost: Vec<String>,
    pub resurrected: Vec<String>,
    pub half: Vec<String>,
}

impl Verdict {
    fn note(&mut self, is_there: bool, what: String) {
        if is_there { self.resurrected.push(what) } else { self.lost.push(what) }
    }

    #[track_caller]
    pub fn assert_right(&self, context: &str) {
        assert!(self.lost.is_empty() && self.resurrected.is_empty() && self.half.is_empty(), "{context}: {self:#?}");
    }
}

/// (user, relation, object)
type Tuple = (String, String, String);

/// Asks again after an error of the service: the call that is to fail once may be this one.
async fn answered(ask: impl AsyncFn() -> Reply) -> Reply {
    for _ in 0..3 {
        let reply = ask().await;
        if reply.status < 500 {
            return reply;
        }
    }
    ask().await
}

/// Checks everything; afterwards every state of `load` is certain.
pub async fn all(client: &Client, load: &mut Load) -> Verdict {
    let mut verdict = Verdict::default();
    let mut stored = stored_tuples(client).await;
    let held = held_tuples(client).await;
    stored.extend(held.iter().cloned());
    for share in &mut load.shares {
        documents(client, share, &stored, &mut verdict).await;
        collections(client, share, &mut verdict).await;
        keys(client, share, &mut verdict).await;
    }
    tuples(&stored, &mut load.shares, &mut verdict);
    if verdict.lost.is_empty() && verdict.resurrected.is_empty() && verdict.half.is_empty() {
        people(client, &load.shares, &held, &mut verdict).await;
        legs(client, &load.shares, &held, &mut verdict).await;
    }
    verdict
}

/// Each document is in one of its possible states: its text for exactly the readers of the same operation.
async fn documents(client: &Client, share: &mut Share, stored: &BTreeSet<Tuple>, verdict: &mut Verdict) {
    let mut probes = Vec::new();
    for (id, document) in &share.documents {
        for version in probed(document) {
            probes.push((id.clone(), version));
        }
    }
    let seen: Vec<_> = futures::stream::iter(probes)
        .map(|(id, version)| async move {
            let client = client.as_subject(&version.marker());
            let reply = answered(async || client.document(&id).await).await;
            assert!(reply.is_ok() || reply.status == 404, "{id}: {reply:?}");
            let text = reply.is_ok().then(|| reply.body["text"].as_str().unwrap().to_owned());
            (id, version, text)
        })
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    let mut by_id: BTreeMap<String, Vec<(Version, Option<String>)>> = BTreeMap::new();
    for (id, version, text) in seen {
        by_id.entry(id).or_default().push((version, text));
    }
    for (id, document) in &mut share.documents {
        let seen = by_id.remove(id).unwrap_or_default();
        let rules: Vec<&str> =
            markers(stored).filter(|(_, object)| object[9..] == **id).map(|(user, _)| user).collect();
        let fits = |state: &Option<Version>| {
            let marker = state.map(|state| state.marker());
            let has_rules = rules.iter().copied().eq(marker.as_deref());
            has_rules
                && seen.iter().all(|(probe, text)| {
                    let readable = state.filter(|state| state.is_public() || state.rules == probe.rules);
                    readable.map(|state| state.content()) == *text
                })
        };
        // The newest first: two states can look alike, as when a document is removed twice.
        match document.now.states.iter().rev().find(|state| fits(state)).copied() {
            Some(state) => document.now.settle(state),
            None => judge(id, document, &seen, &rules, verdict),
        }
    }
}

/// Possible versions, and the last ones that are certainly gone.
fn probed(document: &Document) -> Vec<Version> {
    let mut versions: Vec<Version> = document.now.states.iter().flatten().copied().collect();
    versions.extend(document.sent.iter().rev().take(FORMER));
    versions.sort_by_key(|version| version.rules);
    versions.dedup_by_key(|version| version.rules);
    versions
}

fn judge(id: &str, document: &Document, seen: &[(Version, Option<String>)], rules: &[&str], verdict: &mut Verdict) {
    let what = format!("{id}: possible {:?}, seen {seen:?}, rules {rules:?}", document.now.states);
    let mut shown = seen.iter().filter_map(|(probe, text)| Some((probe, text.as_ref()?))).peekable();
    if shown.peek().is_none() && rules.is_empty() {
        verdict.lost.push(what);
    } else if shown.peek().is_some()
        && shown.all(|(probe, text)| {
            let is_possible = |state: &Version| state.content() == *text || state.rules == probe.rules;
            !document.now.states.iter().flatten().any(is_possible)
        })
    {
        verdict.resurrected.push(what);
    } else {
        verdict.half.push(what);
    }
}

async fn collections(client: &Client, share: &mut Share, verdict: &mut Verdict) {
    for (name, state) in &mut share.collections {
        let reply = answered(async || client.get(&format!("/v1/collections/{name}")).await).await;
        assert!(reply.is_ok() || reply.status == 404, "{reply:?}");
        settle(state, reply.is_ok(), || format!("collection {name}"), verdict);
    }
}

async fn keys(client: &Client, share: &mut Share, verdict: &mut Verdict) {
    for key in share.keys.iter_mut().rev().take(8) {
        let client = client.with_key(&key.secret);
        let reply = answered(async || client.query("orchids", "keyword").await).await;
        assert!(reply.is_ok() || reply.status == 401, "{reply:?}");
        settle(&mut key.is_revoked, reply.status == 401, || format!("revocation of key {}", key.id), verdict);
    }
}

fn settle(state: &mut Maybe<bool>, is_there: bool, what: impl Fn() -> String, verdict: &mut Verdict) {
    if !state.states.contains(&is_there) {
        verdict.note(is_there, what());
    }
    state.settle(is_there);
}

async fn stored_tuples(client: &Client) -> BTreeSet<Tuple> {
    let mut stored = BTreeSet::new();
    let mut cursor = Value::Null;
    loop {
        let mut body = json!({"limit": 1000});
        if !cursor.is_null() {
            body["cursor"] = cursor;
        }
        let page = answered(async || client.post("/v1/relationships/read", body.clone()).await).await.ok();
        for tuple in page["tuples"].as_array().unwrap() {
            let part = |name: &str| tuple[name].as_str().unwrap().to_owned();
            stored.insert((part("user"), part("relation"), part("object")));
        }
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    stored
}

/// Grants by hand on what was deleted: they are kept, out of force.
async fn held_tuples(client: &Client) -> BTreeSet<Tuple> {
    let mut held = BTreeSet::new();
    let mut place = String::new();
    loop {
        let path = format!("/v1/relationships/report?kind=held&limit=1000{place}");
        let page = answered(async || client.get(&path).await).await.ok();
        for tuple in page["tuples"].as_array().unwrap() {
            let part = |name: &str| tuple["tuple"][name].as_str().unwrap().to_owned();
            held.insert((part("user"), part("relation"), part("object")));
        }
        match page["next_cursor"].as_str() {
            Some(next) => place = format!("&cursor={next}"),
            None => return held,
        }
    }
}

/// (user, object) of the tuples that name who the rules of one operation are for.
fn markers(stored: &BTreeSet<Tuple>) -> impl Iterator<Item = (&str, &str)> {
    stored
        .iter()
        .filter(|(user, ..)| user.starts_with("user:m"))
        .map(|(user, _, object)| (user.as_str(), object.as_str()))
}

/// Every stored tuple is one that was written, and belongs to the state that its document is in.
fn tuples(stored: &BTreeSet<Tuple>, shares: &mut [Share], verdict: &mut Verdict) {
    let mut expected = BTreeSet::new();
    for share in shares.iter_mut() {
        for (tuple, state) in &mut share.tuples {
            settle(state, stored.contains(tuple), || format!("tuple {tuple:?}"), verdict);
        }
        for (id, document) in &share.documents {
            if let Some(Some(version)) = document.now.newest().filter(|_| document.now.is_certain()) {
                expected.insert((version.marker(), format!("document:{id}")));
            }
        }
    }
    let found: BTreeSet<_> = markers(stored).map(|(user, object)| (user.to_owned(), object.to_owned())).collect();
    for tuple in found.symmetric_difference(&expected) {
        verdict.half.push(format!("rules without their document, or the other way round: {tuple:?}"));
    }
}

/// What a person may read, by the settled tuples.
fn readable(share: &Share, person: &str, held: &BTreeSet<Tuple>) -> BTreeSet<String> {
    let holds = |user: &str, relation: &str, object: &str| {
        let tuple = (user.to_owned(), relation.to_owned(), object.to_owned());
        !held.contains(&tuple) && share.tuples.get(&tuple).and_then(|state| state.newest()) == Some(&true)
    };
    let inner = format!("group:g{}-in", share.writer);
    let in_group = |group: &str| {
        holds(person, "member", group)
            || holds(&format!("{inner}#member"), "member", group) && holds(person, "member", &inner)
    };
    live(share)
        .filter(|(id, version)| {
            version.is_public()
                || version.group(share.writer).is_some_and(|group| in_group(&group))
                || holds(person, "viewer", &format!("document:{id}"))
        })
        .map(|(id, _)| id)
        .collect()
}

fn live(share: &Share) -> impl Iterator<Item = (String, Version)> {
    share.documents.iter().filter_map(|(id, document)| Some((id.clone(), (*document.now.newest()?)?)))
}

/// Groups and direct grants decide as the tuples say, in reads and in both legs.
async fn people(client: &Client, shares: &[Share], held: &BTreeSet<Tuple>, verdict: &mut Verdict) {
    let mut reads = Vec::new();
    for share in shares {
        for person in share.people() {
            let expected = readable(share, &person, held);
            for id in share.documents.keys() {
                reads.push((person.clone(), id.clone(), expected.contains(id)));
            }
        }
    }
    let wrong: Vec<_> = futures::stream::iter(reads)
        .map(|(person, id, expected)| async move {
            let client = client.as_subject(&person);
            let reply = answered(async || client.document(&id).await).await;
            assert!(reply.is_ok() || reply.status == 404, "{id}: {reply:?}");
            (reply.is_ok() != expected).then(|| (reply.is_ok(), format!("{person} reads {id}: {}", reply.is_ok())))
        })
        .buffer_unordered(PARALLEL)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    wrong.into_iter().for_each(|(is_there, what)| verdict.note(is_there, what));
}

/// Every reader finds exactly the text that it may read, by keyword and by vector, once the indexes have caught up.
async fn legs(client: &Client, shares: &[Share], held: &BTreeSet<Tuple>, verdict: &mut Verdict) {
    let mut questions: Vec<(String, BTreeSet<String>)> = Vec::new();
    let public: BTreeSet<String> =
        shares.iter().flat_map(live).filter(|(_, version)| version.is_public()).map(|(id, _)| id).collect();
    for share in shares {
        for person in share.people() {
            questions.push((person.clone(), readable(share, &person, held)));
        }
        questions.extend(live(share).map(|(id, version)| (version.marker(), BTreeSet::from([id]))));
    }
    let texts: BTreeMap<String, Version> = shares.iter().flat_map(live).collect();
    let (texts, public) = (&texts, &public);
    let wrong: Vec<_> = futures::stream::iter(questions)
        .flat_map(|question| futures::stream::iter(["keyword", "vector"].map(|leg| (question.clone(), leg))))
        .map(|((reader, mut ids), leg)| async move {
            ids.extend(public.iter().cloned());
            let expected: BTreeSet<(String, String)> =
                ids.iter().flat_map(|id| chunks(id, texts.get(id).copied())).collect();
            let begun = Instant::now();
            loop {
                let found = found(client, &reader, leg).await;
                if found == expected {
                    return None;
                }
                if let Some(extra) = found.difference(&expected).next() {
                    return Some((true, format!("{reader} finds {extra:?} by {leg}")));
                }
                if begun.elapsed() > CATCH_UP {
                    let missing: Vec<_> = expected.difference(&found).collect();
                    return Some((false, format!("{reader} doesn't find {missing:?} by {leg}")));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .buffer_unordered(PARALLEL)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    wrong.into_iter().for_each(|(is_there, what)| verdict.note(is_there, what));
}

fn chunks(id: &str, version: Option<Version>) -> Vec<(String, String)> {
    let text = version.map(|version| version.content()).unwrap_or_default();
    text.lines().map(|line| (id.to_owned(), line.to_owned())).collect()
}

/// (document, text) of every hit.
async fn found(client: &Client, reader: &str, leg: &str) -> BTreeSet<(String, String)> {
    let client = client.as_subject(reader);
    let answer = answered(async || client.query("operation about orchids", leg).await).await.ok();
    let hits = answer["results"].as_array().unwrap();
    let part = |hit: &Value, name: &str| hit[name].as_str().unwrap().trim().to_owned();
    hits.iter().map(|hit| (part(hit, "document_id"), part(hit, "text"))).collect()
}

/// Every line of the audit is a whole record.
pub fn audit(data: &std::path::Path) -> usize {
    let text = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
    let mut ids = BTreeSet::new();
    for line in text.lines() {
        let Ok(Value::Object(record)) = serde_json::from_str(line) else { panic!("torn record: {line}") };
        let id = record.get("id").and_then(Value::as_str).map(str::to_owned);
        assert!(id.is_none_or(|id| ids.insert(id)), "a record is there twice: {line}");
    }
    text.lines().count()
}

/// Whatever was changed has its record, once, and nothing else has one.
pub async fn records(client: &Client, data: &std::path::Path) {
    let count = audit(data);
    let show = |what: &str, key: &Value| format!("{what} {}#{}@{}", key["object"], key["relation"], key["user"]);
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    let text = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
    for record in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        for (list, what) in [("written", "write"), ("deleted", "delete")] {
            for key in record[list].as_array().into_iter().flatten() {
                *balance.entry(show(what, key)).or_default() += 1;
            }
        }
    }
    let (mut cursor, mut changes) = (String::new(), 0);
    loop {
        let page = client.get(&format!("/v1/relationships/changes?limit=1000{cursor}")).await.ok();
        let found = page["changes"].as_array().unwrap();
        if found.is_empty() {
            break;
        }
        changes += found.len();
        for change in found {
            *balance.entry(show(change["operation"].as_str().unwrap(), &change["tuple"])).or_default() -= 1;
        }
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
    }
    balance.retain(|_, difference| *difference != 0);
    println!(
        "records {count}, changes of tuples {changes}, without their record or the other way round {}",
        balance.len()
    );
    assert!(balance.is_empty() && changes > 0, "{balance:#?}");
}
