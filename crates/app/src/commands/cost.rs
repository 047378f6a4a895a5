//! `cost`: what trading costs.

mod schedule;

use crate::cli::cost::{CostArgs, CostCommand};
use crate::failure::Outcome;

/// Answers what was asked.
///
/// # Errors
/// What was given makes no sense.
pub fn cost(args: &CostArgs) -> Outcome {
    match &args.command {
        CostCommand::Schedule(args) => schedule::schedule(args),
    }
}
