//! Depth-weighted price: the mean price of what is waiting on the first M levels of both sides.

use super::{Metric, Moment, Params, Spec, Top, Value};
use crate::units::{Level, POW10, Side, float};
use serde::{Deserialize, Serialize};

/// How many levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WeightedPrice {
    levels: usize,
}

impl Metric for WeightedPrice {
    fn new(params: &Params) -> Self {
        WeightedPrice { levels: params.weighted() }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let levels = params.weighted();
        vec![
            Spec {
                id: format!("weighted_price_{levels}"),
                unit: "quote",
                help: "Mean price of the orders on the first M levels of both sides, weighted by size.",
                formula: "sum p q / sum q over the first M bids and the first M asks",
            },
            Spec {
                id: format!("weighted_price_cross_{levels}"),
                unit: "quote",
                help: "The same with each level's price weighted by the size opposite: nearer to the side that is thinner.",
                formula: "sum (Pb_i qa_i + Pa_i qb_i) / sum (qb_i + qa_i), i = 1..M",
            },
        ]
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let sides = top.first(Side::Bid, self.levels).and_then(|bids| Ok((bids, top.first(Side::Ask, self.levels)?)));
        let unit = POW10[usize::from(moment.instrument.scale.price)] as f64;
        out.push(sides.map(|(bids, asks)| plain(bids, asks) / unit).into());
        out.push(sides.map(|(bids, asks)| cross(bids, asks) / unit).into());
    }
}

fn product(price: &Level, size: &Level) -> i128 {
    i128::from(price.price.0) * i128::from(size.size.0)
}

fn plain(bids: &[Level], asks: &[Level]) -> f64 {
    let all = || bids.iter().chain(asks);
    let money: i128 = all().map(|level| product(level, level)).sum();
    let size: i64 = all().map(|level| level.size.0).sum(); // at most 2,000 levels of 2^50
    float(money) / size as f64
}

/// Pairs the i-th levels; a longer side's rest has no partner and is left out.
fn cross(bids: &[Level], asks: &[Level]) -> f64 {
    let (mut money, mut size) = (0, 0);
    for (bid, ask) in bids.iter().zip(asks) {
        money += product(bid, ask) + product(ask, bid);
        size += bid.size.0 + ask.size.0;
    }
    float(money) / size as f64
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;

    #[test]
    fn by_hand() {
        // Plain: (100*3 + 99*1 + 101*1 + 102*5) / 10 = 101.0. Cross: (100*1 + 101*3 + 99*5 + 102*1) / 10 = 100.0.
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 3), (99_00, 1)], &[(101_00, 1), (102_00, 5)]);
        assert_eq!(stage.value("weighted_price_10"), 101.0);
        assert_eq!(stage.value("weighted_price_cross_10"), 100.0);
        stage.trust(99_00, 110_00);
        assert_eq!(stage.reason("weighted_price_10"), Some(Reason::BeyondTrusted));
    }

    #[test]
    fn levels_beyond_the_first_ten_do_not_matter() {
        let bids: Vec<_> = (1..=30).map(|i| (100_00 - i, 10)).collect();
        let asks: Vec<_> = (1..=30).map(|i| (100_00 + i, 10)).collect();
        let stage = Stage::new(Contract::Base).book(&bids, &asks);
        assert_eq!(stage.value("weighted_price_10"), 100.0);
        let mut heavy = bids.clone();
        heavy[10].1 = 1_000_000;
        assert_eq!(Stage::new(Contract::Base).book(&heavy, &asks).value("weighted_price_10"), 100.0);
        heavy[9].1 = 1_000_000;
        assert!(Stage::new(Contract::Base).book(&heavy, &asks).value("weighted_price_10") < 99.91);
    }
}
