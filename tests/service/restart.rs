//! What survives a restart, a backup and damage to derived files.

use std::time::Duration;

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

/// Also those of documents that came without a title, and are called by their ids.
#[tokio::test(flavor = "multi_thread")]
async fn lost_vectors_are_made_again_as_they_were() {
    let service = TestService::start().await;
    let rules = json!({"viewers": ["user:*"]});
    let mut named = document("a/a blue gentian", "the lily is white", rules.clone());
    named.as_object_mut().unwrap().remove("title");
    service.admin().put_documents(vec![named, document("a/2", "the door is blue", rules)]).await;
    let before = by_vector(&service, 2).await;
    assert_eq!(before[0]["title"], "a blue gentian", "{before}");
    let folder = service.stop().await;
    std::fs::remove_dir_all(folder.path().join("indexes")).unwrap();
    let service = TestService::start_in(folder).await;
    assert_eq!(by_vector(&service, 2).await, before);
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

/// A copy that was made while the service ran and was written can be served; what came later is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_service_is_of_one_instant() {
    let service = TestService::start().await;
    let admin = service.admin();
    for n in 0..20 {
        admin
            .put_documents(vec![document(&format!("a/{n}"), "an early crocus", json!({"viewers": ["user:ann"]}))])
            .await;
    }
    admin.delete("/v1/documents/a%2F3?collection=main").await.ok();
    let target = tempfile::tempdir().unwrap();
    let copy = target.path().join("copy");
    let arguments = [service.folder.path().to_str().unwrap().to_owned(), copy.to_str().unwrap().to_owned()];
    let writing = {
        let admin = admin.clone();
        tokio::spawn(async move {
            for n in 20..60 {
                let rules = json!({"viewers": ["user:ann"]});
                admin.put_documents(vec![document(&format!("a/{n}"), "a late crocus", rules)]).await;
            }
        })
    };
    let command = tokio::task::spawn_blocking(move || {
        let [data, to] = arguments;
        std::process::Command::new(env!("CARGO_BIN_EXE_usher")).args(["backup", "--data", &data, "--to", &to]).output()
    });
    let output = command.await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    writing.await.unwrap();
    let restored = TestService::start_at(target, "copy").await;
    let state = restored.service().published.load().collection("main").unwrap().clone();
    assert!(restored.service().indexes.get(state.pair()).unwrap().at_least(state.last_operation).await);
    let stored = state.documents().count();
    assert!((19..=59).contains(&stored), "{stored}");
    for mode in ["vector", "keyword"] {
        let body = json!({"query": "an early crocus", "mode": mode, "top_k": 50});
        let answer = restored.as_reader("user:ann").post("/v1/query", body).await.ok();
        let found: Vec<_> =
            answer["results"].as_array().unwrap().iter().map(|hit| hit["document_id"].clone()).collect();
        assert!(!found.contains(&json!("a/3")));
        assert_eq!(found.len(), stored.min(50), "{mode}");
    }
}

/// Revocations that a restored catalog has forgotten don't come back unseen.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_older_than_the_audit_is_not_served_until_it_is_accepted() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "a secret crocus", json!({"viewers": ["group:g#member"]}))]).await;
    admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
    let folder = service.stop().await;
    let file = folder.path().join("catalog.db");
    let older = std::fs::read(&file).unwrap();
    let service = TestService::start_in(folder).await;
    service.admin().write(json!([]), json!([tuple("user:ann", "member", "group:g")])).await;
    let reader = service.as_reader("user:ann");
    assert!(reader.ask("crocus").await.is_empty());
    let revision = reader.post("/v1/query", json!({"query": "crocus"})).await.ok()["revision"].clone();
    let folder = service.stop().await;
    std::fs::write(&file, older).unwrap();
    std::fs::remove_file(folder.path().join("catalog.sum")).unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usher"));
        let mut child = command.args(arguments).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let begun = std::time::Instant::now();
        // One that serves does not end by itself.
        while child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let serve = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let (ok, message) = run(&serve);
    assert!(!ok && message.contains("accept-restored") && message.lines().count() <= 2, "{message}");
    let (ok, message) = run(&["accept-restored", "--data", &data]);
    assert!(ok, "{message}");
    let service = TestService::start_in(folder).await;
    // A token of the state that was lost means nothing here.
    let reply = service.as_reader("user:ann").post("/v1/query", json!({"query": "x", "min_revision": revision})).await;
    assert_eq!(reply.status, 400);
    assert_eq!(service.as_reader("user:ann").ask("crocus").await, ["a/1"], "as the older state has it");
}

/// Whatever a reader asks for, the folder knows how far the catalog was seen: a record longer than any window over the
/// audit's end, and no audit at all, change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_with_long_answers_does_not_make_an_older_catalog_new() {
    if crate::common::postgres::is_chosen() {
        return;
    }
    let service = TestService::start().await;
    let admin = service.admin();
    let rules = json!({"viewers": ["group:g#member"]});
    for part in 0..4 {
        let long = |n: usize| document(&format!("a/{n:04}{}", "\"".repeat(600)), "crocus", rules.clone());
        admin.put_documents((part * 250..(part + 1) * 250).map(long).collect()).await;
    }
    admin
        .write(json!([tuple("user:ann", "member", "group:g"), tuple("user:bob", "member", "group:g")]), json!([]))
        .await;
    let folder = service.stop().await;
    let file = folder.path().join("catalog.db");
    let older = std::fs::read(&file).unwrap();
    let service = TestService::start_in(folder).await;
    service.admin().write(json!([]), json!([tuple("user:ann", "member", "group:g")])).await;
    let list = service.as_reader("user:bob").get("/v1/documents?collection=main&limit=1000").await.ok();
    assert_eq!(list["documents"].as_array().unwrap().len(), 1_000);
    let folder = service.stop().await;
    let audit = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let longest = audit.lines().map(str::len).max().unwrap();
    assert!(longest > 1 << 20, "{longest}");
    std::fs::write(&file, older).unwrap();
    std::fs::remove_file(folder.path().join("catalog.sum")).unwrap();
    let data = folder.path().to_str().unwrap();
    let serve = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for is_moved_away in [false, true] {
        if is_moved_away {
            std::fs::remove_file(folder.path().join("audit.jsonl")).unwrap();
        }
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_usher")).args(serve).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains("accept-restored"), "{message}");
    }
}
