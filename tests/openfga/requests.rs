//! Requests as data: every fault of a request, every unusual form, and the shape of every answer.

use reqwest::{Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::common::{Reply, TestService, tuple};
use crate::compare::{Pair, Said, Side, said};
use crate::server::Server;

const MODEL: &str = include_str!("model.json");
const REQUESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openfga/requests.yaml");
const UNKNOWN: &str = "01HVMMBCMGZNT3SED4Z17ECXCA";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    get: Option<String>,
    put: Option<String>,
    post: Option<String>,
    delete: Option<String>,
    body: Option<Value>,
    raw: Option<String>,
    usher: Option<(u16, String)>,
    why: Option<String>,
}

impl Case {
    fn target(&self) -> (Method, &str) {
        let targets = [
            (Method::GET, &self.get),
            (Method::PUT, &self.put),
            (Method::POST, &self.post),
            (Method::DELETE, &self.delete),
        ];
        let mut given = targets.into_iter().filter_map(|(method, path)| Some((method, path.as_deref()?)));
        let target = given.next().expect("a method");
        assert!(given.next().is_none(), "{}: one method", self.name);
        target
    }

    async fn ask(&self, side: &Side) -> Said {
        let (method, path) = self.target();
        let Some(raw) = &self.raw else { return side.ask(method, path, self.body.as_ref()).await };
        let mut request = side.client.http.request(method, format!("{}{}", side.client.base, side.filled(path)));
        if !side.client.key.is_empty() {
            request = request.bearer_auth(&side.client.key);
        }
        let request = request.header(header::CONTENT_TYPE, "application/json").body(side.filled(raw));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        said(&Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() })
    }
}

async fn prepare(pair: &mut Pair) {
    pair.new_store("{store}").await;
    pair.new_store("{empty}").await;
    let model: Value = serde_json::from_str(MODEL).unwrap();
    let limited = |user: &str, object: &str, context: Value| json!({"user": user, "relation": "limited", "object": object, "condition": {"name": "below", "context": context}});
    let writes = [
        tuple("user:anne", "viewer", "doc:1"),
        tuple("user:bob", "viewer", "doc:1"),
        tuple("user:bob", "blocked", "doc:1"),
        tuple("user:anne", "editor", "doc:1"),
        tuple("group:g#member", "viewer", "doc:1"),
        tuple("user:*", "viewer", "doc:2"),
        tuple("folder:f", "parent", "doc:2"),
        tuple("user:carl", "viewer", "folder:f"),
        tuple("user:dora", "member", "group:g"),
        limited("user:anne", "doc:1", json!({"x": 1})),
        limited("user:anne", "doc:3", json!({})),
        limited("user:zoe", "doc:3", json!({})),
    ];
    for side in [&mut pair.usher, &mut pair.server] {
        let path = side.filled("/stores/{store}/authorization-models");
        let written = side.client.post(&path, model.clone()).await.ok();
        side.names.push(("{model}", written["authorization_model_id"].as_str().unwrap().to_owned()));
        side.names.push(("{unknown}", UNKNOWN.to_owned()));
        let body = json!({"writes": {"tuple_keys": writes}});
        side.client.post(&side.filled("/stores/{store}/write"), body).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_answered_as_the_server_does() {
    let Some(server) = Server::start("requests beside the server").await else { return };
    let service = TestService::start().await;
    let usher = Side { client: service.admin(), names: Vec::new() };
    let mut pair = Pair { usher, server: Side { client: server.client(), names: Vec::new() } };
    prepare(&mut pair).await;
    let cases: Vec<Case> = serde_saphyr::from_str(&std::fs::read_to_string(REQUESTS).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let (usher, server) = tokio::join!(case.ask(&pair.usher), case.ask(&pair.server));
        let expected = match &case.usher {
            None => server.clone(),
            Some((status, code)) => {
                assert!(case.why.is_some(), "{}: a difference needs its reason", case.name);
                Said::Error(*status, code.clone())
            }
        };
        if usher != expected {
            wrong.push(format!("{}:\n  usher  {usher:?}\n  server {server:?}", case.name));
        } else if case.usher.is_some() && usher == server {
            wrong.push(format!("{}: there is no difference any more", case.name));
        }
    }
    println!("requests beside the server: {} agree, {} differ", cases.len() - wrong.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
