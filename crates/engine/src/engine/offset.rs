//! How far a venue's clock is ahead of ours, from round trips to its `/time`.

use crate::units::{NANOS_PER_MILLI, Nanos};
use serde::{Deserialize, Serialize};

/// Round trips kept; with one a minute that is a quarter of an hour.
const KEPT: usize = 16;
/// Drift allowed between two clocks: 50 parts per million, the usual bound of a crystal.
const DRIFT_NANOS_PER_SECOND: i64 = 50_000;

/// Best estimate from the latest round trips.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Offset {
    /// (received, offset, uncertainty), ns.
    samples: Vec<(Nanos, i64, i64)>,
    best: Option<(i64, i64)>,
}

impl Offset {
    /// The server read its clock some time between our `sent` and `received`: offset is against the middle, uncertain by
    /// half the round trip and by half the millisecond in which servers tell the time.
    pub(super) fn on_round_trip(&mut self, server: Nanos, sent: Nanos, received: Nanos) {
        let round_trip = received.since(sent);
        if round_trip < 0 {
            return; // our own clock was set back in between
        }
        let middle = sent.plus(round_trip / 2);
        let told = server.plus(NANOS_PER_MILLI / 2);
        if self.samples.len() == KEPT {
            self.samples.remove(0);
        }
        self.samples.push((received, told.since(middle), round_trip / 2 + NANOS_PER_MILLI / 2));
        let widened = |(at, offset, uncertainty): &(Nanos, i64, i64)| {
            (*offset, uncertainty + received.since(*at) / 1_000_000_000 * DRIFT_NANOS_PER_SECOND)
        };
        self.best = self.samples.iter().map(widened).min_by_key(|(_, uncertainty)| *uncertainty);
    }

    /// (venue clock minus ours, uncertainty), ns.
    pub(super) fn estimate(&self) -> Option<(i64, i64)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_counts() {
        let mut offset = Offset::default();
        let ms = |n: i64| Nanos::from_millis(n);
        offset.on_round_trip(ms(1_270), ms(0), ms(200)); // sloppy: between 1,070 and 1,270 ahead
        offset.on_round_trip(ms(2_280), ms(1_000), ms(1_020)); // tight
        let (estimate, uncertainty) = offset.estimate().unwrap();
        assert_eq!(estimate, 1_270_500_000);
        assert_eq!(uncertainty, 10_500_000);
        offset.on_round_trip(ms(9_999), ms(3_000), ms(2_000)); // our clock jumped back: ignored
        assert_eq!(offset.estimate().unwrap().0, 1_270_500_000);
    }
}
