//! The fast way: flat messages in one pass, levels straight into their place. `false` means: let the general decoder do it.

use super::fields::{Fields, Stream};
use super::{message, shapes};
use crate::instrument::Venue;
use crate::registry::Registry;
use crate::scan::{Cursor, Forms, Plain};
use crate::units::Scale;
use crate::venue::Decoded;

/// Decodes a frame if it has one of the usual shapes.
pub(super) fn decode(venue: Venue, frame: &[u8], registry: &mut Registry, out: &mut Decoded) -> bool {
    let mut cursor = Cursor::new(frame);
    scan(venue, &mut cursor, registry, out).is_some()
}

/// Reads a REST depth reply: one flat object.
pub(super) fn object(
    venue: Venue,
    body: &[u8],
    symbol: &[u8],
    registry: &mut Registry,
    out: &mut Decoded,
) -> Option<Fields<'static>> {
    let mut cursor = Cursor::new(body);
    let id = registry.resolve(venue, symbol);
    let fields = fields(venue, &mut cursor, Some(registry.get(id).scale), registry, out)?;
    // Only numbers and spans are asked of a reply, so that nothing is borrowed from it.
    let keep = |p: Plain<'_>| p.int().map_or(Plain::Missing, Plain::Int);
    cursor.is_end().then(|| Fields {
        lastUpdateId: keep(fields.lastUpdateId),
        E: keep(fields.E),
        T: keep(fields.T),
        bids: fields.bids,
        asks: fields.asks,
        unknown: fields.unknown,
        ..Fields::default()
    })
}

fn scan<'a>(venue: Venue, cursor: &mut Cursor<'a>, registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let wrapped = cursor.literal(b"{\"stream\":\"").is_some();
    let name = if wrapped {
        let name = cursor.rest_of_string()?;
        cursor.literal(b",\"data\":")?;
        name
    } else {
        &[]
    };
    let start = *cursor;
    if shapes::decode(venue, name, cursor, registry, out).is_some() {
        if wrapped {
            cursor.literal(b"}")?;
        }
        return cursor.is_end().then_some(());
    }
    *cursor = start;
    out.clear();
    let stream = Stream::parse(name);
    // A partial-depth message of spot has no symbol of its own.
    let scale =
        if wrapped && stream.is_partial() { Some(message::stream_scale(venue, &stream, registry)?) } else { None };
    let fields = fields(venue, cursor, scale, registry, out)?;
    if let (Some(_), Some(symbol)) = (scale, fields.s.text())
        && symbol.iter().copied().ne(stream.symbol.iter().map(u8::to_ascii_uppercase))
    {
        return None; // the levels were read in the units of another instrument
    }
    if wrapped {
        cursor.literal(b"}")?;
    }
    let odd = fields.span().is_none() && (fields.bids.is_some() || fields.asks.is_some()); // asks first, or one side twice
    if odd || !cursor.is_end() {
        return None;
    }
    message::emit(venue, &stream, &fields, registry, out)
}

#[inline]
fn fields<'a>(
    venue: Venue,
    cursor: &mut Cursor<'a>,
    mut scale: Option<Scale>,
    registry: &mut Registry,
    out: &mut Decoded,
) -> Option<Fields<'a>> {
    let mut fields = Fields::default();
    cursor.literal(b"{")?;
    loop {
        let key = cursor.string()?;
        cursor.literal(b":")?;
        if cursor.peek() == b'[' {
            let scale = match scale {
                Some(known) => known,
                None => {
                    // A new one is left to the general decoder: what is refused here must leave no trace.
                    let id = registry.find(venue, fields.s.text()?)?;
                    *scale.insert(registry.get(id).scale)
                }
            };
            let start = out.levels.len() as u32;
            cursor.levels(&mut Forms::new(scale), &mut out.levels)?;
            let range = Some((start, out.levels.len() as u32));
            let side = match key {
                b"b" | b"bids" => &mut fields.bids,
                b"a" | b"asks" => &mut fields.asks,
                _ => return None,
            };
            if side.is_some() {
                return None; // a side told twice: which one counts is for the general decoder to say
            }
            *side = range;
        } else {
            if key == b"s" && (fields.bids.is_some() || fields.asks.is_some()) {
                return None; // whose levels they were is only known now
            }
            fields.put(key, cursor.plain()?);
        }
        if !cursor.skip_if(b',') {
            cursor.literal(b"}")?;
            return Some(fields);
        }
    }
}
