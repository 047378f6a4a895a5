//! `check-config`, `completions` and `man`.

use super::{load, print, print_json};
use crate::cli::Cli;
use crate::cli::about::{CheckConfigArgs, CompletionsArgs, ManArgs};
use crate::cli::shared::ConfigArgs;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use clap::CommandFactory;
use std::fmt::Write;
use std::path::Path;

/// Prints what the configuration means, or everything that is wrong with it.
///
/// # Errors
/// Everything that is wrong.
pub fn check_config(args: &CheckConfigArgs) -> Outcome {
    let folder = args.folder.clone().or_else(|| args.config.config.clone());
    let config = load(&ConfigArgs { config: folder, set: args.config.set.clone() })?;
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    if args.json { print_json(&config) } else { print(&described(&config)) }
}

fn described(config: &Config) -> String {
    let mut text = String::new();
    let place = config.folder.as_deref().map_or("what is built in".to_owned(), |folder| folder.display().to_string());
    let _ = writeln!(text, "configuration: {place}: valid\n\nvenues");
    for settings in &config.venues {
        let state = if settings.enabled { "enabled" } else { "disabled" };
        let it = &settings.connection;
        let attempts = match it.reconnect_attempts_max {
            0 => "for ever".to_owned(),
            attempts => format!("{attempts} times"),
        };
        let _ = writeln!(
            text,
            "  {:14} {state:8}  {}  {}",
            settings.venue.name(),
            settings.endpoints.ws,
            settings.endpoints.rest
        );
        let _ = writeln!(
            text,
            "  {:14} sends at most {} frames/s, reconnects {attempts} after {} to {} s{}",
            "",
            it.rate_limit_per_second,
            it.backoff_seconds_min,
            it.backoff_seconds_max,
            if it.redundant { ", two connections per stream" } else { "" }
        );
    }
    let _ = writeln!(text, "\nwatched ({} markets)", config.watched().len());
    for wanted in &config.instruments {
        let symbols: Vec<String> =
            wanted.symbols.iter().map(|(venue, symbol)| format!("{}:{symbol}", venue.name())).collect();
        let state = if wanted.enabled { "" } else { "  (disabled)" };
        let _ = writeln!(text, "  {:20} {}{state}", wanted.id, symbols.join(" "));
    }
    let _ = writeln!(text, "\nthresholds");
    for of in &config.thresholds {
        for rule in &of.rules {
            let zscore = rule.zscore.map_or(String::new(), |zscore| format!(" and {zscore} sigma"));
            let persistence = rule.persistence_seconds.map_or(String::new(), |seconds| format!(" for {seconds} s"));
            let _ = writeln!(text, "  {:20} {:16} {}{zscore}{persistence}", of.instrument, rule.name, rule.threshold);
        }
    }
    let _ = writeln!(text, "\nfees");
    for table in &config.fees {
        let rates = table.rates(None).map_or("no such tier".to_owned(), |rates| {
            format!("maker {} bps, taker {} bps", rates.maker_bps, rates.taker_bps)
        });
        let _ = writeln!(text, "  {:20} {}: {rates}", table.product.name(), table.tier);
    }
    let zscore = &config.features.zscore;
    let _ = writeln!(
        text,
        "\nfeatures\n  zscore               {}, window {} samples, from {} samples on{}",
        if zscore.enabled { "on" } else { "off" },
        zscore.window_size,
        zscore.min_samples,
        if zscore.reset_on_gap { ", anew after a gap" } else { "" }
    );
    if let Ok(serde_json::Value::Object(metrics)) = serde_json::to_value(&config.features.metrics) {
        for (key, value) in metrics {
            let _ = writeln!(text, "  metrics.{key} = {value}");
        }
    }
    text
}

/// Prints a shell's completions.
///
/// # Errors
/// They cannot be written.
pub fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fathometer", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the manual, or writes a page per command.
///
/// # Errors
/// The folder cannot be written.
pub fn man(args: &ManArgs) -> Outcome {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.out else {
        return print(&String::from_utf8_lossy(&page(&command)?));
    };
    std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    let pages = std::iter::once(&command).chain(command.get_subcommands().filter(|sub| sub.get_name() != "help"));
    for command in pages {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, page(command)?).map_err(|error| cannot_write(&path, &error))?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(command.clone()).render(&mut page);
    written.map(|()| page).map_err(|error| Failure::failed(format!("cannot render the manual: {error}")))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::input(format!("cannot write {}: {error}; choose a folder you may write to", path.display()))
}
