//! Walls: a level far larger than its neighbours usually are, and what became of it: filled, pulled, moved or refilled.

use super::band::{SIDES, word};
use super::rolling::EverySecond;
use super::usual::{First, Usual, finer_price};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::{Event, Trade};
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{Level, NANOS_PER_MILLI, Nanos, Price, Side, Size};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Levels within that distance of their side's best are looked at, bps.
    pub near_bps: f64,
    /// Times the rolling median of level sizes.
    pub multiple: f64,
    /// And times the rolling median of the side's largest level: where large levels are usual, they are no walls.
    pub largest_multiple: f64,
    /// How long it has to stand, ms.
    pub persist_ms: u32,
    /// A wall is over when less than that part of its largest size is left.
    pub over_share: f64,
    /// For so long after its end trades and new levels are still held against it, ms.
    pub linger_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { near_bps: 15.0, multiple: 5.0, largest_multiple: 1.5, persist_ms: 5_000, over_share: 0.5, linger_ms: 1_000 }
    }
}

/// Walls that are followed at the same time; more are not begun.
const WALLS_MAX: usize = 16;
/// Levels a side that are looked at.
const LEVELS: usize = 1_024;
/// A new level of that part of the wall's size, soon after its end, is where it moved to.
const MOVED_SHARE: f64 = 0.7;

/// One wall, sizes and prices in units.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Wall {
    side: Side,
    price: i64,
    since: Nanos,
    /// It was seen to come; one that stood there already is only kept in mind.
    came: bool,
    size: i64,
    largest: i64,
    /// Sum of all decreases and increases of the level, as far as the messages tell them apart.
    lost: i64,
    gained: i64,
    /// Traded at its price against its side.
    traded: i64,
    refills: u32,
    /// When too little of it was left.
    over: Option<Nanos>,
    /// Where a level of its size appeared since.
    moved: Option<i64>,
}

/// Follows the walls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Walls {
    usual: Usual,
    second: EverySecond,
    walls: Vec<Wall>,
    /// How far each side was looked at the last time.
    ends: [Option<Price>; 2],
    /// Smallest size that matters to any wall: what is smaller is passed over.
    floor: i64,
    kind: OneKind,
}

impl Detector for Walls {
    type Params = Params;

    const ABOUT: About = About {
        id: "wall",
        title: "Wall",
        family: Family::Liquidity,
        sees: "Sees a level within 15 bps of its side's best grow to five times the 30 s median of level sizes and beyond \
               the side's largest, and stand for five seconds; and tells what became of it. How much of it was traded \
               and how much cancelled can only be bounded: level data do not say which order filled, and what came and \
               went between two messages is not seen at all. Cannot tell one order from several at the same price.",
        source: "customary rule: 5x the rolling 30 s median over 5 s",
        needs_book: true,
        pace: Pace { clear_ms: 3_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, _: &mut Found) {
        if self.walls.is_empty() {
            return;
        }
        match &seen.stamped.event {
            Event::Depth(depth) => {
                let asks = depth.span.asks as usize;
                for (i, (level, before)) in seen.levels.iter().zip(seen.before).enumerate() {
                    if level.size.0.max(before.0) >= self.floor {
                        let side = if i < asks { Side::Bid } else { Side::Ask };
                        self.on_level(seen.at, side, *level, *before, params);
                    }
                }
            }
            Event::Trade(trade) if self.kind.counts(seen.at, trade) => self.on_trade(trade),
            _ => {}
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        self.tell_ends(look, params, found);
        if !self.second.due(look.at) {
            return self.tell(look, params, found, false);
        }
        let first = First::<LEVELS>::of(look.book, params.near_bps);
        let largest = SIDES.map(|side| first.side(side).iter().map(|level| level.size.0).max().unwrap_or(0));
        if let Some(usual) = self.usual.get() {
            for side in SIDES {
                let cut = (usual.level * params.multiple).max(usual.extreme[side as usize] * params.largest_multiple);
                for level in first.side(side).iter().filter(|level| level.size.0 as f64 >= cut && cut > 0.0) {
                    self.begin(look.at, side, *level, params);
                }
                let end = first.side(side).last().map(|level| level.price);
                // What the price has left far behind is no wall in its way any more.
                self.walls.retain(|w| {
                    w.side != side || w.over.is_some() || end.is_none_or(|end| !Price(w.price).is_worse(end, side))
                });
            }
        }
        self.ends = SIDES.map(|side| first.side(side).last().map(|level| level.price));
        self.usual.push(&first, largest);
        self.mind_floor(params);
        self.tell(look, params, found, true);
    }

    fn on_gap(&mut self) {
        self.walls.clear();
        self.usual.clear();
        self.ends = [None; 2];
    }

    fn on_rescale(&mut self, finer: Finer) {
        for wall in &mut self.walls {
            finer_price(&mut wall.price, finer);
            wall.moved.iter_mut().for_each(|price| finer_price(price, finer));
            for size in [&mut wall.size, &mut wall.largest, &mut wall.lost, &mut wall.gained, &mut wall.traded] {
                *size = size.saturating_mul(finer.size);
            }
        }
        self.floor = self.floor.saturating_mul(finer.size);
        self.ends = [None; 2];
        self.usual.clear();
    }
}

impl Walls {
    fn begin(&mut self, at: Nanos, side: Side, level: Level, params: &Params) {
        let size = level.size.0;
        if let Some(wall) = self.walls.iter_mut().find(|w| w.side == side && w.price == level.price.0) {
            if wall.over.is_some() && size as f64 >= wall.largest as f64 * params.over_share {
                wall.over = None;
            }
            return;
        }
        if self.walls.len() >= WALLS_MAX {
            return;
        }
        let known = self.ends[side as usize];
        self.walls.push(Wall {
            side,
            price: level.price.0,
            since: at,
            came: known.is_some_and(|end| !level.price.is_worse(end, side)),
            size,
            largest: size,
            lost: 0,
            gained: 0,
            traded: 0,
            refills: 0,
            over: None,
            moved: None,
        });
    }

    fn on_level(&mut self, at: Nanos, side: Side, level: Level, before: Size, params: &Params) {
        let (price, size) = (level.price.0, level.size.0);
        for wall in self.walls.iter_mut().filter(|wall| wall.side == side) {
            if wall.price == price {
                wall.lost = wall.lost.saturating_add((before.0 - size).max(0));
                wall.gained = wall.gained.saturating_add((size - before.0).max(0));
                (wall.size, wall.largest) = (size, wall.largest.max(size));
                let stands = size as f64 >= wall.largest as f64 * params.over_share;
                match (stands, wall.over) {
                    (false, None) => wall.over = Some(at),
                    (true, Some(_)) => {
                        wall.refills = wall.refills.saturating_add(1);
                        wall.over = None;
                    }
                    _ => {}
                }
            } else if wall.over.is_some() && (size - before.0) as f64 >= wall.largest as f64 * MOVED_SHARE {
                wall.moved = Some(price);
            }
        }
    }

    fn on_trade(&mut self, trade: &Trade) {
        let side = if trade.taker_buy { Side::Ask } else { Side::Bid };
        for wall in self.walls.iter_mut().filter(|w| w.side == side && w.price == trade.price.0) {
            wall.traded = wall.traded.saturating_add(trade.size.0);
        }
    }

    fn mind_floor(&mut self, params: &Params) {
        let least = self.walls.iter().map(|wall| wall.largest).min().unwrap_or(i64::MAX);
        self.floor = (least as f64 * params.over_share * MOVED_SHARE) as i64;
    }

    /// Those that stand long enough; the sentence once a second, the alert lives on it.
    fn tell(&self, look: &Look<'_>, params: &Params, found: &mut Found, due: bool) {
        let Some(usual) = self.usual.get() else {
            found.gauge(Gauge { measure: None, warmup: Some(self.usual.progress()) });
            return found.skip(Skip::ZscoreWarmup);
        };
        let scale = look.instrument.scale;
        let standing = self.walls.iter().filter(|wall| wall.over.is_none());
        let times = standing.clone().map(|wall| wall.size).max().map_or(0.0, |size| size as f64 / usual.level);
        found.gauge(Gauge { measure: Some(Measure::new("times_median", times, Some(params.multiple))), warmup: None });
        for wall in standing.filter(|wall| wall.came && due && lasted(look.at, wall) >= ms(params.persist_ms)) {
            let (size, price) = (scale.size_f64(Size(wall.size)), scale.price_f64(Price(wall.price)));
            let median = scale.size_f64(Size(usual.level as i64));
            let seconds = lasted(look.at, wall) as f64 / 1e9;
            found.raise(Finding {
                key: key(wall, false),
                severity: Severity::Info,
                persist_ms: 0,
                holds: false,
                since: wall.since,
                text: format!(
                    "{size} stand at {price} on the {} side, {:.0} times the median level of {median:.3}, for {seconds:.0} s",
                    word(wall.side),
                    wall.size as f64 / usual.level
                ),
                evidence: vec![
                    Measure::new("times_median", wall.size as f64 / usual.level, Some(params.multiple)),
                    Measure::new("size", size, None),
                    Measure::new("price", price, None),
                    Measure::new("stood_s", seconds, Some(f64::from(params.persist_ms) / 1e3)),
                ],
            });
        }
    }

    /// Those that are over, once nothing more is to be expected of their end.
    fn tell_ends(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let done = |wall: &Wall| wall.over.is_some_and(|over| look.at.since(over) >= ms(params.linger_ms));
        for wall in self.walls.iter().filter(|wall| done(wall)) {
            let over = wall.over.unwrap_or(look.at);
            if wall.came && over.since(wall.since) >= ms(params.persist_ms) {
                found.raise(end(look, wall, over));
            }
        }
        self.walls.retain(|wall| !done(wall));
    }
}

/// The life of a wall that is over.
fn end(look: &Look<'_>, wall: &Wall, over: Nanos) -> Finding {
    let scale = look.instrument.scale;
    let size = |units: i64| scale.size_f64(Size(units));
    let price = |units: i64| scale.price_f64(Price(units));
    // Whatever was not traded was cancelled; what was traded may have hit orders that came in between instead.
    let (traded_most, cancelled_least) = (wall.traded.min(wall.lost), (wall.lost - wall.traded).max(0));
    let fate = match wall.moved {
        _ if traded_most * 2 >= wall.lost && wall.refills > 0 => format!("was filled after {} refills", wall.refills),
        _ if traded_most * 2 >= wall.lost => "was filled".to_owned(),
        Some(to) => format!("moved to {}", price(to)),
        None => "was pulled".to_owned(),
    };
    let stood = over.since(wall.since) as f64 / 1e9;
    Finding {
        key: key(wall, true),
        severity: Severity::Info,
        persist_ms: 0,
        holds: false,
        since: wall.since,
        text: format!(
            "the wall of {} at {} on the {} side {fate} after {stood:.1} s: at most {} traded, at least {} cancelled",
            size(wall.largest),
            price(wall.price),
            word(wall.side),
            size(traded_most),
            size(cancelled_least),
        ),
        evidence: vec![
            Measure::new("size_largest", size(wall.largest), None),
            Measure::new("price", price(wall.price), None),
            Measure::new("stood_s", stood, None),
            Measure::new("traded_at_most", size(traded_most), None),
            Measure::new("cancelled_at_least", size(cancelled_least), None),
            Measure::new("refills", f64::from(wall.refills), None),
        ],
    }
}

fn key(wall: &Wall, over: bool) -> u64 {
    (wall.price as u64) << 2 | (wall.side as u64) << 1 | u64::from(over)
}

fn lasted(at: Nanos, wall: &Wall) -> i64 {
    at.since(wall.since)
}

fn ms(ms: u32) -> i64 {
    i64::from(ms) * NANOS_PER_MILLI
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::{BID, SIZE, Stage};

    const WALL: i64 = 12 * SIZE;

    /// An ordinary market in which a wall was put up nine ticks below the best bid.
    fn built() -> Stage {
        let mut stage = Stage::new();
        stage.run(20_000);
        stage.depth(&[(BID - 9, WALL)], &[]);
        stage
    }

    fn last(stage: &Stage) -> &str {
        stage.fired("wall").last().map_or("", |told| told.1)
    }

    #[test]
    fn a_wall_is_told_after_five_seconds_and_pulled() {
        let mut stage = built();
        stage.run(4_900);
        assert_eq!(stage.fired("wall"), []);
        stage.run(2_000);
        // Fails when persistence is dropped, or the wall itself raises what is usual.
        assert_eq!(stage.fired("wall").len(), 1);
        assert!(last(&stage).contains("12 stand at 999.9 on the bid side, 12 times the median"), "{}", last(&stage));
        stage.depth(&[(BID - 9, SIZE)], &[]);
        stage.run(2_000);
        assert!(last(&stage).contains("was pulled"), "{}", last(&stage));
        assert!(last(&stage).contains("at most 0 traded, at least 11 cancelled"), "{}", last(&stage));
    }

    #[test]
    fn a_wall_that_is_eaten_was_filled() {
        let mut stage = built();
        stage.run(7_000);
        stage.hit(false, 9 * SIZE + WALL); // the nine levels before it, then all of it
        stage.run(2_000);
        // Fails when trades at its price are not counted.
        assert!(last(&stage).contains("was filled"), "{}", last(&stage));
        assert!(last(&stage).contains("at most 12 traded, at least 0 cancelled"), "{}", last(&stage));
    }

    #[test]
    fn a_wall_that_moves_is_said_to() {
        let mut stage = built();
        stage.run(7_000);
        stage.depth(&[(BID - 9, SIZE), (BID - 4, WALL)], &[]);
        stage.run(1_500);
        // Fails when levels that appear after its end are not looked at.
        assert!(last(&stage).contains("moved to 999.95"), "{}", last(&stage));
    }

    #[test]
    fn what_stands_briefly_or_is_usual_here_is_no_wall() {
        let mut stage = built();
        stage.run(3_000);
        stage.depth(&[(BID - 9, SIZE)], &[]);
        stage.run(20_000);
        assert_eq!(stage.fired("wall"), []);
        let mut stage = Stage::new();
        stage.depth(&[(BID - 20, WALL)], &[]);
        stage.run(25_000); // before anything was usual: this is what the largest level is here
        stage.depth(&[(BID - 9, WALL)], &[]);
        stage.run(20_000);
        // Fails when the largest levels' median is left out.
        assert_eq!(stage.fired("wall"), []);
    }
}
