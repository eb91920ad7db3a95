//! Medians, intervals, clocks.

use std::time::{Duration, Instant};

use crate::random::{Kind, Stream};

/// The value below which `share` of the values lie; 0 of none.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len().max(1) - 1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// A median with its bootstrap interval of 95 %.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub fn of(values: &[f64]) -> Self {
        let mut stream = Stream::new(7, Kind::Question, u64::MAX >> 9);
        let mut medians: Vec<f64> = (0..1_000)
            .map(|_| {
                let drawn: Vec<f64> =
                    values.iter().map(|_| values[stream.below(values.len() as u32) as usize]).collect();
                median(&drawn)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Self { value: median(values), low: percentile(&medians, 0.025), high: percentile(&medians, 0.975) }
    }
}

/// Processor time of all threads, as the scheduler counts it; nothing where it doesn't.
pub fn cpu() -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let spent = tasks.flatten().filter_map(|task| {
        let counts = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        counts.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// The same with threads that have ended, in the system's ticks of 10 ms.
pub fn cpu_of_all() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name before it may hold anything, in brackets.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Runs something and says how long it took, in milliseconds.
pub fn timed<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = run();
    (ms(start.elapsed()), result)
}

/// A fixed piece of arithmetic and a fixed scan of memory: what the neighbours leave of the machine.
pub fn probe(memory: &[f32]) -> f64 {
    let (took, sum) = timed(|| {
        let mut state = 1_u64;
        for _ in 0..3_000_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        }
        let part = &memory[..memory.len().min(4_000_000)];
        part.iter().sum::<f32>() as f64 + state as f64
    });
    std::hint::black_box(sum);
    took
}
