//! Logistic regression learnt one outcome at a time: FTRL-proximal with an L2 penalty (McMahan and others 2013, "Ad click
//! prediction: a view from the trenches", KDD).

use serde::{Deserialize, Serialize};

/// How it learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Step of the first outcomes.
    pub alpha: f64,
    /// How soon steps shrink.
    pub beta: f64,
    /// L2 penalty on the sum of squared weights, half of it.
    pub l2: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Rates { alpha: 0.03, beta: 1.0, l2: 1.0 }
    }
}

/// ln(P / (1 - P)) = sum of weights times features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    rates: Rates,
    z: Vec<f64>,
    squares: Vec<f64>,
}

impl Logistic {
    /// Knows nothing yet: every probability is a half.
    pub fn new(features: usize, rates: Rates) -> Logistic {
        Logistic { rates, z: vec![0.0; features], squares: vec![0.0; features] }
    }

    /// The weights.
    pub fn weights(&self) -> Vec<f64> {
        self.z.iter().zip(&self.squares).map(|(z, squares)| self.weight(*z, *squares)).collect()
    }

    /// Probability of the outcome.
    pub fn predict(&self, features: &[f64]) -> f64 {
        let known = self.z.iter().zip(&self.squares).zip(features);
        sigmoid(known.map(|((z, squares), x)| self.weight(*z, *squares) * x).sum())
    }

    /// Learns from an outcome; features that are no numbers teach nothing.
    pub fn learn(&mut self, features: &[f64], outcome: bool) {
        if !features.iter().all(|x| x.is_finite()) {
            return;
        }
        let error = self.predict(features) - f64::from(u8::from(outcome));
        let Rates { alpha, beta, l2 } = self.rates;
        for ((z, squares), x) in self.z.iter_mut().zip(&mut self.squares).zip(features) {
            let gradient = error * x;
            let weight = -*z / ((beta + squares.sqrt()) / alpha + l2);
            let more = *squares + gradient * gradient;
            *z += gradient - (more.sqrt() - squares.sqrt()) / alpha * weight;
            *squares = more;
        }
    }

    fn weight(&self, z: f64, squares: f64) -> f64 {
        let Rates { alpha, beta, l2 } = self.rates;
        -z / ((beta + squares.sqrt()) / alpha + l2)
    }
}

/// 1 / (1 + e^-x), without overflow.
fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let small = x.exp();
        small / (1.0 + small)
    }
}

#[cfg(test)]
pub(in crate::cost) mod tests {
    use super::*;

    /// Numbers that look random, the same every time.
    pub(in crate::cost) struct Dice(pub(in crate::cost) u64);

    impl Dice {
        /// Between 0 and 1.
        pub(in crate::cost) fn throw(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut x = self.0;
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// The batch fit by Newton's method, which knows nothing of the online one: minimises log-loss + l2 / 2 |w|^2.
    fn batch(rows: &[([f64; 3], bool)], l2: f64) -> [f64; 3] {
        let mut w = [0.0; 3];
        for _ in 0..30 {
            let mut gradient = w.map(|w| l2 * w);
            let mut hessian = [[l2, 0.0, 0.0], [0.0, l2, 0.0], [0.0, 0.0, l2]];
            for (x, y) in rows {
                let p = sigmoid(x.iter().zip(&w).map(|(x, w)| x * w).sum());
                for i in 0..3 {
                    gradient[i] += (p - f64::from(u8::from(*y))) * x[i];
                    for j in 0..3 {
                        hessian[i][j] += p * (1.0 - p) * x[i] * x[j];
                    }
                }
            }
            // Gauss elimination of hessian * step = gradient.
            let mut rows: Vec<Vec<f64>> = (0..3).map(|i| [hessian[i].to_vec(), vec![gradient[i]]].concat()).collect();
            for i in 0..3 {
                for k in i + 1..3 {
                    let by = rows[k][i] / rows[i][i];
                    (i..4).for_each(|j| rows[k][j] -= by * rows[i][j]);
                }
            }
            let mut step = [0.0; 3];
            for i in (0..3).rev() {
                let known: f64 = (i + 1..3).map(|j| rows[i][j] * step[j]).sum();
                step[i] = (rows[i][3] - known) / rows[i][i];
            }
            (0..3).for_each(|i| w[i] -= step[i]);
        }
        w
    }

    #[test]
    fn learns_what_the_batch_fit_finds() {
        let mut dice = Dice(7);
        let truth = [-0.5, 1.5, -0.8];
        let rows: Vec<([f64; 3], bool)> = (0..20_000)
            .map(|_| {
                let x = [1.0, 4.0 * dice.throw() - 2.0, 2.0 * dice.throw() - 1.0];
                let p = sigmoid(x.iter().zip(&truth).map(|(x, w)| x * w).sum());
                (x, dice.throw() < p)
            })
            .collect();
        let best = batch(&rows, 1.0);
        let mut online = Logistic::new(3, Rates { alpha: 0.1, ..Rates::default() });
        rows.iter().for_each(|(x, y)| online.learn(x, *y));
        for (w, best) in online.weights().iter().zip(best) {
            assert!((w - best).abs() < 0.05, "{:?} {best:?}", online.weights());
        }
        let worst = rows.iter().map(|(x, _)| {
            let batch = sigmoid(x.iter().zip(&best).map(|(x, w)| x * w).sum());
            (online.predict(x) - batch).abs()
        });
        assert!(worst.fold(0.0, f64::max) < 0.02, "probabilities within two hundredths of the batch fit's");
    }

    #[test]
    fn a_penalty_holds_weights_small_and_nonsense_teaches_nothing() {
        let weight = |l2| {
            let mut model = Logistic::new(1, Rates { l2, ..Rates::default() });
            (0..100).for_each(|_| model.learn(&[1.0], true));
            model.weights()[0]
        };
        assert!(weight(0.0) > 2.0 * weight(1e4) && weight(1e4) > 0.0);
        let mut model = Logistic::new(1, Rates::default());
        model.learn(&[f64::NAN], true);
        assert_eq!((model.predict(&[1.0]), sigmoid(-1e9), sigmoid(1e9)), (0.5, 0.0, 1.0));
    }
}
