//! What counts as a trade, and in which exact units trades are added up.

use super::Seen;
use super::quote::Finer;
use crate::event::{Event, Trade};
use crate::instrument::{Contract, Instrument};
use crate::units::{NANOS_PER_SECOND, Nanos, POW10};
use serde::{Deserialize, Serialize};

/// One of two kinds of trade message, where a market tells both its trades and their aggregates: the kind seen first;
/// once that has been silent for a minute, the other as soon as it is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneKind {
    aggregate: Option<bool>,
    last: Nanos,
}

/// How long the counted kind must be silent before the other is counted, ns.
const SILENCE_NS: i64 = 60 * NANOS_PER_SECOND;

impl OneKind {
    /// Whether that trade is of the kind that counts.
    pub fn counts(&mut self, at: Nanos, trade: &Trade) -> bool {
        let is_other = self.aggregate.is_some_and(|kind| kind != trade.aggregate);
        if is_other && at.since(self.last) <= SILENCE_NS {
            return false;
        }
        *self = OneKind { aggregate: Some(trade.aggregate), last: at };
        true
    }

    /// Whether any trade was seen.
    pub(super) fn has_begun(&self) -> bool {
        self.aggregate.is_some()
    }
}

/// Fraction bits of `amount` and `money` for contracts that are paid in base coin.
const FRACTION_BITS: u32 = 64;

/// A trade in units that add up exactly. Where size counts coins, or contracts of so many coins, `amount` is the size and
/// `money` price times size. Where it counts contracts of so much quote currency, `amount` is size over price and `money`
/// the size, both with 64 fraction bits. So `money / amount` is a price in units, and `amount` goes with base coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) amount: i128,
    pub(super) money: i128,
    pub(super) buy: bool,
}

/// Turns trade events into exact units.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counter {
    pub(super) kind: OneKind,
    inverse: bool,
}

impl Counter {
    /// Takes over the contract; `true` if it turned out to be of the other kind, so that earlier sums mean nothing.
    #[inline]
    pub(super) fn turns(&mut self, instrument: &Instrument) -> bool {
        let inverse = matches!(instrument.contract, Contract::Inverse(_));
        std::mem::replace(&mut self.inverse, inverse) != inverse
    }

    /// The event in exact units, if it is a trade that counts.
    #[inline]
    pub(super) fn count(&mut self, seen: &Seen<'_>) -> Option<Counted> {
        let Event::Trade(trade) = &seen.stamped.event else { return None };
        if !self.kind.counts(seen.at, trade) {
            return None;
        }
        let (price, size) = (i128::from(trade.price.0), i128::from(trade.size.0));
        let (amount, money) = if self.inverse {
            let money = size << FRACTION_BITS; // below 2^114
            (money.checked_div(price).unwrap_or(0), money)
        } else {
            (size, price * size)
        };
        Some(Counted { amount, money, buy: trade.taker_buy })
    }

    /// A sum of amounts in finer units.
    pub(super) fn finer_amount(&self, amount: i128, by: Finer) -> i128 {
        let grown = amount.saturating_mul(by.size.into());
        if self.inverse { grown / i128::from(by.price) } else { grown }
    }

    /// A sum of money in finer units.
    pub(super) fn finer_money(&self, money: i128, by: Finer) -> i128 {
        let grown = money.saturating_mul(by.size.into());
        if self.inverse { grown } else { grown.saturating_mul(by.price.into()) }
    }

    /// Base coins per unit of amount; `None` while the contract is unknown.
    pub(super) fn base_per_amount(&self, instrument: &Instrument) -> Option<f64> {
        let power = |n: u8| POW10[usize::from(n)] as f64;
        let (price, size) = (power(instrument.scale.price), power(instrument.scale.size));
        match instrument.contract {
            Contract::Base => Some(1.0 / size),
            Contract::Linear(value) => Some(value.to_f64() / size),
            Contract::Inverse(value) => Some(value.to_f64() * price / size / 2f64.powi(FRACTION_BITS as i32)),
            Contract::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Price, Size};

    fn counted(script: &[(i64, bool)]) -> Vec<bool> {
        let mut kind = OneKind::default();
        let trade = |aggregate| Trade { id: 0, price: Price(1), size: Size(1), taker_buy: true, aggregate };
        script
            .iter()
            .map(|(seconds, aggregate)| kind.counts(Nanos(seconds * NANOS_PER_SECOND), &trade(*aggregate)))
            .collect()
    }

    #[test]
    fn a_trade_told_twice_counts_once() {
        let script = [(0, true), (0, false), (1, false), (1, true), (59, true), (60, false)];
        assert_eq!(counted(&script), [true, false, false, true, true, false]);
    }

    #[test]
    fn the_other_kind_takes_over_after_a_minute_of_silence() {
        let script = [(0, true), (30, false), (60, false), (61, false), (62, true), (63, false)];
        assert_eq!(counted(&script), [true, false, false, true, false, true]);
    }
}
