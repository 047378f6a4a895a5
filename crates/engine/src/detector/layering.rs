//! Layering: several neighbouring levels of one side grow far beyond the usual at nearly the same time.

use super::band::{SIDES, word};
use super::near::changes;
use super::rolling::EverySecond;
use super::usual::{First, Usual};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{Finer, OneKind, Seen};
use crate::units::{Level, NANOS_PER_MILLI, Nanos, Price, Side, Size};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Levels within that distance of their side's best are looked at, bps.
    pub near_bps: f64,
    /// Neighbouring levels at least.
    pub levels: u32,
    /// Each that many times the rolling median of level sizes.
    pub multiple: f64,
    /// And that many times what the smallest of the side's strongest run of so many levels usually is: where large
    /// neighbours are usual, they are no layers.
    pub run_multiple: f64,
    /// That part of their prices is new as large levels ...
    pub churn_share: f64,
    /// ... within so long, ms.
    pub churn_ms: u32,
    /// How long it has to stand, ms.
    pub persist_ms: u32,
    /// That part of what stood has to leave within two seconds, and most of it untraded, to be taken back.
    pub back_share: f64,
    /// Where that many times what stood has left, the same orders came and went again and again: quoting, not layers.
    pub flicker: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
near_bps: 5.0,
levels: 4,
multiple: 8.0,
run_multiple: 4.0,
churn_share: 0.6,
churn_ms: 1_500,
persist_ms: 500,
back_share: 0.6,
flicker: 1.7,
}
    }
}

/// Large levels of a side that are remembered; the oldest goes first.
const LARGE_MAX: usize = 32;
/// Levels a side that are looked at.
const LEVELS: usize = 256;

/// A large level.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Large {
    price: i64,
    since: Nanos,
}

/// How long layers may take to be taken back, ns.
const BACK_NANOS: i64 = 2_000 * NANOS_PER_MILLI;

/// A run of large levels, best first.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Run {
    levels: u32,
    fresh: u32,
    size: i64,
    best: i64,
    worst: i64,
}

/// One side.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Flank {
    large: Vec<Large>,
    /// Since when layers stand, the most that stood, and since when they do no more.
    since: Option<Nanos>,
    most: Run,
    broken: Option<Nanos>,
    /// Size that large levels lost since the layers stand, and what of it was traded.
    lost: i64,
    traded: i64,
}

/// Watches both sides.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Layering {
    usual: Usual,
    second: EverySecond,
    flanks: [Flank; 2],
    /// Size from which a level of each side is large, units.
    cuts: [i64; 2],
    kind: OneKind,
}

impl Detector for Layering {
    type Params = Params;

    const ABOUT: About = About {
        id: "layering",
        title: "Layering",
        family: Family::Liquidity,
        sees: "Sees four and more neighbouring levels within five bps of a side's best, each eight times the 30 s median of \
               level sizes and four times what neighbours there usually all have, most of which came within the same second and a \
               half (a note), and that most of it leaves within two seconds without being traded (a warning). Cannot tell one owner's orders from many owners' at \
               neighbouring prices, nor what they meant by them.",
        source: "customary rule: 4+ adjacent levels at 8x with 60 % new prices; cf. FINRA 5210.02, MAR RTS 2016/522 annex II",
        needs_book: true,
        pace: Pace { clear_ms: 3_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        if self.flanks.iter().all(|flank| flank.since.is_none()) {
            return;
        }
        if let Event::Trade(trade) = &seen.stamped.event {
            let flank = &mut self.flanks[if trade.taker_buy { Side::Ask } else { Side::Bid } as usize];
            if self.kind.counts(seen.at, trade) && flank.large.iter().any(|large| large.price == trade.price.0) {
                flank.traded = flank.traded.saturating_add(trade.size.0);
            }
            return;
        }
        let least = self.cuts[0].min(self.cuts[1]);
        for (side, level, before) in changes(seen) {
            if before.0 < least || level.size >= before {
                continue;
            }
            let flank = &mut self.flanks[side as usize];
            if flank.large.iter().any(|large| large.price == level.price.0) {
                flank.lost = flank.lost.saturating_add(before.0 - level.size.0);
            }
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let (first, due) = (First::<LEVELS>::of(look.book, params.near_bps), self.second.due(look.at));
        let usual = self.usual.get();
        if due && self.flanks.iter().all(|flank| flank.since.is_none()) {
            let runs = SIDES.map(|side| strongest(first.side(side), params.levels as usize));
            self.usual.push(&first, runs);
        }
        let Some(usual) = usual else {
            found.gauge(Gauge { measure: None, warmup: Some(self.usual.progress()) });
            return found.skip(Skip::ZscoreWarmup);
        };
        let cut = |side: usize| (usual.level * params.multiple).max(usual.extreme[side] * params.run_multiple);
        self.cuts = [0, 1].map(|side| (cut(side) as i64).max(1));
        let mut most = 0;
        for side in SIDES {
            let run = self.flanks[side as usize].read(look.at, first.side(side), self.cuts[side as usize], params);
            most = most.max(run.levels);
            self.judge(look, side, run, params, found);
        }
        let measure = Measure::new("large_neighbours", f64::from(most), Some(f64::from(params.levels)));
        found.gauge(Gauge { measure: Some(measure), warmup: None });
    }

    fn on_gap(&mut self) {
        self.usual.clear();
        self.flanks = Default::default();
    }

    fn on_rescale(&mut self, _: Finer) {
        self.on_gap();
    }
}

impl Layering {
    fn judge(&mut self, look: &Look<'_>, side: Side, run: Run, params: &Params, found: &mut Found) {
        let (cut, flank) = (self.cuts[side as usize], &mut self.flanks[side as usize]);
        let large = run.levels >= params.levels;
        let churn = f64::from(run.fresh) / f64::from(run.levels.max(1));
        let stood = flank.since.is_some_and(|since| look.at.since(since) >= ms(params.persist_ms));
        // Once layers stand they only have to go on standing.
        if !large || (flank.since.is_none() && churn < params.churn_share) {
            let lost = flank.lost as f64 / flank.most.size.max(1) as f64;
            let back = (params.back_share..params.flicker).contains(&lost) && flank.traded * 2 <= flank.lost;
            if stood && back {
                found.raise(flank.finding(look, side, cut, params));
            } else if stood && look.at.since(*flank.broken.get_or_insert(look.at)) < BACK_NANOS {
                return; // the rest of them may follow
            }
            *flank = Flank { large: std::mem::take(&mut flank.large), ..Flank::default() };
            return;
        }
        flank.since.get_or_insert(look.at);
        flank.broken = None;
        if run.size >= flank.most.size {
            flank.most = run;
        }
        if stood {
            let holds = churn < params.churn_share;
            found.raise(Finding { holds, severity: Severity::Info, ..flank.finding(look, side, cut, params) });
        }
    }
}

impl Flank {
    /// What stood and what left of it: a warning, as when it was taken back.
    fn finding(&self, look: &Look<'_>, side: Side, cut: i64, params: &Params) -> Finding {
        let (scale, run) = (look.instrument.scale, self.most);
        let (size, lost) = (scale.size_f64(Size(run.size)), scale.size_f64(Size(self.lost)));
        let traded = scale.size_f64(Size(self.traded.min(self.lost)));
        let churn = f64::from(run.fresh) / f64::from(run.levels.max(1));
        let since = self.since.unwrap_or(look.at);
        Finding {
            key: side as u64,
            severity: Severity::Warning,
            persist_ms: 0,
            holds: false,
            since,
            text: format!(
                "{} neighbouring {} levels from {} to {} held {size}, each at least {}, most of them new within {:.1} s; \
                 after {:.1} s {lost} had left them, at most {traded} by trades",
                run.levels,
                word(side),
                scale.price_f64(Price(run.best)),
                scale.price_f64(Price(run.worst)),
                scale.size_f64(Size(cut)),
                f64::from(params.churn_ms) / 1e3,
                look.at.since(since) as f64 / 1e9,
            ),
            evidence: vec![
                Measure::new("large_neighbours", f64::from(run.levels), Some(f64::from(params.levels))),
                Measure::new("size_together", size, None),
                Measure::new("large_from", scale.size_f64(Size(cut)), None),
                Measure::new("new_share", churn, Some(params.churn_share)),
                Measure::new("left_since", lost, Some(params.back_share * size)),
                Measure::new("traded_at_most", traded, None),
            ],
        }
    }

    /// Brings the memory of large levels up to date and finds the longest run among them.
    fn read(&mut self, at: Nanos, levels: &[Level], cut: i64, params: &Params) -> Run {
        let is_large = |level: &Level| level.size.0 >= cut;
        // Once, so that nothing is allocated later.
        self.large.reserve_exact(LARGE_MAX - self.large.len().min(LARGE_MAX));
        self.large.retain(|large| levels.iter().any(|level| level.price.0 == large.price && is_large(level)));
        let (mut longest, mut run) = (Run::default(), Run::default());
        for level in levels {
            if !is_large(level) {
                run = Run::default();
                continue;
            }
            let since = match self.large.iter().find(|large| large.price == level.price.0) {
                Some(large) => large.since,
                None => {
                    if self.large.len() >= LARGE_MAX {
                        self.large.remove(0);
                    }
                    self.large.push(Large { price: level.price.0, since: at });
                    at
                }
            };
            if run.levels == 0 {
                run.best = level.price.0;
            }
            run.worst = level.price.0;
            run.levels += 1;
            run.fresh += u32::from(at.since(since) <= ms(params.churn_ms));
            run.size = run.size.saturating_add(level.size.0);
            if run.size > longest.size {
                longest = run;
            }
        }
        longest
    }
}

/// The largest size that so many neighbouring levels all have.
fn strongest(levels: &[Level], count: usize) -> i64 {
    let weakest = |run: &[Level]| run.iter().map(|level| level.size.0).min().unwrap_or(0);
    levels.windows(count.max(1)).map(weakest).max().unwrap_or(0)
}

fn ms(ms: u32) -> i64 {
    i64::from(ms) * NANOS_PER_MILLI
}

#[cfg(test)]
mod tests {
    use crate::alert::Severity;
    use crate::detector::tests::{ASK, BID, SIZE, Stage};

    const LAYER: i64 = 10 * SIZE;

    /// So many large bids side by side.
    fn layer(stage: &mut Stage, from: i64, count: i64) {
        let bids: Vec<_> = (from..from + count).map(|n| (BID - n, LAYER)).collect();
        stage.depth(&bids, &[]);
    }

    #[test]
    fn four_new_neighbours_are_layers_once() {
        let mut stage = Stage::new();
        stage.live(20_000);
        layer(&mut stage, 22, 4);
        stage.run(2_000);
        // Fails when churn is measured of the wrong levels, or the run is broken off.
        assert_eq!(stage.fired("layering").len(), 1, "a note while they stand");
        let away: Vec<_> = (22..26).map(|n| (BID - n, SIZE)).collect();
        stage.depth(&away, &[]);
        stage.run(5_000);
        // Fails when what left is not counted.
        let severities: Vec<_> = stage.fired("layering").iter().map(|fired| fired.0).collect();
        assert_eq!(severities, [Severity::Info, Severity::Warning]);
        let text = stage.fired("layering")[1].1.to_owned();
        assert!(text.starts_with("4 neighbouring bid levels from 999.77 to 999.74 held 40,"), "{text}");
        layer(&mut stage, 30, 5);
        stage.run(5_000);
        // Fails when the cool-down of 30 s is taken out.
        assert_eq!(stage.fired("layering").len(), 2);
    }

    #[test]
    fn layers_that_stay_are_a_note() {
        let mut stage = Stage::new();
        stage.live(20_000);
        layer(&mut stage, 22, 4);
        stage.live(10_000);
        // Fails when layers need not be taken back.
        assert!(stage.fired("layering").iter().all(|fired| fired.0 == Severity::Info));
    }

    #[test]
    fn three_or_scattered_or_old_ones_are_none() {
        let mut stage = Stage::new();
        stage.live(20_000);
        layer(&mut stage, 22, 3);
        layer(&mut stage, 27, 3);
        stage.depth(&[], &[(ASK + 22, LAYER), (ASK + 24, LAYER), (ASK + 26, LAYER), (ASK + 28, LAYER)]);
        stage.run(3_000);
        // Fails when neighbours need not be neighbours.
        assert_eq!(stage.fired("layering"), []);
        let mut stage = Stage::new();
        stage.live(20_000);
        for n in 22..30 {
            layer(&mut stage, n, 1);
            stage.live(12_000); // one after another: no more than one of them is new at a time
        }
        // Fails when churn is not asked for.
        assert_eq!(stage.fired("layering"), []);
    }
}
