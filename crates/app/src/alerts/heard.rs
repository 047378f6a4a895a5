//! The alerts of a replay: what was raised, and whether a tape that is evidence of one raised it again.

use super::evidence::{self, About};
use super::store::Store;
use crate::api::alerts::told::AlertTold;
use fathometer_engine::engine::Engine;
use fathometer_engine::output::{Outbox, Output};
use serde::Serialize;
use std::fmt::Write;

/// What was heard so far.
#[derive(Debug, Default)]
pub struct Heard {
    store: Store,
    expected: Option<About>,
    raised: bool,
}

/// Whether evidence held.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Version of the program that wrote the evidence.
    pub version: String,
    /// The alert in its words.
    pub alert: serde_json::Value,
    /// Whether it was raised again: the same number, instant, severity, sentence and measures.
    pub identical: bool,
}

impl Heard {
    /// Nothing yet, of a tape with that head.
    pub fn of(header: Option<&[u8]>) -> Self {
        Heard { expected: header.and_then(evidence::about), ..Heard::default() }
    }

    /// Takes what the engine said last.
    pub fn hear(&mut self, outbox: &Outbox, engine: &Engine) {
        for output in &outbox.items {
            match output {
                Output::Alert(alert) => {
                    let whose = engine.registry().all().get(alert.instrument.0 as usize);
                    self.store.take(alert, &whose.map_or(String::new(), |info| info.id()));
                    let is_it = |about: &About| about.alert == evidence::words(alert);
                    self.raised |= self.expected.as_ref().is_some_and(is_it);
                }
                Output::Board(board) => self.store.pass(board.at),
                _ => {}
            }
        }
    }

    /// Every alert, oldest first.
    pub fn alerts(&self) -> Vec<AlertTold> {
        self.store.all().map(AlertTold::of).collect()
    }

    /// Whether evidence held, if the tape is such.
    pub fn verdict(&self) -> Option<Verdict> {
        let about = self.expected.as_ref()?;
        Some(Verdict {
            version: about.version.clone(),
            alert: serde_json::from_str(&about.alert).unwrap_or_default(),
            identical: self.raised,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for alert in self.alerts() {
            let fired = alert.fired.as_deref().map_or_else(|| "pending".to_owned(), |at| format!("fired {at}"));
            let over = alert.resolved.as_deref().map_or_else(String::new, |at| format!(", over {at}"));
            let (severity, title) = (&alert.severity, &alert.title);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{severity:8} {title}, {}: {} ({fired}{over}) {}",
                alert.instrument, alert.text, alert.id
            );
            for it in &alert.evidence {
                let cut = it.cut.map_or_else(String::new, |cut| format!("  cut {cut}"));
                let zscore = it.zscore.map_or_else(String::new, |zscore| format!("  z {zscore:.2}"));
                let _ = writeln!(text, "         {} {}{cut}{zscore}", it.name, it.value);
            }
        }
        if let Some(verdict) = self.verdict() {
            let held = if verdict.identical { "raised again, identically" } else { "NOT raised again as it was" };
            let _ = writeln!(text, "evidence of version {}: the alert was {held}", verdict.version);
        }
        text
    }
}
