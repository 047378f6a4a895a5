//! Flags that several commands share.

use super::serve::ServeArgs;
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where configuration comes from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// Folder with exchanges.yaml, instruments.yaml, alerts.yaml, features.yaml, fees.yaml [default: ./config if it is there, else what
    /// is built in]
    #[arg(long, value_name = "DIR", env = "FATHOMETER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Set one value: `features.zscore.window_size=100`; wins over files and environment
    #[arg(long = "set", value_name = "FILE.KEY=VALUE")]
    pub set: Vec<String>,
}

/// How the exchanges are reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Reach a venue elsewhere: `okx=http://127.0.0.1:9014` (the host speaks both HTTP and WebSocket), repeatable
    #[arg(long = "venue-url", value_name = "VENUE=URL")]
    pub venue_url: Vec<String>,
    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Go through this proxy: `http://[user:password@]host:port` [default: HTTPS_PROXY or ALL_PROXY]
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Open two connections per stream; the first to deliver wins, gaps in one are filled by the other
    #[arg(long)]
    pub redundant: bool,
    /// Begin although no exchange can be reached yet, and keep trying
    #[arg(long)]
    pub wait: bool,
}

/// How a command shows what happens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Screen")]
pub struct ScreenArgs {
    /// Log instead of drawing the screen (also when standard output is no terminal)
    #[arg(long)]
    pub headless: bool,
    /// How log lines are written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Where page, API and `fathometer top` are served; `off` serves nothing
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8050", value_parser = parse_listen)]
    pub listen: Listen,
    /// Stop after that many seconds
    #[arg(long, value_name = "N")]
    pub seconds: Option<f64>,
    /// Folder of recordings that can be opened beside it [default: the --record folder]
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Folder where alerts and their evidence are kept over restarts [default: `state` in the --record folder, else this
    /// user's state folder; of a demo they are forgotten]
    #[arg(long, value_name = "DIR", env = "FATHOMETER_STATE")]
    pub state: Option<PathBuf>,
    /// Who may ask the server.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Where to serve, if anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub Option<SocketAddr>);

fn parse_listen(text: &str) -> Result<Listen, String> {
    if text == "off" {
        return Ok(Listen(None));
    }
    text.parse()
        .map(|address| Listen(Some(address)))
        .map_err(|_| "wants an address like 127.0.0.1:8050, or `off`".to_owned())
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}
