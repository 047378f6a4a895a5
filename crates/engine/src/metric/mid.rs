//! Mid price and spread, from the best bid and ask.

use super::{Metric, Moment, Params, Reason, Spec, Value};
use crate::output::Validity;
use crate::units::Side;
use serde::{Deserialize, Serialize};

/// Mid and spread need no memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mid;

impl Metric for Mid {
    fn new(_: &Params) -> Self {
        Mid
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![
            Spec { id: "mid".into(), unit: "quote", help: "Middle of best bid and best ask.", formula: "m = (Pa + Pb) / 2" },
            Spec { id: "spread".into(), unit: "quote", help: "Best ask minus best bid.", formula: "s = Pa - Pb" },
            Spec { id: "spread_bps".into(), unit: "bps", help: "Spread relative to mid.", formula: "10^4 s / m" },
        ]
    }

    fn sample(&mut self, moment: &Moment<'_>, out: &mut Vec<Value>) {
        let values = match (moment.validity, moment.book.best(Side::Bid), moment.book.best(Side::Ask)) {
            (Validity::Live, Some(bid), Some(ask)) => {
                let scale = moment.instrument.scale;
                let (bid, ask) = (scale.price_f64(bid.price), scale.price_f64(ask.price));
                let mid = (bid + ask) / 2.0;
                [Value::Is(mid), Value::Is(ask - bid), Value::Is((ask - bid) / mid * 1e4)]
            }
            (Validity::Live, ..) => [Value::Absent(Reason::EmptySide); 3],
            _ => [Value::Absent(Reason::BookInvalid); 3],
        };
        out.extend(values);
    }
}
