//! Binance spot, USD-M and COIN-M: what they send, and the numbered rules by which their books are kept.

use crate::event::Control;
use crate::input::Body;
use crate::instrument::Venue;
use crate::registry::Registry;
use crate::venue::Decoded;

pub(crate) mod chain;
mod fields;
mod general;
pub mod info;
mod message;
pub mod plan;
mod reply;
mod scanner;
mod shapes;

/// Turns one input into events.
pub fn decode(venue: Venue, body: &Body<'_>, registry: &mut Registry, out: &mut Decoded) {
    match body {
        Body::Text(frame) => {
            let read = scanner::decode(venue, frame, registry, out);
            if !read {
                out.clear();
                general::decode(venue, frame, registry, out);
            }
        }
        Body::Binary(frame) => out.controls.push(Control::Malformed {
            text: format!("a binary frame of {} bytes, but the JSON streams send text only", frame.len()),
        }),
        Body::Reply { request, status, body, .. } => reply::decode(venue, request, *status, body, registry, out),
        _ => {}
    }
}

/// The general decoder alone, to which the scanner is held.
pub fn decode_general(venue: Venue, frame: &[u8], registry: &mut Registry, out: &mut Decoded) {
    general::decode(venue, frame, registry, out);
}
