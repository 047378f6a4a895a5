//! The general way: any JSON that Binance may send, through serde_json. Slow, complete, and the measure of the fast one.

use super::fields::{Fields, Stream};
use super::message;
use crate::event::Control;
use crate::instrument::Venue;
use crate::registry::Registry;
use crate::scan::Plain;
use crate::units::{Decimal, Level, Price, Size, UnitError};
use crate::venue::Decoded;
use serde_json::{Map, Value};

/// Decodes a text frame.
pub(super) fn decode(venue: Venue, frame: &[u8], registry: &mut Registry, out: &mut Decoded) {
    match serde_json::from_slice::<Value>(frame) {
        Ok(Value::Object(mut top)) => {
            let name = match (top.get("stream"), top.contains_key("data")) {
                (Some(Value::String(name)), true) => Some(name.clone()),
                _ => None,
            };
            match name {
                Some(name) => {
                    let data = top.remove("data").unwrap_or(Value::Null);
                    each(venue, &Stream::parse(name.as_bytes()), &data, registry, out);
                }
                None => each(venue, &Stream::default(), &Value::Object(top), registry, out),
            }
        }
        Ok(Value::Array(all)) => each(venue, &Stream::default(), &Value::Array(all), registry, out),
        Ok(_) => out.controls.push(Control::Malformed { text: "neither an object nor a list".into() }),
        Err(error) => out.controls.push(Control::Malformed { text: format!("not JSON: {error}") }),
    }
}

/// All-market streams send lists.
fn each(venue: Venue, stream: &Stream<'_>, data: &Value, registry: &mut Registry, out: &mut Decoded) {
    match data {
        Value::Array(items) => {
            for item in items {
                each_object(venue, stream, item, registry, out);
            }
        }
        other => each_object(venue, stream, other, registry, out),
    }
}

fn each_object(venue: Venue, stream: &Stream<'_>, data: &Value, registry: &mut Registry, out: &mut Decoded) {
    let Value::Object(object) = data else {
        out.controls.push(Control::Unknown);
        return;
    };
    if let Some(Value::Object(error)) = object.get("error") {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or(-1);
        let text = error.get("msg").and_then(Value::as_str).unwrap_or("no words").to_owned();
        out.controls.push(Control::Error { code, text });
        return;
    }
    if let (Some("forceOrder"), Some(Value::Object(order))) = (object.get("e").and_then(Value::as_str), object.get("o"))
    {
        message::liquidation(venue, object, order, registry, out);
        return;
    }
    match collect(venue, stream, object, registry, out) {
        Ok(fields) => {
            if message::emit(venue, stream, &fields, registry, out).is_none() {
                out.controls.push(Control::Malformed { text: "a number or a field is missing or out of range".into() });
            }
        }
        Err(control) => out.controls.push(control),
    }
}

/// Collects an object's fields; levels in units fine enough for every one of them.
pub(super) fn collect<'v>(
    venue: Venue,
    stream: &Stream<'_>,
    object: &'v Map<String, Value>,
    registry: &mut Registry,
    out: &mut Decoded,
) -> Result<Fields<'v>, Control> {
    let mut fields = Fields::default();
    for (key, value) in object {
        let plain = match value {
            Value::String(text) => Plain::Text(text.as_bytes()),
            Value::Bool(b) => Plain::Bool(*b),
            Value::Null => Plain::Null,
            Value::Number(n) => n.as_i64().map_or(Plain::Missing, Plain::Int),
            Value::Array(_) | Value::Object(_) => Plain::Missing,
        };
        fields.put(key.as_bytes(), plain);
    }
    let side = |long: &str, short: &str| object.get(long).or_else(|| object.get(short)).and_then(Value::as_array);
    if let (Some(bids), Some(asks)) = (side("bids", "b"), side("asks", "a")) {
        let symbol = match (fields.s.text(), stream.symbol) {
            (Some(symbol), _) => symbol.to_vec(),
            (None, symbol) if !symbol.is_empty() => symbol.to_ascii_uppercase(),
            _ => return Err(malformed("price levels without a symbol: use the combined stream")),
        };
        let id = registry.resolve(venue, &symbol);
        let decimals = bids.iter().chain(asks).map(decimals).collect::<Result<Vec<_>, _>>()?;
        let price = decimals.iter().map(|(p, _)| p.decimals).max().unwrap_or(0);
        let size = decimals.iter().map(|(_, s)| s.decimals).max().unwrap_or(0);
        registry.widen(id, price, size);
        let scale = registry.get(id).scale;
        let start = out.levels.len() as u32;
        for (price, size) in &decimals {
            let price = Price(price.at(scale.price).map_err(unfit)?);
            let size = Size(size.at(scale.size).map_err(unfit)?);
            out.levels.push(Level { price, size });
        }
        let asks_start = start + bids.len() as u32;
        fields.bids = Some((start, asks_start));
        fields.asks = Some((asks_start, out.levels.len() as u32));
    }
    Ok(fields)
}

/// Price and size of one `["price","size",...]`.
fn decimals(level: &Value) -> Result<(Decimal, Decimal), Control> {
    let text =
        |i: usize| level.get(i).and_then(Value::as_str).ok_or_else(|| malformed("a level is not a pair of strings"));
    let read = |i: usize| {
        let decimal = Decimal::parse(text(i)?.as_bytes()).map_err(unfit)?;
        if decimal.mantissa < 0 { Err(malformed("level: negative number")) } else { Ok(decimal) }
    };
    Ok((read(0)?, read(1)?))
}

fn malformed(text: &str) -> Control {
    Control::Malformed { text: text.to_owned() }
}

fn unfit(error: UnitError) -> Control {
    let text = format!("level: {error}");
    if error == UnitError::Overflow { Control::Overflow { text } } else { Control::Malformed { text } }
}
