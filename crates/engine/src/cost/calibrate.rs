//! The models' parameters from a market's own stream: volatility, daily volume, permanent and temporary impact, strength of
//! the square-root law, resilience; each with a 95 % interval and its error out of sample.
//!
//! The stream is cut into equal intervals. What the public trades of an interval did stands for what an order would do: the
//! signed sum of their sizes moves mid (gamma, Y), their average price stands off mid by half the spread and more the
//! faster they come (epsilon, eta). An estimate from one's own orders is better, wherever there are enough of them.

use super::regress::{Fit, Row, fit};
use crate::event::{DepthKind, Event};
use crate::metric::{OneKind, Reason, Seen};
use crate::output::Validity;
use crate::units::{NANOS_PER_SECOND, Nanos, Side};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Intervals kept; the oldest goes first.
pub const KEPT_MAX: usize = 7_200;
/// Intervals that an estimate needs at least.
pub const INTERVALS_MIN: usize = 60;
const DAY_SECONDS: f64 = 86_400.0;
/// 97.5 % point of the normal distribution.
const Z: f64 = 1.959_964;

/// What happened within one interval; prices in quote currency, amounts in base coins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Mid at its start and at its end.
    pub mid: (f64, f64),
    /// Bought by takers minus sold.
    pub net: f64,
    /// Traded.
    pub volume: f64,
    /// By how much takers paid more (sold for less) than the mid at its start, summed over coins.
    pub worse: f64,
    /// At the touch of both sides, at its end.
    pub depth: f64,
}

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// The 95 % interval.
    pub low: f64,
    /// The 95 % interval.
    pub high: f64,
    /// Share of the variance explained in the last third by a fit of the first two; absent where nothing is explained.
    pub out_of_sample_r2: Option<f64>,
    /// Intervals that it rests on.
    pub count: usize,
}

/// Everything that is estimated; each with a reason where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// Volatility, fraction of the price a day.
    pub sigma_daily: Result<Estimate, Reason>,
    /// Traded a day, base coins.
    pub daily_volume: Result<Estimate, Reason>,
    /// Permanent impact, quote currency per coin, per coin.
    pub gamma: Result<Estimate, Reason>,
    /// Half the spread, as takers paid it, quote currency per coin.
    pub epsilon: Result<Estimate, Reason>,
    /// Temporary impact, quote currency per coin, per coin a second.
    pub eta: Result<Estimate, Reason>,
    /// Strength of the square-root law.
    pub y: Result<Estimate, Reason>,
    /// Resilience of the touch, 1 / s.
    pub resilience: Result<Estimate, Reason>,
}

/// The intervals of one instrument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    step_ns: i64,
    kept: VecDeque<Interval>,
    kind: OneKind,
    next: Option<Nanos>,
    /// The interval under way; none while the book is not believed, or was not at its start.
    now: Option<Interval>,
    touch: Option<(f64, f64)>,
}

impl Calibration {
    /// Intervals of so many nanoseconds; a second is usual.
    pub fn new(step_ns: i64) -> Calibration {
        Calibration {
            step_ns: step_ns.max(1),
            kept: VecDeque::new(),
            kind: OneKind::default(),
            next: None,
            now: None,
            touch: None,
        }
    }

    /// An event of the instrument.
    pub fn on(&mut self, seen: &Seen<'_>) {
        self.advance(seen.at);
        match &seen.stamped.event {
            Event::Trade(trade) if self.kind.counts(seen.at, trade) => {
                let scale = seen.instrument.scale;
                let price = scale.price_f64(trade.price);
                let coins = seen.instrument.base_amount(price, scale.size_f64(trade.size));
                if let (Some(now), Some(coins)) = (&mut self.now, coins) {
                    let sign = if trade.taker_buy { 1.0 } else { -1.0 };
                    now.net += sign * coins;
                    now.volume += coins;
                    now.worse += sign * (price - now.mid.0) * coins;
                }
            }
            Event::Depth(depth) if depth.kind != DepthKind::Partial => {
                self.touch = if seen.validity == Validity::Live { touch(seen) } else { None };
                if self.touch.is_none() {
                    self.now = None;
                }
            }
            _ => {}
        }
    }

    /// A whole interval, from elsewhere.
    pub fn add(&mut self, interval: Interval) {
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(interval);
    }

    /// Closes the intervals that have ended by `at`, and begins the next.
    fn advance(&mut self, at: Nanos) {
        if self.next.is_some_and(|next| at < next) {
            return;
        }
        let start = Nanos(at.0 - at.0.rem_euclid(self.step_ns));
        if let (Some(mut interval), Some((mid, depth)), Some(next)) = (self.now.take(), self.touch, self.next) {
            (interval.mid.1, interval.depth) = (mid, depth);
            self.add(interval);
            // In the intervals that passed in silence nothing was traded and nothing moved.
            for _ in 0..(start.since(next) / self.step_ns).min(KEPT_MAX as i64) {
                self.add(Interval { mid: (mid, mid), depth, ..Interval::default() });
            }
        }
        self.next = Some(start.plus(self.step_ns));
        self.now = self.touch.map(|(mid, _)| Interval { mid: (mid, mid), ..Interval::default() });
    }

    /// Estimates everything.
    pub fn fit(&self) -> Calibrated {
        let seconds = self.step_ns as f64 / NANOS_PER_SECOND as f64;
        let (sigma_daily, daily_volume) = (self.sigma(seconds), self.volume(seconds));
        let slope = |rows: Vec<Row>, intercept| fit(&rows, intercept).map(|fit| estimate(fit.slope, fit));
        let move_of = |it: &Interval| it.mid.1 - it.mid.0;
        let traded = || self.kept.iter().filter(|it| it.volume > 0.0);
        let paid: Vec<Row> = traded().map(|it| Row { x: it.volume / seconds, y: it.worse / it.volume }).collect();
        let y = sigma_daily.and_then(|sigma| {
            let volume = daily_volume?;
            let root = |it: &Interval| it.net.signum() * (it.net.abs() / volume.value).sqrt();
            let rows = self.kept.iter().filter(|it| it.net != 0.0);
            slope(rows.map(|it| Row { x: root(it), y: move_of(it) / it.mid.0 / sigma.value }).collect(), false)
        });
        Calibrated {
            sigma_daily,
            daily_volume,
            gamma: slope(self.kept.iter().map(|it| Row { x: it.net, y: move_of(it) }).collect(), false),
            epsilon: fit(&paid, true).map(|fit| estimate(fit.intercept, fit)),
            eta: fit(&paid, true).map(|fit| estimate(fit.slope, fit)),
            y,
            resilience: self.resilience(seconds),
        }
    }

    /// Realised variance; its own error from the fourth powers (Barndorff-Nielsen and Shephard 2002), in logarithms.
    fn sigma(&self, seconds: f64) -> Result<Estimate, Reason> {
        let count = self.kept.len();
        if count < INTERVALS_MIN {
            return Err(Reason::Warmup);
        }
        let squares = self.kept.iter().map(|it| (it.mid.1 / it.mid.0).ln().powi(2));
        let (sum, fourth) = squares.fold((0.0, 0.0), |(sum, fourth), square| (sum + square, fourth + square * square));
        let value = (sum / count as f64 * DAY_SECONDS / seconds).sqrt();
        let error = (2.0 / 3.0 * fourth).sqrt() / sum / 2.0; // of the logarithm of the root
        let around = (Z * error).exp();
        if !(value > 0.0 && around.is_finite()) {
            return Err(Reason::Undefined);
        }
        Ok(Estimate { value, low: value / around, high: value * around, out_of_sample_r2: None, count })
    }

    /// Mean volume; neighbouring intervals resemble each other, which widens its error (Newey and West 1987).
    fn volume(&self, seconds: f64) -> Result<Estimate, Reason> {
        let count = self.kept.len();
        if count < INTERVALS_MIN {
            return Err(Reason::Warmup);
        }
        let size = count as f64;
        let mean = self.kept.iter().map(|it| it.volume).sum::<f64>() / size;
        let off: Vec<f64> = self.kept.iter().map(|it| it.volume - mean).collect();
        let covariance = |lag: usize| off.iter().zip(off.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>() / size;
        let lags = size.cbrt() as usize;
        let weighted = (1..=lags).map(|lag| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * covariance(lag));
        let variance = covariance(0) + weighted.sum::<f64>();
        let (scale, error) = (DAY_SECONDS / seconds, (variance.max(0.0) / size).sqrt());
        if mean <= 0.0 {
            return Err(Reason::NoData);
        }
        let bound = |by: f64| ((mean + by * error) * scale).max(0.0);
        Ok(Estimate { value: mean * scale, low: bound(-Z), high: bound(Z), out_of_sample_r2: None, count })
    }

    /// What is missing from the usual depth shrinks to e^(-rho step) of it per interval: an autoregression of the depth.
    fn resilience(&self, seconds: f64) -> Result<Estimate, Reason> {
        let depths = self.kept.iter().zip(self.kept.iter().skip(1));
        let rows: Vec<Row> = depths.map(|(before, after)| Row { x: before.depth, y: after.depth }).collect();
        let fit = fit(&rows, true)?;
        let (low, high) = (fit.slope.0 - Z * fit.slope.1, fit.slope.0 + Z * fit.slope.1);
        if !(low > 0.0 && fit.slope.0 < 1.0) {
            return Err(Reason::Undefined); // it recovers within an interval, or not at all
        }
        let rate = |share: f64| (-share.ln() / seconds).max(0.0);
        let out_of_sample_r2 = fit.out_of_sample_r2;
        Ok(Estimate { value: rate(fit.slope.0), low: rate(high), high: rate(low), out_of_sample_r2, count: fit.count })
    }
}

fn estimate((value, error): (f64, f64), fit: Fit) -> Estimate {
    let Fit { out_of_sample_r2, count, .. } = fit;
    Estimate { value, low: value - Z * error, high: value + Z * error, out_of_sample_r2, count }
}

/// Mid, and what stands at the touch of both sides in base coins.
fn touch(seen: &Seen<'_>) -> Option<(f64, f64)> {
    let scale = seen.instrument.scale;
    let best = |side| {
        let level = seen.book.best(side).filter(|level| seen.book.is_known(side, level.price))?;
        let price = scale.price_f64(level.price);
        Some((price, seen.instrument.base_amount(price, scale.size_f64(level.size))?))
    };
    let ((bid, bids), (ask, asks)) = (best(Side::Bid)?, best(Side::Ask)?);
    Some(((bid + ask) / 2.0, bids + asks))
}

#[cfg(test)]
mod tests;
