//! How the sizes of trades are spread: first digits against Benford's law, roundness, and the width of their logarithms.

use serde::{Deserialize, Serialize};

/// Benford's shares of the first digits: log10(1 + 1/d).
const BENFORD: [f64; 9] = [
    std::f64::consts::LOG10_2,
    0.176_091_259_055_681_24,
    0.124_938_736_608_299_95,
    0.096_910_013_008_056_42,
    0.079_181_246_047_624_82,
    0.066_946_789_630_613_22,
    0.057_991_946_977_686_73,
    0.051_152_522_447_381_29,
    0.045_757_490_560_675_14,
];

/// Bins of the sizes' logarithms, wrapped around, and how many of them a factor of e takes: 4 % each.
const BINS: usize = 64;
const BINS_PER_E: f64 = 25.0;
/// Bins of one trade that is forgotten: what is left of a bin after that many trades is 1/e.
const CLUSTER_TRADES: f64 = 150.0;

/// How much the sizes of late crowd together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Clusters(Vec<f32>, f32);

impl Clusters {
    /// A trade of that many units.
    pub(super) fn add(&mut self, size: i64) {
        if self.0.is_empty() {
            self.0.resize(BINS, 0.0);
        }
        // Instead of fading all that is there, what comes weighs more.
        self.1 = if self.1 == 0.0 { 1.0 } else { self.1 * (1.0 + 1.0 / CLUSTER_TRADES) as f32 };
        let bin = ((size.max(1) as f64).ln() * BINS_PER_E) as usize % BINS;
        if let Some(bin) = self.0.get_mut(bin) {
            *bin += self.1;
        }
        if self.1 > 1e6 {
            let by = self.1;
            self.0.iter_mut().for_each(|bin| *bin /= by);
            self.1 = 1.0;
        }
    }

    /// Share of the three fullest bins.
    pub(super) fn share(&self) -> f64 {
        let (mut top, mut sum) = ([0.0f32; 3], 0.0f32);
        for bin in &self.0 {
            sum += bin;
            let mut bin = *bin;
            for place in &mut top {
                if bin > *place {
                    std::mem::swap(place, &mut bin);
                }
            }
        }
        if sum > 0.0 { f64::from(top.iter().sum::<f32>() / sum) } else { 0.0 }
    }

    /// Units changed: what bins mean did too.
    pub(super) fn clear(&mut self) {
        self.0.clear();
        self.1 = 0.0;
    }
}

/// Sums over the sizes of trades.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sizes {
    digits: [f32; 9],
    round: f32,
    log: f32,
    log_square: f32,
}

impl Sizes {
    /// A trade of that many units.
    pub(super) fn add(&mut self, size: i64) {
        let (mut first, mut rest) = (size, 0);
        while first >= 10 {
            rest |= first % 10;
            first /= 10;
        }
        let Some(digit) = usize::try_from(first - 1).ok().and_then(|at| self.digits.get_mut(at)) else { return };
        *digit += 1.0;
        self.round += f32::from(rest == 0);
        let log = (size as f64).ln() as f32;
        self.log += log;
        self.log_square += log * log;
    }

    /// Both together.
    pub(super) fn plus(&mut self, other: &Sizes) {
        self.digits.iter_mut().zip(other.digits).for_each(|(sum, more)| *sum += more);
        self.round += other.round;
        self.log += other.log;
        self.log_square += other.log_square;
    }

    /// What is old counts less.
    pub(super) fn fade(&mut self, memory: f64) {
        let keep = (1.0 - 1.0 / memory) as f32;
        self.digits.iter_mut().chain([&mut self.round, &mut self.log, &mut self.log_square]).for_each(|x| *x *= keep);
    }

    /// All sizes are so much larger, as a logarithm.
    pub(super) fn shift(&mut self, log: f64) {
        let (log, count) = (log as f32, self.count() as f32);
        self.log_square += 2.0 * log * self.log + count * log * log;
        self.log += count * log;
    }

    pub(super) fn count(&self) -> f64 {
        self.digits.iter().map(|n| f64::from(*n)).sum()
    }

    /// Mean absolute distance of the first digits' shares from Benford's.
    pub(super) fn benford_distance(&self) -> f64 {
        let count = self.count().max(1.0);
        self.digits.iter().zip(BENFORD).map(|(n, share)| (f64::from(*n) / count - share).abs()).sum::<f64>() / 9.0
    }

    /// The chi-square of the first digits against Benford's, 8 degrees of freedom.
    pub(super) fn chi_square(&self) -> f64 {
        let count = self.count().max(1.0);
        self.digits.iter().zip(BENFORD).map(|(n, s)| (f64::from(*n) - count * s).powi(2) / (count * s)).sum()
    }

    /// Share of sizes of one digit and zeros.
    pub(super) fn round_share(&self) -> f64 {
        f64::from(self.round) / self.count().max(1.0)
    }

    /// Standard deviation of the sizes' logarithms: what a lognormal fit calls sigma.
    pub(super) fn log_deviation(&self) -> f64 {
        let count = self.count().max(1.0);
        let mean = f64::from(self.log) / count;
        (f64::from(self.log_square) / count - mean * mean).max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sizes: &[i64]) -> Sizes {
        let mut all = Sizes::default();
        sizes.iter().for_each(|size| all.add(*size));
        all
    }

    #[test]
    fn by_hand() {
        // 18 sizes, two with each first digit: shares of 1/9; half of them round.
        let sizes: Vec<i64> = (1..=9).flat_map(|d| [d * 100, d * 100 + 1]).collect();
        let all = of(&sizes);
        assert_eq!((all.count(), all.round_share()), (18.0, 0.5));
        // Mean of |1/9 - log10(1 + 1/d)|, and 18 times the sum of (1/9 - b)^2 / b: computed apart, in Python.
        assert!((all.benford_distance() - 0.059_717_035).abs() < 1e-7, "{}", all.benford_distance());
        assert!((all.chi_square() - 7.230_569_27).abs() < 1e-5, "{}", all.chi_square());
    }

    #[test]
    fn sizes_that_follow_the_law_are_near_it_and_equal_sizes_have_no_width() {
        let lawful: Vec<i64> = (0..9_000).map(|i| 10f64.powf(3.0 + f64::from(i) / 3_000.0) as i64).collect();
        assert!(of(&lawful).benford_distance() < 0.001);
        assert!(of(&[70; 50]).log_deviation() < 1e-2 && of(&[70; 50]).benford_distance() > 0.2);
    }

    #[test]
    fn three_sizes_are_a_crowd_and_many_are_none() {
        let (mut few, mut many) = (Clusters::default(), Clusters::default());
        for i in 0..100_000 {
            few.add([700, 1_234, 5_000][i % 3]);
            many.add(10 + (i as i64 * 7_919) % 100_000);
        }
        assert!((few.share() - 1.0).abs() < 1e-6, "{}", few.share());
        assert!(many.share() < 0.2, "{}", many.share());
    }

    #[test]
    fn finer_units_shift_the_logarithms_only() {
        let (mut coarse, fine) = (of(&[3, 40, 500]), of(&[300, 4_000, 50_000]));
        coarse.shift(100f64.ln());
        assert!((f64::from(coarse.log) - f64::from(fine.log)).abs() < 1e-4);
        assert!((coarse.log_deviation() - fine.log_deviation()).abs() < 1e-3);
    }
}
