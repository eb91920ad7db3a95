//! Logs, metrics and spans. No text, no question, no subject and no document id goes into any of them.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

use crate::index::Work;
use crate::progress::Progress;

pub mod described;
pub mod log;
pub mod measured;
pub mod otlp;
#[cfg(target_os = "linux")]
pub mod process;
mod seldom;
pub mod trace;

use described::Described;
use measured::{Measure, Measured};
pub use seldom::Seldom;

/// Bounds of stages of a query, in seconds.
const STAGE_BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Bounds of whole requests, in seconds.
const REQUEST_BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// The service's metrics; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    refused: IntCounterVec,
    running: IntGauge,
    stages: HistogramVec,
    work: IntCounterVec,
    drift_checked: IntCounter,
    drift_repaired: IntCounter,
    connections: IntGauge,
    connections_refused: IntCounter,
    rate_limited: IntCounterVec,
    reindex_chunks: IntGauge,
    reindex_done: IntGauge,
    exports_failed: IntCounterVec,
    progress: Progress,
    start_complete: IntGauge,
    start_percent: IntGauge,
    start_seconds: Gauge,
    start_stages: GaugeVec,
}

/// Makes metrics as they are described, and registers them.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn options(described: &Described) -> (Opts, Vec<&'static str>) {
        let labels = described.labels.iter().map(|(name, _)| *name).collect();
        (Opts::new(described.name, described.help), labels)
    }

    fn entered<T: Clone + prometheus::core::Collector + 'static>(&self, made: T) -> Result<T, prometheus::Error> {
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn counter(&self, described: &Described) -> Result<IntCounter, prometheus::Error> {
        self.entered(IntCounter::with_opts(Self::options(described).0)?)
    }

    fn counters(&self, described: &Described) -> Result<IntCounterVec, prometheus::Error> {
        let (options, labels) = Self::options(described);
        self.entered(IntCounterVec::new(options, &labels)?)
    }

    fn gauge(&self, described: &Described) -> Result<IntGauge, prometheus::Error> {
        self.entered(IntGauge::with_opts(Self::options(described).0)?)
    }

    fn histograms(&self, described: &Described, buckets: &[f64]) -> Result<HistogramVec, prometheus::Error> {
        let (options, labels) = Self::options(described);
        self.entered(HistogramVec::new(HistogramOpts::from(options).buckets(buckets.to_vec()), &labels)?)
    }
}

impl Metrics {
    /// # Errors
    /// When a metric is registered twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let make = Maker(&registry);
        let (start_stages, stage_labels) = Maker::options(&described::START_STAGES);
        let metrics = Self {
            requests: make.counters(&described::REQUESTS)?,
            request_seconds: make.histograms(&described::REQUEST_SECONDS, &REQUEST_BUCKETS)?,
            refused: make.counters(&described::REFUSED)?,
            running: make.gauge(&described::RUNNING)?,
            stages: make.histograms(&described::STAGES, &STAGE_BUCKETS)?,
            work: make.counters(&described::WORK)?,
            drift_checked: make.counter(&described::DRIFT_CHECKED)?,
            drift_repaired: make.counter(&described::DRIFT_REPAIRED)?,
            connections: make.gauge(&described::CONNECTIONS)?,
            connections_refused: make.counter(&described::CONNECTIONS_REFUSED)?,
            rate_limited: make.counters(&described::RATE_LIMITED)?,
            reindex_chunks: make.gauge(&described::REINDEX_CHUNKS)?,
            reindex_done: make.gauge(&described::REINDEX_DONE)?,
            exports_failed: make.counters(&described::EXPORTS_FAILED)?,
            progress: Progress::default(),
            start_complete: make.gauge(&described::START_COMPLETE)?,
            start_percent: make.gauge(&described::START_PERCENT)?,
            start_seconds: make.entered(Gauge::with_opts(Maker::options(&described::START_SECONDS).0)?)?,
            start_stages: make.entered(GaugeVec::new(start_stages, &stage_labels)?)?,
            registry,
        };
        #[cfg(target_os = "linux")]
        metrics.measure(&process::PROCESS, process::Process::look)?;
        Ok(metrics)
    }

    /// Has a table of measures read whenever somebody asks, for as long as there is something to read from.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn measure<S: 'static>(
        &self,
        table: &'static [Measure<S>],
        scene: impl Fn() -> Option<S> + Send + Sync + 'static,
    ) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(Measured::new(table, scene)?))
    }

    /// How far the start is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// A request came; it is answered, or given up, when what comes back is dropped.
    pub fn request_begun(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// A request of this class was answered; `code` is that of its problem.
    pub fn request(&self, class: &'static str, status: u16, code: Option<&str>, took: Duration) {
        self.requests.with_label_values(&[class, status.to_string().as_str()]).inc();
        self.request_seconds.with_label_values(&[class]).observe(took.as_secs_f64());
        if let Some(code) = code {
            self.refused.with_label_values(&[class, code]).inc();
        }
    }

    pub fn stage(&self, stage: &'static str, took: Duration) {
        self.stages.with_label_values(&[stage]).observe(took.as_secs_f64());
    }

    pub fn work(&self, work: &Work) {
        for (kind, count) in [
            ("vectors_scored", work.vectors_scored),
            ("bytes_scanned", work.bytes_scanned),
            ("codes_scanned", work.codes_scanned),
            ("postings_read", work.postings_read),
            ("chunks_scored", work.chunks_scored),
            ("mask_words", work.mask_words),
        ] {
            self.work.with_label_values(&[kind]).inc_by(count);
        }
    }

    /// Connections that came, or with a negative number went.
    pub fn connections(&self, by: i64) {
        self.connections.add(by);
    }

    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    pub fn rate_limited(&self, class: &str) {
        self.rate_limited.with_label_values(&[class]).inc();
    }

    pub fn drift_checked(&self, documents: u64) {
        self.drift_checked.inc_by(documents);
    }

    pub fn drift_repaired(&self, documents: u64) {
        self.drift_repaired.inc_by(documents);
    }

    /// How many chunks of all collections this process indexes anew, and how many of them it has done.
    pub fn reindexing(&self, chunks: u64, done: u64) {
        self.reindex_chunks.set(i64::try_from(chunks).unwrap_or(i64::MAX));
        self.reindex_done.set(i64::try_from(done).unwrap_or(i64::MAX));
    }

    pub fn export_failed(&self, signal: &'static str) {
        self.exports_failed.with_label_values(&[signal]).inc();
    }

    /// All of them, as they are now.
    pub fn gather(&self) -> Vec<prometheus::proto::MetricFamily> {
        let progress = &self.progress;
        self.start_complete.set(i64::from(progress.is_complete()));
        self.start_percent.set(if progress.is_complete() {
            100
        } else {
            progress.percent().unwrap_or_default().into()
        });
        self.start_seconds.set(progress.took().as_secs_f64());
        for (stage, took) in progress.stages() {
            self.start_stages.with_label_values(&[stage.name()]).set(took.as_secs_f64());
        }
        self.registry.gather()
    }

    /// Prometheus text of all of them.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory can't fail; a metric that can't be encoded is left out.
        let _ = TextEncoder::new().encode(&self.gather(), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

/// A request that is being answered.
pub struct Running(IntGauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}
