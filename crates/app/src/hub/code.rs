//! The numbers by which the binary form tells reasons and validities; the catalogue lists them in this order.

use fathometer_engine::metric::{Reason, Value};
use fathometer_engine::output::Validity;

/// Reasons, from index 1 on; index 0 is a number that is there.
pub const REASONS: [Reason; 10] = [
    Reason::BookInvalid,
    Reason::BeyondTrusted,
    Reason::EmptySide,
    Reason::NotFillable,
    Reason::Warmup,
    Reason::NoData,
    Reason::TooOld,
    Reason::NotApplicable,
    Reason::ContractUnknown,
    Reason::Undefined,
];

/// Validities, from index 0 on.
pub const VALIDITIES: [Validity; 10] = [
    Validity::Live,
    Validity::Empty,
    Validity::Syncing,
    Validity::Gap,
    Validity::Checksum,
    Validity::Audit,
    Validity::Crossed,
    Validity::Disconnected,
    Validity::Stale,
    Validity::Overflow,
];

/// Index of a reason, from 1.
pub fn reason(reason: Reason) -> u8 {
    REASONS.iter().position(|known| *known == reason).map_or(u8::MAX, |index| index as u8 + 1)
}

/// Index of a validity, from 0.
pub fn validity(validity: Validity) -> u8 {
    VALIDITIES.iter().position(|known| *known == validity).map_or(u8::MAX, |index| index as u8)
}

/// The reason of an index; what is none is undefined.
pub fn reason_at(index: u8) -> Reason {
    REASONS.get(usize::from(index).wrapping_sub(1)).copied().unwrap_or(Reason::Undefined)
}

/// A reason in words, as JSON writes it.
pub fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::BookInvalid => "book_invalid",
        Reason::BeyondTrusted => "beyond_trusted",
        Reason::EmptySide => "empty_side",
        Reason::NotFillable => "not_fillable",
        Reason::Warmup => "warmup",
        Reason::NoData => "no_data",
        Reason::TooOld => "too_old",
        Reason::NotApplicable => "not_applicable",
        Reason::ContractUnknown => "contract_unknown",
        Reason::Undefined => "undefined",
    }
}

/// A validity in words, as JSON writes it.
pub fn validity_name(validity: Validity) -> &'static str {
    match validity {
        Validity::Live => "live",
        Validity::Empty => "empty",
        Validity::Syncing => "syncing",
        Validity::Gap => "gap",
        Validity::Checksum => "checksum",
        Validity::Audit => "audit",
        Validity::Crossed => "crossed",
        Validity::Disconnected => "disconnected",
        Validity::Stale => "stale",
        Validity::Overflow => "overflow",
    }
}

/// NaNs that carry a reason; none of them comes out of arithmetic.
const QUIET_F64: u64 = 0x7ff8_0000_0000_0000;
const QUIET_F32: u32 = 0x7fc0_0000;

/// A value in eight bytes.
pub fn wide(value: Value) -> f64 {
    match value {
        Value::Is(number) if number.is_finite() => number,
        Value::Is(_) => f64::from_bits(QUIET_F64 | u64::from(reason(Reason::Undefined))),
        Value::Absent(why) => f64::from_bits(QUIET_F64 | u64::from(reason(why))),
    }
}

/// A value in four bytes: seven digits of it.
pub fn narrow(value: Value) -> f32 {
    match value {
        Value::Is(number) if (number as f32).is_finite() => number as f32,
        Value::Is(_) => f32::from_bits(QUIET_F32 | u32::from(reason(Reason::Undefined))),
        Value::Absent(why) => f32::from_bits(QUIET_F32 | u32::from(reason(why))),
    }
}

/// The value of eight bytes.
pub fn from_wide(kept: f64) -> Value {
    if kept.is_nan() { Value::Absent(reason_at(kept.to_bits() as u8)) } else { Value::Is(kept) }
}

/// The value of four bytes.
pub fn from_narrow(kept: f32) -> Value {
    if kept.is_nan() { Value::Absent(reason_at(kept.to_bits() as u8)) } else { Value::Is(shortest(kept)) }
}

/// The double whose digits are the shortest that tell the float: 0.1 stays 0.1.
fn shortest(kept: f32) -> f64 {
    kept.to_string().parse().unwrap_or_else(|_| f64::from(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json_and_indices_those_of_the_lists() {
        for (index, why) in REASONS.iter().enumerate() {
            assert_eq!(serde_json::to_value(why).unwrap(), reason_name(*why));
            assert_eq!((usize::from(reason(*why)), reason_at(index as u8 + 1)), (index + 1, *why));
        }
        for (index, what) in VALIDITIES.iter().enumerate() {
            assert_eq!(serde_json::to_value(what).unwrap(), validity_name(*what));
            assert_eq!(usize::from(validity(*what)), index);
        }
    }

    #[test]
    fn values_and_reasons_survive_in_four_and_eight_bytes() {
        let absent = REASONS.map(Value::Absent);
        for value in absent.into_iter().chain([0.0, -1.5, 0.1, 61_602.5, 1e300].map(Value::Is)) {
            assert_eq!(from_wide(wide(value)), value);
            let small = !matches!(value, Value::Is(x) if x > 1e38);
            let narrowed = from_narrow(narrow(value));
            assert_eq!(narrowed, if small { value } else { Value::Absent(Reason::Undefined) });
        }
        assert_eq!(from_wide(wide(Value::Is(f64::NAN))), Value::Absent(Reason::Undefined));
    }
}
