//! The page of all metrics, and what is served.

use std::collections::BTreeMap;

use usher::service::measures;

use crate::process::Process;

#[test]
fn the_page_is_that_of_the_program() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == measures::page(), "docs/metrics.md differs from what `usher metrics` prints");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_served_is_described_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder.path().join("data")).await.unwrap();
    process.client.as_subject("user:ann").query("anything", "hybrid").await.ok();
    let text = reqwest::get(process.metrics_url()).await.unwrap().text().await.unwrap();
    let described = measures::described();
    let names: BTreeMap<_, _> = described.iter().map(|metric| (metric.name, metric)).collect();
    assert_eq!(names.len(), described.len(), "a name stands twice");
    let mut served = 0;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(names.get(name).map(|metric| metric.kind.name()), Some(kind), "{name}");
            served += 1;
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let of = |end: &str| name.strip_suffix(end).and_then(|name| names.get(name));
            let metric = names.get(name).or_else(|| of("_bucket")).or_else(|| of("_sum")).or_else(|| of("_count"));
            let labels = line.split_once('{').map(|(_, rest)| rest.rsplit_once('}').unwrap().0).unwrap_or_default();
            for (label, _) in metric.unwrap_or_else(|| panic!("{line}")).labels {
                assert!(labels.contains(&format!("{label}=\"")), "{line}");
            }
        }
    }
    // What has labels is served once it was counted.
    for metric in described.iter().filter(|metric| metric.labels.is_empty()) {
        assert!(text.contains(&format!("\n{} ", metric.name)), "{} is not served", metric.name);
    }
    for line in [
        "usher_documents 0",
        "usher_requests_running 0",
        "usher_writer_waiting 0",
        "usher_keys{state=\"working\"} 1",
        "usher_places{kind=\"queries\"} 64",
        "usher_places_taken{kind=\"queries\"} 0",
        "usher_requests_total{class=\"query\",status=\"200\"} 1",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}: {text}");
    }
    assert!(served > 40, "{served}");
    // Nobody sees them who can reach the API alone.
    for path in ["/metrics", "/v1/metrics"] {
        assert_eq!(process.client.get(path).await.status, 404);
    }
    process.stop().await;
}
