//! One process per folder; a stop in order finishes what was begun.

use std::time::Duration;

use serde_json::json;

use crate::check;
use crate::load::Load;
use crate::process::{Process, command};
use usher_support::free_port;

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
    // All have come; whatever comes later finds nobody.
    let running = async || {
        let text = reqwest::get(process.metrics_url()).await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("usher_requests_running ")).unwrap();
        line.parse::<usize>().unwrap()
    };
    while running().await + puts.iter().filter(|put| put.is_finished()).count() < puts.len() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(puts.iter().any(|put| !put.is_finished()), "nothing is in flight");
    process.stop().await;
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.contains("told to stop") && log.trim_end().ends_with("stopped"), "{log}");
    for put in puts {
        put.await.unwrap().ok();
    }
    let process = Process::start(&data).await.unwrap();
    for (batch, n) in (0..6).flat_map(|batch| (0..40).map(move |n| (batch, n))) {
        process.client.as_subject("user:ann").document(&format!("b{batch}/{n}")).await.ok();
    }
}

/// The catalog with its log and seal, the audit, what was seen, indexes: whatever the service makes, also while it runs, and
/// what an earlier release has left.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    fn open_to_others(path: &std::path::Path, found: &mut Vec<String>, count: &mut usize) {
        *count += 1;
        let mode = std::fs::symlink_metadata(path).unwrap().permissions().mode();
        if mode & 0o077 != 0 {
            found.push(format!("{} {:o}", path.display(), mode & 0o777));
        }
        if path.is_dir() {
            std::fs::read_dir(path).unwrap().for_each(|entry| open_to_others(&entry.unwrap().path(), found, count));
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = Process::start(&data).await.unwrap();
    let load = Load::new(11).run(&process.client, Duration::from_secs(1)).await;
    let look = |when: &str| {
        let (mut found, mut count) = (Vec::new(), 0);
        open_to_others(&data, &mut found, &mut count);
        assert!(found.is_empty() && count > 10, "{when}: {found:?}");
    };
    look("running");
    process.stop().await;
    look("stopped");
    for name in ["catalog.db", "audit.jsonl", "indexes"] {
        std::fs::set_permissions(data.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let process = Process::start(&data).await.unwrap();
    look("started again");
    process.stop().await;
    assert!(load.acknowledged() > 0);
}
