//! How unusual a number is among its own recent values: the standard score by mean and standard deviation, and the robust
//! one by median and median absolute deviation. The value that is scored belongs to its window.

use crate::metric::Reason;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Standard deviations per median absolute deviation of a normal distribution.
pub const MAD_SCALE: f64 = 1.4826;

/// Room made at the start for so many samples; longer windows grow when they fill.
const ROOM_MAX: usize = 1_024;

/// What can be chosen about scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZScoreParams {
    /// Whether they are computed.
    pub enabled: bool,
    /// Samples in the window.
    pub window_size: u32,
    /// Samples before the first score.
    pub min_samples: u32,
    /// Whether a gap starts the window anew.
    pub reset_on_gap: bool,
}

impl Default for ZScoreParams {
    fn default() -> Self {
        ZScoreParams { enabled: true, window_size: 300, min_samples: 30, reset_on_gap: true }
    }
}

/// Why there is no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoScore {
    /// Too few samples: so many there are, so many are needed ("warming up 15/30").
    Warmup {
        /// Samples seen since the start or the last gap.
        have: u32,
        /// Samples needed.
        need: u32,
    },
    /// The window does not vary: nothing can be said of how unusual a value is.
    Undefined,
}

impl NoScore {
    /// As columns tell it.
    pub fn reason(self) -> Reason {
        match self {
            NoScore::Warmup { .. } => Reason::Warmup,
            NoScore::Undefined => Reason::Undefined,
        }
    }
}

/// Centre and width of the window, by both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample (n - 1); 0 exactly when all values are equal.
    pub deviation: f64,
    /// Median; between the two middle values if their number is even.
    pub median: f64,
    /// Median of the distances from the median, not scaled.
    pub mad: f64,
}

/// The last values of a series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ZScore {
    params: ZScoreParams,
    /// As they came.
    recent: VecDeque<f64>,
    /// The same, ascending.
    sorted: Vec<f64>,
    baseline: Baseline,
}

impl ZScore {
    /// Nothing seen.
    pub fn new(params: ZScoreParams) -> Self {
        let room = (params.window_size as usize).clamp(2, ROOM_MAX);
        let (recent, sorted) = (VecDeque::with_capacity(room), Vec::with_capacity(room));
        ZScore { params, recent, sorted, baseline: Baseline::default() }
    }

    /// The next value, once a second of event time by custom; one that is not finite is left out.
    pub fn push(&mut self, x: f64) {
        if !x.is_finite() {
            return;
        }
        if self.recent.len() >= (self.params.window_size as usize).max(2)
            && let Some(old) = self.recent.pop_front()
        {
            let at = self.sorted.partition_point(|y| y.total_cmp(&old).is_lt());
            if at < self.sorted.len() {
                self.sorted.remove(at);
            }
        }
        if self.recent.is_empty() {
            // All that will ever be needed, so that a long warm-up allocates once.
            self.recent.reserve(self.params.window_size.max(2) as usize);
            self.sorted.reserve(self.params.window_size.max(2) as usize);
        }
        self.recent.push_back(x);
        let at = self.sorted.partition_point(|y| y.total_cmp(&x).is_lt());
        self.sorted.insert(at, x);
        self.baseline = baseline(&self.sorted);
    }

    /// The series was interrupted: the window starts anew, unless it was chosen to go on.
    pub fn gap(&mut self) {
        if self.params.reset_on_gap {
            self.recent.clear();
            self.sorted.clear();
        }
    }

    /// Samples there are, and samples needed.
    pub fn progress(&self) -> (u32, u32) {
        (self.recent.len() as u32, self.params.min_samples.clamp(2, self.params.window_size.max(2)))
    }

    /// Centre and width of the window.
    ///
    /// # Errors
    /// Too few samples.
    pub fn baseline(&self) -> Result<Baseline, NoScore> {
        match self.progress() {
            (have, need) if have < need => Err(NoScore::Warmup { have, need }),
            _ => Ok(self.baseline),
        }
    }

    /// Standard deviations that the last value is above the mean.
    ///
    /// # Errors
    /// Too few samples, or none that differ.
    pub fn classic(&self) -> Result<f64, NoScore> {
        self.recent.back().map_or_else(|| self.classic_of(0.0), |x| self.classic_of(*x))
    }

    /// The same of any value, against the window as it stands.
    ///
    /// # Errors
    /// Too few samples, or none that differ.
    pub fn classic_of(&self, x: f64) -> Result<f64, NoScore> {
        let of = self.baseline()?;
        score(x, of.mean, of.deviation)
    }

    /// Scaled median absolute deviations that the last value is above the median: (x - median) / (1.4826 MAD).
    ///
    /// # Errors
    /// Too few samples, or half of them or more are equal.
    pub fn robust(&self) -> Result<f64, NoScore> {
        self.recent.back().map_or_else(|| self.robust_of(0.0), |x| self.robust_of(*x))
    }

    /// The same of any value, against the window as it stands.
    ///
    /// # Errors
    /// Too few samples, or half of them or more are equal.
    pub fn robust_of(&self, x: f64) -> Result<f64, NoScore> {
        let of = self.baseline()?;
        score(x, of.median, MAD_SCALE * of.mad)
    }
}

fn score(x: f64, centre: f64, width: f64) -> Result<f64, NoScore> {
    let score = (x - centre) / width;
    if width > 0.0 && width.is_finite() && score.is_finite() { Ok(score) } else { Err(NoScore::Undefined) }
}

fn baseline(sorted: &[f64]) -> Baseline {
    let n = sorted.len() as f64;
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return Baseline::default() };
    if first == last {
        return Baseline { mean: *first, deviation: 0.0, median: *first, mad: 0.0 };
    }
    let mean = sorted.iter().sum::<f64>() / n;
    let squares: f64 = sorted.iter().map(|x| (x - mean) * (x - mean)).sum();
    let median = middle(sorted.len(), |i| sorted.get(i).copied());
    // Distances from the median ascend to the left and to the right of it: they are merged up to the middle one.
    let right = sorted.partition_point(|x| *x < median);
    let (mut left, mut right, mut last, mut before) = (sorted[..right].iter().rev(), sorted[right..].iter(), 0.0, 0.0);
    let (mut near, mut far) = (left.next(), right.next());
    for _ in 0..=sorted.len() / 2 {
        let (below, above) = (near.map(|x| median - x), far.map(|x| x - median));
        before = last;
        last = match (below, above) {
            (Some(below), Some(above)) if below < above => {
                near = left.next();
                below
            }
            (_, Some(above)) => {
                far = right.next();
                above
            }
            (Some(below), None) => {
                near = left.next();
                below
            }
            (None, None) => break,
        };
    }
    let mad = if sorted.len().is_multiple_of(2) { (before + last) / 2.0 } else { last };
    Baseline { mean, deviation: (squares / (n - 1.0)).sqrt(), median, mad }
}

/// The middle of so many ordered values, or between the two middle ones.
fn middle(count: usize, at: impl Fn(usize) -> Option<f64>) -> f64 {
    let of = |i| at(i).unwrap_or_default();
    if count.is_multiple_of(2) { (of(count / 2 - 1) + of(count / 2)) / 2.0 } else { of(count / 2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(window_size: u32, min_samples: u32, values: &[f64]) -> ZScore {
        let mut z = ZScore::new(ZScoreParams { window_size, min_samples, ..ZScoreParams::default() });
        values.iter().for_each(|x| z.push(*x));
        z
    }

    #[test]
    fn by_hand() {
        // Mean 5, squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32 over 7; distances from 4.5: .5 .5 .5 .5 .5 2.5 2.5 4.5.
        let z = of(8, 2, &[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        let of = z.baseline().unwrap();
        assert_eq!((of.mean, of.median, of.mad), (5.0, 4.5, 0.5));
        assert!((z.classic().unwrap() - 4.0 / (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
        assert!((z.robust().unwrap() - 4.5 / (1.4826 * 0.5)).abs() < 1e-15);
        assert!((z.robust_of(4.0).unwrap() + 0.5 / (1.4826 * 0.5)).abs() < 1e-15);
    }

    #[test]
    fn it_says_how_far_it_has_warmed_up_and_a_gap_starts_anew() {
        let mut z = of(300, 30, &[]);
        for i in 0..29 {
            assert_eq!(z.classic(), Err(NoScore::Warmup { have: i, need: 30 }));
            z.push(f64::from(i));
        }
        z.push(f64::NAN);
        assert_eq!(z.robust(), Err(NoScore::Warmup { have: 29, need: 30 }));
        z.push(29.0);
        assert!(z.classic().is_ok() && z.robust().is_ok());
        let mut on = ZScore { params: ZScoreParams { reset_on_gap: false, ..z.params }, ..z.clone() };
        on.gap();
        assert_eq!(on.classic(), z.classic());
        z.gap();
        assert_eq!(z.classic(), Err(NoScore::Warmup { have: 0, need: 30 }));
    }

    #[test]
    fn what_does_not_vary_has_no_score() {
        let z = of(5, 2, &[0.1; 9]);
        assert_eq!((z.classic(), z.robust()), (Err(NoScore::Undefined), Err(NoScore::Undefined)));
        let z = of(5, 2, &[1.0, 1.0, 1.0, 1.0, 7.0]);
        assert!((z.classic().unwrap() - 4.8 / 7.2f64.sqrt()).abs() < 1e-15);
        assert_eq!(z.robust(), Err(NoScore::Undefined));
        assert_eq!(of(5, 2, &[-f64::MAX, f64::MAX]).classic(), Err(NoScore::Undefined));
    }

    proptest! {
        #[test]
        fn equals_a_plain_window(values in prop::collection::vec(-50i32..50, 2..80), window in 2u32..20) {
            let mut z = of(window, 2, &[]);
            for (i, x) in values.iter().enumerate() {
                z.push(f64::from(*x) / 8.0);
                let from = (i + 1).saturating_sub(window as usize);
                let mut plain: Vec<f64> = values[from..=i].iter().map(|x| f64::from(*x) / 8.0).collect();
                let (n, mean) = (plain.len() as f64, plain.iter().sum::<f64>() / plain.len() as f64);
                let deviation = (plain.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
                let median = |values: &mut Vec<f64>| {
                    values.sort_by(f64::total_cmp);
                    (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
                };
                let middle = median(&mut plain);
                let mad = median(&mut plain.iter().map(|x| (x - middle).abs()).collect());
                if let Ok(of) = z.baseline() {
                    prop_assert!((of.mean - mean).abs() < 1e-12 && (of.deviation - deviation).abs() < 1e-12);
                    prop_assert_eq!((of.median, of.mad), (middle, mad));
                } else {
                    prop_assert_eq!(i, 0);
                }
            }
        }
    }
}
