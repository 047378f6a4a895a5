//! Sums of floats over a window of whole seconds, added up anew whenever they are asked for, so that nothing drifts.

use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Sums of `width` amounts over the last seconds: the running one, and as many before it as the window is long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seconds {
    count: usize,
    width: usize,
    /// Number of the running second.
    now: i64,
    slots: VecDeque<f64>,
}

impl Seconds {
    pub(super) fn new(count: usize, width: usize) -> Self {
        Seconds { count, width, now: i64::MIN, slots: VecDeque::with_capacity((count + 1) * width) }
    }

    /// Adds at an instant of the window.
    pub(super) fn add(&mut self, at: Nanos, which: usize, amount: f64) {
        self.pass(at);
        let ago = self.now.saturating_sub(at.0.div_euclid(NANOS_PER_SECOND)).saturating_mul(self.width as i64);
        let slot = (self.slots.len() as i64).saturating_sub(self.width as i64).saturating_sub(ago);
        let slot = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot + which));
        if let Some(slot) = slot {
            *slot += amount;
        }
    }

    /// The seconds up to that instant have passed.
    #[inline]
    pub(super) fn pass(&mut self, at: Nanos) {
        let now = at.0.div_euclid(NANOS_PER_SECOND);
        if now > self.now {
            self.turn(now);
        }
    }

    #[cold]
    fn turn(&mut self, now: i64) {
        let steps = now.saturating_sub(self.now).min(self.count as i64 + 1) as usize;
        self.now = now;
        let old = (self.slots.len() + steps * self.width).saturating_sub((self.count + 1) * self.width);
        self.slots.drain(..old);
        self.slots.extend(std::iter::repeat_n(0.0, steps * self.width));
    }

    /// Sum of one of the amounts, as of the last `pass`.
    pub(super) fn sum(&self, which: usize) -> f64 {
        self.slots.iter().skip(which).step_by(self.width.max(1)).sum()
    }

    /// Nothing was seen.
    pub(super) fn reset(&mut self) {
        self.slots.iter_mut().for_each(|slot| *slot = 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_running_second_and_so_many_before_it() {
        let at = |ms| Nanos::from_millis(ms);
        let mut seconds = Seconds::new(2, 2);
        seconds.add(at(500), 0, 1.0);
        seconds.add(at(1_999), 1, 10.0);
        seconds.add(at(2_000), 0, 100.0);
        assert_eq!((seconds.sum(0), seconds.sum(1)), (101.0, 10.0));
        seconds.pass(at(3_000));
        assert_eq!((seconds.sum(0), seconds.sum(1)), (100.0, 10.0));
        seconds.add(at(2_500), 0, 1_000.0); // a second that has passed
        assert_eq!(seconds.sum(0), 1_100.0);
        seconds.add(at(0), 0, 7.0); // long gone
        assert_eq!(seconds.sum(0), 1_100.0);
        seconds.pass(at(86_400_000));
        assert_eq!((seconds.sum(0), seconds.sum(1)), (0.0, 0.0));
    }
}
