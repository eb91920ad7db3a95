//! A restricted reader among others gets what it would get alone: from an index of only what it may read. Every list, every
//! mode, and all that is done with the lists: limits per document, reranking, the choice of passages that differ.

use serde_json::{Value, json};
use usher::config::{RawConfig, RawReranker};
use usher_oracle::rank::{Wish, vector};
use usher_oracle::world::sentence;
use usher_support::Random;

use crate::common::{Client, TestService, reranker};
use crate::driver::Driver;
use crate::plan;
use crate::twins::{comparable, twin_of};

/// Candidates of a list: few, so that one long document could fill it.
const DEPTH: usize = 10;

fn configuration(reranker: &str) -> RawConfig {
    let reranker = RawReranker {
        kind: "tei".to_owned(),
        url: Some(reranker.to_owned()),
        depth: Some(6),
        timeout_ms: Some(20_000),
        ..RawReranker::default()
    };
    RawConfig {
        depth: Some(DEPTH),
        reranker: Some(reranker),
        // A busy machine must not look like a difference.
        deadline_ms: Some(20_000),
        ..RawConfig::default()
    }
}

/// A document of some sections, one of which may be long; all of it is for the same readers.
fn draw(rng: &mut Random, id: &str, viewers: &[&str]) -> Value {
    let mut text = format!("# {}\n\n", sentence(rng, 2));
    for _ in 0..1 + rng.below(3) {
        text.push_str(&format!("## {}\n\n", sentence(rng, 2)));
        for _ in 0..if rng.chance(25) { 1 + rng.below(30) } else { 1 } {
            let words = 5 + rng.below(120);
            text.push_str(&format!("{}.\n\n", sentence(rng, words)));
        }
    }
    json!({"id": id, "collection": "leak", "title": id.replace('/', " "), "acl": {"viewers": viewers},
           "content": {"type": "text/markdown", "text": text}})
}

/// A question in one of the modes, with some of what may be wished.
fn question(rng: &mut Random) -> Value {
    let mut words = 1 + rng.below(3);
    let mode = ["hybrid", "vector", "keyword"][rng.below(3)];
    let text = sentence(rng, words);
    let mut body = json!({"query": text, "mode": mode, "collections": ["leak"]});
    if mode == "vector" && rng.chance(30) {
        words += 1;
        body = json!({"vector": vector(&sentence(rng, words)), "mode": mode, "collections": ["leak"]});
    }
    body["top_k"] = json!([1, 4, 10, 30][rng.below(4)]);
    let include = ["text", "metadata", "neighbors", "under_heading", "assembled"];
    body["include"] = json!(include[..1 + rng.below(include.len())]);
    let wishes = [
        ("max_per_document", json!(1 + rng.below(3))),
        ("diversity", json!(0.1 * (rng.below(10) + 1) as f64)),
        ("rerank", json!(false)),
        ("min_score", json!(0.3)),
        ("min_relevance", json!(0.4)),
        ("filter", json!({"field": "source", "op": "eq", "value": "s0"})),
    ];
    for (name, value) in wishes {
        if rng.chance(35) {
            body[name] = value;
        }
    }
    body
}

/// Two services with the same secrets, the second of which gets only what `user:u1` may read.
async fn pair() -> (TestService, TestService) {
    let url = reranker::serve().await;
    let service = Driver::serve_with(configuration(&url), tempfile::tempdir().unwrap()).await;
    service.admin().put("/v1/collections/leak", json!({"analyser": "simple"})).await.ok();
    let folder = service.stop().await;
    let twin = twin_of(&folder).await;
    (Driver::serve_with(configuration(&url), folder).await, Driver::serve_with(configuration(&url), twin).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_among_others_is_answered_as_if_alone() {
    let (seed, steps) = plan(60);
    let (among, alone) = pair().await;
    let mut rng = Random::new(seed ^ 0xa10e);
    let (mut compared, mut reranked, mut full) = (0, 0, 0);
    for _ in 0..steps {
        let id = format!("s{}/d{}", rng.below(2), rng.below(40));
        // Names of documents that it may not read are others: a version says how often one was replaced.
        if rng.chance(50) {
            let document = draw(&mut rng, &id, &["user:u0", "user:u1"]);
            for service in [&among, &alone] {
                service.admin().put_documents(vec![document.clone()]).await;
            }
        } else {
            let document = draw(&mut rng, &format!("{id}x"), &["user:u0"]);
            among.admin().put_documents(vec![document]).await;
        }
        for _ in 0..4 {
            let body = question(&mut rng);
            let ask = async |service: &TestService| service.as_reader("user:u1").post("/v1/query", body.clone()).await;
            let (a, b) = (ask(&among).await, ask(&alone).await);
            assert_eq!((a.status, a.status.as_u16()), (b.status, 200), "{body}");
            assert_eq!(comparable(&a.bytes), comparable(&b.bytes), "{body}");
            let answer = a.json();
            let hits = answer["results"].as_array().unwrap();
            reranked += usize::from(hits.iter().any(|hit| hit.get("rerank_score").is_some()));
            full += usize::from(hits.len() == DEPTH);
            compared += 1;
        }
    }
    assert!(reranked * 4 > compared && full > 0, "{reranked} reranked and {full} full answers of {compared}");
    println!("alone and among others: {compared} answers compared from seed {seed}, 0 bytes differ");
}

async fn answer(client: &Client, body: Value) -> Value {
    client.post("/v1/query", body).await.ok()
}

/// Long documents leave room for others: with enough that may be read, an answer is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_document_leaves_room_for_others() {
    let (service, _) = pair().await;
    let mut rng = Random::new(7);
    let admin = service.admin();
    let long: String = (0..60).map(|n| format!("## Part {n}\n\nheron {n}\n\n")).collect();
    let text = |text: &str| json!({"type": "text/markdown", "text": text});
    let document = |id: String, content: Value, viewer: &str| json!({"id": id, "collection": "leak", "title": "t", "content": content, "acl": {"viewers": [viewer]}});
    let mut documents: Vec<Value> = (0..3).map(|n| document(format!("s/long{n}"), text(&long), "user:u1")).collect();
    documents.push(document("s/hidden".to_owned(), text(&long), "user:u0"));
    for n in 0..DEPTH {
        let words = sentence(&mut rng, 40).replace("heron", "stone");
        documents.push(document(format!("s/short{n}"), text(&format!("heron {words}")), "user:u1"));
    }
    admin.put_documents(documents).await;
    let reader = service.as_reader("user:u1");
    for mode in ["hybrid", "vector", "keyword"] {
        for rerank in [true, false] {
            let ask =
                json!({"query": "heron", "mode": mode, "top_k": DEPTH, "collections": ["leak"], "rerank": rerank});
            let plain = answer(&reader, ask.clone()).await;
            let documents = |answer: &Value| -> Vec<String> {
                let hits = answer["results"].as_array().unwrap().iter();
                hits.map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect()
            };
            assert!(documents(&plain).iter().all(|id| id.contains("long")), "{plain}");
            for most in [1, 2] {
                let mut ask = ask.clone();
                ask["max_per_document"] = json!(most);
                let found = answer(&reader, ask).await;
                let ids = documents(&found);
                assert_eq!((ids.len(), &found["complete"]), (DEPTH, &json!(true)), "{mode}: {found}");
                let of = |id: &String| ids.iter().filter(|other| *other == id).count();
                assert!(ids.iter().all(|id| of(id) <= most), "{ids:?}");
            }
        }
    }
    // Fewer documents than asked for: all of them, and the answer says that candidates were left out only where they were.
    let ask =
        json!({"query": "heron", "mode": "keyword", "top_k": 100, "collections": ["leak"], "max_per_document": 1});
    let found = answer(&reader, ask).await;
    assert_eq!(found["results"].as_array().unwrap().len(), DEPTH);
    assert_eq!(found["warnings"], json!(["candidate_limit"]), "there are three more");
}

/// What is chosen by the definition of `docs/ranking.md`, over the lists with a limit per document.
#[tokio::test(flavor = "multi_thread")]
async fn choices_and_limits_equal_brute_force() {
    let mut driver = Driver::on(pair().await.0, 11).await;
    for _ in 0..60 {
        let operation = driver.draw();
        driver.apply(operation).await;
    }
    let key = driver.key();
    let (mut compared, mut limited) = (0, 0);
    for _ in 0..150 {
        let reader = driver.draw_reader();
        let words = driver.rng.below(4) + 1;
        let text = sentence(&mut driver.rng, words);
        let wish = Wish {
            depth: DEPTH,
            top_k: [3, 10, 50][driver.rng.below(3)],
            most: [None, Some(1), Some(2), Some(20)][driver.rng.below(4)],
            diversity: [0.0, 0.2, 0.6, 1.0][driver.rng.below(4)],
        };
        let client = match reader.as_slice() {
            [one] => driver.service.as_reader(one),
            several => driver.service.with_token(several),
        };
        let body = json!({"query": text, "top_k": wish.top_k, "collections": ["leak"], "rerank": false,
                          "max_per_document": wish.most, "diversity": wish.diversity});
        let found = crate::driver::names(&answer(&client, body).await);
        let wanted = driver.world.answer(&reader, &text, wish, crate::driver::now(), &key);
        assert_eq!(found.len(), wanted.len(), "{wish:?}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!(found.0 == wanted.id && (found.1 - wanted.score).abs() < 1e-12, "{wish:?}: {found:?} {wanted:?}");
        }
        compared += 1;
        limited += usize::from(wanted.len() >= 3);
    }
    assert!(limited * 5 > compared, "{limited} of {compared} answers have some passages");
}
