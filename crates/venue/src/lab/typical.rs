//! What is usual in a market just before a script begins: scripts are sized by it.

use super::layer::Layer;
use crate::market::What;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos, Side};
use std::collections::VecDeque;

/// How far back is looked, seconds.
const SECONDS: usize = 30;
/// Levels within that distance of mid count as near, basis points.
const NEAR_BPS: f64 = 15.0;
/// Most levels of a side that are looked at each second.
const LEVELS: usize = 1_500;

/// What is usual; sizes in units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typical {
    /// Median size of a level near mid.
    pub(crate) level: f64,
    /// The largest one near mid, median over the seconds.
    pub(crate) large: f64,
    /// Size within 10 basis points, mean of the sides.
    pub(crate) depth: f64,
    /// Mean size of a trade.
    pub(crate) trade: f64,
    /// Size traded per second.
    pub(crate) volume: f64,
    /// Trades per second.
    pub(crate) trades: f64,
    /// Standard deviation of mid from second to second, basis points.
    pub(crate) move_bps: f64,
    /// Median spread, basis points.
    pub(crate) spread_bps: f64,
    /// One tick, basis points.
    pub(crate) tick_bps: f64,
    /// Changes of levels per second.
    pub(crate) changes: f64,
}

/// One second of a market.
#[derive(Debug, Default)]
struct Second {
    levels: Vec<i64>,
    depth: f64,
    mid: f64,
    spread: f64,
    trades: Vec<i64>,
    changes: u64,
}

/// Takes note of what happens.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    seconds: VecDeque<Second>,
    now: Second,
    next: Option<Nanos>,
}

impl Notes {
    /// Something was told.
    pub(crate) fn on(&mut self, what: &What) {
        match what {
            What::Trade { size, .. } => self.now.trades.push(size.0),
            What::Level(..) => self.now.changes += 1,
            _ => {}
        }
    }

    /// Time has passed.
    pub(crate) fn pass(&mut self, now: Nanos, layer: &Layer) {
        let next = *self.next.get_or_insert(now.plus(NANOS_PER_SECOND));
        let (Some(mid), true) = (layer.mid(), now >= next) else { return };
        self.next = Some(now.plus(NANOS_PER_SECOND));
        let mut second = std::mem::take(&mut self.now);
        second.mid = mid;
        for side in [Side::Bid, Side::Ask] {
            for level in layer.shown.top(side, LEVELS) {
                let away = (level.price.0 as f64 / mid - 1.0).abs() * 1e4;
                if away < 10.0 {
                    second.depth += level.size.0 as f64 / 2.0;
                }
                if away < NEAR_BPS {
                    second.levels.push(level.size.0);
                }
            }
        }
        let best = |side| layer.best(side).unwrap_or_default() as f64;
        second.spread = (best(Side::Ask) - best(Side::Bid)) / mid * 1e4;
        self.seconds.push_back(second);
        if self.seconds.len() > SECONDS {
            self.seconds.pop_front();
        }
    }

    /// What is usual.
    pub(crate) fn typical(&self, layer: &Layer) -> Typical {
        let all = || self.seconds.iter();
        let count = self.seconds.len().max(1) as f64;
        let mut levels: Vec<i64> = all().flat_map(|s| s.levels.iter().copied()).collect();
        levels.sort_unstable();
        let rank = |share: f64| levels.get((levels.len() as f64 * share) as usize).map_or(1.0, |s| *s as f64);
        let mut largest: Vec<i64> = all().filter_map(|s| s.levels.iter().copied().max()).collect();
        largest.sort_unstable();
        let large = largest.get(largest.len() / 2).map_or(1.0, |size| *size as f64);
        let mut spreads: Vec<f64> = all().map(|s| s.spread).collect();
        spreads.sort_by(f64::total_cmp);
        let trades = all().map(|s| s.trades.len()).sum::<usize>() as f64;
        let volume = all().flat_map(|s| &s.trades).sum::<i64>() as f64;
        let mids: Vec<f64> = all().map(|s| s.mid).collect();
        let moves = mids.windows(2).map(|w| if let [a, b] = w { ((b / a - 1.0) * 1e4).powi(2) } else { 0.0 });
        let lot = layer.lot as f64;
        Typical {
            level: rank(0.5).max(lot),
            large: large.max(lot),
            depth: (all().map(|s| s.depth).sum::<f64>() / count).max(lot),
            trade: (volume / trades.max(1.0)).max(lot),
            volume: volume / count,
            trades: trades / count,
            move_bps: (moves.sum::<f64>() / (count - 1.0).max(1.0)).sqrt().max(0.05),
            spread_bps: spreads.get(spreads.len() / 2).copied().unwrap_or(0.0),
            tick_bps: layer.tick as f64 / layer.mid().unwrap_or(1e9) * 1e4,
            changes: all().map(|s| s.changes).sum::<u64>() as f64 / count,
        }
    }
}
