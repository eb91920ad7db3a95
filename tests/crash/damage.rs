//! Files of a stopped service are damaged: it mends what is derived, or refuses with a reason; it never answers wrongly.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check;
use crate::load::Load;
use crate::process::{Client, Process};
use crate::world::{rounds, seed};
use usher_support::Random;

/// Answers of a right service, by question.
type Answers = BTreeMap<String, Value>;

#[tokio::test(flavor = "multi_thread")]
async fn damaged_vectors_are_mended() {
    damage("vectors", &["f32", "i8", "bit", "format"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_keywords_are_rebuilt() {
    damage("keywords", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_catalog_is_refused() {
    damage("catalog.db", &[]).await;
}

async fn damage(part: &str, kinds: &[&str]) {
    let (seed, rounds) = (seed(), rounds(30, 400));
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let mut load = Load::new(seed);
    let process = Process::start(&original).await.unwrap();
    load = load.run(&process.client, Duration::from_secs(1)).await;
    check::all(&process.client, &mut load).await.assert_right("before any damage");
    let right = answers(&process.client, &load).await;
    process.stop().await;

    let mut random = Random::new(seed);
    let files = files(&original, part, kinds);
    assert!(!files.is_empty());
    let (mut refused, mut mended, mut wrong) = (0, 0, Vec::new());
    for round in 0..rounds {
        let copy = folder.path().join(format!("copy{round}"));
        copy_folder(&original, &copy);
        let file = &files[random.below(files.len() as u64) as usize];
        let what = harm(&copy.join(file.strip_prefix(&original).unwrap()), &mut random);
        match Process::start(&copy).await {
            Err(error) => {
                assert!(!error.reason().is_empty());
                refused += 1;
            }
            Ok(process) => match differences(&process.client, &load, &right).await {
                None => mended += 1,
                Some(difference) => wrong.push(format!("{} ({what}): {difference}", file.display())),
            },
        }
        std::fs::remove_dir_all(&copy).unwrap();
    }
    println!(
        "{part}: damaged {rounds} times (seed {seed}), right afterwards {mended}, refused to start {refused}, silently \
         wrong {}",
        wrong.len()
    );
    assert!(wrong.is_empty(), "silently wrong: {wrong:#?}");
    if part != "catalog.db" {
        assert!(mended > rounds / 2, "what is derived is rebuilt");
    }
}

/// Files below `original` that belong to the part, of these kinds if any are named.
fn files(original: &Path, part: &str, kinds: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![original.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let is_part = path.components().any(|component| component.as_os_str() == part);
            let is_kind = kinds.is_empty() || kinds.iter().any(|kind| path.to_string_lossy().ends_with(kind));
            if is_part && is_kind && !path.ends_with("lock") && std::fs::metadata(&path).unwrap().len() > 0 {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Mostly one flipped bit; sometimes a torn or a missing file.
fn harm(path: &Path, random: &mut Random) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    match random.below(10) {
        0 => {
            std::fs::remove_file(path).unwrap();
            "removed".to_owned()
        }
        1 => {
            let length = random.below(bytes.len() as u64);
            bytes.truncate(length as usize);
            std::fs::write(path, bytes).unwrap();
            format!("cut to {length} bytes")
        }
        _ => {
            // Files have unused room at their end; most of the damage goes where something is.
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or_default() + 1;
            let (at, bit) = (random.below(used as u64) as usize, random.below(8));
            bytes[at] ^= 1 << bit;
            std::fs::write(path, bytes).unwrap();
            format!("bit {bit} of byte {at}")
        }
    }
}

/// What differs from the right answers, once the indexes have caught up. An error is no wrong answer.
async fn differences(client: &Client, load: &Load, right: &Answers) -> Option<String> {
    let begun = Instant::now();
    loop {
        let found = answers(client, load).await;
        let wrong = right.iter().find(|(question, answer)| {
            let found = &found[*question];
            found != *answer && !found["error"].is_u64()
        });
        let (question, answer) = wrong?;
        if begun.elapsed() > Duration::from_secs(10) {
            return Some(format!("{question}: {} instead of {answer}", found[question]));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Documents, both legs and tuples, for several readers. Parts that differ from time to time are left out.
async fn answers(client: &Client, load: &Load) -> Answers {
    let mut answers = Answers::new();
    for share in &load.shares {
        let marker =
            share.documents.values().find_map(|document| *document.now.newest()?).map(|version| version.marker());
        for reader in share.people().into_iter().take(2).chain(marker) {
            let client = client.as_subject(&reader);
            for id in share.documents.keys() {
                let reply = client.document(id).await;
                let mut body = if reply.status >= 500 { json!({"error": reply.status}) } else { reply.body };
                for name in ["revision", "instance"] {
                    body.as_object_mut().map(|body| body.remove(name));
                }
                answers.insert(format!("{reader} reads {id}"), body);
            }
            for leg in ["keyword", "vector"] {
                let reply = client.query("operation about orchids", leg).await;
                let hits = if reply.is_ok() { reply.body["results"].clone() } else { json!({"error": reply.status}) };
                answers.insert(format!("{reader} asks by {leg}"), hits);
            }
        }
    }
    let reply = client.post("/v1/relationships/read", json!({"limit": 1000})).await;
    let tuples = if reply.is_ok() { reply.body["tuples"].clone() } else { json!({"error": reply.status}) };
    answers.insert("tuples".to_owned(), tuples);
    answers
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
