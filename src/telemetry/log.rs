//! Where log lines and spans go.

use std::panic::PanicHookInfo;

use opentelemetry::trace::TracerProvider;
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use super::otlp::Otlp;
use super::trace::TARGET;

/// What is logged where nothing was chosen.
const DEFAULT: &str = "info";
/// Libraries that say more than helps at the same level, each statement of SQL for one; naming one gives it a level.
const LIBRARIES: &str =
    "tantivy=warn,sqlx=warn,hyper=info,hyper_util=info,h2=info,rustls=info,reqwest=info,tonic=info,tower=info";

/// `USHER_LOG` can't be read.
#[derive(Debug, thiserror::Error)]
#[error("`USHER_LOG` is not understood ({0}): say a level, such as `debug`, or `info,usher::commit=debug`")]
pub struct LogError(String);

/// Sets up logging to standard error: `USHER_LOG` chooses what (default `info`), JSON where configured. Spans of requests
/// are exported where that is configured.
///
/// # Errors
/// When `USHER_LOG` is malformed.
pub fn start(json: bool, otlp: Option<&Otlp>) -> Result<(), LogError> {
    let chosen = std::env::var("USHER_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    if let Some(word) = chosen.split(',').map(str::trim).find(|word| !is_understood(word)) {
        return Err(LogError(format!("`{word}` is no level")));
    }
    let filter =
        EnvFilter::builder().parse(format!("{LIBRARIES},{chosen}")).map_err(|error| LogError(error.to_string()))?;
    // A line of a request names it, whatever else was chosen.
    let filter = filter.or(Targets::new().with_target(TARGET, tracing::Level::ERROR));
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        // Otherwise a log that can't be written, on a full disk say, is a panic of the thread that logs.
        .log_internal_errors(false);
    let lines = if json { lines.json().boxed() } else { lines.boxed() };
    let spans = otlp.and_then(Otlp::tracer_provider).map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("usher"));
        // Line numbers and threads say nothing about a request.
        let layer = layer.with_location(false).with_threads(false).with_target(false).with_level(false);
        layer.with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET))
    });
    // A second service in the same process (tests) finds the subscriber set already.
    let _ = Registry::default().with(lines.with_filter(filter)).with(spans).try_init();
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// Whether a part of `USHER_LOG` is a level, or names what it is for: a word alone would be taken for a module, and
/// everything else be silent.
fn is_understood(part: &str) -> bool {
    part.is_empty() || part.contains(['=', '[']) || part.parse::<LevelFilter>().is_ok()
}

/// A panic inside a request is a line of that request. Its message may hold text of a document, and stays out.
pub(crate) fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    let backtrace =
        (backtrace.status() == std::backtrace::BacktraceStatus::Captured).then(|| tracing::field::display(backtrace));
    tracing::error!(place, backtrace, "a thread panicked");
}
