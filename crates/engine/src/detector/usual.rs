//! What level sizes near the touch usually are: rolling medians of thirty seconds, read once a second.

use super::band::SIDES;
use crate::book::Book;
use crate::metric::Finer;
use crate::units::{Level, Side};
use crate::zscore::{ZScore, ZScoreParams};
use serde::{Deserialize, Serialize};

/// Samples of a second in the medians.
const WINDOW: ZScoreParams = ZScoreParams { enabled: true, window_size: 30, min_samples: 15, reset_on_gap: true };

/// Medians over the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizes {
    /// Size of a level, units.
    pub(super) level: f64,
    /// The side's extreme of whoever keeps this, units.
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
    pub(super) fn push<const N: usize>(&mut self, first: &First<N>, extremes: [i64; 2]) {
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

/// The first levels of both sides that are known, at most `N` a side, best first.
#[derive(Debug)]
pub(super) struct First<const N: usize> {
    levels: [[Level; N]; 2],
    count: [usize; 2],
}

impl<const N: usize> First<N> {
    /// Those within so many bps of the side's best.
    pub(super) fn of(book: &Book, bps: f64) -> Self {
        let mut first = First { levels: [[Level::default(); N]; 2], count: [0; 2] };
        for side in SIDES {
            let Some(best) = book.best(side) else { continue };
            let reach = (best.price.0 as f64 * bps / 1e4) as i64;
            let (levels, count) = (&mut first.levels[side as usize], &mut first.count[side as usize]);
            let trusted = book.trusted(side);
            book.walk(side, |level| {
                let unknown = trusted.is_some_and(|worst| level.price.is_worse(worst, side));
                if unknown || (level.price.0 - best.price.0).abs() > reach {
                    return false;
                }
                if let Some(slot) = levels.get_mut(*count) {
                    *slot = level;
                    *count += 1;
                }
                *count < N
            });
        }
        first
    }

    /// Of a side.
    pub(super) fn side(&self, side: Side) -> &[Level] {
        self.levels[side as usize].get(..self.count[side as usize]).unwrap_or_default()
    }

    /// The middle size of the levels of each side, the mean of both.
    fn median(&self) -> Option<i64> {
        let of = |side: Side| {
            let mut sizes = [0; N];
            let levels = self.side(side);
            sizes.iter_mut().zip(levels).for_each(|(slot, level)| *slot = level.size.0);
            let sizes = sizes.get_mut(..levels.len()).filter(|sizes| !sizes.is_empty())?;
            Some(*sizes.select_nth_unstable((levels.len() - 1) / 2).1)
        };
        Some(of(Side::Bid)?.midpoint(of(Side::Ask)?))
    }
}

/// Finer units of a price.
pub(super) fn finer_price(price: &mut i64, by: Finer) {
    *price = price.saturating_mul(by.price);
}
