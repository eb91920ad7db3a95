//! What a start says of itself, as a process: while it waits, while its indexes follow, and when it can't go on.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher_support::free_port;

use crate::process::{Process, command};

const PATIENCE: Duration = Duration::from_secs(60);

/// Status and body of a health route; nothing while nobody listens.
async fn health(http: &reqwest::Client, port: u16, name: &str) -> Option<(u16, Value)> {
    let reply = http.get(format!("http://127.0.0.1:{port}/v1/health/{name}")).send().await.ok()?;
    Some((reply.status().as_u16(), reply.json().await.ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named_and_nothing_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (api, admin, option) in [(port, free_port(), "listen"), (free_port(), port, "admin_listen")] {
        let output = command(&data, api, admin).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = message.trim_end().lines().last().unwrap_or_default();
        assert_eq!(last, format!("usher: {option} 127.0.0.1:{port}: address in use"));
        assert_eq!(output.status.code(), Some(1));
        assert!(!data.exists(), "nothing was opened");
    }
}

/// A database that takes the connection and says nothing holds the start up for as long as it takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_says_so_and_can_be_stopped() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://ann:secret@127.0.0.1:{}/usher", silent.local_addr().unwrap().port());
    let (api, admin) = (free_port(), free_port());
    let log = folder.path().join("log");
    let mut child = command(&folder.path().join("data"), api, admin)
        .env("USHER_CATALOG_URL", url)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let http = reqwest::Client::new();
    let begun = Instant::now();
    let starting = loop {
        assert!(begun.elapsed() < PATIENCE, "{}", std::fs::read_to_string(&log).unwrap());
        match health(&http, api, "startup").await {
            Some((503, said)) if said["startup"]["stage"] == "catalog" => break said,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(
        (&starting["status"], &starting["startup"]["doing"]),
        (&json!("starting"), &json!("opening the catalog"))
    );
    assert_eq!(health(&http, api, "live").await.unwrap().0, 200);
    assert_eq!(health(&http, api, "ready").await.unwrap().0, 503);
    let metrics = http.get(format!("http://127.0.0.1:{admin}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("usher_start_complete 0"), "{metrics}");
    let told = Instant::now();
    let sent = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(told.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(status.success(), "{status}: {}", std::fs::read_to_string(&log).unwrap());
    // The database would have been waited for longer than that.
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    drop(silent);
}

/// The keyword index was lost, and the first attempt to fill it fails; the next one comes half a second later.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_complete_once_the_indexes_have_followed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data).await.unwrap();
    let document = json!({"id": "a/1", "collection": "main", "acl": {"viewers": ["user:ann"]},
                          "content": {"type": "text/plain", "text": "gentian"}});
    process.client.post("/v1/documents", json!({"documents": [document]})).await.ok();
    process.stop().await;
    remove_keywords(&data.join("indexes"));

    let (api, admin) = (free_port(), free_port());
    let log = folder.path().join("log");
    let mut child = command(&data, api, admin)
        .env("USHER_FAILPOINT", "keyword.before_commit=error:2")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let http = reqwest::Client::new();
    let begun = Instant::now();
    let mut was_following = false;
    loop {
        let message = || std::fs::read_to_string(&log).unwrap();
        assert!(begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "{}", message());
        match health(&http, api, "startup").await {
            Some((503, said)) => was_following |= said["startup"]["stage"] == "following",
            Some((200, said)) => {
                assert_eq!(said, json!({"status": "ok"}));
                break;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(was_following, "{}", std::fs::read_to_string(&log).unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn remove_keywords(indexes: &Path) {
    for pair in std::fs::read_dir(indexes).unwrap().flatten() {
        std::fs::remove_dir_all(pair.path().join("keywords")).unwrap();
    }
}
