//! Watches one instrument: asks every detector, keeps the alerts, counts what could not be told and why.

mod budget;

use crate::alert::{Lifecycle, Ripe, Severity};
use crate::detector::{CATALOGUE, Detectors, Found, Gauge, Look, Params, SETTLE_NANOS, Skip};
use crate::instrument::{Instrument, InstrumentId};
use crate::metric::Seen;
use crate::output::{Outbox, Output, Validity};
use crate::units::{Nanos, Scale};
use serde::{Deserialize, Serialize};

pub(crate) use budget::{Budget, Candidate};

/// Which detectors watch what, with which parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Whether anything is watched at all.
    pub enabled: bool,
    /// Parameters for every instrument that has none of its own.
    pub usual: Params,
    /// Parameters by canonical name.
    pub instruments: Vec<(String, Params)>,
    /// Detectors that are switched off, by id.
    pub off: Vec<String>,
    /// Alerts a day that the operator will read, of all instruments together; `None`: as many as there are.
    pub alerts_per_day: Option<f64>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            enabled: true,
            usual: Params::default(),
            instruments: Vec::new(),
            off: Vec::new(),
            alerts_per_day: None,
        }
    }
}

impl Rules {
    /// Parameters of an instrument.
    pub fn of(&self, canonical: &str) -> &Params {
        self.instruments.iter().find(|(name, _)| name == canonical).map_or(&self.usual, |(_, params)| params)
    }
}

/// What one detector did for one instrument.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What it looks at.
    pub gauge: Option<Gauge>,
    /// Why it cannot tell now.
    pub skip: Option<Skip>,
    /// How often it could not tell, by reason, as in `Skip::ALL`.
    pub skipped: [u64; Skip::ALL.len()],
    /// Times it found something.
    pub found: u64,
    /// Of these, left out: cooling down, too many at once, or held back by the budget.
    pub suppressed: u64,
    /// The worst alert of it that fires.
    pub firing: Option<Severity>,
}

/// How the watch over one instrument stands, once a second; a line per detector, as in `CATALOGUE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// When.
    pub at: Nanos,
    /// Whose.
    pub instrument: InstrumentId,
    /// By detector.
    pub lines: Vec<Line>,
}

/// The watch over one instrument.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Surveillance {
    detectors: Detectors,
    alerts: Lifecycle,
    /// Since when the book has been believed without a break.
    sound_since: Option<Nanos>,
    lines: Vec<Line>,
    #[serde(skip)]
    found: Found,
}

impl Surveillance {
    /// An event of the instrument.
    #[inline]
    pub(crate) fn on(&mut self, seen: &Seen<'_>, rules: &Rules, whose: InstrumentId, out: &mut Outbox) {
        if !rules.enabled {
            return;
        }
        let why = self.settle(seen.at, seen.validity);
        self.detectors.on(seen, why.is_none(), rules.of(&seen.instrument.canonical), &mut self.found);
        if !self.found.findings.is_empty() {
            self.judge(seen.at, whose, &seen.instrument.id(), rules, out);
        }
    }

    /// The sampling grid: every detector looks; `say` tells what came of it.
    pub(crate) fn look(&mut self, look: &Look<'_>, rules: &Rules) {
        let why = self.settle(look.at, look.validity);
        self.detectors.look(look, why, rules.of(&look.instrument.canonical), &mut self.found);
    }

    /// Alerts from what the detectors saw, and an end to those that are over.
    pub(crate) fn say(
        &mut self,
        at: Nanos,
        whose: InstrumentId,
        instrument: &Instrument,
        rules: &Rules,
        out: &mut Outbox,
    ) {
        self.lines.resize(CATALOGUE.len(), Line::default());
        for line in &mut self.lines {
            line.skip = None;
        }
        for (detector, skip) in self.found.skips.drain(..) {
            let Some(line) = self.lines.get_mut(usize::from(detector)) else { continue };
            line.skip = Some(skip);
            line.skipped[skip as usize] += 1;
        }
        for (detector, gauge) in self.found.gauges.drain(..) {
            if let Some(line) = self.lines.get_mut(usize::from(detector)) {
                line.gauge = Some(gauge);
            }
        }
        if !self.found.findings.is_empty() {
            self.judge(at, whose, &instrument.id(), rules, out);
        }
        self.alerts.pass(at, whose, &mut |alert| out.items.push(Output::Alert(Box::new(alert))));
    }

    /// Alerts from what was found.
    fn judge(&mut self, at: Nanos, whose: InstrumentId, name: &str, rules: &Rules, out: &mut Outbox) {
        self.lines.resize(CATALOGUE.len(), Line::default());
        for (detector, finding) in self.found.findings.drain(..) {
            let off =
                CATALOGUE.get(usize::from(detector)).is_none_or(|about| rules.off.iter().any(|id| id == about.id));
            let Some(line) = self.lines.get_mut(usize::from(detector)).filter(|_| !off) else { continue };
            line.found += u64::from(!finding.holds);
            let mut each = |alert| out.items.push(Output::Alert(Box::new(alert)));
            let budgeted = rules.alerts_per_day.is_some();
            line.suppressed += u64::from(!self.alerts.take(at, (whose, name), detector, &finding, budgeted, &mut each));
        }
    }

    /// What waits for the budget's word; the budget learns what was looked at.
    pub(crate) fn ripe(&self, at: Nanos, budget: &mut Budget) -> impl Iterator<Item = Ripe> + '_ {
        for detector in 0..CATALOGUE.len() as u8 {
            let score = self.alerts.ripe().find(|ripe| ripe.detector == detector).map(|ripe| ripe.score);
            budget.evaluated(at, detector, score);
        }
        self.alerts.ripe()
    }

    /// The budget's word.
    pub(crate) fn decide(&mut self, at: Nanos, whose: InstrumentId, ripe: &Ripe, fires: bool, out: &mut Outbox) {
        match self.alerts.decide(at, whose, ripe, fires) {
            Some(alert) => out.items.push(Output::Alert(Box::new(alert))),
            None => {
                if let Some(line) = self.lines.get_mut(usize::from(ripe.detector)) {
                    line.suppressed += 1;
                }
            }
        }
    }

    /// Why detectors that need the book cannot be asked now.
    fn settle(&mut self, at: Nanos, validity: Validity) -> Option<Skip> {
        if validity != Validity::Live {
            self.sound_since = None;
            return Some(Skip::BookInvalid);
        }
        let since = *self.sound_since.get_or_insert(at);
        (at.since(since) < SETTLE_NANOS).then_some(Skip::Gap)
    }

    /// The book is no longer believed.
    pub(crate) fn on_gap(&mut self) {
        self.sound_since = None;
        self.detectors.on_gap();
    }

    /// The instrument's units became finer.
    pub(crate) fn on_rescale(&mut self, from: Scale, to: Scale) {
        self.detectors.on_rescale(from, to);
    }

    /// How it stands.
    pub(crate) fn board(&self, at: Nanos, instrument: InstrumentId) -> Board {
        let mut lines = self.lines.clone();
        for (detector, severity) in self.alerts.firing() {
            if let Some(line) = lines.get_mut(usize::from(detector)) {
                line.firing = line.firing.max(Some(severity));
            }
        }
        Board { at, instrument, lines }
    }
}
