//! Parkinson's volatility: from the highest and the lowest mid of ten seconds each (Parkinson 1980).

use super::bars::{BAR_SECONDS, Bars, Estimate, RANGE_BARS};
use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// Ranges that an estimate needs at least; each tells as much as five returns.
const RANGES_MIN: usize = 6;

/// The last estimate of the variance per bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parkinson {
    estimate: Estimate<f64>,
}

impl Metric for Parkinson {
    fn new(_: &Params) -> Self {
        Parkinson { estimate: Estimate::default() }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![Spec {
            id: "parkinson_volatility_annual_pct".into(),
            unit: "% a year",
            help: "Volatility from the ranges of mid in ten seconds each over the bar window, annualised; low where quotes are few.",
            formula: "100 sqrt(mean of ln(H / L)^2 / (4 ln 2) x (365 x 24 x 3600 s) / 10 s) (Parkinson 1980)",
        }]
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let variance = top.touch().and_then(|_| self.estimate.of(&top.bars, variance));
        out.push(variance.map(Bars::annual_pct).into());
    }
}

fn variance(bars: &Bars) -> Result<f64, Reason> {
    let ranges = bars.ranges();
    if ranges.len() < RANGES_MIN {
        return Err(Reason::Warmup);
    }
    let mean = ranges.iter().sum::<f64>() / ranges.len() as f64;
    Ok(mean / (4.0 * LN_2) / (RANGE_BARS as f64 * BAR_SECONDS))
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
        stage.depth(500, &[]); // the first whole range begins at 10 s
        stage.depth(12_100, &[(Bid, 100_99, 1), (Ask, 100_01, 0), (Ask, 101_01, 1)]); // 101
        stage.depth(12_200, &[(Bid, 100_99, 0), (Ask, 100_01, 1)]); // 100 again: no bar ends in between
        stage.at(69_900);
        assert_eq!(stage.reason("parkinson_volatility_annual_pct"), Some(Reason::Warmup));
        stage.at(70_000);
        let mean = 1.01f64.ln().powi(2) / 6.0;
        let annual = (mean / (4.0 * 2f64.ln()) / 10.0 * 365.0 * 86_400.0).sqrt() * 100.0;
        assert!((stage.value("parkinson_volatility_annual_pct") / annual - 1.0).abs() < 1e-12);
        stage.gap();
        assert_eq!(stage.reason("parkinson_volatility_annual_pct"), Some(Reason::Warmup));
    }
}
