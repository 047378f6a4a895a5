//! Mid price and spread, from the best bid and ask.

use super::{Metric, Moment, Params, Spec, Top, Value};
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
            Spec {
                id: "mid".into(),
                unit: "quote",
                help: "Middle of best bid and best ask.",
                formula: "m = (Pa + Pb) / 2",
            },
            Spec { id: "spread".into(), unit: "quote", help: "Best ask minus best bid.", formula: "s = Pa - Pb" },
            Spec { id: "spread_bps".into(), unit: "bps", help: "Spread relative to mid.", formula: "10^4 s / m" },
        ]
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let touch = top.touch();
        out.push(touch.map(|t| t.mid).into());
        out.push(touch.map(|t| t.spread).into());
        out.push(touch.map(|t| t.spread / t.mid * 1e4).into());
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::output::Validity;

    #[test]
    fn mid_and_spread_by_hand() {
        // 100.00 / 100.05: mid 100.025, spread 0.05, 0.05 / 100.025 = 4.99875031 bps.
        let stage = Stage::new(Contract::Base).book(&[(100_00, 1)], &[(100_05, 1)]);
        assert_eq!(stage.value("mid"), 100.025);
        assert!((stage.value("spread") - 0.05).abs() < 1e-15);
        assert!((stage.value("spread_bps") - 4.998_750_312).abs() < 1e-8);
    }

    #[test]
    fn absent_for_an_empty_side_an_unknown_best_and_a_book_that_is_not_live() {
        let stage = Stage::new(Contract::Base).book(&[(100_00, 1)], &[]);
        assert_eq!(stage.reason("mid"), Some(Reason::EmptySide));
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 1)], &[(100_05, 1)]);
        stage.trust(100_01, 200_00);
        assert_eq!(stage.reason("spread"), Some(Reason::BeyondTrusted));
        stage.validity = Validity::Gap;
        assert_eq!(stage.reason("spread_bps"), Some(Reason::BookInvalid));
    }
}
