//! The fill model on real recordings: figures on their later part, every prediction made before its outcome.
#![allow(clippy::unwrap_used)] // tests

use fathometer_engine::cost::maker::score::{Board, Score};
use fathometer_engine::cost::maker::{Maker, Outcome, Params};
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::event::Event;
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::{InstrumentId, Venue};
use fathometer_engine::metric::Seen;
use fathometer_engine::output::{Outbox, Output, Validity};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::io::Read;
use std::path::PathBuf;

/// What became of the virtual orders of a recording, in order.
fn outcomes(horizon_seconds: i64, venue: Venue, symbol: &str, files: &[&str]) -> Option<(Vec<Outcome>, Maker)> {
    let folder = std::env::var_os("FATHOMETER_REALDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"), PathBuf::from);
    if !folder.is_dir() {
        eprintln!("NOT RUN: no recordings at {} (set FATHOMETER_REALDATA)", folder.display());
        return None;
    }
    let (mut engine, mut out) = (Engine::new(Config::default()), Outbox::default());
    // Orders every quarter of a second, since the recordings last minutes only.
    let (horizon_ns, every_ns) = (horizon_seconds * NANOS_PER_SECOND, NANOS_PER_SECOND / 4);
    let (mut maker, mut all) = (Maker::new(Params { horizon_ns, every_ns, ..Params::default() }), Vec::new());
    let link = LinkId(0);
    let request = format!(
        "{}?symbol={symbol}&limit=1000",
        if venue == Venue::Binance { "/api/v3/depth" } else { "/fapi/v1/depth" }
    );
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
            for item in &out.items {
                let Output::Market { at, stamped, valid, .. } = item else { continue };
                let Some(book) = engine.book(InstrumentId(0)) else { continue };
                let levels = match &stamped.event {
                    Event::Depth(depth) => &out.levels[depth.span.start as usize..depth.span.end as usize],
                    _ => &[],
                };
                let mut stamped = stamped.clone();
                if let Event::Depth(depth) = &mut stamped.event {
                    let span = &mut depth.span;
                    (span.asks, span.end) = (span.asks - span.start, span.end - span.start);
                    span.start = 0;
                }
                let validity = if *valid { Validity::Live } else { Validity::Syncing };
                let instrument = engine.registry().get(InstrumentId(0));
                let seen = Seen {
                    at: *at,
                    stamped: &stamped,
                    levels,
                    before: &[],
                    best: [None; 2],
                    book,
                    validity,
                    instrument,
                };
                all.extend_from_slice(maker.on(&seen));
            }
        }
    }
    Some((all, maker))
}

/// The scores of the model, recalibrated, and of the spread alone over the later 40 % of the outcomes.
fn scores(all: &[Outcome]) -> [Score; 3] {
    let held_out = &all[all.len() * 6 / 10..];
    [0, 1, 2].map(|i| {
        let mut board = Board::default();
        held_out.iter().for_each(|it| board.add(it.predicted[i], it.filled[1]));
        board.score()
    })
}

fn check(venue: Venue, symbol: &str, files: &[&str]) {
    for horizon_seconds in [2, 5] {
        check_within(horizon_seconds, venue, symbol, files);
    }
}

fn check_within(horizon_seconds: i64, venue: Venue, symbol: &str, files: &[&str]) {
    let Some((all, maker)) = outcomes(horizon_seconds, venue, symbol, files) else { return };
    let [raw, calibrated, spread] = scores(&all);
    let number = |value: fathometer_engine::metric::Value| value.get().unwrap();
    println!(
        "{} {symbol} within {horizon_seconds} s: {} outcomes, filled {:.3?} (all, likely, no cancels ahead)",
        venue.name(),
        all.len(),
        maker.report().fill_rates
    );
    for (name, score) in [("model", &raw), ("recalibrated", &calibrated), ("spread only", &spread)] {
        println!(
            "  {name:13} n {} Brier {:.4} (base rate {:.4}) log-loss {:.4} AUC {:.4}",
            score.count,
            number(score.brier),
            number(score.brier_of_base_rate),
            number(score.log_loss),
            number(score.auc)
        );
    }
    assert!(all.len() > 2_000, "{}", all.len());
    assert!(number(calibrated.brier) < number(calibrated.brier_of_base_rate));
    assert!(number(calibrated.brier) < number(spread.brier));
    assert!(number(calibrated.auc) > number(spread.auc) && number(calibrated.auc) > 0.55);
    let [most, likely, least] = maker.report().fill_rates;
    assert!(most >= likely && likely >= least);
}

#[test]
fn fills_of_binance_spot_btc() {
    check(Venue::Binance, "BTCUSDT", &["examples/spot/btcusdt_20240808.gz", "examples/spot/btcusdt_20240809.gz"]);
}

#[test]
fn fills_of_binance_usdm_eth() {
    check(Venue::BinanceUsdm, "ETHUSDT", &["examples/usdm/ethusdt_20240808.gz"]);
}
