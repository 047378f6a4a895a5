//! Numbers and dates as exchanges write them.

use fathometer_engine::instrument::Instrument;
use fathometer_engine::units::{Decimal, Level, Nanos, POW10, Price, Size};
use std::fmt::Write;

/// How one listing's prices and sizes are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits {
    price: Places,
    size: Places,
}

#[derive(Clone, Copy, Debug)]
struct Places {
    scale: u8,
    /// Decimal places always written; `None` writes no trailing zeros.
    fixed: Option<u8>,
}

impl Digits {
    /// Always that many places.
    pub(crate) fn fixed(instrument: &Instrument, price: u8, size: u8) -> Self {
        let s = instrument.scale;
        Digits {
            price: Places { scale: s.price, fixed: Some(price) },
            size: Places { scale: s.size, fixed: Some(size) },
        }
    }

    /// As many places as needed.
    pub(crate) fn shortest(instrument: &Instrument) -> Self {
        let s = instrument.scale;
        Digits { price: Places { scale: s.price, fixed: None }, size: Places { scale: s.size, fixed: None } }
    }

    /// Appends a price.
    pub(crate) fn push_price(&self, out: &mut String, price: Price) {
        push_units(out, price.0, self.price);
    }

    /// Appends a size.
    pub(crate) fn push_size(&self, out: &mut String, size: Size) {
        push_units(out, size.0, self.size);
    }

    /// A price.
    pub(crate) fn price(&self, price: Price) -> String {
        let mut out = String::new();
        self.push_price(&mut out, price);
        out
    }

    /// A size.
    pub(crate) fn size(&self, size: Size) -> String {
        let mut out = String::new();
        self.push_size(&mut out, size);
        out
    }

    /// Appends `"price","size"`.
    pub(crate) fn push_level(&self, out: &mut String, level: Level) {
        out.push('"');
        self.push_price(out, level.price);
        out.push_str("\",\"");
        self.push_size(out, level.size);
        out.push('"');
    }
}

fn push_units(out: &mut String, units: i64, places: Places) {
    let Some(fixed) = places.fixed else {
        let _ = write!(out, "{}", Decimal::new(units, places.scale));
        return;
    };
    push_fixed(out, Decimal::new(units, places.scale), fixed);
}

/// Appends a number with at least `places` decimal places; digits beyond are written, never rounded away.
pub(crate) fn push_fixed(out: &mut String, number: Decimal, places: u8) {
    let places = places.max(number.decimals);
    let magnitude = number.mantissa.unsigned_abs();
    let unit = POW10.get(number.decimals as usize).copied().unwrap_or(1) as u64;
    if number.mantissa < 0 {
        out.push('-');
    }
    let _ = write!(out, "{}", magnitude / unit);
    if places > 0 {
        out.push('.');
        if number.decimals > 0 {
            let _ = write!(out, "{:0width$}", magnitude % unit, width = number.decimals as usize);
        }
        out.extend(std::iter::repeat_n('0', usize::from(places - number.decimals)));
    }
}

/// A number with at least `places` decimal places.
pub(crate) fn fixed(number: Decimal, places: u8) -> String {
    let mut out = String::new();
    push_fixed(&mut out, number, places);
    out
}

/// Milliseconds since the epoch.
pub(crate) fn millis(at: Nanos) -> i64 {
    at.0.div_euclid(1_000_000)
}

/// The delivery time in the tail of a dated symbol (`BTCUSD_260626`, `BTC-USDT-260626`): 08:00 UTC, ms since the epoch.
pub(crate) fn expiry_millis(symbol: &str) -> Option<i64> {
    let tail = symbol.rsplit(['_', '-']).next().filter(|t| t.len() == 6 && t.bytes().all(|c| c.is_ascii_digit()))?;
    let part = |range: std::ops::Range<usize>| tail.get(range)?.parse::<i64>().ok();
    let (y, m, d) = (2000 + part(0..2)?, part(2..4)?, part(4..6)?);
    if !(1..=12).contains(&m) || !(1..=31).contains(&d) {
        return None;
    }
    // Days from civil: years start in March so that the leap day comes last.
    let (y, m) = if m <= 2 { (y - 1, m + 9) } else { (y, m - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d - 1 - 719_468;
    Some((days * 24 + 8) * 3_600_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_venue_writes_them() {
        let check = |text: &str, places, expect| assert_eq!(fixed(text.parse().unwrap(), places), expect);
        check("61602.01", 8, "61602.01000000");
        check("5", 8, "5.00000000");
        check("0.00000001", 8, "0.00000001");
        check("-0.0001", 8, "-0.00010000");
        check("7", 0, "7");
        check("1.25", 1, "1.25");
    }

    #[test]
    fn dated_symbols_tell_their_delivery() {
        assert_eq!(expiry_millis("BTCUSD_260626"), Some(1_782_460_800_000));
        assert_eq!(expiry_millis("BTC-USDT-240229"), Some(1_709_193_600_000));
        assert_eq!(expiry_millis("BTCUSD_PERP"), None);
        assert_eq!(expiry_millis("BTC-USDT-261399"), None);
    }
}
