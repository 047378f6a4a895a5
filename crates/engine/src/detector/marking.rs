//! Marking: the price is pushed just before the instant at which it counts (funding, index fixing), and let go after it.

use super::bars::{Bars, Flow, bps, money, way};
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::event::Event;
use crate::metric::Seen;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Fixings of every day, seconds after midnight UTC; funding times that a venue tells are added.
    pub fixings_utc_s: Vec<u32>,
    /// Length of the window that ends at the fixing, s.
    pub window_s: u32,
    /// Share of the window's trading that went one way, 0 to 1: bought minus sold over both.
    pub lean: f64,
    /// Traded in the window, times the usual.
    pub volume_multiple: f64,
    /// Move of mid in the window, standard deviations.
    pub sigmas: f64,
    /// And at least that, bps.
    pub move_min_bps: f64,
    /// Share of the move that is taken back after the fixing: makes it critical.
    pub reversal: f64,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            fixings_utc_s: vec![0, 28_800, 57_600],
            window_s: 60,
            lean: 0.5,
            volume_multiple: 1.3,
            sigmas: 4.0,
            move_min_bps: 8.0,
            reversal: 0.5,
        }
    }
}

/// Least time into the window before it is judged, s.
const BEGUN_S: usize = 10;
const DAY_S: i64 = 86_400;

/// What was found in the window before a fixing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Push {
    fixing: i64,
    since: Nanos,
    from: f64,
    to: f64,
    flow_buy: f64,
    flow_sell: f64,
    multiple: f64,
    sigmas: f64,
}

/// The push into the present fixing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Marking {
    bars: Bars,
    /// Next funding as the venue told it, s.
    funding: Option<i64>,
    push: Option<Push>,
}

impl Detector for Marking {
    type Params = Params;

    const ABOUT: About = About {
        id: "marking",
        title: "Marking the price",
        family: Family::Manipulation,
        sees: "Sees that in the last minute before a funding time or a daily fixing takers push mid one way, by many standard \
               deviations and on abnormal volume, and whether it is let go afterwards. Cannot see positions, so not who \
               would gain; honest hedging before funding looks alike until the move is taken back.",
        source: "Regulation (EU) 2016/522, annex II (marking the close), applied to funding and index windows",
        needs_book: true,
        pace: Pace { clear_ms: 60_000, cooldown_ms: 60_000 },
    };

    fn on(&mut self, seen: &Seen<'_>, _: &Params, _: &mut Found) {
        self.bars.on(seen);
        if let Event::Funding { next, .. } = &seen.stamped.event {
            self.funding = Some(next.0.div_euclid(NANOS_PER_SECOND));
        }
    }

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let window = params.window_s.clamp(BEGUN_S as u32, 300) as usize;
        let Some(mid) = self.bars.tick(look, window + 1) else { return };
        let now = look.at.0.div_euclid(NANOS_PER_SECOND);
        if let Some(push) = self.push {
            if now > push.fixing {
                self.after(push, mid, now, window as i64, params, found);
                return;
            }
        } else if !self.bars.is_warm() {
            found.gauge(self.bars.warmup());
            return found.skip(Skip::ZscoreWarmup);
        }
        let Some(fixing) = self.next(now, params) else { return found.skip(Skip::NoData) };
        let into = window as i64 - (fixing - now);
        found.gauge(Gauge { measure: Some(Measure::new("until_fixing_s", (fixing - now) as f64, None)), warmup: None });
        if into < BEGUN_S as i64 {
            return;
        }
        let Some(seconds) = self.pushed_most(into as usize) else { return };
        let (Some(change), Some(from)) = (self.bars.change_bps(seconds), self.bars.mid_ago(seconds)) else { return };
        let flow = self.bars.flow(seconds);
        let sigmas = change.abs() / self.bars.sigma_bps(seconds);
        let multiple = self.bars.multiple(flow, seconds);
        let lean = flow.lean() * change.signum();
        if sigmas < params.sigmas
            || change.abs() < params.move_min_bps
            || multiple < params.volume_multiple
            || lean < params.lean
        {
            return;
        }
        let since = self.push.map_or(look.at.plus(-(seconds as i64) * NANOS_PER_SECOND), |push| push.since);
        let (flow_buy, flow_sell) = (flow.buy, flow.sell);
        let push = Push { fixing, since, from, to: mid, flow_buy, flow_sell, multiple, sigmas };
        self.push = Some(push);
        let text = format!("{}, {} s before the fixing", told(&push), fixing - now);
        found.raise(push.finding(Severity::Warning, text, 0.0, params));
    }

    fn on_gap(&mut self) {
        self.bars.gap();
        self.push = None;
    }
}

impl Marking {
    /// The next fixing at or after a second.
    fn next(&self, now: i64, params: &Params) -> Option<i64> {
        let day = now.div_euclid(DAY_S) * DAY_S;
        let daily = params.fixings_utc_s.iter().flat_map(|s| [day + i64::from(*s), day + DAY_S + i64::from(*s)]);
        daily.chain(self.funding).filter(|at| *at >= now).min()
    }

    /// The time until now, within the window, in which mid moved by most deviations.
    fn pushed_most(&self, into: usize) -> Option<usize> {
        let sigmas = |s: usize| self.bars.change_bps(s).map(|change| change.abs() / self.bars.sigma_bps(s));
        let all = (BEGUN_S..=into).filter_map(|s| sigmas(s).map(|sigmas| (s, sigmas)));
        all.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(s, _)| s)
    }

    /// The fixing is past: is the price let go?
    fn after(&mut self, push: Push, mid: f64, now: i64, window: i64, params: &Params, found: &mut Found) {
        let back = bps(push.to, mid) / bps(push.to, push.from);
        let over = now - push.fixing >= window;
        if back >= params.reversal {
            let text = format!("{}; after the fixing {:.0} % of it was taken back to {mid}", told(&push), back * 100.0);
            found.raise(push.finding(Severity::Critical, text, back, params));
        }
        if over || back >= params.reversal {
            self.push = None;
        }
    }
}

/// What happened in the window.
fn told(push: &Push) -> String {
    let up = push.to > push.from;
    let flow = Flow { buy: push.flow_buy, sell: push.flow_sell };
    format!(
        "{} took {} of {} traded ({:.1}x the usual) and pushed mid {} {:.1} bps from {} to {}",
        if up { "buyers" } else { "sellers" },
        money(if up { flow.buy } else { flow.sell }),
        money(flow.total()),
        push.multiple,
        way(up),
        bps(push.to, push.from).abs(),
        push.from,
        push.to,
    )
}

impl Push {
    fn finding(&self, severity: Severity, text: String, back: f64, params: &Params) -> Finding {
        let flow = Flow { buy: self.flow_buy, sell: self.flow_sell };
        Finding {
            key: self.fixing as u64,
            severity,
            persist_ms: 0,
            holds: false,
            since: self.since,
            text,
            evidence: vec![
                Measure::new("move_bps", bps(self.to, self.from), Some(params.move_min_bps)),
                Measure::new("move_sigmas", self.sigmas, Some(params.sigmas)).with_zscore(self.sigmas),
                Measure::new("volume_multiple", self.multiple, Some(params.volume_multiple)),
                Measure::new("flow_lean", flow.lean(), Some(params.lean)),
                Measure::new("reversal_share", back, Some(params.reversal)),
            ],
        }
    }
}
