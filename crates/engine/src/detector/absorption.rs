//! Absorption: takers hit one side hard, and the price does not move.

use super::rolling::{EverySecond, Mean};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::{OneKind, Seen};
use crate::units::{Nanos, Side};
use crate::zscore::{ZScore, ZScoreParams};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Window of the volume and of the price's move, seconds.
    pub window_seconds: u32,
    /// Volume of takers of one side above the median of such windows so many times.
    pub volume_multiple: f64,
    /// And so many scaled median absolute deviations above it.
    pub volume_zscore: f64,
    /// That part of the volume is one side's.
    pub one_sided_share: f64,
    /// The price moved at most so many of its usual moves in such a window.
    pub move_multiple: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            window_seconds: 10,
            volume_multiple: 4.0,
            volume_zscore: 5.0,
            one_sided_share: 0.85,
            move_multiple: 0.5,
        }
    }
}

/// What is usual over five minutes.
const BASELINE: ZScoreParams = ZScoreParams { enabled: true, window_size: 300, min_samples: 60, reset_on_gap: true };
/// Mids that are kept, one a second: the longest window.
const MIDS_MAX: usize = 60;

/// Volumes and moves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Absorption {
    kind: OneKind,
    second: EverySecond,
    /// Quote currency taken by sellers (from the bids) and buyers (from the asks).
    taken: [Mean; 2],
    volumes: Option<ZScore>,
    moves: Option<ZScore>,
    /// Mid of every second, newest last.
    mids: Vec<f64>,
    since: Option<Nanos>,
}

impl Detector for Absorption {
    type Params = Params;

    const ABOUT: About = About {
        id: "absorption",
        title: "Absorption",
        family: Family::Liquidity,
        sees: "Sees that within ten seconds takers of one side traded several times what is usual in five minutes while the \
               mid moved by less than half of its usual move: somebody takes the other side of all of it. Cannot tell one \
               patient buyer or seller from many, nor what is hidden from what is shown again and again.",
        source: "definition: one-sided volume without impact, against robust baselines of 300 s",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, params: &Params, _: &mut Found) {
        let Event::Trade(trade) = &seen.stamped.event else { return };
        if !self.kind.counts(seen.at, trade) {
            return;
        }
        let scale = seen.instrument.scale;
        let (price, size) = (scale.price_f64(trade.price), scale.size_f64(trade.size));
        let worth = seen.instrument.quote_amount(price, size).unwrap_or(0.0);
        let side = if trade.taker_buy { Side::Ask } else { Side::Bid };
        self.taken[side as usize].push(seen.at, worth, params.window_seconds);
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        if !self.second.due(look.at) {
            if self.volumes.as_ref().is_none_or(|volumes| volumes.baseline().is_err()) {
                found.skip(Skip::ZscoreWarmup);
            }
            return;
        }
        let Some((bid, ask)) = look.touch() else { return found.skip(Skip::NoData) };
        let (mid, window) = (f64::midpoint(bid, ask), (params.window_seconds as usize).clamp(1, MIDS_MAX));
        if self.mids.len() > window {
            self.mids.remove(0);
        }
        self.mids.push(mid);
        self.taken.iter_mut().for_each(|taken| taken.push(look.at, 0.0, params.window_seconds));
        let [sold, bought] = self.taken.each_ref().map(Mean::sum);
        let (volume, one_sided) = (sold + bought, sold.max(bought));
        let first = self.mids.first().copied().unwrap_or(mid);
        let moved = (mid - first) / first * 1e4;
        let volumes = self.volumes.get_or_insert_with(|| ZScore::new(BASELINE));
        let moves = self.moves.get_or_insert_with(|| ZScore::new(BASELINE));
        let usual = volumes.baseline().ok().zip(moves.baseline().ok());
        let score = volumes.robust_of(one_sided).ok();
        if self.since.is_none() && self.mids.len() > window {
            volumes.push(one_sided);
            moves.push(moved.abs());
        }
        let Some((usual_volume, usual_move)) = usual else {
            found.gauge(Gauge { measure: None, warmup: Some(volumes.progress()) });
            return found.skip(Skip::ZscoreWarmup);
        };
        let cut = usual_volume.median * params.volume_multiple;
        // The spread's width is no move, wherever the price usually stands still.
        let still = (usual_move.median * params.move_multiple).max((ask - bid) / mid * 1e4);
        let mut measure = Measure::new("one_sided_volume_quote", one_sided, Some(cut));
        measure.zscore = score;
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        let buying = bought > sold;
        let along = if buying { moved } else { -moved };
        let heavy = one_sided > cut && score.is_none_or(|z| z >= params.volume_zscore) && cut > 0.0;
        if !heavy || one_sided < volume * params.one_sided_share || along > still {
            self.since = None;
            return;
        }
        let (takers, price) = if buying { ("buyers", ask) } else { ("sellers", bid) };
        found.raise(Finding {
            key: u64::from(buying),
            severity: Severity::Info,
            persist_ms: 1_000,
            holds: false,
            since: *self.since.get_or_insert(look.at),
            text: format!(
                "{takers} took {one_sided:.0} {} within {} s, {:.1} times the usual, and the price moved {along:.2} bps with \
                 them: absorbed near {price}",
                look.instrument.quote,
                params.window_seconds,
                one_sided / usual_volume.median.max(f64::MIN_POSITIVE),
            ),
            evidence: vec![
                measure,
                Measure::new("one_sided_share", one_sided / volume.max(f64::MIN_POSITIVE), Some(params.one_sided_share)),
                Measure::new("moved_bps", along, Some(still)),
                Measure::new("usual_volume_quote", usual_volume.median, None),
                Measure::new("usual_move_bps", usual_move.median, None),
            ],
        });
    }

    fn on_gap(&mut self) {
        (self.since, self.volumes, self.moves) = (None, None, None);
        self.mids.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::{ASK, SIZE, Stage};

    #[test]
    fn fires_when_heavy_buying_meets_a_price_that_stands() {
        let mut stage = Stage::new();
        stage.live(90_000);
        for _ in 0..80 {
            stage.trade(ASK, 3 * SIZE, true);
            stage.live(100);
        }
        // Fails when the volume is not held against what is usual.
        assert_eq!(stage.fired("absorption").len(), 1);
        assert!(stage.fired("absorption")[0].1.starts_with("buyers took"), "{:?}", stage.fired("absorption"));
    }

    #[test]
    fn buying_that_moves_the_price_or_meets_selling_is_none() {
        let mut stage = Stage::new();
        stage.live(90_000);
        for i in 0..80 {
            stage.hit(true, SIZE);
            stage.depth(&[(ASK + i - 1, SIZE)], &[]); // the bids follow
            stage.run(100);
        }
        // Fails when the price's move is not looked at.
        assert_eq!(stage.fired("absorption"), []);
        let mut stage = Stage::new();
        stage.live(90_000);
        for i in 0..80 {
            stage.trade(ASK, SIZE, i % 2 == 0);
            stage.live(100);
        }
        // Fails when one side's share is not looked at.
        assert_eq!(stage.fired("absorption"), []);
    }
}
