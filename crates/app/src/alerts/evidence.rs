//! Evidence: the frames around an alert as a tape of their own, which raises the same alert wherever it is replayed.
//!
//! The engine's thread encodes every input once more and now and then hands over its state; a thread of its own compresses
//! that into a ring in memory, and cuts a file out of it half a minute after an alert has begun to fire.

use super::Alerts;
use super::entry::Frames;
use crate::failure::Failure;
use fathometer_edge::tape::{Encoded, Encoder, Ring};
use fathometer_engine::alert::{Alert, AlertId, State};
use fathometer_engine::engine::{Config, Engine};
use fathometer_engine::input::Input;
use fathometer_engine::output::{Outbox, Output};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// What was before an alert, and after it, ns.
const BEFORE_NANOS: i64 = 60 * NANOS_PER_SECOND;
const AFTER_NANOS: i64 = 30 * NANOS_PER_SECOND;
/// How often the engine's state is written down, ns.
const SEGMENT_NANOS: i64 = 30 * NANOS_PER_SECOND;
/// Memory for the recent past, bytes.
pub const RING_BYTES_MAX: usize = 8 << 20;
/// With more instruments the engine's state is too large to be written down all the time.
pub const INSTRUMENTS_MAX: usize = 200;
/// Blocks and alerts waiting for the thread. When it is so slow that they all wait, the engine does not: the recent past
/// begins anew, and evidence that would have needed the hole is told to be lost.
const QUEUE_MAX: usize = 256;
/// Alerts whose frames are still coming; for one more they are told to be lost.
const WISHES_MAX: usize = 256;
/// All files together, bytes; the oldest go first.
const FOLDER_BYTES_MAX: u64 = 1 << 30;

/// What stands at the head of an evidence file beside the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Version of the program that wrote it.
    pub version: String,
    /// The alert as the engine told it when it began to fire: a replay tells it in the same words.
    pub alert: String,
}

/// The head of an evidence file: a configuration with a member more.
#[derive(Serialize)]
struct Head<'a> {
    #[serde(flatten)]
    config: &'a Config,
    evidence: About,
}

/// What the head of a tape says of the alert it is evidence for, if it is such.
pub fn about(header: &[u8]) -> Option<About> {
    #[derive(Deserialize)]
    struct Head {
        evidence: Option<About>,
    }
    serde_json::from_slice::<Head>(header).ok()?.evidence
}

/// An alert in the words by which it is compared.
pub fn words(alert: &Alert) -> String {
    serde_json::to_string(alert).unwrap_or_default() // plain data can always be written
}

/// Where the frames of an alert lie.
pub fn file(folder: &Path, id: AlertId) -> PathBuf {
    folder.join(format!("{id}.ftape"))
}

enum Job {
    Begin { at: Nanos, state: Option<Vec<u8>>, follows: bool },
    Block(Encoded),
    Keep(Box<Alert>),
}

/// The engine's side.
pub struct Evidence {
    encoder: Encoder,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    alerts: Arc<Alerts>,
    /// Since when the segment runs; none before the first, and after a hole.
    began: Option<Nanos>,
    last: Nanos,
    follows: bool,
    /// Why nothing is kept any more.
    off: Option<String>,
}

impl Evidence {
    /// Keeps files in a folder, which is created if need be.
    ///
    /// # Errors
    /// The folder cannot be written; no thread.
    pub fn start(folder: &Path, alerts: Arc<Alerts>, config: Config, bytes_max: usize) -> Result<Self, Failure> {
        let failed =
            |error: io::Error| Failure::input(format!("cannot keep evidence in {}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let ring = Ring::new(bytes_max).map_err(failed)?;
        let clerk = Clerk { folder: folder.to_owned(), alerts: alerts.clone(), config, ring, wishes: Vec::new() };
        let (jobs, to_do) = sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("evidence".to_owned()).spawn(move || clerk.work(&to_do));
        Ok(Evidence {
            encoder: Encoder::default(),
            jobs: Some(jobs),
            thread: Some(thread.map_err(failed)?),
            alerts,
            began: None,
            last: Nanos(0),
            follows: false,
            off: None,
        })
    }

    /// An input, before the engine takes it.
    pub fn append(&mut self, input: &Input<'_>, engine: &Engine) {
        if self.off.is_some() {
            return;
        }
        if self.began.is_none_or(|began| input.at.since(began) >= SEGMENT_NANOS) {
            self.begin(input.at, engine);
        }
        self.last = input.at;
        if self.began.is_some()
            && let Some(block) = self.encoder.append(input)
        {
            self.send(Job::Block(block));
        }
    }

    /// What the engine said of it.
    pub fn hear(&mut self, outbox: &Outbox) {
        for output in &outbox.items {
            let Output::Alert(alert) = output else { continue };
            if alert.state != State::Firing || alert.fired != Some(alert.at) {
                continue;
            }
            match &self.off {
                Some(why) => self.alerts.lock().frames(alert.id, Frames::Lost(why.clone())),
                None => {
                    self.alerts.lock().frames(alert.id, Frames::Gathering);
                    if !self.send(Job::Keep(alert.clone())) {
                        let why = "the thread that keeps frames was too far behind".to_owned();
                        self.alerts.lock().frames(alert.id, Frames::Lost(why));
                    }
                }
            }
        }
    }

    fn begin(&mut self, at: Nanos, engine: &Engine) {
        if engine.registry().all().len() > INSTRUMENTS_MAX {
            self.off =
                Some(format!("frames are not kept for more than {INSTRUMENTS_MAX} instruments; see the recording"));
            self.jobs = None; // the thread writes what it can, and ends
            return;
        }
        if let Some(block) = self.encoder.cut().filter(|_| self.began.is_some()) {
            self.send(Job::Block(block));
        }
        let state = if engine.inputs() == 0 { None } else { engine.checkpoint().ok() };
        if state.is_none() && engine.inputs() > 0 {
            return;
        }
        let first = if engine.inputs() == 0 { at } else { self.last };
        self.began = Some(at);
        let follows = std::mem::replace(&mut self.follows, true);
        self.send(Job::Begin { at: first, state, follows });
    }

    /// Hands over; where there is no room, the recent past has a hole.
    fn send(&mut self, job: Job) -> bool {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok());
        if !sent {
            self.encoder = Encoder::default();
            (self.began, self.follows) = (None, false);
        }
        sent
    }
}

impl Drop for Evidence {
    fn drop(&mut self) {
        if let Some(block) = self.encoder.cut() {
            self.send(Job::Block(block));
        }
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread.
struct Clerk {
    folder: PathBuf,
    alerts: Arc<Alerts>,
    config: Config,
    ring: Ring,
    wishes: Vec<Alert>,
}

impl Clerk {
    fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let done = match job {
                Job::Begin { at, state, follows } => self.ring.begin(at, state.as_deref(), follows),
                Job::Block(block) => self.ring.push(&block),
                Job::Keep(alert) if self.wishes.len() < WISHES_MAX => {
                    self.wishes.push(*alert);
                    Ok(())
                }
                Job::Keep(alert) => {
                    self.tell(alert.id, Frames::Lost("too many alerts began at the same time".to_owned()));
                    Ok(())
                }
            };
            if let Err(error) = done {
                tracing::warn!("the frames of the last seconds could not be kept: {error}");
            }
            let Some(last) = self.ring.last() else { continue };
            let due = |alert: &Alert| last.since(alert.at) >= AFTER_NANOS;
            let (ripe, wishes) = std::mem::take(&mut self.wishes).into_iter().partition(due);
            self.wishes = wishes;
            ripe.iter().for_each(|alert| self.keep(alert));
        }
        for alert in std::mem::take(&mut self.wishes) {
            self.keep(&alert); // the run ends: with what came until now
        }
    }

    fn keep(&self, alert: &Alert) {
        let evidence = About { version: env!("CARGO_PKG_VERSION").to_owned(), alert: words(alert) };
        let head = serde_json::to_vec(&Head { config: &self.config, evidence }).unwrap_or_default();
        let (from, to) = (alert.at.plus(-BEFORE_NANOS), alert.at.plus(AFTER_NANOS));
        let frames = match self.ring.excerpt(from, alert.at, to, &head) {
            None => Frames::Lost("what came before it was not in memory any more".to_owned()),
            Some(bytes) => match write(&self.folder, alert.id, &bytes) {
                Ok(()) => Frames::Kept,
                Err(error) => Frames::Lost(format!("the file could not be written: {error}")),
            },
        };
        self.tell(alert.id, frames);
    }

    fn tell(&self, id: AlertId, frames: Frames) {
        if let Frames::Lost(why) = &frames {
            tracing::warn!(alert = %id, "no evidence is kept: {why}");
        }
        self.alerts.lock().frames(id, frames);
        self.alerts.wake();
    }
}

fn write(folder: &Path, id: AlertId, bytes: &[u8]) -> io::Result<()> {
    make_room(folder, bytes.len() as u64)?;
    let fresh = folder.join(format!("{id}.new"));
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, self::file(folder, id))
}

fn make_room(folder: &Path, bytes: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        if entry.path().extension().is_some_and(|extension| extension == "ftape") {
            files.push((about.modified()?, about.len(), entry.path()));
        }
    }
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum::<u64>() + bytes;
    for (_, size, path) in files {
        if total <= FOLDER_BYTES_MAX {
            break;
        }
        std::fs::remove_file(path)?;
        total -= size;
    }
    Ok(())
}
