//! Connections that are slow, silent or too many, and credentials before bodies.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use usher::config::{RawConfig, RawLimits};

use crate::common::{TestService, document};

/// What the service waits after it told a connection to end, and room for a busy machine.
const SPARE: Duration = Duration::from_secs(9);

async fn start(limits: RawLimits) -> (TestService, SocketAddr) {
    let service = TestService::start_raw(RawConfig { limits, ..RawConfig::default() }).await;
    let address = service.base().strip_prefix("http://").unwrap().parse().unwrap();
    (service, address)
}

async fn metric(service: &TestService, name: &str) -> i64 {
    let text = reqwest::get(service.metrics_url()).await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_slow_heads_end_in_time_and_others_are_served_meanwhile() {
    let head = Duration::from_secs(2);
    let (service, address) = start(RawLimits { head_timeout_s: Some(2), ..RawLimits::default() }).await;
    let begin = Instant::now();
    let slow = (0..200).map(|n| {
        tokio::spawn(async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            // A byte now and then, nothing at all, or a version that can't be told yet.
            let text: &[u8] = match n % 3 {
                0 => b"POST /v1/query HTTP/1.1\r\nHost: a\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                1 => b"",
                _ => b"PRI * HTT",
            };
            let (mut reading, mut writing) = stream.split();
            let dribble = async {
                for byte in text {
                    if writing.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                std::future::pending::<()>().await
            };
            let mut answer = Vec::new();
            tokio::select! {
                () = dribble => {}
                _ = reading.read_to_end(&mut answer) => {}
            }
            begin.elapsed()
        })
    });
    let slow: Vec<_> = slow.collect();
    let mut served = 0;
    while begin.elapsed() < head {
        assert!(service.admin().get("/v1/health/live").await.status.is_success());
        served += 1;
    }
    let mut longest = Duration::ZERO;
    for connection in slow {
        longest = longest.max(tokio::time::timeout(head + 2 * SPARE, connection).await.unwrap().unwrap());
    }
    println!("200 slow connections: the last one ended after {longest:.1?}; {served} others were answered meanwhile");
    assert!(longest < head + SPARE, "{longest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_ends_and_one_in_use_does_not() {
    let (service, address) = start(RawLimits { idle_timeout_s: Some(2), ..RawLimits::default() }).await;
    let ask = b"GET /v1/health/live HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut used = TcpStream::connect(address).unwrap();
    used.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 4096];
    for _ in 0..5 {
        used.write_all(ask).unwrap();
        assert!(used.read(&mut answer).unwrap() > 0);
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    let begin = Instant::now();
    assert_eq!(used.read(&mut answer).unwrap(), 0, "closed by the service");
    assert!(begin.elapsed() < Duration::from_secs(2) + SPARE);
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_byte_by_byte_is_refused_in_time() {
    let (service, address) = start(RawLimits { body_timeout_s: Some(2), ..RawLimits::default() }).await;
    let head = format!(
        "POST /v1/query HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n",
        service.admin().key
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let (begin, mut answer, mut part) = (Instant::now(), Vec::new(), [0; 4096]);
        loop {
            assert!(begin.elapsed() < Duration::from_secs(2) + SPARE, "{}", String::from_utf8_lossy(&answer));
            // Each byte comes well within any time-out between two bytes.
            let _ = stream.write_all(b" ");
            match stream.read(&mut part) {
                Ok(0) => return answer,
                Ok(read) => answer.extend_from_slice(&part[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return answer,
            }
        }
    });
    let answer = String::from_utf8(answer.await.unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
}

/// What is answered to a head alone, whose body never comes.
async fn answer_to_head(address: SocketAddr, method: &str, path: &str, key: Option<&str>) -> String {
    let key = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\n{key}Content-Type: application/json\r\nContent-Length: 600000\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
    let read = read.unwrap_or_else(|_| panic!("{method} {path}: the body was waited for")).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_scopes_are_looked_at_before_any_body() {
    let (service, address) = start(RawLimits::default()).await;
    let admin = service.admin();
    let powerless = admin.post("/v1/keys", json!({"name": "nothing", "scopes": []})).await.ok();
    let powerless = powerless["key"].as_str().unwrap().to_owned();
    let description = admin.get("/openapi.json").await.ok();
    let mut count = 0;
    // Which scope OpenFGA's operations need depends on what they are sent; the credential is looked at first, below.
    let native = description["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1/"));
    for (path, methods) in native {
        for (method, operation) in methods.as_object().unwrap() {
            if operation.get("requestBody").is_none() {
                continue;
            }
            let (method, place) = (method.to_uppercase(), path.replace("{id}", "a").replace("{name}", "a"));
            for (key, status) in [(None, 401), (Some("ush_0_0"), 401), (Some(powerless.as_str()), 403)] {
                let answer = answer_to_head(address, &method, &place, key).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {place}: {answer}");
            }
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
    for path in ["check", "batch-check", "write", "read", "expand", "list-objects", "list-users"] {
        let place = format!("/stores/01HXYZ00000000000000000000/{path}");
        let answer = answer_to_head(address, "POST", &place, None).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{place}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_with_slow_uploads_does_not_keep_others_from_storing() {
    let (service, address) = start(RawLimits::default()).await;
    let admin = service.admin();
    let made = admin.post("/v1/keys", json!({"name": "slow", "scopes": ["documents.write"]})).await.ok();
    let head = format!(
        "POST /v1/documents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 30000000\r\n\r\n",
        made["key"].as_str().unwrap()
    );
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let uploads = service.service().uploads.clone();
    assert_eq!(uploads.free(), uploads.shares().all - uploads.shares().credential, "the key has its share, no more");
    let put = admin.put_documents(vec![document("a/1", "text", json!({"viewers": ["user:ann"]}))]);
    tokio::time::timeout(Duration::from_secs(10), put).await.expect("others have the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_in_total_and_per_address() {
    let limits = RawLimits {
        max_connections: Some(24),
        max_connections_per_address: Some(16),
        idle_timeout_s: Some(60),
        head_timeout_s: Some(60),
        ..RawLimits::default()
    };
    let (service, address) = start(limits).await;
    let connect = async |from: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        // One that has no place is closed, or reset, without an answer.
        let _ = stream.write_all(b"GET /v1/health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut answer = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await.unwrap();
        read.is_ok_and(|read| read > 0).then_some(stream)
    };
    let mut here = Vec::new();
    for _ in 0..16 {
        here.push(connect("127.0.0.1").await.expect("within the limit"));
    }
    assert!(connect("127.0.0.1").await.is_none(), "one more of this address");
    let mut there = Vec::new();
    for _ in 0..8 {
        there.push(connect("127.0.0.2").await.expect("another address has its own"));
    }
    assert!(connect("127.0.0.3").await.is_none(), "one more than all");
    assert_eq!(metric(&service, "usher_connections_refused_total").await, 2);
    drop(here);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(connect("127.0.0.1").await.is_some(), "places come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_read_its_answer_is_dropped() {
    let (service, address) = start(RawLimits { idle_timeout_s: Some(2), ..RawLimits::default() }).await;
    let admin = service.admin();
    let text = "all work and no play ".repeat(50_000);
    admin.put_documents(vec![document("a/long", &text, json!({"viewers": ["user:ann"]}))]).await;
    let before = metric(&service, "usher_connections").await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let ask = format!(
        "GET /v1/documents/a%2Flong?collection=main HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Usher-Subject: user:ann\r\n\r\n",
        admin.key
    );
    // As many answers as no buffer on the way takes.
    stream.write_all(ask.repeat(20).as_bytes()).await.unwrap();
    let begin = Instant::now();
    // Bytes that nobody reads keep the connection; then the service gives up.
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if metric(&service, "usher_connections").await <= before {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(4) + SPARE, "the connection is still there");
    }
    assert!(begin.elapsed() > Duration::from_secs(1), "it had its time");
}
