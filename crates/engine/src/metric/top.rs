//! The top of both sides, read once per sample for all metrics: the touch, and the first levels that are known.

use super::{Moment, Params, Reason};
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

/// What of the book most metrics need.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Top {
    wanted: usize,
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
        Top { wanted, touch: unseen(), sides: [side(), side()], end: [None; 2] }
    }

    /// Reads the moment's book.
    pub(super) fn fill(&mut self, moment: &Moment<'_>) {
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
