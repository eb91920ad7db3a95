//! Killed at every named place: before and after each write, sync, rename, commit and acknowledgement.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::check;
use crate::load::Load;
use crate::process::{NotStarted, Process};
use crate::world::{rounds, seed};
use usher_support::Random;

/// Every place of the source, and up to which passing a short run kills there: some are passed once per collection only.
pub const PLACES: &[(&str, u64)] = &[
    ("audit.before_write", 40),
    ("audit.before_sync", 40),
    ("audit.after_sync", 40),
    ("catalog.before_sync", 1),
    ("catalog.before_rename", 1),
    ("catalog.after_rename", 1),
    ("commit.before", 40),
    ("commit.after", 40),
    ("commit.before_acknowledge", 40),
    ("keyword.before_commit", 20),
    ("keyword.after_commit", 20),
    ("keyword.before_rename", 40),
    ("keyword.after_rename", 40),
    ("keyword.before_sync", 60),
    ("keyword.after_sync", 60),
    ("keyword.before_folder_sync", 40),
    ("keyword.after_folder_sync", 40),
    ("scan.before_write", 40),
    ("scan.before_erase", 20),
    ("scan.before_sync", 40),
    ("scan.after_sync", 40),
    ("scan.before_rename", 2),
    ("scan.after_rename", 2),
    ("scan.before_folder_sync", 8),
    ("scan.after_folder_sync", 8),
    ("seen.before_write", 40),
    ("seen.before_sync", 40),
];

const ABORTED: i32 = 6;

#[test]
fn every_place_of_the_source_is_listed() {
    let mut found = BTreeSet::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["src", "crates"].iter().for_each(|folder| collect(&repository.join(folder), &mut found));
    let listed: BTreeSet<String> = PLACES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed, "PLACES and the source differ");
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let calls = text.split("failpoint::hit(").skip(1);
            found.extend(calls.filter_map(|call| Some(call.strip_prefix('"')?.split('"').next()?.to_owned())));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_place_loses_nothing() {
    let seed = seed();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut random = Random::new(seed);
    let mut load = Load::new(seed);
    Process::start(&data).await.unwrap().stop().await;
    let (mut kills, mut unreached) = (0, 0);
    for (place, passings) in PLACES {
        let mut reached = 0;
        for round in 0..rounds(2, 20) {
            let nth = if round == 0 { 1 } else { 1 + random.below(*passings) };
            let point = format!("{place}=abort:{nth}");
            if *place == "scan.before_erase" {
                load = leave_dead(&data, load).await;
            }
            let aborted;
            (load, aborted) = run_into(&data, &point, load).await;
            reached += u64::from(aborted);
            unreached += u64::from(!aborted);
            let process = Process::start(&data).await.unwrap_or_else(|error| panic!("after {point}: {error:?}"));
            let verdict = check::all(&process.client, &mut load).await;
            verdict.assert_right(&format!("seed {seed}, after {point}\n{}", process.log()));
        }
        assert!(reached > 0, "{place} is never reached");
        kills += reached;
    }
    let process = Process::start(&data).await.unwrap();
    check::records(&process.client, &data).await;
    println!(
        "places {}, kills {kills} (not reached {unreached}), acknowledged operations {}, lost 0, resurrected 0, \
         half visible 0",
        PLACES.len(),
        load.acknowledged()
    );
}

/// Leaves chunks behind that were removed and not yet erased, which the next start does.
async fn leave_dead(data: &Path, load: Load) -> Load {
    let mut process = Process::start(data).await.unwrap();
    let load = load.run(&process.client, Duration::from_secs(1)).await;
    process.kill();
    load
}

/// Runs the load until the service has aborted; says whether it has.
async fn run_into(data: &Path, point: &str, load: Load) -> (Load, bool) {
    match Process::start_at(data, point).await {
        Ok(mut process) => {
            let running = load.start(&process.client);
            if point.starts_with("catalog.") {
                // Passed when the service stops in order.
                tokio::time::sleep(Duration::from_millis(100)).await;
                process.signal("TERM");
            }
            let begun = Instant::now();
            while !running.is_lost() && begun.elapsed() < Duration::from_secs(4) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let load = if running.is_lost() {
                running.finish().await
            } else {
                process.kill();
                running.finish().await
            };
            let status = process.ended(Duration::from_secs(5)).await.unwrap();
            (load, std::os::unix::process::ExitStatusExt::signal(&status) == Some(ABORTED))
        }
        Err(NotStarted { signal, message, .. }) => {
            assert_eq!(signal, Some(ABORTED), "{point}: {message}");
            (load, true)
        }
    }
}

/// A first start that is cut short anywhere is completed by the next one, and can be used then.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_can_be_killed_anywhere() {
    let mut kills = 0;
    for (place, _) in PLACES {
        for nth in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            match Process::start_at(&data, &format!("{place}=abort:{nth}")).await {
                Ok(_) => break,
                Err(error) => assert_eq!(error.signal, Some(ABORTED), "{error:?}"),
            }
            kills += 1;
            let process = Process::start(&data).await.unwrap_or_else(|error| panic!("{place}:{nth}: {error:?}"));
            let document = json!({"id": "a/1", "collection": "main", "content": {"type": "text/plain", "text": "ivy"},
                                  "acl": {"viewers": ["user:ann"]}});
            process.client.post("/v1/documents", json!({"documents": [document]})).await.ok();
            let answer = process.client.as_subject("user:ann").query("ivy", "keyword").await.ok();
            assert_eq!(answer["results"][0]["document_id"], "a/1", "{place}:{nth}: {answer}");
        }
    }
    println!("first starts killed {kills}");
    assert!(kills > 20);
}
