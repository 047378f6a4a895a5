//! Everything the engine says. Plain data; bulky parts stand in the outbox's arenas, so that a step allocates nothing.

use crate::alert::Alert;
use crate::event::{LevelSpan, Stamped};
use crate::group::GroupReport;
use crate::input::LinkId;
use crate::instrument::{Instrument, InstrumentId};
use crate::metric::Value;
use crate::surveillance::Board;
use crate::units::{Level, Nanos, Price};
use serde::{Deserialize, Serialize};

/// One thing the engine says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// A market event as it was understood; `Depth` spans point into `Outbox::levels`.
    Market {
        /// When it was received.
        at: Nanos,
        /// On which link.
        link: LinkId,
        /// Whether the book is valid after it.
        valid: bool,
        /// What.
        stamped: Stamped,
    },
    /// Metric values of one instrument on the sampling grid; `metric::catalogue()` names the columns.
    Sample {
        /// The grid instant.
        at: Nanos,
        /// Whose.
        instrument: InstrumentId,
        /// First value in `Outbox::values`.
        start: u32,
        /// Number of values.
        len: u32,
    },
    /// Top of the book on the display grid; the span points into `Outbox::levels`, best first.
    Ladder {
        /// The grid instant.
        at: Nanos,
        /// Whose.
        instrument: InstrumentId,
        /// Levels.
        span: LevelSpan,
    },
    /// One column of the heatmap: sizes summed per row of prices around mid, where the book is known. The span points into
    /// `Outbox::levels`: a level per row with the row's lowest price, ascending; from `asks` on stands the best ask's row.
    Relief {
        /// The grid instant.
        at: Nanos,
        /// Whose.
        instrument: InstrumentId,
        /// Width of a row, price units: row `r` holds prices from `r * width` to below `(r + 1) * width`.
        width: i64,
        /// Number of the first row.
        first: i64,
        /// Best bid.
        bid: Option<Price>,
        /// Best ask.
        ask: Option<Price>,
        /// Rows.
        span: LevelSpan,
    },
    /// Counters and state of one instrument's book, once a second and at every change of validity.
    Status(Box<Status>),
    /// The markets of one underlying side by side, once a second where two or more of them quote.
    Group(Box<GroupReport>),
    /// An instrument was added, or the venue told more about it.
    Instrument {
        /// Its index.
        instrument: InstrumentId,
        /// What is known.
        info: Box<Instrument>,
    },
    /// An alert begins, fires, gets worse or is over.
    Alert(Box<Alert>),
    /// How the watch over an instrument stands, with the status reports.
    Board(Box<Board>),
    /// Something went wrong, with its remedy.
    Fault(Box<Fault>),
    /// Something the feed has to do.
    Action(Action),
}

/// State of a book as readers should take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// Exact to the last update, within the trusted range.
    Live,
    /// Nothing received yet.
    Empty,
    /// Waiting for a snapshot that fits the buffered changes.
    Syncing,
    /// A change was lost; a new snapshot is on its way.
    Gap,
    /// A checksum did not match.
    Checksum,
    /// An independent message disagrees with the book.
    Audit,
    /// Bids at or above asks outside an auction.
    Crossed,
    /// The connection is down.
    Disconnected,
    /// Nothing arrives although there is evidence that it should.
    Stale,
    /// A number did not fit the exact units.
    Overflow,
}

/// Counters and state of one instrument's book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// When.
    pub at: Nanos,
    /// Whose.
    pub instrument: InstrumentId,
    /// May the book be believed, and if not, why.
    pub validity: Validity,
    /// Since when it is in that state.
    pub since: Nanos,
    /// Counters since the start.
    pub counters: Counters,
    /// Last update id applied; -1 before the first.
    pub last_update_id: i64,
    /// Number of levels: bids, asks.
    pub levels: (u32, u32),
    /// Lowest bid and highest ask price up to which the book is known, in units; `None` where it is known to the end.
    pub trusted: (Option<i64>, Option<i64>),
    /// Receive minus venue push time of the last event, ns, as the clocks say.
    pub latency_raw_ns: Option<i64>,
    /// The same corrected by the estimated clock offset, with the estimate's uncertainty, ns.
    pub latency_ns: Option<(i64, i64)>,
    /// Receive time of the last event.
    pub last_at: Nanos,
    /// How long the last recovery took from gap to valid, ns.
    pub recovery_ns: Option<i64>,
}

/// What was counted per instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Frames that said something of the instrument.
    pub frames: u64,
    /// Depth changes applied to the book.
    pub diffs_applied: u64,
    /// Depth changes older than the book, dropped.
    pub stale_dropped: u64,
    /// Changes lost.
    pub gaps: u64,
    /// Times the book was rebuilt after it had been valid.
    pub resyncs: u64,
    /// Checksums that matched.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
    /// Independent comparisons made.
    pub audit_checked: u64,
    /// Of these, equal.
    pub audit_matched: u64,
    /// Trades.
    pub trades: u64,
    /// Trades seen before (redundant connection, reconnect overlap).
    pub duplicates: u64,
    /// Updates of the best bid and ask.
    pub bbo_updates: u64,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When.
    pub at: Nanos,
    /// On which link.
    pub link: LinkId,
    /// Whose book, if one.
    pub instrument: Option<InstrumentId>,
    /// What kind.
    pub kind: FaultKind,
    /// What is done about it.
    pub remedy: Remedy,
    /// What happened, for people.
    pub text: String,
}

/// Kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A frame could not be read.
    Malformed,
    /// A change was lost.
    Gap,
    /// A checksum did not match.
    Checksum,
    /// The book disagrees with an independent message.
    Audit,
    /// Bids at or above asks.
    Crossed,
    /// A number did not fit.
    Overflow,
    /// The snapshot does not fit the changes.
    Snapshot,
    /// The connection ended.
    Disconnected,
    /// Silence with evidence.
    Stale,
    /// The venue refused something.
    Venue,
    /// The venue announced the end of the connection.
    Closing,
    /// A queue was full.
    Overrun,
    /// The tape could not be written.
    Tape,
    /// The venue refuses this place or address (403, 451).
    Refused,
    /// Too many requests (429, 418).
    Throttled,
}

/// What is done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Leave the frame out.
    Skip,
    /// Rebuild that book.
    Resync,
    /// Open the connection anew.
    Reconnect,
    /// Give up; a person has to act.
    Stop,
}

/// Something a feed has to do. In replay nobody listens: the answers are already on the tape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Fetch a depth snapshot of the instrument over HTTP (Binance).
    Snapshot {
        /// The link that wants it.
        link: LinkId,
        /// Whose.
        instrument: InstrumentId,
        /// A check of a live book may wait; a rebuild is urgent.
        urgent: bool,
    },
    /// Unsubscribe and subscribe the instrument's book anew (OKX).
    Resubscribe {
        /// On which link.
        link: LinkId,
        /// Whose.
        instrument: InstrumentId,
    },
    /// Close and open the link.
    Reconnect {
        /// Which.
        link: LinkId,
    },
    /// Open a successor first, then close the link.
    Rotate {
        /// Which.
        link: LinkId,
    },
}

/// What one step said; emptied and reused by the caller.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// In order.
    pub items: Vec<Output>,
    /// Arena of levels.
    pub levels: Vec<Level>,
    /// Arena of metric values.
    pub values: Vec<Value>,
}

impl Outbox {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.items.clear();
        self.levels.clear();
        self.values.clear();
    }
}
