//! What `run`, `record` and `demo` have in common: listen, record, show, and say at the end what it came to.

use super::{print, print_json};
use crate::alerts::delivery::Senders;
use crate::alerts::vault::Vault;
use crate::api::{Api, server};
use crate::cli::shared::{LogFormat, ScreenArgs};
use crate::config::delivery::Sink;
use crate::failure::{Failure, Outcome};
use crate::live::headless::{self, REPORT_SECONDS};
use crate::live::plan::Group;
use crate::live::recorder::Recorder;
use crate::live::screen::LiveScreen;
use crate::live::state::State;
use crate::live::{Ended, Live, probe};
use crate::player::booth::Booth;
use crate::report::Report;
use crate::view::Mode;
use crate::{logging, tui};
use fathometer_edge::clock;
use fathometer_edge::net::DialOptions;
use fathometer_engine::cost::fees::Table;
use fathometer_engine::engine::Config;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// What is to be watched, and how.
pub struct Watch {
    /// Where the numbers come from.
    pub mode: Mode,
    /// The engine's configuration.
    pub config: Config,
    /// What the exchanges charge.
    pub fees: Vec<Table>,
    /// What is listened to.
    pub groups: Vec<Group>,
    /// Folder of the tape.
    pub record: Option<PathBuf>,
    /// Who is told of alerts.
    pub delivery: Vec<Sink>,
    /// How they are reached.
    pub dial: DialOptions,
    /// How it is shown.
    pub screen: ScreenArgs,
    /// Whether to begin although nothing can be reached yet.
    pub wait: bool,
    /// What is said before anything else.
    pub hello: String,
}

/// Whether there is no screen: asked for, or no terminal to draw on.
pub fn is_headless(screen: &ScreenArgs) -> bool {
    screen.headless || !std::io::stdout().is_terminal()
}

/// The threads that listen and serve.
///
/// # Errors
/// The system gives none.
pub fn runtime() -> Result<Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Failure::failed(format!("cannot start threads: {error}")))
}

/// The number of a run's first link: in a folder that holds a tape already, one that its earlier runs did not use.
pub fn first_link(record: Option<&Path>) -> u32 {
    const YEAR_2026_SECONDS: i64 = 1_767_225_600;
    const LINKS_PER_SECOND: i64 = 4; // no run opens more on average, so runs that follow each other do not meet
    let is_tape = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "ftape");
    let holds_tape = |folder: &Path| {
        std::fs::read_dir(folder).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_tape)))
    };
    if !record.is_some_and(holds_tape) {
        return 0;
    }
    let seconds = clock::now().0 / 1_000_000_000 - YEAR_2026_SECONDS;
    u32::try_from(seconds.saturating_mul(LINKS_PER_SECOND) & 0x7fff_ffff).unwrap_or(0)
}

/// Watches until told to end, then says what it came to.
///
/// # Errors
/// A port, folder or host cannot be had; every connection was given up; the tape is not whole.
pub fn watch(watch: Watch, runtime: &Runtime) -> Outcome {
    let headless = is_headless(&watch.screen);
    let listener = match watch.screen.listen.0 {
        Some(address) => Some(runtime.block_on(server::bind(address, &watch.screen.serve))?),
        None => None,
    };
    if watch.record.is_some() {
        survive_file_size_limit(runtime);
    }
    let recorder = watch.record.as_deref().map(|folder| Recorder::create(folder, &watch.config)).transpose()?;
    let senders = Senders::of(&watch.delivery, &watch.dial)?;
    let demo = matches!(watch.mode, Mode::Demo { .. });
    let vault = Vault::open(watch.screen.state.as_deref(), watch.record.as_deref(), demo)?;
    if headless {
        logging::start(watch.screen.log_format);
    }
    if !watch.wait {
        runtime.block_on(probe::probe(&watch.groups))?;
    }
    eprint!("{}", watch.hello);
    let fallback = Config { metrics: watch.config.metrics.clone(), ..Config::default() };
    let booth = Booth::beside(watch.screen.recordings.clone().or(watch.record), fallback);
    let live = Live::start(watch.mode, watch.config, watch.groups, recorder, vault, runtime.handle())?;
    let stop = CancellationToken::new();
    if let Some(mut bound) = listener {
        let api = Api::new(live.state.clone(), std::mem::take(&mut bound.access)).playing(booth).charging(watch.fees);
        runtime.spawn(server::serve(bound, Arc::new(api), stop.clone()));
    }
    senders.begin(&live.state.hub.alerts, runtime.handle());
    runtime.spawn(end_in_time(live.state.clone(), watch.screen.seconds));
    runtime.spawn(end_on_signal(live.state.clone()));
    let shown = if headless { log_until_over(&live.state) } else { tui::run(&mut LiveScreen(live.state.clone())) };
    live.state.end();
    stop.cancel();
    let given_up = live.state.given_up();
    let seconds = live.state.uptime_seconds();
    let ended = live.stop(runtime.handle())?;
    shown?;
    tell(&ended, seconds, watch.screen.log_format)?;
    if let Some(error) = ended.tape_error {
        return Err(Failure::failed(format!("the tape is not whole: {error}")));
    }
    given_up.map_or(Ok(()), |error| Err(Failure::network(format!("every connection was given up: {error}"))))
}

fn log_until_over(state: &State) -> Outcome {
    let mut next = REPORT_SECONDS;
    while !state.is_over() {
        std::thread::sleep(Duration::from_millis(50));
        if state.uptime_seconds() >= next {
            next += REPORT_SECONDS;
            headless::report(state);
        }
    }
    Ok(())
}

/// Ends a run when its time has come, or when nothing more will.
async fn end_in_time(state: Arc<State>, seconds: Option<f64>) {
    while !state.is_over() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if seconds.is_some_and(|seconds| state.uptime_seconds() >= seconds) || state.given_up().is_some() {
            state.end();
        }
    }
}

/// Where files may not grow beyond a limit (`ulimit -f`), writing more is an error to be told, not the process's end.
fn survive_file_size_limit(runtime: &Runtime) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        const SIGXFSZ: i32 = 25; // on Linux and macOS
        let _guard = runtime.enter();
        if let Err(error) = signal(SignalKind::from_raw(SIGXFSZ)) {
            tracing::debug!("the signal of a file too large cannot be handled: {error}");
        }
    }
    #[cfg(not(unix))]
    let _ = runtime;
}

async fn end_on_signal(state: Arc<State>) {
    interrupted().await;
    state.end();
}

/// Waits for Ctrl-C, or for being asked to end.
pub async fn interrupted() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

fn tell(ended: &Ended, seconds: f64, format: LogFormat) -> Outcome {
    let report = Report::of(&ended.runner, seconds);
    let tape = ended.recorder.as_ref().map(|recorder| (recorder.folder().display().to_string(), recorder.recorded));
    if format == LogFormat::Json {
        let mut object =
            serde_json::to_value(&report).map_err(|error| Failure::failed(format!("cannot write as JSON: {error}")))?;
        if let (Some((folder, inputs)), Some(object)) = (tape, object.as_object_mut()) {
            object.insert(
                "tape".into(),
                serde_json::json!({ "folder": folder, "inputs": inputs, "whole": ended.tape_error.is_none() }),
            );
        }
        return print_json(&object);
    }
    print(&report.table())?;
    tape.map_or(Ok(()), |(folder, inputs)| {
        print(&format!("{inputs} inputs on tape in {folder}; again with: fathometer replay {folder}\n"))
    })
}
