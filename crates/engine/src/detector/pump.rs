//! Pump and dump: an abnormal rise on abnormal volume, then the collapse.

use super::bars::{Bars, bps, money};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::metric::Seen;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Time in which it rises, s.
    pub rise_s: u32,
    /// Rise, bps.
    pub rise_bps: f64,
    /// Rise, standard deviations over that time.
    pub sigmas: f64,
    /// Traded meanwhile, times the usual.
    pub volume_multiple: f64,
    /// Share of the rise that is lost again.
    pub collapse: f64,
    /// Within that after the top, s.
    pub within_s: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { rise_s: 60, rise_bps: 30.0, sigmas: 4.5, volume_multiple: 0.8, collapse: 0.5, within_s: 300 }
    }
}

/// A rise whose end is awaited.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Rise {
    since: Nanos,
    from: f64,
    top: f64,
    top_at: Nanos,
    multiple: f64,
    traded: f64,
    sigmas: f64,
}

/// The rise that is watched.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Pump {
    bars: Bars,
    rise: Option<Rise>,
}

impl Detector for Pump {
    type Params = Params;

    const ABOUT: About = About {
        id: "pump",
        title: "Pump and dump",
        family: Family::Manipulation,
        sees: "Sees that mid rises by many standard deviations on a multiple of the usual volume (told as information) and \
               then loses much of the rise again (a warning). Cannot see the call to buy, nor who sold at the top; a rise \
               on news that is corrected looks the same.",
        source: "Kamps & Kleinberg 2018, Crime Science 7:18 (anomalous price and volume, then the reversal)",
        needs_book: true,
        pace: Pace { clear_ms: 30_000, cooldown_ms: 120_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        self.bars.on(seen);
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let span = params.rise_s.clamp(5, 300) as usize;
        let Some(mid) = self.bars.tick(look, span + 1) else { return };
        if !self.bars.is_warm() {
            found.gauge(self.bars.warmup());
            return found.skip(Skip::ZscoreWarmup);
        }
        let reached = self.reached(span).min(span);
        let Some(from) = self.bars.mid_ago(reached) else { return };
        let (change, flow) = (bps(mid, from), self.bars.flow(reached));
        let (sigmas, multiple) = (change / self.bars.sigma_bps(reached), self.bars.multiple(flow, reached));
        found.gauge(Gauge { measure: Some(Measure::new("rise_bps", change, Some(params.rise_bps))), warmup: None });
        if self.rise.is_none()
            && change >= params.rise_bps
            && sigmas >= params.sigmas
            && multiple >= params.volume_multiple
        {
            let since = look.at.plus(-(reached as i64) * NANOS_PER_SECOND);
            let traded = flow.total();
            self.rise = Some(Rise { since, from, top: mid, top_at: look.at, multiple, traded, sigmas });
        }
        let Some(rise) = &mut self.rise else { return };
        if mid > rise.top {
            (rise.top, rise.top_at) = (mid, look.at);
        }
        let run = bps(rise.top, rise.from);
        let lost = bps(rise.top, mid) / run;
        let over = look.at.since(rise.top_at) / NANOS_PER_SECOND >= i64::from(params.within_s);
        found.raise(told(*rise, run, lost, mid, params));
        if over || lost >= params.collapse {
            self.rise = None;
        }
    }

    fn on_gap(&mut self) {
        self.bars.gap();
        self.rise = None;
    }
}

impl Pump {
    /// Seconds back to the lowest mid of the window.
    fn reached(&self, span: usize) -> usize {
        let mids = (0..=span).map_while(|ago| self.bars.mid_ago(ago).map(|mid| (ago, mid)));
        mids.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(1, |(ago, _)| ago.max(1))
    }
}

fn told(rise: Rise, run: f64, lost: f64, mid: f64, params: &Params) -> Finding {
    let collapsed = lost >= params.collapse;
    let end = if collapsed { format!(", then lost {:.0} % of it to {mid}", lost * 100.0) } else { String::new() };
    Finding {
        key: 0,
        severity: if collapsed { Severity::Warning } else { Severity::Info },
        persist_ms: 0,
        holds: false,
        since: rise.since,
        text: format!(
            "mid rose {run:.1} bps from {} to {} while {} was traded ({:.1}x the usual){end}",
            rise.from,
            rise.top,
            money(rise.traded),
            rise.multiple,
        ),
        evidence: vec![
            Measure::new("rise_bps", run, Some(params.rise_bps)),
            Measure::new("rise_sigmas", rise.sigmas, Some(params.sigmas)).with_zscore(rise.sigmas),
            Measure::new("volume_multiple", rise.multiple, Some(params.volume_multiple)),
            Measure::new("lost_share", lost, Some(params.collapse)),
        ],
    }
}
