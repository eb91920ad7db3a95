//! Spans and metrics at a collector.

use std::path::Path;
use std::sync::atomic::Ordering;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use crate::collector::{Collector, attribute};
use crate::process::Process;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn start(folder: &Path, address: std::net::SocketAddr, more: &str) -> Process {
    let secret = folder.join("secret");
    std::fs::write(&secret, "Bearer abc%20def\n").unwrap();
    let config = folder.join("usher.toml");
    let text = format!(
        "[otlp]\nendpoint = \"http://{address}\"\nevery_s = 1\nservice_name = \"search\"\n\
         headers = {{ x-tenant = \"a\" }}\nheader_files = {{ authorization = \"{}\" }}\n{more}",
        secret.display()
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    Process::start_with(&folder.join("data"), &[("USHER_CONFIG", config)]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_and_metrics_reach_a_collector() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address) = Collector::start().await;
    let process = start(folder.path(), address, "").await;
    let http = reqwest::Client::new();
    let base = process.base();
    let ask = async |traceparent: Option<&str>| {
        let request = http.post(format!("{base}/v1/query")).bearer_auth(&process.client.key);
        let request = request.header("Usher-Subject", "user:ann").json(&json!({"query": "the secret gentian"}));
        let request = traceparent.into_iter().fold(request, |request, parent| request.header("traceparent", parent));
        let reply = request.send().await.unwrap();
        assert!(reply.status().is_success());
        reply.headers()["usher-request-id"].to_str().unwrap().to_owned()
    };
    let child = ask(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01"))).await;
    let malformed = ask(Some(&format!("00-{TRACE}-00f067aa0ba902b7"))).await;
    let own = ask(None).await;
    let unsampled = ask(Some(&format!("00-{TRACE}-00f067aa0ba902b8-00"))).await;
    // Refused, and answered with an error all the same.
    let refused = http.get(format!("{base}/v1/keys")).send().await.unwrap();
    let refused = refused.headers()["usher-request-id"].to_str().unwrap().to_owned();

    let find = |id: String| {
        let collector = collector.clone();
        async move {
            let of = |span: &&opentelemetry_proto::tonic::trace::v1::Span| {
                attribute(&span.attributes, "id").is_some_and(|held| held == id)
            };
            collector.until("a span", |received| received.spans().find(of).cloned()).await
        }
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let span = find(child).await;
    assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (TRACE, "00f067aa0ba902b7"));
    assert_eq!((span.name.as_str(), span.kind), ("POST /v1/query", SpanKind::Server as i32));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/query"),
        ("http.response.status_code", "200"),
        ("class", "query"),
        ("status", "200"),
    ] {
        assert_eq!(attribute(&span.attributes, name).as_deref(), Some(value), "{name}: {:?}", span.attributes);
    }
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    for id in [malformed, own] {
        let span = find(id).await;
        assert!(span.parent_span_id.is_empty() && hex(&span.trace_id) != TRACE, "a trace of its own");
    }
    assert_eq!(attribute(&find(refused).await.attributes, "status").as_deref(), Some("401"));

    // Metrics: the same as Prometheus reads.
    let count = |received: &crate::collector::Received| {
        let Data::Sum(sum) = received.newest("usher_requests_total")?.data.as_ref()? else { panic!("not a sum") };
        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
        let point = sum.data_points.iter().find(|point| {
            let is = |name, value| attribute(&point.attributes, name).as_deref() == Some(value);
            is("class", "query") && is("status", "200")
        })?;
        let Some(Value::AsDouble(value)) = point.value else { return None };
        (value == 4.0 && point.time_unix_nano > point.start_time_unix_nano).then_some(())
    };
    collector.until("four queries", count).await;
    collector
        .until("times of them", |received| {
            let Data::Histogram(histogram) = received.newest("usher_request_seconds")?.data.as_ref()? else {
                panic!("not a histogram")
            };
            let is = |point: &&opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint| {
                attribute(&point.attributes, "class").as_deref() == Some("query")
            };
            let point = histogram.data_points.iter().find(is)?;
            assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
            assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
            (point.count == 4 && point.sum? > 0.0).then_some(())
        })
        .await;
    collector
        .until("a gauge", |received| {
            let Data::Gauge(gauge) = received.newest("usher_collections")?.data.as_ref()? else {
                panic!("not a gauge")
            };
            matches!(gauge.data_points[0].value, Some(Value::AsDouble(1.0))).then_some(())
        })
        .await;
    process.stop().await;
    collector
        .until("who says it", |received| {
            // What the caller said must not be sampled is not here, although the end has sent what was left.
            assert!(received.spans().all(|span| attribute(&span.attributes, "id").as_deref() != Some(&unsampled)));
            for headers in &received.headers {
                assert!(headers["authorization"] == "Bearer abc%20def" && headers["x-tenant"] == "a", "{headers:?}");
            }
            let resources = received.metrics.iter().flat_map(|request| &request.resource_metrics);
            let mut resources: Vec<_> = resources.map(|of| of.resource.clone().unwrap()).collect();
            let of = received.traces.iter().flat_map(|request| &request.resource_spans);
            resources.extend(of.map(|of| of.resource.clone().unwrap()));
            let instance = attribute(&resources[0].attributes, "service.instance.id").unwrap();
            for resource in &resources {
                let is = |name| attribute(&resource.attributes, name);
                assert_eq!(
                    (is("service.name").as_deref(), is("service.instance.id")),
                    (Some("search"), Some(instance.clone()))
                );
            }
            // Nothing of what was asked, or by whom.
            let all = format!("{:?}{:?}", received.traces, received.metrics);
            assert!(!all.contains("gentian") && !all.contains("user:ann") && !all.contains(&process_secret()), "{all}");
            Some(())
        })
        .await;
}

/// Begins every API key.
fn process_secret() -> String {
    "ush_".to_owned()
}

/// A collector that is away, or refuses, costs nobody an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_fails_is_counted_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address) = Collector::start().await;
    collector.is_failing.store(true, Ordering::SeqCst);
    let process = start(folder.path(), address, "sample = 1.0\n").await;
    let begun = std::time::Instant::now();
    let is_counted = async |signal: &str| {
        let text = reqwest::get(process.metrics_url()).await.unwrap().text().await.unwrap();
        text.contains(&format!("usher_otlp_failed_total{{signal=\"{signal}\"}}"))
    };
    while !(is_counted("metrics").await && is_counted("traces").await) {
        process.client.get("/v1/collections").await.ok();
        assert!(begun.elapsed() < std::time::Duration::from_secs(60));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(process.log().contains("the collector did not take an export"), "{}", process.log());
    assert!(!process.log().contains("abc%20def"));
    collector.is_failing.store(false, Ordering::SeqCst);
    collector.until("metrics again", |received| received.newest("usher_revision").map(|_| ())).await;
    process.stop().await;
}
