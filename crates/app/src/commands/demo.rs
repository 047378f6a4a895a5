//! `demo` and `venue`: the local exchange, watched by this very program or left to others.

use super::watch::{Watch, first_link, interrupted, runtime, watch};
use super::{load, print};
use crate::cli::market::DemoArgs;
use crate::cli::shared::NetworkArgs;
use crate::cli::venue::VenueArgs;
use crate::failure::{Failure, Outcome};
use crate::live::plan;
use crate::logging;
use crate::view::Mode;
use fathometer_edge::clock;
use fathometer_edge::net::DialOptions;
use fathometer_engine::engine;
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_venue::fault::{Fault, Kind};
use fathometer_venue::market::Source;
use fathometer_venue::playback::Playback;
use fathometer_venue::serve::{self, Options, Ports, Server};
use fathometer_venue::sim::{self, Listing, Regime, Simulation, demo_listings, many_listings};
use std::fmt::Write;

/// A simulated market on a local exchange, watched.
///
/// # Errors
/// See `watch`; a fault that does not exist.
pub fn demo(args: DemoArgs) -> Outcome {
    let mut config = load(&args.config)?;
    let simulation = simulate(args.seed, demo_listings());
    let markets: Vec<(Venue, String)> =
        simulation.listings().iter().map(|listing| (listing.venue, listing.symbol.clone())).collect();
    let options = Options {
        faults: faults(&args.fault)?.into_iter().map(now_and_then).collect(),
        tls: false,
        ..Options::default()
    };
    let runtime = runtime()?;
    let server = runtime.block_on(serve::start(Box::new(simulation), options)).map_err(refused)?;
    let mut hello = format!("the local exchange, seed {}:\n", args.seed);
    for address in server.addresses() {
        plan::redirect(&mut config, address.venue, address.plain.clone());
    }
    hello += &places(&server);
    let network = NetworkArgs::default();
    let groups = plan::groups(&config, &network, &markets, first_link(args.record.as_deref()))?;
    let engine = engine::Config {
        instruments: markets,
        metrics: config.features.metrics.clone(),
        surveillance: config.surveillance.clone(),
        ..engine::Config::default()
    };
    let mode = Mode::Demo { seed: args.seed };
    let watched = watch(
        Watch {
            mode,
            config: engine,
            fees: config.fees,
            delivery: config.delivery,
            dial: DialOptions::default(),
            groups,
            record: args.record,
            screen: args.screen,
            wait: false,
            hello,
        },
        &runtime,
    );
    runtime.block_on(server.stop());
    watched
}

/// A local exchange for any client.
///
/// # Errors
/// A port is taken, a recording cannot be read, a fault does not exist.
pub fn venue(args: VenueArgs) -> Outcome {
    logging::start(args.log_format);
    let (source, what): (Box<dyn Source>, String) = if args.recording.is_empty() {
        let listings = args.instruments.map_or_else(demo_listings, |count| many_listings(count as usize));
        (Box::new(simulate(args.seed, listings)), format!("a simulated market, seed {}", args.seed))
    } else {
        let playback =
            Playback::open(&args.recording, args.again).map_err(|error| Failure::input(format!("{error:#}")))?;
        let names: Vec<String> = playback.listings().iter().map(Instrument::id).collect();
        (Box::new(playback), format!("what was recorded of {}", names.join(", ")))
    };
    let port = |venue: Venue| {
        let Some(first) = args.port.checked_add(2 * venue as u16).filter(|_| args.port > 0) else {
            return Ports::default();
        };
        Ports { plain: first, tls: first.saturating_add(1) }
    };
    let options = Options {
        ports: Venue::ALL.into_iter().map(|venue| (venue, port(venue))).collect(),
        tls: args.tls,
        ca_path: args.ca_out.clone(),
        speed: args.speed,
        faults: faults(&args.fault)?,
        ..Options::default()
    };
    let runtime = runtime()?;
    let server = runtime.block_on(serve::start(source, options)).map_err(refused)?;
    print(&format!("{what}\n{}", places(&server)))?;
    runtime.block_on(async {
        match args.seconds {
            Some(seconds) => {
                let _ =
                    tokio::time::timeout(std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e9)), interrupted())
                        .await;
            }
            None => interrupted().await,
        }
        server.stop().await;
    });
    Ok(())
}

fn simulate(seed: u64, listings: Vec<Listing>) -> Simulation {
    Simulation::new(sim::Options { seed, start: clock::now(), listings, regime: Regime::Cycle, rate: 1.0 })
}

fn faults(specs: &[String]) -> Result<Vec<Fault>, Failure> {
    specs
        .iter()
        .map(|spec| spec.parse().map_err(|error| Failure::usage(format!("--fault {spec}: {error:#}"))))
        .collect()
}

/// Who looks at a demo waits for what was asked for: a fault without a time, which would be over before the first book,
/// comes after ten seconds, and again every twenty; a lasting state lasts.
fn now_and_then(fault: Fault) -> Fault {
    let timed = fault.after_ms > 0 || fault.every_ms.is_some() || fault.count.is_some() || fault.for_ms.is_some();
    match fault.kind {
        Kind::OkxCrc | Kind::UnroutedPublicOnly | Kind::PongSilence => fault,
        Kind::SilentStream | Kind::Slow | Kind::Crossed => fault,
        _ if timed => fault,
        _ => Fault { after_ms: 10_000, every_ms: Some(20_000), ..fault },
    }
}

fn refused(error: anyhow::Error) -> Failure {
    Failure::network(format!("{error:#}"))
}

fn places(server: &Server) -> String {
    let mut text = String::new();
    for address in server.addresses() {
        let _ = writeln!(text, "  {:14} {}  {}", address.venue.name(), address.plain.rest, address.plain.ws);
        if let Some(tls) = &address.tls {
            let _ = writeln!(text, "  {:14} {}  {}", "", tls.rest, tls.ws);
        }
    }
    if let Some(ca) = server.ca_path() {
        let _ = writeln!(text, "  {:14} {}", "authority", ca.display());
    }
    let _ = writeln!(text, "  {:14} {}", "faults", server.control_url());
    text
}
