//! Real, busy hours of real markets: few alerts, each shown.
#![allow(clippy::unwrap_used)] // tests

use fathometer_engine::alert::{Severity, State};
use fathometer_engine::detector::CATALOGUE;
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{Outbox, Output};
use fathometer_engine::units::Nanos;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What watching a recording came to.
#[derive(Debug, Default)]
struct Watched {
    hours: f64,
    /// Alerts of warning or worse.
    loud: u32,
    /// Notes.
    quiet: u32,
}

/// The folder of recordings, or `None` with a word about it.
fn recordings() -> Option<PathBuf> {
    let folder = std::env::var_os("FATHOMETER_REALDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("NOT RUN: no recordings at {} (set FATHOMETER_REALDATA)", folder.display());
    None
}

/// Shows every alert of a recording, and counts.
fn watch(folder: &Path, venue: Venue, symbol: &str, files: &[&str]) -> Watched {
    let (mut engine, mut out, link) = (Engine::new(Config::default()), Outbox::default(), LinkId(0));
    let path = if venue == Venue::Binance { "/api/v3/depth" } else { "/fapi/v1/depth" };
    let request = format!("{path}?symbol={symbol}&limit=1000");
    let open = Body::Open { venue, leg: Leg::A, url: "recording" };
    engine.step(&Input { at: Nanos(1), link, body: open }, &mut out, &mut NoStopwatch);
    let (mut watched, mut first) = (Watched::default(), None);
    for file in files {
        let mut text = Vec::new();
        let file = std::fs::File::open(folder.join("nkaz001-hftbacktest").join(file)).unwrap();
        flate2::read::GzDecoder::new(file).read_to_end(&mut text).unwrap();
        for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let space = line.iter().position(|b| *b == b' ').unwrap();
            let at: i64 = std::str::from_utf8(&line[..space]).unwrap().parse().unwrap();
            let at = Nanos(if at < 100_000_000_000_000_000 { at * 1_000 } else { at });
            let frame = &line[space + 1..];
            let body = if frame.starts_with(b"{\"lastUpdateId\"") {
                Body::Reply { sent: at, request: &request, status: 200, body: frame }
            } else {
                Body::Text(frame)
            };
            out.clear();
            engine.step(&Input { at, link, body }, &mut out, &mut NoStopwatch);
            let begun = *first.get_or_insert(at);
            watched.hours = at.since(begun) as f64 / 3.6e12;
            for item in &out.items {
                let Output::Alert(alert) = item else { continue };
                if alert.state != State::Firing {
                    continue;
                }
                let detector = CATALOGUE[usize::from(alert.detector)].id;
                let seconds = at.since(begun) as f64 / 1e9;
                println!("{symbol} {seconds:7.1} s {:8} {detector}: {}", alert.severity.name(), alert.text);
                if alert.severity >= Severity::Warning {
                    watched.loud += 1;
                } else {
                    watched.quiet += 1;
                }
            }
        }
    }
    println!("{symbol} on {}: {watched:?}", venue.name());
    watched
}

/// 0.3 hours in all: at one per instrument-hour, none is the expectation and one is luck.
#[test]
fn busy_hours_raise_few_alerts() {
    let Some(folder) = recordings() else { return };
    let all = [
        watch(
            &folder,
            Venue::Binance,
            "BTCUSDT",
            &["examples/spot/btcusdt_20240808.gz", "examples/spot/btcusdt_20240809.gz"],
        ),
        watch(&folder, Venue::BinanceUsdm, "ETHUSDT", &["examples/usdm/ethusdt_20240808.gz"]),
        watch(&folder, Venue::BinanceUsdm, "BTCUSDT", &["history/usdm_btcusdt_20230404.dat.gz"]),
    ];
    let (loud, quiet): (u32, u32) = (all.iter().map(|w| w.loud).sum(), all.iter().map(|w| w.quiet).sum());
    let hours: f64 = all.iter().map(|w| w.hours).sum();
    assert!(hours > 0.28, "{hours}");
    assert!(loud <= 1, "{loud} warnings in {hours:.2} h");
    assert!(f64::from(quiet) <= 60.0 * hours, "{quiet} notes in {hours:.2} h");
}
