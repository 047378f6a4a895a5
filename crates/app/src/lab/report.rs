//! What `lab` prints: one object, or a table for people.

use super::clean::Clean;
use super::score::{Score, Tally};
use super::watch::Raised;
use fathometer_engine::detector::CATALOGUE;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By kind of script.
    pub kinds: Vec<Line>,
    /// On clean real recordings; on simulated flow where there are none.
    pub false_alerts_per_instrument_hour: Option<f64>,
    /// On clean real recordings alone, with each alert.
    pub clean_recorded: Clean,
    /// On clean simulated flow, with each alert.
    pub clean_simulated: Clean,
    /// Where the real recordings are not.
    pub without_recordings: bool,
}

/// What was measured of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Name of the kind.
    pub kind: &'static str,
    /// Scripts played.
    pub runs: u32,
    /// Share of the alerts that were right.
    pub precision: f64,
    /// Share of the scripts that were found.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// The same of the plain threshold rule.
    pub baseline_f1: f64,
    /// From the first right alert to the script's last act, seconds; below zero: after it.
    pub lead_time_s_median: Option<f64>,
    /// Detectors that count as finding it, and whether each exists.
    pub detectors: Vec<(&'static str, bool)>,
    /// Counts behind the shares.
    pub counts: Tally,
    /// Counts of the plain rule.
    pub baseline_counts: Tally,
    /// What was missed: seed and flow.
    pub missed: Vec<(u64, String)>,
    /// Alerts that found nothing: seed, flow, alert.
    pub wrong: Vec<(u64, String, Raised)>,
    /// Other detectors that raised meanwhile.
    pub beside: BTreeMap<&'static str, u32>,
}

impl From<Score> for Line {
    fn from(score: Score) -> Self {
        let exists = |id: &&'static str| (*id, CATALOGUE.iter().any(|about| about.id == *id));
        Line {
            kind: score.kind.name(),
            runs: score.ours.runs,
            precision: score.ours.precision(),
            recall: score.ours.recall(),
            f1: score.ours.f1(),
            baseline_f1: score.plain.f1(),
            lead_time_s_median: score.lead_median(),
            detectors: score.kind.detectors().iter().map(exists).collect(),
            counts: score.ours,
            baseline_counts: score.plain,
            missed: score.missed,
            wrong: score.wrong,
            beside: score.beside,
        }
    }
}

impl Report {
    /// As a table.
    pub fn table(&self, verbose: bool) -> String {
        let mut out =
            String::from("kind              runs  precision  recall    f1  plain f1  lead s  also raised meanwhile\n");
        for line in &self.kinds {
            let lead = line.lead_time_s_median.map_or_else(|| "-".to_owned(), |lead| format!("{lead:.1}"));
            let beside: Vec<String> = line.beside.iter().map(|(id, count)| format!("{id} {count}")).collect();
            let missing = line.detectors.iter().all(|(_, exists)| !exists);
            let note = if missing { "NO DETECTOR YET".to_owned() } else { beside.join(", ") };
            let _ = writeln!(
                out,
                "{:<17} {:>4}  {:>9.2}  {:>6.2}  {:>4.2}  {:>8.2}  {lead:>6}  {note}",
                line.kind, line.runs, line.precision, line.recall, line.f1, line.baseline_f1
            );
        }
        let mut clean = |name: &str, clean: &Clean| {
            let rate = clean.rate().map_or_else(|| "not measured".to_owned(), |rate| format!("{rate:.2}"));
            let _ = writeln!(
                out,
                "false alerts per instrument-hour, {name}: {rate} ({} in {:.2} h)",
                clean.alarms.len(),
                clean.instrument_hours
            );
            for (flow, alarm) in clean.alarms.iter().filter(|_| verbose) {
                let _ = writeln!(out, "  {flow}: {}", told(alarm));
            }
        };
        clean("clean recordings", &self.clean_recorded);
        clean("clean simulated flow", &self.clean_simulated);
        if self.without_recordings {
            out.push_str(
                "NOT RUN: real recordings; there is no folder ../shared/realdata and FATHOMETER_REALDATA names none\n",
            );
        }
        for line in self.kinds.iter().filter(|_| verbose) {
            for (seed, flow) in &line.missed {
                let _ = writeln!(out, "missed: {} seed {seed} in {flow}", line.kind);
            }
            for (seed, flow, alert) in &line.wrong {
                let _ = writeln!(out, "wrong: {} seed {seed} in {flow}: {}", line.kind, told(alert));
            }
        }
        out
    }
}

/// One alert on a line.
pub fn told(alert: &Raised) -> String {
    let seconds = alert.at.0 as f64 / 1e9;
    format!("{seconds:.3} {} {} {}: {}", alert.instrument, alert.detector, alert.severity.name(), alert.text)
}
