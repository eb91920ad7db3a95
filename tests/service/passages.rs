//! What a question may wish of its passages: that they differ, that they are of several documents, what stands around them.

use serde_json::{Value, json};

use crate::common::{TestService, document};

fn everyone() -> Value {
    json!({"viewers": ["user:*"]})
}

async fn ids(service: &TestService, question: &Value) -> Vec<String> {
    let answer = service.as_reader("user:ann").post("/v1/query", question.clone()).await.ok();
    let hits = answer["results"].as_array().unwrap();
    hits.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn near_repetitions_make_room_for_other_passages() {
    for service in [TestService::start().await, TestService::start_following(tempfile::tempdir().unwrap()).await] {
        let mut documents: Vec<Value> = (0..3)
            .map(|n| document(&format!("d/same{n}"), &format!("The canteen opens at eight o'clock. {n}"), everyone()))
            .collect();
        let other = "On Fridays bread and soup are sold by the canteen, which opens late and takes no cards at all.";
        documents.push(document("d/other", other, everyone()));
        // As like the first as can be, and nobody's business.
        let hidden = json!({"viewers": ["user:eve"]});
        documents.push(document("d/hidden", "The canteen opens at eight o'clock. 5", hidden));
        service.admin().put_documents(documents).await;
        for mode in ["keyword", "vector", "hybrid"] {
            let mut question = json!({"query": "when canteen opens eight", "mode": mode, "top_k": 2});
            let plain = ids(&service, &question).await;
            assert!(plain.iter().all(|id| id.contains("same")), "{mode}: {plain:?}");
            question["diversity"] = json!(0.0);
            assert_eq!(ids(&service, &question).await, plain);
            question["diversity"] = json!(0.6);
            let found = ids(&service, &question).await;
            assert_eq!((&found[0], found[1].as_str()), (&plain[0], "d/other"), "{mode}");
            question["top_k"] = json!(10);
            let all = ids(&service, &question).await;
            assert!(all.len() == 4 && all.starts_with(&found), "{mode}: {all:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_out_of_bounds_are_refused_by_name() {
    let service = TestService::start().await;
    for (field, value) in [("diversity", json!(1.5)), ("diversity", json!(-0.1)), ("max_per_document", json!(0))] {
        let refused = service.as_reader("user:ann").post("/v1/query", json!({"query": "x", field: value})).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_comes_with_what_stands_under_its_headings() {
    let service = TestService::start().await;
    let paragraph = |word: &str| format!("{}.", [word; 40].join(" and "));
    let words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron"];
    let leave: Vec<String> = words.iter().map(|word| paragraph(word)).collect();
    let text = format!("# Rules\n\nAll rules.\n\n## Leave\n\n{}\n\n## Pay\n\nPay is paid.\n", leave.join("\n\n"));
    let mut rules = document("d/rules", "", everyone());
    rules["content"] = json!({"type": "text/markdown", "text": text});
    service.admin().put_documents(vec![rules]).await;
    let question = json!({"query": "delta", "top_k": 1, "include": ["under_heading"]});
    let answer = service.as_reader("user:ann").post("/v1/query", question).await.ok();
    let hit = &answer["results"][0];
    let under = &hit["under_heading"];
    assert_eq!(under["text"], format!("## Leave\n\n{}", leave.join("\n\n")), "each paragraph once");
    assert_eq!(under["is_whole"], true);
    let chunks = under["chunk_ids"].as_array().unwrap();
    assert!(chunks.len() > 1 && chunks.contains(&hit["chunk_id"]) && hit.get("text").is_none(), "{hit}");
    // A chunk that is shown can be asked about again.
    let items: Vec<Value> = chunks.iter().map(|chunk| json!({"chunk_id": chunk})).collect();
    let rechecked = service.as_reader("user:ann").post("/v1/recheck", json!({"items": items})).await.ok();
    assert!(rechecked["items"].as_array().unwrap().iter().all(|item| item["status"] == "ok"), "{rechecked}");
}
