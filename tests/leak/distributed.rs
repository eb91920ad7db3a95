//! The sequential oracle with the indexes in a real Qdrant (`QDRANT_URL`).

use usher::config::{RawConfig, RawQdrant};
use usher_oracle::rank::Rarity;

use crate::driver::Driver;
use crate::plan;

fn configuration(url: &str, world: u64, shards: u32) -> RawConfig {
    let prefix = format!("usher-leak-{}-{world}-{shards}", std::process::id());
    let qdrant = RawQdrant { url: url.to_owned(), prefix: Some(prefix), shards: Some(shards), ..RawQdrant::default() };
    // A busy machine must not look like a difference.
    RawConfig { qdrant: Some(qdrant), deadline_ms: Some(10_000), ..RawConfig::default() }
}

/// Every answer holds what brute force gives and no canary of anything else.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_through_qdrant_equals_brute_force() {
    compare(1).await;
}

/// The same where points are spread over shards, each with lists of its own that Qdrant merges.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_through_several_shards_equals_brute_force() {
    compare(3).await;
}

async fn compare(shards: u32) {
    let Ok(url) = std::env::var("QDRANT_URL") else {
        usher_support::skipped("qdrant", "no Qdrant (set QDRANT_URL to its gRPC address)");
        return;
    };
    let (seed, steps) = plan(200);
    let (mut queries, mut turned) = (0, 0);
    for seed in (seed..).take(steps.div_ceil(100)) {
        let folder = tempfile::tempdir().unwrap();
        let mut driver = Driver::on(Driver::serve_with(configuration(&url, seed, shards), folder).await, seed).await;
        driver.world.rarity = Rarity::Constant;
        driver.turned = Some(0);
        for step in 0..100 {
            queries += driver.step().await;
            if step == 60 {
                let folder = driver.service.stop().await;
                driver.service = Driver::serve_with(configuration(&url, seed, shards), folder).await;
            }
        }
        turned += driver.turned.unwrap_or_default();
        driver.service.admin().delete("/v1/collections/leak?force=true").await.ok();
        driver.service.admin().delete("/v1/collections/main?force=true").await.ok();
    }
    assert!(turned * 50 <= queries, "{turned} of {queries} answers in another order");
    println!(
        "leak oracle, Qdrant, shards {shards}: {queries} queries from seed {seed}, 0 leaks, {turned} with near equals \
         turned round"
    );
}
