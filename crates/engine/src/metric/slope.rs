//! Slope of the book: by how much the waiting volume grows for how much price (Naes and Skjeltorp 2006).
//!
//! The paper takes v = ln(cumulative shares). Here sizes are in what the venue counts in (coins or contracts), of which
//! less than one may be waiting, whose logarithm would be negative; so v = ln(1 + cumulative size). Slopes of instruments
//! that count in different things are not comparable; an instrument's slope over time is.

use super::log::ln;
use super::{Metric, Moment, Params, Spec, Top, Value};
use crate::units::{Level, POW10, Side};
use serde::{Deserialize, Serialize};

/// How many levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slope {
    levels: usize,
}

impl Metric for Slope {
    fn new(params: &Params) -> Self {
        Slope { levels: params.weighted() }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        vec![Spec {
            id: format!("slope_{}", params.weighted()),
            unit: "ratio",
            help: "Growth of the waiting volume per relative price step, mean of both sides' first N levels: high is a deep, stiff book. Size in what the venue counts in.",
            formula: "(bid + ask) / 2; side = (1/N) { v_1 / |p_1/m - 1| + sum_t (v_t+1 / v_t - 1) / |p_t+1/p_t - 1| }, v_t = ln(1 + size of the first t levels) (Naes, Skjeltorp 2006, with 1 +)",
        }]
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let unit = POW10[usize::from(moment.instrument.scale.size)] as f64;
        let slope = top.touch().and_then(|touch| {
            let (bids, asks) = (top.first(Side::Bid, self.levels)?, top.first(Side::Ask, self.levels)?);
            let mid = touch.mid_twice as f64 / 2.0;
            Ok((side(bids, mid, unit) + side(asks, mid, unit)) / 2.0)
        });
        out.push(slope.into());
    }
}

/// One side; `mid` in price units, `unit` the size units of one coin or contract.
fn side(levels: &[Level], mid: f64, unit: f64) -> f64 {
    let (mut size, mut sum) = (0i64, 0.0);
    // The first step is from mid, and its growth is v_1 itself.
    let (mut price, mut volume) = (mid, None);
    for level in levels {
        size += level.size.0;
        let (next_price, next_volume) = (level.price.0 as f64, ln(1.0 + size as f64 / unit));
        let (growth, of) = volume.map_or((next_volume, 1.0), |volume| (next_volume - volume, volume));
        sum += growth * price / (of * (next_price - price).abs());
        (price, volume) = (next_price, Some(next_volume));
    }
    sum / levels.len() as f64
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;

    #[test]
    fn by_hand() {
        // Mid 100; sizes in thousandths. Bids 1.0 at 99, 2.0 at 98: v = ln 2 = 0.693147, ln 4 = 1.386294.
        // 0.693147 / 0.01 = 69.314718; (2 - 1) / |98/99 - 1| = 99; mean of two: 84.157359.
        // Ask 6.389056 at 101: v = ln 7.389056 = 2.0; 2 / 0.01 = 200. Slope: (84.157359 + 200) / 2 = 142.07868.
        let stage = Stage::new(Contract::Base).book(&[(99_00, 1_000), (98_00, 2_000)], &[(101_00, 6_389)]);
        let v = 7.389f64.ln();
        let expected = ((2f64.ln() * 100.0 + 99.0) / 2.0 + v * 100.0) / 2.0;
        assert!((stage.value("slope_10") - expected).abs() < 1e-9);
        assert!((expected - 142.078_68).abs() < 1e-3);
    }

    #[test]
    fn a_book_locked_at_mid_has_no_slope() {
        let stage = Stage::new(Contract::Base).book(&[(100_00, 1)], &[(100_00, 1)]);
        assert_eq!(stage.reason("slope_10"), Some(Reason::Undefined));
    }
}
