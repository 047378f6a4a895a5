//! Commands that work on recordings: `replay`, `bench`.

use super::serve::ServeArgs;
use super::shared::ConfigArgs;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `replay`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer replay tapes/                                 as fast as possible, then a table
  fathometer replay day1.gz day2.gz --json                 two files as one stream, one JSON object
  fathometer replay tapes/ --book binance:BTCUSDT          the final book, one level per line
  fathometer replay tapes/ --until 2026-11-20T12:04:07Z --book okx:BTC-USDT   the book as it was then
  fathometer replay tapes/ --samples > samples.csv         every metric at every tenth of a second
  fathometer replay tapes/ --speed 10                      on the screen, ten times as fast as it was
  fathometer replay tapes/ --serve                         on the web page, with play, pause, step and seek
Tapes of this program, hftbacktest collector files and cryptofeed sessions are recognised by their content.")]
pub struct ReplayArgs {
    /// Files, or folders of tape segments; several are one stream in the given order
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How fast: a factor of the recorded time, or `max` [default: max; with --serve 1]
    #[arg(long, value_name = "N|max", value_parser = parse_speed)]
    pub speed: Option<Speed>,
    /// Serve it like a live run, with controls
    #[arg(long, conflicts_with_all = ["until", "book", "json"])]
    pub serve: bool,
    /// Where it is served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8050", requires = "serve")]
    pub listen: SocketAddr,
    /// Folder of recordings that are listed beside it
    #[arg(long, value_name = "DIR", requires = "serve")]
    pub recordings: Option<PathBuf>,
    /// Who may ask the server.
    #[command(flatten)]
    pub access: ServeArgs,
    /// Stop before the first input received after this time (2026-11-20T12:04:07Z, or nanoseconds since 1970)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub until: Option<i64>,
    /// Print the final book of this instrument: `b PRICE SIZE` and `a PRICE SIZE`, best first
    #[arg(long, value_name = "INSTRUMENT", conflicts_with = "json")]
    pub book: Option<String>,
    /// Print every sample of the metrics, comma-separated, with the columns' ids at the head; absent values are empty
    #[arg(long, conflicts_with_all = ["json", "book", "serve"])]
    pub samples: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `bench`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer bench usdm_btcusdt.gz                 nanoseconds per depth frame: decode, book, metrics, all
  fathometer bench day.gz --repeat 11 --baseline   and against serde_json + BTreeMap over the same frames")]
pub struct BenchArgs {
    /// Files; several are one stream in the given order
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How often; the median counts
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeat: u32,
    /// Run a plain version (serde_json and a BTreeMap) over the same frames in turn
    #[arg(long)]
    pub baseline: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How fast recorded time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as possible.
    Max,
    /// A factor of the recorded time.
    Times(f64),
}

/// `max` or a positive factor.
pub fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Speed::Times(factor)),
        _ => Err("wants a factor above 0 (1 is as it was, 10 ten times as fast) or `max`".to_owned()),
    }
}

/// A time with its zone, or nanoseconds since 1970; in nanoseconds.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(nanos) = text.parse::<i64>() {
        return Ok(nanos);
    }
    let time =
        text.parse::<jiff::Timestamp>().map_err(|error| format!("{error}; write it like 2026-11-20T12:04:07Z"))?;
    i64::try_from(time.as_nanosecond()).map_err(|_| "is too far away".to_owned())
}
