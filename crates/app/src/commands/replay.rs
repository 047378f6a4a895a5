//! `replay`: what was recorded, through the engine again.

use super::watch::{interrupted, runtime};
use super::{load, print, print_json, samples};
use crate::alerts::heard::{Heard, Verdict};
use crate::api::alerts::told::AlertTold;
use crate::api::{Api, server};
use crate::cli::shared::ConfigArgs;
use crate::cli::tape::{ReplayArgs, Speed};
use crate::failure::{Failure, Outcome};
use crate::health::Health;
use crate::monitor::system;
use crate::player::booth::Booth;
use crate::player::{Order, Player};
use crate::report::Report;
use crate::runner::Runner;
use crate::symbols::{Known, Symbols};
use crate::tui;
use crate::view::{Mode, View};
use fathometer_edge::clock;
use fathometer_edge::recording::{self, Source};
use fathometer_engine::engine::Config;
use fathometer_engine::instrument::Instrument;
use fathometer_engine::metric::catalogue;
use fathometer_engine::registry::Registry;
use fathometer_engine::units::Nanos;
use serde::Serialize;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Replays recordings and prints what they come to.
///
/// # Errors
/// A file cannot be read, the instrument asked for is not in it.
pub fn replay(args: &ReplayArgs) -> Outcome {
    if args.serve {
        return serve(args);
    }
    let source = recording::open(&args.files).map_err(Failure::input)?;
    let config = config(&args.config, &source)?;
    let words = args.json || args.samples || args.book.is_some();
    let drawn = speed(args) != Speed::Max && !words && std::io::stdout().is_terminal();
    let runner = Runner::new(config);
    let mut heard = Heard::of(source.header());
    let (runner, source, seconds) =
        if drawn { on_screen(args, runner, source, &mut heard)? } else { headless(args, runner, source, &mut heard)? };
    tell_skipped(&source);
    if args.samples {
        return Ok(());
    }
    if let Some(asked) = &args.book {
        return print(&book(args, runner, asked)?);
    }
    let report = Report::of(&runner, seconds);
    if args.json {
        return print_json(&Told { report, alerts: heard.alerts(), evidence: heard.verdict() });
    }
    print(&heard.text())?;
    print(&report.table())
}

/// What a replay comes to, for scripts.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    report: Report,
    /// Every alert, oldest first.
    alerts: Vec<AlertTold>,
    /// Whether the tape raised the alert again that it is evidence of.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Verdict>,
}

fn speed(args: &ReplayArgs) -> Speed {
    args.speed.unwrap_or(if args.serve { Speed::Times(1.0) } else { Speed::Max })
}

fn name(args: &ReplayArgs) -> String {
    args.files.first().map_or(String::new(), |file| file.display().to_string())
}

/// The page and the API over a recording, until told to end.
fn serve(args: &ReplayArgs) -> Outcome {
    let loaded = load(&args.config)?;
    let fallback = Config { metrics: loaded.features.metrics, ..Config::default() };
    let factor = if let Speed::Times(factor) = speed(args) { factor } else { 0.0 };
    let runtime = runtime()?;
    let mut bound = runtime.block_on(server::bind(args.listen, &args.access))?;
    let url = bound.url().map_err(|error| Failure::network(error.to_string()))?;
    let player = Player::open(&name(args), &args.files, &fallback, factor).map_err(Failure::input)?;
    player.order(Order::Play).map_err(Failure::failed)?;
    let state = player.state.clone();
    let stop = CancellationToken::new();
    runtime.spawn(system::keep(state.clone()));
    let booth = Booth::serving(player, args.recordings.clone(), fallback);
    let api = Api::new(state.clone(), std::mem::take(&mut bound.access)).playing(booth).charging(loaded.fees);
    runtime.spawn(server::serve(bound, Arc::new(api), stop.clone()));
    eprintln!("replaying {} at {url}; Ctrl-C ends", name(args));
    runtime.block_on(interrupted());
    state.end();
    stop.cancel();
    Ok(())
}

/// A tape brings the configuration it was recorded with, so that it means the same; other recordings take ours.
pub(super) fn config(args: &ConfigArgs, source: &Source) -> Result<Config, Failure> {
    let unreadable = |error| {
        Failure::input(format!(
            "the configuration at the head of the tape cannot be read: {error}; it was written by another version"
        ))
    };
    match source.header() {
        Some(header) if !header.is_empty() => serde_json::from_slice(header).map_err(unreadable),
        _ => Ok(Config { metrics: load(args)?.features.metrics, ..Config::default() }),
    }
}

fn headless(
    args: &ReplayArgs,
    mut runner: Runner,
    mut source: Source,
    heard: &mut Heard,
) -> Result<(Runner, Source, f64), Failure> {
    let began = clock::now();
    let mut pace = Pace::new(speed(args));
    if args.samples {
        samples::head(&runner)?;
    }
    while let Some(input) = source.next().map_err(Failure::input)? {
        if args.until.is_some_and(|until| input.at.0 > until) {
            break;
        }
        pace.wait(input.at, &|| false);
        runner.step(&input);
        if args.samples {
            samples::lines(&runner)?;
        }
        heard.hear(runner.outbox(), &runner.engine);
    }
    Ok((runner, source, clock::now().since(began) as f64 / 1e9))
}

/// What the replaying thread and the screen share.
struct Stage {
    view: Mutex<View>,
    over: AtomicBool,
    began: Nanos,
}

impl Stage {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Seat<'a>(&'a Stage);

impl tui::Source for Seat<'_> {
    fn look(&mut self, look: &mut tui::Look<'_>) {
        let view = self.0.view();
        let uptime = clock::now().since(self.0.began) as f64 / 1e9;
        let health = Health::of(&view, uptime, 0);
        let ended = self.0.over.load(Ordering::Relaxed);
        look(&view, &health, view.now, ended.then_some("The recording has ended; q ends"));
    }
    fn is_over(&self) -> bool {
        false // the end is left on the screen until the person leaves
    }
}

fn on_screen(
    args: &ReplayArgs,
    mut runner: Runner,
    mut source: Source,
    heard: &mut Heard,
) -> Result<(Runner, Source, f64), Failure> {
    let factor = if let Speed::Times(factor) = speed(args) { factor } else { 0.0 };
    let view =
        View::new(Mode::Replay { source: name(args), speed: factor }, &catalogue(&runner.engine.config().metrics));
    let stage = Stage { view: Mutex::new(view), over: AtomicBool::new(false), began: clock::now() };
    let left = AtomicBool::new(false);
    let played = std::thread::scope(|scope| {
        let player = scope.spawn(|| {
            let mut pace = Pace::new(speed(args));
            while let Some(input) = source.next().map_err(Failure::input)? {
                if left.load(Ordering::Relaxed) || args.until.is_some_and(|until| input.at.0 > until) {
                    break;
                }
                pace.wait(input.at, &|| left.load(Ordering::Relaxed));
                runner.step(&input);
                heard.hear(runner.outbox(), &runner.engine);
                let mut view = stage.view();
                for output in &runner.outbox().items {
                    view.apply(output, runner.outbox());
                }
            }
            stage.over.store(true, Ordering::Relaxed);
            Ok::<(), Failure>(())
        });
        let drawn = tui::run(&mut Seat(&stage));
        left.store(true, Ordering::Relaxed);
        drawn.and(player.join().unwrap_or_else(|_| Err(Failure::failed("the replaying thread broke down"))))
    });
    played?;
    Ok((runner, source, clock::now().since(stage.began) as f64 / 1e9))
}

/// Lets recorded time pass at a speed.
struct Pace {
    speed: Speed,
    /// Our clock and the recording's at the first input.
    start: Option<(Nanos, Nanos)>,
}

impl Pace {
    fn new(speed: Speed) -> Self {
        Pace { speed, start: None }
    }

    /// Waits until an input recorded at `at` is due, or `given_up`.
    fn wait(&mut self, at: Nanos, given_up: &dyn Fn() -> bool) {
        let Speed::Times(factor) = self.speed else { return };
        let (ours, theirs) = *self.start.get_or_insert_with(|| (clock::now(), at));
        let due = ours.plus((at.since(theirs) as f64 / factor) as i64);
        loop {
            let left = due.since(clock::now());
            if left <= 0 || given_up() {
                return;
            }
            std::thread::sleep(Duration::from_nanos(left.unsigned_abs()).min(Duration::from_millis(100)));
        }
    }
}

fn tell_skipped(source: &Source) {
    let skipped = source.skipped();
    for (file, line, why) in &skipped.examples {
        let place = if *line == 0 { String::new() } else { format!(":{line}") };
        eprintln!("skipped: {}{place}: {why}", file.display());
    }
    let more = skipped.count.saturating_sub(skipped.examples.len() as u64);
    if more > 0 {
        eprintln!("skipped: {more} more");
    }
}

/// The one recorded instrument that a name means.
pub(super) fn named(registry: &Registry, asked: &str) -> Result<String, Failure> {
    let known = |info: &Instrument| Known {
        venue: info.venue,
        symbol: info.symbol.clone(),
        canonical: info.canonical.clone(),
        configured: true,
    };
    let symbols = Symbols::listed(registry.all().iter().map(known).collect());
    let found = symbols.resolve(asked)?;
    let [one] = found.as_slice() else {
        let names: Vec<String> = found.iter().map(|known| known.id()).collect();
        return Err(Failure::input(format!("`{asked}` means {} books; say which: {}", names.len(), names.join(", "))));
    };
    Ok(one.id())
}

/// The canonical text of an instrument's book.
fn book(args: &ReplayArgs, runner: Runner, asked: &str) -> Result<String, Failure> {
    let id = named(runner.engine.registry(), asked)?;
    if runner.parting().is_none() {
        return runner.book_text(&id).ok_or_else(|| Failure::input(format!("nothing was recorded of {id}")));
    }
    // The run said goodbye at the end, which empties the books: once more, keeping this one.
    let source = recording::open(&args.files).map_err(Failure::input)?;
    let mut runner = Runner::new(runner.engine.config().clone());
    runner.keep_book(id);
    let (runner, ..) = headless(args, runner, source, &mut Heard::default())?;
    Ok(runner.parting().and_then(|parting| parting.book.clone()).unwrap_or_default())
}
