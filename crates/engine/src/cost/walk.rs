//! The book walk: what a market order would be filled at now, level by level, fees aside.
//!
//! Sums over whole levels are exact integers; only what is taken of the last level, and base coins of inverse contracts
//! (a quotient per level), are floats.

use crate::book::Book;
use crate::instrument::{Contract, Instrument};
use crate::metric::{Reason, Value};
use crate::output::Validity;
use crate::units::{Decimal, Level, POW10, Price, Side, float};

/// How much is to be traded; above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// In what the venue counts in: base coins, or contracts.
    Size(Decimal),
    /// Base coins.
    Base(Decimal),
    /// Quote currency.
    Quote(Decimal),
}

/// What is taken at one price, and what has been taken down to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Price, units.
    pub price: Price,
    /// Taken here, in what the venue counts in.
    pub size: f64,
    /// Taken here, base coins; absent while the contract is unknown.
    pub base: Value,
    /// Taken so far, in what the venue counts in.
    pub size_total: f64,
    /// Taken so far, base coins.
    pub base_total: Value,
    /// Paid or received so far, quote currency.
    pub quote_total: Value,
}

/// An order as it would be filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// Best price of the side that is taken from, units.
    pub best: Price,
    /// Level by level, best first; not more than were asked for.
    pub fills: Vec<Fill>,
    /// Levels taken from.
    pub levels: usize,
    /// What is filled as far as the book is known, in what the venue counts in.
    pub size: f64,
    /// The same, base coins.
    pub base: Value,
    /// The same, quote currency.
    pub quote: Value,
    /// Quote currency paid per base coin.
    pub vwap: Value,
    /// `vwap` worse than the best price by so much, quote currency.
    pub slippage: Value,
    /// `vwap` worse than the best price, bps of it.
    pub slippage_bps: Value,
    /// `vwap` worse than mid, bps of it.
    pub slippage_mid_bps: Value,
    /// Why it is not filled to the end: the book does not hold that much, or is not known that far.
    pub short: Option<Reason>,
}

/// Walks the side that an order takes from (asks for a buy); of the fills at most `fills_max` are kept.
///
/// # Errors
/// The book is not to be believed, its side is empty, the contract's value is not known, or the numbers are beyond reason.
pub fn walk(
    book: &Book,
    validity: Validity,
    instrument: &Instrument,
    side: Side,
    amount: Amount,
    fills_max: usize,
) -> Result<Walk, Reason> {
    walk_to(book, validity, instrument, side, amount, None, fills_max)
}

/// The same for an order that takes nothing worse than `limit`; what is left then is `NotFillable`.
///
/// # Errors
/// As `walk`.
pub fn walk_to(
    book: &Book,
    validity: Validity,
    instrument: &Instrument,
    side: Side,
    amount: Amount,
    limit: Option<Price>,
    fills_max: usize,
) -> Result<Walk, Reason> {
    if validity != Validity::Live {
        return Err(Reason::BookInvalid);
    }
    let best = book.best(side).ok_or(Reason::EmptySide)?.price;
    let target = Target::of(instrument, amount)?;
    let mut order =
        Order { book, instrument, side, target, size: 0, notional: 0, quotient: 0.0, reached: Sum::default() };
    let nothing =
        if instrument.contract == Contract::Unknown { Value::Absent(Reason::ContractUnknown) } else { Value::Is(0.0) };
    let mut walk = Walk {
        best,
        fills: Vec::new(),
        levels: 0,
        size: 0.0,
        base: nothing,
        quote: nothing,
        vwap: Value::Absent(Reason::NotFillable),
        slippage: Value::Absent(Reason::NotFillable),
        slippage_bps: Value::Absent(Reason::NotFillable),
        slippage_mid_bps: Value::Absent(Reason::NotFillable),
        short: Some(Reason::NotFillable),
    };
    let mut sums = [0.0; 3];
    let mut limited = false;
    for level in book.levels(side) {
        limited = limit.is_some_and(|limit| level.price.is_worse(limit, side));
        if limited {
            break;
        }
        if !book.knows(side, level.price) {
            walk.short = Some(Reason::BeyondTrusted);
            break;
        }
        let (taken, done) = order.take(level)?;
        let fill = order.fill(level, taken, done);
        walk.levels += 1;
        (walk.size, walk.base, walk.quote) = (fill.size_total, fill.base_total, fill.quote_total);
        if walk.fills.len() < fills_max {
            walk.fills.push(fill);
        }
        sums = order.sums(level, taken, done);
        walk.vwap = order.vwap(sums);
        if done {
            walk.short = None;
            break;
        }
    }
    if walk.short.is_some() && !limited && book.trusted(side).is_some() {
        walk.short = Some(Reason::BeyondTrusted);
        walk.vwap = Value::Absent(Reason::BeyondTrusted);
    }
    order.compare(&mut walk, sums);
    Ok(walk)
}

/// What the amounts of the levels are added up to.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// So many size units, both sides of the comparison multiplied by powers of ten and the contract's value.
    Sizes { each: i128, wanted: i128 },
    /// So many products of price and size units, likewise.
    Products { each: i128, wanted: i128 },
    /// So many quotients of size units by price units (base coins of an inverse contract).
    Quotients { wanted: f64 },
}

impl Target {
    fn of(instrument: &Instrument, amount: Amount) -> Result<Self, Reason> {
        let (price, size) = (instrument.scale.price, instrument.scale.size);
        let none = Decimal { mantissa: 1, decimals: 0 };
        let sizes = |value, wanted| even(value, size, wanted).map(|(each, wanted)| Target::Sizes { each, wanted });
        let products =
            |value, wanted| even(value, price + size, wanted).map(|(each, wanted)| Target::Products { each, wanted });
        match (amount, instrument.contract) {
            (Amount::Size(wanted), _) | (Amount::Base(wanted), Contract::Base) => sizes(none, wanted),
            (Amount::Base(wanted), Contract::Linear(value)) => sizes(value, wanted),
            (Amount::Base(wanted), Contract::Inverse(value)) => {
                let units = power(size) / power(price) / value.to_f64();
                let wanted = wanted.to_f64() * units;
                if wanted.is_finite() && wanted > 0.0 {
                    Ok(Target::Quotients { wanted })
                } else {
                    Err(Reason::Undefined)
                }
            }
            (Amount::Quote(wanted), Contract::Base) => products(none, wanted),
            (Amount::Quote(wanted), Contract::Linear(value)) => products(value, wanted),
            (Amount::Quote(wanted), Contract::Inverse(value)) => sizes(value, wanted),
            (_, Contract::Unknown) => Err(Reason::ContractUnknown),
        }
    }
}

/// What `units` of 10^-decimals times `value` are to be multiplied by, and `wanted`, so that both are integers of the same
/// unit.
fn even(value: Decimal, decimals: u8, wanted: Decimal) -> Result<(i128, i128), Reason> {
    let have = decimals + value.decimals;
    let common = have.max(wanted.decimals);
    let times = |mantissa: i64, places: u8| 10i128.checked_pow(places.into())?.checked_mul(mantissa.into());
    match (times(value.mantissa, common - have), times(wanted.mantissa, common - wanted.decimals)) {
        (Some(each), Some(wanted)) if each > 0 && wanted > 0 => Ok((each, wanted)),
        _ => Err(Reason::Undefined),
    }
}

fn power(decimals: u8) -> f64 {
    POW10.get(usize::from(decimals)).copied().unwrap_or(1) as f64
}

/// How far the target is reached by whole levels.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    exact: i128,
    float: f64,
}

struct Order<'a> {
    book: &'a Book,
    instrument: &'a Instrument,
    side: Side,
    target: Target,
    /// Taken by whole levels: size units, price times size, size by price.
    size: i128,
    notional: i128,
    quotient: f64,
    reached: Sum,
}

impl Order<'_> {
    /// What is taken of a level, size units, and whether the order is done with it.
    fn take(&mut self, level: Level) -> Result<(f64, bool), Reason> {
        let (price, size) = (i128::from(level.price.0), i128::from(level.size.0));
        let part = |each: i128, wanted: i128, reached: &mut Sum| {
            let here = size.checked_mul(each).ok_or(Reason::Undefined)?;
            let after = reached.exact.checked_add(here).ok_or(Reason::Undefined)?;
            if after >= wanted {
                return Ok((float(wanted - reached.exact) / float(each), true));
            }
            reached.exact = after;
            Ok((float(size), false))
        };
        let (taken, done) = match self.target {
            Target::Sizes { each, wanted } => part(each, wanted, &mut self.reached)?,
            Target::Products { each, wanted } => {
                let each = each.checked_mul(price).filter(|each| *each > 0).ok_or(Reason::Undefined)?;
                part(each, wanted, &mut self.reached)?
            }
            Target::Quotients { wanted } => {
                let after = self.reached.float + size as f64 / price as f64;
                if after >= wanted {
                    ((wanted - self.reached.float) * price as f64, true)
                } else {
                    self.reached.float = after;
                    (size as f64, false)
                }
            }
        };
        if !done {
            self.size += size;
            self.notional += price * size;
            self.quotient += size as f64 / price as f64;
        }
        Ok((taken, done))
    }

    /// Sums up to and with a level: size units, price times size, size by price.
    fn sums(&self, level: Level, taken: f64, done: bool) -> [f64; 3] {
        let price = level.price.0 as f64;
        let last = if done { taken } else { 0.0 };
        [float(self.size) + last, float(self.notional) + last * price, self.quotient + last / price]
    }

    fn fill(&self, level: Level, taken: f64, done: bool) -> Fill {
        let (price, size) = (power(self.instrument.scale.price), power(self.instrument.scale.size));
        let [sizes, products, quotients] = self.sums(level, taken, done);
        let absent = Value::Absent(Reason::ContractUnknown);
        let (base, base_total, quote_total) = match self.instrument.contract {
            Contract::Base => ((taken / size).into(), (sizes / size).into(), (products / (price * size)).into()),
            Contract::Linear(value) => {
                let value = value.to_f64();
                let [base, total] = [taken, sizes].map(|units| (units * value / size).into());
                (base, total, (products * value / (price * size)).into())
            }
            Contract::Inverse(value) => {
                let value = value.to_f64();
                let [base, total] =
                    [taken / level.price.0 as f64, quotients].map(|coins| (coins * value * price / size).into());
                (base, total, (sizes * value / size).into())
            }
            Contract::Unknown => (absent, absent, absent),
        };
        Fill { price: level.price, size: taken / size, base, size_total: sizes / size, base_total, quote_total }
    }

    fn vwap(&self, [sizes, products, quotients]: [f64; 3]) -> Value {
        let unit = power(self.instrument.scale.price);
        match self.instrument.contract {
            Contract::Inverse(_) => (sizes / (quotients * unit)).into(),
            _ => (products / (sizes * unit)).into(),
        }
    }

    /// How much worse than the best price, and than mid: differences of exact sums wherever the contract allows.
    fn compare(&self, walk: &mut Walk, [sizes, products, _]: [f64; 3]) {
        let vwap = match walk.vwap {
            Value::Is(vwap) => vwap,
            absent => {
                (walk.slippage, walk.slippage_bps, walk.slippage_mid_bps) = (absent, absent, absent);
                return;
            }
        };
        let (sign, unit) = (if self.side == Side::Ask { 1.0 } else { -1.0 }, power(self.instrument.scale.price));
        let worse = |twice: f64| {
            let difference = match self.instrument.contract {
                Contract::Inverse(_) => vwap - twice / (2.0 * unit),
                _ => (2.0 * products - twice * sizes) / (2.0 * sizes * unit),
            };
            (sign * difference).max(0.0) // below the last digit it is rounding
        };
        let best = 2.0 * walk.best.0 as f64;
        walk.slippage = worse(best).into();
        walk.slippage_bps = (worse(best) / (best / (2.0 * unit)) * 1e4).into();
        let other = if self.side == Side::Ask { Side::Bid } else { Side::Ask };
        walk.slippage_mid_bps = match self.book.best(other) {
            Some(level) if !self.book.knows(other, level.price) => Value::Absent(Reason::BeyondTrusted),
            Some(level) => {
                let mid = (walk.best.0 + level.price.0) as f64; // twice
                (worse(mid) / (mid / (2.0 * unit)) * 1e4).into()
            }
            None => Value::Absent(Reason::EmptySide),
        };
    }
}

#[cfg(test)]
mod tests;
