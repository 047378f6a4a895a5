//! The command that is an exchange: `venue`.

use super::tape::{Speed, parse_speed};
use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// `venue`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").args(["simulate", "recording"]))]
#[command(after_help = "Examples:
  fathometer venue --simulate --seed 42               eight markets on Binance and OKX, the same for the same seed
  fathometer venue --recording btcusdt.gz --loop      what was recorded, again and again
  fathometer venue --tls --tls-folder ca/             also over TLS, with a throw-away authority written beside
  fathometer venue --fault gap:every=30s              lose updates twice a minute
Clients reach it at http://127.0.0.1:PORT and ws://127.0.0.1:PORT with the exchange's own paths.")]
pub struct VenueArgs {
    /// Serve a simulated market (the default)
    #[arg(long)]
    pub simulate: bool,
    /// Seed of the simulated market
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Serve recordings, as one stream in the given order
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub recording: Vec<PathBuf>,
    /// How fast a recording is played: a factor of the recorded time
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_speed)]
    pub speed: Speed,
    /// Begin a recording anew when it ends
    #[arg(long = "loop")]
    pub again: bool,
    /// Misbehave, repeatable; see the list below
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<String>,
    /// Serve TLS as well
    #[arg(long)]
    pub tls: bool,
    /// First port: Binance spot, USD-M, COIN-M and OKX follow each other; 0 takes free ones
    #[arg(long, value_name = "PORT", default_value_t = 9010)]
    pub port: u16,
}
