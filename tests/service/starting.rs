//! What the listeners answer while the service is not open yet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use usher::config::{RawConfig, RawLimits};
use usher::embed::{Embedders, HashEmbedder};
use usher::progress::Stage;
use usher::serve::{self, Listeners, Listening};
use usher::telemetry::Metrics;

async fn begin(config: &usher::config::Config) -> (Listening, Metrics, SocketAddr, SocketAddr) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let metrics = Metrics::new().unwrap();
    let listeners = Listeners::bind(any, any).await.unwrap();
    let (api, admin) = listeners.addresses().unwrap();
    (Listening::begin(listeners, config.limits.connections, &metrics), metrics, api, admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_says_how_far_it_is_and_open_connections_see_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let raw = RawConfig { data: Some(folder.path().to_owned()), ..RawConfig::default() };
    let config = raw.resolve().unwrap();
    let (listening, metrics, api, admin) = begin(&config).await;
    metrics.progress().enter(Stage::Tuples, 7_000);
    metrics.progress().reach(2_345);

    let http = reqwest::Client::new();
    let ask = async |method: Method, path: &str, body: Option<Value>| {
        let request = http.request(method, format!("http://{api}{path}")).bearer_auth("ush_0_0");
        let reply = body.into_iter().fold(request, |request, body| request.json(&body)).send().await.unwrap();
        (reply.status().as_u16(), reply.headers().clone(), reply.json::<Value>().await.unwrap())
    };
    let startup = json!({"stage": "tuples", "doing": "reading the tuples", "percent": 33, "seconds": 0});
    for name in ["startup", "ready"] {
        let (status, _, mut said) = ask(Method::GET, &format!("/v1/health/{name}"), None).await;
        said["startup"]["seconds"] = json!(0);
        // Percent, and no number of anything.
        assert_eq!((status, said), (503, json!({"status": "starting", "startup": startup})), "{name}");
    }
    assert_eq!(ask(Method::GET, "/v1/health/live", None).await.0, 200);
    for (method, path, body) in [
        (Method::POST, "/v1/query", Some(json!({"query": "x"}))),
        (Method::GET, "/v1/documents?collection=main", None),
        (Method::DELETE, "/v1/keys/0123456789abcdef", None),
        (Method::POST, "/v1/health/startup", None),
        (Method::GET, "/stores", None),
        (Method::POST, "/fga/stores/a/check", Some(json!({}))),
        (Method::GET, "/openapi.json", None),
        (Method::GET, "/nowhere", None),
    ] {
        let (status, headers, problem) = ask(method.clone(), path, body).await;
        assert_eq!((status, &problem["code"]), (503, &json!("starting")), "{method} {path}: {problem}");
        assert_eq!(headers["content-type"], "application/problem+json", "{path}");
        assert!(headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0, "{path}");
        let id = headers["usher-request-id"].to_str().unwrap();
        assert_eq!(problem["instance"], format!("urn:usher:request:{id}"), "{path}");
    }
    let text = async || http.get(format!("http://{admin}/metrics")).send().await.unwrap().text().await.unwrap();
    let told = text().await;
    assert!(told.contains("usher_start_percent 33") && told.contains("usher_start_complete 0"), "{told}");

    // A connection from before the service was open goes on with it.
    let mut kept = TcpStream::connect(api).unwrap();
    kept.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut exchange = move || {
        kept.write_all(b"GET /v1/documents HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = vec![0; 4096];
        let read = kept.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    };
    let before = exchange();
    assert!(before.starts_with("HTTP/1.1 503"), "{before}");
    let running = serve::open(&config, Embedders::new(vec![Arc::new(HashEmbedder)]), metrics).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let until = async {
            let _ = stopped.await;
        };
        listening.show(&running).until(&running, until).await.unwrap();
        running.stop().await;
    });
    let begun = Instant::now();
    while ask(Method::GET, "/v1/health/startup", None).await.0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
    let after = tokio::task::spawn_blocking(exchange).await.unwrap();
    assert!(after.starts_with("HTTP/1.1 401"), "{after}");
    let told = text().await;
    assert!(told.contains("usher_start_complete 1"), "{told}");
    for stage in ["catalog", "tuples", "documents", "vectors", "tasks"] {
        assert!(told.contains(&format!("usher_start_stage_seconds{{stage=\"{stage}\"}}")), "{stage}: {told}");
    }
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_have_their_limits_before_the_service_is_open() {
    let limits = RawLimits {
        max_connections: Some(16),
        max_connections_per_address: Some(4),
        head_timeout_s: Some(1),
        idle_timeout_s: Some(2),
        ..RawLimits::default()
    };
    let config = RawConfig { limits, ..RawConfig::default() }.resolve().unwrap();
    let (listening, _metrics, api, _) = begin(&config).await;
    let connect = move || {
        let stream = TcpStream::connect(api).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    };
    tokio::task::spawn_blocking(move || {
        let ask = |stream: &mut TcpStream| {
            stream.write_all(b"GET /v1/health/live HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            stream.read(&mut [0; 4096]).unwrap_or_default()
        };
        let begun = Instant::now();
        let mut held: Vec<TcpStream> = (0..4).map(|_| connect()).collect();
        // Each is accepted once it is answered.
        assert!(held.iter_mut().all(|stream| ask(stream) > 0));
        let mut beyond = connect();
        let _ = beyond.write_all(b"GET /v1/health/live HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(beyond.read(&mut [0; 4096]).unwrap_or_default(), 0, "closed");
        // A head that never ends, and connections that do nothing more.
        held[0].write_all(b"POST /v1/query HTTP/1.1\r\nX: ").unwrap();
        for stream in &mut held {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        assert!(ask(&mut connect()) > 0, "there is room again");
    })
    .await
    .unwrap();
    drop(listening);
}
