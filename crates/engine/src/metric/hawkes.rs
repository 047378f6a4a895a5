//! How much trading breeds trading: a self-exciting process with exponential decay, fitted to the last arrivals of taker
//! orders by maximum likelihood (Hawkes 1971; Ozaki 1979; Bacry, Mastromatteo and Muzy 2015).
//!
//! For a given decay the likelihood is concave in the two other parameters and Newton's method finds its top; the decay is
//! searched for on a grid and then between its best neighbours. A fit is bounded work, and made now and then only.

use super::log::{exp_decay, ln};
use super::trades::OneKind;
use super::{Metric, Moment, Params, Reason, Seen, Spec, Top, Value};
use crate::event::Event;
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Arrivals that are fitted.
const ARRIVALS: usize = 400;
/// New arrivals, and time, between two fits.
const FIT_ARRIVALS: usize = 200;
const FIT_NS: i64 = 30 * NANOS_PER_SECOND;
/// Prints of one side this near to each other are one taker's order that met several makers.
const ORDER_NS: i64 = NANOS_PER_MILLI;
/// Decays that are tried, per second: 0.01 to 1000 by half decades.
const DECAYS: usize = 11;
const DECAY_MIN: f64 = 0.01;
const HALF_DECADE: f64 = 3.162_277_660_168_379_5;
/// Halvings of the grid's step around its best decay: the decay is then known to 2 %.
const REFINEMENTS: u32 = 6;
const NEWTON_STEPS: usize = 20;
/// Ways that a parameter is tried at the least: an excitation that is not there.
const SMALL: f64 = 1e-9;

/// Base rate and decay per second, and the branching ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Fit {
    mu: f64,
    branching: f64,
    decay: f64,
}

/// The last arrivals and the last fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hawkes {
    trades: OneKind,
    arrivals: VecDeque<Nanos>,
    last: Option<(Nanos, bool)>,
    new: usize,
    fitted_at: Nanos,
    fit: Option<Fit>,
    /// Room for a fit: the gaps between the arrivals, and the excitation at each.
    #[serde(skip)]
    room: [Vec<f64>; 2],
}

impl Metric for Hawkes {
    fn new(_: &Params) -> Self {
        Hawkes {
            trades: OneKind::default(),
            arrivals: VecDeque::with_capacity(ARRIVALS),
            last: None,
            new: 0,
            fitted_at: Nanos(i64::MIN),
            fit: None,
            room: [Vec::with_capacity(ARRIVALS), Vec::with_capacity(ARRIVALS)],
        }
    }

    fn specs(_: &Params) -> Vec<Spec> {
        let formula = "lambda(t) = mu + sum over t_i < t of n beta e^(-beta (t - t_i)), maximum likelihood over the last 400 taker orders (Hawkes 1971; Ozaki 1979)";
        let spec = |id: &str, unit, help| Spec { id: id.into(), unit, help, formula };
        vec![
            spec("hawkes_base_per_s", "1/s", "Taker orders per second that come by themselves (mu)."),
            spec("hawkes_branching_ratio", "ratio", "Taker orders that each one brings about (n); near 1 the market feeds on itself."),
            spec("hawkes_decay_per_s", "1/s", "How fast an order's influence on others fades (beta)."),
        ]
    }

    fn on(&mut self, seen: &Seen<'_>) {
        let Event::Trade(trade) = &seen.stamped.event else { return };
        if !self.trades.counts(seen.at, trade) {
            return;
        }
        let is_same = |(at, buy): (Nanos, bool)| buy == trade.taker_buy && seen.at.since(at) < ORDER_NS;
        if !self.last.replace((seen.at, trade.taker_buy)).is_some_and(is_same) {
            self.arrive(seen.at);
        }
    }

    fn on_gap(&mut self) {
        self.arrivals.clear();
        (self.last, self.fit, self.new) = (None, None, 0);
    }

    fn sample(&mut self, _: &Moment<'_>, _: &Top, out: &mut Vec<Value>) {
        let missing = if self.trades.has_begun() { Reason::Warmup } else { Reason::NoData };
        let fit = self.fit.ok_or(missing);
        out.extend([fit.map(|fit| fit.mu), fit.map(|fit| fit.branching), fit.map(|fit| fit.decay)].map(Value::from));
    }
}

impl Hawkes {
    fn arrive(&mut self, at: Nanos) {
        if self.arrivals.len() >= ARRIVALS {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(at);
        self.new += 1;
        if self.new >= FIT_ARRIVALS && (self.fit.is_none() || at.since(self.fitted_at) >= FIT_NS) {
            let [gaps, excited] = &mut self.room;
            let times = self.arrivals.iter();
            gaps.clear();
            gaps.extend(times.clone().zip(times.skip(1)).map(|(before, at)| at.since(*before) as f64 / 1e9));
            self.fit = fit(gaps, excited);
            (self.new, self.fitted_at) = (0, at);
        }
    }
}

/// Base rate, excitation n and log likelihood at the top for one decay.
#[derive(Clone, Copy)]
struct Peak {
    fit: Fit,
    likelihood: f64,
}

/// The most likely parameters of the seconds between arrivals; the first arrival begins the time that is looked at.
fn fit(gaps: &[f64], excited: &mut Vec<f64>) -> Option<Fit> {
    let mut decay = DECAY_MIN;
    let mut best: Option<Peak> = None;
    let mut take = |best: &mut Option<Peak>, decay| {
        if let Some(peak) = peak(gaps, decay, excited)
            && best.is_none_or(|best| peak.likelihood > best.likelihood)
        {
            *best = Some(peak);
        }
    };
    for _ in 0..DECAYS {
        take(&mut best, decay);
        decay *= HALF_DECADE;
    }
    let mut step = HALF_DECADE;
    for _ in 0..REFINEMENTS {
        step = step.sqrt();
        let middle = best?.fit.decay;
        take(&mut best, middle * step);
        take(&mut best, middle / step);
    }
    best.map(|best| best.fit)
}

/// The top for one decay: logL = sum of ln(mu + n beta A_i) - mu T - n sum of (1 - e^(-beta (T - t_i))), where the arrivals
/// are those at the end of each gap, one stands before the first, and T is the last one's time.
fn peak(gaps: &[f64], decay: f64, excited: &mut Vec<f64>) -> Option<Peak> {
    let (mut a, mut time) = (0.0, 0.0);
    excited.clear();
    for gap in gaps {
        a = exp_decay(-decay * gap) * (1.0 + a);
        time += gap;
        excited.push(decay * a);
    }
    // What all arrivals, the first and the last among them, had brought about by the end: N - (A at the end).
    let brought = gaps.len() as f64 - a;
    if !(time > 0.0 && brought > 0.0) {
        return None;
    }
    let rate = gaps.len() as f64 / time;
    let likelihood = |mu: f64, n: f64| {
        // One logarithm for eight rates: their product is far from either end of a float's range.
        let logs: f64 = excited.chunks(8).map(|eight| ln(eight.iter().map(|x| mu + n * x).product())).sum();
        logs - mu * time - n * brought
    };
    let (mut mu, mut n) = (rate / 2.0, 0.5);
    let mut value = likelihood(mu, n);
    for _ in 0..NEWTON_STEPS {
        let (mut g, mut h) = ([-time, -brought], [0.0; 3]);
        for x in excited.iter() {
            let inverse = 1.0 / (mu + n * x);
            let slope = x * inverse;
            g = [g[0] + inverse, g[1] + slope];
            h = [h[0] + inverse * inverse, h[1] + inverse * slope, h[2] + slope * slope];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant <= 0.0 || !determinant.is_finite() {
            break;
        }
        let (dm, dn) = ((g[0] * h[2] - g[1] * h[1]) / determinant, (g[1] * h[0] - g[0] * h[1]) / determinant);
        let (mut part, mut better) = (1.0, None);
        for _ in 0..8 {
            let (m, k) = ((mu + part * dm).max(rate * SMALL), (n + part * dn).max(SMALL));
            let there = likelihood(m, k);
            if there > value {
                better = Some((m, k, there));
                break;
            }
            part /= 2.0;
        }
        let Some((m, k, there)) = better else { break };
        let gained = there - value;
        (mu, n, value) = (m, k, there);
        if gained < 1e-9 {
            break;
        }
    }
    value.is_finite().then_some(Peak { fit: Fit { mu, branching: n, decay }, likelihood: value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Contract;
    use crate::metric::tests::Stage;

    /// Gaps of a process with known parameters, by thinning (Ogata 1981).
    fn simulated(mu: f64, n: f64, decay: f64, count: usize) -> Vec<f64> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        let (mut gaps, mut excited, mut waited) = (Vec::new(), 0.0, 0.0);
        while gaps.len() < count {
            let bound = mu + excited;
            let step = -uniform().ln() / bound;
            excited *= (-decay * step).exp();
            waited += step;
            if uniform() * bound <= mu + excited {
                gaps.push(std::mem::take(&mut waited));
                excited += n * decay;
            }
        }
        gaps
    }

    #[test]
    fn finds_the_parameters_that_made_the_arrivals() {
        for (mu, n, decay) in [(1.0, 0.7, 5.0), (4.0, 0.3, 40.0)] {
            let fit = fit(&simulated(mu, n, decay, 20_000), &mut Vec::new()).unwrap();
            assert!((fit.mu / mu - 1.0).abs() < 0.05, "{fit:?}");
            assert!((fit.branching / n - 1.0).abs() < 0.05, "{fit:?}");
            assert!((fit.decay / decay - 1.0).abs() < 0.15, "{fit:?}");
        }
        let poisson = fit(&simulated(2.0, 0.0, 1.0, 20_000), &mut Vec::new()).unwrap();
        assert!(poisson.branching < 0.05, "{poisson:?}");
    }

    #[test]
    fn the_top_is_flat_in_base_rate_and_excitation() {
        let gaps = simulated(1.0, 0.6, 3.0, 400);
        let mut excited = Vec::new();
        let top = peak(&gaps, 3.0, &mut excited).unwrap();
        let (Fit { mu, branching, .. }, time) = (top.fit, gaps.iter().sum::<f64>());
        let (d_mu, d_n) = excited.iter().fold((-time, 0.0), |(m, n), x| {
            (m + 1.0 / (mu + branching * x), n + x / (mu + branching * x))
        });
        let brought = gaps.len() as f64 - excited.last().unwrap() / 3.0;
        assert!(d_mu.abs() < 1e-3 && (d_n - brought).abs() < 1e-3, "{d_mu} {}", d_n - brought);
    }

    #[test]
    fn prints_of_one_order_are_one_arrival() {
        let mut stage = Stage::new(Contract::Base);
        assert_eq!(stage.reason("hawkes_base_per_s"), Some(Reason::NoData));
        for i in 0..200 {
            stage.trade(i * 100, 100_00, 1, true);
            assert_eq!(stage.reason("hawkes_base_per_s"), Some(Reason::Warmup).filter(|_| i < 199));
            stage.trade(i * 100, 100_01, 1, true);
        }
        let (mu, n) = (stage.value("hawkes_base_per_s"), stage.value("hawkes_branching_ratio"));
        assert!((mu - 10.0).abs() < 0.2 && n < 0.05, "{mu} {n}"); // ten a second, each by itself
        stage.gap();
        assert_eq!(stage.reason("hawkes_decay_per_s"), Some(Reason::Warmup));
    }
}
