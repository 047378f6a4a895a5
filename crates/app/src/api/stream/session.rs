//! One reader: what it subscribed to, and what it is sent, at its own pace.
//!
//! Nothing is queued for a reader but what its socket holds: while a message cannot be handed to the socket, topics go on
//! without it, and it finds a snapshot when it comes back. Who takes nothing for `STILL_MAX` is cut off.

use super::ask::{self, Allowance, Ask, Wish};
use super::kind::{DEPTH_MAX, Form, Key, Kind, RATES_HZ};
use super::publisher::Seat;
use super::topic::{Cursor, RING_MAX};
use crate::api::asked::instrument;
use crate::api::instruments::InstrumentTold;
use crate::api::problem::Problem;
use crate::api::stamp;
use crate::live::state::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use fathometer_edge::clock;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Longest that a message may wait for a reader to take it.
pub const STILL_MAX: Duration = Duration::from_secs(10);
/// How often an idle session looks whether the run is over.
const LOOK: Duration = Duration::from_secs(1);
/// A reader of whom nothing was heard for that long is asked whether it is there, ns.
const QUIET_NANOS: i64 = 15_000_000_000;
/// And is given up after that long, ns.
const SILENT_NANOS: i64 = 60_000_000_000;

/// One reader.
pub struct Session {
    socket: WebSocket,
    state: Arc<State>,
    form: Form,
    _seat: Seat,
    subscriptions: Vec<Subscription>,
    /// What is told already, by any subscription.
    told: HashSet<(Kind, Option<InstrumentId>)>,
    /// Instruments are known to the reader as of this generation.
    generation: u64,
    allowance: Allowance,
    /// Told when there is something to pull.
    waker: Arc<Notify>,
}

struct Subscription {
    id: u64,
    kind: Kind,
    rate_hz: u32,
    depth: usize,
    /// Instruments that come later belong to it.
    is_all: bool,
    cursors: Vec<Cursor>,
}

/// Why a session ends.
enum End {
    /// The reader went, or broke the rules of WebSocket.
    Gone,
    /// The reader stood still.
    Still,
    /// We end it: code and reason.
    Close(u16, &'static str),
}

type Go = Result<(), End>;

impl Session {
    /// A reader that has just connected.
    pub fn new(socket: WebSocket, state: Arc<State>, form: Form, seat: Seat) -> Self {
        let allowance = Allowance::new(seconds());
        Session {
            socket,
            state,
            form,
            _seat: seat,
            subscriptions: Vec::new(),
            told: HashSet::new(),
            generation: 0,
            allowance,
            waker: Arc::default(),
        }
    }

    /// Serves it until it goes.
    pub async fn run(mut self) {
        let hello = self.hello();
        let end = match self.send(vec![hello]).await {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        self.end(end).await;
    }

    /// Pushes one topic to it, and listens to nothing.
    pub async fn push(mut self, key: Key) {
        let end = match self.state.streams.join(key, Form::Text, self.waker.clone()) {
            Ok(cursor) => {
                let (id, kind, rate_hz) = (0, key.kind, key.rate_hz);
                let it = Subscription { id, kind, rate_hz, depth: 0, is_all: false, cursors: vec![cursor] };
                self.subscriptions.push(it);
                self.generation = u64::MAX;
                self.serve().await
            }
            Err(_) => End::Close(close_code::AGAIN, "there are too many topics"),
        };
        self.end(end).await;
    }

    async fn serve(&mut self) -> End {
        let waker = self.waker.clone();
        let (mut heard, mut asked) = (clock::now(), false);
        loop {
            let said = tokio::select! {
                biased;
                said = self.socket.next() => Some(said),
                () = waker.notified() => None,
                () = tokio::time::sleep(LOOK) => None,
            };
            let went = match said {
                Some(Some(Ok(message))) => {
                    (heard, asked) = (clock::now(), false);
                    self.hear(message).await
                }
                Some(_) => Err(End::Gone),
                None => Ok(()),
            };
            let quiet = clock::now().since(heard);
            let went = match went {
                Ok(()) if self.state.is_over() => Err(End::Close(close_code::AWAY, "the run has ended")),
                Ok(()) if quiet > SILENT_NANOS => Err(End::Gone),
                Ok(()) if quiet > QUIET_NANOS && !asked => {
                    asked = true;
                    self.send(vec![Message::Ping(Default::default())]).await
                }
                went => went,
            };
            let went = match went {
                Ok(()) => self.deliver().await,
                went => went,
            };
            if let Err(end) = went {
                return end;
            }
        }
    }

    async fn end(mut self, end: End) {
        match end {
            End::Gone => {}
            End::Still => {
                self.state.streams.counts.cut.fetch_add(1, Ordering::Relaxed);
            }
            End::Close(code, reason) => {
                let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
                let _ = timeout(LOOK, self.socket.send(close)).await; // whether it is heard or not
            }
        }
    }

    /// Everything that the topics have said since.
    async fn deliver(&mut self) -> Go {
        let (mut news, mut skipped, mut newest) = (Vec::new(), 0, 0);
        for cursor in self.subscriptions.iter_mut().flat_map(|it| &mut it.cursors) {
            let (left_out, generation) = cursor.pull(&mut news);
            skipped += left_out;
            newest = newest.max(generation);
        }
        let mut messages = Vec::new();
        if newest > self.generation || (self.generation < u64::MAX && self.is_out_of_date()) {
            self.announce(&mut messages);
        }
        if skipped > 0 {
            self.state.streams.counts.conflated.fetch_add(skipped, Ordering::Relaxed);
            if self.generation < u64::MAX {
                messages.push(text(&json!({ "type": "conflated", "skipped": skipped })));
            }
        }
        messages.append(&mut news);
        self.send(messages).await
    }

    async fn send(&mut self, messages: Vec<Message>) -> Go {
        if messages.is_empty() {
            return Ok(());
        }
        // Fed one by one and flushed once: few packets, but no more in memory than the socket's own buffer.
        for message in messages {
            done(timeout(STILL_MAX, self.socket.feed(message)).await)?;
        }
        done(timeout(STILL_MAX, self.socket.flush()).await)
    }

    async fn hear(&mut self, message: Message) -> Go {
        if !self.allowance.take(seconds()) {
            return Err(End::Close(close_code::POLICY, "more messages a second than `limits` allow"));
        }
        let said = match message {
            Message::Text(said) => said,
            Message::Binary(_) => return Err(End::Close(close_code::UNSUPPORTED, "say it as text")),
            Message::Ping(_) | Message::Pong(_) => return Ok(()), // answered below us
            Message::Close(_) => return Err(End::Gone),
        };
        if self.generation == u64::MAX {
            return Ok(()); // `/ws/{symbol}` has nothing to choose
        }
        let answer = match Ask::read(&said) {
            Ok(Ask::Ping) => json!({ "type": "pong" }).to_string(),
            Ok(Ask::Unsubscribe { id }) => self.unsubscribe(id),
            Ok(Ask::Subscribe(wish)) => match self.subscribe(&wish) {
                Ok(told) => told.to_string(),
                Err(problem) => ask::refusal(Some(wish.id), &problem),
            },
            Err((id, problem)) => ask::refusal(id, &problem),
        };
        self.send(vec![Message::Text(answer.into())]).await
    }

    fn unsubscribe(&mut self, id: u64) -> String {
        let Some(place) = self.subscriptions.iter().position(|it| it.id == id) else {
            let problem = Problem::malformed(format!("there is no subscription {id}"), "see which were confirmed");
            return ask::refusal(Some(id), &problem);
        };
        let gone = self.subscriptions.swap_remove(place);
        for cursor in &gone.cursors {
            self.told.remove(&(gone.kind, cursor.key().instrument));
        }
        json!({ "type": "unsubscribed", "id": id }).to_string()
    }

    fn subscribe(&mut self, wish: &Wish) -> Result<Value, Problem> {
        let meant = wish.meant()?;
        if !self.state.streams.serves(meant.kind) {
            let detail = format!("`{}` is not served here", meant.kind.name());
            return Err(Problem::malformed(detail, "subscribe to other kinds"));
        }
        if self.subscriptions.iter().any(|it| it.id == wish.id) {
            return Err(ask::taken(format!("there is a subscription {} already", wish.id)));
        }
        if self.subscriptions.len() >= ask::SUBSCRIPTIONS_MAX {
            return Err(ask::too_many(format!("{} subscriptions are one reader's most", ask::SUBSCRIPTIONS_MAX)));
        }
        let is_all = meant.kind.has_instrument() && meant.names.is_none();
        let targets = self.targets(meant.kind, meant.names.as_deref())?;
        let mut it = Subscription {
            id: wish.id,
            kind: meant.kind,
            rate_hz: meant.rate_hz,
            depth: meant.depth,
            is_all,
            cursors: Vec::new(),
        };
        if let Some((other, _)) =
            targets.iter().map(|target| (target, self.told.contains(&(it.kind, *target)))).find(|it| it.1)
        {
            return Err(ask::taken(self.twice(it.kind, *other)));
        }
        if self.told.len() + targets.len() > ask::READER_TOPICS_MAX {
            return Err(ask::too_many(format!("{} topics are one reader's most", ask::READER_TOPICS_MAX)));
        }
        for target in &targets {
            self.join(&mut it, *target)?;
        }
        self.told.extend(targets.iter().map(|target| (it.kind, *target)));
        let told = json!({
            "type": "subscribed", "id": wish.id, "kind": meant.kind.name(), "rate_hz": meant.rate_hz,
            "depth": (meant.kind == Kind::Book).then_some(meant.depth),
            "instruments": self.names(&targets),
        });
        self.subscriptions.push(it);
        Ok(told)
    }

    fn twice(&self, kind: Kind, target: Option<InstrumentId>) -> String {
        let name = target.and_then(|id| self.state.hub.lock().get(id).map(|slot| slot.id.clone()));
        format!("`{}`{} is told already", kind.name(), name.map(|name| format!(" of {name}")).unwrap_or_default())
    }

    fn names(&self, targets: &[Option<InstrumentId>]) -> Vec<String> {
        let store = self.state.hub.lock();
        targets.iter().flatten().filter_map(|id| store.get(*id)).map(|slot| slot.id.clone()).collect()
    }

    fn join(&self, it: &mut Subscription, target: Option<InstrumentId>) -> Result<(), Problem> {
        let key = Key { kind: it.kind, instrument: target, rate_hz: it.rate_hz, depth: it.depth };
        let full = |_| Problem::busy("all readers together subscribe to as many topics as there may be");
        it.cursors.push(self.state.streams.join(key, self.form, self.waker.clone()).map_err(full)?);
        Ok(())
    }

    /// What a subscription is of: the instruments meant, each once; or nothing in particular.
    fn targets(&self, kind: Kind, names: Option<&[String]>) -> Result<Vec<Option<InstrumentId>>, Problem> {
        let Some(names) = names else {
            let count = self.state.hub.lock().slots.len() as u32;
            let all = (0..count).map(|index| Some(InstrumentId(index)));
            return Ok(if kind.has_instrument() { all.collect() } else { vec![None] });
        };
        let view = self.state.view();
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            let found = Some(instrument(&view, name)?);
            if !targets.contains(&found) {
                targets.push(found);
            }
        }
        Ok(targets)
    }

    fn hello(&mut self) -> Message {
        self.generation = self.state.hub.lock().generation;
        let view = self.state.view();
        let instruments = InstrumentTold::all(&view, stamp::now(&self.state, &view));
        drop(view);
        text(&json!({
            "type": "hello",
            "version": env!("CARGO_PKG_VERSION"),
            "source": if self.state.is_replay() { "replay" } else { "live" },
            "format": if self.form == Form::Binary { "binary" } else { "json" },
            "instruments": instruments,
            "limits": {
                "subscriptions_max": ask::SUBSCRIPTIONS_MAX, "topics_max": ask::READER_TOPICS_MAX,
                "message_bytes_max": ask::MESSAGE_BYTES_MAX, "messages_per_second": ask::MESSAGES_PER_SECOND,
                "messages_burst": ask::MESSAGES_BURST, "rates_hz": RATES_HZ, "depth_max": DEPTH_MAX,
                "updates_kept": RING_MAX, "still_seconds_max": STILL_MAX.as_secs(),
            },
        }))
    }

    fn is_out_of_date(&self) -> bool {
        self.state.hub.lock().generation > self.generation
    }

    /// Instruments that are new, or of which something else is known now; those that are new belong to what is of all.
    fn announce(&mut self, messages: &mut Vec<Message>) {
        let changed: Vec<usize> = {
            let store = self.state.hub.lock();
            let before = std::mem::replace(&mut self.generation, store.generation);
            let is_changed = |(_, slot): &(usize, &crate::hub::slot::Slot)| slot.generation > before;
            store.slots.iter().enumerate().filter(is_changed).map(|(index, _)| index).collect()
        };
        let view = self.state.view();
        let now = stamp::now(&self.state, &view);
        for index in &changed {
            let Some(market) = view.markets.get(*index) else { continue };
            let told = InstrumentTold::of(*index, market, now);
            messages.push(text(&json!({ "type": "instrument", "instrument": told })));
        }
        drop(view);
        let mut subscriptions = std::mem::take(&mut self.subscriptions);
        for it in subscriptions.iter_mut().filter(|it| it.is_all) {
            for index in &changed {
                let target = Some(InstrumentId(*index as u32));
                let room = self.told.len() < ask::READER_TOPICS_MAX;
                if room && !self.told.contains(&(it.kind, target)) && self.join(it, target).is_ok() {
                    self.told.insert((it.kind, target));
                }
            }
        }
        self.subscriptions = subscriptions;
    }
}

fn done(sent: Result<Result<(), axum::Error>, tokio::time::error::Elapsed>) -> Go {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Still),
    }
}

fn text(object: &Value) -> Message {
    Message::Text(object.to_string().into())
}

fn seconds() -> f64 {
    clock::now().since(Nanos(0)) as f64 / 1e9
}
