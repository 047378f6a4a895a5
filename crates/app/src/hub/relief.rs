//! Past columns of the heatmap, two bytes a row: sizes by their logarithm, within 0.04 %, and exactly below 1,400 units.

use fathometer_engine::units::{Level, NANOS_PER_SECOND, Nanos, Price};
use std::collections::VecDeque;

/// Columns that are allocated, and forgotten, together.
const CHUNK: usize = 30;
/// Steps per doubling: 63 doublings fit two bytes.
const STEPS: f64 = 1_000.0;
/// About what a column of 200 rows takes, bytes.
pub const COLUMN_BYTES: usize = std::mem::size_of::<Kept>() + 200 * 2;

/// Everything of a column but its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The grid instant.
    pub at: Nanos,
    /// Width of a row, price units.
    pub width: i64,
    /// Number of the first row.
    pub first: i64,
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
    /// Index of the row that holds the best ask; the number of rows if none does.
    pub split: u32,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relief {
    /// Time, rows, best prices.
    pub head: Head,
    /// Sizes per row, units, from the lowest price up.
    pub sizes: Vec<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    head: Head,
    len: u32,
}

/// The columns of one instrument, one a second.
#[derive(Debug, Default)]
pub struct Reliefs {
    chunks: VecDeque<(Vec<Kept>, Vec<u16>)>,
    len: usize,
}

impl Reliefs {
    /// Takes the first column of each second; beyond `max` the oldest go.
    pub fn push(&mut self, head: Head, rows: &[Level], max: usize) {
        let second = |at: Nanos| at.0.div_euclid(NANOS_PER_SECOND);
        let last = self.chunks.back().and_then(|(kept, _)| kept.last());
        if last.is_some_and(|last| second(head.at) <= second(last.head.at)) {
            return;
        }
        if self.chunks.back().is_none_or(|(kept, _)| kept.len() >= CHUNK) {
            self.chunks.push_back((Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK * rows.len())));
        }
        let Some((kept, codes)) = self.chunks.back_mut() else { return };
        kept.push(Kept { head, len: rows.len() as u32 });
        codes.extend(rows.iter().map(|row| encode(row.size.0)));
        self.len += 1;
        while let Some((oldest, _)) = self.chunks.front()
            && self.len - oldest.len() >= max
        {
            self.len -= oldest.len();
            self.chunks.pop_front();
        }
    }

    /// The columns from one time to another, both included, oldest first.
    pub fn excerpt(&self, from: Nanos, to: Nanos) -> Vec<Relief> {
        let mut told = Vec::new();
        for (kept, codes) in &self.chunks {
            let mut start = 0usize;
            for Kept { head, len } in kept {
                let end = start + *len as usize;
                if (from..=to).contains(&head.at) {
                    let sizes = codes.get(start..end).unwrap_or_default().iter().map(|code| decode(*code)).collect();
                    told.push(Relief { head: *head, sizes });
                }
                start = end;
            }
        }
        told
    }

    /// Units became finer.
    pub fn rescale(&mut self, price: i64, size: i64) {
        let shift = ((size as f64).log2() * STEPS).round() as u16;
        for (kept, codes) in &mut self.chunks {
            for Kept { head, .. } in kept {
                head.width = head.width.saturating_mul(price);
                for best in [&mut head.bid, &mut head.ask].into_iter().flatten() {
                    best.0 = best.0.saturating_mul(price);
                }
            }
            codes.iter_mut().filter(|code| **code > 0).for_each(|code| *code = code.saturating_add(shift));
        }
    }

    /// Columns kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory taken, bytes.
    pub fn bytes(&self) -> usize {
        let chunk = |(kept, codes): &(Vec<Kept>, Vec<u16>)| {
            kept.capacity() * std::mem::size_of::<Kept>() + codes.capacity() * 2
        };
        self.chunks.iter().map(chunk).sum()
    }
}

fn encode(size: i64) -> u16 {
    if size <= 0 { 0 } else { 1 + ((size as f64).log2() * STEPS).round() as u16 }
}

fn decode(code: u16) -> i64 {
    if code == 0 { 0 } else { (f64::from(code - 1) / STEPS).exp2().round() as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::units::Size;

    #[test]
    fn sizes_come_back_within_a_few_parts_in_ten_thousand() {
        for size in 0..=1_400 {
            assert_eq!(decode(encode(size)), size);
        }
        for power in 11..63 {
            for size in [(1i64 << power) - 1, 1 << power, (1 << power) + (1 << (power - 2)) + 1] {
                let error = (decode(encode(size)) as f64 / size as f64 - 1.0).abs();
                assert!(error < 0.000_4, "{size}: {error}");
            }
        }
        assert_eq!(decode(encode(i64::MAX)), i64::MAX, "saturates");
    }

    fn head(ms: i64) -> Head {
        Head { at: Nanos::from_millis(ms), width: 5, first: 10, bid: Some(Price(57)), ask: None, split: 2 }
    }

    fn rows(size: i64) -> Vec<Level> {
        (0..size).map(|n| Level { price: Price((10 + n) * 5), size: Size(n * 100) }).collect()
    }

    #[test]
    fn one_column_a_second_and_the_oldest_go() {
        let mut reliefs = Reliefs::default();
        for quarter in 0..4_000 {
            reliefs.push(head(quarter * 250), &rows(quarter % 7), 100);
        }
        assert!((100..130).contains(&reliefs.len()), "{}", reliefs.len());
        let told = reliefs.excerpt(Nanos::from_millis(990_000), Nanos::from_millis(991_500));
        assert_eq!(told.len(), 2);
        let expected = |quarter: i64| Relief {
            head: head(quarter * 250),
            sizes: rows(quarter % 7).iter().map(|l| l.size.0).collect(),
        };
        assert_eq!(told, [expected(3_960), expected(3_964)]);
        assert!(reliefs.bytes() > 0);
    }

    #[test]
    fn finer_units_mean_the_same() {
        let mut reliefs = Reliefs::default();
        reliefs.push(head(0), &rows(3), 100);
        reliefs.rescale(10, 100);
        let told = reliefs.excerpt(Nanos(0), Nanos(0));
        assert_eq!((told[0].head.width, told[0].head.bid), (50, Some(Price(570))));
        assert_eq!((told[0].sizes[0], (told[0].sizes[2] as f64 / 20_000.0 - 1.0).abs() < 0.001), (0, true));
    }
}
