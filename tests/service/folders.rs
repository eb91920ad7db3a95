//! Data folders of past releases, opened by this one: what was asked then is answered the same.
//!
//! `tests/data/folders` holds them as text; `make.py` there made them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use usher::catalog::Catalog;
use usher::config::RawConfig;
use usher::embed::Embedders;

use crate::common::{Client, TestService};

/// What was kept beside a catalog.
#[derive(Deserialize)]
struct Expected {
    /// Names are stored in a spelling that is brought into the one of today.
    older_spelling: bool,
    keys: std::collections::BTreeMap<String, String>,
    /// A grant by hand, and how its loss is seen.
    revoked: Revoked,
    /// Who reads a document by its rules alone.
    narrowed: Narrowed,
    /// All documents as they were last sent.
    sent: Vec<Value>,
    asked: Vec<Asked>,
}

#[derive(Deserialize)]
struct Revoked {
    tuple: Value,
    reader: String,
    question: String,
    document: String,
}

#[derive(Deserialize)]
struct Narrowed {
    reader: String,
    document: String,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    path: String,
    body: Option<Value>,
    answers: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    status: u16,
    /// Name of a key, and the reader that it acted for.
    callers: Vec<(String, Option<String>)>,
    answer: Value,
}

fn kept() -> Vec<PathBuf> {
    let all = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/folders")).unwrap();
    let mut all: Vec<_> = all.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

/// Makes the data folder anew: a catalog, the end of its audit, and a key to ask with.
async fn unpack(kept: &Path, expected: &Expected) -> tempfile::TempDir {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteConnectOptions::new().filename(folder.path().join("catalog.db")).create_if_missing(true);
    let mut catalog = catalog.connect().await.unwrap();
    let text = fs::read_to_string(kept.join("catalog.sql")).unwrap();
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut catalog).await.unwrap();
    catalog.close().await.unwrap();
    fs::copy(kept.join("audit.jsonl"), folder.path().join("audit.jsonl")).unwrap();
    fs::write(folder.path().join("admin.key"), &expected.keys["admin"]).unwrap();
    folder
}

/// Runs a command on the folder; says whether it went well, and all that it said.
fn usher(command: &str, folder: &Path, more: &[&str]) -> (bool, String) {
    let mut run = Command::new(env!("CARGO_BIN_EXE_usher"));
    let output = run.args([command, "--data", folder.to_str().unwrap()]).args(more).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Where an answer lacks something of what was kept, or says something else. What is new in it is no difference.
fn difference(kept: &Value, now: &Value, place: &str) -> Option<String> {
    match (kept, now) {
        (Value::Object(kept), Value::Object(now)) => kept.iter().find_map(|(name, value)| {
            difference(value, now.get(name).unwrap_or(&Value::Null), &format!("{place}/{name}"))
        }),
        (Value::Array(kept), Value::Array(now)) if kept.len() == now.len() => {
            // Names alone have no order, and that of passages is each release's own.
            let in_order = |all: &[Value]| {
                let mut all = all.to_vec();
                all.sort_by_key(|value| value.as_str().or(value["chunk_id"].as_str()).map(str::to_owned));
                all
            };
            let (kept, now) = (in_order(kept), in_order(now));
            let mut pairs = kept.iter().zip(&now).enumerate();
            pairs.find_map(|(n, (kept, now))| difference(kept, now, &format!("{place}/{n}")))
        }
        _ => (kept != now).then(|| format!("{place}: {kept} became {now}")),
    }
}

/// The one name of a folder that was spelled otherwise.
fn spelled(value: &Value) -> Value {
    serde_json::from_str(&value.to_string().replace("user:Ada%40Example.org", "user:ada%40example.org")).unwrap()
}

/// Asks everything again, once the indexes are there.
async fn ask_again(service: &TestService, expected: &Expected) {
    while service.admin().get("/v1/health/startup").await.status != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut differences = Vec::new();
    for Asked { method, path, body, answers } in &expected.asked {
        for Answered { status, callers, answer } in answers {
            for (key, reader) in callers {
                let client = Client { key: expected.keys[key].clone(), subject: reader.clone(), ..service.admin() };
                let reply = client.send(method.parse::<Method>().unwrap(), path, body.clone()).await;
                let now = if reply.bytes.is_empty() { Value::Null } else { reply.json() };
                let place = format!("{method} {path} {} as {key} {reader:?}: ", body.clone().unwrap_or_default());
                if reply.status != *status {
                    differences.push(format!("{place}{status} became {}: {now}", reply.status));
                } else {
                    differences.extend(difference(&spelled(answer), &spelled(&now), &place));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What the service says of each document that its source sends again as it was.
async fn send_again(service: &TestService, expected: &Expected) -> Vec<(bool, String)> {
    let mut told = Vec::new();
    for sent in &expected.sent {
        let answer = service.admin().post("/v1/documents", json!({"documents": [sent]})).await.ok();
        let status = answer["results"][0]["status"].as_str().unwrap().to_owned();
        told.push((sent.get("sections").is_some(), status));
    }
    told
}

/// A grant that goes is gone for the next question.
async fn revoke(service: &TestService, revoked: &Revoked) {
    let reader = service.as_reader(&revoked.reader);
    assert!(reader.ask(&revoked.question).await.contains(&revoked.document));
    service.admin().write(json!([]), json!([revoked.tuple])).await;
    assert!(!reader.ask(&revoked.question).await.contains(&revoked.document));
}

/// What the rules of an older release granted goes with narrower rules.
async fn narrow(service: &TestService, expected: &Expected) {
    let Narrowed { reader, document } = &expected.narrowed;
    let path = format!("/v1/documents/{}?collection=main", document.replace('/', "%2F"));
    let reads = async || service.as_reader(reader).get(&path).await.status.is_success();
    assert!(reads().await);
    let mut sent = expected.sent.iter().find(|sent| sent["id"] == **document).unwrap().clone();
    sent["acl"] = json!({"nobody": true});
    service.admin().put_documents(vec![sent]).await;
    assert!(!reads().await);
}

/// With spellings that have a say, as they had when the answers were kept.
async fn start(folder: tempfile::TempDir) -> TestService {
    let entries = "[[embedders]]\nname = \"spellings\"\nkind = \"hash\"\nfusion_weight = 0.25\n";
    let raw: RawConfig = toml::from_str(entries).unwrap();
    let embedders = Embedders::open(raw.resolve().unwrap().embedders).unwrap();
    TestService::start_with(folder, embedders).await
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_past_releases_are_answered_from_as_they_were() {
    // They are files; what a database holds of older releases goes through the same steps of the schema.
    if crate::common::postgres::is_chosen() {
        return;
    }
    let all = kept();
    assert!(!all.is_empty());
    for kept in all {
        println!("{}", kept.display());
        let expected: Expected = serde_json::from_slice(&fs::read(kept.join("expected.json")).unwrap()).unwrap();
        let folder = unpack(&kept, &expected).await;
        if expected.older_spelling {
            let any = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
            let (ok, said) = usher("serve", folder.path(), &any);
            assert!(!ok && said.contains("usher normalise"), "{said}");
            let (ok, said) = usher("normalise", folder.path(), &["--apply"]);
            assert!(ok, "{said}");
        }

        // From the catalog alone, then from what the first start made of it.
        let service = start(folder).await;
        ask_again(&service, &expected).await;
        let service = start(service.stop().await).await;
        ask_again(&service, &expected).await;

        // Only where parts are restricted may an older release have found other borders.
        let told = send_again(&service, &expected).await;
        assert!(told.iter().all(|(parts, status)| status == "unchanged" || *parts && status == "updated"), "{told:?}");
        let told = send_again(&service, &expected).await;
        assert!(told.iter().all(|(_, status)| status == "unchanged"), "{told:?}");

        let before = fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
        revoke(&service, &expected.revoked).await;
        narrow(&service, &expected).await;
        let service = start(service.stop().await).await;
        let reader = service.as_reader(&expected.revoked.reader);
        assert!(!reader.ask(&expected.revoked.question).await.contains(&expected.revoked.document));

        // One audit, from the first line that was kept to the last change.
        let after = fs::read_to_string(service.folder.path().join("audit.jsonl")).unwrap();
        let old = fs::read_to_string(kept.join("audit.jsonl")).unwrap();
        assert!(before.starts_with(&old) && after.starts_with(&before));
        let records =
            |text: &str| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
        let takes = |record: &&Value| record["deleted"].to_string().contains(&expected.revoked.tuple.to_string());
        assert_eq!(records(&after[before.len()..]).iter().filter(takes).count(), 1);
        service.stop().await;
    }
}

/// A folder whose schema a later release has taken further, at a start.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_later_release_is_refused() {
    if crate::common::postgres::is_chosen() {
        return;
    }
    let folder = TestService::start().await.stop().await;
    let catalog = Catalog::open(folder.path(), 1).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', TRUE, x'00', 0)";
    usher::catalog::sql::query(later).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    catalog.close().await;
    let (ok, said) = usher("serve", folder.path(), &["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    assert!(!ok && said.contains("newer release"), "{said}");
}
