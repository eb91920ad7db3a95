//! `usher eval` as it is run: on a folder in BEIR's format, and on questions per reader.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::{TestService, document};

async fn eval(service: &TestService, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    let key = service.folder.path().join("admin.key");
    command.arg("eval").args(arguments).args(["--server", service.base(), "--key-file"]).arg(key);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(folder: &Path, name: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.join(name), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_loaded_asked_and_compared() {
    let service = TestService::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("Small");
    std::fs::create_dir_all(folder.join("qrels")).unwrap();
    write(
        &folder,
        "corpus.jsonl",
        &[
            json!({"_id": "1", "title": "Gentians", "text": "A blue flower of the mountains."}),
            json!({"_id": "2", "title": "", "text": "Foxes live in dens."}),
            json!({"_id": "3", "title": "Only a title", "text": ""}),
        ],
    );
    let queries = [json!({"_id": "a", "text": "blue flower"}), json!({"_id": "b", "text": "foxes"})];
    write(&folder, "queries.jsonl", &queries);
    std::fs::write(folder.join("qrels/test.tsv"), "query-id\tcorpus-id\tscore\na\t1\t2\nb\t1\t1\nb\t3\t0\n").unwrap();
    let (path, json) = (folder.to_str().unwrap().to_owned(), scratch.path().join("out.json"));
    let json = json.to_str().unwrap();
    let first = eval(&service, &[&path, "--modes", "keyword", "--json", json]).await;
    assert!(first.status.success(), "{}", said(&first.stderr));
    // Of two questions one finds its document first, the other never.
    let table = said(&first.stdout);
    assert!(table.contains("small: 2 questions") && table.contains("| keyword | 0.5000 (0.000 to 1.000)"), "{table}");
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(report["legs"]["keyword"]["answers"][0]["values"]["mrr"], 1.0);
    // What is there already is no obstacle, and the same settings give the same answers.
    let again = eval(&service, &[&path, "--modes", "keyword", "--against", json, "--floor", "keyword.mrr=0.5"]).await;
    assert!(again.status.success(), "{}", said(&again.stderr));
    assert!(said(&again.stdout).contains("| keyword | +0.0000 (+0.000 to +0.000)"), "{}", said(&again.stdout));
    // Nor what has the folder's name as its source.
    let everyone = json!({"viewers": ["user:ann"]});
    service.admin().put_documents(vec![document("small/1", "The minutes of the board.", everyone)]).await;
    let beside = eval(&service, &[&path, "--modes", "keyword", "--collection", "main", "--against", json]).await;
    assert!(beside.status.success(), "{}", said(&beside.stderr));
    let kept = service
        .as_reader("user:ann")
        .post("/v1/query", json!({"query": "minutes", "collections": ["main"]}))
        .await
        .ok();
    assert_eq!(kept["results"][0]["document_id"], "small/1", "{kept}");
    let elsewhere = eval(&service, &[&path, "--collection", "../keys"]).await;
    assert!(!elsewhere.status.success() && said(&elsewhere.stderr).contains("no name of a collection"));
    // Whatever the collection is called.
    let other = eval(&service, &[&path, "--modes", "keyword", "--collection", "other", "--against", json]).await;
    assert!(said(&other.stdout).contains("| keyword | +0.0000 (+0.000 to +0.000)"), "{}", said(&other.stdout));
    for (arguments, reason) in [
        (vec!["--floor", "keyword.mrr=0.6"], "mrr of keyword is 0.5000, and must be 0.6 or more"),
        (vec!["--floor", "vector.mrr=0.1"], "`vector` was not asked"),
        (vec!["--floor", "keyword.map=0.1"], "there is no measure `map`"),
        (vec!["--query", "{\"top_k\": 1000}"], "/top_k"),
    ] {
        let refused = eval(&service, &[&[path.as_str(), "--modes", "keyword"], arguments.as_slice()].concat()).await;
        assert!(!refused.status.success() && said(&refused.stderr).contains(reason), "{}", said(&refused.stderr));
    }
    std::fs::write(folder.join("qrels/test.tsv"), "query-id\tcorpus-id\tscore\na\t1\n").unwrap();
    let refused = eval(&service, &[&path]).await;
    assert!(said(&refused.stderr).contains("test.tsv, line 2"), "{}", said(&refused.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_per_reader_count_what_a_reader_may_read_and_what_leaks() {
    let service = TestService::start().await;
    let admin = service.admin();
    let texts = [
        ("d/open", "Lunch is at **noon**.", json!(["user:ann", "user:bob"])),
        ("d/shut", "Lunch is paid by the firm.", json!(["user:ann"])),
    ];
    admin
        .put_documents(texts.map(|(id, text, viewers)| document(id, text, json!({"viewers": viewers}))).to_vec())
        .await;
    let scratch = tempfile::tempdir().unwrap();
    let quote = |document: &str, quote: &str| json!({"document": document, "quote": quote});
    let (open, shut) = (quote("d/open", "is at noon"), quote("d/shut", "paid by the firm"));
    let question = |ann: Value| {
        json!({"id": "q", "question": "When is lunch?", "split": "held",
               "readers": {"user:ann": ann, "user:bob": [open], "user:carl": []}})
    };
    let file = scratch.path().join("questions.jsonl");
    let path = file.to_str().unwrap();
    let ask = [path, "--collection", "main", "--modes", "keyword", "--half", "held"];
    write(scratch.path(), "questions.jsonl", &[question(json!([open, shut]))]);
    let right = eval(&service, &ask).await;
    let table = said(&right.stdout);
    assert!(right.status.success() && table.contains("main: 2 questions"), "{table}{}", said(&right.stderr));
    assert!(table.contains("| 1.0000 (1.000 to 1.000) | 0 |"), "{table}");
    // The file says that she may not read what she reads: that is what a leak looks like.
    write(scratch.path(), "questions.jsonl", &[question(json!([shut]))]);
    let leaking = eval(&service, &ask).await;
    assert!(!leaking.status.success() && said(&leaking.stderr).contains("1 passages were returned"), "{leaking:?}");
    let none = eval(&service, &[path, "--collection", "main", "--half", "tune"]).await;
    assert!(said(&none.stderr).contains("no questions of that half"), "{none:?}");
}
