//! Which connections are open, who speaks on them, and how far each venue's clock is from ours.

use super::offset::Offset;
use crate::input::{Leg, LinkId};
use crate::instrument::Venue;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Link {
    venue: Venue,
    leg: Leg,
    url: String,
    open: bool,
    last_at: Nanos,
}

/// All links of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Links {
    by_id: BTreeMap<LinkId, Link>,
    offsets: [Offset; 4],
    pub(super) unknown_kinds: u64,
    pub(super) unknown_keys: u64,
}

impl Links {
    pub(super) fn open(&mut self, id: LinkId, venue: Venue, leg: Leg, url: &str) {
        self.by_id.insert(id, Link { venue, leg, url: url.to_owned(), open: true, last_at: Nanos(0) });
    }

    /// Forgets a link; its venue, if it was known.
    pub(super) fn close(&mut self, id: LinkId) -> Option<Venue> {
        self.by_id.remove(&id).map(|link| link.venue)
    }

    /// The venue that speaks on a link.
    #[inline]
    pub(super) fn on_frame(&mut self, id: LinkId, at: Nanos) -> Option<Venue> {
        let link = self.by_id.get_mut(&id)?;
        link.last_at = at;
        Some(link.venue)
    }

    pub(super) fn on_time(&mut self, venue: Venue, server: Nanos, sent: Nanos, received: Nanos) {
        self.offsets[venue as usize].on_round_trip(server, sent, received);
    }

    #[inline]
    pub(super) fn offset(&self, venue: Venue) -> Option<(i64, i64)> {
        self.offsets[venue as usize].estimate()
    }
}
