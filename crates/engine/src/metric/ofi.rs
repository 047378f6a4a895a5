//! Order flow imbalance at the touch, summed over windows of event time (Cont, Kukanov and Stoikov 2014).

use super::params::window_label;
use super::quote::{Finer, Quote};
use super::window::Window;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::output::Validity;
use crate::units::{POW10, Side, float};
use serde::{Deserialize, Serialize};

/// The last best quotes and the windows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ofi {
    last: Option<[Quote; 2]>,
    windows: Vec<Window<i128>>,
}

impl Metric for Ofi {
    fn new(params: &Params) -> Self {
        let windows = params.ofi_windows().into_iter().map(|buckets| Window::new(buckets, 1)).collect();
        Ofi { last: None, windows }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let spec = |buckets| Spec {
            id: format!("ofi_{}", window_label(buckets)),
            unit: "size",
            help: "Net size that came to the best bid or left the best ask over the window, in what the venue counts in (coins or contracts).",
            formula: "sum of e_n over changes of the touch; e_n = 1{Pb_n >= Pb_n-1} qb_n - 1{Pb_n <= Pb_n-1} qb_n-1 - 1{Pa_n <= Pa_n-1} qa_n + 1{Pa_n >= Pa_n-1} qa_n-1 (Cont, Kukanov, Stoikov 2014)",
        };
        params.ofi_windows().into_iter().map(spec).collect()
    }

    fn on(&mut self, seen: &Seen<'_>) {
        if !matches!(seen.stamped.event, Event::Depth(_)) {
            return;
        }
        let now = match seen.validity {
            Validity::Live => touch(seen),
            _ => None,
        };
        let Some([bid, ask]) = now else { return self.on_gap() };
        let flow = match self.last {
            Some([last_bid, last_ask]) => bid.gain(last_bid) - ask.gain(last_ask),
            None => 0,
        };
        self.last = now;
        for window in &mut self.windows {
            window.add(seen.at, 0, i128::from(flow));
        }
    }

    fn on_gap(&mut self) {
        if self.last.take().is_some() {
            self.windows.iter_mut().for_each(Window::reset);
        }
    }

    fn on_rescale(&mut self, finer: Finer) {
        self.last = self.last.map(|quotes| quotes.map(|quote| quote.finer(finer)));
        for window in &mut self.windows {
            window.convert(|_, flow| flow.saturating_mul(finer.size.into()));
        }
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let unit = POW10[usize::from(moment.instrument.scale.size)] as f64;
        for window in &mut self.windows {
            let flow = top.touch().and_then(|_| {
                if self.last.is_none() {
                    return Err(Reason::Warmup);
                }
                window.roll(moment.at);
                if window.is_full() { Ok(float(window.sum(0)) / unit) } else { Err(Reason::Warmup) }
            });
            out.push(flow.into());
        }
    }
}

/// Best quotes of both sides; `None` where one is not known.
fn touch(seen: &Seen<'_>) -> Option<[Quote; 2]> {
    let quote = |side| match seen.book.best(side) {
        Some(level) => seen.book.is_known(side, level.price).then(|| Quote::new(side, level)),
        None => seen.book.trusted(side).is_none().then_some(Quote::NONE),
    };
    Some([quote(Side::Bid)?, quote(Side::Ask)?])
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::{Change, Stage, mirrored, walk};
    use crate::units::Side::{Ask, Bid};
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000)], &[(101_00, 4_000)]);
        stage.depth(1_000, &[]);
        stage.depth(1_100, &[(Bid, 100_00, 7_000)]); // 2 more on the bid: +2
        stage.depth(1_200, &[(Ask, 101_00, 1_000)]); // 3 less on the ask: +3
        stage.depth(1_300, &[(Bid, 100_50, 4_000)]); // a better bid of 4: +4
        stage.depth(1_400, &[(Bid, 100_50, 0)]); // it leaves: -4
        stage.depth(1_500, &[(Ask, 101_00, 0), (Ask, 102_00, 6_000)]); // the ask's 1 leaves: +1
        stage.depth(1_600, &[(Ask, 101_50, 2_500)]); // a better ask of 2.5: -2.5
        stage.depth(1_650, &[(Ask, 105_00, 9_000), (Bid, 90_00, 9_000)]); // behind the touch: 0
        stage.at(1_900);
        assert_eq!(stage.reason("ofi_1s"), Some(Reason::Warmup));
        stage.at(2_000);
        assert_eq!(stage.value("ofi_1s"), 3.5);
        stage.at(2_300);
        assert_eq!(stage.value("ofi_1s"), 3.5 - 2.0 - 3.0);
        assert_eq!(stage.reason("ofi_10s"), Some(Reason::Warmup));
        stage.at(11_000);
        assert_eq!((stage.value("ofi_1s"), stage.value("ofi_10s")), (0.0, 3.5));
    }

    #[test]
    fn a_gap_starts_it_anew() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000)], &[(101_00, 4_000)]);
        stage.depth(0, &[]);
        stage.depth(5_000, &[(Bid, 100_00, 7_000)]);
        stage.gap();
        stage.depth(5_500, &[(Bid, 100_00, 1_000)]);
        stage.depth(6_000, &[(Bid, 100_00, 4_000)]);
        stage.at(6_400);
        assert_eq!(stage.reason("ofi_1s"), Some(Reason::Warmup));
        stage.at(6_500);
        assert_eq!(stage.value("ofi_1s"), 3.0);
    }

    #[test]
    fn finer_units_do_not_change_it() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000)], &[(101_00, 4_000)]);
        stage.depth(0, &[]);
        stage.depth(900, &[(Bid, 100_00, 7_000)]);
        stage.refine(1, 2);
        stage.depth(950, &[(Bid, 100_000, 700_100)]);
        stage.at(1_000);
        assert_eq!(stage.value("ofi_1s"), 2.001);
        assert_eq!(stage.value("ofi_1"), 2.001);
    }

    proptest! {
        #[test]
        fn the_mirrored_book_has_the_opposite_flow(changes in walk()) {
            let run = |changes: &[Change]| {
                let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000)], &[(100_01, 5_000)]);
                stage.depth(0, &[]);
                for (i, change) in changes.iter().enumerate() {
                    stage.depth(i as i64 * 17, &[*change]);
                }
                stage.at(2_000);
                stage
            };
            let (plain, mirror) = (run(&changes), run(&mirrored(&changes)));
            for id in ["ofi_1s", "ofi_1", "ofi_2", "ofi_5"] {
                let (a, b) = (plain.get(id), mirror.get(id));
                prop_assert_eq!(a.get(), b.get().map(|x| -x), "{}", id);
            }
        }
    }
}
