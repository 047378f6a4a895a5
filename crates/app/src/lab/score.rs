//! Who found what: alerts against labels.

use super::watch::Raised;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use fathometer_venue::lab::{Kind, Label};
use serde::Serialize;
use std::collections::BTreeMap;

/// An alert counts as having found a script until so long after its last act, ns: a move has to be over before it can be
/// told from a change of price.
pub const AFTER_NANOS: i64 = 30 * NANOS_PER_SECOND;

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was played.
    pub kind: Kind,
    /// Seed.
    pub seed: u64,
    /// In which flow.
    pub flow: String,
    /// The market that it was about.
    pub instrument: String,
    /// When; none where the flow ended before it began.
    pub label: Option<Label>,
    /// What was raised.
    pub raised: Vec<Raised>,
    /// What the plain rule raised.
    pub plain: Vec<Nanos>,
}

/// Found, missed, and raised for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Scripts played.
    pub runs: u32,
    /// Of these found.
    pub found: u32,
    /// Alerts that found one.
    pub right: u32,
    /// Alerts that did not.
    pub wrong: u32,
}

impl Tally {
    /// Share of the alerts that found something; without alerts there is none that is wrong, but none that is right.
    pub fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }
    /// Share of the scripts that were found.
    pub fn recall(&self) -> f64 {
        ratio(self.found, self.runs)
    }
    /// Harmonic mean of the two.
    pub fn f1(&self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }

    fn add(&mut self, label: Label, alerts: impl Iterator<Item = (Nanos, bool)>) -> Option<Nanos> {
        self.runs += 1;
        let mut first = None;
        for (at, subject) in alerts {
            if subject && label.start <= at && at <= label.end.plus(AFTER_NANOS) {
                self.right += 1;
                first = first.or(Some(at));
            } else {
                self.wrong += 1;
            }
        }
        self.found += u32::from(first.is_some());
        first
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

/// What came of all runs of one kind.
#[derive(Clone, Debug)]
pub struct Score {
    /// What was played.
    pub kind: Kind,
    /// The detectors.
    pub ours: Tally,
    /// The plain rule.
    pub plain: Tally,
    /// From the first right alert to the script's last act, seconds: how much of it was still to come; below zero where the
    /// alert came after it.
    pub lead_seconds: Vec<f64>,
    /// Scripts that were missed: seed and flow.
    pub missed: Vec<(u64, String)>,
    /// Alerts that found nothing: seed, flow and the alert.
    pub wrong: Vec<(u64, String, Raised)>,
    /// How often each detector, counted or not, raised during a script: what it looks like to the others.
    pub beside: BTreeMap<&'static str, u32>,
}

impl Score {
    /// Of all runs of a kind.
    pub fn of(kind: Kind, runs: &[Run]) -> Score {
        let mut score = Score {
            kind,
            ours: Tally::default(),
            plain: Tally::default(),
            lead_seconds: Vec::new(),
            missed: Vec::new(),
            wrong: Vec::new(),
            beside: BTreeMap::new(),
        };
        for run in runs.iter().filter(|run| run.kind == kind) {
            let Some(label) = run.label else { continue };
            let within = |at: Nanos| label.start <= at && at <= label.end.plus(AFTER_NANOS);
            for alert in &run.raised {
                let is_mine = kind.detectors().contains(&alert.detector);
                if !is_mine && alert.is_alarm() && within(alert.at) {
                    *score.beside.entry(alert.detector).or_default() += 1;
                }
            }
            let mine = first_of_each(run, kind);
            let wrong = mine.iter().filter(|a| a.instrument != run.instrument || !within(a.at));
            score.wrong.extend(wrong.map(|alert| (run.seed, run.flow.clone(), (*alert).clone())));
            let first = score.ours.add(label, mine.iter().map(|a| (a.at, a.instrument == run.instrument)));
            score.plain.add(label, run.plain.iter().map(|at| (*at, true)));
            match first {
                Some(at) => score.lead_seconds.push(label.end.since(at) as f64 / NANOS_PER_SECOND as f64),
                None => score.missed.push((run.seed, run.flow.clone())),
            }
        }
        score.lead_seconds.sort_by(f64::total_cmp);
        score
    }

    /// Median of the lead times, seconds.
    pub fn lead_median(&self) -> Option<f64> {
        self.lead_seconds.get(self.lead_seconds.len() / 2).copied()
    }
}

/// The alerts of a kind's detectors that count, each once: one that was a note first and a warning later is one.
fn first_of_each(run: &Run, kind: Kind) -> Vec<&Raised> {
    let mut seen = Vec::new();
    let mine = run.raised.iter().filter(|a| kind.detectors().contains(&a.detector) && a.counts());
    mine.filter(|alert| {
        let new = !seen.contains(&&alert.id);
        seen.push(&alert.id);
        new
    })
    .collect()
}
