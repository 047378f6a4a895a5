//! Permanent and temporary impact as fitted to a broker's orders (Almgren, Thum, Hauptmann, Li 2005, "Direct estimation of
//! equity market impact", Risk 18).
//!
//! The coefficients are those of US equities. The form is kept for crypto, the coefficients are to be fitted anew; a
//! perpetual has no number of shares outstanding, and the factor that holds it is then 1.

use super::Refusal;
use super::parameter::{not_negative, positive};

/// The paper's permanent coefficient (its error 0.041).
pub const GAMMA: f64 = 0.314;
/// The paper's temporary coefficient (its error 0.0062).
pub const ETA: f64 = 0.142;

/// An order, and the market it meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    /// X, amount; above 0.
    pub quantity: f64,
    /// V, traded a day, same unit.
    pub daily_volume: f64,
    /// Fraction of the price, a day.
    pub sigma_daily: f64,
    /// T, days of trading.
    pub days: f64,
    /// Theta, all there is of it, same unit as the amount; none where there is no such thing.
    pub outstanding: Option<f64>,
    /// Permanent coefficient.
    pub gamma: f64,
    /// Temporary coefficient.
    pub eta: f64,
}

/// What the order does to the price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impact {
    /// I, what stays, fraction of the price.
    pub permanent: f64,
    /// What is paid beside it while trading, fraction of the price.
    pub temporary: f64,
    /// J = I / 2 + temporary, what the order pays on average, fraction of the price.
    pub cost: f64,
}

/// I = gamma sigma (X / V) (Theta / V)^(1/4), J = I / 2 + eta sigma (X / (V T))^(3/5).
///
/// # Errors
/// A parameter makes no sense, by its name.
pub fn almgren_2005(params: Params) -> Result<Impact, Refusal> {
    let volume = positive("daily-volume", params.daily_volume)?;
    let sigma = not_negative("sigma", params.sigma_daily)?;
    let share = positive("quantity", params.quantity)? / volume;
    let turnover = match params.outstanding {
        Some(outstanding) => (positive("outstanding", outstanding)? / volume).powf(0.25),
        None => 1.0,
    };
    let rate = share / positive("horizon", params.days)?;
    let permanent = positive("gamma", params.gamma)? * sigma * share * turnover;
    let temporary = positive("eta", params.eta)? * sigma * rate.powf(0.6);
    Ok(Impact { permanent, temporary, cost: permanent / 2.0 + temporary })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::parameter::HOSTILE;
    use proptest::prelude::*;

    /// The paper's IBM: a tenth of the day's volume, millions of shares.
    const IBM: Params = Params {
        quantity: 0.6561,
        daily_volume: 6.561,
        sigma_daily: 0.0157,
        days: 0.5,
        outstanding: Some(1_728.0),
        gamma: GAMMA,
        eta: ETA,
    };

    type Set = fn(&mut Params, f64);

    #[test]
    fn golden_numbers() {
        for (days, cost_bps, paper) in [(0.1, 32.2, 32.0), (0.2, 24.6, 25.0), (0.5, 18.4, 18.0)] {
            let impact = almgren_2005(Params { days, ..IBM }).unwrap();
            assert!((impact.permanent * 1e4 - 19.9).abs() < 0.05, "{impact:?}");
            assert!((impact.cost * 1e4 - cost_bps).abs() < 0.05, "{impact:?}");
            assert_eq!((impact.cost * 1e4).round(), paper);
        }
    }

    #[test]
    fn without_shares_outstanding_their_factor_is_one() {
        let impact = almgren_2005(Params { outstanding: None, ..IBM }).unwrap();
        assert!((impact.permanent - 0.314 * 0.0157 * 0.1).abs() < 1e-16);
    }

    #[test]
    fn hostile_parameters_are_refused_by_name() {
        let set: [(&str, Set); 7] = [
            ("quantity", |p, bad| p.quantity = bad),
            ("daily-volume", |p, bad| p.daily_volume = bad),
            ("sigma", |p, bad| p.sigma_daily = bad),
            ("horizon", |p, bad| p.days = bad),
            ("outstanding", |p, bad| p.outstanding = Some(bad)),
            ("gamma", |p, bad| p.gamma = bad),
            ("eta", |p, bad| p.eta = bad),
        ];
        for (field, set) in set {
            for bad in HOSTILE.into_iter().chain((field != "sigma").then_some(0.0)) {
                let mut params = IBM;
                set(&mut params, bad);
                let Err(Refusal::Parameter { name, .. }) = almgren_2005(params) else { panic!("{field} {bad}") };
                assert_eq!(name, field);
            }
        }
    }

    proptest! {
        /// What is bought is sold again: the permanent parts cancel, the temporary ones are lost twice.
        #[test]
        fn more_costs_more_and_nothing_is_earned_by_going_round(share in 1e-6..1.0f64, days in 1e-3..10.0f64, sigma in 1e-4..0.2f64) {
            let of = |share: f64| almgren_2005(Params { quantity: share, daily_volume: 1.0, days, sigma_daily: sigma, ..IBM }).unwrap();
            let (one, more) = (of(share), of(share * 1.01));
            prop_assert!(more.cost > one.cost && more.permanent > one.permanent);
            let back = one.cost - one.permanent; // against the price before the buying
            prop_assert!(one.cost + back > 0.0);
        }
    }
}
