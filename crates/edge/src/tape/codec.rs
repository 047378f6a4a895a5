//! Inputs to bytes and back: varints, time differences, and the body's parts.

use fathometer_engine::input::{Body, Input, Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;

/// Set in the kind byte where the link is that of the input before.
const SAME_LINK: u8 = 0x80;

const OPEN: u8 = 1;
const TEXT: u8 = 2;
const BINARY: u8 = 3;
const REPLY: u8 = 4;
const CLOSE: u8 = 5;
const TICK: u8 = 6;
const CHECKPOINT: u8 = 7;

/// What the next input is written relative to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    at: i64,
    link: LinkId,
}

impl State {
    /// The state in which a block begins whose first input is of that time.
    pub(crate) fn new(first: Nanos) -> Self {
        State { at: first.0, link: NO_LINK }
    }
}

/// Upper bound of the encoded size of an input, bytes.
pub(crate) fn size_max(input: &Input<'_>) -> usize {
    let parts = match input.body {
        Body::Open { url, .. } => url.len(),
        Body::Text(bytes) | Body::Binary(bytes) | Body::Checkpoint(bytes) => bytes.len(),
        Body::Reply { request, body, .. } => request.len() + body.len(),
        Body::Close { reason } => reason.len(),
        Body::Tick => 0,
    };
    parts + 64
}

/// Appends an input.
pub(crate) fn encode(out: &mut Vec<u8>, state: &mut State, input: &Input<'_>) {
    let kind = match input.body {
        Body::Open { .. } => OPEN,
        Body::Text(_) => TEXT,
        Body::Binary(_) => BINARY,
        Body::Reply { .. } => REPLY,
        Body::Close { .. } => CLOSE,
        Body::Tick => TICK,
        Body::Checkpoint(_) => CHECKPOINT,
    };
    let same = input.link == state.link;
    out.push(kind | if same { SAME_LINK } else { 0 });
    put(out, zigzag(input.at.0.wrapping_sub(state.at)));
    if !same {
        put(out, u64::from(input.link.0.wrapping_add(1))); // one byte for NO_LINK
    }
    match input.body {
        Body::Open { venue, leg, url } => {
            out.push(venue_code(venue));
            out.push(match leg {
                Leg::A => 0,
                Leg::B => 1,
            });
            put_bytes(out, url.as_bytes());
        }
        Body::Text(bytes) | Body::Binary(bytes) | Body::Checkpoint(bytes) => put_bytes(out, bytes),
        Body::Reply { sent, request, status, body } => {
            put(out, zigzag(input.at.0.wrapping_sub(sent.0)));
            put(out, u64::from(status));
            put_bytes(out, request.as_bytes());
            put_bytes(out, body);
        }
        Body::Close { reason } => put_bytes(out, reason.as_bytes()),
        Body::Tick => {}
    }
    *state = State { at: input.at.0, link: input.link };
}

/// Takes the next input off the front of `bytes`; `None` if they are not one.
pub(crate) fn decode<'a>(bytes: &mut &'a [u8], state: &mut State) -> Option<Input<'a>> {
    let first = take_byte(bytes)?;
    let at = state.at.wrapping_add(unzigzag(take(bytes)?));
    let link =
        if first & SAME_LINK != 0 { state.link } else { LinkId(u32::try_from(take(bytes)?).ok()?.wrapping_sub(1)) };
    let body = match first & !SAME_LINK {
        OPEN => Body::Open {
            venue: venue_of(take_byte(bytes)?)?,
            leg: match take_byte(bytes)? {
                0 => Leg::A,
                1 => Leg::B,
                _ => return None,
            },
            url: take_text(bytes)?,
        },
        TEXT => Body::Text(take_bytes(bytes)?),
        BINARY => Body::Binary(take_bytes(bytes)?),
        REPLY => Body::Reply {
            sent: Nanos(at.wrapping_sub(unzigzag(take(bytes)?))),
            status: u16::try_from(take(bytes)?).ok()?,
            request: take_text(bytes)?,
            body: take_bytes(bytes)?,
        },
        CLOSE => Body::Close { reason: take_text(bytes)? },
        TICK => Body::Tick,
        CHECKPOINT => Body::Checkpoint(take_bytes(bytes)?),
        _ => return None,
    };
    *state = State { at, link };
    Some(Input { at: Nanos(at), link, body })
}

/// Numbers on tapes are for ever: they do not follow the order of the enum.
fn venue_code(venue: Venue) -> u8 {
    match venue {
        Venue::Binance => 1,
        Venue::BinanceUsdm => 2,
        Venue::BinanceCoinm => 3,
        Venue::Okx => 4,
    }
}

fn venue_of(code: u8) -> Option<Venue> {
    Venue::ALL.into_iter().find(|v| venue_code(*v) == code)
}

/// Small numbers of either sign as small numbers.
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// What `zigzag` was made of.
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a number, seven bits per byte, lowest first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes a byte off the front.
pub(crate) fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// Takes a number off the front; `None` beyond 64 bits.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_bytes(bytes)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_times_and_links_survive() {
        let inputs = [
            Input { at: Nanos(i64::MIN), link: LinkId(0), body: Body::Tick },
            Input { at: Nanos(i64::MAX), link: NO_LINK, body: Body::Tick },
            Input {
                at: Nanos(0),
                link: LinkId(u32::MAX - 1),
                body: Body::Reply { sent: Nanos(i64::MIN), request: "", status: u16::MAX, body: b"" },
            },
        ];
        let mut bytes = Vec::new();
        let mut state = State::new(Nanos(5));
        inputs.iter().for_each(|i| encode(&mut bytes, &mut state, i));
        let (mut rest, mut state) = (&bytes[..], State::new(Nanos(5)));
        for input in inputs {
            assert_eq!(decode(&mut rest, &mut state), Some(input));
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_no_input_is_none() {
        for bytes in [&[][..], &[0, 0], &[TEXT | SAME_LINK, 0, 9, 1], &[TICK, 0xff], &[OPEN | SAME_LINK, 0, 9, 0, 0]] {
            assert_eq!(decode(&mut &bytes[..], &mut State::new(Nanos(0))), None, "{bytes:?}");
        }
    }
}
