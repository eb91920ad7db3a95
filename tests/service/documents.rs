//! Storing, changing, finding and removing documents.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::records::records;
use crate::common::{TestService, document, tuple};

#[tokio::test(flavor = "multi_thread")]
async fn versions_replace_each_other_whole() {
    let service = TestService::start().await;
    let admin = service.admin();
    let everyone = json!({"viewers": ["user:*"]});
    let first = admin.put_documents(vec![document("a/1", "first about roses", everyone.clone())]).await;
    assert_eq!(
        (first["results"][0]["status"].as_str(), first["results"][0]["version"].as_u64()),
        (Some("created"), Some(1))
    );
    let again = admin.put_documents(vec![document("a/1", "first about roses", everyone.clone())]).await;
    assert_eq!(again["results"][0]["status"], "unchanged");
    let narrowed =
        admin.put_documents(vec![document("a/1", "first about roses", json!({"viewers": ["user:ann"]}))]).await;
    assert_eq!(narrowed["results"][0]["status"], "acl_updated");
    assert!(service.as_reader("user:bob").ask("roses").await.is_empty());
    let second = admin.put_documents(vec![document("a/1", "second about violets", everyone)]).await;
    assert_eq!(
        (second["results"][0]["status"].as_str(), second["results"][0]["version"].as_u64()),
        (Some("updated"), Some(2))
    );
    let answer = service.as_reader("user:bob").post("/v1/query", json!({"query": "roses violets"})).await.ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    assert_eq!(answer["results"][0]["text"], "second about violets");
    admin.delete("/v1/documents/a%2F1?collection=main").await.ok();
    assert!(service.as_reader("user:bob").ask("violets").await.is_empty());
    let third = admin.put_documents(vec![document("a/1", "third", json!({"viewers": ["user:*"]}))]).await;
    assert_eq!(third["results"][0]["version"], 3, "a version number is never used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_hand_survives_the_next_ingest() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "peonies", json!({"viewers": ["user:ann", "user:bob"]}))]).await;
    // By hand: cyd may, bob may not.
    admin
        .write(
            json!([tuple("user:cyd", "viewer", "document:a/1")]),
            json!([tuple("user:bob", "viewer", "document:a/1")]),
        )
        .await;
    // The source changes something else.
    admin.put_documents(vec![document("a/1", "peonies", json!({"viewers": ["user:bob", "user:dan"]}))]).await;
    for (who, may) in [("ann", false), ("bob", false), ("cyd", true), ("dan", true)] {
        assert_eq!(!service.as_reader(&format!("user:{who}")).ask("peonies").await.is_empty(), may, "{who}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_document_is_refused_alone_with_its_reason() {
    let service = TestService::start().await;
    let admin = service.admin();
    let mut without_rules = document("a/none", "x", json!({}));
    without_rules.as_object_mut().unwrap().remove("acl");
    let mut bad_section = document("a/section", "x", json!({"viewers": ["user:*"]}));
    bad_section["sections"] = json!([{"id": "s", "heading": "Nowhere", "acl": {"viewers": ["user:ann"]}}]);
    let body = json!({"documents": [
        document("a/good", "dahlias", json!({"viewers": ["user:*"]})),
        without_rules,
        bad_section,
        document("nosource", "x", json!({"viewers": ["user:*"]})),
        document("a/bad", "x", json!({"viewers": ["martian:zog"]})),
        document("a/both", "x", json!({"viewers": ["user:ann"], "nobody": true})),
    ]});
    let answer = admin.post("/v1/documents", body).await.ok();
    let statuses: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["status"].as_str().unwrap(), result["problem"]["code"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        statuses,
        [
            ("created", ""),
            ("rejected", "acl_missing"),
            ("rejected", "unprocessable_document"),
            ("rejected", "unprocessable_document"),
            ("rejected", "acl_invalid"),
            ("rejected", "acl_invalid"),
        ]
    );
    assert_eq!(service.as_reader("user:bob").ask("dahlias").await, ["a/good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_undeclared_fields_match_nothing() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put("/v1/collections/main", json!({"fields": {"lang": "keyword", "year": "number"}})).await.ok();
    let mut docs = Vec::new();
    for (n, lang) in ["en", "de", "en"].iter().enumerate() {
        let mut doc = document(&format!("f/{n}"), "asters", json!({"viewers": ["user:*"]}));
        doc["metadata"] = json!({"lang": lang, "year": 2020 + n, "other": 1});
        docs.push(doc);
    }
    admin.put_documents(docs).await;
    let reader = service.as_reader("user:ann");
    let count = async |filter: serde_json::Value| {
        let answer = reader.post("/v1/query", json!({"query": "asters", "filter": filter})).await.ok();
        answer["results"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({"field": "lang", "op": "eq", "value": "en"})).await, 2);
    assert_eq!(
        count(
            json!({"and": [{"field": "lang", "op": "eq", "value": "en"}, {"field": "year", "op": "gt", "value": 2020}]})
        )
        .await,
        1
    );
    assert_eq!(count(json!({"field": "other", "op": "eq", "value": 1})).await, 0);
    assert_eq!(count(json!({"not": {"field": "other", "op": "eq", "value": 1}})).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_rechecks_and_assembled_text_agree_with_the_results() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "irises bloom in may", json!({"viewers": ["user:ann"]}))]).await;
    let ann = service.as_reader("user:ann");
    let answer =
        ann.post("/v1/query", json!({"query": "irises", "include": ["text", "assembled", "timings"]})).await.ok();
    let hit = &answer["results"][0];
    assert!(answer["assembled"]["text"].as_str().unwrap().contains("irises bloom in may"));
    assert!(answer["timings_ms"]["total"].as_f64().unwrap() > 0.0);
    let receipt = service.service().receipts.verify(answer["receipt"].as_str().unwrap()).unwrap();
    assert_eq!(receipt.items.len(), 1);
    assert_eq!(hit["chunk_id"], receipt.items[0].chunk_id);
    is_verified_by_what_is_published(&service, answer["receipt"].as_str().unwrap()).await;
    let items = json!({"items": [
        {"chunk_id": hit["chunk_id"], "content_hash": hit["content_hash"]},
        {"chunk_id": hit["chunk_id"], "content_hash": "b3:00"},
        {"chunk_id": "c_00000000000000000000000000000000"},
    ]});
    let statuses = |answer: serde_json::Value| -> Vec<String> {
        answer["items"].as_array().unwrap().iter().map(|item| item["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(statuses(ann.post("/v1/recheck", items.clone()).await.ok()), ["ok", "changed", "not_readable"]);
    let bob = service.as_reader("user:bob");
    assert_eq!(statuses(bob.post("/v1/recheck", items).await.ok()), ["not_readable"; 3]);
}

/// With the published key and nothing else, as somebody without a credential.
async fn is_verified_by_what_is_published(service: &TestService, receipt: &str) {
    let nobody = crate::common::Client { key: String::new(), ..service.admin() };
    let keys = nobody.get("/v1/receipts/keys").await.ok();
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let public = decode(key["x"].as_str().unwrap()).try_into().unwrap();
    let public = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
    let (statement, signature) = receipt.split_once('.').unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&decode(signature)).unwrap();
    let mut statement = decode(statement);
    assert!(public.verify_strict(&statement, &signature).is_ok());
    let stated: serde_json::Value = serde_json::from_slice(&statement).unwrap();
    assert_eq!(stated["subjects"], json!(["user:ann"]));
    statement[0] ^= 1;
    assert!(public.verify_strict(&statement, &signature).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_writes_only_in_its_sources() {
    let service = TestService::start().await;
    let admin = service.admin();
    let key = json!({"name": "wiki", "scopes": ["documents.write"], "sources": ["wiki"]});
    let key = admin.post("/v1/keys", key).await.ok()["key"].as_str().unwrap().to_owned();
    let wiki = crate::common::Client { key, ..admin };
    wiki.put_documents(vec![document("wiki/a", "x", json!({"viewers": ["user:*"]}))]).await;
    let body = json!({"documents": [document("hr/a", "x", json!({"viewers": ["user:*"]}))]});
    assert_eq!(wiki.post("/v1/documents", body).await.problem(403), "insufficient_scope");
    // Of several each stands or falls alone, and the refusal has its record.
    let both = ["hr/a", "wiki/b"].map(|id| document(id, "x", json!({"viewers": ["user:*"]})));
    let told = wiki.post("/v1/documents", json!({"documents": both})).await.ok();
    assert_eq!((&told["results"][0]["status"], &told["results"][1]["status"]), (&json!("rejected"), &json!("created")));
    assert_eq!(told["results"][0]["problem"]["code"], "insufficient_scope", "{told}");
    let denied = records(service.folder.path()).into_iter().rfind(|record| record["event"] == "denied").unwrap();
    assert_eq!(denied["items"], json!(["hr/a"]));
    assert_eq!(wiki.delete("/v1/documents/hr%2Fa?collection=main").await.problem(403), "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_documents_are_hidden_at_once() {
    let service = TestService::start().await;
    let admin = service.admin();
    let mut doc = document("a/1", "snowdrops", json!({"viewers": ["user:*"]}));
    doc["expires_at"] = json!((jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2)).to_string());
    admin.put_documents(vec![doc]).await;
    let ann = service.as_reader("user:ann");
    assert_eq!(ann.ask("snowdrops").await, ["a/1"]);
    tokio::time::sleep(std::time::Duration::from_millis(2300)).await;
    assert!(ann.ask("snowdrops").await.is_empty());
}

/// Text is stored in parts of 32 KiB; borders lie inside words and characters, and shorter texts leave nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn long_texts_are_read_back_whole_and_in_pieces() {
    let service = TestService::start().await;
    let admin = service.admin();
    let long: String = (0..9_000).map(|n| format!("wörd{n} ")).collect();
    let viewers = json!({"viewers": ["user:ann"]});
    // The version without any chunk also begins where the next one does.
    for text in [long.as_str(), "wörd1 short", ""] {
        admin.put_documents(vec![document("s/long", text, viewers.clone())]).await;
        let ann = service.as_reader("user:ann");
        let read = ann.get("/v1/documents/s%2Flong?collection=main").await.ok();
        assert_eq!(read["text"], text);
    }
    let stored = admin.put_documents(vec![document("s/long", &long, viewers)]).await;
    for border in [32_768, 65_536] {
        let before = &long[..(0..=border).rev().find(|at| long.is_char_boundary(*at)).unwrap()];
        let word = before.rsplit(' ').nth(1).unwrap();
        let question = json!({"query": word, "mode": "keyword", "top_k": 5, "min_revision": stored["revision"]});
        let answer = service.as_reader("user:ann").post("/v1/query", question).await.ok();
        let passages = answer["results"].as_array().unwrap();
        assert!(!passages.is_empty(), "{word}");
        for passage in passages {
            let at = |end: &str| passage["span"][end].as_u64().unwrap() as usize;
            assert_eq!(passage["text"], long[at("start")..at("end")]);
        }
    }
}
