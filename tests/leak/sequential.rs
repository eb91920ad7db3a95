//! One change, one question, one comparison, many times.

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
            queries += driver.step().await;
            if step == 120 && world == 0 {
                driver.service = Driver::serve(driver.service.stop().await).await;
            }
        }
    }
    println!("leak oracle, sequential: {queries} queries from seed {seed}, 0 leaks, 0 differences");
}
