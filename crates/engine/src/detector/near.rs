//! The part of the book that matters to level detectors: what stands near the touch.

use crate::book::Book;
use crate::event::{Depth, DepthKind, Event};
use crate::metric::Seen;
use crate::units::{Level, Price, Side, Size};

/// Prices near the touch, units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub(super) bid: i64,
    pub(super) ask: i64,
    low: i64,
    high: i64,
}

impl Near {
    /// Within so many bps of the touch of a book with two sides.
    pub(super) fn of(book: &Book, bps: f64) -> Option<Self> {
        let (bid, ask) = (book.best(Side::Bid)?.price.0, book.best(Side::Ask)?.price.0);
        let reach = (ask as f64 * bps / 1e4) as i64;
        Some(Near { bid, ask, low: bid.saturating_sub(reach), high: ask.saturating_add(reach) })
    }

    pub(super) fn holds(&self, price: Price) -> bool {
        (self.low..=self.high).contains(&price.0)
    }
}

/// The changed levels of a diff with their sides and what stood there before; nothing for any other event.
pub(super) fn changes<'a>(seen: &Seen<'a>) -> impl Iterator<Item = (Side, Level, Size)> + 'a {
    let bids = match &seen.stamped.event {
        Event::Depth(Depth { kind: DepthKind::Diff, span, .. }) => span.asks.saturating_sub(span.start) as usize,
        _ => 0,
    };
    let changed = seen.levels.iter().copied().zip(seen.before.iter().copied()).enumerate();
    changed.map(move |(at, (level, before))| (if at < bids { Side::Bid } else { Side::Ask }, level, before))
}

/// A slot for a price in a table of that many (a power of two): neighbours never share one.
pub(super) fn slot(price: Price, slots: usize) -> usize {
    let mixed = price.0 ^ (price.0 >> 7) ^ (price.0 >> 17);
    mixed as usize & slots.saturating_sub(1)
}
