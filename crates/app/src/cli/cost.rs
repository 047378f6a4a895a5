//! Commands that tell what trading costs: `cost`, `cost schedule`.

use clap::{Args, Subcommand, ValueEnum};

/// `cost`.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
#[command(after_help = "Examples:
  fathometer cost schedule --model almgren-chriss --quantity 1e6 --horizon 5 --slices 5 --sigma 0.95 \\
      --epsilon 0.0625 --gamma 2.5e-7 --eta 2.5e-6 --risk-aversion 1e-6   how to cut an order")]
pub struct CostArgs {
    /// What is asked.
    #[command(subcommand)]
    pub command: CostCommand,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum CostCommand {
    /// Cut an order into slices, on bare numbers in any consistent units
    Schedule(ScheduleArgs),
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
