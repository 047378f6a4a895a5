//! What the program costs and whether it grows: processor, memory, bandwidth, once a second.

use super::line::Line;
use super::process::Usage;
use super::rolling::four_digits;
use crate::live::state::State;
use fathometer_edge::clock;
use fathometer_engine::units::Nanos;
use std::sync::Arc;
use std::time::Duration;

/// Seconds that the line covers.
pub const LINE_SECONDS: usize = 1_800;
/// The memory that growth is compared with is that of this moment: books are there by then, leaks are not.
const BASELINE_AFTER_SECONDS: f64 = 60.0;
/// Growth over the baseline at which it is told, percent.
pub const GROWTH_ALERT_PERCENT: f64 = 50.0;

const COLUMNS: [&str; 8] = [
    "cpu_percent",
    "memory_mb",
    "threads",
    "bandwidth_bytes_per_second",
    "frames_per_second",
    "inbox_inputs",
    "tape_bytes_per_second",
    "instruments_live",
];

/// What only ever grows, and what stands now, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// When.
    pub at: Nanos,
    /// What the process uses.
    pub usage: Usage,
    /// Payload received since the start, bytes.
    pub bytes: u64,
    /// Frames taken since the start.
    pub frames: u64,
    /// Inputs waiting for the engine.
    pub inbox: Option<usize>,
    /// Bytes on the tape since the start.
    pub tape_bytes: Option<u64>,
    /// Books that are valid.
    pub live: usize,
}

/// What follows from moments.
#[derive(Debug)]
pub struct System {
    began: Nanos,
    last: Option<Moment>,
    baseline_mb: Option<f64>,
    now: Told,
    line: Line,
}

/// The latest figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// Share of one processor, percent; more than 100 with several threads.
    pub cpu_percent: Option<f64>,
    /// Processor time since the start, seconds.
    pub cpu_seconds: Option<f64>,
    /// Resident memory, megabytes (10^6 bytes).
    pub memory_mb: Option<f64>,
    /// The same a minute after the start.
    pub memory_baseline_mb: Option<f64>,
    /// Growth since then, percent.
    pub memory_growth_percent: Option<f64>,
    /// Whether that is more than `GROWTH_ALERT_PERCENT`.
    pub memory_alert: bool,
    /// Threads.
    pub threads: Option<u64>,
    /// Payload received, bytes per second.
    pub bandwidth_bytes_per_second: Option<f64>,
    /// Payload received since the start, bytes.
    pub bytes: u64,
    /// Frames per second.
    pub frames_per_second: Option<f64>,
    /// Written to the tape, bytes per second.
    pub tape_bytes_per_second: Option<f64>,
}

impl Default for System {
    fn default() -> Self {
        System {
            began: clock::now(),
            last: None,
            baseline_mb: None,
            now: Told::default(),
            line: Line::new(&COLUMNS, LINE_SECONDS),
        }
    }
}

impl System {
    /// Takes in a moment.
    pub fn take(&mut self, moment: Moment) {
        let memory_mb = moment.usage.resident_bytes.map(|bytes| bytes as f64 / 1e6);
        if self.baseline_mb.is_none() && moment.at.since(self.began) as f64 / 1e9 >= BASELINE_AFTER_SECONDS {
            self.baseline_mb = memory_mb;
        }
        let growth = memory_mb.zip(self.baseline_mb).map(|(now, then)| (now / then - 1.0) * 100.0);
        let last = self.last.replace(moment);
        let seconds = last.map(|last| moment.at.since(last.at) as f64 / 1e9).filter(|seconds| *seconds > 0.0);
        let rate = |now: u64, then: Option<u64>| {
            then.zip(seconds).map(|(then, seconds)| now.saturating_sub(then) as f64 / seconds)
        };
        let cpu = |moment: &Moment| moment.usage.cpu.map(|cpu| cpu.as_secs_f64());
        let cpu_before = last.as_ref().and_then(cpu);
        let cpu_now = cpu(&moment);
        let cpu_share = cpu_now.zip(cpu_before).zip(seconds).map(|((now, then), s)| (now - then) / s * 100.0);
        self.now = Told {
            cpu_percent: cpu_share.map(|share| four_digits(share.max(0.0))),
            cpu_seconds: cpu_now,
            memory_mb: memory_mb.map(four_digits),
            memory_baseline_mb: self.baseline_mb.map(four_digits),
            memory_growth_percent: growth.map(four_digits),
            memory_alert: growth.is_some_and(|growth| growth > GROWTH_ALERT_PERCENT),
            threads: moment.usage.threads,
            bandwidth_bytes_per_second: rate(moment.bytes, last.map(|last| last.bytes)).map(four_digits),
            bytes: moment.bytes,
            frames_per_second: rate(moment.frames, last.map(|last| last.frames)).map(four_digits),
            tape_bytes_per_second: moment
                .tape_bytes
                .and_then(|now| rate(now, last.and_then(|last| last.tape_bytes)))
                .map(four_digits),
        };
        let told = &self.now;
        self.line.push(
            moment.at,
            &[
                told.cpu_percent,
                told.memory_mb,
                told.threads.map(|threads| threads as f64),
                told.bandwidth_bytes_per_second,
                told.frames_per_second,
                moment.inbox.map(|inputs| inputs as f64),
                told.tape_bytes_per_second,
                Some(moment.live as f64),
            ],
        );
    }

    /// The latest figures.
    pub fn now(&self) -> Told {
        self.now
    }

    /// The line.
    pub fn line(&self) -> &Line {
        &self.line
    }
}

/// Takes a moment every second until the run is over.
pub async fn keep(state: Arc<State>) {
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !state.is_over() {
        interval.tick().await;
        let moment = state.moment();
        let mut system = state.system();
        let alert = system.now().memory_alert;
        system.take(moment);
        let told = system.now();
        drop(system);
        if told.memory_alert && !alert {
            tracing::warn!(
                memory_mb = told.memory_mb,
                memory_baseline_mb = told.memory_baseline_mb,
                "memory has grown by more than {GROWTH_ALERT_PERCENT} % since the first minute; if it goes on, restart \
                 and report it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(system: &System, second: i64, megabytes: u64) -> Moment {
        Moment {
            at: system.began.plus(second * 1_000_000_000),
            usage: Usage {
                cpu: Some(Duration::from_millis(250 * second as u64)),
                resident_bytes: Some(megabytes * 1_000_000),
                threads: Some(5),
            },
            bytes: 1_000 * second as u64,
            frames: 10 * second as u64,
            inbox: Some(3),
            tape_bytes: (second > 1).then_some(500 * second as u64),
            live: 8,
        }
    }

    #[test]
    fn rates_follow_from_two_moments() {
        let mut system = System::default();
        system.take(moment(&system, 1, 50));
        assert_eq!((system.now().cpu_percent, system.now().bandwidth_bytes_per_second), (None, None));
        system.take(moment(&system, 3, 50));
        let told = system.now();
        assert_eq!(told.cpu_percent, Some(25.0));
        assert_eq!((told.bandwidth_bytes_per_second, told.frames_per_second), (Some(1_000.0), Some(10.0)));
        assert_eq!(told.tape_bytes_per_second, None, "the tape had only begun");
        system.take(moment(&system, 4, 50));
        assert_eq!(system.now().tape_bytes_per_second, Some(500.0));
        assert_eq!(system.line().told(10).at_ms.len(), 3);
    }

    #[test]
    fn growth_is_told_beyond_half_of_the_first_minute() {
        let mut system = System::default();
        system.take(moment(&system, 59, 10));
        assert_eq!(system.now().memory_baseline_mb, None);
        system.take(moment(&system, 60, 100));
        assert_eq!((system.now().memory_growth_percent, system.now().memory_alert), (Some(0.0), false));
        system.take(moment(&system, 61, 150));
        assert!(!system.now().memory_alert);
        system.take(moment(&system, 62, 151));
        assert_eq!((system.now().memory_growth_percent, system.now().memory_alert), (Some(51.0), true));
    }
}
