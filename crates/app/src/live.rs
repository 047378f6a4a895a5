//! A live run: feeds into one queue, tape and engine on one thread behind it, what the engine says onto every screen.

pub mod headless;
pub mod lag;
pub mod plan;
pub mod probe;
pub mod question;
pub mod recorder;
pub mod screen;
pub mod state;

use crate::alerts::evidence::Evidence;
use crate::alerts::vault::{Vault, Watchman};
use crate::failure::Failure;
use crate::monitor::laps::Laps;
use crate::monitor::system;
use crate::runner::Runner;
use crate::view::{FaultLine, Mode, View};
use fathometer_edge::clock;
use fathometer_edge::feed::Feeds;
use fathometer_edge::inbox::{InboxLimits, InboxReceiver, Received, inbox};
use fathometer_engine::engine::Config;
use fathometer_engine::input::Body;
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::metric::catalogue;
use fathometer_engine::output::{Action, Fault, Output, Remedy};
use fathometer_engine::venue::infer;
use plan::Group;
use recorder::Recorder;
use state::State;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Handle;

/// The engine's thread looks at the feeds' own faults, and at what it is asked, at least that often.
const PATIENCE: Duration = Duration::from_millis(20);
/// And that soon when more questions wait than it answers between two batches.
const IN_A_HURRY: Duration = Duration::ZERO;

/// A run under way.
pub struct Live {
    /// What is shared with screens.
    pub state: Arc<State>,
    thread: JoinHandle<Ended>,
    watchman: Option<Watchman>,
}

/// What is left of a run that has ended.
pub struct Ended {
    /// The engine and what it said.
    pub runner: Runner,
    /// The tape, if there was one.
    pub recorder: Option<Recorder>,
    /// Why the tape is not whole, if it is not.
    pub tape_error: Option<String>,
}

impl Live {
    /// Begins to listen; alerts are kept in the vault, if there is one.
    ///
    /// # Errors
    /// Certificates or addresses that cannot be used; no thread.
    pub fn start(
        mode: Mode,
        config: Config,
        groups: Vec<Group>,
        recorder: Option<Recorder>,
        vault: Option<Vault>,
        runtime: &Handle,
    ) -> Result<Self, Failure> {
        let state = Arc::new(State::new(View::new(mode, &catalogue(&config.metrics))));
        let kept = vault.map(|vault| vault.begin(&state.hub.alerts, &config)).transpose()?;
        let (evidence, watchman) = kept.unzip();
        let (sender, receiver) = inbox(InboxLimits::default());
        let _ = state.inbox.set(receiver.gauge());
        if let Some((folder, gauge)) = recorder.as_ref().and_then(|it| Some((it.folder().to_owned(), it.gauge()?))) {
            let _ = state.tape.set((folder, gauge));
        }
        let desk = Desk {
            runner: Runner::new(config),
            recorder,
            evidence,
            state: state.clone(),
            nobody: infer(Venue::Binance, ""),
            laps: Laps::default(),
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || desk.work(receiver))
            .map_err(|error| Failure::failed(format!("cannot start the engine's thread: {error}")))?;
        runtime.spawn(system::keep(state.clone()));
        for group in groups {
            let feeds = Feeds::start(group.plans, group.options, sender.clone(), runtime);
            state.feeds().push(feeds.map_err(Failure::network)?);
        }
        Ok(Live { state, thread, watchman })
    }

    /// Closes every connection, lets the engine take what is left, and ends the tape.
    ///
    /// # Errors
    /// The engine's thread broke down.
    pub fn stop(self, runtime: &Handle) -> Result<Ended, Failure> {
        let feeds = std::mem::take(&mut *self.state.feeds());
        runtime.block_on(async {
            for feeds in feeds {
                feeds.stop().await;
            }
        });
        let ended = self.thread.join();
        drop(self.watchman); // writes down what the last frames brought
        ended.map_err(|_| Failure::failed("the engine's thread broke down; what was recorded until then is whole"))
    }
}

/// The engine's thread.
struct Desk {
    runner: Runner,
    recorder: Option<Recorder>,
    evidence: Option<Evidence>,
    state: Arc<State>,
    /// Stands for the instrument of actions that concern none.
    nobody: Instrument,
    laps: Laps,
}

impl Desk {
    fn work(mut self, mut inbox: InboxReceiver) -> Ended {
        let mut batch = VecDeque::new();
        let mut patience = PATIENCE;
        while inbox.recv(&mut batch, patience).is_ok() {
            self.take(&mut batch);
            self.state.hub.settle(&self.runner.engine);
            let more = self.state.questions.answer(&self.runner.engine);
            patience = if more { IN_A_HURRY } else { PATIENCE };
        }
        self.state.questions.end();
        let closed = self.recorder.as_mut().map_or(Ok(()), Recorder::close);
        Ended { runner: self.runner, recorder: self.recorder, tape_error: closed.err() }
    }

    fn take(&mut self, batch: &mut VecDeque<Received>) {
        let state = self.state.clone();
        let mut actions = Vec::new();
        let mut view = state.view();
        let mut lag = state.lag();
        let mut latency = state.latency();
        let mut taken = clock::now();
        latency.turn(taken);
        for received in batch.drain(..) {
            let input = received.as_input();
            let is_frame = matches!(input.body, Body::Text(_) | Body::Binary(_));
            // On the tape before anything follows from it.
            if let Some(fault) = self.recorder.as_mut().and_then(|recorder| recorder.append(&input)) {
                self.note(&mut view, fault);
            }
            if let Some(evidence) = &mut self.evidence {
                evidence.append(&input, &self.runner.engine);
            }
            if is_frame {
                self.laps.begin();
            } else {
                self.laps.pass();
            }
            self.runner.step_timed(&input, &mut self.laps);
            let done = clock::now();
            self.deliver(&mut view, &mut actions);
            let seen = clock::now();
            if is_frame {
                lag.add(input.at, done);
                latency.work(input.at, taken, done, seen, &self.laps);
            }
            let frame = is_frame.then_some(input.at);
            latency.network(frame, self.runner.outbox(), self.runner.engine.registry());
            taken = seen;
            if let Some(recorder) = &mut self.recorder
                && recorder.wants_rotation()
            {
                let fault = recorder.rotate(&mut self.runner);
                self.deliver(&mut view, &mut actions);
                fault.into_iter().for_each(|fault| self.note(&mut view, fault));
                taken = clock::now();
            }
        }
        for fault in self.state.feeds().iter().flat_map(|feeds| feeds.take_faults().0) {
            self.note(&mut view, told(&fault));
        }
        drop((view, lag, latency));
        for (action, instrument) in actions {
            self.state.act(&action, instrument.as_ref().unwrap_or(&self.nobody));
        }
    }

    fn note(&self, view: &mut View, fault: FaultLine) {
        self.state.hub.note(fault.clone());
        view.note(fault);
    }

    /// Hands what the last step said to hub and view, and keeps what is to be done.
    fn deliver(&mut self, view: &mut View, actions: &mut Vec<(Action, Option<Instrument>)>) {
        let outbox = self.runner.outbox();
        self.state.hub.apply(outbox);
        if let Some(evidence) = &mut self.evidence {
            evidence.hear(outbox);
        }
        for output in &outbox.items {
            view.apply(output, outbox);
            match output {
                Output::Action(action) => {
                    let whose = match action {
                        Action::Snapshot { instrument, .. } | Action::Resubscribe { instrument, .. } => {
                            Some(*instrument)
                        }
                        Action::Reconnect { .. } | Action::Rotate { .. } => None,
                    };
                    actions.push((action.clone(), whose.map(|id| self.runner.engine.registry().get(id).clone())));
                }
                Output::Fault(fault) => log(fault),
                _ => {}
            }
        }
    }
}

/// A fault of the feeds as the screen shows it.
fn told(fault: &Fault) -> FaultLine {
    log(fault);
    FaultLine { at: fault.at, instrument: None, kind: fault.kind, remedy: fault.remedy, text: fault.text.clone() }
}

fn log(fault: &Fault) {
    match fault.remedy {
        Remedy::Stop => tracing::error!(kind = ?fault.kind, remedy = ?fault.remedy, "{}", fault.text),
        _ => tracing::warn!(kind = ?fault.kind, remedy = ?fault.remedy, "{}", fault.text),
    }
}
