//! A reranker beside the service: what it is sent, what its scores do, and what happens when it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use usher::config::RawConfig;

use crate::common::{TestService, document};

#[derive(Default)]
struct Seen {
    calls: Vec<(String, Value)>,
    mood: Mood,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Mood {
    #[default]
    Right,
    Slow,
    Failing,
    TooFew,
    Beyond,
}

/// The later a passage's letter in the alphabet, the more likely it answers.
fn score(text: &str) -> f64 {
    let letter = text.trim_end_matches('.').chars().last().unwrap_or('a');
    f64::from(letter as u32 - 'a' as u32) / 25.0
}

async fn answer(State(seen): State<Arc<Mutex<Seen>>>, uri: OriginalUri, body: axum::Json<Value>) -> Response {
    let path = uri.0.path().to_owned();
    let mood = seen.lock().mood;
    seen.lock().calls.push((path.clone(), body.0.clone()));
    if mood == Mood::Slow {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    if mood == Mood::Failing {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let (key, name) = if path.ends_with("/v1/rerank") { ("documents", "relevance_score") } else { ("texts", "score") };
    let texts = body.0[key].as_array().unwrap().clone();
    let more = if mood == Mood::Beyond { 1.0 } else { 0.0 };
    let mut rows: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| json!({"index": n, (name): score(text.as_str().unwrap()) + more}))
        .rev()
        .collect();
    rows.truncate(if mood == Mood::TooFew { rows.len() - 1 } else { rows.len() });
    axum::Json(if key == "documents" { json!({"results": rows}) } else { json!(rows) }).into_response()
}

async fn start(kind: &str, more: &str) -> (TestService, Arc<Mutex<Seen>>) {
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let router = axum::Router::new().fallback(axum::routing::post(answer)).with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/at", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let text = format!("[reranker]\nkind = \"{kind}\"\nurl = \"{url}\"\n{more}\n");
    let service = TestService::start_raw(toml::from_str::<RawConfig>(&text).unwrap()).await;
    let of = |id: &str, text: &str, reader: &str| document(id, text, json!({"viewers": [reader]}));
    let mut documents: Vec<Value> =
        ["a", "m", "z"].map(|letter| of(&format!("d/{letter}"), &format!("heron {letter}"), "user:*")).into();
    documents.push(of("d/hidden", "heron heron y", "user:ann"));
    service.admin().put_documents(documents).await;
    (service, seen)
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|hit| hit["document_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_order_what_the_reader_may_read() {
    for (kind, more) in [("tei", ""), ("cohere", "model = \"rank\"\nanswers_from = 0.9")] {
        let (service, seen) = start(kind, more).await;
        let bob = service.as_reader("user:bob");
        let answer =
            bob.post("/v1/query", json!({"query": "heron", "mode": "keyword", "min_relevance": 0.4})).await.ok();
        assert_eq!(ids(&answer), ["d/z", "d/m"], "{answer}");
        let first = &answer["results"][0];
        assert_eq!((&first["rerank_score"], &first["relevance"]), (&json!(1.0), &json!(1.0)));
        assert_eq!(first["ranks"]["rerank"], 1);
        assert_eq!(answer["warnings"], json!([]));
        let calls = std::mem::take(&mut seen.lock().calls);
        assert_eq!(calls.len(), 1);
        let (path, body) = &calls[0];
        assert_eq!(path, if kind == "tei" { "/at/rerank" } else { "/at/v1/rerank" });
        assert!(!body.to_string().contains("heron heron"), "what bob can't read is not sent");
        // The best alone may be shown, and the order is as if more were asked for.
        let one = bob.post("/v1/query", json!({"query": "heron", "top_k": 1})).await.ok();
        assert_eq!((ids(&one), &one["answerable"]), (vec!["d/z"], &json!(true)));
        let ann = service.as_reader("user:ann").post("/v1/query", json!({"query": "heron", "top_k": 2})).await.ok();
        assert_eq!(ids(&ann), ["d/z", "d/hidden"]);
        seen.lock().calls.clear();
        let without = bob.post("/v1/query", json!({"query": "heron", "rerank": false})).await.ok();
        assert!(seen.lock().calls.is_empty() && without["results"][0].get("rerank_score").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_or_is_late_changes_nothing_and_is_named() {
    let (service, seen) = start("tei", "timeout_ms = 300").await;
    let bob = service.as_reader("user:bob");
    let plain = bob.post("/v1/query", json!({"query": "heron", "rerank": false})).await.ok();
    for mood in [Mood::Slow, Mood::Failing, Mood::TooFew, Mood::Beyond] {
        seen.lock().mood = mood;
        let begin = Instant::now();
        let answer = bob.post("/v1/query", json!({"query": "heron"})).await.ok();
        assert!(begin.elapsed() < Duration::from_secs(10));
        assert_eq!(ids(&answer), ids(&plain));
        assert_eq!((&answer["warnings"], &answer["complete"]), (&json!(["reranker_unavailable"]), &json!(true)));
    }
    let ready = service.admin().get("/v1/health/ready").await.ok();
    assert!(ready.to_string().contains("reranker"), "{ready}");
    seen.lock().mood = Mood::Right;
    assert_eq!(ids(&bob.post("/v1/query", json!({"query": "heron"})).await.ok())[0], "d/z");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_none_asking_for_it_is_a_mistake() {
    let service = TestService::start().await;
    let refused = service.as_reader("user:bob").post("/v1/query", json!({"query": "heron", "rerank": true})).await;
    assert_eq!(refused.status, 400);
    let said = String::from_utf8_lossy(&refused.bytes).into_owned();
    assert!(said.contains("no reranker"), "{said}");
}
