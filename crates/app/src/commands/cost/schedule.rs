//! `cost schedule`: how to cut an order, on bare numbers.

use crate::cli::cost::{Model, ScheduleArgs};
use crate::commands::{print, print_json};
use crate::failure::{Failure, Outcome};
use fathometer_engine::cost::Refusal;
use fathometer_engine::cost::almgren_chriss::{self, AlmgrenChriss};
use fathometer_engine::cost::obizhaeva_wang::{self, ObizhaevaWang};
use serde::Serialize;
use std::fmt::Write;

/// What is told of a schedule.
#[derive(Debug, PartialEq, Serialize)]
struct Told {
    /// What is left at each time, from all to nothing: slices + 1 amounts.
    trajectory: Vec<f64>,
    expected_cost: f64,
    variance: f64,
    /// Urgency of Almgren-Chriss, 1 / time.
    kappa: Option<f64>,
    /// 1 / kappa; absent for a straight line, and where there is no kappa.
    half_life: Option<f64>,
    /// What is traded in (Almgren-Chriss) or at the beginning of (Obizhaeva-Wang) each slice.
    trades: Vec<f64>,
    /// Parts of the expected cost.
    permanent_cost: f64,
    fixed_cost: f64,
    temporary_cost: f64,
}

/// Prints the schedule.
///
/// # Errors
/// A parameter is missing or makes no sense.
pub(super) fn schedule(args: &ScheduleArgs) -> Outcome {
    let told = told(args)?;
    if args.json { print_json(&told) } else { print(&table(args, &told)) }
}

fn told(args: &ScheduleArgs) -> Result<Told, Failure> {
    let given = |name: &str, value: Option<f64>| {
        value.ok_or_else(|| {
            Failure::usage(format!(
                "--{name} is missing; `fathometer cost schedule --help` tells what each model takes"
            ))
        })
    };
    let slices = args.slices.map_or_else(|| given("slices", None).map(|_| 0), Ok)?;
    let (quantity, horizon, sigma) =
        (given("quantity", args.quantity)?, given("horizon", args.horizon)?, given("sigma", args.sigma)?);
    match args.model {
        Model::AlmgrenChriss => {
            unused(&[("depth", args.depth), ("resilience", args.resilience)]);
            let (epsilon, gamma) = (given("epsilon", args.epsilon)?, given("gamma", args.gamma)?);
            let (eta, risk_aversion) = (given("eta", args.eta)?, given("risk-aversion", args.risk_aversion)?);
            let params = almgren_chriss::Params { quantity, horizon, slices, sigma, epsilon, gamma, eta };
            let best = AlmgrenChriss::new(params).and_then(|it| it.schedule(risk_aversion)).map_err(refused)?;
            let almgren_chriss::Schedule { trajectory, trades, cost, kappa, half_life } = best;
            Ok(Told {
                trajectory,
                expected_cost: cost.expected,
                variance: cost.variance,
                kappa: Some(kappa),
                half_life,
                trades,
                permanent_cost: cost.permanent,
                fixed_cost: cost.fixed,
                temporary_cost: cost.temporary,
            })
        }
        Model::ObizhaevaWang => {
            unused(&[("eta", args.eta)]);
            let (depth, resilience) = (given("depth", args.depth)?, given("resilience", args.resilience)?);
            let [epsilon, gamma, risk_aversion] =
                [args.epsilon, args.gamma, args.risk_aversion].map(|value| value.unwrap_or(0.0));
            let params = obizhaeva_wang::Params { quantity, horizon, slices, sigma, epsilon, gamma, depth, resilience };
            let best = ObizhaevaWang::new(params).and_then(|it| it.schedule(risk_aversion)).map_err(refused)?;
            let obizhaeva_wang::Schedule { trajectory, trades, cost, .. } = best;
            Ok(Told {
                trajectory,
                expected_cost: cost.expected,
                variance: cost.variance,
                kappa: None,
                half_life: None,
                trades,
                permanent_cost: cost.permanent,
                fixed_cost: cost.fixed,
                temporary_cost: cost.transient,
            })
        }
    }
}

fn refused(refusal: Refusal) -> Failure {
    Failure::usage(refusal)
}

/// Says which of the given parameters the model does not have.
fn unused(given: &[(&str, Option<f64>)]) {
    for (name, _) in given.iter().filter(|(_, value)| value.is_some()) {
        eprintln!("warning: this model has no --{name}; it is not used");
    }
}

fn table(args: &ScheduleArgs, told: &Told) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "expected cost  {:.6}", told.expected_cost); // writing to a String cannot fail
    let _ = writeln!(text, "  permanent    {:.6}", told.permanent_cost);
    let _ = writeln!(text, "  fixed        {:.6}", told.fixed_cost);
    let _ = writeln!(text, "  temporary    {:.6}", told.temporary_cost);
    let _ = writeln!(text, "deviation      {:.6}", told.variance.sqrt());
    if let Some(kappa) = told.kappa {
        let half_life = told.half_life.map_or("none, a straight line".to_owned(), |time| format!("{time:.6}"));
        let _ = writeln!(text, "kappa          {kappa:.6}\nhalf-life      {half_life}");
    }
    let before = if args.model == Model::AlmgrenChriss { "traded in it" } else { "traded at its start" };
    let _ = writeln!(text, "\n{:>8}  {:>18}  {before:>20}", "slice", "left before it");
    for (i, (left, trade)) in told.trajectory.iter().zip(&told.trades).enumerate() {
        let _ = writeln!(text, "{:>8}  {left:>18.6}  {trade:>20.6}", i + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cost::{CostArgs, CostCommand};
    use crate::cli::{Cli, Command};
    use clap::Parser;

    const PAPER: &str = "--model almgren-chriss --quantity 1e6 --horizon 5 --slices 5 --sigma 0.95 --epsilon 0.0625 \
        --gamma 2.5e-7 --eta 2.5e-6 --risk-aversion 1e-6";
    const UNIT: &str =
        "--model obizhaeva-wang --quantity 1 --horizon 1 --slices 200 --sigma 0 --depth 1 --resilience 2.2";

    fn of(line: &str) -> Result<Told, String> {
        let words = ["fathometer", "cost", "schedule"].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Cost(CostArgs { command: Some(CostCommand::Schedule(args)), .. }) = cli.command else { panic!() };
        assert!(!table(&args, &told(&args).map_err(|failure| failure.text)?).contains("NaN"));
        told(&args).map_err(|failure| failure.text)
    }

    #[test]
    fn golden_numbers_as_json() {
        let told = serde_json::to_value(of(PAPER).unwrap()).unwrap();
        let near = |key: &str, expected: f64| {
            let got = told[key].as_f64().unwrap();
            assert!((got / expected - 1.0).abs() < 1e-9, "{key}: {got}");
        };
        near("expected_cost", 911_226.986_30);
        near("variance", 3.641_285_720_58e11);
        near("kappa", 0.607_076_163_2);
        near("half_life", 1.0 / 0.607_076_163_2);
        let trajectory = told["trajectory"].as_array().unwrap();
        assert_eq!((trajectory.len(), trajectory[0].as_f64(), trajectory[5].as_f64()), (6, Some(1e6), Some(0.0)));
        let told = of(UNIT).unwrap();
        assert_eq!((told.trajectory.len(), format!("{:.4}", told.expected_cost)), (201, "0.2381".to_owned()));
        assert!(serde_json::to_value(told).unwrap()["kappa"].is_null());
        // What another model needs changes nothing.
        assert_eq!(of(&format!("{PAPER} --depth 5")), of(PAPER));
        assert_eq!(of(&format!("{UNIT} --eta 5")), of(UNIT));
    }

    #[test]
    fn what_is_missing_or_makes_no_sense_is_named() {
        for flag in ["quantity", "horizon", "slices", "sigma", "epsilon", "gamma", "eta", "risk-aversion"] {
            let words: Vec<&str> = PAPER.split_whitespace().collect();
            let at = words.iter().position(|word| *word == format!("--{flag}")).unwrap();
            let without: Vec<&str> =
                words.iter().enumerate().filter(|(i, _)| *i != at && *i != at + 1).map(|(_, w)| *w).collect();
            let text = of(&without.join(" ")).unwrap_err();
            assert!(text.contains(&format!("--{flag} is missing")), "{text}");
            for bad in ["-1", "NaN", "inf", "1e400", "1e99", "x"] {
                let mut words = words.clone();
                words[at + 1] = bad;
                let text = of(&words.join(" ")).unwrap_err();
                assert!(text.contains(flag), "{flag} {bad}: {text}");
            }
        }
        for (line, expected) in [
            (PAPER.replace("slices 5", "slices 0"), "slices is 0; it must be between 1 and 100000"),
            (PAPER.replace("quantity 1e6", "quantity 0"), "quantity is 0; it must be above 0"),
            (PAPER.replace("gamma 2.5e-7", "gamma 5e-6"), "eta - gamma tau / 2 is 0 "),
            (UNIT.replace("--depth 1", ""), "--depth is missing"),
            (UNIT.replace("resilience 2.2", "resilience -2.2"), "resilience is -2.2; it must be above 0"),
        ] {
            let text = of(&line).unwrap_err();
            assert!(text.contains(expected), "{line}: {text}");
        }
    }
}
