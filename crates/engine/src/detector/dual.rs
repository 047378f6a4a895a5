//! The dual condition: a threshold and a z-score, both exceeded, for long enough, at two severities.

use super::rolling::EverySecond;
use super::{Finding, Found, Gauge, Measure, Skip};
use crate::alert::Severity;
use crate::units::Nanos;
use crate::zscore::{Baseline, MAD_SCALE, NoScore, ZScore, ZScoreParams};
use serde::{Deserialize, Serialize};

/// Once an alert, it holds until the measure has come back from the threshold by that part.
const HYSTERESIS: f64 = 0.2;

/// When something is worth an alert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cut {
    /// What has to be exceeded; where there is none, it follows from `multiple` and what is usual.
    pub threshold: Option<f64>,
    /// Without a threshold: times the median (spread), parts of the median (depth) or scaled median absolute deviations
    /// from the median (basis), of the z-score's window.
    pub multiple: f64,
    /// Standard deviations from the mean that have to be exceeded as well; 0 is not asked for.
    pub zscore: f64,
    /// How long both have to hold, seconds.
    pub persistence_seconds: f64,
}

impl Default for Cut {
    fn default() -> Self {
        Cut { threshold: None, multiple: 5.0, zscore: 2.0, persistence_seconds: 0.0 }
    }
}

/// Which way is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worse {
    Higher,
    Lower,
    /// Far from zero, or from the median where there is no threshold.
    Farther,
}

/// One measure under the dual condition.
pub(super) struct Rule<'a> {
    pub(super) worse: Worse,
    pub(super) warning: Option<&'a Cut>,
    pub(super) critical: Option<&'a Cut>,
    /// A threshold that follows from what is usual is not milder than that.
    pub(super) floor: f64,
    pub(super) zscore: ZScoreParams,
    pub(super) name: &'static str,
}

/// What is kept of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Dual {
    window: Option<ZScore>,
    second: EverySecond,
    since: Option<Nanos>,
    /// Samples in a row that were not learned from, because they are what is judged.
    withheld: u32,
}

/// What a reading comes to.
pub(super) struct Judged {
    pub(super) threshold: f64,
    pub(super) zscore: Option<f64>,
    pub(super) median: Option<f64>,
}

impl Dual {
    /// Takes a reading, once a second, and says what it comes to; `say` writes the sentence.
    ///
    /// While the condition holds the window does not learn: a step that had to persist for two minutes would otherwise be
    /// usual before it could become an alert. After a window's length it is usual, and learned.
    pub(super) fn look(
        &mut self,
        at: Nanos,
        value: f64,
        rule: &Rule<'_>,
        found: &mut Found,
        say: impl Fn(&Judged) -> (String, Vec<Measure>),
    ) {
        let due = self.second.due(at);
        let window = self.window.get_or_insert_with(|| ZScore::new(rule.zscore));
        if due && (self.since.is_none() || self.withheld >= rule.zscore.window_size) {
            window.push(value);
        }
        let (score, usual) = (window.classic_of(value), window.baseline().ok());
        let of = |cut: &Cut| cut.threshold.or_else(|| usual.map(|usual| derived(rule, cut, &usual)));
        let warning = rule.warning.and_then(of);
        let mut measure = Measure::new(rule.name, value, warning.or_else(|| rule.critical.and_then(of)));
        measure.zscore = score.ok();
        let warmup = match score {
            Err(NoScore::Warmup { have, need }) => Some((have, need)),
            _ => None,
        };
        found.gauge(Gauge { measure: Some(measure.clone()), warmup });
        let scored = |cut: &Cut| cut.zscore > 0.0 || cut.threshold.is_none();
        if warmup.is_some() && rule.warning.into_iter().chain(rule.critical).any(scored) {
            found.skip(Skip::ZscoreWarmup);
        }
        if !due {
            return;
        }
        let exceeds = |cut: Option<&Cut>| {
            let cut = cut?;
            let threshold = of(cut)?;
            let median = usual.filter(|_| cut.threshold.is_none()).map_or(0.0, |usual| usual.median);
            let unusual = match (score, rule.worse) {
                _ if cut.zscore <= 0.0 => true,
                (Ok(z), Worse::Higher) => z >= cut.zscore,
                (Ok(z), Worse::Lower) => z <= -cut.zscore,
                (Ok(z), Worse::Farther) => z.abs() >= cut.zscore,
                (Err(_), _) => false,
            };
            let (over, near) = match rule.worse {
                Worse::Higher => (value >= threshold, value >= threshold * (1.0 - HYSTERESIS)),
                Worse::Lower => (value <= threshold, value <= threshold * (1.0 + HYSTERESIS)),
                Worse::Farther => {
                    let far = (value - median).abs();
                    (far >= threshold, far >= threshold * (1.0 - HYSTERESIS))
                }
            };
            Some((over && unusual, near, threshold, cut.persistence_seconds))
        };
        let (warning, critical) = (exceeds(rule.warning), exceeds(rule.critical));
        let met = [(Severity::Critical, critical), (Severity::Warning, warning)]
            .into_iter()
            .filter_map(|(severity, met)| met.map(|met| (severity, met)));
        let (severity, (over, _, threshold, persist)) = match met.clone().find(|(_, met)| met.0) {
            Some(met) => met,
            None => match met.clone().find(|(_, met)| met.1 && self.since.is_some()) {
                Some(holds) => holds,
                None => {
                    (self.since, self.withheld) = (None, 0);
                    return;
                }
            },
        };
        self.withheld = self.withheld.saturating_add(1);
        let since = *self.since.get_or_insert(at);
        let judged = Judged { threshold, zscore: score.ok(), median: usual.map(|usual| usual.median) };
        let (text, mut evidence) = say(&judged);
        measure.cut = Some(threshold);
        evidence.insert(0, measure);
        let persist_ms = (persist * 1e3).clamp(0.0, 1e9) as u32;
        found.raise(Finding { key: 0, severity, persist_ms, holds: !over, since, text, evidence });
    }

    /// The book was lost.
    pub(super) fn gap(&mut self) {
        (self.since, self.withheld) = (None, 0);
        if let Some(window) = &mut self.window {
            window.gap();
        }
    }
}

fn derived(rule: &Rule<'_>, cut: &Cut, usual: &Baseline) -> f64 {
    match rule.worse {
        Worse::Higher => (usual.median * cut.multiple).max(rule.floor),
        Worse::Lower => usual.median * cut.multiple,
        Worse::Farther => (usual.mad * MAD_SCALE * cut.multiple).max(rule.floor),
    }
}

/// `, 3.1 standard deviations from its mean`, or nothing.
pub(super) fn scored(judged: &Judged) -> String {
    judged.zscore.map_or_else(String::new, |z| format!(" and {:.1} standard deviations from its mean", z.abs()))
}
