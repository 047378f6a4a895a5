//! Volume-weighted average price of the trades, over a rolling window and since the start.

use super::params::window_label;
use super::quote::Finer;
use super::trades::Counter;
use super::window::Window;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::instrument::{Contract, Instrument};
use crate::units::{POW10, float};
use serde::{Deserialize, Serialize};

const MONEY: usize = 0;
const AMOUNT: usize = 1;

/// Exact sums of money and amount.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vwap {
    trades: Counter,
    window: Window<i128>,
    start: [i128; 2],
}

impl Metric for Vwap {
    fn new(params: &Params) -> Self {
        Vwap { trades: Counter::default(), window: Window::new(params.trade_window(), 2), start: [0; 2] }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        vec![
            Spec {
                id: format!("vwap_{}", window_label(params.trade_window())),
                unit: "quote",
                help: "Average price of the window's trades, weighted by base coins.",
                formula: "sum p Q / sum Q, Q in base coins, over the trade window",
            },
            Spec {
                id: "vwap_since_start".into(),
                unit: "quote",
                help: "Average price of all trades since the start, weighted by base coins.",
                formula: "sum p Q / sum Q, Q in base coins",
            },
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        self.follow(seen.instrument);
        if let Some(trade) = self.trades.count(seen) {
            self.window.add(seen.at, MONEY, trade.money);
            self.window.add(seen.at, AMOUNT, trade.amount);
            self.start[MONEY] = self.start[MONEY].saturating_add(trade.money);
            self.start[AMOUNT] = self.start[AMOUNT].saturating_add(trade.amount);
        }
    }

    fn on_rescale(&mut self, finer: Finer) {
        let trades = self.trades;
        let convert =
            |which, x| if which == MONEY { trades.finer_money(x, finer) } else { trades.finer_amount(x, finer) };
        self.window.convert(convert);
        self.start = [convert(MONEY, self.start[MONEY]), convert(AMOUNT, self.start[AMOUNT])];
    }

    fn sample(&mut self, moment: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        self.follow(moment.instrument);
        self.window.roll(moment.at);
        let unit = POW10[usize::from(moment.instrument.scale.price)] as f64;
        for [money, amount] in [[self.window.sum(MONEY), self.window.sum(AMOUNT)], self.start] {
            out.push(match moment.instrument.contract {
                Contract::Unknown => Value::Absent(Reason::ContractUnknown),
                _ if amount == 0 => Value::Absent(Reason::NoData),
                _ => (float(money) / float(amount) / unit).into(),
            });
        }
    }
}

impl Vwap {
    fn follow(&mut self, instrument: &Instrument) {
        if self.trades.turns(instrument) {
            self.window.reset();
            self.start = [0; 2];
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
        assert_eq!(stage.reason("vwap_60s"), Some(Reason::NoData));
        stage.trade(1_000, 100_00, 1_000, true);
        stage.trade(2_000, 103_00, 2_000, false);
        stage.at(3_000);
        assert_eq!((stage.value("vwap_60s"), stage.value("vwap_since_start")), (102.0, 102.0)); // (100 + 206) / 3
        stage.at(61_100); // [1.1 s, 61.1 s): the first trade has left
        assert_eq!((stage.value("vwap_60s"), stage.value("vwap_since_start")), (103.0, 102.0));
        stage.at(62_100);
        assert_eq!(stage.reason("vwap_60s"), Some(Reason::NoData));
    }

    #[test]
    fn inverse_contracts_weigh_by_coins() {
        // 100 contracts of 100 USD at 100 are 100 coins, 100 at 200 are 50: 20,000 USD / 150 coins = 133.33.
        let mut stage = Stage::new(Contract::Inverse(Decimal::new(100, 0)));
        stage.trade(0, 100_00, 100_000, true);
        stage.trade(0, 200_00, 100_000, true);
        stage.at(1_000);
        assert!((stage.value("vwap_60s") - 20_000.0 / 150.0).abs() < 1e-12);
        stage.refine(1, 2);
        assert!((stage.value("vwap_60s") - 20_000.0 / 150.0).abs() < 1e-12);
    }

    #[test]
    fn finer_units_do_not_change_it_and_an_unknown_contract_has_none() {
        let mut stage = Stage::new(Contract::Base);
        stage.trade(1_000, 100_00, 1_000, true);
        stage.trade(1_000, 103_00, 2_000, true);
        stage.refine(3, 1);
        stage.at(2_000);
        assert_eq!((stage.value("vwap_60s"), stage.value("vwap_since_start")), (102.0, 102.0));
        stage.instrument.contract = Contract::Unknown;
        assert_eq!(stage.reason("vwap_since_start"), Some(Reason::ContractUnknown));
    }
}
