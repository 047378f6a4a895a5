//! Holds a book against the venue's own best bid and ask: two independent streams have to tell the same story.
//!
//! A book after the change with id `u` must show the best bid and ask of the last message with an id at or below `u`.
//! Which one that is, is known once a later one has come; until then the comparison waits.

use crate::book::Book;
use crate::event::Bbo;
use crate::units::{Level, POW10, Scale, Side};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Best bid/ask messages kept for comparison; the oldest is given up.
const MESSAGES_MAX: usize = 4_096;
/// Room made for them at once; more come between two depth messages only when depth stalls.
const MESSAGES_ROOM: usize = 512;
/// Comparisons that wait for a later message; the oldest is given up uncompared.
const WAITING_MAX: usize = 64;

/// Result of comparisons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) checked: u64,
    pub(crate) matched: u64,
    /// Whether the newest comparison matched.
    pub(crate) last_matched: Option<bool>,
    /// The last that did not: what the message said, and what the book showed.
    pub(crate) mismatch: Option<(Quote, Quote)>,
}

/// Best bid and ask at an update id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    pub(crate) id: i64,
    pub(crate) bid: Level,
    pub(crate) ask: Level,
}

/// Messages and books that wait for each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Audit {
    messages: VecDeque<Quote>,
    waiting: VecDeque<Quote>,
    /// Only books with exactly the message's id are compared (venues that thin the messages out).
    exact: bool,
}

impl Audit {
    pub(crate) fn new(exact: bool) -> Self {
        let messages = VecDeque::with_capacity(MESSAGES_ROOM);
        Audit { messages, waiting: VecDeque::with_capacity(WAITING_MAX), exact }
    }

    /// A best bid/ask message.
    #[inline]
    pub(crate) fn on_bbo(&mut self, bbo: &Bbo) -> Verdict {
        if bbo.id < 0 {
            return Verdict::default();
        }
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.pop_front();
        }
        self.messages.push_back(Quote { id: bbo.id, bid: bbo.bid, ask: bbo.ask });
        if self.waiting.is_empty() { Verdict::default() } else { self.settle() }
    }

    /// The book after the change with that id.
    #[inline]
    pub(crate) fn on_book(&mut self, id: i64, book: &Book) -> Verdict {
        if self.messages.is_empty() || id < 0 {
            return Verdict::default();
        }
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        let empty = Level::default();
        let (bid, ask) = (book.best(Side::Bid).unwrap_or(empty), book.best(Side::Ask).unwrap_or(empty));
        self.waiting.push_back(Quote { id, bid, ask });
        self.settle()
    }

    fn settle(&mut self) -> Verdict {
        let mut verdict = Verdict::default();
        while let Some(book) = self.waiting.front().copied() {
            if self.exact {
                while self.messages.front().is_some_and(|m| m.id < book.id) {
                    self.messages.pop_front();
                }
                match self.messages.front().copied() {
                    Some(message) if message.id == book.id => verdict.count(&message, &book),
                    Some(_) => {}
                    None => return verdict,
                }
            } else {
                while self.messages.get(1).is_some_and(|next| next.id <= book.id) {
                    self.messages.pop_front();
                }
                match (self.messages.front().copied(), self.messages.get(1)) {
                    (Some(message), Some(_)) if message.id <= book.id => verdict.count(&message, &book),
                    (Some(message), _) if message.id > book.id => {} // no message is that old
                    _ => return verdict,
                }
            }
            self.waiting.pop_front();
        }
        verdict
    }

    /// The book starts anew: what waits is not to be compared.
    pub(crate) fn on_gap(&mut self) {
        self.waiting.clear();
    }

    /// Forgets all (the connection ended, ids may start anew).
    pub(crate) fn reset(&mut self) {
        self.waiting.clear();
        self.messages.clear();
    }

    /// Moves to finer units; what would leave the exact range is forgotten.
    pub(crate) fn rescale(&mut self, from: Scale, to: Scale) {
        let (price, size) = (POW10[(to.price - from.price) as usize], POW10[(to.size - from.size) as usize]);
        let all = self.messages.iter_mut().chain(self.waiting.iter_mut());
        let mut fits = true;
        for level in all.flat_map(|seen| [&mut seen.bid, &mut seen.ask]) {
            match (level.price.0.checked_mul(price), level.size.0.checked_mul(size)) {
                (Some(p), Some(s)) => (level.price.0, level.size.0) = (p, s),
                _ => fits = false,
            }
        }
        if !fits {
            self.reset();
        }
    }
}

impl Verdict {
    fn count(&mut self, message: &Quote, book: &Quote) {
        let same = message.bid == book.bid && message.ask == book.ask;
        self.checked += 1;
        self.matched += u64::from(same);
        self.last_matched = Some(same);
        if !same {
            self.mismatch = Some((*message, *book));
        }
    }
}
