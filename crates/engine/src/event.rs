//! What a frame says, in the engine's own words: small copies, with price levels kept aside in `Levels`.

use crate::instrument::{Instrument, InstrumentId};
use crate::units::{Decimal, Level, Nanos, Price, Size};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Price levels of one frame, bids and asks in the order in which they came; reused for every frame.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// All levels of the frame.
    pub all: Vec<Level>,
}

/// Where a depth message's levels stand in `Levels::all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelSpan {
    /// First bid.
    pub start: u32,
    /// First ask, which is the end of the bids.
    pub asks: u32,
    /// End of the asks.
    pub end: u32,
}

impl LevelSpan {
    /// Range of the bids.
    pub fn bids(&self) -> Range<usize> {
        self.start as usize..self.asks as usize
    }
    /// Range of the asks.
    pub fn asks(&self) -> Range<usize> {
        self.asks as usize..self.end as usize
    }
    /// Number of levels.
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.end == self.start
    }
}

/// What a depth message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DepthKind {
    /// Changes since the previous message of the stream.
    Diff,
    /// The whole book to the venue's depth limit.
    Snapshot,
    /// The whole top few levels, again and again (`depth20`, `books5`); not the book, but comparable with it.
    Partial,
}

/// A depth message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Diff, snapshot or partial.
    pub kind: DepthKind,
    /// First update id in it (Binance `U`); equal to `last_id` where the venue has one id only.
    pub first_id: i64,
    /// Last update id in it (Binance `u`, `lastUpdateId`; OKX `seqId`); -1 where the venue gives none.
    pub last_id: i64,
    /// Id of the previous message of the stream (Binance futures `pu`, OKX `prevSeqId`); -1 where there is none.
    pub prev_id: i64,
    /// OKX CRC-32, where one is given (0 and absent are `None`).
    pub checksum: Option<i32>,
    /// The snapshot's depth limit, if it had one: a side with that many levels is unknown beyond its last.
    pub limit: u32,
    /// Its levels.
    pub span: LevelSpan,
}

/// A public trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// Venue's id; for aggregates the id in its own numbering.
    pub id: i64,
    /// Price.
    pub price: Price,
    /// Size.
    pub size: Size,
    /// Whether the taker bought.
    pub taker_buy: bool,
    /// Aggregated over fills of one taker order.
    pub aggregate: bool,
}

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bbo {
    /// Update id of the book it shows; -1 where the venue gives none.
    pub id: i64,
    /// Best bid; size 0 when that side is empty.
    pub bid: Level,
    /// Best ask.
    pub ask: Level,
}

/// A forced order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liquidation {
    /// Price.
    pub price: Price,
    /// Size.
    pub size: Size,
    /// Whether the forced order buys.
    pub buy: bool,
}

/// What happened on the venue, for one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Book levels.
    Depth(Depth),
    /// A trade.
    Trade(Trade),
    /// Best bid and ask.
    Bbo(Bbo),
    /// Mark price, quote currency.
    Mark(Decimal),
    /// Index price of the underlying, quote currency.
    Index(Decimal),
    /// Funding: rate per interval (fraction), and when it is next paid.
    Funding {
        /// Fraction per interval.
        rate: Decimal,
        /// When the rate is paid.
        next: Nanos,
    },
    /// Open interest in what the venue counts in (contracts or base coin).
    OpenInterest(Decimal),
    /// A forced order.
    Liquidation(Liquidation),
    /// What the venue says the instrument is.
    Instrument(Box<Instrument>),
    /// Trading state as the venue writes it (`TRADING`, `HALT`, `live`, `preopen`), and whether a crossed book is legal in it.
    Status {
        /// The venue's word.
        state: String,
        /// Auctions and pre-open phases cross legally.
        may_cross: bool,
    },
}

/// An event with what is common to all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// When the venue says it pushed it (Binance `E`, OKX `ts`), if it says.
    pub ts_venue: Option<Nanos>,
    /// When the venue's engine did it (Binance futures `T`), if it says.
    pub ts_engine: Option<Nanos>,
    /// What.
    pub event: Event,
}

/// What a frame says about the connection rather than a market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Control {
    /// A request was acknowledged.
    Ack,
    /// Text heartbeat answer.
    Pong,
    /// The venue refused something: code and words.
    Error {
        /// Venue's code.
        code: i64,
        /// Venue's words.
        text: String,
    },
    /// The venue will close the connection soon: open a new one first.
    Closing {
        /// Venue's words.
        text: String,
    },
    /// Server time, for the clock estimate.
    Time(Nanos),
    /// The book that was asked for over HTTP did not come: refused, or not what it should be.
    NoSnapshot(InstrumentId),
    /// A well-formed message of a kind that nobody asked for.
    Unknown,
    /// Not a message of this venue at all.
    Malformed {
        /// What was wrong.
        text: String,
    },
    /// A number in it is beyond what can be held exactly.
    Overflow {
        /// Where, and which.
        text: String,
    },
}
