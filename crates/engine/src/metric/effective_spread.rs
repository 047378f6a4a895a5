//! What takers pay against mid, and what mid does after them: effective and realised spread, price impact and markouts,
//! weighted by volume (Huang and Stoll 1996; Bessembinder 2003).
//!
//! Mid is the newest best quote received before the trade: of the book, or of the best-bid/ask messages where those are
//! ahead of it. Trades of half a second wait together; their horizons end with that of the last of them.

use super::bars::worth;
use super::seconds::Seconds;
use super::trades::OneKind;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::{Bbo, Event};
use crate::instrument::{Contract, Instrument};
use crate::output::Validity;
use crate::units::{NANOS_PER_SECOND, Nanos, POW10};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Horizons, seconds.
const HORIZONS: [i64; 4] = [1, 5, 30, 60];
/// Which of them the realised spread and the impact are told for.
const REALISED: usize = 1;
/// Trades this near to each other wait together, ns.
const CELL_NS: i64 = NANOS_PER_SECOND / 2;
/// Cells that wait for the longest horizon, and a few more.
const CELLS: usize = 128;

// Columns of the sums per second.
const EFFECTIVE: usize = 0;
const VOLUME: usize = 1;
const REALISED_SUM: usize = 2;
const IMPACT_SUM: usize = 3;
const MARKOUTS: usize = 4;
const RIPE: usize = MARKOUTS + HORIZONS.len();
const WIDTH: usize = RIPE + HORIZONS.len();

/// Trades that wait for their horizons: sums of volume times what the formulas need, D being 1 for a buy and -1 for a sell.
/// All are differences from a mid nearby, since differences of large sums would lose their digits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cell {
    until: Nanos,
    /// Horizons that have passed.
    passed: u8,
    volume: f64,
    /// The mid before the first of them.
    near: f64,
    /// D (p - m) / m.
    paid: f64,
    /// D (near - m) / m.
    from_mid: f64,
    /// D (near - p) / p.
    from_price: f64,
    /// D.
    sign: f64,
}

/// What waits and what is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EffectiveSpread {
    trades: OneKind,
    contract: Option<Contract>,
    /// The newest mid, quote currency, and the update id of the best-quote message that told of it or of a newer one.
    mid: Option<f64>,
    quote_id: i64,
    cells: VecDeque<Cell>,
    /// When the next horizon ends.
    due: Nanos,
    sums: Seconds,
}

impl Metric for EffectiveSpread {
    fn new(params: &Params) -> Self {
        EffectiveSpread {
            trades: OneKind::default(),
            contract: None,
            mid: None,
            quote_id: -1,
            cells: VecDeque::with_capacity(CELLS),
            due: Nanos(i64::MAX),
            sums: Seconds::new(params.trade_window_whole_seconds(), WIDTH),
        }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let spec = |id: String, help, formula| Spec { id, unit: "bps", help, formula };
        let mut all = vec![
            spec(
                "effective_spread_bps".into(),
                "What takers paid for a round trip against mid, over the trade window.",
                "10^4 x 2 D (p - m) / m, m the newest mid received before the trade (Huang, Stoll 1996; Bessembinder 2003)",
            ),
            spec(
                format!("realised_spread_{}s_bps", HORIZONS[REALISED]),
                "What makers kept of the effective spread after mid had moved, over trades whose horizon ended in the trade window.",
                "10^4 x 2 D (p - m_t+5s) / m_t",
            ),
            spec(
                format!("price_impact_{}s_bps", HORIZONS[REALISED]),
                "What mid moved with the takers; effective spread of the same trades less the realised one.",
                "10^4 x 2 D (m_t+5s - m_t) / m_t",
            ),
        ];
        all.extend(HORIZONS.iter().map(|seconds| {
            spec(
                format!("markout_{seconds}s_bps"),
                "What takers had gained so long after their trade at mid; over trades whose horizon ended in the trade window.",
                "10^4 x D (m_t+tau - p) / p",
            )
        }));
        all
    }

    #[inline]
    fn on(&mut self, seen: &Seen<'_>) {
        self.pass(seen.at);
        match &seen.stamped.event {
            Event::Depth(depth) => match seen.best[0] {
                Some(best) if depth.last_id >= self.quote_id || depth.last_id < 0 => self.mid = Some(best.mid),
                Some(_) => {}
                None => self.on_gap(),
            },
            Event::Bbo(bbo) if seen.validity == Validity::Live => self.on_quote(seen.instrument, bbo),
            Event::Trade(trade) if self.trades.counts(seen.at, trade) => {
                let Some((mid, volume)) = self.mid.zip(worth(seen.instrument, trade)) else { return };
                let contract = seen.instrument.contract;
                if self.contract.replace(contract).is_some_and(|before| before != contract) {
                    self.forget(); // volume was told in other units
                }
                let price = seen.instrument.scale.price_f64(trade.price);
                self.on_trade(seen.at, price, mid, volume, if trade.taker_buy { 1.0 } else { -1.0 });
            }
            _ => {}
        }
    }

    fn on_gap(&mut self) {
        self.mid = None;
        self.quote_id = -1;
        self.forget();
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        self.pass(moment.at);
        self.sums.pass(moment.at);
        let ready = match moment.instrument.contract {
            Contract::Unknown => Err(Reason::ContractUnknown),
            _ => top.touch().map(|_| ()),
        };
        let mut tell = |sum: usize, volume: usize, factor: f64| {
            let mean = ready.and_then(|()| match self.sums.sum(volume) {
                0.0 => Err(Reason::NoData),
                volume => Ok(factor * self.sums.sum(sum) / volume),
            });
            out.push(mean.into());
        };
        tell(EFFECTIVE, VOLUME, 2e4);
        tell(REALISED_SUM, RIPE + REALISED, 2e4);
        tell(IMPACT_SUM, RIPE + REALISED, 2e4);
        (0..HORIZONS.len()).for_each(|i| tell(MARKOUTS + i, RIPE + i, 1e4));
    }
}

impl EffectiveSpread {
    fn on_quote(&mut self, instrument: &Instrument, bbo: &Bbo) {
        if bbo.bid.size.0 == 0 || bbo.ask.size.0 == 0 || bbo.id < self.quote_id {
            return;
        }
        let unit = POW10.get(usize::from(instrument.scale.price)).copied().unwrap_or(1) as f64;
        self.quote_id = bbo.id;
        self.mid = Some((bbo.bid.price.0 + bbo.ask.price.0) as f64 / (2.0 * unit));
    }

    fn on_trade(&mut self, at: Nanos, price: f64, mid: f64, volume: f64, sign: f64) {
        if price <= 0.0 || mid <= 0.0 {
            return;
        }
        let weight = volume * sign;
        self.sums.add(at, EFFECTIVE, weight * (price - mid) / mid);
        self.sums.add(at, VOLUME, volume);
        let until = Nanos(at.0.saturating_sub(at.0.rem_euclid(CELL_NS)).saturating_add(CELL_NS));
        if self.cells.back().is_none_or(|cell| cell.until != until) {
            let (volume, paid, from_mid, from_price, sign) = (0.0, 0.0, 0.0, 0.0, 0.0);
            self.cells.push_back(Cell { until, passed: 0, volume, near: mid, paid, from_mid, from_price, sign });
            self.due = self.due.min(until.plus(HORIZONS[0] * NANOS_PER_SECOND));
        }
        if let Some(cell) = self.cells.back_mut() {
            cell.volume += volume;
            cell.paid += weight * (price - mid) / mid;
            cell.from_mid += weight * (cell.near - mid) / mid;
            cell.from_price += weight * (cell.near - price) / price;
            cell.sign += weight;
        }
    }

    /// Horizons that end at or before that instant: the mid that stands until then is theirs.
    #[inline]
    fn pass(&mut self, at: Nanos) {
        if at >= self.due {
            self.ripen(at);
        }
    }

    #[cold]
    fn ripen(&mut self, at: Nanos) {
        self.due = Nanos(i64::MAX);
        for cell in &mut self.cells {
            while let Some(horizon) = HORIZONS.get(usize::from(cell.passed)) {
                let ends = cell.until.plus(horizon * NANOS_PER_SECOND);
                if ends > at {
                    self.due = self.due.min(ends);
                    break;
                }
                let i = usize::from(cell.passed);
                if let Some(mid) = self.mid {
                    let grown = (mid - cell.near) / cell.near;
                    let since = |difference: f64| difference + grown * (difference + cell.sign);
                    self.sums.add(ends, RIPE + i, cell.volume);
                    self.sums.add(ends, MARKOUTS + i, since(cell.from_price));
                    if i == REALISED {
                        self.sums.add(ends, REALISED_SUM, cell.paid - since(cell.from_mid));
                        self.sums.add(ends, IMPACT_SUM, since(cell.from_mid));
                    }
                }
                cell.passed += 1;
            }
        }
        while self.cells.front().is_some_and(|cell| usize::from(cell.passed) >= HORIZONS.len()) {
            self.cells.pop_front();
        }
    }

    fn forget(&mut self) {
        self.cells.clear();
        self.due = Nanos(i64::MAX);
        self.sums.reset();
    }
}

#[cfg(test)]
mod tests {
    use crate::event::{Bbo, Event};
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::Side::{Ask, Bid};
    use crate::units::{Level, Price, Size};

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_90, 1)], &[(100_10, 1)]); // mid 100
        stage.depth(0, &[]);
        stage.at(1);
        assert_eq!(stage.reason("effective_spread_bps"), Some(Reason::NoData));
        stage.trade(1_000, 100_10, 2_000, true); // pays 10 bps above mid, 200.2 worth
        stage.trade(1_100, 99_95, 1_000, false); // 5 bps below, 99.95 worth
        let (a, b) = (200.2, 99.95);
        near(stage.value("effective_spread_bps"), 2.0 * (10.0 * a + 5.0 * b) / (a + b));
        assert_eq!(stage.reason("markout_1s_bps"), Some(Reason::NoData));
        // Both wait until 1.5 s: their second ends at 2.5 s. Mid is 100.2 from 2 s on, 100.4 from exactly 6.5 s on.
        stage.depth(2_000, &[(Ask, 100_10, 0), (Ask, 100_50, 1)]);
        stage.at(2_500);
        let markout = |mid: f64| ((mid - 100.1) / 100.1 * a - (mid - 99.95) / 99.95 * b) * 1e4 / (a + b);
        near(stage.value("markout_1s_bps"), markout(100.2));
        stage.depth(6_500, &[(Ask, 100_50, 0), (Ask, 100_90, 1)]);
        near(stage.value("markout_5s_bps"), markout(100.2));
        let impact = 2.0 * 1e4 * 0.2 / 100.0 * (a - b) / (a + b);
        near(stage.value("price_impact_5s_bps"), impact);
        near(stage.value("realised_spread_5s_bps"), stage.value("effective_spread_bps") - impact);
        stage.at(61_500);
        near(stage.value("markout_60s_bps"), markout(100.4));
        near(stage.value("markout_30s_bps"), markout(100.4));
        stage.at(70_000);
        assert_eq!(stage.reason("effective_spread_bps"), Some(Reason::NoData));
    }

    #[test]
    fn a_best_quote_ahead_of_the_book_is_the_mid_and_a_gap_forgets_what_waits() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_90, 1)], &[(100_10, 1)]);
        stage.depth(0, &[]);
        let level = |price| Level { price: Price(price), size: Size(1) };
        stage.event(10, Event::Bbo(Bbo { id: 7, bid: level(100_00), ask: level(100_20) }));
        stage.trade(20, 100_20, 1_000, true);
        near(stage.value("effective_spread_bps"), 2e4 * 0.1 / 100.1);
        stage.gap();
        stage.depth(500, &[(Bid, 99_90, 1)]);
        stage.at(2_000);
        assert_eq!(stage.reason("markout_1s_bps"), Some(Reason::NoData));
    }
}
