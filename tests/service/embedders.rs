//! Embedders over HTTP: what they are sent, what is believed, what happens when they fail.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher::embed::{Embedders, Role};
use usher::limits::Payer;
use usher::serve::{self, ServeError};
use usher::telemetry::Metrics;

use crate::common::{TestService, document};

#[path = "embedders/stub.rs"]
mod stub;

use stub::{Mood, Stub, embedders};

const WRONG: [Mood; 8] = [
    Mood::TooFew,
    Mood::WrongIndex,
    Mood::WrongDimension,
    Mood::NotFinite,
    Mood::NotJson,
    Mood::Redirect,
    Mood::Huge,
    Mood::Failing,
];

async fn start(entries: &str) -> TestService {
    TestService::start_with(tempfile::tempdir().unwrap(), embedders(entries)).await
}

fn everyone() -> Value {
    json!({"viewers": ["user:*"]})
}

/// Ids of documents, warnings.
async fn ask(service: &TestService, query: Value) -> (Vec<String>, Vec<String>) {
    let answer = service.as_reader("user:ann").post("/v1/query", query).await.ok();
    let texts = |list: &Value, field: fn(&Value) -> &Value| {
        list.as_array().unwrap().iter().map(|item| field(item).as_str().unwrap().to_owned()).collect()
    };
    (texts(&answer["results"], |hit| &hit["document_id"]), texts(&answer["warnings"], |warning| warning))
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_sent_as_configured_and_vectors_find_them() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "sesame\n").unwrap();
    let key_file = format!("key_file = \"{}\"", key.path().display());
    for kind in ["openai", "tei"] {
        let stub = Stub::start().await;
        let prefixes = "query_prefix = \"query: \"\npassage_prefix = \"passage: \"\nbatch = 2";
        let service = start(&stub.entry("far", kind, &format!("{prefixes}\n{key_file}"))).await;
        let long = "one rose here.\n\n".repeat(400);
        let documents = vec![
            document("a/rose", &long, everyone()),
            document("a/lily", "a lily there", everyone()),
            document("a/tulip", "a tulip", everyone()),
        ];
        service.admin().put_documents(documents).await;
        let (found, warnings) = ask(&service, json!({"query": "lily", "mode": "vector", "top_k": 1})).await;
        assert_eq!((found, warnings), (vec!["a/lily".to_owned()], vec![]), "{kind}");
        let field = if kind == "tei" { "inputs" } else { "input" };
        for (headers, body) in stub.seen.bodies.lock().iter() {
            assert_eq!(headers["authorization"], "Bearer sesame");
            let texts: Vec<&str> = body[field].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
            let prefix = if texts == ["query: lily"] { "query: " } else { "passage: " };
            assert!(texts.len() <= 2 && texts.iter().all(|text| text.starts_with(prefix)), "{texts:?}");
            match kind {
                "tei" => assert_eq!((&body["normalize"], &body["truncate"]), (&json!(true), &json!(true))),
                _ => assert_eq!((&body["model"], body.get("dimensions")), (&json!("m"), None)),
            }
        }
        assert!(stub.calls() > 5, "a long document is sent in batches");
        let collection = service.admin().get("/v1/collections/main").await.ok();
        let id = format!(r#"{kind}:4:m ["query: ","passage: "]"#);
        assert_eq!((collection["embedder"].as_str(), collection["dimensions"].as_u64()), (Some(id.as_str()), Some(4)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_never_used() {
    let stub = Stub::start().await;
    let service = start(&stub.entry("far", "openai", "")).await;
    service.admin().put_documents(vec![document("a/1", "a rose by name", everyone())]).await;
    for mood in WRONG {
        stub.set(mood);
        let put = json!({"documents": [document("a/2", "another rose", everyone())]});
        let result = service.admin().post("/v1/documents", put).await.ok()["results"][0].clone();
        assert_eq!((&result["status"], &result["problem"]["code"]), (&json!("rejected"), &json!("index_unavailable")));
        let (found, warnings) = ask(&service, json!({"query": "rose"})).await;
        assert_eq!((found, warnings), (vec!["a/1".to_owned()], vec!["embedder_unavailable".to_owned()]), "{mood:?}");
        let reply = service.as_reader("user:ann").post("/v1/query", json!({"query": "rose", "mode": "vector"})).await;
        assert_eq!(reply.problem(503), "index_unavailable", "{mood:?}");
        let (found, warnings) = ask(&service, json!({"query": "rose", "mode": "keyword"})).await;
        assert_eq!((found.len(), warnings.len()), (1, 0));
    }
    assert_eq!(stub.seen.elsewhere.load(Ordering::SeqCst), 0, "a redirect is not followed");
    stub.set(Mood::Right);
    let (found, warnings) = ask(&service, json!({"query": "rose", "mode": "vector"})).await;
    assert_eq!((found.len(), warnings.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_hold_no_text_no_key_and_no_address() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "sesame").unwrap();
    for kind in ["openai", "tei"] {
        let stub = Stub::start().await;
        let more = format!("timeout_ms = 300\nkey_file = \"{}\"", key.path().display());
        let embedders = embedders(&stub.entry("far", kind, &more));
        let embedder = embedders.find("far").unwrap();
        for mood in WRONG.into_iter().chain([Mood::Slow, Mood::Busy]) {
            if (kind, mood) == ("tei", Mood::WrongIndex) {
                continue;
            }
            stub.set(mood);
            let texts = ["secret rose".to_owned(), "secret lily".to_owned()];
            let error = embedder.embed(&texts, Role::Passage, &Payer::itself()).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("secret") && !shown.contains("sesame") && !shown.contains("127.0.0.1"), "{shown}");
        }
        let gone = stub.entry("gone", kind, "");
        drop(stub);
        let embedders = self::embedders(&gone);
        let error = embedders
            .find("gone")
            .unwrap()
            .embed(&["secret".to_owned()], Role::Query, &Payer::itself())
            .await
            .unwrap_err();
        let shown = error.to_string();
        assert!(error.is_outage() && !shown.contains("secret") && !shown.contains("127.0.0.1"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_embedder_leaves_time_for_keywords() {
    let stub = Stub::start().await;
    let service = start(&stub.entry("far", "tei", "timeout_ms = 500")).await;
    service.admin().put_documents(vec![document("a/1", "a rose by name", everyone())]).await;
    stub.set(Mood::Slow);
    for deadline in [600, 2_000] {
        let begin = Instant::now();
        let (found, warnings) = ask(&service, json!({"query": "rose", "deadline_ms": deadline})).await;
        assert_eq!((found, warnings), (vec!["a/1".to_owned()], vec!["embedder_unavailable".to_owned()]));
        assert!(begin.elapsed() < Duration::from_millis(deadline));
    }
    let query = json!({"query": "rose", "mode": "vector"});
    let reply = service.as_reader("user:ann").post("/v1/query", query).await;
    assert_eq!(reply.problem(503), "index_unavailable");
    let put = json!({"documents": [document("a/2", "another rose", everyone())]});
    let result = service.admin().post("/v1/documents", put).await.ok()["results"][0].clone();
    assert_eq!(result["problem"]["code"], "index_unavailable");
    let ready = service.admin().get("/v1/health/ready").await.ok();
    assert_eq!(ready["status"], "degraded", "keywords still answer");
    let failed = json!({"name": "embedder:far", "status": "failed"});
    assert!(ready["components"].as_array().unwrap().contains(&failed), "{ready}");
    stub.set(Mood::Right);
    ask(&service, json!({"query": "rose"})).await;
    assert_eq!(service.admin().get("/v1/health/ready").await.ok()["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_embedder_is_asked_again_within_bounds() {
    let stub = Stub::start().await;
    let service = start(&stub.entry("far", "openai", "")).await;
    stub.set(Mood::BusyFor(2));
    let begin = Instant::now();
    service.admin().put_documents(vec![document("a/1", "a rose by name", everyone())]).await;
    assert_eq!(stub.calls(), 3);
    assert!(begin.elapsed() >= Duration::from_secs(2), "Retry-After is respected");
    stub.set(Mood::Busy);
    let documents: Vec<Value> = (2..10).map(|n| document(&format!("a/{n}"), "a rose", everyone())).collect();
    let answer = service.admin().post("/v1/documents", json!({"documents": documents})).await.ok();
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["problem"]["code"], "index_unavailable");
    }
    assert_eq!(stub.calls(), 5, "after an outage the rest of a request is not tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_of_different_embedders_are_asked_together() {
    let stub = Stub::start().await;
    let entries = format!("{}[[embedders]]\nname = \"near\"\nkind = \"hash\"\n", stub.entry("far", "tei", ""));
    let service = start(&entries).await;
    let admin = service.admin();
    let near = admin.put("/v1/collections/near", json!({"embedder": "near"})).await.ok();
    assert_eq!(near["embedder"], "hash-v1", "an embedder can be named as the operator calls it");
    let mut other = document("n/1", "roses and other flowers", everyone());
    other["collection"] = json!("near");
    admin.put_documents(vec![document("f/1", "one rose", everyone()), other]).await;
    let (mut found, warnings) = ask(&service, json!({"query": "rose", "mode": "vector"})).await;
    found.sort();
    assert_eq!((found, warnings.len()), (vec!["f/1".to_owned(), "n/1".to_owned()], 0));
    stub.set(Mood::Failing);
    let (mut found, warnings) = ask(&service, json!({"query": "one rose other"})).await;
    found.sort();
    assert_eq!(found, ["f/1", "n/1"], "one embedder is enough for its own collections");
    assert_eq!(warnings, ["embedder_unavailable"]);
    let one = json!({"query": "roses", "mode": "vector", "collections": ["near"]});
    assert_eq!(ask(&service, one).await, (vec!["n/1".to_owned()], vec![]), "nor is the other one asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_never_served_with_another_embedder() {
    let stub = Stub::start().await;
    let service = start(&stub.entry("far", "tei", "")).await;
    service.admin().put_documents(vec![document("a/1", "a rose", everyone())]).await;
    let folder = service.stop().await;
    let config = crate::common::config(folder.path()).await;
    let others = [
        stub.entry("far", "openai", ""),
        stub.entry("far", "tei", "query_prefix = \"q: \""),
        stub.entry("far", "tei", "").replace("\"m\"", "\"n\""),
        stub.entry("far", "tei", "").replace("dimensions = 4", "dimensions = 5"),
    ];
    for embedders in others.iter().map(|entry| embedders(entry)).chain([Embedders::open(Vec::new()).unwrap()]) {
        let Err(ServeError::Embedder { collection, embedder, .. }) =
            serve::open(&config, embedders, Metrics::new().unwrap()).await
        else {
            panic!("served with another embedder");
        };
        assert_eq!((collection.as_str(), embedder.as_str()), ("main", "tei:4:m"));
    }
    let moved = Stub::start().await;
    let service = TestService::start_with(folder, embedders(&moved.entry("renamed", "tei", "batch = 1"))).await;
    assert_eq!(ask(&service, json!({"query": "rose", "mode": "vector"})).await.0, ["a/1"], "a server may move");
}
