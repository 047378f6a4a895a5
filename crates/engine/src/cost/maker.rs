//! Maker or taker: how likely a resting order is filled within a horizon, learnt from virtual orders on the stream.
//!
//! Every so often an order is imagined at the best price and behind it, on both sides, and followed through its queue
//! (`queue`). What became of it teaches the model (`logistic`), whose predictions are recalibrated (`isotonic`) and scored
//! as they were made, before their outcome (`score`), against the base rate and against a model of the spread alone. How
//! mid moves after a fill, and where none came, prices the choice (`decide`). Other venues' moves are not among the features.

pub mod decide;
pub mod features;
pub mod isotonic;
pub mod logistic;
pub mod queue;
pub mod score;

use crate::event::{DepthKind, Event};
use crate::instrument::Instrument;
use crate::metric::{OneKind, Reason, Seen};
use crate::output::Validity;
use crate::units::{Level, NANOS_PER_SECOND, Nanos, Price, Side};
use decide::{Choice, Mean};
use features::{COUNT, Features, Placement, SPREAD, VOLATILITY};
use isotonic::Isotonic;
use logistic::{Logistic, Rates};
use queue::{LIKELY, Queue};
use score::{Board, Score};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Most virtual orders at a time; no more are placed beyond.
const OPEN_MAX: usize = 512;
/// Size of a virtual order, share of the usual size at the touch.
const SIZE_SHARE: f64 = 0.1;
/// Outcomes before anything is predicted, and between two recalibrations.
const OUTCOMES_MIN: u64 = 200;
const RECALIBRATE_EVERY: u64 = 500;

/// What is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// Within which a fill counts, ns.
    pub horizon_ns: i64,
    /// How long after a fill mid is looked at, ns.
    pub markout_ns: i64,
    /// Virtual orders are placed that often, ns.
    pub every_ns: i64,
    /// How the model learns.
    pub rates: Rates,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            horizon_ns: 10 * NANOS_PER_SECOND,
            markout_ns: 5 * NANOS_PER_SECOND,
            every_ns: NANOS_PER_SECOND,
            rates: Rates::default(),
        }
    }
}

/// A virtual order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    at: Nanos,
    side: Side,
    price: Price,
    queue: Queue,
    features: [f64; COUNT],
    /// Predicted when it was placed: raw, recalibrated, by the spread alone.
    predicted: [f64; 3],
    mid: f64,
    /// When it was filled, by which cancels were ahead.
    filled: [Option<Nanos>; 3],
    /// Mid some time after the likely fill, and at the horizon.
    mid_after: Option<f64>,
    mid_end: Option<f64>,
}

/// What became of a virtual order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// As they were when it was placed.
    pub features: [f64; COUNT],
    /// What was predicted then: by the model, recalibrated, and by the spread alone.
    pub predicted: [f64; 3],
    /// Whether it was filled within the horizon, by which cancels were ahead: all, likely, none.
    pub filled: [bool; 3],
    /// How far mid moved against it, bps: until some time after the fill, or to the horizon without one.
    pub against_bps: f64,
}

/// The state of one instrument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Maker {
    params: Params,
    features: Features,
    kind: OneKind,
    open: VecDeque<Open>,
    next: Option<Nanos>,
    /// Mid as it stands, price units, or why there is none.
    mid: Result<f64, Reason>,
    model: Logistic,
    spread_only: Logistic,
    calibration: Isotonic,
    raw: Board,
    calibrated: Board,
    spread: Board,
    /// By volatility: below and above its mean.
    regimes: [Board; 2],
    volatility: Mean,
    outcomes: u64,
    fills: [u64; 3],
    adverse: Mean,
    drift: Mean,
    #[serde(skip)]
    told: Vec<Outcome>,
}

/// How well it predicts; every prediction was made before its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Outcomes so far.
    pub outcomes: u64,
    /// Share filled, with all, the likely, and no cancels ahead.
    pub fill_rates: [f64; 3],
    /// The recalibrated model.
    pub model: Score,
    /// The model before recalibration.
    pub raw: Score,
    /// The model of the spread alone.
    pub spread_only: Score,
    /// The recalibrated model while mid moves less, and more, than usual.
    pub regimes: [Score; 2],
}

impl Maker {
    /// Knows nothing yet.
    pub fn new(params: Params) -> Maker {
        Maker {
            params,
            features: Features::default(),
            kind: OneKind::default(),
            open: VecDeque::new(),
            next: None,
            mid: Err(Reason::NoData),
            model: Logistic::new(COUNT, params.rates),
            spread_only: Logistic::new(2, params.rates),
            calibration: Isotonic::default(),
            raw: Board::default(),
            calibrated: Board::default(),
            spread: Board::default(),
            regimes: [Board::default(), Board::default()],
            volatility: Mean::default(),
            outcomes: 0,
            fills: [0; 3],
            adverse: Mean::default(),
            drift: Mean::default(),
            told: Vec::new(),
        }
    }

    /// An event of the instrument; what became of virtual orders by then is returned.
    pub fn on(&mut self, seen: &Seen<'_>) -> &[Outcome] {
        self.told.clear();
        self.advance(seen.at);
        match &seen.stamped.event {
            Event::Trade(trade) if self.kind.counts(seen.at, trade) => {
                let size = trade.size.0 as f64;
                self.features.trade(seen.at, size, trade.taker_buy);
                let hit = if trade.taker_buy { Side::Ask } else { Side::Bid };
                for order in self.open.iter_mut().filter(|order| order.side == hit) {
                    match order.price {
                        price if price == trade.price => order.queue.trade(size),
                        price if trade.price.is_worse(price, hit) => order.queue.passed(),
                        _ => {}
                    }
                }
            }
            Event::Depth(depth) if depth.kind == DepthKind::Diff && seen.validity == Validity::Live => {
                let (bids, asks) = (depth.span.bids(), depth.span.asks());
                self.levels(Side::Bid, seen.levels.get(bids).unwrap_or_default());
                self.levels(Side::Ask, seen.levels.get(asks).unwrap_or_default());
                self.book(seen);
            }
            // A book begun anew does not tell what left the queues meanwhile.
            Event::Depth(depth) if depth.kind != DepthKind::Partial => self.gap(),
            _ => {}
        }
        for order in &mut self.open {
            for (when, filled) in order.filled.iter_mut().zip(order.queue.filled()) {
                if filled && when.is_none() {
                    *when = Some(seen.at);
                }
            }
        }
        &self.told
    }

    /// The book is no longer believed: orders that wait have no outcome.
    pub fn gap(&mut self) {
        self.open.clear();
        self.mid = Err(Reason::BookInvalid);
        self.features.gap();
    }

    /// What the choice between resting at the best price and taking hangs on, for an order of that side (bid for one that
    /// buys); `taking_bps` is half the spread and the walk.
    ///
    /// # Errors
    /// Too little was seen yet, or there is no book.
    pub fn choice(
        &self,
        instrument: &Instrument,
        side: Side,
        size: f64,
        taking_bps: f64,
        fees: (f64, f64),
    ) -> Result<Choice, Reason> {
        if self.outcomes < OUTCOMES_MIN {
            return Err(Reason::Warmup);
        }
        let mid = self.mid?;
        let (bid, ask) = self.features.best().ok_or(Reason::BookInvalid)?;
        let best = if side == Side::Bid { bid } else { ask };
        let order = Placement { side, ticks: 0.0, ahead: best.size.0 as f64, size };
        let features = self.features.of(order, tick(instrument), self.horizon_seconds()).ok_or(Reason::BookInvalid)?;
        let (maker_fee_bps, taker_fee_bps) = fees;
        Ok(Choice {
            fill: self.calibration.apply(self.model.predict(&features)),
            better_bps: (ask.price.0 - bid.price.0) as f64 / 2.0 / mid * 1e4,
            taking_bps,
            maker_fee_bps,
            taker_fee_bps,
            adverse: self.adverse,
            drift: self.drift,
        })
    }

    /// How well it predicts.
    pub fn report(&self) -> Report {
        let share = |fills: u64| if self.outcomes > 0 { fills as f64 / self.outcomes as f64 } else { 0.0 };
        Report {
            outcomes: self.outcomes,
            fill_rates: self.fills.map(share),
            model: self.calibrated.score(),
            raw: self.raw.score(),
            spread_only: self.spread.score(),
            regimes: [self.regimes[0].score(), self.regimes[1].score()],
        }
    }

    /// The model's weights, in the order of `features::NAMES`.
    pub fn weights(&self) -> Vec<f64> {
        self.model.weights()
    }

    fn horizon_seconds(&self) -> f64 {
        self.params.horizon_ns as f64 / 1e9
    }

    fn levels(&mut self, side: Side, levels: &[Level]) {
        let prices = self.open.iter().filter(|order| order.side == side).map(|order| order.price);
        let Some((low, high)) = prices.fold(None, |range, price| {
            let (low, high) = range.unwrap_or((price, price));
            Some((price.min(low), price.max(high)))
        }) else {
            return;
        };
        for level in levels.iter().filter(|level| (low..=high).contains(&level.price)) {
            for order in self.open.iter_mut().filter(|order| order.side == side && order.price == level.price) {
                order.queue.level(level.size.0 as f64);
            }
        }
    }

    /// The book has changed: what it passed is filled, and new orders are placed when it is time.
    fn book(&mut self, seen: &Seen<'_>) {
        let best = |side| seen.book.best(side).filter(|level| seen.book.is_known(side, level.price));
        let (Some(bid), Some(ask)) = (best(Side::Bid), best(Side::Ask)) else {
            self.gap();
            let is_empty = [Side::Bid, Side::Ask].into_iter().any(|side| seen.book.best(side).is_none());
            self.mid = Err(if is_empty { Reason::EmptySide } else { Reason::BeyondTrusted });
            return;
        };
        for order in &mut self.open {
            let met = match order.side {
                Side::Bid => ask.price <= order.price,
                Side::Ask => bid.price >= order.price,
            };
            if met {
                order.queue.passed();
            }
        }
        self.features.touch(seen, bid, ask);
        self.mid = Ok((bid.price.0 + ask.price.0) as f64 / 2.0);
        if self.next.is_none_or(|next| seen.at >= next) {
            self.next =
                Some(Nanos(seen.at.0 - seen.at.0.rem_euclid(self.params.every_ns.max(1))).plus(self.params.every_ns));
            for side in [Side::Bid, Side::Ask] {
                let known = seen.book.levels(side).take(2).filter(|level| seen.book.is_known(side, level.price));
                let levels: Vec<Level> = known.collect();
                levels.into_iter().for_each(|level| self.place(seen, side, level));
            }
        }
    }

    fn place(&mut self, seen: &Seen<'_>, side: Side, level: Level) {
        let (Ok(mid), Some((bid, ask))) = (self.mid, self.features.best()) else { return };
        if self.open.len() >= OPEN_MAX {
            return;
        }
        let best = if side == Side::Bid { bid.price } else { ask.price };
        let (tick, ahead) = (tick(seen.instrument), level.size.0 as f64);
        let size = (SIZE_SHARE * self.features.usual_size()).max(1.0);
        let ticks = (level.price.0 - best.0).abs() as f64 / tick;
        let order = Placement { side, ticks, ahead, size };
        let Some(features) = self.features.of(order, tick, self.horizon_seconds()) else { return };
        let raw = self.model.predict(&features);
        let predicted = [raw, self.calibration.apply(raw), self.spread_only.predict(&[1.0, features[SPREAD]])];
        self.open.push_back(Open {
            at: seen.at,
            side,
            price: level.price,
            queue: Queue::join(ahead, size),
            features,
            predicted,
            mid,
            filled: [None; 3],
            mid_after: None,
            mid_end: None,
        });
    }

    /// Mid as it stood until `at` answers what was asked for until then.
    fn advance(&mut self, at: Nanos) {
        let Ok(mid) = self.mid else { return };
        let Params { horizon_ns, markout_ns, .. } = self.params;
        let mut over = Vec::new();
        self.open.retain_mut(|order| {
            let end = order.at.plus(horizon_ns);
            let fill = order.filled[LIKELY].filter(|fill| *fill <= end);
            if at > end && order.mid_end.is_none() {
                order.mid_end = Some(mid);
            }
            if fill.is_some_and(|fill| at > fill.plus(markout_ns)) && order.mid_after.is_none() {
                order.mid_after = Some(mid);
            }
            let later = if fill.is_some() { order.mid_after } else { order.mid_end };
            match (order.mid_end, later) {
                (Some(_), Some(later)) => over.push((order.clone(), later)),
                _ => return true,
            }
            false
        });
        over.into_iter().for_each(|(order, later)| self.learn(&order, later));
    }

    fn learn(&mut self, order: &Open, later: f64) {
        let end = order.at.plus(self.params.horizon_ns);
        let filled = order.filled.map(|fill| fill.is_some_and(|fill| fill <= end));
        let outcome = filled[LIKELY];
        // Who has bought loses as mid falls; who still wants to loses as it rises.
        let away = if order.side == Side::Bid { 1.0 } else { -1.0 } * (later - order.mid) / order.mid * 1e4;
        let against_bps = if outcome { -away } else { away };
        (if outcome { &mut self.adverse } else { &mut self.drift }).add(against_bps);
        let [raw, calibrated, spread] = order.predicted;
        self.outcomes += 1;
        self.fills.iter_mut().zip(filled).for_each(|(count, filled)| *count += u64::from(filled));
        if self.outcomes > OUTCOMES_MIN {
            self.raw.add(raw, outcome);
            self.calibrated.add(calibrated, outcome);
            self.spread.add(spread, outcome);
            let busy = order.features[VOLATILITY] > self.volatility.mean();
            self.regimes[usize::from(busy)].add(calibrated, outcome);
        }
        self.volatility.add(order.features[VOLATILITY]);
        self.model.learn(&order.features, outcome);
        self.spread_only.learn(&[1.0, order.features[SPREAD]], outcome);
        if self.outcomes.is_multiple_of(RECALIBRATE_EVERY) {
            self.calibration = Isotonic::fit(self.raw.seen());
        }
        self.told.push(Outcome { features: order.features, predicted: order.predicted, filled, against_bps });
    }
}

/// The smallest price step, units; one unit where the venue has not told it.
fn tick(instrument: &Instrument) -> f64 {
    instrument.tick.and_then(|tick| tick.at(instrument.scale.price).ok()).filter(|tick| *tick > 0).unwrap_or(1) as f64
}

#[cfg(test)]
mod tests;
