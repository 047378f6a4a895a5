//! Stoikov's micro-price: mid plus what mid has been seen to do next from such an imbalance and spread (Stoikov 2018).
//!
//! States are buckets of imbalance and spread at the touch. Each change of the touch is counted together with its mirror
//! image (bids for asks), so only the states with the smaller bid are kept and the others are their negative. With P the
//! probabilities of the next state and r the mean next change of mid, the adjustments g = r + P g are the limit of the
//! series of the paper, sum of B^i G1: a few equations, solved now and then.

use super::quote::Finer;
use super::{Best, Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::instrument::Instrument;
use crate::units::{NANOS_PER_SECOND, Nanos, POW10};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Buckets of imbalance below one half; as many are above.
const IMBALANCES: usize = 4;
/// Buckets of the spread: 1 tick, 2 to 3, 4 and more.
const SPREADS: usize = 3;
/// States with the smaller bid.
const STATES: usize = IMBALANCES * SPREADS;
/// Where a change may lead: to a state, to its mirror image, or to equal sizes, which are their own mirror image.
const TARGETS: usize = 2 * STATES + 1;
const EQUAL: usize = 2 * STATES;
/// Changes that an estimate needs, in all and from the present state.
const CHANGES_MIN: u32 = 500;
const CHANGES_FROM_MIN: u32 = 20;
/// Beyond so many changes all counts are halved: the market of an hour ago matters less.
const CHANGES_MAX: u32 = 50_000;
/// Time between two estimates.
const SOLVE_NS: i64 = 10 * NANOS_PER_SECOND;

/// Counts of changes, and the adjustments that follow from them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stoikov {
    counts: Vec<[u32; TARGETS]>,
    /// Sum of changes of twice the mid from each state, price units.
    moved: [i64; STATES],
    total: u32,
    /// Smallest spread seen, price units: the tick, where the venue has not told it.
    tick: i64,
    due: Option<Nanos>,
    /// Change of twice the mid to be expected from each state, price units.
    adjustments: Option<[f64; STATES]>,
}

impl Metric for Stoikov {
    fn new(_: &Params) -> Self {
        Stoikov {
            counts: vec![[0; TARGETS]; STATES],
            moved: [0; STATES],
            total: 0,
            tick: i64::MAX,
            due: None,
            adjustments: None,
        }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let formula = "m + g(I, s); g = r + P g over 8 buckets of I = qb / (qb + qa) and 3 of s, P and r counted from the stream with their mirror images (Stoikov 2018: sum of B^i G1)";
        vec![
            Spec {
                id: "stoikov_microprice".into(),
                unit: "quote",
                help: "Price at which mid is to be expected in the end, learnt from how this book's mid moved at such imbalances.",
                formula,
            },
            Spec { id: "stoikov_minus_mid_bps".into(), unit: "bps", help: "Stoikov's micro-price above mid.", formula },
        ]
    }

    #[inline]
    fn on(&mut self, seen: &Seen<'_>) {
        if matches!(seen.stamped.event, Event::Depth(_)) {
            self.solve_if_due(seen.at);
            if let [Some(now), Some(before)] = seen.best
                && (now.bid, now.ask) != (before.bid, before.ask)
            {
                self.count(seen.instrument, &before, &now);
            }
        }
    }

    fn on_rescale(&mut self, finer: Finer) {
        self.tick = self.tick.saturating_mul(finer.price);
        self.moved.iter_mut().for_each(|moved| *moved = moved.saturating_mul(finer.price));
        self.adjustments.iter_mut().flatten().for_each(|g| *g *= finer.price as f64);
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        self.solve_if_due(moment.at);
        let unit = POW10.get(usize::from(moment.instrument.scale.price)).copied().unwrap_or(1) as f64;
        let price = top.touch().and_then(|touch| {
            let adjustments = self.adjustments.ok_or(Reason::Warmup)?;
            let (state, sign) = state(tick(moment.instrument, self.tick), touch.bid.size.0, touch.ask.size.0, {
                touch.ask.price.0 - touch.bid.price.0
            });
            let counted: u32 = self.counts.get(state).map_or(0, |row| row.iter().sum());
            match adjustments.get(state) {
                Some(g) if counted >= CHANGES_FROM_MIN => Ok((touch.mid, sign * g / (2.0 * unit))),
                _ => Err(Reason::Warmup),
            }
        });
        out.push(price.map(|(mid, g)| mid + g).into());
        out.push(price.map(|(mid, g)| g / mid * 1e4).into());
    }
}

/// The tick in price units.
fn tick(instrument: &Instrument, smallest: i64) -> i64 {
    instrument.tick.and_then(|tick| tick.at(instrument.scale.price).ok()).unwrap_or(smallest).max(1)
}

/// The state with the smaller bid, and 1, -1 if it is the mirror image, or 0 if it is both.
fn state(tick: i64, bid: i64, ask: i64, spread: i64) -> (usize, f64) {
    let (small, sign) = match bid.cmp(&ask) {
        Ordering::Less => (bid, 1.0),
        Ordering::Equal => (bid, 0.0),
        Ordering::Greater => (ask, -1.0),
    };
    let total = i128::from(bid) + i128::from(ask);
    let eighths = (i128::from(small) * 2 * IMBALANCES as i128).checked_div(total).unwrap_or(0) as usize;
    let spread = match spread / tick {
        ..2 => 0,
        2..4 => 1,
        4.. => 2,
    };
    (spread * IMBALANCES + eighths.min(IMBALANCES - 1), sign)
}

impl Stoikov {
    fn count(&mut self, instrument: &Instrument, before: &Best, now: &Best) {
        let spread = now.ask.price.0 - now.bid.price.0;
        if spread < self.tick {
            self.tick = spread.max(1);
            if instrument.tick.is_none() {
                self.forget(); // spreads were measured with a wrong tick
            }
        }
        let tick = tick(instrument, self.tick);
        let of = |best: &Best| state(tick, best.bid.size.0, best.ask.size.0, best.ask.price.0 - best.bid.price.0);
        let ((from, sign), (to, sign_after)) = (of(before), of(now));
        let moved = (now.bid.price.0 + now.ask.price.0) - (before.bid.price.0 + before.ask.price.0);
        if sign == 0.0 {
            return; // nothing is learnt: with its mirror image it cancels out
        }
        let to = match sign * sign_after {
            0.0 => EQUAL,
            1.0 => to,
            _ => STATES + to,
        };
        if let (Some(count), Some(sum)) =
            (self.counts.get_mut(from).and_then(|row| row.get_mut(to)), self.moved.get_mut(from))
        {
            *count += 1;
            *sum = if sign > 0.0 { sum.saturating_add(moved) } else { sum.saturating_sub(moved) };
            self.total += 1;
        }
        if self.total >= CHANGES_MAX {
            self.counts.iter_mut().flatten().for_each(|count| *count /= 2);
            self.moved.iter_mut().for_each(|moved| *moved /= 2);
            self.total = self.counts.iter().flatten().sum();
        }
    }

    fn forget(&mut self) {
        self.counts.iter_mut().flatten().for_each(|count| *count = 0);
        (self.moved, self.total, self.adjustments) = ([0; STATES], 0, None);
    }

    #[inline]
    fn solve_if_due(&mut self, at: Nanos) {
        if self.due.is_none_or(|due| at >= due) {
            if self.total >= CHANGES_MIN {
                self.adjustments = self.solve();
            }
            self.due = Some(Nanos(at.0.saturating_sub(at.0.rem_euclid(SOLVE_NS))).plus(SOLVE_NS));
        }
    }

    /// g = r + P g, in which the mirror image of a state has the negative of its g.
    fn solve(&self) -> Option<[f64; STATES]> {
        let mut rows = [[0.0; STATES + 1]; STATES];
        for (i, (row, (counts, moved))) in rows.iter_mut().zip(self.counts.iter().zip(self.moved)).enumerate() {
            let total: u32 = counts.iter().sum();
            let (same, mirrored) = counts.split_at(STATES); // and equal sizes, which expect nothing
            for (j, (cell, (same, mirrored))) in row.iter_mut().zip(same.iter().zip(mirrored)).enumerate() {
                // A state that was never left expects nothing.
                let net = if total > 0 { (f64::from(*same) - f64::from(*mirrored)) / f64::from(total) } else { 0.0 };
                *cell = f64::from(u8::from(i == j)) - net;
            }
            row[STATES] = if total > 0 { moved as f64 / f64::from(total) } else { 0.0 };
        }
        eliminate(&mut rows)
    }
}

/// Solves the equations by Gauss and Jordan's elimination with the largest pivots; `None` if they have no single solution.
fn eliminate(rows: &mut [[f64; STATES + 1]; STATES]) -> Option<[f64; STATES]> {
    for column in 0..STATES {
        let pivot = (column..STATES).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let chosen = rows[column];
        if chosen[column].abs() < 1e-9 {
            return None;
        }
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column] / chosen[column];
            row.iter_mut().zip(chosen).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    let mut solution = [0.0; STATES];
    for (i, (row, x)) in rows.iter().zip(&mut solution).enumerate() {
        *x = row[STATES] / row[i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Contract;
    use crate::metric::tests::{Change, Stage};
    use crate::units::Side::{Ask, Bid};

    /// A market of one tick: the side with less size gives way in three of four changes, then sizes are drawn anew.
    fn run(mirror: bool) -> Stage {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 1_000)], &[(100_01, 3_000)]);
        stage.depth(0, &[]);
        let (mut bid, mut state) = (100_00i64, 7u64);
        let mut draw = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for i in 0..4_000 {
            let (b, a) = (draw(8) as i64 * 500 + 250, draw(8) as i64 * 500 + 250);
            let gone: [Change; 2] = [(Bid, bid, 0), (Ask, bid + 1, 0)];
            let up = (draw(4) != 0) == (a < b);
            bid += if i % 2 == 0 { 0 } else if up { 1 } else { -1 };
            let come: [Change; 2] = [(Bid, bid, b), (Ask, bid + 1, a)];
            let changes = [gone, come].concat();
            let changes = if mirror { crate::metric::tests::mirrored(&changes) } else { changes };
            stage.depth(i * 20, &changes);
        }
        let both = if mirror { [(Bid, 200_01 - bid - 1, 1_000), (Ask, 200_01 - bid, 3_000)] } else { [(Bid, bid, 1_000), (Ask, bid + 1, 3_000)] };
        stage.depth(90_000, &both);
        stage
    }

    #[test]
    fn the_side_with_less_gives_way_and_the_mirrored_book_is_the_opposite() {
        let (plain, mirror) = (run(false), run(true));
        let g = plain.value("stoikov_minus_mid_bps");
        assert!((plain.value("stoikov_microprice") / plain.value("mid") - 1.0 - g / 1e4).abs() < 1e-12);
        assert!(g.abs() > 0.01 && g.abs() < 1.0, "{g}");
        // The same small bid where bids and asks have changed places in all that came before: the same adjustment.
        let price = |stage: &Stage| stage.value("stoikov_microprice") - stage.value("mid");
        assert!((price(&mirror) / price(&plain) - 1.0).abs() < 0.003, "{} {}", price(&mirror), price(&plain));
        let mut finer = plain.clone();
        finer.refine(2, 1);
        assert!((finer.value("stoikov_minus_mid_bps") - g).abs() < 1e-12);
    }

    #[test]
    fn equals_the_series_of_the_paper() {
        // Counted apart: changes that leave mid where it was (Q) and that move it (T); G1 = (1-Q)^-1 r, g = sum of B^i G1.
        let mut it = Stoikov::new(&Params::default());
        let mut seed = 1u32;
        let mut quiet = [[0.0; 2 * STATES]; STATES];
        let mut moving = quiet;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (from, to, moved) = ((seed >> 8) as usize % STATES, (seed >> 16) as usize % (2 * STATES), i64::from(seed >> 30) - 1);
            it.counts[from][to] += 1;
            it.moved[from] += moved;
            if moved == 0 { quiet[from][to] += 1.0 } else { moving[from][to] += 1.0 }
        }
        let total = |i: usize| f64::from(it.counts[i].iter().sum::<u32>());
        let apply = |p: &[[f64; 2 * STATES]; STATES], g: &[f64; STATES]| {
            std::array::from_fn::<f64, STATES, _>(|i| {
                (0..STATES).map(|j| (p[i][j] - p[i][STATES + j]) * g[j]).sum::<f64>() / total(i)
            })
        };
        let until_quiet = |start: [f64; STATES]| {
            let mut x = start;
            for _ in 0..500 {
                let next = apply(&quiet, &x);
                x = std::array::from_fn(|i| start[i] + next[i]);
            }
            x
        };
        let first = until_quiet(std::array::from_fn(|i| it.moved[i] as f64 / total(i)));
        let (mut sum, mut term) = (first, first);
        for _ in 0..500 {
            term = until_quiet(apply(&moving, &term));
            sum = std::array::from_fn(|i| sum[i] + term[i]);
        }
        let solved = it.solve().unwrap();
        for (a, b) in solved.iter().zip(sum) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn little_seen_is_not_told() {
        let mut stage = Stage::new(Contract::Base).book(&[(100_00, 1_000)], &[(100_01, 3_000)]);
        stage.depth(0, &[]);
        stage.at(20_000);
        assert_eq!(stage.reason("stoikov_microprice"), Some(Reason::Warmup));
    }
}
