//! Kyle's lambda: how far mid moves per money that takers net buy, by least squares over the bars (Kyle 1985; Hasbrouck 2009).

use super::bars::{BARS_MIN, Bars, Estimate};
use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use crate::instrument::Contract;
use serde::{Deserialize, Serialize};

/// The last estimate and its standard error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kyle {
    estimate: Estimate<(f64, f64)>,
}

impl Metric for Kyle {
    fn new(_: &Params) -> Self {
        Kyle { estimate: Estimate::default() }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let unit = "bps per million quote";
        vec![
            Spec {
                id: "kyle_lambda_bps_per_million".into(),
                unit,
                help: "Price impact of net taker flow: move of mid per million of quote currency net bought, over the bar window.",
                formula: "lambda = sum X_k r_k / sum X_k^2, r_k = 10^4 ln(m_k / m_k-1) and X_k = sum of D p Q / 10^6 per second (Kyle 1985; Hasbrouck 2009)",
            },
            Spec {
                id: "kyle_lambda_se_bps_per_million".into(),
                unit,
                help: "Standard error of Kyle's lambda; an estimate within two of it from 0 says little.",
                formula: "sqrt(sum (r_k - lambda X_k)^2 / (n - 1) / sum X_k^2)",
            },
        ]
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let known = match moment.instrument.contract {
            Contract::Unknown => Err(Reason::ContractUnknown),
            _ => top.touch().map(|_| ()),
        };
        let estimate = known.and_then(|()| self.estimate.of(&top.bars, lambda));
        out.push(estimate.map(|(lambda, _)| lambda).into());
        out.push(estimate.map(|(_, error)| error).into());
    }
}

fn lambda(bars: &Bars) -> Result<(f64, f64), Reason> {
    if bars.len() < BARS_MIN {
        return Err(Reason::Warmup);
    }
    let pairs = || bars.iter().map(|bar| ((bar.buy - bar.sell) / 1e6, bar.change * 1e4));
    let (xx, xy) = pairs().fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + x * x, xy + x * y));
    if xx == 0.0 {
        return Err(Reason::NoData);
    }
    let lambda = xy / xx;
    let rest: f64 = pairs().map(|(x, y)| (y - lambda * x) * (y - lambda * x)).sum();
    Ok((lambda, (rest / (bars.len() as f64 - 1.0) / xx).sqrt()))
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
        let mut mid = 100_00;
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for i in 0..30i64 {
            // Buys of 1,000 then sells of 500 coins: mid goes up by 2 and down by 1 hundredths, every third time not.
            let (buy, step) = (i % 2 == 0, [2, -1][(i % 2) as usize] * i64::from(i % 3 != 0));
            let (before, size) = (mid as f64, if buy { 1_000_000 } else { 500_000 });
            stage.trade(i * 1_000 + 100, 100_00, size, buy);
            let gone = [(Bid, mid - 1, 0), (Ask, mid + 1, 0)];
            mid += step;
            let come = [(Bid, mid - 1, 1), (Ask, mid + 1, 1)];
            stage.depth(i * 1_000 + 200, &[gone, come].concat());
            let (x, y) = (if buy { 0.1 } else { -0.05 }, (mid as f64 / before).ln() * 1e4);
            (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
            stage.at(i * 1_000 + 999);
            assert_eq!(stage.reason("kyle_lambda_bps_per_million"), Some(Reason::Warmup));
        }
        stage.at(30_000);
        let lambda = xy / xx;
        assert!((stage.value("kyle_lambda_bps_per_million") / lambda - 1.0).abs() < 1e-9);
        let error = ((yy - lambda * xy) / 29.0 / xx).sqrt();
        assert!((stage.value("kyle_lambda_se_bps_per_million") / error - 1.0).abs() < 1e-9);
        stage.gap();
        assert_eq!(stage.reason("kyle_lambda_bps_per_million"), Some(Reason::Warmup));
    }

    #[test]
    fn without_trades_there_is_no_impact_to_tell() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_99, 1)], &[(100_01, 1)]);
        stage.depth(-1, &[]);
        stage.at(40_000);
        assert_eq!(stage.reason("kyle_lambda_bps_per_million"), Some(Reason::NoData));
        stage.instrument.contract = Contract::Unknown;
        assert_eq!(stage.reason("kyle_lambda_bps_per_million"), Some(Reason::ContractUnknown));
    }
}
