//! In the steady state a frame costs no allocation: counted, over a synthetic stream and over a real one.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

mod common;

use common::*;
use fathometer_engine::engine::{Config, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input, Leg};
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{Outbox, Output};
use fathometer_engine::units::Nanos;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Read;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    /// While this is set the next allocation says where it comes from.
    static TRAP: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

impl Counting {
    fn count() {
        COUNT.with(|count| count.set(count.get() + 1));
        if TRAP.with(|trap| trap.replace(false)) {
            eprintln!("allocated here:\n{}", std::backtrace::Backtrace::force_capture());
        }
    }
}

// SAFETY: every call is passed on to the system's allocator as it came; only a number of this thread is kept beside.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count();
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

/// What a run cost after its warm-up.
#[derive(Debug, Default, PartialEq)]
struct Cost {
    frames: u64,
    allocations: u64,
    /// Reports that are boxed, once a second: each is one allocation, and the only ones there may be.
    reports: u64,
}

/// What a report is put in, once a second.
fn boxes(output: &Output) -> u64 {
    match output {
        Output::Status(_) => 1,
        Output::Board(_) => 2, // with its lines
        _ => 0,
    }
}

/// Steps through frames; those from `warm` on are counted.
fn run(venue: Venue, frames: &[(i64, What)], warm: usize) -> Cost {
    let mut engine = Engine::new(Config { audit_ms: 0, ..Config::default() });
    let (mut out, mut cost) = (Outbox::default(), Cost::default());
    let trap = std::env::var_os("FATHOMETER_TRAP_ALLOCATION").is_some();
    engine.step(
        &Input { at: Nanos(1), link: A, body: Body::Open { venue, leg: Leg::A, url: "" } },
        &mut out,
        &mut NoStopwatch,
    );
    for (i, (at, what)) in frames.iter().enumerate() {
        let at = Nanos(*at);
        let body = match what {
            What::Text(text) => Body::Text(text.as_bytes()),
            What::Reply(request, status, body) => {
                Body::Reply { sent: at, request, status: *status, body: body.as_bytes() }
            }
            other => panic!("{other:?}"),
        };
        out.clear();
        let before = COUNT.with(Cell::get);
        let reports = engine.now().0 / 1_000_000_000 != at.0 / 1_000_000_000;
        TRAP.with(|place| place.set(trap && i >= warm && !reports));
        engine.step(&Input { at, link: A, body }, &mut out, &mut NoStopwatch);
        TRAP.with(|place| place.set(false));
        let alarmed = out.items.iter().any(|o| matches!(o, Output::Alert(_))); // in words, which are no steady state
        if i >= warm && !alarmed {
            cost.frames += 1;
            cost.allocations += COUNT.with(Cell::get) - before;
            cost.reports += out.items.iter().map(boxes).sum::<u64>();
        }
        assert!(!out.items.iter().any(|o| matches!(o, Output::Fault(_))), "{:?}", out.items);
    }
    cost
}

/// To see where it allocates: `FATHOMETER_TRAP_ALLOCATION=1 cargo test --test allocations -- --nocapture`.
fn check(venue: Venue, frames: &[(i64, What)], warm: usize) {
    let cost = run(venue, frames, warm);
    eprintln!("{venue:?}: {cost:?}");
    assert_eq!(cost.allocations, cost.reports, "{cost:?}");
}

/// Small deterministic generator.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n) as i64
    }
}

/// A stream of changes, quotes and trades around a wandering price; it moves the book's window several times.
fn stream(venue: Venue, count: i64) -> Vec<(i64, What)> {
    let (mut rng, mut frames, mut mid, mut id) = (Rng(5), Vec::new(), 100_000, 1_000);
    let start = START_MS * 1_000_000;
    let okx_first = okx_book(id, "1000.00x1", "1000.01x1");
    let first = match venue {
        Venue::Okx => vec![okx_first],
        _ => vec![spot(id, id, "", ""), spot_snapshot(id, "1000.00x1", "1000.01x1")],
    };
    frames.extend(first.into_iter().enumerate().map(|(i, what)| (start + i as i64, what)));
    let price = |n: i64| format!("{}.{:02}", n / 100, n % 100);
    for i in 0..count {
        let at = start + 1_000 + i * 10_000_000;
        let before = mid;
        mid += rng.below(201) - 100;
        let mut side = |sign: i64| {
            let mut levels: Vec<String> = Vec::new();
            // What the price has run over is gone.
            let over = if (mid - before) * sign < 0 { (mid - before).abs() } else { 0 };
            levels.extend((0..=over + 1).map(|n| format!("{}x0", price(before - sign * (1 + n)))));
            levels.push(format!("{}x{}.5", price(mid - sign), i % 7 + 1));
            levels.extend((0..5).map(|_| format!("{}x{}", price(mid - sign * (2 + rng.below(900))), rng.below(4))));
            levels.join(" ")
        };
        let (bids, asks) = (side(1), side(-1));
        let (bid, ask) = (price(mid - 1), price(mid + 1));
        let best = |price: &str| format!("{price}x{}.5", i % 7 + 1);
        let time = START_MS + i * 10;
        if venue == Venue::Okx {
            frames.push((at, okx_update(id, id + 1, &bids, &asks)));
            frames.push((at + 1, text(&format!(
                r#"{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{i}","px":"{bid}","sz":"0.5","side":"sell","ts":"{time}"}}]}}"#
            ))));
        } else {
            frames.push((at, spot(id + 1, id + 1, &bids, &asks)));
            frames.push((at + 1, trade(i, &bid, "0.5")));
            frames.push((at + 2, ticker(id + 1, &best(&bid), &best(&ask))));
        }
        id += 1;
    }
    frames
}

#[test]
fn synthetic_spot_stream_is_free_of_allocations() {
    let frames = stream(Venue::Binance, 20_000);
    check(Venue::Binance, &frames, frames.len() / 2);
}

#[test]
fn synthetic_okx_stream_is_free_of_allocations() {
    let frames = stream(Venue::Okx, 20_000);
    check(Venue::Okx, &frames, frames.len() / 2);
}

#[test]
fn real_futures_stream_is_free_of_allocations() {
    let folder = std::env::var_os("FATHOMETER_REALDATA").map_or_else(
        || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"),
        std::path::PathBuf::from,
    );
    let Ok(file) = std::fs::File::open(folder.join("nkaz001-hftbacktest/examples/usdm/ethusdt_20240808.gz")) else {
        return eprintln!("NOT RUN: no recordings at {} (set FATHOMETER_REALDATA)", folder.display());
    };
    let mut all = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut all).unwrap();
    let frames: Vec<(i64, What)> = all
        .lines()
        .map(|line| {
            let (at, frame) = line.split_once(' ').unwrap();
            let reply = frame.starts_with("{\"lastUpdateId\"");
            let path = "/fapi/v1/depth?symbol=ETHUSDT&limit=1000".to_owned();
            let what = if reply { What::Reply(path, 200, frame.to_owned()) } else { text(frame) };
            (at.parse().unwrap(), what)
        })
        .collect();
    check(Venue::BinanceUsdm, &frames, frames.len() / 2);
}
