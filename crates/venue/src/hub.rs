//! From one stream to its subscribers: each message is put into words once per form and shared; faults fall here.

use crate::fault::{Fault, Faults, Kind, Spot};
use crate::frame;
use bytes::Bytes;
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Most messages waiting for one connection. At its end the connection is closed (OKX: code 4005), as the exchanges do:
/// a client that cannot keep up would otherwise see an ever older market.
pub(crate) const QUEUE_MESSAGES_MAX: usize = 4096;

/// One message to a connection.
#[derive(Clone, Debug)]
pub(crate) struct Out {
    /// Whole frames, or on purpose less.
    pub(crate) bytes: Bytes,
    /// Not before.
    pub(crate) due: Option<Instant>,
    /// How the connection ends after it, if it does.
    pub(crate) then: Option<End>,
}

impl Out {
    /// At once, and nothing after it.
    fn now(bytes: Bytes) -> Self {
        Out { bytes, due: None, then: None }
    }
}

/// Why a connection ends from our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client did not read fast enough.
    Overflow,
    /// Dropped without a word.
    Cut,
    /// Closed with a code.
    Close(u16, &'static str),
}

/// How a subscriber wants messages: wrapped with the stream's name, times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) combined: bool,
    pub(crate) micros: bool,
}

/// Which family of streams a futures URL is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// No such part in the URL: everything (the real host: public only).
    Unrouted,
    /// `/public`.
    Public,
    /// `/market`.
    Market,
    /// `/private`.
    Private,
}

/// The publishing end of one connection.
#[derive(Debug)]
pub(crate) struct Client {
    /// Number of the connection, unique within the server.
    pub(crate) id: u64,
    /// URL family.
    pub(crate) route: Route,
    form: AtomicU8,
    queue: mpsc::Sender<Out>,
    /// One place: the first reason to end is the one that counts.
    end: mpsc::Sender<End>,
}

/// The receiving end of a `Client`.
pub(crate) struct Mailbox {
    pub(crate) queue: mpsc::Receiver<Out>,
    pub(crate) end: mpsc::Receiver<End>,
}

impl Client {
    /// A client and its mailbox.
    pub(crate) fn new(id: u64, route: Route, form: Form) -> (Arc<Client>, Mailbox) {
        let (queue, queue_out) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let (end, end_out) = mpsc::channel(1);
        let client = Client { id, route, form: AtomicU8::new(0), queue, end };
        client.set_form(form);
        (Arc::new(client), Mailbox { queue: queue_out, end: end_out })
    }

    /// How it wants messages.
    pub(crate) fn form(&self) -> Form {
        let bits = self.form.load(Ordering::Relaxed);
        Form { combined: bits & 1 != 0, micros: bits & 2 != 0 }
    }

    /// Changes how it wants messages.
    pub(crate) fn set_form(&self, form: Form) {
        self.form.store(u8::from(form.combined) | u8::from(form.micros) << 1, Ordering::Relaxed);
    }

    /// Queues bytes; a full queue ends the connection.
    pub(crate) fn send(&self, out: Out) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(out) {
            self.end(End::Overflow);
        }
    }

    /// Queues a text message.
    pub(crate) fn say(&self, text: &str) {
        self.send(Out::now(frame::text(text)));
    }

    /// Ends the connection; a second reason changes nothing.
    pub(crate) fn end(&self, end: End) {
        let _ = self.end.try_send(end);
    }
}

/// A message in the forms that were asked for.
#[derive(Clone, Debug, Default)]
struct Message {
    forms: [Option<Bytes>; 4],
}

impl Message {
    fn get(&mut self, form: Form, make: &dyn Fn(Form) -> String) -> Bytes {
        let index = usize::from(form.combined) + 2 * usize::from(form.micros);
        match &mut self.forms[index] {
            Some(bytes) => bytes.clone(),
            empty => empty.insert(frame::text(&make(form))).clone(),
        }
    }
}

/// One stream and who listens to it.
#[derive(Debug)]
pub(crate) struct Topic {
    /// Name as subscribed to.
    pub(crate) name: String,
    /// Of which symbol; `None` for all-market streams.
    pub(crate) symbol: Option<String>,
    /// Whether it carries depth diffs.
    pub(crate) is_diff: bool,
    /// Belongs to `/market` of the futures URLs.
    pub(crate) is_market: bool,
    /// Subscribers in the order in which they came.
    pub(crate) clients: Vec<Arc<Client>>,
    /// What a `reorder` holds back until its successor is sent.
    held: Vec<(Arc<Client>, Bytes)>,
}

impl Topic {
    /// Without subscribers.
    pub(crate) fn new(name: String, symbol: Option<String>, is_diff: bool, is_market: bool) -> Self {
        Topic { name, symbol, is_diff, is_market, clients: Vec::new(), held: Vec::new() }
    }

    /// Adds a subscriber; false if it is one already.
    pub(crate) fn join(&mut self, client: &Arc<Client>) -> bool {
        let new = !self.clients.iter().any(|c| c.id == client.id);
        if new {
            self.clients.push(Arc::clone(client));
        }
        new
    }

    /// Removes a subscriber; false if it was none.
    pub(crate) fn leave(&mut self, client: u64) -> bool {
        let before = self.clients.len();
        self.clients.retain(|c| c.id != client);
        before != self.clients.len()
    }

    /// Where faults look.
    pub(crate) fn spot(&self, venue: Venue) -> Spot<'_> {
        Spot { venue, symbol: self.symbol.as_deref(), target: &self.name, is_diff: self.is_diff }
    }

    /// Sends one message to every subscriber, or what the faults make of it; `make` is given the stream's name.
    pub(crate) fn deliver(
        &mut self,
        venue: Venue,
        now: Nanos,
        faults: &mut Faults,
        make: &dyn Fn(&str, Form) -> String,
    ) {
        let make = |form: Form| make(&self.name, form);
        if self.clients.is_empty() {
            return;
        }
        let mut message = Message::default();
        if faults.is_idle() && self.held.is_empty() {
            for client in &self.clients {
                client.send(Out::now(message.get(client.form(), &make)));
            }
            return;
        }
        const STRIKES: [Kind; 8] = [
            Kind::Reorder,
            Kind::SilentStream,
            Kind::Gap,
            Kind::Duplicate,
            Kind::Malformed,
            Kind::Truncated,
            Kind::Oversize,
            Kind::Slow,
        ];
        // The successor of a held message goes out as it is: else nothing would come in between.
        let strikes = if self.held.is_empty() { &STRIKES[..] } else { &STRIKES[1..] };
        let unrouted_public_only =
            self.is_market && faults.strike(&[Kind::UnroutedPublicOnly], self.spot(venue), now).is_some();
        let fault = faults.strike(strikes, self.spot(venue), now);
        let held = std::mem::take(&mut self.held);
        let mut huge = None;
        for (index, client) in self.clients.iter().enumerate() {
            if unrouted_public_only && client.route == Route::Unrouted {
                continue;
            }
            let bytes = message.get(client.form(), &make);
            let mine = fault.as_ref().filter(|f| f.subscriber.is_none_or(|n| n == index));
            let send = |bytes: Bytes| client.send(Out::now(bytes));
            match mine.map(|f| f.kind) {
                None => send(bytes),
                Some(Kind::Gap | Kind::SilentStream) => {}
                Some(Kind::Duplicate) => {
                    send(bytes.clone());
                    send(bytes);
                }
                Some(Kind::Reorder) => self.held.push((Arc::clone(client), bytes)),
                Some(Kind::Malformed) => send(frame::malformed(&bytes)),
                Some(Kind::Truncated) => {
                    client.send(Out { bytes: frame::truncated(&bytes), due: None, then: Some(End::Cut) });
                }
                Some(Kind::Oversize) => {
                    let size = mine.map_or(0, Fault::frame_bytes);
                    send(huge.get_or_insert_with(|| frame::oversize(size)).clone());
                }
                Some(_) => {
                    let lag = Duration::from_millis(mine.map_or(0, Fault::lag_ms));
                    client.send(Out { bytes, due: Some(Instant::now() + lag), then: None });
                }
            }
        }
        for (client, bytes) in held {
            client.send(Out::now(bytes));
        }
    }
}
