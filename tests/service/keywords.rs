//! What the keyword leg finds, through the whole service.

use serde_json::{Value, json};
use usher::index::TantivyKeywords;

use crate::common::{Client, TestService, document};

/// What keywords find of `main`, best first.
async fn found(reader: &Client, query: &str) -> Vec<(String, String)> {
    let body = json!({"query": query, "mode": "keyword", "top_k": 20, "collections": ["main"]});
    let answer = reader.post("/v1/query", body).await.ok();
    let text = |passage: &Value, name: &str| passage[name].as_str().unwrap().to_owned();
    let results = answer["results"].as_array().unwrap().iter();
    results.map(|passage| (text(passage, "document_id"), text(passage, "text"))).collect()
}

async fn ids(reader: &Client, query: &str) -> Vec<String> {
    found(reader, query).await.into_iter().map(|(id, _)| id).collect()
}

fn markdown(id: &str, text: &str, sections: Value) -> Value {
    let mut made = document(id, text, json!({"viewers": ["user:ann", "user:eve"]}));
    made["content"] = json!({"type": "text/markdown", "text": text});
    made["sections"] = sections;
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn headings_are_searched_with_every_passage_below_them() {
    let service = TestService::start().await;
    let filler = "Goods are kept in the warehouse and counted by its staff every week. ".repeat(60);
    let text = format!(
        "# Manual\n\n## Refunds\n\n{filler}\n\nThe deadline is fourteen days.\n\n## Repairs\n\n{filler}\n\nThe deadline is \
         two years.\n\n## Salaries\n\n{filler}\n\nThe deadline is Friday.\n"
    );
    let hidden = json!([{"id": "pay", "heading": "Salaries", "acl": {"viewers": ["user:eve"]}}]);
    service.admin().put_documents(vec![markdown("m/1", &text, hidden)]).await;
    let (ann, eve) = (service.as_reader("user:ann"), service.as_reader("user:eve"));
    for (query, expected) in [("refunds deadline", "fourteen days"), ("repairs deadline", "two years")] {
        let best = found(&ann, query).await.remove(0).1;
        assert!(best.contains(expected), "{query}: {best}");
    }
    assert!(ids(&ann, "salaries").await.is_empty());
    assert!(found(&eve, "salaries deadline").await.remove(0).1.contains("Friday"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_document_is_stemmed_in_its_own_language_and_the_spelling_asked_for_comes_first() {
    let service = TestService::start().await;
    let view = service.admin().get("/v1/collections/main").await.ok();
    assert_eq!(view["analyser"], "auto");
    let all = json!({"viewers": ["user:ann"]});
    let german = "Der Betriebsrat hat die Vereinbarungen über flexible Arbeitszeiten in allen Häusern unterschrieben.";
    let english = "The committee has discussed the agreements on flexible working hours with all of the houses abroad.";
    let texts =
        [("l/de", german), ("l/en", english), ("l/plain", "cafe opens"), ("l/accent", "café opens"), ("l/ß", "Straße")];
    let documents = texts.map(|(id, text)| document(id, text, all.clone()));
    service.admin().put_documents(documents.into()).await;
    let ann = service.as_reader("user:ann");
    assert_eq!(ids(&ann, "haus").await, ["l/de"]);
    assert_eq!(ids(&ann, "Vereinbarung").await, ["l/de"]);
    assert_eq!(ids(&ann, "house agreement").await, ["l/en"]);
    assert_eq!(ids(&ann, "café").await, ["l/accent", "l/plain"]);
    assert_eq!(ids(&ann, "CAFE").await, ["l/plain", "l/accent"]);
    assert_eq!(ids(&ann, "strasse").await, ["l/ß"]);
    // Nothing but stop words is asked for as it is.
    assert_eq!(ids(&ann, "with the").await, ["l/en"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_words_follow_one_another() {
    let service = TestService::start().await;
    let all = json!({"viewers": ["user:ann"]});
    let texts = [
        ("p/1", "the red heron and the blue kelp"),
        ("p/2", "the blue heron and the red kelp"),
        ("p/3", "max_blue_heron"),
    ];
    let documents = texts.map(|(id, text)| document(id, text, all.clone()));
    service.admin().put_documents(documents.into()).await;
    let ann = service.as_reader("user:ann");
    let sorted = async |query: &str| {
        let mut found = ids(&ann, query).await;
        found.sort();
        found
    };
    assert_eq!(sorted("blue heron").await, ["p/1", "p/2", "p/3"]);
    assert_eq!(sorted("\"Blue heron\"").await, ["p/2", "p/3"]);
    assert_eq!(sorted("“heron and the red” kelp").await, ["p/2"]);
    assert_eq!(sorted("\"red kelp\" \"blue heron\"").await, ["p/2"]);
    assert_eq!(sorted("\"kelp red\"").await, [""; 0]);
    assert_eq!(sorted("\"blue herons\"").await, [""; 0]);
    assert_eq!(sorted("5\" kelp").await, ["p/1", "p/2"]);
}

/// What a release leaves that analysed words in another way: the index says so, and is filled anew from the catalog.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_analysis_is_made_anew_at_the_start() {
    let service = TestService::start().await;
    let all = json!({"viewers": ["user:ann"]});
    let documents = (0..3).map(|n| document(&format!("o/{n}"), "résumé of the meeting", all.clone()));
    service.admin().put_documents(documents.collect()).await;
    let folder = service.stop().await;
    let pairs = std::fs::read_dir(folder.path().join("indexes")).unwrap();
    let keywords: Vec<_> =
        pairs.map(|pair| pair.unwrap().path().join("keywords")).filter(|path| path.exists()).collect();
    assert_eq!(keywords.len(), 1);
    drop(TantivyKeywords::create(&keywords[0], "another").unwrap());
    let service = TestService::start_in(folder).await;
    assert_eq!(ids(&service.as_reader("user:ann"), "resume meetings").await.len(), 3);
}
