//! Where one bin of durations ends and the next begins: fine enough for quantiles, with the edges that screens draw.

use std::sync::LazyLock;

const MICRO: i64 = 1_000;
const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

/// Ascending edges, nanoseconds: bin 0 holds what is below the first, bin i what is in `edges[i - 1]..edges[i]`, the last
/// what is at or above the last edge.
#[derive(Debug)]
pub struct Edges(Vec<i64>);

/// Between a clock there and a clock here, hence also below zero: 10 us up to 1 ms, 0.1 ms up to 20 ms, 1 ms up to 1 s, and
/// a tenth of a decade's mantissa up to 100 s.
pub static NETWORK: LazyLock<Edges> = LazyLock::new(|| {
    let mut positive: Vec<i64> = (1..100).map(|i| i * 10 * MICRO).collect();
    positive.extend((10..200).map(|i| i * 100 * MICRO));
    positive.extend((20..1_000).map(|i| i * MILLI));
    positive.extend(decades(SECOND, 2, 1));
    Edges::mirrored(positive)
});

/// The same for drawing: 1 ms up to 1 s on either side of zero, then decades.
pub static NETWORK_DRAWN: LazyLock<Edges> = LazyLock::new(|| {
    let mut positive: Vec<i64> = (1..1_000).map(|i| i * MILLI).collect();
    positive.extend(decades(SECOND, 2, 5));
    Edges::mirrored(positive)
});

/// A coarser one, of which there are many: a fiftieth of a decade on either side of zero, 10 us to 100 s.
pub static STREAM: LazyLock<Edges> = LazyLock::new(|| Edges::mirrored(decades(10 * MICRO, 7, 2)));

/// Work of ours: 90 bins per decade from 10 ns to 100 s.
pub static STAGE: LazyLock<Edges> = LazyLock::new(|| Edges(decades(10, 10, 1)));

/// The same for drawing: 18 bins per decade, log-spaced enough for the eye.
pub static STAGE_DRAWN: LazyLock<Edges> = LazyLock::new(|| Edges(decades(10, 10, 5)));

/// Buckets for what keeps histograms over years (seconds in the export): 1, 2, 5 per decade.
pub fn buckets(from: i64, to: i64) -> Vec<i64> {
    let mut all = Vec::new();
    let mut decade = from;
    while decade <= to {
        all.extend([1, 2, 5].iter().map(|m| decade.saturating_mul(*m)).filter(|edge| *edge <= to));
        decade = decade.saturating_mul(10);
    }
    all
}

/// Mantissas 1.0 to 9.9 in steps of `tenths` tenths for that many decades, and the end of the last.
fn decades(from: i64, count: u32, tenths: usize) -> Vec<i64> {
    let mut all: Vec<i64> = (0..count)
        .map(|decade| from * 10i64.pow(decade))
        .flat_map(|unit| (10..100).step_by(tenths).map(move |mantissa| unit * mantissa / 10))
        .collect();
    all.push(from * 10i64.pow(count));
    all
}

impl Edges {
    fn mirrored(positive: Vec<i64>) -> Self {
        let mut all: Vec<i64> = positive.iter().rev().map(|edge| -edge).collect();
        all.push(0);
        all.extend(positive);
        Edges(all)
    }

    /// How many bins there are.
    pub fn bins(&self) -> usize {
        self.0.len() + 1
    }

    /// The bin of a duration, nanoseconds.
    #[inline]
    pub fn bin(&self, nanos: i64) -> usize {
        self.0.partition_point(|edge| *edge <= nanos)
    }

    /// Where a bin begins and ends, nanoseconds; the open ones are as wide as nothing.
    pub fn range(&self, bin: usize) -> (i64, i64) {
        let (first, last) = (self.0.first().copied().unwrap_or(0), self.0.last().copied().unwrap_or(0));
        let from = bin.checked_sub(1).map_or(first, |before| self.0.get(before).copied().unwrap_or(last));
        (from, self.0.get(bin).copied().unwrap_or(last))
    }

    /// The edges.
    pub fn all(&self) -> &[i64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_ascend_and_drawn_ones_are_among_the_fine() {
        for (fine, drawn) in [(&*NETWORK, &*NETWORK_DRAWN), (&*STAGE, &*STAGE_DRAWN)] {
            assert!(fine.all().windows(2).all(|pair| pair[0] < pair[1]));
            assert!(drawn.all().windows(2).all(|pair| pair[0] < pair[1]));
            let missing: Vec<_> = drawn.all().iter().filter(|edge| fine.all().binary_search(edge).is_err()).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
        assert!(STREAM.all().windows(2).all(|pair| pair[0] < pair[1]));
        for bucket in buckets(1_000, SECOND) {
            assert!(STAGE.all().binary_search(&bucket).is_ok(), "{bucket}");
        }
        for bucket in buckets(100 * MICRO, 10 * SECOND) {
            assert!(NETWORK.all().binary_search(&bucket).is_ok(), "{bucket}");
        }
    }

    #[test]
    fn a_duration_lies_in_its_bin() {
        for nanos in [-SECOND * 200, -MILLI, -1, 0, 1, 9_999, 10_000, 1_234_567, SECOND, SECOND * 500] {
            let bin = NETWORK.bin(nanos);
            let (from, to) = NETWORK.range(bin);
            let inside = (from..to).contains(&nanos) || bin == 0 || bin + 1 == NETWORK.bins();
            assert!(inside, "{nanos} is not in {from}..{to}");
        }
        assert_eq!(buckets(1_000, 20_000), [1_000, 2_000, 5_000, 10_000, 20_000]);
    }
}
