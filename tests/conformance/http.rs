//! Stores of a running service, asked over HTTP. Every Check goes through BatchCheck too, every listing is streamed too.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use usher::wire;

use crate::common::{Client, Reply, TestService};
use crate::world::{Fields, INVALID_TUPLE, Store, Stores, TOO_COMPLEX, UNKNOWN_RELATION, UNKNOWN_TYPE, VALIDATION};

/// A service that makes a store for each test.
pub struct Served {
    runtime: Arc<Runtime>,
    client: Client,
    _service: TestService,
}

impl Served {
    pub fn start() -> Served {
        let runtime = Arc::new(Runtime::new().unwrap());
        let service = runtime.block_on(TestService::start());
        Served { runtime, client: service.admin(), _service: service }
    }
}

impl Stores for Served {
    // Which types are bound follows from collections, not from a request.
    const CAN_BIND: bool = false;

    fn empty(&self, _: bool) -> Box<dyn Store> {
        let created = self.runtime.block_on(self.client.post("/stores", json!({"name": "conformance"}))).ok();
        let base = format!("/stores/{}", created["id"].as_str().unwrap());
        Box::new(ServedStore { runtime: self.runtime.clone(), client: self.client.clone(), base })
    }
}

struct ServedStore {
    runtime: Arc<Runtime>,
    client: Client,
    base: String,
}

fn number(code: &str) -> u16 {
    match code {
        "validation_error" => VALIDATION,
        "authorization_model_resolution_too_complex" => TOO_COMPLEX,
        "type_not_found" => UNKNOWN_TYPE,
        "relation_not_found" => UNKNOWN_RELATION,
        "invalid_tuple" => INVALID_TUPLE,
        other => panic!("an unexpected code: {other}"),
    }
}

/// The body of a success, or the number of the error.
fn answered(reply: Reply) -> Result<Value, u16> {
    if reply.status.is_success() {
        return Ok(reply.json());
    }
    assert_eq!(reply.status.as_u16(), 400, "{}", String::from_utf8_lossy(&reply.bytes));
    Err(number(reply.json()["code"].as_str().unwrap()))
}

impl ServedStore {
    fn post(&self, path: &str, body: Value) -> Reply {
        self.runtime.block_on(self.client.post(&format!("{}/{path}", self.base), body))
    }

    fn change(&self, list: &str, tuples: &[wire::TupleKey]) {
        for some in tuples.chunks(100) {
            self.post("write", json!({list: {"tuple_keys": some}})).ok();
        }
    }
}

impl Store for ServedStore {
    fn put_model(&mut self, json: &str) {
        self.post("authorization-models", serde_json::from_str(json).unwrap()).ok();
    }

    fn write(&mut self, tuples: &[wire::TupleKey]) {
        self.change("writes", tuples);
    }

    fn delete(&mut self, tuples: &[wire::TupleKey]) {
        self.change("deletes", tuples);
    }

    fn check(&self, key: &wire::TupleKey, context: &Fields, contextual: &[wire::TupleKey]) -> Result<bool, u16> {
        let question = json!({
            "tuple_key": {"user": key.user, "relation": key.relation, "object": key.object},
            "context": context,
            "contextual_tuples": {"tuple_keys": contextual},
        });
        let answer = answered(self.post("check", question.clone())).map(|body| body["allowed"].as_bool().unwrap());
        let mut item = question;
        item["correlation_id"] = json!("only");
        let batch = answered(self.post("batch-check", json!({"checks": [item]}))).and_then(|body| {
            let result = &body["result"]["only"];
            match result["error"]["input_error"].as_str() {
                Some(code) => Err(number(code)),
                None => Ok(result["allowed"].as_bool().unwrap()),
            }
        });
        assert_eq!(batch, answer, "a batch says what a check says: {key:?}");
        answer
    }

    fn list_objects(
        &self,
        object_type: &str,
        relation: &str,
        user: &str,
        context: &Fields,
        contextual: &[wire::TupleKey],
    ) -> Result<BTreeSet<String>, u16> {
        let question = json!({
            "type": object_type, "relation": relation, "user": user, "context": context,
            "contextual_tuples": {"tuple_keys": contextual},
        });
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let listed = answered(self.post("list-objects", question.clone()))
            .map(|body| body["objects"].as_array().unwrap().iter().map(text).collect::<Vec<_>>());
        let streamed = self.post("streamed-list-objects", question);
        let lines: Result<BTreeSet<String>, ()> = String::from_utf8(streamed.bytes)
            .unwrap()
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line.pointer("/result/object").map(text).ok_or(())
            })
            .collect();
        let listed = listed.map(|objects| {
            let distinct: BTreeSet<String> = objects.iter().cloned().collect();
            assert_eq!(distinct.len(), objects.len(), "no duplicates");
            distinct
        });
        assert_eq!(lines, listed.clone().map_err(|_| ()), "a stream says what a list says");
        listed
    }

    fn list_users(
        &self,
        object: &str,
        relation: &str,
        filter: &str,
        context: &Fields,
        contextual: &[wire::TupleKey],
    ) -> Result<BTreeSet<String>, u16> {
        let (object_type, id) = object.split_once(':').unwrap();
        let filter = match filter.split_once('#') {
            Some((filter_type, relation)) => json!({"type": filter_type, "relation": relation}),
            None => json!({"type": filter}),
        };
        let question = json!({
            "object": {"type": object_type, "id": id}, "relation": relation, "user_filters": [filter],
            "context": context, "contextual_tuples": contextual,
        });
        let body = answered(self.post("list-users", question))?;
        Ok(body["users"].as_array().unwrap().iter().map(user).collect())
    }
}

fn user(user: &Value) -> String {
    let part = |value: &Value| value.as_str().unwrap().to_owned();
    if let Some(object) = user.get("object") {
        return format!("{}:{}", part(&object["type"]), part(&object["id"]));
    }
    if let Some(userset) = user.get("userset") {
        return format!("{}:{}#{}", part(&userset["type"]), part(&userset["id"]), part(&userset["relation"]));
    }
    format!("{}:*", part(&user["wildcard"]["type"]))
}
