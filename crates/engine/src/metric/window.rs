//! Rolling sums over buckets of 100 ms or of a second of event time: exact integers, so that nothing drifts however long it runs.
//!
//! A bucket holds what happened in [k, k+1) x 100 ms. At an instant on that grid a window of W seconds is exactly
//! [t - W, t); between two grid instants it also holds the bucket that has begun.

use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// Length of a bucket, ns.
pub(super) const BUCKET_NS: i64 = 100_000_000;

/// An integer that sums stop at their limit instead of wrapping.
pub(super) trait Amount: Copy + Default {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
}

impl Amount for i64 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl Amount for i128 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

/// Sums of `N` amounts over a rolling window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Window<T> {
    /// Length of a bucket, ns.
    bucket_ns: i64,
    /// Length, buckets.
    buckets: i64,
    /// Amounts per bucket.
    width: usize,
    /// End of the bucket that is being filled, ns.
    until: i64,
    /// Where that bucket stands in `slots`.
    head: usize,
    /// One bucket more than the window is long, as a ring.
    slots: Vec<T>,
    sums: Vec<T>,
    /// Since when everything was seen.
    since: Option<Nanos>,
}

impl<T: Amount> Window<T> {
    /// Buckets of 100 ms.
    pub(super) fn new(buckets: usize, width: usize) -> Self {
        Self::with(BUCKET_NS, buckets, width)
    }

    /// Buckets of a second, where a tenth of the memory matters more than where the window begins.
    pub(super) fn of_seconds(buckets: usize, width: usize) -> Self {
        Self::with(NANOS_PER_SECOND, buckets, width)
    }

    fn with(bucket_ns: i64, buckets: usize, width: usize) -> Self {
        let slots = vec![T::default(); (buckets + 1) * width];
        let sums = vec![T::default(); width];
        Window { bucket_ns, buckets: buckets as i64, width, until: i64::MIN, head: 0, slots, sums, since: None }
    }

    /// Something was seen: begins, if it has not begun, and drops what is older than the window.
    #[inline]
    pub(super) fn advance(&mut self, at: Nanos) {
        if self.since.is_none() {
            self.since = Some(at);
        }
        self.roll(at);
    }

    /// Drops what is older than the window.
    #[inline]
    pub(super) fn roll(&mut self, at: Nanos) {
        if at.0 >= self.until {
            self.turn(at);
        }
    }

    /// Adds to one of the sums.
    #[inline]
    pub(super) fn add(&mut self, at: Nanos, which: usize, amount: T) {
        self.advance(at);
        if let (Some(slot), Some(sum)) = (self.slots.get_mut(self.head + which), self.sums.get_mut(which)) {
            *slot = slot.plus(amount);
            *sum = sum.plus(amount);
        }
    }

    /// A sum over the window, as of the last `advance` or `roll`.
    pub(super) fn sum(&self, which: usize) -> T {
        self.sums.get(which).copied().unwrap_or_default()
    }

    /// Whether the whole window was seen, as of the last `advance` or `roll`.
    pub(super) fn is_full(&self) -> bool {
        self.since.is_some_and(|since| since.0 <= self.start())
    }

    /// How much of the window was seen at `at`, ns.
    pub(super) fn covered(&self, at: Nanos) -> i64 {
        self.since.map_or(0, |since| at.0.saturating_sub(since.0.max(self.start())))
    }

    /// Begins anew at the next `advance`.
    pub(super) fn reset(&mut self) {
        self.since = None;
        self.until = i64::MIN;
        self.clear();
    }

    /// Turns every amount into other units: `convert(which, amount)`.
    pub(super) fn convert(&mut self, convert: impl Fn(usize, T) -> T) {
        self.sums.fill(T::default());
        for bucket in self.slots.chunks_mut(self.width.max(1)) {
            for (which, (slot, sum)) in bucket.iter_mut().zip(&mut self.sums).enumerate() {
                *slot = convert(which, *slot);
                *sum = sum.plus(*slot);
            }
        }
    }

    fn start(&self) -> i64 {
        self.until.saturating_sub((self.buckets + 1).saturating_mul(self.bucket_ns))
    }

    fn clear(&mut self) {
        self.slots.fill(T::default());
        self.sums.fill(T::default());
    }

    #[cold]
    fn turn(&mut self, at: Nanos) {
        let next = self.until.saturating_add(self.bucket_ns);
        let (until, steps) = if at.0 < next {
            (next, 1) // nearly always, and nothing has to be divided
        } else {
            let until = at.0.saturating_sub(at.0.rem_euclid(self.bucket_ns)).saturating_add(self.bucket_ns);
            (until, until.saturating_sub(self.until) / self.bucket_ns.max(1))
        };
        self.until = until;
        if steps > self.buckets {
            self.clear();
            return;
        }
        for _ in 0..steps {
            self.head += self.width;
            if self.head >= self.slots.len() {
                self.head = 0;
            }
            let Some(bucket) = self.slots.get_mut(self.head..self.head + self.width) else { continue };
            for (slot, sum) in bucket.iter_mut().zip(&mut self.sums) {
                *sum = sum.minus(*slot);
            }
            bucket.fill(T::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> Nanos {
        Nanos::from_millis(ms)
    }

    #[test]
    fn a_window_on_the_grid_holds_exactly_its_length() {
        let mut w = Window::<i64>::new(10, 1);
        for (at, amount) in [(1_000, 1), (1_099, 10), (1_100, 100), (1_950, 1_000)] {
            w.add(ms(at), 0, amount);
        }
        for (at, sum) in [(1_999, 1_111), (2_000, 1_111), (2_100, 1_100), (2_200, 1_000), (2_900, 1_000), (3_000, 0)] {
            w.advance(ms(at));
            assert_eq!(w.sum(0), sum, "at {at} ms");
        }
    }

    #[test]
    fn it_is_full_once_all_of_it_was_seen() {
        let mut w = Window::<i64>::new(10, 1);
        assert_eq!((w.is_full(), w.covered(ms(7))), (false, 0));
        w.advance(ms(1_050));
        w.advance(ms(2_000));
        assert_eq!((w.is_full(), w.covered(ms(2_000))), (false, 950_000_000));
        w.advance(ms(2_100));
        assert_eq!((w.is_full(), w.covered(ms(2_100))), (true, 1_000_000_000));
        w.reset();
        assert!(!w.is_full());
    }

    #[test]
    fn after_a_long_silence_nothing_is_left() {
        let mut w = Window::<i128>::new(3, 2);
        w.add(ms(0), 1, 5);
        w.advance(ms(86_400_000));
        assert_eq!((w.sum(0), w.sum(1)), (0, 0));
        w.add(ms(86_400_000), 1, 7);
        w.convert(|which, x| x * if which == 1 { 10 } else { 1 });
        assert_eq!(w.sum(1), 70);
    }

    proptest::proptest! {
        #[test]
        fn equals_a_plain_list(events in proptest::collection::vec((0i64..400, -50i64..50), 1..200)) {
            let mut w = Window::<i64>::new(7, 1);
            let (mut now, mut all) = (0, Vec::new());
            for (step, amount) in events {
                now += step;
                w.add(ms(now), 0, amount);
                all.push((now / 100, amount));
                let plain: i64 = all.iter().filter(|(k, _)| *k >= now / 100 - 7).map(|(_, a)| a).sum();
                proptest::prop_assert_eq!(w.sum(0), plain);
            }
        }
    }
}
