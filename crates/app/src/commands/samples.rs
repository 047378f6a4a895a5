//! `replay --samples`: every sample as a line of comma-separated values, for tools that check or plot the numbers.

use super::print;
use crate::failure::Outcome;
use crate::runner::Runner;
use fathometer_engine::metric::{Value, catalogue};
use fathometer_engine::output::Output;
use std::fmt::Write;

/// The head of the table: `at_ns`, `instrument`, then a column per metric.
///
/// # Errors
/// The reader of the output has gone.
pub fn head(runner: &Runner) -> Outcome {
    let mut line = String::from("at_ns,instrument");
    for spec in catalogue(&runner.engine.config().metrics) {
        line.push(',');
        line.push_str(&spec.id);
    }
    line.push('\n');
    print(&line)
}

/// The samples of the last step, in the shortest digits that mean the same number; an absent value is empty.
///
/// # Errors
/// The reader of the output has gone.
pub fn lines(runner: &Runner) -> Outcome {
    let outbox = runner.outbox();
    let mut text = String::new();
    for output in &outbox.items {
        let Output::Sample { at, instrument, start, len } = output else { continue };
        let _ = write!(text, "{},{}", at.0, runner.engine.registry().get(*instrument).id()); // to a String: cannot fail
        for value in outbox.values.iter().skip(*start as usize).take(*len as usize) {
            match value {
                Value::Is(x) => _ = write!(text, ",{x:?}"),
                Value::Absent(_) => text.push(','),
            }
        }
        text.push('\n');
    }
    if text.is_empty() { Ok(()) } else { print(&text) }
}
