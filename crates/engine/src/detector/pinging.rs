//! Pinging: tiny orders that probe for hidden interest, as takers on an even beat or as quotes inside the spread.

use super::near::{Near, changes};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Side, Size};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// A trade or quote is tiny up to that share of the mean one.
    pub tiny: f64,
    /// Tiny takers of one size on an even beat, at least.
    pub beats: u32,
    /// A beat may be off by that share of itself.
    pub uneven: f64,
    /// Longest beat, ms.
    pub beat_max_ms: u32,
    /// Tiny quotes inside the spread, each gone within half a second, in ten seconds at least.
    pub quotes: u32,
    /// And times the usual.
    pub quotes_multiple: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params { tiny: 0.05, beats: 30, uneven: 0.4, beat_max_ms: 1_000, quotes: 40, quotes_multiple: 5.0 }
    }
}

/// Sizes that are listened to, at most; the one that has been silent longest is forgotten first.
const SIZES_MAX: usize = 24;
/// Trades of one size that follow each other faster are one order's, ns.
const BEAT_MIN: i64 = 20 * NANOS_PER_MILLI;
/// Beats before their mean is believed, and over which it is averaged.
const MEAN_BEATS: u32 = 4;
/// Trades over which the mean size is averaged, and before which nothing is called tiny.
const TRADES: u32 = 1_000;
const TRADES_WARM: u32 = 50;
/// A quote inside the spread is a probe when it is gone again within that, ns.
const LIFE_NANOS: i64 = 500 * NANOS_PER_MILLI;
/// Probes that stand, at most.
const PROBES_MAX: usize = 8;
/// Length of what quotes are counted in, s; how many of these are averaged.
const WINDOW_S: i64 = 10;
const MEMORY: u32 = 30;

/// Trades of one tiny size.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Beat {
    size: i64,
    last: Nanos,
    since: Nanos,
    /// Mean time between two, ns.
    mean: f64,
    /// Even beats less twice the uneven ones, never below zero.
    even: u32,
}

/// The beats of tiny takers, and the tiny quotes inside the spread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pinging {
    kind: OneKind,
    /// Mean trade, size units, and from how many.
    trade: f64,
    trades: u32,
    beats: Vec<Beat>,
    /// Best prices after the last change: what comes between them is inside the spread.
    touch: (i64, i64),
    /// Mean size at the touch.
    best: f64,
    probes: Vec<(Side, i64, Nanos)>,
    quotes: u32,
    window: i64,
    usual_quotes: f64,
    windows: u32,
}

impl Detector for Pinging {
    type Params = Params;

    const ABOUT: About = About {
        id: "pinging",
        title: "Pinging",
        family: Family::Manipulation,
        sees: "Sees tiny takers of one size on an even beat, and tiny quotes that improve the best price and vanish within half \
               a second, far more of them than usual. Probes that are cancelled without a trace within one message are not \
               seen, nor what they found; a plan that buys a little every second beats as evenly and is told as a note.",
        source: "Regulation (EU) 2016/522, annex II (pinging orders); SEC concept release 34-61358 (2010)",
        needs_book: true,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, _: &mut Found) {
        if let Event::Trade(trade) = &seen.stamped.event {
            if self.kind.counts(seen.at, trade) {
                self.trade(trade.size.0, seen.at, params);
            }
            return;
        }
        if seen.before.is_empty() {
            return;
        }
        let Some(near) = Near::of(seen.book, 0.0) else { return };
        let touch = std::mem::replace(&mut self.touch, (near.bid, near.ask));
        if touch == self.touch && self.probes.is_empty() {
            return; // nothing came between the best prices
        }
        for (side, level, before) in changes(seen) {
            let inside = level.price.0 > touch.0 && level.price.0 < touch.1 && touch.0 > 0;
            if inside && before.0 == 0 && level.size.0 > 0 && (level.size.0 as f64) <= params.tiny * self.best {
                if self.probes.len() >= PROBES_MAX {
                    self.probes.remove(0);
                }
                self.probes.push((side, level.price.0, seen.at));
            } else if level.size.0 == 0
                && let Some(at) = self.probes.iter().position(|p| p.0 == side && p.1 == level.price.0)
            {
                let (_, _, came) = self.probes.swap_remove(at);
                self.quotes += u32::from(seen.at.since(came) <= LIFE_NANOS);
            }
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        if let (Some(bid), Some(ask)) = (look.book.best(Side::Bid), look.book.best(Side::Ask)) {
            self.best += 0.01 * (f64::midpoint(bid.size.0 as f64, ask.size.0 as f64) - self.best);
        }
        self.probes.retain(|(_, _, came)| look.at.since(*came) <= LIFE_NANOS);
        if self.trades < TRADES_WARM {
            found.gauge(Gauge { measure: None, warmup: Some((self.trades, TRADES_WARM)) });
            found.skip(Skip::ZscoreWarmup);
        } else {
            self.takers(look, params, found);
        }
        self.inside(look, params, found);
    }

    fn on_gap(&mut self) {
        self.beats.clear();
        self.probes.clear();
        self.touch = (0, 0);
    }

    fn on_rescale(&mut self, _: Finer) {
        *self = Pinging { kind: self.kind, ..Pinging::default() }; // sizes mean something else now: it learns anew
    }
}

impl Pinging {
    fn trade(&mut self, size: i64, at: Nanos, params: &Params) {
        self.trades = self.trades.saturating_add(1);
        self.trade += (size as f64 - self.trade) / f64::from(self.trades.min(TRADES));
        if size as f64 > params.tiny * self.trade || self.trades < TRADES_WARM {
            return;
        }
        let fresh = Beat { size, last: at, since: at, mean: 0.0, even: 0 };
        let full = self.beats.len() >= SIZES_MAX;
        match self.beats.iter_mut().find(|beat| beat.size == size) {
            Some(beat) if at.since(beat.last) > 2 * i64::from(params.beat_max_ms) * NANOS_PER_MILLI => *beat = fresh,
            Some(beat) if at.since(beat.last) < BEAT_MIN => {}
            Some(beat) => beat.strike(at, params.uneven),
            None if !full => self.beats.push(fresh),
            None => {
                if let Some(oldest) = self.beats.iter_mut().min_by_key(|beat| beat.last) {
                    *oldest = fresh;
                }
            }
        }
    }

    fn takers(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let silent = 2 * i64::from(params.beat_max_ms) * NANOS_PER_MILLI;
        self.beats.retain(|beat| look.at.since(beat.last) <= silent);
        let longest = f64::from(params.beat_max_ms) * NANOS_PER_MILLI as f64;
        let most = self.beats.iter().filter(|beat| beat.mean <= longest).max_by_key(|beat| beat.even);
        let even = most.map_or(0, |beat| beat.even);
        let measure = Measure::new("even_beats", f64::from(even), Some(f64::from(params.beats)));
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        let Some(beat) = most.filter(|beat| beat.even >= params.beats) else { return };
        let size = look.instrument.scale.size_f64(Size(beat.size));
        let share = beat.size as f64 / self.trade;
        found.raise(Finding {
            key: 0,
            severity: Severity::Warning,
            persist_ms: 0,
            holds: false,
            since: beat.since,
            text: format!(
                "takers of exactly {size} ({:.1} % of a mean trade) strike every {:.0} ms, {even} times in a row",
                share * 100.0,
                beat.mean / 1e6,
            ),
            evidence: vec![
                measure,
                Measure::new("beat_ms", beat.mean / 1e6, Some(f64::from(params.beat_max_ms))),
                Measure::new("size_share", share, Some(params.tiny)),
            ],
        });
    }

    fn inside(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let usual = self.usual_quotes;
        let cut = f64::from(params.quotes).max(params.quotes_multiple * usual);
        let quotes = f64::from(self.quotes);
        if self.windows > 2 && quotes >= cut {
            found.raise(Finding {
                key: 1,
                severity: Severity::Warning,
                persist_ms: 0,
                holds: false,
                since: Nanos(self.window * WINDOW_S * NANOS_PER_SECOND),
                text: format!(
                    "{quotes:.0} tiny quotes inside the spread within {WINDOW_S} s (usually {usual:.1}), each gone within \
                     half a second"
                ),
                evidence: vec![Measure::new("tiny_quotes", quotes, Some(cut))],
            });
        }
        let window = look.at.0.div_euclid(WINDOW_S * NANOS_PER_SECOND);
        if std::mem::replace(&mut self.window, window) != window {
            self.windows = self.windows.saturating_add(1);
            let counted = if self.windows > MEMORY { quotes.min(3.0 * usual.max(1.0)) } else { quotes };
            self.usual_quotes += (counted - usual) / f64::from(self.windows.min(MEMORY));
            self.quotes = 0;
        }
    }
}

impl Beat {
    /// The next trade of that size.
    fn strike(&mut self, at: Nanos, uneven: f64) {
        let passed = at.since(self.last) as f64;
        self.last = at;
        if self.even < MEAN_BEATS {
            // Nothing is known yet: a beat that is not there is found out by what follows.
            self.mean = if self.even == 0 { passed } else { self.mean + (passed - self.mean) / 2.0 };
            self.even += 1;
        } else if (passed - self.mean).abs() <= uneven * self.mean {
            self.mean += (passed - self.mean) / f64::from(MEAN_BEATS);
            self.even += 1;
        } else {
            self.even = self.even.saturating_sub(2);
        }
        if self.even <= 1 {
            self.since = at;
        }
    }
}
