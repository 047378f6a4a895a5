//! The command that measures the detectors: `lab`.

use crate::nearest::nearest;
use clap::{Args, ValueEnum};
use fathometer_venue::lab::Kind;
use std::path::PathBuf;

/// `lab`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  fathometer lab                                              every kind, five seeds, against clean flow too
  fathometer lab --seed 1..20 --json                          the figures that the acceptance names
  fathometer lab --kind spoofing --disguise 0.8 --verbose     one kind, well hidden, with what was missed and why not
  fathometer lab --set spread.warning.threshold=4             under other thresholds
  fathometer lab --tape day.ftape --set wall.warning=8        what the same recording would have raised
Recordings of real flow are taken from the folder named by FATHOMETER_REALDATA, ../shared/realdata by default.")]
pub struct LabArgs {
    /// Seeds, from and to
    #[arg(long, value_name = "A..B", default_value = "1..5", value_parser = parse_seeds)]
    pub seed: Seeds,
    /// Only this kind of script; repeatable
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub kind: Vec<Kind>,
    /// How well what is played is hidden: 0 blatant, 1 as well as can be
    #[arg(long, value_name = "0-1", default_value_t = 0.3, value_parser = parse_share)]
    pub disguise: f64,
    /// How strong it is; 1 is as usual
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = parse_factor)]
    pub intensity: f64,
    /// Which flow it is played in
    #[arg(long, value_enum, default_value_t = Flow::Both)]
    pub flow: Flow,
    /// Leave out the clean flow, in which every alert is a false one
    #[arg(long)]
    pub skip_clean: bool,
    /// Play nothing; say what this recording raises, with and without what --set changes
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["kind", "seed", "flow", "skip_clean"])]
    pub tape: Vec<PathBuf>,
    /// Change a detector's parameter, as spread.warning.threshold=4; repeatable
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Tell every script that was missed and every false alert
    #[arg(long)]
    pub verbose: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which flow scripts are played in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Flow {
    /// A simulated market.
    Simulated,
    /// Real recordings.
    Recorded,
    /// Both, one run in each.
    Both,
}

/// Seeds from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// First.
    pub from: u64,
    /// Last.
    pub to: u64,
}

/// Most seeds at once.
const SEEDS_MAX: u64 = 10_000;

fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| "wants two numbers, as 1..20".to_owned());
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (number(from)?, number(to.strip_prefix('=').unwrap_or(to))?),
        None => (number(text)?, number(text)?),
    };
    match to.checked_sub(from) {
        None => Err(format!("{from} is above {to}")),
        Some(count) if count >= SEEDS_MAX => Err(format!("at most {SEEDS_MAX} seeds at once")),
        Some(_) => Ok(Seeds { from, to }),
    }
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    Kind::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        match nearest(text, names.iter().copied(), 3).as_slice() {
            [] => format!("there is no such kind; the kinds are {}", names.join(", ")),
            near => format!("there is no such kind; did you mean {}?", near.join(" or ")),
        }
    })
}

fn parse_share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| "wants a number from 0 to 1".to_owned())
}

fn parse_factor(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|x| (0.01..=100.0).contains(x)).ok_or_else(|| "wants a number from 0.01 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_kinds_are_read_or_explained() {
        assert_eq!(parse_seeds("1..20"), Ok(Seeds { from: 1, to: 20 }));
        assert_eq!(parse_seeds("3..=4"), Ok(Seeds { from: 3, to: 4 }));
        assert_eq!(parse_seeds("7"), Ok(Seeds { from: 7, to: 7 }));
        assert!(parse_seeds("9..2").is_err() && parse_seeds("a..b").is_err() && parse_seeds("0..99999").is_err());
        assert_eq!(parse_kind("wall"), Ok(Kind::Wall));
        assert!(parse_kind("spofing").unwrap_err().contains("spoofing"));
        assert!(parse_kind("zzz").unwrap_err().contains("layering"));
    }
}
