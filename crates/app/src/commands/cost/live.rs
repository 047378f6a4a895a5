//! The cost of an order now: a run or demo that is under way is asked, or the exchange is listened to until its book is there.

use super::{charged, refused};
use crate::api::problem::Problem;
use crate::cli::cost::OrderArgs;
use crate::commands::watch::runtime;
use crate::config::Config;
use crate::cost::{Ask, CostTold, Measured};
use crate::failure::Failure;
use crate::live::{Live, plan, probe};
use crate::symbols::Symbols;
use crate::view::Mode;
use fathometer_edge::clock;
use fathometer_edge::net::{DialOptions, Dialer, HttpClient};
use fathometer_engine::cost::walk::Amount;
use fathometer_engine::engine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::Validity;
use std::fmt::Write;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Where a run or demo usually listens.
const USUAL_URL: &str = "http://127.0.0.1:8050";
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a book: a snapshot comes within a few seconds.
const BOOK_SECONDS_MAX: f64 = 30.0;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Asks who knows.
pub(super) fn told(args: &OrderArgs, ask: Ask, config: Config) -> Result<CostTold, Failure> {
    let runtime = runtime()?;
    let url = args.url.as_deref().unwrap_or(USUAL_URL).trim_end_matches('/');
    match runtime.block_on(asked(url, args, &ask)) {
        Err(failure) if args.url.is_none() && failure.trouble == crate::failure::Trouble::Network => {
            eprintln!("no run or demo answers at {url}: listening to the exchange");
            listened(args, ask, config, &runtime)
        }
        told => told,
    }
}

/// The answer of a run that is under way.
async fn asked(url: &str, args: &OrderArgs, ask: &Ask) -> Result<CostTold, Failure> {
    let dialer = Dialer::new(&DialOptions::default()).map_err(Failure::input)?;
    let client = HttpClient::new(dialer, url, TIMEOUT).map_err(Failure::usage)?;
    let reply = client.get(&path(args, ask)).await.map_err(Failure::network)?;
    let strange = |error| Failure::failed(format!("{url} is no fathometer, or one of another version: {error}"));
    if reply.status == 200 {
        return serde_json::from_slice(&reply.body).map_err(strange);
    }
    let problem: Problem = serde_json::from_slice(&reply.body).map_err(strange)?;
    let candidates =
        if problem.candidates.is_empty() { String::new() } else { format!(": {}", problem.candidates.join(", ")) };
    Err(Failure::input(format!("{}; {}{candidates}", problem.detail, problem.remedy)))
}

fn path(args: &OrderArgs, ask: &Ask) -> String {
    let side = if ask.side == crate::api::simulate::OrderSide::Buy { "buy" } else { "sell" };
    let (name, amount) = match ask.amount {
        Amount::Base(amount) => ("size", amount),
        Amount::Quote(amount) => ("notional", amount),
        Amount::Size(amount) => ("contracts", amount),
    };
    let mut path = format!(
        "/api/v1/cost?instrument={}&side={side}&{name}={amount}&horizon_seconds={}&risk_aversion={}",
        escaped(args.instrument()),
        ask.horizon_seconds,
        ask.risk_aversion
    );
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(path, "&{name}={}", escaped(&value)); // writing to a String cannot fail
        }
    };
    add("limit", ask.limit.map(|limit| limit.to_string()));
    add("slices", ask.slices.map(|slices| slices.to_string()));
    add("volatility_annual_pct", ask.volatility_annual_pct.map(|pct| pct.to_string()));
    add("daily_volume", ask.daily_volume.map(|coins| coins.to_string()));
    add("fee_tier", args.fee_tier.clone());
    path
}

/// As it may stand in a query.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b':' => out.push(byte.into()),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Listens until the book is there, and estimates.
fn listened(args: &OrderArgs, mut ask: Ask, mut config: Config, runtime: &Runtime) -> Result<CostTold, Failure> {
    plan::point(&mut config, &args.network.venue_url)?;
    let markets = Symbols::of(&config).resolve_all(&[args.instrument().to_owned()], true)?;
    let [(venue, symbol)] = markets.as_slice() else {
        let names: Vec<String> = markets.iter().map(|(venue, symbol)| format!("{}:{symbol}", venue.name())).collect();
        return Err(Failure::input(format!(
            "`{}` means {} markets; say which: {}",
            args.instrument(),
            names.len(),
            names.join(", ")
        )));
    };
    let instrument = fathometer_engine::venue::infer(*venue, symbol);
    ask.rates = charged(&config, &instrument, args.fee_tier.as_deref())?;
    let groups = plan::groups(&config, &args.network, &markets, 0)?;
    if !args.network.wait {
        runtime.block_on(probe::probe(&groups))?;
    }
    let engine =
        engine::Config { instruments: markets, metrics: config.features.metrics.clone(), ..engine::Config::default() };
    let live = Live::start(Mode::Live, engine, groups, None, None, runtime.handle())?;
    let told = runtime.block_on(once_there(&live, &ask, instrument.id()));
    live.state.end();
    live.stop(runtime.handle())?;
    told
}

async fn once_there(live: &Live, ask: &Ask, id: String) -> Result<CostTold, Failure> {
    let state = &live.state;
    loop {
        let there = {
            let view = state.view();
            let index = view.markets.iter().position(|market| market.id == id);
            let market = index.and_then(|index| view.markets.get(index).map(|market| (index, market)));
            let is_live = |market: &crate::view::Market| {
                market.status.as_ref().is_some_and(|status| status.validity == Validity::Live)
            };
            market.filter(|(_, market)| is_live(market)).map(|(index, market)| (index, Measured::of(&view, market)))
        };
        if let Some((index, measured)) = there {
            let question = ask.clone();
            let looked = state.ask(move |engine| question.look(engine, InstrumentId(index as u32), &measured)).await;
            let looked = looked.map_err(Failure::failed)?.ok_or_else(|| Failure::failed("the book has just gone"))?;
            return Ok(ask.tell(id, &measured, &looked.map_err(refused)?, clock::now()));
        }
        if state.uptime_seconds() > BOOK_SECONDS_MAX {
            let why = state.given_up().unwrap_or_else(|| "see `fathometer run` for what happens".to_owned());
            return Err(Failure::network(format!("no book of {id} within {BOOK_SECONDS_MAX} s: {why}")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
