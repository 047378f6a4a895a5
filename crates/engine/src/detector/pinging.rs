//! Pinging: a volley of tiny orders that probe for hidden interest, as takers or as quotes inside the spread.

use super::near::{Near, changes};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Side};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// A trade or quote is tiny up to that share of the mean one.
    pub tiny: f64,
    /// Counted over, s.
    pub window_s: u32,
    /// Tiny takers of one size in it, at least.
    pub takers_min: u32,
    /// Tiny quotes inside the spread that were gone within half a second, at least.
    pub quotes_min: u32,
    /// Either, times the usual.
    pub multiple: f64,
    /// Share of the tiny takers that have the same size.
    pub alike: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params { tiny: 0.1, window_s: 5, takers_min: 30, quotes_min: 12, multiple: 5.0, alike: 0.7 }
    }
}

/// A quote inside the spread is a probe when it is gone again within that, ns.
const LIFE_NANOS: i64 = 500 * NANOS_PER_MILLI;
/// Probes that stand, at most.
const PROBES_MAX: usize = 8;
/// Seconds before anything is called usual, and over which it is averaged.
const WARM: u32 = 30;
const MEMORY: u32 = 300;
/// Counts up to which nothing is unusual however quiet it was.
const USUAL_MIN: f64 = 1.0;

/// What happened within a second.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Second {
    tiny: u32,
    /// Of these, of the size that leads, and that size.
    alike: u32,
    size: i64,
    quotes: u32,
}

/// The last seconds and what is usual in one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pinging {
    kind: OneKind,
    seconds: VecDeque<Second>,
    now: Second,
    second: i64,
    /// Mean trade and mean best level, size units.
    trade: f64,
    best: f64,
    /// Best prices after the last change: what comes between them is inside the spread.
    touch: (i64, i64),
    probes: Vec<(Side, i64, Nanos)>,
    seen: u32,
    usual_tiny: f64,
    usual_quotes: f64,
    since: [Option<Nanos>; 2],
}

impl Detector for Pinging {
    type Params = Params;

    const ABOUT: About = About {
        id: "pinging",
        title: "Pinging",
        family: Family::Manipulation,
        sees: "Sees volleys of tiny takers of one size, and tiny quotes that improve the best price and vanish within half a \
               second, at a multiple of their usual number. Orders that are cancelled without a trace within one message are \
               not seen, nor what the probes found; many small savers buying at once differ only by their sizes.",
        source: "Regulation (EU) 2016/522, annex II (pinging orders); SEC concept release 34-61358 (2010)",
        needs_book: true,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, _: &mut Found) {
        if let Event::Trade(trade) = &seen.stamped.event {
            if self.kind.counts(seen.at, trade) {
                self.trade(trade.size.0, params);
            }
            return;
        }
        if seen.before.is_empty() {
            return;
        }
        let Some(near) = Near::of(seen.book, 0.0) else { return };
        let touch = std::mem::replace(&mut self.touch, (near.bid, near.ask));
        if touch.0 == 0 || (touch.1 - touch.0 <= 1 && self.probes.is_empty() && touch == self.touch) {
            return; // no room inside the spread
        }
        for (side, level, before) in changes(seen) {
            if level.price.0 < touch.0.min(near.bid) || level.price.0 > touch.1.max(near.ask) {
                continue;
            }
            let inside = level.price.0 > touch.0 && level.price.0 < touch.1;
            if inside && before.0 == 0 && level.size.0 > 0 && (level.size.0 as f64) <= params.tiny * self.best {
                if self.probes.len() >= PROBES_MAX {
                    self.probes.remove(0);
                }
                self.probes.push((side, level.price.0, seen.at));
            } else if level.size.0 == 0
                && let Some(at) = self.probes.iter().position(|p| p.0 == side && p.1 == level.price.0)
            {
                let (_, _, came) = self.probes.swap_remove(at);
                self.now.quotes += u32::from(seen.at.since(came) <= LIFE_NANOS);
            }
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let second = look.at.0.div_euclid(NANOS_PER_SECOND);
        if std::mem::replace(&mut self.second, second) == second {
            return;
        }
        let window = params.window_s.clamp(1, 60) as usize;
        if self.seconds.capacity() == 0 {
            self.seconds.reserve_exact(window + 1);
        }
        if self.seconds.len() >= window {
            self.seconds.pop_front();
        }
        let now = std::mem::take(&mut self.now);
        self.seconds.push_back(now);
        self.probes.retain(|(_, _, came)| look.at.since(*came) <= LIFE_NANOS);
        let (usual_tiny, usual_quotes) = (self.usual_tiny, self.usual_quotes);
        self.learn(look, now);
        if self.seen <= WARM {
            found.gauge(Gauge { measure: None, warmup: Some((self.seen, WARM)) });
            return found.skip(Skip::ZscoreWarmup);
        }
        let most = self.seconds.iter().max_by_key(|second| second.alike).map_or(0, |second| second.size);
        let sum = |of: fn(&Second) -> u32| self.seconds.iter().map(of).sum::<u32>();
        let (tiny, quotes) = (sum(|s| s.tiny), sum(|s| s.quotes));
        let alike: u32 = self.seconds.iter().filter(|second| second.size == most).map(|second| second.alike).sum();
        let share = f64::from(alike) / f64::from(tiny.max(1));
        let cut = |min: u32, usual: f64| f64::from(min).max(params.multiple * usual.max(USUAL_MIN) * window as f64);
        let (tiny_cut, quotes_cut) = (cut(params.takers_min, usual_tiny), cut(params.quotes_min, usual_quotes));
        let scale = look.instrument.scale;
        let takers = Measure::new("tiny_takers", f64::from(tiny), Some(tiny_cut));
        found.gauge(Gauge { measure: Some(takers.clone()), warmup: None });
        let size = scale.size_f64(crate::units::Size(most));
        let volley = f64::from(tiny) >= tiny_cut && share >= params.alike;
        let probing = f64::from(quotes) >= quotes_cut;
        let start = look.at.plus(-(window as i64) * NANOS_PER_SECOND);
        for (key, is) in [volley, probing].into_iter().enumerate() {
            self.since[key] = if is { Some(self.since[key].unwrap_or(start)) } else { None };
            let Some(since) = self.since[key] else { continue };
            let text = if key == 0 {
                format!(
                    "{tiny} tiny takers in {window} s (usually {:.1}), {:.0} % of them of exactly {size}",
                    usual_tiny * window as f64,
                    share * 100.0,
                )
            } else {
                format!(
                    "{quotes} tiny quotes inside the spread in {window} s (usually {:.1}), each gone within half a second",
                    usual_quotes * window as f64,
                )
            };
            let evidence = if key == 0 {
                vec![takers.clone(), Measure::new("same_size_share", share, Some(params.alike))]
            } else {
                vec![Measure::new("tiny_quotes", f64::from(quotes), Some(quotes_cut))]
            };
            let severity = Severity::Warning;
            found.raise(Finding { key: key as u64, severity, persist_ms: 1_000, holds: false, since, text, evidence });
        }
    }

    fn on_gap(&mut self) {
        self.probes.clear();
        self.touch = (0, 0);
        self.since = [None; 2];
    }

    fn on_rescale(&mut self, _: Finer) {
        *self = Pinging { kind: self.kind, ..Pinging::default() }; // sizes mean something else now: it learns anew
    }
}

impl Pinging {
    fn trade(&mut self, size: i64, params: &Params) {
        if self.trade > 0.0 && size as f64 <= params.tiny * self.trade {
            self.now.tiny += 1;
            // The size that leads is what is left when unlike sizes cancel each other out (Boyer & Moore).
            if self.now.size == size {
                self.now.alike += 1;
            } else if self.now.alike == 0 {
                (self.now.size, self.now.alike) = (size, 1);
            } else {
                self.now.alike -= 1;
            }
        }
        let part = if self.trade > 0.0 { 1.0 / 1_000.0 } else { 1.0 };
        self.trade += part * (size as f64 - self.trade);
    }

    fn learn(&mut self, look: &Look<'_>, now: Second) {
        self.seen = self.seen.saturating_add(1);
        let part = 1.0 / f64::from(self.seen.min(MEMORY));
        let cap = |usual: f64, count: u32| {
            if self.seen > WARM { f64::from(count).min(3.0 * usual.max(USUAL_MIN)) } else { f64::from(count) }
        };
        let (tiny, quotes) = (cap(self.usual_tiny, now.tiny), cap(self.usual_quotes, now.quotes));
        self.usual_tiny += part * (tiny - self.usual_tiny);
        self.usual_quotes += part * (quotes - self.usual_quotes);
        if let (Some(bid), Some(ask)) = (look.book.best(Side::Bid), look.book.best(Side::Ask)) {
            let best = (bid.size.0 as f64 + ask.size.0 as f64) / 2.0;
            self.best += part * (best - self.best);
        }
    }
}
