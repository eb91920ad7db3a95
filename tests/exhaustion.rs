//! What the worst single requests cost, and what is left to others meanwhile, in a process of its own and one after the
//! other. Figures are printed: `--nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the figures are its point"
)]

mod common;
#[path = "exhaustion/documents.rs"]
mod documents;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher::config::{RawConfig, RawLimits};

use common::{Client, TestService, document, tuple};

/// Figures of a process are those of one test.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Processor time of this process, which is the service and its clients.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Most memory at one time since [`forget_peak`], MiB.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

async fn key(admin: &Client, settings: Value) -> Client {
    let made = admin.post("/v1/keys", settings).await.ok();
    Client { key: made["key"].as_str().unwrap().to_owned(), subject: None, ..admin.clone() }
}

async fn chat_key(admin: &Client, name: &str) -> Client {
    let settings = json!({"name": name, "scopes": ["query"], "subject": format!("service:{name}")});
    key(admin, settings).await
}

/// Groups that are all members of one another and ban one another: a check follows every way there is.
async fn tangle(service: &TestService, groups: usize) -> String {
    let admin = service.admin();
    let store = admin.post("/stores", json!({"name": "tangle"})).await.ok()["id"].as_str().unwrap().to_owned();
    let member = json!([{"type": "user"}, {"type": "group", "relation": "member"}]);
    let model = json!({"schema_version": "1.1", "type_definitions": [
        {"type": "user"},
        {"type": "group", "relations": {
            "listed": {"this": {}},
            "member": {"difference": {"base": {"this": {}}, "subtract": {"computedUserset": {"relation": "listed"}}}}},
         "metadata": {"relations": {
            "listed": {"directly_related_user_types": member},
            "member": {"directly_related_user_types": member}}}}]});
    admin.post(&format!("/stores/{store}/authorization-models"), model).await.ok();
    let mut tuples = Vec::new();
    for from in 0..groups {
        for to in (0..groups).filter(|to| *to != from) {
            for relation in ["member", "listed"] {
                tuples.push(tuple(&format!("group:{from}#member"), relation, &format!("group:{to}")));
            }
        }
    }
    for tuples in tuples.chunks(100) {
        let write = json!({"writes": {"tuple_keys": tuples}});
        admin.post(&format!("/stores/{store}/write"), write).await.ok();
    }
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn runaway_checks_end_and_writes_and_queries_go_on_beside_them() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "parental leave", json!({"viewers": ["user:*"]}))]).await;
    let store = tangle(&service, 24).await;
    let check = |n: usize| {
        let key = tuple(&format!("user:nobody{n}"), "member", "group:0");
        json!({"tuple_key": key, "correlation_id": n.to_string()})
    };
    let batch = json!({"checks": (0..50).map(check).collect::<Vec<_>>()});
    let running = Arc::new(AtomicBool::new(true));
    let attack: Vec<_> = (0..4)
        .map(|_| {
            let (admin, batch, running) = (admin.clone(), batch.clone(), running.clone());
            let path = format!("/stores/{store}/batch-check");
            tokio::spawn(async move {
                let mut longest = Duration::ZERO;
                while running.load(Ordering::Relaxed) {
                    let begin = Instant::now();
                    admin.post(&path, batch.clone()).await;
                    longest = longest.max(begin.elapsed());
                }
                longest
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let reader = service.as_reader("user:ann");
    let (mut writes, mut queries) = (Duration::ZERO, Duration::ZERO);
    for n in 0..5 {
        let begin = Instant::now();
        admin.write(json!([tuple(&format!("user:{n}"), "member", "group:x")]), json!([])).await;
        writes = writes.max(begin.elapsed());
        let begin = Instant::now();
        assert_eq!(reader.ask("parental leave").await, ["a/1"]);
        queries = queries.max(begin.elapsed());
    }
    running.store(false, Ordering::Relaxed);
    let mut longest = Duration::ZERO;
    for attack in attack {
        longest = longest.max(attack.await.unwrap());
    }
    // Whatever was answered, its work has ended.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (before, begin) = (processor(), Instant::now());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = (processor() - before).as_secs_f64() / begin.elapsed().as_secs_f64();
    println!(
        "batches of 50 runaway checks: the longest took {longest:.1?}; beside them a write took at most {writes:.1?}, a \
         query {queries:.1?}; afterwards {after:.2} processors were busy"
    );
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    assert!(writes < Duration::from_secs(3) && queries < Duration::from_secs(3), "{writes:?} {queries:?}");
    assert!(after < 0.5, "{after} processors go on");
    assert_eq!(service.service().evaluations.free(), service.service().evaluations.shares().all);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_long_question_has_a_budget() {
    let _alone = ALONE.lock().await;
    let limits = RawLimits { steps: Some(1_000), ..RawLimits::default() };
    let service = TestService::start_raw(RawConfig { limits, ..RawConfig::default() }).await;
    let admin = service.admin();
    let members: Vec<_> = (0..900).map(|n| tuple(&format!("user:{n}"), "member", "group:all")).collect();
    admin.write(json!(members), json!([])).await;
    let acl = json!({"viewers": ["group:all#member"]});
    admin.put_documents(vec![document("a/1", "parental leave", acl)]).await;
    let tangled = tangle(&service, 12).await;
    let key = |user: &str| json!({"tuple_key": tuple(user, "member", "group:0")});
    let of = |path: &str| format!("/stores/{tangled}/{path}");
    let list = json!({"type": "group", "relation": "member", "user": "user:nobody"});
    let users =
        json!({"object": {"type": "group", "id": "0"}, "relation": "member", "user_filters": [{"type": "user"}]});
    let own = service.service().default_store.clone();
    let expand = json!({"tuple_key": {"relation": "member", "object": "group:all"}});
    for (path, body) in
        [(of("check"), key("user:nobody")), (of("list-users"), users), (format!("/stores/{own}/expand"), expand)]
    {
        let refused = admin.post(&path, body).await;
        assert!(refused.status.is_client_error(), "{path}: {}", refused.status);
        assert_eq!(refused.json()["code"], "authorization_model_resolution_too_complex", "{path}");
    }
    let streamed = admin.post(&of("streamed-list-objects"), list.clone()).await;
    assert!(String::from_utf8_lossy(&streamed.bytes).contains("error") || streamed.status.is_success());
    let batch = json!({"checks": [{"tuple_key": tuple("user:nobody", "member", "group:0"), "correlation_id": "a"}]});
    let answer = admin.post(&of("batch-check"), batch).await.ok();
    assert!(answer["result"]["a"]["error"].is_object(), "{answer}");
    let readers = json!({"collection": "main", "document_id": "a/1"});
    let impact = json!({"deletes": [tuple("group:all#member", "viewer", "document:a/1")]});
    for (path, body) in [("/v1/explain/readers", readers), ("/v1/relationships/impact", impact)] {
        assert_eq!(admin.post(path, body).await.problem(504), "deadline_exceeded", "{path}");
    }
    // What fits is answered as before.
    let check = json!({"tuple_key": tuple("user:5", "member", "group:all")});
    assert_eq!(admin.post(&format!("/stores/{own}/check"), check).await.ok()["allowed"], true);
    assert_eq!(service.as_reader("user:5").ask("parental leave").await, ["a/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_its_stream_holds_no_thread() {
    let _alone = ALONE.lock().await;
    use tokio::io::AsyncWriteExt;
    let service = TestService::start().await;
    let admin = service.admin();
    let store = service.service().default_store.clone();
    for part in 0..20 {
        let tuples: Vec<_> = (0..1000)
            .map(|n| tuple("user:ann", "member", &format!("group:with-a-long-name-{part}-{n:0>220}")))
            .collect();
        admin.write(json!(tuples), json!([])).await;
    }
    let address: std::net::SocketAddr = service.base().strip_prefix("http://").unwrap().parse().unwrap();
    let body = json!({"type": "group", "relation": "member", "user": "user:ann"}).to_string();
    let ask = format!(
        "POST /stores/{store}/streamed-list-objects HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        admin.key,
        body.len()
    );
    let mut silent = Vec::new();
    for _ in 0..4 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(ask.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let inner = service.service();
    while inner.evaluations.free() < inner.evaluations.shares().all {
        assert!(begin.elapsed() < Duration::from_secs(8), "a thread waits for a reader");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(inner.streams.free(), inner.streams.shares().all - 4, "what waits for them is counted");
    drop(silent);
    let answer =
        admin.post(&format!("/stores/{store}/streamed-list-objects"), serde_json::from_str(&body).unwrap()).await;
    assert_eq!(String::from_utf8(answer.bytes).unwrap().lines().count(), 20_000, "who reads gets everything");
    while inner.streams.free() < inner.streams.shares().all {
        assert!(begin.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_in_filters_are_limited_and_a_deadline_ends_the_work() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    for part in 0..10 {
        let documents = (0..250).map(|n| document(&format!("a/{part}-{n}"), "budget", json!({"viewers": ["user:*"]})));
        admin.put_documents(documents.collect()).await;
    }
    let ann = service.as_reader("user:ann");
    let time = |n: usize| json!(format!("2020-01-01T00:{:02}:{:02}.{:03}Z", n / 60 % 60, n % 60, n % 1000));
    let asked = |values: usize, leaves: usize, deadline: u32| {
        let values: Vec<Value> = (0..values).map(time).collect();
        let leaf = json!({"field": "updated_at", "op": "in", "value": values});
        json!({"query": "budget", "filter": {"or": vec![leaf; leaves]}, "deadline_ms": deadline})
    };
    let refused = ann.post("/v1/query", asked(30_000, 1, 20_000)).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/filter/or/0/value");
    assert_eq!(refused.problem(400), "invalid_filter");
    assert_eq!(
        ann.post("/v1/query", asked(1_000, 2, 20_000)).await.problem(400),
        "invalid_filter",
        "all lists together"
    );
    let (before, begin) = (processor(), Instant::now());
    let (count, mut late) = (50, 0);
    for _ in 0..count {
        let answer = ann.post("/v1/query", asked(1_000, 1, 1)).await;
        if answer.status.as_u16() == 504 {
            assert_eq!(answer.json()["detail"], "Try again, or allow a longer deadline.");
            late += 1;
        }
    }
    assert!(late > 0, "none was late");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let each = (processor() - before) / count;
    println!(
        "{count} queries with 1,000 times in a filter and 1 ms: {each:.1?} of processor each, {:.1?}",
        begin.elapsed()
    );
    let inner = service.service();
    assert_eq!(inner.queries.free(), inner.queries.shares().all, "every place came back with its work's end");
    assert_eq!(inner.computing.free(), inner.computing.shares().all);
    assert!(each < Duration::from_millis(100), "{each:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_told_once_per_document_and_costs_no_more_memory_with_more_passages() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    let text =
        |n: usize| (0..12).map(|part| format!("budget {n} {part} {}\n\n", "word ".repeat(150))).collect::<String>();
    let documents = (0..10).map(|n| {
        let mut document = document(&format!("a/{n}"), &text(n), json!({"viewers": ["user:ann"]}));
        document["metadata"] = json!({"large": "m".repeat(60_000)});
        document
    });
    admin.put_documents(documents.collect()).await;
    let ann = service.as_reader("user:ann");
    let ask = json!({"query": "budget", "top_k": 100});
    forget_peak();
    let before = peak();
    let answer = ann.post("/v1/query", ask.clone()).await.ok();
    let results = answer["results"].as_array().unwrap();
    let mut told = std::collections::BTreeSet::new();
    for passage in results {
        let is_first = told.insert(passage["document_id"].as_str().unwrap().to_owned());
        assert_eq!(passage["metadata"].is_object(), is_first, "with the first passage of a document, and no other");
    }
    assert!(results.len() > 50 && told.len() == 10, "{} of {}", results.len(), told.len());
    let more = peak().saturating_sub(before);
    println!("{} passages of 10 documents with 60 KB of metadata each: {more} MiB more at the peak", results.len());
    assert!(more < 64, "{more} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_multiplied_is_refused_by_name() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    let text = "word ".repeat(20_000);
    let with = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut document = document(&format!("a/{id}"), &text, json!({"viewers": ["user:ann"]}));
        change(&mut document);
        document
    };
    let spans = |count: usize, headings: Value| -> Value {
        (0..count).map(|n| json!({"start": n, "end": 60_000 + n, "heading_path": headings})).collect()
    };
    let users = |count: usize| -> Value { (0..count).map(|n| json!(format!("user:{n}"))).collect() };
    let cases: Vec<(&str, Value)> = vec![
        ("/title", with("1", &|it| it["title"] = json!("t".repeat(2_049)))),
        ("/url", with("2", &|it| it["url"] = json!("u".repeat(4_097)))),
        ("/metadata", with("3", &|it| it["metadata"] = json!({"a": "m".repeat(70_000)}))),
        (
            "/metadata",
            with("4", &|it| {
                it["metadata"] = (0..257).map(|n| (n.to_string(), json!(1))).collect::<serde_json::Map<_, _>>().into();
            }),
        ),
        ("/chunks", with("5", &|it| it["chunks"] = spans(100, json!([])))),
        ("/chunks/0/heading_path", with("6", &|it| it["chunks"] = spans(1, json!(["h".repeat(5_000)])))),
        ("/acl", with("7", &|it| it["acl"] = json!({"viewers": users(10_001)}))),
    ];
    let documents: Vec<&Value> = cases.iter().map(|(_, document)| document).collect();
    let answer = admin.post("/v1/documents", json!({"documents": documents})).await.ok();
    for ((pointer, _), result) in cases.iter().zip(answer["results"].as_array().unwrap()) {
        assert_eq!(result["problem"]["code"], "unprocessable_document", "{pointer}: {result}");
        assert_eq!(result["problem"]["errors"][0]["pointer"], *pointer);
    }
    admin.put_documents(vec![with("9", &|_| {})]).await;
    let refused =
        admin.put("/v1/documents/a%2F9/acl?collection=main", json!({"acl": {"viewers": users(10_001)}})).await;
    assert_eq!(refused.problem(400), "invalid_request");
    let refused = admin.put("/v1/collections/second", json!({"default_acl": {"viewers": users(10_001)}})).await;
    assert_eq!(refused.problem(400), "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_as_everybody_does_not_push_out_what_others_have_resolved() {
    let _alone = ALONE.lock().await;
    let service = TestService::start_raw(RawConfig { reader_cache_mib: Some(1), ..RawConfig::default() }).await;
    let admin = service.admin();
    let everybody = json!({"viewers": ["user:*", "service:*"]});
    admin.put_documents(vec![document("a/1", "parental leave", everybody)]).await;
    let innocent = chat_key(&admin, "chat").await;
    let mut asking = Vec::new();
    for n in 0..20 {
        asking.push(chat_key(&admin, &format!("c{n}")).await);
    }
    asking.push(innocent);
    for client in &asking {
        assert_eq!(client.ask("parental leave").await.len(), 1);
    }
    let scopes = json!({"name": "all", "scopes": ["query", "act_as"], "act_as_types": ["user"]});
    let attacker = key(&admin, scopes).await;
    for n in 0..1_500 {
        let client = Client { subject: Some(format!("user:{n}")), ..attacker.clone() };
        assert_eq!(client.ask("parental leave").await.len(), 1);
    }
    let inner = service.service();
    let counts = &inner.authority.resolver().counts;
    let before = counts.resolved.load(Ordering::Relaxed);
    for client in &asking {
        assert_eq!(client.ask("parental leave").await.len(), 1);
    }
    let again = counts.resolved.load(Ordering::Relaxed) - before;
    let bytes = service.service().authority.resolver().cached_bytes();
    println!("after 1,500 subjects of one key, {again} of 21 others were resolved again; {bytes} bytes are cached");
    assert_eq!(again, 0);
    assert!(bytes <= 1 << 20);
}

/// Answers per second of some readers with keys of their own, for a while.
async fn goodput(readers: &[Client], time: Duration) -> f64 {
    let (answers, begin) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let tasks = readers.iter().map(|reader| {
        let (reader, answers) = (reader.clone(), answers.clone());
        tokio::spawn(async move {
            while begin.elapsed() < time {
                if reader.post("/v1/query", json!({"query": "budget plan", "top_k": 3})).await.status.is_success() {
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    });
    futures::future::join_all(tasks).await;
    answers.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

/// Alone, and beside one key that asks the dearest question there is with 48 requests at a time.
async fn beside_an_attacker(limits: RawLimits) -> (f64, f64) {
    let service = TestService::start_raw(RawConfig { limits, ..RawConfig::default() }).await;
    let admin = service.admin();
    for part in 0..10 {
        let documents = (0..250)
            .map(|n| document(&format!("a/{part}-{n}"), "budget plan", json!({"viewers": ["user:*", "service:*"]})));
        admin.put_documents(documents.collect()).await;
    }
    let mut readers = Vec::new();
    for n in 0..4 {
        readers.push(chat_key(&admin, &format!("c{n}")).await);
    }
    let time = Duration::from_secs(4);
    let alone = goodput(&readers, time).await;
    let attacker = chat_key(&admin, "attacker").await;
    let values: Vec<Value> = (0..1_000).map(|n| json!(format!("{n:0>50}"))).collect();
    let filter = json!({"not": {"field": "title", "op": "in", "value": values}});
    let running = Arc::new(AtomicBool::new(true));
    let attack: Vec<_> = (0..48)
        .map(|_| {
            let (attacker, running) = (attacker.clone(), running.clone());
            let ask = json!({"query": "budget plan", "top_k": 100, "filter": filter,
                             "include": ["text", "metadata", "neighbors", "assembled"]});
            tokio::spawn(async move {
                while running.load(Ordering::Relaxed) {
                    // One that is refused before its body was read may find the connection closed.
                    let sent = attacker.http.post(format!("{}/v1/query", attacker.base)).bearer_auth(&attacker.key);
                    let _ = sent.json(&ask).send().await;
                }
            })
        })
        .collect();
    let beside = goodput(&readers, time).await;
    running.store(false, Ordering::Relaxed);
    futures::future::join_all(attack).await;
    (alone, beside)
}

#[tokio::test(flavor = "multi_thread")]
async fn innocent_readers_keep_a_part_of_their_goodput_beside_an_attacker() {
    let _alone = ALONE.lock().await;
    let shut = RawLimits {
        max_queries_per_key: Some(64),
        max_queries_per_subject: Some(64),
        computing: Some(1_024),
        ..RawLimits::default()
    };
    let (alone, beside) = beside_an_attacker(shut).await;
    println!("without shares: {alone:.0} answers/s alone, {beside:.0} beside an attacker: {:.2}", beside / alone);
    let rates = usher::config::RawRates {
        query: Some(usher::config::RawRate { key: 1_000, subject: 200 }),
        ..Default::default()
    };
    let (alone, beside) = beside_an_attacker(RawLimits { rates, ..RawLimits::default() }).await;
    println!("with shares: {alone:.0} answers/s alone, {beside:.0} beside an attacker: {:.2}", beside / alone);
    assert!(beside / alone > 0.1, "{alone} {beside}");
}
