//! What screens and programs ask for beyond the latest state: history, heatmap, trades, volume at price, books to any depth.
//!
//! The engine's thread folds every step in (`apply`) and, after a batch, the books that somebody reads (`settle`). The lock
//! is held for one step, or for one copy: readers encode what they copied without it.

pub mod code;
pub mod history;
pub mod limits;
pub mod profile;
pub mod relief;
pub mod slot;

use crate::alerts::Alerts;
use crate::view::{Column, FaultLine, push};
use fathometer_engine::engine::Engine;
use fathometer_engine::event::Event;
use fathometer_engine::instrument::{Instrument, InstrumentId};
use fathometer_engine::output::{Outbox, Output, Validity};
use fathometer_engine::units::Nanos;
use history::Layout;
use limits::Limits;
use slot::Slot;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Faults kept; the oldest goes first, `faults_seen` counts all.
pub const FAULTS_MAX: usize = 200;

/// Shared by the engine's thread and all readers.
pub struct Hub {
    store: Mutex<Store>,
    /// Names and units of the columns, in the order of the catalogue.
    pub columns: Vec<Column>,
    /// What surveillance found: the same as in the store.
    pub alerts: Arc<Alerts>,
}

/// What the hub knows.
pub struct Store {
    /// Every instrument, by index.
    pub slots: Vec<Slot>,
    /// The latest faults, oldest first.
    pub faults: VecDeque<FaultLine>,
    /// Faults since the start.
    pub faults_seen: u64,
    /// What surveillance found. Its lock is taken while that of the hub is held, never the other way.
    pub alerts: Arc<Alerts>,
    /// Event time of the last output.
    pub now: Nanos,
    /// Counts what changes the meaning of units and indices: a new instrument, finer units, a new beginning.
    pub generation: u64,
    /// Counts whatever is said of any instrument.
    version: u64,
    layout: Arc<Layout>,
    bytes_max: usize,
    limits: Limits,
    /// Instruments whose book has changed since it was copied, where somebody reads it.
    dirty: Vec<u32>,
}

impl Hub {
    /// Knows nothing yet; the columns are those of the samples.
    pub fn new(columns: &[Column]) -> Self {
        Hub::with_budget(columns, limits::BYTES_MAX)
    }

    /// The same with another budget for all history together, bytes.
    pub fn with_budget(columns: &[Column], bytes_max: usize) -> Self {
        let layout = Arc::new(Layout::of(columns));
        let alerts = Arc::<Alerts>::default();
        let store = Store {
            alerts: alerts.clone(),
            slots: Vec::new(),
            faults: VecDeque::new(),
            faults_seen: 0,
            now: Nanos(0),
            generation: 0,
            version: 0,
            limits: Limits::of(bytes_max, 1, &layout),
            layout,
            bytes_max,
            dirty: Vec::new(),
        };
        Hub { store: Mutex::new(store), columns: columns.to_vec(), alerts }
    }

    /// What it knows; to be held only for as long as it takes to copy.
    pub fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what one step said.
    pub fn apply(&self, outbox: &Outbox) {
        if outbox.items.is_empty() {
            return;
        }
        let mut store = self.lock();
        for output in &outbox.items {
            match output {
                Output::Alert(alert) => {
                    let instrument = store.get(alert.instrument).map_or("", |slot| slot.id.as_str());
                    self.alerts.lock().take(alert, instrument);
                    self.alerts.wake();
                }
                Output::Board(board) => self.alerts.lock().pass(board.at),
                _ => {}
            }
            store.take(output, outbox);
        }
    }

    /// Copies the books that somebody reads and that have changed; on the engine's thread, after each batch.
    pub fn settle(&self, engine: &Engine) {
        let mut store = self.lock();
        if store.dirty.is_empty() {
            return;
        }
        let mut dirty = std::mem::take(&mut store.dirty);
        for number in dirty.drain(..) {
            if let Some(slot) = store.touch(InstrumentId(number)) {
                slot.settle(InstrumentId(number), engine);
            }
        }
        store.dirty = dirty;
    }

    /// A fault that the engine does not know of: the tape, a queue.
    pub fn note(&self, line: FaultLine) {
        self.lock().note(line);
    }

    /// Forgets everything that was seen, as when a replay jumps; who reads begins anew.
    pub fn reset(&self) {
        let mut store = self.lock();
        store.slots.clear();
        store.faults.clear();
        store.dirty.clear();
        store.now = Nanos(0);
        store.generation += 1;
        self.alerts.lock().clear();
    }
}

impl Store {
    /// An instrument by its index.
    pub fn get(&self, id: InstrumentId) -> Option<&Slot> {
        self.slots.get(id.0 as usize)
    }

    /// Memory that history and trades take, bytes.
    pub fn bytes(&self) -> usize {
        self.slots.iter().map(Slot::bytes).sum()
    }

    /// How much is kept of each instrument.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Somebody reads the book of an instrument to that many levels a side (0: nobody any more).
    pub fn want(&mut self, id: InstrumentId, levels: usize) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize)
            && slot.book.want(levels)
        {
            self.dirty.push(id.0);
        }
    }

    /// Takes in one output; what is bulky stands in its outbox.
    pub fn take(&mut self, output: &Output, outbox: &Outbox) {
        match output {
            Output::Market { at, stamped, .. } => {
                self.now = self.now.max(*at);
                let limits = self.limits;
                let Some(slot) = self.touch(stamped.instrument) else { return };
                slot.last_at = slot.last_at.max(*at);
                match &stamped.event {
                    Event::Depth(_) if slot.book.is_to_be_copied(*at) => self.dirty.push(stamped.instrument.0),
                    Event::Trade(trade) => slot.trade(*at, trade, &limits),
                    Event::Status { state, .. } if slot.state.as_ref() != Some(state) => {
                        slot.state = Some(state.clone());
                        self.change(stamped.instrument);
                    }
                    _ => {}
                }
            }
            Output::Sample { at, instrument, start, len } => {
                self.now = self.now.max(*at);
                let range = *start as usize..(*start as usize).saturating_add(*len as usize);
                let limits = self.limits;
                if let Some(slot) = self.touch(*instrument) {
                    slot.sample(*at, outbox.values.get(range).unwrap_or_default(), &limits);
                }
            }
            Output::Relief { at, instrument, width, first, bid, ask, span } => {
                let rows = outbox.levels.get(span.start as usize..span.end as usize).unwrap_or_default();
                let head = relief::Head {
                    at: *at,
                    width: *width,
                    first: *first,
                    bid: *bid,
                    ask: *ask,
                    split: span.bids().len() as u32,
                };
                let limits = self.limits;
                if let Some(slot) = self.touch(*instrument) {
                    slot.relief(head, rows, &limits);
                }
            }
            Output::Status(status) => {
                self.now = self.now.max(status.at);
                let (id, valid) = (status.instrument, status.validity == Validity::Live);
                if let Some(slot) = self.touch(id) {
                    slot.status = Some((**status).clone());
                    slot.profile.pass(status.at);
                    if valid && slot.book.is_to_be_copied(slot.book.changed_at) {
                        self.dirty.push(id.0);
                    }
                }
            }
            Output::Instrument { instrument, info } => self.learn(*instrument, info),
            Output::Fault(fault) => {
                let instrument = fault.instrument.and_then(|id| self.get(id)).map(|slot| slot.id.clone());
                let text = fault.text.clone();
                self.note(FaultLine { at: fault.at, instrument, kind: fault.kind, remedy: fault.remedy, text });
            }
            Output::Board(board) => {
                if let Some(slot) = self.touch(board.instrument) {
                    slot.board = Some((**board).clone());
                }
            }
            Output::Ladder { .. } | Output::Alert(_) | Output::Group(_) | Output::Action(_) => {}
        }
    }

    fn note(&mut self, line: FaultLine) {
        self.now = self.now.max(line.at);
        self.faults_seen += 1;
        push(&mut self.faults, line, FAULTS_MAX);
    }

    fn learn(&mut self, id: InstrumentId, info: &Instrument) {
        let index = id.0 as usize;
        if index > self.slots.len() {
            return; // indices are given out one by one
        }
        match self.slots.get_mut(index) {
            Some(slot) if slot.info == *info => return,
            Some(slot) => slot.learn(info),
            None => {
                self.slots.push(Slot::new(info, self.layout.clone()));
                self.limits = Limits::of(self.bytes_max, self.slots.len(), &self.layout);
            }
        }
        self.change(id);
    }

    /// An instrument of which something is said.
    fn touch(&mut self, id: InstrumentId) -> Option<&mut Slot> {
        self.version += 1;
        let slot = self.slots.get_mut(id.0 as usize)?;
        slot.version = self.version;
        Some(slot)
    }

    /// Readers have to learn of that instrument anew.
    fn change(&mut self, id: InstrumentId) {
        self.generation += 1;
        let generation = self.generation;
        if let Some(slot) = self.touch(id) {
            slot.generation = generation;
        }
    }
}

#[cfg(test)]
mod tests;
