//! Amihud's illiquidity: how far mid moves per money traded, whoever took (Amihud 2002).

use super::bars::{BARS_MIN, Bars, Estimate};
use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use crate::instrument::Contract;
use serde::{Deserialize, Serialize};

/// The last estimate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Amihud {
    estimate: Estimate<f64>,
}

impl Metric for Amihud {
    fn new(_: &Params) -> Self {
        Amihud { estimate: Estimate::default() }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![Spec {
            id: "amihud_bps_per_million".into(),
            unit: "bps per million quote",
            help: "Illiquidity: mean absolute move of mid per million of quote currency traded, over the bars with trades.",
            formula: "mean of 10^4 |ln(m_k / m_k-1)| / (quote volume_k / 10^6) over the seconds with trades (Amihud 2002)",
        }]
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        out.push(match moment.instrument.contract {
            Contract::Unknown => Value::Absent(Reason::ContractUnknown),
            _ => top.touch().and_then(|_| self.estimate.of(&top.bars, illiquidity)).into(),
        });
    }
}

fn illiquidity(bars: &Bars) -> Result<f64, Reason> {
    let (mut sum, mut count) = (0.0, 0);
    for bar in bars.iter() {
        let volume = bar.buy + bar.sell;
        if volume > 0.0 {
            sum += bar.change.abs() * 1e4 / (volume / 1e6);
            count += 1;
        }
    }
    if count < BARS_MIN { Err(Reason::Warmup) } else { Ok(sum / count as f64) }
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
        for i in 0..40 {
            // Three seconds of four trade 1,000 coins at 100; mid goes from 100 to 101 and back, a second each.
            if i % 4 != 3 {
                stage.trade(i * 1_000 + 100, 100_00, 1_000_000, i % 2 == 0);
            }
            if i % 2 == 0 {
                stage.depth(i * 1_000 + 500, &[(Bid, 100_99, 1), (Ask, 100_01, 0), (Ask, 101_01, 1)]);
            } else {
                stage.depth(i * 1_000 + 500, &[(Bid, 100_99, 0), (Ask, 100_01, 1)]);
            }
            if i == 38 {
                assert_eq!(stage.reason("amihud_bps_per_million"), Some(Reason::Warmup)); // the 30th has not ended
            }
        }
        stage.depth(40_000, &[]);
        stage.trade(40_100, 100_00, 1_000_000, true);
        stage.at(41_000);
        let each = 1.01f64.ln() * 1e4 / 0.1;
        assert!((stage.value("amihud_bps_per_million") / (each * 30.0 / 31.0) - 1.0).abs() < 1e-9);
    }
}
