//! Isotonic recalibration: what became of predictions of about that height, never falling as they rise (pool adjacent
//! violators; Zadrozny and Elkan 2002).

use serde::{Deserialize, Serialize};

/// A rising function of the prediction; as it is until enough was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Isotonic {
    /// Mean prediction and share of outcomes of each pool, both rising.
    pools: Vec<(f64, f64)>,
}

impl Isotonic {
    /// Fits predictions and what became of them.
    pub fn fit(seen: impl IntoIterator<Item = (f64, bool)>) -> Isotonic {
        let mut seen: Vec<(f64, bool)> = seen.into_iter().filter(|(p, _)| p.is_finite()).collect();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Sum of predictions, of outcomes, and their number, by pool.
        let mut pools: Vec<[f64; 3]> = Vec::new();
        for (p, outcome) in seen {
            let mut pool = [p, f64::from(u8::from(outcome)), 1.0];
            while let Some(last) = pools.last() {
                // The one before is not lower, or of the same prediction: they are one.
                if last[1] * pool[2] < pool[1] * last[2] && last[0] * pool[2] < pool[0] * last[2] {
                    break;
                }
                (0..3).for_each(|i| pool[i] += last[i]);
                pools.pop();
            }
            pools.push(pool);
        }
        Isotonic { pools: pools.into_iter().map(|[p, outcomes, count]| (p / count, outcomes / count)).collect() }
    }

    /// The prediction recalibrated: between two pools on the line that joins them.
    pub fn apply(&self, p: f64) -> f64 {
        let after = self.pools.partition_point(|pool| pool.0 < p);
        let before = after.checked_sub(1).and_then(|before| self.pools.get(before));
        match (before, self.pools.get(after)) {
            (None, None) => p,
            (Some(pool), None) | (None, Some(pool)) => pool.1,
            (Some(low), Some(high)) => low.1 + (high.1 - low.1) * (p - low.0) / (high.0 - low.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // 0, 1, 0, 1, 1: the second and third are pooled to a half.
        let seen = [(0.1, false), (0.2, true), (0.4, false), (0.6, true), (0.8, true)];
        let fit = Isotonic::fit(seen);
        assert_eq!(fit.apply(0.05), 0.0);
        assert!((fit.apply(0.3) - 0.5).abs() < 1e-12);
        assert!((fit.apply(0.2) - 0.25).abs() < 1e-12, "half way from 0.1 to 0.3");
        assert_eq!((fit.apply(0.9), Isotonic::default().apply(0.37)), (1.0, 0.37));
    }

    proptest! {
        /// Against the definition: the least squares among rising functions have the value
        /// max over i <= k of min over j >= k of the mean of i..=j.
        #[test]
        fn it_is_the_rising_function_of_least_squares(outcomes in proptest::collection::vec(any::<bool>(), 1..40)) {
            let seen: Vec<(f64, bool)> = outcomes.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let mean = |i: usize, j: usize| outcomes[i..=j].iter().filter(|y| **y).count() as f64 / (j - i + 1) as f64;
            let fit = Isotonic::fit(seen);
            for k in 0..outcomes.len() {
                let value = (0..=k).map(|i| (k..outcomes.len()).map(|j| mean(i, j)).fold(1.0, f64::min)).fold(0.0, f64::max);
                let pool = fit.pools.iter().filter(|pool| (pool.1 - value).abs() < 1e-12).count();
                prop_assert!(pool >= 1, "{value} at {k} is the value of no pool: {fit:?}");
            }
            prop_assert!(fit.pools.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        }
    }
}
