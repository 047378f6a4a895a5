//! Funding of a perpetual: the rate of the running interval and when it is paid.

use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::instrument::Kind;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// The last rate told and when it is paid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Funding {
    last: Option<(f64, Nanos)>,
}

impl Metric for Funding {
    fn new(_: &Params) -> Self {
        Funding { last: None }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        vec![
            Spec {
                id: "funding_rate_bps".into(),
                unit: "bps",
                help: "Funding rate per interval as the venue tells it; positive is paid by longs. Too old once its time has passed.",
                formula: "10^4 rate",
            },
            Spec {
                id: "funding_next_s".into(),
                unit: "s",
                help: "Time until the rate is paid.",
                formula: "next - now",
            },
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        if let Event::Funding { rate, next } = &seen.stamped.event {
            self.last = Some((rate.to_f64(), *next));
        }
    }

    fn sample(&mut self, moment: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        let (rate, next) = match (moment.instrument.kind, self.last) {
            (Kind::Perpetual, Some((rate, Nanos(0)))) => (Ok(rate * 1e4), Err(Reason::NoData)), // the venue gave no time
            (Kind::Perpetual, Some((_, next))) if next < moment.at => (Err(Reason::TooOld), Err(Reason::TooOld)),
            (Kind::Perpetual, Some((rate, next))) => (Ok(rate * 1e4), Ok(next.since(moment.at) as f64 / 1e9)),
            (Kind::Perpetual, None) => (Err(Reason::NoData), Err(Reason::NoData)),
            _ => (Err(Reason::NotApplicable), Err(Reason::NotApplicable)),
        };
        out.push(rate.into());
        out.push(next.into());
    }
}

#[cfg(test)]
mod tests {
    use crate::event::Event;
    use crate::instrument::{Contract, Kind};
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::{Decimal, Nanos};

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base);
        assert_eq!(stage.reason("funding_rate_bps"), Some(Reason::NotApplicable));
        stage.instrument.kind = Kind::Perpetual;
        assert_eq!(stage.reason("funding_rate_bps"), Some(Reason::NoData));
        stage.event(1_000, Event::Funding { rate: Decimal::new(-125, 6), next: Nanos::from_millis(61_500) });
        stage.at(31_000);
        assert_eq!((stage.value("funding_rate_bps"), stage.value("funding_next_s")), (-1.25, 30.5));
        stage.at(61_501);
        assert_eq!(stage.reason("funding_rate_bps"), Some(Reason::TooOld));
        stage.event(61_600, Event::Funding { rate: Decimal::new(1, 4), next: Nanos(0) });
        stage.at(61_601);
        assert_eq!(stage.value("funding_rate_bps"), 1.0);
        assert_eq!(stage.reason("funding_next_s"), Some(Reason::NoData));
    }
}
