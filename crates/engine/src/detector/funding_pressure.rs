//! Funding pressure: one-sided trading in the minutes before funding is paid.

use super::bars::{Bars, money};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::Seen;
use crate::units::{Decimal, NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Watched before funding, s.
    pub before_s: u32,
    /// Trading that is added up, s.
    pub window_s: u32,
    /// Share of it that went one way, 0 to 1: bought minus sold over both.
    pub lean: f64,
    /// Traded, times the usual.
    pub volume_multiple: f64,
    /// Premium of mid over index (or spot, or mark), beyond the usual one and the same way, from which it is a warning, bps.
    pub premium_bps: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params { before_s: 600, window_s: 30, lean: 0.3, volume_multiple: 1.2, premium_bps: 8.0 }
    }
}

/// The funding that is due.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FundingPressure {
    bars: Bars,
    due: Option<(Nanos, Decimal)>,
    since: Option<Nanos>,
    /// The usual premium, bps, and from how many seconds.
    usual: f64,
    seen: u32,
}

/// Seconds over which the usual premium is averaged.
const MEMORY: u32 = 600;
/// What is taken into it at most, bps.
const STEP_MAX: f64 = 5.0;
/// A reference that is older is not compared with, ns.
const AGE_MAX: i64 = 5 * NANOS_PER_SECOND;

impl Detector for FundingPressure {
    type Params = Params;

    const ABOUT: About = About {
        id: "funding_pressure",
        title: "Funding pressure",
        family: Family::Pricing,
        sees: "Sees that in the minutes before funding is paid takers go one way on abnormal volume (information) and that \
               mid leaves mark or index the same way (a warning). Cannot see who pays or is paid: hedgers that leave before \
               funding press the price just as one who wants to move the rate.",
        source: "the venues' funding formula: the premium over index, averaged until funding time",
        needs_book: true,
        pace: Pace { clear_ms: 30_000, cooldown_ms: 300_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        self.bars.on(seen);
        if let Event::Funding { rate, next } = seen.stamped.event {
            self.due = Some((next, rate));
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let window = params.window_s.clamp(10, 300) as usize;
        let Some(mid) = self.bars.tick(look, window + 1) else { return };
        let premium = self.premium(look, mid);
        let Some((next, rate)) = self.due else { return found.skip(Skip::NoData) };
        let left = next.since(look.at) / NANOS_PER_SECOND;
        found.gauge(Gauge { measure: Some(Measure::new("until_funding_s", left as f64, None)), warmup: None });
        if !(0..=i64::from(params.before_s)).contains(&left) {
            self.since = None;
            return;
        }
        if !self.bars.is_warm() {
            return found.skip(Skip::ZscoreWarmup);
        }
        let flow = self.bars.flow(window);
        let (lean, multiple) = (flow.lean(), self.bars.multiple(flow, window));
        if lean.abs() < params.lean || multiple < params.volume_multiple {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(look.at.plus(-(window as i64) * NANOS_PER_SECOND));
        let pressed = premium * lean.signum() >= params.premium_bps;
        let who = if lean > 0.0 { "buyers" } else { "sellers" };
        let beside = if pressed { format!(", and mid {mid} stands {premium:+.1} bps off where it usually does") } else { String::new() };
        found.raise(Finding {
            key: u64::from(lean > 0.0),
            severity: if pressed { Severity::Warning } else { Severity::Info },
            persist_ms: 2_000,
            holds: false,
            since,
            text: format!(
                "{left} s before funding at {rate} {who} took {} of {} in {window} s ({multiple:.1}x the usual){beside}",
                money(flow.buy.max(flow.sell)),
                money(flow.total()),
            ),
            evidence: vec![
                Measure::new("flow_lean", lean, Some(params.lean)),
                Measure::new("volume_multiple", multiple, Some(params.volume_multiple)),
                Measure::new("premium_bps", premium, Some(params.premium_bps)),
                Measure::new("until_funding_s", left as f64, Some(f64::from(params.before_s))),
            ],
        });
    }

    fn on_gap(&mut self) {
        self.bars.gap();
        self.since = None;
    }
}

impl FundingPressure {
    /// Premium beyond the usual, bps; 0 without anything to compare with.
    fn premium(&mut self, look: &Look<'_>, mid: f64) -> f64 {
        let references = [look.peers.index, look.peers.spot_mid, look.peers.mark].into_iter().flatten();
        let mut fresh = references.filter(|(price, at)| *price > 0.0 && look.at.since(*at) <= AGE_MAX);
        let Some((price, _)) = fresh.next() else { return 0.0 };
        let premium = (mid - price) / price * 1e4;
        self.seen = self.seen.saturating_add(1);
        let step = if self.seen == 1 { premium } else { (premium - self.usual).clamp(-STEP_MAX, STEP_MAX) };
        let beyond = premium - self.usual;
        self.usual += step / f64::from(self.seen.min(MEMORY));
        if self.seen == 1 { 0.0 } else { beyond }
    }
}
