//! Momentum ignition: a burst of takers to one side runs the price away, and it comes back as soon as the burst is over.

use super::bars::{Bars, bps, money, way};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::metric::Seen;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Length of a burst, s.
    pub burst_s: u32,
    /// Traded in it, times the usual.
    pub volume_multiple: f64,
    /// Share of it that went one way, 0 to 1: bought minus sold over both.
    pub lean: f64,
    /// Move of mid, standard deviations over the same time.
    pub sigmas: f64,
    /// And at least that, bps.
    pub move_min_bps: f64,
    /// Share of the move that is taken back.
    pub reversal: f64,
    /// Within that, s.
    pub within_s: u32,
    /// Depth that had been built on the side which profits, times the usual: makes it critical.
    pub build_multiple: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            burst_s: 5,
            volume_multiple: 1.0,
            lean: 0.25,
            sigmas: 5.0,
            move_min_bps: 5.0,
            reversal: 0.5,
            within_s: 12,
            build_multiple: 1.5,
        }
    }
}

/// A burst whose end is awaited.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Push {
    since: Nanos,
    found: Nanos,
    up: bool,
    from: f64,
    peak: f64,
    lean: f64,
    multiple: f64,
    traded: f64,
    sigmas: f64,
    built: f64,
}

/// The burst that is watched, and the depth near the touch over its mean.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ignition {
    bars: Bars,
    push: Option<Push>,
    depth_mean: [f64; 2],
    /// Highest depth over mean of the last seconds, fading; bids and asks.
    built: [f64; 2],
}

/// Part by which a second's depth moves its mean, and what is left of a build after a second.
const DEPTH_PART: f64 = 1.0 / 60.0;
const BUILD_LEFT: f64 = 0.95;

impl Detector for Ignition {
    type Params = Params;

    const ABOUT: About = About {
        id: "ignition",
        title: "Momentum ignition",
        family: Family::Manipulation,
        sees: "Sees a burst of takers to one side, far more than usual, that moves mid by many standard deviations, and that \
               most of the move is taken back within seconds; and whether depth had been built beforehand on the side that \
               sells into it. Cannot see whether the burst, the build and those who profited are one party, nor tell it \
               from an honest large order into a thin book that refills.",
        source: "ESMA/2015/224 and Regulation (EU) 2016/522, annex II (momentum ignition); burst, move, reversal, build",
        needs_book: true,
        pace: Pace { clear_ms: 10_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        self.bars.on(seen);
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let burst = params.burst_s.clamp(1, 60) as usize;
        let Some(mid) = self.bars.tick(look, burst + 1) else { return };
        self.build(look);
        if !self.bars.is_warm() {
            found.gauge(self.bars.warmup());
            return found.skip(Skip::ZscoreWarmup);
        }
        if let Some(push) = &mut self.push {
            let lasted = look.at.since(push.found) / NANOS_PER_SECOND;
            let sign = if push.up { 1.0 } else { -1.0 };
            if sign * (mid - push.peak) > 0.0 {
                push.peak = mid;
            }
            let (run, back) = (bps(push.peak, push.from).abs(), sign * bps(push.peak, mid));
            if back >= params.reversal * run {
                let finding = told(*push, back / run, mid, lasted, params);
                self.push = None;
                return found.raise(finding);
            }
            if lasted >= i64::from(params.within_s) {
                self.push = None; // it stayed: a move, not a game
            }
            return;
        }
        let (Some(change), Some(from)) = (self.bars.change_bps(burst), self.bars.mid_ago(burst)) else { return };
        let (flow, up) = (self.bars.flow(burst), change > 0.0);
        let sigmas = change.abs() / self.bars.sigma_bps(burst);
        found.gauge(Gauge { measure: Some(Measure::new("move_sigmas", sigmas, Some(params.sigmas))), warmup: None });
        let (multiple, lean) = (self.bars.multiple(flow, burst), if up { flow.lean() } else { -flow.lean() });
        if sigmas >= params.sigmas
            && change.abs() >= params.move_min_bps
            && multiple >= params.volume_multiple
            && lean >= params.lean
        {
            // Who pushes up wants to sell: asks are what would have been built.
            let built = self.built[usize::from(up)];
            let since = look.at.plus(-(burst as i64) * NANOS_PER_SECOND);
            let traded = flow.total();
            self.push =
                Some(Push { since, found: look.at, up, from, peak: mid, lean, multiple, traded, sigmas, built });
        }
    }

    fn on_gap(&mut self) {
        self.bars.gap();
        self.push = None;
    }
}

impl Ignition {
    fn build(&mut self, look: &Look<'_>) {
        for (side, column) in ["depth_bid_10bps_quote", "depth_ask_10bps_quote"].into_iter().enumerate() {
            let Some(depth) = look.value(column) else { continue };
            let (mean, built) = (&mut self.depth_mean[side], &mut self.built[side]);
            if *mean <= 0.0 {
                *mean = depth;
            }
            *built = (*built * BUILD_LEFT).max(depth / mean.max(f64::MIN_POSITIVE));
            *mean += DEPTH_PART * (depth - *mean);
        }
    }
}

fn told(push: Push, back: f64, mid: f64, lasted: i64, params: &Params) -> Finding {
    let built = push.built >= params.build_multiple;
    let run = bps(push.peak, push.from).abs();
    let (takers, other) = if push.up { ("buyers", "asks") } else { ("sellers", "bids") };
    let build = if built { format!("; {other} had been built to {:.1}x before", push.built) } else { String::new() };
    Finding {
        key: u64::from(push.up),
        severity: if built { Severity::Critical } else { Severity::Warning },
        persist_ms: 0,
        holds: false,
        since: push.since,
        text: format!(
            "{takers} took {} in {} s ({:.1}x the usual) and ran mid {} {run:.1} bps from {} to {}; {:.0} % of it was \
             taken back {lasted} s later at {mid}{build}",
            money(push.traded),
            params.burst_s,
            push.multiple,
            way(push.up),
            push.from,
            push.peak,
            back * 100.0,
        ),
        evidence: vec![
            Measure::new("move_bps", run, Some(params.move_min_bps)),
            Measure::new("move_sigmas", push.sigmas, Some(params.sigmas)).with_zscore(push.sigmas),
            Measure::new("volume_multiple", push.multiple, Some(params.volume_multiple)),
            Measure::new("flow_lean", push.lean, Some(params.lean)),
            Measure::new("reversal_share", back, Some(params.reversal)),
            Measure::new("build_multiple", push.built, Some(params.build_multiple)),
        ],
    }
}
