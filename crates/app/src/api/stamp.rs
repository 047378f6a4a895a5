//! What every market answer carries: validity, sequence, time and age; and how times, prices and reasons are written.

use crate::live::state::State;
use crate::view::Market;
use fathometer_engine::metric::{Reason, Value};
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Decimal, Level, Nanos, Scale};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far an answer may be believed, and from when it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stamp {
    /// Whether the book may be believed: `live`, or why not; the catalogue lists all.
    pub validity: String,
    /// Last update id in it; -1 where there is none.
    pub sequence: i64,
    /// Receive time of the newest data in it, RFC 3339, UTC; absent before the first.
    pub at: Option<String>,
    /// The same, unix milliseconds.
    pub at_ms: Option<f64>,
    /// How long ago that was, ms; of a replay, in its own time.
    pub age_ms: Option<f64>,
}

impl Stamp {
    /// Of what was received at `at`.
    pub fn new(validity: Validity, sequence: i64, at: Option<Nanos>, now: Nanos) -> Self {
        let at = at.filter(|at| at.0 > 0);
        Stamp {
            validity: snake(&validity),
            sequence,
            at: at.map(rfc3339),
            at_ms: at.map(millis),
            age_ms: at.map(|at| now.since(at).max(0) as f64 / 1e6),
        }
    }

    /// Of an instrument's latest event.
    pub fn of(market: &Market, now: Nanos) -> Self {
        Stamp::at(market, market.status.as_ref().map(|status| status.last_at), now)
    }

    /// Of an instrument's data of that time.
    pub fn at(market: &Market, at: Option<Nanos>, now: Nanos) -> Self {
        let id = market.status.as_ref().map_or(-1, |status| status.last_update_id);
        Stamp::new(validity(market), id, at, now)
    }
}

/// The state of an instrument's book.
pub fn validity(market: &Market) -> Validity {
    market.status.as_ref().map_or(Validity::Empty, |status| status.validity)
}

/// Now, for the ages of a view that is held already.
pub fn now(state: &State, view: &crate::view::View) -> Nanos {
    if state.is_replay() { view.now } else { fathometer_edge::clock::now() }
}

/// RFC 3339 with nanoseconds, UTC.
pub fn rfc3339(at: Nanos) -> String {
    match jiff::Timestamp::from_nanosecond(at.0.into()) {
        Ok(time) => format!("{time:.9}"),
        Err(_) => String::new(), // beyond the year 9999, which 64 bits of nanoseconds do not reach
    }
}

/// Unix milliseconds.
pub fn millis(at: Nanos) -> f64 {
    at.0 as f64 / 1e6
}

/// The name of an engine's word (`BookInvalid` is `book_invalid`), as its own serialisation has it.
pub fn snake(word: &impl Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// A number, or the name of the reason why there is none.
pub fn split(value: Value) -> (Option<f64>, Option<String>) {
    match value {
        Value::Is(number) if number.is_finite() => (Some(number), None),
        Value::Is(_) => (None, Some(snake(&Reason::Undefined))),
        Value::Absent(reason) => (None, Some(snake(&reason))),
    }
}

/// Price and size as exact decimal texts.
pub fn level(scale: Scale, level: &Level) -> [String; 2] {
    [decimal(level.price.0, scale.price), decimal(level.size.0, scale.size)]
}

/// Units as an exact decimal text with all their places, so that columns of figures stand still: `61602.10`.
pub fn decimal(units: i64, decimals: u8) -> String {
    let plain = Decimal { mantissa: units, decimals: 0 };
    if decimals == 0 {
        return plain.to_string();
    }
    let width = usize::from(decimals);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    format!("{}{whole}.{fraction}", if units < 0 { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_exactly() {
        for (units, decimals, text) in [
            (6_160_201, 2, "61602.01"),
            (1, 8, "0.00000001"),
            (-5, 1, "-0.5"),
            (7, 0, "7"),
            (100, 2, "1.00"),
            (0, 3, "0.000"),
        ] {
            assert_eq!(decimal(units, decimals), text);
        }
        assert_eq!(rfc3339(Nanos(1_767_225_600_000_000_001)), "2026-01-01T00:00:00.000000001Z");
        assert_eq!(rfc3339(Nanos(0)), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(snake(&Reason::BookInvalid), "book_invalid");
        assert_eq!(split(Value::Is(f64::NAN)), (None, Some("undefined".to_owned())));
    }

    #[test]
    fn ages_are_never_negative_and_unknown_before_the_first_event() {
        let stamp = Stamp::new(Validity::Live, 7, Some(Nanos(2_000_000)), Nanos(1_000_000));
        assert_eq!((stamp.validity.as_str(), stamp.age_ms), ("live", Some(0.0)));
        let stamp = Stamp::new(Validity::Empty, -1, Some(Nanos(0)), Nanos(1_000_000));
        assert_eq!((stamp.at, stamp.at_ms, stamp.age_ms), (None, None, None));
    }
}
