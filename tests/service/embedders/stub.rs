//! An embedding server on loopback that answers right, or wrong in every way that matters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use parking_lot::Mutex;
use serde_json::{Value, json};
use usher::config::RawConfig;
use usher::embed::Embedders;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    Right,
    TooFew,
    WrongIndex,
    WrongDimension,
    NotFinite,
    NotJson,
    Redirect,
    Huge,
    Failing,
    Slow,
    Busy,
    /// Busy for so many calls, then right.
    BusyFor(usize),
}

pub struct Stub {
    pub url: String,
    pub seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

pub struct Seen {
    pub mood: Mutex<Mood>,
    pub calls: AtomicUsize,
    pub bodies: Mutex<Vec<(HeaderMap, Value)>>,
    pub elsewhere: AtomicUsize,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    pub async fn start() -> Self {
        let seen = Arc::new(Seen {
            mood: Mutex::new(Mood::Right),
            calls: AtomicUsize::new(0),
            bodies: Mutex::default(),
            elsewhere: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/base/v1/embeddings", post(openai))
            .route("/base/embed", post(tei))
            .fallback(any(elsewhere))
            .with_state(seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base/", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen, task }
    }

    pub fn set(&self, mood: Mood) {
        *self.seen.mood.lock() = mood;
        self.seen.calls.store(0, Ordering::SeqCst);
    }

    pub fn calls(&self) -> usize {
        self.seen.calls.load(Ordering::SeqCst)
    }

    /// An entry of the configuration file for this server.
    pub fn entry(&self, name: &str, kind: &str, more: &str) -> String {
        let url = &self.url;
        format!(
            "[[embedders]]\nname = \"{name}\"\nkind = \"{kind}\"\nmodel = \"m\"\ndimensions = 4\nurl = \"{url}\"\n{more}\n"
        )
    }
}

/// The embedders of a configuration file.
pub fn embedders(entries: &str) -> Embedders {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Embedders::open(toml::from_str::<RawConfig>(entries).unwrap().resolve().unwrap().embedders).unwrap()
}

/// An axis per flower, whatever else the text says. Not of unit length.
fn vector(text: &str) -> Vec<f64> {
    let axis = ["rose", "lily", "tulip"].iter().position(|flower| text.contains(flower)).unwrap_or(3);
    (0..4).map(|n| if n == axis { 5.0 } else { 0.25 }).collect()
}

async fn elsewhere(State(seen): State<Arc<Seen>>, _: Request) -> StatusCode {
    seen.elsewhere.fetch_add(1, Ordering::SeqCst);
    StatusCode::OK
}

async fn openai(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&seen, headers, &body, "input", |rows, mood| {
        let data: Vec<Value> = rows
            .into_iter()
            .enumerate()
            .rev()
            .map(|(n, row)| json!({"object": "embedding", "index": if mood == Mood::WrongIndex { n + 1 } else { n }, "embedding": row}))
            .collect();
        json!({"object": "list", "data": data, "usage": {}})
    })
    .await
}

async fn tei(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&seen, headers, &body, "inputs", |rows, _| json!(rows)).await
}

async fn answer(
    seen: &Seen,
    headers: HeaderMap,
    body: &[u8],
    key: &str,
    shape: impl FnOnce(Vec<Vec<f64>>, Mood) -> Value,
) -> Response {
    let call = seen.calls.fetch_add(1, Ordering::SeqCst);
    let body: Value = serde_json::from_slice(body).unwrap();
    seen.bodies.lock().push((headers, body.clone()));
    let mut rows: Vec<Vec<f64>> =
        body[key].as_array().unwrap().iter().map(|text| vector(text.as_str().unwrap())).collect();
    let mood = *seen.mood.lock();
    let busy = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "secret rose").into_response();
    match mood {
        Mood::Right | Mood::WrongIndex => {}
        Mood::TooFew => rows.truncate(rows.len() - 1),
        Mood::WrongDimension => rows.iter_mut().for_each(|row| row.push(1.0)),
        Mood::NotFinite => rows[0][0] = 1e39,
        Mood::NotJson => return "secret rose".into_response(),
        Mood::Redirect => return (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response(),
        Mood::Huge => return " ".repeat(64 * 1024 * 1024).into_response(),
        Mood::Failing => return (StatusCode::BAD_REQUEST, "secret rose").into_response(),
        Mood::Slow => tokio::time::sleep(Duration::from_secs(60)).await,
        Mood::Busy => return (StatusCode::SERVICE_UNAVAILABLE, "secret rose").into_response(),
        Mood::BusyFor(calls) if call < calls => return busy,
        Mood::BusyFor(_) => {}
    }
    axum::Json(shape(rows, mood)).into_response()
}
