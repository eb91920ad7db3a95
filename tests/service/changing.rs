//! Answers while something changes: old or new, never neither, and each wholly of the state that it names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use usher::config::RawConfig;
use usher::snapshot::DocumentEntry;

use crate::common::{TestService, document, tuple};

const WRITERS: usize = 3;
const READERS: usize = 8;
/// Documents of each writer.
const EACH: usize = 2;

fn soak() -> usize {
    std::env::var("USHER_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn text(version: usize) -> String {
    format!("marten of the {version}th day, with its den in the old oak and number{version}")
}

/// What of an answer a reader counts.
#[derive(Default)]
struct Counts {
    answers: AtomicUsize,
    /// A document is in neither its old nor its new version, and nothing says that something may be missing.
    silent: AtomicUsize,
    /// The answer says so.
    flagged: AtomicUsize,
    /// Documents that could not be read by their id, or were not listed.
    unread: AtomicUsize,
}

/// Documents that everybody may read are replaced all the time. Every answer has all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_under_replacement_is_found_as_old_or_new() {
    let service = TestService::start().await;
    let everyone = json!({"viewers": ["user:*"]});
    let admin = service.admin();
    let ids: Vec<String> = (0..WRITERS * EACH).map(|n| format!("w/{n}")).collect();
    admin.put_documents(ids.iter().map(|id| document(id, &text(0), everyone.clone())).collect()).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (admin, done, everyone) = (admin.clone(), done.clone(), everyone.clone());
        writers.spawn(async move {
            let mut version = 0;
            while !done.load(Ordering::Relaxed) {
                version += 1;
                for n in 0..EACH {
                    let id = format!("w/{}", writer * EACH + n);
                    admin.put_documents(vec![document(&id, &text(version), everyone.clone())]).await;
                }
            }
            version * EACH
        });
    }
    let counts: Arc<BTreeMap<&str, Counts>> =
        Arc::new(["hybrid", "vector", "keyword"].map(|mode| (mode, Counts::default())).into());
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..READERS {
        let client = service.as_reader(&format!("user:r{reader}"));
        let (counts, ids) = (counts.clone(), ids.clone());
        readers.spawn(async move {
            for round in 0..25 * soak() {
                for (mode, counts) in counts.iter() {
                    let body = json!({"query": "marten den oak", "mode": mode, "top_k": 50, "deadline_ms": 20_000});
                    let answer = client.post("/v1/query", body).await.ok();
                    let hits = answer["results"].as_array().unwrap();
                    let is_whole = ids.iter().all(|id| hits.iter().any(|hit| hit["document_id"] == **id));
                    counts.answers.fetch_add(1, Ordering::Relaxed);
                    match (is_whole, answer["complete"].as_bool().unwrap()) {
                        (false, true) => counts.silent.fetch_add(1, Ordering::Relaxed),
                        (_, false) => counts.flagged.fetch_add(1, Ordering::Relaxed),
                        (true, true) => 0,
                    };
                    let path = format!("/v1/documents/w%2F{}?collection=main", round % ids.len());
                    let read = client.get(&path).await.status.is_success();
                    let list = client.get("/v1/documents?collection=main").await.ok();
                    let is_listed = list["documents"].as_array().unwrap().len() == ids.len();
                    counts.unread.fetch_add(usize::from(!read) + usize::from(!is_listed), Ordering::Relaxed);
                }
            }
        });
    }
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let mut versions = 0;
    while let Some(writer) = writers.join_next().await {
        versions += writer.unwrap();
    }
    for (mode, counts) in counts.iter() {
        let [answers, silent, flagged, unread] =
            [&counts.answers, &counts.silent, &counts.flagged, &counts.unread].map(|n| n.load(Ordering::Relaxed));
        println!("{mode}: {answers} answers, {silent} silently short, {flagged} flagged, {unread} not read or listed");
        assert_eq!((silent, unread), (0, 0), "{mode}");
    }
    println!("{versions} versions were written meanwhile");
    assert!(versions > 0);
}

/// Grants come and go; what an answer holds and lacks is what the state that it names says.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_contradicted_by_the_state_that_it_names() {
    let service = TestService::start().await;
    let admin = service.admin();
    let nobody = json!({"viewers": []});
    let ids: Vec<String> = (0..4).map(|n| format!("w/{n}")).collect();
    admin.put_documents(ids.iter().map(|id| document(id, &text(0), nobody.clone())).collect()).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for id in ids.clone() {
        let (admin, done) = (admin.clone(), done.clone());
        writers.spawn(async move {
            let grant = json!([tuple("user:ann", "viewer", &format!("document:{id}"))]);
            while !done.load(Ordering::Relaxed) {
                admin.write(grant.clone(), json!([])).await;
                admin.write(json!([]), grant.clone()).await;
            }
        });
    }
    let (mut asked, mut flagged, mut wrong) = (0, 0, Vec::new());
    let ann = service.as_reader("user:ann");
    for round in 0..60 * soak() {
        let mode = ["hybrid", "vector", "keyword"][round % 3];
        let answer = ann.post("/v1/query", json!({"query": "marten den", "mode": mode, "top_k": 50})).await.ok();
        asked += 1;
        if answer["complete"] == false {
            flagged += 1;
            continue;
        }
        for id in &ids {
            let question = json!({"collection": "main", "document_id": id, "subject": "user:ann",
                                  "as_of_revision": answer["revision"]});
            let allowed = admin.post("/v1/explain", question).await.ok()["allowed"].as_bool().unwrap();
            let found = answer["results"].as_array().unwrap().iter().any(|hit| hit["document_id"] == **id);
            if found != allowed {
                wrong.push(format!("{mode}: {id} found {found}, allowed {allowed}"));
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    println!("{asked} answers, {flagged} flagged, {} contradicted by their own revision", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Neither a collection that can't follow nor a document that can't be found yet is waited for when it is not the reader's.
#[tokio::test(flavor = "multi_thread")]
async fn a_named_revision_waits_for_nothing_that_the_reader_cannot_see() {
    // The states that are made up here would be mended.
    let raw = RawConfig { drift_objects_per_s: Some(0), ..RawConfig::default() };
    let service = TestService::start_raw(raw).await;
    let admin = service.admin();
    admin.put("/v1/collections/other", json!({})).await.ok();
    admin.put_documents(vec![document("a/1", "orchid", json!({"viewers": ["user:ann"]}))]).await;
    let mut hidden = document("o/1", "orchid", json!({"viewers": ["user:bob"]}));
    hidden["collection"] = json!("other");
    let answer = admin.put_documents(vec![hidden]).await;
    let bob = service.as_reader("user:bob");
    assert_eq!(bob.ask("orchid").await, ["o/1"]);
    assert_eq!(service.as_reader("user:ann").ask("orchid").await, ["a/1"]);
    let running = service.service();
    // Bob may read a document there that the follower of that collection never comes to.
    running.published.disturb(|snapshot| {
        let state = Arc::make_mut(snapshot.collections.get_mut("other").unwrap());
        let mut entry = DocumentEntry::clone(state.documents().next().unwrap());
        (entry.ordinal, entry.first_chunk, entry.id) = (state.next_document(), state.next_chunk(), "o/2".into());
        state.put(entry);
        state.documents_revision += 1_000_000;
        state.last_operation += 1_000_000;
    });
    let shown = running.published.load().collection("main").unwrap().next_chunk();
    // And somebody may read one in Ann's own.
    running.published.disturb(|snapshot| {
        let state = Arc::make_mut(snapshot.collections.get_mut("main").unwrap());
        state.last_operation += 1_000_000;
        state.reserve(0, shown + 1);
    });
    let question = json!({"query": "orchid", "min_revision": answer["revision"], "deadline_ms": 3_000});
    let ann = service.as_reader("user:ann").post("/v1/query", question.clone()).await.ok();
    assert_eq!((&ann["results"][0]["document_id"], &ann["complete"]), (&json!("a/1"), &json!(true)));
    assert_eq!(bob.post("/v1/query", question).await.problem(409), "revision_unavailable");
    // Without a named revision it is answered, and the answer says what it may lack.
    let told = bob.post("/v1/query", json!({"query": "orchid", "deadline_ms": 2_000})).await.ok();
    assert_eq!((&told["complete"], &told["warnings"]), (&json!(false), &json!(["index_behind"])));
}
