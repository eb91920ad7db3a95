//! How likely a passage answers: by itself, and what a question that wants more than that gets.

use serde_json::{Value, json};

use crate::common::{TestService, document};

fn relevance(coverage: f64) -> f64 {
    1.0 / (1.0 + (5.8 - 6.5 * coverage).exp())
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

fn ids(passages: &Value) -> Vec<&str> {
    passages
        .as_array()
        .map_or_else(Vec::new, |all| all.iter().map(|hit| hit["document_id"].as_str().unwrap()).collect())
}

async fn service() -> TestService {
    let service = TestService::start().await;
    let ann = || json!({"viewers": ["user:ann"]});
    let both = || json!({"viewers": ["user:ann", "user:bob"]});
    let mut long = document("t/all", "the heron fishes at dawn. The heron sleeps at noon", both());
    long["metadata"] = json!({"colour": "grey"});
    let texts = [
        long,
        document("t/half", "a heron flew by", both()),
        document("t/own", "dawn comes early, and the heron with it; it fishes", ann()),
        document("t/other", "noon", both()),
    ];
    service.admin().put_documents(texts.into()).await;
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_is_as_relevant_for_everybody() {
    let service = service().await;
    let body = json!({"query": "heron fishes dawn heron"});
    let [ann, bob] = ["user:ann", "user:bob"].map(|reader| service.as_reader(reader));
    let (ann, bob) = (ann.post("/v1/query", body.clone()).await.ok(), bob.post("/v1/query", body).await.ok());
    let of = |answer: &Value, id: &str| {
        let hits = answer["results"].as_array().unwrap();
        let hit = hits.iter().find(|hit| hit["document_id"] == *id).unwrap();
        (hit["coverage"].clone(), hit["relevance"].clone())
    };
    for (id, coverage) in [("t/all", 1.0), ("t/half", 1.0 / 3.0)] {
        assert_eq!(of(&ann, id), of(&bob, id));
        near(&of(&ann, id).0, coverage);
        near(&of(&ann, id).1, relevance(coverage));
    }
    assert_eq!((&ann["answerable"], &bob["answerable"]), (&json!(true), &json!(true)));
    assert!(ann.get("near_misses").is_none() && ann["results"][0].get("cosine").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_relevant_is_left_out_and_shown_as_a_near_miss_alone() {
    let service = service().await;
    let bob = service.as_reader("user:bob");
    let ask = |query: &str, least: f64| json!({"query": query, "min_relevance": least, "include": ["text", "assembled", "metadata"]});
    let some = bob.post("/v1/query", ask("heron fishes dawn", 0.5)).await.ok();
    assert_eq!((ids(&some["results"]), ids(&some["near_misses"])), (vec!["t/all"], vec![]));
    assert_eq!(some["answerable"], true);
    // What is left out tells nothing of its document, and what is shown all the more.
    assert_eq!(some["results"][0]["metadata"]["colour"], "grey");
    let none = bob.post("/v1/query", ask("heron migrates southwards", 0.5)).await.ok();
    assert_eq!((none["answerable"].clone(), ids(&none["results"])), (json!(false), vec![]));
    let misses = ids(&none["near_misses"]);
    assert_eq!((misses.len(), misses.contains(&"t/own")), (2, false), "{none}");
    assert_eq!(none["assembled"]["citations"], json!([]));
    // They are text that was handed out.
    let statement = none["receipt"].as_str().unwrap().split('.').next().unwrap();
    let statement = String::from_utf8(base64_of(statement)).unwrap();
    for miss in none["near_misses"].as_array().unwrap() {
        assert!(statement.contains(miss["chunk_id"].as_str().unwrap()), "{statement}");
    }
    let nothing = bob.post("/v1/query", json!({"query": "zebra"})).await.ok();
    assert_eq!((nothing["answerable"].clone(), ids(&nothing["results"])), (json!(false), vec![]));
    for wrong in [json!(-0.1), json!(1.1)] {
        let refused = bob.post("/v1/query", json!({"query": "heron", "min_relevance": wrong})).await;
        assert_eq!(refused.status, 400);
    }
}

/// The built-in embedder's cosines mean nothing that anybody has measured.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_calibration_nobody_can_tell() {
    let service = service().await;
    let bob = service.as_reader("user:bob");
    let free = bob.post("/v1/query", json!({"query": "heron", "mode": "vector"})).await.ok();
    assert!(free["results"][0]["cosine"].is_number() && free["results"][0].get("relevance").is_none(), "{free}");
    assert!(free.get("answerable").is_none());
    let bound = bob.post("/v1/query", json!({"query": "heron", "mode": "vector", "min_relevance": 0.0})).await.ok();
    assert_eq!((ids(&bound["results"]), &bound["warnings"]), (vec![], &json!(["relevance_unknown"])));
    assert_eq!(ids(&bound["near_misses"]).len(), 3);
}

fn base64_of(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}
