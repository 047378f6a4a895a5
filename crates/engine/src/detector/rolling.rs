//! Means over the last seconds, and the clock of once a second.

use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// Longest window, seconds.
const SECONDS_MAX: usize = 600;

/// Mean over a window of whole seconds, the one that has begun included.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Mean {
    /// Sum and number of the values of each second.
    slots: Vec<(f64, u32)>,
    second: i64,
    /// Seconds that have begun since the start.
    begun: u32,
}

impl Mean {
    /// The next value of a window so long.
    pub(super) fn push(&mut self, at: Nanos, x: f64, seconds: u32) {
        let (second, len) = (at.0.div_euclid(NANOS_PER_SECOND), (seconds as usize).clamp(1, SECONDS_MAX));
        if self.slots.len() != len {
            *self = Mean { slots: vec![(0.0, 0); len], second, begun: 1 };
        }
        let steps = second.saturating_sub(self.second).clamp(0, len as i64);
        for step in 1..=steps {
            let slot = (self.second + step).rem_euclid(len as i64) as usize;
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = (0.0, 0);
            }
        }
        if steps > 0 {
            self.begun = self.begun.saturating_add(steps as u32);
            // After a long silence every slot was emptied, whichever they were.
            self.second = second;
        }
        if let Some(slot) = self.slots.get_mut(self.second.rem_euclid(len as i64) as usize) {
            slot.0 += x;
            slot.1 += 1;
        }
    }

    /// The mean, once the whole window was seen.
    pub(super) fn get(&self) -> Option<f64> {
        let full = !self.slots.is_empty() && self.begun as usize > self.slots.len();
        let (sum, count) = self.slots.iter().fold((0.0, 0), |(sum, count), slot| (sum + slot.0, count + slot.1));
        (full && count > 0).then(|| sum / f64::from(count))
    }

    /// Sum over the window, whether or not all of it was seen.
    pub(super) fn sum(&self) -> f64 {
        self.slots.iter().map(|slot| slot.0).sum()
    }

    /// Seconds seen and needed.
    pub(super) fn progress(&self) -> (u32, u32) {
        let need = self.slots.len() as u32 + 1;
        (self.begun.min(need), need)
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.begun = 0;
    }
}

/// True once in every second of the grid.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct EverySecond(i64);

impl EverySecond {
    /// Whether a new second has begun.
    pub(super) fn due(&mut self, at: Nanos) -> bool {
        let second = at.0.div_euclid(NANOS_PER_SECOND);
        std::mem::replace(&mut self.0, second) != second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(tenths: i64) -> Nanos {
        Nanos(tenths * NANOS_PER_SECOND / 10)
    }

    #[test]
    fn the_mean_of_three_seconds() {
        let mut mean = Mean::default();
        for (tenths, x) in [(100, 9.0), (105, 9.0), (110, 3.0), (120, 6.0)] {
            mean.push(s(tenths), x, 3);
            assert_eq!(mean.get(), None);
        }
        mean.push(s(130), 3.0, 3); // the nines have left
        assert_eq!((mean.get(), mean.sum(), mean.progress()), (Some(4.0), 12.0, (4, 4)));
        mean.push(s(1_000), 5.0, 3);
        assert_eq!(mean.get(), Some(5.0));
        mean.clear();
        assert_eq!(mean.get(), None);
    }

    #[test]
    fn once_a_second() {
        let mut every = EverySecond::default();
        assert_eq!([10, 15, 20, 20, 35].map(|tenths| every.due(s(tenths))), [true, false, true, false, true]);
    }
}
