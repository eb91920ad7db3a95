//! One person is one person, however the name is written and wherever.

use std::process::Command;

use serde_json::{Value, json};
use usher::config::RawConfig;
use usher::telemetry::Metrics;

use super::tokens::with_token;
use crate::common::tokens::{claims, header, issuer, sign};
use crate::common::{TestService, document, tuple};

/// Every way in which a name comes in: rules, tuples, conditions of clauses, keys, headers, tokens.
const SPELLINGS: [&str; 5] = [
    "user:Eve@Example.org",
    "user:eve@example.org",
    "user:eve%40example.org",
    "user:EVE%40EXAMPLE.ORG",
    "user:%65ve@example.org",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_and_a_ban_mean_the_person_however_each_is_spelled() {
    let service = TestService::start().await;
    let admin = service.admin();
    for (n, written) in SPELLINGS.iter().enumerate() {
        let (rules, tuples) = (format!("r/{n}"), format!("t/{n}"));
        admin
            .put_documents(vec![
                document(&rules, "lynx", json!({"viewers": [written]})),
                document(&tuples, "lynx", json!({"nobody": true})),
                document(&format!("b/{n}"), "lynx", json!({"viewers": ["user:*"], "blocked": [written]})),
                document(&format!("c/{n}"), "lynx", json!({"all_of": [[written], ["user:*"]]})),
            ])
            .await;
        admin.write(json!([tuple(written, "viewer", &format!("document:{tuples}"))]), json!([])).await;
        for asked in SPELLINGS {
            let found = service.as_reader(asked).ask("lynx").await;
            for id in [rules.as_str(), &tuples, &format!("c/{n}")] {
                assert!(found.contains(&id.to_owned()), "{id} as {asked}: {found:?}");
            }
            assert!(!found.contains(&format!("b/{n}")), "banned {written}, asked {asked}");
            let wanted = json!({"user": asked, "relation": "viewer", "object": format!("document:{tuples}")});
            let read = admin.post("/v1/relationships/read", wanted).await.ok();
            assert_eq!(read["tuples"].as_array().unwrap().len(), 1, "{asked}");
        }
        // It goes by any spelling too.
        let gone = SPELLINGS[(n + 1) % SPELLINGS.len()];
        admin.write(json!([]), json!([tuple(gone, "viewer", &format!("document:{tuples}"))])).await;
        assert!(!service.as_reader(written).ask("lynx").await.contains(&tuples));
    }
    // One person cannot be written twice.
    let twice = json!({"writes": [tuple(SPELLINGS[0], "member", "group:g"), tuple(SPELLINGS[2], "member", "group:g")]});
    assert_eq!(admin.post("/v1/relationships/write", twice).await.status, 400);
    // Keys.
    for subject in SPELLINGS {
        let made = json!({"name": "k", "scopes": ["query"], "subject": subject});
        let made = admin.post("/v1/keys", made).await.ok();
        assert_eq!(made["subject"], "user:eve%40example.org");
    }
    // Composed and decomposed; groups too.
    admin.write(json!([tuple("user:jose\u{301}", "member", "group:cafe\u{301}")]), json!([])).await;
    admin.put_documents(vec![document("g/1", "marmot", json!({"viewers": ["group:caf\u{e9}#member"]}))]).await;
    assert!(service.as_reader("user:jos%C3%A9").ask("marmot").await.contains(&"g/1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_a_token_is_the_address_in_a_ban() {
    let files = tempfile::tempdir().unwrap();
    let issuers = vec![usher::config::RawIssuer { subject_claim: Some("email".into()), ..issuer(files.path()) }];
    let service = TestService::start_raw(RawConfig { issuers, ..RawConfig::default() }).await;
    let admin = service.admin();
    let rules = json!({"viewers": ["user:*"], "blocked": ["user:eve@example.org"]});
    admin.put_documents(vec![document("a/1", "lynx", rules)]).await;
    for (address, expected) in
        [("eve@example.org", 0), ("Eve@Example.org", 0), ("EVE@EXAMPLE.ORG", 0), ("ann@example.org", 1)]
    {
        let mut claims = claims();
        (claims["email"], claims["email_verified"]) = (json!(address), json!(true));
        assert_eq!(with_token(&service, sign(&claims, &header(), 1)).ask("lynx").await.len(), expected, "{address}");
    }
}

/// Stores tuples as an older release did.
fn spell_as_before(data: &std::path::Path, rows: &[(&str, &str)]) {
    let script = "import sqlite3,sys,json\nd=sqlite3.connect(sys.argv[1])\nfor a,b in json.loads(sys.argv[2]):\n d.execute('UPDATE tuples SET subject=? WHERE subject=?',(b,a))\n\nd.execute(\"DELETE FROM meta WHERE name='spelling'\")\nd.commit()";
    let done = Command::new("python3")
        .args(["-c", script, data.join("catalog.db").to_str().unwrap(), &serde_json::to_string(rows).unwrap()])
        .status()
        .unwrap();
    assert!(done.success());
    // The seal vouches for what was there before.
    let _ = std::fs::remove_file(data.join("catalog.sum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_names_are_brought_into_one_spelling_and_nobody_gains() {
    if crate::common::postgres::is_chosen() {
        return;
    }
    let service = TestService::start().await;
    let admin = service.admin();
    let during = |user: &str, relation: &str, end: &str| {
        let mut tuple = tuple(user, relation, "document:a/2");
        tuple["condition"] = json!({"name": "during", "context": {"start": "2026-01-01T00:00:00Z", "end": format!("{end}-01-01T00:00:00Z")}});
        tuple
    };
    admin
        .put_documents(vec![
            document("a/1", "lynx", json!({"viewers": ["user:*"]})),
            document("a/2", "lynx", json!({"nobody": true})),
        ])
        .await;
    admin
        .write(
            json!([
                tuple("user:eve", "blocked", "document:a/1"),
                tuple("user:bob1", "viewer", "document:a/2"),
                during("user:bob2", "viewer", "2027"),
                during("user:amy1", "viewer", "2027"),
                during("user:amy2", "viewer", "2028"),
                during("user:dan1", "blocked", "2027"),
                tuple("user:dan2", "viewer", "document:a/2"),
            ]),
            json!([]),
        )
        .await;
    let folder = service.stop().await;
    spell_as_before(
        folder.path(),
        &[
            ("user:eve", "user:Eve@x.org"),
            ("user:bob1", "user:bob@x.org"),
            ("user:bob2", "user:bob%40x.org"),
            ("user:amy1", "user:amy@x.org"),
            ("user:amy2", "user:AMY@x.org"),
            ("user:dan1", "user:dan@x.org"),
            ("user:dan2", "user:dan%40x.org"),
        ],
    );
    let config = crate::common::config(folder.path()).await;
    let embedders = usher::embed::Embedders::new(vec![std::sync::Arc::new(usher::embed::HashEmbedder)]);
    let refused = usher::serve::open(&config, embedders, Metrics::new().unwrap()).await.err().unwrap();
    assert!(matches!(refused, usher::serve::ServeError::Spelling), "{refused}");
    let normalise = |more: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_usher"))
            .args(["normalise", "--data", folder.path().to_str().unwrap()])
            .args(more)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let shown = normalise(&[]);
    assert!(shown.contains("4 to change; nothing was changed"), "{shown}");
    let done = normalise(&["--apply"]);
    for line in [
        "respelled\t",
        "document:a/1#blocked@user:Eve@x.org\tbecomes\tdocument:a/1#blocked@user:eve%40x.org",
        "narrowed\t",
        "becomes\tdocument:a/2#viewer@user:bob%40x.org with during",
        "dropped\t",
        "4 changed",
    ] {
        assert!(done.contains(line), "{line:?} in {done}");
    }
    assert!(normalise(&[]).contains("0 to change"));
    let audit = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(audit.contains("names.normalise"));
    let service = TestService::start_in(folder).await;
    assert!(service.as_reader("user:eve@x.org").ask("lynx").await.is_empty(), "the ban binds at last");
    let read = |user: &str| {
        let (admin, user) = (service.admin(), user.to_owned());
        async move { admin.post("/v1/relationships/read", json!({"user": user})).await.ok()["tuples"].clone() }
    };
    let bob = read("user:bob@x.org").await;
    assert_eq!(
        (bob.as_array().unwrap().len(), &bob[0]["condition"]["name"]),
        (1, &json!("during")),
        "the narrower grant"
    );
    assert_eq!(read("user:amy@x.org").await, Value::Array(Vec::new()), "neither of two conditions is the narrower one");
    assert_eq!(read("user:dan@x.org").await.as_array().unwrap().len(), 2);
}
