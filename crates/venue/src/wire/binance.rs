//! Binance spot, USD-M and COIN-M: books, ids and streams. The three differ in numbering, in number formats and in which
//! fields a payload carries; `Product` tells them apart.

mod info;
pub(crate) mod limits;
mod payload;
pub(crate) mod rest;
mod stream;
pub(crate) mod talk;

use self::payload::{Aggregate, Forced, Who};
use self::stream::{Kind, Stream};
use super::Event;
use super::floor::{Floor, Poison};
use super::text::Digits;
use crate::fault::{self, Faults, Spot};
use crate::hub::{Client, End, Form, Route, Topic};
use crate::market::What;
use crate::publish::{Board, Book, Fill, RECENT_FILLS_MAX};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::units::{Level, NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Side};
use std::collections::VecDeque;
use std::sync::Arc;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Spot,
    Usdm,
    Coinm,
}

impl Product {
    /// Of that market.
    pub(crate) fn of(venue: Venue) -> Self {
        match venue {
            Venue::BinanceUsdm => Product::Usdm,
            Venue::BinanceCoinm => Product::Coinm,
            Venue::Binance | Venue::Okx => Product::Spot,
        }
    }

    /// First part of REST paths.
    pub(crate) fn rest_root(self) -> &'static str {
        match self {
            Product::Spot => "/api/v3",
            Product::Usdm => "/fapi/v1",
            Product::Coinm => "/dapi/v1",
        }
    }

    /// How numbers of a listing are written: spot always with 8 decimals, futures with those of tick and lot.
    fn digits(self, instrument: &Instrument) -> Digits {
        let places = |step: Option<fathometer_engine::units::Decimal>, scale| step.map_or(scale, |s| s.decimals);
        match self {
            Product::Spot => Digits::fixed(instrument, 8, 8),
            _ => Digits::fixed(
                instrument,
                places(instrument.tick, instrument.scale.price),
                places(instrument.lot, instrument.scale.size),
            ),
        }
    }
}

/// One Binance market.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) floor: Floor,
    pub(crate) product: Product,
    digits: Vec<Digits>,
    /// Streams of each board that somebody listens to.
    streams: Vec<Vec<Stream>>,
    /// All-market streams that somebody listens to.
    all: Vec<Stream>,
    /// Futures: the id counter that all symbols share.
    counter: u64,
    /// Fills of the taker order under way, not yet told as an aggregate; per board.
    aggregates: Vec<Option<Aggregate>>,
    /// Aggregates already told, oldest first; per board.
    told: Vec<VecDeque<Aggregate>>,
    /// Largest forced order since the last one told; per board.
    forced: Vec<Option<Forced>>,
}

/// Ids that unlisted symbols use of the futures counter between two messages, so that the ids of a stream have holes.
const IDS_OF_OTHERS: u64 = 3;
/// Forced orders are told at most once in that time per symbol, and only the largest.
const FORCED_EVERY: i64 = NANOS_PER_SECOND;

impl Exchange {
    /// Empty books.
    pub(crate) fn new(venue: Venue, listings: Vec<Instrument>, now: Nanos) -> Self {
        let product = Product::of(venue);
        let millis = u64::try_from(now.0 / NANOS_PER_MILLI).unwrap_or(0);
        // Of the size real ids have, and larger after each restart.
        let id = if product == Product::Spot { millis / 20 } else { millis * 5 };
        let digits = listings.iter().map(|i| product.digits(i)).collect();
        let count = listings.len();
        Exchange {
            floor: Floor::new(venue, listings, id),
            product,
            digits,
            streams: (0..count).map(|_| Vec::new()).collect(),
            all: Vec::new(),
            counter: id,
            aggregates: vec![None; count],
            told: vec![VecDeque::new(); count],
            forced: vec![None; count],
        }
    }

    fn who(&self, board: usize) -> Option<(Who<'_>, &Board)> {
        let b = self.floor.boards.get(board)?;
        Some((Who { product: self.product, symbol: &b.instrument.symbol, digits: *self.digits.get(board)? }, b))
    }

    /// Adds a subscriber to a stream; a name that is no stream is taken without a word.
    pub(crate) fn subscribe(&mut self, name: &str, client: &Arc<Client>, now: Nanos) {
        let Some((symbol, kind)) = stream::parse(name, self.product) else { return };
        // Only USD-M is split by path; what belongs on another path is acknowledged and stays silent.
        let is_elsewhere = match client.route {
            Route::Unrouted => false,
            Route::Public => kind.is_market(),
            Route::Market => !kind.is_market(),
            Route::Private => true,
        };
        if self.product == Product::Usdm && is_elsewhere {
            return;
        }
        let board = symbol.as_ref().map(|s| self.floor.find(s));
        let (streams, position, id) = match board {
            None => (&mut self.all, 0, 0),
            Some(None) => return,
            Some(Some(i)) => {
                let (Some(streams), Some(b)) = (self.streams.get_mut(i), self.floor.boards.get(i)) else { return };
                (streams, b.position(), b.book.id)
            }
        };
        if let Some(stream) = streams.iter_mut().find(|s| s.topic.name == name) {
            stream.topic.join(client);
            return;
        }
        if self.product != Product::Spot {
            // Other symbols used ids of the same counter since: no stream starts exactly where the book stands.
            self.counter += IDS_OF_OTHERS;
        }
        let mut topic = Topic::new(name.to_owned(), symbol, matches!(kind, Kind::Depth { .. }), kind.is_market());
        topic.join(client);
        let due = kind.every().map_or(Nanos(i64::MAX), |every| next_due(now, every));
        streams.push(Stream { topic, kind, due, position, last_id: id, poison: Poison::default() });
    }

    /// Removes a subscriber from a stream.
    pub(crate) fn unsubscribe(&mut self, name: &str, client: u64) {
        for streams in self.streams.iter_mut().chain(std::iter::once(&mut self.all)) {
            streams.retain_mut(|s| s.topic.name != name || !s.topic.leave(client) || !s.topic.clients.is_empty());
        }
    }

    /// Forgets a connection.
    pub(crate) fn leave(&mut self, client: u64) {
        self.floor.leave(client);
        for streams in self.streams.iter_mut().chain(std::iter::once(&mut self.all)) {
            streams.retain_mut(|s| !s.topic.leave(client) || !s.topic.clients.is_empty());
        }
    }

    /// Takes in what happened and publishes what is due.
    pub(crate) fn advance(&mut self, events: Vec<Event>, now: Nanos, faults: &mut Faults) {
        for (board, entry) in self.floor.crossings(now, faults) {
            self.set(board, now, entry.side, entry.level, now, faults);
        }
        for Event { at, board, what } in events {
            self.take(board, at, what, now, faults);
        }
        for board in 0..self.floor.boards.len() {
            self.tell_aggregate(board, now, faults);
            self.tell_forced(board, now, faults);
            self.tell_due(board, now, faults);
        }
        self.tell_all_market(now, faults);
        self.misbehave(now, faults);
    }

    fn take(&mut self, board: usize, at: Nanos, what: What, now: Nanos, faults: &mut Faults) {
        let Some(b) = self.floor.boards.get_mut(board) else { return };
        match what {
            What::Level(side, level) => self.set(board, at, side, level, now, faults),
            What::Book { bids, asks } => {
                for entry in b.replacing(&bids, &asks) {
                    self.set(board, at, entry.side, entry.level, now, faults);
                }
            }
            What::Trade { price, size, taker_buy, taker_order } => {
                let fill = b.fill(at, price, size, taker_buy);
                self.tell(board, Kind::Trade, now, faults, &|who, micros| payload::trade(who, now, &fill, micros));
                let same = |a: &Aggregate| a.taker_order == taker_order && a.fill.price == price;
                if let Some(Some(a)) = self.aggregates.get_mut(board)
                    && same(a)
                {
                    a.fill.size.0 += size.0;
                    a.last = fill.id;
                    return;
                }
                self.tell_aggregate(board, now, faults);
                if let (Some(slot), Some(b)) = (self.aggregates.get_mut(board), self.floor.boards.get_mut(board)) {
                    b.agg_id += 1;
                    let fill = Fill { id: b.agg_id, ..fill };
                    *slot = Some(Aggregate { fill, first: b.trade_id, last: b.trade_id, taker_order });
                }
            }
            What::Mark(mark) => b.mark = Some(mark),
            What::Index(index) => b.index = Some(index),
            What::Funding { rate, next } => b.funding = Some((rate, next)),
            What::OpenInterest(amount) => b.open_interest = Some(amount),
            What::Liquidation { price, size, buy } => {
                let forced = Forced { at, price, size, buy };
                if let Some(slot) = self.forced.get_mut(board)
                    && slot.is_none_or(|largest| largest.size < size)
                {
                    *slot = Some(forced);
                }
            }
        }
    }

    fn set(&mut self, board: usize, at: Nanos, side: Side, level: Level, now: Nanos, faults: &mut Faults) {
        let Some(b) = self.floor.boards.get_mut(board) else { return };
        let id = match self.product {
            Product::Spot => b.book.id + 1,
            _ => self.counter + 1,
        };
        let before = b.book.best(side);
        if !b.set(at, side, level, id) {
            return;
        }
        self.counter = self.counter.max(id);
        if before != b.book.best(side) {
            let best = (b.book.best(Side::Bid), b.book.best(Side::Ask));
            let tell = |who: &Who<'_>, micros| payload::book_ticker(who, id, now, at, best, micros);
            self.tell(board, Kind::BookTicker, now, faults, &tell);
        }
    }

    /// Publishes to the streams of one kind of one board.
    fn tell(
        &mut self,
        board: usize,
        kind: Kind,
        now: Nanos,
        faults: &mut Faults,
        make: &dyn Fn(&Who<'_>, bool) -> String,
    ) {
        let (Some(b), Some(digits), Some(streams)) =
            (self.floor.boards.get(board), self.digits.get(board), self.streams.get_mut(board))
        else {
            return;
        };
        let who = Who { product: self.product, symbol: &b.instrument.symbol, digits: *digits };
        for stream in streams.iter_mut().filter(|s| s.kind == kind) {
            let make = |name: &str, form: Form| wrap(name, form, make(&who, form.micros));
            stream.topic.deliver(self.floor.venue, now, faults, &make);
        }
    }

    fn tell_aggregate(&mut self, board: usize, now: Nanos, faults: &mut Faults) {
        if let Some(a) = self.aggregates.get_mut(board).and_then(Option::take) {
            if let Some(told) = self.told.get_mut(board) {
                if told.len() == RECENT_FILLS_MAX {
                    told.pop_front();
                }
                told.push_back(a);
            }
            let tell = |who: &Who<'_>, micros| payload::agg_trade(who, now, &a, micros);
            self.tell(board, Kind::AggTrade, now, faults, &tell);
        }
    }

    fn tell_forced(&mut self, board: usize, now: Nanos, faults: &mut Faults) {
        let is_over = |f: &mut Forced| now.0.div_euclid(FORCED_EVERY) > f.at.0.div_euclid(FORCED_EVERY);
        let Some(forced) = self.forced.get_mut(board).and_then(|f| f.take_if(is_over)) else { return };
        let tell = |who: &Who<'_>, micros| payload::force_order(who, now, &forced, micros);
        self.tell(board, Kind::ForceOrder, now, faults, &tell);
        let Some((who, _)) = self.who(board) else { return };
        let text = [payload::force_order(&who, now, &forced, false), payload::force_order(&who, now, &forced, true)];
        for stream in self.all.iter_mut().filter(|s| s.kind == Kind::ForceOrder) {
            let make = |name: &str, form: Form| wrap(name, form, text[usize::from(form.micros)].clone());
            stream.topic.deliver(self.floor.venue, now, faults, &make);
        }
    }

    /// The streams of one board that speak at fixed times.
    fn tell_due(&mut self, board: usize, now: Nanos, faults: &mut Faults) {
        let (Some(b), Some(digits), Some(streams)) =
            (self.floor.boards.get(board), self.digits.get(board), self.streams.get_mut(board))
        else {
            return;
        };
        let (product, venue) = (self.product, self.floor.venue);
        let who = Who { product, symbol: &b.instrument.symbol, digits: *digits };
        for stream in streams.iter_mut().filter(|s| s.due <= now) {
            if let Some(every) = stream.kind.every() {
                stream.due = next_due(now, every);
            }
            let changed = stream.position != b.position();
            let send = |topic: &mut Topic, faults: &mut Faults, text: &dyn Fn(bool) -> String| {
                topic.deliver(venue, now, faults, &|name, form| wrap(name, form, text(form.micros)));
            };
            match stream.kind {
                Kind::Depth { .. } if changed => {
                    let mut entries = b.diff(stream.position);
                    stream.poison.taint(&mut entries, b, stream.topic.spot(venue), now, faults);
                    let ids = stream.next_ids(b);
                    if product != Product::Spot {
                        self.counter += IDS_OF_OTHERS;
                    }
                    send(&mut stream.topic, faults, &|micros| payload::depth(&who, now, b, ids, &entries, micros));
                }
                Kind::Partial { levels, .. } if changed => {
                    let ids = stream.next_ids(b);
                    send(&mut stream.topic, faults, &|micros| payload::partial(&who, now, b, ids, levels, micros));
                }
                Kind::Ticker if b.stats.count > 0 => {
                    send(&mut stream.topic, faults, &|micros| payload::ticker(&who, now, b, micros));
                }
                Kind::MiniTicker if b.stats.count > 0 => {
                    send(&mut stream.topic, faults, &|micros| payload::mini_ticker(&who, now, b, micros));
                }
                Kind::MarkPrice { .. } if b.mark.is_some() => {
                    send(&mut stream.topic, faults, &|micros| payload::mark_price(&who, now, b, micros));
                }
                _ => {}
            }
        }
    }

    /// The all-market streams that speak at fixed times.
    fn tell_all_market(&mut self, now: Nanos, faults: &mut Faults) {
        if self.all.iter().all(|s| s.due > now) {
            return;
        }
        let product = self.product;
        let boards: Vec<(Who<'_>, &Board)> = self
            .floor
            .boards
            .iter()
            .zip(&self.digits)
            .map(|(b, digits)| (Who { product, symbol: &b.instrument.symbol, digits: *digits }, b))
            .collect();
        for stream in self.all.iter_mut().filter(|s| s.due <= now) {
            if let Some(every) = stream.kind.every() {
                stream.due = next_due(now, every);
            }
            let one = |(who, b): &(Who<'_>, &Board), micros| match stream.kind {
                Kind::MarkPrice { .. } => b.mark.map(|_| payload::mark_price(who, now, b, micros)),
                Kind::MiniTicker => (b.stats.count > 0).then(|| payload::mini_ticker(who, now, b, micros)),
                Kind::Ticker => (b.stats.count > 0).then(|| payload::ticker(who, now, b, micros)),
                Kind::BookTicker => {
                    let best = (b.book.best(Side::Bid), b.book.best(Side::Ask));
                    Some(payload::book_ticker(who, b.book.id, now, b.changed_at, best, micros))
                }
                _ => None,
            };
            let venue = self.floor.venue;
            if stream.kind == Kind::BookTicker {
                // The only one of them that is not an array.
                for board in &boards {
                    let make = |name: &str, form: Form| wrap(name, form, one(board, form.micros).unwrap_or_default());
                    stream.topic.deliver(venue, now, faults, &make);
                }
                continue;
            }
            let all = |micros| boards.iter().filter_map(|b| one(b, micros)).collect::<Vec<_>>();
            if !all(false).is_empty() {
                let make = |name: &str, form: Form| wrap(name, form, format!("[{}]", all(form.micros).join(",")));
                stream.topic.deliver(venue, now, faults, &make);
            }
        }
    }

    /// The book that REST shows of a board, and its id: the true one, unless a fault wants an older one.
    fn snapshot(&self, board: usize, now: Nanos, faults: &mut Faults) -> Option<Book> {
        let b = self.floor.boards.get(board)?;
        let symbol = Some(b.instrument.symbol.as_str());
        let spot = Spot { venue: self.floor.venue, symbol, target: "depth snapshot", is_diff: true };
        if let Some(fault) = faults.strike(&[fault::Kind::LateSnapshot], spot, now) {
            let age = i64::try_from(fault.lag_ms()).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_MILLI);
            return b.at_position(b.position_before(now, age));
        }
        // Futures: as of the last message of the stream that spoke last, with an id that no message covers.
        let diffs = self.streams.get(board)?.iter().filter(|s| s.topic.is_diff && self.product != Product::Spot);
        if let Some(stream) = diffs.max_by_key(|s| s.position)
            && faults.strike(&[fault::Kind::PuHole], spot, now).is_some()
        {
            return b.at_position(stream.position).map(|book| Book { id: stream.last_id + 1, ..book });
        }
        Some(b.book.clone())
    }

    /// Faults that fall on connections rather than on messages.
    fn misbehave(&mut self, now: Nanos, faults: &mut Faults) {
        let streams = &self.streams;
        self.floor.cut(now, faults, |client, symbol| {
            let mut topics = streams.iter().flatten().map(|s| &s.topic);
            topics.any(|t| {
                t.symbol.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(symbol))
                    && t.clients.iter().any(|c| c.id == client)
            })
        });
        let end = End::Close(1001, "server shutdown");
        self.floor.warn(fault::Kind::ServerShutdown, end, now, faults, |client| payload::shutdown(now, client.form()));
    }
}

/// The next multiple of `every` after `now`.
fn next_due(now: Nanos, every: i64) -> Nanos {
    if every == 0 { now } else { Nanos((now.0.div_euclid(every) + 1) * every) }
}

fn wrap(name: &str, form: Form, payload: String) -> String {
    if form.combined { format!("{{\"stream\":\"{name}\",\"data\":{payload}}}") } else { payload }
}

/// The ids of one depth message.
#[derive(Clone, Copy, Debug)]
struct DiffIds {
    first: u64,
    last: u64,
    previous: u64,
}

impl Stream {
    /// Ids of what changed since this stream spoke last; it has then spoken.
    fn next_ids(&mut self, board: &Board) -> DiffIds {
        let first = board.since(self.position).next().map_or(board.book.id, |c| c.id);
        let ids = DiffIds { first, last: board.book.id, previous: self.last_id };
        self.position = board.position();
        self.last_id = board.book.id;
        ids
    }
}
