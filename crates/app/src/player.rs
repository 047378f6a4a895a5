//! A recording with controls: play, pause, speed, step, seek, on a thread of its own, into a state that all screens read.

pub mod booth;
mod deck;
pub mod recordings;
mod reel;
pub mod survey;

use crate::live::state::State;
use crate::view::{Mode, View};
use deck::Deck;
use fathometer_edge::recording::RecordingError;
use fathometer_engine::engine::Config;
use fathometer_engine::metric::catalogue;
use fathometer_engine::units::Nanos;
use reel::{Next, Reel};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use survey::{Survey, files_of};
use tokio::sync::watch;

/// Most orders waiting; one more is refused, and whoever gave it told to come back.
const ORDERS_MAX: usize = 16;
/// Fastest replay that keeps a pace; 0 is as fast as possible.
pub const SPEED_MAX: f64 = 10_000.0;

/// What the player is told to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Go on; from the beginning if the recording has ended.
    Play,
    /// Stand still.
    Pause,
    /// How many times as fast as it was; 0: as fast as possible.
    Speed(f64),
    /// Stand still, that many frames further.
    Step(u32),
    /// To the state after everything that was received until then.
    Seek(Nanos),
}

/// Where the player is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Position {
    /// Whether it goes on by itself.
    pub playing: bool,
    /// Whether there is nothing more.
    pub ended: bool,
    /// Whether it is on its way to another time.
    pub seeking: bool,
    /// How many times as fast as it was; 0: as fast as possible.
    pub speed: f64,
    /// Time of the last input taken.
    pub at: Nanos,
    /// Time of the first input.
    pub from: Nanos,
    /// Time of the last; unknown until the recording has been read through once.
    pub to: Option<Nanos>,
    /// Frames and answers taken since the beginning of the recording.
    pub frame: u64,
    /// Frames and answers it holds; unknown as long as `to` is.
    pub frames_known: Option<u64>,
    /// Number of the last order that was carried out.
    pub done: u64,
    /// Why it cannot be read further.
    pub error: Option<String>,
}

/// What is opened.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    name: String,
    files: Vec<PathBuf>,
    config: Config,
}

/// Why an order was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Too many wait.
    #[error("{ORDERS_MAX} orders to the player wait already")]
    Full,
    /// The thread is gone.
    #[error("the replay has ended")]
    Gone,
}

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The configuration at its head makes no sense to this version.
    #[error("the configuration at the head of the tape cannot be read: {0}; it was written by another version")]
    Header(serde_json::Error),
    /// No thread.
    #[error("cannot start the player's thread: {0}")]
    Thread(std::io::Error),
}

/// A recording that is open.
pub struct Player {
    /// What it shows.
    pub state: Arc<State>,
    /// What it is called.
    pub name: String,
    orders: Option<SyncSender<(u64, Order)>>,
    given: AtomicU64,
    told: watch::Receiver<Position>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Player {
    /// Opens files as one recording, standing at its first input. A tape brings the configuration it was recorded with;
    /// other recordings take `fallback`.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(name: &str, paths: &[PathBuf], fallback: &Config, speed: f64) -> Result<Self, OpenError> {
        let files = files_of(paths);
        let reel = Reel::open(&files)?;
        let config = match reel.header() {
            Some(header) if !header.is_empty() => serde_json::from_slice(header).map_err(OpenError::Header)?,
            _ => fallback.clone(),
        };
        let mut first = Reel::open(&files)?;
        let from = loop {
            match first.next(Nanos(i64::MIN))? {
                Next::Input(input) => break input.at,
                Next::NotYet(at) => break at,
                Next::End => break Nanos(0),
                Next::Again => {}
            }
        };
        let mode = Mode::Replay { source: name.to_owned(), speed };
        let state = Arc::new(State::new(View::new(mode, &catalogue(&config.metrics))));
        let opening = Opening { name: name.to_owned(), files: files.clone(), config };
        let position = Position { speed, at: from, from, ..Position::default() };
        let (teller, told) = watch::channel(position);
        let (orders, to_do) = sync_channel(ORDERS_MAX);
        let (survey, stop) = (Arc::new(OnceLock::new()), Arc::new(AtomicBool::new(false)));
        let deck = Deck::new(opening, reel, state.clone(), survey.clone(), teller, to_do);
        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(OpenError::Thread)
        };
        let stopped = stop.clone();
        let surveyor = start(
            "surveyor",
            Box::new(move || {
                if let Some(found) = Survey::of(&files, &stopped) {
                    let _ = survey.set(found);
                }
            }),
        )?;
        let player = start("player", Box::new(move || deck.run()))?;
        Ok(Player {
            state,
            name: name.to_owned(),
            orders: Some(orders),
            given: AtomicU64::new(0),
            told,
            stop,
            threads: vec![player, surveyor],
        })
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        self.told.borrow().clone()
    }

    /// Gives an order; its number, for `done`.
    ///
    /// # Errors
    /// Too many wait, or the thread is gone.
    pub fn order(&self, order: Order) -> Result<u64, OrderError> {
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        let sent = self.orders.as_ref().map(|orders| orders.try_send((number, order)));
        match sent {
            Some(Ok(())) => Ok(number),
            Some(Err(TrySendError::Full(_))) => Err(OrderError::Full),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(OrderError::Gone),
        }
    }

    /// Where it is after an order was carried out, or when that takes longer than `patience`.
    pub async fn after(&self, number: u64, patience: Duration) -> Position {
        let mut told = self.told.clone();
        let done = told.wait_for(|position| position.done >= number);
        let _ = tokio::time::timeout(patience, done).await; // a long seek goes on by itself
        self.position()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.orders = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
