//! What each metric is called and what it says; `docs/metrics.md` is made from this.

use std::fmt::Write;

/// What a number means over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, from nothing at the start of the process.
    Counter,
    /// Is what it is now.
    Gauge,
    /// Counts of values by size.
    Histogram,
}

impl MetricKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    pub name: &'static str,
    pub kind: MetricKind,
    pub help: &'static str,
    /// Names of its labels, each with the values that there can be: never what a caller can choose.
    pub labels: &'static [(&'static str, &'static str)],
}

type Labels = &'static [(&'static str, &'static str)];

pub const fn counter(name: &'static str, help: &'static str, labels: Labels) -> Described {
    Described { name, kind: MetricKind::Counter, help, labels }
}

pub const fn gauge(name: &'static str, help: &'static str, labels: Labels) -> Described {
    Described { name, kind: MetricKind::Gauge, help, labels }
}

pub const fn histogram(name: &'static str, help: &'static str, labels: Labels) -> Described {
    Described { name, kind: MetricKind::Histogram, help, labels }
}

const CLASS: (&str, &str) =
    ("class", "`query`, `read`, `write`, `check`, `survey`; `open`: no credential is needed; `none`: no route");

pub const REQUESTS: Described =
    counter("usher_requests_total", "Requests that were answered", &[CLASS, ("status", "HTTP status")]);
pub const REQUEST_SECONDS: Described =
    histogram("usher_request_seconds", "Time from the head of a request to the head of its answer", &[CLASS]);
pub const REFUSED: Described = counter(
    "usher_requests_refused_total",
    "Requests that were answered with a problem",
    &[CLASS, ("code", "the problem's code, such as `rate_limited`")],
);
pub const RUNNING: Described = gauge("usher_requests_running", "Requests that are being answered", &[]);
pub const STAGES: Described = histogram(
    "usher_query_stage_seconds",
    "Time of a stage of the query path",
    &[("stage", "a stage as `include: timings` names it")],
);
pub const WORK: Described = counter(
    "usher_search_work_total",
    "Work done by searches",
    &[("kind", "`vectors_scored`, `bytes_scanned`, `codes_scanned`, `postings_read`, `chunks_scored`, `mask_words`")],
);
pub const DRIFT_CHECKED: Described = counter(
    "usher_drift_checked_total",
    "Documents and other objects whose state in memory was compared with the catalog",
    &[],
);
pub const DRIFT_REPAIRED: Described = counter(
    "usher_drift_repaired_total",
    "Documents and other objects that differed from the catalog and were repaired",
    &[],
);
pub const CONNECTIONS: Described = gauge("usher_connections", "Open connections", &[]);
pub const CONNECTIONS_REFUSED: Described =
    counter("usher_connections_refused_total", "Connections beyond a limit of their number", &[]);
pub const RATE_LIMITED: Described = counter(
    "usher_rate_limited_total",
    "Requests that came too often",
    &[("class", "`query`, `read`, `write`, `check`, `survey`")],
);
pub const START_COMPLETE: Described = gauge("usher_start_complete", "1 once the start is complete", &[]);
pub const START_PERCENT: Described =
    gauge("usher_start_percent", "How much of the start's present stage is done; 100 once all are", &[]);
pub const START_SECONDS: Described = gauge("usher_start_seconds", "Time of the start, so far or in all", &[]);
pub const START_STAGES: Described = gauge(
    "usher_start_stage_seconds",
    "Time of a stage of the start that is over",
    &[(
        "stage",
        "`embedders`, `catalog`, `check`, `tuples`, `graph`, `documents`, `vectors`, `repair`, `tasks`, `following`",
    )],
);
pub const REINDEX_CHUNKS: Described =
    gauge("usher_reindex_chunks", "Chunks of collections that this process indexes anew", &[]);
pub const REINDEX_DONE: Described = gauge("usher_reindex_chunks_done", "Of these, those that have new vectors", &[]);
pub const EXPORTS_FAILED: Described =
    counter("usher_otlp_failed_total", "Exports that the collector did not take", &[("signal", "`traces`, `metrics`")]);

/// What is counted where it happens.
pub const COUNTED: &[Described] = &[
    REQUESTS,
    REQUEST_SECONDS,
    REFUSED,
    RUNNING,
    STAGES,
    WORK,
    DRIFT_CHECKED,
    DRIFT_REPAIRED,
    CONNECTIONS,
    CONNECTIONS_REFUSED,
    RATE_LIMITED,
    START_COMPLETE,
    START_PERCENT,
    START_SECONDS,
    START_STAGES,
    REINDEX_CHUNKS,
    REINDEX_DONE,
    EXPORTS_FAILED,
];

/// A table of metrics for people, in the order of their names.
pub fn table(metrics: &[Described]) -> String {
    let mut sorted = metrics.to_vec();
    sorted.sort_by_key(|metric| metric.name);
    let mut text = String::from("| name | kind | what it says | labels |\n|---|---|---|---|\n");
    for metric in sorted {
        let labels: Vec<String> = metric.labels.iter().map(|(name, values)| format!("`{name}`: {values}")).collect();
        // Writing to a string can't fail.
        let _ =
            writeln!(text, "| `{}` | {} | {} | {} |", metric.name, metric.kind.name(), metric.help, labels.join("; "));
    }
    text
}
