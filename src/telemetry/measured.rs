//! Metrics that are read where they are kept, at the moment in which somebody asks.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::described::{Described, MetricKind};

/// How one metric is read from `S`.
pub struct Measure<S: 'static> {
    pub described: Described,
    pub read: fn(&S) -> Vec<Sample>,
}

/// A value, with those of the labels in their order.
pub struct Sample {
    pub labels: Vec<String>,
    pub value: f64,
}

/// The value of a metric without labels.
pub fn one(value: u64) -> Vec<Sample> {
    vec![Sample { labels: Vec::new(), value: value as f64 }]
}

/// The same in seconds, or with a fraction.
pub fn exactly(value: f64) -> Vec<Sample> {
    vec![Sample { labels: Vec::new(), value }]
}

/// Values of a metric with one label.
pub fn by<L: Into<String>>(values: impl IntoIterator<Item = (L, u64)>) -> Vec<Sample> {
    let sample = |(label, value): (L, u64)| Sample { labels: vec![label.into()], value: value as f64 };
    values.into_iter().map(sample).collect()
}

/// A table of measures for the registry.
pub(super) struct Measured<S: 'static, F> {
    table: &'static [Measure<S>],
    /// What is measured; nothing when it is gone.
    scene: F,
    descriptions: Vec<Desc>,
}

impl<S, F: Fn() -> Option<S>> Measured<S, F> {
    /// # Errors
    /// When a name or a label is malformed.
    pub fn new(table: &'static [Measure<S>], scene: F) -> Result<Self, prometheus::Error> {
        let describe = |measure: &Measure<S>| {
            let Described { name, help, labels, .. } = measure.described;
            let labels = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let descriptions = table.iter().map(describe).collect::<Result<_, _>>()?;
        Ok(Self { table, scene, descriptions })
    }
}

impl<S: 'static, F: Fn() -> Option<S> + Send + Sync> Collector for Measured<S, F> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(scene) = (self.scene)() else { return Vec::new() };
        self.table.iter().map(|measure| family(&measure.described, (measure.read)(&scene))).collect()
    }
}

fn family(described: &Described, samples: Vec<Sample>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(described.name.to_owned());
    family.set_help(described.help.to_owned());
    let is_counter = described.kind == MetricKind::Counter;
    family.set_field_type(if is_counter { MetricType::COUNTER } else { MetricType::GAUGE });
    let metric = |sample: Sample| {
        let mut metric = Metric::default();
        let labels = described.labels.iter().zip(sample.labels).map(|((name, _), value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(value);
            pair
        });
        metric.set_label(labels.collect());
        if is_counter {
            let mut counter = Counter::default();
            counter.set_value(sample.value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(sample.value);
            metric.set_gauge(gauge);
        }
        metric
    };
    family.set_metric(samples.into_iter().map(metric).collect());
    family
}
