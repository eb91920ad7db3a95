//! The span of a request: what every log line of it names, and what is exported of it.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Target of the spans of requests, and of nothing else.
pub const TARGET: &str = "usher::request";
const TRACEPARENT: &str = "traceparent";

/// A span for one request, below the caller's own if it names one (W3C Trace Context). It has the highest level, so that no
/// choice of what is logged takes the request's name away from the lines that are left.
pub fn span(id: &str, method: &str, route: &str, class: &'static str, headers: &HeaderMap) -> Span {
    let span = tracing::error_span!(
        target: TARGET,
        "request",
        id,
        method,
        route,
        class,
        status = Empty,
        ms = Empty,
        trace = Empty,
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
    );
    if is_well_formed(headers) {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        let context = parent.span().span_context().clone();
        if context.is_valid() {
            span.record("trace", tracing::field::display(context.trace_id()));
            // It fails where nothing is exported.
            let _ = span.set_parent(parent);
        }
    }
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
    span
}

/// The request was answered.
pub fn answered(span: &Span, status: u16, took: Duration) {
    span.record("status", status);
    span.record("ms", took.as_millis() as u64);
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// Whether the caller names one trace in the form of the standard; the library is more patient with lengths. Anything else
/// counts as none.
fn is_well_formed(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let mut parts = value.as_bytes().split(|byte| *byte == b'-');
    let is_hex = |part: &[u8], length: usize| {
        part.len() == length && part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    // Later versions may add parts.
    [2, 32, 16, 2].iter().all(|length| parts.next().is_some_and(|part| is_hex(part, *length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_allows_names_a_trace() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |values: &[String]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(TRACEPARENT, value.parse().unwrap());
            }
            let is_read = is_well_formed(&headers);
            let context = TraceContextPropagator::new().extract(&HeaderExtractor(&headers));
            is_read && context.span().span_context().is_valid()
        };
        let good = format!("00-{trace}-00f067aa0ba902b7-01");
        assert!(of(std::slice::from_ref(&good)));
        assert!(of(&[format!("cc-{trace}-00f067aa0ba902b7-01-what-the-future-will-be")]));
        for bad in [
            String::new(),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{trace}-f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7"),
            format!("0-{trace}-00f067aa0ba902b7-1"),
            format!("+0-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7-0x"),
        ] {
            assert!(!of(std::slice::from_ref(&bad)), "{bad}");
        }
        assert!(!of(&[good.clone(), good]), "two of them are none");
        assert!(!of(&[]));
    }
}
