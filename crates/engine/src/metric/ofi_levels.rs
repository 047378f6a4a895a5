//! Order flow imbalance at each of the first M levels (Xu, Gould and Howison 2019), over the first OFI window.
//!
//! Level i is the i-th best price, not a fixed one: when a better price appears, every level behind it sees a better
//! price too. A level that does not exist counts as worse than any price, with size 0. `integrated_ofi.rs` mixes them.

use super::integrated_ofi::Component;
use super::quote::{Finer, Quote};
use super::window::Window;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::output::Validity;
use crate::units::{NANOS_PER_SECOND, Nanos, POW10, Side, float};
use serde::{Deserialize, Serialize};

/// The last quotes per level and the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfiLevels {
    /// Bids then asks; meaningful while `is_known`.
    last: [Vec<Quote>; 2],
    is_known: bool,
    window: Window<i128>,
    component: Component,
    /// The end of the running second.
    next: Option<Nanos>,
    /// Room for the flows of a second.
    #[serde(skip)]
    flows: Vec<f64>,
}

impl Metric for OfiLevels {
    fn new(params: &Params) -> Self {
        let levels = params.ofi_depth();
        let buckets = params.ofi_windows().first().copied().unwrap_or(1);
        let side = || vec![Quote::NONE; levels];
        OfiLevels {
            last: [side(), side()],
            is_known: false,
            window: Window::new(buckets, levels),
            component: Component::new(levels, params.bars()),
            next: None,
            flows: Vec::with_capacity(levels),
        }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let spec = |level| Spec {
            id: format!("ofi_{level}"),
            unit: "size",
            help: "Order flow imbalance at the i-th best price over the shortest OFI window, in what the venue counts in.",
            formula: "sum of e_n as in ofi, with the i-th best prices and sizes (Xu, Gould, Howison 2019)",
        };
        let integrated = Spec {
            id: "integrated_ofi".into(),
            unit: "ratio",
            help: "The mixture of the flows at all levels that tells most of them, in multiples of the average size of a level.",
            formula: "w'x / |w|_1, x = ofi_i / average size of a level, w the first principal component of x over the bar window (Cont, Cucuringu, Zhang 2023)",
        };
        (1..=params.ofi_depth()).map(spec).chain([integrated]).collect()
    }

    fn on(&mut self, seen: &Seen<'_>) {
        if !matches!(seen.stamped.event, Event::Depth(_)) {
            return;
        }
        if seen.validity != Validity::Live {
            return self.on_gap();
        }
        self.pass(seen.at);
        self.window.advance(seen.at);
        let mut is_complete = true;
        for (side, sign) in [(Side::Bid, 1), (Side::Ask, -1)] {
            is_complete &= self.follow(seen, side, sign);
        }
        if is_complete {
            self.is_known = true;
        } else {
            self.forget();
        }
    }

    fn on_gap(&mut self) {
        if self.is_known {
            self.forget();
        }
    }

    fn on_rescale(&mut self, finer: Finer) {
        self.last.iter_mut().flatten().for_each(|quote| *quote = quote.finer(finer));
        self.window.convert(|_, flow| flow.saturating_mul(finer.size.into()));
        self.component.finer(finer.size);
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        self.pass(moment.at);
        let unit = POW10[usize::from(moment.instrument.scale.size)] as f64;
        let ready = top.touch().and_then(|_| {
            if !self.is_known {
                return Err(Reason::Warmup);
            }
            self.window.roll(moment.at);
            if self.window.is_full() { Ok(()) } else { Err(Reason::Warmup) }
        });
        out.extend((0..self.last[0].len()).map(|i| Value::from(ready.map(|()| float(self.window.sum(i)) / unit))));
        let flows = (0..self.last[0].len()).map(|i| float(self.window.sum(i)));
        out.push(ready.and_then(|()| self.component.of(flows)).into());
    }
}

impl OfiLevels {
    /// The flows that stand at each whole second go into the mixture.
    #[inline]
    fn pass(&mut self, at: Nanos) {
        if self.next.is_none_or(|next| at >= next) {
            self.end_second(at);
        }
    }

    #[cold]
    fn end_second(&mut self, at: Nanos) {
        /// After a longer silence the flows are nothing anyway.
        const SILENCE_MAX: i64 = 60;
        let last = at.0.saturating_sub(at.0.rem_euclid(NANOS_PER_SECOND));
        let mut next = self.next.unwrap_or(Nanos(i64::MAX)).0.max(last.saturating_sub(SILENCE_MAX * NANOS_PER_SECOND));
        while next <= last && self.is_known {
            self.window.roll(Nanos(next));
            if self.window.is_full() {
                let levels = self.last[0].len();
                self.flows.clear();
                self.flows.extend((0..levels).map(|i| float(self.window.sum(i))));
                let size: f64 = self.last.iter().flatten().map(|quote| quote.size() as f64).sum();
                self.component.push(&self.flows, size / (2 * levels) as f64);
            }
            next = next.saturating_add(NANOS_PER_SECOND);
        }
        self.next = Some(Nanos(last).plus(NANOS_PER_SECOND));
    }

    /// Takes over the levels of a side and adds what changed; `false` if one of them is not known.
    fn follow(&mut self, seen: &Seen<'_>, side: Side, sign: i128) -> bool {
        let trusted = seen.book.trusted(side);
        let (last, window, was_known) = (&mut self.last[side as usize], &mut self.window, self.is_known);
        let count = last.len();
        let mut take = |i: usize, now: Quote| {
            if now != last[i] {
                if was_known {
                    window.add(seen.at, i, sign * i128::from(now.gain(last[i])));
                }
                last[i] = now;
            }
        };
        let (mut told, mut is_known) = (0, true);
        seen.book.walk(side, |level| {
            is_known = trusted.is_none_or(|worst| !level.price.is_worse(worst, side));
            if is_known {
                take(told, Quote::new(side, level));
                told += 1;
            }
            is_known && told < count
        });
        // Where the book ends there is nothing, if that is known.
        is_known &= told == count || trusted.is_none();
        if is_known {
            (told..count).for_each(|i| take(i, Quote::NONE));
        }
        is_known
    }

    fn forget(&mut self) {
        self.is_known = false;
        self.window.reset();
        self.component.forget();
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::Side::{Ask, Bid};

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000), (99_00, 3_000)], &[(101_00, 4_000)]);
        stage.depth(1_000, &[]);
        // A better bid of 1: level 1 gains 1; level 2 is now 100.00 with 5, better than 99.00: +5; level 3 was empty and is
        // now 99.00 with 3: +3.
        stage.depth(1_100, &[(Bid, 100_50, 1_000)]);
        // A second ask of 6: level 2 of the asks was empty: -6.
        stage.depth(1_200, &[(Ask, 102_00, 6_000)]);
        // Level 2 of the bids loses 1: -1.
        stage.depth(1_300, &[(Bid, 100_00, 4_000)]);
        stage.at(2_000);
        let flow = ["ofi_1", "ofi_2", "ofi_3", "ofi_4"].map(|id| stage.value(id));
        assert_eq!(flow, [1.0, 5.0 - 6.0 - 1.0, 3.0, 0.0]);
        assert_eq!(stage.value("ofi_1s"), 1.0);
    }

    #[test]
    fn not_told_while_a_level_is_beyond_what_is_known() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 5_000)], &[(101_00, 4_000)]);
        stage.trust(99_50, 200_00);
        stage.depth(1_000, &[(Bid, 99_00, 1)]);
        stage.at(3_000);
        assert_eq!(stage.reason("ofi_1"), Some(Reason::Warmup));
        assert_eq!(stage.value("ofi_1s"), 0.0);
    }
}
