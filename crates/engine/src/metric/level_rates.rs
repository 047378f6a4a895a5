//! How much size comes, goes and is filled per second, by distance from the touch of its side; and how many changes of levels
//! there are per trade, as the order-to-trade ratio counts orders.
//!
//! A book of levels does not show orders: what is added and taken away between two messages cancels out, and what goes may
//! have been cancelled or filled. Fills are known from the trades; what else went was cancelled.

use super::quote::Finer;
use super::trades::OneKind;
use super::window::Window;
use super::{Best, Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::{Event, LevelSpan};
use crate::units::{Level, NANOS_PER_SECOND, POW10, Side, Size};
use serde::{Deserialize, Serialize};

/// Outer ends of the distances, bps.
const BANDS: [i64; 3] = [1, 5, 25];
const ADDED: usize = 0;
const REMOVED: usize = BANDS.len();
const FILLED: usize = 2 * BANDS.len();
/// Messages as RTS 9 counts them: a new level one, a change two, a level that goes one.
const ORDERS: usize = 3 * BANDS.len();
const TRADES: usize = ORDERS + 1;
/// Size in those messages, changes with the size that they leave, and size traded.
const ORDERED: usize = ORDERS + 2;
const TRADED: usize = ORDERS + 3;
const WIDTH: usize = ORDERS + 4;

/// Sums over the trade window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LevelRates {
    trades: OneKind,
    window: Window<i64>,
}

impl Metric for LevelRates {
    fn new(params: &Params) -> Self {
        LevelRates { trades: OneKind::default(), window: Window::of_seconds(params.trade_window_whole_seconds(), WIDTH) }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let mut all = Vec::new();
        let help = [
            "Size added per second at levels so far from the touch of their side, both sides, over the trade window.",
            "Size taken away per second and not filled, at levels so far from the touch of their side, both sides.",
            "Size traded per second at prices so far from the touch before the trade, both sides.",
        ];
        let formula = [
            "sum of increases of levels / seconds; distance |p - best| / best after the change, outer end included",
            "(sum of decreases of levels - size traded there) / seconds, at least 0",
            "sum of Q / seconds; distance |p - best| / best of the side that is hit",
        ];
        for ((name, help), formula) in ["added", "cancelled", "filled"].into_iter().zip(help).zip(formula) {
            for (i, to) in BANDS.iter().enumerate() {
                let from = if i == 0 { 0 } else { BANDS[i - 1] };
                let id = format!("{name}_{from}_{to}bps_size_per_s");
                all.push(Spec { id, unit: "size/s", help, formula });
            }
        }
        all.push(Spec {
            id: "order_to_trade_number".into(),
            unit: "ratio",
            help: "Order-to-trade ratio by number over the trade window, made of level events: levels are not orders, so it is a lower bound.",
            formula: "(new levels + 2 changed levels + levels gone) / trades - 1 (EU 2017/566, RTS 9)",
        });
        all.push(Spec {
            id: "order_to_trade_volume".into(),
            unit: "ratio",
            help: "Order-to-trade ratio by volume over the trade window, made of level events.",
            formula: "(sizes of new levels + 2 sizes of changed levels + sizes of levels gone) / size traded - 1 (EU 2017/566, RTS 9)",
        });
        all
    }

    fn on(&mut self, seen: &Seen<'_>) {
        match &seen.stamped.event {
            Event::Depth(depth) => {
                let Some(best) = seen.best[0] else { return self.window.reset() };
                self.window.advance(seen.at);
                if seen.before.len() == seen.levels.len() {
                    self.on_levels(seen, depth.span, &best);
                }
            }
            Event::Trade(trade) if self.trades.counts(seen.at, trade) => {
                let Some(best) = seen.best[0] else { return };
                let hit = if trade.taker_buy { best.ask } else { best.bid };
                let away = if trade.taker_buy { trade.price.0 - hit.price.0 } else { hit.price.0 - trade.price.0 };
                self.window.add(seen.at, TRADES, 1);
                self.window.add(seen.at, TRADED, trade.size.0);
                if let Some(band) = ends(hit).iter().position(|end| away <= *end) {
                    self.window.add(seen.at, FILLED + band, trade.size.0);
                }
            }
            _ => {}
        }
    }

    fn on_gap(&mut self) {
        self.window.reset();
    }

    fn on_rescale(&mut self, finer: Finer) {
        self.window.convert(|which, x| if which == ORDERS || which == TRADES { x } else { x.saturating_mul(finer.size) });
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        self.window.roll(moment.at);
        let unit = POW10.get(usize::from(moment.instrument.scale.size)).copied().unwrap_or(1) as f64;
        let covered = self.window.covered(moment.at);
        let ready = top.touch().and(if covered < NANOS_PER_SECOND { Err(Reason::Warmup) } else { Ok(()) });
        let rate = |size: i64| Value::from(ready.map(|()| size as f64 / unit * 1e9 / covered as f64));
        let sum = |which| self.window.sum(which);
        out.extend((0..BANDS.len()).map(|band| rate(sum(ADDED + band))));
        out.extend((0..BANDS.len()).map(|band| rate((sum(REMOVED + band) - sum(FILLED + band)).max(0))));
        out.extend((0..BANDS.len()).map(|band| rate(sum(FILLED + band))));
        for (orders, trades) in [(sum(ORDERS), sum(TRADES)), (sum(ORDERED), sum(TRADED))] {
            let traded = if trades == 0 { Err(Reason::NoData) } else { Ok(trades as f64) };
            out.push(ready.and(traded).map(|trades| orders as f64 / trades - 1.0).into());
        }
    }
}

/// Prices that far from a best level are within the bands, units.
fn ends(best: Level) -> [i64; 3] {
    BANDS.map(|bps| best.price.0.saturating_mul(bps) / 10_000)
}

impl LevelRates {
    /// The changes of one message are added up first: most of them are at levels that no band reaches.
    fn on_levels(&mut self, seen: &Seen<'_>, span: LevelSpan, best: &Best) {
        let (mut sums, mut orders, mut ordered) = ([[0i64; 2]; BANDS.len() + 1], 0, 0i64);
        for (side, range, best) in [(Side::Bid, span.bids(), best.bid), (Side::Ask, span.asks(), best.ask)] {
            let (Some(levels), Some(before)) = (seen.levels.get(range.clone()), seen.before.get(range)) else { continue };
            let ends = ends(best);
            for (level, Size(before)) in levels.iter().zip(before) {
                let (after, change) = (level.size.0, level.size.0 - before);
                let away = if side == Side::Bid { best.price.0 - level.price.0 } else { level.price.0 - best.price.0 };
                let band = ends.iter().map(|end| usize::from(away > *end)).sum::<usize>();
                if let Some(sum) = sums.get_mut(band).and_then(|sums| sums.get_mut(usize::from(change < 0))) {
                    *sum = sum.saturating_add(change.abs());
                }
                let (was, is) = (*before > 0, after > 0);
                orders += i64::from(change != 0) * (1 + i64::from(was && is));
                ordered = ordered.saturating_add(match (was, is) {
                    (true, true) if change != 0 => 2 * after,
                    (true, true) => 0,
                    (false, _) => after,
                    (true, false) => *before,
                });
            }
        }
        for (band, [added, removed]) in sums.into_iter().enumerate().take(BANDS.len()) {
            self.window.add(seen.at, ADDED + band, added);
            self.window.add(seen.at, REMOVED + band, removed);
        }
        self.window.add(seen.at, ORDERS, orders);
        self.window.add(seen.at, ORDERED, ordered);
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::Side::{Ask, Bid};

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000)], &[(100_01, 4_000)]);
        stage.depth(0, &[]);
        stage.depth(100, &[(Bid, 100_00, 7_000), (Ask, 100_02, 3_000)]); // +2 changed, +3 new: 0-1 bps
        stage.depth(200, &[(Bid, 99_95, 6_000), (Bid, 99_94, 1_000)]); // +6 at 5 bps, +1 beyond
        stage.depth(300, &[(Bid, 99_00, 9_000)]); // beyond the bands: a new level all the same
        stage.trade(350, 100_01, 4_000, true); // fills the best ask
        stage.trade(360, 100_06, 1_000, true); // 5 hundredths above it: 1-5 bps
        stage.depth(400, &[(Ask, 100_01, 0), (Ask, 100_02, 1_500)]); // -4, and -1.5 changed
        stage.at(900);
        assert_eq!(stage.reason("added_0_1bps_size_per_s"), Some(Reason::Warmup));
        stage.at(2_000);
        assert_eq!(stage.value("added_0_1bps_size_per_s"), 2.5);
        assert_eq!(stage.value("added_1_5bps_size_per_s"), 3.0);
        assert_eq!(stage.value("added_5_25bps_size_per_s"), 0.5);
        assert_eq!(stage.value("filled_0_1bps_size_per_s"), 2.0);
        assert_eq!(stage.value("filled_1_5bps_size_per_s"), 0.5);
        assert_eq!(stage.value("cancelled_0_1bps_size_per_s"), 0.75); // (5.5 - 4) / 2
        assert_eq!(stage.value("cancelled_1_5bps_size_per_s"), 0.0);
        // 4 new, 2 changed, 1 gone: 9 over 2 trades; 3 + 6 + 1 + 9, 2 (7 + 1.5), 4: 40 over 5.
        assert_eq!(stage.value("order_to_trade_number"), 3.5);
        assert_eq!(stage.value("order_to_trade_volume"), 7.0);
        let mut finer = stage.clone();
        finer.refine(1, 2);
        assert_eq!((finer.value("added_0_1bps_size_per_s"), finer.value("order_to_trade_number")), (2.5, 3.5));
        stage.at(70_000);
        assert_eq!(stage.value("added_0_1bps_size_per_s"), 0.0);
        assert_eq!(stage.reason("order_to_trade_number"), Some(Reason::NoData));
        stage.gap();
        assert_eq!(stage.reason("added_0_1bps_size_per_s"), Some(Reason::Warmup));
    }
}
