//! Audit mismatch: the book disagrees with what the venue says independently of it.

use super::rolling::{EverySecond, Mean};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace};
use crate::alert::Severity;
use crate::output::Counters;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Window, seconds; at most 600.
    pub window_seconds: u32,
    /// Fewer mismatches than that are none.
    pub count_min: u32,
    /// That part of the comparisons is a warning.
    pub warning_share: f64,
    /// That part is critical.
    pub critical_share: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params { window_seconds: 60, count_min: 3, warning_share: 0.01, critical_share: 0.2 }
    }
}

/// What was compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditMismatch {
    checked: Mean,
    wrong: Mean,
    second: EverySecond,
    counted: Option<(u64, u64)>,
    since: Option<Nanos>,
}

impl Detector for AuditMismatch {
    type Params = Params;

    const ABOUT: About = About {
        id: "audit_mismatch",
        title: "Book disagrees with the venue",
        family: Family::Feed,
        sees: "Sees that best quotes or snapshots, which the venue sends independently of the changes, differ from the book \
               at the same update: three times and more within a minute, and in more than one of a hundred comparisons. \
               Cannot see a fault that both of the venue's streams share, nor one beyond what is compared.",
        source: "definition: the book rebuilt from changes must equal the independent message at the same id",
        needs_book: false,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 60_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let Counters { audit_checked, audit_matched, .. } = *look.counters;
        let wrong = audit_checked.saturating_sub(audit_matched);
        let (checked_before, wrong_before) = self.counted.replace((audit_checked, wrong)).unwrap_or((audit_checked, wrong));
        let new = (audit_checked.saturating_sub(checked_before), wrong.saturating_sub(wrong_before));
        if self.second.due(look.at) || new.0 > 0 {
            self.checked.push(look.at, new.0 as f64, params.window_seconds);
            self.wrong.push(look.at, new.1 as f64, params.window_seconds);
        }
        let (checked, wrong) = (self.checked.sum(), self.wrong.sum());
        let share = wrong / checked.max(1.0);
        let measure = Measure::new("mismatch_share", share, Some(params.warning_share));
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        if wrong < f64::from(params.count_min) || share < params.warning_share {
            self.since = None;
            return;
        }
        found.raise(Finding {
            key: 0,
            severity: if share >= params.critical_share { Severity::Critical } else { Severity::Warning },
            persist_ms: 0,
            holds: false,
            since: *self.since.get_or_insert(look.at),
            text: format!(
                "{wrong:.0} of {checked:.0} comparisons with the venue's own quotes and snapshots within {} s did not match",
                params.window_seconds
            ),
            evidence: vec![
                measure,
                Measure::new("mismatches", wrong, Some(f64::from(params.count_min))),
                Measure::new("comparisons", checked, None),
            ],
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::alert::Severity;
    use crate::detector::tests::Stage;

    fn compare(stage: &mut Stage, checked: u64, matched: u64) {
        stage.counters.audit_checked += checked;
        stage.counters.audit_matched += matched;
        stage.run(1_000);
    }

    #[test]
    fn fires_when_a_share_of_the_comparisons_fails() {
        let mut stage = Stage::new();
        compare(&mut stage, 100, 100);
        compare(&mut stage, 100, 96);
        compare(&mut stage, 100, 10);
        let fired: Vec<_> = stage.fired("audit_mismatch").iter().map(|f| f.0).collect();
        // Fails when matched and checked are exchanged, or the shares are not compared.
        assert_eq!(fired, [Severity::Warning, Severity::Critical]);
    }

    #[test]
    fn two_of_thousands_are_the_venues_own() {
        let mut stage = Stage::new();
        for i in 0..120 {
            compare(&mut stage, 100, if i % 40 == 0 { 99 } else { 100 });
        }
        // Fails when the count or the share is not asked for.
        assert_eq!(stage.fired("audit_mismatch"), []);
    }
}
