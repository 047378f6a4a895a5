//! OKX v5: books with their sequence ids, and the channels of the public and business paths.

mod channel;
mod info;
mod payload;
pub(crate) mod rest;
pub(crate) mod talk;

pub(crate) use self::channel::Arg;
use self::channel::{Channel, Kind};
use self::payload::{Taken, View};
use super::Event;
use super::floor::{Floor, Poison};
use super::text::Digits;
use crate::fault::{self, Faults, Spot};
use crate::hub::{Client, End, Topic};
use crate::market::What;
use crate::publish::{Board, Fill};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::units::{Level, NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Price, Side, Size};
use std::sync::Arc;

/// Silence after which a book channel says that nothing changed.
const KEEP_ALIVE: i64 = 60 * NANOS_PER_SECOND;

/// The OKX market.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) floor: Floor,
    digits: Vec<Digits>,
    /// Channels that somebody listens to, in the order of pushes.
    channels: Vec<Channel>,
    /// Fills of the taker order under way, not yet told; per board.
    taken: Vec<Option<Taken>>,
    allow_tbt: bool,
}

impl Exchange {
    /// Empty books.
    pub(crate) fn new(listings: Vec<Instrument>, now: Nanos, allow_tbt: bool) -> Self {
        // Of the size real ids have, and larger after each restart.
        let id = u64::try_from(now.0 / NANOS_PER_MILLI / 100).unwrap_or(0);
        let digits = listings.iter().map(Digits::shortest).collect();
        let taken = vec![None; listings.len()];
        Exchange { floor: Floor::new(Venue::Okx, listings, id), digits, channels: Vec::new(), taken, allow_tbt }
    }

    fn board(&self, symbol: &str) -> Option<(&Board, Digits)> {
        let index = self.floor.find(symbol)?;
        Some((self.floor.boards.get(index)?, *self.digits.get(index)?))
    }

    /// Adds a subscriber, and tells it what stands now. The code where it cannot be.
    pub(crate) fn subscribe(
        &mut self,
        arg: &Arg,
        client: &Arc<Client>,
        now: Nanos,
        faults: &mut Faults,
    ) -> Result<(), &'static str> {
        let kind = self.check(arg, client)?;
        if let Some(channel) = self.channels.iter_mut().find(|c| c.arg == *arg) {
            if !channel.topic.join(client) {
                return Ok(());
            }
        } else {
            let board = arg.inst_id.as_deref().filter(|_| kind != Kind::IndexTickers).and_then(|s| self.floor.find(s));
            let symbol = arg.inst_id.clone();
            let is_diff = matches!(kind, Kind::Books { .. });
            let topic = Topic::new(arg.label(), symbol, is_diff, false);
            let mut channel = Channel::new(topic, arg.clone(), kind, board, next_due(now, kind.every()));
            channel.topic.join(client);
            self.refresh(&mut channel, now);
            let rank = channel.kind.rank();
            let place = self.channels.partition_point(|c| c.kind.rank() <= rank);
            self.channels.insert(place, channel);
        }
        if let Some(channel) = self.channels.iter().find(|c| c.arg == *arg)
            && let Some(text) = self.standing(channel, now, faults)
        {
            client.say(&text);
        }
        Ok(())
    }

    fn check(&self, arg: &Arg, client: &Client) -> Result<Kind, &'static str> {
        let kind = arg.kind().ok_or("60018")?;
        if kind.wants_inst_id() {
            let id = arg.inst_id.as_deref().ok_or("60018")?;
            let listed = match kind {
                Kind::IndexTickers => self.floor.boards.iter().any(|b| info::family(&b.instrument) == id),
                _ => self.floor.find(id).is_some(),
            };
            listed.then_some(()).ok_or("60018")?;
        } else if kind.wants_inst_type() {
            arg.inst_type.as_deref().filter(|t| info::INST_TYPES.contains(t)).ok_or("60018")?;
        }
        if kind.is_tbt() {
            self.allow_tbt.then_some(()).ok_or("64003")?;
        }
        // The full book tick by tick excludes the other incremental books of the same instrument.
        let clashes = |other: &Channel| {
            other.arg.inst_id == arg.inst_id
                && other.topic.clients.iter().any(|c| c.id == client.id)
                && matches!(kind, Kind::Books { .. })
                && matches!(other.kind, Kind::Books { .. })
                && other.arg != *arg
                && (arg.channel == "books-l2-tbt" || other.arg.channel == "books-l2-tbt")
        };
        if self.channels.iter().any(clashes) { Err("64004") } else { Ok(kind) }
    }

    /// Removes a subscriber.
    pub(crate) fn unsubscribe(&mut self, arg: &Arg, client: u64) {
        self.channels.retain_mut(|c| c.arg != *arg || !c.topic.leave(client) || !c.topic.clients.is_empty());
    }

    /// Forgets a connection.
    pub(crate) fn leave(&mut self, client: u64) {
        self.floor.leave(client);
        self.channels.retain_mut(|c| !c.topic.leave(client) || !c.topic.clients.is_empty());
    }

    /// Takes in what happened and publishes what is due.
    pub(crate) fn advance(&mut self, events: Vec<Event>, now: Nanos, faults: &mut Faults) {
        for (board, entry) in self.floor.crossings(now, faults) {
            self.set(board, now, entry.side, entry.level);
        }
        for Event { at, board, what } in events {
            self.take(board, at, what, now, faults);
        }
        for board in 0..self.taken.len() {
            self.tell_taken(board, now, faults);
        }
        if !faults.is_idle() {
            self.reset_ids(now, faults);
        }
        let mut channels = std::mem::take(&mut self.channels);
        for channel in channels.iter_mut().filter(|c| c.kind.every().is_some()) {
            if channel.due <= now || !faults.is_idle() {
                self.tell_due(channel, now, faults);
            }
        }
        self.channels = channels;
        self.misbehave(now, faults);
    }

    fn take(&mut self, board: usize, at: Nanos, what: What, now: Nanos, faults: &mut Faults) {
        let Some(b) = self.floor.boards.get_mut(board) else { return };
        match what {
            What::Level(side, level) => self.set(board, at, side, level),
            What::Book { bids, asks } => {
                for entry in b.replacing(&bids, &asks) {
                    self.set(board, at, entry.side, entry.level);
                }
            }
            What::Trade { price, size, taker_buy, taker_order } => {
                let fill = b.fill(at, price, size, taker_buy);
                let symbol = b.instrument.symbol.clone();
                let digits = self.digits.get(board).copied();
                self.tell(board, Kind::TradesAll, now, faults, &|| {
                    digits.map(|d| payload::trade_all(&symbol, &fill, &d)).unwrap_or_default()
                });
                if let Some(Some(t)) = self.taken.get_mut(board)
                    && t.taker_order == taker_order
                    && t.fill.price == price
                {
                    let size = Size(t.fill.size.0 + size.0);
                    t.fill = Fill { size, ..fill };
                    t.count += 1;
                    return;
                }
                self.tell_taken(board, now, faults);
                if let (Some(slot), Some(b)) = (self.taken.get_mut(board), self.floor.boards.get(board)) {
                    *slot = Some(Taken { fill, count: 1, taker_order, seq: b.book.id });
                }
            }
            What::Mark(mark) => b.mark = Some(mark),
            What::Index(index) => b.index = Some(index),
            What::Funding { rate, next } => b.funding = Some((rate, next)),
            What::OpenInterest(amount) => b.open_interest = Some(amount),
            What::Liquidation { price, size, buy } => {
                let fill = Fill { id: 0, at, price, size, taker_buy: buy };
                let (Some(b), Some(digits)) = (self.floor.boards.get(board), self.digits.get(board)) else { return };
                let text = payload::liquidation(&b.instrument, &fill, digits);
                let inst_type = info::inst_type(&b.instrument);
                let of_type =
                    |c: &&mut Channel| c.kind == Kind::Liquidations && c.arg.inst_type.as_deref() == Some(inst_type);
                for channel in self.channels.iter_mut().filter(of_type) {
                    let arg = channel.arg.text();
                    channel.topic.deliver(Venue::Okx, now, faults, &|_, _| payload::push(&arg, &text));
                }
            }
        }
    }

    fn set(&mut self, board: usize, at: Nanos, side: Side, level: Level) {
        let Some(b) = self.floor.boards.get_mut(board) else { return };
        // Ids grow by more than one, as they count what is not shown too.
        let id = b.book.id + 1 + level.price.0.unsigned_abs() % 3;
        b.set(at, side, level, id);
    }

    fn tell(&mut self, board: usize, kind: Kind, now: Nanos, faults: &mut Faults, make: &dyn Fn() -> String) {
        for channel in self.channels.iter_mut().filter(|c| c.kind == kind && c.board == Some(board)) {
            let arg = channel.arg.text();
            channel.topic.deliver(Venue::Okx, now, faults, &|_, _| payload::push(&arg, &make()));
        }
    }

    fn tell_taken(&mut self, board: usize, now: Nanos, faults: &mut Faults) {
        let Some(taken) = self.taken.get_mut(board).and_then(Option::take) else { return };
        let (Some(b), Some(digits)) = (self.floor.boards.get(board), self.digits.get(board).copied()) else { return };
        let symbol = b.instrument.symbol.clone();
        self.tell(board, Kind::Trades, now, faults, &|| payload::trade(&symbol, &taken, &digits));
    }

    /// Brings what a channel holds to what stands now, without telling.
    fn refresh(&self, channel: &mut Channel, now: Nanos) {
        channel.last_push = now;
        if let (Kind::Books { levels, .. }, Some(b)) =
            (channel.kind, channel.board.and_then(|i| self.floor.boards.get(i)))
        {
            channel.view = View::of(&b.book, levels);
            channel.position = b.position();
            channel.last_seq = b.book.id;
        } else {
            channel.last_body = self.body(channel).unwrap_or_default();
        }
    }

    /// The message that a new subscriber gets first.
    fn standing(&self, channel: &Channel, now: Nanos, faults: &mut Faults) -> Option<String> {
        let arg = channel.arg.text();
        if let Kind::Books { .. } = channel.kind {
            let digits = channel.board.and_then(|i| self.digits.get(i))?;
            let checksum = self.checksum(channel, digits, now, faults);
            let entries = channel.view.entries();
            let ids = payload::Ids { previous: -1, seq: channel.last_seq };
            return Some(payload::book(&arg, "snapshot", &entries, ids, checksum, now, digits));
        }
        let wanted = channel.kind.every().is_some() && !channel.last_body.is_empty();
        wanted.then(|| payload::body(&arg, channel.kind, &channel.last_body, now))
    }

    fn checksum(&self, channel: &Channel, digits: &Digits, now: Nanos, faults: &mut Faults) -> i32 {
        let on =
            !faults.is_idle() && faults.strike(&[fault::Kind::OkxCrc], channel.topic.spot(Venue::Okx), now).is_some();
        if on { channel.view.checksum(digits) } else { 0 }
    }

    /// What a channel of full pushes has to say now, without its time; `None` where there is nothing yet.
    fn body(&self, channel: &Channel) -> Option<String> {
        if channel.kind == Kind::Instruments {
            return info::instruments(self, channel.arg.inst_type.as_deref()?, None);
        }
        if channel.kind == Kind::IndexTickers {
            let id = channel.arg.inst_id.as_deref()?;
            return payload::index_body(id, &self.floor.boards);
        }
        let (b, digits) = self.board(channel.arg.inst_id.as_deref()?)?;
        payload::full_body(channel.kind, b, &digits)
    }

    fn tell_due(&self, channel: &mut Channel, now: Nanos, faults: &mut Faults) {
        let keep_alive = !faults.is_idle()
            && faults.strike(&[fault::Kind::KeepAlive], channel.topic.spot(Venue::Okx), now).is_some();
        if channel.due > now && !keep_alive {
            return;
        }
        channel.due = next_due(now, channel.kind.every());
        let quiet = now.since(channel.last_push);
        let arg = channel.arg.text();
        if let Kind::Books { levels, .. } = channel.kind {
            let Some(index) = channel.board else { return };
            let (Some(b), Some(digits)) = (self.floor.boards.get(index), self.digits.get(index)) else { return };
            let mut ids = payload::Ids { previous: channel.last_seq.cast_signed(), seq: channel.last_seq };
            let mut entries = Vec::new();
            if channel.position != b.position() {
                let view = View::of(&b.book, levels);
                entries = channel.view.changes_to(&view);
                channel.view = view;
                channel.position = b.position();
                if !entries.is_empty() {
                    ids.seq = b.book.id;
                    channel.last_seq = b.book.id;
                    channel.poison.taint(&mut entries, b, channel.topic.spot(Venue::Okx), now, faults);
                }
            }
            if ids.seq.cast_signed() == ids.previous && quiet < KEEP_ALIVE && !keep_alive {
                return;
            }
            channel.last_push = now;
            let checksum = self.checksum(channel, digits, now, faults);
            let text = payload::book(&arg, "update", &entries, ids, checksum, now, digits);
            channel.topic.deliver(Venue::Okx, now, faults, &|_, _| text.clone());
            return;
        }
        let Some(body) = self.body(channel) else { return };
        if body == channel.last_body && quiet < channel.kind.silence_max() && !keep_alive {
            return;
        }
        channel.last_push = now;
        let text = payload::body(&arg, channel.kind, &body, now);
        channel.last_body = body;
        channel.topic.deliver(Venue::Okx, now, faults, &|_, _| text.clone());
    }

    fn reset_ids(&mut self, now: Nanos, faults: &mut Faults) {
        for (index, board) in self.floor.boards.iter_mut().enumerate() {
            let listened = self.channels.iter().any(|c| c.board == Some(index) && c.topic.is_diff);
            let symbol = board.instrument.symbol.as_str();
            let spot = Spot { venue: Venue::Okx, symbol: Some(symbol), target: symbol, is_diff: true };
            if listened && faults.strike(&[fault::Kind::SeqReset], spot, now).is_some() {
                board.reset_id(board.book.id / 2);
            }
        }
    }

    /// Faults that fall on connections rather than on messages.
    fn misbehave(&mut self, now: Nanos, faults: &mut Faults) {
        let channels = &self.channels;
        self.floor.cut(now, faults, |client, symbol| {
            channels.iter().any(|c| {
                c.topic.symbol.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(symbol))
                    && c.topic.clients.iter().any(|c| c.id == client)
            })
        });
        let end = End::Close(4006, "The connection is closed for a service upgrade");
        self.floor.warn(fault::Kind::OkxNotice, end, now, faults, |client| talk::notice(client.id));
    }
}

/// The next multiple of `every` after `now`.
fn next_due(now: Nanos, every: Option<i64>) -> Nanos {
    every.map_or(Nanos(i64::MAX), |every| Nanos((now.0.div_euclid(every) + 1) * every))
}
