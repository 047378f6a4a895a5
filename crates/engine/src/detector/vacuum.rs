//! Liquidity vacuum: one side of the book is suddenly gone near the touch, and does not come back soon.

use super::band::{SIDES, depth_quote, word};
use super::rolling::{EverySecond, Mean};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{OneKind, Seen};
use crate::units::{NANOS_PER_MILLI, Nanos, Side};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Band around mid in which depth is measured, bps.
    pub band_bps: f64,
    /// Window of what is usual, seconds.
    pub window_seconds: u32,
    /// What is left is below that part of what is usual.
    pub left_share: f64,
    /// It went from above to below within so long, ms.
    pub sudden_ms: u32,
    /// It has not come back to that part of what was usual ...
    pub recovered_share: f64,
    /// ... for so long, ms.
    pub persist_ms: u32,
    /// The other side keeps at least that part, else it is no vacuum of one side.
    pub other_share: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            band_bps: 10.0,
            window_seconds: 15,
            left_share: 0.25,
            sudden_ms: 2_000,
            recovered_share: 0.3,
            persist_ms: 5_000,
            other_share: 0.6,
        }
    }
}

/// A side that is gone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Gone {
    since: Nanos,
    usual: f64,
    /// Taken by trades while it went, quote currency.
    traded: f64,
}

/// One side.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Flank {
    mean: Mean,
    /// When it was last at `recovered_share` of what is usual, or more.
    full_at: Option<Nanos>,
    gone: Option<Gone>,
    /// Quote currency that takers took from it, the last seconds.
    taken: Mean,
}

/// Watches both sides.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Vacuum {
    flanks: [Flank; 2],
    kind: OneKind,
    second: EverySecond,
}

/// How long a vacuum is one; after that it is what is usual, ms.
const LASTS_MAX_MS: i64 = 120_000;
/// Seconds of trades that are held against what went.
const TAKEN_SECONDS: u32 = 3;

impl Detector for Vacuum {
    type Params = Params;

    const ABOUT: About = About {
        id: "vacuum",
        title: "Liquidity vacuum",
        family: Family::Liquidity,
        sees: "Sees that one side's orders within ten basis points of mid fall below a quarter of their mean of fifteen seconds \
               within two seconds, while the other side stays, and that five seconds later seven tenths of them are still missing. \
               Says how much of it was traded. Cannot tell one owner who withdrew from many who did.",
        source: "resilience: Large 2007, J. Financial Markets 10:1 (a market that does not replenish)",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        let Event::Trade(trade) = &seen.stamped.event else { return };
        if !self.kind.counts(seen.at, trade) {
            return;
        }
        let scale = seen.instrument.scale;
        let (price, size) = (scale.price_f64(trade.price), scale.size_f64(trade.size));
        let worth = seen.instrument.quote_amount(price, size).unwrap_or(0.0);
        let side = if trade.taker_buy { Side::Ask } else { Side::Bid };
        self.flanks[side as usize].taken.push(seen.at, worth, TAKEN_SECONDS);
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let mut depths = [0.0; 2];
        for side in SIDES {
            match depth_quote(look, side, params.band_bps) {
                Ok(depth) => depths[side as usize] = depth,
                Err(why) => return found.skip(why),
            }
        }
        let usual = self.flanks.each_ref().map(|flank| flank.gone.map(|gone| gone.usual).or(flank.mean.get()));
        for (flank, depth) in self.flanks.iter_mut().zip(depths) {
            flank.taken.push(look.at, 0.0, TAKEN_SECONDS);
            if flank.gone.is_none() {
                flank.mean.push(look.at, depth, params.window_seconds);
            }
        }
        let [Some(usual_bid), Some(usual_ask)] = usual else {
            found.gauge(Gauge { measure: None, warmup: Some(self.flanks[0].mean.progress()) });
            return found.skip(Skip::ZscoreWarmup);
        };
        let usual = [usual_bid, usual_ask];
        let share = |side: Side| depths[side as usize] / usual[side as usize].max(f64::MIN_POSITIVE);
        let least = share(Side::Bid).min(share(Side::Ask));
        found.gauge(Gauge { measure: Some(Measure::new("left_share", least, Some(params.left_share))), warmup: None });
        for (side, other) in [(Side::Bid, Side::Ask), (Side::Ask, Side::Bid)] {
            let (share, kept, depth) = (share(side), share(other), depths[side as usize]);
            let flank = &mut self.flanks[side as usize];
            if share >= params.recovered_share {
                (flank.full_at, flank.gone) = (Some(look.at), None);
                continue;
            }
            let sudden = flank.full_at.is_some_and(|full| look.at.since(full) <= ms(params.sudden_ms));
            if flank.gone.is_none() && sudden && share < params.left_share && kept >= params.other_share {
                flank.gone =
                    Some(Gone { since: look.at, usual: usual[side as usize], traded: flank.taken.sum() });
            }
            let Some(gone) = flank.gone else { continue };
            if look.at.since(gone.since) > LASTS_MAX_MS * NANOS_PER_MILLI {
                *flank = Flank::default();
                continue;
            }
            let lasted = look.at.since(gone.since);
            if lasted < ms(params.persist_ms) || kept < params.other_share {
                continue; // it may come back: the sentence is not written for nothing
            }
            let lost = (gone.usual - depth).max(0.0);
            let seconds = lasted as f64 / 1e9;
            found.raise(Finding {
                key: side as u64,
                severity: if share < params.left_share / 2.0 { Severity::Critical } else { Severity::Warning },
                persist_ms: 0,
                holds: false,
                since: gone.since,
                text: format!(
                    "{:.0} % of the {} side within {} bps is gone for {seconds:.0} s: {lost:.0} {} less than usual, at most \
                     {:.0} of it by trades; the other side keeps {:.0} %",
                    (1.0 - share) * 100.0,
                    word(side),
                    params.band_bps,
                    look.instrument.quote,
                    gone.traded.min(lost),
                    kept * 100.0,
                ),
                evidence: vec![
                    Measure::new("left_share", share, Some(params.left_share)),
                    Measure::new("other_share", kept, Some(params.other_share)),
                    Measure::new("usual_quote", gone.usual, None),
                    Measure::new("depth_quote", depth, None),
                    Measure::new("traded_quote", gone.traded, None),
                ],
            });
        }
    }

    fn on_gap(&mut self) {
        self.flanks.iter_mut().for_each(|flank| {
            flank.mean.clear();
            (flank.full_at, flank.gone) = (None, None);
        });
    }
}

fn ms(ms: u32) -> i64 {
    i64::from(ms) * NANOS_PER_MILLI
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::{BID, SIZE, Stage};

    fn bids(stage: &mut Stage, size: i64) {
        let bids: Vec<_> = (1..150).map(|n| (BID - n, size)).collect();
        stage.depth(&bids, &[]);
    }

    #[test]
    fn fires_when_one_side_is_gone_and_stays_away() {
        let mut stage = Stage::new();
        stage.live(20_000);
        bids(&mut stage, SIZE / 10);
        stage.run(4_900);
        assert_eq!(stage.fired("vacuum"), []);
        stage.run(1_000);
        // Fails when persistence is 0, or when the mean learns from the vacuum.
        assert_eq!(stage.fired("vacuum").len(), 1);
        assert!(stage.fired("vacuum")[0].1.contains("of the bid side"), "{:?}", stage.fired("vacuum"));
    }

    #[test]
    fn what_comes_back_or_goes_slowly_or_on_both_sides_is_none() {
        let mut stage = Stage::new();
        stage.live(20_000);
        bids(&mut stage, SIZE / 5);
        stage.run(2_000);
        bids(&mut stage, SIZE);
        stage.run(5_000);
        // Fails when recovery does not end it.
        assert_eq!(stage.fired("vacuum"), []);
        for part in (1..20).rev() {
            bids(&mut stage, SIZE * part / 20);
            stage.run(2_500);
        }
        // Fails when `sudden` is left out.
        assert_eq!(stage.fired("vacuum"), []);
    }
}
