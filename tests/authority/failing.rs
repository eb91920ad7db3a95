//! The server is away, silent, or another one.

use std::time::{Duration, Instant};

use serde_json::json;
use usher::embed::{Embedders, HashEmbedder};
use usher::telemetry::Metrics;

use crate::common::{TestService, document, tuple};
use crate::server::{OpenFga, eventually, program};

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_nothing_is_answered_and_afterwards_everything_is() {
    let Some(program) = program() else { return };
    let mut server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"viewers": ["user:ann"]}))]).await;
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
    server.kill();
    let question = json!({"query": "orchid"});
    for _ in 0..10 {
        let begin = Instant::now();
        let reply = ann.post("/v1/query", question.clone()).await;
        assert!(reply.headers.contains_key("retry-after"));
        assert_eq!(reply.problem(503), "authorization_unavailable");
        assert!(begin.elapsed() < Duration::from_secs(3));
    }
    let write = json!({"writes": [tuple("user:bob", "viewer", "document:a/1")]});
    assert_eq!(admin.post("/v1/relationships/write", write.clone()).await.problem(503), "authorization_unavailable");
    assert_eq!(ann.get("/v1/documents/a%2F1?collection=main").await.problem(503), "authorization_unavailable");
    server.run().await;
    eventually("the service recovers by itself", async || {
        ann.post("/v1/query", question.clone()).await.status.is_success()
    })
    .await;
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
    admin.post("/v1/relationships/write", write).await.ok();
    assert_eq!(service.as_reader("user:bob").ask("orchid").await, ["a/1"]);
}

/// A document whose rules the server has not taken is stored and hidden, over a restart too.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_waits_hidden_for_its_rules() {
    let Some(program) = program() else { return };
    let mut server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "orchid one", json!({"viewers": ["user:ann", "user:bob"]}))]).await;
    server.kill();
    // Narrowing: nobody reads it until the server knows.
    let narrower = document("a/1", "orchid one", json!({"viewers": ["user:ann"]}));
    let body = json!({"documents": [narrower, document("a/2", "orchid two", json!({"viewers": ["user:ann"]}))]});
    assert_eq!(admin.post("/v1/documents", body).await.problem(503), "authorization_unavailable");
    let folder = service.stop().await;
    let embedders = Embedders::new(vec![std::sync::Arc::new(HashEmbedder)]);
    let service = TestService::start_raw_with(server.settings(50), folder, embedders).await;
    let ready = reqwest::get(format!("{}/v1/health/ready", service.base())).await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
    server.run().await;
    let (ann, bob) = (service.as_reader("user:ann"), service.as_reader("user:bob"));
    eventually("both are shown", async || {
        let reply = ann.post("/v1/query", json!({"query": "orchid"})).await;
        reply.status.is_success() && reply.json()["results"].as_array().unwrap().len() == 2
    })
    .await;
    assert!(bob.ask("orchid").await.is_empty());
    let viewers = server.stored("document:a/1").await;
    assert!(!viewers.contains(&("viewer".to_owned(), "user:bob".to_owned())), "{viewers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_an_absent_one() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"viewers": ["user:ann"]}))]).await;
    server.signal("-STOP");
    let begin = Instant::now();
    for _ in 0..12 {
        let reply = ann.post("/v1/query", json!({"query": "orchid"})).await;
        assert!(matches!(reply.status.as_u16(), 503 | 504), "{}", reply.status);
    }
    println!("12 questions to a hanging server took {} ms", begin.elapsed().as_millis());
    assert!(begin.elapsed() < Duration::from_secs(12));
    server.signal("-CONT");
    eventually("it is found again", async || {
        ann.post("/v1/query", json!({"query": "orchid"})).await.status.is_success()
    })
    .await;
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_store_or_no_model_is_said_and_not_served() {
    let Some(program) = program() else { return };
    let server = OpenFga::start(program).await;
    let service = server.service(50).await;
    let (admin, ann) = (service.admin(), service.as_reader("user:ann"));
    admin.put_documents(vec![document("a/1", "orchid one", json!({"viewers": ["user:ann"]}))]).await;
    assert_eq!(ann.ask("orchid").await, ["a/1"]);
    // The store is removed under the service.
    server.call("DELETE", &format!("/stores/{}", server.store), json!({})).await;
    eventually("questions are refused", async || {
        ann.post("/v1/query", json!({"query": "orchid"})).await.status.as_u16() == 503
    })
    .await;
    // A first start against a store without a model says what is missing.
    let empty = server.call("POST", "/stores", json!({"name": "empty"})).await.ok();
    let mut raw = server.settings(50);
    let folder = tempfile::tempdir().unwrap();
    raw.data = Some(folder.path().to_owned());
    raw.openfga.as_mut().unwrap().store = empty["id"].as_str().unwrap().to_owned();
    let embedders = Embedders::new(vec![std::sync::Arc::new(HashEmbedder)]);
    let opened = usher::serve::open(&raw.resolve().unwrap(), embedders, Metrics::new().unwrap()).await;
    let message = opened.err().unwrap().to_string();
    assert!(message.contains("no authorization model"), "{message}");
}
