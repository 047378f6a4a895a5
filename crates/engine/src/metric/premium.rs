//! Premium index of a perpetual, and the funding rate that it predicts, in Binance's form: how far the prices at which a given
//! notional can be executed lie outside the index, averaged over the funding interval with later values weighing more.
//!
//! The index is looked at every five seconds, as the venue does. What came before the start or the last gap is not in the
//! average. Interest and impact notional differ by venue and instrument: they are parameters.

use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::cost::walk::{Amount, walk};
use crate::event::Event;
use crate::instrument::Kind;
use crate::units::{Decimal, NANOS_PER_SECOND, Nanos, Side};
use serde::{Deserialize, Serialize};

const LOOK_NS: i64 = 5 * NANOS_PER_SECOND;
/// Looks that a prediction needs: a minute.
const LOOKS_MIN: u64 = 12;
/// Interest above the premium counts up to this much, bps.
const CLAMP_BPS: f64 = 5.0;

/// The premium now and its average.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Premium {
    notional: Decimal,
    interest_bps: f64,
    age_max_ns: i64,
    due: Nanos,
    now: Result<f64, Reason>,
    /// When the running interval ends, as the venue tells it.
    ends: Option<Nanos>,
    /// Sum of k P_k, sum of k, and the last k.
    sum: f64,
    weight: f64,
    looks: u64,
}

impl Metric for Premium {
    fn new(params: &Params) -> Self {
        Premium {
            notional: Decimal::new((params.premium_impact_quote * 100.0).round() as i64, 2), // saturates
            interest_bps: params.premium_interest_bps,
            age_max_ns: (params.peer_age_max_seconds * 1e9).max(0.0) as i64,
            due: Nanos(i64::MIN),
            now: Err(Reason::Warmup),
            ends: None,
            sum: 0.0,
            weight: 0.0,
            looks: 0,
        }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let spec = |id: &str, help, formula| Spec { id: id.into(), unit: "bps", help, formula };
        vec![
            spec(
                "premium_index_bps",
                "How far the impact bid lies above the index, less how far the impact ask lies below it.",
                "10^4 (max(0, B - index) - max(0, index - A)) / index, B and A the average prices of executing the impact notional (Binance)",
            ),
            spec(
                "funding_predicted_bps",
                "Funding rate per interval that the premiums seen so far imply, before the venue's cap.",
                "P + clamp(interest - P, -5, 5), P = sum of k P_k / sum of k over looks of 5 s since the interval began (Binance)",
            ),
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        if let Event::Funding { next, .. } = seen.stamped.event
            && next.0 > 0
            && self.ends.replace(next).is_some_and(|ends| ends != next)
        {
            self.forget();
        }
    }

    fn on_gap(&mut self) {
        self.now = Err(Reason::Warmup);
        self.forget();
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        if moment.instrument.kind != Kind::Perpetual {
            out.extend([Value::Absent(Reason::NotApplicable); 2]);
            return;
        }
        if moment.at >= self.due {
            self.due = Nanos(moment.at.0.saturating_sub(moment.at.0.rem_euclid(LOOK_NS))).plus(LOOK_NS);
            self.now = self.premium(moment);
            if let Ok(premium) = self.now {
                self.looks += 1;
                self.weight += self.looks as f64;
                self.sum += self.looks as f64 * premium;
            }
        }
        let ready = top.touch().map(|_| ());
        out.push(ready.and(self.now).into());
        let average = if self.looks < LOOKS_MIN { Err(Reason::Warmup) } else { Ok(self.sum / self.weight) };
        let predicted = |p: f64| p + (self.interest_bps - p).clamp(-CLAMP_BPS, CLAMP_BPS);
        out.push(ready.and(self.now).and(average).map(predicted).into());
    }
}

impl Premium {
    fn premium(&self, moment: &Moment<'_>) -> Result<f64, Reason> {
        let (index, received) = moment.peers.index.ok_or(Reason::NoData)?;
        if moment.at.since(received) > self.age_max_ns {
            return Err(Reason::TooOld);
        }
        let impact = |side| {
            let walk = walk(moment.book, moment.validity, moment.instrument, side, Amount::Quote(self.notional), 0)?;
            match (walk.short, walk.vwap) {
                (Some(reason), _) | (None, Value::Absent(reason)) => Err(reason),
                (None, Value::Is(price)) => Ok(price),
            }
        };
        let (bid, ask) = (impact(Side::Bid)?, impact(Side::Ask)?);
        Ok(((bid - index).max(0.0) - (index - ask).max(0.0)) / index * 1e4)
    }

    fn forget(&mut self) {
        (self.sum, self.weight, self.looks) = (0.0, 0.0, 0);
    }
}

#[cfg(test)]
mod tests {
    use crate::event::Event;
    use crate::instrument::{Contract, Kind};
    use crate::metric::tests::{Stage, params};
    use crate::metric::{Params, Reason};
    use crate::units::{Decimal, Nanos};

    fn stage() -> Stage {
        let params = Params { premium_impact_quote: 30_000.0, ..params() };
        // 30,000 is 100 coins at 100 and the rest at 99.9: the impact bid is a little below 100.
        let bids = [(100_00, 100_000), (99_90, 900_000)];
        let mut stage = Stage::with(params, Contract::Base).book(&bids, &[(100_10, 900_000)]);
        stage.instrument.kind = Kind::Perpetual;
        stage
    }

    #[test]
    fn by_hand() {
        let mut stage = stage();
        assert_eq!(stage.reason("premium_index_bps"), Some(Reason::NoData));
        let impact_bid = 30_000.0 / (100.0 + 20_000.0 / 99.9);
        let mut sums = (0.0, 0.0);
        for k in 1..=12 {
            let index = if k < 12 { 99.5 } else { 100.2 }; // below the bid, at last above the ask
            stage.at(k * 5_000);
            stage.peers.index = Some((index, Nanos::from_millis(k * 5_000)));
            assert_eq!(stage.reason("funding_predicted_bps"), Some(Reason::Warmup).filter(|_| k < 12));
            stage.take_sample();
            let premium = if k < 12 { (impact_bid - index) / index } else { -(index - 100.1) / index } * 1e4;
            assert!((stage.value("premium_index_bps") - premium).abs() < 1e-9);
            sums = (sums.0 + k as f64 * premium, sums.1 + k as f64);
        }
        let average = sums.0 / sums.1;
        assert!(average > 6.0); // so the clamp takes off five
        assert!((stage.value("funding_predicted_bps") - (average - 5.0)).abs() < 1e-9);
        for (ms, hours) in [(61_000, 8), (62_000, 8), (63_000, 16)] {
            stage.event(ms, Event::Funding { rate: Decimal::new(1, 4), next: Nanos::from_millis(hours * 3_600_000) });
        }
        assert_eq!(stage.reason("funding_predicted_bps"), Some(Reason::Warmup)); // another interval
    }

    #[test]
    fn absent_where_the_notional_or_the_index_is_missing() {
        let mut stage = stage();
        stage.at(60_000);
        stage.peers.index = Some((100.0, Nanos(0)));
        assert_eq!(stage.reason("premium_index_bps"), Some(Reason::TooOld));
        stage.peers.index = Some((100.0, Nanos::from_millis(60_000)));
        stage.trust(100_00, 100_10);
        assert_eq!(stage.reason("premium_index_bps"), Some(Reason::BeyondTrusted));
        stage.instrument.kind = Kind::Spot;
        assert_eq!(stage.reason("premium_index_bps"), Some(Reason::NotApplicable));
    }
}
