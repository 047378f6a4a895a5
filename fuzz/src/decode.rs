//! Frames and answers as a venue's decoder meets them.

use fathometer_engine::event::{Control, Event, Stamped};
use fathometer_engine::input::Body;
use fathometer_engine::instrument::Venue;
use fathometer_engine::registry::Registry;
use fathometer_engine::units::{Level, Nanos};
use fathometer_engine::venue::{self, Decoded, binance, okx};

/// A frame as a venue's decoder meets it; with a `/` at its head the first line is a request, the rest its answer.
///
/// # Panics
/// If the decoder does, if what it returns contradicts itself, or if its fast and its general way disagree.
pub fn decode(venue: Venue, data: &[u8]) {
    let mut registry = known(venue);
    let mut out = Decoded::default();
    if let Some((request, answer)) = request(data) {
        let body = Body::Reply { sent: Nanos(0), request, status: 200, body: answer };
        venue::decode(venue, &body, &mut registry, &mut out);
        return consistent(venue, &registry, &out);
    }
    // The first time teaches the units, so that the second may take the fast way.
    for _ in 0..2 {
        out.clear();
        venue::decode(venue, &Body::Text(data), &mut registry, &mut out);
        consistent(venue, &registry, &out);
    }
    let (mut general, mut registry_general) = (Decoded::default(), registry.clone());
    if data != b"pong" {
        match venue {
            Venue::Okx => okx::decode_general(data, &mut registry_general, &mut general),
            _ => binance::decode_general(venue, data, &mut registry_general, &mut general),
        }
        assert_eq!(meaning(&out), meaning(&general));
        assert_eq!(out.texts, general.texts);
        assert_eq!(out.controls, general.controls);
        assert_eq!(registry.all(), registry_general.all());
    }
}

/// Events with their own levels; levels of no event are nobody's, and where they stand means nothing.
fn meaning(out: &Decoded) -> Vec<(Stamped, &[Level], &[Level])> {
    let with_levels = |stamped: &Stamped| {
        let mut stamped = stamped.clone();
        let Event::Depth(depth) = &mut stamped.event else { return (stamped, &[][..], &[][..]) };
        let span = std::mem::take(&mut depth.span);
        (stamped, &out.levels[span.bids()], &out.levels[span.asks()])
    };
    out.events.iter().map(with_levels).collect()
}

/// A registry that knows the instruments of the corpus.
fn known(venue: Venue) -> Registry {
    let mut registry = Registry::default();
    let symbols: &[&str] = match venue {
        Venue::Okx => &["BTC-USDT", "BTC-USDT-SWAP"],
        Venue::BinanceCoinm => &["BTCUSD_PERP"],
        _ => &["BTCUSDT"],
    };
    for symbol in symbols {
        registry.resolve(venue, symbol.as_bytes());
    }
    registry
}

fn request(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let request = std::str::from_utf8(data.get(..end)?).ok()?;
    request.starts_with('/').then_some((request, data.get(end + 1..)?))
}

/// What every decoder promises: events of instruments that exist, spans within the levels; and of OKX's, which takes a
/// frame whole or not at all, no event beside a complaint.
fn consistent(venue: Venue, registry: &Registry, out: &Decoded) {
    let malformed = out.controls.iter().any(|control| matches!(control, Control::Malformed { .. }));
    assert!(!malformed || out.events.is_empty() || venue != Venue::Okx, "events beside a complaint: {out:?}");
    for stamped in &out.events {
        assert!((stamped.instrument.0 as usize) < registry.all().len());
        if let Event::Depth(depth) = &stamped.event {
            let span = depth.span;
            assert!(span.start <= span.asks && span.asks <= span.end && span.end as usize <= out.levels.len());
        }
    }
    for level in &out.levels {
        assert!(level.price.0 >= 0 && level.size.0 >= 0, "a negative level: {level:?}");
    }
    for (level, ..) in &out.texts {
        assert!((*level as usize) < out.levels.len());
    }
}
