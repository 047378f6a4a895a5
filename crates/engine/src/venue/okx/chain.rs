//! How OKX's book updates follow each other.
//!
//! 1. A snapshot comes in the stream, with `prevSeqId` -1, and replaces whatever was there.
//! 2. An update follows if its `prevSeqId` is the last `seqId`. Ids are never compared by size: after maintenance an update
//!    has `seqId` below `prevSeqId`, and counting goes on from there.
//! 3. Every 60 s without change an empty update comes with both ids equal to the last.
//! 4. The last update once more (same ids) is old. Anything else is a gap: unsubscribe, subscribe, wait for the new snapshot; until then updates are ignored.
//! 5. Before 2021-10 there were no ids: only the checksum tells.
//! 6. A snapshot over HTTP is newer by half an update as a rule: an update that spans it carries it on, but for what
//!    changed and changed back in between. One from before ids were counted anew cannot be placed, and is refused.
//! 7. Where two connections carry the same book, an update at or below the last id that does not follow came over the
//!    slower one.

use crate::event::Depth;
use crate::sync::{Fit, Follow};

/// How an update stands to a snapshot taken over HTTP, which has a `seqId` in the same numbering.
pub(crate) fn fit(snapshot: i64, event: &Depth) -> Fit {
    if event.prev_id == snapshot || (event.prev_id < snapshot && snapshot < event.last_id) {
        Fit::Starts
    } else if event.last_id <= snapshot {
        Fit::Stale
    } else {
        Fit::SnapshotTooOld
    }
}

/// Rules 2 to 5, and 7.
pub(crate) fn follow(last: i64, event: &Depth, redundant: bool) -> Follow {
    let unnumbered = event.prev_id < 0 && event.last_id < 0;
    if unnumbered || event.prev_id == last {
        Follow::Next
    } else if event.last_id == last || (redundant && event.last_id <= last) {
        Follow::Old
    } else {
        Follow::Gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{DepthKind, LevelSpan};

    fn update(prev_id: i64, last_id: i64) -> Depth {
        let span = LevelSpan { start: 0, asks: 0, end: 0 };
        Depth { kind: DepthKind::Diff, first_id: -1, last_id, prev_id, checksum: None, limit: 400, span }
    }

    #[test]
    fn an_update_that_spans_a_snapshot_carries_it_on() {
        assert_eq!(fit(10, &update(10, 15)), Fit::Starts);
        assert_eq!(fit(12, &update(10, 15)), Fit::Starts);
        assert_eq!(fit(15, &update(10, 15)), Fit::Stale);
        assert_eq!(fit(9, &update(10, 15)), Fit::SnapshotTooOld);
        assert_eq!(fit(900, &update(1000, 3)), Fit::Stale);
        assert_eq!(fit(2, &update(1000, 3)), Fit::SnapshotTooOld, "counting began anew in between");
    }

    #[test]
    fn an_update_sent_twice_is_no_gap() {
        assert_eq!(follow(10, &update(10, 15), false), Follow::Next);
        assert_eq!(follow(15, &update(10, 15), false), Follow::Old);
        assert_eq!(follow(15, &update(7, 10), false), Follow::Gap, "ids are not compared by size");
        assert_eq!(follow(15, &update(15, 3), false), Follow::Next, "counting starts anew after maintenance");
        assert_eq!(follow(3, &update(3, 3), false), Follow::Next, "nothing changed for a minute");
    }
}
