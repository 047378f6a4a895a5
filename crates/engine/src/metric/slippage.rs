//! Slippage: how much worse than mid a market order of a given worth would be filled, walking the book once per side.

use super::params::amount_label;
use super::{Metric, Moment, Params, Reason, Spec, Top, Touch, Value};
use crate::book::{Book, Run, Total};
use crate::instrument::Contract;
use crate::units::{Level, POW10, Side, float};
use serde::{Deserialize, Serialize};

/// The notionals, ascending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slippage {
    /// Quote currency.
    notionals: Vec<f64>,
    /// The same in units of money, for the contract and scale of the last sample.
    targets: Vec<i128>,
    /// Units of money per unit of quote currency.
    units: f64,
}

impl Metric for Slippage {
    fn new(params: &Params) -> Self {
        Slippage { notionals: params.notionals(), targets: Vec::new(), units: 0.0 }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let spec = |side, notional| Spec {
            id: format!("slippage_{side}_{}_bps", amount_label(notional)),
            unit: "bps",
            help: "Cost against mid of filling that much quote currency at once, fees aside.",
            formula: "10^4 D (vwap - m) / m; vwap = N over the base coins that N buys from the best level on, the last level in part",
        };
        let notionals = params.notionals();
        let buys = notionals.iter().map(|n| spec("buy", *n));
        buys.chain(notionals.iter().map(|n| spec("sell", *n))).collect()
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let from = out.len();
        let ready = top.touch().and_then(|touch| Ok((touch, self.prepare(moment)?)));
        for (i, side) in [Side::Ask, Side::Bid].into_iter().enumerate() {
            let reason = match ready {
                Err(reason) => reason,
                Ok((touch, true)) => self.walk::<true>(moment.book, side, touch, out),
                Ok((touch, false)) => self.walk::<false>(moment.book, side, touch, out),
            };
            out.resize(from + (i + 1) * self.notionals.len(), Value::Absent(reason));
        }
    }
}

impl Slippage {
    /// Brings the targets up to date; whether the contract is inverse, so that money is size itself.
    fn prepare(&mut self, moment: &Moment<'_>) -> Result<bool, Reason> {
        let power = |n: u8| POW10[usize::from(n)] as f64;
        let (price, size) = (power(moment.instrument.scale.price), power(moment.instrument.scale.size));
        let (units, inverse) = match moment.instrument.contract {
            Contract::Base => (price * size, false),
            Contract::Linear(value) => (price * size / value.to_f64(), false),
            Contract::Inverse(value) => (size / value.to_f64(), true),
            Contract::Unknown => return Err(Reason::ContractUnknown),
        };
        if units != self.units {
            self.units = units;
            self.targets.clear();
            self.targets.extend(self.notionals.iter().map(|n| (n * units).round() as i128));
        }
        Ok(inverse)
    }

    /// Writes what can be filled; says why the rest, if any, cannot.
    fn walk<const INVERSE: bool>(&self, book: &Book, side: Side, touch: Touch, out: &mut Vec<Value>) -> Reason {
        let Some((first, rest)) = self.targets.split_first() else { return Reason::NotFillable };
        let sign = if side == Side::Ask { 1.0 } else { -1.0 };
        let mid = touch.mid_twice as f64 / 2.0;
        let mut order = Order::<INVERSE> { money: 0, size: 0, coins: 0.0, target: *first, rest, sign, mid };
        for run in book.runs(side) {
            let (whole, total) = (book.is_known(side, run.worst()), run.total());
            if whole && order.passes(total) {
                continue;
            }
            if whole
                && !INVERSE
                && let Ok(_fits) = i64::try_from(total.notional)
            {
                if order.takes_run(&run, out) {
                    return Reason::NotFillable; // all is filled
                }
                continue;
            }
            for level in run.levels() {
                if !whole && !book.is_known(side, level.price) {
                    return Reason::BeyondTrusted;
                }
                if order.takes(level, out) {
                    return Reason::NotFillable; // all is filled
                }
            }
        }
        for level in book.beyond(side) {
            if !book.is_known(side, level.price) || order.takes(level, out) {
                return Reason::BeyondTrusted;
            }
        }
        if book.trusted(side).is_some() { Reason::BeyondTrusted } else { Reason::NotFillable }
    }
}

/// An order on its way through a side. Money and size are exact; coins are summed for inverse contracts only, quotient by
/// quotient, so that every level has to be seen.
struct Order<'a, const INVERSE: bool> {
    money: i128,
    size: i128,
    coins: f64,
    target: i128,
    rest: &'a [i128],
    sign: f64,
    mid: f64,
}

impl<const INVERSE: bool> Order<'_, INVERSE> {
    /// Takes a whole run, if no target lies within it.
    #[inline(always)]
    fn passes(&mut self, total: Total) -> bool {
        if INVERSE || self.money + total.notional >= self.target {
            return false;
        }
        self.money += total.notional;
        self.size += total.size;
        true
    }

    /// Takes a run that is known to its end, and whose worth fits 64 bits; whether the last target was reached.
    fn takes_run(&mut self, run: &Run<'_>, out: &mut Vec<Value>) -> bool {
        let (money_before, size_before) = (self.money, self.size);
        let left = |target: i128| i64::try_from(target - money_before).unwrap_or(i64::MAX);
        let (mut money, mut size, mut target) = (0i64, 0i64, left(self.target));
        for level in run.levels() {
            let next = money + level.price.0 * level.size.0;
            if next >= target {
                (self.money, self.size) = (money_before + i128::from(money), size_before + i128::from(size));
                if self.fills(level.price.0, money_before + i128::from(next), out) {
                    return true;
                }
                target = left(self.target);
            }
            (money, size) = (next, size + level.size.0);
        }
        (self.money, self.size) = (money_before + i128::from(money), size_before + i128::from(size));
        false
    }

    /// Takes a level and writes the targets that it reaches; whether that was the last one.
    #[inline(always)]
    fn takes(&mut self, level: Level, out: &mut Vec<Value>) -> bool {
        let (price, size) = (level.price.0, i128::from(level.size.0));
        let money = self.money + if INVERSE { size } else { i128::from(price) * size };
        if money >= self.target && self.fills(price, money, out) {
            return true;
        }
        self.money = money;
        self.size += size;
        if INVERSE {
            self.coins += level.size.0 as f64 / price as f64;
        }
        false
    }

    #[cold]
    fn fills(&mut self, price: i64, money: i128, out: &mut Vec<Value>) -> bool {
        loop {
            let amount = if INVERSE { self.coins } else { float(self.size) };
            let vwap = float(self.target) / (amount + float(self.target - self.money) / price as f64);
            out.push((self.sign * (vwap - self.mid) / self.mid * 1e4).into());
            let Some((next, rest)) = self.rest.split_first() else { return true };
            (self.target, self.rest) = (*next, rest);
            if money < self.target {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::tests::Stage;
    use crate::units::Decimal;
    use proptest::prelude::*;

    /// 10k, 100k and 1m as in the defaults.
    const SIZES: [&str; 3] = ["10k", "100k", "1m"];

    #[test]
    fn by_hand() {
        // Mid 100. Asks: 50 at 101 (5,050), then 1,000 at 102. 10,000 buys 50 + 4,950 / 102 = 98.529412 coins at
        // 101.492537: 149.25373 bps. Bids: 1,000 at 99 (99,000): 10,000 sells at 99: 100 bps; 100,000 needs 1,000 more at
        // 90: 1,000 + 1,000 / 90 = 1,011.1111 coins at 98.901099: 109.89011 bps; 1 million is more than the book holds.
        let stage = Stage::new(Contract::Base)
            .book(&[(99_00, 1_000_000), (90_00, 100_000)], &[(101_00, 50_000), (102_00, 1_000_000)]);
        let close = |id: &str, bps: f64| assert!((stage.value(id) - bps).abs() < 1e-5, "{id}: {}", stage.value(id));
        close("slippage_buy_10k_bps", 149.253_731);
        close("slippage_sell_10k_bps", 100.0);
        close("slippage_sell_100k_bps", 109.890_110);
        assert_eq!(stage.reason("slippage_sell_1m_bps"), Some(Reason::NotFillable));
    }

    #[test]
    fn an_order_that_takes_exactly_the_whole_book_is_filled() {
        let stage = Stage::new(Contract::Base).book(&[(99_00, 1)], &[(100_00, 60_000), (200_00, 20_000)]);
        // 6,000 + 4,000 = 10,000 for 80 coins: 125 against a mid of 99.5.
        assert!((stage.value("slippage_buy_10k_bps") - (125.0 / 99.5 - 1.0) * 1e4).abs() < 1e-9);
        assert_eq!(stage.reason("slippage_buy_100k_bps"), Some(Reason::NotFillable));
    }

    #[test]
    fn inverse_contracts_are_filled_in_contracts_of_quote_currency() {
        // 100 USD a contract. 50 contracts at 101 are 5,000 USD and 49.50495 coins; 50 more at 102 are 49.01961.
        // 10,000 / 98.52456 = 101.49754: 149.75374 bps against 100.
        let contract = Contract::Inverse(Decimal::new(100, 0));
        let stage = Stage::new(contract).book(&[(99_00, 1)], &[(101_00, 50_000), (102_00, 1_000_000)]);
        assert!(
            (stage.value("slippage_buy_10k_bps") - 149.753_695).abs() < 1e-5,
            "{}",
            stage.value("slippage_buy_10k_bps")
        );
    }

    #[test]
    fn a_walk_beyond_what_is_known_is_absent() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_00, 1)], &[(101_00, 200_000), (102_00, 100_000_000)]);
        stage.trust(50_00, 101_50);
        assert!(stage.value("slippage_buy_10k_bps") > 0.0);
        assert_eq!(stage.reason("slippage_buy_100k_bps"), Some(Reason::BeyondTrusted));
        assert_eq!(stage.reason("slippage_sell_10k_bps"), Some(Reason::BeyondTrusted));
        let unknown = Stage::new(Contract::Unknown).book(&[(99_00, 1)], &[(101_00, 1)]);
        assert_eq!(unknown.reason("slippage_sell_1m_bps"), Some(Reason::ContractUnknown));
    }

    proptest! {
        #[test]
        fn grows_with_the_notional(gaps in prop::collection::vec((1i64..40, 1i64..10_000_000), 1..80)) {
            let (mut below, mut above, mut bids, mut asks) = (100_00, 100_00, Vec::new(), Vec::new());
            for (gap, size) in gaps {
                below -= gap;
                above += gap;
                bids.push((below.max(1), size));
                asks.push((above, size));
            }
            let stage = Stage::new(Contract::Base).book(&bids, &asks);
            for side in ["buy", "sell"] {
                let costs = SIZES.map(|n| stage.get(&format!("slippage_{side}_{n}_bps")).get());
                let filled: Vec<f64> = costs.iter().copied().flatten().collect();
                prop_assert!(filled.is_sorted_by(|a, b| a <= &(b + 1e-9)), "{:?}", costs);
                prop_assert!(costs.iter().is_sorted_by_key(|c| c.is_none()), "{:?}", costs);
                prop_assert!(filled.iter().all(|bps| *bps > 0.0));
            }
        }
    }
}
