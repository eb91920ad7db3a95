//! Two worlds that differ only in what a reader can't see give it the same bytes.

use serde_json::{Value, json};
use usher_oracle::world::{sentence, subjects};

use crate::common::{document, postgres};
use crate::driver::{Driver, send};
use crate::plan;

/// A copy of a stopped service's folder; both share the instance's secrets.
pub async fn twin_of(folder: &tempfile::TempDir) -> tempfile::TempDir {
    let twin = tempfile::tempdir().unwrap();
    copy(folder.path(), twin.path());
    if postgres::is_chosen() {
        postgres::copy(folder.path(), twin.path()).await;
    }
    twin
}

/// An answer without what is different each time by design; everything else must be equal.
pub fn comparable(bytes: &[u8]) -> String {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    let object = value.as_object_mut().unwrap();
    for (field, length) in
        [("request_id", true), ("revision", true), ("receipt", true), ("as_of", false), ("instance", true)]
    {
        if let Some(text) = object.get_mut(field) {
            *text = if length { json!(text.as_str().unwrap().len()) } else { json!("time") };
        }
    }
    // The fence is drawn for each answer.
    let assembled = object.get("assembled").and_then(|assembled| assembled["text"].as_str()).map(str::to_owned);
    let text = value.to_string();
    let fence = assembled.and_then(|text| Some(text.split("carry ").nth(1)?.chars().take(16).collect::<String>()));
    fence.map_or(text.clone(), |fence| text.replace(&fence, "fence"))
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_documents_move_no_byte_of_an_answer() {
    let (seed, steps) = plan(60);
    // Both worlds share the instance's secrets, since the second is a copy of the first.
    let first = Driver::start(seed ^ 0x7717).await;
    let Driver { service, world, rng, store, canaries, turned } = first;
    let folder = service.stop().await;
    let twin = twin_of(&folder).await;
    let (service, other) = (Driver::serve(folder).await, Driver::serve(twin).await);
    let mut driver = Driver { service, world, rng, store, canaries, turned };
    let mut compared = 0;
    for step in 0..steps {
        let operation = driver.draw();
        send(&other, &operation).await;
        driver.apply(operation).await;
        // Only the second world has these: perfect matches for every question, readable by nobody who asks.
        let words = sentence(&mut driver.rng, 12);
        let mut hidden = document(&format!("hidden/h{step}"), &words, json!({"viewers": ["user:nobody"]}));
        hidden["collection"] = json!("leak");
        other.admin().put_documents(vec![hidden]).await;
        for _ in 0..3 {
            let subject = driver.rng.pick(&subjects()).cloned().unwrap();
            let mut body = json!({"query": sentence(&mut driver.rng, 3), "top_k": 5});
            body["include"] = json!(["text", "assembled", "neighbors", "under_heading"]);
            body["max_per_document"] = [json!(null), json!(1), json!(2)][driver.rng.below(3)].clone();
            body["diversity"] = json!([0.0, 0.4][driver.rng.below(2)]);
            let (a, b) = (driver.service.as_reader(&subject), other.as_reader(&subject));
            let (x, y) = (a.post("/v1/query", body.clone()).await, b.post("/v1/query", body).await);
            assert_eq!(x.status, y.status);
            assert_eq!(comparable(&x.bytes), comparable(&y.bytes), "{subject}");
            let path = format!("/v1/documents/hidden%2Fh{step}?collection=leak");
            let (x, y) = (a.get(&path).await, b.get(&path).await);
            assert_eq!((x.status, comparable(&x.bytes)), (y.status, comparable(&y.bytes)));
            compared += 2;
        }
    }
    println!("twin worlds: {compared} answers compared from seed {seed}, 0 bytes differ");
}
