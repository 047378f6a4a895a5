//! Real recordings through the engine, against books computed independently of it.
#![allow(clippy::unwrap_used, clippy::too_many_arguments)] // tests

use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::output::{Outbox, Output, Status, Validity};
use fathometer_engine::units::Nanos;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::PathBuf;

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

/// Replays collector files of one instrument; its status and the hash of its canonical book.
fn replay(venue: Venue, symbol: &str, files: &[&str]) -> Option<(Status, String, Vec<String>)> {
    let folder = recordings()?;
    let mut engine = Engine::new(Config::default());
    let mut out = Outbox::default();
    let mut faults = Vec::new();
    let link = LinkId(0);
    let path = match venue {
        Venue::Binance => "/api/v3/depth",
        _ => "/fapi/v1/depth",
    };
    let request = format!("{path}?symbol={symbol}&limit=1000");
    let open = Input { at: Nanos(1), link, body: Body::Open { venue, leg: Leg::A, url: "recording" } };
    engine.step(&open, &mut out, &mut NoStopwatch);
    for file in files {
        let mut text = Vec::new();
        let file = std::fs::File::open(folder.join("nkaz001-hftbacktest").join(file)).unwrap();
        flate2::read::GzDecoder::new(file).read_to_end(&mut text).unwrap();
        for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
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
            faults.extend(out.items.iter().filter_map(|o| match o {
                Output::Fault(fault) => Some(fault.text.clone()),
                _ => None,
            }));
        }
    }
    let id = InstrumentId(0);
    let text = engine.book(id)?.canonical_text(engine.registry().get(id).scale);
    let hash = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Some((engine.status(id)?, hash, faults))
}

fn check(
    venue: Venue,
    symbol: &str,
    files: &[&str],
    applied: u64,
    last: i64,
    levels: (u32, u32),
    sha256: &str,
    audit: (u64, u64),
) {
    let Some((status, hash, faults)) = replay(venue, symbol, files) else { return };
    let c = status.counters;
    assert_eq!(faults.len() as u64, audit.0 - audit.1, "{faults:#?}");
    assert_eq!((c.diffs_applied, c.gaps, c.resyncs), (applied, 0, 0));
    assert_eq!((status.last_update_id, status.levels), (last, levels));
    assert_eq!(hash, sha256);
    assert_eq!(status.validity, Validity::Live);
    assert_eq!((c.audit_checked, c.audit_matched), audit);
}

/// The two comparisons that fail are the exchange's: its ticker left out the states at 50093478174 and 50093480542,
/// where the diffs (and the ticker's next messages) agree with the book.
#[test]
fn binance_spot_btc_over_two_files() {
    check(
        Venue::Binance,
        "BTCUSDT",
        &["examples/spot/btcusdt_20240808.gz", "examples/spot/btcusdt_20240809.gz"],
        6493,
        50093696318,
        (1971, 2962),
        "1c49adbccd208ab0c5a7b5e8051c23834b6b6292fd5861e951ff00d97a25cd5f",
        (6492, 6490),
    );
}

#[test]
fn binance_usdm_eth() {
    check(
        Venue::BinanceUsdm,
        "ETHUSDT",
        &["examples/usdm/ethusdt_20240808.gz"],
        6581,
        5123135545737,
        (3181, 3013),
        "a7483d9195cb432d4fec9b40b4e53b9a75346c04ace03d83e86befa566076a25",
        (6578, 6578),
    );
}

#[test]
fn binance_usdm_btc_of_2023() {
    check(
        Venue::BinanceUsdm,
        "BTCUSDT",
        &["history/usdm_btcusdt_20230404.dat.gz"],
        4322,
        2710249412032,
        (2306, 1791),
        "7f9ec32253c2333874e1e0d8c6c059c3e2482559cf6dda066aa32445d5d93b39",
        (4322, 4322),
    );
}
