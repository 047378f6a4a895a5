//! A virtual order's place in the queue of its level, bounded from both sides.
//!
//! Depth by price does not tell who left a level: with all cancels ahead of the order the queue shortens fastest, with none
//! it shortens by trades only. Between the two, a cancel is ahead of the order as likely as its place is deep: share ahead
//! / level. Assumed: the order itself moves nobody; a trade that is told after the change of its level is taken for a cancel
//! first (which shortens the two lower estimates only).

use serde::{Deserialize, Serialize};

/// Which cancels are ahead.
pub const ALL: usize = 0;
/// Those that chance puts there.
pub const LIKELY: usize = 1;
/// None.
pub const NONE: usize = 2;

/// A resting order of some size, in size units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// What must trade before it does; below zero it is being filled. By which cancels are ahead.
    ahead: [f64; 3],
    /// What stood at its price last, itself aside.
    level: f64,
    /// Traded at its price since the level was told last.
    traded: f64,
    size: f64,
}

impl Queue {
    /// Joins a level of that size.
    pub fn join(level: f64, size: f64) -> Queue {
        Queue { ahead: [level; 3], level, traded: 0.0, size }
    }

    /// That much traded at its price, against its side.
    pub fn trade(&mut self, size: f64) {
        self.ahead.iter_mut().for_each(|ahead| *ahead -= size);
        self.traded += size;
    }

    /// Its price was traded through, or met by the other side.
    pub fn passed(&mut self) {
        self.ahead = [-self.size; 3];
    }

    /// Its level was told anew.
    pub fn level(&mut self, size: f64) {
        let cancelled = (self.level - size - self.traded).max(0.0);
        let share = if self.level > 0.0 { (self.ahead[LIKELY] / self.level).clamp(0.0, 1.0) } else { 0.0 };
        for (ahead, part) in self.ahead.iter_mut().zip([1.0, share, 0.0]) {
            if *ahead > 0.0 {
                // What is ahead stands in the level, so it is never more than the level.
                *ahead = (*ahead - cancelled * part).clamp(0.0, size.max(0.0));
            }
        }
        (self.level, self.traded) = (size, 0.0);
    }

    /// Whether it is filled to the end, by which cancels are ahead.
    pub fn filled(&self) -> [bool; 3] {
        self.ahead.map(|ahead| ahead <= -self.size)
    }

    /// What must trade before it does, by which cancels are ahead.
    pub fn ahead(&self) -> [f64; 3] {
        self.ahead.map(|ahead| ahead.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let mut queue = Queue::join(100.0, 10.0);
        queue.trade(20.0);
        queue.level(80.0); // the trade, told
        assert_eq!(queue.ahead(), [80.0; 3]);
        queue.level(40.0); // 40 cancels of 80, all of which are ahead
        assert_eq!(queue.ahead(), [40.0, 40.0, 40.0]);
        queue.level(100.0); // 60 come behind
        queue.level(50.0); // 50 cancels: all ahead, 40 of 100, or none (but it stands in the level)
        assert_eq!(queue.ahead(), [0.0, 20.0, 40.0]);
        queue.trade(10.0);
        assert_eq!(queue.filled(), [true, false, false]);
        queue.level(40.0);
        queue.trade(20.0);
        assert_eq!(queue.filled(), [true, true, false]);
        queue.level(20.0);
        queue.trade(19.0);
        assert_eq!(queue.filled(), [true, true, false]);
        queue.trade(1.0);
        assert_eq!(queue.filled(), [true; 3]);
    }

    #[test]
    fn a_price_that_is_passed_fills_all() {
        let mut queue = Queue::join(1e6, 1.0);
        queue.passed();
        assert_eq!(queue.filled(), [true; 3]);
    }

    proptest! {
        #[test]
        fn the_likely_place_lies_between_the_bounds(events in proptest::collection::vec((any::<bool>(), 0.0..50.0f64), 1..60)) {
            let mut queue = Queue::join(100.0, 5.0);
            for (is_trade, size) in events {
                if is_trade { queue.trade(size) } else { queue.level(2.0 * size) }
                let [all, likely, none] = queue.ahead();
                prop_assert!(all <= likely + 1e-9 && likely <= none + 1e-9, "{queue:?}");
                let [all, likely, none] = queue.filled();
                prop_assert!(all >= likely && likely >= none, "{queue:?}");
            }
        }
    }
}
