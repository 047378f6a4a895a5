//! Exact numbers: prices and sizes as scaled integers taken from the decimal text, times in nanoseconds.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Largest magnitude a price or a size may have, in units: 2^50, so that the sums a book keeps per block of 64 levels
/// (size and offset times size) fit an `i64`, and every value is exact as an `f64`.
pub const MAX_UNITS: i64 = 1 << 50;

/// Most decimal places a scale may have.
pub const MAX_DECIMALS: u8 = 18;

/// Powers of ten up to 10^18.
pub const POW10: [i64; 19] = {
    let mut p = [1i64; 19];
    let mut i = 1;
    while i < 19 {
        p[i] = p[i - 1] * 10;
        i += 1;
    }
    p
};

/// A price in units of 10^-decimals of the quote currency, decimals being the instrument's `Scale::price`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Price(pub i64);

/// A size in units of 10^-decimals of what the venue counts in (base coin or contracts), decimals being `Scale::size`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Size(pub i64);

impl Price {
    /// Whether it is further from the touch than `other`.
    #[inline]
    pub fn is_worse(self, other: Price, side: Side) -> bool {
        match side {
            Side::Bid => self < other,
            Side::Ask => self > other,
        }
    }
}

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Nanos(pub i64);

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: i64 = 1_000_000;

impl Nanos {
    /// From milliseconds since the epoch; saturates.
    pub fn from_millis(ms: i64) -> Self {
        Nanos(ms.saturating_mul(NANOS_PER_MILLI))
    }
    /// `self - earlier`, in nanoseconds; saturates.
    pub fn since(self, earlier: Nanos) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// Later by `nanos`; saturates.
    pub fn plus(self, nanos: i64) -> Self {
        Nanos(self.0.saturating_add(nanos))
    }
}

/// An exact sum as the nearest float: through the processor's own conversion where it fits, which it nearly always does.
#[inline]
pub(crate) fn float(sum: i128) -> f64 {
    match i64::try_from(sum) {
        Ok(small) => small as f64,
        Err(_) => wide_float(sum),
    }
}

/// A function of its own, so that the compiler does not make one conversion of both, the slow one.
#[cold]
#[inline(never)]
fn wide_float(sum: i128) -> f64 {
    sum as f64
}

/// One price level: a size of 0 removes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Price, in units.
    pub price: Price,
    /// Absolute size at that price, in units.
    pub size: Size,
}

/// Bid (buyers) or ask (sellers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
}

/// How many decimal places an instrument's price and size units have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// Decimal places of a price unit.
    pub price: u8,
    /// Decimal places of a size unit.
    pub size: u8,
}

impl Scale {
    /// Price as a float, in quote currency; only for what leaves the exact world (metrics).
    pub fn price_f64(&self, p: Price) -> f64 {
        p.0 as f64 / POW10[self.price as usize] as f64
    }
    /// Size as a float, in what the venue counts in.
    pub fn size_f64(&self, s: Size) -> f64 {
        s.0 as f64 / POW10[self.size as usize] as f64
    }
}

/// Why a decimal text is not a number of the asked scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The text has significant digits beyond the scale; the decimals it needs.
    #[error("needs {0} decimal places")]
    Finer(u8),
    /// Beyond `MAX_UNITS`, or more than `MAX_DECIMALS` decimal places.
    #[error("number too large for exact units")]
    Overflow,
    /// Not a plain decimal number.
    #[error("not a decimal number")]
    Malformed,
}

/// Exact units of a decimal text (`-?digits[.digits]`, or with an exponent) at `decimals` places.
///
/// # Errors
/// `Finer` where digits would be lost, `Overflow` beyond `MAX_UNITS`, `Malformed` for anything else.
pub fn parse_units(text: &[u8], decimals: u8) -> Result<i64, UnitError> {
    let d = Decimal::parse(text)?;
    d.at(decimals)
}

/// A decimal number as its own text wrote it, without trailing zeros: `mantissa * 10^-decimals`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decimal {
    /// Signed digits.
    pub mantissa: i64,
    /// Decimal places.
    pub decimals: u8,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal { mantissa: 0, decimals: 0 };

    /// From units at a scale, trailing zeros dropped.
    pub fn new(units: i64, decimals: u8) -> Self {
        let (mut mantissa, mut decimals) = (units, decimals);
        while decimals > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            decimals -= 1;
        }
        Decimal { mantissa, decimals }
    }

    /// Reads a decimal text: sign, digits, optional fraction, optional exponent. Fraction digits beyond 18 places that
    /// are not zero are an `Overflow`.
    ///
    /// # Errors
    /// `Malformed` or `Overflow`.
    pub fn parse(text: &[u8]) -> Result<Self, UnitError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut mantissa: i64 = 0;
        let mut decimals: i32 = 0;
        let mut zeros: i32 = 0; // zeros seen but not yet multiplied in
        let (mut seen_digit, mut seen_dot) = (false, false);
        let mut exponent: i32 = 0;
        let mut i = 0;
        while i < digits.len() {
            match digits[i] {
                b'0' => {
                    seen_digit = true;
                    zeros += 1;
                    decimals += i32::from(seen_dot);
                }
                c @ b'1'..=b'9' => {
                    seen_digit = true;
                    decimals += i32::from(seen_dot);
                    if mantissa != 0 {
                        for _ in 0..zeros {
                            mantissa = mantissa.checked_mul(10).ok_or(UnitError::Overflow)?;
                        }
                    }
                    zeros = 0;
                    mantissa = mantissa
                        .checked_mul(10)
                        .and_then(|m| m.checked_add(i64::from(c - b'0')))
                        .ok_or(UnitError::Overflow)?;
                }
                b'.' if !seen_dot && seen_digit && i + 1 < digits.len() && digits[i + 1].is_ascii_digit() => {
                    seen_dot = true;
                }
                b'e' | b'E' if seen_digit => {
                    let text = std::str::from_utf8(&digits[i + 1..]).map_err(|_| UnitError::Malformed)?;
                    exponent = text.parse::<i8>().map_err(|_| UnitError::Malformed)?.into();
                    i = digits.len();
                    continue;
                }
                _ => return Err(UnitError::Malformed),
            }
            i += 1;
        }
        if !seen_digit {
            return Err(UnitError::Malformed);
        }
        if mantissa == 0 {
            return Ok(Decimal::ZERO);
        }
        let mut decimals = decimals - zeros - exponent; // trailing zeros were never multiplied in
        while decimals < 0 {
            mantissa = mantissa.checked_mul(10).ok_or(UnitError::Overflow)?;
            decimals += 1;
        }
        while decimals > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            decimals -= 1;
        }
        let decimals = u8::try_from(decimals).map_err(|_| UnitError::Overflow)?;
        if decimals > MAX_DECIMALS {
            return Err(UnitError::Overflow);
        }
        Ok(Decimal { mantissa: if negative { -mantissa } else { mantissa }, decimals })
    }

    /// Exact units at a scale.
    ///
    /// # Errors
    /// `Finer` or `Overflow`.
    pub fn at(&self, decimals: u8) -> Result<i64, UnitError> {
        if self.decimals > decimals {
            return Err(UnitError::Finer(self.decimals));
        }
        let factor = POW10.get((decimals - self.decimals) as usize).ok_or(UnitError::Overflow)?;
        let units = self.mantissa.checked_mul(*factor).ok_or(UnitError::Overflow)?;
        if units.unsigned_abs() > MAX_UNITS as u64 {
            return Err(UnitError::Overflow);
        }
        Ok(units)
    }

    /// As a float.
    pub fn to_f64(self) -> f64 {
        self.mantissa as f64 / POW10[self.decimals.min(MAX_DECIMALS) as usize] as f64
    }
}

impl fmt::Display for Decimal {
    /// Plain decimal text without trailing zeros: `61602.01`, `0.00000001`, `-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = Decimal::new(self.mantissa, self.decimals);
        let sign = if d.mantissa < 0 { "-" } else { "" };
        let magnitude = d.mantissa.unsigned_abs();
        if d.decimals == 0 {
            return write!(f, "{sign}{magnitude}");
        }
        let unit = POW10[d.decimals.min(MAX_DECIMALS) as usize] as u64;
        write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = d.decimals as usize)
    }
}

impl std::str::FromStr for Decimal {
    type Err = UnitError;
    fn from_str(s: &str) -> Result<Self, UnitError> {
        Decimal::parse(s.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_to_units_and_back() {
        for (text, decimals, units) in [
            ("61602.01000000", 2, 6160201),
            ("0.00000001", 8, 1),
            ("5", 3, 5000),
            ("-0.5", 1, -5),
            ("1e-5", 6, 10),
            ("0.00", 0, 0),
        ] {
            assert_eq!(parse_units(text.as_bytes(), decimals), Ok(units), "{text}");
        }
        for text in ["61602.01", "0.00000001", "5", "-0.5", "100", "0"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_would_lose_digits_or_wrap_is_refused() {
        assert_eq!(parse_units(b"1.25", 1), Err(UnitError::Finer(2)));
        assert_eq!(parse_units(b"99999999999999999999", 0), Err(UnitError::Overflow));
        assert_eq!(parse_units(b"1125899906842625", 0), Err(UnitError::Overflow));
        for bad in ["", "-", ".5", "5.", "1.2.3", "0x10", "1 ", "+1", "NaN", "1e", "1e999"] {
            assert_eq!(parse_units(bad.as_bytes(), 8), Err(UnitError::Malformed), "{bad}");
        }
    }
}
