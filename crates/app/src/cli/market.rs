//! Commands that watch a market: `demo`, `run`, `record`, `top`.

use super::shared::{ConfigArgs, NetworkArgs, ScreenArgs};
use clap::Args;
use std::path::PathBuf;

/// `run`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer run                                    what the configuration names (without one: BTC and ETH, spot and perpetual)
  fathometer run BTC-USDT-PERP okx:ETH-USDT         a name across venues, and one market of one venue
  fathometer run --record tapes --headless          record without a screen
  fathometer run --venue-url okx=http://127.0.0.1:9014   another server in an exchange's place
  fathometer run --set exchanges.okx.enabled=false  one value without a file")]
pub struct RunArgs {
    /// What to watch: venue:symbol, a name across venues, or a bare symbol [default: as configured]
    #[arg(value_name = "SYMBOL")]
    pub symbols: Vec<String>,
    /// Take a venue:symbol that is not known as it is written
    #[arg(long)]
    pub unlisted: bool,
    /// Record every input into this folder
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How it is shown.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// How the exchanges are reached.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `record`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer record tapes                           what the configuration names
  fathometer record tapes BTC-USDT --seconds 3600   one hour of one instrument on all venues")]
pub struct RecordArgs {
    /// Folder for the tape; a run that is already there goes on in a new segment
    pub folder: PathBuf,
    /// What to record: venue:symbol, a name across venues, or a bare symbol [default: as configured]
    #[arg(value_name = "SYMBOL")]
    pub symbols: Vec<String>,
    /// Take a venue:symbol that is not known as it is written
    #[arg(long)]
    pub unlisted: bool,
    /// How it is shown.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// How the exchanges are reached.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `demo`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer demo                                   eight live books on two exchanges that run inside this program
  fathometer demo --record tapes --seconds 60       and a tape of it
  fathometer demo --fault gap                       lose updates now and then, and see the books recover
  fathometer demo --headless --log-format json      for a script")]
pub struct DemoArgs {
    /// Seed of the simulated market: the same seed gives the same market
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Make the local exchange misbehave; `fathometer venue --help` lists how, repeatable
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<String>,
    /// Record every input into this folder
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How it is shown.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `top`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer top                              the run or demo on this machine
  fathometer top http://127.0.0.1:8051        one that listens elsewhere
Press ? on the screen for its keys.")]
pub struct TopArgs {
    /// Where a running `fathometer run` or `demo` listens
    #[arg(default_value = "http://127.0.0.1:8050")]
    pub url: String,
}
