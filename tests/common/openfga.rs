//! What the tests beside a real OpenFGA server share.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A program that `scripts/openfga.sh` installs.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin").join(name);
    path.exists().then_some(path)
}

/// Waits until the server answers, at most a minute.
pub async fn until_healthy(client: &reqwest::Client, base: &str) {
    let begin = Instant::now();
    loop {
        let health = client.get(format!("{base}/healthz")).send().await;
        if health.is_ok_and(|reply| reply.status().is_success()) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "the OpenFGA server does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
