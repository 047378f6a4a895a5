//! How the program itself is doing.

use crate::view::{Market, View};
use fathometer_engine::output::Validity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What `/health` tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`: every book is valid; `degraded`: some are not; `starting`: none is.
    pub status: String,
    /// Since the start, seconds.
    pub uptime_seconds: f64,
    /// Resident memory, megabytes (10^6 bytes); absent where the system does not tell.
    pub memory_mb: Option<f64>,
    /// Connections that are open.
    pub connections: usize,
    /// Instruments that are known.
    pub symbols: usize,
    /// Of these, with a valid book.
    pub symbols_live: usize,
    /// From the receipt of a frame to its metrics, median of the last seconds, ms.
    #[serde(default)]
    pub lag_ms_p50: Option<f64>,
    /// The same, 99th percentile.
    #[serde(default)]
    pub lag_ms_p99: Option<f64>,
    /// Frames that said something of an instrument, since the start.
    #[serde(default)]
    pub frames: u64,
}

impl Health {
    /// Counted from a view.
    pub fn of(view: &View, uptime_seconds: f64, connections: usize) -> Self {
        let live = |market: &&Market| market.status.as_ref().is_some_and(|status| status.validity == Validity::Live);
        let symbols_live = view.markets.iter().filter(live).count();
        let status = match symbols_live {
            0 => "starting",
            all if all == view.markets.len() => "ok",
            _ => "degraded",
        };
        Health {
            status: status.to_owned(),
            uptime_seconds,
            memory_mb: resident_bytes().map(|bytes| bytes as f64 / 1e6),
            connections,
            symbols: view.markets.len(),
            symbols_live,
            lag_ms_p50: None,
            lag_ms_p99: None,
            frames: view.markets.iter().filter_map(|market| market.status.as_ref()).map(|it| it.counters.frames).sum(),
        }
    }
}

/// Resident memory of this process, bytes, where the system tells.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_told() {
        let bytes = super::resident_bytes().unwrap();
        assert!((1_000_000..10_000_000_000).contains(&bytes), "{bytes}");
    }
}
