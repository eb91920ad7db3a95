//! Logs and metrics. No text, no question, no subject and no document id goes into either.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

use crate::index::Work;
use crate::progress::Progress;

/// Sets up logging to standard error; `USHER_LOG` chooses what (default `info`), JSON where configured.
pub fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("USHER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,tantivy=warn,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        // Otherwise a log that can't be written, on a full disk say, is a panic of the thread that logs.
        .log_internal_errors(false);
    // A second service in the same process (tests) finds the subscriber set already.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}

/// The service's metrics; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    stages: HistogramVec,
    work: IntCounterVec,
    drift_checked: IntCounter,
    drift_repaired: IntCounter,
    connections: IntGauge,
    connections_refused: IntCounter,
    rate_limited: IntCounterVec,
    progress: Progress,
    start_complete: IntGauge,
    start_percent: IntGauge,
    start_seconds: Gauge,
    start_stages: GaugeVec,
}

impl Metrics {
    /// # Errors
    /// When a metric is registered twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let buckets = vec![0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
        let stages = HistogramVec::new(
            HistogramOpts::new("usher_query_stage_seconds", "Time of a stage of the query path").buckets(buckets),
            &["stage"],
        )?;
        let work = IntCounterVec::new(Opts::new("usher_search_work_total", "Work done by searches"), &["kind"])?;
        let drift_checked = IntCounter::new(
            "usher_drift_checked_total",
            "Documents and other objects whose state in memory was compared with the catalog",
        )?;
        let drift_repaired = IntCounter::new(
            "usher_drift_repaired_total",
            "Documents and other objects that differed from the catalog and were repaired",
        )?;
        let connections = IntGauge::new("usher_connections", "Open connections")?;
        let connections_refused =
            IntCounter::new("usher_connections_refused_total", "Connections beyond a limit of their number")?;
        let rate_limited =
            IntCounterVec::new(Opts::new("usher_rate_limited_total", "Requests that came too often"), &["class"])?;
        let start_complete = IntGauge::new("usher_start_complete", "Whether the start is complete")?;
        let start_percent = IntGauge::new("usher_start_percent", "How much of the start's present stage is done")?;
        let start_seconds = Gauge::new("usher_start_seconds", "Time of the start, so far or in all")?;
        let start_stages =
            GaugeVec::new(Opts::new("usher_start_stage_seconds", "Time of a stage of the start"), &["stage"])?;
        registry.register(Box::new(start_complete.clone()))?;
        registry.register(Box::new(start_percent.clone()))?;
        registry.register(Box::new(start_seconds.clone()))?;
        registry.register(Box::new(start_stages.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(connections_refused.clone()))?;
        registry.register(Box::new(rate_limited.clone()))?;
        registry.register(Box::new(drift_checked.clone()))?;
        registry.register(Box::new(drift_repaired.clone()))?;
        registry.register(Box::new(stages.clone()))?;
        registry.register(Box::new(work.clone()))?;
        Ok(Self {
            registry,
            stages,
            work,
            drift_checked,
            drift_repaired,
            connections,
            connections_refused,
            rate_limited,
            progress: Progress::default(),
            start_complete,
            start_percent,
            start_seconds,
            start_stages,
        })
    }

    /// How far the start is.
    pub fn progress(&self) -> &Progress {
        &self.progress
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

    /// Prometheus text of what is counted here.
    pub fn render(&self) -> String {
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
        let mut text = Vec::new();
        // Writing to memory can't fail; a metric that can't be encoded is left out.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}
