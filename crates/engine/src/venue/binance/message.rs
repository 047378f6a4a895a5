//! What each message means, once its fields are collected.

use super::fields::{Fields, Stream};
use crate::event::{Bbo, Control, Depth, DepthKind, Event, LevelSpan, Liquidation, Stamped, Trade};
use crate::instrument::{InstrumentId, Venue};
use crate::registry::Registry;
use crate::scan::Plain;
use crate::units::{Decimal, Level, Nanos, Price, Scale, Size};
use crate::venue::Decoded;
use serde_json::{Map, Value};

/// Kinds that may come and that nothing here needs.
const KNOWN: [&[u8]; 16] = [
    b"24hrTicker",
    b"24hrMiniTicker",
    b"kline",
    b"continuous_kline",
    b"avgPrice",
    b"referencePrice",
    b"blockTrade",
    b"compositeIndex",
    b"assetIndexUpdate",
    b"1hTicker",
    b"4hTicker",
    b"1dTicker",
    b"rpiDepth",
    b"indexPriceUpdate",
    b"tradingSession",
    b"markPrice_kline",
];

/// Emits the events of one message. `None`: a field that it must have is missing or out of range.
#[inline]
pub(super) fn emit(
    venue: Venue,
    stream: &Stream<'_>,
    f: &Fields<'_>,
    registry: &mut Registry,
    out: &mut Decoded,
) -> Option<()> {
    out.unknown_keys += f.unknown;
    match f.e {
        Plain::Text(b"depthUpdate") => depth(venue, stream, f, registry, out),
        Plain::Text(b"bookTicker") => bbo(venue, f, registry, out),
        Plain::Text(b"trade") => trade(venue, f, f.t, false, registry, out),
        Plain::Text(b"aggTrade") => trade(venue, f, f.a, true, registry, out),
        Plain::Text(b"markPriceUpdate") => mark(venue, f, registry, out),
        Plain::Text(b"contractInfo") => status(venue, f, registry, out),
        Plain::Text(b"serverShutdown") => {
            out.controls.push(Control::Closing { text: "the exchange announces the end of this connection".into() });
            Some(())
        }
        Plain::Text(kind) => {
            if !KNOWN.contains(&kind) {
                out.controls.push(Control::Unknown);
            }
            Some(())
        }
        Plain::Missing => untyped(venue, stream, f, registry, out),
        _ => None,
    }
}

/// Spot's bookTicker and partial depth have no type; nor have answers to requests.
fn untyped(
    venue: Venue,
    stream: &Stream<'_>,
    f: &Fields<'_>,
    registry: &mut Registry,
    out: &mut Decoded,
) -> Option<()> {
    if f.u.int().is_some() && f.B.text().is_some() {
        return bbo(venue, f, registry, out);
    }
    if let (Some(id), Some(span)) = (f.lastUpdateId.int(), f.span()) {
        if stream.symbol.is_empty() {
            out.controls.push(Control::Unknown); // nobody can tell whose levels these are
            return Some(());
        }
        let instrument = registry.resolve(venue, &stream.symbol.to_ascii_uppercase());
        let depth =
            Depth { kind: DepthKind::Partial, first_id: id, last_id: id, prev_id: -1, checksum: None, limit: 0, span };
        out.events.push(Stamped { instrument, ts_venue: None, ts_engine: None, event: Event::Depth(depth) });
        return Some(());
    }
    out.controls.push(match (f.code, f.msg) {
        (Plain::Int(code), Plain::Text(msg)) => {
            Control::Error { code, text: String::from_utf8_lossy(msg).into_owned() }
        }
        _ if f.id != Plain::Missing || f.result != Plain::Missing => Control::Ack,
        _ => Control::Unknown,
    });
    Some(())
}

#[inline]
fn stamped(instrument: InstrumentId, f: &Fields<'_>, event: Event) -> Stamped {
    Stamped { instrument, ts_venue: f.E.int().map(stamp), ts_engine: f.T.int().filter(|t| *t > 0).map(stamp), event }
}

/// Milliseconds, or microseconds where the connection asked for them.
#[inline]
fn stamp(n: i64) -> Nanos {
    const YEAR_5138_MS: i64 = 100_000_000_000_000;
    if n < YEAR_5138_MS { Nanos::from_millis(n) } else { Nanos(n.saturating_mul(1_000)) }
}

#[inline]
fn depth(venue: Venue, stream: &Stream<'_>, f: &Fields<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let instrument = registry.resolve(venue, f.s.text()?);
    let depth = Depth {
        kind: if stream.is_partial() { DepthKind::Partial } else { DepthKind::Diff },
        first_id: f.U.int()?,
        last_id: f.u.int()?,
        prev_id: f.pu.int().unwrap_or(-1),
        checksum: None,
        limit: 0,
        span: f.span()?,
    };
    out.events.push(stamped(instrument, f, Event::Depth(depth)));
    Some(())
}

#[inline]
fn bbo(venue: Venue, f: &Fields<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let id = registry.resolve(venue, f.s.text()?);
    let bid = Level { price: registry.price(id, f.b.text()?)?, size: registry.size(id, f.B.text()?)? };
    let before = registry.get(id).scale;
    let ask = Level { price: registry.price(id, f.a.text()?)?, size: registry.size(id, f.A.text()?)? };
    if registry.get(id).scale != before {
        return bbo(venue, f, registry, out); // the units became finer between the sides: read both again
    }
    out.events.push(stamped(id, f, Event::Bbo(Bbo { id: f.u.int().unwrap_or(-1), bid, ask })));
    Some(())
}

#[inline]
fn trade(
    venue: Venue,
    f: &Fields<'_>,
    number: Plain<'_>,
    aggregate: bool,
    registry: &mut Registry,
    out: &mut Decoded,
) -> Option<()> {
    let id = registry.resolve(venue, f.s.text()?);
    let trade = Trade {
        id: number.int()?,
        price: registry.price(id, f.p.text()?)?,
        size: registry.size(id, f.q.text()?)?,
        taker_buy: !f.m.truth()?,
        aggregate,
    };
    // Futures send price 0 and size 0 for ids that were spent without a trade.
    if trade.price != Price(0) || trade.size != Size(0) {
        out.events.push(stamped(id, f, Event::Trade(trade)));
    }
    Some(())
}

fn mark(venue: Venue, f: &Fields<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let id = registry.resolve(venue, f.s.text()?);
    let ts_venue = f.E.int().map(stamp);
    let mut push = |event| out.events.push(Stamped { instrument: id, ts_venue, ts_engine: None, event });
    push(Event::Mark(Decimal::parse(f.p.text()?).ok()?));
    if let Some(index) = f.i.text() {
        push(Event::Index(Decimal::parse(index).ok()?));
    }
    // Dated contracts have an empty rate and next time 0.
    if let (Some(rate), Some(next)) = (f.r.text().filter(|r| !r.is_empty()), f.T.int().filter(|t| *t > 0)) {
        push(Event::Funding { rate: Decimal::parse(rate).ok()?, next: stamp(next) });
    }
    Some(())
}

fn status(venue: Venue, f: &Fields<'_>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let Some(instrument) = registry.find(venue, f.s.text()?) else { return Some(()) };
    let state = String::from_utf8_lossy(f.cs.text().unwrap_or(b"unknown")).into_owned();
    out.events.push(stamped(instrument, f, Event::Status { state, may_cross: false }));
    Some(())
}

/// A forced order; its fields stand one level deeper than everywhere else.
pub(super) fn liquidation(
    venue: Venue,
    outer: &Map<String, Value>,
    order: &Map<String, Value>,
    registry: &mut Registry,
    out: &mut Decoded,
) {
    let text = |key: &str| order.get(key).and_then(Value::as_str).map(str::as_bytes);
    let mut read = || {
        let id = registry.resolve(venue, text("s")?);
        let price = registry.price(id, text("p")?)?;
        let size = registry.size(id, text("q")?)?;
        let forced = Liquidation { price, size, buy: text("S")? == b"BUY" };
        let ms = |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_i64).map(stamp);
        Some(Stamped {
            instrument: id,
            ts_venue: ms(outer, "E"),
            ts_engine: ms(order, "T"),
            event: Event::Liquidation(forced),
        })
    };
    match read() {
        Some(event) => out.events.push(event),
        None => out.controls.push(Control::Malformed { text: "a forced order without symbol, price or size".into() }),
    }
}

/// The units of the instrument that a stream's name speaks of, if it is known.
pub(super) fn stream_scale(venue: Venue, stream: &Stream<'_>, registry: &Registry) -> Option<Scale> {
    let id = registry.find(venue, &stream.symbol.to_ascii_uppercase())?;
    Some(registry.get(id).scale)
}

/// The whole book as an event.
pub(super) fn snapshot(
    instrument: InstrumentId,
    f: &Fields<'_>,
    limit: u32,
    span: LevelSpan,
    out: &mut Decoded,
) -> Option<()> {
    let id = f.lastUpdateId.int()?;
    let depth =
        Depth { kind: DepthKind::Snapshot, first_id: id, last_id: id, prev_id: -1, checksum: None, limit, span };
    out.events.push(stamped(instrument, f, Event::Depth(depth)));
    Some(())
}
