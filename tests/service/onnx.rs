//! Models in the ONNX format: loaded from a folder or a hub, asked through the service, refused when something is off.
//! The model and the runtime are made by `scripts/onnx.sh`; without them the tests say that they are skipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use usher::config::RawConfig;
use usher::embed::local::{Hub, Source};
use usher::embed::{Embedder, Embedders, Role, Settings, local};
use usher::limits::Payer;
use usher::serve::{self, ServeError};
use usher::telemetry::Metrics;

use crate::common::{TestService, document};

/// The tiny model's folder, with the runtime named beside it.
pub fn model() -> Option<PathBuf> {
    let model = std::env::var_os("USHER_ONNX_MODEL").filter(|_| std::env::var_os("ORT_DYLIB_PATH").is_some());
    if model.is_none() {
        usher_support::skipped("onnx", "no model and no ONNX Runtime here (scripts/onnx.sh makes them)");
    }
    model.map(PathBuf::from)
}

/// A copy that a test may spoil.
pub fn copy(model: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(model).unwrap().flatten() {
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

pub fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{file} holds no {from}");
    std::fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

fn entry(name: &str, folder: &Path) -> String {
    format!("[[embedders]]\nname = \"{name}\"\nkind = \"dir\"\npath = \"{}\"\nthreads = 2\n", folder.display())
}

fn open(entries: &str) -> Result<Embedders, String> {
    let raw: RawConfig = toml::from_str(entries).unwrap();
    Embedders::open(raw.resolve().unwrap().embedders).map_err(|error| error.to_string())
}

fn one(folder: &Path) -> Arc<dyn Embedder> {
    open(&entry("tiny", folder)).unwrap().find("tiny").unwrap().clone()
}

fn everyone() -> Value {
    json!({"viewers": ["user:*"]})
}

async fn found(service: &TestService, query: Value) -> Vec<String> {
    let answer = service.as_reader("user:ann").post("/v1/query", query).await.ok();
    assert_eq!(answer["warnings"], json!([]));
    let hits = answer["results"].as_array().unwrap();
    hits.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_finds_what_spelling_does_not_for_those_who_may_read() {
    let Some(model) = model() else { return };
    let service = TestService::start_with(tempfile::tempdir().unwrap(), open(&entry("tiny", &model)).unwrap()).await;
    let documents = vec![
        document("a/1", "the automobile", everyone()),
        document("a/2", "a physician", everyone()),
        document("a/3", "the vacation of a physician", everyone()),
        document("a/4", "a vehicle of the ship", json!({"viewers": ["user:eve"]})),
    ];
    service.admin().put_documents(documents).await;
    for (question, first) in [("car", "a/1"), ("doctor", "a/2"), ("holiday", "a/3")] {
        let query = json!({"query": question, "mode": "vector", "top_k": 1});
        assert_eq!(found(&service, query).await, [first], "{question}");
    }
    let hybrid = found(&service, json!({"query": "car", "top_k": 10})).await;
    assert!(hybrid[0] == "a/1" && !hybrid.contains(&"a/4".to_owned()), "{hybrid:?}");
    let collection = service.admin().get("/v1/collections/main").await.ok();
    let id = collection["embedder"].as_str().unwrap().to_owned();
    assert!(id.starts_with("dir:384:") && id.len() == 8 + 32 && collection["dimensions"] == 384, "{collection}");
    let ready = service.admin().get("/v1/health/ready").await.ok();
    let answering = json!({"name": "embedder:tiny", "status": "ok"});
    assert!(ready["components"].as_array().unwrap().contains(&answering), "{ready}");
    let metrics = reqwest::get(service.metrics_url()).await.unwrap().text().await.unwrap();
    assert!(metrics.contains(&format!("usher_embedder_info{{name=\"tiny\",id=\"{id}\"}} 1")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_never_depends_on_what_else_is_embedded() {
    let Some(model) = model() else { return };
    let embedder = one(&model);
    let texts: Vec<String> =
        ["a car", "the doctor is in the house", "", "unknown words only", "one two three rose lily"]
            .iter()
            .cycle()
            .take(40)
            .map(|text| (*text).to_owned())
            .collect();
    let bits = |rows: &[f32]| rows.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let mut alone = Vec::new();
    for text in &texts {
        let row = embedder.embed(std::slice::from_ref(text), Role::Query, &Payer::itself()).await.unwrap();
        let length: f32 = row.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5, "{text}");
        alone.extend(row);
    }
    let payer = Payer::itself();
    let together = (0..4).map(|_| embedder.embed(&texts, Role::Passage, &payer));
    for rows in futures::future::join_all(together).await {
        assert_eq!(bits(&rows.unwrap()), bits(&alone));
    }
    // Prefixes are put before both kinds of text, each its own.
    let folder = copy(&model);
    let manifest = "dimensions = 384\npooling = \"mean\"\nquery_prefix = \"two \"\npassage_prefix = \"three \"\n";
    std::fs::write(folder.path().join("embedder.toml"), manifest).unwrap();
    let prefixed = one(folder.path());
    for (role, text) in [(Role::Query, "two rose"), (Role::Passage, "three rose")] {
        let expected = embedder.embed(&[text.to_owned()], Role::Query, &Payer::itself()).await.unwrap();
        assert_eq!(bits(&prefixed.embed(&["rose".to_owned()], role, &Payer::itself()).await.unwrap()), bits(&expected));
    }
    let long = "one two three ".repeat(500);
    let cut = embedder.embed(&[long.clone(), format!("{long} rose")], Role::Passage, &Payer::itself()).await.unwrap();
    assert_eq!(bits(&cut[..384]), bits(&cut[384..]), "tokens beyond the limit are cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_refuses_other_files_and_follows_the_same_ones() {
    let Some(model) = model() else { return };
    let service = TestService::start_with(tempfile::tempdir().unwrap(), open(&entry("tiny", &model)).unwrap()).await;
    service.admin().put_documents(vec![document("a/1", "the automobile", everyone())]).await;
    let folder = service.stop().await;
    let changes = [
        ("embedder.toml", "\"mean\"", "\"cls\""),
        ("embedder.toml", "pooling", "max_tokens = 64\npooling"),
        ("embedder.toml", "pooling", "query_prefix = \"q \"\npooling"),
        ("tokenizer.json", "Lowercase", "NFC"),
    ];
    for (file, from, to) in changes {
        let other = copy(&model);
        change(other.path(), file, from, to);
        let config = crate::common::config(folder.path()).await;
        let Err(error) =
            serve::open(&config, open(&entry("tiny", other.path())).unwrap(), Metrics::new().unwrap()).await
        else {
            panic!("served with another {file}");
        };
        assert!(matches!(&error, ServeError::Embedder { collection, .. } if collection == "main"), "{error}");
        assert!(error.to_string().contains("`tiny` is `dir:384:"), "{error}");
    }
    let moved = copy(&model);
    let service = TestService::start_with(folder, open(&entry("renamed", moved.path())).unwrap()).await;
    assert_eq!(found(&service, json!({"query": "car", "mode": "vector"})).await, ["a/1"]);
}

#[test]
fn an_unusable_folder_is_refused_with_what_is_wrong() {
    let Some(model) = model() else { return };
    let cases: [(&str, &str, &str, &str); 8] = [
        ("embedder.toml", "dimensions = 384", "dimensions = 100", "384 dimensions where"),
        ("embedder.toml", "dimensions = 384", "", "dimensions"),
        ("embedder.toml", "dimensions = 384", "dimensions = 384\npoling = 1", "poling"),
        ("embedder.toml", "\"mean\"", "\"max\"", "pooling"),
        ("embedder.toml", "pooling", "model = \"../other/model.onnx\"\npooling", "within the folder"),
        ("embedder.toml", "pooling", "model = \"other.onnx\"\npooling", "other.onnx"),
        ("tokenizer_config.json", "pad_token", "other", "pad_token"),
        ("tokenizer.json", "WordLevel", "Other", "tokenizer.json"),
    ];
    for (file, from, to, named) in cases {
        let folder = copy(&model);
        change(folder.path(), file, from, to);
        let error = open(&entry("tiny", folder.path())).err().unwrap();
        assert!(error.contains("`tiny`") && error.contains(named), "{named}: {error}");
    }
    for file in ["model.onnx", "tokenizer.json", "config.json", "special_tokens_map.json", "embedder.toml"] {
        let folder = copy(&model);
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let error = open(&entry("tiny", folder.path())).err().unwrap();
        assert!(error.contains(&folder.path().join(file).display().to_string()), "{error}");
    }
    let folder = copy(&model);
    std::fs::write(folder.path().join("model.onnx"), b"no model").unwrap();
    assert!(open(&entry("tiny", folder.path())).err().unwrap().contains("no working model"));
    let twice = format!("{}{}", entry("a", &model), entry("b", &model));
    assert!(open(&twice).err().unwrap().contains("another name"));
}

/// Starts the program with a runtime of its own choice, and returns what it says before it ends.
fn start_with_runtime(model: &Path, runtime: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("usher.toml");
    std::fs::write(&config, entry("tiny", model)).unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_usher"))
        .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--config"])
        .arg(&config)
        .arg("--data")
        .arg(folder.path().join("data"))
        .env("ORT_DYLIB_PATH", runtime)
        .output()
        .unwrap();
    assert!(!ended.status.success());
    assert!(!folder.path().join("data").exists(), "nothing is made before the embedders are known to work");
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn a_missing_or_old_runtime_is_named_at_the_start() {
    let Some(model) = model() else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("old.c");
    let text = "static const char *version(void) { return \"1.20.1\"; }\n\
        static const void *api(unsigned n) { (void)n; return 0; }\n\
        static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };\n\
        const void *OrtGetApiBase(void) { return &base; }\n";
    std::fs::write(&source, text).unwrap();
    let old = folder.path().join("libold.so");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&old).arg(&source).status().unwrap();
    assert!(made.success());
    let missing = folder.path().join("none.so");
    for (runtime, cause) in [(&missing, "none.so"), (&source, "old.c"), (&old, "1.20.1")] {
        let said = start_with_runtime(&model, runtime);
        for named in ["`tiny`", "1.24", "ORT_DYLIB_PATH", cause] {
            assert!(said.contains(named), "{named}: {said}");
        }
    }
}

/// A hub that has one model, and counts what is fetched.
#[derive(Clone)]
pub struct StubHub {
    pub model: PathBuf,
    pub repository: &'static str,
    pub fetched: Arc<AtomicUsize>,
}

impl StubHub {
    /// Its address, and the task that serves it.
    pub async fn serve(&self) -> (String, tokio::task::JoinHandle<std::io::Result<()>>) {
        let router = Router::new().route("/{owner}/{repository}/resolve/{revision}/{*file}", get(resolve));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        (endpoint, tokio::spawn(axum::serve(listener, router.with_state(self.clone())).into_future()))
    }
}

async fn resolve(
    State(hub): State<StubHub>,
    axum::extract::Path((_, repository, revision, file)): axum::extract::Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> axum::response::Response {
    hub.fetched.fetch_add(1, Ordering::SeqCst);
    let name = file.rsplit('/').next().unwrap();
    let bytes = std::fs::read(hub.model.join(name)).ok().filter(|_| revision == "pinned");
    let Some(bytes) = bytes.filter(|_| repository == hub.repository) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (size, is_probe) = (bytes.len(), headers[header::RANGE] == "bytes=0-0");
    let body = if is_probe { bytes[..1].to_vec() } else { bytes };
    let headers = [
        ("x-repo-commit", "0123456789abcdef0123456789abcdef01234567".to_owned()),
        ("etag", format!("\"{}\"", blake3::hash(file.as_bytes()))),
        ("content-range", format!("bytes 0-{}/{size}", body.len() - 1)),
    ];
    (StatusCode::PARTIAL_CONTENT, headers, body).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_is_asked_once_and_its_model_is_known_by_its_files() {
    let Some(model) = model() else { return };
    let hub = StubHub { model, repository: "all-MiniLM-L6-v2-onnx", fetched: Arc::default() };
    let (endpoint, task) = hub.serve().await;
    let cache = tempfile::tempdir().unwrap();
    let open = async |model: &str, revision: &str| {
        let source = Source::Hub(Hub {
            model: model.to_owned(),
            revision: revision.to_owned(),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            endpoint: endpoint.clone(),
            cache: cache.path().to_owned(),
        });
        let settings = local::Settings { name: "far".to_owned(), source, threads: 1, runtime: None };
        let settings = vec![Settings::Local(settings).into()];
        tokio::task::spawn_blocking(|| Embedders::open(settings).map_err(|error| error.to_string())).await.unwrap()
    };
    let error = open("NoSuchModel", "pinned").await.err().unwrap();
    assert!(error.contains("NoSuchModel") && hub.fetched.load(Ordering::SeqCst) == 0, "{error}");
    let error = open("AllMiniLML6V2", "other").await.err().unwrap();
    assert!(error.contains("model.onnx") && error.contains("other") && error.contains(&endpoint), "{error}");
    let embedders = open("AllMiniLML6V2", "pinned").await.unwrap();
    let id = embedders.find("far").unwrap().id().to_owned();
    assert!(id.starts_with("hub:384:AllMiniLML6V2@"), "{id}");
    task.abort();
    let fetched = hub.fetched.load(Ordering::SeqCst);
    assert_eq!(open("AllMiniLML6V2", "pinned").await.unwrap().find("far").unwrap().id(), id);
    assert_eq!(hub.fetched.load(Ordering::SeqCst), fetched, "what is in the cache is not asked for again");
    let service = TestService::start_with(tempfile::tempdir().unwrap(), embedders).await;
    service.admin().put_documents(vec![document("a/1", "the automobile", everyone())]).await;
    assert_eq!(found(&service, json!({"query": "car", "mode": "vector"})).await, ["a/1"]);
}
