//! An exact order book: every level the venue has told, and up to which price it is known.

use crate::units::{Level, MAX_UNITS, POW10, Price, Scale, Side, Size};

pub mod excerpt;
pub mod ladder;
pub mod merge;

use ladder::{Block, Head, Ladder};
use serde::{Deserialize, Serialize};

/// A book as it is written down: bids, asks, how far each is trusted, and the window.
#[derive(Serialize, Deserialize)]
struct Stored(Vec<Level>, Vec<Level>, [Option<Price>; 2], u32);

impl From<Book> for Stored {
    fn from(book: Book) -> Self {
        Stored(book.levels(Side::Bid).collect(), book.levels(Side::Ask).collect(), book.trusted, book.window)
    }
}

impl TryFrom<Stored> for Book {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let exact = |level: &Level| (0..=MAX_UNITS).contains(&level.price.0) && (0..=MAX_UNITS).contains(&level.size.0);
        let trusted = stored.2.iter().flatten().all(|worst| (0..=MAX_UNITS).contains(&worst.0));
        if !(trusted && stored.0.iter().chain(&stored.1).all(exact)) {
            return Err("a level beyond the exact units");
        }
        let mut book = Book { trusted: stored.2, window: stored.3, ..Book::default() };
        for level in stored.0 {
            book.set(Side::Bid, level);
        }
        for level in stored.1 {
            book.set(Side::Ask, level);
        }
        Ok(book)
    }
}

/// Both sides of one instrument's book. Stored as its levels.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    trusted: [Option<Price>; 2],
    /// Levels a side that the venue tells of; 0 all.
    window: u32,
}

/// Totals over the levels of a side from the best to a limit price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Sum of sizes, units.
    pub size: i128,
    /// Sum of price times size, product of units.
    pub notional: i128,
}

/// Neighbouring levels of one side.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    sign: i64,
    key: i64,
    block: &'a Block,
    head: Head,
}

impl<'a> Run<'a> {
    /// Totals over the run.
    #[inline]
    pub fn total(&self) -> Total {
        let size = i128::from(self.head.sums.size);
        let moment = i128::from(self.key) * size + i128::from(self.head.sums.moment);
        Total { size, notional: moment * i128::from(self.sign) }
    }

    /// A price that none of the run's levels is worse than.
    #[inline]
    pub fn worst(&self) -> Price {
        Price(self.sign * (self.key + Block::LAST))
    }

    /// The levels, best first.
    #[inline]
    pub fn levels(&self) -> impl Iterator<Item = Level> + 'a {
        let (sign, key) = (self.sign, self.key);
        self.block
            .levels(self.head.occupied)
            .map(move |(offset, size)| Level { price: Price(sign * (key + offset)), size: Size(size) })
    }
}

impl Book {
    /// Sets a level to an absolute size; 0 removes it. Returns the size it had.
    #[inline]
    pub fn set(&mut self, side: Side, level: Level) -> Size {
        Size(match side {
            Side::Bid => self.bids.set(-level.price.0, level.size.0),
            Side::Ask => self.asks.set(level.price.0, level.size.0),
        })
    }

    /// Best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Level> {
        let (ladder, sign) = self.side(side);
        ladder.best().map(|(key, size)| Level { price: Price(sign * key), size: Size(size) })
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let (ladder, sign) = self.side(side);
        ladder.iter().map(move |(key, size)| Level { price: Price(sign * key), size: Size(size) })
    }

    /// Shows the levels of a side, best first, as long as `each` wants more: quicker than one by one from `levels`.
    #[inline]
    pub fn walk(&self, side: Side, mut each: impl FnMut(Level) -> bool) {
        let (ladder, sign) = self.side(side);
        ladder.walk(|key, size| each(Level { price: Price(sign * key), size: Size(size) }));
    }

    /// Appends the best levels of a side, at most so many.
    pub fn first(&self, side: Side, count: usize, out: &mut Vec<Level>) {
        let full = out.len() + count;
        if count > 0 {
            self.walk(side, |level| {
                out.push(level);
                out.len() < full
            });
        }
    }

    /// Number of levels of a side.
    pub fn count(&self, side: Side) -> usize {
        self.side(side).0.len()
    }

    /// Totals over the levels of a side that are at `limit` or better.
    pub fn total_to(&self, side: Side, limit: Price) -> Total {
        let (ladder, sign) = self.side(side);
        let (size, moment) = ladder.total_to(sign * limit.0);
        Total { size, notional: moment * i128::from(sign) }
    }

    /// The same for several limits, each worse than the one before, in one pass; `each` is called once per limit.
    pub fn totals_to(&self, side: Side, limits: impl Iterator<Item = Price>, mut each: impl FnMut(Total)) {
        let (ladder, sign) = self.side(side);
        ladder.totals_to(limits.map(|limit| sign * limit.0), |size, moment| {
            each(Total { size, notional: moment * i128::from(sign) });
        });
    }

    /// The levels of a side in runs, best first, so that whole runs may be passed over by their totals; what stands very
    /// far from the best is in none of them, see `beyond`.
    #[inline]
    pub fn runs(&self, side: Side) -> impl Iterator<Item = Run<'_>> {
        let (ladder, sign) = self.side(side);
        ladder.blocks().map(move |(key, block, head)| Run { sign, key, block, head })
    }

    /// The levels of a side that stand in none of the `runs`, best first.
    pub fn beyond(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let (ladder, sign) = self.side(side);
        ladder.beyond().map(move |(key, size)| Level { price: Price(sign * key), size: Size(size) })
    }

    /// Whether a price lies within what is known of a side.
    #[inline]
    pub fn is_known(&self, side: Side, price: Price) -> bool {
        self.trusted(side).is_none_or(|worst| !price.is_worse(worst, side))
    }

    /// Worst price of a side up to which every level is known; `None` when known to the end.
    #[inline]
    pub fn trusted(&self, side: Side) -> Option<Price> {
        let (ladder, sign) = self.side(side);
        if self.window > 0 && ladder.len() >= self.window as usize {
            return ladder.worst().map(|key| Price(sign * key));
        }
        self.trusted[side as usize]
    }

    /// Whether a price lies within what is known of a side.
    #[inline]
    pub fn knows(&self, side: Side, price: Price) -> bool {
        match (self.trusted(side), side) {
            (None, _) => true,
            (Some(worst), Side::Bid) => price >= worst,
            (Some(worst), Side::Ask) => price <= worst,
        }
    }

    /// Says that the venue tells of that many best levels a side, taking away what leaves them: a side with so many is
    /// known to its last level, wherever that is by now.
    pub fn set_window(&mut self, levels: u32) {
        self.window = levels;
    }

    /// Says up to which price a side is known.
    pub fn set_trusted(&mut self, side: Side, worst: Option<Price>) {
        self.trusted[side as usize] = worst;
    }

    /// Removes every level; keeps the memory.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.trusted = [None; 2];
        self.window = 0;
    }

    /// Moves to finer units; `false` (and nothing changed) if a level would leave the exact range.
    pub fn rescale(&mut self, from: Scale, to: Scale) -> bool {
        let price = POW10[(to.price - from.price) as usize];
        let size = POW10[(to.size - from.size) as usize];
        let mut fine = self.clone();
        if !(fine.bids.rescale(price, size) && fine.asks.rescale(price, size)) {
            return false;
        }
        for worst in fine.trusted.iter_mut().flatten() {
            match worst.0.checked_mul(price).filter(|fine| *fine <= MAX_UNITS) {
                Some(fine) => worst.0 = fine,
                None => return false,
            }
        }
        *self = fine;
        true
    }

    /// Whether bids stand at or above asks.
    pub fn is_crossed(&self) -> bool {
        matches!((self.best(Side::Bid), self.best(Side::Ask)), (Some(b), Some(a)) if b.price >= a.price)
    }

    /// The canonical text: one line per level, best first, all bids then all asks, `b PRICE SIZE` / `a PRICE SIZE`.
    pub fn canonical_text(&self, scale: Scale) -> String {
        use crate::units::Decimal;
        use std::fmt::Write;
        let mut text = String::new();
        for (side, tag) in [(Side::Bid, 'b'), (Side::Ask, 'a')] {
            for level in self.levels(side) {
                let price = Decimal::new(level.price.0, scale.price);
                let size = Decimal::new(level.size.0, scale.size);
                let _ = writeln!(text, "{tag} {price} {size}"); // writing to a String cannot fail
            }
        }
        text
    }

    #[inline]
    fn side(&self, side: Side) -> (&Ladder, i64) {
        match side {
            Side::Bid => (&self.bids, -1),
            Side::Ask => (&self.asks, 1),
        }
    }
}
