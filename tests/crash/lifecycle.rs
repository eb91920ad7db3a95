//! One process per folder; a stop in order finishes what was begun.

use std::time::Duration;

use serde_json::json;

use crate::check;
use crate::load::Load;
use crate::process::{Process, command, free_port};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_refused_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data).await.unwrap();
    let running = Load::new(7).start(&process.client);
    for _ in 0..5 {
        let second = command(&data, free_port(), free_port()).output().unwrap();
        let message = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(!second.status.success() && message.contains("in use by another Usher process"), "{message}");
    }
    let mut load = running.finish().await;
    check::all(&process.client, &mut load).await.assert_right("beside a second process");
    assert!(load.acknowledged() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_order_finishes_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data).await.unwrap();
    let text = "a long text about orchids. ".repeat(400);
    let puts: Vec<_> = (0..6)
        .map(|batch| {
            let documents: Vec<_> = (0..40)
                .map(|n| {
                    json!({"id": format!("b{batch}/{n}"), "collection": "main", "acl": {"viewers": ["user:ann"]},
                           "content": {"type": "text/plain", "text": text}})
                })
                .collect();
            let client = process.client.clone();
            tokio::spawn(async move { client.post("/v1/documents", json!({"documents": documents})).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(puts.iter().any(|put| !put.is_finished()), "nothing is in flight");
    process.stop().await;
    for put in puts {
        put.await.unwrap().ok();
    }
    let process = Process::start(&data).await.unwrap();
    for (batch, n) in (0..6).flat_map(|batch| (0..40).map(move |n| (batch, n))) {
        process.client.as_subject("user:ann").document(&format!("b{batch}/{n}")).await.ok();
    }
}
