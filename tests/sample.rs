//! The way of a new user: `scripts/run.sh` (what `make run` calls) loads the sample company; the commands of the README
//! and of the documents work; the questions find what they should, per reader, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use usher_support::free_port;

#[path = "sample/commands.rs"]
mod commands;
mod common;

/// A running sample; its process group ends with it.
struct Sample {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
    admin_port: u16,
    printed: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn binaries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_usher")).parent().unwrap().to_owned()
}

impl Sample {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, admin_port) = (free_port(), free_port());
        let mut process = Command::new(root().join("scripts/run.sh"))
            .env("BIN", binaries())
            .env("USHER_RUN", folder.path().join("run"))
            .env("PORT", port.to_string())
            .env("ADMIN_PORT", admin_port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            printed.push_str(&line);
            printed.push('\n');
            if line.starts_with("The admin key") {
                break;
            }
        }
        assert!(printed.contains(" Ready. Ask"), "{printed}");
        Self { process, folder, port, admin_port, printed }
    }

    /// Runs a shell script of the README in the repository's folder, with this sample's places.
    fn shell(&self, script: &str) -> std::process::Output {
        let run = self.folder.path().join("run");
        let script = script
            .replace(".run/", &format!("{}/", run.display()))
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.port))
            .replace("127.0.0.1:8081", &format!("127.0.0.1:{}", self.admin_port))
            .replace("target/debug/", &format!("{}/", binaries().display()));
        let url = format!("http://127.0.0.1:{}", self.port);
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(root())
            .env("USHER_URL", &url)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn query(&self, reader: &str, body: &Value) -> Value {
        let command = format!(
            "curl -sf http://127.0.0.1:8080/v1/query -H \"Authorization: Bearer $(cat .run/data/admin.key)\" \
             -H 'Usher-Subject: {reader}' -H 'Content-Type: application/json' -d @- <<'JSON'\n{body}\nJSON"
        );
        let output = self.shell(&command);
        assert!(output.status.success(), "{body}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

#[test]
fn a_new_user_gets_through_the_readme() {
    let sample = Sample::start();
    let curls: Vec<&str> = sample.printed.lines().filter(|line| line.starts_with("curl")).collect();
    assert!(curls.len() >= 3, "{}", sample.printed);
    // The README names the number.
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let created = sample.printed.split_once(" created;").unwrap().0.rsplit_once("done: ").unwrap().1;
    assert!(readme.contains(&format!("({created} documents,")), "{created} documents are loaded");
    let mut answers = Vec::new();
    for curl in curls {
        let output = sample.shell(curl);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let ids: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|hit| &hit["chunk_id"]).collect();
        assert!(!ids.is_empty(), "{curl}");
        answers.push(format!("{ids:?}"));
    }
    answers.dedup();
    assert!(answers.len() >= 2, "different people get different passages");
    let blocks = commands::blocks("README.md");
    assert!(blocks.len() >= 4);
    let mut outputs = Vec::new();
    for block in &blocks {
        let output = sample.shell(block);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{block}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
        outputs.push(text);
    }
    let before_and_after: Vec<Value> =
        serde_json::Deserializer::from_str(&outputs[0]).into_iter::<Value>().map(Result::unwrap).collect();
    let finds =
        |answer: &Value| answer["results"].to_string().contains("skerryvane/handbook/policies/how-pay-works.md");
    assert!(finds(&before_and_after[1]), "{}", outputs[0]);
    assert!(!finds(&before_and_after[3]), "the revocation binds: {}", outputs[0]);
    assert!(outputs[1].contains("canteen opens at eight"), "{}", outputs[1]);
    is_the_shown_error(&blocks, &outputs);
    let ran = commands::of_documents(&sample);
    assert!(ran >= 5, "{ran}");
    quality(&sample);
}

/// The error that the README shows is the one that its command gets, but for the request's name.
fn is_the_shown_error(blocks: &[String], outputs: &[String]) {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let shown = readme.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let at = blocks.iter().position(|block| block.contains("\"top_k\": 500")).unwrap();
    let [shown, got] = [shown, &outputs[at]].map(|text| {
        let mut problem: Value = serde_json::from_str(text).unwrap();
        let instance = problem["instance"].take();
        assert!(instance.as_str().unwrap().starts_with("urn:usher:request:"), "{text}");
        problem
    });
    assert_eq!(got, shown);
}

#[test]
fn the_examples_of_configuration_are_understood() {
    let documents = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let (mut count, mut wrong) = (0, Vec::new());
    for document in documents.chain([root().join("README.md")]).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&document).unwrap();
        let parts: Vec<&str> = text.split("```toml\n").collect();
        for pair in parts.windows(2) {
            // A file of another kind.
            if ["`embedder.toml`:", "`reranker.toml`:"].iter().any(|end| pair[0].trim_end().ends_with(end)) {
                continue;
            }
            let block = pair[1].split("\n```").next().unwrap();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), block).unwrap();
            count += 1;
            if let Err(error) = usher::config::RawConfig::from_file(file.path()) {
                wrong.push(format!("{}: {error:#}\n{block}", document.display()));
            }
        }
    }
    assert!(count >= 5, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Question {
    text: String,
    held: bool,
    /// (reader, [(document, quote)])
    readers: Vec<(String, Vec<(String, String)>)>,
}

fn questions() -> Vec<Question> {
    let text = std::fs::read_to_string(root().join("deploy/sample/questions.jsonl")).unwrap();
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let quotes = |list: &Value| {
                let pair = |item: &Value| {
                    (item["document"].as_str().unwrap().to_owned(), plain(item["quote"].as_str().unwrap()))
                };
                list.as_array().unwrap().iter().map(pair).collect()
            };
            let readers = value["readers"].as_object().unwrap();
            Question {
                text: value["question"].as_str().unwrap().to_owned(),
                held: value["split"] == "held",
                readers: readers.iter().map(|(reader, list)| (reader.clone(), quotes(list))).collect(),
            }
        })
        .collect()
}

/// Text as it compares: white space and markup of emphasis don't count.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '*' | '_' | '`'))
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// nDCG@10 per leg on both halves of the questions; a quote that a reader may not have is a failure.
fn quality(sample: &Sample) {
    let questions = questions();
    assert!(questions.len() >= 60);
    let mut sums: BTreeMap<(bool, &str), (f64, usize)> = BTreeMap::new();
    let mut leaks = Vec::new();
    for question in &questions {
        let all: Vec<&(String, String)> = question.readers.iter().flat_map(|(_, quotes)| quotes).collect();
        for (reader, quotes) in &question.readers {
            for mode in ["hybrid", "vector", "keyword"] {
                let answer = sample.query(reader, &json!({"query": question.text, "top_k": 10, "mode": mode}));
                let hits: Vec<(String, String)> = answer["results"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|hit| {
                        let text = |field: &str| hit[field].as_str().unwrap().to_owned();
                        (text("document_id"), plain(&text("text")))
                    })
                    .collect();
                let holds =
                    |hit: &(String, String), quote: &(String, String)| hit.0 == quote.0 && hit.1.contains(&quote.1);
                for quote in all.iter().filter(|quote| !quotes.contains(quote)) {
                    if hits.iter().any(|hit| holds(hit, quote)) && !quotes.iter().any(|own| own.0 == quote.0) {
                        leaks.push(format!("{reader} got {} ({})", quote.0, question.text));
                    }
                }
                if quotes.is_empty() {
                    continue;
                }
                let gain = |place: usize| 1.0 / ((place + 2) as f64).log2();
                let found = |quote: &(String, String)| hits.iter().position(|hit| holds(hit, quote));
                let dcg: f64 = quotes.iter().filter_map(found).map(gain).sum();
                let ideal: f64 = (0..quotes.len().min(10)).map(gain).sum();
                let (sum, count) = sums.entry((question.held, mode)).or_default();
                *sum += (dcg / ideal).min(1.0);
                *count += 1;
            }
        }
    }
    for ((held, mode), (sum, count)) in &sums {
        let half = if *held { "held" } else { "tune" };
        println!("sample, {half}, {mode}: nDCG@10 {:.3} over {count} readings", sum / *count as f64);
    }
    assert!(leaks.is_empty(), "quotes that the question file denies to a reader were returned:\n{}", leaks.join("\n"));
    let mean = |mode: &str| {
        let of: Vec<_> = sums.iter().filter(|((_, m), _)| *m == mode).map(|(_, value)| value).collect();
        of.iter().map(|(sum, _)| sum).sum::<f64>() / of.iter().map(|(_, count)| count).sum::<usize>().max(1) as f64
    };
    assert!(mean("hybrid") > 0.4, "the sample's questions are answered: {:.3}", mean("hybrid"));
}
