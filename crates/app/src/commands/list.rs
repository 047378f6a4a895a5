//! `list`: venues, metrics and instruments.

use super::{load, print, print_json};
use crate::cli::about::{ListArgs, Listed};
use crate::config::Config;
use crate::failure::Outcome;
use crate::symbols::Symbols;
use fathometer_engine::instrument::Venue;
use fathometer_engine::metric::{Spec, catalogue};
use serde_json::json;
use std::fmt::Write;

/// Prints what was asked for, as tables or as one JSON object.
///
/// # Errors
/// The configuration is wrong.
pub fn list(args: &ListArgs) -> Outcome {
    let config = load(&args.config)?;
    let wanted = |what| args.what.is_none_or(|asked| asked == what);
    if args.json {
        let mut object = serde_json::Map::new();
        if wanted(Listed::Venues) {
            object.insert("venues".into(), json!(config.venues));
        }
        if wanted(Listed::Metrics) {
            object.insert("metrics".into(), json!(catalogue(&config.features.metrics)));
        }
        if wanted(Listed::Instruments) {
            object.insert("instruments".into(), instruments_json(&config));
        }
        return print_json(&object);
    }
    let mut text = String::new();
    if wanted(Listed::Venues) {
        text += &venues(&config);
    }
    if wanted(Listed::Metrics) {
        text += &metrics(&catalogue(&config.features.metrics));
    }
    if wanted(Listed::Instruments) {
        text += &instruments(&config);
    }
    print(&text)
}

fn venues(config: &Config) -> String {
    let mut text = String::from("VENUE          STATE     WEBSOCKET                                 HTTP\n");
    for venue in Venue::ALL {
        let _ = match config.venue(venue) {
            Some(it) => {
                let state = if it.enabled { "enabled" } else { "disabled" };
                writeln!(text, "{:14} {state:9} {:41} {}", venue.name(), it.endpoints.ws, it.endpoints.rest)
            }
            None => writeln!(text, "{:14} not configured", venue.name()),
        };
    }
    text + "\n"
}

fn metrics(specs: &[Spec]) -> String {
    let width = specs.iter().map(|spec| spec.id.len()).max().unwrap_or(0).max(6);
    let mut text = format!("{:width$} {:12} MEANING\n", "METRIC", "UNIT");
    for spec in specs {
        let _ = writeln!(text, "{:width$} {:12} {}", spec.id, spec.unit, spec.help);
        let _ = writeln!(text, "{:width$} {:12}   {}", "", "", spec.formula);
    }
    text + "\n"
}

fn instruments(config: &Config) -> String {
    let mut text = String::from("INSTRUMENT                 NAME ACROSS VENUES    WATCHED\n");
    let watched = config.watched();
    for known in Symbols::of(config).all() {
        let mark = if watched.contains(&(known.venue, known.symbol.clone())) { "yes" } else { "" };
        let line = format!("{:26} {:21} {mark}", known.id(), known.canonical);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text + "Others are added in config/instruments.yaml, or named venue:symbol with --unlisted.\n"
}

fn instruments_json(config: &Config) -> serde_json::Value {
    let watched = config.watched();
    let symbols = Symbols::of(config);
    let one = |known: &crate::symbols::Known| {
        json!({
            "id": known.id(),
            "venue": known.venue,
            "symbol": known.symbol,
            "canonical": known.canonical,
            "watched": watched.contains(&(known.venue, known.symbol.clone())),
        })
    };
    symbols.all().iter().map(one).collect()
}
