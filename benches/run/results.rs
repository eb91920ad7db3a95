//! What was measured: one JSON line each, a table for the terminal, and `latest.md` made from the same lines.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use usher_bench::Corpus;

use usher_bench::stats::Interval;

pub struct Results {
    file: File,
    folder: PathBuf,
    title: String,
    notes: Vec<(String, Value)>,
    verdicts: Vec<Verdict>,
    /// The machine was too busy: wall time says nothing either way.
    pub is_noisy: bool,
}

struct Verdict {
    what: String,
    value: f64,
    interval: Option<Interval>,
    target: String,
    state: &'static str,
}

impl Results {
    pub fn new(corpus: &Corpus, folder: &Path, commit: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (size, shape) = (corpus.size.name(), corpus.shape.name());
        let date = jiff::Zoned::now().date();
        let name = format!("{date}-{size}-{shape}-{commit}.jsonl");
        let mut results = Self {
            file: File::create(folder.join(name))?,
            folder: folder.to_owned(),
            title: format!("{size}, `{shape}`, commit {commit}, {date}"),
            notes: Vec::new(),
            verdicts: Vec::new(),
            is_noisy: false,
        };
        results.line(json!({
            "kind": "env", "size": size, "shape": shape, "seed": corpus.seed, "commit": commit,
            "documents": corpus.documents().len(), "chunks": corpus.chunk_count(),
            "cpu": processor(), "threads": std::thread::available_parallelism().map_or(0, usize::from),
            "kernel": read("/proc/sys/kernel/osrelease"), "load": read("/proc/loadavg"),
            "memory": read("/proc/meminfo").lines().next().unwrap_or_default(),
        }));
        results.note("machine", json!(processor()));
        Ok(results)
    }

    /// A measured row.
    pub fn line(&mut self, line: Value) {
        writeln!(self.file, "{line}").expect("the results can be written");
    }

    /// A figure without a target.
    pub fn note(&mut self, what: &str, value: Value) {
        self.line(json!({"kind": "figure", "what": what, "value": value}));
        self.notes.push((what.to_owned(), value));
    }

    /// A target of wall time that must not be exceeded; `interval` where the value is one of blocks.
    pub fn upper(&mut self, what: &str, value: f64, interval: Option<Interval>, gate: f64, goal: f64) {
        let (low, high) = interval.map_or((value, value), |interval| (interval.low, interval.high));
        let state = match () {
            () if high <= goal => "goal",
            () if high <= gate => "pass",
            () if low > gate => "FAIL",
            () => "inconclusive",
        };
        self.verdict(what, value, interval, format!("≤ {gate} (goal {goal})"), self.unless_noisy(state));
    }

    /// As [`Self::upper`], for what no neighbour can disturb.
    pub fn at_most(&mut self, what: &str, value: f64, interval: Option<Interval>, gate: f64, goal: f64) {
        let is_noisy = std::mem::take(&mut self.is_noisy);
        self.upper(what, value, interval, gate, goal);
        self.is_noisy = is_noisy;
    }

    /// A target of wall time that must be reached.
    pub fn lower(&mut self, what: &str, value: f64, interval: Option<Interval>, gate: f64, goal: f64) {
        let (low, high) = interval.map_or((value, value), |interval| (interval.low, interval.high));
        let state = match () {
            () if low >= goal => "goal",
            () if low >= gate => "pass",
            () if high < gate => "FAIL",
            () => "inconclusive",
        };
        self.verdict(what, value, interval, format!("≥ {gate} (goal {goal})"), self.unless_noisy(state));
    }

    /// A target that no neighbour can disturb.
    pub fn at_least(&mut self, what: &str, value: f64, gate: f64, goal: f64) {
        let is_noisy = std::mem::take(&mut self.is_noisy);
        self.lower(what, value, None, gate, goal);
        self.is_noisy = is_noisy;
    }

    fn unless_noisy(&self, state: &'static str) -> &'static str {
        if self.is_noisy { "noisy" } else { state }
    }

    fn verdict(&mut self, what: &str, value: f64, interval: Option<Interval>, target: String, state: &'static str) {
        self.line(json!({
            "kind": "verdict", "what": what, "value": value, "interval": interval, "target": target, "state": state,
        }));
        self.verdicts.push(Verdict { what: what.to_owned(), value, interval, target, state });
    }

    pub fn finish(mut self) -> anyhow::Result<()> {
        for skipped in ["a2 (HNSW without a filter)", "w (wardowl)", "e (principals in each chunk)"] {
            self.note(&format!("baseline {skipped}"), json!("skipped: not part of this program"));
        }
        self.note("resident MiB at the end", json!(resident()));
        let mut text = format!(
            "# Benchmark: {}\n\n| target | value | interval | wanted | state |\n|---|---|---|---|---|\n",
            self.title
        );
        for verdict in &self.verdicts {
            let interval = verdict.interval.map_or(String::new(), |i| format!("{:.3} to {:.3}", i.low, i.high));
            writeln!(
                text,
                "| {} | {:.4} | {interval} | {} | {} |",
                verdict.what, verdict.value, verdict.target, verdict.state
            )?;
        }
        text.push_str("\n| figure | value |\n|---|---|\n");
        for (what, value) in &self.notes {
            match value.as_f64() {
                Some(number) if number.fract() != 0.0 => writeln!(text, "| {what} | {number:.3} |")?,
                _ => writeln!(text, "| {what} | {} |", value.as_str().map_or(value.to_string(), str::to_owned))?,
            }
        }
        std::fs::write(self.folder.join("latest.md"), &text)?;
        println!("\n{text}");
        let failed = self.verdicts.iter().filter(|verdict| verdict.state == "FAIL").count();
        println!("{} targets, {failed} missed", self.verdicts.len());
        let broken = self.verdicts.iter().any(|v| v.state == "FAIL" && (v.what == "leaks" || v.what == "underfill"));
        if broken { anyhow::bail!("leaks or underfill: see above") } else { Ok(()) }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn processor() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// Memory of this process that is resident, MiB.
pub fn resident() -> u64 {
    let status = read("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
