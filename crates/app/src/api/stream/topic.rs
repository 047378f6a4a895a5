//! One thing that readers share: built once per tick, kept for a few ticks, pulled by each reader at its own pace.
//!
//! The ring is the queue between engine and readers: `RING_MAX` updates long. Whoever falls behind it gets a snapshot of
//! the latest instead (conflation), so that a slow reader costs nobody anything.

use super::fold::{self, Extent, Fold, Head, Provider};
use super::kind::{Form, Key, Kind};
use crate::hub::{Hub, Store};
use axum::extract::ws::Message;
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Updates kept for readers who are behind; the oldest goes first, and its readers get a snapshot.
pub const RING_MAX: usize = 8;
/// Where nothing changes but time goes on, that is said so often.
const ALIVE_NANOS: i64 = NANOS_PER_SECOND;

/// One thing that readers share.
pub struct Topic {
    /// What it is.
    pub key: Key,
    readers: [AtomicUsize; 2],
    /// Who is woken when there is something to pull: as many as there are cursors.
    wakers: Mutex<Vec<Arc<Notify>>>,
    inner: Mutex<Inner>,
}

struct Inner {
    fold: Box<dyn Fold>,
    provider: Option<Provider>,
    /// Of the latest update; sequence 0 before the first.
    head: Head,
    ring: VecDeque<Update>,
    /// The latest as a snapshot, by form.
    whole: [Option<Message>; 2],
    said_at: Nanos,
    looked_at: Nanos,
    /// The instrument's version at the last look.
    seen: Option<u64>,
}

/// One update, in the forms that somebody reads.
struct Update {
    sequence: u64,
    written: [Option<Message>; 2],
}

/// One reader's place in a topic. Counts as a reader while it lives.
pub struct Cursor {
    topic: Arc<Topic>,
    form: Form,
    waker: Arc<Notify>,
    /// Sequence to be read next; 0: a snapshot.
    next: u64,
}

impl Topic {
    /// Nothing said yet.
    pub fn new(key: Key, hub: &Hub, provider: Option<Provider>) -> Self {
        let fold = fold::fold(&key, &hub.columns, provider.clone());
        let (head, ring, whole) = (Head::default(), VecDeque::with_capacity(RING_MAX), [None, None]);
        let inner = Inner { fold, provider, head, ring, whole, said_at: Nanos(0), looked_at: Nanos(0), seen: None };
        Topic { key, readers: Default::default(), wakers: Mutex::default(), inner: Mutex::new(inner) }
    }

    /// A reader more, who is woken when there is something to pull.
    pub fn join(self: &Arc<Self>, form: Form, waker: Arc<Notify>) -> Cursor {
        let form = form.of(self.key.kind);
        self.readers[form as usize].fetch_add(1, Ordering::Relaxed);
        self.wakers().push(waker.clone());
        Cursor { topic: self.clone(), form, waker, next: 0 }
    }

    /// Wakes all readers.
    pub fn wake(&self) {
        self.wakers().iter().for_each(|waker| waker.notify_one());
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Arc<Notify>>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody reads it.
    pub fn is_read(&self) -> bool {
        self.readers.iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Whether its time has come, within `slack` ns, and something was said of its instrument since it last looked.
    pub fn is_due(&self, store: &Store, now: Nanos, slack: i64) -> bool {
        let inner = self.lock();
        let period = NANOS_PER_SECOND / i64::from(self.key.rate_hz.max(1)) - slack;
        // What costs much to look at, or says by itself when it changes, is not looked at more often than it may speak.
        let last = if self.key.kind.is_light() { inner.said_at } else { inner.looked_at };
        let is_time = inner.head.sequence == 0 || now.since(last) >= period;
        is_time
            && (self.key.instrument.is_none() || self.key.kind == Kind::Classic || inner.seen != self.version(store))
    }

    fn version(&self, store: &Store) -> Option<u64> {
        Some(self.key.instrument.and_then(|id| store.get(id)).map_or(0, |slot| slot.version))
    }

    /// Looks at what is there; whether there was something to say.
    pub fn tick(&self, hub: &Hub, now: Nanos) -> bool {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let mut head = Head { sequence: inner.head.sequence + 1, instrument: self.key.instrument, ..Head::default() };
        inner.looked_at = now;
        let begins = {
            let store = hub.lock();
            if let Some(slot) = self.key.instrument.and_then(|id| store.get(id)) {
                head.validity = Some(slot.validity());
                head.generation = slot.generation;
                head.scale = slot.info.scale;
                head.id.clone_from(&slot.id);
            }
            let begins = inner.head.sequence == 0 || inner.head.generation != head.generation;
            if begins {
                inner.fold = fold::fold(&self.key, &hub.columns, inner.provider.clone());
            }
            match inner.fold.look(&store, self.key.instrument) {
                Some(at) => (head.at, inner.seen) = (at, self.version(&store)),
                None => return false,
            }
            begins
        };
        let changed = inner.fold.step();
        let alive = head.at > inner.head.at && now.since(inner.said_at) >= ALIVE_NANOS;
        if !(begins || changed || alive || head.validity != inner.head.validity) {
            return false;
        }
        inner.head = head;
        inner.said_at = now;
        inner.whole = [None, None];
        if begins {
            inner.ring.clear(); // earlier changes lead nowhere
        }
        let extent = if begins || inner.fold.is_whole() { Extent::Whole } else { Extent::Change };
        let written = [Form::Text, Form::Binary].map(|form| {
            let is_read = self.readers[form as usize].load(Ordering::Relaxed) > 0;
            is_read.then(|| inner.write(&self.key, form, extent))
        });
        if extent == Extent::Whole {
            inner.whole.clone_from(&written);
        }
        if inner.ring.len() >= RING_MAX {
            inner.ring.pop_front();
        }
        inner.ring.push_back(Update { sequence: inner.head.sequence, written });
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&self, key: &Key, form: Form, extent: Extent) -> Message {
        let snapshot = extent == Extent::Whole;
        match form {
            Form::Text => {
                let mut text = String::with_capacity(512);
                fold::begin(key.kind, &self.head, snapshot, &mut text);
                self.fold.text(extent, &self.head, &mut text);
                text.push('}');
                Message::Text(text.into())
            }
            Form::Binary => {
                let mut bytes = Vec::with_capacity(512);
                super::frame::head(key.kind, &self.head, snapshot, &mut bytes);
                self.fold.binary(extent, &self.head, &mut bytes);
                Message::Binary(bytes.into())
            }
        }
    }

    /// All there is as of the latest update; written once for all who need it.
    fn whole(&mut self, key: &Key, form: Form) -> Message {
        if let Some(written) = &self.whole[form as usize] {
            return written.clone();
        }
        let written = self.write(key, form, Extent::Whole);
        self.whole[form as usize] = Some(written.clone());
        written
    }
}

impl Cursor {
    /// What it reads.
    pub fn key(&self) -> &Key {
        &self.topic.key
    }

    /// Everything since the last time; how many updates were skipped for a snapshot, and the newest generation in it.
    pub fn pull(&mut self, out: &mut Vec<Message>) -> (u64, u64) {
        let mut inner = self.topic.lock();
        let latest = inner.head.sequence;
        if latest == 0 || self.next > latest {
            return (0, 0);
        }
        let generation = inner.head.generation;
        let form = self.form as usize;
        let at_hand = inner.ring.front().is_some_and(|oldest| self.next >= oldest.sequence)
            && inner.ring.iter().all(|update| update.sequence < self.next || update.written[form].is_some());
        let skipped = if self.next > 0 && at_hand {
            out.extend(
                inner.ring.iter().filter(|it| it.sequence >= self.next).filter_map(|it| it.written[form].clone()),
            );
            0
        } else {
            out.push(inner.whole(&self.topic.key, self.form));
            if self.next == 0 { 0 } else { latest - self.next }
        };
        self.next = latest + 1;
        (skipped, generation)
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.topic.readers[self.form as usize].fetch_sub(1, Ordering::Relaxed);
        let mut wakers = self.topic.wakers();
        if let Some(place) = wakers.iter().position(|waker| Arc::ptr_eq(waker, &self.waker)) {
            wakers.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests;
