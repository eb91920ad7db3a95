//! Mistakes are said: what a question names and nothing answers to, whom a credential stands for, what a key names.

use serde_json::json;

use super::tokens::{service_with, with_token};
use crate::common::tokens::{ISSUER, claims, header, sign};
use crate::common::{Client, TestService, document, tuple};

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_told_what_it_names_and_nothing_answers_to() {
    let service = TestService::start().await;
    let admin = service.admin();
    // One that exists and holds nothing for ann, with a field of its own.
    admin.put("/v1/collections/secret", json!({"fields": {"grade": "keyword"}})).await.ok();
    admin.put("/v1/collections/main", json!({"fields": {"year": "number"}})).await.ok();
    let mut hidden = document("s/1", "begonias", json!({"viewers": ["user:rita"]}));
    hidden["collection"] = json!("secret");
    admin.put_documents(vec![hidden, document("a/1", "begonias", json!({"viewers": ["user:ann"]}))]).await;
    let ann = service.as_reader("user:ann");
    let ask = async |collections: &[&str], fields: &[&str]| {
        let any: Vec<_> =
            fields.iter().map(|field| json!({"not": {"field": field, "op": "exists", "value": true}})).collect();
        let mut question = json!({"query": "begonias", "collections": collections});
        if !any.is_empty() {
            question["filter"] = json!({"or": any});
        }
        let answer = ann.post("/v1/query", question).await.ok();
        (answer["warnings"].clone(), answer["not_found"].clone(), answer["results"].as_array().unwrap().len())
    };
    assert_eq!(ask(&[], &[]).await, (json!([]), json!(null), 1));
    assert_eq!(ask(&["main"], &["year", "title"]).await, (json!([]), json!(null), 1));
    // What isn't there, and what ann can't read.
    for name in ["secrte", "secret"] {
        let found = ask(&["main", name], &[]).await;
        assert_eq!(found, (json!(["collection_not_found"]), json!({"collections": [name]}), 1));
    }
    for name in ["yaer", "grade"] {
        let found = ask(&["main"], &[name, "year"]).await;
        assert_eq!(found, (json!(["field_not_found"]), json!({"fields": [name]}), 1));
        let found = ask(&[], &[name]).await;
        assert_eq!(found, (json!(["field_not_found"]), json!({"fields": [name]}), 0));
    }
    // Somebody whom no tuple names, and somebody whom one bans from all that there is.
    admin.write(json!([tuple("user:eve", "blocked", "document:a/1")]), json!([])).await;
    for nobody in ["user:anne", "user:eve"] {
        let answer = service.as_reader(nobody).post("/v1/query", json!({"query": "begonias"})).await.ok();
        assert_eq!(answer["warnings"], json!(["nothing_readable"]), "{nobody}");
        assert_eq!(answer["complete"], true);
    }
    for subject in ["ann", "user:", "group:g#member", "user:*", "folder:hr", "user:ann user:bob"] {
        let refused = service.as_reader(subject).post("/v1/query", json!({"query": "x"})).await;
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(refused.problem(400), "invalid_request", "{subject}");
        assert!(detail.contains("usher-subject") && detail.contains("user:anne"), "{detail}");
    }
    // Gone until they do something.
    for field in ["rerank", "consistency"] {
        let refused = ann.post("/v1/query", json!({"query": "x", field: "latest"})).await;
        assert_eq!(refused.problem(400), "invalid_request", "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_a_collection_that_is_not_there_is_made_with_a_warning() {
    let service = TestService::start().await;
    let admin = service.admin();
    let body = json!({"name": "k", "scopes": ["query"], "subject": "service:k", "collections": ["main", "mian"]});
    let made = admin.post("/v1/keys", body.clone()).await.ok();
    assert_eq!(made["warnings"], json!(["there is no collection `mian`"]));
    admin.put("/v1/collections/mian", json!({})).await.ok();
    assert_eq!(admin.post("/v1/keys", body).await.ok()["warnings"], json!(null));
    // Whom it reads as.
    let warnings = async |body: serde_json::Value| {
        let made = admin.post("/v1/keys", body).await.ok();
        made["warnings"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(warnings(json!({"name": "k", "scopes": ["query"]})).await, 1);
    assert_eq!(warnings(json!({"name": "k", "scopes": ["act_as"]})).await, 1);
    assert_eq!(warnings(json!({"name": "k", "scopes": ["query", "act_as"]})).await, 2);
    assert_eq!(warnings(json!({"name": "k", "scopes": ["query", "act_as"], "act_as_types": ["user"]})).await, 0);
    assert_eq!(warnings(json!({"name": "k", "scopes": ["documents.write"]})).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_credential_is_told_what_it_is() {
    let (service, _files) = service_with(|issuer| issuer.collections = Some(vec!["main".into()])).await;
    let admin = service.admin();
    let told = admin.get("/v1/whoami").await.ok();
    assert_eq!((&told["credential"], &told["subjects"], &told["reads_as"]), (&json!("key"), &json!([]), &json!([])));
    let all = [
        "query",
        "documents.read",
        "documents.write",
        "relationships.read",
        "relationships.write",
        "explain",
        "diagnostics",
        "act_as",
        "admin",
    ];
    assert_eq!(told["scopes"], json!(all));
    assert_eq!((&told["collections"], &told["acts_for"]), (&json!(null), &json!(null)));
    assert!(told["expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let acting = service.as_reader("user:ann").get("/v1/whoami").await.ok();
    assert_eq!((&acting["acts_for"], &acting["reads_as"]), (&json!(["user:ann"]), &json!(["user:ann"])));

    let mut actor = claims();
    actor["act"] = json!({"sub": "scribe"});
    actor["scope"] = json!("openid usher.query usher.explain");
    let token = sign(&actor, &header(), 1);
    let told = with_token(&service, token.clone()).get("/v1/whoami").await.ok();
    assert_eq!((&told["credential"], &told["id"]), (&json!("token"), &json!(ISSUER)));
    assert_eq!(told["reads_as"], json!(["user:ann", "agent:scribe"]));
    assert_eq!((&told["scopes"], &told["collections"]), (&json!(["query"]), &json!(["main"])));
    let end = told["expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(end.as_second(), actor["exp"].as_i64().unwrap());

    // Any credential, and none: 401. One without scopes may ask.
    let nobody = Client { key: String::new(), ..service.admin() };
    assert_eq!(nobody.get("/v1/whoami").await.problem(401), "unauthenticated");
    let key = admin.post("/v1/keys", json!({"name": "nothing", "scopes": []})).await.ok();
    let powerless = Client { key: key["key"].as_str().unwrap().to_owned(), ..service.admin() };
    assert_eq!(powerless.get("/v1/whoami").await.ok()["scopes"], json!([]));
    // A portal with its user's token: both.
    let body = json!({"name": "portal", "subject": "service:portal", "scopes": ["query", "documents.read"]});
    let portal = admin.post("/v1/keys", body).await.ok()["key"].as_str().unwrap().to_owned();
    let shown = reqwest::Client::new().get(format!("{}/v1/whoami", service.base()));
    let shown = shown.bearer_auth(portal).header("Usher-Subject-Token", token).send().await.unwrap();
    let told: serde_json::Value = shown.json().await.unwrap();
    assert_eq!((&told["subjects"], &told["scopes"]), (&json!(["service:portal"]), &json!(["query"])));
    assert_eq!(told["reads_as"], json!(["user:ann", "agent:scribe"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_named_by_its_place() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("s/1", "begonias", json!({"viewers": ["user:ann"]}))]).await;
    let good = tuple("user:ann", "member", "group:g");
    let misspelt =
        json!({"user": "user:ann", "relation": "viewer", "object": "document:x", "conditon": {"name": "during"}});
    let explain = |subject: &str| json!({"subject": subject, "collection": "main", "document_id": "s/1"});
    for (path, body, place) in [
        ("/v1/relationships/write", json!({"writes": [good, tuple("user:ann", "nope", "group:g")]}), "/writes/1"),
        ("/v1/relationships/write", json!({"writes": [good, good]}), "/writes/1"),
        ("/v1/relationships/write", json!({"deletes": [tuple("ann", "member", "group:g")]}), "/deletes/0"),
        // Else the grant would hold without its condition.
        ("/v1/relationships/write", json!({"writes": [misspelt]}), "/writes/0/conditon"),
        ("/v1/relationships/read", json!({"limit": 10.5}), "/limit"),
        ("/v1/explain", explain("document:s/1"), "/subject"),
        // The collection is bound to a type that this model lacks.
        ("/v1/models", json!({"model": {"schema_version": "1.1", "type_definitions": [{"type": "user"}]}}), "/model"),
    ] {
        let refused = admin.post(path, body).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], place, "{}", refused.json());
        assert_eq!(refused.problem(400), "invalid_request", "{place}");
    }
    for (body, place) in [
        (json!({"object_type": "nope", "section_type": ""}), "/object_type"),
        (json!({"section_type": "nope"}), "/section_type"),
        (json!({"section_type": "document"}), "/section_type"),
        (json!({"relation": "nope"}), "/relation"),
        (json!({"fields": {"title": "keyword"}}), "/fields/title"),
    ] {
        let refused = admin.put("/v1/collections/other", body).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], place, "{}", refused.json());
    }
    // A whole number is one however it is written.
    admin.post("/v1/relationships/read", json!({"limit": 10.0})).await.ok();
    // NUL is in no name, and no catalog has to be asked about it.
    for path in ["/v1/documents?collection=a%00", "/v1/collections/a%00", "/v1/relationships/users?type=a%00b"] {
        assert_eq!(admin.get(path).await.problem(400), "invalid_request", "{path}");
    }
    let store = admin.get("/stores").await.ok()["stores"][0]["id"].as_str().unwrap().to_owned();
    let refused = admin.get(&format!("/stores/{store}/changes?type=a%00")).await;
    assert_eq!(refused.problem(400), "validation_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_removed_only_in_the_version_that_is_named() {
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("s/1", "begonias", json!({"viewers": ["user:ann"]}))]).await;
    let remove = async |version: &str| {
        let url = format!("{}/v1/documents/s%2F1?collection=main", service.base());
        let request = reqwest::Client::new().delete(url).bearer_auth(&admin.key).header("If-Match", version);
        request.send().await.unwrap().status().as_u16()
    };
    for malformed in ["x", "{}", "\"1", "1\"", "\"\"1\"\"", "W/1", "-1", "1, 2"] {
        assert_eq!(remove(malformed).await, 400, "{malformed}");
    }
    // Well-formed, and of no version that is stored; a weak tag never is one.
    for other in ["2", "\"2\"", "\"x\"", "W/\"1\"", "\"\""] {
        assert_eq!(remove(other).await, 412, "{other}");
    }
    assert_eq!(remove("\"1\"").await, 204);
}

/// The example of `docs/identity.md`, as it stands.
#[test]
fn a_newcomer_gets_from_nothing_to_a_token_that_works() {
    use std::process::{Command, Stdio};

    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/identity.md")).unwrap();
    let example = text.split("## From nothing").nth(1).unwrap();
    let blocks: Vec<&str> =
        example.split("```sh\n").skip(1).map(|block| block.split("\n```").next().unwrap()).collect();
    let [set_up, ask] = blocks[..] else { panic!("{} blocks", blocks.len()) };
    let (folder, port) = (tempfile::tempdir().unwrap(), usher_support::free_port());
    let serve = format!(
        "usher serve --config usher.toml --listen 127.0.0.1:{port} --admin-listen 127.0.0.1:0 >log 2>&1 &\n\
         trap 'kill $!' EXIT\n\
         curl -s --retry 50 --retry-all-errors --retry-delay 1 -f localhost:{port}/v1/health/startup >started"
    );
    let script = format!("{}\n{}", set_up.replace("usher serve --config usher.toml &", &serve), ask);
    let path = std::path::Path::new(env!("CARGO_BIN_EXE_usher")).parent().unwrap().display().to_string();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script.replace("localhost:8080", &format!("localhost:{port}"))])
        .current_dir(folder.path())
        .env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let answers: Vec<serde_json::Value> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(output.status.success() && answers.len() == 4, "{said}");
    assert_eq!(answers[0]["reads_as"], json!(["user:ann"]), "{said}");
    assert_eq!(answers[1]["reads_as"], json!(["user:ann", "agent:bot"]), "{said}");
    assert_eq!(answers[2]["reads_as"], json!(["user:ann", "agent:scribe"]), "{said}");
    assert_eq!(answers[3]["code"], "unauthenticated", "{said}");
    assert!(answers[3]["detail"].as_str().unwrap().contains("`aud`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_has_the_form_of_a_tuple_though_its_condition_is_not_looked_at() {
    let service = TestService::start().await;
    let admin = service.admin();
    for condition in [
        json!({"name": "during", "context": [null]}),
        json!({"name": "during", "context": "x"}),
        json!({"name": "during", "context": 7}),
        json!({"name": "", "context": {}}),
        json!({"name": "a b"}),
    ] {
        let mut gone = tuple("user:ann", "member", "group:g");
        gone["condition"] = condition;
        for path in ["/v1/relationships/write", "/v1/relationships/impact"] {
            let refused = admin.post(path, json!({"deletes": [gone], "idempotent": true})).await;
            assert_eq!(refused.json()["errors"][0]["pointer"], "/deletes/0", "{path} {gone}");
            assert_eq!(refused.problem(400), "invalid_request", "{path}");
        }
    }
    let mut gone = tuple("user:ann", "member", "group:g");
    gone["condition"] = json!({"name": "during", "context": {}});
    admin.post("/v1/relationships/write", json!({"deletes": [gone], "idempotent": true})).await.ok();
}
