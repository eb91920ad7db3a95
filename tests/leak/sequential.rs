//! One change, one question, one comparison, many times.

use usher_oracle::world::sentence;

use crate::driver::Driver;
use crate::plan;

/// Every answer equals brute force, in order and in score, and holds no canary of anything else.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_equals_brute_force() {
    let (seed, steps) = plan(600);
    let mut queries = 0;
    for (world, seed) in (seed..).take(steps.div_ceil(200)).enumerate() {
        let mut driver = Driver::start(seed).await;
        for step in 0..200 {
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
            if step == 120 && world == 0 {
                driver.service = Driver::serve(driver.service.stop().await).await;
            }
        }
    }
    println!("leak oracle, sequential: {queries} queries from seed {seed}, 0 leaks, 0 differences");
}
