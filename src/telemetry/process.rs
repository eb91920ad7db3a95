//! What the operating system knows of the process.

use std::sync::atomic::Ordering;

use super::described::{counter, gauge};
use super::measured::{Measure, exactly, one};
use super::seldom::LEFT_OUT;

/// One look.
pub struct Process {
    stat: procfs::process::Stat,
    files: u64,
    most_files: u64,
}

impl Process {
    /// Nothing where the system doesn't say.
    pub fn look() -> Option<Self> {
        let process = procfs::process::Process::myself().ok()?;
        let most_files = process.limits().ok().map(|limits| limits.max_open_files.soft_limit);
        let most_files = match most_files {
            Some(procfs::process::LimitValue::Value(most)) => most,
            _ => u64::MAX,
        };
        Some(Self { files: process.fd_count().ok()? as u64, stat: process.stat().ok()?, most_files })
    }
}

pub static PROCESS: [Measure<Process>; 7] = [
    Measure {
        described: counter("process_cpu_seconds_total", "Processor time of the process, of all its threads", &[]),
        read: |process| exactly((process.stat.utime + process.stat.stime) as f64 / procfs::ticks_per_second() as f64),
    },
    Measure {
        described: gauge(
            "process_resident_memory_bytes",
            "Memory of the process that is in use, mapped files included",
            &[],
        ),
        read: |process| one(process.stat.rss * procfs::page_size()),
    },
    Measure {
        described: gauge("process_virtual_memory_bytes", "Address space of the process", &[]),
        read: |process| one(process.stat.vsize),
    },
    Measure {
        described: gauge("process_open_fds", "Open files and connections of the process", &[]),
        read: |process| one(process.files),
    },
    Measure {
        described: gauge("process_max_fds", "Open files and connections that the process may have", &[]),
        read: |process| one(process.most_files),
    },
    Measure {
        described: gauge("process_threads", "Threads of the process", &[]),
        read: |process| one(process.stat.num_threads.unsigned_abs()),
    },
    Measure {
        described: counter(
            "usher_log_lines_left_out_total",
            "Lines that the log left out, since there were too many alike in a minute",
            &[],
        ),
        read: |_| one(LEFT_OUT.load(Ordering::Relaxed)),
    },
];
