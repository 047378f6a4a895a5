//! The market on which a script plays: flow from below, the script's orders on top, told in the venues' own words. No socket
//! and no clock: time goes as fast as somebody steps.

use super::act::Due;
use super::layer::Layer;
use super::typical::{Notes, Typical};
use crate::fault::Faults;
use crate::frame;
use crate::hub::{Client, Form, Mailbox, Route};
use crate::market::{Happening, Source, What};
use crate::wire::okx::Arg;
use crate::wire::text::Digits;
use crate::wire::{Event, Exchange, binance, okx};
use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::units::{Level, NANOS_PER_MILLI, Nanos, Side};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One step.
const STEP_NANOS: i64 = 20 * NANOS_PER_MILLI;
/// From the exchange to us.
const WAY_NANOS: i64 = 4 * NANOS_PER_MILLI;
/// Silence is told that often.
const TICK_NANOS: i64 = 100 * NANOS_PER_MILLI;
/// After the beginning, snapshots are asked for then.
const SNAPSHOT_NANOS: i64 = 460 * NANOS_PER_MILLI;
/// Events that are told at once: fewer messages than the queue of a connection holds.
const PART_EVENTS: usize = 1_000;
/// Levels of a snapshot per side.
const SNAPSHOT_LEVELS: usize = 5_000;

/// One venue and our connection to it.
struct House {
    exchange: Exchange,
    client: Arc<Client>,
    mailbox: Mailbox,
    link: LinkId,
    venue: Venue,
}

/// A market under a script.
pub(crate) struct Stage {
    source: Box<dyn Source>,
    /// Markets, as the source lists them, with the house and the board of each.
    layers: Vec<(Layer, Notes)>,
    places: Vec<(usize, usize)>,
    houses: Vec<House>,
    faults: Faults,
    start: Nanos,
    now: Nanos,
    last_tick: Nanos,
    acts: VecDeque<Due>,
    acts_from: Nanos,
    opened: bool,
    has_snapshots: bool,
    /// Markets whose changes come in heaps, so that best prices between two changes of a heap mean nothing.
    heaps: Vec<String>,
}

impl Stage {
    /// Over a source, from `start` on; `recorded` flow comes in heaps.
    pub(crate) fn new(source: Box<dyn Source>, start: Nanos, recorded: bool) -> Self {
        let listings: Vec<Instrument> = source.listings().to_vec();
        let mut venues: Vec<Venue> = listings.iter().map(|l| l.venue).collect();
        venues.sort_unstable();
        venues.dedup();
        let (mut places, mut houses) = (vec![(0, 0); listings.len()], Vec::new());
        for (house, venue) in venues.into_iter().enumerate() {
            let here: Vec<usize> = (0..listings.len()).filter(|i| listings[*i].venue == venue).collect();
            for (board, listing) in here.iter().enumerate() {
                places[*listing] = (house, board);
            }
            let boards = here.iter().map(|i| listings[*i].clone()).collect();
            let exchange = match venue {
                Venue::Okx => Exchange::Okx(okx::Exchange::new(boards, start, false)),
                other => Exchange::Binance(binance::Exchange::new(other, boards, start)),
            };
            let (client, mailbox) = Client::new(house as u64, Route::Unrouted, Form { combined: true, micros: false });
            houses.push(House { exchange, client, mailbox, link: LinkId(house as u32), venue });
        }
        Stage {
            heaps: listings.iter().filter(|_| recorded).map(|l| l.symbol.to_lowercase()).collect(),
            source,
            layers: listings.into_iter().map(|i| (Layer::new(i), Notes::default())).collect(),
            places,
            houses,
            faults: Faults::default(),
            start,
            now: start,
            last_tick: start,
            acts: VecDeque::new(),
            acts_from: Nanos(i64::MAX),
            opened: false,
            has_snapshots: false,
        }
    }

    /// The exchanges' time.
    pub(crate) fn now(&self) -> Nanos {
        self.now
    }

    /// What is usual on a market.
    pub(crate) fn typical(&self, listing: usize) -> Option<Typical> {
        self.layers.get(listing).map(|(layer, notes)| notes.typical(layer))
    }

    /// From now on these acts are carried out, each at its time.
    pub(crate) fn play(&mut self, mut acts: Vec<Due>) {
        acts.sort_by_key(|due| due.ms);
        self.acts = acts.into();
        self.acts_from = self.now;
    }

    /// One step; every input that follows is given to `each`. False at the end of the flow.
    pub(crate) fn step(&mut self, each: &mut dyn FnMut(&Input<'_>)) -> bool {
        if !self.opened {
            self.open(each);
        }
        self.now = self.now.plus(STEP_NANOS);
        let now = self.now;
        let mut happenings = Vec::new();
        let goes_on = self.source.advance(now, &mut happenings);
        if !self.heaps.is_empty() {
            settle(&mut happenings);
        }
        for Happening { listing, what, .. } in happenings {
            if let Some((layer, _)) = self.layers.get_mut(listing) {
                layer.below(what);
            }
        }
        while let Some(due) = self.acts.pop_front_if(|due| self.acts_from.plus(due.ms * NANOS_PER_MILLI) <= now) {
            if let Some((layer, _)) = self.layers.get_mut(due.listing) {
                due.act.run(layer, now);
            }
        }
        let mut events: Vec<Vec<Event>> = self.houses.iter().map(|_| Vec::new()).collect();
        let mut moved = self.heaps.clone();
        for ((layer, notes), (house, board)) in self.layers.iter_mut().zip(&self.places) {
            layer.pass(now);
            if std::mem::take(&mut layer.moved) {
                moved.push(layer.instrument.symbol.to_lowercase());
            }
            for what in layer.told() {
                notes.on(&what);
                if let Some(events) = events.get_mut(*house) {
                    events.push(Event { at: now, board: *board, what });
                }
            }
            notes.pass(now, layer);
        }
        for (house, events) in self.houses.iter_mut().zip(events) {
            house.tell(events, now, &mut self.faults, &moved, each);
        }
        if !self.has_snapshots && now.since(self.start) >= SNAPSHOT_NANOS {
            self.has_snapshots = true;
            self.houses.iter().for_each(|house| house.snapshots(now, each));
        }
        if now.since(self.last_tick) >= TICK_NANOS {
            self.last_tick = now;
            each(&Input { at: now.plus(WAY_NANOS), link: NO_LINK, body: Body::Tick });
        }
        goes_on
    }

    /// Opens the connections and subscribes to what a live run subscribes to.
    fn open(&mut self, each: &mut dyn FnMut(&Input<'_>)) {
        self.opened = true;
        let (now, faults) = (self.now, &mut self.faults);
        let mut happenings = Vec::new();
        self.source.advance(now, &mut happenings);
        let mut events: Vec<Vec<Event>> = self.houses.iter().map(|_| Vec::new()).collect();
        for Happening { listing, what, .. } in happenings {
            let (Some((layer, _)), Some((house, board))) = (self.layers.get_mut(listing), self.places.get(listing))
            else {
                continue;
            };
            layer.below(what);
            if let Some(events) = events.get_mut(*house) {
                events.extend(layer.told().map(|what| Event { at: now, board: *board, what }));
            }
        }
        for (house, events) in self.houses.iter_mut().zip(events) {
            house.exchange.advance(events, now, faults);
            let url = match house.venue {
                Venue::Binance => "wss://stream.binance.com:9443/stream",
                Venue::BinanceUsdm => "wss://fstream.binance.com/stream",
                Venue::BinanceCoinm => "wss://dstream.binance.com/stream",
                Venue::Okx => "wss://ws.okx.com:8443/ws/v5/public",
            };
            let body = Body::Open { venue: house.venue, leg: Leg::A, url };
            each(&Input { at: now.plus(WAY_NANOS), link: house.link, body });
            house.subscribe(now, faults);
            house.drain(now, &[], each);
        }
    }
}

impl House {
    fn subscribe(&mut self, now: Nanos, faults: &mut Faults) {
        let symbols: Vec<String> = self.exchange.floor().boards.iter().map(|b| b.instrument.symbol.clone()).collect();
        for symbol in symbols {
            match &mut self.exchange {
                Exchange::Binance(exchange) => {
                    let derivative: &[&str] = &["markPrice@1s", "forceOrder"];
                    let more = if self.venue == Venue::Binance { &[] } else { derivative };
                    for stream in ["depth@100ms", "bookTicker", "trade"].iter().chain(more) {
                        exchange.subscribe(&format!("{}@{stream}", symbol.to_lowercase()), &self.client, now);
                    }
                }
                Exchange::Okx(exchange) => {
                    for channel in ["books", "trades"] {
                        let arg = Arg {
                            channel: channel.to_owned(),
                            inst_type: None,
                            inst_family: None,
                            inst_id: Some(symbol.clone()),
                        };
                        // The channels are known and the symbol is listed.
                        let _ = exchange.subscribe(&arg, &self.client, now, faults);
                    }
                }
            }
        }
    }

    fn tell(
        &mut self,
        events: Vec<Event>,
        now: Nanos,
        faults: &mut Faults,
        moved: &[String],
        each: &mut dyn FnMut(&Input<'_>),
    ) {
        // In parts, so that what waits for the connection never fills its queue.
        let mut rest = events.into_iter();
        loop {
            let part: Vec<Event> = rest.by_ref().take(PART_EVENTS).collect();
            self.exchange.advance(part, now, faults);
            self.drain(now, moved, each);
            if rest.len() == 0 {
                return;
            }
        }
    }

    /// Gives everything that was said to `each`. Of a market that was moved as a whole only the last best bid and ask count:
    /// those between are of a book that nobody ever saw.
    fn drain(&mut self, now: Nanos, moved: &[String], each: &mut dyn FnMut(&Input<'_>)) {
        let mut frames: Vec<bytes::Bytes> = Vec::new();
        while let Ok(out) = self.mailbox.queue.try_recv() {
            frames.push(frame::payload_of(&out.bytes));
        }
        for symbol in moved {
            let head = format!("{{\"stream\":\"{symbol}@bookTicker\"");
            let last = frames.iter().rposition(|f| f.starts_with(head.as_bytes()));
            let mut index = 0;
            frames.retain(|f| {
                index += 1;
                Some(index - 1) == last || !f.starts_with(head.as_bytes())
            });
        }
        for text in frames {
            each(&Input { at: now.plus(WAY_NANOS), link: self.link, body: Body::Text(&text) });
        }
    }

    /// Answers the request for a snapshot of every book.
    fn snapshots(&self, now: Nanos, each: &mut dyn FnMut(&Input<'_>)) {
        let root = match &self.exchange {
            Exchange::Binance(exchange) => exchange.product.rest_root(),
            Exchange::Okx(_) => return, // its books begin with a snapshot
        };
        let limit = if self.venue == Venue::Binance { SNAPSHOT_LEVELS } else { 1_000 };
        for board in &self.exchange.floor().boards {
            let digits = Digits::shortest(&board.instrument);
            let side = |side| {
                let words = |level: Level| [digits.price(level.price), digits.size(level.size)];
                board.book.top(side, limit).into_iter().map(words).collect::<Vec<_>>()
            };
            let millis = now.0.div_euclid(NANOS_PER_MILLI);
            let mut reply = serde_json::json!({
                "lastUpdateId": board.book.id, "bids": side(Side::Bid), "asks": side(Side::Ask)
            });
            if self.venue != Venue::Binance {
                reply["E"] = millis.into();
                reply["T"] = millis.into();
            }
            let request = format!("{root}/depth?symbol={}&limit={limit}", board.instrument.symbol);
            let body = reply.to_string();
            let (sent, body) = (now, body.as_bytes());
            let body = Body::Reply { sent, request: &request, status: 200, body };
            each(&Input { at: now.plus(WAY_NANOS), link: self.link, body });
        }
    }
}

/// What a recording tells of a market at one instant is one change: of each level what it came to, and those that go first,
/// since bids are told before asks and in between they would cross.
fn settle(happenings: &mut Vec<Happening>) {
    let key = |h: &Happening| (h.at, h.listing, matches!(h.what, What::Level(..)));
    let mut settled = Vec::with_capacity(happenings.len());
    for part in happenings.chunk_by(|a, b| key(a) == key(b)) {
        let mut last = BTreeMap::new();
        for happening in part {
            match happening.what {
                What::Level(side, level) => {
                    last.insert((level.size.0 > 0, side as u8, level.price.0), happening);
                    last.remove(&(level.size.0 == 0, side as u8, level.price.0));
                }
                _ => settled.push(happening.clone()),
            }
        }
        settled.extend(last.into_values().cloned());
    }
    *happenings = settled;
}
