//! What each command does.

pub mod about;
pub mod cost;
pub mod demo;
pub mod list;
pub mod market;
pub mod replay;
pub mod samples;
pub mod top;
pub mod watch;

use crate::bench;
use crate::lab;

use crate::cli::shared::ConfigArgs;
use crate::cli::{Cli, Command};
use crate::config::{Config, Sources, usual_folder};
use crate::failure::{Failure, Outcome};

/// Does what was asked.
///
/// # Errors
/// What happened, where, and what to do.
pub fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Demo(args) => demo::demo(args),
        Command::Run(args) => market::run(args),
        Command::Top(args) => top::top(&args),
        Command::Record(args) => market::record(args),
        Command::Replay(args) => replay::replay(&args),
        Command::Cost(args) => cost::cost(&args),
        Command::Venue(args) => demo::venue(args),
        Command::Bench(args) => bench::bench(&args),
        Command::Lab(args) => lab::lab(&args),
        Command::List(args) => list::list(&args),
        Command::CheckConfig(args) => about::check_config(&args),
        Command::Completions(args) => about::completions(&args),
        Command::Man(args) => about::man(&args),
    }
}

/// Configuration from the folder, the environment and the flags.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(args: &ConfigArgs) -> Result<Config, Failure> {
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(Sources {
        folder: args.config.clone().or_else(usual_folder),
        environment: environment.collect(),
        flags: args.set.clone(),
    })
}

/// Prints text; a reader that has gone away (`| head`) is no error.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> Outcome {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints one JSON value and a line end.
///
/// # Errors
/// It cannot be written.
pub fn print_json(value: &impl serde::Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::failed(format!("cannot write as JSON: {error}")))?;
    print(&format!("{text}\n"))
}
