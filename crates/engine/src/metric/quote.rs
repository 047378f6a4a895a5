//! One best quote after another: the order flow that a change of price or size at a level means.

use crate::units::{Level, POW10, Scale, Side};
use serde::{Deserialize, Serialize};

/// A level of one side, so that a larger key is a better price on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quote {
    key: i64,
    size: i64,
}

impl Quote {
    /// No level there: worse than any price.
    pub(super) const NONE: Quote = Quote { key: i64::MIN, size: 0 };

    pub(super) fn new(side: Side, level: Level) -> Self {
        let key = if side == Side::Bid { level.price.0 } else { -level.price.0 };
        Quote { key, size: level.size.0 }
    }

    /// Its size, units.
    pub(super) fn size(self) -> i64 {
        self.size
    }

    /// What was added on this side since `before`: all of a better quote, the difference at the same price, and minus
    /// what stood there before if the price got worse.
    pub(super) fn gain(self, before: Quote) -> i64 {
        let arrived = if self.key >= before.key { self.size } else { 0 };
        let left = if self.key <= before.key { before.size } else { 0 };
        arrived - left
    }

    /// The same in finer units.
    pub(super) fn finer(self, by: Finer) -> Self {
        Quote { key: self.key.saturating_mul(by.price), size: self.size.saturating_mul(by.size) }
    }
}

/// How many new units make an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finer {
    /// New price units in an old one.
    pub price: i64,
    /// New size units in an old one.
    pub size: i64,
}

impl Finer {
    /// From one scale to a finer one.
    pub(crate) fn between(from: Scale, to: Scale) -> Self {
        let factor = |old: u8, new: u8| POW10.get(usize::from(new.saturating_sub(old))).copied().unwrap_or(1);
        Finer { price: factor(from.price, to.price), size: factor(from.size, to.size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Price, Size};

    fn quote(side: Side, price: i64, size: i64) -> Quote {
        Quote::new(side, Level { price: Price(price), size: Size(size) })
    }

    #[test]
    fn gain_by_better_same_and_worse_price() {
        let bid = quote(Side::Bid, 100, 7);
        assert_eq!(quote(Side::Bid, 101, 3).gain(bid), 3);
        assert_eq!(quote(Side::Bid, 100, 3).gain(bid), -4);
        assert_eq!(quote(Side::Bid, 99, 3).gain(bid), -7);
        let ask = quote(Side::Ask, 110, 7);
        assert_eq!(quote(Side::Ask, 109, 3).gain(ask), 3);
        assert_eq!(quote(Side::Ask, 111, 3).gain(ask), -7);
        assert_eq!((Quote::NONE.gain(ask), ask.gain(Quote::NONE), Quote::NONE.gain(Quote::NONE)), (-7, 7, 0));
    }

    #[test]
    fn finer_units_change_no_quote() {
        let finer = Finer::between(Scale { price: 1, size: 0 }, Scale { price: 2, size: 3 });
        assert_eq!(finer, Finer { price: 10, size: 1_000 });
        assert_eq!(quote(Side::Bid, 100, 7).finer(finer), quote(Side::Bid, 1_000, 7_000));
        assert_eq!(Quote::NONE.finer(finer), Quote::NONE);
    }
}
