//! Answers without what must differ: ids, times, tokens, orders that nothing promises, wordings of errors.

use std::time::Duration;
use usher::authz::names::{canonical_id, canonical_principal};

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Client, Reply};

/// Longer than either side says that a call may take.
const PATIENCE: Duration = Duration::from_secs(10);
const NO_ANSWER: &str = "no answer";

/// What an answer says.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Body(u16, Value),
    Error(u16, String),
}

impl Said {
    /// The body of a success.
    pub fn body(&self) -> Option<&Value> {
        match self {
            Said::Body(_, body) => Some(body),
            Said::Error(..) => None,
        }
    }

    /// Whether the side took too long.
    pub fn gave_up(&self) -> bool {
        matches!(self.code(), Some(NO_ANSWER | "deadline_exceeded" | "cancelled"))
    }

    pub fn code(&self) -> Option<&str> {
        match self {
            Said::Body(..) => None,
            Said::Error(_, code) => Some(code),
        }
    }
}

pub fn said(reply: &Reply) -> Said {
    let status = reply.status.as_u16();
    let text = String::from_utf8_lossy(&reply.bytes);
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| json!(line)));
    let mut value = match (lines.next(), lines.next()) {
        (None, _) => Value::Null,
        (Some(only), None) => only,
        (Some(first), Some(second)) => {
            let mut all = vec![first, second];
            all.extend(lines);
            Value::from(all)
        }
    };
    if !reply.status.is_success() {
        // A stream's error has a number where others have a name.
        let code = value.get("code").or_else(|| value.pointer("/error/code"));
        return Said::Error(status, code.map_or_else(|| "none".to_owned(), plain));
    }
    normalise(&mut value);
    Said::Body(status, value)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub fn normalise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // Names have one spelling here, and the one that they came in there.
            let object_type = fields.get("type").and_then(Value::as_str).map(str::to_owned);
            if let (Some(of), Some(Value::String(id))) = (object_type, fields.get_mut("id")) {
                *id = canonical_id(&of, id).unwrap();
            }
            for (name, field) in fields.iter_mut() {
                let is_text = field.as_str().is_some_and(|text| !text.is_empty());
                match name.as_str() {
                    "id" | "authorization_model_id" if field.as_str().is_some_and(is_ulid) => *field = json!("<id>"),
                    "timestamp" | "created_at" | "updated_at" if is_text => *field = json!("<time>"),
                    "continuation_token" if is_text => *field = json!("<token>"),
                    // The wording of an error, inside a batch.
                    "message" => *field = json!("<text>"),
                    _ => normalise(field),
                }
            }
            for name in ["objects", "users", "tuples", "computed"] {
                if let Some(Value::Array(elements)) = fields.get_mut(name) {
                    elements.sort_by_cached_key(Value::to_string);
                }
            }
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(normalise);
            // Lines of a stream come in any order.
            if elements.iter().all(|element| element.get("result").is_some()) {
                elements.sort_by_cached_key(Value::to_string);
            }
        }
        Value::String(text) => *text = canonical_principal(text),
        // The server holds every number as a double and writes the shortest form; Usher keeps what was written.
        Value::Number(number) => {
            if let Some(double) = number.as_f64() {
                *value = json!(double);
            }
        }
        _ => {}
    }
}

fn is_ulid(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
}

/// Sends the same to both.
pub struct Pair {
    pub usher: Side,
    pub server: Side,
}

pub struct Side {
    pub client: Client,
    /// What stands for `{store}` and the like.
    pub names: Vec<(&'static str, String)>,
}

impl Side {
    pub fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Said {
        let body = body.map(|body| serde_json::from_str(&self.filled(&body.to_string())).unwrap());
        let path = self.filled(path);
        match tokio::time::timeout(PATIENCE, self.client.send(method, &path, body)).await {
            Ok(reply) => said(&reply),
            Err(_) => Said::Error(0, NO_ANSWER.to_owned()),
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Said {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Makes a store and lets `{store}` stand for it.
    pub async fn new_store(&mut self, stands_for: &'static str) {
        let created = self.client.post("/stores", json!({"name": "compared"})).await.ok();
        self.names.retain(|(name, _)| *name != stands_for);
        self.names.push((stands_for, created["id"].as_str().unwrap().to_owned()));
    }
}

impl Pair {
    pub async fn new_store(&mut self, stands_for: &'static str) {
        self.usher.new_store(stands_for).await;
        self.server.new_store(stands_for).await;
    }

    /// Usher's answer and the server's.
    pub async fn post(&self, path: &str, body: &Value) -> (Said, Said) {
        tokio::join!(self.usher.post(path, body), self.server.post(path, body))
    }
}
