//! Quote stuffing: a flood of orders near the touch that are taken away at once and change nothing.

use super::near::{Near, changes, slot};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Levels that count are that near to the touch, bps.
    pub near_bps: f64,
    /// Changes of levels a second, at least.
    pub events_min: u32,
    /// And times the usual.
    pub events_multiple: f64,
    /// And standard deviations above it.
    pub sigmas: f64,
    /// An order is short-lived when exactly its size is gone again within that, ms.
    pub life_ms: u32,
    /// Share of the changes that are such pairs.
    pub pairs_share: f64,
    /// Changes for each trade.
    pub per_trade: f64,
    /// Moves of the best prices, times the usual at most: it is not the market that moves.
    pub touch_multiple: f64,
    /// For that long, ms; three times as long is critical.
    pub persist_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            near_bps: 50.0,
            events_min: 100,
            events_multiple: 3.0,
            sigmas: 5.0,
            life_ms: 1_000,
            pairs_share: 0.2,
            per_trade: 10.0,
            touch_multiple: 3.0,
            persist_ms: 1_000,
        }
    }
}

/// Prices whose last appearance is remembered.
const SLOTS: usize = 256;
/// So many moves of the best prices a second are never too many.
const TOUCH_MIN: f64 = 6.0;
/// Seconds before anything is called usual, and over which it is averaged.
const WARM: u32 = 30;
const MEMORY: u32 = 300;
/// What is taken into the usual at most, deviations.
const CAP: f64 = 3.0;

/// What happened within a second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Second {
    events: u32,
    pairs: u32,
    trades: u32,
    touch_moves: u32,
}

/// A size that was added at a price.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Came {
    price: i64,
    size: i64,
    at: Nanos,
}

/// The second that runs, and what is usual.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stuffing {
    kind: OneKind,
    now: Second,
    second: i64,
    touch: (i64, i64),
    /// What came at a price, and when.
    came: Vec<Came>,
    seen: u32,
    mean: f64,
    variance: f64,
    usual_moves: f64,
    since: Option<Nanos>,
}

impl Detector for Stuffing {
    type Params = Params;

    const ABOUT: About = About {
        id: "stuffing",
        title: "Quote stuffing",
        family: Family::Manipulation,
        sees: "Sees that levels near the touch change far more often than usual, that most of the changes are sizes that \
               come and go again exactly within a second, that hardly anything is traded and that the best prices stay. \
               Streams that are pressed together (100 ms) hide what comes and goes within one message, so the true rate is \
               higher; two parties at one level at once are one.",
        source: "Egginton, Van Ness & Van Ness 2016, Financial Management 45:583 (quote stuffing); Regulation (EU) 2016/522",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, _: &mut Found) {
        if let Event::Trade(trade) = &seen.stamped.event {
            self.now.trades += u32::from(self.kind.counts(seen.at, trade));
            return;
        }
        if seen.before.is_empty() {
            return;
        }
        let Some(near) = Near::of(seen.book, params.near_bps) else { return };
        if self.touch != (near.bid, near.ask) {
            self.touch = (near.bid, near.ask);
            self.now.touch_moves += 1;
        }
        if self.came.is_empty() {
            self.came.resize(SLOTS, Came::default());
        }
        let life = i64::from(params.life_ms) * NANOS_PER_MILLI;
        for (_, level, before) in changes(seen) {
            if !near.holds(level.price) {
                continue;
            }
            self.now.events += 1;
            let Some(came) = self.came.get_mut(slot(level.price, SLOTS)) else { continue };
            let change = level.size.0 - before.0;
            if change > 0 {
                *came = Came { price: level.price.0, size: change, at: seen.at };
            } else if came.price == level.price.0 && came.size == -change && seen.at.since(came.at) <= life {
                self.now.pairs += 1; // exactly what came has gone
                came.price = 0;
            }
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let second = look.at.0.div_euclid(NANOS_PER_SECOND);
        let passed = second - std::mem::replace(&mut self.second, second);
        if passed == 0 {
            return;
        }
        let now = std::mem::take(&mut self.now);
        if passed > 1 {
            self.since = None; // more than a second, or the first
            return;
        }
        let rate = f64::from(now.events);
        let (warm, mean, deviation) = (self.seen >= WARM, self.mean, self.variance.sqrt().max(1.0));
        let moves_cut = TOUCH_MIN.max(params.touch_multiple * self.usual_moves);
        self.learn(now, deviation, warm);
        if !warm {
            found.gauge(Gauge { measure: None, warmup: Some((self.seen, WARM)) });
            return found.skip(Skip::ZscoreWarmup);
        }
        let sigmas = (rate - mean) / deviation;
        let cut = f64::from(params.events_min).max(params.events_multiple * mean);
        let measure = Measure::new("level_events_per_s", rate, Some(cut)).with_zscore(sigmas);
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        let pairs = 2.0 * f64::from(now.pairs) / rate.max(1.0);
        let per_trade = rate / f64::from(now.trades.max(1));
        let stuffed = rate >= cut
            && sigmas >= params.sigmas
            && pairs >= params.pairs_share
            && per_trade >= params.per_trade
            && f64::from(now.touch_moves) <= moves_cut;
        if !stuffed {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(look.at.plus(-NANOS_PER_SECOND));
        let lasted = look.at.since(since) / NANOS_PER_MILLI;
        let critical = lasted >= 3 * i64::from(params.persist_ms) + NANOS_PER_SECOND / NANOS_PER_MILLI;
        found.raise(Finding {
            key: 0,
            severity: if critical { Severity::Critical } else { Severity::Warning },
            persist_ms: if critical { 0 } else { params.persist_ms },
            holds: false,
            since,
            text: format!(
                "{rate:.0} changes of levels within {} bps of the touch in a second (usually {mean:.0}); {:.0} % of them came \
                 and were gone within {} ms, with {} trade(s) and {} move(s) of the best prices",
                params.near_bps,
                pairs * 100.0,
                params.life_ms,
                now.trades,
                now.touch_moves,
            ),
            evidence: vec![
                measure,
                Measure::new("short_lived_share", pairs, Some(params.pairs_share)),
                Measure::new("events_per_trade", per_trade, Some(params.per_trade)),
                Measure::new("touch_moves", f64::from(now.touch_moves), Some(moves_cut)),
                Measure::new("lasted_ms", lasted as f64, Some(f64::from(params.persist_ms))),
            ],
        });
    }

    fn on_gap(&mut self) {
        self.came.fill(Came::default());
        self.now = Second::default();
        self.since = None;
    }

    fn on_rescale(&mut self, _: Finer) {
        self.came.fill(Came::default()); // a second's worth of prices: not worth carrying over
        self.touch = (0, 0);
    }
}

impl Stuffing {
    fn learn(&mut self, now: Second, deviation: f64, warm: bool) {
        let rate = f64::from(now.events);
        self.seen = self.seen.saturating_add(1);
        let part = 1.0 / f64::from(self.seen.min(MEMORY));
        self.usual_moves += part * (f64::from(now.touch_moves) - self.usual_moves);
        let step = rate - self.mean;
        let step = if warm { step.clamp(-CAP * deviation, CAP * deviation) } else { step };
        self.mean += part * step;
        self.variance = (1.0 - part) * (self.variance + part * step * step);
    }
}
