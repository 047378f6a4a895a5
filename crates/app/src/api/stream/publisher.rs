//! Looks at every topic that somebody reads, at its rate, and tells the readers that there is something to pull.
//!
//! A thread of its own, which sleeps while nobody reads: neither the engine nor a reader ever waits for it.

use super::fold::Provider;
use super::kind::{Form, Key, Kind, RATE_HZ_MAX};
use super::topic::{Cursor, Topic};
use crate::hub::{Hub, Store};
use fathometer_edge::clock;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::NANOS_PER_SECOND;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// Time between two ticks, ns: what changes is told that soon where its rate allows it.
const TICK_NANOS: i64 = NANOS_PER_SECOND / 100;
/// The same where there are more than `MANY` topics.
const SLOW_TICK_NANOS: i64 = NANOS_PER_SECOND / RATE_HZ_MAX as i64;
const MANY: usize = 1_000;
/// Most topics that are read at a time, by all readers together.
pub const TOPICS_MAX: usize = 8_192;

/// The stream of one source: its topics, and who reads them.
pub struct Streams {
    hub: Arc<Hub>,
    registry: Mutex<Registry>,
    providers: Mutex<HashMap<Kind, Provider>>,
    /// Who reads, and what became of those who read slowly.
    pub counts: Counts,
}

#[derive(Default)]
struct Registry {
    topics: HashMap<Key, Arc<Topic>>,
    /// Whether the thread runs.
    runs: bool,
    /// Whether topics came or went since books were last wanted.
    changed: bool,
}

/// Readers.
#[derive(Debug, Default)]
pub struct Counts {
    /// Now.
    pub connected: AtomicUsize,
    /// Updates that were left out for readers that were too slow.
    pub conflated: AtomicU64,
    /// Readers whose connection was ended because they stood still.
    pub cut: AtomicU64,
}

/// There are as many topics as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Streams {
    /// Nobody reads yet.
    pub fn new(hub: Arc<Hub>) -> Self {
        Streams { hub, registry: Mutex::default(), providers: Mutex::default(), counts: Counts::default() }
    }

    /// Where the objects of a kind come from that are not the hub's; the first word counts.
    pub fn provide(&self, kind: Kind, provider: impl Fn() -> Option<serde_json::Value> + Send + Sync + 'static) {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        providers.entry(kind).or_insert_with(|| Arc::new(provider));
    }

    /// Whether a kind is served.
    pub fn serves(&self, kind: Kind) -> bool {
        let is_foreign = matches!(kind, Kind::Clock | Kind::Latency | Kind::System);
        !is_foreign || self.provider(kind).is_some()
    }

    /// Topics at the moment.
    pub fn topics(&self) -> usize {
        self.lock().topics.len()
    }

    /// Begins to read a topic; from the first reader on it is looked at, and `waker` told when there is something to pull.
    ///
    /// # Errors
    /// There are too many topics.
    pub fn join(self: &Arc<Self>, key: Key, form: Form, waker: Arc<Notify>) -> Result<Cursor, Full> {
        let provider = self.provider(key.kind);
        let mut registry = self.lock();
        if registry.topics.len() >= TOPICS_MAX && !registry.topics.contains_key(&key) {
            return Err(Full);
        }
        registry.changed = true;
        let topic = registry.topics.entry(key).or_insert_with(|| Arc::new(Topic::new(key, &self.hub, provider)));
        let cursor = topic.join(form, waker);
        if !registry.runs {
            let weak = Arc::downgrade(self);
            let begun = std::thread::Builder::new().name("stream".to_owned()).spawn(move || run(&weak));
            match begun {
                Ok(_) => registry.runs = true,
                Err(error) => tracing::error!("cannot start the thread of the stream: {error}"),
            }
        }
        Ok(cursor)
    }

    /// One tick; how long until the next, ns. `None` once nobody reads any more.
    fn tick(&self, generation: &mut u64) -> Option<i64> {
        let now = clock::now();
        let (due, nanos) = {
            let mut registry = self.lock();
            let before = registry.topics.len();
            registry.topics.retain(|_, topic| topic.is_read());
            registry.changed |= registry.topics.len() != before;
            let mut store = self.hub.lock();
            if std::mem::take(&mut registry.changed) || store.generation != *generation {
                *generation = store.generation;
                want(&registry, &mut store);
            }
            if registry.topics.is_empty() {
                registry.runs = false;
                return None;
            }
            let nanos = if registry.topics.len() > MANY { SLOW_TICK_NANOS } else { TICK_NANOS };
            let is_due = |topic: &&Arc<Topic>| topic.is_due(&store, now, nanos / 2);
            (registry.topics.values().filter(is_due).cloned().collect::<Vec<_>>(), nanos)
        };
        // Readers are woken after all have spoken: who reads several of them is woken for all at once.
        let said: Vec<_> = due.into_iter().filter(|topic| topic.tick(&self.hub, now)).collect();
        said.iter().for_each(|topic| topic.wake());
        Some(nanos)
    }

    fn provider(&self, kind: Kind) -> Option<Provider> {
        self.providers.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the engine's thread copy the books that are read, as deep as they are.
fn want(registry: &Registry, store: &mut Store) {
    let mut depths: HashMap<InstrumentId, usize> = HashMap::new();
    for key in registry.topics.keys() {
        let depth = match key.kind {
            Kind::Book => key.depth,
            Kind::Classic => 1,
            _ => continue,
        };
        if let Some(id) = key.instrument {
            let most = depths.entry(id).or_default();
            *most = depth.max(*most);
        }
    }
    for number in 0..store.slots.len() {
        let id = InstrumentId(number as u32);
        store.want(id, depths.get(&id).copied().unwrap_or(0));
    }
}

/// The thread: ticks while anybody reads.
fn run(streams: &Weak<Streams>) {
    let (mut next, mut generation) = (clock::now(), u64::MAX);
    loop {
        let Some(streams) = streams.upgrade() else { return };
        let Some(nanos) = streams.tick(&mut generation) else { return };
        drop(streams);
        next = next.plus(nanos);
        let now = clock::now();
        if now > next.plus(nanos) {
            next = now; // this machine is busy: ticks are left out, not made up for
        }
        std::thread::sleep(Duration::from_nanos(u64::try_from(next.since(now)).unwrap_or(0)));
    }
}

/// What a reader counts for while it is connected.
pub struct Seat(Arc<Streams>);

impl Seat {
    /// A seat, if fewer than so many are taken.
    pub fn take(streams: &Arc<Streams>, max: usize) -> Option<Seat> {
        let taken = streams.counts.connected.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(streams.clone()); // gives it back if it is one too many
        (taken < max).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.counts.connected.fetch_sub(1, Ordering::Relaxed);
    }
}
