//! How often the market speaks: depth updates, trades and best-quote updates per second.

use super::trades::OneKind;
use super::window::Window;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::{DepthKind, Event};
use crate::units::NANOS_PER_SECOND;
use serde::{Deserialize, Serialize};

const DEPTH: usize = 0;
const TRADE: usize = 1;
const BBO: usize = 2;

/// Counts over the window, and which kinds were seen at all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rates {
    trades: OneKind,
    has_begun: [bool; 3],
    window: Window<i64>,
}

impl Metric for Rates {
    fn new(params: &Params) -> Self {
        Rates { trades: OneKind::default(), has_begun: [false; 3], window: Window::new(params.trade_window(), 3) }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let spec = |id: &str, help| Spec {
            id: id.into(),
            unit: "1/s",
            help,
            formula: "messages in the trade window / seconds of it that were seen",
        };
        vec![
            spec(
                "depth_updates_per_s",
                "Depth messages that change the book, per second (repeated partial books not counted).",
            ),
            spec("trades_per_s", "Trades per second; aggregated or single, whichever kind is counted."),
            spec("bbo_updates_per_s", "Best bid and ask messages per second."),
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        let kind = match &seen.stamped.event {
            Event::Depth(depth) if depth.kind != DepthKind::Partial => DEPTH,
            Event::Trade(trade) if self.trades.counts(seen.at, trade) => TRADE,
            Event::Bbo(_) => BBO,
            _ => return self.window.advance(seen.at),
        };
        self.has_begun[kind] = true;
        self.window.add(seen.at, kind, 1);
    }

    fn sample(&mut self, moment: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        self.window.roll(moment.at);
        let covered = self.window.covered(moment.at);
        for (kind, has_begun) in self.has_begun.into_iter().enumerate() {
            out.push(match has_begun {
                false => Value::Absent(Reason::NoData),
                true if covered < NANOS_PER_SECOND => Value::Absent(Reason::Warmup),
                true => (self.window.sum(kind) as f64 * 1e9 / covered as f64).into(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base);
        for i in 0..20 {
            stage.depth(i * 100, &[]);
            if i == 5 {
                stage.trade(500, 100_00, 1, true);
            }
        }
        stage.at(900);
        assert_eq!(stage.reason("depth_updates_per_s"), Some(Reason::Warmup));
        stage.at(2_000);
        assert_eq!((stage.value("depth_updates_per_s"), stage.value("trades_per_s")), (10.0, 0.5));
        assert_eq!(stage.reason("bbo_updates_per_s"), Some(Reason::NoData));
        stage.at(61_000); // ten of the twenty are within the last minute
        assert_eq!((stage.value("depth_updates_per_s"), stage.value("trades_per_s")), (10.0 / 60.0, 0.0));
    }
}
