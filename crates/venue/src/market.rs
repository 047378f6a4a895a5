//! What happens on an exchange, before anyone has put it into words: the seam between what makes a market (a simulation,
//! a recording) and what speaks about it (the wire protocols).

use fathometer_engine::instrument::Instrument;
use fathometer_engine::units::{Decimal, Level, Nanos, Price, Side, Size};

/// One thing that happened to one listed instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// When, by the exchange's clock.
    pub at: Nanos,
    /// Index into `Source::listings`.
    pub listing: usize,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The total size at a price became this (absolute, 0 removes it).
    Level(Side, Level),
    /// The whole book became this (a recording's snapshot); best first.
    Book {
        /// Bids, best first.
        bids: Vec<Level>,
        /// Asks, best first.
        asks: Vec<Level>,
    },
    /// A fill. Fills of one taker order follow each other and share `taker_order`.
    Trade {
        /// Price.
        price: Price,
        /// Size.
        size: Size,
        /// Whether the taker bought.
        taker_buy: bool,
        /// Same for all fills of one taker order.
        taker_order: u64,
    },
    /// New mark price.
    Mark(Decimal),
    /// New index price of the underlying.
    Index(Decimal),
    /// New funding rate (fraction per interval), and when it is next paid.
    Funding {
        /// Fraction per interval.
        rate: Decimal,
        /// When it is next paid.
        next: Nanos,
    },
    /// Open interest, in what the venue counts in.
    OpenInterest(Decimal),
    /// A forced order was filled.
    Liquidation {
        /// Price.
        price: Price,
        /// Size.
        size: Size,
        /// Whether the forced order buys.
        buy: bool,
    },
}

/// Whatever makes a market: the order-flow simulation, or a recording played back.
pub trait Source: Send {
    /// What is listed; fixed for the life of the source. Scale, tick, lot and contract are known.
    fn listings(&self) -> &[Instrument];

    /// Appends everything that happens up to `until` (exchange clock), in order of time. Returns false when nothing will
    /// ever happen again (a recording played once to its end).
    fn advance(&mut self, until: Nanos, out: &mut Vec<Happening>) -> bool;
}
