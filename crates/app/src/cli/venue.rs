//! The command that is an exchange: `venue`.

use super::shared::LogFormat;
use super::tape::{Speed, parse_speed};
use clap::{ArgGroup, Args};
use std::path::PathBuf;

/// `venue`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").args(["simulate", "recording"]))]
#[command(after_help = "Examples:
  fathometer venue --simulate --seed 42               eight markets on Binance and OKX, the same for the same seed
  fathometer venue --recording btcusdt.gz --loop      what was recorded, again and again
  fathometer venue --tls --ca-out ca.pem              also over TLS, under a throw-away authority
  fathometer venue --fault gap:okx:BTC-USDT@10        lose an update of one book after ten seconds
Clients reach it at http://127.0.0.1:PORT and ws://127.0.0.1:PORT with the exchange's own paths.")]
pub struct VenueArgs {
    /// Serve a simulated market (the default)
    #[arg(long)]
    pub simulate: bool,
    /// Seed of the simulated market
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Simulate that many USD-M perpetuals, S0001USDT and on, instead of the eight of the demo
    #[arg(long, value_name = "N", conflicts_with = "recording", value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub instruments: Option<u32>,
    /// Serve recordings, as one stream in the given order
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub recording: Vec<PathBuf>,
    /// How fast the exchange's time passes: 1 is as it is, 10 ten times as fast
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_factor)]
    pub speed: f64,
    /// Begin a recording anew when it ends
    #[arg(long = "loop", requires = "recording")]
    pub again: bool,
    /// Misbehave, repeatable
    #[arg(long, value_name = "SPEC", help = fault_help())]
    pub fault: Vec<String>,
    /// Serve TLS as well, under a throw-away authority
    #[arg(long)]
    pub tls: bool,
    /// Where the certificate of that authority is written [default: into the folder for temporary files]
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub ca_out: Option<PathBuf>,
    /// First port: binance PORT, binance-usdm PORT+2, binance-coinm PORT+4, okx PORT+6, each with TLS at the next; 0 takes
    /// free ones
    #[arg(long, value_name = "PORT", default_value_t = 9010)]
    pub port: u16,
    /// Stop after that many seconds
    #[arg(long, value_name = "N")]
    pub seconds: Option<f64>,
    /// How log lines are written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// How faults are written, with every kind there is.
pub fn fault_help() -> String {
    let names = fathometer_venue::fault::Kind::names().join(", ");
    format!("Misbehave: KIND[:VENUE[:SYMBOL or STREAM]][@AFTER_S][+FOR_S], repeatable. Kinds: {names}")
}

/// A factor above 0; an exchange has no fastest speed.
fn parse_factor(text: &str) -> Result<f64, String> {
    match parse_speed(text) {
        Ok(Speed::Times(factor)) => Ok(factor),
        _ => Err("wants a factor above 0: 1 is as it was, 10 ten times as fast".to_owned()),
    }
}
