//! `usher restore`, from every state that a folder can be in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::common::{TestService, document, tuple};
use crate::records::records;

/// Runs the command; says whether it went well, and all that it said.
fn usher(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_usher")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn restore(from: &Path, data: &Path, more: &[&str]) -> (bool, String) {
    let basic = ["restore", "--from", from.to_str().unwrap(), "--data", data.to_str().unwrap()];
    usher(&[&basic[..], more].concat())
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A backup with Ann's grant, and a data folder where it was withdrawn and more was stored.
struct Scene {
    parent: tempfile::TempDir,
    backup: PathBuf,
    data: PathBuf,
}

impl Scene {
    /// `None` where the catalog is elsewhere: those are restored with the database's own tools.
    async fn new() -> Option<Self> {
        if crate::common::postgres::is_chosen() {
            return None;
        }
        let parent = tempfile::tempdir().unwrap();
        let service = TestService::start_at(parent, "data").await;
        let admin = service.admin();
        let rules = json!({"viewers": ["group:g#member"]});
        admin
            .put_documents((0..6).map(|n| document(&format!("a/{n}"), "an early crocus", rules.clone())).collect())
            .await;
        admin.write(json!([tuple("user:ann", "member", "group:g")]), json!([])).await;
        let (data, backup) = (service.folder.path().join("data"), service.folder.path().join("backup"));
        let (ok, said) = usher(&["backup", "--data", data.to_str().unwrap(), "--to", backup.to_str().unwrap()]);
        assert!(ok, "{said}");
        admin.write(json!([]), json!([tuple("user:ann", "member", "group:g")])).await;
        admin.delete("/v1/documents/a%2F0?collection=main").await.ok();
        admin
            .put_documents((6..9).map(|n| document(&format!("a/{n}"), "a late crocus", rules.clone())).collect())
            .await;
        assert!(service.as_reader("user:ann").ask("crocus").await.is_empty());
        let parent = service.stop().await;
        let events: Vec<_> = records(&data).into_iter().map(|record| record["event"].clone()).collect();
        assert!(events.contains(&json!("backup")), "the running service records it: {events:?}");
        Some(Self { parent, backup, data })
    }

    /// Serves the folder as the backup had it.
    async fn goes_on_as_backed_up(self) -> Self {
        let Self { parent, backup, data } = self;
        let service = TestService::start_at(parent, "data").await;
        let state = service.service().published.load().collection("main").unwrap().clone();
        assert!(service.service().indexes.get(state.pair()).unwrap().at_least(state.last_operation).await);
        let mut found = service.as_reader("user:ann").ask("crocus").await;
        found.sort();
        assert_eq!(found, ["a/0", "a/1", "a/2", "a/3", "a/4", "a/5"]);
        for mode in ["vector", "keyword"] {
            let body = json!({"query": "an early crocus", "mode": mode, "top_k": 50});
            let answer = service.as_reader("user:ann").post("/v1/query", body).await.ok();
            assert_eq!(answer["results"].as_array().unwrap().len(), 6, "{mode}");
        }
        // And goes on.
        let more = document("b/1", "a new crocus", json!({"viewers": ["user:ann"]}));
        service.admin().put_documents(vec![more]).await;
        assert!(service.as_reader("user:ann").ask("new crocus").await.contains(&"b/1".to_owned()));
        Self { parent: service.stop().await, backup, data }
    }

    fn is_refused(&self, why: &str) {
        let address = "127.0.0.1:0";
        let data = self.data.to_str().unwrap();
        let (ok, said) = usher(&["serve", "--data", data, "--listen", address, "--admin-listen", address]);
        assert!(!ok && said.contains(why), "{said}");
    }
}

/// Withdrawn rights do not come back unseen: an older backup is put in place, and served once that was accepted.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_in_order() {
    let Some(scene) = Scene::new().await else { return };
    let kept = fs::read(scene.data.join("catalog.db")).unwrap();
    let (ok, said) = restore(&scene.backup, &scene.data, &[]);
    assert!(ok && said.contains("accept-restored"), "{said}");
    scene.is_refused("accept-restored");
    let (ok, said) = usher(&["accept-restored", "--data", scene.data.to_str().unwrap()]);
    assert!(ok, "{said}");
    let scene = scene.goes_on_as_backed_up().await;
    // What was there is there still.
    let aside = fs::read_dir(&scene.data).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path.to_string_lossy().contains("replaced-")).collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(aside[0].join("catalog.db")).unwrap(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_in_the_same_breath_and_recorded() {
    let Some(scene) = Scene::new().await else { return };
    let (ok, said) = restore(&scene.backup, &scene.data, &["--accept-older"]);
    assert!(ok, "{said}");
    let events: Vec<_> = records(&scene.data).into_iter().map(|record| record["event"].clone()).collect();
    assert!(events.contains(&json!("restored")) && events.contains(&json!("restored_from")), "{events:?}");
    scene.goes_on_as_backed_up().await;
}

/// A copy that went on elsewhere lacks what was withdrawn here, however new its revision has become.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_went_on_elsewhere_is_as_old_as_it_was() {
    let Some(Scene { parent, backup, data }) = Scene::new().await else { return };
    let copy = parent.path().join("copy");
    assert!(restore(&backup, &copy, &[]).0);
    // Not named by a stop alone: what a kill leaves is a state that a start has named.
    let killed = data.with_file_name("killed");
    let service = TestService::start_at(parent, "data").await;
    let seen = service.service().published.load().revision;
    copy_folder(&data, &killed);
    let parent = service.stop().await;
    let service = TestService::start_at(parent, "copy").await;
    while service.service().published.load().revision <= seen {
        service.admin().write(json!([tuple("user:zoe", "member", "group:z")]), json!([])).await;
        service.admin().write(json!([]), json!([tuple("user:zoe", "member", "group:z")])).await;
    }
    let parent = service.stop().await;
    for data in [data, killed] {
        let (ok, said) = restore(&copy, &data, &[]);
        assert!(ok && said.contains("of another history"), "{said}");
        let scene = Scene { parent: tempfile::tempdir().unwrap(), backup: backup.clone(), data: data.clone() };
        scene.is_refused("accept-restored");
        let (ok, said) = usher(&["accept-restored", "--data", data.to_str().unwrap()]);
        assert!(ok && said.contains("no longer valid"), "{said}");
    }
    drop(parent);
}

/// A copy is no data folder before a service has run on it, and the command says what makes one of it.
#[tokio::test(flavor = "multi_thread")]
async fn commands_on_a_backup_say_that_it_is_one() {
    let Some(scene) = Scene::new().await else { return };
    let backup = scene.backup.to_str().unwrap();
    for command in [&["accept-restored"][..], &["normalise"], &["export", "--to", "nowhere"]] {
        let (ok, said) = usher(&[command, &["--data", backup]].concat());
        assert!(!ok && said.contains("usher restore --from"), "{command:?}: {said}");
    }
}

/// A kill leaves a write-ahead log and no seal; that log must never meet the restored file.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill() {
    let Some(scene) = Scene::new().await else { return };
    fs::remove_file(scene.data.join("catalog.sum")).unwrap();
    fs::write(scene.data.join("catalog.db-wal"), vec![7; 9_000]).unwrap();
    fs::write(scene.data.join("catalog.db-shm"), vec![7; 32_768]).unwrap();
    let (ok, said) = restore(&scene.backup, &scene.data, &["--accept-older"]);
    assert!(ok, "{said}");
    scene.goes_on_as_backed_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_files_are_missing() {
    let Some(scene) = Scene::new().await else { return };
    let Scene { parent, backup, data } = scene;
    // All is gone, to a folder that was never there.
    fs::remove_dir_all(&data).unwrap();
    let (ok, said) = restore(&backup, &data, &[]);
    assert!(ok && said.contains("can be served"), "{said}");
    let scene = Scene { parent, backup, data }.goes_on_as_backed_up().await;
    // The catalog alone is gone; then the backup's seal and indexes, and the folder's audit, are.
    fs::remove_file(scene.data.join("catalog.db")).unwrap();
    scene.is_refused("is missing or empty");
    fs::remove_file(scene.backup.join("catalog.sum")).unwrap();
    fs::remove_dir_all(scene.backup.join("indexes")).unwrap();
    fs::remove_file(scene.data.join("audit.jsonl")).unwrap();
    let (ok, said) = restore(&scene.backup, &scene.data, &[]);
    assert!(ok && said.contains("accept-restored"), "what was seen is not in the audit alone: {said}");
    let (ok, said) = usher(&["accept-restored", "--data", scene.data.to_str().unwrap()]);
    assert!(ok, "{said}");
    scene.goes_on_as_backed_up().await;
}

/// Indexes are derived: whatever a backup brings of them, answers are those of its catalog.
#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_another_time_do_no_harm() {
    for is_newer in [true, false] {
        let Some(scene) = Scene::new().await else { return };
        let (taken, place) = (scene.backup.join("indexes"), scene.parent.path().join("kept"));
        if is_newer {
            fs::remove_dir_all(&taken).unwrap();
            copy_folder(&scene.data.join("indexes"), &taken);
        } else {
            // Vectors of an instance that has nothing yet.
            let empty = TestService::start_at(tempfile::tempdir().unwrap(), "data").await.stop().await;
            copy_folder(&taken, &place);
            fs::remove_dir_all(&taken).unwrap();
            copy_folder(&empty.path().join("data/indexes"), &taken);
        }
        let (ok, said) = restore(&scene.backup, &scene.data, &["--accept-older"]);
        assert!(ok, "{said}");
        scene.goes_on_as_backed_up().await;
    }
}

/// What can't be restored leaves the folder as it was.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_changes_nothing() {
    let Some(scene) = Scene::new().await else { return };
    let state = |data: &Path| {
        let mut names: Vec<_> = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        (names, fs::read(data.join("catalog.db")).unwrap())
    };
    let before = state(&scene.data);
    let refused = |from: &Path, why: &str| {
        let (ok, said) = restore(from, &scene.data, &[]);
        assert!(!ok && said.contains(why), "{why}: {said}");
        assert_eq!(state(&scene.data), before, "{why}");
    };
    refused(&scene.data, "is the data folder itself");
    refused(&scene.parent.path().join("none"), "holds no catalog.db");
    let harmed = scene.parent.path().join("harmed");
    copy_folder(&scene.backup, &harmed);
    let mut bytes = fs::read(harmed.join("catalog.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(harmed.join("catalog.db"), &bytes).unwrap();
    refused(&harmed, "damaged");
    fs::write(harmed.join("catalog.db"), "no database at all, but long enough to be taken for one").unwrap();
    fs::remove_file(harmed.join("catalog.sum")).unwrap();
    refused(&harmed, "can't be restored");
    fs::remove_dir_all(&harmed).unwrap();
    // A newer release's schema.
    copy_folder(&scene.backup, &harmed);
    let catalog = usher::catalog::Catalog::open(&harmed, 1).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    usher::catalog::sql::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    catalog.close().await;
    refused(&harmed, "newer release");

    // A service that runs, on either side.
    let Scene { parent, backup, data } = scene;
    let service = TestService::start_at(parent, "data").await;
    let (ok, said) = restore(&backup, &data, &[]);
    assert!(!ok && said.contains("in use"), "{said}");
    let (ok, said) = restore(&data, &service.folder.path().join("other"), &[]);
    assert!(!ok && said.contains("usher backup"), "{said}");
    assert!(!service.folder.path().join("other").join("catalog.db").exists());
    service.admin().get("/v1/keys").await.ok();
}

/// Cut short in the middle: not served, and done by the next run.
#[tokio::test(flavor = "multi_thread")]
async fn a_restoration_that_was_cut_short_is_run_again() {
    let Some(scene) = Scene::new().await else { return };
    fs::create_dir(scene.data.join("restoring")).unwrap();
    fs::rename(scene.data.join("catalog.db"), scene.data.join("restoring/catalog.db")).unwrap();
    fs::remove_file(scene.data.join("catalog.sum")).unwrap();
    scene.is_refused("run `usher restore` again");
    let (ok, said) = restore(&scene.backup, &scene.data, &["--accept-older"]);
    assert!(ok, "{said}");
    assert!(!scene.data.join("restoring").exists());
    scene.goes_on_as_backed_up().await;
}

/// A backup's file that was put back by hand says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_put_back_by_hand_names_the_command() {
    let Some(scene) = Scene::new().await else { return };
    fs::copy(scene.backup.join("catalog.db"), scene.data.join("catalog.db")).unwrap();
    scene.is_refused("usher restore");
    let (ok, said) = restore(&scene.backup, &scene.data, &["--accept-older"]);
    assert!(ok, "{said}");
    scene.goes_on_as_backed_up().await;
}

/// A backup of an older release gets the schema of this one.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_older_release() {
    let Some(scene) = Scene::new().await else { return };
    let catalog = usher::catalog::Catalog::open(&scene.backup, 1).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    for statement in ["DROP TABLE audit_outbox", "DELETE FROM _sqlx_migrations WHERE version = 9"] {
        usher::catalog::sql::query(statement).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    catalog.close().await;
    let (ok, said) = restore(&scene.backup, &scene.data, &["--accept-older"]);
    assert!(ok, "{said}");
    scene.goes_on_as_backed_up().await;
}
