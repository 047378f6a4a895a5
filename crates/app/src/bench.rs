//! How fast a recording goes through the engine: from memory, on one thread, each figure the median of several rounds.

mod baseline;
mod report;

use crate::cli::tape::BenchArgs;
use crate::commands::{print, print_json};
use crate::failure::{Failure, Outcome};
use fathometer_edge::clock;
use fathometer_edge::recording::{self, Loaded};
use fathometer_engine::engine::{Config, Engine, NoStopwatch, Stage, Stopwatch};
use fathometer_engine::event::{DepthKind, Event};
use fathometer_engine::input::{Body, Input, LinkId};
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::Outbox;
use fathometer_engine::registry::Registry;
use fathometer_engine::units::Nanos;
use fathometer_engine::venue::{Decoded, decode};
use report::{Figures, PerDepthFrame};
use std::collections::BTreeMap;
use std::hint::black_box;

/// Runs the measurement and prints it.
///
/// # Errors
/// The recording cannot be read, or holds no depth.
pub fn bench(args: &BenchArgs) -> Outcome {
    let loaded = recording::load(&args.files).map_err(Failure::input)?;
    let frames = Frames::sort(&loaded);
    if frames.depth_frames == 0 {
        return Err(Failure::input("there is no depth message in this recording: nothing to measure"));
    }
    let figures = measure(&frames, args.repeat as usize, args.baseline);
    if args.json { print_json(&figures) } else { print(&figures.table()) }
}

/// The recording's inputs by kind, borrowed from memory.
struct Frames<'a> {
    all: Vec<Input<'a>>,
    /// What makes the books: connections, snapshots, depth messages.
    depth: Vec<Input<'a>>,
    bbo: Vec<Input<'a>>,
    trades: Vec<Input<'a>>,
    venues: BTreeMap<LinkId, Venue>,
    bytes: u64,
    depth_frames: u64,
    levels: u64,
}

impl<'a> Frames<'a> {
    fn sort(loaded: &'a Loaded) -> Self {
        let mut frames = Frames {
            all: loaded.iter().collect(),
            depth: Vec::new(),
            bbo: Vec::new(),
            trades: Vec::new(),
            venues: BTreeMap::new(),
            bytes: 0,
            depth_frames: 0,
            levels: 0,
        };
        let (mut registry, mut decoded) = (Registry::default(), Decoded::default());
        for input in &frames.all {
            if let Body::Open { venue, .. } = input.body {
                frames.venues.insert(input.link, venue);
                frames.depth.push(*input);
            }
            let (Some(venue), Some(bytes)) = (frames.venues.get(&input.link), bytes_of(&input.body)) else { continue };
            frames.bytes += bytes.len() as u64;
            decoded.clear();
            decode(*venue, &input.body, &mut registry, &mut decoded);
            match decoded.events.first().map(|e| &e.event) {
                Some(Event::Depth(depth)) if depth.kind != DepthKind::Partial => {
                    frames.depth.push(*input);
                    frames.depth_frames += u64::from(!matches!(input.body, Body::Reply { .. }));
                    frames.levels += decoded.levels.len() as u64;
                }
                Some(Event::Bbo(_)) => frames.bbo.push(*input),
                Some(Event::Trade(_)) => frames.trades.push(*input),
                _ => {}
            }
        }
        frames
    }
}

fn bytes_of<'a>(body: &Body<'a>) -> Option<&'a [u8]> {
    match body {
        Body::Text(bytes) | Body::Binary(bytes) | Body::Reply { body: bytes, .. } => Some(bytes),
        _ => None,
    }
}

fn measure(frames: &Frames<'_>, rounds: usize, with_baseline: bool) -> Figures {
    let per_depth = frames.depth_frames as f64;
    let lap_cost = lap_cost();
    let (mut whole, mut all, mut baseline) = (Vec::new(), Vec::new(), Vec::new());
    let (mut decodes, mut bbos, mut trades) = (Vec::new(), Vec::new(), Vec::new());
    let mut stages: [Vec<f64>; 3] = Default::default();
    let mut each = Vec::with_capacity(frames.depth.len());
    run(&frames.depth, &mut NoStopwatch); // once, so that memory and caches are warm
    for _ in 0..rounds {
        whole.push(timed(|| run(&frames.depth, &mut NoStopwatch)) / per_depth);
        if with_baseline {
            baseline.push(timed(|| baseline::run(&frames.depth)) / per_depth);
        }
        all.push(timed(|| run(&frames.all, &mut NoStopwatch)));
        decodes.push(timed(|| decode_only(&frames.depth, frames)) / per_depth);
        bbos.push(timed(|| decode_only(&frames.bbo, frames)) / frames.bbo.len().max(1) as f64);
        trades.push(timed(|| decode_only(&frames.trades, frames)) / frames.trades.len().max(1) as f64);
        let mut watch = Laps::new(lap_cost);
        run(&frames.depth, &mut watch);
        for (stage, nanos) in stages.iter_mut().zip(watch.nanos) {
            stage.push(nanos / per_depth);
        }
        each.clear();
        run_each(&frames.depth, &mut each);
    }
    each.sort_unstable();
    let percentile = |p: f64| each.get(((each.len() - 1) as f64 * p) as usize).copied().unwrap_or(0);
    // Decoding alone is measured as such; the stopwatch's laps share out the rest.
    let total = median(&mut whole);
    let decode = median(&mut decodes).min(total);
    let (book, metrics) = (median(&mut stages[Stage::Book as usize]), median(&mut stages[Stage::Metrics as usize]));
    let rest = (total - decode) / (book + metrics).max(1.0);
    let seconds = median(&mut all) / 1e9;
    Figures {
        frames: frames.all.len() as u64,
        depth_frames: frames.depth_frames,
        levels_per_depth_frame: frames.levels as f64 / per_depth,
        bytes: frames.bytes,
        rounds: rounds as u64,
        ns_per_depth_frame: PerDepthFrame { decode, book: book * rest, metrics: metrics * rest, total },
        ns_per_level: PerDepthFrame { decode, book: book * rest, metrics: metrics * rest, total }
            .over(frames.levels as f64 / per_depth),
        ns_depth_frame_p50: percentile(0.5),
        ns_depth_frame_p99: percentile(0.99),
        ns_depth_frame_p999: percentile(0.999),
        ns_per_bbo_decode: (!frames.bbo.is_empty()).then(|| median(&mut bbos)),
        ns_per_trade_decode: (!frames.trades.is_empty()).then(|| median(&mut trades)),
        frames_per_second: frames.all.len() as f64 / seconds,
        megabytes_per_second: frames.bytes as f64 / 1e6 / seconds,
        baseline_ns_per_depth_frame: with_baseline.then(|| median(&mut baseline)),
        baseline_ratio: with_baseline.then(|| median(&mut baseline) / (total - metrics * rest)),
        baseline_ratio_with_metrics: with_baseline.then(|| median(&mut baseline) / total),
    }
}

fn run(inputs: &[Input<'_>], watch: &mut impl Stopwatch) {
    let (mut engine, mut out) = (Engine::new(Config::default()), Outbox::default());
    for input in inputs {
        out.clear();
        engine.step(input, &mut out, watch);
    }
    black_box(&engine);
}

/// Like `run`, but times every frame by itself, ns.
fn run_each(inputs: &[Input<'_>], each: &mut Vec<u64>) {
    let (mut engine, mut out) = (Engine::new(Config::default()), Outbox::default());
    for input in inputs {
        let start = clock::now();
        out.clear();
        engine.step(input, &mut out, &mut NoStopwatch);
        if matches!(input.body, Body::Text(_)) {
            each.push(clock::now().since(start) as u64);
        }
    }
}

fn decode_only(inputs: &[Input<'_>], frames: &Frames<'_>) {
    let (mut registry, mut decoded) = (Registry::default(), Decoded::default());
    for input in inputs {
        if let Some(venue) = frames.venues.get(&input.link) {
            decoded.clear();
            decode(*venue, &input.body, &mut registry, &mut decoded);
            black_box(&decoded);
        }
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = clock::now();
    work();
    clock::now().since(start) as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Adds up the laps, less what reading the clock costs.
struct Laps {
    last: Nanos,
    cost: f64,
    nanos: [f64; 3],
}

impl Laps {
    fn new(cost: f64) -> Self {
        Laps { last: clock::now(), cost, nanos: [0.0; 3] }
    }
}

impl Stopwatch for Laps {
    fn lap(&mut self, stage: Stage) {
        let now = clock::now();
        self.nanos[stage as usize] += (now.since(self.last) as f64 - self.cost).max(0.0);
        self.last = now;
    }
}

/// What one lap adds, ns.
fn lap_cost() -> f64 {
    const LAPS: u32 = 100_000;
    let mut watch = Laps::new(0.0);
    let whole = timed(|| {
        for _ in 0..LAPS {
            watch.lap(Stage::Decode);
        }
    });
    black_box(&watch.nanos);
    whole / f64::from(LAPS)
}
