//! Rerankers in the ONNX format: what they do to an answer, that nobody's passages touch anybody else's, and what is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher::config::RawConfig;
use usher::embed::Failure;
use usher::embed::local::{self, Hub, Source};
use usher::embed::rerank::{Place, Reranker, Settings};
use usher::limits::Payer;

use crate::common::{TestService, document};
use crate::onnx::{StubHub, change, copy, model};

/// The tiny cross-encoder's folder, beside the tiny embedder's.
fn reranker() -> Option<PathBuf> {
    let reranker = model()?.with_file_name("reranker");
    if !reranker.exists() {
        usher_support::skipped("onnx", "no reranker beside the model (scripts/onnx.sh makes it)");
        return None;
    }
    Some(reranker)
}

fn settings(source: Source, threads: usize) -> Settings {
    let local = local::Settings { name: "reranker".to_owned(), source, threads, runtime: None };
    Settings { place: Place::Here(local), depth: 30, timeout: Duration::from_secs(60), answers_from: 0.5 }
}

fn open(folder: &Path, threads: usize) -> Result<Reranker, String> {
    Reranker::open(settings(Source::Dir { path: folder.to_owned() }, threads)).map_err(|error| error.to_string())
}

fn payer(subject: &str) -> Payer {
    Payer { credential: "chat".to_owned(), subject: Some(subject.to_owned()) }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_model_here_orders_what_the_reader_may_read() {
    let Some(folder) = reranker() else { return };
    let table =
        format!("[reranker]\nkind = \"dir\"\npath = \"{}\"\nthreads = 2\ntimeout_ms = 30000\n", folder.display());
    let raw: RawConfig = toml::from_str(&table).unwrap();
    let service = TestService::start_raw(RawConfig { deadline_ms: Some(30_000), ..raw }).await;
    let everyone = || json!({"viewers": ["user:*"]});
    let documents = vec![
        document("a/1", "the rose and the lily", everyone()),
        document("a/2", "a physician", everyone()),
        document("a/3", "an automobile of the doctor", everyone()),
        document("a/4", "the automobile", json!({"viewers": ["user:eve"]})),
    ];
    service.admin().put_documents(documents).await;
    let ask = json!({"query": "car", "mode": "vector"});
    let answer = service.as_reader("user:ann").post("/v1/query", ask).await.ok();
    let hits = answer["results"].as_array().unwrap();
    let ids: Vec<&str> = hits.iter().map(|hit| hit["document_id"].as_str().unwrap()).collect();
    assert!(ids[0] == "a/3" && ids.len() == 3, "{answer}");
    assert_eq!((&answer["warnings"], &answer["answerable"]), (&json!([]), &json!(true)));
    let scores: Vec<f64> = hits.iter().map(|hit| hit["rerank_score"].as_f64().unwrap()).collect();
    assert!(scores[0] > 0.5 && scores[1] < 0.5, "{scores:?}");
    assert!(hits.iter().all(|hit| hit["relevance"] == hit["rerank_score"]));
    let ready = service.admin().get("/v1/health/ready").await.ok();
    let reranker = json!({"name": "reranker", "status": "ok"});
    assert!(ready["components"].as_array().unwrap().contains(&reranker), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_never_depends_on_what_is_read_beside_it() {
    let Some(folder) = reranker() else { return };
    let reranker = open(&folder, 3).unwrap();
    let texts =
        ["the automobile", "a physician is in the house", "", "unknown words only", "one two three rose lily car"];
    let passages: Vec<String> = texts.iter().cycle().take(30).map(|text| (*text).to_owned()).collect();
    let mut alone = Vec::new();
    for passage in &passages {
        alone.extend(reranker.scores("a car", std::slice::from_ref(passage), &payer("user:ann"), LONG).await.unwrap());
    }
    assert!(alone.iter().all(|score| (0.0..=1.0).contains(score)) && alone[0] > alone[1]);
    let (ann, bob) = (payer("user:ann"), payer("user:bob"));
    let together = [&ann, &bob, &ann].map(|payer| reranker.scores("a car", &passages, payer, LONG));
    for scores in futures::future::join_all(together).await {
        let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&scores.unwrap()), bits(&alone));
    }
    // The logistic function of the logit, which the tiny model makes of a cosine of 1 as 8 - 3.
    let same = reranker.scores("rose", &["rose".to_owned()], &ann, LONG).await.unwrap();
    assert!((same[0] - 1.0 / (1.0 + (-5.0_f64).exp())).abs() < 1e-3, "{same:?}");
    assert_eq!(reranker.scores("car", &[], &ann, LONG).await.unwrap(), Vec::<f64>::new());
}

/// Whoever asks about much lets others in between, and what is late is not begun.
#[tokio::test(flavor = "multi_thread")]
async fn others_have_their_turn_and_what_is_late_is_not_begun() {
    let Some(folder) = reranker() else { return };
    let reranker = open(&folder, 1).unwrap();
    let many: Vec<String> = (0..20_000).map(|n| format!("the automobile {n}")).collect();
    let one = ["the automobile".to_owned()];
    let (ann, bob) = (payer("user:ann"), payer("user:bob"));
    let long = reranker.scores("car", &many, &ann, LONG);
    let short = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        reranker.scores("car", &one, &bob, LONG).await.unwrap()
    };
    tokio::select! {
        biased;
        _ = long => panic!("twenty thousand passages were read before one"),
        scores = short => assert!(scores[0] > 0.5),
    }
    let begin = Instant::now();
    let late = reranker.scores("car", &many, &ann, Duration::from_millis(50)).await;
    assert!(matches!(late, Err(Failure::Slow { .. })));
    assert!(!reranker.is_answering());
    reranker.scores("car", &one, &ann, LONG).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(reranker.is_answering());
}

#[test]
fn an_unusable_folder_is_refused_with_what_is_wrong() {
    let Some(reranker) = reranker() else { return };
    let cases: [(&str, &str, &str, &str); 7] = [
        ("reranker.toml", "max_tokens = 128", "max_tokens = 0", "max_tokens"),
        ("reranker.toml", "max_tokens = 128", "max_token = 128", "max_token"),
        ("reranker.toml", "max_tokens = 128", "model = \"../model.onnx\"", "within the folder"),
        ("reranker.toml", "max_tokens = 128", "model = \"other.onnx\"", "other.onnx"),
        ("config.json", "\"0\": \"LABEL_0\"", "\"0\": \"no\", \"1\": \"yes\"", "num_labels"),
        ("config.json", "id2label", "other", "num_labels"),
        ("tokenizer.json", "WordLevel", "Other", "tokenizer.json"),
    ];
    for (file, from, to, named) in cases {
        let folder = copy(&reranker);
        change(folder.path(), file, from, to);
        let error = open(folder.path(), 1).err().unwrap();
        assert!(error.contains(named), "{named}: {error}");
    }
    let said = copy(&reranker);
    change(said.path(), "config.json", "\"id2label\": {\n  \"0\": \"LABEL_0\"\n }", "\"num_labels\": 1");
    open(said.path(), 1).unwrap();
    for file in ["model.onnx", "reranker.toml", "special_tokens_map.json"] {
        let folder = copy(&reranker);
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let error = open(folder.path(), 1).err().unwrap();
        assert!(error.contains(file), "{error}");
    }
    // An embedder gives no logits.
    let folder = copy(&reranker);
    std::fs::copy(model().unwrap().join("model.onnx"), folder.path().join("model.onnx")).unwrap();
    assert!(open(folder.path(), 1).err().unwrap().contains("no working model"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reranker_of_a_hub_is_fetched_once() {
    let Some(model) = reranker() else { return };
    let hub = StubHub { model, repository: "bge-reranker-base", fetched: Arc::new(AtomicUsize::new(0)) };
    let (endpoint, task) = hub.serve().await;
    let cache = tempfile::tempdir().unwrap();
    let open = async |model: &str| {
        let source = Source::Hub(Hub {
            model: model.to_owned(),
            revision: "pinned".to_owned(),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            endpoint: endpoint.clone(),
            cache: cache.path().to_owned(),
        });
        let settings = settings(source, 1);
        tokio::task::spawn_blocking(|| Reranker::open(settings).map_err(|error| error.to_string())).await.unwrap()
    };
    let error = open("AllMiniLML6V2").await.err().unwrap();
    assert!(error.contains("rerankers, such as"), "{error}");
    let first = open("BAAI/bge-reranker-base").await.unwrap();
    task.abort();
    let again = open("BAAI/bge-reranker-base").await.unwrap();
    let passages: Vec<String> = ["the automobile", "a physician"].map(str::to_owned).into();
    let scores = first.scores("car", &passages, &payer("user:ann"), LONG).await.unwrap();
    assert_eq!(scores, again.scores("car", &passages, &payer("user:ann"), LONG).await.unwrap());
    assert!(scores[0] > scores[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_late_is_skipped_openly() {
    let Some(folder) = reranker() else { return };
    let table = format!("[reranker]\nkind = \"dir\"\npath = \"{}\"\nthreads = 1\ntimeout_ms = 1\n", folder.display());
    let service = TestService::start_raw(toml::from_str(&table).unwrap()).await;
    let text: Value = json!("the automobile ".repeat(60));
    let of = |n: usize| document(&format!("a/{n}"), text.as_str().unwrap(), json!({"viewers": ["user:*"]}));
    service.admin().put_documents((0..100).map(of).collect()).await;
    let ask = json!({"query": "automobile", "top_k": 100});
    let answer = service.as_reader("user:ann").post("/v1/query", ask).await.ok();
    assert_eq!((&answer["warnings"], &answer["complete"]), (&json!(["reranker_unavailable"]), &json!(true)));
    assert!(answer["results"][0].get("rerank_score").is_none());
}

#[test]
fn reading_passages_together_is_noticed() {
    if reranker().is_some() {
        let test = "onnx_reranker::a_score_never_depends_on_what_is_read_beside_it";
        crate::common::mutants::must_be_caught(&[("passages_are_read_together", test)]);
    }
}
