//! The limits that the README states are those of the code: every number of its table is read from where it is declared.

use std::path::Path;

/// First words of a row, and its last cell with `{file NAME unit}` for each number; `{config name}` is a default of the
/// configuration.
const ROWS: &[(&str, &str)] = &[
    ("query text", "{wire MAX_QUERY} bytes"),
    ("queries at one time (`max_queries`)", "{config max_queries}"),
    ("… of one credential (`limits.max_queries_per_key`)", "half, an eighth"),
    (
        "requests per second of one credential",
        "query and read {key query}, {subject query}; write {key write}; check {key check}; survey {key survey}",
    ),
    ("`top_k`", "10, at most {wire MAX_TOP_K}"),
    ("candidates per leg", "{config depth} (10 to 1,000)"),
    ("chunks of one document in such a list", "as many, and {crates/index/src/depth.rs SPARE}"),
    (
        "passages that are chosen from",
        "{src/query/diversify.rs POOL}, or {src/query/diversify.rs POOL_PER_RESULT} times `top_k`",
    ),
    (
        "text `under_heading`",
        "{src/query/heading.rs MAX_BYTES KiB} KiB, {src/query/heading.rs MAX_CHUNKS} chunks before it and \
         {src/query/heading.rs MAX_CHUNKS} after it",
    ),
    ("deadline of a query", "{config deadline_ms s} s, at most {config max_deadline_ms s} s"),
    (
        "filter;",
        "{crates/index/src/filter.rs MAX_LEAVES} leaves, {crates/index/src/filter.rs MAX_DEPTH} levels; \
         {crates/index/src/filter.rs MAX_VALUES}",
    ),
    ("collections per query", "{wire MAX_COLLECTIONS}"),
    ("`context`", "{src/query/validate.rs MAX_CONTEXT KiB} KiB, only keys that the collection lists"),
    ("JSON values", "{src/http/body.rs MAX_VALUES}"),
    (
        "documents per request",
        "{wire MAX_DOCUMENTS}, {src/http.rs MAX_DOCUMENTS_BODY MiB} MiB; {src/serve.rs UPLOADS.all}, \
         {src/serve.rs UPLOADS.credential}",
    ),
    (
        "text of a document",
        "{src/prepare.rs MAX_TEXT MiB} MiB, {src/prepare.rs MAX_CHUNK KiB} KiB, {wire MAX_CHUNKS}, {wire MAX_SECTIONS}",
    ),
    (
        "chunks of all documents",
        "{src/prepare.rs MAX_REQUEST_CHUNKS}; {src/prepare/sizes.rs MAX_OVERLAP} times its text \
         ({src/prepare/sizes.rs FREE_OVERLAP KiB} KiB are free)",
    ),
    ("document id;", "{wire MAX_DOCUMENT_ID}; {wire MAX_TITLE}; {wire MAX_URL} bytes"),
    (
        "headings of a text;",
        "{crates/base/src/outline.rs MAX_HEADINGS}; {wire MAX_HEADING_LEVELS} headings, {src/prepare/sizes.rs MAX_PATH} \
         bytes; {src/prepare/sizes.rs MAX_ALL_PATHS MiB} MiB",
    ),
    ("notes and link definitions", "{crates/base/src/outline/definitions.rs MAX_DEFINITIONS}"),
    ("marks of Markdown", "{src/prepare/sizes.rs MAX_MARKS}"),
    ("time for splitting", "{src/service/turn.rs LAYOUT s} s"),
    ("metadata of a document", "{wire MAX_METADATA_NAMES} names, {src/prepare/sizes.rs MAX_METADATA KiB} KiB of JSON"),
    ("memory of one answer", "under 64 MiB (measured: 1 to 3)"),
    ("principals and parents", "{wire MAX_RULES}"),
    (
        "other request bodies",
        "{src/http.rs MAX_BODY MiB} MiB; OpenFGA surface {src/http/compat/openfga.rs MAX_BODY} bytes",
    ),
    ("JSON nesting", "{crates/base/src/wire/strict.rs MAX_DEPTH}"),
    ("tuples per write", "{wire MAX_TUPLES}; OpenFGA surface {src/http/compat/openfga/tuples.rs MAX_TUPLES}"),
    ("items per recheck", "{wire MAX_RECHECK}"),
    ("documents of a source", "{wire MAX_PAGE}; {src/http/routes/stored.rs AT_ONCE}"),
    ("principals in the rules", "{wire MAX_RULES}"),
    ("items of a page;", "100, at most {wire MAX_PAGE}; 15 min"),
    ("titles and metadata of a page", "{src/http/routes/list.rs MAX_PAGE_BYTES MiB} MiB"),
    (
        "answers over 64 KiB",
        "{src/http/unsent.rs WAITING.all}, {src/http/unsent.rs WAITING.credential}, {src/http/unsent.rs WAITING.subject} \
         MiB",
    ),
    ("hops of a check;", "{crates/authz/src/lib.rs MAX_DEPTH}; {src/service/turn.rs EVALUATION s} s"),
    ("time of an explanation", "{src/service/turn.rs SURVEY s} s"),
    ("steps of work", "{config steps}"),
    ("threads that compute", "2 per core (at least 4); 1 per core (at least 2)"),
    ("threads that divide", "half of `limits.computing`"),
    (
        "streamed lists",
        "{src/serve.rs STREAMS.all}, {src/serve.rs STREAMS.credential}; {src/http/compat/openfga/lists.rs MAX_WAITING MiB} MiB",
    ),
    ("tuples that one page", "{src/catalog/tuples.rs MAX_LOOKED_AT}"),
    ("documents, groups and folders", "{config drift_objects_per_s} (0 to 10,000)"),
    ("waiting writes", "{src/commit/queue.rs WAITING}"),
    ("records of refused", "{src/audit/refusals.rs OWN} a minute; more are counted in one line"),
    ("cached masks", "{config mask_cache_mib} MiB, {config reader_cache_mib} MiB"),
    ("connections (", "{config max_connections}, half of them"),
    ("head of a request (", "{config head_timeout_s} s, {config body_timeout_s} s"),
    ("connection without", "{config idle_timeout_s} s; {src/limits.rs ANSWER_READING min} min"),
    (
        "bytes of a request's head",
        "{src/serve/connections.rs MAX_HEAD KiB} KiB, {src/serve/connections.rs MAX_FIELDS}; {src/serve/connections.rs MAX_STREAMS}",
    ),
    ("lines of the log", "{src/telemetry/seldom.rs MOST} a minute; more are counted"),
    ("spans that wait", "2,048; {config otlp.timeout_ms s} s"),
    ("bytes of a refused", "{src/http.rs MAX_BODY MiB} MiB; {src/http/unread.rs LONGEST s} s"),
    ("drain at shutdown", "{src/serve/listening.rs DRAIN s} s"),
];

/// What other documents say of times and numbers, with the same placeholders; `{sql settings name}` is one of PostgreSQL's,
/// in the file that sets them.
const CLAIMS: &[(&str, &str)] = &[
    (
        "docs/architecture.md",
        "A statement may take {sql READER statement_timeout} s to read and {sql WRITER statement_timeout} s to write, a \
         connection {src/catalog/postgres.rs ACQUIRE s} s to come about, the lock {sql WRITER lock_timeout} s; a process that \
         hangs inside a transaction is ended by the server after {sql WRITER idle_in_transaction_session_timeout} s",
    ),
    ("docs/audit.md", "`credentials.refused`: {src/audit/refusals.rs OWN} in a minute have a record each"),
    ("docs/identity.md", "Clocks may differ by {src/identity/jwt.rs LEEWAY} s"),
    ("docs/identity.md", "not more often than every {src/identity/jwks.rs LEAST_PAUSE s} s"),
    (
        "docs/identity.md",
        "Answers are limited to {src/identity/jwks.rs TIMEOUT s} s, {src/identity/jwks.rs MAX_BYTES KiB} KiB and \
         {src/identity/jwks.rs MAX_KEYS} keys",
    ),
    ("docs/administration.md", "A page has 100 items, at most {wire MAX_PAGE} (`limit`)"),
    (
        "docs/ingest.md",
        "documents within a document (attachments): how many, their bytes; in each other | \
         {ingest/src/extract/nested.rs MAX_DOCUMENTS}, {ingest/src/extract/nested.rs MAX_BYTES MiB} MiB; \
         {ingest/src/extract/nested.rs MAX_NESTING} |",
    ),
    (
        "docs/ingest.md",
        "pictures: of a file; pixels of one | {ingest/src/extract/picture.rs MAX_PICTURES}; \
         {ingest/src/extract/picture.rs MAX_PIXELS} |",
    ),
    (
        "docs/ingest.md",
        "pixels of the longer side of a drawn page | {ingest/src/sandbox/recognise.rs MAX_PAGES}; \
         {ingest/src/sandbox/recognise.rs SIDE} |",
    ),
    (
        "docs/ingest.md",
        "wall clock, processor; memory; text | {ingest/src/sandbox/recognise.rs PAGE s} s, \
         {ingest/src/sandbox/tool.rs CPU_SECONDS} s; 2 GiB; {ingest/src/sandbox/recognise.rs MAX_READ MiB} MiB |",
    ),
    ("docs/ingest.md", "no further page after | {ingest/src/sandbox/recognise.rs DOCUMENT s} s |"),
    (
        "docs/ingest.md",
        "cells of a row; bytes of a template, names of metadata | {ingest/src/extract/records.rs MAX_RECORDS}; \
         {ingest/src/extract/records.rs MAX_CELLS}; {ingest/src/extract/records/shape.rs MAX_TEMPLATE KiB} KiB, \
         {ingest/src/extract/records/shape.rs MAX_NAMES} |",
    ),
    (
        "docs/administration.md",
        "removes at most {wire MAX_PAGE} documents (`limit`), {src/http/routes/stored.rs AT_ONCE} in each commit",
    ),
];

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The value of a constant: a product of numbers, a duration in seconds, or a field of a struct of numbers.
fn declared(file: &str, name: &str) -> u64 {
    let (name, field) = name.split_once('.').map_or((name, None), |(name, field)| (name, Some(field)));
    let text = source(file);
    let line = text.lines().find(|line| line.contains(&format!("const {name}:")));
    let line = line.unwrap_or_else(|| panic!("{file} declares no {name}"));
    let value = line.split_once('=').unwrap().1.trim().trim_end_matches(';');
    let value = match field {
        Some(field) => value.split(&format!("{field}: ")).nth(1).unwrap().split([',', ' ']).next().unwrap(),
        None => value.strip_prefix("Duration::from_secs(").map_or(value, |rest| rest.trim_end_matches(')')),
    };
    value.split('*').map(|factor| number(factor, value)).product()
}

/// A default, as the example of the configuration shows it, which a test compares with what comes about.
fn configured(name: &str) -> u64 {
    let text = source("deploy/usher.example.toml");
    let (text, name) = match name.split_once('.') {
        None => (text.as_str(), name),
        Some((table, name)) => (text.split(&format!("#[{table}]")).nth(1).expect("a table"), name),
    };
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("#{name} = ")));
    number(line.unwrap_or_else(|| panic!("no option `{name}`")), name)
}

/// Seconds, of what a session asks of PostgreSQL.
fn setting(settings: &str, name: &str) -> String {
    let text = source("src/catalog/postgres.rs");
    let asked = text.split(&format!("const {settings}: &str = \"")).nth(1).unwrap().split('"').next().unwrap();
    let value = asked.split(&format!("SET {name} = '")).nth(1).unwrap_or_else(|| panic!("no {name}"));
    value.split('s').next().unwrap().to_owned()
}

/// One number of `class = { key = 1000, subject = 200 }`.
fn rate(of: &str, class: &str) -> u64 {
    let text = source("deploy/usher.example.toml");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("#{class} = ")));
    let value = line.and_then(|line| line.split(&format!("{of} = ")).nth(1)).expect("a rate");
    number(value.split([',', ' ']).next().unwrap(), class)
}

fn number(text: &str, whole: &str) -> u64 {
    text.trim().replace('_', "").parse().unwrap_or_else(|_| panic!("`{whole}` is not understood here"))
}

/// With a comma before each three digits.
fn written(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn value(placeholder: &str) -> String {
    let words: Vec<_> = placeholder.split(' ').collect();
    let [origin, name, unit] = [0, 1, 2].map(|word| words.get(word).copied());
    let value = match (origin.unwrap(), name.unwrap()) {
        ("sql", settings) => return setting(settings, unit.unwrap()),
        ("wire", name) => declared("crates/base/src/wire/bounds.rs", name),
        ("config", name) => configured(name),
        (of @ ("key" | "subject"), class) => rate(of, class),
        (file, name) => declared(file, name),
    };
    let (divisor, text) = match unit {
        None => (1, ""),
        Some("KiB") => (1_024, "KiB"),
        Some("MiB") => (1_024 * 1_024, "MiB"),
        // Options are milliseconds, durations of the code seconds.
        Some("s") if origin == Some("config") => (1_000, "s"),
        Some("s") => (1, "s"),
        Some("min") => (60, "min"),
        Some(other) => panic!("unit {other}"),
    };
    assert!(value.is_multiple_of(divisor), "{placeholder}: {value} is not whole in {text}");
    written(value / divisor)
}

fn filled(template: &str) -> String {
    let mut text = String::new();
    for part in template.split('{') {
        match part.split_once('}') {
            Some((placeholder, rest)) => text.extend([value(placeholder).as_str(), rest]),
            None => text.push_str(part),
        }
    }
    text
}

#[test]
fn the_limits_of_the_readme_are_those_of_the_code() {
    let readme = source("README.md");
    let table = readme.split("| limit | default |\n|---|---|\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<(&str, &str)> =
        table.lines().map(|row| row.trim_matches(['|', ' ']).rsplit_once(" | ").unwrap()).collect();
    let names = |rows: &[(&str, &str)]| rows.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(rows.len(), ROWS.len(), "{:?} {:?}", names(&rows), names(ROWS));
    for ((label, cell), (begins, template)) in rows.iter().zip(ROWS) {
        assert!(label.starts_with(begins), "`{label}` stands where `{begins}` should");
        assert_eq!(*cell, filled(template), "{label}");
    }
}

#[test]
fn what_documents_say_of_times_and_numbers_is_so() {
    for (file, claim) in CLAIMS {
        let text = source(file).split_whitespace().collect::<Vec<_>>().join(" ");
        let claim = filled(claim);
        assert!(text.contains(&claim), "{file} does not say: {claim}");
    }
    // Readers, and one each for writing, for single statements beside it and for listening.
    let readers = source("src/catalog/location.rs");
    let readers = readers.split("Self::Postgres(_) => ").nth(1).unwrap().split(',').next().unwrap();
    let connections = format!("Each process takes up to {} connections", number(readers, readers) + 3);
    assert!(source("docs/architecture.md").contains(&connections), "{connections}");
}
