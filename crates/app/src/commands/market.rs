//! `run` and `record`: the real exchanges, or whatever stands in their place.

use super::load;
use super::watch::{Watch, first_link, runtime, watch};
use crate::cli::market::{RecordArgs, RunArgs};
use crate::cli::shared::{ConfigArgs, NetworkArgs, ScreenArgs};
use crate::failure::{Failure, Outcome};
use crate::live::plan;
use crate::symbols::Symbols;
use crate::view::Mode;
use fathometer_edge::net::DialOptions;
use fathometer_engine::engine;
use std::path::PathBuf;

/// Watches what was asked for.
///
/// # Errors
/// See `watch`; a name that is not known.
pub fn run(args: RunArgs) -> Outcome {
    let wanted = Wanted { symbols: args.symbols, unlisted: args.unlisted, record: args.record };
    live(wanted, args.screen, &args.network, &args.config)
}

/// The same, onto a tape.
///
/// # Errors
/// As `run`.
pub fn record(args: RecordArgs) -> Outcome {
    let wanted = Wanted { symbols: args.symbols, unlisted: args.unlisted, record: Some(args.folder) };
    live(wanted, args.screen, &args.network, &args.config)
}

struct Wanted {
    symbols: Vec<String>,
    unlisted: bool,
    record: Option<PathBuf>,
}

fn live(wanted: Wanted, screen: ScreenArgs, network: &NetworkArgs, config: &ConfigArgs) -> Outcome {
    let mut config = load(config)?;
    plan::point(&mut config, &network.venue_url)?;
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    let markets = match wanted.symbols.is_empty() {
        true => config.watched(),
        false => Symbols::of(&config).resolve_all(&wanted.symbols, wanted.unlisted)?,
    };
    if markets.is_empty() {
        return Err(Failure::input(
            "nothing is to be watched: every instrument or exchange is disabled in the configuration",
        ));
    }
    let groups = plan::groups(&config, network, &markets, first_link(wanted.record.as_deref()))?;
    let engine = engine::Config {
        instruments: markets,
        metrics: config.features.metrics.clone(),
        surveillance: config.surveillance.clone(),
        ..engine::Config::default()
    };
    let dial = DialOptions { ca_file: network.ca_file.clone(), proxy: network.proxy.clone(), ..DialOptions::default() };
    let runtime = runtime()?;
    let hello = format!("watching {} markets\n", engine.instruments.len());
    watch(
        Watch {
            mode: Mode::Live,
            config: engine,
            fees: config.fees,
            delivery: config.delivery,
            dial,
            groups,
            record: wanted.record,
            screen,
            wait: network.wait,
            hello,
        },
        &runtime,
    )
}
