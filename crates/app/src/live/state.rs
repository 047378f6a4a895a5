//! What the engine's thread shares with screens and servers.

use super::lag::Lag;
use super::question::{Questions, Unanswered};
use crate::api::stream::publisher::Streams;
use crate::health::Health;
use crate::hub::Hub;
use crate::monitor::latency::Latency;
use crate::monitor::process::Usage;
use crate::monitor::system::{Moment, System};
use crate::view::{Mode, View};
use fathometer_edge::clock;
use fathometer_edge::feed::{Feeds, LinkHealth, LinkState, RestHealth};
use fathometer_edge::inbox::InboxGauge;
use fathometer_edge::tape::TapeGauge;
use fathometer_engine::engine::Engine;
use fathometer_engine::instrument::Instrument;
use fathometer_engine::output::{Action, Validity};
use fathometer_engine::units::Nanos;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Shared by all parts of a live run.
pub struct State {
    view: Mutex<View>,
    /// What is asked for beyond the view: history, heatmap, trades, books to any depth.
    pub hub: Arc<Hub>,
    /// Who reads the stream, and what of it.
    pub streams: Arc<Streams>,
    lag: Mutex<Lag>,
    latency: Mutex<Latency>,
    system: Mutex<System>,
    /// The queue before the engine; none in a replay.
    pub inbox: OnceLock<InboxGauge>,
    /// The tape and its folder, if there is one.
    pub tape: OnceLock<(PathBuf, TapeGauge)>,
    feeds: Mutex<Vec<Feeds>>,
    /// What is asked of the engine's own thread.
    pub questions: Questions,
    over: AtomicBool,
    /// Whether the numbers come from a recording.
    replay: bool,
    began: Nanos,
}

impl State {
    /// Nothing seen, nothing listened to.
    pub fn new(view: View) -> Self {
        let hub = Arc::new(Hub::new(&view.columns));
        State {
            replay: matches!(view.mode, Mode::Replay { .. }),
            questions: Questions::default(),
            streams: Arc::new(Streams::new(hub.clone())),
            hub,
            view: Mutex::new(view),
            lag: Mutex::default(),
            latency: Mutex::default(),
            system: Mutex::default(),
            inbox: OnceLock::new(),
            tape: OnceLock::new(),
            feeds: Mutex::default(),
            over: AtomicBool::new(false),
            began: clock::now(),
        }
    }

    /// The view; held only for as long as it takes to fold in a batch, to draw or to copy.
    pub fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the engine is behind; held as long as the view is, and never without it by the engine's thread.
    pub fn lag(&self) -> MutexGuard<'_, Lag> {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long everything takes; held as the lag is.
    pub fn latency(&self) -> MutexGuard<'_, Latency> {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the program costs.
    pub fn system(&self) -> MutexGuard<'_, System> {
        self.system.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was seen, as when a replay jumps: the view becomes this one.
    pub fn forget(&self, view: View) {
        *self.view() = view;
        self.hub.reset();
        *self.latency() = Latency::default();
    }

    /// What is to be told of this moment.
    pub fn moment(&self) -> Moment {
        let is_live = |status: &fathometer_engine::output::Status| status.validity == Validity::Live;
        // In statements of their own: a lock that were still held at the next would wait for the engine's thread, which takes
        // the view first.
        let frames = self.latency().frames();
        let live = self.view().markets.iter().filter(|market| market.status.as_ref().is_some_and(is_live)).count();
        Moment {
            at: clock::now(),
            usage: Usage::now(),
            bytes: self.lines().iter().map(|line| line.bytes).sum(),
            frames,
            inbox: self.inbox.get().map(|gauge| gauge.stats().depth),
            tape_bytes: self.tape.get().map(|(_, gauge)| gauge.stats().bytes),
            live,
        }
    }

    /// What listens; never taken while the view is held, except by the engine's thread.
    pub fn feeds(&self) -> MutexGuard<'_, Vec<Feeds>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the numbers come from a recording.
    pub fn is_replay(&self) -> bool {
        self.replay
    }

    /// Now, as ages are told: our clock, or for a recording its position.
    pub fn now(&self) -> Nanos {
        if self.replay { self.view().now } else { clock::now() }
    }

    /// Has the engine's own thread look something up, between two batches.
    ///
    /// # Errors
    /// Too many ask, or the run has ended.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        self.questions.ask(question).await
    }

    /// Has the feeds do what the engine asks.
    pub fn act(&self, action: &Action, instrument: &Instrument) {
        for feeds in self.feeds().iter() {
            feeds.act(action, instrument);
        }
    }

    /// Every line.
    pub fn lines(&self) -> Vec<LinkHealth> {
        self.feeds().iter().flat_map(Feeds::health).collect()
    }

    /// Every venue's requests.
    pub fn requests(&self) -> Vec<RestHealth> {
        self.feeds().iter().flat_map(Feeds::rest_health).collect()
    }

    /// How the program is doing.
    pub fn health(&self) -> Health {
        let open = |line: &&LinkHealth| matches!(line.state, LinkState::Open | LinkState::Rotating);
        let connections = self.lines().iter().filter(open).count();
        let lag = self.lag().clone();
        let health = Health::of(&self.view(), self.uptime_seconds(), connections);
        Health { lag_ms_p50: lag.quantile_ms(0.5), lag_ms_p99: lag.quantile_ms(0.99), ..health }
    }

    /// Whether every line has been given up, so that nothing more will come; and why the first one was.
    pub fn given_up(&self) -> Option<String> {
        let feeds = self.feeds();
        if feeds.is_empty() || !feeds.iter().all(Feeds::all_stopped) {
            return None;
        }
        let error = feeds.iter().flat_map(Feeds::health).find_map(|line| line.last_error);
        Some(error.unwrap_or_else(|| "all connections have ended".to_owned()))
    }

    /// Since the start, seconds.
    pub fn uptime_seconds(&self) -> f64 {
        clock::now().since(self.began) as f64 / 1e9
    }

    /// Asks everything to end.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether everything is to end.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}
