//! A service in memory that keeps documents and tuples, notes every request, and fails when told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use usher_base::wire::{
    Acl, AclEntry, AclView, Document, DocumentResult, DocumentState, DocumentStates, DocumentStatus, DocumentsPut,
    FieldProblem, FieldType, Problem, PutAcl, PutCollection, PutDocuments, ReadRelationships, RelationshipChange,
    RelationshipChanges, RelationshipOperation, RelationshipsRead, RelationshipsWritten, Section, SectionAcl, TupleKey,
    WriteRelationships,
};

/// Small, so that every listing takes several pages.
const PAGE: usize = 3;

/// Where runs leave their names.
const RUNS: &str = "folder:~usher-ingest/";

#[derive(Default)]
pub struct World {
    pub documents: BTreeMap<String, Document>,
    pub tuples: BTreeMap<(String, String, String), TupleKey>,
    /// What was written and deleted through the API.
    pub changes: Vec<RelationshipChange>,
    /// Method, path, body of each request.
    pub log: Vec<(String, String, String)>,
    /// Answers given instead of the true one: status, or 0 to hang up.
    pub faults: VecDeque<u16>,
    /// Requests after which everything fails with 500.
    pub fail_after: Option<usize>,
    /// Documents that are rejected, with the code.
    pub reject: BTreeMap<String, String>,
    /// Why.
    pub rejection: String,
    pub collections: BTreeSet<String>,
    /// Of the collection that was made.
    pub fields: BTreeMap<String, FieldType>,
    /// E-mail addresses are kept in lower case, as a service does unless told otherwise.
    pub lowers: bool,
    /// The log of tuples is refused.
    pub hides_history: bool,
    /// Scopes that the key lacks.
    pub lacks: BTreeSet<&'static str>,
    /// Answers have this status and no end; and how many bytes of them were sent.
    pub flood: Option<u16>,
    pub flooded: usize,
    /// Writes wait as long as this is set.
    pub hold: bool,
    /// One waits.
    pub is_held: bool,
}

impl World {
    pub fn tuple_lines(&self) -> Vec<String> {
        let shown = self.tuples.values().filter(|t| !t.object.starts_with(RUNS));
        shown.map(|t| format!("{} {} {}", t.user, t.relation, t.object)).collect()
    }

    /// Requests that change something, but for a run's name, as `METHOD path`.
    pub fn writes(&self) -> Vec<String> {
        let reads = |m: &str, p: &str, b: &str| {
            m == "GET" || p.ends_with("/relationships/read") || b.contains(r#""dry_run":true"#)
        };
        self.log
            .iter()
            .filter(|(m, p, b)| !reads(m, p, b) && !b.contains(RUNS))
            .map(|(m, p, _)| format!("{m} {p}"))
            .collect()
    }

    /// What a backup holds.
    pub fn backup(&self) -> World {
        World {
            documents: self.documents.clone(),
            tuples: self.tuples.clone(),
            changes: self.changes.clone(),
            collections: self.collections.clone(),
            fields: self.fields.clone(),
            ..World::default()
        }
    }

    /// Somebody else removes it through the API.
    pub fn remove_tuple(&mut self, user: &str, relation: &str, object: &str) {
        let t = TupleKey { user: user.into(), relation: relation.into(), object: object.into(), condition: None };
        write(self, WriteRelationships { deletes: vec![t], ..WriteRelationships::default() });
    }

    pub fn add_tuple(&mut self, user: &str, relation: &str, object: &str) {
        let t = TupleKey { user: user.into(), relation: relation.into(), object: object.into(), condition: None };
        self.tuples.insert(tuple_id(&t), t);
    }
}

pub struct Stub {
    pub address: SocketAddr,
    world: Arc<Mutex<World>>,
}

impl Stub {
    pub fn start() -> Stub {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World { collections: BTreeSet::from(["c".to_owned()]), ..World::default() }));
        let shared = world.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let world = shared.clone();
                std::thread::spawn(move || {
                    let _ = serve(stream, &world);
                });
            }
        });
        Stub { address, world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(|e| e.into_inner())
    }
}

fn serve(stream: TcpStream, world: &Mutex<World>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut parts = line.split_whitespace();
    let (Some(method), Some(path)) = (parts.next(), parts.next()) else { return Ok(()) };
    let (method, path) = (method.to_owned(), path.to_owned());
    let (mut length, mut authorized) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let lower = header.to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap_or(0);
        }
        authorized |= lower.starts_with("authorization:") && header.ends_with("Bearer ush_test");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if method != "GET" {
        loop {
            let mut world = world.lock().unwrap_or_else(|e| e.into_inner());
            world.is_held = world.hold;
            if !world.hold {
                break;
            }
            drop(world);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    let flood = world.lock().unwrap_or_else(|e| e.into_inner()).flood;
    if let Some(status) = flood {
        let mut stream = stream;
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nretry-after: 0\r\nconnection: close\r\n\r\n["
        );
        stream.write_all(head.as_bytes())?;
        let part = vec![b' '; 1 << 20];
        for _ in 0..1536 {
            stream.write_all(&part)?;
            world.lock().unwrap_or_else(|e| e.into_inner()).flooded += part.len();
        }
        return Ok(());
    }
    let (status, answer) = {
        let mut world = world.lock().unwrap_or_else(|e| e.into_inner());
        world.log.push((method.clone(), path.clone(), body.clone()));
        let seen = world.log.len();
        match world.faults.pop_front() {
            Some(0) => return Ok(()),
            Some(status) => (status, problem(status, "fault")),
            None if !authorized => (401, problem(401, "unauthenticated")),
            None if lacked(&world, &method, &path).is_some() => {
                let mut problem = problem(403, "insufficient_scope");
                let scope = lacked(&world, &method, &path).unwrap_or_default();
                problem["detail"] = json!(format!("The scope `{scope}` is needed; a token names it `usher.{scope}`."));
                (403, problem)
            }
            None if world.fail_after.is_some_and(|n| seen > n) => (500, problem(500, "internal")),
            None => answer(&mut world, &method, &path, &body),
        }
    };
    let body = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nretry-after: 0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// The scope of a route that the key lacks.
fn lacked(world: &World, method: &str, path: &str) -> Option<&'static str> {
    let scope = match (method, path) {
        (_, path) if path.starts_with("/v1/relationships/write") => "relationships.write",
        (_, path) if path.starts_with("/v1/relationships/") => "relationships.read",
        ("PUT", path) if path.starts_with("/v1/collections/") => "admin",
        _ => "documents.write",
    };
    world.lacks.get(scope).copied()
}

fn problem(status: u16, code: &str) -> Value {
    json!({"type": format!("urn:usher:problem:{code}"), "title": "", "status": status, "detail": "told to fail", "code": code})
}

fn answer(world: &mut World, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: BTreeMap<String, String> =
        query.split('&').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.to_owned(), decode(v))).collect();
    match (method, path) {
        ("GET", "/v1/documents/state") => states(world, &query),
        ("POST", "/v1/documents") => match serde_json::from_str::<PutDocuments>(body) {
            Ok(put) if put.documents.len() <= 256 => ok(&put_documents(world, put)),
            Ok(_) => (413, problem(413, "payload_too_large")),
            Err(e) => (400, problem(400, &e.to_string())),
        },
        ("POST", "/v1/relationships/write") => match serde_json::from_str::<WriteRelationships>(body) {
            Ok(request) if request.idempotent => match refused_tuple(world, &request) {
                Some((status, detail)) => {
                    let mut problem = problem(status, "invalid_request");
                    problem["errors"] = json!([{"pointer": "", "detail": detail}]);
                    (status, problem)
                }
                None if request.dry_run => ok(&write(&mut world.backup(), request)),
                None => ok(&write(world, request)),
            },
            _ => (400, problem(400, "invalid_request")),
        },
        ("POST", "/v1/relationships/read") => match serde_json::from_str::<ReadRelationships>(body) {
            Ok(filter) => ok(&read(world, &filter)),
            Err(e) => (400, problem(400, &e.to_string())),
        },
        ("GET", "/v1/relationships/changes") if world.hides_history => (403, problem(403, "forbidden")),
        ("GET", "/v1/relationships/changes") => ok(&changes(world, &query)),
        ("PUT", path) if path.starts_with("/v1/collections/") => {
            world.collections.insert(path.trim_start_matches("/v1/collections/").to_owned());
            world.fields = serde_json::from_str::<PutCollection>(body).unwrap().fields;
            (200, json!({}))
        }
        ("GET", path) if path.starts_with("/v1/collections/") => (200, json!({"fields": world.fields})),
        ("PUT", path) if path.ends_with("/acl") => {
            let id = decode(path.trim_start_matches("/v1/documents/").trim_end_matches("/acl"));
            let rejected = world.reject.get(&id).map(|code| refusal(code, &world.rejection));
            let put = serde_json::from_str::<PutAcl>(body);
            let rejected = rejected.or(put.as_ref().ok().and_then(|put| undefined(&put.acl)));
            match (world.documents.get_mut(&id), put) {
                (Some(document), Ok(put)) => {
                    let status = match &rejected {
                        None => DocumentStatus::AclUpdated,
                        Some(_) => DocumentStatus::Rejected,
                    };
                    if rejected.is_none() {
                        document.acl = Some(put.acl);
                    }
                    let result =
                        DocumentResult { id, status, version: Some(1), problem: rejected, warnings: Vec::new() };
                    ok(&DocumentsPut { results: vec![result], revision: "r".into() })
                }
                _ => (404, problem(404, "not_found")),
            }
        }
        ("GET", path) if path.ends_with("/acl") => {
            let id = decode(path.trim_start_matches("/v1/documents/").trim_end_matches("/acl"));
            match world.documents.get(&id) {
                Some(document) => ok(&AclView {
                    collection: "c".into(),
                    acl: document.acl.clone(),
                    sections: document.sections.iter().map(section_acl).collect(),
                    acl_digest: document.acl_digest(),
                    parked: false,
                    object: (!world.hides_history).then(|| format!("document:{id}")),
                    id,
                    revision: "r".into(),
                }),
                None => (404, problem(404, "not_found")),
            }
        }
        ("DELETE", path) => {
            world.documents.remove(&decode(path.trim_start_matches("/v1/documents/")));
            (200, json!({}))
        }
        _ => {
            let mut problem = problem(404, "not_found");
            problem["detail"] = "No such route.".into();
            (404, problem)
        }
    }
}

fn section_acl(section: &Section) -> SectionAcl {
    SectionAcl { id: section.id.clone(), acl: section.acl.clone() }
}

fn states(world: &World, query: &BTreeMap<String, String>) -> (u16, Value) {
    if !world.collections.contains(&query["collection"]) {
        return (404, problem(404, "not_found"));
    }
    let prefix = format!("{}/", query["source"]);
    let after = query.get("cursor").cloned().unwrap_or_default();
    let mut found = world.documents.values().filter(|d| d.id.starts_with(&prefix) && d.id > after);
    let state = |d: &Document| DocumentState {
        id: d.id.clone(),
        version: 1,
        content_digest: d.content_digest(),
        acl_digest: d.acl_digest(),
        source_hash: d.source_hash.clone(),
        source_version: d.source_version,
    };
    let page: Vec<DocumentState> = found.by_ref().take(PAGE).map(state).collect();
    let next_cursor = found.next().and(page.last().map(|d| d.id.clone()));
    ok(&DocumentStates { documents: page, next_cursor })
}

fn refusal(code: &str, detail: &str) -> Problem {
    Problem {
        kind: String::new(),
        title: String::new(),
        status: 422,
        detail: detail.to_owned(),
        instance: String::new(),
        code: code.to_owned(),
        errors: match code {
            "unprocessable_document" => vec![FieldProblem { pointer: "/metadata/size".into(), detail: "odd".into() }],
            _ => vec![],
        },
        retry_after_ms: None,
    }
}

/// Of rules with a condition that the model does not have.
fn undefined(acl: &Acl) -> Option<Problem> {
    let lists = [("owner", &acl.owners), ("editor", &acl.editors), ("viewer", &acl.viewers), ("blocked", &acl.blocked)];
    let mut entries = lists.into_iter().flat_map(|(relation, list)| list.iter().map(move |entry| (relation, entry)));
    let (relation, c) = entries.find_map(|(relation, entry)| match entry {
        AclEntry::Conditional(c) if c.condition.name != "during" => Some((relation, c)),
        _ => None,
    })?;
    let (who, name) = (&c.principal, &c.condition.name);
    Some(refusal("acl_invalid", &format!("`{relation}@{who}`: condition `{name}` is not defined.")))
}

fn put_documents(world: &mut World, put: PutDocuments) -> DocumentsPut {
    let mut results = Vec::new();
    for document in put.documents {
        let before = world.documents.get(&document.id);
        let rejected = world.reject.get(&document.id).map(|code| refusal(code, &world.rejection));
        let rejected = rejected.or(document.acl.as_ref().and_then(undefined));
        let status = match before {
            _ if rejected.is_some() => DocumentStatus::Rejected,
            None => DocumentStatus::Created,
            Some(b) if b.content_digest() != document.content_digest() => DocumentStatus::Updated,
            Some(b) if b.acl_digest() != document.acl_digest() => DocumentStatus::AclUpdated,
            Some(_) => DocumentStatus::Unchanged,
        };
        let problem = rejected;
        results.push(DocumentResult {
            id: document.id.clone(),
            status,
            version: Some(1),
            problem,
            warnings: Vec::new(),
        });
        if status != DocumentStatus::Rejected {
            world.documents.insert(document.id.clone(), document);
        }
    }
    DocumentsPut { results, revision: "r".into() }
}

fn tuple_id(t: &TupleKey) -> (String, String, String) {
    (t.object.clone(), t.relation.clone(), t.user.clone())
}

/// A user in the service's spelling.
fn spelt(world: &World, user: &str) -> String {
    if world.lowers { usher_authz::names::canonical_principal(user) } else { user.to_owned() }
}

fn write(world: &mut World, mut request: WriteRelationships) -> RelationshipsWritten {
    for t in request.deletes.iter_mut().chain(&mut request.writes) {
        t.user = spelt(world, &t.user);
    }
    let at = jiff::Timestamp::now().to_string();
    let mut log = |tuple: &TupleKey, operation| {
        world.changes.push(RelationshipChange { tuple: tuple.clone(), operation, at: at.clone() });
    };
    let (mut written, mut deleted) = (0, 0);
    for t in request.deletes {
        if world.tuples.remove(&tuple_id(&t)).is_some() {
            deleted += 1;
            log(&t, RelationshipOperation::Delete);
        }
    }
    for t in request.writes {
        if world.tuples.insert(tuple_id(&t), t.clone()).is_none() {
            written += 1;
            log(&t, RelationshipOperation::Write);
        }
    }
    RelationshipsWritten { written, deleted, revision: "r".into() }
}

/// As the service with its default model: the first tuple that it does not take, and why.
fn refused_tuple(world: &World, request: &WriteRelationships) -> Option<(u16, String)> {
    for list in [&request.writes, &request.deletes] {
        let ids: BTreeSet<_> = list.iter().map(tuple_id).collect();
        if ids.len() < list.len() {
            return Some((400, "a tuple is named twice in one request".to_owned()));
        }
    }
    request.writes.iter().find_map(|t| {
        let named = |why: &str| format!("{}#{}@{}: {why}", t.object, t.relation, t.user);
        let is_deleted = request.deletes.iter().any(|d| tuple_id(d) == tuple_id(t));
        let stored = world.tuples.get(&tuple_id(t)).filter(|_| !is_deleted);
        if stored.is_some_and(|stored| stored.condition != t.condition) {
            return Some((409, named("exists already with another condition")));
        }
        let condition = t.condition.as_ref()?;
        if condition.name != "during" {
            return Some((400, named(&format!("condition `{}` is not defined", condition.name))));
        }
        let is_time = |value: &Value| value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok());
        let mut context = condition.context.iter().filter_map(Value::as_object).flatten();
        let (name, _) = context.find(|(_, value)| !is_time(value))?;
        Some((400, named(&format!("`{name}` of condition `during` does not have the declared type"))))
    })
}

fn changes(world: &World, query: &BTreeMap<String, String>) -> RelationshipChanges {
    let start: Option<jiff::Timestamp> = query.get("start_time").map(|at| at.parse().unwrap());
    let from: usize = query.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let kind = format!("{}:", query["type"]);
    let fits = |(n, c): &(usize, &RelationshipChange)| {
        let is_late = from > 0 || start.is_none_or(|start| c.at.parse::<jiff::Timestamp>().unwrap() >= start);
        *n >= from && is_late && c.tuple.object.starts_with(&kind)
    };
    // Those who look for one entry ask from its time on; a page has to hold a transaction.
    let page: Vec<_> = world.changes.iter().enumerate().filter(fits).take(1000).collect();
    let next = page.last().map(|(n, _)| n + 1).or(Some(from).filter(|from| *from > 0));
    RelationshipChanges {
        changes: page.into_iter().map(|(_, c)| c.clone()).collect(),
        next_cursor: next.map(|n| n.to_string()),
        revision: "r".into(),
    }
}

fn read(world: &World, filter: &ReadRelationships) -> RelationshipsRead {
    let fits = |t: &&TupleKey| {
        let object = filter
            .object
            .as_ref()
            .is_none_or(|o| if o.ends_with(':') { t.object.starts_with(o) } else { t.object == *o });
        object
            && filter.relation.as_ref().is_none_or(|r| t.relation == *r)
            && filter.user.as_ref().is_none_or(|u| t.user == spelt(world, u))
    };
    let from: usize = filter.cursor.as_deref().unwrap_or("0").parse().unwrap();
    let found: Vec<_> = world.tuples.values().filter(fits).cloned().collect();
    let next = from + PAGE;
    let next_cursor = (next < found.len()).then(|| next.to_string());
    RelationshipsRead { tuples: found.into_iter().skip(from).take(PAGE).collect(), next_cursor, revision: "r".into() }
}

fn ok(value: &impl serde::Serialize) -> (u16, Value) {
    (200, serde_json::to_value(value).unwrap())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b == b'%' {
            let hex: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            bytes.push(b);
        }
    }
    String::from_utf8(bytes).unwrap()
}
