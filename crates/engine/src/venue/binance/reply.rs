//! Answers over HTTP, told apart by the path that was asked for.

use super::fields::Stream;
use super::{general, info, message, scanner};
use crate::event::{Control, Event, Stamped};
use crate::instrument::Venue;
use crate::registry::Registry;
use crate::units::{Decimal, Nanos};
use crate::venue::{Decoded, query};
use serde_json::Value;

/// Decodes an answer to `request`.
pub(super) fn decode(
    venue: Venue,
    request: &str,
    status: u16,
    body: &[u8],
    registry: &mut Registry,
    out: &mut Decoded,
) {
    answer(venue, request, status, body, registry, out);
    if out.events.is_empty()
        && path(request).ends_with("/depth")
        && let Some(id) = query(request, "symbol").and_then(|symbol| registry.find(venue, symbol.as_bytes()))
    {
        out.controls.push(Control::NoSnapshot(id));
    }
}

fn path(request: &str) -> &str {
    request.split('?').next().unwrap_or(request)
}

fn answer(venue: Venue, request: &str, status: u16, body: &[u8], registry: &mut Registry, out: &mut Decoded) {
    if status != 200 {
        let words = serde_json::from_slice::<Value>(body).ok();
        let text = words.as_ref().and_then(|w| w.get("msg")).and_then(Value::as_str).unwrap_or("no words");
        out.controls.push(Control::Error { code: i64::from(status), text: format!("{request}: {text}") });
        return;
    }
    let done = match path(request).rsplit('/').next() {
        Some("depth") => depth(venue, request, body, registry, out),
        Some("time") => time(body, out),
        Some("exchangeInfo") => {
            info::decode_exchange_info(venue, body, registry, out);
            Some(())
        }
        Some("openInterest") => open_interest(venue, body, registry, out),
        _ => {
            out.controls.push(Control::Unknown);
            Some(())
        }
    };
    if done.is_none() {
        out.clear();
        out.controls.push(Control::Malformed { text: format!("the answer to {request} is not what it should be") });
    }
}

fn depth(venue: Venue, request: &str, body: &[u8], registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let symbol = query(request, "symbol")?.as_bytes();
    let limit =
        query(request, "limit").and_then(|l| l.parse().ok()).unwrap_or(if venue == Venue::Binance { 100 } else { 500 });
    let instrument = registry.resolve(venue, symbol);
    if let Some(fields) = scanner::object(venue, body, symbol, registry, out)
        && let Some(span) = fields.span()
    {
        return message::snapshot(instrument, &fields, limit, span, out);
    }
    out.clear();
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else { return None };
    let lower = symbol.to_ascii_lowercase();
    let fields = match general::collect(venue, &Stream { symbol: &lower, kind: b"" }, &object, registry, out) {
        Ok(fields) => fields,
        Err(control) => {
            out.clear();
            out.controls.push(control);
            return Some(());
        }
    };
    message::snapshot(instrument, &fields, limit, fields.span()?, out)
}

fn time(body: &[u8], out: &mut Decoded) -> Option<()> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    out.controls.push(Control::Time(Nanos::from_millis(answer.get("serverTime")?.as_i64()?)));
    Some(())
}

fn open_interest(venue: Venue, body: &[u8], registry: &mut Registry, out: &mut Decoded) -> Option<()> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let instrument = registry.resolve(venue, answer.get("symbol")?.as_str()?.as_bytes());
    let open = Decimal::parse(answer.get("openInterest")?.as_str()?.as_bytes()).ok()?;
    let ts_venue = answer.get("time").and_then(Value::as_i64).map(Nanos::from_millis);
    out.events.push(Stamped { instrument, ts_venue, ts_engine: None, event: Event::OpenInterest(open) });
    Some(())
}
