//! A rolling line: a few columns of numbers, one row per second, the oldest going first.

use super::rolling::four_digits;
use fathometer_engine::units::Nanos;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use utoipa::ToSchema;

/// Rows of named columns.
#[derive(Debug)]
pub struct Line {
    names: &'static [&'static str],
    rows_max: usize,
    at: VecDeque<Nanos>,
    /// One per name.
    columns: Vec<VecDeque<Option<f64>>>,
}

/// The same as it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct LineTold {
    /// Ends of the seconds, unix milliseconds.
    pub at_ms: Vec<f64>,
    /// By name, as long as `at_ms`; null where there was nothing to measure.
    pub columns: BTreeMap<&'static str, Vec<Option<f64>>>,
}

impl Line {
    /// Empty.
    pub fn new(names: &'static [&'static str], rows_max: usize) -> Self {
        Line { names, rows_max, at: VecDeque::new(), columns: vec![VecDeque::new(); names.len()] }
    }

    /// One row; the values in the order of the names.
    pub fn push(&mut self, at: Nanos, values: &[Option<f64>]) {
        while self.at.len() >= self.rows_max.max(1) {
            self.at.pop_front();
            for column in &mut self.columns {
                column.pop_front();
            }
        }
        self.at.push_back(at);
        for (number, column) in self.columns.iter_mut().enumerate() {
            column.push_back(values.get(number).copied().flatten().map(four_digits));
        }
    }

    /// The latest rows, at most so many.
    pub fn told(&self, rows: usize) -> LineTold {
        let skip = self.at.len().saturating_sub(rows);
        let columns = self.names.iter().zip(&self.columns);
        LineTold {
            at_ms: self.at.iter().skip(skip).map(|at| (at.0 / 1_000) as f64 / 1e3).collect(),
            columns: columns.map(|(name, values)| (*name, values.iter().skip(skip).copied().collect())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_rows_go_and_columns_stay_as_long_as_the_times() {
        let mut line = Line::new(&["a", "b"], 3);
        for second in 0..5 {
            line.push(Nanos(second * 1_000_000_000), &[Some(second as f64), None]);
        }
        let told = line.told(2);
        assert_eq!(told.at_ms, [3_000.0, 4_000.0]);
        assert_eq!(told.columns["a"], [Some(3.0), Some(4.0)]);
        assert_eq!(told.columns["b"], [None, None]);
        assert_eq!(line.told(100).at_ms.len(), 3);
    }
}
