//! Tokens of an issuer: who the person is, who acts for it, and every way to be refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Header;
use serde_json::{Value, json};
use usher::config::{RawConfig, RawIssuer};

use crate::common::tokens::{AUDIENCE, issuer};
pub use crate::common::tokens::{claims, header, sign};
use crate::common::{Client, TestService, document, tuple};

pub async fn service() -> (TestService, tempfile::TempDir) {
    service_with(|_| {}).await
}

/// A service that trusts the tests' issuer, as changed.
pub async fn service_with(change: impl FnOnce(&mut RawIssuer)) -> (TestService, tempfile::TempDir) {
    let files = tempfile::tempdir().unwrap();
    let mut issuer = issuer(files.path());
    change(&mut issuer);
    let raw = RawConfig { issuers: vec![issuer], ..RawConfig::default() };
    (TestService::start_raw(raw).await, files)
}

pub fn with_token(service: &TestService, token: String) -> Client {
    Client { key: token, ..service.admin() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_and_every_actor_must_be_allowed() {
    let (service, _files) = service().await;
    let admin = service.admin();
    admin
        .put_documents(vec![
            document("a/1", "begonias", json!({"viewers": ["user:ann"]})),
            document("a/2", "begonias", json!({"viewers": ["user:ann", "agent:scribe"]})),
        ])
        .await;
    assert_eq!(with_token(&service, sign(&claims(), &header(), 1)).ask("begonias").await.len(), 2);
    let mut acting = claims();
    acting["act"] = json!({"sub": "scribe"});
    assert_eq!(with_token(&service, sign(&acting, &header(), 1)).ask("begonias").await, ["a/2"]);
    acting["act"] = json!({"sub": "scribe", "act": {"sub": "planner"}});
    assert!(with_token(&service, sign(&acting, &header(), 1)).ask("begonias").await.is_empty());
    admin.write(json!([tuple("agent:planner", "viewer", "document:a/2")]), json!([])).await;
    assert_eq!(with_token(&service, sign(&acting, &header(), 1)).ask("begonias").await, ["a/2"]);
    // A service with a key of its own shows the person's token.
    let key =
        admin.post("/v1/keys", json!({"name": "chat", "scopes": ["query"], "subject": "service:chat"})).await.ok();
    let reply = reqwest::Client::new()
        .post(format!("{}/v1/query", service.base()))
        .bearer_auth(key["key"].as_str().unwrap())
        .header("Usher-Subject-Token", sign(&claims(), &header(), 1))
        .json(&json!({"query": "begonias"}))
        .send()
        .await
        .unwrap();
    let answer: Value = reply.json().await.unwrap();
    assert_eq!(answer["results"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_token_is_refused_alike() {
    let (service, _files) = service().await;
    service.admin().put_documents(vec![document("a/1", "begonias", json!({"viewers": ["user:*"]}))]).await;
    let now = jiff::Timestamp::now().as_second();
    let changed = |field: &str, value: Value| {
        let mut claims = claims();
        claims[field] = value;
        sign(&claims, &header(), 1)
    };
    let without = |field: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(field);
        sign(&claims, &header(), 1)
    };
    let good = sign(&claims(), &header(), 1);
    let unsigned = {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"k1"}"#);
        format!("{head}.{}.", good.split('.').nth(1).unwrap())
    };
    let mut deep = json!({"sub": "a"});
    for _ in 0..12 {
        deep = json!({"sub": "a", "act": deep});
    }
    let wrong = [
        ("another key", sign(&claims(), &header(), 2)),
        ("no signature", unsigned),
        ("cut", good[..good.len() - 4].to_owned()),
        ("audience", changed("aud", json!("https://other.example"))),
        ("audience with a slash", changed("aud", json!(format!("{AUDIENCE}/")))),
        ("issuer", changed("iss", json!("https://evil.example"))),
        ("not yet", changed("nbf", json!(now + 600))),
        ("no audience", without("aud")),
        ("no end", without("exp")),
        ("no subject", without("sub")),
        ("empty subject", changed("sub", json!(""))),
        ("long subject", changed("sub", json!("x".repeat(300)))),
        ("deep actors", changed("act", deep)),
        ("key id", sign(&claims(), &Header { kid: Some("k2".into()), ..header() }, 1)),
        ("no key id", sign(&claims(), &Header { kid: None, ..header() }, 1)),
        ("type", sign(&claims(), &Header { typ: Some("id_token".into()), ..header() }, 1)),
        ("long", format!("{good}{}", "A".repeat(20_000))),
        ("noise", "a.b.c".to_owned()),
        ("empty", ".".to_owned()),
    ];
    for (why, token) in wrong {
        let reply = with_token(&service, token).post("/v1/query", json!({"query": "begonias"})).await;
        assert_eq!(reply.status.as_u16(), 401, "{why}");
        assert_eq!(reply.json()["code"], "unauthenticated", "{why}");
    }
    let expired = with_token(&service, changed("exp", json!(now - 100))).post("/v1/query", json!({"query": "x"})).await;
    assert_eq!(expired.problem(401), "token_expired");
    let mut scopeless = claims();
    scopeless["scope"] = json!("openid");
    let reply = with_token(&service, sign(&scopeless, &header(), 1)).post("/v1/query", json!({"query": "x"})).await;
    assert_eq!(reply.problem(403), "insufficient_scope");
    // A subject can't become tuple syntax.
    for hostile in ["*", "user:*", "ann#member", "group:g#member"] {
        assert_eq!(with_token(&service, changed("sub", json!(hostile))).ask("begonias").await, ["a/1"], "{hostile}");
    }
    service.admin().put_documents(vec![document("a/1", "begonias", json!({"viewers": ["user:ann"]}))]).await;
    for hostile in ["*", "user:ann", "ann ", " ann", "ann\n"] {
        assert!(with_token(&service, changed("sub", json!(hostile))).ask("begonias").await.is_empty(), "{hostile}");
    }
    // The client itself is a service, not a person of the same name.
    assert!(with_token(&service, changed("client_id", json!("ann"))).ask("begonias").await.is_empty());
}
