//! The way in is not closed by mistake, and the machine's owner can open it again.

use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::common::{Client, TestService};
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
