//! Log lines: each names its request, and none holds what it must not.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::Process;
use crate::tokens::{AUDIENCE, ISSUER, claims, header, issuer, sign};

/// A process that logs everything, as JSON.
async fn start(folder: &std::path::Path, more: &[(&str, &str)]) -> Process {
    let jwks = issuer(folder).jwks_file.unwrap();
    let config = folder.join("usher.toml");
    let text = format!(
        "[[issuers]]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"{}\"\n",
        jwks.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut environment = vec![("USHER_CONFIG", config.to_str().unwrap()), ("USHER_LOG_JSON", "true")];
    environment.extend(more);
    Process::start_with(&folder.join("data"), &environment).await.unwrap()
}

fn lines(process: &Process) -> Vec<Value> {
    process.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn message(line: &Value) -> &str {
    line["fields"]["message"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_request_names_it_and_none_holds_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    // The second change of this process finds no room on the disk: its first one makes the document.
    let process = start(folder.path(), &[("USHER_LOG", "debug")]).await;
    let http = reqwest::Client::new();
    let base = process.base();
    let document = json!({"id": "hr/marigold", "collection": "main", "title": "Zinnia", "metadata": {"a": "dahlia"},
        "acl": {"viewers": ["user:hollyhock"]}, "content": {"type": "text/plain", "text": "gentian and edelweiss"}});
    let token = sign(&claims(), &header(), 2);
    let calls: Vec<(Method, &str, &str, Value, u16, &str, &str)> = vec![
        (Method::POST, "/v1/documents", "admin", json!({"documents": [document]}), 200, "/v1/documents", "write"),
        (Method::POST, "/v1/query", "as", json!({"query": "the gentian question"}), 200, "/v1/query", "query"),
        (Method::POST, "/v1/query", "as", json!({"qery": "lavender"}), 400, "/v1/query", "query"),
        (
            Method::GET,
            "/v1/documents/hr%2Fmarigold?collection=main",
            "as",
            Value::Null,
            200,
            "/v1/documents/{id}",
            "read",
        ),
        (Method::GET, "/v1/documents/hr%2Ftulip?collection=main", "as", Value::Null, 404, "/v1/documents/{id}", "read"),
        (Method::GET, "/v1/collections", "token", Value::Null, 401, "/v1/collections", "read"),
        (Method::GET, "/stores", "admin", Value::Null, 200, "/stores", "read"),
        (Method::GET, "/fga/stores", "token", Value::Null, 401, "/fga/stores", "read"),
        (Method::GET, "/v1/health/live", "none", Value::Null, 200, "/v1/health/live", "open"),
        (Method::GET, "/v1/primrose", "none", Value::Null, 404, "no route", "none"),
    ];
    let mut expected = BTreeMap::new();
    for (method, path, how, body, status, route, class) in calls {
        let request = http.request(method.clone(), format!("{base}{path}"));
        let request = match how {
            "admin" => request.bearer_auth(&process.client.key),
            "as" => request.bearer_auth(&process.client.key).header("Usher-Subject", "user:hollyhock"),
            "token" => request.bearer_auth(&token),
            _ => request,
        };
        let request = if body.is_null() { request } else { request.json(&body) };
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status().as_u16(), status, "{method} {path}");
        let id = reply.headers()["usher-request-id"].to_str().unwrap().to_owned();
        expected.insert(id, (method.to_string(), route, class, u64::from(status)));
    }
    let lines = lines(&process);
    for (id, (method, route, class, status)) in &expected {
        let own: Vec<&Value> = lines.iter().filter(|line| line["span"]["id"] == id.as_str()).collect();
        let answered: Vec<&&Value> = own.iter().filter(|line| message(line) == "a request was answered").collect();
        assert_eq!(answered.len(), 1, "one line for each request: {own:?}");
        let span = &answered[0]["span"];
        assert_eq!((&span["method"], &span["route"], &span["class"]), (&json!(method), &json!(route), &json!(class)));
        assert_eq!(span["status"].as_u64(), Some(*status));
        assert!(span["ms"].is_u64(), "{span}");
        assert_eq!(answered[0]["level"], "DEBUG");
        if *status == 401 {
            assert!(own.iter().any(|line| message(line).starts_with("a credential was refused")), "{own:?}");
        }
    }
    // The writer works elsewhere, and says for whom.
    let writing = |line: &&Value| message(line).contains("answered") && line["span"]["route"] == "/v1/documents";
    assert!(lines.iter().any(|line| writing(&line)));
    let log = process.log();
    let secret = process.client.key.rsplit('_').next().unwrap();
    for said in [
        "marigold",
        "Zinnia",
        "dahlia",
        "hollyhock",
        "edelweiss",
        "gentian",
        "lavender",
        "tulip",
        "primrose",
        &token,
        secret,
    ] {
        assert!(!log.contains(said), "{said}");
    }
    process.stop().await;
}

/// What the 500's text promises; the storage refuses in the writer's task, and the request is named all the same. Also where
/// nothing but errors is logged.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_in_the_log_beside_the_request_that_it_ended() {
    for chosen in ["error", "usher=error", "off,usher::http=error"] {
        let folder = tempfile::tempdir().unwrap();
        let failing = [("USHER_LOG", chosen), ("USHER_FAILPOINT", "commit.before=error:4")];
        let process = start(folder.path(), &failing).await;
        let http = reqwest::Client::new();
        let mut id = None;
        for n in 0..8 {
            let body = json!({"writes": [{"user": format!("user:u{n}"), "relation": "member", "object": "group:g"}]});
            let request =
                http.post(format!("{}/v1/relationships/write", process.base())).bearer_auth(&process.client.key);
            let reply = request.json(&body).send().await.unwrap();
            if reply.status().as_u16() == 507 {
                id = Some(reply.headers()["usher-request-id"].to_str().unwrap().to_owned());
                break;
            }
        }
        let id = id.expect("one write was refused");
        let lines = lines(&process);
        let own: Vec<_> = lines.iter().filter(|line| line["span"]["id"] == id.as_str()).map(message).collect();
        assert!(own.contains(&"the storage refuses writes"), "{chosen}: {}", process.log());
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_has_its_reason_in_the_log_and_a_flood_makes_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]).await;
    let http = reqwest::Client::new();
    let send = async |token: &str| {
        let request = http.get(format!("{}/v1/collections", process.base())).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims["sub"] = json!("hollyhock");
        claims[name] = value;
        sign(&claims, &header(), 1)
    };
    let cases = [
        (with("aud", json!("https://zinnia.example")), vec!["`aud`", AUDIENCE, ISSUER]),
        (with("iss", json!("https://zinnia.example")), vec!["`iss`", ISSUER]),
        (with("exp", json!(1_000)), vec!["expired"]),
        (with("nbf", json!(jiff::Timestamp::now().as_second() + 4_000)), vec!["`nbf`"]),
        (with("nonce", json!("zinnia")), vec!["ID token"]),
        (sign(&claims(), &header(), 2), vec!["signature", ISSUER]),
        ("zinnia".to_owned(), vec!["no JWT"]),
        ("ush_0123456789abcdef_zinnia".to_owned(), vec!["unknown key"]),
    ];
    for (token, words) in &cases {
        assert_eq!(send(token).await, 401);
        let lines = lines(&process);
        let last = lines.iter().rev().find(|line| message(line).starts_with("a credential was refused")).unwrap();
        assert!(words.iter().all(|word| message(last).contains(word)), "{words:?}: {last}");
        assert!(last["span"]["id"].is_string() && last["level"] == "INFO");
    }
    for _ in 0..200 {
        assert_eq!(send(&cases[0].0).await, 401);
    }
    let told = lines(&process).iter().filter(|line| message(line).starts_with("a credential was refused")).count();
    let log = process.log();
    let metrics = reqwest::get(process.metrics_url()).await.unwrap().text().await.unwrap();
    let value = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()
    };
    // Twenty a minute, over two minutes at most.
    assert!((20..=40).contains(&told), "{told}");
    assert_eq!(value("usher_log_lines_left_out_total") + told, 200 + cases.len());
    assert_eq!(value("usher_requests_refused_total{class=\"read\",code=\"unauthenticated\"}"), 200 + cases.len() - 1);
    assert!(!log.contains("zinnia") && !log.contains("hollyhock"), "{log}");
    assert!(cases.iter().all(|(token, _)| !log.contains(token.as_str())));
    process.stop().await;
}
