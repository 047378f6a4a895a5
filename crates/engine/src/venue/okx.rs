//! OKX v5: spot, swaps, futures and options on one kind of connection.

use super::Decoded;
use crate::event::Control;
use crate::input::Body;
use crate::registry::Registry;

pub(crate) mod chain;
pub mod checksum;
mod decode;
mod fast;
mod instrument;
mod node;
pub mod plan;
mod reply;
mod say;

/// Reads one input of an OKX connection into `out`, which is emptied first. A frame is taken whole or, with
/// `Control::Malformed`, not at all. Instruments that a frame is about are added to the registry, and their units made
/// fine enough for it.
pub fn decode(body: &Body<'_>, registry: &mut Registry, out: &mut Decoded) {
    out.clear();
    match *body {
        Body::Text(b"pong") => out.controls.push(Control::Pong),
        Body::Text(bytes) => {
            if fast::frame(bytes, registry, out).is_none() {
                decode::frame(bytes, registry, out);
            }
        }
        Body::Reply { request, status, body, .. } => reply::reply(request, status, body, registry, out),
        Body::Binary(_) => {
            out.controls.push(Control::Malformed { text: "a binary frame, which this venue never sends".to_owned() });
        }
        Body::Open { .. } | Body::Close { .. } | Body::Tick | Body::Checkpoint(_) => {}
    }
}

/// The general decoder of text frames alone, to which the scanner is held.
pub fn decode_general(frame: &[u8], registry: &mut Registry, out: &mut Decoded) {
    decode::frame(frame, registry, out);
}

#[cfg(test)]
mod tests;
