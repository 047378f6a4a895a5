//! The three messages that make up nearly all traffic, in the order of keys in which Binance writes them. `None` means: not
//! quite that shape, ask the scanner that takes keys in any order.

use super::fields::Stream;
use super::message::stamp;
use crate::event::{Bbo, Depth, DepthKind, Event, LevelSpan, Stamped, Trade};
use crate::instrument::{InstrumentId, Venue};
use crate::registry::Registry;
use crate::scan::Cursor;
use crate::units::{Level, Nanos, Price, Size};
use crate::venue::Decoded;

/// Decodes the object at the cursor, up to its closing brace.
#[inline]
pub(super) fn decode(
    venue: Venue,
    name: &[u8],
    at: &mut Cursor<'_>,
    registry: &mut Registry,
    out: &mut Decoded,
) -> Option<()> {
    if at.literal(b"{\"e\":\"depthUpdate\",\"E\":").is_some() {
        depth(venue, name, at, registry, out)
    } else if at.literal(b"{\"e\":\"bookTicker\",\"u\":").is_some() || at.literal(b"{\"u\":").is_some() {
        bbo(venue, at, registry, out)
    } else if at.literal(b"{\"e\":\"trade\",\"E\":").is_some() {
        trade(venue, at, registry, out)
    } else {
        None
    }
}

fn depth(venue: Venue, name: &[u8], at: &mut Cursor<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let ts_venue = at.integer()?;
    let ts_engine = optional(at, b",\"T\":")?;
    let instrument = symbol(venue, at, registry)?;
    at.literal(b",\"U\":")?;
    let first_id = at.integer()?;
    at.literal(b",\"u\":")?;
    let last_id = at.integer()?;
    let prev_id = optional(at, b",\"pu\":")?.unwrap_or(-1);
    let start = out.levels.len() as u32;
    at.literal(b",\"b\":")?;
    let forms = registry.forms(instrument);
    at.levels(forms, &mut out.levels)?;
    let asks = out.levels.len() as u32;
    at.literal(b",\"a\":")?;
    at.levels(forms, &mut out.levels)?;
    let span = LevelSpan { start, asks, end: out.levels.len() as u32 };
    close(at)?;
    let kind = if Stream::parse(name).is_partial() { DepthKind::Partial } else { DepthKind::Diff };
    let depth = Depth { kind, first_id, last_id, prev_id, checksum: None, limit: 0, span };
    push(instrument, Some(ts_venue), ts_engine, Event::Depth(depth), out)
}

fn bbo(venue: Venue, at: &mut Cursor<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let id = at.integer()?;
    let instrument = symbol(venue, at, registry)?;
    at.literal(b",\"b\":\"")?;
    let forms = registry.forms(instrument);
    let bid = at.level(forms, b"\",\"B\":\"")?;
    at.literal(b"\",\"a\":\"")?;
    let ask = at.level(forms, b"\",\"A\":\"")?;
    at.literal(b"\"")?;
    let ts_engine = optional(at, b",\"T\":")?;
    let ts_venue = optional(at, b",\"E\":")?;
    close(at)?;
    push(instrument, ts_venue, ts_engine, Event::Bbo(Bbo { id, bid, ask }), out)
}

fn trade(venue: Venue, at: &mut Cursor<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let ts_venue = at.integer()?;
    let before = optional(at, b",\"T\":")?;
    let instrument = symbol(venue, at, registry)?;
    at.literal(b",\"t\":")?;
    let id = at.integer()?;
    at.literal(b",\"p\":\"")?;
    let forms = registry.forms(instrument);
    let Level { price, size } = at.level(forms, b"\",\"q\":\"")?;
    at.literal(b"\"")?;
    if at.literal(b",\"X\":\"").is_some() {
        at.rest_of_string()?;
    }
    let behind = optional(at, b",\"T\":")?;
    at.literal(b",\"m\":")?;
    let taker_buy = if at.literal(b"true").is_some() { false } else { at.literal(b"false").map(|()| true)? };
    if at.literal(b",\"M\":").is_some() && at.literal(b"true").is_none() {
        at.literal(b"false")?;
    }
    close(at)?;
    // Futures send price 0 and size 0 for ids that were spent without a trade.
    if price == Price(0) && size == Size(0) {
        return Some(());
    }
    let trade = Trade { id, price, size, taker_buy, aggregate: false };
    push(instrument, Some(ts_venue), behind.or(before), Event::Trade(trade), out)
}

#[inline]
fn push(
    instrument: InstrumentId,
    venue: Option<i64>,
    engine: Option<i64>,
    event: Event,
    out: &mut Decoded,
) -> Option<()> {
    let ts_engine: Option<Nanos> = engine.filter(|t| *t > 0).map(stamp);
    out.events.push(Stamped { instrument, ts_venue: venue.map(stamp), ts_engine, event });
    Some(())
}

/// `,"s":"BTCUSDT"`, and since 2026 the pair behind it. A new one is left to the general decoder: what is refused further
/// on must leave no trace.
#[inline]
fn symbol(venue: Venue, at: &mut Cursor<'_>, registry: &mut Registry) -> Option<InstrumentId> {
    at.literal(b",\"s\":\"")?;
    let begin = *at;
    let instrument = match registry.last(venue) {
        Some((last, text)) if at.literal(text).is_some() && at.skip_if(b'"') => last,
        _ => {
            *at = begin;
            registry.find_next(venue, at.rest_of_string()?)?
        }
    };
    if at.literal(b",\"ps\":\"").is_some() {
        at.rest_of_string()?;
    }
    Some(instrument)
}

/// A number that may be missing; `None` if it is there and is none.
#[inline(always)] // so that the key is compared as a constant
fn optional(at: &mut Cursor<'_>, key: &[u8]) -> Option<Option<i64>> {
    if at.literal(key).is_some() { at.integer().map(Some) } else { Some(None) }
}

/// The closing brace, and since 2026 the market before it.
#[inline]
fn close(at: &mut Cursor<'_>) -> Option<()> {
    optional(at, b",\"st\":")?;
    at.literal(b"}")
}
