//! Volume of the trades by taker side, their balance, and the cumulative volume delta.
//!
//! Where a market tells trades and their aggregates, only one of the two kinds is counted (see `trades.rs`).

use super::params::window_label;
use super::quote::Finer;
use super::trades::Counter;
use super::window::Window;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::instrument::Instrument;
use crate::units::{NANOS_PER_SECOND, float};
use serde::{Deserialize, Serialize};

const BUY: usize = 0;
const SELL: usize = 1;

/// Exact sums of amounts by taker side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    trades: Counter,
    window: Window<i128>,
    delta: i128,
}

impl Metric for Volume {
    fn new(params: &Params) -> Self {
        Volume { trades: Counter::default(), window: Window::new(params.trade_window(), 2), delta: 0 }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let window = window_label(params.trade_window());
        let rate = |side| Spec {
            id: format!("volume_{side}_{window}_base_per_s"),
            unit: "base/s",
            help: "Volume of the takers of that side per second, over the window or what of it was seen.",
            formula: "sum of Q over the window's trades of that side / seconds",
        };
        vec![
            rate("buy"),
            rate("sell"),
            Spec {
                id: format!("trade_imbalance_{window}"),
                unit: "ratio",
                help: "Balance of taker volume over the window: 1 is all buying, -1 all selling.",
                formula: "(B - S) / (B + S)",
            },
            Spec {
                id: "cvd_base".into(),
                unit: "base",
                help: "Cumulative volume delta since the start: taker buys minus taker sells.",
                formula: "sum of D Q",
            },
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        self.follow(seen.instrument);
        self.window.advance(seen.at);
        if let Some(trade) = self.trades.count(seen) {
            let (side, sign) = if trade.buy { (BUY, 1) } else { (SELL, -1) };
            self.window.add(seen.at, side, trade.amount);
            self.delta = self.delta.saturating_add(sign * trade.amount);
        }
    }

    fn on_rescale(&mut self, finer: Finer) {
        let trades = self.trades;
        self.window.convert(|_, amount| trades.finer_amount(amount, finer));
        self.delta = trades.finer_amount(self.delta, finer);
    }

    fn sample(&mut self, moment: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        self.follow(moment.instrument);
        if !self.trades.kind.has_begun() {
            out.extend([Value::Absent(Reason::NoData); 4]);
            return;
        }
        self.window.roll(moment.at);
        let base = self.trades.base_per_amount(moment.instrument).ok_or(Reason::ContractUnknown);
        let covered = self.window.covered(moment.at);
        let seconds = if covered < NANOS_PER_SECOND { Err(Reason::Warmup) } else { Ok(covered as f64 / 1e9) };
        let (buy, sell) = (float(self.window.sum(BUY)), float(self.window.sum(SELL)));
        for volume in [buy, sell] {
            out.push(base.and_then(|base| Ok(volume * base / seconds?)).into());
        }
        let balance = if buy + sell > 0.0 { Ok((buy - sell) / (buy + sell)) } else { Err(Reason::NoData) };
        out.push(balance.into());
        out.push(base.map(|base| float(self.delta) * base).into());
    }
}

impl Volume {
    fn follow(&mut self, instrument: &Instrument) {
        if self.trades.turns(instrument) {
            self.window.reset();
            self.delta = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::Decimal;

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base);
        stage.depth(0, &[]);
        stage.at(500);
        assert_eq!(stage.reason("cvd_base"), Some(Reason::NoData));
        stage.trade(2_000, 100_00, 6_000, true);
        stage.trade(3_000, 100_00, 2_000, false);
        stage.at(4_000); // 4 s seen of 60: 6 / 4 and 2 / 4 a second, (6 - 2) / 8
        assert_eq!(stage.value("volume_buy_60s_base_per_s"), 1.5);
        assert_eq!(stage.value("volume_sell_60s_base_per_s"), 0.5);
        assert_eq!(stage.value("trade_imbalance_60s"), 0.5);
        assert_eq!(stage.value("cvd_base"), 4.0);
        stage.at(62_100); // [2.1 s, 62.1 s): only the sell is left, over 60 s
        assert_eq!(stage.value("volume_buy_60s_base_per_s"), 0.0);
        assert_eq!(stage.value("volume_sell_60s_base_per_s"), 2.0 / 60.0);
        assert_eq!((stage.value("trade_imbalance_60s"), stage.value("cvd_base")), (-1.0, 4.0));
        stage.at(90_000);
        assert_eq!(stage.reason("trade_imbalance_60s"), Some(Reason::NoData));
        assert_eq!(stage.value("volume_sell_60s_base_per_s"), 0.0);
    }

    #[test]
    fn contracts_are_turned_into_coins() {
        for (contract, coins) in [
            (Contract::Linear(Decimal::new(1, 2)), 0.04),   // 4 contracts of 0.01
            (Contract::Inverse(Decimal::new(100, 0)), 8.0), // 4 contracts of 100 USD at 50
        ] {
            let mut stage = Stage::new(contract);
            stage.trade(0, 50_00, 4_000, true);
            stage.at(1_000);
            assert!((stage.value("cvd_base") - coins).abs() < 1e-12);
            stage.refine(2, 1);
            assert!((stage.value("cvd_base") - coins).abs() < 1e-12);
        }
    }

    #[test]
    fn a_contract_that_turns_out_to_be_inverse_starts_anew() {
        let mut stage = Stage::new(Contract::Unknown);
        stage.trade(0, 50_00, 4_000, true);
        stage.at(1_000);
        assert_eq!(stage.reason("cvd_base"), Some(Reason::ContractUnknown));
        assert_eq!(stage.value("trade_imbalance_60s"), 1.0);
        stage.instrument.contract = Contract::Inverse(Decimal::new(10, 0));
        stage.trade(1_500, 50_00, 1_000, false);
        stage.at(2_000);
        assert!((stage.value("cvd_base") + 0.2).abs() < 1e-12);
    }
}
