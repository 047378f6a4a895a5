//! The shapes that make up nearly all of OKX's traffic, read in place and without allocating: books, best bid and ask,
//! trades, and the single numbers of marks, indices, open interest and funding. Whatever deviates, or needs an instrument or finer units that the registry does not have yet, is left to the general parser.

use super::say;
use crate::event::{Bbo, DepthKind, Event, LevelSpan, Stamped, Trade};
use crate::instrument::{InstrumentId, Venue};
use crate::registry::Registry;
use crate::scan::{Cursor, Forms, Plain, units_of};
use crate::units::{Decimal, Level, Nanos, Price, Scale, Size};
use crate::venue::Decoded;

/// Reads a frame; `None`, with `out` in any state, where it has to be read by the general parser.
pub(super) fn frame(bytes: &[u8], registry: &Registry, out: &mut Decoded) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.literal(b"{\"arg\":{\"channel\":")?;
    let channel = cursor.string()?;
    cursor.literal(b",\"instId\":")?;
    let id = registry.find(Venue::Okx, cursor.string()?)?;
    cursor.literal(b"},\"")?;
    let scale = registry.get(id).scale;
    match channel {
        b"trades" => {
            cursor.literal(b"data\":[")?;
            trades(&mut cursor, registry, out)?;
        }
        b"bbo-tbt" => {
            cursor.literal(b"data\":[")?;
            bbo(&mut cursor, id, scale, out)?;
            cursor.literal(b"]")?;
        }
        b"mark-price" | b"index-tickers" | b"open-interest" | b"funding-rate" => {
            cursor.literal(b"data\":[")?;
            number(&mut cursor, channel, registry, out)?;
            cursor.literal(b"]")?;
        }
        _ => {
            let limit = say::book_limit(channel)?;
            cursor.literal(b"action\":")?;
            let kind = match cursor.string()? {
                b"update" => DepthKind::Diff,
                b"snapshot" => DepthKind::Snapshot,
                _ => return None,
            };
            cursor.literal(b",\"data\":[")?;
            book(&mut cursor, id, scale, kind, limit, out)?;
            cursor.literal(b"]")?;
        }
    }
    cursor.literal(b"}")?;
    cursor.is_end().then_some(())
}

/// What stands behind the levels of a book.
#[derive(Default)]
struct Tail {
    ts: Option<Nanos>,
    seq: Option<i64>,
    prev: Option<i64>,
    checksum: Option<i32>,
}

/// The rest of an item behind its levels, with its closing brace.
fn tail(cursor: &mut Cursor<'_>) -> Option<Tail> {
    let mut tail = Tail::default();
    while cursor.skip_if(b',') {
        let key = cursor.string()?;
        cursor.literal(b":")?;
        let value = cursor.plain()?;
        match key {
            b"ts" => once(&mut tail.ts, say::millis(value.text()?)?)?,
            b"seqId" => once(&mut tail.seq, value.int()?)?,
            b"prevSeqId" => once(&mut tail.prev, value.int()?)?,
            b"checksum" => once(&mut tail.checksum, i32::try_from(value.int()?).ok()?)?,
            _ => return None,
        }
    }
    cursor.literal(b"}")?;
    Some(tail)
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// Levels of both sides, which come asks first and are kept bids first.
fn sides(cursor: &mut Cursor<'_>, scale: Scale, canonical: bool, out: &mut Vec<Level>) -> Option<LevelSpan> {
    let start = out.len();
    let mut forms = Forms::new(scale);
    let mut levels = |cursor: &mut Cursor<'_>, out: &mut Vec<Level>| {
        if canonical { cursor.canonical_levels(&mut forms, out) } else { cursor.levels(&mut forms, out) }
    };
    cursor.literal(b"{\"asks\":")?;
    levels(cursor, out)?;
    let asks = out.len() - start;
    cursor.literal(b",\"bids\":")?;
    levels(cursor, out)?;
    out.get_mut(start..)?.rotate_left(asks);
    let end = u32::try_from(out.len()).ok()?;
    Some(LevelSpan { start: start as u32, asks: end - asks as u32, end }) // both are below `end`
}

fn book(
    cursor: &mut Cursor<'_>,
    id: InstrumentId,
    scale: Scale,
    kind: DepthKind,
    limit: u32,
    out: &mut Decoded,
) -> Option<()> {
    let begin = *cursor;
    // Texts that are not the shortest ones are wanted where there is a checksum over them, which is known behind them.
    let canonical = sides(cursor, scale, true, &mut out.levels);
    let span = match canonical {
        Some(span) => span,
        None => {
            *cursor = begin;
            out.levels.clear();
            sides(cursor, scale, false, &mut out.levels)?
        }
    };
    let tail = tail(cursor)?;
    let checksum = tail.checksum.unwrap_or(0);
    if canonical.is_none() && checksum != 0 {
        return None;
    }
    let event = say::depth(kind, tail.seq.unwrap_or(-1), tail.prev.unwrap_or(-1), checksum, limit, span);
    out.events.push(Stamped { instrument: id, ts_venue: tail.ts, ts_engine: None, event });
    Some(())
}

fn bbo(cursor: &mut Cursor<'_>, id: InstrumentId, scale: Scale, out: &mut Decoded) -> Option<()> {
    let span = sides(cursor, scale, false, &mut out.levels)?;
    let tail = tail(cursor)?;
    let best = |side: std::ops::Range<usize>| out.levels.get(side)?.first().copied();
    let (bid, ask) = (best(span.bids()).unwrap_or_default(), best(span.asks()).unwrap_or_default());
    out.levels.clear(); // they are in the event
    let event = Event::Bbo(Bbo { id: tail.seq.unwrap_or(-1), bid, ask });
    out.events.push(Stamped { instrument: id, ts_venue: tail.ts, ts_engine: tail.ts, event });
    Some(())
}

/// Trades up to and with the end of the list.
fn trades(cursor: &mut Cursor<'_>, registry: &Registry, out: &mut Decoded) -> Option<()> {
    if cursor.skip_if(b']') {
        return Some(());
    }
    loop {
        trade(cursor, registry, out)?;
        if !cursor.skip_if(b',') {
            return cursor.literal(b"]");
        }
    }
}

/// A text that has to be there once.
fn text<'a>(place: &mut Option<&'a [u8]>, value: Plain<'a>) -> Option<()> {
    once(place, value.text().filter(|text| !text.is_empty())?)
}

fn trade(cursor: &mut Cursor<'_>, registry: &Registry, out: &mut Decoded) -> Option<()> {
    let (mut symbol, mut id, mut price, mut size, mut side, mut ts) = (None, None, None, None, None, None);
    let mut count = None;
    cursor.literal(b"{")?;
    loop {
        let key = cursor.string()?;
        cursor.literal(b":")?;
        let value = cursor.plain()?;
        match key {
            b"instId" => text(&mut symbol, value)?,
            b"tradeId" => text(&mut id, value)?,
            b"px" => text(&mut price, value)?,
            b"sz" => text(&mut size, value)?,
            b"side" => text(&mut side, value)?,
            b"ts" => text(&mut ts, value)?,
            b"count" => text(&mut count, value)?,
            b"source" | b"seqId" => {}
            _ => return None,
        }
        if !cursor.skip_if(b',') {
            cursor.literal(b"}")?;
            break;
        }
    }
    let instrument = registry.find(Venue::Okx, symbol?)?;
    let scale = registry.get(instrument).scale;
    let units = |text: Option<&[u8]>, decimals| units_of(text?, decimals).filter(|units| *units >= 0);
    let aggregate = match count {
        Some(count) => whole(count)? > 1,
        None => false,
    };
    let trade = Trade {
        id: whole(id?)?,
        price: Price(units(price, scale.price)?),
        size: Size(units(size, scale.size)?),
        taker_buy: say::buys(side?)?,
        aggregate,
    };
    let ts = Some(say::millis(ts?)?);
    out.events.push(Stamped { instrument, ts_venue: ts, ts_engine: ts, event: Event::Trade(trade) });
    Some(())
}

/// An item whose news is one number.
fn number(cursor: &mut Cursor<'_>, channel: &[u8], registry: &Registry, out: &mut Decoded) -> Option<()> {
    let wanted: &[u8] = match channel {
        b"mark-price" => b"markPx",
        b"index-tickers" => b"idxPx",
        b"open-interest" => b"oi",
        _ => b"fundingRate",
    };
    let (mut symbol, mut value, mut next, mut ts) = (None, None, None, None);
    cursor.literal(b"{")?;
    loop {
        let key = cursor.string()?;
        cursor.literal(b":")?;
        let found = cursor.plain()?;
        match key {
            b"instId" => text(&mut symbol, found)?,
            b"ts" => text(&mut ts, found)?,
            b"fundingTime" => text(&mut next, found)?,
            key if key == wanted => text(&mut value, found)?,
            _ => {}
        }
        if !cursor.skip_if(b',') {
            cursor.literal(b"}")?;
            break;
        }
    }
    let instrument = registry.find(Venue::Okx, symbol?)?;
    let value = Decimal::parse(value?).ok()?;
    let event = match channel {
        b"mark-price" => Event::Mark(value),
        b"index-tickers" => Event::Index(value),
        b"open-interest" => Event::OpenInterest(value),
        _ => Event::Funding { rate: value, next: say::millis(next?)? },
    };
    out.events.push(Stamped { instrument, ts_venue: Some(say::millis(ts?)?), ts_engine: None, event });
    Some(())
}

/// A whole number without a sign, of at most 18 digits.
fn whole(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
}
