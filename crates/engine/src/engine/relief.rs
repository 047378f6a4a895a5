//! One column of the heatmap: sizes summed per row of prices around mid, as far as the book is known.

use super::Config;
use crate::book::Book;
use crate::event::LevelSpan;
use crate::instrument::{Instrument, InstrumentId};
use crate::output::{Outbox, Output};
use crate::units::{Level, MAX_UNITS, Nanos, POW10, Price, Scale, Side, Size};
use serde::{Deserialize, Serialize};

/// Rows are kept while mid is within this factor of what it was when their width was chosen: pictures do not jump.
const FAR: i64 = 2;
/// Most rows a side.
const ROWS_MAX: u32 = 1_000;
/// Basis points in a whole.
const BPS_PER_WHOLE: f64 = 10_000.0;

/// How wide the rows of one instrument are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Relief {
    /// Width of a row, price units; 0 before the first choice.
    width: i64,
    /// Mid at the choice, price units.
    mid: i64,
}

impl Relief {
    /// Units became finer: the rows stay where they are.
    pub(super) fn rescale(&mut self, from: Scale, to: Scale) {
        let factor = POW10.get(usize::from(to.price.saturating_sub(from.price))).copied().unwrap_or(1);
        let finer = self.width.checked_mul(factor).zip(self.mid.checked_mul(factor)).filter(|it| it.0 <= MAX_UNITS);
        *self = finer.map_or_else(Relief::default, |(width, mid)| Relief { width, mid });
    }

    /// The width of a row at that mid, price units: chosen at first, and again when mid has moved far or the tick is other.
    fn width(&mut self, mid: i64, tick: i64, bps: f64) -> i64 {
        let near = mid <= self.mid.saturating_mul(FAR) && mid.saturating_mul(FAR) >= self.mid;
        if self.width <= 0 || !near || self.width % tick != 0 {
            *self = Relief { width: choose(mid, tick, bps), mid };
        }
        self.width
    }

    /// Says the column of a book that may be believed; nothing where it has no level.
    pub(super) fn say(
        &mut self,
        at: Nanos,
        id: InstrumentId,
        told: &Instrument,
        book: &Book,
        config: &Config,
        out: &mut Outbox,
    ) {
        let (bid, ask) = (book.best(Side::Bid).map(|l| l.price), book.best(Side::Ask).map(|l| l.price));
        let Some(mid) = middle(bid, ask) else { return };
        let tick = told.tick.and_then(|tick| tick.at(told.scale.price).ok()).filter(|tick| *tick > 0).unwrap_or(1);
        let width = self.width(mid, tick, config.relief_row_bps);
        let rows = i64::from(config.relief_rows.clamp(1, ROWS_MAX));
        // Only rows that are known as a whole.
        let lowest = book.trusted(Side::Bid).map_or(0, |worst| ceil(worst.0, width));
        let highest =
            book.trusted(Side::Ask).map_or(i64::MAX, |worst| (worst.0.saturating_add(1)).div_euclid(width) - 1);
        let first = (mid.div_euclid(width) - rows).max(lowest);
        let last = (mid.div_euclid(width) + rows - 1).min(highest);
        if last < first {
            return;
        }
        let start = out.levels.len();
        out.levels.extend((first..=last).map(|row| Level { price: Price(row * width), size: Size(0) }));
        let sums = out.levels.get_mut(start..).unwrap_or_default();
        let index = |row: i64| usize::try_from(row - first).ok();
        if let Some(bid) = bid {
            let best = bid.0.div_euclid(width);
            let better = Price((last + 1) * width); // bids above the column are no part of it
            let mut before = if best > last { book.total_to(Side::Bid, better).size } else { 0 };
            let mut row = best.min(last);
            book.totals_to(Side::Bid, (first..=row).rev().map(|row| Price(row * width)), |total| {
                add(sums, index(row), total.size - before);
                before = total.size;
                row -= 1;
            });
        }
        if let Some(ask) = ask {
            let best = ask.0.div_euclid(width);
            let mut before = if best < first { book.total_to(Side::Ask, Price(first * width - 1)).size } else { 0 };
            let mut row = best.max(first);
            book.totals_to(Side::Ask, (row..=last).map(|row| Price(row * width + (width - 1))), |total| {
                add(sums, index(row), total.size - before);
                before = total.size;
                row += 1;
            });
        }
        let split = ask.map_or(last + 1, |ask| ask.0.div_euclid(width)).clamp(first, last + 1) - first;
        let (start, end) = (start as u32, out.levels.len() as u32);
        let span = LevelSpan { start, asks: start + split as u32, end };
        out.items.push(Output::Relief { at, instrument: id, width, first, bid, ask, span });
    }
}

/// Beyond what an `i64` holds a sum stands at its end; books of levels below 2^50 do not come near.
fn add(sums: &mut [Level], index: Option<usize>, size: i128) {
    if let Some(row) = index.and_then(|index| sums.get_mut(index)) {
        row.size.0 = i64::try_from(i128::from(row.size.0) + size).unwrap_or(i64::MAX);
    }
}

fn middle(bid: Option<Price>, ask: Option<Price>) -> Option<i64> {
    match (bid, ask) {
        (Some(bid), Some(ask)) => Some((bid.0 + ask.0).div_euclid(2)), // at most 2^51
        (one, other) => one.or(other).map(|price| price.0),
    }
}

fn ceil(units: i64, width: i64) -> i64 {
    units.div_euclid(width) + i64::from(units.rem_euclid(width) != 0)
}

/// The round number (1, 2 or 5 times a power of ten) of ticks that is nearest to so many basis points of mid, by ratio.
fn choose(mid: i64, tick: i64, bps: f64) -> i64 {
    let wanted = mid as f64 * bps / BPS_PER_WHOLE / tick as f64;
    let mut best = (f64::INFINITY, 1i64);
    for power in POW10.iter().take(16) {
        for round in [*power, 2 * power, 5 * power] {
            let ratio = (round as f64 / wanted).max(wanted / round as f64); // NaN never wins
            if ratio < best.0 {
                best = (ratio, round);
            }
        }
    }
    best.1.saturating_mul(tick).min(MAX_UNITS - MAX_UNITS % tick)
}

#[cfg(test)]
mod tests;
