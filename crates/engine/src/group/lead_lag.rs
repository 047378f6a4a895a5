//! Which of two markets moves first, from mids that change at different times (Hayashi and Yoshida 2005; Hoffmann, Rosenbaum
//! and Yoshida 2013): every pair of moves whose times overlap counts, after one market's clock was shifted by the lag.

use crate::metric::ln_ratio;
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Lags that are tried, milliseconds, on either side of none.
const LAGS_MS: [i64; 9] = [10, 20, 50, 100, 200, 300, 500, 1_000, 2_000];
/// Changes of mid that are looked back on, and for how long.
const CHANGES: usize = 1_024;
const WINDOW_NS: i64 = 300 * NANOS_PER_SECOND;
/// Moves that a comparison needs of each market.
const MOVES_MIN: usize = 50;

/// A move of mid, which happened after `from` and at `to` at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Move {
    from: i64,
    to: i64,
    change: f64,
}

/// The last moves of one market.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Moves {
    last: Option<(i64, f64)>,
    moves: VecDeque<Move>,
}

impl Moves {
    /// Mid, and since when it stands.
    pub(super) fn push(&mut self, since: Nanos, mid: f64) {
        let Some((from, before)) = self.last else {
            self.last = Some((since.0, mid));
            return;
        };
        if mid == before || mid <= 0.0 {
            return;
        }
        let to = since.0.max(from.saturating_add(1)); // clocks are not that exact: what came later was later
        let old = |first: &Move| first.to < to.saturating_sub(WINDOW_NS);
        while self.moves.len() >= CHANGES || self.moves.front().is_some_and(old) {
            self.moves.pop_front();
        }
        self.moves.push_back(Move { from, to, change: ln_ratio(mid, before) });
        self.last = Some((to, mid));
    }

    /// The market was interrupted.
    pub(super) fn forget(&mut self) {
        *self = Moves::default();
    }

    fn variance(&self) -> f64 {
        self.moves.iter().map(|step| step.change * step.change).sum()
    }
}

/// How two markets move together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadLag {
    /// Lag at which they move together most, ms; above 0 the first one leads.
    pub lag_ms: i64,
    /// Correlation of their moves at that lag.
    pub correlation: f64,
    /// Sum of squared correlations where the first leads over the same where the second does; above 1 the first leads.
    pub ratio: Option<f64>,
    /// Moves of each that were compared.
    pub moves: (u32, u32),
}

/// Compares two markets; `None` while there are too few moves.
pub(super) fn compare(x: &Moves, y: &Moves) -> Option<LeadLag> {
    let scale = (x.variance() * y.variance()).sqrt();
    if x.moves.len() < MOVES_MIN || y.moves.len() < MOVES_MIN || scale <= 0.0 {
        return None;
    }
    let at = |lag_ms: i64| covariance(x, y, lag_ms * NANOS_PER_MILLI) / scale;
    let (mut best, mut sums) = ((0, at(0)), [0.0; 2]);
    for lag in LAGS_MS {
        for (lag, sum) in [lag, -lag].into_iter().zip(&mut sums) {
            let correlation = at(lag);
            *sum += correlation * correlation;
            if correlation.abs() > best.1.abs() {
                best = (lag, correlation);
            }
        }
    }
    let ratio = (sums[1] > 0.0).then_some(sums[0] / sums[1]);
    let moves = (x.moves.len() as u32, y.moves.len() as u32);
    Some(LeadLag { lag_ms: best.0, correlation: best.1, ratio, moves })
}

/// Sum of the products of moves that overlap when the second market's are put earlier by the lag.
fn covariance(x: &Moves, y: &Moves, lag_ns: i64) -> f64 {
    let (mut xs, mut ys) = (x.moves.iter().peekable(), y.moves.iter().peekable());
    let mut sum = 0.0;
    while let (Some(a), Some(b)) = (xs.peek(), ys.peek()) {
        let (from, to) = (b.from.saturating_sub(lag_ns), b.to.saturating_sub(lag_ns));
        if a.from.max(from) < a.to.min(to) {
            sum += a.change * b.change;
        }
        let ends_first = a.to.cmp(&to);
        if ends_first.is_le() {
            xs.next();
        }
        if ends_first.is_ge() {
            ys.next();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moves(points: &[(i64, f64)]) -> Moves {
        let mut moves = Moves::default();
        points.iter().for_each(|(ms, mid)| moves.push(Nanos::from_millis(*ms), *mid));
        moves
    }

    #[test]
    fn by_hand() {
        // x moves by a in (0, 10], by b in (10, 30]; y by c in (5, 20], which overlaps both, and by d in (20, 40], only b.
        let x = moves(&[(0, 100.0), (10, 101.0), (30, 102.0)]);
        let y = moves(&[(5, 50.0), (20, 51.0), (40, 50.0)]);
        let (a, b) = (1.01f64.ln(), (102.0f64 / 101.0).ln());
        let (c, d) = (1.02f64.ln(), (50.0f64 / 51.0).ln());
        assert!((covariance(&x, &y, 0) - (a * c + b * c + b * d)).abs() < 1e-15);
        // y put earlier by 10: (-5, 10] and (10, 30].
        assert!((covariance(&x, &y, 10 * NANOS_PER_MILLI) - (a * c + b * d)).abs() < 1e-15);
        assert_eq!(compare(&x, &y), None);
    }

    #[test]
    fn the_one_that_follows_is_found_with_its_lag() {
        let mut state = 1u64;
        let (mut first, mut second, mut mid) = (Vec::new(), Vec::new(), 100.0);
        for i in 0..400i64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let step = ((state >> 33) % 5) as f64 - 2.0;
            mid += step * 0.01;
            let at = i * 400 + (state >> 40) as i64 % 300;
            first.push((at, mid));
            second.push((at + 200, mid * 0.5));
        }
        let (first, second) = (moves(&first), moves(&second));
        let leads = compare(&first, &second).unwrap();
        assert_eq!(leads.lag_ms, 200);
        assert!(leads.correlation > 0.99 && leads.ratio.unwrap() > 1.5, "{leads:?}");
        let follows = compare(&second, &first).unwrap();
        assert!(follows.lag_ms == -200 && follows.ratio.unwrap() < 0.67, "{follows:?}");
    }

    #[test]
    fn memory_is_bounded() {
        let mut it = Moves::default();
        (0..5_000).for_each(|i| it.push(Nanos::from_millis(i), 100.0 + (i % 2) as f64));
        assert_eq!(it.moves.len(), CHANGES);
        it.push(Nanos::from_millis(1_000_000), 7.0);
        assert_eq!(it.moves.len(), 1);
    }

    proptest! {
        #[test]
        fn equals_all_pairs(a in prop::collection::vec((1i64..50, 1u8..9), 2..40), b in prop::collection::vec((1i64..50, 1u8..9), 2..40), lag in -60i64..60) {
            let of = |steps: &[(i64, u8)]| {
                let mut now = 0;
                let points: Vec<_> = steps.iter().map(|(step, mid)| { now += step; (now, f64::from(*mid)) }).collect();
                moves(&points)
            };
            let (x, y) = (of(&a), of(&b));
            let mut plain = 0.0;
            for p in &x.moves {
                for q in &y.moves {
                    let shift = lag * NANOS_PER_MILLI;
                    if p.from.max(q.from - shift) < p.to.min(q.to - shift) {
                        plain += p.change * q.change;
                    }
                }
            }
            prop_assert!((covariance(&x, &y, lag * NANOS_PER_MILLI) - plain).abs() < 1e-12);
        }
    }
}
