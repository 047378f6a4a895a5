//! The system: Inputs in, Outputs out, nothing else.

use crate::book::Book;
use crate::detector::Columns;
use crate::event::{Control, Event, Stamped};
use crate::group::Group;
use crate::input::{Body, Input, LinkId, REPLACED};
use crate::instrument::{InstrumentId, Venue};
use crate::metric::Params;
use crate::output::{Action, Fault, FaultKind, Outbox, Output, Remedy, Status};
use crate::registry::Registry;
use crate::surveillance::{Budget, Rules};
use crate::units::Nanos;
use crate::venue::rules::advice;
use crate::venue::{Decoded, decode};
use desk::{Desk, Scene};
use grid::Grid;
use links::Links;
use mates::{Groups, Room};
use serde::{Deserialize, Serialize};
pub use state::CheckpointError;

mod desk;
mod grid;
mod links;
mod mates;
mod offset;
mod relief;
mod state;
mod verdict;
mod watch;

/// What can be chosen; written at the head of every tape, so that a replay means the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Instruments that are expected: they are listed from the start, with the reason why they have no book yet.
    pub instruments: Vec<(Venue, String)>,
    /// Metric parameters.
    pub metrics: Params,
    /// Sampling grid of the metrics, milliseconds of event time.
    pub sample_ms: u32,
    /// Grid of the ladders, milliseconds.
    pub ladder_ms: u32,
    /// Levels per side in a ladder.
    pub ladder_levels: usize,
    /// Grid of the columns of the heatmap, milliseconds; 0 never.
    pub relief_ms: u32,
    /// Rows per side in such a column.
    pub relief_rows: u32,
    /// Width of a row, about so many basis points of mid.
    pub relief_row_bps: f64,
    /// Grid of the status reports, milliseconds.
    pub status_ms: u32,
    /// Silence of a depth stream that is evidence of its death while its siblings move, milliseconds.
    pub stale_ms: u32,
    /// How often a live book is compared with a snapshot, milliseconds; 0 never.
    pub audit_ms: u32,
    /// What is watched for, and how.
    pub surveillance: Rules,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            instruments: Vec::new(),
            metrics: Params::default(),
            sample_ms: 100,
            ladder_ms: 250,
            ladder_levels: 25,
            relief_ms: 250,
            relief_rows: 100,
            relief_row_bps: 0.5,
            status_ms: 1_000,
            stale_ms: 5_000,
            audit_ms: 300_000,
            surveillance: Rules::default(),
        }
    }
}

/// Part of a step's work, for timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes to events.
    Decode,
    /// Events to books.
    Book,
    /// Books to metrics.
    Metrics,
}

/// Measures a step's stages; the engine itself never reads a clock.
pub trait Stopwatch {
    /// The work since the last lap (or since the step began) belongs to `stage`.
    fn lap(&mut self, stage: Stage);
}

/// Measures nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStopwatch;

impl Stopwatch for NoStopwatch {
    #[inline]
    fn lap(&mut self, _: Stage) {}
}

/// Everything the engine knows. Plain data: `checkpoint` writes it down, `restore` goes on from it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Engine {
    config: Config,
    now: Nanos,
    inputs: u64,
    registry: Registry,
    links: Links,
    desks: Vec<Desk>,
    grid: Grid,
    /// The markets of each underlying side by side, in the order in which the underlyings were met.
    crowds: Vec<Group>,
    budget: Budget,
    /// Lent out while a frame is worked on.
    #[serde(skip)]
    decoded: Option<Box<Decoded>>,
    /// Of the samples; found when first needed.
    #[serde(skip)]
    columns: Option<Columns>,
    /// Of the instruments; made anew when these change.
    #[serde(skip)]
    groups: Option<Groups>,
    #[serde(skip)]
    room: Room,
}

impl Engine {
    /// Knows nothing but what is expected.
    pub fn new(config: Config) -> Self {
        let mut engine = Engine {
            config,
            now: Nanos(0),
            inputs: 0,
            registry: Registry::default(),
            links: Links::default(),
            desks: Vec::new(),
            grid: Grid::default(),
            crowds: Vec::new(),
            budget: Budget::default(),
            decoded: None,
            columns: None,
            groups: None,
            room: Room::default(),
        };
        for (venue, symbol) in engine.config.instruments.clone() {
            engine.registry.resolve(venue, symbol.as_bytes());
        }
        engine
    }

    /// Takes one input and says what follows from it.
    pub fn step(&mut self, input: &Input<'_>, out: &mut Outbox, watch: &mut impl Stopwatch) {
        self.now = self.now.max(input.at);
        self.inputs += 1;
        self.on_grid(out);
        watch.lap(Stage::Metrics);
        match input.body {
            Body::Open { venue, leg, url } => self.links.open(input.link, venue, leg, url),
            Body::Close { reason } => self.on_close(input.link, reason, out),
            Body::Tick => {}
            Body::Checkpoint(bytes) => self.on_checkpoint(bytes, input.link, out),
            Body::Text(_) | Body::Binary(_) | Body::Reply { .. } => {
                let Some(venue) = self.links.on_frame(input.link, self.now) else {
                    let text = "a frame on a link that was never opened".to_owned();
                    return self.fault(input.link, FaultKind::Malformed, Remedy::Skip, text, out);
                };
                let mut decoded = self.decoded.take().unwrap_or_default();
                decoded.clear();
                decode(venue, &input.body, &mut self.registry, &mut decoded);
                watch.lap(Stage::Decode);
                self.on_decoded(input, venue, &decoded, out, watch);
                self.decoded = Some(decoded);
            }
        }
        self.watch(out);
    }

    fn on_decoded(
        &mut self,
        input: &Input<'_>,
        venue: Venue,
        decoded: &Decoded,
        out: &mut Outbox,
        watch: &mut impl Stopwatch,
    ) {
        self.links.unknown_keys += decoded.unknown_keys;
        self.meet(out);
        if !self.rescale(input.link, out) {
            return; // the numbers do not fit: the frame is left out, and the book that they belong to is rebuilt
        }
        for control in &decoded.controls {
            self.on_control(input, venue, control, out);
        }
        for stamped in &decoded.events {
            self.on_event(input, venue, stamped, decoded, out, watch);
        }
    }

    fn on_event(
        &mut self,
        input: &Input<'_>,
        venue: Venue,
        stamped: &Stamped,
        decoded: &Decoded,
        out: &mut Outbox,
        watch: &mut impl Stopwatch,
    ) {
        match &stamped.event {
            Event::Instrument(told) => {
                self.registry.update(stamped.instrument, told);
                self.groups = None;
                self.rescale(input.link, out);
                let info = Box::new(self.registry.get(stamped.instrument).clone());
                return out.items.push(Output::Instrument { instrument: stamped.instrument, info });
            }
            Event::Index(price) => self.spread_index(stamped.instrument, price.to_f64()),
            _ => {}
        }
        let scene = Scene {
            at: self.now,
            received: input.at,
            link: input.link,
            venue,
            id: stamped.instrument,
            instrument: self.registry.get(stamped.instrument),
            reply: matches!(input.body, Body::Reply { .. }),
            rules: &self.config.surveillance,
        };
        self.desks[stamped.instrument.0 as usize].on(&scene, stamped, decoded, out, watch);
    }

    /// New instruments get a desk, and are announced.
    fn meet(&mut self, out: &mut Outbox) {
        while self.desks.len() < self.registry.all().len() {
            let instrument = InstrumentId(self.desks.len() as u32);
            let info = self.registry.get(instrument);
            self.groups = None;
            self.desks.push(Desk::new(info.venue, self.now, &self.config));
            out.items.push(Output::Instrument { instrument, info: Box::new(info.clone()) });
        }
    }

    /// Books follow their instruments to finer units. `false` if one could not.
    fn rescale(&mut self, link: LinkId, out: &mut Outbox) -> bool {
        let mut fits = true;
        while let Some((id, old)) = self.registry.rescaled.pop() {
            let new = self.registry.get(id).scale;
            if !self.desks[id.0 as usize].rescale(old, new) {
                self.registry.restore(id, old);
                fits = false;
                let name = self.registry.get(id).id();
                let text = format!(
                    "{name}: a number needs {} price and {} size decimals, which its book cannot hold exactly",
                    new.price, new.size
                );
                self.fault(link, FaultKind::Overflow, Remedy::Skip, text, out);
                continue;
            }
            // Whoever reads units has to know how fine they are from here on.
            out.items.push(Output::Instrument { instrument: id, info: Box::new(self.registry.get(id).clone()) });
        }
        fits
    }

    fn spread_index(&mut self, index: InstrumentId, price: f64) {
        let (told, now) = (self.registry.get(index), self.now);
        for (desk, other) in self.desks.iter_mut().zip(self.registry.all()) {
            if other.venue == told.venue && other.base == told.base && other.quote == told.quote {
                desk.index = Some((price, now));
            }
        }
    }

    fn on_control(&mut self, input: &Input<'_>, venue: Venue, control: &Control, out: &mut Outbox) {
        match control {
            Control::Ack | Control::Pong => {}
            Control::Unknown => self.links.unknown_kinds += 1,
            Control::Time(server) => {
                if let Body::Reply { sent, .. } = input.body {
                    self.links.on_time(venue, *server, sent, input.at);
                }
            }
            Control::Error { code, text } => {
                let status = if let Body::Reply { status, .. } = input.body { status } else { 0 };
                let text = format!("{} refused: {text} (code {code}){}", venue.name(), advice(status));
                let (kind, remedy) = match status {
                    429 | 418 => (FaultKind::Throttled, Remedy::Skip),
                    403 | 451 => (FaultKind::Refused, Remedy::Stop),
                    _ => (FaultKind::Venue, Remedy::Skip),
                };
                self.fault(input.link, kind, remedy, text, out);
            }
            Control::NoSnapshot(id) => self.desks[id.0 as usize].on_no_snapshot(self.now),
            Control::Closing { text } => {
                self.fault(input.link, FaultKind::Closing, Remedy::Reconnect, format!("{}: {text}", venue.name()), out);
                out.items.push(Output::Action(Action::Rotate { link: input.link }));
            }
            Control::Malformed { text } => {
                let text = format!("{}: a frame was left out: {text}", venue.name());
                self.fault(input.link, FaultKind::Malformed, Remedy::Skip, text, out);
            }
            Control::Overflow { text } => {
                let text = format!("{}: a frame was left out: {text}", venue.name());
                self.fault(input.link, FaultKind::Overflow, Remedy::Skip, text, out);
            }
        }
    }

    fn on_close(&mut self, link: LinkId, reason: &str, out: &mut Outbox) {
        let Some(venue) = self.links.close(link) else { return };
        if reason != REPLACED {
            let text = format!("{}: connection closed: {reason}", venue.name());
            self.fault(link, FaultKind::Disconnected, Remedy::Reconnect, text, out);
        }
        for (number, desk) in self.desks.iter_mut().enumerate() {
            desk.on_close(link, InstrumentId(number as u32), self.now, out);
        }
    }

    /// A fresh engine starts from it; a running one has nothing to learn.
    fn on_checkpoint(&mut self, bytes: &[u8], link: LinkId, out: &mut Outbox) {
        if self.inputs > 1 {
            return;
        }
        match Engine::restore(bytes) {
            Ok(engine) => {
                let (now, inputs) = (self.now, self.inputs);
                *self = engine;
                self.now = self.now.max(now);
                self.inputs += inputs; // this one
                for (number, info) in self.registry.all().iter().enumerate() {
                    let (instrument, info) = (InstrumentId(number as u32), Box::new(info.clone()));
                    out.items.push(Output::Instrument { instrument, info });
                }
                self.on_grid(out); // as the one that ran all the way did at this input
            }
            Err(error) => self.fault(link, FaultKind::Malformed, Remedy::Skip, error.to_string(), out),
        }
    }

    fn fault(&self, link: LinkId, kind: FaultKind, remedy: Remedy, text: String, out: &mut Outbox) {
        out.items.push(Output::Fault(Box::new(Fault { at: self.now, link, instrument: None, kind, remedy, text })));
    }

    /// Configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The engine's time: the latest receive time seen.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// Inputs taken.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// The table of instruments.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// An instrument's book; `None` before anything was received of it.
    pub fn book(&self, id: InstrumentId) -> Option<&Book> {
        self.desks.get(id.0 as usize).map(|desk| &desk.synced.book)
    }

    /// An instrument's state and counters; `None` before anything was received.
    pub fn status(&self, id: InstrumentId) -> Option<Status> {
        let desk = self.desks.get(id.0 as usize)?;
        Some(desk.status(id, self.now, self.links.offset(self.registry.get(id).venue)))
    }

    /// Messages of unknown kind, and unknown keys in known messages, so far.
    pub fn unknown(&self) -> (u64, u64) {
        (self.links.unknown_kinds, self.links.unknown_keys)
    }
}
