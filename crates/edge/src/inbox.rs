//! The one queue between the feeds and the engine thread: bounded, counted, and drained whole.

use bytes::Bytes;
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// An input with its own memory, on its way to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// When it was received, by our clock.
    pub at: Nanos,
    /// On which link.
    pub link: LinkId,
    /// What.
    pub body: ReceivedBody,
}

/// What arrived; see `fathometer_engine::input::Body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivedBody {
    /// A connection is open.
    Open {
        /// Which market speaks on it.
        venue: Venue,
        /// Which of two redundant connections.
        leg: Leg,
        /// The whole address.
        url: String,
    },
    /// A text frame.
    Text(Bytes),
    /// A binary frame.
    Binary(Bytes),
    /// An answer over HTTP; status 0 means that none came, the body `{"code":0,"msg":...}` then says why.
    Reply {
        /// When the request left, by our clock.
        sent: Nanos,
        /// Path and query.
        request: String,
        /// HTTP status.
        status: u16,
        /// Body.
        body: Bytes,
    },
    /// The connection ended.
    Close {
        /// Why, for people.
        reason: String,
    },
    /// Time passed.
    Tick,
}

impl Received {
    /// The same as the engine and the tape take it.
    pub fn as_input(&self) -> Input<'_> {
        let body = match &self.body {
            ReceivedBody::Open { venue, leg, url } => Body::Open { venue: *venue, leg: *leg, url },
            ReceivedBody::Text(text) => Body::Text(text),
            ReceivedBody::Binary(bytes) => Body::Binary(bytes),
            ReceivedBody::Reply { sent, request, status, body } => {
                Body::Reply { sent: *sent, request, status: *status, body }
            }
            ReceivedBody::Close { reason } => Body::Close { reason },
            ReceivedBody::Tick => Body::Tick,
        };
        Input { at: self.at, link: self.link, body }
    }

    /// Payload, bytes.
    fn size(&self) -> usize {
        match &self.body {
            ReceivedBody::Text(b) | ReceivedBody::Binary(b) | ReceivedBody::Reply { body: b, .. } => b.len(),
            _ => 0,
        }
    }
}

/// How long the queue is. At its end: a link's read waits (`push_within`), then that link is closed with a Fault and
/// resyncs; opens, closes and replies wait until there is room; a tick is left out, the next one stands for it, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxLimits {
    /// Most inputs waiting.
    pub inputs_max: usize,
    /// Most payload waiting, bytes (one input may reach past it).
    pub bytes_max: usize,
}

impl Default for InboxLimits {
    /// Several seconds of some hundred busy books.
    fn default() -> Self {
        InboxLimits { inputs_max: 65_536, bytes_max: 256 << 20 }
    }
}

/// What was counted, for screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxStats {
    /// Inputs waiting now.
    pub depth: usize,
    /// Payload waiting now, bytes.
    pub depth_bytes: usize,
    /// Most inputs that ever waited.
    pub depth_max: usize,
    /// Inputs taken in.
    pub taken: u64,
    /// Times that somebody had to wait for room.
    pub waits: u64,
    /// Inputs that found no room in time; each cost its link the connection.
    pub overruns: u64,
    /// Ticks left out.
    pub ticks_skipped: u64,
}

/// Why a push did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// No room within the time given.
    #[error("the engine does not keep up: no room in its queue")]
    Full,
    /// The engine thread is gone.
    #[error("the engine has stopped")]
    Closed,
}

/// The engine thread's end was reached: every sender is gone and the queue is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all feeds have stopped")]
pub struct Finished;

#[derive(Debug)]
struct State {
    queue: VecDeque<Received>,
    stats: InboxStats,
    open: bool,
}

#[derive(Debug)]
struct Shared {
    limits: InboxLimits,
    state: Mutex<State>,
    arrived: Condvar,
    room: Notify,
    senders: AtomicUsize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A feed's end.
#[derive(Debug)]
pub struct InboxSender(Arc<Shared>);

/// The engine thread's end.
#[derive(Debug)]
pub struct InboxReceiver(Arc<Shared>);

/// Reads the counters; keeps nothing open.
#[derive(Clone, Debug)]
pub struct InboxGauge(Arc<Shared>);

impl InboxGauge {
    /// Counters.
    pub fn stats(&self) -> InboxStats {
        self.0.lock().stats
    }

    /// How long the queue may be.
    pub fn limits(&self) -> InboxLimits {
        self.0.limits
    }
}

/// A queue of that length.
pub fn inbox(limits: InboxLimits) -> (InboxSender, InboxReceiver) {
    let state = State { queue: VecDeque::new(), stats: InboxStats::default(), open: true };
    let shared = Arc::new(Shared {
        limits,
        state: Mutex::new(state),
        arrived: Condvar::new(),
        room: Notify::new(),
        senders: AtomicUsize::new(1),
    });
    (InboxSender(shared.clone()), InboxReceiver(shared))
}

impl InboxSender {
    /// Moves all of `batch` in, in order; waits for room at most `patience` at a time. What found none stays in `batch`.
    ///
    /// # Errors
    /// `Full` after waiting, `Closed` if the engine is gone.
    pub async fn push_within(&self, batch: &mut VecDeque<Received>, patience: Duration) -> Result<(), PushError> {
        self.push(batch, Some(patience)).await
    }

    /// Moves one input in, however long it takes: for what may not be lost and cannot pile up.
    ///
    /// # Errors
    /// `Closed` if the engine is gone.
    pub async fn push_waiting(&self, input: Received) -> Result<(), PushError> {
        self.push(&mut VecDeque::from([input]), None).await
    }

    /// A tick, if there is room.
    pub fn tick(&self, input: Received) {
        let mut batch = VecDeque::from([input]);
        match self.take_in(&mut batch) {
            Ok(true) => {}
            Ok(false) | Err(_) => self.0.lock().stats.ticks_skipped += 1,
        }
    }

    /// Counters.
    pub fn stats(&self) -> InboxStats {
        self.0.lock().stats
    }

    async fn push(&self, batch: &mut VecDeque<Received>, patience: Option<Duration>) -> Result<(), PushError> {
        if self.take_in(batch)? {
            return Ok(());
        }
        self.0.lock().stats.waits += 1;
        loop {
            let room = self.0.room.notified();
            tokio::pin!(room);
            room.as_mut().enable(); // before looking again, else room made in between goes unnoticed
            if self.take_in(batch)? {
                return Ok(());
            }
            match patience {
                None => room.await,
                Some(patience) => {
                    if tokio::time::timeout(patience, room).await.is_err() {
                        self.0.lock().stats.overruns += batch.len() as u64;
                        return Err(PushError::Full);
                    }
                }
            }
        }
    }

    /// Moves in what fits; whether that was all.
    fn take_in(&self, batch: &mut VecDeque<Received>) -> Result<bool, PushError> {
        let limits = self.0.limits;
        let mut state = self.0.lock();
        if !state.open {
            return Err(PushError::Closed);
        }
        let before = state.queue.len();
        while state.queue.len() < limits.inputs_max && state.stats.depth_bytes < limits.bytes_max {
            let Some(input) = batch.pop_front() else { break };
            state.stats.depth_bytes += input.size();
            state.queue.push_back(input);
        }
        let now = state.queue.len();
        state.stats.depth = now;
        state.stats.depth_max = state.stats.depth_max.max(now);
        state.stats.taken += (now - before) as u64;
        drop(state);
        if now > before {
            self.0.arrived.notify_one();
        }
        Ok(batch.is_empty())
    }
}

impl Clone for InboxSender {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        InboxSender(self.0.clone())
    }
}

impl Drop for InboxSender {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _state = self.0.lock(); // so that a receiver about to wait does not miss it
            self.0.arrived.notify_all();
        }
    }
}

impl InboxReceiver {
    /// Blocks until something has arrived, at most `patience`, then puts everything that has arrived behind what is in
    /// `into`. Returns how many; 0 means that nothing came in time.
    ///
    /// # Errors
    /// `Finished` when nothing can come any more.
    pub fn recv(&mut self, into: &mut VecDeque<Received>, patience: Duration) -> Result<usize, Finished> {
        let empty = |s: &mut State| s.queue.is_empty() && self.0.senders.load(Ordering::Acquire) > 0;
        let waited = self.0.arrived.wait_timeout_while(self.0.lock(), patience, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let count = state.queue.len();
        if count == 0 && self.0.senders.load(Ordering::Acquire) == 0 {
            return Err(Finished);
        }
        if into.is_empty() {
            std::mem::swap(into, &mut state.queue);
        } else {
            into.append(&mut state.queue);
        }
        state.stats.depth = 0;
        state.stats.depth_bytes = 0;
        drop(state);
        if count > 0 {
            self.0.room.notify_waiters();
        }
        Ok(count)
    }

    /// Counters.
    pub fn stats(&self) -> InboxStats {
        self.0.lock().stats
    }

    /// The same for somebody else.
    pub fn gauge(&self) -> InboxGauge {
        InboxGauge(self.0.clone())
    }
}

impl Drop for InboxReceiver {
    fn drop(&mut self) {
        self.0.lock().open = false;
        self.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(n: usize) -> Received {
        Received { at: Nanos(n as i64), link: LinkId(0), body: ReceivedBody::Text(Bytes::from(n.to_string())) }
    }

    fn batch(range: std::ops::Range<usize>) -> VecDeque<Received> {
        range.map(text).collect()
    }

    #[tokio::test]
    async fn everything_that_has_arrived_comes_out_in_order_at_once() {
        let (tx, mut rx) = inbox(InboxLimits::default());
        tx.push_within(&mut batch(0..5), Duration::ZERO).await.unwrap();
        tx.push_waiting(text(5)).await.unwrap();
        let mut out = VecDeque::new();
        assert_eq!(rx.recv(&mut out, Duration::ZERO), Ok(6));
        assert_eq!(out, batch(0..6));
        assert_eq!(rx.recv(&mut out, Duration::from_millis(1)), Ok(0));
        drop(tx);
        assert_eq!(rx.recv(&mut out, Duration::from_secs(60)), Err(Finished));
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_link_wait_and_then_tells_it() {
        let (tx, mut rx) = inbox(InboxLimits { inputs_max: 4, bytes_max: 1 << 20 });
        let mut six = batch(0..6);
        assert_eq!(tx.push_within(&mut six, Duration::from_millis(20)).await, Err(PushError::Full));
        assert_eq!(six, batch(4..6), "what found no room is still there");
        tx.tick(Received { at: Nanos(0), link: LinkId(0), body: ReceivedBody::Tick });
        let stats = tx.stats();
        assert_eq!((stats.depth, stats.waits, stats.overruns, stats.ticks_skipped), (4, 1, 2, 1));
        let waiting = tokio::spawn(async move { tx.push_within(&mut six, Duration::from_secs(10)).await });
        tokio::task::yield_now().await;
        let mut out = VecDeque::new();
        assert_eq!(rx.recv(&mut out, Duration::ZERO), Ok(4));
        waiting.await.unwrap().unwrap();
        assert_eq!(rx.recv(&mut out, Duration::ZERO), Ok(2));
        assert_eq!(out, batch(0..6));
    }

    #[tokio::test]
    async fn payload_is_bounded_too_and_one_large_input_still_passes() {
        let (tx, mut rx) = inbox(InboxLimits { inputs_max: 100, bytes_max: 10 });
        let large =
            |n| Received { at: Nanos(n), link: LinkId(0), body: ReceivedBody::Binary(Bytes::from(vec![0; 1000])) };
        tx.push_waiting(large(0)).await.unwrap();
        assert_eq!(tx.push_within(&mut [large(1)].into(), Duration::ZERO).await, Err(PushError::Full));
        assert_eq!(tx.stats().depth_bytes, 1000);
        rx.recv(&mut VecDeque::new(), Duration::ZERO).unwrap();
        tx.push_waiting(large(2)).await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_is_told_when_the_engine_is_gone() {
        let (tx, rx) = inbox(InboxLimits { inputs_max: 1, bytes_max: 10 });
        tx.push_waiting(text(0)).await.unwrap();
        let waiting = tokio::spawn(async move { tx.push_waiting(text(1)).await });
        tokio::task::yield_now().await;
        drop(rx);
        assert_eq!(waiting.await.unwrap(), Err(PushError::Closed));
    }

    #[test]
    fn an_input_is_what_was_received() {
        let body = ReceivedBody::Reply { sent: Nanos(1), request: "/x".into(), status: 200, body: Bytes::from("{}") };
        let received = Received { at: Nanos(2), link: LinkId(3), body };
        let body = Body::Reply { sent: Nanos(1), request: "/x", status: 200, body: b"{}" };
        assert_eq!(received.as_input(), Input { at: Nanos(2), link: LinkId(3), body });
    }
}
