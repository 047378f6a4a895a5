//! What level sizes near the touch usually are: the rolling median of thirty seconds, read once a second.

use super::band::SIDES;
use crate::book::Book;
use crate::metric::Finer;
use crate::units::{Level, Side};
use crate::zscore::{ZScore, ZScoreParams};
use serde::{Deserialize, Serialize};

/// Levels a side that are looked at.
pub(super) const NEAR: usize = 50;
/// Samples of a second in the medians.
const WINDOW: ZScoreParams = ZScoreParams { enabled: true, window_size: 30, min_samples: 15, reset_on_gap: true };

/// Medians over the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizes {
    /// Size of a level, units.
    pub(super) level: f64,
    /// The side's extreme of whoever keeps this, units: its largest level, its largest run.
    pub(super) extreme: [f64; 2],
}

/// The window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Usual {
    level: Option<ZScore>,
    extremes: [Option<ZScore>; 2],
}

impl Usual {
    /// Once a second: the median level of both sides now, and each side's extreme.
    pub(super) fn push(&mut self, first: &First, extremes: [i64; 2]) {
        let Some(median) = first.median() else { return };
        push(&mut self.level, median as f64);
        for (window, extreme) in self.extremes.iter_mut().zip(extremes) {
            push(window, extreme as f64);
        }
    }

    /// The medians, once there are enough samples.
    pub(super) fn get(&self) -> Option<Sizes> {
        let median = |window: &Option<ZScore>| window.as_ref()?.baseline().ok().map(|of| of.median);
        let [bid, ask] = &self.extremes;
        Some(Sizes { level: median(&self.level)?, extreme: [median(bid)?, median(ask)?] })
    }

    /// Samples there are and are needed.
    pub(super) fn progress(&self) -> (u32, u32) {
        self.level.as_ref().map_or((0, WINDOW.min_samples), ZScore::progress)
    }

    /// The book was lost, or its units changed: begins anew.
    pub(super) fn clear(&mut self) {
        let [bid, ask] = &mut self.extremes;
        [&mut self.level, bid, ask].into_iter().flatten().for_each(ZScore::gap);
    }
}

fn push(window: &mut Option<ZScore>, x: f64) {
    window.get_or_insert_with(|| ZScore::new(WINDOW)).push(x);
}

/// The first levels of both sides that are known, best first.
#[derive(Debug)]
pub(super) struct First {
    levels: [[Level; NEAR]; 2],
    count: [usize; 2],
}

impl First {
    /// Reads them from a book.
    pub(super) fn of(book: &Book) -> Self {
        let mut first = First { levels: [[Level::default(); NEAR]; 2], count: [0; 2] };
        for side in SIDES {
            let (levels, count) = (&mut first.levels[side as usize], &mut first.count[side as usize]);
            let trusted = book.trusted(side);
            book.walk(side, |level| {
                if trusted.is_some_and(|worst| level.price.is_worse(worst, side)) {
                    return false;
                }
                if let Some(slot) = levels.get_mut(*count) {
                    *slot = level;
                    *count += 1;
                }
                *count < NEAR
            });
        }
        first
    }

    /// Of a side.
    pub(super) fn side(&self, side: Side) -> &[Level] {
        self.levels[side as usize].get(..self.count[side as usize]).unwrap_or_default()
    }

    /// The middle size of both sides' levels.
    fn median(&self) -> Option<i64> {
        let mut sizes = [0; 2 * NEAR];
        let all = SIDES.into_iter().flat_map(|side| self.side(side)).map(|level| level.size.0);
        let count = sizes.iter_mut().zip(all).map(|(slot, size)| *slot = size).count();
        let sizes = sizes.get_mut(..count).filter(|sizes| !sizes.is_empty())?;
        Some(*sizes.select_nth_unstable((count - 1) / 2).1)
    }
}

/// Finer units of a price.
pub(super) fn finer_price(price: &mut i64, by: Finer) {
    *price = price.saturating_mul(by.price);
}
