//! Who asks, and how: what a record says of the request that it belongs to.

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};

/// What a credential that was let in hangs on: it binds no longer once the key is revoked, or the time is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validity {
    /// Id of the key that was shown.
    pub key: Option<String>,
    /// The first end of all that was shown.
    pub until: Option<Timestamp>,
}

/// Who asked for something, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The service's own name of the request; empty for its own work.
    pub request_id: String,
    /// How the caller has named the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_request_id: Option<String>,
    /// Subjects that the request ran for.
    pub subjects: Vec<String>,
    /// A key's id or a token's issuer; empty for the service's own work.
    pub credential: String,
    /// Method and route, or the duty or command: `POST /v1/keys`, `expiry`.
    pub how: String,
    /// A body may take its time, and so may work: whoever commits or answers looks again.
    #[serde(skip)]
    pub validity: Validity,
}

impl Asked {
    /// Work of the service itself, or of a command on the machine.
    pub fn duty(name: &str) -> Self {
        Self { how: name.to_owned(), ..Self::default() }
    }

    /// The caller's name of the request where it gave one.
    pub fn name(&self) -> &str {
        self.caller_request_id.as_deref().unwrap_or(&self.request_id)
    }
}

/// What a change says that it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub event: &'static str,
    pub items: Vec<String>,
    pub details: Map<String, Value>,
}

impl Told {
    pub fn new(event: &'static str, items: Vec<String>) -> Self {
        Self { event, items, details: Map::new() }
    }

    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }
}

/// One request on its way: who asks is learned as it goes, and whether it has a record.
#[derive(Debug, Default)]
pub struct Trace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    asked: Asked,
    is_recorded: bool,
}

impl Trace {
    pub fn new(asked: Asked) -> Self {
        Self(Mutex::new(State { asked, is_recorded: false }))
    }

    /// Notes whose credential it is, once that is verified.
    pub fn authenticated(&self, credential: &str, subjects: Vec<String>, validity: Validity) {
        let mut state = self.0.lock();
        state.asked.validity = validity;
        credential.clone_into(&mut state.asked.credential);
        state.asked.subjects = subjects;
    }

    /// As far as it is known.
    pub fn asked(&self) -> Asked {
        self.0.lock().asked.clone()
    }

    /// The same, for a record: the request has one then.
    pub fn for_record(&self) -> Asked {
        let mut state = self.0.lock();
        state.is_recorded = true;
        state.asked.clone()
    }

    pub fn is_recorded(&self) -> bool {
        self.0.lock().is_recorded
    }
}
