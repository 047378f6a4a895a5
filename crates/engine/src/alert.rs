//! Alerts: what the detectors find, held to one lifecycle: pending -> firing -> resolved, with one alert for one thing.

use crate::detector::Measure;
use crate::instrument::InstrumentId;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

mod lifecycle;

pub(crate) use lifecycle::{Lifecycle, Ripe};

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a note.
    Info,
    /// Worth a look.
    Warning,
    /// Worth waking somebody.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// Where an alert is in its life. That a person has acknowledged it is no matter of the market: whoever keeps alerts keeps
/// that beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Found, but not yet for as long as it has to be.
    Pending,
    /// It is so.
    Firing,
    /// It is over.
    Resolved,
}

/// A number by which an alert is known everywhere: a hash of instrument, detector, key and begin, the same in every replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertId(pub u64);

impl AlertId {
    /// FNV-1a, 64 bits.
    pub(crate) fn of(instrument: &str, detector: &str, key: u64, since: Nanos) -> Self {
        let parts =
            [instrument.as_bytes(), &[0], detector.as_bytes(), &[0], &key.to_le_bytes(), &since.0.to_le_bytes()];
        let hash = parts
            .into_iter()
            .flatten()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        AlertId(hash)
    }
}

impl std::fmt::Display for AlertId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A change in the life of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Which.
    pub id: AlertId,
    /// When it changed.
    pub at: Nanos,
    /// Whose.
    pub instrument: InstrumentId,
    /// The detector, by its number in `detector::CATALOGUE`.
    pub detector: u8,
    /// What it is about within the detector.
    pub key: u64,
    /// How bad.
    pub severity: Severity,
    /// Where it is now.
    pub state: State,
    /// When what was found began.
    pub since: Nanos,
    /// When it began to fire.
    pub fired: Option<Nanos>,
    /// Findings so far.
    pub count: u32,
    /// What happened, one sentence, as it was found when it last changed.
    pub text: String,
    /// The numbers then.
    pub evidence: Vec<Measure>,
}
