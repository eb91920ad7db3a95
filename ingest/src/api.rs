//! The service's HTTP API as this tool uses it. Every call here can be repeated without harm, so a lost answer is simply
//! asked for again.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use usher_base::outside::{Address, MAX_ANSWER, MAX_REFUSAL, Secret};
use usher_base::wire::{
    Acl, AclView, DocumentState, DocumentStates, DocumentStatus, DocumentsPut, FieldType, Problem, PutAcl,
    PutCollection, ReadRelationships, RelationshipChange, RelationshipChanges, RelationshipsRead, RelationshipsWritten,
    TupleKey, WriteRelationships,
};

use crate::args::ServerArgs;
use crate::error::RunError;
use crate::term::Term;

const ATTEMPTS: u32 = 8;
/// Where the service has not answered yet in this run: a wrong address is no outage.
const FIRST_ATTEMPTS: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("--server {0}: {1}")]
    Address(String, String),
    #[error("the API key: {0}")]
    Key(String),
    #[error("the HTTP client can't be set up: {0}")]
    Client(String),
    #[error("no answer from {server}: {cause}")]
    NoAnswer { server: String, cause: String },
    #[error("{server} does not answer like an Usher service (HTTP status {status}); is the address right?")]
    Foreign { server: String, status: u16 },
    #[error(
        "{server} has no route /{path}: is the address right? It is that of the service alone, such as http://127.0.0.1:8080"
    )]
    NoRoute { server: String, path: String },
    #[error("{server} answers with more than {MAX_ANSWER} bytes, which no Usher service does; is the address right?")]
    TooLong { server: String },
    #[error("what stands before the service at {server} answers with HTTP status {status}")]
    Gateway { server: String, status: u16 },
    #[error("the service refused ({status} {code}): {detail}")]
    Refused { status: u16, code: String, detail: String },
    #[error("the service refused the rules ({code}): {detail}")]
    RulesRefused { code: String, detail: String },
    #[error("the service answered something unexpected: {0}")]
    Answer(String),
    #[error("a request can't be written: {0}")]
    Request(String),
}

impl ApiError {
    pub fn status(&self) -> Option<u16> {
        match self {
            ApiError::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the credential lacks a scope.
    pub fn lacks_scope(&self) -> bool {
        matches!(self, ApiError::Refused { status: 403, code, .. } if code == "insufficient_scope")
    }

    /// What ends the run, where a missing scope is said with what it is needed for.
    pub fn needing(self, scope: &'static str, why: impl FnOnce() -> String) -> RunError {
        if self.lacks_scope() { RunError::Scope { scope, why: why() } } else { self.into() }
    }

    /// Whether the service answered and did nothing of what it was asked.
    pub fn is_refusal(&self) -> bool {
        matches!(self.status(), Some(400..=499))
    }

    /// Whether one document or tuple of a request may be what is wrong with it.
    pub fn is_about_content(&self) -> bool {
        match self {
            ApiError::Refused { status, .. } => matches!(status, 400 | 413 | 422),
            // What stands before a service may have a limit of its own.
            ApiError::Foreign { status, .. } => *status == 413,
            _ => false,
        }
    }
}

pub struct Api<'a> {
    http: Client,
    base: Address,
    key: String,
    term: &'a Term,
    /// The service answered in this run.
    has_answered: AtomicBool,
}

impl<'a> Api<'a> {
    pub fn connect(args: &ServerArgs, term: &'a Term) -> Result<Self, ApiError> {
        let base = Address::parse(&args.server, args.insecure_http)
            .map_err(|mistake| ApiError::Address(args.server.clone(), mistake.problem().to_owned()))?;
        // Only fails where a provider was installed before, and then there is one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut http = Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if base.is_loopback() {
            // A proxy of the environment is not for this machine, and would get the key.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| ApiError::Client(root_cause(&e)))?;
        let key = key(args.key_file.as_deref(), term)?;
        Ok(Api { http, base, key, term, has_answered: AtomicBool::new(false) })
    }

    pub fn server(&self) -> &str {
        self.base.url().as_str()
    }

    /// Everything that the service holds of a source.
    pub fn states(&self, collection: &str, source: &str) -> Result<Vec<DocumentState>, ApiError> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut path =
                format!("v1/documents/state?collection={}&source={}&limit=1000", escape(collection), escape(source));
            if let Some(cursor) = &cursor {
                let _ = write!(path, "&cursor={}", escape(cursor));
            }
            let page: DocumentStates = self.json(Method::GET, &path, None)?;
            all.extend(page.documents);
            match page.next_cursor {
                Some(next) if Some(&next) != cursor.as_ref() => cursor = Some(next),
                Some(_) => return Err(ApiError::Answer("the listing does not end".into())),
                None => return Ok(all),
            }
        }
    }

    /// The metadata fields that a collection declares.
    pub fn declared(&self, name: &str) -> Result<BTreeMap<String, FieldType>, ApiError> {
        #[derive(serde::Deserialize)]
        struct View {
            fields: BTreeMap<String, FieldType>,
        }
        let view: View = self.json(Method::GET, &format!("v1/collections/{}", escape(name)), None)?;
        Ok(view.fields)
    }

    pub fn create_collection(
        &self,
        name: &str,
        analyser: Option<String>,
        fields: BTreeMap<String, FieldType>,
    ) -> Result<(), ApiError> {
        let body = body(&PutCollection { analyser, fields, ..PutCollection::default() })?;
        self.send(Method::PUT, &format!("v1/collections/{}", escape(name)), Some(body)).map(drop)
    }

    /// `body` is a [`usher_base::wire::PutDocuments`], put together from documents that were serialised one by one.
    pub fn put_documents(&self, body: String) -> Result<DocumentsPut, ApiError> {
        self.json(Method::POST, "v1/documents", Some(body))
    }

    /// The rules of a document as they were last sent.
    pub fn acl(&self, collection: &str, id: &str) -> Result<AclView, ApiError> {
        let path = format!("v1/documents/{}/acl?collection={}", escape(id), escape(collection));
        self.json(Method::GET, &path, None)
    }

    /// The service says in its answer whether it took the rules.
    pub fn put_acl(&self, collection: &str, id: &str, acl: &Acl) -> Result<(), ApiError> {
        let body = body(&PutAcl { acl: acl.clone() })?;
        let path = format!("v1/documents/{}/acl?collection={}", escape(id), escape(collection));
        let answer: DocumentsPut = self.json(Method::PUT, &path, Some(body))?;
        let Some(result) = answer.results.into_iter().next() else {
            return Err(ApiError::Answer("no result for the rules sent".into()));
        };
        match result.status {
            DocumentStatus::Rejected => {
                let (code, detail) = result.problem.map(|p| (p.code.clone(), p.told())).unwrap_or_default();
                Err(ApiError::RulesRefused { code, detail })
            }
            _ => Ok(()),
        }
    }

    pub fn delete_document(&self, collection: &str, id: &str) -> Result<(), ApiError> {
        let path = format!("v1/documents/{}?collection={}", escape(id), escape(collection));
        match self.send(Method::DELETE, &path, None) {
            Err(e) if e.status() == Some(404) => Ok(()),
            done => done.map(drop),
        }
    }

    pub fn write_tuples(&self, request: &WriteRelationships) -> Result<RelationshipsWritten, ApiError> {
        self.json(Method::POST, "v1/relationships/write", Some(body(request)?))
    }

    /// All stored tuples that match, up to `max`; the flag tells whether there were more.
    pub fn read_tuples(&self, filter: &ReadRelationships, max: usize) -> Result<(Vec<TupleKey>, bool), ApiError> {
        let mut all = Vec::new();
        let mut filter = ReadRelationships { limit: Some(1000), ..filter.clone() };
        loop {
            let page: RelationshipsRead = self.json(Method::POST, "v1/relationships/read", Some(body(&filter)?))?;
            all.extend(page.tuples);
            match page.next_cursor {
                Some(_) if all.len() >= max => return Ok((all, true)),
                Some(next) if Some(&next) != filter.cursor.as_ref() => filter.cursor = Some(next),
                Some(_) => return Err(ApiError::Answer("the listing does not end".into())),
                None => return Ok((all, false)),
            }
        }
    }

    /// Whether the service's log of tuples holds this very entry.
    pub fn has_change(&self, change: &RelationshipChange) -> Result<bool, ApiError> {
        let kind = change.tuple.object.split(':').next().unwrap_or_default();
        // One transaction has one time and at most 1,000 entries.
        let page = self.changes(kind, Some(&change.at), None)?;
        Ok(page.changes.contains(change))
    }

    /// The last entry of the log about objects of one type; `start`: none before that time is looked at (RFC 3339).
    pub fn last_change(&self, kind: &str, start: Option<&str>) -> Result<Option<RelationshipChange>, ApiError> {
        let mut last = None;
        self.each_change(kind, start, |change| last = Some(change))?;
        Ok(last)
    }

    /// Every entry of the log about objects of one type, from a time on, oldest first.
    pub fn each_change(
        &self,
        kind: &str,
        start: Option<&str>,
        mut take: impl FnMut(RelationshipChange),
    ) -> Result<(), ApiError> {
        let mut cursor = None;
        loop {
            let page = self.changes(kind, start, cursor.as_deref())?;
            let is_end = page.changes.is_empty() || page.next_cursor.is_none() || page.next_cursor == cursor;
            page.changes.into_iter().for_each(&mut take);
            if is_end {
                return Ok(());
            }
            cursor = page.next_cursor;
        }
    }

    fn changes(&self, kind: &str, start: Option<&str>, cursor: Option<&str>) -> Result<RelationshipChanges, ApiError> {
        let mut path = format!("v1/relationships/changes?type={}&limit=1000", escape(kind));
        for (name, value) in [("start_time", start), ("cursor", cursor)] {
            if let Some(value) = value {
                let _ = write!(path, "&{name}={}", escape(value));
            }
        }
        self.json(Method::GET, &path, None)
    }

    fn json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<String>) -> Result<T, ApiError> {
        let answer = self.send(method, path, body)?;
        let status = answer.status().as_u16();
        let is_json = answer.headers().get(CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
        if !is_json {
            return Err(self.foreign(status));
        }
        let bytes = match read(answer, MAX_ANSWER) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(ApiError::TooLong { server: self.server().to_owned() }),
            Err(e) => return Err(ApiError::Answer(root_cause(&e))),
        };
        serde_json::from_slice(&bytes).map_err(|e| ApiError::Answer(e.to_string()))
    }

    /// Sends until an answer comes that another try would not change.
    fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Response, ApiError> {
        let url = self.base.below(path);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut request: RequestBuilder = self.http.request(method.clone(), url.clone()).bearer_auth(&self.key);
            if let Some(body) = &body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
            }
            let (wait, why) = match request.send() {
                Ok(answer) if answer.status().is_success() => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(answer) => {
                    let again = matches!(
                        answer.status(),
                        StatusCode::TOO_MANY_REQUESTS
                            | StatusCode::BAD_GATEWAY
                            | StatusCode::SERVICE_UNAVAILABLE
                            | StatusCode::GATEWAY_TIMEOUT
                    );
                    let asked = retry_after(&answer);
                    let refused = self.refusal(answer, path);
                    if !again || attempt >= ATTEMPTS {
                        return Err(refused);
                    }
                    (asked, refused.to_string())
                }
                Err(e) => {
                    let cause = format!("{}{}", root_cause(&e), self.other_scheme(&e));
                    let is_new = e.is_connect() && !self.has_answered.load(Ordering::Relaxed);
                    let attempts = if is_new { FIRST_ATTEMPTS } else { ATTEMPTS };
                    // Connecting does not mend a certificate, nor waiting a request.
                    let is_hopeless = e.is_builder() || is_tls(&e);
                    let failed = ApiError::NoAnswer { server: self.server().to_owned(), cause };
                    if attempt >= attempts || is_hopeless {
                        return Err(failed);
                    }
                    (None, failed.to_string())
                }
            };
            let wait = wait.unwrap_or_else(|| backoff(attempt)).min(LONGEST_WAIT);
            if wait > Duration::from_secs(2) {
                self.term.note(&format!("{why}; next try in {} s", wait.as_secs()));
            }
            std::thread::sleep(wait);
        }
    }

    /// A hint where one side speaks TLS and the other does not.
    fn other_scheme(&self, error: &reqwest::Error) -> &'static str {
        let cause = root_cause(error);
        match self.base.url().scheme() {
            "https" if cause.contains("corrupt message") || cause.contains("wrong version") => {
                "; what answers there does not speak TLS: write http:// if that is the service"
            }
            "http" if cause.contains("invalid HTTP version") => {
                "; what answers there does not speak plain HTTP: write https:// if that is the service"
            }
            _ => "",
        }
    }

    /// For an answer that Usher itself does not give.
    fn foreign(&self, status: u16) -> ApiError {
        let server = self.server().to_owned();
        match status {
            429 | 502..=504 => ApiError::Gateway { server, status },
            _ => ApiError::Foreign { server, status },
        }
    }

    fn refusal(&self, answer: Response, path: &str) -> ApiError {
        let status = answer.status().as_u16();
        let body = read(answer, MAX_REFUSAL).ok().flatten();
        let problem = body.and_then(|bytes| serde_json::from_slice::<Problem>(&bytes).ok());
        let Some(problem) = problem.filter(|p| p.kind.starts_with("urn:usher:problem:")) else {
            return self.foreign(status);
        };
        self.has_answered.store(true, Ordering::Relaxed);
        if status == 404 && problem.detail.starts_with("No such route") {
            let path = path.split('?').next().unwrap_or(path).to_owned();
            return ApiError::NoRoute { server: self.server().to_owned(), path };
        }
        ApiError::Refused { status, detail: problem.told(), code: problem.code }
    }
}

/// The body of an answer; `None`: it is longer than that.
fn read(answer: Response, max: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    answer.take((max as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max).then_some(bytes))
}

/// What is at the bottom of an error: those above it only say that something failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

/// Whether a connection failed for its certificate or the like.
fn is_tls(error: &reqwest::Error) -> bool {
    chain(error).any(|e| {
        let inner = e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        e.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
    })
}

/// An error and what caused it, outermost first.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e| (**e).source())
}

/// 0.2 s doubling, with some spread so that several tools don't return together.
fn backoff(attempt: u32) -> Duration {
    let base = 200u64.saturating_mul(1 << attempt.min(8));
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    Duration::from_millis(base.saturating_add(u64::from(nanos) % (base / 2).max(1)))
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn body(value: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|e| ApiError::Request(e.to_string()))
}

/// The key of the file, or of the variable; where both are given they must be the same.
fn key(file: Option<&Path>, term: &Term) -> Result<String, ApiError> {
    let variable = std::env::var("USHER_KEY").unwrap_or_default();
    let variable = variable.trim();
    let Some(path) = file else {
        return match variable {
            "" => Err(ApiError::Key("none given; name --key-file, or set USHER_KEY_FILE or USHER_KEY".into())),
            key => Ok(key.to_owned()),
        };
    };
    let failed = |e: std::io::Error| ApiError::Key(format!("{}: {e}", path.display()));
    let found = std::fs::metadata(path).map_err(failed)?;
    // Who can read a pipe is nobody's mistake.
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        term.warn(&format!("{} can be read by others; run chmod 600 on it", path.display()));
    }
    let secret = Secret::from_file(path).map_err(|e| ApiError::Key(e.to_string()))?;
    let key = secret.expose();
    if !variable.is_empty() && variable != key {
        return Err(ApiError::Key(format!(
            "the variable USHER_KEY holds another one than {}; give one",
            path.display()
        )));
    }
    Ok(key.to_owned())
}

/// Percent-encodes all but what RFC 3986 calls unreserved, `/` included: an id is one path segment.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
