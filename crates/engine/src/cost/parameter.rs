//! What a model may be asked: each parameter in a range within which no formula leaves the numbers.

/// Largest magnitude of a parameter, and the inverse of its smallest that is not zero. The longest product of the models
/// (risk aversion, sigma^2, horizon^2 over eta) then stays below 10^250.
pub const LARGEST: f64 = 1e30;

/// Most slices of a schedule: ten a second for more than two hours.
pub const SLICES_MAX: u32 = 100_000;

/// Why a model gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A parameter that makes no sense.
    #[error("{name} is {value}; it must be {must}")]
    Parameter {
        /// As the formulas call it.
        name: &'static str,
        /// As given.
        value: f64,
        /// What it may be.
        must: &'static str,
    },
    /// Trading faster would be rewarded.
    #[error(
        "eta - gamma tau / 2 is {0} with tau = horizon / slices; it must be above 0: raise eta, lower gamma, or take more slices"
    )]
    NoTemporaryImpact(f64),
    /// A list that does not belong to the order.
    #[error("{given} trades were given for {wanted} slices")]
    Trades {
        /// How many.
        given: usize,
        /// How many there are to be.
        wanted: usize,
    },
}

/// Above zero, finite, and of a magnitude that can be reckoned with.
pub(super) fn positive(name: &'static str, value: f64) -> Result<f64, Refusal> {
    match (1.0 / LARGEST..=LARGEST).contains(&value) {
        true => Ok(value),
        false => Err(Refusal::Parameter { name, value, must: "above 0, between 1e-30 and 1e30" }),
    }
}

/// Zero, or as `positive`.
pub(super) fn not_negative(name: &'static str, value: f64) -> Result<f64, Refusal> {
    match value == 0.0 || (1.0 / LARGEST..=LARGEST).contains(&value) {
        true => Ok(value.abs()), // no -0
        false => Err(Refusal::Parameter { name, value, must: "0, or between 1e-30 and 1e30" }),
    }
}

/// At least one, and not more than can be listed.
pub(super) fn slices(value: u32) -> Result<u32, Refusal> {
    match (1..=SLICES_MAX).contains(&value) {
        true => Ok(value),
        false => Err(Refusal::Parameter { name: "slices", value: value.into(), must: "between 1 and 100000" }),
    }
}

/// Every number that no parameter may be.
#[cfg(test)]
pub(super) const HOSTILE: [f64; 6] = [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e31, 1e-31];
