//! Export to a collector: OTLP over HTTP, as protobuf. Spans go through the SDK's batches, which are bounded and drop what
//! is too much; metrics are those that Prometheus reads, so that both say the same.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use http::{HeaderMap, HeaderValue, header};
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use prost::Message;
use reqwest::Url;

use super::{Metrics, Seldom};

mod metrics;

/// Where to export to, and what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the collector; `/v1/traces` and `/v1/metrics` come after it.
    pub endpoint: Url,
    /// Sent with every export; values are secrets.
    pub headers: HeaderMap,
    pub traces: bool,
    pub metrics: bool,
    /// Share of the traces that begin here, 0 to 1; a caller's own decision counts for its traces.
    pub sample: f64,
    /// Pause between two exports of metrics.
    pub every: Duration,
    pub timeout: Duration,
    pub service_name: String,
}

/// The export can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    #[error("`otlp`: {0}")]
    Client(#[from] reqwest::Error),
    #[error("`otlp`: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// The export of one process.
pub struct Otlp {
    settings: Settings,
    sender: Sender,
    resource: [(&'static str, String); 3],
    provider: Option<SdkTracerProvider>,
    counts: Metrics,
    begun: SystemTime,
}

impl Otlp {
    /// Nothing is sent before there is something to send.
    ///
    /// # Errors
    /// When the client can't be made.
    pub fn open(settings: Settings, metrics: &Metrics) -> Result<Self, OtlpError> {
        let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        if settings.endpoint.scheme() == "http" {
            builder = builder.no_proxy();
        }
        let client = builder.timeout(settings.timeout).build()?;
        let (headers, counts) = (settings.headers.clone(), metrics.clone());
        let sender = Sender { client, headers, counts: counts.clone(), runtime: tokio::runtime::Handle::current() };
        let resource = [
            ("service.name", settings.service_name.clone()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            // Tells the processes of one catalog, and one's lives, apart.
            ("service.instance.id", uuid::Uuid::now_v7().to_string()),
        ];
        let mut otlp = Self { settings, sender, resource, provider: None, counts, begun: SystemTime::now() };
        if otlp.settings.traces {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_http_client(otlp.sender.clone())
                .with_endpoint(otlp.address("/v1/traces"))
                .with_protocol(Protocol::HttpBinary)
                .with_timeout(otlp.settings.timeout)
                .build()?;
            let attributes = otlp.resource.clone().map(|(name, value)| KeyValue::new(name, value));
            let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(otlp.settings.sample)));
            let provider = SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_sampler(sampler)
                .with_resource(Resource::builder().with_attributes(attributes).build())
                .build();
            otlp.provider = Some(provider);
        }
        Ok(otlp)
    }

    /// Where spans go, if they do.
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.provider.as_ref()
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.settings.endpoint.as_str().trim_end_matches('/'))
    }

    /// Exports metrics again and again, until it is cancelled.
    pub async fn keep_exporting(&self) -> Infallible {
        if !self.settings.metrics {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(self.settings.every).await;
            self.export_metrics().await;
        }
    }

    /// Exports what is left, before the process ends.
    pub async fn end(self) {
        if self.settings.metrics {
            self.export_metrics().await;
        }
        if let Some(provider) = self.provider {
            let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
            if !matches!(ended, Ok(Ok(()))) {
                tracing::warn!("some spans were not exported");
            }
        }
    }

    async fn export_metrics(&self) {
        let now = SystemTime::now();
        let resource = metrics::resource(&self.resource);
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![metrics::of(&self.counts.gather(), resource, nanos(self.begun), nanos(now))],
        };
        let request = http::Request::post(self.address("/v1/metrics"))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .body(Bytes::from(request.encode_to_vec()));
        // What fails was noted; the next export says the same and more.
        if let Ok(request) = request {
            let _ = self.sender.send("metrics", request).await;
        }
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Sends exports, and notes those that are not taken.
#[derive(Clone)]
struct Sender {
    client: reqwest::Client,
    headers: HeaderMap,
    counts: Metrics,
    /// The SDK's batches are sent from a thread of its own.
    runtime: tokio::runtime::Handle,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender")
    }
}

static NOT_TAKEN: Seldom = Seldom::new();

impl Sender {
    async fn send(
        &self,
        signal: &'static str,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let sent = self.exchange(request).await;
        let problem = match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            // SECURITY: an address may hold a secret.
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            self.counts.export_failed(signal);
            if let Some(left_out) = NOT_TAKEN.pass() {
                tracing::warn!(signal, problem, left_out, "the collector did not take an export");
            }
        }
        sent
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let mut request: reqwest::Request = request.map(reqwest::Body::from).try_into()?;
        request.headers_mut().extend(self.headers.clone());
        let answer = self.client.execute(request).await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let mut whole = http::Response::new(answer.bytes().await.map_err(reqwest::Error::without_url)?);
        *whole.status_mut() = status;
        Ok(whole)
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let sender = self.clone();
        self.runtime.spawn(async move { sender.send("traces", request).await }).await?
    }
}
