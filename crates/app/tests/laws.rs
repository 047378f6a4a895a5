//! The laws, on a run over real sockets that misbehave: a live run is its replay, and so is every part of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod common;

use common::{Rig, Setup};
use fathometer::cli::shared::NetworkArgs;
use fathometer::config::{Config, Sources};
use fathometer::live::recorder::Recorder;
use fathometer::live::{Ended, Live, plan};
use fathometer::report::{self, InstrumentReport};
use fathometer::runner::Runner;
use fathometer::view::Mode;
use fathometer_edge::clock;
use fathometer_edge::recording;
use fathometer_edge::tape::{Fsync, Options, Writer};
use fathometer_engine::engine::{self, Engine, NoStopwatch};
use fathometer_engine::input::{Body, Input};
use fathometer_engine::output::Outbox;
use fathometer_venue::market::Source as _;
use fathometer_venue::serve;
use fathometer_venue::sim::{self, Regime, Simulation, demo_listings};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

/// What goes wrong during the recorded run.
const FAULTS: [&str; 8] = [
    "gap:binance:BTCUSDT@2",
    "duplicate:okx:every=700ms:for=9s",
    "reorder:binance-usdm:every=900ms:for=9s",
    "malformed:every=1s:for=9s",
    "cut:binance@5",
    "cut:okx@7",
    "okx-crc:okx:BTC-USDT",
    "corrupt:okx:BTC-USDT@4",
];

/// A demo recorded into `folder` for that many seconds.
fn record(folder: &Path, seconds: u64, first_link: u32, options: Options) -> Ended {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let simulation = Simulation::new(sim::Options {
        seed: 11,
        start: clock::now(),
        listings: demo_listings(),
        regime: Regime::Cycle,
        rate: 1.0,
    });
    let markets: Vec<_> = simulation.listings().iter().map(|l| (l.venue, l.symbol.clone())).collect();
    let faults = FAULTS.iter().map(|order| order.parse().unwrap()).collect();
    let serving = serve::Options { tls: false, faults, ..serve::Options::default() };
    let server = runtime.block_on(serve::start(Box::new(simulation), serving)).unwrap();
    let mut config = Config::load(Sources::default()).unwrap();
    for address in server.addresses() {
        plan::redirect(&mut config, address.venue, address.plain.clone());
    }
    let groups = plan::groups(&config, &NetworkArgs::default(), &markets, first_link).unwrap();
    let config = engine::Config { instruments: markets, audit_ms: 3_000, ..engine::Config::default() };
    let recorder = Recorder::create_with(folder, &config, options).unwrap();
    let live = Live::start(Mode::Demo { seed: 11 }, config, groups, Some(recorder), None, runtime.handle()).unwrap();
    std::thread::sleep(Duration::from_secs(seconds));
    let ended = live.stop(runtime.handle()).unwrap();
    runtime.block_on(server.stop());
    assert_eq!(ended.tape_error, None);
    ended
}

/// Those files through a fresh engine.
fn replay<P: AsRef<Path>>(files: &[P]) -> Runner {
    let mut source = recording::open(files).unwrap();
    let mut runner = Runner::new(serde_json::from_slice(source.header().unwrap()).unwrap());
    while let Some(input) = source.next().unwrap() {
        runner.step(&input);
    }
    assert_eq!(source.skipped().count, 0);
    runner
}

/// What every step says, as a hash; from the first input of the last file on.
fn steps<P: AsRef<Path>>(before: &[P], last: &Path) -> (Vec<u64>, Runner) {
    let mut runner = replay_or_fresh(before, last);
    let mut source = recording::open(&[last]).unwrap();
    let mut said = Vec::new();
    while let Some(input) = source.next().unwrap() {
        runner.step(&input);
        let first = said.is_empty();
        // The checkpoint is news to a fresh engine and nothing to one that runs.
        assert!(!first || matches!(input.body, Body::Checkpoint(_)), "a segment begins with the engine's state");
        said.push(if first { 0 } else { of(runner.outbox()) });
    }
    (said, runner)
}

fn replay_or_fresh<P: AsRef<Path>>(before: &[P], last: &Path) -> Runner {
    if before.is_empty() {
        let source = recording::open(&[last]).unwrap();
        return Runner::new(serde_json::from_slice(source.header().unwrap()).unwrap());
    }
    replay(before)
}

fn of(outbox: &Outbox) -> u64 {
    xxh3_64(&postcard::to_stdvec(&(&outbox.items, &outbox.levels, &outbox.values)).unwrap())
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn books(runner: &Runner) -> Vec<InstrumentReport> {
    runner.parting().map_or_else(|| report::instruments(runner), |parting| parting.instruments.clone())
}

#[test]
fn a_run_is_its_replay_and_so_is_every_part_of_it() {
    let here = tempfile::tempdir().unwrap();
    let tape = here.path().join("tape");
    let small = Options { segment_seconds_max: 3, block_bytes_max: 64 << 10, ..Options::default() };
    let live = record(&tape, 14, 0, small);
    let gaps: u64 = books(&live.runner).iter().map(|it| it.gaps).sum();
    assert!(gaps >= 5, "the faults were felt: {gaps}");
    assert!(books(&live.runner).iter().filter(|it| it.valid).count() >= 8, "{:#?}", books(&live.runner));

    // Laws 1 and 2.
    let (once, twice) = (replay(&[&tape]), replay(&[&tape]));
    assert_eq!(once.output_hash(), live.runner.output_hash(), "law 2: the replay says what the run said");
    assert_eq!(twice.output_hash(), once.output_hash(), "law 1: and says it again");
    assert_eq!(books(&once), books(&live.runner));
    let output = Command::new(env!("CARGO_BIN_EXE_fathometer")).args(["replay", "--json"]).arg(&tape).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["output_hash"], live.runner.output_hash());

    // Each segment alone.
    let files = segments(&tape);
    assert!(files.len() >= 4, "{files:?}");
    for (number, file) in files.iter().enumerate().skip(1) {
        let (in_place, whole) = steps(&files[..number], file);
        let (alone, part) = steps::<&Path>(&[], file);
        assert_eq!(alone.len(), in_place.len());
        let other = alone.iter().zip(&in_place).position(|(a, b)| a != b);
        assert_eq!(other, None, "law 4: {} of {} steps, segment {number} alone", alone.len(), in_place.len());
        assert_eq!(books(&part), books(&whole), "segment {number}");
    }

    restarts(&tape);
    reblocked(&tape, here.path(), &live.runner.output_hash());
}

/// Law 4: going on from a checkpoint at any input is going on.
fn restarts(tape: &Path) {
    let mut source = recording::open(&[tape]).unwrap();
    let mut engine = Engine::new(serde_json::from_slice(source.header().unwrap()).unwrap());
    let mut outbox = Outbox::default();
    let mut restarted: Option<(Engine, Outbox)> = None;
    let (mut count, mut restarts) = (0u64, 0);
    while let Some(input) = source.next().unwrap() {
        outbox.clear();
        engine.step(&input, &mut outbox, &mut NoStopwatch);
        if let Some((other, theirs)) = &mut restarted {
            theirs.clear();
            other.step(&input, theirs, &mut NoStopwatch);
            assert_eq!(of(theirs), of(&outbox), "input {count} ({restarts} restarts): {:?}", theirs.items);
        }
        count += 1;
        if count % 997 == 0 {
            restarted = Some((Engine::restore(&engine.checkpoint().unwrap()).unwrap(), Outbox::default()));
            restarts += 1;
        }
    }
    assert!(restarts >= 5, "{count} inputs");
}

/// Law 3: the same inputs in blocks of any size are the same.
fn reblocked(tape: &Path, here: &Path, hash: &str) {
    for bytes in [1, 1_000, 1 << 20] {
        let folder = here.join(format!("blocks-of-{bytes}"));
        let mut source = recording::open(&[tape]).unwrap();
        let header = source.header().unwrap().to_vec();
        let options = Options { block_bytes_max: bytes, fsync: Fsync::Never, header, ..Options::default() };
        let mut writer = Writer::create(&folder, options).unwrap();
        while let Some(input) = source.next().unwrap() {
            writer.append(&input).unwrap();
        }
        writer.close().unwrap();
        assert_eq!(replay(&[folder]).output_hash(), hash, "law 3, blocks of {bytes} bytes");
    }
}

/// A second run into the same folder goes on with the tape: no link number comes twice, and the end is its end.
#[test]
fn a_second_run_goes_on_with_the_tape() {
    let here = tempfile::tempdir().unwrap();
    let first = record(here.path(), 3, 0, Options::default());
    let link = fathometer::commands::watch::first_link(Some(here.path()));
    assert!(link > 0);
    let second = record(here.path(), 4, link, Options::default());
    let files = segments(here.path());
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(replay(&files[..1]).output_hash(), first.runner.output_hash());
    assert_eq!(replay(&files[1..]).output_hash(), second.runner.output_hash());

    let both = replay(&files);
    let same = |it: &InstrumentReport| (it.id.clone(), it.last_update_id, it.book_sha256.clone(), it.valid);
    let (replayed, live) = (books(&both), books(&second.runner));
    assert_eq!(replayed.iter().map(same).collect::<Vec<_>>(), live.iter().map(same).collect::<Vec<_>>());
    assert_eq!(both.frames, first.runner.frames + second.runner.frames);

    let mut opened = std::collections::BTreeSet::new();
    let mut source = recording::open(&files).unwrap();
    while let Some(Input { link, body, .. }) = source.next().unwrap() {
        assert!(!matches!(body, Body::Open { .. }) || opened.insert(link), "{link:?} was opened twice");
    }
}

/// Law 3 on the wire: every byte stream arrives in crumbs, frames and their headers torn apart, and the books are right.
#[test]
fn however_the_network_cuts_the_bytes_the_books_are_right() {
    let rig = Rig::live(Setup { crumbs: true, ..Setup::default() });
    std::thread::sleep(Duration::from_secs(4));
    let end = clock::now();
    let log = rig.stop();
    for seen in &log.markets {
        assert!(seen.wrong.is_empty(), "{}: {:?}", seen.id, seen.wrong);
        assert!(seen.compared > 20, "{}: {}", seen.id, seen.compared);
        assert_eq!((seen.counters.gaps, seen.counters.resyncs), (0, 0), "{}", seen.id);
    }
    assert!(log.faults.iter().all(|fault| fault.at >= end), "{:?}", log.faults);
}
