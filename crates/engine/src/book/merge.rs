//! One book of the same thing on several venues: levels of equal price added up, sizes in base coins.

use super::Book;
use crate::instrument::{Contract, Instrument};
use crate::units::{Decimal, Level, Price, Side};
use std::collections::BTreeMap;

/// Decimal places that base coins of inverse contracts are rounded to, there being no exact number.
const ROUNDED_DECIMALS: u8 = 8;

/// One venue's book.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The book; only what is to be believed.
    pub book: &'a Book,
    /// What it is a book of; its contract is known.
    pub instrument: &'a Instrument,
}

/// One price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Quote currency.
    pub price: Decimal,
    /// Base coins on all venues.
    pub size: Decimal,
    /// Which member has how many base coins there.
    pub parts: Vec<(usize, Decimal)>,
}

/// Both sides, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Buyers.
    pub bids: Vec<Row>,
    /// Sellers.
    pub asks: Vec<Row>,
    /// Whether all that was asked for is there: no member is known too short a way for it.
    pub complete: bool,
}

/// The best `depth` prices a side over all members; where one member is not known any further, the whole ends.
pub fn merge(members: &[Member<'_>], depth: usize) -> Merged {
    let (bids, all_bids) = side(members, Side::Bid, depth);
    let (asks, all_asks) = side(members, Side::Ask, depth);
    Merged { bids, asks, complete: all_bids && all_asks }
}

fn side(members: &[Member<'_>], side: Side, depth: usize) -> (Vec<Row>, bool) {
    let decimals = members.iter().map(|member| member.instrument.scale.price).max().unwrap_or(0);
    // A smaller key is a better price on either side.
    let sign = if side == Side::Bid { -1 } else { 1 };
    let key = |member: &Member<'_>, price: Price| {
        let finer = 10i128.pow(u32::from(decimals - member.instrument.scale.price));
        sign * i128::from(price.0) * finer
    };
    let mut rows: BTreeMap<i128, Vec<(usize, Decimal)>> = BTreeMap::new();
    let mut end: Option<i128> = None; // beyond it some member is not known
    for (index, member) in members.iter().enumerate() {
        if let Some(worst) = member.book.trusted(side) {
            let worst = key(member, worst);
            end = Some(end.map_or(worst, |end| end.min(worst)));
        }
        for level in member.book.levels(side).take(depth).take_while(|level| member.book.knows(side, level.price)) {
            if let Some(base) = base(member.instrument, level) {
                rows.entry(key(member, level.price)).or_default().push((index, base));
            }
        }
    }
    let known = rows.into_iter().take_while(|(key, _)| end.is_none_or(|end| *key <= end)).take(depth);
    let row = |(key, parts): (i128, Vec<(usize, Decimal)>)| {
        let price = fit(sign * key, decimals);
        Row { price, size: sum(&parts), parts }
    };
    let rows: Vec<Row> = known.map(row).collect();
    let complete = end.is_none() || rows.len() == depth;
    (rows, complete)
}

/// Base coins of a level.
fn base(instrument: &Instrument, level: Level) -> Option<Decimal> {
    let (size, scale) = (i128::from(level.size.0), instrument.scale);
    match instrument.contract {
        Contract::Base => Some(Decimal::new(level.size.0, scale.size)),
        Contract::Linear(value) => Some(fit(size * i128::from(value.mantissa), scale.size + value.decimals)),
        Contract::Inverse(value) => {
            let up = 10i128.checked_pow(u32::from(ROUNDED_DECIMALS + scale.price))?;
            let down = 10i128.checked_pow(u32::from(scale.size + value.decimals))?.checked_mul(level.price.0.into())?;
            let coins = size.checked_mul(value.mantissa.into())?.checked_mul(up)?.checked_div(down)?;
            Some(fit(coins, ROUNDED_DECIMALS))
        }
        Contract::Unknown => None,
    }
}

fn sum(parts: &[(usize, Decimal)]) -> Decimal {
    let decimals = parts.iter().map(|(_, part)| part.decimals).max().unwrap_or(0);
    let units = |part: &Decimal| i128::from(part.mantissa) * 10i128.pow(u32::from(decimals - part.decimals));
    fit(parts.iter().map(|(_, part)| units(part)).sum(), decimals)
}

/// As a decimal; digits that do not fit are dropped at the end.
fn fit(mut units: i128, mut decimals: u8) -> Decimal {
    while decimals > 0 && (units % 10 == 0 || i64::try_from(units).is_err() || decimals > crate::units::MAX_DECIMALS) {
        units /= 10;
        decimals -= 1;
    }
    Decimal { mantissa: i64::try_from(units).unwrap_or(i64::MAX), decimals }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Venue;
    use crate::units::{Scale, Size};
    use crate::venue::infer;

    fn member(contract: Contract, price: u8, size: u8, asks: &[(i64, i64)]) -> (Book, Instrument) {
        let mut book = Book::default();
        for (price, size) in asks {
            book.set(Side::Ask, Level { price: Price(*price), size: Size(*size) });
            book.set(Side::Bid, Level { price: Price(*price - 1_000), size: Size(*size) });
        }
        (book, Instrument { contract, scale: Scale { price, size }, ..infer(Venue::Binance, "BTCUSDT") })
    }

    fn told(rows: &[Row]) -> Vec<String> {
        let parts = |row: &Row| row.parts.iter().map(|(member, size)| format!(" {member}:{size}")).collect::<String>();
        rows.iter().map(|row| format!("{} {}{}", row.price, row.size, parts(row))).collect()
    }

    #[test]
    fn equal_prices_add_up_in_base_coins() {
        let spot = member(Contract::Base, 2, 3, &[(10_000, 1_500), (10_010, 2_000)]);
        let linear = member(Contract::Linear("0.01".parse().unwrap()), 1, 0, &[(1_000, 50), (1_002, 100)]);
        let inverse = member(Contract::Inverse("100".parse().unwrap()), 1, 0, &[(1_001, 3)]);
        let members = [&spot, &linear, &inverse].map(|(book, instrument)| Member { book, instrument });
        let merged = merge(&members, 3);
        // 3 contracts of 100 USD at 100.1 are 2.99700299... coins.
        let asks = ["100 2 0:1.5 1:0.5", "100.1 4.99700299 0:2 2:2.99700299", "100.2 1 1:1"];
        assert_eq!((told(&merged.asks), merged.complete), (asks.map(str::to_owned).to_vec(), true));
        assert_eq!(told(&merged.bids)[0], "90.1 2 0:2");
    }

    #[test]
    fn the_whole_ends_where_one_member_is_not_known() {
        let (book, spot) = member(Contract::Base, 2, 3, &[(10_000, 1_500), (10_010, 2_000), (10_020, 1)]);
        let (mut short, other) = member(Contract::Base, 2, 3, &[(10_005, 1_000), (10_015, 1_000)]);
        short.set_trusted(Side::Ask, Some(Price(10_010)));
        let members = [Member { book: &book, instrument: &spot }, Member { book: &short, instrument: &other }];
        let merged = merge(&members, 5);
        assert_eq!(told(&merged.asks), ["100 1.5 0:1.5", "100.05 1 1:1", "100.1 2 0:2"]);
        assert!(!merged.complete && merge(&members, 3).complete);
        assert_eq!(merge(&[], 3), Merged { bids: vec![], asks: vec![], complete: true });
    }
}
