//! What most metrics need, found once for all: the best levels at every event, the bars since the last gap, and per sample
//! the touch and the first levels that are known.

use super::bars::Bars;
use super::quote::Finer;
use super::{Moment, Params, Reason, Seen};
use crate::event::Event;
use crate::output::Validity;
use crate::units::{Level, POW10, Side};
use serde::{Deserialize, Serialize};

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    /// Best bid, units.
    pub bid: Level,
    /// Best ask, units.
    pub ask: Level,
    /// Twice the mid, in price units: exact where the mid itself would be half a unit.
    pub mid_twice: i64,
    /// Mid, quote currency.
    pub mid: f64,
    /// Best ask minus best bid, quote currency.
    pub spread: f64,
}

/// The best levels of a book that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Best bid, units.
    pub bid: Level,
    /// Best ask, units.
    pub ask: Level,
    /// Mid, quote currency.
    pub mid: f64,
}

/// What most metrics need.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Top {
    wanted: usize,
    best: Option<Best>,
    pub(super) bars: Bars,
    #[serde(skip, default = "unseen")]
    touch: Result<Touch, Reason>,
    #[serde(skip)]
    sides: [Vec<Level>; 2],
    /// Why there is no level after the ones in `sides`, where they are fewer than wanted; `None`: the book ends there.
    #[serde(skip)]
    end: [Option<Reason>; 2],
}

fn unseen() -> Result<Touch, Reason> {
    Err(Reason::BookInvalid)
}

impl Top {
    /// Room for as many levels as the metrics ask for.
    pub(super) fn new(params: &Params) -> Self {
        let wanted = params.imbalances().last().copied().unwrap_or(1).max(params.weighted());
        let side = || Vec::with_capacity(wanted);
        let bars = Bars::new(params);
        Top { wanted, best: None, bars, touch: unseen(), sides: [side(), side()], end: [None; 2] }
    }

    /// Takes over an event; the best levels after it and before it.
    #[inline]
    pub(super) fn on(&mut self, seen: &Seen<'_>) -> [Option<Best>; 2] {
        let before = self.best;
        if matches!(seen.stamped.event, Event::Depth(_)) {
            self.best = best(seen);
        }
        self.bars.on(seen, self.best);
        [self.best, before]
    }

    /// The book is no longer believed.
    pub(super) fn on_gap(&mut self) {
        self.best = None;
        self.bars.clear();
    }

    /// The units became finer.
    pub(super) fn on_rescale(&mut self, finer: Finer) {
        if let Some(Best { bid, ask, .. }) = &mut self.best {
            for level in [bid, ask] {
                level.price.0 = level.price.0.saturating_mul(finer.price);
                level.size.0 = level.size.0.saturating_mul(finer.size);
            }
        }
    }

    /// Reads the moment's book.
    pub(super) fn fill(&mut self, moment: &Moment<'_>) {
        self.bars.pass(moment.at);
        self.sides.iter_mut().for_each(Vec::clear);
        if moment.validity != Validity::Live {
            self.end = [Some(Reason::BookInvalid); 2];
            self.touch = unseen();
            return;
        }
        for side in [Side::Bid, Side::Ask] {
            self.end[side as usize] = moment.book.trusted(side).map(|_| Reason::BeyondTrusted);
            let levels = &mut self.sides[side as usize];
            moment.book.first(side, self.wanted, levels);
            if let Some(worst) = moment.book.trusted(side) {
                levels.truncate(levels.partition_point(|level| !level.price.is_worse(worst, side)));
            }
        }
        self.touch = match (self.first(Side::Bid, 1), self.first(Side::Ask, 1)) {
            (Ok([bid, ..]), Ok([ask, ..])) => {
                let unit = POW10[moment.instrument.scale.price as usize] as f64;
                let mid_twice = bid.price.0 + ask.price.0; // at most 2^51
                let mid = mid_twice as f64 / (2.0 * unit);
                let spread = (ask.price.0 - bid.price.0) as f64 / unit;
                Ok(Touch { bid: *bid, ask: *ask, mid_twice, mid, spread })
            }
            (Err(reason), _) | (_, Err(reason)) => Err(reason),
            _ => Err(Reason::EmptySide),
        };
    }

    /// Best bid and ask, or why they are not known.
    pub fn touch(&self) -> Result<Touch, Reason> {
        self.touch
    }

    /// The first `count` levels of a side, best first; all there are where the whole side is known and shorter, but at
    /// least one. Not more than were wanted when it was made.
    pub fn first(&self, side: Side, count: usize) -> Result<&[Level], Reason> {
        let levels = &self.sides[side as usize];
        match (levels.get(..count), self.end[side as usize]) {
            (Some(first), _) => Ok(first),
            (None, Some(reason)) => Err(reason),
            (None, None) if levels.is_empty() => Err(Reason::EmptySide),
            (None, None) => Ok(levels),
        }
    }
}

#[inline]
fn best(seen: &Seen<'_>) -> Option<Best> {
    if seen.validity != Validity::Live {
        return None;
    }
    let of = |side| seen.book.best(side).filter(|level| seen.book.is_known(side, level.price));
    let (bid, ask) = (of(Side::Bid)?, of(Side::Ask)?);
    let unit = POW10.get(usize::from(seen.instrument.scale.price)).copied().unwrap_or(1) as f64;
    Some(Best { bid, ask, mid: (bid.price.0 + ask.price.0) as f64 / (2.0 * unit) })
}
