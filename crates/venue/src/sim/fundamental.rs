//! What each underlying is worth: random walks with changing volatility, tied together by a factor of the whole market.

use super::regime::Climate;
use super::rng::{Rng, exp};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};

/// Time in which volatility forgets, in seconds, and the spread of its logarithm.
const VOLATILITY_MEMORY: f64 = 45.0;
const VOLATILITY_SPREAD: f64 = 0.35;
/// How far a price may wander from where it began, as a logarithm: a factor of 4, so that ticks keep their meaning.
const FURTHEST: f64 = 1.386;

/// A random walk of a logarithm with volatility of its own.
struct Walk {
    value: f64,
    log_volatility: f64,
    at: Nanos,
    rng: Rng,
}

impl Walk {
    fn new(at: Nanos, rng: Rng) -> Self {
        Walk { value: 0.0, log_volatility: 0.0, at, rng }
    }

    /// Moves on to `now` with the climate's volatility times `share`; exact in law however often it is asked.
    fn advance(&mut self, now: Nanos, climate: &Climate, share: f64) {
        let seconds = now.since(self.at) as f64 / NANOS_PER_SECOND as f64;
        if seconds <= 0.0 {
            return;
        }
        self.at = now;
        let forget = (seconds / VOLATILITY_MEMORY).min(1.0);
        self.log_volatility +=
            VOLATILITY_SPREAD * (2.0 * forget).sqrt() * self.rng.normal() - forget * self.log_volatility;
        let volatility = 1e-4 * climate.volatility_bps * share * exp(self.log_volatility);
        self.value += volatility * seconds.sqrt() * self.rng.normal();
        if climate.jumps_per_second > 0.0 && self.rng.chance(climate.jumps_per_second * seconds) {
            self.value += 1e-4 * climate.jump_bps * share * self.rng.normal();
        }
    }
}

struct Underlying {
    name: String,
    start: f64,
    /// Weight of the market's factor in its moves, and of its own walk.
    beta: f64,
    own_share: f64,
    own: Walk,
    /// What trading has moved the price by, as a logarithm.
    pushed: f64,
}

/// The fundamental prices of all underlyings.
pub(crate) struct Fundamentals {
    factor: Walk,
    all: Vec<Underlying>,
    seed: u64,
    start: Nanos,
}

/// Stream numbers of the random walks begin here, clear of the listings' own.
const STREAMS: u64 = 1 << 32;

impl Fundamentals {
    pub(crate) fn new(seed: u64, start: Nanos) -> Self {
        Fundamentals { factor: Walk::new(start, Rng::new(seed, STREAMS)), all: Vec::new(), seed, start }
    }

    /// Index of the underlying of that name, which begins at `price` if it is new.
    pub(crate) fn find(&mut self, name: &str, price: f64) -> usize {
        if let Some(known) = self.all.iter().position(|u| u.name == name) {
            return known;
        }
        let index = self.all.len();
        let mut rng = Rng::new(self.seed, STREAMS + 1 + index as u64);
        // The first underlying leads the market; the others follow it and have more moves of their own.
        let (beta, own_share) = if index == 0 { (0.95, 0.3) } else { (0.9 + 0.4 * rng.unit(), 0.6) };
        let own = Walk::new(self.start, rng);
        self.all.push(Underlying { name: name.to_owned(), start: price, beta, own_share, own, pushed: 0.0 });
        index
    }

    /// Fundamental price at `now`, in quote currency.
    pub(crate) fn at(&mut self, index: usize, now: Nanos, climate: &Climate) -> f64 {
        self.factor.advance(now, climate, 1.0);
        let u = &mut self.all[index];
        u.own.advance(now, climate, u.own_share);
        let log = u.beta * self.factor.value + u.own.value + u.pushed;
        // Beyond the furthest, the walk is folded back by an equal push.
        let kept = log.clamp(-FURTHEST, FURTHEST);
        u.pushed += 2.0 * (kept - log);
        u.start * exp(kept)
    }

    /// Trading moved the price by that many basis points for good.
    pub(crate) fn push(&mut self, index: usize, bps: f64) {
        self.all[index].pushed += 1e-4 * bps;
    }
}
