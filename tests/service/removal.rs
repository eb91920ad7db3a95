//! What removing leaves behind: no vectors, a short log, and indexes that can still be rebuilt.

use std::time::{Duration, Instant};

use serde_json::json;
use usher::config::RawConfig;
use usher::index::VectorStore;

use crate::common::{TestService, document};

/// Whether the vector of a chunk is zero, by its number.
fn is_erased(service: &TestService, chunk: u32) -> bool {
    let inner = service.service();
    let pair = inner.published.load().collection("main").unwrap().pair();
    let row = inner.indexes.get(pair).unwrap().local().unwrap().vectors.row(chunk).unwrap();
    row.iter().all(|value| *value == 0.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_removed_and_replaced_versions_are_erased() {
    let raw = RawConfig { deadline_ms: Some(500), max_deadline_ms: Some(500), ..RawConfig::default() };
    let service = TestService::start_raw(raw).await;
    let admin = service.admin();
    let everyone = json!({"viewers": ["user:*"]});
    let texts = ["a lily", "a rose", "a tulip"];
    let documents = texts.iter().zip(0..).map(|(text, n)| document(&format!("a/{n}"), text, everyone.clone()));
    admin.put_documents(documents.collect()).await;
    assert!((0..3).all(|chunk| !is_erased(&service, chunk)));
    admin.delete("/v1/documents/a%2F0?collection=main").await.ok();
    admin.put_documents(vec![document("a/1", "another rose", everyone)]).await;
    let begin = Instant::now();
    while !(is_erased(&service, 0) && is_erased(&service, 1)) {
        assert!(begin.elapsed() < Duration::from_secs(30), "vectors of removed chunks are still there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!is_erased(&service, 2) && !is_erased(&service, 3));
    let ann = service.as_reader("user:ann");
    let answer = ann.post("/v1/query", json!({"query": "a rose", "mode": "vector", "top_k": 5})).await.ok();
    let found: Vec<_> = answer["results"].as_array().unwrap().iter().map(|hit| &hit["document_id"]).collect();
    assert_eq!(found, ["a/1", "a/2"]);

    // What a stop prevented is done at the next start.
    admin.delete("/v1/documents/a%2F2?collection=main").await.ok();
    let service = service.restart().await;
    assert!(is_erased(&service, 2) && !is_erased(&service, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operation_log_is_cut_and_lost_indexes_are_filled_without_it() {
    let service = TestService::start().await;
    let admin = service.admin();
    let put = async |range: std::ops::Range<u32>, word: &str| {
        let documents =
            range.map(|n| document(&format!("l/{n}"), &format!("{word} number{n}"), json!({"viewers": ["user:ann"]})));
        admin.put_documents(documents.collect()).await;
    };
    for start in (0..600).step_by(100) {
        put(start..start + 100, "lupin").await;
    }
    put(0..50, "poppy").await;
    for n in 50..60 {
        admin.delete(&format!("/v1/documents/l%2F{n}?collection=main")).await.ok();
    }
    let (kept, last) = {
        let inner = service.service();
        let collection = inner.published.load().collection("main").unwrap().clone();
        let mut tx = inner.catalog.read().await.unwrap();
        let rows = inner.catalog.operations(&mut tx, collection.id, 0, 10_000).await.unwrap();
        (rows.len(), rows.last().unwrap().sequence)
    };
    assert!(last >= 710 && kept < 500, "{kept} of {last} operations are kept");
    let ask = async |service: &TestService, question: &str| {
        let query = json!({"query": question, "mode": "keyword", "top_k": 100});
        let answer = service.as_reader("user:ann").post("/v1/query", query).await.ok();
        let mut ids: Vec<String> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["document_id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let questions = ["poppy", "lupin number7", "number55", "number599"];
    let mut expected = Vec::new();
    for question in questions {
        expected.push(ask(&service, question).await);
    }
    assert_eq!(
        (expected[0].len(), expected[2].len(), expected[3].as_slice()),
        (50, 0, ["l/599".to_owned()].as_slice())
    );

    let folder = service.stop().await;
    let indexes = folder.path().join("indexes");
    let collection = std::fs::read_dir(&indexes).unwrap().flatten().next().unwrap().path();
    std::fs::remove_dir_all(collection.join("keywords")).unwrap();
    let service = TestService::start_in(folder).await;
    let begin = Instant::now();
    for (question, expected) in questions.iter().zip(&expected) {
        while ask(&service, question).await != *expected {
            assert!(begin.elapsed() < Duration::from_secs(30), "{question} is not answered as before");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    service.admin().put_documents(vec![document("l/new", "poppy again", json!({"viewers": ["user:ann"]}))]).await;
    assert_eq!(ask(&service, "poppy").await.len(), 51);
    let service = service.restart().await;
    assert_eq!(ask(&service, "poppy").await.len(), 51, "the filled index remembers its place");
}

/// A clause goes with the last rule that names it, and what it names with it; one that was changed by hand stays.
#[tokio::test(flavor = "multi_thread")]
async fn clauses_that_nothing_names_are_removed() {
    let service = TestService::start().await;
    let admin = service.admin();
    let clauses = async || {
        let read = admin.post("/v1/relationships/read", json!({"object": "clause:", "limit": 1000})).await.ok();
        let tuples = read["tuples"].as_array().unwrap().clone();
        let names: std::collections::BTreeSet<_> =
            tuples.iter().map(|tuple| tuple["object"].as_str().unwrap().to_owned()).collect();
        names.len()
    };
    let three = json!({"all_of": [["group:a#member"], ["group:b#member", "user:x"], ["group:c#member"]]});
    let two = json!({"all_of": [["group:a#member"], ["group:b#member"]]});
    let put = async |id: &str, rules: &serde_json::Value| {
        admin.put_documents(vec![document(id, "text", rules.clone())]).await;
    };
    put("a/1", &three).await;
    put("a/2", &three).await;
    put("a/3", &two).await;
    assert_eq!(clauses().await, 3);
    // The rules of one change, and of another once more.
    put("a/1", &json!({"viewers": ["user:bob"]})).await;
    put("a/2", &three).await;
    assert_eq!(clauses().await, 3, "still named");
    admin.put("/v1/documents/a%2F2/acl?collection=main", json!({"acl": two})).await.ok();
    assert_eq!(clauses().await, 1, "the outer one, and the inner one that it named");
    admin.delete("/v1/documents/a%2F2?collection=main").await.ok();
    assert_eq!(clauses().await, 1);
    // A clause that a section names, in a document that goes.
    admin.delete("/v1/documents/a%2F3?collection=main").await.ok();
    assert_eq!(clauses().await, 0);
    // One that an administrator has added to is not the rule's any more.
    put("a/4", &two).await;
    let read = admin.post("/v1/relationships/read", json!({"object": "clause:", "limit": 1000})).await.ok();
    let clause = read["tuples"][0]["object"].as_str().unwrap().to_owned();
    admin.write(json!([crate::common::tuple("user:zoe", "a", &clause)]), json!([])).await;
    admin.delete("/v1/documents/a%2F4?collection=main").await.ok();
    assert_eq!(clauses().await, 1);
    // And it is right when it is named again.
    put("a/5", &two).await;
    admin
        .write(
            json!([
                crate::common::tuple("user:ann", "member", "group:a"),
                crate::common::tuple("user:ann", "member", "group:b")
            ]),
            json!([]),
        )
        .await;
    assert_eq!(service.as_reader("user:ann").ask("text").await, ["a/5"]);
}
