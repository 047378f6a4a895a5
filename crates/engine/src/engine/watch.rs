//! What has to happen when nothing happens: snapshots asked for again, dead streams found, live books compared.

use super::Engine;
use crate::input::{LinkId, NO_LINK};
use crate::instrument::{InstrumentId, Venue};
use crate::output::{Action, Fault, FaultKind, Outbox, Output, Remedy, Validity};
use crate::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Side};

/// How often the watch looks, ns.
const LOOK_NANOS: i64 = 100 * NANOS_PER_MILLI;
/// First pause before a snapshot is asked for again; doubled each time.
const RETRY_NANOS_MIN: i64 = 500 * NANOS_PER_MILLI;
/// Longest pause.
const RETRY_NANOS_MAX: i64 = 10 * NANOS_PER_SECOND;
/// An answer that did not come by then is not coming.
const ANSWER_NANOS_MAX: i64 = 15 * NANOS_PER_SECOND;
/// A comparison of a live book that was not made by then will not be made; its snapshot may wait for urgent ones.
const COMPARISON_NANOS_MAX: i64 = 60 * NANOS_PER_SECOND;
/// Trades or new best quotes, while depth is still, that are evidence.
const SIBLINGS_MIN: u32 = 3;
/// A live book whose best price has used up that share of its trusted range is extended by a new snapshot.
const TRUSTED_SHARE_MIN: f64 = 0.25;
/// Comparisons asked for at the same time.
const COMPARISONS_MAX: usize = 1;

impl Engine {
    /// Looks after every book, ten times a second.
    pub(super) fn watch(&mut self, out: &mut Outbox) {
        if self.now < self.grid.watch_due {
            return;
        }
        self.grid.watch_due = self.now.plus(LOOK_NANOS);
        let stale_nanos = i64::from(self.config.stale_ms) * NANOS_PER_MILLI;
        let mut comparing = self.desks.iter().filter(|d| d.shadow.is_some()).count();
        for number in 0..self.desks.len() {
            let id = InstrumentId(number as u32);
            self.watch_comparison(id);
            self.watch_snapshot(id, out);
            self.watch_silence(id, stale_nanos, out);
            if self.config.audit_ms > 0 && comparing < COMPARISONS_MAX {
                comparing += usize::from(self.watch_audit(id, out));
            }
        }
    }

    /// A comparison that comes to nothing must not keep the others waiting.
    fn watch_comparison(&mut self, id: InstrumentId) {
        let (now, desk) = (self.now, &mut self.desks[id.0 as usize]);
        if now.since(desk.shadow_since) >= COMPARISON_NANOS_MAX {
            desk.give_up_comparison();
        }
    }

    fn watch_snapshot(&mut self, id: InstrumentId, out: &mut Outbox) {
        let (now, desk) = (self.now, &mut self.desks[id.0 as usize]);
        let needed = desk.synced.wants_snapshot() || (desk.shadow.is_some() && desk.validity != Validity::Live);
        let Some(link) = desk.links.last().copied().filter(|_| needed) else { return };
        let pause = match desk.asked {
            Some(_) => ANSWER_NANOS_MAX,
            None => (RETRY_NANOS_MIN << desk.tries.min(8)).min(RETRY_NANOS_MAX),
        };
        let since = desk.asked.unwrap_or(desk.last_refused(now));
        let disagrees = desk.validity == Validity::Checksum;
        if now.since(since) >= pause && (!disagrees || desk.may_rebuild(now)) {
            if disagrees {
                desk.rebuilt = Some(now);
            }
            let venue = self.registry.get(id).venue;
            desk.ask(venue, id, link, now, true, out);
        }
    }

    /// Depth that stands still while trades print or the best quotes move is dead; a quiet market is not.
    fn watch_silence(&mut self, id: InstrumentId, stale_nanos: i64, out: &mut Outbox) {
        let (now, desk) = (self.now, &mut self.desks[id.0 as usize]);
        let stale = desk.validity == Validity::Stale;
        let evidence = desk.siblings >= SIBLINGS_MIN && now.since(desk.sibling_at) >= stale_nanos;
        if !evidence || !(desk.synced.is_live() || stale) {
            return;
        }
        let Some(link) = desk.links.last().copied() else { return };
        let (venue, name) = (self.registry.get(id).venue, self.registry.get(id).id());
        // With two connections, ids that started anew look like the slower one's: then the book begins anew, whatever
        // its ids are.
        let redundant = desk.links.len() > 1;
        match desk.resubscribed {
            None => {
                let seconds = now.since(desk.last_depth_at) as f64 / 1e9;
                let text = format!(
                    "{name}: no new depth for {seconds:.1} s while {} other messages came; its stream is subscribed anew",
                    desk.siblings
                );
                out.items.push(fault(now, link, id, text));
                desk.on_gap();
                desk.audit.on_gap();
                desk.set_validity(Validity::Stale, id, now, out);
                desk.resubscribed = Some(now);
                if redundant && venue == Venue::Okx {
                    desk.synced.distrust();
                    desk.ask(venue, id, link, now, true, out);
                } else {
                    out.items.push(Output::Action(Action::Resubscribe { link, instrument: id }));
                }
            }
            Some(at) if now.since(at) >= stale_nanos => {
                out.items.push(fault(
                    now,
                    link,
                    id,
                    format!("{name}: still no depth after subscribing anew; the connection is opened anew"),
                ));
                desk.resubscribed = Some(now);
                if redundant {
                    desk.synced.distrust();
                }
                out.items.push(Output::Action(Action::Reconnect { link }));
            }
            Some(_) => {}
        }
    }

    /// Asks for a snapshot to compare a live book with; whether it did.
    fn watch_audit(&mut self, id: InstrumentId, out: &mut Outbox) -> bool {
        let (now, venue) = (self.now, self.registry.get(id).venue);
        let desk = &mut self.desks[id.0 as usize];
        if desk.validity != Validity::Live || desk.shadow.is_some() || desk.synced.last_id < 0 {
            return false;
        }
        let soon =
            desk.narrowed() && desk.audit_due.since(now) < i64::from(self.config.audit_ms) * NANOS_PER_MILLI * 9 / 10;
        if now < desk.audit_due && !soon {
            return false;
        }
        desk.audit_due = now.plus(i64::from(self.config.audit_ms) * NANOS_PER_MILLI);
        desk.begin_shadow(now);
        let link = desk.links.last().copied().unwrap_or(NO_LINK);
        desk.ask(venue, id, link, now, false, out);
        true
    }
}

fn fault(at: Nanos, link: LinkId, id: InstrumentId, text: String) -> Output {
    Output::Fault(Box::new(Fault {
        at,
        link,
        instrument: Some(id),
        kind: FaultKind::Stale,
        remedy: Remedy::Reconnect,
        text,
    }))
}

impl super::desk::Desk {
    /// Since when the pause before the next request counts.
    fn last_refused(&mut self, now: Nanos) -> Nanos {
        *self.refused_at.get_or_insert(now)
    }

    /// Whether the best price has come near the end of what is known.
    fn narrowed(&self) -> bool {
        let book = &self.synced.book;
        let (Some(bid), Some(ask)) = (book.best(Side::Bid), book.best(Side::Ask)) else { return false };
        let (below, above) = (book.trusted(Side::Bid), book.trusted(Side::Ask));
        let (Some(below), Some(above)) = (below, above) else { return false };
        let whole = (above.0 - below.0) as f64;
        let left = (bid.price.0 - below.0).min(above.0 - ask.price.0) as f64;
        left < whole / 2.0 * TRUSTED_SHARE_MIN
    }
}
