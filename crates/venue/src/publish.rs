//! The published side of one listing: its book, the ids of its changes, and the recent changes, so that the book at any
//! recent id can be told again.

use fathometer_engine::instrument::Instrument;
use fathometer_engine::units::{Decimal, Level, NANOS_PER_SECOND, Nanos, Price, Side, Size};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How far back the book can be told, nanoseconds.
pub const RECENT_NANOS: i64 = 60 * NANOS_PER_SECOND;
/// Most changes remembered per listing; the oldest are forgotten, and a stream that had not sent them shows a gap.
pub const RECENT_CHANGES_MAX: usize = 500_000;

/// Most fills remembered per listing; the oldest are forgotten.
pub const RECENT_FILLS_MAX: usize = 1000;

/// One change of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Update id, as the venue numbers.
    pub id: u64,
    /// When, by the exchange's clock.
    pub at: Nanos,
    /// Side.
    pub side: Side,
    /// Price, in units.
    pub price: i64,
    /// Size before, in units.
    pub before: i64,
}

/// A book at some update id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Id of the last change in it.
    pub id: u64,
    /// Price to size, both in units.
    pub bids: BTreeMap<i64, i64>,
    /// Price to size, both in units.
    pub asks: BTreeMap<i64, i64>,
}

impl Book {
    pub(crate) fn side(&self, side: Side) -> &BTreeMap<i64, i64> {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    pub(crate) fn put(&mut self, side: Side, price: i64, size: i64) {
        let levels = match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        };
        if size == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, size);
        }
    }

    /// Size at a price, in units; 0 where nothing rests.
    pub fn size(&self, side: Side, price: i64) -> i64 {
        self.side(side).get(&price).copied().unwrap_or(0)
    }

    /// The best `levels` of a side, best first.
    pub fn top(&self, side: Side, levels: usize) -> Vec<Level> {
        let level = |(p, s): (&i64, &i64)| Level { price: Price(*p), size: Size(*s) };
        match side {
            Side::Bid => self.bids.iter().rev().take(levels).map(level).collect(),
            Side::Ask => self.asks.iter().take(levels).map(level).collect(),
        }
    }

    /// Best level of a side.
    pub fn best(&self, side: Side) -> Option<Level> {
        let best = match side {
            Side::Bid => self.bids.last_key_value(),
            Side::Ask => self.asks.first_key_value(),
        };
        best.map(|(p, s)| Level { price: Price(*p), size: Size(*s) })
    }
}

/// A level within a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Side.
    pub side: Side,
    /// Price and absolute size, in units; size 0 removes.
    pub level: Level,
}

/// Whether one may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Continuous trading.
    Live,
    /// Orders are taken but not matched: the book may be crossed.
    PreOpen,
}

/// One fill of a taker order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Number of the fill; +1 each.
    pub id: u64,
    /// When, by the exchange's clock.
    pub at: Nanos,
    /// Price, in units.
    pub price: Price,
    /// Size, in units.
    pub size: Size,
    /// Whether the taker bought.
    pub taker_buy: bool,
}

/// What the trades of a listing amount to, since the server started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// First price, in units.
    pub open: i64,
    /// Highest price, in units.
    pub high: i64,
    /// Lowest price, in units.
    pub low: i64,
    /// Last price, in units.
    pub last: i64,
    /// Size of the last trade, in units.
    pub last_size: i64,
    /// Sum of sizes, in what the venue counts in.
    pub volume: f64,
    /// Sum of price times size.
    pub turnover: f64,
    /// Fills.
    pub count: u64,
}

/// Everything published of one listing.
#[derive(Debug)]
pub struct Board {
    /// What is listed.
    pub instrument: Instrument,
    /// The true current book.
    pub book: Book,
    /// Whether one may trade.
    pub state: State,
    /// When the last change was.
    pub changed_at: Nanos,
    /// Mark price.
    pub mark: Option<Decimal>,
    /// Index price.
    pub index: Option<Decimal>,
    /// Funding rate and next payment.
    pub funding: Option<(Decimal, Nanos)>,
    /// Open interest.
    pub open_interest: Option<Decimal>,
    /// What the trades amount to.
    pub stats: Stats,
    /// Id of the last fill.
    pub trade_id: u64,
    /// Id of the last aggregated trade.
    pub agg_id: u64,
    /// Recent fills, oldest first.
    pub fills: VecDeque<Fill>,
    /// Recent changes, oldest first.
    recent: VecDeque<Change>,
    /// How many changes were forgotten: the position of `recent[0]`.
    forgotten: u64,
}

impl Board {
    /// An empty book whose next id comes after `id`.
    pub fn new(instrument: Instrument, id: u64) -> Self {
        Board {
            instrument,
            book: Book { id, ..Book::default() },
            state: State::Live,
            changed_at: Nanos(0),
            mark: None,
            index: None,
            funding: None,
            open_interest: None,
            stats: Stats::default(),
            trade_id: id / 100,
            agg_id: id / 150,
            fills: VecDeque::new(),
            recent: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// Position after the newest change; positions only grow, whatever the ids do.
    pub fn position(&self) -> u64 {
        self.forgotten + self.recent.len() as u64
    }

    /// Sets a level under a new id. False, and nothing happens, where the size is what it was.
    pub fn set(&mut self, at: Nanos, side: Side, level: Level, id: u64) -> bool {
        let (price, size) = (level.price.0, level.size.0);
        let before = self.book.size(side, price);
        if before == size {
            return false;
        }
        self.book.put(side, price, size);
        self.book.id = id;
        self.changed_at = at;
        self.recent.push_back(Change { id, at, side, price, before });
        while self.recent.len() > RECENT_CHANGES_MAX
            || self.recent.front().is_some_and(|c| at.since(c.at) > RECENT_NANOS)
        {
            self.recent.pop_front();
            self.forgotten += 1;
        }
        true
    }

    /// The level changes that turn the current book into `bids` and `asks`.
    pub fn replacing(&self, bids: &[Level], asks: &[Level]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
            let wanted: BTreeMap<i64, i64> = levels.iter().map(|l| (l.price.0, l.size.0)).collect();
            let gone = self.book.side(side).keys().filter(|p| !wanted.contains_key(p)).map(|p| (*p, 0));
            let come = wanted.iter().map(|(p, s)| (*p, *s)).filter(|(p, s)| self.book.size(side, *p) != *s);
            entries
                .extend(gone.chain(come).map(|(p, s)| Entry { side, level: Level { price: Price(p), size: Size(s) } }));
        }
        entries
    }

    /// The changes after a position, oldest first.
    pub fn since(&self, position: u64) -> impl Iterator<Item = &Change> {
        let skip = usize::try_from(position.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        self.recent.range(skip.min(self.recent.len())..)
    }

    /// Every level touched after a position with the size it has now; bids then asks, each best first.
    pub fn diff(&self, position: u64) -> Vec<Entry> {
        let (mut bids, mut asks) = (BTreeSet::new(), BTreeSet::new());
        for change in self.since(position) {
            match change.side {
                Side::Bid => bids.insert(change.price),
                Side::Ask => asks.insert(change.price),
            };
        }
        let entry =
            |side, price| Entry { side, level: Level { price: Price(price), size: Size(self.book.size(side, price)) } };
        let bids = bids.into_iter().rev().map(|p| entry(Side::Bid, p));
        bids.chain(asks.into_iter().map(|p| entry(Side::Ask, p))).collect()
    }

    /// The book as it was at a position; `None` once that is forgotten.
    pub fn at_position(&self, position: u64) -> Option<Book> {
        if position < self.forgotten || position > self.position() {
            return None;
        }
        let mut book = self.book.clone();
        let keep = usize::try_from(position - self.forgotten).ok()?;
        for change in self.recent.range(keep..).rev() {
            book.put(change.side, change.price, change.before);
        }
        if let Some(last) = keep.checked_sub(1).and_then(|i| self.recent.get(i)) {
            book.id = last.id;
        } else if let Some(first) = self.recent.front() {
            // Nothing older is remembered: the id just before the oldest change is as good as the true one.
            book.id = first.id.saturating_sub(1);
        }
        Some(book)
    }

    /// The book as it was when `id` was its newest id: the newest change whose id is at most `id` counts.
    pub fn at_id(&self, id: u64) -> Option<Book> {
        if id == self.book.id {
            return Some(self.book.clone());
        }
        // Searched from the newest, because ids may have been reset to lower ones.
        if let Some(index) = self.recent.iter().rposition(|c| c.id == id) {
            return self.at_position(self.forgotten + index as u64 + 1);
        }
        let index = self.recent.iter().rposition(|c| c.id < id)?;
        self.recent.get(index + 1).filter(|next| next.id > id)?;
        let book = self.at_position(self.forgotten + index as u64 + 1)?;
        Some(Book { id, ..book })
    }

    /// Position of the book `age` nanoseconds before `now`, or the oldest one remembered.
    pub fn position_before(&self, now: Nanos, age: i64) -> u64 {
        let later = self.recent.iter().rev().take_while(|c| now.since(c.at) < age).count();
        self.position() - later as u64
    }

    /// Oldest id at which the book can still be told.
    pub fn oldest_id(&self) -> u64 {
        self.recent.front().map_or(self.book.id, |c| c.id)
    }

    /// Numbers go on from a lower id, as after an exchange's maintenance.
    pub fn reset_id(&mut self, id: u64) {
        self.book.id = id;
    }

    /// Numbers a fill and counts it in.
    pub fn fill(&mut self, at: Nanos, price: Price, size: Size, taker_buy: bool) -> Fill {
        self.trade_id += 1;
        let (p, scale) = (price.0, self.instrument.scale);
        let s = &mut self.stats;
        if s.count == 0 {
            (s.open, s.high, s.low) = (p, p, p);
        }
        (s.high, s.low, s.last, s.last_size) = (s.high.max(p), s.low.min(p), p, size.0);
        s.volume += scale.size_f64(size);
        s.turnover += scale.price_f64(price) * scale.size_f64(size);
        s.count += 1;
        let fill = Fill { id: self.trade_id, at, price, size, taker_buy };
        if self.fills.len() == RECENT_FILLS_MAX {
            self.fills.pop_front();
        }
        self.fills.push_back(fill);
        fill
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::instrument::Venue;

    fn level(price: i64, size: i64) -> Level {
        Level { price: Price(price), size: Size(size) }
    }

    #[test]
    fn the_book_can_be_told_again_at_every_recent_id() {
        let mut board = Board::new(fathometer_engine::venue::infer(Venue::Binance, "X"), 100);
        let mut truth = vec![(100, board.book.clone())];
        let mut state = 7u64;
        for id in 101..600 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let side = if state >> 63 == 0 { Side::Bid } else { Side::Ask };
            let (price, size) = (((state >> 40) % 20) as i64, ((state >> 20) % 4) as i64);
            if board.set(Nanos(id as i64), side, level(price, size), id) {
                truth.push((id, board.book.clone()));
            }
        }
        for (id, book) in truth.iter().skip(1) {
            assert_eq!(board.at_id(*id).as_ref(), Some(book), "id {id}");
        }
        assert_eq!(board.at_id(50), None);
    }

    #[test]
    fn a_replaced_book_becomes_the_changes_that_make_it() {
        let mut board = Board::new(fathometer_engine::venue::infer(Venue::Binance, "X"), 0);
        let (bids, asks) = ([level(9, 1), level(8, 2)], [level(10, 3)]);
        for (i, e) in board.replacing(&bids, &asks).into_iter().enumerate() {
            board.set(Nanos(1), e.side, e.level, i as u64 + 1);
        }
        assert_eq!((board.book.top(Side::Bid, 9), board.book.top(Side::Ask, 9)), (bids.to_vec(), asks.to_vec()));
        let changes = board.replacing(&[level(9, 1), level(7, 5)], &asks);
        assert_eq!(
            changes,
            [Entry { side: Side::Bid, level: level(8, 0) }, Entry { side: Side::Bid, level: level(7, 5) }]
        );
    }

    #[test]
    fn what_is_older_than_the_ring_is_forgotten_not_guessed() {
        let mut board = Board::new(fathometer_engine::venue::infer(Venue::Binance, "X"), 0);
        board.set(Nanos(0), Side::Bid, level(1, 1), 1);
        board.set(Nanos(RECENT_NANOS + 1), Side::Bid, level(2, 1), 2);
        assert_eq!(board.at_id(1), None);
        assert_eq!(board.at_id(2).map(|b| b.bids.len()), Some(2));
        assert_eq!(board.oldest_id(), 2);
    }
}
