//! The natural logarithm and its inverse in plain arithmetic, so that every machine gives the same digits (a system's own differs in the last).

use std::f64::consts::LN_2;

/// 1/3, 1/5, ... 1/21: the series of atanh(z)/z in z^2. |z| is at most 0.17, so the next term is below 10^-18.
const SERIES: [f64; 10] = [
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
    1.0 / 21.0,
];
const NEAR: f64 = 0.17;

/// ln of the middles of 64 equal parts of [1, 2).
const PARTS: usize = 64;
const LOGS: [f64; PARTS] = {
    let mut logs = [0.0; PARTS];
    let mut i = 0;
    while i < PARTS {
        let middle = middle(i);
        // ln x = ln(x / 1.5) + ln 1.5 keeps the series short for the upper parts; ln 1.5 = 2 atanh(1/5).
        logs[i] = 2.0 * (atanh((middle - 1.5) / (middle + 1.5)) + atanh(0.2));
        i += 1;
    }
    logs
};

const fn middle(part: usize) -> f64 {
    1.0 + (part as f64 + 0.5) / PARTS as f64
}

/// ln(a / b) for finite a, b > 0; as exact for a near b as anywhere.
pub(crate) fn ln_ratio(a: f64, b: f64) -> f64 {
    let near = (a - b) / (a + b);
    if near.abs() < NEAR { 2.0 * atanh(near) } else { ln(a) - ln(b) }
}

/// ln(x) for finite x > 0 (of the normal range); not a number for others. Exact to about 10^-16, absolutely.
#[inline]
pub(super) fn ln(x: f64) -> f64 {
    if !(f64::MIN_POSITIVE..=f64::MAX).contains(&x) {
        return f64::NAN;
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52)); // in [1, 2)
    let part = (bits >> 46) as usize % PARTS; // the first six bits of the fraction
    let middle = middle(part);
    let z = (mantissa - middle) / (mantissa + middle); // at most 1/257
    let square = z * z;
    let series = z * square * (SERIES[0] + square * (SERIES[1] + square * SERIES[2])); // the next term is below 10^-22
    exponent as f64 * LN_2 + LOGS[part] + 2.0 * (z + series)
}

/// 1/2!, 1/3!, ... 1/13!: the series of e^r after 1 + r. |r| is at most ln(2)/2, so the next term is below 10^-17.
const FACTORIALS: [f64; 12] = {
    let (mut all, mut i, mut product) = ([0.0; 12], 0, 1.0);
    while i < 12 {
        product *= (i + 2) as f64;
        all[i] = 1.0 / product;
        i += 1;
    }
    all
};
/// ln 2 in two parts, the first of so few digits that whole multiples of it are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// e^x for x <= 0 as decays need it; 0 below the normal range, not a number for others.
pub(super) fn exp_decay(x: f64) -> f64 {
    if x.is_nan() || x > 0.0 {
        return f64::NAN;
    }
    if x < -708.0 {
        return 0.0;
    }
    let twos = (x / LN_2).round();
    let r = (x - twos * LN_2_HIGH) - twos * LN_2_LOW;
    let tail = FACTORIALS.iter().rev().fold(0.0, |tail, factor| tail * r + factor);
    let power = f64::from_bits(((1023 + twos as i64) as u64) << 52);
    (1.0 + (r + r * r * tail)) * power
}

const fn atanh(z: f64) -> f64 {
    let square = z * z;
    let (mut tail, mut i) = (0.0, SERIES.len());
    while i > 0 {
        i -= 1;
        tail = tail * square + SERIES[i];
    }
    z + z * square * tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_system_to_the_last_digits() {
        for i in 1..200_000 {
            let x = f64::from(i) * 0.000_37 * if i % 2 == 0 { 1.0 } else { 1e9 };
            let error = (ln(x) - x.ln()).abs();
            assert!(error <= 5e-16 * x.ln().abs().max(1.0), "ln({x}): {error}");
        }
        assert!(ln(1.0).abs() < 2e-16);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(ln(bad).is_nan());
        }
    }

    #[test]
    fn decays_agree_with_the_system() {
        for i in 0..200_000 {
            let x = -f64::from(i) * 0.003_5;
            let error = (exp_decay(x) - x.exp()).abs();
            assert!(error <= 4e-16 * x.exp(), "exp({x}): {error}");
        }
        assert_eq!((exp_decay(0.0), exp_decay(-1e9), exp_decay(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp_decay(1e-9).is_nan() && exp_decay(f64::NAN).is_nan());
    }

    #[test]
    fn small_returns_keep_their_digits() {
        let (a, b) = (60_000.01, 60_000.0);
        let exact = (0.01f64 / 60_000.0).ln_1p();
        assert!((ln_ratio(a, b) / exact - 1.0).abs() < 1e-9); // 60000.01 itself is known to 7e-12
        assert_eq!(ln_ratio(a, b), -ln_ratio(b, a));
        assert!((ln_ratio(8.0, 1.0) - 3.0 * LN_2).abs() < 1e-15);
    }
}
