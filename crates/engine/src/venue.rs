//! What each exchange sends and expects: one folder per exchange, and nobody else knows.

use crate::instrument::Venue;
use serde::{Deserialize, Serialize};

/// Where a venue is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// WebSocket base (`wss://stream.binance.com:9443`, `wss://fstream.binance.com`, `wss://ws.okx.com:8443/ws/v5`).
    pub ws: String,
    /// HTTP base (`https://api.binance.com`).
    pub rest: String,
}

/// How a connection is kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// The server pings; answering is enough.
    ServerPing,
    /// We send the text `ping` after that many seconds of silence.
    TextPing {
        /// Seconds of silence.
        after_seconds: u32,
    },
}

/// One connection to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPlan {
    /// Which market.
    pub venue: Venue,
    /// The whole address.
    pub url: String,
    /// Text frames to send once open, in order (subscriptions, in batches within the venue's limits).
    pub hello: Vec<String>,
    /// Most frames we may send per second, our pongs included.
    pub frames_per_second_max: u32,
    /// How it is kept alive.
    pub heartbeat: Heartbeat,
    /// Open a successor after that many seconds (before the venue cuts at 24 h).
    pub rotate_seconds: u32,
    /// Silence of the whole connection that is evidence of death, seconds.
    pub silence_seconds: u32,
    /// Symbols it carries, as the venue writes them.
    pub symbols: Vec<String>,
    /// Whether depth comes on it (else only trades, marks and the like).
    pub depth: bool,
}

/// An HTTP request within a weight budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// Cost within the venue's budget.
    pub weight: u32,
}

/// What a decoder makes of one input; reused for every input.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Market events, in order.
    pub events: Vec<crate::event::Stamped>,
    /// What is said of the connection.
    pub controls: Vec<crate::event::Control>,
    /// Levels that the events' spans point into.
    pub levels: Vec<crate::units::Level>,
    /// Levels (index into `levels`) whose text was not the canonical one, with price and size as written: a checksum
    /// over text needs them.
    pub texts: Vec<(u32, Box<str>, Box<str>)>,
    /// Keys that were not known.
    pub unknown_keys: u64,
}

impl Decoded {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.controls.clear();
        self.levels.clear();
        self.texts.clear();
        self.unknown_keys = 0;
    }
}

pub mod binance;
pub mod okx;
pub mod rules;
pub mod symbol;

pub use symbol::infer;

/// Turns one input of a venue into events.
#[inline]
pub fn decode(
    venue: Venue,
    body: &crate::input::Body<'_>,
    registry: &mut crate::registry::Registry,
    out: &mut Decoded,
) {
    match venue {
        Venue::Okx => okx::decode(body, registry, out),
        _ => binance::decode(venue, body, registry, out),
    }
}

/// A parameter of a request's query.
pub fn query<'a>(request: &'a str, key: &str) -> Option<&'a str> {
    let (_, query) = request.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}
