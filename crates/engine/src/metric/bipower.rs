//! Bipower variation: volatility that single jumps hardly touch, and the part of the variance that jumps make
//! (Barndorff-Nielsen and Shephard 2004).

use super::bars::{BARS_MIN, Bars, Estimate};
use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_2;

/// The last estimates of the variance per bar: realised, and by bipower.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bipower {
    estimate: Estimate<(f64, f64)>,
}

impl Metric for Bipower {
    fn new(_: &Params) -> Self {
        Bipower { estimate: Estimate::default() }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![
            Spec {
                id: "bipower_volatility_annual_pct".into(),
                unit: "% a year",
                help: "Volatility of mid without its jumps over the bar window, annualised.",
                formula: "100 sqrt(BV / n x (365 x 24 x 3600)), BV = pi/2 n/(n-1) sum of |r_i| |r_i-1| over returns of a second (Barndorff-Nielsen, Shephard 2004)",
            },
            Spec {
                id: "jump_share".into(),
                unit: "ratio",
                help: "Part of the realised variance of mid that came in jumps, over the bar window.",
                formula: "max(0, RV - BV) / RV, RV = sum of r_i^2",
            },
        ]
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let estimate = top.touch().and_then(|_| self.estimate.of(&top.bars, variances));
        out.push(estimate.map(|(_, bipower)| Bars::annual_pct(bipower)).into());
        out.push(estimate.map(|(realised, bipower)| (realised - bipower).max(0.0) / realised).into());
    }
}

fn variances(bars: &Bars) -> Result<(f64, f64), Reason> {
    if bars.len() < BARS_MIN {
        return Err(Reason::Warmup);
    }
    let (mut squares, mut products, mut before) = (0.0, 0.0, None);
    for bar in bars.iter() {
        let now = bar.change.abs();
        squares += now * now;
        products += before.map_or(0.0, |before: f64| before * now);
        before = Some(now);
    }
    let n = bars.len() as f64;
    Ok((squares / n, FRAC_PI_2 * products / (n - 1.0)))
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::Side::{Ask, Bid};

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_99, 1)], &[(100_01, 1)]);
        stage.depth(-1, &[]);
        stage.at(30_000);
        assert_eq!(stage.value("bipower_volatility_annual_pct"), 0.0);
        assert_eq!(stage.reason("jump_share"), Some(Reason::Undefined)); // nothing moved
        // Up to 101 and back in two seconds that follow each other, then up alone: r, -r, 0, ..., r.
        stage.depth(30_100, &[(Bid, 100_99, 1), (Ask, 100_01, 0), (Ask, 101_01, 1)]);
        stage.depth(31_100, &[(Bid, 100_99, 0), (Ask, 100_01, 1)]);
        stage.depth(35_100, &[(Bid, 100_99, 1), (Ask, 100_01, 0), (Ask, 101_01, 1)]);
        stage.at(40_000);
        let r2 = 1.01f64.ln().powi(2);
        let (rv, bv) = (3.0 * r2, std::f64::consts::FRAC_PI_2 * 40.0 / 39.0 * r2);
        assert!((stage.value("jump_share") - (rv - bv) / rv).abs() < 1e-12);
        let annual = (bv / 40.0 * 365.0 * 86_400.0).sqrt() * 100.0;
        assert!((stage.value("bipower_volatility_annual_pct") / annual - 1.0).abs() < 1e-12);
        stage.gap();
        assert_eq!(stage.reason("jump_share"), Some(Reason::Warmup));
    }
}
