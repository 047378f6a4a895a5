//! Realised volatility of mids on a grid of event time (Andersen and Bollerslev 1998).
//!
//! Sampling: at each instant of the grid (multiples of the step since 1970) the mid that stood just before it. A step at
//! whose start or end there was no mid (a gap, an empty side) has no return. Annualised with 365 x 24 x 3600 s.

use super::log::ln_ratio;
use super::quote::Finer;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::output::Validity;
use crate::units::{Nanos, Side, float};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Seconds in a year of a market that never closes.
const YEAR_SECONDS: f64 = 365.0 * 24.0 * 3600.0;
/// Returns are kept in units of 2^-50, so that sums of squares are exact: the rounding is 10^-15 of a price.
const RETURN_UNITS: f64 = (1u64 << 50) as f64;
/// Returns that an annualised volatility needs at least: its error is then about 1 / sqrt(2 * 30) = 13 %.
const RETURNS_MIN: usize = 30;

/// The returns of the window, newest last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volatility {
    step_ns: i64,
    count: usize,
    /// Twice the mid that stands now, price units.
    mid_twice: Option<i64>,
    /// The same at the last instant of the grid.
    before: Option<i64>,
    /// The next instant of the grid.
    next: Option<Nanos>,
    returns: VecDeque<Option<i64>>,
    present: usize,
    squares: i128,
}

impl Metric for Volatility {
    fn new(params: &Params) -> Self {
        let (step_ns, count) = params.volatility();
        Volatility {
            step_ns,
            count,
            mid_twice: None,
            before: None,
            next: None,
            returns: VecDeque::with_capacity(count + 1),
            present: 0,
            squares: 0,
        }
    }

    fn specs(params: &Params) -> Vec<Spec> {
        let (step_ns, count) = params.volatility();
        let window = step_ns as f64 / 1e9 * count as f64;
        vec![
            Spec {
                id: format!("volatility_{window}s_annual_pct"),
                unit: "% a year",
                help: "Realised volatility of mid over the window, annualised; from 30 returns on.",
                formula: "100 sqrt(mean of r_i^2 x (365 x 24 x 3600 s) / step), r_i = ln(m_i / m_i-1) on the step grid",
            },
            Spec {
                id: format!("realised_variance_{window}s"),
                unit: "ratio",
                help: "Sum of the squared returns of mid over the whole window.",
                formula: "RV = sum of r_i^2 (Andersen, Bollerslev 1998)",
            },
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        self.advance(seen.at);
        if !matches!(seen.stamped.event, Event::Depth(_)) {
            return;
        }
        self.mid_twice = match seen.validity {
            Validity::Live => mid_twice(seen),
            _ => None,
        };
    }

    fn on_gap(&mut self) {
        self.mid_twice = None;
        self.before = None;
    }

    fn on_rescale(&mut self, finer: Finer) {
        for mid in [&mut self.mid_twice, &mut self.before].into_iter().flatten() {
            *mid = mid.saturating_mul(finer.price);
        }
    }

    fn sample(&mut self, moment: &Moment<'_>, top: &Top, out: &mut Vec<Value>) {
        self.advance(moment.at);
        let squares = float(self.squares) / RETURN_UNITS / RETURN_UNITS;
        let annual = top.touch().and_then(|_| {
            if self.present < RETURNS_MIN.min(self.count) {
                return Err(Reason::Warmup);
            }
            let seconds = self.present as f64 * self.step_ns as f64 / 1e9;
            Ok((squares / seconds * YEAR_SECONDS).sqrt() * 100.0)
        });
        let whole = top.touch().and(if self.present < self.count { Err(Reason::Warmup) } else { Ok(squares) });
        out.push(annual.into());
        out.push(whole.into());
    }
}

impl Volatility {
    /// Passes the instants of the grid up to and including `at`.
    #[inline]
    fn advance(&mut self, at: Nanos) {
        match self.next {
            Some(next) if at < next => {}
            _ => self.pass(at),
        }
    }

    #[cold]
    fn pass(&mut self, at: Nanos) {
        let past = at.0.rem_euclid(self.step_ns.max(1));
        let last = at.0.saturating_sub(past);
        let passed = self.next.map_or(0, |next| last.saturating_sub(next.0) / self.step_ns.max(1) + 1);
        // After a long silence only the window's own steps matter.
        for _ in 0..passed.min(self.count as i64 + 1) {
            let step = match (self.before, self.mid_twice) {
                (Some(before), Some(now)) => {
                    let r = ln_ratio(now as f64, before as f64);
                    r.is_finite().then(|| (r * RETURN_UNITS).round() as i64)
                }
                _ => None,
            };
            self.push(step);
            self.before = self.mid_twice;
        }
        self.next = Some(Nanos(last).plus(self.step_ns));
    }

    fn push(&mut self, step: Option<i64>) {
        let square = |r: i64| i128::from(r) * i128::from(r); // |r| is below 2^56
        if self.returns.len() >= self.count
            && let Some(Some(old)) = self.returns.pop_front()
        {
            self.present -= 1;
            self.squares -= square(old);
        }
        self.returns.push_back(step);
        if let Some(new) = step {
            self.present += 1;
            self.squares = self.squares.saturating_add(square(new));
        }
    }
}

fn mid_twice(seen: &Seen<'_>) -> Option<i64> {
    let best = |side| seen.book.best(side).filter(|level| seen.book.is_known(side, level.price));
    Some(best(Side::Bid)?.price.0 + best(Side::Ask)?.price.0)
}

#[cfg(test)]
mod tests {
    use super::YEAR_SECONDS;
    use crate::instrument::Contract;
    use crate::metric::tests::{Stage, params};
    use crate::metric::{Params, Reason};
    use crate::units::Side::{Ask, Bid};

    fn stage() -> Stage {
        let params = Params { volatility_window_seconds: 4.0, ..params() };
        Stage::with(params, Contract::Base).book(&[(99_00, 1)], &[(101_00, 1)])
    }

    #[test]
    fn by_hand() {
        let mut stage = stage();
        stage.depth(100, &[]); // mid 100
        stage.depth(1_500, &[(Bid, 99_00, 0), (Bid, 100_00, 1)]); // mid 100.5
        stage.depth(1_700, &[(Ask, 101_00, 0), (Ask, 102_00, 1)]); // mid 101, seen at 2 s
        stage.depth(3_000, &[(Bid, 100_00, 0), (Bid, 98_00, 1)]); // mid 100; exactly on the grid: seen at 4 s
        stage.at(4_000);
        // At 1, 2, 3, 4 s: 100, 101, 101, 100: three returns, ln 1.01, 0, -ln 1.01.
        assert_eq!(stage.reason("realised_variance_4s"), Some(Reason::Warmup));
        stage.at(5_000);
        let rv = 2.0 * 1.01f64.ln().powi(2);
        assert!((stage.value("realised_variance_4s") - rv).abs() < 1e-16);
        let annual = (rv / 4.0 * YEAR_SECONDS).sqrt() * 100.0;
        assert!((stage.value("volatility_4s_annual_pct") - annual).abs() < 1e-6 * annual);
        stage.at(7_500); // returns to 4, 5, 6, 7 s: only the fall at 4 s is left
        assert!((stage.value("realised_variance_4s") - rv / 2.0).abs() < 1e-16);
        stage.at(100_000);
        assert_eq!(stage.value("realised_variance_4s"), 0.0);
    }

    #[test]
    fn a_gap_leaves_steps_without_returns() {
        let mut stage = stage();
        stage.depth(0, &[]);
        stage.at(5_000);
        assert_eq!(stage.value("realised_variance_4s"), 0.0);
        stage.gap();
        stage.depth(6_500, &[(Bid, 99_00, 0), (Bid, 90_00, 1)]);
        stage.at(9_000);
        assert_eq!(stage.reason("realised_variance_4s"), Some(Reason::Warmup));
        stage.at(11_000); // 7, 8, 9, 10, 11 s stand on the new book
        assert_eq!(stage.value("realised_variance_4s"), 0.0);
    }

    #[test]
    fn finer_units_are_no_return() {
        let mut stage = stage();
        stage.depth(0, &[]);
        stage.at(2_500);
        stage.refine(3, 0);
        stage.depth(2_600, &[(Bid, 1, 1)]);
        stage.at(5_000);
        assert_eq!(stage.value("realised_variance_4s"), 0.0);
    }
}
