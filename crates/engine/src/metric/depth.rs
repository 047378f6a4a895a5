//! Depth: what is waiting within so many basis points of mid, per side, in quote currency.

use super::params::{BAND_ONE, band_label};
use super::{Metric, Moment, Params, Reason, Spec, Top, Value};
use crate::book::Total;
use crate::instrument::Contract;
use crate::units::{POW10, Price, Side, float};
use serde::{Deserialize, Serialize};

/// The bands in parts of 10^8, ascending.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Depth {
    bands: Vec<i64>,
}

impl Metric for Depth {
    fn new(params: &Params) -> Self {
        Depth { bands: params.bands() }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let spec = |side, band| Spec {
            id: format!("depth_{side}_{}_quote", band_label(band)),
            unit: "quote",
            help: "Worth of the orders within the band around mid; a level exactly on its edge is within.",
            formula: "bid: sum of p q over p >= m (1 - x); ask: over p <= m (1 + x)",
        };
        let bands = params.bands();
        let (bids, asks) = (bands.iter().map(|b| spec("bid", *b)), bands.iter().map(|b| spec("ask", *b)));
        bids.chain(asks).collect()
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let worth = Worth::of(moment);
        let from = out.len();
        for (i, side) in [Side::Bid, Side::Ask].into_iter().enumerate() {
            let reason = match (top.touch(), worth) {
                (Err(reason), _) | (_, Err(reason)) => reason,
                (Ok(touch), Ok(worth)) => {
                    let limits = self.bands.iter().map(|band| limit(side, touch.mid_twice, *band));
                    let trusted = moment.book.trusted(side);
                    let known = limits.take_while(|limit| trusted.is_none_or(|worst| !limit.is_worse(worst, side)));
                    moment.book.totals_to(side, known, |total| out.push(worth.quote(total).into()));
                    Reason::BeyondTrusted
                }
            };
            out.resize(from + (i + 1) * self.bands.len(), Value::Absent(reason));
        }
    }
}

/// What totals of a book are worth.
#[derive(Clone, Copy, Debug)]
enum Worth {
    /// Quote currency per product of price and size units.
    PerNotional(f64),
    /// Quote currency per size unit.
    PerSize(f64),
}

impl Worth {
    fn of(moment: &Moment<'_>) -> Result<Self, Reason> {
        let power = |n: u8| POW10[usize::from(n)] as f64;
        let scale = moment.instrument.scale;
        let (price, size) = (power(scale.price), power(scale.size));
        match moment.instrument.contract {
            Contract::Base => Ok(Worth::PerNotional(price * size)),
            Contract::Linear(value) => Ok(Worth::PerNotional(price * size / value.to_f64())),
            Contract::Inverse(value) => Ok(Worth::PerSize(size / value.to_f64())),
            Contract::Unknown => Err(Reason::ContractUnknown),
        }
    }

    fn quote(self, total: Total) -> f64 {
        // Divided, not multiplied by the inverse: powers of ten have no exact inverse.
        match self {
            Worth::PerNotional(units) => float(total.notional) / units,
            Worth::PerSize(units) => float(total.size) / units,
        }
    }
}

/// The worst price in units that lies within `band` parts of 10^8 of mid, computed exactly.
pub(crate) fn limit(side: Side, mid_twice: i64, band: i64) -> Price {
    let factor = if side == Side::Bid { BAND_ONE - band } else { BAND_ONE + band };
    const WHOLE: i64 = 2 * BAND_ONE;
    let price = match (mid_twice.checked_mul(factor), side) {
        (Some(product), Side::Ask) => product.div_euclid(WHOLE),
        (Some(product), Side::Bid) => -(-product).div_euclid(WHOLE),
        (None, _) => {
            let (product, whole) = (i128::from(mid_twice) * i128::from(factor), i128::from(WHOLE));
            let price = if side == Side::Ask { product.div_euclid(whole) } else { -(-product).div_euclid(whole) };
            price as i64 // mid is at most 2^50, the factor at most twice the whole
        }
    };
    Price(price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::tests::Stage;
    use crate::units::Decimal;
    use proptest::prelude::*;

    const SIDES: [&str; 2] = ["bid", "ask"];
    const BANDS: [u32; 6] = [1, 5, 10, 25, 50, 100];

    #[test]
    fn a_level_on_the_edge_is_within_and_one_unit_beyond_is_not() {
        // Mid 100.00. 10 bps: 99.90 .. 100.10. Sizes are in thousandths.
        let bids = [(99_99, 1_000), (99_90, 2_000), (99_89, 4_000)];
        let asks = [(100_01, 3_000), (100_10, 500), (100_11, 7_000)];
        let stage = Stage::new(Contract::Base).book(&bids, &asks);
        assert_eq!(stage.value("depth_bid_1bps_quote"), 99.99);
        assert_eq!(stage.value("depth_bid_10bps_quote"), 299.79); // 99.99 + 2 x 99.90
        assert_eq!(stage.value("depth_ask_10bps_quote"), 350.08); // 3 x 100.01 + 0.5 x 100.10
        assert_eq!(stage.value("depth_bid_25bps_quote"), 699.35); // and 4 x 99.89
    }

    #[test]
    fn contracts_are_worth_what_they_say() {
        let (bids, asks) = ([(99_99, 1_000)], [(100_01, 3_000)]);
        let linear = Stage::new(Contract::Linear(Decimal::new(1, 2))).book(&bids, &asks);
        assert_eq!(linear.value("depth_ask_1bps_quote"), 3.0003); // 3 x 0.01 x 100.01
        let inverse = Stage::new(Contract::Inverse(Decimal::new(100, 0))).book(&bids, &asks);
        assert_eq!(inverse.value("depth_ask_1bps_quote"), 300.0);
        let unknown = Stage::new(Contract::Unknown).book(&bids, &asks);
        assert_eq!(unknown.reason("depth_ask_1bps_quote"), Some(Reason::ContractUnknown));
    }

    #[test]
    fn a_band_beyond_what_is_known_is_absent() {
        let mut stage = Stage::new(Contract::Base).book(&[(99_99, 1)], &[(100_01, 1)]);
        stage.trust(99_90, 100_09);
        assert_eq!(stage.value("depth_bid_10bps_quote"), 0.099_99);
        assert_eq!(stage.reason("depth_bid_25bps_quote"), Some(Reason::BeyondTrusted));
        assert_eq!(stage.value("depth_ask_5bps_quote"), 0.100_01);
        assert_eq!(stage.reason("depth_ask_10bps_quote"), Some(Reason::BeyondTrusted));
    }

    proptest! {
        #[test]
        fn limits_are_exact(mid_twice in 1i64..1 << 51, band in 1i64..BAND_ONE) {
            let inside = |side: Side, price: i64| {
                let (price, mid) = (2 * i128::from(price) * i128::from(BAND_ONE), i128::from(mid_twice));
                match side {
                    Side::Bid => price >= mid * i128::from(BAND_ONE - band),
                    Side::Ask => price <= mid * i128::from(BAND_ONE + band),
                }
            };
            for (side, worse) in [(Side::Bid, -1), (Side::Ask, 1)] {
                let Price(limit) = limit(side, mid_twice, band);
                prop_assert!(inside(side, limit) && !inside(side, limit + worse));
            }
        }

        #[test]
        fn grows_with_the_band(gaps in prop::collection::vec((1i64..40, 1i64..1_000_000), 1..60)) {
            let (mut below, mut above, mut bids, mut asks) = (100_00, 100_00, Vec::new(), Vec::new());
            for (gap, size) in gaps {
                below -= gap;
                above += gap;
                bids.push((below.max(1), size));
                asks.push((above, size));
            }
            let stage = Stage::new(Contract::Base).book(&bids, &asks);
            for side in SIDES {
                let depths = BANDS.map(|band| stage.value(&format!("depth_{side}_{band}bps_quote")));
                prop_assert!(depths.is_sorted(), "{:?}", depths);
            }
        }
    }
}
