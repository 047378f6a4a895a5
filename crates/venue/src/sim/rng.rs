//! Random numbers that are the same on every machine: a small generator, and the few functions it needs built from exact
//! arithmetic alone (the platform's `ln` and `exp` may differ in the last bit from one system to the next).

use std::f64::consts::{LN_2, SQRT_2};

/// xoshiro256++ (Blackman and Vigna), one stream per purpose so that no part of the market disturbs another's draws.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: [u64; 4],
    spare: Option<f64>,
}

impl Rng {
    /// The generator of stream `stream` of `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut x = split_mix(seed).wrapping_add(split_mix(stream.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ 0x5851_f42d));
        let mut state = [0; 4];
        for word in &mut state {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            *word = split_mix(x);
        }
        Rng { state, spare: None }
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in the open interval (0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// True with that probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in 0..n; 0 when n is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// Exponential with that mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(self.unit())
    }

    /// Standard normal (Marsaglia's polar method).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let r = x * x + y * y;
            if r < 1.0 && r > 0.0 {
                let factor = (-2.0 * ln(r) / r).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// Lognormal of that median, `spread` being the standard deviation of its logarithm.
    pub(crate) fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        median * exp(spread * self.normal())
    }

    /// Pareto of that tail exponent, at least 1.
    pub(crate) fn pareto(&mut self, exponent: f64) -> f64 {
        exp(-ln(self.unit()) / exponent)
    }
}

fn split_mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Natural logarithm of a positive normal number, by the series of artanh.
pub(crate) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut m = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if m > SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let (s2, mut sum) = (s * s, 0.0);
    for k in (0..=10).rev() {
        sum = sum * s2 + 1.0 / f64::from(2 * k + 1);
    }
    2.0 * s * sum + exponent as f64 * LN_2
}

/// The exponential function, for arguments clamped to -700..700, by its Taylor series around the nearest power of two.
pub(crate) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let k = (x / LN_2).round();
    let r = x - k * LN_2;
    let mut sum = 1.0;
    for n in (1..=13).rev() {
        sum = 1.0 + sum * r / f64::from(n);
    }
    sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_agree_with_the_platform() {
        for x in [1e-9, 0.3, 0.9999, 1.0, 1.5, 2.0, 7.3, 1e12] {
            assert!((ln(x) - x.ln()).abs() <= 1e-14 * x.ln().abs().max(1.0), "ln {x}");
        }
        for x in [-30.0, -1.0, -1e-6, 0.0, 0.34, 0.7, 5.0, 40.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp {x}");
        }
    }

    #[test]
    fn draws_have_the_moments_of_their_law() {
        let mut rng = Rng::new(1, 2);
        let n = 200_000;
        let (mut sum, mut squares, mut waits, mut units) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..n {
            let x = rng.normal();
            sum += x;
            squares += x * x;
            waits += rng.exponential(3.0);
            units += rng.unit();
        }
        let n = f64::from(n);
        assert!((sum / n).abs() < 0.01 && (squares / n - 1.0).abs() < 0.02);
        assert!((waits / n - 3.0).abs() < 0.05 && (units / n - 0.5).abs() < 0.005);
    }

    #[test]
    fn streams_of_a_seed_differ() {
        let first = |seed, stream| Rng::new(seed, stream).next();
        let mut all: Vec<u64> = (0..20).flat_map(|seed| (0..20).map(move |stream| first(seed, stream))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 400);
    }
}
