//! Commands that tell what trading costs: `cost`, `cost schedule`.

use super::shared::{ConfigArgs, NetworkArgs};
use super::tape::parse_time;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use fathometer_engine::units::Decimal;
use std::path::PathBuf;

/// `cost`.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  fathometer cost --instrument binance:BTCUSDT --side buy --quantity 50
  fathometer cost --instrument okx:BTC-USDT-SWAP --side sell --notional 1e6 --horizon 30m --fee-tier vip3 --json
  fathometer cost --instrument binance:BTCUSDT --side buy --quantity 2 --tape tapes/ --at 2026-11-20T12:04:07Z
  fathometer cost schedule --help
Without --tape the run or demo on this machine is asked; if there is none, the exchange itself is listened to until its
book is there. What cannot be vouched for is absent, with its reason.")]
pub struct CostArgs {
    /// What else is asked.
    #[command(subcommand)]
    pub command: Option<CostCommand>,
    /// The order.
    #[command(flatten)]
    pub order: OrderArgs,
}

/// An order whose cost is asked for.
#[derive(Args, Debug)]
#[command(allow_negative_numbers = true, group = ArgGroup::new("amount").args(["quantity", "notional", "contracts"]).required(true))]
pub struct OrderArgs {
    /// What is traded: venue:symbol, or a bare symbol where only one market has it
    #[arg(long, value_name = "INSTRUMENT", required = true)]
    pub instrument: Option<String>,
    /// What the order does
    #[arg(long, value_enum, required = true)]
    pub side: Option<SideArg>,
    /// How much, base coins
    #[arg(long, value_name = "COINS", value_parser = parse_amount)]
    pub quantity: Option<Decimal>,
    /// How much, quote currency
    #[arg(long, value_name = "MONEY", value_parser = parse_amount)]
    pub notional: Option<Decimal>,
    /// How much, contracts (or what else the venue counts in)
    #[arg(long, value_name = "N", value_parser = parse_amount)]
    pub contracts: Option<Decimal>,
    /// Market order, or one with a limit [default: limit if --limit is given]
    #[arg(long, value_enum)]
    pub order_type: Option<OrderType>,
    /// Takes nothing worse than this price; what is left rests there
    #[arg(long, value_name = "PRICE", value_parser = parse_amount)]
    pub limit: Option<Decimal>,
    /// Time to work it off in: 90s, 30m, 4h, 1d
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = parse_seconds)]
    pub horizon: f64,
    /// Number of orders it is cut into [default: one a minute]
    #[arg(long, value_name = "N")]
    pub slices: Option<u32>,
    /// How much variance is worth, 1 / quote currency; 0 asks for the least expected cost
    #[arg(long, value_name = "L", default_value_t = 1e-6)]
    pub risk_aversion: f64,
    /// Volatility, percent a year, or `auto`: as measured over the last minutes
    #[arg(long, value_name = "PCT|auto", default_value = "auto", value_parser = parse_auto)]
    pub volatility: Auto,
    /// Traded a day, base coins, or `auto`: scaled from the trades of the last minute
    #[arg(long, value_name = "COINS|auto", default_value = "auto", value_parser = parse_auto)]
    pub daily_volume: Auto,
    /// Tier of the venue's fee table: regular, vip3 [default: as configured]
    #[arg(long, value_name = "TIER")]
    pub fee_tier: Option<String>,
    /// Estimate on a recording; several files are one stream in the given order
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub tape: Vec<PathBuf>,
    /// As it was then (2026-11-20T12:04:07Z, or nanoseconds since 1970) [default: at the end]
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "tape")]
    pub at: Option<i64>,
    /// Where a running `fathometer run` or `demo` listens [default: http://127.0.0.1:8050, if one does]
    #[arg(long, value_name = "URL", conflicts_with = "tape")]
    pub url: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// How the exchanges are reached.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

impl OrderArgs {
    /// What is traded; empty only beside a subcommand.
    pub fn instrument(&self) -> &str {
        self.instrument.as_deref().unwrap_or_default()
    }
}

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideArg {
    /// Takes asks
    Buy,
    /// Takes bids
    Sell,
}

/// What an order takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OrderType {
    /// Whatever is there
    Market,
    /// Nothing worse than its limit
    Limit,
}

/// A number, or what is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auto {
    /// What is measured.
    Measured,
    /// This.
    Given(f64),
}

fn parse_auto(text: &str) -> Result<Auto, String> {
    match text.strip_suffix('%').unwrap_or(text) {
        "auto" => Ok(Auto::Measured),
        number => number.parse().map(Auto::Given).map_err(|_| "wants a number, or `auto`".to_owned()),
    }
}

fn parse_amount(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text.as_bytes()).map_err(|error| format!("{error}; write it like 0.25 or 1e6"))
}

/// Seconds of `90`, `250ms`, `90s`, `30m`, `4h`, `1d`.
fn parse_seconds(text: &str) -> Result<f64, String> {
    let (number, seconds) = match text.char_indices().last() {
        Some((at, 's')) if text.ends_with("ms") => (text.get(..at - 1), 0.001),
        Some((at, 's')) => (text.get(..at), 1.0),
        Some((at, 'm')) => (text.get(..at), 60.0),
        Some((at, 'h')) => (text.get(..at), 3_600.0),
        Some((at, 'd')) => (text.get(..at), 86_400.0),
        _ => (Some(text), 1.0),
    };
    let number: Option<f64> = number.and_then(|number| number.trim().parse().ok());
    number.map(|number| number * seconds).ok_or_else(|| "wants a time like 90s, 30m, 4h or 1d".to_owned())
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum CostCommand {
    /// Cut an order into slices, on bare numbers in any consistent units
    Schedule(ScheduleArgs),
    /// Learn a market from a recording: parameters of the models, chances of resting orders
    Learn(LearnArgs),
}

/// `cost learn`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer cost learn --instrument binance:BTCUSDT --tape tapes/
  fathometer cost learn --instrument binance-usdm:ETHUSDT --tape day.gz --within 2s --json
Orders are imagined at the best price and behind it, and followed through their queue; every prediction is scored that was
made before its outcome. Depth by price does not tell who left a queue: shares filled are bounded from both sides.")]
pub struct LearnArgs {
    /// What is traded: venue:symbol, or a bare symbol where only one market was recorded
    #[arg(long, value_name = "INSTRUMENT")]
    pub instrument: String,
    /// The recording; several files are one stream in the given order
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub tape: Vec<PathBuf>,
    /// A resting order is to be filled within: 500ms, 2s, 1m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_seconds)]
    pub within: f64,
    /// Orders are imagined that often
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = parse_seconds)]
    pub every: f64,
    /// Tier of the venue's fee table: regular, vip3 [default: as configured]
    #[arg(long, value_name = "TIER")]
    pub fee_tier: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `cost schedule`. What is missing or makes no sense is told by the model, by its name.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_help = "Which parameters a model takes:
  almgren-chriss   quantity, horizon, slices, sigma, epsilon, gamma, eta, risk-aversion
  obizhaeva-wang   quantity, horizon, slices, sigma, depth, resilience; epsilon, gamma, risk-aversion are 0 if not given

With p for prices, a for amounts and t for times: sigma p/sqrt(t), epsilon p, gamma p/a, eta p t/a, depth a/p,
resilience 1/t, risk-aversion 1/(p a). Expected cost is p a, variance its square.

Examples:
  fathometer cost schedule --model almgren-chriss --quantity 1e6 --horizon 5 --slices 5 --sigma 0.95 \\
      --epsilon 0.0625 --gamma 2.5e-7 --eta 2.5e-6 --risk-aversion 1e-6 --json
  fathometer cost schedule --model obizhaeva-wang --quantity 100 --horizon 1800 --slices 30 --sigma 2 \\
      --depth 50 --resilience 0.02"
)]
pub struct ScheduleArgs {
    /// Which model
    #[arg(long, value_enum)]
    pub model: Model,
    /// Amount to be bought or sold
    #[arg(long, value_name = "X")]
    pub quantity: Option<f64>,
    /// Time to do it in
    #[arg(long, value_name = "T")]
    pub horizon: Option<f64>,
    /// Number of orders it is cut into
    #[arg(long, value_name = "N")]
    pub slices: Option<u32>,
    /// Volatility: price per square root of time
    #[arg(long, value_name = "S")]
    pub sigma: Option<f64>,
    /// Half the spread and the fee: price per amount
    #[arg(long, value_name = "E")]
    pub epsilon: Option<f64>,
    /// Permanent impact: price per amount
    #[arg(long, value_name = "G")]
    pub gamma: Option<f64>,
    /// Temporary impact: price per rate of trading
    #[arg(long, value_name = "H")]
    pub eta: Option<f64>,
    /// Amount that stands in the book per price
    #[arg(long, value_name = "Q")]
    pub depth: Option<f64>,
    /// How fast the book refills: 1 / time
    #[arg(long, value_name = "R")]
    pub resilience: Option<f64>,
    /// How much variance is worth: 1 / money; 0 asks for the least expected cost
    #[arg(long, value_name = "L")]
    pub risk_aversion: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Models of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// Linear impact, permanent and temporary (2000)
    AlmgrenChriss,
    /// A book that refills (2013)
    ObizhaevaWang,
}
