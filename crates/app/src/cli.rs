//! The command line as it is written: one file per family of commands.

pub mod about;
pub mod cost;
pub mod lab;
pub mod market;
pub mod serve;
pub mod shared;
pub mod tape;
pub mod venue;

use clap::{Parser, Subcommand};

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed while running, 2 wrong usage, 3 a file, name or configuration that \
cannot be used, 4 a port or host that cannot be had.

Start here:
  fathometer demo                          a local market with eight live books, no network needed
  fathometer run BTC-USDT BTC-USDT-PERP    the real exchanges, on this screen
  fathometer replay tapes/                 what was recorded, again, to the byte";

/// An echo sounder for crypto order books: exact books, true numbers, recorded and replayed to the byte.
#[derive(Debug, Parser)]
#[command(name = "fathometer", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch a simulated market on a local exchange: no network needed
    Demo(market::DemoArgs),
    /// Watch exchanges live
    Run(market::RunArgs),
    /// Draw the screen of a run or demo that is under way
    Top(market::TopArgs),
    /// Watch exchanges live, onto a tape
    Record(market::RecordArgs),
    /// Run recordings through the engine again, and print what they come to
    Replay(tape::ReplayArgs),
    /// Tell what an order would cost, and how to cut it
    Cost(cost::CostArgs),
    /// Serve a market over the exchanges' own protocols, with faults on demand
    Venue(venue::VenueArgs),
    /// Measure how fast a recording is decoded, applied and measured
    Bench(tape::BenchArgs),
    /// Measure the detectors: scripted manipulations in simulated and recorded flow, and who found them
    Lab(lab::LabArgs),
    /// List venues, metrics or instruments
    List(about::ListArgs),
    /// Check the configuration: print what is meant, or everything that is wrong
    CheckConfig(about::CheckConfigArgs),
    /// Print the completions of a shell
    Completions(about::CompletionsArgs),
    /// Print the manual page, or write one page per command into a folder
    Man(about::ManArgs),
}
