//! Past values of all columns at one resolution, compact: four bytes a value, eight where prices need their digits.

use super::code::{from_narrow, from_wide, narrow, wide};
use crate::view::Column;
use fathometer_engine::metric::Value;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows that are allocated, and forgotten, together.
const CHUNK: usize = 30;

/// How a row is kept.
#[derive(Debug)]
pub struct Layout {
    /// For each column whether it takes eight bytes, and its place among those of its width.
    places: Vec<(bool, usize)>,
    wide: usize,
    narrow: usize,
}

impl Layout {
    /// Prices and running totals keep their digits.
    pub fn of(columns: &[Column]) -> Self {
        let mut layout = Layout { places: Vec::with_capacity(columns.len()), wide: 0, narrow: 0 };
        for column in columns {
            let amount = column.id.starts_with("depth_") || column.id.starts_with("spread");
            let is_wide = (column.unit == "quote" && !amount) || column.unit == "base";
            let count = if is_wide { &mut layout.wide } else { &mut layout.narrow };
            layout.places.push((is_wide, *count));
            *count += 1;
        }
        layout
    }

    /// Bytes of a row with its time.
    pub fn row_bytes(&self) -> usize {
        8 + self.wide * 8 + self.narrow * 4
    }
}

/// The rows of one instrument.
#[derive(Debug)]
pub struct History {
    layout: Arc<Layout>,
    step_nanos: i64,
    chunks: VecDeque<Chunk>,
    len: usize,
    last: i64,
}

#[derive(Debug)]
struct Chunk {
    at: Vec<Nanos>,
    wide: Vec<f64>,
    narrow: Vec<f32>,
}

/// Some columns over some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Excerpt {
    /// When, ascending.
    pub at: Vec<Nanos>,
    /// Per column that was asked for, a value for each time.
    pub values: Vec<Vec<Value>>,
}

impl History {
    /// No row yet; one a step of so many seconds.
    pub fn new(layout: Arc<Layout>, step_seconds: i64) -> Self {
        let step_nanos = step_seconds * NANOS_PER_SECOND;
        History { layout, step_nanos, chunks: VecDeque::new(), len: 0, last: i64::MIN }
    }

    /// Takes the first sample of each step; beyond `max` rows the oldest go.
    pub fn push(&mut self, at: Nanos, values: &[Value], max: usize) {
        let step = at.0.div_euclid(self.step_nanos);
        if step <= self.last {
            return;
        }
        self.last = step;
        if self.chunks.back().is_none_or(|chunk| chunk.at.len() >= CHUNK) {
            self.chunks.push_back(Chunk {
                at: Vec::with_capacity(CHUNK),
                wide: Vec::with_capacity(CHUNK * self.layout.wide),
                narrow: Vec::with_capacity(CHUNK * self.layout.narrow),
            });
        }
        let Some(chunk) = self.chunks.back_mut() else { return };
        chunk.at.push(at);
        for (number, (is_wide, _)) in self.layout.places.iter().enumerate() {
            let absent = Value::Absent(fathometer_engine::metric::Reason::NoData);
            let value = values.get(number).copied().unwrap_or(absent);
            match is_wide {
                true => chunk.wide.push(wide(value)),
                false => chunk.narrow.push(narrow(value)),
            }
        }
        self.len += 1;
        while let Some(oldest) = self.chunks.front()
            && self.len - oldest.at.len() >= max
        {
            self.len -= oldest.at.len();
            self.chunks.pop_front();
        }
    }

    /// The rows from one time to another, both included, of the columns with those numbers.
    pub fn excerpt(&self, columns: &[usize], from: Nanos, to: Nanos) -> Excerpt {
        let mut told = Excerpt { at: Vec::new(), values: vec![Vec::new(); columns.len()] };
        for chunk in &self.chunks {
            let first = chunk.at.partition_point(|at| *at < from);
            let end = chunk.at.partition_point(|at| *at <= to).max(first);
            told.at.extend(chunk.at.get(first..end).unwrap_or_default());
            for (column, values) in columns.iter().zip(&mut told.values) {
                let Some((is_wide, place)) = self.layout.places.get(*column) else { continue };
                let (wide, narrow) = (self.layout.wide, self.layout.narrow);
                values.extend((first..end).map(|row| {
                    match is_wide {
                        true => chunk.wide.get(row * wide + place).map(|kept| from_wide(*kept)),
                        false => chunk.narrow.get(row * narrow + place).map(|kept| from_narrow(*kept)),
                    }
                    .unwrap_or(Value::Absent(fathometer_engine::metric::Reason::NoData))
                }));
            }
        }
        told
    }

    /// Rows kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory taken, bytes.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * self.layout.row_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::metric::Reason;

    fn columns() -> Vec<Column> {
        let column = |id: &str, unit: &str| Column { id: id.into(), unit: unit.into(), help: String::new() };
        vec![
            column("mid", "quote"),
            column("depth_bid_10bps_quote", "quote"),
            column("cvd_base", "base"),
            column("x", "ratio"),
        ]
    }

    #[test]
    fn prices_keep_their_digits_and_reasons_stay() {
        let layout = Arc::new(Layout::of(&columns()));
        assert_eq!(layout.row_bytes(), 8 + 2 * 8 + 2 * 4);
        let mut history = History::new(layout, 1);
        let row =
            [Value::Is(61_602.015_000_01), Value::Absent(Reason::BeyondTrusted), Value::Is(-0.1), Value::Is(0.25)];
        history.push(Nanos(5), &row, 10);
        let told = history.excerpt(&[0, 1, 2, 3], Nanos(0), Nanos(9));
        assert_eq!(told.values.concat(), row);
        assert_eq!(history.excerpt(&[3, 9], Nanos(5), Nanos(5)).values, [vec![row[3]], vec![]]);
    }

    #[test]
    fn one_row_a_step_and_the_oldest_go() {
        let mut history = History::new(Arc::new(Layout::of(&columns())), 10);
        for tenth in 0..50_000i64 {
            history.push(Nanos(tenth * NANOS_PER_SECOND / 10), &[Value::Is(tenth as f64)], 100);
        }
        assert!((100..100 + CHUNK).contains(&history.len()), "{}", history.len());
        let told = history.excerpt(&[0], Nanos(4_900 * NANOS_PER_SECOND), Nanos(4_920 * NANOS_PER_SECOND));
        assert_eq!(told.at, [4_900, 4_910, 4_920].map(|s| Nanos(s * NANOS_PER_SECOND)));
        assert_eq!(told.values, [[49_000.0, 49_100.0, 49_200.0].map(Value::Is)]);
        let all = history.excerpt(&[0], Nanos(i64::MIN), Nanos(i64::MAX));
        assert_eq!((all.at.len(), all.values[0].len()), (history.len(), history.len()));
        assert!(history.excerpt(&[0], Nanos(9), Nanos(3)).at.is_empty());
    }
}
