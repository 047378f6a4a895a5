//! What the hub knows of one instrument.

use super::history::{History, Layout};
use super::limits::Limits;
use super::profile::Profile;
use super::relief::{Head, Relief, Reliefs};
use crate::view::{TradeLine, push};
use fathometer_engine::book::{Book, Total};
use fathometer_engine::engine::Engine;
use fathometer_engine::event::Trade;
use fathometer_engine::instrument::{Instrument, InstrumentId};
use fathometer_engine::metric::{OneKind, Value};
use fathometer_engine::output::{Status, Validity};
use fathometer_engine::surveillance::Board;
use fathometer_engine::units::{Level, Nanos, POW10, Price, Side};
use std::collections::VecDeque;
use std::sync::Arc;

/// One instrument.
#[derive(Debug)]
pub struct Slot {
    /// `venue:symbol`.
    pub id: String,
    /// What is known of it.
    pub info: Instrument,
    /// Trading state as the venue writes it.
    pub state: Option<String>,
    /// The hub's generation when this last changed.
    pub generation: u64,
    /// The hub's count when something was last said of it.
    pub version: u64,
    /// State and counters of its book.
    pub status: Option<Status>,
    /// Receive time of the latest event.
    pub last_at: Nanos,
    /// When the values were sampled.
    pub sampled_at: Nanos,
    /// The latest values.
    pub values: Vec<Value>,
    /// The book, as far as somebody reads it.
    pub book: Shown,
    /// Latest trades, newest last: of one kind where a market tells both its trades and their aggregates.
    pub trades: VecDeque<TradeLine>,
    /// Trades since the start.
    pub trades_seen: u64,
    /// The latest column of the heatmap.
    pub relief: Option<Relief>,
    /// Values of each second.
    pub fine: History,
    /// Values of every ten seconds.
    pub coarse: History,
    /// Columns of the heatmap of each second.
    pub reliefs: Reliefs,
    /// Volume at price.
    pub profile: Profile,
    /// How the watch over it stands.
    pub board: Option<Board>,
    kind: OneKind,
}

/// The part of a book that somebody reads.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Levels a side that are wanted; 0: nobody reads it.
    wanted: usize,
    /// Levels a side of the copy; 0: there is none.
    copied: usize,
    /// Whether it is to be copied already.
    queued: bool,
    /// Receive time of the latest change.
    pub changed_at: Nanos,
    /// Receive time of the newest change in the copy.
    pub at: Nanos,
    /// Last update id in the copy; -1 before the first.
    pub last_update_id: i64,
    /// Best first, as far as the book is known.
    pub bids: Vec<Level>,
    /// Best first, as far as the book is known.
    pub asks: Vec<Level>,
    /// Whole sides, size units: bids, asks.
    pub totals: [i128; 2],
    /// Levels of the whole sides.
    pub counts: [usize; 2],
}

impl Slot {
    pub(super) fn new(info: &Instrument, layout: Arc<Layout>) -> Self {
        Slot {
            id: info.id(),
            info: info.clone(),
            state: None,
            generation: 0,
            version: 0,
            status: None,
            last_at: Nanos(0),
            sampled_at: Nanos(0),
            values: Vec::new(),
            book: Shown { last_update_id: -1, ..Shown::default() },
            trades: VecDeque::new(),
            trades_seen: 0,
            relief: None,
            fine: History::new(layout.clone(), 1),
            coarse: History::new(layout, 10),
            reliefs: Reliefs::default(),
            profile: Profile::default(),
            board: None,
            kind: OneKind::default(),
        }
    }

    /// Whether the book may be believed, and if not, why.
    pub fn validity(&self) -> Validity {
        self.status.as_ref().map_or(Validity::Empty, |status| status.validity)
    }

    /// Whether the book's copy is one of so many levels a side; a book that may not be believed needs none.
    pub fn is_copied(&self, levels: usize) -> bool {
        self.book.copied >= levels || self.validity() != Validity::Live
    }

    /// Memory that history and trades take, bytes.
    pub fn bytes(&self) -> usize {
        let trades = self.trades.capacity() * std::mem::size_of::<TradeLine>();
        self.fine.bytes() + self.coarse.bytes() + self.reliefs.bytes() + self.profile.bytes() + trades
    }

    pub(super) fn sample(&mut self, at: Nanos, values: &[Value], limits: &Limits) {
        self.sampled_at = at;
        self.values.clear();
        self.values.extend_from_slice(values);
        self.fine.push(at, values, limits.fine);
        self.coarse.push(at, values, limits.coarse);
    }

    pub(super) fn trade(&mut self, at: Nanos, trade: &Trade, limits: &Limits) {
        if !self.kind.counts(at, trade) {
            return;
        }
        let line = TradeLine { at, price: trade.price, size: trade.size, taker_buy: trade.taker_buy };
        while self.trades.len() > limits.trades {
            self.trades.pop_front(); // there are more instruments than there were
        }
        push(&mut self.trades, line, limits.trades);
        self.trades_seen += 1;
        self.profile.add(at, line.price.0, line.size.0, line.taker_buy, limits.profile);
    }

    pub(super) fn relief(&mut self, head: Head, rows: &[Level], limits: &Limits) {
        if self.profile.begin(head.width) {
            for trade in &self.trades {
                self.profile.add(trade.at, trade.price.0, trade.size.0, trade.taker_buy, limits.profile);
            }
        }
        self.reliefs.push(head, rows, limits.relief);
        let latest = self.relief.get_or_insert_with(|| Relief { head, sizes: Vec::with_capacity(rows.len()) });
        latest.head = head;
        latest.sizes.clear();
        latest.sizes.extend(rows.iter().map(|row| row.size.0));
    }

    /// Takes over what is known now; what is kept in units follows where they became finer.
    pub(super) fn learn(&mut self, info: &Instrument) {
        let (from, to) = (self.info.scale, info.scale);
        if from != to {
            let factor = |from: u8, to: u8| POW10.get(usize::from(to.wrapping_sub(from))).copied();
            match factor(from.price, to.price).zip(factor(from.size, to.size)) {
                Some((price, size)) => self.rescale(price, size),
                None => self.rescale(0, 0), // coarser units do not happen; nothing would be kept exactly
            }
        }
        self.info = info.clone();
    }

    fn rescale(&mut self, price: i64, size: i64) {
        self.book.copied = 0; // until the next change
        self.book.bids.clear();
        self.book.asks.clear();
        self.relief = None;
        let finer = |trade: &TradeLine| {
            let (price, size) = (trade.price.0.checked_mul(price)?, trade.size.0.checked_mul(size)?);
            Some(TradeLine { price: Price(price), size: fathometer_engine::units::Size(size), ..*trade })
        };
        self.trades = self.trades.iter().filter(|_| price > 0).filter_map(finer).collect();
        if price > 0 {
            self.reliefs.rescale(price, size);
            self.profile.rescale(price, size);
        } else {
            self.reliefs = Reliefs::default();
            self.profile = Profile::default();
        }
    }

    /// Copies what is wanted of the engine's own book.
    pub(super) fn settle(&mut self, id: InstrumentId, engine: &Engine) {
        self.book.queued = false;
        let Some((book, status)) = engine.book(id).zip(engine.status(id)) else { return };
        if self.book.wanted == 0 || status.validity != Validity::Live {
            return; // what was last believed stays, and is told to be invalid
        }
        self.book.copy(book, status.last_update_id);
        self.book.at = self.book.changed_at;
    }
}

impl Shown {
    /// Levels a side that are wanted.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Somebody wants that many; whether it has to be copied therefore.
    pub(super) fn want(&mut self, levels: usize) -> bool {
        let more = levels > self.wanted;
        self.wanted = levels;
        if levels == 0 {
            *self = Shown { changed_at: self.changed_at, last_update_id: -1, queued: self.queued, ..Shown::default() };
        }
        more && !std::mem::replace(&mut self.queued, true)
    }

    /// The book has changed; whether it has to be copied, and is not about to be.
    pub(super) fn is_to_be_copied(&mut self, at: Nanos) -> bool {
        self.changed_at = at;
        self.wanted > 0 && !std::mem::replace(&mut self.queued, true)
    }

    fn copy(&mut self, book: &Book, last_update_id: i64) {
        self.last_update_id = last_update_id;
        self.copied = self.wanted;
        for (side, levels) in [(Side::Bid, &mut self.bids), (Side::Ask, &mut self.asks)] {
            let worst = book.trusted(side);
            let known = |level: &Level| match (side, worst) {
                (_, None) => true,
                (Side::Bid, Some(worst)) => level.price >= worst,
                (Side::Ask, Some(worst)) => level.price <= worst,
            };
            levels.clear();
            levels.extend(book.levels(side).take(self.wanted).take_while(known));
            let end = worst.unwrap_or(if side == Side::Bid { Price(0) } else { Price(i64::MAX) });
            let Total { size, .. } = book.total_to(side, end);
            self.totals[side as usize] = size;
            self.counts[side as usize] = book.count(side);
        }
    }
}
