//! What benches share: whole processes measured by GNU time, latencies, marks.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a process is measured.
pub(crate) const RUNS: usize = 9;

/// One measured command: medians.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) user: f64,
    pub(crate) megabytes: f64,
}

impl Cost {
    pub(crate) fn show(self, name: &str) {
        println!("  {name:<32} {:>8.3} s wall {:>8.3} s user {:>7.1} MB", self.wall, self.user, self.megabytes);
    }
}

/// Runs two commands by turns, so that both meet the same machine; each must end well.
pub(crate) fn by_turns(mut one: impl FnMut() -> Command, mut other: impl FnMut() -> Command) -> (Cost, Cost) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let (a, b) = (once(&one()), once(&other()));
        if run > 0 {
            ones.push(a);
            others.push(b);
        }
    }
    (of(&ones), of(&others))
}

fn of(costs: &[Cost]) -> Cost {
    let pick = |value: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost { wall: pick(|c| c.wall), user: pick(|c| c.user), megabytes: pick(|c| c.megabytes) }
}

fn once(command: &Command) -> Cost {
    let told = tempfile::NamedTempFile::new().unwrap();
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%U %M", "-o"]).arg(told.path()).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(key, value),
            None => timed.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    let start = Instant::now();
    let output = timed.stdin(Stdio::null()).stdout(Stdio::null()).output().expect("GNU time is installed");
    let wall = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(told.path()).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    Cost { wall, user: numbers[0], megabytes: numbers[1] / 1024.0 }
}

/// Latencies of one sort of call.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = Duration>) {
        self.0.extend(more);
    }

    /// Milliseconds that `percent` of the calls took at most.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent / 100).min(sorted.len() - 1);
        sorted[at].as_secs_f64() * 1000.0
    }

    pub(crate) fn show(&self, name: &str) {
        let of = |percent| self.percentile(percent);
        println!("  {name:<32} p50 {:>8.2} ms  p95 {:>8.2} ms  ({} calls)", of(50), of(95), self.0.len());
    }
}

/// Figures held against marks.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    missed: usize,
}

impl Marks {
    /// `value` may be `mark` at most.
    pub(crate) fn at_most(&mut self, what: &str, value: f64, unit: &str, mark: f64) {
        let met = value <= mark;
        self.missed += usize::from(!met);
        println!("  {what}: {value:.3}{unit}, mark {mark:.3}{unit}: {}", if met { "met" } else { "MISSED" });
    }

    pub(crate) fn end(&self) {
        match self.missed {
            0 => println!("\nevery mark was met"),
            n => println!("\n{n} marks were missed"),
        }
    }
}

/// The most memory that a process has had, in MB.
pub(crate) fn peak_memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap();
    kilobytes / 1024.0
}
