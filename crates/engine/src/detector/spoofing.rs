//! Spoofing: large orders near the touch that are cancelled before they trade, again and again, while the other side trades.

use super::near::{Near, changes};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::{Event, Trade};
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Side};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// An order is large at that many times what a large level near the touch usually holds.
    pub size_multiple: f64,
    /// And near within that distance from the touch, bps.
    pub near_bps: f64,
    /// It stands at least that long, ms: others have to see it.
    pub life_min_ms: u32,
    /// And is gone within that, ms.
    pub life_max_ms: u32,
    /// Share of it that is cancelled, not filled.
    pub cancelled: f64,
    /// Such orders are counted together for that long, s.
    pub window_s: u32,
    /// Orders on one side, beyond those on the other, that make a warning; twice as many are critical.
    pub repeated: u32,
    /// Their mean score, 0 to 1.
    pub score: f64,
    /// Trading on the other side while one stood, times the usual, that counts in full.
    pub benefit: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            size_multiple: 4.0,
            near_bps: 5.0,
            life_min_ms: 500,
            life_max_ms: 10_000,
            cancelled: 0.85,
            window_s: 25,
            repeated: 2,
            score: 0.4,
            benefit: 1.5,
        }
    }
}

/// Large orders that stand, at most; the oldest is forgotten first.
const ORDERS_MAX: usize = 16;
/// Cancelled ones that are counted together, at most.
const CASES_MAX: usize = 16;
/// Levels a side that are looked at, and the rank from which a level is large, percent.
const LEVELS: usize = 60;
const LARGE_RANK: usize = 95;
/// Seconds over which that mean and the usual trading are averaged, and before which nothing is judged.
const MEMORY: u32 = 60;
const WARM: u32 = 15;
/// Cases that are counted together are of about the last one's size.
const ALIKE_SHARE: f64 = 0.4;
/// Trading on the other side below which nobody can have gained, times the usual.
const BENEFIT_MIN: f64 = 0.25;
/// How long fills may be told after the change of the book that they made, ns.
const GRACE_NANOS: i64 = 300 * NANOS_PER_MILLI;
/// An order of about the same size that comes while another goes is the same one at another price.
const SAME_SHARE: f64 = 0.2;

/// A large order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Order {
    side: Side,
    price: i64,
    size: i64,
    came: Nanos,
    /// From the touch when it came, price units.
    distance: i64,
    /// Times the mean level.
    multiple: f64,
    traded: i64,
    /// What takers had taken from the other side when it came.
    against: f64,
    gone: Option<Gone>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Gone {
    at: Nanos,
    size: i64,
    distance: i64,
}

/// An order that scored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Case {
    side: Side,
    at: Nanos,
    came: Nanos,
    price: i64,
    size: i64,
    multiple: f64,
    life_ms: i64,
    benefit: f64,
    score: f64,
}

/// Large orders that stand, and those that were cancelled lately.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spoofing {
    kind: OneKind,
    orders: Vec<Order>,
    cases: VecDeque<Case>,
    /// Best bid and ask after the last change.
    touch: (i64, i64),
    /// What a large level near the touch holds, size units.
    large: f64,
    /// What takers took so far from bids and from asks, size units, and usually in a second.
    taken: [f64; 2],
    before: [f64; 2],
    usual: [f64; 2],
    second: i64,
    seen: u32,
}

impl Detector for Spoofing {
    type Params = Params;

    const ABOUT: About = About {
        id: "spoofing",
        title: "Spoofing",
        family: Family::Manipulation,
        sees: "Scores large additions to a level behind the touch by what courts and regulators went by: size against the \
               typical level, distance from the touch, life, cancelled rather than filled, cancelled as the price came near, \
               trades on the other side meanwhile, repetition. Level data names nobody: the large order and those trades may \
               be two parties, several orders at one price look like one, and intent is beyond any data.",
        source: "US v. Coscia, 866 F.3d 782 (7th Cir. 2017); CFTC v. Sarao (2015); CFTC guidance 78 FR 31890; (EU) 2016/522",
        needs_book: true,
        pace: Pace { clear_ms: 20_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, _: &mut Found) {
        if let Event::Trade(trade) = &seen.stamped.event {
            if self.kind.counts(seen.at, trade) {
                self.trade(trade);
            }
            return;
        }
        if seen.before.is_empty() {
            return;
        }
        let Some(near) = Near::of(seen.book, params.near_bps) else { return };
        let touch = std::mem::replace(&mut self.touch, (near.bid, near.ask));
        if self.seen < WARM || touch.0 == 0 {
            return;
        }
        let large = (self.large * params.size_multiple).max(1.0) as i64;
        for (side, level, before) in changes(seen) {
            let change = level.size.0 - before.0;
            if change.abs() < large / 2 || !near.holds(level.price) {
                continue; // nearly all
            }
            let best = if side == Side::Bid { touch.0 } else { touch.1 };
            let distance = if side == Side::Bid { best - level.price.0 } else { level.price.0 - best };
            if change >= large && distance > 0 {
                self.came(side, level.price.0, change, distance, seen.at);
            } else if change < 0 {
                let open = |order: &&mut Order| {
                    order.gone.is_none() && order.side == side && order.price == level.price.0 && -change >= order.size / 2
                };
                if let Some(order) = self.orders.iter_mut().find(open) {
                    order.gone = Some(Gone { at: seen.at, size: -change, distance });
                }
            }
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        // Once, so that nothing is allocated later.
        self.orders.reserve_exact(ORDERS_MAX - self.orders.len().min(ORDERS_MAX));
        self.turn(look, params);
        if self.seen < WARM {
            found.gauge(Gauge { measure: None, warmup: Some((self.seen, WARM)) });
            return found.skip(Skip::ZscoreWarmup);
        }
        let judged = self.judge(look, params);
        let repeated = self.excess(Side::Bid).max(self.excess(Side::Ask)) as f64;
        let measure = Measure::new("cancelled_large_orders", repeated, Some(f64::from(params.repeated)));
        found.gauge(Gauge { measure: Some(measure), warmup: None });
        if let Some(side) = judged {
            self.tell(side, look, params, found);
        }
    }

    fn on_gap(&mut self) {
        self.orders.clear();
        self.touch = (0, 0);
    }

    fn on_rescale(&mut self, _: Finer) {
        *self = Spoofing { kind: self.kind, ..Spoofing::default() }; // sizes mean something else now: it learns anew
    }
}

impl Spoofing {
    fn trade(&mut self, trade: &Trade) {
        let side = if trade.taker_buy { Side::Ask } else { Side::Bid };
        self.taken[side as usize] += trade.size.0 as f64;
        for order in self.orders.iter_mut().filter(|o| o.side == side && o.price == trade.price.0) {
            order.traded = order.traded.saturating_add(trade.size.0);
        }
    }

    fn came(&mut self, side: Side, price: i64, size: i64, distance: i64, at: Nanos) {
        if self.orders.len() >= ORDERS_MAX {
            self.orders.remove(0);
        }
        let (multiple, against) = (size as f64 / self.large.max(1.0), self.taken[1 - side as usize]);
        let order = Order { side, price, size, came: at, distance, multiple, traded: 0, against, gone: None };
        self.orders.push(order);
    }

    /// Once a second: what a level near the touch holds, and what is taken.
    fn turn(&mut self, look: &Look<'_>, params: &Params) {
        let second = look.at.0.div_euclid(NANOS_PER_SECOND);
        if std::mem::replace(&mut self.second, second) == second {
            return;
        }
        let Some(near) = Near::of(look.book, params.near_bps) else { return };
        let (mut sizes, mut count) = ([0i64; 2 * LEVELS], 0);
        for side in [Side::Bid, Side::Ask] {
            let end = count + LEVELS;
            look.book.walk(side, |level| {
                let counts = near.holds(level.price) && count < end;
                if let (true, Some(slot)) = (counts, sizes.get_mut(count)) {
                    *slot = level.size.0;
                    count += 1;
                }
                counts
            });
        }
        let Some(sizes) = sizes.get_mut(..count).filter(|sizes| !sizes.is_empty()) else { return };
        let (_, large, _) = sizes.select_nth_unstable(count * LARGE_RANK / 100);
        let large = *large as f64;
        self.seen = self.seen.saturating_add(1);
        let part = 1.0 / f64::from(self.seen.min(MEMORY));
        self.large += part * (large - self.large);
        for side in 0..2 {
            let taken = self.taken[side] - std::mem::replace(&mut self.before[side], self.taken[side]);
            self.usual[side] += part * (taken - self.usual[side]);
        }
    }

    /// Scores what was cancelled and forgets what is too old; the side of the last case.
    fn judge(&mut self, look: &Look<'_>, params: &Params) -> Option<Side> {
        let life_max = i64::from(params.life_max_ms) * NANOS_PER_MILLI;
        self.orders.retain(|order| order.gone.is_some() || look.at.since(order.came) <= life_max);
        let window = i64::from(params.window_s) * NANOS_PER_SECOND;
        while self.cases.front().is_some_and(|case| look.at.since(case.at) > window) {
            self.cases.pop_front();
        }
        let mut judged = None;
        let ripe = |order: &Order| order.gone.is_some_and(|gone| look.at.since(gone.at) >= GRACE_NANOS);
        while let Some(at) = self.orders.iter().position(ripe) {
            let order = self.orders.remove(at);
            let Some(gone) = order.gone.filter(|gone| !self.orders.iter().any(|other| other.is_same(&order, *gone)))
            else {
                continue;
            };
            if let Some(case) = order.judge(gone, self.taken, self.usual, params) {
                if self.cases.len() >= CASES_MAX {
                    self.cases.pop_front();
                }
                self.cases.push_back(case);
                judged = Some(case.side);
            }
        }
        judged
    }

    /// Cases on a side beyond those on the other: who quotes both sides deceives nobody about either.
    fn excess(&self, side: Side) -> usize {
        let on = self.cases.iter().filter(|case| case.side == side).count();
        (2 * on).saturating_sub(self.cases.len())
    }

    fn tell(&self, side: Side, look: &Look<'_>, params: &Params, found: &mut Found) {
        let Some(size) = self.cases.back().map(|case| case.size) else { return };
        let alike = |case: &&Case| case.side == side && case.size.abs_diff(size) as f64 <= ALIKE_SHARE * size as f64;
        let cases = || self.cases.iter().filter(alike);
        let count = cases().count();
        let score = cases().map(|case| case.score).sum::<f64>() / count.max(1) as f64;
        let (Some(first), Some(last)) = (cases().next(), cases().next_back()) else { return };
        let excess = self.excess(side).min(count) as u32;
        let benefit = cases().map(|case| case.benefit).sum::<f64>() / count.max(1) as f64;
        if excess < params.repeated || score < params.score || benefit < BENEFIT_MIN {
            return;
        }
        let scale = look.instrument.scale;
        let price = scale.price_f64(crate::units::Price(last.price));
        let size = scale.size_f64(crate::units::Size(last.size));
        let (name, other) = if side == Side::Bid { ("bid", "asks") } else { ("ask", "bids") };
        let critical = excess >= 2 * params.repeated;
        found.raise(Finding {
            key: side as u64,
            severity: if critical { Severity::Critical } else { Severity::Warning },
            persist_ms: 0,
            holds: false,
            since: first.came,
            text: format!(
                "{count} large {name} orders were cancelled unfilled within {:.0} s, the last of {size} at {price} ({:.0}x a \
                 typical level) after {:.1} s, while takers took {:.1}x the usual from the {other}",
                last.at.since(first.came) as f64 / 1e9,
                last.multiple,
                last.life_ms as f64 / 1e3,
                benefit,
            ),
            evidence: vec![
                Measure::new("score", score, Some(params.score)),
                Measure::new("cancelled_large_orders", f64::from(excess), Some(f64::from(params.repeated))),
                Measure::new("size_multiple", last.multiple, Some(params.size_multiple)),
                Measure::new("life_ms", last.life_ms as f64, Some(f64::from(params.life_max_ms))),
                Measure::new("other_side_multiple", benefit, Some(BENEFIT_MIN)),
            ],
        });
    }
}

impl Order {
    /// Whether this is that order at another price, or its twin on the other side: somebody quotes, nobody deceives.
    fn is_same(&self, other: &Order, gone: Gone) -> bool {
        let alike = self.size.abs_diff(other.size) as f64 <= SAME_SHARE * other.size as f64;
        let moved = self.side == other.side && self.came.since(gone.at).abs() <= GRACE_NANOS;
        let twin = self.side != other.side && self.came.since(other.came).abs() <= GRACE_NANOS;
        alike && (moved || twin)
    }

    /// Its score, if it was cancelled rather than filled.
    fn judge(&self, gone: Gone, taken: [f64; 2], usual: [f64; 2], params: &Params) -> Option<Case> {
        let life_ms = gone.at.since(self.came) / NANOS_PER_MILLI;
        let cancelled = 1.0 - self.traded as f64 / gone.size.max(1) as f64;
        if life_ms < i64::from(params.life_min_ms) || cancelled < params.cancelled {
            return None;
        }
        let other = 1 - self.side as usize;
        let expected = usual[other] * (life_ms.max(1_000) as f64 / 1e3);
        let benefit = if expected > 0.0 { (taken[other] - self.against) / expected } else { 0.0 };
        let short = 1.0 - life_ms as f64 / f64::from(params.life_max_ms.max(1));
        let near = if gone.distance < self.distance { 1.0 } else { 0.5 };
        let size = (self.multiple / (2.0 * params.size_multiple)).min(1.0);
        let score = 0.25 * size + 0.2 * short + 0.2 * near + 0.35 * (benefit / params.benefit).clamp(0.0, 1.0);
        Some(Case {
            side: self.side,
            at: gone.at,
            came: self.came,
            price: self.price,
            size: self.size,
            multiple: self.multiple,
            life_ms,
            benefit,
            score,
        })
    }
}
