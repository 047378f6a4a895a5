//! Durations counted in bins: those of the last minute, second by second, and all since the start.

use super::bins::Edges;
use serde::Serialize;
use std::collections::VecDeque;

/// Seconds that the rolling figures cover.
pub const WINDOW_SECONDS: usize = 60;

/// Counts since the start and of the last `WINDOW_SECONDS` whole seconds.
#[derive(Debug)]
pub struct Rolling {
    edges: &'static Edges,
    current: Vec<u32>,
    current_max: i64,
    window: Vec<u32>,
    past: VecDeque<Second>,
    total: Vec<u64>,
    total_max: i64,
    sum_nanos: i128,
}

/// One second that is over: bins with something in them.
#[derive(Debug)]
struct Second {
    counts: Vec<(u32, u32)>,
    max: i64,
}

/// What durations come to; in nanoseconds, absent where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 90 of 100 took no longer.
    pub p90: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99: Option<f64>,
    /// 999 of 1000 took no longer.
    pub p999: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

impl Summary {
    /// In another unit of that many nanoseconds, rounded to what the bins can tell.
    pub fn per(self, unit: f64) -> Self {
        let scale = |nanos: Option<f64>| nanos.map(|nanos| four_digits(nanos / unit));
        Summary {
            count: self.count,
            p50: scale(self.p50),
            p90: scale(self.p90),
            p99: scale(self.p99),
            p999: scale(self.p999),
            max: scale(self.max),
        }
    }
}

/// Rounded to four significant digits.
pub fn four_digits(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let digits = (3 - number.abs().log10().floor() as i32).clamp(-18, 18);
    let factor = 10f64.powi(digits.abs());
    if digits >= 0 { (number * factor).round() / factor } else { (number / factor).round() * factor }
}

impl Rolling {
    /// Nothing counted.
    pub fn new(edges: &'static Edges) -> Self {
        let bins = edges.bins();
        Rolling {
            edges,
            current: vec![0; bins],
            current_max: i64::MIN,
            window: vec![0; bins],
            past: VecDeque::with_capacity(WINDOW_SECONDS),
            total: vec![0; bins],
            total_max: i64::MIN,
            sum_nanos: 0,
        }
    }

    /// Counts one duration.
    #[inline]
    pub fn add(&mut self, nanos: i64) {
        if let Some(count) = self.current.get_mut(self.edges.bin(nanos)) {
            *count = count.saturating_add(1);
        }
        self.current_max = self.current_max.max(nanos);
        self.sum_nanos += i128::from(nanos);
    }

    /// A second is over: what it came to.
    pub fn close_second(&mut self) -> Summary {
        let summary = self.summarise(self.current.iter().map(|count| u64::from(*count)), self.current_max);
        let mut counts = Vec::new();
        if summary.count > 0 {
            for (bin, count) in self.current.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
                counts.push((bin as u32, *count));
                *count = 0;
            }
        }
        for (bin, count) in &counts {
            if let (Some(window), Some(total)) = (self.window.get_mut(*bin as usize), self.total.get_mut(*bin as usize))
            {
                *window = window.saturating_add(*count);
                *total += u64::from(*count);
            }
        }
        self.total_max = self.total_max.max(self.current_max);
        if self.past.len() >= WINDOW_SECONDS
            && let Some(old) = self.past.pop_front()
        {
            for (bin, count) in old.counts {
                if let Some(window) = self.window.get_mut(bin as usize) {
                    *window = window.saturating_sub(count);
                }
            }
        }
        self.past.push_back(Second { counts, max: self.current_max });
        self.current_max = i64::MIN;
        summary
    }

    /// The last minute.
    pub fn recent(&self) -> Summary {
        let max = self.past.iter().map(|second| second.max).max().unwrap_or(i64::MIN);
        self.summarise(self.window.iter().map(|count| u64::from(*count)), max)
    }

    /// Everything since the start, but for the second under way.
    pub fn all(&self) -> Summary {
        self.summarise(self.total.iter().copied(), self.total_max)
    }

    /// The last minute's counts between coarser edges; only as far as there are any. One edge more than counts.
    pub fn drawn(&self, drawn: &Edges) -> (Vec<i64>, Vec<u64>) {
        let mut counts = vec![0u64; drawn.bins()];
        for (bin, count) in self.window.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The first bin is open below, the last above: each goes to its like.
            let into = if bin == 0 { 0 } else { drawn.bin(self.edges.range(bin).0) };
            if let Some(sum) = counts.get_mut(into) {
                *sum += u64::from(*count);
            }
        }
        let Some(first) = counts.iter().position(|count| *count > 0) else { return (Vec::new(), Vec::new()) };
        let last = counts.iter().rposition(|count| *count > 0).unwrap_or(first);
        let mut edges: Vec<i64> = (first..=last).map(|bin| drawn.range(bin).0).collect();
        edges.push(drawn.range(last).1);
        (edges, counts.get(first..=last).unwrap_or_default().to_vec())
    }

    /// Since the start: how many were below each of these edges (which must be edges of ours), how many there were, and
    /// their sum, nanoseconds.
    pub fn cumulative(&self, edges: &[i64]) -> (Vec<u64>, u64, f64) {
        let with_current = |bin: usize| {
            let current = self.current.get(bin).copied().unwrap_or(0);
            self.total.get(bin).copied().unwrap_or(0) + u64::from(current)
        };
        let mut below = Vec::with_capacity(edges.len());
        let (mut seen, mut next) = (0, 0);
        for edge in edges {
            let end = self.edges.bin(edge.saturating_sub(1)) + 1;
            seen += (next..end).map(with_current).sum::<u64>();
            next = next.max(end);
            below.push(seen);
        }
        seen += (next..self.edges.bins()).map(with_current).sum::<u64>();
        (below, seen, self.sum_nanos as f64)
    }

    fn summarise(&self, counts: impl Iterator<Item = u64> + Clone, max: i64) -> Summary {
        let count: u64 = counts.clone().sum();
        if count == 0 {
            return Summary::default();
        }
        let quantile = |share: f64| {
            let rank = (count as f64 * share).max(1.0);
            let mut seen = 0.0;
            for (bin, in_bin) in counts.clone().enumerate().filter(|(_, in_bin)| *in_bin > 0) {
                let in_bin = in_bin as f64;
                if seen + in_bin >= rank {
                    // Within a bin durations are taken to lie evenly.
                    let (from, to) = self.edges.range(bin);
                    let value = from as f64 + (to - from) as f64 * (rank - seen) / in_bin;
                    return Some(value.min(max as f64));
                }
                seen += in_bin;
            }
            Some(max as f64)
        };
        Summary {
            count,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: Some(max as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bins::{NETWORK, NETWORK_DRAWN, STAGE, buckets};
    use super::*;

    #[test]
    fn quantiles_are_near_and_old_seconds_are_forgotten() {
        let mut rolling = Rolling::new(&STAGE);
        assert_eq!(rolling.recent(), Summary::default());
        (1..=1_000).for_each(|micros| rolling.add(micros * 1_000));
        let second = rolling.close_second();
        for (told, micros) in [(second.p50, 500.0), (second.p99, 990.0), (second.max, 1_000.0)] {
            let told = told.unwrap() / 1e3;
            assert!((told - micros).abs() / micros < 0.02, "{told} instead of {micros}");
        }
        assert_eq!(rolling.recent(), second);
        for _ in 0..WINDOW_SECONDS {
            rolling.close_second();
        }
        assert_eq!(rolling.recent(), Summary::default());
        assert_eq!(rolling.all(), second);
        assert!(rolling.window.iter().all(|count| *count == 0));
    }

    #[test]
    fn drawn_bins_hold_every_count_once() {
        let mut rolling = Rolling::new(&NETWORK);
        for nanos in [-300_000_000_000, -1_500_000, -1, 0, 999_999, 1_000_000, 2_500_000, 3_000_000] {
            rolling.add(nanos);
        }
        rolling.close_second();
        let (edges, counts) = rolling.drawn(&NETWORK_DRAWN);
        assert_eq!((edges.len(), counts.iter().sum::<u64>()), (counts.len() + 1, 8));
        let mut near = Rolling::new(&NETWORK);
        [-1, 0, 999_999, 1_000_000, 2_500_000].into_iter().for_each(|nanos| near.add(nanos));
        near.close_second();
        let millis = |ms: i64| ms * 1_000_000;
        assert_eq!(near.drawn(&NETWORK_DRAWN), ((-1..=3).map(millis).collect(), vec![1, 2, 1, 1]));
    }

    #[test]
    fn cumulative_counts_are_those_below_the_edge() {
        let mut rolling = Rolling::new(&STAGE);
        for micros in [1, 2, 3, 7, 30] {
            rolling.add(micros * 1_000);
            rolling.close_second();
        }
        rolling.add(40_000);
        let (below, count, sum) = rolling.cumulative(&buckets(1_000, 20_000));
        assert_eq!((below, count, sum), (vec![0, 1, 3, 4, 4], 6, 83_000.0));
    }

    #[test]
    fn numbers_keep_four_digits() {
        for (number, kept) in
            [(0.0, 0.0), (1.23456, 1.235), (-123_456.0, -123_500.0), (0.000123456, 0.0001235), (99.999, 100.0)]
        {
            assert_eq!(four_digits(number), kept);
        }
    }
}
