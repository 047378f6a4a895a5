//! The natural logarithm in plain arithmetic, so that every machine gives the same digits (a system's own differs in the last).

use std::f64::consts::{LN_2, SQRT_2};

/// 1/3, 1/5, ... 1/21: the series of atanh(z)/z in z^2. |z| is at most 0.1716, so the next term is below 10^-18.
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

/// ln(a / b) for finite a, b > 0; as exact for a near b as anywhere.
pub(super) fn ln_ratio(a: f64, b: f64) -> f64 {
    let near = (a - b) / (a + b);
    if near.abs() < 0.17 {
        return 2.0 * atanh(near);
    }
    let (x, y) = (ln(a), ln(b));
    x - y
}

/// ln(x) for finite x > 0 (of the normal range); not a number for others.
pub(super) fn ln(x: f64) -> f64 {
    if !(f64::MIN_POSITIVE..=f64::MAX).contains(&x) {
        return f64::NAN;
    }
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52)); // in [1, 2)
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    2.0 * atanh((mantissa - 1.0) / (mantissa + 1.0)) + exponent as f64 * LN_2
}

fn atanh(z: f64) -> f64 {
    let square = z * z;
    let tail = SERIES.iter().rev().fold(0.0, |sum, term| sum * square + term);
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
            assert!(error <= 4e-16 * x.ln().abs().max(1.0), "ln({x}): {error}");
        }
        assert_eq!(ln(1.0), 0.0);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(ln(bad).is_nan());
        }
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
