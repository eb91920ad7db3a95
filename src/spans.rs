//! Work that goes on elsewhere than where it was asked for: its log lines name the request all the same.

use tokio::task::JoinHandle;
use tracing::Span;

/// Computes beside the threads that serve connections.
pub fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}
