//! The square-root law of impact (Toth and others 2011, Phys. Rev. X 1, 021006; universal exponent in Tokyo: arXiv 2411.13965).
//!
//! It holds for metaorders between about 10^-5 and 10^-1 of the day's volume; for smaller ones impact is linear
//! (arXiv 1811.05230), so that the law there tells too much.

use super::Refusal;
use super::parameter::{not_negative, positive};

/// Y where nothing was calibrated; studies find 0.5 to 1.5.
pub const Y: f64 = 1.0;

/// What an order does to the price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impact {
    /// At its end, fraction of the price: Y sigma sqrt(Q / V).
    pub peak: f64,
    /// What the order pays on average, fraction of the price: two thirds of the peak.
    pub average: f64,
}

/// Impact of an order of `quantity` in a market that trades `daily_volume` (same unit) and moves by `sigma_daily` (fraction
/// of the price, a day).
///
/// # Errors
/// A parameter makes no sense, by its name.
pub fn square_root(quantity: f64, daily_volume: f64, sigma_daily: f64, y: f64) -> Result<Impact, Refusal> {
    let share = positive("quantity", quantity)? / positive("daily-volume", daily_volume)?;
    let peak = positive("y", y)? * not_negative("sigma", sigma_daily)? * share.sqrt();
    Ok(Impact { peak, average: peak * 2.0 / 3.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::parameter::HOSTILE;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // A hundredth of the day at 3 % a day: 0.8 * 3 % * 0.1 = 24 bps at its end, 16 bps on average.
        let impact = square_root(50.0, 5_000.0, 0.03, 0.8).unwrap();
        assert!((impact.peak - 0.002_4).abs() < 1e-16 && (impact.average - 0.001_6).abs() < 1e-16);
        assert_eq!(square_root(1.0, 1.0, 0.0, Y).unwrap().peak, 0.0);
    }

    #[test]
    fn hostile_parameters_are_refused_by_name() {
        let name = |result: Result<Impact, Refusal>| match result {
            Err(Refusal::Parameter { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        for bad in HOSTILE {
            assert_eq!(name(square_root(bad, 1.0, 1.0, 1.0)), "quantity");
            assert_eq!(name(square_root(1.0, bad, 1.0, 1.0)), "daily-volume");
            assert_eq!(name(square_root(1.0, 1.0, bad, 1.0)), "sigma");
            assert_eq!(name(square_root(1.0, 1.0, 1.0, bad)), "y");
        }
        assert_eq!(name(square_root(0.0, 1.0, 1.0, 1.0)), "quantity");
        assert_eq!(name(square_root(1.0, 0.0, 1.0, 1.0)), "daily-volume");
    }

    proptest! {
        #[test]
        fn four_times_the_size_has_twice_the_impact(size in 1e-6..1e6f64, volume in 1e-3..1e9f64, sigma in 1e-4..1.0f64) {
            let of = |size| square_root(size, volume, sigma, Y).unwrap().peak;
            prop_assert!((of(4.0 * size) / of(size) - 2.0).abs() < 1e-12);
            prop_assert!(of(size * 1.01) > of(size));
        }
    }
}
