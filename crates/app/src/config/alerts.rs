//! `alerts.yaml`: thresholds per instrument, and who is told.

use super::delivery::{self, Sink};
use super::detectors;
use super::node::{Node, same};
use super::problem::{Problems, hint};
use super::table::Table;
use fathometer_engine::detector::Params;
use serde::Serialize;

/// The whole file.
#[derive(Debug, Default)]
pub struct Alerts {
    /// Thresholds per instrument.
    pub thresholds: Vec<Thresholds>,
    /// Who is told.
    pub sinks: Vec<Sink>,
    /// Parameters of the detectors, and which are switched off.
    pub detectors: (Params, Vec<String>),
    /// Alerts a day that will be read.
    pub alerts_per_day: Option<f64>,
}

/// The thresholds of one instrument.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Whose: the instrument's name across exchanges.
    pub instrument: String,
    /// Those that are set.
    pub rules: Vec<Rule>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Which: `spread_warning`.
    pub name: &'static str,
    /// Bps for spread and basis, quote currency for depth.
    pub threshold: f64,
    /// Standard deviations that must be exceeded as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zscore: Option<f64>,
    /// How long both must hold, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence_seconds: Option<f64>,
}

const RULES: [&str; 6] =
    ["spread_warning", "spread_critical", "basis_warning", "basis_critical", "depth_warning", "depth_critical"];

/// Reads the file's tree; every name has to be one of `ids`, where these are known.
pub fn read(node: &Node, ids: Option<&[String]>, problems: &Problems) -> Alerts {
    let Some(file) = Table::open(node, "", problems) else { return Alerts::default() };
    let mut all = Vec::new();
    if let Some(thresholds) = file.table("thresholds") {
        for (key, node) in thresholds.entries() {
            let found = ids.map_or(Some(&key.name), |ids| ids.iter().find(|id| same(id, &key.name)));
            let Some(id) = found else {
                if key.at.is_built_in() {
                    continue;
                }
                let ids: Vec<&str> = ids.into_iter().flatten().map(String::as_str).collect();
                let text = format!(
                    "thresholds for `{}`, which is no instrument of instruments.yaml{}",
                    key.name,
                    hint(&key.name, &ids)
                );
                problems.error(&key.at, text);
                continue;
            };
            all.push(Thresholds { instrument: id.clone(), rules: rules(node, &thresholds.name(id), problems) });
        }
    }
    let sinks = delivery::read(file.table("delivery"), problems);
    let detectors = detectors::read(file.node("detectors"), problems);
    let alerts_per_day = file.number("alerts_per_day", 0.1..=1e6);
    file.finish();
    Alerts { thresholds: all, sinks, detectors, alerts_per_day }
}

fn rules(node: &Node, path: &str, problems: &Problems) -> Vec<Rule> {
    let Some(table) = Table::open(node, path, problems) else { return Vec::new() };
    let rules = RULES.into_iter().filter_map(|name| rule(&table, name)).collect::<Vec<_>>();
    for (mild, severe, higher_is_worse) in [
        ("spread_warning", "spread_critical", true),
        ("basis_warning", "basis_critical", true),
        ("depth_warning", "depth_critical", false),
    ] {
        let of = |name: &str| rules.iter().find(|rule| rule.name == name).map(|rule| rule.threshold);
        if let (Some(warning), Some(critical)) = (of(mild), of(severe))
            && (warning > critical) == higher_is_worse
            && warning != critical
        {
            let text = format!("`{path}`: {mild} ({warning}) is worse than {severe} ({critical}); exchange them");
            problems.error(&table.at, text);
        }
    }
    table.finish();
    rules
}

fn rule(table: &Table<'_>, name: &'static str) -> Option<Rule> {
    let rule = table.table(name)?;
    let threshold = rule.number("threshold", 0.0..=1e15);
    if threshold.is_none() && rule.entries().iter().all(|(key, _)| key.name != "threshold") {
        table.missing(&rule.at, &rule.name("threshold"));
    }
    // Depth is compared with a plain amount.
    let relative = !name.starts_with("depth");
    let zscore = if relative { rule.number("zscore", 0.0..=100.0) } else { None };
    let persistence_seconds = if relative { rule.number("persistence_seconds", 0.0..=86_400.0) } else { None };
    rule.finish();
    Some(Rule { name, threshold: threshold?, zscore, persistence_seconds })
}
