//! Resilience: how soon and how far depth near the touch comes back after a shock that took much of it (Large 2007 asks the
//! same of the order flow; here the book itself is watched).
//!
//! Four times a second the depth of each side within 10 bps of mid is looked at. It is a shock when less than half is left of
//! what there was on the average of the last ten seconds; the 30 s after it are watched before the next one counts.

use super::quote::Finer;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::units::{NANOS_PER_SECOND, Nanos, Price, Side, float};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Half width of the band around mid, in parts of it.
const BAND: i64 = 1_000;
const LOOK_NS: i64 = NANOS_PER_SECOND / 4;
/// Looks in the average before a shock.
const AVERAGE: f64 = 40.0;
const LOOKS_MIN: u32 = 40;
/// What is left of the average at a shock, at most.
const SHOCK: f64 = 0.5;
/// When the recovered share is taken, seconds after the shock; the last ends the watch.
const AFTER: [i64; 3] = [1, 5, 30];
/// Shocks that are remembered, and those that an estimate needs.
const SHOCKS: usize = 16;
const SHOCKS_MIN: usize = 3;

/// A shock that is being watched.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Watch {
    since: Nanos,
    /// Depth before and after it.
    before: f64,
    after: f64,
    /// Time until half of the loss had come back, seconds.
    half: Option<f64>,
    shares: [Option<f64>; AFTER.len()],
}

/// What came of a shock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Past {
    half: Option<f64>,
    shares: [f64; AFTER.len()],
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OneSide {
    average: f64,
    looks: u32,
    watch: Option<Watch>,
}

/// Both sides and the last shocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resilience {
    due: Nanos,
    sides: [OneSide; 2],
    past: VecDeque<Past>,
}

impl Metric for Resilience {
    fn new(_: &Params) -> Self {
        Resilience { due: Nanos(i64::MIN), sides: Default::default(), past: VecDeque::with_capacity(SHOCKS) }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let mut all = vec![Spec {
            id: "resilience_half_life_s".into(),
            unit: "s",
            help: "Median time in which half of the depth within 10 bps came back after the last shocks; absent if it was mostly over 30 s.",
            formula: "first t with D(t) >= D0 + (D before - D0) / 2; a shock halves the depth's average of 10 s; median of the last 3 to 16",
        }];
        all.extend(AFTER.iter().map(|seconds| Spec {
            id: format!("resilience_recovered_{seconds}s"),
            unit: "ratio",
            help: "Share of the depth lost in a shock that was back so long after it, mean of the last shocks.",
            formula: "(D(t) - D0) / (D before - D0), D the size within 10 bps of mid, at the first look from t on",
        }));
        all
    }

    #[inline]
    fn on(&mut self, seen: &Seen<'_>) {
        if seen.at >= self.due && matches!(seen.stamped.event, Event::Depth(_)) {
            self.due = Nanos(seen.at.0.saturating_sub(seen.at.0.rem_euclid(LOOK_NS))).plus(LOOK_NS);
            self.look(seen);
        }
    }

    fn on_gap(&mut self) {
        self.sides = Default::default();
    }

    fn on_rescale(&mut self, finer: Finer) {
        let by = finer.size as f64;
        for side in &mut self.sides {
            side.average *= by;
            for watch in side.watch.iter_mut() {
                watch.before *= by;
                watch.after *= by;
            }
        }
    }

    fn sample(&mut self, _: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        let ready = top.touch().and(if self.past.len() < SHOCKS_MIN { Err(Reason::Warmup) } else { Ok(()) });
        out.push(ready.and_then(|()| self.half_life()).into());
        for i in 0..AFTER.len() {
            let sum: f64 = self.past.iter().filter_map(|past| past.shares.get(i)).sum();
            out.push(ready.map(|()| sum / self.past.len() as f64).into());
        }
    }
}

impl Resilience {
    fn half_life(&self) -> Result<f64, Reason> {
        let (mut all, count) = ([f64::INFINITY; SHOCKS], self.past.len());
        all.iter_mut().zip(&self.past).for_each(|(slot, past)| *slot = past.half.unwrap_or(f64::INFINITY));
        all.sort_unstable_by(f64::total_cmp);
        let of = |i: usize| all.get(i).copied().unwrap_or(f64::INFINITY);
        let middle = (of(count.saturating_sub(1) / 2) + of(count / 2)) / 2.0;
        if middle.is_finite() { Ok(middle) } else { Err(Reason::Undefined) }
    }

    fn look(&mut self, seen: &Seen<'_>) {
        let Some(best) = seen.best[0] else { return };
        let mid_twice = i128::from(best.bid.price.0 + best.ask.price.0);
        for (side, one) in [Side::Bid, Side::Ask].into_iter().zip(&mut self.sides) {
            let limit = match side {
                Side::Bid => -(-mid_twice * i128::from(1_000_000 - BAND)).div_euclid(2_000_000),
                Side::Ask => (mid_twice * i128::from(1_000_000 + BAND)).div_euclid(2_000_000),
            };
            let limit = Price(limit as i64); // mid is at most 2^50
            if !seen.book.is_known(side, limit) {
                *one = OneSide::default();
                continue;
            }
            let depth = float(seen.book.total_to(side, limit).size);
            if let Some(past) = one.look(seen.at, depth) {
                if self.past.len() >= SHOCKS {
                    self.past.pop_front();
                }
                self.past.push_back(past);
            }
        }
    }
}

impl OneSide {
    /// Takes over the depth now; a shock whose watch ended, if one did.
    fn look(&mut self, at: Nanos, depth: f64) -> Option<Past> {
        let is_shock = self.looks >= LOOKS_MIN && depth < SHOCK * self.average;
        let before = self.average;
        self.looks = self.looks.saturating_add(1);
        self.average += (depth - self.average) / f64::from(self.looks).min(AVERAGE);
        let Some(watch) = &mut self.watch else {
            if is_shock {
                self.watch = Some(Watch { since: at, before, after: depth, half: None, shares: [None; AFTER.len()] });
            }
            return None;
        };
        let seconds = at.since(watch.since) as f64 / 1e9;
        let share = (depth - watch.after) / (watch.before - watch.after);
        if share >= 0.5 && watch.half.is_none() {
            watch.half = Some(seconds);
        }
        for (slot, after) in watch.shares.iter_mut().zip(AFTER) {
            if slot.is_none() && seconds >= after as f64 {
                *slot = Some(share);
            }
        }
        if let [Some(first), Some(second), Some(last)] = watch.shares {
            let past = Past { half: watch.half, shares: [first, second, last] };
            self.watch = None;
            return Some(past);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::instrument::Contract;
    use crate::metric::Reason;
    use crate::metric::tests::Stage;
    use crate::units::Side::Bid;

    /// Forty looks at a bid of 10, then 2 are left; 4 after 1 s, 7 after 3 s, 9 after 20 s.
    fn shock(stage: &mut Stage, from: i64) {
        for i in 0..80 {
            stage.depth(from + i * 250, &[(Bid, 100_00, 10_000)]);
        }
        for i in 80..210 {
            let size = match i - 80 {
                0..4 => 2_000,
                4..12 => 4_000,
                12..80 => 7_000,
                _ => 9_000,
            };
            stage.depth(from + i * 250, &[(Bid, 100_00, size)]);
        }
    }

    #[test]
    fn by_hand() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 10_000), (99_00, 99_000)], &[(100_01, 4_000)]);
        shock(&mut stage, 0);
        shock(&mut stage, 100_000);
        assert_eq!(stage.reason("resilience_half_life_s"), Some(Reason::Warmup));
        shock(&mut stage, 200_000);
        assert_eq!(stage.value("resilience_half_life_s"), 3.0);
        // (4 - 2) / 8, (7 - 2) / 8, (9 - 2) / 8; the average before the later shocks differs from 10 by less than a hundredth.
        for (id, share) in [("1s", 0.25), ("5s", 0.625), ("30s", 0.875)] {
            let value = stage.value(&format!("resilience_recovered_{id}"));
            assert!((value - share).abs() < 0.02, "{id}: {value}");
        }
        stage.gap();
        assert_eq!(stage.value("resilience_half_life_s"), 3.0); // what was learnt stays
    }
}
