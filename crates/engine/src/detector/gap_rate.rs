//! Gap rate: the feed loses changes again and again.

use super::rolling::{EverySecond, Mean};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace};
use crate::alert::Severity;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Window, seconds; at most 600.
    pub window_seconds: u32,
    /// So many losses in the window are a warning.
    pub warning: u32,
    /// So many are critical.
    pub critical: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { window_seconds: 300, warning: 3, critical: 10 }
    }
}

/// What was lost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GapRate {
    losses: Mean,
    second: EverySecond,
    /// Losses since the start, as last seen.
    counted: Option<u64>,
    since: Option<Nanos>,
}

impl Detector for GapRate {
    type Params = Params;

    const ABOUT: About = About {
        id: "gap_rate",
        title: "Gaps in the feed",
        family: Family::Feed,
        sees: "Sees that changes of the book were lost, or checksums did not match, three times and more within five minutes. \
               One loss is repaired and no alert. Cannot tell whether the venue, the network or this machine lost them.",
        source: "definition: sequence numbers that do not follow, and checksums of the venue",
        needs_book: false,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 60_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let total = look.counters.gaps + look.counters.checksums_bad;
        let new = total.saturating_sub(self.counted.replace(total).unwrap_or(total));
        if self.second.due(look.at) || new > 0 {
            self.losses.push(look.at, new as f64, params.window_seconds);
        }
        let lost = self.losses.sum();
        let measure = Measure::new("losses", lost, Some(f64::from(params.warning)));
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        if lost < f64::from(params.warning) {
            self.since = None;
            return;
        }
        let critical = lost >= f64::from(params.critical);
        found.raise(Finding {
            key: 0,
            severity: if critical { Severity::Critical } else { Severity::Warning },
            persist_ms: 0,
            holds: false,
            since: *self.since.get_or_insert(look.at),
            text: format!("the feed lost changes {lost:.0} times within {} s", params.window_seconds),
            evidence: vec![
                measure,
                Measure::new("gaps_since_start", look.counters.gaps as f64, None),
                Measure::new("checksums_bad_since_start", look.counters.checksums_bad as f64, None),
                Measure::new("rebuilds_since_start", look.counters.resyncs as f64, None),
            ],
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::alert::Severity;
    use crate::detector::tests::Stage;

    #[test]
    fn fires_at_the_third_loss_and_is_critical_at_the_tenth() {
        let mut stage = Stage::new();
        for lost in 1..=10 {
            stage.counters.gaps += 1;
            stage.run(10_000);
            // Fails when the counters' growth is not taken.
            assert_eq!(stage.fired("gap_rate").len(), usize::from(lost >= 3) + usize::from(lost >= 10), "{lost}");
        }
        assert_eq!(stage.fired("gap_rate").last().map(|f| f.0), Some(Severity::Critical));
    }

    #[test]
    fn a_loss_now_and_then_is_repaired_and_no_alert() {
        let mut stage = Stage::new();
        for _ in 0..6 {
            stage.counters.gaps += 1;
            stage.run(200_000);
        }
        // Fails when the window never forgets.
        assert_eq!(stage.fired("gap_rate"), []);
    }
}
