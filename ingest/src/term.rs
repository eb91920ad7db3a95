//! The one place that writes to the terminal: results to stdout, progress and warnings to stderr.
//!
//! On a terminal a bar shows progress and lines go above it; elsewhere only plain lines are written, so that logs stay
//! readable. A closed pipe is no error: the run goes on and its exit code tells the outcome.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a plain progress line is written when stderr is no terminal.
const PLAIN_EVERY: u64 = 1_000;

#[derive(Debug, Default)]
pub struct Term {
    bar: Mutex<Option<ProgressBar>>,
    done: AtomicU64,
    chunks: AtomicU64,
    warnings: AtomicU64,
}

impl Term {
    /// One line of the result, on stdout.
    pub fn line(&self, text: &str) {
        self.above_bar(|| {
            let _ = writeln!(io::stdout().lock(), "{}", printable(text));
        });
    }

    /// Text as it stands, on stdout (`extract` prints documents).
    pub fn raw(&self, text: &str) {
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Something that the operator should know, on stderr.
    pub fn note(&self, text: &str) {
        self.above_bar(|| {
            let _ = writeln!(io::stderr().lock(), "{}", printable(text));
        });
    }

    pub fn warn(&self, text: &str) {
        self.warnings.fetch_add(1, Ordering::Relaxed);
        self.note(&format!("warning: {text}"));
    }

    pub fn error(&self, text: &str) {
        self.note(&format!("error: {text}"));
    }

    pub fn start(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.chunks.store(0, Ordering::Relaxed);
        if !io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed_precise} {msg}") {
            bar.set_style(style);
        }
        *self.bar.lock().unwrap_or_else(|e| e.into_inner()) = Some(bar);
    }

    pub fn tick(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        match self.bar.lock().unwrap_or_else(|e| e.into_inner()).as_ref() {
            Some(bar) => bar.inc(1),
            None if done.is_multiple_of(PLAIN_EVERY) => {
                let _ = writeln!(io::stderr().lock(), "{done} files");
            }
            None => {}
        }
    }

    /// Counts chunks of documents that were sent, for the rate that the bar shows.
    pub fn sent(&self, chunks: u64) {
        let chunks = self.chunks.fetch_add(chunks, Ordering::Relaxed).saturating_add(chunks);
        if let Some(bar) = self.bar.lock().unwrap_or_else(|e| e.into_inner()).as_ref() {
            bar.set_message(format!("{chunks} chunks, {}/s", per_second(chunks, bar.elapsed())));
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(|e| e.into_inner()).take() {
            bar.finish_and_clear();
        }
    }

    fn above_bar(&self, write: impl FnOnce()) {
        match self.bar.lock().unwrap_or_else(|e| e.into_inner()).as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// How many in a second, of so many in some time.
pub fn per_second(count: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / millis
}

/// File names and messages of a service are foreign text: control characters must not reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_file_names_are_defused() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
    }
}
