//! A part of a book for readers: so many levels, or a band around mid, as far as it is known.

use super::Book;
use crate::units::{Level, Price, Side};

/// Parts in the whole that bands are counted in: a basis point is `BAND_ONE` / 10,000.
pub const BAND_ONE: i64 = 100_000_000;

/// Levels of both sides, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Buyers.
    pub bids: Vec<Level>,
    /// Sellers.
    pub asks: Vec<Level>,
    /// Whether everything that was asked for is there: no level is missing because the book is not known that far.
    pub complete: bool,
}

/// At most `depth` levels a side, and with a `band` (parts of `BAND_ONE`) only those within it around mid.
pub fn excerpt(book: &Book, depth: usize, band: Option<i64>) -> Excerpt {
    let limits = band.map(|band| (limit(book, Side::Bid, band), limit(book, Side::Ask, band)));
    let [bids, asks] = [Side::Bid, Side::Ask].map(|side| {
        let limit = match (limits, side) {
            (Some((bid, _)), Side::Bid) => Some(bid),
            (Some((_, ask)), Side::Ask) => Some(ask),
            (None, _) => None,
        };
        part(book, side, depth, limit)
    });
    Excerpt { complete: bids.1 && asks.1, bids: bids.0, asks: asks.0 }
}

/// The levels, and whether none is missing. A limit of `None` within `Some` is a band around a mid that there is not.
fn part(book: &Book, side: Side, depth: usize, limit: Option<Option<Price>>) -> (Vec<Level>, bool) {
    let within = |price: Price| match (limit, side) {
        (None, _) => true,
        (Some(None), _) => false,
        (Some(Some(limit)), Side::Bid) => price >= limit,
        (Some(Some(limit)), Side::Ask) => price <= limit,
    };
    let wanted = |level: &Level| within(level.price) && book.knows(side, level.price);
    let levels: Vec<Level> = book.levels(side).take(depth).take_while(wanted).collect();
    let known = match limit {
        Some(Some(limit)) => book.knows(side, limit),
        Some(None) => true,
        None => book.trusted(side).is_none(),
    };
    let complete = known || levels.len() == depth;
    (levels, complete)
}

/// The worst price within the band, computed exactly.
fn limit(book: &Book, side: Side, band: i64) -> Option<Price> {
    let (bid, ask) = (book.best(Side::Bid)?, book.best(Side::Ask)?);
    let mid_twice = i128::from(bid.price.0) + i128::from(ask.price.0);
    let whole = 2 * i128::from(BAND_ONE);
    let limit = match side {
        Side::Bid => -(-mid_twice * i128::from(BAND_ONE - band)).div_euclid(whole),
        Side::Ask => (mid_twice * i128::from(BAND_ONE + band)).div_euclid(whole),
    };
    i64::try_from(limit).ok().map(Price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Size;

    fn book() -> Book {
        let mut book = Book::default();
        for (side, prices) in [(Side::Bid, [9_999, 9_990, 9_989]), (Side::Ask, [10_001, 10_010, 10_011])] {
            for price in prices {
                book.set(side, Level { price: Price(price), size: Size(1) });
            }
        }
        book
    }

    fn prices(levels: &[Level]) -> Vec<i64> {
        levels.iter().map(|level| level.price.0).collect()
    }

    #[test]
    fn by_depth_and_by_band() {
        let two = excerpt(&book(), 2, None);
        assert_eq!((prices(&two.bids), prices(&two.asks)), (vec![9_999, 9_990], vec![10_001, 10_010]));
        assert!(two.complete);
        // Mid 100.00; 10 bps reach from 99.90 to 100.10, edges included.
        let band = excerpt(&book(), 100, Some(BAND_ONE / 1_000));
        assert_eq!((prices(&band.bids), prices(&band.asks)), (vec![9_999, 9_990], vec![10_001, 10_010]));
        assert!(band.complete);
        assert_eq!(excerpt(&book(), 0, None), Excerpt { complete: true, ..Excerpt::default() });
    }

    #[test]
    fn what_is_not_known_is_left_out_and_told() {
        let mut book = book();
        book.set_trusted(Side::Bid, Some(Price(9_990)));
        assert!(excerpt(&book, 2, None).complete);
        let three = excerpt(&book, 3, None);
        assert_eq!((prices(&three.bids), three.complete), (vec![9_999, 9_990], false));
        assert!(excerpt(&book, 100, Some(BAND_ONE / 1_000)).complete);
        assert!(!excerpt(&book, 100, Some(BAND_ONE / 500)).complete);
    }

    #[test]
    fn there_is_no_band_around_nothing() {
        let mut book = Book::default();
        book.set(Side::Bid, Level { price: Price(5), size: Size(1) });
        assert_eq!(excerpt(&book, 9, Some(BAND_ONE / 2)).bids, []);
        assert_eq!(excerpt(&book, 9, None).bids.len(), 1);
    }
}
