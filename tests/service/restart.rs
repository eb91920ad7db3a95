//! What survives a restart, a backup and damage to derived files.

use serde_json::json;

use crate::common::{TestService, document, tuple};

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_there_after_a_restart() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    admin
        .put_documents(vec![
            document("a/1", "crocus one", json!({"viewers": ["group:g#member"]})),
            document("a/2", "crocus two", json!({"viewers": ["user:bob"]})),
            document("a/3", "crocus three", json!({"viewers": ["user:*"]})),
        ])
        .await;
    admin.delete("/v1/documents/a%2F3?collection=main").await.ok();
    let service = service.restart().await;
    assert_eq!(service.as_reader("user:ann").ask("crocus").await, ["a/1"]);
    service.admin().put_documents(vec![document("a/4", "crocus four", json!({"viewers": ["user:ann"]}))]).await;
    let mut found = service.as_reader("user:ann").ask("crocus").await;
    found.sort();
    assert_eq!(found, ["a/1", "a/4"]);
    assert_eq!(service.as_reader("user:bob").ask("crocus").await, ["a/2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_indexes_are_rebuilt_from_the_catalog() {
    let service = TestService::start().await;
    service.admin().put_documents(vec![document("a/1", "gentian blue", json!({"viewers": ["user:*"]}))]).await;
    let before = service.as_reader("user:ann").post("/v1/query", json!({"query": "gentian"})).await.ok();
    let folder = service.stop().await;
    std::fs::remove_dir_all(folder.path().join("indexes")).unwrap();
    let service = TestService::start_in(folder).await;
    let mut tries = 0;
    loop {
        let after = service.as_reader("user:ann").post("/v1/query", json!({"query": "gentian"})).await.ok();
        if after["results"] == before["results"] {
            break;
        }
        tries += 1;
        assert!(tries < 50, "{after}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_refused_and_a_backup_can_be_served() {
    let service = TestService::start().await;
    service.admin().put_documents(vec![document("a/1", "edelweiss", json!({"viewers": ["user:ann"]}))]).await;
    let binary = env!("CARGO_BIN_EXE_usher");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(binary).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let data = service.folder.path().to_str().unwrap().to_owned();
    let (ok, message) = run(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    assert!(!ok && message.contains("in use"), "{message}");
    let target = tempfile::tempdir().unwrap();
    let copy = target.path().join("copy");
    let backup = ["backup", "--data", &data, "--to", copy.to_str().unwrap()];
    let (ok, message) = run(&backup);
    assert!(!ok && message.contains("stop it first"), "{message}");
    let folder = service.stop().await;
    let (ok, message) = run(&backup);
    assert!(ok, "{message}");
    drop(folder);
    std::fs::rename(&copy, target.path().join("restored")).unwrap();
    let restored = TestService::start_at(target, "restored").await;
    assert_eq!(restored.as_reader("user:ann").ask("edelweiss").await, ["a/1"]);
    assert!(restored.as_reader("user:bob").ask("edelweiss").await.is_empty());
}

/// Vectors that the catalog keeps reach the local index through the log, and all of them again when it is lost.
#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_the_catalog_are_followed() {
    let service = TestService::start_following(tempfile::tempdir().unwrap()).await;
    let texts = ["the gentian is blue", "the crocus is violet", "the lily is white"];
    for round in 0..3 {
        let documents = texts.iter().enumerate().map(|(at, text)| {
            document(&format!("a/{at}"), &format!("{text}, round {round}"), json!({"viewers": ["user:ann"]}))
        });
        service.admin().put_documents(documents.collect()).await;
    }
    service.admin().delete("/v1/documents/a%2F2?collection=main").await.ok();
    service.admin().put_documents(vec![document("b/1", "an iris", json!({"viewers": ["user:bob"]}))]).await;
    let before = by_vector(&service, 2).await;
    let folder = service.stop().await;
    std::fs::remove_dir_all(folder.path().join("indexes")).unwrap();
    let service = TestService::start_following(folder).await;
    assert_eq!(by_vector(&service, 2).await, before);
    service.admin().put_documents(vec![document("b/2", "an iris again", json!({"viewers": ["user:ann"]}))]).await;
    by_vector(&service, 3).await;
}

/// Answers of the vector leg alone, once there are as many as expected.
async fn by_vector(service: &TestService, expected: usize) -> serde_json::Value {
    for _ in 0..100 {
        let body = json!({"query": "a blue gentian", "mode": "vector"});
        let results = service.as_reader("user:ann").post("/v1/query", body).await.ok()["results"].clone();
        if results.as_array().unwrap().len() == expected {
            return results;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the vectors don't follow the catalog");
}
