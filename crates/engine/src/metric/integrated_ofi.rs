//! Integrated OFI: the one mixture of the flows at several levels that tells most of them all (Cont, Cucuringu and Zhang 2023).
//!
//! Every second the flows of the OFI window, over the average size per level, go into a covariance that forgets with the bar
//! window; its first component is followed by power iteration from the last one.

use super::Reason;
use serde::{Deserialize, Serialize};

/// Seconds that an estimate needs.
const SECONDS_MIN: u32 = 30;
/// Steps of the power iteration per second; each brings the direction nearer by the ratio of the first two eigenvalues.
const STEPS: usize = 20;

/// Averages over the seconds seen, and the component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Component {
    levels: usize,
    /// Share of the past that is kept each second.
    keep: f64,
    seconds: u32,
    /// Average size per level and side.
    size: f64,
    /// Averages of the flows and, row by row, of their products; of weight `weight`.
    weight: f64,
    mean: Vec<f64>,
    products: Vec<f64>,
    /// The first component, of length 1 and positive sum.
    loads: Vec<f64>,
    /// Room for the next one.
    #[serde(skip)]
    room: Vec<f64>,
}

impl Component {
    pub(super) fn new(levels: usize, window_seconds: usize) -> Self {
        let even = 1.0 / (levels as f64).sqrt();
        Component {
            levels,
            keep: 1.0 - 1.0 / window_seconds.max(2) as f64,
            seconds: 0,
            size: 0.0,
            weight: 0.0,
            mean: vec![0.0; levels],
            products: vec![0.0; levels * levels],
            loads: vec![even; levels],
            room: Vec::with_capacity(levels),
        }
    }

    /// Nothing seen.
    pub(super) fn forget(&mut self) {
        let even = 1.0 / (self.levels as f64).sqrt();
        (self.seconds, self.size, self.weight) = (0, 0.0, 0.0);
        self.mean.fill(0.0);
        self.products.fill(0.0);
        self.loads.fill(even);
    }

    /// A second's flows, and the average size per level and side at its end.
    pub(super) fn push(&mut self, flows: &[f64], size: f64) {
        if size <= 0.0 {
            return;
        }
        self.seconds = self.seconds.saturating_add(1);
        self.weight = self.weight * self.keep + 1.0;
        let share = 1.0 / self.weight;
        self.size += (size - self.size) * share;
        for (mean, x) in self.mean.iter_mut().zip(flows) {
            *mean += (x - *mean) * share;
        }
        for (row, x) in self.products.chunks_mut(self.levels).zip(flows) {
            for (product, y) in row.iter_mut().zip(flows) {
                *product += (x * y - *product) * share;
            }
        }
        (0..STEPS).for_each(|_| self.turn());
    }

    fn turn(&mut self) {
        let along: f64 = self.mean.iter().zip(&self.loads).map(|(mean, load)| mean * load).sum();
        let next = self.products.chunks(self.levels).zip(&self.mean).map(|(row, mean)| {
            row.iter().zip(&self.loads).map(|(product, load)| product * load).sum::<f64>() - mean * along
        });
        self.room.clear();
        self.room.extend(next);
        let next = &self.room;
        let (length, sum) = (next.iter().map(|x| x * x).sum::<f64>().sqrt(), next.iter().sum::<f64>());
        if length > 0.0 && length.is_finite() {
            let length = if sum < 0.0 { -length } else { length };
            self.loads.iter_mut().zip(next).for_each(|(load, x)| *load = x / length);
        }
    }

    /// The mixture of flows, in multiples of the average size of a level.
    pub(super) fn of(&self, flows: impl Iterator<Item = f64>) -> Result<f64, Reason> {
        if self.seconds < SECONDS_MIN {
            return Err(Reason::Warmup);
        }
        let sum: f64 = flows.zip(&self.loads).map(|(x, load)| x * load).sum();
        let norm: f64 = self.loads.iter().map(|load| load.abs()).sum();
        Ok(sum / self.size / norm)
    }

    /// Flows and sizes in finer units.
    pub(super) fn finer(&mut self, by: i64) {
        let by = by as f64;
        self.size *= by;
        self.mean.iter_mut().for_each(|x| *x *= by);
        self.products.iter_mut().for_each(|x| *x *= by * by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_of_one_factor_are_found() {
        // x = f (2, 1, 2) + noise at right angles to it: the component is (2, 1, 2) / 3.
        let mut it = Component::new(3, 300);
        for i in 0..60i32 {
            let (f, e) = (f64::from(i % 7 - 3), 0.1 * f64::from(i % 2 * 2 - 1));
            assert_eq!(it.of([1.0; 3].into_iter()).is_err(), i < 30);
            it.push(&[2.0 * f + e, f, 2.0 * f - e], 10.0);
        }
        for (load, exact) in it.loads.iter().zip([2.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0]) {
            assert!((load - exact).abs() < 1e-3, "{:?}", it.loads);
        }
        // (2, 1, 2) . (4, 2, 4) / 3 = 6, over the norm 5/3 and the size 10.
        assert!((it.of([4.0, 2.0, 4.0].into_iter()).unwrap() - 0.36).abs() < 1e-3);
        let mut finer = it.clone();
        finer.finer(1_000);
        let (a, b) = (it.of([1.0; 3].into_iter()).unwrap(), finer.of([1_000.0; 3].into_iter()).unwrap());
        assert!((a - b).abs() < 1e-12);
        it.forget();
        assert_eq!(it.of([1.0; 3].into_iter()), Err(Reason::Warmup));
    }

    #[test]
    fn one_level_is_its_own_component() {
        let mut it = Component::new(1, 300);
        (0..30).for_each(|i| it.push(&[f64::from(i % 2)], 2.0));
        assert!((it.of(std::iter::once(3.0)).unwrap() - 1.5).abs() < 1e-12);
    }
}
