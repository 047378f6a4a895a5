//! VPIN: how one-sided the takers were over the last buckets of equal volume (Easley, Lopez de Prado and O'Hara 2012), by the
//! takers' sides that the venue tells, not guessed from prices.

use super::bars::worth;
use super::trades::OneKind;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::instrument::Contract;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How long volume is measured for, where the bucket's volume is not given: five minutes make one round of buckets.
const MEASURE_NS: i64 = 300 * NANOS_PER_SECOND;

/// A bucket that is full, quote currency.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Full {
    volume: f64,
    /// |bought - sold|.
    balance: f64,
}

/// The full buckets and the one that is being filled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vpin {
    trades: OneKind,
    contract: Option<Contract>,
    count: usize,
    /// Volume of the buckets to come: given, or measured anew every five minutes.
    size: Option<f64>,
    is_given: bool,
    measured: f64,
    measured_since: Option<Nanos>,
    /// Bought and sold in the bucket that is being filled, and its volume.
    filling: [f64; 2],
    wanted: f64,
    full: VecDeque<Full>,
}

impl Metric for Vpin {
    fn new(params: &Params) -> Self {
        let given = Some(params.vpin_bucket_quote).filter(|volume| *volume > 0.0 && volume.is_finite());
        Vpin {
            trades: OneKind::default(),
            contract: None,
            count: params.vpin(),
            size: given,
            is_given: given.is_some(),
            measured: 0.0,
            measured_since: None,
            filling: [0.0; 2],
            wanted: given.unwrap_or(0.0),
            full: VecDeque::with_capacity(params.vpin()),
        }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![Spec {
            id: "vpin".into(),
            unit: "ratio",
            help: "One-sidedness of takers over the last buckets of equal volume: 0 balanced, 1 all on one side in each bucket.",
            formula: "sum of |B_tau - S_tau| / sum of V_tau over n full buckets; trades are split at a bucket's edge (Easley, Lopez de Prado, O'Hara 2012)",
        }]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        let Event::Trade(trade) = &seen.stamped.event else { return };
        let contract = seen.instrument.contract;
        if self.contract.replace(contract).is_some_and(|before| before != contract) {
            self.on_gap(); // volume was told in other units
            self.measured = 0.0;
            self.measured_since = None;
        }
        if !self.trades.counts(seen.at, trade) {
            return;
        }
        let Some(volume) = worth(seen.instrument, trade) else { return };
        self.measure(seen.at, volume);
        if self.size.is_some() {
            self.fill(usize::from(!trade.taker_buy), volume);
        }
    }

    fn on_gap(&mut self) {
        self.full.clear();
        self.filling = [0.0; 2];
        self.wanted = self.size.unwrap_or(0.0);
    }

    fn sample(&mut self, moment: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        let vpin = if moment.instrument.contract == Contract::Unknown {
            Err(Reason::ContractUnknown)
        } else if self.trades.has_begun() {
            self.vpin()
        } else {
            Err(Reason::NoData)
        };
        out.push(vpin.into());
    }
}

impl Vpin {
    fn vpin(&self) -> Result<f64, Reason> {
        if self.full.len() < self.count {
            return Err(Reason::Warmup);
        }
        let sums = self.full.iter().fold((0.0, 0.0), |(b, v), full| (b + full.balance, v + full.volume));
        Ok(sums.0 / sums.1)
    }

    fn measure(&mut self, at: Nanos, volume: f64) {
        if self.is_given {
            return;
        }
        match self.measured_since {
            None => self.measured_since = Some(at),
            Some(since) if at.since(since) >= MEASURE_NS => {
                // A pause is not the market's usual volume: it is spread over the time that it took.
                let rounds = at.since(since) as f64 / MEASURE_NS as f64;
                let size = self.measured / rounds / self.count as f64;
                if size > 0.0 && size.is_finite() {
                    self.wanted = if self.size.is_none() { size } else { self.wanted };
                    self.size = Some(size);
                }
                self.measured = 0.0;
                self.measured_since = Some(at);
            }
            Some(_) => {}
        }
        self.measured += volume;
    }

    fn fill(&mut self, side: usize, volume: f64) {
        let mut left = volume;
        // A trade that fills more than all the buckets says of each the same: one side alone.
        for _ in 0..=self.count {
            let [buy, sell] = self.filling;
            let room = self.wanted - (buy + sell);
            if left < room {
                break;
            }
            if let Some(sum) = self.filling.get_mut(side) {
                *sum += room;
            }
            left -= room;
            let [buy, sell] = std::mem::take(&mut self.filling);
            if self.full.len() >= self.count {
                self.full.pop_front();
            }
            self.full.push_back(Full { volume: self.wanted, balance: (buy - sell).abs() });
            self.wanted = self.size.unwrap_or(self.wanted);
        }
        let room = self.wanted - (self.filling[0] + self.filling[1]);
        if let Some(sum) = self.filling.get_mut(side) {
            *sum += left.min(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::{Stage, params};
    use crate::metric::{Params, Value};

    #[test]
    fn by_hand() {
        let params = Params { vpin_buckets: 3, vpin_bucket_quote: 1_000.0, ..params() };
        let mut stage = Stage::with(params, Contract::Base);
        assert_eq!(stage.reason("vpin"), Some(Reason::NoData));
        stage.trade(0, 100_00, 7_000, true); // 700
        stage.trade(1, 100_00, 5_000, false); // 500: 300 fill the first bucket, |700 - 300| = 400
        stage.trade(2, 100_00, 12_000, true); // 1200: 800 fill the second, |800 - 200| = 600; 400 stay
        assert_eq!(stage.reason("vpin"), Some(Reason::Warmup));
        stage.trade(3, 100_00, 6_000, true); // exactly full: 1000
        assert!((stage.value("vpin") - (400.0 + 600.0 + 1_000.0) / 3_000.0).abs() < 1e-12);
        stage.trade(4, 100_00, 5_000, true);
        stage.trade(5, 100_00, 5_000, false); // a balanced one; the first leaves
        assert!((stage.value("vpin") - 1_600.0 / 3_000.0).abs() < 1e-12);
        stage.trade(6, 100_00, 1_000_000, false); // a hundred buckets at once
        assert_eq!(stage.value("vpin"), 1.0);
        stage.gap();
        assert_eq!(stage.reason("vpin"), Some(Reason::Warmup));
    }

    #[test]
    fn the_bucket_is_measured_where_it_is_not_given() {
        let mut stage = Stage::new(Contract::Base);
        for i in 0..601 {
            stage.trade(i * 1_000, 100_00, 1_000, i % 4 != 3); // 100 a second, three of four buys
        }
        // From 300 s on a bucket is 30000 / 50 = 600: six trades, of which one or two sell. Fifty are full by 600 s.
        let Value::Is(vpin) = stage.get("vpin") else { panic!("{:?}", stage.get("vpin")) };
        assert!((vpin - 0.5).abs() < 0.02, "{vpin}");
    }
}
