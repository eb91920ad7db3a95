//! Parts of documents that a reader can't see: where they end, and that nothing of them shows.

use serde_json::{Value, json};
use usher_oracle::world::{canary, sentence};
use usher_support::Random;

use crate::common::{Client, TestService};
use crate::driver::Driver;
use crate::plan;
use crate::twins::{comparable, twin_of};

/// What stands in a part under a heading of the second level, with a word of its own at the end. None of it ends the part.
fn block(rng: &mut Random, words: &str) -> String {
    match rng.below(12) {
        0 => format!("    # {words}\n    more"),
        1 => format!("````\n```\n## {words}\n```\n````"),
        2 => format!("~~~~ text\n~~~\n# {words}\n~~~~"),
        3 => format!("<div>\n# {words}\n</div>"),
        4 => format!("> # Quoted\n>\n> {words}"),
        5 => format!("- item\n\n  # Listed\n\n  {words}"),
        6 => format!("### Deeper\n\n{words}"),
        7 => format!("{words}\n\n[after]: https://example.org"),
        8 => format!("#\u{200b} {words}"),
        9 => format!("{words}\u{2028}# {words}"),
        10 => format!("```\n\u{c}```\n# {words}\n```"),
        _ => words.to_owned(),
    }
}

/// A part of some length under a heading of its own, and the word at its end.
fn part(rng: &mut Random) -> (String, String, String) {
    let heading = format!("Part {}", rng.next() % 1_000_000);
    let underlined = rng.chance(30);
    let mut text = if underlined { format!("{heading}\n---\n\n") } else { format!("## {heading}\n\n") };
    for _ in 0..1 + rng.below(12) {
        let count = 3 + rng.below(60);
        let words = sentence(rng, count);
        text.push_str(&block(rng, &words));
        text.push_str("\n\n");
    }
    let word = canary(rng);
    let last = block(rng, &word);
    text.push_str(&format!("{last}\n\n"));
    (heading, text, word)
}

fn section(place: Value) -> Value {
    let mut section = json!({"id": "s", "acl": {"viewers": ["user:u0"]}});
    section.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
    section
}

fn document(id: &str, media_type: &str, text: &str, section: Value) -> Value {
    json!({"id": id, "collection": "leak", "title": id, "content": {"type": media_type, "text": text},
           "acl": {"viewers": ["user:u0", "user:u1"]}, "sections": [section]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_ends_where_the_structure_of_the_text_says() {
    let (seed, steps) = plan(120);
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/leak", json!({"analyser": "simple"})).await.ok();
    let (reader, other) = (service.as_reader("user:u0"), service.as_reader("user:u1"));
    let mut rng = Random::new(seed);
    for step in 0..steps {
        let (heading, hidden, word) = part(&mut rng);
        let text = format!("# Top\n\nopen beginning\n\n{hidden}## After\n\nopen end [after]\n");
        let id = format!("t/d{step}");
        let body = document(&id, "text/markdown", &text, section(json!({"heading": heading})));
        admin.put_documents(vec![body]).await;
        let path = format!("/v1/documents/t%2Fd{step}?collection=leak");
        let seen = other.get(&path).await.ok();
        assert_eq!(seen["text"], "# Top\n\nopen beginning\n\n## After\n\nopen end [after]\n", "{text}");
        assert!(reader.get(&path).await.ok()["text"].as_str().unwrap().contains(&word));
        let question = json!({"query": word, "collections": ["leak"], "mode": "keyword"});
        assert_eq!(other.post("/v1/query", question).await.ok()["results"], json!([]), "{text}");
    }
    println!("{steps} restricted parts from seed {seed}, none of which ended early");
}

/// One document for each of two worlds, which differ in what is hidden from `user:u1` alone.
fn twins(rng: &mut Random, id: &str) -> [Value; 2] {
    let before = format!("# Top\n\n{}\n\n", sentence(rng, 200));
    let after = format!("## After [it]\n\n{}\n\n### Last [after]\n\n{}\n", sentence(rng, 250), sentence(rng, 30));
    let kind = rng.below(4);
    [(); 2].map(|()| {
        let (heading, mut hidden, _) = part(rng);
        if rng.chance(50) {
            hidden.push_str(&format!("{}\n\n", sentence(rng, 600)));
        }
        if kind == 1 && rng.chance(50) {
            // What is opened here would run on through all that follows.
            hidden.push_str(["```\n", "<!--\n", "[it]: https://example.org\n\n"][rng.below(3)]);
        }
        let span = json!({"span": {"start": before.len(), "end": before.len() + hidden.len()}});
        let text = format!("{before}{hidden}{after}");
        match kind {
            0 => document(id, "text/markdown", &text, section(json!({"heading": heading}))),
            1 => document(id, "text/markdown", &text, section(span)),
            2 => document(id, "text/plain", &text, section(span)),
            _ => {
                let (from, to) = (before.len() + hidden.len(), text.len());
                let page = 2 + hidden.len() / 100;
                let mut body = document(id, "application/pdf", &text, section(span));
                body["chunks"] = json!([
                    {"start": 0, "end": before.len(), "heading_path": ["Top"], "page": 1},
                    {"start": before.len(), "end": from, "heading_path": ["Top", heading], "page": 2},
                    {"start": from, "end": to, "heading_path": ["Top", heading, "After [it]"], "page": page},
                ]);
                body
            }
        }
    })
}

/// All that the reader can ask about the document, without what differs by design.
async fn told(client: &Client, id: &str, question: &str) -> Vec<String> {
    let include = ["text", "metadata", "neighbors", "under_heading", "assembled"];
    let query = json!({"query": question, "top_k": 20, "collections": ["leak"], "include": include});
    let mut spread = query.clone();
    spread["max_per_document"] = json!(1 + question.len() % 3);
    spread["diversity"] = json!(0.4);
    let (answer, spread) = (client.post("/v1/query", query).await, client.post("/v1/query", spread).await);
    let hits = answer.json()["results"].as_array().unwrap().clone();
    let items: Vec<Value> =
        hits.iter().map(|hit| json!({"chunk_id": hit["chunk_id"], "content_hash": hit["content_hash"]})).collect();
    let document = client.get(&format!("/v1/documents/{}?collection=leak", id.replace('/', "%2F"))).await;
    let text = document.json()["text"].as_str().unwrap().to_owned();
    for hit in hits.iter().filter(|hit| hit["document_id"] == id) {
        let place = |end: &str| hit["span"][end].as_u64().unwrap() as usize;
        assert_eq!(text.get(place("start")..place("end")), hit["text"].as_str(), "{hit}");
    }
    let rechecked = client.post("/v1/recheck", json!({"items": items})).await;
    let mut list = client.get("/v1/documents?collection=leak&limit=1000").await.ok();
    for listed in list["documents"].as_array_mut().unwrap() {
        listed["updated_at"] = json!("time");
    }
    let list = serde_json::to_vec(&list).unwrap();
    [answer.bytes, spread.bytes, document.bytes, rechecked.bytes, list].iter().map(|bytes| comparable(bytes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_hidden_part_moves_no_byte_of_an_answer() {
    let (seed, steps) = plan(120);
    let service = Driver::serve(tempfile::tempdir().unwrap()).await;
    service.admin().put("/v1/collections/leak", json!({"analyser": "simple"})).await.ok();
    let folder = service.stop().await;
    let twin = twin_of(&folder).await;
    let (service, other) = (Driver::serve(folder).await, Driver::serve(twin).await);
    let mut rng = Random::new(seed ^ 0x5ec7);
    let mut compared = 0;
    for _ in 0..steps {
        let id = format!("t/d{}", rng.below(20));
        let [first, second] = twins(&mut rng, &id);
        service.admin().put_documents(vec![first]).await;
        other.admin().put_documents(vec![second]).await;
        let question = sentence(&mut rng, 3);
        let (a, b) = (service.as_reader("user:u1"), other.as_reader("user:u1"));
        let (a, b) = (told(&a, &id, &question).await, told(&b, &id, &question).await);
        assert_eq!(a, b);
        compared += a.len();
        // Who may read all of it finds each passage where the answer says.
        told(&service.as_reader("user:u0"), &id, &question).await;
    }
    println!("twin documents: {compared} answers compared from seed {seed}, 0 bytes differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_parts_are_passed_over() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/leak", json!({"analyser": "simple"})).await.ok();
    let text = "# Top\n\namber\n\n## Secret\n\nbirch\n\n## After\n\ncedar\n";
    let body = document("t/d", "text/markdown", text, section(json!({"heading": "Secret"})));
    admin.put_documents(vec![body]).await;
    let query = json!({"query": "cedar", "collections": ["leak"], "top_k": 1, "include": ["text", "neighbors"]});
    let mut seen = Vec::new();
    for who in ["user:u0", "user:u1"] {
        let answer = service.as_reader(who).post("/v1/query", query.clone()).await.ok();
        let neighbors = answer["results"][0]["neighbors"].as_array().unwrap().clone();
        seen.push(neighbors.iter().map(|it| it["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
    }
    assert_eq!(seen, [["## Secret\n\nbirch"], ["# Top\n\namber"]]);
}

/// What a reader sees under a heading around a hidden part is what it would see if the part were not there.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_under_a_heading_has_no_gaps() {
    let (seed, steps) = plan(20);
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/leak", json!({"analyser": "simple"})).await.ok();
    let mut rng = Random::new(seed ^ 0x9a9);
    let mut joined = 0;
    for step in 0..steps {
        let paragraphs = |rng: &mut Random| -> String {
            (0..1 + rng.below(4)).map(|_| format!("{}\n\n", sentence(rng, 120))).collect()
        };
        let (before, hidden, after) = (paragraphs(&mut rng), paragraphs(&mut rng), paragraphs(&mut rng));
        let word = canary(&mut rng);
        let hidden = format!("{word} {hidden}");
        let span = json!({"span": {"start": before.len(), "end": before.len() + hidden.len()}});
        let with = document(&format!("t/with{step}"), "text/plain", &format!("{before}{hidden}{after}"), section(span));
        admin.put_documents(vec![with]).await;
        let around = async |reader: &str, id: String| {
            let query = json!({"query": sentence(&mut Random::new(3), 20), "mode": "vector", "top_k": 50,
                "collections": ["leak"], "include": ["text", "under_heading"],
                "filter": {"field": "document_id", "op": "eq", "value": id}});
            let answer = service.as_reader(reader).post("/v1/query", query).await.ok();
            let hits = answer["results"].as_array().unwrap().clone();
            hits.into_iter().map(|hit| hit["under_heading"].clone()).collect::<Vec<_>>()
        };
        for of in around("user:u1", format!("t/with{step}")).await {
            let text = of["text"].as_str().unwrap();
            assert!(!text.contains(&word) && !text.contains('…'), "{of}");
            if of["is_whole"] == true {
                let squeezed = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(squeezed(text), squeezed(&format!("{before}{after}")));
                joined += 1;
            }
        }
        let all = around("user:u0", format!("t/with{step}")).await;
        assert!(all.iter().any(|of| of["text"].as_str().unwrap().contains(&word)));
    }
    assert!(joined > steps, "{joined} passages had all of their text around them");
}
