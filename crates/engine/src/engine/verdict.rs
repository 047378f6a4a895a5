//! What is concluded about a book: from the outcome of a depth message, a checksum, an audit, a comparison with a shadow.

use super::desk::{Desk, Scene};
use crate::audit::{Quote, Verdict};
use crate::book::Book;
use crate::event::{Depth, DepthKind};
use crate::instrument::{InstrumentId, Venue};
use crate::metric::Reason;
use crate::output::{FaultKind, Outbox, Output, Remedy, Validity};
use crate::sync::{Outcome, Synced};
use crate::units::{Decimal, Level, NANOS_PER_SECOND, Nanos, Price, Side};
use crate::venue::Decoded;
use crate::venue::okx::checksum;
use serde::{Deserialize, Serialize};

/// Crossed messages in a row after which the book is rebuilt; one may be a matching engine's half step.
const CROSSED_MAX: u32 = 3;
/// Comparisons in a row that fail before the book is rebuilt.
const MISMATCHES_MAX: u32 = 2;
/// Comparisons in a row with snapshots from within a change, that differ in the same level by the same sizes, that convict:
/// what changed and changed back within one change does not do so in the same way each time.
const DOUBTS_MAX: u32 = 3;
/// Pause before the next comparison after one that told nothing, ns.
const DOUBT_NANOS: i64 = 2 * NANOS_PER_SECOND;
/// Shortest time between two rebuilds that something disagreeing asks for, ns: where the exchange itself disagrees (its
/// checksum, its quotes), a rebuild does not help, and OKX allows 480 subscriptions an hour.
const REBUILD_NANOS_MIN: i64 = 60 * NANOS_PER_SECOND;

/// A level in which a book and a snapshot differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Difference {
    side: Side,
    price: Price,
    /// Size in the book, in size units; 0 where there is no such level.
    ours: i64,
    /// Size in the snapshot.
    theirs: i64,
}

impl Desk {
    /// Counts and concludes; whether the book changed.
    pub(super) fn on_outcome(
        &mut self,
        scene: &Scene<'_>,
        depth: &Depth,
        decoded: &Decoded,
        outcome: Outcome,
        out: &mut Outbox,
    ) -> bool {
        match outcome {
            Outcome::Applied => {
                self.counters.diffs_applied += 1;
                self.after_change(scene, depth, decoded, out);
                true
            }
            Outcome::Started { applied, stale } => {
                self.counters.diffs_applied += applied;
                self.counters.stale_dropped += stale;
                self.started(scene);
                self.after_change(scene, depth, decoded, out);
                true
            }
            Outcome::Old => {
                if self.was_live {
                    self.counters.duplicates += 1;
                } else {
                    self.counters.stale_dropped += 1;
                }
                false
            }
            Outcome::Buffered | Outcome::Ignored => {
                use Validity::{Disconnected, Empty, Live, Stale};
                if matches!(self.validity, Empty | Live | Stale | Disconnected) {
                    self.set_validity(Validity::Syncing, scene.id, scene.at, out);
                }
                if self.synced.wants_snapshot() && self.asked.is_none() && self.tries == 0 {
                    self.ask(scene.venue, scene.id, scene.link, scene.at, true, out);
                }
                false
            }
            Outcome::Gap { expected, got } => {
                self.counters.gaps += 1;
                let text = format!(
                    "changes after {expected} are missing, the next one starts at {got}; a new snapshot is requested"
                );
                self.fault(scene, FaultKind::Gap, Remedy::Resync, text, out);
                self.invalidate(Validity::Gap, scene, out);
                self.tries = 0;
                self.ask(scene.venue, scene.id, scene.link, scene.at, true, out);
                false
            }
            Outcome::Refused(why) => {
                let text = format!(
                    "the snapshot {} cannot be used, {why}; another one is requested",
                    self.synced.last_id.max(depth.last_id)
                );
                self.fault(scene, FaultKind::Snapshot, Remedy::Resync, text, out);
                if self.tries == 0 {
                    self.ask(scene.venue, scene.id, scene.link, scene.at, true, out);
                }
                false // asked again with growing pauses, by `watch`
            }
        }
    }

    fn started(&mut self, scene: &Scene<'_>) {
        if self.was_live {
            self.counters.resyncs += 1;
        }
        self.was_live = true;
        self.asked = None;
        self.tries = 0;
        self.crossed = 0;
        self.mismatches = 0;
        self.no_doubt();
        if let Some(since) = self.invalid_since.take() {
            self.recovery_ns = Some(scene.at.since(since));
        }
    }

    /// The book changed: checksum, audit and crossing decide whether it is believed.
    #[inline]
    fn after_change(&mut self, scene: &Scene<'_>, depth: &Depth, decoded: &Decoded, out: &mut Outbox) {
        let mut validity = Validity::Live;
        if scene.venue == Venue::Okx {
            self.texts.apply(depth, &decoded.levels, &decoded.texts, scene.instrument.scale);
            if let Some(given) = depth.checksum
                && !self.check(scene, depth, given, out)
            {
                return;
            }
        }
        let verdict = self.audit.on_book(self.synced.last_id, &self.synced.book);
        if self.validity == Validity::Audit && depth.kind == DepthKind::Diff {
            validity = Validity::Audit; // until a comparison matches
        }
        if self.synced.book.is_crossed() && !self.may_cross {
            self.crossed += 1;
            if self.crossed >= CROSSED_MAX && self.may_rebuild(scene.at) {
                let text = "bids stand at or above asks outside an auction; the book is rebuilt".to_owned();
                self.fault(scene, FaultKind::Crossed, Remedy::Resync, text, out);
                self.rebuild(scene, out);
            }
            validity = Validity::Crossed;
        } else {
            self.crossed = 0;
        }
        self.set_validity(validity, scene.id, scene.at, out);
        self.on_verdict(scene, verdict, out);
    }

    fn check(&mut self, scene: &Scene<'_>, depth: &Depth, given: i32, out: &mut Outbox) -> bool {
        let own = checksum::checksum(&self.synced.book, scene.instrument.scale, &self.texts);
        if own == given {
            self.counters.checksums_ok += 1;
            return true;
        }
        self.counters.checksums_bad += 1;
        let text = format!(
            "checksum {given} of update {} does not match the book's {own}; the book is rebuilt",
            depth.last_id
        );
        self.fault(scene, FaultKind::Checksum, Remedy::Resync, text, out);
        self.invalidate(Validity::Checksum, scene, out);
        self.synced.distrust();
        if self.may_rebuild(scene.at) {
            self.rebuild(scene, out);
        } else {
            self.tries += 1; // `watch` asks in time, not the next update
        }
        false
    }

    /// Results of comparisons with best bid/ask messages.
    pub(super) fn on_verdict(&mut self, scene: &Scene<'_>, verdict: Verdict, out: &mut Outbox) {
        self.counters.audit_checked += verdict.checked;
        self.counters.audit_matched += verdict.matched;
        match verdict.last_matched {
            Some(false) if self.synced.is_live() => {
                self.mismatches += 1;
                if self.mismatches == 1 {
                    self.suspect(scene, verdict, out);
                } else if self.mismatches >= MISMATCHES_MAX && self.may_rebuild(scene.at) {
                    self.rebuild(scene, out);
                }
            }
            Some(true) => {
                self.mismatches = 0;
                if self.validity == Validity::Audit {
                    self.become_valid_or(Validity::Audit, scene.id, scene.at, out);
                }
            }
            _ => {}
        }
    }

    /// Not believed until the next comparison; the exchange thins its messages out under load, so that one may be late.
    fn suspect(&mut self, scene: &Scene<'_>, verdict: Verdict, out: &mut Outbox) {
        let text = verdict.mismatch.map_or_else(String::new, |(message, book)| {
            let (theirs, ours) = (quote(scene, &message), quote(scene, &book));
            format!("{ours}, but {theirs} by the exchange's own message; rebuilt if the next comparison fails too")
        });
        self.fault(scene, FaultKind::Audit, Remedy::Resync, text, out);
        self.invalidate(Validity::Audit, scene, out);
    }

    pub(super) fn may_rebuild(&self, at: Nanos) -> bool {
        self.rebuilt.is_none_or(|before| at.since(before) >= REBUILD_NANOS_MIN)
    }

    fn rebuild(&mut self, scene: &Scene<'_>, out: &mut Outbox) {
        self.rebuilt = Some(scene.at);
        self.ask(scene.venue, scene.id, scene.link, scene.at, true, out);
        if scene.venue != Venue::Okx {
            self.begin_shadow(scene.at);
        }
    }

    /// Once the shadow is live at the same update as the book, one of them is the truth: the shadow.
    pub(super) fn compare_shadow(&mut self, scene: &Scene<'_>, out: &mut Outbox) {
        let ready = |s: &Synced| s.is_live() && s.last_id == self.synced.last_id && self.synced.is_live();
        if !self.shadow.as_deref().is_some_and(ready) {
            return;
        }
        let Some(mut shadow) = self.shadow.take() else { return };
        self.tries = 0;
        let differing = differences(&self.synced.book, &shadow.book);
        let agrees = differing.is_empty();
        if !agrees && shadow.spanned && !self.is_convicted(differing) {
            self.audit_due = scene.at.plus(DOUBT_NANOS); // the next one tells
            return;
        }
        self.no_doubt();
        self.counters.audit_checked += 1;
        if agrees {
            self.counters.audit_matched += 1;
            extend(&mut self.synced.book, &shadow.book);
            if self.validity == Validity::Audit || self.validity == Validity::Crossed {
                self.become_valid_or(self.validity, scene.id, scene.at, out);
            }
            return;
        }
        let text =
            format!("the book differs from the exchange's snapshot at update {}; it is replaced", self.synced.last_id);
        self.fault(scene, FaultKind::Audit, Remedy::Resync, text, out);
        if scene.venue == Venue::Okx {
            self.invalidate(Validity::Audit, scene, out);
            self.synced.distrust();
            return self.ask(scene.venue, scene.id, scene.link, scene.at, true, out);
        }
        std::mem::swap(&mut self.synced, &mut *shadow);
        self.on_gap();
        self.audit.on_gap();
        self.started(scene);
        self.become_valid_or(Validity::Crossed, scene.id, scene.at, out);
    }

    /// Whether a level differs in the same way for the last time that may be chance.
    fn is_convicted(&mut self, differing: Vec<Difference>) -> bool {
        let (again, fresh): (Vec<_>, Vec<_>) = differing.into_iter().partition(|d| self.doubted.contains(d));
        (self.doubts, self.doubted) = if again.is_empty() { (1, fresh) } else { (self.doubts + 1, again) };
        self.doubts >= DOUBTS_MAX
    }

    pub(super) fn no_doubt(&mut self) {
        self.doubts = 0;
        self.doubted.clear();
    }

    /// Nothing derived from the book's continuity outlives this.
    pub(super) fn on_gap(&mut self) {
        self.metrics.on_gap();
        self.surveillance.on_gap();
    }

    /// The book is no longer believed, from this instant.
    pub(super) fn invalidate(&mut self, why: Validity, scene: &Scene<'_>, out: &mut Outbox) {
        self.on_gap();
        self.audit.on_gap();
        self.set_validity(why, scene.id, scene.at, out);
    }

    /// Live if the book is in step and uncrossed, else `otherwise`.
    pub(super) fn become_valid_or(&mut self, otherwise: Validity, id: InstrumentId, at: Nanos, out: &mut Outbox) {
        let sound = self.synced.is_live() && (self.may_cross || !self.synced.book.is_crossed());
        self.set_validity(if sound { Validity::Live } else { otherwise }, id, at, out);
    }

    /// Changes the validity, and says so.
    #[inline]
    pub(super) fn set_validity(&mut self, validity: Validity, id: InstrumentId, at: Nanos, out: &mut Outbox) {
        if self.validity == validity {
            return;
        }
        if validity == Validity::Live {
            if let Some(since) = self.invalid_since.take() {
                self.recovery_ns = Some(at.since(since));
            }
        } else if self.validity == Validity::Live {
            self.invalid_since = Some(at);
            self.on_gap(); // whatever the reason: nothing derived from the book's continuity outlives it
        }
        self.validity = validity;
        self.since = at;
        out.items.push(Output::Status(Box::new(self.status(id, at, None))));
    }

    /// Why a number that needs the book is absent.
    pub(super) fn reason(&self) -> Option<Reason> {
        (self.validity != Validity::Live).then_some(Reason::BookInvalid)
    }
}

fn quote(scene: &Scene<'_>, quote: &Quote) -> String {
    let scale = scene.instrument.scale;
    let show = |l: &Level| format!("{} x {}", Decimal::new(l.price.0, scale.price), Decimal::new(l.size.0, scale.size));
    format!("at update {} best bid {} and ask {}", quote.id, show(&quote.bid), show(&quote.ask))
}

/// The levels in which two books differ, as far as both are trusted, best first; bids before asks.
fn differences(one: &Book, other: &Book) -> Vec<Difference> {
    let mut found = Vec::new();
    for side in [Side::Bid, Side::Ask] {
        let limit = narrower(side, one.trusted(side), other.trusted(side));
        let within = |price: Price| limit.is_none_or(|worst| is_within(side, price, worst));
        let levels = |book: &'_ Book| book.levels(side).take_while(|l| within(l.price)).collect::<Vec<_>>();
        let (ours, theirs) = (levels(one), levels(other));
        let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
        loop {
            let (a, b) = (ours.peek().copied(), theirs.peek().copied());
            let Some(price) =
                a.into_iter().chain(b).map(|l| l.price).reduce(|x, y| if is_within(side, x, y) { x } else { y })
            else {
                break;
            };
            let [a, b] =
                [&mut ours, &mut theirs].map(|levels| levels.next_if(|l| l.price == price).map_or(0, |l| l.size.0));
            if a != b {
                found.push(Difference { side, price, ours: a, theirs: b });
            }
        }
    }
    found
}

/// Takes over levels that the other book knows further out.
fn extend(book: &mut Book, further: &Book) {
    for side in [Side::Bid, Side::Ask] {
        let (Some(ours), theirs) = (book.trusted(side), further.trusted(side)) else { continue };
        if narrower(side, Some(ours), theirs) != Some(ours) || theirs == Some(ours) {
            continue;
        }
        let beyond = further.levels(side).filter(|l| !is_within(side, l.price, ours));
        for level in
            beyond.take_while(|l| theirs.is_none_or(|worst| is_within(side, l.price, worst))).collect::<Vec<_>>()
        {
            book.set(side, level);
        }
        book.set_trusted(side, theirs);
    }
}

fn is_within(side: Side, price: Price, worst: Price) -> bool {
    match side {
        Side::Bid => price >= worst,
        Side::Ask => price <= worst,
    }
}

fn narrower(side: Side, one: Option<Price>, other: Option<Price>) -> Option<Price> {
    match (one, other) {
        (Some(a), Some(b)) => Some(if is_within(side, a, b) { a } else { b }),
        (a, b) => a.or(b),
    }
}
