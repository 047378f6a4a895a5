//! Imbalance of the sizes on the first N levels of each side.

use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use crate::units::{Level, Side};
use serde::{Deserialize, Serialize};

/// The numbers of levels, ascending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Imbalance {
    counts: Vec<usize>,
}

impl Metric for Imbalance {
    fn new(params: &Params) -> Self {
        Imbalance { counts: params.imbalances() }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let spec = |n| Spec {
            id: format!("imbalance_{n}"),
            unit: "ratio",
            help: "Balance of the sizes on the first N levels of each side (all there are, where the whole side is known and shorter): 1 is all bid, -1 all ask.",
            formula: "(B - A) / (B + A), B = sum of the first N bid sizes, A = of the first N ask sizes",
        };
        params.imbalances().into_iter().map(spec).collect()
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let (mut bid, mut ask, mut from) = (0, 0, 0);
        for count in &self.counts {
            let balance = match (top.first(Side::Bid, *count), top.first(Side::Ask, *count)) {
                (Ok(bids), Ok(asks)) => {
                    bid += sum_from(bids, from);
                    ask += sum_from(asks, from);
                    Ok((bid - ask) as f64 / (bid + ask) as f64)
                }
                (Err(reason), _) | (_, Err(reason)) => Err::<f64, Reason>(reason),
            };
            from = *count;
            out.push(balance.into());
        }
    }
}

/// Sum of sizes from the level `from` on: at most 1,000 levels of 2^50.
fn sum_from(levels: &[Level], from: usize) -> i64 {
    levels.iter().skip(from).map(|level| level.size.0).sum()
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // Bids 1..=10, asks 2 each: first 5: (15 - 10) / 25 = 0.2; first 10: (55 - 20) / 75 = 0.4667.
        let bids: Vec<_> = (1..=10).map(|i| (100_00 - i, i)).collect();
        let asks: Vec<_> = (1..=10).map(|i| (100_00 + i, 2)).collect();
        let mut stage = Stage::new(Contract::Base).book(&bids, &asks);
        assert_eq!(stage.value("imbalance_5"), 0.2);
        assert_eq!(stage.value("imbalance_10"), 35.0 / 75.0);
        // The whole book has ten levels a side, and that is known: the first 20 are these ten.
        assert_eq!(stage.value("imbalance_20"), 35.0 / 75.0);
        // If nothing is known of what lies beyond the tenth bid, ten levels can be told, twenty cannot.
        stage.trust(99_90, 200_00);
        assert_eq!(stage.value("imbalance_10"), 35.0 / 75.0);
        assert_eq!(stage.reason("imbalance_20"), Some(Reason::BeyondTrusted));
    }

    proptest! {
        #[test]
        fn stays_between_minus_one_and_one(sizes in prop::collection::vec((1i64..1 << 50, 1i64..1 << 50), 1..30)) {
            let bids: Vec<_> = sizes.iter().enumerate().map(|(i, (b, _))| (100_00 - i as i64, *b)).collect();
            let asks: Vec<_> = sizes.iter().enumerate().map(|(i, (_, a))| (100_01 + i as i64, *a)).collect();
            let stage = Stage::new(Contract::Base).book(&bids, &asks);
            let mirror = Stage::new(Contract::Base).book(
                &asks.iter().map(|(p, q)| (200_01 - p, *q)).collect::<Vec<_>>(),
                &bids.iter().map(|(p, q)| (200_01 - p, *q)).collect::<Vec<_>>(),
            );
            for id in ["queue_imbalance", "imbalance_5", "imbalance_10", "imbalance_20"] {
                prop_assert!(stage.value(id).abs() <= 1.0);
                prop_assert_eq!(stage.value(id), -mirror.value(id));
            }
        }
    }
}
