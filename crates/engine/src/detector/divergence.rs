//! Divergence: this venue left the price that the others agree on; who merely follows is not blamed.

use super::bars::{bps, round};
use super::consensus::consensus;
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::instrument::Kind;
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Distance from the others beyond the usual one, bps: a warning; three times that is critical.
    pub distance_bps: f64,
    /// And standard deviations of the usual one.
    pub sigmas: f64,
    /// For that long, ms.
    pub persist_ms: u32,
    /// A mate whose book has not changed for longer is not asked, ms.
    pub age_max_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { distance_bps: 8.0, sigmas: 6.0, persist_ms: 2_000, age_max_ms: 5_000 }
    }
}

/// Lead or lag that is looked for, samples each way (100 ms by default).
const LAG_MAX: usize = 15;
const LAGS: usize = 2 * LAG_MAX + 1;
/// Samples over which products of changes are averaged.
const LAG_MEMORY: f64 = 600.0;
/// Correlation from which a lead or lag is believed.
const LAG_SURE: f64 = 0.2;
/// Samples before anything is called usual, and over which it is averaged.
const WARM: u32 = 300;
const MEMORY: u32 = 3_000;
/// Least deviation of the usual distance, bps.
const SIGMA_MIN_BPS: f64 = 0.3;
/// What is taken into the usual at most, deviations.
const CAP: f64 = 3.0;

/// The usual distance, who leads, and where both stood when they last agreed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Divergence {
    /// Own and the others' mids, the last sample last.
    mids: VecDeque<(f64, f64)>,
    who: u64,
    /// Mean product of own and others' changes by lag, and of their squares.
    products: Vec<f64>,
    squares: (f64, f64),
    seen: u32,
    mean: f64,
    variance: f64,
    agreed: (f64, f64),
    since: Option<Nanos>,
}

impl Detector for Divergence {
    type Params = Params;

    const ABOUT: About = About {
        id: "divergence",
        title: "Venue divergence",
        family: Family::Pricing,
        sees: "Sees that this venue's mid left the middle of the other venues' mids, beyond its usual distance and its usual \
               lead or lag, and that it was this venue that moved. Lead and lag are measured up to 1.5 s by the correlation \
               of mid changes. With one other venue only it blames whoever moved further since both agreed. Cannot see \
               venues that are not watched.",
        source: "distance to the median of mids; lag = argmax of the cross-correlation (cf. Hayashi & Yoshida 2005)",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let (Some((bid, ask)), Some(others)) = (look.touch(), consensus(look, params.age_max_ms)) else {
            self.since = None;
            return found.skip(Skip::NoData);
        };
        let mid = round(f64::midpoint(bid, ask));
        if self.who != others.who {
            *self = Divergence { who: others.who, agreed: (mid, others.mid), ..Divergence::default() };
        }
        self.follow(mid, others.mid);
        let lag = self.lag();
        let (own, theirs) = self.aligned(lag);
        let distance = bps(own, theirs);
        let (beyond, deviation) = (distance - self.mean, self.variance.sqrt().max(SIGMA_MIN_BPS));
        let warm = self.seen >= WARM;
        self.learn(distance, deviation, warm);
        if !warm {
            found.gauge(Gauge { measure: None, warmup: Some((self.seen, WARM)) });
            return found.skip(Skip::ZscoreWarmup);
        }
        let sigmas = beyond / deviation;
        let measure = Measure::new("beyond_usual_bps", beyond, Some(params.distance_bps)).with_zscore(sigmas);
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        if beyond.abs() < params.distance_bps / 2.0 {
            self.agreed = (mid, others.mid);
        }
        let (own_move, their_move) = (bps(mid, self.agreed.0), bps(others.mid, self.agreed.1));
        let left = own_move.abs() > their_move.abs() && self.is_alone(look, mid, params);
        if beyond.abs() < params.distance_bps || sigmas.abs() < params.sigmas || !left {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(look.at);
        let lag_ms = lag as f64 * 100.0;
        let critical = beyond.abs() >= 3.0 * params.distance_bps;
        found.raise(Finding {
            key: 0,
            severity: if critical { Severity::Critical } else { Severity::Warning },
            persist_ms: params.persist_ms,
            holds: false,
            since,
            text: format!(
                "mid {mid} left the {} of {} other venue(s): {distance:+.1} bps, usually {:+.1}; it moved {own_move:+.1} bps \
                 since they agreed, the others {their_move:+.1}",
                others.mid, others.count, self.mean,
            ),
            evidence: vec![
                measure,
                Measure::new("distance_bps", distance, None),
                Measure::new("own_move_bps", own_move, Some(their_move.abs())),
                Measure::new("others_move_bps", their_move, None),
                Measure::new("follows_by_ms", lag_ms, None),
                Measure::new("lasted_s", look.at.since(since) as f64 / NANOS_PER_SECOND as f64, None),
            ],
        });
    }

    fn on_gap(&mut self) {
        self.mids.clear();
        self.since = None;
    }
}

impl Divergence {
    /// The next pair of mids, and what it says about who follows whom.
    fn follow(&mut self, own: f64, others: f64) {
        if self.products.is_empty() {
            self.products.resize(LAGS, 0.0);
            self.mids.reserve_exact(LAG_MAX + 3);
        }
        if self.mids.len() > LAG_MAX + 1 {
            self.mids.pop_front();
        }
        self.mids.push_back((own, others));
        let change = |back: usize| -> Option<(f64, f64)> {
            let at = self.mids.len().checked_sub(back + 1)?;
            let (now, before) = (self.mids.get(at)?, self.mids.get(at.checked_sub(1)?)?);
            Some((now.0 / before.0 - 1.0, now.1 / before.1 - 1.0))
        };
        let Some((dx, dy)) = change(0) else { return };
        let keep = 1.0 - 1.0 / LAG_MEMORY;
        self.squares = (self.squares.0 * keep + dx * dx, self.squares.1 * keep + dy * dy);
        for (slot, product) in self.products.iter_mut().enumerate() {
            let back = slot.abs_diff(LAG_MAX);
            let past = if back > 0 && (dx == 0.0 && dy == 0.0) { None } else { change(back) };
            let (past_x, past_y) = past.unwrap_or_default();
            // Slots above the middle: own changes after the others'.
            *product = *product * keep + if slot >= LAG_MAX { dx * past_y } else { dy * past_x };
        }
    }

    /// Whether nobody else, of whatever kind, stands where this venue does: then it is not the one that left.
    fn is_alone(&self, look: &Look<'_>, mid: f64, params: &Params) -> bool {
        let mates = look.mates.iter().filter(|mate| matches!(mate.kind, Kind::Spot | Kind::Perpetual));
        mates.into_iter().all(|mate| bps(mid, mate.mid()).abs() >= params.distance_bps / 2.0)
    }

    /// Samples by which this venue follows the others; negative where it leads, 0 where it cannot be told.
    fn lag(&self) -> i64 {
        let scale = (self.squares.0 * self.squares.1).sqrt();
        let best = self.products.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        match best {
            Some((slot, product)) if *product >= LAG_SURE * scale && scale > 0.0 => slot as i64 - LAG_MAX as i64,
            _ => 0,
        }
    }

    /// Own mid and the others', the leader's taken as long ago as the other follows.
    fn aligned(&self, lag: i64) -> (f64, f64) {
        let ago = |back: usize| self.mids.len().checked_sub(back + 1).and_then(|at| self.mids.get(at)).copied();
        let now = ago(0).unwrap_or_default();
        let then = ago(lag.unsigned_abs() as usize).unwrap_or(now);
        if lag >= 0 { (now.0, then.1) } else { (then.0, now.1) }
    }

    fn learn(&mut self, distance: f64, deviation: f64, warm: bool) {
        self.seen = self.seen.saturating_add(1);
        let part = 1.0 / f64::from(self.seen.min(MEMORY));
        let step = distance - self.mean;
        let step = if warm { step.clamp(-CAP * deviation, CAP * deviation) } else { step };
        self.mean += part * step;
        self.variance = (1.0 - part) * (self.variance + part * step * step);
    }
}
