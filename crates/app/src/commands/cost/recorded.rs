//! The cost of an order on a recording: the tape is replayed up to the moment that is asked for.

use super::{charged, refused};
use crate::cli::cost::OrderArgs;
use crate::commands::replay;
use crate::config::Config;
use crate::cost::{Ask, CostTold, Measured};
use crate::failure::Failure;
use crate::runner::Runner;
use crate::view::{Mode, View};
use fathometer_edge::feed::STOPPED;
use fathometer_edge::recording;
use fathometer_engine::input::Body;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::metric::catalogue;

/// Replays, and estimates.
pub(super) fn told(args: &OrderArgs, mut ask: Ask, config: &Config) -> Result<CostTold, Failure> {
    let mut source = recording::open(&args.tape).map_err(Failure::input)?;
    let mut runner = Runner::new(replay::config(&args.config, &source)?);
    let mut view = View::new(Mode::default(), &catalogue(&runner.engine.config().metrics));
    let mut parting = None;
    while let Some(input) = source.next().map_err(Failure::input)? {
        if args.at.is_some_and(|at| input.at.0 > at) {
            break;
        }
        match input.body {
            // A run's goodbye empties its books: what they were is wanted if nothing follows.
            Body::Close { reason: STOPPED } if parting.is_none() => {
                parting = Some(estimate(args, &mut ask, config, &runner, &view)?);
            }
            Body::Open { .. } => parting = None,
            _ => {}
        }
        runner.step(&input);
        for output in &runner.outbox().items {
            view.apply(output, runner.outbox());
        }
    }
    parting.map_or_else(|| estimate(args, &mut ask, config, &runner, &view), Ok)
}

fn estimate(
    args: &OrderArgs,
    ask: &mut Ask,
    config: &Config,
    runner: &Runner,
    view: &View,
) -> Result<CostTold, Failure> {
    let nothing = || Failure::input(format!("nothing was recorded of {} by then", args.instrument()));
    let id = replay::named(runner.engine.registry(), args.instrument())?;
    let index = view.markets.iter().position(|market| market.id == id).ok_or_else(nothing)?;
    let market = view.markets.get(index).ok_or_else(nothing)?;
    ask.rates = charged(config, &market.info, args.fee_tier.as_deref())?;
    let measured = Measured::of(view, market);
    let looked = ask.look(&runner.engine, InstrumentId(index as u32), &measured).ok_or_else(nothing)?;
    Ok(ask.tell(id, &measured, &looked.map_err(refused)?, view.now))
}
