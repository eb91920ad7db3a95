//! Documents that take more room than they are long, and answers that are.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{TestService, document};
use crate::{ALONE, forget_peak, key, peak};

/// MiB that one request may take besides what the process has.
const ROOM: u64 = 400;

/// The most memory while something is asked, beyond what there was.
async fn room_of(asked: impl Future<Output = ()>) -> u64 {
    forget_peak();
    let before = peak();
    asked.await;
    peak().saturating_sub(before)
}

#[tokio::test(flavor = "multi_thread")]
async fn small_values_in_great_number_take_no_more_than_their_limit() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let writer = key(&service.admin(), json!({"name": "w", "scopes": ["documents.write"]})).await;
    let bytes = 8 * 1024 * 1024;
    let head = r#"{"documents":[{"id":"a/1","collection":"main","content":{"type":"text/plain","text":"x"},"#;
    for (name, open, value, close) in [
        ("documents", r#"{"documents":["#.to_owned(), "1,", "1]}"),
        ("principals", format!(r#"{head}"acl":{{"viewers":["#), "\"\",", "\"\"]}}]}"),
        ("metadata", format!(r#"{head}"acl":{{"nobody":true}},"metadata":{{"a":["#), "1,", "1]}}]}"),
        ("lists", format!(r#"{head}"acl":{{"all_of":["#), "[],", "[]]}}]}"),
    ] {
        let body = open + &value.repeat(bytes / value.len()) + close;
        let mut status = 0;
        let room = room_of(async {
            let request = writer.http.post(format!("{}/v1/documents", service.base())).bearer_auth(&writer.key);
            let request = request.header("content-type", "application/json").body(body);
            status = request.send().await.unwrap().status().as_u16();
        })
        .await;
        println!("{name}: 8 MiB of JSON, {room} MiB");
        assert!(status == 400 && room < 100, "{name}: {status}, {room} MiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headings_in_great_number_take_no_more_than_their_limit() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let writer = key(&service.admin(), json!({"name": "w", "scopes": ["documents.write"]})).await;
    let path: String = (1..6).map(|level| format!("{} {}\n", "#".repeat(level), "\u{1F600}".repeat(500))).collect();
    for (name, rest) in [("few", "###### z\n".repeat(15_000)), ("many", "###### z\n".repeat(450_000))] {
        let mut sent = document("a/1", &(path.clone() + &rest), json!({"viewers": ["user:ann"]}));
        sent["content"]["type"] = "text/markdown".into();
        let mut answer = json!(null);
        let room =
            room_of(async { answer = writer.post("/v1/documents", json!({"documents": [sent]})).await.ok() }).await;
        println!("{name} headings: {} KiB of text, {room} MiB", rest.len() / 1024);
        assert_eq!(answer["results"][0]["status"], "rejected", "{answer}");
        assert!(room < ROOM, "{name}: {room} MiB");
    }
}

/// Markdown of which a parser makes much more than it is long, and a word without an end.
#[tokio::test(flavor = "multi_thread")]
async fn texts_that_cost_more_than_they_are_long_end_in_time_and_room() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    let limited = |name: &str| json!({"name": name, "scopes": ["documents.write"], "collections": ["main"]});
    let writers = [key(&admin, limited("a")).await, key(&admin, limited("b")).await];
    let reader = service.as_reader("user:ann");
    for (kind, name, text, outcome) in [
        ("text/markdown", "brackets", "[".repeat(1_000_000), "created"),
        ("text/markdown", "many brackets", "[".repeat(15_000_000), "rejected"),
        ("text/markdown", "quotations", "> ".repeat(500_000), "created"),
        ("text/markdown", "lines", "a\n".repeat(300_000), "created"),
        ("text/markdown", "many lines", "a\n".repeat(7_000_000), "rejected"),
        ("text/plain", "one word", "a".repeat(1024 * 1024), "created"),
    ] {
        let mut statuses = Vec::new();
        let begun = std::time::Instant::now();
        let mut slowest = Duration::ZERO;
        let room = room_of(async {
            let send = |writer: usize, n: usize| {
                let mut sent = document(&format!("{writer}/{n} {name}"), &text, json!({"viewers": ["user:ann"]}));
                sent["content"]["type"] = kind.into();
                let writer = writers[writer].clone();
                async move {
                    let told = writer.post("/v1/documents", json!({"documents": [sent]})).await.ok();
                    told["results"][0]["status"].as_str().unwrap().to_owned()
                }
            };
            let all = futures::future::join_all([send(0, 1), send(0, 2), send(1, 1), send(1, 2)]);
            let done = std::sync::atomic::AtomicBool::new(false);
            let asking = async {
                let mut slowest = Duration::ZERO;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let asked = std::time::Instant::now();
                    assert_eq!(reader.post("/v1/query", json!({"query": "x"})).await.status, 200, "{name}");
                    slowest = slowest.max(asked.elapsed());
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                slowest
            };
            let sending = async {
                let statuses = all.await;
                done.store(true, std::sync::atomic::Ordering::Relaxed);
                statuses
            };
            (statuses, slowest) = tokio::join!(sending, asking);
        })
        .await;
        println!(
            "{name}: {} KiB four times, {:.1?}, {room} MiB, slowest other answer {slowest:.2?}: {statuses:?}",
            text.len() / 1024,
            begun.elapsed()
        );
        assert!(statuses.iter().all(|status| status == outcome), "{name}: {statuses:?}");
        assert!(room < 2 * ROOM, "{name}: {room} MiB");
    }
}

/// Sixty answers of 16 MiB that nobody reads.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_take_no_more_than_their_share() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    let text = "A sentence of some words that says little. ".repeat(380_000);
    let mut sent = document("a/1", &text, json!({"viewers": ["service:r"]}));
    // One chunk is enough.
    sent["chunks"] = json!([{"start": 0, "end": 10}]);
    admin.put_documents(vec![sent]).await;
    let reader = key(&admin, json!({"name": "r", "scopes": ["documents.read"], "subject": "service:r"})).await;
    let url = format!("{}/v1/documents/a%2F1?collection=main", service.base());
    let mut held = Vec::new();
    let (mut answered, mut refused) = (0, 0);
    let room = room_of(async {
        for _ in 0..60 {
            // The body is not read.
            let answer = reader.http.get(&url).bearer_auth(&reader.key).send().await.unwrap();
            match answer.status().as_u16() {
                200 => answered += 1,
                429 => refused += 1,
                other => panic!("{other}"),
            }
            held.push(answer);
        }
    })
    .await;
    println!("60 answers of {} MiB unread: {answered} given, {refused} refused, {room} MiB", text.len() >> 20);
    assert!(answered > 0 && refused > 30 && room < 600, "{answered} {refused} {room}");
    drop(held);
    // Once they are left, there is room again.
    let begun = std::time::Instant::now();
    while !reader.get("/v1/documents/a%2F1?collection=main").await.status.is_success() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no room comes back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Others wait for a commit: it takes no longer to replace rules than it took to write them.
#[tokio::test(flavor = "multi_thread")]
async fn rules_in_great_number_cost_as_much_to_replace_as_to_write() {
    let _alone = ALONE.lock().await;
    let service = TestService::start().await;
    let admin = service.admin();
    admin.put_documents(vec![document("a/1", "one", json!({"nobody": true}))]).await;
    let mut times = Vec::new();
    for round in 0..3 {
        let viewers: Vec<String> = (0..9_900).map(|n| format!("user:u{round}x{n}")).collect();
        let begun = Instant::now();
        admin.put("/v1/documents/a%2F1/acl?collection=main", json!({"acl": {"viewers": viewers}})).await.ok();
        times.push(begun.elapsed());
    }
    println!("9,900 principals: written in {:?}, replaced in {:?}", times[0], &times[1..]);
    assert!(times[1] < 5 * times[0] + Duration::from_secs(1), "{times:?}");
}
