//! What both ways of reading OKX's frames agree on, so that they cannot differ.

use crate::event::{Depth, DepthKind, Event, LevelSpan};
use crate::units::Nanos;

/// Levels per side at most in the channels that keep a whole book.
pub(super) fn book_limit(channel: &[u8]) -> Option<u32> {
    match channel {
        b"books" | b"books-l2-tbt" | b"books-rpi" | b"books-elp" => Some(400),
        b"books50-l2-tbt" => Some(50),
        _ => None,
    }
}

/// Whether the side of a taker or of a forced order is the buying one.
pub(super) fn buys(side: &[u8]) -> Option<bool> {
    match side {
        b"buy" => Some(true),
        b"sell" => Some(false),
        _ => None,
    }
}

/// A time from its text in milliseconds.
pub(super) fn millis(text: &[u8]) -> Option<Nanos> {
    if text.is_empty() || text.len() > 15 {
        return None;
    }
    let mut ms: i64 = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        ms = ms * 10 + i64::from(byte - b'0');
    }
    Some(Nanos::from_millis(ms))
}

/// A depth message. This venue has one id per message; before 2022 it had none. Since June 2026 the checksum is
/// always 0, which says nothing (a true one is 0 once in 2^32).
pub(super) fn depth(kind: DepthKind, seq: i64, prev: i64, checksum: i32, limit: u32, span: LevelSpan) -> Event {
    let checksum = (checksum != 0).then_some(checksum);
    Event::Depth(Depth { kind, first_id: seq, last_id: seq, prev_id: prev, checksum, limit, span })
}
