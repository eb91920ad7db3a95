//! What one process acknowledged binds the next answer of another.

use std::time::{Duration, Instant};

use crate::common::postgres::TestDatabase;
use crate::world::{World, found, grant, is_refusal, put, rounds};

fn percentile(times: &mut [Duration], part: f64) -> f64 {
    times.sort();
    times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_finds_what_another_process_has_just_stored() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let (one, other) = (world.start("one").await, world.start("other").await);
    let pairs = rounds(150, 10_000);
    let (mut stale, mut times) = (0, Vec::new());
    for pair in 0..pairs {
        let (writer, reader) = if pair % 4 == 3 { (&other, &one) } else { (&one, &other) };
        let (id, word) = (format!("a/{}", pair % 500), format!("word{pair}"));
        let stored = put(&writer.client, &id, &format!("This is {word} of many."), &["user:ann"]).await.ok();
        let revision = stored["revision"].as_str().unwrap();
        let begun = Instant::now();
        let hits = found(&reader.client.as_subject("user:ann"), &word, Some(revision)).await.unwrap();
        times.push(begun.elapsed());
        stale += u64::from(hits != [id]);
    }
    println!(
        "counted write-then-query pairs {pairs}, stale {stale}; query p50 {:.1} ms, p99 {:.1} ms",
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99)
    );
    assert_eq!(stale, 0);
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_binds_the_next_question_to_another_process() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let (one, other) = (world.start("one").await, world.start("other").await);
    put(&one.client, "a/1", "The one gentian.", &["group:g#member"]).await.ok();
    let pairs = rounds(150, 5_000);
    let (ann, mut times) = ("user:ann", Vec::new());
    let (mut late, mut leaked) = (0, 0);
    for pair in 0..pairs {
        let (writer, reader) = if pair % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let reader = reader.client.as_subject(ann);
        grant(&writer.client, ann, "member", "group:g", true).await.ok();
        late += u64::from(reader.document("a/1").await.status != 200);
        grant(&writer.client, ann, "member", "group:g", false).await.ok();
        let begun = Instant::now();
        leaked += u64::from(match pair % 2 {
            0 => reader.document("a/1").await.status != 404,
            _ => !found(&reader, "gentian", None).await.unwrap().is_empty(),
        });
        times.push(begun.elapsed());
        if late + leaked > 10 {
            break;
        }
    }
    println!(
        "counted revocations {}, answers with what was revoked {leaked}, grants that came late {late}; answer p50 \
         {:.1} ms, p99 {:.1} ms",
        times.len(),
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99)
    );
    assert_eq!((late, leaked), (0, 0));
    // A revoked key is no better.
    let made = one.client.post("/v1/keys", serde_json::json!({"name": "k", "scopes": ["admin"]})).await.ok();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let with_key = other.client.with_key(key);
    assert_eq!(with_key.get("/v1/collections").await.status, 200);
    one.client.delete(&format!("/v1/keys/{id}")).await.ok();
    assert_eq!(with_key.get("/v1/collections").await.status, 401);
    // Tokens and surfaces are the same everywhere.
    let stores = other.client.get("/fga/stores").await.ok();
    assert_eq!(stores, one.client.get("/fga/stores").await.ok());
    one.stop().await;
    other.stop().await;
}

/// A process that was suspended answers its old requests late or not at all, and never from before.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_process_answers_nothing_old_when_it_goes_on() {
    let database = TestDatabase::create().await;
    let world = World::new(database.url());
    let (one, other) = (world.start("one").await, world.start("other").await);
    let stored = put(&one.client, "a/1", "The one gentian.", &["group:g#member"]).await.ok();
    // The index of the other one follows.
    found(&other.client.as_subject("user:ann"), "gentian", stored["revision"].as_str()).await.unwrap();
    let (mut refused, mut answered) = (0, 0);
    for _ in 0..rounds(3, 50) {
        grant(&one.client, "user:ann", "member", "group:g", true).await.ok();
        assert_eq!(found(&other.client.as_subject("user:ann"), "gentian", None).await.unwrap(), ["a/1"]);
        other.suspend();
        // Asked while it stands still, before and after the revocation elsewhere.
        let ask = |client: crate::process::Client| {
            tokio::spawn(async move { (Instant::now(), found(&client, "gentian", None).await) })
        };
        let before: Vec<_> = (0..4).map(|_| ask(other.client.as_subject("user:ann"))).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        grant(&one.client, "user:ann", "member", "group:g", false).await.ok();
        let after: Vec<_> = (0..4).map(|_| ask(other.client.as_subject("user:ann"))).collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.signal("CONT");
        for asked in before.into_iter().chain(after) {
            match asked.await.unwrap().1 {
                Ok(hits) => {
                    assert_eq!(hits, Vec::<String>::new(), "an answer from before the revocation");
                    answered += 1;
                }
                Err(reply) => {
                    assert!(is_refusal(&reply), "{reply:?}");
                    refused += 1;
                }
            }
        }
    }
    println!("counted questions to a suspended process: answered rightly {answered}, refused {refused}, old 0");
    one.stop().await;
    other.stop().await;
}

#[test]
fn answers_from_an_older_state_are_noticed() {
    let test = "freshness::a_revocation_binds_the_next_question_to_another_process";
    crate::common::mutants::must_be_caught(&[("ignore_the_head", test)]);
}
