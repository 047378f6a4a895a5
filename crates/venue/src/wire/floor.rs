//! What every exchange has: boards, connections, and the faults that fall on a whole market.

use crate::fault::{Faults, Kind, Spot};
use crate::hub::{Client, End};
use crate::publish::{Board, Entry, State};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::units::{Level, NANOS_PER_MILLI, Nanos, Price, Side, Size};
use std::collections::HashMap;
use std::sync::Arc;

/// Boards and connections of one market.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) venue: Venue,
    pub(crate) boards: Vec<Board>,
    by_symbol: HashMap<String, usize>,
    clients: Vec<Arc<Client>>,
    /// The level that crosses a board in pre-open.
    crossing: Vec<Option<Level>>,
    /// Connections that were warned, and when they end how.
    warned: Vec<(Nanos, Arc<Client>, End)>,
}

impl Floor {
    /// Empty books; the first ids come after `id`.
    pub(crate) fn new(venue: Venue, listings: Vec<Instrument>, id: u64) -> Self {
        let boards: Vec<Board> = listings.into_iter().map(|i| Board::new(i, id)).collect();
        let by_symbol = boards.iter().enumerate().map(|(i, b)| (b.instrument.symbol.clone(), i)).collect();
        Floor { venue, crossing: vec![None; boards.len()], boards, by_symbol, clients: Vec::new(), warned: Vec::new() }
    }

    /// The board of a symbol, as the venue writes it.
    pub(crate) fn find(&self, symbol: &str) -> Option<usize> {
        self.by_symbol.get(symbol).copied()
    }

    /// A connection opened.
    pub(crate) fn join(&mut self, client: &Arc<Client>) {
        self.clients.push(Arc::clone(client));
    }

    /// A connection ended.
    pub(crate) fn leave(&mut self, client: u64) {
        self.clients.retain(|c| c.id != client);
    }

    /// Drops the connections that a `cut` is for; `listens` tells whether a connection has streams of a symbol.
    pub(crate) fn cut(&mut self, now: Nanos, faults: &mut Faults, listens: impl Fn(u64, &str) -> bool) {
        let cuts = faults.active().iter().filter(|a| a.fault.kind == Kind::Cut);
        let orders: Vec<_> = cuts.map(|a| (a.fault.subscriber, a.fault.symbol.clone())).collect();
        for (subscriber, symbol) in orders {
            let is_meant = |index: usize, client: &Client| {
                subscriber.is_none_or(|n| n == index) && symbol.as_ref().is_none_or(|s| listens(client.id, s))
            };
            let meant: Vec<u64> =
                self.clients.iter().enumerate().filter(|(i, c)| is_meant(*i, c)).map(|(_, c)| c.id).collect();
            let target = format!("connections {meant:?}");
            let spot = Spot { venue: self.venue, symbol: symbol.as_deref(), target: &target, is_diff: false };
            if !meant.is_empty() && faults.strike(&[Kind::Cut], spot, now).is_some() {
                for client in self.clients.extract_if(.., |c| meant.contains(&c.id)) {
                    client.end(End::Cut);
                }
            }
        }
    }

    /// Warns all connections of an end on order, and ends those whose time has come.
    pub(crate) fn warn(
        &mut self,
        kind: Kind,
        end: End,
        now: Nanos,
        faults: &mut Faults,
        warning: impl Fn(&Client) -> String,
    ) {
        let spot = Spot { venue: self.venue, symbol: None, target: "all connections", is_diff: false };
        if let Some(fault) = faults.strike(&[kind], spot, now) {
            let notice = i64::try_from(fault.lag_ms()).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_MILLI);
            for client in &self.clients {
                client.say(&warning(client));
                self.warned.push((now.plus(notice), Arc::clone(client), end.clone()));
            }
        }
        for (_, client, end) in self.warned.extract_if(.., |(at, ..)| *at <= now) {
            client.end(end);
        }
    }

    /// Starts and ends pre-open on boards; returns the changes to publish there, and whether the state changed.
    pub(crate) fn crossings(&mut self, now: Nanos, faults: &mut Faults) -> Vec<(usize, Entry)> {
        let mut changes = Vec::new();
        for (index, (board, crossing)) in self.boards.iter_mut().zip(&mut self.crossing).enumerate() {
            let symbol = board.instrument.symbol.as_str();
            let spot = Spot { venue: self.venue, symbol: Some(symbol), target: symbol, is_diff: false };
            let on = !faults.is_idle() && faults.strike(&[Kind::Crossed], spot, now).is_some();
            match (*crossing, on) {
                (None, true) => {
                    let Some(bid) = board.book.best(Side::Bid) else { continue };
                    let below = Price(bid.price.0 - 2 * tick_units(&board.instrument));
                    let level = Level { price: below, size: Size(bid.size.0.max(1)) };
                    *crossing = Some(level);
                    board.state = State::PreOpen;
                    changes.push((index, Entry { side: Side::Ask, level }));
                }
                (Some(level), false) => {
                    *crossing = None;
                    board.state = State::Live;
                    changes.push((index, Entry { side: Side::Ask, level: Level { size: Size(0), ..level } }));
                }
                _ => {}
            }
        }
        changes
    }
}

/// One tick in price units; 1 where it is not known.
pub(crate) fn tick_units(instrument: &Instrument) -> i64 {
    instrument.tick.and_then(|t| t.at(instrument.scale.price).ok()).unwrap_or(1).max(1)
}

/// A level that a stream tells wrongly until it comes near the touch, where the lie would show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Poison(Option<(Side, i64)>);

/// A corrupted level lies that many levels deep, or at the last one.
const POISON_DEPTH: usize = 20; // where a checksum of 25 levels sees it
/// A corrupted level this near to the touch is told truly again.
const POISON_NEAR: usize = 3;

impl Poison {
    /// Corrupts a diff on order, and keeps an earlier corruption from being corrected.
    pub(crate) fn taint(
        &mut self,
        entries: &mut Vec<Entry>,
        board: &Board,
        spot: Spot<'_>,
        now: Nanos,
        faults: &mut Faults,
    ) {
        if let Some((side, price)) = self.0 {
            // By price, not by being there: a lie about a level that is gone would show as the best one.
            let near = board.book.top(side, POISON_NEAR);
            let is_near = |level: &Level| match side {
                Side::Bid => price >= level.price.0,
                Side::Ask => price <= level.price.0,
            };
            if near.last().is_none_or(is_near) {
                self.0 = None;
                if !entries.iter().any(|e| e.side == side && e.level.price.0 == price) {
                    let level = Level { price: Price(price), size: Size(board.book.size(side, price)) };
                    entries.push(Entry { side, level });
                }
            } else {
                entries.retain(|e| e.side != side || e.level.price.0 != price);
            }
        }
        if self.0.is_none() && !faults.is_idle() {
            let top = board.book.top(Side::Bid, POISON_DEPTH);
            let Some(victim) = top.last().filter(|_| top.len() > POISON_NEAR) else { return };
            if faults.strike(&[Kind::Corrupt], spot, now).is_some() {
                let price = victim.price.0;
                entries.retain(|e| e.side != Side::Bid || e.level.price.0 != price);
                let level = Level { price: victim.price, size: Size(victim.size.0 * 2) };
                entries.push(Entry { side: Side::Bid, level });
                self.0 = Some((Side::Bid, price));
            }
        }
    }
}
