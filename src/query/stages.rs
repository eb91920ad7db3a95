//! One deadline and one stop-watch for all stages of a query.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use super::QueryError;
use crate::telemetry::Metrics;

pub(super) struct Stages<'a> {
    deadline: tokio::time::Instant,
    timings: BTreeMap<String, f64>,
    arrived: Instant,
    metrics: &'a Metrics,
}

impl<'a> Stages<'a> {
    pub fn new(arrived: Instant, deadline: Duration, metrics: &'a Metrics) -> Self {
        Self { deadline: (arrived + deadline).into(), timings: BTreeMap::new(), arrived, metrics }
    }

    /// Runs a stage; one that misses the deadline fails whole and is never answered with what it had.
    pub async fn run<T>(
        &mut self,
        stage: &'static str,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let begin = Instant::now();
        let result = tokio::time::timeout_at(self.deadline, work).await;
        let took = begin.elapsed();
        self.metrics.stage(stage, took);
        *self.timings.entry(stage.to_owned()).or_default() += took.as_secs_f64() * 1e3;
        match result {
            Ok(result) => result,
            // Waiting for a revision is the one stage whose time-out has a name of its own.
            Err(_) if stage == "wait" => Err(QueryError::RevisionUnavailable),
            Err(_) => Err(QueryError::Deadline { stage }),
        }
    }

    /// # Errors
    /// When the deadline passed although every stage ended: the process may have been suspended meanwhile, and what it
    /// decided is old.
    pub fn in_time(&self) -> Result<(), QueryError> {
        let is_late = tokio::time::Instant::now() > self.deadline;
        if is_late { Err(QueryError::Deadline { stage: "respond" }) } else { Ok(()) }
    }

    /// Milliseconds per stage, and in total.
    pub fn timings(mut self) -> BTreeMap<String, f64> {
        self.timings.insert("total".to_owned(), self.arrived.elapsed().as_secs_f64() * 1e3);
        self.timings
    }
}
