//! Queue imbalance at the touch (Gould and Bonart 2016).

use super::{Metric, Moment, Params, Spec, Top, Value};
use serde::{Deserialize, Serialize};

/// The queue imbalance needs no memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueueImbalance;

impl Metric for QueueImbalance {
    fn new(_: &Params) -> Self {
        QueueImbalance
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![Spec {
            id: "queue_imbalance".into(),
            unit: "ratio",
            help: "Balance of the sizes at best bid and best ask: 1 is all bid, -1 all ask.",
            formula: "(qb - qa) / (qb + qa) (Gould, Bonart 2016)",
        }]
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let balance = top.touch().map(|t| (t.bid.size.0 - t.ask.size.0) as f64 / (t.bid.size.0 + t.ask.size.0) as f64);
        out.push(balance.into());
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::tests::Stage;

    #[test]
    fn by_hand() {
        // (3 - 5) / (3 + 5) = -0.25; deeper levels do not matter.
        let stage = Stage::new(Contract::Base).book(&[(100_00, 3), (99_00, 900)], &[(100_10, 5)]);
        assert_eq!(stage.value("queue_imbalance"), -0.25);
    }
}
