//! Requests in time, and places at one time, of one caller beside others.

use serde_json::json;
use usher::config::{RawConfig, RawLimits, RawRate, RawRates};
use usher::limits::Payer;

use crate::common::{Client, TestService, tuple};

async fn key(admin: &Client, settings: serde_json::Value) -> Client {
    let made = admin.post("/v1/keys", settings).await.ok();
    Client { key: made["key"].as_str().unwrap().to_owned(), subject: None, ..admin.clone() }
}

/// A refusal for want of a scope is recorded, and counts as a request.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_for_want_of_a_scope_are_counted() {
    let rates = RawRates { write: Some(RawRate { key: 1, subject: 1 }), ..RawRates::none() };
    let limits = RawLimits { rates, ..RawLimits::default() };
    let service = TestService::start_raw(RawConfig { limits, ..RawConfig::default() }).await;
    let reader = key(&service.admin(), json!({"name": "r", "scopes": ["query"], "subject": "service:r"})).await;
    let mut refused = (0, 0);
    for _ in 0..40 {
        let answer = reader.post("/v1/relationships/write", json!({})).await;
        match answer.status.as_u16() {
            403 => refused.0 += 1,
            429 => refused.1 += 1,
            other => panic!("{other}"),
        }
    }
    assert!((10..20).contains(&refused.0) && refused.1 > 20, "{refused:?}");
    let denied = crate::records::records(service.folder.path());
    assert_eq!(denied.iter().filter(|record| record["event"] == "denied").count(), refused.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
    let rates = RawRates {
        query: Some(RawRate { key: 2, subject: 1 }),
        check: Some(RawRate { key: 1, subject: 1 }),
        ..RawRates::none()
    };
    let limits = RawLimits { rates, ..RawLimits::default() };
    let service = TestService::start_raw(RawConfig { limits, ..RawConfig::default() }).await;
    let admin = service.admin();
    let question = || json!({"query": "x"});
    let ann = service.as_reader("user:ann");
    for n in (0..10).rev() {
        let answer = ann.post("/v1/query", question()).await;
        assert!(answer.status.is_success());
        assert_eq!(answer.headers["ratelimit-policy"], "\"query\";q=20;w=10");
        // The key's: as much as it gets back meanwhile is more.
        let left: u32 = answer.headers["ratelimit"].to_str().unwrap().rsplit('=').next().unwrap().parse().unwrap();
        assert!(left >= n + 10, "{left}");
    }
    let refused = loop {
        let answer = ann.post("/v1/query", question()).await;
        if !answer.status.is_success() {
            break answer;
        }
    };
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["ratelimit-policy"], "\"query\";q=10;w=10", "the subject's");
    assert_eq!(refused.headers["ratelimit"], "\"query\";r=0;t=1");
    let body = refused.json();
    assert!((1..=1000).contains(&body["retry_after_ms"].as_u64().unwrap()), "{body}");
    assert!(body["instance"].as_str().unwrap().starts_with("urn:usher:request:"));
    assert_eq!(refused.problem(429), "rate_limited");
    // Other classes, other subjects, other keys.
    service.as_reader("user:bob").post("/v1/query", question()).await.ok();
    ann.get("/v1/documents?collection=main").await.ok();
    let other = key(&admin, json!({"name": "o", "scopes": ["query"], "subject": "service:o"})).await;
    other.post("/v1/query", question()).await.ok();

    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    let store = service.service().default_store.clone();
    let check = json!({"tuple_key": tuple("user:ann", "member", "group:g")});
    let refused = loop {
        let answer = admin.post(&format!("/stores/{store}/check"), check.clone()).await;
        if !answer.status.is_success() {
            break answer;
        }
    };
    assert_eq!((refused.headers["retry-after"].as_bytes(), refused.status.as_u16()), (b"1".as_slice(), 429));
    assert_eq!(refused.json()["code"], "rate_limit_exceeded");
    assert!(admin.get("/v1/collections").await.status.is_success());
    let metrics = reqwest::get(service.metrics_url()).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("usher_rate_limited_total{class=\"query\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_limited_by_default() {
    let config = RawConfig::default().resolve().unwrap();
    for class in usher::limits::rates::Class::ALL {
        let rate = config.limits.rate(class);
        assert!(rate.credential > 0 && rate.subject > 0, "{class:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_can_not_hold_all_places_and_one_subject_not_all_of_its_keys() {
    let service = TestService::start_raw(RawConfig { max_queries: Some(16), ..RawConfig::default() }).await;
    let admin = service.admin();
    let inner = service.service();
    let id = inner.published.load().keys.keys().next().unwrap().clone();
    let payer = |subject: &str| Payer { credential: id.clone(), subject: Some(subject.to_owned()) };
    let ann: Vec<_> = (0..2).map(|_| inner.queries.try_take(&payer("user:ann")).unwrap()).collect();
    let question = || json!({"query": "x"});
    let refused = service.as_reader("user:ann").post("/v1/query", question()).await;
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.problem(429), "rate_limited");
    service.as_reader("user:bob").post("/v1/query", question()).await.ok();
    let rest: Vec<_> = (0..6).map(|n| inner.queries.try_take(&payer(&format!("user:{n}"))).unwrap()).collect();
    assert_eq!(service.as_reader("user:bob").post("/v1/query", question()).await.problem(429), "rate_limited");
    let other = key(&admin, json!({"name": "o", "scopes": ["query"], "subject": "service:o"})).await;
    other.post("/v1/query", question()).await.ok();
    drop((ann, rest));
    service.as_reader("user:ann").post("/v1/query", question()).await.ok();
}

/// Sends a request whose body comes in pieces, whatever happens meanwhile; the status of each answer on the connection.
async fn sent_slowly(address: &str, heads: &[String], body: &[u8]) -> std::io::Result<Vec<u16>> {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::io::BufReader::new(tokio::net::TcpStream::connect(address).await?);
    let mut statuses = Vec::new();
    for head in heads {
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
        stream.flush().await?;
        for part in body.chunks(4_096) {
            stream.write_all(part).await?;
            stream.flush().await?;
            // The refusal is made before all of it is here.
            tokio::task::yield_now().await;
        }
        let mut length = 0;
        for number in 0.. {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            if number == 0 {
                statuses.push(line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
    }
    Ok(statuses)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_whoever_is_still_sending() {
    let rates = RawRates { query: Some(RawRate { key: 1, subject: 1 }), ..RawRates::none() };
    let limits = RawLimits { rates, ..RawLimits::default() };
    let service = TestService::start_raw(RawConfig { limits, ..RawConfig::default() }).await;
    let admin = service.admin();
    let ann = service.as_reader("user:ann");
    while ann.post("/v1/query", json!({"query": "x"})).await.status.is_success() {}
    let address = service.base().strip_prefix("http://").unwrap();
    let head = |key: &str| {
        format!(
            "POST /v1/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nUsher-Subject: user:ann\r\n\
             Content-Type: application/json\r\n"
        )
    };
    let body = json!({"query": "x".repeat(600_000)}).to_string();
    // Too often, and without a credential; and the connection goes on to be used.
    for (key, status) in [(admin.key.as_str(), 429), ("usher_no", 401)] {
        let answers = sent_slowly(address, &[head(key), head(key), head(key)], body.as_bytes()).await.unwrap();
        assert_eq!(answers.iter().filter(|answer| **answer == status).count(), 3, "{answers:?}");
    }
    // More than anybody may send is not waited for.
    let body = vec![b' '; 8 << 20];
    assert!(sent_slowly(address, &[head("usher_no"), head("usher_no")], &body).await.is_err());
}
