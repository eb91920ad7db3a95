//! Keys of issuers that are fetched: rotation, unknown key ids, outages, and addresses that must not be called.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use jsonwebtoken::Header;
use parking_lot::Mutex;
use serde_json::{Value, json};
use usher::config::{RawConfig, RawIssuer};

use super::tokens::with_token;
use crate::common::tokens::{claims, header, issuer, key, sign};
use crate::common::{TestService, document};

#[derive(Clone)]
enum Mood {
    Right(Value),
    Failing,
    Redirect,
    Huge,
    NotJson,
}

/// An identity provider on loopback.
struct Provider {
    url: String,
    mood: Arc<Mutex<Mood>>,
    calls: Arc<AtomicUsize>,
    /// What its description says of itself, where that is not the truth.
    says: Arc<Mutex<Option<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Shared {
    url: String,
    mood: Arc<Mutex<Mood>>,
    calls: Arc<AtomicUsize>,
    says: Arc<Mutex<Option<String>>>,
}

async fn answer(State(shared): State<Shared>, uri: Uri) -> Response {
    if uri.path() == "/.well-known/oauth-authorization-server" {
        let issuer = shared.says.lock().clone().unwrap_or_else(|| shared.url.clone());
        return axum::Json(json!({"issuer": issuer, "jwks_uri": format!("{}/keys", shared.url)})).into_response();
    }
    if uri.path() != "/keys" {
        return StatusCode::NOT_FOUND.into_response();
    }
    shared.calls.fetch_add(1, Ordering::Relaxed);
    match shared.mood.lock().clone() {
        Mood::Right(keys) => axum::Json(keys).into_response(),
        Mood::Failing => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Redirect => Redirect::temporary("/elsewhere").into_response(),
        Mood::Huge => "x".repeat(1_000_000).into_response(),
        Mood::NotJson => "<html>".into_response(),
    }
}

impl Provider {
    async fn start(mood: Mood) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared =
            Shared { url: url.clone(), mood: Arc::new(Mutex::new(mood)), calls: Arc::default(), says: Arc::default() };
        let Shared { mood, calls, says, .. } = shared.clone();
        let app = Router::new().fallback(answer).with_state(shared);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, mood, calls, says, task }
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// The keys of seeds, named `k<seed>`.
fn keys(seeds: &[u8]) -> Value {
    let jwk = |seed: &u8| json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": format!("k{seed}"), "x": key(*seed).1});
    json!({"keys": seeds.iter().map(jwk).collect::<Vec<_>>()})
}

fn token(seed: u8) -> String {
    sign(&claims(), &Header { kid: Some(format!("k{seed}")), ..header() }, seed)
}

fn fetched(change: impl FnOnce(&mut RawIssuer)) -> RawConfig {
    let mut raw = RawIssuer { jwks_file: None, allow_private_network: true, ..issuer(&std::env::temp_dir()) };
    change(&mut raw);
    RawConfig { issuers: vec![raw], ..RawConfig::default() }
}

async fn asks(service: &TestService, token: String) -> u16 {
    with_token(service, token).post("/v1/query", json!({"query": "x"})).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_taken_over_and_made_up_ones_call_nobody() {
    let provider = Provider::start(Mood::Right(keys(&[1]))).await;
    let url = format!("{}/keys", provider.url);
    let service = TestService::start_raw(fetched(|issuer| issuer.jwks_url = Some(url))).await;
    service.admin().put_documents(vec![document("a/1", "x", json!({"viewers": ["user:ann"]}))]).await;
    assert_eq!(asks(&service, token(1)).await, 200);
    assert_eq!(asks(&service, token(2)).await, 401);
    let before = provider.calls();
    // The pause between two calls holds whatever key ids come.
    for seed in 3..60 {
        assert_eq!(asks(&service, token(seed)).await, 401);
    }
    assert!(provider.calls() <= before + 1, "{} calls", provider.calls() - before);
    provider.becomes(Mood::Right(keys(&[2])));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(asks(&service, token(2)).await, 200, "a new key is asked for when it is first seen");
    assert_eq!(asks(&service, token(1)).await, 401, "the old one is gone with that");
    // Whether a source that does not answer has a key can't be told.
    provider.becomes(Mood::Failing);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(asks(&service, token(3)).await, 503);
    assert_eq!(asks(&service, token(2)).await, 200);
    provider.becomes(Mood::Right(keys(&[2])));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(asks(&service, token(3)).await, 401);
    println!("counted calls for 59 unknown key ids and one rotation: {}", provider.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_bridged_for_so_long_and_no_longer() {
    let provider = Provider::start(Mood::Right(keys(&[1]))).await;
    let url = format!("{}/keys", provider.url);
    let service = TestService::start_raw(fetched(|issuer| {
        (issuer.jwks_url, issuer.jwks_refresh_s, issuer.jwks_max_age_s) = (Some(url), Some(10), Some(14));
    }))
    .await;
    assert_eq!(asks(&service, token(1)).await, 200);
    for mood in [Mood::Failing, Mood::Redirect, Mood::Huge, Mood::NotJson] {
        provider.becomes(mood);
        assert_eq!(asks(&service, token(1)).await, 200, "the keys are still good");
    }
    tokio::time::sleep(Duration::from_secs(15)).await;
    let refused = with_token(&service, token(1)).post("/v1/query", json!({"query": "x"})).await;
    assert_eq!(refused.problem(503), "authorization_unavailable");
    assert_eq!(service.admin().get("/v1/keys").await.status, 200, "keys of the service's own need nobody");
    provider.becomes(Mood::Right(keys(&[1])));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(asks(&service, token(1)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_believes_only_the_issuer_itself() {
    let provider = Provider::start(Mood::Right(keys(&[1]))).await;
    let url = provider.url.clone();
    let raw = || {
        fetched(|issuer| {
            (issuer.issuer, issuer.discovery) = (url.clone(), true);
        })
    };
    let by_provider = || {
        let mut claims = claims();
        claims["iss"] = json!(url);
        sign(&claims, &Header { kid: Some("k1".into()), ..header() }, 1)
    };
    let service = TestService::start_raw(raw()).await;
    assert_eq!(asks(&service, by_provider()).await, 200);
    *provider.says.lock() = Some("https://evil.example".into());
    let service = TestService::start_raw(raw()).await;
    assert_eq!(asks(&service, by_provider()).await, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_lead_into_a_private_network_are_not_called() {
    let provider = Provider::start(Mood::Right(keys(&[1]))).await;
    let port = provider.url.rsplit(':').next().unwrap();
    let url = format!("https://localhost:{port}/keys");
    let service = TestService::start_raw(fetched(|issuer| {
        (issuer.jwks_url, issuer.allow_private_network) = (Some(url), false);
    }))
    .await;
    assert_eq!(asks(&service, token(1)).await, 503);
    assert_eq!(provider.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_keys_is_read_again_when_it_changes() {
    let files = tempfile::tempdir().unwrap();
    let raw = RawConfig { issuers: vec![issuer(files.path())], ..RawConfig::default() };
    let service = TestService::start_raw(raw).await;
    assert_eq!(asks(&service, token(1)).await, 200);
    let path = files.path().join("jwks.json");
    // A damaged file leaves the old keys in use; a set that also holds other keys is no damage.
    std::fs::write(&path, "{").unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(asks(&service, token(1)).await, 200);
    let mut mixed = keys(&[2]);
    mixed["keys"].as_array_mut().unwrap().extend([
        json!({"kty": "RSA", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "unknown", "kid": "u"}),
        json!({"kty": "oct", "kid": "k3", "k": "c2VjcmV0"}),
    ]);
    std::fs::write(&path, mixed.to_string()).unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(asks(&service, token(2)).await, 200);
    assert_eq!(asks(&service, token(1)).await, 401);
    // The name of RFC 9864 is another name of the same algorithm.
    let mut renamed = keys(&[1]);
    renamed["keys"][0]["alg"] = "Ed25519".into();
    std::fs::write(&path, renamed.to_string()).unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(asks(&service, token(1)).await, 200);
    // No key of the issuer's algorithms: nothing that could be used.
    renamed["keys"][0]["alg"] = "RS256".into();
    let other = RawConfig { issuers: vec![issuer(files.path())], ..RawConfig::default() };
    std::fs::write(&path, renamed.to_string()).unwrap();
    let refused = other.resolve().map(drop).unwrap_err().to_string();
    assert!(refused.contains("`algorithms`"), "{refused}");
}
