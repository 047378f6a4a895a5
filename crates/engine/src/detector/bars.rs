//! One-second bars of what takers traded and where mid stood, and what is usual: shared by the detectors of abnormal moves.

use super::{Gauge, Look};
use crate::event::Event;
use crate::metric::{OneKind, Seen};
use crate::units::NANOS_PER_SECOND;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Bars before anything is called usual.
const WARM: u32 = 30;
/// Bars over which the usual is averaged once there are so many.
const MEMORY: u32 = 300;
/// Least deviation of a second's return: in a market that stands still every tick would be an event.
const SIGMA_MIN_BPS: f64 = 0.2;
/// What is taken into the usual at most, so that an event does not make itself usual: times the usual volume, and
/// standard deviations.
const VOLUME_CAP: f64 = 5.0;
const SIGMA_CAP: f64 = 4.0;

/// One second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Bar {
    /// Takers bought and sold, quote currency.
    buy: f32,
    sell: f32,
    /// At its end, quote currency.
    mid: f64,
}

/// What takers traded in a while, quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flow {
    pub(super) buy: f64,
    pub(super) sell: f64,
}

impl Flow {
    pub(super) fn total(self) -> f64 {
        self.buy + self.sell
    }

    /// Bought minus sold over both, -1 to 1; 0 without trades.
    pub(super) fn lean(self) -> f64 {
        if self.total() > 0.0 { (self.buy - self.sell) / self.total() } else { 0.0 }
    }
}

/// The last bars and the usual.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Bars {
    kind: OneKind,
    bars: VecDeque<Bar>,
    open: Bar,
    second: i64,
    seen: u32,
    volume: f64,
    variance: f64,
}

impl Bars {
    /// A trade is added; its worth in quote currency.
    pub(super) fn on(&mut self, seen: &Seen<'_>) -> Option<f64> {
        let Event::Trade(trade) = &seen.stamped.event else { return None };
        if !self.kind.counts(seen.at, trade) {
            return None;
        }
        let scale = seen.instrument.scale;
        let quote = seen.instrument.quote_amount(scale.price_f64(trade.price), scale.size_f64(trade.size))?;
        let side = if trade.taker_buy { &mut self.open.buy } else { &mut self.open.sell };
        *side += quote as f32;
        Some(quote)
    }

    /// The grid: closes the bar when its second is over, keeping so many; the mid then.
    pub(super) fn tick(&mut self, look: &Look<'_>, keep: usize) -> Option<f64> {
        let second = look.at.0.div_euclid(NANOS_PER_SECOND);
        if second == self.second {
            return None;
        }
        let (bid, ask) = look.touch()?;
        let mid = round(f64::midpoint(bid, ask));
        self.second = second;
        let bar = Bar { mid, ..std::mem::take(&mut self.open) };
        if let Some(last) = self.bars.back() {
            self.learn(f64::from(bar.buy) + f64::from(bar.sell), (mid / last.mid).ln() * 1e4);
        }
        if self.bars.capacity() == 0 {
            self.bars.reserve_exact(keep + 1);
        }
        if self.bars.len() > keep {
            self.bars.pop_front();
        }
        self.bars.push_back(bar);
        Some(mid)
    }

    fn learn(&mut self, volume: f64, change_bps: f64) {
        self.seen = self.seen.saturating_add(1);
        let part = 1.0 / f64::from(self.seen.min(MEMORY));
        let (mut square, mut traded) = (change_bps * change_bps, volume);
        if self.is_warm() {
            square = square.min(SIGMA_CAP * SIGMA_CAP * self.variance.max(SIGMA_MIN_BPS * SIGMA_MIN_BPS));
            traded = traded.min(VOLUME_CAP * self.volume.max(1.0));
        }
        self.variance += part * (square - self.variance);
        self.volume += part * (traded - self.volume);
    }

    /// Whether enough was seen to say what is usual.
    pub(super) fn is_warm(&self) -> bool {
        self.seen >= WARM
    }

    /// Bars so far.
    pub(super) fn seen(&self) -> u32 {
        self.seen
    }

    /// How far it is from that, for the board.
    pub(super) fn warmup(&self) -> Gauge {
        Gauge { measure: None, warmup: Some((self.seen.min(WARM), WARM)) }
    }

    /// Usual deviation of mid over so many seconds, bps.
    pub(super) fn sigma_bps(&self, seconds: usize) -> f64 {
        self.variance.sqrt().max(SIGMA_MIN_BPS) * (seconds.max(1) as f64).sqrt()
    }

    /// Usually traded in so many seconds, quote currency.
    pub(super) fn usual(&self, seconds: usize) -> f64 {
        self.volume * seconds as f64
    }

    /// Traded in so many seconds over what is usual.
    pub(super) fn multiple(&self, flow: Flow, seconds: usize) -> f64 {
        let usual = self.usual(seconds);
        if usual > 0.0 { flow.total() / usual } else { 0.0 }
    }

    /// Traded in the last so many closed bars.
    pub(super) fn flow(&self, seconds: usize) -> Flow {
        self.bars.iter().rev().take(seconds).fold(Flow::default(), |flow, bar| Flow {
            buy: flow.buy + f64::from(bar.buy),
            sell: flow.sell + f64::from(bar.sell),
        })
    }

    /// Mid so many closed bars ago; 0 is the last.
    pub(super) fn mid_ago(&self, seconds: usize) -> Option<f64> {
        self.bars.len().checked_sub(seconds + 1).and_then(|at| self.bars.get(at)).map(|bar| bar.mid)
    }

    /// Change of mid over the last so many closed bars, bps.
    pub(super) fn change_bps(&self, seconds: usize) -> Option<f64> {
        Some(bps(self.mid_ago(0)?, self.mid_ago(seconds)?))
    }

    /// What was between two mids is not known: bars begin anew, the usual stays.
    pub(super) fn gap(&mut self) {
        self.bars.clear();
        self.open = Bar::default();
    }
}

/// How far `a` is above `b`, bps (logarithmic); 0 where that has no meaning.
pub(super) fn bps(a: f64, b: f64) -> f64 {
    let distance = (a / b).ln() * 1e4;
    if distance.is_finite() { distance } else { 0.0 }
}

/// A mid as people read it: without the noise that halving leaves behind.
pub(super) fn round(price: f64) -> f64 {
    (price * 1e8).round() / 1e8
}

/// The word for a taker's or a price's direction.
pub(super) fn way(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// An amount of quote currency for people: `12.3k`, `4.5M`.
pub(super) fn money(quote: f64) -> String {
    match quote.abs() {
        x if x >= 1e9 => format!("{:.1}B", quote / 1e9),
        x if x >= 1e6 => format!("{:.1}M", quote / 1e6),
        x if x >= 1e3 => format!("{:.1}k", quote / 1e3),
        _ => format!("{quote:.0}"),
    }
}
