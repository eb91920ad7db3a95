//! The sequential oracle with the indexes in a real Qdrant (`QDRANT_URL`).

use usher::config::{RawConfig, RawQdrant};
use usher_oracle::rank::Rarity;
use usher_oracle::world::sentence;

use crate::driver::Driver;
use crate::plan;

fn configuration(url: &str, world: u64) -> RawConfig {
    let prefix = format!("usher-leak-{}-{world}", std::process::id());
    let qdrant = RawQdrant { url: url.to_owned(), prefix: Some(prefix), ..RawQdrant::default() };
    RawConfig { qdrant: Some(qdrant), ..RawConfig::default() }
}

/// Every answer holds what brute force gives and no canary of anything else.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_through_qdrant_equals_brute_force() {
    let Ok(url) = std::env::var("QDRANT_URL") else {
        println!("skipped: no Qdrant (set QDRANT_URL to its gRPC address)");
        return;
    };
    let (seed, steps) = plan(200);
    let (mut queries, mut turned) = (0, 0);
    for seed in (seed..).take(steps.div_ceil(100)) {
        let folder = tempfile::tempdir().unwrap();
        let mut driver = Driver::on(Driver::serve_with(configuration(&url, seed), folder).await, seed).await;
        driver.world.rarity = Rarity::Constant;
        driver.turned = Some(0);
        for step in 0..100 {
            let operation = driver.draw();
            driver.apply(operation).await;
            for _ in 0..2 {
                let reader = driver.draw_reader();
                let words = driver.rng.below(4) + 1;
                let question = sentence(&mut driver.rng, words);
                let top_k = [3, 10, 50][driver.rng.below(3)];
                driver.ask(&reader, &question, top_k).await;
                queries += 1;
            }
            if step == 60 {
                let folder = driver.service.stop().await;
                driver.service = Driver::serve_with(configuration(&url, seed), folder).await;
            }
        }
        turned += driver.turned.unwrap_or_default();
        driver.service.admin().delete("/v1/collections/leak").await.ok();
        driver.service.admin().delete("/v1/collections/main").await.ok();
    }
    assert!(turned * 50 <= queries, "{turned} of {queries} answers in another order");
    println!(
        "leak oracle, Qdrant: {queries} queries from seed {seed}, 0 leaks, {turned} with near equals turned round"
    );
}
