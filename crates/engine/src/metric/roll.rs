//! Roll's spread: what the bouncing of trade prices between bid and ask tells of the spread that is paid (Roll 1984).

use super::trades::OneKind;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Trades looked back on.
const TRADES: usize = 256;
/// Trades that an estimate needs at least.
const TRADES_MIN: usize = 64;

/// The prices of the last trades, quote currency.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Roll {
    trades: OneKind,
    prices: VecDeque<f64>,
    /// Trades seen so far, and the estimate as of how many.
    seen: u64,
    made: Option<(u64, Result<f64, Reason>)>,
}

impl Metric for Roll {
    fn new(_: &Params) -> Self {
        Roll { trades: OneKind::default(), prices: VecDeque::with_capacity(TRADES), seen: 0, made: None }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![Spec {
            id: "roll_spread_bps".into(),
            unit: "bps",
            help: "Effective spread that the last 256 trade prices imply; absent where they do not bounce.",
            formula: "10^4 x 2 sqrt(-cov(dp_t, dp_t-1)) / p of the last trade, if the covariance is negative (Roll 1984)",
        }]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        if let Event::Trade(trade) = &seen.stamped.event
            && self.trades.counts(seen.at, trade)
        {
            if self.prices.len() >= TRADES {
                self.prices.pop_front();
            }
            self.prices.push_back(seen.instrument.scale.price_f64(trade.price));
            self.seen += 1;
        }
    }

    fn on_gap(&mut self) {
        self.prices.clear();
        self.seen += 1;
    }

    fn sample(&mut self, _: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        let spread = match self.made {
            Some((seen, made)) if seen == self.seen => made,
            _ => self.made.insert((self.seen, spread_bps(&self.prices))).1,
        };
        out.push(spread.into());
    }
}

fn spread_bps(prices: &VecDeque<f64>) -> Result<f64, Reason> {
    let last = match prices.back() {
        None => return Err(Reason::NoData),
        Some(_) if prices.len() < TRADES_MIN => return Err(Reason::Warmup),
        Some(last) => *last,
    };
    let changes = || prices.iter().zip(prices.iter().skip(1)).map(|(before, now)| now - before);
    let pairs = prices.len() as f64 - 2.0;
    let (first, second): (f64, f64) = (changes().take(prices.len() - 2).sum(), changes().skip(1).sum());
    let products: f64 = changes().zip(changes().skip(1)).map(|(before, now)| before * now).sum();
    let covariance = (products - first * second / pairs) / (pairs - 1.0);
    if covariance < 0.0 { Ok(2e4 * (-covariance).sqrt() / last) } else { Err(Reason::Undefined) }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base);
        assert_eq!(stage.reason("roll_spread_bps"), Some(Reason::NoData));
        for i in 0..63 {
            stage.trade(i, 100_00 + 10 * (i % 2), 1, true);
        }
        assert_eq!(stage.reason("roll_spread_bps"), Some(Reason::Warmup));
        stage.trade(64, 100_10, 1, true);
        // 63 changes of +-0.1, beginning and ending with a rise; 62 pairs, each with the product -0.01, both sums 0.
        let covariance: f64 = -0.01 * 62.0 / 61.0;
        assert!((stage.value("roll_spread_bps") - 2e4 * (-covariance).sqrt() / 100.10).abs() < 1e-9);
        stage.refine(2, 0);
        assert!((stage.value("roll_spread_bps") - 2e4 * (-covariance).sqrt() / 100.10).abs() < 1e-9);
        stage.gap();
        assert_eq!(stage.reason("roll_spread_bps"), Some(Reason::NoData));
    }

    #[test]
    fn prices_that_run_on_have_none() {
        let mut stage = Stage::new(Contract::Base);
        for i in 0..100 {
            stage.trade(i, 100_00 + i * i, 1, true);
        }
        assert_eq!(stage.reason("roll_spread_bps"), Some(Reason::Undefined));
    }
}
