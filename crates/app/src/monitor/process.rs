//! What the operating system says of this process.

use std::time::Duration;

/// Ticks per second in which Linux tells processor time to programs, on every architecture it runs on.
const TICKS_PER_SECOND: u64 = 100;

/// Resources used by the process at one moment; absent where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since the start, over all threads.
    pub cpu: Option<Duration>,
    /// Resident memory, bytes.
    pub resident_bytes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl Usage {
    /// As it is now.
    pub fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").ok();
        let (cpu, threads) = stat.as_deref().map_or((None, None), parse);
        Usage { cpu, threads, resident_bytes: crate::health::resident_bytes() }
    }
}

/// Processor time and threads from a line of `/proc/PID/stat`.
fn parse(stat: &str) -> (Option<Duration>, Option<u64>) {
    // The name stands in brackets and may hold anything; numbers are counted behind it, where the state is the third.
    let Some((_, behind)) = stat.rsplit_once(") ") else { return (None, None) };
    let field = |number: usize| behind.split(' ').nth(number - 3)?.parse::<u64>().ok();
    let ticks = field(14).zip(field(15)).map(|(user, system)| user.saturating_add(system));
    let cpu = ticks.map(|ticks| Duration::from_millis(ticks.saturating_mul(1_000 / TICKS_PER_SECOND)));
    (cpu, field(20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_confuse() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 200";
        assert_eq!(parse(stat), (Some(Duration::from_secs(3)), Some(9)));
        assert_eq!(parse("nonsense"), (None, None));
        assert_eq!(parse("7 (a) S 1"), (None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_told() {
        let usage = Usage::now();
        assert!(usage.cpu.is_some() && usage.threads.unwrap() >= 1 && usage.resident_bytes.unwrap() > 1_000_000);
    }
}
