//! One instrument: its book and how far it may be believed, its audit, its metrics, its counters.

use super::relief::Relief;
use super::{Config, Stage, Stopwatch};
use crate::audit::Audit;
use crate::event::{Depth, DepthKind, Event, LevelSpan, Stamped, Trade};
use crate::input::LinkId;
use crate::instrument::{Instrument, InstrumentId, Venue};
use crate::metric::{Metrics, Seen};
use crate::output::{Action, Counters, Fault, FaultKind, Outbox, Output, Remedy, Status, Validity};
use crate::surveillance::{Rules, Surveillance};
use crate::sync::{Outcome, Synced};
use crate::units::{Level, Nanos, Scale, Side, Size};
use crate::venue::Decoded;
use crate::venue::okx::checksum::Texts;
use serde::{Deserialize, Serialize};

/// What surrounds one event.
pub(super) struct Scene<'a> {
    /// The engine's time.
    pub(super) at: Nanos,
    /// Receive stamp of the frame itself.
    pub(super) received: Nanos,
    pub(super) link: LinkId,
    pub(super) venue: Venue,
    pub(super) id: InstrumentId,
    pub(super) instrument: &'a Instrument,
    /// It came over HTTP.
    pub(super) reply: bool,
    pub(super) rules: &'a Rules,
}

/// State of one instrument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Desk {
    pub(super) synced: Synced,
    /// A second book built from a fresh snapshot beside the first, to be compared with it.
    pub(super) shadow: Option<Box<Synced>>,
    pub(super) shadow_since: Nanos,
    pub(super) audit: Audit,
    pub(super) metrics: Metrics,
    pub(super) surveillance: Surveillance,
    pub(super) relief: Relief,
    pub(super) texts: Texts,
    pub(super) validity: Validity,
    pub(super) since: Nanos,
    pub(super) counters: Counters,
    /// Links over which its depth comes.
    pub(super) links: Vec<LinkId>,
    pub(super) was_live: bool,
    pub(super) invalid_since: Option<Nanos>,
    pub(super) recovery_ns: Option<i64>,
    /// When a snapshot was asked for, and how often since the last success.
    pub(super) asked: Option<Nanos>,
    pub(super) refused_at: Option<Nanos>,
    pub(super) tries: u32,
    pub(super) audit_due: Nanos,
    pub(super) last_at: Nanos,
    pub(super) last_depth_at: Nanos,
    /// Trades and changes of the best quotes since the last depth message, and when the first of them came.
    pub(super) siblings: u32,
    pub(super) sibling_at: Nanos,
    pub(super) resubscribed: Option<Nanos>,
    /// When the book was last rebuilt because something disagreed with it.
    pub(super) rebuilt: Option<Nanos>,
    pub(super) may_cross: bool,
    pub(super) crossed: u32,
    /// Comparisons in a row that did not match.
    pub(super) mismatches: u32,
    /// Comparisons in a row that differ in those levels, each with a snapshot from within a change.
    pub(super) doubts: u32,
    pub(super) doubted: Vec<super::verdict::Difference>,
    pub(super) mark: Option<(f64, Nanos)>,
    pub(super) index: Option<(f64, Nanos)>,
    last_trade_id: [i64; 2],
    last_bbo_id: i64,
    pub(super) latency_raw_ns: Option<i64>,
}

impl Desk {
    pub(super) fn new(venue: Venue, now: Nanos, config: &Config) -> Self {
        Desk {
            synced: Synced::new(),
            shadow: None,
            shadow_since: now,
            // OKX thins its best-bid/ask messages out: only equal ids can be compared.
            audit: Audit::new(venue == Venue::Okx),
            metrics: Metrics::new(&config.metrics),
            surveillance: Surveillance::default(),
            relief: Relief::default(),
            texts: Texts::default(),
            validity: Validity::Empty,
            since: now,
            counters: Counters::default(),
            links: Vec::new(),
            was_live: false,
            invalid_since: None,
            recovery_ns: None,
            asked: None,
            refused_at: None,
            tries: 0,
            audit_due: now.plus(i64::from(config.audit_ms) * 1_000_000),
            last_at: Nanos(0),
            last_depth_at: Nanos(0),
            siblings: 0,
            sibling_at: Nanos(0),
            resubscribed: None,
            rebuilt: None,
            may_cross: false,
            crossed: 0,
            mismatches: 0,
            doubts: 0,
            doubted: Vec::new(),
            mark: None,
            index: None,
            last_trade_id: [-1; 2],
            last_bbo_id: -1,
            latency_raw_ns: None,
        }
    }

    /// One event of the instrument.
    pub(super) fn on(
        &mut self,
        scene: &Scene<'_>,
        stamped: &Stamped,
        decoded: &Decoded,
        out: &mut Outbox,
        watch: &mut impl Stopwatch,
    ) {
        self.counters.frames += 1;
        self.last_at = scene.at;
        if let (Some(ts), false) = (stamped.ts_venue, scene.reply) {
            self.latency_raw_ns = Some(scene.received.since(ts));
        }
        let fresh = match &stamped.event {
            Event::Depth(depth) => self.on_depth(scene, depth, decoded, out),
            Event::Bbo(bbo) => {
                let fresh = bbo.id < 0 || bbo.id > self.last_bbo_id;
                if fresh {
                    self.last_bbo_id = bbo.id;
                    self.counters.bbo_updates += 1;
                    self.sibling(scene.at);
                    let verdict = self.audit.on_bbo(bbo);
                    self.on_verdict(scene, verdict, out);
                }
                fresh
            }
            Event::Trade(trade) => {
                let fresh = self.is_new(trade);
                if fresh {
                    self.counters.trades += 1;
                    self.sibling(scene.at);
                } else {
                    self.counters.duplicates += 1;
                }
                fresh
            }
            Event::Mark(price) => {
                self.mark = Some((price.to_f64(), scene.at));
                true
            }
            Event::Index(price) => {
                self.index = Some((price.to_f64(), scene.at));
                true
            }
            Event::Status { may_cross, .. } => {
                self.may_cross = *may_cross;
                true
            }
            _ => true,
        };
        watch.lap(Stage::Book);
        if fresh {
            self.tell(scene, stamped, decoded, out);
        }
        watch.lap(Stage::Metrics);
    }

    /// The event goes to the metrics and out.
    fn tell(&mut self, scene: &Scene<'_>, stamped: &Stamped, decoded: &Decoded, out: &mut Outbox) {
        let mut stamped = stamped.clone();
        let (mut levels, mut before): (&[Level], &[Size]) = (&[], &[]);
        if let Event::Depth(depth) = &mut stamped.event {
            let span = depth.span;
            levels = &decoded.levels[span.start as usize..span.end as usize];
            if depth.kind == DepthKind::Diff {
                before = &self.synced.before;
            }
            depth.span = LevelSpan { start: 0, asks: span.asks - span.start, end: span.len() as u32 };
        }
        let seen = Seen {
            at: scene.at,
            stamped: &stamped,
            levels,
            before,
            best: [None; 2],
            book: &self.synced.book,
            validity: self.validity,
            instrument: scene.instrument,
        };
        let seen = self.metrics.on(&seen);
        self.surveillance.on(&seen, scene.rules, scene.id, out);
        if let Event::Depth(depth) = &mut stamped.event {
            let start = out.levels.len() as u32;
            out.levels.extend_from_slice(levels);
            depth.span = LevelSpan { start, asks: start + depth.span.asks, end: start + depth.span.end };
        }
        let valid = self.validity == Validity::Live;
        out.items.push(Output::Market { at: scene.at, link: scene.link, valid, stamped });
    }

    /// A depth message; whether it changed the book.
    fn on_depth(&mut self, scene: &Scene<'_>, depth: &Depth, decoded: &Decoded, out: &mut Outbox) -> bool {
        if depth.kind == DepthKind::Partial {
            return self.on_partial(scene, depth, decoded, out);
        }
        if !scene.reply && !self.links.contains(&scene.link) {
            self.links.push(scene.link);
        }
        let (redundant, before) = (self.links.len() > 1, self.synced.last_id);
        let outcome = match (depth.kind, scene.reply) {
            (DepthKind::Diff, _) => {
                if let Some(shadow) = &mut self.shadow {
                    shadow.on_diff(scene.venue, depth, &decoded.levels, redundant);
                }
                self.synced.on_diff(scene.venue, depth, &decoded.levels, redundant)
            }
            (_, false) => self.synced.on_stream_snapshot(depth, &decoded.levels, redundant),
            (_, true) => return self.on_reply_snapshot(scene, depth, decoded, out),
        };
        if outcome == Outcome::Old {
            self.sibling(scene.at); // nothing but old messages for long: ids may have started anew unnoticed
        } else {
            self.last_depth_at = scene.at;
            self.siblings = 0;
            self.resubscribed = None;
        }
        if self.synced.last_id < before {
            self.audit.reset(); // ids start anew, those of the best quotes with them
            self.last_bbo_id = -1;
        }
        let changed = self.on_outcome(scene, depth, decoded, outcome, out);
        if self.shadow.is_some() {
            self.compare_shadow(scene, out);
        }
        changed
    }

    /// The top few levels: only the best of them are compared, at equal ids.
    fn on_partial(&mut self, scene: &Scene<'_>, depth: &Depth, decoded: &Decoded, out: &mut Outbox) -> bool {
        let (bid, ask) = (decoded.levels[depth.span.bids()].first(), decoded.levels[depth.span.asks()].first());
        if let (Venue::Okx, Some(bid), Some(ask)) = (scene.venue, bid, ask)
            && depth.last_id > self.last_bbo_id
        {
            let verdict = self.audit.on_bbo(&crate::event::Bbo { id: depth.last_id, bid: *bid, ask: *ask });
            self.on_verdict(scene, verdict, out);
        }
        false
    }

    fn on_reply_snapshot(&mut self, scene: &Scene<'_>, depth: &Depth, decoded: &Decoded, out: &mut Outbox) -> bool {
        self.asked = None;
        if self.synced.is_live() {
            if self.shadow.is_none() {
                self.begin_shadow(scene.at);
            }
            let outcome = self.shadow.as_mut().map(|s| s.on_snapshot(scene.venue, depth, &decoded.levels));
            if matches!(outcome, Some(Outcome::Refused(_))) {
                self.give_up_comparison(); // while the book is under suspicion, another one is asked for instead
            }
            self.compare_shadow(scene, out);
            return false;
        }
        if scene.venue == Venue::Okx {
            return false; // its book starts from the snapshot in the stream
        }
        let outcome = self.synced.on_snapshot(scene.venue, depth, &decoded.levels);
        self.on_outcome(scene, depth, decoded, outcome, out)
    }

    /// The snapshot that was asked for did not come: it is asked for again after a pause, which grows.
    pub(super) fn on_no_snapshot(&mut self, at: Nanos) {
        self.asked = None;
        self.refused_at = Some(at);
        self.give_up_comparison();
    }

    /// A second book is built beside the first.
    pub(super) fn begin_shadow(&mut self, at: Nanos) {
        self.shadow = Some(Box::new(Synced::new()));
        self.shadow_since = at;
    }

    /// A comparison with a live book that comes to nothing is left alone: the next one is due in time.
    pub(super) fn give_up_comparison(&mut self) {
        if self.validity == Validity::Live && self.shadow.take().is_some() {
            self.asked = None;
            self.tries = 0;
        }
    }

    fn is_new(&mut self, trade: &Trade) -> bool {
        /// An id that far below the last is a new numbering, not a repetition.
        const REPEATED_MAX: i64 = 100_000;
        let last = &mut self.last_trade_id[usize::from(trade.aggregate)];
        if trade.id <= *last && *last - trade.id < REPEATED_MAX {
            return false;
        }
        *last = trade.id;
        true
    }

    fn sibling(&mut self, at: Nanos) {
        if self.siblings == 0 {
            self.sibling_at = at;
        }
        self.siblings += 1;
    }

    /// The connection ended.
    pub(super) fn on_close(&mut self, link: LinkId, id: InstrumentId, at: Nanos, out: &mut Outbox) {
        let before = self.links.len();
        self.links.retain(|l| *l != link);
        if self.links.len() == before {
            return;
        }
        self.asked = None; // what was asked on it will not be answered
        if self.links.is_empty() {
            self.synced.reset();
            self.shadow = None;
            self.audit.reset();
            self.texts = Texts::default();
            self.tries = 0;
            self.siblings = 0;
            self.last_bbo_id = -1;
            self.set_validity(Validity::Disconnected, id, at, out);
        }
    }

    /// Moves everything to finer units; `false` (and nothing changed) if a number would leave the exact range.
    pub(super) fn rescale(&mut self, from: Scale, to: Scale) -> bool {
        if !self.synced.rescale(from, to) {
            return false;
        }
        if let Some(shadow) = &mut self.shadow
            && !shadow.rescale(from, to)
        {
            self.shadow = None;
        }
        self.audit.rescale(from, to);
        self.metrics.on_rescale(from, to);
        self.surveillance.on_rescale(from, to);
        self.relief.rescale(from, to);
        self.no_doubt();
        true
    }

    /// State and counters.
    pub(super) fn status(&self, instrument: InstrumentId, at: Nanos, offset: Option<(i64, i64)>) -> Status {
        let book = &self.synced.book;
        Status {
            at,
            instrument,
            validity: self.validity,
            since: self.since,
            counters: self.counters,
            last_update_id: self.synced.last_id,
            levels: (book.count(Side::Bid) as u32, book.count(Side::Ask) as u32),
            trusted: (book.trusted(Side::Bid).map(|p| p.0), book.trusted(Side::Ask).map(|p| p.0)),
            latency_raw_ns: self.latency_raw_ns,
            latency_ns: self
                .latency_raw_ns
                .zip(offset)
                .map(|(raw, (offset, uncertainty))| (raw.saturating_add(offset), uncertainty)),
            last_at: self.last_at,
            recovery_ns: self.recovery_ns,
        }
    }

    pub(super) fn fault(&self, scene: &Scene<'_>, kind: FaultKind, remedy: Remedy, text: String, out: &mut Outbox) {
        let text = format!("{}: {text}", scene.instrument.id());
        let fault = Fault { at: scene.at, link: scene.link, instrument: Some(scene.id), kind, remedy, text };
        out.items.push(Output::Fault(Box::new(fault)));
    }

    /// Asks for what rebuilds the book.
    pub(super) fn ask(
        &mut self,
        venue: Venue,
        id: InstrumentId,
        link: LinkId,
        at: Nanos,
        urgent: bool,
        out: &mut Outbox,
    ) {
        self.asked = Some(at);
        self.refused_at = None;
        self.tries += 1;
        out.items.push(Output::Action(match venue {
            Venue::Okx if urgent => Action::Resubscribe { link, instrument: id },
            _ => Action::Snapshot { link, instrument: id, urgent },
        }));
    }
}
