//! Two-scale realised volatility: returns over ten seconds from every second on, less the noise that returns over one second
//! tell of (Zhang, Mykland and Ait-Sahalia 2005).

use super::bars::{BARS_MIN, Bars, Estimate};
use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use serde::{Deserialize, Serialize};

/// Bars in a return of the slow scale.
const SLOW: usize = 10;

/// The last estimate of the variance per bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TwoScale {
    estimate: Estimate<f64>,
}

impl Metric for TwoScale {
    fn new(_: &Params) -> Self {
        TwoScale { estimate: Estimate::default() }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![Spec {
            id: "two_scale_volatility_annual_pct".into(),
            unit: "% a year",
            help: "Volatility of mid corrected for bouncing quotes over the bar window, annualised; absent where noise is all there is.",
            formula: "100 sqrt(TSRV / n x (365 x 24 x 3600)), TSRV = RV_avg(K) - nbar/n RV_all, K = 10 s, nbar = (n - K + 1) / K, n returns of a second (Zhang, Mykland, Ait-Sahalia 2005)",
        }]
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let variance = top.touch().and_then(|_| self.estimate.of(&top.bars, variance));
        out.push(variance.map(Bars::annual_pct).into());
    }
}

fn variance(bars: &Bars) -> Result<f64, Reason> {
    if bars.len() < BARS_MIN {
        return Err(Reason::Warmup);
    }
    let (mut fast, mut slow, mut last) = (0.0, 0.0, [0.0; SLOW]);
    for (i, bar) in bars.iter().enumerate() {
        fast += bar.change * bar.change;
        last[i % SLOW] = bar.change;
        if i + 1 >= SLOW {
            let change: f64 = last.iter().sum();
            slow += change * change;
        }
    }
    let (n, k) = (bars.len() as f64, SLOW as f64);
    let variance = slow / k - (n - k + 1.0) / k / n * fast;
    if variance < 0.0 { Err(Reason::Undefined) } else { Ok(variance / n) }
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
        stage.depth(15_100, &[(Bid, 100_99, 1), (Ask, 100_01, 0), (Ask, 101_01, 1)]); // the 16th return is r
        stage.at(29_999);
        assert_eq!(stage.reason("two_scale_volatility_annual_pct"), Some(Reason::Warmup));
        stage.at(30_000);
        // Of the 21 slow returns 10 hold it: 10 r^2 / 10 - (21 / 10) / 30 r^2 = 0.93 r^2.
        let variance = 0.93 * 1.01f64.ln().powi(2) / 30.0;
        let annual = (variance * 365.0 * 86_400.0).sqrt() * 100.0;
        assert!((stage.value("two_scale_volatility_annual_pct") / annual - 1.0).abs() < 1e-9);
    }

    #[test]
    fn quotes_that_only_bounce_have_none() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_99, 1)], &[(100_01, 1)]);
        for i in 0..60 {
            stage.depth(i * 1_000, &[(Bid, 100_99, i % 2), (Ask, 100_01, 1 - i % 2), (Ask, 101_01, 1)]);
        }
        stage.at(60_000);
        assert_eq!(stage.reason("two_scale_volatility_annual_pct"), Some(Reason::Undefined));
    }
}
