//! Microprice: the mid drawn towards the side where less is waiting (Gatheral and Oomen 2010, size weighted).

use super::{Metric, Moment, Params, Spec, Top, Value};
use serde::{Deserialize, Serialize};

/// The microprice needs no memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Microprice;

impl Metric for Microprice {
    fn new(_: &Params) -> Self {
        Microprice
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![
            Spec {
                id: "microprice".into(),
                unit: "quote",
                help: "Mid weighted by the sizes at the touch: nearer to the side that is thinner.",
                formula: "I Pa + (1 - I) Pb, I = qb / (qb + qa) (Gatheral, Oomen 2010)",
            },
            Spec {
                id: "microprice_minus_mid_bps".into(),
                unit: "bps",
                help: "How far the microprice stands from mid.",
                formula: "10^4 (I - 1/2) s / m",
            },
        ]
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let lean = top.touch().map(|t| {
            let (bid, ask) = (t.bid.size.0, t.ask.size.0);
            (t.mid, 0.5 * (bid - ask) as f64 / (bid + ask) as f64 * t.spread)
        });
        out.push(lean.map(|(mid, lean)| mid + lean).into());
        out.push(lean.map(|(mid, lean)| lean / mid * 1e4).into());
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;

    #[test]
    fn by_hand() {
        // I = 3 / (3 + 1) = 0.75; 0.75 * 100.10 + 0.25 * 100.00 = 100.075; (0.75 - 0.5) * 0.10 / 100.05 = 2.49875 bps.
        let stage = Stage::new(Contract::Base).book(&[(100_00, 3)], &[(100_10, 1)]);
        assert!((stage.value("microprice") - 100.075).abs() < 1e-12);
        assert!((stage.value("microprice_minus_mid_bps") - 2.498_750_625).abs() < 1e-8);
    }

    #[test]
    fn absent_with_an_empty_side() {
        let stage = Stage::new(Contract::Base).book(&[], &[(100_10, 1)]);
        assert_eq!(stage.reason("microprice"), Some(Reason::EmptySide));
    }
}
