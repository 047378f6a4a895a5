//! `cost`: what an order would cost, from a recording, a run that is under way, or the exchange itself.

mod learn;
mod live;
mod recorded;
mod schedule;
mod table;

use super::{load, print, print_json};
use crate::api::simulate::OrderSide;
use crate::cli::cost::{Auto, CostArgs, CostCommand, OrderArgs, OrderType, SideArg};
use crate::config::Config;
use crate::cost::Ask;
use crate::failure::{Failure, Outcome};
use crate::nearest::nearest;
use fathometer_engine::cost::Refusal;
use fathometer_engine::cost::fees;
use fathometer_engine::cost::walk::Amount;
use fathometer_engine::instrument::Instrument;

/// Answers what was asked.
///
/// # Errors
/// What was given makes no sense; the recording, the run or the exchange cannot be read.
pub fn cost(args: &CostArgs) -> Outcome {
    match &args.command {
        Some(CostCommand::Schedule(args)) => schedule::schedule(args),
        Some(CostCommand::Learn(args)) => learn::learn(args),
        None => order(&args.order),
    }
}

fn order(args: &OrderArgs) -> Outcome {
    let ask = ask(args)?;
    let config = load(&args.config)?;
    let told = if args.tape.is_empty() { live::told(args, ask, config)? } else { recorded::told(args, ask, &config)? };
    if args.json { print_json(&told) } else { print(&table::table(&told)) }
}

/// The order as it is meant, fees aside, which depend on the instrument.
fn ask(args: &OrderArgs) -> Result<Ask, Failure> {
    let amount = match (args.quantity, args.notional, args.contracts) {
        (Some(coins), None, None) => Amount::Base(coins),
        (None, Some(money), None) => Amount::Quote(money),
        (None, None, Some(contracts)) => Amount::Size(contracts),
        _ => return Err(Failure::usage("give one of --quantity, --notional and --contracts")),
    };
    match (args.order_type, args.limit) {
        (Some(OrderType::Limit), None) => return Err(Failure::usage("a limit order wants its --limit")),
        (Some(OrderType::Market), Some(_)) => {
            return Err(Failure::usage("a market order has no --limit; leave one of the two out"));
        }
        _ => {}
    }
    let given = |auto: Auto| if let Auto::Given(number) = auto { Some(number) } else { None };
    Ok(Ask {
        side: if args.side == Some(SideArg::Buy) { OrderSide::Buy } else { OrderSide::Sell },
        amount,
        limit: args.limit,
        horizon_seconds: args.horizon,
        slices: args.slices,
        risk_aversion: args.risk_aversion,
        volatility_annual_pct: given(args.volatility),
        daily_volume: given(args.daily_volume),
        rates: None,
        fills_max: 0,
    })
}

/// What an instrument's venue charges in the tier that is asked for.
fn charged(config: &Config, instrument: &Instrument, tier: Option<&str>) -> Result<Option<fees::Rates>, Failure> {
    let Some(table) = fees::table(&config.fees, instrument) else { return Ok(None) };
    if let Some(rates) = table.rates(tier) {
        return Ok(Some(rates));
    }
    let tier = tier.unwrap_or(&table.tier);
    let names: Vec<&str> = table.tiers.iter().map(|tier| tier.name.as_str()).collect();
    let near = nearest(tier, names.iter().copied(), 1);
    let hint = near.first().map_or(format!("tiers are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
    Err(Failure::input(format!("`{tier}` is no fee tier of {}; {hint}", table.product.name())))
}

fn refused(refusal: Refusal) -> Failure {
    Failure::usage(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn of(line: &str) -> Result<Ask, String> {
        let words = ["fathometer", "cost"].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Cost(CostArgs { order, .. }) = cli.command else { panic!() };
        ask(&order).map_err(|failure| failure.text)
    }

    #[test]
    fn an_order_is_read_as_it_is_written() {
        let got = of("--instrument btcusdt --side sell --notional 1e6 --horizon 4h --volatility 55% --risk-aversion 0")
            .unwrap();
        assert_eq!((got.side, got.amount), (OrderSide::Sell, Amount::Quote("1000000".parse().unwrap())));
        assert_eq!((got.horizon_seconds, got.volatility_annual_pct, got.daily_volume), (14_400.0, Some(55.0), None));
        let got = of("--instrument btcusdt --side buy --quantity 50 --order-type limit --limit 99.5").unwrap();
        assert_eq!((got.limit, got.horizon_seconds), (Some("99.5".parse().unwrap()), 1_800.0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, expected) in [
            ("--side buy --quantity 1", "--instrument"),
            ("--instrument x --quantity 1", "--side"),
            ("--instrument x --side buy", "--quantity"),
            ("--instrument x --side buy --quantity 1 --notional 1", "cannot be used with"),
            ("--instrument x --side buy --quantity NaN", "not a decimal number"),
            ("--instrument x --side buy --quantity 1e99", "too large"),
            ("--instrument x --side hold --quantity 1", "hold"),
            ("--instrument x --side buy --quantity 1 --order-type limit", "wants its --limit"),
            ("--instrument x --side buy --quantity 1 --order-type market --limit 5", "has no --limit"),
            ("--instrument x --side buy --quantity 1 --horizon soon", "wants a time like"),
            ("--instrument x --side buy --quantity 1 --volatility much", "wants a number, or `auto`"),
            ("--instrument x --side buy --quantity 1 --at 2026-01-01T00:00:00Z", "--tape"),
        ] {
            let text = of(line).unwrap_err();
            assert!(text.contains(expected), "{line}: {text}");
        }
    }

    #[test]
    fn an_unknown_tier_offers_the_nearest() {
        let config = Config::load(crate::config::Sources::default()).unwrap();
        let instrument = fathometer_engine::venue::infer(fathometer_engine::instrument::Venue::Binance, "BTCUSDT");
        let tier = |tier| charged(&config, &instrument, Some(tier));
        assert_eq!(tier("VIP3").unwrap().unwrap().taker_bps, 6.0);
        assert!(tier("vpi3").unwrap_err().text.contains("did you mean `vip3`?"));
        assert!(tier("platinum").unwrap_err().text.contains("tiers are regular, vip1"));
    }
}
