//! Everything that can differ between two runs: what arrived, on which link, and when.

use crate::instrument::Venue;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// One connection, numbered by whoever opened it; a number is never reused within a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkId(pub u32);

/// The link of inputs that belong to no connection (ticks).
pub const NO_LINK: LinkId = LinkId(u32::MAX);

/// One thing that happened, in the order in which the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input<'a> {
    /// When it was received, by our clock.
    pub at: Nanos,
    /// On which link.
    pub link: LinkId,
    /// What.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// What arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body<'a> {
    /// A connection to a venue is open; `url` is the whole address, from which the venue's own rules know what it carries.
    Open {
        /// Which market speaks on it.
        venue: Venue,
        /// First (A) or second (B) connection for the same streams.
        leg: Leg,
        /// The address.
        url: &'a str,
    },
    /// A text frame.
    Text(&'a [u8]),
    /// A binary frame.
    Binary(&'a [u8]),
    /// An answer over HTTP, attributed to a link of its venue.
    Reply {
        /// When the request left, by our clock.
        sent: Nanos,
        /// Path and query: `/api/v3/depth?symbol=BTCUSDT&limit=1000`.
        request: &'a str,
        /// HTTP status.
        status: u16,
        /// Body.
        body: &'a [u8],
    },
    /// The connection ended.
    Close {
        /// Why, for people.
        reason: &'a str,
    },
    /// Time passed (live: every 100 ms), so that silence is on the tape too.
    Tick,
    /// Whole engine state (`Engine::checkpoint`) at the head of a tape segment: a fresh engine starts from it, a running one skips it.
    Checkpoint(&'a [u8]),
}

/// The reason of a `Close` that follows a plan: another connection carries on, so it is no fault.
pub const REPLACED: &str = "replaced in time by its successor";

/// Which of two redundant connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Leg {
    /// The first, or the only one.
    A,
    /// The second.
    B,
}
