//! A collector: takes OTLP over HTTP and keeps what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;

#[derive(Default)]
pub struct Received {
    pub traces: Vec<ExportTraceServiceRequest>,
    pub metrics: Vec<ExportMetricsServiceRequest>,
    pub headers: Vec<HeaderMap>,
}

#[derive(Clone, Default)]
pub struct Collector {
    received: Arc<Mutex<Received>>,
    pub is_failing: Arc<AtomicBool>,
}

impl Collector {
    pub async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (collector, address)
    }

    fn take(&self, headers: HeaderMap, keep: impl FnOnce(&mut Received)) -> StatusCode {
        if self.is_failing.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let mut received = self.received.lock();
        received.headers.push(headers);
        keep(&mut received);
        StatusCode::OK
    }

    /// Waits until something is there.
    pub async fn until<T>(&self, what: &str, find: impl Fn(&Received) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = find(&self.received.lock()) {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{what} did not come");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn traces(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    collector.take(headers, |received| received.traces.push(request))
}

async fn metrics(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    collector.take(headers, |received| received.metrics.push(request))
}

impl Received {
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        let of = self.traces.iter().flat_map(|request| &request.resource_spans);
        of.flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans)
    }

    /// The newest export's metrics.
    pub fn newest(&self, name: &str) -> Option<&Metric> {
        let of = self.metrics.last()?.resource_metrics.iter().flat_map(|of| &of.scope_metrics);
        of.flat_map(|of| &of.metrics).find(|metric| metric.name == name)
    }
}

/// An attribute as text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let held = attributes.iter().find(|held| held.key == name)?;
    Some(match held.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}
