//! Numbers and times as the screen writes them: thousands separated, never NaN, never wider than their column.

use fathometer_engine::units::{Decimal, NANOS_PER_SECOND, Nanos};

/// What stands where there is no number.
pub const ABSENT: &str = "–";

/// A number with that many decimals, thousands separated.
pub fn fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return ABSENT.to_owned();
    }
    grouped(&format!("{number:.decimals$}"))
}

/// An exact number, thousands separated, with at least that many decimals.
pub fn exact(units: i64, decimals: u8) -> String {
    let text = Decimal { mantissa: units, decimals }.to_string();
    let written = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let missing = (decimals as usize).saturating_sub(written);
    let point = if written == 0 && missing > 0 { "." } else { "" };
    grouped(&format!("{text}{point}{}", "0".repeat(missing)))
}

/// About four digits with a letter for the thousands: `1.23m`, `456k`, `12.3`.
pub fn short(number: f64) -> String {
    if !number.is_finite() {
        return ABSENT.to_owned();
    }
    let size = number.abs();
    for (unit, letter) in [(1e12, "t"), (1e9, "b"), (1e6, "m"), (1e3, "k")] {
        // What would round up to 1000 of a unit is one of the next.
        if size >= unit * 0.9995 {
            let scaled = number / unit;
            let decimals = if scaled.abs() < 9.995 { 2 } else { usize::from(scaled.abs() < 99.95) };
            return format!("{scaled:.decimals$}{letter}");
        }
    }
    match size {
        0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{number:.0e}"),
        size if size < 1.0 => format!("{number:.3}"),
        size if size < 9.995 => format!("{number:.2}"),
        size if size < 99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// With its sign, two decimals: `+0.25`.
pub fn signed(number: f64) -> String {
    if number.is_finite() { format!("{number:+.2}") } else { ABSENT.to_owned() }
}

/// About seven digits, thousands separated, for a column of numbers of all kinds.
pub fn plain(number: f64) -> String {
    match number.abs() {
        size if size >= 1_000_000.0 => fixed(number, 0),
        size if size >= 100.0 => fixed(number, 3),
        size if size >= 0.001 || size == 0.0 => fixed(number, 5),
        _ if number.is_finite() => format!("{number:.3e}"),
        _ => ABSENT.to_owned(),
    }
}

/// Nanoseconds as milliseconds: `12.4`, `-1270`.
pub fn millis(nanos: i64) -> String {
    let millis = nanos as f64 / 1e6;
    if millis.abs() < 99.95 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

/// Time of day, UTC: `12:04:07`.
pub fn clock(at: Nanos) -> String {
    let seconds = at.0.div_euclid(NANOS_PER_SECOND).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How long something lasted or ago it was: `0.40 s`, `12 s`, `3 min`, `5 h 12 min`.
pub fn span(nanos: i64) -> String {
    let seconds = nanos as f64 / 1e9;
    match seconds {
        s if s < 10.0 => format!("{:.2} s", s.max(0.0)),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s => format!("{} h {} min", (s / 3600.0) as i64, (s / 60.0) as i64 % 60),
    }
}

fn grouped(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_width_and_are_never_nan() {
        assert_eq!(fixed(61602.015, 3), "61,602.015");
        assert_eq!(fixed(-1234.5, 1), "-1,234.5");
        assert_eq!(exact(6160200, 2), "61,602.00");
        assert_eq!(exact(5, 3), "0.005");
        assert_eq!(exact(1_000_000, 0), "1,000,000");
        for (number, text) in [
            (0.0, "0"),
            (0.25, "0.250"),
            (12.34, "12.3"),
            (999.7, "1.00k"),
            (456_000.0, "456k"),
            (1.2345e6, "1.23m"),
            (-9.999e5, "-1.00m"),
            (2e-8, "2e-8"),
        ] {
            assert_eq!(short(number), text);
        }
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!([fixed(bad, 2), short(bad), signed(bad), plain(bad)], [ABSENT; 4]);
        }
        assert_eq!((millis(12_400_000), millis(-1_270_000_000)), ("12.4".into(), "-1270".into()));
        assert_eq!(clock(Nanos(1_795_176_247 * NANOS_PER_SECOND)), "12:04:07");
        assert_eq!(
            [span(400_000_000), span(12 * NANOS_PER_SECOND), span(18_720 * NANOS_PER_SECOND)],
            ["0.40 s", "12 s", "5 h 12 min"]
        );
    }
}
