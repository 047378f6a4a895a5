//! How good probabilities are: Brier score, log-loss, AUC and reliability, of predictions made before their outcome.

use crate::metric::{Reason, Value};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Most predictions that are kept; the oldest goes first.
pub const KEPT_MAX: usize = 5_000;
/// A probability is taken for at least so much, so that one certain error does not make the log-loss infinite.
const LEAST: f64 = 1e-9;
/// Bins of the reliability diagram.
pub const BINS: usize = 10;

/// Predictions and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    seen: VecDeque<(f64, bool)>,
}

/// What they come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Number of predictions.
    pub count: usize,
    /// Share of outcomes.
    pub base_rate: Value,
    /// Mean of (p - y)^2; smaller is better.
    pub brier: Value,
    /// The same if the base rate were always predicted.
    pub brier_of_base_rate: Value,
    /// Mean of -ln(probability of what happened); smaller is better.
    pub log_loss: Value,
    /// Probability that an outcome was given more than a non-outcome; a half is chance.
    pub auc: Value,
    /// By tenth of probability: mean prediction, share of outcomes, number.
    pub reliability: Vec<(f64, f64, usize)>,
}

impl Board {
    /// A prediction and what became of it.
    pub fn add(&mut self, p: f64, outcome: bool) {
        if !p.is_finite() {
            return;
        }
        if self.seen.len() >= KEPT_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back((p, outcome));
    }

    /// Everything kept, oldest first.
    pub fn seen(&self) -> impl Iterator<Item = (f64, bool)> + '_ {
        self.seen.iter().copied()
    }

    /// Number kept.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// What they come to.
    pub fn score(&self) -> Score {
        let count = self.seen.len();
        let mean = |of: &dyn Fn(f64, f64) -> f64| match count {
            0 => Value::Absent(Reason::NoData),
            _ => (self.seen.iter().map(|(p, y)| of(*p, f64::from(u8::from(*y)))).sum::<f64>() / count as f64).into(),
        };
        let base_rate = mean(&|_, y| y);
        let rate = base_rate.get().unwrap_or_default();
        let likely = |p: f64| p.clamp(LEAST, 1.0 - LEAST);
        Score {
            count,
            base_rate,
            brier: mean(&|p, y| (p - y) * (p - y)),
            brier_of_base_rate: mean(&|_, y| (rate - y) * (rate - y)),
            log_loss: mean(&|p, y| -(y * likely(p).ln() + (1.0 - y) * (1.0 - likely(p)).ln())),
            auc: self.auc().into(),
            reliability: self.reliability(),
        }
    }

    /// By ranks (Mann and Whitney): equal predictions share their ranks.
    fn auc(&self) -> Result<f64, Reason> {
        let mut sorted: Vec<(f64, bool)> = self.seen().collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut below, mut wins, mut hits) = (0.0, 0.0, 0.0);
        for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
            let here = equal.iter().filter(|(_, y)| *y).count() as f64;
            let misses = equal.len() as f64 - here;
            wins += here * (below + misses / 2.0);
            below += misses;
            hits += here;
        }
        if hits > 0.0 && below > 0.0 { Ok(wins / (hits * below)) } else { Err(Reason::NoData) }
    }

    fn reliability(&self) -> Vec<(f64, f64, usize)> {
        let mut bins = [(0.0, 0.0, 0usize); BINS];
        for (p, outcome) in self.seen() {
            let bin = ((p * BINS as f64) as usize).min(BINS - 1);
            if let Some((sum, hits, count)) = bins.get_mut(bin) {
                *sum += p;
                *hits += f64::from(u8::from(outcome));
                *count += 1;
            }
        }
        let full = bins.into_iter().filter(|bin| bin.2 > 0);
        full.map(|(sum, hits, count)| (sum / count as f64, hits / count as f64, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(value: Value, expected: f64) {
        assert!((value.get().unwrap() - expected).abs() < 1e-12, "{value:?} instead of {expected}");
    }

    #[test]
    fn by_hand() {
        let mut board = Board::default();
        [(0.9, true), (0.6, false), (0.6, true), (0.1, false)].iter().for_each(|(p, y)| board.add(*p, *y));
        let score = board.score();
        close(score.brier, (0.01 + 0.36 + 0.16 + 0.01) / 4.0);
        close(score.brier_of_base_rate, 0.25);
        close(score.log_loss, -(0.9f64.ln() + 0.4f64.ln() + 0.6f64.ln() + 0.9f64.ln()) / 4.0);
        close(score.auc, 3.5 / 4.0); // pairs: 0.9 beats both, 0.6 ties one and beats one
        assert_eq!(score.reliability, [(0.1, 0.0, 1), (0.6, 0.5, 2), (0.9, 1.0, 1)]);
        assert_eq!(Board::default().score().brier, Value::Absent(Reason::NoData));
        let mut one = Board::default();
        one.add(1.0, true);
        one.add(f64::NAN, true);
        assert_eq!((one.len(), one.score().auc), (1, Value::Absent(Reason::NoData)));
        assert!(one.score().log_loss.get().unwrap() < 1e-8);
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_pairs_in_order(seen in proptest::collection::vec((0u8..20, any::<bool>()), 2..60)) {
            let mut board = Board::default();
            seen.iter().for_each(|(p, y)| board.add(f64::from(*p) / 20.0, *y));
            let (mut wins, mut pairs) = (0.0, 0.0);
            for (p, _) in seen.iter().filter(|(_, y)| *y) {
                for (q, _) in seen.iter().filter(|(_, y)| !*y) {
                    pairs += 1.0;
                    wins += if p > q { 1.0 } else if p == q { 0.5 } else { 0.0 };
                }
            }
            match board.score().auc {
                Value::Is(auc) => prop_assert!((auc - wins / pairs).abs() < 1e-12),
                Value::Absent(_) => prop_assert!(pairs == 0.0),
            }
        }
    }
}
