//! What every script is given, and how it writes down what it will do.

use super::act::{Act, Due, Tag};
use super::layer::Thin;
use super::typical::Typical;
use super::{Dials, Label};
use crate::sim::Rng;
use fathometer_engine::units::{NANOS_PER_MILLI, Nanos, Side};

/// A script while it is written.
pub(crate) struct Script {
    /// What is usual on the market that it is about.
    pub(crate) usual: Typical,
    /// Draws of this run alone.
    pub(crate) rng: Rng,
    /// Markets of the scene: how many.
    pub(crate) listings: usize,
    /// Seconds from the begin of the script to the next funding.
    pub(crate) funding_seconds: f64,
    dials: Dials,
    acts: Vec<Due>,
    tags: Tag,
}

impl Script {
    /// An empty one.
    pub(crate) fn new(usual: Typical, rng: Rng, listings: usize, funding_seconds: f64, dials: Dials) -> Self {
        Script { usual, rng, listings, funding_seconds, dials, acts: Vec::new(), tags: 0 }
    }

    /// Between what is blatant and what is well hidden, as the disguise says, times the intensity.
    pub(crate) fn dose(&self, blatant: f64, hidden: f64) -> f64 {
        self.hidden(blatant, hidden) * self.dials.intensity
    }

    /// The same without the intensity: shares and times.
    pub(crate) fn hidden(&self, blatant: f64, hidden: f64) -> f64 {
        blatant + (hidden - blatant) * self.dials.disguise
    }

    /// Uniform between two numbers.
    pub(crate) fn draw(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.rng.unit()
    }

    /// Bid or ask, each as likely.
    pub(crate) fn side(&mut self) -> Side {
        if self.rng.chance(0.5) { Side::Bid } else { Side::Ask }
    }

    /// A tag that no other order has.
    pub(crate) fn tag(&mut self) -> Tag {
        self.tags += 1;
        self.tags
    }

    /// An act on the market that the script is about.
    pub(crate) fn at(&mut self, ms: f64, act: Act) {
        self.on(0, ms, act);
    }

    /// An act on another market of the scene.
    pub(crate) fn on(&mut self, listing: usize, ms: f64, act: Act) {
        self.acts.push(Due { ms: ms.round() as i64, listing, act });
    }

    /// A smooth way of all others' prices on a market, in steps of 200 ms, from one distance to another.
    pub(crate) fn drift(&mut self, listing: usize, (from_ms, to_ms): (f64, f64), (from, to): (f64, f64)) {
        let steps = ((to_ms - from_ms) / 200.0).ceil().max(1.0) as usize;
        for step in 1..=steps {
            let share = step as f64 / steps as f64;
            let eased = share * share * (3.0 - 2.0 * share);
            self.on(listing, from_ms + (to_ms - from_ms) * share, Act::Shift(from + (to - from) * eased));
        }
    }

    /// Others leave both sides between two distances.
    pub(crate) fn thin(from_bps: f64, to_bps: f64, keep: f64) -> [Thin; 2] {
        [Side::Bid, Side::Ask].map(|side| Thin { side, from_bps, to_bps, keep })
    }

    /// The acts, and from when to when they last if they begin at `from`.
    pub(crate) fn done(self, kind: super::Kind, from: Nanos) -> (Vec<Due>, Label) {
        let ms = || self.acts.iter().map(|due| due.ms);
        let (first, last) = (ms().min().unwrap_or(0), ms().max().unwrap_or(0));
        let at = |ms: i64| from.plus(ms * NANOS_PER_MILLI);
        let label = Label { kind, start: at(first), end: at(last) };
        (self.acts, label)
    }
}

/// +1 for what raises the price.
pub(crate) fn up(side: Side) -> f64 {
    if side == Side::Bid { 1.0 } else { -1.0 }
}
