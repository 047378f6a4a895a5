//! What the stage tells is a market that the engine believes, and what is played is what was meant.

use super::*;
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::event::Event;
use fathometer_engine::input::Body;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::{Outbox, Output, Validity};
use fathometer_engine::units::{NANOS_PER_MILLI, Side};
use std::path::Path;

/// What an engine saw of a scene.
#[derive(Debug, Default)]
struct Seen {
    faults: Vec<String>,
    trades: u64,
    depth: u64,
    frames: u64,
    hash: u64,
    label: Option<Label>,
    /// Per 100 ms: time, mid, spread, largest level within 20 bps, size within 10 bps per side.
    moments: Vec<(Nanos, f64, f64, i64, [i64; 2])>,
}

fn watch(mut scene: Scene) -> Seen {
    let instruments = scene.instruments().iter().map(|i| (i.venue, i.symbol.clone())).collect();
    let config = Config { instruments, relief_ms: 0, audit_ms: 0, ..Config::default() };
    let (mut engine, mut outbox, mut seen) = (Engine::new(config), Outbox::default(), Seen::default());
    let mut on = true;
    while on {
        on = scene.step(&mut |input| {
            outbox.clear();
            engine.step(input, &mut outbox, &mut NoStopwatch);
            if let Body::Text(bytes) = input.body {
                seen.frames += 1;
                seen.hash =
                    bytes.iter().fold(seen.hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
            }
            for output in &outbox.items {
                match output {
                    Output::Fault(fault) => seen.faults.push(fault.text.clone()),
                    Output::Market { stamped, .. } => match stamped.event {
                        Event::Trade(_) => seen.trades += 1,
                        Event::Depth(_) => seen.depth += 1,
                        _ => {}
                    },
                    _ => {}
                }
            }
            if matches!(input.body, Body::Tick) {
                seen.moments.extend(moment(&engine, input.at));
            }
        });
    }
    seen.label = scene.label();
    seen
}

fn moment(engine: &Engine, at: Nanos) -> Option<(Nanos, f64, f64, i64, [i64; 2])> {
    let id = InstrumentId(0);
    (engine.status(id)?.validity == Validity::Live).then_some(())?;
    let book = engine.book(id)?;
    let (bid, ask) = (book.best(Side::Bid)?.price.0 as f64, book.best(Side::Ask)?.price.0 as f64);
    let mid = f64::midpoint(bid, ask);
    let near = |bps: f64, side| {
        let within = move |price: i64| (price as f64 / mid - 1.0).abs() * 1e4 < bps;
        book.levels(side).take_while(move |l| within(l.price.0)).map(|l| l.size.0)
    };
    let sides = [Side::Bid, Side::Ask];
    let largest = sides.into_iter().flat_map(|side| near(20.0, side)).max().unwrap_or(0);
    Some((at, mid, (ask - bid) / mid * 1e4, largest, sides.map(|side| near(10.0, side).sum())))
}

/// Mean of a number of moments, before and while something is played.
fn before_and_during(seen: &Seen, number: impl Fn(&(Nanos, f64, f64, i64, [i64; 2])) -> f64) -> (f64, f64) {
    let label = seen.label.unwrap();
    let mean = |from: Nanos, to: Nanos| {
        let all: Vec<f64> = seen.moments.iter().filter(|m| from <= m.0 && m.0 <= to).map(&number).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    (mean(label.start.plus(-60 * NANOS_PER_SECOND), label.start), mean(label.start, label.end))
}

fn simulated(kind: Kind, seed: u64) -> Seen {
    watch(Scene::simulated(Some(kind), seed, Dials::default()).unwrap())
}

#[test]
fn every_kind_is_told_without_a_fault_and_has_a_label() {
    for kind in Kind::ALL {
        let seen = simulated(*kind, 11);
        let label = seen.label.unwrap();
        assert!(seen.faults.is_empty(), "{}: {:?}", kind.name(), &seen.faults[..seen.faults.len().min(4)]);
        assert_eq!(label.kind, *kind);
        let lasts = label.end.since(label.start) / NANOS_PER_MILLI;
        assert!((3_000..130_000).contains(&lasts), "{}: {lasts} ms", kind.name());
        assert!(seen.depth > 1_000 && seen.trades > 50, "{}: {seen:?}", kind.name());
        assert!(seen.moments.len() > 1_000, "{}", kind.name());
    }
}

#[test]
fn the_same_seed_is_the_same_to_the_byte_and_another_is_not() {
    let (one, same, other) = (simulated(Kind::Spoofing, 3), simulated(Kind::Spoofing, 3), simulated(Kind::Spoofing, 4));
    assert_eq!((one.hash, one.frames, one.label), (same.hash, same.frames, same.label));
    assert_ne!(one.hash, other.hash);
}

#[test]
fn what_is_played_shows_in_the_book() {
    for seed in 1..4 {
        let (before, during) = before_and_during(&simulated(Kind::Wall, seed), |m| m.3 as f64);
        assert!(during > 1.3 * before, "wall {seed}: {before} {during}");
        let (before, during) = before_and_during(&simulated(Kind::Spread, seed), |m| m.2);
        assert!(during > 2.0 * before, "spread {seed}: {before} {during}");
        let (before, during) = before_and_during(&simulated(Kind::Depth, seed), |m| m.4[0] as f64 + m.4[1] as f64);
        assert!(during < 0.6 * before, "depth {seed}: {before} {during}");
        let seen = simulated(Kind::Pump, seed);
        let start = seen.moments.iter().find(|m| Some(m.0) >= seen.label.map(|l| l.start)).unwrap().1;
        let (_, during) = before_and_during(&seen, |m| m.1);
        assert!(during / start > 1.001, "pump {seed}: {start} {during}");
    }
}

#[test]
fn more_disguise_is_less_to_see() {
    let wall = |disguise| {
        let dials = Dials { disguise, intensity: 1.0 };
        before_and_during(&watch(Scene::simulated(Some(Kind::Wall), 5, dials).unwrap()), |m| m.3 as f64).1
    };
    assert!(wall(0.0) > 1.5 * wall(1.0));
}

#[test]
fn recorded_flow_carries_scripts_too() {
    let folder = std::env::var("FATHOMETER_REALDATA").unwrap_or_else(|_| "../../../shared/realdata".into());
    let file = Path::new(&folder).join("nkaz001-hftbacktest/examples/usdm/ethusdt_20240808.gz");
    if !file.is_file() {
        eprintln!("NOT RUN: {} is absent; set FATHOMETER_REALDATA", file.display());
        return;
    }
    let takes = Take::load(&[file], TAKE_SECONDS_MIN * NANOS_PER_SECOND).unwrap();
    assert_eq!((takes.len(), takes[0].name.as_str()), (1, "binance-usdm:ETHUSDT"));
    for kind in Kind::ALL.iter().filter(|kind| kind.fits(&takes[0])) {
        let seen = watch(Scene::recorded(*kind, 2, Dials::default(), &takes[0]).unwrap());
        assert!(seen.faults.is_empty(), "{}: {:?}", kind.name(), &seen.faults[..seen.faults.len().min(4)]);
        assert!(seen.label.is_some() && seen.moments.len() > 1_000, "{}", kind.name());
    }
    assert!(Scene::recorded(Kind::Dislocation, 2, Dials::default(), &takes[0]).is_err());
}
