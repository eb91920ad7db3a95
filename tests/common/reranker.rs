//! A reranker for tests: a score is a function of question and passage alone.

use serde_json::{Value, json};

/// From the first bytes of a digest, 0 to 1.
fn score(question: &str, passage: &str) -> f64 {
    let digest = blake3::hash(format!("{question}\n{passage}").as_bytes());
    let [first, second, ..] = *digest.as_bytes();
    f64::from(u16::from_be_bytes([first, second])) / 65_535.0
}

async fn answer(body: axum::Json<Value>) -> axum::Json<Value> {
    let texts = body.0["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let question = body.0["query"].as_str().unwrap();
    let rows = texts.enumerate().map(|(n, text)| json!({"index": n, "score": score(question, text)}));
    axum::Json(rows.collect())
}

/// Serves one, and gives its address.
pub async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/rerank", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}
