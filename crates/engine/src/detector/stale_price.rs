//! Stale price: the quote stands still while the same thing moves elsewhere.

use super::bars::{bps, way};
use super::consensus::consensus;
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The touch has not moved for that long, ms.
    pub still_ms: u32,
    /// Meanwhile the others moved by that and by the own spread, bps; three times that is critical.
    pub moved_bps: f64,
    /// A mate whose book has not changed for longer is not asked, ms.
    pub age_max_ms: u32,
    /// For that long, ms.
    pub persist_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { still_ms: 3_000, moved_bps: 6.0, age_max_ms: 2_000, persist_ms: 1_000 }
    }
}

/// Where the touch stands still, and what the others quoted when it stopped.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StalePrice {
    touch: (f64, f64),
    since: Nanos,
    /// Mid of the others then, and which others.
    then: Option<(f64, u64)>,
}

impl Detector for StalePrice {
    type Params = Params;

    const ABOUT: About = About {
        id: "stale_price",
        title: "Stale price",
        family: Family::Pricing,
        sees: "Sees that best bid and ask do not move at all for seconds while the middle of the other venues' mids (or the \
               index, where there are none) moves by more than the spread. A venue that follows within the time is not \
               meant. Cannot tell a halted matching engine from quotes that nobody cares to move: sizes that still change \
               are told beside.",
        source: "definition: own touch unchanged, others' mid changed",
        needs_book: true,
        pace: Pace { clear_ms: 3_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let Some(touch) = look.touch() else { return found.skip(Skip::NoData) };
        let others = consensus(look, params.age_max_ms).map(|c| (c.mid, c.who));
        let index = look.peers.index.filter(|(_, at)| look.at.since(*at) <= 2 * NANOS_PER_SECOND).map(|(p, _)| (p, 0));
        let Some((now, who)) = others.or(index) else {
            self.then = None;
            return found.skip(Skip::NoData);
        };
        let Some((then, _)) = self.then.filter(|then| then.1 == who && self.touch == touch) else {
            (self.touch, self.since, self.then) = (touch, look.at, Some((now, who)));
            return;
        };
        let moved = bps(now, then);
        let cut = params.moved_bps + bps(touch.1, touch.0);
        let still = look.at.since(self.since) / NANOS_PER_MILLI;
        found.gauge(Gauge { measure: Some(Measure::new("others_moved_bps", moved, Some(cut))), warmup: None });
        if still < i64::from(params.still_ms) || moved.abs() < cut {
            return;
        }
        let depth_age = look.at.since(look.depth_at) / NANOS_PER_MILLI;
        let book = if depth_age >= i64::from(params.still_ms) { "the whole book" } else { "the touch" };
        found.raise(Finding {
            key: 0,
            severity: if moved.abs() >= 3.0 * cut { Severity::Critical } else { Severity::Warning },
            persist_ms: params.persist_ms,
            holds: false,
            since: self.since,
            text: format!(
                "{book} has stood still at {} / {} for {:.1} s while others moved {} {:.1} bps from {then} to {now}",
                touch.0,
                touch.1,
                still as f64 / 1e3,
                way(moved > 0.0),
                moved.abs(),
            ),
            evidence: vec![
                Measure::new("others_moved_bps", moved, Some(cut)),
                Measure::new("still_ms", still as f64, Some(f64::from(params.still_ms))),
                Measure::new("depth_age_ms", depth_age as f64, None),
            ],
        });
    }

    fn on_gap(&mut self) {
        self.then = None;
    }
}
