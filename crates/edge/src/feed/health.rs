//! How each line is doing, for screens.

use crate::clock;
use fathometer_engine::input::{Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use serde::Serialize;

/// What a line is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Dialing, or queueing to dial.
    Connecting,
    /// Open.
    Open,
    /// Open, and a successor is being opened.
    Rotating,
    /// Waiting before the next try.
    Waiting,
    /// Given up; a person has to act.
    Stopped,
}

/// One line: a planned connection and all the links that were opened for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkHealth {
    /// The link that speaks now (the last one that did).
    pub link: LinkId,
    /// Which market.
    pub venue: Venue,
    /// First or second connection for the same streams.
    pub leg: Leg,
    /// The address.
    pub url: String,
    /// What it is doing.
    pub state: LinkState,
    /// Since when.
    pub since: Nanos,
    /// Frames received since the start, over all its links.
    pub frames: u64,
    /// Payload received since the start, bytes.
    pub bytes: u64,
    /// Times a link was opened after the first.
    pub reconnects: u64,
    /// When the last frame or ping came in.
    pub last_at: Option<Nanos>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl LinkHealth {
    pub(super) fn new(venue: Venue, leg: Leg, url: &str) -> Self {
        LinkHealth {
            link: NO_LINK,
            venue,
            leg,
            url: url.to_owned(),
            state: LinkState::Connecting,
            since: clock::now(),
            frames: 0,
            bytes: 0,
            reconnects: 0,
            last_at: None,
            last_error: None,
        }
    }

    pub(super) fn enter(&mut self, state: LinkState) {
        if self.state != state {
            self.state = state;
            self.since = clock::now();
        }
    }
}
