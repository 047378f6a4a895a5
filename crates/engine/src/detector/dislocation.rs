//! Dislocation: a derivative leaves its mark, its index or its spot by far more than usual.

use super::bars::round;
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::instrument::Kind;
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Distance beyond the usual one, bps: a warning.
    pub warning_bps: f64,
    /// The same: critical.
    pub critical_bps: f64,
    /// And standard deviations of the usual one.
    pub sigmas: f64,
    /// For that long, ms.
    pub persist_ms: u32,
    /// A reference that is older is not compared with, ms.
    pub age_max_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { warning_bps: 10.0, critical_bps: 30.0, sigmas: 6.0, persist_ms: 3_000, age_max_ms: 5_000 }
    }
}

/// The usual distance to one reference, bps.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Usual {
    seen: u32,
    mean: f64,
    variance: f64,
    since: Option<Nanos>,
}

/// The usual distance to each reference.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Dislocation {
    usual: [Usual; 3],
    /// The second for which the usual was last told.
    second: i64,
}

/// Seconds before anything is called usual, and over which it is averaged.
const WARM: u32 = 30;
const MEMORY: u32 = 600;
/// Least deviation of the usual distance, bps.
const SIGMA_MIN_BPS: f64 = 0.5;
/// What is taken into the usual at most, deviations.
const CAP: f64 = 3.0;

impl Detector for Dislocation {
    type Params = Params;

    const ABOUT: About = About {
        id: "dislocation",
        title: "Price dislocation",
        family: Family::Pricing,
        sees: "Sees that mid of a derivative stands for seconds further from mark, index or spot than it usually does. Each is \
               compared only while it is fresh, and what a reference lags in a fast market is over before the wait is. \
               Cannot say which of the two is wrong: `divergence` asks the other venues.",
        source: "basis = (mid - reference) / reference, against its own mean and deviation",
        needs_book: true,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 60_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        if look.instrument.kind == Kind::Spot || look.instrument.kind == Kind::Option {
            return found.skip(Skip::NotApplicable);
        }
        let Some((bid, ask)) = look.touch() else { return found.skip(Skip::NoData) };
        let mid = round(f64::midpoint(bid, ask));
        let second = look.at.0.div_euclid(NANOS_PER_SECOND);
        let turned = std::mem::replace(&mut self.second, second) != second;
        let references = [("mark", look.peers.mark), ("index", look.peers.index), ("spot", look.peers.spot_mid)];
        let (mut any, mut widest) = (false, Gauge::default());
        for (number, (name, reference)) in references.into_iter().enumerate() {
            let age_max = i64::from(params.age_max_ms) * NANOS_PER_MILLI;
            let usual = &mut self.usual[number];
            let Some((price, _)) = reference.map(|(p, at)| (round(p), at)).filter(|(p, at)| *p > 0.0 && look.at.since(*at) <= age_max) else {
                usual.since = None;
                continue;
            };
            any = true;
            let basis = (mid - price) / price * 1e4;
            let (beyond, sigmas) = (basis - usual.mean, usual.sigmas(basis));
            let warm = usual.seen >= WARM;
            if turned {
                usual.learn(basis);
            }
            if !warm {
                widest.warmup = Some((usual.seen, WARM));
                continue;
            }
            let measure = Measure::new("beyond_usual_bps", beyond, Some(params.warning_bps)).with_zscore(sigmas);
            if widest.measure.as_ref().is_none_or(|m| m.value.abs() < beyond.abs()) {
                widest.measure = Some(measure.clone());
            }
            if beyond.abs() < params.warning_bps || sigmas.abs() < params.sigmas {
                usual.since = None;
                continue;
            }
            let since = *usual.since.get_or_insert(look.at);
            let severity = if beyond.abs() >= params.critical_bps { Severity::Critical } else { Severity::Warning };
            let side = if basis > usual.mean { "above" } else { "below" };
            found.raise(Finding {
                key: number as u64,
                severity,
                persist_ms: params.persist_ms,
                holds: false,
                since,
                text: format!(
                    "mid {mid} stands {basis:+.1} bps from {name} {price}: {:.1} bps {side} the usual {:+.1} bps",
                    beyond.abs(),
                    usual.mean,
                ),
                evidence: vec![
                    measure,
                    Measure::new("basis_bps", basis, None),
                    Measure::new("usual_bps", usual.mean, None),
                    Measure::new("sigmas", sigmas, Some(params.sigmas)).with_zscore(sigmas),
                ],
            });
        }
        if any { found.gauge(widest) } else { found.skip(Skip::NoData) }
    }

    fn on_gap(&mut self) {
        for usual in &mut self.usual {
            usual.since = None;
        }
    }
}

impl Usual {
    fn sigmas(&self, basis: f64) -> f64 {
        (basis - self.mean) / self.variance.sqrt().max(SIGMA_MIN_BPS)
    }

    fn learn(&mut self, basis: f64) {
        self.seen = self.seen.saturating_add(1);
        let part = 1.0 / f64::from(self.seen.min(MEMORY));
        let mut step = basis - self.mean;
        if self.seen > WARM {
            let cap = CAP * self.variance.sqrt().max(SIGMA_MIN_BPS);
            step = step.clamp(-cap, cap);
        }
        self.mean += part * step;
        self.variance = (1.0 - part) * (self.variance + part * step * step);
    }
}
