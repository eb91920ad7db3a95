//! Metrics as the collector reads them, from what Prometheus reads.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Text;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus::proto::{LabelPair, MetricFamily, MetricType};

fn attribute(name: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Text::StringValue(value.to_owned())) };
    KeyValue { key: name.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// Who says it.
pub(super) fn resource(attributes: &[(&'static str, String)]) -> Resource {
    let attributes = attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    Resource { attributes, ..Resource::default() }
}

/// All families as of `now`, counted since `begun`, both in nanoseconds since 1970.
pub(super) fn of(families: &[MetricFamily], resource: Resource, begun: u64, now: u64) -> ResourceMetrics {
    let metrics = families.iter().filter_map(|family| metric(family, begun, now)).collect();
    let scope = InstrumentationScope { name: "usher".to_owned(), ..InstrumentationScope::default() };
    let scope = ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() };
    ResourceMetrics { resource: Some(resource), scope_metrics: vec![scope], ..ResourceMetrics::default() }
}

fn metric(family: &MetricFamily, begun: u64, now: u64) -> Option<Metric> {
    let cumulative = AggregationTemporality::Cumulative as i32;
    let data = match family.get_field_type() {
        MetricType::COUNTER => {
            let value = |metric: &prometheus::proto::Metric| metric.get_counter().get_value();
            let data_points = numbers(family, begun, now, value);
            Data::Sum(Sum { data_points, aggregation_temporality: cumulative, is_monotonic: true })
        }
        MetricType::GAUGE => {
            let value = |metric: &prometheus::proto::Metric| metric.get_gauge().get_value();
            Data::Gauge(Gauge { data_points: numbers(family, begun, now, value) })
        }
        MetricType::HISTOGRAM => {
            let data_points = family.get_metric().iter().map(|metric| histogram(metric, begun, now)).collect();
            Data::Histogram(Histogram { data_points, aggregation_temporality: cumulative })
        }
        _ => return None,
    };
    let (name, description) = (family.name().to_owned(), family.help().to_owned());
    Some(Metric { name, description, data: Some(data), ..Metric::default() })
}

fn attributes(labels: &[LabelPair]) -> Vec<KeyValue> {
    labels.iter().map(|label| attribute(label.name(), label.value())).collect()
}

fn numbers(
    family: &MetricFamily,
    begun: u64,
    now: u64,
    value: impl Fn(&prometheus::proto::Metric) -> f64,
) -> Vec<NumberDataPoint> {
    let point = |metric: &prometheus::proto::Metric| NumberDataPoint {
        attributes: attributes(metric.get_label()),
        start_time_unix_nano: begun,
        time_unix_nano: now,
        value: Some(Value::AsDouble(value(metric))),
        ..NumberDataPoint::default()
    };
    family.get_metric().iter().map(point).collect()
}

/// Prometheus counts all that is below a bound, OTLP what lies between two, with one more for what is above the last.
fn histogram(metric: &prometheus::proto::Metric, begun: u64, now: u64) -> HistogramDataPoint {
    let histogram = metric.get_histogram();
    let finite = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let (mut explicit_bounds, mut bucket_counts, mut below) = (Vec::new(), Vec::new(), 0);
    for bucket in finite {
        explicit_bounds.push(bucket.upper_bound());
        bucket_counts.push(bucket.cumulative_count() - below);
        below = bucket.cumulative_count();
    }
    bucket_counts.push(histogram.get_sample_count() - below);
    HistogramDataPoint {
        attributes: attributes(metric.get_label()),
        start_time_unix_nano: begun,
        time_unix_nano: now,
        count: histogram.get_sample_count(),
        sum: Some(histogram.get_sample_sum()),
        bucket_counts,
        explicit_bounds,
        ..HistogramDataPoint::default()
    }
}
