//! The way in is not closed by mistake, and the machine's owner can open it again.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{Client, TestService, document};
use crate::records::records;

/// Runs the command; says whether it went well, and what it said.
fn usher(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_usher")).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn in_days(days: i64) -> String {
    Timestamp::now().checked_add(SignedDuration::from_hours(24 * days)).unwrap().to_string()
}

async fn made(admin: &Client, scopes: Value, days: i64) -> (String, Client) {
    let body = json!({"name": "k", "scopes": scopes, "expires_at": in_days(days)});
    let made = admin.post("/v1/keys", body).await.ok();
    let key = made["key"].as_str().unwrap().to_owned();
    (made["id"].as_str().unwrap().to_owned(), Client { key, ..admin.clone() })
}

fn id_of(client: &Client) -> String {
    client.key.split('_').nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_key_is_revoked_only_on_purpose() {
    let service = TestService::start().await;
    let first = service.admin();
    let own = id_of(&first);
    // Others that are no way in: without the scope, revoked, expired.
    made(&first, json!(["query", "documents.write"]), 90).await;
    let (gone, _) = made(&first, json!(["admin"]), 90).await;
    first.delete(&format!("/v1/keys/{gone}")).await.ok();
    let refused = first.delete(&format!("/v1/keys/{own}")).await;
    assert_eq!(refused.problem(409), "conflict");
    assert_eq!(first.delete(&format!("/v1/keys/{own}?force=perhaps")).await.problem(400), "invalid_request");
    first.get("/v1/keys").await.ok();

    let (second, client) = made(&first, json!(["admin"]), 90).await;
    client.delete(&format!("/v1/keys/{own}")).await.ok();
    assert_eq!(first.get("/v1/keys").await.problem(401), "unauthenticated");
    assert_eq!(client.delete(&format!("/v1/keys/{second}")).await.problem(409), "conflict");
    client.delete(&format!("/v1/keys/{second}?force=true")).await.ok();
    assert_eq!(client.get("/v1/keys").await.problem(401), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_on_the_machine_of_a_stopped_service_and_recorded() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.delete(&format!("/v1/keys/{}?force=true", id_of(&admin))).await.ok();
    let data = service.folder.path().to_str().unwrap().to_owned();
    let out = service.folder.path().join("new.key");
    let postgres = std::env::var("USHER_CATALOG_URL").is_ok() || crate::common::postgres::is_chosen();
    if postgres {
        return;
    }
    let create = [
        ["keys", "create", "rescue", "--scope", "admin", "--scope", "act_as", "--act-as", "user", "--data", &data]
            .as_slice(),
        &["--out", out.to_str().unwrap()],
    ]
    .concat();
    let (ok, _, message) = usher(&create);
    assert!(!ok && message.contains("stop it first") && message.lines().count() == 1, "{message}");
    let folder = service.stop().await;
    let (ok, _, message) = usher(&["keys", "create", "rescue", "--scope", "nothing", "--data", &data]);
    assert!(!ok && message.contains("must be one of"), "{message}");
    let (ok, said, message) = usher(&create);
    assert!(ok, "{message}");
    let key = std::fs::read_to_string(&out).unwrap().trim().to_owned();
    let service = TestService::start_in(folder).await;
    let client = Client { key, ..service.admin() };
    client.get("/v1/keys").await.ok();
    let record = records(service.folder.path()).into_iter().rfind(|record| record["event"] == "keys.create").unwrap();
    assert!(said.starts_with(record["items"][0].as_str().unwrap()), "{said}");
    assert_eq!(
        (&record["how"], &record["details"]["settings"]["scopes"]),
        (&json!("usher keys create"), &json!(["admin", "act_as"]))
    );
    // The service goes on from it.
    made(&client, json!(["query"]), 90).await;
    client.post("/v1/keys", json!({"name": "k", "scopes": ["query"], "subject": "user:ann"})).await.ok();
    let (ok, _, message) = usher(&["keys", "create", "x", "--scope", "admin", "--data", "/nonexistent/none"]);
    assert!(!ok && message.contains("holds no catalog") && !Path::new("/nonexistent").exists(), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_comes_soon_is_said() {
    let service = TestService::start().await;
    let admin = service.admin();
    let metrics = async || reqwest::get(service.metrics_url()).await.unwrap().text().await.unwrap();
    let value = |text: &str, name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let before = metrics().await;
    assert_eq!(value(&before, "usher_keys_ending_soon"), 0);
    assert!(value(&before, "usher_admin_keys_end_seconds") > 360 * 24 * 3_600);
    made(&admin, json!(["query"]), 29).await;
    let (_, soon) = made(&admin, json!(["admin"]), 31).await;
    soon.delete(&format!("/v1/keys/{}", id_of(&admin))).await.ok();
    let after = metrics().await;
    assert_eq!(value(&after, "usher_keys_ending_soon"), 1);
    let left = value(&after, "usher_admin_keys_end_seconds");
    assert!((30 * 24 * 3_600..=31 * 24 * 3_600).contains(&left), "{left}");
    let file = service.folder.path().join("soon.key");
    std::fs::write(&file, &soon.key).unwrap();
    let (ok, said, message) =
        usher(&["keys", "--server", service.base(), "--key-file", file.to_str().unwrap(), "list"]);
    assert!(ok, "{message}");
    assert!(said.contains("(in 28 days)") && said.contains("revoked "), "{said}");
    let last = &["keys", "--server", service.base(), "--key-file", file.to_str().unwrap(), "revoke", &id_of(&soon)];
    let (ok, _, message) = usher(last);
    assert!(!ok && message.contains("force"), "{message}");
    let (ok, _, message) = usher(&[&last[..], &["--force"]].concat());
    assert!(ok, "{message}");
}

/// A body may take its time: what let its head in must still hold when the whole of it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_binds_what_is_still_on_its_way() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "x", json!({"viewers": ["user:ann"]}))]).await;
    let store = service.service().default_store.clone();
    let tuple = json!({"user": "user:eve", "relation": "viewer", "object": "document:a/1"});
    let scopes = ["admin", "act_as"];
    for (method, path, body) in [
        ("POST", "/v1/keys".to_owned(), json!({"name": "again", "scopes": ["admin"]})),
        ("POST", "/v1/relationships/write".to_owned(), json!({"writes": [tuple]})),
        ("PUT", "/v1/collections/another".to_owned(), json!({})),
        ("POST", format!("/stores/{store}/write"), json!({"writes": {"tuple_keys": [tuple]}})),
        (
            "POST",
            "/v1/documents".to_owned(),
            json!({"documents": [document("a/2", "y", json!({"viewers": ["user:*"]}))]}),
        ),
        ("POST", "/v1/relationships/read".to_owned(), json!({})),
        ("POST", format!("/stores/{store}/read"), json!({})),
        ("POST", "/v1/explain".to_owned(), json!({"collection": "main", "document_id": "a/1", "subject": "user:ann"})),
        ("POST", "/v1/relationships/impact".to_owned(), json!({"writes": [tuple]})),
        ("POST", "/v1/query".to_owned(), json!({"query": "x"})),
    ] {
        let made = json!({"name": "k", "scopes": scopes, "act_as_types": ["user"]});
        let made = admin.post("/v1/keys", made).await.ok();
        let body = body.to_string();
        let host = service.base().trim_start_matches("http://").to_owned();
        let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\nusher-subject: user:ann\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            made["key"].as_str().unwrap(),
            body.len()
        );
        stream.write_all((head + &body[..1]).as_bytes()).await.unwrap();
        // It is let in: the service has counted it as running.
        let running = async || service.service().metrics.render().contains("usher_requests_running 1");
        while !running().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let id = made["id"].as_str().unwrap();
        assert_eq!(admin.delete(&format!("/v1/keys/{id}")).await.status, 204);
        stream.write_all(&body.as_bytes()[1..]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{method} {path}: {answer}");
    }
    let tuples = admin.post("/v1/relationships/read", json!({"user": "user:eve"})).await.ok();
    assert_eq!(tuples["tuples"], json!([]));
    let keys = admin.get("/v1/keys").await.ok();
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key["name"] != "again"), "{keys}");
    assert_eq!(admin.get("/v1/collections/another").await.status, 404);
    let stored = admin.get("/v1/collections/main/documents").await.ok();
    assert_eq!(stored["documents"].as_array().unwrap().len(), 1, "{stored}");
}
