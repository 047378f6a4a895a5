//! What a resting order's chance of being filled hangs on, as the stream tells it just before the order is placed.

use crate::metric::Seen;
use crate::units::{Level, Nanos, Side};
use serde::{Deserialize, Serialize};

/// Number of features.
pub const COUNT: usize = 11;
/// What they are, in order.
pub const NAMES: [&str; COUNT] = [
    "one",
    "ln(1 + ahead / usual size at the touch)",
    "imbalance at the touch, own side positive",
    "ln(spread in ticks)",
    "order flow imbalance / usual size at the touch, own side positive",
    "flow of takers, own side positive",
    "ln(1 + bps that mid moves within the horizon)",
    "distance from the best price in ticks, as sign ln(1 + |ticks|)",
    "ln(size / (ahead + size))",
    "sine of the hour",
    "cosine of the hour",
];
/// Where ln(spread in ticks) stands.
pub const SPREAD: usize = 3;
/// Where the volatility stands.
pub const VOLATILITY: usize = 6;

/// Flows are forgotten within so many seconds, volatility within so many.
const FLOW_SECONDS: f64 = 5.0;
const VOLATILITY_SECONDS: f64 = 60.0;
/// Weight of a new touch in the usual size.
const SIZE_WEIGHT: f64 = 0.01;
/// Flow beyond so many usual sizes is as much as that.
const FLOW_MAX: f64 = 5.0;
const DAY_SECONDS: f64 = 86_400.0;

/// Running averages of one instrument.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Features {
    touch: Option<(Level, Level)>,
    at: Nanos,
    /// Usual size at the touch, units.
    usual: f64,
    /// Order flow imbalance and taker flows, units, fading.
    imbalance: f64,
    bought: f64,
    sold: f64,
    /// Squared returns of mid, fading.
    squares: f64,
}

/// An order about to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// Bid for an order that buys.
    pub side: Side,
    /// Behind the best price by so many ticks; below zero it improves on it.
    pub ticks: f64,
    /// What stands ahead of it, units.
    pub ahead: f64,
    /// Its own size, units.
    pub size: f64,
}

impl Features {
    /// A trade of that size.
    pub fn trade(&mut self, at: Nanos, size: f64, taker_buy: bool) {
        self.fade(at);
        *(if taker_buy { &mut self.bought } else { &mut self.sold }) += size;
    }

    /// The touch after a change of the book.
    pub fn touch(&mut self, seen: &Seen<'_>, bid: Level, ask: Level) {
        self.fade(seen.at);
        let size = (bid.size.0 + ask.size.0) as f64 / 2.0;
        self.usual = if self.usual > 0.0 { self.usual + SIZE_WEIGHT * (size - self.usual) } else { size };
        if let Some((bid_before, ask_before)) = self.touch {
            let kept = |is: bool, level: Level| if is { level.size.0 as f64 } else { 0.0 };
            self.imbalance += kept(bid.price >= bid_before.price, bid)
                - kept(bid.price <= bid_before.price, bid_before)
                - kept(ask.price <= ask_before.price, ask)
                + kept(ask.price >= ask_before.price, ask_before);
            let twice = |bid: Level, ask: Level| (bid.price.0 + ask.price.0) as f64;
            let change = twice(bid, ask) / twice(bid_before, ask_before) - 1.0;
            self.squares += change * change;
        }
        self.touch = Some((bid, ask));
    }

    /// The book is no longer believed: what follows is not compared with what was.
    pub fn gap(&mut self) {
        self.touch = None;
    }

    /// Usual size at the touch, units.
    pub fn usual_size(&self) -> f64 {
        self.usual
    }

    /// Best bid and ask.
    pub fn best(&self) -> Option<(Level, Level)> {
        self.touch
    }

    /// The features of a placement; `tick` in price units.
    pub fn of(&self, order: Placement, tick: f64, horizon_seconds: f64) -> Option<[f64; COUNT]> {
        let (bid, ask) = self.touch?;
        let sign = if order.side == Side::Bid { 1.0 } else { -1.0 };
        let (bids, asks) = (bid.size.0 as f64, ask.size.0 as f64);
        let usual = self.usual.max(1.0);
        let flow = self.bought + self.sold;
        let moves_bps = (self.squares / VOLATILITY_SECONDS * horizon_seconds).sqrt() * 1e4;
        let seconds = (self.at.0 / 1_000_000_000) as f64;
        let (sine, cosine) = (seconds % DAY_SECONDS / DAY_SECONDS * std::f64::consts::TAU).sin_cos();
        Some([
            1.0,
            (1.0 + order.ahead / usual).ln(),
            sign * (bids - asks) / (bids + asks),
            ((ask.price.0 - bid.price.0) as f64 / tick).max(1.0).ln(),
            sign * (self.imbalance / usual).clamp(-FLOW_MAX, FLOW_MAX),
            if flow > 0.0 { sign * (self.bought - self.sold) / flow } else { 0.0 },
            (1.0 + moves_bps).ln(),
            order.ticks.signum() * (1.0 + order.ticks.abs()).ln(),
            (order.size / (order.ahead + order.size)).ln(),
            sine,
            cosine,
        ])
    }

    fn fade(&mut self, at: Nanos) {
        let seconds = at.since(self.at).max(0) as f64 / 1e9;
        self.at = self.at.max(at);
        let (flow, volatility) = ((-seconds / FLOW_SECONDS).exp(), (-seconds / VOLATILITY_SECONDS).exp());
        self.imbalance *= flow;
        self.bought *= flow;
        self.sold *= flow;
        self.squares *= volatility;
    }
}
