//! Icebergs: a level that is traded through and stands there again, with about the same size, several times.

use super::band::word;
use super::near::changes;
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace};
use crate::alert::Severity;
use crate::event::{Event, Trade};
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{Level, NANOS_PER_MILLI, Nanos, Side, Size};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Refills at the same price at least.
    pub refills: u32,
    /// Traded there at least so many times the largest size that was shown.
    pub traded_multiple: f64,
    /// A trade of that part of what is shown, or more, uses it up.
    pub used_up_share: f64,
    /// The refills' sizes differ from their mean by at most that part of it, on average.
    pub alike_share: f64,
    /// A level at which nothing of the kind happens for so long is forgotten, ms.
    pub forget_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { refills: 4, traded_multiple: 3.0, used_up_share: 0.8, alike_share: 0.2, forget_ms: 10_000 }
    }
}

/// Prices that are followed at the same time; the one longest without a trade goes first.
const PRICES_MAX: usize = 8;
/// Refill sizes that are remembered.
const REFILLS_MAX: usize = 8;

/// A price at which takers trade, units.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Spot {
    side: Side,
    price: i64,
    since: Nanos,
    last: Nanos,
    /// What is shown, as of the last message.
    shown: i64,
    largest: i64,
    traded: i64,
    /// Traded since the last message of the book that touched it.
    pending: i64,
    refills: u32,
    sizes: [i64; REFILLS_MAX],
}

/// Follows the prices at which takers trade.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Iceberg {
    spots: Vec<Spot>,
    kind: OneKind,
}

impl Detector for Iceberg {
    type Params = Params;

    const ABOUT: About = About {
        id: "iceberg",
        title: "Iceberg",
        family: Family::Liquidity,
        sees: "Sees that trades used up what was shown at a price, and that about the same size stood there again, four times \
               and more. Cannot tell a venue's own iceberg order from a program that shows a new order each time, nor see one \
               that is never traded with; refills between two messages of the book count as one.",
        source: "definition; cf. Hautsch & Huang 2012, J. Economic Dynamics and Control 36:501 (hidden orders)",
        needs_book: true,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, found: &mut Found) {
        if let Event::Trade(trade) = &seen.stamped.event {
            if self.kind.counts(seen.at, trade) {
                self.on_trade(seen, trade);
            }
            return;
        }
        if self.spots.iter().all(|spot| spot.pending == 0) {
            return;
        }
        for (side, level, before) in changes(seen) {
            let at = self.spots.iter().position(|s| s.pending > 0 && s.price == level.price.0 && s.side == side);
            if let Some(at) = at
                && !self.on_level(seen, at, level, before, params, found)
            {
                self.spots.swap_remove(at);
            }
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let forget = i64::from(params.forget_ms) * NANOS_PER_MILLI;
        self.spots.retain(|spot| look.at.since(spot.last) < forget);
        let most = self.spots.iter().map(|spot| spot.refills).max().unwrap_or(0);
        let measure = Measure::new("refills", f64::from(most), Some(f64::from(params.refills)));
        found.gauge(Gauge { measure: Some(measure), warmup: None });
    }

    fn on_gap(&mut self) {
        self.spots.clear();
    }

    fn on_rescale(&mut self, _: Finer) {
        self.spots.clear();
    }
}

impl Iceberg {
    fn on_trade(&mut self, seen: &Seen<'_>, trade: &Trade) {
        let side = if trade.taker_buy { Side::Ask } else { Side::Bid };
        if let Some(spot) = self.spots.iter_mut().find(|s| s.price == trade.price.0 && s.side == side) {
            spot.pending = spot.pending.saturating_add(trade.size.0);
            spot.last = seen.at;
            return;
        }
        let Some(best) = seen.book.best(side).filter(|best| best.price == trade.price) else { return };
        if self.spots.len() >= PRICES_MAX
            && let Some(oldest) = (0..self.spots.len()).min_by_key(|i| self.spots.get(*i).map(|spot| spot.last))
        {
            self.spots.swap_remove(oldest);
        }
        self.spots.push(Spot {
            side,
            price: trade.price.0,
            since: seen.at,
            last: seen.at,
            shown: best.size.0,
            largest: best.size.0,
            traded: 0,
            pending: trade.size.0,
            refills: 0,
            sizes: [0; REFILLS_MAX],
        });
    }

    /// The level after the trades; `false` when it is gone.
    fn on_level(
        &mut self,
        seen: &Seen<'_>,
        at: usize,
        level: Level,
        before: Size,
        params: &Params,
        found: &mut Found,
    ) -> bool {
        let Some(spot) = self.spots.get_mut(at) else { return true };
        let used_up = before.0 > 0 && spot.pending as f64 >= before.0 as f64 * params.used_up_share;
        spot.traded = spot.traded.saturating_add(spot.pending);
        (spot.pending, spot.shown) = (0, level.size.0);
        if level.size.0 == 0 {
            return false;
        }
        spot.largest = spot.largest.max(level.size.0);
        // What is there now cannot be what was there before: that was traded.
        if used_up && level.size.0 * 2 >= before.0 {
            if let Some(slot) = spot.sizes.get_mut(spot.refills as usize % REFILLS_MAX) {
                *slot = level.size.0;
            }
            spot.refills = spot.refills.saturating_add(1);
            let enough = spot.traded as f64 >= spot.largest as f64 * params.traded_multiple;
            if spot.refills >= params.refills && enough && spot.unlike() <= params.alike_share {
                found.raise(spot.told(seen, params));
            }
        }
        true
    }
}

impl Spot {
    /// Mean distance of the refills' sizes from their mean, as a part of it.
    fn unlike(&self) -> f64 {
        let known = self.sizes.get(..(self.refills as usize).min(REFILLS_MAX)).unwrap_or_default();
        let mean = known.iter().map(|size| *size as f64).sum::<f64>() / known.len().max(1) as f64;
        let away = known.iter().map(|size| (*size as f64 - mean).abs()).sum::<f64>() / known.len().max(1) as f64;
        away / mean.max(1.0)
    }

    fn told(&self, seen: &Seen<'_>, params: &Params) -> Finding {
        let scale = seen.instrument.scale;
        let price = scale.price_f64(crate::units::Price(self.price));
        let (traded, largest) = (scale.size_f64(Size(self.traded)), scale.size_f64(Size(self.largest)));
        let seconds = seen.at.since(self.since) as f64 / 1e9;
        Finding {
            key: (self.price as u64) << 1 | self.side as u64,
            severity: Severity::Info,
            persist_ms: 0,
            holds: false,
            since: self.since,
            text: format!(
                "{traded} were traded at {price} on the {} side within {seconds:.1} s although never more than {largest} was \
                 shown: refilled {} times with about the same size",
                word(self.side),
                self.refills
            ),
            evidence: vec![
                Measure::new("refills", f64::from(self.refills), Some(f64::from(params.refills))),
                Measure::new("traded", traded, Some(largest * params.traded_multiple)),
                Measure::new("shown_largest", largest, None),
                Measure::new("sizes_differ_share", self.unlike(), Some(params.alike_share)),
                Measure::new("price", price, None),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::{ASK, SIZE, Stage};

    /// Takers use up what stands at the best ask, and the next message shows so much there again.
    fn bite(stage: &mut Stage, again: i64) {
        let shown = stage.book.best(crate::units::Side::Ask).map_or(0, |best| best.size.0);
        stage.trade(ASK, shown, true);
        stage.depth(&[], &[(ASK, again)]);
        stage.run(300);
    }

    #[test]
    fn the_same_size_again_and_again_is_an_iceberg() {
        let mut stage = Stage::new();
        for _ in 0..3 {
            bite(&mut stage, SIZE);
        }
        assert_eq!(stage.fired("iceberg"), []);
        bite(&mut stage, SIZE);
        // Fails when refills are not counted, or the trades of the last message not added.
        assert_eq!(stage.fired("iceberg").len(), 1);
        let text = stage.fired("iceberg")[0].1.to_owned();
        assert!(text.starts_with("4 were traded at 1000.01 on the ask side"), "{text}");
    }

    #[test]
    fn other_sizes_or_small_trades_are_none() {
        let mut stage = Stage::new();
        for again in [3, 20, 6, 40, 9, 60, 14] {
            bite(&mut stage, SIZE * again / 10);
        }
        // Fails when the sizes need not be alike.
        assert_eq!(stage.fired("iceberg"), []);
        let mut stage = Stage::new();
        for _ in 0..40 {
            stage.trade(ASK, SIZE / 4, true);
            stage.depth(&[], &[(ASK, SIZE)]);
            stage.run(100);
        }
        // Fails when a trade that uses up little counts.
        assert_eq!(stage.fired("iceberg"), []);
    }
}
