//! Rest or take: the expected cost of both against mid, and how far it may turn out otherwise.

use serde::{Deserialize, Serialize};

/// A mean that is kept up, with its variance (Welford 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Mean {
    /// One more number.
    pub fn add(&mut self, x: f64) {
        if x.is_finite() {
            self.count += 1;
            let before = x - self.mean;
            self.mean += before / self.count as f64;
            self.squares += before * (x - self.mean);
        }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; 0 of none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Variance of one number around it; 0 of fewer than two.
    pub fn variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.squares / (self.count - 1) as f64 }
    }
}

/// What the choice hangs on; bps, positive is a cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Probability that a resting order is filled within the horizon.
    pub fill: f64,
    /// How much better than mid it rests: half the spread at the best price.
    pub better_bps: f64,
    /// What taking costs against mid, fee aside: half the spread and the walk.
    pub taking_bps: f64,
    /// Fee for resting; a rebate is below zero.
    pub maker_fee_bps: f64,
    /// Fee for taking.
    pub taker_fee_bps: f64,
    /// How far mid moves against an order that is filled, until some time after.
    pub adverse: Mean,
    /// How far mid moves away from an order that is not, until the horizon.
    pub drift: Mean,
}

/// A cost and its standard deviation, bps of mid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Positive is a cost.
    pub cost_bps: f64,
    /// Of one order around it.
    pub deviation_bps: f64,
}

impl Choice {
    /// Taking now. The price is known; that mid moves afterwards is no part of what the order pays.
    pub fn taker(&self) -> Expected {
        Expected { cost_bps: self.taking_bps + self.taker_fee_bps, deviation_bps: 0.0 }
    }

    /// Resting, and taking at the horizon what was not filled.
    pub fn maker(&self) -> Expected {
        let filled = -self.better_bps + self.maker_fee_bps + self.adverse.mean();
        let missed = self.drift.mean() + self.taker().cost_bps;
        let (hit, miss) = (self.fill, 1.0 - self.fill);
        let cost_bps = hit * filled + miss * missed;
        let variance = hit * (self.adverse.variance() + (filled - cost_bps).powi(2))
            + miss * (self.drift.variance() + (missed - cost_bps).powi(2));
        Expected { cost_bps, deviation_bps: variance.sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(numbers: &[f64]) -> Mean {
        let mut mean = Mean::default();
        numbers.iter().for_each(|x| mean.add(*x));
        mean
    }

    #[test]
    fn by_hand() {
        let choice = Choice {
            fill: 0.6,
            better_bps: 0.5,
            taking_bps: 0.5,
            maker_fee_bps: -0.5,
            taker_fee_bps: 2.0,
            adverse: mean(&[0.0, 1.6]),
            drift: mean(&[1.0, 3.0]),
        };
        // Filled: -0.5 - 0.5 + 0.8 = -0.2; missed: 2 + 2.5 = 4.5; 0.6 * -0.2 + 0.4 * 4.5 = 1.68 against 2.5.
        assert_eq!(choice.taker(), Expected { cost_bps: 2.5, deviation_bps: 0.0 });
        let maker = choice.maker();
        assert!((maker.cost_bps - 1.68).abs() < 1e-12);
        let variance = 0.6 * (1.28 + 1.88f64.powi(2)) + 0.4 * (2.0 + 2.82f64.powi(2));
        assert!((maker.deviation_bps - variance.sqrt()).abs() < 1e-12);
        let certain = Choice { fill: 1.0, adverse: Mean::default(), ..choice };
        assert_eq!(certain.maker(), Expected { cost_bps: -1.0, deviation_bps: 0.0 });
    }

    #[test]
    fn means_and_variances() {
        let of = mean(&[1.0, 2.0, 4.0, f64::NAN]);
        assert_eq!((of.count(), mean(&[5.0]).variance()), (3, 0.0));
        assert!((of.mean() - 7.0 / 3.0).abs() < 1e-12 && (of.variance() - 7.0 / 3.0).abs() < 1e-12);
    }
}
