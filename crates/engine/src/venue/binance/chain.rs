//! How Binance's depth updates follow each other: the numbered rules of its "How to manage a local order book correctly".
//!
//! Spot (wording of 2025-11-12):
//! 1. Open the stream, buffer the events, note `U` of the first.
//! 2. Get a depth snapshot.
//! 3. If its `lastUpdateId` is below that `U`, get another; the buffer is kept.
//! 4. Drop buffered events with `u <= lastUpdateId`; the first one left must have `U <= lastUpdateId + 1 <= u`.
//! 5. From then on: `u` at or below the book's id is old; `U` above id + 1 is a gap; else sizes are absolute, 0 removes.
//! 6. Levels outside the snapshot are unknown until they change.
//!
//! Futures (USD-M and COIN-M):
//! 3. The snapshot has up to 1000 levels.
//! 4. Drop events with `u < lastUpdateId`.
//! 5. The first event must have `U <= lastUpdateId <= u`; `pu == lastUpdateId` is as good. Where the snapshot falls into
//!    the hole between two events (`pu < lastUpdateId < U`), get another.
//! 6. From then on each event's `pu` must be the previous event's `u`; ids skip, so that `U` proves nothing.

use crate::event::Depth;
use crate::sync::{Fit, Follow};

/// Spot rules 3 and 4: how an event stands to a snapshot.
pub(crate) fn spot_fit(snapshot: i64, event: &Depth) -> Fit {
    if event.last_id <= snapshot {
        Fit::Stale
    } else if event.first_id <= snapshot.saturating_add(1) {
        Fit::Starts
    } else {
        Fit::SnapshotTooOld
    }
}

/// Spot rule 5.
pub(crate) fn spot_follow(last: i64, event: &Depth) -> Follow {
    if event.last_id <= last {
        Follow::Old
    } else if event.first_id <= last.saturating_add(1) {
        Follow::Next
    } else {
        Follow::Gap
    }
}

/// Futures rules 4 and 5.
pub(crate) fn futures_fit(snapshot: i64, event: &Depth) -> Fit {
    if event.last_id < snapshot {
        Fit::Stale
    } else if event.first_id <= snapshot || event.prev_id == snapshot {
        Fit::Starts
    } else if event.prev_id < snapshot {
        Fit::Hole
    } else {
        Fit::SnapshotTooOld
    }
}

/// Futures rule 6.
pub(crate) fn futures_follow(last: i64, event: &Depth) -> Follow {
    if event.prev_id == last {
        Follow::Next
    } else if event.last_id <= last {
        Follow::Old
    } else {
        Follow::Gap
    }
}
