//! Keeps one book in step with its stream: Empty -> Buffering -> Live -> (gap) -> Buffering. The venues' own rules decide
//! what fits and what follows; this is the machine that obeys them.

use crate::book::Book;
use crate::event::{Depth, DepthKind, LevelSpan};
use crate::instrument::Venue;
use crate::units::{Level, MAX_UNITS, POW10, Scale, Side, Size};
use crate::venue::{binance::chain as binance, okx::chain as okx};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Changes held while a snapshot is awaited: never less than the last 12 s of the fastest stream that needs one (ten
/// messages a second), and an answer over HTTP is not older. When it is full the oldest half is given up: a snapshot that
/// is so late cannot fit, the next one will. A thousand books that wait their turn for a snapshot wait for minutes.
const BUFFERED_EVENTS_MAX: usize = 256;

/// How an event stands to a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// All of it is in the snapshot already.
    Stale,
    /// The first one to apply.
    Starts,
    /// Changes between the two are missing.
    SnapshotTooOld,
    /// The snapshot was taken between two futures events.
    Hole,
}

/// How an event stands to a live book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// The next one.
    Next,
    /// Seen before.
    Old,
    /// Something in between is missing.
    Gap,
}

/// What became of a depth message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Applied; the book is live as before.
    Applied,
    /// The book became live, with that many changes applied and that many dropped as older than the snapshot.
    Started { applied: u64, stale: u64 },
    /// Older than the book.
    Old,
    /// Held until a snapshot comes.
    Buffered,
    /// The chain is broken: the book is not valid from here on.
    Gap { expected: i64, got: i64 },
    /// The snapshot cannot be joined with the changes: another one is needed.
    Refused(&'static str),
    /// Nothing to do with it.
    Ignored,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Nothing received.
    #[default]
    Empty,
    /// Changes are held; no snapshot fits yet.
    Buffering,
    /// The book is a snapshot; the first change that fits it has not come.
    Anchored,
    /// In step.
    Live,
}

/// A change that waits, with its levels.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    depth: Depth,
    levels: Vec<Level>,
}

/// A book and its place in the stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Synced {
    pub(crate) book: Book,
    /// Id of the last change applied, or of the snapshot; -1 before.
    pub(crate) last_id: i64,
    phase: Phase,
    held: VecDeque<Held>,
    /// The snapshot was taken within the first change applied (OKX): what changed and changed back within it is wrong.
    pub(crate) spanned: bool,
    /// What stood at each level of the last change before it, in the order of its levels; empty where the book began anew.
    #[serde(skip)]
    pub(crate) before: Vec<Size>,
    /// After a gap the book stays as it was: the missing change may still come over the other connection.
    broken: bool,
}

impl Synced {
    pub(crate) fn new() -> Self {
        Synced { last_id: -1, ..Synced::default() }
    }

    /// Whether the book equals the exchange's to the last change received.
    pub(crate) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether a snapshot would help now.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.phase == Phase::Buffering
    }

    /// Forgets all.
    pub(crate) fn reset(&mut self) {
        self.book.clear();
        self.last_id = -1;
        self.phase = Phase::Empty;
        self.held.clear();
        self.broken = false;
    }

    /// The book is not believed any more: a snapshot has to come.
    pub(crate) fn distrust(&mut self) {
        self.phase = Phase::Buffering;
        self.broken = false;
    }

    /// A change.
    #[inline]
    pub(crate) fn on_diff(&mut self, venue: Venue, depth: &Depth, levels: &[Level], redundant: bool) -> Outcome {
        self.before.clear();
        match self.phase {
            Phase::Live => match follow(venue, self.last_id, depth, redundant) {
                Follow::Next => {
                    let Synced { book, before, .. } = self;
                    before.extend(levels[depth.span.bids()].iter().map(|level| book.set(Side::Bid, *level)));
                    before.extend(levels[depth.span.asks()].iter().map(|level| book.set(Side::Ask, *level)));
                    self.last_id = depth.last_id;
                    Outcome::Applied
                }
                Follow::Old => Outcome::Old,
                Follow::Gap => {
                    let expected = self.last_id;
                    self.phase = Phase::Buffering;
                    self.broken = true;
                    self.held.clear();
                    self.hold(depth, levels);
                    let got = if depth.prev_id >= 0 { depth.prev_id } else { depth.first_id };
                    Outcome::Gap { expected, got }
                }
            },
            Phase::Empty | Phase::Buffering => {
                self.phase = Phase::Buffering;
                if self.broken && follow(venue, self.last_id, depth, redundant) == Follow::Next {
                    return self.mend(venue, depth, levels, redundant);
                }
                if venue == Venue::Okx && self.held.is_empty() && depth.prev_id < 0 {
                    return Outcome::Ignored; // unnumbered updates cannot be joined with anything later
                }
                self.hold(depth, levels);
                Outcome::Buffered
            }
            Phase::Anchored => {
                self.hold(depth, levels);
                self.join(venue)
            }
        }
    }

    /// The missing change came after all: it and what follows from the held ones are applied.
    fn mend(&mut self, venue: Venue, depth: &Depth, levels: &[Level], redundant: bool) -> Outcome {
        self.apply(depth, levels);
        let (mut applied, mut stale) = (1, 0);
        while let Some(held) = self.held.front() {
            match follow(venue, self.last_id, &held.depth, redundant) {
                Follow::Next => {
                    let held = self.held.pop_front();
                    if let Some(held) = held {
                        self.apply(&held.depth, &held.levels);
                        applied += 1;
                    }
                }
                Follow::Old => {
                    self.held.pop_front();
                    stale += 1;
                }
                Follow::Gap => return Outcome::Buffered, // another one is missing
            }
        }
        self.broken = false;
        self.phase = Phase::Live;
        Outcome::Started { applied, stale }
    }

    /// The whole book, in the stream (OKX): it replaces what was there.
    pub(crate) fn on_stream_snapshot(&mut self, depth: &Depth, levels: &[Level], redundant: bool) -> Outcome {
        self.before.clear();
        if redundant && self.phase == Phase::Live && depth.last_id >= 0 && depth.last_id <= self.last_id {
            return Outcome::Old; // the slower connection's start
        }
        self.load(depth, levels);
        self.book.set_window(depth.limit);
        self.held.clear();
        self.broken = false;
        self.phase = Phase::Live;
        Outcome::Started { applied: 0, stale: 0 }
    }

    /// A snapshot taken over HTTP; to be joined with the changes. A live book does not take it.
    pub(crate) fn on_snapshot(&mut self, venue: Venue, depth: &Depth, levels: &[Level]) -> Outcome {
        if self.phase == Phase::Live {
            return Outcome::Ignored;
        }
        if let Some(first) = self.held.iter().find(|h| fit(venue, depth.last_id, &h.depth) != Fit::Stale) {
            match fit(venue, depth.last_id, &first.depth) {
                Fit::SnapshotTooOld => return Outcome::Refused("it is older than the first change held"),
                Fit::Hole => return Outcome::Refused("it falls into the hole between two changes"),
                Fit::Stale | Fit::Starts => {}
            }
        }
        self.load(depth, levels);
        if venue == Venue::Okx {
            self.book.set_window(depth.limit); // its updates tell of that many levels, as of the snapshot's
        }
        self.trust_to_the_last(depth, levels);
        self.broken = false;
        self.phase = Phase::Anchored;
        self.join(venue)
    }

    /// Joins the snapshot in the book with the changes held.
    fn join(&mut self, venue: Venue) -> Outcome {
        let (mut applied, mut stale) = (0, 0);
        while let Some(held) = self.held.front() {
            let outcome = if self.phase == Phase::Anchored {
                match fit(venue, self.last_id, &held.depth) {
                    Fit::Stale => Err(None),
                    Fit::Starts => Ok(()),
                    Fit::SnapshotTooOld => Err(Some(Outcome::Refused("changes between it and the stream are missing"))),
                    Fit::Hole => Err(Some(Outcome::Refused("it falls into the hole between two changes"))),
                }
            } else {
                match follow(venue, self.last_id, &held.depth, false) {
                    Follow::Next => Ok(()),
                    Follow::Old => Err(None),
                    Follow::Gap => Err(Some(Outcome::Refused("the changes held have a gap"))),
                }
            };
            match outcome {
                Err(Some(refused)) => {
                    self.phase = Phase::Buffering;
                    return refused;
                }
                Err(None) => {
                    if self.phase == Phase::Anchored && held.depth.last_id == self.last_id {
                        self.phase = Phase::Live; // the snapshot was taken exactly after this change
                    }
                    self.held.pop_front();
                    stale += 1;
                }
                Ok(()) => {
                    if let Some(held) = self.held.pop_front() {
                        self.spanned |= venue == Venue::Okx && held.depth.prev_id != self.last_id;
                        self.apply(&held.depth, &held.levels);
                        applied += 1;
                        self.phase = Phase::Live;
                    }
                }
            }
        }
        match self.phase {
            Phase::Live => Outcome::Started { applied, stale },
            // All held changes are in the snapshot; whether it joins the stream, the next change will tell.
            _ => Outcome::Buffered,
        }
    }

    fn load(&mut self, depth: &Depth, levels: &[Level]) {
        self.book.clear();
        self.set(depth.span, levels);
        self.last_id = depth.last_id;
    }

    /// A side that was cut at the limit is unknown beyond its last level, until it changes there.
    fn trust_to_the_last(&mut self, depth: &Depth, levels: &[Level]) {
        for (side, range) in [(Side::Bid, depth.span.bids()), (Side::Ask, depth.span.asks())] {
            let side_levels = &levels[range];
            let cut = depth.limit > 0 && side_levels.len() >= depth.limit as usize;
            self.book.set_trusted(side, if cut { side_levels.last().map(|l| l.price) } else { None });
        }
    }

    #[inline]
    fn apply(&mut self, depth: &Depth, levels: &[Level]) {
        self.set(depth.span, levels);
        self.last_id = depth.last_id;
    }

    #[inline]
    fn set(&mut self, span: LevelSpan, levels: &[Level]) {
        for level in &levels[span.bids()] {
            self.book.set(Side::Bid, *level);
        }
        for level in &levels[span.asks()] {
            self.book.set(Side::Ask, *level);
        }
    }

    fn hold(&mut self, depth: &Depth, levels: &[Level]) {
        if self.held.len() >= BUFFERED_EVENTS_MAX {
            self.held.drain(..BUFFERED_EVENTS_MAX / 2);
        }
        let own = &levels[depth.span.start as usize..depth.span.end as usize];
        let span = LevelSpan { start: 0, asks: depth.span.asks - depth.span.start, end: depth.span.len() as u32 };
        // A repeated delivery (second connection) need not be held twice.
        if self
            .held
            .back()
            .is_none_or(|last| last.depth.last_id != depth.last_id || last.depth.prev_id != depth.prev_id)
        {
            self.held.push_back(Held { depth: Depth { span, kind: DepthKind::Diff, ..*depth }, levels: own.to_vec() });
        }
    }

    /// Whether what was read from a checkpoint may be worked with.
    pub(crate) fn hangs_together(&self) -> bool {
        let exact = |level: &Level| (0..=MAX_UNITS).contains(&level.price.0) && (0..=MAX_UNITS).contains(&level.size.0);
        self.held.iter().all(|held| {
            let span = held.depth.span;
            let ordered = span.start <= span.asks && span.asks <= span.end && span.end as usize <= held.levels.len();
            ordered && held.levels.iter().all(exact)
        })
    }

    /// Moves to finer units; `false` (and nothing changed) if a number would leave the exact range.
    pub(crate) fn rescale(&mut self, from: Scale, to: Scale) -> bool {
        let (price, size) = (POW10[(to.price - from.price) as usize], POW10[(to.size - from.size) as usize]);
        let mut held = self.held.clone();
        for level in held.iter_mut().flat_map(|h| h.levels.iter_mut()) {
            match (level.price.0.checked_mul(price), level.size.0.checked_mul(size)) {
                (Some(p), Some(s)) if p <= MAX_UNITS && s <= MAX_UNITS => (level.price.0, level.size.0) = (p, s),
                _ => return false,
            }
        }
        if !self.book.rescale(from, to) {
            return false;
        }
        self.held = held;
        true
    }
}

fn fit(venue: Venue, snapshot: i64, event: &Depth) -> Fit {
    match venue {
        Venue::Binance => binance::spot_fit(snapshot, event),
        Venue::BinanceUsdm | Venue::BinanceCoinm => binance::futures_fit(snapshot, event),
        Venue::Okx => okx::fit(snapshot, event),
    }
}

#[inline]
fn follow(venue: Venue, last: i64, event: &Depth, redundant: bool) -> Follow {
    match venue {
        Venue::Binance => binance::spot_follow(last, event),
        Venue::BinanceUsdm | Venue::BinanceCoinm => binance::futures_follow(last, event),
        Venue::Okx => okx::follow(last, event, redundant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Price, Size};

    fn depth(kind: DepthKind, [prev_id, last_id]: [i64; 2], bids: usize, all: usize) -> Depth {
        let span = LevelSpan { start: 0, asks: bids as u32, end: all as u32 };
        Depth { kind, first_id: -1, last_id, prev_id, checksum: None, limit: 3, span }
    }

    fn levels(prices: &[(i64, i64)]) -> Vec<Level> {
        prices.iter().map(|(price, size)| Level { price: Price(*price), size: Size(*size) }).collect()
    }

    #[test]
    fn a_book_that_waits_long_for_its_snapshot_holds_only_what_the_snapshot_can_fit() {
        let mut synced = Synced::new();
        let change = levels(&[(99, 1)]);
        let diff = |id: i64| Depth { first_id: id, limit: 0, ..depth(DepthKind::Diff, [-1, id], 1, 1) };
        for id in 1..=100_000 {
            assert_eq!(synced.on_diff(Venue::Binance, &diff(id), &change, false), Outcome::Buffered);
            assert!(synced.held.len() <= BUFFERED_EVENTS_MAX);
        }
        let snapshot = Depth { first_id: 99_880, limit: 0, ..depth(DepthKind::Snapshot, [-1, 99_880], 1, 1) };
        let started = synced.on_snapshot(Venue::Binance, &snapshot, &change);
        assert!(matches!(started, Outcome::Started { applied: 120, .. }), "{started:?}");
        assert_eq!(synced.last_id, 100_000);
    }

    #[test]
    fn what_left_the_window_of_a_cut_book_is_not_taken_for_gone() {
        let mut synced = Synced::new();
        let snapshot = levels(&[(99, 1), (98, 1), (97, 1), (101, 1)]);
        synced.on_stream_snapshot(&depth(DepthKind::Snapshot, [-1, 1], 3, 4), &snapshot, false);
        let trusted = |synced: &Synced| (synced.book.trusted(Side::Bid), synced.book.trusted(Side::Ask));
        assert_eq!(trusted(&synced), (Some(Price(97)), None), "the asks are all there are");
        let mut diff = |ids, bids: &[(i64, i64)], asks: &[(i64, i64)]| {
            let all = levels(&[bids, asks].concat());
            let depth = depth(DepthKind::Diff, ids, bids.len(), all.len());
            assert_eq!(synced.on_diff(Venue::Okx, &depth, &all, false), Outcome::Applied);
            trusted(&synced)
        };
        // A better bid pushes 97 out of the window, where it still stands.
        assert_eq!(diff([1, 2], &[(100, 1), (97, 0)], &[]).0, Some(Price(98)));
        // The best bids are gone: what stands behind comes into the window.
        assert_eq!(diff([2, 3], &[(100, 0), (97, 1)], &[]).0, Some(Price(97)));
        assert_eq!(diff([3, 4], &[(99, 0), (90, 1)], &[]).0, Some(Price(90)));
        assert_eq!(diff([4, 5], &[(90, 0)], &[]).0, None, "two levels are all there are");
        assert_eq!(diff([5, 6], &[], &[(102, 1), (103, 1)]).1, Some(Price(103)), "the asks fill theirs");
    }
}
