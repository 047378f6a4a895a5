//! The engine over one market, with what it raised: each alert once, at the moment when it first was that bad.

use super::baseline::Plain;
use fathometer_engine::alert::{AlertId, Severity, State};
use fathometer_engine::detector::CATALOGUE;
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::Input;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::metric::catalogue;
use fathometer_engine::output::{Outbox, Output};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use serde::Serialize;
use std::collections::BTreeMap;

/// Detectors whose subject is no misdeed and no danger: they tell it as a note, and it counts as found.
const NOTES: [&str; 3] = ["iceberg", "absorption", "pinging"];

/// An alert that fired.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Raised {
    /// When it first was that bad, by our clock.
    pub at: Nanos,
    /// `venue:symbol`.
    pub instrument: String,
    /// Id of the detector.
    pub detector: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What happened.
    pub text: String,
    /// The same in every replay.
    pub id: String,
}

impl Raised {
    /// Whether it counts as having found something.
    pub fn counts(&self) -> bool {
        self.severity >= Severity::Warning || NOTES.contains(&self.detector)
    }

    /// Whether somebody would have been called.
    pub fn is_alarm(&self) -> bool {
        self.severity >= Severity::Warning
    }
}

/// The engine and what it raised.
pub struct Watch {
    engine: Engine,
    outbox: Outbox,
    seen: BTreeMap<(AlertId, bool), ()>,
    /// In order of time.
    pub raised: Vec<Raised>,
    /// First and last event of each instrument that had a book.
    spans: BTreeMap<InstrumentId, (Nanos, Nanos)>,
    /// The plain rule beside it.
    pub plain: Option<Plain>,
}

impl Watch {
    /// A fresh engine; `plain` is held beside it.
    pub fn new(config: Config, plain: Option<Plain>) -> Self {
        Watch {
            engine: Engine::new(config),
            outbox: Outbox::default(),
            seen: BTreeMap::new(),
            raised: Vec::new(),
            spans: BTreeMap::new(),
            plain,
        }
    }

    /// Takes one input.
    pub fn step(&mut self, input: &Input<'_>) {
        self.outbox.clear();
        self.engine.step(input, &mut self.outbox, &mut NoStopwatch);
        for output in &self.outbox.items {
            match output {
                Output::Alert(alert) if alert.state == State::Firing => {
                    let alarm = alert.severity >= Severity::Warning;
                    if self.seen.insert((alert.id, alarm), ()).is_none() {
                        self.raised.push(Raised {
                            at: alert.at,
                            instrument: self.engine.registry().get(alert.instrument).id(),
                            detector: CATALOGUE.get(usize::from(alert.detector)).map_or("", |about| about.id),
                            severity: alert.severity,
                            text: alert.text.clone(),
                            id: alert.id.to_string(),
                        });
                    }
                }
                Output::Market { at, valid: true, stamped, .. } => {
                    self.spans.entry(stamped.instrument).or_insert((*at, *at)).1 = *at;
                }
                _ => {}
            }
            if let Some(plain) = &mut self.plain {
                plain.on(output, &self.outbox, &self.engine);
            }
        }
    }

    /// Hours watched, summed over instruments.
    pub fn hours(&self) -> f64 {
        let nanos: i64 = self.spans.values().map(|(first, last)| last.since(*first)).sum();
        nanos as f64 / (3_600 * NANOS_PER_SECOND) as f64
    }
}

/// Where the columns of a sample stand, for the plain rules.
pub fn column(config: &Config, id: &str) -> Option<usize> {
    catalogue(&config.metrics).iter().position(|spec| spec.id == id)
}
